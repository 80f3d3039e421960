/* What rtl needs from rooms above it. Everything else in rtl touches only its arguments.
 *
 * The functions of the first group are provided by mm, ke and sim under these names; a unit test provides its own. Those
 * of the second group have weak defaults in hooks.c, so that a room that knows better defines them and wins. */
#ifndef IRPLAB_RTL_POOL_HOOKS_H
#define IRPLAB_RTL_POOL_HOOKS_H

#include "nt/types.h"
#include "rtl/guest_call.h"

void *ex_pool_alloc(uint32_t pool_type, size_t bytes, uint32_t tag);
void ex_pool_free(void *p);
_Noreturn void ke_raise_status(NTSTATUS status);

/* Strings that ntdll's functions allocate come from the process heap. Default: the pool. */
void *rtl_user_alloc(size_t bytes);
void rtl_user_free(void *p);

/* State of rand() for the running program or the kernel. Default: one word for the whole process, which is right only for
 * unit tests: a run's state must hang from the machine. */
uint32_t *rtl_rand_state(void);

#endif
