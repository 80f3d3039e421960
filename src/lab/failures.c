#include "lab/failures.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "lab/campaign.h"
#include "report/replay_file.h"
#include "session/explorable.h"
#include "race/points.h"
#include "sim/spins.h"

enum { MINIMISE_RUNS = 500, FIRST_RUNS = 400, TURNING_RUNS = 3000, STEPS_EACH = 400000 };

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

bool lab_output_folder(struct irplab *lab, char *out, size_t size)
{
    struct stat st;
    if (lab->output[0])
        snprintf(out, size, "%s", lab->output);
    else if (stat("meson.build", &st) == 0 && stat("build", &st) == 0)
        snprintf(out, size, "build/replays");
    else
        snprintf(out, size, "irplab-out");
    if (!make_folders(out))
        return lab_fail(lab, "%s: %s", out, strerror(errno));
    char real[PATH_MAX];
    if (realpath(out, real))
        snprintf(out, size, "%s", real);
    return true;
}

/* Of the case or program; the first failure's has no number. */
static void replay_name(const struct config *c, size_t number, char *out, size_t size)
{
    int n = snprintf(out, size, "%s", c->name[0] ? c->name : "run");
    for (char *p = out; *p; p++)
        if (*p == '/' || *p == ' ')
            *p = '-';
    if (n > 4 && strcasecmp(out + n - 4, ".exe") == 0)
        out[n -= 4] = 0;
    if (number)
        snprintf(out + n, size - (size_t)n, "-%zu", number + 1);
}

struct lab_failure *lab_failure_add(struct lab_result *r, const struct outcome *o, uint64_t times)
{
    r->failures = realloc(r->failures, (r->failure_count + 1) * sizeof *r->failures);
    IR_ASSERT(r->failures);
    struct lab_failure *f = &r->failures[r->failure_count++];
    *f = (struct lab_failure) { .outcome = *o, .times = times };
    return f;
}

/* Not what guard mode cannot add to: a wrong input, a missing function. */
bool lab_failure_may_be_guarded(const struct config *c, const struct outcome *o)
{
    return !c->guard && o->kind != FAILURE_NONE && o->kind != FAILURE_LOAD && o->kind != FAILURE_UNSUPPORTED;
}

/* What the verifier had found as well says nothing new. */
bool lab_guard_says_more(const struct outcome *o, const struct outcome *guarded)
{
    return guarded->guarded && !(o->kind == FAILURE_VERIFIER && o->code == guarded->code);
}

void lab_failure_guard(const struct config *c, struct lab_failure *f, const struct explore_machine *machine, const struct explore_schedule *schedule)
{
    if (!lab_failure_may_be_guarded(c, &f->outcome))
        return;
    explorable_guard(true);
    struct record *again = record_run(machine, schedule, NULL);
    explorable_guard(false);
    spins_forget_noted();
    if (lab_guard_says_more(&f->outcome, &again->outcome) && again->failure) {
        f->guard_outcome = again->outcome;
        f->guard_text = strdup(again->failure);
    }
    record_free(again);
}

/* A loop that hangs makes runs of tens of thousands of steps. */
static unsigned runs_for(size_t steps, unsigned most)
{
    size_t runs = STEPS_EACH / (steps + 1) + 5;
    return runs < most ? (unsigned)runs : most;
}

/* The first schedule that fails with this key when orders are gone through in a fixed way, fewest preemptions first: the same whoever found
 * the failure how. Not found in so many runs, what was found stays. */
struct wanted {
    uint64_t key;
    struct explore_schedule schedule;
    unsigned asked; /* runs that are given up count as well */
    bool found;
};

static bool is_found(void *user)
{
    struct wanted *w = user;
    return w->found || ++w->asked > 10 * FIRST_RUNS || spins_waiting();
}

static void look(void *user, const struct explore_report *run)
{
    struct wanted *w = user;
    if (w->found || !run->outcome || run->outcome->key != w->key)
        return;
    explore_schedule_copy(&w->schedule, run->schedule);
    w->found = true;
}

