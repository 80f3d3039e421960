/* Wait-wake requests. The power policy owner sends one when it arms its device, and cancels it when the device is wanted before it has woken. The bus
 * driver's PDO keeps it (one at a time), enables wake at the bus, and completes it when the driver says that the device has woken
 * (WdfDeviceIndicateWakeStatus), or when it is cancelled.
 *
 * A request that is cancelled and completed at the same time has two who might complete it: whoever comes second does (WakeClaimed). */
#include "machine.h"
#include "power.h"

static WDFDEVICE handle(FxDevice *d)
{
    return (WDFDEVICE)FxHandle(d);
}

static void complete(FxDevice *d, IRP *irp, NTSTATUS s)
{
    PoStartNextPowerIrp(irp);
    FxDeviceCompleteIrp(irp, s, irp->IoStatus.Information);
    IoReleaseRemoveLock(&d->RemoveLock, irp);
}

/* ---- the owner's ---- */

static void wake_done(DEVICE_OBJECT *o, UCHAR minor, POWER_STATE state, PVOID context, IO_STATUS_BLOCK *io)
{
    FxDevice *d = context;
    d->M->WaitWakeStatus = io->Status;
    FxPolicyEvent(d, NT_SUCCESS(io->Status) ? FXPOL_WAKE_SUCCESS : FXPOL_WAKE_FAILED);
}

NTSTATUS FxWakeSend(FxDevice *d, SYSTEM_POWER_STATE state)
{
    POWER_STATE s = { .SystemState = state };
    d->M->RequestedWake = TRUE;
    d->M->WakeDropped = FALSE;
    NTSTATUS status = PoRequestPowerIrp(d->Pdo ? d->Pdo : d->DeviceObject, IRP_MN_WAIT_WAKE, s, wake_done, d, NULL);
    if (!NT_SUCCESS(status)) {
        FXLOG(d->O.Globals, WaitWakeFailed, state - 1, S64(status));
        d->M->RequestedWake = FALSE;
    }
    return status;
}

static BOOLEAN second_to_claim(FxDevice *d)
{
    return InterlockedExchange(&d->M->WakeClaimed, 1) != 0;
}

