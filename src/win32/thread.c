/* Threads: creation, end, exit codes, APCs, priorities (which this machine ignores). */
#include "ke/exports.h"
#include "ps/nt_thread.h"
#include "sim/access.h"
#include "win32/crt.h"
#include "win32/file.h"
#include "win32/tls.h"
#include "win32/wait.h"

enum { CREATE_SUSPENDED = 4, STACK_SIZE_PARAM_IS_A_RESERVATION = 0x10000 };

/* What a thread does in user mode when its routine has returned or it calls ExitThread. */
static void thread_end(void)
{
    w32_console_flush();
    tls_thread_end();
}

void w32_thread_hooks(void)
{
    ps_user_end_hook = thread_end;
}

static NTSTATUS create(void *start, void *parameter, uint64_t stack, bool suspended, HANDLE *handle, uint64_t *id)
{
    struct syscall sc;
    struct thread *t;
    w32_process();
    w32_thread_hooks();
    ps_syscall_enter(&sc, FRAME_NtCreateThreadEx);
    sim_point(0);
    /* Suspended until its handle is there, so that it does not run before its creator knows it. */
    NTSTATUS s = ps_create_user_thread(ps_current()->process, start, parameter, stack, true, &t);
    if (NT_SUCCESS(s)) {
        *id = (uint64_t)t->ethread->Cid.UniqueThread;
        s = ob_handle_create(ps_current()->process, t->ethread, THREAD_ALL_ACCESS, 0, handle);
        if (!suspended)
            ps_resume_thread(t);
    }
    ps_syscall_leave(&sc);
    return s;
}

HANDLE CreateThread(void *security, uint64_t stack, void *start, void *parameter, ULONG flags, ULONG *id)
{
    HANDLE h = NULL;
    uint64_t tid = 0;
    if (flags & ~(ULONG)(CREATE_SUSPENDED | STACK_SIZE_PARAM_IS_A_RESERVATION))
        return w32_error(ERROR_INVALID_PARAMETER), NULL;
    NTSTATUS s = create(start, parameter, stack, (flags & CREATE_SUSPENDED) != 0, &h, &tid);
    if (!NT_SUCCESS(s))
        return w32_fail(s), NULL;
    if (id)
        *id = (ULONG)tid;
    return h;
}

HANDLE CreateRemoteThread(HANDLE process, void *security, uint64_t stack, void *start, void *parameter, ULONG flags, ULONG *id)
{
    if (process != NT_CURRENT_PROCESS)
        return w32_fail(STATUS_NOT_SUPPORTED), NULL;
    return CreateThread(security, stack, start, parameter, flags, id);
}

_Noreturn void ExitThread(ULONG code)
{
    w32_thread_hooks();
    ps_user_exit_thread((NTSTATUS)code);
}

BOOL TerminateThread(HANDLE thread, ULONG code)
{
    w32_console_flush();
    return w32_result(NtTerminateThread(thread, (NTSTATUS)code));
}

BOOL GetExitCodeThread(HANDLE thread, ULONG *code)
{
    ETHREAD *e;
    NTSTATUS s = ps_thread_reference(thread, 0, &e);
    if (!NT_SUCCESS(s))
        return w32_fail(s);
    sim_access((uint64_t)e, SIM_READ);
    ULONG c = e->Tcb.Header.SignalState ? (ULONG)e->ExitStatus : (ULONG)STATUS_PENDING; /* STILL_ACTIVE */
    ob_dereference(e);
    *code = c;
    return TRUE;
}

ULONG GetThreadId(HANDLE thread)
{
    ETHREAD *e;
    NTSTATUS s = ps_thread_reference(thread, 0, &e);
    if (!NT_SUCCESS(s))
        return (ULONG)w32_fail(s);
    ULONG id = (ULONG)(uint64_t)e->Cid.UniqueThread;
    ob_dereference(e);
    return id;
}

ULONG GetProcessIdOfThread(HANDLE thread)
{
    ETHREAD *e;
    NTSTATUS s = ps_thread_reference(thread, 0, &e);
    if (!NT_SUCCESS(s))
        return (ULONG)w32_fail(s);
    ULONG id = (ULONG)(uint64_t)e->Cid.UniqueProcess;
    ob_dereference(e);
    return id;
}

HANDLE OpenThread(ULONG access, BOOL inherit, ULONG id)
{
    ps_looked_for();
    struct thread *t = ps_threads();
    while (t && (!t->ethread || !t->teb || (ULONG)(uint64_t)t->ethread->Cid.UniqueThread != id))
        t = t->next;
    if (!t)
        return w32_error(ERROR_INVALID_PARAMETER), NULL;
    HANDLE h = NULL;
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtOpenThread);
    NTSTATUS s = ob_handle_create(ps_current()->process, t->ethread, access, inherit ? OBJ_INHERIT : 0, &h);
    ps_syscall_leave(&sc);
    return NT_SUCCESS(s) ? h : (w32_fail(s), NULL);
}

