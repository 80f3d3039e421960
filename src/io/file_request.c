/* What drivers ask of files beside reading and writing: information by file object, volumes, stream files, deletion. */
#include <string.h>

#include "ex/objects.h"
#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "sim/door.h"

void MmBuildMdlForNonPagedPool(MDL *m);

enum { REQUEST_TAG = 0x20206F49, BYTES_MAX = 0x10000 };

/* ---- information, by file object: the caller's buffer is the system's ---- */

static NTSTATUS query(FILE_OBJECT *f, UCHAR major, ULONG class, ULONG length, PVOID buffer, ULONG *returned)
{
    ULONG_PTR information = 0;
    NTSTATUS s = io_ask_about_file(f, major, buffer, length, class, &information);
    *returned = (ULONG)information;
    return s;
}

NTSTATUS IoQueryFileInformation(FILE_OBJECT *f, ULONG class, ULONG length, PVOID buffer, ULONG *returned)
{
    return query(f, IRP_MJ_QUERY_INFORMATION, class, length, buffer, returned);
}

NTSTATUS IoQueryVolumeInformation(FILE_OBJECT *f, ULONG class, ULONG length, PVOID buffer, ULONG *returned)
{
    return query(f, IRP_MJ_QUERY_VOLUME_INFORMATION, class, length, buffer, returned);
}

NTSTATUS IoSetInformation(FILE_OBJECT *f, ULONG class, ULONG length, PVOID buffer)
{
    ULONG unused;
    return query(f, IRP_MJ_SET_INFORMATION, class, length, buffer, &unused);
}

/* ---- volumes, by handle ---- */

/* What a class needs at least; 0: no such class. FS_INFORMATION_CLASS. */
static ULONG volume_bytes(ULONG class, bool set)
{
    static const UCHAR query_bytes[] = { 0, 24 /* volume */, 0, 24 /* size */, 8 /* device */, 16 /* attribute */, 48 /* control */, 32 /* full size */, 64 /* object id */,
                                         8 /* driver path */, 8 /* volume flags */, 28 /* sector size */ };
    static const UCHAR set_bytes[] = { [2] = 8 /* label */, [6] = 48, [8] = 64 };
    if (set)
        return class < sizeof set_bytes ? set_bytes[class] : 0;
    return class < sizeof query_bytes ? query_bytes[class] : 0;
}

static NTSTATUS volume(HANDLE handle, IO_STATUS_BLOCK *iosb, PVOID information, ULONG length, ULONG class, bool set)
{
    void *file;
    IO_STATUS_BLOCK result = { .Pointer = NULL };
    if (!volume_bytes(class, set))
        return STATUS_INVALID_INFO_CLASS;
    if (length < volume_bytes(class, set) || length > BYTES_MAX)
        return STATUS_INFO_LENGTH_MISMATCH;
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_FILE, 0, &file, NULL);
    if (!NT_SUCCESS(s))
        return s;
    sim_point((uint64_t)file);
    UCHAR *buffer = ex_pool_alloc(NonPagedPoolNx, length, REQUEST_TAG);
    memset(buffer, 0, length);
    if (set)
        memcpy(buffer, information, length);
    s = io_ask_about_file(file, set ? IRP_MJ_SET_VOLUME_INFORMATION : IRP_MJ_QUERY_VOLUME_INFORMATION, buffer, length, class, &result.Information);
    if (!set && !NT_ERROR(s))
        memcpy(information, buffer, result.Information < length ? result.Information : length);
    ex_pool_free(buffer);
    ob_dereference(file);
    result.Status = s;
    if (!NT_ERROR(s))
        *iosb = result;
    return s;
}

NTSTATUS ZwQueryVolumeInformationFile(HANDLE handle, IO_STATUS_BLOCK *iosb, PVOID information, ULONG length, ULONG class)
{
    return volume(handle, iosb, information, length, class, false);
}

NTSTATUS ZwSetVolumeInformationFile(HANDLE handle, IO_STATUS_BLOCK *iosb, PVOID information, ULONG length, ULONG class)
{
    return volume(handle, iosb, information, length, class, true);
}

/* ---- directories ---- */

