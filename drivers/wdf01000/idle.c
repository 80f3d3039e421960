/* Who wants an idle device: references of power-managed queues that hold requests, of drivers (WdfDeviceStopIdle), of children in D0. When the
 * last one goes a timer runs, and when it expires the power policy machine is told; when somebody comes, it is told again.
 *
 *   Stopped ─start─▶ Started ─up─▶ Disabled ◀─▶ Busy ◀─▶ TimerRunning ─▶ TimedOut ─down─▶ InDx ─up─▶ Disabled, Busy or TimerRunning
 *
 * A device whose driver has given no idle settings and has not asked to be kept awake has none of this. */
#include "machine.h"
#include "power.h"

enum idle_state { STOPPED, STARTED, DISABLED, BUSY, TIMER_RUNNING, TIMED_OUT, IN_DX, WAIT_FOR_TIMEOUT, DISABLING_WAIT, FAILED_WAIT };

struct FxIdle {
    KSPIN_LOCK Lock;
    enum idle_state State;
    BOOLEAN IsStarted, Failed, Enabled, TimerStarted, InDx, PresentSent;
    LONG References;
    LARGE_INTEGER Timeout;
    KTIMER Timer;
    KDPC Dpc;
    KEVENT InD0;
};

static void check_count(struct FxIdle *i)
{
    i->Enabled = TRUE;
    i->State = BUSY;
    if (i->References)
        return;
    i->State = TIMER_RUNNING;
    i->TimerStarted = TRUE;
    KeSetTimer(&i->Timer, i->Timeout, &i->Dpc);
}

static BOOLEAN cancel_timer(struct FxIdle *i)
{
    if (!KeCancelTimer(&i->Timer))
        return FALSE;
    i->TimerStarted = FALSE;
    return TRUE;
}

static void in_d0(struct FxIdle *i)
{
    KeSetEvent(&i->InD0, IO_NO_INCREMENT, FALSE);
}

static void disabled(struct FxIdle *i)
{
    i->Enabled = FALSE;
    i->State = DISABLED;
}

static void failed(struct FxIdle *i)
{
    i->Failed = TRUE;
    i->PresentSent = FALSE;
    in_d0(i);
    disabled(i);
}

static void in_dx(struct FxIdle *i)
{
    i->PresentSent = i->State == TIMED_OUT ? FALSE : i->PresentSent;
    KeClearEvent(&i->InD0);
    i->InDx = TRUE;
    i->State = IN_DX;
}

static void io_present(FxDevice *d, struct FxIdle *i)
{
    if (!i->PresentSent)
        FxPolicyEvent(d, FXPOL_IO_PRESENT);
    i->PresentSent = TRUE;
}

static void stopped(struct FxIdle *i)
{
    i->IsStarted = i->Enabled = i->InDx = i->PresentSent = FALSE;
    in_d0(i);
    i->State = STOPPED;
}

static void event_disabled(FxDevice *d, struct FxIdle *i, enum fx_idle_event e)
{
    if (e == FX_IDLE_ENABLED)
        check_count(i);
    else if (e == FX_IDLE_DOWN)
        in_dx(i);
    else if (e == FX_IDLE_DOWN_FAILED || e == FX_IDLE_UP_FAILED)
        failed(i);
    else if (e == FX_IDLE_STOP)
        stopped(i);
}

static void event_busy(FxDevice *d, struct FxIdle *i, enum fx_idle_event e)
{
    if (e == FX_IDLE_DECREMENT)
        check_count(i);
    else if (e == FX_IDLE_DISABLED)
        disabled(i);
    else if (e == FX_IDLE_DOWN)
        in_dx(i);
    else if (e == FX_IDLE_DOWN_FAILED)
        failed(i);
}

static void event_timer_running(FxDevice *d, struct FxIdle *i, enum fx_idle_event e)
{
    if (e == FX_IDLE_DISABLED) {
        if (cancel_timer(i))
            disabled(i);
        else
            i->State = DISABLING_WAIT;
    } else if (e == FX_IDLE_INCREMENT || e == FX_IDLE_ENABLED) {
        if (cancel_timer(i))
            check_count(i);
        else
            i->State = WAIT_FOR_TIMEOUT;
    } else if (e == FX_IDLE_EXPIRED) {
        FxPolicyEvent(d, FXPOL_TIMEOUT);
        i->TimerStarted = FALSE;
        KeClearEvent(&i->InD0); /* still powered, but not to be counted upon */
        i->State = TIMED_OUT;
    }
}

