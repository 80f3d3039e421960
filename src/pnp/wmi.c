/* WMI: devices say which blocks of data they have, and drivers ask for them, change them, call their methods and hear of their events.
 *
 * DOC ("Registering as a WMI Data Provider"): after IoWMIRegistrationControl(REGISTER) WMI sends IRP_MN_REGINFO_EX, from a worker thread; who
 * does not know it gets IRP_MN_REGINFO. DOC ("IRP_MN_REGINFO_EX"): the driver has referenced the PDOs that it names; WMI dereferences them.
 * Requests go to the top of the device's stack, with the device in ProviderId. All instance names are static here.
 * Consumers are drivers; wbem and its COM interfaces are not there. */
#include <stdio.h>
#include <string.h>

#include "ex/work.h"
#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "nt/wmi.h"
#include "ob/ob.h"
#include "pnp/room.h"
#include "rtl/string.h"
#include "sim/access.h"
#include "sim/door.h"

enum { WMI_TAG = 0x70696D57, REGINFO_BYTES = 4096, FIRST_BYTES = 1024, MAX_INSTANCES = 1024, MAX_BLOCKS = 256, NAME_CHARS = 256, MAX_TRIES = 4 };

struct name {
    USHORT length; /* bytes */
    WCHAR text[NAME_CHARS];
};

struct wmi_block {
    GUID guid;
    ULONG flags, instances;
    struct name *names; /* of its instances */
    bool events;
};

/* A device that registered. */
struct wmi_source {
    struct wmi_source *next;
    DEVICE_OBJECT *device; /* referenced */
    WORK_QUEUE_ITEM work;
    bool queued, gone, update; /* a worker will ask, or asks, for its blocks; it has deregistered; it asked to be asked again */
    KEVENT idle; /* no worker is about it */
    ULONG count;
    struct wmi_block *blocks;
};

/* What IoWMIOpenBlock gives: an object, in guest memory. */
struct consumer {
    struct consumer *next;
    GUID guid;
    ULONG access;
    PVOID callback, context;
};

struct wmi_event {
    struct wmi_event *next;
    WNODE_HEADER *node; /* the firing driver's pool block */
};

struct wmi_room {
    struct wmi_source *sources; /* in the order of registration */
    struct consumer *consumers;
    struct wmi_event *events; /* oldest first */
    WORK_QUEUE_ITEM event_work;
    bool event_queued;
};

static struct wmi_room *room(void)
{
    struct pnp_room *p = pnp_room();
    if (!p->wmi) {
        p->wmi = sim_alloc(sizeof *p->wmi);
        sim_name(p->wmi, sizeof *p->wmi, SIM_ACCESS_OF(SIM_ROOM, (uint64_t)ROOM_PNP << 32));
    }
    return p->wmi;
}

/* Who has registered and who listens is one object for the reduction. */
static void touch(void)
{
    sim_access((uint64_t)&pnp_room()->wmi, SIM_WRITE);
}

static ULONG align8(ULONG n)
{
    return (n + 7) & ~7u;
}

