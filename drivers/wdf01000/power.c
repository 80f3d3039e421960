/* Idle and wake: the power policy owner's device goes to Dx when nothing has referenced it for the idle time, and comes back on the next reference.
 *
 * Power-managed queues reference while they hold a request, drivers with WdfDeviceStopIdle. The transition itself is a power IRP that the policy owner
 * asks for on a work item; only one is under way at a time. */
#include "fx.h"
#include "power.h"

struct FxIdle {
    BOOLEAN Enabled, Started, Busy, CanWake, PowerUpOnWake;
    LONG References;
    DEVICE_POWER_STATE Dx;
    LONGLONG Timeout; /* 100 ns, negative: relative */
    KTIMER Timer;
    KDPC Dpc;
    PIO_WORKITEM Item;
    BOOLEAN Queued;
    KEVENT Powered; /* in D0 */
    KEVENT Quiet; /* no work item queued */
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS Settings;
};

struct FxWake {
    BOOLEAN Enabled, ArmedSx, ArmedS0, ArmForChildren;
    DEVICE_POWER_STATE Dx;
    IRP *Waiting; /* PDO: the wait-wake request that is pended */
};

struct request {
    KEVENT Done;
    NTSTATUS Status;
};

static void request_done(DEVICE_OBJECT *d, UCHAR minor, POWER_STATE state, PVOID context, IO_STATUS_BLOCK *io)
{
    struct request *r = context;
    r->Status = io->Status;
    KeSetEvent(&r->Done, IO_NO_INCREMENT, FALSE);
}

NTSTATUS FxPowerRequest(FxDevice *d, DEVICE_POWER_STATE state)
{
    struct request r;
    POWER_STATE s = { .DeviceState = state };
    KeInitializeEvent(&r.Done, NotificationEvent, FALSE);
    NTSTATUS status = PoRequestPowerIrp(d->Pdo, IRP_MN_SET_POWER, s, request_done, &r, NULL);
    if (status != STATUS_PENDING)
        return status;
    KeWaitForSingleObject(&r.Done, Executive, KernelMode, FALSE, NULL);
    return r.Status;
}

DEVICE_POWER_STATE FxSleepState(FxDevice *d)
{
    return d->Wake && d->Wake->Enabled && d->Wake->Dx != PowerDeviceMaximum && d->Wake->Dx ? d->Wake->Dx : PowerDeviceD3;
}

/* ---- the idle clock ---- */

static void idle_work(DEVICE_OBJECT *o, PVOID context)
{
    FxDevice *d = context;
    struct FxIdle *i = d->Idle;
    KIRQL irql;
    for (;;) {
        KeAcquireSpinLock(&d->PowerLock, &irql);
        BOOLEAN up = i->References > 0 || !i->Started, act = i->Started && up != d->D0;
        if (!act) {
            i->Queued = FALSE;
            KeSetEvent(&i->Quiet, IO_NO_INCREMENT, FALSE);
        }
        KeReleaseSpinLock(&d->PowerLock, irql);
        if (!act)
            return;
        FxPolicyState(d, up ? WdfDevStatePwrPolS0NoWakePowerUp : WdfDevStatePwrPolTimerExpiredNoWake);
        NTSTATUS s = FxPowerRequest(d, up ? PowerDeviceD0 : i->Dx);
        FxPolicyState(d, up ? WdfDevStatePwrPolS0NoWakeCompletePowerUp : WdfDevStatePwrPolTimerExpiredNoWakeCompletePowerDown);
        if (up)
            FxPolicyRests(d);
        else
            FxPolicyState(d, WdfDevStatePwrPolWaitingUnarmed);
        if (!NT_SUCCESS(s)) {
            KeAcquireSpinLock(&d->PowerLock, &irql);
            i->Queued = FALSE;
            KeSetEvent(&i->Quiet, IO_NO_INCREMENT, FALSE);
            KeReleaseSpinLock(&d->PowerLock, irql);
            return;
        }
    }
}

/* With PowerLock. */
static void queue_work(FxDevice *d)
{
    struct FxIdle *i = d->Idle;
    if (i->Queued)
        return;
    i->Queued = TRUE;
    KeClearEvent(&i->Quiet);
    IoQueueWorkItem(i->Item, idle_work, DelayedWorkQueue, d);
}

