/* File objects: create, cleanup, close. DOC: every IRP on a file object holds a reference; CloseHandle sends CLEANUP when the last
 * handle goes; CLOSE follows the last reference, in whatever thread drops it. */
#include <string.h>

#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "sim/access.h"
#include "pnp/pnp.h"
#include "sim/door.h"
#include "trace/trace.h"

enum { FILE_TAG = 0x656C6946 };

static void send_simple(DEVICE_OBJECT *device, FILE_OBJECT *file, UCHAR major, uint32_t frame)
{
    IRP *irp = IoAllocateIrp(device->StackSize, FALSE);
    IO_STACK_LOCATION *sl = io_next_location(irp);
    sl->MajorFunction = major;
    sl->FileObject = file;
    irp->Flags = IRP_CLOSE_OPERATION | IRP_SYNCHRONOUS_API;
    irp->Tail.Overlay.OriginalFileObject = file;
    struct guest_mark mark = guest_frame_push(frame);
    struct locals {
        KEVENT event;
        IO_STATUS_BLOCK iosb;
    } *l = guest_frame_locals();
    KeInitializeEvent(&l->event, SynchronizationEvent, FALSE);
    irp->UserEvent = &l->event;
    irp->UserIosb = &l->iosb;
    irp->RequestorMode = KernelMode;
    irp->Tail.Overlay.Thread = (PVOID)ps_current()->ethread;
    if (io_call_driver(device, irp) == STATUS_PENDING)
        KeWaitForSingleObject(&l->event, Executive, KernelMode, FALSE, NULL);
    IoFreeIrp(irp);
    guest_frame_pop(mark);
}

static void file_closed(void *object, struct process *process, bool last)
{
    FILE_OBJECT *f = object;
    if (!last || !(f->Flags & FO_HANDLE_CREATED) || (f->Flags & FO_CLEANUP_COMPLETE))
        return;
    f->Flags |= FO_CLEANUP_COMPLETE;
    send_simple(IoGetRelatedDeviceObject(f), f, IRP_MJ_CLEANUP, FRAME_IopCloseFile);
}

static void drop_device(DEVICE_OBJECT *device)
{
    device->ReferenceCount--;
    io_driver_let_go(device);
    pnp_file_closed(device);
    io_device_try_free(device);
}

static void file_deleted(void *object)
{
    FILE_OBJECT *f = object;
    if (f->Flags & FO_HANDLE_CREATED) {
        /* The IRP refers to the file object while its count is zero, as on NT. */
        ob_reference(f);
        send_simple(IoGetRelatedDeviceObject(f), f, IRP_MJ_CLOSE, FRAME_IopDeleteFile);
        OBJECT_TO_OBJECT_HEADER(f)->PointerCount = 0;
    }
    if (f->FileName.Buffer)
        ex_pool_free(f->FileName.Buffer);
    if (f->CompletionContext)
        io_completion_context_free(f);
    if (f->Vpb)
        f->Vpb->ReferenceCount--;
    if (f->DeviceObject)
        drop_device(f->DeviceObject);
}

/* IRP_MJ_CLOSE is sent. */
static bool file_delete_waits(const void *object)
{
    return (((const FILE_OBJECT *)object)->Flags & FO_HANDLE_CREATED) != 0;
}

void io_file_types_register(void)
{
    static const struct ob_type file = { "File", file_deleted, file_closed, offsetof(FILE_OBJECT, Event), file_delete_waits };
    ob_type_register(OB_FILE, &file);
}

static ULONG flags_of(ULONG options, ULONG attributes)
{
    ULONG flags = attributes & OBJ_CASE_INSENSITIVE ? 0 : FO_OPENED_CASE_SENSITIVE;
    if (options & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT))
        flags |= FO_SYNCHRONOUS_IO;
    if (options & FILE_SYNCHRONOUS_IO_ALERT)
        flags |= FO_ALERTABLE_IO;
    if (options & FILE_NO_INTERMEDIATE_BUFFERING)
        flags |= FO_NO_INTERMEDIATE_BUFFERING;
    if (options & FILE_WRITE_THROUGH)
        flags |= FO_WRITE_THROUGH;
    if (options & FILE_SEQUENTIAL_ONLY)
        flags |= FO_SEQUENTIAL_ONLY;
    if (options & FILE_RANDOM_ACCESS)
        flags |= FO_RANDOM_ACCESS;
    return flags;
}

