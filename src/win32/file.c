/* CreateFile, ReadFile, WriteFile, DeviceIoControl and CloseHandle on the Nt calls.
 *
 * A synchronous call's status block lies in the frame of the function that has it on Windows, on the user stack; with an
 * OVERLAPPED it is the OVERLAPPED, and the completion port's key is its address unless the event handle's low bit says no. */
#include "ex/objects.h"
#include "win32/file.h"

#include "ob/ob.h"
#include "win32/overlapped.h"

enum { FLAG_WRITE_THROUGH = (int)0x80000000, FLAG_OVERLAPPED = 0x40000000, FLAG_NO_BUFFERING = 0x20000000, FLAG_RANDOM_ACCESS = 0x10000000,
       FLAG_SEQUENTIAL_SCAN = 0x08000000, FLAG_DELETE_ON_CLOSE = 0x04000000, FLAG_BACKUP_SEMANTICS = 0x02000000, FLAG_POSIX_SEMANTICS = 0x01000000,
       FLAG_OPEN_REPARSE_POINT = 0x00200000, ATTRIBUTES_MASK = 0x00007FA7 };
enum { DEVICE_TYPE_FILE_SYSTEM = 9 };

/* ---- opening ---- */

/* The console's names, which never reach the object manager. */
static HANDLE console_handle(const WCHAR *name, ULONG access)
{
    static const WCHAR in[] = { 'C', 'O', 'N', 'I', 'N', '$', 0 }, out[] = { 'C', 'O', 'N', 'O', 'U', 'T', '$', 0 }, con[] = { 'C', 'O', 'N', 0 };
    bool input = w32_wcsicmp(name, in) == 0, output = w32_wcsicmp(name, out) == 0;
    if (w32_wcsicmp(name, con) == 0) {
        output = (access & GENERIC_WRITE) != 0;
        input = !output;
    }
    return input ? (HANDLE)0x0FFF0003ull : output ? (HANDLE)0x0FFF0007ull : NULL;
}

static ULONG create_options(ULONG flags)
{
    ULONG o = flags & FLAG_OVERLAPPED ? 0 : FILE_SYNCHRONOUS_IO_NONALERT;
    o |= flags & FLAG_BACKUP_SEMANTICS ? FILE_OPEN_FOR_BACKUP_INTENT : FILE_NON_DIRECTORY_FILE;
    o |= flags & (ULONG)FLAG_WRITE_THROUGH ? FILE_WRITE_THROUGH : 0;
    o |= flags & FLAG_NO_BUFFERING ? FILE_NO_INTERMEDIATE_BUFFERING : 0;
    o |= flags & FLAG_RANDOM_ACCESS ? FILE_RANDOM_ACCESS : 0;
    o |= flags & FLAG_SEQUENTIAL_SCAN ? FILE_SEQUENTIAL_ONLY : 0;
    o |= flags & FLAG_DELETE_ON_CLOSE ? FILE_DELETE_ON_CLOSE : 0;
    o |= flags & FLAG_OPEN_REPARSE_POINT ? FILE_OPEN_REPARSE_POINT : 0;
    return o;
}

static ULONG last_error_of_open(NTSTATUS status, ULONG disposition)
{
    if (status == STATUS_OBJECT_NAME_COLLISION && disposition == CREATE_NEW)
        return ERROR_FILE_EXISTS;
    if (status == STATUS_FILE_IS_A_DIRECTORY)
        return ERROR_ACCESS_DENIED;
    return rtl_nt_status_to_dos_error(status);
}

struct open_locals {
    IO_STATUS_BLOCK iosb;
    OBJECT_ATTRIBUTES oa;
    UNICODE_STRING name;
    HANDLE handle;
};
_Static_assert(sizeof(struct open_locals) <= 0x80, "frame locals");

