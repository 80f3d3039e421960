/* WDFQUEUE: where requests wait, and how they are presented.
 *
 * Invariants, all under QueueLock: a request is on exactly one of Waiting (its IRP has our cancel routine), Owned (the client has it), or on none
 * while it is being moved. Requests whose IRP was cancelled go through CanceledWaiting (never presented) or stay owned and are listed on
 * CanceledOwned until EvtRequestCancel has been called. DispatchEvents raises everything; a thread that is in it already takes another turn instead of
 * nesting, other threads present beside it. */
#include "queue.h"

FXM(void, FxIoQueue, DispatchRequestToDriver, (FxQueue * q, FxRequest *r));
FXM(void, FxIoQueue, CancelRoutine, (DEVICE_OBJECT * d, IRP *irp));
FXM(BOOLEAN, FxIoQueue, ProcessCancelledRequests, (FxQueue * q, KIRQL *irql));

struct dispatcher {
    LIST_ENTRY Entry;
    PKTHREAD Thread;
    BOOLEAN Again;
};

/* ---- state ---- */

ULONG queue_state_bits(const FxQueue *q)
{
    ULONG s = q->State & (WdfIoQueueAcceptRequests | WdfIoQueueDispatchRequests);
    if (!q->WaitingCount)
        s |= WdfIoQueueNoRequests;
    if (!q->OwnedCount)
        s |= WdfIoQueueDriverNoRequests;
    if (q->PowerManaged && !q->PowerOn)
        s |= WdfIoQueuePnpHeld;
    return s;
}

/* Whether something may be taken out and shown to the driver now. */
static BOOLEAN may_present(const FxQueue *q)
{
    if (!(q->State & WdfIoQueueDispatchRequests) || (q->PowerManaged && !q->PowerOn) || q->C.DispatchType == WdfIoQueueDispatchManual || IsListEmpty(&q->Waiting))
        return FALSE;
    if (q->C.DispatchType == WdfIoQueueDispatchSequential)
        return q->OwnedCount == 0;
    ULONG most = q->C.Settings.Parallel.NumberOfPresentedRequests;
    return most == (ULONG)-1 || (ULONG)q->OwnedCount < most;
}

/* A power-managed queue holds its device's idle reference while it has something. Called with the lock; TRUE: act on it without. */
static int power_reference_wanted(FxQueue *q)
{
    BOOLEAN busy = q->WaitingCount || q->OwnedCount;
    if (!q->PowerManaged || !q->O.Device->Idle || busy == q->PowerReferenced)
        return 0;
    q->PowerReferenced = busy;
    return busy ? 1 : -1;
}

/* ---- in and out ---- */

/* With the lock. FALSE: the IRP is cancelled already, and nobody else has seen it. */
BOOLEAN queue_put_waiting(FxQueue *q, FxRequest *r, BOOLEAN head)
{
    r->Queue = q;
    r->Where = FXR_WAITING;
    r->Irp->Tail.Overlay.DriverContext[0] = r;
    if (head)
        InsertHeadList(&q->Waiting, &r->Entry);
    else
        InsertTailList(&q->Waiting, &r->Entry);
    q->WaitingCount++;
    IoSetCancelRoutine(r->Irp, FxIoQueue_CancelRoutine);
    if (r->Irp->Cancel && IoSetCancelRoutine(r->Irp, NULL)) {
        RemoveEntryList(&r->Entry);
        q->WaitingCount--;
        return FALSE;
    }
    return TRUE;
}

void queue_to_canceled_waiting(FxQueue *q, FxRequest *r)
{
    r->Where = FXR_FORWARDING;
    InsertTailList(&q->CanceledWaiting, &r->CancelEntry);
}

/* With the lock: takes one out that was not cancelled. NULL: none. */
FxRequest *queue_take(FxQueue *q, FxRequest *r)
{
    if (!IoSetCancelRoutine(r->Irp, NULL))
        return NULL; /* its cancel routine is on its way */
    RemoveEntryList(&r->Entry);
    q->WaitingCount--;
    r->Where = FXR_OWNED;
    InsertTailList(&q->Owned, &r->Entry);
    q->OwnedCount++;
    r->Presented = TRUE;
    r->StopAcked = FALSE;
    KeClearEvent(&q->Idle);
    return r;
}

