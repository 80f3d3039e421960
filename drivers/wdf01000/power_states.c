/* The power machine: a device goes up to D0 and down again, as device power requests say, or as it is started and stopped ("implicitly").
 *
 *   up         D0Entry, InterruptEnable, D0EntryPostInterruptsEnabled, child scan ─(policy: disarms)─▶ queues, EvtIoResume, self-managed I/O
 *   down       SelfManagedIoSuspend, EvtIoStop ─(policy: arms)─▶ D0ExitPreInterruptsDisabled, InterruptDisable, D0Exit
 *
 * States come in pairs: of a device that is power pageable, and of one that is not (NP), whose interrupts stay connected in Dx.
 * A PDO waits for its parent to be in D0, and takes care of wake at the bus when a wait-wake request is there. */
#include "machine.h"
#include "power.h"

static const WDF_PNPPOWER_EVENT_CALLBACKS *events(const FxDevice *d)
{
    return &d->D.Pnp;
}

static WDFDEVICE handle(FxDevice *d)
{
    return (WDFDEVICE)FxHandle(d);
}

#define CALL(d, s, member, ...)                                           \
    do {                                                                  \
        if (events(d)->member) {                                          \
            FX_CALL_R((d)->O.Globals, s, events(d)->member, __VA_ARGS__); \
            s = FxReport(d, (PVOID)events(d)->member, s);                 \
        }                                                                 \
    } while (0)

static BOOLEAN np(const FxDevice *d)
{
    return WdfDevStateIsNP(d->State[FX_POWER_MACHINE]);
}
#define PAIR(name) (np(d) ? (ULONG)WdfDevStatePower##name##NP : (ULONG)WdfDevStatePower##name)

/* ---- what states do ---- */

static void set_state(FxDevice *d, WDF_POWER_DEVICE_STATE s)
{
    DEVICE_POWER_STATE dx = s == WdfPowerDeviceD0 ? PowerDeviceD0 : s == WdfPowerDeviceD1 ? PowerDeviceD1 : s == WdfPowerDeviceD2 ? PowerDeviceD2 : PowerDeviceD3;
    FXLOG(d->O.Globals, PowerState, P64(handle(d)), P64(d->DeviceObject), dx, d->Dx);
    d->Dx = dx;
    d->PowerState = s;
    if (s == WdfPowerDeviceD0)
        d->SystemAction = PowerActionNone;
    PoSetPowerState(d->DeviceObject, DevicePowerState, (POWER_STATE) { .DeviceState = dx });
}

static void parent_dereference(FxDevice *d)
{
    if (FxDeviceIsPdo(d) && d->ParentDevice)
        FxChildPoweredDown(d);
}

