/* The library: its entry, its registration with the loader, and the globals of its clients. */
#include "fx.h"
#include "wdfldr.h"

NTSTATUS WdfRegisterLibrary(LDR_LIBRARY_INFO *info, UNICODE_STRING *servicePath, UNICODE_STRING *deviceName);

struct FxLibraryGlobals FxLibraryGlobals;

/* ---- options of a client, Parameters\Wdf of its service ---- */

static HANDLE options_open(const UNICODE_STRING *service)
{
    WCHAR text[320];
    static const WCHAR tail[] = L"\\Parameters\\Wdf";
    UNICODE_STRING path = { 0, sizeof text, text };
    OBJECT_ATTRIBUTES oa;
    HANDLE key = NULL;
    if (service->Length + sizeof tail > sizeof text)
        return NULL;
    RtlCopyMemory(text, service->Buffer, service->Length);
    RtlCopyMemory((PUCHAR)text + service->Length, tail, sizeof tail);
    path.Length = (USHORT)(service->Length + sizeof tail - sizeof(WCHAR));
    InitializeObjectAttributes(&oa, &path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    return NT_SUCCESS(ZwOpenKey(&key, KEY_READ, &oa)) ? key : NULL;
}

static BOOLEAN option(HANDLE key, PCWSTR name, ULONG *value)
{
    UCHAR buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + 8];
    KEY_VALUE_PARTIAL_INFORMATION *info = (PVOID)buffer;
    UNICODE_STRING n;
    ULONG length;
    RtlInitUnicodeString(&n, name);
    if (!key || !NT_SUCCESS(ZwQueryValueKey(key, &n, KeyValuePartialInformation, info, sizeof buffer, &length)) || info->Type != REG_DWORD)
        return FALSE;
    RtlCopyMemory(value, info->Data, sizeof *value);
    return TRUE;
}

static const struct {
    PCWSTR Name;
    USHORT Type;
} tracked[] = {
    { L"WDFDRIVER", FX_TYPE_DRIVER }, { L"WDFDEVICE", FX_TYPE_DEVICE }, { L"WDFQUEUE", FX_TYPE_QUEUE }, { L"WDFREQUEST", FX_TYPE_REQUEST },
    { L"WDFMEMORY", IFX_TYPE_MEMORY }, { L"WDFOBJECT", FX_TYPE_OBJECT }, { L"WDFTIMER", FX_TYPE_TIMER }, { L"WDFWORKITEM", FX_TYPE_WORKITEM },
    { L"WDFDPC", FX_TYPE_DPC }, { L"WDFIOTARGET", FX_TYPE_IO_TARGET }, { L"WDFSPINLOCK", FX_TYPE_SPIN_LOCK }, { L"WDFWAITLOCK", FX_TYPE_WAIT_LOCK },
    { L"WDFINTERRUPT", FX_TYPE_INTERRUPT }, { L"WDFSTRING", FX_TYPE_STRING }, { L"WDFCOLLECTION", FX_TYPE_COLLECTION }, { L"WDFKEY", FX_TYPE_REGKEY },
};

/* TrackHandles: REG_MULTI_SZ of type names, or * for all. */
static void option_track(HANDLE key, FxGlobals *g)
{
    UCHAR buffer[512];
    KEY_VALUE_PARTIAL_INFORMATION *info = (PVOID)buffer;
    UNICODE_STRING n, one, want;
    ULONG length, count = 0;
    RtlInitUnicodeString(&n, L"TrackHandles");
    if (!key || !NT_SUCCESS(ZwQueryValueKey(key, &n, KeyValuePartialInformation, info, sizeof buffer - 4, &length)) ||
        (info->Type != REG_MULTI_SZ && info->Type != REG_SZ))
        return;
    RtlZeroMemory(info->Data + info->DataLength, 4);
    for (PCWSTR at = (PCWSTR)info->Data; *at; at += one.Length / sizeof(WCHAR) + 1) {
        RtlInitUnicodeString(&one, at);
        g->TrackAll |= one.Length == 2 && *at == L'*';
        for (ULONG i = 0; i < RTL_NUMBER_OF(tracked) && count < 16; i++) {
            RtlInitUnicodeString(&want, tracked[i].Name);
            if (RtlEqualUnicodeString(&one, &want, TRUE))
                g->Track[count++] = tracked[i].Type;
        }
    }
}

