/* A driver that makes one mistake a control code; the test says which finding each must be. Code 0 makes none. */
#include <ntddk.h>

enum { RIGHT, TWICE, PENDING_UNMARKED, MARKED_NOT_PENDING, OVERRUN, LEFT_LOCKED, LEAK, LEFT_CALLBACK, LATE, LEFT_REGISTRY, LEFT_OBJECT, UNFLUSHED,
       UNFLUSHED_TOUCHES };

static KSPIN_LOCK Lock;
static PIRP Waiting;
static KTIMER Timer;
static KDPC Dpc;
static BOOLEAN Unflushed, Touches;

struct extension {
    KSPIN_LOCK Lock;
};

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static KDEFERRED_ROUTINE OnTimer;
static VOID OnTimer(PKDPC D, PVOID Context, PVOID A, PVOID B)
{
    struct extension *e = ((PDEVICE_OBJECT)Context)->DeviceExtension;
    PIRP irp;

    UNREFERENCED_PARAMETER(D);
    UNREFERENCED_PARAMETER(A);
    UNREFERENCED_PARAMETER(B);
    KeAcquireSpinLockAtDpcLevel(&Lock);
    irp = Waiting;
    if (irp && !IoSetCancelRoutine(irp, NULL))
        irp = NULL;
    if (irp)
        Waiting = NULL;
    KeReleaseSpinLockFromDpcLevel(&Lock);
    if (irp)
        Complete(irp, STATUS_SUCCESS);
    if (Touches) { /* wrong: whoever waited for the request may have unloaded the driver meanwhile, and the device is gone */
        KeAcquireSpinLockAtDpcLevel(&e->Lock);
        KeReleaseSpinLockFromDpcLevel(&e->Lock);
    }
}

static DRIVER_CANCEL OnCancel;
static VOID OnCancel(PDEVICE_OBJECT Device, PIRP Irp)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Device);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    KeAcquireSpinLock(&Lock, &irql);
    Waiting = NULL;
    KeReleaseSpinLock(&Lock, irql);
    Complete(Irp, STATUS_CANCELLED);
}

/* Right: a timer or a cancellation ends it, whichever comes first. */
static NTSTATUS PendForATime(PIRP Irp)
{
    LARGE_INTEGER due = {.QuadPart = -100000};
    KIRQL irql;

    KeAcquireSpinLock(&Lock, &irql);
    IoSetCancelRoutine(Irp, OnCancel);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL)) {
        KeReleaseSpinLock(&Lock, irql);
        return Complete(Irp, STATUS_CANCELLED);
    }
    IoMarkIrpPending(Irp);
    Waiting = Irp;
    KeSetTimer(&Timer, due, &Dpc);
    KeReleaseSpinLock(&Lock, irql);
    return STATUS_PENDING;
}

static VOID Overrun(VOID)
{
    PUCHAR p = ExAllocatePoolWithTag(NonPagedPool, 21, 'revO');
    if (p) {
        p[21] = 1;
        ExFreePoolWithTag(p, 'revO');
    }
}

static VOID LeaveLocked(PIRP Irp, ULONG Length)
{
    PMDL mdl = IoAllocateMdl(Irp->UserBuffer, Length, FALSE, FALSE, NULL);
    __try {
        MmProbeAndLockPages(mdl, UserMode, IoWriteAccess);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
    }
    IoFreeMdl(mdl);
}

__attribute__((noinline)) static PVOID Leak(VOID)
{
    return ExAllocatePoolWithTag(NonPagedPool, 32, 'kaeL');
}

static LARGE_INTEGER Cookie;

static EX_CALLBACK_FUNCTION OnRegistry;
static NTSTATUS OnRegistry(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    return STATUS_SUCCESS;
}

static OB_PREOP_CALLBACK_STATUS OnHandle(PVOID Context, POB_PRE_OPERATION_INFORMATION Information)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Information);
    return OB_PREOP_SUCCESS;
}

static VOID LeaveObjectCallback(VOID)
{
    PVOID handle;
    OB_OPERATION_REGISTRATION operation = {PsProcessType, OB_OPERATION_HANDLE_CREATE, OnHandle, NULL};
    OB_CALLBACK_REGISTRATION registration = {OB_FLT_REGISTRATION_VERSION, 1, RTL_CONSTANT_STRING(L"321000"), NULL, &operation};
    ObRegisterCallbacks(&registration, &handle);
}

static VOID OnThread(HANDLE Process, HANDLE Thread, BOOLEAN Create)
{
    UNREFERENCED_PARAMETER(Process);
    UNREFERENCED_PARAMETER(Thread);
    UNREFERENCED_PARAMETER(Create);
}

static DRIVER_DISPATCH Control;
static NTSTATUS Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(Irp);
    ULONG length = sp->Parameters.DeviceIoControl.OutputBufferLength;

    UNREFERENCED_PARAMETER(Device);
    switch ((sp->Parameters.DeviceIoControl.IoControlCode >> 2 & 0xFFF) - 0x800) {
    case TWICE:
        Complete(Irp, STATUS_SUCCESS);
        break;
    case PENDING_UNMARKED:
        Complete(Irp, STATUS_SUCCESS);
        return STATUS_PENDING;
    case MARKED_NOT_PENDING:
        IoMarkIrpPending(Irp);
        Waiting = Irp;
        return STATUS_SUCCESS;
    case OVERRUN:
        Overrun();
        break;
    case LEFT_LOCKED:
        LeaveLocked(Irp, length);
        break;
    case LEAK:
        if (!Leak())
            return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
        break;
    case LEFT_CALLBACK:
        PsSetCreateThreadNotifyRoutine(OnThread);
        break;
    case UNFLUSHED_TOUCHES:
        Touches = TRUE;
    case UNFLUSHED:
        Unflushed = TRUE;
    case LATE:
        return PendForATime(Irp);
    case LEFT_REGISTRY:
        CmRegisterCallback(OnRegistry, NULL, &Cookie);
        break;
    case LEFT_OBJECT:
        LeaveObjectCallback();
        break;
    }
    return Complete(Irp, STATUS_SUCCESS);
}

static DRIVER_DISPATCH OpenClose;
static NTSTATUS OpenClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return Complete(Irp, STATUS_SUCCESS);
}

static DRIVER_UNLOAD Unload;
static VOID Unload(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\??\\Misuse");

    KeCancelTimer(&Timer);
    if (!Unflushed) /* else the DPC may still be running; the system waits for it before the image goes */
        KeFlushQueuedDpcs();
    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(Driver->DeviceObject);
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING Path)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Misuse"), link = RTL_CONSTANT_STRING(L"\\??\\Misuse");
    PDEVICE_OBJECT device;
    NTSTATUS status = IoCreateDevice(Driver, sizeof(struct extension), &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);

    UNREFERENCED_PARAMETER(Path);
    if (!NT_SUCCESS(status))
        return status;
    KeInitializeSpinLock(&Lock);
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, OnTimer, device);
    KeInitializeSpinLock(&((struct extension *)device->DeviceExtension)->Lock);
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Driver->DriverUnload = Unload;
    return IoCreateSymbolicLink(&link, &name);
}
