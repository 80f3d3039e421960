/* WDFUSBPIPE: a target of its own, below its interface, started when it is made. Transfers, abort, reset; continuous readers are in usb_reader.c.
 *
 * DOC: reads and writes are for bulk and interrupt pipes of the right direction (else STATUS_INVALID_DEVICE_REQUEST), reads of whole packets unless the
 * driver has said otherwise (else STATUS_INVALID_BUFFER_SIZE). A read may be answered with less. */
#include "fx_usb.h"

static FxUsbPipe *pipe_of(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE p)
{
    return FX_OBJ(FxGet(G), p, FxUsbPipe, FX_TYPE_IO_TARGET_USB_PIPE);
}

/* ---- coming and going ---- */

static BOOLEAN pipe_dispose(FxObject *o)
{
    FxUsbPipe *p = (FxUsbPipe *)o;
    if (p->T.Reader)
        FxUsbReaderRemoving(p->T.Reader);
    FxTargetDispose(o);
    if (p->T.Reader)
        FxUsbReaderDelete(p->T.Reader);
    return TRUE;
}

NTSTATUS FxUsbPipeCreate(FxUsbInterface *i, const WDF_OBJECT_ATTRIBUTES *a, FxUsbPipe **out)
{
    NTSTATUS s;
    FxUsbPipe *p = (FxUsbPipe *)FxTargetNew(i->O.Globals, i->O.Device, FX_TYPE_IO_TARGET_USB_PIPE, sizeof *p, a, &s);
    if (!p)
        return s;
    p->Usb = i->Usb;
    p->Interface = i;
    FxTargetIsLocal(&p->T);
    s = FxTargetCommit(&p->T, a, FX(i), NULL);
    if (!NT_SUCCESS(s))
        return s;
    p->T.O.Dispose = pipe_dispose;
    p->T.O.Flags |= FXO_NO_DELETE;
    *out = p;
    return STATUS_SUCCESS;
}

void FxUsbPipeGoes(FxUsbPipe *p, BOOLEAN failed)
{
    if (failed)
        FxObjectDeleteFromFailedCreate(FX(p));
    else
        FxObject_DeleteObject(FX(p));
}

void FxUsbPipesStart(FxTarget *device)
{
    ULONG i = 0, n = 0;
    for (FxUsbPipe *p; (p = FxUsbNextPipe((FxUsbDevice *)device, &i, &n)) != NULL;) {
        FxTargetStart(&p->T);
        FxObject_Release(FX(p));
    }
}

void FxUsbPipesStop(FxTarget *device, WDF_IO_TARGET_SENT_IO_ACTION action)
{
    FxUsbDevice *u = (FxUsbDevice *)device;
    ULONG i = 0, n = 0;
    BOOLEAN wait = action != WdfIoTargetLeaveSentIoPending;
    if (wait)
        KeWaitForSingleObject(&u->Iteration, Executive, KernelMode, FALSE, NULL);
    for (FxUsbPipe *p; (p = FxUsbNextPipe(u, &i, &n)) != NULL;) {
        FxTargetStop(&p->T, action);
        FxObject_Release(FX(p));
    }
    if (wait)
        KeReleaseMutex(&u->Iteration, FALSE);
}

void FxUsbPipesPurge(FxTarget *device, WDF_IO_TARGET_PURGE_IO_ACTION action)
{
    FxUsbDevice *u = (FxUsbDevice *)device;
    ULONG i = 0, n = 0;
    BOOLEAN wait = action == WdfIoTargetPurgeIoAndWait;
    if (wait)
        KeWaitForSingleObject(&u->Iteration, Executive, KernelMode, FALSE, NULL);
    for (FxUsbPipe *p; (p = FxUsbNextPipe(u, &i, &n)) != NULL;) {
        FxTargetPurge(&p->T, action);
        FxObject_Release(FX(p));
    }
    if (wait)
        KeReleaseMutex(&u->Iteration, FALSE);
}

