/* The power policy owner of a device, as the WDK describes it: system requests are passed down, then followed by a device request; the
 * system request to sleep is completed when the device sleeps. Also idle detection and the system's own power callback. */
#include <ntddk.h>
#include <stdio.h>
#include "codes.h"

typedef struct _EXTENSION {
    PDEVICE_OBJECT Self, Below, Pdo;
    PULONG Idle;
    PVOID Callback;
    PCALLBACK_OBJECT CallbackObject;
    BOOLEAN Refuse;
} EXTENSION, *PEXTENSION;

static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\ContractSleep");
static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\ContractSleep");
static CHAR Log[1000];
static ULONG Used;
static KSPIN_LOCK LogLock;

static VOID Note(PCSTR Format, ULONG Number)
{
    KIRQL irql;
    int n;

    KeAcquireSpinLock(&LogLock, &irql);
    n = _snprintf(Log + Used, sizeof(Log) - 1 - Used, Format, Number);
    if (n > 0)
        Used += n;
    KeReleaseSpinLock(&LogLock, irql);
}

static NTSTATUS Finish(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* ---- power ---- */

static REQUEST_POWER_COMPLETE DeviceDone;
static VOID NTAPI DeviceDone(PDEVICE_OBJECT Device, UCHAR Minor, POWER_STATE State, PVOID Context, PIO_STATUS_BLOCK Iosb)
{
    PIRP system = (PIRP)Context;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Minor);
    UNREFERENCED_PARAMETER(State);
    if (!system)
        return;
    system->IoStatus.Status = Iosb->Status;
    IoCompleteRequest(system, IO_NO_INCREMENT);
}

/* The system request has been below: now the device's own. */
static IO_COMPLETION_ROUTINE SystemDone;
static NTSTATUS NTAPI SystemDone(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    PEXTENSION e = (PEXTENSION)Context;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    POWER_STATE state;

    UNREFERENCED_PARAMETER(Device);
    if (!NT_SUCCESS(Irp->IoStatus.Status)) {
        IoMarkIrpPending(Irp);
        return STATUS_CONTINUE_COMPLETION;
    }
    state.DeviceState = stack->Parameters.Power.State.SystemState == PowerSystemWorking ? PowerDeviceD0 : PowerDeviceD3;
    if (state.DeviceState == PowerDeviceD0) {
        /* DOC: the request to work is completed at once, the device follows. */
        IoMarkIrpPending(Irp);
        PoRequestPowerIrp(e->Pdo, IRP_MN_SET_POWER, state, DeviceDone, NULL, NULL);
        return STATUS_CONTINUE_COMPLETION;
    }
    if (!NT_SUCCESS(PoRequestPowerIrp(e->Pdo, IRP_MN_SET_POWER, state, DeviceDone, Irp, NULL)))
        return STATUS_CONTINUE_COMPLETION;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static DRIVER_DISPATCH Power;
static NTSTATUS NTAPI Power(PDEVICE_OBJECT Device, PIRP Irp)
{
    PEXTENSION e = (PEXTENSION)Device->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN system = stack->Parameters.Power.Type == SystemPowerState;
    ULONG state = stack->Parameters.Power.State.SystemState;

    PoStartNextPowerIrp(Irp);
    if (stack->MinorFunction == IRP_MN_QUERY_POWER && system) {
        Note("query-S%u ", state - 1);
        if (e->Refuse) {
            e->Refuse = FALSE;
            return Finish(Irp, STATUS_DEVICE_BUSY, 0);
        }
    }
    if (stack->MinorFunction == IRP_MN_SET_POWER && system) {
        Note("set-S%u ", state - 1);
        IoMarkIrpPending(Irp);
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, SystemDone, e, TRUE, TRUE, TRUE);
        PoCallDriver(e->Below, Irp);
        return STATUS_PENDING;
    }
    if (stack->MinorFunction == IRP_MN_SET_POWER) {
        Note("D%u ", state - 1);
        PoSetPowerState(Device, DevicePowerState, stack->Parameters.Power.State);
    }
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(e->Below, Irp);
}

static CALLBACK_FUNCTION OnSystem;
static VOID NTAPI OnSystem(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    if ((ULONG_PTR)Argument1 == PO_CB_SYSTEM_STATE_LOCK)
        Note((ULONG_PTR)Argument2 ? "back " : "leaving ", 0);
}

