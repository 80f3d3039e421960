/* The life of a file object: create, cleanup, close; its contexts and its name. The control device logs; \name\fail is a
 * name whose create fails, \name\later one whose create is pended. */
#include "contract_driver.h"
#include "codes.h"

static CHAR Log[64];
static ULONG Logged;
static KSPIN_LOCK LogLock;
static PIRP ParkedIrp;
static LONG NextContext;
static PDEVICE_OBJECT Exclusive;

static VOID Note(CHAR Letter)
{
    KIRQL irql;

    KeAcquireSpinLock(&LogLock, &irql);
    if (Logged < sizeof(Log) - 1)
        Log[Logged++] = Letter;
    KeReleaseSpinLock(&LogLock, irql);
}

static BOOLEAN NameIs(PFILE_OBJECT File, PCWSTR Name)
{
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, Name);
    return RtlEqualUnicodeString(&File->FileName, &name, TRUE);
}

static IO_WORKITEM_ROUTINE CreateLater;
static VOID CreateLater(PDEVICE_OBJECT Device, PVOID Context)
{
    PIRP irp = (PIRP)Context;

    UNREFERENCED_PARAMETER(Device);
    IoFreeWorkItem((PIO_WORKITEM)irp->Tail.Overlay.DriverContext[0]);
    ContractComplete(irp, STATUS_SUCCESS, FILE_OPENED);
}

static NTSTATUS Create(PDEVICE_OBJECT Device, PIRP Irp, PFILE_OBJECT File)
{
    Note('C');
    if (NameIs(File, L"\\fail"))
        return ContractComplete(Irp, STATUS_DEVICE_BUSY, 0);
    File->FsContext = (PVOID)(ULONG_PTR)InterlockedIncrement(&NextContext);
    if (NameIs(File, L"\\later")) {
        PIO_WORKITEM item = IoAllocateWorkItem(Device);
        IoMarkIrpPending(Irp);
        Irp->Tail.Overlay.DriverContext[0] = item;
        IoQueueWorkItem(item, CreateLater, DelayedWorkQueue, Irp);
        return STATUS_PENDING;
    }
    return ContractComplete(Irp, STATUS_SUCCESS, FILE_OPENED);
}

static DRIVER_CANCEL CancelParked;
static VOID CancelParked(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    ParkedIrp = NULL;
    Note('c');
    ContractComplete(Irp, STATUS_CANCELLED, 0);
}

static NTSTATUS Park(PIRP Irp)
{
    IoMarkIrpPending(Irp);
    Note('P');
    ParkedIrp = Irp;
    IoSetCancelRoutine(Irp, CancelParked);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL))
        ContractComplete(Irp, STATUS_CANCELLED, 0);
    return STATUS_PENDING;
}

static NTSTATUS Cleanup(PIRP Irp, PFILE_OBJECT File)
{
    PIRP parked = ParkedIrp;

    Note('L');
    if (parked && IoGetCurrentIrpStackLocation(parked)->FileObject == File && IoSetCancelRoutine(parked, NULL)) {
        ParkedIrp = NULL;
        Note('c');
        ContractComplete(parked, STATUS_CANCELLED, 0);
    }
    return ContractComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS Answer(PIRP Irp, const VOID *Data, ULONG Length)
{
    ULONG room = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.OutputBufferLength;

    if (room < Length)
        return ContractComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, Data, Length);
    return ContractComplete(Irp, STATUS_SUCCESS, Length);
}

static NTSTATUS TakeLog(PIRP Irp)
{
    NTSTATUS status;

    Log[Logged] = 0;
    status = Answer(Irp, Log, Logged + 1);
    Logged = 0;
    return status;
}

static NTSTATUS Other(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG64 context;

    if (Device == Exclusive)
        return ContractDefault(Irp);
    switch (stack->MajorFunction) {
    case IRP_MJ_CREATE:
        return Create(Device, Irp, stack->FileObject);
    case IRP_MJ_CLEANUP:
        return Cleanup(Irp, stack->FileObject);
    case IRP_MJ_CLOSE:
        Note('X');
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_DEVICE_CONTROL:
        break;
    default:
        return ContractDefault(Irp);
    }
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_FILES_LOG:
        return TakeLog(Irp);
    case IOCTL_FILES_PARK:
        return Park(Irp);
    case IOCTL_FILES_CONTEXT:
        context = (ULONG_PTR)stack->FileObject->FsContext;
        return Answer(Irp, &context, sizeof(context));
    case IOCTL_FILES_NAME:
        return Answer(Irp, stack->FileObject->FileName.Buffer, stack->FileObject->FileName.Length);
    default:
        return ContractDefault(Irp);
    }
}

static UNICODE_STRING ExclusiveName = RTL_CONSTANT_STRING(L"\\Device\\ContractExclusive");
static UNICODE_STRING ExclusiveLink = RTL_CONSTANT_STRING(L"\\DosDevices\\ContractExclusive");

static NTSTATUS Setup(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Device, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&LogLock);
    status = IoCreateDevice(DriverObject, 0, &ExclusiveName, FILE_DEVICE_UNKNOWN, 0, TRUE, &Exclusive);
    return NT_SUCCESS(status) ? IoCreateSymbolicLink(&ExclusiveLink, &ExclusiveName) : status;
}

static VOID Teardown(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    IoDeleteSymbolicLink(&ExclusiveLink);
}

const CONTRACT_AREA ContractArea = {NULL, 0, Setup, Teardown, Other};
