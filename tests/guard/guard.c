/* Mistakes with memory, and beside each the right way. A control code's input is a ULONG: not zero asks for the right way. */
#include <ntifs.h>
#include <stdio.h>

#define FAULT(name) static NTSTATUS name(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right);
#include "faults.h"
#undef FAULT

#define TAG 'drGI'
#define LATER CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_BUFFERED, FILE_ANY_ACCESS)

static KTIMER Timer;
static KDPC Dpc;
static PIRP Waiting;
static KEVENT Done;
static volatile UCHAR Sink;

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static PUCHAR Pool(SIZE_T Bytes)
{
    PUCHAR p = ExAllocatePoolWithTag(NonPagedPoolNx, Bytes, TAG);

    if (!p)
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    return p;
}

/* Somewhere that the compiler does not look into. */
static __declspec(noinline) VOID Put(PUCHAR At)
{
    *At = 1;
}

static __declspec(noinline) VOID Get(PUCHAR At)
{
    Sink = *At;
}

/* ---- pool ---- */

static NTSTATUS read_freed_pool(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(64);

    if (Right)
        Get(p + 16);
    ExFreePoolWithTag(p, TAG);
    if (!Right)
        Get(p + 16);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS write_freed_pool(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(200);

    if (Right)
        Put(p + 199);
    ExFreePoolWithTag(p, TAG);
    if (!Right)
        Put(p + 199);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS write_behind(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(64);

    Put(p + (Right ? 63 : 64));
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS write_behind_odd(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(61);

    Put(p + (Right ? 60 : 61));
    KeClearEvent(&Done);
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS read_behind(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(16);

    Get(p + (Right ? 15 : 16));
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS read_before(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(100);

    Get(Right ? p : p - 1);
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS read_behind_odd(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(50);

    Get(p + (Right ? 49 : 50));
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS loop_behind(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(61);
    ULONG i;

    for (i = 0; i < (Right ? 61u : 62u); i++)
        Put(p + i);
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS write_behind_last_page(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(PAGE_SIZE + 100);

    Put(p);
    Put(p + PAGE_SIZE + 99);
    Put(p + PAGE_SIZE + (Right ? 50 : 100));
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS read_behind_last_page(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(PAGE_SIZE + 1);

    Get(p + PAGE_SIZE + (Right ? 0 : 1));
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS write_behind_cache_line(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = ExAllocatePoolWithTag(NonPagedPoolNxCacheAligned, 70, TAG);

    Put(p + (Right ? 69 : 70));
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

/* An instruction of the driver's that goes over many bytes. */
static NTSTATUS string_behind(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(200);

    PUCHAR to = p;
    SIZE_T bytes = Right ? 200 : 201;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(7) : "memory");
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

/* Copies by the kernel. */
static PVOID (*volatile Copy)(PVOID, const VOID *, SIZE_T) = (PVOID(*)(PVOID, const VOID *, SIZE_T))memcpy;
static PVOID (*volatile Fill)(PVOID, int, SIZE_T) = (PVOID(*)(PVOID, int, SIZE_T))memset;

static NTSTATUS copy_behind(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    static UCHAR from[100];
    PUCHAR p = Pool(90);

    Copy(p, from, Right ? 90 : 91);
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS copy_from_behind(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    static UCHAR to[100];
    PUCHAR p = Pool(90);

    Copy(to, p, Right ? 90 : 91);
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS copy_before(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    static UCHAR from[100];
    PUCHAR p = Pool(96);

    Copy(Right ? p : p - 4, from, 50);
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS fill_behind_last_page(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(2 * PAGE_SIZE + 8);

    Fill(p, 0, 2 * PAGE_SIZE + (Right ? 8 : 9));
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

/* An export that writes byte by byte: only its first write is looked at, then what lies beside the block. */
static NTSTATUS format_behind(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PCHAR p = (PCHAR)Pool(10);

    sprintf(p, "%d", Right ? 123456789 : 1234567890);
    KeClearEvent(&Done);
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

/* One instruction begins inside and ends behind. */
static NTSTATUS wide_behind(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(61);

    *(volatile ULONG UNALIGNED *)(p + (Right ? 57 : 58)) = 0x12345678;
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS write_behind_pages(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(2 * PAGE_SIZE);

    Put(p + (Right ? 2 * PAGE_SIZE - 1 : 2 * PAGE_SIZE));
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS write_before(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(64);

    Put(Right ? p : p - 1);
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS freed_twice(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(64);

    ExFreePoolWithTag(p, TAG);
    if (!Right)
        ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS lookaside_freed(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    static NPAGED_LOOKASIDE_LIST list;
    PUCHAR p;

    ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 48, TAG, 0);
    p = ExAllocateFromNPagedLookasideList(&list);
    if (p) {
        if (Right)
            Get(p);
        ExFreeToNPagedLookasideList(&list, p);
        if (!Right)
            Get(p);
    }
    ExDeleteNPagedLookasideList(&list);
    return Complete(Irp, STATUS_SUCCESS);
}

/* ---- IRPs ---- */

static NTSTATUS read_completed_irp(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    if (Right)
        Get((PUCHAR)&Irp->IoStatus.Status);
    Complete(Irp, STATUS_SUCCESS);
    if (!Right)
        Get((PUCHAR)&Irp->IoStatus.Status);
    return STATUS_SUCCESS;
}

static NTSTATUS read_completed_buffer(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR buffer = Irp->AssociatedIrp.SystemBuffer;

    if (Right)
        Get(buffer);
    Complete(Irp, STATUS_SUCCESS);
    if (!Right)
        Get(buffer);
    return STATUS_SUCCESS;
}

static NTSTATUS next_location(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    IRP keep = *Irp; /* what is overwritten is given back, so that the request can be completed */

    if (!Right) {
        IoCopyCurrentIrpStackLocationToNext(Irp); /* there is none: this device has no device below */
        KeClearEvent(&Done);
        *Irp = keep;
    }
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS current_location(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PIRP other = IoAllocateIrp(1, FALSE);

    if (!other)
        return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    if (Right)
        IoSetNextIrpStackLocation(other);
    IoGetCurrentIrpStackLocation(other)->DeviceObject = Device;
    IoFreeIrp(other);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS freed_irp_twice(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PIRP other = IoAllocateIrp(3, FALSE);

    if (!other)
        return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    IoFreeIrp(other);
    if (!Right)
        IoFreeIrp(other);
    return Complete(Irp, STATUS_SUCCESS);
}

/* ---- frames ---- */

static VOID CompleteLater(PKDPC D, PVOID Context, PVOID A, PVOID B)
{
    PIRP irp = Waiting;

    irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static VOID SetLater(PKDPC D, PVOID Context, PVOID A, PVOID B)
{
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    KeSetEvent(&Done, IO_NO_INCREMENT, FALSE);
}

static VOID After(LONG Milliseconds, PKDEFERRED_ROUTINE Routine, PVOID Context)
{
    LARGE_INTEGER due;

    due.QuadPart = -10000ll * Milliseconds;
    KeClearEvent(&Done);
    KeInitializeDpc(&Dpc, Routine, Context);
    KeInitializeTimer(&Timer);
    KeSetTimer(&Timer, due, &Dpc);
}

static NTSTATUS Signal(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    if (Context)
        KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    IoFreeIrp(Irp);
    KeSetEvent(&Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID SendLater(PDEVICE_OBJECT Device, PKEVENT Event, PIO_STATUS_BLOCK Status)
{
    PIRP irp = IoAllocateIrp(Device->StackSize, FALSE);
    PIO_STACK_LOCATION next;

    if (!irp)
        return;
    next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    next->Parameters.DeviceIoControl.IoControlCode = LATER;
    irp->UserIosb = Status;
    IoSetCompletionRoutine(irp, Signal, Event, TRUE, TRUE, TRUE);
    IoCallDriver(Device, irp);
}

static __declspec(noinline) VOID StartContext(PDEVICE_OBJECT Device, BOOLEAN Wait)
{
    KEVENT event;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    SendLater(Device, &event, NULL);
    if (Wait)
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
}

static NTSTATUS context_in_dead_frame(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    StartContext(Device, Right);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    return Complete(Irp, STATUS_SUCCESS);
}

static __declspec(noinline) VOID StartEvent(BOOLEAN Wait)
{
    KEVENT event;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    After(5, SetLater, &event);
    if (Wait)
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
}

static NTSTATUS event_in_dead_frame(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    StartEvent(Right);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    return Complete(Irp, STATUS_SUCCESS);
}

static __declspec(noinline) VOID StartStatus(PDEVICE_OBJECT Device, BOOLEAN Wait)
{
    IO_STATUS_BLOCK status;

    SendLater(Device, NULL, &status);
    if (Wait)
        KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
}

static NTSTATUS status_block_in_dead_frame(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    StartStatus(Device, Right);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    return Complete(Irp, STATUS_SUCCESS);
}

/* ---- other objects ---- */

static VOID Work(PDEVICE_OBJECT Device, PVOID Context)
{
    KeSetEvent(&Done, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS work_item_freed(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PIO_WORKITEM item = IoAllocateWorkItem(Device);

    if (!item)
        return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    if (!Right)
        IoFreeWorkItem(item);
    KeClearEvent(&Done);
    IoQueueWorkItem(item, Work, DelayedWorkQueue, NULL);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    if (Right)
        IoFreeWorkItem(item);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS mdl_freed(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(64);
    PMDL mdl = IoAllocateMdl(p, 64, FALSE, FALSE, NULL);

    if (mdl) {
        if (Right)
            Get((PUCHAR)&mdl->ByteCount);
        IoFreeMdl(mdl);
        if (!Right)
            Get((PUCHAR)&mdl->ByteCount);
    }
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS mdl_freed_twice(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PUCHAR p = Pool(64);
    PMDL mdl = IoAllocateMdl(p, 64, FALSE, FALSE, NULL);

    if (mdl) {
        IoFreeMdl(mdl);
        if (!Right)
            IoFreeMdl(mdl);
    }
    ExFreePoolWithTag(p, TAG);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS extension_gone(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Right)
{
    PDEVICE_OBJECT other;
    PIO_REMOVE_LOCK lock;

    if (!NT_SUCCESS(IoCreateDevice(Device->DriverObject, sizeof *lock, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &other)))
        return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    lock = other->DeviceExtension;
    IoInitializeRemoveLock(lock, TAG, 0, 0);
    IoAcquireRemoveLock(lock, Irp);
    if (Right)
        IoReleaseRemoveLock(lock, Irp);
    IoDeleteDevice(other);
    if (!Right)
        IoReleaseRemoveLock(lock, Irp);
    return Complete(Irp, STATUS_SUCCESS);
}

/* ---- the driver ---- */

static NTSTATUS (*const Faults[])(PDEVICE_OBJECT, PIRP, BOOLEAN) = {
#define FAULT(name) name,
#include "faults.h"
#undef FAULT
};

static NTSTATUS Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    ULONG fault = (location->Parameters.DeviceIoControl.IoControlCode >> 2 & 0xFFF) - 0x800;

    if (fault >= RTL_NUMBER_OF(Faults) || location->Parameters.DeviceIoControl.InputBufferLength < sizeof(ULONG))
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    return Faults[fault](Device, Irp, *(PULONG)Irp->AssociatedIrp.SystemBuffer != 0);
}

static NTSTATUS Later(PDEVICE_OBJECT Device, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    Waiting = Irp;
    After(5, CompleteLater, NULL);
    return STATUS_PENDING;
}

static NTSTATUS Succeed(PDEVICE_OBJECT Device, PIRP Irp)
{
    return Complete(Irp, STATUS_SUCCESS);
}

static VOID Unload(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\Guard");

    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(Driver->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING Path)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Guard"), link = RTL_CONSTANT_STRING(L"\\DosDevices\\Guard");
    PDEVICE_OBJECT device;
    NTSTATUS status = IoCreateDevice(Driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);

    if (!NT_SUCCESS(status))
        return status;
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLOSE] = Succeed;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Driver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = Later;
    Driver->DriverUnload = Unload;
    return IoCreateSymbolicLink(&link, &name);
}
