/* Child lists of a driver's own: scans, addresses, ejection, what children answer for resources; and what a device says and asks of itself. */
#include <initguid.h>
#include <ntddk.h>
#include <wdf.h>
#include <ntstrsafe.h>
#include "codes.h"

typedef struct _BUS {
    ULONG Failed, Scans, Ejected, Locked, Asked, Programmed;
    WDFCHILDLIST List;
    WDFQUEUE Kept;
    WDFDMAENABLER Enabler;
    WDFIOTARGET Target;
    ULONG Called;
    BOOLEAN Refuses;
} BUS, *PBUS;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(BUS, BusOf)

typedef struct _ID {
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Header;
    ULONG Serial;
} ID;
typedef struct _ADDRESS {
    WDF_CHILD_ADDRESS_DESCRIPTION_HEADER Header;
    ULONG Port;
} ADDRESS;

static const GUID Class = { 0x8c8b3b0e, 0x6a4d, 0x4f13, { 0x9e, 0x1c, 0x2b, 0x77, 0x51, 0x0d, 0x6e, 0x41 } };
static const GUID OwnInterface = { 0x8c8b3b0e, 0x6a4d, 0x4f13, { 0x9e, 0x1c, 0x2b, 0x77, 0x51, 0x0d, 0x6e, 0x42 } };
static const DEVPROPKEY OwnKey = { { 0x8c8b3b0e, 0x6a4d, 0x4f13, { 0x9e, 0x1c, 0x2b, 0x77, 0x51, 0x0d, 0x6e, 0x43 } }, 2 };

static VOID Check(WDFDEVICE Device, BOOLEAN Good, ULONG Line)
{
    if (!Good) {
        BusOf(Device)->Failed++;
        DbgPrint("kmdf-children: check of line %d failed\n", Line);
    }
}
#define CHECK(d, x) Check(d, (x) != 0, __LINE__)

/* ---- children ---- */

static NTSTATUS Resources(WDFDEVICE Child, WDFCMRESLIST List)
{
    WDFDEVICE bus = WdfPdoGetParent(Child);
    BusOf(bus)->Asked |= 1;
    CHECK(bus, WdfCmResourceListGetCount(List) == 0);
    return STATUS_SUCCESS;
}

static NTSTATUS Requirements(WDFDEVICE Child, WDFIORESREQLIST List)
{
    WDFDEVICE bus = WdfPdoGetParent(Child);
    IO_RESOURCE_DESCRIPTOR r;
    WDFIORESLIST one;
    BusOf(bus)->Asked |= 2;
    RtlZeroMemory(&r, sizeof r);
    r.Type = CmResourceTypePort;
    r.Flags = CM_RESOURCE_PORT_IO;
    r.u.Port.Length = r.u.Port.Alignment = 8;
    r.u.Port.MinimumAddress.QuadPart = 0x7000;
    r.u.Port.MaximumAddress.QuadPart = 0x7FFF;
    CHECK(bus, WdfIoResourceListCreate(List, WDF_NO_OBJECT_ATTRIBUTES, &one) == STATUS_SUCCESS);
    CHECK(bus, WdfIoResourceListAppendDescriptor(one, &r) == STATUS_SUCCESS && WdfIoResourceListAppendDescriptor(one, &r) == STATUS_SUCCESS);
    WdfIoResourceListRemove(one, 1);
    return WdfIoResourceRequirementsListAppendIoResList(List, one);
}

static NTSTATUS ChildPrepare(WDFDEVICE Child, WDFCMRESLIST Raw, WDFCMRESLIST Translated)
{
    WDFDEVICE bus = WdfPdoGetParent(Child);
    CHECK(bus, BusOf(bus)->Asked == 3 && WdfCmResourceListGetCount(Raw) == 1 && WdfCmResourceListGetDescriptor(Raw, 0)->Type == CmResourceTypePort);
    CHECK(bus, WdfCmResourceListGetCount(Translated) == 1);
    return STATUS_SUCCESS;
}

static NTSTATUS Eject(WDFDEVICE Child)
{
    BusOf(WdfPdoGetParent(Child))->Ejected++;
    return STATUS_SUCCESS;
}

