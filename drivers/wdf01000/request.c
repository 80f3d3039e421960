/* WDFREQUEST: those that queues present: creation, parameters, buffers, completion. Sending is in target_send.c, queueing in queue.c. */
#include "fx.h"
#include "fx_usb.h"

static FxRequest *request(PWDF_DRIVER_GLOBALS G, WDFREQUEST r)
{
    return FX_OBJ(FxGet(G), r, FxRequest, FX_TYPE_REQUEST);
}

/* ---- life ---- */

struct probed {
    LIST_ENTRY Entry;
    PMDL Mdl;
};

void FxRequestFreeBuffers(FxRequest *r)
{
    if (r->InMdl)
        IoFreeMdl(r->InMdl);
    if (r->OutMdl && r->OutMdl != r->InMdl)
        IoFreeMdl(r->OutMdl);
    r->InMdl = r->OutMdl = NULL;
    while (!IsListEmpty(&r->LockedPages)) {
        struct probed *p = CONTAINING_RECORD(RemoveHeadList(&r->LockedPages), struct probed, Entry);
        MmUnlockPages(p->Mdl);
        IoFreeMdl(p->Mdl);
        ExFreePoolWithTag(p, FX_TAG);
    }
}

static void request_destroy(FxObject *o)
{
    FxRequest *r = (FxRequest *)o;
    FxRequestUndoFormat(r);
    FxRequestFreeBuffers(r);
    if (r->Owner == FX_IRP_INTERNAL && r->Irp)
        IoFreeIrp(r->Irp);
    FxUsbContextFree(r);
    if (r->Timer)
        ExFreePoolWithTag(r->Timer, FX_TAG);
}

static void embedded_memory(FxRequest *r, FxMemory *m)
{
    m->O.Type = IFX_TYPE_MEMORY;
    m->O.Size = sizeof *m;
    m->O.Refs = 1;
    m->O.Globals = r->O.Globals;
    m->O.State = FxObjectStateCreated;
    m->O.Flags = FXO_EMBEDDED | FXO_NO_DELETE;
    m->O.Owner = FX(r);
    m->O.Parent = FX(r);
    m->O.Device = r->O.Device;
    InitializeListHead(&m->O.Children);
    m->Request = r;
}

FxRequest *FxRequestNew(FxGlobals *g, const WDF_OBJECT_ATTRIBUTES *a, NTSTATUS *status)
{
    FxRequest *r = FxObjectCreate(g, FX_TYPE_REQUEST, sizeof *r, a, status);
    if (!r)
        return NULL;
    r->O.Destroy = request_destroy;
    r->Where = FXR_IDLE;
    InitializeListHead(&r->LockedPages);
    embedded_memory(r, &r->InMemory);
    embedded_memory(r, &r->OutMemory);
    embedded_memory(r, &r->SystemMemory);
    return r;
}

void FxRequestBindIrp(FxRequest *r, IRP *irp)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    r->Irp = irp;
    r->Owner = FX_IRP_IO;
    r->FileObject = sl->FileObject;
    r->Major = sl->MajorFunction;
    r->CanComplete = TRUE;
}

FxRequest *FxRequestCreateForIrp(FxDevice *d, IRP *irp, NTSTATUS *status)
{
    FxGlobals *g = d->O.Globals;
    const WDF_OBJECT_ATTRIBUTES *a = d->D.HasRequest ? &d->D.RequestAttributes : NULL;
    FxRequest *r = FxRequestNew(g, a, status);
    if (!r)
        return NULL;
    r->O.Device = d;
    r->O.Flags |= FXO_NO_DELETE | FXO_HANDLED;
    if (a) {
        r->O.Contexts->Cleanup = a->EvtCleanupCallback;
        r->O.Contexts->Destroy = a->EvtDestroyCallback;
    }
    r->O.Level = d->O.Level;
    r->O.Scope = WdfSynchronizationScopeNone;
    if (irp)
        FxRequestBindIrp(r, irp);
    return r;
}

