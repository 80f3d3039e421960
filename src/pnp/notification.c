/* Plug-and-play notification. Callbacks run at PASSIVE_LEVEL: for interfaces that exist already in the registering call, for arrivals
 * and removals and custom events later in a system worker thread, for query-remove and remove in the thread that removes.
 * Hardware profiles never change here. */
#include <string.h>

#include "ex/work.h"
#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "pnp/room.h"
#include "sim/access.h"
#include "sim/door.h"

enum { PROFILE_CHANGE = 1, INTERFACE_CHANGE = 2, TARGET_CHANGE = 3, INCLUDE_EXISTING = 1, NOTIFY_TAG = 0x6E706E50 };

/* What a driver holds as its entry, in pool: opaque to it. */
struct notification {
    struct notification *next;
    uint64_t serial;
    ULONG category;
    GUID class;
    FILE_OBJECT *file; /* not referenced: who registered may close it, and is to be told of the device still */
    DEVICE_OBJECT *pdo; /* of a target: referenced */
    DRIVER_OBJECT *driver; /* referenced */
    PVOID callback, context;
    ULONG references; /* registered, and one for each callback under way */
    bool gone;
    PVOID running_thread;
    KEVENT idle; /* signalled when no callback is under way */
};

typedef struct INTERFACE_NOTIFICATION {
    USHORT Version, Size;
    GUID Event, InterfaceClassGuid;
    UNICODE_STRING *SymbolicLinkName;
} INTERFACE_NOTIFICATION;
typedef struct TARGET_NOTIFICATION {
    USHORT Version, Size;
    GUID Event;
    FILE_OBJECT *FileObject;
    LONG NameBufferOffset; /* these two of custom events only */
    UCHAR CustomDataBuffer[1];
} TARGET_NOTIFICATION;
_Static_assert(sizeof(INTERFACE_NOTIFICATION) == 48 && offsetof(TARGET_NOTIFICATION, CustomDataBuffer) == 36, "wdm.h");

#define EVENT(n) { 0xCB3A4000 + (n), 0x46F0, 0x11D0, { 0xB0, 0x8F, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3F } }
static const GUID arrival = EVENT(4), removal = EVENT(5), query_remove = EVENT(6), remove_cancelled = EVENT(7), remove_complete = EVENT(8);

/* Who is registered, and how long entries last, is one object for the reduction. */
static void touch(unsigned how)
{
    sim_access((uint64_t)&pnp_room()->notifications, how);
}

static void release(struct notification *n)
{
    touch(SIM_WRITE);
    if (--n->references)
        return;
    if (n->file)
        ob_dereference(n->pdo);
    ob_dereference(n->driver);
    ex_pool_free(n);
}

/* The first one registered after this serial number: callbacks register and unregister while the list is walked. */
static struct notification *after(uint64_t serial)
{
    struct notification *n = pnp_room()->notifications;
    touch(SIM_READ);
    while (n && (n->serial <= serial || n->gone))
        n = n->next;
    return n;
}

static NTSTATUS call(struct notification *n, void *structure)
{
    touch(SIM_WRITE);
    n->references++;
    KeClearEvent(&n->idle);
    n->running_thread = ps_current()->ethread;
    NTSTATUS s = (NTSTATUS)guest_call(FRAME_PnpNotifyDriverCallback, n->callback, 2, (uint64_t)structure, (uint64_t)n->context);
    n->running_thread = NULL;
    KeSetEvent(&n->idle, 0, FALSE);
    release(n);
    return s;
}

/* ---- interfaces ---- */

struct interface_event {
    INTERFACE_NOTIFICATION n;
    UNICODE_STRING link;
    WCHAR text[400];
};

static void interface_call(struct notification *n, const GUID *event, const GUID *class, const char *link)
{
    struct interface_event *e = ex_pool_alloc(PagedPool, sizeof *e, NOTIFY_TAG);
    memset(e, 0, sizeof *e);
    e->link = ob_text(link, e->text, 400);
    e->n = (INTERFACE_NOTIFICATION) { 1, sizeof e->n, *event, *class, &e->link };
    call(n, e);
    ex_pool_free(e);
}

struct interface_work {
    WORK_QUEUE_ITEM item;
    GUID class;
    bool enabled;
    char link[400];
};

static void interface_deliver(void *context)
{
    struct interface_work *w = context;
    uint64_t serial = 0;
    for (struct notification *n; (n = after(serial)) != NULL;) {
        serial = n->serial;
        if (n->category == INTERFACE_CHANGE && memcmp(&n->class, &w->class, sizeof n->class) == 0)
            interface_call(n, w->enabled ? &arrival : &removal, &w->class, w->link);
    }
    ex_pool_free(w);
}

