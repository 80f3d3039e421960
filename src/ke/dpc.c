/* Deferred procedure calls: a queue for each processor, emptied by its DPC activity at DISPATCH_LEVEL.
 *
 * A queued DPC has DpcData set and is in the list of its processor. DpcData is cleared before the routine runs, so the routine (or
 * another processor in that moment: a named point) may queue it again.
 * GUESS: importance only decides the place in the queue; NT may also delay the interrupt for low importance and for another
 * processor. Threaded DPCs run as ordinary ones, which drivers have to expect anyway. */
#include "ke/private.h"
#include "sim/access.h"
#include "trace/trace.h"

enum { TARGETED = 0x500 }; /* GUESS: Number of a targeted DPC is the processor's plus the greatest number of processors */

static LIST_ENTRY *queue_of(const struct processor *p)
{
    return &ke_room()->cpu[p->number]->dpcs;
}

static struct processor *processor_of(const LIST_ENTRY *queue)
{
    for (uint32_t i = 0;; i++)
        if (queue_of(&MACHINE->processors[i]) == queue)
            return &MACHINE->processors[i];
}

/* A DPC, and the order in the queue of its processor. */
static void touch(const KDPC *dpc, const struct processor *p)
{
    sim_access((uint64_t)dpc, SIM_WRITE);
    sim_access(SIM_ACCESS_PROCESSOR(p->number), SIM_WRITE);
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
    KDPC **running = &ke_room()->running_dpc[sim_processor()->number];
    PVOID routine = dpc->DeferredRoutine, context = dpc->DeferredContext, a1 = dpc->SystemArgument1, a2 = dpc->SystemArgument2;
    touch(dpc, sim_processor());
    list_remove(&dpc->DpcListEntry);
    dpc->DpcData = NULL;
    *running = dpc;
    sim_point((uint64_t)dpc);
    trace_event(TRACE_DPC_RUN, (uint64_t)dpc, (uint64_t)routine, (uint64_t)context, 0);
    call_routine(dpc, routine, context, a1, a2);
    trace_event(TRACE_DPC_DONE, (uint64_t)dpc, (uint64_t)routine, 0, 0);
    *running = NULL;
}

bool ke_dpc_runs(const KDPC *dpc)
{
    for (uint32_t i = 0; i < MACHINE->processor_count; i++)
        if (ke_room()->running_dpc[i] == dpc)
            return true;
    return false;
}

static void wake_flushers(void)
{
    struct ke_room *r = ke_room();
    sim_access(SIM_ACCESS_PROCESSOR(sim_processor()->number), SIM_WRITE);
    for (uint32_t i = 0; i < r->dpc_waiter_count; i++)
        sim_ready(r->dpc_waiters[i]);
    r->dpc_waiter_count = 0;
}

static void dpc_activity(void *arg)
{
    struct processor *p = arg;
    struct fiber *f = &p->dpc->fiber;
    f->frame_site = 0;
    guest_frame_push(FRAME_KiRetireDpcList);
    for (;;) {
        while (!list_empty(queue_of(p)))
            run(LIST_ITEM(queue_of(p)->Flink, KDPC, DpcListEntry));
        wake_flushers();
        sim_dpc_idle();
    }
}

void ke_dpc_init(void)
{
    struct machine *m = MACHINE;
    for (uint32_t i = 0; i < m->processor_count; i++) {
        struct processor *p = &m->processors[i];
        list_init(queue_of(p));
        p->dpc = sim_agent_create(AGENT_DPC, dpc_activity, p);
        p->dpc->processor = p;
    }
}

bool ke_dpc_queue(KDPC *dpc, struct processor *p, PVOID arg1, PVOID arg2)
{
    sim_access((uint64_t)dpc, SIM_WRITE);
    if (dpc->DpcData)
        return false;
    if (dpc->Number >= TARGETED && dpc->Number - TARGETED < MACHINE->processor_count)
        p = &MACHINE->processors[dpc->Number - TARGETED];
    else
        dpc->Number = p->number;
    touch(dpc, p);
    dpc->SystemArgument1 = arg1;
    dpc->SystemArgument2 = arg2;
    dpc->DpcData = queue_of(p);
    trace_event(TRACE_DPC_QUEUE, (uint64_t)dpc, (uint64_t)dpc->DeferredRoutine, p->number, 0);
    if (dpc->Importance == HighImportance)
        list_insert_before(queue_of(p)->Flink, &dpc->DpcListEntry);
    else
        list_append(queue_of(p), &dpc->DpcListEntry);
    /* An activity that runs looks at its queue again before it goes idle. */
    if (p->active != p->dpc)
        sim_dpc_request(p);
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
    return ke_dpc_queue(dpc, sim_processor(), arg1, arg2);
}

BOOLEAN KeRemoveQueueDpc(KDPC *dpc)
{
    sim_access((uint64_t)dpc, SIM_WRITE);
    if (!dpc->DpcData)
        return FALSE;
    LIST_ENTRY *queue = (LIST_ENTRY *)dpc->DpcData;
    touch(dpc, processor_of(queue));
    list_remove(&dpc->DpcListEntry);
    dpc->DpcData = NULL;
    if (list_empty(queue))
        sim_dpc_cancel(processor_of(queue));
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
    for (uint32_t i = 0; i < MACHINE->processor_count; i++) {
        const struct processor *p = &MACHINE->processors[i];
        sim_access(SIM_ACCESS_PROCESSOR(i), SIM_READ);
        if (p->active == p->dpc || !list_empty(queue_of(p)))
            return true;
    }
    return false;
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
