/* Deferred procedure calls: queues of DPC activities (sim/machine.h), emptied at DISPATCH_LEVEL.
 *
 * A queued DPC has DpcData set and is in the queue of the thread that queued it, of the clock, or of the processor it is meant for.
 * DpcData is cleared before the routine runs, so the routine (or another processor in that moment: a named point) may queue it again.
 * GUESS: importance only decides the place in the queue; NT may also delay the interrupt for low importance and for another
 * processor. Threaded DPCs run as ordinary ones, which drivers have to expect anyway. */
#include "ke/private.h"
#include "sim/access.h"
#include "trace/trace.h"

enum { TARGETED = 0x500 }; /* GUESS: Number of a targeted DPC is the processor's plus the greatest number of processors */

static LIST_ENTRY *queue_of(const struct agent *activity)
{
    return &ke_room()->global->dpcs[activity->id];
}

/* A DPC, and its place among others. */
static void touch(const KDPC *dpc, const struct agent *activity)
{
    sim_access((uint64_t)dpc, SIM_WRITE);
    sim_access_order(activity->stable_id, SIM_WRITE);
}

static void call_routine(KDPC *dpc, PVOID routine, PVOID context, PVOID a1, PVOID a2)
{
    const struct ke_host_routine *own = ke_host_routine(routine);
    if (own) {
        struct guest_mark mark = guest_frame_push(FRAME_KiExecuteAllDpcs);
        guest_frame_push(own->frame);
        own->fn(dpc);
        guest_frame_pop(mark);
    } else {
        guest_call(FRAME_KiExecuteAllDpcs, routine, 4, (uint64_t)dpc, (uint64_t)context, (uint64_t)a1, (uint64_t)a2);
    }
    /* GUESS: NT notices a changed IRQL later and less clearly */
    if (sim_irql() != DISPATCH_LEVEL)
        KeBugCheckEx(IRQL_UNEXPECTED_VALUE, (ULONG64)sim_irql() << 16 | DISPATCH_LEVEL << 8, (ULONG64)routine, 0, 0);
}

static void run(KDPC *dpc)
{
    struct agent *self = sim_current();
    PVOID routine = dpc->DeferredRoutine, context = dpc->DeferredContext, a1 = dpc->SystemArgument1, a2 = dpc->SystemArgument2;
    touch(dpc, self);
    list_remove(&dpc->DpcListEntry);
    dpc->DpcData = NULL;
    ke_room()->running_dpc[self->id] = dpc;
    sim_point((uint64_t)dpc);
    trace_event(TRACE_DPC_RUN, (uint64_t)dpc, (uint64_t)routine, (uint64_t)context, 0);
    call_routine(dpc, routine, context, a1, a2);
    trace_event(TRACE_DPC_DONE, (uint64_t)dpc, (uint64_t)routine, 0, 0);
    ke_room()->running_dpc[self->id] = NULL;
}

bool ke_dpc_runs(const KDPC *dpc)
{
    for (uint32_t i = 0; i < MACHINE->agent_count; i++)
        if (ke_room()->running_dpc[i] == dpc)
            return true;
    return false;
}

static void wake_flushers(void)
{
    struct ke_room *r = ke_room();
    for (uint32_t i = 0; i < r->dpc_waiter_count; i++)
        sim_ready(r->dpc_waiters[i]);
    r->dpc_waiter_count = 0;
}

static void activity_body(void *unused)
{
    struct agent *self = sim_current();
    self->fiber.frame_site = 0;
    guest_frame_push(FRAME_KiRetireDpcList);
    for (;;) {
        while (!list_empty(queue_of(self)))
            run(LIST_ITEM(queue_of(self)->Flink, KDPC, DpcListEntry));
        wake_flushers();
        sim_dpc_idle();
    }
}

static struct agent *activity_create(struct agent *owner, struct processor *bound)
{
    struct agent *a = sim_dpc_create(owner, bound, activity_body);
    list_init(queue_of(a));
    return a;
}

void ke_dpc_init(void)
{
    struct machine *m = MACHINE;
    for (uint32_t i = 0; i < m->processor_count; i++)
        activity_create(NULL, &m->processors[i]);
    activity_create(m->clock, NULL);
}

/* Where a DPC goes that is meant for no processor in particular. */
static struct agent *own_activity(void)
{
    struct agent *a = sim_current();
    if (a->kind == AGENT_DPC && !a->device_irql)
        return a;
    return a->dpc ? a->dpc : activity_create(a, NULL);
}

struct agent *ke_dpc_of_clock(void)
{
    return MACHINE->clock->dpc;
}

