/* A bus whose child can wake it from D2 and the system from S3: wake is enabled ('B') and disabled ('b') at the bus, and indicated on request. */
#include <initguid.h>
#include <ntddk.h>
#include <wdf.h>
#include <wmistr.h>
#include "codes.h"
#include "wake_interface.h"

DEFINE_GUID(IdleSwitch, 0x827c0a6f, 0xfeb0, 0x11d0, 0xbd, 0x26, 0x00, 0xaa, 0x00, 0xb7, 0xb3, 0x2a);
DEFINE_GUID(WakeSwitch, 0xa9546a82, 0xfeb0, 0x11d0, 0xbd, 0x26, 0x00, 0xaa, 0x00, 0xb7, 0xb3, 0x2a);

typedef struct _BUS {
    WAKE_LOG Log;
    BOOLEAN Fails, WakesAsleep;
} BUS, *PBUS;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(BUS, BusOf)

typedef struct _ID {
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Header;
    ULONG Serial;
} ID;

static NTSTATUS EnableWake(WDFDEVICE Child, SYSTEM_POWER_STATE State)
{
    PBUS b = BusOf(WdfPdoGetParent(Child));
    Note(&b->Log, 'B');
    BOOLEAN fails = b->Fails;
    b->Fails = FALSE;
    return fails ? STATUS_IO_DEVICE_ERROR : STATUS_SUCCESS;
}

static VOID DisableWake(WDFDEVICE Child)
{
    Note(&BusOf(WdfPdoGetParent(Child))->Log, 'b');
}

static VOID Reference(PVOID Context)
{
}

static NTSTATUS CreateChild(WDFCHILDLIST List, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Header, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(id, L"LAB\\KmdfWakes");
    DECLARE_CONST_UNICODE_STRING(instance, L"0");
    WDF_PDO_EVENT_CALLBACKS events;
    WDF_DEVICE_POWER_CAPABILITIES power;
    WDF_DEVICE_PNP_CAPABILITIES pnp;
    WDF_QUERY_INTERFACE_CONFIG config;
    WAKE_INTERFACE lent = { { sizeof lent, 1, NULL, Reference, Reference }, &BusOf(WdfChildListGetDevice(List))->Log };
    WDFDEVICE child;
    WDF_PDO_EVENT_CALLBACKS_INIT(&events);
    events.EvtDeviceEnableWakeAtBus = EnableWake;
    events.EvtDeviceDisableWakeAtBus = DisableWake;
    WdfPdoInitSetEventCallbacks(Init, &events);
    WdfPdoInitAssignDeviceID(Init, &id);
    WdfPdoInitAddHardwareID(Init, &id);
    WdfPdoInitAssignInstanceID(Init, &instance);
    NTSTATUS s = WdfDeviceCreate(&Init, WDF_NO_OBJECT_ATTRIBUTES, &child);
    if (!NT_SUCCESS(s))
        return s;
    WDF_DEVICE_POWER_CAPABILITIES_INIT(&power);
    power.DeviceD1 = power.DeviceD2 = power.WakeFromD1 = power.WakeFromD2 = WdfTrue;
    power.DeviceState[PowerSystemWorking] = PowerDeviceD0;
    power.DeviceWake = PowerDeviceD2;
    power.SystemWake = PowerSystemSleeping3;
    WdfDeviceSetPowerCapabilities(child, &power);
    WDF_DEVICE_PNP_CAPABILITIES_INIT(&pnp);
    pnp.Removable = pnp.SurpriseRemovalOK = pnp.UniqueID = WdfTrue;
    WdfDeviceSetPnpCapabilities(child, &pnp);
    WDF_QUERY_INTERFACE_CONFIG_INIT(&config, &lent.Header, &WakeInterfaceGuid, NULL);
    return WdfDeviceAddQueryInterface(child, &config);
}

static VOID Plug(WDFDEVICE Bus, BOOLEAN In)
{
    ID id;
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(&id.Header, sizeof id);
    id.Serial = 1;
    if (In)
        WdfChildListAddOrUpdateChildDescriptionAsPresent(WdfFdoGetDefaultChildList(Bus), &id.Header, NULL);
    else
        WdfChildListUpdateChildDescriptionAsMissing(WdfFdoGetDefaultChildList(Bus), &id.Header);
}

static WDFDEVICE ChildOf(WDFDEVICE Bus)
{
    ID id;
    WDF_CHILD_RETRIEVE_INFO info;
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(&id.Header, sizeof id);
    id.Serial = 1;
    WDF_CHILD_RETRIEVE_INFO_INIT(&info, &id.Header);
    return WdfChildListRetrievePdo(WdfFdoGetDefaultChildList(Bus), &info);
}

