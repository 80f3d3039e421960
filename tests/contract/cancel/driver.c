/* Waits that can be cancelled, and IRPs that are: what FsRtlCancellableWait… returns, which requests CancelSynchronousIo finds, what
 * Cancel and the cancel routine see, what the end of a thread does. */
#include "contract_driver.h"
#include <ntundoc.h>

enum { CANCELLABLE_WAIT, MULTIPLE_WAIT, FIRST_STATUS, IN_WAIT, PEND, CANCEL_CALLS, LEAVES_THREADED };

static KEVENT Never, Go;
static volatile LONG InWait;
static volatile NTSTATUS LastStatus;
static volatile LONG CancelCalls;
static KIRQL CancelIrqlSeen, IrqlInCancel, IrqlAfterCancel;

/* ---- IoCancelIrp ---- */

static PIRP Kept;

static IO_COMPLETION_ROUTINE Keep;
static NTSTATUS Keep(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static DRIVER_CANCEL Cancel;
static VOID Cancel(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    IrqlInCancel = KeGetCurrentIrql();
    CancelIrqlSeen = Irp->CancelIrql;
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    IrqlAfterCancel = KeGetCurrentIrql();
    InterlockedIncrement(&CancelCalls);
    ContractComplete(Irp, STATUS_CANCELLED, 0);
}

static PIRP Make(PDEVICE_OBJECT Device, ULONG Code)
{
    PIRP irp = IoAllocateIrp(Device->StackSize, FALSE);
    PIO_STACK_LOCATION location = IoGetNextIrpStackLocation(irp);

    location->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    location->Parameters.DeviceIoControl.IoControlCode = Code;
    IoSetCompletionRoutine(irp, Keep, NULL, TRUE, TRUE, TRUE);
    return irp;
}

static VOID CancelIrp(PCONTRACT t)
{
    PIRP irp = Make(t->Device, 0);
    KIRQL irql;

    /* No routine: the flag alone. */
    CHECK(!irp->Cancel);
    CHECK(!IoCancelIrp(irp));
    CHECK(irp->Cancel);
    IoFreeIrp(irp);
    irp = Make(t->Device, 1);
    CancelCalls = 0;
    CHECK_STATUS(IoCallDriver(t->Device, irp), STATUS_PENDING); /* kept by the driver below, cancelable */
    CHECK(IoCancelIrp(irp));
    CHECK_EQ(CancelCalls, 1);
    CHECK_EQ(IrqlInCancel, DISPATCH_LEVEL);
    CHECK_EQ(CancelIrqlSeen, PASSIVE_LEVEL);
    CHECK_EQ(IrqlAfterCancel, PASSIVE_LEVEL);
    CHECK_STATUS(irp->IoStatus.Status, STATUS_CANCELLED);
    CHECK(irp->Cancel);
    CHECK(irp->CancelRoutine == NULL);
    IoFreeIrp(irp);
    irp = Make(t->Device, 1);
    IoCallDriver(t->Device, irp);
    KeRaiseIrql(APC_LEVEL, &irql);
    CHECK(IoCancelIrp(irp));
    KeLowerIrql(irql);
    CHECK_EQ(CancelIrqlSeen, APC_LEVEL);
    IoFreeIrp(irp);
    /* The routine can be taken back only once. */
    irp = Make(t->Device, 0);
    CHECK(IoSetCancelRoutine(irp, Cancel) == NULL);
    CHECK(IoSetCancelRoutine(irp, NULL) == Cancel);
    CHECK(IoSetCancelRoutine(irp, NULL) == NULL);
    CHECK(!IoCancelIrp(irp));
    IoFreeIrp(irp);
}

/* ---- waits ---- */

static VOID Waits(PCONTRACT t)
{
    KEVENT event;
    PVOID objects[2];
    LARGE_INTEGER moment = ContractMs(5), at_once = {.QuadPart = 0};
    PIRP irp = IoAllocateIrp(1, FALSE);
    ULONG64 before;

    KeInitializeEvent(&event, SynchronizationEvent, TRUE);
    objects[0] = &Never;
    objects[1] = &event;
    CHECK_STATUS(FsRtlCancellableWaitForSingleObject(&event, NULL, NULL), STATUS_SUCCESS);
    CHECK_STATUS(FsRtlCancellableWaitForSingleObject(&event, &at_once, irp), STATUS_TIMEOUT);
    before = KeQueryInterruptTime();
    CHECK_STATUS(FsRtlCancellableWaitForSingleObject(&event, &moment, NULL), STATUS_TIMEOUT);
    CHECK(KeQueryInterruptTime() - before >= 45000);
    KeSetEvent(&event, IO_NO_INCREMENT, FALSE);
    CHECK_STATUS(FsRtlCancellableWaitForMultipleObjects(2, objects, WaitAny, NULL, NULL, irp), STATUS_WAIT_1);
    CHECK_STATUS(FsRtlCancellableWaitForMultipleObjects(2, objects, WaitAll, &moment, NULL, irp), STATUS_TIMEOUT);
    /* An alert that is about nothing: the wait goes on for the time that is left. */
    KeAlertThread(KeGetCurrentThread(), KernelMode);
    before = KeQueryInterruptTime();
    CHECK_STATUS(FsRtlCancellableWaitForSingleObject(&event, &moment, irp), STATUS_TIMEOUT);
    CHECK(KeQueryInterruptTime() - before >= 45000 && KeQueryInterruptTime() - before < 95000);
    KeAlertThread(KeGetCurrentThread(), KernelMode);
    CHECK_STATUS(FsRtlCancellableWaitForSingleObject(&event, &moment, NULL), STATUS_TIMEOUT);
    /* With the IRP's flag it is over; what is signalled still comes first. */
    irp->Cancel = TRUE;
    KeAlertThread(KeGetCurrentThread(), KernelMode);
    CHECK_STATUS(FsRtlCancellableWaitForSingleObject(&event, NULL, irp), STATUS_CANCELLED);
    KeAlertThread(KeGetCurrentThread(), KernelMode);
    CHECK_STATUS(FsRtlCancellableWaitForMultipleObjects(2, objects, WaitAny, NULL, NULL, irp), STATUS_CANCELLED);
    KeSetEvent(&event, IO_NO_INCREMENT, FALSE);
    KeAlertThread(KeGetCurrentThread(), KernelMode);
    CHECK_STATUS(FsRtlCancellableWaitForSingleObject(&event, NULL, irp), STATUS_SUCCESS);
    KeTestAlertThread(KernelMode);
    irp->Cancel = FALSE;
    IoFreeIrp(irp);
}

static const CONTRACT_TEST Tests[] = {
    {"IoCancelIrp", CancelIrp},
    {"cancellable waits", Waits},
};

/* ---- for the program ---- */

static NTSTATUS WaitFor(PIRP Irp, BOOLEAN Multiple)
{
    PVOID objects[2] = {&Never, &Go};
    NTSTATUS status;

    InterlockedIncrement(&InWait);
    status = Multiple ? FsRtlCancellableWaitForMultipleObjects(2, objects, WaitAny, NULL, NULL, Irp) : FsRtlCancellableWaitForSingleObject(&Never, NULL, Irp);
    InterlockedDecrement(&InWait);
    LastStatus = status;
    return ContractComplete(Irp, NT_SUCCESS(status) ? STATUS_SUCCESS : status, 0);
}

static NTSTATUS Pend(PIRP Irp)
{
    IoMarkIrpPending(Irp);
    Kept = Irp;
    IoSetCancelRoutine(Irp, Cancel);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL))
        ContractComplete(Irp, STATUS_CANCELLED, 0);
    return STATUS_PENDING;
}

