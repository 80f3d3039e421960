/* Random programs over the operations that drivers race in: each thread of the program (io-threads.c) sends its text once, and what the text says happens in the
 * thread that brings it. Whatever is shared is touched by calls and interlocked operations only, so that no order is invisible.
 *
 * A text is letters with a digit, each the number of an object; step() says what each does. A function driver of a device of its own, so that power and PnP requests
 * have somebody to go to. */
#include <ntifs.h>
#include <ntundoc.h>

enum { MOST = 3, TAG = 'llaC' };

struct node {
    union {
        LIST_ENTRY entry;
        SLIST_ENTRY single;
    };
    ULONG64 bytes[2];
};

static volatile LONG variables[3 * MOST], queued[MOST], outstanding = 1;
static KEVENT events[MOST], idle[MOST], quiet;
static KSEMAPHORE semaphores[MOST];
static KMUTEX mutexes[MOST];
static KDPC dpcs[MOST];
static KTIMER timers[MOST];
static PIO_WORKITEM items[MOST];
static KSPIN_LOCK locks[MOST], list_locks[MOST], stack_locks[MOST], csq_locks[MOST];
static FAST_MUTEX fast[MOST];
static KGUARDED_MUTEX guarded[MOST];
static ERESOURCE resources[MOST];
static IO_REMOVE_LOCK remove_locks[MOST];
static EX_RUNDOWN_REF rundowns[MOST];
static LIST_ENTRY lists[MOST], requests[MOST];
static DECLSPEC_ALIGN(16) SLIST_HEADER stacks[MOST];
static IO_CSQ queues[MOST];
static KQUEUE kqueues[MOST];
static struct node *volatile kentries[MOST];
static NPAGED_LOOKASIDE_LIST lookaside;
static PVOID volatile blocks[MOST];
static HANDLE volatile handles[MOST];
static PKEVENT named[MOST];
static PKTHREAD volatile threads[MOST];
static HANDLE key;
static PIRP irps[MOST];
static PDEVICE_OBJECT device, below, physical;

static LONG value(int i)
{
    return InterlockedCompareExchange(&variables[i], 0, 0);
}

static VOID begin_outside(void)
{
    InterlockedIncrement(&outstanding);
}

static VOID end_outside(void)
{
    if (InterlockedDecrement(&outstanding) == 0)
        KeSetEvent(&quiet, 0, FALSE);
}

static void happened(int i)
{
    InterlockedIncrement(&variables[i]);
    KeSetEvent(&events[(i + 1) % MOST], 0, FALSE);
}

static VOID DpcRoutine(PKDPC dpc, PVOID context, PVOID a, PVOID b)
{
    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(a);
    UNREFERENCED_PARAMETER(b);
    happened((int)(ULONG_PTR)context);
}

static VOID WorkRoutine(PDEVICE_OBJECT at, PVOID context)
{
    int i = (int)(ULONG_PTR)context;
    UNREFERENCED_PARAMETER(at);
    happened(i);
    InterlockedExchange(&queued[i], 0);
    KeSetEvent(&idle[i], 0, FALSE);
}

static VOID CancelRoutine(PDEVICE_OBJECT at, PIRP irp)
{
    UNREFERENCED_PARAMETER(at);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    for (int i = 0; i < MOST; i++)
        if (irps[i] == irp)
            happened(i);
}

static VOID ApcRoutine(PKAPC apc, PKNORMAL_ROUTINE *normal, PVOID *context, PVOID *a, PVOID *b)
{
    UNREFERENCED_PARAMETER(normal);
    UNREFERENCED_PARAMETER(context);
    UNREFERENCED_PARAMETER(b);
    InterlockedIncrement(&variables[(ULONG_PTR)*a]);
    ExFreePoolWithTag(apc, TAG);
}

static VOID ApcRundown(PKAPC apc)
{
    ExFreePoolWithTag(apc, TAG);
}

