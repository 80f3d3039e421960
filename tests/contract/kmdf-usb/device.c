/* The device: what it is, strings, configurations and settings, control transfers, URBs, the port, the calls of USBD. */
#include <initguid.h>
#include "driver.h"

static const GUID Capability = { 0xf5ceeb23, 0xad90, 0x458c, { 0x97, 0x9a, 0xd5, 0x9b, 0x3a, 0xd6, 0x88, 0x4f } };

VOID TestDevice(PDEVICE d)
{
    WDF_USB_DEVICE_INFORMATION info;
    UCHAR config[128];
    USHORT length = 7;
    ULONG frame = 0, got = 5;
    WDF_USB_DEVICE_INFORMATION_INIT(&info);
    CHECK_STATUS(WdfUsbTargetDeviceRetrieveInformation(d->Usb, &info), STATUS_SUCCESS);
    CHECK_IS(info.Traits, WDF_USB_DEVICE_TRAIT_SELF_POWERED | WDF_USB_DEVICE_TRAIT_REMOTE_WAKE_CAPABLE | WDF_USB_DEVICE_TRAIT_AT_HIGH_SPEED);
    CHECK_IS(info.UsbdVersionInformation.USBDI_Version, 0x500);
    CHECK_IS(info.UsbdVersionInformation.Supported_USB_Version, 0x200);
    CHECK_IS(info.HcdPortCapabilities, 1);
    info.Size++;
    CHECK_STATUS(WdfUsbTargetDeviceRetrieveInformation(d->Usb, &info), STATUS_INFO_LENGTH_MISMATCH);
    CHECK_STATUS(WdfUsbTargetDeviceRetrieveConfigDescriptor(d->Usb, NULL, &length), STATUS_BUFFER_TOO_SMALL);
    USHORT all = length;
    CHECK_IS(all, 9 + 9 + 21 + 9 + 14 + 9);
    length = 9;
    RtlFillMemory(config, sizeof config, 0xcc);
    CHECK_STATUS(WdfUsbTargetDeviceRetrieveConfigDescriptor(d->Usb, config, &length), STATUS_BUFFER_TOO_SMALL);
    CHECK(length == all && config[8] == 50 && config[9] == 0xcc);
    length = sizeof config;
    CHECK_STATUS(WdfUsbTargetDeviceRetrieveConfigDescriptor(d->Usb, config, &length), STATUS_SUCCESS);
    CHECK(length == all && config[all - 9] == 9 && config[all - 8] == 4 && config[all] == 0xcc);
    CHECK_IS(WdfUsbTargetDeviceGetNumInterfaces(d->Usb), 1);
    CHECK_STATUS(WdfUsbTargetDeviceRetrieveCurrentFrameNumber(d->Usb, &frame), STATUS_SUCCESS);
    CHECK_IS(frame, 4711);
    CHECK_STATUS(WdfUsbTargetDeviceQueryUsbCapability(d->Usb, &Capability, 0, NULL, &got), STATUS_NOT_IMPLEMENTED); /* the stack knows none */
    CHECK_IS(got, 0);
    WDFIOTARGET target = WdfUsbTargetDeviceGetIoTarget(d->Usb);
    CHECK_IS(WdfIoTargetGetState(target), WdfIoTargetStarted);
    CHECK(WdfIoTargetGetDevice(target) == d->Device && WdfIoTargetWdmGetTargetDeviceObject(target) == WdfDeviceWdmGetAttachedDevice(d->Device));
    CHECK(WdfIoTargetWdmGetTargetPhysicalDevice(target) == WdfDeviceWdmGetPhysicalDevice(d->Device));
    CHECK_STATUS(WdfUsbTargetDeviceIsConnectedSynchronous(d->Usb), STATUS_SUCCESS);
    CHECK_STATUS(Vendor(d, UNIT_PORT, 0, 0), STATUS_SUCCESS);
    CHECK_STATUS(WdfUsbTargetDeviceIsConnectedSynchronous(d->Usb), STATUS_DEVICE_DOES_NOT_EXIST);
    CHECK_STATUS(Vendor(d, UNIT_PORT, 3, 0), STATUS_SUCCESS);
}