/* ---- what it is ---- */

WDF_USB_PIPE_TYPE FxUsbPipeType(USBD_PIPE_TYPE t)
{
    switch (t) {
    case UsbdPipeTypeControl:
        return WdfUsbPipeTypeControl;
    case UsbdPipeTypeIsochronous:
        return WdfUsbPipeTypeIsochronous;
    case UsbdPipeTypeBulk:
        return WdfUsbPipeTypeBulk;
    case UsbdPipeTypeInterrupt:
        return WdfUsbPipeTypeInterrupt;
    default:
        return WdfUsbPipeTypeInvalid;
    }
}

static BOOLEAN is_in(const FxUsbPipe *p)
{
    return USB_ENDPOINT_DIRECTION_IN(p->Info.EndpointAddress) != 0;
}

static BOOLEAN carries_data(const FxUsbPipe *p)
{
    return p->Info.PipeType == UsbdPipeTypeBulk || p->Info.PipeType == UsbdPipeTypeInterrupt;
}

static BOOLEAN whole_packets(const FxUsbPipe *p, size_t length)
{
    return p->NoSizeCheck || !p->Info.MaximumPacketSize || length % p->Info.MaximumPacketSize == 0;
}

VOID imp_WdfUsbTargetPipeGetInformation(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe, PWDF_USB_PIPE_INFORMATION PipeInformation)
{
    FxUsbPipe *p = pipe_of(G, Pipe);
    FX_NOT_NULL(FxGet(G), PipeInformation);
    PipeInformation->MaximumPacketSize = p->Info.MaximumPacketSize;
    PipeInformation->EndpointAddress = p->Info.EndpointAddress;
    PipeInformation->Interval = p->Info.Interval;
    PipeInformation->PipeType = FxUsbPipeType(p->Info.PipeType);
    PipeInformation->MaximumTransferSize = p->Info.MaximumTransferSize;
    PipeInformation->SettingIndex = p->Interface->Current;
}

BOOLEAN imp_WdfUsbTargetPipeIsInEndpoint(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe)
{
    return is_in(pipe_of(G, Pipe));
}

BOOLEAN imp_WdfUsbTargetPipeIsOutEndpoint(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe)
{
    return !is_in(pipe_of(G, Pipe));
}

WDF_USB_PIPE_TYPE imp_WdfUsbTargetPipeGetType(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe)
{
    return FxUsbPipeType(pipe_of(G, Pipe)->Info.PipeType);
}

VOID imp_WdfUsbTargetPipeSetNoMaximumPacketSizeCheck(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe)
{
    pipe_of(G, Pipe)->NoSizeCheck = TRUE;
}

USBD_PIPE_HANDLE imp_WdfUsbTargetPipeWdmGetPipeHandle(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE UsbPipe)
{
    return pipe_of(G, UsbPipe)->Info.PipeHandle;
}

/* ---- transfers ---- */

static NTSTATUS wrong_pipe(FxUsbPipe *p, BOOLEAN in, NTSTATUS s)
{
    FXLOG(p->T.O.Globals, UsbWrongPipe, P64(FxHandle(p)), in, p->Info.EndpointAddress, S64(s));
    return s;
}