void FxRequestCheckOwned(FxGlobals *g, FxRequest *r)
{
    if (r->Where == FXR_OWNED && r->Queue && !r->Completed)
        return;
    FXLOG(g, RequestNotOwned, P64(FxHandle(r)));
    FxVerifierKeBugCheck(g, FXBC_REQUEST, FXREQ_NOT_IN_QUEUE, (ULONG64)FxHandle(r), (ULONG64)r->Irp);
}

/* ---- completion ---- */

extern void FxFileCreateFailed(FxDevice *d, FILE_OBJECT *file);

/* DOC: codes that only the framework uses do not leave it. */
NTSTATUS FxMapStatus(NTSTATUS s)
{
    switch (s) {
    case STATUS_WDF_PAUSED:
    case STATUS_WDF_BUSY:
        return STATUS_DEVICE_BUSY;
    case STATUS_WDF_INTERNAL_ERROR:
        return STATUS_INTERNAL_ERROR;
    case STATUS_WDF_TOO_FRAGMENTED:
    case STATUS_WDF_TOO_MANY_TRANSFERS:
        return STATUS_INVALID_DEVICE_REQUEST;
    case STATUS_WDF_NOT_ENOUGH_MAP_REGISTERS:
        return STATUS_INSUFFICIENT_RESOURCES;
    default:
        return ((ULONG)s >> 16) == 0xC020 ? STATUS_INVALID_DEVICE_REQUEST : s;
    }
}

static ULONG_PTR information_limit(const FxRequest *r, BOOLEAN *limited)
{
    const IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(r->Irp);
    *limited = TRUE;
    switch (sl->MajorFunction) {
    case IRP_MJ_READ:
        return sl->Parameters.Read.Length;
    case IRP_MJ_WRITE:
        return sl->Parameters.Write.Length;
    case IRP_MJ_DEVICE_CONTROL:
        return sl->Parameters.DeviceIoControl.OutputBufferLength;
    default:
        *limited = FALSE;
        return 0;
    }
}

static void check_memory(FxGlobals *g, FxRequest *r)
{
    FxMemory *all[] = { &r->InMemory, &r->OutMemory, &r->SystemMemory };
    for (int i = 0; i < 3; i++)
        if (all[i]->TargetRefs) {
            FXLOG(g, RequestMemoryReferenced, P64(FxHandle(r)), P64(FxHandle(all[i])));
            FxVerifierKeBugCheck(g, FXBC_FATAL, 3, (ULONG64)FxHandle(r), (ULONG64)FxHandle(all[i]));
        }
}

/* The client owns it. Its clean-up runs before the IRP is completed; the queue gets its place back afterwards. */
NTSTATUS FxRequest_CompleteInternal(FxRequest *r, NTSTATUS status)
{
    FxGlobals *g = r->O.Globals;
    FxQueue *q = r->Queue;
    IRP *irp = r->Irp;
    status = FxMapStatus(status);
    check_memory(g, r);
    FXLOG(g, RequestComplete, P64(FxHandle(r)), P64(irp), irp->IoStatus.Information, S64(status));
    r->Completed = TRUE;
    if (r->Major == IRP_MJ_CREATE && r->Owner == FX_IRP_IO && !NT_SUCCESS(status))
        FxFileCreateFailed(r->O.Device, r->FileObject);
    FxRequestUndoFormat(r);
    if (q) {
        FxObject_AddRef(FX(q));
        FxIoQueue_RequestCompleted(q, r);
    }
    r->Where = FXR_COMPLETED;
    FxObject_EarlyDispose(FX(r));
    FxRequestFreeBuffers(r);
    r->Irp = NULL;
    r->Owner = FX_IRP_NONE;
    irp->IoStatus.Status = status;
    FxQueue *reserve = r->Reserved ? r->ReservedFor : NULL;
    if (reserve) {
        FxObject_AddRef(FX(reserve));
    } else {
        r->O.Flags &= ~FXO_NO_DELETE;
        FxObject_DeleteObject(FX(r));
    }
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    if (reserve) {
        FxForwardProgressReturn(reserve, r);
        FxObject_Release(FX(reserve));
    }
    if (q) {
        FxIoQueue_DispatchEvents(q);
        FxObject_Release(FX(q));
    }
    return status;
}

