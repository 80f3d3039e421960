/* Small drivers whose threads do what real ones race in: how many orders matter is worked out by going through all of them
 * (tests/explore/check_drivers.py). MODEL chooses; DriverEntry starts two threads (THREADS) and waits for them. */
#include <ntddk.h>

#define QUEUE_CANCEL 1
#define REMOVE_LOCK 2
#define TIMER_DPC 3
#define SPIN_LOCKS 4
#define WORK_ITEM 5
#define CANCEL_TWICE 6
#define RESOURCE 7
#define RESOURCE_SHARED 8
#define QUEUED_LOCK 9
#define RUNDOWN 10

static KEVENT done;
static volatile LONG result; /* so that nothing is left out */

#if MODEL == QUEUE_CANCEL || MODEL == CANCEL_TWICE
static KSPIN_LOCK lock;
static LIST_ENTRY queue;
static PIRP irp;

static VOID Cancel(PDEVICE_OBJECT device, PIRP which)
{
    KIRQL irql;
    UNREFERENCED_PARAMETER(device);
    IoReleaseCancelSpinLock(which->CancelIrql);
    KeAcquireSpinLock(&lock, &irql);
    RemoveEntryList(&which->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&lock, irql);
    result |= 1;
}

/* Puts the request into the queue; one that was cancelled before it got there is taken out again. */
static VOID First(PVOID context)
{
    KIRQL irql;
    UNREFERENCED_PARAMETER(context);
    KeAcquireSpinLock(&lock, &irql);
    InsertTailList(&queue, &irp->Tail.Overlay.ListEntry);
    IoSetCancelRoutine(irp, Cancel);
    if (irp->Cancel && IoSetCancelRoutine(irp, NULL)) {
        RemoveEntryList(&irp->Tail.Overlay.ListEntry);
        result |= 2;
    }
    KeReleaseSpinLock(&lock, irql);
}

static VOID Second(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    IoCancelIrp(irp);
#if MODEL == CANCEL_TWICE
    IoCancelIrp(irp);
#endif
}

static VOID Begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    KeInitializeSpinLock(&lock);
    InitializeListHead(&queue);
    irp = IoAllocateIrp(1, FALSE);
}

static VOID End(VOID)
{
    IoFreeIrp(irp);
}

#elif MODEL == REMOVE_LOCK
static IO_REMOVE_LOCK lock;

static VOID First(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    if (NT_SUCCESS(IoAcquireRemoveLock(&lock, NULL)))
        IoReleaseRemoveLock(&lock, NULL);
}

static VOID Second(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    if (NT_SUCCESS(IoAcquireRemoveLock(&lock, NULL)))
        IoReleaseRemoveLockAndWait(&lock, NULL);
}

static VOID Begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    IoInitializeRemoveLock(&lock, 'ledM', 0, 0);
}

static VOID End(VOID)
{
}

#elif MODEL == TIMER_DPC
static KTIMER timer;
static KDPC dpc;
static KEVENT fired;

static VOID Fire(PKDPC d, PVOID context, PVOID a, PVOID b)
{
    UNREFERENCED_PARAMETER(d);
    UNREFERENCED_PARAMETER(context);
    UNREFERENCED_PARAMETER(a);
    UNREFERENCED_PARAMETER(b);
    KeSetEvent(&fired, 0, FALSE);
}

static VOID First(PVOID context)
{
    LARGE_INTEGER due;
    UNREFERENCED_PARAMETER(context);
    due.QuadPart = -10000;
    KeSetTimer(&timer, due, &dpc);
}

static VOID Second(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    KeCancelTimer(&timer);
    result = KeReadStateEvent(&fired);
}

static VOID Begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    KeInitializeTimer(&timer);
    KeInitializeDpc(&dpc, Fire, NULL);
    KeInitializeEvent(&fired, NotificationEvent, FALSE);
}

static VOID End(VOID)
{
    KeCancelTimer(&timer);
    KeFlushQueuedDpcs();
}

#elif MODEL == SPIN_LOCKS
static KSPIN_LOCK locks[2];

