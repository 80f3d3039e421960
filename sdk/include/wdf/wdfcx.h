/* What class extensions call. Sources include this by themselves. */
#ifndef _WDFCX_H_
#define _WDFCX_H_

#include "wdfversion.h"

#if KMDF_VERSION_MINOR >= 11

WDF_EXTERN_C_START

typedef NTSTATUS NTAPI EVT_WDFCXDEVICE_WDM_IRP_PREPROCESS(WDFDEVICE Device, PIRP Irp, WDFCONTEXT DispatchContext);
typedef EVT_WDFCXDEVICE_WDM_IRP_PREPROCESS *PFN_WDFCXDEVICE_WDM_IRP_PREPROCESS;
typedef BOOLEAN NTAPI EVT_WDFCX_DEVICE_FILE_CREATE(WDFDEVICE Device, WDFREQUEST Request, WDFFILEOBJECT FileObject);
typedef EVT_WDFCX_DEVICE_FILE_CREATE *PFN_WDFCX_DEVICE_FILE_CREATE;

typedef struct _WDFCX_FILEOBJECT_CONFIG {
    ULONG Size;
    PFN_WDFCX_DEVICE_FILE_CREATE EvtCxDeviceFileCreate;
    PFN_WDF_FILE_CLOSE EvtFileClose;
    PFN_WDF_FILE_CLEANUP EvtFileCleanup;
    WDF_TRI_STATE AutoForwardCleanupClose;
    WDF_FILEOBJECT_CLASS FileObjectClass;
} WDFCX_FILEOBJECT_CONFIG, *PWDFCX_FILEOBJECT_CONFIG;

FORCEINLINE VOID WDFCX_FILEOBJECT_CONFIG_INIT(PWDFCX_FILEOBJECT_CONFIG FileEventCallbacks,
                                              PFN_WDFCX_DEVICE_FILE_CREATE EvtCxDeviceFileCreate, PFN_WDF_FILE_CLOSE EvtFileClose,
                                              PFN_WDF_FILE_CLEANUP EvtFileCleanup)
{
    RtlZeroMemory(FileEventCallbacks, sizeof(WDFCX_FILEOBJECT_CONFIG));
    FileEventCallbacks->Size = sizeof(WDFCX_FILEOBJECT_CONFIG);
    FileEventCallbacks->EvtCxDeviceFileCreate = EvtCxDeviceFileCreate;
    FileEventCallbacks->EvtFileClose = EvtFileClose;
    FileEventCallbacks->EvtFileCleanup = EvtFileCleanup;
    FileEventCallbacks->AutoForwardCleanupClose = WdfUseDefault;
    FileEventCallbacks->FileObjectClass = WdfFileObjectWdfCannotUseFsContexts;
}

/* GUESS: their fields are not in public headers; sources that use them must bring the real ones. */
typedef struct _WDFCX_PNPPOWER_EVENT_CALLBACKS *PWDFCX_PNPPOWER_EVENT_CALLBACKS;
typedef struct _WDFCX_POWER_POLICY_EVENT_CALLBACKS *PWDFCX_POWER_POLICY_EVENT_CALLBACKS;

#include "calls/wdfcx.h"

WDF_EXTERN_C_END

#endif

#endif
