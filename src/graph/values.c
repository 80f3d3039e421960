/* What one instruction does to what is known. Only what compilers use to move pointers and constants is followed;
 * every other instruction makes the registers it could write unknown. */
#include "graph/values.h"

#include <string.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

struct step {
    const struct graph_image *g;
    struct graph_state *st;
    const struct graph_insn *i;
    const struct graph_watch *watch;
    uint32_t rva;
};

static const struct graph_set unknown = { .unknown = true };

static struct graph_set one(uint8_t kind, uint64_t number)
{
    return (struct graph_set){ .count = 1, .v = { { .kind = kind, .number = number } } };
}

static unsigned operand_size(const struct graph_insn *i)
{
    return i->rex & GRAPH_REX_W ? 8 : i->prefixes & GRAPH_P66 ? 2 : 4;
}

/* What remains of a set when only `size` bytes of it are used: constants, cut. */
static struct graph_set cut(const struct graph_set *s, unsigned size)
{
    struct graph_set out = { .unknown = s->unknown };
    if (size == 8)
        return *s;
    for (unsigned k = 0; k < s->count; k++) {
        if (s->v[k].kind != GRAPH_CONST) {
            out.unknown = true;
            continue;
        }
        out.v[out.count] = s->v[k];
        out.v[out.count++].number &= size == 4 ? UINT32_MAX : size == 2 ? UINT16_MAX : UINT8_MAX;
    }
    return out;
}

static struct graph_set plus(const struct graph_set *s, int64_t n)
{
    struct graph_set out = *s;
    for (unsigned k = 0; k < out.count; k++) {
        if (out.v[k].kind == GRAPH_LOADED && n == (int32_t)n && (int64_t)out.v[k].field + n == (int32_t)(out.v[k].field + n)) {
            out.v[k].field += (int32_t)n;
        } else if ((out.v[k].kind == GRAPH_LOADED || out.v[k].kind == GRAPH_MEMBER) && n) {
            out.v[k] = out.v[--out.count];
            out.unknown = true;
            k--;
        } else {
            out.v[k].number += (uint64_t)n;
        }
    }
    return out;
}

static struct graph_set both(const struct graph_set *a, const struct graph_set *b)
{
    struct graph_set out = *a;
    out.unknown |= b->unknown;
    for (unsigned k = 0; k < b->count; k++) {
        if (out.count == GRAPH_SET) {
            out.unknown = true;
            break;
        }
        out.v[out.count++] = b->v[k];
    }
    return out;
}

/* Of what a narrow propagation keeps. */
static void narrow_to_calls(const struct graph_image *g, struct graph_set *s)
{
    for (unsigned k = 0; k < s->count; k++) {
        const struct graph_value *v = &s->v[k];
        uint32_t rva = v->kind == GRAPH_CONST ? pe_rva_of(&g->m, v->number) : 0;
        bool kept = v->kind == GRAPH_STACK || (rva && graph_is_code(g, rva)) ||
                    (v->kind == GRAPH_LOADED && v->field == 0 && graph_import_at(&g->x, pe_rva_of(&g->m, v->number)) != GRAPH_NONE);
        if (!kept) {
            s->v[k--] = s->v[--s->count];
            s->unknown = true;
        }
    }
}

/* A write of 4 bytes clears the upper half; smaller ones keep what nobody knows. */
static void set_reg(struct step *s, unsigned r, const struct graph_set *v, unsigned size)
{
    s->st->reg[r] = size >= 4 ? cut(v, size) : unknown;
    if (s->st->narrow && s->st->reg[r].count)
        narrow_to_calls(s->g, &s->st->reg[r]);
    if (r == RSP)
        s->st->sp_known = false;
}

/* --- the stack ------------------------------------------------------------------------------------------ */

static struct graph_slot *slot_at(struct graph_state *st, int64_t offset)
{
    for (uint32_t k = 0; k < st->slot_count; k++)
        if (st->slot[k].offset == offset)
            return &st->slot[k];
    return NULL;
}

static void forget_slot(struct graph_state *st, int64_t offset)
{
    struct graph_slot *slot = slot_at(st, offset);
    if (slot)
        *slot = st->slot[--st->slot_count];
}