static NTSTATUS CreateChild(WDFCHILDLIST List, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Header, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(id, L"LAB\\KmdfListed");
    DECLARE_UNICODE_STRING_SIZE(instance, 16);
    DECLARE_UNICODE_STRING_SIZE(link, 64);
    WDFDEVICE bus = WdfChildListGetDevice(List), child;
    ULONG serial = CONTAINING_RECORD(Header, ID, Header)->Serial;
    WDF_PDO_EVENT_CALLBACKS pdo;
    WDF_PNPPOWER_EVENT_CALLBACKS pnp;
    WDF_DEVICE_PNP_CAPABILITIES capabilities;
    RtlUnicodeStringPrintf(&instance, L"%02d", serial);
    RtlUnicodeStringPrintf(&link, L"\\DosDevices\\KmdfListed%d", serial);
    WDF_PDO_EVENT_CALLBACKS_INIT(&pdo);
    pdo.EvtDeviceResourcesQuery = Resources;
    pdo.EvtDeviceResourceRequirementsQuery = Requirements;
    pdo.EvtDeviceEject = Eject;
    WdfPdoInitSetEventCallbacks(Init, &pdo);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&pnp);
    pnp.EvtDevicePrepareHardware = ChildPrepare;
    WdfDeviceInitSetPnpPowerEventCallbacks(Init, &pnp);
    WdfPdoInitRemovePowerDependencyOnParent(Init);
    NTSTATUS s = WdfPdoInitAssignDeviceID(Init, &id);
    if (NT_SUCCESS(s))
        s = WdfPdoInitAssignInstanceID(Init, &instance);
    if (NT_SUCCESS(s))
        s = WdfPdoInitAssignRawDevice(Init, &Class);
    if (NT_SUCCESS(s))
        s = WdfDeviceCreate(&Init, WDF_NO_OBJECT_ATTRIBUTES, &child);
    CHECK(bus, NT_SUCCESS(s));
    if (!NT_SUCCESS(s))
        return s;
    WDF_DEVICE_PNP_CAPABILITIES_INIT(&capabilities);
    capabilities.EjectSupported = capabilities.Removable = capabilities.UniqueID = WdfTrue;
    WdfDeviceSetPnpCapabilities(child, &capabilities);
    PDEVICE_OBJECT o = WdfDeviceWdmGetPhysicalDevice(bus);
    CHECK(bus, WdfPdoAddEjectionRelationsPhysicalDevice(child, o) == STATUS_SUCCESS);
    WdfPdoRemoveEjectionRelationsPhysicalDevice(child, o);
    CHECK(bus, WdfPdoAddEjectionRelationsPhysicalDevice(child, o) == STATUS_SUCCESS);
    WdfPdoClearEjectionRelationsDevices(child);
    return WdfDeviceCreateSymbolicLink(child, &link);
}

static NTSTATUS Present(WDFCHILDLIST List, ULONG Serial)
{
    ID id;
    ADDRESS address;
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(&id.Header, sizeof id);
    WDF_CHILD_ADDRESS_DESCRIPTION_HEADER_INIT(&address.Header, sizeof address);
    id.Serial = Serial;
    address.Port = 100 + Serial;
    return WdfChildListAddOrUpdateChildDescriptionAsPresent(List, &id.Header, &address.Header);
}

/* On the way to D0. */
static VOID ScanForChildren(WDFCHILDLIST List)
{
    WDFDEVICE bus = WdfChildListGetDevice(List);
    if (BusOf(bus)->Scans++ == 0)
        CHECK(bus, Present(List, 0) == STATUS_SUCCESS);
}

static VOID Scan(WDFDEVICE d, ULONG Which)
{
    WDFCHILDLIST list = BusOf(d)->List;
    WdfChildListBeginScan(list);
    if (Which & 16)
        WdfChildListUpdateAllChildDescriptionsAsPresent(list);
    for (ULONG i = 0; i < 4; i++)
        if (Which & 1 << i)
            CHECK(d, NT_SUCCESS(Present(list, i)) || Present(list, i) == STATUS_OBJECT_NAME_EXISTS);
    WdfChildListEndScan(list);
}

static WDFDEVICE Find(WDFDEVICE d, ULONG Serial, PULONG Port)
{
    WDF_CHILD_RETRIEVE_INFO info;
    ID id;
    ADDRESS address;
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(&id.Header, sizeof id);
    WDF_CHILD_ADDRESS_DESCRIPTION_HEADER_INIT(&address.Header, sizeof address);
    id.Serial = Serial;
    address.Port = 0;
    WDF_CHILD_RETRIEVE_INFO_INIT(&info, &id.Header);
    info.AddressDescription = &address.Header;
    WDFDEVICE child = WdfChildListRetrievePdo(BusOf(d)->List, &info);
    CHECK(d, (child != NULL) == (info.Status == WdfChildListRetrieveDeviceSuccess));
    if (Port)
        *Port = address.Port;
    return child;
}

