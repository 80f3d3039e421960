/* WDFUSBDEVICE: a target beside the device's own that knows the device's descriptors. When it is made, the descriptors are read, the device's status and
 * the bus driver's interface are asked for; both last ones may fail.
 *
 * DOC: a stack without the bus interface is the old USBD, which takes control transfers on the handle of the default pipe only. */
#include <initguid.h>
#include "fx_usb.h"

static FxUsbDevice *device(FxGlobals *g, WDFUSBDEVICE h)
{
    return FX_OBJ(g, h, FxUsbDevice, FX_TYPE_IO_TARGET_USB_DEVICE);
}

/* ---- coming and going ---- */

static BOOLEAN usb_dispose(FxObject *o)
{
    FxUsbDevice *u = (FxUsbDevice *)o;
    KeFlushQueuedDpcs(); /* readers' */
    FxTargetDispose(o);
    if (u->Handle)
        USBD_CloseHandle(u->Handle);
    u->Handle = NULL;
    return TRUE;
}

static void usb_destroy(FxObject *o)
{
    FxUsbDevice *u = (FxUsbDevice *)o;
    if (u->BusDereference)
        u->BusDereference(u->BusContext);
    if (u->Interfaces)
        ExFreePoolWithTag(u->Interfaces, FX_TAG);
    if (u->ConfigDescriptor)
        ExFreePoolWithTag(u->ConfigDescriptor, FX_TAG);
    if (u->Handle)
        USBD_CloseHandle(u->Handle);
}

static NTSTATUS get_descriptor(FxUsbDevice *u, FxRequest *r, UCHAR type, PVOID to, ULONG size, struct _URB_CONTROL_DESCRIPTOR_REQUEST *urb)
{
    RtlZeroMemory(urb, sizeof *urb);
    urb->Hdr.Length = sizeof *urb;
    urb->Hdr.Function = URB_FUNCTION_GET_DESCRIPTOR_FROM_DEVICE;
    urb->DescriptorType = type;
    urb->TransferBuffer = to;
    urb->TransferBufferLength = size;
    return FxUsbSendUrb(&u->T, r, (PURB)urb, 0, 5);
}

static NTSTATUS read_configuration(FxUsbDevice *u, FxRequest *r, struct _URB_CONTROL_DESCRIPTOR_REQUEST *urb)
{
    FxGlobals *g = u->T.O.Globals;
    USB_CONFIGURATION_DESCRIPTOR head = { 0 };
    NTSTATUS s = get_descriptor(u, r, USB_CONFIGURATION_DESCRIPTOR_TYPE, &head, sizeof head, urb);
    if (NT_SUCCESS(s) && (!urb->TransferBufferLength || head.wTotalLength < sizeof head))
        s = STATUS_UNSUCCESSFUL;
    if (!NT_SUCCESS(s))
        return s;
    u->ConfigDescriptor = FxPoolAllocate(g, NonPagedPoolNx, head.wTotalLength + sizeof(USB_DEVICE_DESCRIPTOR), FX_TAG); /* room for careless walks */
    if (!u->ConfigDescriptor)
        return STATUS_INSUFFICIENT_RESOURCES;
    s = get_descriptor(u, r, USB_CONFIGURATION_DESCRIPTOR_TYPE, u->ConfigDescriptor, head.wTotalLength, urb);
    if (NT_SUCCESS(s) && u->ConfigDescriptor->wTotalLength != head.wTotalLength)
        s = STATUS_DEVICE_DATA_ERROR;
    return s;
}

static void read_status(FxUsbDevice *u, FxRequest *r)
{
    USHORT status = 0;
    struct _URB_CONTROL_GET_STATUS_REQUEST urb = { { sizeof urb, URB_FUNCTION_GET_STATUS_FROM_DEVICE } };
    urb.TransferBuffer = &status;
    urb.TransferBufferLength = sizeof status;
    if (NT_SUCCESS(FxUsbSendUrb(&u->T, r, (PURB)&urb, 0, 5)) && (status & USB_GETSTATUS_SELF_POWERED))
        u->Traits |= WDF_USB_DEVICE_TRAIT_SELF_POWERED;
}

