/* Headers that go together in stream and USB drivers, and GUIDs defined in the driver. */
#include <wdm.h>
#include <windef.h>
#include <initguid.h>
#include <wdmguid.h>
#include <usb.h>
#include <usbdlib.h>
#include <usbbusif.h>
#include <ks.h>
#include <ksmedia.h>
#include <wmilib.h>
#include <wmistr.h>
#include <devpropdef.h>
#include <evntrace.h>
#include <stdlib.h>
#include <stdio.h>

DRIVER_INITIALIZE DriverEntry;

NTSTATUS DriverEntry(_In_ PDRIVER_OBJECT DriverObject, _In_ PUNICODE_STRING RegistryPath)
{
    struct _URB_CONTROL_VENDOR_OR_CLASS_REQUEST urb = {0};
    KSDATARANGE range = {0};
    LPDWORD pointer = NULL;
    CHAR text[64];
    static const GUID capture = {STATIC_KSCATEGORY_CAPTURE};
    BOOL same = IsEqualGUID(&GUID_BUS_TYPE_USB, &capture);

    UNREFERENCED_PARAMETER(RegistryPath);
    UNREFERENCED_PARAMETER(pointer);
    urb.Hdr.Function = URB_FUNCTION_CLASS_INTERFACE;
    range.FormatSize = sizeof(range);
    _snprintf(text, sizeof(text), "%u %u", urb.Hdr.Function, range.FormatSize);
    DriverObject->DriverStartIo = NULL;
    return same ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}