static void idle_expired(KDPC *dpc, PVOID context, PVOID a, PVOID b)
{
    FxDevice *d = context;
    KIRQL irql;
    KeAcquireSpinLock(&d->PowerLock, &irql);
    if (d->Idle->Started && !d->Idle->References && d->D0)
        queue_work(d);
    KeReleaseSpinLock(&d->PowerLock, irql);
}

static void arm(struct FxIdle *i)
{
    LARGE_INTEGER due = { .QuadPart = i->Timeout };
    if (i->Enabled && i->Started && !i->References)
        KeSetTimer(&i->Timer, due, &i->Dpc);
}

void FxIdleReference(FxDevice *d)
{
    struct FxIdle *i = d->Idle;
    KIRQL irql;
    if (!i)
        return;
    KeAcquireSpinLock(&d->PowerLock, &irql);
    if (i->References++ == 0 && i->Started) {
        KeCancelTimer(&i->Timer);
        if (!d->D0)
            queue_work(d);
    }
    KeReleaseSpinLock(&d->PowerLock, irql);
}

void FxIdleDereference(FxDevice *d)
{
    struct FxIdle *i = d->Idle;
    KIRQL irql;
    if (!i)
        return;
    KeAcquireSpinLock(&d->PowerLock, &irql);
    if (--i->References == 0)
        arm(i);
    KeReleaseSpinLock(&d->PowerLock, irql);
}

void FxIdlePowered(FxDevice *d, BOOLEAN on)
{
    struct FxIdle *i = d->Idle;
    KIRQL irql;
    if (!i)
        return;
    KeAcquireSpinLock(&d->PowerLock, &irql);
    if (on) {
        KeSetEvent(&i->Powered, IO_NO_INCREMENT, FALSE);
        arm(i);
    } else {
        KeClearEvent(&i->Powered);
        if (i->References && i->Started)
            queue_work(d);
    }
    KeReleaseSpinLock(&d->PowerLock, irql);
}

void FxIdleStart(FxDevice *d)
{
    struct FxIdle *i = d->Idle;
    KIRQL irql;
    if (!i)
        return;
    KeAcquireSpinLock(&d->PowerLock, &irql);
    i->Started = TRUE;
    KeSetEvent(&i->Powered, IO_NO_INCREMENT, FALSE);
    arm(i);
    KeReleaseSpinLock(&d->PowerLock, irql);
}

void FxIdleStop(FxDevice *d)
{
    struct FxIdle *i = d->Idle;
    KIRQL irql;
    if (!i)
        return;
    KeAcquireSpinLock(&d->PowerLock, &irql);
    i->Started = FALSE;
    KeCancelTimer(&i->Timer);
    KeReleaseSpinLock(&d->PowerLock, irql);
    KeFlushQueuedDpcs();
    KeWaitForSingleObject(&i->Quiet, Executive, KernelMode, FALSE, NULL);
}

/* Who waits for the device to come up finds it failed. */
void FxIdleHalt(FxDevice *d)
{
    struct FxIdle *i = d->Idle;
    KIRQL irql;
    if (!i)
        return;
    KeAcquireSpinLock(&d->PowerLock, &irql);
    i->Started = FALSE;
    KeCancelTimer(&i->Timer);
    KeSetEvent(&i->Powered, IO_NO_INCREMENT, FALSE);
    KeReleaseSpinLock(&d->PowerLock, irql);
}

void FxPolicyRests(FxDevice *d)
{
    FxPolicyState(d, WdfDevStatePwrPolStartingDecideS0Wake);
    FxPolicyState(d, !d->Idle || !d->Idle->Enabled ? WdfDevStatePwrPolStarted : d->Idle->CanWake ? WdfDevStatePwrPolStartedWakeCapable :
                                                                                                  WdfDevStatePwrPolStartedIdleCapable);
    FxStateSettled(d, FX_POLICY_MACHINE);
}

NTSTATUS FxPowerSleep(FxDevice *d, SYSTEM_POWER_STATE to)
{
    FxPolicyState(d, WdfDevStatePwrPolSleeping);
    FxPolicyState(d, WdfDevStatePwrPolSleepingNoWakePowerDown);
    NTSTATUS s = FxPowerRequest(d, FxSleepState(d));
    FxPolicyState(d, d->Pnp != FX_PNP_FAILED ? WdfDevStatePwrPolSystemAsleepNoWake : WdfDevStatePwrPolDevicePowerRequestFailed);
    FxStateSettled(d, FX_POLICY_MACHINE);
    return s;
}