static VOID Addresses(WDFDEVICE d)
{
    ULONG port;
    ID id;
    ADDRESS address;
    WDFDEVICE child = Find(d, 2, &port);
    CHECK(d, child != NULL && port == 102 && Find(d, 1, NULL) == NULL);
    if (!child)
        return;
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(&id.Header, sizeof id);
    WDF_CHILD_ADDRESS_DESCRIPTION_HEADER_INIT(&address.Header, sizeof address);
    CHECK(d, WdfPdoRetrieveAddressDescription(child, &address.Header) == STATUS_SUCCESS && address.Port == 102);
    address.Port = 202;
    CHECK(d, WdfPdoUpdateAddressDescription(child, &address.Header) == STATUS_SUCCESS);
    address.Port = 0;
    id.Serial = 2;
    CHECK(d, WdfChildListRetrieveAddressDescription(BusOf(d)->List, &id.Header, &address.Header) == STATUS_SUCCESS && address.Port == 202);
    id.Serial = 1;
    CHECK(d, WdfChildListRetrieveAddressDescription(BusOf(d)->List, &id.Header, &address.Header) == STATUS_NO_SUCH_DEVICE);
}

static VOID Lists(WDFDEVICE d)
{
    WDF_CHILD_LIST_CONFIG c;
    WDFCHILDLIST bad;
    WDF_CHILD_LIST_CONFIG_INIT(&c, sizeof(ID), NULL);
    CHECK(d, WdfChildListCreate(d, &c, WDF_NO_OBJECT_ATTRIBUTES, &bad) == STATUS_INVALID_PARAMETER);
    WDF_CHILD_LIST_CONFIG_INIT(&c, sizeof(ID), CreateChild);
    c.EvtChildListScanForChildren = ScanForChildren;
    c.AddressDescriptionSize = sizeof(ADDRESS);
    CHECK(d, WdfChildListCreate(d, &c, WDF_NO_OBJECT_ATTRIBUTES, &BusOf(d)->List) == STATUS_SUCCESS);
    CHECK(d, WdfChildListGetDevice(BusOf(d)->List) == d && WdfFdoGetDefaultChildList(d) == NULL);
    c.Size = 1;
    CHECK(d, WdfChildListCreate(d, &c, WDF_NO_OBJECT_ATTRIBUTES, &bad) == STATUS_INFO_LENGTH_MISMATCH);
}

/* ---- the device ---- */

static VOID Properties(WDFDEVICE d)
{
    WDF_DEVICE_PROPERTY_DATA data;
    WDFMEMORY memory;
    DEVPROPTYPE type;
    ULONG v = 77, back = 0, n = 0;
    size_t size;
    WDF_DEVICE_PROPERTY_DATA_INIT(&data, &OwnKey);
    CHECK(d, WdfDeviceAssignProperty(d, &data, DEVPROP_TYPE_UINT32, sizeof v, &v) == STATUS_SUCCESS);
    CHECK(d, WdfDeviceQueryPropertyEx(d, &data, sizeof back, &back, &n, &type) == STATUS_SUCCESS && back == 77 && n == 4 && type == DEVPROP_TYPE_UINT32);
    CHECK(d, WdfDeviceQueryPropertyEx(d, &data, 0, NULL, &n, &type) == STATUS_BUFFER_TOO_SMALL && n == 4);
    CHECK(d, WdfDeviceAllocAndQueryPropertyEx(d, &data, NonPagedPoolNx, WDF_NO_OBJECT_ATTRIBUTES, &memory, &type) == STATUS_SUCCESS);
    CHECK(d, *(PULONG)WdfMemoryGetBuffer(memory, &size) == 77 && size == 4);
    WdfObjectDelete(memory);
    data.Size = 2;
    CHECK(d, WdfDeviceQueryPropertyEx(d, &data, 0, NULL, &n, &type) == STATUS_INFO_LENGTH_MISMATCH);
}