static NTSTATUS parent_on(FxDevice *d, BOOLEAN *on)
{
    *on = TRUE;
    return FxDeviceIsPdo(d) && d->ParentDevice ? FxChildMayPowerUp(d, on) : STATUS_SUCCESS;
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

static NTSTATUS self_managed_suspend(FxDevice *d)
{
    NTSTATUS s = STATUS_SUCCESS;
    if (d->SelfManagedInited)
        CALL(d, s, EvtDeviceSelfManagedIoSuspend, handle(d));
    return s;
}

/* What failed is remembered for the start request. */
static BOOLEAN good(FxDevice *d, NTSTATUS s)
{
    d->M->UpStatus = s;
    return NT_SUCCESS(s);
}

static NTSTATUS d0_entry(FxDevice *d)
{
    NTSTATUS s = STATUS_SUCCESS;
    CALL(d, s, EvtDeviceD0Entry, handle(d), d->PowerState);
    return s;
}

static NTSTATUS interrupts_on(FxDevice *d)
{
    NTSTATUS s = FxInterruptsConnect(d);
    if (NT_SUCCESS(s))
        s = FxInterruptsEnable(d, TRUE);
    if (NT_SUCCESS(s))
        CALL(d, s, EvtDeviceD0EntryPostInterruptsEnabled, handle(d), d->PowerState);
    return s;
}

static void interrupts_off(FxDevice *d, BOOLEAN disconnect)
{
    FxInterruptsEnable(d, FALSE);
    if (disconnect)
        FxInterruptsDisconnect(d);
}

/* Interrupts could not be connected, or what came after them failed. */
static void undo_entry(FxDevice *d)
{
    NTSTATUS s = STATUS_SUCCESS;
    interrupts_off(d, TRUE);
    CALL(d, s, EvtDeviceD0Exit, handle(d), WdfPowerDeviceD3Final);
    d->D0 = FALSE;
    set_state(d, WdfPowerDeviceD3Final);
}

static void pre_disabled(FxDevice *d, WDF_POWER_DEVICE_STATE to, BOOLEAN *failed)
{
    NTSTATUS s = STATUS_SUCCESS;
    CALL(d, s, EvtDeviceD0ExitPreInterruptsDisabled, handle(d), to);
    *failed |= !NT_SUCCESS(s);
}

static void d0_exit(FxDevice *d, WDF_POWER_DEVICE_STATE to, BOOLEAN *failed)
{
    NTSTATUS s = STATUS_SUCCESS;
    CALL(d, s, EvtDeviceD0Exit, handle(d), to);
    *failed |= !NT_SUCCESS(s);
}

static NTSTATUS open_io(FxDevice *d)
{
    d->D0 = TRUE;
    FxQueueReleaseIo(d);
    return self_managed_start(d);
}

void FxPowerReleaseIrp(FxDevice *d)
{
    IRP *irp = d->M->DeviceIrp;
    if (!irp)
        return;
    d->M->DeviceIrp = NULL;
    PoStartNextPowerIrp(irp);
    if (IoGetCurrentIrpStackLocation(irp)->Parameters.Power.State.DeviceState == PowerDeviceD0 || !d->Attached) {
        FxDeviceCompleteIrp(irp, STATUS_SUCCESS, irp->IoStatus.Information);
    } else { /* caught on its way down */
        irp->IoStatus.Status = STATUS_SUCCESS;
        FxDevicePass(d, irp);
    }
    IoReleaseRemoveLock(&d->RemoveLock, irp);
}

static void tell_up(FxDevice *d)
{
    FxIdleEvent(d, FX_IDLE_UP);
    FxPolicyEvent(d, FXPOL_UP);
}

static void tell_up_failed(FxDevice *d)
{
    FxPnpInternalFailure(d);
    FxIdleEvent(d, FX_IDLE_UP_FAILED);
    FxPolicyEvent(d, FXPOL_UP_FAILED);
    FxPnpPowerFailed(d);
}

/* DOC (public source): who owns the policy learns of the end of a request by its completion. */
static void tell_down(FxDevice *d, BOOLEAN implicit)
{
    FxIdleEvent(d, FX_IDLE_DOWN);
    if (implicit)
        FxPolicyEvent(d, d->PowerPolicyOwner ? FXPOL_DOWN : FXPOL_IMPLICIT_DOWN);
    else if (!d->PowerPolicyOwner)
        FxPolicyEvent(d, FXPOL_DOWN);
}

static void tell_down_failed(FxDevice *d, BOOLEAN implicit)
{
    FxPnpInternalFailure(d);
    if (!d->PowerPolicyOwner) {
        FxPolicyEvent(d, implicit ? FXPOL_IMPLICIT_DOWN_FAILED : FXPOL_DOWN_FAILED);
        FxPnpPowerFailed(d);
    } else if (implicit) {
        FxPolicyEvent(d, FXPOL_DOWN_FAILED);
    } else {
        FxIdleEvent(d, FX_IDLE_DOWN_FAILED);
    }
}

/* ---- D0 ---- */

static BOOLEAN pageable(const FxDevice *d)
{
    return (d->DeviceObject->Flags & DO_POWER_PAGABLE) != 0;
}

static ULONG decide_d0(FxDevice *d)
{
    if (pageable(d))
        return d->M->WaitWakeOwner ? WdfDevStatePowerD0BusWakeOwner : WdfDevStatePowerD0;
    return d->M->WaitWakeOwner ? WdfDevStatePowerD0BusWakeOwnerNP : WdfDevStatePowerD0NP;
}

static ULONG in_d0(FxDevice *d)
{
    return pageable(d) == np(d) ? WdfDevStatePowerDecideD0State : 0;
}

static BOOLEAN wake_wanted(FxDevice *d)
{
    KIRQL irql;
    KeAcquireSpinLock(&d->M->WakeLock, &irql);
    BOOLEAN there = d->M->WaitWake != NULL;
    KeReleaseSpinLock(&d->M->WakeLock, irql);
    return there;
}

static ULONG bus_wake_owner(FxDevice *d)
{
    ULONG other = in_d0(d);
    return other ? other : wake_wanted(d) ? PAIR(EnablingWakeAtBus) : 0;
}

static ULONG enabling_wake(FxDevice *d)
{
    NTSTATUS s = FxWakeEnableAtBus(d);
    if (NT_SUCCESS(s))
        return PAIR(D0ArmedForWake);
    FxWakeFail(d, s);
    return PAIR(D0BusWakeOwner);
}

static ULONG disarming_in_d0(FxDevice *d)
{
    FxWakeDisableAtBus(d);
    FxWakeCompletePended(d);
    return PAIR(D0BusWakeOwner);
}

/* ---- implicitly up ---- */

static ULONG starting_check(FxDevice *d)
{
    return FxDeviceIsPdo(d) ? WdfDevStatePowerStartingChild : WdfDevStatePowerD0Starting;
}

static ULONG starting_child(FxDevice *d)
{
    BOOLEAN on;
    NTSTATUS s = parent_on(d, &on);
    return !NT_SUCCESS(s) ? WdfDevStatePowerInitialPowerUpFailed : on ? WdfDevStatePowerD0Starting : 0;
}

static ULONG d0_starting(FxDevice *d)
{
    return good(d, d0_entry(d)) ? WdfDevStatePowerD0StartingConnectInterrupt : WdfDevStatePowerInitialPowerUpFailedDerefParent;
}

static ULONG starting_connect(FxDevice *d)
{
    return good(d, interrupts_on(d)) ? WdfDevStatePowerD0StartingDmaEnable : WdfDevStatePowerInitialConnectInterruptFailed;
}

static ULONG starting_dma(FxDevice *d)
{
    if (!good(d, FxDmaPowerUp(d)))
        return WdfDevStatePowerInitialDmaEnableFailed;
    FxChildListsScan(d);
    return WdfDevStatePowerD0StartingStartSelfManagedIo;
}

static ULONG starting_io(FxDevice *d)
{
    if (!good(d, open_io(d)))
        return WdfDevStatePowerInitialSelfManagedIoFailed;
    set_state(d, WdfPowerDeviceD0);
    tell_up(d);
    return WdfDevStatePowerDecideD0State;
}

static ULONG initial_io_failed(FxDevice *d)
{
    FxQueueHoldIo(d, WdfRequestStopActionSuspend);
    return WdfDevStatePowerInitialDmaEnableFailed;
}

static ULONG initial_dma_failed(FxDevice *d)
{
    BOOLEAN failed = !NT_SUCCESS(FxDmaPowerDown(d));
    pre_disabled(d, WdfPowerDeviceD3Final, &failed);
    return WdfDevStatePowerInitialConnectInterruptFailed;
}

static ULONG initial_connect_failed(FxDevice *d)
{
    undo_entry(d);
    return WdfDevStatePowerInitialPowerUpFailedDerefParent;
}

static ULONG initial_failed_deref(FxDevice *d)
{
    parent_dereference(d);
    return WdfDevStatePowerInitialPowerUpFailed;
}

static ULONG initial_failed(FxDevice *d)
{
    tell_up_failed(d);
    return WdfDevStatePowerStopped;
}

/* ---- implicitly down ---- */

static ULONG goto_d3_stopped(FxDevice *d)
{
    d->D0 = FALSE;
    BOOLEAN failed = !NT_SUCCESS(self_managed_suspend(d));
    FxQueueHoldIo(d, d->InRemove || d->SurpriseRemoved ? WdfRequestStopActionPurge : WdfRequestStopActionSuspend);
    failed |= !NT_SUCCESS(FxDmaPowerDown(d));
    pre_disabled(d, WdfPowerDeviceD3Final, &failed);
    interrupts_off(d, TRUE);
    d0_exit(d, WdfPowerDeviceD3Final, &failed);
    set_state(d, WdfPowerDeviceD3Final);
    parent_dereference(d);
    if (failed)
        return WdfDevStatePowerFinalPowerDownFailed;
    tell_down(d, TRUE);
    return WdfDevStatePowerStopped;
}

static ULONG disarm_and_stop(FxDevice *d)
{
    FxWakeDisableAtBus(d);
    return WdfDevStatePowerGotoD3Stopped;
}

static ULONG final_down_failed(FxDevice *d)
{
    tell_down_failed(d, TRUE);
    return WdfDevStatePowerStopped;
}

static ULONG dx_stopped_disarm(FxDevice *d)
{
    FxWakeDisableAtBus(d);
    return np(d) ? WdfDevStatePowerGotoDxStoppedDisableInterruptNP : WdfDevStatePowerGotoDxStoppedDisableInterrupt;
}

static ULONG dx_stopped_disable(FxDevice *d)
{
    FxInterruptsDisconnect(d);
    return WdfDevStatePowerGotoDxStopped;
}

static ULONG dx_stopped(FxDevice *d)
{
    tell_down(d, TRUE);
    return WdfDevStatePowerStopped;
}

static ULONG failed_down(FxDevice *d)
{
    set_state(d, WdfPowerDeviceD3Final);
    tell_down(d, TRUE);
    return WdfDevStatePowerStopped;
}

/* ---- down by request ---- */

static ULONG goto_dx(FxDevice *d)
{
    d->D0 = FALSE;
    if (!NT_SUCCESS(self_managed_suspend(d)))
        d->M->IoFailed = TRUE;
    FxQueueHoldIo(d, WdfRequestStopActionSuspend);
    FxPolicyEvent(d, FXPOL_DOWN_IO_STOPPED);
    return 0;
}

static ULONG notifying_exit(FxDevice *d)
{
    return PAIR(GotoDxIoStopped);
}

static WDF_POWER_DEVICE_STATE wanted(FxDevice *d)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(d->M->DeviceIrp);
    POWER_ACTION a = sl->Parameters.Power.ShutdownType;
    if (a == PowerActionShutdown || a == PowerActionShutdownReset || a == PowerActionShutdownOff)
        return WdfPowerDeviceD3Final;
    return d->Sx == PowerSystemHibernate && d->UsageCount[WdfSpecialFileHibernation] ? WdfPowerDevicePrepareForHibernation :
                                                                                     (WDF_POWER_DEVICE_STATE)sl->Parameters.Power.State.DeviceState;
}

