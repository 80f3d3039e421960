/* What explorations in one process and shared ones have in common (explore.c). */
#ifndef IRPLAB_LAB_SEARCH_H
#define IRPLAB_LAB_SEARCH_H

#include "explore/explore.h"
#include "lab/lab.h"

enum { AUTO_PCT = 24, AUTO_RANDOM = 16 }; /* schedules drawn before the systematic search; half of what is allowed if that is less */

/* Its drawn schedules look at plain accesses (race/sweep.h). */
bool search_sweeps(const struct irplab *lab);
bool search_is_automatic(const struct irplab *lab);
/* What options and case ask for; of the automatic strategy, its systematic part. Returns the seconds it may take. */
double search_config(const struct irplab *lab, struct explore_config *out);
/* See explorable_promises. */
bool search_uses_promises(const struct explore_config *x);
/* part, which is used up, behind all. */
void search_result_add(struct explore_result *all, struct explore_result *part);
/* Racing places are about to become scheduling points, and the search to begin again: what failed so far goes behind those of `earlier`, as
 * found with the points that there were; the rest is forgotten. */
void search_keep_failures(struct explore_result *earlier, struct explore_result *found);
/* At the end of such a search: those come first. earlier is used up. */
void search_put_first(struct explore_result *earlier, struct explore_result *found);
#endif