VOID TestStrings(PDEVICE d)
{
    USHORT text[16], n = 0;
    WDFMEMORY m = NULL;
    SENT sent;
    RtlFillMemory(text, sizeof text, 0xcc);
    CHECK_STATUS(WdfUsbTargetDeviceQueryString(d->Usb, WDF_NO_HANDLE, NULL, NULL, &n, 1, 0x409), STATUS_SUCCESS);
    CHECK_IS(n, 4);
    n = 3;
    CHECK_STATUS(WdfUsbTargetDeviceQueryString(d->Usb, WDF_NO_HANDLE, NULL, text, &n, 1, 0x409), STATUS_BUFFER_OVERFLOW);
    CHECK(n == 4 && text[0] == 'U' && text[2] == 'i' && text[3] == 0xcccc);
    n = 16;
    CHECK_STATUS(WdfUsbTargetDeviceQueryString(d->Usb, WDF_NO_HANDLE, NULL, text, &n, 1, 0x409), STATUS_SUCCESS);
    CHECK(n == 4 && text[3] == 't' && text[4] == 0xcccc);
    CHECK_STATUS(WdfUsbTargetDeviceQueryString(d->Usb, WDF_NO_HANDLE, NULL, text, &n, 2, 0x409), STATUS_DEVICE_DATA_ERROR);
    CHECK_STATUS(WdfUsbTargetDeviceQueryString(d->Usb, WDF_NO_HANDLE, NULL, text, &n, 1, 0x407), STATUS_UNSUCCESSFUL);
    CHECK_STATUS(WdfUsbTargetDeviceAllocAndQueryString(d->Usb, WDF_NO_OBJECT_ATTRIBUTES, &m, &n, 1, 0x409), STATUS_SUCCESS);
    size_t size = 0;
    PUSHORT copy = m ? WdfMemoryGetBuffer(m, &size) : text;
    CHECK(m && n == 4 && size == 8 && copy[0] == 'U' && copy[3] == 't');
    if (m)
        WdfObjectDelete(m);
    CHECK_STATUS(WdfUsbTargetDeviceAllocAndQueryString(d->Usb, WDF_NO_OBJECT_ATTRIBUTES, &m, &n, 9, 0x409), STATUS_UNSUCCESSFUL);
    CHECK(!m && !n);
    SentInit(d, &sent, 16);
    WDFMEMORY_OFFSET part = { 2, 6 };
    WDFIOTARGET target = WdfUsbTargetDeviceGetIoTarget(d->Usb);
    CHECK_STATUS(WdfUsbTargetDeviceFormatRequestForString(d->Usb, sent.Request, sent.Memory, NULL, 1, 0x409), STATUS_SUCCESS);
    CHECK(SentGo(&sent, target, NULL));
    SentWait(d, &sent);
    CHECK_STATUS(sent.Status, STATUS_SUCCESS);
    CHECK(sent.Type == WdfRequestTypeUsb && sent.Usb.Type == WdfUsbRequestTypeDeviceString && sent.Usb.UsbdStatus == USBD_STATUS_SUCCESS);
    CHECK(sent.Usb.Parameters.DeviceString.Buffer == sent.Memory && sent.Usb.Parameters.DeviceString.StringIndex == 1 && sent.Usb.Parameters.DeviceString.LangID == 0x409);
    CHECK(sent.Usb.Parameters.DeviceString.RequiredSize == 8 && sent.Information == 8 && RtlEqualMemory(sent.Buffer, L"Unit", 8));
    RtlFillMemory(sent.Buffer, 16, 0xcc);
    CHECK_STATUS(WdfUsbTargetDeviceFormatRequestForString(d->Usb, sent.Request, sent.Memory, &part, 1, 0x409), STATUS_SUCCESS);
    CHECK(SentGo(&sent, target, NULL));
    SentWait(d, &sent);
    CHECK_STATUS(sent.Status, STATUS_BUFFER_OVERFLOW);
    CHECK(sent.Usb.Parameters.DeviceString.RequiredSize == 8 && sent.Buffer[1] == 0xcc && RtlEqualMemory(sent.Buffer + 2, L"Uni", 6) && sent.Buffer[8] == 0xcc);
    part.BufferLength = 5;
    CHECK_STATUS(WdfUsbTargetDeviceFormatRequestForString(d->Usb, sent.Request, sent.Memory, &part, 1, 0x409), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(WdfUsbTargetDeviceFormatRequestForString(d->Usb, sent.Request, sent.Memory, NULL, 2, 0x409), STATUS_SUCCESS);
    CHECK(SentGo(&sent, target, NULL));
    SentWait(d, &sent);
    CHECK_STATUS(sent.Status, STATUS_DEVICE_DATA_ERROR);
    SentFree(&sent);
}

/* ---- configurations and settings ---- */

static VOID Refusals(PDEVICE d)
{
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS p;
    WDF_USB_INTERFACE_SETTING_PAIR pair = { WdfUsbTargetDeviceGetInterface(d->Usb, 0), 3 };
    PUSB_INTERFACE_DESCRIPTOR none[1] = { NULL };
    WDF_OBJECT_ATTRIBUTES a;
    URB urb;
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_SINGLE_INTERFACE(&p);
    p.Size++;
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, NULL, &p), STATUS_INFO_LENGTH_MISMATCH);
    p.Size--;
    p.Type = WdfUsbTargetDeviceSelectConfigTypeInvalid;
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, NULL, &p), STATUS_INVALID_PARAMETER);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = d->Device;
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_SINGLE_INTERFACE(&p);
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, &a, &p), STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_MULTIPLE_INTERFACES(&p, 1, &pair); /* there is no setting 3 */
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, NULL, &p), STATUS_INVALID_PARAMETER);
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_MULTIPLE_INTERFACES(&p, 2, &pair);
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, NULL, &p), STATUS_INVALID_PARAMETER);
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_INTERFACES_DESCRIPTORS(&p, NULL, none, 1);
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, NULL, &p), STATUS_INVALID_PARAMETER);
    RtlZeroMemory(&urb, sizeof urb);
    urb.UrbHeader.Length = sizeof urb;
    urb.UrbHeader.Function = URB_FUNCTION_SELECT_INTERFACE;
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_URB(&p, &urb);
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, NULL, &p), STATUS_INVALID_PARAMETER);
    CHECK(!WdfUsbTargetDeviceWdmGetConfigurationHandle(d->Usb));
    CHECK_IS(StateOf(d).Selects, 0);
}

static VOID Interface(PDEVICE d)
{
    WDF_USB_PIPE_INFORMATION info;
    USB_INTERFACE_DESCRIPTOR i;
    CHECK_IS(WdfUsbInterfaceGetInterfaceNumber(d->Interface), 0);
    CHECK(d->Interface == WdfUsbTargetDeviceGetInterface(d->Usb, 0) && !WdfUsbTargetDeviceGetInterface(d->Usb, 1));
    CHECK_IS(WdfUsbInterfaceGetNumSettings(d->Interface), 3);
    CHECK(WdfUsbInterfaceGetNumEndpoints(d->Interface, 0) == 3 && WdfUsbInterfaceGetNumEndpoints(d->Interface, 1) == 2);
    CHECK(WdfUsbInterfaceGetNumEndpoints(d->Interface, 2) == 0 && WdfUsbInterfaceGetNumEndpoints(d->Interface, 3) == 0);
    WdfUsbInterfaceGetDescriptor(d->Interface, 1, &i);
    CHECK(i.bLength == 9 && i.bAlternateSetting == 1 && i.bNumEndpoints == 2 && i.bInterfaceClass == 0xff);
    WdfUsbInterfaceGetDescriptor(d->Interface, 3, &i);
    CHECK(i.bLength == 0);
    WDF_USB_PIPE_INFORMATION_INIT(&info);
    WdfUsbInterfaceGetEndpointInformation(d->Interface, 1, 1, &info);
    CHECK(info.EndpointAddress == 0x84 && info.MaximumPacketSize == 128 && info.Interval == 1 && info.SettingIndex == 1);
    CHECK(info.PipeType == WdfUsbPipeTypeIsochronous && info.MaximumTransferSize == 2 * 1024 * 1024);
    info.EndpointAddress = 7;
    WdfUsbInterfaceGetEndpointInformation(d->Interface, 1, 2, &info);
    CHECK_IS(info.EndpointAddress, 7); /* not there: untouched */
    CHECK_IS(WdfUsbInterfaceGetConfiguredSettingIndex(d->Interface), 0);
    CHECK_IS(WdfUsbInterfaceGetNumConfiguredPipes(d->Interface), 3);
    WDFUSBPIPE p = WdfUsbInterfaceGetConfiguredPipe(d->Interface, 2, &info);
    CHECK(p && info.EndpointAddress == 0x83 && info.PipeType == WdfUsbPipeTypeInterrupt && info.MaximumPacketSize == 8 && info.Interval == 10 && info.SettingIndex == 0);
    CHECK_IS(info.MaximumTransferSize, USBD_DEFAULT_MAXIMUM_TRANSFER_SIZE);
    CHECK(!WdfUsbInterfaceGetConfiguredPipe(d->Interface, 3, NULL));
    info.EndpointAddress = 0;
    WdfUsbTargetPipeGetInformation(p, &info);
    CHECK_IS(info.EndpointAddress, 0x83);
    CHECK(WdfUsbTargetPipeIsInEndpoint(p) && !WdfUsbTargetPipeIsOutEndpoint(p) && WdfUsbTargetPipeGetType(p) == WdfUsbPipeTypeInterrupt && WdfUsbTargetPipeWdmGetPipeHandle(p));
    CHECK(!WdfUsbTargetPipeIsInEndpoint(PipeAt(d, 2)) && WdfUsbTargetPipeIsOutEndpoint(PipeAt(d, 2)) && WdfUsbTargetPipeGetType(PipeAt(d, 2)) == WdfUsbPipeTypeBulk);
    CHECK_IS(WdfIoTargetGetState(WdfUsbTargetPipeGetIoTarget(p)), WdfIoTargetStarted);
    CHECK(WdfIoTargetGetDevice(WdfUsbTargetPipeGetIoTarget(p)) == d->Device);
}