static bool same_guid(const GUID *a, const GUID *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- requests ---- */

static NTSTATUS ask(DEVICE_OBJECT *device, UCHAR minor, PVOID path, ULONG size, PVOID buffer, ULONG_PTR *information)
{
    DEVICE_OBJECT *top = io_top_of_stack(device);
    ULONG_PTR used = 0;
    ob_reference(top);
    IRP *irp = IoAllocateIrp(top->StackSize, FALSE);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IO_STACK_LOCATION *sl = io_next_location(irp);
    *sl = (IO_STACK_LOCATION) { .MajorFunction = IRP_MJ_SYSTEM_CONTROL, .MinorFunction = minor };
    sl->Parameters.WMI.ProviderId = (ULONG_PTR)device;
    sl->Parameters.WMI.DataPath = path;
    sl->Parameters.WMI.BufferSize = size;
    sl->Parameters.WMI.Buffer = buffer;
    NTSTATUS s = io_send_and_wait(top, irp, &used, FRAME_WmipForwardWmiIrp);
    touch(); /* the others had time to register and to listen */
    ob_dereference(top);
    if (information)
        *information = used;
    return s;
}

static void put_header(WNODE_HEADER *h, const struct wmi_source *s, const GUID *guid, ULONG size, ULONG flags)
{
    *h = (WNODE_HEADER) { .BufferSize = size, .ProviderId = (ULONG)(uint64_t)s->device, .Guid = *guid, .Flags = flags | WNODE_FLAG_STATIC_INSTANCE_NAMES };
}

/* Events and, for blocks that are expensive to collect, their collection. */
static void control(const struct wmi_source *s, struct wmi_block *b, UCHAR minor)
{
    WNODE_HEADER *h = ex_pool_alloc(NonPagedPoolNx, sizeof *h, WMI_TAG);
    put_header(h, s, &b->guid, sizeof *h, 0);
    ask(s->device, minor, &h->Guid, sizeof *h, h, NULL);
    ex_pool_free(h);
}

/* ---- registration ---- */

static void name_from(struct name *n, const char *base, ULONG index)
{
    char text[NAME_CHARS];
    UNICODE_STRING u;
    snprintf(text, sizeof text, "%s_%u", base, index);
    u = ob_text(text, n->text, NAME_CHARS);
    n->length = u.Length;
}

static void name_copy(struct name *n, const uint8_t *counted, const uint8_t *end)
{
    USHORT length;
    if (counted + 2 > end)
        return;
    memcpy(&length, counted, 2);
    if (length > sizeof n->text - 16 || counted + 2 + length > end)
        length = 0;
    n->length = length & ~1;
    memcpy(n->text, counted + 2, n->length);
}

static void take_names(struct wmi_block *b, const WMIREGGUIDW *g, const uint8_t *info, const uint8_t *end)
{
    const uint8_t *at = g->InstanceInfo < (ULONG_PTR)(end - info) ? info + g->InstanceInfo : end;
    b->names = sim_alloc(b->instances * sizeof *b->names + 1);
    for (ULONG i = 0; i < b->instances; i++) {
        struct name *n = &b->names[i];
        if (g->Flags & WMIREG_FLAG_INSTANCE_PDO) {
            const struct devnode *node = pnp_node_of((DEVICE_OBJECT *)g->InstanceInfo);
            char path[NAME_CHARS];
            snprintf(path, sizeof path, "%s\\%s", node ? node->device_id : "", node ? node->instance : "");
            name_from(n, path, i);
        } else if (g->Flags & WMIREG_FLAG_INSTANCE_LIST) {
            name_copy(n, at, end);
            at += at + 2 <= end ? 2 + n->length : 0;
        } else if (g->Flags & WMIREG_FLAG_INSTANCE_BASENAME) {
            name_copy(n, at, end);
            WCHAR digits[12];
            char text[12];
            snprintf(text, sizeof text, "%u", i);
            UNICODE_STRING u = ob_text(text, digits, 12);
            memcpy((uint8_t *)n->text + n->length, digits, u.Length);
            n->length += u.Length;
        }
    }
}

static bool wants_events(const GUID *guid)
{
    for (const struct consumer *c = room()->consumers; c; c = c->next)
        if ((c->access & WMIGUID_NOTIFICATION) && same_guid(&c->guid, guid))
            return true;
    return false;
}

static void take_registration(struct wmi_source *s, const WMIREGINFOW *info, ULONG bytes, bool referenced)
{
    ULONG count = info->GuidCount < MAX_BLOCKS ? info->GuidCount : MAX_BLOCKS;
    if (count > (bytes - sizeof *info) / sizeof info->WmiRegGuid[0])
        count = (ULONG)((bytes - sizeof *info) / sizeof info->WmiRegGuid[0]);
    s->blocks = sim_alloc(count * sizeof *s->blocks + 1);
    s->count = 0;
    for (ULONG i = 0; i < count; i++) {
        const WMIREGGUIDW *g = &info->WmiRegGuid[i];
        struct wmi_block *b = &s->blocks[s->count];
        if (!(g->Flags & WMIREG_FLAG_REMOVE_GUID)) {
            *b = (struct wmi_block) { .guid = g->Guid, .flags = g->Flags, .instances = g->InstanceCount < MAX_INSTANCES ? g->InstanceCount : MAX_INSTANCES };
            take_names(b, g, (const uint8_t *)info, (const uint8_t *)info + bytes);
            s->count++;
        }
        if (referenced && (g->Flags & WMIREG_FLAG_INSTANCE_PDO) && g->InstanceInfo)
            ob_dereference((void *)g->InstanceInfo);
    }
}

static void ask_registration(struct wmi_source *s, ULONG path)
{
    ULONG size = REGINFO_BYTES;
    UCHAR minor = IRP_MN_REGINFO_EX;
    for (int tries = 0; tries < MAX_TRIES; tries++) {
        ULONG_PTR used = 0;
        WMIREGINFOW *info = ex_pool_alloc(NonPagedPoolNx, size, WMI_TAG);
        memset(info, 0, size);
        NTSTATUS status = ask(s->device, minor, (PVOID)(ULONG_PTR)path, size, info, &used);
        ULONG needed = *(ULONG *)info;
        bool again = (status == STATUS_BUFFER_TOO_SMALL || status == STATUS_SUCCESS) && used == sizeof(ULONG) && needed > size && needed <= 1 << 20;
        if (NT_SUCCESS(status) && used >= sizeof *info && used <= size)
            take_registration(s, info, (ULONG)used, minor == IRP_MN_REGINFO_EX);
        ex_pool_free(info);
        if (again)
            size = needed;
        else if (minor == IRP_MN_REGINFO_EX && (status == STATUS_NOT_SUPPORTED || status == STATUS_INVALID_DEVICE_REQUEST))
            minor = IRP_MN_REGINFO;
        else
            break;
    }
    for (ULONG i = 0; i < s->count; i++)
        if (!s->blocks[i].events && wants_events(&s->blocks[i].guid)) {
            s->blocks[i].events = true;
            control(s, &s->blocks[i], IRP_MN_ENABLE_EVENTS);
        }
}

static void registration_worker(void *context)
{
    struct wmi_source *s = context;
    touch();
    if (!s->gone)
        ask_registration(s, s->update ? WMIUPDATE : WMIREGISTER);
    touch();
    s->queued = false;
    KeSetEvent(&s->idle, 0, FALSE);
}

static void queue_registration(struct wmi_source *s, bool update)
{
    s->update = update;
    if (s->queued)
        return;
    s->queued = true;
    KeClearEvent(&s->idle);
    ex_work_queue_host(&s->work, registration_worker, s, WORK_DELAYED);
}

static struct wmi_source *source_of(const DEVICE_OBJECT *device)
{
    struct wmi_source *s = room()->sources;
    while (s && s->device != device)
        s = s->next;
    return s;
}

static NTSTATUS register_device(DEVICE_OBJECT *device)
{
    enum { NOTIFICATION_EVENT = 0 };
    struct wmi_source *s = sim_alloc(sizeof *s), **end = &room()->sources;
    while (*end)
        end = &(*end)->next;
    s->device = device;
    sim_name(s, sizeof *s, SIM_ACCESS_OF(SIM_WMI_SOURCE, device));
    ob_reference(device);
    KeInitializeEvent(&s->idle, NOTIFICATION_EVENT, TRUE);
    *end = s;
    queue_registration(s, false);
    return STATUS_SUCCESS;
}

/* DOC: WMI sends no more requests when this has returned. */
static void deregister_device(struct wmi_source *s)
{
    struct wmi_source **at = &room()->sources;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    s->gone = true;
    KeWaitForSingleObject(&s->idle, 0, 0, FALSE, NULL);
    ob_dereference(s->device);
}

NTSTATUS IoWMIRegistrationControl(DEVICE_OBJECT *device, ULONG action)
{
    touch();
    struct wmi_source *s = source_of(device);
    switch (action) {
    case WMIREG_ACTION_REGISTER:
        return s ? STATUS_OBJECT_NAME_EXISTS : register_device(device); /* GUESS */
    case WMIREG_ACTION_DEREGISTER:
        if (s)
            deregister_device(s);
        return s ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    case WMIREG_ACTION_REREGISTER:
    case WMIREG_ACTION_UPDATE_GUIDS:
        if (s)
            queue_registration(s, action == WMIREG_ACTION_UPDATE_GUIDS);
        return s ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    case WMIREG_ACTION_BLOCK_IRPS:
        if (s)
            s->count = 0; /* nobody finds its blocks */
        return s ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

ULONG IoWMIDeviceObjectToProviderId(DEVICE_OBJECT *device)
{
    return (ULONG)(uint64_t)device;
}

/* ---- blocks ---- */

/* The next place where a GUID's block is: *s NULL to begin with. */
static struct wmi_block *next_block(const GUID *guid, struct wmi_source **s)
{
    for (*s = *s ? (*s)->next : room()->sources; *s; *s = (*s)->next)
        for (ULONG i = 0; i < (*s)->count; i++)
            if (same_guid(&(*s)->blocks[i].guid, guid))
                return &(*s)->blocks[i];
    return NULL;
}

static bool same_name(const struct name *n, const UNICODE_STRING *name)
{
    UNICODE_STRING own = { .Length = n->length, .MaximumLength = n->length, .Buffer = (WCHAR *)n->text };
    return RtlEqualUnicodeString(&own, name, TRUE);
}

static struct wmi_block *named_block(const struct consumer *c, const UNICODE_STRING *name, struct wmi_source **s, ULONG *index)
{
    *s = NULL;
    for (struct wmi_block *b; (b = next_block(&c->guid, s)) != NULL;)
        for (*index = 0; *index < b->instances; ++*index)
            if (same_name(&b->names[*index], name))
                return b;
    return NULL;
}

/* ---- consumers ---- */

static void events_for_all(const GUID *guid, bool enable)
{
    struct wmi_source *s = NULL;
    for (struct wmi_block *b; (b = next_block(guid, &s)) != NULL;)
        if (b->events != enable) {
            b->events = enable;
            control(s, b, enable ? IRP_MN_ENABLE_EVENTS : IRP_MN_DISABLE_EVENTS);
        }
}

static bool collects(const struct consumer *c)
{
    return (c->access & (WMIGUID_QUERY | WMIGUID_SET | WMIGUID_EXECUTE)) != 0;
}

static void collection_for_all(const struct consumer *c, UCHAR minor)
{
    struct wmi_source *s = NULL;
    for (const struct consumer *o = room()->consumers; o; o = o->next)
        if (o != c && collects(o) && same_guid(&o->guid, &c->guid))
            return; /* it is on, and stays so */
    for (struct wmi_block *b; (b = next_block(&c->guid, &s)) != NULL;)
        if (b->flags & WMIREG_FLAG_EXPENSIVE)
            control(s, b, minor);
}

static void consumer_delete(void *object)
{
    struct consumer *c = object, **at = &room()->consumers;
    touch();
    while (*at && *at != c)
        at = &(*at)->next;
    if (*at)
        *at = c->next;
    if ((c->access & WMIGUID_NOTIFICATION) && !wants_events(&c->guid))
        events_for_all(&c->guid, false);
    if (collects(c))
        collection_for_all(c, IRP_MN_DISABLE_COLLECTION);
}

static bool consumer_delete_waits(const void *object)
{
    return true;
}

static const struct ob_type consumer_type = { .name = "WmiGuid", .delete = consumer_delete, .offset_of_waitable = OB_NOT_WAITABLE, .delete_waits = consumer_delete_waits };

void pnp_wmi_init(void)
{
    ob_type_register(OB_WMI_GUID, &consumer_type);
}

/* GUESS: a block that nobody has can be listened to, since its provider may come later, but not be asked. */
NTSTATUS IoWMIOpenBlock(const GUID *guid, ULONG access, PVOID *block)
{
    struct wmi_source *s = NULL;
    touch();
    *block = NULL;
    if (!(access & (WMIGUID_QUERY | WMIGUID_SET | WMIGUID_NOTIFICATION | WMIGUID_EXECUTE)))
        return STATUS_ACCESS_DENIED;
    if (!(access & WMIGUID_NOTIFICATION) && !next_block(guid, &s))
        return STATUS_WMI_GUID_NOT_FOUND;
    struct consumer *c = ob_create(OB_WMI_GUID, sizeof *c), **end = &room()->consumers;
    c->guid = *guid;
    c->access = access;
    while (*end)
        end = &(*end)->next;
    *end = c;
    if (access & WMIGUID_NOTIFICATION)
        events_for_all(guid, true);
    if (collects(c))
        collection_for_all(c, IRP_MN_ENABLE_COLLECTION);
    *block = c;
    return STATUS_SUCCESS;
}

static NTSTATUS check(const struct consumer *c, ULONG access)
{
    touch();
    if (ob_type_of(c) != OB_WMI_GUID)
        return STATUS_OBJECT_TYPE_MISMATCH;
    return (c->access & access) == access ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

/* ---- data ---- */

/* Asks with a buffer that is as large as the driver wants it; *node is pool, NULL after a failure. */
static NTSTATUS ask_for(const struct wmi_source *s, UCHAR minor, WNODE_HEADER **node)
{
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    ULONG size = (*node)->BufferSize;
    for (int tries = 0; tries < MAX_TRIES; tries++) {
        WNODE_HEADER *n = ex_pool_alloc(NonPagedPoolNx, size, WMI_TAG);
        memset(n, 0, size);
        memcpy(n, *node, (*node)->BufferSize < size ? (*node)->BufferSize : size);
        n->BufferSize = size;
        status = ask(s->device, minor, &n->Guid, size, n, NULL);
        ULONG needed = ((WNODE_TOO_SMALL *)n)->SizeNeeded;
        bool small = NT_SUCCESS(status) && (n->Flags & WNODE_FLAG_TOO_SMALL);
        if (!small) {
            ex_pool_free(*node);
            *node = n;
            return status;
        }
        ex_pool_free(n);
        status = STATUS_UNSUCCESSFUL;
        if (needed <= size || needed > 1 << 24)
            break;
        size = needed;
    }
    return status;
}

static WNODE_HEADER *make_node(const struct wmi_source *s, const GUID *guid, ULONG size, ULONG flags)
{
    WNODE_HEADER *n = ex_pool_alloc(NonPagedPoolNx, size, WMI_TAG);
    memset(n, 0, size);
    put_header(n, s, guid, size, flags);
    return n;
}

static ULONG names_bytes(const struct wmi_block *b)
{
    ULONG bytes = b->instances * (ULONG)sizeof(ULONG);
    for (ULONG i = 0; i < b->instances; i++)
        bytes += 2 + b->names[i].length;
    return bytes;
}

/* The static names behind the driver's data, and where they are. */
static void put_names(const struct wmi_block *b, WNODE_ALL_DATA *to, ULONG at)
{
    ULONG text = at + b->instances * (ULONG)sizeof(ULONG);
    to->OffsetInstanceNameOffsets = at;
    for (ULONG i = 0; i < b->instances; i++) {
        memcpy((uint8_t *)to + at + i * sizeof(ULONG), &text, sizeof text);
        memcpy((uint8_t *)to + text, &b->names[i].length, 2);
        memcpy((uint8_t *)to + text + 2, b->names[i].text, b->names[i].length);
        text += 2 + b->names[i].length;
    }
}

NTSTATUS IoWMIQueryAllData(struct consumer *c, ULONG *size, PVOID out)
{
    struct wmi_source *s = NULL;
    WNODE_HEADER *previous = NULL;
    ULONG total = 0, begun = 0;
    bool any = false;
    NTSTATUS status = check(c, WMIGUID_QUERY), last = STATUS_WMI_GUID_NOT_FOUND;
    if (!NT_SUCCESS(status))
        return status;
    for (struct wmi_block *b; (b = next_block(&c->guid, &s)) != NULL;) {
        if (b->flags & WMIREG_FLAG_EVENT_ONLY_GUID)
            continue;
        WNODE_HEADER *n = make_node(s, &b->guid, FIRST_BYTES, WNODE_FLAG_ALL_DATA);
        last = ask_for(s, IRP_MN_QUERY_ALL_DATA, &n);
        if (NT_SUCCESS(last)) {
            ULONG names = align8(n->BufferSize), bytes = names + names_bytes(b);
            total = align8(total);
            if (total + bytes <= *size && out) {
                WNODE_ALL_DATA *to = (WNODE_ALL_DATA *)((uint8_t *)out + total);
                memcpy(to, n, n->BufferSize);
                put_names(b, to, names);
                to->WnodeHeader.BufferSize = bytes;
                to->WnodeHeader.Linkage = 0;
                if (previous)
                    previous->Linkage = total - begun;
                previous = &to->WnodeHeader;
                begun = total;
            }
            total += bytes;
            any = true;
        }
        ex_pool_free(n);
    }
    if (!any)
        return last;
    bool fits = total <= *size && out;
    *size = total;
    return fits ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

/* A WNODE_SINGLE_INSTANCE with the instance's name and room for data. */
static WNODE_SINGLE_INSTANCE *single(const struct wmi_source *s, const struct wmi_block *b, ULONG index, ULONG data)
{
    ULONG at = align8((ULONG)sizeof(WNODE_SINGLE_INSTANCE) + 2 + b->names[index].length);
    WNODE_SINGLE_INSTANCE *n = (void *)make_node(s, &b->guid, at + data, WNODE_FLAG_SINGLE_INSTANCE);
    n->OffsetInstanceName = sizeof *n;
    n->InstanceIndex = index;
    n->DataBlockOffset = at;
    memcpy((uint8_t *)n + sizeof *n, &b->names[index].length, 2);
    memcpy((uint8_t *)n + sizeof *n + 2, b->names[index].text, b->names[index].length);
    return n;
}

NTSTATUS IoWMIQuerySingleInstance(struct consumer *c, UNICODE_STRING *name, ULONG *size, PVOID out)
{
    struct wmi_source *s;
    ULONG index;
    NTSTATUS status = check(c, WMIGUID_QUERY);
    struct wmi_block *b = NT_SUCCESS(status) ? named_block(c, name, &s, &index) : NULL;
    if (!b)
        return NT_SUCCESS(status) ? STATUS_WMI_INSTANCE_NOT_FOUND : status;
    WNODE_HEADER *n = &single(s, b, index, FIRST_BYTES)->WnodeHeader;
    status = ask_for(s, IRP_MN_QUERY_SINGLE_INSTANCE, &n);
    if (NT_SUCCESS(status)) {
        bool fits = n->BufferSize <= *size && out;
        if (fits)
            memcpy(out, n, n->BufferSize);
        *size = n->BufferSize;
        status = fits ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
    }
    ex_pool_free(n);
    return status;
}

NTSTATUS IoWMISetSingleInstance(struct consumer *c, UNICODE_STRING *name, ULONG version, ULONG size, PVOID value)
{
    struct wmi_source *s;
    ULONG index;
    NTSTATUS status = check(c, WMIGUID_SET);
    struct wmi_block *b = NT_SUCCESS(status) ? named_block(c, name, &s, &index) : NULL;
    if (!b)
        return NT_SUCCESS(status) ? STATUS_WMI_INSTANCE_NOT_FOUND : status;
    WNODE_SINGLE_INSTANCE *n = single(s, b, index, size);
    n->WnodeHeader.Version = version;
    n->SizeDataBlock = size;
    memcpy((uint8_t *)n + n->DataBlockOffset, value, size);
    status = ask(s->device, IRP_MN_CHANGE_SINGLE_INSTANCE, &n->WnodeHeader.Guid, n->WnodeHeader.BufferSize, n, NULL);
    ex_pool_free(n);
    return status;
}

/* Items and methods have one form; data: the larger of what goes in and what may come out. */
static WNODE_ITEM *item(const struct wmi_source *s, const struct wmi_block *b, ULONG index, ULONG id, ULONG data, ULONG flags)
{
    ULONG names = (ULONG)offsetof(WNODE_ITEM, SizeData) + 4, at = align8(names + 2 + b->names[index].length);
    WNODE_ITEM *n = (void *)make_node(s, &b->guid, at + data, flags);
    n->OffsetInstanceName = names;
    n->InstanceIndex = index;
    n->Id = id;
    n->DataBlockOffset = at;
    memcpy((uint8_t *)n + names, &b->names[index].length, 2);
    memcpy((uint8_t *)n + names + 2, b->names[index].text, b->names[index].length);
    return n;
}

NTSTATUS IoWMISetSingleItem(struct consumer *c, UNICODE_STRING *name, ULONG id, ULONG version, ULONG size, PVOID value)
{
    struct wmi_source *s;
    ULONG index;
    NTSTATUS status = check(c, WMIGUID_SET);
    struct wmi_block *b = NT_SUCCESS(status) ? named_block(c, name, &s, &index) : NULL;
    if (!b)
        return NT_SUCCESS(status) ? STATUS_WMI_INSTANCE_NOT_FOUND : status;
    WNODE_ITEM *n = item(s, b, index, id, size, WNODE_FLAG_SINGLE_ITEM);
    n->WnodeHeader.Version = version;
    n->SizeData = size;
    memcpy((uint8_t *)n + n->DataBlockOffset, value, size);
    status = ask(s->device, IRP_MN_CHANGE_SINGLE_ITEM, &n->WnodeHeader.Guid, n->WnodeHeader.BufferSize, n, NULL);
    ex_pool_free(n);
    return status;
}

NTSTATUS IoWMIExecuteMethod(struct consumer *c, UNICODE_STRING *name, ULONG id, ULONG in, ULONG *out, uint8_t *buffer)
{
    struct wmi_source *s;
    ULONG index, room_out = *out;
    NTSTATUS status = check(c, WMIGUID_EXECUTE);
    struct wmi_block *b = NT_SUCCESS(status) ? named_block(c, name, &s, &index) : NULL;
    if (!b)
        return NT_SUCCESS(status) ? STATUS_WMI_INSTANCE_NOT_FOUND : status;
    WNODE_ITEM *n = item(s, b, index, id, in > room_out ? in : room_out, WNODE_FLAG_METHOD_ITEM);
    ULONG at = n->DataBlockOffset;
    n->SizeData = in;
    if (in)
        memcpy((uint8_t *)n + at, buffer, in);
    status = ask(s->device, IRP_MN_EXECUTE_METHOD, &n->WnodeHeader.Guid, n->WnodeHeader.BufferSize, n, NULL);
    if (NT_SUCCESS(status) && (n->WnodeHeader.Flags & WNODE_FLAG_TOO_SMALL)) {
        ULONG needed = ((WNODE_TOO_SMALL *)n)->SizeNeeded;
        *out = needed > at ? needed - at : 0;
        status = STATUS_BUFFER_TOO_SMALL;
    } else if (NT_SUCCESS(status)) {
        *out = n->SizeData;
        if (n->SizeData <= room_out && n->SizeData)
            memcpy(buffer, (uint8_t *)n + at, n->SizeData);
        status = n->SizeData <= room_out ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
    }
    ex_pool_free(n);
    return status;
}

/* The name of a device's first instance in the block. */
NTSTATUS IoWMIDeviceObjectToInstanceName(struct consumer *c, DEVICE_OBJECT *device, UNICODE_STRING *name)
{
    struct wmi_source *s = NULL;
    for (struct wmi_block *b; (b = next_block(&c->guid, &s)) != NULL;)
        if (b->instances && (s->device == device || io_top_of_stack(s->device) == io_top_of_stack(device))) {
            if (name->MaximumLength < b->names[0].length) {
                name->Length = b->names[0].length;
                return STATUS_BUFFER_TOO_SMALL;
            }
            name->Length = b->names[0].length;
            memcpy(name->Buffer, b->names[0].text, name->Length);
            return STATUS_SUCCESS;
        }
    return STATUS_WMI_INSTANCE_NOT_FOUND;
}

/* ---- events ---- */

NTSTATUS IoWMISetNotificationCallback(struct consumer *c, PVOID callback, PVOID context)
{
    NTSTATUS status = check(c, WMIGUID_NOTIFICATION);
    if (NT_SUCCESS(status)) {
        c->callback = callback;
        c->context = context;
    }
    return status;
}

/* The n-th that listens to the event, referenced. */
static struct consumer *listener(const GUID *guid, unsigned n)
{
    for (struct consumer *c = room()->consumers; c; c = c->next)
        if (c->callback && same_guid(&c->guid, guid) && !n--) {
            ob_reference(c);
            return c;
        }
    return NULL;
}

static void event_worker(void *context)
{
    struct wmi_room *r = context;
    touch();
    for (struct wmi_event *e; (e = r->events) != NULL;) {
        r->events = e->next;
        struct consumer *c;
        for (unsigned i = 0; (c = listener(&e->node->Guid, i)) != NULL; i++) {
            guest_call(FRAME_WmipNotifyKernelConsumer, c->callback, 2, (uint64_t)e->node, (uint64_t)c->context);
            touch();
            ob_dereference(c);
        }
        ex_pool_free(e->node);
        ex_pool_free(e);
    }
    r->event_queued = false;
}

/* DOC: on success the event item, a pool block of the caller's, belongs to WMI; IRQL <= DISPATCH_LEVEL. */
NTSTATUS IoWMIWriteEvent(WNODE_HEADER *node)
{
    touch();
    struct wmi_room *r = room();
    struct consumer *c = listener(&node->Guid, 0);
    if (!c) {
        ex_pool_free(node);
        return STATUS_SUCCESS;
    }
    ob_dereference(c);
    struct wmi_event *e = ex_pool_alloc(NonPagedPoolNx, sizeof *e, WMI_TAG), **end = &r->events;
    *e = (struct wmi_event) { .node = node };
    while (*end)
        end = &(*end)->next;
    *end = e;
    if (!r->event_queued) {
        r->event_queued = true;
        ex_work_queue_host(&r->event_work, event_worker, r, WORK_DELAYED);
    }
    return STATUS_SUCCESS;
}
