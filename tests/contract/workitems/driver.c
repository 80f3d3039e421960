/* System worker threads. */
#include "contract_driver.h"

typedef struct _WORK {
    PIO_WORKITEM Item;
    PVOID Object;
    KIRQL Irql;
    PKTHREAD Thread;
    BOOLEAN InSystem;
    LONG Runs, Wanted;
    KEVENT Done;
} WORK, *PWORK;

static VOID Note(PWORK Work, PVOID Object)
{
    Work->Object = Object;
    Work->Irql = KeGetCurrentIrql();
    Work->Thread = KeGetCurrentThread();
    Work->InSystem = PsGetCurrentProcess() == PsInitialSystemProcess;
}

static IO_WORKITEM_ROUTINE Plain;
static VOID Plain(PDEVICE_OBJECT Device, PVOID Context)
{
    PWORK work = (PWORK)Context;

    Note(work, Device);
    work->Runs++;
    IoFreeWorkItem(work->Item);
    KeSetEvent(&work->Done, IO_NO_INCREMENT, FALSE);
}

static VOID Start(PWORK Work, PDEVICE_OBJECT Device)
{
    RtlZeroMemory(Work, sizeof(*Work));
    KeInitializeEvent(&Work->Done, SynchronizationEvent, FALSE);
    Work->Item = IoAllocateWorkItem(Device);
}

static VOID RunsInSystem(PCONTRACT t)
{
    static const WORK_QUEUE_TYPE queues[] = {DelayedWorkQueue, CriticalWorkQueue};

    for (ULONG i = 0; i < 2; i++) {
        WORK work;
        Start(&work, t->Device);
        CHECK(work.Item != NULL);
        IoQueueWorkItem(work.Item, Plain, queues[i], &work);
        KeWaitForSingleObject(&work.Done, Executive, KernelMode, FALSE, NULL);
        CHECK(work.Object == t->Device);
        CHECK_EQ(work.Irql, PASSIVE_LEVEL);
        CHECK(work.Thread != KeGetCurrentThread());
        CHECK(work.InSystem);
    }
}

static IO_WORKITEM_ROUTINE_EX Extended;
static VOID Extended(PVOID Object, PVOID Context, PIO_WORKITEM Item)
{
    PWORK work = (PWORK)Context;

    Note(work, Object);
    if (work->Item != Item)
        work->Runs = -1;
    IoFreeWorkItem(Item);
    KeSetEvent(&work->Done, IO_NO_INCREMENT, FALSE);
}

static VOID ExtendedForm(PCONTRACT t)
{
    WORK work;

    Start(&work, t->Device);
    IoQueueWorkItemEx(work.Item, Extended, DelayedWorkQueue, &work);
    KeWaitForSingleObject(&work.Done, Executive, KernelMode, FALSE, NULL);
    CHECK(work.Object == t->Device);
    CHECK_EQ(work.Runs, 0);
}

/* The item is out of the queue when its routine is called, so that it may be queued again. */
static IO_WORKITEM_ROUTINE Again;
static VOID Again(PDEVICE_OBJECT Device, PVOID Context)
{
    PWORK work = (PWORK)Context;

    if (++work->Runs < work->Wanted) {
        IoQueueWorkItem(work->Item, Again, DelayedWorkQueue, work);
        return;
    }
    Note(work, Device);
    KeSetEvent(&work->Done, IO_NO_INCREMENT, FALSE);
}

static VOID QueuedByItself(PCONTRACT t)
{
    WORK work;

    Start(&work, t->Device);
    work.Wanted = 3;
    IoQueueWorkItem(work.Item, Again, DelayedWorkQueue, &work);
    KeWaitForSingleObject(&work.Done, Executive, KernelMode, FALSE, NULL);
    CHECK_EQ(work.Runs, 3);
    IoFreeWorkItem(work.Item);
}

static VOID FromDispatchLevel(PCONTRACT t)
{
    WORK work;
    KIRQL irql;
    LONG before;

    Start(&work, t->Device);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoQueueWorkItem(work.Item, Plain, CriticalWorkQueue, &work);
    before = work.Runs;
    KeLowerIrql(irql);
    KeWaitForSingleObject(&work.Done, Executive, KernelMode, FALSE, NULL);
    UNREFERENCED_PARAMETER(before);
    CHECK_EQ(work.Runs, 1);
}

static VOID OwnMemory(PCONTRACT t)
{
    WORK work;

    Start(&work, t->Device);
    IoFreeWorkItem(work.Item);
    work.Item = (PIO_WORKITEM)ExAllocatePoolWithTag(NonPagedPoolNx, IoSizeofWorkItem(), CONTRACT_TAG);
    CHECK(work.Item != NULL);
    if (!work.Item)
        return;
    IoInitializeWorkItem(t->Device, work.Item);
    work.Wanted = 1;
    IoQueueWorkItem(work.Item, Again, DelayedWorkQueue, &work);
    KeWaitForSingleObject(&work.Done, Executive, KernelMode, FALSE, NULL);
    CHECK_EQ(work.Runs, 1);
    IoUninitializeWorkItem(work.Item);
    ExFreePoolWithTag(work.Item, CONTRACT_TAG);
}

/* Two workers run side by side: the first waits for the second. */
typedef struct _BOTH {
    KEVENT Met;
    KEVENT Done[2];
    PIO_WORKITEM Items[2];
} BOTH, *PBOTH;

static IO_WORKITEM_ROUTINE First, Second;
static VOID First(PDEVICE_OBJECT Device, PVOID Context)
{
    PBOTH both = (PBOTH)Context;

    UNREFERENCED_PARAMETER(Device);
    KeWaitForSingleObject(&both->Met, Executive, KernelMode, FALSE, NULL);
    KeSetEvent(&both->Done[0], IO_NO_INCREMENT, FALSE);
}
static VOID Second(PDEVICE_OBJECT Device, PVOID Context)
{
    PBOTH both = (PBOTH)Context;

    UNREFERENCED_PARAMETER(Device);
    KeSetEvent(&both->Met, IO_NO_INCREMENT, FALSE);
    KeSetEvent(&both->Done[1], IO_NO_INCREMENT, FALSE);
}

static VOID SideBySide(PCONTRACT t)
{
    BOTH both;
    PVOID objects[2] = {&both.Done[0], &both.Done[1]};

    KeInitializeEvent(&both.Met, NotificationEvent, FALSE);
    for (ULONG i = 0; i < 2; i++) {
        KeInitializeEvent(&both.Done[i], NotificationEvent, FALSE);
        both.Items[i] = IoAllocateWorkItem(t->Device);
    }
    IoQueueWorkItem(both.Items[0], First, DelayedWorkQueue, &both);
    IoQueueWorkItem(both.Items[1], Second, DelayedWorkQueue, &both);
    CHECK_STATUS(KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, NULL, NULL), STATUS_SUCCESS);
    IoFreeWorkItem(both.Items[0]);
    IoFreeWorkItem(both.Items[1]);
}

static const CONTRACT_TEST Tests[] = {
    {"a work item runs in the system process", RunsInSystem},
    {"the extended form", ExtendedForm},
    {"a work item queues itself", QueuedByItself},
    {"queued at DISPATCH_LEVEL", FromDispatchLevel},
    {"a work item in memory of one's own", OwnMemory},
    {"two at a time", SideBySide},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests)};
