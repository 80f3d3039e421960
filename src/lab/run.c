/* One run, by default choices; and replays. See lab.h. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/file.h"
#include "kd/kd.h"
#include "lab/failures.h"
#include "lab/lab.h"
#include "report/report.h"
#include "session/explorable.h"
#include "sim/spins.h"
#include "trace/trace.h"

double lab_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A loop without calls that the run was caught in is a point when it begins again: as if it had been one all the time. */
static void one_run(struct snapshot *start)
{
    for (;;) {
        while (sim_run())
            sim_decide(0);
        if (MACHINE->end != RUN_SPIN || !spins_apply())
            break;
        sim_snapshot_restore(start);
        lab_output_again();
    }
    lab_output_end();
}

static char *screen(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    IR_ASSERT(f);
    kd_print_failure(f);
    fclose(f);
    return text;
}

/* The same choices with guard mode. What the guests print was printed before. */
static void one_guarded_run(struct lab_failure *f, struct snapshot *start)
{
    struct outcome o;
    sim_snapshot_restore(start);
    session_guard(true);
    while (sim_run())
        sim_decide(0);
    spins_forget_noted();
    if (MACHINE->end == RUN_SPIN)
        return;
    session_outcome(&o);
    if (!lab_guard_says_more(&f->outcome, &o))
        return;
    f->guard_outcome = o;
    f->guard_text = screen();
}

static void one_schedule(struct lab_result *r, enum lab_what what, bool failed)
{
    r->what = what;
    r->found.schedules = 1;
    r->found.failing = failed;
    r->has_run_hash = true;
    snprintf(r->bound, sizeof r->bound, "one schedule");
}

bool lab_run(struct irplab *lab, struct lab_result *r)
{
    memset(r, 0, sizeof *r);
    double began = lab_now();
    session_process_init();
    trace_hash_enable(true);
    if (lab->say)
        lab_output_begin(lab->say, lab->say_user);
    session_begin(&lab->ready);
    struct snapshot *start = sim_snapshot_take();
    one_run(start);
    const struct session *s = session_state();
    struct outcome o;
    session_outcome(&o);
    one_schedule(r, LAB_RUN, o.kind != FAILURE_NONE);
    r->program_ended = s->program_ended;
    r->program_exit = s->program_exit;
    r->run_hash = session_run_hash();
    r->seconds = lab_now() - began;
    if (o.kind != FAILURE_NONE) {
        struct lab_failure *f = lab_failure_add(r, &o, 1);
        r->exit_status = outcome_exit_status(&o); /* while the run's state is there */
        f->screen = screen();
        if (lab_failure_may_be_guarded(&lab->ready, &o))
            one_guarded_run(f, start);
    }
    sim_snapshot_free(start);
    return lab_coverage_write(lab);
}

bool lab_run_schedule(struct irplab *lab, struct lab_result *r)
{
    struct explore_schedule schedule = { 0 };
    struct explore_replay replay;
    const char *why = NULL;
    memset(r, 0, sizeof *r);
    lab->failed = false;
    if (!explore_schedule_parse(lab->search.schedule, &schedule, &why))
        return lab_fail(lab, "--schedule: %s", why);
    session_process_init();
    const struct explore_machine *machine = explorable_open(&lab->ready);
    double start = lab_now();
    explore_replay(machine, &schedule, NULL, NULL, NULL, &replay);
    if (replay.diverged) {
        explore_schedule_free(&schedule);
        return lab_fail(lab, "--schedule: choice %zu of it cannot be made here: it belongs to another case, program or build", replay.diverged_at);
    }
    struct record *record = record_run(machine, &schedule, NULL);
    bool failed = record->outcome.kind != FAILURE_NONE;
    one_schedule(r, LAB_REPLAY, failed);
    r->seconds = lab_now() - start;
    r->run_hash = record->run_hash;
    r->program_ended = record->program_ended;
    r->program_exit = record->program_exit;
    r->exit_status = outcome_exit_status(&record->outcome);
    if (failed) {
        struct lab_failure *f = lab_failure_add(r, &record->outcome, 1);
        f->record = record;
        f->schedule = explore_schedule_print(&schedule);
    } else {
        record_free(record);
    }
    explore_schedule_free(&schedule);
    return true;
}

bool lab_replay(struct irplab *lab, const char *file, struct lab_result *r)
{
    static struct replay replay; /* large */
    memset(r, 0, sizeof *r);
    lab->failed = false;
    if (!replay_read(file, &replay, lab->error, sizeof lab->error))
        return !(lab->failed = true);
    replay.config.guard |= lab->config.guard;
    session_process_init();
    const struct explore_machine *machine = explorable_open(&replay.config);
    double start = lab_now();
    struct record_turning turn = { replay.turning, &replay.passing };
    struct record *record = record_run(machine, &replay.schedule, replay.turning != SIZE_MAX ? &turn : NULL);
    bool failed = record->outcome.kind != FAILURE_NONE;
    one_schedule(r, LAB_REPLAY, failed);
    r->seconds = lab_now() - start;
    r->recorded_hash = replay.run_hash;
    r->run_hash = record->run_hash;
    r->program_ended = record->program_ended;
    r->program_exit = record->program_exit;
    if (failed) {
        struct lab_failure *f = lab_failure_add(r, &record->outcome, 1);
        f->record = record;
        f->passing = record->turn.known ? record_run(machine, &replay.passing, NULL) : NULL;
        f->schedule = explore_schedule_print(&replay.schedule);
        f->replay = realpath(file, NULL);
        r->exit_status = outcome_exit_status(&record->outcome);
        lab_failure_guard(&replay.config, f, machine, &replay.schedule);
    } else {
        record_free(record);
    }
    return lab_coverage_write(lab);
}

static bool write_page(const struct report *r, const char *path)
{
    struct base_file f;
    if (!base_file_begin(&f, path))
        return false;
    report_html(f.stream, r);
    return base_file_end(&f, true);
}

bool lab_report(struct irplab *lab, const char *file, const char *page, FILE *json, bool *differs)
{
    static struct replay replay; /* large */
    struct report report;
    lab->failed = false;
    if (!replay_read(file, &replay, lab->error, sizeof lab->error))
        return !(lab->failed = true);
    session_process_init();
    report_make(&report, &replay, file, explorable_open(&replay.config));
    *differs = report.differs;
    bool ok = !page || write_page(&report, page) || lab_fail(lab, "%s: %s", page, strerror(errno));
    if (ok && json)
        report_json(json, &report);
    report_free(&report);
    return ok;
}
