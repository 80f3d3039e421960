/* The machine of who owns its device's power policy: it asks for device power requests when the device is idle, is wanted again, or when the
 * system sleeps and wakes, and arms the device for wake meanwhile.
 *
 *   Started… ─(timer)─▶ request down ─ I/O stopped ─▶ [wait-wake request, EvtDeviceArmWakeFromS0] ─▶ down ─▶ Waiting(Un)Armed
 *   Waiting… ─(I/O, wake)─▶ [wait-wake request cancelled] request up ─ hardware started ─▶ [WakeFromS0Triggered, Disarm] ─▶ up ─▶ Started…
 *   Started… ─(Sx)─▶ the same with …Sx, then the system's request is completed;  ─(S0)─▶ up
 *   Started… ─(stop)─▶ Stopping ─▶ Stopped;  from Dx by way of D0, but not when the device is gone
 *
 * Left out: power framework (PoFx) components, whose states are passed through, and the idle notifications of USB hubs: a device whose settings
 * say IdleUsbSelectiveSuspend is armed as any other. */
#include "machine.h"
#include "power.h"

static WDFDEVICE handle(FxDevice *d)
{
    return (WDFDEVICE)FxHandle(d);
}

#define CALL_VOID(d, member)                                             \
    do {                                                                 \
        if ((d)->D.Policy.member)                                        \
            FX_CALL((d)->O.Globals, (d)->D.Policy.member, handle(d));    \
    } while (0)

#define S(name) WdfDevStatePwrPol##name
static BOOLEAN np(const FxDevice *d)
{
    return WdfDevStateIsNP(d->State[FX_POLICY_MACHINE]);
}
#define PAIR(name) (np(d) ? (ULONG)S(name##NP) : (ULONG)S(name))

/* ---- requests ---- */

static void down_done(DEVICE_OBJECT *o, UCHAR minor, POWER_STATE state, PVOID context, IO_STATUS_BLOCK *io)
{
    FxDevice *d = context;
    BOOLEAN failed = d->M->DownFailed;
    d->M->DownFailed = FALSE;
    FxPolicyEvent(d, failed ? FXPOL_DOWN_FAILED : FXPOL_DOWN);
    if (failed)
        FxPnpPowerFailed(d);
}

/* An upper driver may complete the request without sending it on. */
static void up_done(DEVICE_OBJECT *o, UCHAR minor, POWER_STATE state, PVOID context, IO_STATUS_BLOCK *io)
{
    FxDevice *d = context;
    if (d->M->RequestedUp) {
        FXLOG(d->O.Globals, PowerNotSeen, P64(handle(d)), P64(d->DeviceObject));
        d->M->RequestedUp = FALSE;
        FxPolicyEvent(d, FXPOL_UP_NOT_SEEN);
    }
}

static NTSTATUS request(FxDevice *d, DEVICE_POWER_STATE state)
{
    POWER_STATE s = { .DeviceState = state };
    BOOLEAN up = state == PowerDeviceD0;
    *(up ? &d->M->RequestedUp : &d->M->RequestedDown) = TRUE;
    NTSTATUS status = PoRequestPowerIrp(d->Pdo ? d->Pdo : d->DeviceObject, IRP_MN_SET_POWER, s, up ? up_done : down_done, d, NULL);
    if (!NT_SUCCESS(status))
        *(up ? &d->M->RequestedUp : &d->M->RequestedDown) = FALSE;
    return status;
}

static ULONG request_up(FxDevice *d, ULONG otherwise)
{
    return NT_SUCCESS(request(d, PowerDeviceD0)) ? 0 : otherwise;
}

static void complete_system(FxDevice *d)
{
    IRP *irp = d->M->SystemIrp;
    if (!irp)
        return;
    d->M->SystemIrp = NULL;
    PoStartNextPowerIrp(irp);
    FxDeviceCompleteIrp(irp, STATUS_SUCCESS, irp->IoStatus.Information);
    IoReleaseRemoveLock(&d->RemoveLock, irp);
}

static SYSTEM_POWER_STATE pending_system(FxDevice *d)
{
    return d->M->SystemIrp ? IoGetCurrentIrpStackLocation(d->M->SystemIrp)->Parameters.Power.State.SystemState : PowerSystemSleeping3;
}

BOOLEAN FxCanWakeFrom(FxDevice *d, SYSTEM_POWER_STATE s)
{
    return s <= d->M->SystemWake;
}

ULONG FxWakeReason(FxDevice *d)
{
    return (d->M->WakeEnabled ? FX_WAKE_DEVICE : 0) | (d->M->ArmForChildren && d->M->ChildrenArmed ? FX_WAKE_CHILDREN : 0);
}

static BOOLEAN wakes_from(FxDevice *d, SYSTEM_POWER_STATE s)
{
    return d->PowerPolicyOwner && FxWakeReason(d) && FxCanWakeFrom(d, s);
}

/* ---- children ---- */

static void parent_is_up(FxDevice *pdo, ULONG_PTR unused)
{
    FxPowerEvent(pdo, FXP_PARENT_TO_D0);
}

static void children_may_power_up(FxDevice *d)
{
    KIRQL irql;
    KeAcquireSpinLock(&d->PowerLock, &irql);
    d->M->ChildrenCanPowerUp = TRUE;
    KeReleaseSpinLock(&d->PowerLock, irql);
    FxChildrenEach(d, parent_is_up, 0);
}

static void block_children(FxDevice *d)
{
    KIRQL irql;
    KeAcquireSpinLock(&d->PowerLock, &irql);
    d->M->ChildrenCanPowerUp = FALSE;
    KeReleaseSpinLock(&d->PowerLock, irql);
}

/* FALSE: a child is in D0, or there is no memory for the request. */
static BOOLEAN idle_down(FxDevice *d)
{
    KIRQL irql;
    KeAcquireSpinLock(&d->PowerLock, &irql);
    BOOLEAN none = d->M->ChildrenOn == 0;
    if (none)
        d->M->ChildrenCanPowerUp = FALSE;
    KeReleaseSpinLock(&d->PowerLock, irql);
    if (none && !NT_SUCCESS(request(d, d->M->IdleDx))) {
        children_may_power_up(d);
        none = FALSE;
    }
    return none;
}

