/* Epilogs.
 *
 * Version 1 unwind data does not describe them; the instructions from the current one on must match
 *     [add rsp, n | lea rsp, [fp + n]]  pop*  (ret | jmp out of the function)
 * or a tail of it (DOC: "x64 prolog and epilog"). Version 2 lists where epilogs are, counted from their first pop
 * (an interrupted stack adjustment before it has undone nothing and counts as body). */
#include "pe/epilog.h"

#include <string.h>

struct code { /* instruction bytes from the current one on */
    uint8_t bytes[96];
    uint32_t length; /* how many are known */
    uint32_t at;
    uint32_t rva;    /* of bytes[0] */
};

/* Past a short read all bytes are 0, which is no epilog instruction. */
static void fetch(struct code *c, const struct pe_mapped *m, const struct pe_function *fn, pe_read_fn *read, void *ctx)
{
    uint32_t room = fn->end_rva - c->rva;
    c->length = room < 80 ? room : 80;
    if (!read(ctx, m->va + c->rva, c->bytes, c->length))
        c->length = 0;
}

static const uint8_t *peek(const struct code *c)
{
    return c->bytes + (c->at < c->length ? c->at : sizeof c->bytes - 16); /* the tail stays zero */
}

static int32_t immediate(const uint8_t *p, unsigned size)
{
    int32_t v;
    if (size == 1)
        return (int8_t)p[0];
    memcpy(&v, p, sizeof v);
    return v;
}

/* --- pieces -------------------------------------------------------------------------------------------- */

static void match_add_rsp(struct code *c, struct pe_epilog *out)
{
    const uint8_t *p = peek(c);
    if (p[0] != 0x48 || (p[1] != 0x83 && p[1] != 0x81) || p[2] != 0xc4)
        return;
    unsigned size = p[1] == 0x83 ? 1 : 4;
    out->adjust = immediate(p + 3, size);
    c->at += 3 + size;
}

/* lea rsp, [fp + disp8 | disp32] */
static void match_lea_rsp(struct code *c, unsigned frame, struct pe_epilog *out)
{
    const uint8_t *p = peek(c);
    unsigned mod = p[2] >> 6, rm = p[2] & 7, sib = rm == 4;
    if (p[0] != (frame >= 8 ? 0x49 : 0x48) || p[1] != 0x8d || (p[2] >> 3 & 7) != PE_RSP || rm != (frame & 7))
        return;
    if (mod == 3 || (mod == 0 && rm == 5) || (sib && p[3] != 0x24))
        return;
    unsigned size = mod == 1 ? 1 : mod == 2 ? 4 : 0;
    out->base = (int)frame;
    out->adjust = size ? immediate(p + 3 + sib, size) : 0;
    c->at += 3 + sib + size;
}

static void match_pops(struct code *c, struct pe_epilog *out)
{
    while (out->pop_count < sizeof out->pops) {
        const uint8_t *p = peek(c);
        bool extended = p[0] == 0x41;
        uint8_t op = p[extended];
        if (op < 0x58 || op > 0x5f)
            return;
        out->pops[out->pop_count++] = (uint8_t)((op & 7) + (extended ? 8 : 0));
        c->at += 1 + extended;
    }
}

/* --- jumps --------------------------------------------------------------------------------------------- */

/* An entry whose whole prolog lies at offset 0 is entered with its frame already made: a split-off (cold) part. */
static bool is_split_part(const struct pe_mapped *m, const struct pe_function *fn)
{
    struct pe_unwind_info info;
    return pe_unwind_info(m, fn, &info) && info.prolog_size == 0 && info.code_count != 0;
}

/* A direct jump is a tail call when it goes to the start of a function: a leaf, another one, or itself again. */
static bool is_tail_target(const struct pe_mapped *m, const struct pe_function *fn, uint64_t target)
{
    struct pe_function to, to_primary, primary;
    if (target >= m->size)
        return true; /* out of the image */
    if (target >= fn->begin_rva && target < fn->end_rva)
        to = *fn;
    else if (!pe_function_entry(m, (uint32_t)target, &to))
        return true;
    if (target != to.begin_rva || is_split_part(m, &to))
        return false;
    if (!pe_function_primary(m, &to, &to_primary) || !pe_function_primary(m, fn, &primary))
        return false;
    return to_primary.begin_rva == to.begin_rva; /* the start of a chained part is the middle of a function */
}

static bool match_indirect_jump(const uint8_t *p)
{
    bool wide = (p[0] & 0xf8) == 0x48;         /* REX.W marks a tail call to the unwinder */
    bool rex = (p[0] & 0xf0) == 0x40;
    p += rex;
    unsigned mod = p[1] >> 6, rm = p[1] & 7;
    if (p[0] != 0xff || (p[1] >> 3 & 7) != 4)
        return false;
    if (mod == 0) /* memory; with SIB and unmarked it is a switch */
        return wide || rm != 4;
    return mod == 3 && wide;
}

static bool match_end(const struct code *c, const struct pe_mapped *m, const struct pe_function *fn)
{
    const uint8_t *p = peek(c);
    if (p[0] == 0xc3 || p[0] == 0xc2 || (p[0] == 0xf3 && p[1] == 0xc3))
        return true;
    uint32_t at = c->rva + c->at;
    if (p[0] == 0xeb)
        return is_tail_target(m, fn, (uint32_t)(at + 2 + immediate(p + 1, 1)));
    if (p[0] == 0xe9)
        return is_tail_target(m, fn, (uint32_t)(at + 5 + (uint32_t)immediate(p + 1, 4)));
    return match_indirect_jump(p);
}

static void find_by_bytes(struct code *c, const struct pe_mapped *m, const struct pe_function *fn,
                          const struct pe_unwind_info *info, struct pe_epilog *out)
{
    if (info->frame_register)
        match_lea_rsp(c, info->frame_register, out);
    else
        match_add_rsp(c, out);
    match_pops(c, out);
    out->found = match_end(c, m, fn);
}

/* --- version 2 ----------------------------------------------------------------------------------------- */

/* The first code gives the size of every epilog, and whether one ends the function; the others their distance from
 * the function's end (12 bits, 0 is padding). */
static bool in_listed_epilog(const struct pe_function *fn, const struct pe_unwind_info *info, uint32_t rva)
{
    struct pe_unwind_op op;
    uint32_t size = 0;
    for (unsigned i = 0; pe_unwind_op(info, i, &op) && op.op == PE_UWOP_EPILOG; i++) {
        uint32_t distance = op.code_offset | (uint32_t)op.info << 8;
        if (i == 0) {
            size = op.code_offset;
            distance = op.info & 1 ? size : 0;
        }
        if (distance && distance <= fn->end_rva && rva - (fn->end_rva - distance) < size)
            return true;
    }
    return false;
}

void pe_epilog_find(const struct pe_mapped *m, const struct pe_function *fn, const struct pe_unwind_info *info,
                    uint32_t rva, pe_read_fn *read, void *ctx, struct pe_epilog *out)
{
    memset(out, 0, sizeof *out);
    out->base = PE_RSP;
    bool listed = info->version >= 2;
    if (listed && !in_listed_epilog(fn, info, rva))
        return;
    struct code c = { .rva = rva };
    fetch(&c, m, fn, read, ctx);
    if (!listed) {
        find_by_bytes(&c, m, fn, info, out);
        return;
    }
    match_pops(&c, out); /* whatever ends a listed epilog leaves the function */
    out->found = c.length != 0;
}
