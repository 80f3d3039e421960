/* A lamp: lit while somebody has it open. With -DFIXED, putting it out leaves those alone who wait for it to be lit. */
#include <ntddk.h>

#define LAMP_TAG 'pmaL'

typedef struct _LAMP {
    PDEVICE_OBJECT Self, Below, Pdo;
    IO_REMOVE_LOCK Gone;
    KSPIN_LOCK Lock; /* guards all below */
    LIST_ENTRY Waiting; /* opens that wait for light */
    LONG Users;
    BOOLEAN Lit;
    BOOLEAN Changing; /* a power request is under way */
    PIO_WORKITEM PutOutItem;
} LAMP, *PLAMP;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_ADD_DEVICE LampAdd;
static DRIVER_UNLOAD LampUnload;
static DRIVER_DISPATCH LampOpen, LampShut, LampPnp, LampPower, LampPass, LampEasy;
static REQUEST_POWER_COMPLETE LampChanged;
static IO_WORKITEM_ROUTINE LampPutOut;
static IO_COMPLETION_ROUTINE LampBelowDone;
static DRIVER_CANCEL LampCancel;

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Lamp");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Lamp");

static NTSTATUS Finish(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Takes the opens out under the lock, and completes them outside. One whose cancel routine has been called is not ours. */
__declspec(noinline) static VOID LampTellWaiting(PLAMP Lamp, NTSTATUS Status)
{
    LIST_ENTRY out;
    KIRQL irql;

    InitializeListHead(&out);
    KeAcquireSpinLock(&Lamp->Lock, &irql);
    for (PLIST_ENTRY e = Lamp->Waiting.Flink, next; e != &Lamp->Waiting; e = next) {
        PIRP irp = CONTAINING_RECORD(e, IRP, Tail.Overlay.ListEntry);
        next = e->Flink;
        if (!IoSetCancelRoutine(irp, NULL))
            continue;
        RemoveEntryList(e);
        InsertTailList(&out, e);
        if (!NT_SUCCESS(Status))
            Lamp->Users--;
    }
    KeReleaseSpinLock(&Lamp->Lock, irql);
    while (!IsListEmpty(&out))
        Finish(CONTAINING_RECORD(RemoveHeadList(&out), IRP, Tail.Overlay.ListEntry), Status);
}

static VOID LampCancel(PDEVICE_OBJECT Device, PIRP Irp)
{
    PLAMP lamp = (PLAMP)Device->DeviceExtension;
    KIRQL irql;

    IoReleaseCancelSpinLock(Irp->CancelIrql);
    KeAcquireSpinLock(&lamp->Lock, &irql);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    lamp->Users--;
    KeReleaseSpinLock(&lamp->Lock, irql);
    Finish(Irp, STATUS_CANCELLED);
}

/* The caller holds Gone for the request. */
__declspec(noinline) static VOID LampAsk(PLAMP Lamp, BOOLEAN On)
{
    POWER_STATE state;

    state.DeviceState = On ? PowerDeviceD0 : PowerDeviceD3;
    if (!NT_SUCCESS(PoRequestPowerIrp(Lamp->Pdo, IRP_MN_SET_POWER, state, LampChanged, Lamp, NULL))) {
        LampTellWaiting(Lamp, STATUS_INSUFFICIENT_RESOURCES);
        IoReleaseRemoveLock(&Lamp->Gone, Lamp);
    }
}

static VOID LampChanged(PDEVICE_OBJECT Device, UCHAR Minor, POWER_STATE State, PVOID Context, PIO_STATUS_BLOCK Block)
{
    PLAMP lamp = (PLAMP)Context;
    BOOLEAN lit = State.DeviceState == PowerDeviceD0, again = FALSE;
    KIRQL irql;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Minor);
    KeAcquireSpinLock(&lamp->Lock, &irql);
    if (NT_SUCCESS(Block->Status))
        lamp->Lit = lit;
    lamp->Changing = FALSE;
#ifdef FIXED
    again = NT_SUCCESS(Block->Status) && lit != (lamp->Users > 0);
    lamp->Changing = again;
#endif
    KeReleaseSpinLock(&lamp->Lock, irql);
    if (again) {
        LampAsk(lamp, !lit);
        return;
    }
    if (lit)
        LampTellWaiting(lamp, Block->Status);
    IoReleaseRemoveLock(&lamp->Gone, lamp);
}

