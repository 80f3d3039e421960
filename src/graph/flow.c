/* Basic blocks of one function. */
#include "graph/flow.h"
#include "graph/sweep.h"

#include <stdlib.h>
#include <string.h>

enum { INSN = 1, LEADER = 2, DATA = 4 };

struct stretch {
    uint32_t begin, end;
    uint8_t *marks; /* a byte each */
};

struct maker {
    const struct graph_image *g;
    struct graph_body *out;
    struct stretch *stretches;
    size_t count;
    size_t block_room, case_room;
};

static uint8_t *mark_of(const struct maker *m, uint32_t rva)
{
    for (size_t i = 0; i < m->count; i++)
        if (rva >= m->stretches[i].begin && rva < m->stretches[i].end)
            return &m->stretches[i].marks[rva - m->stretches[i].begin];
    return NULL;
}

static void lead(const struct maker *m, uint32_t rva)
{
    uint8_t *mark = mark_of(m, rva);
    if (mark)
        *mark |= LEADER;
}

static uint32_t case_target(const struct graph_image *g, const struct graph_table *t, uint32_t i)
{
    const uint8_t *p = pe_at(&g->m, t->begin + i * t->entry_size, t->entry_size);
    if (!p)
        return 0;
    if (t->entry_size == 4) {
        uint32_t v;
        memcpy(&v, p, sizeof v);
        return t->base + v;
    }
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return pe_rva_of(&g->m, v);
}

static void mark_table(const struct maker *m, uint32_t jump)
{
    const struct graph_table *t = graph_table_of(&m->g->x, jump);
    for (uint32_t i = 0; t && t->entry_size > 1 && i < t->count; i++)
        lead(m, case_target(m->g, t, i));
    for (; t && t < m->g->x.tables + m->g->x.table_count && t->jump == jump; t++)
        for (uint32_t i = 0; i < t->count * t->entry_size; i++) {
            uint8_t *mark = mark_of(m, t->begin + i);
            if (mark)
                *mark |= DATA;
        }
}

static void mark_instruction(const struct maker *m, uint32_t at, const struct graph_insn *i)
{
    uint32_t next = at + i->length;
    enum graph_flow f = graph_flow_of(i);
    if (f == GRAPH_JUMP || f == GRAPH_BRANCH)
        lead(m, next + (uint32_t)i->imm);
    if (f == GRAPH_JUMP_FAR)
        mark_table(m, at);
    if (f != GRAPH_NEXT && f != GRAPH_CALL && f != GRAPH_CALL_FAR)
        lead(m, next);
}

static void mark_stretch(const struct maker *m, const struct stretch *s)
{
    const uint8_t *bytes = m->g->m.base;
    for (uint32_t at = s->begin; at < s->end;) {
        struct graph_insn i;
        if (s->marks[at - s->begin] & DATA || !graph_decode(bytes + at, bytes + s->end, &i)) {
            at++;
            continue;
        }
        s->marks[at - s->begin] |= INSN;
        mark_instruction(m, at, &i);
        at += i.length;
    }
}

/* --- blocks --------------------------------------------------------------------------------------------- */

static bool add_block(struct maker *m, uint32_t begin, uint32_t end)
{
    struct graph_body *o = m->out;
    void *p = graph_grow(o->blocks, &m->block_room, o->count, sizeof *o->blocks);
    if (!p)
        return false;
    o->blocks = p;
    o->blocks[o->count++] = (struct graph_block){ .begin = begin, .end = end, .next = GRAPH_NONE, .target = GRAPH_NONE };
    return true;
}

static bool cut(struct maker *m, const struct stretch *s)
{
    const uint8_t *bytes = m->g->m.base;
    uint32_t begin = GRAPH_NONE, at = s->begin;
    while (at < s->end) {
        uint8_t mark = s->marks[at - s->begin];
        struct graph_insn i;
        bool code = mark & INSN && !(mark & DATA) && graph_decode(bytes + at, bytes + s->end, &i);
        if (begin != GRAPH_NONE && (!code || mark & LEADER)) {
            if (!add_block(m, begin, at))
                return false;
            begin = GRAPH_NONE;
        }
        if (code && begin == GRAPH_NONE)
            begin = at;
        at += code ? i.length : 1;
    }
    return begin == GRAPH_NONE || add_block(m, begin, s->end);
}

static int by_block(const void *a, const void *b)
{
    const struct graph_block *x = a, *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

uint32_t graph_block_at(const struct graph_body *b, uint32_t rva)
{
    uint32_t low = 0, high = b->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (b->blocks[mid].begin < rva)
            low = mid + 1;
        else
            high = mid;
    }
    return low < b->count && b->blocks[low].begin == rva ? low : GRAPH_NONE;
}

static bool link_cases(struct maker *m, struct graph_block *b, uint32_t jump)
{
    const struct graph_table *t = graph_table_of(&m->g->x, jump);
    struct graph_body *o = m->out;
    b->first_case = o->case_count;
    for (uint32_t i = 0; t && t->entry_size > 1 && i < t->count; i++) {
        uint32_t to = graph_block_at(o, case_target(m->g, t, i));
        void *p = graph_grow(o->cases, &m->case_room, o->case_count, sizeof *o->cases);
        if (!p)
            return false;
        o->cases = p;
        if (to != GRAPH_NONE)
            o->cases[o->case_count++] = to;
    }
    b->case_count = o->case_count - b->first_case;
    return true;
}

