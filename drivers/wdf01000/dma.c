/* DMA: enablers, common buffers, transactions. Over the system's adapter (IoGetDmaAdapter); a transaction is split into transfers of the enabler's
 * maximum length, EvtProgramDma is called for each. */
#include "fx.h"

typedef struct {
    FxObject O;
    LIST_ENTRY Entry; /* device's DmaEnablers */
    BOOLEAN FillFailed, EnableFailed;
    WDF_DMA_ENABLER_CONFIG C;
    DMA_ADAPTER *Adapter;
    ULONG MapRegisters;
    size_t MaximumElements;
} FxDmaEnabler;

typedef struct {
    FxObject O;
    FxDmaEnabler *Enabler;
    PVOID Buffer, Aligned;
    PHYSICAL_ADDRESS Logical, AlignedLogical;
    size_t Length, Allocated;
} FxCommonBuffer;

static FxDmaEnabler *enabler(PWDF_DRIVER_GLOBALS G, WDFDMAENABLER e)
{
    return FX_OBJ(FxGet(G), e, FxDmaEnabler, FX_TYPE_DMA_ENABLER);
}

static void enabler_destroy(FxObject *o)
{
    FxDmaEnabler *e = (FxDmaEnabler *)o;
    if (e->Adapter)
        e->Adapter->DmaOperations->PutDmaAdapter(e->Adapter);
}

static BOOLEAN enabler_dispose(FxObject *o)
{
    FxDmaEnabler *e = (FxDmaEnabler *)o;
    KIRQL irql;
    KeAcquireSpinLock(&o->Device->IoLock, &irql);
    RemoveEntryList(&e->Entry);
    KeReleaseSpinLock(&o->Device->IoLock, irql);
    return TRUE;
}

/* ---- power: in the thread of the device's power machine ---- */

static NTSTATUS told(FxDmaEnabler *e, NTSTATUS (*callback)(WDFDMAENABLER), PCSTR name)
{
    NTSTATUS s = STATUS_SUCCESS;
    if (callback)
        s = callback((WDFDMAENABLER)FxHandle(e));
    if (!NT_SUCCESS(s))
        FXLOG(e->O.Globals, DmaPower, P64(FxHandle(e)), P64(name), S64(s));
    return s;
}

static NTSTATUS enabler_up(FxDmaEnabler *e)
{
    NTSTATUS s = told(e, e->C.EvtDmaEnablerFill, "EvtDmaEnablerFill");
    e->FillFailed = !NT_SUCCESS(s);
    e->EnableFailed = FALSE;
    if (NT_SUCCESS(s)) {
        s = told(e, e->C.EvtDmaEnablerEnable, "EvtDmaEnablerEnable");
        e->EnableFailed = !NT_SUCCESS(s);
    }
    return NT_SUCCESS(s) ? told(e, e->C.EvtDmaEnablerSelfManagedIoStart, "EvtDmaEnablerSelfManagedIoStart") : s;
}

/* All are asked, the first failure counts. */
static NTSTATUS enabler_down(FxDmaEnabler *e)
{
    NTSTATUS s = told(e, e->C.EvtDmaEnablerSelfManagedIoStop, "EvtDmaEnablerSelfManagedIoStop");
    NTSTATUS disabled = e->FillFailed ? s : told(e, e->C.EvtDmaEnablerDisable, "EvtDmaEnablerDisable");
    NTSTATUS flushed = e->FillFailed || e->EnableFailed ? s : told(e, e->C.EvtDmaEnablerFlush, "EvtDmaEnablerFlush");
    return !NT_SUCCESS(s) ? s : !NT_SUCCESS(disabled) ? disabled : flushed;
}

NTSTATUS FxDmaPowerUp(FxDevice *d)
{
    NTSTATUS s = STATUS_SUCCESS;
    for (LIST_ENTRY *e = d->DmaEnablers.Flink; e != &d->DmaEnablers && NT_SUCCESS(s); e = e->Flink)
        s = enabler_up(CONTAINING_RECORD(e, FxDmaEnabler, Entry));
    return s;
}