static NTSTATUS ask_bus(FxUsbDevice *u)
{
    USB_BUS_INTERFACE_USBDI_V1 bus = { 0 };
    NTSTATUS s = FxSendQueryInterface(u->T.Device, &USB_BUS_INTERFACE_USBDI_GUID, (PINTERFACE)&bus, sizeof bus, USB_BUSIF_USBDI_VERSION_1, NULL);
    if (!NT_SUCCESS(s)) {
        RtlZeroMemory(&bus, sizeof bus);
        s = FxSendQueryInterface(u->T.Device, &USB_BUS_INTERFACE_USBDI_GUID, (PINTERFACE)&bus, sizeof(USB_BUS_INTERFACE_USBDI_V0), USB_BUSIF_USBDI_VERSION_0, NULL);
    }
    if (s == STATUS_NOT_SUPPORTED) {
        u->OnUsbd = TRUE;
        return STATUS_SUCCESS;
    }
    if (!NT_SUCCESS(s))
        return s;
    if (bus.IsDeviceHighSpeed && bus.IsDeviceHighSpeed(bus.BusContext))
        u->Traits |= WDF_USB_DEVICE_TRAIT_AT_HIGH_SPEED;
    u->QueryBusTime = bus.QueryBusTime;
    u->BusContext = bus.BusContext;
    u->BusDereference = bus.InterfaceDereference;
    bus.GetUSBDIVersion(bus.BusContext, &u->Version, &u->HcdPortCapabilities);
    return STATUS_SUCCESS;
}

FXM(NTSTATUS, FxUsbDevice, InitDevice, (FxUsbDevice * u, ULONG version));

NTSTATUS FxUsbDevice_InitDevice(FxUsbDevice *u, ULONG version)
{
    FxGlobals *g = u->T.O.Globals;
    struct _URB_CONTROL_DESCRIPTOR_REQUEST urb;
    NTSTATUS s = STATUS_SUCCESS;
    if (version != USBD_CLIENT_CONTRACT_VERSION_INVALID)
        s = USBD_CreateHandle(u->T.O.Device->DeviceObject, u->T.Device, version, g->Public.DriverTag, &u->Handle);
    if (!NT_SUCCESS(s)) {
        FXLOG(g, UsbInit, P64(u->T.O.Device), S64(s));
        return s;
    }
    FxRequest *r = FxRequestNew(g, NULL, &s);
    if (!r)
        return s;
    s = get_descriptor(u, r, USB_DEVICE_DESCRIPTOR_TYPE, &u->Descriptor, sizeof u->Descriptor, &urb);
    u->ControlPipe = urb.Reserved; /* DOC: where the stack says which handle the default pipe has */
    if (NT_SUCCESS(s))
        s = read_configuration(u, r, &urb);
    if (NT_SUCCESS(s)) {
        if (u->ConfigDescriptor->bmAttributes & USB_CONFIG_REMOTE_WAKEUP)
            u->Traits |= WDF_USB_DEVICE_TRAIT_REMOTE_WAKE_CAPABLE;
        read_status(u, r);
        s = ask_bus(u);
    }
    FxObject_DeleteObject(FX(r));
    if (!NT_SUCCESS(s))
        FXLOG(g, UsbInit, P64(u->T.O.Device), S64(s));
    return s;
}

static NTSTATUS create(FxGlobals *g, FxDevice *d, ULONG version, PWDF_OBJECT_ATTRIBUTES a, WDFUSBDEVICE *out)
{
    FX_NOT_NULL(g, out);
    *out = NULL;
    FX_PASSIVE(g);
    NTSTATUS s = FxValidateObjectAttributes(g, a, FXA_PARENT_REFUSED);
    if (!NT_SUCCESS(s))
        return s;
    FxUsbDevice *u = (FxUsbDevice *)FxTargetNew(g, d, FX_TYPE_IO_TARGET_USB_DEVICE, sizeof *u, a, &s);
    if (!u)
        return s;
    u->T.O.Destroy = usb_destroy;
    KeInitializeMutex(&u->Iteration, 0);
    FxTargetIsLocal(&u->T);
    s = FxUsbDevice_InitDevice(u, version);
    if (NT_SUCCESS(s))
        s = FxUsbInterfacesCreate(u);
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(u));
        return s;
    }
    s = FxTargetCommit(&u->T, a, FX(d), (WDFOBJECT *)out);
    if (NT_SUCCESS(s))
        u->T.O.Dispose = usb_dispose;
    return s;
}

NTSTATUS imp_WdfUsbTargetDeviceCreate(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_OBJECT_ATTRIBUTES Attributes, WDFUSBDEVICE *UsbDevice)
{
    FxGlobals *g = FxGet(G);
    return create(g, FX_OBJ(g, Device, FxDevice, FX_TYPE_DEVICE), USBD_CLIENT_CONTRACT_VERSION_INVALID, Attributes, UsbDevice);
}

