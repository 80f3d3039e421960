/* Pipes for programs, on fs's named pipes. An anonymous pipe is a named one whose name nobody is told, as on Windows. */
#include "fs/pipe.h"
#include "io/room.h"
#include "win32/exports.h"
#include "win32/file.h"
#include "win32/win32.h"

#include <stdio.h>

enum { ACCESS_INBOUND = 1, ACCESS_OUTBOUND = 2, FIRST_INSTANCE = 0x80000, OVERLAPPED_FLAG = 0x40000000, TYPE_MESSAGE = 4, READ_MESSAGE = 2, NOWAIT = 1, UNLIMITED = 255,
       FSCTL_DISCONNECT = 0x110004, FSCTL_LISTEN = 0x110008, FSCTL_PEEK = 0x11400C, PIPE_INFORMATION = 23, PIPE_LOCAL_INFORMATION = 24, ERROR_SEM_TIMEOUT_ = 121,
       USE_DEFAULT_WAIT = 0, WAIT_FOREVER = -1, EVENT_AT = 24 };

struct locals {
    IO_STATUS_BLOCK iosb;
    OBJECT_ATTRIBUTES oa;
    UNICODE_STRING name;
    HANDLE handle;
};
_Static_assert(sizeof(struct locals) <= 0x80, "frame locals");

static ULONG inherits(const void *security)
{
    ULONG inherit = 0;
    if (security)
        memcpy(&inherit, (const uint8_t *)security + 16, 4);
    return inherit ? OBJ_INHERIT : 0;
}

/* a: name, open mode, pipe mode, instances, out and in buffer, timeout, security. */
HANDLE CreateNamedPipeW(const WCHAR *name, ULONG open_mode, ULONG mode, ULONG instances, ULONG out_bytes, ULONG in_bytes, ULONG timeout, void *security)
{
    size_t n = name ? w32_wcslen(name) : 0, length;
    static const ULONG rights[] = { 0, GENERIC_READ, GENERIC_WRITE, GENERIC_READ | GENERIC_WRITE };
    struct syscall sc;
    if (!(open_mode & 3) || !instances || instances > UNLIMITED || ((mode & READ_MESSAGE) && !(mode & TYPE_MESSAGE)))
        return w32_error(ERROR_INVALID_PARAMETER), INVALID_HANDLE_VALUE;
    WCHAR *path = (WCHAR *)w32_alloc((n + W32_PATH_MORE) * 2);
    if (!path || !w32_nt_path(name, n, path, n + W32_PATH_MORE, &length))
        return w32_free((uint64_t)path), w32_error(ERROR_INVALID_NAME), INVALID_HANDLE_VALUE;
    const ULONG inherit = inherits(security), access = rights[open_mode & 3] | SYNCHRONIZE | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES;
    struct fs_pipe_parameters p = { .message = mode & TYPE_MESSAGE, .message_read = mode & READ_MESSAGE, .no_wait = mode & NOWAIT,
                                    .instances = instances == UNLIMITED ? 0xFFFFFFFF : instances, .in_quota = in_bytes, .out_quota = out_bytes };
    struct w32_frame f = w32_frame_push(FRAME_CreateFileInternal);
    struct locals *l = (struct locals *)f.locals;
    l->name = (UNICODE_STRING) { (USHORT)(length * 2), (USHORT)(length * 2), path };
    l->oa = (OBJECT_ATTRIBUTES) { .Length = sizeof l->oa, .ObjectName = &l->name, .Attributes = OBJ_CASE_INSENSITIVE | inherit };
    ps_syscall_enter(&sc, FRAME_NtCreateNamedPipeFile);
    sim_point(0);
    NTSTATUS s = io_create_pipe(&l->handle, access, &l->oa, &l->iosb, (USHORT)(open_mode & 3), open_mode & FIRST_INSTANCE ? FILE_CREATE : FILE_OPEN_IF,
                                open_mode & OVERLAPPED_FLAG ? 0 : FILE_SYNCHRONOUS_IO_NONALERT, &p);
    ps_syscall_leave(&sc);
    HANDLE h = l->handle;
    w32_frame_pop(&f);
    w32_free((uint64_t)path);
    return NT_SUCCESS(s) ? h : (w32_fail(s), INVALID_HANDLE_VALUE);
}

HANDLE CreateNamedPipeA(const char *name, ULONG open_mode, ULONG mode, ULONG instances, ULONG out_bytes, ULONG in_bytes, ULONG timeout, void *security)
{
    uint64_t w = name ? w32_widen(name) : 0;
    HANDLE h = CreateNamedPipeW((const WCHAR *)w, open_mode, mode, instances, out_bytes, in_bytes, timeout, security);
    w32_free(w);
    return h;
}