NTSTATUS FxDmaPowerDown(FxDevice *d)
{
    NTSTATUS first = STATUS_SUCCESS;
    for (LIST_ENTRY *e = d->DmaEnablers.Flink; e != &d->DmaEnablers; e = e->Flink) {
        NTSTATUS s = enabler_down(CONTAINING_RECORD(e, FxDmaEnabler, Entry));
        if (NT_SUCCESS(first))
            first = s;
    }
    return first;
}

static void describe(FxDmaEnabler *e, DEVICE_DESCRIPTION *d)
{
    RtlZeroMemory(d, sizeof *d);
    d->Version = DEVICE_DESCRIPTION_VERSION;
    d->Master = TRUE;
    d->InterfaceType = InterfaceTypeUndefined;
    d->MaximumLength = (ULONG)e->C.MaximumLength;
    switch (e->C.Profile) {
    case WdfDmaProfileScatterGather:
    case WdfDmaProfileScatterGatherDuplex:
        d->ScatterGather = TRUE;
        d->Dma32BitAddresses = TRUE;
        break;
    case WdfDmaProfileScatterGather64:
    case WdfDmaProfileScatterGather64Duplex:
        d->ScatterGather = TRUE;
        d->Dma64BitAddresses = TRUE;
        break;
    case WdfDmaProfilePacket64:
        d->Dma64BitAddresses = TRUE;
        break;
    default:
        d->Dma32BitAddresses = TRUE;
        break;
    }
}

NTSTATUS imp_WdfDmaEnablerCreate(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_DMA_ENABLER_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFDMAENABLER *DmaEnablerHandle)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = FX_OBJ(g, Device, FxDevice, FX_TYPE_DEVICE);
    DEVICE_DESCRIPTION description;
    FX_NOT_NULL(g, Config);
    FX_NOT_NULL(g, DmaEnablerHandle);
    FX_PASSIVE(g);
    *DmaEnablerHandle = NULL;
    if (Config->Size > sizeof *Config || Config->Size < FIELD_OFFSET(WDF_DMA_ENABLER_CONFIG, EvtDmaEnablerFill))
        return STATUS_INFO_LENGTH_MISMATCH;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_OPTIONAL);
    if (!NT_SUCCESS(s))
        return s;
    if (Config->MaximumLength == 0 || Config->Profile <= WdfDmaProfileInvalid || Config->Profile > WdfDmaProfileSystemDuplex) {
        FXLOG(g, DmaInvalid, P64(Device), S64(STATUS_INVALID_PARAMETER));
        return STATUS_INVALID_PARAMETER;
    }
    FxDmaEnabler *e = FxObjectCreate(g, FX_TYPE_DMA_ENABLER, sizeof *e, Attributes, &s);
    if (!e)
        return s;
    RtlCopyMemory(&e->C, Config, Config->Size);
    e->MaximumElements = WDF_DMA_ENABLER_UNLIMITED_FRAGMENTS;
    describe(e, &description);
    BOOLEAN system = Config->Profile >= WdfDmaProfileSystem; /* DOC: gets its adapter by WdfDmaEnablerConfigureSystemProfile, which is not there */
    if (!system)
        e->Adapter = IoGetDmaAdapter(d->Pdo, &description, &e->MapRegisters);
    e->O.Destroy = enabler_destroy;
    s = e->Adapter || system ? FxObjectCommit(FX(e), Attributes, FX(d), (WDFOBJECT *)DmaEnablerHandle) : STATUS_UNSUCCESSFUL;
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(e));
        return s;
    }
    e->O.Flags |= FXO_PASSIVE;
    KIRQL irql;
    KeAcquireSpinLock(&d->IoLock, &irql);
    InsertTailList(&d->DmaEnablers, &e->Entry);
    KeReleaseSpinLock(&d->IoLock, irql);
    e->O.Dispose = enabler_dispose;
    return STATUS_SUCCESS;
}

size_t imp_WdfDmaEnablerGetMaximumLength(PWDF_DRIVER_GLOBALS G, WDFDMAENABLER DmaEnabler)
{
    return enabler(G, DmaEnabler)->C.MaximumLength;
}

