/* Every way in which a driver may order two threads' accesses to plain memory: none of it is a race. DriverEntry goes through all of
 * them, or through number ONE; with WRONG one side also touches the memory on its own. */
#include <ntifs.h>

NTKERNELAPI VOID ExAcquirePushLockExclusiveEx(PULONG_PTR lock, ULONG flags);
NTKERNELAPI VOID ExReleasePushLockExclusiveEx(PULONG_PTR lock, ULONG flags);

LONG Plain; /* what all of them touch */
static KSPIN_LOCK Spin;
static EX_SPIN_LOCK Shared;
static FAST_MUTEX Fast;
static KGUARDED_MUTEX Guarded;
static KMUTEX Mutex;
static KSEMAPHORE Semaphore;
static KEVENT Token, Handed, Ran;
static ERESOURCE Resource;
static ULONG_PTR Push;
static EX_RUNDOWN_REF Rundown;
static IO_REMOVE_LOCK Remove;
static LIST_ENTRY List;
static SLIST_HEADER Stack;
static KDPC Dpc;
static KTIMER Timer;
static PDEVICE_OBJECT Device; /* what queues the work item keeps it, and so the driver, until the routine has returned */
static PIO_WORKITEM Item;
static KQUEUE Queue;
static volatile LONG Flag;

typedef VOID BODY(LONG side);

static VOID BySpin(LONG side)
{
    KIRQL irql;
    KeAcquireSpinLock(&Spin, &irql);
    Plain++;
    KeReleaseSpinLock(&Spin, irql);
}

static VOID ByQueuedSpin(LONG side)
{
    KLOCK_QUEUE_HANDLE h;
    KeAcquireInStackQueuedSpinLock(&Spin, &h);
    Plain++;
    KeReleaseInStackQueuedSpinLock(&h);
}

static VOID BySharedSpin(LONG side)
{
    KIRQL irql;
    if (side) {
        irql = ExAcquireSpinLockExclusive(&Shared);
        Plain++;
        ExReleaseSpinLockExclusive(&Shared, irql);
    } else {
        irql = ExAcquireSpinLockShared(&Shared);
        if (Plain < 0)
            Flag = 1;
        ExReleaseSpinLockShared(&Shared, irql);
    }
}

static VOID ByFast(LONG side)
{
    ExAcquireFastMutex(&Fast);
    Plain++;
    ExReleaseFastMutex(&Fast);
}

static VOID ByGuarded(LONG side)
{
    KeAcquireGuardedMutex(&Guarded);
    Plain++;
    KeReleaseGuardedMutex(&Guarded);
}

static VOID ByMutex(LONG side)
{
    KeWaitForSingleObject(&Mutex, Executive, KernelMode, FALSE, NULL);
    Plain++;
    KeReleaseMutex(&Mutex, FALSE);
}

static VOID BySemaphore(LONG side)
{
    KeWaitForSingleObject(&Semaphore, Executive, KernelMode, FALSE, NULL);
    Plain++;
    KeReleaseSemaphore(&Semaphore, IO_NO_INCREMENT, 1, FALSE);
}

static VOID ByToken(LONG side)
{
    KeWaitForSingleObject(&Token, Executive, KernelMode, FALSE, NULL);
    Plain++;
    KeSetEvent(&Token, IO_NO_INCREMENT, FALSE);
}

static VOID ByHand(LONG side)
{
    if (side) {
        Plain++;
        KeSetEvent(&Handed, IO_NO_INCREMENT, FALSE);
    } else {
        KeWaitForSingleObject(&Handed, Executive, KernelMode, FALSE, NULL);
        Plain++;
    }
}

static VOID ByResource(LONG side)
{
    KeEnterCriticalRegion();
    if (side)
        ExAcquireResourceExclusiveLite(&Resource, TRUE);
    else
        ExAcquireResourceSharedLite(&Resource, TRUE);
    if (side)
        Plain++;
    else if (Plain < 0)
        Flag = 1;
    ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

static VOID ByPushLock(LONG side)
{
    KeEnterCriticalRegion();
    ExAcquirePushLockExclusiveEx(&Push, 0);
    Plain++;
    ExReleasePushLockExclusiveEx(&Push, 0);
    KeLeaveCriticalRegion();
}

static VOID ByRundown(LONG side)
{
    if (side) {
        if (ExAcquireRundownProtection(&Rundown)) {
            Plain++;
            ExReleaseRundownProtection(&Rundown);
        }
    } else {
        ExWaitForRundownProtectionRelease(&Rundown);
        Plain++;
        ExRundownCompleted(&Rundown);
    }
}

static VOID ByRemoveLock(LONG side)
{
    if (side) {
        if (NT_SUCCESS(IoAcquireRemoveLock(&Remove, NULL))) {
            Plain++;
            IoReleaseRemoveLock(&Remove, NULL);
        }
    } else if (NT_SUCCESS(IoAcquireRemoveLock(&Remove, &Plain))) {
        IoReleaseRemoveLockAndWait(&Remove, &Plain);
        Plain++;
    }
}

typedef struct {
    LIST_ENTRY Entry;
    SLIST_ENTRY Pushed;
    LONG Value;
} NODE;

static VOID ByList(LONG side)
{
    if (side) {
        NODE *n = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *n, 'edoN');
        n->Value = 1;
        ExInterlockedInsertTailList(&List, &n->Entry, &Spin);
    } else {
        PLIST_ENTRY e = ExInterlockedRemoveHeadList(&List, &Spin);
        if (e) {
            CONTAINING_RECORD(e, NODE, Entry)->Value++;
            ExFreePoolWithTag(CONTAINING_RECORD(e, NODE, Entry), 'edoN');
        }
    }
}

