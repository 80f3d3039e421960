/* Registry values of several strings and of memory, locks of objects, keys of the driver, versions, devices of another port driver, shutdown. */
#include "kmdf_contract.h"

#include <wdfminiport.h>
#include <wdmsec.h>

DECLARE_CONST_UNICODE_STRING(Name, L"Several");

static WDFSTRING NewString(PCONTRACT t, PCWSTR Text)
{
    UNICODE_STRING u;
    WDFSTRING s = NULL;
    RtlInitUnicodeString(&u, Text);
    CHECK_STATUS(WdfStringCreate(&u, WDF_NO_OBJECT_ATTRIBUTES, &s), STATUS_SUCCESS);
    return s;
}

static BOOLEAN Is(WDFOBJECT String, PCWSTR Text)
{
    UNICODE_STRING u, w;
    WdfStringGetUnicodeString((WDFSTRING)String, &u);
    RtlInitUnicodeString(&w, Text);
    return RtlEqualUnicodeString(&u, &w, FALSE);
}

static VOID MultiStrings(PCONTRACT t)
{
    WDFKEY key;
    WDFCOLLECTION out, in;
    WDF_OBJECT_ATTRIBUTES a;
    ULONG n = 0, type = 0, number = 7;
    WCHAR raw[32];
    CHECK_STATUS(WdfDriverOpenParametersRegistryKey(KmdfDriver, KEY_ALL_ACCESS, WDF_NO_OBJECT_ATTRIBUTES, &key), STATUS_SUCCESS);
    CHECK_STATUS(WdfCollectionCreate(WDF_NO_OBJECT_ATTRIBUTES, &out), STATUS_SUCCESS);
    CHECK_STATUS(WdfCollectionCreate(WDF_NO_OBJECT_ATTRIBUTES, &in), STATUS_SUCCESS);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = in;
    CHECK_STATUS(WdfRegistryQueryMultiString(key, &Name, &a, in), STATUS_OBJECT_NAME_NOT_FOUND);
    WDFSTRING one = NewString(t, L"one"), two = NewString(t, L"and two");
    CHECK_STATUS(WdfCollectionAdd(out, one), STATUS_SUCCESS);
    CHECK_STATUS(WdfCollectionAdd(out, two), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryAssignMultiString(key, &Name, out), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryQueryValue(key, &Name, sizeof raw, raw, &n, &type), STATUS_SUCCESS);
    CHECK(type == REG_MULTI_SZ && n == sizeof L"one\0and two\0" && RtlEqualMemory(raw, L"one\0and two\0", n));
    CHECK_STATUS(WdfRegistryQueryMultiString(key, &Name, &a, in), STATUS_SUCCESS);
    CHECK_EQ(WdfCollectionGetCount(in), 2);
    if (WdfCollectionGetCount(in) == 2)
        CHECK(Is(WdfCollectionGetItem(in, 0), L"one") && Is(WdfCollectionGetItem(in, 1), L"and two"));
    CHECK_STATUS(WdfRegistryAssignValue(key, &Name, REG_DWORD, sizeof number, &number), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryQueryMultiString(key, &Name, &a, in), STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS(WdfRegistryRemoveValue(key, &Name), STATUS_SUCCESS);
    WdfRegistryClose(key);
    WdfObjectDelete(in);
    WdfObjectDelete(out);
    WdfObjectDelete(one);
    WdfObjectDelete(two);
}

static VOID Memories(PCONTRACT t)
{
    WDFKEY key;
    WDFMEMORY memory, back;
    WDFMEMORY_OFFSET offset = { 1, 2 };
    UCHAR bytes[4] = { 1, 2, 3, 4 };
    ULONG type = 0;
    size_t n = 0;
    CHECK_STATUS(WdfDriverOpenParametersRegistryKey(KmdfDriver, KEY_ALL_ACCESS, WDF_NO_OBJECT_ATTRIBUTES, &key), STATUS_SUCCESS);
    CHECK_STATUS(WdfMemoryCreatePreallocated(WDF_NO_OBJECT_ATTRIBUTES, bytes, sizeof bytes, &memory), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryAssignMemory(key, &Name, REG_BINARY, memory, &offset), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryQueryMemory(key, &Name, NonPagedPoolNx, WDF_NO_OBJECT_ATTRIBUTES, &back, &type), STATUS_SUCCESS);
    PUCHAR b = WdfMemoryGetBuffer(back, &n);
    CHECK(type == REG_BINARY && n == 2 && b[0] == 2 && b[1] == 3);
    WdfObjectDelete(back);
    offset.BufferLength = 4;
    CHECK_STATUS(WdfRegistryAssignMemory(key, &Name, REG_BINARY, memory, &offset), STATUS_INTEGER_OVERFLOW);
    CHECK_STATUS(WdfRegistryAssignMemory(key, &Name, REG_BINARY, memory, NULL), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryQueryMemory(key, &Name, NonPagedPoolNx, WDF_NO_OBJECT_ATTRIBUTES, &back, NULL), STATUS_SUCCESS);
    WdfMemoryGetBuffer(back, &n);
    CHECK_EQ(n, 4);
    WdfObjectDelete(back);
    WdfObjectDelete(memory);
    WdfRegistryRemoveValue(key, &Name);
    WdfRegistryClose(key);
}

static VOID Keys(PCONTRACT t)
{
    DECLARE_CONST_UNICODE_STRING(map, L"CONTRACTCOMM");
    DECLARE_CONST_UNICODE_STRING(value, L"\\Device\\Contract0");
    DECLARE_CONST_UNICODE_STRING(text, L"CON7");
    DECLARE_CONST_UNICODE_STRING(number, L"Runs");
    WDFKEY key;
    ULONG v = 0;
    CHECK_STATUS(WdfDriverOpenPersistentStateRegistryKey(KmdfDriver, KEY_ALL_ACCESS, WDF_NO_OBJECT_ATTRIBUTES, &key), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryAssignULong(key, &number, 5), STATUS_SUCCESS);
    WdfRegistryClose(key);
    CHECK_STATUS(WdfDriverOpenPersistentStateRegistryKey(KmdfDriver, KEY_ALL_ACCESS, WDF_NO_OBJECT_ATTRIBUTES, &key), STATUS_SUCCESS);
    CHECK(NT_SUCCESS(WdfRegistryQueryULong(key, &number, &v)) && v == 5);
    CHECK_STATUS(WdfRegistryRemoveValue(key, &number), STATUS_SUCCESS);
    WdfRegistryClose(key);
    CHECK_STATUS(WdfDeviceOpenDevicemapKey(KmdfDevice, &map, KEY_ALL_ACCESS, WDF_NO_OBJECT_ATTRIBUTES, &key), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryAssignUnicodeString(key, &value, &text), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryRemoveValue(key, &value), STATUS_SUCCESS);
    WdfRegistryClose(key);
}

/* ---- locks of objects ---- */

static VOID Default(WDFQUEUE Queue, WDFREQUEST Request)
{
    UNREFERENCED_PARAMETER(Queue);
    WdfRequestComplete(Request, STATUS_SUCCESS);
}

static VOID Locks(PCONTRACT t)
{
    WDF_OBJECT_ATTRIBUTES a;
    WDF_IO_QUEUE_CONFIG c;
    WDFQUEUE q;
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.SynchronizationScope = WdfSynchronizationScopeQueue;
    WDF_IO_QUEUE_CONFIG_INIT(&c, WdfIoQueueDispatchParallel);
    c.EvtIoDefault = Default;
    CHECK_STATUS(WdfIoQueueCreate(KmdfDevice, &c, &a, &q), STATUS_SUCCESS);
    WdfObjectAcquireLock(q);
    CHECK_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    WdfObjectReleaseLock(q);
    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    WdfObjectDelete(q);
    a.ExecutionLevel = WdfExecutionLevelPassive; /* then the lock is one that can be waited for */
    CHECK_STATUS(WdfIoQueueCreate(KmdfDevice, &c, &a, &q), STATUS_SUCCESS);
    WdfObjectAcquireLock(q);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && KeAreApcsDisabled());
    WdfObjectReleaseLock(q);
    WdfObjectDelete(q);
}