static void first_of_its_kind(const struct explore_machine *machine, struct explore_failure *x)
{
    struct wanted w = { .key = x->key };
    struct explore_result r;
    struct explore_replay replay;
    explore_replay(machine, &x->schedule, NULL, NULL, NULL, &replay);
    struct explore_config c = explore_defaults;
    c.preemptions = (int)replay.preemptions;
    c.iterate = c.keep_going = true;
    c.schedules = runs_for(x->schedule.count, FIRST_RUNS);
    c.stop = is_found;
    c.ran = look;
    c.user = &w;
    explore_run(machine, &c, &r);
    explore_result_free(&r);
    spins_forget_noted();
    if (w.found) {
        explore_schedule_free(&x->schedule);
        x->schedule = w.schedule;
        explore_minimise(machine, &x->schedule, runs_for(x->schedule.count, MINIMISE_RUNS));
    }
    explore_replay(machine, &x->schedule, NULL, NULL, NULL, &replay);
    x->preemptions = replay.preemptions;
}

static int compare_failures(const void *a, const void *b)
{
    const struct explore_failure *x = a, *y = b;
    if (x->preemptions != y->preemptions)
        return x->preemptions < y->preemptions ? -1 : 1;
    if (x->schedule.count != y->schedule.count)
        return x->schedule.count < y->schedule.count ? -1 : 1;
    int order = strcmp(x->text, y->text);
    return order ? order : x->key < y->key ? -1 : x->key > y->key;
}

static bool collect(struct irplab *lab, struct lab_result *r, const struct explore_machine *machine, const struct explore_schedule *passing, struct confirmer *confirmer,
                    size_t number)
{
    static const struct explore_schedule none;
    struct explore_failure *x = &r->found.failures[number];
    struct explore_turning turning;
    memset(&turning, 0, sizeof turning);
    race_points_use(x->race_points);
    if (x->race_points != r->race_points)
        passing = &none; /* what it could be is a run with other scheduling points */
    explore_last_avoidable(machine, &x->schedule, runs_for(x->schedule.count, TURNING_RUNS), &turning);
    spins_forget_noted(); /* of schedules that were tried only to make this one small */
    const struct explore_schedule *other = turning.found ? &turning.passing : passing;
    struct record_turning turn = { turning.index, other };
    struct record *record = record_run(machine, &x->schedule, turning.found ? &turn : NULL);
    if (record->outcome.key != x->key)
        base_panic("a failure did not come back when its schedule was run again: %s", x->text);
    struct lab_failure *f = lab_failure_add(r, &record->outcome, x->times);
    f->record = record;
    f->passing = turning.found ? record_run(machine, &turning.passing, NULL) : NULL;
    f->preemptions = x->preemptions;
    f->choices = x->schedule.count;
    f->schedule = explore_schedule_print(&x->schedule);
    char folder[CONFIG_PATH], name[160], path[CONFIG_PATH + 200];
    bool ok = lab_output_folder(lab, folder, sizeof folder);
    if (ok) {
        replay_name(&lab->ready, number, name, sizeof name);
        snprintf(path, sizeof path, "%s/%s.irplab", folder, name);
        ok = replay_write(path, &lab->ready, &x->schedule, other, turning.found ? turning.index : SIZE_MAX, record, lab->error, sizeof lab->error);
        lab->failed = !ok;
        f->replay = ok ? strdup(path) : NULL;
    }
    if (ok && outcome_exit_status(&record->outcome) != 2 && !confirm_ask(confirmer, path, x->key, record->run_hash))
        base_panic("a failure did not come back when its replay file was run in another process: %s (%s)", x->text, path);
    lab_failure_guard(&lab->ready, f, machine, &x->schedule);
    explore_schedule_free(&turning.passing);
    return ok;
}

bool lab_failures_collect(struct irplab *lab, struct lab_result *r, const struct explore_machine *machine, const struct explore_schedule *passing, struct confirmer *confirmer)
{
    struct explore_result *found = &r->found;
    for (size_t i = 0; i < found->failure_count; i++) {
        race_points_use(found->failures[i].race_points);
        explore_minimise(machine, &found->failures[i].schedule, runs_for(found->failures[i].schedule.count, MINIMISE_RUNS));
        spins_forget_noted();
        first_of_its_kind(machine, &found->failures[i]);
        spins_forget_noted();
    }
    if (found->failure_count)
        qsort(found->failures, found->failure_count, sizeof *found->failures, compare_failures);
    for (size_t i = 0; i < found->failure_count; i++)
        if (!collect(lab, r, machine, passing, confirmer, i))
            return false;
    if (r->failure_count) {
        const struct record *first = r->failures[0].record;
        r->run_hash = first->run_hash;
        r->has_run_hash = true;
        r->program_ended = first->program_ended;
        r->program_exit = first->program_exit;
    }
    return true;
}
