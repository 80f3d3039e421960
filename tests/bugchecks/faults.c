/* One fault a control code: what a driver must do for each bug check to come. */
#include <ntifs.h>
#include <ntundoc.h>

#define FAULT(name) static NTSTATUS name(PDEVICE_OBJECT Device, PIRP Irp);
#include "faults.h"
#undef FAULT

#define TAG 'tluF'

static KTIMER Timer;
static KDPC Dpc;
static KEVENT Event;
static volatile LONG Zero;

/* Addresses that the compiler does not know. */
static PVOID Address(ULONG64 Value)
{
    static volatile ULONG64 keep;
    keep = Value;
    return (PVOID)keep;
}

static PVOID NoKernelAddress(VOID)
{
    return (PUCHAR)MmSystemRangeStart + 0x30000000; /* nothing lies there */
}

static PVOID Pool(SIZE_T Bytes)
{
    PVOID p = ExAllocatePoolWithTag(NonPagedPoolNx, Bytes, TAG);
    if (!p)
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    return p;
}

static PIRP Other(PDEVICE_OBJECT Device)
{
    PIRP irp = IoAllocateIrp(Device->StackSize, FALSE);
    PIO_STACK_LOCATION location = IoGetNextIrpStackLocation(irp);

    location->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    return irp;
}

static IO_COMPLETION_ROUTINE Keep;
static NTSTATUS Keep(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID RunThread(PKSTART_ROUTINE Routine)
{
    HANDLE handle;
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, &attributes, NULL, NULL, Routine, NULL);
    ZwWaitForSingleObject(handle, FALSE, NULL);
    ZwClose(handle);
}