static NTSTATUS size_is(FxGlobals *g, PVOID structure, ULONG size, ULONG wanted)
{
    if (size == wanted)
        return STATUS_SUCCESS;
    FXLOG(g, StructureSize, P64(structure), size, wanted, S64(STATUS_INFO_LENGTH_MISMATCH));
    return STATUS_INFO_LENGTH_MISMATCH;
}

NTSTATUS imp_WdfUsbTargetDeviceCreateWithParameters(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_USB_DEVICE_CREATE_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes,
                                                    WDFUSBDEVICE *UsbDevice)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = FX_OBJ(g, Device, FxDevice, FX_TYPE_DEVICE);
    FX_NOT_NULL(g, Config);
    NTSTATUS s = size_is(g, Config, Config->Size, sizeof *Config);
    return NT_SUCCESS(s) ? create(g, d, Config->USBDClientContractVersion, Attributes, UsbDevice) : s;
}

/* ---- what it is ---- */

NTSTATUS imp_WdfUsbTargetDeviceRetrieveInformation(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, PWDF_USB_DEVICE_INFORMATION Information)
{
    FxGlobals *g = FxGet(G);
    FxUsbDevice *u = device(g, UsbDevice);
    FX_NOT_NULL(g, Information);
    NTSTATUS s = size_is(g, Information, Information->Size, sizeof *Information);
    if (!NT_SUCCESS(s))
        return s;
    Information->Traits = u->Traits;
    Information->HcdPortCapabilities = u->HcdPortCapabilities;
    Information->UsbdVersionInformation = u->Version;
    return STATUS_SUCCESS;
}

VOID imp_WdfUsbTargetDeviceGetDeviceDescriptor(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, PUSB_DEVICE_DESCRIPTOR UsbDeviceDescriptor)
{
    FxGlobals *g = FxGet(G);
    FxUsbDevice *u = device(g, UsbDevice);
    FX_NOT_NULL(g, UsbDeviceDescriptor);
    FX_PASSIVE_V(g);
    *UsbDeviceDescriptor = u->Descriptor;
}

NTSTATUS imp_WdfUsbTargetDeviceRetrieveConfigDescriptor(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, PVOID ConfigDescriptor, PUSHORT ConfigDescriptorLength)
{
    FxGlobals *g = FxGet(G);
    FxUsbDevice *u = device(g, UsbDevice);
    FX_NOT_NULL(g, ConfigDescriptorLength);
    FX_PASSIVE(g);
    USHORT all = u->ConfigDescriptor->wTotalLength, room = ConfigDescriptor ? *ConfigDescriptorLength : 0;
    if (ConfigDescriptor)
        RtlCopyMemory(ConfigDescriptor, u->ConfigDescriptor, min(room, all));
    *ConfigDescriptorLength = all;
    return room < all ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}

UCHAR imp_WdfUsbTargetDeviceGetNumInterfaces(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice)
{
    return device(FxGet(G), UsbDevice)->Count;
}

USBD_CONFIGURATION_HANDLE imp_WdfUsbTargetDeviceWdmGetConfigurationHandle(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice)
{
    return device(FxGet(G), UsbDevice)->Config;
}

NTSTATUS imp_WdfUsbTargetDeviceRetrieveCurrentFrameNumber(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, PULONG CurrentFrameNumber)
{
    FxGlobals *g = FxGet(G);
    FxUsbDevice *u = device(g, UsbDevice);
    FX_NOT_NULL(g, CurrentFrameNumber);
    return u->QueryBusTime ? u->QueryBusTime(u->BusContext, CurrentFrameNumber) : STATUS_UNSUCCESSFUL;
}

NTSTATUS imp_WdfUsbTargetDeviceQueryUsbCapability(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, CONST GUID *CapabilityType, ULONG CapabilityBufferLength,
                                                  PVOID CapabilityBuffer, PULONG ResultLength)
{
    FxGlobals *g = FxGet(G);
    FxUsbDevice *u = device(g, UsbDevice);
    if (CapabilityBufferLength)
        FX_NOT_NULL(g, CapabilityBuffer);
    if (ResultLength)
        *ResultLength = 0;
    if (!u->Handle) {
        FXLOG(g, UsbNoContract, P64(UsbDevice), S64(STATUS_INVALID_DEVICE_STATE));
        return STATUS_INVALID_DEVICE_STATE;
    }
    return USBD_QueryUsbCapability(u->Handle, CapabilityType, CapabilityBufferLength, CapabilityBuffer, ResultLength);
}

