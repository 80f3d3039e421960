/* Dispatching and unwinding inside this room. */
#ifndef IRPLAB_TRAP_DISPATCH_H
#define IRPLAB_TRAP_DISPATCH_H

#include "trap/frames.h"

/* What a handler's EXCEPTION_CONTINUE_EXECUTION means when the registers were left alone. */
enum seh_origin {
    SEH_FROM_GUEST, /* the guest's own instruction: it runs again */
    SEH_FROM_CALL_FAULT, /* our code touched bad memory for the guest: the call is made again */
    SEH_FROM_CALL_RAISE, /* our code raised: the call returns */
};

/* Raises in the running agent. c: registers at the exception; trap: the frame between it and the dispatcher, FRAME_NONE when
 * software raised. rec->ExceptionAddress is filled in by the caller. */
_Noreturn void seh_raise(enum frame_name trap, const struct host_context *c, const EXCEPTION_RECORD *rec, enum seh_origin origin);

/* The frame names of one side. */
struct seh_side {
    enum frame_name dispatch, unwind, for_exception, for_unwind, consolidate;
};
const struct seh_side *seh_side_of(uint64_t guest_sp);

/* Calls a language handler through a named frame that remembers dc (nested exceptions and collided unwinds find it there). */
EXCEPTION_DISPOSITION seh_call_handler(enum frame_name label, EXCEPTION_RECORD *record, uint64_t establisher, CONTEXT *context, DISPATCHER_CONTEXT *dc);
/* dc of a frame made by seh_call_handler that a walk has come to; NULL if c is in no such frame. *unwinding: which of the two. */
DISPATCHER_CONTEXT *seh_handler_frame(const CONTEXT *c, bool *unwinding);
/* The record of the call that runs on top of the frame that a handler is asked about (a C++ catch block); NULL: none. dc: as the handler got it. */
const EXCEPTION_RECORD *seh_consolidated(const DISPATCHER_CONTEXT *dc);
/* The same for the next frame of a walk that has come to c. */
EXCEPTION_RECORD *seh_consolidated_at(const CONTEXT *c);
/* Called when a C++ exception would leave a destructor that an unwind runs. Does not return. */
extern void (*seh_escape_hook)(void);
/* Fills what handlers are told about a frame. */
void seh_describe(DISPATCHER_CONTEXT *dc, const struct trap_function *f, const struct pe_unwound *u, uint64_t pc, bool is_return, uint32_t scope);
/* True if a frame may lie there. */
bool seh_frame_sound(uint64_t establisher);

/* Vectored handlers and the last filter of the running process. */
bool seh_vectored(struct seh_frame *s);
void seh_vectored_continue(struct seh_frame *s);
int seh_last_filter(struct seh_frame *s);

#endif