static ULONG io_stopped(FxDevice *d, ULONG down, ULONG not)
{
    WDF_POWER_DEVICE_STATE to = wanted(d);
    BOOLEAN failed = !NT_SUCCESS(FxDmaPowerDown(d));
    pre_disabled(d, to, &failed);
    interrupts_off(d, !np(d)); /* not on the way of paging I/O: disconnecting takes locks */
    d0_exit(d, to, &failed);
    parent_dereference(d);
    set_state(d, to);
    failed |= d->M->IoFailed;
    d->M->IoFailed = FALSE;
    if (failed) {
        d->M->DownFailed = TRUE; /* for the completion of the request */
        return not;
    }
    tell_down(d, FALSE);
    FxPowerReleaseIrp(d);
    return down;
}

static ULONG dx_io_stopped(FxDevice *d)
{
    return io_stopped(d, PAIR(Dx), np(d) ? WdfDevStatePowerGotoDxNPFailed : WdfDevStatePowerGotoDxFailed);
}

static ULONG dx_io_stopped_armed(FxDevice *d)
{
    return io_stopped(d, PAIR(DxArmedForWake), np(d) ? WdfDevStatePowerGotoDxNPFailed : WdfDevStatePowerGotoDxFailed);
}

static ULONG goto_dx_failed(FxDevice *d)
{
    FxInterruptsDisconnect(d);
    return WdfDevStatePowerReportPowerDownFailed;
}

