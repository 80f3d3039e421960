/* Overlapped I/O: results, cancelling, completion ports, reads and writes with a completion routine. */
#include "io/completion.h"
#include "win32/file.h"
#include "win32/overlapped.h"
#include "win32/wait.h"

/* ---- results ---- */

BOOL GetOverlappedResultEx(HANDLE file, struct overlapped *o, ULONG *done, ULONG milliseconds, BOOL alertable)
{
    /* The status is written last by the completing side: look, wait, look again. */
    if ((NTSTATUS)o->internal == STATUS_PENDING) {
        if (milliseconds == 0)
            return w32_error(ERROR_IO_INCOMPLETE);
        uint64_t event = o->event & ~1ull;
        ULONG w = WaitForSingleObjectEx(event ? (HANDLE)event : file, milliseconds, alertable);
        if (w == (ULONG)-1)
            return FALSE;
        if (w != 0)
            return w32_error(w); /* WAIT_TIMEOUT, WAIT_IO_COMPLETION */
    }
    NTSTATUS status = (NTSTATUS)o->internal;
    *done = (ULONG)o->internal_high;
    if (status == STATUS_PENDING)
        return w32_error(ERROR_IO_INCOMPLETE);
    return w32_result(status);
}

BOOL GetOverlappedResult(HANDLE file, struct overlapped *o, ULONG *done, BOOL wait)
{
    return GetOverlappedResultEx(file, o, done, wait ? (ULONG)INFINITE : 0, FALSE);
}

/* ---- cancelling ---- */

BOOL CancelIo(HANDLE file)
{
    struct w32_frame f = w32_frame_push(FRAME_CancelIo);
    NTSTATUS s = NtCancelIoFile(file, (IO_STATUS_BLOCK *)f.locals);
    w32_frame_pop(&f);
    return w32_result(s);
}

BOOL CancelIoEx(HANDLE file, struct overlapped *o)
{
    struct w32_frame f = w32_frame_push(FRAME_CancelIoEx);
    NTSTATUS s = NtCancelIoFileEx(file, (IO_STATUS_BLOCK *)o, (IO_STATUS_BLOCK *)f.locals);
    w32_frame_pop(&f);
    return w32_result(s);
}

BOOL CancelSynchronousIo(HANDLE thread)
{
    struct w32_frame f = w32_frame_push(FRAME_CancelSynchronousIo);
    NTSTATUS s = NtCancelSynchronousIoFile(thread, NULL, (IO_STATUS_BLOCK *)f.locals);
    w32_frame_pop(&f);
    return w32_result(s);
}

/* ---- completion ports ---- */

enum { FILE_COMPLETION_INFORMATION_CLASS = 30, FILE_COMPLETION_NOTIFICATION_CLASS = 41 };

struct port_locals {
    IO_STATUS_BLOCK iosb;
    HANDLE port;
    struct {
        HANDLE port;
        uint64_t key;
    } completion;
    uint64_t key, context;
    LARGE_INTEGER timeout;
    ULONG removed;
};

HANDLE CreateIoCompletionPort(HANDLE file, HANDLE existing, uint64_t key, ULONG threads)
{
    if (file == INVALID_HANDLE_VALUE && existing)
        return w32_fail(STATUS_INVALID_PARAMETER), NULL;
    struct w32_frame f = w32_frame_push(FRAME_CreateIoCompletionPort);
    struct port_locals *l = (struct port_locals *)f.locals;
    NTSTATUS s = STATUS_SUCCESS;
    HANDLE port = existing;
    if (!existing) {
        s = NtCreateIoCompletion(&l->port, IO_COMPLETION_ALL_ACCESS, NULL, threads);
        port = l->port;
    }
    if (NT_SUCCESS(s) && file != INVALID_HANDLE_VALUE) {
        l->completion.port = port;
        l->completion.key = key;
        s = NtSetInformationFile(file, &l->iosb, &l->completion, sizeof l->completion, FILE_COMPLETION_INFORMATION_CLASS);
        if (!NT_SUCCESS(s) && !existing)
            NtClose(port);
    }
    w32_frame_pop(&f);
    return NT_SUCCESS(s) ? port : (w32_fail(s), NULL);
}

