/* Objects: contexts, parents, clean-up, references; memory, strings, collections, look-aside lists; locks, timers, DPCs, work items; registry. */
#include "kmdf_contract.h"

#include <ntstrsafe.h>

typedef struct _NOTE {
    ULONG Magic;
    ULONG Id;
} NOTE, *PNOTE;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(NOTE, NoteOf)

typedef struct _OTHER {
    ULONG64 Value[4];
} OTHER, *POTHER;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(OTHER, OtherOf)

/* What was called, in order: 'a' + id for clean-up, 'A' + id for destruction. */
static CHAR Order[32];
static ULONG OrderUsed;

static VOID Note(CHAR What)
{
    if (OrderUsed < sizeof Order - 1)
        Order[OrderUsed++] = What;
    Order[OrderUsed] = 0;
}

static VOID Forget(VOID)
{
    OrderUsed = 0;
    Order[0] = 0;
}

static EVT_WDF_OBJECT_CONTEXT_CLEANUP Cleanup;
static EVT_WDF_OBJECT_CONTEXT_DESTROY Destroy;

static VOID Cleanup(WDFOBJECT Object)
{
    Note((CHAR)('a' + NoteOf(Object)->Id));
}

static VOID Destroy(WDFOBJECT Object)
{
    Note((CHAR)('A' + NoteOf(Object)->Id));
}

static NTSTATUS Make(WDFOBJECT Parent, ULONG Id, WDFOBJECT *Object)
{
    WDF_OBJECT_ATTRIBUTES a;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, NOTE);
    a.ParentObject = Parent;
    a.EvtCleanupCallback = Cleanup;
    a.EvtDestroyCallback = Destroy;
    NTSTATUS s = WdfObjectCreate(&a, Object);
    if (NT_SUCCESS(s)) {
        NoteOf(*Object)->Id = Id;
        NoteOf(*Object)->Magic = 0x4E4F5445;
    }
    return s;
}

static BOOLEAN Was(PCSTR Expected)
{
    BOOLEAN same = strcmp(Order, Expected) == 0;
    if (!same)
        DbgPrint("order was %s, expected %s\n", Order, Expected);
    return same;
}

static VOID Contexts(PCONTRACT t)
{
    WDF_OBJECT_ATTRIBUTES a;
    WDFOBJECT o, p;
    POTHER other = NULL, again = NULL;
    Forget();
    CHECK_STATUS(Make(NULL, 0, &o), STATUS_SUCCESS);
    CHECK_EQ(NoteOf(o)->Magic, 0x4E4F5445);
    CHECK(WdfObjectContextGetObject(NoteOf(o)) == o);
    CHECK(OtherOf(o) == NULL);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, OTHER);
    CHECK_STATUS(WdfObjectAllocateContext(o, &a, (PVOID *)&other), STATUS_SUCCESS);
    CHECK(other == OtherOf(o));
    CHECK_EQ(other->Value[3], 0);
    CHECK_STATUS(WdfObjectAllocateContext(o, &a, (PVOID *)&again), STATUS_OBJECT_NAME_EXISTS);
    CHECK(again == other);
    CHECK(WdfObjectContextGetObject(other) == o);
    a.Size = 8;
    CHECK_STATUS(WdfObjectAllocateContext(o, &a, (PVOID *)&again), STATUS_INFO_LENGTH_MISMATCH);
    CHECK_STATUS(WdfObjectCreate(&a, &p), STATUS_INFO_LENGTH_MISMATCH);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, OTHER);
    a.ContextSizeOverride = 4;
    CHECK_STATUS(WdfObjectCreate(&a, &p), STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    a.ContextSizeOverride = 100;
    CHECK_STATUS(WdfObjectCreate(&a, &p), STATUS_SUCCESS);
    WdfObjectDelete(p);
    WdfObjectDelete(o);
    CHECK(Was("aA"));
}

