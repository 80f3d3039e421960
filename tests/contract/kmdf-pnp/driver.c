/* A bus with a dynamic list of raw children, which notes the order of its PnP and power callbacks and goes to sleep when idle. */
#include <ntddk.h>
#include <wdf.h>
#include <ntstrsafe.h>
#include "codes.h"

typedef struct _BUS {
    CHAR Order[64];
    ULONG Used, Failed;
    WDFQUEUE Slow;
} BUS, *PBUS;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(BUS, BusOf)

typedef struct _CHILD {
    ULONG Serial;
} CHILD, *PCHILD;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(CHILD, ChildOf)

typedef struct _CHILD_ID {
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Header;
    ULONG Serial;
} CHILD_ID, *PCHILD_ID;

static VOID Note(WDFDEVICE Device, CHAR What)
{
    PBUS b = BusOf(Device);
    if (b->Used < sizeof b->Order - 1)
        b->Order[b->Used++] = What;
}

static VOID Check(WDFDEVICE Device, BOOLEAN Good, ULONG Line)
{
    if (!Good) {
        BusOf(Device)->Failed++;
        DbgPrint("kmdf-pnp: check of line %d failed\n", Line);
    }
}
#define CHECK(d, x) Check(d, (x) != 0, __LINE__)

static NTSTATUS Prepare(WDFDEVICE d, WDFCMRESLIST Raw, WDFCMRESLIST Translated)
{
    Note(d, 'P');
    CHECK(d, WdfCmResourceListGetCount(Raw) == WdfCmResourceListGetCount(Translated));
    CHECK(d, WdfCmResourceListGetDescriptor(Raw, 1000) == NULL);
    CHECK(d, WdfDeviceGetDevicePnpState(d) == WdfDevStatePnpHardwareAvailable);
    return STATUS_SUCCESS;
}

static NTSTATUS ReleaseHardware(WDFDEVICE d, WDFCMRESLIST Translated)
{
    Note(d, 'R');
    return STATUS_SUCCESS;
}

static NTSTATUS D0Entry(WDFDEVICE d, WDF_POWER_DEVICE_STATE From)
{
    Note(d, From == WdfPowerDeviceD3Final ? 'E' : 'e');
    return STATUS_SUCCESS;
}

static NTSTATUS D0Exit(WDFDEVICE d, WDF_POWER_DEVICE_STATE To)
{
    Note(d, To == WdfPowerDeviceD3Final ? 'X' : 'x');
    return STATUS_SUCCESS;
}

static NTSTATUS PostEnabled(WDFDEVICE d, WDF_POWER_DEVICE_STATE From)
{
    Note(d, 'p');
    return STATUS_SUCCESS;
}

static NTSTATUS PreDisabled(WDFDEVICE d, WDF_POWER_DEVICE_STATE To)
{
    Note(d, 'q');
    return STATUS_SUCCESS;
}

static NTSTATUS IoInit(WDFDEVICE d)
{
    Note(d, 'I');
    return STATUS_SUCCESS;
}

static NTSTATUS IoSuspend(WDFDEVICE d)
{
    Note(d, 's');
    return STATUS_SUCCESS;
}

static NTSTATUS IoRestart(WDFDEVICE d)
{
    Note(d, 'r');
    return STATUS_SUCCESS;
}

static VOID IoFlush(WDFDEVICE d)
{
    Note(d, 'F');
}

static VOID IoCleanup(WDFDEVICE d)
{
    Note(d, 'C');
    BusOf(d)->Order[BusOf(d)->Used] = 0;
    DbgPrint("kmdf-pnp: %s\n", BusOf(d)->Order);
    if (strcmp(BusOf(d)->Order + BusOf(d)->Used - 6, "sqXRFC") != 0 || BusOf(d)->Failed)
        DbgPrint("kmdf-pnp: WRONG\n");
}

/* ---- children ---- */

static VOID ChildControl(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    PULONG out;
    NTSTATUS s = Code == IOCTL_WHO ? WdfRequestRetrieveOutputBuffer(Request, sizeof *out, (PVOID *)&out, NULL) : STATUS_INVALID_DEVICE_REQUEST;
    if (NT_SUCCESS(s))
        *out = ChildOf(WdfIoQueueGetDevice(Queue))->Serial;
    WdfRequestCompleteWithInformation(Request, s, NT_SUCCESS(s) ? sizeof *out : 0);
}

