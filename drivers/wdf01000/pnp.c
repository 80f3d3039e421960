/* Plug and play and power of a device: the order in which its callbacks are called.
 *
 *   start      PrepareHardware, then up
 *   up         D0Entry, InterruptEnable, D0EntryPostInterruptsEnabled, child scan, queues, EvtIoResume, SelfManagedIoInit (Restart later)
 *   down       SelfManagedIoSuspend, EvtIoStop, D0ExitPreInterruptsDisabled, InterruptDisable, D0Exit
 *   stop       down, ReleaseHardware
 *   remove     down, ReleaseHardware, other queues purged, SelfManagedIoFlush, SelfManagedIoCleanup
 *   failure    what was done is undone from there back; ReleaseHardware if PrepareHardware was called; queues purged, SelfManagedIoFlush
 * DOC: "PnP and Power Management Scenarios". The real framework runs three state machines on a work item; the same callbacks are called here in
 * the thread that brings the IRP, one transition at a time (PowerMutex). */
#include "fx.h"
#include "power.h"

FXM(NTSTATUS, FxPkgPnp, PowerUp, (FxDevice * d));
FXM(NTSTATUS, FxPkgPnp, PowerDown, (FxDevice * d, WDF_POWER_DEVICE_STATE to));

static const WDF_PNPPOWER_EVENT_CALLBACKS *events(const FxDevice *d)
{
    return &d->D.Pnp;
}

static WDFDEVICE handle(FxDevice *d)
{
    return (WDFDEVICE)FxHandle(d);
}

static NTSTATUS report(FxDevice *d, PVOID routine, NTSTATUS s)
{
    if (!NT_SUCCESS(s))
        FXLOG(d->O.Globals, CallbackFailed, P64(handle(d)), P64(routine), S64(s));
    return s;
}

#define CALL(d, s, member, ...)                                         \
    do {                                                                \
        if (events(d)->member) {                                        \
            FX_CALL_R((d)->O.Globals, s, events(d)->member, __VA_ARGS__); \
            s = report(d, (PVOID)events(d)->member, s);                 \
        }                                                               \
    } while (0)

/* ---- power ---- */

static void power_state(FxDevice *d, ULONG state)
{
    FXLOG(d->O.Globals, PowerState, P64(handle(d)), P64(d->DeviceObject), state, d->Dx);
    d->Dx = (DEVICE_POWER_STATE)state;
}

static NTSTATUS self_managed_start(FxDevice *d)
{
    NTSTATUS s = STATUS_SUCCESS;
    if (!d->SelfManagedInited) {
        d->SelfManagedInited = TRUE;
        CALL(d, s, EvtDeviceSelfManagedIoInit, handle(d));
    } else {
        CALL(d, s, EvtDeviceSelfManagedIoRestart, handle(d));
    }
    return s;
}

/* What a power-up had done when it failed is undone from there back. io: queues were started. */
static void undo_power_up(FxDevice *d, BOOLEAN io)
{
    NTSTATUS s = STATUS_SUCCESS;
    if (io) {
        FxQueueHoldIo(d, WdfRequestStopActionSuspend);
        CALL(d, s, EvtDeviceD0ExitPreInterruptsDisabled, handle(d), WdfPowerDeviceD3Final);
    }
    FxInterruptsEnable(d, FALSE);
    FxInterruptsDisconnect(d);
    CALL(d, s, EvtDeviceD0Exit, handle(d), WdfPowerDeviceD3Final);
    d->D0 = FALSE;
}

static void settle(FxDevice *d, ULONG state)
{
    FxState(d, FX_POWER_MACHINE, state);
    FxStateSettled(d, FX_POWER_MACHINE);
}

/* D0Entry has returned: interrupts, children, queues, self-managed I/O. */
static NTSTATUS power_up_rest(FxDevice *d, WDF_POWER_DEVICE_STATE from)
{
    BOOLEAN initial = from == WdfPowerDeviceD3Final;
    FxState(d, FX_POWER_MACHINE, initial ? WdfDevStatePowerD0StartingConnectInterrupt : WdfDevStatePowerWakingConnectInterrupt);
    NTSTATUS s = FxInterruptsConnect(d);
    if (NT_SUCCESS(s))
        s = FxInterruptsEnable(d, TRUE);
    if (NT_SUCCESS(s))
        CALL(d, s, EvtDeviceD0EntryPostInterruptsEnabled, handle(d), from);
    if (!NT_SUCCESS(s)) {
        FxState(d, FX_POWER_MACHINE, initial ? WdfDevStatePowerInitialConnectInterruptFailed : WdfDevStatePowerWakingConnectInterruptFailed);
        undo_power_up(d, FALSE);
        return s;
    }
    FxState(d, FX_POWER_MACHINE, initial ? WdfDevStatePowerD0StartingDmaEnable : WdfDevStatePowerWakingDmaEnable);
    PoSetPowerState(d->DeviceObject, DevicePowerState, (POWER_STATE) { .DeviceState = PowerDeviceD0 });
    d->D0 = TRUE;
    FxChildListsScan(d);
    FxState(d, FX_POWER_MACHINE, initial ? WdfDevStatePowerD0StartingStartSelfManagedIo : WdfDevStatePowerStartSelfManagedIo);
    FxQueueReleaseIo(d);
    s = self_managed_start(d);
    if (!NT_SUCCESS(s)) {
        FxState(d, FX_POWER_MACHINE, initial ? WdfDevStatePowerInitialSelfManagedIoFailed : WdfDevStatePowerStartSelfManagedIoFailed);
        undo_power_up(d, TRUE);
    }
    return s;
}