static void set_slot(struct graph_state *st, int64_t offset, const struct graph_set *v)
{
    struct graph_slot *slot = slot_at(st, offset);
    if (!v->count) {
        forget_slot(st, offset);
        return;
    }
    if (!slot && st->slot_count < GRAPH_SLOTS)
        slot = &st->slot[st->slot_count++];
    for (uint32_t k = 0; !slot && v->v[0].kind == GRAPH_CONST && k < GRAPH_SLOTS; k++) /* constants matter more */
        if (st->slot[k].set.v[0].kind != GRAPH_CONST)
            slot = &st->slot[k];
    if (slot)
        *slot = (struct graph_slot){ .offset = offset, .set = *v };
}

const struct graph_set *graph_stack_argument(const struct graph_state *st, int64_t offset)
{
    for (uint32_t k = 0; st->sp_known && k < st->slot_count; k++)
        if (st->slot[k].offset == st->sp + offset)
            return st->slot[k].old ? NULL : &st->slot[k].set;
    return NULL;
}

const struct graph_set *graph_stack_slot(const struct graph_state *st, int64_t offset)
{
    for (uint32_t k = 0; k < st->slot_count; k++)
        if (st->slot[k].offset == offset)
            return &st->slot[k].set;
    return NULL;
}

static void move_sp(struct graph_state *st, int64_t by)
{
    st->sp += by;
    st->reg[RSP] = st->sp_known ? one(GRAPH_STACK, (uint64_t)st->sp) : unknown;
}

/* --- memory --------------------------------------------------------------------------------------------- */

/* The address a memory operand names. */
static struct graph_set address(const struct step *s)
{
    const struct graph_insn *i = s->i;
    if (i->prefixes & (GRAPH_SEGMENT | GRAPH_P67))
        return unknown;
    if (graph_rip_relative(i))
        return one(GRAPH_CONST, s->g->x.image_base + s->rva + i->length + (uint64_t)(int64_t)i->disp);
    unsigned base = i->modrm & 7;
    if (base == 4) {
        unsigned index = (i->sib >> 3 & 7) | (i->rex & GRAPH_REX_X) << 2;
        if (index != 4 || (graph_mod(i) == 0 && (i->sib & 7) == 5))
            return unknown;
        base = i->sib & 7;
    }
    base |= (i->rex & GRAPH_REX_B) << 3;
    return plus(&s->st->reg[base], i->disp);
}

static struct graph_set deref(int32_t field)
{
    struct graph_set out = one(GRAPH_DEREF, 0);
    out.v[0].field = field;
    return out;
}

/* mingw reaches a variable through a constant that holds its address. */
static bool holds_variable(const struct graph_image *g, uint64_t va, uint64_t *to)
{
    uint32_t rva = pe_rva_of(&g->m, va);
    const uint8_t *p = rva && rva % 8 == 0 && graph_is_read_only(g, rva) && graph_import_at(&g->x, rva) == GRAPH_NONE ? pe_at(&g->m, rva, 8) : NULL;
    if (!p)
        return false;
    memcpy(to, p, sizeof *to);
    rva = pe_rva_of(&g->m, *to);
    return rva && !graph_is_code(g, rva) && !graph_is_read_only(g, rva);
}

static struct graph_set load_value(const struct step *s, const struct graph_value *at)
{
    struct graph_slot *slot;
    uint64_t to;
    switch (at->kind) {
    case GRAPH_STACK:
        slot = slot_at(s->st, (int64_t)at->number);
        return slot ? slot->set : unknown;
    case GRAPH_CONST:
        return holds_variable(s->g, at->number, &to) ? one(GRAPH_CONST, to) : one(GRAPH_LOADED, at->number);
    case GRAPH_LOADED: {
        struct graph_set out = one(GRAPH_MEMBER, at->number);
        out.v[0].field = at->field;
        return out;
    }
    case GRAPH_FIELD: case GRAPH_DEREF:
        return deref((int32_t)at->number);
    case GRAPH_PARAM: {
        struct graph_set out = one(GRAPH_FIELD, 0);
        out.v[0].param = at->param;
        out.v[0].field = (int32_t)at->number;
        return out;
    }
    default:
        return unknown;
    }
}

static struct graph_set load(const struct step *s)
{
    struct graph_set at = address(s), out = { .unknown = at.unknown };
    if (s->watch && s->watch->at_stack_load && at.count && at.v[0].kind == GRAPH_STACK)
        s->watch->at_stack_load(s->watch->ctx, (int64_t)at.v[0].number);
    unsigned mod = graph_mod(s->i), base = s->i->modrm & 7;
    if (!at.count && (mod == 1 || mod == 2) && !(s->i->prefixes & (GRAPH_SEGMENT | GRAPH_P67)) && (base != 4 || (s->i->sib & 0x38) == 0x20))
        return deref(s->i->disp);
    for (unsigned k = 0; k < at.count; k++) {
        struct graph_set v = load_value(s, &at.v[k]);
        out = both(&out, &v);
    }
    return out;
}

