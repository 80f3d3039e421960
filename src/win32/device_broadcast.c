/* RegisterDeviceNotification: windows hear of devices by WM_DEVICECHANGE.
 *
 * DOC: "RegisterDeviceNotificationW", "WM_DEVICECHANGE message", dbt.h. The message is sent: its lParam is a block that is good during the call. Plug and
 * play waits for the answer to DBT_DEVICEQUERYREMOVE, BROADCAST_QUERY_DENY refuses. Top-level windows hear DBT_DEVNODES_CHANGED without asking. */
#include "win32/devices.h"
#include "win32/service.h"
#include "win32/window.h"

enum { WM_DEVICECHANGE = 0x219, DBT_DEVNODES_CHANGED = 7, DBT_ARRIVAL = 0x8000, DBT_QUERY_REMOVE, DBT_QUERY_FAILED, DBT_REMOVE_PENDING, DBT_REMOVED, DBT_CUSTOM = 0x8006,
       TYPE_INTERFACE = 5, TYPE_HANDLE = 6, TO_SERVICE = 1, ALL_CLASSES = 4, QUERY_DENY = 0x424D5144, HEADER = 12, BROADCAST_BYTES = 1024 };

/* DEV_BROADCAST_DEVICEINTERFACE and DEV_BROADCAST_HANDLE */
struct broadcast {
    union {
        struct {
            ULONG size, type, reserved;
            GUID class;
            uint8_t name[BROADCAST_BYTES - 28];
        };
        struct {
            ULONG header[4];
            HANDLE handle;
            uint64_t notification;
            GUID event;
            LONG name_offset;
            uint8_t data[BROADCAST_BYTES - 52];
        };
    };
};
_Static_assert(offsetof(struct broadcast, name) == 28 && offsetof(struct broadcast, data) == 52, "dbt.h");

struct listener {
    struct listener *next;
    uint64_t handle, window;
    struct process *process;
    const DEVICE_OBJECT *pdo; /* of a handle; only compared */
    HANDLE file;
    GUID class;
    bool all, wide;
};

struct device_broadcast {
    struct listener *listeners;
    uint64_t serial;
};

static struct device_broadcast *room(void)
{
    struct w32_room *r = w32_room();
    if (!r->device_broadcast)
        r->device_broadcast = sim_alloc(sizeof(struct device_broadcast));
    return r->device_broadcast;
}

/* ---- events ---- */

static ULONG event_of(const struct listener *l, const struct pnp_event *e)
{
    static const ULONG of_interface[] = { DBT_ARRIVAL, DBT_REMOVED, 0, 0, 0, 0, 0, 0 };
    static const ULONG of_handle[] = { 0, 0, DBT_QUERY_REMOVE, DBT_QUERY_FAILED, DBT_REMOVED, DBT_CUSTOM, 0, 0 };
    if (l->pdo)
        return l->pdo == e->pdo ? of_handle[e->kind] : 0;
    ULONG event = of_interface[e->kind];
    return event && (l->all || device_same_guid(&l->class, e->class)) ? event : 0;
}

static void fill(const struct listener *l, const struct pnp_event *e, struct broadcast *b)
{
    memset(b, 0, sizeof *b);
    if (!l->pdo) {
        char link[420];
        device_link(e->link, link, sizeof link);
        size_t unit = l->wide ? 2 : 1, n = strlen(link) + 1;
        b->type = TYPE_INTERFACE;
        b->class = *e->class;
        for (size_t i = 0; i < n; i++)
            b->name[i * unit] = (uint8_t)link[i];
        b->size = (ULONG)(offsetof(struct broadcast, name) + n * unit);
        return;
    }
    b->type = TYPE_HANDLE;
    b->handle = l->file;
    b->notification = l->handle;
    b->name_offset = -1;
    b->size = offsetof(struct broadcast, data);
    if (e->kind == PNP_EVENT_CUSTOM) {
        const uint8_t *c = e->custom;
        ULONG data = e->custom_bytes > 32 ? e->custom_bytes - 32 : 0;
        data = data < sizeof b->data ? data : (ULONG)sizeof b->data;
        memcpy(&b->event, c, sizeof b->event);
        memcpy(&b->name_offset, c + 28, 4);
        memcpy(b->data, c + 32, data);
        b->size += data;
    }
}

