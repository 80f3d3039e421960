/* Hostile images through everything in src/graph: index, trees, listings, searches, dispatch tables.
 *
 * `fuzz_graph N FILE...` replays each file and N mutations of it; the same N and files are the same inputs everywhere.
 * With libFuzzer: `ninja fuzz_graph_libfuzzer`. A crash is a bug, so is an assertion; any refusal is fine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/dispatch.h"
#include "graph/dump.h"
#include "graph/search.h"
#include "graph/tree.h"
#include "graph/uf.h"

enum { MAX_IMAGE = 4 << 20, SOME = 12 };

static FILE *nowhere;
static unsigned long tried, opened;

static void draw(struct graph_image *g, const struct graph_place *p, bool up)
{
    struct graph_query q = { .images = g, .count = 1, .up = up, .depth = 3, .callbacks = true };
    struct graph_tree t;
    char err[256];
    if (!graph_tree_make(&q, p, &t, err, sizeof err))
        return;
    graph_tree_text(&t, nowhere);
    if (t.count < 300) {
        graph_tree_json(&t, nowhere);
        graph_tree_dot(&t, nowhere);
    }
    graph_tree_free(&t);
}

static void look(struct graph_image *g)
{
    static const char *const patterns[] = { "48 8? ??", "STATUS_CANCELLED", "mov reg,mem", "call *" };
    struct graph_listing how = { 0 };
    struct graph_dispatch d;
    char name[GRAPH_NAME], err[256];
    uint32_t n = g->x.function_count, every = n / SOME + 1;
    for (uint32_t f = 0; f < n; f += every) {
        struct graph_place p = { g, false, f };
        draw(g, &p, false);
        draw(g, &p, true);
        graph_uf(g, f, &how, nowhere);
        graph_find(g, 1, graph_function_name(g, f, name), &p, err, sizeof err);
    }
    for (uint32_t i = 0; i < g->x.import_count; i += g->x.import_count / SOME + 1) {
        struct graph_place p = { g, true, i };
        draw(g, &p, true);
    }
    graph_dispatch_of(g, &d);
    for (size_t k = 0; k < sizeof patterns / sizeof patterns[0]; k++) {
        struct graph_pattern p;
        struct graph_match *m;
        size_t count;
        if (graph_pattern_parse(patterns[k], &p, err, sizeof err) && graph_search(g, &p, false, &m, &count))
            free(m);
    }
}

static bool export_name(void *ctx, uint64_t va, const char **module, const char **name)
{
    return graph_exports_name(ctx, va, module, name);
}

/* A memory dump: each of its first modules. */
static void look_at_dump(const uint8_t *data, size_t size)
{
    struct graph_dump d;
    struct graph_module *modules;
    size_t count;
    char err[256];
    if (!graph_dump_open_bytes(&d, data, size, err, sizeof err))
        return;
    bool ok = graph_dump_modules(&d, &modules, &count, err, sizeof err);
    struct graph_exports *e = graph_exports_new(&d, modules, count);
    struct graph_open how = { .no_database = true, .name_of_address = export_name, .name_ctx = e };
    for (size_t i = 0; ok && e && i < count && i < 4; i++) {
        struct graph_image g;
        uint8_t *absent = NULL, *bytes = modules[i].size <= MAX_IMAGE ? graph_dump_image(&d, &modules[i], &absent) : NULL;
        if (!bytes || graph_open_owned(&g, "/nonexistent/image.sys", bytes, modules[i].size, absent, &how, err, sizeof err) != PE_OK)
            continue;
        g.peers = &g;
        g.peer_count = 1;
        opened++;
        look(&g);
        graph_close_image(&g);
    }
    graph_exports_free(e);
    free(modules);
    graph_dump_close(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct graph_image g;
    char err[256];
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    tried++;
    if (size > 8 && memcmp(data, "PAGEDU64", 8) == 0) {
        look_at_dump(data, size);
        return 0;
    }
    if (graph_open_memory(&g, "/nonexistent/image.sys", data, size, err, sizeof err) != PE_OK)
        return 0;
    opened++;
    if (g.m.size <= MAX_IMAGE)
        look(&g);
    graph_close_image(&g);
    return 0;
}

#ifndef FUZZ_LIBFUZZER

static uint64_t state = 88172645463325252u;

static uint64_t next(void) /* xorshift64 */
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void edit(uint8_t *p, size_t size)
{
    static const uint32_t values[] = { 0, 1, 0x7f, 0xff, 0xfff, 0x1000, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff };
    size_t room = next() % 3 == 0 && size > 0x600 ? 0x600 : size, at = next() % (room - 8);
    if (size > 0x2100 && memcmp(p, "PAGEDU64", 8) == 0) /* most of a dump is what it holds */
        at = next() % 4 == 0 ? 0x2000 + next() % 0x100 : next() % 2 ? 16 + at % 0x200 : at;
    uint32_t v = values[next() % (sizeof values / sizeof *values)];
    switch (next() % 4) {
    case 0:
        p[at] = (uint8_t)next();
        return;
    case 1:
        memcpy(p + at, &v, 4);
        return;
    case 2:
        memcpy(&v, p + at, 4);
        v += (uint32_t)(next() % 33) - 16;
        memcpy(p + at, &v, 4);
        return;
    default:
        memmove(p + at, p + next() % (size - 8), 8);
    }
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *p = malloc(64 << 20);
    *size = f && p ? fread(p, 1, 64 << 20, f) : 0;
    if (f)
        fclose(f);
    return p;
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    for (int i = 2; i < argc; i++) {
        size_t size;
        uint8_t *original = read_file(argv[i], &size), *copy = malloc(size + 1);
        if (!original || !copy || size < 64)
            return 1;
        LLVMFuzzerTestOneInput(original, size);
        for (long k = 0; k < rounds; k++) {
            size_t length = next() % 16 == 0 ? 64 + next() % (size - 63) : size;
            memcpy(copy, original, length);
            for (uint64_t edits = 1 + next() % 40; edits; edits--)
                edit(copy, length);
            LLVMFuzzerTestOneInput(copy, length);
        }
        free(original);
        free(copy);
    }
    printf("%lu inputs, %lu of them opened\n", tried, opened);
    return opened ? 0 : 1;
}

#endif
