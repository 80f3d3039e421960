/* The quick way to calls of imports through registers: most need no propagation.
 *
 * Two rules, each exact. A register that calls preserve and that the whole function writes only by loading one import holds that
 * import wherever it is called. And within straight-line code the last write counts. A function in which a call fits neither is
 * left to the propagation as a whole. */
#include "graph/build.h"
#include "graph/decode.h"

#include <string.h>

enum { LARGEST = 1 << 15, MOST_CALLS = 512, ALL = 0xffff, VOLATILE = 0x0f07 /* rax rcx rdx r8-r11 */ };
enum { RAX = 1, RCX = 2, RDX = 4, RBX = 8, RBP = 0x20, RSI = 0x40, RDI = 0x80 };

struct local {
    const struct graph_image *g;
    uint32_t begin, end;
    uint8_t target[LARGEST / 8]; /* a bit for each byte: something jumps there */
    uint32_t only[16];           /* the import that is all that is ever loaded; GRAPH_NONE: nothing yet; OTHER: more */
    struct {
        uint32_t site, slot;
        uint8_t reg;
    } calls[MOST_CALLS];
    unsigned count;
};

static const uint32_t other = GRAPH_NONE - 1, never = GRAPH_NONE - 2;

/* --- what an instruction writes, at least ----------------------------------------------------------------------------- */

static unsigned bit_reg(const struct graph_insn *i)
{
    return 1u << graph_reg(i);
}

static unsigned bit_rm(const struct graph_insn *i)
{
    return graph_mod(i) == 3 ? 1u << graph_rm(i) : 0;
}

static unsigned writes_one(const struct graph_insn *i)
{
    uint8_t op = i->opcode;
    unsigned low = 1u << ((i->opcode & 7) | (i->rex & GRAPH_REX_B) << 3);
    if (op < 0x40 && (op & 0x38) == 0x38)
        return 0;
    if (op < 0x40)
        return (op & 7) < 2 ? bit_rm(i) : (op & 7) < 4 ? bit_reg(i) : RAX;
    if (op >= 0x58 && op <= 0x5f) /* restores what the caller had, before the end */
        return 0;
    if ((op >= 0x50 && op <= 0x57) || op == 0x68 || op == 0x6a || (op & 0xf0) == 0x70 || op == 0x84 || op == 0x85 || op == 0xa8 || op == 0xa9)
        return 0;
    if (op == 0x63 || op == 0x69 || op == 0x6b || op == 0x8a || op == 0x8b || op == 0x8d)
        return bit_reg(i);
    if (op == 0x80 || op == 0x81 || op == 0x83)
        return graph_digit(i) == 7 ? 0 : bit_rm(i);
    if (op == 0x86 || op == 0x87)
        return bit_reg(i) | bit_rm(i);
    if (op == 0x88 || op == 0x89 || op == 0x8f || (op & 0xfe) == 0xc0 || (op & 0xfc) == 0xd0 || (op & 0xfe) == 0xc6)
        return bit_rm(i);
    if (op >= 0x90 && op <= 0x97)
        return op == 0x90 && !(i->rex & GRAPH_REX_B) ? 0 : RAX | low;
    if (op == 0x98 || op == 0x99)
        return RAX | RDX;
    if ((op >= 0xa4 && op <= 0xa7) || (op >= 0xaa && op <= 0xaf))
        return RAX | RCX | RSI | RDI;
    if (op >= 0xb0 && op <= 0xbf)
        return low;
    if (op == 0xc9)
        return RBP;
    if ((op & 0xfe) == 0xf6)
        return graph_digit(i) < 2 ? 0 : graph_digit(i) < 4 ? bit_rm(i) : RAX | RDX;
    if ((op & 0xfe) == 0xfe)
        return graph_digit(i) < 2 ? bit_rm(i) : 0;
    return ALL;
}

static unsigned writes_two(const struct graph_insn *i)
{
    uint8_t op = i->opcode;
    if ((op & 0xf0) == 0x80 || op == 0x0d || (op >= 0x18 && op <= 0x1f) || op == 0xa3)
        return 0;
    if (op == 0x2c || op == 0x2d || op == 0x50 || op == 0x7e || op == 0xc5 || op == 0xd7)
        return bit_reg(i) | bit_rm(i);
    if ((op >= 0x10 && op <= 0x17) || (op >= 0x28 && op <= 0x2f) || (op >= 0x51 && op <= 0x76) || op == 0x7f || op == 0xc2 || op == 0xc6 || op >= 0xd0)
        return 0;
    if ((op & 0xf0) == 0x40 || op == 0xaf || op == 0xb6 || op == 0xb7 || (op >= 0xbc && op <= 0xbf))
        return bit_reg(i);
    if ((op & 0xf0) == 0x90 || op == 0xab || op == 0xb3 || op == 0xbb || op == 0xba || op == 0xa4 || op == 0xa5 || op == 0xac || op == 0xad)
        return bit_rm(i);
    if (op == 0xb0 || op == 0xb1)
        return RAX | bit_rm(i);
    if (op == 0xc0 || op == 0xc1)
        return bit_reg(i) | bit_rm(i);
    if (op == 0xa2)
        return RAX | RBX | RCX | RDX;
    if (op == 0x31)
        return RAX | RDX;
    if (op >= 0xc8 && op <= 0xcf)
        return 1u << ((op & 7) | (i->rex & GRAPH_REX_B) << 3);
    return ALL;
}

static unsigned writes(const struct graph_insn *i)
{
    switch (graph_flow_of(i)) {
    case GRAPH_NEXT:
        return i->map == GRAPH_MAP_1 ? writes_one(i) : i->map == GRAPH_MAP_0F ? writes_two(i) : ALL;
    case GRAPH_CALL: case GRAPH_CALL_FAR:
        return VOLATILE;
    default:
        return 0;
    }
}