size_t imp_WdfDmaEnablerGetMaximumScatterGatherElements(PWDF_DRIVER_GLOBALS G, WDFDMAENABLER DmaEnabler)
{
    return enabler(G, DmaEnabler)->MaximumElements;
}

VOID imp_WdfDmaEnablerSetMaximumScatterGatherElements(PWDF_DRIVER_GLOBALS G, WDFDMAENABLER DmaEnabler, size_t MaximumFragments)
{
    FxDmaEnabler *e = enabler(G, DmaEnabler);
    FX_PASSIVE_V(FxGet(G));
    if (MaximumFragments)
        e->MaximumElements = MaximumFragments;
}

size_t imp_WdfDmaEnablerGetFragmentLength(PWDF_DRIVER_GLOBALS G, WDFDMAENABLER DmaEnabler, WDF_DMA_DIRECTION DmaDirection)
{
    FxDmaEnabler *e = enabler(G, DmaEnabler);
    size_t most = e->MapRegisters > 1 ? (size_t)(e->MapRegisters - 1) * PAGE_SIZE : PAGE_SIZE;
    return min(most, e->C.MaximumLength);
}

PDMA_ADAPTER imp_WdfDmaEnablerWdmGetDmaAdapter(PWDF_DRIVER_GLOBALS G, WDFDMAENABLER DmaEnabler, WDF_DMA_DIRECTION DmaDirection)
{
    return enabler(G, DmaEnabler)->Adapter;
}

/* ---- common buffers ---- */

static void buffer_destroy(FxObject *o)
{
    FxCommonBuffer *b = (FxCommonBuffer *)o;
    if (b->Buffer)
        b->Enabler->Adapter->DmaOperations->FreeCommonBuffer(b->Enabler->Adapter, (ULONG)b->Allocated, b->Logical, b->Buffer, FALSE);
    FxObject_Release(FX(b->Enabler));
}

static NTSTATUS buffer_make(PWDF_DRIVER_GLOBALS G, WDFDMAENABLER DmaEnabler, size_t Length, ULONG Alignment, PWDF_OBJECT_ATTRIBUTES a, WDFCOMMONBUFFER *out)
{
    FxGlobals *g = FxGet(G);
    FxDmaEnabler *e = enabler(G, DmaEnabler);
    FX_NOT_NULL(g, out);
    FX_PASSIVE(g);
    *out = NULL;
    if (!Length || (Alignment & (Alignment + 1)) || !e->Adapter)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS s = FxValidateObjectAttributes(g, a, FXA_PARENT_REFUSED);
    if (!NT_SUCCESS(s))
        return s;
    FxCommonBuffer *b = FxObjectCreate(g, FX_TYPE_COMMON_BUFFER, sizeof *b, a, &s);
    if (!b)
        return s;
    b->Enabler = e;
    FxObject_AddRef(FX(e));
    b->O.Destroy = buffer_destroy;
    b->Length = Length;
    b->Allocated = Length + Alignment;
    b->Buffer = e->Adapter->DmaOperations->AllocateCommonBuffer(e->Adapter, (ULONG)b->Allocated, &b->Logical, FALSE);
    s = b->Buffer ? FxObjectCommit(FX(b), a, FX(e), (WDFOBJECT *)out) : STATUS_INSUFFICIENT_RESOURCES;
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(b));
        return s;
    }
    b->O.Flags |= FXO_PASSIVE;
    b->AlignedLogical.QuadPart = (b->Logical.QuadPart + Alignment) & ~(LONGLONG)Alignment;
    b->Aligned = (PUCHAR)b->Buffer + (b->AlignedLogical.QuadPart - b->Logical.QuadPart);
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfCommonBufferCreate(PWDF_DRIVER_GLOBALS G, WDFDMAENABLER DmaEnabler, size_t Length, PWDF_OBJECT_ATTRIBUTES Attributes, WDFCOMMONBUFFER *CommonBuffer)
{
    return buffer_make(G, DmaEnabler, Length, enabler(G, DmaEnabler)->O.Device->DeviceObject->AlignmentRequirement, Attributes, CommonBuffer);
}