NTSTATUS FxChildMayPowerUp(FxDevice *child, BOOLEAN *on)
{
    FxDevice *parent = child->ParentDevice;
    KIRQL irql;
    *on = TRUE;
    if (!parent->PowerPolicyOwner || !parent->M)
        return STATUS_SUCCESS;
    NTSTATUS s = parent->Idle ? FxIdleReferenceWait(parent, FALSE) : STATUS_SUCCESS;
    if (!NT_SUCCESS(s))
        return s;
    child->M->ParentReferenced = parent->Idle != NULL;
    KeAcquireSpinLock(&parent->PowerLock, &irql);
    parent->M->ChildrenOn++;
    *on = parent->M->ChildrenCanPowerUp;
    KeReleaseSpinLock(&parent->PowerLock, irql);
    return STATUS_SUCCESS;
}

void FxChildPoweredDown(FxDevice *child)
{
    FxDevice *parent = child->ParentDevice;
    KIRQL irql;
    if (!parent->PowerPolicyOwner || !parent->M)
        return;
    KeAcquireSpinLock(&parent->PowerLock, &irql);
    parent->M->ChildrenOn--;
    KeReleaseSpinLock(&parent->PowerLock, irql);
    if (child->M->ParentReferenced)
        FxIdleDereference(parent);
    child->M->ParentReferenced = FALSE;
}

static void child_woke(FxDevice *pdo, ULONG_PTR status)
{
    if (pdo->M->WaitWakeOwner)
        FxWakeIndicate(pdo, (NTSTATUS)status);
}

/* ---- arming ---- */

static NTSTATUS arm_sx(FxDevice *d)
{
    const WDF_POWER_POLICY_EVENT_CALLBACKS *c = &d->D.Policy;
    ULONG reason = FxWakeReason(d);
    NTSTATUS s = STATUS_SUCCESS;
    if (c->EvtDeviceArmWakeFromSxWithReason)
        FX_CALL_R(d->O.Globals, s, c->EvtDeviceArmWakeFromSxWithReason, handle(d), (reason & FX_WAKE_DEVICE) != 0, (reason & FX_WAKE_CHILDREN) != 0);
    else if (c->EvtDeviceArmWakeFromSx)
        FX_CALL_R(d->O.Globals, s, c->EvtDeviceArmWakeFromSx, handle(d));
    if (!NT_SUCCESS(s))
        FXLOG(d->O.Globals, ArmSxFailed, P64(handle(d)), S64(s));
    return s;
}

static NTSTATUS enable_at_bus(FxDevice *d)
{
    NTSTATUS s = FxDeviceIsPdo(d) ? FxWakeEnableAtBus(d) : STATUS_SUCCESS;
    if (!NT_SUCCESS(s))
        FXLOG(d->O.Globals, EnableAtBusFailed, P64(handle(d)), S64(s));
    return s;
}

static void disable_at_bus(FxDevice *d)
{
    if (FxDeviceIsPdo(d))
        FxWakeDisableAtBus(d);
}

static void disarm_s0(FxDevice *d)
{
    disable_at_bus(d);
    CALL_VOID(d, EvtDeviceDisarmWakeFromS0);
}

/* DOC: the last word of the driver's about its wake; then children hear of it, if the driver wants that. */
static void disarm_sx(FxDevice *d)
{
    CALL_VOID(d, EvtDeviceDisarmWakeFromSx);
    if (d->M->WaitWakeStatus != STATUS_CANCELLED && d->M->IndicateToChildren)
        FxChildrenEach(d, child_woke, (ULONG_PTR)d->M->WaitWakeStatus);
    d->M->WaitWakeStatus = STATUS_NOT_SUPPORTED;
    d->M->SystemWakeSource = FALSE;
}

/* TRUE: there is no request to cancel, and its completion has come and gone. */
static BOOLEAN wake_over(FxDevice *d)
{
    return !FxWakeCancel(d) && d->M->WakeDropped;
}

/* ---- start ---- */

static ULONG starting(FxDevice *d)
{
    FxIdleEvent(d, FX_IDLE_START);
    FxPowerEvent(d, FXP_IMPLICIT_D0);
    return 0;
}

static ULONG starting_powered_up(FxDevice *d)
{
    return S(StartingSucceeded);
}

static ULONG powered_up_failed(FxDevice *d)
{
    FxPowerEvent(d, FXP_IMPLICIT_D3);
    return 0;
}

static ULONG starting_succeeded(FxDevice *d)
{
    FxPnpAnswer(d, FX_STARTED);
    return S(StartingDecideS0Wake);
}

static ULONG starting_failed(FxDevice *d)
{
    FxIdleEvent(d, FX_IDLE_STOP);
    FxPnpAnswer(d, FX_START_FAILED);
    return 0;
}

static ULONG restarting_failed(FxDevice *d)
{
    starting_failed(d);
    return S(Stopped);
}

static ULONG decide_s0_wake(FxDevice *d)
{
    children_may_power_up(d);
    FxSettingsSave(d);
    return !d->M->IdleEnabled ? S(Started) : d->M->WakeFromS0 ? S(StartedWakeCapable) : S(StartedIdleCapable);
}

static ULONG started(FxDevice *d)
{
    FxIdleDisable(d);
    return 0;
}

static ULONG idle_capable(FxDevice *d)
{
    FxIdleEvent(d, FX_IDLE_ENABLED);
    return 0;
}

static ULONG cancel_timer(FxDevice *d)
{
    return FxIdleDisable(d) ? S(StartingDecideS0Wake) : S(StartedWaitForIdleTimeout);
}

/* ---- idle, without wake ---- */

static ULONG idle_device_idle(FxDevice *d)
{
    return S(TimerExpiredNoWake);
}

static ULONG return_to_active(FxDevice *d)
{
    return S(StartedCancelTimer);
}

