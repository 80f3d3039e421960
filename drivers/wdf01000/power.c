/* What a power policy owner says about idling and waking, and how it keeps its device awake: WdfDeviceAssignS0IdleSettings,
 * WdfDeviceAssignSxWakeSettings, WdfDeviceStopIdle. The user may override settings that allow it: through the registry (\WDF below the device's
 * hardware key) and through WMI (power_wmi.c). */
#include "machine.h"
#include "power.h"

#include <wdmguid.h>

/* ---- what the stack can wake from ---- */

static NTSTATUS ask_stack(FxDevice *d, DEVICE_CAPABILITIES *c)
{
    NTSTATUS s = STATUS_INSUFFICIENT_RESOURCES;
    IRP *irp = IoAllocateIrp(d->DeviceObject->StackSize, FALSE);
    if (!irp)
        return s;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IO_STACK_LOCATION *sl = IoGetNextIrpStackLocation(irp);
    sl->MajorFunction = IRP_MJ_PNP;
    sl->MinorFunction = IRP_MN_QUERY_CAPABILITIES;
    sl->Parameters.DeviceCapabilities.Capabilities = c;
    s = FxSendIrpSynchronously(d->DeviceObject, irp);
    IoFreeIrp(irp);
    return s;
}

/* GUESS: one depth for all system states: what the capabilities say, not what the bus's D3cold interface would. */
void FxCapabilitiesQuery(FxDevice *d, BOOLEAN again)
{
    DEVICE_CAPABILITIES c;
    if (!d->PowerPolicyOwner || (d->M->CapsKnown && !again) || (again && !d->M->IdleSet && !d->M->WakeSet))
        return;
    RtlZeroMemory(&c, sizeof c);
    c.Size = sizeof c;
    c.Version = 1;
    c.Address = c.UINumber = (ULONG)-1;
    if (!NT_SUCCESS(ask_stack(d, &c)))
        return;
    d->M->CapsKnown = TRUE;
    d->M->DeviceWake = c.DeviceWake;
    d->M->SystemWake = c.SystemWake;
}

/* The Dx that the driver asks for, or the deepest that the device can wake from. */
static NTSTATUS wake_depth(FxDevice *d, DEVICE_POWER_STATE wanted, BOOLEAN usb, DEVICE_POWER_STATE *dx)
{
    DEVICE_POWER_STATE deepest = d->M->DeviceWake;
    *dx = wanted == PowerDeviceMaximum ? deepest : wanted;
    BOOLEAN can = *dx >= PowerDeviceD1 && *dx <= PowerDeviceD3 && *dx <= deepest && (!usb || *dx <= PowerDeviceD2);
    if (!can)
        FXLOG(d->O.Globals, CannotWake, P64(FxHandle(d)), *dx, deepest, S64(STATUS_POWER_STATE_INVALID));
    return can ? STATUS_SUCCESS : STATUS_POWER_STATE_INVALID;
}

/* ---- the registry ---- */

static const UNICODE_STRING IdleName = RTL_CONSTANT_STRING(L"IdleInWorkingState"), WakeName = RTL_CONSTANT_STRING(L"WakeFromSleepState"),
                            IdleDefault = RTL_CONSTANT_STRING(L"WdfDefaultIdleInWorkingState"), WakeDefault = RTL_CONSTANT_STRING(L"WdfDefaultWakeFromSleepState");

static HANDLE settings_key(FxDevice *d)
{
    UNICODE_STRING sub = RTL_CONSTANT_STRING(L"WDF");
    OBJECT_ATTRIBUTES oa;
    HANDLE parent, key = NULL;
    if (!d->Pdo || !NT_SUCCESS(IoOpenDeviceRegistryKey(d->Pdo, PLUGPLAY_REGKEY_DEVICE, KEY_READ | KEY_WRITE, &parent)))
        return NULL;
    InitializeObjectAttributes(&oa, &sub, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, parent, NULL);
    if (!NT_SUCCESS(ZwCreateKey(&key, KEY_READ | KEY_WRITE, &oa, 0, NULL, REG_OPTION_NON_VOLATILE, NULL)))
        key = NULL;
    ZwClose(parent);
    return key;
}

/* Without the value, *enabled stays as it is. */
static void read_setting(FxDevice *d, const UNICODE_STRING *name, BOOLEAN *enabled)
{
    struct {
        KEY_VALUE_PARTIAL_INFORMATION Info;
        ULONG Room;
    } v;
    ULONG used;
    HANDLE key = settings_key(d);
    if (!key)
        return;
    if (NT_SUCCESS(ZwQueryValueKey(key, (PUNICODE_STRING)name, KeyValuePartialInformation, &v, sizeof v, &used)) && v.Info.Type == REG_DWORD &&
        v.Info.DataLength == sizeof(ULONG))
        *enabled = *(ULONG *)v.Info.Data != 0;
    ZwClose(key);
}

