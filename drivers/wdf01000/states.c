/* The states that a device is in, as its driver may ask for them and be told of: plug and play, power, power policy.
 *
 * FxState leaves one state and enters the next; FxStateSettled says that the work of a state is done and that the device rests in it. A driver's
 * callback is called when a state is entered, when its work is done, and when it is left, as it has asked for. DOC: "State Machines in the
 * Framework", WdfDeviceInitRegisterPnpStateChangeCallback. The names and numbers are those of the enumerations; of the real machines' states those
 * are passed through in which the framework does something. */
#include "fx.h"
#include "power.h"

static const ULONG first[FX_MACHINES] = { WdfDevStatePnpObjectCreated, WdfDevStatePowerObjectCreated, WdfDevStatePwrPolObjectCreated };
static const ULONG last[FX_MACHINES] = { WdfDevStatePnpNull, WdfDevStatePowerNull, WdfDevStatePwrPolNull };

static const FxStateCallback *callback(const FxDevice *d, enum fx_machine m, ULONG state, ULONG type)
{
    for (const FxStateCallback *c = d->D.StateCallbacks; c; c = c->Next)
        if (c->Machine == m && c->State == WdfDevStateNormalize(state) && (c->Types & type))
            return c;
    return NULL;
}

/* The three notification structures have one layout. */
static void tell(FxDevice *d, enum fx_machine m, ULONG of, ULONG type, ULONG current, ULONG next)
{
    const FxStateCallback *c = callback(d, m, of, type);
    WDF_DEVICE_PNP_NOTIFICATION_DATA data = { .Type = (WDF_STATE_NOTIFICATION_TYPE)type };
    if (!c)
        return;
    data.Data.EnterState.CurrentState = (WDF_DEVICE_PNP_STATE)current;
    data.Data.EnterState.NewState = (WDF_DEVICE_PNP_STATE)next;
    FX_CALL(d->O.Globals, ((PFN_WDF_DEVICE_PNP_STATE_CHANGE_NOTIFICATION)c->Evt), (WDFDEVICE)FxHandle(d), &data);
}

void FxStateSettled(FxDevice *d, enum fx_machine m)
{
    if (!d->StateDone[m])
        tell(d, m, d->State[m], StateNotificationPostProcessState, d->State[m], 0);
    d->StateDone[m] = TRUE;
}

void FxState(FxDevice *d, enum fx_machine m, ULONG state)
{
    ULONG old = d->State[m];
    if (old == state)
        return;
    FxStateSettled(d, m);
    tell(d, m, old, StateNotificationLeaveState, old, state);
    tell(d, m, state, StateNotificationEnterState, old, state);
    d->State[m] = state;
    d->StateDone[m] = FALSE;
    if (m == FX_PNP_MACHINE)
        FXLOG(d->O.Globals, PnpState, P64(FxHandle(d)), P64(d->DeviceObject), state, old);
}

void FxStatesInit(FxDevice *d)
{
    for (int m = 0; m < FX_MACHINES; m++) {
        d->State[m] = first[m];
        d->StateDone[m] = TRUE;
    }
}

/* ---- what drivers call ---- */

static NTSTATUS add(FxGlobals *g, PWDFDEVICE_INIT i, enum fx_machine m, ULONG state, PVOID evt, ULONG types)
{
    FX_NOT_NULL(g, i);
    FX_NOT_NULL(g, evt);
    FX_PASSIVE(g);
    if (i->D.Kind == FX_INIT_CONTROL)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (!types || (types & ~(ULONG)StateNotificationAllStates) || WdfDevStateIsNP(state) || state < first[m] || state >= last[m]) {
        FXLOG(g, DeviceInitState, P64(i), S64(STATUS_INVALID_PARAMETER));
        return STATUS_INVALID_PARAMETER;
    }
    FxStateCallback *c = FxPoolAllocate(g, NonPagedPoolNx, sizeof *c, FX_TAG);
    if (!c)
        return STATUS_INSUFFICIENT_RESOURCES;
    *c = (FxStateCallback) { i->D.StateCallbacks, m, state, types, evt }; /* the latest for a state is the one that is called */
    i->D.StateCallbacks = c;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfDeviceInitRegisterPnpStateChangeCallback(PWDF_DRIVER_GLOBALS G, PWDFDEVICE_INIT I, WDF_DEVICE_PNP_STATE PnpState,
                                                         PFN_WDF_DEVICE_PNP_STATE_CHANGE_NOTIFICATION Evt, ULONG CallbackTypes)
{
    return add(FxGet(G), I, FX_PNP_MACHINE, PnpState, (PVOID)Evt, CallbackTypes);
}

NTSTATUS imp_WdfDeviceInitRegisterPowerStateChangeCallback(PWDF_DRIVER_GLOBALS G, PWDFDEVICE_INIT I, WDF_DEVICE_POWER_STATE PowerState,
                                                           PFN_WDF_DEVICE_POWER_STATE_CHANGE_NOTIFICATION Evt, ULONG CallbackTypes)
{
    return add(FxGet(G), I, FX_POWER_MACHINE, PowerState, (PVOID)Evt, CallbackTypes);
}

NTSTATUS imp_WdfDeviceInitRegisterPowerPolicyStateChangeCallback(PWDF_DRIVER_GLOBALS G, PWDFDEVICE_INIT I, WDF_DEVICE_POWER_POLICY_STATE PowerPolicyState,
                                                                 PFN_WDF_DEVICE_POWER_POLICY_STATE_CHANGE_NOTIFICATION Evt, ULONG CallbackTypes)
{
    return add(FxGet(G), I, FX_POLICY_MACHINE, PowerPolicyState, (PVOID)Evt, CallbackTypes);
}

static ULONG state(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, enum fx_machine m)
{
    return FX_OBJ(FxGet(G), Device, FxDevice, FX_TYPE_DEVICE)->State[m];
}

WDF_DEVICE_PNP_STATE imp_WdfDeviceGetDevicePnpState(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return (WDF_DEVICE_PNP_STATE)state(G, Device, FX_PNP_MACHINE);
}

WDF_DEVICE_POWER_STATE imp_WdfDeviceGetDevicePowerState(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return (WDF_DEVICE_POWER_STATE)state(G, Device, FX_POWER_MACHINE);
}

WDF_DEVICE_POWER_POLICY_STATE imp_WdfDeviceGetDevicePowerPolicyState(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return (WDF_DEVICE_POWER_POLICY_STATE)state(G, Device, FX_POLICY_MACHINE);
}
