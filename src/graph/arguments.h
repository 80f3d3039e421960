/* What a reader wants to know about the arguments of a call: callbacks, bug check codes, statuses, pool tags. */
#ifndef IRPLAB_GRAPH_ARGUMENTS_H
#define IRPLAB_GRAPH_ARGUMENTS_H

#include "graph/image.h"

struct graph_argument {
    uint32_t site;
    uint32_t function; /* what it points at, or GRAPH_NONE */
    char *text;
};

struct graph_arguments { /* of all calls of one function, in order of site */
    struct graph_argument *at;
    size_t count, room;
    /* Calls through registers that turned out to be of one thing: site, kind, to. */
    struct graph_edge *calls;
    size_t call_count, call_room;
    bool out_of_memory;
};

bool graph_arguments_of(const struct graph_image *g, uint32_t function, struct graph_arguments *out);
void graph_arguments_free(struct graph_arguments *a);

/* roles.c: how argument `index` of a routine of this name is to be read. */
enum graph_role { GRAPH_ROLE_NONE, GRAPH_ROLE_TAG, GRAPH_ROLE_BUGCHECK, GRAPH_ROLE_STATUS };
enum graph_role graph_role_of(const char *routine, unsigned index);
const char *graph_bugcheck_name(uint32_t code); /* NULL: unknown */

#endif
