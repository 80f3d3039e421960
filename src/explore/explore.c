/* The front of the room: configuration, limits, results. */
#include "explore/explore.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "explore/search.h"

enum { DEFAULT_STEPS = 1000000, DEFAULT_NODES = 16 << 20, DEFAULT_CHECKPOINT = 10, DEFAULT_DEPTH = 3 };

const struct explore_config explore_defaults = {
    .strategy = EXPLORE_DPOR, .seed = 1, .preemptions = -1, .delays = -1, .faults = -1};

/* --- hashes seen -------------------------------------------------------------------------------------------------- */

static void seen_grow(struct seen *s)
{
    struct seen bigger = {.size = s->size ? s->size * 2 : 1024};
    bigger.slots = calloc(bigger.size, sizeof *bigger.slots);
    if (!bigger.slots)
        base_panic("out of memory while exploring");
    for (size_t i = 0; i < s->size; i++)
        if (s->slots[i])
            seen_add(&bigger, s->slots[i]);
    free(s->slots);
    *s = bigger;
}

bool seen_add(struct seen *s, uint64_t hash)
{
    hash += hash == 0; /* 0 marks a free slot */
    if (s->count * 2 >= s->size)
        seen_grow(s);
    size_t at = explore_mix(hash) & (s->size - 1);
    while (s->slots[at] && s->slots[at] != hash)
        at = (at + 1) & (s->size - 1);
    if (s->slots[at])
        return false;
    s->slots[at] = hash;
    s->count++;
    return true;
}

void seen_free(struct seen *s)
{
    free(s->slots);
    *s = (struct seen){0};
}

/* --- runs --------------------------------------------------------------------------------------------------------- */

static bool fails(enum explore_status status)
{
    return status == EXPLORE_FAILED || status == EXPLORE_DEADLOCK;
}

/* The failure with this key; a new one if there is none. */
static struct explore_failure *failure_of(struct explore_result *r, const struct explore_outcome *o, bool *first)
{
    for (size_t i = 0; i < r->failure_count; i++)
        if (r->failures[i].key == o->key)
            return &r->failures[i];
    *first = true;
    r->failures = realloc(r->failures, (r->failure_count + 1) * sizeof *r->failures);
    if (!r->failures)
        base_panic("out of memory while exploring");
    struct explore_failure *f = &r->failures[r->failure_count++];
    *f = (struct explore_failure){.key = o->key, .text = strdup(o->text ? o->text : "")};
    return f;
}

static bool note_failure(struct search *s, const struct explore_outcome *outcome, const struct explore_schedule *schedule)
{
    struct explore_result *r = s->result;
    bool first = false;
    struct explore_failure *f = failure_of(r, outcome, &first);
    r->failing++;
    f->times++;
    if (first) {
        f->status = path_node(&s->path)->status;
        f->preemptions = path_node(&s->path)->preemptions;
        f->found_at = r->schedules;
        explore_schedule_copy(&f->schedule, schedule);
    }
    if (!s->config->keep_going) {
        s->stopped = true;
        search_not_complete(s, "stopped at the first failure");
    }
    return first;
}

static void log_run(struct search *s, uint64_t trace, uint64_t failure)
{
    const uint64_t entry[2] = {trace, failure};
    if (s->log)
        bytes_put(&s->runs, entry, sizeof entry);
}

void search_ran(struct search *s)
{
    const struct node *n = path_node(&s->path);
    if (n->status == EXPLORE_CUT) {
        search_cut(s);
        return;
    }
    if (n->status == EXPLORE_FUTILE) {
        s->result->futile++;
        return;
    }
    bool bad = fails(n->status), first = false;
    s->result->schedules++;
    if (s->config->strategy == EXPLORE_DPOR || s->config->strategy == EXPLORE_DFS ? s->config->count_traces : true)
        s->result->traces += seen_add(&s->traces, n->trace);
    if (!bad)
        log_run(s, n->trace, 0);
    if (!bad && !s->config->ran)
        return;
    path_sync(&s->path);
    struct explore_schedule schedule = {0};
    struct explore_outcome outcome = {0};
    path_schedule(&s->path, &schedule);
    if (bad) {
        s->path.machine->outcome(s->path.machine->context, &outcome);
        log_run(s, n->trace, outcome.key);
        first = note_failure(s, &outcome, &schedule);
        if (s->config->failed)
            s->config->failed(s->config->user);
    }
    if (s->config->ran) {
        struct explore_report report = {n->status, &schedule, bad ? &outcome : NULL, n->trace, n->preemptions, n->delays, n->faults, first};
        s->config->ran(s->config->user, &report);
    }
    explore_schedule_free(&schedule);
}

