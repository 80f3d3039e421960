/* irplab graph: everything about an image, and what the database holds. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/graph_tables.h"
#include "cli/options.h"
#include "graph/arguments.h"
#include "graph/database.h"
#include "graph/dump.h"
#include "graph/tree.h"

static void functions(const struct graph_image *g)
{
    char name[GRAPH_NAME];
    for (uint32_t f = 0; f < g->x.function_count; f++) {
        const struct graph_function *fn = &g->x.functions[f];
        printf("%llx\t%x\t%s\t%s%s%s\n", (unsigned long long)(g->x.image_base + fn->rva), fn->end - fn->rva, graph_function_name(g, f, name),
               fn->flags & GRAPH_FN_PDATA ? "pdata" : "leaf", fn->import != GRAPH_NONE ? ",thunk" : "", fn->flags & GRAPH_FN_POINTER ? ",pointer" : "");
    }
}

static const char *target_name(const struct graph_image *g, const struct graph_edge *e, char *out)
{
    if (e->kind == GRAPH_EDGE_IMPORT)
        return graph_import_name(g, e->to, out);
    if (e->kind != GRAPH_EDGE_GUARD)
        return graph_function_name(g, e->to, out);
    if (e->to != GRAPH_NONE)
        return graph_address_name(g, e->to, out);
    snprintf(out, GRAPH_NAME, "%s!guard_dispatch_icall", g->module);
    return out;
}

static void edges_of(const struct graph_image *g, uint32_t f)
{
    struct graph_arguments a;
    char from[GRAPH_NAME], to[GRAPH_NAME];
    bool known = graph_arguments_of(g, f, &a);
    for (uint32_t i = 0; i < g->x.functions[f].edge_count; i++) {
        const struct graph_edge *e = &g->x.edges[g->x.functions[f].first_edge + i];
        bool first = true;
        printf("%llx\t%s\t%s\t%s\t", (unsigned long long)(g->x.image_base + e->site), graph_kind_name(e->kind), graph_function_name(g, f, from),
               target_name(g, e, to));
        for (size_t k = 0; known && k < a.count; k++)
            if (a.at[k].site == e->site) {
                printf("%s%s", first ? "" : "|", a.at[k].text);
                first = false;
            }
        putchar('\n');
    }
    if (known)
        graph_arguments_free(&a);
}

static void totals(const struct cli_images *images)
{
    uint64_t functions_seen = 0, edges = 0, code = 0, kept = 0;
    for (size_t i = 0; i < images->count; i++) {
        const struct graph_image *g = &images->at[i];
        functions_seen += g->x.function_count;
        edges += g->x.edge_count;
        kept += g->from_database;
        for (uint32_t f = 0; f < g->x.function_count; f++)
            code += g->x.functions[f].end - g->x.functions[f].rva;
    }
    printf("%zu images (%llu from the database), %llu functions, %llu edges, %llu bytes of code\n", images->count, (unsigned long long)kept,
           (unsigned long long)functions_seen, (unsigned long long)edges, (unsigned long long)code);
}

int cli_graph_table(const struct cli_images *images, const char *what)
{
    if (strcmp(what, "--index") == 0) {
        totals(images);
        return EXIT_OK;
    }
    for (size_t i = 0; i < images->count; i++) {
        if (strcmp(what, "--functions") == 0)
            functions(&images->at[i]);
        else
            for (uint32_t f = 0; f < images->at[i].x.function_count; f++)
                edges_of(&images->at[i], f);
    }
    return EXIT_OK;
}

/* --- what is in memory dumps -------------------------------------------------------------------------------- */

static const char *const dump_kinds[] = { "", "complete", "kernel", "", "small", "complete, bitmap", "kernel, bitmap", "automatic", "kernel, list", "kernel and user, list",
                                          "complete, list" };

