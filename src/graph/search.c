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

static bool constant_fits(const struct searcher *s, uint32_t at, const struct graph_insn *i)
{
    enum graph_flow f = graph_flow_of(i);
    if (f != GRAPH_NEXT)
        return false;
    if (i->imm && is_constant(s->p->constant, (uint64_t)i->imm))
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
    if (key && s->learned[key] == 1)
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

/* Functions that have the constant in no instruction, and yet pass or store it. */
static bool search_computed(struct searcher *s, size_t found)
{
    const struct graph_index *x = &s->g->x;
    struct graph_watch w = { s, at_call, at_store };
    uint8_t *has = calloc(1, x->function_count + 1);
    bool ok = has != NULL;
    for (size_t i = 0; ok && i < found; i++)
        if (s->at[i].function != GRAPH_NONE)
            has[s->at[i].function] = 1;
    for (uint32_t f = 0; ok && f < x->function_count; f++) {
        struct graph_body body;
        if (has[f])
            continue;
        ok = graph_body(s->g, f, &body) && graph_propagate(s->g, &body, NULL, &w);
        if (ok)
            graph_body_free(&body);
    }
    free(has);
    return ok;
}

static int by_rva(const void *a, const void *b)
{
    const struct graph_match *x = a, *y = b;
    return x->rva < y->rva ? -1 : x->rva > y->rva;
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
        ok = search_computed(&s, s.count);
    free(s.learned);
    if (s.count)
        qsort(s.at, s.count, sizeof *s.at, by_rva);
    *out = s.at;
    *count = s.count;
    return ok && !s.out_of_memory;
}