static ULONG report_down_failed(FxDevice *d)
{
    FxPowerReleaseIrp(d);
    tell_down_failed(d, FALSE);
    return 0;
}

/* ---- up by request ---- */

static ULONG check_type(FxDevice *d)
{
    return FxDeviceIsPdo(d) ? PAIR(CheckParentState) : PAIR(Waking);
}

static ULONG check_parent(FxDevice *d)
{
    BOOLEAN on;
    NTSTATUS s = parent_on(d, &on);
    return !NT_SUCCESS(s) ? PAIR(UpFailed) : on ? PAIR(Waking) : PAIR(WaitForParent);
}

static ULONG check_parent_armed(FxDevice *d)
{
    BOOLEAN on;
    NTSTATUS s = parent_on(d, &on);
    return !NT_SUCCESS(s) ? PAIR(UpFailed) : on ? PAIR(DxDisablingWakeAtBus) : PAIR(WaitForParentArmedForWake);
}

static ULONG dx_disabling_wake(FxDevice *d)
{
    FxWakeDisableAtBus(d);
    return PAIR(Waking);
}

static ULONG wake_pending(FxDevice *d)
{
    FxWakeCompletePended(d);
    return 0;
}

static ULONG waking(FxDevice *d)
{
    return good(d, d0_entry(d)) ? PAIR(NotifyingD0EntryToWakeInterrupts) : PAIR(UpFailedDerefParent);
}