/* A structure that is filled from constants field by field: what is loaded from constants is what lies there, if it is code. */
static void resolve_constants(const struct graph_image *g, struct graph_set *s)
{
    for (unsigned k = 0; k < s->count; k++) {
        uint32_t rva = s->v[k].kind == GRAPH_LOADED && s->v[k].field == 0 ? pe_rva_of(&g->m, s->v[k].number) : 0;
        const uint8_t *p = rva && graph_is_read_only(g, rva) && graph_import_at(&g->x, rva) == GRAPH_NONE ? pe_at(&g->m, rva, 8) : NULL;
        uint64_t v = 0;
        if (p)
            memcpy(&v, p, sizeof v);
        if (v && pe_rva_of(&g->m, v) && graph_is_code(g, pe_rva_of(&g->m, v)))
            s->v[k] = (struct graph_value){ .kind = GRAPH_CONST, .number = v };
    }
}

static void store_at(const struct step *s, const struct graph_set *at, const struct graph_set *v, unsigned size)
{
    struct graph_set what = cut(v, size);
    if (size == 8)
        resolve_constants(s->g, &what);
    if (s->st->narrow && what.count)
        narrow_to_calls(s->g, &what);
    if (at->count == 1 && !at->unknown && at->v[0].kind == GRAPH_STACK)
        set_slot(s->st, (int64_t)at->v[0].number, size >= 4 ? &what : &unknown);
    else if (s->watch && s->watch->at_store && what.count)
        s->watch->at_store(s->watch->ctx, s->rva, at, false, &what);
}

/* A store to a table: [base+index*8+disp]. */
static bool store_indexed(const struct step *s, const struct graph_set *v, unsigned size)
{
    const struct graph_insn *i = s->i;
    unsigned base = (i->sib & 7) | (i->rex & GRAPH_REX_B) << 3, index = (i->sib >> 3 & 7) | (i->rex & GRAPH_REX_X) << 2;
    if (graph_mod(i) == 3 || (i->modrm & 7) != 4 || index == 4 || (graph_mod(i) == 0 && (base & 7) == 5) || i->prefixes & GRAPH_SEGMENT)
        return false;
    struct graph_set at = plus(&s->st->reg[base], i->disp), what = cut(v, size);
    if (s->watch && s->watch->at_store && what.count)
        s->watch->at_store(s->watch->ctx, s->rva, &at, true, &what);
    return true;
}

static void store(const struct step *s, const struct graph_set *v, unsigned size)
{
    struct graph_set at = address(s);
    if (!store_indexed(s, v, size))
        store_at(s, &at, v, size);
}

static struct graph_set read_rm(const struct step *s)
{
    return graph_mod(s->i) == 3 ? s->st->reg[graph_rm(s->i)] : load(s);
}

static void write_rm(struct step *s, const struct graph_set *v, unsigned size)
{
    if (graph_mod(s->i) == 3)
        set_reg(s, graph_rm(s->i), v, size);
    else
        store(s, v, size);
}

/* --- arithmetic ----------------------------------------------------------------------------------------- */

enum { ADD, OR, ADC, SBB, AND, SUB, XOR, CMP };

static struct graph_set computed(unsigned op, const struct graph_set *a, int64_t n)
{
    struct graph_set out = *a;
    if (op == ADD || op == SUB)
        return plus(a, op == ADD ? n : -n);
    if (op == AND && n == 0)
        return one(GRAPH_CONST, 0);
    if (op == OR && n == -1)
        return one(GRAPH_CONST, UINT64_MAX);
    for (unsigned k = 0; k < out.count; k++)
        if (out.v[k].kind != GRAPH_CONST || op == ADC || op == SBB)
            return unknown;
    for (unsigned k = 0; k < out.count; k++)
        out.v[k].number = op == AND ? out.v[k].number & (uint64_t)n : op == OR ? out.v[k].number | (uint64_t)n : out.v[k].number ^ (uint64_t)n;
    return out;
}

static void group_one(struct step *s)
{
    unsigned op = graph_digit(s->i), size = s->i->opcode == 0x80 ? 1 : operand_size(s->i);
    if (op == CMP)
        return;
    if (graph_mod(s->i) == 3 && graph_rm(s->i) == RSP && size == 8 && s->st->sp_known && (op == ADD || op == SUB)) {
        move_sp(s->st, op == ADD ? s->i->imm : -s->i->imm);
        return;
    }
    struct graph_set a = read_rm(s), v = computed(op, &a, s->i->imm);
    write_rm(s, &v, size);
}

