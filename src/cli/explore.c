/* irplab explore: every schedule that matters. irplab replay: exactly that run again. */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/orders.h"
#include "explore/explore.h"
#include "report/record.h"
#include "report/replay_file.h"
#include "report/text.h"
#include "session/explorable.h"
#include "session/session.h"
#include "sim/image.h"
#include "sim/spins.h"

static const char explore_help[] =
    "usage: irplab explore [options] [CASE | PROGRAM.exe [args]]\n"
    "\n"
    "Runs the case in every order that matters within the bounds. Stops at the first failure, makes it small, confirms it, prints it and\n"
    "writes a replay file. Exit status: 0 no failure (complete or out of budget: it says which), 1 a failure, 2 wrong input, 3 internal.\n"
    "\n"
    "  --strategy S     auto (default), dpor, dfs, pct, pos, surw, random\n"
    "  --preemptions N  highest number of preemptions in a schedule (default 2; dpor: none counted unless given)\n"
    "  --schedules N    stop after N schedules             --time SECONDS   stop after that long (default 60)\n"
    "  --jobs N         processes that share the search    --keep-going     past the first failure\n"
    "  --driver FILE.sys  --device HWID  --inf FILE  --stub MODULE!NAME=V  --cpus N  --time-model idle|any  --seed N\n"
    "  --verifier on|off  off: rules of the verifier do not stop a run, which goes on to what Windows would make of it\n"
    "  --check-orders   instead: runs neighbours that are said to be independent in both orders and compares the bytes\n"
    "  --json  --quiet  --verbose  --color auto|always|never  --output DIR\n"
    "\n"
    "example: irplab explore cases/camera-create-cancelled\n";

static const char replay_help[] =
    "usage: irplab replay [--json] [--quiet] [--color WHEN] FILE.irplab\n"
    "\n"
    "Runs the schedule in the file again and prints the same report. The exit status is that run's.\n"
    "\n"
    "example: irplab replay build/replays/camera-create-cancelled.irplab\n";

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct search {
    const struct options *o;
    double started, deadline, shown;
    bool timed_out;
    uint64_t runs;
    struct explore_schedule passing; /* a run without failure, for the report's other side */
    bool has_passing;
};

static bool out_of_time(void *user)
{
    struct search *s = user;
    if ((s->runs & 15) == 0 && now() > s->deadline)
        s->timed_out = true;
    return s->timed_out || spins_waiting();
}

static void progress(struct search *s)
{
    if (s->o->quiet || s->o->json || !isatty(2))
        return;
    double t = now();
    if (t - s->shown < 0.2)
        return;
    s->shown = t;
    fprintf(stderr, "\r%llu schedules, %.0f a second \033[K", (unsigned long long)s->runs, (double)s->runs / (t - s->started));
    fflush(stderr);
}

static void on_run(void *user, const struct explore_report *run)
{
    struct search *s = user;
    s->runs++;
    if (run->status == EXPLORE_DONE && !s->has_passing) {
        explore_schedule_copy(&s->passing, run->schedule);
        s->has_passing = true;
    }
    progress(s);
}

/* ---- results ---- */

struct found {
    struct explore_result r;
    const char *bound;
    char bound_text[160];
    bool complete;
    double seconds;
    char replay[PATH_MAX]; /* of the first failure; "" none */
    struct record *record;
};

static bool make_folders(const char *path)
{
    char part[PATH_MAX];
    for (size_t i = 1; path[i]; i++) {
        if (path[i] != '/')
            continue;
        snprintf(part, sizeof part, "%.*s", (int)i, path);
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return false;
    }
    return mkdir(path, 0777) == 0 || errno == EEXIST;
}

/* build/replays in a checkout, ./irplab-out elsewhere. */
static bool output_folder(const struct options *o, char *out, size_t size)
{
    struct stat st;
    if (o->output[0])
        snprintf(out, size, "%s", o->output);
    else if (stat("meson.build", &st) == 0 && stat("build", &st) == 0)
        snprintf(out, size, "build/replays");
    else
        snprintf(out, size, "irplab-out");
    if (!make_folders(out))
        return false;
    char real[PATH_MAX];
    if (realpath(out, real))
        snprintf(out, size, "%s", real);
    return true;
}

static void replay_name(const struct config *c, char *out, size_t size)
{
    snprintf(out, size, "%s", c->name[0] ? c->name : "run");
    for (char *p = out; *p; p++)
        if (*p == '/' || *p == ' ')
            *p = '-';
    char *dot = strrchr(out, '.');
    if (dot && strcasecmp(dot, ".exe") == 0)
        *dot = 0;
}

static json_t *failure_json(const struct found *f, const struct explore_failure *x, bool first)
{
    const struct outcome *o = f->record && first ? &f->record->outcome : NULL;
    json_t *j = json_pack("{s:s, s:I, s:s, s:s, s:I}", "kind", o ? outcome_contract_kind(o) : "exit", "code", (json_int_t)(o ? o->code : 0), "name", o ? o->name : "",
                          "message", o ? o->message : x->text, "times", (json_int_t)x->times);
    json_object_set_new(j, "replay", first && f->replay[0] ? json_string(f->replay) : json_null());
    char *s = explore_schedule_print(&x->schedule);
    json_object_set_new(j, "schedule", json_string(s ? s : ""));
    free(s);
    return j;
}