void search_cut(struct search *s)
{
    if (s->stopped)
        return; /* nobody's fault: the time is over */
    s->result->cut++;
    s->result->bound_hit = true;
    search_not_complete(s, "a run was cut: it was too long, or the machine gave it up");
}

void search_not_complete(struct search *s, const char *why)
{
    s->result->complete = false;
    if (!s->result->why_not)
        s->result->why_not = why;
}

bool search_enough(struct search *s)
{
    if (s->path.broken) {
        s->stopped = true;
        s->result->bound_hit |= s->path.full;
        if (!s->result->why_text)
            s->result->why_not = s->result->why_text = strdup(s->path.broken_text);
        s->result->complete = false;
    }
    if (s->stopped)
        return true;
    const struct explore_config *c = s->config;
    if (c->schedules && s->result->schedules + s->result->cut + s->result->blocked >= c->schedules) {
        search_not_complete(s, SEARCH_ENOUGH_RUNS);
        return true;
    }
    if (c->stop && c->stop(c->user)) {
        search_not_complete(s, SEARCH_STOPPED);
        return true;
    }
    return false;
}

enum { STEPS_BETWEEN_QUESTIONS = 64 };

bool search_too_long(struct search *s)
{
    if (s->path.count >= s->config->steps)
        return true;
    if (s->path.steps % STEPS_BETWEEN_QUESTIONS || !s->config->stop_within || !s->config->stop || !s->config->stop(s->config->user))
        return false;
    s->stopped = true;
    search_not_complete(s, SEARCH_STOPPED);
    return true;
}

uint32_t search_alternatives(const struct search *s, const struct candidate *c)
{
    if (s->config->faults < 0 || s->path.nodes[s->path.count].faults < (uint32_t)s->config->faults)
        return c->alternatives;
    return c->alternatives & ~c->faults ? c->alternatives & ~c->faults : c->alternatives;
}

/* --- the front ---------------------------------------------------------------------------------------------------- */

void search_defaults(struct explore_config *c)
{
    c->steps = c->steps ? c->steps : DEFAULT_STEPS;
    c->nodes = c->nodes ? c->nodes : DEFAULT_NODES;
    c->checkpoint = c->checkpoint ? c->checkpoint : DEFAULT_CHECKPOINT;
    c->depth = c->depth ? c->depth : DEFAULT_DEPTH;
}

void explore_run(const struct explore_machine *machine, const struct explore_config *config, struct explore_result *result)
{
    struct explore_config full = *config;
    search_defaults(&full);
    *result = (struct explore_result){.complete = true, .preemptions = -1};
    struct search s = {.config = &full, .result = result};
    path_init(&s.path, machine);
    switch (config->strategy) {
    case EXPLORE_DFS: explore_dfs(&s); break;
    case EXPLORE_DPOR: config->preemptions < 0 ? explore_dpor(&s) : explore_bounded(&s); break;
    default: explore_sample(&s); break;
    }
    result->steps = s.path.steps;
    result->replayed = s.path.replayed;
    path_free(&s.path);
    seen_free(&s.traces);
}

void explore_result_free(struct explore_result *result)
{
    for (size_t i = 0; i < result->failure_count; i++) {
        free(result->failures[i].text);
        explore_schedule_free(&result->failures[i].schedule);
    }
    free(result->failures);
    free(result->why_text);
    *result = (struct explore_result){0};
}