NTSTATUS FxPowerWake(FxDevice *d)
{
    FxPolicyState(d, WdfDevStatePwrPolSystemWakeDeviceWakeDisabled);
    FxPolicyState(d, WdfDevStatePwrPolSystemWakeDeviceToD0);
    NTSTATUS s = FxPowerRequest(d, PowerDeviceD0);
    if (d->Pnp == FX_PNP_FAILED) {
        FxPolicyState(d, WdfDevStatePwrPolDeviceD0PowerRequestFailed);
        return s;
    }
    FxPolicyState(d, WdfDevStatePwrPolSystemWakeDeviceToD0CompletePowerUp);
    FxPolicyRests(d);
    return s;
}

/* DOC: a device that is asked whether it may be stopped or removed is awake meanwhile (QueryRemoveEnsureDeviceAwake). */
void FxIdleAwake(FxDevice *d)
{
    if (!d->Idle)
        return;
    FxIdleReference(d);
    if (!d->D0)
        KeWaitForSingleObject(&d->Idle->Powered, Executive, KernelMode, FALSE, NULL);
}

void FxIdleAsleep(FxDevice *d)
{
    if (d->Idle)
        FxIdleDereference(d);
}

void FxIdleFree(FxDevice *d)
{
    if (d->Idle) {
        IoFreeWorkItem(d->Idle->Item);
        ExFreePoolWithTag(d->Idle, FX_TAG);
    }
    if (d->Wake)
        ExFreePoolWithTag(d->Wake, FX_TAG);
    d->Idle = NULL;
    d->Wake = NULL;
}

static struct FxIdle *idle_make(FxDevice *d)
{
    struct FxIdle *i = FxPoolAllocate(d->O.Globals, NonPagedPoolNx, sizeof *i, FX_TAG);
    PIO_WORKITEM item = i ? IoAllocateWorkItem(d->DeviceObject) : NULL;
    if (!item) {
        if (i)
            ExFreePoolWithTag(i, FX_TAG);
        return NULL;
    }
    i->Item = item;
    KeInitializeTimer(&i->Timer);
    KeInitializeDpc(&i->Dpc, idle_expired, d);
    KeInitializeEvent(&i->Powered, NotificationEvent, d->D0);
    KeInitializeEvent(&i->Quiet, NotificationEvent, TRUE);
    return i;
}

static FxDevice *device(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return FX_OBJ(FxGet(G), Device, FxDevice, FX_TYPE_DEVICE);
}

