/* Random programs of drivers: each thread of the program (io-threads.c) sends its text once, and what the text says happens in the thread that brings it.
 * Whatever is shared is touched by calls and interlocked operations only, so that no order is invisible.
 *
 * A text is letters with a digit, each the number of an object: a add, r read, w write, c the next is left out if it is not zero; e set an event, x clear it, p the next
 * is left out if it is not set; q queue a DPC, t set a timer with that DPC, k cancel it (the next is left out if it was not set), i queue a work item; l add
 * under a spin lock, m under a fast mutex, u under a resource held exclusively, v read under the resource held by several; b make the IRP cancellable,
 * d not so any more (the next is left out if it was not), z cancel it; s release a semaphore, g the next is left out if there is nothing to be had. DPCs, work items and cancel
 * routines add to the variable of their number and set the event of the next. With f the driver frees its work items at the end without waiting for them. */
#include <wdm.h>

enum { MOST = 4 };

static volatile LONG variables[2 * MOST], queued[MOST];
static LONG guarded[MOST];
static KEVENT events[MOST], idle[MOST];
static volatile LONG careless;
static KSEMAPHORE semaphores[MOST];
static KDPC dpcs[MOST];
static KTIMER timers[MOST];
static PIO_WORKITEM items[MOST];
static KSPIN_LOCK locks[MOST];
static FAST_MUTEX mutexes[MOST];
static ERESOURCE resources[MOST];
static PIRP irps[MOST];
static PDEVICE_OBJECT device;

static void happened(int i)
{
    InterlockedIncrement(&variables[i]);
    KeSetEvent(&events[(i + 1) % MOST], 0, FALSE);
}

static void DpcRoutine(PKDPC dpc, PVOID context, PVOID a, PVOID b)
{
    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(a);
    UNREFERENCED_PARAMETER(b);
    happened((int)(ULONG_PTR)context);
}

static void WorkRoutine(PDEVICE_OBJECT at, PVOID context)
{
    UNREFERENCED_PARAMETER(at);
    int i = (int)(ULONG_PTR)context;
    happened(i);
    InterlockedExchange(&queued[i], 0);
    KeSetEvent(&idle[i], 0, FALSE);
}

static void CancelRoutine(PDEVICE_OBJECT at, PIRP irp)
{
    UNREFERENCED_PARAMETER(at);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    for (int i = 0; i < MOST; i++)
        if (irps[i] == irp)
            happened(i);
}

static LONG value(int i)
{
    return InterlockedCompareExchange(&variables[i], 0, 0);
}

/* Whether the next is left out. */
static BOOLEAN step(char what, int i)
{
    LARGE_INTEGER now = {.QuadPart = 0}, soon = {.QuadPart = -10000 * (i + 1)};
    KIRQL irql;
    switch (what) {
    case 'a': InterlockedIncrement(&variables[i]); break;
    case 'r': value(i); break;
    case 'w': InterlockedExchange(&variables[i], i + 5); break;
    case 'c': return value(i) != 0;
    case 'e': KeSetEvent(&events[i], 0, FALSE); break;
    case 'x': KeClearEvent(&events[i]); break;
    case 'p': return KeWaitForSingleObject(&events[i], Executive, KernelMode, FALSE, &now) != STATUS_SUCCESS;
    case 's': if (KeReadStateSemaphore(&semaphores[i]) < 50) KeReleaseSemaphore(&semaphores[i], 0, 1, FALSE); break;
    case 'g': return KeWaitForSingleObject(&semaphores[i], Executive, KernelMode, FALSE, &now) != STATUS_SUCCESS;
    case 'q': KeInsertQueueDpc(&dpcs[i], NULL, NULL); break;
    case 't': KeSetTimer(&timers[i], soon, &dpcs[i]); break;
    case 'k': return !KeCancelTimer(&timers[i]);
    case 'i':
        if (InterlockedCompareExchange(&queued[i], 1, 0) == 0) {
            KeClearEvent(&idle[i]);
            IoQueueWorkItem(items[i], WorkRoutine, DelayedWorkQueue, (PVOID)(ULONG_PTR)i);
        }
        break;
    case 'f': careless = 1; break;
    case 'l':
        KeAcquireSpinLock(&locks[i], &irql);
        guarded[i]++;
        KeReleaseSpinLock(&locks[i], irql);
        break;
    case 'm':
        ExAcquireFastMutex(&mutexes[i]);
        InterlockedIncrement(&variables[MOST + i]);
        ExReleaseFastMutex(&mutexes[i]);
        break;
    case 'u':
    case 'v':
        KeEnterCriticalRegion();
        if (what == 'u')
            ExAcquireResourceExclusiveLite(&resources[i], TRUE);
        else
            ExAcquireResourceSharedLite(&resources[i], TRUE);
        value(MOST + i);
        ExReleaseResourceLite(&resources[i]);
        KeLeaveCriticalRegion();
        break;
    case 'b': IoSetCancelRoutine(irps[i], CancelRoutine); break;
    case 'd': return IoSetCancelRoutine(irps[i], NULL) == NULL;
    case 'z': IoCancelIrp(irps[i]); break;
    }
    return FALSE;
}

