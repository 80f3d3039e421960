/* Linear decoding of one stretch of code. Jump tables that lie between instructions are recognised by the jump before
 * them and stepped over. */
#include "graph/sweep.h"
#include "graph/decode.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ENTRIES = 4096 };

struct sweep {
    const struct graph_image *g;
    struct graph_raws *out;
    uint32_t begin, limit;
    uint32_t furthest; /* the last address that a jump inside was seen to reach */
    uint32_t lea[16];  /* per register: what `lea reg,[rip+x]` last gave; GRAPH_NONE unknown */
    /* mov or movsxd reg,[base+index*4+disp] */
    struct {
        uint32_t base, table;
        bool valid;
    } load;
    uint32_t bytes;    /* movzx reg,byte [base+index+disp]: a table of indexes into the table of targets; 0: none */
    uint32_t compared; /* immediate of the last comparison */
    uint32_t r10_slot, r10_end; /* mov r10,[import] and where it ended */
    size_t tables_before;
};

void *graph_grow(void *at, size_t *room, size_t count, size_t each)
{
    if (count < *room)
        return at;
    size_t more = *room ? *room * 2 : 1024;
    void *p = realloc(at, more * each);
    if (p)
        *room = more;
    return p;
}

static void note(struct sweep *s, enum graph_raw_kind kind, uint32_t site, uint32_t target)
{
    struct graph_raws *o = s->out;
    void *p = graph_grow(o->at, &o->room, o->count, sizeof *o->at);
    if (!p) {
        o->out_of_memory = true;
        return;
    }
    o->at = p;
    o->at[o->count++] = (struct graph_raw){ .site = site, .target = target, .kind = kind };
}

/* --- jump tables ---------------------------------------------------------------------------------------- */

static bool entry_target(const struct sweep *s, const struct graph_table *t, uint32_t i, uint32_t *target)
{
    const uint8_t *p = pe_at(&s->g->m, t->begin + i * t->entry_size, t->entry_size);
    if (!p)
        return false;
    if (t->entry_size == 4) {
        uint32_t v;
        memcpy(&v, p, sizeof v);
        *target = t->base + v;
    } else {
        uint64_t v;
        memcpy(&v, p, sizeof v);
        *target = pe_rva_of(&s->g->m, v);
    }
    return *target >= s->begin && *target < s->limit;
}

/* Sparse switches look the index up in a table of bytes first. Returns the largest index, or GRAPH_NONE. */
static uint32_t add_byte_table(struct sweep *s, uint32_t jump)
{
    struct graph_raws *o = s->out;
    uint32_t count = s->compared < MAX_ENTRIES ? s->compared + 1 : 0, most = 0;
    const uint8_t *p = count && s->bytes ? pe_at(&s->g->m, s->bytes, count) : NULL;
    if (!p)
        return GRAPH_NONE;
    for (uint32_t i = 0; i < count; i++)
        most = p[i] > most ? p[i] : most;
    void *at = graph_grow(o->tables, &o->table_room, o->table_count, sizeof *o->tables);
    if (!at) {
        o->out_of_memory = true;
        return GRAPH_NONE;
    }
    o->tables = at;
    o->tables[o->table_count++] = (struct graph_table){ .jump = jump, .begin = s->bytes, .count = count, .entry_size = 1 };
    return most;
}

/* Entries are believed while they lead into the stretch, and no further than the comparison before allows. */
static void add_table(struct sweep *s, struct graph_table t)
{
    struct graph_raws *o = s->out;
    uint32_t most = add_byte_table(s, t.jump), target;
    uint32_t bound = most != GRAPH_NONE ? most + 1 : s->compared < MAX_ENTRIES ? s->compared + 1 : MAX_ENTRIES;
    while (t.count < bound && entry_target(s, &t, t.count, &target)) {
        t.count++;
        if (target > s->furthest)
            s->furthest = target;
    }
    void *p = t.count ? graph_grow(o->tables, &o->table_room, o->table_count, sizeof t) : NULL;
    if (!p) {
        o->out_of_memory |= t.count != 0;
        return;
    }
    o->tables = p;
    o->tables[o->table_count++] = t;
}

