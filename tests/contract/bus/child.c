/* The function driver of the bus's children: says its serial number, refuses to be removed when told to, changes its state. */
#include <ntddk.h>
#include <wdmguid.h>
#include "codes.h"

typedef struct _CHILD {
    PDEVICE_OBJECT Self, Below, Pdo;
    UNICODE_STRING Link;
    IO_REMOVE_LOCK Lock;
    BOOLEAN Refuse;
    ULONG_PTR State;
    ULONG Serial;
} CHILD, *PCHILD;

static NTSTATUS Finish(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS PassOn(PCHILD c, PIRP Irp)
{
    NTSTATUS status;

    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(c->Below, Irp);
    IoReleaseRemoveLock(&c->Lock, Irp);
    return status;
}

static NTSTATUS Remove(PCHILD c, PIRP Irp)
{
    NTSTATUS status;

    IoReleaseRemoveLockAndWait(&c->Lock, Irp);
    IoSetDeviceInterfaceState(&c->Link, FALSE);
    RtlFreeUnicodeString(&c->Link);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(c->Below, Irp);
    IoDetachDevice(c->Below);
    IoDeleteDevice(c->Self);
    return status;
}

static DRIVER_DISPATCH Pnp;
static NTSTATUS NTAPI Pnp(PDEVICE_OBJECT Device, PIRP Irp)
{
    PCHILD c = (PCHILD)Device->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = IoAcquireRemoveLock(&c->Lock, Irp);

    if (!NT_SUCCESS(status))
        return Finish(Irp, status, 0);
    switch (stack->MinorFunction) {
    case IRP_MN_START_DEVICE:
        status = IoForwardIrpSynchronously(c->Below, Irp) ? Irp->IoStatus.Status : STATUS_UNSUCCESSFUL;
        if (NT_SUCCESS(status))
            status = IoSetDeviceInterfaceState(&c->Link, TRUE);
        IoReleaseRemoveLock(&c->Lock, Irp);
        return Finish(Irp, status, 0);
    case IRP_MN_REMOVE_DEVICE:
        return Remove(c, Irp);
    case IRP_MN_QUERY_REMOVE_DEVICE:
        if (c->Refuse) {
            IoReleaseRemoveLock(&c->Lock, Irp);
            return Finish(Irp, STATUS_UNSUCCESSFUL, 0);
        }
        Irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    case IRP_MN_QUERY_PNP_DEVICE_STATE:
        Irp->IoStatus.Information |= c->State;
        Irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    default:
        break;
    }
    return PassOn(c, Irp);
}

static DRIVER_DISPATCH Power;
static NTSTATUS NTAPI Power(PDEVICE_OBJECT Device, PIRP Irp)
{
    PCHILD c = (PCHILD)Device->DeviceExtension;

    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(c->Below, Irp);
}

static DRIVER_DISPATCH Pass;
static NTSTATUS NTAPI Pass(PDEVICE_OBJECT Device, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(((PCHILD)Device->DeviceExtension)->Below, Irp);
}

static DRIVER_DISPATCH Easy;
static NTSTATUS NTAPI Easy(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return Finish(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS Custom(PCHILD c)
{
    UCHAR buffer[sizeof(TARGET_DEVICE_CUSTOM_NOTIFICATION) + 8] = {0};
    PTARGET_DEVICE_CUSTOM_NOTIFICATION n = (PTARGET_DEVICE_CUSTOM_NOTIFICATION)buffer;

    n->Version = 1;
    n->Size = (USHORT)(FIELD_OFFSET(TARGET_DEVICE_CUSTOM_NOTIFICATION, CustomDataBuffer) + 4);
    n->Event = GUID_CHILD_CUSTOM;
    n->NameBufferOffset = -1;
    *(PULONG)n->CustomDataBuffer = c->Serial;
    return IoReportTargetDeviceChange(c->Pdo, n);
}

static DRIVER_DISPATCH Control;
static NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    PCHILD c = (PCHILD)Device->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = IoAcquireRemoveLock(&c->Lock, Irp);
    ULONG_PTR information = 0;
    PULONG data = (PULONG)Irp->AssociatedIrp.SystemBuffer;

    if (!NT_SUCCESS(status))
        return Finish(Irp, status, 0);
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_CHILD_SERIAL:
        *data = c->Serial;
        information = 4;
        break;
    case IOCTL_CHILD_REFUSE:
        c->Refuse = *data != 0;
        break;
    case IOCTL_CHILD_STATE:
        c->State = *data;
        IoInvalidateDeviceState(c->Pdo);
        break;
    case IOCTL_CHILD_CUSTOM:
        status = Custom(c);
        break;
    default:
        status = STATUS_INVALID_DEVICE_REQUEST;
    }
    IoReleaseRemoveLock(&c->Lock, Irp);
    return Finish(Irp, status, information);
}

static DRIVER_ADD_DEVICE Add;
static NTSTATUS NTAPI Add(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Pdo)
{
    PDEVICE_OBJECT self;
    PCHILD c;
    ULONG length, serial = 0;
    NTSTATUS status = IoCreateDevice(DriverObject, sizeof(CHILD), NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &self);

    if (!NT_SUCCESS(status))
        return status;
    c = (PCHILD)self->DeviceExtension;
    RtlZeroMemory(c, sizeof(*c));
    c->Self = self;
    c->Pdo = Pdo;
    IoInitializeRemoveLock(&c->Lock, 'dlhC', 0, 0);
    if (NT_SUCCESS(IoGetDeviceProperty(Pdo, DevicePropertyAddress, sizeof(serial), &serial, &length)))
        c->Serial = serial;
    status = IoRegisterDeviceInterface(Pdo, &GUID_CHILD, NULL, &c->Link);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(self);
        return status;
    }
    c->Below = IoAttachDeviceToDeviceStack(self, Pdo);
    self->Flags |= DO_POWER_PAGABLE | DO_BUFFERED_IO;
    self->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static DRIVER_UNLOAD Unload;
static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Easy;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Easy;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Easy;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    DriverObject->MajorFunction[IRP_MJ_PNP] = Pnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = Power;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = Pass;
    DriverObject->DriverExtension->AddDevice = Add;
    DriverObject->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
