/* hid.dll beside a sample's program: the functions that are a control code each, and HidP_GetCaps of hid_class.c's preparsed data. */
#include <windows.h>
#include <winioctl.h>
#include <initguid.h>
#include <hidsdi.h>
#include <hidclass.h>
#include <stdlib.h>

#pragma clang diagnostic ignored "-Wdll-attribute-on-redeclaration" /* the toolchain's header declares them as imports of a library */
#define EXPORT __declspec(dllexport)

static BOOLEAN ask(HANDLE h, DWORD code, void *in, DWORD in_bytes, void *out, DWORD out_bytes)
{
    DWORD done;
    return DeviceIoControl(h, code, in, in_bytes, out, out_bytes, &done, NULL) != 0;
}

EXPORT VOID WINAPI HidD_GetHidGuid(LPGUID guid)
{
    *guid = GUID_DEVINTERFACE_HID;
}

EXPORT BOOLEAN WINAPI HidD_GetAttributes(HANDLE h, PHIDD_ATTRIBUTES attributes)
{
    HID_COLLECTION_INFORMATION info;
    if (!ask(h, IOCTL_HID_GET_COLLECTION_INFORMATION, NULL, 0, &info, sizeof info))
        return FALSE;
    attributes->Size = sizeof *attributes;
    attributes->VendorID = info.VendorID;
    attributes->ProductID = info.ProductID;
    attributes->VersionNumber = info.VersionNumber;
    return TRUE;
}

EXPORT BOOLEAN WINAPI HidD_GetPreparsedData(HANDLE h, PHIDP_PREPARSED_DATA *data)
{
    HID_COLLECTION_INFORMATION info;
    if (!ask(h, IOCTL_HID_GET_COLLECTION_INFORMATION, NULL, 0, &info, sizeof info) || !(*data = malloc(info.DescriptorSize)))
        return FALSE;
    return ask(h, IOCTL_HID_GET_COLLECTION_DESCRIPTOR, NULL, 0, *data, info.DescriptorSize);
}

EXPORT BOOLEAN WINAPI HidD_FreePreparsedData(PHIDP_PREPARSED_DATA data)
{
    free(data);
    return TRUE;
}

EXPORT NTSTATUS WINAPI HidP_GetCaps(PHIDP_PREPARSED_DATA data, PHIDP_CAPS caps)
{
    memcpy(caps, data, sizeof *caps);
    return HIDP_STATUS_SUCCESS;
}

EXPORT BOOLEAN WINAPI HidD_GetFeature(HANDLE h, PVOID buffer, ULONG length)
{
    return ask(h, IOCTL_HID_GET_FEATURE, NULL, 0, buffer, length);
}

EXPORT BOOLEAN WINAPI HidD_SetFeature(HANDLE h, PVOID buffer, ULONG length)
{
    return ask(h, IOCTL_HID_SET_FEATURE, buffer, length, buffer, length);
}

EXPORT BOOLEAN WINAPI HidD_GetInputReport(HANDLE h, PVOID buffer, ULONG length)
{
    return ask(h, IOCTL_HID_GET_INPUT_REPORT, NULL, 0, buffer, length);
}

EXPORT BOOLEAN WINAPI HidD_SetOutputReport(HANDLE h, PVOID buffer, ULONG length)
{
    return ask(h, IOCTL_HID_SET_OUTPUT_REPORT, buffer, length, buffer, length);
}

EXPORT BOOLEAN WINAPI HidD_GetIndexedString(HANDLE h, ULONG index, PVOID buffer, ULONG length)
{
    return ask(h, IOCTL_HID_GET_INDEXED_STRING, &index, sizeof index, buffer, length);
}

EXPORT BOOLEAN WINAPI HidD_GetManufacturerString(HANDLE h, PVOID buffer, ULONG length)
{
    return ask(h, IOCTL_HID_GET_MANUFACTURER_STRING, NULL, 0, buffer, length);
}

EXPORT BOOLEAN WINAPI HidD_GetProductString(HANDLE h, PVOID buffer, ULONG length)
{
    return ask(h, IOCTL_HID_GET_PRODUCT_STRING, NULL, 0, buffer, length);
}

EXPORT BOOLEAN WINAPI HidD_GetSerialNumberString(HANDLE h, PVOID buffer, ULONG length)
{
    return ask(h, IOCTL_HID_GET_SERIALNUMBER_STRING, NULL, 0, buffer, length);
}
