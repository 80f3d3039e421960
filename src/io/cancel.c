/* Cancellation: the cancel spin lock, IoCancelIrp, cancelling by file. */
#include "io/room.h"

#include <string.h>

#include "ex/objects.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/ex.h"
#include "nt/ob.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "sim/access.h"
#include "sim/door.h"
#include "trace/trace.h"

void IoAcquireCancelSpinLock(KIRQL *irql)
{
    *irql = KeAcquireSpinLockRaiseToDpc(&io_room()->cancel_lock);
}

void IoReleaseCancelSpinLock(ULONG irql)
{
    KeReleaseSpinLock(&io_room()->cancel_lock, irql);
}

/* With the cancel spin lock held, which it or the routine releases. */
static ULONG cancel_locked(IRP *irp, KIRQL old)
{
    io_irp_touch(irp);
    irp->Cancel = TRUE;
    io_room()->cancelled_now = irp;
    trace_event(TRACE_IRP_CANCEL, (uint64_t)irp, (uint64_t)irp->CancelRoutine, 0, 0);
    sim_point((uint64_t)irp); /* the flag is set, the routine not yet taken */
    io_irp_touch(irp);
    PVOID routine = irp->CancelRoutine;
    irp->CancelRoutine = NULL;
    io_room()->cancelled_now = NULL;
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

PVOID io_cancel_routine_set(IRP *irp, PVOID routine)
{
    sim_point((uint64_t)irp);
    io_irp_touch(irp);
    PVOID old = irp->CancelRoutine;
    irp->CancelRoutine = routine;
    return old;
}

ULONG IoCancelIrp(IRP *irp)
{
    KIRQL old;
    IoAcquireCancelSpinLock(&old);
    return cancel_locked(irp, old);
}

/* A request may not go while another thread, which found it in its thread's list, is about to cancel it. */
void io_wait_for_canceller(IRP *irp)
{
    KIRQL old;
    io_irp_touch(irp);
    if (io_room()->cancelled_now != irp)
        return;
    IoAcquireCancelSpinLock(&old);
    IoReleaseCancelSpinLock(old);
}

static IRP *irp_of_entry(LIST_ENTRY *e)
{
    return (IRP *)((UCHAR *)e - offsetof(IRP, ThreadListEntry));
}

static bool of_file(const IRP *irp, const FILE_OBJECT *file, const IO_STATUS_BLOCK *match)
{
    return irp->Tail.Overlay.OriginalFileObject == file && (!match || irp->UserIosb == match);
}

/* Another thread than the caller's may end before it is looked for. */
static struct thread *thread_of_id(HANDLE id)
{
    if (id != ps_current()->ethread->Cid.UniqueThread)
        sim_access_order(SIM_ACCESS_OF(SIM_THREADS, ps_current_process()->eprocess), SIM_COMMUTE);
    for (struct thread *t = ps_threads(); t; t = t->next)
        if (t->ethread && t->ethread->Cid.UniqueThread == id)
            return t;
    return NULL;
}

/* The thread's first IRP on the file that is still to be cancelled: not yet, or again because its driver has given it a routine since. */
static IRP *first_to_cancel(HANDLE thread, const FILE_OBJECT *file, const IO_STATUS_BLOCK *match)
{
    struct thread *t = thread_of_id(thread);
    if (!t)
        return NULL;
    LIST_ENTRY *head = &t->ethread->IrpList;
    sim_access(SIM_ACCESS_OF(SIM_IRPS, t->ethread), SIM_READ);
    for (LIST_ENTRY *e = head->Flink; e != head; e = e->Flink) {
        IRP *irp = irp_of_entry(e);
        if (of_file(irp, file, match) && (!irp->Cancel || irp->CancelRoutine))
            return irp;
    }
    return NULL;
}

/* Cancels the thread's IRPs on a file; returns how many there were. One that has been cancelled before counts. The list may change
 * whenever the lock is not held, and the thread may end: both are looked up again each time. */
static unsigned cancel_in_thread(HANDLE thread, FILE_OBJECT *file, const IO_STATUS_BLOCK *match)
{
    unsigned n = 0;
    struct thread *t = thread_of_id(thread);
    if (!t)
        return 0;
    LIST_ENTRY *head = &t->ethread->IrpList;
    sim_access(SIM_ACCESS_OF(SIM_IRPS, t->ethread), SIM_READ);
    for (LIST_ENTRY *e = head->Flink; e != head; e = e->Flink)
        n += of_file(irp_of_entry(e), file, match);
    while (first_to_cancel(thread, file, match)) {
        KIRQL old;
        IoAcquireCancelSpinLock(&old);
        IRP *irp = first_to_cancel(thread, file, match);
        if (irp)
            cancel_locked(irp, old);
        else
            IoReleaseCancelSpinLock(old);
    }
    return n;
}

static bool any_left(struct thread *t, const FILE_OBJECT *file)
{
    LIST_ENTRY *head = &t->ethread->IrpList;
    sim_access(SIM_ACCESS_OF(SIM_IRPS, t->ethread), SIM_READ);
    for (LIST_ENTRY *e = head->Flink; e != head; e = e->Flink)
        if (of_file(irp_of_entry(e), file, NULL))
            return true;
    return false;
}

static NTSTATUS put_result(IO_STATUS_BLOCK *iosb, NTSTATUS status)
{
    IO_STATUS_BLOCK result = { .Pointer = (PVOID)(ULONG_PTR)(ULONG)status }; /* all eight bytes: the rest of Status is the caller's to see */
    return ex_put(iosb, &result, sizeof result) ? status : STATUS_ACCESS_VIOLATION;
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
        if (cancel_in_thread(t->ethread->Cid.UniqueThread, file, NULL))
            while (any_left(t, file)) {
                LARGE_INTEGER delay = { .QuadPart = -100000 };
                KeDelayExecutionThread(KernelMode, FALSE, &delay);
            }
        ob_dereference(file);
        s = put_result(iosb, STATUS_SUCCESS);
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
        sim_access(SIM_ACCESS_THREAD_IDS, SIM_READ); /* which threads there are, and which have ended */
        sim_access_order(SIM_ACCESS_OF(SIM_THREADS, ps_current_process()->eprocess), SIM_COMMUTE);
        HANDLE threads[MAX_AGENTS];
        unsigned count = 0;
        for (struct thread *t = ps_threads(); t && count < MAX_AGENTS; t = t->next)
            if (t->process == ps_current_process() && t->ethread)
                threads[count++] = t->ethread->Cid.UniqueThread;
        for (unsigned i = 0; i < count; i++)
            n += cancel_in_thread(threads[i], file, match);
        ob_dereference(file);
        s = put_result(iosb, n ? STATUS_SUCCESS : STATUS_NOT_FOUND);
    }
    ps_syscall_leave(&sc);
    return s;
}