NTSTATUS FxPkgPnp_PowerUp(FxDevice *d)
{
    NTSTATUS s = STATUS_SUCCESS;
    WDF_POWER_DEVICE_STATE from = d->PowerState;
    BOOLEAN initial = from == WdfPowerDeviceD3Final;
    if (d->D0)
        return s;
    FxState(d, FX_POWER_MACHINE, initial ? WdfDevStatePowerD0Starting : WdfDevStatePowerWaking);
    CALL(d, s, EvtDeviceD0Entry, handle(d), from);
    if (NT_SUCCESS(s))
        s = power_up_rest(d, from);
    if (!NT_SUCCESS(s)) {
        FxInterruptsDisconnect(d);
        d->PowerState = WdfPowerDeviceD3Final;
        settle(d, initial ? WdfDevStatePowerInitialPowerUpFailed : WdfDevStatePowerUpFailed);
        return s;
    }
    power_state(d, PowerDeviceD0);
    d->PowerState = WdfPowerDeviceD0;
    FxState(d, FX_POWER_MACHINE, WdfDevStatePowerDecideD0State);
    settle(d, d->DeviceObject->Flags & DO_POWER_PAGABLE ? WdfDevStatePowerD0 : WdfDevStatePowerD0NP);
    return s;
}

NTSTATUS FxPkgPnp_PowerDown(FxDevice *d, WDF_POWER_DEVICE_STATE to)
{
    NTSTATUS s = STATUS_SUCCESS, t = STATUS_SUCCESS;
    BOOLEAN final = to == WdfPowerDeviceD3Final;
    DEVICE_POWER_STATE dx = to == WdfPowerDeviceD1 ? PowerDeviceD1 : to == WdfPowerDeviceD2 ? PowerDeviceD2 : PowerDeviceD3;
    if (!d->D0)
        return s;
    d->D0 = FALSE;
    FxState(d, FX_POWER_MACHINE, final ? WdfDevStatePowerGotoD3Stopped : WdfDevStatePowerGotoDx);
    if (d->SelfManagedInited)
        CALL(d, t, EvtDeviceSelfManagedIoSuspend, handle(d));
    if (!NT_SUCCESS(t))
        s = t;
    FxQueueHoldIo(d, final && (d->InRemove || d->SurpriseRemoved) ? WdfRequestStopActionPurge : WdfRequestStopActionSuspend);
    if (!final)
        FxState(d, FX_POWER_MACHINE, WdfDevStatePowerGotoDxIoStopped);
    CALL(d, t, EvtDeviceD0ExitPreInterruptsDisabled, handle(d), to);
    if (!NT_SUCCESS(t))
        s = t;
    FxInterruptsEnable(d, FALSE);
    if (final || (d->DeviceObject->Flags & DO_POWER_PAGABLE)) /* not on the way of paging I/O: disconnecting takes locks */
        FxInterruptsDisconnect(d);
    PoSetPowerState(d->DeviceObject, DevicePowerState, (POWER_STATE) { .DeviceState = dx });
    CALL(d, t, EvtDeviceD0Exit, handle(d), to);
    if (!NT_SUCCESS(t))
        s = t;
    power_state(d, dx);
    d->PowerState = to;
    settle(d, final ? WdfDevStatePowerStopped : WdfDevStatePowerDx);
    return s;
}

static void transition_begin(FxDevice *d)
{
    KeEnterCriticalRegion();
    KeWaitForSingleObject(&d->PowerMutex, Executive, KernelMode, FALSE, NULL);
}

static void transition_end(FxDevice *d)
{
    KeReleaseMutex(&d->PowerMutex, FALSE);
    KeLeaveCriticalRegion();
}

void FxDeviceFail(FxDevice *d, WDF_DEVICE_FAILED_ACTION action)
{
    d->Failed = TRUE;
    d->FailedAction = action;
    FXLOG(d->O.Globals, SetFailed, P64(handle(d)), action);
    if (d->Pdo)
        IoInvalidateDeviceState(d->Pdo);
}

