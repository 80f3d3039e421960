/* The function driver above a HID minidriver: what mshidkmdf with hidclass is to one, for a device with one collection. It asks for the
 * descriptors when the device has started, and turns the control codes, reads and writes of programs into what a minidriver is sent:
 * METHOD_NEITHER buffers in Irp->UserBuffer, HID_XFER_PACKETs there for reports, the number of a string in Type3InputBuffer.
 *
 * What real preparsed data look like nobody outside may know; here they are the HIDP_CAPS themselves, which hid_library.c reads. */
#include <ntddk.h>
#include <initguid.h>
#include <hidport.h>
#include <wdf.h>

typedef struct _CLASS {
    HID_DEVICE_ATTRIBUTES Attributes;
    HIDP_CAPS Caps;
} CLASS;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(CLASS, ClassOf)

/* The memory of a METHOD_NEITHER request, locked in its caller's context. */
typedef struct _LOCKED {
    WDFMEMORY Memory;
} LOCKED;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(LOCKED, LockedOf)

DRIVER_INITIALIZE DriverEntry;
static EVT_WDF_DRIVER_DEVICE_ADD AddDevice;
static EVT_WDF_DEVICE_SELF_MANAGED_IO_INIT Start;
static EVT_WDF_IO_QUEUE_IO_READ Read;
static EVT_WDF_IO_QUEUE_IO_WRITE Write;
static EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL Control;
static EVT_WDF_IO_IN_CALLER_CONTEXT InCallerContext;

static IO_COMPLETION_ROUTINE Woken;
static NTSTATUS Woken(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Done)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* One internal request as hidclass makes it, waited for. */
static NTSTATUS Ask(WDFDEVICE Device, ULONG Code, PVOID Type3Input, ULONG InBytes, PVOID UserBuffer, ULONG OutBytes, PMDL Mdl, ULONG_PTR *Given)
{
    PDEVICE_OBJECT below = WdfDeviceWdmGetAttachedDevice(Device);
    KEVENT done;
    PIRP irp = IoAllocateIrp(below->StackSize, FALSE);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    PIO_STACK_LOCATION stack = IoGetNextIrpStackLocation(irp);
    stack->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    stack->Parameters.DeviceIoControl.IoControlCode = Code;
    stack->Parameters.DeviceIoControl.Type3InputBuffer = Type3Input;
    stack->Parameters.DeviceIoControl.InputBufferLength = InBytes;
    stack->Parameters.DeviceIoControl.OutputBufferLength = OutBytes;
    irp->UserBuffer = UserBuffer;
    irp->MdlAddress = Mdl;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoSetCompletionRoutine(irp, Woken, &done, TRUE, TRUE, TRUE);
    IoCallDriver(below, irp);
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    NTSTATUS status = irp->IoStatus.Status;
    if (Given)
        *Given = irp->IoStatus.Information;
    irp->MdlAddress = NULL;
    IoFreeIrp(irp);
    return status;
}

/* Usage page and usage of the collection, and the lengths of its reports with their number. */
static VOID Parse(const UCHAR *At, ULONG Length, HIDP_CAPS *Caps)
{
    ULONG size = 0, count = 0, page = 0, usage = 0;
    const UCHAR *end = At + Length;
    while (At < end) {
        UCHAR item = *At++;
        ULONG n = (item & 3) == 3 ? 4 : item & 3, value = 0;
        for (ULONG i = 0; i < n && At < end; i++)
            value |= (ULONG)*At++ << 8 * i;
        switch (item & 0xFC) {
        case 0x04: page = value; break;
        case 0x08: usage = value; break;
        case 0x74: size = value; break;
        case 0x94: count = value; break;
        case 0x80: Caps->InputReportByteLength = (USHORT)(1 + size * count / 8); break;
        case 0x90: Caps->OutputReportByteLength = (USHORT)(1 + size * count / 8); break;
        case 0xB0: Caps->FeatureReportByteLength = (USHORT)(1 + size * count / 8); break;
        case 0xA0:
            if (!Caps->UsagePage) {
                Caps->UsagePage = (USAGE)page;
                Caps->Usage = (USAGE)usage;
            }
            break;
        }
    }
}

