/* Requests on open files: device control, FSCTL, read, write, flush; their synchronous tail. */
#include <string.h>

#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "sim/access.h"
#include "sim/door.h"
#include "trace/trace.h"

enum { BUFFER_TAG = 0x20206F49 /* "Io  " */, WRITE_OR_APPEND = 6 };

/* What the caller of an Nt function gave for completion. */
struct request {
    FILE_OBJECT *file;
    DEVICE_OBJECT *device;
    KEVENT *event; /* referenced, or NULL */
    PVOID apc, apc_context;
    IO_STATUS_BLOCK *iosb;
    KPROCESSOR_MODE mode;
    IRP *irp;
    uint32_t frame;
};

static NTSTATUS request_begin(struct request *r, HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, ACCESS_MASK access)
{
    void *object;
    ACCESS_MASK granted;
    if (!io_user_probe_write(r->mode, iosb, sizeof *iosb))
        return STATUS_ACCESS_VIOLATION;
    if (r->mode == UserMode && (LONG_PTR)file < 0)
        return STATUS_INVALID_HANDLE; /* kernel handles are not the program's */
    NTSTATUS s = ob_handle_reference(ps_current_process(), file, OB_FILE, 0, &object, &granted);
    if (!NT_SUCCESS(s))
        return s;
    r->file = object;
    bool write_any = access == WRITE_OR_APPEND;
    if (r->mode == UserMode && (write_any ? !(granted & WRITE_OR_APPEND) : (access & ~granted) != 0)) {
        ob_dereference(object);
        return STATUS_ACCESS_DENIED;
    }
    if (apc && r->file->CompletionContext) {
        ob_dereference(r->file);
        return STATUS_INVALID_PARAMETER;
    }
    if (event) {
        void *e;
        s = ob_handle_reference(ps_current_process(), event, OB_EVENT, 0, &e, NULL);
        if (!NT_SUCCESS(s)) {
            ob_dereference(r->file);
            return s;
        }
        r->event = e;
        KeClearEvent(r->event);
    }
    r->apc = apc;
    r->apc_context = context;
    r->iosb = iosb;
    r->device = IoGetRelatedDeviceObject(r->file);
    return STATUS_SUCCESS;
}

/* The file that a request goes to, if it is one at a time there. Only looks. */
static const FILE_OBJECT *synchronous_file(struct process *process, HANDLE handle)
{
    const FILE_OBJECT *f = ob_of_handle(process, handle);
    return f && ob_type_of(f) == OB_FILE && (f->Flags & FO_SYNCHRONOUS_IO) ? f : NULL;
}

/* Argument: the handle; it may be closed meanwhile. */
static bool gate_file(const struct agent *a, const void *handle)
{
    const struct thread *t = a->thread;
    const FILE_OBJECT *f = synchronous_file(t->attached ? t->attached : t->process, *(const HANDLE *)handle);
    return !f || !f->Busy || ke_wait_is_disturbed(t);
}

/* A program's request begins when the file can be had: as with any lock, taking it is one event. */
static void request_point(HANDLE handle)
{
    const FILE_OBJECT *f = synchronous_file(ps_current_process(), handle);
    if (f)
        sim_point_when((uint64_t)f, gate_file, &handle);
    else
        sim_point((uint64_t)handle);
}

/* One request at a time on a file opened for synchronous I/O. */
static void file_lock(FILE_OBJECT *f)
{
    if (!(f->Flags & FO_SYNCHRONOUS_IO))
        return;
    sim_access_lock((uint64_t)f, SIM_LOCK_ACQUIRE);
    while (f->Busy) {
        f->Waiters++;
        KeWaitForSingleObject(&f->Lock, Executive, KernelMode, FALSE, NULL);
        sim_access((uint64_t)f, SIM_WRITE);
        f->Waiters--;
    }
    f->Busy = TRUE;
}

static void file_unlock(FILE_OBJECT *f)
{
    if (!(f->Flags & FO_SYNCHRONOUS_IO))
        return;
    sim_access_lock((uint64_t)f, SIM_LOCK_RELEASE);
    f->Busy = FALSE;
    if (f->Waiters)
        KeSetEvent(&f->Lock, IO_NO_INCREMENT, FALSE);
}

