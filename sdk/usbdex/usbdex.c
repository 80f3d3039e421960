/* usbdex.lib: the client's half of the USB stack's contract version 0x602, linked into the driver.
 *
 * On Windows it asks the stack below for an interface that is not documented and, where there is none (the stack before Windows 8, or a bus driver of
 * somebody else), does everything itself: URBs come from pool and are handed down as they are, and no capability is known. That is what this one does. */
#include <ntddk.h>
#include <usb.h>
#include <usbdlib.h>

typedef struct {
    ULONG Magic, Version, PoolTag;
    PDEVICE_OBJECT Device, Target;
} CLIENT;

enum { CLIENT_MAGIC = 0x58444255 };

static CLIENT *client(USBD_HANDLE h)
{
    CLIENT *c = (CLIENT *)h;
    return c && c->Magic == CLIENT_MAGIC ? c : NULL;
}

NTSTATUS NTAPI USBD_CreateHandle(PDEVICE_OBJECT DeviceObject, PDEVICE_OBJECT TargetDeviceObject, ULONG USBDClientContractVersion, ULONG PoolTag, USBD_HANDLE *USBDHandle)
{
    if (KeGetCurrentIrql() != PASSIVE_LEVEL)
        return STATUS_INVALID_LEVEL;
    if (!DeviceObject || !TargetDeviceObject || !USBDHandle || !PoolTag || USBDClientContractVersion != USBD_CLIENT_CONTRACT_VERSION_602)
        return STATUS_INVALID_PARAMETER;
    CLIENT *c = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *c, PoolTag);
    if (!c)
        return STATUS_INSUFFICIENT_RESOURCES;
    c->Magic = CLIENT_MAGIC;
    c->Version = USBDClientContractVersion;
    c->PoolTag = PoolTag;
    c->Device = DeviceObject;
    c->Target = TargetDeviceObject;
    *USBDHandle = (USBD_HANDLE)c;
    return STATUS_SUCCESS;
}

VOID NTAPI USBD_CloseHandle(USBD_HANDLE USBDHandle)
{
    CLIENT *c = client(USBDHandle);
    if (!c)
        return;
    c->Magic = 0;
    ExFreePoolWithTag(c, c->PoolTag);
}