/* The caller's buffer as the device wants it; what a completed request leaves behind goes with the IRP. */
static bool buffer_give(IRP *irp, const DEVICE_OBJECT *device, PVOID buffer, ULONG length)
{
    irp->UserBuffer = buffer;
    if (device->Flags & DO_BUFFERED_IO)
        irp->AssociatedIrp.SystemBuffer = buffer; /* it is the system's already */
    if (device->Flags & DO_DIRECT_IO) {
        if (!IoAllocateMdl(buffer, length, FALSE, FALSE, irp))
            return false;
        MmBuildMdlForNonPagedPool(irp->MdlAddress);
    }
    return true;
}

static NTSTATUS query_directory(FILE_OBJECT *file, PVOID buffer, ULONG length, ULONG class, bool single, UNICODE_STRING *pattern, bool restart, ULONG_PTR *information)
{
    enum { SL_RESTART_SCAN = 1, SL_RETURN_SINGLE_ENTRY = 2 };
    DEVICE_OBJECT *device = IoGetRelatedDeviceObject(file);
    IRP *irp = IoAllocateIrp(device->StackSize, FALSE);
    IO_STACK_LOCATION *sl = io_next_location(irp);
    sl->MajorFunction = IRP_MJ_DIRECTORY_CONTROL;
    sl->MinorFunction = IRP_MN_QUERY_DIRECTORY;
    sl->Flags = (UCHAR)((single ? SL_RETURN_SINGLE_ENTRY : 0) | (restart ? SL_RESTART_SCAN : 0));
    sl->FileObject = file;
    sl->Parameters.QueryDirectory.Length = length;
    sl->Parameters.QueryDirectory.FileName = pattern;
    sl->Parameters.QueryDirectory.FileInformationClass = class;
    if (!buffer_give(irp, device, buffer, length)) {
        IoFreeIrp(irp);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return io_send_and_wait(device, irp, information, FRAME_NtQueryDirectoryFile);
}

/* Waits for the answer, whatever the file was opened for; then event is set. */
NTSTATUS ZwQueryDirectoryFile(HANDLE handle, HANDLE event, PVOID apc, PVOID apc_context, IO_STATUS_BLOCK *iosb, PVOID information, ULONG length, ULONG class, ULONG single,
                              UNICODE_STRING *pattern, ULONG restart)
{
    void *file, *signal = NULL;
    IO_STATUS_BLOCK result = { .Pointer = NULL };
    if (apc)
        ke_unsupported("ZwQueryDirectoryFile with an APC routine");
    if (!length || length > BYTES_MAX)
        return STATUS_INFO_LENGTH_MISMATCH;
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_FILE, 1 /* FILE_LIST_DIRECTORY */, &file, NULL);
    if (!NT_SUCCESS(s))
        return s;
    if (event && !NT_SUCCESS(s = ob_handle_reference(ps_current_process(), event, OB_EVENT, 2 /* EVENT_MODIFY_STATE */, &signal, NULL))) {
        ob_dereference(file);
        return s;
    }
    sim_point((uint64_t)file);
    UCHAR *buffer = ex_pool_alloc(NonPagedPoolNx, length, REQUEST_TAG);
    memset(buffer, 0, length);
    s = query_directory(file, buffer, length, class, (single & 0xFF) != 0, pattern, (restart & 0xFF) != 0, &result.Information);
    if (!NT_ERROR(s)) {
        memcpy(information, buffer, result.Information < length ? result.Information : length);
        result.Status = s;
        *iosb = result;
    }
    ex_pool_free(buffer);
    if (signal) {
        KeSetEvent(signal, 0, FALSE);
        ob_dereference(signal);
    }
    ob_dereference(file);
    return s;
}

/* ---- creation with more to say ---- */

NTSTATUS IoCreateFile(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb, LARGE_INTEGER *size, ULONG attributes, ULONG share, ULONG disposition,
                      ULONG options, PVOID ea, ULONG ea_length, ULONG type, PVOID parameters, ULONG io_options);

/* DOC: IO_DRIVER_CREATE_CONTEXT: extra create parameters, a device to send the request to. */
struct create_context {
    SHORT size;
    PVOID extra_parameters;
    PVOID device_hint;
    PVOID transaction;
};