NTSTATUS imp_WdfCommonBufferCreateWithConfig(PWDF_DRIVER_GLOBALS G, WDFDMAENABLER DmaEnabler, size_t Length, PWDF_COMMON_BUFFER_CONFIG Config,
                                             PWDF_OBJECT_ATTRIBUTES Attributes, WDFCOMMONBUFFER *CommonBuffer)
{
    FX_NOT_NULL(FxGet(G), Config);
    if (Config->Size != sizeof *Config)
        return STATUS_INFO_LENGTH_MISMATCH;
    return buffer_make(G, DmaEnabler, Length, Config->AlignmentRequirement, Attributes, CommonBuffer);
}

static FxCommonBuffer *buffer(PWDF_DRIVER_GLOBALS G, WDFCOMMONBUFFER b)
{
    return FX_OBJ(FxGet(G), b, FxCommonBuffer, FX_TYPE_COMMON_BUFFER);
}

PVOID imp_WdfCommonBufferGetAlignedVirtualAddress(PWDF_DRIVER_GLOBALS G, WDFCOMMONBUFFER CommonBuffer)
{
    return buffer(G, CommonBuffer)->Aligned;
}

PHYSICAL_ADDRESS imp_WdfCommonBufferGetAlignedLogicalAddress(PWDF_DRIVER_GLOBALS G, WDFCOMMONBUFFER CommonBuffer)
{
    return buffer(G, CommonBuffer)->AlignedLogical;
}

size_t imp_WdfCommonBufferGetLength(PWDF_DRIVER_GLOBALS G, WDFCOMMONBUFFER CommonBuffer)
{
    return buffer(G, CommonBuffer)->Length;
}

/* ---- transactions ---- */

typedef struct {
    FxObject O;
    FxDmaEnabler *Enabler;
    enum { DMA_CREATED = 1, DMA_RESERVED, DMA_INITIALIZED, DMA_TRANSFERRING, DMA_COMPLETED, DMA_FAILED, DMA_RELEASED } State; /* the framework's numbers */
    PFN_WDF_PROGRAM_DMA Program;
    WDFCONTEXT Context;
    WDF_DMA_DIRECTION Direction;
    FxRequest *Request;
    PMDL Mdl;
    PUCHAR Va;
    size_t Length, Done, Current, Maximum;
    SCATTER_GATHER_LIST *List;
} FxDmaTransaction;

static FxDmaTransaction *transaction(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION t)
{
    return FX_OBJ(FxGet(G), t, FxDmaTransaction, FX_TYPE_DMA_TRANSACTION);
}

static DECLSPEC_NORETURN void wrong_state(FxGlobals *g, FxDmaTransaction *t)
{
    FXLOG(g, DmaState, P64(FxHandle(t)), t->State);
    FxVerifierKeBugCheck(g, FXBC_DMA, (ULONG64)FxHandle(t), t->State, 0);
}

