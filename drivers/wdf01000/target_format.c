/* Formatting a request for a target: what its next stack location says, and what of the IRP has to be put back.
 *
 * FxRequestBase::ValidateTarget decides whether the IRP has enough stack locations. It never replaces an IRP that a queue presented or that the driver
 * brought: with too few of them it answers STATUS_REQUEST_NOT_ACCEPTED (docs: kmdf.md, "Stack locations"). */
#include "fx.h"
#include "log.h"
#include "target_io.h"

static FxRequest *request(FxGlobals *g, WDFREQUEST r)
{
    return FX_OBJ(g, r, FxRequest, FX_TYPE_REQUEST);
}

/* ---- taking formatting back ---- */

static void release_memory(FxMemory **m)
{
    if (*m) {
        InterlockedDecrement(&(*m)->TargetRefs);
        FxObject_Release(FX(*m));
    }
    *m = NULL;
}

static void hold_memory(FxMemory **slot, FxMemory *m)
{
    if (m) {
        InterlockedIncrement(&m->TargetRefs);
        FxObject_AddRef(FX(m));
    }
    *slot = m;
}

void FxRequestUndoFormat(FxRequest *r)
{
    FxFormat *f = &r->F;
    if (f->Active && r->Irp && f->SavedIrp) {
        r->Irp->AssociatedIrp.SystemBuffer = f->SystemBuffer;
        r->Irp->UserBuffer = f->UserBuffer;
        r->Irp->MdlAddress = f->Mdl;
        r->Irp->Flags = f->Flags;
    }
    if (f->Bounce)
        ExFreePoolWithTag(f->Bounce, FX_TAG);
    if (f->OwnMdl)
        IoFreeMdl(f->OwnMdl);
    release_memory(&f->In);
    release_memory(&f->Out);
    for (int i = 0; i < 3; i++)
        release_memory(&f->Others[i]);
    RtlZeroMemory(f, sizeof *f);
}

/* The last request that had too few stack locations for its target: not in the recorder, whose lines are those of Windows, but where a
 * debugger finds it. */
FxStackRefusal FxLastStackRefusal;

static void remember_refusal(FxRequest *r, FxTarget *t)
{
    FxStackRefusal now = { FxLastStackRefusal.Count + 1, (ULONG)t->StackSize, (ULONG)r->Irp->StackCount, (ULONG)r->Irp->CurrentLocation,
                           r->Irp, IoGetCurrentIrpStackLocation(r->Irp)->DeviceObject, t->Device, (ULONG64)FxHandle(r), (ULONG64)FxHandle(t) };
    FxLastStackRefusal = now;
}