static void verify_completion(FxGlobals *g, FxRequest *r, PVOID caller)
{
    if (r->Completed || !r->Irp) {
        FXLOG(g, RequestCompletedTwice, P64(FxHandle(r)));
        FxVerifierKeBugCheck(g, FXBC_REQUEST, r->Irp ? FXREQ_NOT_IN_QUEUE : FXREQ_NULL_IRP, (ULONG64)FxHandle(r), (ULONG64)r->Irp);
    }
    if (r->Sent) {
        FXLOG(g, RequestCompletedTwice, P64(FxHandle(r)));
        FxVerifierKeBugCheck(g, FXBC_REQUEST, FXREQ_ALREADY_SENT, (ULONG64)FxHandle(r), (ULONG64)r->Irp);
    }
    if (!r->MustComplete)
        FxRequestCheckOwned(g, r);
    if (r->Cancelable) {
        FXLOG(g, RequestCancelable, P64(FxHandle(r)), P64(r->Irp), S64(STATUS_INVALID_DEVICE_REQUEST));
        FxVerifierDbgBreakPoint(g, FX(r), caller);
    }
    BOOLEAN limited;
    ULONG_PTR most = information_limit(r, &limited);
    if (g->VerifierOn && limited && r->Irp->IoStatus.Information > most) {
        FXLOG(g, RequestInformation, P64(FxHandle(r)), r->Irp->IoStatus.Information, most);
        FxVerifierKeBugCheck(g, FXBC_REQUEST, FXREQ_INFORMATION, (ULONG64)FxHandle(r), (ULONG64)r->Irp);
    }
}

static void complete(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, NTSTATUS status, PVOID caller)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = request(G, Request);
    verify_completion(g, r, caller);
    FxRequest_CompleteInternal(r, status);
}

VOID imp_WdfRequestComplete(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, NTSTATUS Status)
{
    complete(G, Request, Status, __builtin_return_address(0));
}

VOID imp_WdfRequestCompleteWithPriorityBoost(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, NTSTATUS Status, CCHAR PriorityBoost)
{
    complete(G, Request, Status, __builtin_return_address(0));
}

VOID imp_WdfRequestCompleteWithInformation(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, NTSTATUS Status, ULONG_PTR Information)
{
    FxRequest *r = request(G, Request);
    if (r->Irp)
        r->Irp->IoStatus.Information = Information;
    complete(G, Request, Status, __builtin_return_address(0));
}

/* ---- what it is ---- */

void FxRequestParameters(FxRequest *r, PWDF_REQUEST_PARAMETERS p)
{
    const IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(r->Irp);
    p->Type = (WDF_REQUEST_TYPE)sl->MajorFunction;
    p->MinorFunction = sl->MinorFunction;
    switch (sl->MajorFunction) {
    case IRP_MJ_CREATE:
        p->Parameters.Create.SecurityContext = sl->Parameters.Create.SecurityContext;
        p->Parameters.Create.Options = sl->Parameters.Create.Options;
        p->Parameters.Create.FileAttributes = sl->Parameters.Create.FileAttributes;
        p->Parameters.Create.ShareAccess = sl->Parameters.Create.ShareAccess;
        p->Parameters.Create.EaLength = sl->Parameters.Create.EaLength;
        break;
    case IRP_MJ_READ:
        p->Parameters.Read.Length = sl->Parameters.Read.Length;
        p->Parameters.Read.Key = sl->Parameters.Read.Key;
        p->Parameters.Read.DeviceOffset = sl->Parameters.Read.ByteOffset.QuadPart;
        break;
    case IRP_MJ_WRITE:
        p->Parameters.Write.Length = sl->Parameters.Write.Length;
        p->Parameters.Write.Key = sl->Parameters.Write.Key;
        p->Parameters.Write.DeviceOffset = sl->Parameters.Write.ByteOffset.QuadPart;
        break;
    case IRP_MJ_DEVICE_CONTROL:
        p->Parameters.DeviceIoControl.OutputBufferLength = sl->Parameters.DeviceIoControl.OutputBufferLength;
        p->Parameters.DeviceIoControl.InputBufferLength = sl->Parameters.DeviceIoControl.InputBufferLength;
        p->Parameters.DeviceIoControl.IoControlCode = sl->Parameters.DeviceIoControl.IoControlCode;
        p->Parameters.DeviceIoControl.Type3InputBuffer = sl->Parameters.DeviceIoControl.Type3InputBuffer;
        break;
    default: /* internal control codes too: as lengths and code, or as three arguments */
        p->Parameters.Others.Arg1 = sl->Parameters.Others.Argument1;
        p->Parameters.Others.Arg2 = sl->Parameters.Others.Argument2;
        p->Parameters.Others.IoControlCode = (ULONG)(ULONG_PTR)sl->Parameters.Others.Argument3;
        p->Parameters.Others.Arg4 = sl->Parameters.Others.Argument4;
        break;
    }
}

