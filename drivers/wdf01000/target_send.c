/* Sending requests: synchronously, asynchronously, with a timeout, send and forget; what waits in a stopped target; cancelling; and the requests that a
 * driver makes itself.
 *
 * A sent request is on its target's Sent list and holds one reference (IrpRefs) for its IRP; whoever cancels it or times it out takes another, so that
 * the IRP cannot be freed or reused under IoCancelIrp. The last one finishes the request. */
#include "fx.h"
#include "target_io.h"
#include "fx_usb.h"

FXM(NTSTATUS, FxIoTarget, RequestCompletionRoutine, (DEVICE_OBJECT * d, IRP *irp, PVOID context));
FXM(void, FxIoTarget, CompleteRequest, (FxTarget * t, FxRequest *r));
FXM(BOOLEAN, FxIoTarget, Submit, (FxTarget * t, FxRequest *r, PWDF_REQUEST_SEND_OPTIONS o));

static FxRequest *request(PWDF_DRIVER_GLOBALS G, WDFREQUEST r)
{
    return FX_OBJ(FxGet(G), r, FxRequest, FX_TYPE_REQUEST);
}

void FxRequestNotSent(FxGlobals *g, FxRequest *r)
{
    if (!r->Sent)
        return;
    FXLOG(g, SendAlreadySent, P64(FxHandle(r)));
    FxVerifierKeBugCheck(g, FXBC_REQUEST, FXREQ_ALREADY_SENT, (ULONG64)FxHandle(r), (ULONG64)r->Irp);
}

/* ---- completion ---- */

static void copy_back(FxRequest *r)
{
    FxFormat *f = &r->F;
    size_t n = r->Irp->IoStatus.Information;
    if (!f->Bounce || !f->CopyTo || NT_ERROR(r->Irp->IoStatus.Status))
        return;
    if (n > f->CopyLimit)
        n = f->CopyLimit;
    RtlCopyMemory(f->CopyTo, f->Bounce, n);
}

static void fill_params(FxRequest *r)
{
    WDF_REQUEST_COMPLETION_PARAMS *p = &r->Params;
    FxFormat *f = &r->F;
    RtlZeroMemory(p, sizeof *p);
    p->Size = sizeof *p;
    p->Type = f->Type ? f->Type : WdfRequestTypeNoFormat;
    p->IoStatus = r->Irp->IoStatus;
    if (f->Usb) {
        FxUsbContextCompleted(r);
        return;
    }
    switch (p->Type) {
    case WdfRequestTypeRead:
        p->Parameters.Read.Buffer = f->Out ? (WDFMEMORY)FxHandle(f->Out) : NULL;
        p->Parameters.Read.Length = r->Irp->IoStatus.Information;
        p->Parameters.Read.Offset = f->OutOffset;
        break;
    case WdfRequestTypeWrite:
        p->Parameters.Write.Buffer = f->In ? (WDFMEMORY)FxHandle(f->In) : NULL;
        p->Parameters.Write.Length = r->Irp->IoStatus.Information;
        p->Parameters.Write.Offset = f->InOffset;
        break;
    case WdfRequestTypeDeviceControl:
    case WdfRequestTypeDeviceControlInternal:
        p->Parameters.Ioctl.IoControlCode = f->Ioctl;
        p->Parameters.Ioctl.Input.Buffer = f->In ? (WDFMEMORY)FxHandle(f->In) : NULL;
        p->Parameters.Ioctl.Output.Buffer = f->Out ? (WDFMEMORY)FxHandle(f->Out) : NULL;
        p->Parameters.Ioctl.Input.Offset = f->InOffset;
        p->Parameters.Ioctl.Output.Offset = f->OutOffset;
        p->Parameters.Ioctl.Output.Length = r->Irp->IoStatus.Information;
        break;
    default:
        break;
    }
}

/* The place on the target's list is given up when the driver's routine has returned: who waits for the target to be empty may unload the driver. */
static void leave_target(FxTarget *t, FxRequest *r)
{
    KIRQL irql;
    KeAcquireSpinLock(&t->TargetLock, &irql);
    BOOLEAN empty = --t->SentCount == 0;
    if (empty)
        KeSetEvent(&t->Empty, IO_NO_INCREMENT, FALSE);
    KeReleaseSpinLock(&t->TargetLock, irql);
}

