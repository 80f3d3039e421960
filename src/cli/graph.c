/* irplab graph: callers or callees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/images.h"
#include "cli/options.h"
#include "graph/tree.h"

static const char help[] =
    "usage: irplab graph [options] IMAGE… SYMBOL\n"
    "\n"
    "Draws what SYMBOL calls (--down, the default) or what calls it (--up). A symbol is name, module!name, module+0xRVA or an address;\n"
    "an import also by its plain name. With several images, calls from one into another are followed.\n"
    "In parentheses: callbacks passed, bug check codes, statuses, pool tags, targets of guarded calls. ⟜ is an import,\n"
    "↺ a function that is being drawn above, [N] the number of lines below the root.\n"
    "\n"
    "  --down | --up      callees or callers          --depth N        levels (default 2)\n"
    "  --callbacks        functions whose address is taken count as called\n"
    "  --only TEXT        what leads to names with TEXT  --module NAME   what leads into a module\n"
    "  --all              also below functions that everything calls (locks, pool, strings)\n"
    "  --json | --dot | --html    instead of text     --symbols DIR    where program databases lie\n"
    "\n"
    "example: irplab graph build/cases/camera-create-cancelled/usbvideo.sys USBVideoFilterClose --down\n";

enum format { TEXT, JSON, DOT, HTML };

struct job {
    struct graph_query q;
    struct graph_open open;
    struct cli_words words;
    enum format format;
    bool all, help;
};

static bool number(const char *option, const char *v, unsigned *out)
{
    char *end;
    unsigned long n = v ? strtoul(v, &end, 10) : 0;
    if (!v)
        return false;
    if (*v == '-' || *end || end == v || n > 1000) {
        usage_error("%s wants a number, not '%s'", option, v);
        return false;
    }
    *out = (unsigned)n;
    return true;
}

static bool is(const char *arg, const char *name)
{
    size_t n = strlen(name);
    return strncmp(arg, name, n) == 0 && (arg[n] == 0 || arg[n] == '=');
}

static bool flag(struct job *j, const char *a)
{
    if (strcmp(a, "--down") == 0)
        j->q.up = false;
    else if (strcmp(a, "--up") == 0)
        j->q.up = true;
    else if (strcmp(a, "--callbacks") == 0)
        j->q.callbacks = true;
    else if (strcmp(a, "--all") == 0)
        j->all = true;
    else if (strcmp(a, "--json") == 0)
        j->format = JSON;
    else if (strcmp(a, "--dot") == 0)
        j->format = DOT;
    else if (strcmp(a, "--html") == 0)
        j->format = HTML;
    else if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0)
        j->help = true;
    else
        return false;
    return true;
}

static bool parse(struct job *j, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        const char **text = is(a, "--only") ? &j->q.only : is(a, "--module") ? &j->q.module : is(a, "--symbols") ? &j->open.symbol_dir : NULL;
        if (flag(j, a) || cli_common_option(argc, argv, &i))
            continue;
        if (text) {
            if (!(*text = cli_option_value(argc, argv, &i)))
                return false;
        } else if (is(a, "--depth")) {
            if (!number("--depth", cli_option_value(argc, argv, &i), &j->q.depth))
                return false;
        } else if (a[0] == '-') {
            usage_error("unknown option '%s'; see irplab graph --help", a);
            return false;
        } else if (j->words.count == CLI_MAX_IMAGES) {
            usage_error("more than %d images", CLI_MAX_IMAGES - 1);
            return false;
        } else {
            j->words.at[j->words.count++] = a;
        }
    }
    return true;
}

static int draw(struct job *j, const char *symbol)
{
    struct graph_place root;
    struct graph_tree t;
    char err[1024];
    if (!graph_find(j->q.images, j->q.count, symbol, &root, err, sizeof err))
        return usage_error("%s", err);
    j->q.use_stop_list = j->format == TEXT && !j->all;
    if (!graph_tree_make(&j->q, &root, &t, err, sizeof err))
        return usage_error("%s", err);
    if (j->format == JSON)
        graph_tree_json(&t, stdout);
    else if (j->format == DOT)
        graph_tree_dot(&t, stdout);
    else
        graph_tree_text(&t, stdout);
    graph_tree_free(&t);
    return EXIT_OK;
}

int cli_graph(int argc, char **argv)
{
    struct job j = { .q = { .depth = 2 } };
    if (!parse(&j, argc, argv))
        return EXIT_USAGE;
    if (j.help) {
        fputs(help, stdout);
        return EXIT_OK;
    }
    if (j.words.count < 2)
        return usage_error(j.words.count ? "a graph of what in %s? Give a SYMBOL; see irplab graph --help"
                                         : "no IMAGE and SYMBOL%s; see irplab graph --help", j.words.count ? j.words.at[0] : "");
    int images = j.words.count - 1;
    j.q.images = calloc((size_t)images, sizeof *j.q.images);
    j.q.count = (size_t)images;
    if (!j.q.images || !cli_open_images(j.q.images, j.words.at, images, &j.open)) {
        free(j.q.images);
        return EXIT_USAGE;
    }
    int status = draw(&j, j.words.at[images]);
    cli_close_images(j.q.images, images);
    free(j.q.images);
    return status;
}
