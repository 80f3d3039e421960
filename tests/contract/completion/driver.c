/* Device stacks inside one driver: attaching, passing down, completion routines, who sees what in which order.
 *
 * Each test builds a stack of unnamed devices of this driver (Bottom below Middle below Top), sets what each level shall do
 * with the next request, and sends one. */
#include "contract_driver.h"

enum { BOTTOM, MIDDLE, TOP, LEVELS };

typedef struct _LEVEL {
    PDEVICE_OBJECT Lower; /* NULL: this level completes */
    ULONG Index;
    BOOLEAN Skip; /* otherwise copy and set a completion routine */
    BOOLEAN OnSuccess, OnError, OnCancel;
    BOOLEAN Stop; /* the routine takes the request: STATUS_MORE_PROCESSING_REQUIRED */
    BOOLEAN Pend; /* the completing level does so from a work item */
    NTSTATUS Status;
    PIO_WORKITEM Item;
    PIRP Irp;
    /* seen */
    CCHAR Location;
    BOOLEAN RoutineRan, PendingReturned;
    PDEVICE_OBJECT RoutineDevice;
    NTSTATUS SeenStatus;
    ULONG_PTR SeenInformation;
    ULONG Order;
} LEVEL, *PLEVEL;

static PDEVICE_OBJECT Devices[LEVELS];
static PLEVEL Levels[LEVELS];
static ULONG Order;

static NTSTATUS MakeStack(PDRIVER_OBJECT Driver)
{
    for (ULONG i = 0; i < LEVELS; i++) {
        NTSTATUS status = IoCreateDevice(Driver, sizeof(LEVEL), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Devices[i]);
        if (!NT_SUCCESS(status))
            return status;
        Levels[i] = (PLEVEL)Devices[i]->DeviceExtension;
        RtlZeroMemory(Levels[i], sizeof(LEVEL));
        Levels[i]->Index = i;
        Levels[i]->OnSuccess = Levels[i]->OnError = Levels[i]->OnCancel = TRUE;
        Devices[i]->Flags &= ~DO_DEVICE_INITIALIZING;
        if (i)
            Levels[i]->Lower = IoAttachDeviceToDeviceStack(Devices[i], Devices[BOTTOM]);
    }
    Order = 0;
    return STATUS_SUCCESS;
}

static VOID FreeStack(VOID)
{
    for (LONG i = LEVELS - 1; i >= 0; i--) {
        if (Levels[i]->Lower)
            IoDetachDevice(Levels[i]->Lower);
        IoDeleteDevice(Devices[i]);
    }
}

static IO_COMPLETION_ROUTINE Routine;
static NTSTATUS Routine(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    PLEVEL level = (PLEVEL)Context;

    level->RoutineRan = TRUE;
    level->RoutineDevice = Device;
    level->PendingReturned = Irp->PendingReturned;
    level->SeenStatus = Irp->IoStatus.Status;
    level->SeenInformation = Irp->IoStatus.Information;
    level->Order = ++Order;
    if (level->Stop)
        return STATUS_MORE_PROCESSING_REQUIRED;
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static IO_WORKITEM_ROUTINE CompleteLater;
static VOID CompleteLater(PDEVICE_OBJECT Device, PVOID Context)
{
    PLEVEL level = (PLEVEL)Context;

    UNREFERENCED_PARAMETER(Device);
    IoFreeWorkItem(level->Item);
    ContractComplete(level->Irp, level->Status, 7);
}

static NTSTATUS Other(PDEVICE_OBJECT Device, PIRP Irp)
{
    PLEVEL level;

    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction != IRP_MJ_INTERNAL_DEVICE_CONTROL)
        return ContractDefault(Irp);
    level = (PLEVEL)Device->DeviceExtension;
    level->Location = Irp->CurrentLocation;
    if (level->Lower && level->Skip) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(level->Lower, Irp);
    }
    if (level->Lower) {
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, Routine, level, level->OnSuccess, level->OnError, level->OnCancel);
        return IoCallDriver(level->Lower, Irp);
    }
    if (!level->Pend)
        return ContractComplete(Irp, level->Status, 7);
    IoMarkIrpPending(Irp);
    level->Irp = Irp;
    level->Item = IoAllocateWorkItem(Device);
    IoQueueWorkItem(level->Item, CompleteLater, DelayedWorkQueue, level);
    return STATUS_PENDING;
}