static VOID Settings(PDEVICE d)
{
    WDF_USB_INTERFACE_SELECT_SETTING_PARAMS p;
    USB_INTERFACE_DESCRIPTOR i;
    LONG gone = d->PipesGone;
    WDF_OBJECT_ATTRIBUTES a;
    ULONG selects = StateOf(d).Selects;
    UCHAR room[512];
    PURB urb = (PURB)room;
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.EvtCleanupCallback = PipeCleanup;
    WDF_USB_INTERFACE_SELECT_SETTING_PARAMS_INIT_SETTING(&p, 3);
    CHECK_STATUS(WdfUsbInterfaceSelectSetting(d->Interface, &a, &p), STATUS_INVALID_PARAMETER);
    p.Size++;
    CHECK_STATUS(WdfUsbInterfaceSelectSetting(d->Interface, &a, &p), STATUS_INFO_LENGTH_MISMATCH);
    WDF_USB_INTERFACE_SELECT_SETTING_PARAMS_INIT_SETTING(&p, 0);
    CHECK_STATUS(WdfUsbInterfaceSelectSetting(d->Interface, &a, &p), STATUS_SUCCESS);
    CHECK(d->PipesGone == gone && StateOf(d).Selects == selects); /* it is selected: nothing happens */
    WDF_USB_INTERFACE_SELECT_SETTING_PARAMS_INIT_SETTING(&p, 1);
    CHECK_STATUS(WdfUsbInterfaceSelectSetting(d->Interface, &a, &p), STATUS_SUCCESS);
    CHECK(d->PipesGone == gone + 3 && StateOf(d).Selects == selects + 1 && StateOf(d).Setting[0] == 1);
    CHECK(WdfUsbInterfaceGetConfiguredSettingIndex(d->Interface) == 1 && WdfUsbInterfaceGetNumConfiguredPipes(d->Interface) == 2);
    CHECK_IS(WdfUsbTargetPipeGetType(PipeAt(d, 0x84)), WdfUsbPipeTypeIsochronous);
    WdfUsbInterfaceGetDescriptor(d->Interface, 2, &i);
    WDF_USB_INTERFACE_SELECT_SETTING_PARAMS_INIT_DESCRIPTOR(&p, NULL);
    CHECK_STATUS(WdfUsbInterfaceSelectSetting(d->Interface, &a, &p), STATUS_INVALID_PARAMETER);
    WDF_USB_INTERFACE_SELECT_SETTING_PARAMS_INIT_DESCRIPTOR(&p, &i);
    i.bInterfaceNumber = 1;
    CHECK_STATUS(WdfUsbInterfaceSelectSetting(d->Interface, &a, &p), STATUS_INVALID_PARAMETER);
    i.bInterfaceNumber = 0;
    CHECK_STATUS(WdfUsbInterfaceSelectSetting(d->Interface, &a, &p), STATUS_SUCCESS);
    CHECK(d->PipesGone == gone + 5 && StateOf(d).Setting[0] == 2 && WdfUsbInterfaceGetNumConfiguredPipes(d->Interface) == 0);
    CHECK_IS(WdfUsbInterfaceGetConfiguredSettingIndex(d->Interface), 2);
    RtlZeroMemory(room, sizeof room);
    USHORT size = (USHORT)GET_SELECT_INTERFACE_REQUEST_SIZE(3);
    UsbBuildSelectInterfaceRequest(urb, size, WdfUsbTargetDeviceWdmGetConfigurationHandle(d->Usb), 0, 0);
    WDF_USB_INTERFACE_SELECT_SETTING_PARAMS_INIT_URB(&p, urb);
    urb->UrbHeader.Function = URB_FUNCTION_SELECT_CONFIGURATION;
    CHECK_STATUS(WdfUsbInterfaceSelectSetting(d->Interface, &a, &p), STATUS_INVALID_PARAMETER);
    urb->UrbHeader.Function = URB_FUNCTION_SELECT_INTERFACE;
    CHECK_STATUS(WdfUsbInterfaceSelectSetting(d->Interface, &a, &p), STATUS_SUCCESS);
    CHECK(StateOf(d).Setting[0] == 0 && WdfUsbInterfaceGetNumConfiguredPipes(d->Interface) == 3);
    WDF_USB_INTERFACE_SELECT_SETTING_PARAMS_INIT_SETTING(&p, 1);
    p.Type = (WdfUsbTargetDeviceSelectSettingType)0x13;
    CHECK_STATUS(WdfUsbInterfaceSelectSetting(d->Interface, &a, &p), STATUS_INVALID_PARAMETER);
}

