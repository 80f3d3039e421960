/* The power manager: power IRPs on request of drivers.
 *
 * A request waits in its device's queue until the previous one of its kind (device set-power; system; wait-wake is not serialised)
 * has completed, then goes to the list of the PopIrpWorker threads, which send it to the top of the stack:
 *
 *   PoRequestPowerIrp ─▶ queued (device) ─▶ listed ─▶ PopIrpWorker: dispatched ─▶ completed ─▶ callback ─▶ freed, next of its kind
 */
#ifndef IRPLAB_PO_PO_H
#define IRPLAB_PO_PO_H

#include "nt/io.h"

void po_init(void);
NTSTATUS PoRequestPowerIrp(DEVICE_OBJECT *device, ULONG minor, ULONG state, PVOID callback, PVOID context, IRP **out);
/* Requests not yet completed (leak reports, remove). */
uint32_t po_requests_outstanding(void);

/* Before a device object goes: a bug check if a power request for it is under way. */
void po_device_deleted(const DEVICE_OBJECT *device);

/* Exports that siblings call by their NT name; documented where they are defined. */
ULONG PoSetPowerState(DEVICE_OBJECT *device, ULONG type, ULONG state);

#endif
