/* What the client does with requests of a queue: takes them out, forwards them, makes them cancelable; and those kept for when memory is short. */
#include "queue.h"

/* ---- retrieving ---- */

static NTSTATUS retrieve(FxGlobals *g, FxQueue *q, FILE_OBJECT *file, BOOLEAN byFile, FxRequest *wanted, WDFREQUEST *out)
{
    KIRQL irql;
    NTSTATUS s = STATUS_NO_MORE_ENTRIES;
    FxRequest *r = NULL;
    *out = NULL;
    lock(q, &irql);
    if (!(q->State & WdfIoQueueDispatchRequests)) {
        s = STATUS_WDF_PAUSED;
    } else if (q->PowerManaged && !q->PowerOn) {
        s = STATUS_WDF_PAUSED;
    } else {
        if (wanted)
            s = STATUS_NOT_FOUND;
        for (LIST_ENTRY *e = q->Waiting.Flink; e != &q->Waiting && !r; e = e->Flink) {
            FxRequest *x = CONTAINING_RECORD(e, FxRequest, Entry);
            if ((byFile && x->FileObject != file) || (wanted && x != wanted))
                continue;
            r = queue_take(q, x);
        }
    }
    unlock(q, irql);
    if (!r) {
        FxIoQueue_DispatchEvents(q);
        return s;
    }
    r->RetrievedManually = q->C.DispatchType == WdfIoQueueDispatchManual;
    *out = (WDFREQUEST)FxHandle(r);
    return STATUS_SUCCESS;
}

static NTSTATUS retrievable(FxGlobals *g, FxQueue *q)
{
    if (q->C.DispatchType != WdfIoQueueDispatchParallel)
        return STATUS_SUCCESS;
    return STATUS_SUCCESS; /* DOC: any queue; a parallel one too */
}

NTSTATUS imp_WdfIoQueueRetrieveNextRequest(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue, WDFREQUEST *OutRequest)
{
    FxGlobals *g = FxGet(G);
    FxQueue *q = queue_of(G, Queue);
    FX_NOT_NULL(g, OutRequest);
    NTSTATUS s = retrievable(g, q);
    return NT_SUCCESS(s) ? retrieve(g, q, NULL, FALSE, NULL, OutRequest) : s;
}

NTSTATUS imp_WdfIoQueueRetrieveRequestByFileObject(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue, WDFFILEOBJECT FileObject, WDFREQUEST *OutRequest)
{
    FxGlobals *g = FxGet(G);
    FxQueue *q = queue_of(G, Queue);
    FxFile *f = FX_OBJ(g, FileObject, FxFile, FX_TYPE_FILEOBJECT);
    FX_NOT_NULL(g, OutRequest);
    return retrieve(g, q, f->FileObject, TRUE, NULL, OutRequest);
}

extern void FxRequestParameters(FxRequest *r, PWDF_REQUEST_PARAMETERS p);

NTSTATUS imp_WdfIoQueueFindRequest(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue, WDFREQUEST Found, WDFFILEOBJECT FileObject, PWDF_REQUEST_PARAMETERS Parameters,
                                   WDFREQUEST *Out)
{
    FxGlobals *g = FxGet(G);
    FxQueue *q = queue_of(G, Queue);
    FX_NOT_NULL(g, Out);
    FxRequest *after = Found ? FX_OBJ(g, Found, FxRequest, FX_TYPE_REQUEST) : NULL;
    FxFile *f = FileObject ? FX_OBJ(g, FileObject, FxFile, FX_TYPE_FILEOBJECT) : NULL;
    *Out = NULL;
    if (Parameters && Parameters->Size != sizeof *Parameters)
        return STATUS_INFO_LENGTH_MISMATCH;
    KIRQL irql;
    NTSTATUS s = STATUS_NO_MORE_ENTRIES;
    BOOLEAN seen = after == NULL;
    lock(q, &irql);
    for (LIST_ENTRY *e = q->Waiting.Flink; e != &q->Waiting; e = e->Flink) {
        FxRequest *r = CONTAINING_RECORD(e, FxRequest, Entry);
        if (!seen) {
            seen = r == after;
            continue;
        }
        if (f && r->FileObject != f->FileObject)
            continue;
        if (Parameters)
            FxRequestParameters(r, Parameters);
        InterlockedIncrement(&r->O.Refs); /* DOC: the driver dereferences it */
        *Out = (WDFREQUEST)FxHandle(r);
        s = STATUS_SUCCESS;
        break;
    }
    unlock(q, irql);
    return seen ? s : STATUS_NOT_FOUND;
}

NTSTATUS imp_WdfIoQueueRetrieveFoundRequest(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue, WDFREQUEST Found, WDFREQUEST *Out)
{
    FxGlobals *g = FxGet(G);
    FxQueue *q = queue_of(G, Queue);
    FX_NOT_NULL(g, Out);
    return retrieve(g, q, NULL, FALSE, FX_OBJ(g, Found, FxRequest, FX_TYPE_REQUEST), Out);
}

