/* An exploration from options to result; see lab.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "explore/explore.h"
#include "lab/campaign.h"
#include "lab/failures.h"
#include "lab/lab.h"
#include "lab/search.h"
#include "session/explorable.h"
#include "race/points.h"
#include "race/race.h"
#include "sim/image.h"
#include "sim/patch.h"
#include "sim/spins.h"

enum { LONGEST_RUN = 100000, USUAL_PREEMPTIONS = 2, USUAL_SECONDS = 60, AT_ANY_TIME = 100 };

struct search {
    const struct irplab *lab;
    double started, deadline, shown;
    bool timed_out;
    uint64_t runs;
    struct explore_result earlier; /* its failures only: found before racing places became points */
};

static bool out_of_time(void *user)
{
    struct search *s = user;
    if (lab_now() > s->deadline)
        s->timed_out = true;
    return s->timed_out || spins_waiting() || (s->lab->search.keep_going && race_points_waiting());
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
    if (run->outcome)
        race_finding_note_pair();
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

static void failures_add(struct explore_result *all, struct explore_result *part)
{
    for (size_t i = 0; i < part->failure_count; i++) {
        struct explore_failure *f = &part->failures[i], *known = NULL;
        for (size_t k = 0; k < all->failure_count && !known; k++)
            known = all->failures[k].key == f->key ? &all->failures[k] : NULL;
        if (known) {
            known->times += f->times;
            free(f->text);
            explore_schedule_free(&f->schedule);
            continue;
        }
        all->failures = realloc(all->failures, (all->failure_count + 1) * sizeof *all->failures);
        if (!all->failures)
            base_panic("out of memory while exploring");
        f->found_at += all->schedules;
        all->failures[all->failure_count++] = *f;
    }
    free(part->failures);
    part->failures = NULL;
    part->failure_count = 0;
}

void search_result_add(struct explore_result *all, struct explore_result *part)
{
    failures_add(all, part);
    all->schedules += part->schedules;
    all->blocked += part->blocked;
    all->failing += part->failing;
    all->merged += part->merged;
    all->traces = part->traces > all->traces ? part->traces : all->traces; /* what was drawn at random is met again */
    all->cut += part->cut;
    all->steps += part->steps;
    all->replayed += part->replayed;
    all->tries += part->tries;
    all->futile += part->futile;
    all->complete = part->complete;
    all->bound_hit = part->bound_hit;
    all->unbounded = part->unbounded;
    all->preemptions = part->preemptions;
    free(all->why_text);
    all->why_not = part->why_not;
    all->why_text = part->why_text;
}

static void run_phase(const struct explore_machine *machine, const struct explore_config *x, struct lab_result *r)
{
    struct explore_config rest = *x;
    if (rest.schedules)
        rest.schedules = rest.schedules > r->found.schedules ? rest.schedules - r->found.schedules : 1;
    struct explore_result part;
    explore_run(machine, &rest, &part);
    search_result_add(&r->found, &part);
}

static bool is_over(const struct explore_config *x, const struct search *s, const struct lab_result *r)
{
    return (r->found.failing && !x->keep_going) || s->timed_out || spins_waiting() || (x->keep_going && race_points_waiting()) || (x->schedules && r->found.schedules >= x->schedules);
}

/* A short phase of schedules drawn at random, then all classes of orders with the fewest preemptions first; where the reduction cannot be
 * trusted, all orders instead. */
static const char *search_auto(const struct explore_machine *machine, struct explore_config x, struct search *s, struct lab_result *r)
{
    static const struct {
        enum explore_strategy strategy;
        uint64_t schedules;
    } draws[] = { { EXPLORE_PCT, AUTO_PCT }, { EXPLORE_RANDOM, AUTO_RANDOM } };
    for (unsigned i = 0; i < sizeof draws / sizeof draws[0] && !is_over(&x, s, r); i++) {
        struct explore_config draw = x;
        draw.strategy = draws[i].strategy;
        draw.preemptions = -1;
        draw.iterate = false;
        uint64_t most = x.schedules ? x.schedules / 4 : UINT64_MAX;
        draw.schedules = draws[i].schedules < most ? draws[i].schedules : most;
        if (!draw.schedules)
            continue;
        draw.sweep = draw.strategy == EXPLORE_RANDOM && search_sweeps(s->lab);
        struct explore_result part;
        patch_sweep(draw.sweep);
        explore_run(machine, &draw, &part);
        patch_sweep(false);
        search_result_add(&r->found, &part);
    }
    if (is_over(&x, s, r))
        return "pct and random";
    x.strategy = EXPLORE_DPOR;
    if (!explorable_opaque())
        run_phase(machine, &x, r);
    bool broken = r->found.why_not && strncmp(r->found.why_not, "broken promise", 14) == 0;
    if (!explorable_opaque() && !broken)
        return "pct and random, then dpor";
    if (is_over(&x, s, r))
        return "pct and random, then dpor";
    x.strategy = EXPLORE_DFS;
    run_phase(machine, &x, r);
    return "pct and random, then dfs";
}

static void describe_bound(const struct config *c, const struct explore_config *x, const char *name, bool systematic, struct lab_result *r)
{
    char within[100] = "sampling";
    if (systematic && x->delays >= 0)
        snprintf(within, sizeof within, "at most %d delay%s%s", x->delays, x->delays == 1 ? "" : "s", r->complete ? "" : ", not finished");
    else if (systematic && r->complete && r->found.unbounded)
        snprintf(within, sizeof within, "no bound on preemptions");
    else if (systematic && x->preemptions < 0)
        snprintf(within, sizeof within, "no bound on preemptions%s", r->complete ? "" : ", not finished");
    else if (systematic && r->complete)
        snprintf(within, sizeof within, "at most %d preemption%s", x->preemptions, x->preemptions == 1 ? "" : "s");
    else if (systematic && r->found.preemptions >= 0 && r->found.preemptions < x->preemptions)
        snprintf(within, sizeof within, "at most %d preemption%s (finished with %d)", x->preemptions, x->preemptions == 1 ? "" : "s", r->found.preemptions);
    else if (systematic)
        snprintf(within, sizeof within, "at most %d preemption%s, not finished", x->preemptions, x->preemptions == 1 ? "" : "s");
    char races[60] = "";
    if (r->race_points)
        snprintf(races, sizeof races, ", %zu racing pair%s of instructions as scheduling points", r->race_points, r->race_points == 1 ? "" : "s");
    snprintf(r->bound, sizeof r->bound, "%s, %s, %u processors, time %s%s", name, within, c->cpus, c->time_any ? "any" : "idle", races);
}

static const char *search_once(const struct lab_search *o, const struct explore_machine *machine, const struct explore_config *x, struct search *s, struct lab_result *r)
{
    if (!o->strategy || strcmp(o->strategy, "auto") == 0)
        return search_auto(machine, *x, s, r);
    explore_run(machine, x, &r->found);
    return o->strategy;
}

static void explored_forget(struct search *s, struct lab_result *r)
{
    explore_result_free(&r->found);
    memset(&r->found, 0, sizeof r->found);
    s->runs = 0;
}

static void mark_with_race_points(struct explore_result *x)
{
    for (size_t i = 0; i < x->failure_count; i++)
        x->failures[i].race_points = race_points_count();
}

void search_keep_failures(struct explore_result *earlier, struct explore_result *found)
{
    mark_with_race_points(found);
    struct explore_result kept = { .failures = found->failures, .failure_count = found->failure_count };
    found->failures = NULL;
    found->failure_count = 0;
    failures_add(earlier, &kept);
    explore_result_free(found);
    memset(found, 0, sizeof *found);
}

static void racing_places_become_points(struct search *s, struct lab_result *r)
{
    search_keep_failures(&s->earlier, &r->found);
    s->runs = 0;
    race_points_apply();
}

/* A loop became a scheduling point: schedules of before are none any more. */
static void races_forget(struct search *s)
{
    explore_result_free(&s->earlier);
    memset(&s->earlier, 0, sizeof s->earlier);
    race_points_use(0);
}

/* How often an earlier search came to a failure depends on when it began again, so each counts once, or as often as the last one found it. */
void search_put_first(struct explore_result *earlier, struct explore_result *x)
{
    mark_with_race_points(x);
    for (size_t i = 0; i < earlier->failure_count; i++) {
        struct explore_failure *f = &earlier->failures[i];
        bool again = false;
        for (size_t k = 0; k < x->failure_count; k++)
            again |= x->failures[k].key == f->key;
        f->times = !again;
        x->failing += f->times;
        x->schedules += f->times;
    }
    struct explore_result later = { .failures = x->failures, .failure_count = x->failure_count };
    x->failures = earlier->failures;
    x->failure_count = earlier->failure_count;
    memset(earlier, 0, sizeof *earlier);
    failures_add(x, &later);
}

bool search_sweeps(const struct irplab *lab)
{
    return !lab->ready.watch && !lab->ready.sweep_off && !spins_no_more_plain();
}

bool search_is_automatic(const struct irplab *lab)
{
    return !lab->search.strategy || strcmp(lab->search.strategy, "auto") == 0;
}

static bool is_systematic(const struct explore_config *x)
{
    return x->strategy == EXPLORE_DFS || x->strategy == EXPLORE_DPOR;
}

bool search_uses_promises(const struct explore_config *x)
{
    return x->strategy == EXPLORE_DPOR && x->preemptions < 0;
}

double search_config(const struct irplab *lab, struct explore_config *out)
{
    const struct config *c = &lab->ready;
    const struct lab_search *o = &lab->search;
    bool automatic = search_is_automatic(lab);
    struct explore_config x = explore_defaults;
    x.strategy = automatic ? EXPLORE_DPOR : strategy_of(o->strategy);
    int given = o->preemptions >= 0 ? o->preemptions : c->preemptions;
    if (automatic || x.strategy == EXPLORE_DFS)
        x.preemptions = given >= 0 ? given : USUAL_PREEMPTIONS;
    else
        x.preemptions = x.strategy == EXPLORE_DPOR ? o->preemptions : -1;
    x.delays = o->delays;
    if (x.delays >= 0)
        x.preemptions = o->preemptions;
    x.depth = o->depth;
    x.iterate = is_systematic(&x) && x.preemptions >= 0;
    x.keep_going = o->keep_going;
    x.seed = c->seed ? c->seed : 1;
    int64_t limit = o->schedules >= 0 ? o->schedules : c->schedules;
    x.schedules = limit >= 0 ? (uint64_t)limit : 0;
    x.steps = LONGEST_RUN;
    x.count_traces = true;
    explorable_promises(search_uses_promises(&x));
    *out = x;
    return o->seconds > 0 ? o->seconds : c->time_seconds > 0 ? c->time_seconds : USUAL_SECONDS;
}

static const char *name_of(const struct irplab *lab, bool by_dfs)
{
    return !search_is_automatic(lab) ? lab->search.strategy : by_dfs ? "pct and random, then dfs" : "pct and random, then dpor";
}

/* A race whose instructions have not become scheduling points: orders that it decides were not looked at. */
static bool has_open_race(const struct lab_result *r)
{
    static const char race[] = "verifier: data race on ";
    for (size_t i = 0; i < r->found.failure_count; i++)
        if (strncmp(r->found.failures[i].text, race, sizeof race - 1) == 0 && r->found.failures[i].race_points >= r->race_points)
            return true;
    return false;
}

static void conclude(const struct irplab *lab, const struct explore_config *x, const char *name, const char *opaque, struct lab_result *r)
{
    bool systematic = is_systematic(x), reduced = strcmp(name, "dpor") == 0 || strstr(name, "then dpor");
    r->complete = systematic && r->found.complete && !image_stubs_used();
    if (r->complete && has_open_race(r)) {
        r->complete = false;
        r->why_not = "a data race was found, and its accesses are no scheduling points";
    }
    if (r->complete && reduced && opaque) {
        r->complete = false;
        r->why_not = opaque;
    }
    describe_bound(&lab->ready, x, name, systematic, r);
}

static void search(const struct irplab *lab, const struct explore_machine *machine, struct search *s, struct lab_result *r)
{
    struct explore_config x;
    double seconds = search_config(lab, &x);
    x.stop = out_of_time;
    x.stop_within = true;
    x.ran = on_run;
    x.user = s;
    s->started = lab_now();
    s->deadline = s->started + seconds;
    const char *name = search_once(&lab->search, machine, &x, s, r);
    for (;;) {
        if (!spins_waiting() && x.keep_going && !s->timed_out && race_points_waiting()) {
            racing_places_become_points(s, r);
            name = search_once(&lab->search, machine, &x, s, r);
            continue;
        }
        if (!spins_apply())
            break;
        race_points_forget_noted();
        races_forget(s); /* a loop became a scheduling point: what was explored without it counts for nothing */
        explored_forget(s, r);
        name = search_once(&lab->search, machine, &x, s, r);
    }
    r->race_points = race_points_count();
    search_put_first(&s->earlier, &r->found);
    r->seconds = lab_now() - s->started;
    conclude(lab, &x, name, explorable_opaque(), r);
}

static void conclude_shared(const struct irplab *lab, const char *opaque, bool timed_out, struct lab_result *r)
{
    static char why[200]; /* the result outlives the search */
    struct explore_config x;
    search_config(lab, &x);
    r->race_points = race_points_count();
    bool failed_early = r->found.failing && !x.keep_going, by_dfs = opaque && !failed_early && !timed_out;
    snprintf(why, sizeof why, "%s", opaque ? opaque : "");
    conclude(lab, &x, name_of(lab, by_dfs), opaque ? why : NULL, r);
}

/* By processes of their own; this one has no machine yet. */
static bool search_shared(struct irplab *lab, struct lab_result *r, char **opaque, bool *timed_out)
{
    struct explorers x;
    bool names_target = lab->search.state[0] || lab->search.resume[0] || lab->search.queue[0];
    if (names_target && !campaign_prepare(lab))
        return false;
    if (lab->search.queue[0] ? !queue_begin(lab, &x) : !crew_begin(lab, (unsigned)lab->search.jobs, &x))
        return false;
    bool ok = campaign_run(lab, &x, r, opaque, timed_out);
    x.end(x.user);
    return ok;
}

static bool blames_a_driver(const struct explore_failure *f)
{
    bool spins = strncmp(f->text, "deadlock: ", 10) == 0 && strstr(f->text, " waits for spin lock ");
    return spins || strncmp(f->text, "bugcheck: ", 10) == 0 || strncmp(f->text, "verifier: ", 10) == 0;
}

/* Timers and time-outs came only when nobody else could go on, and nothing failed: more schedules are drawn, in which they come at any
 * time. Of what fails there only what a driver must never do counts. A program that finds a time-out over sooner than it is used to proves nothing. They
 * count only if one fails so, and then time is any for all that follows. */
static bool failed_at_any_time(struct irplab *lab, const struct explore_machine *machine, struct lab_result *r)
{
    struct explore_config x;
    search_config(lab, &x);
    x.keep_going = true;
    x.preemptions = -1;
    x.iterate = false;
    uint64_t before = r->found.schedules;
    explorable_any_time(true);
    for (unsigned i = 0; i < 2 && !r->found.failing; i++) {
        x.strategy = i ? EXPLORE_RANDOM : EXPLORE_PCT;
        x.schedules = i ? AT_ANY_TIME : AUTO_PCT;
        struct explore_result part;
        explore_run(machine, &x, &part);
        size_t first = 0;
        while (first < part.failure_count && !blames_a_driver(&part.failures[first]))
            first++;
        if (first < part.failure_count) {
            struct explore_failure f = part.failures[first];
            part.failures[first] = part.failures[--part.failure_count];
            f.found_at += before;
            f.times = 1;
            r->found.failures = malloc(sizeof f);
            IR_ASSERT(r->found.failures);
            r->found.failures[r->found.failure_count++] = f;
            r->found.failing++;
            r->found.schedules = f.found_at;
        }
        before += part.schedules;
        explore_result_free(&part);
    }
    spins_forget_noted();
    if (!r->found.failing) {
        explorable_any_time(false);
        return false;
    }
    lab->ready.time_any = true;
    r->complete = false;
    r->why_not = "stopped at the first failure, which came with timers and time-outs at any time";
    return true;
}

/* The run that nobody is preempted in: what a program exits with, and what a report can compare a failure to. */
static void usual_run(const struct explore_machine *machine, struct lab_result *r, struct explore_schedule *passing)
{
    const struct explore_schedule none = { 0 };
    struct explore_replay replay;
    explore_replay(machine, &none, passing, NULL, NULL, &replay);
    spins_forget_noted();
    const struct session *last = session_state();
    r->program_ended = last && last->program_ended;
    r->program_exit = r->program_ended ? last->program_exit : 0;
    if (replay.status != EXPLORE_DONE)
        explore_schedule_free(passing);
}

bool lab_explore(struct irplab *lab, struct lab_result *r)
{
    memset(r, 0, sizeof *r);
    r->what = LAB_EXPLORE;
    lab->failed = false;
    struct search s = { .lab = lab };
    struct explore_schedule passing = { 0 };
    bool shared = lab->search.jobs > 1 || lab->search.state[0] || lab->search.resume[0] || lab->search.queue[0];
    struct confirmer *confirmer = confirm_begin();
    char *opaque = NULL;
    bool timed_out = false, ok = !shared || search_shared(lab, r, &opaque, &timed_out);
    if (ok) {
        session_process_init();
        const struct explore_machine *machine = explorable_open(&lab->ready);
        if (!shared)
            search(lab, machine, &s, r);
        else
            conclude_shared(lab, opaque, timed_out, r);
        usual_run(machine, r, &passing);
        r->idle_timers = !lab->ready.time_any && MACHINE->guests_time;
        if (r->idle_timers && r->complete && !r->found.failing && search_is_automatic(lab) && failed_at_any_time(lab, machine, r)) {
            explore_schedule_free(&passing);
            usual_run(machine, r, &passing);
        }
        ok = lab_failures_collect(lab, r, machine, &passing, confirmer) && lab_coverage_write(lab);
    }
    confirm_end(confirmer);
    free(opaque);
    explore_schedule_free(&passing);
    /* An image that cannot be used is wrong input, whoever finds it. */
    if (ok && r->failure_count && outcome_exit_status(&r->failures[0].outcome) == 2)
        ok = lab_fail(lab, "%s", r->failures[0].outcome.message);
    if (!ok)
        lab_result_free(r);
    return ok;
}