/* The pages that bytes of a chain of MDLs lie in: how many elements and map registers they need at most. Beyond the chain: STATUS_BUFFER_TOO_SMALL. */
static NTSTATUS pages_of(PMDL mdl, size_t offset, size_t length, ULONG *pages)
{
    *pages = 0;
    for (; mdl && length; mdl = mdl->Next) {
        size_t bytes = MmGetMdlByteCount(mdl), here;
        if (bytes <= offset) {
            offset -= bytes;
            continue;
        }
        here = min(bytes - offset, length);
        *pages += (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES((ULONG_PTR)MmGetMdlVirtualAddress(mdl) + offset, here);
        length -= here;
        offset = 0;
    }
    return length ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}

static size_t transfer_limit(FxDmaTransaction *t)
{
    return min(t->Maximum, t->Enabler->C.MaximumLength);
}

/* Whether the bytes from `done` on may be one transfer. */
static NTSTATUS fits(FxDmaTransaction *t, size_t done, size_t length)
{
    ULONG pages;
    NTSTATUS s = pages_of(t->Mdl, t->Va - (PUCHAR)MmGetMdlVirtualAddress(t->Mdl) + done, length, &pages);
    if (NT_SUCCESS(s) && pages > t->Enabler->MaximumElements) {
        s = STATUS_WDF_TOO_FRAGMENTED;
        FXLOG(t->O.Globals, DmaFragmented, P64(FxHandle(t)), pages, (ULONG64)t->Enabler->MaximumElements, S64(s));
    }
    return s;
}

static void put_list(FxDmaTransaction *t)
{
    KIRQL irql;
    DMA_ADAPTER *a = t->Enabler->Adapter;
    if (!t->List)
        return;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    a->DmaOperations->PutScatterGatherList(a, t->List, t->Direction == WdfDmaDirectionWriteToDevice);
    KeLowerIrql(irql);
    t->List = NULL;
}

static void release_request(FxDmaTransaction *t)
{
    if (t->Request)
        FxObject_Release(FX(t->Request));
    t->Request = NULL;
}

static BOOLEAN transaction_dispose(FxObject *o)
{
    FxDmaTransaction *t = (FxDmaTransaction *)o;
    if (t->State == DMA_TRANSFERRING)
        wrong_state(o->Globals, t);
    put_list(t);
    release_request(t);
    return TRUE;
}

static void transaction_destroy(FxObject *o)
{
    FxObject_Release(FX(((FxDmaTransaction *)o)->Enabler));
}

NTSTATUS imp_WdfDmaTransactionCreate(PWDF_DRIVER_GLOBALS G, WDFDMAENABLER DmaEnabler, PWDF_OBJECT_ATTRIBUTES Attributes, WDFDMATRANSACTION *DmaTransaction)
{
    FxGlobals *g = FxGet(G);
    FxDmaEnabler *e = enabler(G, DmaEnabler);
    FX_NOT_NULL(g, DmaTransaction);
    *DmaTransaction = NULL;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_OPTIONAL);
    if (!NT_SUCCESS(s))
        return s;
    FxDmaTransaction *t = FxObjectCreate(g, FX_TYPE_DMA_TRANSACTION, sizeof *t, Attributes, &s);
    if (!t)
        return s;
    t->Enabler = e;
    FxObject_AddRef(FX(e));
    t->State = DMA_CREATED;
    t->Maximum = e->C.MaximumLength;
    t->O.Destroy = transaction_destroy;
    s = FxObjectCommit(FX(t), Attributes, FX(e), (WDFOBJECT *)DmaTransaction);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(t));
        return s;
    }
    t->O.Dispose = transaction_dispose;
    return STATUS_SUCCESS;
}

static NTSTATUS initialize(FxGlobals *g, FxDmaTransaction *t, PFN_WDF_PROGRAM_DMA program, WDF_DMA_DIRECTION direction, PMDL mdl, PVOID va, size_t length)
{
    size_t at = (PUCHAR)va - (PUCHAR)MmGetMdlVirtualAddress(mdl), bytes = MmGetMdlByteCount(mdl);
    if (!length || (direction != WdfDmaDirectionReadFromDevice && direction != WdfDmaDirectionWriteToDevice) || at >= bytes)
        return STATUS_INVALID_PARAMETER;
    if (!t->Enabler->Adapter)
        return STATUS_INVALID_DEVICE_STATE; /* GUESS */
    if (t->Enabler->C.Profile == WdfDmaProfilePacket || t->Enabler->C.Profile == WdfDmaProfilePacket64)
        if (length > bytes - at) /* DOC: chains of MDLs are for scatter/gather */
            return STATUS_INVALID_PARAMETER;
    if (t->State != DMA_CREATED && t->State != DMA_RELEASED)
        wrong_state(g, t);
    t->Program = program;
    t->Direction = direction;
    t->Mdl = mdl;
    t->Va = va;
    t->Length = length;
    t->Done = t->Current = 0;
    t->Maximum = t->Enabler->C.MaximumLength;
    NTSTATUS s = STATUS_SUCCESS;
    for (size_t done = 0; done < length && NT_SUCCESS(s); done += transfer_limit(t))
        s = fits(t, done, min(length - done, transfer_limit(t)));
    t->State = NT_SUCCESS(s) ? DMA_INITIALIZED : DMA_RELEASED;
    return s;
}