static NTSTATUS LampOpen(PDEVICE_OBJECT Device, PIRP Irp)
{
    PLAMP lamp = (PLAMP)Device->DeviceExtension;
    BOOLEAN ask = TRUE, lit = FALSE, cancelled;
    KIRQL irql;
    NTSTATUS status = IoAcquireRemoveLock(&lamp->Gone, lamp);

    if (!NT_SUCCESS(status))
        return Finish(Irp, status);
    IoMarkIrpPending(Irp);
    KeAcquireSpinLock(&lamp->Lock, &irql);
    lamp->Users++;
    InsertTailList(&lamp->Waiting, &Irp->Tail.Overlay.ListEntry);
    IoSetCancelRoutine(Irp, LampCancel);
    /* Cancelled before there was a routine: nobody else will notice. */
    cancelled = Irp->Cancel && IoSetCancelRoutine(Irp, NULL);
    if (cancelled) {
        RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
        lamp->Users--;
        KeReleaseSpinLock(&lamp->Lock, irql);
        Finish(Irp, STATUS_CANCELLED);
        IoReleaseRemoveLock(&lamp->Gone, lamp);
        return STATUS_PENDING;
    }
#ifdef FIXED
    ask = !lamp->Changing && !lamp->Lit;
    lit = !lamp->Changing && lamp->Lit;
    lamp->Changing |= ask;
#endif
    KeReleaseSpinLock(&lamp->Lock, irql);
    if (ask)
        LampAsk(lamp, TRUE);
    else {
        if (lit)
            LampTellWaiting(lamp, STATUS_SUCCESS);
        IoReleaseRemoveLock(&lamp->Gone, lamp);
    }
    return STATUS_PENDING;
}

static NTSTATUS LampShut(PDEVICE_OBJECT Device, PIRP Irp)
{
    PLAMP lamp = (PLAMP)Device->DeviceExtension;
    PIO_WORKITEM item = IoAllocateWorkItem(Device);
    BOOLEAN queue = FALSE;
    KIRQL irql;

    if (item && NT_SUCCESS(IoAcquireRemoveLock(&lamp->Gone, lamp))) {
        KeAcquireSpinLock(&lamp->Lock, &irql);
        queue = --lamp->Users == 0 && !lamp->PutOutItem;
        if (queue)
            lamp->PutOutItem = item;
        KeReleaseSpinLock(&lamp->Lock, irql);
        if (queue)
            IoQueueWorkItem(item, LampPutOut, DelayedWorkQueue, lamp);
        else
            IoReleaseRemoveLock(&lamp->Gone, lamp);
    }
    if (item && !queue)
        IoFreeWorkItem(item);
    return Finish(Irp, STATUS_SUCCESS);
}

static VOID LampPutOut(PDEVICE_OBJECT Device, PVOID Context)
{
    PLAMP lamp = (PLAMP)Context;
    BOOLEAN ask = TRUE;
    KIRQL irql;

    UNREFERENCED_PARAMETER(Device);
    KeAcquireSpinLock(&lamp->Lock, &irql);
    IoFreeWorkItem(lamp->PutOutItem);
    lamp->PutOutItem = NULL;
#ifdef FIXED
    ask = !lamp->Changing && lamp->Lit && lamp->Users == 0;
    lamp->Changing |= ask;
#endif
    KeReleaseSpinLock(&lamp->Lock, irql);
    if (ask)
        LampAsk(lamp, FALSE);
    else
        IoReleaseRemoveLock(&lamp->Gone, lamp);
}

static NTSTATUS LampPower(PDEVICE_OBJECT Device, PIRP Irp)
{
    PLAMP lamp = (PLAMP)Device->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = IoAcquireRemoveLock(&lamp->Gone, Irp);

    PoStartNextPowerIrp(Irp);
    if (!NT_SUCCESS(status))
        return Finish(Irp, status);
#ifndef FIXED
    if (stack->MinorFunction == IRP_MN_SET_POWER && stack->Parameters.Power.Type == DevicePowerState &&
        stack->Parameters.Power.State.DeviceState != PowerDeviceD0)
        LampTellWaiting(lamp, STATUS_DEVICE_NOT_READY);
#else
    UNREFERENCED_PARAMETER(stack);
#endif
    IoSkipCurrentIrpStackLocation(Irp);
    status = PoCallDriver(lamp->Below, Irp);
    IoReleaseRemoveLock(&lamp->Gone, Irp);
    return status;
}

