/* A queue starts, stops, drains, and is purged. */
#include "queue.h"

VOID imp_WdfIoQueueStart(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue)
{
    FxQueue *q = queue_of(G, Queue);
    KIRQL irql;
    lock(q, &irql);
    q->State |= WdfIoQueueAcceptRequests | WdfIoQueueDispatchRequests;
    if (q->WaitingCount && q->ReadyNotify)
        q->ReadyPending = TRUE;
    unlock(q, irql);
    FxIoQueue_DispatchEvents(q);
}

static BOOLEAN set_callback(FxQueue *q, PFN_WDF_IO_QUEUE_STATE *slot, WDFCONTEXT *context, PFN_WDF_IO_QUEUE_STATE done, WDFCONTEXT c, PVOID caller)
{
    if (!done)
        return TRUE;
    if (*slot) {
        FXLOG(q->O.Globals, QueueStopCallback, P64(FxHandle(q)), S64(STATUS_INVALID_DEVICE_REQUEST));
        FxVerifierDbgBreakPoint(q->O.Globals, FX(q), caller);
        return FALSE;
    }
    *slot = done;
    *context = c;
    return TRUE;
}

static void signal_done(WDFQUEUE q, WDFCONTEXT c)
{
    KeSetEvent(c, IO_NO_INCREMENT, FALSE);
}

/* Waits until the queue has come to what `how` asks of it. */
static void synchronously(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue, void (*how)(FxQueue *q, PFN_WDF_IO_QUEUE_STATE done, WDFCONTEXT context))
{
    KEVENT e;
    FxQueue *q = queue_of(G, Queue);
    FX_PASSIVE_V(FxGet(G));
    KeInitializeEvent(&e, NotificationEvent, FALSE);
    how(q, signal_done, &e);
    KeEnterCriticalRegion();
    KeWaitForSingleObject(&e, Executive, KernelMode, FALSE, NULL);
    KeLeaveCriticalRegion();
}

/* With the lock: what waits, of one file or all, is listed as cancelled. */
static void cancel_waiting(FxQueue *q, FILE_OBJECT *file)
{
    for (LIST_ENTRY *e = q->Waiting.Flink, *next; e != &q->Waiting; e = next) {
        FxRequest *r = CONTAINING_RECORD(e, FxRequest, Entry);
        next = e->Flink;
        if ((file && r->FileObject != file) || !IoSetCancelRoutine(r->Irp, NULL))
            continue;
        RemoveEntryList(&r->Entry);
        q->WaitingCount--;
        r->Irp->Cancel |= !file;
        queue_to_canceled_waiting(q, r);
    }
}

/* With the lock: owned requests lose their cancel routines, and their callbacks are listed to be called. */
static void cancel_owned(FxQueue *q)
{
    for (LIST_ENTRY *e = q->Owned.Flink; e != &q->Owned; e = e->Flink) {
        FxRequest *r = CONTAINING_RECORD(e, FxRequest, Entry);
        if (!r->Cancelable || !IoSetCancelRoutine(r->Irp, NULL))
            continue;
        r->Cancelable = FALSE;
        r->CancelRaised = TRUE;
        r->Irp->Cancel = TRUE;
        InsertTailList(&q->CanceledOwned, &r->CancelEntry);
    }
}

/* The queue stops doing what `bits` say; done is called when nothing is left in it or with the driver. */
static void wind_down(FxQueue *q, ULONG bits, BOOLEAN cancel, PFN_WDF_IO_QUEUE_STATE done, WDFCONTEXT context, PVOID caller)
{
    KIRQL irql;
    lock(q, &irql);
    q->State &= ~bits;
    set_callback(q, &q->PurgeDone, &q->PurgeContext, done, context, caller);
    if (cancel) {
        cancel_waiting(q, NULL);
        cancel_owned(q);
    }
    unlock(q, irql);
    if (cancel)
        FxForwardProgressCancel(q, NULL);
    FxIoQueue_DispatchEvents(q);
}

void FxIoQueue_QueueDrain(FxQueue *q, PFN_WDF_IO_QUEUE_STATE done, WDFCONTEXT context)
{
    wind_down(q, WdfIoQueueAcceptRequests, FALSE, done, context, __builtin_return_address(0));
}

void FxIoQueue_QueuePurge(FxQueue *q, PFN_WDF_IO_QUEUE_STATE done, WDFCONTEXT context)
{
    wind_down(q, WdfIoQueueAcceptRequests, TRUE, done, context, __builtin_return_address(0));
}

static void stop_and_purge(FxQueue *q, PFN_WDF_IO_QUEUE_STATE done, WDFCONTEXT context)
{
    wind_down(q, WdfIoQueueDispatchRequests, TRUE, done, context, __builtin_return_address(0));
}

static void stop(FxQueue *q, PFN_WDF_IO_QUEUE_STATE done, WDFCONTEXT context)
{
    KIRQL irql;
    lock(q, &irql);
    q->State &= ~(ULONG)WdfIoQueueDispatchRequests;
    set_callback(q, &q->IdleDone, &q->IdleContext, done, context, __builtin_return_address(0));
    unlock(q, irql);
    FxIoQueue_DispatchEvents(q);
}

VOID imp_WdfIoQueueStop(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue, PFN_WDF_IO_QUEUE_STATE StopComplete, WDFCONTEXT Context)
{
    stop(queue_of(G, Queue), StopComplete, Context);
}

VOID imp_WdfIoQueueStopSynchronously(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue)
{
    synchronously(G, Queue, stop);
}

VOID imp_WdfIoQueueDrain(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue, PFN_WDF_IO_QUEUE_STATE DrainComplete, WDFCONTEXT Context)
{
    FxIoQueue_QueueDrain(queue_of(G, Queue), DrainComplete, Context);
}

VOID imp_WdfIoQueueDrainSynchronously(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue)
{
    synchronously(G, Queue, FxIoQueue_QueueDrain);
}

VOID imp_WdfIoQueuePurge(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue, PFN_WDF_IO_QUEUE_STATE PurgeComplete, WDFCONTEXT Context)
{
    FxIoQueue_QueuePurge(queue_of(G, Queue), PurgeComplete, Context);
}

VOID imp_WdfIoQueuePurgeSynchronously(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue)
{
    synchronously(G, Queue, FxIoQueue_QueuePurge);
}

VOID imp_WdfIoQueueStopAndPurge(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue, PFN_WDF_IO_QUEUE_STATE Complete, WDFCONTEXT Context)
{
    stop_and_purge(queue_of(G, Queue), Complete, Context);
}

VOID imp_WdfIoQueueStopAndPurgeSynchronously(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue)
{
    synchronously(G, Queue, stop_and_purge);
}

/* IRP_MJ_CLEANUP of a file: what waits for it is cancelled. */
void FxQueueCancelFile(FxDevice *d, FILE_OBJECT *file)
{
    for (FxQueue *q = queue_after(d, NULL); q; q = queue_after(d, q)) {
        KIRQL irql;
        lock(q, &irql);
        cancel_waiting(q, file);
        unlock(q, irql);
        FxForwardProgressCancel(q, file);
        FxIoQueue_DispatchEvents(q);
    }
}