BOOL CreatePipe(HANDLE *read, HANDLE *write, void *security, ULONG bytes)
{
    char name[80];
    struct w32_room *r = w32_room();
    if (!read || !write)
        return w32_error(ERROR_INVALID_PARAMETER);
    snprintf(name, sizeof name, "\\\\.\\pipe\\Win32Pipes.%08x.%08x", ps_current()->process->id, ++r->pipe_count);
    uint64_t w = w32_widen(name);
    HANDLE server = CreateNamedPipeW((const WCHAR *)w, ACCESS_INBOUND | FIRST_INSTANCE, 0, 1, bytes, bytes, 0, security);
    HANDLE client = server == INVALID_HANDLE_VALUE ? INVALID_HANDLE_VALUE : CreateFileW((const WCHAR *)w, GENERIC_WRITE, 0, security, OPEN_EXISTING, 0, NULL);
    w32_free(w);
    if (client == INVALID_HANDLE_VALUE) {
        if (server != INVALID_HANDLE_VALUE)
            CloseHandle(server);
        return FALSE;
    }
    *read = server;
    *write = client;
    return TRUE;
}

static NTSTATUS control(HANDLE pipe, ULONG code, void *out, ULONG bytes, ULONG_PTR *done)
{
    struct w32_frame f = w32_frame_push(FRAME_DeviceIoControl);
    struct locals *l = (struct locals *)f.locals;
    NTSTATUS s = NtFsControlFile(pipe, NULL, NULL, NULL, &l->iosb, code, NULL, 0, out, bytes);
    if (s == STATUS_PENDING) {
        NtWaitForSingleObject(pipe, FALSE, NULL);
        s = l->iosb.Status;
    }
    *done = l->iosb.Information;
    w32_frame_pop(&f);
    return s;
}

BOOL ConnectNamedPipe(HANDLE pipe, uint8_t *overlapped)
{
    ULONG_PTR done;
    if (!overlapped)
        return w32_result(control(pipe, FSCTL_LISTEN, NULL, 0, &done));
    HANDLE event;
    memcpy(&event, overlapped + EVENT_AT, 8);
    w32_console_flush();
    *(uint64_t *)overlapped = (uint64_t)STATUS_PENDING;
    NTSTATUS s = NtFsControlFile(pipe, (HANDLE)((uint64_t)event & ~1ull), NULL, (uint64_t)event & 1 ? NULL : overlapped, (IO_STATUS_BLOCK *)overlapped, FSCTL_LISTEN, NULL, 0,
                                 NULL, 0);
    return s == STATUS_SUCCESS ? TRUE : w32_fail(s);
}

BOOL DisconnectNamedPipe(HANDLE pipe)
{
    ULONG_PTR done;
    return w32_result(control(pipe, FSCTL_DISCONNECT, NULL, 0, &done));
}

/* FILE_PIPE_PEEK_BUFFER */
BOOL PeekNamedPipe(HANDLE pipe, void *buffer, ULONG size, ULONG *read, ULONG *available, ULONG *left)
{
    ULONG_PTR done;
    ULONG *out = (ULONG *)w32_alloc(16 + (size_t)size);
    NTSTATUS s = control(pipe, FSCTL_PEEK, out, 16 + (buffer ? size : 0), &done);
    if (s == STATUS_BUFFER_OVERFLOW)
        s = STATUS_SUCCESS;
    if (NT_SUCCESS(s)) {
        ULONG n = (ULONG)done - 16;
        if (buffer)
            memcpy(buffer, out + 4, n);
        if (read)
            *read = n;
        if (available)
            *available = out[1];
        if (left)
            *left = out[2] ? out[3] - n : 0;
    }
    w32_free((uint64_t)out);
    return w32_result(s);
}

/* Looks every ten milliseconds whether an instance can be opened. GUESS: Windows is told; the order among those who wait is open. */
BOOL WaitNamedPipeW(const WCHAR *name, ULONG timeout)
{
    static const char prefix[] = "\\\\.\\pipe\\";
    size_t n = name ? w32_wcslen(name) : 0, skip = sizeof prefix - 1;
    ULONG left = timeout == USE_DEFAULT_WAIT ? 50 : timeout;
    if (n <= skip)
        return w32_error(ERROR_INVALID_NAME);
    for (;;) {
        struct syscall sc;
        LARGE_INTEGER pause = { .QuadPart = -100000 };
        ps_syscall_enter(&sc, FRAME_NtFsControlFile);
        sim_point(0);
        int state = fs_pipe_state(name + skip, n - skip);
        if (state == 1 && left)
            KeDelayExecutionThread(KernelMode, FALSE, &pause);
        ps_syscall_leave(&sc);
        if (state != 1)
            return state ? TRUE : w32_error(ERROR_FILE_NOT_FOUND);
        if (!left)
            return w32_error(ERROR_SEM_TIMEOUT_);
        if (timeout != (ULONG)WAIT_FOREVER)
            left -= left < 10 ? left : 10;
    }
}