static void jump_register(struct sweep *s, uint32_t site, const struct graph_insn *i)
{
    if (graph_mod(i) == 3 && s->load.valid)
        add_table(s, (struct graph_table){ .jump = site, .begin = s->load.table, .base = s->load.base, .entry_size = 4 });
    else if (graph_mod(i) != 3 && (i->modrm & 7) == 4 && i->sib >> 6 == 3) {
        unsigned base = (i->sib & 7) | (i->rex & GRAPH_REX_B) << 3;
        if (s->lea[base] != GRAPH_NONE)
            add_table(s, (struct graph_table){ .jump = site, .begin = s->lea[base] + (uint32_t)i->disp, .entry_size = 8 });
    }
    s->load.valid = false;
    s->bytes = 0;
}

static void load_byte(struct sweep *s, const struct graph_insn *i)
{
    unsigned base = (i->sib & 7) | (i->rex & GRAPH_REX_B) << 3, index = (i->sib >> 3 & 7) | (i->rex & GRAPH_REX_X) << 2;
    if (graph_mod(i) != 2 || (i->modrm & 7) != 4 || i->sib >> 6 != 0 || index == 4)
        return;
    uint32_t from = s->lea[base] != GRAPH_NONE ? s->lea[base] : s->lea[index];
    s->bytes = from != GRAPH_NONE ? from + (uint32_t)i->disp : 0;
}

static void load_indexed(struct sweep *s, const struct graph_insn *i)
{
    if (graph_mod(i) == 3 || (i->modrm & 7) != 4 || i->sib >> 6 != 2)
        return;
    unsigned base = (i->sib & 7) | (i->rex & GRAPH_REX_B) << 3;
    if (graph_mod(i) == 0 && (i->sib & 7) == 5)
        return;
    if (s->lea[base] == GRAPH_NONE)
        return;
    s->load.valid = true;
    s->load.base = s->lea[base];
    s->load.table = s->lea[base] + (uint32_t)i->disp;
}

/* The end of a table that covers this address, or 0. */
static uint32_t inside_table(const struct sweep *s, uint32_t rva)
{
    for (size_t k = s->tables_before; k < s->out->table_count; k++) {
        const struct graph_table *t = &s->out->tables[k];
        if (rva >= t->begin && rva - t->begin < t->count * t->entry_size)
            return t->begin + t->count * t->entry_size;
    }
    return 0;
}

/* --- instructions --------------------------------------------------------------------------------------- */

static void branch(struct sweep *s, enum graph_raw_kind kind, uint32_t site, uint32_t target)
{
    if (target >= s->begin && target < s->limit) {
        if (target > s->furthest)
            s->furthest = target;
    } else {
        note(s, kind, site, target);
    }
}

static void far(struct sweep *s, uint32_t site, uint32_t next, const struct graph_insn *i, bool call)
{
    if (graph_rip_relative(i)) {
        note(s, call ? RAW_CALL_SLOT : RAW_JUMP_SLOT, site, next + (uint32_t)i->disp);
        return;
    }
    size_t tables = s->out->table_count;
    if (!call)
        jump_register(s, site, i);
    if (call || tables == s->out->table_count)
        note(s, call ? RAW_CALL_REG : RAW_JUMP_REG, site, 0);
}

/* mingw: a constant that holds the variable's address. */
static bool holds_framework(const struct graph_image *g, uint32_t slot)
{
    const uint8_t *p = pe_at(&g->m, slot, 8);
    uint64_t va = 0;
    if (p)
        memcpy(&va, p, sizeof va);
    return va == g->x.image_base + g->x.framework;
}