static VOID OtherWays(PDEVICE d)
{
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS p;
    WDF_USB_INTERFACE_SETTING_PAIR pair = { d->Interface, 1 };
    UCHAR config[128], room[512];
    USHORT length = sizeof config;
    LONG gone = d->PipesGone;
    CHECK_STATUS(WdfUsbTargetDeviceRetrieveConfigDescriptor(d->Usb, config, &length), STATUS_SUCCESS);
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_DECONFIG(&p);
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, NULL, &p), STATUS_SUCCESS);
    CHECK(StateOf(d).Configured == 0 && WdfUsbInterfaceGetNumConfiguredPipes(d->Interface) == 0 && d->PipesGone == gone + 3);
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_MULTIPLE_INTERFACES(&p, 1, &pair);
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, NULL, &p), STATUS_SUCCESS);
    CHECK(p.Types.MultiInterface.NumberOfConfiguredInterfaces == 1 && StateOf(d).Setting[0] == 1 && WdfUsbInterfaceGetNumConfiguredPipes(d->Interface) == 2);
    PUSB_INTERFACE_DESCRIPTOR i = USBD_ParseConfigurationDescriptorEx((PUSB_CONFIGURATION_DESCRIPTOR)config, config, 0, 0, -1, -1, -1);
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_INTERFACES_DESCRIPTORS(&p, NULL, &i, 1);
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, NULL, &p), STATUS_SUCCESS);
    CHECK(StateOf(d).Setting[0] == 0 && WdfUsbInterfaceGetNumConfiguredPipes(d->Interface) == 3);
    RtlZeroMemory(room, sizeof room);
    PURB urb = (PURB)room;
    urb->UrbHeader.Function = URB_FUNCTION_SELECT_CONFIGURATION;
    urb->UrbHeader.Length = (USHORT)(FIELD_OFFSET(struct _URB_SELECT_CONFIGURATION, Interface) + GET_USBD_INTERFACE_SIZE(2));
    urb->UrbSelectConfiguration.ConfigurationDescriptor = (PUSB_CONFIGURATION_DESCRIPTOR)config;
    urb->UrbSelectConfiguration.Interface.Length = (USHORT)GET_USBD_INTERFACE_SIZE(2);
    urb->UrbSelectConfiguration.Interface.NumberOfPipes = 2;
    urb->UrbSelectConfiguration.Interface.AlternateSetting = 1;
    urb->UrbSelectConfiguration.Interface.InterfaceNumber = 5;
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_URB(&p, urb);
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, NULL, &p), STATUS_INVALID_DEVICE_REQUEST);
    urb->UrbSelectConfiguration.Interface.InterfaceNumber = 0;
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, NULL, &p), STATUS_SUCCESS);
    CHECK(StateOf(d).Setting[0] == 1 && WdfUsbInterfaceGetNumConfiguredPipes(d->Interface) == 2);
    CHECK(WdfUsbTargetDeviceWdmGetConfigurationHandle(d->Usb) == urb->UrbSelectConfiguration.ConfigurationHandle);
}

VOID TestConfig(PDEVICE d)
{
    Refusals(d);
    CHECK_STATUS(SelectSingle(d), STATUS_SUCCESS);
    CHECK(StateOf(d).Configured && WdfUsbTargetDeviceWdmGetConfigurationHandle(d->Usb));
    Interface(d);
    Settings(d);
    OtherWays(d);
    CHECK_STATUS(SelectSingle(d), STATUS_SUCCESS);
}

/* ---- control transfers ---- */

VOID TestControl(PDEVICE d)
{
    WDF_USB_CONTROL_SETUP_PACKET setup;
    WDF_REQUEST_SEND_OPTIONS o;
    WDF_MEMORY_DESCRIPTOR m;
    USHORT echo[8];
    ULONG n = 99;
    SENT sent;
    RtlFillMemory(echo, sizeof echo, 0xcc);
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&m, echo, sizeof echo);
    WDF_USB_CONTROL_SETUP_PACKET_INIT_VENDOR(&setup, BmRequestDeviceToHost, BmRequestToDevice, UNIT_ECHO, 0x1234, 0x5678);
    CHECK_STATUS(WdfUsbTargetDeviceSendControlTransferSynchronously(d->Usb, WDF_NO_HANDLE, NULL, &setup, &m, &n), STATUS_SUCCESS);
    CHECK(n == 4 && echo[0] == 0x1234 && echo[1] == 0x5678 && echo[2] == 0xcccc); /* less than asked for is fine */
    CHECK_IS(StateOf(d).ControlFlags, USBD_TRANSFER_DIRECTION_IN | USBD_SHORT_TRANSFER_OK | USBD_DEFAULT_PIPE_TRANSFER);
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&m, "keep this!", 10);
    WDF_USB_CONTROL_SETUP_PACKET_INIT_VENDOR(&setup, BmRequestHostToDevice, BmRequestToDevice, UNIT_KEEP, 0, 0);
    CHECK_STATUS(WdfUsbTargetDeviceSendControlTransferSynchronously(d->Usb, WDF_NO_HANDLE, NULL, &setup, &m, &n), STATUS_SUCCESS);
    UNIT_STATE_DATA state = StateOf(d);
    CHECK(n == 10 && RtlEqualMemory(state.Kept, "keep this!", 10));
    WDF_USB_CONTROL_SETUP_PACKET_INIT_VENDOR(&setup, BmRequestHostToDevice, BmRequestToDevice, 0x77, 0, 0);
    n = 99;
    CHECK_STATUS(WdfUsbTargetDeviceSendControlTransferSynchronously(d->Usb, WDF_NO_HANDLE, NULL, &setup, &m, &n), STATUS_UNSUCCESSFUL);
    CHECK_IS(n, 0);
    WDF_USB_CONTROL_SETUP_PACKET_INIT_VENDOR(&setup, BmRequestHostToDevice, BmRequestToDevice, UNIT_HOLD, 0, 0);
    WDF_REQUEST_SEND_OPTIONS_INIT(&o, 0);
    WDF_REQUEST_SEND_OPTIONS_SET_TIMEOUT(&o, WDF_REL_TIMEOUT_IN_MS(20));
    CHECK_STATUS(WdfUsbTargetDeviceSendControlTransferSynchronously(d->Usb, WDF_NO_HANDLE, &o, &setup, NULL, NULL), STATUS_IO_TIMEOUT);
    o.Flags |= WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET;
    CHECK_STATUS(WdfUsbTargetDeviceSendControlTransferSynchronously(d->Usb, WDF_NO_HANDLE, &o, &setup, NULL, NULL), STATUS_INVALID_PARAMETER);
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&m, echo, 0x10000);
    CHECK_STATUS(WdfUsbTargetDeviceSendControlTransferSynchronously(d->Usb, WDF_NO_HANDLE, NULL, &setup, &m, NULL), STATUS_INVALID_PARAMETER);
    SentInit(d, &sent, 16);
    WDFMEMORY_OFFSET part = { 8, 8 };
    RtlFillMemory(sent.Buffer, 16, 0xcc);
    WDF_USB_CONTROL_SETUP_PACKET_INIT_VENDOR(&setup, BmRequestDeviceToHost, BmRequestToDevice, UNIT_ECHO, 0xabcd, 0);
    CHECK_STATUS(WdfUsbTargetDeviceFormatRequestForControlTransfer(d->Usb, sent.Request, &setup, sent.Memory, &part), STATUS_SUCCESS);
    CHECK(SentGo(&sent, WdfUsbTargetDeviceGetIoTarget(d->Usb), NULL));
    SentWait(d, &sent);
    CHECK_STATUS(sent.Status, STATUS_SUCCESS);
    CHECK(sent.Type == WdfRequestTypeUsb && sent.Usb.Type == WdfUsbRequestTypeDeviceControlTransfer && sent.Usb.Parameters.DeviceControlTransfer.Buffer == sent.Memory);
    CHECK(sent.Usb.Parameters.DeviceControlTransfer.Length == 4 && sent.Usb.Parameters.DeviceControlTransfer.SetupPacket.Packet.wValue.Value == 0xabcd);
    CHECK(sent.Information == 4 && sent.Buffer[0] == 0xcc && sent.Buffer[8] == 0xcd && sent.Buffer[12] == 0xcc && sent.Buffer[9] == 0xab);
    WDF_USB_CONTROL_SETUP_PACKET_INIT_VENDOR(&setup, BmRequestHostToDevice, BmRequestToDevice, UNIT_HOLD, 0, 0);
    CHECK_STATUS(WdfUsbTargetDeviceFormatRequestForControlTransfer(d->Usb, sent.Request, &setup, NULL, NULL), STATUS_SUCCESS);
    CHECK(SentGo(&sent, WdfUsbTargetDeviceGetIoTarget(d->Usb), NULL));
    CHECK(WdfRequestCancelSentRequest(sent.Request));
    SentWait(d, &sent);
    CHECK(sent.Status == STATUS_CANCELLED && sent.Usb.UsbdStatus == USBD_STATUS_CANCELED);
    WDF_USB_CONTROL_SETUP_PACKET_INIT_GET_STATUS(&setup, BmRequestToDevice, 0); /* this device takes standard requests by their URBs only */
    CHECK_STATUS(WdfUsbTargetDeviceFormatRequestForControlTransfer(d->Usb, sent.Request, &setup, NULL, NULL), STATUS_SUCCESS);
    CHECK(SentGo(&sent, WdfUsbTargetDeviceGetIoTarget(d->Usb), NULL));
    SentWait(d, &sent);
    CHECK(sent.Status == STATUS_UNSUCCESSFUL && sent.Usb.UsbdStatus == USBD_STATUS_STALL_PID);
    SentFree(&sent);
}

