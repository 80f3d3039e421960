/* What is known about the code of one image: functions, the edges between them, imports and names.
 *
 * Plain arrays of fixed-size records, so that the database can keep them as they are and map them again. Everything is
 * addressed by RVA or by index; strings by offset in one block (offset 0 is the empty string).
 * Functions are sorted by RVA, edges by function and then by site: the order in which a listing of the body shows them. */
#ifndef IRPLAB_GRAPH_INDEX_H
#define IRPLAB_GRAPH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRAPH_NONE UINT32_MAX

/* Functions of the driver framework are imports in slots that no image has: this plus the index in its table. */
#define GRAPH_FRAMEWORK_SLOT UINT32_C(0xf0000000)

enum graph_edge_kind {
    GRAPH_EDGE_CALL,
    GRAPH_EDGE_TAIL,    /* a jump to another function */
    GRAPH_EDGE_IMPORT,  /* `to` is an import */
    GRAPH_EDGE_GUARD,   /* through a pointer: `to` is the RVA of the pointer, or GRAPH_NONE */
    GRAPH_EDGE_POINTER, /* the address of function `to` is taken here */
};

struct graph_edge {
    uint32_t site;
    uint32_t from; /* function */
    uint32_t to;
    uint32_t kind; /* enum graph_edge_kind */
};

enum graph_function_flags {
    GRAPH_FN_PDATA = 1,   /* extent known from .pdata */
    GRAPH_FN_POINTER = 2, /* its address is stored in data */
    GRAPH_FN_DISPATCH = 4, /* the thunk of guarded calls: what is called is in rax */
};

struct graph_function {
    uint32_t rva, end; /* of its first part */
    uint32_t name;     /* 0: image+0xRVA */
    uint32_t import;   /* a thunk of this import, or GRAPH_NONE */
    uint32_t first_edge, edge_count;
    uint32_t first_in, in_count; /* in `incoming` */
    uint32_t first_part, part_count; /* further parts, in `parts` */
    uint32_t flags;
};

struct graph_part { /* a chained piece of a function that lies elsewhere */
    uint32_t begin, end;
    uint32_t function;
};

struct graph_import {
    uint32_t slot; /* RVA in the import address table */
    uint32_t name, module;
    uint32_t first_in, in_count;
};

struct graph_symbol {
    uint32_t rva, size, name;
    uint32_t is_data;
};

struct graph_table { /* a jump table */
    uint32_t jump;  /* the instruction */
    uint32_t begin, count;
    uint32_t base;  /* added to 4-byte entries; entries of 8 bytes are addresses */
    uint32_t entry_size; /* 1: indexes into another table of the same jump */
};

struct graph_index {
    uint64_t image_base;
    uint32_t size_of_image, entry;
    uint32_t guard_slots[4]; /* pointers that guarded calls go through; 0: none */
    uint32_t framework; /* the variable that holds the driver framework's table of functions; 0: none */
    struct graph_function *functions;
    struct graph_edge *edges;
    uint32_t *incoming; /* edges by what they reach: functions, then imports */
    struct graph_part *parts; /* sorted by begin */
    uint32_t *parts_of; /* indexes of parts, by function */
    struct graph_import *imports; /* sorted by slot */
    struct graph_symbol *symbols; /* sorted by RVA */
    struct graph_table *tables; /* sorted by jump */
    char *strings;
    uint32_t function_count, edge_count, incoming_count, part_count, import_count, symbol_count, table_count;
    uint32_t string_size;
};

uint32_t graph_function_at(const struct graph_index *x, uint32_t rva);    /* that begins there, or GRAPH_NONE */
uint32_t graph_function_owning(const struct graph_index *x, uint32_t rva); /* that contains it, or GRAPH_NONE */
uint32_t graph_import_at(const struct graph_index *x, uint32_t slot);
uint32_t graph_first_table(const struct graph_index *x, uint32_t rva); /* whose jump lies there or behind */
const struct graph_table *graph_table_of(const struct graph_index *x, uint32_t jump);
const struct graph_symbol *graph_symbol_near(const struct graph_index *x, uint32_t rva); /* at or before; NULL */

static inline const char *graph_string(const struct graph_index *x, uint32_t offset) { return x->strings + offset; }

#endif
