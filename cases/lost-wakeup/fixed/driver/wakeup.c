/* One request waits for another: IOCTL_WAKEUP_WAIT returns when IOCTL_WAKEUP_POST has been called.
 *
 * WaitForPost clears the event first and looks at Posted after: a post that comes in between leaves the event set. */
#include <ntddk.h>
#include "wakeup.h"

static KEVENT PostedEvent; /* a notification event: it stays set until it is cleared */
static volatile LONG Posted;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD WakeupUnload;
static DRIVER_DISPATCH WakeupCreateClose;
static DRIVER_DISPATCH WakeupControl;

static BOOLEAN TakePost(VOID)
{
    return InterlockedCompareExchange(&Posted, 0, 1) == 1;
}

__declspec(noinline) static NTSTATUS WaitForPost(VOID)
{
    for (;;) {
        KeClearEvent(&PostedEvent);
        if (TakePost())
            return STATUS_SUCCESS;
        KeWaitForSingleObject(&PostedEvent, UserRequest, KernelMode, FALSE, NULL);
    }
}

__declspec(noinline) static NTSTATUS Post(VOID)
{
    InterlockedExchange(&Posted, 1);
    KeSetEvent(&PostedEvent, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS WakeupCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS WakeupControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_WAKEUP_WAIT:
        return Complete(Irp, WaitForPost());
    case IOCTL_WAKEUP_POST:
        return Complete(Irp, Post());
    default:
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Wakeup");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Wakeup");

static VOID WakeupUnload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteSymbolicLink(&LinkName);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeEvent(&PostedEvent, NotificationEvent, FALSE);
    status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = WakeupCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = WakeupCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = WakeupControl;
    DriverObject->DriverUnload = WakeupUnload;
    return STATUS_SUCCESS;
}
