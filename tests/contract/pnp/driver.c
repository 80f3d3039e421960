/* A function driver that looks at what plug and play gives it: identity, resources, keys, properties, interfaces, notification.
 * Everything it expects is in pnp.inf and in the resources of its device. Failed checks are kept and given to the program. */
#include <initguid.h>
#include <ntddk.h>
#include <stdio.h>
#include <wdmguid.h>
#include "codes.h"

#define TAG 'tPnP'

typedef struct _EXTENSION {
    PDEVICE_OBJECT Self, Below, Pdo;
    UNICODE_STRING Plain, Named;
    PVOID Notification;
    LONG Arrivals, Removals;
    KEVENT Arrived;
    BOOLEAN Started;
} EXTENSION, *PEXTENSION;

static CHAR Text[4000];
static ULONG Used;
static PDRIVER_OBJECT Driver;

static VOID Fail(ULONG Line, PCSTR What, ULONG64 Is, ULONG64 Expected)
{
    int n = _snprintf(Text + Used, sizeof(Text) - 1 - Used, "driver.c:%u: %s is 0x%I64x, not 0x%I64x\n", Line, What, Is, Expected);

    if (n > 0)
        Used += n;
}

#define CHECK_EQ(is, expected)                                        \
    do {                                                              \
        ULONG64 is_ = (ULONG64)(is), expected_ = (ULONG64)(expected); \
        if (is_ != expected_)                                         \
            Fail(__LINE__, #is, is_, expected_);                      \
    } while (0)
#define CHECK(condition) CHECK_EQ(!!(condition), 1)
#define CHECK_STATUS(is, expected) CHECK_EQ((ULONG)(is), (ULONG)(expected))

static NTSTATUS Finish(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* ---- keys ---- */

static ULONG Value(HANDLE Key, PCWSTR Name, ULONG Type, PVOID Data, ULONG Size)
{
    UCHAR buffer[300];
    PKEY_VALUE_PARTIAL_INFORMATION info = (PKEY_VALUE_PARTIAL_INFORMATION)buffer;
    UNICODE_STRING name;
    ULONG needed = 0;
    NTSTATUS status;

    RtlInitUnicodeString(&name, Name);
    status = ZwQueryValueKey(Key, &name, KeyValuePartialInformation, info, sizeof(buffer), &needed);
    if (!NT_SUCCESS(status) || info->Type != Type || info->DataLength > Size)
        return 0;
    RtlCopyMemory(Data, info->Data, info->DataLength);
    return info->DataLength;
}

static VOID Keys(PEXTENSION e)
{
    HANDLE key;
    ULONG number = 0;
    WCHAR text[100];
    UCHAR bytes[8];

    CHECK_STATUS(IoOpenDeviceRegistryKey(e->Pdo, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &key), STATUS_SUCCESS);
    CHECK_EQ(Value(key, L"Depth", REG_DWORD, &number, 4), 4);
    CHECK_EQ(number, 32);
    CHECK_EQ(Value(key, L"Bytes", REG_BINARY, bytes, 8), 4);
    CHECK(bytes[0] == 1 && bytes[1] == 0xab && bytes[3] == 0x10);
    ZwClose(key);
    CHECK_STATUS(IoOpenDeviceRegistryKey(e->Pdo, PLUGPLAY_REGKEY_DRIVER, KEY_READ, &key), STATUS_SUCCESS);
    CHECK_EQ(Value(key, L"Greeting", REG_SZ, text, sizeof(text)), 28);
    CHECK(!wcscmp(text, L"hello; \"INF\"!"));
    CHECK_EQ(Value(key, L"List", REG_MULTI_SZ, text, sizeof(text)), 18);
    CHECK(!wcscmp(text, L"one") && !wcscmp(text + 4, L"two") && !text[8]);
    CHECK_EQ(Value(key, L"Gone", REG_DWORD, &number, 4), 0);
    ZwClose(key);
    CHECK_STATUS(IoOpenDeviceRegistryKey(e->Pdo, PLUGPLAY_REGKEY_DRIVER | PLUGPLAY_REGKEY_DEVICE, KEY_READ, &key), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(IoOpenDeviceRegistryKey(e->Pdo, PLUGPLAY_REGKEY_DEVICE, KEY_ALL_ACCESS, &key), STATUS_SUCCESS);
    {
        UNICODE_STRING name = RTL_CONSTANT_STRING(L"Ours");
        number = 77;
        CHECK_STATUS(ZwSetValueKey(key, &name, 0, REG_DWORD, &number, 4), STATUS_SUCCESS);
        ZwClose(key);
        number = 0;
        CHECK_STATUS(IoOpenDeviceRegistryKey(e->Pdo, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &key), STATUS_SUCCESS);
        CHECK_EQ(Value(key, L"Ours", REG_DWORD, &number, 4), 4);
        CHECK_EQ(number, 77);
        ZwClose(key);
    }
}

/* ---- properties ---- */

static VOID StringProperty(PEXTENSION e, ULONG Line, DEVICE_REGISTRY_PROPERTY Property, PCWSTR Expected)
{
    WCHAR text[200] = {0};
    ULONG length = 0, bytes = (ULONG)(wcslen(Expected) + 1) * 2;
    NTSTATUS status = IoGetDeviceProperty(e->Pdo, Property, 0, NULL, &length);

    if (status != STATUS_BUFFER_TOO_SMALL || length < bytes)
        Fail(Line, "the property's length", length, bytes);
    status = IoGetDeviceProperty(e->Pdo, Property, sizeof(text), text, &length);
    if (!NT_SUCCESS(status))
        Fail(Line, "the property's status", (ULONG)status, 0);
    else if (_wcsicmp(text, Expected))
        Fail(Line, "the property's first character", text[0], Expected[0]);
}

static VOID Properties(PEXTENSION e)
{
    WCHAR text[200];
    ULONG length = 0, type = 0;
    NTSTATUS status;
    static const DEVPROPKEY own = {{0x11223344, 0x5566, 0x7788, {1, 2, 3, 4, 5, 6, 7, 8}}, 2};
    ULONG64 data = 0x123456789, back = 0;

    StringProperty(e, __LINE__, DevicePropertyDeviceDescription, L"A device to be looked at");
    StringProperty(e, __LINE__, DevicePropertyManufacturer, L"Contract & Co");
    StringProperty(e, __LINE__, DevicePropertyHardwareID, L"ROOT\\CONTRACTPNP");
    StringProperty(e, __LINE__, DevicePropertyClassName, L"ContractClass");
    StringProperty(e, __LINE__, DevicePropertyClassGuid, L"{78a1c341-4539-11d3-b88d-00c04fad5171}");
    StringProperty(e, __LINE__, DevicePropertyDriverKeyName, L"{78a1c341-4539-11d3-b88d-00c04fad5171}\\0000");
    StringProperty(e, __LINE__, DevicePropertyEnumeratorName, L"ROOT");
    StringProperty(e, __LINE__, DevicePropertyFriendlyName, L"Friend");
    status = IoGetDeviceProperty(e->Pdo, DevicePropertyPhysicalDeviceObjectName, sizeof(text), text, &length);
    CHECK_STATUS(status, STATUS_SUCCESS);
    CHECK(!wcsncmp(text, L"\\Device\\", 8));
    CHECK_STATUS(IoGetDeviceProperty(e->Pdo, DevicePropertyAddress, sizeof(text), text, &length), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS(IoSetDevicePropertyData(e->Pdo, &own, LOCALE_NEUTRAL, 0, DEVPROP_TYPE_UINT64, sizeof(data), &data), STATUS_SUCCESS);
    CHECK_STATUS(IoGetDevicePropertyData(e->Pdo, &own, LOCALE_NEUTRAL, 0, 4, &back, &length, &type), STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ(length, 8);
    CHECK_STATUS(IoGetDevicePropertyData(e->Pdo, &own, LOCALE_NEUTRAL, 0, 8, &back, &length, &type), STATUS_SUCCESS);
    CHECK_EQ(back, data);
    CHECK_EQ(type, DEVPROP_TYPE_UINT64);
    CHECK_STATUS(IoSetDevicePropertyData(e->Pdo, &own, LOCALE_NEUTRAL, 0, DEVPROP_TYPE_EMPTY, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(IoGetDevicePropertyData(e->Pdo, &own, LOCALE_NEUTRAL, 0, 8, &back, &length, &type), STATUS_OBJECT_NAME_NOT_FOUND);
}

/* ---- resources ---- */

static VOID Resources(PCM_RESOURCE_LIST Raw, PCM_RESOURCE_LIST Translated)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR r, t;

    CHECK(Raw != NULL && Translated != NULL);
    if (!Raw || !Translated)
        return;
    CHECK_EQ(Raw->Count, 1);
    CHECK_EQ(Raw->List[0].PartialResourceList.Count, 3);
    CHECK_EQ(Translated->List[0].PartialResourceList.Count, 3);
    r = Raw->List[0].PartialResourceList.PartialDescriptors;
    t = Translated->List[0].PartialResourceList.PartialDescriptors;
    CHECK_EQ(r[0].Type, CmResourceTypeMemory);
    CHECK_EQ(t[0].u.Memory.Start.QuadPart, 0xd0000000);
    CHECK_EQ(t[0].u.Memory.Length, 0x2000);
    CHECK_EQ(r[1].Type, CmResourceTypePort);
    CHECK_EQ(r[1].u.Port.Start.QuadPart, 0x3e8);
    CHECK_EQ(r[1].u.Port.Length, 8);
    CHECK_EQ(r[1].Flags & CM_RESOURCE_PORT_IO, CM_RESOURCE_PORT_IO);
    CHECK_EQ(r[2].Type, CmResourceTypeInterrupt);
    CHECK_EQ(r[2].u.Interrupt.Vector, 9);
    CHECK(t[2].u.Interrupt.Level > DISPATCH_LEVEL && t[2].u.Interrupt.Level < HIGH_LEVEL);
    CHECK_EQ(r[2].Flags & CM_RESOURCE_INTERRUPT_LATCHED, CM_RESOURCE_INTERRUPT_LATCHED);
    CHECK_EQ(r[2].ShareDisposition, CmResourceShareShared);
}

/* ---- requests to the device below ---- */

static NTSTATUS Ask(PEXTENSION e, PIO_STACK_LOCATION What, ULONG_PTR *Information)
{
    KEVENT done;
    IO_STATUS_BLOCK iosb = {{0}};
    PIRP irp;
    NTSTATUS status;
    PIO_STACK_LOCATION next;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, e->Below, NULL, 0, NULL, &done, &iosb);
    next = IoGetNextIrpStackLocation(irp);
    next->MinorFunction = What->MinorFunction;
    next->Parameters = What->Parameters;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    status = IoCallDriver(e->Below, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = iosb.Status;
    }
    *Information = NT_SUCCESS(status) ? iosb.Information : 0;
    return status;
}

static VOID Bus(PEXTENSION e)
{
    IO_STACK_LOCATION what = {0};
    ULONG_PTR information;
    DEVICE_CAPABILITIES capabilities = {0};

    what.MinorFunction = IRP_MN_QUERY_ID;
    what.Parameters.QueryId.IdType = BusQueryHardwareIDs;
    CHECK_STATUS(Ask(e, &what, &information), STATUS_SUCCESS);
    if (information) {
        PWSTR ids = (PWSTR)information;
        CHECK(!_wcsicmp(ids, L"ROOT\\CONTRACTPNP") && !ids[wcslen(ids) + 1]);
        ExFreePool(ids);
    }
    what.MinorFunction = IRP_MN_QUERY_DEVICE_RELATIONS;
    what.Parameters.QueryDeviceRelations.Type = TargetDeviceRelation;
    CHECK_STATUS(Ask(e, &what, &information), STATUS_SUCCESS);
    if (information) {
        PDEVICE_RELATIONS relations = (PDEVICE_RELATIONS)information;
        CHECK_EQ(relations->Count, 1);
        CHECK_EQ(relations->Objects[0], e->Pdo);
        ObDereferenceObject(relations->Objects[0]);
        ExFreePool(relations);
    }
    RtlZeroMemory(&what, sizeof(what));
    what.MinorFunction = IRP_MN_QUERY_CAPABILITIES;
    capabilities.Size = sizeof(capabilities);
    capabilities.Version = 1;
    capabilities.Address = capabilities.UINumber = (ULONG)-1;
    what.Parameters.DeviceCapabilities.Capabilities = &capabilities;
    CHECK_STATUS(Ask(e, &what, &information), STATUS_SUCCESS);
    CHECK_EQ(capabilities.DeviceState[PowerSystemWorking], PowerDeviceD0);
    what.MinorFunction = IRP_MN_QUERY_BUS_INFORMATION;
    if (NT_SUCCESS(Ask(e, &what, &information)) && information)
        ExFreePool((PVOID)information);
    /* A minor that nobody knows comes back as it was sent. */
    what.MinorFunction = 0x7e;
    CHECK_STATUS(Ask(e, &what, &information), STATUS_NOT_SUPPORTED);
}

/* ---- interfaces and notification ---- */

static DRIVER_NOTIFICATION_CALLBACK_ROUTINE OnInterface;
static NTSTATUS NTAPI OnInterface(PVOID Structure, PVOID Context)
{
    PDEVICE_INTERFACE_CHANGE_NOTIFICATION n = (PDEVICE_INTERFACE_CHANGE_NOTIFICATION)Structure;
    PEXTENSION e = (PEXTENSION)Context;

    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK_EQ(n->Version, 1);
    CHECK_EQ(n->Size, sizeof(*n));
    CHECK(IsEqualGUID(&n->InterfaceClassGuid, &GUID_CONTRACT_PNP));
    CHECK(n->SymbolicLinkName->Length > 8);
    if (IsEqualGUID(&n->Event, &GUID_DEVICE_INTERFACE_ARRIVAL)) {
        InterlockedIncrement(&e->Arrivals);
        KeSetEvent(&e->Arrived, IO_NO_INCREMENT, FALSE);
    } else if (IsEqualGUID(&n->Event, &GUID_DEVICE_INTERFACE_REMOVAL))
        InterlockedIncrement(&e->Removals);
    return STATUS_SUCCESS;
}

static VOID Interfaces(PEXTENSION e)
{
    PWSTR list = NULL;
    ULONG n = 0;
    HANDLE key;
    UNICODE_STRING alias = {0};
    PFILE_OBJECT file;
    PDEVICE_OBJECT device;

    CHECK_STATUS(IoSetDeviceInterfaceState(&e->Plain, TRUE), STATUS_OBJECT_NAME_EXISTS);
    CHECK_STATUS(IoGetDeviceInterfaces(&GUID_CONTRACT_PNP, NULL, 0, &list), STATUS_SUCCESS);
    for (PWSTR p = list; p && *p; p += wcslen(p) + 1)
        n++;
    CHECK_EQ(n, 2);
    if (list)
        ExFreePool(list);
    CHECK_STATUS(IoGetDeviceInterfaceAlias(&e->Plain, &GUID_CONTRACT_PNP_ALIAS, &alias), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS(IoOpenDeviceInterfaceRegistryKey(&e->Named, KEY_ALL_ACCESS, &key), STATUS_SUCCESS);
    ZwClose(key);
    CHECK_STATUS(IoGetDeviceObjectPointer(&e->Named, FILE_READ_DATA, &file, &device), STATUS_SUCCESS);
    if (file) {
        UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\second");
        CHECK_EQ(device, e->Self);
        CHECK(RtlEqualUnicodeString(&file->FileName, &name, TRUE));
        ObDereferenceObject(file);
    }
}

/* What is checked while the device runs. */
static VOID Started(PEXTENSION e)
{
    LARGE_INTEGER second;

    second.QuadPart = -10000000;
    CHECK_STATUS(KeWaitForSingleObject(&e->Arrived, Executive, KernelMode, FALSE, &second), STATUS_SUCCESS);
    KeDelayExecutionThread(KernelMode, FALSE, &second);
    CHECK_EQ(e->Arrivals, 2);
    CHECK_STATUS(IoSetDeviceInterfaceState(&e->Named, FALSE), STATUS_SUCCESS);
    CHECK_STATUS(IoSetDeviceInterfaceState(&e->Named, FALSE), STATUS_OBJECT_NAME_NOT_FOUND);
    KeDelayExecutionThread(KernelMode, FALSE, &second);
    CHECK_EQ(e->Removals, 1);
    CHECK_STATUS(IoSetDeviceInterfaceState(&e->Named, TRUE), STATUS_SUCCESS);
    Interfaces(e);
}

/* ---- plug and play ---- */

static NTSTATUS Start(PEXTENSION e, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status;

    if (!IoForwardIrpSynchronously(e->Below, Irp))
        return Finish(Irp, STATUS_UNSUCCESSFUL, 0);
    status = Irp->IoStatus.Status;
    CHECK_STATUS(status, STATUS_SUCCESS);
    Resources(stack->Parameters.StartDevice.AllocatedResources, stack->Parameters.StartDevice.AllocatedResourcesTranslated);
    Keys(e);
    Properties(e);
    Bus(e);
    CHECK_STATUS(IoSetDeviceInterfaceState(&e->Plain, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(IoSetDeviceInterfaceState(&e->Named, TRUE), STATUS_SUCCESS);
    e->Started = TRUE;
    return Finish(Irp, status, 0);
}

static NTSTATUS Remove(PEXTENSION e, PIRP Irp)
{
    NTSTATUS status;

    if (e->Notification)
        IoUnregisterPlugPlayNotificationEx(e->Notification);
    if (e->Started) {
        IoSetDeviceInterfaceState(&e->Plain, FALSE);
        IoSetDeviceInterfaceState(&e->Named, FALSE);
    }
    RtlFreeUnicodeString(&e->Plain);
    RtlFreeUnicodeString(&e->Named);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(e->Below, Irp);
    IoDetachDevice(e->Below);
    IoDeleteDevice(e->Self);
    return status;
}

static DRIVER_DISPATCH Pnp;
static NTSTATUS NTAPI Pnp(PDEVICE_OBJECT Device, PIRP Irp)
{
    PEXTENSION e = (PEXTENSION)Device->DeviceExtension;

    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return Start(e, Irp);
    case IRP_MN_REMOVE_DEVICE:
        return Remove(e, Irp);
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    default:
        break;
    }
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(e->Below, Irp);
}

static DRIVER_DISPATCH PassPower;
static NTSTATUS NTAPI PassPower(PDEVICE_OBJECT Device, PIRP Irp)
{
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(((PEXTENSION)Device->DeviceExtension)->Below, Irp);
}

static DRIVER_DISPATCH Pass;
static NTSTATUS NTAPI Pass(PDEVICE_OBJECT Device, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(((PEXTENSION)Device->DeviceExtension)->Below, Irp);
}

static DRIVER_DISPATCH Easy;
static NTSTATUS NTAPI Easy(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return Finish(Irp, STATUS_SUCCESS, 0);
}

static DRIVER_DISPATCH Control;
static NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    PEXTENSION e = (PEXTENSION)Device->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG room = stack->Parameters.DeviceIoControl.OutputBufferLength;
    PUNICODE_STRING name = &stack->FileObject->FileName;

    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_PNP_STARTED:
        Started(e);
        return Finish(Irp, STATUS_SUCCESS, 0);
    case IOCTL_PNP_RESULTS:
        if (room < Used)
            return Finish(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, Text, Used);
        return Finish(Irp, STATUS_SUCCESS, Used);
    case IOCTL_PNP_NAME:
        if (room < name->Length)
            return Finish(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, name->Buffer, name->Length);
        return Finish(Irp, STATUS_SUCCESS, name->Length);
    default:
        return Finish(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static DRIVER_ADD_DEVICE Add;
static NTSTATUS NTAPI Add(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Pdo)
{
    PDEVICE_OBJECT self;
    PEXTENSION e;
    UNICODE_STRING second = RTL_CONSTANT_STRING(L"second");
    NTSTATUS status = IoCreateDevice(DriverObject, sizeof(EXTENSION), NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &self);

    if (!NT_SUCCESS(status))
        return status;
    e = (PEXTENSION)self->DeviceExtension;
    RtlZeroMemory(e, sizeof(*e));
    e->Self = self;
    e->Pdo = Pdo;
    KeInitializeEvent(&e->Arrived, NotificationEvent, FALSE);
    e->Below = IoAttachDeviceToDeviceStack(self, Pdo);
    CHECK_STATUS(IoRegisterDeviceInterface(Pdo, &GUID_CONTRACT_PNP, NULL, &e->Plain), STATUS_SUCCESS);
    CHECK_STATUS(IoRegisterDeviceInterface(Pdo, &GUID_CONTRACT_PNP, &second, &e->Named), STATUS_SUCCESS);
    CHECK_STATUS(IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES,
                                                (PVOID)&GUID_CONTRACT_PNP, DriverObject, OnInterface, e, &e->Notification),
                 STATUS_SUCCESS);
    CHECK_EQ(e->Arrivals, 0);
    self->Flags |= DO_POWER_PAGABLE | DO_BUFFERED_IO;
    self->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static DRIVER_UNLOAD Unload;
static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

/* What the service's key holds: of AddService and of its AddReg. */
static VOID Service(PUNICODE_STRING RegistryPath)
{
    ULONG level = 0, start = 9;
    RTL_QUERY_REGISTRY_TABLE table[4] = {0};
    UNICODE_STRING tail = RTL_CONSTANT_STRING(L"\\ContractPnpService");

    CHECK(RegistryPath->Length > tail.Length &&
          !_wcsnicmp(RegistryPath->Buffer + (RegistryPath->Length - tail.Length) / 2, tail.Buffer, tail.Length / 2));
    table[0].Flags = RTL_QUERY_REGISTRY_DIRECT;
    table[0].Name = (PWSTR)L"Start";
    table[0].EntryContext = &start;
    table[1].Flags = RTL_QUERY_REGISTRY_SUBKEY;
    table[1].Name = (PWSTR)L"Parameters";
    table[2].Flags = RTL_QUERY_REGISTRY_DIRECT;
    table[2].Name = (PWSTR)L"Level";
    table[2].EntryContext = &level;
    CHECK_STATUS(RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, RegistryPath->Buffer, table, NULL, NULL), STATUS_SUCCESS);
    CHECK_EQ(start, 3);
    CHECK_EQ(level, 5);
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    Driver = DriverObject;
    Service(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Easy;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Easy;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Easy;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    DriverObject->MajorFunction[IRP_MJ_PNP] = Pnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = PassPower;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = Pass;
    DriverObject->DriverExtension->AddDevice = Add;
    DriverObject->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