/* The system sleeps: this comes after the child. */
static NTSTATUS Exit(WDFDEVICE Bus, WDF_POWER_DEVICE_STATE To)
{
    if (To != WdfPowerDeviceD3Final && BusOf(Bus)->WakesAsleep) {
        BusOf(Bus)->WakesAsleep = FALSE;
        if (!NT_SUCCESS(WdfDeviceIndicateWakeStatus(ChildOf(Bus), STATUS_SUCCESS)))
            Note(&BusOf(Bus)->Log, '!');
    }
    return STATUS_SUCCESS;
}

/* The switch of the Device Manager, as WMI has it. */
static ULONG Switch(ULONG What)
{
    GUID guid = What == 0 || What == 1 || What == 4 ? IdleSwitch : WakeSwitch;
    struct {
        WNODE_ALL_DATA All;
        UCHAR Room[300];
    } data;
    PVOID block;
    ULONG size = sizeof data, result = 0xDEAD;
    BOOLEAN on = What & 1;
    NTSTATUS s = IoWMIOpenBlock(&guid, WMIGUID_QUERY | WMIGUID_SET, &block);
    if (!NT_SUCCESS(s))
        return result;
    s = IoWMIQueryAllData(block, &size, &data);
    if (NT_SUCCESS(s) && data.All.InstanceCount == 1 && What < 4) {
        WCHAR *name = (WCHAR *)((PUCHAR)&data + *(PULONG)((PUCHAR)&data + data.All.OffsetInstanceNameOffsets));
        UNICODE_STRING instance = { name[0], name[0], name + 1 };
        s = IoWMISetSingleInstance(block, &instance, 1, sizeof on, &on);
        if (NT_SUCCESS(s))
            result = on;
    } else if (NT_SUCCESS(s) && data.All.InstanceCount == 1) {
        ULONG at = data.All.WnodeHeader.Flags & WNODE_FLAG_FIXED_INSTANCE_SIZE ? data.All.DataBlockOffset : data.All.OffsetInstanceDataAndLength[0].OffsetInstanceData;
        result = *((PUCHAR)&data + at);
    }
    ObDereferenceObject(block);
    return result;
}

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    WDFDEVICE bus = WdfIoQueueGetDevice(Queue), device;
    PBUS b = BusOf(bus);
    PVOID out = NULL;
    PULONG in = NULL;
    ULONG value = 0;
    size_t n = 0;
    KIRQL irql;
    if (Out)
        WdfRequestRetrieveOutputBuffer(Request, sizeof(ULONG), &out, NULL);
    if (In && NT_SUCCESS(WdfRequestRetrieveInputBuffer(Request, sizeof(ULONG), (PVOID *)&in, NULL)))
        value = *in;
    switch (Code) {
    case IOCTL_LOG:
        KeAcquireSpinLock(&b->Log.Lock, &irql);
        n = min(Out, b->Log.Used);
        RtlCopyMemory(out, b->Log.Text, n);
        b->Log.Used = 0;
        KeReleaseSpinLock(&b->Log.Lock, irql);
        break;
    case IOCTL_INDICATE:
    case IOCTL_INDICATE_BUS:
        device = Code == IOCTL_INDICATE ? ChildOf(bus) : bus;
        *(PULONG)out = (ULONG)(device ? WdfDeviceIndicateWakeStatus(device, (NTSTATUS)value) : STATUS_NO_SUCH_DEVICE);
        n = sizeof(ULONG);
        break;
    case IOCTL_WMI:
        *(PULONG)out = Switch(value);
        n = sizeof(ULONG);
        break;
    case IOCTL_BUS_FAILS:
        b->Fails = value != 0;
        break;
    case IOCTL_WAKES_ASLEEP:
        b->WakesAsleep = value != 0;
        break;
    case IOCTL_PLUG:
    case IOCTL_UNPLUG:
        Plug(bus, Code == IOCTL_PLUG);
        break;
    }
    WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, n);
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfWakeBus");
    WDF_PNPPOWER_EVENT_CALLBACKS events;
    WDF_CHILD_LIST_CONFIG children;
    WDF_OBJECT_ATTRIBUTES a;
    WDF_IO_QUEUE_CONFIG queue;
    WDFDEVICE d;
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&events);
    events.EvtDeviceD0Exit = Exit;
    WdfDeviceInitSetPnpPowerEventCallbacks(Init, &events);
    WDF_CHILD_LIST_CONFIG_INIT(&children, sizeof(ID), CreateChild);
    WdfFdoInitSetDefaultChildListConfig(Init, &children, WDF_NO_OBJECT_ATTRIBUTES);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, BUS);
    NTSTATUS s = WdfDeviceCreate(&Init, &a, &d);
    if (!NT_SUCCESS(s))
        return s;
    KeInitializeSpinLock(&BusOf(d)->Log.Lock);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = Control;
    queue.PowerManaged = WdfFalse;
    s = WdfIoQueueCreate(d, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    Plug(d, TRUE);
    return NT_SUCCESS(s) ? WdfDeviceCreateSymbolicLink(d, &link) : s;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
