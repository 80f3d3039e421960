/* WDFDEVICE_INIT: what a driver says about a device before it exists. */
#include "fx.h"

typedef PWDFDEVICE_INIT INIT;

struct WDFDEVICE_INIT *FxDeviceInitAllocate(FxGlobals *g, FxDriver *d, enum fx_init_kind kind)
{
    INIT i = FxPoolAllocate(g, NonPagedPoolNx, sizeof *i, FX_TAG);
    if (!i)
        return NULL;
    i->Globals = g;
    i->Driver = d;
    i->Owned = TRUE;
    i->D.Kind = kind;
    i->D.IoType = WdfDeviceIoBuffered;
    i->D.DeviceType = FILE_DEVICE_UNKNOWN;
    i->D.Characteristics = FILE_DEVICE_SECURE_OPEN;
    i->D.PowerPageable = TRUE;
    i->D.DefaultLocale = 0x409;
    return i;
}

static void list_free(FxTextList *l)
{
    while (l) {
        FxTextList *next = l->Next;
        FxFreeString(&l->Text);
        FxFreeString(&l->Location);
        ExFreePoolWithTag(l, FX_TAG);
        l = next;
    }
}

void FxInitDataFree(FxInitData *d)
{
    FxFreeString(&d->Name);
    FxFreeString(&d->Sddl);
    FxFreeString(&d->DeviceId);
    FxFreeString(&d->InstanceId);
    FxFreeString(&d->ContainerId);
    list_free(d->HardwareIds);
    list_free(d->CompatibleIds);
    list_free(d->Texts);
    d->HardwareIds = d->CompatibleIds = d->Texts = NULL;
    while (d->StateCallbacks) {
        FxStateCallback *next = d->StateCallbacks->Next;
        ExFreePoolWithTag(d->StateCallbacks, FX_TAG);
        d->StateCallbacks = next;
    }
    while (d->Preprocess) {
        FxPreprocess *next = d->Preprocess->Next;
        ExFreePoolWithTag(d->Preprocess, FX_TAG);
        d->Preprocess = next;
    }
}

void FxDeviceInitFree(INIT i)
{
    FxInitDataFree(&i->D);
    if (i->Owned)
        ExFreePoolWithTag(i, FX_TAG);
}

VOID imp_WdfDeviceInitFree(PWDF_DRIVER_GLOBALS G, INIT DeviceInit)
{
    FX_NOT_NULL(FxGet(G), DeviceInit);
    FxDeviceInitFree(DeviceInit);
}

#define SIZE_CHECK_V(g, p)                                                                                     \
    do {                                                                                                       \
        if ((p)->Size != sizeof *(p)) {                                                                        \
            FXLOG(g, StructureSize, P64(p), (p)->Size, sizeof *(p), S64(STATUS_INFO_LENGTH_MISMATCH));        \
            FxVerifierDbgBreakPoint(g, FX(g->Driver), __builtin_return_address(0));                            \
            return;                                                                                            \
        }                                                                                                      \
    } while (0)

/* Structures grew at their end over the versions: an older client's shorter one is taken. */
#define COPY_SIZED(g, to, from)                                                                                \
    do {                                                                                                       \
        if ((from)->Size > sizeof(to) || (from)->Size < 8) {                                                   \
            FXLOG(g, StructureSize, P64(from), (from)->Size, sizeof(to), S64(STATUS_INFO_LENGTH_MISMATCH));    \
            FxVerifierDbgBreakPoint(g, FX(g->Driver), __builtin_return_address(0));                            \
            return;                                                                                            \
        }                                                                                                      \
        RtlCopyMemory(&(to), from, (from)->Size);                                                              \
    } while (0)

VOID imp_WdfDeviceInitSetPnpPowerEventCallbacks(PWDF_DRIVER_GLOBALS G, INIT I, PWDF_PNPPOWER_EVENT_CALLBACKS C)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, C);
    COPY_SIZED(g, I->D.Pnp, C);
}