/* ---- strings ---- */

/* String NULL: only how long it is. *Count: characters, in and out. */
static NTSTATUS get_string(PWDF_DRIVER_GLOBALS G, FxUsbDevice *u, PUSHORT String, PUSHORT Count, UCHAR Index, USHORT Language, WDFREQUEST Request,
                           PWDF_REQUEST_SEND_OPTIONS Options)
{
    FxGlobals *g = FxGet(G);
    USB_COMMON_DESCRIPTOR head = { 0 };
    WDF_REQUEST_SEND_OPTIONS two;
    PUSB_STRING_DESCRIPTOR d = (PUSB_STRING_DESCRIPTOR)&head;
    ULONG size = sizeof head;
    NTSTATUS s = STATUS_SUCCESS;
    struct _URB_CONTROL_DESCRIPTOR_REQUEST *urb = FxPoolAllocate(g, NonPagedPoolNx, sizeof *urb, FX_TAG);
    FxRequest *r = urb ? FxSyncRequest(G, Request, &s) : NULL;
    if (String) {
        size = FIELD_OFFSET(USB_STRING_DESCRIPTOR, bString) + *Count * sizeof(WCHAR);
        d = FxPoolAllocate(g, NonPagedPoolNx, max(size, sizeof *d), FX_TAG);
    }
    if (!urb || !r || !d) {
        s = STATUS_INSUFFICIENT_RESOURCES;
        goto out;
    }
    WDF_REQUEST_SEND_OPTIONS_INIT(&two, 0);
    WDF_REQUEST_SEND_OPTIONS_SET_TIMEOUT(&two, WDF_REL_TIMEOUT_IN_SEC(2));
    urb->Hdr.Length = sizeof *urb;
    urb->Hdr.Function = URB_FUNCTION_GET_DESCRIPTOR_FROM_DEVICE;
    urb->DescriptorType = USB_STRING_DESCRIPTOR_TYPE;
    urb->Index = Index;
    urb->LanguageId = Language;
    urb->TransferBuffer = d;
    urb->TransferBufferLength = size;
    s = FxRequestBase_ValidateTarget(r, &u->T);
    if (NT_SUCCESS(s)) {
        FxFormatSave(r);
        IO_STACK_LOCATION *sl = FxFormatLocation(r, &u->T, IRP_MJ_INTERNAL_DEVICE_CONTROL);
        sl->Parameters.DeviceIoControl.IoControlCode = IOCTL_INTERNAL_USB_SUBMIT_URB;
        sl->Parameters.Others.Argument1 = urb;
    }
    FxObject_AddRef(FX(r));
    s = FxSyncSend(&u->T, r, Request, s, Options ? Options : &two, NULL);
    FxObject_Release(FX(r));
    r = NULL;
    if (NT_SUCCESS(s)) {
        USHORT have = (USHORT)((d->bLength - sizeof head) / sizeof(WCHAR));
        if ((d->bLength & 1) || d->bLength < sizeof head) {
            s = STATUS_DEVICE_DATA_ERROR;
            goto out;
        }
        if (String) {
            s = *Count < have ? STATUS_BUFFER_OVERFLOW : s;
            RtlCopyMemory(String, d->bString, min(*Count, have) * sizeof(WCHAR));
        }
        *Count = have;
    }
out:
    if (r && !Request)
        FxObject_DeleteObject(FX(r));
    if (String && d)
        ExFreePoolWithTag(d, FX_TAG);
    if (urb)
        ExFreePoolWithTag(urb, FX_TAG);
    return s;
}

NTSTATUS imp_WdfUsbTargetDeviceQueryString(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, WDFREQUEST Request, PWDF_REQUEST_SEND_OPTIONS RequestOptions, PUSHORT String,
                                           PUSHORT NumCharacters, UCHAR StringIndex, USHORT LangID)
{
    FxGlobals *g = FxGet(G);
    FxUsbDevice *u = device(g, UsbDevice);
    FX_NOT_NULL(g, NumCharacters);
    FX_PASSIVE(g);
    NTSTATUS s = FxSyncOptions(RequestOptions);
    return NT_SUCCESS(s) ? get_string(G, u, String, NumCharacters, StringIndex, LangID, Request, RequestOptions) : s;
}

