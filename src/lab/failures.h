/* Failures of a result: collecting them, making them small, writing their replay files. */
#ifndef IRPLAB_LAB_FAILURES_H
#define IRPLAB_LAB_FAILURES_H

#include "lab/lab.h"

/* A new failure at the end of the list, without record and replay. */
struct lab_failure *lab_failure_add(struct lab_result *r, const struct outcome *o, uint64_t times);
struct confirmer;
/* From r->found to r->failures, each made small and confirmed by another process. passing: a run that did not fail; may be empty. */
bool lab_failures_collect(struct irplab *lab, struct lab_result *r, const struct explore_machine *machine, const struct explore_schedule *passing,
                          struct confirmer *confirmer);

#endif