static VOID Self(WDFDEVICE d)
{
    WDFIOTARGET below = WdfDeviceGetIoTarget(d), top;
    WDF_IO_TARGET_OPEN_PARAMS open;
    INTERFACE answer;
    WDFMEMORY memory;
    ULONG n = 0;
    PDEVICE_OBJECT o = WdfDeviceWdmGetDeviceObject(d);
    CHECK(d, WdfIoTargetQueryTargetProperty(below, DevicePropertyHardwareID, 0, NULL, &n) == STATUS_BUFFER_TOO_SMALL && n > 4);
    CHECK(d, WdfIoTargetAllocAndQueryTargetProperty(below, DevicePropertyHardwareID, NonPagedPoolNx, WDF_NO_OBJECT_ATTRIBUTES, &memory) == STATUS_SUCCESS);
    WdfObjectDelete(memory);
    CHECK(d, WdfIoTargetQueryForInterface(below, &OwnInterface, &answer, sizeof answer, 1, NULL) == STATUS_NOT_SUPPORTED);
    CHECK(d, WdfIoTargetCreate(d, WDF_NO_OBJECT_ATTRIBUTES, &top) == STATUS_SUCCESS);
    CHECK(d, WdfIoTargetQueryForInterface(top, &OwnInterface, &answer, sizeof answer, 1, NULL) == STATUS_INVALID_DEVICE_STATE);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_EXISTING_DEVICE(&open, o);
    CHECK(d, WdfIoTargetOpen(top, &open) == STATUS_SUCCESS);
    CHECK(d, WdfIoTargetQueryForInterface(top, &OwnInterface, &answer, sizeof answer, 1, NULL) == STATUS_SUCCESS && answer.Version == 1);
    CHECK(d, WdfIoTargetQueryTargetProperty(top, DevicePropertyHardwareID, 0, NULL, &n) == STATUS_BUFFER_TOO_SMALL);
    WdfObjectDelete(top);
    CHECK(d, o->StackSize == WdfDeviceWdmGetAttachedDevice(d)->StackSize + 2); /* the remove lock's */
    CHECK(d, !(o->Flags & DO_POWER_PAGABLE));
    CHECK(d, WdfDeviceAddDependentUsageDeviceObject(d, WdfDeviceWdmGetPhysicalDevice(d)) == STATUS_SUCCESS);
    WdfDeviceRemoveDependentUsageDeviceObject(d, WdfDeviceWdmGetPhysicalDevice(d));
}

/* ---- a target that goes ---- */

static NTSTATUS TargetQuery(WDFIOTARGET Target)
{
    PBUS b = BusOf(WdfIoTargetGetDevice(Target));
    b->Called += 0x100;
    if (b->Refuses)
        return STATUS_UNSUCCESSFUL;
    WdfIoTargetCloseForQueryRemove(Target);
    return STATUS_SUCCESS;
}

static VOID TargetCanceled(WDFIOTARGET Target)
{
    WDF_IO_TARGET_OPEN_PARAMS open;
    WDFDEVICE d = WdfIoTargetGetDevice(Target);
    BusOf(d)->Called += 0x1000;
    WDF_IO_TARGET_OPEN_PARAMS_INIT_REOPEN(&open);
    if (WdfIoTargetGetState(Target) == WdfIoTargetClosedForQueryRemove)
        CHECK(d, WdfIoTargetOpen(Target, &open) == STATUS_SUCCESS);
}

static VOID TargetComplete(WDFIOTARGET Target)
{
    BusOf(WdfIoTargetGetDevice(Target))->Called += 0x10000;
    WdfIoTargetClose(Target);
}

static NTSTATUS OpenTarget(WDFDEVICE d, ULONG What)
{
    DECLARE_UNICODE_STRING_SIZE(name, 64);
    WDF_IO_TARGET_OPEN_PARAMS open;
    PBUS b = BusOf(d);
    if (b->Target)
        WdfObjectDelete(b->Target);
    b->Called = 0;
    b->Refuses = (What & 16) != 0;
    NTSTATUS s = WdfIoTargetCreate(d, WDF_NO_OBJECT_ATTRIBUTES, &b->Target);
    RtlUnicodeStringPrintf(&name, L"\\DosDevices\\KmdfListed%d", What & 15);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_OPEN_BY_NAME(&open, &name, GENERIC_READ);
    open.ShareAccess = FILE_SHARE_READ | FILE_SHARE_WRITE;
    if (!(What & 32)) {
        open.EvtIoTargetQueryRemove = TargetQuery;
        open.EvtIoTargetRemoveCanceled = TargetCanceled;
        open.EvtIoTargetRemoveComplete = TargetComplete;
    }
    return NT_SUCCESS(s) ? WdfIoTargetOpen(b->Target, &open) : s;
}

/* ---- DMA ---- */

