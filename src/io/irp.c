/* IRPs: allocation, the way down, completion. See io.h for the life of an IRP.
 *
 * DOC and OBS come from spec/nt_io.md section 2. */
#include <string.h>

#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "ps/ps.h"
#include "sim/access.h"
#include "sim/door.h"
#include "trace/trace.h"
#include "verify/guard.h"
#include "verify/stack.h"
#include "verify/verify.h"

struct io_room *io_room(void)
{
    return MACHINE->rooms[ROOM_IO];
}

/* An IRP belongs to one at a time, except for its Cancel flag and cancel routine: drivers exchange that with an atomic instruction and
 * look at the flag after it, so both go under the routine's address too. */
void io_irp_tell(const IRP *irp)
{
    sim_access((uint64_t)irp, SIM_WRITE);
    sim_access((uint64_t)&irp->CancelRoutine, SIM_WRITE);
    sim_access((uint64_t)&irp->CancelRoutine + 4, SIM_WRITE);
}

static void list_init(LIST_ENTRY *l)
{
    l->Flink = l->Blink = l;
}

static void list_remove(LIST_ENTRY *e)
{
    e->Blink->Flink = e->Flink;
    e->Flink->Blink = e->Blink;
    list_init(e);
}

static void list_append(LIST_ENTRY *head, LIST_ENTRY *e)
{
    e->Flink = head;
    e->Blink = head->Blink;
    head->Blink->Flink = e;
    head->Blink = e;
}

/* ---- allocation ---- */

void IoInitializeIrp(IRP *irp, USHORT packet_size, CHAR stack_size)
{
    sim_memory((uint64_t)irp, packet_size, 0, SIM_MEMORY_ANEW);
    memset(irp, 0, packet_size);
    irp->Type = IO_TYPE_IRP;
    irp->Size = packet_size;
    irp->StackCount = stack_size;
    irp->CurrentLocation = (CHAR)(stack_size + 1);
    struct thread *t = ps_current();
    irp->ApcEnvironment = t ? (CCHAR)t->ethread->Tcb.ApcStateIndex : 0;
    list_init(&irp->ThreadListEntry);
    irp->Tail.Overlay.CurrentStackLocation = (IO_STACK_LOCATION *)(irp + 1) + stack_size;
}

USHORT IoSizeOfIrp(CHAR stack_size)
{
    return (USHORT)(sizeof(IRP) + (unsigned)stack_size * sizeof(IO_STACK_LOCATION));
}

IRP *IoAllocateIrp(CHAR stack_size, ULONG charge_quota)
{
    USHORT bytes = IoSizeOfIrp(stack_size);
    IRP *irp = ex_pool_alloc_to_fill(NonPagedPoolNx, bytes, IRP_TAG);
    IoInitializeIrp(irp, bytes, stack_size);
    irp->AllocationFlags = charge_quota ? IRP_QUOTA_CHARGED : 0;
    io_room()->irps_live++;
    trace_event(TRACE_IRP_ALLOCATE, (uint64_t)irp, (uint64_t)stack_size, 0, 0);
    return irp;
}

IRP *IoAllocateIrpEx(DEVICE_OBJECT *device, CHAR stack_size, ULONG charge_quota)
{
    return IoAllocateIrp(stack_size, charge_quota);
}

void IoFreeIrp(IRP *irp)
{
    io_irp_touch(irp);
    verify_irp_free(irp);
    verify_threaded_gone(irp);
    verify_guard_irp_left(irp);
    trace_event(TRACE_IRP_FREE, (uint64_t)irp, 0, 0, 0);
    io_room()->irps_live--;
    irp->Type = 0;
    ex_pool_free(irp);
}

void IoReuseIrp(IRP *irp, NTSTATUS status)
{
    UCHAR allocation = irp->AllocationFlags;
    IoInitializeIrp(irp, irp->Size, irp->StackCount);
    irp->AllocationFlags = allocation;
    irp->IoStatus.Status = status;
}

/* ---- down ---- */