static ULONG notifying_entry(FxDevice *d)
{
    return PAIR(WakingConnectInterrupt);
}

static ULONG waking_connect(FxDevice *d)
{
    return good(d, interrupts_on(d)) ? PAIR(WakingDmaEnable) : PAIR(WakingConnectInterruptFailed);
}

static ULONG waking_dma(FxDevice *d)
{
    if (!good(d, FxDmaPowerUp(d)))
        return PAIR(WakingDmaEnableFailed);
    FxChildListsScan(d);
    FxPolicyEvent(d, FXPOL_UP_HW_STARTED);
    return 0;
}

static ULONG start_io(FxDevice *d)
{
    if (!good(d, open_io(d)))
        return PAIR(StartSelfManagedIoFailed);
    set_state(d, WdfPowerDeviceD0);
    tell_up(d);
    FxPowerReleaseIrp(d);
    return d->M->WaitWakeOwner ? PAIR(D0BusWakeOwner) : PAIR(D0);
}

static ULONG start_io_failed(FxDevice *d)
{
    FxQueueHoldIo(d, WdfRequestStopActionSuspend);
    return PAIR(WakingDmaEnableFailed);
}

static ULONG waking_dma_failed(FxDevice *d)
{
    BOOLEAN failed = !NT_SUCCESS(FxDmaPowerDown(d));
    pre_disabled(d, WdfPowerDeviceD3Final, &failed);
    return PAIR(WakingConnectInterruptFailed);
}

static ULONG waking_connect_failed(FxDevice *d)
{
    undo_entry(d);
    return WdfDevStatePowerReportPowerUpFailedDerefParent;
}

static ULONG up_failed(FxDevice *d)
{
    FxInterruptsDisconnect(d);
    return WdfDevStatePowerReportPowerUpFailed;
}

static ULONG up_failed_deref(FxDevice *d)
{
    FxInterruptsDisconnect(d);
    return WdfDevStatePowerReportPowerUpFailedDerefParent;
}

static ULONG report_up_failed_deref(FxDevice *d)
{
    parent_dereference(d);
    return WdfDevStatePowerReportPowerUpFailed;
}

static ULONG report_up_failed(FxDevice *d)
{
    d->SystemAction = PowerActionNone;
    FxPowerReleaseIrp(d);
    tell_up_failed(d);
    return 0;
}

/* ---- requests of another policy owner to a device that is stopped ---- */

