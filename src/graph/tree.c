/* Expanding a tree. */
#include "graph/tree.h"
#include "graph/sweep.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_NODES = 4000000 };

/* Arguments of the functions met so far. */
struct cache {
    const struct graph_image *image;
    uint32_t function;
    struct graph_arguments a;
};

struct maker {
    const struct graph_query *q;
    struct graph_tree *t;
    struct cache *cache; /* open hash */
    size_t cache_size, cache_used;
    bool out_of_memory, too_large;
};

/* --- arguments, once a function --------------------------------------------------------------------------- */

static size_t place(const struct maker *m, const struct graph_image *g, uint32_t f)
{
    size_t k = ((uintptr_t)g / 64 * 31 + f) * 0x9e3779b97f4a7c15u >> 20 & (m->cache_size - 1);
    while (m->cache[k].image && (m->cache[k].image != g || m->cache[k].function != f))
        k = (k + 1) & (m->cache_size - 1);
    return k;
}

static bool grow_cache(struct maker *m)
{
    struct cache *old = m->cache;
    size_t n = m->cache_size;
    m->cache_size = n ? n * 2 : 256;
    m->cache = calloc(m->cache_size, sizeof *m->cache);
    if (!m->cache) {
        m->cache = old;
        m->cache_size = n;
        return false;
    }
    for (size_t i = 0; i < n; i++)
        if (old[i].image)
            m->cache[place(m, old[i].image, old[i].function)] = old[i];
    free(old);
    return true;
}

static const struct graph_arguments *arguments_of(struct maker *m, const struct graph_image *g, uint32_t f)
{
    if (m->cache_used * 2 >= m->cache_size && !grow_cache(m)) {
        m->out_of_memory = true;
        return NULL;
    }
    struct cache *c = &m->cache[place(m, g, f)];
    if (!c->image) {
        *c = (struct cache){ .image = g, .function = f };
        m->cache_used++;
        m->out_of_memory |= !graph_arguments_of(g, f, &c->a);
    }
    return &c->a;
}

static void add_argument(struct maker *m, struct graph_node *n, const char *text)
{
    for (uint32_t i = 0; i < n->argument_count; i++)
        if (strcmp(n->arguments[i], text) == 0)
            return;
    char **p = realloc(n->arguments, (n->argument_count + 1) * sizeof *p);
    if (p)
        n->arguments = p;
    char *copy = p ? strdup(text) : NULL;
    if (!copy) {
        m->out_of_memory = true;
        return;
    }
    n->arguments[n->argument_count++] = copy;
}

static void add_arguments(struct maker *m, struct graph_node *n, const struct graph_image *g, const struct graph_edge *e)
{
    uint8_t seen = m->q->seen ? (uint8_t)m->q->seen(m->q->seen_ctx, g, e->site) : GRAPH_SEEN_NOT_KNOWN;
    n->seen = seen > n->seen ? seen : n->seen;
    const struct graph_arguments *a = arguments_of(m, g, e->from);
    for (size_t i = 0; a && i < a->count; i++)
        if (a->at[i].site == e->site)
            add_argument(m, n, a->at[i].text);
}

/* --- nodes ------------------------------------------------------------------------------------------------ */

static const char *node_name(const struct graph_node *n, char *out)
{
    if (n->is_import)
        return graph_import_name(n->image, n->index, out);
    if (n->index != GRAPH_NONE)
        return graph_function_name(n->image, n->index, out);
    if (n->slot != GRAPH_NONE)
        return graph_address_name(n->image, n->slot, out);
    snprintf(out, GRAPH_NAME, "%s!%s", n->image->module, n->inlined ? n->inlined : "guard_dispatch_icall");
    return out;
}

