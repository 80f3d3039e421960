/* The function driver of the simulated devices: tests by number. */
#include "driver.h"
#include "codes.h"

VOID Check(PDEVICE d, BOOLEAN Good, PCSTR File, ULONG Line, ULONG64 Value)
{
    PCSTR name = strrchr(File, '/');
    if (Good)
        return;
    d->Failed++;
    DbgPrint("kmdf-usb: check of %s:%d failed (0x%llx)\n", name ? name + 1 : File, Line, Value);
}

VOID Sleep(LONG Ms)
{
    LARGE_INTEGER t;
    t.QuadPart = -(LONGLONG)Ms * 10000;
    KeDelayExecutionThread(KernelMode, FALSE, &t);
}

NTSTATUS Vendor(PDEVICE d, UCHAR Request, USHORT Value, USHORT Index)
{
    WDF_USB_CONTROL_SETUP_PACKET setup;
    WDF_USB_CONTROL_SETUP_PACKET_INIT_VENDOR(&setup, BmRequestHostToDevice, BmRequestToDevice, Request, Value, Index);
    return WdfUsbTargetDeviceSendControlTransferSynchronously(d->Usb, WDF_NO_HANDLE, NULL, &setup, NULL, NULL);
}

UNIT_STATE_DATA StateOf(PDEVICE d)
{
    WDF_USB_CONTROL_SETUP_PACKET setup;
    WDF_MEMORY_DESCRIPTOR m;
    UNIT_STATE_DATA s;
    ULONG n = 0;
    RtlZeroMemory(&s, sizeof s);
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&m, &s, sizeof s);
    WDF_USB_CONTROL_SETUP_PACKET_INIT_VENDOR(&setup, BmRequestDeviceToHost, BmRequestToDevice, UNIT_STATE, 0, 0);
    CHECK_STATUS(WdfUsbTargetDeviceSendControlTransferSynchronously(d->Usb, WDF_NO_HANDLE, NULL, &setup, &m, &n), STATUS_SUCCESS);
    CHECK_IS(n, sizeof s);
    return s;
}

VOID PipeCleanup(WDFOBJECT Pipe)
{
    InterlockedIncrement(&DeviceOf(WdfIoTargetGetDevice((WDFIOTARGET)Pipe))->PipesGone);
}

NTSTATUS SelectSingle(PDEVICE d)
{
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS p;
    WDF_OBJECT_ATTRIBUTES a;
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.EvtCleanupCallback = PipeCleanup;
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_SINGLE_INTERFACE(&p);
    NTSTATUS s = WdfUsbTargetDeviceSelectConfig(d->Usb, &a, &p);
    if (NT_SUCCESS(s)) {
        d->Interface = p.Types.SingleInterface.ConfiguredUsbInterface;
        CHECK_IS(p.Types.SingleInterface.NumberConfiguredPipes, WdfUsbInterfaceGetNumConfiguredPipes(d->Interface));
    }
    return s;
}

WDFUSBPIPE PipeAt(PDEVICE d, UCHAR Address)
{
    for (UCHAR i = 0; i < WdfUsbInterfaceGetNumConfiguredPipes(d->Interface); i++) {
        WDF_USB_PIPE_INFORMATION info;
        WDF_USB_PIPE_INFORMATION_INIT(&info);
        WDFUSBPIPE p = WdfUsbInterfaceGetConfiguredPipe(d->Interface, i, &info);
        if (info.EndpointAddress == Address)
            return p;
    }
    CHECK(FALSE);
    return NULL;
}

/* ---- requests of the driver ---- */

static VOID Completed(WDFREQUEST Request, WDFIOTARGET Target, PWDF_REQUEST_COMPLETION_PARAMS Params, WDFCONTEXT Context)
{
    PSENT s = Context;
    s->Status = Params->IoStatus.Status;
    s->Information = Params->IoStatus.Information;
    s->Type = Params->Type;
    if (Params->Type == WdfRequestTypeUsb)
        s->Usb = *Params->Parameters.Usb.Completion;
    s->Completions++;
    KeSetEvent(&s->Done, IO_NO_INCREMENT, FALSE);
}