static NTSTATUS wake_returned(DEVICE_OBJECT *o, IRP *irp, PVOID context)
{
    FxDevice *d = context;
    if (irp->PendingReturned)
        IoMarkIrpPending(irp);
    if (NT_SUCCESS(irp->IoStatus.Status))
        d->M->SystemWakeSource = PoGetSystemWake(irp);
    if (InterlockedExchangePointer((PVOID *)&d->M->WaitWake, NULL) || second_to_claim(d)) {
        PoStartNextPowerIrp(irp);
        IoReleaseRemoveLock(&d->RemoveLock, irp);
        return STATUS_CONTINUE_COMPLETION;
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

BOOLEAN FxWakeCancel(FxDevice *d)
{
    if (d->M->WaitWakeOwner)
        return FxWakeIndicate(d, STATUS_CANCELLED);
    IRP *irp = InterlockedExchangePointer((PVOID *)&d->M->WaitWake, NULL);
    if (!irp)
        return FALSE;
    IoCancelIrp(irp);
    if (second_to_claim(d))
        complete(d, irp, irp->IoStatus.Status);
    return TRUE;
}

static NTSTATUS send_on(FxDevice *d, IRP *irp)
{
    if (InterlockedCompareExchangePointer((PVOID *)&d->M->WaitWake, irp, NULL)) {
        complete(d, irp, STATUS_POWER_STATE_INVALID);
        return STATUS_POWER_STATE_INVALID;
    }
    d->M->WakeClaimed = 0;
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, wake_returned, d, TRUE, TRUE, TRUE);
    NTSTATUS s = PoCallDriver(d->Attached, irp);
    FxPolicyEvent(d, FXPOL_WAKE_ARRIVED); /* after it was sent: who keeps it may complete it at once */
    return s;
}

/* ---- the bus driver's ---- */

static void cancelled(DEVICE_OBJECT *o, IRP *irp)
{
    FxDevice *d = FxDeviceOf(o);
    KIRQL irql;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    KeAcquireSpinLock(&d->M->WakeLock, &irql);
    irp->IoStatus.Status = STATUS_CANCELLED;
    d->M->WaitWake = NULL;
    InsertTailList(&d->M->WakeDone, &irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&d->M->WakeLock, irql);
    FxPowerEvent(d, FXP_WAKE_CANCELED);
}

static NTSTATUS keep(FxDevice *d, IRP *irp)
{
    NTSTATUS s = STATUS_PENDING;
    KIRQL irql;
    KeAcquireSpinLock(&d->M->WakeLock, &irql);
    if (d->M->WaitWake) { /* DOC: one at a time */
        s = STATUS_INVALID_DEVICE_STATE;
    } else {
        IoSetCancelRoutine(irp, cancelled);
        if (irp->Cancel && IoSetCancelRoutine(irp, NULL))
            s = STATUS_CANCELLED;
    }
    if (s == STATUS_PENDING) {
        IoMarkIrpPending(irp);
        d->M->WaitWake = irp;
    }
    KeReleaseSpinLock(&d->M->WakeLock, irql);
    if (s != STATUS_PENDING) {
        complete(d, irp, s);
        return s;
    }
    FxPowerEvent(d, FXP_WAKE_ARRIVAL);
    if (d->PowerPolicyOwner)
        FxPolicyEvent(d, FXPOL_WAKE_ARRIVED);
    return STATUS_PENDING;
}

/* Takes the request from its canceller; what it is to be completed with is noted. FALSE: there is none, or it is being cancelled. */
static BOOLEAN take(FxDevice *d, NTSTATUS s)
{
    KIRQL irql;
    BOOLEAN taken = FALSE;
    KeAcquireSpinLock(&d->M->WakeLock, &irql);
    IRP *irp = d->M->WaitWake;
    if (irp && IoSetCancelRoutine(irp, NULL)) {
        struct FxPower *parent = d->ParentDevice && d->ParentDevice->PowerPolicyOwner ? d->ParentDevice->M : NULL;
        if (NT_SUCCESS(s) && parent && parent->SystemWakeSource) {
            PoSetSystemWake(irp);
            d->M->SystemWakeSource = d->PowerPolicyOwner;
        }
        irp->IoStatus.Status = s;
        InsertTailList(&d->M->WakeDone, &irp->Tail.Overlay.ListEntry);
        d->M->WaitWake = NULL;
        taken = TRUE;
    }
    KeReleaseSpinLock(&d->M->WakeLock, irql);
    return taken;
}

BOOLEAN FxWakeIndicate(FxDevice *d, NTSTATUS s)
{
    if (!take(d, s))
        return FALSE;
    FxPowerEvent(d, s == STATUS_CANCELLED ? FXP_WAKE_CANCELED : NT_SUCCESS(s) ? FXP_WAKE_SUCCEEDED : FXP_WAKE_FAILED);
    return TRUE;
}

void FxWakeFail(FxDevice *d, NTSTATUS s)
{
    if (take(d, s))
        FxWakeCompletePended(d);
}

void FxWakeCompletePended(FxDevice *d)
{
    KIRQL irql;
    LIST_ENTRY *e = NULL;
    KeAcquireSpinLock(&d->M->WakeLock, &irql);
    if (!IsListEmpty(&d->M->WakeDone))
        e = RemoveHeadList(&d->M->WakeDone);
    KeReleaseSpinLock(&d->M->WakeLock, irql);
    if (e) {
        IRP *irp = CONTAINING_RECORD(e, IRP, Tail.Overlay.ListEntry);
        complete(d, irp, irp->IoStatus.Status);
    }
}

static void parent_armed(FxDevice *d, LONG by)
{
    if (d->ParentDevice && d->ParentDevice->PowerPolicyOwner && d->ParentDevice->M)
        InterlockedExchangeAdd(&d->ParentDevice->M->ChildrenArmed, by);
}

NTSTATUS FxWakeEnableAtBus(FxDevice *d)
{
    NTSTATUS s = STATUS_SUCCESS;
    if (d->D.PdoEvents.EvtDeviceEnableWakeAtBus)
        FX_CALL_R(d->O.Globals, s, d->D.PdoEvents.EvtDeviceEnableWakeAtBus, handle(d), d->Sx);
    if (NT_SUCCESS(s)) {
        d->M->EnabledAtBus = TRUE;
        parent_armed(d, 1);
    }
    return s;
}

void FxWakeDisableAtBus(FxDevice *d)
{
    if (!d->M->EnabledAtBus)
        return;
    d->M->EnabledAtBus = FALSE;
    parent_armed(d, -1);
    if (d->D.PdoEvents.EvtDeviceDisableWakeAtBus)
        FX_CALL(d->O.Globals, d->D.PdoEvents.EvtDeviceDisableWakeAtBus, handle(d));
}

/* ---- requests ---- */

/* With the remove lock, which goes with the request. */
NTSTATUS FxWakeDispatch(FxDevice *d, IRP *irp)
{
    if (d->PowerPolicyOwner) {
        if (!d->M->RequestedWake) {
            FXLOG(d->O.Globals, WaitWakeNotRequested, P64(irp), P64(d->DeviceObject));
            FxVerifierKeBugCheck(d->O.Globals, FXBC_POWER_POLICY, P64(d->DeviceObject), P64(irp), 0);
        }
        d->M->RequestedWake = FALSE;
    }
    if (d->M->WaitWakeOwner)
        return keep(d, irp);
    if (d->PowerPolicyOwner)
        return send_on(d, irp);
    PoStartNextPowerIrp(irp);
    NTSTATUS s = FxDevicePass(d, irp);
    IoReleaseRemoveLock(&d->RemoveLock, irp);
    return s;
}

NTSTATUS imp_WdfDeviceIndicateWakeStatus(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, NTSTATUS WaitWakeStatus)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = FX_OBJ(g, Device, FxDevice, FX_TYPE_DEVICE);
    NTSTATUS s = STATUS_SUCCESS;
    if (WaitWakeStatus == STATUS_PENDING || WaitWakeStatus == STATUS_CANCELLED)
        s = STATUS_INVALID_PARAMETER;
    else if (!d->M || !d->M->WaitWakeOwner)
        s = STATUS_INVALID_DEVICE_STATE;
    else if (!FxWakeIndicate(d, WaitWakeStatus))
        s = STATUS_INVALID_DEVICE_REQUEST;
    if (!NT_SUCCESS(s))
        FXLOG(g, IndicateWake, P64(Device), S64(WaitWakeStatus), S64(s));
    return s;
}
