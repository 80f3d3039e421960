/* Looking for a handler: the first pass of structured exception handling, in kernel and user mode.
 *
 * DOC: "x64 exception handling" (Microsoft Learn). Frames are walked from the exception outward; each function with an exception
 * handler is asked. A handler that accepts does not return: it calls RtlUnwindEx. */
#include "trap/dispatch.h"

#include <string.h>

#include "nt/bugcheck.h"
#include "nt/status.h"
#include "sim/machine.h"
#include "trap/trap.h"

enum { CXX_EXCEPTION_CODE = 0xE06D7363 };

static const struct seh_side sides[2] = {
    { FRAME_RtlDispatchException, FRAME_RtlpUnwindEx, FRAME_RtlpExecuteHandlerForException, FRAME_RtlpExecuteHandlerForUnwind,
      FRAME_RcConsolidateFrames },
    { FRAME_UserRtlDispatchException, FRAME_UserRtlpUnwindEx, FRAME_UserRtlpExecuteHandlerForException, FRAME_UserRtlpExecuteHandlerForUnwind,
      FRAME_UserRcConsolidateFrames },
};

const struct seh_side *seh_side_of(uint64_t guest_sp)
{
    return &sides[guest_sp < USER_END];
}

EXCEPTION_DISPOSITION seh_call_handler(enum frame_name label, EXCEPTION_RECORD *record, uint64_t establisher, CONTEXT *context, DISPATCHER_CONTEXT *dc)
{
    struct guest_mark mark = guest_frame_push(label);
    *(DISPATCHER_CONTEXT **)guest_frame_locals() = dc;
    uint64_t r = guest_call(FRAME_NONE, dc->LanguageHandler, 4, (uint64_t)record, establisher, (uint64_t)context, (uint64_t)dc);
    guest_frame_pop(mark);
    return (EXCEPTION_DISPOSITION)(uint32_t)r;
}

DISPATCHER_CONTEXT *seh_handler_frame(const CONTEXT *c, bool *unwinding)
{
    enum frame_name f = door_frame_at(c->Rip);
    *unwinding = f == FRAME_RtlpExecuteHandlerForUnwind || f == FRAME_UserRtlpExecuteHandlerForUnwind;
    if (!*unwinding && f != FRAME_RtlpExecuteHandlerForException && f != FRAME_UserRtlpExecuteHandlerForException)
        return NULL;
    return *(DISPATCHER_CONTEXT **)(c->Rsp + CALLBACK_MAX_ARGS * 8);
}

const EXCEPTION_RECORD *seh_consolidated(const DISPATCHER_CONTEXT *dc)
{
    return ((const struct seh_frame *)((const uint8_t *)dc - offsetof(struct seh_frame, dc)))->consolidated;
}

EXCEPTION_RECORD *seh_consolidated_at(const CONTEXT *c)
{
    enum frame_name f = door_frame_at(c->Rip);
    if (f != FRAME_RcConsolidateFrames && f != FRAME_UserRcConsolidateFrames)
        return NULL;
    return *(EXCEPTION_RECORD **)(c->Rsp + (CALLBACK_MAX_ARGS - 1) * 8);
}

void (*seh_escape_hook)(void);

/* Destructors run by an unwind, copies made for a catch block, the end of a thrown object. */
static bool is_closed_to_cxx(enum frame_name f)
{
    return f == FRAME_CxxUnwindToState || f == FRAME_CxxBuildCatchObject || f == FRAME_CxxDestructExceptionObject;
}

void seh_describe(DISPATCHER_CONTEXT *dc, const struct trap_function *f, const struct pe_unwound *u, uint64_t pc, bool is_return, uint32_t scope)
{
    dc->ControlPc = pc;
    dc->ImageBase = f->base;
    dc->FunctionEntry = f->entry;
    dc->EstablisherFrame = u->establisher_frame;
    dc->LanguageHandler = (PVOID)(f->base + u->handler_rva);
    dc->HandlerData = (PVOID)(f->base + u->handler_data_rva);
    dc->HistoryTable = NULL;
    dc->ScopeIndex = scope;
    dc->Fill0 = is_return;
}

bool seh_frame_sound(uint64_t establisher)
{
    struct trap_stack s;
    return !(establisher & 7) && trap_stack_of(MACHINE->fiber, establisher, &s) && establisher >= s.low;
}

/* ---- the walk ---- */

/* Where an unhandled walk ended, for the choice of the bug check. */
struct outcome {
    bool handled;
    enum frame_name outermost;
};

