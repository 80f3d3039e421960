/* Idle detection. A driver registers a device with two times and gets a counter, which it sets to zero (PoSetDeviceBusy) whenever the
 * device is used. When the counter has not been touched for the time, the device gets a set-power request to the state it asked for;
 * it is watched again once it is back in D0.
 *
 * The machine is on mains: the longer time, for performance, counts. DOC: the counter grows once a second; here it is looked at when
 * the time is over. */
#include <string.h>

#include "io/room.h"
#include "ke/exports.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "po/po.h"
#include "sim/door.h"

enum { IDLE_TAG = 0x49506F50, UNTOUCHED = 1 };

struct idle { /* in pool */
    struct idle *next;
    ULONG counter; /* the driver's */
    ULONG seconds;
    DEVICE_OBJECT *device;
    DEVICE_POWER_STATE state;
    bool low; /* the request was sent, the device is not back in D0 */
    KTIMER timer;
    KDPC dpc;
};

static struct idle **list(void)
{
    return po_idle_list();
}

/* Any device of a stack stands for it. */
static const DEVICE_OBJECT *base_of(const DEVICE_OBJECT *d)
{
    while (d->DeviceObjectExtension->AttachedTo)
        d = d->DeviceObjectExtension->AttachedTo;
    return d;
}

static struct idle *find(const DEVICE_OBJECT *device)
{
    struct idle *i = *list();
    while (i && base_of(i->device) != base_of(device))
        i = i->next;
    return i;
}

static void watch(struct idle *i)
{
    LARGE_INTEGER due = { .QuadPart = -10000000ll * i->seconds };
    i->counter = UNTOUCHED;
    KeSetTimer(&i->timer, due, &i->dpc);
}

/* Deferred routine of the timer: reached through its slot in the kernel image. */
void PopIdleTimer(PVOID dpc, struct idle *i, PVOID a, PVOID b)
{
    if (i->counter == 0) {
        watch(i); /* used meanwhile */
        return;
    }
    i->low = true;
    PoRequestPowerIrp(i->device, IRP_MN_SET_POWER, (ULONG)i->state, NULL, NULL, NULL);
}

void po_idle_forget(const DEVICE_OBJECT *device)
{
    for (struct idle **at = list(); at && *at; at = &(*at)->next) {
        struct idle *i = *at;
        if (i->device != device && base_of(i->device) != device)
            continue;
        *at = i->next;
        KeCancelTimer(&i->timer);
        KeRemoveQueueDpc(&i->dpc);
        ex_pool_free(i);
        return;
    }
}

void po_idle_state(const DEVICE_OBJECT *device, ULONG state)
{
    struct idle *i = find(device);
    if (i && i->low && state == PowerDeviceD0) {
        i->low = false;
        watch(i);
    } else if (i && !i->low && state != PowerDeviceD0) {
        i->low = true;
        KeCancelTimer(&i->timer);
    }
}

/* DOC: times of zero end the watching; a second call changes the times. NULL: the device is not watched. */
PVOID PoRegisterDeviceForIdleDetection(DEVICE_OBJECT *device, ULONG conservation, ULONG performance, ULONG state)
{
    enum { DISABLE = -1 };
    struct idle *i = find(device);
    bool off = (conservation == 0 && performance == 0) || performance == (ULONG)DISABLE;
    if (off && i)
        po_idle_forget(i->device);
    if (off || !performance)
        return NULL;
    if (!i) {
        i = ex_pool_alloc(NonPagedPoolNx, sizeof *i, IDLE_TAG);
        memset(i, 0, sizeof *i);
        i->device = device;
        i->next = *list();
        *list() = i;
        KeInitializeTimer(&i->timer);
        KeInitializeDpc(&i->dpc, (PVOID)door_export_address("ntoskrnl.exe", "PopIdleTimer"), i);
    }
    i->seconds = performance;
    i->state = (DEVICE_POWER_STATE)state;
    i->low = false;
    watch(i);
    return &i->counter;
}
