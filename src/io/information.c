/* NtQueryInformationFile and NtSetInformationFile: what the I/O manager answers itself, the rest goes to the driver. */
#include <string.h>

#include "ex/objects.h"
#include "io/completion.h"
#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "sim/door.h"

enum { FILE_ACCESS_INFORMATION = 8, FILE_POSITION_INFORMATION = 14, FILE_MODE_INFORMATION = 16, FILE_ALIGNMENT_INFORMATION = 17, FILE_COMPLETION_INFORMATION = 30,
       FILE_COMPLETION_NOTIFICATION_INFORMATION = 41, INFORMATION_BYTES_MAX = 0x10000, INFORMATION_TAG = 0x20206F49 };

struct completion_information {
    HANDLE port;
    PVOID key;
};

/* IRP_MJ_QUERY_INFORMATION and IRP_MJ_SET_INFORMATION with a system buffer; synchronous. */
NTSTATUS io_ask_about_file(FILE_OBJECT *file, UCHAR major, void *buffer, ULONG length, ULONG class, ULONG_PTR *information)
{
    bool set = major == IRP_MJ_SET_INFORMATION || major == IRP_MJ_SET_VOLUME_INFORMATION;
    DEVICE_OBJECT *device = IoGetRelatedDeviceObject(file);
    IRP *irp = IoAllocateIrp(device->StackSize, FALSE);
    IO_STACK_LOCATION *sl = io_next_location(irp);
    sl->MajorFunction = major;
    sl->FileObject = file;
    irp->AssociatedIrp.SystemBuffer = buffer;
    irp->RequestorMode = KernelMode;
    sl->Parameters.QueryFile.Length = length; /* the others have these two at the same places */
    sl->Parameters.QueryFile.FileInformationClass = class;
    return io_send_and_wait(device, irp, information, set ? FRAME_NtSetInformationFile : FRAME_NtQueryInformationFile);
}

static NTSTATUS ask_driver(FILE_OBJECT *file, bool set, void *buffer, ULONG length, ULONG class, ULONG_PTR *information)
{
    return io_ask_about_file(file, set ? IRP_MJ_SET_INFORMATION : IRP_MJ_QUERY_INFORMATION, buffer, length, class, information);
}

static ULONG mode_of(const FILE_OBJECT *f)
{
    ULONG m = 0;
    if (f->Flags & FO_SYNCHRONOUS_IO)
        m |= f->Flags & FO_ALERTABLE_IO ? FILE_SYNCHRONOUS_IO_ALERT : FILE_SYNCHRONOUS_IO_NONALERT;
    m |= f->Flags & FO_NO_INTERMEDIATE_BUFFERING ? FILE_NO_INTERMEDIATE_BUFFERING : 0;
    m |= f->Flags & FO_WRITE_THROUGH ? FILE_WRITE_THROUGH : 0;
    m |= f->Flags & FO_SEQUENTIAL_ONLY ? FILE_SEQUENTIAL_ONLY : 0;
    return m;
}

/* The classes that need no driver. false: another class. */
static bool own_answer(FILE_OBJECT *f, ACCESS_MASK granted, ULONG class, void *out, ULONG *bytes)
{
    switch (class) {
    case FILE_ACCESS_INFORMATION:
        memcpy(out, &granted, *bytes = 4);
        return true;
    case FILE_POSITION_INFORMATION:
        if (!(f->Flags & FO_SYNCHRONOUS_IO))
            return false;
        memcpy(out, &f->CurrentByteOffset, *bytes = 8);
        return true;
    case FILE_MODE_INFORMATION: {
        ULONG m = mode_of(f);
        memcpy(out, &m, *bytes = 4);
        return true;
    }
    case FILE_ALIGNMENT_INFORMATION:
        memcpy(out, &f->DeviceObject->AlignmentRequirement, *bytes = 4);
        return true;
    case FILE_COMPLETION_NOTIFICATION_INFORMATION: {
        ULONG m = (f->Flags & FO_SKIP_COMPLETION_PORT ? 1 : 0) | (f->Flags & FO_SKIP_SET_EVENT ? 2 : 0);
        memcpy(out, &m, *bytes = 4);
        return true;
    }
    default:
        return false;
    }
}

