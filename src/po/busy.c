/* What drivers tell the power manager, or ask it, beside power IRPs: that a device or the system is in use, power requests, settings.
 * The machine is on mains, its lid open, its display on, and it never goes to sleep by itself; so nothing here has an effect on it. */
#include <string.h>

#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "po/po.h"
#include "sim/door.h"

enum { SETTING_TAG = 0x53506F50, REQUEST_TAG = 0x52506F50, WAIT_WAKE_FLAG = 1, REQUEST_TYPES = 4 };

void PoSetSystemState(ULONG flags)
{
}

PVOID PoRegisterSystemState(PVOID handle, ULONG flags)
{
    return handle ? handle : ex_pool_alloc(NonPagedPoolNx, 16, REQUEST_TAG);
}

void PoUnregisterSystemState(PVOID handle)
{
    ex_pool_free(handle);
}

void PoStartDeviceBusy(ULONG *idle)
{
}

void PoEndDeviceBusy(ULONG *idle)
{
}

void PoSetDeviceBusyEx(ULONG *idle)
{
    if (idle)
        *idle = 0;
}

/* ---- power requests ---- */

struct power_request {
    LONG counts[REQUEST_TYPES];
    DEVICE_OBJECT *device;
};

NTSTATUS PoCreatePowerRequest(PVOID *request, DEVICE_OBJECT *device, PVOID context)
{
    struct power_request *r = ex_pool_alloc(NonPagedPoolNx, sizeof *r, REQUEST_TAG);
    memset(r, 0, sizeof *r);
    r->device = device;
    *request = r;
    return STATUS_SUCCESS;
}

NTSTATUS PoSetPowerRequest(struct power_request *r, ULONG type)
{
    if (type >= REQUEST_TYPES)
        return STATUS_INVALID_PARAMETER;
    r->counts[type]++;
    return STATUS_SUCCESS;
}

NTSTATUS PoClearPowerRequest(struct power_request *r, ULONG type)
{
    if (type >= REQUEST_TYPES)
        return STATUS_INVALID_PARAMETER;
    if (r->counts[type] == 0)
        return STATUS_UNSUCCESSFUL; /* DOC: cleared more often than set */
    r->counts[type]--;
    return STATUS_SUCCESS;
}

void PoDeletePowerRequest(PVOID request)
{
    ex_pool_free(request);
}

/* ---- settings ---- */

struct setting {
    GUID guid;
    PVOID callback, context;
};

static const struct known {
    GUID guid;
    ULONG value;
} settings[] = {
    { { 0x5D3E9A59, 0xE9D5, 0x4B00, { 0xA6, 0xBD, 0xFF, 0x34, 0xFF, 0x51, 0x65, 0x48 } }, 0 }, /* power source: mains */
    { { 0x02731015, 0x4510, 0x4526, { 0x99, 0xE6, 0xE5, 0xA1, 0x7E, 0xBD, 0x1A, 0xEA } }, 1 }, /* monitor on */
    { { 0x6FE69556, 0x704A, 0x47A0, { 0x8F, 0x24, 0xC2, 0x8D, 0x93, 0x6F, 0xDA, 0x47 } }, 1 }, /* console display on */
    { { 0xBA3E0F4D, 0xB817, 0x4094, { 0xA2, 0xD1, 0xD5, 0x63, 0x79, 0xE6, 0xA0, 0xF3 } }, 1 }, /* lid open */
    { { 0xA7AD8041, 0xB45A, 0x4CAE, { 0x87, 0xA3, 0xEE, 0xCB, 0xB4, 0x68, 0xA9, 0xE1 } }, 100 }, /* battery, percent */
};

/* DOC: the callback is called at once with the setting's present value. */
NTSTATUS PoRegisterPowerSettingCallback(DEVICE_OBJECT *device, const GUID *guid, PVOID callback, PVOID context, PVOID *handle)
{
    struct setting *s = ex_pool_alloc(NonPagedPoolNx, sizeof *s + sizeof(ULONG), SETTING_TAG);
    *s = (struct setting) { *guid, callback, context };
    *handle = s;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (memcmp(&settings[i].guid, guid, sizeof *guid) == 0) {
            *(ULONG *)(s + 1) = settings[i].value;
            guest_call(FRAME_NONE, callback, 4, (uint64_t)&s->guid, (uint64_t)(s + 1), (uint64_t)sizeof(ULONG), (uint64_t)context);
        }
    return STATUS_SUCCESS;
}

NTSTATUS PoUnregisterPowerSettingCallback(PVOID handle)
{
    ex_pool_free(handle);
    return STATUS_SUCCESS;
}

/* ---- waking ---- */

/* DOC: only for IRP_MN_WAIT_WAKE requests. */
static bool is_wake(IRP *irp)
{
    const IO_STACK_LOCATION *sl = io_current_location(irp);
    return sl->MajorFunction == IRP_MJ_POWER && sl->MinorFunction == IRP_MN_WAIT_WAKE;
}

void PoSetSystemWake(IRP *irp)
{
    if (is_wake(irp))
        irp->Flags |= WAIT_WAKE_FLAG << 27; /* GUESS: which bit */
}

ULONG PoGetSystemWake(IRP *irp)
{
    return (irp->Flags & WAIT_WAKE_FLAG << 27) != 0;
}
