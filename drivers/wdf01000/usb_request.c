/* What a request keeps while it is formatted for a USB target: the URB and the completion parameters that lead to it.
 *
 * DOC: a URB comes from USBD_UrbAllocate only if the device was made with a contract version and the request goes with the device; else it is part of
 * the request. */
#include "fx_usb.h"

static void urb_free(FxUsbContext *c)
{
    if (c->Handle)
        USBD_UrbFree(c->Handle, c->Urb);
    c->Handle = NULL;
    c->Urb = NULL;
}

void FxUsbContextFree(FxRequest *r)
{
    FxUsbContext *c = r->Usb;
    r->Usb = NULL;
    if (!c)
        return;
    urb_free(c);
    if (c->String)
        ExFreePoolWithTag(c->String, FX_TAG);
    ExFreePoolWithTag(c, FX_TAG);
}

/* The stack's URB has to be given back before the device goes. */
static BOOLEAN request_dispose(FxObject *o)
{
    FxRequest *r = (FxRequest *)o;
    if (r->Usb && r->Usb->Handle && !r->Sent)
        urb_free(r->Usb);
    return TRUE;
}

BOOLEAN FxUsbGoesWithDevice(FxUsbDevice *u, FxObject *o)
{
    for (; o; o = o->Parent)
        if (o == FX(u->T.O.Device) || (o->Type == FX_TYPE_REQUEST && ((FxRequest *)o)->Owner == FX_IRP_IO))
            return TRUE;
    return FALSE;
}

static USHORT urb_size(enum fx_usb_kind kind)
{
    switch (kind) {
    case FX_USB_TRANSFER:
        return sizeof(struct _URB_BULK_OR_INTERRUPT_TRANSFER);
    case FX_USB_CONTROL:
        return sizeof(struct _URB_CONTROL_TRANSFER);
    case FX_USB_STRING:
        return sizeof(struct _URB_CONTROL_DESCRIPTOR_REQUEST);
    default:
        return sizeof(struct _URB_PIPE_REQUEST);
    }
}

static NTSTATUS urb_make(FxUsbDevice *u, FxRequest *r, FxUsbContext *c)
{
    if (!c->Urb && u->Handle && FxUsbGoesWithDevice(u, FX(r))) {
        NTSTATUS s = USBD_UrbAllocate(u->Handle, &c->Urb);
        if (!NT_SUCCESS(s)) {
            c->Urb = NULL;
            return s;
        }
        c->Handle = u->Handle;
        r->O.Dispose = request_dispose;
    }
    if (!c->Urb)
        c->Urb = (PURB)&c->Own;
    c->Assign = c->Handle;
    RtlZeroMemory(c->Urb, urb_size(c->Kind));
    c->Urb->UrbHeader.Length = urb_size(c->Kind);
    return STATUS_SUCCESS;
}

NTSTATUS FxUsbContextFor(FxUsbDevice *u, FxTarget *t, FxRequest *r, enum fx_usb_kind kind, FxUsbContext **out)
{
    NTSTATUS s = FxRequestBase_ValidateTarget(r, t);
    if (!NT_SUCCESS(s))
        return s;
    if (r->Usb && r->Usb->Kind != kind)
        FxUsbContextFree(r);
    if (!r->Usb) {
        r->Usb = FxPoolAllocate(r->O.Globals, NonPagedPoolNx, sizeof *r->Usb, FX_TAG);
        if (!r->Usb)
            return STATUS_INSUFFICIENT_RESOURCES;
        r->Usb->Kind = kind;
    }
    FxUsbContext *c = r->Usb;
    RtlZeroMemory(&c->P, sizeof c->P);
    if (kind == FX_USB_URB) {
        c->Assign = u->Handle;
    } else {
        s = urb_make(u, r, c);
        if (!NT_SUCCESS(s))
            return s;
    }
    FxFormatSave(r);
    *out = c;
    return STATUS_SUCCESS;
}

void FxUsbContextSubmit(FxRequest *r, FxTarget *t, FxUsbContext *c, WDF_USB_REQUEST_TYPE type)
{
    IO_STACK_LOCATION *sl = FxFormatLocation(r, t, IRP_MJ_INTERNAL_DEVICE_CONTROL);
    sl->Parameters.DeviceIoControl.IoControlCode = IOCTL_INTERNAL_USB_SUBMIT_URB;
    if (c->Assign)
        USBD_AssignUrbToIoStackLocation(c->Assign, sl, c->Urb);
    else
        sl->Parameters.Others.Argument1 = c->Urb;
    c->P.Type = type;
    r->F.Type = WdfRequestTypeUsb;
    r->F.Usb = c;
}

/* Memory of a request with an MDL goes down as an MDL, other memory by its address. */
NTSTATUS FxUsbBuffer(FxRequest *r, const FxIoBuffer *b, PVOID *buffer, PMDL *mdl, ULONG *length)
{
    *buffer = NULL;
    *mdl = NULL;
    *length = (ULONG)b->Length;
    if (b->Mdl)
        return FxFormatMdl(r, b, mdl);
    *buffer = b->Buffer;
    return STATUS_SUCCESS;
}

/* ---- completion ---- */