HANDLE CreateFileW(const WCHAR *name, ULONG access, ULONG share, void *security, ULONG disposition, ULONG flags, HANDLE template)
{
    static const uint8_t nt_disposition[6] = { 0, FILE_CREATE, FILE_OVERWRITE_IF, FILE_OPEN, FILE_OPEN_IF, FILE_OVERWRITE };
    size_t n = name ? w32_wcslen(name) : 0;
    if (n == 0) {
        w32_error(ERROR_PATH_NOT_FOUND);
        return INVALID_HANDLE_VALUE;
    }
    if (disposition < CREATE_NEW || disposition > TRUNCATE_EXISTING || (disposition == TRUNCATE_EXISTING && !(access & GENERIC_WRITE))) {
        w32_error(ERROR_INVALID_PARAMETER);
        return INVALID_HANDLE_VALUE;
    }
    HANDLE console = console_handle(name, access);
    if (console)
        return console;
    uint32_t inherit = 0;
    void *descriptor = NULL;
    if (security) { /* SECURITY_ATTRIBUTES: length, descriptor, inherit */
        memcpy(&descriptor, (uint8_t *)security + 8, 8);
        memcpy(&inherit, (uint8_t *)security + 16, 4);
    }
    WCHAR *path = (WCHAR *)w32_alloc((n + W32_PATH_MORE) * 2);
    size_t length;
    if (!path || !w32_nt_path(name, n, path, n + W32_PATH_MORE, &length) || length > 0x7FFE) {
        w32_free((uint64_t)path);
        w32_error(path ? ERROR_PATH_NOT_FOUND : ERROR_NOT_ENOUGH_MEMORY);
        return INVALID_HANDLE_VALUE;
    }
    access |= SYNCHRONIZE | FILE_READ_ATTRIBUTES | (flags & FLAG_DELETE_ON_CLOSE ? DELETE : 0);
    struct w32_frame f = w32_frame_push(FRAME_CreateFileInternal);
    struct open_locals *l = (struct open_locals *)f.locals;
    l->name = (UNICODE_STRING) { (USHORT)(length * 2), (USHORT)(length * 2), path };
    l->oa.Length = sizeof l->oa;
    l->oa.ObjectName = &l->name;
    l->oa.Attributes = (flags & FLAG_POSIX_SEMANTICS ? 0 : OBJ_CASE_INSENSITIVE) | (inherit ? OBJ_INHERIT : 0);
    l->oa.SecurityDescriptor = descriptor;
    NTSTATUS status = NtCreateFile(&l->handle, access, &l->oa, &l->iosb, NULL, flags & ATTRIBUTES_MASK, share, nt_disposition[disposition], create_options(flags), NULL, 0);
    HANDLE handle = l->handle;
    ULONG_PTR information = l->iosb.Information;
    w32_frame_pop(&f);
    w32_free((uint64_t)path);
    if (!NT_SUCCESS(status)) {
        w32_fail(status);
        w32_set_error(last_error_of_open(status, disposition));
        return INVALID_HANDLE_VALUE;
    }
    /* Documented only for these two; the others leave the last error alone. */
    if (disposition == CREATE_ALWAYS)
        w32_set_error(information == FILE_OVERWRITTEN ? ERROR_ALREADY_EXISTS : 0);
    if (disposition == OPEN_ALWAYS)
        w32_set_error(information == FILE_OPENED ? ERROR_ALREADY_EXISTS : 0);
    return handle;
}

HANDLE CreateFileA(const char *name, ULONG access, ULONG share, void *security, ULONG disposition, ULONG flags, HANDLE template)
{
    uint64_t wide = name ? w32_widen(name) : 0;
    HANDLE h = CreateFileW((const WCHAR *)wide, access, share, security, disposition, flags, template);
    w32_free(wide);
    return h;
}

/* CREATEFILE2_EXTENDED_PARAMETERS: size, attributes, flags, QoS flags, security, template */
HANDLE CreateFile2(const WCHAR *name, ULONG access, ULONG share, ULONG disposition, const ULONG *extended)
{
    void *security = NULL;
    if (extended)
        memcpy(&security, (const uint8_t *)extended + 16, 8);
    return CreateFileW(name, access, share, security, disposition, extended ? extended[1] | extended[2] : 0x80, NULL);
}

BOOL CloseHandle(HANDLE handle)
{
    int64_t h = (int64_t)handle;
    if (w32_console_of(handle) || (h < 0 && h >= -6))
        return TRUE; /* pseudo handles: closing has no effect */
    NTSTATUS status = NtClose(handle);
    return w32_result(status);
}

/* ---- reading and writing ---- */

static BOOL console_transfer(int console, bool write, void *buffer, ULONG length, ULONG *done)
{
    if (write != (console > 1))
        return w32_error(write ? ERROR_INVALID_HANDLE : ERROR_INVALID_HANDLE);
    if (write)
        w32_console_write(console - 1, buffer, length);
    size_t got = write ? length : w32_console_read(buffer, length);
    if (done)
        *done = (ULONG)got;
    return TRUE;
}

static NTSTATUS transfer(bool write, HANDLE file, HANDLE event, void *apc, void *context, IO_STATUS_BLOCK *iosb, void *buffer, ULONG length,
                         LARGE_INTEGER *offset)
{
    NTSTATUS status;
    if (write)
        status = NtWriteFile(file, event, apc, context, iosb, buffer, length, offset, NULL);
    else
        status = NtReadFile(file, event, apc, context, iosb, buffer, length, offset, NULL);
    return status;
}

