/* What drivers tell the power manager, or ask it, beside power IRPs: that a device or the system is in use, power requests.
 * The machine never goes to sleep by itself; so nothing here has an effect on it. */
#include <string.h>

#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "po/po.h"
#include "sim/door.h"

enum { REQUEST_TAG = 0x52506F50, WAIT_WAKE_FLAG = 1, REQUEST_TYPES = 4 };

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
