/* Made by tools/gen-wdf from sdk/wdf/functions.txt: change that, and run `tools/gen-wdf headers sdk/wdf/functions.txt sdk/include/wdf`. */

#ifndef _WDF_CALLS_CHILD_H_
#define _WDF_CALLS_CHILD_H_

typedef NTSTATUS (NTAPI *PFN_WDFCHILDLISTCREATE)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDEVICE Device, PWDF_CHILD_LIST_CONFIG Config, PWDF_OBJECT_ATTRIBUTES DeviceListAttributes, WDFCHILDLIST *DeviceList);
FORCEINLINE NTSTATUS WdfChildListCreate(WDFDEVICE Device, PWDF_CHILD_LIST_CONFIG Config, PWDF_OBJECT_ATTRIBUTES DeviceListAttributes, WDFCHILDLIST *DeviceList)
{
    return ((PFN_WDFCHILDLISTCREATE)WdfFunctions[WdfChildListCreateTableIndex])(WdfDriverGlobals, Device, Config, DeviceListAttributes, DeviceList);
}

typedef WDFDEVICE (NTAPI *PFN_WDFCHILDLISTGETDEVICE)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFCHILDLIST ChildList);
FORCEINLINE WDFDEVICE WdfChildListGetDevice(WDFCHILDLIST ChildList)
{
    return ((PFN_WDFCHILDLISTGETDEVICE)WdfFunctions[WdfChildListGetDeviceTableIndex])(WdfDriverGlobals, ChildList);
}

typedef WDFDEVICE (NTAPI *PFN_WDFCHILDLISTRETRIEVEPDO)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFCHILDLIST ChildList, PWDF_CHILD_RETRIEVE_INFO RetrieveInfo);
FORCEINLINE WDFDEVICE WdfChildListRetrievePdo(WDFCHILDLIST ChildList, PWDF_CHILD_RETRIEVE_INFO RetrieveInfo)
{
    return ((PFN_WDFCHILDLISTRETRIEVEPDO)WdfFunctions[WdfChildListRetrievePdoTableIndex])(WdfDriverGlobals, ChildList, RetrieveInfo);
}

typedef NTSTATUS (NTAPI *PFN_WDFCHILDLISTRETRIEVEADDRESSDESCRIPTION)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription);
FORCEINLINE NTSTATUS WdfChildListRetrieveAddressDescription(WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription)
{
    return ((PFN_WDFCHILDLISTRETRIEVEADDRESSDESCRIPTION)WdfFunctions[WdfChildListRetrieveAddressDescriptionTableIndex])(WdfDriverGlobals, ChildList, IdentificationDescription, AddressDescription);
}

typedef VOID (NTAPI *PFN_WDFCHILDLISTBEGINSCAN)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFCHILDLIST ChildList);
FORCEINLINE VOID WdfChildListBeginScan(WDFCHILDLIST ChildList)
{
    ((PFN_WDFCHILDLISTBEGINSCAN)WdfFunctions[WdfChildListBeginScanTableIndex])(WdfDriverGlobals, ChildList);
}

typedef VOID (NTAPI *PFN_WDFCHILDLISTENDSCAN)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFCHILDLIST ChildList);
FORCEINLINE VOID WdfChildListEndScan(WDFCHILDLIST ChildList)
{
    ((PFN_WDFCHILDLISTENDSCAN)WdfFunctions[WdfChildListEndScanTableIndex])(WdfDriverGlobals, ChildList);
}

typedef VOID (NTAPI *PFN_WDFCHILDLISTBEGINITERATION)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFCHILDLIST ChildList, PWDF_CHILD_LIST_ITERATOR Iterator);
FORCEINLINE VOID WdfChildListBeginIteration(WDFCHILDLIST ChildList, PWDF_CHILD_LIST_ITERATOR Iterator)
{
    ((PFN_WDFCHILDLISTBEGINITERATION)WdfFunctions[WdfChildListBeginIterationTableIndex])(WdfDriverGlobals, ChildList, Iterator);
}

typedef NTSTATUS (NTAPI *PFN_WDFCHILDLISTRETRIEVENEXTDEVICE)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFCHILDLIST ChildList, PWDF_CHILD_LIST_ITERATOR Iterator, WDFDEVICE *Device, PWDF_CHILD_RETRIEVE_INFO Info);
FORCEINLINE NTSTATUS WdfChildListRetrieveNextDevice(WDFCHILDLIST ChildList, PWDF_CHILD_LIST_ITERATOR Iterator, WDFDEVICE *Device, PWDF_CHILD_RETRIEVE_INFO Info)
{
    return ((PFN_WDFCHILDLISTRETRIEVENEXTDEVICE)WdfFunctions[WdfChildListRetrieveNextDeviceTableIndex])(WdfDriverGlobals, ChildList, Iterator, Device, Info);
}

typedef VOID (NTAPI *PFN_WDFCHILDLISTENDITERATION)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFCHILDLIST ChildList, PWDF_CHILD_LIST_ITERATOR Iterator);
FORCEINLINE VOID WdfChildListEndIteration(WDFCHILDLIST ChildList, PWDF_CHILD_LIST_ITERATOR Iterator)
{
    ((PFN_WDFCHILDLISTENDITERATION)WdfFunctions[WdfChildListEndIterationTableIndex])(WdfDriverGlobals, ChildList, Iterator);
}

typedef NTSTATUS (NTAPI *PFN_WDFCHILDLISTADDORUPDATECHILDDESCRIPTIONASPRESENT)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription);
FORCEINLINE NTSTATUS WdfChildListAddOrUpdateChildDescriptionAsPresent(WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription)
{
    return ((PFN_WDFCHILDLISTADDORUPDATECHILDDESCRIPTIONASPRESENT)WdfFunctions[WdfChildListAddOrUpdateChildDescriptionAsPresentTableIndex])(WdfDriverGlobals, ChildList, IdentificationDescription, AddressDescription);
}

typedef NTSTATUS (NTAPI *PFN_WDFCHILDLISTUPDATECHILDDESCRIPTIONASMISSING)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription);
FORCEINLINE NTSTATUS WdfChildListUpdateChildDescriptionAsMissing(WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription)
{
    return ((PFN_WDFCHILDLISTUPDATECHILDDESCRIPTIONASMISSING)WdfFunctions[WdfChildListUpdateChildDescriptionAsMissingTableIndex])(WdfDriverGlobals, ChildList, IdentificationDescription);
}

typedef VOID (NTAPI *PFN_WDFCHILDLISTUPDATEALLCHILDDESCRIPTIONSASPRESENT)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFCHILDLIST ChildList);
FORCEINLINE VOID WdfChildListUpdateAllChildDescriptionsAsPresent(WDFCHILDLIST ChildList)
{
    ((PFN_WDFCHILDLISTUPDATEALLCHILDDESCRIPTIONSASPRESENT)WdfFunctions[WdfChildListUpdateAllChildDescriptionsAsPresentTableIndex])(WdfDriverGlobals, ChildList);
}

typedef BOOLEAN (NTAPI *PFN_WDFCHILDLISTREQUESTCHILDEJECT)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription);
FORCEINLINE BOOLEAN WdfChildListRequestChildEject(WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription)
{
    return ((PFN_WDFCHILDLISTREQUESTCHILDEJECT)WdfFunctions[WdfChildListRequestChildEjectTableIndex])(WdfDriverGlobals, ChildList, IdentificationDescription);
}

#endif