uint32_t graph_tree_add(struct graph_tree *t, const struct graph_node *like, uint32_t parent)
{
    char name[GRAPH_NAME];
    struct graph_node *p = graph_grow(t->nodes, &t->room, t->count, sizeof *p);
    char *copy = p ? strdup(node_name(like, name)) : NULL;
    if (p)
        t->nodes = p;
    if (!copy)
        return GRAPH_NONE;
    struct graph_node *n = &t->nodes[t->count];
    *n = *like;
    n->parent = parent;
    n->child = n->next = GRAPH_NONE;
    n->child_count = 0;
    n->name = copy;
    return t->count++;
}

void graph_tree_attach(struct graph_tree *t, uint32_t parent, uint32_t child)
{
    uint32_t *link = &t->nodes[parent].child;
    while (*link != GRAPH_NONE)
        link = &t->nodes[*link].next;
    *link = child;
    t->nodes[parent].child_count++;
}

static uint32_t add_node(struct maker *m, const struct graph_node *like, uint32_t parent)
{
    m->too_large |= m->t->count >= MOST_NODES;
    uint32_t n = m->too_large ? GRAPH_NONE : graph_tree_add(m->t, like, parent);
    m->out_of_memory |= n == GRAPH_NONE;
    return n;
}

static bool same_place(const struct graph_node *a, const struct graph_node *b)
{
    return a->image == b->image && a->is_import == b->is_import && a->index == b->index && a->slot == b->slot && a->inlined == b->inlined;
}

/* Finds the child or adds it at the end. Callers come sorted: only the last can be the same. */
static uint32_t child_for(struct maker *m, uint32_t parent, uint32_t *last, const struct graph_node *like)
{
    struct graph_node *nodes = m->t->nodes;
    for (uint32_t c = m->q->up ? *last : nodes[parent].child; c != GRAPH_NONE; c = nodes[c].next)
        if (same_place(&nodes[c], like))
            return c;
    uint32_t c = add_node(m, like, parent);
    if (c == GRAPH_NONE)
        return c;
    nodes = m->t->nodes;
    if (*last == GRAPH_NONE)
        nodes[parent].child = c;
    else
        nodes[*last].next = c;
    nodes[parent].child_count++;
    *last = c;
    return c;
}

/* --- down ------------------------------------------------------------------------------------------------- */

static bool is_guard(const struct graph_image *g, uint32_t slot)
{
    return slot == GRAPH_NONE || slot == g->x.guard_slots[0] || slot == g->x.guard_slots[1];
}

static void callee(const struct maker *m, struct graph_image *g, const struct graph_edge *e, struct graph_node *n)
{
    struct graph_image *other;
    uint32_t f;
    *n = (struct graph_node){ .image = g, .index = e->to, .kind = e->kind, .slot = GRAPH_NONE };
    if (e->kind == GRAPH_EDGE_GUARD) {
        n->index = GRAPH_NONE;
        n->slot = is_guard(g, e->to) ? GRAPH_NONE : e->to;
    } else if (e->kind == GRAPH_EDGE_IMPORT) {
        n->is_import = true;
        if (graph_resolve_import(m->q->images, m->q->count, g, e->to, &other, &f)) {
            n->image = other;
            n->is_import = false;
            n->index = f;
        }
    }
}

/* Inlined routines that stand before `limit`. Their callback is an address that is taken: without such there is none. */
static void add_inlined(struct maker *m, uint32_t node, uint32_t *last, const struct graph_arguments *a, size_t *next, uint32_t limit)
{
    char name[GRAPH_NAME];
    struct graph_image *g = m->t->nodes[node].image;
    for (; a && *next < a->inlined_count && a->inlined[*next].site < limit && !m->out_of_memory; ++*next) {
        struct graph_node like = { .image = g, .index = GRAPH_NONE, .kind = GRAPH_EDGE_CALL, .slot = GRAPH_NONE, .inlined = a->inlined[*next].name };
        uint32_t c = child_for(m, node, last, &like);
        if (c != GRAPH_NONE)
            add_argument(m, &m->t->nodes[c], graph_function_name(g, a->inlined[*next].function, name));
    }
}

