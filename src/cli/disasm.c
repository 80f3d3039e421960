/* irplab disasm: functions as a debugger lists them. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/images.h"
#include "cli/options.h"
#include "graph/uf.h"

static const char help[] =
    "usage: irplab disasm [--bare] [--json] [--symbols DIR] IMAGE SYMBOL…\n"
    "\n"
    "Lists the basic blocks of functions as WinDbg's uf does, with symbols, import names, strings and status names.\n"
    "Without symbols: all functions of the image. --bare leaves addresses and bytes out.\n"
    "IMAGE is a .sys, .exe, .dll or memory dump. Program databases: next to it, in --symbols DIR, $IRPLAB_SYMBOLS, $_NT_SYMBOL_PATH.\n"
    "\n"
    "example: irplab disasm build/cases/camera-create-cancelled/usbvideo.sys PowerDownDevice\n";

struct job {
    struct graph_open open;
    struct graph_listing how;
    struct cli_words words;
    bool json, help;
};

static bool parse(struct job *j, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (cli_common_option(&j->words, argc, argv, &i))
            continue;
        if (strcmp(a, "--bare") == 0) {
            j->how.bare = true;
        } else if (strcmp(a, "--json") == 0) {
            j->json = true;
        } else if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) {
            j->help = true;
        } else if (strcmp(a, "--symbols") == 0 || strncmp(a, "--symbols=", 10) == 0) {
            if (!(j->open.symbol_dir = cli_option_value(argc, argv, &i)))
                return false;
        } else if (a[0] == '-') {
            usage_error("unknown option '%s'; see irplab disasm --help", a);
            return false;
        } else if (j->words.count == CLI_MAX_WORDS) {
            usage_error("more than %d symbols", CLI_MAX_WORDS - 1);
            return false;
        } else {
            j->words.at[j->words.count++] = a;
        }
    }
    return true;
}

static json_t *listing_json(const struct graph_image *g, uint32_t f, const struct graph_listing *how)
{
    char *text = NULL, name[GRAPH_NAME];
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return json_null();
    graph_uf(g, f, how, memory);
    fclose(memory);
    json_t *lines = json_array();
    for (char *at = text, *end; (end = strchr(at, '\n')) != NULL; at = end + 1)
        json_array_append_new(lines, json_stringn_nocheck(at, (size_t)(end - at)));
    free(text);
    return json_pack("{s:s, s:o}", "symbol", graph_function_name(g, f, name), "lines", lines);
}

static int list_all(const struct job *j, struct graph_image *g)
{
    for (uint32_t f = 0; f < g->x.function_count; f++) {
        graph_uf(g, f, &j->how, stdout);
        putchar('\n');
    }
    return EXIT_OK;
}

static int list(const struct job *j, struct cli_images *images)
{
    struct graph_image *g = images->at;
    struct graph_place places[256];
    char err[1024];
    if (j->words.count == 1)
        return list_all(j, g);
    if (j->words.count > 256)
        return usage_error("more than 255 symbols");
    for (int i = 1; i < j->words.count; i++) { /* all are there, or nothing is printed */
        if (!graph_find(g, images->count, j->words.at[i], &places[i], err, sizeof err))
            return usage_error("%s", err);
        if (places[i].is_import)
            return usage_error("%s is an import of %s: its code is in another image", j->words.at[i], g->path);
    }
    json_t *all = json_array();
    for (int i = 1; i < j->words.count; i++) {
        if (j->json)
            json_array_append_new(all, listing_json(places[i].image, places[i].index, &j->how));
        else
            graph_uf(places[i].image, places[i].index, &j->how, stdout);
        if (!j->json && i + 1 < j->words.count)
            putchar('\n');
    }
    if (j->json) {
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(all);
    return EXIT_OK;
}

int cli_disasm(int argc, char **argv)
{
    struct job j = { 0 };
    struct cli_images images;
    if (!parse(&j, argc, argv))
        return EXIT_USAGE;
    if (j.help) {
        fputs(help, stdout);
        return EXIT_OK;
    }
    if (!j.words.count)
        return usage_error("disasm of what? Give an IMAGE; see irplab disasm --help");
    if (!cli_open_images(&images, &j.words, 1, j.words.count == 2 ? j.words.at[1] : NULL, &j.open))
        return EXIT_USAGE;
    int status = list(&j, &images);
    cli_close_images(&images);
    return status;
}
