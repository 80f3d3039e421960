/* The power manager: power IRPs on request of drivers.
 *
 * A request waits in its device's queue until the previous one of its kind (device set-power; system; wait-wake is not serialised)
 * has completed, then goes to the list of the PopIrpWorker threads, which send it to the top of the stack:
 *
 *   PoRequestPowerIrp ─▶ queued (device) ─▶ listed ─▶ PopIrpWorker: dispatched ─▶ completed ─▶ callback ─▶ freed, next of its kind
 */
#ifndef IRPLAB_PO_PO_H
#define IRPLAB_PO_PO_H

#include <stdbool.h>

#include "nt/io.h"

void po_init(void);
NTSTATUS PoRequestPowerIrp(DEVICE_OBJECT *device, ULONG minor, ULONG state, PVOID callback, PVOID context, IRP **out);
/* Requests not yet completed (leak reports, remove). */
uint32_t po_requests_outstanding(void);
/* Sends the system to sleep (S1 to S4) and wakes it; force: refusals do not count. The refusal's status otherwise. PASSIVE_LEVEL. */
NTSTATUS po_sleep(SYSTEM_POWER_STATE state, bool force);

/* Power settings (setting.c). The values are those that callbacks get. */
enum po_setting { PO_POWER_SOURCE, PO_BATTERY, PO_MONITOR, PO_CONSOLE_DISPLAY, PO_SESSION_DISPLAY, PO_LID, PO_AWAY_MODE, PO_SAVING, PO_SETTINGS };
struct po_settings;
struct po_settings **po_settings_room(void);
void po_settings_init(void);
/* Who registered hears of it from a system worker thread. IRQL <= DISPATCH_LEVEL. */
void po_setting_change(enum po_setting setting, ULONG value);
ULONG po_setting_value(enum po_setting setting);

/* Idle detection (idle.c): the list of watched devices; a device's new state; a device that goes. */
struct idle;
struct idle **po_idle_list(void);
void po_idle_state(const DEVICE_OBJECT *device, ULONG state);
void po_idle_forget(const DEVICE_OBJECT *device);

/* Before a device object goes: a bug check if a power request for it is under way. */
void po_device_deleted(const DEVICE_OBJECT *device);

/* Exports that siblings call by their NT name; documented where they are defined. */
ULONG PoSetPowerState(DEVICE_OBJECT *device, ULONG type, ULONG state);

#endif
