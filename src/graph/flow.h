/* The body of one function: its basic blocks, in order of address, as a listing shows them.
 *
 * Blocks end after jumps and before targets of jumps; calls do not end them. Bytes between that control cannot reach and
 * that are padding belong to none. */
#ifndef IRPLAB_GRAPH_FLOW_H
#define IRPLAB_GRAPH_FLOW_H

#include "graph/decode.h"
#include "graph/image.h"

struct graph_block {
    uint32_t begin, end;
    uint32_t next;   /* block that control falls into, or GRAPH_NONE */
    uint32_t target; /* block that the jump at the end leads to, or GRAPH_NONE */
    uint32_t first_case, case_count; /* of a jump table: blocks in `cases` */
    bool reached;    /* from the function's first instruction */
};

struct graph_body {
    struct graph_block *blocks;
    uint32_t count;
    uint32_t entry; /* block */
    uint32_t *cases;
    uint32_t case_count;
};

bool graph_body(const struct graph_image *g, uint32_t function, struct graph_body *out); /* false: out of memory */
void graph_body_free(struct graph_body *b);
uint32_t graph_block_at(const struct graph_body *b, uint32_t rva); /* that begins there, or GRAPH_NONE */

#endif
