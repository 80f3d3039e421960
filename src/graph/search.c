/* The search: one pass of the fast decoder over the code; Zydis and text only where the opcode can fit. */
#include "graph/search.h"
#include "graph/decode.h"
#include "graph/sweep.h"
#include "graph/values.h"

#include <stdlib.h>
#include <string.h>

enum { SMALL_CODE = 4 << 20, LEARNED = 5 * 256 * 8 * 4 * 2 * 2 };

struct searcher {
    const struct graph_image *g;
    const struct graph_pattern *p;
    struct graph_match *at;
    size_t count, room;
    /* Of a constant: the last instruction that stored one half of it. */
    uint32_t half_at;
    int32_t half_disp;
    uint8_t half_base, half_sib, half_rex;
    bool half_low;
    size_t direct; /* matches that the first pass found, in order of address */
    uint8_t *learned; /* texts: by opcode, whether the mnemonic fits: 0 not seen, 1 no, 2 yes */
    bool out_of_memory;
};

static void add(struct searcher *s, uint32_t rva, bool computed)
{
    void *p = graph_grow(s->at, &s->room, s->count, sizeof *s->at);
    if (!p) {
        s->out_of_memory = true;
        return;
    }
    s->at = p;
    s->at[s->count++] = (struct graph_match){ rva, graph_function_owning(&s->g->x, rva), computed };
}

/* --- kinds ------------------------------------------------------------------------------------------------ */

static bool bytes_fit(const struct searcher *s, uint32_t at, uint32_t limit)
{
    const struct graph_pattern *p = s->p;
    if (p->length > limit - at)
        return false;
    for (size_t k = 0; k < p->length; k++)
        if ((s->g->m.base[at + k] & p->mask[k]) != p->bytes[k])
            return false;
    return true;
}

static bool is_constant(uint64_t wanted, uint64_t v)
{
    return v == wanted || (wanted >> 32 == 0 && wanted > 127 && (uint32_t)v == wanted);
}

/* lea reg,[reg+constant]; and sub as add, lea of the negative: the constant is taken away and the rest compared with zero. */
static bool displaced(const struct searcher *s, const struct graph_insn *i)
{
    uint32_t wanted = (uint32_t)s->p->constant;
    bool small = s->p->constant >> 32 && s->p->constant >> 31 != 0x1ffffffff;
    if (small || wanted < 0x10000 || (0 - wanted) < 0x10000 || i->map != GRAPH_MAP_1)
        return false;
    if (i->opcode == 0x8d && !graph_rip_relative(i) && graph_mod(i) == 2)
        return (uint32_t)i->disp == wanted || (uint32_t)i->disp == 0 - wanted;
    bool add_or_sub = i->opcode == 0x05 || i->opcode == 0x2d || (i->opcode == 0x81 && (graph_digit(i) == 0 || graph_digit(i) == 5));
    return add_or_sub && (uint32_t)i->imm == 0 - wanted;
}

/* Two stores of the halves, side by side: mov dword [rax],low; mov dword [rax+4],high. */
static bool half_fits(struct searcher *s, uint32_t at, const struct graph_insn *i)
{
    unsigned half = s->p->constant >> 32 ? 4 : 2;
    uint64_t mask = half == 4 ? UINT32_MAX : UINT16_MAX, low = s->p->constant & mask, high = s->p->constant >> half * 8 & mask;
    if (!graph_is(i, GRAPH_MAP_1, 0xc7) || graph_mod(i) == 3 || i->rex & GRAPH_REX_W || (half == 2) != !!(i->prefixes & GRAPH_P66))
        return false;
    bool follows = s->half_at && at - s->half_at < 64 && (i->modrm & 7) == s->half_base && i->sib == s->half_sib && (i->rex & 3) == s->half_rex;
    bool found = follows && ((((uint64_t)i->imm & mask) == high && i->disp == s->half_disp + (int32_t)half && s->half_low) ||
                             (((uint64_t)i->imm & mask) == low && i->disp == s->half_disp - (int32_t)half && !s->half_low));
    bool is_low = ((uint64_t)i->imm & mask) == low;
    if (!found && (is_low || ((uint64_t)i->imm & mask) == high)) {
        s->half_at = at;
        s->half_low = is_low;
        s->half_base = i->modrm & 7;
        s->half_sib = i->sib;
        s->half_rex = i->rex & 3;
        s->half_disp = i->disp;
    }
    return found;
}

