/* Executive resources in full, cache-aware rundown protection, lookaside lists of all kinds, combined calls. */
#include "contract_driver.h"

typedef struct _WORKER {
    PKSTART_ROUTINE Body;
    PVOID Thread;
} WORKER, *PWORKER;

static VOID Begin(PWORKER Worker, PKSTART_ROUTINE Body, PVOID Context)
{
    HANDLE handle;
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    Worker->Thread = NULL;
    if (!NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, &attributes, NULL, NULL, Body, Context)))
        return;
    ObReferenceObjectByHandle(handle, SYNCHRONIZE, *PsThreadType, KernelMode, &Worker->Thread, NULL);
    ZwClose(handle);
}

static VOID Join(PWORKER Worker)
{
    if (Worker->Thread) {
        KeWaitForSingleObject(Worker->Thread, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(Worker->Thread);
    }
}

typedef struct _SCENE {
    ERESOURCE Resource;
    KEVENT Have, Release;
    BOOLEAN Exclusive, Shared, StarvesExclusive, WaitsForExclusive, AcquiredExclusive;
    ULONG AcquiredShared;
} SCENE, *PSCENE;

/* Holds the resource as asked until told to let go. */
static KSTART_ROUTINE HoldExclusive, HoldShared, TryAll;
static VOID HoldExclusive(PVOID Context)
{
    PSCENE scene = Context;

    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&scene->Resource, TRUE);
    KeSetEvent(&scene->Have, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(&scene->Release, Executive, KernelMode, FALSE, NULL);
    ExReleaseResourceLite(&scene->Resource);
    KeLeaveCriticalRegion();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID HoldShared(PVOID Context)
{
    PSCENE scene = Context;

    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(&scene->Resource, TRUE);
    KeSetEvent(&scene->Have, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(&scene->Release, Executive, KernelMode, FALSE, NULL);
    ExReleaseResourceLite(&scene->Resource);
    KeLeaveCriticalRegion();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* What another thread can get without waiting. */
static VOID TryAll(PVOID Context)
{
    PSCENE scene = Context;

    KeEnterCriticalRegion();
    scene->AcquiredExclusive = ExIsResourceAcquiredExclusiveLite(&scene->Resource);
    scene->AcquiredShared = ExIsResourceAcquiredSharedLite(&scene->Resource);
    if ((scene->Exclusive = ExAcquireResourceExclusiveLite(&scene->Resource, FALSE)) != FALSE)
        ExReleaseResourceLite(&scene->Resource);
    if ((scene->Shared = ExAcquireResourceSharedLite(&scene->Resource, FALSE)) != FALSE)
        ExReleaseResourceLite(&scene->Resource);
    if ((scene->StarvesExclusive = ExAcquireSharedStarveExclusive(&scene->Resource, FALSE)) != FALSE)
        ExReleaseResourceLite(&scene->Resource);
    if ((scene->WaitsForExclusive = ExAcquireSharedWaitForExclusive(&scene->Resource, FALSE)) != FALSE)
        ExReleaseResourceLite(&scene->Resource);
    KeLeaveCriticalRegion();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID SceneBegin(PSCENE Scene)
{
    RtlZeroMemory(Scene, sizeof(*Scene));
    ExInitializeResourceLite(&Scene->Resource);
    KeInitializeEvent(&Scene->Have, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Scene->Release, SynchronizationEvent, FALSE);
}

static VOID SceneTry(PSCENE Scene)
{
    WORKER worker;

    Begin(&worker, TryAll, Scene);
    Join(&worker);
}

static PSCENE SceneMake(PCONTRACT t)
{
    PSCENE scene = ExAllocatePoolWithTag(NonPagedPool, sizeof(*scene), CONTRACT_TAG);

    CHECK(scene != NULL);
    if (scene)
        SceneBegin(scene);
    return scene;
}

static VOID SceneEnd(PCONTRACT t, PSCENE Scene)
{
    CHECK_STATUS(ExDeleteResourceLite(&Scene->Resource), STATUS_SUCCESS);
    ExFreePoolWithTag(Scene, CONTRACT_TAG);
}

static VOID Owners(PCONTRACT t)
{
    PSCENE scene = SceneMake(t);

    if (!scene)
        return;
    KeEnterCriticalRegion();
    CHECK(!ExIsResourceAcquiredExclusiveLite(&scene->Resource));
    CHECK_EQ(ExIsResourceAcquiredSharedLite(&scene->Resource), 0);
    CHECK(ExAcquireResourceExclusiveLite(&scene->Resource, TRUE));
    CHECK(ExAcquireResourceExclusiveLite(&scene->Resource, TRUE)); /* recursive */
    CHECK(ExAcquireResourceSharedLite(&scene->Resource, TRUE));    /* counts as exclusive */
    CHECK(ExIsResourceAcquiredExclusiveLite(&scene->Resource));
    CHECK_EQ(ExIsResourceAcquiredSharedLite(&scene->Resource), 3);
    SceneTry(scene);
    CHECK(!scene->AcquiredExclusive);
    CHECK_EQ(scene->AcquiredShared, 0);
    CHECK(!scene->Exclusive);
    CHECK(!scene->Shared);
    CHECK(!scene->StarvesExclusive);
    CHECK(!scene->WaitsForExclusive);
    ExReleaseResourceLite(&scene->Resource);
    ExReleaseResourceLite(&scene->Resource);
    CHECK_EQ(ExIsResourceAcquiredSharedLite(&scene->Resource), 1);
    ExConvertExclusiveToSharedLite(&scene->Resource);
    CHECK(!ExIsResourceAcquiredExclusiveLite(&scene->Resource));
    CHECK_EQ(ExIsResourceAcquiredSharedLite(&scene->Resource), 1);
    SceneTry(scene);
    CHECK(!scene->Exclusive);
    CHECK(scene->Shared);
    CHECK(scene->StarvesExclusive);
    CHECK(scene->WaitsForExclusive);
    CHECK(!ExAcquireResourceExclusiveLite(&scene->Resource, FALSE)); /* no upgrade */
    ExReleaseResourceLite(&scene->Resource);
    SceneTry(scene);
    CHECK(scene->Exclusive);
    KeLeaveCriticalRegion();
    SceneEnd(t, scene);
}

static VOID WaitingExclusive(PCONTRACT t)
{
    PSCENE scene = SceneMake(t);
    WORKER worker;
    LARGE_INTEGER wait = ContractMs(50);

    if (!scene)
        return;
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(&scene->Resource, TRUE);
    CHECK_EQ(ExGetExclusiveWaiterCount(&scene->Resource), 0);
    Begin(&worker, HoldExclusive, scene);
    KeDelayExecutionThread(KernelMode, FALSE, &wait);
    CHECK_EQ(ExGetExclusiveWaiterCount(&scene->Resource), 1);
    CHECK_EQ(ExGetSharedWaiterCount(&scene->Resource), 0);
    SceneTry(scene);
    CHECK(!scene->Shared); /* a waiting exclusive holds newcomers back */
    CHECK(scene->StarvesExclusive);
    CHECK(!scene->WaitsForExclusive);
    CHECK(ExAcquireResourceSharedLite(&scene->Resource, FALSE)); /* but not who has it already */
    CHECK(!ExAcquireSharedWaitForExclusive(&scene->Resource, FALSE));
    ExReleaseResourceLite(&scene->Resource);
    ExReleaseResourceLite(&scene->Resource);
    KeWaitForSingleObject(&scene->Have, Executive, KernelMode, FALSE, NULL);
    CHECK_EQ(ExGetExclusiveWaiterCount(&scene->Resource), 0);
    CHECK(!ExAcquireResourceExclusiveLite(&scene->Resource, FALSE));
    KeSetEvent(&scene->Release, IO_NO_INCREMENT, FALSE);
    Join(&worker);
    CHECK(ExAcquireResourceExclusiveLite(&scene->Resource, FALSE));
    ExReleaseResourceLite(&scene->Resource);
    KeLeaveCriticalRegion();
    SceneEnd(t, scene);
}

static VOID WaitingShared(PCONTRACT t)
{
    PSCENE scene = SceneMake(t);
    WORKER worker[2];
    LARGE_INTEGER wait = ContractMs(50);

    if (!scene)
        return;
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&scene->Resource, TRUE);
    Begin(&worker[0], HoldShared, scene);
    Begin(&worker[1], HoldShared, scene);
    KeDelayExecutionThread(KernelMode, FALSE, &wait);
    CHECK_EQ(ExGetSharedWaiterCount(&scene->Resource), 2);
    ExConvertExclusiveToSharedLite(&scene->Resource); /* lets both in */
    KeWaitForSingleObject(&scene->Have, Executive, KernelMode, FALSE, NULL);
    KeWaitForSingleObject(&scene->Have, Executive, KernelMode, FALSE, NULL);
    CHECK_EQ(ExGetSharedWaiterCount(&scene->Resource), 0);
    ExReleaseResourceLite(&scene->Resource);
    SceneTry(scene);
    CHECK(!scene->Exclusive);
    CHECK(scene->Shared);
    KeSetEvent(&scene->Release, IO_NO_INCREMENT, FALSE);
    KeDelayExecutionThread(KernelMode, FALSE, &wait);
    KeSetEvent(&scene->Release, IO_NO_INCREMENT, FALSE);
    Join(&worker[0]);
    Join(&worker[1]);
    KeLeaveCriticalRegion();
    SceneEnd(t, scene);
}

/* A pointer with its low two bits set owns the resource in place of the thread. */
static VOID OwnerPointers(PCONTRACT t)
{
    PSCENE scene = SceneMake(t);
    PVOID owner;

    if (!scene)
        return;
    owner = (PVOID)((ULONG_PTR)&scene->Have | 3);
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&scene->Resource, TRUE);
    ExSetResourceOwnerPointer(&scene->Resource, owner);
    CHECK(!ExIsResourceAcquiredExclusiveLite(&scene->Resource));
    SceneTry(scene);
    CHECK(!scene->Shared);
    ExReleaseResourceForThreadLite(&scene->Resource, (ERESOURCE_THREAD)owner);
    SceneTry(scene);
    CHECK(scene->Exclusive);
    ExAcquireResourceSharedLite(&scene->Resource, TRUE);
    ExReleaseResourceForThreadLite(&scene->Resource, ExGetCurrentResourceThread());
    SceneTry(scene);
    CHECK(scene->Exclusive);
    KeLeaveCriticalRegion();
    SceneEnd(t, scene);
}

static VOID WithRegions(PCONTRACT t)
{
    PSCENE scene = SceneMake(t);

    if (!scene)
        return;
    CHECK(!KeAreApcsDisabled());
    ExEnterCriticalRegionAndAcquireResourceExclusive(&scene->Resource);
    CHECK(KeAreApcsDisabled());
    CHECK(ExIsResourceAcquiredExclusiveLite(&scene->Resource));
    ExReleaseResourceAndLeaveCriticalRegion(&scene->Resource);
    CHECK(!KeAreApcsDisabled());
    ExEnterCriticalRegionAndAcquireResourceShared(&scene->Resource);
    CHECK(KeAreApcsDisabled());
    CHECK(!ExIsResourceAcquiredExclusiveLite(&scene->Resource));
    CHECK_EQ(ExIsResourceAcquiredSharedLite(&scene->Resource), 1);
    ExReleaseResourceAndLeaveCriticalRegion(&scene->Resource);
    ExEnterCriticalRegionAndAcquireSharedWaitForExclusive(&scene->Resource);
    CHECK_EQ(ExIsResourceAcquiredSharedLite(&scene->Resource), 1);
    ExReleaseResourceAndLeaveCriticalRegion(&scene->Resource);
    CHECK(!KeAreApcsDisabled());
    CHECK_STATUS(ExReinitializeResourceLite(&scene->Resource), STATUS_SUCCESS);
    KeEnterCriticalRegion();
    CHECK(ExAcquireResourceExclusiveLite(&scene->Resource, FALSE));
    ExReleaseResourceLite(&scene->Resource);
    ExDisableResourceBoostLite(&scene->Resource);
    CHECK(ExAcquireResourceSharedLite(&scene->Resource, FALSE));
    ExReleaseResourceLite(&scene->Resource);
    KeLeaveCriticalRegion();
    SceneEnd(t, scene);
}

static VOID CacheAwareRundown(PCONTRACT t)
{
    PEX_RUNDOWN_REF_CACHE_AWARE ref = ExAllocateCacheAwareRundownProtection(NonPagedPool, CONTRACT_TAG);

    CHECK(ref != NULL);
    if (!ref)
        return;
    CHECK(ExAcquireRundownProtectionCacheAware(ref));
    CHECK(ExAcquireRundownProtectionCacheAwareEx(ref, 3));
    ExReleaseRundownProtectionCacheAwareEx(ref, 3);
    ExReleaseRundownProtectionCacheAware(ref);
    ExWaitForRundownProtectionReleaseCacheAware(ref);
    CHECK(!ExAcquireRundownProtectionCacheAware(ref));
    ExRundownCompletedCacheAware(ref);
    CHECK(!ExAcquireRundownProtectionCacheAware(ref));
    ExReInitializeRundownProtectionCacheAware(ref);
    CHECK(ExAcquireRundownProtectionCacheAware(ref));
    ExReleaseRundownProtectionCacheAware(ref);
    ExFreeCacheAwareRundownProtection(ref);
}

static VOID RundownCounts(PCONTRACT t)
{
    EX_RUNDOWN_REF ref;

    ExInitializeRundownProtection(&ref);
    CHECK(ExAcquireRundownProtectionEx(&ref, 5));
    ExReleaseRundownProtectionEx(&ref, 4);
    ExReleaseRundownProtection(&ref);
    ExWaitForRundownProtectionRelease(&ref);
    CHECK(!ExAcquireRundownProtectionEx(&ref, 1));
    ExRundownCompleted(&ref);
    ExReInitializeRundownProtection(&ref);
    CHECK(ExAcquireRundownProtection(&ref));
    ExReleaseRundownProtection(&ref);
}

static ULONG Made, Freed;

static ALLOCATE_FUNCTION_EX MakeEx;
static PVOID MakeEx(POOL_TYPE Type, SIZE_T Size, ULONG Tag, PLOOKASIDE_LIST_EX List)
{
    Made++;
    return ExAllocatePoolWithTag(Type, Size, Tag);
}

static FREE_FUNCTION_EX GiveEx;
static VOID GiveEx(PVOID Block, PLOOKASIDE_LIST_EX List)
{
    Freed++;
    ExFreePoolWithTag(Block, CONTRACT_TAG);
}

static VOID LookasideEx(PCONTRACT t)
{
    PLOOKASIDE_LIST_EX list = ExAllocatePoolWithTag(NonPagedPool, sizeof(*list), CONTRACT_TAG);
    PVOID a, b;

    CHECK(list != NULL);
    if (!list)
        return;
    Made = Freed = 0;
    CHECK_STATUS(ExInitializeLookasideListEx(list, MakeEx, GiveEx, NonPagedPoolNx, 0, 64, CONTRACT_TAG, 0), STATUS_SUCCESS);
    a = ExAllocateFromLookasideListEx(list);
    b = ExAllocateFromLookasideListEx(list);
    CHECK(a != NULL && b != NULL && a != b);
    CHECK_EQ(Made, 2);
    RtlFillMemory(a, 64, 1);
    RtlFillMemory(b, 64, 2);
    CHECK_EQ(*(PUCHAR)a, 1);
    ExFreeToLookasideListEx(list, a); /* kept, or given back: the system's choice */
    CHECK(Freed <= 1);
    a = ExAllocateFromLookasideListEx(list);
    CHECK(Made == 2 || Made == 3);
    ExFreeToLookasideListEx(list, a);
    ExFreeToLookasideListEx(list, b);
    ExFlushLookasideListEx(list);
    CHECK_EQ(Freed, Made);
    a = ExAllocateFromLookasideListEx(list);
    CHECK_EQ(Freed + 1, Made);
    ExFreeToLookasideListEx(list, a);
    ExDeleteLookasideListEx(list);
    CHECK_EQ(Freed, Made);
    CHECK_STATUS(ExInitializeLookasideListEx(list, NULL, NULL, PagedPool, 4, 64, CONTRACT_TAG, 0), STATUS_INVALID_PARAMETER_5);
    ExFreePoolWithTag(list, CONTRACT_TAG);
}

static VOID LookasidePaged(PCONTRACT t)
{
    PPAGED_LOOKASIDE_LIST list = ExAllocatePoolWithTag(NonPagedPool, sizeof(*list), CONTRACT_TAG);
    PVOID a;

    CHECK(list != NULL);
    if (!list)
        return;
    ExInitializePagedLookasideList(list, NULL, NULL, 0, 128, CONTRACT_TAG, 0);
    a = ExAllocateFromPagedLookasideList(list);
    CHECK(a != NULL);
    RtlFillMemory(a, 128, 0x55);
    ExFreeToPagedLookasideList(list, a);
    a = ExAllocateFromPagedLookasideList(list);
    CHECK(a != NULL);
    ExFreeToPagedLookasideList(list, a);
    ExDeletePagedLookasideList(list);
    ExFreePoolWithTag(list, CONTRACT_TAG);
}

/* Reader-writer spin locks, also from DISPATCH_LEVEL. */
static VOID ReaderWriter(PCONTRACT t)
{
    EX_SPIN_LOCK lock = 0;
    KIRQL irql;

    irql = ExAcquireSpinLockShared(&lock);
    CHECK_EQ(irql, PASSIVE_LEVEL);
    CHECK_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    ExAcquireSpinLockSharedAtDpcLevel(&lock);
    CHECK(!ExTryConvertSharedSpinLockExclusive(&lock)); /* two readers */
    ExReleaseSpinLockSharedFromDpcLevel(&lock);
    CHECK(ExTryConvertSharedSpinLockExclusive(&lock));
    CHECK(!ExTryAcquireSpinLockSharedAtDpcLevel(&lock));
    CHECK(!ExTryAcquireSpinLockExclusiveAtDpcLevel(&lock));
    ExReleaseSpinLockExclusiveFromDpcLevel(&lock);
    CHECK(ExTryAcquireSpinLockExclusiveAtDpcLevel(&lock));
    ExReleaseSpinLockExclusiveFromDpcLevel(&lock);
    ExAcquireSpinLockExclusiveAtDpcLevel(&lock);
    ExReleaseSpinLockExclusiveFromDpcLevel(&lock);
    CHECK(ExTryAcquireSpinLockSharedAtDpcLevel(&lock));
    ExReleaseSpinLockSharedFromDpcLevel(&lock);
    KeLowerIrql(irql);
    irql = ExAcquireSpinLockExclusive(&lock);
    ExReleaseSpinLockExclusive(&lock, irql);
    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK_EQ(lock, 0);
}

/* A push lock: exclusive against exclusive and shared, counted by what a second thread got to do meanwhile. */
typedef struct _PUSHED {
    EX_PUSH_LOCK Lock;
    KEVENT Done;
    LONG Got;
} PUSHED, *PPUSHED;

static KSTART_ROUTINE TakePush;
static VOID TakePush(PVOID Context)
{
    PPUSHED pushed = Context;

    KeEnterCriticalRegion();
    ExAcquirePushLockShared(&pushed->Lock);
    InterlockedIncrement(&pushed->Got);
    ExReleasePushLockShared(&pushed->Lock);
    KeLeaveCriticalRegion();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID PushLock(PCONTRACT t)
{
    PPUSHED pushed = ExAllocatePoolWithTag(NonPagedPool, sizeof(*pushed), CONTRACT_TAG);
    WORKER worker;
    LARGE_INTEGER wait = ContractMs(50);

    CHECK(pushed != NULL);
    if (!pushed)
        return;
    pushed->Got = 0;
    ExInitializePushLock(&pushed->Lock);
    KeEnterCriticalRegion();
    ExAcquirePushLockExclusive(&pushed->Lock);
    Begin(&worker, TakePush, pushed);
    KeDelayExecutionThread(KernelMode, FALSE, &wait);
    CHECK_EQ(pushed->Got, 0);
    ExReleasePushLockExclusive(&pushed->Lock);
    Join(&worker);
    CHECK_EQ(pushed->Got, 1);
    ExAcquirePushLockShared(&pushed->Lock);
    Begin(&worker, TakePush, pushed); /* shared with shared */
    Join(&worker);
    CHECK_EQ(pushed->Got, 2);
    ExReleasePushLockShared(&pushed->Lock);
    KeLeaveCriticalRegion();
    ExFreePoolWithTag(pushed, CONTRACT_TAG);
}

static const CONTRACT_TEST Tests[] = {
    {"resource: owners", Owners},
    {"resource: an exclusive waiter", WaitingExclusive},
    {"resource: shared waiters", WaitingShared},
    {"resource: owner pointers", OwnerPointers},
    {"resource: with regions", WithRegions},
    {"rundown, cache aware", CacheAwareRundown},
    {"rundown by counts", RundownCounts},
    {"lookaside list, extended", LookasideEx},
    {"lookaside list, paged", LookasidePaged},
    {"reader-writer spin locks", ReaderWriter},
    {"push lock", PushLock},
};

const CONTRACT_AREA ContractArea = {.Tests = Tests, .Count = RTL_NUMBER_OF(Tests)};
