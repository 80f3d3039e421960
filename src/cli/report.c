/* irplab report: a replay file as a page to look at, or its data. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/options.h"

static const char help[] =
    "usage: irplab report [--json] [--quiet] FILE.irplab -o OUT.html\n"
    "\n"
    "Runs the schedules in the file again, the failing and the passing one, and writes what happened as one page that needs nothing else:\n"
    "the verdict, both orders as sequence diagrams, the schedule, the requests, stacks, output. --json prints the same as data.\n"
    "\n"
    "example: irplab report build/replays/camera-create-cancelled.irplab -o camera.html\n";

int cli_report(int argc, char **argv)
{
    static struct options o; /* large */
    bool differs = false;
    if (!options_parse(&o, argc, argv, FOR_FILE))
        return EXIT_USAGE;
    if (o.help) {
        fputs(help, stdout);
        return EXIT_OK;
    }
    if (!o.file)
        return usage_error("report on what? Give a FILE.irplab; see irplab report --help");
    if (!o.page && !o.json)
        return usage_error("where to? Give -o OUT.html, or --json; see irplab report --help");
    if (!lab_report(&o.lab, o.file, o.page, o.json ? stdout : NULL, &differs))
        return usage_error("%s", o.lab.error);
    if (differs && !o.quiet)
        fprintf(stderr, "irplab: warning: %s: this run differs from the recorded one\n", o.file);
    if (!o.json && !o.quiet)
        printf("wrote %s\n", o.page);
    return EXIT_OK;
}
