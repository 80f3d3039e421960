/* WDFDRIVER: creation, AddDevice, unload, version queries. */
#include "fx.h"

#include <ntstrsafe.h>

const char FxDriverExtensionId = 0;

FXM(NTSTATUS, FxDevice, Dispatch, (DEVICE_OBJECT * d, IRP *irp));
FXM(NTSTATUS, FxDevice, DispatchWithLock, (DEVICE_OBJECT * d, IRP *irp));
FXM(NTSTATUS, FxDriver, AddDevice, (DRIVER_OBJECT * driver, DEVICE_OBJECT *pdo));
FXM(void, FxDriver, Unload, (DRIVER_OBJECT * driver));

static FxDriver *driver_of(DRIVER_OBJECT *d)
{
    FxDriver **x = IoGetDriverObjectExtension(d, (PVOID)&FxDriverExtensionId);
    return x ? *x : NULL;
}

static NTSTATUS add_device(FxDriver *driver, struct WDFDEVICE_INIT *init)
{
    FxGlobals *g = driver->O.Globals;
    NTSTATUS s;
    FX_CALL_R(g, s, driver->Config.EvtDriverDeviceAdd, (WDFDRIVER)FxHandle(driver), init);
    FxDevice *made = init->Created;
    if (NT_SUCCESS(s) && made) {
        made->DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
        s = FxPnpDeviceCreated(made);
    }
    if (!NT_SUCCESS(s)) {
        FXLOG(g, AddDeviceFailed, S64(s));
        BOOLEAN filter = made ? made->D.Filter : init->D.Filter;
        if (made)
            FxDeviceRemove(made);
        return filter ? STATUS_SUCCESS : s; /* DOC: a filter that fails does not stop its stack from being built */
    }
    if (!made)
        FXLOG(g, AddDeviceNone, S64(s));
    return s;
}

NTSTATUS FxDriver_AddDevice(DRIVER_OBJECT *object, DEVICE_OBJECT *pdo)
{
    FxDriver *driver = driver_of(object);
    if (!driver)
        return STATUS_UNSUCCESSFUL;
    struct WDFDEVICE_INIT init;
    RtlZeroMemory(&init, sizeof init);
    init.Globals = driver->O.Globals;
    init.Driver = driver;
    init.Pdo = pdo;
    init.D.Kind = FX_INIT_FDO;
    init.D.IoType = WdfDeviceIoBuffered;
    init.D.DeviceType = FILE_DEVICE_UNKNOWN;
    init.D.Characteristics = FILE_DEVICE_SECURE_OPEN;
    init.D.PowerPageable = TRUE;
    NTSTATUS s = add_device(driver, &init);
    FxInitDataFree(&init.D);
    return s;
}

void FxDriver_Unload(DRIVER_OBJECT *object)
{
    FxDriver *driver = driver_of(object);
    if (!driver)
        return;
    FxGlobals *g = driver->O.Globals;
    FXLOG(g, DriverUnload, P64(FxHandle(driver)));
    if (driver->Config.EvtDriverUnload)
        FX_CALL(g, driver->Config.EvtDriverUnload, (WDFDRIVER)FxHandle(driver));
    FxWaitForDisposals(g);
    g->Driver = NULL;
    FxObject_DeleteObject(FX(driver));
    FxWaitForDisposals(g);
    DRIVER_OBJECT *d = object;
    if (driver_of(d))
        *(FxDriver **)IoGetDriverObjectExtension(d, (PVOID)&FxDriverExtensionId) = NULL;
}

