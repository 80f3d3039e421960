/* The guest side of a trap: registers in their three shapes, the frames that a trap leaves on the guest stack, and going on. */
#ifndef IRPLAB_TRAP_FRAMES_H
#define IRPLAB_TRAP_FRAMES_H

#include <stdbool.h>

#include "host/host.h"
#include "nt/seh.h"
#include "pe/unwind.h"
#include "sim/door.h"
#include "sim/image.h"

void trap_context_from_host(CONTEXT *to, const struct host_context *from);
void trap_context_to_host(struct host_context *to, const CONTEXT *from);
void trap_regs_from_context(struct pe_regs *to, const CONTEXT *from);
void trap_context_from_regs(CONTEXT *to, const struct pe_regs *from);

/* What the running agent's guest looks like from inside the export it called: rip = site in the export or innermost named frame. */
void trap_context_here(struct host_context *c);

/* The frame of a trap on the guest stack: the door's frame, and above it what the processor pushed. */
struct trap_frame {
    uint8_t saved[DOOR_FRAME_SIZE];
    uint64_t rip, cs, rflags, rsp, ss;
};

/* Makes the frame of a trap with these registers the innermost of the running agent, below the stack position `below`. The caller
 * knows that there is room (trap_stack_room). */
void trap_frame_push(enum frame_name label, const struct host_context *c, uint64_t below);

/* The running agent's stack that rsp lies in: false if it is none. */
struct trap_stack {
    uint64_t low, high; /* committed bytes */
    bool user;
};
bool trap_stack_of(const struct agent *a, uint64_t rsp, struct trap_stack *out);
/* True if an exception can be dispatched at rsp. */
bool trap_stack_room(const struct agent *a, uint64_t rsp);

/* Goes on in the guest with these registers: what our code did for callbacks below that stack position is forgotten. */
_Noreturn void trap_resume(const struct host_context *c);
/* The same, and the wide vector registers that host_fault_entry kept (NULL: they were not in use). */
_Noreturn void trap_resume_vectors(const struct host_context *c, const void *vectors);

/* Does the call again whose export a context lies in (its rip is a site). */
_Noreturn void trap_call_again(const struct host_context *c);
/* Returns from that call instead, with this result. */
_Noreturn void trap_call_return(const struct host_context *c, uint64_t result);

/* Function tables. */
struct trap_function {
    const struct pe_mapped *pe; /* NULL: in no image */
    uint64_t base;
    struct pe_function fn;
    RUNTIME_FUNCTION *entry; /* guest address; NULL: a leaf */
};
void trap_function_at(uint64_t rip, struct trap_function *out);

/* One step: from a frame to its caller. False if the stack cannot be read or the unwind data is broken. */
bool trap_unwind(CONTEXT *c, const struct trap_function *f, unsigned handler, struct pe_unwound *out);
/* The same for registers of any agent; patched code reads as the original. */
bool trap_unwind_regs(struct pe_regs *r, const struct trap_function *f, unsigned handler, struct pe_unwound *out);

/* Locals of the frames RtlDispatchException and RtlpUnwindEx. */
struct seh_frame {
    uint64_t out[CALLBACK_MAX_ARGS];
    DISPATCHER_CONTEXT dc;
    EXCEPTION_RECORD record;
    EXCEPTION_POINTERS pointers;
    EXCEPTION_RECORD *consolidated; /* guest: the record whose call runs on top of the frame that dc is about, or NULL */
    CONTEXT context;
    CONTEXT unwind;
} __attribute__((aligned(16)));
_Static_assert(sizeof(struct seh_frame) + 8 <= SEH_FRAME_SIZE, "host/layout.h");

#endif
