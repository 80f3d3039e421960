/* Waiting for handles, and sleeping. */
#include "win32/wait.h"

enum { WAIT_FAILED = -1, WAIT_TIMEOUT_ = 258, WAIT_IO_COMPLETION_ = 0xC0 };

LARGE_INTEGER *w32_timeout(LARGE_INTEGER *at, ULONG milliseconds)
{
    if (milliseconds == (ULONG)INFINITE)
        return NULL;
    at->QuadPart = -(LONGLONG)milliseconds * 10000;
    return at;
}

/* ---- Nt calls that are here because they only stand on ke ---- */

NTSTATUS NtDelayExecution(ULONG alertable, LARGE_INTEGER *interval)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtDelayExecution);
    NTSTATUS s = KeDelayExecutionThread(UserMode, alertable, interval);
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS NtYieldExecution(void)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtYieldExecution);
    ke_yield();
    ps_syscall_leave(&sc);
    return STATUS_SUCCESS;
}

NTSTATUS nt_wait_for_alert(KEVENT *alert, LARGE_INTEGER *timeout)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtWaitForAlertByThreadId);
    NTSTATUS s = KeWaitForSingleObject(alert, WrAlertByThreadId, UserMode, FALSE, timeout);
    ps_syscall_leave(&sc);
    return s;
}

/* ---- Win32 ---- */

ULONG SleepEx(ULONG milliseconds, BOOL alertable)
{
    struct w32_frame f = w32_frame_push(FRAME_SleepEx);
    LARGE_INTEGER *interval = (LARGE_INTEGER *)f.locals;
    if (!w32_timeout(interval, milliseconds))
        interval->QuadPart = INT64_MIN; /* for ever */
    NTSTATUS status;
    /* An alert that is no APC does not end a sleep. */
    do
        status = NtDelayExecution(alertable ? TRUE : FALSE, interval);
    while (status == STATUS_ALERTED);
    w32_frame_pop(&f);
    return status == STATUS_USER_APC ? WAIT_IO_COMPLETION_ : 0;
}

void Sleep(ULONG milliseconds)
{
    SleepEx(milliseconds, FALSE);
}

BOOL SwitchToThread(void)
{
    NTSTATUS status = NtYieldExecution();
    return NT_SUCCESS(status);
}

ULONG WaitForSingleObjectEx(HANDLE handle, ULONG milliseconds, BOOL alertable)
{
    struct w32_frame f = w32_frame_push(FRAME_WaitForSingleObjectEx);
    LARGE_INTEGER *timeout = w32_timeout((LARGE_INTEGER *)f.locals, milliseconds);
    NTSTATUS status;
    do
        status = NtWaitForSingleObject(handle, alertable ? TRUE : FALSE, timeout);
    while (status == STATUS_ALERTED && alertable);
    w32_frame_pop(&f);
    if (NT_SUCCESS(status))
        return (ULONG)status; /* WAIT_OBJECT_0, WAIT_ABANDONED, WAIT_IO_COMPLETION, WAIT_TIMEOUT are the statuses */
    w32_fail(status);
    return (ULONG)WAIT_FAILED;
}

ULONG WaitForSingleObject(HANDLE handle, ULONG milliseconds)
{
    return WaitForSingleObjectEx(handle, milliseconds, FALSE);
}

ULONG WaitForMultipleObjectsEx(ULONG count, HANDLE *handles, BOOL all, ULONG milliseconds, BOOL alertable)
{
    if (count == 0 || count > MAXIMUM_WAIT_OBJECTS) {
        w32_error(ERROR_INVALID_PARAMETER);
        return (ULONG)WAIT_FAILED;
    }
    struct w32_frame f = w32_frame_push(FRAME_WaitForMultipleObjectsEx);
    LARGE_INTEGER *timeout = w32_timeout((LARGE_INTEGER *)f.locals, milliseconds);
    NTSTATUS status;
    do
        status = NtWaitForMultipleObjects(count, handles, all ? WaitAll : WaitAny, alertable ? TRUE : FALSE, timeout);
    while (status == STATUS_ALERTED && alertable);
    w32_frame_pop(&f);
    if (NT_SUCCESS(status))
        return (ULONG)status;
    w32_fail(status);
    return (ULONG)WAIT_FAILED;
}

ULONG WaitForMultipleObjects(ULONG count, HANDLE *handles, BOOL all, ULONG milliseconds)
{
    return WaitForMultipleObjectsEx(count, handles, all, milliseconds, FALSE);
}
