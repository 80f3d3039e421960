/* CM_Register_Notification: programs hear of devices in a thread of their own, one event after another, in the order in which they
 * happened. Plug and play waits for the answer of those who are asked whether a device may be removed, and for nobody else. */
#include "win32/devices.h"

#include <strings.h>

enum { FILTER_INTERFACE, FILTER_HANDLE, FILTER_INSTANCE, ALL_CLASSES = 1, ALL_INSTANCES = 2, FILTER_BYTES = 416, EVENT_BYTES = 1024 };
enum { ACTION_ARRIVAL, ACTION_REMOVAL, ACTION_QUERY_REMOVE, ACTION_QUERY_FAILED, ACTION_REMOVE_PENDING, ACTION_REMOVE_COMPLETE, ACTION_CUSTOM,
       ACTION_INSTANCE_ENUMERATED, ACTION_INSTANCE_STARTED, ACTION_INSTANCE_REMOVED };

/* CM_NOTIFY_FILTER */
struct notify_filter {
    ULONG size, flags, type, reserved;
    union {
        GUID class;
        HANDLE handle;
        WCHAR instance[200];
    };
};
_Static_assert(sizeof(struct notify_filter) == FILTER_BYTES, "cfgmgr32.h");

struct registration {
    struct registration *next;
    struct process *process;
    uint64_t handle;
    ULONG type, flags;
    GUID class;
    const DEVICE_OBJECT *pdo; /* of a handle; only compared */
    char instance[DEVICE_ID_BYTES];
    uint64_t callback, context;
    unsigned pending; /* events not delivered yet */
    bool gone;
};

struct told { /* an event for one registration */
    struct told *next;
    struct registration *to;
    ULONG action, bytes;
    uint8_t data[EVENT_BYTES]; /* CM_NOTIFY_EVENT_DATA */
    KEVENT *answered; /* somebody waits */
    ULONG *answer;
};

struct notifier { /* of a process */
    struct notifier *next;
    struct process *process;
    PVOID thread; /* ETHREAD */
    KSEMAPHORE work;
    struct told *first;
};

struct device_notify {
    struct registration *registrations;
    struct notifier *notifiers;
    uint64_t serial;
};

static struct device_notify *room(void)
{
    struct w32_room *r = w32_room();
    if (!r->device_notify)
        r->device_notify = sim_alloc(sizeof(struct device_notify));
    return r->device_notify;
}

static struct notifier *notifier_of(const struct process *p)
{
    struct notifier *n = room()->notifiers;
    while (n && n->process != p)
        n = n->next;
    return n;
}

/* ---- events ---- */

static void put(struct told *t, const void *bytes, size_t n)
{
    if (t->bytes + n <= sizeof t->data) {
        memcpy(t->data + t->bytes, bytes, n);
        t->bytes += (ULONG)n;
    }
}

static void put_wide(struct told *t, const char *text)
{
    for (;; text++) {
        WCHAR c = (uint8_t)*text;
        put(t, &c, 2);
        if (!c)
            return;
    }
}

static void fill(struct told *t, const struct pnp_event *e)
{
    const ULONG head[2] = { t->to->type, 0 };
    put(t, head, sizeof head);
    if (t->to->type == FILTER_INTERFACE) {
        char link[420];
        device_link(e->link, link, sizeof link);
        put(t, e->class, sizeof *e->class);
        put_wide(t, link);
    } else if (t->to->type == FILTER_INSTANCE) {
        char id[DEVICE_ID_BYTES];
        device_id(e->node, id);
        put_wide(t, id);
    } else {
        /* GUID, offset of a name, bytes, data; a custom event has its file object between GUID and offset. */
        static const GUID none;
        const uint8_t *c = e->custom;
        ULONG tail[2] = { 0, 0 }, data = 0;
        if (e->kind == PNP_EVENT_CUSTOM) {
            data = e->custom_bytes > 32 ? e->custom_bytes - 32 : 0;
            memcpy(&tail[0], c + 28, 4);
            tail[1] = data;
        }
        put(t, e->kind == PNP_EVENT_CUSTOM ? e->custom : &none, sizeof none);
        put(t, tail, sizeof tail);
        if (data)
            put(t, c + 32, data);
    }
}