/* ---- devices of another port driver ---- */

static VOID Miniport(PCONTRACT t)
{
    DECLARE_CONST_UNICODE_STRING(name, L"\\Device\\Contract-kmdf-values-port");
    PDRIVER_OBJECT driver = WdfDriverWdmGetDriverObject(KmdfDriver);
    PDEVICE_OBJECT own = NULL, below = WdfDeviceWdmGetDeviceObject(KmdfDevice);
    WDFDEVICE device;
    WDFIOTARGET target;
    WDFOBJECT child;
    WDF_OBJECT_ATTRIBUTES a;
    UNICODE_STRING copy = name;
    CHECK_STATUS(IoCreateDevice(driver, 0, &copy, FILE_DEVICE_UNKNOWN, 0, FALSE, &own), STATUS_SUCCESS);
    if (!own)
        return;
    CHECK_STATUS(WdfDeviceMiniportCreate(KmdfDriver, WDF_NO_OBJECT_ATTRIBUTES, own, NULL, NULL, &device), STATUS_SUCCESS);
    CHECK(WdfDeviceWdmGetDeviceObject(device) == own && WdfDeviceGetIoTarget(device) == NULL && WdfDeviceGetDriver(device) == KmdfDriver);
    WdfObjectDelete(device);
    CHECK_STATUS(WdfDeviceMiniportCreate(KmdfDriver, WDF_NO_OBJECT_ATTRIBUTES, own, below, below, &device), STATUS_SUCCESS);
    CHECK(WdfDeviceWdmGetAttachedDevice(device) == below && WdfDeviceWdmGetPhysicalDevice(device) == below);
    target = WdfDeviceGetIoTarget(device);
    CHECK(target != NULL && WdfIoTargetWdmGetTargetDeviceObject(target) == below);
    CHECK_STATUS(WdfIoTargetSendIoctlSynchronously(target, NULL, 0x222FFC, NULL, NULL, NULL, NULL), STATUS_INVALID_DEVICE_REQUEST);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = device;
    CHECK_STATUS(WdfObjectCreate(&a, &child), STATUS_SUCCESS);
    WdfObjectDelete(device);
    IoDeleteDevice(own); /* is the driver's */
}