static FxRequest *take_first(FxQueue *q)
{
    for (LIST_ENTRY *e = q->Waiting.Flink; e != &q->Waiting; e = e->Flink) {
        FxRequest *r = queue_take(q, CONTAINING_RECORD(e, FxRequest, Entry));
        if (r)
            return r;
    }
    return NULL;
}

void queue_leave_owned(FxQueue *q, FxRequest *r)
{
    RemoveEntryList(&r->Entry);
    q->OwnedCount--;
    r->Where = FXR_FORWARDING;
    if (r->StopWaiting) {
        r->StopWaiting = FALSE;
        q->StopPending--;
    }
    if (!q->OwnedCount || !q->StopPending)
        KeSetEvent(&q->Idle, IO_NO_INCREMENT, FALSE);
}

void FxIoQueue_CancelRoutine(DEVICE_OBJECT *d, IRP *irp)
{
    FxRequest *r = irp->Tail.Overlay.DriverContext[0];
    KIRQL irql;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    FxQueue *q = r->Queue;
    FxObject_AddRef(FX(q));
    lock(q, &irql);
    RemoveEntryList(&r->Entry);
    q->WaitingCount--;
    queue_to_canceled_waiting(q, r);
    unlock(q, irql);
    FxIoQueue_DispatchEvents(q);
    FxObject_Release(FX(q));
}

/* ---- events ---- */

static void finish_canceled_waiting(FxQueue *q, FxRequest *r)
{
    FxGlobals *g = q->O.Globals;
    if (r->Presented && q->C.EvtIoCanceledOnQueue) { /* the callback completes it */
        KIRQL irql, cb;
        lock(q, &irql);
        r->Where = FXR_OWNED;
        InsertTailList(&q->Owned, &r->Entry);
        q->OwnedCount++;
        KeClearEvent(&q->Idle);
        unlock(q, irql);
        FxCallbackLock *l = FxObjectCallbackLock(FX(q));
        FxCallbackLockAcquire(l, &cb);
        FX_CALL(g, q->C.EvtIoCanceledOnQueue, (WDFQUEUE)FxHandle(q), (WDFREQUEST)FxHandle(r));
        FxCallbackLockRelease(l, cb);
        return;
    }
    r->Where = FXR_OWNED;
    r->Queue = NULL;
    r->Information = 0;
    r->Irp->IoStatus.Information = 0;
    FxRequest_CompleteInternal(r, STATUS_CANCELLED);
}

static void call_cancel(FxQueue *q, FxRequest *r)
{
    KIRQL cb;
    PFN_WDF_REQUEST_CANCEL evt = r->EvtCancel;
    FxCallbackLock *l = FxObjectCallbackLock(FX(q));
    r->EvtCancel = NULL;
    FxObject_AddRef(FX(r));
    FxCallbackLockAcquire(l, &cb);
    FX_CALL(q->O.Globals, evt, (WDFREQUEST)FxHandle(r));
    FxCallbackLockRelease(l, cb);
    FxObject_Release(FX(r));
}

/* One event of cancellation; TRUE if there was one. Called and returns with the lock. */
BOOLEAN FxIoQueue_ProcessCancelledRequests(FxQueue *q, KIRQL *irql)
{
    if (!IsListEmpty(&q->CanceledOwned) && !q->InStop) { /* held back while stop and resume are being told */
        FxRequest *r = CONTAINING_RECORD(RemoveHeadList(&q->CanceledOwned), FxRequest, CancelEntry);
        unlock(q, *irql);
        call_cancel(q, r);
        lock(q, irql);
        return TRUE;
    }
    if (!IsListEmpty(&q->CanceledWaiting)) {
        FxRequest *r = CONTAINING_RECORD(RemoveHeadList(&q->CanceledWaiting), FxRequest, CancelEntry);
        unlock(q, *irql);
        finish_canceled_waiting(q, r);
        lock(q, irql);
        return TRUE;
    }
    return FALSE;
}

static BOOLEAN notify_idle_and_purge(FxQueue *q, KIRQL *irql)
{
    if (q->IdleDone && !q->OwnedCount) {
        PFN_WDF_IO_QUEUE_STATE done = q->IdleDone;
        q->IdleDone = NULL;
        unlock(q, *irql);
        FX_CALL(q->O.Globals, done, (WDFQUEUE)FxHandle(q), q->IdleContext);
        lock(q, irql);
        return TRUE;
    }
    if (q->PurgeDone && !q->OwnedCount && !q->WaitingCount && IsListEmpty(&q->CanceledWaiting)) {
        PFN_WDF_IO_QUEUE_STATE done = q->PurgeDone;
        q->PurgeDone = NULL;
        unlock(q, *irql);
        FX_CALL(q->O.Globals, done, (WDFQUEUE)FxHandle(q), q->PurgeContext);
        lock(q, irql);
        return TRUE;
    }
    return FALSE;
}

