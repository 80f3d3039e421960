/* One step of virtual unwinding: undo what the prolog has done, or finish what the epilog has begun.
 *
 * All changes are made to a copy of the registers that is handed over at the end. */
#include "pe/unwind.h"
#include "base/assert.h"
#include "pe/epilog.h"
#include "pe/text.h"

#include <string.h>

enum { MAX_CHAIN = 32 };

struct unwinder {
    const struct pe_mapped *m;
    struct pe_regs r;
    struct pe_unwound *out;
    pe_read_fn *read;
    void *ctx;
    char *err;
    size_t errlen;
};

#define REFUSE(u, ...) pe_bad((u)->err, (u)->errlen, __VA_ARGS__)

/* --- reads from the stack ------------------------------------------------------------------------------ */

static enum pe_status load(struct unwinder *u, uint64_t va, void *to, size_t len)
{
    if (u->read(u->ctx, va, to, len))
        return PE_OK;
    return REFUSE(u, "stack memory at 0x%llx cannot be read", (unsigned long long)va);
}

static enum pe_status restore_gpr(struct unwinder *u, unsigned reg, uint64_t va)
{
    IR_ASSERT(reg < 16);
    u->out->gpr_at[reg] = va;
    return load(u, va, &u->r.gpr[reg], 8);
}

static enum pe_status restore_xmm(struct unwinder *u, unsigned reg, uint64_t va)
{
    IR_ASSERT(reg < 16);
    u->out->xmm_at[reg] = va;
    return load(u, va, &u->r.xmm[reg], 16);
}

static enum pe_status pop_gpr(struct unwinder *u, unsigned reg)
{
    uint64_t rsp = u->r.gpr[PE_RSP];
    u->r.gpr[PE_RSP] = rsp + 8; /* first: pop rsp ends with the popped value */
    return restore_gpr(u, reg, rsp);
}

static enum pe_status pop_return(struct unwinder *u)
{
    uint64_t rsp = u->r.gpr[PE_RSP];
    u->r.gpr[PE_RSP] = rsp + 8;
    return load(u, rsp, &u->r.rip, 8);
}

/* rip, cs, eflags, rsp, ss as the processor pushes them, under them an error code for some exceptions. */
static enum pe_status pop_machine_frame(struct unwinder *u, bool error_code)
{
    uint64_t at = u->r.gpr[PE_RSP] + (error_code ? 8 : 0);
    u->out->machine_frame = true;
    enum pe_status st = load(u, at, &u->r.rip, 8);
    return st == PE_OK ? load(u, at + 24, &u->r.gpr[PE_RSP], 8) : st;
}

/* --- prologs ------------------------------------------------------------------------------------------- */

struct level { /* one UNWIND_INFO of a chain */
    struct pe_unwind_info info;
    uint32_t done;       /* codes with a greater offset have not been executed yet */
    uint64_t frame;      /* base of the fixed allocation, what saved registers are relative to */
};

static bool executed(const struct level *l, const struct pe_unwind_op *op)
{
    return op->op != PE_UWOP_EPILOG && op->code_offset <= l->done;
}

/* The frame register holds only once its code has been executed; a chained part is entered with it. */
static bool frame_register_set(const struct level *l)
{
    struct pe_unwind_op op;
    if (l->info.frame_register == 0)
        return false;
    if (l->done >= l->info.prolog_size || (l->info.flags & PE_UNW_CHAININFO))
        return true;
    for (unsigned i = 0; pe_unwind_op(&l->info, i, &op); i += op.slots)
        if (op.op == PE_UWOP_SET_FPREG)
            return executed(l, &op);
    return false;
}

static void find_frame(const struct unwinder *u, struct level *l)
{
    l->frame = frame_register_set(l) ? u->r.gpr[l->info.frame_register] - l->info.frame_offset : u->r.gpr[PE_RSP];
}

static enum pe_status undo(struct unwinder *u, const struct level *l, const struct pe_unwind_op *op)
{
    switch (op->op) {
    case PE_UWOP_PUSH_NONVOL:
        return pop_gpr(u, op->info);
    case PE_UWOP_ALLOC_LARGE:
    case PE_UWOP_ALLOC_SMALL:
        u->r.gpr[PE_RSP] += op->operand;
        return PE_OK;
    case PE_UWOP_SET_FPREG:
        u->r.gpr[PE_RSP] = u->r.gpr[l->info.frame_register] - l->info.frame_offset;
        return PE_OK;
    case PE_UWOP_SAVE_NONVOL:
    case PE_UWOP_SAVE_NONVOL_FAR:
        return restore_gpr(u, op->info, l->frame + op->operand);
    case PE_UWOP_SAVE_XMM128:
    case PE_UWOP_SAVE_XMM128_FAR:
        return restore_xmm(u, op->info, l->frame + op->operand);
    case PE_UWOP_PUSH_MACHFRAME:
        return pop_machine_frame(u, op->info == 1);
    default:
        return REFUSE(u, "unwind code %u", op->op);
    }
}