static FILE_OBJECT *file_make(DEVICE_OBJECT *device, const UNICODE_STRING *rest, ULONG options, ULONG object_attributes, ULONG access, ULONG share)
{
    FILE_OBJECT *f = ob_create(OB_FILE, sizeof *f);
    f->Type = IO_TYPE_FILE;
    f->Size = sizeof *f;
    f->DeviceObject = device;
    device->ReferenceCount++;
    f->Flags |= flags_of(options, object_attributes);
    f->ReadAccess = (access & 1) != 0;
    f->WriteAccess = (access & 6) != 0;
    f->DeleteAccess = (access & 0x10000) != 0;
    f->SharedRead = (share & FILE_SHARE_READ) != 0;
    f->SharedWrite = (share & FILE_SHARE_WRITE) != 0;
    f->SharedDelete = (share & FILE_SHARE_DELETE) != 0;
    KeInitializeEvent(&f->Lock, SynchronizationEvent, FALSE);
    KeInitializeEvent(&f->Event, NotificationEvent, FALSE);
    f->IrpList.Flink = f->IrpList.Blink = &f->IrpList;
    if (rest->Length) {
        f->FileName.Buffer = ex_pool_alloc(PagedPool, rest->Length + 2u, FILE_TAG);
        memcpy(f->FileName.Buffer, rest->Buffer, rest->Length);
        f->FileName.Buffer[rest->Length / 2] = 0;
        f->FileName.Length = rest->Length;
        f->FileName.MaximumLength = (USHORT)(rest->Length + 2);
    }
    return f;
}

FILE_OBJECT *io_stream_file(DEVICE_OBJECT *device)
{
    const UNICODE_STRING none = { 0 };
    FILE_OBJECT *f = file_make(device, &none, 0, 0, 0, 0);
    f->Flags = FO_STREAM_FILE | FO_HANDLE_CREATED;
    return f;
}

static ACCESS_MASK map_access(ULONG access)
{
    /* The generic mapping of file objects. */
    if (access & 0x80000000)
        access |= 0x120089;
    if (access & 0x40000000)
        access |= 0x120116;
    if (access & 0x20000000)
        access |= 0x1200A0;
    if (access & (0x10000000 | MAXIMUM_ALLOWED))
        access |= 0x1F01FF;
    return access & 0x1FFFFF;
}

static NTSTATUS parse_device(FILE_OBJECT *f, ULONG access, ULONG attributes, ULONG share, ULONG disposition, ULONG options, LARGE_INTEGER *size, PVOID ea,
                             ULONG ea_length, KPROCESSOR_MODE mode, IO_STATUS_BLOCK *iosb)
{
    DEVICE_OBJECT *top = IoGetRelatedDeviceObject(f);
    IRP *irp = IoAllocateIrp(top->StackSize, FALSE);
    struct guest_mark mark = guest_frame_push(FRAME_IopParseDevice);
    struct locals {
        KEVENT event;
        IO_STATUS_BLOCK iosb;
        IO_SECURITY_CONTEXT security;
    } *l = guest_frame_locals();
    KeInitializeEvent(&l->event, SynchronizationEvent, FALSE);
    l->security.DesiredAccess = access;
    l->security.FullCreateOptions = options;
    IO_STACK_LOCATION *sl = io_next_location(irp);
    sl->MajorFunction = IRP_MJ_CREATE;
    sl->FileObject = f;
    sl->Parameters.Create.SecurityContext = &l->security;
    sl->Parameters.Create.Options = (disposition << 24) | (options & 0xFFFFFF);
    sl->Parameters.Create.FileAttributes = (USHORT)attributes;
    sl->Parameters.Create.ShareAccess = (USHORT)share;
    sl->Parameters.Create.EaLength = ea_length;
    if (io_room()->create_pipe) {
        sl->MajorFunction = IRP_MJ_CREATE_NAMED_PIPE;
        sl->Parameters.CreatePipe.Parameters = io_room()->create_pipe;
        io_room()->create_pipe = NULL;
    }
    irp->Flags = IRP_CREATE_OPERATION | IRP_SYNCHRONOUS_API | IRP_DEFER_IO_COMPLETION;
    irp->RequestorMode = mode;
    irp->Overlay.AllocationSize = size ? *size : (LARGE_INTEGER) { .QuadPart = 0 };
    irp->AssociatedIrp.SystemBuffer = ea;
    irp->Tail.Overlay.OriginalFileObject = f;
    irp->UserIosb = &l->iosb;
    irp->UserEvent = &l->event;
    io_queue_to_thread(irp);
    NTSTATUS s = io_call_driver(top, irp);
    if (s == STATUS_PENDING) {
        KeWaitForSingleObject(&l->event, Executive, KernelMode, FALSE, NULL);
        s = l->iosb.Status;
        *iosb = l->iosb;
    } else {
        *iosb = irp->IoStatus;
        s = irp->IoStatus.Status;
        io_finish_inline(irp);
    }
    iosb->Status = s;
    guest_frame_pop(mark);
    return s;
}