static WDF_POWER_DEVICE_STATE wdf_state(DEVICE_POWER_STATE d)
{
    return d == PowerDeviceD0 ? WdfPowerDeviceD0 : d == PowerDeviceD1 ? WdfPowerDeviceD1 : d == PowerDeviceD2 ? WdfPowerDeviceD2 : WdfPowerDeviceD3;
}

static NTSTATUS forward_and_wait(FxDevice *d, IRP *irp)
{
    if (!d->Attached)
        return STATUS_SUCCESS;
    IoCopyCurrentIrpStackLocationToNext(irp);
    return FxSendIrpSynchronously(d->Attached, irp);
}

static void release_hardware(FxDevice *d);
static void flush_io(FxDevice *d);
static void pnp_state(FxDevice *d, enum fx_pnp state, ULONG shown);

/* A power transition of a started device failed: it gives back what it has and waits to be removed. In a transition. */
static void fail_started(FxDevice *d)
{
    FxIdleHalt(d);
    FxState(d, FX_PNP_MACHINE, WdfDevStatePnpFailedPowerDown);
    FxState(d, FX_PNP_MACHINE, WdfDevStatePnpFailedOwnHardware);
    release_hardware(d);
    pnp_state(d, FX_PNP_FAILED, WdfDevStatePnpFailed);
}

static NTSTATUS device_set_power(FxDevice *d, IRP *irp)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    DEVICE_POWER_STATE want = sl->Parameters.Power.State.DeviceState;
    NTSTATUS s = want == PowerDeviceD0 ? forward_and_wait(d, irp) : STATUS_SUCCESS;
    BOOLEAN failed = FALSE;
    transition_begin(d);
    if (NT_SUCCESS(s) && d->Pnp != FX_PNP_FAILED && d->HardwarePrepared) {
        if (want == PowerDeviceD0) {
            FxWakeDisarm(d);
            s = FxPkgPnp_PowerUp(d);
        } else {
            FxWakeArm(d);
            s = FxPkgPnp_PowerDown(d, wdf_state(want));
        }
        failed = !NT_SUCCESS(s);
        if (failed)
            fail_started(d);
    }
    transition_end(d);
    if (!failed)
        FxIdlePowered(d, want == PowerDeviceD0);
    PoStartNextPowerIrp(irp);
    if (want == PowerDeviceD0 || !d->Attached) {
        s = FxDeviceCompleteIrp(irp, want == PowerDeviceD0 ? s : STATUS_SUCCESS, 0);
    } else {
        irp->IoStatus.Status = STATUS_SUCCESS;
        s = FxDevicePass(d, irp);
    }
    if (failed) { /* the remove lock is held: the device stays until we return */
        FxDeviceInterfacesSet(d, FALSE);
        flush_io(d);
        FxState(d, FX_PNP_MACHINE, WdfDevStatePnpFailedWaitForRemove);
        FxStateSettled(d, FX_PNP_MACHINE);
        FxDeviceFail(d, WdfDeviceFailedUndefined);
    }
    return s;
}

/* The power policy owner turns a system state into a device state. */
static NTSTATUS system_power(FxDevice *d, IRP *irp, BOOLEAN query)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    SYSTEM_POWER_STATE want = sl->Parameters.Power.State.SystemState;
    d->SystemAction = sl->Parameters.Power.ShutdownType;
    if (!d->PowerPolicyOwner || query) {
        PoStartNextPowerIrp(irp);
        irp->IoStatus.Status = STATUS_SUCCESS;
        return d->Attached ? FxDevicePass(d, irp) : FxDeviceCompleteIrp(irp, STATUS_SUCCESS, 0);
    }
    NTSTATUS s = forward_and_wait(d, irp);
    if (NT_SUCCESS(s) && d->Pnp == FX_PNP_STARTED)
        s = want == PowerSystemWorking ? FxPowerWake(d) : FxPowerSleep(d, want);
    d->Sx = want;
    PoStartNextPowerIrp(irp);
    return FxDeviceCompleteIrp(irp, STATUS_SUCCESS, 0);
}

NTSTATUS FxPkgPnp_DispatchPower(FxDevice *d, IRP *irp)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    UCHAR minor = sl->MinorFunction;
    FXLOG(d->O.Globals, PowerIrp, P64(handle(d)), P64(d->DeviceObject), minor, P64(irp), sl->Parameters.Power.Type, sl->Parameters.Power.State.DeviceState);
    if (minor == IRP_MN_SET_POWER || minor == IRP_MN_QUERY_POWER) {
        if (sl->Parameters.Power.Type == SystemPowerState)
            return system_power(d, irp, minor == IRP_MN_QUERY_POWER);
        if (minor == IRP_MN_SET_POWER)
            return device_set_power(d, irp);
    }
    if (minor == IRP_MN_WAIT_WAKE && FxDeviceIsPdo(d))
        return FxWakeWait(d, irp);
    PoStartNextPowerIrp(irp);
    if (d->Attached)
        return FxDevicePass(d, irp);
    return FxDeviceCompleteIrp(irp, minor == IRP_MN_QUERY_POWER ? STATUS_SUCCESS : irp->IoStatus.Status, 0);
}

