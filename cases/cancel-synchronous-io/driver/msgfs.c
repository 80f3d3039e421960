/* A file system with nothing in it but a queue of messages: FSCTL_MSGFS_POST puts one in, FSCTL_MSGFS_NEXT takes the next and waits for
 * it, in the caller's thread, without ever pending the request.
 *
 * The request has no cancel routine. It is the wait that can be ended: who cancels marks the IRP and alerts the thread, and a wait that
 * is alertable returns; FsRtlCancellableWaitForSingleObject then looks at the IRP. WaitOwn does by hand what it does. */
#include <ntifs.h>
#include "msgfs.h"

enum { CAPACITY = 16 };

static PDEVICE_OBJECT Device;
static KSPIN_LOCK Lock; /* the ring */
static ULONG Messages[CAPACITY];
static ULONG First, Count;
static KSEMAPHORE Available; /* counts what is in the ring */

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD MsgFsUnload;
static DRIVER_DISPATCH MsgFsCreateClose;
static DRIVER_DISPATCH MsgFsControl;

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS MsgFsCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS Post(PIRP Irp, PIO_STACK_LOCATION Location)
{
    KIRQL irql;
    NTSTATUS status = STATUS_SUCCESS;

    if (Location->Parameters.FileSystemControl.InputBufferLength < sizeof(ULONG))
        return Complete(Irp, STATUS_INVALID_PARAMETER, 0);
    KeAcquireSpinLock(&Lock, &irql);
    if (Count == CAPACITY)
        status = STATUS_DEVICE_BUSY;
    else
        Messages[(First + Count++) % CAPACITY] = *(PULONG)Irp->AssociatedIrp.SystemBuffer;
    KeReleaseSpinLock(&Lock, irql);
    if (NT_SUCCESS(status))
        KeReleaseSemaphore(&Available, IO_NO_INCREMENT, 1, FALSE);
    return Complete(Irp, status, 0);
}

/* One that the semaphore has granted. */
static ULONG Take(VOID)
{
    KIRQL irql;
    ULONG message;

    KeAcquireSpinLock(&Lock, &irql);
    message = Messages[First];
    First = (First + 1) % CAPACITY;
    Count--;
    KeReleaseSpinLock(&Lock, irql);
    return message;
}

/* A variant of FsRtlCancellableWaitForSingleObject. */
__declspec(noinline) static NTSTATUS WaitOwn(PVOID Object, PLARGE_INTEGER Timeout, PIRP Irp)
{
    for (;;) {
        NTSTATUS status = KeWaitForSingleObject(Object, Executive, KernelMode, TRUE, Timeout);

        if (status != STATUS_ALERTED && status != STATUS_USER_APC)
            return status;
        if (PsIsThreadTerminating(PsGetCurrentThread()))
            return STATUS_THREAD_IS_TERMINATING;
        if (Irp->Cancel)
            return STATUS_CANCELLED;
    }
}

__declspec(noinline) static NTSTATUS Next(PIRP Irp, PIO_STACK_LOCATION Location)
{
    static LARGE_INTEGER at_once;
    NTSTATUS status;

    if (Location->Parameters.FileSystemControl.OutputBufferLength < sizeof(ULONG))
        return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    switch (Location->Parameters.FileSystemControl.FsControlCode) {
    case FSCTL_MSGFS_NEXT:
        status = FsRtlCancellableWaitForSingleObject(&Available, NULL, Irp);
        break;
    case FSCTL_MSGFS_NEXT_OWN_WAIT:
        status = WaitOwn(&Available, NULL, Irp);
        break;
    default:
        status = KeWaitForSingleObject(&Available, Executive, KernelMode, FALSE, &at_once);
        break;
    }
    if (status == STATUS_TIMEOUT)
        status = STATUS_NO_MORE_ENTRIES;
    if (status != STATUS_SUCCESS)
        return Complete(Irp, status, 0);
    *(PULONG)Irp->AssociatedIrp.SystemBuffer = Take();
    return Complete(Irp, STATUS_SUCCESS, sizeof(ULONG));
}

static NTSTATUS MsgFsControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    UNREFERENCED_PARAMETER(DeviceObject);
    if (location->MinorFunction == IRP_MN_MOUNT_VOLUME)
        return Complete(Irp, STATUS_UNRECOGNIZED_VOLUME, 0);
    if (location->MinorFunction != IRP_MN_USER_FS_REQUEST && location->MinorFunction != IRP_MN_KERNEL_CALL)
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    switch (location->Parameters.FileSystemControl.FsControlCode) {
    case FSCTL_MSGFS_NEXT:
    case FSCTL_MSGFS_NEXT_OWN_WAIT:
    case FSCTL_MSGFS_TAKE:
        return Next(Irp, location);
    case FSCTL_MSGFS_POST:
        return Post(Irp, location);
    default:
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(MSGFS_DEVICE);
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\MsgFs");

static VOID MsgFsUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    IoUnregisterFileSystem(Device);
    IoDeleteSymbolicLink(&LinkName);
    IoDeleteDevice(Device);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status;

    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&Lock);
    KeInitializeSemaphore(&Available, 0, CAPACITY);
    status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_DISK_FILE_SYSTEM, FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    if (!NT_SUCCESS(status))
        return status;
    status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(Device);
        return status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = MsgFsCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = MsgFsCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = MsgFsCreateClose;
    DriverObject->MajorFunction[IRP_MJ_FILE_SYSTEM_CONTROL] = MsgFsControl;
    DriverObject->DriverUnload = MsgFsUnload;
    IoRegisterFileSystem(Device);
    return STATUS_SUCCESS;
}
