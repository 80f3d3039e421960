/* What a driver says about its device to plug and play, and asks: capabilities, state, failure, special files, bus. */
#include "fx.h"
#include "power.h"

static FxDevice *device(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return FX_OBJ(FxGet(G), Device, FxDevice, FX_TYPE_DEVICE);
}

static BOOLEAN has_size(FxGlobals *g, FxDevice *d, const void *structure, ULONG size, ULONG expected, PVOID caller)
{
    if (size == expected)
        return TRUE;
    FXLOG(g, StructureSize, P64(structure), size, expected, S64(STATUS_INFO_LENGTH_MISMATCH));
    FxVerifierDbgBreakPoint(g, FX(d), caller);
    return FALSE;
}

VOID imp_WdfDeviceSetPnpCapabilities(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_DEVICE_PNP_CAPABILITIES C)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, C);
    if (!has_size(g, d, C, C->Size, sizeof *C, __builtin_return_address(0)))
        return;
    d->PnpCaps = *C;
    d->HasPnpCaps = TRUE;
}

VOID imp_WdfDeviceSetPowerCapabilities(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_DEVICE_POWER_CAPABILITIES C)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, C);
    if (!has_size(g, d, C, C->Size, sizeof *C, __builtin_return_address(0)))
        return;
    d->PowerCaps = *C;
    d->HasPowerCaps = TRUE;
}

VOID imp_WdfDeviceGetDeviceState(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_DEVICE_STATE S)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, S);
    if (S->Size != sizeof *S)
        return;
    if (d->DeviceState.Size) {
        *S = d->DeviceState;
        return;
    }
    S->Disabled = S->DontDisplayInUI = S->Failed = S->NotDisableable = S->Removed = S->ResourcesChanged = WdfUseDefault;
}

VOID imp_WdfDeviceSetDeviceState(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PWDF_DEVICE_STATE S)
{
    FxGlobals *g = FxGet(G);
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(g, S);
    if (!has_size(g, d, S, S->Size, sizeof *S, __builtin_return_address(0)))
        return;
    d->DeviceState = *S;
    if (d->Pdo)
        IoInvalidateDeviceState(d->Pdo);
}

VOID imp_WdfDeviceSetFailed(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, WDF_DEVICE_FAILED_ACTION FailedAction)
{
    FxDevice *d = device(G, Device);
    if (FailedAction == WdfDeviceFailedUndefined || FailedAction > WdfDeviceFailedNoRestart)
        return;
    FxDeviceFail(d, FailedAction);
}

VOID imp_WdfDeviceSetStaticStopRemove(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, BOOLEAN Stoppable)
{
    device(G, Device)->StaticStopRemove = !Stoppable;
}

VOID imp_WdfDeviceSetSpecialFileSupport(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, WDF_SPECIAL_FILE_TYPE FileType, BOOLEAN Supported)
{
    FxDevice *d = device(G, Device);
    if ((ULONG)FileType < 8)
        d->UsageSupported[FileType] = Supported;
}

VOID imp_WdfDeviceSetBusInformationForChildren(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device, PPNP_BUS_INFORMATION B)
{
    FxDevice *d = device(G, Device);
    FX_NOT_NULL(FxGet(G), B);
    d->BusInformation = *B;
    d->HasBusInformation = TRUE;
}

POWER_ACTION imp_WdfDeviceGetSystemPowerAction(PWDF_DRIVER_GLOBALS G, WDFDEVICE Device)
{
    return device(G, Device)->SystemAction;
}