static VOID Parents(PCONTRACT t)
{
    WDFOBJECT root, child, grandchild, second;
    Forget();
    CHECK_STATUS(Make(NULL, 0, &root), STATUS_SUCCESS);
    CHECK_STATUS(Make(root, 1, &child), STATUS_SUCCESS);
    CHECK_STATUS(Make(child, 2, &grandchild), STATUS_SUCCESS);
    CHECK_STATUS(Make(root, 3, &second), STATUS_SUCCESS);
    WdfObjectDelete(second);
    CHECK(Was("dD"));
    Forget();
    WdfObjectDelete(root);
    CHECK_EQ(OrderUsed, 6);
    /* The children's clean-up comes before the parent's, and every clean-up of a tree before its root's destruction. */
    CHECK(Order[0] == 'c' && Order[1] == 'b');
    CHECK(strchr(Order, 'a') < strchr(Order, 'A') && strchr(Order, 'b') < strchr(Order, 'a') && strchr(Order, 'c') < strchr(Order, 'C'));
}

static VOID References(PCONTRACT t)
{
    WDFOBJECT o;
    Forget();
    CHECK_STATUS(Make(NULL, 0, &o), STATUS_SUCCESS);
    WdfObjectReference(o);
    WdfObjectReferenceWithTag(o, (PVOID)'tag ');
    WdfObjectDelete(o);
    CHECK(Was("a"));
    CHECK_EQ(NoteOf(o)->Magic, 0x4E4F5445); /* the context stays */
    WdfObjectDereference(o);
    CHECK(Was("a"));
    WdfObjectDereferenceWithTag(o, (PVOID)'tag ');
    CHECK(Was("aA"));
}

