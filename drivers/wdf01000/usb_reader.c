/* Continuous readers: a number of reads that are sent again as soon as they have come back.
 *
 * DOC: a read that succeeds is told to the driver and sent again, from a DPC so that a fast device does not fill a stack. One that fails (other than by
 * being cancelled) has a work item cancel all others, tell the driver, reset the pipe (or the port, when it is disabled) and send them again, unless the
 * driver says no or the device is gone. A target that is not started sends nothing: who stops it waits for the work item, then for the reads.
 *
 * Whoever sends a read does so with the target's lock held, having seen that it is started and no work item is queued. */
#include "fx_usb.h"

enum { READS_DEFAULT = 2, READS_MAX = 10 };

typedef struct Repeater {
    FxRequest *Request;
    FxMemory *Memory; /* the last read's or the next one's */
    FxUsbReader *Reader;
    KDPC Dpc;
    KEVENT Completed; /* it is not under way */
} Repeater;

struct FxUsbReader {
    FxUsbPipe *Pipe;
    ULONG Count, Failed; /* Failed: reads that wait for memory */
    BOOLEAN Submitted, Queued, Running, Rerun; /* Queued: a work item that has not tried to send yet */
    Repeater *FailedRead, *RerunRead;
    PKTHREAD Thread; /* in the driver's failure callback */
    PIO_WORKITEM Item;
    KEVENT Idle; /* no work item */
    FxObject *Buffers; /* parent of the memory */
    WDF_OBJECT_ATTRIBUTES Attributes;
    size_t Total, Header, Length;
    PFN_WDF_USB_READER_COMPLETION_ROUTINE ReadComplete;
    WDFCONTEXT Context;
    PFN_WDF_USB_READERS_FAILED ReadersFailed;
    Repeater Reads[];
};

FXM(VOID, FxUsbPipeContinuousReader, _FxUsbPipeRequestComplete, (WDFREQUEST Request, WDFIOTARGET Target, PWDF_REQUEST_COMPLETION_PARAMS Params, WDFCONTEXT Context));
FXM(void, FxUsbPipeContinuousReader, _FxUsbPipeContinuousReadDpc, (KDPC * dpc, PVOID context, PVOID a, PVOID b));
FXM(void, FxUsbPipeContinuousReader, _FxUsbPipeRequestWorkItemThunk, (DEVICE_OBJECT * d, PVOID context));
FXM(void, FxUsbPipeContinuousReader, FxUsbPipeRequestWorkItemHandler, (FxUsbReader * r, Repeater *failed));

static FxGlobals *globals(FxUsbReader *r)
{
    return r->Pipe->T.O.Globals;
}

/* ---- one read ---- */

extern NTSTATUS FxMemoryOfBuffer(FxGlobals *g, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent, PVOID buffer, size_t length, ULONG tag, WDFMEMORY *out);