NTSTATUS IofCallDriver(DEVICE_OBJECT *device, IRP *irp)
{
    io_irp_touch(irp);
    if (irp->Type != IO_TYPE_IRP)
        verify_call_driver_bad_irp(irp);
    verify_threaded_sent(irp);
    irp->CurrentLocation--;
    if (irp->CurrentLocation <= 0)
        KeBugCheckEx(0x35, (ULONG64)irp, 0, 0, 0); /* NO_MORE_IRP_STACK_LOCATIONS */
    IO_STACK_LOCATION *sl = --irp->Tail.Overlay.CurrentStackLocation;
    sl->DeviceObject = device;
    verify_guard_irp_sent(irp);
    trace_event(TRACE_IRP_DISPATCH, (uint64_t)irp, (uint64_t)device, (uint64_t)sl->MajorFunction << 8 | sl->MinorFunction, (uint64_t)sl->FileObject);
    struct verify_dispatch v;
    verify_dispatch_enter(&v, device, irp);
    NTSTATUS status = (NTSTATUS)guest_call(sl->MajorFunction == IRP_MJ_POWER ? FRAME_IopPoHandleIrp : FRAME_NONE, device->DriverObject->MajorFunction[sl->MajorFunction], 2, (uint64_t)device, (uint64_t)irp);
    verify_dispatch_leave(&v, status);
    trace_event(TRACE_IRP_DISPATCHED, (uint64_t)irp, (uint64_t)device, (uint64_t)(uint32_t)status, 0);
    return status;
}

NTSTATUS io_call_driver(DEVICE_OBJECT *device, IRP *irp)
{
    struct guest_mark mark = guest_frame_push(FRAME_IofCallDriver);
    NTSTATUS s = IofCallDriver(device, irp);
    guest_frame_pop(mark);
    return s;
}

/* ---- up ---- */

static bool routine_applies(const IRP *irp, UCHAR control)
{
    if (NT_SUCCESS(irp->IoStatus.Status) ? (control & SL_INVOKE_ON_SUCCESS) : (control & SL_INVOKE_ON_ERROR))
        return true;
    return irp->Cancel && (control & SL_INVOKE_ON_CANCEL);
}

/* Runs completion routines; false = one of them keeps the IRP. */
static bool unwind_locations(IRP *irp)
{
    UCHAR error = 0;
    while (irp->CurrentLocation <= irp->StackCount) {
        IO_STACK_LOCATION *sl = irp->Tail.Overlay.CurrentStackLocation;
        verify_location_left(irp, sl);
        verify_guard_irp_left(irp);
        irp->PendingReturned = (sl->Control & SL_PENDING_RETURNED) != 0;
        if (!NT_SUCCESS(irp->IoStatus.Status))
            error |= sl->Control & SL_ERROR_RETURNED;
        irp->CurrentLocation++;
        irp->Tail.Overlay.CurrentStackLocation++;
        bool top = irp->CurrentLocation == irp->StackCount + 1;
        DEVICE_OBJECT *owner = top ? NULL : irp->Tail.Overlay.CurrentStackLocation->DeviceObject;
        PVOID routine = sl->CompletionRoutine, context = sl->Context;
        UCHAR control = sl->Control;
        if (routine && routine_applies(irp, control)) {
            sl->MinorFunction = 0;
            sl->Flags = 0;
            sl->Control = 0;
            memset(&sl->Parameters, 0, 24);
            sl->FileObject = NULL;
            trace_event(TRACE_IRP_COMPLETION_ROUTINE, (uint64_t)irp, (uint64_t)routine, (uint64_t)owner, (uint64_t)(uint32_t)irp->IoStatus.Status);
            struct verify_completion v;
            verify_guard_context(irp, (uint64_t)routine, (uint64_t)context);
            verify_completion_enter(&v, irp, routine);
            NTSTATUS s = (NTSTATUS)guest_call(FRAME_IopfCompleteRequest, routine, 3, (uint64_t)owner, (uint64_t)irp, (uint64_t)context);
            if (s == STATUS_MORE_PROCESSING_REQUIRED)
                return false;
            verify_completion_leave(&v, s);
        } else if (irp->PendingReturned && !top) {
            irp->Tail.Overlay.CurrentStackLocation->Control |= SL_PENDING_RETURNED;
            if (error)
                irp->Tail.Overlay.CurrentStackLocation->Control |= error;
        }
    }
    return true;
}