static VOID Memories(PCONTRACT t)
{
    WDFMEMORY m, pre;
    PUCHAR buffer = NULL;
    UCHAR own[32], copy[32];
    size_t size = 0;
    CHECK_STATUS(WdfMemoryCreate(WDF_NO_OBJECT_ATTRIBUTES, NonPagedPoolNx, KMDF_TAG, 0, &m, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(WdfMemoryCreate(WDF_NO_OBJECT_ATTRIBUTES, NonPagedPoolNx, KMDF_TAG, 24, &m, (PVOID *)&buffer), STATUS_SUCCESS);
    CHECK(WdfMemoryGetBuffer(m, &size) == buffer);
    CHECK_EQ(size, 24);
    for (ULONG i = 0; i < 32; i++)
        own[i] = (UCHAR)i;
    CHECK_STATUS(WdfMemoryCopyFromBuffer(m, 4, own, 20), STATUS_SUCCESS);
    CHECK_EQ(buffer[4], 0);
    CHECK_EQ(buffer[23], 19);
    CHECK_STATUS(WdfMemoryCopyFromBuffer(m, 5, own, 20), STATUS_BUFFER_TOO_SMALL);
    CHECK_STATUS(WdfMemoryCopyToBuffer(m, 23, copy, 1), STATUS_SUCCESS);
    CHECK_EQ(copy[0], 19);
    CHECK_STATUS(WdfMemoryCopyToBuffer(m, 24, copy, 1), STATUS_BUFFER_TOO_SMALL);
    CHECK_STATUS(WdfMemoryCopyToBuffer(m, 0, copy, 0), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(WdfMemoryAssignBuffer(m, own, 8), STATUS_INVALID_DEVICE_REQUEST);
    WdfObjectDelete(m);
    CHECK_STATUS(WdfMemoryCreatePreallocated(WDF_NO_OBJECT_ATTRIBUTES, own, 16, &pre), STATUS_SUCCESS);
    CHECK(WdfMemoryGetBuffer(pre, &size) == own && size == 16);
    CHECK_STATUS(WdfMemoryAssignBuffer(pre, copy, 0), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(WdfMemoryAssignBuffer(pre, copy, 12), STATUS_SUCCESS);
    CHECK(WdfMemoryGetBuffer(pre, &size) == copy && size == 12);
    WdfObjectDelete(pre);
}

static VOID Lookasides(PCONTRACT t)
{
    WDFLOOKASIDE list;
    WDFMEMORY m;
    size_t size = 0;
    CHECK_STATUS(WdfLookasideListCreate(WDF_NO_OBJECT_ATTRIBUTES, 0, NonPagedPoolNx, WDF_NO_OBJECT_ATTRIBUTES, KMDF_TAG, &list), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(WdfLookasideListCreate(WDF_NO_OBJECT_ATTRIBUTES, 40, NonPagedPoolNx, WDF_NO_OBJECT_ATTRIBUTES, KMDF_TAG, &list), STATUS_SUCCESS);
    CHECK_STATUS(WdfMemoryCreateFromLookaside(list, &m), STATUS_SUCCESS);
    CHECK(WdfMemoryGetBuffer(m, &size) != NULL && size == 40);
    WdfObjectDelete(m);
    WdfObjectDelete(list);
}

static VOID Strings(PCONTRACT t)
{
    DECLARE_CONST_UNICODE_STRING(text, L"framework");
    UNICODE_STRING got;
    WDFSTRING s, empty;
    CHECK_STATUS(WdfStringCreate(&text, WDF_NO_OBJECT_ATTRIBUTES, &s), STATUS_SUCCESS);
    WdfStringGetUnicodeString(s, &got);
    CHECK(RtlEqualUnicodeString(&text, &got, FALSE) && got.Buffer != text.Buffer);
    CHECK_STATUS(WdfStringCreate(NULL, WDF_NO_OBJECT_ATTRIBUTES, &empty), STATUS_SUCCESS);
    WdfStringGetUnicodeString(empty, &got);
    CHECK_EQ(got.Length, 0);
    CHECK_STATUS(WdfDriverRetrieveVersionString(KmdfDriver, empty), STATUS_SUCCESS);
    CHECK_STATUS(WdfDriverRegisterTraceInfo(WdfDriverWdmGetDriverObject(KmdfDriver), NULL, NULL), STATUS_NOT_SUPPORTED);
    WdfStringGetUnicodeString(empty, &got);
    CHECK(got.Length > 10);
    CHECK_STATUS(WdfDeviceRetrieveDeviceName(KmdfDevice, empty), STATUS_SUCCESS);
    WdfStringGetUnicodeString(empty, &got);
    CHECK(got.Buffer[0] == L'\\' && got.Buffer[1] == L'D');
    WdfObjectDelete(empty);
    WdfObjectDelete(s);
}

static VOID Collections(PCONTRACT t)
{
    WDFCOLLECTION c;
    WDFOBJECT o[3];
    Forget();
    CHECK_STATUS(WdfCollectionCreate(WDF_NO_OBJECT_ATTRIBUTES, &c), STATUS_SUCCESS);
    CHECK(WdfCollectionGetFirstItem(c) == NULL && WdfCollectionGetLastItem(c) == NULL && WdfCollectionGetItem(c, 0) == NULL);
    for (ULONG i = 0; i < 3; i++) {
        CHECK_STATUS(Make(NULL, i, &o[i]), STATUS_SUCCESS);
        CHECK_STATUS(WdfCollectionAdd(c, o[i]), STATUS_SUCCESS);
    }
    CHECK_EQ(WdfCollectionGetCount(c), 3);
    CHECK(WdfCollectionGetItem(c, 1) == o[1] && WdfCollectionGetFirstItem(c) == o[0] && WdfCollectionGetLastItem(c) == o[2]);
    WdfObjectDelete(o[0]); /* the collection's reference keeps it */
    CHECK(Was("a"));
    WdfCollectionRemove(c, o[0]);
    CHECK(Was("aA"));
    WdfCollectionRemoveItem(c, 0);
    CHECK_EQ(WdfCollectionGetCount(c), 1);
    CHECK(WdfCollectionGetFirstItem(c) == o[2]);
    WdfObjectDelete(c);
    WdfObjectDelete(o[1]);
    WdfObjectDelete(o[2]);
    CHECK_EQ(OrderUsed, 6);
}

/* ---- locks ---- */

static VOID Locks(PCONTRACT t)
{
    WDFSPINLOCK spin;
    WDFWAITLOCK wait;
    LONGLONG none = 0;
    CHECK_STATUS(WdfSpinLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &spin), STATUS_SUCCESS);
    WdfSpinLockAcquire(spin);
    CHECK_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    WdfSpinLockRelease(spin);
    CHECK_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    WdfObjectDelete(spin);
    CHECK_STATUS(WdfWaitLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &wait), STATUS_SUCCESS);
    CHECK_STATUS(WdfWaitLockAcquire(wait, NULL), STATUS_SUCCESS);
    CHECK(KeAreApcsDisabled());
    WdfWaitLockRelease(wait);
    CHECK_STATUS(WdfWaitLockAcquire(wait, &none), STATUS_SUCCESS);
    WdfWaitLockRelease(wait);
    WdfObjectDelete(wait);
}

/* ---- timers, DPCs, work items ---- */

static LONG Ran;
static KIRQL RanAt;
static PVOID RanParent;
static EVT_WDF_TIMER TimerRan;
static EVT_WDF_DPC DpcRan;
static EVT_WDF_WORKITEM WorkRan;

static VOID TimerRan(WDFTIMER Timer)
{
    RanAt = KeGetCurrentIrql();
    RanParent = WdfTimerGetParentObject(Timer);
    InterlockedIncrement(&Ran);
}

static VOID DpcRan(WDFDPC Dpc)
{
    RanAt = KeGetCurrentIrql();
    RanParent = WdfDpcGetParentObject(Dpc);
    InterlockedIncrement(&Ran);
}

static VOID WorkRan(WDFWORKITEM Item)
{
    RanAt = KeGetCurrentIrql();
    RanParent = WdfWorkItemGetParentObject(Item);
    InterlockedIncrement(&Ran);
}

static VOID Timers(PCONTRACT t)
{
    WDF_TIMER_CONFIG config;
    WDF_OBJECT_ATTRIBUTES a;
    WDFTIMER timer;
    WDF_TIMER_CONFIG_INIT(&config, TimerRan);
    CHECK_STATUS(WdfTimerCreate(&config, WDF_NO_OBJECT_ATTRIBUTES, &timer), STATUS_WDF_PARENT_NOT_SPECIFIED);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = KmdfDriver;
    CHECK_STATUS(WdfTimerCreate(&config, &a, &timer), STATUS_INVALID_DEVICE_REQUEST);
    a.ParentObject = KmdfDevice;
    config.Size = 4;
    CHECK_STATUS(WdfTimerCreate(&config, &a, &timer), STATUS_INFO_LENGTH_MISMATCH);
    WDF_TIMER_CONFIG_INIT(&config, TimerRan);
    CHECK_STATUS(WdfTimerCreate(&config, &a, &timer), STATUS_SUCCESS);
    Ran = 0;
    CHECK(!WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(20)));
    CHECK(WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(30)));
    KmdfSleep(100);
    CHECK_EQ(Ran, 1);
    CHECK_EQ(RanAt, DISPATCH_LEVEL);
    CHECK(RanParent == KmdfDevice);
    CHECK(!WdfTimerStop(timer, TRUE));
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_SEC(5));
    CHECK(WdfTimerStop(timer, FALSE));
    KmdfSleep(6000);
    CHECK_EQ(Ran, 1);
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_SEC(5));
    WdfObjectDelete(timer); /* stops it */
    KmdfSleep(6000);
    CHECK_EQ(Ran, 1);
    WDF_TIMER_CONFIG_INIT_PERIODIC(&config, TimerRan, 10);
    CHECK_STATUS(WdfTimerCreate(&config, &a, &timer), STATUS_SUCCESS);
    Ran = 0;
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(10));
    KmdfSleep(55);
    CHECK(WdfTimerStop(timer, TRUE));
    CHECK(Ran >= 4 && Ran <= 6);
    WdfObjectDelete(timer);
    /* at PASSIVE_LEVEL, without serialization since the device's callbacks run at DISPATCH_LEVEL */
    WDF_TIMER_CONFIG_INIT(&config, TimerRan);
    config.AutomaticSerialization = FALSE;
    a.ExecutionLevel = WdfExecutionLevelPassive;
    CHECK_STATUS(WdfTimerCreate(&config, &a, &timer), STATUS_SUCCESS);
    Ran = 0;
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(10));
    KmdfSleep(50);
    CHECK_EQ(Ran, 1);
    CHECK_EQ(RanAt, PASSIVE_LEVEL);
    WdfObjectDelete(timer);
}

