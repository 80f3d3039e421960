/* Names of places in an image, and the places that a name given by a user means. */
#include "graph/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *graph_function_name(const struct graph_image *g, uint32_t function, char *out)
{
    const struct graph_function *f = &g->x.functions[function];
    if (f->name)
        snprintf(out, GRAPH_NAME, "%s!%s", g->module, graph_string(&g->x, f->name));
    else
        snprintf(out, GRAPH_NAME, "%s+0x%X", g->module, f->rva);
    return out;
}

const char *graph_import_name(const struct graph_image *g, uint32_t import, char *out)
{
    snprintf(out, GRAPH_NAME, "%s!_imp_%s", g->module, graph_string(&g->x, g->x.imports[import].name));
    return out;
}

const char *graph_address_name(const struct graph_image *g, uint32_t rva, char *out)
{
    uint32_t import = graph_import_at(&g->x, rva), f = graph_function_owning(&g->x, rva);
    if (import != GRAPH_NONE)
        return graph_import_name(g, import, out);
    if (f != GRAPH_NONE) {
        uint32_t offset = rva - g->x.functions[f].rva;
        graph_function_name(g, f, out);
        size_t n = strlen(out);
        if (rva < g->x.functions[f].rva) /* a part that lies before its function */
            snprintf(out, GRAPH_NAME, "%s+0x%X", g->module, rva);
        else if (offset && g->x.functions[f].name)
            snprintf(out + n, GRAPH_NAME - n, "+0x%x", offset);
        else if (offset)
            snprintf(out, GRAPH_NAME, "%s+0x%X", g->module, rva);
        return out;
    }
    const struct graph_symbol *s = graph_is_code(g, rva) ? NULL : graph_symbol_near(&g->x, rva);
    /* A name far before has nothing to do with what lies here. */
    if (s && s->is_data && rva - s->rva < (s->size ? s->size : 0x1000))
        snprintf(out, GRAPH_NAME, rva > s->rva ? "%s!%s+0x%x" : "%s!%s", g->module, graph_string(&g->x, s->name), rva - s->rva);
    else
        snprintf(out, GRAPH_NAME, "%s+0x%X", g->module, rva);
    return out;
}

const char *graph_peer_name(const struct graph_image *g, uint64_t va, char *out)
{
    uint32_t rva = pe_rva_of(&g->m, va);
    if (rva)
        return graph_address_name(g, rva, out);
    for (size_t k = 0; k < g->peer_count; k++)
        if ((rva = pe_rva_of(&g->peers[k].m, va)) != 0)
            return graph_address_name(&g->peers[k], rva, out);
    return NULL;
}

/* --- what a user means ---------------------------------------------------------------------------------- */

static bool in_image(struct graph_image *g, const char *name, struct graph_place *out)
{
    const struct graph_index *x = &g->x;
    for (uint32_t f = 0; f < x->function_count; f++)
        if (x->functions[f].import == GRAPH_NONE && x->functions[f].name && strcmp(graph_string(x, x->functions[f].name), name) == 0) {
            *out = (struct graph_place){ g, false, f };
            return true;
        }
    const char *plain = strncmp(name, "_imp_", 5) == 0 ? name + 5 : strncmp(name, "__imp_", 6) == 0 ? name + 6 : name;
    for (uint32_t i = 0; i < x->import_count; i++)
        if (strcmp(graph_string(x, x->imports[i].name), plain) == 0) {
            *out = (struct graph_place){ g, true, i };
            return true;
        }
    for (uint32_t i = 0; i < x->symbol_count; i++) { /* another name of a function */
        uint32_t f = strcmp(graph_string(x, x->symbols[i].name), name) == 0 ? graph_function_at(x, x->symbols[i].rva) : GRAPH_NONE;
        if (f != GRAPH_NONE) {
            *out = (struct graph_place){ g, false, f };
            return true;
        }
    }
    return false;
}