VOID SentInit(PDEVICE d, PSENT s, size_t Size)
{
    WDF_OBJECT_ATTRIBUTES a;
    RtlZeroMemory(s, sizeof *s);
    KeInitializeEvent(&s->Done, SynchronizationEvent, FALSE);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = d->Device;
    CHECK_STATUS(WdfRequestCreate(&a, WdfUsbTargetDeviceGetIoTarget(d->Usb), &s->Request), STATUS_SUCCESS);
    if (Size)
        CHECK_STATUS(WdfMemoryCreate(&a, NonPagedPoolNx, 'tsuK', Size, &s->Memory, (PVOID *)&s->Buffer), STATUS_SUCCESS);
}

BOOLEAN SentGo(PSENT s, WDFIOTARGET Target, PWDF_REQUEST_SEND_OPTIONS Options)
{
    WdfRequestSetCompletionRoutine(s->Request, Completed, s);
    return WdfRequestSend(s->Request, Target, Options);
}

VOID SentWait(PDEVICE d, PSENT s)
{
    WDF_REQUEST_REUSE_PARAMS p;
    KeWaitForSingleObject(&s->Done, Executive, KernelMode, FALSE, NULL);
    Sleep(10); /* the completion routine has returned */
    WDF_REQUEST_REUSE_PARAMS_INIT(&p, WDF_REQUEST_REUSE_NO_FLAGS, STATUS_SUCCESS);
    CHECK_STATUS(WdfRequestReuse(s->Request, &p), STATUS_SUCCESS);
}

VOID SentFree(PSENT s)
{
    WdfObjectDelete(s->Request);
    if (s->Memory)
        WdfObjectDelete(s->Memory);
}

/* ---- the program's requests ---- */

static TEST *const Tests[] = { TestDevice, TestStrings, TestConfig, TestBulk, TestAsync, TestControl, TestUrbs, TestReader, TestReaderFails, TestPort, TestUsbd, TestReaderStays };
static TEST *const TestsOfTwo[] = { TestTwo };

static VOID ReadDone(WDFREQUEST Request, WDFIOTARGET Target, PWDF_REQUEST_COMPLETION_PARAMS Params, WDFCONTEXT Context)
{
    WdfRequestCompleteWithInformation(Request, Params->IoStatus.Status, Params->Parameters.Usb.Completion->Parameters.PipeRead.Length);
}

/* Into the program's own pages: their MDL goes down. */
static VOID ReadDirect(PDEVICE d, WDFREQUEST Request)
{
    WDFUSBPIPE pipe = PipeAt(d, 0x81);
    WDFMEMORY m;
    NTSTATUS s = pipe ? WdfRequestRetrieveOutputMemory(Request, &m) : STATUS_INVALID_DEVICE_STATE;
    if (NT_SUCCESS(s))
        s = WdfUsbTargetPipeFormatRequestForRead(pipe, Request, m, NULL);
    if (NT_SUCCESS(s)) {
        WdfRequestSetCompletionRoutine(Request, ReadDone, NULL);
        if (WdfRequestSend(Request, WdfUsbTargetPipeGetIoTarget(pipe), WDF_NO_SEND_OPTIONS))
            return;
        s = WdfRequestGetStatus(Request);
    }
    WdfRequestComplete(Request, s);
}

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    PDEVICE d = DeviceOf(WdfIoQueueGetDevice(Queue));
    TEST *const *tests = d->Model == MODEL_TWO ? TestsOfTwo : Tests;
    ULONG count = d->Model == MODEL_TWO ? ARRAYSIZE(TestsOfTwo) : ARRAYSIZE(Tests), *in = NULL, *out = NULL;
    if (Code == IOCTL_READ_DIRECT) {
        ReadDirect(d, Request);
        return;
    }
    NTSTATUS s = WdfRequestRetrieveOutputBuffer(Request, sizeof *out, (PVOID *)&out, NULL);
    if (NT_SUCCESS(s) && Code == IOCTL_RUN)
        s = WdfRequestRetrieveInputBuffer(Request, sizeof *in, (PVOID *)&in, NULL);
    if (NT_SUCCESS(s) && Code == IOCTL_RUN && *in < count) {
        tests[*in](d);
        *out = d->Failed;
    } else if (NT_SUCCESS(s) && Code == IOCTL_COUNT) {
        *out = count;
    } else if (NT_SUCCESS(s)) {
        s = STATUS_INVALID_DEVICE_REQUEST;
    }
    WdfRequestCompleteWithInformation(Request, s, NT_SUCCESS(s) ? sizeof *out : 0);
}