static NTSTATUS Control(PDEVICE_OBJECT at, PIRP irp)
{
    PIO_STACK_LOCATION sl = IoGetCurrentIrpStackLocation(irp);
    const char *text = irp->AssociatedIrp.SystemBuffer;
    ULONG bytes = sl->Parameters.DeviceIoControl.InputBufferLength;
    UNREFERENCED_PARAMETER(at);
    for (ULONG i = 0; i + 1 < bytes; i += 2)
        if (step(text[i], (text[i + 1] - '0') % MOST))
            i += 2;
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS Succeed(PDEVICE_OBJECT at, PIRP irp)
{
    UNREFERENCED_PARAMETER(at);
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static void Unload(PDRIVER_OBJECT driver)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\Random");
    UNREFERENCED_PARAMETER(driver);
    for (int i = 0; i < MOST; i++)
        KeCancelTimer(&timers[i]);
    KeFlushQueuedDpcs();
    for (int i = 0; i < MOST; i++) {
        if (!careless)
            KeWaitForSingleObject(&idle[i], Executive, KernelMode, FALSE, NULL);
        IoFreeWorkItem(items[i]);
        ExDeleteResourceLite(&resources[i]);
        IoFreeIrp(irps[i]);
    }
    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(device);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Random"), link = RTL_CONSTANT_STRING(L"\\DosDevices\\Random");
    UNREFERENCED_PARAMETER(path);
    NTSTATUS status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    for (int i = 0; i < MOST; i++) {
        KeInitializeEvent(&events[i], i % 2 ? NotificationEvent : SynchronizationEvent, FALSE);
        KeInitializeEvent(&idle[i], NotificationEvent, TRUE);
        KeInitializeSemaphore(&semaphores[i], 1, 100);
        KeInitializeDpc(&dpcs[i], DpcRoutine, (PVOID)(ULONG_PTR)i);
        KeInitializeTimer(&timers[i]);
        KeInitializeSpinLock(&locks[i]);
        ExInitializeFastMutex(&mutexes[i]);
        ExInitializeResourceLite(&resources[i]);
        items[i] = IoAllocateWorkItem(device);
        irps[i] = IoAllocateIrp(1, FALSE);
        IoSetNextIrpStackLocation(irps[i]);
        IoGetCurrentIrpStackLocation(irps[i])->DeviceObject = device;
    }
    driver->MajorFunction[IRP_MJ_CREATE] = driver->MajorFunction[IRP_MJ_CLOSE] = Succeed;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    driver->DriverUnload = Unload;
    return IoCreateSymbolicLink(&link, &name);
}
