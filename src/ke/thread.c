/* The kernel's part of a thread: KTHREAD at birth and death, critical and guarded regions, priority, affinity. */
#include "ke/private.h"
#include "sim/access.h"

void ke_thread_init(struct thread *t)
{
    KTHREAD *k = &t->ethread->Tcb;
    ke_header_init(&k->Header, ThreadObject, sizeof *k, 0);
    for (int mode = 0; mode < MaximumMode; mode++) {
        list_init(&k->ApcState.ApcListHead[mode]);
        list_init(&k->SavedApcState.ApcListHead[mode]);
    }
    k->Process = (KPROCESS *)t->process->eprocess;
    k->ApcState.Process = k->Process;
    list_init(&k->MutantListHead);
    KeInitializeTimerEx(&k->Timer, NotificationTimer);
    for (int i = 0; i <= TIMER_BLOCK; i++) {
        k->WaitBlock[i].Thread = k;
        k->WaitBlock[i].BlockState = BLOCK_INACTIVE;
    }
    k->MiscFlags = MISC_APC_QUEUEABLE | (t->teb ? 0 : MISC_SYSTEM_THREAD);
    k->Priority = k->BasePriority = 8;
    k->PreviousMode = KernelMode;
    k->State = Initialized;
    t->ke = sim_alloc(sizeof(struct ke_thread));
}

void ke_thread_running(struct thread *t)
{
    t->ethread->Tcb.State = Running;
    ke_deliver_apcs();
}

void ke_thread_rundown(struct thread *t)
{
    KTHREAD *k = &t->ethread->Tcb;
    ke_mutants_abandon(k);
    ke_queue_leave(k);
    ke_apcs_rundown(k);
}

void ke_thread_signal(struct thread *t)
{
    t->ethread->Tcb.State = Terminated;
    ke_object_signal(&t->ethread->Tcb.Header);
    sim_free(t->ke, sizeof(struct ke_thread));
    t->ke = NULL;
}

void ke_thread_terminate(struct thread *t)
{
    KTHREAD *k = &t->ethread->Tcb;
    sim_access((uint64_t)k, SIM_WRITE);
    k->ApcState.UserApcPending = TRUE;
    if (k->State == Waiting && !k->CombinedApcDisable && (k->WaitMode == UserMode || (k->MiscFlags & MISC_ALERTABLE)))
        ke_unwait(k, STATUS_USER_APC);
}

/* ---- regions ---- */

void KeEnterCriticalRegion(void)
{
    ke_kthread()->KernelApcDisable--;
}

void KeLeaveCriticalRegion(void)
{
    KTHREAD *k = ke_kthread();
    if (++k->KernelApcDisable == 0)
        ke_apcs_enabled(k);
}

void KeEnterGuardedRegion(void)
{
    ke_kthread()->SpecialApcDisable--;
}

void KeLeaveGuardedRegion(void)
{
    KTHREAD *k = ke_kthread();
    if (++k->SpecialApcDisable == 0)
        ke_apcs_enabled(k);
}

BOOLEAN KeAreApcsDisabled(void)
{
    return ke_kthread()->CombinedApcDisable != 0;
}

BOOLEAN KeAreAllApcsDisabled(void)
{
    return ke_kthread()->SpecialApcDisable != 0 || sim_irql() >= APC_LEVEL;
}

KTHREAD *KeGetCurrentThread(void)
{
    return ke_kthread();
}

/* ---- priority: kept for those who read it; the scheduler considers any ready thread ---- */

LONG KeSetPriorityThread(KTHREAD *thread, LONG priority)
{
    sim_access((uint64_t)&thread->Priority, SIM_WRITE);
    LONG before = thread->Priority;
    thread->Priority = (CHAR)priority;
    return before;
}

LONG KeQueryPriorityThread(KTHREAD *thread)
{
    sim_access((uint64_t)&thread->Priority, SIM_READ);
    return thread->Priority;
}

LONG KeSetBasePriorityThread(KTHREAD *thread, LONG increment)
{
    sim_access((uint64_t)&thread->Priority, SIM_WRITE);
    LONG before = thread->BasePriority - 8;
    thread->BasePriority = (CHAR)(8 + increment);
    return before;
}

LONG KeQueryBasePriorityThread(KTHREAD *thread)
{
    sim_access((uint64_t)&thread->Priority, SIM_READ);
    return thread->BasePriority - 8;
}
