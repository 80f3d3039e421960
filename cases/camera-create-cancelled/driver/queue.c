/* The cancel-safe queue of creates that wait for power. */
#include "usbvideo.h"

static IO_CSQ_INSERT_IRP FilterCreateQueue_InsertIrp;
static IO_CSQ_REMOVE_IRP FilterCreateQueue_RemoveIrp;
static IO_CSQ_PEEK_NEXT_IRP FilterCreateQueue_PeekNextIrp;
static IO_CSQ_ACQUIRE_LOCK FilterCreateQueue_AcquireLock;
static IO_CSQ_RELEASE_LOCK FilterCreateQueue_ReleaseLock;
static IO_CSQ_COMPLETE_CANCELED_IRP FilterCreateQueue_CompleteCanceledIrp;

static PUSBVIDEO DeviceOf(PIO_CSQ Csq)
{
    return CONTAINING_RECORD(Csq, USBVIDEO, FilterCreateQueue);
}

static VOID FilterCreateQueue_InsertIrp(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&DeviceOf(Csq)->FilterCreateList, &Irp->Tail.Overlay.ListEntry);
}

static VOID FilterCreateQueue_RemoveIrp(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

static PIRP FilterCreateQueue_PeekNextIrp(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext)
{
    PUSBVIDEO device = DeviceOf(Csq);
    PLIST_ENTRY next = Irp ? Irp->Tail.Overlay.ListEntry.Flink : device->FilterCreateList.Flink;

    UNREFERENCED_PARAMETER(PeekContext);
    return next == &device->FilterCreateList ? NULL : CONTAINING_RECORD(next, IRP, Tail.Overlay.ListEntry);
}

static VOID FilterCreateQueue_AcquireLock(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&DeviceOf(Csq)->FilterCreateLock, Irql);
}

static VOID FilterCreateQueue_ReleaseLock(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&DeviceOf(Csq)->FilterCreateLock, Irql);
}

static VOID FilterCreateQueue_CompleteCanceledIrp(PIO_CSQ Csq, PIRP Irp)
{
    FilterCreateQueue_CompleteIrp(DeviceOf(Csq), Irp, STATUS_CANCELLED);
}

__declspec(noinline) NTSTATUS FilterCreateQueue_Initialize(PUSBVIDEO Device)
{
    InitializeListHead(&Device->FilterCreateList);
    KeInitializeSpinLock(&Device->FilterCreateLock);
    return IoCsqInitialize(&Device->FilterCreateQueue, FilterCreateQueue_InsertIrp, FilterCreateQueue_RemoveIrp,
                           FilterCreateQueue_PeekNextIrp, FilterCreateQueue_AcquireLock,
                           FilterCreateQueue_ReleaseLock, FilterCreateQueue_CompleteCanceledIrp);
}

/* A create that fails never sees a close: its share of the open count goes back here. */
__declspec(noinline) VOID FilterCreateQueue_CompleteIrp(PUSBVIDEO Device, PIRP Irp, NTSTATUS Status)
{
    if (!NT_SUCCESS(Status))
        USBVideoCreateFailed(Device);
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = NT_SUCCESS(Status) ? FILE_OPENED : 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

__declspec(noinline) VOID FilterCreateQueue_CompleteQueue(PUSBVIDEO Device, NTSTATUS Status)
{
    PIRP irp;

    while ((irp = IoCsqRemoveNextIrp(&Device->FilterCreateQueue, NULL)) != NULL)
        FilterCreateQueue_CompleteIrp(Device, irp, Status);
}