static VOID ByStack(LONG side)
{
    static DECLSPEC_ALIGN(16) struct {
        SLIST_ENTRY Entry;
        LONG Value;
    } node;
    if (side) {
        node.Value = 1;
        ExInterlockedPushEntrySList(&Stack, &node.Entry, &Spin);
    } else if (ExInterlockedPopEntrySList(&Stack, &Spin)) {
        node.Value++;
    }
}

static VOID ByInterlocked(LONG side)
{
    static LONG owner;
    if (InterlockedCompareExchange(&owner, 1, 0) == 0) {
        Plain++;
        InterlockedExchange(&owner, 0);
    }
}

static VOID ByVolatile(LONG side)
{
    if (side) {
        Plain++;
        Flag = 7;
    } else if (Flag == 7) {
        Plain++;
    }
}

/* ---- routines that are queued ---- */

static VOID DpcRoutine(PKDPC dpc, PVOID context, PVOID a, PVOID b)
{
    Plain++;
    KeSetEvent(&Ran, IO_NO_INCREMENT, FALSE);
}

static VOID WorkRoutine(PDEVICE_OBJECT device, PVOID context)
{
    Plain++;
    KeSetEvent(&Ran, IO_NO_INCREMENT, FALSE);
}

static VOID ByDpc(LONG side)
{
    if (!side)
        return;
    Plain++;
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeWaitForSingleObject(&Ran, Executive, KernelMode, FALSE, NULL);
    Plain++;
}

static VOID ByTimer(LONG side)
{
    LARGE_INTEGER due = {.QuadPart = -10000};
    if (!side)
        return;
    Plain++;
    KeSetTimer(&Timer, due, &Dpc);
    KeWaitForSingleObject(&Ran, Executive, KernelMode, FALSE, NULL);
    Plain++;
}

static VOID ByFlush(LONG side)
{
    if (!side)
        return;
    Plain++;
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    Plain++;
    KeClearEvent(&Ran);
}

static VOID ByWork(LONG side)
{
    if (!side)
        return;
    Plain++;
    IoQueueWorkItem(Item, WorkRoutine, DelayedWorkQueue, NULL);
    KeWaitForSingleObject(&Ran, Executive, KernelMode, FALSE, NULL);
    Plain++;
}

static VOID ByQueue(LONG side)
{
    static LIST_ENTRY entry;
    if (side) {
        Plain++;
        KeInsertQueue(&Queue, &entry);
    } else {
        KeRemoveQueue(&Queue, KernelMode, NULL);
        Plain++;
    }
}

/* ---- */

static BODY *const Bodies[] = {BySpin, ByQueuedSpin, BySharedSpin, ByFast, ByGuarded, ByMutex, BySemaphore, ByToken, ByHand, ByResource, ByPushLock, ByRundown,
                               ByRemoveLock, ByList, ByStack, ByInterlocked, ByVolatile, ByDpc, ByTimer, ByFlush, ByWork, ByQueue};

static struct {
    BODY *body;
} Current;

static VOID Other(PVOID context)
{
    Current.body(1);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* Both sides, the other one in a thread whose end is waited for. */
static NTSTATUS Both(BODY *body)
{
    HANDLE handle;
    PVOID thread;
    Plain = 0;
    Flag = 0;
    Current.body = body;
    NTSTATUS s = PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Other, NULL);
    if (!NT_SUCCESS(s))
        return s;
    ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &thread, NULL);
    ZwClose(handle);
    body(0);
#ifdef WRONG
    Plain++; /* ordered only where the side before waits for the other one */
#endif
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
    Plain++;
    return s;
}

static VOID Unload(PDRIVER_OBJECT driver)
{
    PLIST_ENTRY e;
    while ((e = ExInterlockedRemoveHeadList(&List, &Spin)) != NULL)
        ExFreePoolWithTag(CONTAINING_RECORD(e, NODE, Entry), 'edoN');
    KeRundownQueue(&Queue);
    ExDeleteResourceLite(&Resource);
    IoFreeWorkItem(Item);
    IoDeleteDevice(Device);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    NTSTATUS s = STATUS_SUCCESS;
    driver->DriverUnload = Unload;
    KeInitializeSpinLock(&Spin);
    ExInitializeFastMutex(&Fast);
    KeInitializeGuardedMutex(&Guarded);
    KeInitializeMutex(&Mutex, 0);
    KeInitializeSemaphore(&Semaphore, 1, 1);
    KeInitializeEvent(&Token, SynchronizationEvent, TRUE);
    KeInitializeEvent(&Handed, NotificationEvent, FALSE);
    KeInitializeEvent(&Ran, SynchronizationEvent, FALSE);
    ExInitializeResourceLite(&Resource);
    ExInitializeRundownProtection(&Rundown);
    IoInitializeRemoveLock(&Remove, 'kcoL', 0, 0);
    InitializeListHead(&List);
    InitializeSListHead(&Stack);
    KeInitializeDpc(&Dpc, DpcRoutine, NULL);
    KeInitializeTimer(&Timer);
    KeInitializeQueue(&Queue, 0);
    s = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(s))
        return s;
    Item = IoAllocateWorkItem(Device);
#ifdef ONE
    return Both(Bodies[ONE]);
#else
    for (ULONG i = 0; NT_SUCCESS(s) && i < sizeof Bodies / sizeof Bodies[0]; i++)
        s = Both(Bodies[i]);
    return s;
#endif
}
