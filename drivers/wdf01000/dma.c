/* DMA: enablers, common buffers, transactions. Over the system's adapter (IoGetDmaAdapter); a transaction is split into transfers of the enabler's
 * maximum length, EvtProgramDma is called for each. */
#include "fx.h"

typedef struct {
    FxObject O;
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
    if (Config->MaximumLength == 0 || Config->Profile <= WdfDmaProfileInvalid || Config->Profile > WdfDmaProfileScatterGather64Duplex) {
        FXLOG(g, DmaInvalid, P64(Device), S64(STATUS_INVALID_PARAMETER));
        return STATUS_INVALID_PARAMETER;
    }
    FxDmaEnabler *e = FxObjectCreate(g, FX_TYPE_DMA_ENABLER, sizeof *e, Attributes, &s);
    if (!e)
        return s;
    RtlCopyMemory(&e->C, Config, Config->Size);
    e->MaximumElements = WDF_DMA_ENABLER_UNLIMITED_FRAGMENTS;
    describe(e, &description);
    e->Adapter = IoGetDmaAdapter(d->Pdo, &description, &e->MapRegisters);
    e->O.Destroy = enabler_destroy;
    s = e->Adapter ? FxObjectCommit(FX(e), Attributes, FX(d), (WDFOBJECT *)DmaEnablerHandle) : STATUS_UNSUCCESSFUL;
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(e));
        return s;
    }
    e->O.Flags |= FXO_PASSIVE;
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
    enabler(G, DmaEnabler)->MaximumElements = MaximumFragments;
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
    if (!Length || (Alignment & (Alignment + 1)))
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
    enum { DMA_CREATED, DMA_INITIALIZED, DMA_TRANSFERRING, DMA_COMPLETED } State;
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
    if (t->State != DMA_CREATED) {
        FXLOG(g, DmaInvalid, P64(FxHandle(t)), S64(STATUS_INVALID_DEVICE_REQUEST));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (!mdl || !length)
        return STATUS_INVALID_PARAMETER;
    t->Program = program;
    t->Direction = direction;
    t->Mdl = mdl;
    t->Va = va;
    t->Length = length;
    t->Done = t->Current = 0;
    t->State = DMA_INITIALIZED;
    return STATUS_SUCCESS;
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
    t->Current = min(t->Length - t->Done, min(t->Maximum, t->Enabler->C.MaximumLength));
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
    if (t->State != DMA_INITIALIZED) {
        FXLOG(g, DmaInvalid, P64(DmaTransaction), S64(STATUS_INVALID_DEVICE_REQUEST));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    t->Context = Context;
    t->State = DMA_TRANSFERRING;
    NTSTATUS s = stage(t);
    if (!NT_SUCCESS(s)) {
        t->State = DMA_CREATED;
        release_request(t);
    }
    return s;
}

/* TRUE: the transaction is over; FALSE: the next transfer has been started. */
static BOOLEAN completed(PWDF_DRIVER_GLOBALS G, WDFDMATRANSACTION T, size_t bytes, BOOLEAN final, NTSTATUS *s)
{
    FxDmaTransaction *t = transaction(G, T);
    FX_NOT_NULL(FxGet(G), s);
    put_list(t);
    t->Done += min(bytes, t->Current);
    if (!final && t->Done < t->Length) {
        *s = stage(t);
        if (NT_SUCCESS(*s)) {
            *s = STATUS_MORE_PROCESSING_REQUIRED;
            return FALSE;
        }
    } else {
        *s = STATUS_SUCCESS;
    }
    t->State = DMA_COMPLETED;
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
        return STATUS_INVALID_DEVICE_REQUEST;
    put_list(t);
    release_request(t);
    t->State = DMA_CREATED;
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