NTSTATUS imp_WdfDmaTransactionInitialize(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction, PFN_WDF_PROGRAM_DMA EvtProgramDmaFunction,
                                         WDF_DMA_DIRECTION DmaDirection, PMDL Mdl, PVOID VirtualAddress, size_t Length)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, (PVOID)EvtProgramDmaFunction);
    FX_NOT_NULL(g, Mdl);
    return initialize(g, transaction(G, DmaTransaction), EvtProgramDmaFunction, DmaDirection, Mdl, VirtualAddress, Length);
}

NTSTATUS imp_WdfDmaTransactionInitializeUsingRequest(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction, WDFREQUEST Request,
                                                     PFN_WDF_PROGRAM_DMA EvtProgramDmaFunction, WDF_DMA_DIRECTION DmaDirection)
{
    extern NTSTATUS imp_WdfRequestRetrieveInputWdmMdl(PWDF_DRIVER_GLOBALS, WDFREQUEST, PMDL *);
    extern NTSTATUS imp_WdfRequestRetrieveOutputWdmMdl(PWDF_DRIVER_GLOBALS, WDFREQUEST, PMDL *);
    FxGlobals *g = FxGet(G);
    FxDmaTransaction *t = transaction(G, DmaTransaction);
    FxRequest *r = FX_OBJ(g, Request, FxRequest, FX_TYPE_REQUEST);
    PMDL mdl;
    FX_NOT_NULL(g, (PVOID)EvtProgramDmaFunction);
    if (!r->Irp)
        return STATUS_INVALID_DEVICE_REQUEST;
    IO_STACK_LOCATION *sl = IoGetCurrentIrpStackLocation(r->Irp);
    BOOLEAN write = DmaDirection == WdfDmaDirectionWriteToDevice;
    if ((sl->MajorFunction == IRP_MJ_READ && write) || (sl->MajorFunction == IRP_MJ_WRITE && !write))
        return STATUS_INVALID_DEVICE_REQUEST;
    NTSTATUS s = write && sl->MajorFunction == IRP_MJ_WRITE ? imp_WdfRequestRetrieveInputWdmMdl(G, Request, &mdl) : imp_WdfRequestRetrieveOutputWdmMdl(G, Request, &mdl);
    if (NT_SUCCESS(s))
        s = initialize(g, t, EvtProgramDmaFunction, DmaDirection, mdl, MmGetMdlVirtualAddress(mdl), MmGetMdlByteCount(mdl));
    if (NT_SUCCESS(s)) {
        t->Request = r;
        FxObject_AddRef(FX(r));
    }
    return s;
}

static void list_ready(DEVICE_OBJECT *d, IRP *irp, SCATTER_GATHER_LIST *list, PVOID context) __asm__("FxDmaScatterGatherTransaction::_AdapterListControl");

static void list_ready(DEVICE_OBJECT *d, IRP *irp, SCATTER_GATHER_LIST *list, PVOID context)
{
    FxDmaTransaction *t = context;
    t->List = list;
    t->Program((WDFDMATRANSACTION)FxHandle(t), (WDFDEVICE)FxHandle(t->Enabler->O.Device), t->Context, t->Direction, list);
}

static NTSTATUS stage(FxDmaTransaction *t)
{
    DMA_ADAPTER *a = t->Enabler->Adapter;
    KIRQL irql;
    t->Current = min(t->Length - t->Done, transfer_limit(t));
    NTSTATUS fit = fits(t, t->Done, t->Current); /* a part of a transfer may have shifted the pages */
    if (!NT_SUCCESS(fit))
        return fit;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    NTSTATUS s = a->DmaOperations->GetScatterGatherList(a, t->Enabler->O.Device->DeviceObject, t->Mdl, t->Va + t->Done, (ULONG)t->Current, list_ready, t,
                                                       t->Direction == WdfDmaDirectionWriteToDevice);
    KeLowerIrql(irql);
    return s;
}

