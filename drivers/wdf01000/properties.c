/* Unified device properties. */
#include "fx.h"

static FxDevice *device(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return FX_OBJ(FxGet(G), Device, FxDevice, FX_TYPE_DEVICE);
}

static NTSTATUS data_check(FxGlobals *g, const WDF_DEVICE_PROPERTY_DATA *p)
{
    if (p->Size != sizeof *p) {
        FXLOG(g, StructureSize, P64(p), p->Size, sizeof *p, S64(STATUS_INFO_LENGTH_MISMATCH));
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    return p->PropertyKey ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

static NTSTATUS usable(FxGlobals *g, FxDevice *d, const WDF_DEVICE_PROPERTY_DATA *p)
{
    NTSTATUS s = data_check(g, p);
    return !NT_SUCCESS(s) ? s : d->Legacy || !d->Pdo ? STATUS_INVALID_DEVICE_REQUEST : STATUS_SUCCESS;
}

/* A device that is being initialised: only one that stands on a physical device has properties. */
static NTSTATUS init_usable(FxGlobals *g, PWDFDEVICE_INIT i, const WDF_DEVICE_PROPERTY_DATA *p)
{
    NTSTATUS s = data_check(g, p);
    return !NT_SUCCESS(s) ? s : i->D.Kind == FX_INIT_FDO ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST;
}

static NTSTATUS query(DEVICE_OBJECT *pdo, const WDF_DEVICE_PROPERTY_DATA *p, ULONG length, PVOID buffer, PULONG required, PDEVPROPTYPE type)
{
    return IoGetDevicePropertyData(pdo, p->PropertyKey, p->Lcid, p->Flags, length, buffer, required, type);
}

/* The value as a new WDFMEMORY. It may grow between asking for its size and reading it. */
static NTSTATUS query_memory(FxGlobals *g, DEVICE_OBJECT *pdo, const WDF_DEVICE_PROPERTY_DATA *p, POOL_TYPE pool, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent,
                             WDFMEMORY *memory, PDEVPROPTYPE type)
{
    extern NTSTATUS FxMemoryOfBuffer(FxGlobals * g, PWDF_OBJECT_ATTRIBUTES a, FxObject * parent, PVOID buffer, size_t length, ULONG tag, WDFMEMORY * out);
    ULONG size = 0;
    NTSTATUS s = FxValidateObjectAttributes(g, a, FXA_PARENT_OPTIONAL);
    if (NT_SUCCESS(s))
        s = query(pdo, p, 0, NULL, &size, type);
    while (s == STATUS_BUFFER_TOO_SMALL) {
        PVOID buffer = ExAllocatePoolWithTag(pool, size, g->Public.DriverTag);
        if (!buffer)
            return STATUS_INSUFFICIENT_RESOURCES;
        s = query(pdo, p, size, buffer, &size, type);
        if (NT_SUCCESS(s))
            s = FxMemoryOfBuffer(g, a, parent, buffer, size, g->Public.DriverTag, memory);
        if (!NT_SUCCESS(s))
            ExFreePoolWithTag(buffer, g->Public.DriverTag);
    }
    return s;
}

NTSTATUS imp_WdfDeviceAssignProperty(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_DEVICE_PROPERTY_DATA PropertyData, DEVPROPTYPE Type, ULONG Size, PVOID Data)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, PropertyData);
    FX_PASSIVE(g);
    NTSTATUS s = usable(g, d, PropertyData);
    return NT_SUCCESS(s) ? IoSetDevicePropertyData(d->Pdo, PropertyData->PropertyKey, PropertyData->Lcid, PropertyData->Flags, Type, Size, Data) : s;
}

NTSTATUS imp_WdfDeviceQueryPropertyEx(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_DEVICE_PROPERTY_DATA DeviceProperty, ULONG BufferLength, PVOID PropertyBuffer,
                                      PULONG RequiredSize, PDEVPROPTYPE Type)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, DeviceProperty);
    FX_NOT_NULL(g, RequiredSize);
    FX_NOT_NULL(g, Type);
    FX_PASSIVE(g);
    NTSTATUS s = usable(g, d, DeviceProperty);
    return NT_SUCCESS(s) ? query(d->Pdo, DeviceProperty, BufferLength, PropertyBuffer, RequiredSize, Type) : s;
}

