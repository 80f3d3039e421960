/* What must not run natively: the fixed CPU model and scheduling points inside images. */
#ifndef IRPLAB_TRAP_EMULATE_H
#define IRPLAB_TRAP_EMULATE_H

#include "host/host.h"

/* The part that may switch agents, call guests and touch guest memory. Returns if the instruction faults after all. */
void emulate_slow(const struct host_fault *f, const void *vectors);

/* KUSER_SHARED_DATA, shared_data.c. In the signal handler: true when the access can go on (rip was changed or memory mapped). */
bool shared_data_access(struct host_fault *f);
bool shared_data_is(uint64_t address);

/* Loops without calls, spin.c. In the signal handler: the watchdog's tick, and the single steps that it asks for. True: go on. False: the
 * fault is HOST_FAULT_TIMER and spin_found says the rest. */
bool spin_watch(struct host_fault *f);
bool spin_is_traced(void);
bool spin_trace(struct host_fault *f);
/* On the host stack: the loop becomes a point and the run begins again, or there is nothing to make one of and it is a hang. */
_Noreturn void spin_found(const struct host_context *c);

#endif
