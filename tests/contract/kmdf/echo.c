/* The smallest KMDF function driver: what is written is what is read; a control code answers with its input. */
#include <ntddk.h>
#include <wdf.h>

typedef struct _ECHO {
    LONG Requests;
    UCHAR Kept[16];
    size_t Length;
} ECHO, *PECHO;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(ECHO, EchoOf)

static EVT_WDF_DRIVER_DEVICE_ADD EchoAdd;
static EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL EchoControl;
static EVT_WDF_IO_QUEUE_IO_READ EchoRead;
static EVT_WDF_IO_QUEUE_IO_WRITE EchoWrite;

static VOID EchoControl(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    PVOID from, to;
    size_t length = 0;
    EchoOf(WdfIoQueueGetDevice(Queue))->Requests++;
    NTSTATUS status = WdfRequestRetrieveInputBuffer(Request, 1, &from, &length);
    if (NT_SUCCESS(status))
        status = WdfRequestRetrieveOutputBuffer(Request, length, &to, NULL);
    if (NT_SUCCESS(status))
        RtlMoveMemory(to, from, length);
    WdfRequestCompleteWithInformation(Request, status, NT_SUCCESS(status) ? length : 0);
}

static VOID EchoWrite(WDFQUEUE Queue, WDFREQUEST Request, size_t Length)
{
    PECHO e = EchoOf(WdfIoQueueGetDevice(Queue));
    WDFMEMORY memory;
    NTSTATUS status = WdfRequestRetrieveInputMemory(Request, &memory);
    if (NT_SUCCESS(status) && Length > sizeof e->Kept)
        status = STATUS_BUFFER_OVERFLOW;
    if (NT_SUCCESS(status))
        status = WdfMemoryCopyToBuffer(memory, 0, e->Kept, Length);
    if (NT_SUCCESS(status))
        e->Length = Length;
    WdfRequestCompleteWithInformation(Request, status, NT_SUCCESS(status) ? Length : 0);
}

static VOID EchoRead(WDFQUEUE Queue, WDFREQUEST Request, size_t Length)
{
    PECHO e = EchoOf(WdfIoQueueGetDevice(Queue));
    WDFMEMORY memory;
    size_t n = min(Length, e->Length);
    NTSTATUS status = WdfRequestRetrieveOutputMemory(Request, &memory);
    if (NT_SUCCESS(status) && n)
        status = WdfMemoryCopyFromBuffer(memory, 0, e->Kept, n);
    WdfRequestCompleteWithInformation(Request, status, NT_SUCCESS(status) ? n : 0);
}

static NTSTATUS EchoAdd(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfEcho");
    WDF_OBJECT_ATTRIBUTES a;
    WDF_IO_QUEUE_CONFIG queue;
    WDFDEVICE device;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, ECHO);
    NTSTATUS status = WdfDeviceCreate(&Init, &a, &device);
    if (!NT_SUCCESS(status))
        return status;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchSequential);
    queue.EvtIoDeviceControl = EchoControl;
    queue.EvtIoRead = EchoRead;
    queue.EvtIoWrite = EchoWrite;
    status = WdfIoQueueCreate(device, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    return NT_SUCCESS(status) ? WdfDeviceCreateSymbolicLink(device, &link) : status;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, EchoAdd);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