NTSTATUS IoCreateFileEx(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb, LARGE_INTEGER *size, ULONG attributes, ULONG share, ULONG disposition,
                        ULONG options, PVOID ea, ULONG ea_length, ULONG type, PVOID parameters, ULONG io_options, const struct create_context *context)
{
    if (context && context->size < (SHORT)sizeof *context)
        return STATUS_INVALID_PARAMETER;
    if (context && (context->extra_parameters || context->device_hint || context->transaction))
        ke_unsupported("IoCreateFileEx with extra create parameters, a device or a transaction");
    return IoCreateFile(handle, access, oa, iosb, size, attributes, share, disposition, options, ea, ea_length, type, parameters, io_options);
}

NTSTATUS IoCreateFileSpecifyDeviceObjectHint(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb, LARGE_INTEGER *size, ULONG attributes, ULONG share,
                                             ULONG disposition, ULONG options, PVOID ea, ULONG ea_length, ULONG type, PVOID parameters, ULONG io_options, PVOID device)
{
    if (device)
        ke_unsupported("IoCreateFileSpecifyDeviceObjectHint with a device");
    return IoCreateFile(handle, access, oa, iosb, size, attributes, share, disposition, options, ea, ea_length, type, parameters, io_options);
}

/* ---- stream files ---- */

/* DOC: "IoCreateStreamFileObject": a file object on the device of another one, or on a device; IRP_MJ_CLEANUP comes before it returns, IRP_MJ_CLOSE
 * with its last reference. With a handle that is the caller's (Ex), when that is closed. */
FILE_OBJECT *IoCreateStreamFileObjectEx(FILE_OBJECT *other, DEVICE_OBJECT *device, HANDLE *handle)
{
    HANDLE own;
    FILE_OBJECT *f = io_stream_file(other ? other->DeviceObject : device);
    if (other && other->Vpb) {
        f->Vpb = other->Vpb;
        f->Vpb->ReferenceCount++;
    }
    NTSTATUS s = ob_handle_create(ps_system(), f, 1 /* FILE_READ_DATA */, OBJ_KERNEL_HANDLE, &own);
    if (!NT_SUCCESS(s)) {
        f->Flags &= ~(ULONG)FO_HANDLE_CREATED;
        ob_dereference(f);
        ke_raise_status(s);
    }
    if (handle)
        *handle = own;
    else
        ob_handle_close(ps_current_process(), own);
    return f;
}

FILE_OBJECT *IoCreateStreamFileObject(FILE_OBJECT *other, DEVICE_OBJECT *device)
{
    return IoCreateStreamFileObjectEx(other, device, NULL);
}

/* DOC: there never is a handle, and no IRP_MJ_CLEANUP. */
FILE_OBJECT *IoCreateStreamFileObjectLite(FILE_OBJECT *other, DEVICE_OBJECT *device)
{
    FILE_OBJECT *f = io_stream_file(other ? other->DeviceObject : device);
    if (other && other->Vpb) {
        f->Vpb = other->Vpb;
        f->Vpb->ReferenceCount++;
    }
    f->Flags |= FO_CLEANUP_COMPLETE;
    return f;
}

/* ---- deletion ---- */

NTSTATUS ZwDeleteFile(OBJECT_ATTRIBUTES *oa)
{
    enum { DELETE_RIGHT = 0x10000, DELETE_ON_CLOSE = 0x1000 };
    HANDLE handle;
    IO_STATUS_BLOCK iosb;
    NTSTATUS s = io_create_file(&handle, DELETE_RIGHT, oa, &iosb, NULL, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_OPEN, DELETE_ON_CLOSE, NULL, 0, KernelMode);
    return NT_SUCCESS(s) ? ob_handle_close(ps_current_process(), handle) : s;
}

/* ---- devices of a driver ---- */

/* DOC: each that fits is referenced; *count gets how many there are. */
NTSTATUS IoEnumerateDeviceObjectList(DRIVER_OBJECT *driver, DEVICE_OBJECT **list, ULONG bytes, ULONG *count)
{
    ULONG room_for = bytes / sizeof *list, n = 0;
    sim_access((uint64_t)driver, SIM_READ);
    for (DEVICE_OBJECT *d = driver->DeviceObject; d; d = d->NextDevice)
        n++;
    *count = n;
    if (!list || room_for < n)
        return STATUS_BUFFER_TOO_SMALL;
    n = 0;
    for (DEVICE_OBJECT *d = driver->DeviceObject; d; d = d->NextDevice) {
        ob_reference(d);
        list[n++] = d;
    }
    return STATUS_SUCCESS;
}
