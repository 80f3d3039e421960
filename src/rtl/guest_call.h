/* How guest code is called. The function is sim's; it is declared here because rtl calls back too. */
#ifndef IRPLAB_RTL_GUEST_CALL_H
#define IRPLAB_RTL_GUEST_CALL_H

#include <stdint.h>

/* Calls guest code at fn from the running agent. frame: the kernel function that appears as its caller, on top of the
 * export through which we came; FRAME_NONE if the export itself calls. Returns rax. The guest may never return.
 * args: four of them at least, of which the first nargs count. */
uint64_t guest_call_array(uint32_t frame, void *fn, unsigned nargs, const uint64_t *args);
#define guest_call(frame, fn, nargs, ...) guest_call_array(frame, fn, nargs, (const uint64_t[(nargs) < 4 ? 4 : (nargs)]) { __VA_ARGS__ })

#endif