void io_finish_inline(IRP *irp)
{
    KIRQL old = KfRaiseIrql(APC_LEVEL);
    io_final_completion(irp);
    KeLowerIrql(old);
}

/* Opened for its attributes only and without a name behind it, a device is meant itself, not the volume on it. */
static bool is_direct(const UNICODE_STRING *rest, ULONG access)
{
    const ULONG harmless = SYNCHRONIZE | FILE_READ_ATTRIBUTES | READ_CONTROL | ACCESS_SYSTEM_SECURITY | WRITE_OWNER | WRITE_DAC;
    return !rest->Length && !(access & ~harmless);
}

static NTSTATUS open_device(DEVICE_OBJECT *device, FILE_OBJECT *related, const UNICODE_STRING *rest, HANDLE *handle, ULONG access, const OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb,
                            LARGE_INTEGER *size, ULONG attributes, ULONG share, ULONG disposition, ULONG options, PVOID ea, ULONG ea_length, KPROCESSOR_MODE mode)
{
    if (device->DeviceObjectExtension->ExtensionFlags & (DOE_DELETE_PENDING | DOE_UNLOAD_PENDING | DOE_REMOVE_PROCESSED))
        return STATUS_NO_SUCH_DEVICE;
    if (device->Flags & DO_DEVICE_INITIALIZING)
        return STATUS_NO_SUCH_DEVICE;
    sim_access((uint64_t)device, device->Flags & DO_EXCLUSIVE ? SIM_WRITE : SIM_READ);
    /* DOC: an exclusive device is opened once; names relative to that file are its driver's affair. */
    if ((device->Flags & DO_EXCLUSIVE) && device->ReferenceCount > 0 && !related)
        return STATUS_ACCESS_DENIED;
    VPB *volume = NULL;
    bool direct = is_direct(rest, access);
    NTSTATUS s = direct ? STATUS_SUCCESS : io_volume_of(device, &volume);
    if (!NT_SUCCESS(s))
        return s;
    FILE_OBJECT *f = file_make(device, rest, options, oa->Attributes, access, share);
    f->Vpb = volume;
    f->RelatedFileObject = related; /* DOC: good for the time of IRP_MJ_CREATE */
    if (direct && device->Vpb)
        f->Flags |= FO_DIRECT_DEVICE_OPEN;
    s = parse_device(f, access, attributes, share, disposition, options, size, ea, ea_length, mode, iosb);
    f->RelatedFileObject = NULL;
    if (!NT_SUCCESS(s)) {
        ob_dereference(f); /* no FO_HANDLE_CREATED: neither cleanup nor close */
        return s;
    }
    f->Flags |= FO_HANDLE_CREATED | FO_FILE_OPEN;
    struct process *p = mode == KernelMode && (oa->Attributes & OBJ_KERNEL_HANDLE) ? ps_system() : ps_current_process();
    HANDLE h;
    s = ob_handle_create(p, f, access, oa->Attributes, &h);
    *handle = h;
    ob_dereference(f);
    return s;
}

