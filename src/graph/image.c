/* Opening an image and building its index. */
#include "graph/image.h"
#include "graph/build.h"
#include "graph/database.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <time.h>

bool graph_is_code(const struct graph_image *g, uint32_t rva)
{
    for (uint32_t i = 0; i < g->pe.section_count; i++) {
        const struct pe_section *s = &g->pe.sections[i];
        if (rva >= s->rva && rva - s->rva < (s->vsize < s->raw_size ? s->vsize : s->raw_size))
            return (s->flags & PE_SCN_EXECUTE) != 0;
    }
    return false;
}

bool graph_is_read_only(const struct graph_image *g, uint32_t rva)
{
    for (uint32_t i = 0; i < g->pe.section_count; i++) {
        const struct pe_section *s = &g->pe.sections[i];
        if (rva >= s->rva && rva - s->rva < s->vsize)
            return !(s->flags & PE_SCN_WRITE);
    }
    return false;
}

/* Debuggers name a module after its file, and every kernel `nt`. */
static void set_module(struct graph_image *g, const char *path)
{
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    size_t n = strcspn(base, ".");
    const char *dot = strrchr(base, '.');
    if (dot)
        n = (size_t)(dot - base);
    snprintf(g->module, sizeof g->module, "%.*s", (int)n, base);
    for (char *c = g->module; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '.')
            *c = '_';
    if (strcasecmp(g->module, "ntoskrnl") == 0 || strcasecmp(g->module, "ntkrnlmp") == 0)
        strcpy(g->module, "nt");
}

/* --- imports -------------------------------------------------------------------------------------------- */

uint32_t graph_keep_string(struct graph_builder *b, const char *s, size_t length)
{
    struct graph_index *x = &b->g->x;
    if (x->string_size + length + 1 > b->string_room) {
        size_t room = (x->string_size + length + 1) * 2 + 65536;
        char *p = room < UINT32_MAX ? realloc(x->strings, room) : NULL;
        if (!p) {
            b->out_of_memory = true;
            return 0;
        }
        x->strings = p;
        b->string_room = room;
    }
    uint32_t at = x->string_size;
    memcpy(x->strings + at, s, length);
    x->strings[at + length] = 0;
    x->string_size += (uint32_t)length + 1;
    return at;
}

struct import_list {
    struct graph_builder *b;
    size_t room;
};

static bool add_import(void *ctx, const struct pe_import *imp)
{
    struct import_list *l = ctx;
    struct graph_index *x = &l->b->g->x;
    char ordinal[32];
    snprintf(ordinal, sizeof ordinal, "#%u", imp->ordinal);
    const char *name = imp->name ? imp->name : ordinal;
    void *p = graph_grow(x->imports, &l->room, x->import_count + 1, sizeof *x->imports);
    if (!p)
        return false;
    x->imports = p;
    x->imports[x->import_count++] =
        (struct graph_import){ .slot = imp->slot_rva, .name = graph_keep_string(l->b, name, strlen(name)),
                               .module = graph_keep_string(l->b, imp->module, strcspn(imp->module, ".")) };
    return !l->b->out_of_memory;
}