static BOOLEAN notify_ready(FxQueue *q, KIRQL *irql)
{
    if (!q->ReadyPending || !q->ReadyNotify || (q->PowerManaged && !q->PowerOn) || !(q->State & WdfIoQueueDispatchRequests))
        return FALSE;
    PFN_WDF_IO_QUEUE_STATE evt = q->ReadyNotify;
    WDFCONTEXT context = q->ReadyContext;
    KIRQL cb;
    q->ReadyPending = FALSE;
    unlock(q, *irql);
    FxCallbackLock *l = FxObjectCallbackLock(FX(q));
    FxCallbackLockAcquire(l, &cb);
    FX_CALL(q->O.Globals, evt, (WDFQUEUE)FxHandle(q), context);
    FxCallbackLockRelease(l, cb);
    lock(q, irql);
    return TRUE;
}

static BOOLEAN power_reference(FxQueue *q, KIRQL *irql)
{
    int change = power_reference_wanted(q);
    if (!change)
        return FALSE;
    BOOLEAN counted = q->PowerCounted;
    unlock(q, *irql);
    if (change > 0)
        counted = FxIdleReference(q->O.Device);
    else if (counted)
        FxIdleDereference(q->O.Device);
    lock(q, irql);
    q->PowerCounted = counted;
    return TRUE;
}

static BOOLEAN present_one(FxQueue *q, KIRQL *irql)
{
    FxRequest *r = may_present(q) ? take_first(q) : NULL;
    if (!r)
        return FALSE;
    q->Presenting++;
    unlock(q, *irql);
    FxIoQueue_DispatchRequestToDriver(q, r);
    lock(q, irql);
    q->Presenting--;
    if (!q->Presenting && !q->OwnedCount)
        KeSetEvent(&q->Idle, IO_NO_INCREMENT, FALSE);
    return TRUE;
}

static void defer_work(DEVICE_OBJECT *d, PVOID context)
{
    FxQueue *q = context;
    KIRQL irql;
    lock(q, &irql);
    q->DeferQueued = FALSE;
    unlock(q, irql);
    FxIoQueue_DispatchEvents(q);
    FxObject_Release(FX(q));
}

static void defer_dpc(KDPC *dpc, PVOID context, PVOID a, PVOID b)
{
    defer_work(NULL, context);
}

/* Callbacks cannot be called here: IRQL is too high for a queue of execution level passive, or this thread is in a callback of the same scope. */
static BOOLEAN must_defer(FxQueue *q)
{
    FxCallbackLock *l = FxObjectCallbackLock(FX(q));
    return (q->PassiveLevel && KeGetCurrentIrql() > PASSIVE_LEVEL) || FxCallbackLockOwned(l);
}

static void defer(FxQueue *q)
{
    KIRQL irql;
    lock(q, &irql);
    BOOLEAN queued = q->DeferQueued;
    q->DeferQueued = TRUE;
    unlock(q, irql);
    if (queued)
        return;
    FxObject_AddRef(FX(q));
    if (q->PassiveLevel)
        IoQueueWorkItem(q->DeferItem, defer_work, DelayedWorkQueue, q);
    else
        KeInsertQueueDpc(&q->DeferDpc, NULL, NULL);
}

/* nest: also below ourselves, where a driver sends to its own queue and waits. */
static void dispatch(FxQueue *q, BOOLEAN nest)
{
    struct dispatcher me = { .Thread = KeGetCurrentThread() };
    KIRQL irql;
    if (must_defer(q)) {
        defer(q);
        return;
    }
    lock(q, &irql);
    for (LIST_ENTRY *e = q->Dispatchers.Flink; e != &q->Dispatchers; e = e->Flink) {
        struct dispatcher *other = CONTAINING_RECORD(e, struct dispatcher, Entry);
        if (other->Thread == me.Thread && !nest) { /* we are below ourselves: the outer turn goes on */
            other->Again = TRUE;
            unlock(q, irql);
            return;
        }
    }
    InsertTailList(&q->Dispatchers, &me.Entry);
    if (q->O.Globals->VerboseOn)
        FXLOG(q->O.Globals, QueueProcessing, P64(me.Thread), P64(FxHandle(q)));
    do {
        me.Again = FALSE;
        while (FxIoQueue_ProcessCancelledRequests(q, &irql) || notify_idle_and_purge(q, &irql) || power_reference(q, &irql) || notify_ready(q, &irql) ||
               present_one(q, &irql))
            ;
    } while (me.Again);
    RemoveEntryList(&me.Entry);
    unlock(q, irql);
}