static ULONG timer_no_wake(FxDevice *d)
{
    return idle_down(d) ? 0 : S(TimerExpiredNoWakeUndoPowerDown);
}

static ULONG not_processed_no_wake(FxDevice *d)
{
    FxPnpInternalFailure(d);
    return S(TimerExpiredNoWakeUndoPowerDown);
}

static ULONG undo_no_wake(FxDevice *d)
{
    return S(TimerExpiredNoWakeReturnToActive);
}

static ULONG active_no_wake(FxDevice *d)
{
    return S(StartedIdleCapable);
}

static ULONG complete_dx(FxDevice *d)
{
    FxPowerEvent(d, FXP_COMPLETE_DX);
    return 0;
}

static ULONG complete_d0(FxDevice *d)
{
    FxPowerEvent(d, FXP_COMPLETE_D0);
    return 0;
}

static ULONG down_disable_timer(FxDevice *d)
{
    FxIdleDisable(d);
    return S(WaitingUnarmedQueryIdle);
}

static ULONG unarmed_query(FxDevice *d)
{
    return FxIdleReturns(d) ? S(WaitingUnarmed) : S(S0NoWakePowerUp);
}

static ULONG up_or_failed(FxDevice *d)
{
    return request_up(d, S(DeviceD0PowerRequestFailed));
}

/* ---- the system sleeps ---- */

static ULONG sleep_unarmed(FxDevice *d)
{
    return wakes_from(d, pending_system(d)) ? S(SystemSleepNeedWake) : S(SystemAsleepNoWake);
}

static ULONG sleep_need_wake(FxDevice *d)
{
    FxIdleDisable(d);
    return request_up(d, S(SystemAsleepNoWake));
}

static ULONG sleep_request_failed(FxDevice *d)
{
    complete_system(d);
    return S(DevicePowerRequestFailed);
}

static ULONG device_idle_sleeping(FxDevice *d)
{
    return S(StartedIdleCapableCancelTimerForSleep);
}

static ULONG cancel_for_sleep_idle(FxDevice *d)
{
    return FxIdleDisable(d) ? S(Sleeping) : S(StartedIdleCapableWaitForIdleTimeout);
}

static ULONG cancel_for_sleep_wake(FxDevice *d)
{
    return FxIdleDisable(d) ? S(Sleeping) : S(StartedWakeCapableWaitForIdleTimeout);
}

static ULONG sleeping(FxDevice *d)
{
    if (!d->UsageCount[WdfSpecialFileHibernation] && d->M->ChildrenOn > 0)
        FXLOG(d->O.Globals, ChildrenStillUp, P64(handle(d)));
    return wakes_from(d, pending_system(d)) ? S(SleepingWakePowerDown) : S(SleepingNoWakePowerDown);
}

/* Children may not power up until the system is back. */
static ULONG down_for_sleep(FxDevice *d, DEVICE_POWER_STATE dx, ULONG otherwise)
{
    block_children(d);
    return NT_SUCCESS(request(d, dx)) ? 0 : otherwise;
}

static ULONG sleeping_no_wake(FxDevice *d)
{
    return down_for_sleep(d, PowerDeviceD3, S(SleepingNoWakeDxRequestFailed));
}

static ULONG sleeping_no_wake_failed(FxDevice *d)
{
    FxPnpInternalFailure(d);
    complete_system(d);
    FxPnpPowerFailed(d);
    return S(DevicePowerRequestFailed);
}

static ULONG sleeping_wake(FxDevice *d)
{
    return down_for_sleep(d, d->M->WakeDx, S(SleepingNoWakePowerDown));
}

static ULONG not_processed_sleeping(FxDevice *d)
{
    FxPnpInternalFailure(d);
    return S(SystemSleepPowerRequestFailed);
}

/* For the deepest state that it can wake from: a fast S4 looks like a lighter one. */
static ULONG sleeping_send_wake(FxDevice *d)
{
    return NT_SUCCESS(FxWakeSend(d, d->M->SystemWake)) ? 0 : S(SleepingNoWakeCompletePowerDown);
}

static ULONG check_pageable(FxDevice *d)
{
    return d->DeviceObject->Flags & DO_POWER_PAGABLE ? S(SleepingWakeWakeArrived) : S(SleepingWakeWakeArrivedNP);
}

static ULONG sleeping_wake_arrived(FxDevice *d)
{
    NTSTATUS s = arm_sx(d);
    if (NT_SUCCESS(s))
        s = enable_at_bus(d);
    if (!NT_SUCCESS(s))
        return PAIR(SleepingWakeRevertArmWake);
    FxPowerEvent(d, FXP_COMPLETE_DX);
    return 0;
}

/* The callback that disarms is called for the one that failed, too. */
static ULONG sleeping_revert(FxDevice *d)
{
    FXLOG(d->O.Globals, RevertArming, P64(handle(d)));
    disarm_sx(d);
    return wake_over(d) ? S(SleepingNoWakeCompletePowerDown) : 0;
}

static ULONG sleeping_down_failed(FxDevice *d)
{
    return wake_over(d) ? S(SleepingWakePowerDownFailedWakeCanceled) : 0;
}

static ULONG asleep(FxDevice *d)
{
    complete_system(d);
    return 0;
}

/* ---- the system is back ---- */

static ULONG wake_enabled(FxDevice *d)
{
    return wake_over(d) ? PAIR(SystemWakeDeviceWakeEnabledWakeCanceled) : 0;
}

static ULONG wake_disarm(FxDevice *d)
{
    disable_at_bus(d);
    disarm_sx(d);
    return S(SystemWakeDeviceWakeCompletePowerUp);
}

static ULONG woke_disarm(FxDevice *d)
{
    disable_at_bus(d);
    CALL_VOID(d, EvtDeviceWakeFromSxTriggered);
    disarm_sx(d);
    return S(SystemWakeDeviceWakeCompletePowerUp);
}

/* DOC: PowerUpIdleDeviceOnSystemWake: an idle device may stay where it is. */
static ULONG wake_disabled(FxDevice *d)
{
    return d->M->IdleEnabled && !d->M->WakeFromS0 && !d->M->PowerUpOnWake ? S(SystemWakeQueryIdle) : S(SystemWakeDeviceToD0);
}

