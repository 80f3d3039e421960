/* Requests to the parent, and the settings that are loaded from the registry when the camera wakes. */
#include "usbvideo.h"

enum { UNIT_CAMERA = 1, UNIT_PROCESSING = 2, UNIT_EXTENSION = 3, UNIT_DEVICE = 0 };
enum { SELECTOR_POWER_LINE = 5, SELECTOR_WHITE_BALANCE = 0x0b, SELECTOR_ROI = 0x14, SELECTOR_CONFIGURATION = 9 };

/* Set on the one product whose firmware must be given its defaults back. */
volatile BOOLEAN SurfaceHub;

__declspec(noinline) NTSTATUS SubmitControlRequest(PUSBVIDEO Device, UCHAR Request, UCHAR Unit, USHORT Selector,
                                                   PULONG Value)
{
    USBCCGP_CONTROL control = {Request, Unit, Selector, *Value};
    IO_STATUS_BLOCK block;
    KEVENT done;
    NTSTATUS status;
    PIRP irp;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildDeviceIoControlRequest(IOCTL_INTERNAL_USBCCGP_CONTROL, Device->Lower, &control, sizeof(control),
                                        &control, sizeof(control), TRUE, &done, &block);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = IoCallDriver(Device->Lower, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = block.Status;
    }
    if (NT_SUCCESS(status) && Request == CONTROL_GET_CUR)
        *Value = control.Value;
    return status;
}

__declspec(noinline) NTSTATUS USBVideoCallUSBD(PUSBVIDEO Device, USHORT Configuration)
{
    ULONG value = Configuration;

    return SubmitControlRequest(Device, CONTROL_SET_CUR, UNIT_DEVICE, SELECTOR_CONFIGURATION, &value);
}

__declspec(noinline) NTSTATUS GetDeviceRegValueDword(PUSBVIDEO Device, PCWSTR Name, PULONG Value)
{
    UCHAR buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(ULONG)];
    PKEY_VALUE_PARTIAL_INFORMATION information = (PKEY_VALUE_PARTIAL_INFORMATION)buffer;
    UNICODE_STRING name;
    HANDLE key;
    ULONG length;
    NTSTATUS status;

    status = IoOpenDeviceRegistryKey(Device->Pdo, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &key);
    if (!NT_SUCCESS(status))
        return status;
    RtlInitUnicodeString(&name, Name);
    status = ZwQueryValueKey(key, &name, KeyValuePartialInformation, information, sizeof(buffer), &length);
    if (NT_SUCCESS(status) && (information->Type != REG_DWORD || information->DataLength != sizeof(ULONG)))
        status = STATUS_OBJECT_TYPE_MISMATCH;
    if (NT_SUCCESS(status))
        RtlCopyMemory(Value, information->Data, sizeof(ULONG));
    ZwClose(key);
    return status;
}

static VOID LoadControl(PUSBVIDEO Device, PCWSTR Name, UCHAR Unit, USHORT Selector)
{
    ULONG value;

    if (!NT_SUCCESS(GetDeviceRegValueDword(Device, Name, &value)))
        return;
    KeWaitForSingleObject(&Device->DeviceMutex, Executive, KernelMode, FALSE, NULL);
    SubmitControlRequest(Device, CONTROL_SET_CUR, Unit, Selector, &value);
    KeReleaseMutex(&Device->DeviceMutex, FALSE);
}

__declspec(noinline) VOID LoadPowerLineFrequency(PUSBVIDEO Device)
{
    LoadControl(Device, L"PowerlineFrequency", UNIT_PROCESSING, SELECTOR_POWER_LINE);
}

__declspec(noinline) VOID LoadUVCCacheControl(PUSBVIDEO Device)
{
    LoadControl(Device, L"WhiteBalance", UNIT_PROCESSING, SELECTOR_WHITE_BALANCE);
}

__declspec(noinline) VOID SetRegionOfInterestControlToDefaults(PUSBVIDEO Device)
{
    ULONG whole = 0;

    SubmitControlRequest(Device, CONTROL_SET_CUR, UNIT_CAMERA, SELECTOR_ROI, &whole);
}

__declspec(noinline) static BOOLEAN IsSurfaceHubOS(VOID)
{
    return SurfaceHub;
}

__declspec(noinline) VOID MSXURestoreDefaults(PUSBVIDEO Device)
{
    UNICODE_STRING name;
    HANDLE key;
    ULONG zero = 0;

    if (!IsSurfaceHubOS())
        return;
    if (!NT_SUCCESS(IoOpenDeviceRegistryKey(Device->Pdo, PLUGPLAY_REGKEY_DEVICE, KEY_WRITE, &key)))
        return;
    RtlInitUnicodeString(&name, L"ExtensionUnitState");
    ZwSetValueKey(key, &name, 0, REG_DWORD, &zero, sizeof(zero));
    ZwClose(key);
}