void FxIoQueue_DispatchEvents(FxQueue *q)
{
    dispatch(q, FALSE);
}

/* ---- presenting ---- */

BOOLEAN FxQueueHasHandler(const FxQueue *q, UCHAR major)
{
    if (q->C.DispatchType == WdfIoQueueDispatchManual || q->C.EvtIoDefault)
        return TRUE;
    return (major == IRP_MJ_READ && q->C.EvtIoRead) || (major == IRP_MJ_WRITE && q->C.EvtIoWrite) || (major == IRP_MJ_DEVICE_CONTROL && q->C.EvtIoDeviceControl) ||
           (major == IRP_MJ_INTERNAL_DEVICE_CONTROL && q->C.EvtIoInternalDeviceControl);
}

void FxIoQueue_DispatchRequestToDriver(FxQueue *q, FxRequest *r)
{
    FxGlobals *g = q->O.Globals;
    const WDF_IO_QUEUE_CONFIG *c = &q->C;
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(r->Irp);
    UCHAR major = sl->MajorFunction;
    WDFQUEUE hq = (WDFQUEUE)FxHandle(q);
    WDFREQUEST hr = (WDFREQUEST)FxHandle(r);
    KIRQL cb;
    if (!c->AllowZeroLengthRequests && ((major == IRP_MJ_READ && !sl->Parameters.Read.Length) || (major == IRP_MJ_WRITE && !sl->Parameters.Write.Length))) {
        r->Irp->IoStatus.Information = 0;
        FxRequest_CompleteInternal(r, STATUS_SUCCESS);
        return;
    }
    FxCallbackLock *l = FxObjectCallbackLock(FX(q));
    FxCallbackLockAcquire(l, &cb);
    if (major == IRP_MJ_READ && c->EvtIoRead) {
        FXLOG(g, QueueCallRead, P64(hr));
        FX_CALL(g, c->EvtIoRead, hq, hr, sl->Parameters.Read.Length);
    } else if (major == IRP_MJ_WRITE && c->EvtIoWrite) {
        FXLOG(g, QueueCallWrite, P64(hr));
        FX_CALL(g, c->EvtIoWrite, hq, hr, sl->Parameters.Write.Length);
    } else if (major == IRP_MJ_DEVICE_CONTROL && c->EvtIoDeviceControl) {
        FXLOG(g, QueueCallControl, P64(hr));
        FX_CALL(g, c->EvtIoDeviceControl, hq, hr, sl->Parameters.DeviceIoControl.OutputBufferLength, sl->Parameters.DeviceIoControl.InputBufferLength,
                sl->Parameters.DeviceIoControl.IoControlCode);
    } else if (major == IRP_MJ_INTERNAL_DEVICE_CONTROL && c->EvtIoInternalDeviceControl) {
        FXLOG(g, QueueCallInternal, P64(hr));
        FX_CALL(g, c->EvtIoInternalDeviceControl, hq, hr, sl->Parameters.DeviceIoControl.OutputBufferLength, sl->Parameters.DeviceIoControl.InputBufferLength,
                sl->Parameters.DeviceIoControl.IoControlCode);
    } else if (c->EvtIoDefault) {
        FXLOG(g, QueueCallDefault, P64(hr));
        FX_CALL(g, c->EvtIoDefault, hq, hr);
    } else {
        FxCallbackLockRelease(l, cb);
        FXLOG(g, QueueNoHandler, P64(hq), P64(hr), major, S64(STATUS_INVALID_DEVICE_REQUEST));
        r->Irp->IoStatus.Information = 0;
        FxRequest_CompleteInternal(r, STATUS_INVALID_DEVICE_REQUEST);
        return;
    }
    FxCallbackLockRelease(l, cb);
}