static void print_json(const struct found *f)
{
    json_t *failures = json_array();
    for (size_t i = 0; i < f->r.failure_count; i++)
        json_array_append_new(failures, failure_json(f, &f->r.failures[i], i == 0));
    json_t *j = json_pack("{s:I, s:I, s:I, s:b, s:s, s:f, s:o, s:I, s:I, s:I, s:b}", "schedules", (json_int_t)f->r.schedules, "blocked", (json_int_t)f->r.blocked, "failing",
                          (json_int_t)f->r.failing, "complete", f->complete, "bound", f->bound_text, "seconds", f->seconds, "failures", failures, "traces",
                          (json_int_t)f->r.traces, "steps", (json_int_t)f->r.steps, "replayed", (json_int_t)f->r.replayed, "stubs", image_stubs_used());
    const struct session *s = session_state();
    json_object_set_new(j, "program_exit", f->record ? (f->record->program_ended ? json_integer(f->record->program_exit) : json_null())
                                                     : (s && s->program_ended ? json_integer(s->program_exit) : json_null()));
    if (f->record) {
        char hash[20];
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)f->record->run_hash);
        json_object_set_new(j, "run_hash", json_string(hash));
    }
    json_dumpf(j, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(j);
}

static bool use_color(const struct options *o)
{
    return o->color == COLOR_ALWAYS || (o->color == COLOR_AUTO && isatty(1));
}

static void print_text(const struct options *o, const struct found *f)
{
    if (isatty(2) && !o->quiet)
        fprintf(stderr, "\r\033[K");
    if (f->record)
        report_text(stdout, f->record, use_color(o));
    if (f->replay[0])
        printf("\nreplay: irplab replay %s\n", f->replay);
    if (!o->quiet || !f->record)
        printf("%s%llu schedules, %llu failing, %s; %s; %.2f s\n", f->record ? "\n" : "", (unsigned long long)f->r.schedules, (unsigned long long)f->r.failing,
               f->complete ? "complete" : "not complete", f->bound_text, f->seconds);
    if (!f->complete && f->r.why_not)
        printf("not complete: %s\n", f->r.why_not);
    if (image_stubs_used())
        printf("note: an import was answered by --stub\n");
}

/* ---- searching ---- */

static enum explore_strategy strategy_of(const char *name)
{
    static const struct {
        const char *name;
        enum explore_strategy s;
    } map[] = { { "dfs", EXPLORE_DFS }, { "dpor", EXPLORE_DPOR }, { "pct", EXPLORE_PCT }, { "pos", EXPLORE_POS }, { "surw", EXPLORE_SURW }, { "random", EXPLORE_RANDOM } };
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (strcmp(map[i].name, name) == 0)
            return map[i].s;
    return EXPLORE_DFS;
}

static void search(const struct options *o, const struct explore_machine *machine, struct search *s, struct found *f)
{
    const struct config *c = &o->config;
    const char *name = o->strategy && strcmp(o->strategy, "auto") != 0 ? o->strategy : "dfs";
    struct explore_config x = explore_defaults;
    x.strategy = strategy_of(name);
    int given = o->preemptions >= 0 ? o->preemptions : c->preemptions;
    bool systematic = x.strategy == EXPLORE_DFS || x.strategy == EXPLORE_DPOR;
    x.preemptions = x.strategy == EXPLORE_DFS ? (given >= 0 ? given : 2) : x.strategy == EXPLORE_DPOR ? o->preemptions : -1;
    x.iterate = systematic && x.preemptions >= 0;
    x.keep_going = o->keep_going;
    x.seed = c->seed ? c->seed : 1;
    int64_t limit = o->schedules >= 0 ? o->schedules : c->schedules;
    x.schedules = limit >= 0 ? (uint64_t)limit : 0;
    x.steps = 100000;
    x.count_traces = true;
    x.stop = out_of_time;
    x.ran = on_run;
    x.user = s;
    double seconds = o->seconds > 0 ? o->seconds : c->time_seconds > 0 ? c->time_seconds : 60;
    s->started = now();
    s->deadline = s->started + seconds;
    explore_run(machine, &x, &f->r);
    while (spins_apply()) { /* a loop became a scheduling point: what was explored without it counts for nothing */
        explore_result_free(&f->r);
        explore_schedule_free(&s->passing);
        s->has_passing = false;
        s->runs = 0;
        explore_run(machine, &x, &f->r);
    }
    f->seconds = now() - s->started;
    f->complete = systematic && f->r.complete && !image_stubs_used();
    if (x.preemptions >= 0)
        snprintf(f->bound_text, sizeof f->bound_text, "%s, at most %d preemption%s, %u processors, time %s", name, x.preemptions, x.preemptions == 1 ? "" : "s", c->cpus,
                 c->time_any ? "any" : "idle");
    else
        snprintf(f->bound_text, sizeof f->bound_text, "%s, %s, %u processors, time %s", name, systematic ? "no bound on preemptions" : "sampling", c->cpus,
                 c->time_any ? "any" : "idle");
}