static NTSTATUS Start(WDFDEVICE Device)
{
    CLASS *class = ClassOf(Device);
    HID_DESCRIPTOR descriptor;
    UCHAR report[256];
    ULONG_PTR given = 0;
    NTSTATUS status = Ask(Device, IOCTL_HID_GET_DEVICE_DESCRIPTOR, NULL, 0, &descriptor, sizeof descriptor, NULL, &given);
    if (!NT_SUCCESS(status))
        return status;
    ULONG length = descriptor.DescriptorList[0].wReportLength;
    if (given != sizeof descriptor || descriptor.bDescriptorType != HID_HID_DESCRIPTOR_TYPE || length > sizeof report)
        return STATUS_DEVICE_DATA_ERROR;
    status = Ask(Device, IOCTL_HID_GET_REPORT_DESCRIPTOR, NULL, 0, report, length, NULL, &given);
    if (NT_SUCCESS(status) && given != length)
        status = STATUS_DEVICE_DATA_ERROR;
    if (NT_SUCCESS(status))
        status = Ask(Device, IOCTL_HID_GET_DEVICE_ATTRIBUTES, NULL, 0, &class->Attributes, sizeof class->Attributes, NULL, NULL);
    if (NT_SUCCESS(status))
        Parse(report, length, &class->Caps);
    return status;
}

static NTSTATUS Give(WDFREQUEST Request, const VOID *From, size_t Bytes)
{
    PVOID to;
    NTSTATUS status = WdfRequestRetrieveOutputBuffer(Request, Bytes, &to, NULL);
    if (NT_SUCCESS(status)) {
        RtlCopyMemory(to, From, Bytes);
        WdfRequestSetInformation(Request, Bytes);
    }
    return status;
}

/* A report whose first byte is its number. */
static NTSTATUS Transfer(WDFDEVICE Device, WDFREQUEST Request, ULONG Code, PVOID Buffer, size_t Length, BOOLEAN Out)
{
    HID_XFER_PACKET packet = {Buffer, (ULONG)Length, *(PUCHAR)Buffer};
    ULONG_PTR given;
    NTSTATUS status = Ask(Device, Code, NULL, Out ? sizeof packet : 0, &packet, Out ? 0 : sizeof packet, NULL, &given);
    if (NT_SUCCESS(status))
        WdfRequestSetInformation(Request, given);
    return status;
}

static NTSTATUS TransferControl(WDFDEVICE Device, WDFREQUEST Request, ULONG Code, BOOLEAN Out)
{
    PVOID buffer;
    size_t length;
    NTSTATUS status = WdfRequestRetrieveOutputBuffer(Request, 1, &buffer, &length); /* both directions are METHOD_…_DIRECT */
    if (Out)
        status = WdfRequestRetrieveInputBuffer(Request, 1, &buffer, &length);
    return NT_SUCCESS(status) ? Transfer(Device, Request, Code, buffer, length, Out) : status;
}

static NTSTATUS GetString(WDFDEVICE Device, WDFREQUEST Request, ULONG Id)
{
    PVOID buffer;
    size_t length;
    ULONG_PTR given;
    NTSTATUS status = WdfRequestRetrieveOutputBuffer(Request, 2, &buffer, &length);
    if (NT_SUCCESS(status))
        status = Ask(Device, IOCTL_HID_GET_STRING, ULongToPtr(Id | 0x409 << 16), 0, buffer, (ULONG)length, NULL, &given);
    if (NT_SUCCESS(status))
        WdfRequestSetInformation(Request, given);
    return status;
}

static NTSTATUS GetIndexed(WDFDEVICE Device, WDFREQUEST Request)
{
    PULONG index;
    PMDL mdl;
    ULONG_PTR given;
    NTSTATUS status = WdfRequestRetrieveInputBuffer(Request, sizeof *index, (PVOID *)&index, NULL);
    if (NT_SUCCESS(status))
        status = WdfRequestRetrieveOutputWdmMdl(Request, &mdl);
    if (NT_SUCCESS(status))
        status = Ask(Device, IOCTL_HID_GET_INDEXED_STRING, ULongToPtr(*index | 0x409 << 16), 0, NULL, MmGetMdlByteCount(mdl), mdl, &given);
    if (NT_SUCCESS(status))
        WdfRequestSetInformation(Request, given);
    return status;
}

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t OutputBufferLength, size_t InputBufferLength, ULONG IoControlCode)
{
    WDFDEVICE device = WdfIoQueueGetDevice(Queue);
    CLASS *class = ClassOf(device);
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    UNREFERENCED_PARAMETER(OutputBufferLength);
    UNREFERENCED_PARAMETER(InputBufferLength);
    switch (IoControlCode) {
    case IOCTL_HID_GET_COLLECTION_INFORMATION: {
        HID_COLLECTION_INFORMATION info = {sizeof class->Caps, FALSE, {0}, class->Attributes.VendorID, class->Attributes.ProductID, class->Attributes.VersionNumber};
        status = Give(Request, &info, sizeof info);
        break;
    }
    case IOCTL_HID_GET_COLLECTION_DESCRIPTOR:
        status = WdfMemoryCopyFromBuffer(LockedOf(Request)->Memory, 0, &class->Caps, sizeof class->Caps);
        if (NT_SUCCESS(status))
            WdfRequestSetInformation(Request, sizeof class->Caps);
        break;
    case IOCTL_HID_GET_FEATURE:
    case IOCTL_HID_GET_INPUT_REPORT:
        status = TransferControl(device, Request, IoControlCode, FALSE);
        break;
    case IOCTL_HID_SET_FEATURE:
    case IOCTL_HID_SET_OUTPUT_REPORT:
        status = TransferControl(device, Request, IoControlCode, TRUE);
        break;
    case IOCTL_HID_GET_MANUFACTURER_STRING:
        status = GetString(device, Request, HID_STRING_ID_IMANUFACTURER);
        break;
    case IOCTL_HID_GET_PRODUCT_STRING:
        status = GetString(device, Request, HID_STRING_ID_IPRODUCT);
        break;
    case IOCTL_HID_GET_SERIALNUMBER_STRING:
        status = GetString(device, Request, HID_STRING_ID_ISERIALNUMBER);
        break;
    case IOCTL_HID_GET_INDEXED_STRING:
        status = GetIndexed(device, Request);
        break;
    }
    WdfRequestComplete(Request, status);
}