static IO_STACK_LOCATION *request_irp(struct request *r, UCHAR major)
{
    KeClearEvent(&r->file->Event);
    IRP *irp = IoAllocateIrp(r->device->StackSize, TRUE);
    r->irp = irp;
    irp->RequestorMode = r->mode;
    irp->UserIosb = r->iosb;
    irp->UserEvent = r->event;
    irp->Overlay.AsynchronousParameters.UserApcRoutine = r->apc;
    irp->Overlay.AsynchronousParameters.UserApcContext = r->apc_context;
    irp->Tail.Overlay.OriginalFileObject = r->file; /* the reference goes to the IRP */
    IO_STACK_LOCATION *sl = io_next_location(irp);
    sl->MajorFunction = major;
    sl->FileObject = r->file;
    return sl;
}

static void request_abandon(struct request *r)
{
    IRP *irp = r->irp;
    if (irp) {
        if (irp->Flags & IRP_DEALLOCATE_BUFFER)
            ex_pool_free(irp->AssociatedIrp.SystemBuffer);
        if (irp->MdlAddress)
            IoFreeMdl(irp->MdlAddress);
        IoFreeIrp(irp);
    }
    if (r->event)
        ob_dereference(r->event);
    file_unlock(r->file);
    ob_dereference(r->file);
}

static NTSTATUS wait_for_file(struct request *r)
{
    FILE_OBJECT *f = r->file;
    NTSTATUS s = KeWaitForSingleObject(&f->Event, Executive, r->mode, (f->Flags & FO_ALERTABLE_IO) != 0, NULL);
    if (s == STATUS_ALERTED || s == STATUS_USER_APC || s == STATUS_THREAD_IS_TERMINATING) {
        /* DOC: the abort path cancels, then waits until the driver is done with it. */
        sim_access((uint64_t)&f->Event, SIM_READ);
        if (!f->Event.Header.SignalState)
            IoCancelIrp(r->irp);
        KeWaitForSingleObject(&f->Event, Executive, KernelMode, FALSE, NULL);
    }
    sim_access((uint64_t)f, SIM_READ);
    return f->FinalStatus;
}

/* Sends the request and, on a synchronous file, waits for it. The file is referenced by the IRP and may go with it, so the tail
 * holds one of its own. */
static NTSTATUS request_send(struct request *r, bool deferred)
{
    FILE_OBJECT *f = r->file;
    IRP *irp = r->irp;
    bool synchronous = (f->Flags & FO_SYNCHRONOUS_IO) != 0;
    ob_reference(f);
    if (deferred)
        irp->Flags |= IRP_DEFER_IO_COMPLETION;
    io_queue_to_thread(irp);
    struct guest_mark mark = guest_frame_push(FRAME_IopSynchronousServiceTail);
    NTSTATUS s = io_call_driver(r->device, irp);
    if (s != STATUS_PENDING && deferred)
        io_finish_inline(irp);
    if (synchronous) {
        if (s == STATUS_PENDING)
            s = wait_for_file(r);
        file_unlock(f);
    }
    guest_frame_pop(mark);
    ob_dereference(f);
    return s;
}

/* ---- device control and FSCTL ---- */

/* Faults on user buffers while they are captured raise out of here; nothing is held then but pool that the caller drops. */
static bool capture_input(struct request *r, PVOID in, ULONG in_length)
{
    void *to = r->irp->AssociatedIrp.SystemBuffer;
    return !in_length || (r->mode == UserMode ? io_user_read(UserMode, to, in, in_length) : host_guarded_copy(to, in, in_length));
}