/* A request that has just come, or that another queue forwards. STATUS_PENDING: it is ours. */
NTSTATUS FxIoQueue_QueueRequest(FxQueue *q, FxRequest *r)
{
    KIRQL irql;
    lock(q, &irql);
    if (!(q->State & WdfIoQueueAcceptRequests)) {
        unlock(q, irql);
        FXLOG(q->O.Globals, QueueNotAccepting, P64(FxHandle(q)), queue_state_bits(q), P64(FxHandle(r)), S64(STATUS_INVALID_DEVICE_STATE));
        return STATUS_INVALID_DEVICE_STATE;
    }
    BOOLEAN empty = !q->WaitingCount;
    IoMarkIrpPending(r->Irp);
    r->RetrievedManually = FALSE;
    if (!queue_put_waiting(q, r, FALSE)) {
        queue_to_canceled_waiting(q, r);
    } else if (empty) {
        q->ReadyPending = q->ReadyNotify != NULL;
    }
    FxObject_AddRef(FX(q)); /* the request may be gone, and the queue with its device, before we look again */
    unlock(q, irql);
    dispatch(q, q->C.DispatchType == WdfIoQueueDispatchParallel);
    FxObject_Release(FX(q));
    return STATUS_PENDING;
}

/* The client owned it and does no longer; the queue goes on. */
void FxIoQueue_RequestCompleted(FxQueue *q, FxRequest *r)
{
    KIRQL irql;
    lock(q, &irql);
    queue_leave_owned(q, r);
    unlock(q, irql);
}

/* Until the client owns nothing any more (and, wanted, nothing waits). With the verifier on, a request that is not completed in ten minutes is
 * reported as the mistake that it is; without, the removal hangs as it does on Windows. */
static void wait_owned(FxQueue *q, BOOLEAN waiting)
{
    FxGlobals *g = q->O.Globals;
    LARGE_INTEGER limit = { .QuadPart = -10LL * 60 * 10000000 };
    for (;;) {
        KIRQL irql;
        lock(q, &irql);
        BOOLEAN busy = q->OwnedCount || q->Presenting || (waiting && q->WaitingCount);
        FxRequest *r = IsListEmpty(&q->Owned) ? NULL : CONTAINING_RECORD(q->Owned.Flink, FxRequest, Entry);
        if (busy)
            KeClearEvent(&q->Idle);
        unlock(q, irql);
        if (!busy)
            return;
        if (KeWaitForSingleObject(&q->Idle, Executive, KernelMode, FALSE, g->VerifierOn ? &limit : NULL) == STATUS_TIMEOUT && r) {
            FXLOG(g, QueueNeverCompleted, P64(FxHandle(r)), P64(FxHandle(q)));
            FxVerifierKeBugCheck(g, FXBC_QUEUE, (ULONG64)FxHandle(q), (ULONG64)FxHandle(r), (ULONG64)q->O.Device->DeviceObject);
        }
    }
}

/* ---- power ---- */

/* DOC: EvtIoStop for each request that the driver owns; power-down waits until each is completed, requeued or acknowledged. */
static FxRequest *next_to_stop(FxQueue *q)
{
    for (LIST_ENTRY *e = q->Owned.Flink; e != &q->Owned; e = e->Flink) {
        FxRequest *r = CONTAINING_RECORD(e, FxRequest, Entry);
        if (!r->StopWaiting && !r->StopAcked && !r->CancelCalled)
            return r;
    }
    return NULL;
}

static void wait_for_stop(FxQueue *q)
{
    FxGlobals *g = q->O.Globals;
    LARGE_INTEGER limit = { .QuadPart = -10LL * 60 * 10000000 };
    for (;;) {
        KIRQL irql;
        lock(q, &irql);
        FxRequest *r = NULL;
        for (LIST_ENTRY *e = q->Owned.Flink; e != &q->Owned && !r; e = e->Flink)
            if (!CONTAINING_RECORD(e, FxRequest, Entry)->StopAcked)
                r = CONTAINING_RECORD(e, FxRequest, Entry);
        BOOLEAN busy = r != NULL;
        if (busy)
            KeClearEvent(&q->Idle);
        unlock(q, irql);
        if (!busy)
            return;
        if (KeWaitForSingleObject(&q->Idle, Executive, KernelMode, FALSE, g->VerifierOn ? &limit : NULL) == STATUS_TIMEOUT) {
            FXLOG(g, QueueStopUnacknowledged, P64(FxHandle(r)), P64(FxHandle(q)));
            FxVerifierKeBugCheck(g, FXBC_POWER_TIMEOUT, (ULONG64)FxHandle(r), (ULONG64)FxHandle(q), (ULONG64)q->O.Device->DeviceObject);
        }
    }
}