NTSTATUS imp_WdfIoQueueReadyNotify(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue, PFN_WDF_IO_QUEUE_STATE QueueReady, WDFCONTEXT Context)
{
    FxGlobals *g = FxGet(G);
    FxQueue *q = queue_of(G, Queue);
    KIRQL irql;
    NTSTATUS s = STATUS_SUCCESS;
    if (q->C.DispatchType != WdfIoQueueDispatchManual) {
        FXLOG(g, QueueReadyNotify, P64(Queue), S64(STATUS_INVALID_DEVICE_REQUEST));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    lock(q, &irql);
    if (QueueReady && q->ReadyNotify) {
        s = STATUS_INVALID_DEVICE_REQUEST;
    } else if (!QueueReady && (q->State & WdfIoQueueDispatchRequests)) {
        s = STATUS_INVALID_DEVICE_REQUEST; /* DOC: taken away only from a stopped queue */
    } else {
        q->ReadyNotify = QueueReady;
        q->ReadyContext = Context;
        q->ReadyPending = QueueReady && q->WaitingCount;
    }
    unlock(q, irql);
    if (!NT_SUCCESS(s)) {
        FXLOG(g, QueueReadyNotify, P64(Queue), S64(s));
        return s;
    }
    FxIoQueue_DispatchEvents(q);
    return STATUS_SUCCESS;
}

/* ---- forwarding ---- */

static NTSTATUS forward(FxGlobals *g, FxRequest *r, FxQueue *to, PVOID caller)
{
    FxQueue *from = r->Queue;
    KIRQL irql;
    if (r->Cancelable) {
        FXLOG(g, RequestCancelable, P64(FxHandle(r)), P64(r->Irp), S64(STATUS_INVALID_DEVICE_REQUEST));
        FxVerifierDbgBreakPoint(g, FX(r), caller);
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    lock(from, &irql);
    queue_leave_owned(from, r);
    unlock(from, irql);
    lock(to, &irql);
    BOOLEAN accepts = (to->State & WdfIoQueueAcceptRequests) != 0;
    BOOLEAN empty = !to->WaitingCount;
    if (accepts) {
        r->RetrievedManually = FALSE;
        r->StopAcked = FALSE;
        if (!queue_put_waiting(to, r, FALSE))
            queue_to_canceled_waiting(to, r);
        else if (empty)
            to->ReadyPending = to->ReadyNotify != NULL;
    }
    unlock(to, irql);
    if (!accepts) { /* it stays the driver's */
        lock(from, &irql);
        r->Queue = from;
        r->Where = FXR_OWNED;
        InsertTailList(&from->Owned, &r->Entry);
        from->OwnedCount++;
        KeClearEvent(&from->Idle);
        unlock(from, irql);
        FXLOG(g, QueueNotAccepting, P64(FxHandle(to)), queue_state_bits(to), P64(FxHandle(r)), S64(STATUS_WDF_BUSY));
        return STATUS_WDF_BUSY;
    }
    FxIoQueue_DispatchEvents(to);
    FxIoQueue_DispatchEvents(from);
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfRequestForwardToIoQueue(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, WDFQUEUE DestinationQueue)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = FX_OBJ(g, Request, FxRequest, FX_TYPE_REQUEST);
    FxQueue *to = queue_of(G, DestinationQueue);
    FxRequestCheckOwned(g, r);
    if (to->O.Device != r->O.Device || to == r->Queue) {
        FXLOG(g, QueueOtherDevice, P64(Request), P64(DestinationQueue), S64(STATUS_INVALID_DEVICE_REQUEST));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    return forward(g, r, to, __builtin_return_address(0));
}

NTSTATUS imp_WdfRequestRequeue(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = FX_OBJ(g, Request, FxRequest, FX_TYPE_REQUEST);
    FxRequestCheckOwned(g, r);
    FxQueue *q = r->Queue;
    if (q->C.DispatchType != WdfIoQueueDispatchManual) {
        FXLOG(g, RequestRequeue, P64(Request), S64(STATUS_INVALID_DEVICE_REQUEST));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    KIRQL irql;
    lock(q, &irql);
    queue_leave_owned(q, r);
    BOOLEAN empty = !q->WaitingCount;
    if (!queue_put_waiting(q, r, TRUE))
        queue_to_canceled_waiting(q, r);
    else if (empty)
        q->ReadyPending = q->ReadyNotify != NULL;
    unlock(q, irql);
    FxIoQueue_DispatchEvents(q);
    return STATUS_SUCCESS;
}

/* DOC: a PDO's request goes to a queue of the parent device. */
NTSTATUS imp_WdfRequestForwardToParentDeviceIoQueue(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, WDFQUEUE ParentDeviceQueue, PWDF_REQUEST_FORWARD_OPTIONS Options)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = FX_OBJ(g, Request, FxRequest, FX_TYPE_REQUEST);
    FxQueue *to = queue_of(G, ParentDeviceQueue);
    FX_NOT_NULL(g, Options);
    if (Options->Size != sizeof *Options || Options->Flags != WDF_REQUEST_FORWARD_OPTION_SEND_AND_FORGET) {
        return Options->Size != sizeof *Options ? STATUS_INFO_LENGTH_MISMATCH : STATUS_INVALID_PARAMETER;
    }
    FxRequestCheckOwned(g, r);
    FxDevice *pdo = r->O.Device;
    if (!FxDeviceIsPdo(pdo) || pdo->ParentDevice != to->O.Device || !pdo->D.ForwardToParent || (r->Irp->CurrentLocation <= 1)) {
        FXLOG(g, QueueOtherDevice, P64(Request), P64(ParentDeviceQueue), S64(STATUS_INVALID_DEVICE_REQUEST));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    return forward(g, r, to, __builtin_return_address(0));
}

NTSTATUS imp_WdfDeviceEnqueueRequest(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, WDFREQUEST Request)
{
    extern NTSTATUS FxPkgIoEnqueue(FxDevice * d, FxRequest * r);
    FxGlobals *g = FxGet(G);
    return FxPkgIoEnqueue(FX_OBJ(g, Device, FxDevice, FX_TYPE_DEVICE), FX_OBJ(g, Request, FxRequest, FX_TYPE_REQUEST));
}

/* ---- cancelling what the driver owns ---- */

static void owned_cancel_routine(DEVICE_OBJECT *d, IRP *irp) __asm__("FxIoQueue::CancelOwned");

static void owned_cancel_routine(DEVICE_OBJECT *d, IRP *irp)
{
    FxRequest *r = irp->Tail.Overlay.DriverContext[0];
    KIRQL irql;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    FxQueue *q = r->Queue;
    FxObject_AddRef(FX(q));
    lock(q, &irql);
    r->Cancelable = FALSE;
    r->CancelRaised = TRUE;
    InsertTailList(&q->CanceledOwned, &r->CancelEntry);
    unlock(q, irql);
    FxIoQueue_DispatchEvents(q);
    FxObject_Release(FX(q));
}

static NTSTATUS mark(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, PFN_WDF_REQUEST_CANCEL evt, BOOLEAN ex, PVOID caller)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = FX_OBJ(g, Request, FxRequest, FX_TYPE_REQUEST);
    FX_NOT_NULL(g, (PVOID)evt);
    FxRequestCheckOwned(g, r);
    FxQueue *q = r->Queue;
    KIRQL irql;
    NTSTATUS s = STATUS_SUCCESS;
    if (r->Cancelable) {
        FXLOG(g, RequestCancelTwice, P64(Request));
        FxVerifierDbgBreakPoint(g, FX(r), caller);
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    lock(q, &irql);
    r->Irp->Tail.Overlay.DriverContext[0] = r;
    r->EvtCancel = evt;
    r->Cancelable = TRUE;
    r->CancelRaised = FALSE;
    IoSetCancelRoutine(r->Irp, owned_cancel_routine);
    if (r->Irp->Cancel && IoSetCancelRoutine(r->Irp, NULL)) {
        r->Cancelable = FALSE;
        if (ex) {
            r->EvtCancel = NULL;
            s = STATUS_CANCELLED;
        } else {
            r->CancelRaised = TRUE;
            InsertTailList(&q->CanceledOwned, &r->CancelEntry);
        }
    }
    BOOLEAN raise = r->CancelRaised;
    unlock(q, irql);
    if (raise)
        FxIoQueue_DispatchEvents(q);
    return s;
}

VOID imp_WdfRequestMarkCancelable(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, PFN_WDF_REQUEST_CANCEL EvtRequestCancel)
{
    mark(G, Request, EvtRequestCancel, FALSE, __builtin_return_address(0));
}

NTSTATUS imp_WdfRequestMarkCancelableEx(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, PFN_WDF_REQUEST_CANCEL EvtRequestCancel)
{
    return mark(G, Request, EvtRequestCancel, TRUE, __builtin_return_address(0));
}

NTSTATUS imp_WdfRequestUnmarkCancelable(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = FX_OBJ(g, Request, FxRequest, FX_TYPE_REQUEST);
    FxRequestCheckOwned(g, r);
    FxQueue *q = r->Queue;
    KIRQL irql;
    NTSTATUS s = STATUS_SUCCESS;
    lock(q, &irql);
    if (r->CancelRaised)
        s = STATUS_CANCELLED;
    else if (!r->Cancelable)
        s = STATUS_INVALID_PARAMETER;
    else if (!IoSetCancelRoutine(r->Irp, NULL))
        s = STATUS_CANCELLED;
    else {
        r->Cancelable = FALSE;
        r->EvtCancel = NULL;
    }
    unlock(q, irql);
    if (s == STATUS_INVALID_PARAMETER) {
        FXLOG(g, RequestUnmark, P64(Request), S64(s));
        FxVerifierDbgBreakPoint(g, FX(r), __builtin_return_address(0));
    }
    return s;
}

BOOLEAN imp_WdfRequestIsCanceled(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = FX_OBJ(g, Request, FxRequest, FX_TYPE_REQUEST);
    FxRequestCheckOwned(g, r);
    if (r->Cancelable) {
        FXLOG(g, RequestCancelTwice, P64(Request));
        FxVerifierDbgBreakPoint(g, FX(r), __builtin_return_address(0));
    }
    return r->Irp->Cancel;
}