bool ke_dpc_queue(KDPC *dpc, struct agent *activity, PVOID arg1, PVOID arg2)
{
    sim_access((uint64_t)dpc, SIM_WRITE);
    if (dpc->DpcData)
        return false;
    if (dpc->Number >= TARGETED && dpc->Number - TARGETED < MACHINE->processor_count)
        activity = MACHINE->processors[dpc->Number - TARGETED].dpc;
    else if (!activity)
        activity = own_activity();
    touch(dpc, activity);
    dpc->SystemArgument1 = arg1;
    dpc->SystemArgument2 = arg2;
    dpc->DpcData = queue_of(activity);
    trace_event(TRACE_DPC_QUEUE, (uint64_t)dpc, (uint64_t)dpc->DeferredRoutine, activity->id, 0);
    if (dpc->Importance == HighImportance)
        list_insert_before(queue_of(activity)->Flink, &dpc->DpcListEntry);
    else
        list_append(queue_of(activity), &dpc->DpcListEntry);
    sim_dpc_request(activity);
    return true;
}

static void init(KDPC *dpc, PVOID routine, PVOID context, unsigned type)
{
    dpc->Type = (UCHAR)type;
    dpc->Importance = MediumImportance;
    dpc->Number = 0;
    dpc->DeferredRoutine = routine;
    dpc->DeferredContext = context;
    dpc->DpcData = NULL;
}

void KeInitializeDpc(KDPC *dpc, PVOID routine, PVOID context)
{
    init(dpc, routine, context, DpcObject);
}

void KeInitializeThreadedDpc(KDPC *dpc, PVOID routine, PVOID context)
{
    init(dpc, routine, context, ThreadedDpcObject);
}

void ke_dpc_init_host(KDPC *dpc, void (*routine)(KDPC *dpc), uint32_t frame)
{
    init(dpc, ke_host_routine_add(frame, (void (*)(void *))routine), NULL, DpcObject);
}

BOOLEAN KeInsertQueueDpc(KDPC *dpc, PVOID arg1, PVOID arg2)
{
    return ke_dpc_queue(dpc, NULL, arg1, arg2);
}

BOOLEAN KeRemoveQueueDpc(KDPC *dpc)
{
    sim_access((uint64_t)dpc, SIM_WRITE);
    if (!dpc->DpcData)
        return FALSE;
    struct agent *activity = MACHINE->agents[(LIST_ENTRY *)dpc->DpcData - ke_room()->global->dpcs];
    touch(dpc, activity);
    list_remove(&dpc->DpcListEntry);
    dpc->DpcData = NULL;
    if (list_empty(queue_of(activity)))
        sim_dpc_cancel(activity);
    return TRUE;
}

void KeSetImportanceDpc(KDPC *dpc, ULONG importance)
{
    dpc->Importance = (UCHAR)importance;
}

void KeSetTargetProcessorDpc(KDPC *dpc, ULONG number)
{
    dpc->Number = (USHORT)(TARGETED + (UCHAR)number);
}

NTSTATUS KeSetTargetProcessorDpcEx(KDPC *dpc, const PROCESSOR_NUMBER *number)
{
    if (number->Group != 0 || number->Number >= MACHINE->processor_count)
        return STATUS_INVALID_PARAMETER;
    KeSetTargetProcessorDpc(dpc, number->Number);
    return STATUS_SUCCESS;
}

static bool any_dpc_left(void)
{
    bool left = false;
    for (uint32_t i = 0; i < MACHINE->agent_count; i++) {
        const struct agent *a = MACHINE->agents[i];
        if (a->kind != AGENT_DPC || a->device_irql || a->state == AGENT_DEAD)
            continue;
        sim_access(a->stable_id, SIM_READ);
        left |= a->due || a->state == AGENT_RUNNING;
    }
    return left;
}

void KeFlushQueuedDpcs(void)
{
    struct ke_room *r = ke_room();
    struct agent *a = sim_current();
    if (sim_irql() >= DISPATCH_LEVEL)
        return; /* a breach that the door has reported; waiting would be worse */
    while (any_dpc_left()) {
        r->dpc_waiters[r->dpc_waiter_count++] = a;
        sim_block("the end of queued DPCs", 0);
    }
}

const KDPC *ke_dpc_in(uint64_t base, uint64_t bytes)
{
    for (uint32_t i = 0; i < MACHINE->agent_count; i++) {
        const LIST_ENTRY *head = &ke_room()->global->dpcs[i];
        for (const LIST_ENTRY *e = head->Flink; e && e != head; e = e->Flink) {
            const KDPC *d = LIST_ITEM(e, KDPC, DpcListEntry);
            if ((uint64_t)d - base < bytes)
                return d;
        }
    }
    return NULL;
}