/* ---- URBs ---- */

static VOID DescriptorUrb(PURB Urb, PVOID To, ULONG Size)
{
    UsbBuildGetDescriptorRequest(Urb, sizeof(struct _URB_CONTROL_DESCRIPTOR_REQUEST), USB_DEVICE_DESCRIPTOR_TYPE, 0, 0, To, NULL, Size, NULL);
}

VOID TestUrbs(PDEVICE d)
{
    USB_DEVICE_DESCRIPTOR descriptor;
    WDF_OBJECT_ATTRIBUTES a;
    WDFMEMORY m = NULL, isoch = NULL, small = NULL;
    PURB urb = NULL;
    URB own;
    SENT sent;
    size_t size;
    WDFIOTARGET target = WdfUsbTargetDeviceGetIoTarget(d->Usb);
    RtlZeroMemory(&own, sizeof own);
    RtlZeroMemory(&descriptor, sizeof descriptor);
    DescriptorUrb(&own, &descriptor, sizeof descriptor);
    CHECK_STATUS(WdfUsbTargetDeviceSendUrbSynchronously(d->Usb, WDF_NO_HANDLE, NULL, &own), STATUS_SUCCESS);
    CHECK(descriptor.idVendor == UNIT_VENDOR && own.UrbControlDescriptorRequest.TransferBufferLength == sizeof descriptor);
    own.UrbHeader.Function = URB_FUNCTION_GET_FRAME_LENGTH;
    CHECK_STATUS(WdfUsbTargetDeviceSendUrbSynchronously(d->Usb, WDF_NO_HANDLE, NULL, &own), STATUS_NOT_SUPPORTED);
    CHECK_IS(own.UrbHeader.Status, USBD_STATUS_NOT_SUPPORTED);
    CHECK_STATUS(WdfUsbTargetDeviceCreateUrb(d->Usb, WDF_NO_OBJECT_ATTRIBUTES, &m, &urb), STATUS_SUCCESS);
    CHECK(WdfMemoryGetBuffer(m, &size) == urb && size == sizeof(URB));
    SentInit(d, &sent, 0);
    RtlZeroMemory(&descriptor, sizeof descriptor);
    DescriptorUrb(urb, &descriptor, sizeof descriptor);
    CHECK_STATUS(WdfUsbTargetDeviceFormatRequestForUrb(d->Usb, sent.Request, m, NULL), STATUS_SUCCESS);
    CHECK(SentGo(&sent, target, NULL));
    SentWait(d, &sent);
    CHECK(sent.Status == STATUS_SUCCESS && sent.Usb.Type == WdfUsbRequestTypeDeviceUrb && sent.Usb.Parameters.DeviceUrb.Buffer == m && descriptor.idVendor == UNIT_VENDOR);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = WdfGetDriver();
    CHECK_STATUS(WdfUsbTargetDeviceCreateUrb(d->Usb, &a, &isoch, NULL), STATUS_INVALID_PARAMETER); /* must go with the device */
    a.ParentObject = d->Device;
    CHECK_STATUS(WdfUsbTargetDeviceCreateIsochUrb(d->Usb, &a, 3, &isoch, &urb), STATUS_SUCCESS);
    CHECK(WdfMemoryGetBuffer(isoch, &size) == urb && size == GET_ISO_URB_SIZE(3));
    CHECK_STATUS(WdfMemoryCreate(&a, NonPagedPoolNx, 'tsuK', sizeof(struct _URB_HEADER) - 1, &small, NULL), STATUS_SUCCESS);
    CHECK_STATUS(WdfUsbTargetDeviceFormatRequestForUrb(d->Usb, sent.Request, small, NULL), STATUS_INVALID_PARAMETER);

    WDF_USB_INTERFACE_SELECT_SETTING_PARAMS p;
    WDF_USB_INTERFACE_SELECT_SETTING_PARAMS_INIT_SETTING(&p, 1);
    CHECK_STATUS(WdfUsbInterfaceSelectSetting(d->Interface, NULL, &p), STATUS_SUCCESS);
    WDFUSBPIPE pipe = PipeAt(d, 0x84);
    CHECK_STATUS(WdfUsbTargetPipeFormatRequestForUrb(pipe, sent.Request, small, NULL), STATUS_INVALID_PARAMETER);
    urb->UrbHeader.Function = URB_FUNCTION_ISOCH_TRANSFER;
    urb->UrbHeader.Length = (USHORT)GET_ISO_URB_SIZE(3);
    urb->UrbIsochronousTransfer.PipeHandle = WdfUsbTargetPipeWdmGetPipeHandle(pipe);
    urb->UrbIsochronousTransfer.TransferFlags = USBD_TRANSFER_DIRECTION_IN | USBD_START_ISO_TRANSFER_ASAP;
    urb->UrbIsochronousTransfer.NumberOfPackets = 3;
    CHECK_STATUS(WdfUsbTargetPipeFormatRequestForUrb(pipe, sent.Request, isoch, NULL), STATUS_SUCCESS);
    CHECK(SentGo(&sent, WdfUsbTargetPipeGetIoTarget(pipe), NULL));
    SentWait(d, &sent);
    CHECK(sent.Status == STATUS_SUCCESS && sent.Usb.Type == WdfUsbRequestTypePipeUrb && sent.Usb.Parameters.PipeUrb.Buffer == isoch);
    CHECK(urb->UrbIsochronousTransfer.StartFrame == 77 && urb->UrbIsochronousTransfer.IsoPacket[2].Length == 18);
    urb->UrbIsochronousTransfer.StartFrame = 0;
    CHECK_STATUS(WdfUsbTargetPipeSendUrbSynchronously(pipe, WDF_NO_HANDLE, NULL, urb), STATUS_SUCCESS);
    CHECK_IS(urb->UrbIsochronousTransfer.StartFrame, 77);
    WdfIoTargetStop(WdfUsbTargetPipeGetIoTarget(pipe), WdfIoTargetCancelSentIo);
    WDF_REQUEST_SEND_OPTIONS o;
    WDF_REQUEST_SEND_OPTIONS_INIT(&o, WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE);
    CHECK_STATUS(WdfUsbTargetPipeSendUrbSynchronously(pipe, WDF_NO_HANDLE, &o, urb), STATUS_SUCCESS);
    SentFree(&sent);
    WdfObjectDelete(small);
    WdfObjectDelete(isoch);
    WdfObjectDelete(m);
    CHECK_STATUS(SelectSingle(d), STATUS_SUCCESS);
}