/* ---- the services: console handles are files to them, too ---- */

static NTSTATUS console_service(int console, bool write, HANDLE event, IO_STATUS_BLOCK *iosb, void *buffer, ULONG length)
{
    if (write != (console > 1))
        return STATUS_ACCESS_DENIED;
    if (write)
        w32_console_write(console - 1, buffer, length);
    iosb->Status = write ? STATUS_SUCCESS : STATUS_END_OF_FILE;
    iosb->Information = write ? length : 0;
    if (event)
        NtSetEvent(event, NULL);
    return iosb->Status;
}

NTSTATUS ntdll_NtReadFile(HANDLE file, HANDLE event, void *apc, void *context, IO_STATUS_BLOCK *iosb, void *buffer, ULONG length, LARGE_INTEGER *offset,
                          ULONG *key)
{
    int console = w32_console_of(file);
    return console ? console_service(console, false, event, iosb, buffer, length)
                   : NtReadFile(file, event, apc, context, iosb, buffer, length, offset, key);
}

NTSTATUS ntdll_NtWriteFile(HANDLE file, HANDLE event, void *apc, void *context, IO_STATUS_BLOCK *iosb, void *buffer, ULONG length, LARGE_INTEGER *offset,
                           ULONG *key)
{
    int console = w32_console_of(file);
    return console ? console_service(console, true, event, iosb, buffer, length)
                   : NtWriteFile(file, event, apc, context, iosb, buffer, length, offset, key);
}

/* A handle opened for overlapped I/O may answer "pending" to a synchronous call too. */
static NTSTATUS wait_pending(HANDLE file, NTSTATUS status, const IO_STATUS_BLOCK *iosb)
{
    if (status != STATUS_PENDING)
        return status;
    status = NtWaitForSingleObject(file, FALSE, NULL);
    return NT_SUCCESS(status) ? iosb->Status : status;
}

static BOOL transfer_now(bool write, HANDLE file, void *buffer, ULONG length, ULONG *done)
{
    struct w32_frame f = w32_frame_push(write ? FRAME_WriteFile : FRAME_ReadFile);
    IO_STATUS_BLOCK *iosb = (IO_STATUS_BLOCK *)f.locals;
    NTSTATUS status = wait_pending(file, transfer(write, file, NULL, NULL, NULL, iosb, buffer, length, NULL), iosb);
    ULONG n = (ULONG)iosb->Information;
    w32_frame_pop(&f);
    if (status == STATUS_END_OF_FILE && !write) {
        *done = 0;
        return TRUE;
    }
    *done = NT_SUCCESS(status) || NT_WARNING(status) ? n : 0;
    return NT_SUCCESS(status) ? TRUE : w32_fail(status);
}

BOOL w32_file_read(HANDLE file, void *buffer, ULONG length, ULONG *done)
{
    return transfer_now(false, file, buffer, length, done);
}

BOOL w32_file_write(HANDLE file, const void *buffer, ULONG length, ULONG *done)
{
    return transfer_now(true, file, (void *)buffer, length, done);
}

static void *port_context(const struct overlapped *o)
{
    return o->event & 1 ? NULL : (void *)o;
}

static BOOL transfer_overlapped(bool write, HANDLE file, void *buffer, ULONG length, ULONG *done, struct overlapped *o)
{
    if (done)
        *done = 0;
    o->internal = STATUS_PENDING;
    struct w32_frame f = w32_frame_push(write ? FRAME_WriteFile : FRAME_ReadFile);
    LARGE_INTEGER *offset = (LARGE_INTEGER *)f.locals;
    offset->QuadPart = (LONGLONG)o->offset;
    NTSTATUS status = transfer(write, file, (HANDLE)(o->event & ~1ull), NULL, port_context(o), (IO_STATUS_BLOCK *)o, buffer, length, offset);
    w32_frame_pop(&f);
    if (NT_SUCCESS(status) && status != STATUS_PENDING) {
        if (done)
            *done = (ULONG)o->internal_high;
        return TRUE;
    }
    if (status == STATUS_END_OF_FILE && done)
        *done = 0;
    return w32_fail(status); /* STATUS_PENDING becomes ERROR_IO_PENDING */
}

BOOL ReadFile(HANDLE file, void *buffer, ULONG length, ULONG *done, struct overlapped *o)
{
    int console = w32_console_of(file);
    ULONG ignored;
    if (console)
        return console_transfer(console, false, buffer, length, done);
    return o ? transfer_overlapped(false, file, buffer, length, done, o) : transfer_now(false, file, buffer, length, done ? done : &ignored);
}