/* ---- PnP ---- */

static void pnp_state(FxDevice *d, enum fx_pnp state, ULONG shown)
{
    d->Pnp = state;
    FxState(d, FX_PNP_MACHINE, shown);
}

/* Where it stays until the next request. */
static void pnp_rests(FxDevice *d, enum fx_pnp state, ULONG shown)
{
    pnp_state(d, state, shown);
    FxStateSettled(d, FX_PNP_MACHINE);
}

static void release_hardware(FxDevice *d)
{
    NTSTATUS s = STATUS_SUCCESS;
    if (!d->HardwarePrepared)
        return;
    d->HardwarePrepared = FALSE;
    CALL(d, s, EvtDeviceReleaseHardware, handle(d), FxResourcesHandle(d));
    FxResourcesDelete(d);
}

static NTSTATUS start_hardware(FxDevice *d, IO_STACK_LOCATION *sl)
{
    WDFCMRESLIST raw = NULL, translated = NULL;
    NTSTATUS s = FxResourceListsCreate(d, sl->Parameters.StartDevice.AllocatedResources, sl->Parameters.StartDevice.AllocatedResourcesTranslated, &raw, &translated);
    if (!NT_SUCCESS(s))
        return s;
    d->HardwarePrepared = TRUE;
    CALL(d, s, EvtDevicePrepareHardware, handle(d), raw, translated);
    if (NT_SUCCESS(s)) {
        d->PowerState = WdfPowerDeviceD3Final;
        s = FxPkgPnp_PowerUp(d);
    }
    return s;
}

static void started(FxDevice *d, BOOLEAN again)
{
    if (!again) {
        FxState(d, FX_PNP_MACHINE, WdfDevStatePnpEnableInterfaces);
        FxDeviceInterfacesSet(d, TRUE);
        FxWmiRegister(d);
    }
    pnp_rests(d, FX_PNP_STARTED, WdfDevStatePnpStarted);
    FxPolicyState(d, WdfDevStatePwrPolStartingSucceeded);
    FxPolicyRests(d);
}

/* The drivers below start with the resources that are theirs. */
static NTSTATUS start_below(FxDevice *d, IRP *irp)
{
    IO_STACK_LOCATION *now = IoGetCurrentIrpStackLocation(irp), *next = IoGetNextIrpStackLocation(irp);
    if (!d->Attached)
        return STATUS_SUCCESS;
    IoCopyCurrentIrpStackLocationToNext(irp);
    NTSTATUS s = FxResourcesRemoveAdded(d, now, next);
    PVOID raw = next->Parameters.StartDevice.AllocatedResources, translated = next->Parameters.StartDevice.AllocatedResourcesTranslated;
    if (NT_SUCCESS(s))
        s = FxSendIrpSynchronously(d->Attached, irp);
    if (raw != now->Parameters.StartDevice.AllocatedResources && raw)
        ExFreePoolWithTag(raw, FX_TAG);
    if (translated != now->Parameters.StartDevice.AllocatedResourcesTranslated && translated)
        ExFreePoolWithTag(translated, FX_TAG);
    return s;
}

static NTSTATUS start(FxDevice *d, IRP *irp)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    BOOLEAN again = d->Pnp == FX_PNP_STOPPED;
    FxState(d, FX_PNP_MACHINE, again ? WdfDevStatePnpStoppedWaitForStartCompletion : WdfDevStatePnpInitStarting);
    NTSTATUS s = d->Pnp == FX_PNP_FAILED ? STATUS_INVALID_DEVICE_STATE : start_below(d, irp);
    if (!NT_SUCCESS(s))
        return FxDeviceCompleteIrp(irp, s, irp->IoStatus.Information);
    transition_begin(d);
    pnp_state(d, FX_PNP_INIT, again ? WdfDevStatePnpStartingFromStopped : WdfDevStatePnpHardwareAvailable);
    FxPolicyState(d, WdfDevStatePwrPolStarting);
    s = start_hardware(d, sl);
    if (NT_SUCCESS(s)) {
        started(d, again);
    } else {
        FxPolicyState(d, WdfDevStatePwrPolStartingFailed);
        FxState(d, FX_PNP_MACHINE, WdfDevStatePnpFailedOwnHardware);
        release_hardware(d);
        pnp_state(d, FX_PNP_FAILED, WdfDevStatePnpFailed);
    }
    transition_end(d);
    if (NT_SUCCESS(s)) {
        FxIdleStart(d);
    } else {
        FxDeviceInterfacesSet(d, FALSE);
        flush_io(d);
        pnp_rests(d, FX_PNP_FAILED, WdfDevStatePnpFailedWaitForRemove);
    }
    return FxDeviceCompleteIrp(irp, s, irp->IoStatus.Information);
}