VOID imp_WdfDeviceInitSetPowerPolicyEventCallbacks(PWDF_DRIVER_GLOBALS G, INIT I, PWDF_POWER_POLICY_EVENT_CALLBACKS C)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, C);
    COPY_SIZED(g, I->D.Policy, C);
}

VOID imp_WdfDeviceInitSetPowerPolicyOwnership(PWDF_DRIVER_GLOBALS G, INIT I, BOOLEAN IsPowerPolicyOwner)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    if (I->D.Kind == FX_INIT_PDO && IsPowerPolicyOwner) {
        FXLOG(g, DeviceInitState, P64(I), S64(STATUS_INVALID_DEVICE_STATE));
        return;
    }
    I->D.OwnerSet = TRUE;
    I->D.PowerPolicyOwner = IsPowerPolicyOwner;
}

VOID imp_WdfDeviceInitSetIoType(PWDF_DRIVER_GLOBALS G, INIT I, WDF_DEVICE_IO_TYPE IoType)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    if (IoType == WdfDeviceIoUndefined || IoType > WdfDeviceIoDirect) {
        FXLOG(g, IoTypeInvalid, P64(I), IoType);
        return;
    }
    I->D.IoType = IoType;
}

VOID imp_WdfDeviceInitSetIoTypeEx(PWDF_DRIVER_GLOBALS G, INIT I, PWDF_IO_TYPE_CONFIG C)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, C);
    SIZE_CHECK_V(g, C);
    imp_WdfDeviceInitSetIoType(G, I, C->ReadWriteIoType);
}

VOID imp_WdfDeviceInitSetExclusive(PWDF_DRIVER_GLOBALS G, INIT I, BOOLEAN IsExclusive)
{
    FX_NOT_NULL(FxGet(G), I);
    I->D.Exclusive = IsExclusive;
}

VOID imp_WdfDeviceInitSetPowerNotPageable(PWDF_DRIVER_GLOBALS G, INIT I)
{
    FX_NOT_NULL(FxGet(G), I);
    I->D.PowerPageable = FALSE;
    I->D.PowerSet = TRUE;
}

VOID imp_WdfDeviceInitSetPowerPageable(PWDF_DRIVER_GLOBALS G, INIT I)
{
    FX_NOT_NULL(FxGet(G), I);
    I->D.PowerPageable = TRUE;
    I->D.PowerSet = TRUE;
}

VOID imp_WdfDeviceInitSetPowerInrush(PWDF_DRIVER_GLOBALS G, INIT I)
{
    FX_NOT_NULL(FxGet(G), I);
    I->D.InrushSet = TRUE;
}

VOID imp_WdfDeviceInitSetDeviceType(PWDF_DRIVER_GLOBALS G, INIT I, DEVICE_TYPE DeviceType)
{
    FX_NOT_NULL(FxGet(G), I);
    I->D.DeviceType = DeviceType;
}

NTSTATUS imp_WdfDeviceInitAssignName(PWDF_DRIVER_GLOBALS G, INIT I, PCUNICODE_STRING DeviceName)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_PASSIVE(g);
    if (I->Created)
        return STATUS_INVALID_DEVICE_STATE;
    if (!DeviceName) { /* DOC: clears the name; the system makes one up */
        FxFreeString(&I->D.Name);
        I->D.AutoName = TRUE;
        I->D.HasName = TRUE;
        return STATUS_SUCCESS;
    }
    NTSTATUS s = FxCopyString(g, &I->D.Name, DeviceName);
    I->D.HasName |= NT_SUCCESS(s);
    return s;
}

NTSTATUS imp_WdfDeviceInitAssignSDDLString(PWDF_DRIVER_GLOBALS G, INIT I, PCUNICODE_STRING Sddl)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_PASSIVE(g);
    if (I->Created)
        return STATUS_INVALID_DEVICE_STATE;
    if (!Sddl) {
        FxFreeString(&I->D.Sddl);
        return STATUS_SUCCESS;
    }
    return FxCopyString(g, &I->D.Sddl, Sddl);
}