static json_t *dump_json(const char *path, const struct graph_dump *d, const struct graph_module *at, size_t count)
{
    json_t *modules = json_array(), *parameters = json_array();
    char number[24];
    const char *name = graph_bugcheck_name(d->bugcheck);
    for (size_t i = 0; i < count; i++) {
        snprintf(number, sizeof number, "0x%llx", (unsigned long long)at[i].base);
        json_array_append_new(modules, json_pack("{s:s, s:s, s:I}", "name", at[i].name, "base", number, "size", (json_int_t)at[i].size));
    }
    for (int k = 0; k < 4; k++) {
        snprintf(number, sizeof number, "0x%llx", (unsigned long long)d->parameters[k]);
        json_array_append_new(parameters, json_string(number));
    }
    return json_pack("{s:s, s:s, s:{s:I, s:s, s:o}, s:o}", "dump", path, "kind", dump_kinds[d->type], "bugcheck", "code", (json_int_t)d->bugcheck, "name",
                     name ? name : "", "parameters", parameters, "modules", modules);
}

static void dump_text(const char *path, const struct graph_dump *d, const struct graph_module *at, size_t count)
{
    const char *name = graph_bugcheck_name(d->bugcheck);
    printf("%s: %s", path, dump_kinds[d->type]);
    if (d->bugcheck)
        printf("; bug check 0x%X%s%s (%llx, %llx, %llx, %llx)", d->bugcheck, name ? "=" : "", name ? name : "", (unsigned long long)d->parameters[0],
               (unsigned long long)d->parameters[1], (unsigned long long)d->parameters[2], (unsigned long long)d->parameters[3]);
    putchar('\n');
    for (size_t i = 0; i < count; i++)
        printf("%08x`%08x  %8x  %s\n", (unsigned)(at[i].base >> 32), (unsigned)at[i].base, at[i].size, at[i].name);
}

int cli_graph_modules(const char *const *paths, int count, bool json)
{
    json_t *all = json_array();
    int status = EXIT_OK;
    for (int i = 0; i < count && status == EXIT_OK; i++) {
        struct graph_dump d = { 0 };
        struct graph_module *at = NULL;
        size_t n = 0;
        char err[256];
        if (!graph_dump_open(&d, paths[i], err, sizeof err) || !graph_dump_modules(&d, &at, &n, err, sizeof err))
            status = usage_error("%s: %s", paths[i], err);
        else if (json)
            json_array_append_new(all, dump_json(paths[i], &d, at, n));
        else
            dump_text(paths[i], &d, at, n);
        free(at);
        graph_dump_close(&d);
    }
    if (json && status == EXIT_OK) {
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(all);
    return status;
}

/* --- what is kept --------------------------------------------------------------------------------------------- */

static json_t *entry_json(const struct graph_entry *e)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:f, s:I, s:I}", "image", e->image, "machine", e->machine, "pdb", e->pdb, "image_size",
                     (json_int_t)e->image_size, "index_size", (json_int_t)e->index_size, "made", (json_int_t)e->made, "seconds", e->seconds, "functions",
                     (json_int_t)e->functions, "edges", (json_int_t)e->edges);
}

static void print_entry(const struct graph_entry *e)
{
    char when[32];
    time_t made = (time_t)e->made;
    struct tm tm;
    strftime(when, sizeof when, "%Y-%m-%d %H:%M", localtime_r(&made, &tm));
    printf("%-16s  %8.2f MB  %7u  %8.3f s  %-12.12s  %s%s%s\n", when, (double)e->image_size / 1e6, e->functions, e->seconds, e->machine, e->image,
           e->pdb[0] ? "  with " : "", e->pdb);
}

int cli_graph_list(bool json)
{
    struct graph_entry *at;
    size_t count;
    if (!graph_database_list(&at, &count))
        return usage_error("out of memory");
    json_t *all = json_array();
    if (!json && count)
        printf("%-16s  %11s  %7s  %10s  %-12s  %s\n", "analysed", "size", "funcs", "in", "on", "image");
    for (size_t i = 0; i < count; i++) {
        if (json)
            json_array_append_new(all, entry_json(&at[i]));
        else
            print_entry(&at[i]);
    }
    if (json) {
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(all);
    free(at);
    return EXIT_OK;
}