void FxIoTarget_CompleteRequest(FxTarget *t, FxRequest *r)
{
    FxGlobals *g = r->O.Globals;
    PFN_WDF_REQUEST_COMPLETION_ROUTINE routine = r->CompletionRoutine;
    WDFCONTEXT context = r->CompletionContext;
    BOOLEAN sync = r->Sync;
    KIRQL irql;
    KeAcquireSpinLock(&t->TargetLock, &irql);
    RemoveEntryList(&r->TargetEntry);
    KeReleaseSpinLock(&t->TargetLock, irql);
    if (r->TimedOut && r->Irp->IoStatus.Status == STATUS_CANCELLED)
        r->Irp->IoStatus.Status = STATUS_IO_TIMEOUT;
    FXLOG(g, TargetCompleted, P64(FxHandle(r)));
    copy_back(r);
    fill_params(r);
    r->Status = r->Irp->IoStatus.Status;
    r->FormatFailed = FALSE;
    FxMemory *in = r->F.In, *out = r->F.Out;
    if (in)
        FxObject_AddRef(FX(in));
    if (out)
        FxObject_AddRef(FX(out));
    FxRequestUndoFormat(r);
    r->Target = NULL;
    r->Sent = FALSE;
    r->CancelWanted = FALSE;
    r->CompletionRoutine = NULL;
    if (routine && !sync)
        FX_CALL(g, routine, (WDFREQUEST)FxHandle(r), (WDFIOTARGET)FxHandle(t), &r->Params, context);
    if (in)
        FxObject_Release(FX(in));
    if (out)
        FxObject_Release(FX(out));
    if (sync) {
        r->CompletionRoutine = routine;
        KeSetEvent(&r->SyncDone, IO_NO_INCREMENT, FALSE);
    }
    leave_target(t, r);
    FxObject_Release(FX(r));
    FxObject_Release(FX(t));
}

/* TRUE: it was the last, and the request is finished. */
static BOOLEAN drop_irp_reference(FxRequest *r)
{
    FxTarget *t = r->Target;
    if (InterlockedDecrement(&r->IrpRefs))
        return FALSE;
    FxIoTarget_CompleteRequest(t, r);
    return TRUE;
}

