/* Cancel-safe queues. The driver's callbacks keep the list and the lock; these routines close the race with cancellation.
 * DriverContext[3] of a queued IRP holds its context record, or the queue itself. */
#include "io/room.h"

#include "ke/ke.h"
#include "nt/status.h"
#include "sim/door.h"
#include "trace/trace.h"

NTSTATUS IoCsqInitialize(IO_CSQ *csq, PVOID insert, PVOID remove, PVOID peek, PVOID acquire, PVOID release, PVOID complete_canceled)
{
    csq->Type = IO_TYPE_CSQ;
    csq->CsqInsertIrp = insert;
    csq->CsqRemoveIrp = remove;
    csq->CsqPeekNextIrp = peek;
    csq->CsqAcquireLock = acquire;
    csq->CsqReleaseLock = release;
    csq->CsqCompleteCanceledIrp = complete_canceled;
    csq->ReservePointer = NULL;
    return STATUS_SUCCESS;
}

NTSTATUS IoCsqInitializeEx(IO_CSQ *csq, PVOID insert, PVOID remove, PVOID peek, PVOID acquire, PVOID release, PVOID complete_canceled)
{
    IoCsqInitialize(csq, insert, remove, peek, acquire, release, complete_canceled);
    csq->Type = IO_TYPE_CSQ_EX;
    return STATUS_SUCCESS;
}

/* The lock callbacks take a KIRQL by address; it lives on the guest stack as NT's would. */
static KIRQL lock(IO_CSQ *csq)
{
    KIRQL *at = guest_small_local();
    guest_call(FRAME_NONE, csq->CsqAcquireLock, 2, (uint64_t)csq, (uint64_t)at);
    return *at;
}

static void unlock(IO_CSQ *csq, KIRQL irql)
{
    guest_call(FRAME_NONE, csq->CsqReleaseLock, 2, (uint64_t)csq, (uint64_t)irql);
}

static IO_CSQ *queue_of(IRP *irp, IO_CSQ_IRP_CONTEXT **context)
{
    LONG *type = irp->Tail.Overlay.DriverContext[3];
    *context = NULL;
    if (*type != IO_TYPE_CSQ_IRP_CONTEXT)
        return (IO_CSQ *)type;
    *context = (IO_CSQ_IRP_CONTEXT *)type;
    return (*context)->Csq;
}

/* The cancel routine that queued IRPs get; guest code reaches it through its slot in the kernel image. */
void IopCsqCancelRoutine(DEVICE_OBJECT *device, IRP *irp)
{
    void IoReleaseCancelSpinLock(ULONG irql);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    IO_CSQ_IRP_CONTEXT *context;
    IO_CSQ *csq = queue_of(irp, &context);
    KIRQL irql = lock(csq);
    guest_call(FRAME_NONE, csq->CsqRemoveIrp, 2, (uint64_t)csq, (uint64_t)irp);
    if (context)
        context->Irp = NULL;
    irp->Tail.Overlay.DriverContext[3] = NULL;
    trace_event(TRACE_CSQ_REMOVE, (uint64_t)csq, (uint64_t)irp, 1, 0);
    unlock(csq, irql);
    guest_call(FRAME_NONE, csq->CsqCompleteCanceledIrp, 2, (uint64_t)csq, (uint64_t)irp);
}

NTSTATUS IoCsqInsertIrpEx(IO_CSQ *csq, IRP *irp, IO_CSQ_IRP_CONTEXT *context, PVOID insert_context)
{
    if (context) {
        context->Type = IO_TYPE_CSQ_IRP_CONTEXT;
        context->Irp = irp;
        context->Csq = csq;
        irp->Tail.Overlay.DriverContext[3] = context;
    } else {
        irp->Tail.Overlay.DriverContext[3] = csq;
    }
    KIRQL irql = lock(csq);
    NTSTATUS s = STATUS_SUCCESS;
    bool ex = csq->Type == IO_TYPE_CSQ_EX;
    if (ex)
        s = (NTSTATUS)guest_call(FRAME_NONE, csq->CsqInsertIrp, 3, (uint64_t)csq, (uint64_t)irp, (uint64_t)insert_context);
    else
        guest_call(FRAME_NONE, csq->CsqInsertIrp, 2, (uint64_t)csq, (uint64_t)irp);
    if (!NT_SUCCESS(s)) {
        if (context)
            context->Irp = NULL;
        irp->Tail.Overlay.DriverContext[3] = NULL;
        unlock(csq, irql);
            return s;
    }
    trace_event(TRACE_CSQ_INSERT, (uint64_t)csq, (uint64_t)irp, 0, 0);
    io_current_location(irp)->Control |= SL_PENDING_RETURNED;
    io_cancel_routine_set(irp, (PVOID)door_export_address("ntoskrnl.exe", "IopCsqCancelRoutine"));
    if (irp->Cancel && io_cancel_routine_set(irp, NULL)) {
        guest_call(FRAME_NONE, csq->CsqRemoveIrp, 2, (uint64_t)csq, (uint64_t)irp);
        if (context)
            context->Irp = NULL;
        irp->Tail.Overlay.DriverContext[3] = NULL;
        trace_event(TRACE_CSQ_REMOVE, (uint64_t)csq, (uint64_t)irp, 1, 0);
        unlock(csq, irql);
        guest_call(FRAME_NONE, csq->CsqCompleteCanceledIrp, 2, (uint64_t)csq, (uint64_t)irp);
    } else {
        unlock(csq, irql);
    }
    return s;
}

void IoCsqInsertIrp(IO_CSQ *csq, IRP *irp, IO_CSQ_IRP_CONTEXT *context)
{
    IoCsqInsertIrpEx(csq, irp, context, NULL);
}

static void forget(IO_CSQ *csq, IRP *irp)
{
    IO_CSQ_IRP_CONTEXT *context;
    queue_of(irp, &context);
    if (context)
        context->Irp = NULL;
    irp->Tail.Overlay.DriverContext[3] = NULL;
    guest_call(FRAME_NONE, csq->CsqRemoveIrp, 2, (uint64_t)csq, (uint64_t)irp);
    trace_event(TRACE_CSQ_REMOVE, (uint64_t)csq, (uint64_t)irp, 0, 0);
}

IRP *IoCsqRemoveNextIrp(IO_CSQ *csq, PVOID peek_context)
{
    KIRQL irql = lock(csq);
    IRP *irp = (IRP *)guest_call(FRAME_NONE, csq->CsqPeekNextIrp, 3, (uint64_t)csq, (uint64_t)0, (uint64_t)peek_context);
    while (irp && !io_cancel_routine_set(irp, NULL)) /* its cancel routine is on the way: it belongs to that one */
        irp = (IRP *)guest_call(FRAME_NONE, csq->CsqPeekNextIrp, 3, (uint64_t)csq, (uint64_t)irp, (uint64_t)peek_context);
    if (irp)
        forget(csq, irp);
    unlock(csq, irql);
    return irp;
}

IRP *IoCsqRemoveIrp(IO_CSQ *csq, IO_CSQ_IRP_CONTEXT *context)
{
    KIRQL irql = lock(csq);
    IRP *irp = context->Irp;
    if (irp && io_cancel_routine_set(irp, NULL))
        forget(csq, irp);
    else
        irp = NULL;
    unlock(csq, irql);
    return irp;
}
