/* Made by tools/gen-wdf from sdk/wdf/functions.txt: change that, and run `tools/gen-wdf headers sdk/wdf/functions.txt sdk/include/wdf`. */

#ifndef _WDF_CALLS_PDO_H_
#define _WDF_CALLS_PDO_H_

typedef PWDFDEVICE_INIT (NTAPI *PFN_WDFPDOINITALLOCATE)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDEVICE ParentDevice);
FORCEINLINE PWDFDEVICE_INIT WdfPdoInitAllocate(WDFDEVICE ParentDevice)
{
    return ((PFN_WDFPDOINITALLOCATE)WdfFunctions[WdfPdoInitAllocateTableIndex])(WdfDriverGlobals, ParentDevice);
}

typedef VOID (NTAPI *PFN_WDFPDOINITSETEVENTCALLBACKS)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFDEVICE_INIT DeviceInit, PWDF_PDO_EVENT_CALLBACKS DispatchTable);
FORCEINLINE VOID WdfPdoInitSetEventCallbacks(PWDFDEVICE_INIT DeviceInit, PWDF_PDO_EVENT_CALLBACKS DispatchTable)
{
    ((PFN_WDFPDOINITSETEVENTCALLBACKS)WdfFunctions[WdfPdoInitSetEventCallbacksTableIndex])(WdfDriverGlobals, DeviceInit, DispatchTable);
}

typedef NTSTATUS (NTAPI *PFN_WDFPDOINITASSIGNDEVICEID)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING DeviceID);
FORCEINLINE NTSTATUS WdfPdoInitAssignDeviceID(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING DeviceID)
{
    return ((PFN_WDFPDOINITASSIGNDEVICEID)WdfFunctions[WdfPdoInitAssignDeviceIDTableIndex])(WdfDriverGlobals, DeviceInit, DeviceID);
}

typedef NTSTATUS (NTAPI *PFN_WDFPDOINITASSIGNINSTANCEID)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING InstanceID);
FORCEINLINE NTSTATUS WdfPdoInitAssignInstanceID(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING InstanceID)
{
    return ((PFN_WDFPDOINITASSIGNINSTANCEID)WdfFunctions[WdfPdoInitAssignInstanceIDTableIndex])(WdfDriverGlobals, DeviceInit, InstanceID);
}

typedef NTSTATUS (NTAPI *PFN_WDFPDOINITADDHARDWAREID)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING HardwareID);
FORCEINLINE NTSTATUS WdfPdoInitAddHardwareID(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING HardwareID)
{
    return ((PFN_WDFPDOINITADDHARDWAREID)WdfFunctions[WdfPdoInitAddHardwareIDTableIndex])(WdfDriverGlobals, DeviceInit, HardwareID);
}

typedef NTSTATUS (NTAPI *PFN_WDFPDOINITADDCOMPATIBLEID)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING CompatibleID);
FORCEINLINE NTSTATUS WdfPdoInitAddCompatibleID(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING CompatibleID)
{
    return ((PFN_WDFPDOINITADDCOMPATIBLEID)WdfFunctions[WdfPdoInitAddCompatibleIDTableIndex])(WdfDriverGlobals, DeviceInit, CompatibleID);
}

typedef NTSTATUS (NTAPI *PFN_WDFPDOINITADDDEVICETEXT)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING DeviceDescription, PCUNICODE_STRING DeviceLocation, LCID LocaleId);
FORCEINLINE NTSTATUS WdfPdoInitAddDeviceText(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING DeviceDescription, PCUNICODE_STRING DeviceLocation, LCID LocaleId)
{
    return ((PFN_WDFPDOINITADDDEVICETEXT)WdfFunctions[WdfPdoInitAddDeviceTextTableIndex])(WdfDriverGlobals, DeviceInit, DeviceDescription, DeviceLocation, LocaleId);
}

typedef VOID (NTAPI *PFN_WDFPDOINITSETDEFAULTLOCALE)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFDEVICE_INIT DeviceInit, LCID LocaleId);
FORCEINLINE VOID WdfPdoInitSetDefaultLocale(PWDFDEVICE_INIT DeviceInit, LCID LocaleId)
{
    ((PFN_WDFPDOINITSETDEFAULTLOCALE)WdfFunctions[WdfPdoInitSetDefaultLocaleTableIndex])(WdfDriverGlobals, DeviceInit, LocaleId);
}

typedef NTSTATUS (NTAPI *PFN_WDFPDOINITASSIGNRAWDEVICE)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFDEVICE_INIT DeviceInit, CONST GUID *DeviceClassGuid);
FORCEINLINE NTSTATUS WdfPdoInitAssignRawDevice(PWDFDEVICE_INIT DeviceInit, CONST GUID *DeviceClassGuid)
{
    return ((PFN_WDFPDOINITASSIGNRAWDEVICE)WdfFunctions[WdfPdoInitAssignRawDeviceTableIndex])(WdfDriverGlobals, DeviceInit, DeviceClassGuid);
}

typedef NTSTATUS (NTAPI *PFN_WDFPDOMARKMISSING)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDEVICE Device);
FORCEINLINE NTSTATUS WdfPdoMarkMissing(WDFDEVICE Device)
{
    return ((PFN_WDFPDOMARKMISSING)WdfFunctions[WdfPdoMarkMissingTableIndex])(WdfDriverGlobals, Device);
}

