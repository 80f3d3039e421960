/* A bus of virtual smart card readers. The service talks to it alone: control codes for a reader are formatted as internal ones and sent
 * to that reader's stack through an I/O target of its own. The requests are the service's: their IRPs were made for the bus, with as many
 * stack locations as the bus's stack wants, and the framework cannot give them others.
 *
 * EXTRA_LOCATIONS is what the bus asks for in addition. None is the bug: a reader's stack needs three. */
#include <ntddk.h>
#include <wdf.h>
#include "vsc.h"

#ifndef EXTRA_LOCATIONS
#define EXTRA_LOCATIONS 0
#endif
#ifndef READERS_AT_START
#define READERS_AT_START VSC_FIRST_READERS
#endif

typedef struct {
    WDFWAITLOCK Lock; /* the array */
    WDFDEVICE Reader[VSC_READERS];
} BUS, *PBUS;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(BUS, BusOf)

typedef struct {
    ULONG Number;
    WDFIOTARGET Target; /* open from the first request on, until the reader goes */
    BOOLEAN Open, Gone;
} READER, *PREADER;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(READER, ReaderOf)

DRIVER_INITIALIZE DriverEntry;
EVT_WDF_DRIVER_DEVICE_ADD VscBusDeviceAdd;
EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL VscBusDeviceControl;
EVT_WDF_REQUEST_COMPLETION_ROUTINE VscBusForwarded;
EVT_WDF_DEVICE_RELEASE_HARDWARE VscReaderReleaseHardware;
EVT_WDF_OBJECT_CONTEXT_CLEANUP VscReaderCleanup;

/* ---- readers ---- */

NTSTATUS VscReaderReleaseHardware(WDFDEVICE Device, WDFCMRESLIST ResourcesTranslated)
{
    PREADER reader = ReaderOf(Device);
    PBUS bus = BusOf(WdfPdoGetParent(Device));
    UNREFERENCED_PARAMETER(ResourcesTranslated);
    WdfWaitLockAcquire(bus->Lock, NULL);
    reader->Gone = TRUE;
    if (bus->Reader[reader->Number] == Device)
        bus->Reader[reader->Number] = NULL;
    WdfWaitLockRelease(bus->Lock);
    if (reader->Open)
        WdfIoTargetClose(reader->Target);
    return STATUS_SUCCESS;
}

/* The target is the bus's; it goes with its reader. */
VOID VscReaderCleanup(WDFOBJECT Object)
{
    if (ReaderOf(Object)->Target)
        WdfObjectDelete(ReaderOf(Object)->Target);
}

static NTSTATUS VscReaderIds(PWDFDEVICE_INIT Init, ULONG Number)
{
    DECLARE_CONST_UNICODE_STRING(hardware, L"VSCBUS\\Reader");
    DECLARE_UNICODE_STRING_SIZE(instance, 8);
    NTSTATUS status = WdfPdoInitAssignDeviceID(Init, &hardware);
    if (NT_SUCCESS(status))
        status = WdfPdoInitAddHardwareID(Init, &hardware);
    if (NT_SUCCESS(status))
        status = RtlIntegerToUnicodeString(Number, 10, &instance);
    if (NT_SUCCESS(status))
        status = WdfPdoInitAssignInstanceID(Init, &instance);
    return status;
}

static NTSTATUS VscBusPlug(WDFDEVICE Bus, ULONG Number)
{
    PWDFDEVICE_INIT init = WdfPdoInitAllocate(Bus);
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDEVICE child = NULL;
    NTSTATUS status;
    if (!init)
        return STATUS_INSUFFICIENT_RESOURCES;
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDeviceReleaseHardware = VscReaderReleaseHardware;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &callbacks);
    status = VscReaderIds(init, Number);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, READER);
    attributes.EvtCleanupCallback = VscReaderCleanup;
    if (NT_SUCCESS(status))
        status = WdfDeviceCreate(&init, &attributes, &child);
    if (init)
        WdfDeviceInitFree(init);
    if (!NT_SUCCESS(status))
        return status;
    ReaderOf(child)->Number = Number;
    status = WdfIoTargetCreate(Bus, WDF_NO_OBJECT_ATTRIBUTES, &ReaderOf(child)->Target);
    if (NT_SUCCESS(status))
        status = WdfFdoAddStaticChild(Bus, child);
    if (!NT_SUCCESS(status)) {
        WdfObjectDelete(child);
        return status;
    }
    WdfWaitLockAcquire(BusOf(Bus)->Lock, NULL);
    BusOf(Bus)->Reader[Number] = child;
    WdfWaitLockRelease(BusOf(Bus)->Lock);
    return STATUS_SUCCESS;
}

static NTSTATUS VscBusUnplug(WDFDEVICE Bus, ULONG Number)
{
    PBUS bus = BusOf(Bus);
    WdfWaitLockAcquire(bus->Lock, NULL);
    WDFDEVICE child = bus->Reader[Number];
    bus->Reader[Number] = NULL;
    if (child)
        WdfObjectReference(child);
    WdfWaitLockRelease(bus->Lock);
    if (!child)
        return STATUS_NO_SUCH_DEVICE;
    NTSTATUS status = WdfPdoMarkMissing(child);
    WdfObjectDereference(child);
    return status;
}

