/* The second driver: answers IOCTL_MSGCLIENT_NEXT with the file system's next message, for which it sends that an FSCTL of its own. How
 * it makes this IRP decides whether CancelSynchronousIo, called for the thread that waits, ends the wait. */
#include <ntifs.h>
#include <ntundoc.h>
#include "msgfs.h"

static PFILE_OBJECT FileSystem;
static PDEVICE_OBJECT FileSystemDevice;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD MsgClientUnload;
static DRIVER_DISPATCH MsgClientCreateClose;
static DRIVER_DISPATCH MsgClientControl;

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS MsgClientCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static VOID MakeFsControl(PIRP Irp, ULONG ControlCode)
{
    PIO_STACK_LOCATION location = IoGetNextIrpStackLocation(Irp);

    location->MajorFunction = IRP_MJ_FILE_SYSTEM_CONTROL;
    location->MinorFunction = IRP_MN_KERNEL_CALL;
    location->FileObject = FileSystem;
    location->Parameters.FileSystemControl.FsControlCode = ControlCode;
    location->Parameters.FileSystemControl.InputBufferLength = 0;
    location->Parameters.FileSystemControl.OutputBufferLength = sizeof(ULONG);
}

static IO_COMPLETION_ROUTINE NextDone;
static NTSTATUS NextDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Not threaded: it is in no thread's IRP list, so nothing that looks for the thread's requests finds it. */
__declspec(noinline) static NTSTATUS NextAllocated(ULONG ControlCode, PULONG Message)
{
    PIRP irp = IoAllocateIrp(FileSystemDevice->StackSize, FALSE);
    KEVENT event;
    NTSTATUS status;

    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp->AssociatedIrp.SystemBuffer = Message;
    MakeFsControl(irp, ControlCode);
    IoSetCompletionRoutine(irp, NextDone, &event, TRUE, TRUE, TRUE);
    IoCallDriver(FileSystemDevice, irp);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    status = irp->IoStatus.Status;
    IoFreeIrp(irp);
    return status;
}

/* A threaded one was made. CancelSynchronousIo may have been there before: then it has found Outer alone, and the inner one is
 * cancelled on its behalf. (Outer is NULL where nobody looks.) */
static NTSTATUS SendThreaded(PIRP Outer, PIRP Irp, PKEVENT Event, PIO_STATUS_BLOCK IoStatus)
{
    NTSTATUS status;

    if (Outer && Outer->Cancel)
        IoCancelIrp(Irp);
    status = IoCallDriver(FileSystemDevice, Irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(Event, Executive, KernelMode, FALSE, NULL);
        status = IoStatus->Status;
    }
    return status;
}

/* Threaded by its builder, then made what the builder does not make. */
__declspec(noinline) static NTSTATUS NextBuilt(PIRP Outer, ULONG ControlCode, PULONG Message, BOOLEAN SynchronousApi)
{
    KEVENT event;
    IO_STATUS_BLOCK iosb;
    PIRP irp;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IoBuildDeviceIoControlRequest(ControlCode, FileSystemDevice, NULL, 0, Message, sizeof(ULONG), FALSE, &event, &iosb);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    MakeFsControl(irp, ControlCode);
    if (SynchronousApi)
        irp->Flags |= IRP_SYNCHRONOUS_API;
    return SendThreaded(Outer, irp, &event, &iosb);
}

/* Threaded by hand. */
__declspec(noinline) static NTSTATUS NextQueued(PIRP Outer, ULONG ControlCode, PULONG Message)
{
    PIRP irp = IoAllocateIrp(FileSystemDevice->StackSize, FALSE);
    KEVENT event;
    IO_STATUS_BLOCK iosb;

    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp->AssociatedIrp.SystemBuffer = Message;
    irp->UserEvent = &event;
    irp->UserIosb = &iosb;
    irp->Flags |= IRP_SYNCHRONOUS_API;
    MakeFsControl(irp, ControlCode);
    IoQueueThreadIrp(irp);
    return SendThreaded(Outer, irp, &event, &iosb);
}

static NTSTATUS Next(PIRP Irp, PIO_STACK_LOCATION Location)
{
    struct msgclient_next *how = Irp->AssociatedIrp.SystemBuffer;
    ULONG code, message = 0;
    NTSTATUS status;

    if (Location->Parameters.DeviceIoControl.InputBufferLength < sizeof(*how) || Location->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG))
        return Complete(Irp, STATUS_INVALID_PARAMETER, 0);
    code = how->own_wait ? FSCTL_MSGFS_NEXT_OWN_WAIT : FSCTL_MSGFS_NEXT;
    switch (how->way) {
    case WAY_ALLOCATED:
        status = NextAllocated(code, &message);
        break;
    case WAY_BUILT_NOT_API:
    case WAY_BUILT:
    case WAY_BUILT_UNCHECKED:
        status = NextBuilt(how->way == WAY_BUILT ? Irp : NULL, code, &message, how->way != WAY_BUILT_NOT_API);
        break;
    case WAY_QUEUED:
        status = NextQueued(Irp, code, &message);
        break;
    default:
        status = STATUS_INVALID_PARAMETER;
    }
    if (!NT_SUCCESS(status))
        return Complete(Irp, status, 0);
    *(PULONG)Irp->AssociatedIrp.SystemBuffer = message;
    return Complete(Irp, STATUS_SUCCESS, sizeof(ULONG));
}

static NTSTATUS MsgClientControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    UNREFERENCED_PARAMETER(DeviceObject);
    if (location->Parameters.DeviceIoControl.IoControlCode != IOCTL_MSGCLIENT_NEXT)
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    return Next(Irp, location);
}

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\MsgClient");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\MsgClient");
static UNICODE_STRING FileSystemName = RTL_CONSTANT_STRING(MSGFS_DEVICE);

static VOID MsgClientUnload(PDRIVER_OBJECT DriverObject)
{
    ObDereferenceObject(FileSystem);
    IoDeleteSymbolicLink(&LinkName);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(RegistryPath);
    status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    if (NT_SUCCESS(status)) {
        status = IoGetDeviceObjectPointer(&FileSystemName, FILE_READ_DATA, &FileSystem, &FileSystemDevice);
        if (!NT_SUCCESS(status))
            IoDeleteSymbolicLink(&LinkName);
    }
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = MsgClientCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = MsgClientCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = MsgClientControl;
    DriverObject->DriverUnload = MsgClientUnload;
    return STATUS_SUCCESS;
}