VOID imp_WdfDeviceInitSetDeviceClass(PWDF_DRIVER_GLOBALS G, INIT I, CONST GUID *DeviceClassGuid)
{
    FX_NOT_NULL(FxGet(G), I);
    FX_NOT_NULL(FxGet(G), DeviceClassGuid);
    I->D.Class = *DeviceClassGuid;
    I->D.HasClass = TRUE;
}

VOID imp_WdfDeviceInitSetCharacteristics(PWDF_DRIVER_GLOBALS G, INIT I, ULONG Characteristics, BOOLEAN OrInValues)
{
    FX_NOT_NULL(FxGet(G), I);
    I->D.Characteristics = OrInValues ? I->D.Characteristics | Characteristics : Characteristics;
}

VOID imp_WdfDeviceInitSetFileObjectConfig(PWDF_DRIVER_GLOBALS G, INIT I, PWDF_FILEOBJECT_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, Config);
    SIZE_CHECK_V(g, Config);
    if (!NT_SUCCESS(FxValidateObjectAttributes(g, Attributes, FXA_PARENT_REFUSED))) {
        FxVerifierDbgBreakPoint(g, FX(g->Driver), __builtin_return_address(0));
        return;
    }
    I->D.File = *Config;
    I->D.HasFile = TRUE;
    RtlZeroMemory(&I->D.FileAttributes, sizeof I->D.FileAttributes);
    if (Attributes)
        I->D.FileAttributes = *Attributes;
}

VOID imp_WdfDeviceInitSetRequestAttributes(PWDF_DRIVER_GLOBALS G, INIT I, PWDF_OBJECT_ATTRIBUTES RequestAttributes)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, RequestAttributes);
    if (!NT_SUCCESS(FxValidateObjectAttributes(g, RequestAttributes, FXA_PARENT_REFUSED))) {
        FxVerifierDbgBreakPoint(g, FX(g->Driver), __builtin_return_address(0));
        return;
    }
    I->D.RequestAttributes = *RequestAttributes;
    I->D.HasRequest = TRUE;
}

static NTSTATUS preprocess_add(FxGlobals *g, INIT I, PFN_WDFDEVICE_WDM_IRP_PREPROCESS evt, UCHAR major, PUCHAR minors, ULONG count)
{
    if (major > IRP_MJ_MAXIMUM_FUNCTION || count > 64)
        return STATUS_INVALID_PARAMETER;
    FxPreprocess *p = FxPoolAllocate(g, NonPagedPoolNx, sizeof *p, FX_TAG);
    if (!p)
        return STATUS_INSUFFICIENT_RESOURCES;
    p->Major = major;
    p->Evt = evt;
    p->AllMinors = count == 0;
    p->MinorCount = count;
    if (count)
        RtlCopyMemory(p->Minors, minors, count);
    FxPreprocess **at = &I->D.Preprocess;
    while (*at)
        at = &(*at)->Next;
    *at = p;
    return STATUS_SUCCESS;
}

NTSTATUS imp_WdfDeviceInitAssignWdmIrpPreprocessCallback(PWDF_DRIVER_GLOBALS G, INIT I, PFN_WDFDEVICE_WDM_IRP_PREPROCESS Evt, UCHAR Major, PUCHAR Minors, ULONG Count)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, (PVOID)Evt);
    if (Count)
        FX_NOT_NULL(g, Minors);
    return preprocess_add(g, I, Evt, Major, Minors, Count);
}

VOID imp_WdfDeviceInitSetIoInCallerContextCallback(PWDF_DRIVER_GLOBALS G, INIT I, PFN_WDF_IO_IN_CALLER_CONTEXT Evt)
{
    FX_NOT_NULL(FxGet(G), I);
    I->D.InCallerContext = Evt;
}

