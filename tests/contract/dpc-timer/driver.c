/* Deferred procedure calls and timers. */
#include "contract_driver.h"

typedef struct _CALL {
    volatile LONG Count;
    KIRQL Irql;
    PVOID Context, Argument1, Argument2;
    PKTHREAD Thread;
    KEVENT Done;
} CALL, *PCALL;

static KDEFERRED_ROUTINE Routine;
static VOID Routine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PCALL call = (PCALL)Context;

    UNREFERENCED_PARAMETER(Dpc);
    InterlockedIncrement(&call->Count);
    call->Irql = KeGetCurrentIrql();
    call->Argument1 = Argument1;
    call->Argument2 = Argument2;
    KeSetEvent(&call->Done, IO_NO_INCREMENT, FALSE);
}

static VOID Start(PCALL Call)
{
    RtlZeroMemory(Call, sizeof(*Call));
    KeInitializeEvent(&Call->Done, SynchronizationEvent, FALSE);
}

static VOID QueuedOnce(PCONTRACT t)
{
    CALL call;
    KDPC dpc;
    KIRQL irql;
    BOOLEAN first, second;
    LONG before;

    Start(&call);
    KeInitializeDpc(&dpc, Routine, &call);
    /* One processor's DPC runs when its IRQL falls: nothing moves the thread or the DPC while it is at DISPATCH_LEVEL. */
    irql = KeRaiseIrqlToDpcLevel();
    first = KeInsertQueueDpc(&dpc, (PVOID)1, (PVOID)2);
    second = KeInsertQueueDpc(&dpc, (PVOID)3, (PVOID)4);
    before = call.Count;
    KeLowerIrql(irql);
    KeWaitForSingleObject(&call.Done, Executive, KernelMode, FALSE, NULL);
    CHECK(first);
    CHECK(!second);
    CHECK_EQ(before, 0);
    CHECK_EQ(call.Count, 1);
    CHECK_EQ(call.Irql, DISPATCH_LEVEL);
    CHECK(call.Argument1 == (PVOID)1);
    CHECK(call.Argument2 == (PVOID)2);
}

static VOID RunsBeforeLowerReturns(PCONTRACT t)
{
    CALL call;
    KDPC dpc;
    KIRQL irql;

    Start(&call);
    KeInitializeDpc(&dpc, Routine, &call);
    irql = KeRaiseIrqlToDpcLevel();
    KeInsertQueueDpc(&dpc, NULL, NULL);
    KeLowerIrql(irql);
    CHECK_EQ(call.Count, 1);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    CHECK_EQ(call.Count, 2);
}

static VOID Removed(PCONTRACT t)
{
    CALL call;
    KDPC dpc;
    KIRQL irql;
    BOOLEAN removed, again;

    Start(&call);
    KeInitializeDpc(&dpc, Routine, &call);
    irql = KeRaiseIrqlToDpcLevel();
    KeInsertQueueDpc(&dpc, NULL, NULL);
    removed = KeRemoveQueueDpc(&dpc);
    again = KeRemoveQueueDpc(&dpc);
    KeLowerIrql(irql);
    KeFlushQueuedDpcs();
    CHECK(removed);
    CHECK(!again);
    CHECK_EQ(call.Count, 0);
}

static ULONG Order[3], OrderUsed;
static KDEFERRED_ROUTINE NoteOrder;
static VOID NoteOrder(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (OrderUsed < 3)
        Order[OrderUsed++] = (ULONG)(ULONG_PTR)Context;
}

static VOID Importance(PCONTRACT t)
{
    KDPC dpcs[3];
    KIRQL irql;

    OrderUsed = 0;
    for (ULONG i = 0; i < 3; i++)
        KeInitializeDpc(&dpcs[i], NoteOrder, (PVOID)(ULONG_PTR)i);
    KeSetImportanceDpc(&dpcs[2], HighImportance);
    irql = KeRaiseIrqlToDpcLevel();
    for (ULONG i = 0; i < 3; i++)
        KeInsertQueueDpc(&dpcs[i], NULL, NULL);
    KeLowerIrql(irql);
    KeFlushQueuedDpcs();
    CHECK_EQ(OrderUsed, 3);
    CHECK_EQ(Order[0], 2);
    CHECK_EQ(Order[1], 0);
    CHECK_EQ(Order[2], 1);
}