NTSTATUS imp_WdfDmaTransactionExecute(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction, WDFCONTEXT Context)
{
    FxGlobals *g = FxGet(G);
    FxDmaTransaction *t = transaction(G, DmaTransaction);
    if (t->State != DMA_INITIALIZED)
        wrong_state(g, t);
    t->Context = Context;
    t->State = DMA_TRANSFERRING;
    NTSTATUS s = stage(t);
    if (!NT_SUCCESS(s)) {
        t->State = DMA_FAILED;
        t->Context = NULL;
    }
    return s;
}

/* TRUE: the transaction is over; FALSE: the next transfer has been started. */
static BOOLEAN completed(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION T, size_t bytes, BOOLEAN final, NTSTATUS *s)
{
    FxDmaTransaction *t = transaction(G, T);
    FX_NOT_NULL(FxGet(G), s);
    if (t->State != DMA_TRANSFERRING)
        wrong_state(FxGet(G), t);
    *s = STATUS_SUCCESS;
    if (bytes > t->Current) {
        *s = STATUS_INVALID_PARAMETER;
        FXLOG(FxGet(G), DmaLength, P64(T), (ULONG64)bytes, (ULONG64)t->Current, S64(*s));
        FxVerifierDbgBreakPoint(FxGet(G), FX(t), __builtin_return_address(0));
    } else {
        put_list(t);
        t->Done += bytes;
        if (!final && t->Done < t->Length)
            *s = stage(t);
        else
            final = TRUE;
        if (NT_SUCCESS(*s) && !final) {
            *s = STATUS_MORE_PROCESSING_REQUIRED;
            return FALSE;
        }
    }
    put_list(t);
    t->State = NT_SUCCESS(*s) ? DMA_COMPLETED : DMA_FAILED;
    t->Current = 0;
    return TRUE;
}

BOOLEAN imp_WdfDmaTransactionDmaCompleted(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction, NTSTATUS *Status)
{
    return completed(G, DmaTransaction, transaction(G, DmaTransaction)->Current, FALSE, Status);
}

BOOLEAN imp_WdfDmaTransactionDmaCompletedWithLength(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction, size_t TransferredLength, NTSTATUS *Status)
{
    return completed(G, DmaTransaction, TransferredLength, FALSE, Status);
}

BOOLEAN imp_WdfDmaTransactionDmaCompletedFinal(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction, size_t FinalTransferredLength, NTSTATUS *Status)
{
    return completed(G, DmaTransaction, FinalTransferredLength, TRUE, Status);
}

NTSTATUS imp_WdfDmaTransactionRelease(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction)
{
    FxDmaTransaction *t = transaction(G, DmaTransaction);
    if (t->State == DMA_TRANSFERRING)
        wrong_state(FxGet(G), t);
    put_list(t);
    release_request(t);
    t->State = DMA_RELEASED;
    t->Done = t->Current = t->Length = 0;
    return STATUS_SUCCESS;
}

size_t imp_WdfDmaTransactionGetBytesTransferred(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction)
{
    return transaction(G, DmaTransaction)->Done;
}

size_t imp_WdfDmaTransactionGetCurrentDmaTransferLength(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction)
{
    return transaction(G, DmaTransaction)->Current;
}

VOID imp_WdfDmaTransactionSetMaximumLength(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction, size_t MaximumLength)
{
    transaction(G, DmaTransaction)->Maximum = MaximumLength;
}

WDFREQUEST imp_WdfDmaTransactionGetRequest(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction)
{
    FxDmaTransaction *t = transaction(G, DmaTransaction);
    return t->Request ? (WDFREQUEST)FxHandle(t->Request) : NULL;
}

WDFDEVICE imp_WdfDmaTransactionGetDevice(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction)
{
    return (WDFDEVICE)FxHandle(transaction(G, DmaTransaction)->Enabler->O.Device);
}