static NTSTATUS control_buffers(struct request *r, ULONG method, PVOID in, ULONG in_length, PVOID out, ULONG out_length)
{
    IRP *irp = r->irp;
    IO_STACK_LOCATION *sl = io_next_location(irp);
    if (method == METHOD_NEITHER) {
        irp->UserBuffer = out;
        sl->Parameters.DeviceIoControl.Type3InputBuffer = in;
        return STATUS_SUCCESS;
    }
    ULONG bytes = method == METHOD_BUFFERED && out_length > in_length ? out_length : in_length;
    if (bytes && (method == METHOD_BUFFERED || in)) {
        irp->AssociatedIrp.SystemBuffer = ex_pool_alloc(NonPagedPoolNx, bytes, BUFFER_TAG);
        irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
        if (!capture_input(r, in, in_length))
            return STATUS_ACCESS_VIOLATION;
    }
    if (method == METHOD_BUFFERED) {
        irp->UserBuffer = out;
        if (out_length && out)
            irp->Flags |= IRP_INPUT_OPERATION;
    } else if (out_length) {
        irp->MdlAddress = IoAllocateMdl(out, out_length, FALSE, TRUE, NULL);
        NTSTATUS s = io_mdl_lock(irp->MdlAddress, r->mode, method == METHOD_IN_DIRECT ? 0 : 1);
        if (!NT_SUCCESS(s))
            return s;
    }
    return STATUS_SUCCESS;
}

/* A routine of the driver's fast I/O table at this offset; NULL: it has none, or a shorter table. Only those that need no cache manager
 * are called. */
static PVOID fast_routine(const DEVICE_OBJECT *device, size_t offset)
{
    const FAST_IO_DISPATCH *f = device->DriverObject->FastIoDispatch;
    return f && f->SizeOfFastIoDispatch >= offset + sizeof(PVOID) ? *(PVOID const *)((const UCHAR *)f + offset) : NULL;
}

void io_fast_detach(DEVICE_OBJECT *source, DEVICE_OBJECT *target)
{
    PVOID routine = fast_routine(source, offsetof(FAST_IO_DISPATCH, FastIoDetachDevice));
    if (routine)
        guest_call(FRAME_NONE, routine, 2, (uint64_t)source, (uint64_t)target);
}

/* DOC: device controls are offered to the driver before a request is built; it gets the caller's own buffers. TRUE: it has done it. */
static bool fast_control(struct request *r, PVOID in, ULONG in_length, PVOID out, ULONG out_length, ULONG code, NTSTATUS *status)
{
    PVOID routine = fast_routine(r->device, offsetof(FAST_IO_DISPATCH, FastIoDeviceControl));
    if (!routine || (r->file->CompletionContext && r->apc_context)) /* GUESS: a completion port is told of a request */
        return false;
    IO_STATUS_BLOCK *local = guest_frame_locals();
    *local = (IO_STATUS_BLOCK) { .Pointer = NULL };
    uint64_t done = guest_call(FRAME_NONE, routine, 9, (uint64_t)r->file, (uint64_t)TRUE, (uint64_t)in, (uint64_t)in_length, (uint64_t)out, (uint64_t)out_length,
                               (uint64_t)code, (uint64_t)local, (uint64_t)r->device);
    if (!(done & 0xFF))
        return false;
    *status = local->Status;
    if (!io_user_write(r->mode, r->iosb, local, sizeof *local))
        *status = STATUS_ACCESS_VIOLATION;
    if (r->event) {
        KeSetEvent(r->event, IO_NO_INCREMENT, FALSE);
        ob_dereference(r->event);
    }
    ob_dereference(r->file);
    return true;
}

static NTSTATUS control(UCHAR major, uint32_t frame, KPROCESSOR_MODE mode, HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, ULONG code,
                        PVOID in, ULONG in_length, PVOID out, ULONG out_length)
{
    struct request r = { .mode = mode, .frame = frame };
    NTSTATUS s = request_begin(&r, file, event, apc, context, iosb, ACCESS_FROM_CTL_CODE(code));
    if (!NT_SUCCESS(s))
        return s;
    struct guest_mark mark = guest_frame_push(FRAME_IopXxxControlFile);
    ULONG method = METHOD_FROM_CTL_CODE(code);
    if (method == METHOD_BUFFERED && !out)
        out_length = 0;
    if (method != METHOD_NEITHER && !in && mode == UserMode)
        in_length = 0; /* DOC: a length without a buffer is none */
    if (major == IRP_MJ_DEVICE_CONTROL && fast_control(&r, in, in_length, out, out_length, code, &s)) {
        guest_frame_pop(mark);
        return s;
    }
    file_lock(r.file);
    IO_STACK_LOCATION *sl = request_irp(&r, major);
    if (major == IRP_MJ_FILE_SYSTEM_CONTROL)
        sl->MinorFunction = mode == KernelMode ? IRP_MN_KERNEL_CALL : IRP_MN_USER_FS_REQUEST;
    sl->Parameters.DeviceIoControl.OutputBufferLength = out_length;
    sl->Parameters.DeviceIoControl.InputBufferLength = in_length;
    sl->Parameters.DeviceIoControl.IoControlCode = code;
    s = method == METHOD_BUFFERED && !io_user_probe_write(mode, out, out_length) ? STATUS_ACCESS_VIOLATION : control_buffers(&r, method, in, in_length, out, out_length);
    if (NT_SUCCESS(s))
        s = request_send(&r, major == IRP_MJ_FILE_SYSTEM_CONTROL);
    else
        request_abandon(&r);
    guest_frame_pop(mark);
    return s;
}

