/* USBD.SYS: what clients of the USB stack import: descriptors taken apart, requests to select a configuration put together. It has no device and keeps
 * no state. The calls that came with contract version 0x602 (USBD_CreateHandle, USBD_UrbAllocate, …) are a static library: sdk/usbdex. */
#define _USBD_ /* the functions are ours: no imports */
#include <ntddk.h>
#include <usb.h>
#include <usbdlib.h>

static void unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DllInitialize(PUNICODE_STRING RegistryPath)
{
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DllUnload(VOID)
{
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}

VOID NTAPI USBD_GetUSBDIVersion(PUSBD_VERSION_INFORMATION VersionInformation)
{
    VersionInformation->USBDI_Version = USBDI_VERSION;
    VersionInformation->Supported_USB_Version = 0x200;
}

/* ---- descriptors ---- */

/* The descriptor at `at` if all of it lies before `end`. */
static PUSB_COMMON_DESCRIPTOR whole(PUCHAR at, PUCHAR end)
{
    PUSB_COMMON_DESCRIPTOR d = (PUSB_COMMON_DESCRIPTOR)at;
    return end - at >= (LONG_PTR)sizeof *d && d->bLength && d->bLength <= end - at ? d : NULL;
}

PUSB_COMMON_DESCRIPTOR NTAPI USBD_ParseDescriptors(PVOID DescriptorBuffer, ULONG TotalLength, PVOID StartPosition, LONG DescriptorType)
{
    PUCHAR end = (PUCHAR)DescriptorBuffer + TotalLength;
    for (PUCHAR at = StartPosition; at < end;) {
        PUSB_COMMON_DESCRIPTOR d = whole(at, end);
        if (!d)
            return NULL;
        if (d->bDescriptorType == DescriptorType)
            return d;
        at += d->bLength;
    }
    return NULL;
}

static BOOLEAN fits(LONG wanted, UCHAR is)
{
    return wanted == -1 || wanted == is;
}

PUSB_INTERFACE_DESCRIPTOR NTAPI USBD_ParseConfigurationDescriptorEx(PUSB_CONFIGURATION_DESCRIPTOR ConfigurationDescriptor, PVOID StartPosition, LONG InterfaceNumber,
                                                                    LONG AlternateSetting, LONG InterfaceClass, LONG InterfaceSubClass, LONG InterfaceProtocol)
{
    for (PUCHAR at = StartPosition;;) {
        PUSB_INTERFACE_DESCRIPTOR i = (PUSB_INTERFACE_DESCRIPTOR)USBD_ParseDescriptors(ConfigurationDescriptor, ConfigurationDescriptor->wTotalLength, at,
                                                                                      USB_INTERFACE_DESCRIPTOR_TYPE);
        if (!i || (fits(InterfaceNumber, i->bInterfaceNumber) && fits(AlternateSetting, i->bAlternateSetting) && fits(InterfaceClass, i->bInterfaceClass) &&
                   fits(InterfaceSubClass, i->bInterfaceSubClass) && fits(InterfaceProtocol, i->bInterfaceProtocol)))
            return i;
        at = (PUCHAR)i + i->bLength;
    }
}

PUSB_INTERFACE_DESCRIPTOR NTAPI USBD_ParseConfigurationDescriptor(PUSB_CONFIGURATION_DESCRIPTOR ConfigurationDescriptor, UCHAR InterfaceNumber, UCHAR AlternateSetting)
{
    return USBD_ParseConfigurationDescriptorEx(ConfigurationDescriptor, ConfigurationDescriptor, InterfaceNumber, AlternateSetting, -1, -1, -1);
}

/* The bytes from an interface's descriptor to the next one's. */
ULONG NTAPI USBD_GetInterfaceLength(PUSB_INTERFACE_DESCRIPTOR InterfaceDescriptor, PUCHAR BufferEnd)
{
    PUCHAR first = (PUCHAR)InterfaceDescriptor, at = first;
    do {
        PUSB_COMMON_DESCRIPTOR d = whole(at, BufferEnd);
        if (!d)
            break;
        at += d->bLength;
    } while (at < BufferEnd && whole(at, BufferEnd) && ((PUSB_COMMON_DESCRIPTOR)at)->bDescriptorType != USB_INTERFACE_DESCRIPTOR_TYPE);
    return (ULONG)(at - first);
}

/* ---- validation ---- */

typedef struct {
    PUCHAR At;
    ULONG Level, Endpoints; /* Endpoints: of the current interface, still to come */
    PUSB_INTERFACE_DESCRIPTOR Interface;
    ULONG64 Interfaces[4]; /* numbers that were seen */
    ULONG Count;
} VALIDATION;

static USBD_STATUS check_interface(VALIDATION *v, PUSB_INTERFACE_DESCRIPTOR i)
{
    ULONG64 bit = 1ull << (i->bInterfaceNumber & 63), *word = &v->Interfaces[i->bInterfaceNumber >> 6];
    if (i->bLength < sizeof *i || (v->Level >= 3 && i->bLength != sizeof *i))
        return USBD_STATUS_BAD_INTERFACE_DESCRIPTOR;
    if (v->Level >= 3 && v->Endpoints)
        return USBD_STATUS_BAD_NUMBER_OF_ENDPOINTS;
    if (!(*word & bit)) {
        if (v->Level >= 3 && i->bInterfaceNumber != v->Count)
            return USBD_STATUS_BAD_INTERFACE_DESCRIPTOR;
        *word |= bit;
        v->Count++;
    }
    v->Interface = i;
    v->Endpoints = i->bNumEndpoints;
    return USBD_STATUS_SUCCESS;
}

static USBD_STATUS check_endpoint(VALIDATION *v, PUSB_ENDPOINT_DESCRIPTOR e)
{
    /* Audio devices have two bytes more. */
    if (e->bLength < sizeof *e || (v->Level >= 3 && e->bLength != sizeof *e && e->bLength != sizeof *e + 2))
        return USBD_STATUS_BAD_ENDPOINT_DESCRIPTOR;
    if (!(e->bEndpointAddress & 0xf) || (e->bEndpointAddress & 0x70))
        return USBD_STATUS_BAD_ENDPOINT_ADDRESS;
    if (v->Level >= 3 && (!v->Interface || !v->Endpoints))
        return USBD_STATUS_BAD_NUMBER_OF_ENDPOINTS;
    if (v->Endpoints)
        v->Endpoints--;
    return USBD_STATUS_SUCCESS;
}

/* DOC: levels 1 (the header), 2 (all descriptors), 3 (numbers of endpoints, exact lengths, numbers of interfaces in sequence). GUESS: which code stands for
 * which breach. */
USBD_STATUS NTAPI USBD_ValidateConfigurationDescriptor(PUSB_CONFIGURATION_DESCRIPTOR ConfigDesc, ULONG BufferLength, USHORT Level, PUCHAR *Offset, ULONG Tag)
{
    PUCHAR end = (PUCHAR)ConfigDesc + BufferLength;
    VALIDATION v = { .At = (PUCHAR)ConfigDesc, .Level = Level };
    *Offset = v.At;
    if (BufferLength < sizeof *ConfigDesc || ConfigDesc->bLength < sizeof *ConfigDesc)
        return USBD_STATUS_BAD_DESCRIPTOR_BLEN;
    if (ConfigDesc->bDescriptorType != USB_CONFIGURATION_DESCRIPTOR_TYPE)
        return USBD_STATUS_BAD_DESCRIPTOR_TYPE;
    if (ConfigDesc->wTotalLength > BufferLength || ConfigDesc->wTotalLength < sizeof *ConfigDesc)
        return USBD_STATUS_BAD_CONFIG_DESC_LENGTH;
    if (Level < 2)
        return USBD_STATUS_SUCCESS;
    end = (PUCHAR)ConfigDesc + ConfigDesc->wTotalLength;
    while (v.At < end) {
        PUSB_COMMON_DESCRIPTOR d = whole(v.At, end);
        USBD_STATUS s = d ? USBD_STATUS_SUCCESS : USBD_STATUS_BAD_DESCRIPTOR_BLEN;
        *Offset = v.At;
        if (d && d->bDescriptorType == USB_INTERFACE_DESCRIPTOR_TYPE)
            s = check_interface(&v, (PUSB_INTERFACE_DESCRIPTOR)d);
        else if (d && d->bDescriptorType == USB_ENDPOINT_DESCRIPTOR_TYPE)
            s = check_endpoint(&v, (PUSB_ENDPOINT_DESCRIPTOR)d);
        if (!USBD_SUCCESS(s))
            return s;
        v.At += d->bLength;
    }
    *Offset = (PUCHAR)ConfigDesc;
    if (Level >= 3 && v.Endpoints)
        return USBD_STATUS_BAD_NUMBER_OF_ENDPOINTS;
    return v.Count == ConfigDesc->bNumInterfaces ? USBD_STATUS_SUCCESS : USBD_STATUS_BAD_NUMBER_OF_INTERFACES;
}

/* ---- requests to select a configuration ---- */

static void fill_interface(PUSBD_INTERFACE_INFORMATION to, PUSB_INTERFACE_DESCRIPTOR from)
{
    to->Length = (USHORT)GET_USBD_INTERFACE_SIZE(from->bNumEndpoints);
    to->InterfaceNumber = from->bInterfaceNumber;
    to->AlternateSetting = from->bAlternateSetting;
    to->NumberOfPipes = from->bNumEndpoints;
    for (ULONG i = 0; i < from->bNumEndpoints; i++)
        to->Pipes[i].MaximumTransferSize = USBD_DEFAULT_MAXIMUM_TRANSFER_SIZE;
}

/* DOC: the caller frees it with ExFreePool; the list ends with a NULL descriptor, and is told where each interface lies in the request. */
PURB NTAPI USBD_CreateConfigurationRequestEx(PUSB_CONFIGURATION_DESCRIPTOR ConfigurationDescriptor, PUSBD_INTERFACE_LIST_ENTRY InterfaceList)
{
    ULONG size = FIELD_OFFSET(struct _URB_SELECT_CONFIGURATION, Interface);
    for (PUSBD_INTERFACE_LIST_ENTRY e = InterfaceList; e->InterfaceDescriptor; e++)
        size += GET_USBD_INTERFACE_SIZE(e->InterfaceDescriptor->bNumEndpoints);
    if (size < sizeof(struct _URB_SELECT_CONFIGURATION) && !InterfaceList->InterfaceDescriptor)
        size = sizeof(struct _URB_SELECT_CONFIGURATION);
    PURB urb = size <= MAXUSHORT ? ExAllocatePoolWithTag(NonPagedPoolNx, size, 'DBSU') : NULL;
    if (!urb)
        return NULL;
    RtlZeroMemory(urb, size);
    urb->UrbHeader.Length = (USHORT)size;
    urb->UrbHeader.Function = URB_FUNCTION_SELECT_CONFIGURATION;
    urb->UrbSelectConfiguration.ConfigurationDescriptor = ConfigurationDescriptor;
    PUCHAR at = (PUCHAR)&urb->UrbSelectConfiguration.Interface;
    for (PUSBD_INTERFACE_LIST_ENTRY e = InterfaceList; e->InterfaceDescriptor; e++) {
        e->Interface = (PUSBD_INTERFACE_INFORMATION)at;
        fill_interface(e->Interface, e->InterfaceDescriptor);
        at += e->Interface->Length;
    }
    return urb;
}

/* The older form: setting 0 of every interface. */
PURB NTAPI USBD_CreateConfigurationRequest(PUSB_CONFIGURATION_DESCRIPTOR ConfigurationDescriptor, PUSHORT Siz)
{
    ULONG n = ConfigurationDescriptor->bNumInterfaces, found = 0;
    PUSBD_INTERFACE_LIST_ENTRY list = ExAllocatePoolWithTag(NonPagedPoolNx, (n + 1) * sizeof *list, 'DBSU');
    if (!list)
        return NULL;
    RtlZeroMemory(list, (n + 1) * sizeof *list);
    for (ULONG number = 0; number < n; number++) {
        list[found].InterfaceDescriptor = USBD_ParseConfigurationDescriptorEx(ConfigurationDescriptor, ConfigurationDescriptor, number, 0, -1, -1, -1);
        if (list[found].InterfaceDescriptor)
            found++;
    }
    PURB urb = USBD_CreateConfigurationRequestEx(ConfigurationDescriptor, list);
    ExFreePoolWithTag(list, 'DBSU');
    *Siz = urb ? urb->UrbHeader.Length : 0;
    return urb;
}

/* ---- the rest ---- */

NTSTATUS NTAPI USBD_QueryBusTime(PDEVICE_OBJECT RootHubPdo, PULONG CurrentFrame)
{
    return STATUS_NOT_SUPPORTED; /* DOC: the bus interface's QueryBusTime has taken its place */
}

VOID NTAPI USBD_RegisterHcFilter(PDEVICE_OBJECT DeviceObject, PDEVICE_OBJECT FilterDeviceObject)
{
}

NTSTATUS NTAPI USBD_GetPdoRegistryParameter(PDEVICE_OBJECT PhysicalDeviceObject, PVOID Parameter, ULONG ParameterLength, PWSTR KeyName, ULONG KeyNameLength)
{
    HANDLE key;
    UNICODE_STRING name = { (USHORT)KeyNameLength, (USHORT)KeyNameLength, KeyName };
    ULONG size = sizeof(KEY_VALUE_PARTIAL_INFORMATION) + ParameterLength, got;
    while (name.Length >= sizeof(WCHAR) && !name.Buffer[name.Length / sizeof(WCHAR) - 1])
        name.Length -= sizeof(WCHAR);
    NTSTATUS s = IoOpenDeviceRegistryKey(PhysicalDeviceObject, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &key);
    if (!NT_SUCCESS(s))
        return s;
    KEY_VALUE_PARTIAL_INFORMATION *value = ExAllocatePoolWithTag(PagedPool, size, 'DBSU');
    s = value ? ZwQueryValueKey(key, &name, KeyValuePartialInformation, value, size, &got) : STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(s))
        RtlCopyMemory(Parameter, value->Data, value->DataLength < ParameterLength ? value->DataLength : ParameterLength);
    if (value)
        ExFreePoolWithTag(value, 'DBSU');
    ZwClose(key);
    return s;
}
