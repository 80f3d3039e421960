/* Unified device properties. */
#include "fx.h"

static FxDevice *device(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return FX_OBJ(FxGet(G), Device, FxDevice, FX_TYPE_DEVICE);
}

static NTSTATUS usable(FxGlobals *g, FxDevice *d, PWDF_DEVICE_PROPERTY_DATA p)
{
    if (p->Size != sizeof *p) {
        FXLOG(g, StructureSize, P64(p), p->Size, sizeof *p, S64(STATUS_INFO_LENGTH_MISMATCH));
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (!p->PropertyKey)
        return STATUS_INVALID_PARAMETER;
    return d->Legacy || !d->Pdo ? STATUS_INVALID_DEVICE_REQUEST : STATUS_SUCCESS;
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
    return NT_SUCCESS(s) ? IoGetDevicePropertyData(d->Pdo, DeviceProperty->PropertyKey, DeviceProperty->Lcid, DeviceProperty->Flags, BufferLength, PropertyBuffer,
                                                   RequiredSize, Type) : s;
}