static VOID queue_apc(int i)
{
    PKTHREAD thread = InterlockedCompareExchangePointer((PVOID volatile *)&threads[i], NULL, NULL);
    PKAPC apc = thread ? ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *apc, TAG) : NULL;
    if (!apc)
        return;
    KeInitializeApc(apc, thread, 0, ApcRoutine, ApcRundown, NULL, KernelMode, NULL);
    if (!KeInsertQueueApc(apc, (PVOID)(ULONG_PTR)i, NULL, 0))
        ExFreePoolWithTag(apc, TAG);
}

/* ---- a cancel-safe queue of requests of our own ---- */

static int number_of(PIO_CSQ csq)
{
    return (int)(csq - queues);
}

static VOID CsqInsert(PIO_CSQ csq, PIRP irp)
{
    InsertTailList(&requests[number_of(csq)], &irp->Tail.Overlay.ListEntry);
}

static VOID CsqRemove(PIO_CSQ csq, PIRP irp)
{
    UNREFERENCED_PARAMETER(csq);
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
}

static PIRP CsqPeek(PIO_CSQ csq, PIRP irp, PVOID context)
{
    PLIST_ENTRY head = &requests[number_of(csq)], next = irp ? irp->Tail.Overlay.ListEntry.Flink : head->Flink;
    UNREFERENCED_PARAMETER(context);
    return next == head ? NULL : CONTAINING_RECORD(next, IRP, Tail.Overlay.ListEntry);
}

static VOID CsqAcquire(PIO_CSQ csq, PKIRQL irql)
{
    KeAcquireSpinLock(&csq_locks[number_of(csq)], irql);
}

static VOID CsqRelease(PIO_CSQ csq, KIRQL irql)
{
    KeReleaseSpinLock(&csq_locks[number_of(csq)], irql);
}

