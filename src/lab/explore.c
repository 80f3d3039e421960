/* An exploration from options to result; see lab.h. */
#include <string.h>

#include "explore/explore.h"
#include "lab/failures.h"
#include "lab/lab.h"
#include "session/explorable.h"
#include "sim/image.h"
#include "sim/spins.h"

enum { LONGEST_RUN = 100000, USUAL_PREEMPTIONS = 2, USUAL_SECONDS = 60 };

struct search {
    const struct irplab *lab;
    double started, deadline, shown;
    bool timed_out;
    uint64_t runs;
    struct explore_schedule passing; /* a run without failure, for the report's other side */
    bool has_passing;
};

static bool out_of_time(void *user)
{
    struct search *s = user;
    if ((s->runs & 15) == 0 && lab_now() > s->deadline)
        s->timed_out = true;
    return s->timed_out || spins_waiting();
}

static void progress(struct search *s)
{
    double t = s->lab->progress ? lab_now() : 0;
    if (!s->lab->progress || t - s->shown < 0.2)
        return;
    s->shown = t;
    s->lab->progress(s->runs, t - s->started);
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

static void search(const struct irplab *lab, const struct explore_machine *machine, struct search *s, struct lab_result *r)
{
    const struct config *c = &lab->ready;
    const struct lab_search *o = &lab->search;
    const char *name = o->strategy && strcmp(o->strategy, "auto") != 0 ? o->strategy : "dfs";
    struct explore_config x = explore_defaults;
    x.strategy = strategy_of(name);
    int given = o->preemptions >= 0 ? o->preemptions : c->preemptions;
    bool systematic = x.strategy == EXPLORE_DFS || x.strategy == EXPLORE_DPOR;
    x.preemptions = x.strategy == EXPLORE_DFS ? (given >= 0 ? given : USUAL_PREEMPTIONS) : x.strategy == EXPLORE_DPOR ? o->preemptions : -1;
    x.iterate = systematic && x.preemptions >= 0;
    x.keep_going = o->keep_going;
    x.seed = c->seed ? c->seed : 1;
    int64_t limit = o->schedules >= 0 ? o->schedules : c->schedules;
    x.schedules = limit >= 0 ? (uint64_t)limit : 0;
    x.steps = LONGEST_RUN;
    x.count_traces = true;
    x.stop = out_of_time;
    x.ran = on_run;
    x.user = s;
    double seconds = o->seconds > 0 ? o->seconds : c->time_seconds > 0 ? c->time_seconds : USUAL_SECONDS;
    s->started = lab_now();
    s->deadline = s->started + seconds;
    explore_run(machine, &x, &r->found);
    while (spins_apply()) { /* a loop became a scheduling point: what was explored without it counts for nothing */
        explore_result_free(&r->found);
        explore_schedule_free(&s->passing);
        s->has_passing = false;
        s->runs = 0;
        explore_run(machine, &x, &r->found);
    }
    r->seconds = lab_now() - s->started;
    r->complete = systematic && r->found.complete && !image_stubs_used();
    if (x.preemptions >= 0)
        snprintf(r->bound, sizeof r->bound, "%s, at most %d preemption%s, %u processors, time %s", name, x.preemptions, x.preemptions == 1 ? "" : "s", c->cpus,
                 c->time_any ? "any" : "idle");
    else
        snprintf(r->bound, sizeof r->bound, "%s, %s, %u processors, time %s", name, systematic ? "no bound on preemptions" : "sampling", c->cpus,
                 c->time_any ? "any" : "idle");
}

bool lab_explore(struct irplab *lab, struct lab_result *r)
{
    memset(r, 0, sizeof *r);
    r->what = LAB_EXPLORE;
    lab->failed = false;
    struct search s = { .lab = lab };
    session_process_init();
    const struct explore_machine *machine = explorable_open(&lab->ready);
    search(lab, machine, &s, r);
    const struct session *last = session_state();
    r->program_ended = last && last->program_ended;
    r->program_exit = r->program_ended ? last->program_exit : 0;
    bool ok = lab_failures_collect(lab, r, machine, &s.passing);
    explore_schedule_free(&s.passing);
    /* An image that cannot be used is wrong input, whoever finds it. */
    if (ok && r->failure_count && outcome_exit_status(&r->failures[0].outcome) == 2)
        ok = lab_fail(lab, "%s", r->failures[0].outcome.message);
    if (!ok)
        lab_result_free(r);
    return ok;
}