static NTSTATUS CreateChild(WDFCHILDLIST List, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Id, PWDFDEVICE_INIT Init)
{
    static const GUID raw = { 0x5175d334, 0xc371, 0x4806, { 0xb3, 0xba, 0x71, 0xfd, 0x53, 0xc9, 0x25, 0x8d } };
    DECLARE_CONST_UNICODE_STRING(id, L"LAB\\KmdfChild");
    DECLARE_CONST_UNICODE_STRING(compatible, L"LAB\\KmdfChildCompatible");
    DECLARE_CONST_UNICODE_STRING(location, L"the bus");
    DECLARE_UNICODE_STRING_SIZE(instance, 16);
    DECLARE_UNICODE_STRING_SIZE(link, 64);
    WDF_OBJECT_ATTRIBUTES a;
    WDF_IO_QUEUE_CONFIG queue;
    WDF_DEVICE_PNP_CAPABILITIES pnp;
    WDF_DEVICE_POWER_CAPABILITIES power;
    WDFDEVICE child, bus = WdfChildListGetDevice(List);
    ULONG serial = CONTAINING_RECORD(Id, CHILD_ID, Header)->Serial;
    RtlUnicodeStringPrintf(&instance, L"%02d", serial);
    RtlUnicodeStringPrintf(&link, L"\\DosDevices\\KmdfChild%d", serial);
    CHECK(bus, WdfPdoInitAssignDeviceID(Init, &id) == STATUS_SUCCESS);
    CHECK(bus, WdfPdoInitAddHardwareID(Init, &id) == STATUS_SUCCESS);
    CHECK(bus, WdfPdoInitAddCompatibleID(Init, &compatible) == STATUS_SUCCESS);
    CHECK(bus, WdfPdoInitAssignInstanceID(Init, &instance) == STATUS_SUCCESS);
    CHECK(bus, WdfPdoInitAddDeviceText(Init, &id, &location, 0x409) == STATUS_SUCCESS);
    WdfPdoInitSetDefaultLocale(Init, 0x409);
    CHECK(bus, WdfPdoInitAssignRawDevice(Init, &raw) == STATUS_SUCCESS);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, CHILD);
    NTSTATUS s = WdfDeviceCreate(&Init, &a, &child);
    if (!NT_SUCCESS(s))
        return s;
    ChildOf(child)->Serial = serial;
    CHECK(bus, WdfPdoGetParent(child) == bus);
    CHILD_ID back;
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(&back.Header, sizeof back);
    CHECK(bus, WdfPdoRetrieveIdentificationDescription(child, &back.Header) == STATUS_SUCCESS && back.Serial == serial);
    WDF_DEVICE_PNP_CAPABILITIES_INIT(&pnp);
    pnp.Removable = pnp.SurpriseRemovalOK = pnp.UniqueID = WdfTrue;
    WdfDeviceSetPnpCapabilities(child, &pnp);
    WDF_DEVICE_POWER_CAPABILITIES_INIT(&power);
    power.DeviceState[PowerSystemWorking] = PowerDeviceD0;
    WdfDeviceSetPowerCapabilities(child, &power);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = ChildControl;
    s = WdfIoQueueCreate(child, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    return NT_SUCCESS(s) ? WdfDeviceCreateSymbolicLink(child, &link) : s;
}

static ULONG Count(WDFDEVICE Device)
{
    WDFCHILDLIST list = WdfFdoGetDefaultChildList(Device);
    WDF_CHILD_LIST_ITERATOR i;
    WDFDEVICE child;
    ULONG n = 0;
    WDF_CHILD_LIST_ITERATOR_INIT(&i, WdfRetrievePresentChildren);
    WdfChildListBeginIteration(list, &i);
    while (NT_SUCCESS(WdfChildListRetrieveNextDevice(list, &i, &child, NULL)))
        n++;
    WdfChildListEndIteration(list, &i);
    return n;
}