/* op r/m,r and op r,r/m of 00 to 3b. */
static void two_operands(struct step *s)
{
    unsigned op = s->i->opcode >> 3 & 7, form = s->i->opcode & 7, size = form & 1 ? operand_size(s->i) : 1;
    if (op == CMP)
        return;
    bool to_reg = form & 2;
    struct graph_set a = to_reg ? s->st->reg[graph_reg(s->i)] : read_rm(s);
    struct graph_set b = to_reg ? read_rm(s) : s->st->reg[graph_reg(s->i)], v = unknown;
    bool same = graph_mod(s->i) == 3 && graph_reg(s->i) == graph_rm(s->i);
    if (same && (op == XOR || op == SUB))
        v = one(GRAPH_CONST, 0);
    else if (b.count == 1 && !b.unknown && b.v[0].kind == GRAPH_CONST)
        v = computed(op, &a, (int64_t)b.v[0].number);
    else if (op == ADD && a.count == 1 && !a.unknown && a.v[0].kind == GRAPH_CONST)
        v = plus(&b, (int64_t)a.v[0].number);
    if (to_reg)
        set_reg(s, graph_reg(s->i), &v, size);
    else
        write_rm(s, &v, size);
}

/* --- calls and the rest --------------------------------------------------------------------------------- */

static void after_call(struct graph_state *st)
{
    static const uint8_t volatiles[] = { RAX, RCX, RDX, 8, 9, 10, 11 };
    for (size_t k = 0; k < sizeof volatiles; k++)
        st->reg[volatiles[k]] = unknown;
    for (int k = 0; k < 6 && st->vectors; k++)
        st->xmm[k] = st->high[k] = unknown;
    /* The home area belongs to the callee; what lies behind it may be its arguments or locals of this function. */
    for (uint32_t k = 0; k < st->slot_count;) {
        int64_t at = st->slot[k].offset - st->sp;
        if (st->sp_known && at >= 0 && at < 0x20) {
            st->slot[k] = st->slot[--st->slot_count];
        } else {
            st->slot[k].old = true;
            k++;
        }
    }
}

static uint64_t only_constant(const struct graph_set *s, uint8_t kind, uint64_t otherwise)
{
    return s->count == 1 && !s->unknown && s->v[0].kind == kind ? s->v[0].number : otherwise;
}

/* A call that is given a place on the stack, constants of the image and a length copies: compilers fill structures so. Only
 * addresses of code are taken over, so that a comparison does no harm. */
static void copy_constants(struct step *s)
{
    enum { LONGEST = 0x200 };
    uint64_t to = only_constant(&s->st->reg[RCX], GRAPH_STACK, 1), from = only_constant(&s->st->reg[RDX], GRAPH_CONST, 0);
    uint64_t n = only_constant(&s->st->reg[8], GRAPH_CONST, 0);
    uint32_t rva = from && to % 8 == 0 && n <= LONGEST ? pe_rva_of(&s->g->m, from) : 0;
    if (!rva || graph_is_code(s->g, rva) || !graph_is_read_only(s->g, rva))
        return;
    for (uint64_t k = 0; k + 8 <= n; k += 8) {
        const uint8_t *p = pe_at(&s->g->m, rva + (uint32_t)k, 8);
        uint64_t v = 0;
        if (p)
            memcpy(&v, p, sizeof v);
        struct graph_set set = one(GRAPH_CONST, v);
        if (v && pe_rva_of(&s->g->m, v) && graph_is_code(s->g, pe_rva_of(&s->g->m, v)))
            set_slot(s->st, (int64_t)(to + k), &set);
        else
            forget_slot(s->st, (int64_t)(to + k));
    }
}

static void store_string(struct step *s)
{
    const struct graph_set *n = &s->st->reg[RCX];
    uint64_t count = n->count == 1 && n->v[0].kind == GRAPH_CONST ? n->v[0].number : 0;
    for (uint64_t k = 0; k < count && k < 64 && s->i->rex & GRAPH_REX_W; k++) {
        struct graph_set at = plus(&s->st->reg[RDI], (int64_t)k * 8);
        store_at(s, &at, &s->st->reg[RAX], 8);
    }
    s->st->reg[RDI] = s->st->reg[RCX] = unknown;
}

