/* Attaching a thread to another process. The thread's own APC state is put aside (SavedApcState, or the caller's KAPC_STATE if it
 * was attached already); APCs for the own process wait there until the thread comes back. */
#include "ke/private.h"

#define NOT_ATTACHED_BY_THIS ((KPROCESS *)1) /* the caller was in that process already */

static void list_move(LIST_ENTRY *to, LIST_ENTRY *from)
{
    if (list_empty(from)) {
        list_init(to);
        return;
    }
    *to = *from;
    to->Flink->Blink = to->Blink->Flink = to;
    list_init(from);
}

/* Field by field: behind SavedApcState's fields lie others of the KTHREAD. */
static void state_move(KAPC_STATE *to, KAPC_STATE *from)
{
    list_move(&to->ApcListHead[KernelMode], &from->ApcListHead[KernelMode]);
    list_move(&to->ApcListHead[UserMode], &from->ApcListHead[UserMode]);
    to->Process = from->Process;
    to->KernelApcInProgress = from->KernelApcInProgress;
    to->KernelApcPending = from->KernelApcPending;
    to->UserApcPending = from->UserApcPending;
    from->KernelApcInProgress = from->KernelApcPending = from->UserApcPending = FALSE;
}

static void attached_process(KPROCESS *process)
{
    struct thread *t = ps_current();
    struct process *p = ps_process_of(process);
    IR_ASSERT(p);
    t->attached = p == t->process ? NULL : p;
    ke_address_space_follow();
}

void KeStackAttachProcess(KPROCESS *process, KAPC_STATE *saved)
{
    KTHREAD *k = ke_kthread();
    if (sim_current()->kind == AGENT_DPC)
        KeBugCheckEx(INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG64)process, (ULONG64)k->ApcState.Process, k->ApcStateIndex, 1);
    if (k->ApcState.Process == process) {
        saved->Process = NOT_ATTACHED_BY_THIS;
        return;
    }
    if (k->ApcStateIndex == OriginalApcEnvironment) {
        saved->Process = NULL;
        state_move(&k->SavedApcState, &k->ApcState);
    } else {
        state_move(saved, &k->ApcState);
    }
    k->ApcStateIndex = AttachedApcEnvironment;
    k->ApcState.Process = process;
    attached_process(process);
}

void KeUnstackDetachProcess(KAPC_STATE *saved)
{
    KTHREAD *k = ke_kthread();
    if (saved->Process == NOT_ATTACHED_BY_THIS)
        return;
    if (k->ApcStateIndex == OriginalApcEnvironment)
        KeBugCheckEx(INVALID_PROCESS_DETACH_ATTEMPT, 0, 0, 0, 0);
    ke_deliver_apcs();
    if ((k->ApcState.KernelApcInProgress & APC_NORMAL_IN_PROGRESS) || !list_empty(&k->ApcState.ApcListHead[KernelMode]) ||
        !list_empty(&k->ApcState.ApcListHead[UserMode]))
        KeBugCheckEx(INVALID_PROCESS_DETACH_ATTEMPT, 0, 0, 0, 0);
    if (saved->Process) {
        state_move(&k->ApcState, saved);
    } else {
        state_move(&k->ApcState, &k->SavedApcState);
        k->ApcStateIndex = OriginalApcEnvironment;
    }
    attached_process(k->ApcState.Process);
    ke_apcs_enabled(k);
}

void KeAttachProcess(KPROCESS *process)
{
    KTHREAD *k = ke_kthread();
    if (k->ApcState.Process == process)
        return;
    if (k->ApcStateIndex != OriginalApcEnvironment)
        KeBugCheckEx(INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG64)process, (ULONG64)k->ApcState.Process, k->ApcStateIndex, 0);
    KAPC_STATE unused;
    KeStackAttachProcess(process, &unused);
}

void KeDetachProcess(void)
{
    KAPC_STATE original = { .Process = NULL };
    if (ke_kthread()->ApcStateIndex != OriginalApcEnvironment)
        KeUnstackDetachProcess(&original);
}

BOOLEAN KeIsAttachedProcess(void)
{
    return ke_kthread()->ApcStateIndex != OriginalApcEnvironment;
}