static void free_mdls(IRP *irp)
{
    for (MDL *m = irp->MdlAddress, *next; m; m = next) {
        next = m->Next;
        IoFreeMdl(m);
    }
    irp->MdlAddress = NULL;
}

static void unlock_mdls(IRP *irp)
{
    for (MDL *m = irp->MdlAddress; m; m = m->Next)
        if (m->MdlFlags & MDL_PAGES_LOCKED)
            MmUnlockPages(m);
}

static void free_buffers(IRP *irp)
{
    if (irp->Flags & IRP_DEALLOCATE_BUFFER)
        ex_pool_free(irp->AssociatedIrp.SystemBuffer);
    irp->Flags &= ~(ULONG)(IRP_DEALLOCATE_BUFFER | IRP_BUFFERED_IO);
    free_mdls(irp);
}

/* Step 1 of IopCompleteRequest: system buffer to the requestor. A fault becomes the status. */
static void copy_back(IRP *irp)
{
    const ULONG wanted = IRP_BUFFERED_IO | IRP_INPUT_OPERATION;
    NTSTATUS s = irp->IoStatus.Status;
    if ((irp->Flags & wanted) != wanted || s == STATUS_VERIFY_REQUIRED || NT_ERROR(s) || !irp->IoStatus.Information)
        return;
    if (!host_guarded_copy(irp->UserBuffer, irp->AssociatedIrp.SystemBuffer, irp->IoStatus.Information))
        irp->IoStatus.Status = STATUS_ACCESS_VIOLATION;
}

static void write_iosb(IRP *irp)
{
    if (mm_guard_covers((uint64_t)irp->UserIosb)) /* memory of pool that is no more is somebody's fault */
        *irp->UserIosb = irp->IoStatus;
    if (irp->UserIosb && !host_guarded_copy(irp->UserIosb, &irp->IoStatus, sizeof irp->IoStatus))
        trace_event(TRACE_IRP_IOSB_LOST, (uint64_t)irp, (uint64_t)irp->UserIosb, 0, 0);
}

/* The Nt services reference the event object that they put into an IRP; drivers, and the synchronous interfaces, give one of their
 * own, which is no object. */
static bool holds_event(const IRP *irp, const FILE_OBJECT *file)
{
    return irp->UserEvent && file && !(irp->Flags & IRP_SYNCHRONOUS_API);
}

static void set_final(FILE_OBJECT *file, NTSTATUS status)
{
    sim_access((uint64_t)file, SIM_WRITE);
    file->FinalStatus = status;
    KeSetEvent(&file->Event, IO_NO_INCREMENT, FALSE);
}

/* Success, a warning, or an error that a request met later on a file for asynchronous I/O. */
static void report_all(IRP *irp, FILE_OBJECT *file)
{
    bool create = irp->Flags & IRP_CREATE_OPERATION;
    write_iosb(irp);
    if (irp->UserEvent) {
        KeSetEvent(irp->UserEvent, IO_NO_INCREMENT, FALSE);
        if (file && !create && (file->Flags & FO_SYNCHRONOUS_IO))
            set_final(file, irp->IoStatus.Status);
    } else if (file && ((file->Flags & FO_SYNCHRONOUS_IO) || !(file->Flags & FO_SKIP_SET_EVENT))) {
        set_final(file, irp->IoStatus.Status);
    }
}

/* An error that a synchronous request met after it had been pended: who waits reads FinalStatus; nobody looks at the status block
 * unless the interface itself is synchronous. */
static void report_late_error(IRP *irp, FILE_OBJECT *file)
{
    if (!(irp->Flags & IRP_SYNCHRONOUS_API)) {
        set_final(file, irp->IoStatus.Status);
        return;
    }
    write_iosb(irp);
    if (irp->UserEvent)
        KeSetEvent(irp->UserEvent, IO_NO_INCREMENT, FALSE);
    else if (file)
        KeSetEvent(&file->Event, IO_NO_INCREMENT, FALSE);
}

/* Takes over the IRP and the file's reference if a user APC is queued. */
static bool deliver(IRP *irp, FILE_OBJECT *file)
{
    if (irp->Flags & IRP_CREATE_OPERATION)
        return false;
    if (irp->Overlay.AsynchronousParameters.UserApcRoutine)
        return io_user_apc_queue(irp, file);
    if (file && file->CompletionContext)
        io_completion_packet(irp, file);
    return false;
}

