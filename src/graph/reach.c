/* Ways through the graph: breadth first over all images, callbacks included. */
#include "graph/tree.h"
#include "graph/sweep.h"

#include <stdlib.h>
#include <string.h>

/* Places are numbered through all images: functions, then imports, of each. */
struct map {
    const struct graph_query *q;
    uint32_t *first; /* number of each image's first function */
    uint32_t total;
    uint32_t *from;  /* the place it was reached from + 1; 0: not reached */
    uint8_t *kind;
    uint32_t *queue;
    uint32_t head, tail;
};

static bool make_map(struct map *m, const struct graph_query *q)
{
    *m = (struct map){ .q = q, .first = calloc(q->count + 1, sizeof *m->first) };
    for (size_t k = 0; m->first && k < q->count; k++) {
        m->first[k] = m->total;
        m->total += q->images[k].x.function_count + q->images[k].x.import_count;
    }
    m->from = calloc(m->total + 1, sizeof *m->from);
    m->kind = calloc(1, m->total + 1);
    m->queue = calloc(m->total + 1, sizeof *m->queue);
    return m->first && m->from && m->kind && m->queue;
}

static void free_map(struct map *m)
{
    free(m->first);
    free(m->from);
    free(m->kind);
    free(m->queue);
}

static uint32_t number_of(const struct map *m, const struct graph_image *g, bool is_import, uint32_t index)
{
    return m->first[g - m->q->images] + (is_import ? g->x.function_count : 0) + index;
}

static struct graph_place place_of(const struct map *m, uint32_t n)
{
    size_t k = 0;
    while (k + 1 < m->q->count && m->first[k + 1] <= n)
        k++;
    struct graph_image *g = &m->q->images[k];
    n -= m->first[k];
    return (struct graph_place){ g, n >= g->x.function_count, n >= g->x.function_count ? n - g->x.function_count : n };
}

static void visit(struct map *m, uint32_t n, uint32_t from, uint32_t kind)
{
    if (m->from[n])
        return;
    m->from[n] = from + 1;
    m->kind[n] = (uint8_t)kind;
    m->queue[m->tail++] = n;
}

static void visit_callees(struct map *m, uint32_t n)
{
    struct graph_place p = place_of(m, n);
    struct graph_image *other;
    uint32_t f;
    if (p.is_import) {
        if (graph_resolve_import(m->q->images, m->q->count, p.image, p.index, &other, &f))
            visit(m, number_of(m, other, false, f), n, GRAPH_EDGE_IMPORT);
        return;
    }
    const struct graph_function *fn = &p.image->x.functions[p.index];
    for (int pointers = 0; pointers < 2; pointers++) /* of two ways of one length, the one of calls */
        for (uint32_t i = 0; i < fn->edge_count; i++) {
            const struct graph_edge *e = &p.image->x.edges[fn->first_edge + i];
            if (e->kind != GRAPH_EDGE_GUARD && (e->kind == GRAPH_EDGE_POINTER) == pointers)
                visit(m, number_of(m, p.image, e->kind == GRAPH_EDGE_IMPORT, e->to), n, e->kind);
        }
}

static void visit_callers(struct map *m, uint32_t n)
{
    struct graph_place p = place_of(m, n);
    const struct graph_index *x = &p.image->x;
    uint32_t first = p.is_import ? x->imports[p.index].first_in : x->functions[p.index].first_in;
    uint32_t count = p.is_import ? x->imports[p.index].in_count : x->functions[p.index].in_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct graph_edge *e = &x->edges[x->incoming[first + i]];
        visit(m, number_of(m, p.image, false, e->from), n, e->kind);
    }
    for (size_t k = 0; m->q->count > 1 && !p.is_import && k < m->q->count; k++)
        for (uint32_t i = 0; i < m->q->images[k].x.import_count; i++) {
            struct graph_image *other;
            uint32_t f;
            if (graph_resolve_import(m->q->images, m->q->count, &m->q->images[k], i, &other, &f) && other == p.image && f == p.index)
                visit(m, number_of(m, &m->q->images[k], true, i), n, GRAPH_EDGE_IMPORT);
        }
}

