/* Trees for other programs: JSON and DOT. */
#include "graph/tree.h"

#include <jansson.h>
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

/* One node a function, one edge a caller and callee, however often the tree draws them. */
static bool drawn_before(const struct graph_tree *t, uint32_t node)
{
    const struct graph_node *n = &t->nodes[node], *p = &t->nodes[n->parent];
    for (uint32_t k = 1; k < node; k++)
        if (strcmp(t->nodes[k].name, n->name) == 0 && strcmp(t->nodes[t->nodes[k].parent].name, p->name) == 0)
            return true;
    return false;
}

void graph_tree_dot(const struct graph_tree *t, FILE *out)
{
    fputs("digraph calls {\n  rankdir=LR;\n  node [shape=box, fontname=monospace];\n", out);
    for (uint32_t i = 1; i < t->count; i++) {
        const struct graph_node *n = &t->nodes[i];
        if (drawn_before(t, i))
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
}
