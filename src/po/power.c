/* Power requests and their worker threads; see po.h. */
#include "po/po.h"

#include <string.h>

#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/bugcheck.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "ps/ps.h"
#include "sim/access.h"
#include "sim/door.h"
#include "trace/trace.h"

enum { REQUEST_TAG = 0x52506F50 /* "PoPR" */ };
enum { WORKERS = 2 }; /* DOC: !poaction shows two static ones */
enum request_kind { KIND_DEVICE_SET, KIND_SYSTEM, KIND_DEVICE_QUERY, KIND_WAIT_WAKE };

struct request {
    struct request *next; /* in the device's queue or in the list */
    IRP *irp;
    DEVICE_OBJECT *device; /* as passed by the caller; referenced */
    DEVICE_OBJECT *top; /* referenced */
    DEVICE_OBJECT *base; /* identifies the stack */
    PVOID callback, context;
    POWER_STATE state;
    UCHAR minor;
    uint8_t kind;
    bool dispatched;
    bool completed; /* its callback runs */
    uint64_t dispatched_100ns;
};

/* DOC: nt!_TRIAGE_9F_POWER, what parameter 3 of 0x9F points to. The lists are for debuggers of dumps: empty. */
struct triage_9f {
    USHORT signature, revision; /* 0x8000, 1 */
    PVOID irp_list, thread_list, delayed_work_queue;
};

struct power_state { /* of a device, as told by PoSetPowerState */
    struct power_state *next;
    DEVICE_OBJECT *device;
    POWER_STATE device_state;
};

struct po_room {
    struct request *waiting; /* behind another of their kind, in order */
    struct request *listed; /* for the workers, in order */
    struct request *active; /* listed or dispatched, not completed */
    uint32_t outstanding;
    KSEMAPHORE *work; /* guest memory: one count a listed request */
    KDPC *watchdog; /* guest memory */
    struct power_state *states;
    struct idle *idle; /* watched devices */
    struct po_settings *settings;
};

static struct po_room *room(void)
{
    return MACHINE->rooms[ROOM_PO];
}

struct idle **po_idle_list(void)
{
    return room() ? &room()->idle : NULL;
}

struct po_settings **po_settings_room(void)
{
    return &room()->settings;
}

uint32_t po_requests_outstanding(void)
{
    return room()->outstanding;
}

static void append(struct request **list, struct request *r)
{
    r->next = NULL;
    while (*list)
        list = &(*list)->next;
    *list = r;
}

static DEVICE_OBJECT *base_of(DEVICE_OBJECT *d)
{
    while (d->DeviceObjectExtension->AttachedTo)
        d = d->DeviceObjectExtension->AttachedTo;
    return d;
}

/* An active request is kept in a second list through `peer`; the lists are short, so a scan of outstanding ones is enough. */
struct active {
    struct active *next;
    struct request *r;
};

/* Which requests of a stack are under way, and which wait. */
static void touch(const DEVICE_OBJECT *base)
{
    sim_access(SIM_ACCESS_OF(SIM_POWER, base), SIM_WRITE);
}

static bool kind_is_busy(const DEVICE_OBJECT *base, uint8_t kind)
{
    if (kind == KIND_WAIT_WAKE)
        return false;
    for (const struct active *a = (const struct active *)room()->active; a; a = a->next)
        if (a->r->base == base && a->r->kind == kind)
            return true;
    return false;
}

static void list(struct request *r)
{
    struct po_room *p = room();
    struct active *a = sim_alloc(sizeof *a);
    a->r = r;
    a->next = (struct active *)p->active;
    p->active = (struct request *)a;
    sim_access(SIM_ACCESS_OF(SIM_POWER, p->work), SIM_WRITE);
    append(&p->listed, r);
    KeReleaseSemaphore(p->work, 0, 1, FALSE);
}

static void active_remove(struct request *r)
{
    struct active **at = (struct active **)&room()->active;
    while ((*at)->r != r)
        at = &(*at)->next;
    struct active *a = *at;
    *at = a->next;
    sim_free(a, sizeof *a);
}

static void list_next_of_kind(DEVICE_OBJECT *base, uint8_t kind)
{
    touch(base);
    for (struct request **at = &room()->waiting; *at; at = &(*at)->next) {
        struct request *r = *at;
        if (r->base != base || r->kind != kind)
            continue;
        *at = r->next;
        list(r);
        return;
    }
}

