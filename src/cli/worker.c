/* irplab worker: explores parts of somebody's search. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "lab/campaign.h"

static const char help[] =
    "usage: irplab worker --queue redis://[[USER]:PASSWORD@]HOST[:PORT][/NAME][?db=N] [--jobs N]\n"
    "\n"
    "Explores parts of the search that `irplab explore --queue URL CASE` keeps, here or on another machine: the case's files come through the\n"
    "queue. Goes on with the next search when one is over, until it is interrupted. Any number of workers may come and go at any time.\n"
    "Exit status: 0 interrupted, 2 no such server, or a search that this build of irplab does not run as its keeper does.\n"
    "\n"
    "  --queue URL   where the keeper and the workers meet (port 6379, name irplab; %XX in USER and PASSWORD)\n"
    "  --jobs N      processes (default 1)\n"
    "\n"
    "example: irplab worker --queue redis://lab-server:6379/camera --jobs 8\n";

int cli_worker(int argc, char **argv)
{
    static struct options o; /* large */
    if (!options_parse(&o, argc, argv, FOR_EXPLORE))
        return EXIT_USAGE;
    if (o.help) {
        fputs(help, stdout);
        return EXIT_OK;
    }
    if (!o.lab.search.queue[0])
        return usage_error("worker for whom? Give --queue redis://HOST:PORT/NAME; see irplab worker --help");
    if (o.lab.has_target || o.lab.config.driver_count || o.junit || o.sarif || o.check_orders || o.json)
        return usage_error("worker takes --queue and --jobs only: what it runs comes through the queue; see irplab worker --help");
    int status = queue_work(&o.lab);
    if (o.lab.failed && status != EXIT_USAGE)
        fprintf(stderr, "irplab: %s\n", o.lab.error);
    return status == EXIT_USAGE && o.lab.failed ? usage_error("%s", o.lab.error) : status;
}
