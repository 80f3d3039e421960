/* Asynchronous procedure calls.
 *
 *   kind            runs at                                    held back by
 *   special kernel  KernelRoutine APC_LEVEL                    IRQL >= APC_LEVEL, SpecialApcDisable
 *   normal kernel   KernelRoutine APC, NormalRoutine PASSIVE   these, KernelApcDisable, another normal one in progress
 *   user            KernelRoutine APC, NormalRoutine in user   no alertable UserMode wait
 *
 * Delivery points: IRQL falls below APC_LEVEL, the last critical or guarded region is left, the thread gets the processor
 * back (sim_resume_hook), return to user mode (ps). Special APCs are in the list before normal ones. */
#include "ke/private.h"
#include "sim/access.h"
#include "mm/mm.h"
#include "trace/trace.h"

static KAPC *apc_of(LIST_ENTRY *e)
{
    return LIST_ITEM(e, KAPC, ApcListEntry);
}

void KeInitializeApc(KAPC *apc, KTHREAD *thread, ULONG environment, PVOID kernel, PVOID rundown, PVOID normal, ULONG mode, PVOID context)
{
    apc->Type = ApcObject;
    apc->Size = sizeof *apc;
    apc->SpareByte0 = apc->SpareByte1 = 0;
    apc->SpareLong0 = 0;
    apc->ApcStateIndex = (CCHAR)(environment == CurrentApcEnvironment ? thread->ApcStateIndex : environment);
    apc->Thread = thread;
    apc->KernelRoutine = kernel;
    apc->RundownRoutine = rundown;
    apc->NormalRoutine = normal;
    apc->ApcMode = normal ? (KPROCESSOR_MODE)mode : KernelMode;
    apc->NormalContext = normal ? context : NULL;
    apc->Inserted = FALSE;
}

void ke_apc_init_host_normal(KAPC *apc, KTHREAD *thread, void (*kernel)(KAPC *apc), uint32_t frame, PVOID normal, ULONG mode, PVOID context)
{
    PVOID routine = ke_host_routine_add(frame, (void (*)(void *))kernel);
    KeInitializeApc(apc, thread, OriginalApcEnvironment, routine, NULL, normal, mode, context);
}

void ke_apc_rundown_set(KAPC *apc, void (*rundown)(KAPC *apc), uint32_t frame)
{
    apc->RundownRoutine = ke_host_routine_add(frame, (void (*)(void *))rundown);
}

void ke_apc_init_host(KAPC *apc, KTHREAD *thread, void (*kernel)(KAPC *apc), uint32_t frame)
{
    ke_apc_init_host_normal(apc, thread, kernel, frame, NULL, KernelMode, NULL);
}

static KAPC_STATE *environment(KTHREAD *k, CCHAR index)
{
    return k->ApcStateIndex == (UCHAR)index ? &k->ApcState : &k->SavedApcState;
}

static void enqueue(KAPC *apc, KAPC_STATE *state)
{
    LIST_ENTRY *head = &state->ApcListHead[apc->ApcMode & 1];
    LIST_ENTRY *at = head;
    if (!apc->NormalRoutine)
        for (at = head->Flink; at != head && !apc_of(at)->NormalRoutine; at = at->Flink)
            ;
    list_insert_before(at, &apc->ApcListEntry);
}

static bool normal_allowed(const KTHREAD *k)
{
    return k->KernelApcDisable == 0 && !(k->ApcState.KernelApcInProgress & APC_NORMAL_IN_PROGRESS);
}

bool ke_apc_deliverable(const KTHREAD *k)
{
    const LIST_ENTRY *head = &k->ApcState.ApcListHead[KernelMode];
    if (head->Flink == head || k->SpecialApcDisable)
        return false;
    return !apc_of(head->Flink)->NormalRoutine || normal_allowed(k);
}

/* The thread is told: an APC interrupt if it runs, the end of its wait if it waits. */
static void notify(KAPC *apc, KTHREAD *k)
{
    bool waiting = k->State == Waiting;
    if (apc->ApcMode == KernelMode) {
        k->ApcState.KernelApcPending = TRUE;
        if (waiting && k->WaitIrql == PASSIVE_LEVEL && ke_apc_deliverable(k))
            ke_unwait(k, STATUS_KERNEL_APC);
    } else if (waiting && k->WaitMode == UserMode && !k->CombinedApcDisable && ((k->MiscFlags & MISC_ALERTABLE) || k->ApcState.UserApcPending)) {
        k->ApcState.UserApcPending = TRUE;
        ke_unwait(k, STATUS_USER_APC);
    }
}

