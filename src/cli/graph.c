/* irplab graph: callers or callees. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/graph_run.h"
#include "cli/graph_tables.h"
#include "cli/images.h"
#include "cli/options.h"
#include "graph/dispatch.h"
#include "graph/tree.h"

static const char help[] =
    "usage: irplab graph [options] IMAGE… SYMBOL\n"
    "       irplab graph [options] IMAGE… --path FROM TO | --who SYMBOL | --dispatch[=SYMBOL]\n"
    "       irplab graph [options] --run FILE.irplab [IMAGE…] SYMBOL | --stack\n"
    "\n"
    "Draws what SYMBOL calls (--down, the default) or what calls it (--up). A symbol is name, module!name, module+0xRVA or an address;\n"
    "an import also by its plain name. With several images, calls from one into another are followed.\n"
    "In parentheses: callbacks passed, bug check codes, statuses, pool tags, targets of guarded calls. ⟜ is an import,\n"
    "↺ a function that is being drawn above, ⇢ one whose address is taken, [N] the number of lines below the root.\n"
    "\n"
    "  --down | --up      callees or callers          --depth N        levels (default 2)\n"
    "  --path FROM TO     the shortest way, callbacks included\n"
    "  --who SYMBOL       all that reaches a function or import, each once, nearest first\n"
    "  --dispatch         the dispatch table that DriverEntry fills; with =SYMBOL: which routines of it reach SYMBOL, and how\n"
    "  --run FILE.irplab  marks calls: ● ran in this replay, ○ only in another schedule explored, ✗ in none; the images are the file's\n"
    "  --time SECONDS     how long --run explores (default 5; 0: not)\n"
    "  --stack            what is on the stack where the run of --run failed, each function's tree\n"
    "  --callbacks        functions whose address is taken count as called\n"
    "  --only TEXT        what leads to names with TEXT  --module NAME   what leads into a module\n"
    "  --all              also below functions that everything calls (locks, pool, strings)\n"
    "  -o FILE            into a file instead of to standard output\n"
    "  --json | --dot | --html    instead of text     --symbols DIR    where program databases lie\n"
    "  --functions, --edges       tables of all functions or calls, tab separated\n"
    "  --modules          what a memory dump holds: its bug check and the loaded modules\n"
    "  --index            only analyse and keep: totals   --list       what is kept   --fresh   analyse again\n"
    "\n"
    "Program databases are looked for next to the image, in --symbols DIR, $IRPLAB_SYMBOLS and $_NT_SYMBOL_PATH.\n"
    "IMAGE is a .sys, .exe or .dll, or a memory dump, of which all modules are taken (for module!name: that one and the kernel).\n"
    "\n"
    "example: irplab graph build/cases/camera-create-cancelled/usbvideo.sys USBVideoFilterClose --down\n";

enum format { TEXT, JSON, DOT, HTML };

struct job {
    struct graph_query q;
    struct graph_open open;
    struct cli_words words;
    enum format format;
    const char *out; /* -o */
    const char *path_from, *path_to, *who, *dispatch_to, *run_file;
    bool dispatch, list, modules, stack;
    unsigned seconds; /* of exploring for --run */
    struct cli_run run;
    const char *table; /* --functions, --edges, --index */
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
    else if (strcmp(a, "--list") == 0)
        j->list = true;
    else if (strcmp(a, "--functions") == 0 || strcmp(a, "--edges") == 0 || strcmp(a, "--index") == 0)
        j->table = a;
    else if (strcmp(a, "--fresh") == 0)
        j->open.no_database = true;
    else if (strcmp(a, "--dispatch") == 0)
        j->dispatch = true;
    else if (strcmp(a, "--modules") == 0)
        j->modules = true;
    else if (strcmp(a, "--stack") == 0)
        j->stack = true;
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

static const char **text_option(struct job *j, const char *a)
{
    return is(a, "--only")        ? &j->q.only
           : is(a, "--module")    ? &j->q.module
           : is(a, "--symbols")   ? &j->open.symbol_dir
           : is(a, "--who")       ? &j->who
           : is(a, "--path")      ? &j->path_from
           : is(a, "--run")       ? &j->run_file
           : is(a, "--dispatch=") || strncmp(a, "--dispatch=", 11) == 0 ? &j->dispatch_to
                                  : NULL;
}