static NTSTATUS allocate(CLIENT *c, SIZE_T size, PURB *urb)
{
    *urb = size <= MAXUSHORT ? ExAllocatePoolWithTag(NonPagedPoolNx, size, c->PoolTag) : NULL;
    if (!*urb)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(*urb, size);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI USBD_UrbAllocate(USBD_HANDLE USBDHandle, PURB *Urb)
{
    CLIENT *c = client(USBDHandle);
    return c && Urb ? allocate(c, sizeof(URB), Urb) : STATUS_INVALID_PARAMETER;
}

/* DOC: for at most 1024 packets (255 at full speed). */
NTSTATUS NTAPI USBD_IsochUrbAllocate(USBD_HANDLE USBDHandle, ULONG NumberOfIsochPackets, PURB *Urb)
{
    CLIENT *c = client(USBDHandle);
    if (!c || !Urb || NumberOfIsochPackets > 1024)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS s = allocate(c, GET_ISO_URB_SIZE(NumberOfIsochPackets), Urb);
    if (NT_SUCCESS(s)) {
        (*Urb)->UrbHeader.Length = (USHORT)GET_ISO_URB_SIZE(NumberOfIsochPackets);
        (*Urb)->UrbHeader.Function = URB_FUNCTION_ISOCH_TRANSFER;
        (*Urb)->UrbIsochronousTransfer.NumberOfPackets = NumberOfIsochPackets;
    }
    return s;
}

VOID NTAPI USBD_UrbFree(USBD_HANDLE USBDHandle, PURB Urb)
{
    CLIENT *c = client(USBDHandle);
    if (c && Urb)
        ExFreePoolWithTag(Urb, c->PoolTag);
}

static void fill_interface(PUSBD_INTERFACE_INFORMATION to, PUSB_INTERFACE_DESCRIPTOR from)
{
    to->Length = (USHORT)GET_USBD_INTERFACE_SIZE(from->bNumEndpoints);
    to->InterfaceNumber = from->bInterfaceNumber;
    to->AlternateSetting = from->bAlternateSetting;
    to->NumberOfPipes = from->bNumEndpoints;
    for (ULONG i = 0; i < from->bNumEndpoints; i++)
        to->Pipes[i].MaximumTransferSize = USBD_DEFAULT_MAXIMUM_TRANSFER_SIZE;
}

NTSTATUS NTAPI USBD_SelectConfigUrbAllocateAndBuild(USBD_HANDLE USBDHandle, PUSB_CONFIGURATION_DESCRIPTOR ConfigurationDescriptor,
                                                    PUSBD_INTERFACE_LIST_ENTRY InterfaceList, PURB *Urb)
{
    CLIENT *c = client(USBDHandle);
    SIZE_T size = FIELD_OFFSET(struct _URB_SELECT_CONFIGURATION, Interface);
    if (!c || !Urb || !InterfaceList)
        return STATUS_INVALID_PARAMETER;
    for (PUSBD_INTERFACE_LIST_ENTRY e = InterfaceList; e->InterfaceDescriptor; e++)
        size += GET_USBD_INTERFACE_SIZE(e->InterfaceDescriptor->bNumEndpoints);
    NTSTATUS s = allocate(c, size, Urb);
    if (!NT_SUCCESS(s))
        return s;
    (*Urb)->UrbHeader.Length = (USHORT)size;
    (*Urb)->UrbHeader.Function = URB_FUNCTION_SELECT_CONFIGURATION;
    (*Urb)->UrbSelectConfiguration.ConfigurationDescriptor = ConfigurationDescriptor;
    PUCHAR at = (PUCHAR)&(*Urb)->UrbSelectConfiguration.Interface;
    for (PUSBD_INTERFACE_LIST_ENTRY e = InterfaceList; e->InterfaceDescriptor; e++) {
        e->Interface = (PUSBD_INTERFACE_INFORMATION)at;
        fill_interface(e->Interface, e->InterfaceDescriptor);
        at += e->Interface->Length;
    }
    return s;
}

NTSTATUS NTAPI USBD_SelectInterfaceUrbAllocateAndBuild(USBD_HANDLE USBDHandle, USBD_CONFIGURATION_HANDLE ConfigurationHandle, PUSBD_INTERFACE_LIST_ENTRY InterfaceListEntry,
                                                       PURB *Urb)
{
    CLIENT *c = client(USBDHandle);
    if (!c || !ConfigurationHandle || !InterfaceListEntry || !InterfaceListEntry->InterfaceDescriptor || !Urb)
        return STATUS_INVALID_PARAMETER;
    PUSB_INTERFACE_DESCRIPTOR d = InterfaceListEntry->InterfaceDescriptor;
    SIZE_T size = FIELD_OFFSET(struct _URB_SELECT_INTERFACE, Interface) + GET_USBD_INTERFACE_SIZE(d->bNumEndpoints);
    NTSTATUS s = allocate(c, size, Urb);
    if (!NT_SUCCESS(s))
        return s;
    (*Urb)->UrbHeader.Length = (USHORT)size;
    (*Urb)->UrbHeader.Function = URB_FUNCTION_SELECT_INTERFACE;
    (*Urb)->UrbSelectInterface.ConfigurationHandle = ConfigurationHandle;
    InterfaceListEntry->Interface = &(*Urb)->UrbSelectInterface.Interface;
    fill_interface(InterfaceListEntry->Interface, d);
    return s;
}

VOID NTAPI USBD_AssignUrbToIoStackLocation(USBD_HANDLE USBDHandle, PIO_STACK_LOCATION IoStackLocation, PURB Urb)
{
    IoStackLocation->Parameters.Others.Argument1 = Urb;
}

NTSTATUS NTAPI USBD_QueryUsbCapability(USBD_HANDLE USBDHandle, const GUID *CapabilityType, ULONG OutputBufferLength, PUCHAR OutputBuffer, PULONG ResultLength)
{
    if (ResultLength)
        *ResultLength = 0;
    if (!client(USBDHandle) || !CapabilityType || (OutputBufferLength && !OutputBuffer))
        return STATUS_INVALID_PARAMETER;
    return STATUS_NOT_IMPLEMENTED; /* DOC: the stack below does not know the capability */
}

BOOLEAN NTAPI USBD_IsInterfaceVersionSupported(USBD_HANDLE USBDHandle, ULONG USBDInterfaceVersion)
{
    return client(USBDHandle) && USBDInterfaceVersion == USBD_INTERFACE_VERSION_600;
}
