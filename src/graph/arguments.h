/* What a reader wants to know about the arguments of a call: callbacks, bug check codes, statuses, pool tags. */
#ifndef IRPLAB_GRAPH_ARGUMENTS_H
#define IRPLAB_GRAPH_ARGUMENTS_H

#include "graph/image.h"

struct graph_argument {
    uint32_t site;
    uint32_t function; /* what it points at, or GRAPH_NONE */
    char *text;
};

struct graph_inlined {
    uint32_t site, function;
    const char *name; /* IoSetCompletionRoutine, IoSetCancelRoutine */
};

struct graph_arguments { /* of all calls of one function, in order of site */
    struct graph_argument *at;
    size_t count, room;
    /* Calls through registers that turned out to be of one thing: site, kind, to. */
    struct graph_edge *calls;
    size_t call_count, call_room;
    /* Kernel functions that headers inline: the routine they set. In order of site. */
    struct graph_inlined *inlined;
    size_t inlined_count, inlined_room;
    bool out_of_memory;
};

bool graph_arguments_of(const struct graph_image *g, uint32_t function, struct graph_arguments *out);
/* Only `calls`, faster: for building an index. */
bool graph_calls_of(const struct graph_image *g, uint32_t function, struct graph_arguments *out);
void graph_arguments_free(struct graph_arguments *a);

/* roles.c: how argument `index` of a routine of this name is to be read. */
enum graph_role { GRAPH_ROLE_NONE, GRAPH_ROLE_TAG, GRAPH_ROLE_BUGCHECK, GRAPH_ROLE_STATUS };
enum graph_role graph_role_of(const char *routine, unsigned index);
const char *graph_bugcheck_name(uint32_t code); /* NULL: unknown */

/* How many arguments a routine of this name takes; GRAPH_ANY_ARGUMENTS: nobody here knows. The table is made from the lists of
 * what the machine implements. */
enum { GRAPH_ANY_ARGUMENTS = 12 };
unsigned graph_arity_of(const char *routine);
struct graph_arity {
    const char *name;
    unsigned count;
};
extern const struct graph_arity graph_arities[];
extern const size_t graph_arity_count;

/* framework.c: structures of callbacks that are arguments of framework functions. */
struct graph_callback_field {
    uint32_t offset;
    const char *name;
};
/* The fields of the structure that argument `index` of a routine points at; *count 0: it is none. */
const struct graph_callback_field *graph_callback_fields(const char *routine, unsigned index, size_t *count);
/* The name of a callback that is given directly; NULL: none. */
const char *graph_direct_callback(const char *routine, unsigned index);

/* What a pointer to such a structure leads to: for each field with a known function, in order. */
typedef void graph_callback_fn(void *ctx, const char *field, uint32_t function);
struct graph_state;
struct graph_set;
void graph_read_callbacks(const struct graph_image *g, const struct graph_state *st, const struct graph_set *pointer, const char *routine, unsigned index,
                          graph_callback_fn *fn, void *ctx);

/* The variable that holds the table of the framework's functions, from what the image binds itself with; 0: none. */
uint32_t graph_find_framework(const struct graph_image *g, uint32_t *functions);
/* NULL: past the last. */
const char *graph_framework_name(uint32_t index);

#endif