/* ---- the port ---- */

VOID TestPort(PDEVICE d)
{
    WDFUSBPIPE pipe = PipeAt(d, 0x81);
    UNIT_STATE_DATA before = StateOf(d);
    SENT read, cycle;
    SentInit(d, &read, 64);
    SentInit(d, &cycle, 0);
    CHECK_STATUS(WdfUsbTargetPipeFormatRequestForRead(pipe, read.Request, read.Memory, NULL), STATUS_SUCCESS);
    CHECK(SentGo(&read, WdfUsbTargetPipeGetIoTarget(pipe), NULL));
    CHECK_IS(StateOf(d).Waiting, before.Waiting + 1);
    CHECK_STATUS(WdfUsbTargetDeviceResetPortSynchronously(d->Usb), STATUS_SUCCESS); /* what is under way is cancelled first */
    SentWait(d, &read);
    CHECK(read.Status == STATUS_CANCELLED && StateOf(d).PortResets == before.PortResets + 1);
    CHECK_STATUS(WdfUsbTargetDeviceCyclePortSynchronously(d->Usb), STATUS_SUCCESS);
    CHECK_IS(StateOf(d).Cycles, 1);
    CHECK_STATUS(WdfUsbTargetDeviceFormatRequestForCyclePort(d->Usb, cycle.Request), STATUS_SUCCESS);
    CHECK(SentGo(&cycle, WdfUsbTargetDeviceGetIoTarget(d->Usb), NULL));
    SentWait(d, &cycle);
    CHECK(cycle.Status == STATUS_SUCCESS && cycle.Type == WdfRequestTypeDeviceControlInternal && StateOf(d).Cycles == 2);
    WdfIoTargetStop(WdfUsbTargetDeviceGetIoTarget(d->Usb), WdfIoTargetCancelSentIo); /* with all its pipes */
    CHECK_IS(WdfIoTargetGetState(WdfUsbTargetPipeGetIoTarget(pipe)), WdfIoTargetStopped);
    CHECK_STATUS(WdfUsbTargetDeviceResetPortSynchronously(d->Usb), STATUS_SUCCESS); /* whatever the state */
    CHECK_STATUS(WdfUsbTargetDeviceIsConnectedSynchronous(d->Usb), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetStart(WdfUsbTargetDeviceGetIoTarget(d->Usb)), STATUS_SUCCESS);
    CHECK_IS(WdfIoTargetGetState(WdfUsbTargetPipeGetIoTarget(pipe)), WdfIoTargetStarted);
    WdfIoTargetPurge(WdfUsbTargetDeviceGetIoTarget(d->Usb), WdfIoTargetPurgeIoAndWait);
    CHECK_IS(WdfIoTargetGetState(WdfUsbTargetPipeGetIoTarget(pipe)), WdfIoTargetPurged);
    CHECK_STATUS(WdfUsbTargetPipeFormatRequestForRead(pipe, read.Request, read.Memory, NULL), STATUS_SUCCESS);
    CHECK(!SentGo(&read, WdfUsbTargetPipeGetIoTarget(pipe), NULL));
    CHECK_STATUS(WdfIoTargetStart(WdfUsbTargetDeviceGetIoTarget(d->Usb)), STATUS_SUCCESS);
    SentFree(&read);
    SentFree(&cycle);
}

