/* Opening an image and building its index. */
#include "graph/image.h"
#include "graph/arguments.h"
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

bool graph_add_import(struct graph_builder *b, uint32_t slot, const char *module, const char *name)
{
    struct graph_index *x = &b->g->x;
    void *p = graph_grow(x->imports, &b->import_room, x->import_count + 1, sizeof *x->imports);
    if (!p) {
        b->out_of_memory = true;
        return false;
    }
    x->imports = p;
    x->imports[x->import_count++] = (struct graph_import){ .slot = slot, .name = graph_keep_string(b, name, strlen(name)),
                                                           .module = graph_keep_string(b, module, strcspn(module, ".")) };
    return !b->out_of_memory;
}

static uint64_t value_at(const struct graph_image *g, uint32_t rva)
{
    const uint8_t *p = pe_at(&g->m, rva, 8);
    uint64_t v = 0;
    if (p)
        memcpy(&v, p, sizeof v);
    return v;
}

static bool add_import(void *ctx, const struct pe_import *imp)
{
    struct graph_builder *b = ctx;
    char ordinal[32];
    snprintf(ordinal, sizeof ordinal, "#%u", imp->ordinal);
    /* In memory a table without a second one is bound: what looks like an ordinal is an address. */
    if (!imp->name && b->how && b->how->name_of_address && value_at(b->g, imp->slot_rva) >> 63)
        return true;
    return graph_add_import(b, imp->slot_rva, imp->module, imp->name ? imp->name : ordinal);
}

/* Drivers keep the names of their imports in a section that is discarded after they are loaded: in a dump only the
 * addresses are left. */
static void read_bound_imports(struct graph_builder *b)
{
    struct pe_directory d = b->g->m.dirs[PE_DIR_IAT];
    uint32_t known = b->g->x.import_count;
    for (uint64_t at = d.rva; at + 8 <= (uint64_t)d.rva + d.size && at < b->g->m.size; at += 8) {
        const char *module, *name;
        uint64_t va = value_at(b->g, (uint32_t)at);
        bool there = false;
        for (uint32_t i = 0; i < known; i++)
            there |= b->g->x.imports[i].slot == at;
        if (va && !there && b->how->name_of_address(b->how->name_ctx, va, &module, &name) && !graph_add_import(b, (uint32_t)at, module, name))
            return;
    }
}

static int by_slot(const void *a, const void *b)
{
    const struct graph_import *x = a, *y = b;
    return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static bool read_imports(struct graph_builder *b)
{
    struct graph_index *x = &b->g->x;
    pe_imports(&b->g->m, add_import, b, NULL, 0); /* of damaged tables, as much as can be read */
    if (b->how && b->how->name_of_address)
        read_bound_imports(b);
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
    g->x.image_base = g->m.va;
    g->x.size_of_image = g->m.size;
    g->x.entry = g->pe.entry_rva;
    graph_keep_string(&b, "", 0);
    b.symbols = pe_symbols_load(&g->pe, g->path, how ? how->symbol_dir : NULL, g->note, sizeof g->note);
    bool ok = b.symbols && read_imports(&b);
    g->x.framework = ok ? graph_find_framework(g, &(uint32_t){ 0 }) : 0;
    ok = ok && graph_find_functions(&b) && graph_make_edges(&b);
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
            graph_database_store(g, how, pdb[0] ? pdb : NULL, now() - start);
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

enum pe_status graph_open_owned(struct graph_image *g, const char *name, uint8_t *bytes, size_t size, uint8_t *absent, const struct graph_open *how,
                                char *err, size_t errlen)
{
    memset(g, 0, sizeof *g);
    snprintf(g->path, sizeof g->path, "%s", name);
    set_module(g, name);
    g->owned = bytes;
    g->absent = absent;
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
    free(g->absent);
    memset(g, 0, sizeof *g);
}