NTSTATUS FxIoTarget_RequestCompletionRoutine(DEVICE_OBJECT *d, IRP *irp, PVOID context)
{
    FxRequest *r = context;
    if (irp->PendingReturned && r->Owner == FX_IRP_IO && !r->Sync)
        IoMarkIrpPending(irp);
    if (r->TimerSet && KeCancelTimer(r->Timer)) {
        r->TimerSet = FALSE;
        InterlockedDecrement(&r->IrpRefs);
    }
    drop_irp_reference(r);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* ---- submitting ---- */

void FxIoTarget_Send(FxTarget *t, FxRequest *r)
{
    IRP *irp = r->Irp;
    IoSetCompletionRoutine(irp, FxIoTarget_RequestCompletionRoutine, r, TRUE, TRUE, TRUE);
    if (t->Self) {
        IoSetNextIrpStackLocation(irp);
        IoGetCurrentIrpStackLocation(irp)->DeviceObject = t->Device;
        FxPkgIo_DispatchStep2(t->InStack, irp, t->SelfQueue);
        return;
    }
    IoCallDriver(t->Device, irp);
}

/* A request that is not sent after all. */
static void finish_unsent(FxTarget *t, FxRequest *r, NTSTATUS s)
{
    r->Irp->IoStatus.Status = s;
    r->Irp->IoStatus.Information = 0;
    drop_irp_reference(r);
}

NTSTATUS FxIoTarget_SubmitLocked(FxTarget *t, FxRequest *r, const WDF_REQUEST_SEND_OPTIONS *o, BOOLEAN *send)
{
    FxGlobals *g = r->O.Globals;
    BOOLEAN ignore = o && (o->Flags & WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE);
    *send = FALSE;
    if (t->State == WdfIoTargetStarted || (ignore && (t->State == WdfIoTargetStopped || t->State == WdfIoTargetPurged || t->State == WdfIoTargetClosedForQueryRemove))) {
        if (!t->Device) {
            FXLOG(g, SubmitIgnoredClosed, P64(FxHandle(r)), P64(FxHandle(t)), S64(STATUS_INVALID_DEVICE_STATE));
            return STATUS_INVALID_DEVICE_STATE;
        }
        if (r->CancelWanted)
            return STATUS_CANCELLED;
        *send = TRUE;
    } else if (t->State == WdfIoTargetStopped) {
        if (r->CancelWanted)
            return STATUS_CANCELLED;
        FXLOG(g, SubmitPended, P64(FxHandle(r)), P64(FxHandle(t)), S64(STATUS_WDF_QUEUED));
    } else if (ignore) {
        FXLOG(g, SubmitIgnoredClosed, P64(FxHandle(r)), P64(FxHandle(t)), S64(STATUS_INVALID_DEVICE_STATE));
        return STATUS_INVALID_DEVICE_STATE;
    } else {
        FXLOG(g, SubmitNotAccepting, P64(FxHandle(r)), P64(FxHandle(t)), t->State);
        return STATUS_INVALID_DEVICE_STATE;
    }
    r->Target = t;
    r->Sent = TRUE;
    r->Pended = !*send;
    r->IrpRefs = 1;
    InsertTailList(*send ? &t->Sent : &t->Pended, &r->TargetEntry);
    if (t->SentCount++ == 0)
        KeClearEvent(&t->Empty);
    return *send ? STATUS_SUCCESS : STATUS_WDF_QUEUED;
}

static void timer_expired(KDPC *dpc, PVOID context, PVOID a, PVOID b) __asm__("FxRequestBase::_TimerDPC");

static void timer_expired(KDPC *dpc, PVOID context, PVOID a, PVOID b)
{
    FxRequest *r = context;
    r->TimedOut = TRUE;
    r->TimerSet = FALSE;
    FxRequestBase_Cancel(r);
    drop_irp_reference(r);
}

static NTSTATUS timer_make(FxRequest *r)
{
    struct {
        KTIMER Timer;
        KDPC Dpc;
    } *both;
    if (r->Timer)
        return STATUS_SUCCESS;
    both = FxPoolAllocate(r->O.Globals, NonPagedPoolNx, sizeof *both, FX_TAG);
    if (!both)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeTimer(&both->Timer);
    KeInitializeDpc(&both->Dpc, timer_expired, r);
    r->Timer = &both->Timer;
    r->TimerDpc = &both->Dpc;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfRequestAllocateTimer(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request)
{
    return timer_make(request(G, Request));
}

static NTSTATUS enter(FxTarget *t, FxRequest *r, PWDF_REQUEST_SEND_OPTIONS o, BOOLEAN *send)
{
    KIRQL irql;
    r->TimedOut = FALSE;
    KeAcquireSpinLock(&t->TargetLock, &irql);
    NTSTATUS s = FxIoTarget_SubmitLocked(t, r, o, send);
    if (s == STATUS_SUCCESS || s == STATUS_WDF_QUEUED) {
        FxObject_AddRef(FX(r));
        FxObject_AddRef(FX(t));
    }
    KeReleaseSpinLock(&t->TargetLock, irql);
    return s;
}

static BOOLEAN not_sent(FxRequest *r, NTSTATUS s)
{
    r->Status = s;
    r->FormatFailed = TRUE;
    if (r->Irp)
        r->Irp->IoStatus.Status = s;
    return FALSE;
}

BOOLEAN FxIoTarget_Submit(FxTarget *t, FxRequest *r, PWDF_REQUEST_SEND_OPTIONS o)
{
    BOOLEAN send;
    LONGLONG timeout = o && (o->Flags & WDF_REQUEST_SEND_OPTION_TIMEOUT) ? o->Timeout : 0;
    NTSTATUS s = timeout ? timer_make(r) : STATUS_SUCCESS;
    if (NT_SUCCESS(s))
        s = enter(t, r, o, &send);
    if (s != STATUS_SUCCESS && s != STATUS_WDF_QUEUED)
        return not_sent(r, s);
    if (timeout) {
        LARGE_INTEGER due = { .QuadPart = timeout };
        InterlockedIncrement(&r->IrpRefs);
        r->TimerSet = TRUE;
        KeSetTimer(r->Timer, due, r->TimerDpc);
    }
    r->FormatFailed = FALSE;
    if (send)
        FxIoTarget_Send(t, r);
    return TRUE;
}

BOOLEAN FxIoTarget_SubmitSync(FxTarget *t, FxRequest *r, PWDF_REQUEST_SEND_OPTIONS o)
{
    FxGlobals *g = r->O.Globals;
    BOOLEAN send;
    LARGE_INTEGER due = { .QuadPart = o && (o->Flags & WDF_REQUEST_SEND_OPTION_TIMEOUT) ? o->Timeout : 0 };
    KeInitializeEvent(&r->SyncDone, NotificationEvent, FALSE);
    r->Sync = TRUE;
    FxObject_AddRef(FX(r));
    NTSTATUS s = enter(t, r, o, &send);
    if (s != STATUS_SUCCESS && s != STATUS_WDF_QUEUED) {
        r->Sync = FALSE;
        FxObject_Release(FX(r));
        return not_sent(r, s);
    }
    r->FormatFailed = FALSE;
    if (send)
        FxIoTarget_Send(t, r);
    KeEnterCriticalRegion();
    if (KeWaitForSingleObject(&r->SyncDone, Executive, KernelMode, FALSE, due.QuadPart ? &due : NULL) == STATUS_TIMEOUT) {
        r->TimedOut = TRUE;
        FxRequestBase_Cancel(r);
        KeWaitForSingleObject(&r->SyncDone, Executive, KernelMode, FALSE, NULL);
    }
    KeLeaveCriticalRegion();
    r->Sync = FALSE;
    PFN_WDF_REQUEST_COMPLETION_ROUTINE routine = r->CompletionRoutine;
    r->CompletionRoutine = NULL;
    if (routine) /* DOC: the driver's routine runs afterwards */
        FX_CALL(g, routine, (WDFREQUEST)FxHandle(r), (WDFIOTARGET)FxHandle(t), &r->Params, r->CompletionContext);
    FxObject_Release(FX(r));
    return TRUE;
}

/* Start: what waited is sent, in order. */
void FxTargetResend(FxTarget *t)
{
    for (;;) {
        KIRQL irql;
        FxRequest *r = NULL;
        KeAcquireSpinLock(&t->TargetLock, &irql);
        if (t->State == WdfIoTargetStarted && !IsListEmpty(&t->Pended)) {
            r = CONTAINING_RECORD(RemoveHeadList(&t->Pended), FxRequest, TargetEntry);
            r->Pended = FALSE;
            InsertTailList(&t->Sent, &r->TargetEntry);
        }
        KeReleaseSpinLock(&t->TargetLock, irql);
        if (!r)
            return;
        FxIoTarget_Send(t, r);
    }
}

void FxTargetFailPended(FxTarget *t, NTSTATUS s)
{
    for (;;) {
        KIRQL irql;
        FxRequest *r = NULL;
        KeAcquireSpinLock(&t->TargetLock, &irql);
        if (!IsListEmpty(&t->Pended)) {
            r = CONTAINING_RECORD(RemoveHeadList(&t->Pended), FxRequest, TargetEntry);
            r->Pended = FALSE;
            InsertTailList(&t->Sent, &r->TargetEntry);
        }
        KeReleaseSpinLock(&t->TargetLock, irql);
        if (!r)
            return;
        finish_unsent(t, r, s);
    }
}

/* ---- cancelling ---- */

/* FALSE: the IRP is back already, and whoever dropped the last reference finishes the request; that needs no lock. */
static BOOLEAN take_irp_reference(FxRequest *r)
{
    for (LONG now = r->IrpRefs, was; now > 0; now = was) {
        was = InterlockedCompareExchange(&r->IrpRefs, now + 1, now);
        if (was == now)
            return TRUE;
    }
    return FALSE;
}

/* TRUE: the cancellation was delivered. */
BOOLEAN FxRequestBase_Cancel(FxRequest *r)
{
    FxTarget *t = r->Target;
    KIRQL irql;
    BOOLEAN pended = FALSE;
    if (!t || !r->Sent) {
        r->CancelWanted = TRUE;
        return FALSE;
    }
    KeAcquireSpinLock(&t->TargetLock, &irql);
    BOOLEAN taken = r->Sent && take_irp_reference(r);
    if (taken && r->Pended) {
        RemoveEntryList(&r->TargetEntry);
        InsertTailList(&t->Sent, &r->TargetEntry);
        r->Pended = FALSE;
        pended = TRUE;
    }
    KeReleaseSpinLock(&t->TargetLock, irql);
    if (!taken)
        return FALSE;
    if (pended) {
        r->Irp->IoStatus.Status = STATUS_CANCELLED;
        r->Irp->IoStatus.Information = 0;
        InterlockedDecrement(&r->IrpRefs); /* the one that its IRP would have given back */
        drop_irp_reference(r);
        return TRUE;
    }
    BOOLEAN done = IoCancelIrp(r->Irp);
    drop_irp_reference(r);
    return done;
}

void FxTargetCancelAll(FxTarget *t)
{
    for (;;) {
        KIRQL irql;
        FxRequest *r = NULL;
        KeAcquireSpinLock(&t->TargetLock, &irql);
        for (LIST_ENTRY *e = t->Sent.Flink; e != &t->Sent && !r; e = e->Flink) {
            FxRequest *x = CONTAINING_RECORD(e, FxRequest, TargetEntry);
            if (!x->CancelCalled && take_irp_reference(x))
                r = x;
        }
        if (r)
            r->CancelCalled = TRUE;
        KeReleaseSpinLock(&t->TargetLock, irql);
        if (!r)
            return;
        IoCancelIrp(r->Irp);
        drop_irp_reference(r);
    }
}

BOOLEAN imp_WdfRequestCancelSentRequest(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request)
{
    return FxRequestBase_Cancel(request(G, Request));
}

/* ---- WdfRequestSend ---- */

static BOOLEAN options_good(FxGlobals *g, FxRequest *r, PWDF_REQUEST_SEND_OPTIONS o)
{
    enum { KNOWN = WDF_REQUEST_SEND_OPTION_TIMEOUT | WDF_REQUEST_SEND_OPTION_SYNCHRONOUS | WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE |
                   WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET };
    if (!o)
        return TRUE;
    NTSTATUS s = STATUS_SUCCESS;
    if (o->Size != sizeof *o)
        s = STATUS_INFO_LENGTH_MISMATCH;
    else if ((o->Flags & ~(ULONG)KNOWN) || ((o->Flags & WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET) && (o->Flags & KNOWN) != WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET))
        s = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(s))
        return TRUE;
    FXLOG(g, SendOptions, P64(FxHandle(r)), o->Flags, S64(s));
    return not_sent(r, s);
}

/* The request leaves the framework: its clean-up runs, the IRP goes down without a completion routine, its queue has a place again. */
static BOOLEAN send_and_forget(FxGlobals *g, FxTarget *t, FxRequest *r)
{
    if (r->Owner != FX_IRP_IO || !r->Irp)
        return not_sent(r, STATUS_INVALID_DEVICE_STATE);
    if (r->F.SavedIrp) {
        FXLOG(g, SendForgetFormatted, P64(FxHandle(r)), S64(STATUS_INVALID_DEVICE_REQUEST));
        return not_sent(r, STATUS_INVALID_DEVICE_REQUEST);
    }
    if (!t->Device)
        return not_sent(r, STATUS_INVALID_DEVICE_STATE);
    FxQueue *q = r->Queue;
    IRP *irp = r->Irp;
    DEVICE_OBJECT *device = t->Device;
    if (!r->F.Location)
        IoSkipCurrentIrpStackLocation(irp);
    else
        IoSetCompletionRoutine(irp, NULL, NULL, FALSE, FALSE, FALSE);
    r->Completed = TRUE;
    r->F.Active = FALSE;
    if (q) {
        FxObject_AddRef(FX(q));
        FxIoQueue_RequestCompleted(q, r);
    }
    r->Where = FXR_COMPLETED;
    FxObject_EarlyDispose(FX(r));
    FxRequestFreeBuffers(r);
    r->Irp = NULL;
    r->Owner = FX_IRP_NONE;
    r->O.Flags &= ~FXO_NO_DELETE;
    FxObject_DeleteObject(FX(r));
    IoCallDriver(device, irp);
    if (q) {
        FxIoQueue_DispatchEvents(q);
        FxObject_Release(FX(q));
    }
    return TRUE;
}

BOOLEAN imp_WdfRequestSend(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, WDFIOTARGET Target, PWDF_REQUEST_SEND_OPTIONS Options)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = request(G, Request);
    FxTarget *t = FX_OBJ(g, Target, FxTarget, FX_TYPE_IO_TARGET);
    if (!options_good(g, r, Options))
        return FALSE;
    FxRequestNotSent(g, r);
    ULONG flags = Options ? Options->Flags : 0;
    if (flags & WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET)
        return send_and_forget(g, t, r);
    if (!r->Irp) {
        FXLOG(g, RequestNoIrp, P64(Request), S64(STATUS_INVALID_DEVICE_REQUEST));
        FxVerifierKeBugCheck(g, FXBC_REQUEST, FXREQ_NULL_IRP, (ULONG64)Request, 0);
    }
    if (g->VerifierOn && !r->F.Location) {
        FXLOG(g, SendNotFormatted, P64(Request), S64(STATUS_REQUEST_NOT_ACCEPTED));
        FxVerifierDbgBreakPoint(g, FX(r), __builtin_return_address(0));
        return not_sent(r, STATUS_REQUEST_NOT_ACCEPTED);
    }
    if (g->VerifierOn && r->Irp->CurrentLocation <= 1) {
        FXLOG(g, SendNoStack, P64(Request), P64(r->Irp));
        FxVerifierKeBugCheck(g, FXBC_REQUEST, FXREQ_NO_STACK, (ULONG64)Request, (ULONG64)r->Irp);
    }
    if (r->Cancelable) {
        FXLOG(g, RequestCancelable, P64(Request), P64(r->Irp), S64(STATUS_INVALID_DEVICE_REQUEST));
        FxVerifierDbgBreakPoint(g, FX(r), __builtin_return_address(0));
    }
    r->CancelCalled = FALSE;
    if (flags & WDF_REQUEST_SEND_OPTION_SYNCHRONOUS) {
        if (!NT_SUCCESS(FxVerifierCheckIrqlLevel(g, PASSIVE_LEVEL)))
            return not_sent(r, STATUS_INVALID_DEVICE_REQUEST);
        return FxIoTarget_SubmitSync(t, r, Options);
    }
    if (r->Owner == FX_IRP_IO && !r->CompletionRoutine) {
        FXLOG(g, SendNoRoutine, P64(Request), S64(STATUS_INVALID_DEVICE_REQUEST));
        return not_sent(r, STATUS_INVALID_DEVICE_REQUEST);
    }
    return FxIoTarget_Submit(t, r, Options);
}