static ULONG wake_query_idle(FxDevice *d)
{
    return FxIdleReturns(d) ? S(WaitingUnarmed) : S(SystemWakeDeviceToD0);
}

/* ---- idle, with wake ---- */

static ULONG wake_device_idle(FxDevice *d)
{
    return S(TimerExpiredDecideUsbSS);
}

static ULONG decide_usb(FxDevice *d)
{
    return S(TimerExpiredWakeCapablePowerDown);
}

static ULONG timer_wake(FxDevice *d)
{
    return idle_down(d) ? 0 : S(TimerExpiredWakeCapableDxAllocFailed);
}

static ULONG not_processed_wake(FxDevice *d)
{
    FxPnpInternalFailure(d);
    return S(TimerExpiredWakeCapableDxAllocFailed);
}

static ULONG dx_alloc_failed(FxDevice *d)
{
    return S(TimerExpiredWakeCapableUndoPowerDown);
}

static ULONG undo_wake(FxDevice *d)
{
    return S(DeviceIdleReturnToActive);
}

static ULONG timer_send_wake(FxDevice *d)
{
    return NT_SUCCESS(FxWakeSend(d, PowerSystemWorking)) ? 0 : S(TimerExpiredWakeCapableCleanup);
}

static ULONG timer_wake_arrived(FxDevice *d)
{
    NTSTATUS s = STATUS_SUCCESS;
    if (d->D.Policy.EvtDeviceArmWakeFromS0)
        FX_CALL_R(d->O.Globals, s, d->D.Policy.EvtDeviceArmWakeFromS0, handle(d));
    s = FxReport(d, (PVOID)d->D.Policy.EvtDeviceArmWakeFromS0, s);
    if (NT_SUCCESS(s))
        s = enable_at_bus(d);
    if (!NT_SUCCESS(s))
        return S(TimerExpiredWakeCapableCancelWake);
    FxPowerEvent(d, FXP_COMPLETE_DX);
    return 0;
}

static ULONG timer_cancel_wake(FxDevice *d)
{
    return FxWakeCancel(d) ? 0 : S(TimerExpiredWakeCapableWakeCanceled);
}

static ULONG timer_wake_canceled(FxDevice *d)
{
    return S(TimerExpiredWakeCapableCleanup);
}

static ULONG timer_cleanup(FxDevice *d)
{
    return S(TimerExpiredWakeCompletedPowerDown);
}

static ULONG completed_power_up(FxDevice *d)
{
    FxIdleDisable(d);
    return request_up(d, S(DeviceD0PowerRequestFailed));
}

static ULONG completed_hardware_started(FxDevice *d)
{
    return S(S0WakeCompletePowerUp);
}

static ULONG armed_usb(FxDevice *d)
{
    FxIdleDisable(d);
    return S(WaitingArmedQueryIdle); /* I/O may have come before the timeout was processed */
}

static ULONG armed_query(FxDevice *d)
{
    return FxIdleReturns(d) ? S(WaitingArmed) : S(WaitingArmedIoPresentCancelUsbSS);
}

static ULONG armed_io(FxDevice *d)
{
    return S(IoPresentArmed);
}

static ULONG io_present_armed(FxDevice *d)
{
    return wake_over(d) ? S(IoPresentArmedWakeCanceled) : 0;
}

static ULONG armed_wake_failed(FxDevice *d)
{
    return S(IoPresentArmedWakeCanceled);
}

static ULONG armed_wake_succeeded(FxDevice *d)
{
    return S(WokeFromS0);
}

static ULONG s0_disarm(FxDevice *d)
{
    disarm_s0(d);
    return S(S0WakeCompletePowerUp);
}

static ULONG timer_wake_succeeded(FxDevice *d)
{
    CALL_VOID(d, EvtDeviceWakeFromS0Triggered);
    return S(TimerExpiredWakeCompletedDisarm);
}

static ULONG timer_completed_disarm(FxDevice *d)
{
    disarm_s0(d);
    return S(TimerExpiredWakeCapableCleanup);
}

static ULONG wake_failed_usb(FxDevice *d)
{
    FxIdleDisable(d);
    return S(IoPresentArmedWakeCanceled);
}

static ULONG woke_usb(FxDevice *d)
{
    FxIdleDisable(d);
    return S(WokeFromS0);
}

static ULONG woke_notify(FxDevice *d)
{
    CALL_VOID(d, EvtDeviceWakeFromS0Triggered);
    return S(S0WakeDisarm);
}

static ULONG down_failed_cancel(FxDevice *d)
{
    return FxWakeCancel(d) ? 0 : S(TimerExpiredWakeCapablePowerDownFailedWakeCanceled);
}

static ULONG down_failed_canceled(FxDevice *d)
{
    return S(TimerExpiredWakeCapablePowerDownFailedUsbSS);
}

static ULONG down_failed_usb(FxDevice *d)
{
    return S(DevicePowerRequestFailed);
}

/* ---- armed for S0, and the system sleeps ---- */

static ULONG usb_for_sleep(FxDevice *d)
{
    return S(CancelingWakeForSystemSleep);
}

static ULONG cancel_wake_for_sleep(FxDevice *d)
{
    return wake_over(d) ? S(CancelingWakeForSystemSleepWakeCanceled) : 0;
}

static ULONG up_for_sleep(FxDevice *d)
{
    return request_up(d, S(PowerUpForSystemSleepNotSeen));
}

static ULONG disarm_for_sleep(FxDevice *d)
{
    disarm_s0(d);
    FxPowerEvent(d, FXP_COMPLETE_D0);
    return 0;
}

static ULONG up_for_sleep_not_seen(FxDevice *d)
{
    complete_system(d);
    return S(DeviceD0PowerRequestFailed);
}

/* ---- stop ---- */

static ULONG idle_stopping(FxDevice *d)
{
    return S(StoppingCancelTimer);
}