static void push_pop(struct step *s)
{
    const struct graph_insn *i = s->i;
    unsigned r = (i->opcode & 7) | (i->rex & GRAPH_REX_B) << 3;
    if (i->opcode >= 0x58 && i->opcode <= 0x5f) {
        const struct graph_set *top = graph_stack_argument(s->st, 0);
        struct graph_set v = top ? *top : unknown;
        move_sp(s->st, 8);
        set_reg(s, r, &v, 8);
        return;
    }
    struct graph_set v = i->opcode == 0x68 || i->opcode == 0x6a ? one(GRAPH_CONST, (uint64_t)i->imm)
                         : i->opcode == 0xff                    ? read_rm(s)
                                                                : s->st->reg[r];
    move_sp(s->st, -8);
    if (s->st->sp_known)
        set_slot(s->st, s->st->sp, &v);
}

static void forget_written(struct step *s)
{
    const struct graph_insn *i = s->i;
    if (!i->has_modrm)
        return;
    set_reg(s, graph_reg(i), &unknown, 8);
    if (graph_mod(i) == 3)
        set_reg(s, graph_rm(i), &unknown, 8);
}

static void exchange(struct step *s)
{
    unsigned size = s->i->opcode == 0x87 ? operand_size(s->i) : 1;
    struct graph_set rm = read_rm(s), reg = s->st->reg[graph_reg(s->i)];
    write_rm(s, &reg, size);
    set_reg(s, graph_reg(s->i), graph_mod(s->i) == 3 ? &rm : &unknown, size);
}

static void group_five(struct step *s)
{
    switch (graph_digit(s->i)) {
    case 0: case 1: {
        struct graph_set a = read_rm(s), v = plus(&a, graph_digit(s->i) ? -1 : 1);
        write_rm(s, &v, s->i->opcode == 0xff ? operand_size(s->i) : 1);
        return;
    }
    case 6:
        push_pop(s);
        return;
    }
}

static void step_one_moves(struct step *s)
{
    const struct graph_insn *i = s->i;
    unsigned low = (i->opcode & 7) | (i->rex & GRAPH_REX_B) << 3;
    struct graph_set v;
    switch (i->opcode) {
    case 0x88: case 0x89:
        v = s->st->reg[graph_reg(i)];
        write_rm(s, &v, i->opcode == 0x89 ? operand_size(i) : 1);
        return;
    case 0x8a: case 0x8b:
        v = read_rm(s);
        set_reg(s, graph_reg(i), &v, i->opcode == 0x8b ? operand_size(i) : 1);
        return;
    case 0x8d:
        v = address(s);
        set_reg(s, graph_reg(i), &v, operand_size(i));
        return;
    case 0x63:
        set_reg(s, graph_reg(i), &unknown, 8);
        return;
    case 0xc6: case 0xc7:
        v = one(GRAPH_CONST, (uint64_t)i->imm);
        write_rm(s, &v, i->opcode == 0xc7 ? operand_size(i) : 1);
        return;
    default: /* b0 to bf */
        v = one(GRAPH_CONST, (uint64_t)i->imm);
        set_reg(s, low, &v, i->opcode >= 0xb8 ? operand_size(i) : 1);
        return;
    }
}

static uint64_t sign_extended(uint64_t v, unsigned size)
{
    return size == 8 ? v : size == 4 ? (uint64_t)(int64_t)(int32_t)v : size == 2 ? (uint64_t)(int64_t)(int16_t)v : (uint64_t)(int64_t)(int8_t)v;
}

/* What a shift, a complement or the like makes of constants; of anything else, nothing known. */
enum unary { SHIFT_LEFT, SHIFT_RIGHT, SHIFT_ARITHMETIC, NOT, NEGATE, MULTIPLY, EXTEND, SET_BIT };

static struct graph_set changed(const struct graph_set *s, enum unary op, int64_t n, unsigned size)
{
    struct graph_set out = *s;
    for (unsigned k = 0; k < out.count; k++) {
        uint64_t *v = &out.v[k].number, narrow = size == 8 ? *v : *v & ((UINT64_C(1) << size * 8) - 1);
        if (out.v[k].kind != GRAPH_CONST)
            return unknown;
        unsigned by = (unsigned)n & (size == 8 ? 63 : 31);
        switch (op) {
        case SHIFT_LEFT: *v = *v << by; break;
        case SHIFT_RIGHT: *v = narrow >> by; break;
        case SHIFT_ARITHMETIC: *v = (uint64_t)((int64_t)sign_extended(*v, size) >> by); break;
        case NOT: *v = ~*v; break;
        case NEGATE: *v = 0 - *v; break;
        case MULTIPLY: *v *= (uint64_t)n; break;
        case EXTEND: *v = sign_extended(*v, size); break;
        case SET_BIT: *v |= UINT64_C(1) << by; break;
        }
    }
    return out;
}

