/* A tree as text, drawn as the tools do that drivers are analysed with: names start where their parent's name ends. */
#include "graph/tree.h"

#include <stdlib.h>
#include <string.h>

struct drawing {
    const struct graph_tree *t;
    FILE *out;
    char *before; /* what stands left of the children of the node being drawn */
    size_t length, room;
};

/* Columns, not bytes: C++ names may hold anything. */
static size_t columns(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static void append(struct drawing *d, const char *s, size_t times)
{
    size_t n = strlen(s);
    if (d->length + n * times + 1 > d->room) {
        d->room = (d->length + n * times + 1) * 2;
        d->before = realloc(d->before, d->room);
        if (!d->before)
            abort();
    }
    for (size_t i = 0; i < times; i++, d->length += n)
        memcpy(d->before + d->length, s, n);
    d->before[d->length] = 0;
}

static bool is_expanded(const struct graph_node *n)
{
    return n->child != GRAPH_NONE;
}

static void repeat(FILE *out, const char *s, size_t times)
{
    while (times--)
        fputs(s, out);
}

/* The arguments stand under each other; `branch` tells whether a later sibling's line runs through. */
static void draw_arguments(struct drawing *d, const struct graph_node *n, bool branch, size_t width)
{
    if (!n->argument_count)
        return;
    fprintf(d->out, " (%s", n->arguments[0]);
    for (uint32_t i = 1; i < n->argument_count; i++) {
        fprintf(d->out, "\n%s%s", d->before, branch ? "│" : width ? " " : "");
        repeat(d->out, " ", (width ? width - 1 : 0) + columns(n->name) + (n->seen ? 2 : 0) + (n->recursive ? 2 : 0) + (n->is_import || n->kind == GRAPH_EDGE_POINTER) + 2);
        fputs(n->arguments[i], d->out);
    }
    fputc(')', d->out);
}

static void draw_children(struct drawing *d, uint32_t node);

static const char *const marks[] = { "", " ✗", " ○", " ●" };

static void draw(struct drawing *d, uint32_t node, size_t width, bool later)
{
    const struct graph_node *n = &d->t->nodes[node];
    bool arrow = is_expanded(n);
    fputs(d->before, d->out);
    fputs(arrow ? later ? "├" : "└" : later ? "│" : " ", d->out);
    repeat(d->out, arrow ? "─" : " ", width > 2 ? width - 2 : 0);
    fputs(arrow ? "▷" : " ", d->out);
    if (n->is_import)
        fputs("⟜", d->out);
    if (n->kind == GRAPH_EDGE_POINTER)
        fputs("⇢", d->out);
    fputs(n->name, d->out);
    if (n->recursive)
        fputs(" ↺", d->out);
    if (n->seen)
        fputs(marks[n->seen], d->out);
    draw_arguments(d, n, later, width);
    fputc('\n', d->out);
    if (!arrow)
        return;
    size_t length = d->length;
    append(d, later ? "│" : " ", 1);
    append(d, " ", width - 1);
    draw_children(d, node);
    d->length = length;
    d->before[length] = 0;
}

static void draw_children(struct drawing *d, uint32_t node)
{
    const struct graph_tree *t = d->t;
    size_t width = columns(t->nodes[node].name);
    uint32_t last = GRAPH_NONE;
    for (uint32_t c = t->nodes[node].child; c != GRAPH_NONE; c = t->nodes[c].next)
        if (is_expanded(&t->nodes[c]))
            last = c;
    bool later = last != GRAPH_NONE;
    for (uint32_t c = t->nodes[node].child; c != GRAPH_NONE; c = t->nodes[c].next) {
        later = later && c != last;
        draw(d, c, width, later);
    }
}

void graph_tree_text(const struct graph_tree *t, FILE *out)
{
    struct drawing d = { .t = t, .out = out };
    append(&d, "", 0);
    fprintf(out, "%s [%u]\n", t->nodes[0].name, graph_tree_total(t, 0));
    draw_children(&d, 0);
    free(d.before);
}
