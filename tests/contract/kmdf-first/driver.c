/* What drivers set up most often, by its effects: what plug and play is told of a child (identities, texts, capabilities, bus, state), what a
 * device object becomes (transfer type, characteristics, type, exclusiveness, name), and what a request gives back. */
#include <ntddk.h>
#include <wdf.h>
#include <wdmsec.h>
#include "codes.h"

typedef struct _DEV {
    ULONG Failed;
    WDFDEVICE Child;
} DEV, *PDEV;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(DEV, DevOf)

static const GUID BusGuid = {0x8c8b3b0e, 0x6a4d, 0x4f13, {0x9e, 0x1c, 0x2b, 0x77, 0x51, 0x0d, 0x6e, 0x21}};
static const GUID ClassGuid = {0x8c8b3b0e, 0x6a4d, 0x4f13, {0x9e, 0x1c, 0x2b, 0x77, 0x51, 0x0d, 0x6e, 0x22}};
enum { ENGLISH = 0x409, GERMAN = 0x407, FRENCH = 0x40C, TAG = '1tsf' };

static VOID Check(PDEV d, BOOLEAN Good, ULONG Line)
{
    if (!Good) {
        d->Failed++;
        DbgPrint("kmdf-first: check of line %d failed\n", Line);
    }
}
#define CHECK(d, x) Check(d, (x) != 0, __LINE__)

/* ---- the child, as its bus describes it ---- */

static NTSTATUS Describe(PDEV d, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(device, L"LAB\\KmdfFirstChild");
    DECLARE_CONST_UNICODE_STRING(first, L"LAB\\KmdfFirstChild_A");
    DECLARE_CONST_UNICODE_STRING(second, L"LAB\\KmdfFirstChild_B");
    DECLARE_CONST_UNICODE_STRING(compatible, L"LAB\\Anything");
    DECLARE_CONST_UNICODE_STRING(other, L"LAB\\AnythingElse");
    DECLARE_CONST_UNICODE_STRING(instance, L"07");
    DECLARE_CONST_UNICODE_STRING(english, L"First child");
    DECLARE_CONST_UNICODE_STRING(slot, L"Slot 7");
    DECLARE_CONST_UNICODE_STRING(german, L"Erstes Kind");
    DECLARE_CONST_UNICODE_STRING(place, L"Steckplatz 7");
    DECLARE_CONST_UNICODE_STRING(container, L"{8c8b3b0e-6a4d-4f13-9e1c-2b77510d6e30}");
    CHECK(d, WdfPdoInitAssignDeviceID(Init, &device) == STATUS_SUCCESS && WdfPdoInitAssignInstanceID(Init, &instance) == STATUS_SUCCESS);
    CHECK(d, WdfPdoInitAddHardwareID(Init, &first) == STATUS_SUCCESS && WdfPdoInitAddHardwareID(Init, &second) == STATUS_SUCCESS);
    CHECK(d, WdfPdoInitAddCompatibleID(Init, &compatible) == STATUS_SUCCESS && WdfPdoInitAddCompatibleID(Init, &other) == STATUS_SUCCESS);
    CHECK(d, WdfPdoInitAddDeviceText(Init, &german, &place, GERMAN) == STATUS_SUCCESS);
    CHECK(d, WdfPdoInitAddDeviceText(Init, &english, &slot, ENGLISH) == STATUS_SUCCESS);
    WdfPdoInitSetDefaultLocale(Init, ENGLISH);
    CHECK(d, WdfPdoInitAssignContainerID(Init, &container) == STATUS_SUCCESS);
    CHECK(d, WdfDeviceInitAssignSDDLString(Init, &SDDL_DEVOBJ_SYS_ALL_ADM_ALL) == STATUS_SUCCESS);
    return WdfPdoInitAssignRawDevice(Init, &ClassGuid);
}

