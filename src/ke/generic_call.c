/* Calls on every processor: KeGenericCallDpc (DPCs that may wait for one another) and KeIpiGenericCall. */
#include "ke/private.h"
#include "sim/access.h"

static struct ke_generic_call *state(void)
{
    return &ke_room()->global->generic_call;
}

static void queue_on(struct processor *p, PVOID routine, PVOID context)
{
    KDPC *dpc = &ke_room()->cpu[p->number]->call_dpc;
    KeInitializeDpc(dpc, routine, context);
    KeSetTargetProcessorDpc(dpc, p->number);
    dpc->Importance = HighImportance;
    ke_dpc_queue(dpc, NULL, (PVOID)&state()->left, &state()->barrier);
}

/* The routine runs at DISPATCH_LEVEL on every processor, on this one directly; returns when all have said that they are done. */
void KeGenericCallDpc(PVOID routine, PVOID context)
{
    struct machine *m = MACHINE;
    struct ke_generic_call *g = state();
    KIRQL old = KeAcquireSpinLockRaiseToDpc(&g->busy);
    g->left = g->barrier.left = g->barrier.total = m->processor_count;
    struct processor *me = sim_processor();
    for (uint32_t i = 0; i < m->processor_count; i++)
        if (&m->processors[i] != me)
            queue_on(&m->processors[i], routine, context);
    KDPC *dpc = &ke_room()->cpu[me->number]->call_dpc;
    KeInitializeDpc(dpc, routine, context);
    guest_call(FRAME_NONE, routine, 4, (uint64_t)dpc, (uint64_t)context, (uint64_t)&g->left, (uint64_t)&g->barrier);
    sim_access((uint64_t)&g->left, SIM_READ);
    while (g->left)
        ke_spin_until_changed(&g->left, "the other processors' routines");
    KeReleaseSpinLock(&g->busy, old);
}

void KeSignalCallDpcDone(volatile ULONG *left)
{
    sim_access((uint64_t)left, SIM_WRITE);
    --*left;
    ke_spin_changed(left);
}

/* Everybody waits here for the last. GUESS: TRUE for the last one to arrive, FALSE for the others. */
ULONG KeSignalCallDpcSynchronize(PVOID argument)
{
    struct ke_generic_call *g = state();
    sim_access((uint64_t)argument, SIM_WRITE);
    if (--g->barrier.left == 0) {
        g->barrier.left = g->barrier.total;
        ke_spin_changed(argument);
        return TRUE;
    }
    ke_spin_until_changed(argument, "the other processors' routines");
    return FALSE;
}

/* ---- interrupts ---- */

/* One processor after the other executes the routine while all others stand still; a routine that waits for the others to arrive
 * never gets out of that. The caller's fiber borrows each processor for the time. */
static uint64_t call_on(struct processor *p, PVOID routine, uint64_t context)
{
    struct agent *a = sim_current();
    struct processor *own = a->processor;
    struct agent *active = p->active;
    KIRQL irql = p->irql;
    p->active = a;
    p->irql = IPI_LEVEL;
    a->processor = p;
    host_set_gs(p->kpcr);
    uint64_t result = guest_call(FRAME_KiIpiGenericCallTarget, routine, 1, context);
    p->active = active;
    p->irql = irql;
    a->processor = own;
    host_set_gs(own->kpcr);
    return result;
}

ULONG_PTR KeIpiGenericCall(PVOID routine, ULONG_PTR context)
{
    struct machine *m = MACHINE;
    struct processor *me = sim_processor();
    KIRQL old = KfRaiseIrql(IPI_LEVEL);
    for (uint32_t i = 0; i < m->processor_count; i++)
        if (&m->processors[i] != me)
            call_on(&m->processors[i], routine, context);
    ULONG_PTR result = call_on(me, routine, context);
    ke_irql_lower(old);
    return result;
}
