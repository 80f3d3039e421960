/* Where IRPs become requests: the packages for I/O (read, write, device control) and for files (create, cleanup, close, shutdown). */
#include "fx.h"

extern BOOLEAN FxDeviceDynamicDispatch(FxDevice *d, IRP *irp, NTSTATUS *status);
extern void FxQueueCancelFile(FxDevice *d, FILE_OBJECT *file);

/* ---- I/O ---- */

static FxQueue *queue_for(FxDevice *d, UCHAR major)
{
    return d->Dispatching[major] ? d->Dispatching[major] : d->DefaultQueue;
}

NTSTATUS FxPkgIo_EnterQueue(FxQueue *q, FxRequest *r, IRP *irp)
{
    NTSTATUS s = FxIoQueue_QueueRequest(q, r);
    if (s == STATUS_PENDING)
        return s;
    r->Where = FXR_OWNED;
    r->Queue = NULL;
    irp->IoStatus.Information = 0;
    return FxRequest_CompleteInternal(r, s);
}

static NTSTATUS in_caller_context(FxDevice *d, FxRequest *r, IRP *irp)
{
    IoMarkIrpPending(irp); /* the callback may do anything with it */
    FX_CALL(d->O.Globals, d->D.InCallerContext, (WDFDEVICE)FxHandle(d), (WDFREQUEST)FxHandle(r));
    return STATUS_PENDING;
}

NTSTATUS FxPkgIo_DispatchStep2(FxDevice *d, IRP *irp, FxQueue *queue)
{
    UCHAR major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;
    FxQueue *q = queue ? queue : queue_for(d, major);
    BOOLEAN inCaller = d->D.InCallerContext && !queue;
    NTSTATUS s;
    if (!q && !inCaller)
        return d->D.Filter ? FxDevicePass(d, irp) : FxDeviceCompleteIrp(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    if (d->D.Filter && q && q == d->DefaultQueue && !FxQueueHasHandler(q, major) && !inCaller)
        return FxDevicePass(d, irp);
    FxRequest *r = FxRequestCreateForIrp(d, irp, &s);
    if (q && q->ForwardProgress && !inCaller)
        r = FxForwardProgressRequest(q, irp, r, &s);
    if (!r)
        return s == STATUS_PENDING ? s : FxDeviceCompleteIrp(irp, s, 0);
    if (inCaller) {
        r->Queue = NULL;
        r->MustComplete = TRUE; /* the callback may complete it without a queue */
        return in_caller_context(d, r, irp);
    }
    return FxPkgIo_EnterQueue(q, r, irp);
}

/* DOC: WdfDeviceEnqueueRequest, from EvtIoInCallerContext: to the queue that the request would have gone to. */
NTSTATUS FxPkgIoEnqueue(FxDevice *d, FxRequest *r)
{
    FxGlobals *g = d->O.Globals;
    if (!r->Irp || r->Where != FXR_IDLE || r->O.Device != d) {
        FXLOG(g, RequestNotOwned, P64(FxHandle(r)));
        FxVerifierDbgBreakPoint(g, FX(r), __builtin_return_address(0));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    FxQueue *q = queue_for(d, r->Major);
    if (!q)
        return STATUS_INVALID_DEVICE_REQUEST;
    NTSTATUS s;
    r->MustComplete = FALSE;
    s = FxIoQueue_QueueRequest(q, r);
    if (s == STATUS_PENDING)
        return STATUS_SUCCESS;
    r->MustComplete = TRUE;
    return STATUS_WDF_BUSY;
}

NTSTATUS FxPkgIo_Dispatch(FxDevice *d, IRP *irp)
{
    NTSTATUS s;
    BOOLEAN region = KeGetCurrentIrql() <= APC_LEVEL;
    if (region)
        KeEnterCriticalRegion();
    if (!d->Dispatch || !FxDeviceDynamicDispatch(d, irp, &s))
        s = FxPkgIo_DispatchStep2(d, irp, NULL);
    if (region)
        KeLeaveCriticalRegion();
    return s;
}

/* ---- files ---- */

static BOOLEAN uses_context(const FxFile *f)
{
    ULONG c = f->Class & ~(ULONG)WdfFileObjectCanBeOptional;
    return c == WdfFileObjectWdfCanUseFsContext || c == WdfFileObjectWdfCanUseFsContext2;
}

FxFile *FxFileFind(FxDevice *d, FILE_OBJECT *file)
{
    ULONG c = d->D.HasFile ? d->D.File.FileObjectClass & ~(ULONG)WdfFileObjectCanBeOptional : WdfFileObjectNotRequired;
    FxFile *f = NULL;
    KIRQL irql;
    if (!file || c == WdfFileObjectNotRequired || c == WdfFileObjectInvalid)
        return NULL;
    if (c == WdfFileObjectWdfCanUseFsContext)
        return file->FsContext;
    if (c == WdfFileObjectWdfCanUseFsContext2)
        return file->FsContext2;
    KeAcquireSpinLock(&d->IoLock, &irql);
    for (LIST_ENTRY *e = d->Files.Flink; e != &d->Files && !f; e = e->Flink)
        if (CONTAINING_RECORD(e, FxFile, Entry)->FileObject == file)
            f = CONTAINING_RECORD(e, FxFile, Entry);
    KeReleaseSpinLock(&d->IoLock, irql);
    return f;
}

static void file_destroy(FxObject *o)
{
    FxFreeString(&((FxFile *)o)->Name);
}

static NTSTATUS file_create(FxDevice *d, FILE_OBJECT *file, FxFile **out)
{
    FxGlobals *g = d->O.Globals;
    NTSTATUS s;
    *out = NULL;
    if (!d->D.HasFile || !file || (d->D.File.FileObjectClass & ~(ULONG)WdfFileObjectCanBeOptional) == WdfFileObjectNotRequired)
        return STATUS_SUCCESS;
    WDF_OBJECT_ATTRIBUTES *a = d->D.FileAttributes.Size ? &d->D.FileAttributes : NULL;
    FxFile *f = FxObjectCreate(g, FX_TYPE_FILEOBJECT, sizeof *f, a, &s);
    if (!f)
        return s;
    f->O.Flags |= FXO_PASSIVE;
    f->O.Destroy = file_destroy;
    f->FileObject = file;
    f->Class = d->D.File.FileObjectClass;
    if (file->FileName.Length)
        s = FxCopyString(g, &f->Name, &file->FileName);
    else
        s = STATUS_SUCCESS;
    if (NT_SUCCESS(s))
        s = FxObjectCommit(FX(f), a, FX(d), NULL);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(f));
        return s;
    }
    f->O.Flags |= FXO_NO_DELETE;
    if (uses_context(f)) {
        if ((f->Class & ~(ULONG)WdfFileObjectCanBeOptional) == WdfFileObjectWdfCanUseFsContext)
            file->FsContext = f;
        else
            file->FsContext2 = f;
    } else {
        KIRQL irql;
        KeAcquireSpinLock(&d->IoLock, &irql);
        InsertTailList(&d->Files, &f->Entry);
        KeReleaseSpinLock(&d->IoLock, irql);
    }
    *out = f;
    return STATUS_SUCCESS;
}

