/* An image that is being taken apart: its bytes, its index, its name.
 *
 * Owns the mapped bytes and the index (built, or mapped from the database). Images are hostile: every function is safe on
 * any bytes, and says in one line what is wrong with a file it refuses. */
#ifndef IRPLAB_GRAPH_IMAGE_H
#define IRPLAB_GRAPH_IMAGE_H

#include "graph/index.h"
#include "pe/pe.h"

enum { GRAPH_NAME = 1024, GRAPH_MODULE = 64 };

struct graph_image {
    char path[4096];
    char module[GRAPH_MODULE]; /* as debuggers call it: the file's base name; `nt` for the kernel */
    struct pe_image pe;
    struct pe_mapped m;
    struct graph_index x;
    uint8_t *owned; /* bytes that pe reads, when they are ours */
    uint8_t *absent; /* of a dump: a bit for each page that is not in it; or NULL */
    char note[PE_ERROR_TEXT]; /* why the program database that it names is not used, or "" */
    /* All images that are looked at together, this one among them, to name addresses outside it. Set by the caller; or NULL. */
    const struct graph_image *peers;
    size_t peer_count;
    void *mapping; /* of the database file that x lies in, or NULL */
    size_t mapping_size;
    bool from_database;
};

struct graph_open {
    const char *symbol_dir; /* may be NULL */
    bool no_database;
    /* Called now and then while code is swept; `done` of `total` bytes. May be NULL. */
    void (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *progress_ctx;
    /* Of images in memory: what lies at an address outside. May be NULL. */
    bool (*name_of_address)(void *ctx, uint64_t va, const char **module, const char **name);
    void *name_ctx;
};

enum pe_status graph_open_image(struct graph_image *g, const char *path, const struct graph_open *how, char *err, size_t errlen);
/* The bytes stay the caller's. Never in the database. */
enum pe_status graph_open_memory(struct graph_image *g, const char *name, const void *bytes, size_t size, char *err, size_t errlen);
/* Takes over malloc'ed bytes and the bits of absent pages (may be NULL); in the database as any image. */
enum pe_status graph_open_owned(struct graph_image *g, const char *name, uint8_t *bytes, size_t size, uint8_t *absent, const struct graph_open *how,
                                char *err, size_t errlen);
void graph_close_image(struct graph_image *g);

/* --- names; all return `out` (GRAPH_NAME bytes) --- */
const char *graph_function_name(const struct graph_image *g, uint32_t function, char *out);
const char *graph_import_name(const struct graph_image *g, uint32_t import, char *out); /* module!_imp_Name */
const char *graph_address_name(const struct graph_image *g, uint32_t rva, char *out);   /* module!Symbol+0xN */

/* What an address means to any of the images: as graph_address_name, NULL when it lies in none. */
const char *graph_peer_name(const struct graph_image *g, uint64_t va, char *out);

static inline bool graph_is_absent(const struct graph_image *g, uint32_t rva)
{
    return g->absent && rva < g->pe.size_of_image && g->absent[rva / 4096 / 8] >> rva / 4096 % 8 & 1;
}

/* Whether the bytes at an RVA may be executed. */
bool graph_is_code(const struct graph_image *g, uint32_t rva);
bool graph_is_read_only(const struct graph_image *g, uint32_t rva);

/* --- building: functions.c --- */
bool graph_build(struct graph_image *g, const struct graph_open *how, char *pdb, size_t n); /* pdb: path of the one used, or "" */

/* --- one symbol given by a user --- */
struct graph_place {
    struct graph_image *image;
    bool is_import;
    uint32_t index; /* of a function or an import */
};

/* `name`, `module!name`, `_imp_name`, `module+0xRVA`, an address. False: err says so and names what comes close. */
bool graph_find(struct graph_image *images, size_t count, const char *text, struct graph_place *out, char *err, size_t errlen);

#endif