/* module+0xRVA, or an address as a number. */
static bool by_number(struct graph_image *g, const char *text, struct graph_place *out)
{
    size_t n = strlen(g->module);
    char *end;
    uint64_t rva;
    if (strncasecmp(text, g->module, n) == 0 && (text[n] == '+' || strncmp(text + n, "!+", 2) == 0))
        rva = strtoull(text + n + 1 + (text[n] == '!'), &end, 16);
    else if (strncasecmp(text, "0x", 2) == 0)
        rva = strtoull(text, &end, 16);
    else
        return false;
    if (*end)
        return false;
    if (rva >= g->x.image_base)
        rva -= g->x.image_base;
    uint32_t f = rva < g->x.size_of_image ? graph_function_owning(&g->x, (uint32_t)rva) : GRAPH_NONE;
    *out = (struct graph_place){ g, false, f };
    return f != GRAPH_NONE;
}

/* --- near misses ---------------------------------------------------------------------------------------- */

static unsigned distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t la = strlen(a), lb = strlen(b);
    if (la >= 64 || lb >= 64)
        return 99;
    for (size_t k = 0; k <= lb; k++)
        row[k] = (unsigned)k;
    for (size_t i = 1; i <= la; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t k = 1; k <= lb; k++) {
            unsigned cost = diagonal + (strncasecmp(&a[i - 1], &b[k - 1], 1) != 0);
            diagonal = row[k];
            if (row[k] + 1 < cost)
                cost = row[k] + 1;
            if (row[k - 1] + 1 < cost)
                cost = row[k - 1] + 1;
            row[k] = cost;
        }
    }
    return row[lb];
}

enum { SUGGESTED = 3 };

struct near {
    char name[SUGGESTED][128];
    unsigned rank[SUGGESTED];
};

static void consider(struct near *n, const char *wanted, const char *name)
{
    size_t length = strlen(wanted);
    unsigned rank = strcasecmp(name, wanted) == 0 ? 0 : length > 2 && strcasestr(name, wanted) ? 1 : distance(wanted, name);
    if (rank > 1 && rank > length / 3 + 1)
        return;
    for (int i = 0; i < SUGGESTED; i++) {
        if (strcmp(n->name[i], name) == 0)
            return;
        if (n->name[i][0] && n->rank[i] <= rank)
            continue;
        for (int k = SUGGESTED - 1; k > i; k--) {
            memcpy(n->name[k], n->name[k - 1], sizeof n->name[k]);
            n->rank[k] = n->rank[k - 1];
        }
        snprintf(n->name[i], sizeof n->name[i], "%s", name);
        n->rank[i] = rank;
        return;
    }
}

static void not_found(struct graph_image *images, size_t count, const char *text, char *err, size_t errlen)
{
    struct near near = { 0 };
    const char *bang = strchr(text, '!'), *name = bang ? bang + 1 : text;
    if (strncmp(name, "_imp_", 5) == 0)
        name += 5;
    for (size_t i = 0; i < count; i++) {
        const struct graph_index *x = &images[i].x;
        for (uint32_t f = 0; f < x->function_count; f++)
            if (x->functions[f].name)
                consider(&near, name, graph_string(x, x->functions[f].name));
        for (uint32_t k = 0; k < x->import_count; k++)
            consider(&near, name, graph_string(x, x->imports[k].name));
    }
    int n = snprintf(err, errlen, "no function or import '%s' in %s%s", text, images[0].path, count > 1 ? " and the others" : "");
    for (int i = 0; i < SUGGESTED && near.name[i][0] && n < (int)errlen; i++)
        n += snprintf(err + n, errlen - (size_t)n, "%s%s", i ? ", " : "; close: ", near.name[i]);
}

bool graph_find(struct graph_image *images, size_t count, const char *text, struct graph_place *out, char *err, size_t errlen)
{
    const char *bang = strchr(text, '!');
    size_t n = bang ? (size_t)(bang - text) : 0;
    for (size_t i = 0; i < count; i++)
        if (bang && strlen(images[i].module) == n && strncasecmp(images[i].module, text, n) == 0 && in_image(&images[i], bang + 1, out))
            return true;
    for (size_t i = 0; i < count; i++)
        if (by_number(&images[i], text, out) || in_image(&images[i], text, out)) /* a C++ name may contain '!' */
            return true;
    not_found(images, count, text, err, errlen);
    return false;
}