static bool parse(struct job *j, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        const char **text = text_option(j, a);
        if (flag(j, a) || cli_common_option(&j->words, argc, argv, &i))
            continue;
        if (strcmp(a, "-o") == 0 || is(a, "--out")) {
            if (!(j->out = cli_option_value(argc, argv, &i)))
                return false;
        } else if (text) {
            if (!(*text = cli_option_value(argc, argv, &i)) || (is(a, "--path") && !(j->path_to = cli_option_value(argc, argv, &i))))
                return false;
            j->dispatch |= text == &j->dispatch_to;
        } else if (is(a, "--time")) {
            if (!number("--time", cli_option_value(argc, argv, &i), &j->seconds))
                return false;
        } else if (is(a, "--depth")) {
            if (!number("--depth", cli_option_value(argc, argv, &i), &j->q.depth))
                return false;
        } else if (a[0] == '-') {
            usage_error("unknown option '%s'; see irplab graph --help", a);
            return false;
        } else if (j->words.count == CLI_MAX_WORDS) {
            usage_error("more than %d images", CLI_MAX_WORDS - 1);
            return false;
        } else {
            j->words.at[j->words.count++] = a;
        }
    }
    return true;
}

static void print_totals(const struct job *j, const struct graph_tree *t)
{
    unsigned count[GRAPH_SEEN_REPLAY + 1] = { 0 };
    for (uint32_t i = graph_tree_next(t, 0); i != GRAPH_NONE; i = graph_tree_next(t, i))
        count[t->nodes[i].seen]++;
    printf("● %u ran in the replay", count[GRAPH_SEEN_REPLAY]);
    if (j->run.schedules)
        printf(", ○ %u more in %llu explored schedules (%s), ✗ %u in none", count[GRAPH_SEEN_EXPLORED], (unsigned long long)j->run.schedules,
               j->run.complete ? "complete" : "not complete", count[GRAPH_SEEN_NEVER]);
    putchar('\n');
}

static void print(const struct job *j, const struct graph_tree *t)
{
    if (j->format == JSON)
        graph_tree_json(t, stdout);
    else if (j->format == DOT)
        graph_tree_dot(t, stdout);
    else if (j->format == HTML)
        graph_tree_html(t, stdout);
    else
        graph_tree_text(t, stdout);
    if (j->run_file && j->format == TEXT)
        print_totals(j, t);
}

/* The static graph of what is on the stack, innermost function first. */
static int draw_stack(struct job *j, struct cli_images *images)
{
    struct graph_place at[64];
    char err[1024];
    size_t n = cli_run_stack(&j->run, images, at, sizeof at / sizeof at[0]);
    if (!n)
        return usage_error("%s: no function of a driver is on the stack", j->run_file);
    j->q.use_stop_list = j->format == TEXT && !j->all;
    if (j->format == JSON)
        printf("[\n");
    for (size_t i = 0; i < n; i++) {
        struct graph_tree t;
        if (!graph_tree_make(&j->q, &at[i], &t, err, sizeof err))
            return usage_error("%s", err);
        print(j, &t);
        graph_tree_free(&t);
        if (i + 1 < n)
            printf(j->format == JSON ? ",\n" : j->format == TEXT ? "\n" : "");
    }
    if (j->format == JSON)
        printf("]\n");
    return EXIT_OK;
}

static int draw(struct job *j, const char *symbol)
{
    struct graph_place root, to;
    struct graph_tree t;
    char err[1024];
    if (!graph_find(j->q.images, j->q.count, symbol, &root, err, sizeof err))
        return usage_error("%s", err);
    if (j->path_to && !graph_find(j->q.images, j->q.count, j->path_to, &to, err, sizeof err))
        return usage_error("%s", err);
    j->q.use_stop_list = j->format == TEXT && !j->all;
    if (j->path_to && !graph_tree_path(&j->q, &root, &to, &t))
        return usage_error("no way from %s to %s", symbol, j->path_to);
    if (j->who && !graph_tree_who(&j->q, &root, &t))
        return usage_error("out of memory");
    if (!j->path_to && !j->who && !graph_tree_make(&j->q, &root, &t, err, sizeof err))
        return usage_error("%s", err);
    print(j, &t);
    graph_tree_free(&t);
    return EXIT_OK;
}

/* The symbols of a tree that is one way, from its root on. */
static json_t *path_json(const struct graph_tree *t)
{
    json_t *all = json_array();
    for (uint32_t n = 0; n != GRAPH_NONE; n = t->nodes[n].child)
        json_array_append_new(all, json_string(t->nodes[n].name));
    return all;
}

