/* An upper filter: one control code is its own, another is looked at on the way back, the rest is sent and forgotten. */
#include <ntddk.h>
#include <wdf.h>
#include "codes.h"

static VOID Done(WDFREQUEST Request, WDFIOTARGET Target, PWDF_REQUEST_COMPLETION_PARAMS Params, WDFCONTEXT Context)
{
    WdfRequestCompleteWithInformation(Request, Params->IoStatus.Status, Params->IoStatus.Information);
}

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    WDFIOTARGET below = WdfDeviceGetIoTarget(WdfIoQueueGetDevice(Queue));
    WDF_REQUEST_SEND_OPTIONS options;
    PULONG out;
    if (Code == IOCTL_FILTERED) {
        NTSTATUS s = WdfRequestRetrieveOutputBuffer(Request, sizeof *out, (PVOID *)&out, NULL);
        if (NT_SUCCESS(s))
            *out = 0xF117E4;
        WdfRequestCompleteWithInformation(Request, s, NT_SUCCESS(s) ? sizeof *out : 0);
        return;
    }
    if (Code == IOCTL_CHECKS) {
        WdfRequestFormatRequestUsingCurrentType(Request);
        WdfRequestSetCompletionRoutine(Request, Done, NULL);
        if (!WdfRequestSend(Request, below, WDF_NO_SEND_OPTIONS))
            WdfRequestComplete(Request, WdfRequestGetStatus(Request));
        return;
    }
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET);
    if (!WdfRequestSend(Request, below, &options))
        WdfRequestComplete(Request, WdfRequestGetStatus(Request));
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    WDF_IO_QUEUE_CONFIG queue;
    WDFDEVICE d;
    WdfFdoInitSetFilter(Init);
    NTSTATUS s = WdfDeviceCreate(&Init, WDF_NO_OBJECT_ATTRIBUTES, &d);
    if (!NT_SUCCESS(s))
        return s;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = Control;
    return WdfIoQueueCreate(d, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