/* Sends an internal control request to the top and waits. Returns what IoCallDriver returned. */
static NTSTATUS Send(PIO_STATUS_BLOCK Block, BOOLEAN *Waited)
{
    KEVENT done;
    PIRP irp;
    NTSTATUS status;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    Block->Status = 0x11111111;
    Block->Information = 0x2222;
    irp = IoBuildDeviceIoControlRequest(IOCTL_AREA(0, METHOD_NEITHER), Devices[TOP], NULL, 0, NULL, 0, TRUE, &done, Block);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = IoCallDriver(Devices[TOP], irp);
    *Waited = status == STATUS_PENDING;
    if (*Waited)
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    return status;
}

static VOID StackSizes(PCONTRACT t)
{
    PDEVICE_OBJECT top;

    CHECK_STATUS(MakeStack(t->Device->DriverObject), STATUS_SUCCESS);
    CHECK_EQ(Devices[BOTTOM]->StackSize, 1);
    CHECK_EQ(Devices[MIDDLE]->StackSize, 2);
    CHECK_EQ(Devices[TOP]->StackSize, 3);
    CHECK(Levels[MIDDLE]->Lower == Devices[BOTTOM]);
    CHECK(Levels[TOP]->Lower == Devices[MIDDLE]);
    CHECK(Devices[BOTTOM]->AttachedDevice == Devices[MIDDLE]);
    top = IoGetAttachedDeviceReference(Devices[BOTTOM]);
    CHECK(top == Devices[TOP]);
    ObDereferenceObject(top);
    CHECK(IoGetAttachedDevice(Devices[MIDDLE]) == Devices[TOP]);
    FreeStack();
}

static VOID InOrder(PCONTRACT t)
{
    IO_STATUS_BLOCK block;
    BOOLEAN waited;

    MakeStack(t->Device->DriverObject);
    CHECK_STATUS(Send(&block, &waited), STATUS_SUCCESS);
    CHECK_STATUS(block.Status, STATUS_SUCCESS);
    CHECK_EQ(block.Information, 7);
    CHECK_EQ(Levels[TOP]->Location, 3);
    CHECK_EQ(Levels[MIDDLE]->Location, 2);
    CHECK_EQ(Levels[BOTTOM]->Location, 1);
    CHECK_EQ(Levels[MIDDLE]->Order, 1);
    CHECK_EQ(Levels[TOP]->Order, 2);
    CHECK(Levels[MIDDLE]->RoutineDevice == Devices[MIDDLE]);
    CHECK(Levels[TOP]->RoutineDevice == Devices[TOP]);
    CHECK(!Levels[TOP]->PendingReturned);
    CHECK_EQ(Levels[TOP]->SeenInformation, 7);
    FreeStack();
}

static VOID Skipping(PCONTRACT t)
{
    IO_STATUS_BLOCK block;
    BOOLEAN waited;

    MakeStack(t->Device->DriverObject);
    Levels[MIDDLE]->Skip = TRUE;
    CHECK_STATUS(Send(&block, &waited), STATUS_SUCCESS);
    CHECK_EQ(Levels[TOP]->Location, 3);
    CHECK_EQ(Levels[MIDDLE]->Location, 2);
    CHECK_EQ(Levels[BOTTOM]->Location, 2);
    CHECK(!Levels[MIDDLE]->RoutineRan);
    CHECK(Levels[TOP]->RoutineRan);
    FreeStack();
}