static void event_timed_out(FxDevice *d, struct FxIdle *i, enum fx_idle_event e)
{
    if (e == FX_IDLE_DOWN) {
        in_dx(i);
    } else if (e == FX_IDLE_DOWN_FAILED) {
        failed(i);
    } else if (e == FX_IDLE_DISABLED || e == FX_IDLE_ENABLED) {
        in_d0(i);
        i->PresentSent = FALSE;
        if (e == FX_IDLE_ENABLED)
            check_count(i);
        else
            disabled(i);
    } else if (e == FX_IDLE_INCREMENT) {
        io_present(d, i);
    }
}

static void event_in_dx(FxDevice *d, struct FxIdle *i, enum fx_idle_event e)
{
    switch (e) {
    case FX_IDLE_UP:
        i->InDx = i->PresentSent = FALSE;
        in_d0(i);
        if (i->Enabled)
            check_count(i);
        else
            disabled(i);
        break;
    case FX_IDLE_UP_FAILED:
    case FX_IDLE_DOWN_FAILED:
        i->InDx = FALSE;
        failed(i);
        break;
    case FX_IDLE_STOP:
        stopped(i);
        break;
    case FX_IDLE_DISABLED:
    case FX_IDLE_ENABLED:
        i->Enabled = e == FX_IDLE_ENABLED;
        break;
    case FX_IDLE_INCREMENT:
        io_present(d, i);
        break;
    default:
        break;
    }
}

static void event_waiting(FxDevice *d, struct FxIdle *i, enum fx_idle_event e)
{
    if (e == FX_IDLE_DISABLED && i->State == WAIT_FOR_TIMEOUT) {
        i->State = DISABLING_WAIT;
    } else if (e == FX_IDLE_DOWN_FAILED && i->State == WAIT_FOR_TIMEOUT) {
        i->State = FAILED_WAIT;
    } else if (e == FX_IDLE_EXPIRED) {
        i->TimerStarted = FALSE;
        if (i->State == WAIT_FOR_TIMEOUT) {
            check_count(i);
        } else if (i->State == FAILED_WAIT) {
            failed(i);
        } else {
            FxPolicyEvent(d, FXPOL_TIMEOUT); /* it waits for that */
            disabled(i);
        }
    }
}

static void event_started(FxDevice *d, struct FxIdle *i, enum fx_idle_event e)
{
    if (e == FX_IDLE_UP) {
        in_d0(i);
        disabled(i);
    } else if (e == FX_IDLE_UP_FAILED) {
        i->Failed = TRUE;
    } else if (e == FX_IDLE_STOP) {
        stopped(i);
    }
}

/* With the lock. */
static void process(FxDevice *d, enum fx_idle_event e)
{
    static void (*const by_state[])(FxDevice *, struct FxIdle *, enum fx_idle_event) = {
        [STARTED] = event_started, [DISABLED] = event_disabled, [BUSY] = event_busy, [TIMER_RUNNING] = event_timer_running, [TIMED_OUT] = event_timed_out,
        [IN_DX] = event_in_dx, [WAIT_FOR_TIMEOUT] = event_waiting, [DISABLING_WAIT] = event_waiting, [FAILED_WAIT] = event_waiting,
    };
    struct FxIdle *i = d->Idle;
    if (i->State != STOPPED) {
        by_state[i->State](d, i, e);
    } else if (e == FX_IDLE_START) {
        i->IsStarted = TRUE;
        KeClearEvent(&i->InD0);
        i->State = STARTED;
    }
}

void FxIdleEvent(FxDevice *d, enum fx_idle_event e)
{
    KIRQL irql;
    if (!d->Idle)
        return;
    KeAcquireSpinLock(&d->Idle->Lock, &irql);
    process(d, e);
    KeReleaseSpinLock(&d->Idle->Lock, irql);
}

static void expired(KDPC *dpc, PVOID context, PVOID a, PVOID b)
{
    FxIdleEvent(context, FX_IDLE_EXPIRED);
}

BOOLEAN FxIdleDisable(FxDevice *d)
{
    KIRQL irql;
    if (!d->Idle)
        return TRUE;
    KeAcquireSpinLock(&d->Idle->Lock, &irql);
    process(d, FX_IDLE_DISABLED);
    BOOLEAN done = !d->Idle->TimerStarted;
    KeReleaseSpinLock(&d->Idle->Lock, irql);
    return done;
}