static VOID SetCapabilities(WDFDEVICE Child)
{
    WDF_DEVICE_PNP_CAPABILITIES pnp;
    WDF_DEVICE_POWER_CAPABILITIES power;
    WDF_DEVICE_STATE state;
    WDF_DEVICE_PNP_CAPABILITIES_INIT(&pnp);
    pnp.Removable = WdfTrue;
    pnp.SurpriseRemovalOK = WdfTrue;
    pnp.NoDisplayInUI = WdfTrue;
    pnp.UniqueID = WdfFalse;
    pnp.Address = 7;
    pnp.UINumber = 9;
    WdfDeviceSetPnpCapabilities(Child, &pnp);
    WDF_DEVICE_POWER_CAPABILITIES_INIT(&power);
    power.DeviceD1 = WdfTrue;
    power.WakeFromD1 = WdfTrue;
    power.DeviceState[PowerSystemWorking] = PowerDeviceD0;
    power.DeviceState[PowerSystemSleeping1] = PowerDeviceD1;
    power.DeviceState[PowerSystemSleeping3] = PowerDeviceD3;
    power.DeviceWake = PowerDeviceD1;
    power.SystemWake = PowerSystemSleeping1;
    power.D1Latency = 11;
    power.D3Latency = 33;
    WdfDeviceSetPowerCapabilities(Child, &power);
    WDF_DEVICE_STATE_INIT(&state);
    state.NotDisableable = WdfTrue;
    WdfDeviceSetDeviceState(Child, &state);
}

static NTSTATUS AddChild(WDFDEVICE Bus)
{
    PDEV d = DevOf(Bus);
    PWDFDEVICE_INIT init = WdfPdoInitAllocate(Bus);
    if (!init)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS s = Describe(d, init);
    if (NT_SUCCESS(s))
        s = WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &d->Child);
    if (!NT_SUCCESS(s)) {
        if (init)
            WdfDeviceInitFree(init);
        return s;
    }
    CHECK(d, init == NULL);
    CHECK(d, WdfPdoGetParent(d->Child) == Bus);
    SetCapabilities(d->Child);
    return WdfFdoAddStaticChild(Bus, d->Child);
}

/* ---- the child, as plug and play sees it ---- */

static IO_COMPLETION_ROUTINE Woken;
static NTSTATUS Woken(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Done)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS Query(PDEVICE_OBJECT Pdo, const IO_STACK_LOCATION *What, ULONG_PTR *Given)
{
    KEVENT done;
    PIRP irp = IoAllocateIrp(Pdo->StackSize, FALSE);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    PIO_STACK_LOCATION stack = IoGetNextIrpStackLocation(irp);
    stack->MajorFunction = IRP_MJ_PNP;
    stack->MinorFunction = What->MinorFunction;
    stack->Parameters = What->Parameters;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoSetCompletionRoutine(irp, Woken, &done, TRUE, TRUE, TRUE);
    IoCallDriver(Pdo, irp);
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    NTSTATUS s = irp->IoStatus.Status;
    *Given = irp->IoStatus.Information;
    IoFreeIrp(irp);
    return s;
}

static BOOLEAN TextIs(PDEVICE_OBJECT Pdo, DEVICE_TEXT_TYPE Type, LCID Locale, PCWSTR Wanted)
{
    IO_STACK_LOCATION what = {.MinorFunction = IRP_MN_QUERY_DEVICE_TEXT};
    ULONG_PTR text = 0;
    what.Parameters.QueryDeviceText.DeviceTextType = Type;
    what.Parameters.QueryDeviceText.LocaleId = Locale;
    if (Query(Pdo, &what, &text) != STATUS_SUCCESS || !text)
        return FALSE;
    BOOLEAN same = !wcscmp((PCWSTR)text, Wanted);
    ExFreePool((PVOID)text);
    return same;
}

static BOOLEAN IdIs(PDEVICE_OBJECT Pdo, BUS_QUERY_ID_TYPE Type, const VOID *Wanted, SIZE_T Bytes)
{
    IO_STACK_LOCATION what = {.MinorFunction = IRP_MN_QUERY_ID};
    ULONG_PTR id = 0;
    what.Parameters.QueryId.IdType = Type;
    if (Query(Pdo, &what, &id) != STATUS_SUCCESS || !id)
        return FALSE;
    BOOLEAN same = RtlCompareMemory((PVOID)id, Wanted, Bytes) == Bytes;
    ExFreePool((PVOID)id);
    return same;
}