/* A threaded IRP of this thread's that nobody completes; it is cancelled when the thread ends. */
static NTSTATUS LeaveThreaded(PDEVICE_OBJECT Device, PIRP Irp)
{
    static KEVENT event;
    static IO_STATUS_BLOCK iosb;
    PIRP irp;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IoBuildDeviceIoControlRequest(1, Device, NULL, 0, NULL, 0, TRUE, &event, &iosb);
    IoCallDriver(Device, irp);
    return ContractComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS Answer(PIRP Irp, ULONG Value)
{
    *(PULONG)Irp->AssociatedIrp.SystemBuffer = Value;
    return ContractComplete(Irp, STATUS_SUCCESS, sizeof Value);
}

static NTSTATUS Other(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    ULONG code = location->Parameters.DeviceIoControl.IoControlCode;

    if (location->MajorFunction == IRP_MJ_INTERNAL_DEVICE_CONTROL)
        return code == 1 ? Pend(Irp) : ContractComplete(Irp, STATUS_SUCCESS, 0);
    if (location->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        return ContractDefault(Irp);
    switch (code) {
    case IOCTL_AREA(CANCELLABLE_WAIT, METHOD_BUFFERED):
        return WaitFor(Irp, FALSE);
    case IOCTL_AREA(MULTIPLE_WAIT, METHOD_BUFFERED):
        return WaitFor(Irp, TRUE);
    case IOCTL_AREA(FIRST_STATUS, METHOD_BUFFERED):
        return Answer(Irp, (ULONG)LastStatus);
    case IOCTL_AREA(IN_WAIT, METHOD_BUFFERED):
        return Answer(Irp, (ULONG)InterlockedCompareExchange(&InWait, 0, 0));
    case IOCTL_AREA(PEND, METHOD_BUFFERED):
        return Pend(Irp);
    case IOCTL_AREA(CANCEL_CALLS, METHOD_BUFFERED):
        return Answer(Irp, (ULONG)InterlockedExchange(&CancelCalls, 0));
    case IOCTL_AREA(LEAVES_THREADED, METHOD_BUFFERED):
        return LeaveThreaded(Device, Irp);
    default:
        return ContractDefault(Irp);
    }
}

static NTSTATUS Setup(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Device, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    KeInitializeEvent(&Go, NotificationEvent, FALSE);
    return STATUS_SUCCESS;
}

const CONTRACT_AREA ContractArea = {.Tests = Tests, .Count = RTL_NUMBER_OF(Tests), .Setup = Setup, .Other = Other};
