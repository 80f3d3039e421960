/* A device that wakes from S0 and from sleep. A letter for each callback, in the bus's log:
 *   E e D0Entry (first, later)   p q post-enabled, pre-disabled   I s r self-managed init, suspend, restart   x X D0Exit (later, last)
 *   A a T armed, disarmed, triggered in S0   W w t for sleep   P R hardware */
#include <initguid.h>
#include <ntddk.h>
#include <wdf.h>
#include "codes.h"
#include "wake_interface.h"

typedef struct _DEVICE {
    WAKE_INTERFACE Bus;
    BOOLEAN ArmFails;
    ULONG Failed;
} DEVICE, *PDEVICE;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(DEVICE, DeviceOf)

static VOID Say(WDFDEVICE Device, CHAR What)
{
    Note(DeviceOf(Device)->Bus.Log, What);
    if (KeGetCurrentIrql() != PASSIVE_LEVEL)
        Note(DeviceOf(Device)->Bus.Log, '!');
}

static VOID Check(WDFDEVICE Device, BOOLEAN Good, ULONG Line)
{
    if (!Good) {
        DeviceOf(Device)->Failed++;
        DbgPrint("kmdf-wake: check of line %d failed\n", Line);
    }
}
#define CHECK(d, x) Check(d, (x) != 0, __LINE__)

#define EVENT(name, letter)                  \
    static NTSTATUS name(WDFDEVICE Device)   \
    {                                        \
        Say(Device, letter);                 \
        return STATUS_SUCCESS;               \
    }
#define VOID_EVENT(name, letter)             \
    static VOID name(WDFDEVICE Device)       \
    {                                        \
        Say(Device, letter);                 \
    }
EVENT(IoInit, 'I')
EVENT(IoSuspend, 's')
EVENT(IoRestart, 'r')
VOID_EVENT(DisarmS0, 'a')
VOID_EVENT(TriggeredS0, 'T')
VOID_EVENT(DisarmSx, 'w')
VOID_EVENT(TriggeredSx, 't')

static NTSTATUS Entry(WDFDEVICE Device, WDF_POWER_DEVICE_STATE From)
{
    Say(Device, From == WdfPowerDeviceD3Final ? 'E' : 'e');
    return STATUS_SUCCESS;
}

static NTSTATUS Exit(WDFDEVICE Device, WDF_POWER_DEVICE_STATE To)
{
    Say(Device, To == WdfPowerDeviceD3Final ? 'X' : 'x');
    return STATUS_SUCCESS;
}

static NTSTATUS Post(WDFDEVICE Device, WDF_POWER_DEVICE_STATE From)
{
    Say(Device, 'p');
    return STATUS_SUCCESS;
}

static NTSTATUS Pre(WDFDEVICE Device, WDF_POWER_DEVICE_STATE To)
{
    Say(Device, 'q');
    return STATUS_SUCCESS;
}

static NTSTATUS Arm(WDFDEVICE Device, CHAR What)
{
    BOOLEAN fails = DeviceOf(Device)->ArmFails;
    Say(Device, What);
    DeviceOf(Device)->ArmFails = FALSE;
    return fails ? STATUS_IO_DEVICE_ERROR : STATUS_SUCCESS;
}

static NTSTATUS ArmS0(WDFDEVICE Device)
{
    CHECK(Device, WdfDeviceGetDevicePowerPolicyState(Device) == WdfDevStatePwrPolTimerExpiredWakeCapableWakeArrived);
    CHECK(Device, WdfDeviceGetDevicePowerState(Device) == WdfDevStatePowerGotoDx);
    return Arm(Device, 'A');
}

static NTSTATUS ArmSx(WDFDEVICE Device, BOOLEAN DeviceWakeEnabled, BOOLEAN ChildrenArmed)
{
    CHECK(Device, DeviceWakeEnabled && !ChildrenArmed);
    CHECK(Device, WdfDeviceGetDevicePowerPolicyState(Device) == WdfDevStatePwrPolSleepingWakeWakeArrived);
    return Arm(Device, 'W');
}

static NTSTATUS Prepare(WDFDEVICE Device, WDFCMRESLIST Raw, WDFCMRESLIST Translated)
{
    Say(Device, 'P');
    return STATUS_SUCCESS;
}

static NTSTATUS Release(WDFDEVICE Device, WDFCMRESLIST Translated)
{
    Say(Device, 'R');
    return STATUS_SUCCESS;
}

static NTSTATUS Idle(WDFDEVICE Device, ULONG What)
{
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS s;
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&s, What == IDLE_NO_WAKE ? IdleCannotWakeFromS0 : What == IDLE_USB ? IdleUsbSelectiveSuspend : IdleCanWakeFromS0);
    s.IdleTimeout = 1000;
    s.UserControlOfIdleSettings = What == IDLE_USER ? IdleAllowUserControl : IdleDoNotAllowUserControl;
    s.Enabled = What == IDLE_OFF ? WdfFalse : What == IDLE_USER ? WdfUseDefault : WdfTrue;
    if (What == IDLE_TOO_DEEP)
        s.DxState = PowerDeviceD3;
    if (What == IDLE_BAD_CAPS)
        s.IdleCaps = (WDF_POWER_POLICY_S0_IDLE_CAPABILITIES)7;
    if (What == IDLE_BAD_SIZE)
        s.Size--;
    return WdfDeviceAssignS0IdleSettings(Device, &s);
}

