/* What must not run natively: the fixed CPU model and scheduling points inside images. */
#ifndef IRPLAB_TRAP_EMULATE_H
#define IRPLAB_TRAP_EMULATE_H

#include "host/host.h"

/* The part that may switch agents, call guests and touch guest memory. Returns if the instruction faults after all. */
void emulate_slow(const struct host_fault *f, const void *vectors);

/* KUSER_SHARED_DATA, shared_data.c. In the signal handler: true when the access can go on (rip was changed or memory mapped). */
bool shared_data_access(struct host_fault *f);
bool shared_data_is(uint64_t address);

#endif