/* Completion routine of the topmost location: reached through its slot in the kernel image. */
NTSTATUS PopRequestCompletion(DEVICE_OBJECT *unused, IRP *irp, struct request *r)
{
    trace_event(TRACE_POWER_DONE, (uint64_t)irp, (uint64_t)r->device, (uint64_t)r->state.DeviceState, (uint64_t)(uint32_t)irp->IoStatus.Status);
    r->completed = true;
    if (r->callback)
        guest_call(FRAME_NONE, r->callback, 5, (uint64_t)r->device, (uint64_t)r->minor, (uint64_t)r->state.DeviceState, (uint64_t)r->context,
                   (uint64_t)&irp->IoStatus);
    DEVICE_OBJECT *base = r->base, *device = r->device, *top = r->top;
    uint8_t kind = r->kind;
    touch(base);
    active_remove(r);
    IoFreeIrp(irp);
    ex_pool_free(r);
    room()->outstanding--;
    sim_point((uint64_t)base); /* completed, the next of its kind not yet listed */
    list_next_of_kind(base, kind);
    ob_dereference(device);
    ob_dereference(top);
    ob_dereference(base);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static uint8_t kind_of(UCHAR minor)
{
    return minor == IRP_MN_WAIT_WAKE ? KIND_WAIT_WAKE : minor == IRP_MN_SET_POWER ? KIND_DEVICE_SET : KIND_DEVICE_QUERY;
}

static void fill(struct request *r)
{
    IRP *irp = r->irp;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    irp->RequestorMode = KernelMode;
    /* One location more than the stack needs carries our completion routine's owner, as with any driver's own IRP. */
    irp->CurrentLocation--;
    irp->Tail.Overlay.CurrentStackLocation--;
    IO_STACK_LOCATION *own = io_current_location(irp);
    own->DeviceObject = r->device;
    IO_STACK_LOCATION *sl = io_next_location(irp);
    sl->MajorFunction = IRP_MJ_POWER;
    sl->MinorFunction = r->minor;
    if (r->minor == IRP_MN_WAIT_WAKE) {
        sl->Parameters.WaitWake.PowerState = r->state.SystemState;
    } else {
        sl->Parameters.Power.Type = DevicePowerState;
        sl->Parameters.Power.State = r->state;
    }
    sl->CompletionRoutine = (PVOID)door_export_address("ntoskrnl.exe", "PopRequestCompletion");
    sl->Context = r;
    sl->Control = SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL;
}

NTSTATUS PoRequestPowerIrp(DEVICE_OBJECT *device, ULONG minor, ULONG state, PVOID callback, PVOID context, IRP **out)
{
    minor &= 0xFF;
    if (minor != IRP_MN_WAIT_WAKE && minor != IRP_MN_SET_POWER && minor != IRP_MN_QUERY_POWER)
        return STATUS_INVALID_PARAMETER_2;
    /* In pool: its address lies in the IRP, where a driver can see it. */
    struct request *r = ex_pool_alloc(NonPagedPoolNx, sizeof *r, REQUEST_TAG);
    memset(r, 0, sizeof *r);
    r->device = device;
    r->top = io_top_of_stack(device);
    r->base = base_of(device);
    r->callback = callback;
    r->context = context;
    r->minor = (UCHAR)minor;
    r->state.DeviceState = (DEVICE_POWER_STATE)state;
    r->kind = kind_of(r->minor);
    r->irp = IoAllocateIrp((CHAR)(r->top->StackSize + 1), FALSE);
    ob_reference(r->device);
    ob_reference(r->top);
    ob_reference(r->base);
    fill(r);
    room()->outstanding++;
    if (out && minor == IRP_MN_WAIT_WAKE)
        *out = r->irp;
    trace_event(TRACE_POWER_REQUEST, (uint64_t)r->irp, (uint64_t)device, state, minor);
    touch(r->base);
    if (kind_is_busy(r->base, r->kind))
        append(&room()->waiting, r);
    else
        list(r);
    return STATUS_PENDING;
}

static void worker(void *unused)
{
    struct po_room *p = room();
    guest_frame_push(FRAME_PopIrpWorker);
    for (;;) {
        KeWaitForSingleObject(p->work, Executive, KernelMode, FALSE, NULL);
        sim_access(SIM_ACCESS_OF(SIM_POWER, p->work), SIM_WRITE);
        struct request *r = p->listed;
        if (!r)
            continue;
        p->listed = r->next;
        r->dispatched = true;
        r->dispatched_100ns = MACHINE->clock_100ns;
        trace_event(TRACE_POWER_DISPATCH, (uint64_t)r->irp, (uint64_t)r->top, (uint64_t)r->state.DeviceState, r->minor);
        io_call_driver(r->top, r->irp);
        if (sim_irql() != PASSIVE_LEVEL)
            KeBugCheckEx(0xE1, 0, sim_irql(), 0, 0);
    }
}

/* ---- the watchdog ----
 * DOC: 0x9F with 3 when a device has held a power IRP for too long, ten minutes. No timer stands for it: time passes only when nobody can
 * go on, and if nothing is due before then, a request under way will never be completed. With --time-model any nothing is known of durations,
 * and there is none. */

#define WATCHDOG_100NS (600ull * 10000000)

static bool (*next_idle_hook)(void), (*next_timer_hook)(void);

/* The one that has been with a driver longest; NULL: none. */
static struct request *oldest(void)
{
    struct request *found = NULL;
    for (const struct active *a = (const struct active *)room()->active; a; a = a->next) {
        struct request *r = a->r;
        if (r->dispatched && !r->completed && r->kind != KIND_WAIT_WAKE && (!found || r->dispatched_100ns <= found->dispatched_100ns))
            found = r;
    }
    return MACHINE->time_any ? NULL : found;
}

static void watchdog(KDPC *unused)
{
    const struct request *r = oldest();
    if (!r || MACHINE->clock_100ns < r->dispatched_100ns + WATCHDOG_100NS)
        return;
    guest_frame_push(FRAME_PopIrpWatchdogBugcheck);
    struct triage_9f *triage = guest_frame_locals();
    *triage = (struct triage_9f) { .signature = 0x8000, .revision = 1 };
    KeBugCheckEx(DRIVER_POWER_STATE_FAILURE, 3, (ULONG64)r->base, (ULONG64)triage, (ULONG64)r->irp);
}

static bool idle(void)
{
    const struct request *r = MACHINE->rooms[ROOM_PO] ? oldest() : NULL;
    if (!r)
        return next_idle_hook();
    if (ke_clock_due_by(r->dispatched_100ns + WATCHDOG_100NS) && next_idle_hook())
        return true;
    ke_clock_run_at(r->dispatched_100ns + WATCHDOG_100NS, room()->watchdog);
    return true;
}

static bool timer_waits(void)
{
    return next_timer_hook() || (MACHINE->rooms[ROOM_PO] && oldest());
}

/* DOC: 0x9F with 1. */
void po_device_deleted(const DEVICE_OBJECT *device)
{
    for (const struct active *a = (const struct active *)room()->active; a; a = a->next)
        if (!a->r->completed && a->r->kind != KIND_WAIT_WAKE && (a->r->device == device || a->r->base == device))
            KeBugCheckEx(DRIVER_POWER_STATE_FAILURE, 1, (ULONG64)device, 0, 0);
}

void po_init(void)
{
    static const char *const names[WORKERS] = { "power worker 1", "power worker 2" };
    struct po_room *p = sim_alloc(sizeof *p);
    MACHINE->rooms[ROOM_PO] = p;
    p->work = ex_pool_alloc(NonPagedPoolNx, sizeof *p->work, 0x69506F50);
    KeInitializeSemaphore(p->work, 0, 0x7FFFFFFF);
    p->watchdog = ex_pool_alloc(NonPagedPoolNx, sizeof *p->watchdog, 0x69506F50);
    po_settings_init();
    ke_dpc_init_host(p->watchdog, watchdog, FRAME_PopIrpWatchdog);
    if (sim_idle_hook != idle) {
        next_idle_hook = sim_idle_hook;
        next_timer_hook = sim_timer_hook;
    }
    sim_idle_hook = idle;
    sim_timer_hook = timer_waits;
    for (int i = 0; i < WORKERS; i++) {
        struct thread *t = ps_create_host_thread(worker, NULL, names[i]);
        t->is_worker = true;
    }
}

/* ---- states ---- */

ULONG PoSetPowerState(DEVICE_OBJECT *device, ULONG type, ULONG state)
{
    if (type != DevicePowerState)
        return PowerSystemWorking;
    sim_access(SIM_ACCESS_OF(SIM_POWER, device), SIM_WRITE);
    struct power_state **at = &room()->states;
    while (*at && (*at)->device != device)
        at = &(*at)->next;
    if (!*at) {
        *at = sim_alloc(sizeof **at);
        (*at)->device = device;
        (*at)->device_state.DeviceState = PowerDeviceD0;
    }
    po_idle_state(device, state);
    POWER_STATE old = (*at)->device_state;
    (*at)->device_state.DeviceState = (DEVICE_POWER_STATE)state;
    return old.DeviceState;
}

void PoStartNextPowerIrp(IRP *irp)
{
    /* DOC: nothing since Windows Vista. */
}
