/* Cancellation: the cancel spin lock, IoCancelIrp, cancelling by file. */
#include "io/room.h"

#include "ke/ke.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "sim/door.h"
#include "trace/trace.h"

KIRQL KeAcquireSpinLockRaiseToDpc(KSPIN_LOCK *lock);
void KeReleaseSpinLock(KSPIN_LOCK *lock, ULONG irql);

void IoAcquireCancelSpinLock(KIRQL *irql)
{
    *irql = KeAcquireSpinLockRaiseToDpc(&io_room()->cancel_lock);
}

void IoReleaseCancelSpinLock(ULONG irql)
{
    KeReleaseSpinLock(&io_room()->cancel_lock, irql);
}

ULONG IoCancelIrp(IRP *irp)
{
    KIRQL old;
    IoAcquireCancelSpinLock(&old);
    irp->Cancel = TRUE;
    trace_event(TRACE_IRP_CANCEL, (uint64_t)irp, (uint64_t)irp->CancelRoutine, 0, 0);
    sim_point((uint64_t)irp); /* the flag is set, the routine not yet taken */
    PVOID routine = irp->CancelRoutine;
    irp->CancelRoutine = NULL;
    if (!routine) {
        IoReleaseCancelSpinLock(old);
        return FALSE;
    }
    if (irp->CurrentLocation > irp->StackCount + 1)
        KeBugCheckEx(0x48, (ULONG64)irp, (ULONG64)routine, 0, 0); /* CANCEL_STATE_IN_COMPLETED_IRP */
    irp->CancelIrql = old;
    IO_STACK_LOCATION *sl = io_current_location(irp);
    guest_call(FRAME_NONE, routine, 2, (uint64_t)sl->DeviceObject, (uint64_t)irp);
    return TRUE;
}

static bool of_file(const IRP *irp, const FILE_OBJECT *file, const IO_STATUS_BLOCK *match)
{
    return irp->Tail.Overlay.OriginalFileObject == file && (!match || irp->UserIosb == match);
}

/* Cancels the thread's IRPs on a file; returns how many. The list may change while a routine runs: start over. */
static unsigned cancel_in_thread(struct thread *t, FILE_OBJECT *file, const IO_STATUS_BLOCK *match)
{
    unsigned n = 0;
    LIST_ENTRY *head = &t->ethread->IrpList;
    for (LIST_ENTRY *e = head->Flink; e != head;) {
        IRP *irp = (IRP *)((UCHAR *)e - offsetof(IRP, ThreadListEntry));
        e = e->Flink;
        if (!of_file(irp, file, match) || irp->Cancel)
            continue;
        n++;
        IoCancelIrp(irp);
        e = head->Flink;
    }
    return n;
}

static bool any_left(struct thread *t, const FILE_OBJECT *file)
{
    LIST_ENTRY *head = &t->ethread->IrpList;
    for (LIST_ENTRY *e = head->Flink; e != head; e = e->Flink)
        if (of_file((IRP *)((UCHAR *)e - offsetof(IRP, ThreadListEntry)), file, NULL))
            return true;
    return false;
}

NTSTATUS NtCancelIoFile(HANDLE handle, IO_STATUS_BLOCK *iosb)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtCancelIoFile);
    sim_point((uint64_t)handle);
    void *file;
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_FILE, 0, &file, NULL);
    if (NT_SUCCESS(s)) {
        struct thread *t = ps_current();
        if (cancel_in_thread(t, file, NULL))
            while (any_left(t, file)) {
                LARGE_INTEGER delay = { .QuadPart = -100000 };
                KeDelayExecutionThread(KernelMode, FALSE, &delay);
            }
        ob_dereference(file);
        iosb->Status = STATUS_SUCCESS;
        iosb->Information = 0;
    }
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS NtCancelIoFileEx(HANDLE handle, IO_STATUS_BLOCK *match, IO_STATUS_BLOCK *iosb)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtCancelIoFileEx);
    sim_point((uint64_t)handle);
    void *file;
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_FILE, 0, &file, NULL);
    if (NT_SUCCESS(s)) {
        unsigned n = 0;
        for (struct thread *t = ps_threads(); t; t = t->next)
            if (t->process == ps_current_process())
                n += cancel_in_thread(t, file, match);
        ob_dereference(file);
        s = n ? STATUS_SUCCESS : STATUS_NOT_FOUND;
        iosb->Status = s;
        iosb->Information = 0;
    }
    ps_syscall_leave(&sc);
    return s;
}