NTSTATUS NtDeviceIoControlFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, ULONG code, PVOID in, ULONG in_length, PVOID out,
                               ULONG out_length)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtDeviceIoControlFile);
    const FILE_OBJECT *f = synchronous_file(ps_current_process(), file);
    if (f && f->DeviceObject && fast_routine(io_top_of_stack(f->DeviceObject), offsetof(FAST_IO_DISPATCH, FastIoDeviceControl)))
        sim_point((uint64_t)file); /* that is asked without the lock */
    else
        request_point(file);
    NTSTATUS s = control(IRP_MJ_DEVICE_CONTROL, FRAME_NtDeviceIoControlFile, UserMode, file, event, apc, context, iosb, code, in, in_length, out, out_length);
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS NtFsControlFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, ULONG code, PVOID in, ULONG in_length, PVOID out,
                         ULONG out_length)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtFsControlFile);
    request_point(file);
    NTSTATUS s = control(IRP_MJ_FILE_SYSTEM_CONTROL, FRAME_NtFsControlFile, UserMode, file, event, apc, context, iosb, code, in, in_length, out, out_length);
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS ZwDeviceIoControlFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, ULONG code, PVOID in, ULONG in_length, PVOID out,
                               ULONG out_length)
{
    return control(IRP_MJ_DEVICE_CONTROL, FRAME_NtDeviceIoControlFile, KernelMode, file, event, apc, context, iosb, code, in, in_length, out, out_length);
}

NTSTATUS ZwFsControlFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, ULONG code, PVOID in, ULONG in_length, PVOID out,
                         ULONG out_length)
{
    return control(IRP_MJ_FILE_SYSTEM_CONTROL, FRAME_NtFsControlFile, KernelMode, file, event, apc, context, iosb, code, in, in_length, out, out_length);
}

/* ---- read and write ---- */

static NTSTATUS transfer_buffers(struct request *r, bool read, PVOID buffer, ULONG length)
{
    IRP *irp = r->irp;
    irp->Flags |= read ? IRP_READ_OPERATION : IRP_WRITE_OPERATION;
    if (r->device->Flags & DO_BUFFERED_IO) {
        if (!length)
            return STATUS_SUCCESS;
        irp->AssociatedIrp.SystemBuffer = ex_pool_alloc(NonPagedPoolNx, length, BUFFER_TAG);
        irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER | (read ? IRP_INPUT_OPERATION : 0);
        irp->UserBuffer = buffer;
        if (read)
            return io_user_probe_write(r->mode, buffer, length) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
        bool copied = r->mode == UserMode ? io_user_read(UserMode, irp->AssociatedIrp.SystemBuffer, buffer, length)
                                          : host_guarded_copy(irp->AssociatedIrp.SystemBuffer, buffer, length);
        return copied ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
    }
    if (r->device->Flags & DO_DIRECT_IO) {
        if (!length)
            return STATUS_SUCCESS;
        irp->MdlAddress = IoAllocateMdl(buffer, length, FALSE, TRUE, NULL);
        return io_mdl_lock(irp->MdlAddress, r->mode, read ? 1 : 0);
    }
    irp->UserBuffer = buffer;
    return STATUS_SUCCESS;
}

#define USE_FILE_POINTER (-2ll)
#define TO_END_OF_FILE (-1ll)

