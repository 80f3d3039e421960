/* irplab search: instructions and constants. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/images.h"
#include "cli/options.h"
#include "graph/search.h"
#include "graph/tree.h"
#include "graph/uf.h"

static const char help[] =
    "usage: irplab search [--callers N] [--deep] [--bare] [--json] [--symbols DIR] IMAGE… PATTERN\n"
    "\n"
    "Finds instructions in the functions of images. PATTERN is one of\n"
    "  bytes     '48 8b ?? ?? e8', '4? 8b'; the first byte begins an instruction\n"
    "  constant  0C0000120h, 0xC0000120 or STATUS_CANCELLED, however it is loaded\n"
    "  text      'mov reg,[reg+30h]', 'mov [rdi+30h],STATUS_CANCELLED', 'call *WorkItem*', 'cli'; free words: reg r16 r32 r64 xmm mem imm *\n"
    "--callers N draws the callers of each function found, N levels. --deep follows constants through registers in large images too.\n"
    "--bare leaves addresses and bytes out.\n"
    "IMAGE is a .sys, .exe, .dll or memory dump. Program databases: next to it, in --symbols DIR, $IRPLAB_SYMBOLS, $_NT_SYMBOL_PATH.\n"
    "\n"
    "example: irplab search build/cases/camera-create-cancelled/usbvideo.sys STATUS_CANCELLED --callers 2\n";

struct job {
    struct graph_open open;
    struct cli_words words;
    unsigned callers;
    bool deep, bare, json, help;
    struct cli_images images;
};

static bool option(struct job *j, int argc, char **argv, int *i)
{
    const char *a = argv[*i], *v;
    char *end;
    if (strcmp(a, "--callers") == 0 || strncmp(a, "--callers=", 10) == 0) {
        if (!(v = cli_option_value(argc, argv, i)))
            return false;
        j->callers = (unsigned)strtoul(v, &end, 10);
        if (*v == '-' || *end || end == v || j->callers > 1000)
            return usage_error("--callers wants a number, not '%s'", v), false;
        return true;
    }
    if (strcmp(a, "--symbols") == 0 || strncmp(a, "--symbols=", 10) == 0)
        return (j->open.symbol_dir = cli_option_value(argc, argv, i)) != NULL;
    usage_error("unknown option '%s'; see irplab search --help", a);
    return false;
}

static bool parse(struct job *j, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (cli_common_option(&j->words, argc, argv, &i))
            continue;
        if (strcmp(a, "--deep") == 0)
            j->deep = true;
        else if (strcmp(a, "--bare") == 0)
            j->bare = true;
        else if (strcmp(a, "--json") == 0)
            j->json = true;
        else if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0)
            j->help = true;
        else if (a[0] == '-' && a[1]) {
            if (!option(j, argc, argv, &i))
                return false;
        } else if (j->words.count == CLI_MAX_WORDS)
            return usage_error("more than %d images", CLI_MAX_WORDS - 1), false;
        else
            j->words.at[j->words.count++] = a;
    }
    return true;
}

/* What the listing prints for one match, as text. */
static char *line_of(const struct graph_image *g, uint32_t rva, bool bare)
{
    struct graph_listing how = { .bare = bare };
    struct graph_decoded d;
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (f && graph_decode_full(g, rva, &d))
        graph_uf_line(g, &d, &how, f);
    if (f)
        fclose(f);
    return text;
}

static bool callers(struct job *j, struct graph_image *g, uint32_t function, struct graph_tree *t)
{
    struct graph_query q = { .images = j->images.at, .count = j->images.count, .up = true, .depth = j->callers };
    struct graph_place root = { g, false, function };
    char err[256];
    return graph_tree_make(&q, &root, t, err, sizeof err);
}

static void print_matches(struct job *j, struct graph_image *g, const struct graph_match *m, size_t count)
{
    char name[GRAPH_NAME];
    for (size_t i = 0; i < count; i++) {
        char *line = line_of(g, m[i].rva, j->bare);
        printf("%s:\n%s%s\n", graph_address_name(g, m[i].rva, name), line ? line : "", m[i].computed ? "  ; computed" : "");
        free(line);
        struct graph_tree t;
        bool last_in_function = i + 1 == count || m[i + 1].function != m[i].function;
        if (j->callers && last_in_function && m[i].function != GRAPH_NONE && callers(j, g, m[i].function, &t)) {
            graph_tree_text(&t, stdout);
            graph_tree_free(&t);
            putchar('\n');
        }
    }
}

static json_t *callers_json(struct job *j, struct graph_image *g, uint32_t function)
{
    struct graph_tree t;
    char *text = NULL;
    size_t size;
    FILE *f = function != GRAPH_NONE && callers(j, g, function, &t) ? open_memstream(&text, &size) : NULL;
    if (!f)
        return json_null();
    graph_tree_json(&t, f);
    fclose(f);
    graph_tree_free(&t);
    json_t *out = json_loads(text, 0, NULL);
    free(text);
    return out;
}

static void add_json(struct job *j, json_t *all, struct graph_image *g, const struct graph_match *m, size_t count)
{
    char name[GRAPH_NAME], address[32];
    for (size_t i = 0; i < count; i++) {
        char *line = line_of(g, m[i].rva, true);
        snprintf(address, sizeof address, "0x%llx", (unsigned long long)(g->x.image_base + m[i].rva));
        json_t *o = json_pack("{s:s, s:s, s:s, s:b}", "symbol", graph_address_name(g, m[i].rva, name), "address", address, "text",
                              line ? line : "", "computed", m[i].computed);
        if (j->callers)
            json_object_set_new(o, "callers", callers_json(j, g, m[i].function));
        json_array_append_new(all, o);
        free(line);
    }
}

static int search(struct job *j, const char *text)
{
    struct graph_pattern p;
    char err[256];
    if (!graph_pattern_parse(text, &p, err, sizeof err))
        return usage_error("%s", err);
    json_t *all = json_array();
    size_t total = 0;
    for (size_t k = 0; k < j->images.count; k++) {
        struct graph_match *m;
        size_t count;
        if (!graph_search(&j->images.at[k], &p, j->deep, &m, &count))
            return usage_error("out of memory");
        if (j->json)
            add_json(j, all, &j->images.at[k], m, count);
        else
            print_matches(j, &j->images.at[k], m, count);
        total += count;
        free(m);
    }
    if (j->json) {
        json_t *out = json_pack("{s:s, s:I, s:o}", "pattern", text, "total", (json_int_t)total, "matches", all);
        json_dumpf(out, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(out);
    } else {
        printf("%zu match%s\n", total, total == 1 ? "" : "es");
        json_decref(all);
    }
    return EXIT_OK;
}

int cli_search(int argc, char **argv)
{
    struct job j = { 0 };
    if (!parse(&j, argc, argv))
        return EXIT_USAGE;
    if (j.help) {
        fputs(help, stdout);
        return EXIT_OK;
    }
    if (j.words.count < 2)
        return usage_error(j.words.count ? "search for what in %s? Give a PATTERN; see irplab search --help"
                                         : "no IMAGE and PATTERN%s; see irplab search --help", j.words.count ? j.words.at[0] : "");
    if (!cli_open_images(&j.images, &j.words, j.words.count - 1, NULL, &j.open))
        return EXIT_USAGE;
    int status = search(&j, j.words.at[j.words.count - 1]);
    cli_close_images(&j.images);
    return status;
}