bool ke_apc_insert(KAPC *apc, PVOID arg1, PVOID arg2)
{
    KTHREAD *k = apc->Thread;
    sim_access((uint64_t)k, SIM_WRITE);
    if (apc->Inserted || !(k->MiscFlags & MISC_APC_QUEUEABLE))
        return false;
    if (apc->ApcStateIndex == InsertApcEnvironment)
        apc->ApcStateIndex = (CCHAR)k->ApcStateIndex;
    apc->SystemArgument1 = arg1;
    apc->SystemArgument2 = arg2;
    apc->Inserted = TRUE;
    trace_event(TRACE_APC_QUEUE, (uint64_t)apc, (uint64_t)k, (uint64_t)apc->KernelRoutine, (uint64_t)apc->NormalRoutine);
    enqueue(apc, environment(k, apc->ApcStateIndex));
    if (apc->ApcStateIndex == (CCHAR)k->ApcStateIndex)
        notify(apc, k);
    return true;
}

BOOLEAN KeInsertQueueApc(KAPC *apc, PVOID arg1, PVOID arg2, LONG increment)
{
    if (!ke_apc_insert(apc, arg1, arg2))
        return FALSE;
    if (apc->Thread == ke_kthread())
        ke_deliver_apcs();
    else
        ke_woken_point(apc);
    return TRUE;
}

static void take_out(KAPC *apc)
{
    list_remove(&apc->ApcListEntry);
    apc->Inserted = FALSE; /* before the routine: it may free or queue the APC again */
}

BOOLEAN KeRemoveQueueApc(KAPC *apc)
{
    sim_access((uint64_t)apc->Thread, SIM_WRITE);
    if (!apc->Inserted)
        return FALSE;
    take_out(apc);
    return TRUE;
}

/* ---- delivery ---- */

/* What a kernel routine is given pointers to; lies in the frame of KiDeliverApc. */
struct apc_call {
    PVOID normal, context, arg1, arg2;
};

static void check_irql(PVOID routine, KAPC *apc, unsigned expected)
{
    if (sim_irql() != expected)
        KeBugCheckEx(IRQL_UNEXPECTED_VALUE, (ULONG64)sim_irql() << 16 | expected << 8, (ULONG64)routine, (ULONG64)apc, 0);
}

static void call_kernel_routine(KAPC *apc, struct apc_call *c)
{
    PVOID routine = apc->KernelRoutine;
    trace_event(TRACE_APC_DELIVER, (uint64_t)apc, (uint64_t)routine, (uint64_t)apc->NormalRoutine, (uint64_t)apc->ApcMode);
    c->normal = apc->NormalRoutine;
    c->context = apc->NormalContext;
    c->arg1 = apc->SystemArgument1;
    c->arg2 = apc->SystemArgument2;
    const struct ke_host_routine *own = ke_host_routine(routine);
    if (own) {
        struct guest_mark mark = guest_frame_push(own->frame);
        own->fn(apc);
        guest_frame_pop(mark);
        return;
    }
    guest_call(FRAME_NONE, routine, 5, (uint64_t)apc, (uint64_t)&c->normal, (uint64_t)&c->context, (uint64_t)&c->arg1, (uint64_t)&c->arg2);
    check_irql(routine, apc, APC_LEVEL);
}

static void call_normal_routine(KTHREAD *k, struct apc_call *c)
{
    k->ApcState.KernelApcInProgress |= APC_NORMAL_IN_PROGRESS;
    sim_irql_set(PASSIVE_LEVEL);
    guest_call(FRAME_NONE, c->normal, 3, (uint64_t)c->context, (uint64_t)c->arg1, (uint64_t)c->arg2);
    check_irql(c->normal, NULL, PASSIVE_LEVEL);
    sim_irql_set(APC_LEVEL);
    k->ApcState.KernelApcInProgress &= (BOOLEAN)~APC_NORMAL_IN_PROGRESS;
}

