/* Failures of a result: collecting them, making them small, writing their replay files. */
#ifndef IRPLAB_LAB_FAILURES_H
#define IRPLAB_LAB_FAILURES_H

#include "lab/lab.h"

/* A new failure at the end of the list, without record and replay. */
struct lab_failure *lab_failure_add(struct lab_result *r, const struct outcome *o, uint64_t times);
/* Runs the schedule of a failure that was found without guard mode once more with it. machine is left in that run's final state. */
void lab_failure_guard(const struct config *c, struct lab_failure *f, const struct explore_machine *machine, const struct explore_schedule *schedule);
/* Of the outcomes without and with: the second is another, and guard mode's. */
bool lab_guard_says_more(const struct outcome *o, const struct outcome *guarded);
/* Whether that is worth while. */
bool lab_failure_may_be_guarded(const struct config *c, const struct outcome *o);
struct confirmer;
/* From r->found to r->failures, each made small and confirmed by another process. passing: a run that did not fail; may be empty. */
bool lab_failures_collect(struct irplab *lab, struct lab_result *r, const struct explore_machine *machine, const struct explore_schedule *passing,
                          struct confirmer *confirmer);
/* The folder for replay files and the like, made if it is not there; false: it cannot be, and lab->error says why. */
bool lab_output_folder(struct irplab *lab, char *out, size_t size);
/* coverage.json in the folder of --output, if that was given and an image was built for it. False: lab->error says why. */
bool lab_coverage_write(struct irplab *lab);

#endif
