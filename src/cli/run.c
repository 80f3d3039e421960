/* irplab run: one run. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/console.h"
#include "cli/options.h"
#include "kd/kd.h"
#include "session/session.h"
#include "sim/image.h"
#include "sim/spins.h"
#include "trace/trace.h"

static const char help[] =
    "usage: irplab run [options] [CASE | PROGRAM.exe [args]]\n"
    "\n"
    "Loads the drivers, starts the devices, runs the program, removes and unloads, looks for leaks. One run, one schedule.\n"
    "Without a program the drivers are loaded, started and unloaded. The exit status is 0 if nothing failed, 1 if something did,\n"
    "2 if the input was wrong, 3 for an error of irplab itself.\n"
    "\n"
    "  --driver FILE.sys      a driver (repeatable)        --inf FILE         its INF\n"
    "  --device HWID          a device for it to stand on  --cpus N           virtual processors (default 2)\n"
    "  --stub MODULE!NAME=V   answer a missing import      --time-model M     idle (default) or any\n"
    "  --verifier on|off      off: rules of the verifier do not stop the run (default on)\n"
    "  --seed N  --json  --quiet  --verbose  --color auto|always|never  --output DIR\n"
    "\n"
    "example: irplab run --driver build/cases/lost-wakeup/lostwake.sys build/cases/lost-wakeup/lostwake.exe\n";

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print_json(const struct outcome *o, double seconds)
{
    const struct session *s = session_state();
    json_t *failures = json_array();
    if (o->kind != FAILURE_NONE)
        json_array_append_new(failures, json_pack("{s:s, s:I, s:s, s:s, s:n}", "kind", outcome_contract_kind(o), "code", (json_int_t)o->code, "name", o->name, "message",
                                                  o->message, "replay"));
    char hash[20];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)session_run_hash());
    json_t *j = json_pack("{s:i, s:i, s:i, s:b, s:s, s:f, s:o, s:o, s:s, s:b}", "schedules", 1, "blocked", 0, "failing", o->kind != FAILURE_NONE, "complete", 0, "bound",
                          "one schedule", "seconds", seconds, "failures", failures, "program_exit", s->program_ended ? json_integer(s->program_exit) : json_null(),
                          "run_hash", hash, "stubs", image_stubs_used());
    json_dumpf(j, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(j);
}

/* A loop without calls that the run was caught in is a point when it begins again: as if it had been one all the time. */
static void one_run(void)
{
    struct snapshot *start = sim_snapshot_take();
    for (;;) {
        while (sim_run())
            sim_decide(0);
        if (MACHINE->end != RUN_SPIN || !spins_apply())
            break;
        sim_snapshot_restore(start);
        console_again();
    }
    sim_snapshot_free(start);
    console_end();
}

int cli_run(int argc, char **argv)
{
    struct options o;
    if (!options_parse(&o, argc, argv, false))
        return EXIT_USAGE;
    if (o.help) {
        fputs(help, stdout);
        return EXIT_OK;
    }
    if (!o.has_target && !o.config.driver_count)
        return usage_error("run what? Give a CASE, a PROGRAM.exe or --driver FILE.sys; see irplab run --help");
    char err[600];
    if (!session_check_files(&o.config, err, sizeof err))
        return usage_error("%s", err);
    console_pass_through(o.json ? stderr : stdout, o.verbose && !o.json);
    double start = now();
    session_process_init();
    trace_hash_enable(true);
    session_begin(&o.config);
    one_run();
    struct outcome out;
    session_outcome(&out);
    fflush(stdout);
    if (o.json) {
        print_json(&out, now() - start);
    } else if (out.kind != FAILURE_NONE) {
        fprintf(stderr, "irplab: %s: %s\n", failure_kind_text(out.kind), out.message);
        if (!o.quiet)
            kd_print_failure(stderr);
    } else if (o.verbose) {
        fprintf(stderr, "irplab: no failure; run hash %016llx\n", (unsigned long long)session_run_hash());
    }
    if (image_stubs_used() && !o.json && !o.quiet)
        fprintf(stderr, "irplab: note: an import was answered by --stub\n");
    return outcome_exit_status(&out);
}
