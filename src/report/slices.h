/* A schedule for people: who ran, what it did in the terms of the story, and how it stopped. */
#ifndef IRPLAB_REPORT_SLICES_H
#define IRPLAB_REPORT_SLICES_H

#include "report/story.h"

struct slice {
    uint32_t agent; /* name; NO_NAME for what is not told in detail */
    uint32_t step, steps; /* first choice, and how many */
    char *did; /* "IRP_MJ_CREATE pends"; "" nothing that a report shows */
    char *stop; /* "waits for work"; for a preemption where it stands; "" */
    bool preempted;
    bool verdict; /* the failure became certain in it */
};

struct slices {
    struct slice *list;
    size_t count;
    unsigned switches, preemptions; /* up to the verdict, from the first that is told in detail */
    unsigned after; /* switches after the verdict */
};

void slices_of(struct slices *out, const struct story *s);
void slices_free(struct slices *s);

#endif