static NTSTATUS new_memory(FxUsbReader *r, FxMemory **out)
{
    FxGlobals *g = globals(r);
    ULONG tag = g->Public.DriverTag;
    WDFMEMORY h;
    PVOID buffer = FxPoolAllocate(g, NonPagedPoolNx, r->Total, tag);
    if (!buffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS s = FxMemoryOfBuffer(g, &r->Attributes, r->Buffers, buffer, r->Total, tag, &h);
    if (!NT_SUCCESS(s)) {
        ExFreePoolWithTag(buffer, tag);
        return s;
    }
    *out = FX_OBJ(g, h, FxMemory, IFX_TYPE_MEMORY);
    return s;
}

static void drop_memory(FxMemory *m)
{
    if (m)
        FxObject_DeleteObject(FX(m));
}

/* Ready to be sent, with new memory. *old: the last read's, for the caller to drop where no lock is held. */
static NTSTATUS format(Repeater *p, FxMemory **old)
{
    FxUsbReader *r = p->Reader;
    FxRequest *q = p->Request;
    FxIoBuffer b = { 0 };
    *old = p->Memory;
    p->Memory = NULL;
    FxRequestUndoFormat(q);
    IoReuseIrp(q->Irp, STATUS_NOT_SUPPORTED);
    q->Status = STATUS_NOT_SUPPORTED;
    q->CancelWanted = q->CancelCalled = q->TimedOut = FALSE;
    NTSTATUS s = new_memory(r, &p->Memory);
    if (!NT_SUCCESS(s))
        return STATUS_INSUFFICIENT_RESOURCES;
    b.Memory = p->Memory;
    b.Buffer = (PUCHAR)p->Memory->Buffer + r->Header;
    b.Length = r->Length;
    s = FxUsbPipeFormatTransfer(r->Pipe, q, &b, USBD_TRANSFER_DIRECTION_IN | USBD_SHORT_TRANSFER_OK);
    q->CompletionRoutine = FxUsbPipeContinuousReader__FxUsbPipeRequestComplete;
    q->CompletionContext = p;
    return s;
}

/* The target's lock is held. */
static NTSTATUS submit(Repeater *p)
{
    FxTarget *t = &p->Reader->Pipe->T;
    BOOLEAN send = FALSE;
    NTSTATUS s = t->State == WdfIoTargetStarted ? FxIoTarget_SubmitLocked(t, p->Request, NULL, &send) : STATUS_INVALID_DEVICE_STATE;
    if (!NT_SUCCESS(s))
        return s;
    FxObject_AddRef(FX(p->Request));
    FxObject_AddRef(FX(t));
    KeClearEvent(&p->Completed);
    return STATUS_SUCCESS;
}

/* The target's lock is held. A second one while the first still runs has it run again. */
static void queue_recovery(FxUsbReader *r, Repeater *failed)
{
    FxTarget *t = &r->Pipe->T;
    if (t->State != WdfIoTargetStarted || r->Queued)
        return;
    FXLOG(t->O.Globals, UsbReaderRecovers, P64(FxHandle(t)));
    r->Queued = TRUE;
    if (r->Running) {
        r->Rerun = TRUE;
        r->RerunRead = failed;
        return;
    }
    r->Running = TRUE;
    r->FailedRead = failed;
    KeClearEvent(&r->Idle);
    IoQueueWorkItem(r->Item, FxUsbPipeContinuousReader__FxUsbPipeRequestWorkItemThunk, DelayedWorkQueue, r);
}

/* TRUE: the caller sends it. */
static BOOLEAN resubmit(Repeater *p)
{
    FxUsbReader *r = p->Reader;
    FxTarget *t = &r->Pipe->T;
    FxMemory *old;
    KIRQL irql;
    NTSTATUS s = format(p, &old);
    drop_memory(old);
    KeAcquireSpinLock(&t->TargetLock, &irql);
    if (r->Queued) {
        s = STATUS_CANCELLED; /* whoever recovers sends it */
    } else if (NT_SUCCESS(s)) {
        s = submit(p);
    } else if (t->State == WdfIoTargetStarted) {
        p->Request->Status = s;
        if (++r->Failed == r->Count)
            queue_recovery(r, p);
    }
    KeReleaseSpinLock(&t->TargetLock, irql);
    return NT_SUCCESS(s);
}

VOID FxUsbPipeContinuousReader__FxUsbPipeRequestComplete(WDFREQUEST Request, WDFIOTARGET Target, PWDF_REQUEST_COMPLETION_PARAMS Params, WDFCONTEXT Context)
{
    Repeater *p = Context;
    FxUsbReader *r = p->Reader;
    FxTarget *t = &r->Pipe->T;
    NTSTATUS s = Params->IoStatus.Status;
    KIRQL irql;
    if (NT_SUCCESS(s)) {
        FX_CALL(t->O.Globals, r->ReadComplete, (WDFUSBPIPE)Target, (WDFMEMORY)FxHandle(p->Memory), Params->Parameters.Usb.Completion->Parameters.PipeRead.Length, r->Context);
        if (resubmit(p)) {
            KeInsertQueueDpc(&p->Dpc, NULL, NULL);
            return;
        }
        KeSetEvent(&p->Completed, IO_NO_INCREMENT, FALSE);
        return;
    }
    if (s == STATUS_CANCELLED) {
        KeSetEvent(&p->Completed, IO_NO_INCREMENT, FALSE);
        return;
    }
    FXLOG(t->O.Globals, UsbReaderFailed, P64(FxHandle(t)), P64(Request), S64(s));
    KeAcquireSpinLock(&t->TargetLock, &irql);
    KeSetEvent(&p->Completed, IO_NO_INCREMENT, FALSE);
    queue_recovery(r, p);
    KeReleaseSpinLock(&t->TargetLock, irql);
}

void FxUsbPipeContinuousReader__FxUsbPipeContinuousReadDpc(KDPC *dpc, PVOID context, PVOID a, PVOID b)
{
    Repeater *p = context;
    FxIoTarget_Send(&p->Reader->Pipe->T, p->Request);
}

/* ---- recovery ---- */

void FxUsbReaderCancel(FxUsbReader *r)
{
    KeEnterCriticalRegion();
    for (ULONG i = 0; i < r->Count; i++) {
        FxRequestBase_Cancel(r->Reads[i].Request);
        KeWaitForSingleObject(&r->Reads[i].Completed, Executive, KernelMode, FALSE, NULL);
    }
    KeLeaveCriticalRegion();
}

static BOOLEAN driver_wants_more(FxUsbReader *r, NTSTATUS s, USBD_STATUS usbd)
{
    BOOLEAN more = TRUE;
    if (!r->ReadersFailed)
        return TRUE;
    r->Thread = KeGetCurrentThread();
    FX_CALL_R(globals(r), more, r->ReadersFailed, (WDFUSBPIPE)FxHandle(r->Pipe), s, usbd);
    r->Thread = NULL;
    return more;
}

/* DOC: since 1.9 the pipe is reset if its port is enabled; what comes of that does not matter. Before, always the port. */
static NTSTATUS reset(FxUsbReader *r)
{
    FxUsbDevice *u = r->Pipe->Usb;
    ULONG port;
    NTSTATUS s = FxUsbConnected(u);
    if (!NT_SUCCESS(s))
        return s;
    if (globals(r)->Minor < 9 || (NT_SUCCESS(FxUsbPortStatus(u, &port)) && !(port & USBD_PORT_ENABLED)))
        return FxUsbResetPort(u);
    FxUsbPipeReset(r->Pipe);
    return STATUS_SUCCESS;
}

void FxUsbPipeContinuousReader_FxUsbPipeRequestWorkItemHandler(FxUsbReader *r, Repeater *failed)
{
    FxTarget *t = &r->Pipe->T;
    FxRequest *q = failed->Request;
    NTSTATUS s = q->Status;
    USBD_STATUS usbd = q->Usb ? q->Usb->P.UsbdStatus : USBD_STATUS_SUCCESS;
    KIRQL irql;
    FxUsbReaderCancel(r);
    s = driver_wants_more(r, s, usbd) ? reset(r) : STATUS_UNSUCCESSFUL;
    KeAcquireSpinLock(&t->TargetLock, &irql);
    r->Queued = FALSE; /* before they are sent: all may fail again */
    KeReleaseSpinLock(&t->TargetLock, irql);
    if (!NT_SUCCESS(s))
        return;
    r->Failed = 0;
    for (ULONG i = 0; i < r->Count; i++)
        if (resubmit(&r->Reads[i]))
            FxIoTarget_Send(t, r->Reads[i].Request);
}

void FxUsbPipeContinuousReader__FxUsbPipeRequestWorkItemThunk(DEVICE_OBJECT *d, PVOID context)
{
    FxUsbReader *r = context;
    FxTarget *t = &r->Pipe->T;
    Repeater *failed = r->FailedRead;
    while (failed) {
        KIRQL irql;
        FxUsbPipeContinuousReader_FxUsbPipeRequestWorkItemHandler(r, failed);
        KeAcquireSpinLock(&t->TargetLock, &irql);
        failed = r->Rerun ? r->RerunRead : NULL;
        r->Rerun = FALSE;
        if (!failed) {
            r->Running = FALSE;
            KeSetEvent(&r->Idle, IO_NO_INCREMENT, FALSE);
        }
        KeReleaseSpinLock(&t->TargetLock, irql);
    }
}

/* ---- the target starts, stops, goes ---- */

/* Started again, or for the first time: all reads are sent. */
NTSTATUS FxUsbReaderStart(FxUsbReader *r)
{
    FxTarget *t = &r->Pipe->T;
    FxMemory *old[READS_MAX] = { 0 };
    ULONG ready = 0;
    NTSTATUS s = STATUS_SUCCESS;
    KIRQL irql;
    KeAcquireSpinLock(&t->TargetLock, &irql);
    if (t->State == WdfIoTargetStarted && !r->Submitted) {
        for (ULONG i = 0; i < r->Count && NT_SUCCESS(s); i++)
            s = format(&r->Reads[i], &old[i]);
        if (NT_SUCCESS(s)) {
            r->Failed = 0;
            r->Submitted = TRUE;
            while (ready < r->Count && NT_SUCCESS(submit(&r->Reads[ready])))
                ready++;
        }
    }
    KeReleaseSpinLock(&t->TargetLock, irql);
    for (ULONG i = 0; i < r->Count; i++)
        drop_memory(old[i]);
    for (ULONG i = 0; i < ready; i++)
        FxIoTarget_Send(t, r->Reads[i].Request);
    return s;
}

void FxUsbReaderStopped(FxUsbReader *r)
{
    r->Submitted = FALSE;
    if (r->Thread != KeGetCurrentThread())
        return;
    FXLOG(globals(r), UsbReaderStoppedInside, P64(FxHandle(r->Pipe)));
    FxVerifierDbgBreakPoint(globals(r), FX(r->Pipe), __builtin_return_address(0));
}

/* The driver was to stop it when the device left D0. */
void FxUsbReaderRemoving(FxUsbReader *r)
{
    if (!r->Submitted || r->Pipe->T.State != WdfIoTargetStarted)
        return;
    FXLOG(globals(r), UsbReaderNotStopped, P64(FxHandle(r->Pipe)));
    FxVerifierDbgBreakPoint(globals(r), FX(r->Pipe), __builtin_return_address(0));
}

void FxUsbReaderWait(FxUsbReader *r)
{
    KeEnterCriticalRegion();
    if (r->Thread != KeGetCurrentThread() || globals(r)->Minor >= 9)
        KeWaitForSingleObject(&r->Idle, Executive, KernelMode, FALSE, NULL);
    KeLeaveCriticalRegion();
    FxUsbReaderCancel(r);
}

/* ---- life ---- */

void FxUsbReaderDelete(FxUsbReader *r)
{
    if (r->Pipe->T.Reader == r)
        r->Pipe->T.Reader = NULL;
    for (ULONG i = 0; i < r->Count; i++) {
        drop_memory(r->Reads[i].Memory);
        if (r->Reads[i].Request)
            FxObject_DeleteObject(FX(r->Reads[i].Request));
    }
    if (r->Buffers)
        FxObject_DeleteObject(r->Buffers);
    if (r->Item)
        IoFreeWorkItem(r->Item);
    ExFreePoolWithTag(r, FX_TAG);
}

static NTSTATUS prepare(FxUsbReader *r)
{
    FxGlobals *g = globals(r);
    FxMemory *old;
    NTSTATUS s;
    r->Buffers = FxObjectCreate(g, FX_TYPE_OBJECT, sizeof(FxObject), NULL, &s);
    r->Item = IoAllocateWorkItem(r->Pipe->T.O.Device->DeviceObject);
    if (!r->Buffers || !r->Item)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (ULONG i = 0; i < r->Count; i++) {
        Repeater *p = &r->Reads[i];
        p->Reader = r;
        KeInitializeDpc(&p->Dpc, FxUsbPipeContinuousReader__FxUsbPipeContinuousReadDpc, p);
        KeInitializeEvent(&p->Completed, NotificationEvent, TRUE);
        p->Request = FxRequestNew(g, NULL, &s);
        if (!p->Request)
            return s;
        s = FxRequestBase_ValidateTarget(p->Request, &r->Pipe->T); /* its IRP */
        if (NT_SUCCESS(s))
            s = format(p, &old);
        if (!NT_SUCCESS(s))
            return s;
    }
    return STATUS_SUCCESS;
}

NTSTATUS FxUsbReaderCreate(FxUsbPipe *p, PWDF_USB_CONTINUOUS_READER_CONFIG c, size_t total)
{
    FxGlobals *g = p->T.O.Globals;
    ULONG count = c->NumPendingReads ? min(c->NumPendingReads, READS_MAX) : READS_DEFAULT;
    if (p->T.Reader) {
        FXLOG(g, UsbReaderTwice, P64(FxHandle(p)), S64(STATUS_INVALID_DEVICE_STATE));
        return STATUS_INVALID_DEVICE_STATE;
    }
    FxUsbReader *r = FxPoolAllocate(g, NonPagedPoolNx, FIELD_OFFSET(FxUsbReader, Reads) + count * sizeof(Repeater), FX_TAG);
    if (!r)
        return STATUS_INSUFFICIENT_RESOURCES;
    r->Pipe = p;
    r->Count = count;
    KeInitializeEvent(&r->Idle, NotificationEvent, TRUE);
    WDF_OBJECT_ATTRIBUTES_INIT(&r->Attributes);
    if (c->BufferAttributes)
        r->Attributes = *c->BufferAttributes;
    r->Total = total;
    r->Header = c->HeaderLength;
    r->Length = c->TransferLength;
    r->ReadComplete = c->EvtUsbTargetPipeReadComplete;
    r->Context = c->EvtUsbTargetPipeReadCompleteContext;
    r->ReadersFailed = c->EvtUsbTargetPipeReadersFailed;
    NTSTATUS s = prepare(r);
    if (NT_SUCCESS(s) && !InterlockedCompareExchangePointer((PVOID *)&p->T.Reader, r, NULL))
        return s;
    FxUsbReaderDelete(r);
    return s;
}
