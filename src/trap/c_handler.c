/* The C compiler's language handler (__try, __except, __finally), and setjmp.
 *
 * DOC: "x64 exception handling" (Microsoft Learn): scope table; a __finally has no jump target.
 * A return address may be the first byte of the next range: clang ends a range one byte behind the call and begins the next one at
 * the same place, so that both cover it. The call itself decides, one byte earlier. Compilers that put a nop between ranges
 * (Microsoft's) see no difference. */
#include <string.h>

#include "nt/status.h"
#include "sim/machine.h"
#include "trap/trap.h"
#include "trap/unwind.h"

static bool covers(const SCOPE_TABLE *t, ULONG i, uint64_t rva)
{
    return rva >= t->ScopeRecord[i].BeginAddress && rva < t->ScopeRecord[i].EndAddress;
}

static uint64_t place(const DISPATCHER_CONTEXT *dc)
{
    return dc->ControlPc - dc->ImageBase - (dc->Fill0 != 0);
}

static int filter(const SCOPE_TABLE *t, ULONG i, const DISPATCHER_CONTEXT *dc, EXCEPTION_POINTERS *pointers, uint64_t frame)
{
    ULONG handler = t->ScopeRecord[i].HandlerAddress;
    if (handler == EXCEPTION_EXECUTE_HANDLER)
        return EXCEPTION_EXECUTE_HANDLER;
    return (int)guest_call(FRAME_NONE, (void *)(dc->ImageBase + handler), 2, (uint64_t)pointers, frame);
}

static EXCEPTION_DISPOSITION first_pass(EXCEPTION_RECORD *record, uint64_t frame, CONTEXT *context, DISPATCHER_CONTEXT *dc)
{
    const SCOPE_TABLE *t = dc->HandlerData;
    uint64_t rva = place(dc);
    /* The home area of our third and fourth argument: guest memory that is ours. */
    struct door_frame *d = (struct door_frame *)MACHINE->fiber->fiber.guest_sp;
    EXCEPTION_POINTERS *pointers = (EXCEPTION_POINTERS *)&d->args[2];
    *pointers = (EXCEPTION_POINTERS) { record, context };
    for (ULONG i = dc->ScopeIndex; i < t->Count; i++) {
        if (!covers(t, i, rva) || !t->ScopeRecord[i].JumpTarget)
            continue;
        int r = filter(t, i, dc, pointers, frame);
        if (r < 0)
            return ExceptionContinueExecution;
        if (r > 0)
            seh_unwind_from(context->Rip == dc->ControlPc ? context : NULL, frame, dc->ImageBase + t->ScopeRecord[i].JumpTarget, record, NULL,
                            (uint32_t)record->ExceptionCode);
    }
    return ExceptionContinueSearch;
}

/* The target is an __except block of a scope that guards the place: all scopes inside that one are left. (Clang's ranges end one byte
 * late, so that the block may seem to lie in them.) */
static bool is_handler_of(const SCOPE_TABLE *t, uint64_t rva, uint64_t target)
{
    for (ULONG i = 0; i < t->Count; i++)
        if (t->ScopeRecord[i].JumpTarget && t->ScopeRecord[i].JumpTarget == target && covers(t, i, rva))
            return true;
    return false;
}

/* The unwind goes to a place that the same scope guards: the scope is not left. */
static bool is_target_inside(const SCOPE_TABLE *t, ULONG i, uint64_t target)
{
    for (ULONG j = 0; j < t->Count; j++)
        if (covers(t, j, target) && t->ScopeRecord[j].JumpTarget == t->ScopeRecord[i].JumpTarget &&
            t->ScopeRecord[j].HandlerAddress == t->ScopeRecord[i].HandlerAddress)
            return true;
    return false;
}

static EXCEPTION_DISPOSITION second_pass(const EXCEPTION_RECORD *record, uint64_t frame, DISPATCHER_CONTEXT *dc)
{
    const SCOPE_TABLE *t = dc->HandlerData;
    uint64_t rva = place(dc), target = dc->TargetIp - dc->ImageBase;
    bool at_target = (record->ExceptionFlags & EXCEPTION_TARGET_UNWIND) != 0;
    bool is_jump = at_target && !is_handler_of(t, rva, target);
    for (ULONG i = dc->ScopeIndex; i < t->Count; i++) {
        if (!covers(t, i, rva))
            continue;
        if (is_jump && is_target_inside(t, i, target))
            return ExceptionContinueSearch;
        if (t->ScopeRecord[i].JumpTarget) {
            if (at_target && t->ScopeRecord[i].JumpTarget == target)
                return ExceptionContinueSearch;
            continue;
        }
        /* Before the call: an exception in the handler continues behind it. */
        dc->ScopeIndex = i + 1;
        guest_call(FRAME_NONE, (void *)(dc->ImageBase + t->ScopeRecord[i].HandlerAddress), 2, (uint64_t)TRUE, frame);
    }
    return ExceptionContinueSearch;
}

ULONG nt_C_specific_handler(EXCEPTION_RECORD *record, PVOID frame, CONTEXT *context, DISPATCHER_CONTEXT *dc)
{
    if (record->ExceptionFlags & EXCEPTION_UNWIND)
        return second_pass(record, (uint64_t)frame, dc);
    return first_pass(record, (uint64_t)frame, context, dc);
}

/* ---- setjmp, longjmp ---- */

int nt_setjmp(JUMP_BUFFER *b, uint64_t frame)
{
    const struct door_frame *d = (const struct door_frame *)MACHINE->fiber->fiber.guest_sp;
    JUMP_BUFFER j = { .Frame = frame, .Rbx = d->rbx, .Rsp = (uint64_t)d->args, .Rbp = d->rbp, .Rsi = d->rsi, .Rdi = d->rdi,
                      .R12 = d->r12, .R13 = d->r13, .R14 = d->r14, .R15 = d->r15, .Rip = d->return_address, .MxCsr = 0x1F80, .FpCsr = 0x27F };
    memcpy(j.Xmm, d->xmm, sizeof d->xmm);
    *b = j;
    return 0;
}

/* Compilers differ in what they pass to setjmp: only a frame that a function establishes can be unwound to. */
static bool is_frame_on_stack(uint64_t frame)
{
    struct host_context here;
    CONTEXT c;
    trap_context_here(&here);
    trap_context_from_host(&c, &here);
    for (unsigned depth = 0; c.Rip && c.Rsp <= frame && depth < 1024; depth++) {
        struct trap_function f;
        struct pe_unwound u;
        trap_function_at(c.Rip, &f);
        if (!trap_unwind(&c, &f, 0, &u))
            return false;
        if (f.entry && u.establisher_frame == frame)
            return true;
    }
    return false;
}

_Noreturn void nt_longjmp(JUMP_BUFFER *b, int value)
{
    JUMP_BUFFER j = *b;
    uint64_t result = value ? (uint32_t)value : 1;
    EXCEPTION_RECORD r = { .ExceptionCode = STATUS_LONGJUMP, .NumberParameters = 1, .ExceptionInformation = { (uint64_t)b } };
    if (j.Frame && is_frame_on_stack(j.Frame))
        seh_unwind(j.Frame, j.Rip, NULL, &r, result);
    CONTEXT c = { .Rax = result, .EFlags = 0x202 };
    seh_restore(&c, &r);
}
