/* Plug and play of a device: the order in which its callbacks are called. Power: power_states.c, policy.c.
 *
 *   start      PrepareHardware, then up
 *   stop       down, ReleaseHardware
 *   remove     down, ReleaseHardware, other queues purged, SelfManagedIoFlush, SelfManagedIoCleanup
 *   failure    what was done is undone from there back; ReleaseHardware if PrepareHardware was called; queues purged, SelfManagedIoFlush
 * DOC: "PnP and Power Management Scenarios". Plug-and-play requests are worked on in the thread that brings them, which asks the power policy
 * machine to start and to stop and waits for its answer; what follows a stop is done on a work item. */
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

NTSTATUS FxReport(FxDevice *d, PVOID routine, NTSTATUS s)
{
    if (!NT_SUCCESS(s))
        FXLOG(d->O.Globals, CallbackFailed, P64(handle(d)), P64(routine), S64(s));
    return s;
}

#define CALL(d, s, member, ...)                                         \
    do {                                                                \
        if (events(d)->member) {                                        \
            FX_CALL_R((d)->O.Globals, s, events(d)->member, __VA_ARGS__); \
            s = FxReport(d, (PVOID)events(d)->member, s);                 \
        }                                                               \
    } while (0)

/* ---- power requests ---- */

static void invalidate_state(FxDevice *d)
{
    if (d->Pdo)
        IoInvalidateDeviceState(d->Pdo);
}

void FxDeviceFail(FxDevice *d, WDF_DEVICE_FAILED_ACTION action)
{
    d->Failed = TRUE;
    d->FailedAction = action;
    FXLOG(d->O.Globals, SetFailed, P64(handle(d)), action);
    invalidate_state(d);
}

static NTSTATUS forward_and_wait(FxDevice *d, IRP *irp)
{
    if (!d->Attached)
        return STATUS_SUCCESS;
    IoCopyCurrentIrpStackLocationToNext(irp);
    return FxSendIrpSynchronously(d->Attached, irp);
}

static NTSTATUS pass_power(FxDevice *d, IRP *irp)
{
    PoStartNextPowerIrp(irp);
    irp->IoStatus.Status = d->Attached ? irp->IoStatus.Status : STATUS_SUCCESS;
    NTSTATUS s = d->Attached ? FxDevicePass(d, irp) : FxDeviceCompleteIrp(irp, STATUS_SUCCESS, 0);
    IoReleaseRemoveLock(&d->RemoveLock, irp);
    return s;
}