static VOID LookAtCapabilities(PDEV d, PDEVICE_OBJECT Pdo)
{
    DEVICE_CAPABILITIES c = {.Size = sizeof c, .Version = 1, .Address = ~0u, .UINumber = ~0u};
    IO_STACK_LOCATION what = {.MinorFunction = IRP_MN_QUERY_CAPABILITIES};
    ULONG_PTR given;
    what.Parameters.DeviceCapabilities.Capabilities = &c;
    CHECK(d, Query(Pdo, &what, &given) == STATUS_SUCCESS);
    CHECK(d, c.Removable && c.SurpriseRemovalOK && c.NoDisplayInUI && !c.UniqueID && !c.EjectSupported && !c.LockSupported && !c.DockDevice);
    CHECK(d, c.RawDeviceOK && c.Address == 7 && c.UINumber == 9);
    CHECK(d, c.DeviceD1 && !c.DeviceD2 && c.WakeFromD1 && !c.WakeFromD0 && !c.WakeFromD3);
    CHECK(d, c.DeviceState[PowerSystemWorking] == PowerDeviceD0 && c.DeviceState[PowerSystemSleeping1] == PowerDeviceD1 && c.DeviceState[PowerSystemSleeping3] == PowerDeviceD3);
    CHECK(d, c.DeviceWake == PowerDeviceD1 && c.SystemWake == PowerSystemSleeping1);
    CHECK(d, c.D1Latency == 11 && c.D2Latency == 0 && c.D3Latency == 33);
}

static BOOLEAN PropertyIs(PDEVICE_OBJECT Pdo, DEVICE_REGISTRY_PROPERTY Property, const VOID *Wanted, ULONG Bytes)
{
    UCHAR is[200];
    ULONG length = 0;
    return IoGetDeviceProperty(Pdo, Property, sizeof is, is, &length) == STATUS_SUCCESS && length == Bytes && RtlCompareMemory(is, Wanted, Bytes) == Bytes;
}

static VOID LookAtChild(PDEV d)
{
    static const WCHAR hardware[] = L"LAB\\KmdfFirstChild_A\0LAB\\KmdfFirstChild_B\0", compatible[] = L"LAB\\Anything\0LAB\\AnythingElse\0";
    PDEVICE_OBJECT pdo = WdfDeviceWdmGetDeviceObject(d->Child);
    IO_STACK_LOCATION what = {.MinorFunction = IRP_MN_QUERY_PNP_DEVICE_STATE};
    ULONG_PTR state = 0;
    ULONG bus = 5, legacy = PNPBus, address = 7, number = 9;
    CHECK(d, TextIs(pdo, DeviceTextDescription, ENGLISH, L"First child") && TextIs(pdo, DeviceTextLocationInformation, ENGLISH, L"Slot 7"));
    CHECK(d, TextIs(pdo, DeviceTextDescription, GERMAN, L"Erstes Kind") && TextIs(pdo, DeviceTextLocationInformation, GERMAN, L"Steckplatz 7"));
    CHECK(d, TextIs(pdo, DeviceTextDescription, FRENCH, L"First child")); /* the default's */
    CHECK(d, IdIs(pdo, BusQueryInstanceID, L"07", sizeof L"07"));
    CHECK(d, IdIs(pdo, BusQueryDeviceID, L"LAB\\KmdfFirstChild", sizeof L"LAB\\KmdfFirstChild"));
    CHECK(d, IdIs(pdo, BusQueryHardwareIDs, hardware, sizeof hardware) && IdIs(pdo, BusQueryCompatibleIDs, compatible, sizeof compatible));
    CHECK(d, IdIs(pdo, BusQueryContainerID, L"{8c8b3b0e-6a4d-4f13-9e1c-2b77510d6e30}", sizeof L"{8c8b3b0e-6a4d-4f13-9e1c-2b77510d6e30}"));
    LookAtCapabilities(d, pdo);
    CHECK(d, Query(pdo, &what, &state) == STATUS_SUCCESS && state == PNP_DEVICE_NOT_DISABLEABLE);
    CHECK(d, PropertyIs(pdo, DevicePropertyHardwareID, hardware, sizeof hardware));
    CHECK(d, PropertyIs(pdo, DevicePropertyCompatibleIDs, compatible, sizeof compatible));
    CHECK(d, PropertyIs(pdo, DevicePropertyLocationInformation, L"Slot 7", sizeof L"Slot 7"));
    CHECK(d, PropertyIs(pdo, DevicePropertyEnumeratorName, L"LAB", sizeof L"LAB"));
    CHECK(d, PropertyIs(pdo, DevicePropertyBusTypeGuid, &BusGuid, sizeof BusGuid));
    CHECK(d, PropertyIs(pdo, DevicePropertyLegacyBusType, &legacy, sizeof legacy) && PropertyIs(pdo, DevicePropertyBusNumber, &bus, sizeof bus));
    CHECK(d, PropertyIs(pdo, DevicePropertyAddress, &address, sizeof address) && PropertyIs(pdo, DevicePropertyUINumber, &number, sizeof number));
}

