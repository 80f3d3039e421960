/* A KMDF driver that looks at what it was bound to: all headers, a context type of its own, the version it was built for. DriverEntry
 * fails when something is not as it must be, so that the run fails. */
#include <ntddk.h>
#include <wdf.h>
#include <wdfminiport.h>
#include <wdfcx.h>
#include <wdfusb.h>

typedef struct {
    ULONG Mark;
} CONTEXT_OF_DRIVER, *PCONTEXT_OF_DRIVER;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(CONTEXT_OF_DRIVER, ContextOf)

DRIVER_INITIALIZE DriverEntry;
EVT_WDF_DRIVER_UNLOAD VersionUnload;

VOID VersionUnload(WDFDRIVER Driver)
{
    DbgPrint("unload %x\n", ContextOf(Driver)->Mark);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_VERSION_AVAILABLE_PARAMS version;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_DRIVER_CONFIG config;
    WDFDRIVER driver;
    NTSTATUS status;
    WDF_DRIVER_CONFIG_INIT(&config, WDF_NO_EVENT_CALLBACK);
    config.DriverInitFlags = WdfDriverInitNonPnpDriver;
    config.EvtDriverUnload = VersionUnload;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, CONTEXT_OF_DRIVER);
    status = WdfDriverCreate(DriverObject, RegistryPath, &attributes, &config, &driver);
    if (!NT_SUCCESS(status))
        return status;
    ContextOf(driver)->Mark = 0xC0FFEE;
    WDF_DRIVER_VERSION_AVAILABLE_PARAMS_INIT(&version, 1, KMDF_VERSION_MINOR);
    if (WdfGetDriver() != driver || WdfDriverWdmGetDriverObject(driver) != DriverObject || !WdfDriverIsVersionAvailable(driver, &version))
        return STATUS_UNSUCCESSFUL;
    DbgPrint("bound 1.%d\n", KMDF_VERSION_MINOR);
    return STATUS_SUCCESS;
}