static bool step_constants(struct step *s)
{
    const struct graph_insn *i = s->i;
    unsigned size = operand_size(i);
    struct graph_set a, v;
    switch (i->opcode) {
    case 0xc1: case 0xd1: {
        static const uint8_t kinds[8] = { 0xff, 0xff, 0xff, 0xff, SHIFT_LEFT, SHIFT_RIGHT, SHIFT_LEFT, SHIFT_ARITHMETIC };
        if (kinds[graph_digit(i)] == 0xff)
            return false;
        a = read_rm(s);
        v = changed(&a, kinds[graph_digit(i)], i->opcode == 0xd1 ? 1 : i->imm, size);
        write_rm(s, &v, size);
        return true;
    }
    case 0xf7:
        if (graph_digit(i) != 2 && graph_digit(i) != 3)
            return false;
        a = read_rm(s);
        v = changed(&a, graph_digit(i) == 2 ? NOT : NEGATE, 0, size);
        write_rm(s, &v, size);
        return true;
    case 0x69: case 0x6b:
        a = read_rm(s);
        v = changed(&a, MULTIPLY, i->imm, size);
        set_reg(s, graph_reg(i), &v, size);
        return true;
    case 0x63:
        a = read_rm(s);
        v = changed(&a, EXTEND, 0, 4);
        set_reg(s, graph_reg(i), &v, size);
        return true;
    case 0x98:
        v = changed(&s->st->reg[RAX], EXTEND, 0, size / 2);
        set_reg(s, RAX, &v, size);
        return true;
    default:
        return false;
    }
}

static void step_one(struct step *s)
{
    const struct graph_insn *i = s->i;
    uint8_t op = i->opcode;
    if (step_constants(s))
        return;
    if (op < 0x40 && (op & 7) < 4) {
        two_operands(s);
    } else if (op < 0x40 || (op >= 0xa9 && op <= 0xa9) || op == 0xa8) {
        if ((op & 0x38) != 0x38 && op < 0x40) {
            struct graph_set v = computed(op >> 3 & 7, &s->st->reg[RAX], i->imm);
            set_reg(s, RAX, &v, op & 1 ? operand_size(i) : 1);
        }
    } else if ((op >= 0x50 && op <= 0x5f) || op == 0x68 || op == 0x6a) {
        push_pop(s);
    } else if (op == 0x80 || op == 0x81 || op == 0x83) {
        group_one(s);
    } else if (op == 0x84 || op == 0x85 || op == 0x90 || (op >= 0xe0 && op <= 0xeb) || op == 0xcc || (op & 0xf0) == 0x70) {
        return;
    } else if ((op >= 0x88 && op <= 0x8b) || op == 0x8d || op == 0x63 || (op & 0xfe) == 0xc6 || (op >= 0xb0 && op <= 0xbf)) {
        step_one_moves(s);
    } else if (op == 0x86 || op == 0x87) {
        exchange(s);
    } else if (op == 0xfe || op == 0xff) {
        group_five(s);
    } else if (op == 0xaa || op == 0xab) {
        store_string(s);
    } else if ((op & 0xfe) == 0xf6 && graph_digit(i) < 2) {
        return; /* test */
    } else if ((op >= 0x91 && op <= 0x99) || (op & 0xfe) == 0xf6 || (op >= 0xa4 && op <= 0xaf) || (op >= 0xe4 && op <= 0xef)) {
        s->st->reg[RAX] = s->st->reg[RDX] = unknown;
        if (op >= 0xa4 && op <= 0xaf)
            s->st->reg[RCX] = s->st->reg[RSI] = s->st->reg[RDI] = unknown;
        if (op >= 0x91 && op <= 0x97)
            set_reg(s, (op & 7) | (i->rex & GRAPH_REX_B) << 3, &unknown, 8);
        forget_written(s);
    } else if (op == 0xc9) {
        s->st->sp_known = false;
        s->st->reg[RSP] = s->st->reg[RBP] = unknown;
    } else {
        forget_written(s);
    }
}

