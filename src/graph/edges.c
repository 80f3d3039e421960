/* From what the sweep saw to functions and the edges between them. */
#include "graph/build.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- functions ------------------------------------------------------------------------------------------ */

static size_t count_starts(const struct graph_builder *b, const struct graph_part *all, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        for (uint32_t rva = all[i].begin; rva < all[i].end; rva++)
            n += b->state[rva] & STATE_START;
    return n;
}

static int by_begin(const void *a, const void *b)
{
    const struct graph_part *x = a, *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* .pdata's parts and the leaves, in order of address. */
static struct graph_part *all_parts(struct graph_builder *b, size_t *count)
{
    struct graph_part *all = malloc((b->part_count + b->leaf_count + 1) * sizeof *all);
    size_t i = 0, k = 0, n = 0;
    if (!all)
        return NULL;
    if (b->leaf_count)
        qsort(b->leaves, b->leaf_count, sizeof *b->leaves, by_begin);
    while (i < b->part_count || k < b->leaf_count) {
        if (k == b->leaf_count || (i < b->part_count && b->parts[i].begin < b->leaves[k].begin))
            all[n++] = b->parts[i++];
        else
            all[n++] = b->leaves[k++];
    }
    for (i = 0; i + 1 < n; i++)
        if (all[i].end > all[i + 1].begin)
            all[i].end = all[i + 1].begin;
    *count = n;
    return all;
}

static bool make_functions(struct graph_builder *b, const struct graph_part *all, size_t count)
{
    struct graph_index *x = &b->g->x;
    size_t n = count_starts(b, all, count), k = 0;
    x->functions = calloc(n + 1, sizeof *x->functions);
    if (!x->functions)
        return false;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t rva = all[i].begin; rva < all[i].end; rva++) {
            if (!(b->state[rva] & STATE_START))
                continue;
            struct graph_function *f = &x->functions[x->function_count++];
            f->rva = rva;
            f->end = all[i].end;
            f->import = GRAPH_NONE;
            f->flags = (b->state[rva] & (STATE_PART | STATE_INSIDE) ? GRAPH_FN_PDATA : 0) |
                       (b->state[rva] & STATE_POINTER ? GRAPH_FN_POINTER : 0);
            k++;
        }
    }
    return k <= n;
}

/* Chained parts, which do not begin with their function. */
static bool make_parts(struct graph_builder *b, const struct graph_part *all, size_t count)
{
    struct graph_index *x = &b->g->x;
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += all[i].function != all[i].begin;
    x->parts = calloc(n + 1, sizeof *x->parts);
    x->parts_of = calloc(n + 1, sizeof *x->parts_of);
    if (!x->parts || !x->parts_of)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint32_t f = all[i].function != all[i].begin ? graph_function_at(x, all[i].function) : GRAPH_NONE;
        if (f == GRAPH_NONE)
            continue;
        x->parts[x->part_count++] = (struct graph_part){ all[i].begin, all[i].end, f };
        x->functions[f].part_count++;
    }
    uint32_t next = 0;
    for (uint32_t f = 0; f < x->function_count; f++) {
        x->functions[f].first_part = next;
        next += x->functions[f].part_count;
        x->functions[f].part_count = 0;
    }
    for (uint32_t i = 0; i < x->part_count; i++) {
        struct graph_function *f = &x->functions[x->parts[i].function];
        x->parts_of[f->first_part + f->part_count++] = i;
    }
    return true;
}

/* --- names ---------------------------------------------------------------------------------------------- */

static bool make_symbols(struct graph_builder *b)
{
    struct graph_index *x = &b->g->x;
    const struct pe_symbol *s;
    uint32_t f = 0;
    x->symbols = calloc(pe_symbol_count(b->symbols) + 1, sizeof *x->symbols);
    if (!x->symbols)
        return false;
    for (size_t i = 0; (s = pe_symbol_get(b->symbols, i)) != NULL; i++) {
        uint32_t name = graph_keep_string(b, s->name, strlen(s->name));
        x->symbols[x->symbol_count++] = (struct graph_symbol){ s->rva, s->size, name, s->kind == PE_SYMBOL_DATA };
        while (f < x->function_count && x->functions[f].rva < s->rva)
            f++;
        if (f < x->function_count && x->functions[f].rva == s->rva && !x->functions[f].name && s->kind == PE_SYMBOL_FUNCTION)
            x->functions[f].name = name;
    }
    return !b->out_of_memory;
}

