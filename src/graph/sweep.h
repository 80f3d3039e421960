/* The first pass over code: everything in one stretch that refers to elsewhere. Private to this room. */
#ifndef IRPLAB_GRAPH_SWEEP_H
#define IRPLAB_GRAPH_SWEEP_H

#include "graph/image.h"

enum graph_raw_kind {
    RAW_CALL,
    RAW_JUMP,      /* leaves the stretch */
    RAW_BRANCH,    /* the same, conditional */
    RAW_CALL_SLOT, /* call [rip+x] */
    RAW_JUMP_SLOT,
    RAW_CALL_REG,  /* call through a register or other memory */
    RAW_JUMP_REG,
    RAW_LOAD_SLOT, /* mov reg,[import slot] */
    RAW_POINTER,   /* lea reg,[code] */
};

struct graph_raw {
    uint32_t site, target;
    uint32_t kind;
};

struct graph_raws {
    struct graph_raw *at;
    size_t count, room;
    struct graph_table *tables;
    size_t table_count, table_room;
    bool out_of_memory;
};

/* Sweeps [begin, limit). With `open_end` the stretch has no known end: it ends where control cannot go on and nothing
 * before jumps further. Returns the end. */
uint32_t graph_sweep(const struct graph_image *g, uint32_t begin, uint32_t limit, bool open_end, struct graph_raws *out);

void *graph_grow(void *at, size_t *room, size_t count, size_t each); /* NULL: out of memory, `at` is still there */

#endif
