/* Calls of imports through registers: compilers load the import once and call it several times. */
#include "graph/arguments.h"
#include "graph/build.h"
#include "graph/decode.h"

#include <stdlib.h>
#include <string.h>

enum { HAS_LOAD = 1, HAS_CALL = 2 };

static int by_site(const void *a, const void *b)
{
    const struct graph_edge *x = a, *y = b;
    return x->site < y->site ? -1 : x->site > y->site;
}

static struct graph_edge *edge_at(struct graph_index *x, const struct graph_edge *like)
{
    const struct graph_function *f = &x->functions[like->from];
    for (uint32_t i = f->first_edge; i < f->first_edge + f->edge_count; i++)
        if (x->edges[i].site == like->site)
            return &x->edges[i];
    return NULL;
}

/* A guarded call whose target is known is that call, no longer one through the pointer. */
static bool append(struct graph_index *x, size_t *room, const struct graph_arguments *a)
{
    for (size_t i = 0; i < a->call_count; i++) {
        struct graph_edge *there = edge_at(x, &a->calls[i]);
        if (there) {
            *there = a->calls[i];
            continue;
        }
        struct graph_edge *p = graph_grow(x->edges, room, x->edge_count + 1, sizeof *p);
        if (!p)
            return false;
        x->edges = p;
        x->edges[x->edge_count++] = a->calls[i];
    }
    return true;
}

static bool is_guard(const struct graph_index *x, uint32_t slot)
{
    return slot == x->guard_slots[0] || slot == x->guard_slots[1];
}

struct appender {
    struct graph_index *x;
    size_t *room;
};

static bool append_one(void *ctx, const struct graph_edge *e)
{
    const struct appender *a = ctx;
    struct graph_arguments one = { .calls = (struct graph_edge *)(uintptr_t)e, .call_count = 1 };
    return append(a->x, a->room, &one);
}

/* Through a register or the stack: a pointer that was loaded before may be there. Calls through other memory are those of virtual
 * functions, and of the framework. */
static bool may_hold_import(const struct graph_builder *b, const struct graph_raw *r)
{
    struct graph_insn i;
    const uint8_t *p = b->g->m.base + r->site;
    if (b->g->x.framework || !graph_decode(p, b->g->m.base + b->g->m.size, &i))
        return true;
    return graph_mod(&i) == 3 || (i.modrm & 7) == 5 || ((i.modrm & 7) == 4 && (i.sib & 7) == 4);
}

/* Functions of the framework that are called become imports, behind those that the image has. */
static bool add_framework_imports(struct graph_builder *b)
{
    struct graph_index *x = &b->g->x;
    for (uint32_t index = 0; graph_framework_name(index); index++) {
        bool used = false;
        for (uint32_t i = 0; i < x->edge_count; i++) {
            struct graph_edge *e = &x->edges[i];
            if (e->kind != GRAPH_EDGE_IMPORT || e->to != GRAPH_FRAMEWORK_SLOT + index)
                continue;
            if (!used && !graph_add_import(b, GRAPH_FRAMEWORK_SLOT + index, "Wdf01000", graph_framework_name(index)))
                return false;
            used = true;
            e->to = x->import_count - 1;
        }
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
        bool guarded = x->framework && (kind == RAW_CALL || kind == RAW_JUMP || ((kind == RAW_CALL_SLOT || kind == RAW_JUMP_SLOT) && is_guard(x, b->raws.at[i].target)));
        uint32_t f = guarded || kind == RAW_CALL_REG || kind == RAW_LOAD_SLOT || kind == RAW_JUMP_REG ? graph_function_owning(x, b->raws.at[i].site) : GRAPH_NONE;
        if (f != GRAPH_NONE && (guarded || kind == RAW_LOAD_SLOT || may_hold_import(b, &b->raws.at[i])))
            has[f] |= kind == RAW_LOAD_SLOT ? HAS_LOAD : HAS_CALL;
    }
    for (uint32_t f = 0; ok && f < x->function_count; f++) {
        struct graph_arguments a;
        if (has[f] != (HAS_LOAD | HAS_CALL))
            continue;
        struct appender appender = { x, &room };
        if (!x->framework && graph_resolve_locally(b, f, append_one, &appender))
            continue;
        ok = graph_calls_of(b->g, f, &a);
        ok = ok && append(x, &room, &a);
        if (ok)
            graph_arguments_free(&a);
    }
    free(has);
    if (x->framework)
        ok = ok && add_framework_imports(b);
    *found = x->edge_count > before;
    if (*found)
        qsort(x->edges, x->edge_count, sizeof *x->edges, by_site);
    return ok;
}