/* The thunk that guarded calls go through; known by its name or by the pointer it jumps through. */
static bool is_dispatch_name(const char *name)
{
    while (*name == '_')
        name++;
    return strncmp(name, "guard_dispatch_icall", 20) == 0 || strncmp(name, "guard_xfg_dispatch_icall", 24) == 0;
}

static void mark_dispatch(struct graph_index *x)
{
    for (uint32_t f = 0; f < x->function_count; f++)
        if (x->functions[f].name && is_dispatch_name(graph_string(x, x->functions[f].name)))
            x->functions[f].flags |= GRAPH_FN_DISPATCH;
}

static bool is_guard_slot(const struct graph_index *x, uint32_t rva)
{
    for (int i = 0; i < 3; i++)
        if (x->guard_slots[i] && x->guard_slots[i] == rva)
            return true;
    return false;
}

static void mark_thunks(struct graph_builder *b)
{
    struct graph_index *x = &b->g->x;
    for (size_t i = 0; i < b->raws.count; i++) {
        const struct graph_raw *r = &b->raws.at[i];
        uint32_t f = r->kind == RAW_JUMP_SLOT ? graph_function_at(x, r->site) : GRAPH_NONE;
        if (f == GRAPH_NONE)
            continue;
        x->functions[f].import = graph_import_at(x, r->target);
        if (is_guard_slot(x, r->target))
            x->functions[f].flags |= GRAPH_FN_DISPATCH;
    }
}

/* --- edges ---------------------------------------------------------------------------------------------- */

static int by_site(const void *a, const void *b)
{
    const struct graph_raw *x = a, *y = b;
    return x->site < y->site ? -1 : x->site > y->site;
}

static uint32_t function_stored_in(const struct graph_image *g, uint32_t slot)
{
    const uint8_t *p = graph_is_read_only(g, slot) ? pe_at(&g->m, slot, 8) : NULL;
    uint64_t va;
    if (!p)
        return GRAPH_NONE;
    memcpy(&va, p, sizeof va);
    uint32_t rva = pe_rva_of(&g->m, va);
    return rva ? graph_function_at(&g->x, rva) : GRAPH_NONE;
}

static bool slot_edge(const struct graph_image *g, uint32_t slot, struct graph_edge *e)
{
    const struct graph_index *x = &g->x;
    uint32_t import = graph_import_at(x, slot), f;
    if (import != GRAPH_NONE) {
        e->kind = GRAPH_EDGE_IMPORT;
        e->to = import;
    } else if (!is_guard_slot(x, slot) && (f = function_stored_in(g, slot)) != GRAPH_NONE) {
        e->to = f;
    } else {
        e->kind = GRAPH_EDGE_GUARD;
        e->to = slot;
    }
    return true;
}

static bool direct_edge(const struct graph_index *x, struct graph_edge *e, uint32_t target)
{
    uint32_t to = graph_function_at(x, target);
    if (to == GRAPH_NONE)
        to = graph_function_owning(x, target);
    if (to == GRAPH_NONE || (e->kind != GRAPH_EDGE_CALL && to == e->from))
        return false;
    const struct graph_function *f = &x->functions[to];
    e->to = to;
    if (e->kind == GRAPH_EDGE_POINTER)
        return f->rva == target;
    if (f->flags & GRAPH_FN_DISPATCH) {
        e->kind = GRAPH_EDGE_GUARD;
        e->to = GRAPH_NONE;
    } else if (f->import != GRAPH_NONE) {
        e->kind = GRAPH_EDGE_IMPORT;
        e->to = f->import;
    }
    return true;
}