extern NTSTATUS FxMemoryOfBuffer(FxGlobals *g, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent, PVOID buffer, size_t length, ULONG tag, WDFMEMORY *out);

NTSTATUS imp_WdfUsbTargetDeviceAllocAndQueryString(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, PWDF_OBJECT_ATTRIBUTES StringMemoryAttributes, WDFMEMORY *StringMemory,
                                                   PUSHORT NumCharacters, UCHAR StringIndex, USHORT LangID)
{
    FxGlobals *g = FxGet(G);
    FxUsbDevice *u = device(g, UsbDevice);
    USHORT count = 0;
    FX_NOT_NULL(g, StringMemory);
    *StringMemory = NULL;
    if (NumCharacters)
        *NumCharacters = 0;
    FX_PASSIVE(g);
    NTSTATUS s = FxValidateObjectAttributes(g, StringMemoryAttributes, FXA_PARENT_OPTIONAL);
    if (NT_SUCCESS(s))
        s = get_string(G, u, NULL, &count, StringIndex, LangID, NULL, NULL);
    if (!NT_SUCCESS(s) || !count)
        return s;
    PUSHORT text = ExAllocatePoolWithTag(NonPagedPoolNx, count * sizeof(WCHAR), g->Public.DriverTag);
    if (!text)
        return STATUS_INSUFFICIENT_RESOURCES;
    USHORT length = count;
    s = get_string(G, u, text, &count, StringIndex, LangID, NULL, NULL);
    if (NT_SUCCESS(s) && s != STATUS_BUFFER_OVERFLOW)
        s = FxMemoryOfBuffer(g, StringMemoryAttributes, FX(g->Driver), text, length * sizeof(WCHAR), g->Public.DriverTag, StringMemory);
    if (!NT_SUCCESS(s))
        ExFreePoolWithTag(text, g->Public.DriverTag);
    else if (NumCharacters)
        *NumCharacters = count;
    return s;
}

NTSTATUS imp_WdfUsbTargetDeviceFormatRequestForString(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, WDFREQUEST Request, WDFMEMORY Memory, PWDFMEMORY_OFFSET Offset,
                                                      UCHAR StringIndex, USHORT LangID)
{
    FxGlobals *g = FxGet(G);
    FxUsbDevice *u = device(g, UsbDevice);
    FxIoBuffer b;
    FxUsbContext *c;
    FX_NOT_NULL(g, Memory);
    FxRequest *r = FX_OBJ(g, Request, FxRequest, FX_TYPE_REQUEST);
    FxRequestNotSent(g, r);
    NTSTATUS s = FxIoBufferOfMemory(g, Memory, Offset, &b);
    if (!NT_SUCCESS(s))
        return s;
    if (b.Length % sizeof(WCHAR)) {
        FXLOG(g, UsbOddString, P64(Memory), b.Length, S64(STATUS_INVALID_PARAMETER));
        return STATUS_INVALID_PARAMETER;
    }
    s = FxUsbContextFor(u, &u->T, r, FX_USB_STRING, &c);
    ULONG size = (ULONG)(FIELD_OFFSET(USB_STRING_DESCRIPTOR, bString) + b.Length);
    if (NT_SUCCESS(s) && size > c->StringSize) {
        if (c->String)
            ExFreePoolWithTag(c->String, FX_TAG);
        c->String = FxPoolAllocate(g, NonPagedPoolNx, max(size, sizeof *c->String), FX_TAG);
        c->StringSize = c->String ? size : 0;
        s = c->String ? s : STATUS_INSUFFICIENT_RESOURCES;
    }
    if (!NT_SUCCESS(s)) {
        FxRequestUndoFormat(r);
        return s;
    }
    RtlZeroMemory(c->String, c->StringSize);
    FxFormatHold(&r->F.Out, &r->F.OutOffset, &b);
    c->StringTo = b.Buffer;
    c->StringRoom = b.Length;
    struct _URB_CONTROL_DESCRIPTOR_REQUEST *urb = &c->Urb->UrbControlDescriptorRequest;
    urb->Hdr.Function = URB_FUNCTION_GET_DESCRIPTOR_FROM_DEVICE;
    urb->DescriptorType = USB_STRING_DESCRIPTOR_TYPE;
    urb->TransferBuffer = c->String;
    urb->TransferBufferLength = c->StringSize;
    urb->Index = StringIndex;
    urb->LanguageId = LangID;
    FxUsbContextSubmit(r, &u->T, c, WdfUsbRequestTypeDeviceString);
    c->P.Parameters.DeviceString.Buffer = Memory;
    c->P.Parameters.DeviceString.StringIndex = StringIndex;
    c->P.Parameters.DeviceString.LangID = LangID;
    return STATUS_SUCCESS;
}