NTSTATUS FxRequestBase_ValidateTarget(FxRequest *r, FxTarget *t)
{
    FxGlobals *g = r->O.Globals;
    FxRequestUndoFormat(r);
    if (t->StackSize == 0) {
        FXLOG(g, TargetClosed, P64(FxHandle(t)), S64(STATUS_INVALID_DEVICE_STATE));
        return STATUS_INVALID_DEVICE_STATE;
    }
    if (r->Irp && r->Irp->CurrentLocation - 1 >= t->StackSize)
        return STATUS_SUCCESS;
    if (r->Irp && r->Owner != FX_IRP_INTERNAL) {
        remember_refusal(r, t);
        FXLOG(g, TargetCannotReallocate, P64(FxHandle(r)), P64(FxHandle(t)), S64(STATUS_REQUEST_NOT_ACCEPTED));
        return STATUS_REQUEST_NOT_ACCEPTED;
    }
    IRP *irp = IoAllocateIrp(t->StackSize, FALSE);
    if (!irp) {
        FXLOG(g, TargetNoIrp, P64(FxHandle(r)), P64(FxHandle(t)), S64(STATUS_INSUFFICIENT_RESOURCES));
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (r->Irp) {
        FXLOG(g, TargetFreeIrp, P64(r->Irp), P64(FxHandle(r)));
        IoFreeIrp(r->Irp);
    }
    r->Irp = irp;
    r->Owner = FX_IRP_INTERNAL;
    return STATUS_SUCCESS;
}

/* ---- buffers ---- */

NTSTATUS FxIoBufferOfMemory(FxGlobals *g, WDFMEMORY h, const WDFMEMORY_OFFSET *o, FxIoBuffer *b)
{
    NTSTATUS s;
    RtlZeroMemory(b, sizeof *b);
    if (!h)
        return STATUS_SUCCESS;
    b->Memory = FX_OBJ(g, h, FxMemory, IFX_TYPE_MEMORY);
    b->Buffer = FxMemoryBuffer(b->Memory, o, &b->Length, &s);
    b->Mdl = b->Memory->Mdl;
    return s;
}

NTSTATUS FxIoBufferOfDescriptor(FxGlobals *g, PWDF_MEMORY_DESCRIPTOR d, FxIoBuffer *b)
{
    RtlZeroMemory(b, sizeof *b);
    if (!d)
        return STATUS_SUCCESS;
    switch (d->Type) {
    case WdfMemoryDescriptorTypeBuffer:
        b->Buffer = d->u.BufferType.Buffer;
        b->Length = d->u.BufferType.Length;
        return STATUS_SUCCESS;
    case WdfMemoryDescriptorTypeMdl:
        b->Mdl = d->u.MdlType.Mdl;
        b->Length = d->u.MdlType.BufferLength;
        b->Buffer = MmGetSystemAddressForMdlSafe(b->Mdl, NormalPagePriority);
        return b->Buffer ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    case WdfMemoryDescriptorTypeHandle:
        return FxIoBufferOfMemory(g, d->u.HandleType.Memory, d->u.HandleType.Offsets, b);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

/* An MDL over the buffer: the memory's own when it is the whole of it, else one that the request owns. */
NTSTATUS FxFormatMdl(FxRequest *r, const FxIoBuffer *b, PMDL *mdl)
{
    *mdl = NULL;
    if (!b->Length)
        return STATUS_SUCCESS;
    if (b->Mdl && (!b->Memory || (b->Buffer == b->Memory->Buffer && b->Length == b->Memory->Length))) {
        *mdl = b->Mdl;
        return STATUS_SUCCESS;
    }
    PMDL m = IoAllocateMdl(b->Buffer, (ULONG)b->Length, FALSE, FALSE, NULL);
    if (!m)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (b->Mdl)
        IoBuildPartialMdl(b->Mdl, m, (PUCHAR)MmGetMdlVirtualAddress(b->Mdl) + ((PUCHAR)b->Buffer - (PUCHAR)b->Memory->Buffer), (ULONG)b->Length);
    else
        MmBuildMdlForNonPagedPool(m);
    r->F.OwnMdl = m;
    *mdl = m;
    return STATUS_SUCCESS;
}

void FxFormatHold(FxMemory **held, size_t *offset, const FxIoBuffer *b)
{
    hold_memory(held, b->Memory);
    *offset = b->Memory ? (size_t)((PUCHAR)b->Buffer - (PUCHAR)b->Memory->Buffer) : 0;
}

void FxFormatSave(FxRequest *r)
{
    FxFormat *f = &r->F;
    f->Active = f->SavedIrp = TRUE;
    f->SystemBuffer = r->Irp->AssociatedIrp.SystemBuffer;
    f->UserBuffer = r->Irp->UserBuffer;
    f->Mdl = r->Irp->MdlAddress;
    f->Flags = r->Irp->Flags;
}

IO_STACK_LOCATION *FxFormatLocation(FxRequest *r, FxTarget *t, UCHAR major)
{
    IO_STACK_LOCATION *sl = IoGetNextIrpStackLocation(r->Irp);
    RtlZeroMemory(sl, sizeof *sl);
    sl->MajorFunction = major;
    if (r->Owner == FX_IRP_IO) {
        IO_STACK_LOCATION *now = IoGetCurrentIrpStackLocation(r->Irp);
        sl->Flags = now->Flags;
        sl->FileObject = now->FileObject;
    }
    if (t->File)
        sl->FileObject = t->File;
    r->F.Location = TRUE;
    return sl;
}

/* Our copy of what goes to a buffered target. */
static NTSTATUS bounce(FxRequest *r, const FxIoBuffer *in, const FxIoBuffer *out)
{
    FxFormat *f = &r->F;
    size_t size = max(in->Length, out->Length);
    r->Irp->AssociatedIrp.SystemBuffer = NULL;
    r->Irp->UserBuffer = out->Buffer;
    if (!size)
        return STATUS_SUCCESS;
    f->Bounce = FxPoolAllocate(r->O.Globals, NonPagedPoolNx, size, FX_TAG);
    if (!f->Bounce)
        return STATUS_INSUFFICIENT_RESOURCES;
    f->BounceSize = size;
    if (in->Length)
        RtlCopyMemory(f->Bounce, in->Buffer, in->Length);
    f->CopyTo = out->Buffer;
    f->CopyLimit = out->Length;
    r->Irp->AssociatedIrp.SystemBuffer = f->Bounce;
    return STATUS_SUCCESS;
}

static NTSTATUS ioctl_buffers(FxRequest *r, IO_STACK_LOCATION *sl, ULONG code, const FxIoBuffer *in, const FxIoBuffer *out)
{
    switch (code & 3) {
    case METHOD_BUFFERED:
        return bounce(r, in, out);
    case METHOD_IN_DIRECT:
    case METHOD_OUT_DIRECT:
        r->Irp->AssociatedIrp.SystemBuffer = in->Buffer;
        return FxFormatMdl(r, out, &r->Irp->MdlAddress);
    default:
        r->Irp->UserBuffer = out->Buffer;
        sl->Parameters.DeviceIoControl.Type3InputBuffer = in->Buffer;
        return STATUS_SUCCESS;
    }
}

FXM(NTSTATUS, FxIoTargetKernel, FormatIoctlRequest, (FxTarget * t, FxRequest *r, ULONG code, BOOLEAN internal, FxIoBuffer *in, FxIoBuffer *out));

NTSTATUS FxIoTargetKernel_FormatIoctlRequest(FxTarget *t, FxRequest *r, ULONG code, BOOLEAN internal, FxIoBuffer *in, FxIoBuffer *out)
{
    NTSTATUS s = FxRequestBase_ValidateTarget(r, t);
    if (!NT_SUCCESS(s))
        return s;
    FxFormatSave(r);
    IO_STACK_LOCATION *sl = FxFormatLocation(r, t, internal ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL);
    FxFormatHold(&r->F.In, &r->F.InOffset, in);
    FxFormatHold(&r->F.Out, &r->F.OutOffset, out);
    sl->Parameters.DeviceIoControl.IoControlCode = code;
    sl->Parameters.DeviceIoControl.InputBufferLength = (ULONG)in->Length;
    sl->Parameters.DeviceIoControl.OutputBufferLength = (ULONG)out->Length;
    r->F.Type = internal ? WdfRequestTypeDeviceControlInternal : WdfRequestTypeDeviceControl;
    r->F.Ioctl = code;
    s = ioctl_buffers(r, sl, code, in, out);
    if (!NT_SUCCESS(s))
        FxRequestUndoFormat(r);
    return s;
}

NTSTATUS FxIoTargetFormatIoctl(FxGlobals *g, FxTarget *t, FxRequest *r, ULONG code, BOOLEAN internal, FxIoBuffer *in, FxIoBuffer *out)
{
    FXLOG(g, FormatIoctlEnter, P64(FxHandle(t)), P64(FxHandle(r)), code, internal, in->Memory ? P64(FxHandle(in->Memory)) : 0,
          out->Memory ? P64(FxHandle(out->Memory)) : 0);
    NTSTATUS s = FxIoTargetKernel_FormatIoctlRequest(t, r, code, internal, in, out);
    FXLOG(g, FormatIoctlExit, P64(FxHandle(t)), P64(FxHandle(r)), S64(s));
    return s;
}

static NTSTATUS format_ioctl(PWDF_DRIVER_GLOBALS G, WDFIOTARGET T, WDFREQUEST R, ULONG code, BOOLEAN internal, WDFMEMORY In, PWDFMEMORY_OFFSET InOffset, WDFMEMORY Out,
                             PWDFMEMORY_OFFSET OutOffset) __asm__("FxIoTargetFormatIoctlApi");

static NTSTATUS format_ioctl(PWDF_DRIVER_GLOBALS G, WDFIOTARGET T, WDFREQUEST R, ULONG code, BOOLEAN internal, WDFMEMORY In, PWDFMEMORY_OFFSET InOffset, WDFMEMORY Out,
                             PWDFMEMORY_OFFSET OutOffset)
{
    FxGlobals *g = FxGet(G);
    FxTarget *t = FX_OBJ(g, T, FxTarget, FX_TYPE_IO_TARGET);
    FxRequest *r = request(g, R);
    FxIoBuffer in, out;
    FxRequestNotSent(g, r);
    NTSTATUS s = FxIoBufferOfMemory(g, In, InOffset, &in);
    if (NT_SUCCESS(s))
        s = FxIoBufferOfMemory(g, Out, OutOffset, &out);
    return NT_SUCCESS(s) ? FxIoTargetFormatIoctl(g, t, r, code, internal, &in, &out) : s;
}

NTSTATUS imp_WdfIoTargetFormatRequestForIoctl(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, WDFREQUEST Request, ULONG IoctlCode, WDFMEMORY InputBuffer,
                                              PWDFMEMORY_OFFSET InputBufferOffset, WDFMEMORY OutputBuffer, PWDFMEMORY_OFFSET OutputBufferOffset)
{
    return format_ioctl(G, IoTarget, Request, IoctlCode, FALSE, InputBuffer, InputBufferOffset, OutputBuffer, OutputBufferOffset);
}

NTSTATUS imp_WdfIoTargetFormatRequestForInternalIoctl(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, WDFREQUEST Request, ULONG IoctlCode, WDFMEMORY InputBuffer,
                                                      PWDFMEMORY_OFFSET InputBufferOffset, WDFMEMORY OutputBuffer, PWDFMEMORY_OFFSET OutputBufferOffset)
{
    return format_ioctl(G, IoTarget, Request, IoctlCode, TRUE, InputBuffer, InputBufferOffset, OutputBuffer, OutputBufferOffset);
}

NTSTATUS FxIoTargetFormatOthers(FxGlobals *g, FxTarget *t, FxRequest *r, ULONG code, FxIoBuffer *a)
{
    NTSTATUS s = FxRequestBase_ValidateTarget(r, t);
    if (!NT_SUCCESS(s))
        return s;
    FxFormatSave(r);
    IO_STACK_LOCATION *sl = FxFormatLocation(r, t, IRP_MJ_INTERNAL_DEVICE_CONTROL);
    for (int i = 0; i < 3; i++)
        hold_memory(&r->F.Others[i], a[i].Memory);
    sl->Parameters.Others.Argument1 = a[0].Buffer;
    sl->Parameters.Others.Argument2 = a[1].Buffer;
    sl->Parameters.Others.Argument3 = NULL;
    sl->Parameters.DeviceIoControl.IoControlCode = code;
    sl->Parameters.Others.Argument4 = a[2].Buffer;
    r->F.Type = WdfRequestTypeDeviceControlInternal;
    r->F.Ioctl = code;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfIoTargetFormatRequestForInternalIoctlOthers(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, WDFREQUEST Request, ULONG IoctlCode, WDFMEMORY Arg1,
                                                            PWDFMEMORY_OFFSET O1, WDFMEMORY Arg2, PWDFMEMORY_OFFSET O2, WDFMEMORY Arg4, PWDFMEMORY_OFFSET O4)
{
    FxGlobals *g = FxGet(G);
    FxTarget *t = FX_OBJ(g, IoTarget, FxTarget, FX_TYPE_IO_TARGET);
    FxRequest *r = request(g, Request);
    FxIoBuffer a[3];
    FxRequestNotSent(g, r);
    NTSTATUS s = FxIoBufferOfMemory(g, Arg1, O1, &a[0]);
    if (NT_SUCCESS(s))
        s = FxIoBufferOfMemory(g, Arg2, O2, &a[1]);
    if (NT_SUCCESS(s))
        s = FxIoBufferOfMemory(g, Arg4, O4, &a[2]);
    return NT_SUCCESS(s) ? FxIoTargetFormatOthers(g, t, r, IoctlCode, a) : s;
}

/* ---- read and write ---- */

FXM(NTSTATUS, FxIoTarget, FormatIoRequest, (FxTarget * t, FxRequest *r, BOOLEAN write, FxIoBuffer *b, PLONGLONG offset));

NTSTATUS FxIoTarget_FormatIoRequest(FxTarget *t, FxRequest *r, BOOLEAN write, FxIoBuffer *b, PLONGLONG offset)
{
    static const FxIoBuffer none = { 0 };
    NTSTATUS s = FxRequestBase_ValidateTarget(r, t);
    if (!NT_SUCCESS(s))
        return s;
    FxFormatSave(r);
    IO_STACK_LOCATION *sl = FxFormatLocation(r, t, write ? IRP_MJ_WRITE : IRP_MJ_READ);
    FxFormatHold(write ? &r->F.In : &r->F.Out, write ? &r->F.InOffset : &r->F.OutOffset, b);
    r->F.Type = write ? WdfRequestTypeWrite : WdfRequestTypeRead;
    sl->Parameters.Read.Length = (ULONG)b->Length;
    if (offset)
        sl->Parameters.Read.ByteOffset.QuadPart = *offset;
    if (t->IoFlags & DO_BUFFERED_IO) {
        s = bounce(r, write ? b : &none, write ? &none : b);
    } else if (t->IoFlags & DO_DIRECT_IO) {
        s = FxFormatMdl(r, b, &r->Irp->MdlAddress);
    } else {
        r->Irp->UserBuffer = b->Buffer;
    }
    if (!NT_SUCCESS(s))
        FxRequestUndoFormat(r);
    return s;
}

NTSTATUS FxIoTargetFormatIo(FxGlobals *g, FxTarget *t, FxRequest *r, BOOLEAN write, FxIoBuffer *b, PLONGLONG offset)
{
    FXLOG(g, FormatIoEnter, P64(FxHandle(t)), P64(FxHandle(r)), write ? IRP_MJ_WRITE : IRP_MJ_READ, b->Memory ? P64(FxHandle(b->Memory)) : 0);
    NTSTATUS s = FxIoTarget_FormatIoRequest(t, r, write, b, offset);
    FXLOG(g, FormatIoExit, P64(FxHandle(t)), P64(FxHandle(r)), S64(s));
    return s;
}

static NTSTATUS format_io(PWDF_DRIVER_GLOBALS G, WDFIOTARGET T, WDFREQUEST R, BOOLEAN write, WDFMEMORY Memory, PWDFMEMORY_OFFSET Offset, PLONGLONG DeviceOffset)
{
    FxGlobals *g = FxGet(G);
    FxTarget *t = FX_OBJ(g, T, FxTarget, FX_TYPE_IO_TARGET);
    FxRequest *r = request(g, R);
    FxIoBuffer b;
    FxRequestNotSent(g, r);
    NTSTATUS s = FxIoBufferOfMemory(g, Memory, Offset, &b);
    return NT_SUCCESS(s) ? FxIoTargetFormatIo(g, t, r, write, &b, DeviceOffset) : s;
}

NTSTATUS imp_WdfIoTargetFormatRequestForRead(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, WDFREQUEST Request, WDFMEMORY OutputBuffer, PWDFMEMORY_OFFSET Offset,
                                             PLONGLONG DeviceOffset)
{
    return format_io(G, IoTarget, Request, FALSE, OutputBuffer, Offset, DeviceOffset);
}

NTSTATUS imp_WdfIoTargetFormatRequestForWrite(PWDF_DRIVER_GLOBALS G, WDFIOTARGET IoTarget, WDFREQUEST Request, WDFMEMORY InputBuffer, PWDFMEMORY_OFFSET Offset,
                                              PLONGLONG DeviceOffset)
{
    return format_io(G, IoTarget, Request, TRUE, InputBuffer, Offset, DeviceOffset);
}

/* ---- formatting by hand ---- */

static void check_location(FxGlobals *g, FxRequest *r)
{
    if (!r->Irp) {
        FXLOG(g, RequestNoIrp, P64(FxHandle(r)), S64(STATUS_INVALID_DEVICE_REQUEST));
        FxVerifierKeBugCheck(g, FXBC_REQUEST, FXREQ_NULL_IRP, (ULONG64)FxHandle(r), 0);
    }
    if (r->Irp->CurrentLocation < 2) {
        FXLOG(g, SendNoStack, P64(FxHandle(r)), P64(r->Irp));
        FxVerifierKeBugCheck(g, FXBC_REQUEST, FXREQ_NO_STACK, (ULONG64)FxHandle(r), (ULONG64)r->Irp);
    }
}

VOID imp_WdfRequestFormatRequestUsingCurrentType(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = request(g, Request);
    FxRequestNotSent(g, r);
    check_location(g, r);
    FxRequestUndoFormat(r);
    IoCopyCurrentIrpStackLocationToNext(r->Irp);
    r->F.Active = r->F.Location = TRUE;
    r->F.Type = (WDF_REQUEST_TYPE)IoGetCurrentIrpStackLocation(r->Irp)->MajorFunction;
}

VOID imp_WdfRequestWdmFormatUsingStackLocation(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, PIO_STACK_LOCATION Stack)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = request(g, Request);
    FX_NOT_NULL(g, Stack);
    FxRequestNotSent(g, r);
    check_location(g, r);
    FxRequestUndoFormat(r);
    IO_STACK_LOCATION *next = IoGetNextIrpStackLocation(r->Irp);
    RtlCopyMemory(next, Stack, FIELD_OFFSET(IO_STACK_LOCATION, CompletionRoutine));
    next->Control = 0;
    next->CompletionRoutine = NULL;
    next->Context = NULL;
    r->F.Active = r->F.Location = TRUE;
    r->F.Type = (WDF_REQUEST_TYPE)next->MajorFunction;
}

NTSTATUS imp_WdfRequestChangeTarget(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, WDFIOTARGET IoTarget)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = request(g, Request);
    FxTarget *t = FX_OBJ(g, IoTarget, FxTarget, FX_TYPE_IO_TARGET);
    FxRequestNotSent(g, r);
    return FxRequestBase_ValidateTarget(r, t);
}
