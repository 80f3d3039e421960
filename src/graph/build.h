/* Shared by the files that build an index. Private to this room. */
#ifndef IRPLAB_GRAPH_BUILD_H
#define IRPLAB_GRAPH_BUILD_H

#include "graph/sweep.h"
#include "pe/symbols.h"

struct graph_builder {
    struct graph_image *g;
    const struct graph_open *how; /* may be NULL */
    struct pe_symbols *symbols;
    struct graph_raws raws;
    uint8_t *state;      /* a byte for each RVA: bits of enum below */
    uint32_t *work;      /* starts outside .pdata that nobody has swept yet */
    size_t work_count, work_room;
    struct graph_part *parts; /* of .pdata: all, sorted; `function` is the RVA of the primary part */
    size_t part_count;
    struct graph_part *leaves; /* the same of stretches without .pdata */
    size_t leaf_count, leaf_room;
    size_t string_room, import_room;
    bool out_of_memory;
};

enum {
    STATE_START = 1,  /* a function begins */
    STATE_INSIDE = 2, /* inside a part of .pdata, not its first byte */
    STATE_PART = 4,   /* a part of .pdata begins */
    STATE_POINTER = 8, /* its address is stored */
    STATE_COLD = 32, /* a part split off, whose function is not known yet */
    STATE_SWEPT = 16, /* a stretch without .pdata was swept from here */
};

uint32_t graph_keep_string(struct graph_builder *b, const char *s, size_t length);

/* False: out of memory. The caller sorts. */
bool graph_add_import(struct graph_builder *b, uint32_t slot, const char *module, const char *name);

/* functions.c: where functions begin and end. */
bool graph_find_functions(struct graph_builder *b);
/* cold.c: called when all is swept. */
void graph_join_cold_parts(struct graph_builder *b);
/* edges.c: what the sweep saw becomes edges between functions. */
bool graph_make_edges(struct graph_builder *b);
/* registers.c: calls of imports through registers, appended in order of site. */
bool graph_resolve_registers(struct graph_builder *b, bool *found);
/* registers_local.c: the same for one function without propagation. False: not so simple; then nothing was added. */
bool graph_resolve_locally(struct graph_builder *b, uint32_t function, bool (*add)(void *ctx, const struct graph_edge *e), void *ctx);
/* index.c: edges by what they reach. */
bool graph_make_incoming(struct graph_index *x);

#endif