static NTSTATUS Sx(WDFDEVICE Device, ULONG What)
{
    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS s;
    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&s);
    s.Enabled = What == SX_OFF ? WdfFalse : WdfTrue;
    if (What == SX_TOO_DEEP)
        s.DxState = PowerDeviceD3;
    if (What == SX_BAD_SIZE)
        s.Size = 1;
    if (What == SX_BAD_USER)
        s.UserControlOfWakeSettings = (WDF_POWER_POLICY_SX_WAKE_USER_CONTROL)9;
    return WdfDeviceAssignSxWakeSettings(Device, &s);
}

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    WDFDEVICE d = WdfIoQueueGetDevice(Queue);
    PULONG out = NULL, in = NULL;
    ULONG value = 0, answer = 0;
    if (Out)
        WdfRequestRetrieveOutputBuffer(Request, sizeof(ULONG), (PVOID *)&out, NULL);
    if (In && NT_SUCCESS(WdfRequestRetrieveInputBuffer(Request, sizeof(ULONG), (PVOID *)&in, NULL)))
        value = *in;
    switch (Code) {
    case IOCTL_ARM_FAILS:
        DeviceOf(d)->ArmFails = value != 0;
        break;
    case IOCTL_IDLE:
        answer = (ULONG)Idle(d, value);
        break;
    case IOCTL_SX:
        answer = (ULONG)Sx(d, value);
        break;
    case IOCTL_STOP_IDLE:
        answer = (ULONG)WdfDeviceStopIdle(d, FALSE);
        break;
    case IOCTL_RESUME_IDLE:
        WdfDeviceResumeIdle(d);
        break;
    case IOCTL_FAILED:
        answer = DeviceOf(d)->Failed;
        break;
    }
    if (out)
        *out = answer;
    WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, out ? sizeof *out : 0);
}

static VOID Gone(WDFOBJECT Device)
{
    if (DeviceOf(Device)->Bus.Log)
        Note(DeviceOf(Device)->Bus.Log, '.');
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfWake");
    WDF_PNPPOWER_EVENT_CALLBACKS events;
    WDF_POWER_POLICY_EVENT_CALLBACKS policy;
    WDF_OBJECT_ATTRIBUTES a;
    WDF_IO_QUEUE_CONFIG queue;
    WDFDEVICE d;
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&events);
    events.EvtDevicePrepareHardware = Prepare;
    events.EvtDeviceReleaseHardware = Release;
    events.EvtDeviceD0Entry = Entry;
    events.EvtDeviceD0Exit = Exit;
    events.EvtDeviceD0EntryPostInterruptsEnabled = Post;
    events.EvtDeviceD0ExitPreInterruptsDisabled = Pre;
    events.EvtDeviceSelfManagedIoInit = IoInit;
    events.EvtDeviceSelfManagedIoSuspend = IoSuspend;
    events.EvtDeviceSelfManagedIoRestart = IoRestart;
    WdfDeviceInitSetPnpPowerEventCallbacks(Init, &events);
    WDF_POWER_POLICY_EVENT_CALLBACKS_INIT(&policy);
    policy.EvtDeviceArmWakeFromS0 = ArmS0;
    policy.EvtDeviceDisarmWakeFromS0 = DisarmS0;
    policy.EvtDeviceWakeFromS0Triggered = TriggeredS0;
    policy.EvtDeviceArmWakeFromSxWithReason = ArmSx;
    policy.EvtDeviceDisarmWakeFromSx = DisarmSx;
    policy.EvtDeviceWakeFromSxTriggered = TriggeredSx;
    WdfDeviceInitSetPowerPolicyEventCallbacks(Init, &policy);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, DEVICE);
    a.EvtCleanupCallback = Gone;
    NTSTATUS s = WdfDeviceCreate(&Init, &a, &d);
    if (!NT_SUCCESS(s))
        return s;
    s = WdfFdoQueryForInterface(d, &WakeInterfaceGuid, &DeviceOf(d)->Bus.Header, sizeof(WAKE_INTERFACE), 1, NULL);
    if (!NT_SUCCESS(s))
        return s;
    CHECK(d, WdfDeviceStopIdle(d, FALSE) == STATUS_POWER_STATE_INVALID); /* not started */
    CHECK(d, Idle(d, IDLE_WAKE) == STATUS_SUCCESS);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = Control;
    s = WdfIoQueueCreate(d, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    return NT_SUCCESS(s) ? WdfDeviceCreateSymbolicLink(d, &link) : s;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
