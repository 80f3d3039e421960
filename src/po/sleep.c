/* Sleep and waking: the system's own power requests. Every started device stack is asked (IRP_MN_QUERY_POWER) and then told
 * (IRP_MN_SET_POWER), children before what they stand on; when the system wakes, parents first. Whoever agreed hears of a refusal as
 * IRP_MN_SET_POWER to S0.
 *
 *   S0 ─ query (children first) ─▶ agreed ─ set (children first) ─▶ S1…S4 ─ set S0 (parents first) ─▶ S0
 *             └ refused ─▶ set S0 to those that were asked
 *
 * GUESS: NT sends to all stacks of one level at a time; here one stack follows the other. No time passes asleep. */
#include <string.h>

#include "ex/ex.h"
#include "ex/work.h"
#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "pnp/pnp.h"
#include "po/po.h"
#include "sim/door.h"
#include "trace/trace.h"

enum { SLEEP_TAG = 0x53506F50, MOST_STACKS = 64, CALLBACK_SYSTEM_STATE = 3 /* PO_CB_SYSTEM_STATE_LOCK */ };

struct stacks { /* parents before children */
    DEVICE_OBJECT *pdo[MOST_STACKS]; /* referenced */
    unsigned count;
};

static void collect(struct stacks *s, const struct devnode *n)
{
    for (; n; n = n->sibling) {
        if (n->state == NODE_STARTED && s->count < MOST_STACKS) {
            ob_reference(n->pdo);
            s->pdo[s->count++] = n->pdo;
        }
        collect(s, n->child);
    }
}

static NTSTATUS send(DEVICE_OBJECT *pdo, UCHAR minor, SYSTEM_POWER_STATE state, POWER_ACTION action)
{
    DEVICE_OBJECT *top = io_top_of_stack(pdo);
    ob_reference(top);
    IRP *irp = IoAllocateIrp(top->StackSize, FALSE);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IO_STACK_LOCATION *sl = io_next_location(irp);
    sl->MajorFunction = IRP_MJ_POWER;
    sl->MinorFunction = minor;
    sl->Parameters.Power.Type = SystemPowerState;
    sl->Parameters.Power.State.SystemState = state;
    sl->Parameters.Power.ShutdownType = action;
    trace_event(TRACE_POWER_DISPATCH, (uint64_t)irp, (uint64_t)top, (uint64_t)state, minor);
    NTSTATUS s = io_send_and_wait(top, irp, NULL, FRAME_PopIrpWorker);
    ob_dereference(top);
    return s;
}

static bool refused(NTSTATUS s)
{
    return !NT_SUCCESS(s) && s != STATUS_NOT_SUPPORTED;
}

/* How many from the end of the list agreed. */
static NTSTATUS query(const struct stacks *s, SYSTEM_POWER_STATE state, POWER_ACTION action)
{
    for (unsigned i = s->count; i-- > 0;) {
        NTSTATUS status = send(s->pdo[i], IRP_MN_QUERY_POWER, state, action);
        if (!refused(status))
            continue;
        for (unsigned k = i; k < s->count; k++)
            send(s->pdo[k], IRP_MN_SET_POWER, PowerSystemWorking, action);
        return status;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS transition(SYSTEM_POWER_STATE state, POWER_ACTION action, bool force)
{
    struct stacks *s = sim_alloc(sizeof *s);
    pnp_tree_enter();
    collect(s, pnp_root()->child);
    NTSTATUS status = query(s, state, action);
    if (NT_SUCCESS(status) || force) {
        ex_callback_notify_named("\\Callback\\PowerState", CALLBACK_SYSTEM_STATE, 0);
        for (unsigned i = s->count; i-- > 0;)
            send(s->pdo[i], IRP_MN_SET_POWER, state, action);
        for (unsigned i = 0; i < s->count; i++)
            send(s->pdo[i], IRP_MN_SET_POWER, PowerSystemWorking, action);
        ex_callback_notify_named("\\Callback\\PowerState", CALLBACK_SYSTEM_STATE, 1);
        status = STATUS_SUCCESS;
    }
    pnp_tree_leave();
    for (unsigned i = 0; i < s->count; i++)
        ob_dereference(s->pdo[i]);
    sim_free(s, sizeof *s);
    return status;
}

struct sleep { /* in pool */
    WORK_QUEUE_ITEM item;
    KEVENT done;
    SYSTEM_POWER_STATE state;
    POWER_ACTION action;
    bool force;
    NTSTATUS status;
};

static void sleep_now(void *context)
{
    struct sleep *s = context;
    s->status = transition(s->state, s->action, s->force);
    KeSetEvent(&s->done, 0, FALSE);
}

NTSTATUS po_sleep(SYSTEM_POWER_STATE state, bool force)
{
    if (state < PowerSystemSleeping1 || state > PowerSystemHibernate)
        return STATUS_INVALID_PARAMETER;
    struct sleep *s = ex_pool_alloc(NonPagedPoolNx, sizeof *s, SLEEP_TAG);
    memset(s, 0, sizeof *s);
    s->state = state;
    s->action = state == PowerSystemHibernate ? PowerActionHibernate : PowerActionSleep;
    s->force = force;
    KeInitializeEvent(&s->done, NotificationEvent, FALSE);
    ex_work_queue_host(&s->item, sleep_now, s, WORK_DELAYED);
    KeWaitForSingleObject(&s->done, Executive, KernelMode, FALSE, NULL);
    NTSTATUS status = s->status;
    ex_pool_free(s);
    return status;
}