static int table(struct job *j)
{
    struct graph_dispatch d;
    struct graph_place to = { 0 };
    char err[1024], name[GRAPH_NAME];
    if (j->dispatch_to && !graph_find(j->q.images, j->q.count, j->dispatch_to, &to, err, sizeof err))
        return usage_error("%s", err);
    json_t *rows = json_array();
    for (size_t k = 0; k < j->q.count; k++) {
        if (!graph_dispatch_of(&j->q.images[k], &d))
            return usage_error("out of memory");
        for (size_t i = 0; i < d.count; i++) {
            struct graph_place from = { &j->q.images[k], false, d.rows[i].function };
            struct graph_tree t;
            if (j->dispatch_to && !graph_tree_path(&j->q, &from, &to, &t))
                continue;
            graph_function_name(&j->q.images[k], d.rows[i].function, name);
            json_t *row = j->format == JSON ? json_pack("{s:s, s:s}", "entry", d.rows[i].what, "symbol", name) : NULL;
            if (row && j->dispatch_to)
                json_object_set_new(row, "path", path_json(&t));
            if (row)
                json_array_append_new(rows, row);
            else
                printf("%-32s %s\n", d.rows[i].what, name);
            if (j->dispatch_to && j->format == TEXT)
                graph_tree_text(&t, stdout);
            if (j->dispatch_to)
                graph_tree_free(&t);
        }
    }
    if (j->format == JSON) {
        json_dumpf(rows, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(rows);
    return EXIT_OK;
}

/* What is printed goes into a file instead, which is there whole or not at all. */
static bool redirect(const char *path, char *beside, size_t n)
{
    int length = snprintf(beside, n, "%s.XXXXXX", path), fd = length < (int)n ? mkstemp(beside) : -1;
    bool ok = fd >= 0 && fchmod(fd, 0644) == 0 && dup2(fd, STDOUT_FILENO) >= 0;
    if (!ok)
        usage_error("%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

static int finish_file(const char *path, const char *beside, int status)
{
    bool ok = status == EXIT_OK && fflush(stdout) == 0 && !ferror(stdout) && rename(beside, path) == 0;
    if (ok)
        return EXIT_OK;
    int why = errno;
    unlink(beside);
    return status == EXIT_OK ? usage_error("%s: %s", path, strerror(why)) : status;
}

int cli_graph(int argc, char **argv)
{
    struct job j = { .q = { .depth = 2 }, .seconds = 5 };
    if (!parse(&j, argc, argv))
        return EXIT_USAGE;
    if (j.help) {
        fputs(help, stdout);
        return EXIT_OK;
    }
    if (j.list)
        return cli_graph_list(j.format == JSON);
    if (j.modules && !j.words.count)
        return usage_error("the modules of what? Give a memory dump; see irplab graph --help");
    if (j.modules)
        return cli_graph_modules(j.words.at, j.words.count, j.format == JSON);
    bool has_symbol = j.path_from || j.who || j.dispatch || j.table || j.stack;
    if (j.stack && !j.run_file)
        return usage_error("--stack is that of a run: give --run FILE.irplab too");
    if (j.words.count < (has_symbol ? 1 : 2) - (j.run_file != NULL))
        return usage_error(j.words.count ? "a graph of what in %s? Give a SYMBOL; see irplab graph --help"
                                         : "no IMAGE and SYMBOL%s; see irplab graph --help", j.words.count ? j.words.at[0] : "");
    int paths = j.words.count - !has_symbol;
    const char *symbol = j.path_from ? NULL : j.who ? j.who : has_symbol ? NULL : j.words.at[paths];
    struct cli_images images;
    if (!cli_open_images(&images, &j.words, paths, symbol, &j.open))
        return EXIT_USAGE;
    if (j.run_file && !cli_run_watch(&j.run, j.run_file, j.seconds, &images)) {
        cli_close_images(&images);
        return EXIT_USAGE;
    }
    if (j.run_file) {
        j.q.seen = cli_run_seen;
        j.q.seen_ctx = &j.run;
    }
    j.q.images = images.at;
    j.q.count = images.count;
    char beside[4200];
    if (j.out && !redirect(j.out, beside, sizeof beside)) {
        cli_close_images(&images);
        return EXIT_USAGE;
    }
    int status = j.stack ? draw_stack(&j, &images) : j.dispatch ? table(&j) : j.table ? cli_graph_table(&images, j.table) : draw(&j, j.path_from ? j.path_from : symbol);
    if (j.out)
        status = finish_file(j.out, beside, status);
    if (j.run_file)
        cli_run_end(&j.run);
    cli_close_images(&images);
    return status;
}
