/* irplab graph --run: a replay file's run with its calls watched, and the schedules around it. */
#ifndef IRPLAB_CLI_GRAPH_RUN_H
#define IRPLAB_CLI_GRAPH_RUN_H

#include "cli/images.h"
#include "graph/tree.h"

struct cli_run {
    const char *file;
    struct record *record;
    uint64_t schedules; /* explored beside it */
    bool complete;
};

/* Runs the file's schedule and then explores its configuration for so many seconds (0: not). Adds the images it ran to those that are
 * open (which win by name, and must be the same). False: one line was printed. Once a process. */
bool cli_run_watch(struct cli_run *run, const char *file, double seconds, struct cli_images *images);
void cli_run_end(struct cli_run *run);

/* For struct graph_query: whether the call at a site was made. */
enum graph_seen cli_run_seen(void *ctx, const struct graph_image *g, uint32_t site);

/* The functions of drivers on the stack at the moment the run is about (the request that failed, the bug check), innermost first.
 * Returns the number put into out. */
size_t cli_run_stack(const struct cli_run *run, struct cli_images *images, struct graph_place *out, size_t room);

#endif