BOOL WriteFile(HANDLE file, const void *buffer, ULONG length, ULONG *done, struct overlapped *o)
{
    int console = w32_console_of(file);
    ULONG ignored;
    if (console)
        return console_transfer(console, true, (void *)buffer, length, done);
    return o ? transfer_overlapped(true, file, (void *)buffer, length, done, o) : transfer_now(true, file, (void *)buffer, length, done ? done : &ignored);
}

BOOL FlushFileBuffers(HANDLE file)
{
    if (w32_console_of(file))
        return w32_console_of(file) > 1 ? TRUE : w32_error(ERROR_INVALID_HANDLE);
    struct w32_frame f = w32_frame_push(FRAME_FlushFileBuffers);
    NTSTATUS status = NtFlushBuffersFile(file, (IO_STATUS_BLOCK *)f.locals);
    w32_frame_pop(&f);
    return w32_result(status);
}

/* ---- device control ---- */

static NTSTATUS control(HANDLE file, HANDLE event, void *context, IO_STATUS_BLOCK *iosb, ULONG code, void *in, ULONG in_length, void *out, ULONG out_length)
{
    NTSTATUS status;
    if (code >> 16 == DEVICE_TYPE_FILE_SYSTEM)
        status = NtFsControlFile(file, event, NULL, context, iosb, code, in, in_length, out, out_length);
    else
        status = NtDeviceIoControlFile(file, event, NULL, context, iosb, code, in, in_length, out, out_length);
    return status;
}

static BOOL control_overlapped(HANDLE file, ULONG code, void *in, ULONG in_length, void *out, ULONG out_length, ULONG *returned, struct overlapped *o)
{
    o->internal = STATUS_PENDING;
    NTSTATUS status = control(file, (HANDLE)(o->event & ~1ull), port_context(o), (IO_STATUS_BLOCK *)o, code, in, in_length, out, out_length);
    if (!NT_ERROR(status) && returned)
        *returned = (ULONG)o->internal_high;
    return NT_SUCCESS(status) && status != STATUS_PENDING ? TRUE : w32_fail(status);
}

BOOL DeviceIoControl(HANDLE file, ULONG code, void *in, ULONG in_length, void *out, ULONG out_length, ULONG *returned, struct overlapped *o)
{
    if (o)
        return control_overlapped(file, code, in, in_length, out, out_length, returned, o);
    struct w32_frame f = w32_frame_push(FRAME_DeviceIoControl);
    IO_STATUS_BLOCK *iosb = (IO_STATUS_BLOCK *)f.locals;
    NTSTATUS status = wait_pending(file, control(file, NULL, NULL, iosb, code, in, in_length, out, out_length), iosb);
    ULONG n = (ULONG)iosb->Information;
    w32_frame_pop(&f);
    /* Not looked at before: Windows too faults on a NULL here. */
    if (!NT_ERROR(status))
        *returned = n;
    return NT_SUCCESS(status) ? TRUE : w32_fail(status);
}

/* ---- about handles ---- */

enum { TYPE_UNKNOWN, TYPE_DISK, TYPE_CHAR, TYPE_PIPE };

ULONG GetFileType(HANDLE file)
{
    if (w32_console_of(file))
        return TYPE_CHAR;
    void *object;
    if (!NT_SUCCESS(ob_handle_reference(ps_current()->process, file, OB_FILE, 0, &object, NULL))) {
        w32_error(ERROR_INVALID_HANDLE);
        return TYPE_UNKNOWN;
    }
    ULONG device = ((const FILE_OBJECT *)object)->DeviceObject->DeviceType;
    ob_dereference(object);
    w32_set_error(0);
    switch (device) {
    case 0x02: /* FILE_DEVICE_CD_ROM */
    case 0x07: /* FILE_DEVICE_DISK */
    case 0x08:
    case 0x09:
    case 0x24: /* FILE_DEVICE_VIRTUAL_DISK */
        return TYPE_DISK;
    case 0x0B: /* FILE_DEVICE_KEYBOARD */
    case 0x0F: /* FILE_DEVICE_MOUSE */
    case 0x15: /* FILE_DEVICE_NULL */
    case 0x16: /* FILE_DEVICE_PARALLEL_PORT */
    case 0x18: /* FILE_DEVICE_PRINTER */
    case 0x1B: /* FILE_DEVICE_SERIAL_PORT */
    case 0x1C: /* FILE_DEVICE_SCREEN */
    case 0x2A: /* FILE_DEVICE_MODEM */
    case 0x50: /* FILE_DEVICE_CONSOLE */
        return TYPE_CHAR;
    case 0x11: /* FILE_DEVICE_NAMED_PIPE */
        return TYPE_PIPE;
    default:
        return TYPE_UNKNOWN;
    }
}