/* The target leads to the top of the reader's stack. It can be opened when the reader's function driver is there. */
static NTSTATUS VscReaderOpen(PREADER Reader, WDFDEVICE Child)
{
    WDF_IO_TARGET_OPEN_PARAMS parameters;
    PDEVICE_OBJECT top;
    NTSTATUS status;
    if (Reader->Open)
        return STATUS_SUCCESS;
    top = IoGetAttachedDeviceReference(WdfDeviceWdmGetDeviceObject(Child));
    WDF_IO_TARGET_OPEN_PARAMS_INIT_EXISTING_DEVICE(&parameters, top);
    status = WdfIoTargetOpen(Reader->Target, &parameters);
    ObDereferenceObject(top);
    Reader->Open = NT_SUCCESS(status);
    return status;
}

/* The reader's target, referenced. */
static NTSTATUS VscBusFind(WDFDEVICE Bus, ULONG Number, WDFIOTARGET *Target)
{
    PBUS bus = BusOf(Bus);
    NTSTATUS status = STATUS_NO_SUCH_DEVICE;
    WdfWaitLockAcquire(bus->Lock, NULL);
    if (Number < VSC_READERS && bus->Reader[Number] && !ReaderOf(bus->Reader[Number])->Gone)
        status = VscReaderOpen(ReaderOf(bus->Reader[Number]), bus->Reader[Number]);
    if (NT_SUCCESS(status)) {
        *Target = ReaderOf(bus->Reader[Number])->Target;
        WdfObjectReference(*Target);
    }
    WdfWaitLockRelease(bus->Lock);
    return status;
}

/* ---- requests ---- */

VOID VscBusForwarded(WDFREQUEST Request, WDFIOTARGET Target, PWDF_REQUEST_COMPLETION_PARAMS Params, WDFCONTEXT Context)
{
    UNREFERENCED_PARAMETER(Target);
    UNREFERENCED_PARAMETER(Context);
    WdfRequestCompleteWithInformation(Request, Params->IoStatus.Status, Params->IoStatus.Information);
}

static NTSTATUS VscBusForward(WDFREQUEST Request, WDFIOTARGET Target, ULONG IoControlCode)
{
    WDFMEMORY input, output;
    NTSTATUS status = WdfRequestRetrieveInputMemory(Request, &input);
    if (NT_SUCCESS(status))
        status = WdfRequestRetrieveOutputMemory(Request, &output);
    if (NT_SUCCESS(status))
        status = WdfIoTargetFormatRequestForInternalIoctl(Target, Request, IoControlCode, input, NULL, output, NULL);
    if (!NT_SUCCESS(status))
        return status;
    WdfRequestSetCompletionRoutine(Request, VscBusForwarded, NULL);
    return WdfRequestSend(Request, Target, WDF_NO_SEND_OPTIONS) ? STATUS_PENDING : WdfRequestGetStatus(Request);
}

VOID VscBusDeviceControl(WDFQUEUE Queue, WDFREQUEST Request, size_t OutputBufferLength, size_t InputBufferLength, ULONG IoControlCode)
{
    WDFDEVICE bus = WdfIoQueueGetDevice(Queue);
    VSC_REQUEST *request;
    WDFIOTARGET target = NULL;
    NTSTATUS status = WdfRequestRetrieveInputBuffer(Request, sizeof *request, (PVOID *)&request, NULL);
    UNREFERENCED_PARAMETER(OutputBufferLength);
    UNREFERENCED_PARAMETER(InputBufferLength);
    if (NT_SUCCESS(status) && request->Reader >= VSC_READERS)
        status = STATUS_NO_SUCH_DEVICE;
    if (NT_SUCCESS(status)) {
        switch (IoControlCode) {
        case IOCTL_VSC_INSERT_CARD:
        case IOCTL_VSC_REMOVE_CARD:
            status = VscBusFind(bus, request->Reader, &target);
            if (NT_SUCCESS(status))
                status = VscBusForward(Request, target, IoControlCode);
            break;
        case IOCTL_VSC_PLUG:
            status = VscBusPlug(bus, request->Reader);
            break;
        case IOCTL_VSC_UNPLUG:
            status = VscBusUnplug(bus, request->Reader);
            break;
        default:
            status = STATUS_INVALID_DEVICE_REQUEST;
        }
    }
    if (target)
        WdfObjectDereference(target);
    if (status != STATUS_PENDING)
        WdfRequestComplete(Request, status);
}

/* ---- the bus itself ---- */

static NTSTATUS VscBusQueue(WDFDEVICE Bus)
{
    WDF_IO_QUEUE_CONFIG config;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDeviceControl = VscBusDeviceControl;
    return WdfIoQueueCreate(Bus, &config, WDF_NO_OBJECT_ATTRIBUTES, NULL);
}

NTSTATUS VscBusDeviceAdd(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit)
{
    DECLARE_CONST_UNICODE_STRING(name, L"\\Device\\VscBus");
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\VscBus");
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDEVICE bus;
    UNREFERENCED_PARAMETER(Driver);
    WdfDeviceInitSetDeviceType(DeviceInit, FILE_DEVICE_BUS_EXTENDER);
    NTSTATUS status = WdfDeviceInitAssignName(DeviceInit, &name);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, BUS);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    if (NT_SUCCESS(status))
        status = WdfDeviceCreate(&DeviceInit, &attributes, &bus);
    if (!NT_SUCCESS(status))
        return status;
    WdfDeviceWdmGetDeviceObject(bus)->StackSize += EXTRA_LOCATIONS;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = bus;
    status = WdfWaitLockCreate(&attributes, &BusOf(bus)->Lock);
    if (NT_SUCCESS(status))
        status = VscBusQueue(bus);
    if (NT_SUCCESS(status))
        status = WdfDeviceCreateSymbolicLink(bus, &link);
    for (ULONG i = 0; NT_SUCCESS(status) && i < READERS_AT_START; i++)
        status = VscBusPlug(bus, i);
    return status;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, VscBusDeviceAdd);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