/* ---- the bus's own properties ---- */

static VOID LookAtProperties(PDEV d, WDFDEVICE Device)
{
    WDF_OBJECT_ATTRIBUTES a;
    WDFMEMORY memory;
    WCHAR text[64];
    ULONG length = 0;
    size_t size = 0;
    CHECK(d, WdfDeviceQueryProperty(Device, DevicePropertyHardwareID, 2, text, &length) == STATUS_BUFFER_TOO_SMALL && length > 4 && length <= sizeof text);
    CHECK(d, WdfDeviceQueryProperty(Device, DevicePropertyHardwareID, sizeof text, text, &length) == STATUS_SUCCESS);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = Device;
    CHECK(d, WdfDeviceAllocAndQueryProperty(Device, DevicePropertyHardwareID, NonPagedPoolNx, &a, &memory) == STATUS_SUCCESS);
    PVOID at = WdfMemoryGetBuffer(memory, &size);
    CHECK(d, size == length && RtlCompareMemory(at, text, length) == length);
    WdfObjectDelete(memory);
    CHECK(d, !_wcsicmp(text, L"LAB\\KmdfFirst"));
    CHECK(d, !NT_SUCCESS(WdfDeviceAllocAndQueryProperty(Device, DevicePropertyLegacyBusType + 0x1000, PagedPool, WDF_NO_OBJECT_ATTRIBUTES, &memory)));
}

/* ---- what a device object becomes ---- */

typedef struct _KIND {
    WDF_DEVICE_IO_TYPE Type;
    ULONG Flag;
} KIND;

static NTSTATUS MakeControl(PCUNICODE_STRING Name, const KIND *Kind, BOOLEAN Exclusive, WDFDEVICE *Device)
{
    PWDFDEVICE_INIT init = WdfControlDeviceInitAllocate(WdfGetDriver(), &SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_RWX_RES_RWX);
    if (!init)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS s = WdfDeviceInitAssignName(init, Name);
    WdfDeviceInitSetIoType(init, Kind->Type);
    WdfDeviceInitSetExclusive(init, Exclusive);
    WdfDeviceInitSetDeviceType(init, FILE_DEVICE_PARALLEL_PORT);
    WdfDeviceInitSetCharacteristics(init, FILE_REMOVABLE_MEDIA | FILE_FLOPPY_DISKETTE, FALSE);
    WdfDeviceInitSetCharacteristics(init, FILE_READ_ONLY_DEVICE, TRUE);
    if (NT_SUCCESS(s))
        s = WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, Device);
    if (!NT_SUCCESS(s))
        WdfDeviceInitFree(init);
    return s;
}

static VOID LookAtControlDevices(PDEV d)
{
    static const KIND kinds[] = {{WdfDeviceIoBuffered, DO_BUFFERED_IO}, {WdfDeviceIoDirect, DO_DIRECT_IO}, {WdfDeviceIoNeither, 0}};
    DECLARE_CONST_UNICODE_STRING(name, L"\\Device\\KmdfFirstPlain");
    WDFDEVICE device, again;
    for (ULONG i = 0; i < RTL_NUMBER_OF(kinds); i++) {
        NTSTATUS s = MakeControl(&name, &kinds[i], FALSE, &device);
        CHECK(d, s == STATUS_SUCCESS);
        if (!NT_SUCCESS(s))
            return;
        PDEVICE_OBJECT o = WdfDeviceWdmGetDeviceObject(device);
        CHECK(d, (o->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO)) == kinds[i].Flag && !(o->Flags & DO_EXCLUSIVE));
        CHECK(d, o->DeviceType == FILE_DEVICE_PARALLEL_PORT);
        CHECK(d, (o->Characteristics & (FILE_REMOVABLE_MEDIA | FILE_FLOPPY_DISKETTE | FILE_READ_ONLY_DEVICE)) ==
                     (FILE_REMOVABLE_MEDIA | FILE_FLOPPY_DISKETTE | FILE_READ_ONLY_DEVICE));
        CHECK(d, WdfDeviceGetCharacteristics(device) == o->Characteristics);
        WdfDeviceSetCharacteristics(device, FILE_WRITE_ONCE_MEDIA);
        CHECK(d, o->Characteristics == FILE_WRITE_ONCE_MEDIA);
        CHECK(d, (o->Flags & DO_DEVICE_INITIALIZING) != 0);
        WdfControlFinishInitializing(device);
        CHECK(d, !(o->Flags & DO_DEVICE_INITIALIZING));
        CHECK(d, MakeControl(&name, &kinds[i], FALSE, &again) == STATUS_OBJECT_NAME_COLLISION);
        WdfObjectDelete(device);
    }
}