static ULONG options_read(FxGlobals *g)
{
    HANDLE key = options_open(&g->RegistryPath);
    ULONG v, pages = 1;
    g->AllocateFailCount = -1;
    g->VerifierOn = MmIsDriverVerifying(g->DriverObject) != 0 && g->Minor >= 9;
    if (option(key, L"VerifierOn", &v))
        g->VerifierOn = v != 0;
    if (option(key, L"VerboseOn", &v))
        g->VerboseOn = v != 0;
    g->DbgBreakOnError = g->VerifyOn = g->VerifierOn;
    if (option(key, L"DbgBreakOnError", &v))
        g->DbgBreakOnError = v != 0;
    if (option(key, L"VerifyOn", &v))
        g->VerifyOn = v != 0;
    if (option(key, L"VerifyDownLevel", &v))
        g->VerifyDownLevel = v != 0;
    if (option(key, L"VerifierAllocateFailCount", &v))
        g->AllocateFailCount = (LONG)v;
    option(key, L"LogPages", &pages);
    if (g->VerifierOn)
        option_track(key, g);
    if (key)
        ZwClose(key);
    return pages;
}

/* ---- clients ---- */

/* The service's name, from the last part of its key. */
static void name_client(FxGlobals *g)
{
    USHORT n = g->RegistryPath.Length / sizeof(WCHAR), at = n;
    while (at > 0 && g->RegistryBuffer[at - 1] != L'\\')
        at--;
    for (ULONG i = 0; i + 1 < sizeof g->Public.DriverName && at < n; i++, at++)
        g->Public.DriverName[i] = (CHAR)g->RegistryBuffer[at];
}

/* DOC: the tag is the first four characters of the driver's name, unless they are "WDF"-like; objects carry it. */
static ULONG client_tag(const FxGlobals *g)
{
    ULONG tag = 0;
    for (ULONG i = 0; i < 4; i++)
        tag |= (ULONG)(UCHAR)(g->Public.DriverName[i] ? g->Public.DriverName[i] : ' ') << (8 * i);
    return tag;
}

static const ULONG released[] = { 383, 386, 387, 396, 432, 438, 444, 446, 448, 451, 453, 454, 458 };

static BOOLEAN count_known(ULONG count)
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(released); i++)
        if (released[i] == count)
            return TRUE;
    return FALSE;
}

/* DOC: up to 438 functions (1.13) the client has the array, later a pointer to the library's. */
static void table_fill(LDR_BIND_INFO *info)
{
    if (info->FuncCount <= 438)
        RtlCopyMemory(info->FuncTable, FxFunctions, info->FuncCount * sizeof(PVOID));
    else
        *(const WDFFUNC **)info->FuncTable = FxFunctions;
}