/* DOC: a device that its driver has declared not to be stopped or removed, or that carries a special file, refuses without asking the driver. */
static NTSTATUS static_check(const FxDevice *d)
{
    if (d->StaticStopRemove)
        return STATUS_UNSUCCESSFUL;
    for (int i = 0; i < 8; i++)
        if (d->UsageCount[i])
            return STATUS_DEVICE_NOT_READY;
    return STATUS_SUCCESS;
}

static void awake(FxDevice *d, BOOLEAN on)
{
    if (on && !d->Awake)
        FxIdleAwake(d);
    if (!on && d->Awake)
        FxIdleAsleep(d);
    d->Awake = on;
}

static NTSTATUS query(FxDevice *d, IRP *irp, BOOLEAN stop)
{
    BOOLEAN asks = d->Pnp == FX_PNP_STARTED;
    FxState(d, FX_PNP_MACHINE, !asks ? WdfDevStatePnpInitQueryRemove : stop ? WdfDevStatePnpQueryStopStaticCheck : WdfDevStatePnpQueryRemoveStaticCheck);
    NTSTATUS s = asks ? static_check(d) : STATUS_SUCCESS;
    if (NT_SUCCESS(s) && asks) {
        FxState(d, FX_PNP_MACHINE, stop ? WdfDevStatePnpQueryStopEnsureDeviceAwake : WdfDevStatePnpQueryRemoveEnsureDeviceAwake);
        awake(d, TRUE);
        FxState(d, FX_PNP_MACHINE, stop ? WdfDevStatePnpQueryStopAskDriver : WdfDevStatePnpQueryRemoveAskDriver);
        if (stop)
            CALL(d, s, EvtDeviceQueryStop, handle(d));
        else
            CALL(d, s, EvtDeviceQueryRemove, handle(d));
        if (!NT_SUCCESS(s))
            awake(d, FALSE);
    }
    if (!NT_SUCCESS(s)) {
        pnp_rests(d, FX_PNP_STARTED, WdfDevStatePnpStarted);
        return FxDeviceCompleteIrp(irp, s, 0);
    }
    if (asks)
        pnp_rests(d, stop ? FX_PNP_QUERY_STOP : FX_PNP_QUERY_REMOVE, stop ? WdfDevStatePnpQueryStopPending : WdfDevStatePnpQueryRemovePending);
    irp->IoStatus.Status = STATUS_SUCCESS;
    return d->Attached ? FxDevicePass(d, irp) : FxDeviceCompleteIrp(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS cancel_query(FxDevice *d, IRP *irp, enum fx_pnp from)
{
    NTSTATUS s = forward_and_wait(d, irp);
    awake(d, FALSE);
    if (d->Pnp == from) {
        FxState(d, FX_PNP_MACHINE, WdfDevStatePnpQueryCanceled);
        pnp_rests(d, FX_PNP_STARTED, WdfDevStatePnpStarted);
    } else if (d->Pnp == FX_PNP_INIT) {
        pnp_rests(d, FX_PNP_INIT, WdfDevStatePnpInit);
    }
    return FxDeviceCompleteIrp(irp, d->Attached ? s : STATUS_SUCCESS, 0);
}

/* Down and without hardware, once. */
static void take_down(FxDevice *d)
{
    BOOLEAN was = d->HardwarePrepared;
    FxIdleStop(d);
    awake(d, FALSE);
    transition_begin(d);
    if (was)
        FxPolicyState(d, WdfDevStatePwrPolStopping);
    FxPkgPnp_PowerDown(d, WdfPowerDeviceD3Final);
    d->PowerState = WdfPowerDeviceD3Final;
    FxInterruptsDisconnect(d);
    release_hardware(d);
    if (was) {
        FxPolicyState(d, WdfDevStatePwrPolStopped);
        FxStateSettled(d, FX_POLICY_MACHINE);
    }
    transition_end(d);
}

static NTSTATUS stop(FxDevice *d, IRP *irp)
{
    FxState(d, FX_PNP_MACHINE, WdfDevStatePnpStartedStopping);
    take_down(d);
    pnp_rests(d, FX_PNP_STOPPED, WdfDevStatePnpStopped);
    irp->IoStatus.Status = STATUS_SUCCESS;
    return d->Attached ? FxDevicePass(d, irp) : FxDeviceCompleteIrp(irp, STATUS_SUCCESS, 0);
}

static void flush_io(FxDevice *d)
{
    FxQueuePurgeIo(d, TRUE);
    FxQueuePurgeIo(d, FALSE);
    if (d->SelfManagedInited && events(d)->EvtDeviceSelfManagedIoFlush)
        FX_CALL(d->O.Globals, events(d)->EvtDeviceSelfManagedIoFlush, handle(d));
}

static NTSTATUS surprise(FxDevice *d, IRP *irp)
{
    BOOLEAN failed = d->Pnp == FX_PNP_FAILED; /* it has given everything back already */
    d->SurpriseRemoved = TRUE;
    FxState(d, FX_PNP_MACHINE, failed ? WdfDevStatePnpFailedSurpriseRemoved : d->Pnp == FX_PNP_INIT ? WdfDevStatePnpInitSurpriseRemoved : WdfDevStatePnpSurpriseRemoveIoStarted);
    if (events(d)->EvtDeviceSurpriseRemoval)
        FX_CALL(d->O.Globals, events(d)->EvtDeviceSurpriseRemoval, handle(d));
    if (!failed) {
        FxDeviceInterfacesSet(d, FALSE);
        take_down(d);
        FxState(d, FX_PNP_MACHINE, WdfDevStatePnpFailed);
        flush_io(d);
    }
    FxChildListsRemove(d, TRUE);
    pnp_rests(d, FX_PNP_SURPRISE, WdfDevStatePnpFailedWaitForRemove);
    irp->IoStatus.Status = STATUS_SUCCESS;
    return d->Attached ? FxDevicePass(d, irp) : FxDeviceCompleteIrp(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS remove_device(FxDevice *d, IRP *irp)
{
    DEVICE_OBJECT *below = d->Attached;
    BOOLEAN flushed = d->Pnp == FX_PNP_SURPRISE || d->Pnp == FX_PNP_FAILED;
    d->InRemove = TRUE;
    FxState(d, FX_PNP_MACHINE, d->Pnp == FX_PNP_QUERY_REMOVE ? WdfDevStatePnpQueriedRemoving : WdfDevStatePnpStartedRemoving);
    FxState(d, FX_PNP_MACHINE, WdfDevStatePnpRemovingDisableInterfaces);
    FxDeviceInterfacesSet(d, FALSE);
    take_down(d);
    if (!flushed)
        flush_io(d);
    FxChildListsRemove(d, FALSE);
    if (d->SelfManagedInited && events(d)->EvtDeviceSelfManagedIoCleanup)
        FX_CALL(d->O.Globals, events(d)->EvtDeviceSelfManagedIoCleanup, handle(d));
    d->SelfManagedInited = FALSE;
    FxPolicyState(d, WdfDevStatePwrPolRemoved);
    FxWmiDeregister(d);
    FxTargetsRemove(d);
    if (FxDeviceIsPdo(d) && !FxChildPdoGone(d)) { /* the hardware is still there: the PDO stays and can be started again */
        pnp_rests(d, FX_PNP_OBJECT_CREATED, WdfDevStatePnpRemovedPdoWait);
        d->InRemove = d->SurpriseRemoved = d->Failed = FALSE;
        IoReleaseRemoveLock(&d->RemoveLock, irp);
        return FxDeviceCompleteIrp(irp, STATUS_SUCCESS, 0);
    }
    pnp_state(d, FX_PNP_REMOVED, FxDeviceIsPdo(d) ? WdfDevStatePnpPdoRemoved : WdfDevStatePnpFdoRemoved);
    IoReleaseRemoveLockAndWait(&d->RemoveLock, irp);
    NTSTATUS s = STATUS_SUCCESS;
    irp->IoStatus.Status = STATUS_SUCCESS;
    /* DOC: clean-up callbacks of a function device run before the request goes down. */
    FxObject_EarlyDispose(FX(d));
    if (below) {
        IoSkipCurrentIrpStackLocation(irp);
        s = IoCallDriver(below, irp);
    } else {
        FxChildPdoRemoved(d);
        s = FxDeviceCompleteIrp(irp, STATUS_SUCCESS, 0);
    }
    FxDeviceRemove(d);
    return s;
}

static NTSTATUS query_interface(FxDevice *d, IRP *irp, BOOLEAN *done)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    *done = FALSE;
    for (FxQueryInterface *q = d->QueryInterfaces; q; q = q->Next) {
        if (!RtlEqualMemory(&q->Guid, sl->Parameters.QueryInterface.InterfaceType, sizeof(GUID)))
            continue;
        INTERFACE *to = sl->Parameters.QueryInterface.Interface;
        NTSTATUS s = STATUS_SUCCESS;
        if (q->SendToParent)
            return STATUS_NOT_SUPPORTED;
        *done = TRUE;
        if (q->Interface && !q->Import) {
            if (sl->Parameters.QueryInterface.Size < q->Interface->Size || sl->Parameters.QueryInterface.Version != q->Interface->Version)
                return STATUS_INVALID_PARAMETER;
            RtlCopyMemory(to, q->Interface, q->Interface->Size);
        }
        if (q->Process)
            FX_CALL_R(d->O.Globals, s, q->Process, handle(d), (LPGUID)sl->Parameters.QueryInterface.InterfaceType, to,
                      sl->Parameters.QueryInterface.InterfaceSpecificData);
        if (NT_SUCCESS(s) && to->InterfaceReference)
            to->InterfaceReference(to->Context);
        if (s == STATUS_NOT_SUPPORTED)
            *done = FALSE;
        return s;
    }
    return STATUS_NOT_SUPPORTED;
}

static void add_capabilities(FxDevice *d, DEVICE_CAPABILITIES *c)
{
    const WDF_DEVICE_PNP_CAPABILITIES *p = &d->PnpCaps;
    if (d->HasPnpCaps) {
#define SET(wdf, field)                                       \
    if (p->wdf != WdfUseDefault)                              \
        c->field = p->wdf == WdfTrue
        SET(LockSupported, LockSupported);
        SET(EjectSupported, EjectSupported);
        SET(Removable, Removable);
        SET(DockDevice, DockDevice);
        SET(UniqueID, UniqueID);
        SET(SilentInstall, SilentInstall);
        SET(SurpriseRemovalOK, SurpriseRemovalOK);
        SET(HardwareDisabled, HardwareDisabled);
        SET(NoDisplayInUI, NoDisplayInUI);
#undef SET
        if (p->Address != (ULONG)-1)
            c->Address = p->Address;
        if (p->UINumber != (ULONG)-1)
            c->UINumber = p->UINumber;
    }
    if (!d->HasPowerCaps)
        return;
    const WDF_DEVICE_POWER_CAPABILITIES *w = &d->PowerCaps;
    if (w->DeviceD1 != WdfUseDefault)
        c->DeviceD1 = w->DeviceD1 == WdfTrue;
    if (w->DeviceD2 != WdfUseDefault)
        c->DeviceD2 = w->DeviceD2 == WdfTrue;
    if (w->WakeFromD0 != WdfUseDefault)
        c->WakeFromD0 = w->WakeFromD0 == WdfTrue;
    if (w->WakeFromD1 != WdfUseDefault)
        c->WakeFromD1 = w->WakeFromD1 == WdfTrue;
    if (w->WakeFromD2 != WdfUseDefault)
        c->WakeFromD2 = w->WakeFromD2 == WdfTrue;
    if (w->WakeFromD3 != WdfUseDefault)
        c->WakeFromD3 = w->WakeFromD3 == WdfTrue;
    for (int i = 0; i < PowerSystemMaximum; i++)
        if (w->DeviceState[i] != PowerDeviceMaximum)
            c->DeviceState[i] = w->DeviceState[i];
    if (w->DeviceWake != PowerDeviceMaximum)
        c->DeviceWake = w->DeviceWake;
    if (w->SystemWake != PowerSystemMaximum)
        c->SystemWake = w->SystemWake;
}

static NTSTATUS query_capabilities(FxDevice *d, IRP *irp)
{
    DEVICE_CAPABILITIES *c = IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities;
    if (FxDeviceIsPdo(d)) {
        if (c->Version != 1 || c->Size < sizeof *c)
            return FxDeviceCompleteIrp(irp, STATUS_UNSUCCESSFUL, 0);
        FxPdoCapabilities(d, c);
        add_capabilities(d, c);
        return FxDeviceCompleteIrp(irp, STATUS_SUCCESS, 0);
    }
    add_capabilities(d, c); /* what the driver says goes down, and what the bus says to it stays */
    NTSTATUS s = forward_and_wait(d, irp);
    if (NT_SUCCESS(s))
        add_capabilities(d, c);
    return FxDeviceCompleteIrp(irp, s, irp->IoStatus.Information);
}

static NTSTATUS query_state(FxDevice *d, IRP *irp)
{
    const WDF_DEVICE_STATE *w = &d->DeviceState;
    NTSTATUS s = forward_and_wait(d, irp);
    ULONG_PTR v = irp->IoStatus.Information;
    if (d->Failed)
        v |= PNP_DEVICE_FAILED | (d->FailedAction == WdfDeviceFailedAttemptRestart ? PNP_DEVICE_REMOVED : 0);
#define BIT(field, bit)                                     \
    if (w->field != WdfUseDefault && w->Size)               \
        v = w->field == WdfTrue ? v | (bit) : v & ~(ULONG_PTR)(bit)
    BIT(Disabled, PNP_DEVICE_DISABLED);
    BIT(DontDisplayInUI, PNP_DEVICE_DONT_DISPLAY_IN_UI);
    BIT(Failed, PNP_DEVICE_FAILED);
    BIT(NotDisableable, PNP_DEVICE_NOT_DISABLEABLE);
    BIT(Removed, PNP_DEVICE_REMOVED);
    BIT(ResourcesChanged, PNP_DEVICE_RESOURCE_REQUIREMENTS_CHANGED);
#undef BIT
    return FxDeviceCompleteIrp(irp, d->Attached && s != STATUS_NOT_SUPPORTED ? s : STATUS_SUCCESS, v);
}

static NTSTATUS usage(FxDevice *d, IRP *irp)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    ULONG type = sl->Parameters.UsageNotification.Type;
    BOOLEAN in = sl->Parameters.UsageNotification.InPath;
    if (!d->D.Filter && in && (type >= 8 || !d->UsageSupported[type]))
        return FxDeviceCompleteIrp(irp, STATUS_NOT_IMPLEMENTED, 0);
    /* DOC: the parent of a PDO and dependents are in the path too; whoever refuses, those that agreed are told the opposite. */
    NTSTATUS s = FxDependentsNotify(d, type, in);
    if (NT_SUCCESS(s) && d->Attached) {
        s = forward_and_wait(d, irp);
        if (!NT_SUCCESS(s))
            FxDependentsNotify(d, type, !in);
    }
    if (NT_SUCCESS(s) && type < 8) {
        d->UsageCount[type] += in ? 1 : -1;
        if (events(d)->EvtDeviceUsageNotification)
            FX_CALL(d->O.Globals, events(d)->EvtDeviceUsageNotification, handle(d), (WDF_SPECIAL_FILE_TYPE)type, in);
    }
    return FxDeviceCompleteIrp(irp, s, 0);
}

static NTSTATUS query_relations(FxDevice *d, IRP *irp)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    DEVICE_RELATION_TYPE type = sl->Parameters.QueryDeviceRelations.Type;
    if (events(d)->EvtDeviceRelationsQuery)
        FX_CALL(d->O.Globals, events(d)->EvtDeviceRelationsQuery, handle(d), type);
    NTSTATUS s = STATUS_NOT_SUPPORTED;
    if (type == BusRelations && !FxDeviceIsPdo(d))
        s = FxChildListsQueryRelations(d, irp);
    else if (type == RemovalRelations)
        s = FxRelationsQuery(d, irp, FX_REMOVAL);
    else if (type == EjectionRelations && FxDeviceIsPdo(d))
        s = FxRelationsQuery(d, irp, FX_EJECTION);
    if (!NT_SUCCESS(s) && s != STATUS_NOT_SUPPORTED)
        return FxDeviceCompleteIrp(irp, s, 0);
    if (FxDeviceIsPdo(d))
        return FxPdoRelations(d, irp);
    return FxDevicePass(d, irp);
}

NTSTATUS FxPkgPnp_Dispatch(FxDevice *d, IRP *irp)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    BOOLEAN done = FALSE;
    NTSTATUS s;
    FXLOG(d->O.Globals, PnpIrp, P64(handle(d)), P64(d->DeviceObject), sl->MinorFunction, P64(irp));
    switch (sl->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return start(d, irp);
    case IRP_MN_QUERY_STOP_DEVICE:
        return query(d, irp, TRUE);
    case IRP_MN_CANCEL_STOP_DEVICE:
        return cancel_query(d, irp, FX_PNP_QUERY_STOP);
    case IRP_MN_STOP_DEVICE:
        return stop(d, irp);
    case IRP_MN_QUERY_REMOVE_DEVICE:
        return query(d, irp, FALSE);
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        return cancel_query(d, irp, FX_PNP_QUERY_REMOVE);
    case IRP_MN_SURPRISE_REMOVAL:
        return surprise(d, irp);
    case IRP_MN_REMOVE_DEVICE:
        return remove_device(d, irp);
    case IRP_MN_QUERY_INTERFACE:
        s = query_interface(d, irp, &done);
        if (done)
            return FxDeviceCompleteIrp(irp, s, irp->IoStatus.Information);
        break;
    case IRP_MN_QUERY_CAPABILITIES:
        return query_capabilities(d, irp);
    case IRP_MN_QUERY_PNP_DEVICE_STATE:
        return query_state(d, irp);
    case IRP_MN_DEVICE_USAGE_NOTIFICATION:
        return usage(d, irp);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        return query_relations(d, irp);
    case IRP_MN_FILTER_RESOURCE_REQUIREMENTS:
        if (d->Attached)
            return FxFilterRequirements(d, irp);
        break;
    default:
        break;
    }
    if (FxDeviceIsPdo(d)) {
        s = FxPdoDispatch(d, irp, &done);
        if (done)
            return s;
        return FxDeviceCompleteIrp(irp, irp->IoStatus.Status, irp->IoStatus.Information);
    }
    return FxDevicePass(d, irp);
}

NTSTATUS FxPnpDeviceCreated(FxDevice *d)
{
    pnp_rests(d, FX_PNP_INIT, WdfDevStatePnpInit);
    return STATUS_SUCCESS;
}

void FxPnpDeviceGone(FxDevice *d)
{
    extern void FxDeviceDispatchFree(FxDevice *);
    FxIdleFree(d);
    FxRelationsFree(d);
    FxResourcesDelete(d);
    FxDeviceDispatchFree(d);
}