/* 16 bytes of memory: of the stack, or constants of the image. */
static void load_halves(const struct step *s, struct graph_set *low, struct graph_set *high)
{
    struct graph_set at = address(s);
    uint32_t rva = at.count == 1 && !at.unknown && at.v[0].kind == GRAPH_CONST ? pe_rva_of(&s->g->m, at.v[0].number) : 0;
    const uint8_t *p = rva && graph_is_read_only(s->g, rva) ? pe_at(&s->g->m, rva, 16) : NULL;
    *low = *high = unknown;
    if (p) {
        uint64_t v[2];
        memcpy(v, p, sizeof v);
        *low = one(GRAPH_CONST, v[0]);
        *high = one(GRAPH_CONST, v[1]);
    } else if (at.count == 1 && !at.unknown && at.v[0].kind == GRAPH_STACK) {
        struct graph_slot *slot = slot_at(s->st, (int64_t)at.v[0].number);
        *low = slot ? slot->set : unknown;
        slot = slot_at(s->st, (int64_t)at.v[0].number + 8);
        *high = slot ? slot->set : unknown;
    }
}

/* Vector registers as carriers of pointers, as when a compiler fills a table of routines or a structure two fields at a time. */
static bool vector_moves(struct step *s)
{
    const struct graph_insn *i = s->i;
    unsigned x = graph_reg(i), rm = graph_rm(i), p = i->prefixes & (GRAPH_P66 | GRAPH_PF3 | GRAPH_PF2);
    bool reg = graph_mod(i) == 3;
    struct graph_set *low = &s->st->xmm[x], *high = &s->st->high[x], at, from[2];
    if (reg) {
        from[0] = s->st->xmm[rm];
        from[1] = s->st->high[rm];
    }
    switch (i->opcode) {
    case 0x6e: /* movd, movq from a general register */
        *low = i->rex & GRAPH_REX_W ? (reg ? s->st->reg[rm] : load(s)) : unknown;
        *high = unknown; /* zero, which no one asks for */
        return true;
    case 0x7e:
        if (p == GRAPH_PF3) {
            *low = reg ? from[0] : load(s);
            *high = unknown;
        } else if (reg) {
            set_reg(s, rm, i->rex & GRAPH_REX_W ? low : &unknown, 8);
        } else if (i->rex & GRAPH_REX_W) {
            store(s, low, 8);
        }
        return true;
    case 0x6c: case 0x16: /* punpcklqdq, movlhps, movhps, movhpd */
        *high = reg ? from[0] : load(s);
        return true;
    case 0x12: /* movlps, movlpd, movhlps, movddup */
        if (p == GRAPH_PF2)
            *low = *high = reg ? from[0] : load(s);
        else
            *low = reg && !p ? from[1] : load(s);
        return true;
    case 0x70: case 0xc6: /* pshufd, shufps: each half the lower one, or the other way round */
        if (!reg) {
            *low = *high = unknown;
        } else {
            uint8_t order = (uint8_t)i->imm;
            struct graph_set first[2] = { i->opcode == 0xc6 ? *low : from[0], i->opcode == 0xc6 ? *high : from[1] };
            *low = (order & 15) == 0x4 ? first[0] : (order & 15) == 0xe ? first[1] : unknown;
            *high = order >> 4 == 0x4 ? from[0] : order >> 4 == 0xe ? from[1] : unknown;
        }
        return true;
    case 0x28: case 0x6f: case 0x10:
        if (reg) {
            *low = from[0];
            *high = from[1];
        } else if (i->opcode == 0x10 && p & (GRAPH_PF3 | GRAPH_PF2)) {
            *low = p == GRAPH_PF2 ? load(s) : unknown;
            *high = unknown;
        } else {
            load_halves(s, &from[0], &from[1]);
            *low = from[0];
            *high = from[1];
        }
        return true;
    case 0x11: case 0x29: case 0x7f:
        if (reg || (i->opcode == 0x11 && p & GRAPH_PF3))
            return true;
        at = address(s);
        store_at(s, &at, low, 8);
        if (i->opcode == 0x11 && p & GRAPH_PF2)
            return true;
        at = plus(&at, 8);
        store_at(s, &at, high, 8);
        return true;
    case 0x13: case 0xd6: /* movlps, movq to memory */
        if (!reg)
            store(s, low, 8);
        return true;
    case 0x17:
        if (!reg)
            store(s, high, 8);
        return true;
    case 0x57: case 0xef:
        *low = *high = unknown;
        return true;
    }
    bool general = i->opcode == 0x2c || i->opcode == 0x2d || i->opcode == 0x50 || i->opcode == 0xd7 || i->opcode == 0xc5;
    bool vector = (i->opcode >= 0x10 && i->opcode <= 0x17) || (i->opcode >= 0x28 && i->opcode <= 0x2f) ||
                  (i->opcode >= 0x50 && i->opcode <= 0x7f) || (i->opcode >= 0xd0 && i->opcode <= 0xfe) || i->opcode == 0xc2;
    if (vector && !general)
        s->st->xmm[x] = s->st->high[x] = unknown;
    return vector && !general;
}

