/* The dispatch table of a driver, recovered from what its entry point stores into the driver object. */
#ifndef IRPLAB_GRAPH_DISPATCH_H
#define IRPLAB_GRAPH_DISPATCH_H

#include "graph/image.h"

enum { GRAPH_DISPATCH_MAJORS = 28, GRAPH_DISPATCH_ROWS = 256 };

struct graph_dispatch_row {
    char what[48]; /* IRP_MJ_CREATE, AddDevice, DriverUnload, StartIo, or a callback's kind */
    uint32_t function;
};

struct graph_dispatch {
    struct graph_dispatch_row rows[GRAPH_DISPATCH_ROWS];
    size_t count;
};

/* In the order: majors, then the others. False: out of memory. */
bool graph_dispatch_of(const struct graph_image *g, struct graph_dispatch *out);

#endif