/* ---- of 1.11 and later. An enabler never has DMA of version 3 here (the machine has neither its adapters nor a system DMA controller), which is
 * what most of these are for: they answer as the framework does for the enablers that there are. ---- */

NTSTATUS imp_WdfDmaTransactionInitializeUsingOffset(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction, PFN_WDF_PROGRAM_DMA EvtProgramDmaFunction,
                                                    WDF_DMA_DIRECTION DmaDirection, PMDL Mdl, size_t Offset, size_t Length)
{
    FX_NOT_NULL(FxGet(G), Mdl);
    return imp_WdfDmaTransactionInitialize(G, DmaTransaction, EvtProgramDmaFunction, DmaDirection, Mdl, (PUCHAR)MmGetMdlVirtualAddress(Mdl) + Offset, Length);
}

VOID imp_WdfDmaTransactionGetTransferInfo(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction, ULONG *MapRegisterCount, ULONG *ScatterGatherElementCount)
{
    FxDmaTransaction *t = transaction(G, DmaTransaction);
    ULONG pages;
    if (t->State != DMA_INITIALIZED)
        wrong_state(FxGet(G), t);
    pages_of(t->Mdl, t->Va - (PUCHAR)MmGetMdlVirtualAddress(t->Mdl), t->Length, &pages);
    if (MapRegisterCount)
        *MapRegisterCount = pages;
    if (ScatterGatherElementCount)
        *ScatterGatherElementCount = pages;
}

static void not_version_3(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION T)
{
    FxDmaTransaction *t = transaction(G, T);
    FXLOG(FxGet(G), DmaVersion, P64(T), P64(FxHandle(t->Enabler)));
    FxVerifierDbgBreakPoint(FxGet(G), FX(t), __builtin_return_address(0));
}

static void not_system(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION T)
{
    FxDmaTransaction *t = transaction(G, T);
    FXLOG(FxGet(G), DmaProfile, P64(T), t->Enabler->C.Profile);
    FxVerifierDbgBreakPoint(FxGet(G), FX(t), __builtin_return_address(0));
}

VOID imp_WdfDmaTransactionSetImmediateExecution(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction, BOOLEAN UseImmediateExecution)
{
    not_version_3(G, DmaTransaction);
}

NTSTATUS imp_WdfDmaTransactionAllocateResources(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction, WDF_DMA_DIRECTION DmaDirection, ULONG RequiredMapRegisters,
                                                PFN_WDF_RESERVE_DMA EvtReserveDmaFunction, PVOID EvtReserveDmaContext)
{
    not_version_3(G, DmaTransaction);
    return STATUS_INVALID_DEVICE_REQUEST;
}

VOID imp_WdfDmaTransactionFreeResources(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction)
{
    not_version_3(G, DmaTransaction);
}

BOOLEAN imp_WdfDmaTransactionCancel(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction)
{
    not_version_3(G, DmaTransaction);
    return FALSE;
}

PVOID imp_WdfDmaTransactionWdmGetTransferContext(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction)
{
    not_version_3(G, DmaTransaction);
    return NULL;
}

VOID imp_WdfDmaTransactionSetChannelConfigurationCallback(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction,
                                                          PFN_WDF_DMA_TRANSACTION_CONFIGURE_DMA_CHANNEL ConfigureRoutine, PVOID ConfigureContext)
{
    not_system(G, DmaTransaction);
}

VOID imp_WdfDmaTransactionSetTransferCompleteCallback(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction,
                                                      PFN_WDF_DMA_TRANSACTION_DMA_TRANSFER_COMPLETE DmaCompletionRoutine, PVOID DmaCompletionContext)
{
    not_system(G, DmaTransaction);
}

VOID imp_WdfDmaTransactionSetDeviceAddressOffset(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction, ULONG Offset)
{
    not_system(G, DmaTransaction);
}

VOID imp_WdfDmaTransactionStopSystemTransfer(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION DmaTransaction)
{
    not_system(G, DmaTransaction);
}
