/* A virtual smart card reader. Smart card control codes are smclib's; since that completes the IRPs it is given, and the framework's
 * request is to be completed by the driver, the reader goes one stack location further down and lets a completion routine take the IRP
 * back. That location has to be there: the device's stack size is raised by one.
 *
 * The bus's service puts cards in and takes them out with internal control codes. */
#include <ntddk.h>
#include <wdf.h>
#include <smclib.h>
#include "vsc.h"

struct _READER_EXTENSION {
    ULONG Cards;
    BOOLEAN HasLink;
    UNICODE_STRING Link;
};

typedef struct {
    SMARTCARD_EXTENSION Smartcard;
    struct _READER_EXTENSION Reader;
} VSC_READER, *PVSC_READER;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(VSC_READER, VscReader)

DRIVER_INITIALIZE DriverEntry;
EVT_WDF_DRIVER_DEVICE_ADD VscReaderDeviceAdd;
EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL VscReaderDeviceControl;
EVT_WDF_IO_QUEUE_IO_INTERNAL_DEVICE_CONTROL VscReaderInternalControl;
EVT_WDF_OBJECT_CONTEXT_CLEANUP VscReaderCleanup;
IO_COMPLETION_ROUTINE VscReaderTakeBack;

/* ---- smart card requests ---- */

NTSTATUS VscReaderTakeBack(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    WdfRequestCompleteWithInformation((WDFREQUEST)Context, Irp->IoStatus.Status, Irp->IoStatus.Information);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

VOID VscReaderDeviceControl(WDFQUEUE Queue, WDFREQUEST Request, size_t OutputBufferLength, size_t InputBufferLength, ULONG IoControlCode)
{
    PIRP irp = WdfRequestWdmGetIrp(Request);
    UNREFERENCED_PARAMETER(OutputBufferLength);
    UNREFERENCED_PARAMETER(InputBufferLength);
    UNREFERENCED_PARAMETER(IoControlCode);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, VscReaderTakeBack, Request, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(irp);
    SmartcardDeviceControl(&VscReader(WdfIoQueueGetDevice(Queue))->Smartcard, irp);
}

/* ---- the bus's requests ---- */

VOID VscReaderInternalControl(WDFQUEUE Queue, WDFREQUEST Request, size_t OutputBufferLength, size_t InputBufferLength, ULONG IoControlCode)
{
    PVSC_READER reader = VscReader(WdfIoQueueGetDevice(Queue));
    PSMARTCARD_EXTENSION SmartcardExtension = &reader->Smartcard;
    VSC_ANSWER *answer;
    KIRQL irql;
    NTSTATUS status = WdfRequestRetrieveOutputBuffer(Request, sizeof *answer, (PVOID *)&answer, NULL);
    UNREFERENCED_PARAMETER(OutputBufferLength);
    UNREFERENCED_PARAMETER(InputBufferLength);
    if (NT_SUCCESS(status) && IoControlCode != IOCTL_VSC_INSERT_CARD && IoControlCode != IOCTL_VSC_REMOVE_CARD)
        status = STATUS_INVALID_DEVICE_REQUEST;
    if (!NT_SUCCESS(status)) {
        WdfRequestComplete(Request, status);
        return;
    }
    AccessUnsafeData(&irql);
    SmartcardExtension->ReaderCapabilities.CurrentState = IoControlCode == IOCTL_VSC_INSERT_CARD ? SCARD_PRESENT : SCARD_ABSENT;
    reader->Reader.Cards += IoControlCode == IOCTL_VSC_INSERT_CARD;
    answer->Cards = reader->Reader.Cards;
    EndAccessUnsafeData(irql);
    SmartcardCompleteCardTracking(SmartcardExtension);
    WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, sizeof *answer);
}

/* ---- the reader ---- */

VOID VscReaderCleanup(WDFOBJECT Object)
{
    PVSC_READER reader = VscReader(Object);
    if (reader->Reader.HasLink)
        SmartcardDeleteLink(&reader->Reader.Link);
    if (reader->Smartcard.OsData)
        SmartcardExit(&reader->Smartcard);
}

static NTSTATUS VscReaderSmartcard(PVSC_READER Reader, PUNICODE_STRING Name)
{
    PSMARTCARD_EXTENSION s = &Reader->Smartcard;
    s->Version = SMCLIB_VERSION;
    s->ReaderExtension = &Reader->Reader;
    NTSTATUS status = SmartcardInitialize(s);
    if (!NT_SUCCESS(status))
        return status;
    s->ReaderCapabilities.SupportedProtocols = SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1;
    s->ReaderCapabilities.ReaderType = SCARD_READER_TYPE_VENDOR;
    s->ReaderCapabilities.CurrentState = SCARD_ABSENT;
    status = SmartcardCreateLink(&Reader->Reader.Link, Name);
    Reader->Reader.HasLink = NT_SUCCESS(status);
    return status;
}

static NTSTATUS VscReaderName(PWDFDEVICE_INIT DeviceInit, PUNICODE_STRING Name)
{
    static LONG count;
    DECLARE_UNICODE_STRING_SIZE(number, 8);
    NTSTATUS status = RtlIntegerToUnicodeString(InterlockedIncrement(&count) - 1, 10, &number);
    if (NT_SUCCESS(status))
        status = RtlAppendUnicodeToString(Name, L"\\Device\\VscReader");
    if (NT_SUCCESS(status))
        status = RtlAppendUnicodeStringToString(Name, &number);
    return NT_SUCCESS(status) ? WdfDeviceInitAssignName(DeviceInit, Name) : status;
}

NTSTATUS VscReaderDeviceAdd(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit)
{
    DECLARE_UNICODE_STRING_SIZE(name, 40);
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG config;
    WDFDEVICE device;
    UNREFERENCED_PARAMETER(Driver);
    WdfDeviceInitSetDeviceType(DeviceInit, FILE_DEVICE_SMARTCARD);
    NTSTATUS status = VscReaderName(DeviceInit, &name);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, VSC_READER);
    attributes.EvtCleanupCallback = VscReaderCleanup;
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    if (NT_SUCCESS(status))
        status = WdfDeviceCreate(&DeviceInit, &attributes, &device);
    if (!NT_SUCCESS(status))
        return status;
    WdfDeviceWdmGetDeviceObject(device)->StackSize++; /* for VscReaderTakeBack */
    status = VscReaderSmartcard(VscReader(device), &name);
    if (NT_SUCCESS(status))
        status = WdfDeviceCreateDeviceInterface(device, &SmartCardReaderGuid, NULL);
    if (!NT_SUCCESS(status))
        return status;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDeviceControl = VscReaderDeviceControl;
    config.EvtIoInternalDeviceControl = VscReaderInternalControl;
    return WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, NULL);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, VscReaderDeviceAdd);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