static bool wants(const struct registration *r, const struct pnp_event *e, ULONG *action)
{
    static const int of_interface[] = { ACTION_ARRIVAL, ACTION_REMOVAL, -1, -1, -1, -1, -1, -1 };
    static const int of_handle[] = { -1, -1, ACTION_QUERY_REMOVE, ACTION_QUERY_FAILED, ACTION_REMOVE_COMPLETE, ACTION_CUSTOM, -1, -1 };
    static const int of_instance[] = { -1, -1, -1, -1, -1, -1, ACTION_INSTANCE_STARTED, ACTION_INSTANCE_REMOVED };
    int a = (r->type == FILTER_INTERFACE ? of_interface : r->type == FILTER_HANDLE ? of_handle : of_instance)[e->kind];
    *action = (ULONG)a;
    if (a < 0 || r->gone)
        return false;
    if (r->type == FILTER_INTERFACE)
        return (r->flags & ALL_CLASSES) || device_same_guid(&r->class, e->class);
    if (r->type == FILTER_HANDLE)
        return r->pdo == e->pdo;
    char id[DEVICE_ID_BYTES];
    device_id(e->node, id);
    return (r->flags & ALL_INSTANCES) || strcasecmp(id, r->instance) == 0;
}

/* Waits for a program to say whether a device may go. DOC: one that does not answer in thirty seconds does not hold it up. */
static bool ask(struct told *t, struct notifier *n)
{
    LARGE_INTEGER half_a_minute = { .QuadPart = -300000000ll };
    KEVENT *answered = ex_pool_alloc(NonPagedPoolNx, sizeof *answered, 0x70506E50);
    ULONG *answer = sim_alloc(sizeof *answer);
    KeInitializeEvent(answered, NotificationEvent, FALSE);
    t->answered = answered;
    t->answer = answer;
    KeReleaseSemaphore(&n->work, 0, 1, FALSE);
    NTSTATUS s = KeWaitForSingleObject(answered, Executive, KernelMode, FALSE, &half_a_minute);
    bool agreed = s == STATUS_TIMEOUT || *answer == 0;
    if (s == STATUS_TIMEOUT)
        return agreed; /* both stay: the program may still answer */
    sim_free(answer, sizeof *answer);
    ex_pool_free(answered);
    return agreed;
}

static bool tell(struct registration *r, const struct pnp_event *e, ULONG action)
{
    struct notifier *n = notifier_of(r->process);
    if (!n || r->process->exited)
        return true;
    struct told *t = sim_alloc(sizeof *t), **at = &n->first;
    t->to = r;
    t->action = action;
    fill(t, e);
    while (*at)
        at = &(*at)->next;
    *at = t;
    r->pending++;
    if (action == ACTION_QUERY_REMOVE)
        return ask(t, n);
    KeReleaseSemaphore(&n->work, 0, 1, FALSE);
    return true;
}

bool device_notify_event(const struct pnp_event *e)
{
    ULONG action;
    if (!device_broadcast_event(e))
        return false;
    if (!MACHINE->rooms[ROOM_WIN32] || !w32_room()->device_notify)
        return true;
    for (struct registration *r = room()->registrations; r; r = r->next)
        if (wants(r, e, &action) && !tell(r, e, action))
            return false;
    return true;
}

/* ---- the thread ---- */

static void release(struct registration *r)
{
    if (!r->gone || r->pending)
        return;
    for (struct registration **at = &room()->registrations; *at; at = &(*at)->next)
        if (*at == r) {
            *at = r->next;
            sim_free(r, sizeof *r);
            return;
        }
}

static void deliver(struct told *t)
{
    struct registration *r = t->to;
    ULONG answer = 0;
    if (!r->gone) {
        uint64_t data = w32_alloc(t->bytes);
        memcpy((void *)data, t->data, t->bytes);
        answer = (ULONG)guest_call(FRAME_NONE, (void *)r->callback, 5, r->handle, r->context, (uint64_t)t->action, data, (uint64_t)t->bytes);
        w32_free(data);
    }
    if (t->answered) {
        *t->answer = answer;
        KeSetEvent(t->answered, 0, FALSE);
    }
    r->pending--;
    release(r);
    sim_free(t, sizeof *t);
}