void pnp_notify_interface(const GUID *class, const char *link, bool enabled)
{
    bool wanted = false;
    const struct pnp_event e = { .kind = enabled ? PNP_EVENT_ARRIVAL : PNP_EVENT_REMOVAL, .class = class, .link = link };
    if (pnp_user_hook)
        pnp_user_hook(&e);
    touch(SIM_READ);
    for (const struct notification *n = pnp_room()->notifications; n; n = n->next)
        wanted |= n->category == INTERFACE_CHANGE && memcmp(&n->class, class, sizeof *class) == 0;
    if (!wanted)
        return;
    struct interface_work *w = ex_pool_alloc(NonPagedPoolNx, sizeof *w, NOTIFY_TAG);
    memset(w, 0, sizeof *w);
    w->class = *class;
    w->enabled = enabled;
    memcpy(w->link, link, strlen(link) + 1);
    ex_work_queue_host(&w->item, interface_deliver, w, WORK_DELAYED);
}

/* ---- targets ---- */

static bool target_event(const DEVICE_OBJECT *pdo, const GUID *event)
{
    uint64_t serial = 0;
    for (struct notification *n; (n = after(serial)) != NULL;) {
        serial = n->serial;
        if (n->category != TARGET_CHANGE || n->pdo != pdo)
            continue;
        TARGET_NOTIFICATION *t = ex_pool_alloc(PagedPool, sizeof *t, NOTIFY_TAG);
        memset(t, 0, sizeof *t);
        *t = (TARGET_NOTIFICATION) { .Version = 1, .Size = 32, .Event = *event, .FileObject = n->file };
        NTSTATUS s = call(n, t);
        ex_pool_free(t);
        if (event == &query_remove && !NT_SUCCESS(s))
            return false;
    }
    return true;
}

/* Programs that registered are told through this, if there are any (win32/device_notify.c). */
bool (*pnp_user_hook)(const struct pnp_event *e);

static bool tell(enum pnp_event_kind kind, const DEVICE_OBJECT *pdo, const struct devnode *n)
{
    const struct pnp_event e = { .kind = kind, .pdo = pdo, .node = n };
    return !pnp_user_hook || pnp_user_hook(&e);
}

/* DOC: programs are asked first, then drivers. */
enum pnp_veto pnp_notify_query_remove(const DEVICE_OBJECT *pdo)
{
    if (!tell(PNP_EVENT_QUERY_REMOVE, pdo, pnp_node_of(pdo)))
        return PNP_VETO_APPLICATION;
    return target_event(pdo, &query_remove) ? PNP_VETO_UNKNOWN : PNP_VETO_DRIVER;
}

void pnp_notify_remove_cancelled(const DEVICE_OBJECT *pdo)
{
    target_event(pdo, &remove_cancelled);
    tell(PNP_EVENT_REMOVE_CANCELLED, pdo, pnp_node_of(pdo));
}

void pnp_notify_removed(const DEVICE_OBJECT *pdo)
{
    target_event(pdo, &remove_complete);
    tell(PNP_EVENT_REMOVED, pdo, pnp_node_of(pdo));
}

void pnp_notify_instance(const struct devnode *n, bool started)
{
    tell(started ? PNP_EVENT_STARTED : PNP_EVENT_GONE, n->pdo, n);
}

struct custom_work {
    WORK_QUEUE_ITEM item;
    DEVICE_OBJECT *pdo; /* referenced */
    PVOID callback, context;
    TARGET_NOTIFICATION n; /* Size bytes follow */
};

static void custom_deliver(void *context)
{
    struct custom_work *w = context;
    uint64_t serial = 0;
    for (struct notification *n; (n = after(serial)) != NULL;) {
        serial = n->serial;
        if (n->category == TARGET_CHANGE && n->pdo == w->pdo) {
            w->n.FileObject = n->file;
            call(n, &w->n);
        }
    }
    const struct pnp_event e = { .kind = PNP_EVENT_CUSTOM, .pdo = w->pdo, .node = pnp_node_of(w->pdo), .custom = &w->n.Event,
                                 .custom_bytes = w->n.Size - (ULONG)offsetof(TARGET_NOTIFICATION, Event) };
    if (pnp_user_hook)
        pnp_user_hook(&e);
    if (w->callback)
        guest_call(FRAME_NONE, w->callback, 1, (uint64_t)w->context);
    ob_dereference(w->pdo);
    ex_pool_free(w);
}

static bool is_of_system(const GUID *g)
{
    const GUID *own[] = { &query_remove, &remove_cancelled, &remove_complete };
    for (int i = 0; i < 3; i++)
        if (memcmp(g, own[i], sizeof *g) == 0)
            return true;
    return false;
}

