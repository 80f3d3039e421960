/* Cancel-safe queues and cancellation. The driver's own tests use IRPs that are never sent anywhere; for the program's, the
 * control device pends IOCTL_PARK in such a queue and ends all of them at IOCTL_RELEASE. */
#include "contract_driver.h"
#include "csq_codes.h"

typedef struct _QUEUE {
    IO_CSQ Csq;
    LIST_ENTRY List;
    KSPIN_LOCK Lock;
    BOOLEAN Refuse;
    BOOLEAN CompleteReally;
    ULONG Inserted, Canceled;
    PIRP LastCanceled;
} QUEUE, *PQUEUE;

static IO_CSQ_REMOVE_IRP Remove;
static IO_CSQ_PEEK_NEXT_IRP Peek;
static IO_CSQ_ACQUIRE_LOCK Acquire;
static IO_CSQ_RELEASE_LOCK Release;
static IO_CSQ_COMPLETE_CANCELED_IRP Canceled;

static VOID Insert(PIO_CSQ Csq, PIRP Irp)
{
    PQUEUE queue = CONTAINING_RECORD(Csq, QUEUE, Csq);

    queue->Inserted++;
    InsertTailList(&queue->List, &Irp->Tail.Overlay.ListEntry);
}

static NTSTATUS InsertEx(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PQUEUE queue = CONTAINING_RECORD(Csq, QUEUE, Csq);

    if (queue->Refuse)
        return STATUS_DEVICE_BUSY;
    *(PULONG)Context += 1;
    Insert(Csq, Irp);
    return STATUS_SUCCESS;
}

static VOID Remove(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* With a context, only the IRPs whose first driver word is that context. */
static PIRP Peek(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PQUEUE queue = CONTAINING_RECORD(Csq, QUEUE, Csq);
    PLIST_ENTRY next = Irp ? Irp->Tail.Overlay.ListEntry.Flink : queue->List.Flink;

    for (; next != &queue->List; next = next->Flink) {
        PIRP candidate = CONTAINING_RECORD(next, IRP, Tail.Overlay.ListEntry);
        if (!Context || candidate->Tail.Overlay.DriverContext[0] == Context)
            return candidate;
    }
    return NULL;
}

static VOID Acquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&CONTAINING_RECORD(Csq, QUEUE, Csq)->Lock, Irql);
}

static VOID Release(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&CONTAINING_RECORD(Csq, QUEUE, Csq)->Lock, Irql);
}

static VOID Canceled(PIO_CSQ Csq, PIRP Irp)
{
    PQUEUE queue = CONTAINING_RECORD(Csq, QUEUE, Csq);

    queue->Canceled++;
    queue->LastCanceled = Irp;
    if (queue->CompleteReally)
        ContractComplete(Irp, STATUS_CANCELLED, 0);
}

static NTSTATUS Initialize(PQUEUE Queue)
{
    RtlZeroMemory(Queue, sizeof(*Queue));
    InitializeListHead(&Queue->List);
    KeInitializeSpinLock(&Queue->Lock);
    return IoCsqInitialize(&Queue->Csq, Insert, Remove, Peek, Acquire, Release, Canceled);
}

/* An IRP with a current location, as a driver gets it. */
static PIRP MakeIrp(VOID)
{
    PIRP irp = IoAllocateIrp(2, FALSE);

    if (irp)
        IoSetNextIrpStackLocation(irp);
    return irp;
}

static VOID FirstInFirstOut(PCONTRACT t)
{
    QUEUE queue;
    PIRP irps[3];

    CHECK_STATUS(Initialize(&queue), STATUS_SUCCESS);
    for (ULONG i = 0; i < 3; i++) {
        irps[i] = MakeIrp();
        IoCsqInsertIrp(&queue.Csq, irps[i], NULL);
        CHECK(IoGetCurrentIrpStackLocation(irps[i])->Control & SL_PENDING_RETURNED);
        CHECK(irps[i]->CancelRoutine != NULL);
    }
    for (ULONG i = 0; i < 3; i++) {
        PIRP irp = IoCsqRemoveNextIrp(&queue.Csq, NULL);
        CHECK(irp == irps[i]);
        CHECK(irp && irp->CancelRoutine == NULL);
    }
    CHECK(IoCsqRemoveNextIrp(&queue.Csq, NULL) == NULL);
    CHECK_EQ(queue.Canceled, 0);
    for (ULONG i = 0; i < 3; i++)
        IoFreeIrp(irps[i]);
}

static VOID ByPeekContext(PCONTRACT t)
{
    QUEUE queue;
    PIRP a = MakeIrp(), b = MakeIrp();

    Initialize(&queue);
    a->Tail.Overlay.DriverContext[0] = (PVOID)1;
    b->Tail.Overlay.DriverContext[0] = (PVOID)2;
    IoCsqInsertIrp(&queue.Csq, a, NULL);
    IoCsqInsertIrp(&queue.Csq, b, NULL);
    CHECK(IoCsqRemoveNextIrp(&queue.Csq, (PVOID)2) == b);
    CHECK(IoCsqRemoveNextIrp(&queue.Csq, (PVOID)2) == NULL);
    CHECK(IoCsqRemoveNextIrp(&queue.Csq, NULL) == a);
    IoFreeIrp(a);
    IoFreeIrp(b);
}

