/* Recovering the dispatch table. The driver object is parameter 0 of the entry point; it is followed into functions that
 * are given it. DOC: DRIVER_OBJECT on x64 (wdm.h): DriverExtension 0x30, DriverStartIo 0x60, DriverUnload 0x68,
 * MajorFunction 0x70; AddDevice at 8 in the extension. */
#include "graph/arguments.h"
#include "graph/dispatch.h"
#include "graph/values.h"

#include <stdio.h>
#include <string.h>

enum { DEEPEST = 6, EXTENSION = 0x30, START_IO = 0x60, UNLOAD = 0x68, MAJOR = 0x70, ADD_DEVICE = 8 };

static const char *const majors[GRAPH_DISPATCH_MAJORS] = {
    "IRP_MJ_CREATE", "IRP_MJ_CREATE_NAMED_PIPE", "IRP_MJ_CLOSE", "IRP_MJ_READ", "IRP_MJ_WRITE", "IRP_MJ_QUERY_INFORMATION",
    "IRP_MJ_SET_INFORMATION", "IRP_MJ_QUERY_EA", "IRP_MJ_SET_EA", "IRP_MJ_FLUSH_BUFFERS", "IRP_MJ_QUERY_VOLUME_INFORMATION",
    "IRP_MJ_SET_VOLUME_INFORMATION", "IRP_MJ_DIRECTORY_CONTROL", "IRP_MJ_FILE_SYSTEM_CONTROL", "IRP_MJ_DEVICE_CONTROL",
    "IRP_MJ_INTERNAL_DEVICE_CONTROL", "IRP_MJ_SHUTDOWN", "IRP_MJ_LOCK_CONTROL", "IRP_MJ_CLEANUP", "IRP_MJ_CREATE_MAILSLOT",
    "IRP_MJ_QUERY_SECURITY", "IRP_MJ_SET_SECURITY", "IRP_MJ_POWER", "IRP_MJ_SYSTEM_CONTROL", "IRP_MJ_DEVICE_CHANGE",
    "IRP_MJ_QUERY_QUOTA", "IRP_MJ_SET_QUOTA", "IRP_MJ_PNP" };

struct finder {
    const struct graph_image *g;
    uint32_t major[GRAPH_DISPATCH_MAJORS];
    uint32_t all; /* stored with an index: where nothing else is */
    uint32_t start_io, unload, add_device;
    int depth;
    bool out_of_memory;
    uint32_t path[DEEPEST + 1];
};

static uint32_t function_of(const struct graph_image *g, const struct graph_set *s)
{
    for (unsigned k = 0; k < s->count; k++) {
        uint32_t rva = s->v[k].kind == GRAPH_CONST ? pe_rva_of(&g->m, s->v[k].number) : 0;
        uint32_t f = rva && graph_is_code(g, rva) ? graph_function_at(&g->x, rva) : GRAPH_NONE;
        if (f != GRAPH_NONE)
            return f;
    }
    return GRAPH_NONE;
}

static void stored(struct finder *d, const struct graph_value *at, bool many, uint32_t f)
{
    if (at->kind == GRAPH_FIELD && at->param == 0 && at->field == EXTENSION && at->number == ADD_DEVICE)
        d->add_device = f;
    if (at->kind != GRAPH_PARAM || at->param != 0)
        return;
    uint64_t offset = at->number;
    if (offset == START_IO)
        d->start_io = f;
    else if (offset == UNLOAD)
        d->unload = f;
    else if (many && offset >= MAJOR - 8 && offset < MAJOR + 8 * GRAPH_DISPATCH_MAJORS)
        d->all = f;
    else if (offset >= MAJOR && offset < MAJOR + 8 * GRAPH_DISPATCH_MAJORS && offset % 8 == 0)
        d->major[(offset - MAJOR) / 8] = f;
}

/* A loop that walks through the table shows as an address of which only some values are known. */
static void at_store(void *ctx, uint32_t site, const struct graph_set *at, bool indexed, const struct graph_set *what)
{
    struct finder *d = ctx;
    uint32_t f = function_of(d->g, what);
    if (f == GRAPH_NONE)
        return;
    bool many = indexed || at->full || at->count > 1;
    for (unsigned k = 0; k < at->count; k++)
        stored(d, &at->v[k], many, f);
}

static bool knows_driver(const struct graph_set *s)
{
    for (unsigned k = 0; k < s->count; k++)
        if ((s->v[k].kind == GRAPH_PARAM || s->v[k].kind == GRAPH_FIELD) && s->v[k].param == 0)
            return true;
    return false;
}

static void follow(struct finder *d, uint32_t function, const struct graph_state *entry);

