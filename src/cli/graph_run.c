/* Watching a replay, for graph --run. */
#include "cli/graph_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cli/options.h"
#include "report/record.h"
#include "report/replay_file.h"
#include "session/explorable.h"
#include "session/session.h"
#include "sim/image.h"
#include "sim/patch.h"

enum { MARK_REPLAY = 1, MARK_EXPLORED = 2 };

/* --- images ----------------------------------------------------------------------------------------------------------- */

static bool same_name(const struct graph_image *g, const char *name)
{
    const char *slash = strrchr(g->path, '/');
    return strcasecmp(slash ? slash + 1 : g->path, name) == 0;
}

static bool add_image(struct cli_images *images, const char *file, const struct image_file *f)
{
    char err[PE_ERROR_TEXT];
    for (size_t i = 0; i < images->count; i++)
        if (same_name(&images->at[i], f->name)) {
            const struct pe_image *pe = &images->at[i].pe;
            if (pe->file_size == f->pe.file_size && memcmp(pe->file, f->pe.file, f->pe.file_size) == 0)
                return true;
            usage_error("%s: not the %s that %s ran", images->at[i].path, f->name, file);
            return false;
        }
    struct graph_image *p = realloc(images->at, (images->count + 1) * sizeof *p);
    if (!p) {
        usage_error("out of memory");
        return false;
    }
    images->at = p;
    if (graph_open_memory(&p[images->count], f->name, f->pe.file, f->pe.file_size, err, sizeof err) != PE_OK) {
        usage_error("%s: %s: %s", file, f->name, err);
        return false;
    }
    images->count++;
    return true;
}

static bool add_images(struct cli_images *images, const char *file, const struct config *c)
{
    const struct image_file *f;
    bool ok = true;
    for (uint32_t i = 0; ok && i < c->driver_count; i++)
        if ((f = image_file_known(c->drivers[i].file)) != NULL)
            ok = add_image(images, file, f);
    for (uint32_t i = 0; ok && (f = session_module(i)) != NULL; i++)
        ok = add_image(images, file, f);
    if (ok && c->program[0] && (f = image_file_known(c->program)) != NULL)
        ok = add_image(images, file, f);
    for (size_t i = 0; i < images->count; i++) {
        images->at[i].peers = images->at;
        images->at[i].peer_count = images->count;
    }
    return ok;
}

/* --- running ------------------------------------------------------------------------------------------------------------ */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool out_of_time(void *user)
{
    return now() > *(double *)user;
}

static void explore(struct cli_run *run, const struct explore_machine *machine, const struct config *c, double seconds)
{
    struct explore_config x = explore_defaults;
    struct explore_result r;
    double deadline = now() + seconds;
    memset(&r, 0, sizeof r);
    x.strategy = EXPLORE_DFS;
    x.preemptions = c->preemptions >= 0 ? c->preemptions : 2;
    x.iterate = x.keep_going = true;
    x.steps = 100000;
    x.seed = c->seed ? c->seed : 1;
    x.stop = out_of_time;
    x.user = &deadline;
    explore_run(machine, &x, &r);
    run->schedules = r.schedules;
    run->complete = r.complete;
    explore_result_free(&r);
}

bool cli_run_watch(struct cli_run *run, const char *file, double seconds, struct cli_images *images)
{
    struct replay r;
    char err[600];
    *run = (struct cli_run){ .file = file };
    if (!replay_read(file, &r, err, sizeof err)) {
        usage_error("%s", err);
        return false;
    }
    patch_watch_calls(MARK_REPLAY);
    session_process_init();
    const struct explore_machine *machine = explorable_open(&r.config);
    run->record = record_run(machine, &r.schedule, NULL);
    if (run->record->run_hash != r.run_hash)
        fprintf(stderr, "irplab: warning: %s: this run differs from the recorded one\n", file);
    patch_watch_calls(MARK_EXPLORED);
    if (seconds > 0)
        explore(run, machine, &r.config, seconds);
    return add_images(images, file, &r.config);
}

void cli_run_end(struct cli_run *run)
{
    record_free(run->record);
    run->record = NULL;
}

/* --- questions ------------------------------------------------------------------------------------------------------------ */

static const struct patch_plan *plan_of(const struct graph_image *g)
{
    for (const struct image *i = image_first(); i; i = i->next)
        if (i->file && same_name(g, i->file->name) && i->file->pe.file_size == g->pe.file_size)
            return i->file->patches;
    const char *slash = strrchr(g->path, '/');
    char path[CONFIG_PATH];
    snprintf(path, sizeof path, "replay:%s", slash ? slash + 1 : g->path);
    const struct image_file *f = image_file_known(path);
    return f ? f->patches : NULL;
}

enum graph_seen cli_run_seen(void *ctx, const struct graph_image *g, uint32_t site)
{
    const struct cli_run *run = ctx;
    const struct patch_plan *plan = plan_of(g);
    if (!patch_call_watched(plan, site))
        return GRAPH_SEEN_NOT_KNOWN;
    uint8_t marks = patch_call_marks(plan, site);
    return marks & MARK_REPLAY ? GRAPH_SEEN_REPLAY : marks ? GRAPH_SEEN_EXPLORED : run->schedules ? GRAPH_SEEN_NEVER : GRAPH_SEEN_NOT_KNOWN;
}

static bool has_driver_frame(const struct record *r, const struct record_event *e)
{
    for (size_t k = 0; k < e->chain_length; k++)
        if (r->frames[e->chain + k].side == SIDE_DRIVER)
            return true;
    return false;
}

/* The completion of the request that failed; else the last that happened to who failed; else the last of all. */
static const struct record_event *moment(const struct record *r)
{
    if (r->victim != SIZE_MAX)
        return &r->events[r->victim];
    for (int any = r->failed == NO_NAME; any < 2; any++)
        for (size_t i = r->event_count; i-- > 0;)
            if ((any || r->events[i].agent_name == r->failed) && has_driver_frame(r, &r->events[i]))
                return &r->events[i];
    return NULL;
}

size_t cli_run_stack(const struct cli_run *run, struct cli_images *images, struct graph_place *out, size_t room)
{
    const struct record *r = run->record;
    const struct record_event *e = moment(r);
    size_t n = 0;
    for (size_t k = e ? e->chain_length : 0; k-- > 0 && n < room;) {
        const struct record_frame *f = &r->frames[e->chain + k];
        char name[GRAPH_NAME], err[64];
        if (f->side != SIDE_DRIVER || !f->function[0])
            continue;
        snprintf(name, sizeof name, "%s!%s", f->module, f->function);
        n += graph_find(images->at, images->count, name, &out[n], err, sizeof err);
    }
    return n;
}