static NTSTATUS driver_check(FxGlobals *g, PWDF_OBJECT_ATTRIBUTES a, PWDF_DRIVER_CONFIG config)
{
    enum { FLAGS_KNOWN = WdfDriverInitNonPnpDriver | WdfDriverInitNoDispatchOverride, SIZE_1_1 = sizeof(WDF_DRIVER_CONFIG) - sizeof(ULONG) * 2 };
    if (config->Size != sizeof *config && config->Size != SIZE_1_1) {
        FXLOG(g, DriverConfigSize, config->Size, sizeof *config, S64(STATUS_INFO_LENGTH_MISMATCH));
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    NTSTATUS s = FxValidateObjectAttributes(g, a, FXA_PARENT_REFUSED);
    if (!NT_SUCCESS(s))
        return s;
    ULONG flags = config->DriverInitFlags;
    if ((flags & ~(ULONG)FLAGS_KNOWN) || (flags == WdfDriverInitNonPnpDriver && config->EvtDriverDeviceAdd)) {
        FXLOG(g, DriverInitFlags, flags, P64(config->EvtDriverDeviceAdd), S64(STATUS_INVALID_PARAMETER));
        return STATUS_INVALID_PARAMETER;
    }
    if (g->Driver) {
        FXLOG(g, DriverTwice, S64(STATUS_DRIVER_INTERNAL_ERROR));
        return STATUS_DRIVER_INTERNAL_ERROR;
    }
    return STATUS_SUCCESS;
}

static void hook_driver_object(FxGlobals *g, FxDriver *d)
{
    DRIVER_OBJECT *object = d->DriverObject;
    ULONG flags = d->Config.DriverInitFlags;
    g->Public.DriverFlags |= flags;
    if (flags & WdfDriverInitNoDispatchOverride) { /* a port driver's miniport: DriverUnload is its own */
        g->Public.DisplaceDriverUnload = d->Config.EvtDriverUnload != NULL;
        return;
    }
    object->DriverExtension->AddDevice = d->Pnp ? FxDriver_AddDevice : NULL;
    object->DriverUnload = d->Pnp || d->Config.EvtDriverUnload ? FxDriver_Unload : NULL;
    g->Public.DisplaceDriverUnload = object->DriverUnload != NULL;
    for (int i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        BOOLEAN locked = i == IRP_MJ_PNP || i == IRP_MJ_POWER || i == IRP_MJ_SYSTEM_CONTROL || i == IRP_MJ_READ || i == IRP_MJ_WRITE ||
                         i == IRP_MJ_DEVICE_CONTROL || i == IRP_MJ_INTERNAL_DEVICE_CONTROL;
        object->MajorFunction[i] = locked ? FxDevice_DispatchWithLock : FxDevice_Dispatch;
    }
}

NTSTATUS imp_WdfDriverCreate(PWDF_DRIVER_GLOBALS G, PDRIVER_OBJECT DriverObject, PCUNICODE_STRING RegistryPath, PWDF_OBJECT_ATTRIBUTES DriverAttributes,
                             PWDF_DRIVER_CONFIG DriverConfig, WDFDRIVER *Driver)
{
    FxGlobals *g = FxGet(G);
    FX_PASSIVE(g);
    FX_NOT_NULL(g, DriverObject);
    FX_NOT_NULL(g, RegistryPath);
    FX_NOT_NULL(g, DriverConfig);
    if (Driver)
        *Driver = NULL;
    NTSTATUS s = driver_check(g, DriverAttributes, DriverConfig);
    if (!NT_SUCCESS(s))
        return s;
    if (DriverConfig->Size == sizeof *DriverConfig && DriverConfig->DriverPoolTag)
        g->Public.DriverTag = DriverConfig->DriverPoolTag;
    FxDriver *d = FxObjectCreate(g, FX_TYPE_DRIVER, sizeof *d, DriverAttributes, &s);
    if (!d)
        return s;
    FxDriver **extension;
    s = IoAllocateDriverObjectExtension(DriverObject, (PVOID)&FxDriverExtensionId, sizeof *extension, (PVOID *)&extension);
    if (s == STATUS_OBJECT_NAME_COLLISION) {
        extension = IoGetDriverObjectExtension(DriverObject, (PVOID)&FxDriverExtensionId);
        s = STATUS_SUCCESS;
    }
    if (!NT_SUCCESS(s)) {
        FxObjectDeleteFromFailedCreate(FX(d));
        return s;
    }
    RtlCopyMemory(&d->Config, DriverConfig, DriverConfig->Size);
    d->O.Flags |= FXO_NO_DELETE | FXO_PASSIVE;
    d->DriverObject = DriverObject;
    d->Pnp = !(DriverConfig->DriverInitFlags & WdfDriverInitNonPnpDriver);
    *extension = d;
    WDFOBJECT h;
    FxObjectCommit(FX(d), DriverAttributes, NULL, &h);
    g->Driver = d;
    g->Public.Driver = (WDFDRIVER)h;
    hook_driver_object(g, d);
    if (Driver)
        *Driver = (WDFDRIVER)h;
    return STATUS_SUCCESS;
}

static FxDriver *driver(PWDF_DRIVER_GLOBALS G, WDFDRIVER Driver)
{
    return FX_OBJ(FxGet(G), Driver, FxDriver, FX_TYPE_DRIVER);
}

PWSTR imp_WdfDriverGetRegistryPath(PWDF_DRIVER_GLOBALS G, WDFDRIVER Driver)
{
    driver(G, Driver);
    return FxGet(G)->RegistryBuffer;
}

PDRIVER_OBJECT imp_WdfDriverWdmGetDriverObject(PWDF_DRIVER_GLOBALS G, WDFDRIVER Driver)
{
    return driver(G, Driver)->DriverObject;
}

WDFDRIVER imp_WdfWdmDriverGetWdfDriverHandle(PWDF_DRIVER_GLOBALS G, PDRIVER_OBJECT DriverObject)
{
    FX_NOT_NULL(FxGet(G), DriverObject);
    FxDriver *d = driver_of(DriverObject);
    return d ? (WDFDRIVER)FxHandle(d) : NULL;
}

NTSTATUS imp_WdfDriverRegisterTraceInfo(PWDF_DRIVER_GLOBALS G, PDRIVER_OBJECT DriverObject, PFN_WDF_TRACE_CALLBACK EvtTraceCallback, PVOID ControlBlock)
{
    return STATUS_NOT_SUPPORTED; /* DOC (public source): whatever is asked for */
}

NTSTATUS imp_WdfDriverRetrieveVersionString(PWDF_DRIVER_GLOBALS G, WDFDRIVER Driver, WDFSTRING String)
{
    extern NTSTATUS FxStringAssign(FxGlobals * g, WDFSTRING s, PCWSTR text);
    driver(G, Driver);
    return FxStringAssign(FxGet(G), String, L"Kernel Mode Driver Framework version 1.33.0");
}

BOOLEAN imp_WdfDriverIsVersionAvailable(PWDF_DRIVER_GLOBALS G, WDFDRIVER Driver, PWDF_DRIVER_VERSION_AVAILABLE_PARAMS P)
{
    FxGlobals *g = FxGet(G);
    driver(G, Driver);
    FX_NOT_NULL(g, P);
    if (P->Size != sizeof *P) {
        FXLOG(g, StructureSize, P64(P), P->Size, sizeof *P, S64(STATUS_INFO_LENGTH_MISMATCH));
        FxVerifierDbgBreakPoint(g, FX(g->Driver), __builtin_return_address(0));
        return FALSE;
    }
    return P->MajorVersion == 1 && P->MinorVersion <= 33;
}

extern NTSTATUS FxRegistryOpen(FxGlobals *g, HANDLE root, const UNICODE_STRING *path, ACCESS_MASK access, BOOLEAN create, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent,
                               WDFKEY *key);

NTSTATUS imp_WdfDriverOpenParametersRegistryKey(PWDF_DRIVER_GLOBALS G, WDFDRIVER Driver, ACCESS_MASK Access, PWDF_OBJECT_ATTRIBUTES Attributes, WDFKEY *Key)
{
    FxGlobals *g = FxGet(G);
    FxDriver *d = driver(G, Driver);
    FX_PASSIVE(g);
    FX_NOT_NULL(g, Key);
    WCHAR text[320];
    UNICODE_STRING path = { 0, sizeof text, text };
    *Key = NULL;
    RtlCopyUnicodeString(&path, &g->RegistryPath);
    NTSTATUS s = RtlAppendUnicodeToString(&path, L"\\Parameters");
    return NT_SUCCESS(s) ? FxRegistryOpen(g, NULL, &path, Access, TRUE, Attributes, FX(d), Key) : s;
}

NTSTATUS imp_WdfDriverOpenPersistentStateRegistryKey(PWDF_DRIVER_GLOBALS G, WDFDRIVER Driver, ACCESS_MASK Access, PWDF_OBJECT_ATTRIBUTES Attributes, WDFKEY *Key)
{
    FxGlobals *g = FxGet(G);
    FxDriver *d = driver(G, Driver);
    FX_PASSIVE(g);
    FX_NOT_NULL(g, Key);
    WCHAR text[320];
    UNICODE_STRING path = { 0, sizeof text, text };
    *Key = NULL;
    RtlCopyUnicodeString(&path, &g->RegistryPath);
    NTSTATUS s = RtlAppendUnicodeToString(&path, L"\\State");
    return NT_SUCCESS(s) ? FxRegistryOpen(g, NULL, &path, Access, TRUE, Attributes, FX(d), Key) : s;
}

VOID imp_WdfDriverMiniportUnload(PWDF_DRIVER_GLOBALS G, WDFDRIVER Driver)
{
    FxGlobals *g = FxGet(G);
    FxDriver *d = driver(G, Driver);
    if (d->Config.EvtDriverUnload)
        FX_CALL(g, d->Config.EvtDriverUnload, Driver);
    FxWaitForDisposals(g);
    g->Driver = NULL;
    *(FxDriver **)IoGetDriverObjectExtension(d->DriverObject, (PVOID)&FxDriverExtensionId) = NULL;
    FxObject_DeleteObject(FX(d));
    FxWaitForDisposals(g);
}

NTSTATUS FxCopyString(FxGlobals *g, UNICODE_STRING *to, const UNICODE_STRING *from)
{
    PWCH buffer = FxPoolAllocate(g, PagedPool, (size_t)from->Length + sizeof(WCHAR), FX_TAG);
    if (!buffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyMemory(buffer, from->Buffer, from->Length);
    FxFreeString(to);
    to->Buffer = buffer;
    to->Length = from->Length;
    to->MaximumLength = (USHORT)(from->Length + sizeof(WCHAR));
    return STATUS_SUCCESS;
}

void FxFreeString(UNICODE_STRING *s)
{
    if (s->Buffer)
        ExFreePoolWithTag(s->Buffer, FX_TAG);
    RtlZeroMemory(s, sizeof *s);
}