/* Final processing in the requesting thread, at APC_LEVEL; spec/nt_io.md 2.3. */
void io_final_completion(IRP *irp)
{
    io_irp_touch(irp);
    FILE_OBJECT *file = irp->Tail.Overlay.OriginalFileObject;
    copy_back(irp);
    free_buffers(irp);
    NTSTATUS status = irp->IoStatus.Status;
    bool synchronous = (file && (file->Flags & FO_SYNCHRONOUS_IO)) || (irp->Flags & IRP_SYNCHRONOUS_API);
    bool all = !NT_ERROR(status) || (irp->PendingReturned && !synchronous);
    KEVENT *held = holds_event(irp, file) ? irp->UserEvent : NULL;
    trace_event(TRACE_IRP_FINISHED, (uint64_t)irp, (uint64_t)(uint32_t)status, irp->IoStatus.Information, 0);
    io_wait_for_canceller(irp);
    sim_access(SIM_ACCESS_OF(SIM_IRPS, ps_current()->ethread), SIM_WRITE);
    list_remove(&irp->ThreadListEntry);
    verify_threaded_gone(irp);
    if (all)
        report_all(irp, file);
    else if (irp->PendingReturned)
        report_late_error(irp, file);
    if (held)
        ob_dereference(held);
    if (all && deliver(irp, file))
        return;
    bool drop_file = file && !(irp->Flags & IRP_CREATE_OPERATION);
    IoFreeIrp(irp);
    if (drop_file)
        ob_dereference(file);
}

/* The APC lies over the tail's other form; what the rest needs of that came along as its argument. */
static IRP *irp_of_apc(KAPC *apc)
{
    IRP *irp = (IRP *)((UCHAR *)apc - offsetof(IRP, Tail.Apc));
    FILE_OBJECT *file = apc->SystemArgument1;
    memset(&irp->Tail, 0, sizeof irp->Tail);
    irp->Tail.Overlay.OriginalFileObject = file;
    irp->Tail.Overlay.Thread = (PVOID)ps_current()->ethread;
    return irp;
}

static void completion_apc(KAPC *apc)
{
    io_final_completion(irp_of_apc(apc));
}

/* The thread ended first: the request is cleaned up, nobody is told. */
static void abort_apc(KAPC *apc)
{
    IRP *irp = irp_of_apc(apc);
    FILE_OBJECT *file = irp->Tail.Overlay.OriginalFileObject;
    free_buffers(irp);
    io_wait_for_canceller(irp);
    list_remove(&irp->ThreadListEntry);
    if (holds_event(irp, file))
        ob_dereference(irp->UserEvent);
    IoFreeIrp(irp);
    if (file)
        ob_dereference(file);
}

/* The final part may run here at once when this is the requesting thread and it could take the APC now. */
static bool apc_would_run_here(struct thread *t)
{
    return t == ps_current() && MACHINE->fiber->kind == AGENT_THREAD && sim_irql() < APC_LEVEL && !t->ethread->Tcb.SpecialApcDisable && !ke_apc_pending(t);
}

static void finish_in_thread(IRP *irp)
{
    struct thread *t = ps_thread_of(irp->Tail.Overlay.Thread);
    sim_access((uint64_t)irp->Tail.Overlay.Thread, SIM_READ); /* its APCs decide whether this one runs at once */
    if (!t || !t->ethread) /* the tail is no longer that of a request under way: it was completed before */
        KeBugCheckEx(0x44, (ULONG64)irp, 0xEF4, 0, 0); /* MULTIPLE_IRP_COMPLETE_REQUESTS */
    if (apc_would_run_here(t)) {
        struct processor *p = sim_processor();
        p->irql = APC_LEVEL;
        struct guest_mark mark = guest_frame_push(FRAME_IopCompleteRequest);
        io_final_completion(irp);
        guest_frame_pop(mark);
        sim_processor()->irql = PASSIVE_LEVEL;
        if (ke_apc_pending(t))
            ke_deliver_apcs();
        return;
    }
    verify_threaded_completed(irp);
    sim_memory((uint64_t)irp, irp->Size, 0, SIM_MEMORY_COMPLETED);
    sim_access_order(SIM_ACCESS_OF(SIM_LIFE_OF_BLOCK, irp), SIM_WRITE);
    sim_point((uint64_t)irp); /* completed, the APC not yet queued */
    FILE_OBJECT *file = irp->Tail.Overlay.OriginalFileObject;
    ke_apc_init_host(&irp->Tail.Apc, (KTHREAD *)t->ethread, completion_apc, FRAME_IopCompleteRequest);
    ke_apc_rundown_set(&irp->Tail.Apc, abort_apc, FRAME_IopAbortRequest);
    KeInsertQueueApc(&irp->Tail.Apc, file, NULL, 0);
}

