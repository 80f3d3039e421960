/* Forward progress: requests set aside, so that an IRP gets one when there is no memory for another.
 *
 * A request is in the queue's Reserved list, or in use; it comes back when its IRP has been completed. IRPs that find none free wait in
 * PendedIrps, with a cancel routine, in order. Both lists are guarded by ReserveLock, which is taken inside no other lock of the framework.
 * DOC: "Guaranteeing Forward Progress of I/O Operations". */
#include "queue.h"

extern void FxRequestBindIrp(FxRequest *r, IRP *irp);

static void pended_canceled(DEVICE_OBJECT *d, IRP *irp) __asm__("FxIoQueue::_WdmCancelRoutineForReservedIrp");

static void pended_canceled(DEVICE_OBJECT *d, IRP *irp)
{
    KIRQL irql;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    FxQueue *q = irp->Tail.Overlay.DriverContext[0];
    KeAcquireSpinLock(&q->ReserveLock, &irql);
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&q->ReserveLock, irql);
    FxDeviceCompleteIrp(irp, STATUS_CANCELLED, 0);
}

/* With the lock. */
static NTSTATUS pend(FxQueue *q, IRP *irp)
{
    InsertTailList(&q->PendedIrps, &irp->Tail.Overlay.ListEntry);
    irp->Tail.Overlay.DriverContext[0] = q;
    IoSetCancelRoutine(irp, pended_canceled);
    if (irp->Cancel && IoSetCancelRoutine(irp, NULL)) {
        RemoveEntryList(&irp->Tail.Overlay.ListEntry);
        return STATUS_CANCELLED;
    }
    IoMarkIrpPending(irp);
    return STATUS_PENDING;
}

/* With the lock: the first that is not being cancelled, of one file or of any. */
static IRP *next_pended(FxQueue *q, FILE_OBJECT *file)
{
    for (LIST_ENTRY *e = q->PendedIrps.Flink; e != &q->PendedIrps; e = e->Flink) {
        IRP *irp = CONTAINING_RECORD(e, IRP, Tail.Overlay.ListEntry);
        if ((file && IoGetCurrentIrpStackLocation(irp)->FileObject != file) || !IoSetCancelRoutine(irp, NULL))
            continue;
        RemoveEntryList(e);
        return irp;
    }
    return NULL;
}

void FxForwardProgressCancel(FxQueue *q, FILE_OBJECT *file)
{
    if (!q->ForwardProgress)
        return;
    for (;;) {
        KIRQL irql;
        KeAcquireSpinLock(&q->ReserveLock, &irql);
        IRP *irp = next_pended(q, file);
        KeReleaseSpinLock(&q->ReserveLock, irql);
        if (!irp)
            return;
        FxDeviceCompleteIrp(irp, STATUS_CANCELLED, 0);
    }
}

static NTSTATUS examine(FxQueue *q, IRP *irp)
{
    const WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY *p = &q->Policy;
    WDF_IO_FORWARD_PROGRESS_ACTION action = WdfIoForwardProgressActionUseReservedRequest;
    if (p->ForwardProgressReservedPolicy == WdfIoForwardProgressReservedPolicyPagingIO) {
        if (!(irp->Flags & (IRP_PAGING_IO | IRP_SYNCHRONOUS_PAGING_IO)))
            action = WdfIoForwardProgressActionFailRequest;
    } else if (p->ForwardProgressReservedPolicy == WdfIoForwardProgressReservedPolicyUseExamine &&
               p->ForwardProgressReservePolicySettings.Policy.ExaminePolicy.EvtIoWdmIrpForForwardProgress) {
        FX_CALL_R(q->O.Globals, action, p->ForwardProgressReservePolicySettings.Policy.ExaminePolicy.EvtIoWdmIrpForForwardProgress, (WDFQUEUE)FxHandle(q), irp);
        if (action < WdfIoForwardProgressActionFailRequest || action > WdfIoForwardProgressActionUseReservedRequest) {
            FXLOG(q->O.Globals, ForwardProgressAction, P64(FxHandle(q)), action, S64(STATUS_UNSUCCESSFUL));
            FxVerifierDbgBreakPoint(q->O.Globals, FX(q), __builtin_return_address(0));
            return STATUS_UNSUCCESSFUL;
        }
    }
    return action == WdfIoForwardProgressActionFailRequest ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}

/* One set aside. NULL: the IRP waits (STATUS_PENDING), or is to be failed. */
static FxRequest *reserved(FxQueue *q, IRP *irp, NTSTATUS *status)
{
    FxRequest *r = NULL;
    KIRQL irql;
    *status = examine(q, irp);
    if (!NT_SUCCESS(*status))
        return NULL;
    KeAcquireSpinLock(&q->ReserveLock, &irql);
    if (!IsListEmpty(&q->Reserved))
        r = CONTAINING_RECORD(RemoveHeadList(&q->Reserved), FxRequest, Entry);
    else
        *status = pend(q, irp);
    KeReleaseSpinLock(&q->ReserveLock, irql);
    if (r)
        FxRequestBindIrp(r, irp);
    return r;
}

