/* Opening the images of a static command. */
#include "cli/images.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "cli/options.h"
#include "graph/dump.h"

bool cli_common_option(struct cli_words *words, int argc, char **argv, int *i)
{
    bool *flag = strcmp(argv[*i], "--quiet") == 0 ? &words->quiet : strcmp(argv[*i], "--verbose") == 0 ? &words->verbose : NULL;
    if (flag)
        return *flag = true;
    if (strncmp(argv[*i], "--color=", 8) == 0)
        return true;
    if (strcmp(argv[*i], "--color") == 0 && *i + 1 < argc) {
        ++*i;
        return true;
    }
    return false;
}

const char *cli_option_value(int argc, char **argv, int *i)
{
    const char *equals = strchr(argv[*i], '=');
    if (equals && strncmp(argv[*i], "--", 2) == 0)
        return equals + 1;
    if (*i + 1 >= argc) {
        usage_error("%s wants a value", argv[*i]);
        return NULL;
    }
    return argv[++*i];
}

/* --- progress: on a terminal, when it takes long enough to be asked about ------------------------------------- */

struct progress {
    double start, shown;
    size_t done, total; /* images */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void show(void *ctx, uint64_t done, uint64_t total)
{
    struct progress *p = ctx;
    double t = now(), part = ((double)p->done + (total ? (double)done / (double)total : 0)) / (double)p->total;
    if (t - p->start < 0.5 || t - p->shown < 0.1 || part <= 0)
        return;
    p->shown = t;
    int filled = (int)(part * 30);
    fprintf(stderr, "\r[%.*s%*s] %3.0f%%, about %.0f s left ", filled, "##############################", 30 - filled, "", part * 100,
            (t - p->start) / part * (1 - part));
    fflush(stderr);
}

static void clear(const struct progress *p)
{
    if (p->shown > 0)
        fprintf(stderr, "\r%60s\r", "");
}

/* --- opening -------------------------------------------------------------------------------------------------- */

static struct graph_image *one_more(struct cli_images *images)
{
    struct graph_image *p = realloc(images->at, (images->count + 1) * sizeof *p);
    if (!p)
        return NULL;
    images->at = p;
    return &p[images->count];
}

/* Whether a module of a dump is wanted for module!name. */
static bool wanted(const struct graph_module *m, const char *symbol)
{
    const char *bang = symbol ? strchr(symbol, '!') : NULL;
    bool kernel = strncasecmp(m->name, "ntoskrnl", 8) == 0 || strncasecmp(m->name, "ntkrnl", 6) == 0;
    size_t n = bang ? (size_t)(bang - symbol) : 0;
    return !bang || kernel || (strncasecmp(m->name, symbol, n) == 0 && (m->name[n] == '.' || !m->name[n]));
}

static bool export_name(void *ctx, uint64_t va, const char **module, const char **name)
{
    return graph_exports_name(ctx, va, module, name);
}

/* Modules are named as if they lay next to the dump: program databases are looked for there. */
static void open_modules(struct cli_images *images, const struct graph_dump *d, const char *dump_path, const struct graph_module *modules, size_t count,
                         const char *symbol, struct progress *p, const struct graph_open *how)
{
    char err[PE_ERROR_TEXT], path[4096];
    const char *slash = strrchr(dump_path, '/');
    int folder = slash ? (int)(slash + 1 - dump_path) : 0;
    struct graph_open with = *how;
    with.name_ctx = graph_exports_new(d, modules, count);
    with.name_of_address = with.name_ctx ? export_name : NULL;
    for (size_t i = 0; i < count; i++, p->done++) {
        uint8_t *absent = NULL, *bytes = wanted(&modules[i], symbol) ? graph_dump_image(d, &modules[i], &absent) : NULL;
        struct graph_image *g = bytes ? one_more(images) : NULL;
        snprintf(path, sizeof path, "%.*s%s", folder, dump_path, modules[i].name);
        if (g && graph_open_owned(g, path, bytes, modules[i].size, absent, &with, err, sizeof err) == PE_OK)
            images->count++;
    }
    graph_exports_free(with.name_ctx);
}

static bool open_dump(struct cli_images *images, const char *path, const char *symbol, struct progress *p, const struct graph_open *how)
{
    struct graph_dump d;
    struct graph_module *modules;
    size_t count, before = images->count;
    char err[PE_ERROR_TEXT];
    if (!graph_dump_open(&d, path, err, sizeof err)) {
        usage_error("%s: %s", path, err);
        return false;
    }
    bool ok = graph_dump_modules(&d, &modules, &count, err, sizeof err);
    p->total += count;
    if (ok)
        open_modules(images, &d, path, modules, count, symbol, p, how);
    free(modules);
    graph_dump_close(&d);
    if (!ok)
        usage_error("%s: %s", path, err);
    else if (images->count == before)
        usage_error("%s: no module%s can be read from this dump", path, symbol && strchr(symbol, '!') ? " of that name" : "");
    return images->count > before;
}

/* --- several at once: images have nothing to do with each other until all are open ------------------------------ */

struct work {
    const char *const *paths;
    struct graph_image *at;
    const struct graph_open *how;
    struct progress *progress;
    void (*tell)(void *ctx, uint64_t done, uint64_t total);
    int next, count, failed; /* failed: the first that could not be opened, or -1 */
    char err[PE_ERROR_TEXT];
    pthread_mutex_t lock;
};

static void *open_some(void *ctx)
{
    struct work *w = ctx;
    pthread_mutex_lock(&w->lock);
    while (w->next < w->count && w->failed < 0) {
        int i = w->next++;
        char err[PE_ERROR_TEXT];
        pthread_mutex_unlock(&w->lock);
        bool ok = graph_open_image(&w->at[i], w->paths[i], w->how, err, sizeof err) == PE_OK;
        pthread_mutex_lock(&w->lock);
        w->progress->done++;
        if (w->tell)
            w->tell(w->progress, 0, 1);
        if (!ok && (w->failed < 0 || i < w->failed)) {
            w->failed = i;
            memcpy(w->err, err, sizeof err);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static bool open_many(struct cli_images *images, const char *const *paths, int count, struct progress *p, const struct graph_open *how)
{
    struct work w = { .paths = paths, .at = calloc((size_t)count, sizeof *w.at), .progress = p, .count = count, .failed = -1 };
    struct graph_open with = *how;
    pthread_t threads[8];
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int n = cpus > 8 ? 8 : cpus > 1 ? (int)cpus : 1, started = 0;
    if (!w.at) {
        usage_error("out of memory");
        return false;
    }
    if (count > 1) { /* counted here, by images */
        w.tell = how->progress;
        with.progress = NULL;
    }
    w.how = &with;
    pthread_mutex_init(&w.lock, NULL);
    while (started < n - 1 && started + 1 < count && pthread_create(&threads[started], NULL, open_some, &w) == 0)
        started++;
    open_some(&w);
    while (started)
        pthread_join(threads[--started], NULL);
    pthread_mutex_destroy(&w.lock);
    images->at = w.at;
    images->count = (size_t)count; /* those that were not opened are zero: closing them is fine */
    if (w.failed >= 0)
        usage_error("%s: %s", paths[w.failed], w.err);
    return w.failed < 0;
}

static void tell_notes(const struct cli_images *images, const struct cli_words *words)
{
    for (size_t i = 0; i < images->count && !words->quiet; i++) {
        const struct graph_image *g = &images->at[i];
        size_t n = strlen(g->note);
        bool missing = n > 10 && strcmp(g->note + n - 10, " not found") == 0;
        if (n && (!missing || words->verbose))
            fprintf(stderr, "irplab: %s: %s%s\n", g->path, missing ? "" : "not used: ", g->note);
    }
}

bool cli_open_images(struct cli_images *images, const struct cli_words *words, int count, const char *symbol, const struct graph_open *how)
{
    const char *const *paths = words->at;
    struct progress p = { .start = now(), .total = (size_t)count };
    struct graph_open with = how ? *how : (struct graph_open){ 0 };
    int files = 0;
    memset(images, 0, sizeof *images);
    if (isatty(STDERR_FILENO)) {
        with.progress = show;
        with.progress_ctx = &p;
    }
    while (files < count && !graph_is_dump(paths[files])) /* dumps come last: one of them becomes many images */
        files++;
    bool ok = files == 0 || open_many(images, paths, files, &p, &with);
    for (int i = files; ok && i < count; i++, p.done++) {
        ok = graph_is_dump(paths[i]) && open_dump(images, paths[i], symbol, &p, &with);
        if (!ok && !graph_is_dump(paths[i]))
            usage_error("%s: give images before dumps", paths[i]);
    }
    clear(&p);
    for (size_t i = 0; ok && i < images->count; i++) {
        images->at[i].peers = images->at;
        images->at[i].peer_count = images->count;
    }
    if (ok)
        tell_notes(images, words);
    else
        cli_close_images(images);
    return ok;
}

void cli_close_images(struct cli_images *images)
{
    for (size_t i = 0; i < images->count; i++)
        graph_close_image(&images->at[i]);
    free(images->at);
    memset(images, 0, sizeof *images);
}
