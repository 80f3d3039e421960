/* The system calls about threads and processes, and what a thread does on its way back to user mode: suspension, user APCs. */
#include "sim/access.h"
#include "ps/nt_thread.h"

#include <string.h>

#include "ex/objects.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/ex.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "sim/door.h"

enum { APC_TAG = 0x70617350 /* "Psap" */ };

/* ---- handles ---- */

NTSTATUS ps_thread_reference(HANDLE handle, ACCESS_MASK access, ETHREAD **out)
{
    void *object;
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_THREAD, access, &object, NULL);
    *out = NT_SUCCESS(s) ? object : NULL;
    return s;
}

/* ---- on the way back to user mode ---- */

/* Suspension takes effect here: a thread that is in the kernel goes on until it would leave. User APCs have to wait; being told to end sets the event. */
void ps_wait_while_suspended(struct thread *t)
{
    while (t->suspend_count && !t->terminating) {
        KeClearEvent(t->resume);
        KeWaitForSingleObject(t->resume, Suspended, KernelMode, FALSE, NULL);
    }
}

bool ps_user_apc_pending(const struct thread *t)
{
    return t->ethread->Tcb.ApcState.UserApcPending;
}

static void to_user(struct thread *t, const struct syscall *s)
{
    struct fiber *f = &t->agent->fiber;
    f->guest_sp = s->user.sp;
    f->frame_site = s->user.site;
    f->gs_base = t->teb;
    host_set_gs(t->teb);
    t->in_kernel = false;
}

/* Each user APC runs on the user stack and enters the kernel again when it returns (NtContinue), which finds the next one. */
void ps_run_user_apcs(struct thread *t, struct syscall *s)
{
    struct ke_user_apc apc;
    while (ke_user_apc_take(&apc)) {
        if (apc.normal) {
            to_user(t, s);
            guest_call(FRAME_KiUserApcDispatcher, apc.normal, 3, (uint64_t)apc.context, (uint64_t)apc.arg1, (uint64_t)apc.arg2);
            struct syscall again;
            ps_syscall_enter(&again, FRAME_NtContinue);
        }
        if (t->terminating)
            return;
        ke_user_apc_done();
    }
}

/* ---- user APCs ---- */

static void user_apc_free(KAPC *apc)
{
    ex_pool_free(apc);
}

NTSTATUS NtQueueApcThread(HANDLE handle, PVOID routine, PVOID context, PVOID arg1, PVOID arg2)
{
    struct syscall sc;
    ETHREAD *thread;
    ps_syscall_enter(&sc, FRAME_NtQueueApcThread);
    NTSTATUS s = ps_thread_reference(handle, THREAD_SET_CONTEXT, &thread);
    if (NT_SUCCESS(s)) {
        sim_point((uint64_t)thread);
        KAPC *apc = ex_pool_alloc(NonPagedPoolNx, sizeof *apc, APC_TAG);
        ke_apc_init_host_normal(apc, &thread->Tcb, user_apc_free, FRAME_PspQueueApcSpecialApc, routine, UserMode, context);
        if (!ps_thread_living(thread) || !KeInsertQueueApc(apc, arg1, arg2, 0)) {
            ex_pool_free(apc);
            s = STATUS_UNSUCCESSFUL;
        }
        ob_dereference(thread);
    }
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS NtTestAlert(void)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtTestAlert);
    NTSTATUS s = KeTestAlertThread(UserMode) ? STATUS_ALERTED : STATUS_SUCCESS;
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS NtAlertThread(HANDLE handle)
{
    struct syscall sc;
    ETHREAD *thread;
    ps_syscall_enter(&sc, FRAME_NtAlertThread);
    NTSTATUS s = ps_thread_reference(handle, THREAD_ALERT, &thread);
    if (NT_SUCCESS(s)) {
        sim_point((uint64_t)thread);
        if (ps_thread_living(thread))
            KeAlertThread(&thread->Tcb, UserMode);
        ob_dereference(thread);
    }
    ps_syscall_leave(&sc);
    return s;
}

/* ---- suspending ---- */

static void suspend_apc(KAPC *apc)
{
    /* Only there so that the thread passes through the kernel. */
    ex_pool_free(apc);
}