static BOOLEAN Program(WDFDMATRANSACTION Transaction, WDFDEVICE Device, WDFCONTEXT Context, WDF_DMA_DIRECTION Direction, PSCATTER_GATHER_LIST List)
{
    BusOf(Device)->Programmed++;
    CHECK(Device, Direction == WdfDmaDirectionReadFromDevice && List->NumberOfElements >= 1);
    return TRUE;
}

static NTSTATUS Dma(WDFDEVICE d, WDFREQUEST Request)
{
    WDF_COMMON_BUFFER_CONFIG config;
    WDFCOMMONBUFFER buffer;
    WDFDMATRANSACTION t;
    NTSTATUS s;
    CHECK(d, WdfDmaEnablerGetFragmentLength(BusOf(d)->Enabler, WdfDmaDirectionReadFromDevice) >= 4096);
    CHECK(d, WdfDmaEnablerWdmGetDmaAdapter(BusOf(d)->Enabler, WdfDmaDirectionReadFromDevice) != NULL);
    WDF_COMMON_BUFFER_CONFIG_INIT(&config, FILE_64_BYTE_ALIGNMENT);
    CHECK(d, WdfCommonBufferCreateWithConfig(BusOf(d)->Enabler, 100, &config, WDF_NO_OBJECT_ATTRIBUTES, &buffer) == STATUS_SUCCESS);
    CHECK(d, ((ULONG_PTR)WdfCommonBufferGetAlignedVirtualAddress(buffer) & 63) == 0);
    WdfObjectDelete(buffer);
    CHECK(d, WdfDmaTransactionCreate(BusOf(d)->Enabler, WDF_NO_OBJECT_ATTRIBUTES, &t) == STATUS_SUCCESS);
    CHECK(d, WdfDmaTransactionInitializeUsingRequest(t, Request, Program, WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(d, WdfDmaTransactionGetRequest(t) == Request);
    CHECK(d, WdfDmaTransactionExecute(t, NULL) == STATUS_SUCCESS && BusOf(d)->Programmed == 1);
    CHECK(d, WdfDmaTransactionDmaCompleted(t, &s) && s == STATUS_SUCCESS && WdfDmaTransactionGetBytesTransferred(t) == 256);
    WdfObjectDelete(t);
    return STATUS_SUCCESS;
}

/* ---- requests ---- */

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    WDFDEVICE d = WdfIoQueueGetDevice(Queue);
    PBUS b = BusOf(d);
    ID id;
    PULONG in, out;
    WDFREQUEST found;
    ULONG_PTR n = 0;
    NTSTATUS s = WdfRequestRetrieveInputBuffer(Request, 4, (PVOID *)&in, NULL);
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(&id.Header, sizeof id);
    id.Serial = NT_SUCCESS(s) ? *in : 0;
    switch (Code) {
    case IOCTL_SCAN:
        Scan(d, *in);
        break;
    case IOCTL_ADDRESSES:
        Addresses(d);
        break;
    case IOCTL_EJECT:
        CHECK(d, WdfChildListRequestChildEject(b->List, &id.Header));
        id.Serial = 1;
        CHECK(d, !WdfChildListRequestChildEject(b->List, &id.Header));
        break;
    case IOCTL_EJECT_PDO:
        CHECK(d, b->Ejected == 1);
        WdfPdoRequestEject(Find(d, *in, NULL));
        break;
    case IOCTL_DEVICE:
        CHECK(d, b->Ejected == 2);
        Properties(d);
        Self(d);
        break;
    case IOCTL_KEEP:
        CHECK(d, WdfRequestForwardToIoQueue(Request, b->Kept) == STATUS_SUCCESS);
        return;
    case IOCTL_FILE:
        CHECK(d, (WdfFileObjectGetFlags(WdfRequestGetFileObject(Request)) & FO_SYNCHRONOUS_IO) == 0);
        CHECK(d, WdfIoQueueRetrieveRequestByFileObject(b->Kept, WdfRequestGetFileObject(Request), &found) == STATUS_SUCCESS);
        CHECK(d, WdfRequestGetFileObject(found) == WdfRequestGetFileObject(Request));
        WdfRequestComplete(found, STATUS_SUCCESS);
        CHECK(d, WdfIoQueueRetrieveRequestByFileObject(b->Kept, WdfRequestGetFileObject(Request), &found) == STATUS_NO_MORE_ENTRIES);
        break;
    case IOCTL_OPEN:
        s = OpenTarget(d, *in);
        break;
    case IOCTL_TARGET:
        s = WdfRequestRetrieveOutputBuffer(Request, 4, (PVOID *)&out, NULL);
        if (NT_SUCCESS(s))
            *out = WdfIoTargetGetState(b->Target) + b->Called;
        n = 4;
        break;
    case IOCTL_DMA:
        s = Dma(d, Request);
        n = Out;
        break;
    case IOCTL_FAILED:
        s = WdfRequestRetrieveOutputBuffer(Request, 4, (PVOID *)&out, NULL);
        if (NT_SUCCESS(s))
            *out = b->Failed;
        n = 4;
        break;
    default:
        s = STATUS_INVALID_DEVICE_REQUEST;
    }
    WdfRequestCompleteWithInformation(Request, s, NT_SUCCESS(s) ? n : 0);
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfChildren");
    WDF_REMOVE_LOCK_OPTIONS lock;
    WDF_OBJECT_ATTRIBUTES a;
    WDF_FILEOBJECT_CONFIG files;
    WDF_IO_QUEUE_CONFIG queue;
    WDF_DMA_ENABLER_CONFIG dma;
    WDF_QUERY_INTERFACE_CONFIG query;
    WDF_DEVICE_PROPERTY_DATA data;
    INTERFACE own = { sizeof own, 1, NULL, NULL, NULL };
    WDFMEMORY memory;
    DEVPROPTYPE type;
    ULONG n = 0;
    WDFDEVICE d;
    PDEVICE_OBJECT physical = WdfFdoInitWdmGetPhysicalDevice(Init);
    NTSTATUS text = WdfFdoInitAllocAndQueryProperty(Init, DevicePropertyHardwareID, PagedPool, WDF_NO_OBJECT_ATTRIBUTES, &memory);
    if (NT_SUCCESS(text))
        WdfObjectDelete(memory);
    WDF_DEVICE_PROPERTY_DATA_INIT(&data, &OwnKey);
    NTSTATUS early = WdfFdoInitQueryPropertyEx(Init, &data, 0, NULL, &n, &type);
    NTSTATUS alloc = WdfFdoInitAllocAndQueryPropertyEx(Init, &data, PagedPool, WDF_NO_OBJECT_ATTRIBUTES, &memory, &type);
    WDF_REMOVE_LOCK_OPTIONS_INIT(&lock, WDF_REMOVE_LOCK_OPTION_ACQUIRE_FOR_IO);
    WdfDeviceInitSetRemoveLockOptions(Init, &lock);
    WdfDeviceInitSetReleaseHardwareOrderOnFailure(Init, WdfReleaseHardwareOrderOnFailureEarly);
    WdfDeviceInitSetPowerPageable(Init);
    WdfDeviceInitSetPowerNotPageable(Init); /* the later call holds */
    WDF_FILEOBJECT_CONFIG_INIT(&files, NULL, NULL, NULL);
    WdfDeviceInitSetFileObjectConfig(Init, &files, WDF_NO_OBJECT_ATTRIBUTES);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, BUS);
    NTSTATUS s = WdfDeviceCreate(&Init, &a, &d);
    if (!NT_SUCCESS(s))
        return s;
    CHECK(d, physical == WdfDeviceWdmGetPhysicalDevice(d) && NT_SUCCESS(text) && early == STATUS_OBJECT_NAME_NOT_FOUND && alloc == STATUS_OBJECT_NAME_NOT_FOUND);
    Lists(d);
    WDF_QUERY_INTERFACE_CONFIG_INIT(&query, &own, &OwnInterface, NULL);
    CHECK(d, WdfDeviceAddQueryInterface(d, &query) == STATUS_SUCCESS);
    WDF_DMA_ENABLER_CONFIG_INIT(&dma, WdfDmaProfileScatterGather64, 4096);
    CHECK(d, WdfDmaEnablerCreate(d, &dma, WDF_NO_OBJECT_ATTRIBUTES, &BusOf(d)->Enabler) == STATUS_SUCCESS);
    WDF_IO_QUEUE_CONFIG_INIT(&queue, WdfIoQueueDispatchManual);
    s = WdfIoQueueCreate(d, &queue, WDF_NO_OBJECT_ATTRIBUTES, &BusOf(d)->Kept);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = Control;
    if (NT_SUCCESS(s))
        s = WdfIoQueueCreate(d, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    return NT_SUCCESS(s) ? WdfDeviceCreateSymbolicLink(d, &link) : s;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
