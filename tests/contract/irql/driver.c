/* IRQL, spin locks of all families, interlocked operations and lists. */
#include "contract_driver.h"

static VOID RaiseAndLower(PCONTRACT t)
{
    KIRQL first, second;

    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    KeRaiseIrql(APC_LEVEL, &first);
    CHECK_EQ(first, PASSIVE_LEVEL);
    CHECK_EQ(KeGetCurrentIrql(), APC_LEVEL);
    KeRaiseIrql(DISPATCH_LEVEL, &second);
    CHECK_EQ(second, APC_LEVEL);
    KeLowerIrql(second);
    CHECK_EQ(KeGetCurrentIrql(), APC_LEVEL);
    KeLowerIrql(first);
    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    first = KeRaiseIrqlToDpcLevel();
    CHECK_EQ(first, PASSIVE_LEVEL);
    CHECK_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeLowerIrql(first);
}

typedef KIRQL (*GET_IRQL)(VOID);
typedef KIRQL (*RAISE_IRQL)(KIRQL);
typedef VOID (*LOWER_IRQL)(KIRQL);

/* Headers differ in whether these are inlined; the kernel exports them all the same. */
static VOID ThroughExports(PCONTRACT t)
{
    UNICODE_STRING getName = RTL_CONSTANT_STRING(L"KeGetCurrentIrql");
    UNICODE_STRING raiseName = RTL_CONSTANT_STRING(L"KfRaiseIrql");
    UNICODE_STRING lowerName = RTL_CONSTANT_STRING(L"KeLowerIrql");
    UNICODE_STRING nothing = RTL_CONSTANT_STRING(L"KeDoesNotExist");
    GET_IRQL get = (GET_IRQL)MmGetSystemRoutineAddress(&getName);
    RAISE_IRQL raise = (RAISE_IRQL)MmGetSystemRoutineAddress(&raiseName);
    LOWER_IRQL lower = (LOWER_IRQL)MmGetSystemRoutineAddress(&lowerName);
    KIRQL old;

    CHECK(MmGetSystemRoutineAddress(&nothing) == NULL);
    CHECK(get && raise && lower);
    if (!get || !raise || !lower)
        return;
    old = raise(DISPATCH_LEVEL);
    CHECK_EQ(get(), DISPATCH_LEVEL);
    CHECK_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    lower(old);
    CHECK_EQ(get(), PASSIVE_LEVEL);
}

static VOID SpinLocks(PCONTRACT t)
{
    KSPIN_LOCK lock, inner;
    KIRQL irql;

    KeInitializeSpinLock(&lock);
    KeInitializeSpinLock(&inner);
    KeAcquireSpinLock(&lock, &irql);
    CHECK_EQ(irql, PASSIVE_LEVEL);
    CHECK_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeAcquireSpinLockAtDpcLevel(&inner);
    CHECK(!KeTryToAcquireSpinLockAtDpcLevel(&lock));
    KeReleaseSpinLockFromDpcLevel(&inner);
    CHECK(KeTryToAcquireSpinLockAtDpcLevel(&inner));
    CHECK(!KeTestSpinLock(&inner));
    KeReleaseSpinLockFromDpcLevel(&inner);
    CHECK(KeTestSpinLock(&inner));
    KeReleaseSpinLock(&lock, irql);
    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    KeRaiseIrql(APC_LEVEL, &irql);
    {
        KIRQL old;
        KeAcquireSpinLock(&lock, &old);
        CHECK_EQ(old, APC_LEVEL);
        KeReleaseSpinLock(&lock, old);
    }
    CHECK_EQ(KeGetCurrentIrql(), APC_LEVEL);
    KeLowerIrql(irql);
}