static VOID OneShot(PCONTRACT t)
{
    CALL call;
    KDPC dpc;
    KTIMER timer;
    ULONG64 before = KeQueryInterruptTime();

    Start(&call);
    KeInitializeDpc(&dpc, Routine, &call);
    KeInitializeTimer(&timer);
    CHECK(!KeReadStateTimer(&timer));
    CHECK(!KeSetTimer(&timer, ContractMs(20), &dpc));
    CHECK_STATUS(KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS);
    CHECK(KeQueryInterruptTime() - before >= 19 * 10000);
    KeWaitForSingleObject(&call.Done, Executive, KernelMode, FALSE, NULL);
    CHECK_EQ(call.Count, 1);
    /* A notification timer stays signalled. */
    CHECK(KeReadStateTimer(&timer));
    CHECK(!KeCancelTimer(&timer));
}

static VOID SetAgainAndCancel(PCONTRACT t)
{
    CALL call;
    KDPC dpc;
    KTIMER timer;
    LARGE_INTEGER wait = ContractMs(50);

    Start(&call);
    KeInitializeDpc(&dpc, Routine, &call);
    KeInitializeTimerEx(&timer, SynchronizationTimer);
    CHECK(!KeSetTimer(&timer, ContractMs(60000), &dpc));
    CHECK(KeSetTimer(&timer, ContractMs(60000), &dpc));
    CHECK(KeCancelTimer(&timer));
    CHECK(!KeCancelTimer(&timer));
    KeDelayExecutionThread(KernelMode, FALSE, &wait);
    CHECK_EQ(call.Count, 0);
    /* A synchronization timer is taken by the wait. */
    KeSetTimer(&timer, ContractMs(10), NULL);
    KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, NULL);
    CHECK(!KeReadStateTimer(&timer));
}

static VOID Periodic(PCONTRACT t)
{
    CALL call;
    KDPC dpc;
    KTIMER timer;

    Start(&call);
    KeInitializeDpc(&dpc, Routine, &call);
    KeInitializeTimerEx(&timer, SynchronizationTimer);
    CHECK(!KeSetTimerEx(&timer, ContractMs(10), 10, &dpc));
    for (ULONG i = 0; i < 3; i++)
        CHECK_STATUS(KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS);
    CHECK(KeCancelTimer(&timer));
    KeFlushQueuedDpcs();
    CHECK(call.Count >= 3);
}

static VOID AlreadyDue(PCONTRACT t)
{
    CALL call;
    KDPC dpc;
    KTIMER timer;
    LARGE_INTEGER past = {.QuadPart = 1};

    Start(&call);
    KeInitializeDpc(&dpc, Routine, &call);
    KeInitializeTimer(&timer);
    CHECK(!KeSetTimer(&timer, past, &dpc));
    CHECK_STATUS(KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS);
    KeWaitForSingleObject(&call.Done, Executive, KernelMode, FALSE, NULL);
    CHECK_EQ(call.Count, 1);
}

static VOID Clocks(PCONTRACT t)
{
    LARGE_INTEGER frequency, counter, later, system, ticks;
    LARGE_INTEGER wait = ContractMs(20);
    ULONG64 interrupt = KeQueryInterruptTime();
    TIME_FIELDS fields;

    counter = KeQueryPerformanceCounter(&frequency);
    KeQuerySystemTime(&system);
    KeQueryTickCount(&ticks);
    KeDelayExecutionThread(KernelMode, FALSE, &wait);
    later = KeQueryPerformanceCounter(NULL);
    CHECK(frequency.QuadPart > 0);
    CHECK(later.QuadPart > counter.QuadPart);
    CHECK(KeQueryInterruptTime() > interrupt);
    CHECK(KeQueryTimeIncrement() > 0);
    RtlTimeToTimeFields(&system, &fields);
    CHECK(fields.Year >= 2000);
    KeStallExecutionProcessor(5);
}

static const CONTRACT_TEST Tests[] = {
    {"a DPC is queued once", QueuedOnce},
    {"a DPC runs when IRQL falls", RunsBeforeLowerReturns},
    {"a removed DPC does not run", Removed},
    {"importance", Importance},
    {"one-shot timer", OneShot},
    {"timer set again, cancelled", SetAgainAndCancel},
    {"periodic timer", Periodic},
    {"timer already due", AlreadyDue},
    {"clocks", Clocks},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests)};
