/* Driver Verifier's rules: what is checked at the I/O manager's own places. Findings are the driver's fault, never ours.
 * Rules run only when switched on (irplab verify, or --verify); bookkeeping is on the caller's stack. */
#ifndef IRPLAB_VERIFY_VERIFY_H
#define IRPLAB_VERIFY_VERIFY_H

#include "nt/io.h"

struct verify_dispatch {
    DEVICE_OBJECT *device;
    PVOID routine;
    UCHAR major, irql;
    SHORT apc_disable;
    int slot; /* what is noted of the call (irp_rules.c); -1: nothing */
};

struct verify_completion {
    PVOID routine;
    UCHAR irql;
};

void verify_dispatch_enter(struct verify_dispatch *v, DEVICE_OBJECT *device, const IRP *irp);
void verify_dispatch_leave(struct verify_dispatch *v, NTSTATUS status);
/* A request's completion goes up through a location: before its pending mark is read. */
void verify_location_left(const IRP *irp, const IO_STACK_LOCATION *location);
void verify_completion_enter(struct verify_completion *v, const IRP *irp, PVOID routine);
void verify_completion_leave(const struct verify_completion *v, NTSTATUS status);
void verify_call_driver_bad_irp(const IRP *irp);
void verify_irp_free(const IRP *irp);
void verify_complete(const IRP *irp);

#endif