static NTSTATUS transfer(bool read, KPROCESSOR_MODE mode, HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, PVOID buffer, ULONG length,
                         const LARGE_INTEGER *offset, const ULONG *key)
{
    struct request r = { .mode = mode };
    LARGE_INTEGER at = { .QuadPart = 0 };
    ULONG lock_key = 0;
    if ((offset && !io_user_read(mode, &at, offset, sizeof at)) || (key && !io_user_read(mode, &lock_key, key, sizeof lock_key)))
        return STATUS_ACCESS_VIOLATION;
    NTSTATUS s = request_begin(&r, file, event, apc, context, iosb, read ? 1 : WRITE_OR_APPEND);
    if (!NT_SUCCESS(s))
        return s;
    bool synchronous = (r.file->Flags & FO_SYNCHRONOUS_IO) != 0;
    bool at_pointer = !offset || at.QuadPart == USE_FILE_POINTER;
    /* DOC: a file for asynchronous I/O has no position of its own. */
    if ((at_pointer && !synchronous) || (!at_pointer && at.QuadPart < 0 && (read || at.QuadPart != TO_END_OF_FILE))) {
        if (r.event)
            ob_dereference(r.event);
        ob_dereference(r.file);
        return STATUS_INVALID_PARAMETER;
    }
    file_lock(r.file);
    IO_STACK_LOCATION *sl = request_irp(&r, read ? IRP_MJ_READ : IRP_MJ_WRITE);
    sl->Parameters.Read.Length = length;
    sl->Parameters.Read.Key = lock_key;
    sl->Parameters.Read.ByteOffset = at_pointer ? r.file->CurrentByteOffset : at;
    s = transfer_buffers(&r, read, buffer, length);
    if (NT_SUCCESS(s))
        s = request_send(&r, true);
    else
        request_abandon(&r);
    return s;
}

NTSTATUS NtReadFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, PVOID buffer, ULONG length, LARGE_INTEGER *offset, ULONG *key)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtReadFile);
    request_point(file);
    NTSTATUS s = transfer(true, UserMode, file, event, apc, context, iosb, buffer, length, offset, key);
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS NtWriteFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, PVOID buffer, ULONG length, LARGE_INTEGER *offset, ULONG *key)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtWriteFile);
    request_point(file);
    NTSTATUS s = transfer(false, UserMode, file, event, apc, context, iosb, buffer, length, offset, key);
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS ZwReadFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, PVOID buffer, ULONG length, LARGE_INTEGER *offset, ULONG *key)
{
    return transfer(true, KernelMode, file, event, apc, context, iosb, buffer, length, offset, key);
}

NTSTATUS ZwWriteFile(HANDLE file, HANDLE event, PVOID apc, PVOID context, IO_STATUS_BLOCK *iosb, PVOID buffer, ULONG length, LARGE_INTEGER *offset, ULONG *key)
{
    return transfer(false, KernelMode, file, event, apc, context, iosb, buffer, length, offset, key);
}

NTSTATUS NtFlushBuffersFile(HANDLE file, IO_STATUS_BLOCK *iosb)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtFlushBuffersFile);
    request_point(file);
    struct request r = { .mode = UserMode };
    NTSTATUS s = request_begin(&r, file, NULL, NULL, NULL, iosb, 0);
    if (NT_SUCCESS(s)) {
        file_lock(r.file);
        request_irp(&r, IRP_MJ_FLUSH_BUFFERS);
        s = request_send(&r, true);
    }
    ps_syscall_leave(&sc);
    return s;
}

/* ---- waiting on handles ---- */

NTSTATUS io_wait_handle(HANDLE handle, KPROCESSOR_MODE mode, ULONG alertable, LARGE_INTEGER *timeout)
{
    void *object;
    NTSTATUS s = ob_handle_reference(ps_current_process(), handle, OB_NONE, 0, &object, NULL);
    if (!NT_SUCCESS(s))
        return s;
    void *waitable = ob_waitable(object);
    s = waitable ? KeWaitForSingleObject(waitable, UserRequest, mode, alertable, timeout) : STATUS_OBJECT_TYPE_MISMATCH;
    ob_dereference(object);
    return s;
}

