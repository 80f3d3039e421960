/* Made by tools/gen-wdf from sdk/wdf/functions.txt: change that, and run `tools/gen-wdf headers sdk/wdf/functions.txt sdk/include/wdf`. */

#ifndef _WDF_CALLS_CX_H_
#define _WDF_CALLS_CX_H_

#if KMDF_VERSION_MINOR >= 11

typedef PWDFCXDEVICE_INIT (NTAPI *PFN_WDFCXDEVICEINITALLOCATE)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFDEVICE_INIT DeviceInit);
FORCEINLINE PWDFCXDEVICE_INIT WdfCxDeviceInitAllocate(PWDFDEVICE_INIT DeviceInit)
{
    return ((PFN_WDFCXDEVICEINITALLOCATE)WdfFunctions[WdfCxDeviceInitAllocateTableIndex])(WdfDriverGlobals, DeviceInit);
}

typedef NTSTATUS (NTAPI *PFN_WDFCXDEVICEINITASSIGNWDMIRPPREPROCESSCALLBACK)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFCXDEVICE_INIT CxDeviceInit, PFN_WDFCXDEVICE_WDM_IRP_PREPROCESS EvtCxDeviceWdmIrpPreprocess, UCHAR MajorFunction, PUCHAR MinorFunctions, ULONG NumMinorFunctions);
FORCEINLINE NTSTATUS WdfCxDeviceInitAssignWdmIrpPreprocessCallback(PWDFCXDEVICE_INIT CxDeviceInit, PFN_WDFCXDEVICE_WDM_IRP_PREPROCESS EvtCxDeviceWdmIrpPreprocess, UCHAR MajorFunction, PUCHAR MinorFunctions, ULONG NumMinorFunctions)
{
    return ((PFN_WDFCXDEVICEINITASSIGNWDMIRPPREPROCESSCALLBACK)WdfFunctions[WdfCxDeviceInitAssignWdmIrpPreprocessCallbackTableIndex])(WdfDriverGlobals, CxDeviceInit, EvtCxDeviceWdmIrpPreprocess, MajorFunction, MinorFunctions, NumMinorFunctions);
}

typedef VOID (NTAPI *PFN_WDFCXDEVICEINITSETIOINCALLERCONTEXTCALLBACK)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFCXDEVICE_INIT CxDeviceInit, PFN_WDF_IO_IN_CALLER_CONTEXT EvtIoInCallerContext);
FORCEINLINE VOID WdfCxDeviceInitSetIoInCallerContextCallback(PWDFCXDEVICE_INIT CxDeviceInit, PFN_WDF_IO_IN_CALLER_CONTEXT EvtIoInCallerContext)
{
    ((PFN_WDFCXDEVICEINITSETIOINCALLERCONTEXTCALLBACK)WdfFunctions[WdfCxDeviceInitSetIoInCallerContextCallbackTableIndex])(WdfDriverGlobals, CxDeviceInit, EvtIoInCallerContext);
}

typedef VOID (NTAPI *PFN_WDFCXDEVICEINITSETREQUESTATTRIBUTES)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFCXDEVICE_INIT CxDeviceInit, PWDF_OBJECT_ATTRIBUTES RequestAttributes);
FORCEINLINE VOID WdfCxDeviceInitSetRequestAttributes(PWDFCXDEVICE_INIT CxDeviceInit, PWDF_OBJECT_ATTRIBUTES RequestAttributes)
{
    ((PFN_WDFCXDEVICEINITSETREQUESTATTRIBUTES)WdfFunctions[WdfCxDeviceInitSetRequestAttributesTableIndex])(WdfDriverGlobals, CxDeviceInit, RequestAttributes);
}

typedef VOID (NTAPI *PFN_WDFCXDEVICEINITSETFILEOBJECTCONFIG)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFCXDEVICE_INIT CxDeviceInit, PWDFCX_FILEOBJECT_CONFIG CxFileObjectConfig, PWDF_OBJECT_ATTRIBUTES FileObjectAttributes);
FORCEINLINE VOID WdfCxDeviceInitSetFileObjectConfig(PWDFCXDEVICE_INIT CxDeviceInit, PWDFCX_FILEOBJECT_CONFIG CxFileObjectConfig, PWDF_OBJECT_ATTRIBUTES FileObjectAttributes)
{
    ((PFN_WDFCXDEVICEINITSETFILEOBJECTCONFIG)WdfFunctions[WdfCxDeviceInitSetFileObjectConfigTableIndex])(WdfDriverGlobals, CxDeviceInit, CxFileObjectConfig, FileObjectAttributes);
}