/* Whether what it writes may be an import that was loaded before, or the address of a function. */
static bool carries(const struct graph_insn *i)
{
    if (i->map == GRAPH_MAP_0F && (i->opcode & 0xf0) == 0x40)
        return true;
    if (i->map != GRAPH_MAP_1)
        return i->map != GRAPH_MAP_0F || i->opcode == 0x7e;
    bool stack = graph_mod(i) != 3 && ((i->modrm & 7) == 5 || ((i->modrm & 7) == 4 && ((i->sib & 7) == 4 || (i->sib & 7) == 5)));
    switch (i->opcode) {
    case 0x8b:
        return graph_mod(i) == 3 || stack; /* a load of something else than an import relative to rip too: mod 0, r/m 5 */
    case 0x89: case 0x8d: case 0x86: case 0x87:
        return true;
    default:
        return (i->opcode >= 0x90 && i->opcode <= 0x97) || (i->opcode >= 0xb8 && i->opcode <= 0xbf) || (i->opcode >= 0xa4 && i->opcode <= 0xaf);
    }
}

/* --- the two passes ----------------------------------------------------------------------------------------------------- */

static uint32_t loaded_import(const struct local *l, uint32_t at, const struct graph_insn *i)
{
    bool load = graph_is(i, GRAPH_MAP_1, 0x8b) && graph_rip_relative(i) && i->rex & GRAPH_REX_W;
    return load ? graph_import_at(&l->g->x, at + i->length + (uint32_t)i->disp) : GRAPH_NONE;
}

/* Targets, and what each register is ever given. False: not for this way. */
static bool look(struct local *l)
{
    const uint8_t *bytes = l->g->m.base;
    for (uint32_t at = l->begin; at < l->end;) {
        struct graph_insn i;
        if (!graph_decode(bytes + at, bytes + l->end, &i))
            return false;
        enum graph_flow f = graph_flow_of(&i);
        uint32_t to = at + i.length + (uint32_t)i.imm, import = loaded_import(l, at, &i);
        if ((f == GRAPH_JUMP || f == GRAPH_BRANCH) && to >= l->begin && to < l->end)
            l->target[(to - l->begin) / 8] |= (uint8_t)(1 << (to - l->begin) % 8);
        if (f == GRAPH_JUMP_FAR && !graph_rip_relative(&i))
            return false;
        unsigned w = writes(&i);
        for (unsigned r = 0; w && r < 16; r++)
            if (w >> r & 1)
                l->only[r] = import != GRAPH_NONE && (l->only[r] == GRAPH_NONE || l->only[r] == import) ? import : other;
        at += i.length;
    }
    return true;
}

static bool call_at(struct local *l, uint32_t at, const struct graph_insn *i, const uint32_t *now)
{
    unsigned r = graph_rm(i), memory = i->modrm & 7;
    if (graph_mod(i) != 3) /* through the stack: not for this way; through other memory: no import */
        return graph_rip_relative(i) || !(memory == 5 || (memory == 4 && ((i->sib & 7) == 4 || (i->sib & 7) == 5)));
    bool always = !(VOLATILE >> r & 1) && l->only[r] < other;
    uint32_t import = always ? l->only[r] : now[r];
    if (import == never)
        return true;
    if (import == GRAPH_NONE || l->count == MOST_CALLS)
        return false;
    l->calls[l->count].site = at;
    l->calls[l->count].reg = (uint8_t)r;
    l->calls[l->count++].slot = import;
    return true;
}

static bool resolve(struct local *l)
{
    const uint8_t *bytes = l->g->m.base;
    uint32_t now[16];
    memset(now, 0xff, sizeof now);
    for (uint32_t at = l->begin; at < l->end;) {
        struct graph_insn i;
        if (!graph_decode(bytes + at, bytes + l->end, &i))
            return false;
        if (l->target[(at - l->begin) / 8] >> (at - l->begin) % 8 & 1)
            memset(now, 0xff, sizeof now);
        enum graph_flow f = graph_flow_of(&i);
        if (f == GRAPH_CALL_FAR && !call_at(l, at, &i, now))
            return false;
        unsigned w = writes(&i);
        uint32_t import = loaded_import(l, at, &i);
        for (unsigned r = 0; w && r < 16; r++)
            if (w >> r & 1)
                now[r] = import != GRAPH_NONE ? import : f == GRAPH_NEXT && carries(&i) ? GRAPH_NONE : never;
        if (f == GRAPH_JUMP || f == GRAPH_JUMP_FAR || f == GRAPH_RETURN || f == GRAPH_STOP)
            memset(now, 0xff, sizeof now);
        at += i.length;
    }
    return true;
}

bool graph_resolve_locally(struct graph_builder *b, uint32_t function, bool (*add)(void *ctx, const struct graph_edge *e), void *ctx)
{
    const struct graph_function *f = &b->g->x.functions[function];
    struct local l;
    if (f->part_count || f->end <= f->rva || f->end - f->rva > LARGEST)
        return false;
    l.g = b->g;
    l.begin = f->rva;
    l.end = f->end;
    l.count = 0;
    memset(l.target, 0, (l.end - l.begin) / 8 + 1);
    memset(l.only, 0xff, sizeof l.only);
    if (!look(&l) || !resolve(&l))
        return false;
    for (unsigned k = 0; k < l.count; k++) {
        struct graph_edge e = { .site = l.calls[k].site, .from = function, .kind = GRAPH_EDGE_IMPORT, .to = l.calls[k].slot };
        if (!add(ctx, &e))
            b->out_of_memory = true;
    }
    return true;
}