/* ---- control devices ---- */

static VOID ShuttingDown(WDFDEVICE Device)
{
    UNREFERENCED_PARAMETER(Device);
}

static VOID Control(PCONTRACT t)
{
    static const GUID Class = { 0x8c8b3b0e, 0x6a4d, 0x4f13, { 0x9e, 0x1c, 0x2b, 0x77, 0x51, 0x0d, 0x6e, 0x22 } };
    PWDFDEVICE_INIT init = WdfControlDeviceInitAllocate(KmdfDriver, &SDDL_DEVOBJ_SYS_ALL_ADM_ALL);
    DECLARE_CONST_UNICODE_STRING(name, L"\\Device\\Contract-kmdf-values-control");
    WDF_IO_TYPE_CONFIG io;
    WDFDEVICE device = NULL;
    CHECK(init != NULL);
    if (!init)
        return;
    WdfDeviceInitSetDeviceClass(init, &Class);
    CHECK_STATUS(WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &device), STATUS_INVALID_SECURITY_DESCR); /* a class, and no name */
    CHECK_STATUS(WdfDeviceInitAssignName(init, &name), STATUS_SUCCESS);
    WDF_IO_TYPE_CONFIG_INIT(&io);
    io.ReadWriteIoType = WdfDeviceIoDirect;
    WdfDeviceInitSetIoTypeEx(init, &io);
    WdfControlDeviceInitSetShutdownNotification(init, ShuttingDown, WdfDeviceShutdown);
    CHECK_STATUS(WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &device), STATUS_SUCCESS);
    if (!device)
        return;
    PDEVICE_OBJECT o = WdfDeviceWdmGetDeviceObject(device);
    CHECK_EQ(o->Flags & (DO_DIRECT_IO | DO_BUFFERED_IO), DO_DIRECT_IO);
    CHECK(o->Flags & DO_SHUTDOWN_REGISTERED);
    WdfDeviceSetCharacteristics(device, FILE_DEVICE_SECURE_OPEN | FILE_READ_ONLY_DEVICE);
    CHECK_EQ(WdfDeviceGetCharacteristics(device), FILE_DEVICE_SECURE_OPEN | FILE_READ_ONLY_DEVICE);
    WdfControlFinishInitializing(device);
    CHECK_STATUS(WdfDeviceAddRemovalRelationsPhysicalDevice(device, o), STATUS_SUCCESS);
    CHECK_STATUS(WdfDeviceAddRemovalRelationsPhysicalDevice(device, o), STATUS_DUPLICATE_OBJECTID);
    WdfDeviceRemoveRemovalRelationsPhysicalDevice(device, o);
    CHECK_STATUS(WdfDeviceAddRemovalRelationsPhysicalDevice(device, o), STATUS_SUCCESS);
    WdfDeviceClearRemovalRelationsDevices(device);
    CHECK_STATUS(WdfPdoAddEjectionRelationsPhysicalDevice(device, o), STATUS_INVALID_PARAMETER); /* is no PDO */
    WdfObjectDelete(device);
}

static VOID Unsupported(PCONTRACT t)
{
    static const GUID Unknown = { 1, 2, 3, { 4 } };
    ULONG out;
    CHECK_STATUS(WdfObjectQuery(KmdfDevice, &Unknown, sizeof out, &out), STATUS_NOT_FOUND);
    WdfVerifierDbgBreakPoint(); /* nothing without the verifier */
}

const KMDF_TEST KmdfTests[] = {
    { "several strings", MultiStrings }, { "memory", Memories }, { "keys", Keys },          { "locks of objects", Locks },
    { "miniport devices", Miniport },    { "control", Control }, { "unsupported", Unsupported },
};
const ULONG KmdfTestCount = RTL_NUMBER_OF(KmdfTests);
