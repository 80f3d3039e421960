/* What all strategies share: a path, the limits, the result as it grows. */
#ifndef IRPLAB_EXPLORE_SEARCH_H
#define IRPLAB_EXPLORE_SEARCH_H

#include "explore/bytes.h"
#include "explore/path.h"

/* A set of hashes. */
struct seen {
    uint64_t *slots;
    size_t count, size;
};

bool seen_add(struct seen *s, uint64_t hash); /* true: was not there */
void seen_free(struct seen *s);

struct search {
    struct path path;
    const struct explore_config *config;
    struct explore_result *result;
    struct seen traces;
    bool stopped; /* a limit or a failure says enough */
    bool log;     /* keep a list of runs: */
    struct bytes runs; /* class and failure (0: none) of each */
};

/* Why a search is not complete that could go on. */
#define SEARCH_STOPPED "stopped before the end"
#define SEARCH_ENOUGH_RUNS "the number of schedules asked for was reached"
void search_defaults(struct explore_config *c);

/* The path stands at the end of a run: counts it, reports it, notes a failure. */
void search_ran(struct search *s);
/* A run was given up after `steps` events, or by the machine. */
void search_cut(struct search *s);
/* True: no further run should be started. Sets why_not. */
bool search_enough(struct search *s);
/* The run is to be given up (search_cut): too many steps, or told to stop. */
bool search_too_long(struct search *s);
void search_not_complete(struct search *s, const char *why);

/* Alternatives of a candidate that the fault bound allows here. */
uint32_t search_alternatives(const struct search *s, const struct candidate *c);

void explore_dfs(struct search *s);
void explore_sample(struct search *s);
void explore_dpor(struct search *s);
void explore_bounded(struct search *s);

#endif