NTSTATUS NtSuspendThread(HANDLE handle, ULONG *previous)
{
    struct syscall sc;
    ETHREAD *e;
    ps_syscall_enter(&sc, FRAME_NtSuspendThread);
    NTSTATUS s = ps_thread_reference(handle, THREAD_SUSPEND_RESUME, &e);
    if (NT_SUCCESS(s)) {
        sim_point((uint64_t)e);
        struct thread *t = ps_thread_living(e);
        ULONG before = t ? t->suspend_count + (t->suspended ? 1 : 0) : 0;
        s = !t || t->terminating ? STATUS_THREAD_IS_TERMINATING : before >= 127 ? STATUS_SUSPEND_COUNT_EXCEEDED : STATUS_SUCCESS;
        if (NT_SUCCESS(s)) {
            if (!t->resume) {
                t->resume = sim_alloc(sizeof *t->resume);
                sim_name(t->resume, sizeof *t->resume, SIM_ACCESS_OF(SIM_RESUME, e));
                KeInitializeEvent(t->resume, NotificationEvent, FALSE);
            }
            sim_access((uint64_t)e, SIM_WRITE);
            t->suspend_count++;
            if (t != ps_current()) {
                KAPC *apc = ex_pool_alloc(NonPagedPoolNx, sizeof *apc, APC_TAG);
                ke_apc_init_host(apc, &e->Tcb, suspend_apc, FRAME_KiSuspendNop);
                if (!KeInsertQueueApc(apc, NULL, NULL, 0))
                    ex_pool_free(apc);
            }
            s = ex_put(previous, &before, sizeof before) ? s : STATUS_ACCESS_VIOLATION;
        }
        ob_dereference(e);
    }
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS NtResumeThread(HANDLE handle, ULONG *previous)
{
    struct syscall sc;
    ETHREAD *e;
    ps_syscall_enter(&sc, FRAME_NtResumeThread);
    NTSTATUS s = ps_thread_reference(handle, THREAD_SUSPEND_RESUME, &e);
    if (NT_SUCCESS(s)) {
        sim_point((uint64_t)e);
        struct thread *t = ps_thread_living(e);
        ULONG before = t ? t->suspend_count + (t->suspended ? 1 : 0) : 0;
        if (t && (t->suspend_count || t->suspended))
            sim_access((uint64_t)e, SIM_WRITE);
        if (t && t->suspend_count) {
            t->suspend_count--;
            if (!t->suspend_count)
                KeSetEvent(t->resume, 0, FALSE);
        } else if (t) {
            ps_resume_thread(t);
        }
        if (!ex_put(previous, &before, sizeof before))
            s = STATUS_ACCESS_VIOLATION;
        ob_dereference(e);
    }
    ps_syscall_leave(&sc);
    return s;
}

/* ---- ending ---- */

NTSTATUS NtTerminateThread(HANDLE handle, NTSTATUS status)
{
    struct syscall sc;
    ETHREAD *e;
    ps_syscall_enter(&sc, FRAME_NtTerminateThread);
    if (!handle)
        ps_exit_thread(status);
    NTSTATUS s = ps_thread_reference(handle, THREAD_TERMINATE, &e);
    if (NT_SUCCESS(s)) {
        sim_point((uint64_t)e);
        struct thread *t = ps_thread_living(e);
        ob_dereference(e);
        if (t == ps_current())
            ps_exit_thread(status);
        if (t)
            ps_terminate_thread(t, status);
    }
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS NtTerminateProcess(HANDLE handle, NTSTATUS status)
{
    struct syscall sc;
    void *object;
    ps_syscall_enter(&sc, FRAME_NtTerminateProcess);
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle ? handle : NT_CURRENT_PROCESS, OB_PROCESS, PROCESS_TERMINATE, &object, NULL);
    if (NT_SUCCESS(s)) {
        sim_point((uint64_t)object);
        struct process *p = ps_process_of(object);
        ob_dereference(object);
        if (p == ps_current_process())
            ps_exit_process(status);
        for (struct thread *t = ps_threads(), *next; t; t = next) {
            next = t->next;
            if (t->process == p)
                ps_terminate_thread(t, status);
        }
    }
    ps_syscall_leave(&sc);
    return s;
}

/* ---- asking ---- */

struct thread_basic_information {
    NTSTATUS exit_status;
    ULONG pad;
    PVOID teb;
    HANDLE process, thread;
    ULONG_PTR affinity;
    LONG priority, base_priority;
};

NTSTATUS NtQueryInformationThread(HANDLE handle, ULONG class, PVOID information, ULONG length, ULONG *returned)
{
    struct syscall sc;
    ETHREAD *e;
    struct thread_basic_information i = { 0 };
    ULONG bytes = sizeof i;
    if (class != 0)
        return STATUS_INVALID_INFO_CLASS;
    if (length != bytes)
        return STATUS_INFO_LENGTH_MISMATCH;
    ps_syscall_enter(&sc, FRAME_NtQueryInformationThread);
    NTSTATUS s = ps_thread_reference(handle, 0, &e);
    if (NT_SUCCESS(s)) {
        i.exit_status = e->Tcb.Header.SignalState ? e->ExitStatus : STATUS_PENDING;
        i.teb = e->Tcb.Teb;
        i.process = e->Cid.UniqueProcess;
        i.thread = e->Cid.UniqueThread;
        i.affinity = sim_processors();
        i.priority = i.base_priority = 8;
        ob_dereference(e);
        s = ex_put(information, &i, sizeof i) && ex_put(returned, &bytes, sizeof bytes) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
    }
    ps_syscall_leave(&sc);
    return s;
}

struct process_basic_information {
    NTSTATUS exit_status;
    ULONG pad;
    PVOID peb;
    ULONG_PTR affinity;
    LONG base_priority, pad2;
    ULONG_PTR id, parent;
};

NTSTATUS NtQueryInformationProcess(HANDLE handle, ULONG class, PVOID information, ULONG length, ULONG *returned)
{
    struct syscall sc;
    void *object;
    struct process_basic_information i = { 0 };
    ULONG bytes = sizeof i;
    if (class != 0)
        return STATUS_INVALID_INFO_CLASS;
    if (length != bytes)
        return STATUS_INFO_LENGTH_MISMATCH;
    ps_syscall_enter(&sc, FRAME_NtQueryInformationProcess);
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_PROCESS, 0, &object, NULL);
    if (NT_SUCCESS(s)) {
        const EPROCESS *e = object;
        i.exit_status = e->ExitStatus;
        i.peb = e->Peb;
        i.affinity = sim_processors();
        i.base_priority = 8;
        i.id = (ULONG_PTR)e->UniqueProcessId;
        ob_dereference(object);
        s = ex_put(information, &i, sizeof i) && ex_put(returned, &bytes, sizeof bytes) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
    }
    ps_syscall_leave(&sc);
    return s;
}
