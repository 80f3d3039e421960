/* irplab explore: every schedule that matters. irplab replay: exactly that run again. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/orders.h"
#include "kd/kd.h"
#include "lab/lab.h"
#include "report/ci.h"

static const char explore_help[] =
    "usage: irplab explore [options] [CASE | PROGRAM.exe [args]]\n"
    "\n"
    "Runs the case in every order that matters within the bounds. Stops at the first failure, makes it small, confirms it, prints it and\n"
    "writes a replay file. Exit status: 0 no failure (complete or out of budget: it says which), 1 a failure, 2 wrong input, 3 internal.\n"
    "\n"
    "  --strategy S     auto (default), dpor, dfs, pct, pos, surw, random\n"
    "  --preemptions N  highest number of preemptions in a schedule (default 2; dpor: none counted unless given)\n"
    "  --delays N       dfs (which it selects): highest number of delays, agents passed over where the next one in turn could go on; no bound on preemptions unless given\n"
    "  --depth D        pct: looks for failures that D orderings bring about (default 3)\n"
    "  --schedules N    stop after N schedules             --time SECONDS   stop after that long (default 60)\n"
    "  --jobs N         processes that share the search    --keep-going     past the first failure\n"
    "  --state FILE     keeps the search in FILE, so that it can go on later     --resume FILE   goes on with it (CASE may be left out)\n"
    "  --queue URL      redis://HOST:PORT/NAME: irplab worker on any machine explores, this process keeps order\n"
    "  --driver FILE.sys  --device HWID  --inf FILE  --stub MODULE!NAME=V  --cpus N  --time-model idle|any  --seed N\n"
    "  --input FILE     what is typed at the program's console\n"
    "  --watch PERCENT  reports data races in images built without --race, too: at so many of a hundred instructions, drawn by --seed. Without it the first\n"
    "                   schedules look at all of them, and those that race become scheduling points; 0: not even that\n"
    "  --verifier on|off  off: rules of the verifier do not stop a run, which goes on to what Windows would make of it\n"
    "  --guard          each IRP and pool block on pages of its own: a use after free or an overrun stops at the instruction\n"
    "  --reuse          pool blocks are given out again as soon as somebody has freed them, so that one address may be taken for another\n"
    "  --junit FILE, --sarif FILE   also write what was found for a continuous-integration server\n"
    "  --check-orders   instead: runs neighbours that are said to be independent in both orders and compares the bytes\n"
    "  --json  --quiet  --verbose  --color auto|always|never  --output DIR\n"
    "\n"
    "example: irplab explore cases/camera-create-cancelled\n";

static const char replay_help[] =
    "usage: irplab replay [--guard] [--json] [--quiet] [--color WHEN] FILE.irplab\n"
    "\n"
    "Runs the schedule in the file again and prints the same report. The exit status is that run's. A file of a run with --guard is run so\n"
    "again; --guard asks for it with any file.\n"
    "\n"
    "example: irplab replay build/replays/camera-create-cancelled.irplab\n";

static void show_progress(uint64_t schedules, double seconds)
{
    fprintf(stderr, "\r%llu schedules, %.0f a second \033[K", (unsigned long long)schedules, (double)schedules / seconds);
    fflush(stderr);
}

static void print(const struct options *o, const struct lab_result *r)
{
    if (o->json) {
        char *json = lab_json(r);
        puts(json);
        free(json);
        return;
    }
    if (o->lab.progress)
        fprintf(stderr, "\r\033[K");
    lab_print(r, stdout, options_color(o), o->quiet);
}

/* ---- for continuous-integration servers ---- */

static char *plain_report(const struct lab_failure *f)
{
    char *text = NULL;
    size_t n = 0;
    struct lab_result one = { .what = LAB_REPLAY, .failures = (struct lab_failure *)f, .failure_count = 1 };
    FILE *to = open_memstream(&text, &n);
    if (to) {
        lab_print(&one, to, false, true);
        fclose(to);
    }
    return text;
}