static VOID Both(int first)
{
    KIRQL outer, inner;
    KeAcquireSpinLock(&locks[0], &outer);
    if (first)
        KeReleaseSpinLock(&locks[0], outer);
    KeAcquireSpinLock(&locks[1], &inner);
    result++;
    KeReleaseSpinLock(&locks[1], inner);
    if (!first)
        KeReleaseSpinLock(&locks[0], outer);
}

static VOID First(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    Both(1);
}

static VOID Second(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    Both(0);
}

static VOID Begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    KeInitializeSpinLock(&locks[0]);
    KeInitializeSpinLock(&locks[1]);
}

static VOID End(VOID)
{
}

#elif MODEL == WORK_ITEM
static KEVENT ready;
static PDEVICE_OBJECT device;
static PIO_WORKITEM item; /* refers to the device, so the driver stays until it has run */

static VOID Work(PDEVICE_OBJECT unused, PVOID context)
{
    UNREFERENCED_PARAMETER(unused);
    UNREFERENCED_PARAMETER(context);
    KeSetEvent(&ready, 0, FALSE);
    IoFreeWorkItem(item);
}

static VOID First(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    IoQueueWorkItem(item, Work, DelayedWorkQueue, NULL);
}

static VOID Second(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    result = KeResetEvent(&ready);
}

static VOID Begin(PDRIVER_OBJECT driver)
{
    KeInitializeEvent(&ready, NotificationEvent, FALSE);
    IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    item = IoAllocateWorkItem(device);
}

static VOID End(VOID)
{
}

#elif MODEL == RESOURCE || MODEL == RESOURCE_SHARED
static ERESOURCE resource;

static VOID First(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&resource, TRUE);
    result++;
    ExReleaseResourceLite(&resource);
    KeLeaveCriticalRegion();
}

static VOID Second(PVOID context)
{
#if MODEL == RESOURCE
    First(context);
#else
    UNREFERENCED_PARAMETER(context);
    ExEnterCriticalRegionAndAcquireResourceShared(&resource);
    ExReleaseResourceAndLeaveCriticalRegion(&resource);
#endif
}

static VOID Begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    ExInitializeResourceLite(&resource);
}

static VOID End(VOID)
{
    ExDeleteResourceLite(&resource);
}

#elif MODEL == QUEUED_LOCK
static KSPIN_LOCK lock;

static VOID First(PVOID context)
{
    KLOCK_QUEUE_HANDLE handle;
    UNREFERENCED_PARAMETER(context);
    KeAcquireInStackQueuedSpinLock(&lock, &handle);
    result++;
    KeReleaseInStackQueuedSpinLock(&handle);
}

static VOID Second(PVOID context)
{
    KLOCK_QUEUE_HANDLE handle;
    KIRQL irql;
    UNREFERENCED_PARAMETER(context);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&lock, &handle);
    result++;
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&handle);
    KeLowerIrql(irql);
}

static VOID Begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    KeInitializeSpinLock(&lock);
}

static VOID End(VOID)
{
}

#elif MODEL == RUNDOWN
static EX_RUNDOWN_REF protection;

static VOID First(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    if (ExAcquireRundownProtection(&protection)) {
        result++;
        ExReleaseRundownProtection(&protection);
    }
}

static VOID Second(PVOID context)
{
    UNREFERENCED_PARAMETER(context);
    ExWaitForRundownProtectionRelease(&protection);
}

static VOID Begin(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    ExInitializeRundownProtection(&protection);
}

static VOID End(VOID)
{
}
#endif

#ifndef THREADS
#define THREADS 2
#endif

static PKTHREAD start(PKSTART_ROUTINE routine)
{
    HANDLE handle;
    PKTHREAD thread = NULL;
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, &attributes, NULL, NULL, routine, NULL)))
        return NULL;
    ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, (PVOID *)&thread, NULL);
    ZwClose(handle);
    return thread;
}

static VOID Unload(PDRIVER_OBJECT driver)
{
    if (driver->DeviceObject)
        IoDeleteDevice(driver->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    PKTHREAD threads[THREADS];
    UNREFERENCED_PARAMETER(path);
    (void)result;
    driver->DriverUnload = Unload;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    Begin(driver);
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(i % 2 ? Second : First);
    for (int i = 0; i < THREADS; i++) {
        KeWaitForSingleObject(threads[i], Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(threads[i]);
    }
    End();
    return STATUS_SUCCESS;
}
