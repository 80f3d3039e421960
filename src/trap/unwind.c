/* Unwinding: the second pass, and the exports that look at frames.
 *
 * DOC: RtlUnwindEx, RtlVirtualUnwind, RtlLookupFunctionEntry (Microsoft Learn). Frames from the caller to the target are left one by
 * one; functions with a termination handler are told. Then the registers of the target's frame are loaded. */
#include "trap/unwind.h"

#include <string.h>

#include "nt/status.h"
#include "sim/machine.h"
#include "trap/trap.h"

struct unwinding {
    struct seh_frame *s;
    EXCEPTION_RECORD *record;
    uint64_t target, ip, result;
    uint32_t flags, scope;
    EXCEPTION_RECORD *consolidated;
    bool is_return;
};

static _Noreturn void refuse(const struct unwinding *w, NTSTATUS status)
{
    struct host_context here;
    trap_context_here(&here);
    EXCEPTION_RECORD r = { .ExceptionCode = status, .ExceptionFlags = EXCEPTION_NONCONTINUABLE, .ExceptionRecord = w->record,
                           .ExceptionAddress = (PVOID)here.rip };
    seh_raise(FRAME_NONE, &here, &r, SEH_FROM_CALL_RAISE);
}

static void tell(struct unwinding *w, const struct trap_function *f, const struct pe_unwound *u)
{
    struct seh_frame *s = w->s;
    if (u->establisher_frame == w->target)
        w->flags |= EXCEPTION_TARGET_UNWIND;
    w->record->ExceptionFlags = w->flags;
    s->context.Rax = w->result;
    seh_describe(&s->dc, f, u, s->context.Rip, w->is_return, w->scope);
    s->dc.TargetIp = w->ip;
    s->consolidated = w->consolidated;
    s->dc.ContextRecord = &s->context;
    EXCEPTION_DISPOSITION d = seh_call_handler(seh_side_of((uint64_t)s)->for_unwind, w->record, u->establisher_frame, &s->context, &s->dc);
    w->flags &= ~(uint32_t)(EXCEPTION_TARGET_UNWIND | EXCEPTION_COLLIDED_UNWIND);
    if (d != ExceptionContinueSearch)
        refuse(w, STATUS_INVALID_DISPOSITION);
}

/* An unwind that comes to the frame of a termination handler of an earlier one: that one will not go on, this one takes over behind
 * the frame whose handler was running. */
static bool take_over(struct unwinding *w)
{
    bool unwinding;
    DISPATCHER_CONTEXT *dc = seh_handler_frame(&w->s->context, &unwinding);
    if (!dc || !unwinding)
        return false;
    w->scope = dc->ScopeIndex;
    w->is_return = dc->Fill0 != 0;
    w->flags |= EXCEPTION_COLLIDED_UNWIND;
    w->consolidated = (EXCEPTION_RECORD *)seh_consolidated(dc);
    w->s->context = *dc->ContextRecord;
    return true;
}

/* Leaves one frame; true: the target's frame is reached (s->context is in it). */
static bool leave_frame(struct unwinding *w)
{
    struct seh_frame *s = w->s;
    if (s->context.Rip == 0 && w->is_return)
        refuse(w, w->target ? STATUS_INVALID_UNWIND_TARGET : STATUS_UNWIND);
    if (take_over(w))
        return false;
    EXCEPTION_RECORD *consolidated = seh_consolidated_at(&s->context);
    struct trap_function f;
    struct pe_unwound u;
    trap_function_at(s->context.Rip, &f);
    CONTEXT caller = s->context;
    if (!trap_unwind(&caller, &f, PE_UNW_UHANDLER, &u))
        refuse(w, STATUS_BAD_STACK);
    if (f.entry) {
        if (!seh_frame_sound(u.establisher_frame) || (w->target && u.establisher_frame > w->target))
            refuse(w, STATUS_BAD_STACK);
        if (u.handler_rva)
            tell(w, &f, &u);
        w->scope = 0;
        if (u.establisher_frame == w->target)
            return true;
    }
    s->context = caller;
    w->consolidated = consolidated;
    w->is_return = !u.machine_frame;
    return false;
}

/* ---- loading registers ---- */