void FxIoQueue_StopProcessingForPower(FxQueue *q, ULONG action)
{
    KIRQL irql;
    FxGlobals *g = q->O.Globals;
    lock(q, &irql);
    q->PowerOn = FALSE;
    q->InStop = TRUE;
    for (FxRequest *r; q->C.EvtIoStop && (r = next_to_stop(q)) != NULL;) {
        ULONG flags = action | (r->Cancelable ? WdfRequestStopRequestCancelable : 0);
        r->StopWaiting = TRUE;
        q->StopPending++;
        InterlockedIncrement(&r->O.Refs);
        unlock(q, irql);
        FXLOG(g, QueueCallStop, P64(FxHandle(r)), flags);
        FX_CALL(g, q->C.EvtIoStop, (WDFQUEUE)FxHandle(q), (WDFREQUEST)FxHandle(r), flags);
        FxObject_Release(FX(r));
        lock(q, &irql);
    }
    q->InStop = FALSE;
    unlock(q, irql);
    FxIoQueue_DispatchEvents(q); /* cancellations that were held back */
    wait_for_stop(q);
}

void FxIoQueue_StartPowerTransitionOn(FxQueue *q)
{
    KIRQL irql;
    FxGlobals *g = q->O.Globals;
    lock(q, &irql);
    q->PowerOn = TRUE;
    q->InStop = TRUE;
    for (;;) {
        FxRequest *r = NULL;
        for (LIST_ENTRY *e = q->Owned.Flink; e != &q->Owned && !r; e = e->Flink)
            if (CONTAINING_RECORD(e, FxRequest, Entry)->StopAcked)
                r = CONTAINING_RECORD(e, FxRequest, Entry);
        if (!r)
            break;
        r->StopAcked = FALSE;
        if (!q->C.EvtIoResume)
            continue;
        InterlockedIncrement(&r->O.Refs);
        unlock(q, irql);
        FXLOG(g, QueueCallResume, P64(FxHandle(r)));
        FX_CALL(g, q->C.EvtIoResume, (WDFQUEUE)FxHandle(q), (WDFREQUEST)FxHandle(r));
        FxObject_Release(FX(r));
        lock(q, &irql);
    }
    q->InStop = FALSE;
    if (q->WaitingCount && q->ReadyNotify)
        q->ReadyPending = TRUE;
    unlock(q, irql);
    FxIoQueue_DispatchEvents(q);
}

VOID imp_WdfRequestStopAcknowledge(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, BOOLEAN Requeue)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = FX_OBJ(g, Request, FxRequest, FX_TYPE_REQUEST);
    FxRequestCheckOwned(g, r);
    FxQueue *q = r->Queue;
    KIRQL irql;
    lock(q, &irql);
    if (!r->StopWaiting) {
        unlock(q, irql);
        FXLOG(g, RequestStopAck, P64(Request));
        FxVerifierDbgBreakPoint(g, FX(r), __builtin_return_address(0));
        return;
    }
    if (!Requeue) {
        r->StopWaiting = FALSE;
        r->StopAcked = TRUE;
        q->StopPending--;
        KeSetEvent(&q->Idle, IO_NO_INCREMENT, FALSE);
        unlock(q, irql);
        return;
    }
    queue_leave_owned(q, r);
    if (!queue_put_waiting(q, r, TRUE))
        queue_to_canceled_waiting(q, r);
    unlock(q, irql);
    FxIoQueue_DispatchEvents(q);
}

/* All queues of a device, power-managed ones only where so said. The list changes only while no transition is under way. */
FxQueue *queue_after(FxDevice *d, FxQueue *q)
{
    KIRQL irql;
    KeAcquireSpinLock(&d->IoLock, &irql);
    LIST_ENTRY *e = q ? q->Entry.Flink : d->Queues.Flink;
    FxQueue *next = e == &d->Queues ? NULL : CONTAINING_RECORD(e, FxQueue, Entry);
    if (next)
        FxObject_AddRef(FX(next));
    KeReleaseSpinLock(&d->IoLock, irql);
    if (q)
        FxObject_Release(FX(q));
    return next;
}