static ULONG stopping_cancel_timer(FxDevice *d)
{
    return FxIdleDisable(d) ? S(Stopping) : S(StoppingWaitForIdleTimeout);
}

static ULONG stopping_reset(FxDevice *d)
{
    FxIdleDisable(d);
    return request_up(d, S(DeviceD0PowerRequestFailed));
}

static ULONG stopping_failed_up(FxDevice *d)
{
    d->M->PowerFailed = TRUE;
    return S(Stopping);
}

static ULONG stopping_d0_usb(FxDevice *d)
{
    return S(StoppingD0);
}

static ULONG stopping_d0_failed(FxDevice *d)
{
    d->M->PowerFailed = TRUE;
    return S(StoppingDisarmWakeCancelWake);
}

static ULONG stopping_disarm(FxDevice *d)
{
    disarm_s0(d);
    FxPowerEvent(d, FXP_COMPLETE_D0);
    return 0;
}

static ULONG stopping_cancel_wake_d0(FxDevice *d)
{
    return wake_over(d) ? S(StoppingDisarmWakeWakeCanceled) : 0;
}

static ULONG stopping_canceled(FxDevice *d)
{
    return S(Stopping);
}

static ULONG stopping_usb(FxDevice *d)
{
    FxIdleDisable(d);
    return S(StoppingCancelWake);
}

static ULONG stopping_cancel_wake(FxDevice *d)
{
    return wake_over(d) ? S(Stopping) : 0;
}

static ULONG stopping(FxDevice *d)
{
    block_children(d);
    FxPowerEvent(d, FXP_IMPLICIT_D3);
    return 0;
}

static ULONG stopping_failed(FxDevice *d)
{
    d->M->PowerFailed = TRUE;
    return S(StoppingSendStatus);
}

static ULONG send_status(FxDevice *d)
{
    BOOLEAN failed = d->M->PowerFailed;
    FxIdleEvent(d, FX_IDLE_STOP);
    d->M->PowerFailed = FALSE;
    FxPnpAnswer(d, failed ? FX_STOP_FAILED : FX_STOPPED);
    return S(Stopped);
}

static ULONG stopped_removing(FxDevice *d)
{
    return S(Removed);
}

static ULONG removed(FxDevice *d)
{
    FxPnpAnswer(d, FX_POLICY_REMOVED);
    return 0;
}

/* ---- failure ---- */

static ULONG d0_request_failed(FxDevice *d)
{
    FxPnpInternalFailure(d);
    FxPnpPowerFailed(d);
    return S(DevicePowerRequestFailed);
}

static ULONG request_failed(FxDevice *d)
{
    children_may_power_up(d); /* those that wait */
    d->M->PowerFailed = TRUE;
    return 0;
}

/* ---- the table ---- */

#define AT(name) [(S(name) & ~WdfDevStateNP) - S(ObjectCreated)]
#define PASSES(name, enter) AT(name) = { enter, NULL, FALSE }
#define RESTS(name, enter, ...) AT(name) = { enter, FX_ON(__VA_ARGS__), TRUE }
#define WAITS(name, enter, ...) AT(name) = { enter, FX_ON(__VA_ARGS__), FALSE }
/* A request for D0 that has been sent. */
#define UP(next, failed) { FXPOL_UP_HW_STARTED, S(next) }, { FXPOL_UP_FAILED, S(failed) }, { FXPOL_UP_NOT_SEEN, S(DeviceD0PowerRequestFailed) }
#define UP_DONE(next) { FXPOL_UP, S(next) }, { FXPOL_UP_FAILED, S(DevicePowerRequestFailed) }
#define EITHER_WAKE(next) { FXPOL_WAKE_FAILED, S(next) }, { FXPOL_WAKE_SUCCESS, S(next) }
#define STOPS(next) { FXPOL_STOP, S(next) }, { FXPOL_SURPRISE_REMOVE, S(next) }