NTSTATUS FxUsbPipeFormatTransfer(FxUsbPipe *p, FxRequest *r, const FxIoBuffer *b, ULONG flags)
{
    BOOLEAN in = (flags & USBD_TRANSFER_DIRECTION_IN) != 0;
    FxUsbContext *c;
    if (!carries_data(p) || in != is_in(p))
        return wrong_pipe(p, in, STATUS_INVALID_DEVICE_REQUEST);
    if (b->Length > MAXULONG)
        return STATUS_INTEGER_OVERFLOW;
    if (in && !whole_packets(p, b->Length))
        return STATUS_INVALID_BUFFER_SIZE;
    NTSTATUS s = FxUsbContextFor(p->Usb, &p->T, r, FX_USB_TRANSFER, &c);
    if (!NT_SUCCESS(s))
        return s;
    struct _URB_BULK_OR_INTERRUPT_TRANSFER *urb = &c->Urb->UrbBulkOrInterruptTransfer;
    urb->Hdr.Function = URB_FUNCTION_BULK_OR_INTERRUPT_TRANSFER;
    s = FxUsbBuffer(r, b, &urb->TransferBuffer, &urb->TransferBufferMDL, &urb->TransferBufferLength);
    if (!NT_SUCCESS(s)) {
        FxRequestUndoFormat(r);
        return s;
    }
    FxFormatHold(in ? &r->F.Out : &r->F.In, in ? &r->F.OutOffset : &r->F.InOffset, b);
    urb->PipeHandle = p->Info.PipeHandle;
    urb->TransferFlags = flags;
    FxUsbContextSubmit(r, &p->T, c, in ? WdfUsbRequestTypePipeRead : WdfUsbRequestTypePipeWrite);
    c->P.Parameters.PipeRead.Buffer = b->Memory ? (WDFMEMORY)FxHandle(b->Memory) : NULL;
    c->P.Parameters.PipeRead.Length = b->Length;
    return STATUS_SUCCESS;
}

static NTSTATUS format_transfer(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe, WDFREQUEST Request, WDFMEMORY Memory, PWDFMEMORY_OFFSET Offset, ULONG flags)
{
    FxGlobals *g = FxGet(G);
    FxUsbPipe *p = pipe_of(G, Pipe);
    FxRequest *r = FX_OBJ(g, Request, FxRequest, FX_TYPE_REQUEST);
    FxIoBuffer b;
    FxRequestNotSent(g, r);
    NTSTATUS s = FxIoBufferOfMemory(g, Memory, Offset, &b);
    if (NT_SUCCESS(s))
        s = FxUsbPipeFormatTransfer(p, r, &b, flags);
    if (NT_SUCCESS(s))
        r->Usb->P.Parameters.PipeRead.Offset = Offset ? Offset->BufferOffset : 0;
    return s;
}

NTSTATUS imp_WdfUsbTargetPipeFormatRequestForRead(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe, WDFREQUEST Request, WDFMEMORY ReadMemory, PWDFMEMORY_OFFSET ReadOffset)
{
    return format_transfer(G, Pipe, Request, ReadMemory, ReadOffset, USBD_TRANSFER_DIRECTION_IN | USBD_SHORT_TRANSFER_OK);
}

NTSTATUS imp_WdfUsbTargetPipeFormatRequestForWrite(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe, WDFREQUEST Request, WDFMEMORY WriteMemory, PWDFMEMORY_OFFSET WriteOffset)
{
    return format_transfer(G, Pipe, Request, WriteMemory, WriteOffset, 0);
}

/* DOC: the number of bytes is the URB's, also when the transfer failed. */
static NTSTATUS send_transfer(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe, WDFREQUEST Request, PWDF_REQUEST_SEND_OPTIONS Options, PWDF_MEMORY_DESCRIPTOR Descriptor, PULONG Bytes,
                              ULONG flags)
{
    FxGlobals *g = FxGet(G);
    FxUsbPipe *p = pipe_of(G, Pipe);
    FxIoBuffer b;
    if (Bytes)
        *Bytes = 0;
    FX_PASSIVE(g);
    NTSTATUS s = FxSyncOptions(Options);
    if (NT_SUCCESS(s))
        s = FxIoBufferOfDescriptor(g, Descriptor, &b);
    if (!NT_SUCCESS(s))
        return s;
    FxRequest *r = FxSyncRequest(G, Request, &s);
    if (!r)
        return s;
    s = FxUsbPipeFormatTransfer(p, r, &b, flags);
    BOOLEAN formatted = NT_SUCCESS(s);
    FxObject_AddRef(FX(r));
    s = FxSyncSend(&p->T, r, Request, s, Options, NULL);
    if (Bytes && formatted)
        *Bytes = (ULONG)r->Usb->P.Parameters.PipeRead.Length;
    FxObject_Release(FX(r));
    return s;
}