/* While nothing is known of any, only those that the instruction names are made readable. */
static bool step_vector(struct step *s)
{
    unsigned x = graph_reg(s->i), rm = graph_rm(s->i);
    struct graph_state *st = s->st;
    if (st->vectors)
        return vector_moves(s);
    st->xmm[x] = st->high[x] = st->xmm[rm] = st->high[rm] = unknown;
    bool done = vector_moves(s);
    if (!done || (!st->xmm[x].count && !st->high[x].count))
        return done;
    for (unsigned k = 0; k < 16; k++)
        if (k != x)
            st->xmm[k] = st->high[k] = unknown;
    return st->vectors = true;
}

static void step_two(struct step *s)
{
    const struct graph_insn *i = s->i;
    uint8_t op = i->opcode;
    if (step_vector(s))
        return;
    if ((op & 0xf0) == 0x40) { /* cmov */
        struct graph_set rm = read_rm(s), v = both(&s->st->reg[graph_reg(i)], &rm);
        set_reg(s, graph_reg(i), &v, operand_size(i));
    } else if (op == 0xba && graph_digit(i) == 5) {
        struct graph_set rm = read_rm(s), v = changed(&rm, SET_BIT, i->imm, operand_size(i));
        write_rm(s, &v, operand_size(i));
    } else if (op == 0xbe || op == 0xbf) {
        struct graph_set rm = graph_mod(i) == 3 && op == 0xbf ? s->st->reg[graph_rm(i)] : unknown;
        rm = changed(&rm, EXTEND, 0, 2);
        set_reg(s, graph_reg(i), &rm, operand_size(i));
    } else if (op == 0xb6 || op == 0xb7) {
        struct graph_set rm = graph_mod(i) == 3 && op == 0xb7 ? cut(&s->st->reg[graph_rm(i)], 2) : unknown;
        set_reg(s, graph_reg(i), &rm, 4);
    } else if ((op & 0xf0) == 0x90) { /* setcc */
        if (graph_mod(i) == 3)
            set_reg(s, graph_rm(i), &unknown, 8);
    } else if (op == 0x1f || op == 0x18 || op == 0x0d || op == 0xa3 || (op == 0xba && graph_digit(i) == 4) || (op & 0xf0) == 0x80) {
        return;
    } else {
        if (op == 0xa2 || op == 0xb0 || op == 0xb1 || op == 0xc7 || op == 0x31 || op == 0x32 || op == 0x01 || op == 0x33)
            s->st->reg[RAX] = s->st->reg[RDX] = unknown;
        if (op == 0xa2)
            s->st->reg[RBX] = s->st->reg[RCX] = unknown;
        if ((op & 0xf8) == 0xc8)
            set_reg(s, (op & 7) | (i->rex & GRAPH_REX_B) << 3, &unknown, 8);
        forget_written(s);
    }
}

struct graph_set graph_called(const struct graph_image *g, const struct graph_state *st, uint32_t rva, const struct graph_insn *i)
{
    struct step s = { g, (struct graph_state *)(uintptr_t)st, i, NULL, rva }; /* reading changes nothing */
    return read_rm(&s);
}

void graph_step(const struct graph_image *g, struct graph_state *st, uint32_t rva, const struct graph_insn *i,
                const struct graph_watch *watch)
{
    struct step s = { g, st, i, watch, rva };
    enum graph_flow f = graph_flow_of(i);
    if (f != GRAPH_NEXT) {
        if (f == GRAPH_RETURN && watch && watch->at_return)
            watch->at_return(watch->ctx, rva, st);
        if (f != GRAPH_RETURN && f != GRAPH_STOP && watch && watch->at_call)
            watch->at_call(watch->ctx, rva, i, st);
        if (f == GRAPH_CALL || f == GRAPH_CALL_FAR) {
            copy_constants(&s);
            after_call(st);
        }
        return;
    }
    if (i->map == GRAPH_MAP_1)
        step_one(&s);
    else if (i->map == GRAPH_MAP_0F)
        step_two(&s);
    else
        forget_written(&s);
}