static bool constant_fits(struct searcher *s, uint32_t at, const struct graph_insn *i)
{
    enum graph_flow f = graph_flow_of(i);
    if (f != GRAPH_NEXT)
        return false;
    if (i->imm && is_constant(s->p->constant, (uint64_t)i->imm))
        return true;
    if (displaced(s, i) || (s->p->constant > UINT16_MAX && half_fits(s, at, i)))
        return true;
    if (!graph_rip_relative(i) || s->p->constant < 0x10000 || (i->map == GRAPH_MAP_1 && i->opcode == 0x8d))
        return false;
    uint32_t from = at + i->length + (uint32_t)i->disp;
    unsigned size = i->rex & GRAPH_REX_W ? 8 : 4;
    const uint8_t *data = graph_is_read_only(s->g, from) && !graph_is_code(s->g, from) ? pe_at(&s->g->m, from, size) : NULL;
    uint64_t v = 0;
    if (!data)
        return false;
    memcpy(&v, data, size);
    return v == s->p->constant;
}

static bool spelled_like(const struct searcher *s, const char *line)
{
    size_t n = strlen(s->p->mnemonic);
    return strncmp(line, s->p->mnemonic, n) == 0 && (line[n] == ' ' || line[n] == 0);
}

/* Opcodes whose mnemonic depends on more than map, opcode, digit and prefixes are not remembered. */
static size_t learn_key(const struct graph_insn *i)
{
    bool more = i->map == GRAPH_MAP_OTHER || (i->map == GRAPH_MAP_1 && i->opcode >= 0xd8 && i->opcode <= 0xdf) ||
                (i->map == GRAPH_MAP_0F && (i->opcode == 1 || i->opcode == 0xae || i->opcode == 0x1e)) || i->opcode == 0x90 || i->prefixes & GRAPH_LOCK;
    unsigned prefix = i->prefixes & GRAPH_PF2 ? 3 : i->prefixes & GRAPH_PF3 ? 2 : i->prefixes & GRAPH_P66 ? 1 : 0;
    size_t k = ((size_t)i->map * 256 + i->opcode) * 8 + (i->has_modrm ? graph_digit(i) : 0);
    return more ? 0 : 1 + (((k * 4 + prefix) * 2 + (i->rex >> 3 & 1)) * 2 + (i->has_modrm && graph_mod(i) == 3));
}

static bool text_fits(struct searcher *s, uint32_t at, const struct graph_insn *i)
{
    char line[GRAPH_LINE];
    struct graph_decoded d;
    size_t key = s->p->mnemonic[0] ? learn_key(i) : 0;
    if ((key && s->learned[key] == 1) || (s->p->has_disp && i->map != GRAPH_MAP_OTHER && i->disp != s->p->disp && i->disp != -s->p->disp))
        return false;
    if (!graph_decode_full(s->g, at, &d))
        return false;
    graph_format(s->g, &d, line);
    if (key && !s->learned[key])
        s->learned[key] = spelled_like(s, line) ? 2 : 1;
    return graph_text_fits(s->p, line);
}

/* --- the pass --------------------------------------------------------------------------------------------- */

static uint32_t table_end(const struct graph_table *tables, size_t n, uint32_t at)
{
    for (size_t k = 0; k < n; k++)
        if (at >= tables[k].begin && at - tables[k].begin < tables[k].count * tables[k].entry_size)
            return tables[k].begin + tables[k].count * tables[k].entry_size;
    return 0;
}

static void pass(struct searcher *s, uint32_t begin, uint32_t end)
{
    const struct graph_index *x = &s->g->x;
    const uint8_t *bytes = s->g->m.base;
    const struct graph_table *tables = NULL;
    size_t n = 0;
    uint32_t first = graph_first_table(x, begin); /* sorted by the jumps, which lie in the same stretch */
    tables = first < x->table_count ? &x->tables[first] : NULL;
    while (first + n < x->table_count && x->tables[first + n].jump < end)
        n++;
    for (uint32_t at = begin; at < end;) {
        struct graph_insn i;
        uint32_t skip = n ? table_end(tables, n, at) : 0;
        if (skip) {
            at = skip;
            continue;
        }
        if (!graph_decode(bytes + at, bytes + end, &i)) {
            at++;
            continue;
        }
        bool fits = s->p->kind == GRAPH_PATTERN_BYTES      ? bytes_fit(s, at, end)
                    : s->p->kind == GRAPH_PATTERN_CONSTANT ? constant_fits(s, at, &i)
                                                           : text_fits(s, at, &i);
        if (fits)
            add(s, at, false);
        at += i.length;
    }
}

