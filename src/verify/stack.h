/* Threaded IRPs of drivers whose event or status block lies on a stack: what becomes of them when the frame is gone.
 *
 * An IRP of IoBuildDeviceIoControlRequest or IoBuildSynchronousFsdRequest is finished by a special kernel APC in the thread that built
 * it. While that thread stands at APC_LEVEL or in a guarded region the APC waits; a driver that returns meanwhile leaves the APC
 * pointers into a frame that has been popped.
 *
 * Two steps, both long before the memory is written:
 *   a warning   at the call that builds or sends such an IRP while KeAreAllApcsDisabled: it may end badly;
 *   a finding   at the first call into the kernel after the frame has been popped: it will. Bug check 0xC9 with parameter 0xD (event)
 *               or 0xC (status block), the numbers of Driver Verifier.
 * An IRP that has failed without having been pended is left alone: its completion writes neither (spec/nt_io.md 2.3). */
#ifndef IRPLAB_VERIFY_STACK_H
#define IRPLAB_VERIFY_STACK_H

#include <stdbool.h>
#include <stddef.h>

#include "nt/io.h"

/* The state of a run; called before anything is loaded. on = false: no rule of this file is applied. */
void verify_init(bool on);
bool verify_is_on(void);

/* A driver has built a threaded IRP; builder: the export's name. */
void verify_threaded_built(const IRP *irp, const char *builder);
/* A driver sends one down. */
void verify_threaded_sent(const IRP *irp);
/* The last completion routine has run. */
void verify_threaded_completed(const IRP *irp);
/* A thread that ends has waited five minutes for an IRP that it has cancelled: 0xC4 with 0x135. */
void verify_stuck(const IRP *irp, const ETHREAD *thread);
/* It is finished or freed. */
void verify_threaded_gone(const IRP *irp);

/* Warnings of the run so far, for reports: how many, and each as one line. */
unsigned verify_warning_count(void);
void verify_warning_text(unsigned index, char *out, size_t size);
/* The finding that ended the run, as one line; false if none did. */
bool verify_finding_text(char *out, size_t size);

#endif
