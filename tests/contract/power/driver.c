/* Power requests of a function driver: how they arrive, one of a kind at a time, callbacks, waiting for a wake signal, states. The control
 * code runs all of it; the answer is a line for each failed check. */
#include <ntddk.h>
#include <stdio.h>
#include "codes.h"

typedef struct _EXTENSION {
    PDEVICE_OBJECT Self, Below, Pdo;
} EXTENSION, *PEXTENSION;

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\ContractPower");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\ContractPower");
static CHAR Text[3000];
static ULONG Used;
static PIRP Held; /* a set request that waits for the test to let it go */
static BOOLEAN HoldNext;
static LONG Arrived, Completed;
static KEVENT ArrivedEvent, CompletedEvent;
static NTSTATUS InitialStatus, CallbackStatus;
static ULONG_PTR CallbackContext;
static PDEVICE_OBJECT CallbackDevice;
static ULONG CallbackState;
static UCHAR CallbackMinor;
static PETHREAD DispatchThread;
static BOOLEAN RoutineRan, RoutineFirst;

static VOID Fail(ULONG Line, PCSTR What, ULONG64 Is, ULONG64 Expected)
{
    int n = _snprintf(Text + Used, sizeof(Text) - 1 - Used, "driver.c:%u: %s is 0x%I64x, not 0x%I64x\n", Line, What, Is, Expected);

    if (n > 0)
        Used += n;
}