static void write_setting(HANDLE key, const UNICODE_STRING *name, BOOLEAN enabled)
{
    ULONG v = enabled;
    ZwSetValueKey(key, (PUNICODE_STRING)name, 0, REG_DWORD, &v, sizeof v);
}

/* What a user may change outlives the device. */
void FxSettingsSave(FxDevice *d)
{
    BOOLEAN idle = d->M->IdleOverridable && d->M->IdleDirty, wake = d->M->WakeOverridable && d->M->WakeDirty;
    if ((!idle && !wake) || !(d->DeviceObject->Flags & DO_POWER_PAGABLE))
        return;
    HANDLE key = settings_key(d);
    if (!key)
        return;
    if (idle)
        write_setting(key, &IdleName, d->M->IdleEnabled);
    if (wake)
        write_setting(key, &WakeName, d->M->WakeEnabled);
    ZwClose(key);
    d->M->IdleDirty = d->M->WakeDirty = FALSE;
}

/* ---- settings ---- */

static FxDevice *device(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return FX_OBJ(FxGet(G), Device, FxDevice, FX_TYPE_DEVICE);
}

void FxIdleSetState(FxDevice *d, BOOLEAN on)
{
    d->M->IdleEnabled = on;
    d->M->IdleDirty = TRUE;
    FxPolicyEvent(d, FXPOL_IDLE_CHANGED);
}

/* DOC: looked at when the system sleeps; nothing happens before. */
void FxWakeSetState(FxDevice *d, BOOLEAN on)
{
    d->M->WakeEnabled = on;
    d->M->WakeDirty = TRUE;
    FxSettingsSave(d);
}

/* tri: of the driver's settings. user: the user's word counts, when the driver leaves it to him. */
static BOOLEAN wanted(FxDevice *d, WDF_TRI_STATE tri, BOOLEAN user, BOOLEAN first, BOOLEAN present, const UNICODE_STRING *def, const UNICODE_STRING *value)
{
    BOOLEAN on = tri != WdfFalse;
    if (tri != WdfUseDefault)
        return on;
    read_setting(d, def, &on);
    if (user && first)
        read_setting(d, value, &on);
    else if (user)
        on = present;
    return on;
}

/* A device that is neither starting nor started has an idle clock that stands. */
static BOOLEAN policy_runs(const FxDevice *d)
{
    ULONG s = d->State[FX_POLICY_MACHINE];
    return s != WdfDevStatePwrPolObjectCreated && s != WdfDevStatePwrPolStartingFailed && s != WdfDevStatePwrPolStopped && s != WdfDevStatePwrPolRemoved;
}

static NTSTATUS idle_check(FxDevice *d, const WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS *s)
{
    enum { SIZE_1_7 = FIELD_OFFSET(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, PowerUpIdleDeviceOnSystemWake), SIZE_1_9 = FIELD_OFFSET(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, IdleTimeoutType) };
    if (s->Size != sizeof *s && s->Size != SIZE_1_9 && s->Size != SIZE_1_7)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (!d->PowerPolicyOwner)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (s->Enabled < WdfFalse || s->Enabled > WdfUseDefault || s->DxState < PowerDeviceD1 || s->DxState > PowerDeviceMaximum || s->IdleCaps < IdleCannotWakeFromS0 ||
        s->IdleCaps > IdleUsbSelectiveSuspend || s->UserControlOfIdleSettings < IdleDoNotAllowUserControl || s->UserControlOfIdleSettings > IdleAllowUserControl)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfDeviceAssignS0IdleSettings(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_DEVICE_POWER_POLICY_IDLE_SETTINGS S)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    DEVICE_POWER_STATE dx = PowerDeviceD3;
    FX_NOT_NULL(g, S);
    FX_PASSIVE(g);
    NTSTATUS s = idle_check(d, S);
    if (NT_SUCCESS(s)) {
        FxCapabilitiesQuery(d, FALSE);
        if (S->IdleCaps != IdleCannotWakeFromS0)
            s = wake_depth(d, S->DxState, S->IdleCaps == IdleUsbSelectiveSuspend, &dx);
        else if (S->DxState != PowerDeviceMaximum)
            dx = S->DxState;
    }
    if (NT_SUCCESS(s))
        s = FxIdleMake(d, policy_runs(d));
    BOOLEAN user = S->UserControlOfIdleSettings == IdleAllowUserControl, first = !d->M || !d->M->IdleSet;
    if (NT_SUCCESS(s))
        s = FxPowerWmi(d, &GUID_POWER_DEVICE_ENABLE, user);
    if (!NT_SUCCESS(s)) {
        FXLOG(g, IdleInvalid, P64(Device), S64(s));
        return s;
    }
    BOOLEAN on = wanted(d, S->Enabled, user, first, d->M->IdleEnabled, &IdleDefault, &IdleName);
    if (first) {
        d->M->IdleSet = TRUE;
        d->M->IdleOverridable = user;
    }
    if (S->IdleCaps == IdleCannotWakeFromS0 && S->Size > FIELD_OFFSET(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, PowerUpIdleDeviceOnSystemWake) &&
        S->PowerUpIdleDeviceOnSystemWake != WdfUseDefault)
        d->M->PowerUpOnWake = S->PowerUpIdleDeviceOnSystemWake == WdfTrue;
    d->M->WakeFromS0 = S->IdleCaps != IdleCannotWakeFromS0;
    d->M->IdleDx = dx;
    FxIdleSetTimeout(d, S->IdleTimeout ? S->IdleTimeout : 5000);
    FxIdleSetState(d, on);
    return STATUS_SUCCESS;
}