VOID imp_WdfDeviceInitSetRemoveLockOptions(PWDF_DRIVER_GLOBALS G, INIT I, PWDF_REMOVE_LOCK_OPTIONS O)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, O);
    SIZE_CHECK_V(g, O);
    I->D.RemoveLockIo = (O->Flags & WDF_REMOVE_LOCK_OPTION_ACQUIRE_FOR_IO) != 0;
}

VOID imp_WdfDeviceInitSetReleaseHardwareOrderOnFailure(PWDF_DRIVER_GLOBALS G, INIT I, WDF_RELEASE_HARDWARE_ORDER_ON_FAILURE Order)
{
    FX_NOT_NULL(FxGet(G), I);
    I->D.ReleaseHardwareOrder = Order;
}

VOID imp_WdfDeviceInitAllowSelfIoTarget(PWDF_DRIVER_GLOBALS G, INIT I)
{
    FX_NOT_NULL(FxGet(G), I);
    I->D.SelfTarget = TRUE;
}

/* ---- FDO ---- */

VOID imp_WdfFdoInitSetFilter(PWDF_DRIVER_GLOBALS G, INIT I)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    if (I->D.Kind != FX_INIT_FDO) {
        FXLOG(g, DeviceInitState, P64(I), S64(STATUS_INVALID_DEVICE_REQUEST));
        FxVerifierDbgBreakPoint(g, FX(g->Driver), __builtin_return_address(0));
        return;
    }
    I->D.Filter = TRUE;
}

PDEVICE_OBJECT imp_WdfFdoInitWdmGetPhysicalDevice(PWDF_DRIVER_GLOBALS G, INIT I)
{
    FX_NOT_NULL(FxGet(G), I);
    return I->D.Kind == FX_INIT_FDO ? I->Pdo : NULL;
}

VOID imp_WdfFdoInitSetEventCallbacks(PWDF_DRIVER_GLOBALS G, INIT I, PWDF_FDO_EVENT_CALLBACKS C)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, C);
    SIZE_CHECK_V(g, C);
    I->D.FdoEvents = *C;
}

VOID imp_WdfFdoInitSetDefaultChildListConfig(PWDF_DRIVER_GLOBALS G, INIT I, PWDF_CHILD_LIST_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, Config);
    SIZE_CHECK_V(g, Config);
    I->D.ChildList = *Config;
    I->D.HasChildList = TRUE;
    if (Attributes)
        I->D.ChildListAttributes = *Attributes;
}

extern NTSTATUS FxRegistryFromHandle(FxGlobals *g, HANDLE handle, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent, WDFKEY *key);

NTSTATUS imp_WdfFdoInitOpenRegistryKey(PWDF_DRIVER_GLOBALS G, INIT I, ULONG Type, ACCESS_MASK Access, PWDF_OBJECT_ATTRIBUTES Attributes, WDFKEY *Key)
{
    FxGlobals *g = FxGet(G);
    HANDLE h;
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, Key);
    FX_PASSIVE(g);
    *Key = NULL;
    if (I->D.Kind != FX_INIT_FDO)
        return STATUS_INVALID_DEVICE_REQUEST;
    NTSTATUS s = IoOpenDeviceRegistryKey(I->Pdo, Type, Access, &h);
    return NT_SUCCESS(s) ? FxRegistryFromHandle(g, h, Attributes, FX(I->Driver), Key) : s;
}

NTSTATUS imp_WdfFdoInitQueryProperty(PWDF_DRIVER_GLOBALS G, INIT I, DEVICE_REGISTRY_PROPERTY Property, ULONG Length, PVOID Buffer, PULONG Result)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, Result);
    FX_PASSIVE(g);
    if (I->D.Kind != FX_INIT_FDO)
        return STATUS_INVALID_DEVICE_REQUEST;
    return IoGetDeviceProperty(I->Pdo, Property, Length, Buffer, Result);
}