NTSTATUS imp_WdfUsbTargetPipeReadSynchronously(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe, WDFREQUEST Request, PWDF_REQUEST_SEND_OPTIONS RequestOptions,
                                               PWDF_MEMORY_DESCRIPTOR MemoryDescriptor, PULONG BytesRead)
{
    return send_transfer(G, Pipe, Request, RequestOptions, MemoryDescriptor, BytesRead, USBD_TRANSFER_DIRECTION_IN | USBD_SHORT_TRANSFER_OK);
}

NTSTATUS imp_WdfUsbTargetPipeWriteSynchronously(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe, WDFREQUEST Request, PWDF_REQUEST_SEND_OPTIONS RequestOptions,
                                                PWDF_MEMORY_DESCRIPTOR MemoryDescriptor, PULONG BytesWritten)
{
    return send_transfer(G, Pipe, Request, RequestOptions, MemoryDescriptor, BytesWritten, 0);
}

/* ---- abort, reset ---- */

static NTSTATUS format_pipe(FxUsbPipe *p, FxRequest *r, USHORT function, WDF_USB_REQUEST_TYPE type)
{
    FxUsbContext *c;
    NTSTATUS s = FxUsbContextFor(p->Usb, &p->T, r, FX_USB_PIPE, &c);
    if (!NT_SUCCESS(s))
        return s;
    c->Urb->UrbHeader.Function = function;
    c->Urb->UrbPipeRequest.PipeHandle = p->Info.PipeHandle;
    FxUsbContextSubmit(r, &p->T, c, type);
    return STATUS_SUCCESS;
}

static NTSTATUS format_request(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe, WDFREQUEST Request, USHORT function, WDF_USB_REQUEST_TYPE type)
{
    FxUsbPipe *p = pipe_of(G, Pipe);
    FxRequest *r = FX_OBJ(FxGet(G), Request, FxRequest, FX_TYPE_REQUEST);
    FxRequestNotSent(FxGet(G), r);
    return format_pipe(p, r, function, type);
}

NTSTATUS imp_WdfUsbTargetPipeFormatRequestForAbort(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe, WDFREQUEST Request)
{
    return format_request(G, Pipe, Request, URB_FUNCTION_ABORT_PIPE, WdfUsbRequestTypePipeAbort);
}

NTSTATUS imp_WdfUsbTargetPipeFormatRequestForReset(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe, WDFREQUEST Request)
{
    return format_request(G, Pipe, Request, URB_FUNCTION_RESET_PIPE, WdfUsbRequestTypePipeReset);
}

NTSTATUS imp_WdfUsbTargetPipeAbortSynchronously(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe, WDFREQUEST Request, PWDF_REQUEST_SEND_OPTIONS RequestOptions)
{
    FxUsbPipe *p = pipe_of(G, Pipe);
    FX_PASSIVE(FxGet(G));
    NTSTATUS s = FxSyncOptions(RequestOptions);
    FxRequest *r = NT_SUCCESS(s) ? FxSyncRequest(G, Request, &s) : NULL;
    if (!r)
        return s;
    s = format_pipe(p, r, URB_FUNCTION_ABORT_PIPE, WdfUsbRequestTypePipeAbort);
    return FxSyncSend(&p->T, r, Request, s, RequestOptions, NULL);
}

