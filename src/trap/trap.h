/* Faults, exceptions and bug checks: what became of the run, for views.
 *
 * A run ends here in four ways: a bug check (ke_bugcheck_info), an exception of the program that nobody handled
 * (trap_crash_info), something that is not there (trap_unsupported_text), a spin that makes no calls (trap_hang_info). */
#ifndef IRPLAB_TRAP_TRAP_H
#define IRPLAB_TRAP_TRAP_H

#include "ke/ke.h"

/* An unhandled exception of a program, or the place of a call-free spin. */
struct trap_crash {
    bool happened;
    NTSTATUS code;
    uint64_t address; /* of the instruction */
    uint32_t nparams;
    uint64_t params[15];
    struct agent *agent;
    struct host_context context; /* registers there */
};
const struct trap_crash *trap_crash_info(void);
const struct trap_crash *trap_hang_info(void);
/* What was wanted and is not there, one line without a period; NULL if the run did not end so. */
const char *trap_unsupported_text(void);
/* Who was running then; NULL if nobody. */
struct agent *trap_unsupported_agent(void);

/* Entered from host_fault_entry on the host stack of the fiber. */
struct fiber;
_Noreturn void ke_fault(struct fiber *fiber);

/* For the files of this room. */
struct trap_room {
    struct ke_bugcheck bugcheck;
    struct trap_crash crash, hang;
    struct agent *unsupported_agent;
    char unsupported[512];
};
struct trap_room *trap_room(void);

#endif