static void file_forget(FxDevice *d, FxFile *f)
{
    if (uses_context(f)) {
        if ((f->Class & ~(ULONG)WdfFileObjectCanBeOptional) == WdfFileObjectWdfCanUseFsContext)
            f->FileObject->FsContext = NULL;
        else
            f->FileObject->FsContext2 = NULL;
    } else {
        KIRQL irql;
        KeAcquireSpinLock(&d->IoLock, &irql);
        RemoveEntryList(&f->Entry);
        KeReleaseSpinLock(&d->IoLock, irql);
    }
    FxObject_DeleteObject(FX(f));
}

static BOOLEAN forwards(FxDevice *d)
{
    WDF_TRI_STATE t = d->D.HasFile ? d->D.File.AutoForwardCleanupClose : WdfUseDefault;
    return t == WdfTrue || (t == WdfUseDefault && d->D.Filter);
}

/* The create that a filter without interest passes down: its file object, if it wants one, is ours all the same. */
static NTSTATUS create_passed(DEVICE_OBJECT *o, IRP *irp, PVOID context)
{
    FxFile *f = context;
    if (irp->PendingReturned)
        IoMarkIrpPending(irp);
    if (!NT_SUCCESS(irp->IoStatus.Status) && f)
        file_forget(f->O.Device, f);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS on_create_request(FxDevice *d, IRP *irp, FxFile *f)
{
    NTSTATUS s;
    FxQueue *q = d->Dispatching[IRP_MJ_CREATE];
    FxRequest *r = FxRequestCreateForIrp(d, irp, &s);
    if (!r) {
        if (f)
            file_forget(d, f);
        return FxDeviceCompleteIrp(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    if (q)
        return FxPkgIo_EnterQueue(q, r, irp);
    r->MustComplete = TRUE;
    IoMarkIrpPending(irp);
    KIRQL cb;
    FxCallbackLock *l = d->O.Level == WdfExecutionLevelPassive ? FxObjectCallbackLock(FX(d)) : NULL;
    FxCallbackLockAcquire(l, &cb);
    FX_CALL(d->O.Globals, d->D.File.EvtDeviceFileCreate, (WDFDEVICE)FxHandle(d), (WDFREQUEST)FxHandle(r), f ? (WDFFILEOBJECT)FxHandle(f) : NULL);
    FxCallbackLockRelease(l, cb);
    return STATUS_PENDING;
}

static NTSTATUS on_create(FxDevice *d, IRP *irp)
{
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(irp);
    BOOLEAN asked = (d->D.HasFile && d->D.File.EvtDeviceFileCreate) || d->Dispatching[IRP_MJ_CREATE];
    FxFile *f;
    if (FxDeviceIsPdo(d) && !d->D.Raw && !asked)
        return FxDeviceCompleteIrp(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    NTSTATUS s = file_create(d, sl->FileObject, &f);
    if (!NT_SUCCESS(s))
        return FxDeviceCompleteIrp(irp, s, 0);
    if (f)
        f->Initiator = IoGetRequestorProcessId(irp);
    if (asked)
        return on_create_request(d, irp, f);
    if (!d->D.Filter && !(d->D.HasFile && d->D.File.AutoForwardCleanupClose == WdfTrue))
        return FxDeviceCompleteIrp(irp, STATUS_SUCCESS, FILE_OPENED);
    if (!d->Attached)
        return FxDeviceCompleteIrp(irp, STATUS_SUCCESS, FILE_OPENED);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, create_passed, f, TRUE, TRUE, TRUE);
    return IoCallDriver(d->Attached, irp);
}

/* Called when a create request has been completed by the driver with an error: no cleanup or close will come. */
void FxFileCreateFailed(FxDevice *d, FILE_OBJECT *file)
{
    FxFile *f = FxFileFind(d, file);
    if (f)
        file_forget(d, f);
}

static NTSTATUS finish(FxDevice *d, IRP *irp)
{
    return forwards(d) && d->Attached ? FxDevicePass(d, irp) : FxDeviceCompleteIrp(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS on_cleanup(FxDevice *d, IRP *irp)
{
    FILE_OBJECT *file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    FxFile *f = FxFileFind(d, file);
    if (file)
        FxQueueCancelFile(d, file);
    if (f && d->D.File.EvtFileCleanup)
        FX_CALL(d->O.Globals, d->D.File.EvtFileCleanup, (WDFFILEOBJECT)FxHandle(f));
    return finish(d, irp);
}

static NTSTATUS on_close(FxDevice *d, IRP *irp)
{
    FxFile *f = FxFileFind(d, IoGetCurrentIrpStackLocation(irp)->FileObject);
    if (f) {
        if (d->D.File.EvtFileClose)
            FX_CALL(d->O.Globals, d->D.File.EvtFileClose, (WDFFILEOBJECT)FxHandle(f));
        file_forget(d, f);
    }
    return finish(d, irp);
}

static NTSTATUS on_shutdown(FxDevice *d, IRP *irp)
{
    if (d->D.Shutdown)
        FX_CALL(d->O.Globals, d->D.Shutdown, (WDFDEVICE)FxHandle(d));
    return d->D.Filter ? FxDevicePass(d, irp) : FxDeviceCompleteIrp(irp, STATUS_SUCCESS, 0);
}

NTSTATUS FxPkgGeneral_Dispatch(FxDevice *d, IRP *irp)
{
    switch (IoGetCurrentIrpStackLocation(irp)->MajorFunction) {
    case IRP_MJ_CREATE:
        return on_create(d, irp);
    case IRP_MJ_CLEANUP:
        return on_cleanup(d, irp);
    case IRP_MJ_CLOSE:
        return on_close(d, irp);
    default:
        return on_shutdown(d, irp);
    }
}

/* ---- WDFFILEOBJECT ---- */

static FxFile *file_of(PWDF_DRIVER_GLOBALS G, WDFFILEOBJECT f)
{
    return FX_OBJ(FxGet(G), f, FxFile, FX_TYPE_FILEOBJECT);
}

PUNICODE_STRING imp_WdfFileObjectGetFileName(PWDF_DRIVER_GLOBALS G, WDFFILEOBJECT FileObject)
{
    return &file_of(G, FileObject)->Name;
}

ULONG imp_WdfFileObjectGetInitiatorProcessId(PWDF_DRIVER_GLOBALS G, WDFFILEOBJECT FileObject)
{
    return file_of(G, FileObject)->Initiator;
}

ULONG imp_WdfFileObjectGetFlags(PWDF_DRIVER_GLOBALS G, WDFFILEOBJECT FileObject)
{
    return file_of(G, FileObject)->FileObject->Flags;
}

WDFDEVICE imp_WdfFileObjectGetDevice(PWDF_DRIVER_GLOBALS G, WDFFILEOBJECT FileObject)
{
    return (WDFDEVICE)FxHandle(file_of(G, FileObject)->O.Device);
}

PFILE_OBJECT imp_WdfFileObjectWdmGetFileObject(PWDF_DRIVER_GLOBALS G, WDFFILEOBJECT FileObject)
{
    return file_of(G, FileObject)->FileObject;
}

WDFFILEOBJECT imp_WdfDeviceGetFileObject(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PFILE_OBJECT FileObject)
{
    FxFile *f = FxFileFind(FX_OBJ(FxGet(G), Device, FxDevice, FX_TYPE_DEVICE), FileObject);
    return f ? (WDFFILEOBJECT)FxHandle(f) : NULL;
}
