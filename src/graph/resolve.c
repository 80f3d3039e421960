/* Imports that another of the given images exports. */
#include "graph/tree.h"

#include <string.h>
#include <strings.h>

static bool is_module(const struct graph_image *g, const char *module)
{
    const char *base = strrchr(g->path, '/');
    base = base ? base + 1 : g->path;
    size_t n = strlen(module);
    if (strncasecmp(base, module, n) == 0 && (base[n] == '.' || base[n] == 0))
        return true;
    return strcmp(g->module, "nt") == 0 && strcasecmp(module, "ntoskrnl") == 0;
}

bool graph_resolve_import(struct graph_image *images, size_t count, const struct graph_image *from, uint32_t import,
                          struct graph_image **image, uint32_t *function)
{
    const struct graph_import *i = &from->x.imports[import];
    const char *name = graph_string(&from->x, i->name), *module = graph_string(&from->x, i->module);
    for (size_t k = 0; k < count; k++) {
        struct pe_export e;
        struct graph_image *g = &images[k];
        if (g == from || !is_module(g, module) || name[0] == '#' || !pe_export_by_name(&g->m, name, &e) || !e.rva)
            continue;
        uint32_t f = graph_function_at(&g->x, e.rva);
        if (f == GRAPH_NONE)
            continue;
        *image = g;
        *function = f;
        return true;
    }
    return false;
}