typedef VOID (NTAPI *PFN_WDFCXVERIFIERKEBUGCHECK)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFOBJECT Object, ULONG BugCheckCode, ULONG_PTR BugCheckParameter1, ULONG_PTR BugCheckParameter2, ULONG_PTR BugCheckParameter3, ULONG_PTR BugCheckParameter4);
FORCEINLINE VOID WdfCxVerifierKeBugCheck(WDFOBJECT Object, ULONG BugCheckCode, ULONG_PTR BugCheckParameter1, ULONG_PTR BugCheckParameter2, ULONG_PTR BugCheckParameter3, ULONG_PTR BugCheckParameter4)
{
    ((PFN_WDFCXVERIFIERKEBUGCHECK)WdfFunctions[WdfCxVerifierKeBugCheckTableIndex])(WdfDriverGlobals, Object, BugCheckCode, BugCheckParameter1, BugCheckParameter2, BugCheckParameter3, BugCheckParameter4);
}

#endif

#if KMDF_VERSION_MINOR >= 19

typedef VOID (NTAPI *PFN_WDFCXDEVICEINITSETPNPPOWEREVENTCALLBACKS)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFCXDEVICE_INIT CxDeviceInit, PWDFCX_PNPPOWER_EVENT_CALLBACKS CxPnpPowerCallbacks);
FORCEINLINE VOID WdfCxDeviceInitSetPnpPowerEventCallbacks(PWDFCXDEVICE_INIT CxDeviceInit, PWDFCX_PNPPOWER_EVENT_CALLBACKS CxPnpPowerCallbacks)
{
    ((PFN_WDFCXDEVICEINITSETPNPPOWEREVENTCALLBACKS)WdfFunctions[WdfCxDeviceInitSetPnpPowerEventCallbacksTableIndex])(WdfDriverGlobals, CxDeviceInit, CxPnpPowerCallbacks);
}

#endif

#if KMDF_VERSION_MINOR >= 31

typedef NTSTATUS (NTAPI *PFN_WDFCXDEVICEINITALLOCATECONTEXT)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFCXDEVICE_INIT CxDeviceInit, PWDF_OBJECT_ATTRIBUTES ContextAttributes, PVOID *Context);
FORCEINLINE NTSTATUS WdfCxDeviceInitAllocateContext(PWDFCXDEVICE_INIT CxDeviceInit, PWDF_OBJECT_ATTRIBUTES ContextAttributes, PVOID *Context)
{
    return ((PFN_WDFCXDEVICEINITALLOCATECONTEXT)WdfFunctions[WdfCxDeviceInitAllocateContextTableIndex])(WdfDriverGlobals, CxDeviceInit, ContextAttributes, Context);
}

typedef PVOID (NTAPI *PFN_WDFCXDEVICEINITGETTYPEDCONTEXTWORKER)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFCXDEVICE_INIT CxDeviceInit, PCWDF_OBJECT_CONTEXT_TYPE_INFO TypeInfo);
FORCEINLINE PVOID WdfCxDeviceInitGetTypedContextWorker(PWDFCXDEVICE_INIT CxDeviceInit, PCWDF_OBJECT_CONTEXT_TYPE_INFO TypeInfo)
{
    return ((PFN_WDFCXDEVICEINITGETTYPEDCONTEXTWORKER)WdfFunctions[WdfCxDeviceInitGetTypedContextWorkerTableIndex])(WdfDriverGlobals, CxDeviceInit, TypeInfo);
}

typedef VOID (NTAPI *PFN_WDFCXDEVICEINITSETPOWERPOLICYEVENTCALLBACKS)(PWDF_DRIVER_GLOBALS DriverGlobals, PWDFCXDEVICE_INIT CxDeviceInit, PWDFCX_POWER_POLICY_EVENT_CALLBACKS CxPowerPolicyCallbacks);
FORCEINLINE VOID WdfCxDeviceInitSetPowerPolicyEventCallbacks(PWDFCXDEVICE_INIT CxDeviceInit, PWDFCX_POWER_POLICY_EVENT_CALLBACKS CxPowerPolicyCallbacks)
{
    ((PFN_WDFCXDEVICEINITSETPOWERPOLICYEVENTCALLBACKS)WdfFunctions[WdfCxDeviceInitSetPowerPolicyEventCallbacksTableIndex])(WdfDriverGlobals, CxDeviceInit, CxPowerPolicyCallbacks);
}

#endif

#endif