/* ---- USBD.SYS and usbdex.lib ---- */

static VOID Descriptors(PDEVICE d, PUCHAR Config, USHORT Length)
{
    PUSB_CONFIGURATION_DESCRIPTOR c = (PUSB_CONFIGURATION_DESCRIPTOR)Config;
    USBD_VERSION_INFORMATION version;
    PUCHAR offset = NULL;
    PUSB_INTERFACE_DESCRIPTOR i = USBD_ParseConfigurationDescriptorEx(c, c, -1, -1, -1, -1, -1);
    CHECK(i && (PUCHAR)i == Config + 9 && i->bAlternateSetting == 0);
    i = USBD_ParseConfigurationDescriptorEx(c, c, 0, 1, 0xff, -1, -1);
    CHECK(i && i->bAlternateSetting == 1);
    CHECK_IS(USBD_GetInterfaceLength(i, Config + Length), 9 + 14);
    CHECK(!USBD_ParseConfigurationDescriptorEx(c, i, 0, 0, -1, -1, -1)); /* lies before */
    CHECK(!USBD_ParseConfigurationDescriptorEx(c, c, 0, 0, 3, -1, -1) && !USBD_ParseConfigurationDescriptorEx(c, c, 7, -1, -1, -1, -1));
    CHECK(USBD_ParseConfigurationDescriptor(c, 0, 2) == USBD_ParseConfigurationDescriptorEx(c, c, 0, 2, -1, -1, -1));
    PUSB_ENDPOINT_DESCRIPTOR e = (PUSB_ENDPOINT_DESCRIPTOR)USBD_ParseDescriptors(c, Length, i, USB_ENDPOINT_DESCRIPTOR_TYPE);
    CHECK(e && e->bEndpointAddress == 0x81 && (PUCHAR)e > (PUCHAR)i);
    CHECK(!USBD_ParseDescriptors(c, Length, c, USB_STRING_DESCRIPTOR_TYPE));
    for (USHORT level = 1; level <= 3; level++)
        CHECK_IS(USBD_ValidateConfigurationDescriptor(c, Length, level, &offset, 'tsuK'), USBD_STATUS_SUCCESS);
    CHECK(!USBD_SUCCESS(USBD_ValidateConfigurationDescriptor(c, Length - 1, 1, &offset, 'tsuK')));
    Config[9 + 9] = 6; /* the first endpoint's length */
    CHECK(USBD_SUCCESS(USBD_ValidateConfigurationDescriptor(c, Length, 1, &offset, 'tsuK')));
    CHECK(!USBD_SUCCESS(USBD_ValidateConfigurationDescriptor(c, Length, 2, &offset, 'tsuK')) && offset == Config + 18);
    Config[9 + 9] = 7;
    Config[9 + 4] = 2; /* one endpoint fewer is announced */
    CHECK(!USBD_SUCCESS(USBD_ValidateConfigurationDescriptor(c, Length, 3, &offset, 'tsuK')));
    Config[9 + 4] = 3;
    USBD_GetUSBDIVersion(&version);
    CHECK(version.USBDI_Version >= 0x500 && version.Supported_USB_Version >= 0x200);
}

static VOID Requests(PDEVICE d, PUSB_CONFIGURATION_DESCRIPTOR c)
{
    USBD_INTERFACE_LIST_ENTRY list[2];
    USHORT size = 0;
    RtlZeroMemory(list, sizeof list);
    list[0].InterfaceDescriptor = USBD_ParseConfigurationDescriptorEx(c, c, 0, 1, -1, -1, -1);
    PURB urb = USBD_CreateConfigurationRequestEx(c, list);
    CHECK(urb != NULL);
    if (urb) {
        PUSBD_INTERFACE_INFORMATION i = &urb->UrbSelectConfiguration.Interface;
        CHECK(list[0].Interface == i && i->AlternateSetting == 1 && i->NumberOfPipes == 2 && i->Length == GET_USBD_INTERFACE_SIZE(2));
        CHECK(urb->UrbHeader.Function == URB_FUNCTION_SELECT_CONFIGURATION && urb->UrbSelectConfiguration.ConfigurationDescriptor == c);
        CHECK_IS(i->Pipes[1].MaximumTransferSize, USBD_DEFAULT_MAXIMUM_TRANSFER_SIZE);
        CHECK_STATUS(WdfUsbTargetDeviceSendUrbSynchronously(d->Usb, WDF_NO_HANDLE, NULL, urb), STATUS_SUCCESS);
        CHECK(i->Pipes[1].EndpointAddress == 0x84 && i->Pipes[0].PipeHandle);
        ExFreePool(urb);
    }
    urb = USBD_CreateConfigurationRequest(c, &size);
    CHECK(urb && size == urb->UrbHeader.Length && urb->UrbSelectConfiguration.Interface.NumberOfPipes == 3);
    if (urb)
        ExFreePool(urb);
}