/* Start routine: an address for the guest. */
void CmpNotifyThread(void)
{
    struct notifier *n = notifier_of(ps_current()->process);
    n->thread = ps_current()->ethread;
    for (;;) {
        struct syscall sc;
        ps_current()->is_worker = true; /* nothing to tell keeps nobody waiting */
        ps_syscall_enter(&sc, FRAME_NtWaitForWorkViaWorkerFactory);
        KeWaitForSingleObject(&n->work, WrQueue, UserMode, FALSE, NULL);
        ps_syscall_leave(&sc);
        ps_current()->is_worker = false;
        struct told *t = n->first;
        if (!t)
            continue;
        n->first = t->next;
        deliver(t);
        w32_console_flush();
    }
}

static void notifier_make(void)
{
    struct process *p = ps_current()->process;
    ULONG id;
    if (notifier_of(p))
        return;
    struct notifier *n = sim_alloc(sizeof *n);
    n->process = p;
    KeInitializeSemaphore(&n->work, 0, 0x7FFFFFFF);
    n->next = room()->notifiers;
    room()->notifiers = n;
    HANDLE h = CreateThread(NULL, 0, (void *)door_export_address("cfgmgr32.dll", "CmpNotifyThread"), NULL, 0, &id);
    if (h)
        NtClose(h);
}

/* ---- registration ---- */

/* The device that a handle is open on. */
const DEVICE_OBJECT *device_of_file(HANDLE handle)
{
    void *file;
    if (!NT_SUCCESS(ob_handle_reference(ps_current()->process, handle, OB_FILE, 0, &file, NULL)))
        return NULL;
    DEVICE_OBJECT *d = ((FILE_OBJECT *)file)->DeviceObject;
    ob_dereference(file);
    while (d && d->DeviceObjectExtension->AttachedTo)
        d = d->DeviceObjectExtension->AttachedTo;
    return pnp_node_of(d) ? d : NULL;
}

ULONG CM_Register_Notification(const struct notify_filter *filter, uint64_t context, uint64_t callback, uint64_t *handle)
{
    if (!filter || !callback || !handle)
        return CR_INVALID_POINTER;
    const struct notify_filter f = *filter;
    if (f.size != sizeof f || f.type > FILTER_INSTANCE || f.flags & ~3u)
        return CR_INVALID_DATA;
    const DEVICE_OBJECT *pdo = f.type == FILTER_HANDLE ? device_of_file(f.handle) : NULL;
    if (f.type == FILTER_HANDLE && !pdo)
        return CR_INVALID_DATA;
    w32_process();
    notifier_make();
    struct registration *r = sim_alloc(sizeof *r), **at = &room()->registrations;
    *r = (struct registration) { .process = ps_current()->process, .type = f.type, .flags = f.flags, .pdo = pdo, .callback = callback, .context = context };
    if (f.type == FILTER_INTERFACE)
        r->class = f.class;
    if (f.type == FILTER_INSTANCE)
        device_narrow(f.instance, r->instance, sizeof r->instance);
    r->handle = 0x5E000000 + ++room()->serial * 16;
    while (*at)
        at = &(*at)->next;
    *at = r;
    *handle = r->handle;
    return CR_SUCCESS;
}

/* DOC: returns when no callback runs any more; in the callback itself it must not be called. */
ULONG CM_Unregister_Notification(uint64_t handle)
{
    struct registration *r = room()->registrations;
    while (r && (r->handle != handle || r->gone))
        r = r->next;
    if (!r)
        return CR_INVALID_DATA;
    struct notifier *n = notifier_of(r->process);
    r->gone = true;
    bool inside = n && n->thread == (PVOID)ps_current()->ethread;
    while (r->pending && !inside) {
        struct syscall sc;
        LARGE_INTEGER ms = { .QuadPart = -10000 };
        ps_syscall_enter(&sc, FRAME_NtDelayExecution);
        KeDelayExecutionThread(KernelMode, FALSE, &ms);
        ps_syscall_leave(&sc);
        r = room()->registrations;
        while (r && r->handle != handle)
            r = r->next;
        if (!r)
            return CR_SUCCESS;
    }
    release(r);
    return CR_SUCCESS;
}