static NTSTATUS Plug(WDFDEVICE Device, ULONG Serial, BOOLEAN In)
{
    CHILD_ID id;
    WDFCHILDLIST list = WdfFdoGetDefaultChildList(Device);
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(&id.Header, sizeof id);
    id.Serial = Serial;
    return In ? WdfChildListAddOrUpdateChildDescriptionAsPresent(list, &id.Header, NULL) : WdfChildListUpdateChildDescriptionAsMissing(list, &id.Header);
}

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    WDFDEVICE d = WdfIoQueueGetDevice(Queue);
    PBUS b = BusOf(d);
    PVOID out = NULL, in = NULL;
    size_t n = 0;
    NTSTATUS s = STATUS_SUCCESS;
    if (Out)
        s = WdfRequestRetrieveOutputBuffer(Request, Code == IOCTL_ORDER ? sizeof b->Order : sizeof(ULONG), &out, NULL);
    if (NT_SUCCESS(s) && In)
        s = WdfRequestRetrieveInputBuffer(Request, sizeof(ULONG), &in, NULL);
    if (!NT_SUCCESS(s)) {
        WdfRequestComplete(Request, s);
        return;
    }
    switch (Code) {
    case IOCTL_ORDER:
        RtlCopyMemory(out, b->Order, sizeof b->Order);
        n = sizeof b->Order;
        break;
    case IOCTL_CHECKS:
        *(PULONG)out = b->Failed;
        n = sizeof(ULONG);
        break;
    case IOCTL_CHILDREN:
        *(PULONG)out = Count(d);
        n = sizeof(ULONG);
        break;
    case IOCTL_PLUG:
    case IOCTL_UNPLUG:
        s = Plug(d, *(PULONG)in, Code == IOCTL_PLUG);
        break;
    case IOCTL_FORGET:
        RtlZeroMemory(b->Order, sizeof b->Order);
        b->Used = 0;
        break;
    default:
        s = STATUS_INVALID_DEVICE_REQUEST;
    }
    WdfRequestCompleteWithInformation(Request, s, n);
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfPnp");
    WDF_PNPPOWER_EVENT_CALLBACKS events;
    WDF_OBJECT_ATTRIBUTES a;
    WDF_IO_QUEUE_CONFIG queue;
    WDF_CHILD_LIST_CONFIG children;
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS idle;
    PNP_BUS_INFORMATION information = { { 0x77114a87, 0x8944, 0x11d1, { 0xbd, 0x90, 0x00, 0xa0, 0xc9, 0x06, 0xbe, 0x2d } }, PNPBus, 0 };
    WDFDEVICE d;
    ULONG length;
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&events);
    events.EvtDevicePrepareHardware = Prepare;
    events.EvtDeviceReleaseHardware = ReleaseHardware;
    events.EvtDeviceD0Entry = D0Entry;
    events.EvtDeviceD0Exit = D0Exit;
    events.EvtDeviceD0EntryPostInterruptsEnabled = PostEnabled;
    events.EvtDeviceD0ExitPreInterruptsDisabled = PreDisabled;
    events.EvtDeviceSelfManagedIoInit = IoInit;
    events.EvtDeviceSelfManagedIoSuspend = IoSuspend;
    events.EvtDeviceSelfManagedIoRestart = IoRestart;
    events.EvtDeviceSelfManagedIoFlush = IoFlush;
    events.EvtDeviceSelfManagedIoCleanup = IoCleanup;
    WdfDeviceInitSetPnpPowerEventCallbacks(Init, &events);
    WdfDeviceInitSetDeviceType(Init, FILE_DEVICE_BUS_EXTENDER);
    WdfDeviceInitSetExclusive(Init, FALSE);
    WDF_CHILD_LIST_CONFIG_INIT(&children, sizeof(CHILD_ID), CreateChild);
    WdfFdoInitSetDefaultChildListConfig(Init, &children, WDF_NO_OBJECT_ATTRIBUTES);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, BUS);
    NTSTATUS s = WdfDeviceCreate(&Init, &a, &d);
    if (!NT_SUCCESS(s))
        return s;
    CHECK(d, WdfDeviceWdmGetAttachedDevice(d) != NULL && WdfDeviceWdmGetPhysicalDevice(d) != NULL);
    CHECK(d, WdfIoTargetWdmGetTargetDeviceObject(WdfDeviceGetIoTarget(d)) == WdfDeviceWdmGetAttachedDevice(d));
    CHECK(d, WdfDeviceWdmGetDeviceObject(d)->StackSize == WdfDeviceWdmGetAttachedDevice(d)->StackSize + 1);
    CHECK(d, WdfDeviceWdmGetDeviceObject(d)->DeviceExtension == BusOf(d));
    CHECK(d, NT_SUCCESS(WdfDeviceQueryProperty(d, DevicePropertyHardwareID, 0, NULL, &length)) || length > 4);
    WdfDeviceSetBusInformationForChildren(d, &information);
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&idle, IdleCannotWakeFromS0);
    idle.IdleTimeout = 1000;
    idle.DxState = PowerDeviceD3;
    CHECK(d, WdfDeviceAssignS0IdleSettings(d, &idle) == STATUS_SUCCESS);
    idle.Size = 1;
    CHECK(d, WdfDeviceAssignS0IdleSettings(d, &idle) == STATUS_INFO_LENGTH_MISMATCH);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchSequential);
    queue.EvtIoDeviceControl = Control;
    s = WdfIoQueueCreate(d, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    return NT_SUCCESS(s) ? WdfDeviceCreateSymbolicLink(d, &link) : s;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