static struct graph_node node_for(const struct map *m, uint32_t n)
{
    struct graph_place p = place_of(m, n);
    return (struct graph_node){ .image = p.image, .is_import = p.is_import, .index = p.index, .slot = GRAPH_NONE, .kind = m->kind[n] };
}

/* --- a path ----------------------------------------------------------------------------------------------- */

static bool draw_path(const struct map *m, uint32_t start, uint32_t goal, struct graph_tree *out)
{
    uint32_t *way = malloc((m->total + 1) * sizeof *way), length = 0, parent = GRAPH_NONE;
    bool ok = way != NULL;
    for (uint32_t n = goal; ok; n = m->from[n] - 1) {
        way[length++] = n;
        if (n == start)
            break;
    }
    while (ok && length) {
        struct graph_node like = node_for(m, way[--length]);
        uint32_t node = graph_tree_add(out, &like, parent);
        ok = node != GRAPH_NONE;
        if (ok && parent != GRAPH_NONE)
            graph_tree_attach(out, parent, node);
        parent = node;
    }
    free(way);
    return ok;
}

bool graph_tree_path(const struct graph_query *q, const struct graph_place *from, const struct graph_place *to, struct graph_tree *out)
{
    struct map m;
    memset(out, 0, sizeof *out);
    bool ok = make_map(&m, q);
    if (ok) {
        uint32_t start = number_of(&m, from->image, from->is_import, from->index);
        uint32_t goal = number_of(&m, to->image, to->is_import, to->index);
        visit(&m, start, start, GRAPH_EDGE_CALL);
        while (m.head < m.tail && !m.from[goal])
            visit_callees(&m, m.queue[m.head++]);
        ok = m.from[goal] && draw_path(&m, start, goal, out);
    }
    free_map(&m);
    return ok;
}

/* --- all that reach a place --------------------------------------------------------------------------------- */

bool graph_tree_who(const struct graph_query *q, const struct graph_place *to, struct graph_tree *out)
{
    struct map m;
    memset(out, 0, sizeof *out);
    bool ok = make_map(&m, q);
    uint32_t *node = ok ? malloc((m.total + 1) * sizeof *node) : NULL, *last = ok ? malloc((m.total + 1) * sizeof *last) : NULL;
    ok = node && last;
    if (ok)
        visit(&m, number_of(&m, to->image, to->is_import, to->index), 0, GRAPH_EDGE_CALL);
    for (size_t k = 0; ok && to->is_import && k < q->count; k++) { /* the same import of other images */
        const char *name = graph_string(&to->image->x, to->image->x.imports[to->index].name);
        for (uint32_t i = 0; i < q->images[k].x.import_count; i++)
            if (strcmp(graph_string(&q->images[k].x, q->images[k].x.imports[i].name), name) == 0)
                visit(&m, number_of(&m, &q->images[k], true, i), m.queue[0], GRAPH_EDGE_IMPORT);
    }
    while (ok && m.head < m.tail)
        visit_callers(&m, m.queue[m.head++]);
    for (uint32_t i = 0; ok && i < m.tail; i++) {
        uint32_t n = m.queue[i], parent = i ? node[m.from[n] - 1] : GRAPH_NONE;
        struct graph_node like = node_for(&m, n);
        node[n] = graph_tree_add(out, &like, parent);
        last[n] = GRAPH_NONE;
        ok = node[n] != GRAPH_NONE;
        if (!ok || !i)
            continue;
        uint32_t *before = &last[m.from[n] - 1];
        if (*before == GRAPH_NONE)
            out->nodes[parent].child = node[n];
        else
            out->nodes[*before].next = node[n];
        out->nodes[parent].child_count++;
        *before = node[n];
    }
    free(node);
    free(last);
    free_map(&m);
    return ok;
}