static bool takes_addresses(const struct graph_index *x, const struct graph_function *f)
{
    for (uint32_t i = 0; i < f->edge_count; i++)
        if (x->edges[f->first_edge + i].kind == GRAPH_EDGE_POINTER)
            return true;
    return false;
}

static void add_callees(struct maker *m, uint32_t node)
{
    struct graph_image *g = m->t->nodes[node].image;
    uint32_t index = m->t->nodes[node].index, last = GRAPH_NONE;
    const struct graph_function *f = &g->x.functions[index];
    bool pointers = takes_addresses(&g->x, f);
    size_t inlined = 0;
    for (uint32_t i = 0; i < f->edge_count && !m->out_of_memory; i++) {
        const struct graph_edge *e = &g->x.edges[f->first_edge + i];
        struct graph_node like;
        if (pointers)
            add_inlined(m, node, &last, arguments_of(m, g, index), &inlined, e->site);
        if (e->kind == GRAPH_EDGE_POINTER && !m->q->callbacks)
            continue;
        callee(m, g, e, &like);
        uint32_t c = child_for(m, node, &last, &like);
        if (c != GRAPH_NONE && e->kind != GRAPH_EDGE_POINTER)
            add_arguments(m, &m->t->nodes[c], g, e);
    }
    if (pointers)
        add_inlined(m, node, &last, arguments_of(m, g, index), &inlined, GRAPH_NONE);
}

/* --- up --------------------------------------------------------------------------------------------------- */

static void callers_in(struct maker *m, uint32_t node, uint32_t *last, struct graph_image *g, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count && !m->out_of_memory; i++) {
        const struct graph_edge *e = &g->x.edges[g->x.incoming[first + i]];
        struct graph_node like = { .image = g, .index = e->from, .kind = e->kind, .slot = GRAPH_NONE };
        if (e->kind == GRAPH_EDGE_POINTER && !m->q->callbacks)
            continue;
        uint32_t c = child_for(m, node, last, &like);
        if (c != GRAPH_NONE && e->kind != GRAPH_EDGE_POINTER)
            add_arguments(m, &m->t->nodes[c], g, e);
    }
}

/* Other images that import this function, or the same import of other images. */
static void add_callers_through_imports(struct maker *m, uint32_t node, uint32_t *last)
{
    struct graph_node n = m->t->nodes[node];
    const char *wanted = n.is_import ? graph_string(&n.image->x, n.image->x.imports[n.index].name) : NULL;
    for (size_t k = 0; k < m->q->count; k++) {
        struct graph_image *g = &m->q->images[k], *other;
        for (uint32_t i = 0; i < g->x.import_count; i++) {
            uint32_t f;
            bool same = wanted ? g != n.image && strcmp(graph_string(&g->x, g->x.imports[i].name), wanted) == 0
                               : graph_resolve_import(m->q->images, m->q->count, g, i, &other, &f) && other == n.image && f == n.index;
            if (same)
                callers_in(m, node, last, g, g->x.imports[i].first_in, g->x.imports[i].in_count);
        }
    }
}

static void add_callers(struct maker *m, uint32_t node)
{
    struct graph_node n = m->t->nodes[node];
    uint32_t last = GRAPH_NONE;
    if (n.is_import)
        callers_in(m, node, &last, n.image, n.image->x.imports[n.index].first_in, n.image->x.imports[n.index].in_count);
    else
        callers_in(m, node, &last, n.image, n.image->x.functions[n.index].first_in, n.image->x.functions[n.index].in_count);
    if (m->q->count > 1)
        add_callers_through_imports(m, node, &last);
}

/* --- the tree --------------------------------------------------------------------------------------------- */

static bool is_above(const struct graph_tree *t, uint32_t node)
{
    for (uint32_t p = t->nodes[node].parent; p != GRAPH_NONE; p = t->nodes[p].parent)
        if (same_place(&t->nodes[p], &t->nodes[node]))
            return true;
    return false;
}