static VOID OnlyWhenAsked(PCONTRACT t)
{
    IO_STATUS_BLOCK block;
    BOOLEAN waited;

    MakeStack(t->Device->DriverObject);
    Levels[MIDDLE]->OnSuccess = FALSE;
    Levels[TOP]->OnError = Levels[TOP]->OnCancel = FALSE;
    Send(&block, &waited);
    CHECK(!Levels[MIDDLE]->RoutineRan);
    CHECK(Levels[TOP]->RoutineRan);
    FreeStack();

    MakeStack(t->Device->DriverObject);
    Levels[BOTTOM]->Status = STATUS_DEVICE_BUSY;
    Levels[MIDDLE]->OnSuccess = FALSE;
    Levels[TOP]->OnError = Levels[TOP]->OnCancel = FALSE;
    CHECK_STATUS(Send(&block, &waited), STATUS_DEVICE_BUSY);
    CHECK(Levels[MIDDLE]->RoutineRan);
    CHECK_STATUS(Levels[MIDDLE]->SeenStatus, STATUS_DEVICE_BUSY);
    CHECK(!Levels[TOP]->RoutineRan);
    FreeStack();
}

/* DOC: an error that was not pended is told by the return value alone; the status block is not written. */
static VOID ErrorsInBand(PCONTRACT t)
{
    IO_STATUS_BLOCK block;
    BOOLEAN waited;

    MakeStack(t->Device->DriverObject);
    Levels[BOTTOM]->Status = STATUS_INVALID_PARAMETER;
    CHECK_STATUS(Send(&block, &waited), STATUS_INVALID_PARAMETER);
    CHECK(!waited);
    CHECK_STATUS(block.Status, 0x11111111);
    FreeStack();
}

static VOID Pending(PCONTRACT t)
{
    static const NTSTATUS statuses[] = {STATUS_SUCCESS, STATUS_IO_TIMEOUT};

    for (ULONG i = 0; i < 2; i++) {
        IO_STATUS_BLOCK block;
        BOOLEAN waited;

        MakeStack(t->Device->DriverObject);
        Levels[BOTTOM]->Pend = TRUE;
        Levels[BOTTOM]->Status = statuses[i];
        CHECK_STATUS(Send(&block, &waited), STATUS_PENDING);
        CHECK(waited);
        CHECK_STATUS(block.Status, statuses[i]);
        CHECK(Levels[MIDDLE]->PendingReturned);
        CHECK(Levels[TOP]->PendingReturned);
        FreeStack();
    }
}

/* Without a routine the mark travels up by itself. */
static VOID PendingThroughSkip(PCONTRACT t)
{
    IO_STATUS_BLOCK block;
    BOOLEAN waited;

    MakeStack(t->Device->DriverObject);
    Levels[BOTTOM]->Pend = TRUE;
    Levels[MIDDLE]->Skip = TRUE;
    Levels[TOP]->OnSuccess = FALSE;
    CHECK_STATUS(Send(&block, &waited), STATUS_PENDING);
    CHECK_STATUS(block.Status, STATUS_SUCCESS);
    CHECK_EQ(block.Information, 7);
    FreeStack();
}

/* ---- requests of the driver's own ---- */

typedef struct _OWN {
    KEVENT Done;
    NTSTATUS Status;
    PDEVICE_OBJECT Device;
} OWN, *POWN;