static VOID Watch(PEXTENSION e)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Callback\\PowerState");
    OBJECT_ATTRIBUTES oa;

    InitializeObjectAttributes(&oa, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (NT_SUCCESS(ExCreateCallback(&e->CallbackObject, &oa, FALSE, TRUE)))
        e->Callback = ExRegisterCallback(e->CallbackObject, OnSystem, e);
}

/* ---- plug and play ---- */

static DRIVER_DISPATCH Pnp;
static NTSTATUS NTAPI Pnp(PDEVICE_OBJECT Device, PIRP Irp)
{
    PEXTENSION e = (PEXTENSION)Device->DeviceExtension;
    NTSTATUS status;

    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        status = IoForwardIrpSynchronously(e->Below, Irp) ? Irp->IoStatus.Status : STATUS_UNSUCCESSFUL;
        return Finish(Irp, status, 0);
    case IRP_MN_REMOVE_DEVICE:
        if (e->Callback)
            ExUnregisterCallback(e->Callback);
        if (e->CallbackObject)
            ObDereferenceObject(e->CallbackObject);
        PoRegisterDeviceForIdleDetection(e->Pdo, 0, 0, PowerDeviceD3);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        IoSkipCurrentIrpStackLocation(Irp);
        status = IoCallDriver(e->Below, Irp);
        IoDeleteSymbolicLink(&LinkName);
        IoDetachDevice(e->Below);
        IoDeleteDevice(Device);
        return status;
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    default:
        break;
    }
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(e->Below, Irp);
}

static DRIVER_DISPATCH Pass;
static NTSTATUS NTAPI Pass(PDEVICE_OBJECT Device, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(((PEXTENSION)Device->DeviceExtension)->Below, Irp);
}

static DRIVER_DISPATCH Easy;
static NTSTATUS NTAPI Easy(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return Finish(Irp, STATUS_SUCCESS, 0);
}

static DRIVER_DISPATCH Control;
static NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    PEXTENSION e = (PEXTENSION)Device->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG room = stack->Parameters.DeviceIoControl.OutputBufferLength, used, value = 0;
    POWER_STATE state;

    if (stack->Parameters.DeviceIoControl.InputBufferLength >= 4)
        value = *(PULONG)Irp->AssociatedIrp.SystemBuffer;
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_SLEEP_LOG:
        used = Used < room ? Used : room;
        RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, Log, used);
        Used = 0;
        return Finish(Irp, STATUS_SUCCESS, used);
    case IOCTL_SLEEP_REFUSE:
        e->Refuse = value != 0;
        return Finish(Irp, STATUS_SUCCESS, 0);
    case IOCTL_SLEEP_IDLE:
        e->Idle = PoRegisterDeviceForIdleDetection(e->Pdo, value, value, PowerDeviceD3);
        return Finish(Irp, !value == !e->Idle ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL, 0);
    case IOCTL_SLEEP_BUSY:
        if (e->Idle)
            PoSetDeviceBusy(e->Idle);
        return Finish(Irp, STATUS_SUCCESS, 0);
    case IOCTL_SLEEP_WAKE:
        state.DeviceState = PowerDeviceD0;
        PoRequestPowerIrp(e->Pdo, IRP_MN_SET_POWER, state, DeviceDone, NULL, NULL);
        return Finish(Irp, STATUS_SUCCESS, 0);
    default:
        return Finish(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static DRIVER_ADD_DEVICE Add;
static NTSTATUS NTAPI Add(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Pdo)
{
    PDEVICE_OBJECT self;
    PEXTENSION e;
    NTSTATUS status = IoCreateDevice(DriverObject, sizeof(EXTENSION), &DeviceName, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &self);

    if (!NT_SUCCESS(status))
        return status;
    e = (PEXTENSION)self->DeviceExtension;
    RtlZeroMemory(e, sizeof(*e));
    e->Self = self;
    e->Pdo = Pdo;
    IoCreateSymbolicLink(&LinkName, &DeviceName);
    e->Below = IoAttachDeviceToDeviceStack(self, Pdo);
    Watch(e);
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
    KeInitializeSpinLock(&LogLock);
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
