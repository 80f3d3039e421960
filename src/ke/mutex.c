/* Mutants: KMUTEX of drivers (ApcDisable 1: owning one is a critical region) and NtCreateMutant's (ApcDisable 0).
 *
 * SignalState 1 = free, 0 = owned once, less = owned recursively. Owned mutants are in their owner's MutantListHead. */
#include "ke/private.h"
#include "sim/access.h"
#include "trace/trace.h"

static void init(KMUTANT *m, KTHREAD *owner, UCHAR apc_disable)
{
    sim_access((uint64_t)m, SIM_WRITE);
    ke_header_init(&m->Header, MutantObject, sizeof *m, owner ? 0 : 1);
    list_init(&m->MutantListEntry);
    m->OwnerThread = owner;
    m->Abandoned = FALSE;
    m->ApcDisable = apc_disable;
    if (owner)
        list_append(&owner->MutantListHead, &m->MutantListEntry);
}

void KeInitializeMutex(KMUTANT *mutex, ULONG level)
{
    init(mutex, NULL, 1);
}

void KeInitializeMutant(KMUTANT *mutant, ULONG owned)
{
    init(mutant, (UCHAR)owned ? ke_kthread() : NULL, 0);
}

bool ke_mutant_free_for(const KMUTANT *m, const KTHREAD *k)
{
    return m->Header.SignalState > 0 || m->OwnerThread == k;
}

NTSTATUS ke_mutant_take(KMUTANT *m, KTHREAD *k)
{
    if (m->Header.SignalState == INT32_MIN)
        ke_raise_status(STATUS_MUTANT_LIMIT_EXCEEDED);
    if (--m->Header.SignalState != 0)
        return STATUS_SUCCESS;
    k->KernelApcDisable = (SHORT)(k->KernelApcDisable - m->ApcDisable);
    m->OwnerThread = k;
    trace_event(TRACE_LOCK_ACQUIRE, (uint64_t)m, (uint64_t)k, 0, 0);
    list_append(&k->MutantListHead, &m->MutantListEntry);
    bool abandoned = m->Abandoned;
    m->Abandoned = FALSE;
    return abandoned ? STATUS_ABANDONED : STATUS_SUCCESS;
}

static void release(KMUTANT *m)
{
    trace_event(TRACE_LOCK_RELEASE, (uint64_t)m, (uint64_t)m->OwnerThread, 0, 0);
    list_remove(&m->MutantListEntry);
    list_init(&m->MutantListEntry);
    m->OwnerThread = NULL;
    ke_wait_test(&m->Header);
}

LONG KeReleaseMutant(KMUTANT *m, LONG increment, ULONG abandoned, ULONG wait)
{
    KTHREAD *k = ke_kthread();
    sim_access((uint64_t)m, SIM_WRITE);
    LONG before = m->Header.SignalState;
    if ((UCHAR)abandoned) {
        m->Header.SignalState = 1;
        m->Abandoned = TRUE;
    } else if (m->OwnerThread != k) {
        ke_raise_status(m->Abandoned ? STATUS_ABANDONED : STATUS_MUTANT_NOT_OWNED);
    } else {
        m->Header.SignalState++;
    }
    if (m->Header.SignalState == 1) {
        UCHAR apc_disable = m->ApcDisable;
        if (before <= 0)
            release(m);
        k->KernelApcDisable = (SHORT)(k->KernelApcDisable + apc_disable);
        if (apc_disable)
            ke_apcs_enabled(k);
    }
    ke_signalled(m, wait);
    return before;
}

LONG KeReleaseMutex(KMUTANT *mutex, ULONG wait)
{
    return KeReleaseMutant(mutex, 1, FALSE, wait);
}

LONG KeReadStateMutex(KMUTANT *mutex)
{
    sim_access((uint64_t)mutex, SIM_READ);
    return mutex->Header.SignalState;
}

LONG KeReadStateMutant(KMUTANT *mutant)
{
    sim_access((uint64_t)mutant, SIM_READ);
    return mutant->Header.SignalState;
}

/* A thread that ends leaves its mutants to the next waiter, who hears of it; a KMUTEX may not be left. */
void ke_mutants_abandon(KTHREAD *k)
{
    while (!list_empty(&k->MutantListHead)) {
        KMUTANT *m = LIST_ITEM(k->MutantListHead.Flink, KMUTANT, MutantListEntry);
        if (m->ApcDisable)
            KeBugCheckEx(THREAD_TERMINATE_HELD_MUTEX, (ULONG64)k, (ULONG64)m, 0, 0);
        sim_access((uint64_t)m, SIM_WRITE);
        m->Header.SignalState = 1;
        m->Abandoned = TRUE;
        release(m);
    }
}