/* ---- CancelSynchronousIo ----
 * A special kernel APC in the target thread cancels its synchronous requests and alerts it, which ends cancellable waits. The
 * caller waits for the APC, not for the requests (GUESS). */

struct cancel_synchronous {
    KAPC apc;
    KEVENT done;
    const IO_STATUS_BLOCK *match;
    ULONG count;
};

/* GUESS: the seed says the first, the documentation of CancelSynchronousIo the second. */
static bool is_eligible(const IRP *irp, const IO_STATUS_BLOCK *match)
{
    const FILE_OBJECT *f = irp->Tail.Overlay.OriginalFileObject;
    bool synchronous = (irp->Flags & IRP_SYNCHRONOUS_API) || (f && (f->Flags & FO_SYNCHRONOUS_IO));
    return synchronous && (!match || irp->UserIosb == match);
}

static void cancel_synchronous_apc(KAPC *apc)
{
    struct cancel_synchronous *r = (struct cancel_synchronous *)((UCHAR *)apc - offsetof(struct cancel_synchronous, apc));
    struct thread *t = ps_current();
    LIST_ENTRY *head = &t->ethread->IrpList;
    sim_access(SIM_ACCESS_OF(SIM_IRPS, t->ethread), SIM_READ);
    for (LIST_ENTRY *e = head->Flink; e != head; e = e->Flink)
        r->count += is_eligible(irp_of_entry(e), r->match);
    for (LIST_ENTRY *e = head->Flink; e != head;) {
        IRP *irp = irp_of_entry(e);
        e = e->Flink;
        io_irp_touch(irp);
        if (!is_eligible(irp, r->match) || (irp->Cancel && !irp->CancelRoutine))
            continue;
        IoCancelIrp(irp);
        e = head->Flink; /* a cancel routine may have completed it, and others */
    }
    if (r->count)
        KeAlertThread(&t->ethread->Tcb, KernelMode);
    KeSetEvent(&r->done, 0, FALSE);
}

NTSTATUS NtCancelSynchronousIoFile(HANDLE thread, IO_STATUS_BLOCK *match, IO_STATUS_BLOCK *iosb)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtCancelSynchronousIoFile);
    void *object;
    NTSTATUS s = ob_handle_reference(ps_current_process(), thread, OB_THREAD, sc.nested ? 0 : THREAD_TERMINATE, &object, NULL);
    if (NT_SUCCESS(s)) {
        ETHREAD *e = object;
        sim_point((uint64_t)e);
        struct cancel_synchronous *r = ex_pool_alloc(NonPagedPoolNx, sizeof *r, 0x53436F49 /* "IoCS" */);
        memset(r, 0, sizeof *r);
        r->match = match;
        KeInitializeEvent(&r->done, NotificationEvent, FALSE);
        ke_apc_init_host(&r->apc, &e->Tcb, cancel_synchronous_apc, FRAME_IopCancelIrpsInCurrentThreadListSpecialApc);
        if (ps_thread_living(e) && KeInsertQueueApc(&r->apc, NULL, NULL, 0))
            KeWaitForSingleObject(&r->done, Executive, KernelMode, FALSE, NULL);
        s = r->count ? STATUS_SUCCESS : STATUS_NOT_FOUND;
        ex_pool_free(r);
        ob_dereference(e);
        IO_STATUS_BLOCK result = { .Pointer = (PVOID)(ULONG_PTR)(ULONG)s };
        if (!host_guarded_copy(iosb, &result, sizeof result))
            s = STATUS_ACCESS_VIOLATION;
    }
    ps_syscall_leave(&sc);
    return s;
}