VOID imp_WdfRequestGetParameters(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, PWDF_REQUEST_PARAMETERS Parameters)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = request(G, Request);
    FX_NOT_NULL(g, Parameters);
    if (Parameters->Size != sizeof *Parameters) {
        FXLOG(g, StructureSize, P64(Parameters), Parameters->Size, sizeof *Parameters, S64(STATUS_INFO_LENGTH_MISMATCH));
        FxVerifierDbgBreakPoint(g, FX(r), __builtin_return_address(0));
        return;
    }
    if (!r->Irp) {
        FXLOG(g, RequestNoIrp, P64(Request), S64(STATUS_INVALID_DEVICE_REQUEST));
        FxVerifierDbgBreakPoint(g, FX(r), __builtin_return_address(0));
        return;
    }
    FxRequestParameters(r, Parameters);
}

NTSTATUS imp_WdfRequestGetStatus(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request)
{
    FxRequest *r = request(G, Request);
    return r->FormatFailed || !r->Irp ? r->Status : r->Irp->IoStatus.Status;
}

ULONG_PTR imp_WdfRequestGetInformation(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request)
{
    FxRequest *r = request(G, Request);
    return r->Irp ? r->Irp->IoStatus.Information : r->Information;
}

VOID imp_WdfRequestSetInformation(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, ULONG_PTR Information)
{
    FxRequest *r = request(G, Request);
    r->Information = Information;
    if (r->Irp)
        r->Irp->IoStatus.Information = Information;
}

WDFFILEOBJECT imp_WdfRequestGetFileObject(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request)
{
    FxRequest *r = request(G, Request);
    FxFile *f = r->Irp && r->O.Device ? FxFileFind(r->O.Device, r->FileObject) : NULL;
    return f ? (WDFFILEOBJECT)FxHandle(f) : NULL;
}

WDFQUEUE imp_WdfRequestGetIoQueue(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request)
{
    FxRequest *r = request(G, Request);
    return r->Queue && !r->Completed ? (WDFQUEUE)FxHandle(r->Queue) : NULL;
}

PIRP imp_WdfRequestWdmGetIrp(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request)
{
    return request(G, Request)->Irp;
}

KPROCESSOR_MODE imp_WdfRequestGetRequestorMode(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request)
{
    FxRequest *r = request(G, Request);
    return r->Irp ? r->Irp->RequestorMode : KernelMode;
}

ULONG imp_WdfRequestGetRequestorProcessId(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request)
{
    FxRequest *r = request(G, Request);
    return r->Irp ? IoGetRequestorProcessId(r->Irp) : 0;
}

BOOLEAN imp_WdfRequestIsFrom32BitProcess(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request)
{
    FxRequest *r = request(G, Request);
    return r->Irp && IoIs32bitProcess(r->Irp);
}

/* ---- buffers ---- */

static ULONG method_of(const IO_STACK_LOCATION *sl)
{
    return sl->Parameters.DeviceIoControl.IoControlCode & 3;
}

static NTSTATUS wrong_type(FxRequest *r, UCHAR major)
{
    FXLOG(r->O.Globals, RequestWrongType, P64(FxHandle(r)), major, S64(STATUS_INVALID_DEVICE_REQUEST));
    return STATUS_INVALID_DEVICE_REQUEST;
}