static VOID InCallerContext(WDFDEVICE Device, WDFREQUEST Request)
{
    WDF_REQUEST_PARAMETERS parameters;
    PVOID buffer;
    size_t length;
    NTSTATUS status = STATUS_SUCCESS;
    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    WdfRequestGetParameters(Request, &parameters);
    if (parameters.Type == WdfRequestTypeDeviceControl && parameters.Parameters.DeviceIoControl.IoControlCode == IOCTL_HID_GET_COLLECTION_DESCRIPTOR) {
        status = WdfRequestRetrieveUnsafeUserOutputBuffer(Request, sizeof(HIDP_CAPS), &buffer, &length);
        if (NT_SUCCESS(status))
            status = WdfRequestProbeAndLockUserBufferForWrite(Request, buffer, length, &LockedOf(Request)->Memory);
    }
    if (NT_SUCCESS(status))
        status = WdfDeviceEnqueueRequest(Device, Request);
    if (!NT_SUCCESS(status))
        WdfRequestComplete(Request, status);
}

static VOID Read(WDFQUEUE Queue, WDFREQUEST Request, size_t Length)
{
    WDFDEVICE device = WdfIoQueueGetDevice(Queue);
    PVOID buffer;
    ULONG_PTR given;
    NTSTATUS status = Length < ClassOf(device)->Caps.InputReportByteLength ? STATUS_INVALID_BUFFER_SIZE : WdfRequestRetrieveOutputBuffer(Request, 1, &buffer, NULL);
    if (NT_SUCCESS(status))
        status = Ask(device, IOCTL_HID_READ_REPORT, NULL, 0, buffer, ClassOf(device)->Caps.InputReportByteLength, NULL, &given);
    WdfRequestCompleteWithInformation(Request, status, NT_SUCCESS(status) ? given : 0);
}

static VOID Write(WDFQUEUE Queue, WDFREQUEST Request, size_t Length)
{
    WDFDEVICE device = WdfIoQueueGetDevice(Queue);
    PVOID buffer;
    NTSTATUS status = Length < ClassOf(device)->Caps.OutputReportByteLength ? STATUS_INVALID_BUFFER_SIZE : WdfRequestRetrieveInputBuffer(Request, 1, &buffer, NULL);
    if (NT_SUCCESS(status))
        status = Transfer(device, Request, IOCTL_HID_WRITE_REPORT, buffer, Length, TRUE);
    WdfRequestComplete(Request, status);
}

static NTSTATUS AddDevice(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_PNPPOWER_EVENT_CALLBACKS power;
    WDF_IO_QUEUE_CONFIG config;
    WDFDEVICE device;
    UNREFERENCED_PARAMETER(Driver);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&power);
    power.EvtDeviceSelfManagedIoInit = Start;
    WdfDeviceInitSetPnpPowerEventCallbacks(DeviceInit, &power);
    WdfDeviceInitSetIoType(DeviceInit, WdfDeviceIoBuffered);
    WdfDeviceInitSetIoInCallerContextCallback(DeviceInit, InCallerContext);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, LOCKED);
    WdfDeviceInitSetRequestAttributes(DeviceInit, &attributes);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, CLASS);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    NTSTATUS status = WdfDeviceCreate(&DeviceInit, &attributes, &device);
    if (!NT_SUCCESS(status))
        return status;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoRead = Read;
    config.EvtIoWrite = Write;
    config.EvtIoDeviceControl = Control;
    status = WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    return NT_SUCCESS(status) ? WdfDeviceCreateDeviceInterface(device, &GUID_DEVINTERFACE_HID, NULL) : status;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, AddDevice);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