static enum pe_status undo_level(struct unwinder *u, const struct level *l)
{
    for (unsigned i = 0; i < l->info.code_count;) {
        struct pe_unwind_op op;
        if (!pe_unwind_op(&l->info, i, &op))
            return REFUSE(u, "malformed unwind code %u", i);
        enum pe_status st = executed(l, &op) ? undo(u, l, &op) : PE_OK;
        if (st != PE_OK)
            return st;
        i += op.slots;
    }
    return PE_OK;
}

static enum pe_status read_info(struct unwinder *u, const struct pe_function *fn, struct pe_unwind_info *info)
{
    if (!pe_unwind_info(u->m, fn, info))
        return REFUSE(u, "unwind data of the function at 0x%x lies outside the image", fn->begin_rva);
    if (info->version != 1 && info->version != 2)
        return REFUSE(u, "unwind data of the function at 0x%x has version %u", fn->begin_rva, info->version);
    return PE_OK;
}

/* Undoes `first` and then, completely, the infos it is chained to. *last is the primary's. */
static enum pe_status undo_chain(struct unwinder *u, const struct level *first, struct pe_unwind_info *last)
{
    struct level l = *first;
    for (int i = 0; i < MAX_CHAIN; i++) {
        enum pe_status st = undo_level(u, &l);
        if (st != PE_OK)
            return st;
        if (!(l.info.flags & PE_UNW_CHAININFO)) {
            *last = l.info;
            return u->out->machine_frame ? PE_OK : pop_return(u);
        }
        struct pe_function parent = l.info.chained;
        u->out->function_rva = parent.begin_rva;
        if ((st = read_info(u, &parent, &l.info)) != PE_OK)
            return st;
        l.done = UINT32_MAX;
        find_frame(u, &l);
    }
    return REFUSE(u, "unwind data is chained in a circle");
}

/* --- epilogs and the whole ------------------------------------------------------------------------------ */

static enum pe_status finish_epilog(struct unwinder *u, const struct pe_epilog *e)
{
    u->r.gpr[PE_RSP] = u->r.gpr[e->base] + (uint64_t)(int64_t)e->adjust;
    for (unsigned i = 0; i < e->pop_count; i++) {
        enum pe_status st = pop_gpr(u, e->pops[i]);
        if (st != PE_OK)
            return st;
    }
    return pop_return(u);
}

/* Only the body is covered by a handler. GUESS: a chained part is covered by the handler of its primary. */
static void choose_handler(struct unwinder *u, const struct pe_unwind_info *primary, unsigned handler)
{
    if (u->out->part != PE_FRAME_BODY || !(primary->flags & handler & (PE_UNW_EHANDLER | PE_UNW_UHANDLER)))
        return;
    u->out->handler_rva = primary->handler_rva;
    u->out->handler_data_rva = primary->handler_data_rva;
}

static enum pe_status unwind_function(struct unwinder *u, const struct pe_function *fn, unsigned handler)
{
    uint64_t rva = u->r.rip - u->m->va;
    if (rva < fn->begin_rva || rva >= fn->end_rva || rva >= u->m->size)
        return REFUSE(u, "0x%llx is not in the function at 0x%x", (unsigned long long)u->r.rip, fn->begin_rva);
    struct level l = { .done = (uint32_t)rva - fn->begin_rva };
    enum pe_status st = read_info(u, fn, &l.info);
    if (st != PE_OK)
        return st;
    find_frame(u, &l);
    u->out->establisher_frame = l.frame;
    u->out->function_rva = fn->begin_rva;
    u->out->part = l.done < l.info.prolog_size ? PE_FRAME_PROLOG : PE_FRAME_BODY;
    struct pe_epilog e = { 0 };
    if (u->out->part == PE_FRAME_BODY)
        pe_epilog_find(u->m, fn, &l.info, (uint32_t)rva, u->read, u->ctx, &e);
    if (e.found) {
        u->out->part = PE_FRAME_EPILOG;
        return finish_epilog(u, &e);
    }
    struct pe_unwind_info primary = { 0 };
    st = undo_chain(u, &l, &primary);
    if (st == PE_OK)
        choose_handler(u, &primary, handler);
    return st;
}

enum pe_status pe_virtual_unwind(const struct pe_mapped *m, const struct pe_function *fn, unsigned handler,
                                 struct pe_regs *regs, pe_read_fn *read, void *ctx, struct pe_unwound *out,
                                 char *err, size_t errlen)
{
    IR_ASSERT(m && regs && read && out);
    struct unwinder u = { m, *regs, out, read, ctx, err, errlen };
    memset(out, 0, sizeof *out);
    out->establisher_frame = regs->gpr[PE_RSP];
    out->function_rva = (uint32_t)(regs->rip - m->va);
    enum pe_status st = fn ? unwind_function(&u, fn, handler) : pop_return(&u);
    if (st == PE_OK)
        *regs = u.r;
    return st;
}