/* False: no edge. */
static bool edge_of(const struct graph_image *g, const struct graph_raw *r, uint32_t from, struct graph_edge *e)
{
    *e = (struct graph_edge){ .site = r->site, .from = from, .kind = GRAPH_EDGE_CALL };
    switch (r->kind) {
    case RAW_CALL:
        return direct_edge(&g->x, e, r->target);
    case RAW_JUMP:
    case RAW_BRANCH:
        e->kind = GRAPH_EDGE_TAIL;
        return direct_edge(&g->x, e, r->target);
    case RAW_POINTER:
        e->kind = GRAPH_EDGE_POINTER;
        return direct_edge(&g->x, e, r->target);
    case RAW_CALL_SLOT:
    case RAW_JUMP_SLOT:
        e->kind = r->kind == RAW_CALL_SLOT ? GRAPH_EDGE_CALL : GRAPH_EDGE_TAIL;
        return slot_edge(g, r->target, e);
    default:
        return false;
    }
}

static bool sort_edges(struct graph_index *x)
{
    struct graph_edge *sorted = malloc((x->edge_count + 1) * sizeof *sorted);
    if (!sorted)
        return false;
    for (uint32_t f = 0; f < x->function_count; f++)
        x->functions[f].edge_count = 0;
    for (uint32_t i = 0; i < x->edge_count; i++)
        x->functions[x->edges[i].from].edge_count++;
    uint32_t next = 0;
    for (uint32_t f = 0; f < x->function_count; f++) {
        x->functions[f].first_edge = next;
        next += x->functions[f].edge_count;
        x->functions[f].edge_count = 0;
    }
    for (uint32_t i = 0; i < x->edge_count; i++) {
        struct graph_function *f = &x->functions[x->edges[i].from];
        sorted[f->first_edge + f->edge_count++] = x->edges[i];
    }
    free(x->edges);
    x->edges = sorted;
    return true;
}

static bool connect(struct graph_builder *b)
{
    struct graph_index *x = &b->g->x;
    x->edges = malloc((b->raws.count + 1) * sizeof *x->edges);
    if (!x->edges)
        return false;
    uint32_t last = GRAPH_NONE;
    for (size_t i = 0; i < b->raws.count; i++) {
        const struct graph_raw *r = &b->raws.at[i];
        if (r->site == last) /* stretches without a known end may overlap */
            continue;
        uint32_t from = graph_function_owning(x, r->site);
        last = r->site;
        if (from != GRAPH_NONE && edge_of(b->g, r, from, &x->edges[x->edge_count]))
            x->edge_count++;
    }
    return sort_edges(x);
}

/* --- jump tables ---------------------------------------------------------------------------------------- */

static int by_jump(const void *a, const void *b)
{
    const struct graph_table *x = a, *y = b;
    /* The table of targets before the table of indexes into it. */
    return x->jump != y->jump ? (x->jump < y->jump ? -1 : 1) : x->entry_size > y->entry_size ? -1 : x->entry_size < y->entry_size;
}

bool graph_make_edges(struct graph_builder *b)
{
    struct graph_index *x = &b->g->x;
    size_t count;
    struct graph_part *all = all_parts(b, &count);
    bool ok = all && make_functions(b, all, count) && make_parts(b, all, count) && make_symbols(b);
    free(all);
    if (!ok)
        return false;
    x->tables = b->raws.tables;
    x->table_count = (uint32_t)b->raws.table_count;
    b->raws.tables = NULL;
    if (x->table_count)
        qsort(x->tables, x->table_count, sizeof *x->tables, by_jump);
    if (b->raws.count)
        qsort(b->raws.at, b->raws.count, sizeof *b->raws.at, by_site);
    mark_dispatch(x);
    mark_thunks(b);
    bool more = false;
    return connect(b) && graph_resolve_registers(b, &more) && (!more || sort_edges(x)) && graph_make_incoming(x);
}