VOID imp_WdfRequestSetCompletionRoutine(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, PFN_WDF_REQUEST_COMPLETION_ROUTINE Routine, WDFCONTEXT Context)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = request(G, Request);
    FxRequestNotSent(g, r);
    r->CompletionRoutine = Routine;
    r->CompletionContext = Routine ? Context : NULL;
}

VOID imp_WdfRequestGetCompletionParams(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, PWDF_REQUEST_COMPLETION_PARAMS Params)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = request(G, Request);
    FX_NOT_NULL(g, Params);
    if (Params->Size != sizeof *Params) {
        FXLOG(g, StructureSize, P64(Params), Params->Size, sizeof *Params, S64(STATUS_INFO_LENGTH_MISMATCH));
        FxVerifierDbgBreakPoint(g, FX(r), __builtin_return_address(0));
        return;
    }
    *Params = r->Params;
    if (!Params->Size)
        Params->Size = sizeof *Params;
}

/* ---- requests that the driver makes ---- */

static NTSTATUS make(PWDF_DRIVER_GLOBALS G, PWDF_OBJECT_ATTRIBUTES a, FxTarget *t, FxRequest **out, WDFREQUEST *Request)
{
    FxGlobals *g = FxGet(G);
    NTSTATUS s = FxValidateObjectAttributes(g, a, FXA_PARENT_OPTIONAL);
    if (!NT_SUCCESS(s))
        return s;
    FxRequest *r = FxRequestNew(g, a, &s);
    if (!r)
        return s;
    if (t)
        s = FxRequestBase_ValidateTarget(r, t);
    else
        s = STATUS_SUCCESS;
    if (NT_SUCCESS(s))
        s = FxObjectCommit(FX(r), a, FX(g->Driver), (WDFOBJECT *)Request);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(r));
        return s;
    }
    *out = r;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfRequestCreate(PWDF_DRIVER_GLOBALS G, PWDF_OBJECT_ATTRIBUTES Attributes, WDFIOTARGET IoTarget, WDFREQUEST *Request)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r;
    FX_NOT_NULL(g, Request);
    *Request = NULL;
    return make(G, Attributes, IoTarget ? FX_OBJ(g, IoTarget, FxTarget, FX_TYPE_IO_TARGET) : NULL, &r, Request);
}

