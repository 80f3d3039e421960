/* Made by tools/gen-wdf from sdk/wdf/functions.txt: change that, and run `tools/gen-wdf headers sdk/wdf/functions.txt sdk/include/wdf`. */

#ifndef _WDF_CALLS_COMPANION_H_
#define _WDF_CALLS_COMPANION_H_

#if KMDF_VERSION_MINOR >= 23

typedef NTSTATUS (NTAPI *PFN_WDFDEVICERETRIEVECOMPANIONTARGET)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDEVICE Device, WDFCOMPANIONTARGET *CompanionTarget);
FORCEINLINE NTSTATUS WdfDeviceRetrieveCompanionTarget(WDFDEVICE Device, WDFCOMPANIONTARGET *CompanionTarget)
{
    return ((PFN_WDFDEVICERETRIEVECOMPANIONTARGET)WdfFunctions[WdfDeviceRetrieveCompanionTargetTableIndex])(WdfDriverGlobals, Device, CompanionTarget);
}

typedef NTSTATUS (NTAPI *PFN_WDFCOMPANIONTARGETSENDTASKSYNCHRONOUSLY)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFCOMPANIONTARGET CompanionTarget, USHORT TaskQueueIdentifier, ULONG TaskOperationCode, PWDF_MEMORY_DESCRIPTOR InputBuffer, PWDF_MEMORY_DESCRIPTOR OutputBuffer, PWDF_TASK_SEND_OPTIONS TaskOptions, PULONG_PTR BytesReturned);
FORCEINLINE NTSTATUS WdfCompanionTargetSendTaskSynchronously(WDFCOMPANIONTARGET CompanionTarget, USHORT TaskQueueIdentifier, ULONG TaskOperationCode, PWDF_MEMORY_DESCRIPTOR InputBuffer, PWDF_MEMORY_DESCRIPTOR OutputBuffer, PWDF_TASK_SEND_OPTIONS TaskOptions, PULONG_PTR BytesReturned)
{
    return ((PFN_WDFCOMPANIONTARGETSENDTASKSYNCHRONOUSLY)WdfFunctions[WdfCompanionTargetSendTaskSynchronouslyTableIndex])(WdfDriverGlobals, CompanionTarget, TaskQueueIdentifier, TaskOperationCode, InputBuffer, OutputBuffer, TaskOptions, BytesReturned);
}

typedef PEPROCESS (NTAPI *PFN_WDFCOMPANIONTARGETWDMGETCOMPANIONPROCESS)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFCOMPANIONTARGET CompanionTarget);
FORCEINLINE PEPROCESS WdfCompanionTargetWdmGetCompanionProcess(WDFCOMPANIONTARGET CompanionTarget)
{
    return ((PFN_WDFCOMPANIONTARGETWDMGETCOMPANIONPROCESS)WdfFunctions[WdfCompanionTargetWdmGetCompanionProcessTableIndex])(WdfDriverGlobals, CompanionTarget);
}

#endif

#endif
