/* Calls of imports through registers: compilers load the import once and call it several times. */
#include "graph/arguments.h"
#include "graph/build.h"

#include <stdlib.h>
#include <string.h>

enum { HAS_LOAD = 1, HAS_CALL = 2 };

static int by_site(const void *a, const void *b)
{
    const struct graph_edge *x = a, *y = b;
    return x->site < y->site ? -1 : x->site > y->site;
}

static bool append(struct graph_index *x, size_t *room, const struct graph_arguments *a)
{
    for (size_t i = 0; i < a->call_count; i++) {
        struct graph_edge *p = graph_grow(x->edges, room, x->edge_count + 1, sizeof *p);
        if (!p)
            return false;
        x->edges = p;
        x->edges[x->edge_count++] = a->calls[i];
    }
    return true;
}

/* Appends what it finds; the caller sorts again. */
bool graph_resolve_registers(struct graph_builder *b, bool *found)
{
    struct graph_index *x = &b->g->x;
    uint8_t *has = calloc(1, x->function_count + 1);
    uint32_t before = x->edge_count;
    size_t room = x->edge_count + 1;
    bool ok = has != NULL;
    for (size_t i = 0; ok && i < b->raws.count; i++) {
        uint32_t kind = b->raws.at[i].kind;
        uint32_t f = kind == RAW_CALL_REG || kind == RAW_LOAD_SLOT || kind == RAW_JUMP_REG ? graph_function_owning(x, b->raws.at[i].site) : GRAPH_NONE;
        if (f != GRAPH_NONE)
            has[f] |= kind == RAW_LOAD_SLOT ? HAS_LOAD : HAS_CALL;
    }
    for (uint32_t f = 0; ok && f < x->function_count; f++) {
        struct graph_arguments a;
        if (has[f] != (HAS_LOAD | HAS_CALL))
            continue;
        ok = graph_arguments_of(b->g, f, &a);
        ok = ok && append(x, &room, &a);
        if (ok)
            graph_arguments_free(&a);
    }
    free(has);
    *found = x->edge_count > before;
    if (*found)
        qsort(x->edges, x->edge_count, sizeof *x->edges, by_site);
    return ok;
}