struct walk {
    struct seh_frame *s;
    CONTEXT *c; /* of the frame looked at */
    uint32_t flags, scope;
    EXCEPTION_RECORD *consolidated;
    bool is_return; /* c->Rip is the return address of a call, not the instruction that was interrupted */
    uint64_t nested; /* frame of the exception during whose handling this one came */
    struct outcome outcome;
};

static _Noreturn void raise_from_dispatcher(struct walk *w, NTSTATUS status)
{
    struct host_context here;
    trap_context_here(&here);
    EXCEPTION_RECORD r = { .ExceptionCode = status, .ExceptionFlags = EXCEPTION_NONCONTINUABLE, .ExceptionRecord = &w->s->record,
                           .ExceptionAddress = (PVOID)here.rip };
    seh_raise(FRAME_NONE, &here, &r, SEH_FROM_CALL_RAISE);
}

/* A walk that comes to the frame of a handler call: the exception happened inside that handler. True if the walk's context was
 * replaced (the frames in between are already unwound). */
static bool pass_handler_call(struct walk *w)
{
    bool unwinding;
    DISPATCHER_CONTEXT *dc = seh_handler_frame(w->c, &unwinding);
    if (!dc)
        return false;
    if (unwinding) {
        w->scope = dc->ScopeIndex;
        w->is_return = dc->Fill0 != 0;
        *w->c = *dc->ContextRecord;
        w->consolidated = (EXCEPTION_RECORD *)seh_consolidated(dc);
        return true;
    }
    w->flags |= EXCEPTION_NESTED_CALL;
    if (dc->EstablisherFrame > w->nested)
        w->nested = dc->EstablisherFrame;
    return false;
}

/* True: the exception is over, execution continues. */
static bool ask(struct walk *w, const struct trap_function *f, const struct pe_unwound *u)
{
    struct seh_frame *s = w->s;
    s->record.ExceptionFlags = w->flags;
    seh_describe(&s->dc, f, u, w->c->Rip, w->is_return, w->scope);
    s->dc.ContextRecord = &s->context;
    s->dc.TargetIp = 0;
    s->consolidated = w->consolidated;
    EXCEPTION_DISPOSITION d = seh_call_handler(seh_side_of((uint64_t)s)->for_exception, &s->record, u->establisher_frame, &s->context, &s->dc);
    w->flags |= s->record.ExceptionFlags & EXCEPTION_NONCONTINUABLE;
    if (w->nested == u->establisher_frame) {
        w->flags &= ~(uint32_t)EXCEPTION_NESTED_CALL;
        w->nested = 0;
    }
    switch (d) {
    case ExceptionContinueExecution:
        if (w->flags & EXCEPTION_NONCONTINUABLE)
            raise_from_dispatcher(w, STATUS_NONCONTINUABLE_EXCEPTION);
        return true;
    case ExceptionContinueSearch:
        return false;
    case ExceptionNestedException:
        w->flags |= EXCEPTION_NESTED_CALL;
        if (s->dc.EstablisherFrame > w->nested)
            w->nested = s->dc.EstablisherFrame;
        return false;
    default:
        raise_from_dispatcher(w, STATUS_INVALID_DISPOSITION);
    }
}

/* Functions of ours in which NT has the outermost handler. */
static bool is_outermost(enum frame_name f)
{
    return f == FRAME_PspSystemThreadStartup || f == FRAME_KiSystemServiceCopyEnd;
}

/* One frame. False: the walk is over. */
static bool step(struct walk *w)
{
    /* Return address 0 ends a stack; an interrupted 0 is a call of a null pointer. */
    if (w->c->Rip == 0 && w->is_return)
        return false;
    enum frame_name label = door_frame_at(w->c->Rip);
    if (is_outermost(label)) {
        w->outcome.outermost = label;
        return false;
    }
    if (label && pass_handler_call(w))
        return true;
    if (is_closed_to_cxx(label) && (uint32_t)w->s->record.ExceptionCode == CXX_EXCEPTION_CODE && seh_escape_hook)
        seh_escape_hook();
    EXCEPTION_RECORD *consolidated = label ? seh_consolidated_at(w->c) : NULL;
    struct trap_function f;
    struct pe_unwound u;
    trap_function_at(w->c->Rip, &f);
    CONTEXT caller = *w->c;
    if (!trap_unwind(&caller, &f, PE_UNW_EHANDLER, &u))
        return false;
    if (f.entry && !seh_frame_sound(u.establisher_frame)) {
        w->s->record.ExceptionFlags |= EXCEPTION_STACK_INVALID;
        return false;
    }
    if (u.handler_rva && ask(w, &f, &u)) {
        w->outcome.handled = true;
        return false;
    }
    w->scope = 0;
    w->consolidated = consolidated;
    if (caller.Rip == w->c->Rip && caller.Rsp == w->c->Rsp)
        return false;
    *w->c = caller;
    w->is_return = !u.machine_frame;
    return true;
}