NTSTATUS NtWaitForSingleObject(HANDLE handle, ULONG alertable, LARGE_INTEGER *timeout)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtWaitForSingleObject);
    uint64_t wait[5] = { (uint64_t)ob_waitable_of_handle(ps_current_process(), handle), 0, 0, 0, (uint64_t)timeout };
    sim_point_when(wait[0] ? wait[0] : (uint64_t)handle, ke_gate_wait, wait);
    LARGE_INTEGER until;
    bool readable = !timeout || io_user_read(UserMode, &until, timeout, sizeof until);
    NTSTATUS s = readable ? io_wait_handle(handle, UserMode, alertable, timeout ? &until : NULL) : STATUS_ACCESS_VIOLATION;
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS ZwWaitForSingleObject(HANDLE handle, ULONG alertable, LARGE_INTEGER *timeout)
{
    return io_wait_handle(handle, KernelMode, alertable, timeout);
}

static NTSTATUS wait_handles(ULONG count, HANDLE *handles, ULONG type, KPROCESSOR_MODE mode, ULONG alertable, LARGE_INTEGER *timeout)
{
    if (count == 0 || count > MAXIMUM_WAIT_OBJECTS)
        return STATUS_INVALID_PARAMETER_1;
    if (type > WaitAny)
        return STATUS_INVALID_PARAMETER_3;
    void *objects[MAXIMUM_WAIT_OBJECTS], *headers[MAXIMUM_WAIT_OBJECTS];
    NTSTATUS s = STATUS_SUCCESS;
    ULONG n = 0;
    for (; n < count && NT_SUCCESS(s); n++) {
        s = ob_handle_reference(ps_current_process(), handles[n], OB_NONE, 0, &objects[n], NULL);
        if (!NT_SUCCESS(s))
            break;
        headers[n] = ob_waitable(objects[n]);
        if (!headers[n]) {
            s = STATUS_OBJECT_TYPE_MISMATCH;
            n++;
            break;
        }
    }
    if (NT_SUCCESS(s)) {
        KWAIT_BLOCK *blocks = count > THREAD_WAIT_OBJECTS ? ex_pool_alloc(NonPagedPoolNx, count * sizeof *blocks, 0x74696157) : NULL;
        s = KeWaitForMultipleObjects(count, headers, type, UserRequest, mode, alertable, timeout, blocks);
        if (blocks)
            ex_pool_free(blocks);
    }
    while (n--)
        ob_dereference(objects[n]);
    return s;
}

NTSTATUS NtWaitForMultipleObjects(ULONG count, HANDLE *handles, ULONG type, ULONG alertable, LARGE_INTEGER *timeout)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtWaitForMultipleObjects);
    uint64_t objects[MAXIMUM_WAIT_OBJECTS] = { 0 };
    for (ULONG i = 0; i < count && i < MAXIMUM_WAIT_OBJECTS; i++) {
        HANDLE h;
        objects[i] = host_guarded_copy(&h, &handles[i], sizeof h) ? (uint64_t)ob_waitable_of_handle(ps_current_process(), h) : 0;
    }
    uint64_t wait[7] = { count, (uint64_t)objects, type, 0, 0, 0, (uint64_t)timeout };
    sim_point_when(objects[0], ke_gate_wait_multiple, wait);
    LARGE_INTEGER until;
    HANDLE own[MAXIMUM_WAIT_OBJECTS];
    NTSTATUS s = count == 0 || count > MAXIMUM_WAIT_OBJECTS ? STATUS_INVALID_PARAMETER_1 : STATUS_SUCCESS;
    if (NT_SUCCESS(s) && ((timeout && !io_user_read(UserMode, &until, timeout, sizeof until)) || !io_user_read(UserMode, own, handles, count * sizeof *own)))
        s = STATUS_ACCESS_VIOLATION;
    if (NT_SUCCESS(s))
        s = wait_handles(count, own, type, UserMode, alertable, timeout ? &until : NULL);
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS ZwWaitForMultipleObjects(ULONG count, HANDLE *handles, ULONG type, ULONG alertable, LARGE_INTEGER *timeout)
{
    return wait_handles(count, handles, type, KernelMode, alertable, timeout);
}
