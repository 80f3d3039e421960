/* Indexes on disk, found again by the content of the image.
 *
 * One file an image in $XDG_CACHE_HOME/irplab/graph (or ~/.cache/…), named after a hash of its bytes. Files are written
 * beside and renamed, so that an interrupted write leaves nothing; they hold no absolute addresses and may be copied to
 * another machine. A file that is not exactly what was written (another version, damaged) is ignored and replaced.
 * An index is made again when a program database that may belong to the image has appeared or changed. */
#ifndef IRPLAB_GRAPH_DATABASE_H
#define IRPLAB_GRAPH_DATABASE_H

#include "graph/image.h"

struct graph_hash {
    uint64_t a, b;
};

/* Fast and well mixed, not meant against an adversary: who can write to the cache can do worse. */
struct graph_hash graph_hash_bytes(const void *bytes, size_t size);

/* True: g->x is mapped from the database. */
bool graph_database_load(struct graph_image *g, const struct graph_open *how);

/* Failing is not an error: the next command analyses again. */
void graph_database_store(const struct graph_image *g, const struct graph_open *how, const char *pdb, double seconds);

struct graph_entry { /* of --list */
    char image[512], machine[64], pdb[512];
    uint64_t image_size, index_size;
    int64_t made; /* seconds since 1970 */
    double seconds;
    uint32_t functions, edges;
};

/* Newest first; *out is malloc'ed. False: out of memory. */
bool graph_database_list(struct graph_entry **out, size_t *count);

bool graph_database_folder(char *out, size_t n); /* false: neither XDG_CACHE_HOME nor HOME */

#endif