NTSTATUS imp_WdfDeviceAllocAndQueryPropertyEx(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_DEVICE_PROPERTY_DATA DeviceProperty, POOL_TYPE PoolType,
                                              PWDF_OBJECT_ATTRIBUTES Attributes, WDFMEMORY *Memory, PDEVPROPTYPE Type)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, DeviceProperty);
    FX_NOT_NULL(g, Memory);
    FX_NOT_NULL(g, Type);
    FX_PASSIVE(g);
    *Memory = NULL;
    NTSTATUS s = usable(g, d, DeviceProperty);
    return NT_SUCCESS(s) ? query_memory(g, d->Pdo, DeviceProperty, PoolType, Attributes, FX(d), Memory, Type) : s;
}

NTSTATUS imp_WdfFdoInitQueryPropertyEx(PWDF_DRIVER_GLOBALS G, PWDFDEVICE_INIT DeviceInit, PWDF_DEVICE_PROPERTY_DATA DeviceProperty, ULONG BufferLength, PVOID PropertyBuffer,
                                       PULONG ResultLength, PDEVPROPTYPE Type)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, DeviceInit);
    FX_NOT_NULL(g, DeviceProperty);
    FX_NOT_NULL(g, ResultLength);
    FX_NOT_NULL(g, Type);
    FX_PASSIVE(g);
    NTSTATUS s = init_usable(g, DeviceInit, DeviceProperty);
    return NT_SUCCESS(s) ? query(DeviceInit->Pdo, DeviceProperty, BufferLength, PropertyBuffer, ResultLength, Type) : s;
}

NTSTATUS imp_WdfFdoInitAllocAndQueryPropertyEx(PWDF_DRIVER_GLOBALS G, PWDFDEVICE_INIT DeviceInit, PWDF_DEVICE_PROPERTY_DATA DeviceProperty, POOL_TYPE PoolType,
                                               PWDF_OBJECT_ATTRIBUTES Attributes, WDFMEMORY *Memory, PDEVPROPTYPE Type)
{
    FxGlobals *g = FxGet(G);
    FX_NOT_NULL(g, DeviceInit);
    FX_NOT_NULL(g, DeviceProperty);
    FX_NOT_NULL(g, Memory);
    FX_NOT_NULL(g, Type);
    FX_PASSIVE(g);
    *Memory = NULL;
    NTSTATUS s = init_usable(g, DeviceInit, DeviceProperty);
    return NT_SUCCESS(s) ? query_memory(g, DeviceInit->Pdo, DeviceProperty, PoolType, Attributes, FX(DeviceInit->Driver), Memory, Type) : s;
}

extern NTSTATUS FxRegistryOpen(FxGlobals *g, HANDLE root, const UNICODE_STRING *path, ACCESS_MASK access, BOOLEAN create, PWDF_OBJECT_ATTRIBUTES a, FxObject *parent,
                               WDFKEY *key);

/* DOC: a key below \\Registry\\Machine\\HARDWARE\\DEVICEMAP, made if it is not there. */
NTSTATUS imp_WdfDeviceOpenDevicemapKey(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PCUNICODE_STRING KeyName, ACCESS_MASK Access, PWDF_OBJECT_ATTRIBUTES Attributes, WDFKEY *Key)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, KeyName);
    FX_NOT_NULL(g, Key);
    FX_PASSIVE(g);
    WCHAR text[260];
    UNICODE_STRING path = { 0, sizeof text, text };
    *Key = NULL;
    NTSTATUS s = FxValidateObjectAttributes(g, Attributes, FXA_PARENT_OPTIONAL);
    if (NT_SUCCESS(s))
        s = RtlAppendUnicodeToString(&path, L"\\Registry\\Machine\\HARDWARE\\DEVICEMAP\\");
    if (NT_SUCCESS(s))
        s = RtlAppendUnicodeStringToString(&path, KeyName);
    return NT_SUCCESS(s) ? FxRegistryOpen(g, NULL, &path, Access, TRUE, Attributes, FX(d), Key) : s;
}
