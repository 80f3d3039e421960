/* Unwinding the running agent's guest stack. */
#ifndef IRPLAB_TRAP_UNWIND_H
#define IRPLAB_TRAP_UNWIND_H

#include "trap/dispatch.h"

/* Leaves all frames below the one that `target` establishes and goes on there at ip with rax = result. record: guest memory, or NULL;
 * then *own (or STATUS_UNWIND) is copied to where handlers can see it. */
_Noreturn void seh_unwind(uint64_t target, uint64_t ip, EXCEPTION_RECORD *record, const EXCEPTION_RECORD *own, uint64_t result);

/* The same for an exception in the target's frame itself, not in what it calls: `fault` is where it happened. */
_Noreturn void seh_unwind_from(const CONTEXT *fault, uint64_t target, uint64_t ip, EXCEPTION_RECORD *record, const EXCEPTION_RECORD *own, uint64_t result);

/* Loads registers and goes on, with the two records that mean something else (longjmp, C++ catch). */
_Noreturn void seh_restore(const CONTEXT *context, EXCEPTION_RECORD *record);

/* The export: the registers of the guest that called the current export, as after its return. */
void RtlCaptureContext(CONTEXT *out);

#endif
