/* irplab run: one run. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "kd/kd.h"
#include "sim/image.h"

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
    "  --input FILE           what is typed at the program's console (- for irplab's own input); then Enter for whoever asks for a key\n"
    "  --watch PERCENT        looks for data races in images built without --race, too (docs/races.md)\n"
    "  --verifier on|off      off: rules of the verifier do not stop the run (default on)\n"
    "  --reuse                pool blocks are given out again as soon as somebody has freed them\n"
    "  --guard                each IRP and pool block on pages of its own: a use after free or an overrun stops at the instruction\n"
    "  --wdf-log              print the framework's in-flight recorder (KMDF drivers) as it is written\n"
    "  --schedule TEXT        the order in which an exploration found a failure (its --json prints it), instead of the usual one\n"
    "  --seed N  --json  --quiet  --verbose  --color auto|always|never  --output DIR\n"
    "\n"
    "example: irplab run --driver build/cases/lost-wakeup/lostwake.sys build/cases/lost-wakeup/lostwake.exe\n";

static bool debug_prints;
static FILE *program_output;

static void say(void *user, int stream, const char *text, size_t bytes)
{
    if (stream != 3 || debug_prints)
        fwrite(text, 1, bytes, stream == 1 ? program_output : stderr);
}

static void print(const struct options *o, const struct lab_result *r)
{
    const struct lab_failure *f = r->failure_count ? &r->failures[0] : NULL;
    if (f) {
        fprintf(stderr, "irplab: %s: %s\n", failure_kind_text(f->outcome.kind), f->outcome.message);
        if (!o->quiet)
            fputs(f->screen, stderr);
        if (!o->quiet)
            lab_print_guard(f, stderr);
    } else if (o->verbose) {
        fprintf(stderr, "irplab: no failure; run hash %016llx\n", (unsigned long long)r->run_hash);
    }
    if (image_stubs_used() && !o->quiet)
        fprintf(stderr, "irplab: note: an import was answered by --stub\n");
}

/* The schedule that an exploration printed, with the report of a replay. */
static int run_schedule(struct options *o)
{
    struct lab_result r;
    if (!lab_run_schedule(&o->lab, &r))
        return usage_error("%s", o->lab.error);
    int status = lab_status(&r);
    if (status == EXIT_USAGE && r.failure_count) {
        usage_error("%s", r.failures[0].outcome.message);
    } else if (o->json) {
        char *json = lab_json(&r);
        puts(json);
        free(json);
    } else {
        lab_print(&r, stdout, options_color(o), o->quiet);
    }
    lab_result_free(&r);
    return status;
}

int cli_run(int argc, char **argv)
{
    static struct options o; /* large */
    struct lab_result r;
    if (!options_parse(&o, argc, argv, FOR_RUN))
        return EXIT_USAGE;
    if (o.help) {
        fputs(help, stdout);
        return EXIT_OK;
    }
    if (!o.lab.has_target && !o.lab.config.driver_count)
        return usage_error("run what? Give a CASE, a PROGRAM.exe or --driver FILE.sys; see irplab run --help");
    if (!lab_prepare(&o.lab))
        return usage_error("%s", o.lab.error);
    if (o.lab.search.schedule)
        return run_schedule(&o);
    program_output = o.json ? stderr : stdout;
    debug_prints = o.verbose && !o.json;
    irplab_on_output(&o.lab, say, NULL);
    kd_wdf_log_live = o.wdf_log;
    lab_run(&o.lab, &r);
    fflush(stdout);
    int status = lab_status(&r);
    if (status == EXIT_USAGE && r.failure_count) {
        usage_error("%s", r.failures[0].outcome.message);
    } else if (o.json && status != EXIT_USAGE) {
        char *json = lab_json(&r);
        puts(json);
        free(json);
    } else {
        print(&o, &r);
    }
    lab_result_free(&r);
    return status;
}