typedef VOID (NTAPI *PFN_WDFPDOREQUESTEJECT)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDEVICE Device);
FORCEINLINE VOID WdfPdoRequestEject(WDFDEVICE Device)
{
    ((PFN_WDFPDOREQUESTEJECT)WdfFunctions[WdfPdoRequestEjectTableIndex])(WdfDriverGlobals, Device);
}

typedef WDFDEVICE (NTAPI *PFN_WDFPDOGETPARENT)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDEVICE Device);
FORCEINLINE WDFDEVICE WdfPdoGetParent(WDFDEVICE Device)
{
    return ((PFN_WDFPDOGETPARENT)WdfFunctions[WdfPdoGetParentTableIndex])(WdfDriverGlobals, Device);
}

typedef NTSTATUS (NTAPI *PFN_WDFPDORETRIEVEIDENTIFICATIONDESCRIPTION)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDEVICE Device, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription);
FORCEINLINE NTSTATUS WdfPdoRetrieveIdentificationDescription(WDFDEVICE Device, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription)
{
    return ((PFN_WDFPDORETRIEVEIDENTIFICATIONDESCRIPTION)WdfFunctions[WdfPdoRetrieveIdentificationDescriptionTableIndex])(WdfDriverGlobals, Device, IdentificationDescription);
}

typedef NTSTATUS (NTAPI *PFN_WDFPDORETRIEVEADDRESSDESCRIPTION)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDEVICE Device, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription);
FORCEINLINE NTSTATUS WdfPdoRetrieveAddressDescription(WDFDEVICE Device, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription)
{
    return ((PFN_WDFPDORETRIEVEADDRESSDESCRIPTION)WdfFunctions[WdfPdoRetrieveAddressDescriptionTableIndex])(WdfDriverGlobals, Device, AddressDescription);
}

typedef NTSTATUS (NTAPI *PFN_WDFPDOUPDATEADDRESSDESCRIPTION)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDEVICE Device, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription);
FORCEINLINE NTSTATUS WdfPdoUpdateAddressDescription(WDFDEVICE Device, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription)
{
    return ((PFN_WDFPDOUPDATEADDRESSDESCRIPTION)WdfFunctions[WdfPdoUpdateAddressDescriptionTableIndex])(WdfDriverGlobals, Device, AddressDescription);
}

typedef NTSTATUS (NTAPI *PFN_WDFPDOADDEJECTIONRELATIONSPHYSICALDEVICE)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDEVICE Device, PDEVICE_OBJECT PhysicalDevice);
FORCEINLINE NTSTATUS WdfPdoAddEjectionRelationsPhysicalDevice(WDFDEVICE Device, PDEVICE_OBJECT PhysicalDevice)
{
    return ((PFN_WDFPDOADDEJECTIONRELATIONSPHYSICALDEVICE)WdfFunctions[WdfPdoAddEjectionRelationsPhysicalDeviceTableIndex])(WdfDriverGlobals, Device, PhysicalDevice);
}

typedef VOID (NTAPI *PFN_WDFPDOREMOVEEJECTIONRELATIONSPHYSICALDEVICE)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDEVICE Device, PDEVICE_OBJECT PhysicalDevice);
FORCEINLINE VOID WdfPdoRemoveEjectionRelationsPhysicalDevice(WDFDEVICE Device, PDEVICE_OBJECT PhysicalDevice)
{
    ((PFN_WDFPDOREMOVEEJECTIONRELATIONSPHYSICALDEVICE)WdfFunctions[WdfPdoRemoveEjectionRelationsPhysicalDeviceTableIndex])(WdfDriverGlobals, Device, PhysicalDevice);
}

typedef VOID (NTAPI *PFN_WDFPDOCLEAREJECTIONRELATIONSDEVICES)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDEVICE Device);
FORCEINLINE VOID WdfPdoClearEjectionRelationsDevices(WDFDEVICE Device)
{
    ((PFN_WDFPDOCLEAREJECTIONRELATIONSDEVICES)WdfFunctions[WdfPdoClearEjectionRelationsDevicesTableIndex])(WdfDriverGlobals, Device);
}

typedef NTSTATUS (NTAPI *PFN_WDFPDOINITASSIGNCONTAINERID)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING ContainerID);
FORCEINLINE NTSTATUS WdfPdoInitAssignContainerID(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING ContainerID)
{
    return ((PFN_WDFPDOINITASSIGNCONTAINERID)WdfFunctions[WdfPdoInitAssignContainerIDTableIndex])(WdfDriverGlobals, DeviceInit, ContainerID);
}

typedef VOID (NTAPI *PFN_WDFPDOINITALLOWFORWARDINGREQUESTTOPARENT)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFDEVICE_INIT DeviceInit);
FORCEINLINE VOID WdfPdoInitAllowForwardingRequestToParent(PWDFDEVICE_INIT DeviceInit)
{
    ((PFN_WDFPDOINITALLOWFORWARDINGREQUESTTOPARENT)WdfFunctions[WdfPdoInitAllowForwardingRequestToParentTableIndex])(WdfDriverGlobals, DeviceInit);
}

#if KMDF_VERSION_MINOR >= 29

typedef VOID (NTAPI *PFN_WDFPDOINITREMOVEPOWERDEPENDENCYONPARENT)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFDEVICE_INIT DeviceInit);
FORCEINLINE VOID WdfPdoInitRemovePowerDependencyOnParent(PWDFDEVICE_INIT DeviceInit)
{
    ((PFN_WDFPDOINITREMOVEPOWERDEPENDENCYONPARENT)WdfFunctions[WdfPdoInitRemovePowerDependencyOnParentTableIndex])(WdfDriverGlobals, DeviceInit);
}

#endif

#endif