static bool options_fit(ULONG access, ULONG disposition, ULONG options)
{
    ULONG synchronous = options & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT);
    if (synchronous && !(access & (SYNCHRONIZE | 0xF0000000 | MAXIMUM_ALLOWED)))
        return false;
    if (synchronous == (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT))
        return false;
    if ((options & FILE_DIRECTORY_FILE) && (options & FILE_NON_DIRECTORY_FILE))
        return false;
    if ((options & FILE_DELETE_ON_CLOSE) && !(access & (0x10000 | 0x10000000 | MAXIMUM_ALLOWED)))
        return false;
    return disposition <= FILE_MAXIMUM_DISPOSITION;
}

/* A name below a directory of the namespace: as if written out. */
static NTSTATUS lookup_below(void *directory, const UNICODE_STRING *name, ULONG attributes, void **object, UNICODE_STRING *rest)
{
    char text[512];
    WCHAR path[1100];
    ob_name_text(directory, text, sizeof text);
    UNICODE_STRING whole = ob_text(text, path, 500);
    if (name->Length > 1000)
        return STATUS_OBJECT_NAME_INVALID;
    path[whole.Length / 2] = '\\';
    memcpy(path + whole.Length / 2 + 1, name->Buffer, name->Length);
    whole.Length = (USHORT)(whole.Length + 2 + name->Length);
    whole.MaximumLength = sizeof path;
    UNICODE_STRING left;
    NTSTATUS s = ob_lookup(&whole, attributes, object, &left);
    if (NT_SUCCESS(s)) /* the remainder in the caller's own text */
        *rest = (UNICODE_STRING) { left.Length, left.Length, (WCHAR *)((UCHAR *)name->Buffer + name->Length - left.Length) };
    return s;
}

NTSTATUS io_create_file(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb, LARGE_INTEGER *size, ULONG attributes, ULONG share,
                        ULONG disposition, ULONG options, PVOID ea, ULONG ea_length, KPROCESSOR_MODE mode)
{
    if (!options_fit(access, disposition, options))
        return STATUS_INVALID_PARAMETER;
    void *object, *root = NULL;
    FILE_OBJECT *related = NULL;
    UNICODE_STRING rest, name = oa->ObjectName ? *oa->ObjectName : (UNICODE_STRING) { 0 };
    NTSTATUS s;
    if (oa->RootDirectory) {
        s = ob_handle_reference(ps_current_process(), oa->RootDirectory, OB_NONE, 0, &root, NULL);
        if (!NT_SUCCESS(s))
            return s;
        if (ob_type_of(root) == OB_FILE) {
            related = root;
            object = related->DeviceObject;
            ob_reference(object);
            rest = name;
        } else if (ob_type_of(root) == OB_DIRECTORY) {
            s = lookup_below(root, &name, oa->Attributes, &object, &rest);
        } else {
            s = STATUS_OBJECT_TYPE_MISMATCH;
        }
    } else {
        s = ob_lookup(&name, oa->Attributes, &object, &rest);
    }
    if (NT_SUCCESS(s)) {
        if (ob_type_of(object) != OB_DEVICE)
            s = rest.Length ? STATUS_OBJECT_PATH_NOT_FOUND : STATUS_OBJECT_TYPE_MISMATCH;
        else
            s = open_device(object, related, &rest, handle, map_access(access), oa, iosb, size, attributes, share, disposition, options, ea, ea_length, mode);
        ob_dereference(object);
    }
    if (root)
        ob_dereference(root);
    return s;
}

NTSTATUS io_create_pipe(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb, ULONG share, ULONG disposition, ULONG options, PVOID parameters)
{
    io_room()->create_pipe = parameters;
    NTSTATUS s = io_create_file(handle, access, oa, iosb, NULL, 0, share, disposition, options, NULL, 0, UserMode);
    io_room()->create_pipe = NULL;
    return s;
}

/* What a caller in user mode says of the object, with its name in pool. */
struct captured {
    OBJECT_ATTRIBUTES oa;
    UNICODE_STRING name;
    LARGE_INTEGER size;
    PVOID ea;
};

static void captured_free(struct captured *c)
{
    if (c->name.Buffer)
        ex_pool_free(c->name.Buffer);
    if (c->ea)
        ex_pool_free(c->ea);
}