static NTSTATUS LampBelowDone(PDEVICE_OBJECT Device, PIRP Irp, PVOID Event)
{
    UNREFERENCED_PARAMETER(Device);
    if (Irp->PendingReturned)
        KeSetEvent((PKEVENT)Event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS LampStart(PLAMP Lamp, PIRP Irp)
{
    KEVENT done;
    NTSTATUS status;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, LampBelowDone, &done, TRUE, TRUE, TRUE);
    status = IoCallDriver(Lamp->Below, Irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = Irp->IoStatus.Status;
    }
    if (NT_SUCCESS(status))
        status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    return Finish(Irp, status);
}

static NTSTATUS LampRemove(PLAMP Lamp, PIRP Irp)
{
    NTSTATUS status;

    IoDeleteSymbolicLink(&LinkName);
    LampTellWaiting(Lamp, STATUS_DELETE_PENDING);
    IoReleaseRemoveLockAndWait(&Lamp->Gone, Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(Lamp->Below, Irp);
    IoDetachDevice(Lamp->Below);
    IoDeleteDevice(Lamp->Self);
    return status;
}

static NTSTATUS LampPnp(PDEVICE_OBJECT Device, PIRP Irp)
{
    PLAMP lamp = (PLAMP)Device->DeviceExtension;
    UCHAR minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    NTSTATUS status = IoAcquireRemoveLock(&lamp->Gone, Irp);

    if (!NT_SUCCESS(status))
        return Finish(Irp, status);
    if (minor == IRP_MN_REMOVE_DEVICE)
        return LampRemove(lamp, Irp);
    if (minor == IRP_MN_START_DEVICE)
        status = LampStart(lamp, Irp);
    else {
        if (minor == IRP_MN_QUERY_REMOVE_DEVICE || minor == IRP_MN_SURPRISE_REMOVAL ||
            minor == IRP_MN_CANCEL_REMOVE_DEVICE)
            Irp->IoStatus.Status = STATUS_SUCCESS;
        IoSkipCurrentIrpStackLocation(Irp);
        status = IoCallDriver(lamp->Below, Irp);
    }
    IoReleaseRemoveLock(&lamp->Gone, Irp);
    return status;
}

static NTSTATUS LampPass(PDEVICE_OBJECT Device, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(((PLAMP)Device->DeviceExtension)->Below, Irp);
}

static NTSTATUS LampEasy(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return Finish(Irp, STATUS_SUCCESS);
}

static NTSTATUS LampAdd(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Pdo)
{
    PDEVICE_OBJECT self;
    PLAMP lamp;
    NTSTATUS status =
        IoCreateDevice(Driver, sizeof(LAMP), &DeviceName, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &self);

    if (!NT_SUCCESS(status))
        return status;
    lamp = (PLAMP)self->DeviceExtension;
    RtlZeroMemory(lamp, sizeof(*lamp));
    lamp->Self = self;
    lamp->Pdo = Pdo;
    lamp->Lit = TRUE;
    KeInitializeSpinLock(&lamp->Lock);
    InitializeListHead(&lamp->Waiting);
    IoInitializeRemoveLock(&lamp->Gone, LAMP_TAG, 0, 0);
    lamp->Below = IoAttachDeviceToDeviceStack(self, Pdo);
    if (!lamp->Below) {
        IoDeleteDevice(self);
        return STATUS_NO_SUCH_DEVICE;
    }
    self->Flags |= DO_POWER_PAGABLE;
    self->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID LampUnload(PDRIVER_OBJECT Driver)
{
    UNREFERENCED_PARAMETER(Driver);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        Driver->MajorFunction[i] = LampPass;
    Driver->MajorFunction[IRP_MJ_CREATE] = LampOpen;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = LampEasy;
    Driver->MajorFunction[IRP_MJ_CLOSE] = LampShut;
    Driver->MajorFunction[IRP_MJ_PNP] = LampPnp;
    Driver->MajorFunction[IRP_MJ_POWER] = LampPower;
    Driver->DriverExtension->AddDevice = LampAdd;
    Driver->DriverUnload = LampUnload;
    return STATUS_SUCCESS;
}