ULONG ResumeThread(HANDLE thread)
{
    struct w32_frame f = w32_frame_push(FRAME_ResumeThread);
    NTSTATUS s = NtResumeThread(thread, (ULONG *)f.locals);
    ULONG before = *(ULONG *)f.locals;
    w32_frame_pop(&f);
    return NT_SUCCESS(s) ? before : (w32_fail(s), 0xFFFFFFFF);
}

ULONG SuspendThread(HANDLE thread)
{
    struct w32_frame f = w32_frame_push(FRAME_SuspendThread);
    NTSTATUS s = NtSuspendThread(thread, (ULONG *)f.locals);
    ULONG before = *(ULONG *)f.locals;
    w32_frame_pop(&f);
    return NT_SUCCESS(s) ? before : (w32_fail(s), 0xFFFFFFFF);
}

ULONG QueueUserAPC(void *routine, HANDLE thread, uint64_t data)
{
    NTSTATUS s = NtQueueApcThread(thread, routine, (void *)data, NULL, NULL);
    return NT_SUCCESS(s) ? 1 : (ULONG)w32_fail(s);
}

/* ---- priorities and names: they change nothing here ---- */

static BOOL is_thread(HANDLE thread)
{
    ETHREAD *e;
    NTSTATUS s = ps_thread_reference(thread, 0, &e);
    if (NT_SUCCESS(s))
        ob_dereference(e);
    return w32_result(s);
}

enum { PRIORITY_ERROR = 0x7FFFFFFF, PRIORITY_IDLE = -15, PRIORITY_TIME_CRITICAL = 15 };

BOOL SetThreadPriority(HANDLE thread, LONG priority)
{
    ETHREAD *e;
    if ((priority < -2 || priority > 2) && priority != PRIORITY_IDLE && priority != PRIORITY_TIME_CRITICAL)
        return w32_error(ERROR_INVALID_PARAMETER);
    NTSTATUS s = ps_thread_reference(thread, 0, &e);
    if (!NT_SUCCESS(s))
        return w32_fail(s);
    KeSetBasePriorityThread(&e->Tcb, priority == PRIORITY_IDLE ? -7 : priority == PRIORITY_TIME_CRITICAL ? 7 : priority);
    ob_dereference(e);
    return TRUE;
}

LONG GetThreadPriority(HANDLE thread)
{
    ETHREAD *e;
    NTSTATUS s = ps_thread_reference(thread, 0, &e);
    if (!NT_SUCCESS(s))
        return w32_fail(s), PRIORITY_ERROR;
    LONG p = KeQueryBasePriorityThread(&e->Tcb);
    ob_dereference(e);
    return p == -7 ? PRIORITY_IDLE : p == 7 ? PRIORITY_TIME_CRITICAL : p;
}

BOOL SetThreadPriorityBoost(HANDLE thread, BOOL disable)
{
    return is_thread(thread);
}

uint64_t SetThreadAffinityMask(HANDLE thread, uint64_t mask)
{
    uint64_t all = sim_processors();
    if (!mask || (mask & ~all))
        return w32_error(ERROR_INVALID_PARAMETER), 0;
    return is_thread(thread) ? all : 0;
}

ULONG SetThreadIdealProcessor(HANDLE thread, ULONG processor)
{
    return is_thread(thread) ? 0 : 0xFFFFFFFF;
}

NTSTATUS SetThreadDescription(HANDLE thread, const WCHAR *text)
{
    return is_thread(thread) ? 0 : (NTSTATUS)0x80070006;
}

ULONG GetCurrentProcessorNumber(void)
{
    return sim_processor()->number;
}

BOOL SetThreadStackGuarantee(ULONG *bytes)
{
    return TRUE;
}

void GetCurrentThreadStackLimits(uint64_t *low, uint64_t *high)
{
    const struct thread *t = ps_current();
    *low = t->user_stack;
    *high = t->user_stack_top;
}

/* ---- the C run-time's threads ---- */

uint64_t crt__beginthreadex(void *security, uint32_t stack, void *start, void *parameter, uint32_t flags, ULONG *id)
{
    if (!start) {
        crt_invalid_parameter(CRT_EINVAL);
        return 0;
    }
    HANDLE h = CreateThread(security, stack, start, parameter, flags, id);
    if (!h)
        crt_fail_win32(GetLastError());
    return (uint64_t)h;
}

/* GUESS: the handle stays open after _endthread, which on Windows closes it; programs must not use it then either way. */
uint64_t crt__beginthread(void *start, uint32_t stack, void *parameter)
{
    uint64_t h = crt__beginthreadex(NULL, stack, start, parameter, 0, NULL);
    return h ? h : (uint64_t)-1;
}

_Noreturn void crt__endthreadex(uint32_t code)
{
    ExitThread(code);
}

_Noreturn void crt__endthread(void)
{
    ExitThread(0);
}