static NTSTATUS register_client(LDR_BIND_INFO *info, PVOID *globals, PVOID *context)
{
    LDR_CLIENT_INFO *client = *context;
    ULONG count = info->FuncCount;
    BOOLEAN newer = FALSE;
    if (count > FX_FUNCTION_COUNT && info->Size >= sizeof(LDR_BIND_INFO2)) {
        newer = TRUE; /* a client of a later version runs with what there is */
        count = FX_FUNCTION_COUNT;
    }
    if (!count_known(count) || !info->FuncTable)
        return STATUS_INVALID_PARAMETER;
    FxGlobals *g = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *g, FX_TAG);
    if (!g)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(g, sizeof *g);
    g->DriverObject = client->DriverObject;
    g->Major = info->Version.Major;
    g->Minor = info->Version.Minor;
    g->Build = info->Version.Build;
    g->FuncCount = count;
    g->RegistryPath = (UNICODE_STRING) { client->RegistryPath->Length, sizeof g->RegistryBuffer, g->RegistryBuffer };
    if (client->RegistryPath->Length >= sizeof g->RegistryBuffer) {
        ExFreePoolWithTag(g, FX_TAG);
        return STATUS_INVALID_PARAMETER;
    }
    RtlCopyMemory(g->RegistryBuffer, client->RegistryPath->Buffer, client->RegistryPath->Length);
    name_client(g);
    g->Public.DriverTag = client_tag(g);
    KeInitializeSpinLock(&g->AllLock);
    KeInitializeSpinLock(&g->DisposeLock);
    InitializeListHead(&g->AllObjects);
    InitializeListHead(&g->DisposeList);
    KeInitializeEvent(&g->DisposeDone, NotificationEvent, TRUE);
    ULONG pages = options_read(g);
    g->DisposeItem = IoAllocateWorkItem(FxLibraryGlobals.Device);
    if (!g->DisposeItem || !FxIFR_Start(g, pages)) {
        if (g->DisposeItem)
            IoFreeWorkItem(g->DisposeItem);
        ExFreePoolWithTag(g, FX_TAG);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (g->VerifyOn)
        g->Public.DriverFlags |= 4; /* WDFVERIFY is live */
    KIRQL irql;
    KeAcquireSpinLock(&FxLibraryGlobals.Lock, &irql);
    InsertTailList(&FxLibraryGlobals.Clients, &g->Entry);
    KeReleaseSpinLock(&FxLibraryGlobals.Lock, irql);
    table_fill(info);
    if (info->Size >= sizeof(LDR_BIND_INFO2)) {
        LDR_BIND_INFO2 *two = (PVOID)info;
        if (two->ClientVersionHigherThanFramework)
            *two->ClientVersionHigherThanFramework = newer || g->Minor > 33;
        if (two->FuncCountPtr)
            *two->FuncCountPtr = FX_FUNCTION_COUNT;
        if (two->StructCountPtr && two->StructTable)
            *two->StructCountPtr = *two->StructCountPtr; /* the client's own sizes stay valid: none has grown here */
    }
    *globals = &g->Public;
    return STATUS_SUCCESS;
}

/* With the verifier on: what the driver made and never deleted. */
static void report_leaks(FxGlobals *g)
{
    if (!g->VerifierOn)
        return;
    for (LIST_ENTRY *e = g->AllObjects.Flink; e != &g->AllObjects; e = e->Flink) {
        FxObject *o = CONTAINING_RECORD(e, FxObject, All);
        FXLOG(g, Leaked, P64(FxHandle(o)), o->Type);
    }
    if (!IsListEmpty(&g->AllObjects)) {
        FxObject *o = CONTAINING_RECORD(g->AllObjects.Flink, FxObject, All);
        FxVerifierKeBugCheck(g, FXBC_OBJECT, (ULONG64)FxHandle(o), (ULONG64)o, 0);
    }
}

static NTSTATUS unregister_client(LDR_BIND_INFO *info, PVOID globals)
{
    FxGlobals *g = FxGet(globals);
    if (g->Driver) /* DriverEntry failed after WdfDriverCreate, or the driver left without unloading */
        FxObject_DeleteObject(FX(g->Driver));
    FxWaitForDisposals(g);
    report_leaks(g);
    KIRQL irql;
    KeAcquireSpinLock(&FxLibraryGlobals.Lock, &irql);
    RemoveEntryList(&g->Entry);
    KeReleaseSpinLock(&FxLibraryGlobals.Lock, irql);
    FxIFR_Stop(g);
    IoFreeWorkItem(g->DisposeItem);
    ExFreePoolWithTag(g, FX_TAG);
    return STATUS_SUCCESS;
}

/* ---- entry ---- */

static LDR_LIBRARY_INFO library = { sizeof library, NULL, NULL, register_client, unregister_client, { 1, 33, 0 } };

static void unload(PDRIVER_OBJECT DriverObject)
{
    if (FxLibraryGlobals.Device)
        IoDeleteDevice(FxLibraryGlobals.Device);
    FxLibraryGlobals.Device = NULL;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\KMDF0");
    KeInitializeSpinLock(&FxLibraryGlobals.Lock);
    InitializeListHead(&FxLibraryGlobals.Clients);
    FxLibraryGlobals.DriverObject = DriverObject;
    NTSTATUS s = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, TRUE, &FxLibraryGlobals.Device);
    if (!NT_SUCCESS(s))
        return s;
    FxLibraryGlobals.Version.dwOSVersionInfoSize = sizeof FxLibraryGlobals.Version;
    RtlGetVersion((PVOID)&FxLibraryGlobals.Version);
    DriverObject->DriverUnload = unload;
    s = WdfRegisterLibrary(&library, RegistryPath, &name);
    if (!NT_SUCCESS(s))
        unload(DriverObject);
    return s;
}