static bool write_failure(const struct options *o, const struct explore_machine *machine, struct search *s, struct found *f)
{
    struct explore_failure *x = &f->r.failures[0];
    explore_minimise(machine, &x->schedule, 500);
    struct explore_turning turning;
    memset(&turning, 0, sizeof turning);
    explore_last_avoidable(machine, &x->schedule, 3000, &turning);
    if (turning.found) {
        explore_schedule_free(&s->passing);
        s->passing = turning.passing;
    }
    spins_forget_noted(); /* of schedules that were tried only to make this one small */
    struct record_turning turn = { turning.index, &s->passing };
    f->record = record_run(machine, &x->schedule, turning.found ? &turn : NULL);
    if (f->record->outcome.key != x->key)
        base_panic("a failure did not come back when its schedule was run again: %s", x->text);
    char folder[PATH_MAX - 200], name[160], err[600];
    if (!output_folder(o, folder, sizeof folder)) {
        usage_error("%s: %s", o->output[0] ? o->output : "output folder", strerror(errno));
        return false;
    }
    replay_name(&o->config, name, sizeof name);
    snprintf(f->replay, sizeof f->replay, "%s/%s.irplab", folder, name);
    if (!replay_write(f->replay, &o->config, &x->schedule, &s->passing, turning.found ? turning.index : SIZE_MAX, f->record, err, sizeof err)) {
        usage_error("%s", err);
        return false;
    }
    return true;
}

int cli_explore(int argc, char **argv)
{
    struct options o;
    if (!options_parse(&o, argc, argv, true))
        return EXIT_USAGE;
    if (o.help) {
        fputs(explore_help, stdout);
        return EXIT_OK;
    }
    if (!o.has_target && !o.config.driver_count)
        return usage_error("explore what? Give a CASE, a PROGRAM.exe or --driver FILE.sys; see irplab explore --help");
    char err[600];
    if (!session_check_files(&o.config, err, sizeof err))
        return usage_error("%s", err);
    struct search s = { .o = &o };
    struct found f;
    memset(&f, 0, sizeof f);
    session_process_init();
    if (o.check_orders)
        return cli_check_orders(&o);
    const struct explore_machine *machine = explorable_open(&o.config);
    search(&o, machine, &s, &f);
    if (f.r.failure_count && !write_failure(&o, machine, &s, &f))
        return EXIT_USAGE;
    int status = f.r.failing ? EXIT_FAILURE_FOUND : EXIT_OK;
    if (f.record && outcome_exit_status(&f.record->outcome) == EXIT_USAGE)
        return usage_error("%s", f.record->outcome.message);
    if (o.json)
        print_json(&f);
    else
        print_text(&o, &f);
    record_free(f.record);
    explore_schedule_free(&s.passing);
    explore_result_free(&f.r);
    return status;
}

int cli_replay(int argc, char **argv)
{
    struct options o;
    const char *file = NULL;
    char *rest[64];
    int n = 0;
    for (int i = 0; i < argc && n < 63; i++) {
        if (i && argv[i][0] != '-' && !file && strcmp(argv[i - 1], "--color") != 0 && strcmp(argv[i - 1], "--output") != 0)
            file = argv[i];
        else
            rest[n++] = argv[i];
    }
    if (!options_parse(&o, n, rest, false))
        return EXIT_USAGE;
    if (o.help) {
        fputs(replay_help, stdout);
        return EXIT_OK;
    }
    if (!file)
        return usage_error("replay what? Give a FILE.irplab; see irplab replay --help");
    struct replay r;
    char err[600];
    if (!replay_read(file, &r, err, sizeof err))
        return usage_error("%s", err);
    session_process_init();
    const struct explore_machine *machine = explorable_open(&r.config);
    struct found f;
    memset(&f, 0, sizeof f);
    double start = now();
    struct record_turning turn = { r.turning, &r.passing };
    f.record = record_run(machine, &r.schedule, r.turning != SIZE_MAX ? &turn : NULL);
    f.seconds = now() - start;
    if (f.record->run_hash != r.run_hash && !o.quiet)
        fprintf(stderr, "irplab: warning: %s: this run differs from the recorded one (run hash %016llx, recorded %016llx)\n", file, (unsigned long long)f.record->run_hash,
                (unsigned long long)r.run_hash);
    bool failed = f.record->outcome.kind != FAILURE_NONE;
    f.r.schedules = 1;
    f.r.failing = failed;
    if (realpath(file, f.replay) == NULL)
        f.replay[0] = 0;
    snprintf(f.bound_text, sizeof f.bound_text, "one schedule");
    struct explore_failure x = { .text = f.record->outcome.message, .schedule = r.schedule, .times = 1 };
    if (failed) {
        f.r.failures = &x;
        f.r.failure_count = 1;
    }
    if (o.json)
        print_json(&f);
    else if (failed)
        report_text(stdout, f.record, use_color(&o));
    else
        printf("no failure\n");
    int status = outcome_exit_status(&f.record->outcome);
    record_free(f.record);
    return status;
}