static struct outcome search(struct seh_frame *s)
{
    struct walk w = { .s = s, .c = &s->unwind, .flags = s->record.ExceptionFlags & EXCEPTION_NONCONTINUABLE };
    s->unwind = s->context;
    while (step(&w))
        ;
    return w.outcome;
}

/* ---- nobody wants it ---- */

static _Noreturn void kernel_unhandled(const struct seh_frame *s, enum frame_name outermost)
{
    const EXCEPTION_RECORD *r = &s->record;
    uint64_t code = (uint32_t)r->ExceptionCode, address = (uint64_t)r->ExceptionAddress;
    if (outermost == FRAME_PspSystemThreadStartup) {
        guest_frame_push(FRAME_PspUnhandledExceptionInSystemThread);
        KeBugCheckEx(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, (uint64_t)r->ExceptionCode, address, (uint64_t)r, (uint64_t)&s->context);
    }
    if (outermost == FRAME_KiSystemServiceCopyEnd) {
        guest_frame_push(FRAME_RtlpExecuteHandlerForException);
        guest_frame_push(FRAME_KiSystemServiceHandler);
        guest_frame_push(FRAME_KiBugCheckDispatch);
        KeBugCheckEx(SYSTEM_SERVICE_EXCEPTION, code, address, (uint64_t)&s->context, 0);
    }
    KeBugCheckEx(KMODE_EXCEPTION_NOT_HANDLED, (uint64_t)r->ExceptionCode, address, r->ExceptionInformation[0], r->ExceptionInformation[1]);
}

/* Where execution continues after a handler said so. */
static _Noreturn void go_on(const struct seh_frame *s, const struct host_context *was, enum seh_origin origin)
{
    struct host_context c;
    trap_context_to_host(&c, &s->context);
    bool untouched = c.rip == was->rip && c.rsp == was->rsp;
    if (untouched && origin == SEH_FROM_CALL_FAULT)
        trap_call_again(&c);
    if (untouched && origin == SEH_FROM_CALL_RAISE)
        trap_call_return(&c, 0);
    trap_resume(&c);
}

static _Noreturn void user_unhandled(struct seh_frame *s, const struct host_context *was, enum seh_origin origin)
{
    if (seh_last_filter(s) == EXCEPTION_CONTINUE_EXECUTION && !(s->record.ExceptionFlags & EXCEPTION_NONCONTINUABLE))
        go_on(s, was, origin);
    trap_crash_end(&s->record, was);
}

static bool user_dispatch(struct seh_frame *s)
{
    bool handled = seh_vectored(s);
    if (!handled)
        handled = search(s).handled;
    if (handled)
        seh_vectored_continue(s);
    return handled;
}

static void overflow(const struct host_context *c, const EXCEPTION_RECORD *rec)
{
    if (trap_stack_room(MACHINE->fiber, c->rsp))
        return;
    struct trap_stack s;
    if (c->rsp >= USER_END || !MACHINE->fiber->thread)
        trap_double_fault(c);
    EXCEPTION_RECORD r = *rec;
    r.ExceptionCode = trap_stack_of(MACHINE->fiber, c->rsp, &s) ? STATUS_STACK_OVERFLOW : r.ExceptionCode;
    trap_crash_end(&r, c);
}

_Noreturn void seh_raise(enum frame_name trap, const struct host_context *c, const EXCEPTION_RECORD *rec, enum seh_origin origin)
{
    overflow(c, rec);
    bool user = c->rsp < USER_END;
    if (user && trap) {
        trap_frame_push(FRAME_KiUserExceptionDispatcher, c, c->rsp);
    } else if (trap) {
        trap_frame_push(trap, c, c->rsp);
        guest_frame_push(FRAME_KiExceptionDispatch);
        guest_frame_push(FRAME_KiDispatchException);
    }
    struct guest_mark mark = guest_frame_push(seh_side_of(c->rsp)->dispatch);
    struct seh_frame *s = (struct seh_frame *)MACHINE->fiber->fiber.guest_sp;
    s->record = *rec;
    trap_context_from_host(&s->context, c);
    s->pointers = (EXCEPTION_POINTERS) { &s->record, &s->context };
    struct outcome o = { .handled = user && user_dispatch(s) };
    if (!user)
        o = search(s);
    if (o.handled)
        go_on(s, c, origin);
    if (user)
        user_unhandled(s, c, origin);
    if (!o.outermost)
        guest_frame_pop(mark);
    kernel_unhandled(s, o.outermost);
}
