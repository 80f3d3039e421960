#include "kmdf_contract.h"
#include "contract_text.h"

#include <ntstrsafe.h>
#include <wdmsec.h>

WDFDRIVER KmdfDriver;
WDFDEVICE KmdfDevice;
WDFREQUEST KmdfRequest;

static EVT_WDF_DRIVER_UNLOAD KmdfUnload;
static EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL KmdfControl;

/* ---- the program's requests ---- */

static VOID Answer(WDFREQUEST Request, const VOID *Data, size_t Length)
{
    PVOID buffer;
    NTSTATUS status = WdfRequestRetrieveOutputBuffer(Request, Length, &buffer, NULL);
    if (NT_SUCCESS(status))
        RtlCopyMemory(buffer, Data, Length);
    WdfRequestCompleteWithInformation(Request, status, NT_SUCCESS(status) ? Length : 0);
}

static VOID RunTest(WDFREQUEST Request, ULONG Number)
{
    PCONTRACT t = (PCONTRACT)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(CONTRACT), KMDF_TAG);
    if (!t) {
        WdfRequestComplete(Request, STATUS_INSUFFICIENT_RESOURCES);
        return;
    }
    t->Failures = 0;
    t->Used = 0;
    KmdfRequest = Request;
    KmdfTests[Number].Run(t);
    t->Text[t->Used] = 0;
    Answer(Request, t->Text, t->Used + 1);
    ExFreePoolWithTag(t, KMDF_TAG);
}

static VOID KmdfControl(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    ULONG number = ((Code >> 2) & 0xfff) - 0x800, *which;
    UNREFERENCED_PARAMETER(Queue);
    if (Code == IOCTL_CONTRACT_COUNT) {
        Answer(Request, &KmdfTestCount, sizeof(ULONG));
    } else if (Code == IOCTL_CONTRACT_NAME && NT_SUCCESS(WdfRequestRetrieveInputBuffer(Request, sizeof(ULONG), (PVOID *)&which, NULL)) && *which < KmdfTestCount) {
        number = *which;
        Answer(Request, KmdfTests[number].Name, strlen(KmdfTests[number].Name) + 1);
    } else if (Code == IOCTL_CONTRACT(number) && number < KmdfTestCount) {
        RunTest(Request, number);
    } else {
        WdfRequestComplete(Request, STATUS_INVALID_DEVICE_REQUEST);
    }
}

/* ---- coming and going ---- */

NTSTATUS KmdfPeerCreate(PCUNICODE_STRING Name, PWDF_IO_QUEUE_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFDEVICE *Device, WDFQUEUE *Queue)
{
    PWDFDEVICE_INIT init = WdfControlDeviceInitAllocate(KmdfDriver, &SDDL_DEVOBJ_SYS_ALL_ADM_ALL);
    NTSTATUS status = init ? WdfDeviceInitAssignName(init, Name) : STATUS_INSUFFICIENT_RESOURCES;
    WDFQUEUE queue;
    if (NT_SUCCESS(status))
        status = WdfDeviceCreate(&init, Attributes, Device);
    if (!NT_SUCCESS(status)) {
        if (init)
            WdfDeviceInitFree(init);
        return status;
    }
    status = Config ? WdfIoQueueCreate(*Device, Config, WDF_NO_OBJECT_ATTRIBUTES, Queue ? Queue : &queue) : STATUS_SUCCESS;
    if (!NT_SUCCESS(status))
        WdfObjectDelete(*Device);
    else
        WdfControlFinishInitializing(*Device);
    return status;
}

static VOID KmdfUnload(WDFDRIVER Driver)
{
    UNREFERENCED_PARAMETER(Driver);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DECLARE_CONST_UNICODE_STRING(name, L"\\Device\\Contract-" CONTRACT_WIDE(CONTRACT_NAME));
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\Contract-" CONTRACT_WIDE(CONTRACT_NAME));
    WDF_DRIVER_CONFIG config;
    WDF_IO_QUEUE_CONFIG queue;
    NTSTATUS status;
    WDF_DRIVER_CONFIG_INIT(&config, WDF_NO_EVENT_CALLBACK);
    config.DriverInitFlags = WdfDriverInitNonPnpDriver;
    config.EvtDriverUnload = KmdfUnload;
    status = WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, &KmdfDriver);
    if (!NT_SUCCESS(status))
        return status;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = KmdfControl;
    status = KmdfPeerCreate(&name, &queue, WDF_NO_OBJECT_ATTRIBUTES, &KmdfDevice, NULL);
    return NT_SUCCESS(status) ? WdfDeviceCreateSymbolicLink(KmdfDevice, &link) : status;
}
