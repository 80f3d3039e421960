/* Requests of other processes: one that waits until it is cancelled, and what the driver sees of their ends. */
#include "contract_driver.h"

enum { WAIT_FOR_EVER, PENDING, CLEANUPS, CLOSES, PROCESS, POKE };

static KSPIN_LOCK Lock;
static PIRP Waiting[8];
static volatile LONG Cleanups, Closes, Pending;

static DRIVER_CANCEL Cancel;
static VOID Cancel(PDEVICE_OBJECT Device, PIRP Irp)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Device);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    KeAcquireSpinLock(&Lock, &irql);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Waiting); i++)
        if (Waiting[i] == Irp)
            Waiting[i] = NULL;
    KeReleaseSpinLock(&Lock, irql);
    InterlockedDecrement(&Pending);
    ContractComplete(Irp, STATUS_CANCELLED, 0);
}

static NTSTATUS Wait(PIRP Irp)
{
    KIRQL irql;
    BOOLEAN cancelled = FALSE;

    InterlockedIncrement(&Pending);
    KeAcquireSpinLock(&Lock, &irql);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Waiting); i++)
        if (!Waiting[i]) {
            Waiting[i] = Irp;
            break;
        }
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, Cancel);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL))
        cancelled = TRUE;
    KeReleaseSpinLock(&Lock, irql);
    if (cancelled) {
        InterlockedDecrement(&Pending);
        ContractComplete(Irp, STATUS_CANCELLED, 0);
    }
    return STATUS_PENDING;
}

static NTSTATUS Answer(PIRP Irp, ULONG Value)
{
    *(PULONG)Irp->AssociatedIrp.SystemBuffer = Value;
    return ContractComplete(Irp, STATUS_SUCCESS, sizeof Value);
}

static NTSTATUS Other(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    UNREFERENCED_PARAMETER(Device);
    if (location->MajorFunction == IRP_MJ_CLEANUP)
        InterlockedIncrement(&Cleanups);
    if (location->MajorFunction == IRP_MJ_CLOSE)
        InterlockedIncrement(&Closes);
    if (location->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        return ContractDefault(Irp);
    switch (location->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_AREA(WAIT_FOR_EVER, METHOD_BUFFERED):
        return Wait(Irp);
    case IOCTL_AREA(PENDING, METHOD_BUFFERED):
        return Answer(Irp, (ULONG)Pending);
    case IOCTL_AREA(CLEANUPS, METHOD_BUFFERED):
        return Answer(Irp, (ULONG)Cleanups);
    case IOCTL_AREA(CLOSES, METHOD_BUFFERED):
        return Answer(Irp, (ULONG)Closes);
    case IOCTL_AREA(PROCESS, METHOD_BUFFERED):
        if (PsGetCurrentProcessId() != (HANDLE)(ULONG_PTR)IoGetRequestorProcessId(Irp))
            return ContractComplete(Irp, STATUS_UNSUCCESSFUL, 0);
        return Answer(Irp, IoGetRequestorProcessId(Irp));
    default:
        return ContractDefault(Irp);
    }
}

static NTSTATUS Setup(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Device, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&Lock);
    return STATUS_SUCCESS;
}

const CONTRACT_AREA ContractArea = {.Setup = Setup, .Other = Other};