/* D0 on its way up: the drivers below are in D0. */
static NTSTATUS raised_below(DEVICE_OBJECT *o, IRP *irp, PVOID context)
{
    FxDevice *d = context;
    d->M->DeviceIrp = irp;
    FxPowerEvent(d, FXP_D0);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS device_set_power(FxDevice *d, IRP *irp)
{
    BOOLEAN up = IoGetCurrentIrpStackLocation(irp)->Parameters.Power.State.DeviceState == PowerDeviceD0;
    if (d->PowerPolicyOwner) {
        if (!d->M->RequestedUp && !d->M->RequestedDown && d->Attached) { /* DOC: bug check 0x10D(0xD): somebody else sends power requests to the stack */
            FXLOG(d->O.Globals, PowerNotRequested, P64(irp), P64(handle(d)), P64(d->DeviceObject));
            FxVerifierKeBugCheck(d->O.Globals, FXBC_POWER_POLICY, P64(d->DeviceObject), P64(irp), 0);
        }
        *(d->M->RequestedUp ? &d->M->RequestedUp : &d->M->RequestedDown) = FALSE;
    }
    IoMarkIrpPending(irp);
    if (up && d->Attached) {
        IoCopyCurrentIrpStackLocationToNext(irp);
        IoSetCompletionRoutine(irp, raised_below, d, TRUE, TRUE, TRUE);
        PoCallDriver(d->Attached, irp);
    } else {
        d->M->DeviceIrp = irp;
        FxPowerEvent(d, up ? FXP_D0 : FXP_DX);
    }
    return STATUS_PENDING;
}

/* DOC (public source): the policy machine hears of S0 on another thread, before the request goes on: PnP requests may follow at once. */
static void tell_s0(FxDevice *d)
{
    KIRQL irql;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    FxPolicyEvent(d, FXPOL_S0);
    KeLowerIrql(irql);
}

static NTSTATUS s0_below(DEVICE_OBJECT *o, IRP *irp, PVOID context)
{
    FxDevice *d = context;
    tell_s0(d);
    PoStartNextPowerIrp(irp);
    if (irp->PendingReturned)
        IoMarkIrpPending(irp);
    IoReleaseRemoveLock(&d->RemoveLock, irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS sx_below(DEVICE_OBJECT *o, IRP *irp, PVOID context)
{
    FxPolicyEvent(context, FXPOL_SX); /* the machine completes it */
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* The power policy owner turns a system state into a device state. */
static NTSTATUS system_set_power(FxDevice *d, IRP *irp)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    BOOLEAN working = sl->Parameters.Power.State.SystemState == PowerSystemWorking;
    d->Sx = sl->Parameters.Power.State.SystemState;
    d->SystemAction = sl->Parameters.Power.ShutdownType;
    if (!d->PowerPolicyOwner)
        return pass_power(d, irp);
    if (!working) {
        IoMarkIrpPending(irp);
        d->M->SystemIrp = irp;
    }
    if (d->Attached) {
        IoCopyCurrentIrpStackLocationToNext(irp);
        IoSetCompletionRoutine(irp, working ? s0_below : sx_below, d, TRUE, TRUE, TRUE);
        NTSTATUS s = PoCallDriver(d->Attached, irp);
        return working ? s : STATUS_PENDING;
    }
    if (!working) {
        FxPolicyEvent(d, FXPOL_SX);
        return STATUS_PENDING;
    }
    tell_s0(d);
    return pass_power(d, irp);
}

/* DOC: who is to wake the system refuses a state that it cannot wake it from, hibernation excepted. */
static NTSTATUS query_power(FxDevice *d, IRP *irp)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    SYSTEM_POWER_STATE to = sl->Parameters.Power.State.SystemState;
    irp->IoStatus.Status = STATUS_SUCCESS;
    if (sl->Parameters.Power.Type != SystemPowerState || !d->PowerPolicyOwner || !FxWakeReason(d) || to >= PowerSystemHibernate || FxCanWakeFrom(d, to))
        return pass_power(d, irp);
    FXLOG(d->O.Globals, CannotWakeFrom, to - 1);
    PoStartNextPowerIrp(irp);
    FxDeviceCompleteIrp(irp, STATUS_POWER_STATE_INVALID, 0);
    IoReleaseRemoveLock(&d->RemoveLock, irp);
    return STATUS_POWER_STATE_INVALID;
}

NTSTATUS FxPkgPnp_DispatchPower(FxDevice *d, IRP *irp)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    UCHAR minor = sl->MinorFunction;
    FXLOG(d->O.Globals, PowerIrp, P64(handle(d)), P64(d->DeviceObject), minor, P64(irp), sl->Parameters.Power.Type, sl->Parameters.Power.State.DeviceState);
    NTSTATUS s = IoAcquireRemoveLock(&d->RemoveLock, irp); /* until it is completed or sent on */
    if (!NT_SUCCESS(s)) {
        PoStartNextPowerIrp(irp);
        return FxDeviceCompleteIrp(irp, s, 0);
    }
    if (minor == IRP_MN_WAIT_WAKE)
        return FxWakeDispatch(d, irp);
    if (minor == IRP_MN_QUERY_POWER)
        return query_power(d, irp);
    if (minor == IRP_MN_SET_POWER)
        return sl->Parameters.Power.Type == SystemPowerState ? system_set_power(d, irp) : device_set_power(d, irp);
    if (d->Attached)
        return pass_power(d, irp);
    PoStartNextPowerIrp(irp);
    s = FxDeviceCompleteIrp(irp, STATUS_NOT_SUPPORTED, 0);
    IoReleaseRemoveLock(&d->RemoveLock, irp);
    return s;
}

/* ---- the power policy machine, as PnP sees it ---- */

void FxPnpAnswer(FxDevice *d, enum fx_answer a)
{
    d->M->Answer = a;
    KeSetEvent(&d->M->Answered, IO_NO_INCREMENT, FALSE);
}

static enum fx_answer ask_policy(FxDevice *d, ULONG event)
{
    FxPolicyEvent(d, event);
    KeWaitForSingleObject(&d->M->Answered, Executive, KernelMode, FALSE, NULL);
    return d->M->Answer;
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

struct pnp_work {
    FxDevice *Device;
    void (*Fn)(FxDevice *d);
    KEVENT Done;
};

static void pnp_worker(DEVICE_OBJECT *o, PVOID context)
{
    struct pnp_work *w = context;
    w->Fn(w->Device);
    KeSetEvent(&w->Done, IO_NO_INCREMENT, FALSE);
}

/* DOC (public source): the power policy owner's machine makes PnP go on in a thread of its own when it has stopped or could not start. */
static void on_thread(FxDevice *d, void (*fn)(FxDevice *d))
{
    struct pnp_work w = { d, fn };
    if (!d->PowerPolicyOwner) {
        fn(d);
        return;
    }
    KeInitializeEvent(&w.Done, NotificationEvent, FALSE);
    IoQueueWorkItem(d->M->FailItem, pnp_worker, DelayedWorkQueue, &w);
    KeWaitForSingleObject(&w.Done, Executive, KernelMode, FALSE, NULL);
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
        d->M->Running = ask_policy(d, FXPOL_START) == FX_STARTED;
        if (!d->M->Running)
            s = NT_SUCCESS(d->M->UpStatus) ? STATUS_DEVICE_POWER_FAILURE : d->M->UpStatus;
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
}

static void flush_io(FxDevice *d)
{
    FxQueuePurgeIo(d, TRUE);
    FxQueuePurgeIo(d, FALSE);
    if (d->SelfManagedInited && events(d)->EvtDeviceSelfManagedIoFlush)
        FX_CALL(d->O.Globals, events(d)->EvtDeviceSelfManagedIoFlush, handle(d));
}

/* It gives back what it has, and waits to be removed. */
static void give_back(FxDevice *d)
{
    FxState(d, FX_PNP_MACHINE, WdfDevStatePnpFailedOwnHardware);
    release_hardware(d);
    pnp_state(d, FX_PNP_FAILED, WdfDevStatePnpFailed);
    FxDeviceInterfacesSet(d, FALSE);
    flush_io(d);
    pnp_rests(d, FX_PNP_FAILED, WdfDevStatePnpFailedWaitForRemove);
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
    d->M->Leaving = FALSE;
    FxCapabilitiesQuery(d, TRUE);
    pnp_state(d, FX_PNP_INIT, again ? WdfDevStatePnpStartingFromStopped : WdfDevStatePnpHardwareAvailable);
    s = start_hardware(d, sl);
    if (NT_SUCCESS(s))
        started(d, again);
    else
        on_thread(d, give_back);
    return FxDeviceCompleteIrp(irp, s, irp->IoStatus.Information);
}

/* ---- failure of a started device ---- */

void FxPnpInternalFailure(FxDevice *d)
{
    d->Failed = TRUE;
    invalidate_state(d);
}

static void fail_work(DEVICE_OBJECT *o, PVOID context)
{
    FxDevice *d = context;
    FxState(d, FX_PNP_MACHINE, WdfDevStatePnpFailedPowerDown);
    ask_policy(d, FXPOL_STOP);
    d->M->Running = FALSE;
    give_back(d);
    KeSetEvent(&d->M->FailDone, IO_NO_INCREMENT, FALSE);
}

/* DOC: WdfDeviceInitSetReleaseHardwareOrderOnFailure: at once, or when the device is removed, after its descendants. */
void FxPnpPowerFailed(FxDevice *d)
{
    KIRQL irql;
    if (d->D.ReleaseHardwareOrder == WdfReleaseHardwareOrderOnFailureAfterDescendants)
        return;
    KeAcquireSpinLock(&d->PowerLock, &irql);
    if (d->M->Running && !d->M->Leaving && !d->M->Failing) {
        d->M->Failing = TRUE;
        KeClearEvent(&d->M->FailDone);
        IoQueueWorkItem(d->M->FailItem, fail_work, DelayedWorkQueue, d);
    }
    KeReleaseSpinLock(&d->PowerLock, irql);
}

/* A device that is failing has done so first. */
static void leaves(FxDevice *d)
{
    KIRQL irql;
    KeAcquireSpinLock(&d->PowerLock, &irql);
    d->M->Leaving = TRUE;
    KeReleaseSpinLock(&d->PowerLock, irql);
    KeWaitForSingleObject(&d->M->FailDone, Executive, KernelMode, FALSE, NULL);
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
    if (on && !d->Awake && d->Idle) {
        d->Awake = NT_SUCCESS(FxIdleReferenceWait(d, TRUE));
    } else if (!on && d->Awake) {
        d->Awake = FALSE;
        FxIdleDereference(d);
    }
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

/* Down, once. */
static void take_down(FxDevice *d)
{
    awake(d, FALSE);
    if (d->M->Running)
        ask_policy(d, d->SurpriseRemoved ? FXPOL_SURPRISE_REMOVE : FXPOL_STOP);
    d->M->Running = FALSE;
    d->PowerState = WdfPowerDeviceD3Final;
}

static NTSTATUS stop(FxDevice *d, IRP *irp)
{
    leaves(d);
    FxState(d, FX_PNP_MACHINE, WdfDevStatePnpStartedStopping);
    take_down(d);
    on_thread(d, release_hardware);
    pnp_rests(d, FX_PNP_STOPPED, WdfDevStatePnpStopped);
    irp->IoStatus.Status = STATUS_SUCCESS;
    return d->Attached ? FxDevicePass(d, irp) : FxDeviceCompleteIrp(irp, STATUS_SUCCESS, 0);
}

static void surprise_done(FxDevice *d)
{
    release_hardware(d);
    FxState(d, FX_PNP_MACHINE, WdfDevStatePnpFailed);
    flush_io(d);
}

static NTSTATUS surprise(FxDevice *d, IRP *irp)
{
    leaves(d);
    BOOLEAN failed = d->Pnp == FX_PNP_FAILED; /* it has given everything back already */
    d->SurpriseRemoved = TRUE;
    FxState(d, FX_PNP_MACHINE, failed ? WdfDevStatePnpFailedSurpriseRemoved : d->Pnp == FX_PNP_INIT ? WdfDevStatePnpInitSurpriseRemoved : WdfDevStatePnpSurpriseRemoveIoStarted);
    if (events(d)->EvtDeviceSurpriseRemoval)
        FX_CALL(d->O.Globals, events(d)->EvtDeviceSurpriseRemoval, handle(d));
    if (!failed) {
        FxDeviceInterfacesSet(d, FALSE);
        take_down(d);
        on_thread(d, surprise_done);
    }
    FxChildListsRemove(d, TRUE);
    pnp_rests(d, FX_PNP_SURPRISE, WdfDevStatePnpFailedWaitForRemove);
    irp->IoStatus.Status = STATUS_SUCCESS;
    return d->Attached ? FxDevicePass(d, irp) : FxDeviceCompleteIrp(irp, STATUS_SUCCESS, 0);
}

static void removed(FxDevice *d)
{
    BOOLEAN flushed = d->Pnp == FX_PNP_SURPRISE || d->Pnp == FX_PNP_FAILED;
    release_hardware(d);
    if (!flushed)
        flush_io(d);
    FxChildListsRemove(d, FALSE);
    if (d->SelfManagedInited && events(d)->EvtDeviceSelfManagedIoCleanup)
        FX_CALL(d->O.Globals, events(d)->EvtDeviceSelfManagedIoCleanup, handle(d));
    d->SelfManagedInited = FALSE;
}

static NTSTATUS remove_device(FxDevice *d, IRP *irp)
{
    DEVICE_OBJECT *below = d->Attached;
    leaves(d);
    d->InRemove = TRUE;
    FxState(d, FX_PNP_MACHINE, d->Pnp == FX_PNP_QUERY_REMOVE ? WdfDevStatePnpQueriedRemoving : WdfDevStatePnpStartedRemoving);
    FxState(d, FX_PNP_MACHINE, WdfDevStatePnpRemovingDisableInterfaces);
    FxDeviceInterfacesSet(d, FALSE);
    take_down(d);
    if (d->M->WaitWakeOwner)
        FxWakeIndicate(d, STATUS_NO_SUCH_DEVICE); /* GUESS: the status */
    on_thread(d, removed);
    ask_policy(d, FXPOL_REMOVE);
    FxWmiDeregister(d);
    FxTargetsRemove(d);
    if (FxDeviceIsPdo(d) && !FxChildPdoGone(d)) { /* the hardware is still there: the PDO stays and can be started again */
        pnp_rests(d, FX_PNP_OBJECT_CREATED, WdfDevStatePnpRemovedPdoWait);
        d->InRemove = d->SurpriseRemoved = d->Failed = FALSE;
        d->M->Failing = FALSE;
        IoReleaseRemoveLock(&d->RemoveLock, irp);
        return FxDeviceCompleteIrp(irp, STATUS_SUCCESS, 0);
    }
    pnp_state(d, FX_PNP_REMOVED, FxDeviceIsPdo(d) ? WdfDevStatePnpPdoRemoved : WdfDevStatePnpFdoRemoved);
    IoReleaseRemoveLockAndWait(&d->RemoveLock, irp);
    FxPowerQuiet(d);
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
    if (w->D1Latency != (ULONG)-1)
        c->D1Latency = w->D1Latency;
    if (w->D2Latency != (ULONG)-1)
        c->D2Latency = w->D2Latency;
    if (w->D3Latency != (ULONG)-1)
        c->D3Latency = w->D3Latency;
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
    FxPowerQuiet(d);
    FxPowerFree(d);
    FxRelationsFree(d);
    FxResourcesDelete(d);
    FxDeviceDispatchFree(d);
}