static VOID Client(PDEVICE d, PUSB_CONFIGURATION_DESCRIPTOR c)
{
    PDEVICE_OBJECT own = WdfDeviceWdmGetDeviceObject(d->Device), below = WdfDeviceWdmGetAttachedDevice(d->Device);
    USBD_INTERFACE_LIST_ENTRY list[2];
    IO_STACK_LOCATION sl;
    USBD_HANDLE h = NULL;
    PURB urb = NULL;
    CHECK_STATUS(USBD_CreateHandle(own, below, 0x500, 'tsuK', &h), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(USBD_CreateHandle(own, NULL, USBD_CLIENT_CONTRACT_VERSION_602, 'tsuK', &h), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(USBD_CreateHandle(own, below, USBD_CLIENT_CONTRACT_VERSION_602, 0, &h), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(USBD_CreateHandle(own, below, USBD_CLIENT_CONTRACT_VERSION_602, 'tsuK', &h), STATUS_SUCCESS);
    CHECK_STATUS(USBD_QueryUsbCapability(h, &GUID_USB_CAPABILITY_CHAINED_MDLS, 0, NULL, NULL), STATUS_NOT_IMPLEMENTED);
    CHECK(!USBD_IsInterfaceVersionSupported(h, 0x700));
    CHECK_STATUS(USBD_UrbAllocate(h, &urb), STATUS_SUCCESS);
    RtlZeroMemory(&sl, sizeof sl);
    USBD_AssignUrbToIoStackLocation(h, &sl, urb);
    CHECK(sl.Parameters.Others.Argument1 == urb);
    USBD_UrbFree(h, urb);
    CHECK_STATUS(USBD_IsochUrbAllocate(h, 5, &urb), STATUS_SUCCESS);
    USBD_UrbFree(h, urb);
    RtlZeroMemory(list, sizeof list);
    list[0].InterfaceDescriptor = USBD_ParseConfigurationDescriptorEx(c, c, 0, 0, -1, -1, -1);
    CHECK_STATUS(USBD_SelectConfigUrbAllocateAndBuild(h, c, list, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(USBD_SelectConfigUrbAllocateAndBuild(h, c, list, &urb), STATUS_SUCCESS);
    CHECK_STATUS(WdfUsbTargetDeviceSendUrbSynchronously(d->Usb, WDF_NO_HANDLE, NULL, urb), STATUS_SUCCESS);
    CHECK(list[0].Interface->NumberOfPipes == 3 && list[0].Interface->Pipes[2].EndpointAddress == 0x83);
    USBD_CONFIGURATION_HANDLE config = urb->UrbSelectConfiguration.ConfigurationHandle;
    USBD_UrbFree(h, urb);
    list[0].InterfaceDescriptor = USBD_ParseConfigurationDescriptorEx(c, c, 0, 1, -1, -1, -1);
    CHECK_STATUS(USBD_SelectInterfaceUrbAllocateAndBuild(h, NULL, list, &urb), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(USBD_SelectInterfaceUrbAllocateAndBuild(h, config, list, &urb), STATUS_SUCCESS);
    CHECK_STATUS(WdfUsbTargetDeviceSendUrbSynchronously(d->Usb, WDF_NO_HANDLE, NULL, urb), STATUS_SUCCESS);
    CHECK(list[0].Interface->Pipes[1].EndpointAddress == 0x84 && StateOf(d).Setting[0] == 1);
    USBD_UrbFree(h, urb);
    USBD_CloseHandle(h);
}

VOID TestUsbd(PDEVICE d)
{
    UCHAR config[128];
    USHORT length = sizeof config;
    CHECK_STATUS(WdfUsbTargetDeviceRetrieveConfigDescriptor(d->Usb, config, &length), STATUS_SUCCESS);
    Descriptors(d, config, length);
    WdfIoTargetStop(WdfUsbTargetPipeGetIoTarget(PipeAt(d, 0x83)), WdfIoTargetCancelSentIo); /* it has a reader, and its pipe goes */
    Requests(d, (PUSB_CONFIGURATION_DESCRIPTOR)config);
    Client(d, (PUSB_CONFIGURATION_DESCRIPTOR)config);
    CHECK_STATUS(SelectSingle(d), STATUS_SUCCESS);
}

/* ---- two interfaces, and a stack without the bus interface ---- */

VOID TestTwo(PDEVICE d)
{
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS p;
    WDF_USB_INTERFACE_SETTING_PAIR pairs[2];
    WDF_USB_DEVICE_INFORMATION info;
    WDF_USB_PIPE_INFORMATION pipe;
    WDFMEMORY m = NULL;
    ULONG frame, result = 7;
    WDF_USB_DEVICE_INFORMATION_INIT(&info);
    CHECK_STATUS(WdfUsbTargetDeviceRetrieveInformation(d->Usb, &info), STATUS_SUCCESS);
    CHECK_IS(info.Traits, WDF_USB_DEVICE_TRAIT_SELF_POWERED);
    CHECK_STATUS(WdfUsbTargetDeviceRetrieveCurrentFrameNumber(d->Usb, &frame), STATUS_UNSUCCESSFUL);
    CHECK_STATUS(WdfUsbTargetDeviceCreateUrb(d->Usb, NULL, &m, NULL), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(WdfUsbTargetDeviceCreateIsochUrb(d->Usb, NULL, 1, &m, NULL), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(WdfUsbTargetDeviceQueryUsbCapability(d->Usb, &Capability, 0, NULL, &result), STATUS_INVALID_DEVICE_STATE);
    CHECK_IS(result, 0);
    CHECK_IS(StateOf(d).ControlFlags, USBD_TRANSFER_DIRECTION_IN | USBD_SHORT_TRANSFER_OK);
    CHECK_IS(WdfUsbTargetDeviceGetNumInterfaces(d->Usb), 2);
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_SINGLE_INTERFACE(&p);
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, NULL, &p), STATUS_INVALID_PARAMETER);
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_MULTIPLE_INTERFACES(&p, 0, NULL);
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, NULL, &p), STATUS_SUCCESS);
    CHECK(p.Types.MultiInterface.NumberOfConfiguredInterfaces == 2 && StateOf(d).Selects == 1);
    WDFUSBINTERFACE first = WdfUsbTargetDeviceGetInterface(d->Usb, 0), second = WdfUsbTargetDeviceGetInterface(d->Usb, 1);
    CHECK(WdfUsbInterfaceGetNumConfiguredPipes(first) == 1 && WdfUsbInterfaceGetNumConfiguredPipes(second) == 0 && WdfUsbInterfaceGetInterfaceNumber(second) == 1);
    pairs[0].UsbInterface = pairs[1].UsbInterface = first; /* one twice, the other not at all */
    pairs[0].SettingIndex = pairs[1].SettingIndex = 0;
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_MULTIPLE_INTERFACES(&p, 2, pairs);
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, NULL, &p), STATUS_INVALID_PARAMETER);
    pairs[1].UsbInterface = second;
    pairs[1].SettingIndex = 1;
    CHECK_STATUS(WdfUsbTargetDeviceSelectConfig(d->Usb, NULL, &p), STATUS_SUCCESS);
    CHECK(p.Types.MultiInterface.NumberOfConfiguredInterfaces == 2 && StateOf(d).Setting[1] == 1 && StateOf(d).Selects == 3); /* the second one by itself, too */
    CHECK_IS(WdfUsbInterfaceGetNumConfiguredPipes(second), 2);
    WDF_USB_PIPE_INFORMATION_INIT(&pipe);
    CHECK(WdfUsbInterfaceGetConfiguredPipe(second, 1, &pipe) && pipe.EndpointAddress == 0x82 && pipe.MaximumPacketSize == 32 && pipe.SettingIndex == 1);
    CHECK(WdfUsbTargetPipeWdmGetPipeHandle(WdfUsbInterfaceGetConfiguredPipe(second, 0, NULL)) != NULL);
}
