/* A driver that dispatches its IRPs itself and uses the framework for its objects only, as miniports of port drivers do. Its unload routine tells
 * the framework. */
#include <ntddk.h>
#include <wdf.h>
#include <wdfminiport.h>

static WDFDRIVER Framework;
static WDFOBJECT Thing;
static ULONG Cleaned;
static BOOLEAN Bound;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;
static EVT_WDF_OBJECT_CONTEXT_CLEANUP Clean;
static DRIVER_DISPATCH Succeed;

static VOID Clean(WDFOBJECT Object)
{
    Cleaned = Cleaned * 10 + (Object == Thing ? 1 : 2);
}

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\KmdfMiniport");
    DbgPrint("contract: unload %d\n", Cleaned);
    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(DriverObject->DeviceObject);
    WdfDriverMiniportUnload(Framework);
    DbgPrint("contract: unloaded %d\n", Cleaned); /* the driver's objects go, children first */
}

static NTSTATUS Succeed(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\KmdfMiniport"), link = RTL_CONSTANT_STRING(L"\\DosDevices\\KmdfMiniport");
    WDF_DRIVER_CONFIG config;
    WDF_OBJECT_ATTRIBUTES a;
    PDEVICE_OBJECT device;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = DriverObject->MajorFunction[IRP_MJ_CLOSE] = DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Succeed;
    DriverObject->DriverUnload = Unload;
    WDF_DRIVER_CONFIG_INIT(&config, WDF_NO_EVENT_CALLBACK);
    config.DriverInitFlags = WdfDriverInitNoDispatchOverride;
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.EvtCleanupCallback = Clean;
    NTSTATUS s = WdfDriverCreate(DriverObject, RegistryPath, &a, &config, &Framework);
    if (!NT_SUCCESS(s))
        return s;
    Bound = DriverObject->DriverUnload == Unload && DriverObject->DriverExtension->AddDevice == NULL &&
            DriverObject->MajorFunction[IRP_MJ_CREATE] == Succeed; /* all still its own */
    DbgPrint("contract: own %d\n", Bound);
    s = WdfObjectCreate(&a, &Thing);
    if (NT_SUCCESS(s))
        s = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(s)) {
        WdfDriverMiniportUnload(Framework);
        return s;
    }
    return IoCreateSymbolicLink(&link, &name);
}