#define CHECK_EQ(is, expected)                                        \
    do {                                                              \
        ULONG64 is_ = (ULONG64)(is), expected_ = (ULONG64)(expected); \
        if (is_ != expected_)                                         \
            Fail(__LINE__, #is, is_, expected_);                      \
    } while (0)
#define CHECK(condition) CHECK_EQ(!!(condition), 1)
#define CHECK_STATUS(is, expected) CHECK_EQ((ULONG)(is), (ULONG)(expected))

static NTSTATUS Finish(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* ---- power ---- */

static IO_COMPLETION_ROUTINE OnTheWayUp;
static NTSTATUS NTAPI OnTheWayUp(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Context);
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    RoutineRan = TRUE;
    return STATUS_CONTINUE_COMPLETION;
}

static REQUEST_POWER_COMPLETE Callback;
static VOID NTAPI Callback(PDEVICE_OBJECT Device, UCHAR Minor, POWER_STATE State, PVOID Context, PIO_STATUS_BLOCK Iosb)
{
    CallbackDevice = Device;
    CallbackMinor = Minor;
    CallbackState = State.DeviceState;
    CallbackContext = (ULONG_PTR)Context;
    CallbackStatus = Iosb->Status;
    RoutineFirst = RoutineRan;
    InterlockedIncrement(&Completed);
    KeSetEvent(&CompletedEvent, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS PassPower(PEXTENSION e, PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, OnTheWayUp, NULL, TRUE, TRUE, TRUE);
    return PoCallDriver(e->Below, Irp);
}

static DRIVER_CANCEL CancelWake;
static VOID NTAPI CancelWake(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Finish(Irp, STATUS_CANCELLED, 0);
}

static DRIVER_DISPATCH Power;
static NTSTATUS NTAPI Power(PDEVICE_OBJECT Device, PIRP Irp)
{
    PEXTENSION e = (PEXTENSION)Device->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    PoStartNextPowerIrp(Irp);
    if (stack->MinorFunction == IRP_MN_WAIT_WAKE) {
        IoMarkIrpPending(Irp);
        IoSetCancelRoutine(Irp, CancelWake);
        KeSetEvent(&ArrivedEvent, IO_NO_INCREMENT, FALSE);
        return STATUS_PENDING;
    }
    InitialStatus = Irp->IoStatus.Status;
    DispatchThread = PsGetCurrentThread();
    InterlockedIncrement(&Arrived);
    KeSetEvent(&ArrivedEvent, IO_NO_INCREMENT, FALSE);
    if (stack->MinorFunction == IRP_MN_SET_POWER && HoldNext) {
        HoldNext = FALSE;
        IoMarkIrpPending(Irp);
        Held = Irp;
        return STATUS_PENDING;
    }
    return PassPower(e, Irp);
}

static VOID Reset(VOID)
{
    Arrived = Completed = 0;
    RoutineRan = FALSE;
    KeClearEvent(&ArrivedEvent);
    KeClearEvent(&CompletedEvent);
}

static NTSTATUS WaitFor(PKEVENT Event)
{
    LARGE_INTEGER second;
    second.QuadPart = -10000000;
    return KeWaitForSingleObject(Event, Executive, KernelMode, FALSE, &second);
}

static VOID Pause(VOID)
{
    LARGE_INTEGER second;
    second.QuadPart = -10000000;
    KeDelayExecutionThread(KernelMode, FALSE, &second);
}

static VOID One(PEXTENSION e)
{
    POWER_STATE state;

    Reset();
    state.DeviceState = PowerDeviceD3;
    CHECK_STATUS(PoRequestPowerIrp(e->Pdo, IRP_MN_POWER_SEQUENCE, state, Callback, NULL, NULL), STATUS_INVALID_PARAMETER_2);
    CHECK_STATUS(PoRequestPowerIrp(e->Pdo, IRP_MN_SET_POWER, state, Callback, (PVOID)0x1234, NULL), STATUS_PENDING);
    CHECK_STATUS(WaitFor(&CompletedEvent), STATUS_SUCCESS);
    CHECK_STATUS(InitialStatus, STATUS_NOT_SUPPORTED);
    CHECK(DispatchThread != PsGetCurrentThread());
    CHECK_EQ(CallbackDevice, e->Pdo);
    CHECK_EQ(CallbackMinor, IRP_MN_SET_POWER);
    CHECK_EQ(CallbackState, PowerDeviceD3);
    CHECK_EQ(CallbackContext, 0x1234);
    CHECK_STATUS(CallbackStatus, STATUS_SUCCESS);
    CHECK(RoutineFirst);
}

/* The second of its kind comes when the first has completed; another kind does not wait. */
static VOID Serialised(PEXTENSION e)
{
    POWER_STATE state;

    Reset();
    HoldNext = TRUE;
    state.DeviceState = PowerDeviceD2;
    CHECK_STATUS(PoRequestPowerIrp(e->Self, IRP_MN_SET_POWER, state, Callback, (PVOID)1, NULL), STATUS_PENDING);
    CHECK_STATUS(WaitFor(&ArrivedEvent), STATUS_SUCCESS);
    state.DeviceState = PowerDeviceD0;
    CHECK_STATUS(PoRequestPowerIrp(e->Self, IRP_MN_SET_POWER, state, Callback, (PVOID)2, NULL), STATUS_PENDING);
    Pause();
    CHECK_EQ(Arrived, 1);
    CHECK_EQ(Completed, 0);
    KeClearEvent(&CompletedEvent);
    CHECK(Held != NULL);
    if (Held)
        PassPower(e, Held);
    Held = NULL;
    Pause();
    CHECK_EQ(Arrived, 2);
    CHECK_EQ(Completed, 2);
    CHECK_EQ(CallbackContext, 2);
    CHECK_EQ(CallbackState, PowerDeviceD0);
}

static VOID Wake(PEXTENSION e)
{
    POWER_STATE state;
    PIRP irp = NULL;

    Reset();
    state.SystemState = PowerSystemSleeping3;
    CHECK_STATUS(PoRequestPowerIrp(e->Pdo, IRP_MN_WAIT_WAKE, state, Callback, (PVOID)3, &irp), STATUS_PENDING);
    CHECK(irp != NULL);
    CHECK_STATUS(WaitFor(&ArrivedEvent), STATUS_SUCCESS);
    CHECK_EQ(Completed, 0);
    if (irp)
        CHECK(IoCancelIrp(irp));
    CHECK_STATUS(WaitFor(&CompletedEvent), STATUS_SUCCESS);
    CHECK_STATUS(CallbackStatus, STATUS_CANCELLED);
    CHECK_EQ(CallbackMinor, IRP_MN_WAIT_WAKE);
}

static VOID States(PEXTENSION e)
{
    POWER_STATE state, old;

    state.DeviceState = PowerDeviceD3;
    PoSetPowerState(e->Self, DevicePowerState, state);
    state.DeviceState = PowerDeviceD0;
    old = PoSetPowerState(e->Self, DevicePowerState, state);
    CHECK_EQ(old.DeviceState, PowerDeviceD3);
    old = PoSetPowerState(e->Self, DevicePowerState, state);
    CHECK_EQ(old.DeviceState, PowerDeviceD0);
}

/* ---- the rest of a function driver ---- */

static DRIVER_DISPATCH Control;
static NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    PEXTENSION e = (PEXTENSION)Device->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    if (stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_POWER_RUN || stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(Text))
        return Finish(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    One(e);
    Serialised(e);
    Wake(e);
    States(e);
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, Text, Used);
    return Finish(Irp, STATUS_SUCCESS, Used);
}

static DRIVER_DISPATCH Easy;
static NTSTATUS NTAPI Easy(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return Finish(Irp, STATUS_SUCCESS, 0);
}

static DRIVER_DISPATCH Pnp;
static NTSTATUS NTAPI Pnp(PDEVICE_OBJECT Device, PIRP Irp)
{
    PEXTENSION e = (PEXTENSION)Device->DeviceExtension;
    UCHAR minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    NTSTATUS status;

    if (minor == IRP_MN_QUERY_REMOVE_DEVICE || minor == IRP_MN_REMOVE_DEVICE || minor == IRP_MN_CANCEL_REMOVE_DEVICE || minor == IRP_MN_SURPRISE_REMOVAL)
        Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(e->Below, Irp);
    if (minor == IRP_MN_REMOVE_DEVICE) {
        IoDetachDevice(e->Below);
        IoDeleteSymbolicLink(&LinkName);
        IoDeleteDevice(Device);
    }
    return status;
}

static DRIVER_ADD_DEVICE Add;
static NTSTATUS NTAPI Add(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Pdo)
{
    PDEVICE_OBJECT self;
    PEXTENSION e;
    NTSTATUS status = IoCreateDevice(Driver, sizeof(EXTENSION), &DeviceName, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &self);

    if (!NT_SUCCESS(status))
        return status;
    e = (PEXTENSION)self->DeviceExtension;
    e->Self = self;
    e->Pdo = Pdo;
    KeInitializeEvent(&ArrivedEvent, SynchronizationEvent, FALSE);
    KeInitializeEvent(&CompletedEvent, SynchronizationEvent, FALSE);
    e->Below = IoAttachDeviceToDeviceStack(self, Pdo);
    IoCreateSymbolicLink(&LinkName, &DeviceName);
    self->Flags |= DO_POWER_PAGABLE;
    self->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static DRIVER_UNLOAD Unload;
static VOID NTAPI Unload(PDRIVER_OBJECT Driver)
{
    UNREFERENCED_PARAMETER(Driver);
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    Driver->MajorFunction[IRP_MJ_CREATE] = Easy;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = Easy;
    Driver->MajorFunction[IRP_MJ_CLOSE] = Easy;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Driver->MajorFunction[IRP_MJ_PNP] = Pnp;
    Driver->MajorFunction[IRP_MJ_POWER] = Power;
    Driver->DriverExtension->AddDevice = Add;
    Driver->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
