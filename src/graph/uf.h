/* A function's body in the layout of WinDbg's `uf`: blocks with a label each, and an empty line between them. */
#ifndef IRPLAB_GRAPH_UF_H
#define IRPLAB_GRAPH_UF_H

#include <stdio.h>

#include "graph/format.h"

struct graph_listing {
    bool bare; /* without addresses and bytes */
    bool no_comments;
};

bool graph_uf(const struct graph_image *g, uint32_t function, const struct graph_listing *how, FILE *out);

/* One line without its end. */
void graph_uf_line(const struct graph_image *g, const struct graph_decoded *d, const struct graph_listing *how, FILE *out);

#endif