static void context_from_jump_buffer(CONTEXT *c, const JUMP_BUFFER *b)
{
    c->Rbx = b->Rbx;
    c->Rsp = b->Rsp;
    c->Rbp = b->Rbp;
    c->Rsi = b->Rsi;
    c->Rdi = b->Rdi;
    c->R12 = b->R12;
    c->R13 = b->R13;
    c->R14 = b->R14;
    c->R15 = b->R15;
    c->Rip = b->Rip;
    c->MxCsr = b->MxCsr;
    memcpy(&c->FltSave.XmmRegisters[6], b->Xmm, sizeof b->Xmm);
}

/* A C++ catch block runs as a function on top of the abandoned frames (the thrown object lies there) and says where to go on. */
static uint64_t consolidate(const struct host_context *c, EXCEPTION_RECORD *record)
{
    trap_frame_push(seh_side_of(c->rsp)->consolidate, c, MACHINE->fiber->fiber.guest_sp);
    *(EXCEPTION_RECORD **)guest_small_local() = record;
    return guest_call(FRAME_NONE, (void *)record->ExceptionInformation[0], 1, (uint64_t)record);
}

_Noreturn void seh_restore(const CONTEXT *context, EXCEPTION_RECORD *record)
{
    CONTEXT copy = *context;
    struct host_context c;
    bool has_data = record && record->NumberParameters > 0;
    if (has_data && record->ExceptionCode == STATUS_LONGJUMP)
        context_from_jump_buffer(&copy, (const JUMP_BUFFER *)record->ExceptionInformation[0]);
    trap_context_to_host(&c, &copy);
    if (has_data && record->ExceptionCode == STATUS_UNWIND_CONSOLIDATE)
        c.rip = consolidate(&c, record);
    trap_resume(&c);
}

/* The ABI leaves them undefined behind an unwind, and Microsoft's compiler expects nothing there. OBS: clang 19 with -fasync-exceptions
 * does: a value that is not used inside the __try block may stay in rcx across the faulting instruction and be read in or behind the
 * __except block. What was there is as good as anything. */
static void keep_volatile(CONTEXT *to, const CONTEXT *from)
{
    to->Rcx = from->Rcx;
    to->Rdx = from->Rdx;
    to->R8 = from->R8;
    to->R9 = from->R9;
    to->R10 = from->R10;
    to->R11 = from->R11;
    memcpy(to->FltSave.XmmRegisters, from->FltSave.XmmRegisters, 6 * sizeof from->FltSave.XmmRegisters[0]);
}

_Noreturn void seh_unwind_from(const CONTEXT *fault, uint64_t target, uint64_t ip, EXCEPTION_RECORD *record, const EXCEPTION_RECORD *own, uint64_t result)
{
    struct host_context here;
    trap_context_here(&here);
    guest_frame_push(seh_side_of(here.rsp)->unwind);
    struct seh_frame *s = (struct seh_frame *)MACHINE->fiber->fiber.guest_sp;
    trap_context_from_host(&s->context, &here);
    static const EXCEPTION_RECORD plain = { .ExceptionCode = STATUS_UNWIND };
    if (!record) {
        record = &s->record;
        *record = own ? *own : plain;
    }
    struct unwinding w = { .s = s, .record = record, .target = target, .ip = ip, .result = result };
    w.flags = record->ExceptionFlags | EXCEPTION_UNWINDING | (target ? 0 : EXCEPTION_EXIT_UNWIND);
    while (!leave_frame(&w))
        ;
    if (fault)
        keep_volatile(&s->context, fault);
    s->context.Rax = result;
    if (record->ExceptionCode != STATUS_UNWIND_CONSOLIDATE)
        s->context.Rip = ip;
    seh_restore(&s->context, record);
}

_Noreturn void seh_unwind(uint64_t target, uint64_t ip, EXCEPTION_RECORD *record, const EXCEPTION_RECORD *own, uint64_t result)
{
    seh_unwind_from(NULL, target, ip, record, own, result);
}

/* ---- exports ---- */

/* The registers with which the guest called the current export, as after its return. */
static void caller_context(CONTEXT *c)
{
    struct host_context here;
    struct trap_function f;
    struct pe_unwound u;
    trap_context_here(&here);
    trap_context_from_host(c, &here);
    trap_function_at(here.rip, &f);
    if (!trap_unwind(c, &f, 0, &u))
        base_panic("the door's frame does not unwind");
}

void RtlUnwindEx(PVOID target, PVOID ip, EXCEPTION_RECORD *record, PVOID result, CONTEXT *context, PVOID history)
{
    seh_unwind((uint64_t)target, (uint64_t)ip, record, NULL, (uint64_t)result);
}