static VOID RunDpc(PKDEFERRED_ROUTINE Routine)
{
    KeInitializeDpc(&Dpc, Routine, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
}

/* ---- IRPs ---- */

static NTSTATUS no_locations(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIRP irp = Other(Device);

    UNREFERENCED_PARAMETER(Irp);
    IoSetNextIrpStackLocation(irp);
    return IoCallDriver(Device, irp);
}

static NTSTATUS completed_twice(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static DRIVER_CANCEL Cancel;
static VOID Cancel(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
}

static NTSTATUS cancelled_when_completed(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIRP irp = Other(Device);

    UNREFERENCED_PARAMETER(Irp);
    IoSetCompletionRoutine(irp, Keep, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(Device, irp); /* completed, and kept: the current location is above the stack */
    irp->CurrentLocation++;
    IoSetCancelRoutine(irp, Cancel);
    IoCancelIrp(irp);
    return STATUS_SUCCESS;
}

static NTSTATUS completed_pending(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    Irp->IoStatus.Status = STATUS_PENDING;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_PENDING;
}

static NTSTATUS completed_cancelable(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    IoSetCancelRoutine(Irp, Cancel);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS freed_threaded_irp(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    IoFreeIrp(Irp);
    return STATUS_SUCCESS;
}

static NTSTATUS freed_no_irp(PDEVICE_OBJECT Device, PIRP Irp)
{
    PVOID p = Pool(0x200);

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    RtlZeroMemory(p, 0x200);
    IoFreeIrp((PIRP)p);
    return STATUS_SUCCESS;
}

static NTSTATUS irp_to_pool(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    ExFreePool(Other(Device));
    return STATUS_SUCCESS;
}

/* ---- addresses ---- */

static NTSTATUS bad_event(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent((PKEVENT)Address(0x10), IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

static NTSTATUS bad_address_at_dispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    *(volatile ULONG *)Address(0x18) = 1;
    KeLowerIrql(irql);
    return STATUS_SUCCESS;
}

static NTSTATUS call_at_dispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ((VOID (*)(VOID))Address(0x1000))();
    return STATUS_SUCCESS;
}

static NTSTATUS bad_kernel_address(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    return *(volatile LONG *)NoKernelAddress();
}

static NTSTATUS kernel_address_in_try(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    __try {
        *(volatile LONG *)NoKernelAddress() = 1;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static NTSTATUS user_address(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    return *(volatile LONG *)Address(8);
}

static KSTART_ROUTINE Divides;
static VOID Divides(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Zero = 100 / Zero;
}

static NTSTATUS divided_in_system_thread(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    RunThread(Divides);
    return STATUS_SUCCESS;
}

static KDEFERRED_ROUTINE Raises;
static VOID Raises(PKDPC D, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(D);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    ExRaiseStatus(STATUS_DATA_ERROR);
}

static NTSTATUS raised_in_dpc(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    RunDpc(Raises);
    return STATUS_SUCCESS;
}

static NTSTATUS written_code(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    *(volatile UCHAR *)(ULONG_PTR)written_code = 0xC3;
    return STATUS_SUCCESS;
}

static NTSTATUS executed_data(PDEVICE_OBJECT Device, PIRP Irp)
{
    static UCHAR code[] = {0xC3};

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    ((VOID (*)(VOID))Address((ULONG_PTR)code))();
    return STATUS_SUCCESS;
}

/* ---- pool ---- */

static NTSTATUS freed_twice(PDEVICE_OBJECT Device, PIRP Irp)
{
    PVOID p = Pool(64);

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    ExFreePoolWithTag(p, TAG);
    ExFreePoolWithTag(p, TAG);
    return STATUS_SUCCESS;
}

static NTSTATUS freed_nothing(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    ExFreePool(Address(0x10000));
    return STATUS_SUCCESS;
}

static NTSTATUS wrong_tag(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    ExFreePoolWithTag(Pool(64), 'gnrW');
    return STATUS_SUCCESS;
}

static NTSTATUS zero_tag(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    return ExAllocatePoolWithTag(NonPagedPoolNx, 16, 0) ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS overrun(PDEVICE_OBJECT Device, PIRP Irp)
{
    PUCHAR p = Pool(32), behind = Pool(32);

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    RtlFillMemory(p, 48, 0xEE);
    ExFreePoolWithTag(p, TAG);
    ExFreePoolWithTag(behind, TAG);
    return STATUS_SUCCESS;
}

static NTSTATUS paged_at_dispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ExAllocatePoolWithTag(PagedPool, 64, TAG);
    KeLowerIrql(irql);
    return STATUS_SUCCESS;
}

static NTSTATUS timer_in_freed_pool(PDEVICE_OBJECT Device, PIRP Irp)
{
    PKTIMER timer = Pool(sizeof(KTIMER));
    LARGE_INTEGER due;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    due.QuadPart = -10000000;
    KeInitializeTimer(timer);
    KeSetTimer(timer, due, NULL);
    ExFreePoolWithTag(timer, TAG);
    return STATUS_SUCCESS;
}

/* ---- fast fail ---- */

static NTSTATUS list_corruption(PDEVICE_OBJECT Device, PIRP Irp)
{
    LIST_ENTRY head, one, two;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    InitializeListHead(&head);
    InsertTailList(&head, &one);
    InsertTailList(&head, &two);
    one.Flink = &head;
    if (one.Flink->Blink != &one) /* what the checked inline functions of newer headers do */
        __fastfail(3 /* FAST_FAIL_CORRUPT_LIST_ENTRY */);
    return STATUS_SUCCESS;
}

static NTSTATUS fast_fail(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    __fastfail(5 /* FAST_FAIL_INVALID_ARG */);
    return STATUS_SUCCESS;
}

/* ---- waits and IRQL ---- */

static KDEFERRED_ROUTINE Waits;
static VOID Waits(PKDPC D, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(D);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
}

static NTSTATUS wait_in_dpc(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    RunDpc(Waits);
    return STATUS_SUCCESS;
}

static NTSTATUS wait_at_dispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    KeLowerIrql(irql);
    return STATUS_SUCCESS;
}

static NTSTATUS four_objects(PDEVICE_OBJECT Device, PIRP Irp)
{
    PVOID objects[4] = {&Event, &Event, &Event, &Event};

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    return KeWaitForMultipleObjects(4, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);
}

static NTSTATUS dispatch_raises_irql(PDEVICE_OBJECT Device, PIRP Irp)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeRaiseIrql(APC_LEVEL, &irql);
    return STATUS_SUCCESS;
}

static NTSTATUS left_critical_region(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeEnterCriticalRegion();
    return STATUS_SUCCESS;
}

static NTSTATUS left_irql(PDEVICE_OBJECT Device, PIRP Irp)
{
    return dispatch_raises_irql(Device, Irp);
}

static KSTART_ROUTINE EndsInRegion;
static VOID EndsInRegion(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeEnterCriticalRegion();
}

static NTSTATUS thread_ends_in_region(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    RunThread(EndsInRegion);
    return STATUS_SUCCESS;
}

static NTSTATUS dereferenced_too_often(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    for (ULONG i = 0; i < 16; i++)
        ObDereferenceObject(Device);
    return STATUS_SUCCESS;
}

__declspec(noinline) static ULONG Deep(ULONG Depth)
{
    volatile UCHAR frame[512];

    frame[0] = (UCHAR)Depth;
    return Deep(Depth + 1) + frame[0];
}

static NTSTATUS stack_overflow(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    return (NTSTATUS)Deep(0);
}

static IO_WORKITEM_ROUTINE RaisesAndReturns;
static VOID RaisesAndReturns(PDEVICE_OBJECT Device, PVOID Context)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Context);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
}

static NTSTATUS worker_at_dispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    IoQueueWorkItem(IoAllocateWorkItem(Device), RaisesAndReturns, DelayedWorkQueue, NULL);
    return STATUS_SUCCESS;
}

static NTSTATUS work_item_twice(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_WORKITEM item = IoAllocateWorkItem(Device);

    UNREFERENCED_PARAMETER(Irp);
    IoQueueWorkItem(item, RaisesAndReturns, DelayedWorkQueue, NULL);
    IoQueueWorkItem(item, RaisesAndReturns, DelayedWorkQueue, NULL);
    return STATUS_SUCCESS;
}

static VOID NTAPI RaisesInApc(PKAPC Apc, KNORMAL_ROUTINE **Routine, PVOID *Context, PVOID *Argument1, PVOID *Argument2)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(Routine);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
}