BOOLEAN FxIdleReturns(FxDevice *d)
{
    struct FxIdle *i = d->Idle;
    KIRQL irql;
    if (!i)
        return FALSE;
    KeAcquireSpinLock(&i->Lock, &irql);
    BOOLEAN returns = i->InDx && !i->TimerStarted && !i->References;
    i->PresentSent = FALSE; /* what was sent has been seen */
    KeReleaseSpinLock(&i->Lock, irql);
    return returns;
}

/* STATUS_PENDING: the device is on its way up. */
static NTSTATUS increment(FxDevice *d)
{
    struct FxIdle *i = d->Idle;
    NTSTATUS s = STATUS_POWER_STATE_INVALID;
    KIRQL irql;
    KeAcquireSpinLock(&i->Lock, &irql);
    if (!i->Failed && i->IsStarted) {
        i->References++;
        process(d, FX_IDLE_INCREMENT);
        s = KeReadStateEvent(&i->InD0) ? STATUS_SUCCESS : STATUS_PENDING;
    }
    KeReleaseSpinLock(&i->Lock, irql);
    return s;
}

NTSTATUS FxIdleReferenceWait(FxDevice *d, BOOLEAN wait)
{
    struct FxIdle *i = d->Idle;
    KIRQL irql;
    if (!i)
        return STATUS_SUCCESS;
    NTSTATUS s = increment(d);
    if (s != STATUS_PENDING || !wait)
        return s;
    KeEnterCriticalRegion();
    KeWaitForSingleObject(&i->InD0, Executive, KernelMode, FALSE, NULL);
    KeLeaveCriticalRegion();
    KeAcquireSpinLock(&i->Lock, &irql);
    s = i->Failed || !i->IsStarted ? STATUS_POWER_STATE_INVALID : STATUS_SUCCESS;
    if (!NT_SUCCESS(s)) {
        i->References--;
        process(d, FX_IDLE_DECREMENT);
    }
    KeReleaseSpinLock(&i->Lock, irql);
    return s;
}

BOOLEAN FxIdleReference(FxDevice *d)
{
    return d->Idle && NT_SUCCESS(increment(d));
}

/* DOC: WdfDeviceResumeIdle without WdfDeviceStopIdle is a driver's mistake. */
void FxIdleDereference(FxDevice *d)
{
    struct FxIdle *i = d->Idle;
    KIRQL irql;
    if (!i)
        return;
    KeAcquireSpinLock(&i->Lock, &irql);
    BOOLEAN mistake = i->References == 0;
    if (!mistake) {
        i->References--;
        process(d, FX_IDLE_DECREMENT);
    }
    KeReleaseSpinLock(&i->Lock, irql);
    if (mistake) {
        FXLOG(d->O.Globals, IdleUnmatched, P64(FxHandle(d)), P64(d->DeviceObject));
        FxVerifierDbgBreakPoint(d->O.Globals, FX(d), __builtin_return_address(0));
    }
}

/* Made when it is first needed. A device that is started has none of its queues' references counted before. */
NTSTATUS FxIdleMake(FxDevice *d, BOOLEAN started)
{
    if (d->Idle)
        return STATUS_SUCCESS;
    struct FxIdle *i = FxPoolAllocate(d->O.Globals, NonPagedPoolNx, sizeof *i, FX_TAG);
    if (!i)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeSpinLock(&i->Lock);
    KeInitializeTimer(&i->Timer);
    KeInitializeDpc(&i->Dpc, expired, d);
    KeInitializeEvent(&i->InD0, NotificationEvent, TRUE);
    i->Timeout.QuadPart = -50000000;
    if (started) {
        i->IsStarted = TRUE;
        i->InDx = !d->D0 && d->PowerState != WdfPowerDeviceD3Final;
        i->State = d->D0 ? DISABLED : i->InDx ? IN_DX : STARTED;
        if (!d->D0)
            KeClearEvent(&i->InD0);
    }
    if (InterlockedCompareExchangePointer((PVOID *)&d->Idle, i, NULL))
        ExFreePoolWithTag(i, FX_TAG);
    return STATUS_SUCCESS;
}

void FxIdleSetTimeout(FxDevice *d, ULONG ms)
{
    d->Idle->Timeout.QuadPart = -(LONGLONG)ms * 10000;
}

void FxIdleFree(FxDevice *d)
{
    if (!d->Idle)
        return;
    KeCancelTimer(&d->Idle->Timer);
    KeFlushQueuedDpcs();
    ExFreePoolWithTag(d->Idle, FX_TAG);
    d->Idle = NULL;
}