BOOL GetQueuedCompletionStatus(HANDLE port, ULONG *bytes, uint64_t *key, uint64_t *o, ULONG milliseconds)
{
    struct w32_frame f = w32_frame_push(FRAME_GetQueuedCompletionStatus);
    struct port_locals *l = (struct port_locals *)f.locals;
    NTSTATUS s = NtRemoveIoCompletion(port, (PVOID *)&l->key, (PVOID *)&l->context, &l->iosb, w32_timeout(&l->timeout, milliseconds));
    struct port_locals got = *l;
    w32_frame_pop(&f);
    if (!NT_SUCCESS(s) || s == STATUS_TIMEOUT || s == STATUS_ABANDONED) {
        *o = 0;
        return s == STATUS_TIMEOUT ? w32_error(258) : w32_fail(s);
    }
    *key = got.key;
    *o = got.context;
    *bytes = (ULONG)got.iosb.Information;
    return w32_result(got.iosb.Status);
}

/* OVERLAPPED_ENTRY: key, overlapped, internal, bytes */
struct overlapped_entry {
    uint64_t key, overlapped, internal;
    ULONG bytes, pad;
};

BOOL GetQueuedCompletionStatusEx(HANDLE port, struct overlapped_entry *entries, ULONG count, ULONG *removed, ULONG milliseconds, BOOL alertable)
{
    _Static_assert(sizeof(struct overlapped_entry) == sizeof(FILE_IO_COMPLETION_INFORMATION), "the same 32 bytes");
    struct w32_frame f = w32_frame_push(FRAME_GetQueuedCompletionStatusEx);
    struct port_locals *l = (struct port_locals *)f.locals;
    NTSTATUS s = NtRemoveIoCompletionEx(port, (FILE_IO_COMPLETION_INFORMATION *)entries, count, &l->removed, w32_timeout(&l->timeout, milliseconds), alertable ? 1 : 0);
    ULONG n = l->removed;
    w32_frame_pop(&f);
    *removed = n;
    if (s == STATUS_SUCCESS)
        return TRUE;
    return s == STATUS_TIMEOUT ? w32_error(258) : s == STATUS_USER_APC ? w32_error(0xC0) : w32_fail(s);
}

BOOL PostQueuedCompletionStatus(HANDLE port, ULONG bytes, uint64_t key, uint64_t o)
{
    return w32_result(NtSetIoCompletion(port, (PVOID)key, (PVOID)o, STATUS_SUCCESS, bytes));
}

BOOL SetFileCompletionNotificationModes(HANDLE file, ULONG flags)
{
    struct w32_frame f = w32_frame_push(FRAME_SetFileCompletionNotificationModes);
    struct port_locals *l = (struct port_locals *)f.locals;
    l->removed = flags & 0xFF;
    NTSTATUS s = NtSetInformationFile(file, &l->iosb, &l->removed, 4, FILE_COMPLETION_NOTIFICATION_CLASS);
    w32_frame_pop(&f);
    return w32_result(s);
}

/* ---- completion routines ----
 * The user APC is an export of ours that turns NT's arguments (context = the routine, status block, 0) into Win32's (error,
 * bytes, OVERLAPPED). */

void BasepIoCompletion(void *routine, struct overlapped *o, ULONG reserved)
{
    NTSTATUS s = (NTSTATUS)o->internal;
    ULONG error = NT_SUCCESS(s) ? 0 : rtl_nt_status_to_dos_error(s);
    ULONG bytes = NT_SUCCESS(s) ? (ULONG)o->internal_high : 0;
    guest_call(FRAME_NONE, routine, 3, (uint64_t)error, (uint64_t)bytes, (uint64_t)o);
}

static BOOL transfer_ex(bool write, HANDLE file, void *buffer, ULONG length, struct overlapped *o, void *routine)
{
    void *apc = (void *)door_export_address("kernel32.dll", "BasepIoCompletion");
    o->internal = STATUS_PENDING;
    struct w32_frame f = w32_frame_push(write ? FRAME_WriteFileEx : FRAME_ReadFileEx);
    LARGE_INTEGER *offset = (LARGE_INTEGER *)f.locals;
    offset->QuadPart = (LONGLONG)o->offset;
    NTSTATUS s = write ? NtWriteFile(file, NULL, apc, routine, (IO_STATUS_BLOCK *)o, buffer, length, offset, NULL)
                       : NtReadFile(file, NULL, apc, routine, (IO_STATUS_BLOCK *)o, buffer, length, offset, NULL);
    w32_frame_pop(&f);
    return NT_ERROR(s) ? w32_fail(s) : TRUE;
}

BOOL ReadFileEx(HANDLE file, void *buffer, ULONG length, struct overlapped *o, void *routine)
{
    return transfer_ex(false, file, buffer, length, o, routine);
}

BOOL WriteFileEx(HANDLE file, const void *buffer, ULONG length, struct overlapped *o, void *routine)
{
    return transfer_ex(true, file, (void *)buffer, length, o, routine);
}