extern NTSTATUS FxMemoryOfProperty(FxGlobals *g, DEVICE_OBJECT *pdo, DEVICE_REGISTRY_PROPERTY property, POOL_TYPE pool, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent,
                                   WDFMEMORY *memory);

NTSTATUS imp_WdfFdoInitAllocAndQueryProperty(PWDF_DRIVER_GLOBALS G, INIT I, DEVICE_REGISTRY_PROPERTY Property, POOL_TYPE PoolType, PWDF_OBJECT_ATTRIBUTES Attributes,
                                             WDFMEMORY *Memory)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, Memory);
    FX_PASSIVE(g);
    *Memory = NULL;
    return I->D.Kind == FX_INIT_FDO ? FxMemoryOfProperty(g, I->Pdo, Property, PoolType, Attributes, FX(I->Driver), Memory) : STATUS_INVALID_DEVICE_REQUEST;
}

/* ---- control devices ---- */

PWDFDEVICE_INIT imp_WdfControlDeviceInitAllocate(PWDF_DRIVER_GLOBALS G, WDFDRIVER Driver, CONST UNICODE_STRING *SDDLString)
{
    FxGlobals *g = FxGet(G);
    FxDriver *d = FX_OBJ(g, Driver, FxDriver, FX_TYPE_DRIVER);
    FX_NOT_NULL(g, SDDLString);
    if (!NT_SUCCESS(FxVerifierCheckIrqlLevel(g, PASSIVE_LEVEL)))
        return NULL;
    INIT i = FxDeviceInitAllocate(g, d, FX_INIT_CONTROL);
    if (i && !NT_SUCCESS(FxCopyString(g, &i->D.Sddl, SDDLString))) {
        FxDeviceInitFree(i);
        return NULL;
    }
    return i;
}

VOID imp_WdfControlDeviceInitSetShutdownNotification(PWDF_DRIVER_GLOBALS G, INIT I, PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION Notification, UCHAR Flags)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, (PVOID)Notification);
    if (I->D.Kind != FX_INIT_CONTROL || (Flags & ~(WdfDeviceShutdown | WdfDeviceLastChanceShutdown)) || !Flags) {
        FXLOG(g, DeviceInitState, P64(I), S64(STATUS_INVALID_PARAMETER));
        return;
    }
    I->D.Shutdown = Notification;
    I->D.ShutdownFlags = Flags;
}

/* ---- PDO ---- */

PWDFDEVICE_INIT imp_WdfPdoInitAllocate(PWDF_DRIVER_GLOBALS G, WDFDEVICE ParentDevice)
{
    FxGlobals *g = FxGet(G);
    FxDevice *p = FX_OBJ(g, ParentDevice, FxDevice, FX_TYPE_DEVICE);
    if (!NT_SUCCESS(FxVerifierCheckIrqlLevel(g, PASSIVE_LEVEL)) || p->Legacy || FxDeviceIsPdo(p))
        return NULL;
    INIT i = FxDeviceInitAllocate(g, p->Driver, FX_INIT_PDO);
    if (i)
        i->Parent = p;
    return i;
}

VOID imp_WdfPdoInitSetEventCallbacks(PWDF_DRIVER_GLOBALS G, INIT I, PWDF_PDO_EVENT_CALLBACKS C)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, C);
    COPY_SIZED(g, I->D.PdoEvents, C);
}

static NTSTATUS list_add(FxGlobals *g, FxTextList **list, PCUNICODE_STRING text, PCUNICODE_STRING location, LCID locale)
{
    FxTextList *l = FxPoolAllocate(g, PagedPool, sizeof *l, FX_TAG);
    if (!l)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS s = FxCopyString(g, &l->Text, text);
    if (NT_SUCCESS(s) && location)
        s = FxCopyString(g, &l->Location, location);
    if (!NT_SUCCESS(s)) {
        list_free(l);
        return s;
    }
    l->Locale = locale;
    while (*list)
        list = &(*list)->Next;
    *list = l;
    return STATUS_SUCCESS;
}