static void at_call(void *ctx, uint32_t site, const struct graph_insn *i, const struct graph_state *st)
{
    struct finder *d = ctx;
    static const uint8_t registers[] = { 1, 2, 8, 9 };
    struct graph_state entry;
    enum graph_flow f = graph_flow_of(i);
    bool any = false;
    if (f != GRAPH_CALL && f != GRAPH_JUMP)
        return;
    uint32_t to = graph_function_at(&d->g->x, site + i->length + (uint32_t)i->imm);
    graph_state_start(&entry, false);
    for (unsigned k = 0; k < 4; k++)
        if (knows_driver(&st->reg[registers[k]])) {
            entry.reg[registers[k]] = st->reg[registers[k]];
            any = true;
        }
    if (any && to != GRAPH_NONE)
        follow(d, to, &entry);
}

static void follow(struct finder *d, uint32_t function, const struct graph_state *entry)
{
    struct graph_body body;
    struct graph_watch w = { .ctx = d, .at_call = at_call, .at_store = at_store };
    if (d->depth == DEEPEST)
        return;
    for (int k = 0; k < d->depth; k++)
        if (d->path[k] == function)
            return;
    if (!graph_body(d->g, function, &body)) {
        d->out_of_memory = true;
        return;
    }
    d->path[d->depth++] = function;
    d->out_of_memory |= !graph_propagate(d->g, &body, entry, &w);
    d->depth--;
    graph_body_free(&body);
}

static void add(struct graph_dispatch *out, const char *what, uint32_t function)
{
    if (function == GRAPH_NONE || out->count == GRAPH_DISPATCH_ROWS)
        return;
    struct graph_dispatch_row *r = &out->rows[out->count++];
    snprintf(r->what, sizeof r->what, "%s", what);
    r->function = function;
}

/* --- drivers of the framework: what they give it ------------------------------------------------------------------------- */

struct framework {
    const struct graph_image *g;
    struct graph_dispatch *out;
    uint32_t function;
    unsigned index; /* of the argument being read */
};

static bool is_framework_call(const struct graph_image *g, const struct graph_edge *e)
{
    return e->kind == GRAPH_EDGE_IMPORT && g->x.imports[e->to].slot >= GRAPH_FRAMEWORK_SLOT;
}

static void add_callback(void *ctx, const char *field, uint32_t function)
{
    struct framework *w = ctx;
    for (size_t i = 0; i < w->out->count; i++)
        if (w->out->rows[i].function == function && strcmp(w->out->rows[i].what, field) == 0)
            return;
    add(w->out, field, function);
}

static void at_framework_call(void *ctx, uint32_t site, const struct graph_insn *i, const struct graph_state *st)
{
    struct framework *w = ctx;
    static const uint8_t registers[4] = { 1, 2, 8, 9 };
    const struct graph_function *f = &w->g->x.functions[w->function];
    for (uint32_t k = f->first_edge; k < f->first_edge + f->edge_count; k++) {
        const struct graph_edge *e = &w->g->x.edges[k];
        if (e->site != site || !is_framework_call(w->g, e))
            continue;
        const char *routine = graph_string(&w->g->x, w->g->x.imports[e->to].name);
        for (unsigned a = 0; a < 8; a++)
            graph_read_callbacks(w->g, st, a < 4 ? &st->reg[registers[a]] : graph_stack_argument(st, 8 * (int64_t)a), routine, a, add_callback, w);
    }
}

static bool framework_rows(const struct graph_image *g, struct graph_dispatch *out)
{
    struct framework w = { .g = g, .out = out };
    struct graph_watch watch = { .ctx = &w, .at_call = at_framework_call };
    for (w.function = 0; g->x.framework && w.function < g->x.function_count; w.function++) {
        const struct graph_function *f = &g->x.functions[w.function];
        struct graph_body body;
        bool any = false;
        for (uint32_t k = f->first_edge; k < f->first_edge + f->edge_count; k++)
            any |= is_framework_call(g, &g->x.edges[k]);
        if (!any)
            continue;
        if (!graph_body(g, w.function, &body))
            return false;
        bool ok = graph_propagate(g, &body, NULL, &watch);
        graph_body_free(&body);
        if (!ok)
            return false;
    }
    return true;
}

bool graph_dispatch_of(const struct graph_image *g, struct graph_dispatch *out)
{
    struct finder d = { .g = g };
    memset(out, 0, sizeof *out);
    memset(d.major, 0xff, sizeof d.major);
    d.all = d.start_io = d.unload = d.add_device = GRAPH_NONE;
    uint32_t entry = g->x.entry ? graph_function_at(&g->x, g->x.entry) : GRAPH_NONE;
    if (entry != GRAPH_NONE)
        follow(&d, entry, NULL);
    for (int k = 0; k < GRAPH_DISPATCH_MAJORS; k++)
        add(out, majors[k], d.major[k] != GRAPH_NONE ? d.major[k] : d.all);
    add(out, "DriverStartIo", d.start_io);
    add(out, "DriverUnload", d.unload);
    add(out, "AddDevice", d.add_device);
    return framework_rows(g, out) && !d.out_of_memory;
}
