/* Requests that stay in the driver: reads and a control code wait in a cancel-safe queue until another control code completes
 * them; a second control code waits inside its dispatch routine, cancellably. */
#include "contract_driver.h"
#include <csq.h>

enum { WAIT_IN_QUEUE, COMPLETE_ONE, WAIT_IN_PLACE, AT_ONCE, QUEUED, CLEANUPS, CLOSES, BAD_CLOSES };

static IO_CSQ Queue;
static KSPIN_LOCK Lock;
static LIST_ENTRY Requests;
static volatile LONG Waiting, CleanupCount, CloseCount, BadCloses;

static IO_CSQ_INSERT_IRP Insert;
static VOID Insert(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    InsertTailList(&Requests, &Irp->Tail.Overlay.ListEntry);
    InterlockedIncrement(&Waiting);
}

static IO_CSQ_REMOVE_IRP Remove;
static VOID Remove(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    InterlockedDecrement(&Waiting);
}

/* Context: a file object, or NULL for any. */
static IO_CSQ_PEEK_NEXT_IRP Peek;
static PIRP Peek(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PLIST_ENTRY entry = Irp ? Irp->Tail.Overlay.ListEntry.Flink : Requests.Flink;

    UNREFERENCED_PARAMETER(Csq);
    for (; entry != &Requests; entry = entry->Flink) {
        PIRP next = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);

        if (!Context || IoGetCurrentIrpStackLocation(next)->FileObject == (PFILE_OBJECT)Context)
            return next;
    }
    return NULL;
}

static IO_CSQ_ACQUIRE_LOCK Acquire;
static VOID Acquire(PIO_CSQ Csq, PKIRQL Irql)
{
    UNREFERENCED_PARAMETER(Csq);
    KeAcquireSpinLock(&Lock, Irql);
}

static IO_CSQ_RELEASE_LOCK Release;
static VOID Release(PIO_CSQ Csq, KIRQL Irql)
{
    UNREFERENCED_PARAMETER(Csq);
    KeReleaseSpinLock(&Lock, Irql);
}

static IO_CSQ_COMPLETE_CANCELED_IRP Canceled;
static VOID Canceled(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    ContractComplete(Irp, STATUS_CANCELLED, 0);
}

static NTSTATUS Wait(PIRP Irp)
{
    KEVENT never;

    KeInitializeEvent(&never, NotificationEvent, FALSE);
    return ContractComplete(Irp, FsRtlCancellableWaitForSingleObject(&never, NULL, Irp), 0);
}

static NTSTATUS Answer(PIRP Irp, ULONG Value)
{
    *(PULONG)Irp->AssociatedIrp.SystemBuffer = Value;
    return ContractComplete(Irp, STATUS_SUCCESS, sizeof Value);
}

static NTSTATUS Control(PIRP Irp, PIO_STACK_LOCATION Location)
{
    switch (Location->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_AREA(WAIT_IN_QUEUE, METHOD_BUFFERED):
        IoCsqInsertIrp(&Queue, Irp, NULL);
        return STATUS_PENDING;
    case IOCTL_AREA(COMPLETE_ONE, METHOD_BUFFERED): {
        PIRP irp = IoCsqRemoveNextIrp(&Queue, NULL);
        ULONG status = *(PULONG)Irp->AssociatedIrp.SystemBuffer;
        ULONG length = 0;

        if (!irp)
            return ContractComplete(Irp, STATUS_NOT_FOUND, 0);
        if (IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_READ && irp->AssociatedIrp.SystemBuffer) {
            length = IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length;
            RtlFillMemory(irp->AssociatedIrp.SystemBuffer, length, 'r');
        }
        ContractComplete(irp, (NTSTATUS)status, NT_SUCCESS(status) ? length : 0);
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    }
    case IOCTL_AREA(WAIT_IN_PLACE, METHOD_BUFFERED):
        return Wait(Irp);
    case IOCTL_AREA(AT_ONCE, METHOD_BUFFERED):
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    case IOCTL_AREA(QUEUED, METHOD_BUFFERED):
        return Answer(Irp, (ULONG)InterlockedCompareExchange(&Waiting, 0, 0));
    case IOCTL_AREA(CLEANUPS, METHOD_BUFFERED):
        return Answer(Irp, (ULONG)InterlockedCompareExchange(&CleanupCount, 0, 0));
    case IOCTL_AREA(CLOSES, METHOD_BUFFERED):
        return Answer(Irp, (ULONG)InterlockedCompareExchange(&CloseCount, 0, 0));
    case IOCTL_AREA(BAD_CLOSES, METHOD_BUFFERED):
        return Answer(Irp, (ULONG)BadCloses);
    default:
        return ContractComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static NTSTATUS Other(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    PIRP irp;

    UNREFERENCED_PARAMETER(Device);
    switch (location->MajorFunction) {
    case IRP_MJ_READ:
    case IRP_MJ_WRITE:
        IoCsqInsertIrp(&Queue, Irp, NULL);
        return STATUS_PENDING;
    case IRP_MJ_CLOSE:
        InterlockedIncrement(&CloseCount);
        if (KeGetCurrentIrql() != PASSIVE_LEVEL || KeAreAllApcsDisabled())
            InterlockedIncrement(&BadCloses);
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_CLEANUP:
        InterlockedIncrement(&CleanupCount);
        while ((irp = IoCsqRemoveNextIrp(&Queue, location->FileObject)) != NULL)
            ContractComplete(irp, STATUS_CANCELLED, 0);
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_DEVICE_CONTROL:
        return Control(Irp, location);
    default:
        return ContractDefault(Irp);
    }
}

static NTSTATUS Setup(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Device, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    Device->Flags |= DO_BUFFERED_IO;
    KeInitializeSpinLock(&Lock);
    InitializeListHead(&Requests);
    return IoCsqInitialize(&Queue, Insert, Remove, Peek, Acquire, Release, Canceled);
}

const CONTRACT_AREA ContractArea = {.Setup = Setup, .Other = Other};