static int by_rva(const void *a, const void *b)
{
    const struct graph_match *x = a, *y = b;
    return x->rva < y->rva ? -1 : x->rva > y->rva;
}

/* --- computed constants ----------------------------------------------------------------------------------- */

static bool holds(const struct graph_set *set, uint64_t wanted)
{
    for (unsigned k = 0; set && k < set->count; k++)
        if (set->v[k].kind == GRAPH_CONST && is_constant(wanted, set->v[k].number))
            return true;
    return false;
}

static void at_call(void *ctx, uint32_t site, const struct graph_insn *i, const struct graph_state *st)
{
    struct searcher *s = ctx;
    static const uint8_t registers[] = { 1, 2, 8, 9 };
    enum graph_flow f = graph_flow_of(i);
    bool found = false;
    for (unsigned k = 0; k < 4; k++)
        found |= holds(&st->reg[registers[k]], s->p->constant);
    for (unsigned k = 0; k < 8; k++)
        found |= holds(graph_stack_argument(st, 0x20 + 8 * (int64_t)k), s->p->constant);
    if (found && (f == GRAPH_CALL || f == GRAPH_CALL_FAR))
        add(s, site, true);
}

static void at_store(void *ctx, uint32_t site, const struct graph_set *to, bool indexed, const struct graph_set *what)
{
    struct searcher *s = ctx;
    if (holds(what, s->p->constant))
        add(s, site, true);
}

static void at_return(void *ctx, uint32_t site, const struct graph_state *st)
{
    struct searcher *s = ctx;
    if (holds(&st->reg[0], s->p->constant))
        add(s, site, true);
}

/* What was found as an operand is not found again where it arrives. */
static bool hides(void *ctx, uint32_t site)
{
    const struct searcher *s = ctx;
    size_t low = 0, high = s->direct;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->at[mid].rva < site)
            low = mid + 1;
        else
            high = mid;
    }
    return low < s->direct && s->at[low].rva == site;
}

/* Places that pass, store or return the constant, which is the operand of no instruction that leads there. */
static bool search_computed(struct searcher *s)
{
    const struct graph_index *x = &s->g->x;
    struct graph_watch w = { .ctx = s, .at_call = at_call, .at_store = at_store, .at_return = at_return, .hides = hides };
    bool ok = true;
    s->direct = s->count;
    if (s->count)
        qsort(s->at, s->count, sizeof *s->at, by_rva);
    for (uint32_t f = 0; ok && f < x->function_count; f++) {
        struct graph_body body;
        ok = graph_body(s->g, f, &body) && graph_propagate(s->g, &body, NULL, &w);
        if (ok)
            graph_body_free(&body);
    }
    return ok;
}

bool graph_search(const struct graph_image *g, const struct graph_pattern *p, bool deep, struct graph_match **out, size_t *count)
{
    struct searcher s = { .g = g, .p = p, .learned = calloc(1, LEARNED + 2) };
    const struct graph_index *x = &g->x;
    uint32_t done = 0, code = 0;
    bool ok = s.learned != NULL;
    for (uint32_t f = 0; ok && f < x->function_count; f++) {
        uint32_t begin = x->functions[f].rva < done ? done : x->functions[f].rva;
        if (begin < x->functions[f].end)
            pass(&s, begin, x->functions[f].end);
        done = x->functions[f].end > done ? x->functions[f].end : done;
        code += x->functions[f].end - x->functions[f].rva;
    }
    for (uint32_t k = 0; ok && k < x->part_count; k++)
        if (graph_function_at(x, x->parts[k].begin) == GRAPH_NONE)
            pass(&s, x->parts[k].begin, x->parts[k].end);
    if (ok && p->kind == GRAPH_PATTERN_CONSTANT && p->constant > UINT16_MAX && (deep || code < SMALL_CODE))
        ok = search_computed(&s);
    free(s.learned);
    if (s.count)
        qsort(s.at, s.count, sizeof *s.at, by_rva);
    *out = s.at;
    *count = s.count;
    return ok && !s.out_of_memory;
}