/* DOC: an odd length or one without a header is a device's fault; what does not fit is cut, with a warning. */
static void string_completed(FxUsbContext *c, WDF_REQUEST_COMPLETION_PARAMS *p)
{
    UCHAR length = c->String->bLength;
    if ((length & 1) || length < sizeof(USB_COMMON_DESCRIPTOR)) {
        p->IoStatus.Status = STATUS_DEVICE_DATA_ERROR;
        return;
    }
    if (!NT_SUCCESS(p->IoStatus.Status))
        return;
    UCHAR size = (UCHAR)(length - sizeof(USB_COMMON_DESCRIPTOR));
    c->P.Parameters.DeviceString.RequiredSize = size;
    if (size > c->StringRoom) {
        p->IoStatus.Status = STATUS_BUFFER_OVERFLOW;
        RtlCopyMemory(c->StringTo, c->String->bString, c->StringRoom);
        return;
    }
    p->IoStatus.Information = size;
    RtlCopyMemory(c->StringTo, c->String->bString, size);
}

void FxUsbContextCompleted(FxRequest *r)
{
    FxUsbContext *c = r->F.Usb;
    WDF_REQUEST_COMPLETION_PARAMS *p = &r->Params;
    p->Type = WdfRequestTypeUsb;
    p->Parameters.Usb.Completion = &c->P;
    c->P.UsbdStatus = c->Urb->UrbHeader.Status;
    switch (c->Kind) {
    case FX_USB_TRANSFER:
        p->IoStatus.Information = c->Urb->UrbBulkOrInterruptTransfer.TransferBufferLength;
        c->P.Parameters.PipeRead.Length = p->IoStatus.Information;
        break;
    case FX_USB_CONTROL:
        p->IoStatus.Information = c->Urb->UrbControlTransfer.TransferBufferLength;
        c->P.Parameters.DeviceControlTransfer.Length = (ULONG)p->IoStatus.Information;
        break;
    case FX_USB_STRING:
        string_completed(c, p);
        break;
    default:
        break;
    }
}

/* ---- the framework's own requests ---- */

NTSTATUS FxUsbSendUrb(FxTarget *t, FxRequest *r, PURB urb, ULONG flags, ULONG timeout)
{
    WDF_REQUEST_SEND_OPTIONS o;
    if (r->Irp)
        IoReuseIrp(r->Irp, STATUS_SUCCESS);
    r->CancelWanted = r->CancelCalled = FALSE;
    NTSTATUS s = FxRequestBase_ValidateTarget(r, t);
    if (!NT_SUCCESS(s))
        return s;
    FxFormatSave(r);
    IO_STACK_LOCATION *sl = FxFormatLocation(r, t, IRP_MJ_INTERNAL_DEVICE_CONTROL);
    sl->Parameters.DeviceIoControl.IoControlCode = IOCTL_INTERNAL_USB_SUBMIT_URB;
    sl->Parameters.Others.Argument1 = urb;
    WDF_REQUEST_SEND_OPTIONS_INIT(&o, flags);
    if (timeout)
        WDF_REQUEST_SEND_OPTIONS_SET_TIMEOUT(&o, WDF_REL_TIMEOUT_IN_SEC(timeout));
    FxIoTarget_SubmitSync(t, r, &o);
    return r->Status;
}

void FxUsbIgnoreState(WDF_REQUEST_SEND_OPTIONS *o, PWDF_REQUEST_SEND_OPTIONS given)
{
    WDF_REQUEST_SEND_OPTIONS_INIT(o, 0);
    if (given)
        *o = *given;
    o->Flags |= WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE;
}

/* ---- URBs of the driver ---- */

static NTSTATUS format_urb(FxUsbDevice *u, FxTarget *t, FxRequest *r, FxIoBuffer *b, WDF_USB_REQUEST_TYPE type, WDFMEMORY memory)
{
    FxUsbContext *c;
    NTSTATUS s = FxUsbContextFor(u, t, r, FX_USB_URB, &c);
    if (!NT_SUCCESS(s))
        return s;
    FxFormatHold(&r->F.In, &r->F.InOffset, b);
    c->Urb = b->Buffer;
    FxUsbContextSubmit(r, t, c, type);
    c->P.Parameters.PipeUrb.Buffer = memory;
    return STATUS_SUCCESS;
}

NTSTATUS FxUsbFormatUrb(FxGlobals *g, FxUsbDevice *u, FxTarget *t, WDFREQUEST Request, WDFMEMORY Memory, PWDFMEMORY_OFFSET Offset, WDF_USB_REQUEST_TYPE type)
{
    FxIoBuffer b;
    FX_NOT_NULL(g, Memory);
    FxRequest *r = FX_OBJ(g, Request, FxRequest, FX_TYPE_REQUEST);
    FxRequestNotSent(g, r);
    NTSTATUS s = FxIoBufferOfMemory(g, Memory, Offset, &b);
    if (NT_SUCCESS(s) && b.Length < sizeof(struct _URB_HEADER)) {
        FXLOG(g, UsbUrbSize, P64(Memory), b.Length, sizeof(struct _URB_HEADER), S64(STATUS_INVALID_PARAMETER));
        s = STATUS_INVALID_PARAMETER;
    }
    return NT_SUCCESS(s) ? format_urb(u, t, r, &b, type, Memory) : s;
}

NTSTATUS FxUsbSendUrbSynchronously(PWDF_DRIVER_GLOBALS G, FxUsbDevice *u, FxTarget *t, WDFREQUEST Request, PWDF_REQUEST_SEND_OPTIONS Options, PURB Urb, WDF_USB_REQUEST_TYPE type)
{
    FxIoBuffer b = { .Buffer = Urb };
    FX_NOT_NULL(FxGet(G), Urb);
    FX_PASSIVE(FxGet(G));
    NTSTATUS s = FxSyncOptions(Options);
    if (!NT_SUCCESS(s))
        return s;
    FxRequest *r = FxSyncRequest(G, Request, &s);
    if (!r)
        return s;
    s = format_urb(u, t, r, &b, type, NULL);
    return FxSyncSend(t, r, Request, s, Options, NULL);
}