static NTSTATUS from_mdl(FxRequest *r, FxMemory *m, PMDL mdl, size_t length)
{
    m->Length = length;
    m->Mdl = mdl;
    if (!length || !mdl)
        return STATUS_BUFFER_TOO_SMALL;
    m->Buffer = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
    if (m->Buffer)
        return STATUS_SUCCESS;
    FXLOG(r->O.Globals, RequestMdlFailed, P64(FxHandle(r)), P64(mdl), S64(STATUS_INSUFFICIENT_RESOURCES));
    return STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS from_system(FxMemory *m, PVOID buffer, size_t length)
{
    m->Buffer = buffer;
    m->Length = length;
    return length && buffer ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

static NTSTATUS control_memory(FxRequest *r, FxMemory *m, BOOLEAN output, IO_STACK_LOCATION *sl)
{
    size_t in = sl->Parameters.DeviceIoControl.InputBufferLength, out = sl->Parameters.DeviceIoControl.OutputBufferLength;
    switch (method_of(sl)) {
    case METHOD_BUFFERED:
        return from_system(m, r->Irp->AssociatedIrp.SystemBuffer, output ? out : in);
    case METHOD_IN_DIRECT:
    case METHOD_OUT_DIRECT:
        return output ? from_mdl(r, m, r->Irp->MdlAddress, out) : from_system(m, r->Irp->AssociatedIrp.SystemBuffer, in);
    default: /* METHOD_NEITHER: of a kernel-mode sender both are pointers that can be used */
        if (r->Irp->RequestorMode == UserMode) {
            FXLOG(r->O.Globals, RequestWrongType, P64(FxHandle(r)), sl->MajorFunction, S64(STATUS_INVALID_DEVICE_REQUEST));
            return STATUS_INVALID_DEVICE_REQUEST;
        }
        return from_system(m, output ? r->Irp->UserBuffer : sl->Parameters.DeviceIoControl.Type3InputBuffer, output ? out : in);
    }
}

NTSTATUS FxRequestRetrieveMemory(FxRequest *r, BOOLEAN output, FxMemory **out)
{
    FxMemory *m = output ? &r->OutMemory : &r->InMemory;
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(r->Irp);
    DEVICE_OBJECT *d = r->O.Device->DeviceObject;
    NTSTATUS s;
    switch (sl->MajorFunction) {
    case IRP_MJ_READ:
    case IRP_MJ_WRITE:
        if ((sl->MajorFunction == IRP_MJ_READ) != output)
            return wrong_type(r, sl->MajorFunction);
        if (d->Flags & DO_BUFFERED_IO)
            s = from_system(m, r->Irp->AssociatedIrp.SystemBuffer, sl->Parameters.Read.Length);
        else if (d->Flags & DO_DIRECT_IO)
            s = from_mdl(r, m, r->Irp->MdlAddress, sl->Parameters.Read.Length);
        else
            return wrong_type(r, sl->MajorFunction);
        m->ReadOnly = !output;
        break;
    case IRP_MJ_DEVICE_CONTROL:
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
        s = control_memory(r, m, output, sl);
        break;
    default:
        return wrong_type(r, sl->MajorFunction);
    }
    *out = m;
    if (s == STATUS_BUFFER_TOO_SMALL)
        FXLOG(r->O.Globals, RequestBadBuffer, P64(FxHandle(r)), m->Length, 1, S64(s));
    return s;
}

static NTSTATUS retrieve_memory(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, BOOLEAN output, FxMemory **m)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = request(G, Request);
    if (!r->Irp || r->Completed) {
        FXLOG(g, RequestNoIrp, P64(Request), S64(STATUS_INVALID_DEVICE_REQUEST));
        FxVerifierDbgBreakPoint(g, FX(r), __builtin_return_address(0));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (!r->MustComplete && r->Owner == FX_IRP_IO && g->VerifierOn && r->Where != FXR_OWNED && r->Where != FXR_IDLE)
        FxRequestCheckOwned(g, r);
    return FxRequestRetrieveMemory(r, output, m);
}

static NTSTATUS retrieve_buffer(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, BOOLEAN output, size_t minimum, PVOID *buffer, size_t *length)
{
    FxGlobals *g = FxGet(G);
    FxMemory *m;
    FX_NOT_NULL(g, buffer);
    *buffer = NULL;
    if (length)
        *length = 0;
    NTSTATUS s = retrieve_memory(G, Request, output, &m);
    if (!NT_SUCCESS(s))
        return s;
    if (m->Length < minimum) {
        FXLOG(g, RequestBadBuffer, P64(Request), m->Length, minimum, S64(STATUS_BUFFER_TOO_SMALL));
        return STATUS_BUFFER_TOO_SMALL;
    }
    *buffer = m->Buffer;
    if (length)
        *length = m->Length;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfRequestRetrieveInputBuffer(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, size_t Minimum, PVOID *Buffer, size_t *Length)
{
    return retrieve_buffer(G, Request, FALSE, Minimum, Buffer, Length);
}

NTSTATUS imp_WdfRequestRetrieveOutputBuffer(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, size_t Minimum, PVOID *Buffer, size_t *Length)
{
    return retrieve_buffer(G, Request, TRUE, Minimum, Buffer, Length);
}

static NTSTATUS memory_handle(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, BOOLEAN output, WDFMEMORY *Memory)
{
    FxMemory *m;
    FX_NOT_NULL(FxGet(G), Memory);
    *Memory = NULL;
    NTSTATUS s = retrieve_memory(G, Request, output, &m);
    if (NT_SUCCESS(s))
        *Memory = (WDFMEMORY)FxHandle(m);
    return s;
}

NTSTATUS imp_WdfRequestRetrieveInputMemory(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, WDFMEMORY *Memory)
{
    return memory_handle(G, Request, FALSE, Memory);
}

NTSTATUS imp_WdfRequestRetrieveOutputMemory(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, WDFMEMORY *Memory)
{
    return memory_handle(G, Request, TRUE, Memory);
}

static NTSTATUS retrieve_mdl(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, BOOLEAN output, PMDL *Mdl)
{
    FxRequest *r = request(G, Request);
    FxMemory *m;
    FX_NOT_NULL(FxGet(G), Mdl);
    *Mdl = NULL;
    NTSTATUS s = retrieve_memory(G, Request, output, &m);
    if (!NT_SUCCESS(s))
        return s;
    if (m->Mdl) {
        *Mdl = m->Mdl;
        return STATUS_SUCCESS;
    }
    PMDL *kept = output ? &r->OutMdl : &r->InMdl;
    if (!*kept) {
        *kept = IoAllocateMdl(m->Buffer, (ULONG)m->Length, FALSE, FALSE, NULL);
        if (!*kept)
            return STATUS_INSUFFICIENT_RESOURCES;
        MmBuildMdlForNonPagedPool(*kept);
    }
    *Mdl = *kept;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfRequestRetrieveInputWdmMdl(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, PMDL *Mdl)
{
    return retrieve_mdl(G, Request, FALSE, Mdl);
}

NTSTATUS imp_WdfRequestRetrieveOutputWdmMdl(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, PMDL *Mdl)
{
    return retrieve_mdl(G, Request, TRUE, Mdl);
}

/* DOC: only for I/O of type neither, in EvtIoInCallerContext. */
static NTSTATUS unsafe_buffer(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, BOOLEAN output, size_t minimum, PVOID *buffer, size_t *length)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = request(G, Request);
    FX_NOT_NULL(g, buffer);
    *buffer = NULL;
    if (length)
        *length = 0;
    if (!r->Irp || r->Where != FXR_IDLE) {
        FXLOG(g, RequestNotNeither, P64(Request), S64(STATUS_INVALID_DEVICE_REQUEST));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(r->Irp);
    BOOLEAN control = sl->MajorFunction == IRP_MJ_DEVICE_CONTROL || sl->MajorFunction == IRP_MJ_INTERNAL_DEVICE_CONTROL;
    BOOLEAN neither = control ? method_of(sl) == METHOD_NEITHER : !(r->O.Device->DeviceObject->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO));
    if (!neither || (!control && (sl->MajorFunction == IRP_MJ_READ) != output)) {
        FXLOG(g, RequestNotNeither, P64(Request), S64(STATUS_INVALID_DEVICE_REQUEST));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    size_t size = !control ? sl->Parameters.Read.Length : output ? sl->Parameters.DeviceIoControl.OutputBufferLength : sl->Parameters.DeviceIoControl.InputBufferLength;
    if (!size || size < minimum)
        return STATUS_BUFFER_TOO_SMALL;
    *buffer = !control || output ? r->Irp->UserBuffer : sl->Parameters.DeviceIoControl.Type3InputBuffer;
    if (length)
        *length = size;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfRequestRetrieveUnsafeUserInputBuffer(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, size_t Minimum, PVOID *Buffer, size_t *Length)
{
    return unsafe_buffer(G, Request, FALSE, Minimum, Buffer, Length);
}

NTSTATUS imp_WdfRequestRetrieveUnsafeUserOutputBuffer(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, size_t Minimum, PVOID *Buffer, size_t *Length)
{
    return unsafe_buffer(G, Request, TRUE, Minimum, Buffer, Length);
}

static BOOLEAN lock_pages(PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation)
{
    __try {
        MmProbeAndLockPages(mdl, mode, operation);
        return TRUE;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return FALSE;
    }
}

static NTSTATUS probe(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, PVOID Buffer, size_t Length, LOCK_OPERATION operation, WDFMEMORY *Memory)
{
    FxGlobals *g = FxGet(G);
    FxRequest *r = request(G, Request);
    FX_NOT_NULL(g, Buffer);
    FX_NOT_NULL(g, Memory);
    FX_PASSIVE(g);
    *Memory = NULL;
    if (!Length)
        return STATUS_INVALID_USER_BUFFER;
    if (!r->Irp)
        return STATUS_INVALID_DEVICE_REQUEST;
    NTSTATUS s;
    FxMemory *m = FxObjectCreate(g, IFX_TYPE_MEMORY, sizeof *m, NULL, &s);
    struct probed *p = FxPoolAllocate(g, NonPagedPoolNx, sizeof *p, FX_TAG);
    PMDL mdl = IoAllocateMdl(Buffer, (ULONG)Length, FALSE, FALSE, NULL);
    BOOLEAN locked = m && p && mdl && lock_pages(mdl, r->Irp->RequestorMode, operation);
    PVOID address = locked ? MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) : NULL;
    s = !m || !p || !mdl ? STATUS_INSUFFICIENT_RESOURCES : !locked ? STATUS_ACCESS_VIOLATION : !address ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
    if (NT_SUCCESS(s)) {
        m->Buffer = address;
        m->Length = Length;
        m->Mdl = mdl;
        m->ReadOnly = operation == IoReadAccess;
        s = FxObjectCommit(FX(m), NULL, FX(r), (WDFOBJECT *)Memory);
    }
    if (!NT_SUCCESS(s)) {
        if (locked)
            MmUnlockPages(mdl);
        if (mdl)
            IoFreeMdl(mdl);
        if (p)
            ExFreePoolWithTag(p, FX_TAG);
        if (m)
            FxObjectDeleteFromFailedCreate(FX(m));
        return s;
    }
    m->O.Flags |= FXO_NO_DELETE;
    p->Mdl = mdl;
    InsertTailList(&r->LockedPages, &p->Entry);
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfRequestProbeAndLockUserBufferForRead(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, PVOID Buffer, size_t Length, WDFMEMORY *Memory)
{
    return probe(G, Request, Buffer, Length, IoReadAccess, Memory);
}

NTSTATUS imp_WdfRequestProbeAndLockUserBufferForWrite(PWDF_DRIVER_GLOBALS G, WDFREQUEST Request, PVOID Buffer, size_t Length, WDFMEMORY *Memory)
{
    return probe(G, Request, Buffer, Length, IoWriteAccess, Memory);
}
