/* The user's switches of the Device Manager ("Allow the computer to turn off this device", "Allow this device to wake the computer"): the WMI blocks
 * MSPower_DeviceEnable and MSPower_DeviceWakeEnable of a device whose driver lets users decide, one BOOLEAN each. */
#include "fx_wmi.h"
#include "machine.h"
#include "power.h"

#include <wdmguid.h>

static BOOLEAN is_idle(const FxWmiInstance *i)
{
    return RtlEqualMemory(&i->Provider->C.Guid, &GUID_POWER_DEVICE_ENABLE, sizeof(GUID));
}

BOOLEAN FxPowerWmiGet(FxWmiInstance *i)
{
    FxDevice *d = i->O.Device;
    return is_idle(i) ? d->M->IdleEnabled : d->M->WakeEnabled;
}

void FxPowerWmiSet(FxWmiInstance *i, BOOLEAN on)
{
    FxDevice *d = i->O.Device;
    if (is_idle(i))
        FxIdleSetState(d, on);
    else
        FxWakeSetState(d, on);
}

NTSTATUS FxPowerWmi(FxDevice *d, const GUID *guid, BOOLEAN wanted)
{
    FxWmiInstance **at = RtlEqualMemory(guid, &GUID_POWER_DEVICE_ENABLE, sizeof *guid) ? (FxWmiInstance **)&d->M->IdleWmi : (FxWmiInstance **)&d->M->WakeWmi;
    WDF_WMI_PROVIDER_CONFIG c;
    if (!*at && !wanted)
        return STATUS_SUCCESS;
    if (!*at) {
        WDF_WMI_PROVIDER_CONFIG_INIT(&c, guid);
        c.MinInstanceBufferSize = sizeof(BOOLEAN);
        NTSTATUS s = FxWmiMakeOwn(d, &c, at);
        if (s == STATUS_OBJECT_NAME_COLLISION) /* DOC (public source): the driver has its own */
            return STATUS_SUCCESS;
        if (!NT_SUCCESS(s))
            return s;
    }
    FxWmiSetRegistered(*at, wanted);
    return STATUS_SUCCESS;
}