NTSTATUS imp_WdfDeviceAssignS0IdleSettings(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_DEVICE_POWER_POLICY_IDLE_SETTINGS S)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, S);
    FX_PASSIVE(g);
    if (S->Size > sizeof *S || S->Size < FIELD_OFFSET(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, Enabled)) {
        FXLOG(g, IdleInvalid, P64(Device), S64(STATUS_INFO_LENGTH_MISMATCH));
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (!d->PowerPolicyOwner) {
        FXLOG(g, IdleInvalid, P64(Device), S64(STATUS_INVALID_DEVICE_REQUEST));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (S->IdleCaps == 0 || S->IdleCaps > IdleUsbSelectiveSuspend || S->UserControlOfIdleSettings == 0 || S->UserControlOfIdleSettings > IdleAllowUserControl ||
        S->DxState < PowerDeviceD1 || S->DxState > PowerDeviceMaximum || (S->IdleCaps != IdleCannotWakeFromS0 && S->DxState == PowerDeviceD3 && FALSE)) {
        FXLOG(g, IdleInvalid, P64(Device), S64(STATUS_INVALID_PARAMETER));
        return STATUS_INVALID_PARAMETER;
    }
    if (S->IdleCaps == IdleCanWakeFromS0 && !d->D.Policy.EvtDeviceArmWakeFromS0 && FALSE)
        return STATUS_INVALID_DEVICE_REQUEST;
    struct FxIdle *i = d->Idle, *made = NULL;
    if (!i && !(made = i = idle_make(d)))
        return STATUS_INSUFFICIENT_RESOURCES;
    KIRQL irql;
    KeAcquireSpinLock(&d->PowerLock, &irql);
    i->Settings = *S;
    i->Enabled = S->Enabled != WdfFalse;
    i->CanWake = S->IdleCaps != IdleCannotWakeFromS0;
    i->Dx = S->DxState == PowerDeviceMaximum ? (i->CanWake ? PowerDeviceD2 : PowerDeviceD3) : S->DxState;
    ULONG ms = S->IdleTimeout ? S->IdleTimeout : 5000;
    i->Timeout = -(LONGLONG)ms * 10000;
    if (made) {
        d->Idle = made;
        made->Started = d->Pnp == FX_PNP_STARTED;
    }
    KeCancelTimer(&i->Timer);
    arm(i);
    if (!i->Enabled && i->Started && !d->D0) { /* DOC: switching it off brings the device back */
        i->References++;
        queue_work(d);
    }
    KeReleaseSpinLock(&d->PowerLock, irql);
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfDeviceAssignSxWakeSettings(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_DEVICE_POWER_POLICY_WAKE_SETTINGS S)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, S);
    FX_PASSIVE(g);
    if (S->Size > sizeof *S || S->Size < 0x10)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (!d->PowerPolicyOwner) {
        FXLOG(g, IdleInvalid, P64(Device), S64(STATUS_INVALID_DEVICE_REQUEST));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (S->DxState < PowerDeviceD1 || S->DxState > PowerDeviceMaximum || S->UserControlOfWakeSettings == 0 || S->UserControlOfWakeSettings > WakeAllowUserControl)
        return STATUS_INVALID_PARAMETER;
    if (!d->Wake && !(d->Wake = FxPoolAllocate(g, NonPagedPoolNx, sizeof *d->Wake, FX_TAG)))
        return STATUS_INSUFFICIENT_RESOURCES;
    d->Wake->Enabled = S->Enabled != WdfFalse;
    d->Wake->Dx = S->DxState;
    return STATUS_SUCCESS;
}

/* DOC: with TRUE the caller waits until the device is in D0 (PASSIVE_LEVEL, not in a power callback); with FALSE STATUS_PENDING when it is not yet. */
NTSTATUS imp_WdfDeviceStopIdleNoTrack(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, BOOLEAN WaitForD0)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    if (WaitForD0)
        FX_PASSIVE(g);
    if (!d->PowerPolicyOwner)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (d->Pnp != FX_PNP_STARTED && d->Pnp != FX_PNP_INIT && d->Pnp != FX_PNP_QUERY_STOP && d->Pnp != FX_PNP_QUERY_REMOVE)
        return STATUS_POWER_STATE_INVALID;
    FxIdleReference(d);
    if (d->D0 || !d->Idle)
        return STATUS_SUCCESS;
    if (!WaitForD0)
        return STATUS_PENDING;
    KeWaitForSingleObject(&d->Idle->Powered, Executive, KernelMode, FALSE, NULL);
    return d->D0 ? STATUS_SUCCESS : STATUS_POWER_STATE_INVALID;
}

VOID imp_WdfDeviceResumeIdleNoTrack(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    FxDevice *d = device(G, Device);
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

/* ---- wake ---- */

void FxWakeArm(FxDevice *d)
{
    NTSTATUS s = STATUS_SUCCESS;
    if (!d->PowerPolicyOwner || !d->D0)
        return;
    if (d->Sx == PowerSystemWorking && d->Idle && d->Idle->Enabled && d->Idle->CanWake && d->D.Policy.EvtDeviceArmWakeFromS0) {
        FX_CALL_R(d->O.Globals, s, d->D.Policy.EvtDeviceArmWakeFromS0, (WDFDEVICE)FxHandle(d));
        if (NT_SUCCESS(s)) {
            if (!d->Wake)
                d->Wake = FxPoolAllocate(d->O.Globals, NonPagedPoolNx, sizeof *d->Wake, FX_TAG);
            if (d->Wake)
                d->Wake->ArmedS0 = TRUE;
        }
    }
}

void FxWakeDisarm(FxDevice *d)
{
    if (!d->Wake || !d->Wake->ArmedS0)
        return;
    d->Wake->ArmedS0 = FALSE;
    if (d->D.Policy.EvtDeviceDisarmWakeFromS0)
        FX_CALL(d->O.Globals, d->D.Policy.EvtDeviceDisarmWakeFromS0, (WDFDEVICE)FxHandle(d));
}

/* A PDO whose bus driver can arm it for wake pends the request; nothing ever wakes a device here. */
NTSTATUS FxWakeWait(FxDevice *d, IRP *irp)
{
    PoStartNextPowerIrp(irp);
    return FxDeviceCompleteIrp(irp, STATUS_NOT_SUPPORTED, 0);
}