/* What is run, as seen from the current folder. false: only a state file knows. */
static bool target_file(const struct options *o, char *out, size_t size)
{
    const struct config *c = &o->lab.ready;
    char path[2 * CONFIG_PATH], real[PATH_MAX], here[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", c->folder[0] ? c->folder : c->program, c->folder[0] ? "/irplab.yaml" : "");
    if (!o->lab.has_target || !realpath(path, real) || !getcwd(here, sizeof here))
        return false;
    size_t n = strlen(here);
    bool below = strncmp(real, here, n) == 0 && real[n] == '/';
    snprintf(out, size, "%s", below ? real + n + 1 : real);
    return true;
}

static int write_ci(const char *path, void (*writer)(FILE *, const struct ci_result *), const struct options *o, const struct lab_result *r)
{
    struct ci_failure *failures = calloc(r->failure_count + 1, sizeof *failures);
    struct base_file file;
    if (!failures)
        return usage_error("%s: %s", path, strerror(ENOMEM));
    for (size_t i = 0; i < r->failure_count; i++) {
        const struct lab_failure *f = &r->failures[i];
        failures[i] = (struct ci_failure) { outcome_contract_kind(&f->outcome), f->outcome.name, f->outcome.message, f->outcome.code, f->outcome.key, f->replay,
                                            plain_report(f), f->record };
    }
    char target[PATH_MAX];
    const struct ci_result all = { .name = o->lab.ready.name, .file = target_file(o, target, sizeof target) ? target : NULL, .bound = r->bound, .version = IRPLAB_VERSION, .schedules = r->found.schedules, .failing = r->found.failing,
                                   .complete = r->complete, .seconds = r->seconds, .failures = failures, .failure_count = r->failure_count };
    bool ok = base_file_begin(&file, path);
    if (ok) {
        writer(file.stream, &all);
        ok = base_file_end(&file, true);
    }
    int why = errno;
    for (size_t i = 0; i < r->failure_count; i++)
        free((char *)failures[i].report);
    free(failures);
    return ok ? EXIT_OK : usage_error("%s: %s", path, strerror(why));
}

/* Before anything is explored: what cannot be written is said at once. */
static bool can_write(const char *path)
{
    struct base_file file;
    if (!path)
        return true;
    if (base_file_begin(&file, path)) {
        base_file_end(&file, false);
        return true;
    }
    usage_error("%s: %s", path, strerror(errno));
    return false;
}

int cli_explore(int argc, char **argv)
{
    static struct options o; /* large */
    struct lab_result r;
    if (!options_parse(&o, argc, argv, FOR_EXPLORE))
        return EXIT_USAGE;
    if (o.help) {
        fputs(explore_help, stdout);
        return EXIT_OK;
    }
    if (!o.lab.has_target && !o.lab.config.driver_count && !o.lab.search.resume[0])
        return usage_error("explore what? Give a CASE, a PROGRAM.exe or --driver FILE.sys; see irplab explore --help");
    if (!lab_prepare(&o.lab))
        return usage_error("%s", o.lab.error);
    if (!can_write(o.junit) || !can_write(o.sarif))
        return EXIT_USAGE;
    if (o.check_orders) {
        session_process_init();
        return cli_check_orders(&o);
    }
    if (!o.quiet && !o.json && isatty(2))
        o.lab.progress = show_progress;
    if (!lab_explore(&o.lab, &r))
        return usage_error("%s", o.lab.error);
    int status = lab_status(&r);
    if ((o.junit && write_ci(o.junit, ci_junit, &o, &r) != EXIT_OK) || (o.sarif && write_ci(o.sarif, ci_sarif, &o, &r) != EXIT_OK))
        status = EXIT_USAGE;
    else
        print(&o, &r);
    lab_result_free(&r);
    return status;
}

int cli_replay(int argc, char **argv)
{
    static struct options o; /* large */
    struct lab_result r;
    if (!options_parse(&o, argc, argv, FOR_FILE))
        return EXIT_USAGE;
    if (o.help) {
        fputs(replay_help, stdout);
        return EXIT_OK;
    }
    if (!o.file)
        return usage_error("replay what? Give a FILE.irplab; see irplab replay --help");
    kd_wdf_log_live = o.wdf_log;
    if (!lab_replay(&o.lab, o.file, &r))
        return usage_error("%s", o.lab.error);
    if (r.run_hash != r.recorded_hash && !o.quiet && !o.lab.config.guard)
        fprintf(stderr, "irplab: warning: %s: this run differs from the recorded one (run hash %016llx, recorded %016llx)\n", o.file, (unsigned long long)r.run_hash,
                (unsigned long long)r.recorded_hash);
    int status = lab_status(&r);
    print(&o, &r);
    lab_result_free(&r);
    return status;
}
