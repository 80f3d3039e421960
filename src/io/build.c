/* IRPs built for drivers: threaded ones for device control and synchronous FSD requests, unthreaded ones. */
#include "io/room.h"

#include <string.h>

#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "sim/door.h"
#include "verify/stack.h"

enum { BUFFER_TAG = 0x20206F49 };

static void drop(IRP *irp)
{
    if (irp->Flags & IRP_DEALLOCATE_BUFFER)
        ex_pool_free(irp->AssociatedIrp.SystemBuffer);
    if (irp->MdlAddress)
        IoFreeMdl(irp->MdlAddress);
    IoFreeIrp(irp);
}

static bool buffers(IRP *irp, ULONG method, PVOID in, ULONG in_length, PVOID out, ULONG out_length)
{
    IO_STACK_LOCATION *sl = io_next_location(irp);
    if (method == METHOD_NEITHER) {
        irp->UserBuffer = out;
        sl->Parameters.DeviceIoControl.Type3InputBuffer = in;
        return true;
    }
    ULONG bytes = method == METHOD_BUFFERED && out_length > in_length ? out_length : in_length;
    if (bytes && (method == METHOD_BUFFERED || in)) {
        irp->AssociatedIrp.SystemBuffer = ex_pool_alloc(NonPagedPoolNx, bytes, BUFFER_TAG);
        irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
        if (in_length && in)
            memcpy(irp->AssociatedIrp.SystemBuffer, in, in_length);
    }
    if (method == METHOD_BUFFERED) {
        irp->UserBuffer = out;
        if (out && out_length)
            irp->Flags |= IRP_INPUT_OPERATION;
        return true;
    }
    if (!out || !out_length)
        return true;
    irp->MdlAddress = IoAllocateMdl(out, out_length, FALSE, FALSE, NULL);
    return NT_SUCCESS(io_mdl_lock(irp->MdlAddress, KernelMode, method == METHOD_IN_DIRECT ? 0 : 1));
}

IRP *IoBuildDeviceIoControlRequest(ULONG code, DEVICE_OBJECT *device, PVOID in, ULONG in_length, PVOID out, ULONG out_length, ULONG internal, KEVENT *event,
                                   IO_STATUS_BLOCK *iosb)
{
    IRP *irp = IoAllocateIrp(device->StackSize, FALSE);
    IO_STACK_LOCATION *sl = io_next_location(irp);
    sl->MajorFunction = (internal & 0xFF) ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
    sl->Parameters.DeviceIoControl.OutputBufferLength = out_length;
    sl->Parameters.DeviceIoControl.InputBufferLength = in_length;
    sl->Parameters.DeviceIoControl.IoControlCode = code;
    if (!buffers(irp, METHOD_FROM_CTL_CODE(code), in, in_length, out, out_length)) {
        drop(irp);
        return NULL;
    }
    irp->UserEvent = event;
    irp->UserIosb = iosb;
    io_queue_to_thread_point();
    io_queue_to_thread(irp);
    verify_threaded_built(irp, "IoBuildDeviceIoControlRequest");
    return irp;
}

static IRP *fsd_request(ULONG major, DEVICE_OBJECT *device, PVOID buffer, ULONG length, const LARGE_INTEGER *offset, IO_STATUS_BLOCK *iosb)
{
    IRP *irp = IoAllocateIrp(device->StackSize, FALSE);
    IO_STACK_LOCATION *sl = io_next_location(irp);
    sl->MajorFunction = (UCHAR)major;
    irp->UserIosb = iosb;
    if (major != IRP_MJ_READ && major != IRP_MJ_WRITE)
        return irp;
    if (device->Flags & DO_BUFFERED_IO) {
        irp->AssociatedIrp.SystemBuffer = ex_pool_alloc(NonPagedPoolNx, length ? length : 1, BUFFER_TAG);
        irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER | (major == IRP_MJ_READ ? IRP_INPUT_OPERATION : 0);
        irp->UserBuffer = buffer;
        if (major == IRP_MJ_WRITE)
            memcpy(irp->AssociatedIrp.SystemBuffer, buffer, length);
    } else if ((device->Flags & DO_DIRECT_IO) && length) {
        irp->MdlAddress = IoAllocateMdl(buffer, length, FALSE, FALSE, NULL);
        if (!NT_SUCCESS(io_mdl_lock(irp->MdlAddress, KernelMode, major == IRP_MJ_READ))) {
            drop(irp);
            return NULL;
        }
    } else {
        irp->UserBuffer = buffer;
    }
    sl->Parameters.Read.Length = length;
    if (offset)
        sl->Parameters.Read.ByteOffset = *offset;
    return irp;
}

IRP *IoBuildSynchronousFsdRequest(ULONG major, DEVICE_OBJECT *device, PVOID buffer, ULONG length, LARGE_INTEGER *offset, KEVENT *event, IO_STATUS_BLOCK *iosb)
{
    IRP *irp = fsd_request(major, device, buffer, length, offset, iosb);
    if (irp) {
        irp->UserEvent = event;
        io_queue_to_thread_point();
        io_queue_to_thread(irp);
        verify_threaded_built(irp, "IoBuildSynchronousFsdRequest");
    }
    return irp;
}