static bool link_block(struct maker *m, struct graph_block *b)
{
    const uint8_t *bytes = m->g->m.base;
    struct graph_insn i = { 0 };
    uint32_t last = b->begin;
    for (uint32_t at = b->begin; at < b->end; at += i.length) {
        last = at;
        if (!graph_decode(bytes + at, bytes + b->end, &i))
            return true;
    }
    enum graph_flow f = graph_flow_of(&i);
    if (f == GRAPH_JUMP || f == GRAPH_BRANCH)
        b->target = graph_block_at(m->out, b->end + (uint32_t)i.imm);
    if (f == GRAPH_BRANCH || f == GRAPH_NEXT || f == GRAPH_CALL || f == GRAPH_CALL_FAR)
        b->next = graph_block_at(m->out, b->end);
    return f != GRAPH_JUMP_FAR || link_cases(m, b, last);
}

/* --- what is reached ------------------------------------------------------------------------------------ */

static void push(struct graph_body *o, uint32_t *stack, uint32_t *n, uint32_t block)
{
    if (block != GRAPH_NONE && !o->blocks[block].reached) {
        o->blocks[block].reached = true;
        stack[(*n)++] = block;
    }
}

static bool reach(struct graph_body *o)
{
    uint32_t *stack = malloc((o->count + 1) * sizeof *stack), n = 0;
    if (!stack)
        return false;
    push(o, stack, &n, o->entry);
    while (n) {
        const struct graph_block *b = &o->blocks[stack[--n]];
        push(o, stack, &n, b->next);
        push(o, stack, &n, b->target);
        for (uint32_t i = 0; i < b->case_count; i++)
            push(o, stack, &n, o->cases[b->first_case + i]);
    }
    free(stack);
    return true;
}

static bool is_padding(const struct graph_image *g, const struct graph_block *b)
{
    const uint8_t *bytes = g->m.base;
    struct graph_insn i;
    for (uint32_t at = b->begin; at < b->end; at += i.length) {
        if (!graph_decode(bytes + at, bytes + b->end, &i))
            return true;
        bool nop = i.map == GRAPH_MAP_1 ? i.opcode == 0x90 || i.opcode == 0xcc : graph_is(&i, GRAPH_MAP_0F, 0x1f);
        if (!nop && !graph_is(&i, GRAPH_MAP_0F, 0x0b))
            return false;
    }
    return true;
}

/* Handlers of exceptions are not reached by jumps, and stay; padding goes. */
static void drop_padding(const struct graph_image *g, struct graph_body *o)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < o->count; i++)
        if (o->blocks[i].reached || !is_padding(g, &o->blocks[i]))
            o->blocks[kept++] = o->blocks[i];
    o->count = kept;
}

static bool relink(struct maker *m)
{
    struct graph_body *o = m->out;
    o->case_count = 0;
    for (uint32_t i = 0; i < o->count; i++) {
        struct graph_block *b = &o->blocks[i];
        b->next = b->target = GRAPH_NONE;
        b->case_count = 0;
        if (!link_block(m, b))
            return false;
    }
    return true;
}

static bool make(struct maker *m, uint32_t function)
{
    struct graph_body *o = m->out;
    uint32_t entry = m->g->x.functions[function].rva;
    lead(m, entry);
    for (size_t i = 0; i < m->count; i++)
        mark_stretch(m, &m->stretches[i]);
    for (size_t i = 0; i < m->count; i++)
        if (!cut(m, &m->stretches[i]))
            return false;
    if (!o->count)
        return true;
    qsort(o->blocks, o->count, sizeof *o->blocks, by_block);
    for (int round = 0; round < 2; round++) {
        o->entry = graph_block_at(o, entry);
        if (!relink(m) || (round == 0 && !reach(o)))
            return false;
        if (round == 0)
            drop_padding(m->g, o);
    }
    return true;
}

bool graph_body(const struct graph_image *g, uint32_t function, struct graph_body *out)
{
    const struct graph_function *f = &g->x.functions[function];
    struct maker m = { .g = g, .out = out };
    memset(out, 0, sizeof *out);
    out->entry = GRAPH_NONE;
    m.stretches = calloc(f->part_count + 1, sizeof *m.stretches);
    bool ok = m.stretches != NULL;
    for (uint32_t i = 0; ok && i <= f->part_count; i++) {
        struct stretch *s = &m.stretches[m.count];
        if (i == 0) {
            s->begin = f->rva;
            s->end = f->end;
        } else {
            const struct graph_part *p = &g->x.parts[g->x.parts_of[f->first_part + i - 1]];
            s->begin = p->begin;
            s->end = p->end;
        }
        s->marks = calloc(1, s->end - s->begin + 1);
        ok = s->marks != NULL;
        m.count++;
    }
    ok = ok && make(&m, function);
    for (size_t i = 0; i < m.count; i++)
        free(m.stretches[i].marks);
    free(m.stretches);
    if (!ok)
        graph_body_free(out);
    return ok;
}

void graph_body_free(struct graph_body *b)
{
    free(b->blocks);
    free(b->cases);
    memset(b, 0, sizeof *b);
}