static NTSTATUS MakeExclusive(VOID)
{
    static const KIND buffered = {WdfDeviceIoBuffered, DO_BUFFERED_IO};
    DECLARE_CONST_UNICODE_STRING(name, L"\\Device\\KmdfFirstExclusive");
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfFirstExclusive");
    WDFDEVICE device;
    NTSTATUS s = MakeControl(&name, &buffered, TRUE, &device);
    if (NT_SUCCESS(s))
        s = WdfDeviceCreateSymbolicLink(device, &link);
    if (NT_SUCCESS(s))
        WdfControlFinishInitializing(device);
    return s;
}

/* ---- requests ---- */

static VOID Mdls(PDEV d, WDFREQUEST Request, size_t In)
{
    PMDL in, out;
    NTSTATUS s = WdfRequestRetrieveInputWdmMdl(Request, &in);
    if (In) {
        CHECK(d, s == STATUS_SUCCESS && MmGetMdlByteCount(in) == 4);
        CHECK(d, *(PULONG)MmGetSystemAddressForMdlSafe(in, NormalPagePriority) == 0x5EED);
    } else
        CHECK(d, s == STATUS_BUFFER_TOO_SMALL);
    CHECK(d, WdfRequestRetrieveOutputWdmMdl(Request, &out) == STATUS_SUCCESS && MmGetMdlByteCount(out) == 4);
}

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    WDFDEVICE device = WdfIoQueueGetDevice(Queue);
    PDEV d = DevOf(device);
    PULONG out;
    UNREFERENCED_PARAMETER(Out);
    NTSTATUS s = WdfRequestRetrieveOutputBuffer(Request, 4, (PVOID *)&out, NULL);
    if (!NT_SUCCESS(s)) {
        WdfRequestComplete(Request, s);
        return;
    }
    switch (Code) {
    case IOCTL_CHILD:
        LookAtChild(d);
        break;
    case IOCTL_PROPERTIES:
        LookAtProperties(d, device);
        break;
    case IOCTL_CONTROL_DEVICES:
        LookAtControlDevices(d);
        break;
    case IOCTL_MDLS:
        Mdls(d, Request, In);
        break;
    }
    *out = d->Failed;
    WdfRequestSetInformation(Request, Code == IOCTL_INFORMATION ? 3 : 4);
    CHECK(d, WdfRequestGetInformation(Request) == (Code == IOCTL_INFORMATION ? 3 : 4));
    WdfRequestComplete(Request, STATUS_SUCCESS);
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfFirst");
    PNP_BUS_INFORMATION bus = {BusGuid, PNPBus, 5};
    WDF_OBJECT_ATTRIBUTES a;
    WDF_IO_QUEUE_CONFIG queue;
    WDFDEVICE device;
    UNREFERENCED_PARAMETER(Driver);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, DEV);
    NTSTATUS s = WdfDeviceCreate(&Init, &a, &device);
    if (!NT_SUCCESS(s))
        return s;
    WdfDeviceSetBusInformationForChildren(device, &bus);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = Control;
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ExecutionLevel = WdfExecutionLevelPassive;
    s = WdfIoQueueCreate(device, &queue, &a, WDF_NO_HANDLE);
    if (NT_SUCCESS(s))
        s = AddChild(device);
    if (NT_SUCCESS(s))
        s = MakeExclusive();
    return NT_SUCCESS(s) ? WdfDeviceCreateSymbolicLink(device, &link) : s;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