/* ---- control transfers ---- */

static NTSTATUS format_control(FxUsbDevice *u, FxRequest *r, PWDF_USB_CONTROL_SETUP_PACKET setup, FxIoBuffer *b)
{
    FxUsbContext *c;
    if (b->Length > MAXUSHORT) {
        FXLOG(u->T.O.Globals, UsbControlSize, b->Length);
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS s = FxUsbContextFor(u, &u->T, r, FX_USB_CONTROL, &c);
    if (!NT_SUCCESS(s))
        return s;
    struct _URB_CONTROL_TRANSFER *urb = &c->Urb->UrbControlTransfer;
    urb->Hdr.Function = URB_FUNCTION_CONTROL_TRANSFER;
    s = FxUsbBuffer(r, b, &urb->TransferBuffer, &urb->TransferBufferMDL, &urb->TransferBufferLength);
    if (!NT_SUCCESS(s)) {
        FxRequestUndoFormat(r);
        return s;
    }
    FxFormatHold(&r->F.Out, &r->F.OutOffset, b);
    RtlCopyMemory(urb->SetupPacket, setup, sizeof urb->SetupPacket);
    ((PWDF_USB_CONTROL_SETUP_PACKET)urb->SetupPacket)->Packet.wLength = (USHORT)b->Length;
    urb->TransferFlags = USBD_SHORT_TRANSFER_OK;
    if (setup->Packet.bm.Request.Dir == BMREQUEST_DEVICE_TO_HOST)
        urb->TransferFlags |= USBD_TRANSFER_DIRECTION_IN;
    if (u->OnUsbd)
        urb->PipeHandle = u->ControlPipe;
    else
        urb->TransferFlags |= USBD_DEFAULT_PIPE_TRANSFER;
    FxUsbContextSubmit(r, &u->T, c, WdfUsbRequestTypeDeviceControlTransfer);
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfUsbTargetDeviceFormatRequestForControlTransfer(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, WDFREQUEST Request, PWDF_USB_CONTROL_SETUP_PACKET SetupPacket,
                                                               WDFMEMORY TransferMemory, PWDFMEMORY_OFFSET TransferOffset)
{
    FxGlobals *g = FxGet(G);
    FxUsbDevice *u = device(g, UsbDevice);
    FxIoBuffer b;
    FX_NOT_NULL(g, SetupPacket);
    NTSTATUS s = FxIoBufferOfMemory(g, TransferMemory, TransferOffset, &b);
    if (!NT_SUCCESS(s))
        return s;
    FxRequest *r = FX_OBJ(g, Request, FxRequest, FX_TYPE_REQUEST);
    FxRequestNotSent(g, r);
    s = format_control(u, r, SetupPacket, &b);
    if (NT_SUCCESS(s)) {
        r->Usb->P.Parameters.DeviceControlTransfer.SetupPacket = *SetupPacket;
        r->Usb->P.Parameters.DeviceControlTransfer.Buffer = TransferMemory;
    }
    return s;
}

NTSTATUS imp_WdfUsbTargetDeviceSendControlTransferSynchronously(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, WDFREQUEST Request, PWDF_REQUEST_SEND_OPTIONS RequestOptions,
                                                                PWDF_USB_CONTROL_SETUP_PACKET SetupPacket, PWDF_MEMORY_DESCRIPTOR MemoryDescriptor, PULONG BytesTransferred)
{
    FxGlobals *g = FxGet(G);
    FxUsbDevice *u = device(g, UsbDevice);
    FxIoBuffer b;
    FX_NOT_NULL(g, SetupPacket);
    FX_PASSIVE(g);
    NTSTATUS s = FxSyncOptions(RequestOptions);
    if (NT_SUCCESS(s))
        s = FxIoBufferOfDescriptor(g, MemoryDescriptor, &b);
    if (!NT_SUCCESS(s))
        return s;
    FxRequest *r = FxSyncRequest(G, Request, &s);
    if (!r)
        return s;
    s = format_control(u, r, SetupPacket, &b);
    BOOLEAN formatted = NT_SUCCESS(s);
    FxObject_AddRef(FX(r));
    s = FxSyncSend(&u->T, r, Request, s, RequestOptions, NULL);
    if (formatted && BytesTransferred)
        *BytesTransferred = NT_SUCCESS(s) ? r->Usb->P.Parameters.DeviceControlTransfer.Length : 0;
    FxObject_Release(FX(r));
    return s;
}

/* ---- the port ---- */

NTSTATUS FxUsbPortStatus(FxUsbDevice *u, ULONG *status)
{
    WDF_REQUEST_SEND_OPTIONS o;
    FxIoBuffer a[3] = { { .Buffer = status } };
    NTSTATUS s;
    *status = 0;
    FxRequest *r = FxRequestNew(u->T.O.Globals, NULL, &s);
    if (!r)
        return s;
    s = FxIoTargetFormatOthers(u->T.O.Globals, &u->T, r, IOCTL_INTERNAL_USB_GET_PORT_STATUS, a);
    if (NT_SUCCESS(s)) {
        FxUsbIgnoreState(&o, NULL);
        FxIoTarget_SubmitSync(&u->T, r, &o);
        s = r->Status;
    }
    FxObject_DeleteObject(FX(r));
    return s;
}

NTSTATUS FxUsbConnected(FxUsbDevice *u)
{
    ULONG status;
    NTSTATUS s = FxUsbPortStatus(u, &status);
    return NT_SUCCESS(s) && !(status & USBD_PORT_CONNECTED) ? STATUS_DEVICE_DOES_NOT_EXIST : s;
}

NTSTATUS imp_WdfUsbTargetDeviceIsConnectedSynchronous(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice)
{
    FxUsbDevice *u = device(FxGet(G), UsbDevice);
    FX_PASSIVE(FxGet(G));
    return FxUsbConnected(u);
}

void FxUsbCancelAll(FxUsbDevice *u)
{
    ULONG i = 0, p = 0;
    for (FxUsbPipe *pipe; (pipe = FxUsbNextPipe(u, &i, &p)) != NULL;) {
        FxTargetCancelAll(&pipe->T);
        FxObject_Release(FX(pipe));
    }
    FxTargetCancelAll(&u->T);
}

/* What was sent is cancelled (not waited for), and the request goes whatever the target's state. */
static NTSTATUS port_ioctl(FxUsbDevice *u, ULONG code)
{
    WDF_REQUEST_SEND_OPTIONS o;
    FxIoBuffer none = { 0 };
    NTSTATUS s;
    FxRequest *r = FxRequestNew(u->T.O.Globals, NULL, &s);
    if (!r)
        return s;
    s = FxIoTargetFormatIoctl(u->T.O.Globals, &u->T, r, code, TRUE, &none, &none);
    if (NT_SUCCESS(s)) {
        FxUsbCancelAll(u);
        FxUsbIgnoreState(&o, NULL);
        FxIoTarget_SubmitSync(&u->T, r, &o);
        s = r->Status;
    }
    FxObject_DeleteObject(FX(r));
    return s;
}

NTSTATUS FxUsbResetPort(FxUsbDevice *u)
{
    return port_ioctl(u, IOCTL_INTERNAL_USB_RESET_PORT);
}

NTSTATUS imp_WdfUsbTargetDeviceResetPortSynchronously(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice)
{
    FxUsbDevice *u = device(FxGet(G), UsbDevice);
    FX_PASSIVE(FxGet(G));
    return FxUsbResetPort(u);
}

NTSTATUS imp_WdfUsbTargetDeviceCyclePortSynchronously(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice)
{
    FxUsbDevice *u = device(FxGet(G), UsbDevice);
    FX_PASSIVE(FxGet(G));
    return port_ioctl(u, IOCTL_INTERNAL_USB_CYCLE_PORT);
}

NTSTATUS imp_WdfUsbTargetDeviceFormatRequestForCyclePort(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, WDFREQUEST Request)
{
    FxGlobals *g = FxGet(G);
    FxUsbDevice *u = device(g, UsbDevice);
    FxRequest *r = FX_OBJ(g, Request, FxRequest, FX_TYPE_REQUEST);
    FxIoBuffer none = { 0 };
    FxRequestNotSent(g, r);
    return FxIoTargetFormatIoctl(g, &u->T, r, IOCTL_INTERNAL_USB_CYCLE_PORT, TRUE, &none, &none);
}

/* ---- URBs ---- */

NTSTATUS imp_WdfUsbTargetDeviceSendUrbSynchronously(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, WDFREQUEST Request, PWDF_REQUEST_SEND_OPTIONS RequestOptions, PURB Urb)
{
    FxUsbDevice *u = device(FxGet(G), UsbDevice);
    return FxUsbSendUrbSynchronously(G, u, &u->T, Request, RequestOptions, Urb, WdfUsbRequestTypeNoFormat);
}

NTSTATUS imp_WdfUsbTargetDeviceFormatRequestForUrb(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, WDFREQUEST Request, WDFMEMORY UrbMemory, PWDFMEMORY_OFFSET UrbMemoryOffset)
{
    FxUsbDevice *u = device(FxGet(G), UsbDevice);
    return FxUsbFormatUrb(FxGet(G), u, &u->T, Request, UrbMemory, UrbMemoryOffset, WdfUsbRequestTypeDeviceUrb);
}

typedef struct {
    FxMemory M;
    USBD_HANDLE Handle;
} FxUsbUrb;

static BOOLEAN urb_dispose(FxObject *o)
{
    FxUsbUrb *m = (FxUsbUrb *)o;
    if (m->Handle)
        USBD_UrbFree(m->Handle, m->M.Buffer);
    m->Handle = NULL;
    m->M.Buffer = NULL;
    return TRUE;
}

static void urb_destroy(FxObject *o)
{
    FxUsbUrb *m = (FxUsbUrb *)o;
    if (m->M.OwnsMdl && m->M.Mdl)
        IoFreeMdl(m->M.Mdl);
    urb_dispose(o);
}

static NTSTATUS create_urb(FxGlobals *g, FxUsbDevice *u, PWDF_OBJECT_ATTRIBUTES a, BOOLEAN isoch, ULONG packets, WDFMEMORY *memory, PURB *urb)
{
    FX_NOT_NULL(g, memory);
    if (!u->Handle) {
        FXLOG(g, UsbNoContract, P64(FxHandle(u)), S64(STATUS_INVALID_DEVICE_STATE));
        return STATUS_INVALID_DEVICE_STATE;
    }
    NTSTATUS s = FxValidateObjectAttributes(g, a, FXA_PARENT_OPTIONAL);
    if (!NT_SUCCESS(s))
        return s;
    if (a && a->ParentObject && !FxUsbGoesWithDevice(u, FX_OBJ(g, a->ParentObject, FxObject, FX_TYPE_OBJECT))) {
        FXLOG(g, UsbUrbParent, P64(a->ParentObject), S64(STATUS_INVALID_PARAMETER));
        return STATUS_INVALID_PARAMETER;
    }
    *memory = NULL;
    FxUsbUrb *m = FxObjectCreate(g, IFX_TYPE_MEMORY, sizeof *m, a, &s);
    if (!m)
        return s;
    m->M.O.Destroy = urb_destroy;
    PURB made = NULL;
    s = isoch ? USBD_IsochUrbAllocate(u->Handle, packets, &made) : USBD_UrbAllocate(u->Handle, &made);
    if (NT_SUCCESS(s)) {
        m->Handle = u->Handle;
        m->M.Buffer = made;
        m->M.Length = isoch ? GET_ISO_URB_SIZE(packets) : sizeof(URB);
        s = FxObjectCommit(FX(m), a, FX(u), (WDFOBJECT *)memory);
    }
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(m));
        return s;
    }
    m->M.O.Dispose = urb_dispose;
    if (urb)
        *urb = made;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfUsbTargetDeviceCreateUrb(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, PWDF_OBJECT_ATTRIBUTES Attributes, WDFMEMORY *UrbMemory, PURB *Urb)
{
    return create_urb(FxGet(G), device(FxGet(G), UsbDevice), Attributes, FALSE, 0, UrbMemory, Urb);
}

NTSTATUS imp_WdfUsbTargetDeviceCreateIsochUrb(PWDF_DRIVER_GLOBALS G, WDFUSBDEVICE UsbDevice, PWDF_OBJECT_ATTRIBUTES Attributes, ULONG NumberOfIsochPackets,
                                              WDFMEMORY *UrbMemory, PURB *Urb)
{
    return create_urb(FxGet(G), device(FxGet(G), UsbDevice), Attributes, TRUE, NumberOfIsochPackets, UrbMemory, Urb);
}