static bool may_expand(struct maker *m, uint32_t node)
{
    struct graph_node *n = &m->t->nodes[node];
    if (n->parent != GRAPH_NONE && is_above(m->t, node)) {
        n->recursive = true;
        return false;
    }
    if (n->index == GRAPH_NONE || (n->is_import && !m->q->up))
        return false;
    if (!m->q->up && m->q->use_stop_list && n->parent != GRAPH_NONE && n->image->x.functions[n->index].name)
        n->stopped = graph_stop_listed(graph_string(&n->image->x, n->image->x.functions[n->index].name));
    return !n->stopped;
}

static void expand(struct maker *m, uint32_t node, unsigned depth)
{
    if (!may_expand(m, node) || depth == 0 || m->out_of_memory)
        return;
    if (m->q->up)
        add_callers(m, node);
    else
        add_callees(m, node);
    for (uint32_t c = m->t->nodes[node].child; c != GRAPH_NONE; c = m->t->nodes[c].next)
        expand(m, c, depth - 1);
}

static bool fits(const struct graph_query *q, const struct graph_node *n)
{
    return (!q->only || strcasestr(n->name, q->only)) && (!q->module || strcasecmp(n->image->module, q->module) == 0);
}

/* Keeps what fits and what leads there. */
static bool prune(const struct graph_query *q, struct graph_tree *t, uint32_t node)
{
    uint32_t *link = &t->nodes[node].child, kept = 0;
    for (uint32_t c = *link; c != GRAPH_NONE; c = t->nodes[c].next) {
        if (!prune(q, t, c))
            continue;
        *link = c;
        link = &t->nodes[c].next;
        kept++;
    }
    *link = GRAPH_NONE;
    t->nodes[node].child_count = kept;
    return kept || fits(q, &t->nodes[node]);
}

bool graph_tree_make(const struct graph_query *q, const struct graph_place *root, struct graph_tree *out, char *err, size_t errlen)
{
    struct maker m = { .q = q, .t = out };
    struct graph_node like = { .image = root->image, .is_import = root->is_import, .index = root->index, .slot = GRAPH_NONE };
    memset(out, 0, sizeof *out);
    if (add_node(&m, &like, GRAPH_NONE) != GRAPH_NONE)
        expand(&m, 0, q->depth);
    for (size_t i = 0; i < m.cache_size; i++)
        if (m.cache[i].image)
            graph_arguments_free(&m.cache[i].a);
    free(m.cache);
    if (m.out_of_memory) {
        snprintf(err, errlen, m.too_large ? "the tree has more than %d nodes: ask for a smaller --depth" : "out of memory", MOST_NODES);
        graph_tree_free(out);
        return false;
    }
    if (q->only || q->module)
        prune(q, out, 0);
    return true;
}

void graph_tree_free(struct graph_tree *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        for (uint32_t k = 0; k < t->nodes[i].argument_count; k++)
            free(t->nodes[i].arguments[k]);
        free(t->nodes[i].arguments);
        free(t->nodes[i].name);
    }
    free(t->nodes);
    memset(t, 0, sizeof *t);
}

uint32_t graph_tree_total(const struct graph_tree *t, uint32_t node)
{
    uint32_t n = 0;
    for (uint32_t c = t->nodes[node].child; c != GRAPH_NONE; c = t->nodes[c].next)
        n += 1 + graph_tree_total(t, c);
    return n;
}

uint32_t graph_tree_next(const struct graph_tree *t, uint32_t node)
{
    if (t->nodes[node].child != GRAPH_NONE)
        return t->nodes[node].child;
    while (node != GRAPH_NONE && t->nodes[node].next == GRAPH_NONE)
        node = t->nodes[node].parent;
    return node == GRAPH_NONE ? GRAPH_NONE : t->nodes[node].next;
}