static VOID QueuedSpinLocks(PCONTRACT t)
{
    KSPIN_LOCK lock;
    KLOCK_QUEUE_HANDLE handle, other;
    KSPIN_LOCK second;

    KeInitializeSpinLock(&lock);
    KeInitializeSpinLock(&second);
    KeAcquireInStackQueuedSpinLock(&lock, &handle);
    CHECK_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    CHECK_EQ(handle.OldIrql, PASSIVE_LEVEL);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&second, &other);
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&other);
    KeReleaseInStackQueuedSpinLock(&handle);
    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static VOID ReaderWriterSpinLocks(PCONTRACT t)
{
    EX_SPIN_LOCK lock = 0;
    KIRQL irql = ExAcquireSpinLockShared(&lock);

    CHECK_EQ(irql, PASSIVE_LEVEL);
    CHECK_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    ExAcquireSpinLockSharedAtDpcLevel(&lock);
    CHECK(!ExTryConvertSharedSpinLockExclusive(&lock));
    ExReleaseSpinLockSharedFromDpcLevel(&lock);
    CHECK(ExTryConvertSharedSpinLockExclusive(&lock));
    ExReleaseSpinLockExclusive(&lock, irql);
    CHECK_EQ(lock, 0);
    irql = ExAcquireSpinLockExclusive(&lock);
    ExReleaseSpinLockExclusive(&lock, irql);
    CHECK_EQ(lock, 0);
    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static VOID Interlocked(PCONTRACT t)
{
    volatile LONG value = 5;
    volatile LONG64 wide = 5;
    PVOID volatile pointer = NULL;

    CHECK_EQ(InterlockedIncrement(&value), 6);
    CHECK_EQ(InterlockedDecrement(&value), 5);
    CHECK_EQ(InterlockedExchange(&value, 7), 5);
    CHECK_EQ(InterlockedExchangeAdd(&value, 3), 7);
    CHECK_EQ(InterlockedCompareExchange(&value, 1, 9), 10);
    CHECK_EQ(value, 10);
    CHECK_EQ(InterlockedCompareExchange(&value, 1, 10), 10);
    CHECK_EQ(value, 1);
    CHECK_EQ(InterlockedOr(&value, 6), 1);
    CHECK_EQ(InterlockedAnd(&value, 5), 7);
    CHECK_EQ(InterlockedXor(&value, 1), 5);
    CHECK_EQ(value, 4);
    CHECK_EQ(InterlockedBitTestAndSet(&value, 0), 0);
    CHECK_EQ(value, 5);
    CHECK_EQ(InterlockedBitTestAndReset(&value, 2), 1);
    CHECK_EQ(value, 1);
    CHECK_EQ(InterlockedIncrement64(&wide), 6);
    CHECK_EQ(InterlockedExchange64(&wide, 0x100000000), 6);
    CHECK_EQ(InterlockedCompareExchange64(&wide, 2, 0x100000000), 0x100000000);
    CHECK(InterlockedExchangePointer(&pointer, t) == NULL);
    CHECK(InterlockedCompareExchangePointer(&pointer, NULL, t) == (PVOID)t);
    CHECK(pointer == NULL);
}

typedef struct DECLSPEC_ALIGN(16) _NODE {
    SLIST_ENTRY Entry;
    ULONG Value;
} NODE;

static VOID SequencedLists(PCONTRACT t)
{
    DECLSPEC_ALIGN(16) SLIST_HEADER head;
    NODE nodes[3];
    PSLIST_ENTRY entry;

    ExInitializeSListHead(&head);
    CHECK_EQ(ExQueryDepthSList(&head), 0);
    CHECK(InterlockedPopEntrySList(&head) == NULL);
    for (ULONG i = 0; i < 3; i++) {
        nodes[i].Value = i;
        entry = InterlockedPushEntrySList(&head, &nodes[i].Entry);
        CHECK(entry == (i ? &nodes[i - 1].Entry : NULL));
    }
    CHECK_EQ(ExQueryDepthSList(&head), 3);
    entry = InterlockedPopEntrySList(&head);
    CHECK(entry == &nodes[2].Entry);
    entry = ExInterlockedFlushSList(&head);
    CHECK(entry == &nodes[1].Entry && entry->Next == &nodes[0].Entry && entry->Next->Next == NULL);
    CHECK_EQ(ExQueryDepthSList(&head), 0);
}

static VOID LockedLists(PCONTRACT t)
{
    LIST_ENTRY head, a, b;
    KSPIN_LOCK lock;
    LONG number = 1;
    LARGE_INTEGER large = {.QuadPart = 1}, add = {.QuadPart = 0x100000000};

    KeInitializeSpinLock(&lock);
    InitializeListHead(&head);
    CHECK(ExInterlockedInsertTailList(&head, &a, &lock) == NULL);
    CHECK(ExInterlockedInsertHeadList(&head, &b, &lock) == &a);
    CHECK(ExInterlockedRemoveHeadList(&head, &lock) == &b);
    CHECK(ExInterlockedRemoveHeadList(&head, &lock) == &a);
    CHECK(ExInterlockedRemoveHeadList(&head, &lock) == NULL);
    CHECK_EQ(ExInterlockedAddUlong((PULONG)&number, 4, &lock), 1);
    CHECK_EQ(number, 5);
    CHECK_EQ(ExInterlockedAddLargeInteger(&large, add, &lock).QuadPart, 1);
    CHECK_EQ(large.QuadPart, 0x100000001);
}

static VOID Regions(PCONTRACT t)
{
    KIRQL irql;

    CHECK(!KeAreApcsDisabled());
    CHECK(!KeAreAllApcsDisabled());
    KeEnterCriticalRegion();
    KeEnterCriticalRegion();
    KeLeaveCriticalRegion();
    CHECK(KeAreApcsDisabled());
    CHECK(!KeAreAllApcsDisabled());
    KeLeaveCriticalRegion();
    CHECK(!KeAreApcsDisabled());
    KeEnterGuardedRegion();
    CHECK(KeAreApcsDisabled());
    CHECK(KeAreAllApcsDisabled());
    KeLeaveGuardedRegion();
    CHECK(!KeAreAllApcsDisabled());
    KeRaiseIrql(APC_LEVEL, &irql);
    CHECK(KeAreAllApcsDisabled());
    KeLowerIrql(irql);
}

static VOID CancelSpinLock(PCONTRACT t)
{
    KIRQL irql;

    IoAcquireCancelSpinLock(&irql);
    CHECK_EQ(irql, PASSIVE_LEVEL);
    CHECK_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    IoReleaseCancelSpinLock(irql);
    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static VOID Processors(PCONTRACT t)
{
    ULONG count = KeQueryActiveProcessorCount(NULL);

    CHECK(count >= 1);
    CHECK_EQ(count, KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS));
    CHECK(KeGetCurrentProcessorNumber() < count);
    CHECK(KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS) >= count);
    CHECK_EQ(KeQueryActiveProcessors() & 1, 1);
}

static const CONTRACT_TEST Tests[] = {
    {"raise and lower", RaiseAndLower},
    {"IRQL through exports", ThroughExports},
    {"spin locks", SpinLocks},
    {"queued spin locks", QueuedSpinLocks},
    {"reader-writer spin locks", ReaderWriterSpinLocks},
    {"interlocked operations", Interlocked},
    {"sequenced lists", SequencedLists},
    {"lists under a lock", LockedLists},
    {"critical and guarded regions", Regions},
    {"cancel spin lock", CancelSpinLock},
    {"processors", Processors},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests)};