static VOID Dpcs(PCONTRACT t)
{
    WDF_DPC_CONFIG config;
    WDF_OBJECT_ATTRIBUTES a;
    WDFDPC dpc;
    KIRQL irql;
    WDF_DPC_CONFIG_INIT(&config, DpcRan);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    CHECK_STATUS(WdfDpcCreate(&config, &a, &dpc), STATUS_WDF_PARENT_NOT_SPECIFIED);
    a.ParentObject = KmdfDevice;
    CHECK_STATUS(WdfDpcCreate(&config, &a, &dpc), STATUS_SUCCESS);
    Ran = 0;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CHECK(WdfDpcEnqueue(dpc));
    CHECK(!WdfDpcEnqueue(dpc));
    CHECK(WdfDpcCancel(dpc, FALSE));
    CHECK(WdfDpcEnqueue(dpc));
    KeLowerIrql(irql);
    KeFlushQueuedDpcs();
    CHECK_EQ(Ran, 1);
    CHECK_EQ(RanAt, DISPATCH_LEVEL);
    CHECK(RanParent == KmdfDevice);
    CHECK(!WdfDpcCancel(dpc, TRUE));
    CHECK(WdfDpcWdmGetDpc(dpc) != NULL);
    WdfObjectDelete(dpc);
}