static NTSTATUS query(FILE_OBJECT *f, ACCESS_MASK granted, ULONG class, PVOID information, ULONG length, ULONG_PTR *returned)
{
    uint64_t small;
    ULONG bytes;
    if (own_answer(f, granted, class, &small, &bytes)) {
        if (length < bytes)
            return STATUS_INFO_LENGTH_MISMATCH;
        *returned = bytes;
        return ex_put(information, &small, bytes) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
    }
    void *buffer = ex_pool_alloc(NonPagedPoolNx, length, INFORMATION_TAG);
    memset(buffer, 0, length);
    NTSTATUS s = ask_driver(f, false, buffer, length, class, returned);
    if (!NT_ERROR(s) && !ex_put(information, buffer, *returned < length ? *returned : length))
        s = STATUS_ACCESS_VIOLATION;
    ex_pool_free(buffer);
    return s;
}

NTSTATUS NtQueryInformationFile(HANDLE handle, IO_STATUS_BLOCK *iosb, PVOID information, ULONG length, ULONG class)
{
    struct syscall sc;
    void *file;
    ACCESS_MASK granted;
    IO_STATUS_BLOCK result = { .Pointer = NULL };
    if (length > INFORMATION_BYTES_MAX || length == 0)
        return STATUS_INFO_LENGTH_MISMATCH;
    ps_syscall_enter(&sc, FRAME_NtQueryInformationFile);
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_FILE, 0, &file, &granted);
    if (NT_SUCCESS(s)) {
        sim_point((uint64_t)file);
        s = query(file, granted, class, information, length, &result.Information);
        ob_dereference(file);
        result.Status = s;
        if (!NT_ERROR(s) && !ex_put(iosb, &result, sizeof result))
            s = STATUS_ACCESS_VIOLATION;
    }
    ps_syscall_leave(&sc);
    return s;
}

static NTSTATUS set_notification(FILE_OBJECT *f, ULONG flags)
{
    /* These can be set, never cleared. */
    f->Flags |= (flags & 1 ? FO_SKIP_COMPLETION_PORT : 0) | (flags & 2 ? FO_SKIP_SET_EVENT : 0) | (flags & 4 ? FO_SKIP_SET_FAST_IO : 0);
    return flags & ~7u ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

static NTSTATUS set(FILE_OBJECT *f, ULONG class, void *buffer, ULONG length)
{
    ULONG_PTR ignored;
    switch (class) {
    case FILE_COMPLETION_INFORMATION: {
        struct completion_information *c = buffer;
        return length < sizeof *c ? STATUS_INFO_LENGTH_MISMATCH : io_completion_associate(f, c->port, c->key);
    }
    case FILE_COMPLETION_NOTIFICATION_INFORMATION:
        return length < 4 ? STATUS_INFO_LENGTH_MISMATCH : set_notification(f, *(ULONG *)buffer);
    case FILE_POSITION_INFORMATION:
        if (length < 8)
            return STATUS_INFO_LENGTH_MISMATCH;
        if (f->Flags & FO_SYNCHRONOUS_IO) {
            memcpy(&f->CurrentByteOffset, buffer, 8);
            return STATUS_SUCCESS;
        }
        return STATUS_INVALID_PARAMETER;
    default:
        return ask_driver(f, true, buffer, length, class, &ignored);
    }
}

NTSTATUS NtSetInformationFile(HANDLE handle, IO_STATUS_BLOCK *iosb, PVOID information, ULONG length, ULONG class)
{
    struct syscall sc;
    void *file;
    IO_STATUS_BLOCK result = { .Pointer = NULL };
    if (length > INFORMATION_BYTES_MAX || length == 0)
        return STATUS_INFO_LENGTH_MISMATCH;
    ps_syscall_enter(&sc, FRAME_NtSetInformationFile);
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_FILE, 0, &file, NULL);
    if (NT_SUCCESS(s)) {
        sim_point((uint64_t)file);
        void *buffer = ex_pool_alloc(NonPagedPoolNx, length, INFORMATION_TAG);
        s = host_guarded_copy(buffer, information, length) ? set(file, class, buffer, length) : STATUS_ACCESS_VIOLATION;
        ex_pool_free(buffer);
        ob_dereference(file);
        result.Status = s;
        if (NT_SUCCESS(s) && !ex_put(iosb, &result, sizeof result))
            s = STATUS_ACCESS_VIOLATION;
    }
    ps_syscall_leave(&sc);
    return s;
}
