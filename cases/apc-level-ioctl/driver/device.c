/* What the sender and its corrected twins share: the device, the target, the counts. The way in which a request is sent is in
 * sender.c. */
#include <ntddk.h>
#include "sender.h"
#include "device.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD SenderUnload;
static DRIVER_DISPATCH SenderCreateClose;
static DRIVER_DISPATCH SenderControl;

static PFILE_OBJECT Target;
static PDEVICE_OBJECT TargetDevice;
static volatile LONG Requests;

/* Keeps an account of the requests; what it works with lies on its stack. */
__declspec(noinline) VOID CountRequest(VOID)
{
    volatile ULONG64 share[96];
    LONG count = InterlockedIncrement(&Requests);

    for (ULONG i = 0; i < RTL_NUMBER_OF(share); i++)
        share[i] = (ULONG64)count + i;
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS SenderCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS SenderControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_SENDER_UNDER_FAST_MUTEX:
        return Complete(Irp, SendLocked(TargetDevice, IOCTL_OSR_NOTHING));
    case IOCTL_SENDER_IN_GUARDED_REGION:
        return Complete(Irp, SendInRegion(TargetDevice, IOCTL_OSR_NOTHING));
    case IOCTL_SENDER_LATER_UNDER_FAST_MUTEX:
        return Complete(Irp, SendLocked(TargetDevice, IOCTL_OSR_NOTHING_LATER));
    default:
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Sender");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Sender");
static UNICODE_STRING TargetName = RTL_CONSTANT_STRING(NOTHING_DEVICE);

static VOID SenderUnload(PDRIVER_OBJECT DriverObject)
{
    ObDereferenceObject(Target);
    IoDeleteSymbolicLink(&LinkName);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(RegistryPath);
    SendInitialize();
    status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    if (NT_SUCCESS(status)) {
        status = IoGetDeviceObjectPointer(&TargetName, FILE_READ_DATA, &Target, &TargetDevice);
        if (!NT_SUCCESS(status))
            IoDeleteSymbolicLink(&LinkName);
    }
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SenderCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SenderCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = SenderControl;
    DriverObject->DriverUnload = SenderUnload;
    return STATUS_SUCCESS;
}
