/* Registers, trap frames and resumption; see frames.h. */
#include "trap/frames.h"

#include <string.h>

#include "ps/ps.h"
#include "sim/patch.h"
#include "sim/access.h"
#include "trap/trap.h"

enum {
    RFLAGS_GUEST = 0xCD5, /* carry, parity, adjust, zero, sign, direction, overflow */
    RFLAGS_FIXED = 0x202,
    ROOM = 0x1800, /* a trap frame, the dispatcher's frames and a small handler */
    MXCSR_DEFAULT = 0x1F80,
};

void trap_context_from_host(CONTEXT *to, const struct host_context *from)
{
    memset(to, 0, sizeof *to);
    to->ContextFlags = CONTEXT_FULL | CONTEXT_SEGMENTS;
    memcpy(to->Gpr, from->gpr, sizeof to->Gpr);
    to->Rip = from->rip;
    to->EFlags = (ULONG)from->rflags;
    to->MxCsr = to->FltSave.MxCsr = from->mxcsr;
    to->FltSave.ControlWord = 0x27F;
    to->FltSave.MxCsr_Mask = 0xFFFF;
    memcpy(to->FltSave.XmmRegisters, from->xmm, sizeof from->xmm);
    bool user = from->rsp < USER_END;
    to->SegCs = user ? 0x33 : 0x10;
    to->SegSs = user ? 0x2B : 0x18;
    to->SegDs = to->SegEs = to->SegGs = 0x2B;
    to->SegFs = 0x53;
}

void trap_context_to_host(struct host_context *to, const CONTEXT *from)
{
    memcpy(to->gpr, from->Gpr, sizeof to->gpr);
    to->rip = from->Rip;
    to->rflags = (from->EFlags & RFLAGS_GUEST) | RFLAGS_FIXED;
    to->mxcsr = from->MxCsr & 0xFFFF;
    memcpy(to->xmm, from->FltSave.XmmRegisters, sizeof to->xmm);
}

void trap_regs_from_context(struct pe_regs *to, const CONTEXT *from)
{
    to->rip = from->Rip;
    memcpy(to->gpr, from->Gpr, sizeof to->gpr);
    memcpy(to->xmm, from->FltSave.XmmRegisters, sizeof to->xmm);
}

void trap_context_from_regs(CONTEXT *to, const struct pe_regs *from)
{
    to->Rip = from->rip;
    memcpy(to->Gpr, from->gpr, sizeof to->Gpr);
    memcpy(to->FltSave.XmmRegisters, from->xmm, sizeof from->xmm);
}

void trap_context_here(struct host_context *c)
{
    const struct fiber *f = &MACHINE->fiber->fiber;
    memset(c, 0, sizeof *c);
    c->rip = f->frame_site;
    c->rsp = f->guest_sp;
    c->rflags = RFLAGS_FIXED;
    c->mxcsr = MXCSR_DEFAULT;
}

void trap_frame_push(enum frame_name label, const struct host_context *c, uint64_t below)
{
    struct fiber *f = &MACHINE->fiber->fiber;
    struct trap_frame *t = (struct trap_frame *)((below & ~0xFull) - sizeof *t);
    struct door_frame *d = (struct door_frame *)t;
    _Static_assert(sizeof *t % 16 == 0, "alignment of the stack at a call");
    memset(t, 0, sizeof *t);
    d->rbx = c->rbx;
    d->rbp = c->rbp;
    d->rsi = c->rsi;
    d->rdi = c->rdi;
    d->r12 = c->r12;
    d->r13 = c->r13;
    d->r14 = c->r14;
    d->r15 = c->r15;
    memcpy(d->xmm, c->xmm[6], sizeof d->xmm);
    d->index = UINT64_MAX;
    t->rip = c->rip;
    t->cs = c->rsp < USER_END ? 0x33 : 0x10;
    t->rflags = c->rflags;
    t->rsp = c->rsp;
    t->ss = c->rsp < USER_END ? 0x2B : 0x18;
    f->guest_sp = (uint64_t)t;
    f->frame_site = door_frame_site(label);
}

/* ---- stacks ---- */

bool trap_stack_of(const struct agent *a, uint64_t rsp, struct trap_stack *out)
{
    const struct fiber *f = &a->fiber;
    const struct thread *t = a->kind == AGENT_THREAD ? a->thread : NULL;
    if (rsp >= f->kernel_stack && rsp <= f->kernel_stack_top) {
        *out = (struct trap_stack) { f->kernel_stack, f->kernel_stack_top, false };
        return true;
    }
    if (t && t->user_stack_top && rsp >= t->user_stack && rsp <= t->user_stack_top) {
        *out = (struct trap_stack) { t->user_stack_limit, t->user_stack_top, true };
        return true;
    }
    return false;
}

bool trap_stack_room(const struct agent *a, uint64_t rsp)
{
    struct trap_stack s;
    if (!trap_stack_of(a, rsp, &s))
        return false;
    /* A user stack grows under our hands as far as it is reserved. */
    const struct thread *t = a->thread;
    return rsp > (s.user ? t->user_stack : s.low) + ROOM;
}

/* ---- going on ---- */

/* What host_guest_call pushed. */
struct callback_record {
    uint64_t callback, guest_sp, host_sp;
};

static bool is_kernel_side(uint64_t sp)
{
    return sp >= KERNEL_BASE;
}

/* The stack of another fiber of the thread is not left for good. */
static bool on_other_stack(const struct callback_record *r, uint64_t rsp)
{
    const struct agent *a = MACHINE->fiber;
    const struct thread *t = a->kind == AGENT_THREAD ? a->thread : NULL;
    if (!t || !t->on_fibers || is_kernel_side(r->guest_sp) || is_kernel_side(rsp))
        return false;
    return r->guest_sp < t->user_stack || r->guest_sp > t->user_stack_top;
}