static void complete_associated(IRP *irp, CCHAR boost)
{
    IRP *master = irp->AssociatedIrp.MasterIrp;
    io_irp_touch(master);
    bool last = --master->AssociatedIrp.IrpCount == 0;
    free_mdls(irp);
    IoFreeIrp(irp);
    if (last)
        IofCompleteRequest(master, boost);
}

static void complete_without_apc(IRP *irp)
{
    write_iosb(irp);
    bool free_it = (irp->Flags & IRP_CLOSE_OPERATION) == 0;
    if (irp->UserEvent)
        KeSetEvent(irp->UserEvent, IO_NO_INCREMENT, FALSE);
    if (free_it)
        IoFreeIrp(irp);
}

void IofCompleteRequest(IRP *irp, CCHAR boost)
{
    io_irp_touch(irp);
    if (irp->Type != IO_TYPE_IRP || irp->CurrentLocation > irp->StackCount + 1)
        KeBugCheckEx(0x44, (ULONG64)irp, 0xEF4, 0, 0); /* MULTIPLE_IRP_COMPLETE_REQUESTS */
    verify_complete(irp);
    IO_STACK_LOCATION *sl = irp->Tail.Overlay.CurrentStackLocation;
    trace_event(TRACE_IRP_COMPLETE, (uint64_t)irp, (uint64_t)(uint32_t)irp->IoStatus.Status,
                irp->CurrentLocation <= irp->StackCount ? (uint64_t)sl->MajorFunction << 8 | sl->MinorFunction : 0, irp->IoStatus.Information);
    io_victim_note(irp);
    if (!unwind_locations(irp))
        return;
    irp->CurrentLocation++; /* beyond the last one, by which a second completion is known */
    irp->Tail.Overlay.CurrentStackLocation++;
    if (irp->Flags & IRP_ASSOCIATED_IRP) {
        complete_associated(irp, boost);
        return;
    }
    if (irp->Tail.Overlay.AuxiliaryBuffer) {
        ex_pool_free(irp->Tail.Overlay.AuxiliaryBuffer);
        irp->Tail.Overlay.AuxiliaryBuffer = NULL;
    }
    if ((irp->Flags & IRP_CLOSE_OPERATION) || ((irp->Flags & IRP_PAGING_IO) && (irp->Flags & IRP_SYNCHRONOUS_PAGING_IO))) {
        complete_without_apc(irp);
        return;
    }
    unlock_mdls(irp);
    if ((irp->Flags & IRP_DEFER_IO_COMPLETION) && !irp->PendingReturned)
        return; /* the issuer is still in its call and finishes inline */
    if (!irp->Tail.Overlay.Thread) {
        free_buffers(irp);
        if (irp->Tail.Overlay.OriginalFileObject)
            ob_dereference(irp->Tail.Overlay.OriginalFileObject);
        IoFreeIrp(irp);
        return;
    }
    finish_in_thread(irp);
}

void io_complete_request(IRP *irp, CCHAR boost)
{
    struct guest_mark mark = guest_frame_push(FRAME_IofCompleteRequest);
    IofCompleteRequest(irp, boost);
    guest_frame_pop(mark);
}

struct irp_walk {
    void (*fn)(void *ctx, IRP *irp);
    void *ctx;
};

static void walk_block(void *ctx, const struct pool_block *b)
{
    const struct irp_walk *w = ctx;
    IRP *irp = (IRP *)b->base;
    if (b->tag == IRP_TAG && b->bytes >= sizeof *irp && irp->Type == IO_TYPE_IRP && irp->Size <= b->bytes)
        w->fn(w->ctx, irp);
}

