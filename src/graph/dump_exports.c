/* Names for addresses of a dump, from the export tables of its modules. */
#include "graph/dump.h"
#include "pe/pe.h"

#include <stdlib.h>
#include <string.h>

struct named {
    uint32_t rva;
    const char *name;
};

struct exporter {
    bool tried;
    uint8_t *bytes;
    struct pe_image pe;
    struct pe_mapped m;
    struct named *at; /* sorted */
    size_t count, room;
};

struct graph_exports {
    const struct graph_dump *dump;
    const struct graph_module *modules;
    size_t count;
    struct exporter *of; /* each module's */
};

struct graph_exports *graph_exports_new(const struct graph_dump *d, const struct graph_module *modules, size_t count)
{
    struct graph_exports *e = calloc(1, sizeof *e);
    if (e)
        *e = (struct graph_exports){ d, modules, count, calloc(count + 1, sizeof *e->of) };
    if (e && !e->of) {
        free(e);
        return NULL;
    }
    return e;
}

void graph_exports_free(struct graph_exports *e)
{
    for (size_t i = 0; e && i < e->count; i++) {
        pe_unmap_private(&e->of[i].m);
        pe_close(&e->of[i].pe);
        free(e->of[i].bytes);
        free(e->of[i].at);
    }
    if (e)
        free(e->of);
    free(e);
}

static bool add(void *ctx, const struct pe_export *found)
{
    struct exporter *x = ctx;
    if (!found->name || !found->rva)
        return true;
    if (x->count == x->room) {
        size_t room = x->room ? x->room * 2 : 256;
        void *p = realloc(x->at, room * sizeof *x->at);
        if (!p)
            return false;
        x->at = p;
        x->room = room;
    }
    x->at[x->count++] = (struct named){ found->rva, found->name };
    return true;
}

/* At one address the name that sorts first. */
static int by_rva(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    return x->rva < y->rva ? -1 : x->rva > y->rva ? 1 : strcmp(x->name, y->name);
}

static void read_exports(const struct graph_exports *e, size_t i)
{
    struct exporter *x = &e->of[i];
    x->tried = true;
    x->bytes = graph_dump_image(e->dump, &e->modules[i], NULL);
    if (!x->bytes || pe_open_memory(x->bytes, e->modules[i].size, &x->pe, NULL, 0) != PE_OK || pe_map_private(&x->pe, &x->m, NULL, 0) != PE_OK)
        return;
    pe_exports(&x->m, add, x, NULL, 0); /* of damaged tables, as much as can be read */
    if (x->count)
        qsort(x->at, x->count, sizeof *x->at, by_rva);
}

bool graph_exports_name(struct graph_exports *e, uint64_t va, const char **module, const char **name)
{
    for (size_t i = 0; i < e->count; i++) {
        if (va < e->modules[i].base || va - e->modules[i].base >= e->modules[i].size)
            continue;
        if (!e->of[i].tried)
            read_exports(e, i);
        struct exporter *x = &e->of[i];
        uint32_t rva = (uint32_t)(va - e->modules[i].base);
        size_t low = 0, high = x->count;
        while (low < high) {
            size_t mid = low + (high - low) / 2;
            if (x->at[mid].rva < rva)
                low = mid + 1;
            else
                high = mid;
        }
        if (low < x->count && x->at[low].rva == rva) {
            *module = e->modules[i].name;
            *name = x->at[low].name;
            return true;
        }
    }
    return false;
}