static VOID CsqCanceled(PIO_CSQ csq, PIRP irp)
{
    happened(number_of(csq));
    irp->IoStatus.Status = STATUS_CANCELLED;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static NTSTATUS Completed(PDEVICE_OBJECT at, PIRP irp, PVOID context)
{
    UNREFERENCED_PARAMETER(at);
    InterlockedIncrement(&variables[(ULONG_PTR)context]);
    IoFreeIrp(irp);
    end_outside();
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID send_request(int i)
{
    PIRP irp = IoAllocateIrp(device->StackSize, FALSE);
    if (!irp)
        return;
    begin_outside();
    PIO_STACK_LOCATION sl = IoGetNextIrpStackLocation(irp);
    sl->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    sl->Parameters.DeviceIoControl.IoControlCode = (ULONG)i;
    IoSetCompletionRoutine(irp, Completed, (PVOID)(ULONG_PTR)(2 * MOST + i), TRUE, TRUE, TRUE);
    IoCallDriver(device, irp);
}

static NTSTATUS Queue(PDEVICE_OBJECT at, PIRP irp)
{
    int i = (int)IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode;
    UNREFERENCED_PARAMETER(at);
    IoMarkIrpPending(irp);
    IoCsqInsertIrp(&queues[i], irp, NULL);
    return STATUS_PENDING;
}

static BOOLEAN complete_first(int i)
{
    PIRP irp = IoCsqRemoveNextIrp(&queues[i], NULL);
    if (!irp)
        return FALSE;
    irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return TRUE;
}

/* ---- power ---- */

static VOID PowerDone(PDEVICE_OBJECT at, UCHAR minor, POWER_STATE state, PVOID context, PIO_STATUS_BLOCK iosb)
{
    UNREFERENCED_PARAMETER(at);
    UNREFERENCED_PARAMETER(minor);
    UNREFERENCED_PARAMETER(state);
    UNREFERENCED_PARAMETER(iosb);
    InterlockedIncrement(&variables[(ULONG_PTR)context]);
    end_outside();
}

static VOID request_power(int i)
{
    POWER_STATE state = {.DeviceState = i % 2 ? PowerDeviceD3 : PowerDeviceD0};
    begin_outside();
    if (PoRequestPowerIrp(physical, IRP_MN_SET_POWER, state, PowerDone, (PVOID)(ULONG_PTR)i, NULL) != STATUS_PENDING)
        end_outside();
}

/* ---- handles, registry, pool ---- */

static HANDLE open_named(int i)
{
    static UNICODE_STRING names[MOST] = {RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\Calls0"), RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\Calls1"), RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\Calls2")};
    OBJECT_ATTRIBUTES attributes;
    HANDLE handle = NULL;
    InitializeObjectAttributes(&attributes, &names[i], OBJ_KERNEL_HANDLE | OBJ_OPENIF, NULL, NULL);
    ZwCreateEvent(&handle, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE);
    return handle;
}

static VOID reference_by_handle(int i)
{
    PVOID object;
    HANDLE handle = open_named(i);
    if (handle && NT_SUCCESS(ObReferenceObjectByHandle(handle, EVENT_ALL_ACCESS, *ExEventObjectType, KernelMode, &object, NULL))) {
        KeSetEvent(object, 0, FALSE);
        ObDereferenceObject(object);
    }
    if (handle)
        ZwClose(handle);
}

static VOID registry_value(int i, BOOLEAN set)
{
    static UNICODE_STRING names[MOST] = {RTL_CONSTANT_STRING(L"A"), RTL_CONSTANT_STRING(L"B"), RTL_CONSTANT_STRING(L"C")};
    UCHAR room[64];
    ULONG number = (ULONG)i, used;
    if (set)
        ZwSetValueKey(key, &names[i], 0, REG_DWORD, &number, sizeof number);
    else
        ZwQueryValueKey(key, &names[i], KeyValuePartialInformation, room, sizeof room, &used);
}

static VOID exchange_block(int i)
{
    PVOID fresh = ExAllocatePoolWithTag(NonPagedPoolNx, 40 + 64 * (ULONG)i, TAG), old;
    if (!fresh)
        return;
    old = InterlockedExchangePointer(&blocks[i], fresh);
    if (old)
        ExFreePoolWithTag(old, TAG);
}

static VOID with_resource(int i, BOOLEAN exclusive)
{
    KeEnterCriticalRegion();
    if (exclusive)
        ExAcquireResourceExclusiveLite(&resources[i], TRUE);
    else
        ExAcquireResourceSharedLite(&resources[i], TRUE);
    value(MOST + i);
    ExReleaseResourceLite(&resources[i]);
    KeLeaveCriticalRegion();
}

static VOID push(int i, BOOLEAN list)
{
    struct node *n = ExAllocateFromNPagedLookasideList(&lookaside);
    if (!n)
        return;
    if (list)
        ExInterlockedInsertTailList(&lists[i], &n->entry, &list_locks[i]);
    else
        ExInterlockedPushEntrySList(&stacks[i], &n->single, &stack_locks[i]);
}

static BOOLEAN pop(int i, BOOLEAN list)
{
    PVOID n;
    if (list) {
        PLIST_ENTRY e = ExInterlockedRemoveHeadList(&lists[i], &list_locks[i]);
        n = e ? CONTAINING_RECORD(e, struct node, entry) : NULL;
    } else {
        PSLIST_ENTRY e = ExInterlockedPopEntrySList(&stacks[i], &stack_locks[i]);
        n = e ? CONTAINING_RECORD(e, struct node, single) : NULL;
    }
    if (n)
        ExFreeToNPagedLookasideList(&lookaside, n);
    return n == NULL;
}

/* An entry is in one queue at most: it is taken out of its slot before it is put in, and put back by who removes it. */
static VOID insert_queue(int i)
{
    struct node *n = InterlockedExchangePointer((PVOID volatile *)&kentries[i], NULL);
    if (n)
        KeInsertQueue(&kqueues[i], &n->entry);
}

static BOOLEAN remove_queue(int i)
{
    LARGE_INTEGER now = {.QuadPart = 0};
    PLIST_ENTRY e = KeRemoveQueue(&kqueues[i], KernelMode, &now);
    if ((NTSTATUS)(ULONG_PTR)e == STATUS_TIMEOUT)
        return TRUE;
    InterlockedExchangePointer((PVOID volatile *)&kentries[i], CONTAINING_RECORD(e, struct node, entry));
    return FALSE;
}

/* ---- the text ---- */

/* Whether the next is left out. */
static BOOLEAN step(char what, int i)
{
    LARGE_INTEGER now = {.QuadPart = 0}, soon = {.QuadPart = -10000 * (i + 1)};
    KLOCK_QUEUE_HANDLE in_stack;
    KIRQL irql;
    switch (what) {
    /* memory */
    case 'a': InterlockedIncrement(&variables[i]); break;
    case 'r': value(i); break;
    case 'w': InterlockedExchange(&variables[i], i + 5); break;
    case 'c': return value(i) != 0;
    /* dispatcher objects */
    case 'e': KeSetEvent(&events[i], 0, FALSE); break;
    case 'x': KeClearEvent(&events[i]); break;
    case 'P': KePulseEvent(&events[i], 0, FALSE); break;
    case 'E': return KeReadStateEvent(&events[i]) != 0;
    case 'p': return KeWaitForSingleObject(&events[i], Executive, KernelMode, FALSE, &now) != STATUS_SUCCESS;
    case 's': if (KeReadStateSemaphore(&semaphores[i]) < 50) KeReleaseSemaphore(&semaphores[i], 0, 1, FALSE); break;
    case 'g': return KeWaitForSingleObject(&semaphores[i], Executive, KernelMode, FALSE, &now) != STATUS_SUCCESS;
    case 'm':
        KeWaitForSingleObject(&mutexes[i], Executive, KernelMode, FALSE, NULL);
        value(MOST + i);
        KeReleaseMutex(&mutexes[i], FALSE);
        break;
    case 't': KeSetTimer(&timers[i], soon, &dpcs[i]); break;
    case 'k': return !KeCancelTimer(&timers[i]);
    case 'T': return KeReadStateTimer(&timers[i]) != 0;
    /* DPCs, work items, APCs */
    case 'q': KeInsertQueueDpc(&dpcs[i], NULL, NULL); break;
    case 'Q': return KeRemoveQueueDpc(&dpcs[i]);
    case 'i':
        if (InterlockedCompareExchange(&queued[i], 1, 0) == 0) {
            KeClearEvent(&idle[i]);
            IoQueueWorkItem(items[i], WorkRoutine, DelayedWorkQueue, (PVOID)(ULONG_PTR)i);
        }
        break;
    case 'A': queue_apc(i); break;
    /* requests */
    case 'b': IoSetCancelRoutine(irps[i], CancelRoutine); break;
    case 'd': return IoSetCancelRoutine(irps[i], NULL) == NULL;
    case 'z': IoCancelIrp(irps[i]); break;
    case 'o': send_request(i); break;
    case 'O': return !complete_first(i);
    case 'Y': request_power(i); break;
    case 'I': IoInvalidateDeviceState(physical); break;
    case 'B': IoInvalidateDeviceRelations(physical, BusRelations); break;
    /* lists */
    case 'n': push(i, TRUE); break;
    case 'N': return pop(i, TRUE);
    case 'j': push(i, FALSE); break;
    case 'J': return pop(i, FALSE);
    case 'y': insert_queue(i); break;
    case 'u': return remove_queue(i);
    /* locks */
    case 'l':
        KeAcquireSpinLock(&locks[i], &irql);
        value(MOST + i);
        KeReleaseSpinLock(&locks[i], irql);
        break;
    case 'L':
        KeAcquireInStackQueuedSpinLock(&locks[i], &in_stack);
        value(MOST + i);
        KeReleaseInStackQueuedSpinLock(&in_stack);
        break;
    case 'f':
        ExAcquireFastMutex(&fast[i]);
        value(MOST + i);
        ExReleaseFastMutex(&fast[i]);
        break;
    case 'F':
        KeAcquireGuardedMutex(&guarded[i]);
        value(MOST + i);
        KeReleaseGuardedMutex(&guarded[i]);
        break;
    case 'U': with_resource(i, TRUE); break;
    case 'V': with_resource(i, FALSE); break;
    case 'h':
        if (NT_SUCCESS(IoAcquireRemoveLock(&remove_locks[i], NULL))) {
            value(i);
            IoReleaseRemoveLock(&remove_locks[i], NULL);
        }
        break;
    case 'H':
        if (ExAcquireRundownProtection(&rundowns[i])) {
            value(i);
            ExReleaseRundownProtection(&rundowns[i]);
        }
        break;
    /* pool, objects, handles, registry */
    case 'M': exchange_block(i); break;
    case 'R': ObReferenceObject(named[i]); ObDereferenceObject(named[i]); break;
    case 'G': reference_by_handle(i); break;
    case 'W': {
        HANDLE old = InterlockedExchangePointer((PVOID volatile *)&handles[i], open_named(i));
        if (old)
            ZwClose(old);
        break;
    }
    case 'S': registry_value(i, TRUE); break;
    case 'K': registry_value(i, FALSE); break;
    /* the processor, the clock, texts */
    case 'X':
        KeRaiseIrql(i ? DISPATCH_LEVEL : APC_LEVEL, &irql);
        InterlockedIncrement(&variables[i]);
        KeLowerIrql(irql);
        break;
    case 'C': KeQueryPerformanceCounter(NULL); KeQueryInterruptTime(); break;
    case 'v': KeDelayExecutionThread(KernelMode, FALSE, &soon); break;
    case 'D': DbgPrint("%d\n", i); break;
    }
    return FALSE;
}

static NTSTATUS finish(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS Control(PDEVICE_OBJECT at, PIRP irp)
{
    PIO_STACK_LOCATION sl = IoGetCurrentIrpStackLocation(irp);
    const char *text = irp->AssociatedIrp.SystemBuffer;
    ULONG bytes = sl->Parameters.DeviceIoControl.InputBufferLength;
    PKTHREAD self = KeGetCurrentThread();
    UNREFERENCED_PARAMETER(at);
    if (bytes && text[0] >= '0' && text[0] < '0' + MOST) { /* the thread's number, for APCs */
        ObReferenceObject(self);
        if (InterlockedCompareExchangePointer((PVOID volatile *)&threads[text[0] - '0'], self, NULL))
            ObDereferenceObject(self);
        text++, bytes--;
    }
    for (ULONG i = 0; i + 1 < bytes; i += 2)
        if (step(text[i], (text[i + 1] - '0') % MOST))
            i += 2;
    return finish(irp, STATUS_SUCCESS);
}

static NTSTATUS Succeed(PDEVICE_OBJECT at, PIRP irp)
{
    UNREFERENCED_PARAMETER(at);
    return finish(irp, STATUS_SUCCESS);
}

static NTSTATUS Power(PDEVICE_OBJECT at, PIRP irp)
{
    UNREFERENCED_PARAMETER(at);
    PoStartNextPowerIrp(irp);
    IoSkipCurrentIrpStackLocation(irp);
    return PoCallDriver(below, irp);
}

static VOID stop(void)
{
    for (int i = 0; i < MOST; i++) {
        KeCancelTimer(&timers[i]);
        while (complete_first(i))
            ;
    }
    KeFlushQueuedDpcs();
    end_outside();
    KeWaitForSingleObject(&quiet, Executive, KernelMode, FALSE, NULL);
    for (int i = 0; i < MOST; i++) {
        PLIST_ENTRY left;
        KeWaitForSingleObject(&idle[i], Executive, KernelMode, FALSE, NULL);
        IoFreeWorkItem(items[i]);
        ExDeleteResourceLite(&resources[i]);
        IoFreeIrp(irps[i]);
        while (!pop(i, TRUE) || !pop(i, FALSE))
            ;
        left = KeRundownQueue(&kqueues[i]);
        if (left)
            ExFreeToNPagedLookasideList(&lookaside, CONTAINING_RECORD(left, struct node, entry));
        if (kentries[i])
            ExFreeToNPagedLookasideList(&lookaside, kentries[i]);
        if (blocks[i])
            ExFreePoolWithTag(blocks[i], TAG);
        if (handles[i])
            ZwClose(handles[i]);
        ObDereferenceObject(named[i]);
        if (threads[i])
            ObDereferenceObject(threads[i]);
    }
    ZwClose(key);
    ExDeleteNPagedLookasideList(&lookaside);
}

static NTSTATUS Pnp(PDEVICE_OBJECT at, PIRP irp)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\Random");
    UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
    NTSTATUS status;
    if (minor == IRP_MN_REMOVE_DEVICE)
        stop();
    if (minor != IRP_MN_QUERY_DEVICE_RELATIONS && minor != IRP_MN_QUERY_PNP_DEVICE_STATE)
        irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(irp);
    status = IoCallDriver(below, irp);
    if (minor == IRP_MN_REMOVE_DEVICE) {
        IoDeleteSymbolicLink(&link);
        IoDetachDevice(below);
        IoDeleteDevice(at);
    }
    return status;
}

static VOID open_key(void)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\SOFTWARE\\Calls");
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, NULL, 0, NULL);
}