static NTSTATUS custom_make(DEVICE_OBJECT *pdo, const TARGET_NOTIFICATION *n, PVOID callback, PVOID context, struct custom_work **out)
{
    if (!pnp_node_of(pdo))
        return STATUS_INVALID_DEVICE_REQUEST;
    if (n->Size < 32 || is_of_system(&n->Event))
        return STATUS_INVALID_DEVICE_REQUEST; /* DOC: the system's own events may not be sent */
    struct custom_work *w = ex_pool_alloc(NonPagedPoolNx, sizeof *w + n->Size, NOTIFY_TAG);
    memset(w, 0, sizeof *w);
    memcpy(&w->n, n, n->Size);
    w->pdo = pdo;
    w->callback = callback;
    w->context = context;
    ob_reference(pdo);
    *out = w;
    return STATUS_SUCCESS;
}

NTSTATUS IoReportTargetDeviceChange(DEVICE_OBJECT *pdo, PVOID structure)
{
    struct custom_work *w;
    NTSTATUS s = custom_make(pdo, structure, NULL, NULL, &w);
    if (NT_SUCCESS(s))
        custom_deliver(w);
    return s;
}

NTSTATUS IoReportTargetDeviceChangeAsynchronous(DEVICE_OBJECT *pdo, PVOID structure, PVOID callback, PVOID context)
{
    struct custom_work *w;
    NTSTATUS s = custom_make(pdo, structure, callback, context, &w);
    if (!NT_SUCCESS(s))
        return s;
    ex_work_queue_host(&w->item, custom_deliver, w, WORK_DELAYED);
    return STATUS_PENDING;
}

/* ---- registration ---- */

NTSTATUS IoRegisterPlugPlayNotification(ULONG category, ULONG flags, PVOID data, DRIVER_OBJECT *driver, PVOID callback, PVOID context, PVOID *entry)
{
    *entry = NULL;
    if (category < PROFILE_CHANGE || category > TARGET_CHANGE)
        return STATUS_INVALID_PARAMETER;
    struct notification *n = ex_pool_alloc(NonPagedPoolNx, sizeof *n, NOTIFY_TAG);
    memset(n, 0, sizeof *n);
    touch(SIM_WRITE);
    n->serial = ++pnp_room()->notification_serial;
    n->category = category;
    n->driver = driver;
    n->callback = callback;
    n->context = context;
    n->references = 1;
    KeInitializeEvent(&n->idle, NotificationEvent, TRUE);
    if (category == INTERFACE_CHANGE)
        memcpy(&n->class, data, sizeof n->class);
    if (category == TARGET_CHANGE) {
        DEVICE_OBJECT *base = IoGetRelatedDeviceObject(data);
        while (base->DeviceObjectExtension->AttachedTo)
            base = base->DeviceObjectExtension->AttachedTo;
        if (!pnp_node_of(base)) {
            ex_pool_free(n);
            return STATUS_NO_SUCH_DEVICE;
        }
        n->pdo = base;
        n->file = data;
        ob_reference(n->pdo);
    }
    ob_reference(driver);
    struct notification **at = &pnp_room()->notifications;
    while (*at)
        at = &(*at)->next;
    *at = n;
    *entry = n;
    for (struct interface_record *r = pnp_room()->interfaces; category == INTERFACE_CHANGE && (flags & INCLUDE_EXISTING) && r; r = r->next)
        if (r->enabled && memcmp(&r->class, &n->class, sizeof n->class) == 0)
            interface_call(n, &arrival, &r->class, r->link);
    return STATUS_SUCCESS;
}

static NTSTATUS unregister(struct notification *n)
{
    struct notification **at = &pnp_room()->notifications;
    touch(SIM_WRITE);
    while (*at && *at != n)
        at = &(*at)->next;
    if (!*at)
        return STATUS_INVALID_PARAMETER;
    n->gone = true;
    /* DOC: returns when no callback runs any more; from within the callback it does not wait. */
    if (n->running_thread != (PVOID)ps_current()->ethread)
        while (KeReadStateEvent(&n->idle) == 0)
            KeWaitForSingleObject(&n->idle, Executive, KernelMode, FALSE, NULL);
    touch(SIM_WRITE);
    for (at = &pnp_room()->notifications; *at != n;)
        at = &(*at)->next;
    *at = n->next;
    release(n);
    return STATUS_SUCCESS;
}

NTSTATUS IoUnregisterPlugPlayNotification(PVOID entry)
{
    return unregister(entry);
}

NTSTATUS IoUnregisterPlugPlayNotificationEx(PVOID entry)
{
    return unregister(entry);
}

unsigned pnp_notifications_of(const DRIVER_OBJECT *driver)
{
    unsigned n = 0;
    for (const struct notification *e = pnp_room() ? pnp_room()->notifications : NULL; e; e = e->next)
        n += driver ? e->driver == driver : !io_driver_of(e->driver);
    return n;
}