void RtlUnwind(PVOID target, PVOID ip, EXCEPTION_RECORD *record, PVOID result)
{
    seh_unwind((uint64_t)target, (uint64_t)ip, record, NULL, (uint64_t)result);
}

void _local_unwind(PVOID target, PVOID ip)
{
    seh_unwind((uint64_t)target, (uint64_t)ip, NULL, NULL, 0);
}

/* Volatile registers that the door does not keep read as 0. */
void RtlCaptureContext(CONTEXT *out)
{
    const struct door_frame *d = (const struct door_frame *)MACHINE->fiber->fiber.guest_sp;
    CONTEXT c;
    caller_context(&c);
    c.Rcx = d->args[0];
    c.Rdx = d->args[1];
    c.R8 = d->args[2];
    c.R9 = d->args[3];
    *out = c;
}

void RtlRestoreContext(CONTEXT *context, EXCEPTION_RECORD *record)
{
    seh_restore(context, record);
}

RUNTIME_FUNCTION *RtlLookupFunctionEntry(ULONG64 pc, ULONG64 *base, PVOID history)
{
    struct trap_function f;
    trap_function_at(pc, &f);
    *base = f.base;
    return f.entry;
}

PVOID RtlPcToFileHeader(PVOID pc, PVOID *base)
{
    const struct image *i = image_at((uint64_t)pc);
    *base = i ? (PVOID)i->base : NULL;
    return *base;
}

static void report_places(KNONVOLATILE_CONTEXT_POINTERS *p, const struct pe_unwound *u)
{
    for (int i = 0; i < 16; i++) {
        if (u->gpr_at[i])
            p->IntegerContext[i] = (ULONG64 *)u->gpr_at[i];
        if (u->xmm_at[i])
            p->FloatingContext[i] = (M128A *)u->xmm_at[i];
    }
}

PVOID RtlVirtualUnwind(ULONG handler, ULONG64 base, ULONG64 pc, RUNTIME_FUNCTION *entry, CONTEXT *context, PVOID *data, ULONG64 *establisher,
                       KNONVOLATILE_CONTEXT_POINTERS *places)
{
    const struct image *i = image_at(base);
    struct trap_function f = { .base = base, .entry = entry };
    if (i && entry) {
        f.pe = &i->pe;
        f.fn = (struct pe_function) { entry->BeginAddress, entry->EndAddress, entry->UnwindData };
    }
    struct pe_unwound u = { 0 };
    context->Rip = pc;
    if (!i || !trap_unwind(context, &f, handler, &u)) {
        /* NT raises STATUS_BAD_FUNCTION_TABLE here; a caller that walks a stack stops at 0. */
        context->Rip = 0;
        return NULL;
    }
    *establisher = u.establisher_frame;
    if (places)
        report_places(places, &u);
    if (!u.handler_rva)
        return NULL;
    *data = (PVOID)(base + u.handler_data_rva);
    return (PVOID)(base + u.handler_rva);
}

/* Return addresses from the caller of the export outward. */
static ULONG back_trace(ULONG skip, ULONG count, PVOID *out)
{
    CONTEXT c;
    caller_context(&c);
    ULONG n = 0;
    for (ULONG depth = 0; n < count && c.Rip && depth < 256; depth++) {
        if (depth >= skip)
            out[n++] = (PVOID)c.Rip;
        struct trap_function f;
        struct pe_unwound u;
        trap_function_at(c.Rip, &f);
        if (!trap_unwind(&c, &f, 0, &u))
            break;
    }
    return n;
}

USHORT RtlCaptureStackBackTrace(ULONG skip, ULONG count, PVOID *trace, ULONG *hash)
{
    ULONG n = back_trace(skip, count, trace), h = 0;
    for (ULONG i = 0; i < n; i++)
        h += (ULONG)(uint64_t)trace[i];
    if (hash)
        *hash = h;
    return (USHORT)n;
}

ULONG RtlWalkFrameChain(PVOID *callers, ULONG count, ULONG flags)
{
    return back_trace(0, count, callers);
}

void RtlGetCallersAddress(PVOID *caller, PVOID *callers_caller)
{
    PVOID two[2] = { NULL, NULL };
    back_trace(1, 2, two);
    *caller = two[0];
    *callers_caller = two[1];
}