static NTSTATUS wake_check(FxDevice *d, const WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS *s)
{
    if (s->Size != sizeof *s && s->Size != FIELD_OFFSET(WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS, ArmForWakeIfChildrenAreArmedForWake))
        return STATUS_INFO_LENGTH_MISMATCH;
    if (!d->PowerPolicyOwner)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (s->Enabled < WdfFalse || s->Enabled > WdfUseDefault || s->DxState < PowerDeviceD1 || s->DxState > PowerDeviceMaximum ||
        s->UserControlOfWakeSettings < WakeDoNotAllowUserControl || s->UserControlOfWakeSettings > WakeAllowUserControl)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfDeviceAssignSxWakeSettings(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_DEVICE_POWER_POLICY_WAKE_SETTINGS S)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    DEVICE_POWER_STATE dx = PowerDeviceD3;
    FX_NOT_NULL(g, S);
    FX_PASSIVE(g);
    NTSTATUS s = wake_check(d, S);
    if (NT_SUCCESS(s)) {
        FxCapabilitiesQuery(d, FALSE);
        s = wake_depth(d, S->DxState, FALSE, &dx);
    }
    BOOLEAN user = S->UserControlOfWakeSettings == WakeAllowUserControl, first = !d->M || !d->M->WakeSet;
    if (NT_SUCCESS(s))
        s = FxPowerWmi(d, &GUID_POWER_DEVICE_WAKE_ENABLE, user);
    if (!NT_SUCCESS(s)) {
        FXLOG(g, IdleInvalid, P64(Device), S64(s));
        return s;
    }
    BOOLEAN on = wanted(d, S->Enabled, user, first, d->M->WakeEnabled, &WakeDefault, &WakeName);
    if (first) {
        d->M->WakeSet = TRUE;
        d->M->WakeOverridable = user;
        if (S->Size >= FIELD_OFFSET(WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS, IndicateChildWakeOnParentWake) + 1) {
            d->M->ArmForChildren = S->ArmForWakeIfChildrenAreArmedForWake;
            d->M->IndicateToChildren = S->IndicateChildWakeOnParentWake;
        }
    }
    d->M->WakeDx = dx;
    FxWakeSetState(d, on);
    return STATUS_SUCCESS;
}

/* ---- kept awake ---- */

/* DOC: with TRUE the caller waits until the device is in D0 (PASSIVE_LEVEL, not in a power callback); with FALSE STATUS_PENDING when it is not yet.
 * STATUS_POWER_STATE_INVALID: the device is not started, or has failed. */
NTSTATUS imp_WdfDeviceStopIdleNoTrack(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, BOOLEAN WaitForD0)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    if (WaitForD0)
        FX_PASSIVE(g);
    if (!d->PowerPolicyOwner) {
        FXLOG(g, PowerPolicyTwice, P64(Device), S64(STATUS_INVALID_DEVICE_REQUEST));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    NTSTATUS s = FxIdleMake(d, policy_runs(d));
    return NT_SUCCESS(s) ? FxIdleReferenceWait(d, WaitForD0) : s;
}

VOID imp_WdfDeviceResumeIdleNoTrack(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    if (!d->PowerPolicyOwner)
        FXLOG(g, PowerPolicyTwice, P64(Device), S64(STATUS_INVALID_DEVICE_REQUEST));
    else if (d->Idle || NT_SUCCESS(FxIdleMake(d, policy_runs(d))))
        FxIdleDereference(d);
}

NTSTATUS imp_WdfDeviceStopIdleActual(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, BOOLEAN WaitForD0, PVOID Tag, LONG Line, PCCH File)
{
    return imp_WdfDeviceStopIdleNoTrack(G, Device, WaitForD0);
}

VOID imp_WdfDeviceResumeIdleActual(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PVOID Tag, LONG Line, PCCH File)
{
    imp_WdfDeviceResumeIdleNoTrack(G, Device);
}