static NTSTATUS pdo_string(PWDF_DRIVER_GLOBALS G, INIT I, UNICODE_STRING *to, PCUNICODE_STRING text)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, text);
    FX_PASSIVE(g);
    if (I->D.Kind != FX_INIT_PDO) {
        FXLOG(g, DeviceInitState, P64(I), S64(STATUS_INVALID_DEVICE_REQUEST));
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    return FxCopyString(g, to, text);
}

NTSTATUS imp_WdfPdoInitAssignDeviceID(PWDF_DRIVER_GLOBALS G, INIT I, PCUNICODE_STRING DeviceID)
{
    return pdo_string(G, I, &I->D.DeviceId, DeviceID);
}

NTSTATUS imp_WdfPdoInitAssignInstanceID(PWDF_DRIVER_GLOBALS G, INIT I, PCUNICODE_STRING InstanceID)
{
    return pdo_string(G, I, &I->D.InstanceId, InstanceID);
}

NTSTATUS imp_WdfPdoInitAssignContainerID(PWDF_DRIVER_GLOBALS G, INIT I, PCUNICODE_STRING ContainerID)
{
    return pdo_string(G, I, &I->D.ContainerId, ContainerID);
}

NTSTATUS imp_WdfPdoInitAddHardwareID(PWDF_DRIVER_GLOBALS G, INIT I, PCUNICODE_STRING HardwareID)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, HardwareID);
    return I->D.Kind == FX_INIT_PDO ? list_add(g, &I->D.HardwareIds, HardwareID, NULL, 0) : STATUS_INVALID_DEVICE_REQUEST;
}

NTSTATUS imp_WdfPdoInitAddCompatibleID(PWDF_DRIVER_GLOBALS G, INIT I, PCUNICODE_STRING CompatibleID)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, CompatibleID);
    return I->D.Kind == FX_INIT_PDO ? list_add(g, &I->D.CompatibleIds, CompatibleID, NULL, 0) : STATUS_INVALID_DEVICE_REQUEST;
}

NTSTATUS imp_WdfPdoInitAddDeviceText(PWDF_DRIVER_GLOBALS G, INIT I, PCUNICODE_STRING Description, PCUNICODE_STRING Location, LCID LocaleId)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, Description);
    FX_NOT_NULL(g, Location);
    return I->D.Kind == FX_INIT_PDO ? list_add(g, &I->D.Texts, Description, Location, LocaleId) : STATUS_INVALID_DEVICE_REQUEST;
}

VOID imp_WdfPdoInitSetDefaultLocale(PWDF_DRIVER_GLOBALS G, INIT I, LCID LocaleId)
{
    FX_NOT_NULL(FxGet(G), I);
    I->D.DefaultLocale = LocaleId;
}

NTSTATUS imp_WdfPdoInitAssignRawDevice(PWDF_DRIVER_GLOBALS G, INIT I, CONST GUID *DeviceClassGuid)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, I);
    FX_NOT_NULL(g, DeviceClassGuid);
    if (I->D.Kind != FX_INIT_PDO)
        return STATUS_INVALID_DEVICE_REQUEST;
    I->D.Raw = TRUE;
    I->D.RawClass = *DeviceClassGuid;
    I->D.HasClass = TRUE;
    I->D.Class = *DeviceClassGuid;
    return STATUS_SUCCESS;
}

VOID imp_WdfPdoInitAllowForwardingRequestToParent(PWDF_DRIVER_GLOBALS G, INIT I)
{
    FX_NOT_NULL(FxGet(G), I);
    I->D.ForwardToParent = TRUE;
}

VOID imp_WdfPdoInitRemovePowerDependencyOnParent(PWDF_DRIVER_GLOBALS G, INIT I)
{
    FX_NOT_NULL(FxGet(G), I);
}