static bool is_abandoned(const struct callback_record *r, uint64_t rsp)
{
    if (on_other_stack(r, rsp))
        return false;
    if (is_kernel_side(r->guest_sp) == is_kernel_side(rsp))
        return r->guest_sp < rsp;
    return is_kernel_side(r->guest_sp); /* a user program goes on: its calls into the kernel are over */
}

_Noreturn void trap_resume(const struct host_context *c)
{
    trap_resume_vectors(c, NULL);
}

_Noreturn void trap_resume_vectors(const struct host_context *c, const void *vectors)
{
    struct fiber *f = &MACHINE->fiber->fiber;
    /* Each record's host_sp is where the door stood before that callback: popping restores the door of the frame that goes on. */
    while (f->callback) {
        const struct callback_record *r = (const struct callback_record *)f->callback;
        if (!is_abandoned(r, c->rsp))
            break;
        f->host_sp = r->host_sp;
        f->callback = r->callback;
    }
    if (f->callback)
        f->host_sp = f->callback;
    struct host_context go = *c;
    if (__builtin_expect(sim_sync != NULL, 0))
        sim_sync->unwound(c->rsp);
    if (vectors)
        host_vectors_load(vectors);
    host_context_load(&go);
}

/* Climbs from a context inside our code to the frame of the export that was called. NULL: our code was not called by a guest. */
static struct door_frame *call_frame(const struct host_context *c, uint64_t *export_slot)
{
    CONTEXT u;
    trap_context_from_host(&u, c);
    for (unsigned depth = 0; depth < 64; depth++) {
        uint32_t index = door_index_at(u.Rip);
        if (index != UINT32_MAX) {
            *export_slot = door_slot(index);
            return (struct door_frame *)u.Rsp;
        }
        struct trap_function fn;
        struct pe_unwound out;
        trap_function_at(u.Rip, &fn);
        if (!fn.entry || !trap_unwind(&u, &fn, 0, &out))
            return NULL;
    }
    return NULL;
}

static void context_of_caller(struct host_context *c, const struct door_frame *d)
{
    memset(c, 0, sizeof *c);
    c->rbx = d->rbx;
    c->rbp = d->rbp;
    c->rsi = d->rsi;
    c->rdi = d->rdi;
    c->r12 = d->r12;
    c->r13 = d->r13;
    c->r14 = d->r14;
    c->r15 = d->r15;
    memcpy(c->xmm[6], d->xmm, sizeof d->xmm);
    c->rflags = RFLAGS_FIXED;
    c->mxcsr = MXCSR_DEFAULT;
    c->rsp = (uint64_t)&d->return_address;
}

_Noreturn void trap_call_again(const struct host_context *c)
{
    uint64_t slot;
    const struct door_frame *d = call_frame(c, &slot);
    if (!d)
        base_panic("an exception in our own thread was continued");
    struct host_context go;
    context_of_caller(&go, d);
    go.rcx = d->args[0];
    go.rdx = d->args[1];
    go.r8 = d->args[2];
    go.r9 = d->args[3];
    go.rip = slot;
    trap_resume(&go);
}

_Noreturn void trap_call_return(const struct host_context *c, uint64_t result)
{
    uint64_t slot;
    const struct door_frame *d = call_frame(c, &slot);
    if (!d)
        base_panic("an exception in our own thread was continued");
    struct host_context go;
    context_of_caller(&go, d);
    go.rax = result;
    go.rip = d->return_address;
    go.rsp += 8;
    trap_resume(&go);
}

/* ---- function tables ---- */

/* The guest address of the table's row: some handlers compare it or read behind it. */
static RUNTIME_FUNCTION *table_row(const struct pe_mapped *pe, uint32_t begin)
{
    uint32_t low = 0, high = pe_function_count(pe);
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        struct pe_function f;
        if (!pe_function_get(pe, mid, &f))
            return NULL;
        if (f.begin_rva == begin)
            return pe_at(pe, pe->dirs[PE_DIR_EXCEPTION].rva + mid * 12, 12);
        if (f.begin_rva < begin)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

void trap_function_at(uint64_t rip, struct trap_function *out)
{
    *out = (struct trap_function) { 0 };
    const struct image *i = image_at(rip);
    if (!i)
        return;
    out->pe = &i->pe;
    out->base = i->base;
    if (pe_function_entry(&i->pe, (uint32_t)(rip - i->base), &out->fn))
        out->entry = table_row(&i->pe, out->fn.begin_rva);
}

static bool read_guest(void *ctx, uint64_t va, void *to, size_t len)
{
    if (!host_guarded_copy(to, (const void *)va, len))
        return false;
    patch_original_bytes(va, to, len);
    return true;
}

bool trap_unwind_regs(struct pe_regs *r, const struct trap_function *f, unsigned handler, struct pe_unwound *out)
{
    static const struct pe_mapped nowhere;
    char why[PE_ERROR_TEXT];
    if (f->entry)
        return pe_virtual_unwind(f->pe, &f->fn, handler, r, read_guest, NULL, out, why, sizeof why) == PE_OK;
    return pe_virtual_unwind(f->pe ? f->pe : &nowhere, NULL, 0, r, read_guest, NULL, out, why, sizeof why) == PE_OK;
}

bool trap_unwind(CONTEXT *c, const struct trap_function *f, unsigned handler, struct pe_unwound *out)
{
    struct pe_regs r;
    trap_regs_from_context(&r, c);
    if (!trap_unwind_regs(&r, f, handler, out))
        return false;
    trap_context_from_regs(c, &r);
    return true;
}
