/* Mutexes of all kinds, resources, rundown protection, push locks. */
#include "contract_driver.h"

static VOID RunInThread(PKSTART_ROUTINE Body, PVOID Context)
{
    HANDLE handle;
    PVOID thread;
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, &attributes, NULL, NULL, Body, Context)))
        return;
    ObReferenceObjectByHandle(handle, SYNCHRONIZE, *PsThreadType, KernelMode, &thread, NULL);
    ZwClose(handle);
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
}

static VOID KernelMutex(PCONTRACT t)
{
    KMUTEX mutex;

    KeInitializeMutex(&mutex, 0);
    CHECK_EQ(KeReadStateMutex(&mutex), 1);
    CHECK_STATUS(KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS);
    CHECK_EQ(KeReadStateMutex(&mutex), 0);
    CHECK(KeAreApcsDisabled());
    CHECK_STATUS(KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS);
    CHECK_EQ(KeReadStateMutex(&mutex), -1);
    CHECK_EQ(KeReleaseMutex(&mutex, FALSE), -1);
    CHECK(KeAreApcsDisabled());
    CHECK_EQ(KeReleaseMutex(&mutex, FALSE), 0);
    CHECK(!KeAreApcsDisabled());
    CHECK_EQ(KeReadStateMutex(&mutex), 1);
}

typedef struct _ATTEMPT {
    KMUTEX Mutex;
    NTSTATUS Wait, Release;
} ATTEMPT, *PATTEMPT;

static NTSTATUS ReleaseOthers(PKMUTEX Mutex)
{
    __try {
        KeReleaseMutex(Mutex, FALSE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static KSTART_ROUTINE Attempt;
static VOID Attempt(PVOID Context)
{
    PATTEMPT attempt = (PATTEMPT)Context;
    LARGE_INTEGER now = {.QuadPart = 0};

    attempt->Wait = KeWaitForSingleObject(&attempt->Mutex, Executive, KernelMode, FALSE, &now);
    attempt->Release = ReleaseOthers(&attempt->Mutex);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID SomebodyElses(PCONTRACT t)
{
    ATTEMPT attempt;

    KeInitializeMutex(&attempt.Mutex, 0);
    KeWaitForSingleObject(&attempt.Mutex, Executive, KernelMode, FALSE, NULL);
    RunInThread(Attempt, &attempt);
    KeReleaseMutex(&attempt.Mutex, FALSE);
    CHECK_STATUS(attempt.Wait, STATUS_TIMEOUT);
    CHECK_STATUS(attempt.Release, STATUS_MUTANT_NOT_OWNED);
}

static VOID FastMutex(PCONTRACT t)
{
    FAST_MUTEX mutex;

    ExInitializeFastMutex(&mutex);
    ExAcquireFastMutex(&mutex);
    CHECK_EQ(KeGetCurrentIrql(), APC_LEVEL);
    CHECK(KeAreAllApcsDisabled());
    ExReleaseFastMutex(&mutex);
    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK(ExTryToAcquireFastMutex(&mutex));
    CHECK_EQ(KeGetCurrentIrql(), APC_LEVEL);
    ExReleaseFastMutex(&mutex);
    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(&mutex);
    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    ExReleaseFastMutexUnsafe(&mutex);
    KeLeaveCriticalRegion();
}

static VOID GuardedMutex(PCONTRACT t)
{
    KGUARDED_MUTEX mutex;

    KeInitializeGuardedMutex(&mutex);
    KeAcquireGuardedMutex(&mutex);
    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK(KeAreAllApcsDisabled());
    KeReleaseGuardedMutex(&mutex);
    CHECK(!KeAreAllApcsDisabled());
    CHECK(KeTryToAcquireGuardedMutex(&mutex));
    KeReleaseGuardedMutex(&mutex);
}

typedef struct _SHARE {
    ERESOURCE Resource;
    BOOLEAN Shared, Exclusive;
} SHARE, *PSHARE;

static KSTART_ROUTINE TryResource;
static VOID TryResource(PVOID Context)
{
    PSHARE share = (PSHARE)Context;

    KeEnterCriticalRegion();
    share->Shared = ExAcquireResourceSharedLite(&share->Resource, FALSE);
    if (share->Shared)
        ExReleaseResourceLite(&share->Resource);
    share->Exclusive = ExAcquireResourceExclusiveLite(&share->Resource, FALSE);
    if (share->Exclusive)
        ExReleaseResourceLite(&share->Resource);
    KeLeaveCriticalRegion();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID Resources(PCONTRACT t)
{
    PSHARE share = (PSHARE)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(SHARE), CONTRACT_TAG);

    CHECK(share != NULL);
    if (!share)
        return;
    CHECK_STATUS(ExInitializeResourceLite(&share->Resource), STATUS_SUCCESS);
    KeEnterCriticalRegion();
    CHECK(ExAcquireResourceSharedLite(&share->Resource, TRUE));
    CHECK_EQ(ExIsResourceAcquiredSharedLite(&share->Resource), 1);
    CHECK(!ExIsResourceAcquiredExclusiveLite(&share->Resource));
    RunInThread(TryResource, share);
    CHECK(share->Shared);
    CHECK(!share->Exclusive);
    ExReleaseResourceLite(&share->Resource);
    CHECK(ExAcquireResourceExclusiveLite(&share->Resource, TRUE));
    CHECK(ExAcquireResourceExclusiveLite(&share->Resource, TRUE));
    CHECK(ExIsResourceAcquiredExclusiveLite(&share->Resource));
    RunInThread(TryResource, share);
    CHECK(!share->Shared);
    CHECK(!share->Exclusive);
    ExReleaseResourceLite(&share->Resource);
    ExReleaseResourceLite(&share->Resource);
    CHECK_EQ(ExIsResourceAcquiredSharedLite(&share->Resource), 0);
    KeLeaveCriticalRegion();
    CHECK_STATUS(ExDeleteResourceLite(&share->Resource), STATUS_SUCCESS);
    ExFreePoolWithTag(share, CONTRACT_TAG);
}

static VOID Rundown(PCONTRACT t)
{
    EX_RUNDOWN_REF ref;

    ExInitializeRundownProtection(&ref);
    CHECK(ExAcquireRundownProtection(&ref));
    CHECK(ExAcquireRundownProtection(&ref));
    ExReleaseRundownProtection(&ref);
    ExReleaseRundownProtection(&ref);
    ExWaitForRundownProtectionRelease(&ref);
    CHECK(!ExAcquireRundownProtection(&ref));
    ExReInitializeRundownProtection(&ref);
    CHECK(ExAcquireRundownProtection(&ref));
    ExReleaseRundownProtection(&ref);
}

static const CONTRACT_TEST Tests[] = {
    {"kernel mutex", KernelMutex},
    {"somebody else's mutex", SomebodyElses},
    {"fast mutex", FastMutex},
    {"guarded mutex", GuardedMutex},
    {"resources", Resources},
    {"rundown protection", Rundown},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests)};