static NTSTATUS capture(struct captured *c, const OBJECT_ATTRIBUTES *oa, const LARGE_INTEGER *size, const void *ea, ULONG ea_length)
{
    memset(c, 0, sizeof *c);
    if (!io_user_read(UserMode, &c->oa, oa, sizeof *oa) || (size && !io_user_read(UserMode, &c->size, size, sizeof *size)))
        return STATUS_ACCESS_VIOLATION;
    if (c->oa.Length != sizeof *oa)
        return STATUS_INVALID_PARAMETER;
    if (c->oa.ObjectName) {
        UNICODE_STRING n;
        if (!io_user_read(UserMode, &n, c->oa.ObjectName, sizeof n))
            return STATUS_ACCESS_VIOLATION;
        if (n.Length & 1)
            return STATUS_OBJECT_NAME_INVALID;
        c->name = (UNICODE_STRING) { n.Length, (USHORT)(n.Length + 2), ex_pool_alloc(PagedPool, n.Length + 2u, FILE_TAG) };
        c->name.Buffer[n.Length / 2] = 0;
        if (!io_user_read(UserMode, c->name.Buffer, n.Buffer, n.Length))
            return STATUS_ACCESS_VIOLATION;
        c->oa.ObjectName = &c->name;
    }
    if (ea && ea_length) {
        c->ea = ex_pool_alloc(NonPagedPoolNx, ea_length, FILE_TAG);
        if (!io_user_read(UserMode, c->ea, ea, ea_length))
            return STATUS_ACCESS_VIOLATION;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NtCreateFile(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb, LARGE_INTEGER *size, ULONG attributes, ULONG share,
                      ULONG disposition, ULONG options, PVOID ea, ULONG ea_length)
{
    struct syscall sc;
    struct captured c;
    ps_syscall_enter(&sc, FRAME_NtCreateFile);
    sim_point(0);
    HANDLE h = NULL;
    IO_STATUS_BLOCK result = { .Pointer = NULL };
    NTSTATUS s = STATUS_ACCESS_VIOLATION;
    memset(&c, 0, sizeof c);
    if (io_user_probe_write(UserMode, handle, sizeof *handle) && io_user_probe_write(UserMode, iosb, sizeof *iosb))
        s = capture(&c, oa, size, ea, ea_length);
    if (NT_SUCCESS(s))
        s = io_create_file(&h, access, &c.oa, &result, size ? &c.size : NULL, attributes, share, disposition, options, c.ea, c.ea ? ea_length : 0, UserMode);
    captured_free(&c);
    if (NT_SUCCESS(s)) {
        io_user_write(UserMode, handle, &h, sizeof h);
        io_user_write(UserMode, iosb, &result, sizeof result);
    }
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS ZwCreateFile(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb, LARGE_INTEGER *size, ULONG attributes, ULONG share,
                      ULONG disposition, ULONG options, PVOID ea, ULONG ea_length)
{
    NTSTATUS s = io_create_file(handle, access, oa, iosb, size, attributes, share, disposition, options, ea, ea_length, KernelMode);
    return s;
}

NTSTATUS IoCreateFile(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb, LARGE_INTEGER *size, ULONG attributes, ULONG share,
                      ULONG disposition, ULONG options, PVOID ea, ULONG ea_length, ULONG type, PVOID parameters, ULONG io_options)
{
    return io_create_file(handle, access, oa, iosb, size, attributes, share, disposition, options, ea, ea_length, KernelMode);
}

NTSTATUS ZwOpenFile(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb, ULONG share, ULONG options)
{
    return io_create_file(handle, access, oa, iosb, NULL, 0, share, FILE_OPEN, options, NULL, 0, KernelMode);
}

NTSTATUS NtClose(HANDLE handle)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtClose);
    sim_point((uint64_t)handle);
    NTSTATUS s = (LONG_PTR)handle < 0 ? STATUS_INVALID_HANDLE : ob_handle_close(ps_current_process(), handle); /* kernel handles are not the program's */
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS ZwClose(HANDLE handle)
{
    return ob_handle_close(ps_current_process(), handle);
}
