/* All that a report shows, made once: the two runs, their stories and diagrams. The printers (html.c, report_json.c) only read it. */
#ifndef IRPLAB_REPORT_REPORT_H
#define IRPLAB_REPORT_REPORT_H

#include <stdio.h>

#include "report/replay_file.h"
#include "report/sequence.h"
#include "report/slices.h"
#include "report/story.h"

struct report_side {
    struct record *record;
    struct story story;
    struct sequence sequence;
    struct slices slices;
    char *schedule; /* one line */
};

struct report {
    const char *name; /* of the case or program */
    const char *file; /* the replay file's own name */
    struct config config;
    struct report_side failing, passing;
    bool has_passing;
    bool differs; /* the run was not the recorded one */
};

/* Runs both schedules of the file. The machine was opened with its configuration. */
void report_make(struct report *out, const struct replay *replay, const char *file, const struct explore_machine *machine);
void report_free(struct report *r);

void report_html(FILE *out, const struct report *r);
void report_json(FILE *out, const struct report *r);

/* page_style.c: parts of the page that are the same in all. */
extern const char page_style[], page_script[];

#endif