NTSTATUS imp_WdfRequestCreateFromIrp(PWDF_DRIVER_GLOBALS G, PWDF_OBJECT_ATTRIBUTES Attributes, PIRP Irp, BOOLEAN RequestFreesIrp, WDFREQUEST *Request)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r;
    FX_NOT_NULL(g, Request);
    FX_NOT_NULL(g, Irp);
    *Request = NULL;
    NTSTATUS s = make(G, Attributes, NULL, &r, Request);
    if (NT_SUCCESS(s)) {
        r->Irp = Irp;
        r->Owner = RequestFreesIrp ? FX_IRP_INTERNAL : FX_IRP_DRIVER;
    }
    return s;
}

NTSTATUS imp_WdfRequestReuse(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, PWDF_REQUEST_REUSE_PARAMS P)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = request(G, Request);
    FX_NOT_NULL(g, P);
    if (P->Size > sizeof *P || P->Size < FIELD_OFFSET(WDF_REQUEST_REUSE_PARAMS, NewIrp))
        return STATUS_INFO_LENGTH_MISMATCH;
    FxRequestNotSent(g, r);
    BOOLEAN fresh = (P->Flags & WDF_REQUEST_REUSE_SET_NEW_IRP) != 0, must = (P->Flags & WDF_REQUEST_REUSE_MUST_COMPLETE) != 0;
    NTSTATUS s = STATUS_SUCCESS;
    if (P->Flags & ~(ULONG)(WDF_REQUEST_REUSE_SET_NEW_IRP | WDF_REQUEST_REUSE_MUST_COMPLETE))
        s = STATUS_INVALID_PARAMETER;
    else if (fresh && r->Owner == FX_IRP_IO)
        s = STATUS_WDF_REQUEST_INVALID_STATE;
    else if (must && (!(fresh ? P->NewIrp : r->Irp) || (!fresh && r->Owner == FX_IRP_INTERNAL)))
        s = STATUS_WDF_REQUEST_INVALID_STATE;
    if (!NT_SUCCESS(s)) {
        FXLOG(g, RequestReuse, P64(Request), S64(s));
        return s;
    }
    FxRequestUndoFormat(r);
    if (fresh) {
        if (r->Owner == FX_IRP_INTERNAL && r->Irp)
            IoFreeIrp(r->Irp);
        r->Irp = P->NewIrp;
        r->Owner = P->NewIrp ? FX_IRP_DRIVER : FX_IRP_NONE;
    } else if (r->Owner == FX_IRP_INTERNAL && r->Irp) {
        IoReuseIrp(r->Irp, P->Status);
    }
    if (r->Irp) {
        r->Irp->IoStatus.Status = P->Status;
        r->Irp->Cancel = FALSE;
    }
    r->Status = P->Status;
    r->FormatFailed = FALSE;
    r->CancelWanted = r->CancelCalled = r->TimedOut = FALSE;
    r->Information = 0;
    if (g->Minor >= 9) {
        r->CompletionRoutine = NULL;
        r->CompletionContext = NULL;
    }
    r->MustComplete = must;
    if (must)
        r->Completed = FALSE;
    return STATUS_SUCCESS;
}

