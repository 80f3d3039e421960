/* Faults, exceptions and bug checks: what became of the run, for views, and what drivers and programs are told.
 *
 * A run ends here in four ways: a bug check (ke_bugcheck_info), an exception of the program that nobody handled
 * (trap_crash_info), something that is not there (trap_unsupported_text), a spin that makes no calls (trap_hang_info). */
#ifndef IRPLAB_TRAP_TRAP_H
#define IRPLAB_TRAP_TRAP_H

#include "ke/ke.h"
#include "nt/seh.h"

/* An unhandled exception of a program, or the place of a call-free spin. */
struct trap_crash {
    bool happened;
    NTSTATUS code;
    uint64_t address; /* of the instruction */
    EXCEPTION_RECORD record;
    struct agent *agent;
    struct host_context context; /* registers there */
};
const struct trap_crash *trap_crash_info(void);
const struct trap_crash *trap_hang_info(void);
/* What was wanted and is not there, one line without a period; NULL if the run did not end so. */
const char *trap_unsupported_text(void);
/* Who was running then; NULL if nobody. */
struct agent *trap_unsupported_agent(void);

/* For host_watchdog. Half a second without a scheduling point: a loop without calls (spin.c). */
enum { TRAP_WATCHDOG_US = 50000, TRAP_WATCHDOG_TICKS = 10 };

/* For host_signals_install: what can be settled inside the signal handler. */
bool trap_filter(struct host_fault *f);
/* An access to a shut page of guarded pool, or the step after it; false: it is neither, or one that may not be. */
bool trap_guard_step(struct host_fault *f);

/* Entered from host_fault_entry on the host stack of the fiber. */
_Noreturn void ke_fault(struct fiber *fiber, const void *vectors);

/* ---- inside the room ---- */

struct vectored;
struct last_filter;

struct trap_room {
    struct ke_bugcheck bugcheck;
    struct trap_crash crash, hang;
    struct agent *unsupported_agent;
    char unsupported[512];
    /* The failing agent's registers, where its guest stack does not show them. */
    struct agent *stopped_agent;
    struct host_context stopped;
    bool double_fault; /* the guest stack could not take the frames of the trap */
    struct vectored *vectored;
    uint64_t vectored_handles;
    struct last_filter *last_filters;
    /* The fixed CPU model. */
    uint64_t counter_reads; /* rdtsc: each read takes a moment */
    uint64_t random;
    uint32_t shared_data_reads;
    uint64_t debug[8]; /* debug registers */
};
struct trap_room *trap_room(void);

/* True if the running agent executes user code (its own or our user-side functions). */
bool trap_user_mode(void);

/* The program is over. */
_Noreturn void trap_crash_end(const EXCEPTION_RECORD *r, const struct host_context *c);
/* A spin that nothing will end. */
_Noreturn void trap_hang_end(const struct host_context *c);
/* The kernel stack is used up or lost. */
_Noreturn void trap_double_fault(const struct host_context *c);

#endif