static VOID ByIrpContext(PCONTRACT t)
{
    QUEUE queue;
    IO_CSQ_IRP_CONTEXT contexts[2];
    PIRP a = MakeIrp(), b = MakeIrp();

    Initialize(&queue);
    IoCsqInsertIrp(&queue.Csq, a, &contexts[0]);
    IoCsqInsertIrp(&queue.Csq, b, &contexts[1]);
    CHECK(contexts[0].Irp == a);
    CHECK(IoCsqRemoveIrp(&queue.Csq, &contexts[1]) == b);
    CHECK(contexts[1].Irp == NULL);
    CHECK(IoCsqRemoveIrp(&queue.Csq, &contexts[1]) == NULL);
    CHECK(IoCancelIrp(a));
    CHECK(IoCsqRemoveIrp(&queue.Csq, &contexts[0]) == NULL);
    CHECK_EQ(queue.Canceled, 1);
    IoFreeIrp(a);
    IoFreeIrp(b);
}

static VOID CancelWhileQueued(PCONTRACT t)
{
    QUEUE queue;
    PIRP a = MakeIrp(), b = MakeIrp();

    Initialize(&queue);
    IoCsqInsertIrp(&queue.Csq, a, NULL);
    IoCsqInsertIrp(&queue.Csq, b, NULL);
    CHECK(IoCancelIrp(a));
    CHECK_EQ(queue.Canceled, 1);
    CHECK(queue.LastCanceled == a);
    CHECK(a->Cancel);
    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK(IoCsqRemoveNextIrp(&queue.Csq, NULL) == b);
    /* Out of the queue there is nobody to call: only the flag is set. */
    CHECK(!IoCancelIrp(b));
    CHECK(b->Cancel);
    CHECK_EQ(queue.Canceled, 1);
    IoFreeIrp(a);
    IoFreeIrp(b);
}

static VOID CancelBeforeInsert(PCONTRACT t)
{
    QUEUE queue;
    PIRP irp = MakeIrp();

    Initialize(&queue);
    CHECK(!IoCancelIrp(irp));
    IoCsqInsertIrp(&queue.Csq, irp, NULL);
    CHECK_EQ(queue.Inserted, 1);
    CHECK_EQ(queue.Canceled, 1);
    CHECK(IsListEmpty(&queue.List));
    IoFreeIrp(irp);
}

static VOID InsertMayRefuse(PCONTRACT t)
{
    QUEUE queue;
    PIRP irp = MakeIrp();
    ULONG calls = 0;

    Initialize(&queue);
    CHECK_STATUS(IoCsqInitializeEx(&queue.Csq, InsertEx, Remove, Peek, Acquire, Release, Canceled), STATUS_SUCCESS);
    queue.Refuse = TRUE;
    CHECK_STATUS(IoCsqInsertIrpEx(&queue.Csq, irp, NULL, &calls), STATUS_DEVICE_BUSY);
    CHECK(!(IoGetCurrentIrpStackLocation(irp)->Control & SL_PENDING_RETURNED));
    CHECK_EQ(calls, 0);
    queue.Refuse = FALSE;
    CHECK_STATUS(IoCsqInsertIrpEx(&queue.Csq, irp, NULL, &calls), STATUS_SUCCESS);
    CHECK_EQ(calls, 1);
    CHECK(IoCsqRemoveNextIrp(&queue.Csq, NULL) == irp);
    IoFreeIrp(irp);
}

static ULONG CancelCalls;
static KIRQL CancelLevel;
static DRIVER_CANCEL OwnCancel;
static VOID OwnCancel(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    CancelCalls++;
    CancelLevel = KeGetCurrentIrql();
    IoReleaseCancelSpinLock(Irp->CancelIrql);
}

static VOID PlainCancelRoutine(PCONTRACT t)
{
    PIRP irp = MakeIrp();

    CancelCalls = 0;
    CHECK(IoSetCancelRoutine(irp, OwnCancel) == NULL);
    CHECK(IoSetCancelRoutine(irp, NULL) == OwnCancel);
    CHECK(!IoCancelIrp(irp));
    CHECK_EQ(CancelCalls, 0);
    irp->Cancel = FALSE;
    IoSetCancelRoutine(irp, OwnCancel);
    CHECK(IoCancelIrp(irp));
    CHECK_EQ(CancelCalls, 1);
    CHECK_EQ(CancelLevel, DISPATCH_LEVEL);
    CHECK(irp->CancelRoutine == NULL);
    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    IoFreeIrp(irp);
}

/* ---- for the program ---- */

static QUEUE Parked;

static NTSTATUS Setup(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Device, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(RegistryPath);
    NTSTATUS status = Initialize(&Parked);
    Parked.CompleteReally = TRUE;
    return status;
}

static NTSTATUS Other(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PIRP irp;

    UNREFERENCED_PARAMETER(Device);
    if (stack->MajorFunction == IRP_MJ_CLEANUP) {
        while ((irp = IoCsqRemoveNextIrp(&Parked.Csq, stack->FileObject)) != NULL)
            ContractComplete(irp, STATUS_CANCELLED, 0);
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    }
    if (stack->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        return ContractDefault(Irp);
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_PARK:
        Irp->Tail.Overlay.DriverContext[0] = stack->FileObject;
        IoCsqInsertIrp(&Parked.Csq, Irp, NULL);
        return STATUS_PENDING;
    case IOCTL_RELEASE:
        while ((irp = IoCsqRemoveNextIrp(&Parked.Csq, NULL)) != NULL)
            ContractComplete(irp, STATUS_SUCCESS, 0);
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    default:
        return ContractDefault(Irp);
    }
}

static const CONTRACT_TEST Tests[] = {
    {"first in, first out", FirstInFirstOut},
    {"removal by peek context", ByPeekContext},
    {"removal by IRP context", ByIrpContext},
    {"cancelled while queued", CancelWhileQueued},
    {"cancelled before it is queued", CancelBeforeInsert},
    {"an insertion that is refused", InsertMayRefuse},
    {"a plain cancel routine", PlainCancelRoutine},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests), Setup, NULL, Other};
