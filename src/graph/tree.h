/* A call tree: callees or callers of one function to a depth, over one image or several.
 *
 * Children are distinct and in the order of their first call in the body; call sites of one callee are merged and their
 * arguments collected. A function that is already being expanded above is drawn once more and marked, not expanded. */
#ifndef IRPLAB_GRAPH_TREE_H
#define IRPLAB_GRAPH_TREE_H

#include <stdio.h>

#include "graph/arguments.h"

struct graph_node {
    struct graph_image *image;
    bool is_import;
    uint32_t index;   /* of a function or import; GRAPH_NONE: a guarded call */
    uint32_t kind;    /* enum graph_edge_kind of the first call */
    uint32_t slot;    /* of an indirect call: the pointer, or GRAPH_NONE */
    const char *inlined; /* a routine of the kernel whose code stands in the caller; or NULL */
    char *name;
    char **arguments;
    uint32_t argument_count;
    uint32_t child, next, child_count; /* indexes of nodes; GRAPH_NONE: none */
    uint32_t parent;
    bool recursive;
    bool stopped; /* by the stop list */
    uint8_t seen; /* enum graph_seen: the best of the calls that this node stands for */
};

/* Whether a call was made in runs; NOT_KNOWN: nobody watched it. */
enum graph_seen { GRAPH_SEEN_NOT_KNOWN, GRAPH_SEEN_NEVER, GRAPH_SEEN_EXPLORED, GRAPH_SEEN_REPLAY };

struct graph_query {
    struct graph_image *images;
    size_t count;
    bool up;
    unsigned depth;
    bool use_stop_list;
    bool callbacks; /* functions whose address is taken count as callees */
    const char *only;   /* names to keep: a node stays when it or something below contains this; NULL: all */
    const char *module; /* the same for modules */
    enum graph_seen (*seen)(void *ctx, const struct graph_image *g, uint32_t site); /* may be NULL */
    void *seen_ctx;
};

struct graph_tree {
    struct graph_node *nodes; /* the first is the root */
    uint32_t count;
    size_t room;
};

/* False: out of memory or too large; err says which. */
bool graph_tree_make(const struct graph_query *q, const struct graph_place *root, struct graph_tree *out, char *err, size_t errlen);
void graph_tree_free(struct graph_tree *t);

/* The node drawn after this one, parents before children; GRAPH_NONE: it is the last. */
uint32_t graph_tree_next(const struct graph_tree *t, uint32_t node);

/* All descendants of a node that are drawn. */
uint32_t graph_tree_total(const struct graph_tree *t, uint32_t node);

/* reach.c: the shortest way between two places (pointers count: what takes the address of a callback leads to it), as a
 * tree with one child a level; and all that reaches a place, each function once, by distance. False: there is none, or err says why. */
bool graph_tree_path(const struct graph_query *q, const struct graph_place *from, const struct graph_place *to, struct graph_tree *out);
bool graph_tree_who(const struct graph_query *q, const struct graph_place *to, struct graph_tree *out);

/* For the files of this room: a node without children, named; GRAPH_NONE without memory. */
uint32_t graph_tree_add(struct graph_tree *t, const struct graph_node *like, uint32_t parent);
void graph_tree_attach(struct graph_tree *t, uint32_t parent, uint32_t child); /* as the last one */

/* stop.c: functions that everything calls and that explain nothing. `name` without its module. */
bool graph_stop_listed(const char *name);

/* resolve.c: an import that one of the images exports. */
bool graph_resolve_import(struct graph_image *images, size_t count, const struct graph_image *from, uint32_t import,
                          struct graph_image **image, uint32_t *function);

/* --- output --- */
void graph_tree_text(const struct graph_tree *t, FILE *out);
void graph_tree_json(const struct graph_tree *t, FILE *out);
void graph_tree_dot(const struct graph_tree *t, FILE *out);
void graph_tree_html(const struct graph_tree *t, FILE *out);

const char *graph_kind_name(uint32_t kind);

#endif
