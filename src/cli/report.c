/* irplab report: a replay file as a page to look at, or its data. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "report/report.h"
#include "session/explorable.h"
#include "session/session.h"

static const char help[] =
    "usage: irplab report [--json] [--quiet] FILE.irplab -o OUT.html\n"
    "\n"
    "Runs the schedules in the file again, the failing and the passing one, and writes what happened as one page that needs nothing else:\n"
    "the verdict, both orders as sequence diagrams, the schedule, the requests, stacks, output. --json prints the same as data.\n"
    "\n"
    "example: irplab report build/replays/camera-create-cancelled.irplab -o camera.html\n";

struct arguments {
    const char *file, *out;
    char *rest[64];
    int rest_count;
};

/* Takes out what is report's own; the rest is common. */
static bool split(struct arguments *a, int argc, char **argv)
{
    memset(a, 0, sizeof *a);
    for (int i = 0; i < argc; i++) {
        bool takes_value = strcmp(argv[i], "-o") == 0;
        if (takes_value && i + 1 == argc) {
            usage_error("-o needs the name of the page to write");
            return false;
        }
        if (takes_value) {
            a->out = argv[++i];
        } else if (i && argv[i][0] != '-' && strcmp(argv[i - 1], "--color") != 0 && strcmp(argv[i - 1], "--stub") != 0) {
            if (a->file) {
                usage_error("one FILE.irplab at a time: what is %s?", argv[i]);
                return false;
            }
            a->file = argv[i];
        } else if (a->rest_count < 63) {
            a->rest[a->rest_count++] = argv[i];
        }
    }
    return true;
}

/* Under another name first: a page is there whole or not at all. */
static bool write_page(const struct report *r, const char *path)
{
    char temporary[CONFIG_PATH + 16];
    struct stat st;
    if (strlen(path) >= CONFIG_PATH) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return false;
    }
    snprintf(temporary, sizeof temporary, "%s.part", path);
    FILE *f = fopen(temporary, "w");
    if (!f)
        return false;
    report_html(f, r);
    bool ok = !ferror(f);
    ok = fclose(f) == 0 && ok && rename(temporary, path) == 0;
    if (!ok) {
        int why = errno;
        unlink(temporary);
        errno = why;
    }
    return ok;
}

static int make(const struct arguments *a, const struct options *o)
{
    static struct replay replay; /* large */
    struct report report;
    char err[600];
    if (!replay_read(a->file, &replay, err, sizeof err))
        return usage_error("%s", err);
    session_process_init();
    report_make(&report, &replay, a->file, explorable_open(&replay.config));
    int status = EXIT_OK;
    if (report.differs && !o->quiet)
        fprintf(stderr, "irplab: warning: %s: this run differs from the recorded one\n", a->file);
    if (a->out && !write_page(&report, a->out))
        status = usage_error("%s: %s", a->out, strerror(errno));
    else if (o->json)
        report_json(stdout, &report);
    else if (!o->quiet)
        printf("wrote %s\n", a->out);
    report_free(&report);
    return status;
}

int cli_report(int argc, char **argv)
{
    struct arguments a;
    struct options o;
    if (!split(&a, argc, argv) || !options_parse(&o, a.rest_count, a.rest, false))
        return EXIT_USAGE;
    if (o.help) {
        fputs(help, stdout);
        return EXIT_OK;
    }
    if (!a.file)
        return usage_error("report on what? Give a FILE.irplab; see irplab report --help");
    if (!a.out && !o.json)
        return usage_error("where to? Give -o OUT.html, or --json; see irplab report --help");
    return make(&a, &o);
}
