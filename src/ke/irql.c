/* IRQL of the current processor as drivers change it. */
#include "ke/private.h"

void ke_irql_lower(KIRQL irql)
{
    sim_irql_set(irql);
    if (irql < APC_LEVEL)
        ke_apc_interrupt();
}

KIRQL KeGetCurrentIrql(void)
{
    return sim_irql();
}

/* Like the inlined form (a write to cr8), these do not check the direction; the verifier's rules do. */
static KIRQL change(unsigned irql)
{
    KIRQL before = sim_irql();
    if (irql < before)
        ke_irql_lower((KIRQL)irql);
    else
        sim_irql_set((KIRQL)irql);
    return before;
}

KIRQL KfRaiseIrql(ULONG irql)
{
    return change((UCHAR)irql);
}

void KeRaiseIrql(ULONG irql, KIRQL *before)
{
    KIRQL old = sim_irql();
    *before = old;
    change((UCHAR)irql);
}

KIRQL KeRaiseIrqlToDpcLevel(void)
{
    return change(DISPATCH_LEVEL);
}

KIRQL KeRaiseIrqlToSynchLevel(void)
{
    return change(12);
}

void KeLowerIrql(ULONG irql)
{
    change((UCHAR)irql);
}