const FxMachineState FxPolicyStates[] = {
    RESTS(ObjectCreated, NULL, { FXPOL_START, S(Starting) }, { FXPOL_REMOVE, S(Removed) }),
    WAITS(Starting, starting, { FXPOL_UP, S(StartingPoweredUp) }, { FXPOL_UP_FAILED, S(StartingFailed) }),
    PASSES(StartingPoweredUp, starting_powered_up),
    WAITS(StartingPoweredUpFailed, powered_up_failed, { FXPOL_DOWN, S(StartingFailed) }, { FXPOL_DOWN_FAILED, S(StartingFailed) }),
    PASSES(StartingSucceeded, starting_succeeded),
    RESTS(StartingFailed, starting_failed, { FXPOL_REMOVE, S(Removed) }),
    PASSES(StartingDecideS0Wake, decide_s0_wake),
    /* idle, without wake */
    RESTS(StartedIdleCapable, idle_capable, { FXPOL_TIMEOUT, S(IdleCapableDeviceIdle) }, { FXPOL_SX, S(StartedIdleCapableCancelTimerForSleep) },
          STOPS(StoppingCancelTimer), { FXPOL_IDLE_CHANGED, S(StartedCancelTimer) }),
    PASSES(IdleCapableDeviceIdle, idle_device_idle),
    PASSES(DeviceIdleReturnToActive, return_to_active),
    PASSES(DeviceIdleSleeping, device_idle_sleeping),
    PASSES(DeviceIdleStopping, idle_stopping),
    WAITS(TimerExpiredNoWake, timer_no_wake, { FXPOL_DOWN_IO_STOPPED, S(TimerExpiredNoWakeCompletePowerDown) }, { FXPOL_DOWN, S(TimerExpiredNoWakePowerDownNotProcessed) }),
    PASSES(TimerExpiredNoWakePowerDownNotProcessed, not_processed_no_wake),
    PASSES(TimerExpiredNoWakeUndoPowerDown, undo_no_wake),
    PASSES(TimerExpiredNoWakeReturnToActive, active_no_wake),
    WAITS(TimerExpiredNoWakeCompletePowerDown, complete_dx, { FXPOL_DOWN, S(TimerExpiredNoWakePoweredDownDisableIdleTimer) }, { FXPOL_DOWN_FAILED, S(DevicePowerRequestFailed) }),
    PASSES(TimerExpiredNoWakePoweredDownDisableIdleTimer, down_disable_timer),
    RESTS(WaitingUnarmed, NULL, { FXPOL_IO_PRESENT, S(WaitingUnarmedQueryIdle) }, { FXPOL_SX, S(SystemSleepFromDeviceWaitingUnarmed) }, { FXPOL_STOP, S(StoppingResetDevice) },
          { FXPOL_SURPRISE_REMOVE, S(StoppingCancelTimer) }, { FXPOL_IDLE_CHANGED, S(S0NoWakePowerUp) }),
    PASSES(WaitingUnarmedQueryIdle, unarmed_query),
    WAITS(S0NoWakePowerUp, up_or_failed, UP(S0NoWakeCompletePowerUp, DevicePowerRequestFailed)),
    WAITS(S0NoWakeCompletePowerUp, complete_d0, UP_DONE(StartingDecideS0Wake)),
    /* the system sleeps */
    PASSES(SystemSleepFromDeviceWaitingUnarmed, sleep_unarmed),
    WAITS(SystemSleepNeedWake, sleep_need_wake, { FXPOL_UP_HW_STARTED, S(SystemSleepNeedWakeCompletePowerUp) }, { FXPOL_UP_FAILED, S(SystemSleepPowerRequestFailed) },
          { FXPOL_UP_NOT_SEEN, S(PowerUpForSystemSleepNotSeen) }),
    WAITS(SystemSleepNeedWakeCompletePowerUp, complete_d0, { FXPOL_UP, S(Sleeping) }, { FXPOL_UP_FAILED, S(SystemSleepPowerRequestFailed) }),
    PASSES(SystemSleepPowerRequestFailed, sleep_request_failed),
    PASSES(CheckPowerPageable, check_pageable),
    WAITS(SleepingWakeWakeArrived, sleeping_wake_arrived, { FXPOL_DOWN, S(SystemAsleepWakeArmed) }, { FXPOL_DOWN_FAILED, S(SleepingWakePowerDownFailed) }),
    WAITS(SleepingWakeWakeArrivedNP, sleeping_wake_arrived, { FXPOL_DOWN, S(SystemAsleepWakeArmedNP) }, { FXPOL_DOWN_FAILED, S(SleepingWakePowerDownFailed) }),
    WAITS(SleepingWakeRevertArmWake, sleeping_revert, EITHER_WAKE(SleepingNoWakeCompletePowerDown)),
    WAITS(SleepingWakeRevertArmWakeNP, sleeping_revert, EITHER_WAKE(SleepingNoWakeCompletePowerDown)),
    WAITS(SleepingWakePowerDownFailed, sleeping_down_failed, EITHER_WAKE(SleepingWakePowerDownFailedWakeCanceled)),
    PASSES(SleepingWakePowerDownFailedWakeCanceled, sleep_request_failed),
    RESTS(SystemAsleepWakeArmed, asleep, { FXPOL_S0, S(SystemWakeDeviceWakeEnabled) }, { FXPOL_WAKE_SUCCESS, S(SystemWakeDeviceWakeTriggered) }),
    RESTS(SystemAsleepWakeArmedNP, asleep, { FXPOL_S0, S(SystemWakeDeviceWakeEnabledNP) }, { FXPOL_WAKE_SUCCESS, S(SystemWakeDeviceWakeTriggeredNP) }),
    WAITS(SystemWakeDeviceWakeEnabled, wake_enabled, EITHER_WAKE(SystemWakeDeviceWakeEnabledWakeCanceled)),
    WAITS(SystemWakeDeviceWakeEnabledNP, wake_enabled, EITHER_WAKE(SystemWakeDeviceWakeEnabledWakeCanceledNP)),
    WAITS(SystemWakeDeviceWakeEnabledWakeCanceled, up_or_failed, UP(SystemWakeDeviceWakeDisarm, DevicePowerRequestFailed)),
    WAITS(SystemWakeDeviceWakeEnabledWakeCanceledNP, up_or_failed, UP(SystemWakeDeviceWakeDisarmNP, DevicePowerRequestFailed)),
    PASSES(SystemWakeDeviceWakeDisarm, wake_disarm),
    PASSES(SystemWakeDeviceWakeDisarmNP, wake_disarm),
    RESTS(SystemWakeDeviceWakeTriggered, NULL, { FXPOL_S0, S(SystemWakeDeviceWakeTriggeredS0) }),
    RESTS(SystemWakeDeviceWakeTriggeredNP, NULL, { FXPOL_S0, S(SystemWakeDeviceWakeTriggeredS0NP) }),
    WAITS(SystemWakeDeviceWakeTriggeredS0, up_or_failed, UP(SystemWakeDeviceWokeDisarm, DevicePowerRequestFailed)),
    WAITS(SystemWakeDeviceWakeTriggeredS0NP, up_or_failed, UP(SystemWakeDeviceWokeDisarmNP, DevicePowerRequestFailed)),
    PASSES(SystemWakeDeviceWokeDisarm, woke_disarm),
    PASSES(SystemWakeDeviceWokeDisarmNP, woke_disarm),
    WAITS(SystemWakeDeviceWakeCompletePowerUp, complete_d0, UP_DONE(StartingDecideS0Wake)),
    PASSES(Sleeping, sleeping),
    WAITS(SleepingNoWakePowerDown, sleeping_no_wake, { FXPOL_DOWN_IO_STOPPED, S(SleepingNoWakeCompletePowerDown) }, { FXPOL_DOWN, S(SleepingPowerDownNotProcessed) }),
    WAITS(SleepingNoWakeCompletePowerDown, complete_dx, { FXPOL_DOWN, S(SystemAsleepNoWake) }, { FXPOL_DOWN_FAILED, S(SystemSleepPowerRequestFailed) }),
    PASSES(SleepingNoWakeDxRequestFailed, sleeping_no_wake_failed),
    WAITS(SleepingWakePowerDown, sleeping_wake, { FXPOL_DOWN_IO_STOPPED, S(SleepingSendWake) }, { FXPOL_DOWN, S(SleepingPowerDownNotProcessed) }),
    PASSES(SleepingPowerDownNotProcessed, not_processed_sleeping),
    WAITS(SleepingSendWake, sleeping_send_wake, { FXPOL_WAKE_ARRIVED, S(CheckPowerPageable) }, EITHER_WAKE(SleepingNoWakeCompletePowerDown)),
    RESTS(SystemAsleepNoWake, asleep, { FXPOL_S0, S(SystemWakeDeviceWakeDisabled) }),
    PASSES(SystemWakeDeviceWakeDisabled, wake_disabled),
    WAITS(SystemWakeDeviceToD0, up_or_failed, UP(SystemWakeDeviceToD0CompletePowerUp, DevicePowerRequestFailed)),
    WAITS(SystemWakeDeviceToD0CompletePowerUp, complete_d0, UP_DONE(StartingDecideS0Wake)),
    PASSES(SystemWakeQueryIdle, wake_query_idle),
    /* idle, with wake */
    RESTS(StartedWakeCapable, idle_capable, { FXPOL_TIMEOUT, S(WakeCapableDeviceIdle) }, { FXPOL_SX, S(StartedWakeCapableCancelTimerForSleep) },
          STOPS(StoppingCancelTimer), { FXPOL_IDLE_CHANGED, S(StartedCancelTimer) }),
    PASSES(WakeCapableDeviceIdle, wake_device_idle),
    PASSES(TimerExpiredDecideUsbSS, decide_usb),
    WAITS(TimerExpiredWakeCapablePowerDown, timer_wake, { FXPOL_DOWN_IO_STOPPED, S(TimerExpiredWakeCapableSendWake) },
          { FXPOL_DOWN, S(TimerExpiredWakeCapablePowerDownNotProcessed) }),
    PASSES(TimerExpiredWakeCapablePowerDownNotProcessed, not_processed_wake),
    PASSES(TimerExpiredWakeCapableDxAllocFailed, dx_alloc_failed),
    PASSES(TimerExpiredWakeCapableUndoPowerDown, undo_wake),
    WAITS(TimerExpiredWakeCapableSendWake, timer_send_wake, { FXPOL_WAKE_ARRIVED, S(TimerExpiredWakeCapableWakeArrived) },
          { FXPOL_WAKE_FAILED, S(TimerExpiredWakeCompletedDisarm) }, { FXPOL_WAKE_SUCCESS, S(TimerExpiredWakeSucceeded) }),
    WAITS(TimerExpiredWakeCapableWakeArrived, timer_wake_arrived, { FXPOL_DOWN, S(WaitingArmedUsbSS) }, { FXPOL_WAKE_SUCCESS, S(TimerExpiredWakeCapableWakeSucceeded) },
          { FXPOL_WAKE_FAILED, S(TimerExpiredWakeCapableWakeFailed) }, { FXPOL_DOWN_FAILED, S(TimerExpiredWakeCapablePowerDownFailedCancelWake) }),
    WAITS(TimerExpiredWakeCapableCancelWake, timer_cancel_wake, EITHER_WAKE(TimerExpiredWakeCapableWakeCanceled)),
    PASSES(TimerExpiredWakeCapableWakeCanceled, timer_wake_canceled),
    PASSES(TimerExpiredWakeCapableCleanup, timer_cleanup),
    WAITS(TimerExpiredWakeCompletedPowerDown, complete_dx, { FXPOL_DOWN, S(TimerExpiredWakeCompletedPowerUp) }, { FXPOL_DOWN_FAILED, S(DevicePowerRequestFailed) }),
    WAITS(TimerExpiredWakeCompletedPowerUp, completed_power_up, UP(TimerExpiredWakeCompletedHardwareStarted, DevicePowerRequestFailed)),
    PASSES(TimerExpiredWakeCompletedHardwareStarted, completed_hardware_started),
    PASSES(WaitingArmedUsbSS, armed_usb),
    RESTS(WaitingArmed, NULL, { FXPOL_IO_PRESENT, S(WaitingArmedQueryIdle) }, { FXPOL_SX, S(CancelingUsbSSForSystemSleep) },
          { FXPOL_WAKE_SUCCESS, S(WaitingArmedWakeSucceededCancelUsbSS) }, { FXPOL_WAKE_FAILED, S(WaitingArmedWakeFailedCancelUsbSS) }, { FXPOL_STOP, S(StoppingD0CancelUsbSS) },
          { FXPOL_SURPRISE_REMOVE, S(WaitingArmedStoppingCancelUsbSS) }, { FXPOL_IDLE_CHANGED, S(WaitingArmedIoPresentCancelUsbSS) }),
    PASSES(WaitingArmedQueryIdle, armed_query),
    PASSES(WaitingArmedIoPresentCancelUsbSS, armed_io),
    PASSES(WaitingArmedWakeFailedCancelUsbSS, armed_wake_failed),
    PASSES(WaitingArmedWakeSucceededCancelUsbSS, armed_wake_succeeded),
    WAITS(IoPresentArmed, io_present_armed, EITHER_WAKE(IoPresentArmedWakeCanceled)),
    WAITS(IoPresentArmedWakeCanceled, up_or_failed, UP(S0WakeDisarm, DevicePowerRequestFailed)),
    PASSES(S0WakeDisarm, s0_disarm),
    WAITS(S0WakeCompletePowerUp, complete_d0, UP_DONE(StartingDecideS0Wake)),
    PASSES(TimerExpiredWakeSucceeded, timer_wake_succeeded),
    PASSES(TimerExpiredWakeCompletedDisarm, timer_completed_disarm),
    WAITS(TimerExpiredWakeCapableWakeSucceeded, NULL, { FXPOL_DOWN, S(WokeFromS0UsbSS) }, { FXPOL_DOWN_FAILED, S(TimerExpiredWakeCapablePowerDownFailedUsbSS) }),
    WAITS(TimerExpiredWakeCapableWakeFailed, NULL, { FXPOL_DOWN, S(WakeFailedUsbSS) }, { FXPOL_DOWN_FAILED, S(TimerExpiredWakeCapablePowerDownFailedUsbSS) }),
    PASSES(WakeFailedUsbSS, wake_failed_usb),
    WAITS(TimerExpiredWakeCapablePowerDownFailedCancelWake, down_failed_cancel, EITHER_WAKE(TimerExpiredWakeCapablePowerDownFailedWakeCanceled)),
    PASSES(TimerExpiredWakeCapablePowerDownFailedWakeCanceled, down_failed_canceled),
    PASSES(TimerExpiredWakeCapablePowerDownFailedUsbSS, down_failed_usb),
    PASSES(WokeFromS0UsbSS, woke_usb),
    WAITS(WokeFromS0, up_or_failed, UP(WokeFromS0NotifyDriver, DevicePowerRequestFailed)),
    PASSES(WokeFromS0NotifyDriver, woke_notify),
    PASSES(CancelingUsbSSForSystemSleep, usb_for_sleep),
    WAITS(CancelingWakeForSystemSleep, cancel_wake_for_sleep, EITHER_WAKE(CancelingWakeForSystemSleepWakeCanceled)),
    WAITS(CancelingWakeForSystemSleepWakeCanceled, up_for_sleep, { FXPOL_UP_HW_STARTED, S(DisarmingWakeForSystemSleepCompletePowerUp) },
          { FXPOL_UP_FAILED, S(PowerUpForSystemSleepFailed) }, { FXPOL_UP_NOT_SEEN, S(PowerUpForSystemSleepNotSeen) }),
    WAITS(DisarmingWakeForSystemSleepCompletePowerUp, disarm_for_sleep, { FXPOL_UP, S(StartedWakeCapableCancelTimerForSleep) }, { FXPOL_UP_FAILED, S(PowerUpForSystemSleepFailed) }),
    PASSES(PowerUpForSystemSleepFailed, sleep_request_failed),
    PASSES(PowerUpForSystemSleepNotSeen, up_for_sleep_not_seen),
    /* stop */
    WAITS(StoppingResetDevice, stopping_reset, UP(StoppingResetDeviceCompletePowerUp, StoppingResetDeviceFailed)),
    WAITS(StoppingResetDeviceCompletePowerUp, complete_d0, { FXPOL_UP, S(Stopping) }, { FXPOL_UP_FAILED, S(StoppingResetDeviceFailed) }),
    PASSES(StoppingResetDeviceFailed, stopping_failed_up),
    PASSES(StoppingD0CancelUsbSS, stopping_d0_usb),
    WAITS(StoppingD0, stopping_reset, UP(StoppingDisarmWake, StoppingD0Failed)),
    PASSES(StoppingD0Failed, stopping_d0_failed),
    WAITS(StoppingDisarmWake, stopping_disarm, { FXPOL_UP, S(StoppingDisarmWakeCancelWake) }, { FXPOL_UP_FAILED, S(StoppingD0Failed) }),
    WAITS(StoppingDisarmWakeCancelWake, stopping_cancel_wake_d0, EITHER_WAKE(StoppingDisarmWakeWakeCanceled)),
    PASSES(StoppingDisarmWakeWakeCanceled, stopping_canceled),
    WAITS(Stopping, stopping, { FXPOL_DOWN, S(StoppingSendStatus) }, { FXPOL_DOWN_FAILED, S(StoppingFailed) }),
    PASSES(StoppingFailed, stopping_failed),
    PASSES(StoppingSendStatus, send_status),
    PASSES(StoppingCancelTimer, stopping_cancel_timer),
    RESTS(StoppingWaitForIdleTimeout, NULL, { FXPOL_TIMEOUT, S(Stopping) }),
    PASSES(WaitingArmedStoppingCancelUsbSS, stopping_usb),
    RESTS(StoppingCancelWake, stopping_cancel_wake, EITHER_WAKE(Stopping)),
    RESTS(Stopped, NULL, { FXPOL_START, S(Restarting) }, { FXPOL_REMOVE, S(StoppedRemoving) }),
    PASSES(StoppedRemoving, stopped_removing),
    RESTS(Removed, removed, { FXPOL_START, S(Starting) }, { FXPOL_REMOVE, S(Removed) }),
    WAITS(Restarting, starting, { FXPOL_UP, S(StartingPoweredUp) }, { FXPOL_UP_FAILED, S(RestartingFailed) }),
    PASSES(RestartingFailed, restarting_failed),
    /* started */
    RESTS(Started, started, { FXPOL_SX, S(Sleeping) }, STOPS(Stopping), { FXPOL_IDLE_CHANGED, S(StartingDecideS0Wake) }),
    PASSES(StartedCancelTimer, cancel_timer),
    RESTS(StartedWaitForIdleTimeout, NULL, { FXPOL_TIMEOUT, S(StartingDecideS0Wake) }, STOPS(StoppingWaitForIdleTimeout)),
    PASSES(StartedWakeCapableCancelTimerForSleep, cancel_for_sleep_wake),
    WAITS(StartedWakeCapableWaitForIdleTimeout, NULL, { FXPOL_TIMEOUT, S(Sleeping) }),
    PASSES(StartedIdleCapableCancelTimerForSleep, cancel_for_sleep_idle),
    WAITS(StartedIdleCapableWaitForIdleTimeout, NULL, { FXPOL_TIMEOUT, S(Sleeping) }),
    PASSES(DeviceD0PowerRequestFailed, d0_request_failed),
    RESTS(DevicePowerRequestFailed, request_failed, STOPS(Stopping)),
    [WdfDevStatePwrPolNull - S(ObjectCreated)] = { 0 },
};

void FxPolicyDropped(FxDevice *d, ULONG event)
{
    if (event == FXPOL_SX)
        complete_system(d);
    else if (event == FXPOL_WAKE_SUCCESS || event == FXPOL_WAKE_FAILED)
        d->M->WakeDropped = TRUE;
}