static ULONG stopped_complete_dx(FxDevice *d)
{
    FxPowerReleaseIrp(d);
    return WdfDevStatePowerDxStopped;
}

static ULONG goto_stopped(FxDevice *d)
{
    FxPowerReleaseIrp(d);
    return WdfDevStatePowerStopped;
}

static ULONG decide_dx(FxDevice *d)
{
    BOOLEAN wake = wake_wanted(d);
    tell_up(d); /* that it is started */
    if (pageable(d))
        return wake ? WdfDevStatePowerDxStoppedArmForWake : WdfDevStatePowerDx;
    return wake ? WdfDevStatePowerDxStoppedArmForWakeNP : WdfDevStatePowerDxNP;
}

static ULONG dx_arm(FxDevice *d)
{
    NTSTATUS s = FxWakeEnableAtBus(d);
    if (NT_SUCCESS(s))
        return PAIR(DxArmedForWake);
    FxWakeFail(d, s);
    return PAIR(Dx);
}

/* ---- the table ---- */

#define AT(name) [(WdfDevStatePower##name & ~WdfDevStateNP) - WdfDevStatePowerObjectCreated]
#define S(name) WdfDevStatePower##name
#define PASSES(name, enter) AT(name) = { enter, NULL, FALSE }
#define PASSES2(name, enter) PASSES(name, enter), PASSES(name##NP, enter)