static VOID make_objects(int i)
{
    HANDLE handle = open_named(i);
    KeInitializeEvent(&events[i], i % 2 ? NotificationEvent : SynchronizationEvent, FALSE);
    KeInitializeEvent(&idle[i], NotificationEvent, TRUE);
    KeInitializeSemaphore(&semaphores[i], 1, 100);
    KeInitializeMutex(&mutexes[i], 0);
    KeInitializeDpc(&dpcs[i], DpcRoutine, (PVOID)(ULONG_PTR)i);
    KeInitializeTimer(&timers[i]);
    KeInitializeSpinLock(&locks[i]);
    KeInitializeSpinLock(&list_locks[i]);
    KeInitializeSpinLock(&stack_locks[i]);
    KeInitializeSpinLock(&csq_locks[i]);
    ExInitializeFastMutex(&fast[i]);
    KeInitializeGuardedMutex(&guarded[i]);
    ExInitializeResourceLite(&resources[i]);
    IoInitializeRemoveLock(&remove_locks[i], TAG, 0, 0);
    ExInitializeRundownProtection(&rundowns[i]);
    InitializeListHead(&lists[i]);
    InitializeListHead(&requests[i]);
    ExInitializeSListHead(&stacks[i]);
    IoCsqInitialize(&queues[i], CsqInsert, CsqRemove, CsqPeek, CsqAcquire, CsqRelease, CsqCanceled);
    KeInitializeQueue(&kqueues[i], 0);
    kentries[i] = ExAllocateFromNPagedLookasideList(&lookaside);
    ObReferenceObjectByHandle(handle, EVENT_ALL_ACCESS, *ExEventObjectType, KernelMode, (PVOID *)&named[i], NULL);
    ZwClose(handle);
    items[i] = IoAllocateWorkItem(device);
    irps[i] = IoAllocateIrp(1, FALSE);
    IoSetNextIrpStackLocation(irps[i]);
    IoGetCurrentIrpStackLocation(irps[i])->DeviceObject = device;
}

static NTSTATUS AddDevice(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Random"), link = RTL_CONSTANT_STRING(L"\\DosDevices\\Random");
    NTSTATUS status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    physical = pdo;
    below = IoAttachDeviceToDeviceStack(device, pdo);
    KeInitializeEvent(&quiet, NotificationEvent, FALSE);
    ExInitializeNPagedLookasideList(&lookaside, NULL, NULL, 0, sizeof(struct node), TAG, 0);
    open_key();
    for (int i = 0; i < MOST; i++)
        make_objects(i);
    device->Flags |= DO_POWER_PAGABLE;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return IoCreateSymbolicLink(&link, &name);
}

static VOID Unload(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    UNREFERENCED_PARAMETER(path);
    driver->MajorFunction[IRP_MJ_CREATE] = driver->MajorFunction[IRP_MJ_CLOSE] = Succeed;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    driver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = Queue;
    driver->MajorFunction[IRP_MJ_PNP] = Pnp;
    driver->MajorFunction[IRP_MJ_POWER] = Power;
    driver->DriverExtension->AddDevice = AddDevice;
    driver->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