IRP *IoBuildAsynchronousFsdRequest(ULONG major, DEVICE_OBJECT *device, PVOID buffer, ULONG length, LARGE_INTEGER *offset, IO_STATUS_BLOCK *iosb)
{
    IRP *irp = fsd_request(major, device, buffer, length, offset, iosb);
    if (irp)
        irp->Tail.Overlay.Thread = (PVOID)ps_current()->ethread;
    return irp;
}

IRP *IoMakeAssociatedIrp(IRP *master, CHAR stack_size)
{
    IRP *irp = IoAllocateIrp(stack_size, FALSE);
    irp->Flags |= IRP_ASSOCIATED_IRP;
    irp->AssociatedIrp.MasterIrp = master;
    irp->Tail.Overlay.Thread = master->Tail.Overlay.Thread;
    return irp;
}

/* Completion routine of the helper below: wakes the sender and keeps the IRP. */
NTSTATUS IopForwardCompletion(DEVICE_OBJECT *device, IRP *irp, KEVENT *event)
{
    if (irp->PendingReturned)
        KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS send_and_keep(DEVICE_OBJECT *device, IRP *irp)
{
    struct guest_mark mark = guest_frame_push(FRAME_IopSynchronousCall);
    KEVENT *event = guest_frame_locals();
    KeInitializeEvent(event, NotificationEvent, FALSE);
    IO_STACK_LOCATION *sl = io_next_location(irp);
    sl->CompletionRoutine = (PVOID)door_export_address("ntoskrnl.exe", "IopForwardCompletion");
    sl->Context = event;
    sl->Control = SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL;
    NTSTATUS s = io_call_driver(device, irp);
    if (s == STATUS_PENDING) {
        KeWaitForSingleObject(event, Executive, KernelMode, FALSE, NULL);
        s = irp->IoStatus.Status;
    }
    guest_frame_pop(mark);
    return s;
}

ULONG IoForwardIrpSynchronously(DEVICE_OBJECT *device, IRP *irp)
{
    if (irp->StackCount == irp->CurrentLocation - 1 || irp->CurrentLocation <= 1)
        return FALSE;
    IO_STACK_LOCATION *next = io_next_location(irp);
    memcpy(next, io_current_location(irp), offsetof(IO_STACK_LOCATION, CompletionRoutine));
    next->Control = 0;
    send_and_keep(device, irp);
    return TRUE;
}

NTSTATUS IoSynchronousCallDriver(DEVICE_OBJECT *device, IRP *irp)
{
    return send_and_keep(device, irp);
}

/* DOC: the extended routine is wrapped so that the driver object stays loaded; ours cannot go away while it has an IRP. */
NTSTATUS IoSetCompletionRoutineEx(DEVICE_OBJECT *device, IRP *irp, PVOID routine, PVOID context, ULONG success, ULONG error, ULONG cancel)
{
    IO_STACK_LOCATION *sl = io_next_location(irp);
    sl->CompletionRoutine = routine;
    sl->Context = context;
    sl->Control = ((success & 0xFF) ? SL_INVOKE_ON_SUCCESS : 0) | ((error & 0xFF) ? SL_INVOKE_ON_ERROR : 0) | ((cancel & 0xFF) ? SL_INVOKE_ON_CANCEL : 0);
    return STATUS_SUCCESS;
}

/* DOC: reserved for system use; makes an IRP of IoAllocateIrp a threaded one. */
void IoQueueThreadIrp(IRP *irp)
{
    io_queue_to_thread_point();
    io_queue_to_thread(irp);
}

PVOID IoGetRequestorProcess(const IRP *irp)
{
    struct thread *t = ps_thread_of(irp->Tail.Overlay.Thread);
    return t ? t->process->eprocess : NULL;
}

ULONG IoGetRequestorProcessId(const IRP *irp)
{
    struct thread *t = ps_thread_of(irp->Tail.Overlay.Thread);
    return t ? t->process->id : 0;
}

PVOID IoGetTopLevelIrp(void)
{
    return (PVOID)ps_current()->ethread->TopLevelIrp;
}

void IoSetTopLevelIrp(IRP *irp)
{
    ps_current()->ethread->TopLevelIrp = (ULONG_PTR)irp;
}

ULONG IoIsOperationSynchronous(const IRP *irp)
{
    const FILE_OBJECT *f = io_current_location((IRP *)irp)->FileObject;
    return (f && (f->Flags & FO_SYNCHRONOUS_IO)) || (irp->Flags & (IRP_SYNCHRONOUS_API | IRP_SYNCHRONOUS_PAGING_IO)) != 0;
}

PVOID IoGetInitialStack(void)
{
    return ps_current()->ethread->Tcb.InitialStack;
}

PVOID IoGetCurrentProcess(void)
{
    return ps_current_process()->eprocess;
}

void IoGetStackLimits(ULONG64 *low, ULONG64 *high)
{
    const struct fiber *f = &MACHINE->fiber->fiber;
    *low = f->kernel_stack;
    *high = f->kernel_stack_top;
}

ULONG64 IoGetRemainingStackSize(void)
{
    const struct fiber *f = &MACHINE->fiber->fiber;
    return f->guest_sp - f->kernel_stack;
}