const FxMachineState FxPowerStates[] = {
    AT(ObjectCreated) = { NULL, FX_ON({ FXP_IMPLICIT_D0, S(StartingCheckDeviceType) }), TRUE },
    PASSES2(CheckDeviceType, check_type),
    PASSES2(CheckParentState, check_parent),
    PASSES2(EnablingWakeAtBus, enabling_wake),
    AT(D0) = { in_d0, FX_ON({ FXP_DX, S(GotoDx) }, { FXP_IMPLICIT_D3, S(GotoD3Stopped) }, { FXP_MARK_NONPAGEABLE, S(DecideD0State) }), TRUE },
    AT(D0NP) = { in_d0, FX_ON({ FXP_DX, S(GotoDxNP) }, { FXP_IMPLICIT_D3, S(GotoD3Stopped) }, { FXP_MARK_PAGEABLE, S(DecideD0State) }), TRUE },
    AT(D0BusWakeOwner) = { bus_wake_owner, FX_ON({ FXP_DX, S(GotoDx) }, { FXP_WAKE_ARRIVAL, S(EnablingWakeAtBus) }, { FXP_IMPLICIT_D3, S(GotoD3Stopped) },
                                                 { FXP_MARK_NONPAGEABLE, S(DecideD0State) }), TRUE },
    AT(D0BusWakeOwnerNP) = { bus_wake_owner, FX_ON({ FXP_DX, S(GotoDxNP) }, { FXP_WAKE_ARRIVAL, S(EnablingWakeAtBusNP) }, { FXP_IMPLICIT_D3, S(GotoD3Stopped) },
                                                   { FXP_MARK_PAGEABLE, S(D0BusWakeOwner) }), TRUE },
    AT(D0ArmedForWake) = { in_d0, FX_ON({ FXP_DX, S(GotoDxArmedForWake) }, { FXP_WAKE_SUCCEEDED, S(D0DisarmingWakeAtBus) }, { FXP_WAKE_FAILED, S(D0DisarmingWakeAtBus) },
                                        { FXP_WAKE_CANCELED, S(D0DisarmingWakeAtBus) }, { FXP_MARK_NONPAGEABLE, S(D0ArmedForWakeNP) },
                                        { FXP_IMPLICIT_D3, S(GotoImplicitD3DisarmWakeAtBus) }), TRUE },
    AT(D0ArmedForWakeNP) = { in_d0, FX_ON({ FXP_DX, S(GotoDxArmedForWakeNP) }, { FXP_WAKE_SUCCEEDED, S(D0DisarmingWakeAtBusNP) }, { FXP_WAKE_FAILED, S(D0DisarmingWakeAtBusNP) },
                                          { FXP_WAKE_CANCELED, S(D0DisarmingWakeAtBusNP) }, { FXP_MARK_PAGEABLE, S(D0ArmedForWake) },
                                          { FXP_IMPLICIT_D3, S(GotoImplicitD3DisarmWakeAtBus) }), TRUE },
    PASSES2(D0DisarmingWakeAtBus, disarming_in_d0),
    PASSES(D0Starting, d0_starting),
    PASSES(D0StartingConnectInterrupt, starting_connect),
    PASSES(D0StartingDmaEnable, starting_dma),
    PASSES(D0StartingStartSelfManagedIo, starting_io),
    PASSES(DecideD0State, decide_d0),
    PASSES(GotoD3Stopped, goto_d3_stopped),
    AT(Stopped) = { NULL, FX_ON({ FXP_IMPLICIT_D0, S(StartingCheckDeviceType) }, { FXP_DX, S(StoppedCompleteDx) }), TRUE },
    PASSES(StartingCheckDeviceType, starting_check),
    AT(StartingChild) = { starting_child, FX_ON({ FXP_PARENT_TO_D0, S(D0Starting) }), TRUE },
    PASSES2(DxDisablingWakeAtBus, dx_disabling_wake),
    AT(GotoDx) = { goto_dx, FX_ON({ FXP_COMPLETE_DX, S(NotifyingD0ExitToWakeInterrupts) }), FALSE },
    AT(GotoDxNP) = { goto_dx, FX_ON({ FXP_COMPLETE_DX, S(NotifyingD0ExitToWakeInterruptsNP) }), FALSE },
    PASSES2(NotifyingD0ExitToWakeInterrupts, notifying_exit),
    PASSES2(GotoDxIoStopped, dx_io_stopped),
    PASSES(GotoDxNPFailed, goto_dx_failed),
    PASSES(GotoDxFailed, goto_dx_failed),
    AT(Dx) = { NULL, FX_ON({ FXP_D0, S(CheckDeviceType) }, { FXP_IMPLICIT_D3, S(GotoDxStoppedDisableInterrupt) }), TRUE },
    AT(DxNP) = { NULL, FX_ON({ FXP_D0, S(CheckDeviceTypeNP) }, { FXP_IMPLICIT_D3, S(GotoDxStoppedDisableInterruptNP) }), TRUE },
    AT(GotoDxArmedForWake) = { goto_dx, FX_ON({ FXP_COMPLETE_DX, S(GotoDxIoStoppedArmedForWake) }), FALSE },
    AT(GotoDxArmedForWakeNP) = { goto_dx, FX_ON({ FXP_COMPLETE_DX, S(GotoDxIoStoppedArmedForWakeNP) }), FALSE },
    PASSES2(GotoDxIoStoppedArmedForWake, dx_io_stopped_armed),
    AT(DxArmedForWake) = { NULL, FX_ON({ FXP_D0, S(CheckParentStateArmedForWake) }, { FXP_WAKE_SUCCEEDED, S(WakePending) }, { FXP_WAKE_CANCELED, S(WakePending) },
                                       { FXP_WAKE_FAILED, S(WakePending) }, { FXP_IMPLICIT_D3, S(DxStoppedDisarmWake) }), TRUE },
    AT(DxArmedForWakeNP) = { NULL, FX_ON({ FXP_D0, S(CheckParentStateArmedForWakeNP) }, { FXP_WAKE_SUCCEEDED, S(WakePendingNP) }, { FXP_WAKE_CANCELED, S(WakePendingNP) },
                                         { FXP_WAKE_FAILED, S(WakePendingNP) }, { FXP_IMPLICIT_D3, S(DxStoppedDisarmWakeNP) }), TRUE },
    PASSES2(CheckParentStateArmedForWake, check_parent_armed),
    AT(WaitForParentArmedForWake) = { NULL, FX_ON({ FXP_PARENT_TO_D0, S(DxDisablingWakeAtBus) }), FALSE },
    AT(WaitForParentArmedForWakeNP) = { NULL, FX_ON({ FXP_PARENT_TO_D0, S(DxDisablingWakeAtBusNP) }), FALSE },
    PASSES2(StartSelfManagedIo, start_io),
    PASSES2(StartSelfManagedIoFailed, start_io_failed),
    AT(WaitForParent) = { NULL, FX_ON({ FXP_PARENT_TO_D0, S(Waking) }), FALSE },
    AT(WaitForParentNP) = { NULL, FX_ON({ FXP_PARENT_TO_D0, S(WakingNP) }), FALSE },
    AT(WakePending) = { wake_pending, FX_ON({ FXP_D0, S(CheckParentStateArmedForWake) }, { FXP_IMPLICIT_D0, S(CheckParentStateArmedForWake) },
                                            { FXP_IMPLICIT_D3, S(DxStoppedDisarmWake) }), TRUE },
    AT(WakePendingNP) = { wake_pending, FX_ON({ FXP_D0, S(CheckParentStateArmedForWakeNP) }, { FXP_IMPLICIT_D0, S(CheckParentStateArmedForWakeNP) },
                                              { FXP_IMPLICIT_D3, S(DxStoppedDisarmWakeNP) }), TRUE },
    PASSES2(Waking, waking),
    PASSES2(NotifyingD0EntryToWakeInterrupts, notifying_entry),
    PASSES2(WakingConnectInterrupt, waking_connect),
    PASSES2(WakingConnectInterruptFailed, waking_connect_failed),
    AT(WakingDmaEnable) = { waking_dma, FX_ON({ FXP_COMPLETE_D0, S(StartSelfManagedIo) }), FALSE },
    AT(WakingDmaEnableNP) = { waking_dma, FX_ON({ FXP_COMPLETE_D0, S(StartSelfManagedIoNP) }), FALSE },
    PASSES2(WakingDmaEnableFailed, waking_dma_failed),
    PASSES(ReportPowerUpFailedDerefParent, report_up_failed_deref),
    AT(ReportPowerUpFailed) = { report_up_failed, FX_ON({ FXP_IMPLICIT_D3, S(PowerFailedPowerDown) }), TRUE },
    PASSES(PowerFailedPowerDown, failed_down),
    AT(ReportPowerDownFailed) = { report_down_failed, FX_ON({ FXP_IMPLICIT_D3, S(PowerFailedPowerDown) }), TRUE },
    PASSES(InitialConnectInterruptFailed, initial_connect_failed),
    PASSES(InitialDmaEnableFailed, initial_dma_failed),
    PASSES(InitialSelfManagedIoFailed, initial_io_failed),
    PASSES(InitialPowerUpFailedDerefParent, initial_failed_deref),
    PASSES(InitialPowerUpFailed, initial_failed),
    PASSES2(DxStoppedDisarmWake, dx_stopped_disarm),
    PASSES2(GotoDxStoppedDisableInterrupt, dx_stopped_disable),
    PASSES(GotoDxStopped, dx_stopped),
    AT(DxStopped) = { NULL, FX_ON({ FXP_IMPLICIT_D0, S(DxStoppedDecideDxState) }, { FXP_D0, S(GotoStopped) }), TRUE },
    PASSES(GotoStopped, goto_stopped),
    PASSES(StoppedCompleteDx, stopped_complete_dx),
    PASSES(DxStoppedDecideDxState, decide_dx),
    PASSES2(DxStoppedArmForWake, dx_arm),
    PASSES(FinalPowerDownFailed, final_down_failed),
    PASSES(GotoImplicitD3DisarmWakeAtBus, disarm_and_stop),
    PASSES2(UpFailed, up_failed),
    PASSES2(UpFailedDerefParent, up_failed_deref),
    [WdfDevStatePowerNull - WdfDevStatePowerObjectCreated] = { 0 },
};

void FxPowerDropped(FxDevice *d, ULONG event)
{
    if (event == FXP_D0 || event == FXP_DX)
        FxPowerReleaseIrp(d);
    else if (event == FXP_WAKE_SUCCEEDED || event == FXP_WAKE_FAILED || event == FXP_WAKE_CANCELED)
        FxWakeCompletePended(d);
}