static void discard(FxRequest *r)
{
    r->Irp = NULL;
    r->Owner = FX_IRP_NONE;
    r->O.Flags &= ~FXO_NO_DELETE;
    FxObject_DeleteObject(FX(r));
}

FxRequest *FxForwardProgressRequest(FxQueue *q, IRP *irp, FxRequest *fresh, NTSTATUS *status)
{
    NTSTATUS s = STATUS_SUCCESS;
    if (fresh && q->Policy.EvtIoAllocateRequestResources)
        FX_CALL_R(q->O.Globals, s, q->Policy.EvtIoAllocateRequestResources, (WDFQUEUE)FxHandle(q), (WDFREQUEST)FxHandle(fresh));
    if (fresh && NT_SUCCESS(s))
        return fresh;
    if (fresh)
        discard(fresh);
    return reserved(q, irp, status);
}

void FxForwardProgressReturn(FxQueue *q, FxRequest *r)
{
    KIRQL irql;
    r->Completed = r->Presented = r->Cancelable = r->CancelRaised = r->InMade = r->OutMade = r->SystemMade = FALSE;
    r->Where = FXR_IDLE;
    r->Queue = NULL;
    r->O.CleanupDone = 0;
    KeAcquireSpinLock(&q->ReserveLock, &irql);
    IRP *irp = next_pended(q, NULL);
    if (!irp)
        InsertTailList(&q->Reserved, &r->Entry);
    KeReleaseSpinLock(&q->ReserveLock, irql);
    if (irp) {
        FxRequestBindIrp(r, irp);
        FxPkgIo_EnterQueue(q, r, irp);
    }
}

void FxForwardProgressFree(FxQueue *q)
{
    while (!IsListEmpty(&q->Reserved)) {
        FxRequest *r = CONTAINING_RECORD(RemoveHeadList(&q->Reserved), FxRequest, Entry);
        r->ReservedFor = NULL;
        discard(r);
    }
}

static NTSTATUS set_aside(FxQueue *q, const WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY *p)
{
    NTSTATUS s;
    FxRequest *r = FxRequestCreateForIrp(q->O.Device, NULL, &s);
    if (!r)
        return s;
    s = STATUS_SUCCESS;
    if (p->EvtIoAllocateResourcesForReservedRequest)
        FX_CALL_R(q->O.Globals, s, p->EvtIoAllocateResourcesForReservedRequest, (WDFQUEUE)FxHandle(q), (WDFREQUEST)FxHandle(r));
    if (!NT_SUCCESS(s)) {
        discard(r);
        return s;
    }
    r->Reserved = TRUE;
    r->ReservedFor = q;
    InsertTailList(&q->Reserved, &r->Entry);
    return STATUS_SUCCESS;
}

static NTSTATUS policy_check(const WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY *p)
{
    ULONG policy = p->ForwardProgressReservedPolicy;
    if (!p->TotalForwardProgressRequests || policy < WdfIoForwardProgressReservedPolicyAlwaysUseReservedRequest || policy > WdfIoForwardProgressReservedPolicyPagingIO)
        return STATUS_INVALID_PARAMETER;
    if (policy == WdfIoForwardProgressReservedPolicyUseExamine && !p->ForwardProgressReservePolicySettings.Policy.ExaminePolicy.EvtIoWdmIrpForForwardProgress)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfIoQueueAssignForwardProgressPolicy(PWDF_DRIVER_GLOBALS G, WDFQUEUE Queue, PWDF_IO_QUEUE_FORWARD_PROGRESS_POLICY P)
{
    FxGlobals *g = FxGet(G);
    FxQueue *q = queue_of(G, Queue);
    FX_NOT_NULL(g, P);
    FX_PASSIVE(g);
    NTSTATUS s = STATUS_SUCCESS;
    if (P->Size != sizeof *P)
        s = STATUS_INFO_LENGTH_MISMATCH;
    else if (q->ForwardProgress) /* DOC: once a queue */
        s = STATUS_INVALID_DEVICE_REQUEST;
    else
        s = policy_check(P);
    if (!NT_SUCCESS(s)) {
        FXLOG(g, ForwardProgressPolicy, P64(Queue), S64(s));
        return s;
    }
    for (ULONG i = 0; NT_SUCCESS(s) && i < P->TotalForwardProgressRequests; i++)
        s = set_aside(q, P);
    if (!NT_SUCCESS(s)) {
        FXLOG(g, ForwardProgressPolicy, P64(Queue), S64(s));
        FxForwardProgressFree(q);
        return s;
    }
    q->Policy = *P;
    q->ForwardProgress = TRUE;
    return STATUS_SUCCESS;
}

BOOLEAN imp_WdfRequestIsReserved(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request)
{
    return FX_OBJ(FxGet(G), Request, FxRequest, FX_TYPE_REQUEST)->Reserved;
}