/* The routine before may have let others queue another one. */
static bool more_to_deliver(const KTHREAD *k)
{
    sim_access((uint64_t)k, SIM_READ);
    return ke_apc_deliverable(k);
}

/* At APC_LEVEL: runs kernel APCs until none is left or the next is held back. */
static void deliver_kernel(KTHREAD *k)
{
    k->ApcState.KernelApcPending = FALSE;
    while (more_to_deliver(k)) {
        KAPC *apc = apc_of(k->ApcState.ApcListHead[KernelMode].Flink);
        bool special = !apc->NormalRoutine;
        struct guest_mark mark = guest_frame_push(FRAME_KiDeliverApc);
        struct apc_call *c = guest_frame_locals();
        take_out(apc);
        if (special)
            k->ApcState.KernelApcInProgress |= APC_SPECIAL_IN_PROGRESS;
        call_kernel_routine(apc, c);
        k->ApcState.KernelApcInProgress &= (BOOLEAN)~APC_SPECIAL_IN_PROGRESS;
        if (!special && c->normal)
            call_normal_routine(k, c);
        guest_frame_pop(mark);
    }
}

/* Where an APC could come in, whether there is one matters. */
static bool may_interrupt(const KTHREAD *k)
{
    if (sim_irql() >= APC_LEVEL || k->SpecialApcDisable || sim_current()->kind != AGENT_THREAD)
        return false;
    sim_access((uint64_t)k, SIM_READ);
    return k->ApcState.KernelApcPending;
}

/* frame: the function that NT comes through here, FRAME_NONE where it is the export itself. */
static void deliver(uint32_t frame)
{
    KTHREAD *k = ke_kthread();
    if (!may_interrupt(k))
        return;
    struct process *before = ps_current()->attached;
    sim_irql_set(APC_LEVEL);
    if (frame) {
        struct guest_mark mark = guest_frame_push(frame);
        deliver_kernel(k);
        guest_frame_pop(mark);
    } else {
        deliver_kernel(k);
    }
    if (ps_current()->attached != before)
        KeBugCheckEx(INVALID_PROCESS_ATTACH_ATTEMPT, 0, 0, k->ApcStateIndex, 0);
    sim_irql_set(PASSIVE_LEVEL);
}

void ke_deliver_apcs(void)
{
    deliver(FRAME_NONE);
}

/* The IRQL has fallen: the software interrupt that was held back comes in. */
void ke_apc_interrupt(void)
{
    deliver(FRAME_KiApcInterrupt);
}

bool ke_apc_pending(const struct thread *t)
{
    const KTHREAD *k = &t->ethread->Tcb;
    return k->ApcState.KernelApcPending || k->ApcState.UserApcPending;
}

void ke_apcs_enabled(KTHREAD *k)
{
    sim_access((uint64_t)k, SIM_READ);
    if (k->KernelApcDisable == 0 && !list_empty(&k->ApcState.ApcListHead[KernelMode]))
        k->ApcState.KernelApcPending = TRUE;
    deliver(FRAME_KiCheckForKernelApcDelivery);
}

/* A thread has the processor again. One that ran in user mode enters the kernel for the APC as for an interrupt; on the way out
 * it also ends or is suspended if it has been told to. */
void ke_apc_resume(struct agent *a)
{
    struct thread *t = a->thread;
    if (a->kind != AGENT_THREAD || !t || !t->ethread || !t->ke || ke_of(t)->in_wait)
        return;
    bool apc = may_interrupt(&t->ethread->Tcb);
    if (!apc && (t->in_kernel || (!t->terminating && !t->suspend_count)))
        return;
    struct sim_stand stand;
    sim_stand_leave(&stand);
    if (t->in_kernel) {
        ke_deliver_apcs();
    } else {
        struct syscall s;
        ps_syscall_enter(&s, FRAME_KiApcInterrupt);
        ke_deliver_apcs();
        ps_syscall_leave(&s);
    }
    sim_stand_back(&stand);
}

/* ---- user APCs ---- */