void io_irps_walk(void (*fn)(void *ctx, IRP *irp), void *ctx)
{
    struct irp_walk w = { fn, ctx };
    mm_pool_walk(walk_block, &w);
}

bool io_is_irp(uint64_t address)
{
    struct pool_block b;
    return mm_pool_find(address, &b) && !b.free && b.base == address && b.tag == IRP_TAG && b.bytes >= sizeof(IRP) && ((const IRP *)address)->Type == IO_TYPE_IRP;
}

/* ---- threads ---- */

/* An APC that looks through the list (CancelSynchronousIo) may come in before. */
void io_queue_to_thread_point(void)
{
    if (MACHINE->fiber->kind == AGENT_THREAD)
        sim_point((uint64_t)ps_current()->ethread);
}

void io_queue_to_thread(IRP *irp)
{
    struct thread *t = ps_current();
    irp->Tail.Overlay.Thread = (PVOID)t->ethread;
    sim_access(SIM_ACCESS_OF(SIM_IRPS, t->ethread), SIM_WRITE);
    list_append(&t->ethread->IrpList, &irp->ThreadListEntry);
}

static IRP *irp_of_entry(LIST_ENTRY *e)
{
    return (IRP *)((UCHAR *)e - offsetof(IRP, ThreadListEntry));
}

/* The next in the list that this round has not met: cancelling one may complete it, and others. */
static void cancel_all(LIST_ENTRY *head)
{
    for (LIST_ENTRY *e = head->Flink; e != head;) {
        IRP *irp = irp_of_entry(e);
        e = e->Flink;
        io_irp_touch(irp);
        if (irp->Cancel && !irp->CancelRoutine)
            continue;
        IoCancelIrp(irp);
        e = head->Flink;
    }
}

/* DOC: five minutes, looked at every 100 ms; then the thread leaves its IRPs behind, one after the other. Each is the driver's fault:
 * it has cancelled nothing. */
enum { POLL_100NS = 1000000, POLLS = 3000 };

void IoCancelThreadIo(ETHREAD *thread)
{
    LIST_ENTRY *head = &thread->IrpList;
    sim_access(SIM_ACCESS_OF(SIM_IRPS, thread), SIM_READ);
    if (head->Flink == head)
        return;
    cancel_all(head);
    for (unsigned tries = 0; head->Flink != head && tries < POLLS; tries++) {
        LARGE_INTEGER delay = { .QuadPart = -POLL_100NS };
        KeDelayExecutionThread(KernelMode, FALSE, &delay);
    }
    while (head->Flink != head) {
        IRP *irp = irp_of_entry(head->Flink);
        verify_stuck(irp, thread);
        list_remove(&irp->ThreadListEntry);
        irp->Tail.Overlay.Thread = NULL;
        trace_event(TRACE_IRP_DISOWNED, (uint64_t)irp, (uint64_t)thread, 0, 0);
    }
}

void io_thread_rundown(struct thread *t)
{
    struct guest_mark mark = guest_frame_push(FRAME_IoCancelThreadIo);
    IoCancelThreadIo(t->ethread);
    guest_frame_pop(mark);
}

NTSTATUS io_send_and_wait(DEVICE_OBJECT *device, IRP *irp, ULONG_PTR *information, uint32_t frame)
{
    struct guest_mark mark = guest_frame_push(frame);
    struct locals {
        KEVENT event;
        IO_STATUS_BLOCK iosb;
    } *l = guest_frame_locals();
    KeInitializeEvent(&l->event, NotificationEvent, FALSE);
    irp->UserEvent = &l->event;
    irp->UserIosb = &l->iosb;
    irp->Flags |= IRP_SYNCHRONOUS_API;
    irp->RequestorMode = KernelMode;
    io_queue_to_thread(irp);
    l->iosb.Status = STATUS_PENDING;
    NTSTATUS s = io_call_driver(device, irp);
    if (s == STATUS_PENDING) {
        KeWaitForSingleObject(&l->event, Executive, KernelMode, FALSE, NULL);
        s = l->iosb.Status;
    }
    if (information)
        *information = NT_ERROR(s) ? 0 : l->iosb.Information;
    guest_frame_pop(mark);
    return s;
}
