/* Device queues: a list of requests for a device that does one at a time. Insert answers FALSE and marks the queue busy if the
 * caller may start its entry at once; remove marks it idle when it finds nothing. Each call is atomic, as NT's lock makes it. */
#include "ke/private.h"
#include "sim/access.h"

static KDEVICE_QUEUE_ENTRY *entry_of(LIST_ENTRY *e)
{
    return LIST_ITEM(e, KDEVICE_QUEUE_ENTRY, DeviceListEntry);
}

void KeInitializeDeviceQueue(KDEVICE_QUEUE *q)
{
    q->Type = DeviceQueueObject;
    q->Size = sizeof *q;
    q->Lock = 0;
    q->BusyAndHint = 0;
    list_init(&q->DeviceListHead);
}

static BOOLEAN insert(KDEVICE_QUEUE *q, LIST_ENTRY *before, KDEVICE_QUEUE_ENTRY *e)
{
    sim_access((uint64_t)q, SIM_WRITE);
    e->Inserted = q->Busy;
    if (q->Busy)
        list_insert_before(before, &e->DeviceListEntry);
    q->Busy = TRUE;
    return e->Inserted;
}

BOOLEAN KeInsertDeviceQueue(KDEVICE_QUEUE *q, KDEVICE_QUEUE_ENTRY *e)
{
    return insert(q, &q->DeviceListHead, e);
}

BOOLEAN KeInsertByKeyDeviceQueue(KDEVICE_QUEUE *q, KDEVICE_QUEUE_ENTRY *e, ULONG key)
{
    LIST_ENTRY *at = q->DeviceListHead.Flink;
    while (at != &q->DeviceListHead && entry_of(at)->SortKey <= key)
        at = at->Flink;
    e->SortKey = key;
    return insert(q, at, e);
}

static KDEVICE_QUEUE_ENTRY *take_out(LIST_ENTRY *at)
{
    KDEVICE_QUEUE_ENTRY *e = entry_of(at);
    list_remove(at);
    e->Inserted = FALSE;
    return e;
}

KDEVICE_QUEUE_ENTRY *KeRemoveDeviceQueue(KDEVICE_QUEUE *q)
{
    sim_access((uint64_t)q, SIM_WRITE);
    if (!list_empty(&q->DeviceListHead))
        return take_out(q->DeviceListHead.Flink);
    q->Busy = FALSE;
    return NULL;
}

/* DOC: the first entry whose key is not less; if there is none, the first of all */
KDEVICE_QUEUE_ENTRY *KeRemoveByKeyDeviceQueue(KDEVICE_QUEUE *q, ULONG key)
{
    sim_access((uint64_t)q, SIM_WRITE);
    LIST_ENTRY *at = q->DeviceListHead.Flink;
    while (at != &q->DeviceListHead && entry_of(at)->SortKey < key)
        at = at->Flink;
    return at == &q->DeviceListHead ? KeRemoveDeviceQueue(q) : take_out(at);
}

KDEVICE_QUEUE_ENTRY *KeRemoveByKeyDeviceQueueIfBusy(KDEVICE_QUEUE *q, ULONG key)
{
    sim_access((uint64_t)q, SIM_READ);
    return q->Busy ? KeRemoveByKeyDeviceQueue(q, key) : NULL;
}

BOOLEAN KeRemoveEntryDeviceQueue(KDEVICE_QUEUE *q, KDEVICE_QUEUE_ENTRY *e)
{
    sim_access((uint64_t)q, SIM_WRITE);
    if (!e->Inserted)
        return FALSE;
    take_out(&e->DeviceListEntry);
    return TRUE;
}