BOOL WaitNamedPipeA(const char *name, ULONG timeout)
{
    uint64_t w = name ? w32_widen(name) : 0;
    BOOL r = WaitNamedPipeW((const WCHAR *)w, timeout);
    w32_free(w);
    return r;
}

BOOL SetNamedPipeHandleState(HANDLE pipe, const ULONG *mode, const ULONG *collect, const ULONG *timeout)
{
    if (!mode)
        return TRUE;
    struct w32_frame f = w32_frame_push(FRAME_GetFileSizeEx);
    ULONG *in = (ULONG *)(f.locals + 16);
    in[0] = (*mode & READ_MESSAGE) != 0;
    in[1] = *mode & NOWAIT;
    NTSTATUS s = NtSetInformationFile(pipe, (IO_STATUS_BLOCK *)f.locals, in, 8, PIPE_INFORMATION);
    w32_frame_pop(&f);
    return w32_result(s);
}

static NTSTATUS local_information(HANDLE pipe, ULONG class, ULONG *to, ULONG bytes)
{
    struct w32_frame f = w32_frame_push(FRAME_GetFileSizeEx);
    NTSTATUS s = NtQueryInformationFile(pipe, (IO_STATUS_BLOCK *)f.locals, f.locals + 16, bytes, class);
    if (NT_SUCCESS(s))
        memcpy(to, f.locals + 16, bytes);
    w32_frame_pop(&f);
    return s;
}

BOOL GetNamedPipeInfo(HANDLE pipe, ULONG *flags, ULONG *out_bytes, ULONG *in_bytes, ULONG *instances)
{
    ULONG all[10];
    NTSTATUS s = local_information(pipe, PIPE_LOCAL_INFORMATION, all, sizeof all);
    if (!NT_SUCCESS(s))
        return w32_fail(s);
    if (flags)
        *flags = (all[0] ? TYPE_MESSAGE : 0) | (all[9] ? 1 : 0);
    if (out_bytes)
        *out_bytes = all[6];
    if (in_bytes)
        *in_bytes = all[4];
    if (instances)
        *instances = all[2] > UNLIMITED ? UNLIMITED : all[2];
    return TRUE;
}

BOOL GetNamedPipeHandleStateW(HANDLE pipe, ULONG *state, ULONG *instances, ULONG *collect, ULONG *timeout, WCHAR *user, ULONG chars)
{
    ULONG all[10], mode[2];
    NTSTATUS s = local_information(pipe, PIPE_LOCAL_INFORMATION, all, sizeof all);
    if (NT_SUCCESS(s))
        s = local_information(pipe, PIPE_INFORMATION, mode, sizeof mode);
    if (!NT_SUCCESS(s))
        return w32_fail(s);
    if (state)
        *state = (mode[0] ? READ_MESSAGE : 0) | (mode[1] ? NOWAIT : 0);
    if (instances)
        *instances = all[3];
    return TRUE;
}

BOOL GetNamedPipeHandleStateA(HANDLE pipe, ULONG *state, ULONG *instances, ULONG *collect, ULONG *timeout, char *user, ULONG chars)
{
    return GetNamedPipeHandleStateW(pipe, state, instances, collect, timeout, NULL, 0);
}

/* A message there and one back. */
BOOL TransactNamedPipe(HANDLE pipe, const void *in, ULONG in_bytes, void *out, ULONG out_bytes, ULONG *read, void *overlapped)
{
    ULONG written;
    if (overlapped)
        return w32_error(50); /* ERROR_NOT_SUPPORTED */
    return w32_file_write(pipe, in, in_bytes, &written) && w32_file_read(pipe, out, out_bytes, read);
}

BOOL CallNamedPipeW(const WCHAR *name, const void *in, ULONG in_bytes, void *out, ULONG out_bytes, ULONG *read, ULONG timeout)
{
    const ULONG mode = READ_MESSAGE;
    if (!WaitNamedPipeW(name, timeout))
        return FALSE;
    HANDLE h = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 3, NULL, OPEN_EXISTING, 0, NULL);
    if (h == INVALID_HANDLE_VALUE)
        return FALSE;
    BOOL ok = SetNamedPipeHandleState(h, &mode, NULL, NULL) && TransactNamedPipe(h, in, in_bytes, out, out_bytes, read, NULL);
    ULONG error = GetLastError();
    CloseHandle(h);
    return ok ? TRUE : w32_error(error);
}

BOOL CallNamedPipeA(const char *name, const void *in, ULONG in_bytes, void *out, ULONG out_bytes, ULONG *read, ULONG timeout)
{
    uint64_t w = name ? w32_widen(name) : 0;
    BOOL r = CallNamedPipeW((const WCHAR *)w, in, in_bytes, out, out_bytes, read, timeout);
    w32_free(w);
    return r;
}