void FxQueueHoldIo(FxDevice *d, ULONG action)
{
    for (FxQueue *q = queue_after(d, NULL); q; q = queue_after(d, q))
        if (q->PowerManaged)
            FxIoQueue_StopProcessingForPower(q, action);
}

void FxQueueReleaseIo(FxDevice *d)
{
    for (FxQueue *q = queue_after(d, NULL); q; q = queue_after(d, q))
        if (q->PowerManaged)
            FxIoQueue_StartPowerTransitionOn(q);
}

void FxQueuePurgeIo(FxDevice *d, BOOLEAN powerManagedOnly)
{
    for (FxQueue *q = queue_after(d, NULL); q; q = queue_after(d, q))
        if (q->PowerManaged == powerManagedOnly) {
            FxIoQueue_QueuePurge(q, NULL, NULL);
            if (q->C.EvtIoStop && !powerManagedOnly)
                FxIoQueue_StopProcessingForPower(q, WdfRequestStopActionPurge);
            wait_owned(q, TRUE);
        }
}

/* ---- creation ---- */

static BOOLEAN queue_dispose(FxObject *o)
{
    FxQueue *q = (FxQueue *)o;
    FxDevice *d = o->Device;
    KIRQL irql;
    FxIoQueue_QueuePurge(q, NULL, NULL);
    KeAcquireSpinLock(&d->IoLock, &irql);
    RemoveEntryList(&q->Entry);
    KeReleaseSpinLock(&d->IoLock, irql);
    for (int i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        if (d->Dispatching[i] == q)
            d->Dispatching[i] = NULL;
    if (d->DefaultQueue == q)
        d->DefaultQueue = NULL;
    if (KeGetCurrentIrql() == PASSIVE_LEVEL)
        wait_owned(q, FALSE); /* DOC: a queue that is deleted waits for what its driver still owns */
    return TRUE;
}

static void queue_destroy(FxObject *o)
{
    FxQueue *q = (FxQueue *)o;
    FxForwardProgressFree(q);
    if (q->DeferItem)
        IoFreeWorkItem(q->DeferItem);
}

static NTSTATUS config_check(FxGlobals *g, FxDevice *d, const WDF_IO_QUEUE_CONFIG *c)
{
    BOOLEAN any = c->EvtIoDefault || c->EvtIoRead || c->EvtIoWrite || c->EvtIoDeviceControl || c->EvtIoInternalDeviceControl;
    if (c->DispatchType == WdfIoQueueDispatchInvalid || c->DispatchType >= WdfIoQueueDispatchMax) {
        FXLOG(g, QueueConfig, P64(FxHandle(d)), S64(STATUS_INVALID_PARAMETER));
        return STATUS_INVALID_PARAMETER;
    }
    if (c->DispatchType == WdfIoQueueDispatchManual && any) {
        FXLOG(g, QueueConfig, P64(FxHandle(d)), S64(STATUS_INVALID_PARAMETER));
        return STATUS_INVALID_PARAMETER;
    }
    if (c->DispatchType != WdfIoQueueDispatchManual && !any) {
        FXLOG(g, QueueNoCallback, P64(FxHandle(d)), c->DispatchType, S64(STATUS_WDF_NO_CALLBACK));
        return STATUS_WDF_NO_CALLBACK;
    }
    if (c->DispatchType == WdfIoQueueDispatchParallel && c->Settings.Parallel.NumberOfPresentedRequests == 0)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

static NTSTATUS scope_check(FxGlobals *g, FxDevice *d, FxQueue *q)
{
    /* DOC: with device scope, device and queue must have the same execution level. */
    if (q->O.Scope == WdfSynchronizationScopeDevice && q->O.Level != d->O.Level) {
        FXLOG(g, QueueScope, P64(FxHandle(d)), S64(STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL));
        return STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL;
    }
    return STATUS_SUCCESS;
}

static void queue_init(FxQueue *q, FxDevice *d, const WDF_IO_QUEUE_CONFIG *c)
{
    RtlCopyMemory(&q->C, c, c->Size);
    if (c->Size < sizeof *c && c->DispatchType == WdfIoQueueDispatchParallel)
        q->C.Settings.Parallel.NumberOfPresentedRequests = (ULONG)-1; /* before 1.9 there was no limit */
    KeInitializeSpinLock(&q->QueueLock);
    InitializeListHead(&q->Waiting);
    InitializeListHead(&q->Owned);
    InitializeListHead(&q->CanceledWaiting);
    InitializeListHead(&q->CanceledOwned);
    InitializeListHead(&q->Reserved);
    InitializeListHead(&q->PendedIrps);
    InitializeListHead(&q->Dispatchers);
    KeInitializeSpinLock(&q->ReserveLock);
    KeInitializeEvent(&q->Idle, NotificationEvent, TRUE);
    KeInitializeDpc(&q->DeferDpc, defer_dpc, q);
    q->State = WdfIoQueueAcceptRequests | WdfIoQueueDispatchRequests;
    q->PowerManaged = d->Legacy ? FALSE : c->PowerManaged == WdfUseDefault ? !d->D.Filter : c->PowerManaged == WdfTrue;
    q->PowerOn = !q->PowerManaged || d->D0;
}

NTSTATUS imp_WdfIoQueueCreate(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_IO_QUEUE_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFQUEUE *Queue)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = FX_OBJ(g, Device, FxDevice, FX_TYPE_DEVICE);
    FX_NOT_NULL(g, Config);
    FX_PASSIVE(g);
    if (Queue)
        *Queue = NULL;
    if (Config->Size > sizeof *Config || Config->Size < FIELD_OFFSET(WDF_IO_QUEUE_CONFIG, Settings)) {
        FXLOG(g, StructureSize, P64(Config), Config->Size, sizeof *Config, S64(STATUS_INFO_LENGTH_MISMATCH));
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_OPTIONAL);
    if (NT_SUCCESS(s))
        s = config_check(g, d, Config);
    if (NT_SUCCESS(s) && Config->DefaultQueue && d->DefaultQueue) {
        FXLOG(g, QueueDefaultTwice, P64(Device), P64(FxHandle(d->DefaultQueue)), S64(STATUS_UNSUCCESSFUL));
        s = STATUS_UNSUCCESSFUL;
    }
    if (!NT_SUCCESS(s))
        return s;
    FxQueue *q = FxObjectCreate(g, FX_TYPE_QUEUE, sizeof *q, Attributes, &s);
    if (!q)
        return s;
    queue_init(q, d, Config);
    q->O.Device = d;
    FxResolveConstraints(FX(q), Attributes, FX(d));
    q->PassiveLevel = q->O.Level == WdfExecutionLevelPassive;
    FxCallbackLockInit(&q->CallbackLock, q->PassiveLevel);
    s = scope_check(g, d, q);
    if (NT_SUCCESS(s) && !(q->DeferItem = IoAllocateWorkItem(d->DeviceObject)))
        s = STATUS_INSUFFICIENT_RESOURCES;
    WDFOBJECT h;
    if (NT_SUCCESS(s))
        s = FxObjectCommit(FX(q), Attributes, FX(d), &h);
    q->O.Destroy = queue_destroy;
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(q));
        return s;
    }
    q->O.Flags |= FXO_PASSIVE | (Config->DefaultQueue ? FXO_NO_DELETE : 0);
    q->O.Dispose = queue_dispose;
    KIRQL irql;
    KeAcquireSpinLock(&d->IoLock, &irql);
    InsertTailList(&d->Queues, &q->Entry);
    KeReleaseSpinLock(&d->IoLock, irql);
    if (Config->DefaultQueue)
        d->DefaultQueue = q;
    if (Queue)
        *Queue = (WDFQUEUE)h;
    return STATUS_SUCCESS;
}

WDFDEVICE imp_WdfIoQueueGetDevice(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue)
{
    return (WDFDEVICE)FxHandle(queue_of(G, Queue)->O.Device);
}

WDF_IO_QUEUE_STATE imp_WdfIoQueueGetState(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue, PULONG QueueRequests, PULONG DriverRequests)
{
    FxQueue *q = queue_of(G, Queue);
    KIRQL irql;
    lock(q, &irql);
    if (QueueRequests)
        *QueueRequests = (ULONG)q->WaitingCount;
    if (DriverRequests)
        *DriverRequests = (ULONG)q->OwnedCount;
    ULONG s = queue_state_bits(q);
    unlock(q, irql);
    return (WDF_IO_QUEUE_STATE)s;
}
