/* The lower driver: IOCTL_OSR_NOTHING does nothing and succeeds, at once or, as IOCTL_OSR_NOTHING_LATER, from a work item. */
#include <ntddk.h>
#include "sender.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD NothingUnload;
static DRIVER_DISPATCH NothingCreateClose;
static DRIVER_DISPATCH NothingControl;
static IO_WORKITEM_ROUTINE NothingLater;

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NothingCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS CompleteNothing(PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG))
        return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    *(PULONG)Irp->AssociatedIrp.SystemBuffer = 0;
    return Complete(Irp, STATUS_SUCCESS, sizeof(ULONG));
}

static VOID NothingLater(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    PIRP irp = (PIRP)Context;
    PIO_WORKITEM item = (PIO_WORKITEM)irp->Tail.Overlay.DriverContext[0];

    UNREFERENCED_PARAMETER(DeviceObject);
    CompleteNothing(irp);
    IoFreeWorkItem(item);
}

static NTSTATUS NothingControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_WORKITEM item;

    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_OSR_NOTHING:
        return CompleteNothing(Irp);
    case IOCTL_OSR_NOTHING_LATER:
        item = IoAllocateWorkItem(DeviceObject);
        if (!item)
            return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
        Irp->Tail.Overlay.DriverContext[0] = item;
        IoMarkIrpPending(Irp);
        IoQueueWorkItem(item, NothingLater, DelayedWorkQueue, Irp);
        return STATUS_PENDING;
    default:
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(NOTHING_DEVICE);

static VOID NothingUnload(PDRIVER_OBJECT DriverObject)
{
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
    DriverObject->MajorFunction[IRP_MJ_CREATE] = NothingCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = NothingCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = NothingControl;
    DriverObject->DriverUnload = NothingUnload;
    return STATUS_SUCCESS;
}