static NTSTATUS apc_raises_irql(PDEVICE_OBJECT Device, PIRP Irp)
{
    static KAPC apc;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeInitializeApc(&apc, KeGetCurrentThread(), OriginalApcEnvironment, RaisesInApc, NULL, NULL, KernelMode, NULL);
    KeInsertQueueApc(&apc, NULL, NULL, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS resource_not_owned(PDEVICE_OBJECT Device, PIRP Irp)
{
    static ERESOURCE resource;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    ExInitializeResourceLite(&resource);
    KeEnterCriticalRegion();
    ExReleaseResourceLite(&resource);
    return STATUS_SUCCESS;
}

static KDEFERRED_ROUTINE Late;
static VOID Late(PKDPC D, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(D);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static NTSTATUS timer_left_behind(PDEVICE_OBJECT Device, PIRP Irp)
{
    LARGE_INTEGER due;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    due.QuadPart = -10000000 * 15LL; /* the driver is gone by then */
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, Late, NULL);
    KeSetTimer(&Timer, due, &Dpc);
    return STATUS_SUCCESS;
}

/* ---- processes ---- */

static NTSTATUS attached_twice(PDEVICE_OBJECT Device, PIRP Irp)
{
    PKPROCESS own = (PKPROCESS)PsGetCurrentProcess();

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeAttachProcess((PKPROCESS)PsInitialSystemProcess);
    KeAttachProcess(own);
    return STATUS_SUCCESS;
}

static KDEFERRED_ROUTINE AttachesInDpc;
static VOID AttachesInDpc(PKDPC Unused, PVOID Context, PVOID A, PVOID B)
{
    static KAPC_STATE state;

    UNREFERENCED_PARAMETER(Unused);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(A);
    UNREFERENCED_PARAMETER(B);
    KeStackAttachProcess((PKPROCESS)PsInitialSystemProcess, &state);
}

static NTSTATUS attached_in_dpc(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeInitializeDpc(&Dpc, AttachesInDpc, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    return STATUS_SUCCESS;
}

static NTSTATUS detached_unattached(PDEVICE_OBJECT Device, PIRP Irp)
{
    KAPC_STATE state;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    RtlZeroMemory(&state, sizeof(state));
    KeUnstackDetachProcess(&state);
    return STATUS_SUCCESS;
}

static NTSTATUS pages_left_locked(PDEVICE_OBJECT Device, PIRP Irp)
{
    PVOID memory = NULL;
    SIZE_T bytes = PAGE_SIZE;
    PMDL mdl;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    ZwAllocateVirtualMemory(ZwCurrentProcess(), &memory, 0, &bytes, MEM_COMMIT, PAGE_READWRITE);
    mdl = IoAllocateMdl(memory, 4, FALSE, FALSE, NULL);
    MmProbeAndLockPages(mdl, UserMode, IoWriteAccess);
    return STATUS_SUCCESS;
}

/* ---- work items ---- */

static WORK_QUEUE_ITEM OwnItem;

static NTSTATUS work_item_without_routine(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    RtlZeroMemory(&OwnItem, sizeof(OwnItem));
    ExQueueWorkItem(&OwnItem, DelayedWorkQueue);
    return STATUS_SUCCESS;
}

static IO_WORKITEM_ROUTINE Nothing;
static VOID Nothing(PDEVICE_OBJECT Device, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Context);
}

static NTSTATUS work_item_freed_queued(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_WORKITEM item = IoAllocateWorkItem(Device);
    KIRQL irql;

    UNREFERENCED_PARAMETER(Irp);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoQueueWorkItem(item, Nothing, DelayedWorkQueue, NULL);
    IoFreeWorkItem(item);
    KeLowerIrql(irql);
    return STATUS_SUCCESS;
}

/* ---- pool, once more ---- */

static NTSTATUS freed_at_dispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    PVOID p = ExAllocatePoolWithTag(PagedPool, 64, TAG);
    KIRQL irql;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ExFreePoolWithTag(p, TAG);
    KeLowerIrql(irql);
    return STATUS_SUCCESS;
}

static NTSTATUS freed_inside(PDEVICE_OBJECT Device, PIRP Irp)
{
    PUCHAR p = Pool(256);

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    RtlZeroMemory(p, 256);
    ExFreePoolWithTag(p + 64, TAG);
    return STATUS_SUCCESS;
}

static NTSTATUS contiguous_elsewhere(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    MmFreeContiguousMemory(Pool(64));
    return STATUS_SUCCESS;
}

/* ---- the driver's own ---- */

static NTSTATUS own_code(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeBugCheckEx(0xE2, 1, 2, 3, 4);
}

static NTSTATUS stack_cookie(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    __fastfail(2); /* FAST_FAIL_STACK_COOKIE_CHECK_FAILURE */
}

static NTSTATUS never_completed(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    IoMarkIrpPending(Irp);
    return STATUS_PENDING;
}

/* ---- power ---- */

static BOOLEAN HoldPower;

static NTSTATUS power_held(PDEVICE_OBJECT Device, PIRP Irp)
{
    POWER_STATE state = {.DeviceState = PowerDeviceD3};

    UNREFERENCED_PARAMETER(Irp);
    HoldPower = TRUE;
    PoRequestPowerIrp(Device, IRP_MN_SET_POWER, state, NULL, NULL, NULL);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

static NTSTATUS power_device_deleted(PDEVICE_OBJECT Device, PIRP Irp)
{
    POWER_STATE state = {.DeviceState = PowerDeviceD3};
    LARGE_INTEGER moment = {.QuadPart = -100000};
    PDEVICE_OBJECT other;

    UNREFERENCED_PARAMETER(Irp);
    HoldPower = TRUE;
    IoCreateDevice(Device->DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &other);
    other->Flags &= ~DO_DEVICE_INITIALIZING;
    PoRequestPowerIrp(other, IRP_MN_SET_POWER, state, NULL, NULL, NULL);
    KeDelayExecutionThread(KernelMode, FALSE, &moment);
    IoDeleteDevice(other);
    return STATUS_SUCCESS;
}

/* ---- others ---- */

static NTSTATUS fast_mutex_not_held(PDEVICE_OBJECT Device, PIRP Irp)
{
    static FAST_MUTEX mutex;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    ExInitializeFastMutex(&mutex);
    ExReleaseFastMutex(&mutex);
    return STATUS_SUCCESS;
}

/* Nothing was allocated behind it, so no other block shows the damage. */
/* What ASSERT becomes in a checked build. */
static NTSTATUS assertion_failed(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    if (Device->ReferenceCount != 1000)
        RtlAssert("Device->ReferenceCount == 1000", __FILE__, __LINE__, NULL);
    return STATUS_SUCCESS;
}

static NTSTATUS newest_overrun(PDEVICE_OBJECT Device, PIRP Irp)
{
    volatile UCHAR *p = Pool(3000);

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    for (ULONG i = 3000; i < 3096; i++)
        p[i] = 0xEE;
    ExFreePoolWithTag((PVOID)p, TAG);
    return STATUS_SUCCESS;
}

/* ---- the driver ---- */

static NTSTATUS (*const Faults[])(PDEVICE_OBJECT Device, PIRP Irp) = {
#define FAULT(name) name,
#include "faults.h"
#undef FAULT
};

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;
static DRIVER_DISPATCH Dispatch;

static NTSTATUS Dispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = STATUS_SUCCESS;

    if (location->MajorFunction == IRP_MJ_POWER && HoldPower) {
        IoMarkIrpPending(Irp);
        return STATUS_PENDING;
    }
    if (location->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        ULONG n = ((location->Parameters.DeviceIoControl.IoControlCode >> 2) & 0xfff) - 0x800;

        status = n < RTL_NUMBER_OF(Faults) ? Faults[n](Device, Irp) : STATUS_INVALID_DEVICE_REQUEST;
    }
    if (status == STATUS_PENDING)
        return status;
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Faults");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Faults");

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteSymbolicLink(&LinkName);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = Dispatch;
    DriverObject->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
