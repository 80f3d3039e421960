/* Trees for other programs: JSON and DOT. */
#include "graph/tree.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

const char *graph_kind_name(uint32_t kind)
{
    static const char *const names[] = { "call", "tail", "import", "guard", "pointer" };
    return names[kind];
}

static json_t *children_of(const struct graph_tree *t, uint32_t node);

/* Names of hostile images may not be UTF-8. */
static json_t *text(const char *s)
{
    json_t *j = json_string(s);
    if (j)
        return j;
    char ascii[GRAPH_NAME];
    size_t n = 0;
    for (; s[n] && n + 1 < sizeof ascii; n++)
        ascii[n] = (unsigned char)s[n] < 0x80 ? s[n] : '?';
    ascii[n] = 0;
    return json_string(ascii);
}

static json_t *node_json(const struct graph_tree *t, uint32_t node)
{
    const struct graph_node *n = &t->nodes[node];
    json_t *j = json_object(), *arguments = json_array();
    json_object_set_new(j, "symbol", text(n->name));
    json_object_set_new(j, "kind", json_string(graph_kind_name(n->kind)));
    for (uint32_t i = 0; i < n->argument_count; i++)
        json_array_append_new(arguments, text(n->arguments[i]));
    json_object_set_new(j, "arguments", arguments);
    if (n->seen)
        json_object_set_new(j, "run", json_string(n->seen == GRAPH_SEEN_REPLAY ? "replay" : n->seen == GRAPH_SEEN_EXPLORED ? "explored" : "never"));
    if (n->inlined)
        json_object_set_new(j, "inlined", json_true());
    if (n->recursive)
        json_object_set_new(j, "recursive", json_true());
    json_object_set_new(j, "children", children_of(t, node));
    return j;
}

static json_t *children_of(const struct graph_tree *t, uint32_t node)
{
    json_t *all = json_array();
    for (uint32_t c = t->nodes[node].child; c != GRAPH_NONE; c = t->nodes[c].next)
        json_array_append_new(all, node_json(t, c));
    return all;
}

void graph_tree_json(const struct graph_tree *t, FILE *out)
{
    json_t *j = json_object();
    json_object_set_new(j, "root", text(t->nodes[0].name));
    json_object_set_new(j, "total", json_integer(graph_tree_total(t, 0)));
    json_object_set_new(j, "children", children_of(t, 0));
    json_dumpf(j, out, JSON_INDENT(2));
    fputc('\n', out);
    json_decref(j);
}

/* --- DOT ------------------------------------------------------------------------------------------------- */

static void quoted(FILE *out, const char *s)
{
    fputc('"', out);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fputc('\\', out);
        fputc(*s == '\n' ? ' ' : *s, out);
    }
    fputc('"', out);
}

/* One node a function, one edge a caller and callee, however often the tree draws them: an open hash of nodes. */
struct drawn {
    uint32_t *at;
    size_t size;
};

static size_t hash(size_t h, const char *s)
{
    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * 0x100000001b3u;
    return h;
}

static bool drawn_before(const struct graph_tree *t, struct drawn *d, uint32_t node)
{
    const char *name = t->nodes[node].name, *parent = t->nodes[t->nodes[node].parent].name;
    size_t k = hash(hash(0xcbf29ce484222325u, parent) * 31, name) & (d->size - 1);
    for (; d->at[k]; k = (k + 1) & (d->size - 1)) {
        const struct graph_node *n = &t->nodes[d->at[k]];
        if (strcmp(n->name, name) == 0 && strcmp(t->nodes[n->parent].name, parent) == 0)
            return true;
    }
    d->at[k] = node;
    return false;
}

void graph_tree_dot(const struct graph_tree *t, FILE *out)
{
    fputs("digraph calls {\n  rankdir=LR;\n  node [shape=box, fontname=monospace];\n", out);
    struct drawn d = { .size = 64 };
    while (d.size < t->count * 2)
        d.size *= 2;
    d.at = calloc(d.size, sizeof *d.at);
    for (uint32_t i = graph_tree_next(t, 0); d.at && i != GRAPH_NONE; i = graph_tree_next(t, i)) {
        const struct graph_node *n = &t->nodes[i];
        if (drawn_before(t, &d, i))
            continue;
        fputs("  ", out);
        quoted(out, t->nodes[n->parent].name);
        fputs(" -> ", out);
        quoted(out, n->name);
        fprintf(out, " [class=%s", graph_kind_name(n->kind));
        if (n->seen)
            fputs(n->seen == GRAPH_SEEN_REPLAY ? ", penwidth=3" : n->seen == GRAPH_SEEN_NEVER ? ", style=dashed" : "", out);
        if (n->argument_count) {
            fputs(", label=", out);
            quoted(out, n->arguments[0]);
        }
        fputs("];\n", out);
    }
    fputs("}\n", out);
    free(d.at);
}
