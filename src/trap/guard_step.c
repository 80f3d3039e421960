/* Guard mode, exact: pages of blocks that share them with bytes of nobody are shut (mm/guard.h), and each instruction that touches one is looked at
 * before it is let through: all of what it reads and writes must lie in blocks.
 *
 * Guest code goes on with the page open for that one instruction, by the trap flag. Host code (an export that works on memory of the guest's) finds
 * the page open until guest code runs again: its copies, which are single instructions, and
 * the first write to a page are looked at; other reads are not, since comparing what lies beside blocks is one, and the C library reads whole vectors
 * around the ends of strings. */
#include <Zydis/Zydis.h>

#include "mm/guard.h"
#include "ps/ps.h"
#include "sim/machine.h"
#include "trap/trap.h"

enum { PAGE = 0x1000, TRAP_FLAG = 0x100, DIRECTION_FLAG = 0x400, LONGEST = 15 };

/* The process's: between the fault and the trap that follows the instruction. */
static bool stepping;
static uint64_t stepping_rip;

struct touched {
    uint64_t at, bytes;
    bool write;
};

static bool decode(uint64_t rip, ZydisDecodedInstruction *in, ZydisDecodedOperand *op)
{
    uint64_t left = PAGE - (rip & (PAGE - 1));
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, (const void *)rip, left < LONGEST ? left : LONGEST, in, op)) ||
           ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, (const void *)rip, LONGEST, in, op)); /* it goes on in the next page, which it was fetched from */
}

/* What an operand is in memory; false: nothing. */
static bool operand(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, const struct host_context *c, struct touched *out)
{
    if (op->type != ZYDIS_OPERAND_TYPE_MEMORY || op->mem.type != ZYDIS_MEMOP_TYPE_MEM || op->mem.segment == ZYDIS_REGISTER_GS || op->mem.segment == ZYDIS_REGISTER_FS)
        return false;
    ZydisRegisterContext regs = { 0 };
    for (int i = 0; i < 16; i++)
        regs.values[ZYDIS_REGISTER_RAX + i] = c->gpr[i];
    ZyanU64 at;
    if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddressEx(in, op, c->rip, &regs, &at)))
        return false;
    *out = (struct touched) { at, op->size / 8, (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0 };
    /* A repeated string instruction that may go on to its end. */
    bool string = op->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN || in->meta.category == ZYDIS_CATEGORY_STRINGOP;
    if (string && (in->attributes & ZYDIS_ATTRIB_HAS_REP) && c->gpr[1] <= UINT32_MAX) {
        uint64_t all = c->gpr[1] * out->bytes;
        if (c->rflags & DIRECTION_FLAG)
            out->at -= all - out->bytes;
        out->bytes = all;
    }
    return true;
}

/* The first byte that is no block's, on pages that blocks have; 0. */
static uint64_t stray(const struct touched *t)
{
    for (uint64_t at = t->at; at < t->at + t->bytes;) {
        enum guard_wrong how;
        const struct guard_block *b = mm_guard_covers(at) && mm_guard_is_shut(at) ? mm_guard_at(at, &how) : NULL;
        if (!b) { /* not one of ours: the next page */
            at = (at | (PAGE - 1)) + 1;
            continue;
        }
        if (at < b->base || at >= b->base + b->bytes)
            return at;
        at = b->base + b->bytes;
    }
    return 0;
}

/* false: f tells of the first byte that it may not touch. */
static bool may_go_on(struct host_fault *f)
{
    ZydisDecodedInstruction in;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    if (!decode(f->context.rip, &in, op))
        return true;
    for (unsigned i = 0; i < in.operand_count; i++) {
        struct touched t;
        if (!operand(&in, &op[i], &f->context, &t) || (f->in_host && !t.write && in.meta.category != ZYDIS_CATEGORY_STRINGOP))
            continue;
        uint64_t bad = stray(&t);
        if (!bad) {
            for (uint64_t p = t.at & ~(uint64_t)(PAGE - 1); p < t.at + t.bytes && !f->in_host; p += PAGE)
                mm_guard_let(p, false);
            continue;
        }
        f->address = bad;
        f->access = t.write;
        return false;
    }
    mm_guard_let(f->address, f->in_host);
    return true;
}

static bool stepped(struct host_fault *f)
{
    if (!stepping)
        return false;
    if (f->context.rip == stepping_rip && !f->in_host)
        return true; /* a repeated instruction */
    stepping = false;
    mm_guard_shut_again();
    f->context.rflags &= ~(uint64_t)TRAP_FLAG;
    return true;
}

bool trap_guard_step(struct host_fault *f)
{
    if (f->kind == HOST_FAULT_STEP)
        return stepped(f);
    if (f->kind != HOST_FAULT_ACCESS || f->access == 8 || !mm_guard_is_shut(f->address))
        return false;
    if (!may_go_on(f))
        return false;
    if (!f->in_host) {
        stepping = true;
        stepping_rip = f->context.rip;
        f->context.rflags |= TRAP_FLAG;
    }
    return true;
}