bool ke_user_apc_take(struct ke_user_apc *out)
{
    KTHREAD *k = ke_kthread();
    ke_deliver_apcs();
    sim_access((uint64_t)k, SIM_READ);
    LIST_ENTRY *head = &k->ApcState.ApcListHead[UserMode];
    if (!k->ApcState.UserApcPending || list_empty(head))
        return false;
    k->ApcState.UserApcPending = FALSE;
    KAPC *apc = apc_of(head->Flink);
    sim_irql_set(APC_LEVEL);
    struct guest_mark mark = guest_frame_push(FRAME_KiDeliverApc);
    struct apc_call *c = guest_frame_locals();
    take_out(apc);
    call_kernel_routine(apc, c);
    *out = (struct ke_user_apc) { c->normal, c->context, c->arg1, c->arg2 };
    guest_frame_pop(mark);
    ke_irql_lower(PASSIVE_LEVEL);
    return true;
}

void ke_user_apc_done(void)
{
    KeTestAlertThread(UserMode);
}

/* ---- alerts ---- */

BOOLEAN KeTestAlertThread(ULONG mode)
{
    KTHREAD *k = ke_kthread();
    mode &= 1;
    sim_access((uint64_t)k, SIM_WRITE);
    BOOLEAN was = k->Alerted[mode];
    k->Alerted[mode] = FALSE;
    if (!was && mode == UserMode && !list_empty(&k->ApcState.ApcListHead[UserMode]))
        k->ApcState.UserApcPending = TRUE;
    return was;
}

bool ke_alert(KTHREAD *k, ULONG mode)
{
    sim_access((uint64_t)k, SIM_WRITE);
    bool was = k->Alerted[mode];
    if (was)
        return true;
    if (k->State == Waiting && (k->MiscFlags & MISC_ALERTABLE) && (KPROCESSOR_MODE)mode <= k->WaitMode)
        ke_unwait(k, STATUS_ALERTED);
    else
        k->Alerted[mode] = TRUE;
    return false;
}

BOOLEAN KeAlertThread(KTHREAD *thread, ULONG mode)
{
    bool was = ke_alert(thread, mode & 1);
    ke_woken_point(thread);
    return was;
}

/* ---- end of a thread ---- */

/* A user APC without rundown routine is freed by NT if its thread ends; one that is part of something larger is not a block. */
static bool is_pool_block(KAPC *apc)
{
    struct pool_block b;
    return mm_pool_find((uint64_t)apc, &b) && !b.free && b.base == (uint64_t)apc;
}

static void run_down(LIST_ENTRY *head)
{
    while (!list_empty(head)) {
        KAPC *apc = apc_of(head->Flink);
        take_out(apc);
        const struct ke_host_routine *own = apc->RundownRoutine ? ke_host_routine(apc->RundownRoutine) : NULL;
        if (own)
            own->fn(apc);
        else if (apc->RundownRoutine)
            guest_call(FRAME_KiDeliverApc, apc->RundownRoutine, 1, (uint64_t)apc);
        else if (is_pool_block(apc))
            ex_pool_free(apc);
    }
}

void ke_user_return_check(const struct thread *t, uint64_t service)
{
    const KTHREAD *k = &t->ethread->Tcb;
    if (sim_irql() != PASSIVE_LEVEL)
        KeBugCheckEx(IRQL_GT_ZERO_AT_SYSTEM_SERVICE, service, sim_irql(), 0, 0);
    if (k->ApcStateIndex != OriginalApcEnvironment || k->CombinedApcDisable)
        KeBugCheckEx(APC_INDEX_MISMATCH, service, k->ApcStateIndex, k->CombinedApcDisable, 0);
}

void ke_thread_exit_check(const struct thread *t)
{
    const KTHREAD *k = &t->ethread->Tcb;
    if (k->CombinedApcDisable || sim_irql() != PASSIVE_LEVEL)
        KeBugCheckEx(KERNEL_APC_PENDING_DURING_EXIT, 0, k->CombinedApcDisable, sim_irql(), 0);
}

void ke_apcs_rundown(KTHREAD *k)
{
    ke_deliver_apcs();
    k->MiscFlags &= ~(ULONG)MISC_APC_QUEUEABLE;
    run_down(&k->ApcState.ApcListHead[UserMode]);
    if (!list_empty(&k->ApcState.ApcListHead[KernelMode]))
        KeBugCheckEx(KERNEL_APC_PENDING_DURING_EXIT, (ULONG64)apc_of(k->ApcState.ApcListHead[KernelMode].Flink), k->CombinedApcDisable, sim_irql(), 0);
}