/* ---- the forms that format, send and wait ---- */

/* The driver's request, or one for this call. */
FxRequest *FxSyncRequest(PWDF_DRIVER_GLOBALS G, WDFREQUEST given, NTSTATUS *s)
{
    if (given) {
        FxRequest *r = request(G, given);
        FxRequestNotSent(FxGet(G), r);
        return r;
    }
    FxRequest *r = FxRequestNew(FxGet(G), NULL, s);
    if (r)
        r->O.Flags |= FXO_NO_PARENT_REF;
    return r;
}

NTSTATUS FxSyncSend(FxTarget *t, FxRequest *r, WDFREQUEST given, NTSTATUS s, PWDF_REQUEST_SEND_OPTIONS o, PULONG_PTR bytes)
{
    if (NT_SUCCESS(s)) {
        FxIoTarget_SubmitSync(t, r, o);
        s = r->Status;
        if (bytes && r->Params.Size)
            *bytes = r->Params.IoStatus.Information;
    }
    if (!given)
        FxObject_DeleteObject(FX(r));
    return s;
}

NTSTATUS FxSyncOptions(PWDF_REQUEST_SEND_OPTIONS o)
{
    if (!o)
        return STATUS_SUCCESS;
    if (o->Size != sizeof *o)
        return STATUS_INFO_LENGTH_MISMATCH;
    return o->Flags & (WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET | ~7u) ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

FXM(NTSTATUS, FxIoTarget, SendIoctlSync, (PWDF_DRIVER_GLOBALS G, WDFIOTARGET T, WDFREQUEST R, ULONG code, BOOLEAN internal, PWDF_MEMORY_DESCRIPTOR In,
                                          PWDF_MEMORY_DESCRIPTOR Out, PWDF_REQUEST_SEND_OPTIONS O, PULONG_PTR Bytes)) ;

NTSTATUS FxIoTarget_SendIoctlSync(PWDF_DRIVER_GLOBALS G, WDFIOTARGET T, WDFREQUEST R, ULONG code, BOOLEAN internal, PWDF_MEMORY_DESCRIPTOR In,
                                  PWDF_MEMORY_DESCRIPTOR Out, PWDF_REQUEST_SEND_OPTIONS O, PULONG_PTR Bytes)
{
    FxGlobals *g = FxGet(G);
    FxTarget *t = FX_OBJ(g, T, FxTarget, FX_TYPE_IO_TARGET);
    FxIoBuffer in, out;
    FX_PASSIVE(g);
    if (Bytes)
        *Bytes = 0;
    NTSTATUS s = FxSyncOptions(O);
    if (NT_SUCCESS(s))
        s = FxIoBufferOfDescriptor(g, In, &in);
    if (NT_SUCCESS(s))
        s = FxIoBufferOfDescriptor(g, Out, &out);
    if (!NT_SUCCESS(s))
        return s;
    FxRequest *r = FxSyncRequest(G, R, &s);
    if (!r)
        return s;
    s = FxIoTargetFormatIoctl(g, t, r, code, internal, &in, &out);
    if (!NT_SUCCESS(s))
        FXLOG(g, SendIoctlFormat, code, S64(s));
    return FxSyncSend(t, r, R, s, O, Bytes);
}

NTSTATUS imp_WdfIoTargetSendIoctlSynchronously(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, WDFREQUEST Request, ULONG IoctlCode, PWDF_MEMORY_DESCRIPTOR InputBuffer,
                                               PWDF_MEMORY_DESCRIPTOR OutputBuffer, PWDF_REQUEST_SEND_OPTIONS RequestOptions, PULONG_PTR BytesReturned)
{
    return FxIoTarget_SendIoctlSync(G, IoTarget, Request, IoctlCode, FALSE, InputBuffer, OutputBuffer, RequestOptions, BytesReturned);
}

NTSTATUS imp_WdfIoTargetSendInternalIoctlSynchronously(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, WDFREQUEST Request, ULONG IoctlCode,
                                                       PWDF_MEMORY_DESCRIPTOR InputBuffer, PWDF_MEMORY_DESCRIPTOR OutputBuffer,
                                                       PWDF_REQUEST_SEND_OPTIONS RequestOptions, PULONG_PTR BytesReturned)
{
    return FxIoTarget_SendIoctlSync(G, IoTarget, Request, IoctlCode, TRUE, InputBuffer, OutputBuffer, RequestOptions, BytesReturned);
}

NTSTATUS imp_WdfIoTargetSendInternalIoctlOthersSynchronously(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, WDFREQUEST Request, ULONG IoctlCode,
                                                             PWDF_MEMORY_DESCRIPTOR Arg1, PWDF_MEMORY_DESCRIPTOR Arg2, PWDF_MEMORY_DESCRIPTOR Arg4,
                                                             PWDF_REQUEST_SEND_OPTIONS RequestOptions, PULONG_PTR BytesReturned)
{
    FxGlobals *g = FxGet(G);
    FxTarget *t = FX_OBJ(g, IoTarget, FxTarget, FX_TYPE_IO_TARGET);
    PWDF_MEMORY_DESCRIPTOR d[3] = { Arg1, Arg2, Arg4 };
    FxIoBuffer a[3];
    FX_PASSIVE(g);
    NTSTATUS s = FxSyncOptions(RequestOptions);
    for (int i = 0; i < 3 && NT_SUCCESS(s); i++)
        s = FxIoBufferOfDescriptor(g, d[i], &a[i]);
    if (!NT_SUCCESS(s))
        return s;
    FxRequest *r = FxSyncRequest(G, Request, &s);
    if (!r)
        return s;
    s = FxIoTargetFormatOthers(g, t, r, IoctlCode, a);
    return FxSyncSend(t, r, Request, s, RequestOptions, BytesReturned);
}

static NTSTATUS send_io(PWDF_DRIVER_GLOBALS G, WDFIOTARGET T, WDFREQUEST R, BOOLEAN write, PWDF_MEMORY_DESCRIPTOR D, PLONGLONG Offset, PWDF_REQUEST_SEND_OPTIONS O,
                        PULONG_PTR Bytes)
{
    FxGlobals *g = FxGet(G);
    FxTarget *t = FX_OBJ(g, T, FxTarget, FX_TYPE_IO_TARGET);
    FxIoBuffer b;
    FX_PASSIVE(g);
    if (Bytes)
        *Bytes = 0;
    NTSTATUS s = FxSyncOptions(O);
    if (NT_SUCCESS(s))
        s = FxIoBufferOfDescriptor(g, D, &b);
    if (!NT_SUCCESS(s))
        return s;
    FxRequest *r = FxSyncRequest(G, R, &s);
    if (!r)
        return s;
    s = FxIoTargetFormatIo(g, t, r, write, &b, Offset);
    if (!NT_SUCCESS(s))
        FXLOG(g, SendIoFormat, write ? IRP_MJ_WRITE : IRP_MJ_READ, S64(s));
    return FxSyncSend(t, r, R, s, O, Bytes);
}

NTSTATUS imp_WdfIoTargetSendReadSynchronously(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, WDFREQUEST Request, PWDF_MEMORY_DESCRIPTOR OutputBuffer, PLONGLONG DeviceOffset,
                                              PWDF_REQUEST_SEND_OPTIONS RequestOptions, PULONG_PTR BytesRead)
{
    return send_io(G, IoTarget, Request, FALSE, OutputBuffer, DeviceOffset, RequestOptions, BytesRead);
}

NTSTATUS imp_WdfIoTargetSendWriteSynchronously(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, WDFREQUEST Request, PWDF_MEMORY_DESCRIPTOR InputBuffer, PLONGLONG DeviceOffset,
                                               PWDF_REQUEST_SEND_OPTIONS RequestOptions, PULONG_PTR BytesWritten)
{
    return send_io(G, IoTarget, Request, TRUE, InputBuffer, DeviceOffset, RequestOptions, BytesWritten);
}