static IO_COMPLETION_ROUTINE OwnRoutine;
static NTSTATUS OwnRoutine(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    POWN own = (POWN)Context;

    own->Status = Irp->IoStatus.Status;
    own->Device = Device;
    KeSetEvent(&own->Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID AllocatedIrp(PCONTRACT t)
{
    for (ULONG pend = 0; pend < 2; pend++) {
        OWN own = {.Device = t->Device};
        PIRP irp;
        PIO_STACK_LOCATION stack;

        MakeStack(t->Device->DriverObject);
        Levels[BOTTOM]->Pend = (BOOLEAN)pend;
        KeInitializeEvent(&own.Done, NotificationEvent, FALSE);
        irp = IoAllocateIrp(Devices[TOP]->StackSize, FALSE);
        CHECK(irp != NULL);
        CHECK_EQ(irp->StackCount, 3);
        CHECK_EQ(irp->CurrentLocation, 4);
        stack = IoGetNextIrpStackLocation(irp);
        stack->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
        IoSetCompletionRoutine(irp, OwnRoutine, &own, TRUE, TRUE, TRUE);
        CHECK_STATUS(IoCallDriver(Devices[TOP], irp), pend ? STATUS_PENDING : STATUS_SUCCESS);
        KeWaitForSingleObject(&own.Done, Executive, KernelMode, FALSE, NULL);
        CHECK_STATUS(own.Status, STATUS_SUCCESS);
        /* The issuer has no location, so its routine has no device. */
        CHECK(own.Device == NULL);
        IoFreeIrp(irp);
        FreeStack();
    }
}

static VOID ReusedIrp(PCONTRACT t)
{
    OWN own = {0};
    PIRP irp;

    MakeStack(t->Device->DriverObject);
    irp = IoAllocateIrp(Devices[TOP]->StackSize, FALSE);
    for (ULONG i = 0; i < 3; i++) {
        KeInitializeEvent(&own.Done, NotificationEvent, FALSE);
        IoReuseIrp(irp, STATUS_NOT_SUPPORTED);
        CHECK_STATUS(irp->IoStatus.Status, STATUS_NOT_SUPPORTED);
        IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
        IoSetCompletionRoutine(irp, OwnRoutine, &own, TRUE, TRUE, TRUE);
        CHECK_STATUS(IoCallDriver(Devices[TOP], irp), STATUS_SUCCESS);
    }
    CHECK_EQ(Order, 6);
    IoFreeIrp(irp);
    FreeStack();
}

/* A routine that keeps the request: the same request goes on from where it stopped when it is completed again. */
static VOID TakenAndResumed(PCONTRACT t)
{
    OWN own = {0};
    LARGE_INTEGER now = {.QuadPart = 0};
    PIRP irp;

    MakeStack(t->Device->DriverObject);
    Levels[MIDDLE]->Stop = TRUE;
    KeInitializeEvent(&own.Done, NotificationEvent, FALSE);
    irp = IoAllocateIrp(Devices[TOP]->StackSize, FALSE);
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    IoSetCompletionRoutine(irp, OwnRoutine, &own, TRUE, TRUE, TRUE);
    IoCallDriver(Devices[TOP], irp);
    CHECK(Levels[MIDDLE]->RoutineRan);
    CHECK(!Levels[TOP]->RoutineRan);
    CHECK_STATUS(KeWaitForSingleObject(&own.Done, Executive, KernelMode, FALSE, &now), STATUS_TIMEOUT);
    CHECK_EQ(irp->CurrentLocation, 2);
    irp->IoStatus.Status = STATUS_NO_MEMORY;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    CHECK(Levels[TOP]->RoutineRan);
    CHECK_STATUS(own.Status, STATUS_NO_MEMORY);
    IoFreeIrp(irp);
    FreeStack();
}

static VOID ForwardSynchronously(PCONTRACT t)
{
    OWN own = {0};
    PIRP irp;

    MakeStack(t->Device->DriverObject);
    Levels[BOTTOM]->Pend = TRUE;
    Levels[BOTTOM]->Status = STATUS_DEVICE_NOT_READY;
    KeInitializeEvent(&own.Done, NotificationEvent, FALSE);
    /* One location more, for the caller that forwards. */
    irp = IoAllocateIrp(Devices[TOP]->StackSize + 1, FALSE);
    IoSetNextIrpStackLocation(irp);
    IoGetCurrentIrpStackLocation(irp)->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    CHECK(IoForwardIrpSynchronously(Devices[TOP], irp));
    CHECK_STATUS(irp->IoStatus.Status, STATUS_DEVICE_NOT_READY);
    IoFreeIrp(irp);
    FreeStack();
}

static const CONTRACT_TEST Tests[] = {
    {"stack sizes", StackSizes},
    {"routines run upwards", InOrder},
    {"a level that skips", Skipping},
    {"routines run when asked", OnlyWhenAsked},
    {"errors in band", ErrorsInBand},
    {"pending", Pending},
    {"pending through a level that skips", PendingThroughSkip},
    {"an allocated IRP", AllocatedIrp},
    {"a reused IRP", ReusedIrp},
    {"taken and resumed", TakenAndResumed},
    {"forwarded synchronously", ForwardSynchronously},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests), NULL, NULL, Other};