/* ---- coming and going ---- */

static NTSTATUS CreateOne(PDEVICE d)
{
    WDF_USB_DEVICE_CREATE_CONFIG config;
    WDF_OBJECT_ATTRIBUTES a;
    WDFUSBDEVICE none = (WDFUSBDEVICE)(ULONG_PTR)1;
    WDF_USB_DEVICE_CREATE_CONFIG_INIT(&config, USBD_CLIENT_CONTRACT_VERSION_602);
    config.Size--;
    CHECK_STATUS(WdfUsbTargetDeviceCreateWithParameters(d->Device, &config, WDF_NO_OBJECT_ATTRIBUTES, &none), STATUS_INFO_LENGTH_MISMATCH);
    config.Size++;
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = d->Device;
    CHECK_STATUS(WdfUsbTargetDeviceCreateWithParameters(d->Device, &config, &a, &none), STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    CHECK(!none);
    config.USBDClientContractVersion = 0x601;
    CHECK_STATUS(WdfUsbTargetDeviceCreateWithParameters(d->Device, &config, WDF_NO_OBJECT_ATTRIBUTES, &none), STATUS_INVALID_PARAMETER);
    config.USBDClientContractVersion = USBD_CLIENT_CONTRACT_VERSION_602;
    return WdfUsbTargetDeviceCreateWithParameters(d->Device, &config, WDF_NO_OBJECT_ATTRIBUTES, &d->Usb);
}

static NTSTATUS Prepare(WDFDEVICE Device, WDFCMRESLIST Raw, WDFCMRESLIST Translated)
{
    PDEVICE d = DeviceOf(Device);
    USB_DEVICE_DESCRIPTOR descriptor;
    NTSTATUS s = d->Usb ? STATUS_SUCCESS : d->Model == MODEL_TWO ? WdfUsbTargetDeviceCreate(Device, WDF_NO_OBJECT_ATTRIBUTES, &d->Usb) : CreateOne(d);
    if (NT_SUCCESS(s)) {
        WdfUsbTargetDeviceGetDeviceDescriptor(d->Usb, &descriptor);
        CHECK_IS(descriptor.idProduct, d->Model);
    }
    return s;
}

static NTSTATUS D0Exit(WDFDEVICE Device, WDF_POWER_DEVICE_STATE Target)
{
    PDEVICE d = DeviceOf(Device);
    if (d->ReaderOn)
        WdfIoTargetStop(WdfUsbTargetPipeGetIoTarget(PipeAt(d, 0x83)), WdfIoTargetLeaveSentIoPending); /* cancelled all the same */
    return STATUS_SUCCESS;
}

static ULONG ModelOf(WDFDEVICE Device)
{
    WCHAR id[64];
    ULONG n;
    RtlZeroMemory(id, sizeof id);
    WdfDeviceQueryProperty(Device, DevicePropertyHardwareID, sizeof id - sizeof(WCHAR), id, &n);
    return wcsstr(id, L"PID_0002") ? MODEL_TWO : MODEL_ONE;
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(one, L"\\DosDevices\\KmdfUsb1");
    DECLARE_CONST_UNICODE_STRING(two, L"\\DosDevices\\KmdfUsb2");
    WDF_PNPPOWER_EVENT_CALLBACKS events;
    WDF_OBJECT_ATTRIBUTES a;
    WDF_IO_QUEUE_CONFIG queue;
    WDFDEVICE device;
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&events);
    events.EvtDevicePrepareHardware = Prepare;
    events.EvtDeviceD0Exit = D0Exit;
    WdfDeviceInitSetPnpPowerEventCallbacks(Init, &events);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, DEVICE);
    a.ExecutionLevel = WdfExecutionLevelPassive;
    NTSTATUS s = WdfDeviceCreate(&Init, &a, &device);
    if (!NT_SUCCESS(s))
        return s;
    PDEVICE d = DeviceOf(device);
    d->Device = device;
    d->Model = ModelOf(device);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = Control;
    queue.PowerManaged = WdfFalse;
    s = WdfIoQueueCreate(device, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    return NT_SUCCESS(s) ? WdfDeviceCreateSymbolicLink(device, d->Model == MODEL_TWO ? &two : &one) : s;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