static int by_slot(const void *a, const void *b)
{
    const struct graph_import *x = a, *y = b;
    return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static bool read_imports(struct graph_builder *b)
{
    struct graph_index *x = &b->g->x;
    struct import_list l = { b, 0 };
    pe_imports(&b->g->m, add_import, &l, NULL, 0); /* of damaged tables, as much as can be read */
    if (x->import_count)
        qsort(x->imports, x->import_count, sizeof *x->imports, by_slot);
    uint32_t kept = 0; /* hostile: two names for one slot */
    for (uint32_t i = 0; i < x->import_count; i++)
        if (!kept || x->imports[kept - 1].slot != x->imports[i].slot)
            x->imports[kept++] = x->imports[i];
    x->import_count = kept;
    return !b->out_of_memory;
}

/* --- building ------------------------------------------------------------------------------------------- */

static void free_index(struct graph_index *x)
{
    free(x->functions);
    free(x->edges);
    free(x->incoming);
    free(x->parts);
    free(x->parts_of);
    free(x->imports);
    free(x->symbols);
    free(x->tables);
    free(x->strings);
    memset(x, 0, sizeof *x);
}

bool graph_build(struct graph_image *g, const struct graph_open *how, char *pdb, size_t n)
{
    struct graph_builder b = { .g = g, .how = how };
    char note[PE_ERROR_TEXT];
    g->x.image_base = g->m.va;
    g->x.size_of_image = g->m.size;
    g->x.entry = g->pe.entry_rva;
    graph_keep_string(&b, "", 0);
    b.symbols = pe_symbols_load(&g->pe, g->path, how ? how->symbol_dir : NULL, note, sizeof note);
    bool ok = b.symbols && read_imports(&b) && graph_find_functions(&b) && graph_make_edges(&b);
    if (b.symbols && pdb)
        snprintf(pdb, n, "%s", pe_symbols_pdb(b.symbols) ? pe_symbols_pdb(b.symbols) : "");
    pe_symbols_free(b.symbols);
    free(b.raws.at);
    free(b.raws.tables);
    free(b.state);
    free(b.work);
    free(b.parts);
    free(b.leaves);
    if (!ok)
        free_index(&g->x);
    return ok;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Debug information can be twenty times the code, and nobody here reads it. */
static enum pe_status map_without_debug(struct graph_image *g, char *err, size_t errlen)
{
    struct pe_image *part = malloc(sizeof *part);
    if (!part) {
        snprintf(err, errlen, "out of memory");
        return PE_BAD;
    }
    *part = g->pe;
    part->section_count = 0;
    for (uint32_t i = 0; i < g->pe.section_count; i++)
        if (strncmp(g->pe.sections[i].name, ".debug_", 7) != 0)
            part->sections[part->section_count++] = g->pe.sections[i];
    enum pe_status st = pe_map_private(part, &g->m, err, errlen);
    free(part);
    return st;
}

/* The file is open; the rest. */
static enum pe_status finish(struct graph_image *g, const struct graph_open *how, bool database, char *err, size_t errlen)
{
    char pdb[4096] = "";
    enum pe_status st = map_without_debug(g, err, errlen);
    if (st == PE_OK && !(database && graph_database_load(g, how))) {
        double start = now();
        if (!graph_build(g, how, pdb, sizeof pdb)) {
            snprintf(err, errlen, "out of memory");
            st = PE_BAD;
        } else if (database) {
            graph_database_store(g, pdb[0] ? pdb : NULL, now() - start);
        }
    }
    if (st != PE_OK)
        graph_close_image(g);
    return st;
}

enum pe_status graph_open_image(struct graph_image *g, const char *path, const struct graph_open *how, char *err, size_t errlen)
{
    memset(g, 0, sizeof *g);
    snprintf(g->path, sizeof g->path, "%s", path);
    set_module(g, path);
    enum pe_status st = pe_open_file(path, &g->pe, err, errlen);
    return st == PE_OK ? finish(g, how, !how || !how->no_database, err, errlen) : st;
}

enum pe_status graph_open_memory(struct graph_image *g, const char *name, const void *bytes, size_t size, char *err, size_t errlen)
{
    memset(g, 0, sizeof *g);
    snprintf(g->path, sizeof g->path, "%s", name);
    set_module(g, name);
    enum pe_status st = pe_open_memory(bytes, size, &g->pe, err, errlen);
    return st == PE_OK ? finish(g, NULL, false, err, errlen) : st;
}

enum pe_status graph_open_owned(struct graph_image *g, const char *name, uint8_t *bytes, size_t size, const struct graph_open *how, char *err,
                                size_t errlen)
{
    memset(g, 0, sizeof *g);
    snprintf(g->path, sizeof g->path, "%s", name);
    set_module(g, name);
    g->owned = bytes;
    enum pe_status st = pe_open_memory(bytes, size, &g->pe, err, errlen);
    if (st == PE_OK)
        return finish(g, how, !how || !how->no_database, err, errlen);
    graph_close_image(g);
    return st;
}

void graph_close_image(struct graph_image *g)
{
    if (g->mapping)
        munmap(g->mapping, g->mapping_size);
    else
        free_index(&g->x);
    pe_unmap_private(&g->m);
    pe_close(&g->pe);
    free(g->owned);
    memset(g, 0, sizeof *g);
}