static void plain(struct sweep *s, uint32_t site, uint32_t next, const struct graph_insn *i)
{
    uint32_t target = next + (uint32_t)i->disp;
    if (graph_is(i, GRAPH_MAP_0F, 0xb6))
        load_byte(s, i);
    if (i->map != GRAPH_MAP_1)
        return;
    switch (i->opcode) {
    case 0x8d:
        if (!graph_rip_relative(i)) {
            s->lea[graph_reg(i)] = GRAPH_NONE;
            return;
        }
        s->lea[graph_reg(i)] = target;
        if (graph_is_code(s->g, target))
            note(s, RAW_POINTER, site, target);
        return;
    case 0x8b:
        if (graph_rip_relative(i) && i->rex & GRAPH_REX_W) {
            if (s->g->x.framework && (target == s->g->x.framework || holds_framework(s->g, target))) {
                note(s, RAW_LOAD_SLOT, site, target);
            } else if (graph_import_at(&s->g->x, target) != GRAPH_NONE) {
                note(s, RAW_LOAD_SLOT, site, target);
                s->r10_slot = graph_reg(i) == 10 ? target : s->r10_slot;
                s->r10_end = graph_reg(i) == 10 ? next : s->r10_end;
            }
            return;
        }
        load_indexed(s, i);
        return;
    case 0x63:
        load_indexed(s, i);
        return;
    case 0x3c: case 0x3d:
        s->compared = (uint32_t)i->imm;
        return;
    case 0x80: case 0x81: case 0x83:
        if (graph_digit(i) == 7)
            s->compared = (uint32_t)i->imm;
        return;
    }
}

/* False: control does not go on behind this instruction. */
static bool step(struct sweep *s, uint32_t site, uint32_t next, const struct graph_insn *i)
{
    switch (graph_flow_of(i)) {
    case GRAPH_CALL:
        /* OBS: a loaded kernel turns `call [import]; nop` into `mov r10,[import]; call function`, into another image. */
        if (s->r10_end == site && next + (uint32_t)i->imm >= s->g->m.size)
            note(s, RAW_CALL_SLOT, site, s->r10_slot);
        else if ((uint32_t)i->imm) /* call to the next instruction only reads rip */
            note(s, RAW_CALL, site, next + (uint32_t)i->imm);
        return true;
    case GRAPH_CALL_FAR:
        far(s, site, next, i, true);
        return true;
    case GRAPH_JUMP:
        branch(s, RAW_JUMP, site, next + (uint32_t)i->imm);
        return false;
    case GRAPH_JUMP_FAR:
        far(s, site, next, i, false);
        return false;
    case GRAPH_BRANCH:
        branch(s, RAW_BRANCH, site, next + (uint32_t)i->imm);
        return true;
    case GRAPH_RETURN:
    case GRAPH_STOP:
        return false;
    default:
        plain(s, site, next, i);
        return true;
    }
}

uint32_t graph_sweep(const struct graph_image *g, uint32_t begin, uint32_t limit, bool open_end, struct graph_raws *out)
{
    struct sweep s = { .g = g, .out = out, .begin = begin, .limit = limit, .furthest = begin, .compared = GRAPH_NONE,
                       .tables_before = out->table_count };
    const uint8_t *bytes = g->m.base, *end = bytes + limit;
    memset(s.lea, 0xff, sizeof s.lea);
    uint32_t at = begin;
    while (at < limit) {
        struct graph_insn i;
        uint32_t skip = out->table_count > s.tables_before ? inside_table(&s, at) : 0;
        if (skip) {
            at = skip;
            continue;
        }
        if (!graph_decode(bytes + at, end, &i)) {
            if (open_end)
                return at;
            at++;
            continue;
        }
        bool goes_on = step(&s, at, at + i.length, &i);
        at += i.length;
        if (!goes_on && open_end && at > s.furthest)
            return at;
    }
    return at < limit ? at : limit;
}