/* Waits for a window to say whether a device may go; half a minute at most. */
static bool ask(struct window *w, ULONG event, const struct broadcast *b)
{
    LARGE_INTEGER half_a_minute = { .QuadPart = -300000000ll };
    KEVENT *answered = ex_pool_alloc(NonPagedPoolNx, sizeof *answered, 0x70506E50);
    uint64_t *answer = sim_alloc(sizeof *answer);
    KeInitializeEvent(answered, NotificationEvent, FALSE);
    window_tell(w, WM_DEVICECHANGE, event, b, b->size, answered, answer);
    if (KeWaitForSingleObject(answered, Executive, KernelMode, FALSE, &half_a_minute) == STATUS_TIMEOUT)
        return true; /* both stay: the window may still answer */
    bool agreed = *answer != QUERY_DENY;
    sim_free(answer, sizeof *answer);
    ex_pool_free(answered);
    return agreed;
}

static bool tell(const struct listener *l, const struct pnp_event *e, ULONG event)
{
    struct broadcast b;
    struct window *w = window_of(l->window);
    if (!w || l->process->exited)
        return true;
    fill(l, e, &b);
    if (event == DBT_QUERY_REMOVE)
        return ask(w, event, &b);
    window_tell(w, WM_DEVICECHANGE, event, &b, b.size, NULL, NULL);
    return true;
}

bool device_broadcast_event(const struct pnp_event *e)
{
    if (!MACHINE->rooms[ROOM_WIN32])
        return true;
    if (e->kind == PNP_EVENT_STARTED || e->kind == PNP_EVENT_GONE)
        window_broadcast(WM_DEVICECHANGE, DBT_DEVNODES_CHANGED);
    ULONG event;
    for (const struct listener *l = w32_room()->device_broadcast ? room()->listeners : NULL; l; l = l->next)
        if ((event = event_of(l, e)) != 0 && !tell(l, e, event))
            return false;
    return true;
}

/* ---- registration ---- */

static uint64_t listen(uint64_t window, const struct broadcast *filter, ULONG flags, bool wide)
{
    if (flags & TO_SERVICE)
        return w32_fail(STATUS_NOT_SUPPORTED), 0; /* no program runs as a service */
    if (!filter || filter->size < HEADER || flags & ~(ULONG)(TO_SERVICE | ALL_CLASSES))
        return w32_error(ERROR_INVALID_PARAMETER), 0;
    struct window *w = window_of(window);
    if (!w || window_process(w) != ps_current()->process)
        return w32_error(1400 /* ERROR_INVALID_WINDOW_HANDLE */), 0;
    struct listener l = { .window = window, .process = ps_current()->process, .wide = wide, .all = flags & ALL_CLASSES };
    if (filter->type == TYPE_HANDLE && filter->size >= offsetof(struct broadcast, notification)) {
        l.file = filter->handle;
        if (!(l.pdo = device_of_file(l.file)))
            return w32_error(ERROR_INVALID_HANDLE), 0;
    } else if (filter->type == TYPE_INTERFACE && (l.all || filter->size >= offsetof(struct broadcast, name))) {
        l.class = filter->class;
    } else {
        return w32_error(ERROR_INVALID_DATA), 0;
    }
    struct listener *made = sim_alloc(sizeof *made), **at = &room()->listeners;
    *made = l;
    made->handle = 0x5D000000 + ++room()->serial * 16;
    while (*at)
        at = &(*at)->next;
    *at = made;
    return made->handle;
}

uint64_t RegisterDeviceNotificationW(uint64_t window, const struct broadcast *filter, ULONG flags)
{
    return listen(window, filter, flags, true);
}

uint64_t RegisterDeviceNotificationA(uint64_t window, const struct broadcast *filter, ULONG flags)
{
    return listen(window, filter, flags, false);
}

BOOL UnregisterDeviceNotification(uint64_t handle)
{
    for (struct listener **at = &room()->listeners; *at; at = &(*at)->next) {
        struct listener *l = *at;
        if (l->handle != handle || l->process != ps_current()->process)
            continue;
        *at = l->next;
        sim_free(l, sizeof *l);
        return TRUE;
    }
    return w32_error(ERROR_INVALID_HANDLE); /* GUESS: which error */
}