static VOID WorkItems(PCONTRACT t)
{
    WDF_WORKITEM_CONFIG config;
    WDF_OBJECT_ATTRIBUTES a;
    WDFWORKITEM item;
    WDF_WORKITEM_CONFIG_INIT(&config, WorkRan);
    config.AutomaticSerialization = FALSE;
    CHECK_STATUS(WdfWorkItemCreate(&config, WDF_NO_OBJECT_ATTRIBUTES, &item), STATUS_WDF_PARENT_NOT_SPECIFIED);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = KmdfDevice;
    CHECK_STATUS(WdfWorkItemCreate(&config, &a, &item), STATUS_SUCCESS);
    Ran = 0;
    WdfWorkItemEnqueue(item);
    WdfWorkItemFlush(item);
    CHECK_EQ(Ran, 1);
    CHECK_EQ(RanAt, PASSIVE_LEVEL);
    CHECK(RanParent == KmdfDevice);
    WdfWorkItemEnqueue(item);
    WdfObjectDelete(item); /* waits for it */
    CHECK_EQ(Ran, 2);
}

/* ---- registry ---- */

static VOID Registry(PCONTRACT t)
{
    DECLARE_CONST_UNICODE_STRING(number, L"Number");
    DECLARE_CONST_UNICODE_STRING(text, L"Text");
    DECLARE_CONST_UNICODE_STRING(none, L"None");
    DECLARE_CONST_UNICODE_STRING(sub, L"Sub");
    DECLARE_CONST_UNICODE_STRING(value, L"some text");
    DECLARE_UNICODE_STRING_SIZE(got, 32);
    WDFKEY key, child;
    WDFSTRING string;
    WDFMEMORY memory;
    UNICODE_STRING u;
    ULONG v = 0, type = 0, length = 0;
    USHORT bytes = 0;
    CHECK(WdfDriverGetRegistryPath(KmdfDriver) != NULL);
    CHECK_STATUS(WdfDriverOpenParametersRegistryKey(KmdfDriver, KEY_ALL_ACCESS, WDF_NO_OBJECT_ATTRIBUTES, &key), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryQueryULong(key, &number, &v), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS(WdfRegistryAssignULong(key, &number, 77), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryQueryULong(key, &number, &v), STATUS_SUCCESS);
    CHECK_EQ(v, 77);
    CHECK_STATUS(WdfRegistryAssignUnicodeString(key, &text, &value), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryQueryULong(key, &text, &v), STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS(WdfRegistryQueryUnicodeString(key, &text, &bytes, &got), STATUS_SUCCESS);
    CHECK(RtlEqualUnicodeString(&got, &value, FALSE));
    CHECK_STATUS(WdfStringCreate(NULL, WDF_NO_OBJECT_ATTRIBUTES, &string), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryQueryString(key, &text, string), STATUS_SUCCESS);
    WdfStringGetUnicodeString(string, &u);
    CHECK(RtlEqualUnicodeString(&u, &value, FALSE));
    CHECK_STATUS(WdfRegistryQueryString(key, &number, string), STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS(WdfRegistryQueryValue(key, &number, sizeof v, &v, &length, &type), STATUS_SUCCESS);
    CHECK(length == 4 && type == REG_DWORD && v == 77);
    CHECK_STATUS(WdfRegistryQueryValue(key, &text, 2, &v, &length, &type), STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(length, value.Length + 2);
    CHECK_STATUS(WdfRegistryQueryMemory(key, &text, PagedPool, WDF_NO_OBJECT_ATTRIBUTES, &memory, &type), STATUS_SUCCESS);
    CHECK_EQ(type, REG_SZ);
    WdfObjectDelete(memory);
    CHECK_STATUS(WdfRegistryQueryMemory(key, &none, PagedPool, WDF_NO_OBJECT_ATTRIBUTES, &memory, &type), STATUS_OBJECT_NAME_NOT_FOUND);
    v = 5;
    CHECK_STATUS(WdfRegistryAssignValue(key, &number, REG_BINARY, 4, &v), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryQueryULong(key, &number, &v), STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS(WdfRegistryAssignString(key, &none, string), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryRemoveValue(key, &none), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryRemoveValue(key, &none), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS(WdfRegistryOpenKey(key, &sub, KEY_READ, WDF_NO_OBJECT_ATTRIBUTES, &child), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS(WdfRegistryCreateKey(key, &sub, KEY_ALL_ACCESS, REG_OPTION_NON_VOLATILE, NULL, WDF_NO_OBJECT_ATTRIBUTES, &child), STATUS_SUCCESS);
    CHECK(WdfRegistryWdmGetHandle(child) != NULL);
    CHECK_STATUS(WdfRegistryRemoveKey(child), STATUS_SUCCESS);
    CHECK_STATUS(WdfRegistryOpenKey(key, &sub, KEY_READ, WDF_NO_OBJECT_ATTRIBUTES, &child), STATUS_OBJECT_NAME_NOT_FOUND);
    WdfRegistryRemoveValue(key, &number);
    WdfRegistryRemoveValue(key, &text);
    WdfObjectDelete(string);
    WdfRegistryClose(key);
}

static VOID Driver(PCONTRACT t)
{
    WDF_DRIVER_VERSION_AVAILABLE_PARAMS p;
    WDF_DRIVER_CONFIG config;
    UNICODE_STRING path;
    WDF_DRIVER_VERSION_AVAILABLE_PARAMS_INIT(&p, 1, 9);
    CHECK(WdfDriverIsVersionAvailable(KmdfDriver, &p));
    p.MinorVersion = 1000;
    CHECK(!WdfDriverIsVersionAvailable(KmdfDriver, &p));
    CHECK(WdfGetDriver() == KmdfDriver);
    CHECK(WdfWdmDriverGetWdfDriverHandle(WdfDriverWdmGetDriverObject(KmdfDriver)) == KmdfDriver);
    RtlInitUnicodeString(&path, WdfDriverGetRegistryPath(KmdfDriver));
    WDF_DRIVER_CONFIG_INIT(&config, WDF_NO_EVENT_CALLBACK);
    config.DriverInitFlags = WdfDriverInitNonPnpDriver;
    CHECK_STATUS(WdfDriverCreate(WdfDriverWdmGetDriverObject(KmdfDriver), &path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE), STATUS_DRIVER_INTERNAL_ERROR);
    config.Size = 5;
    CHECK_STATUS(WdfDriverCreate(WdfDriverWdmGetDriverObject(KmdfDriver), &path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE), STATUS_INFO_LENGTH_MISMATCH);
    CHECK(WdfDeviceGetDriver(KmdfDevice) == KmdfDriver);
    CHECK(WdfWdmDeviceGetWdfDeviceHandle(WdfDeviceWdmGetDeviceObject(KmdfDevice)) == KmdfDevice);
    CHECK(WdfDeviceWdmGetAttachedDevice(KmdfDevice) == NULL && WdfDeviceWdmGetPhysicalDevice(KmdfDevice) == NULL);
    CHECK(WdfDeviceGetIoTarget(KmdfDevice) == NULL);
}

const KMDF_TEST KmdfTests[] = {
    { "driver", Driver },       { "contexts", Contexts },       { "parents", Parents },   { "references", References }, { "memory", Memories },
    { "look-aside lists", Lookasides }, { "strings", Strings }, { "collections", Collections }, { "locks", Locks },     { "timers", Timers },
    { "DPCs", Dpcs },           { "work items", WorkItems },    { "registry", Registry },
};
const ULONG KmdfTestCount = RTL_NUMBER_OF(KmdfTests);