/* DOC: what was sent to the pipe is cancelled first; a stopped pipe is reset as well. */
NTSTATUS imp_WdfUsbTargetPipeResetSynchronously(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe, WDFREQUEST Request, PWDF_REQUEST_SEND_OPTIONS RequestOptions)
{
    FxUsbPipe *p = pipe_of(G, Pipe);
    WDF_REQUEST_SEND_OPTIONS o;
    FX_PASSIVE(FxGet(G));
    NTSTATUS s = FxSyncOptions(RequestOptions);
    FxRequest *r = NT_SUCCESS(s) ? FxSyncRequest(G, Request, &s) : NULL;
    if (!r)
        return s;
    s = format_pipe(p, r, URB_FUNCTION_RESET_PIPE, WdfUsbRequestTypePipeReset);
    if (NT_SUCCESS(s))
        FxTargetCancelAll(&p->T);
    FxUsbIgnoreState(&o, RequestOptions);
    return FxSyncSend(&p->T, r, Request, s, &o, NULL);
}

NTSTATUS FxUsbPipeReset(FxUsbPipe *p)
{
    WDF_REQUEST_SEND_OPTIONS o;
    NTSTATUS s;
    FxRequest *r = FxRequestNew(p->T.O.Globals, NULL, &s);
    if (!r)
        return s;
    s = format_pipe(p, r, URB_FUNCTION_RESET_PIPE, WdfUsbRequestTypePipeReset);
    if (NT_SUCCESS(s)) {
        if (p->T.Reader)
            FxUsbReaderCancel(p->T.Reader);
        else
            FxTargetCancelAll(&p->T);
        FxUsbIgnoreState(&o, NULL);
        FxIoTarget_SubmitSync(&p->T, r, &o);
        s = r->Status;
    }
    FxObject_DeleteObject(FX(r));
    return s;
}

/* ---- URBs ---- */

NTSTATUS imp_WdfUsbTargetPipeSendUrbSynchronously(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe, WDFREQUEST Request, PWDF_REQUEST_SEND_OPTIONS RequestOptions, PURB Urb)
{
    FxUsbPipe *p = pipe_of(G, Pipe);
    return FxUsbSendUrbSynchronously(G, p->Usb, &p->T, Request, RequestOptions, Urb, WdfUsbRequestTypeNoFormat);
}

NTSTATUS imp_WdfUsbTargetPipeFormatRequestForUrb(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE PIPE, WDFREQUEST Request, WDFMEMORY UrbMemory, PWDFMEMORY_OFFSET UrbMemoryOffset)
{
    FxUsbPipe *p = pipe_of(G, PIPE);
    return FxUsbFormatUrb(FxGet(G), p->Usb, &p->T, Request, UrbMemory, UrbMemoryOffset, WdfUsbRequestTypePipeUrb);
}

/* ---- the continuous reader ---- */

NTSTATUS imp_WdfUsbTargetPipeConfigContinuousReader(PWDF_DRIVER_GLOBALS G, WDFUSBPIPE Pipe, PWDF_USB_CONTINUOUS_READER_CONFIG Config)
{
    FxGlobals *g = FxGet(G);
    FxUsbPipe *p = pipe_of(G, Pipe);
    FX_NOT_NULL(g, Config);
    if (Config->Size != sizeof *Config) {
        FXLOG(g, StructureSize, P64(Config), Config->Size, sizeof *Config, S64(STATUS_INFO_LENGTH_MISMATCH));
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (!Config->EvtUsbTargetPipeReadComplete || !Config->TransferLength)
        return STATUS_INVALID_PARAMETER;
    size_t total = Config->HeaderLength + Config->TransferLength;
    if (total < Config->HeaderLength || total + Config->TrailerLength < total)
        return STATUS_INTEGER_OVERFLOW;
    total += Config->TrailerLength;
    NTSTATUS s = FxValidateObjectAttributes(g, Config->BufferAttributes, FXA_PARENT_REFUSED);
    if (!NT_SUCCESS(s))
        return s;
    if (!carries_data(p) || !is_in(p))
        return wrong_pipe(p, TRUE, STATUS_INVALID_DEVICE_REQUEST);
    return whole_packets(p, Config->TransferLength) ? FxUsbReaderCreate(p, Config, total) : STATUS_INVALID_BUFFER_SIZE;
}
