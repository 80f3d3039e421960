/* Does the machine tell all that its operations touch? Neighbours said to be independent, run in both orders. */
#include <stdio.h>
#include <string.h>

#include "explore/search.h"

struct check {
    struct path path;
    uint64_t random;
    uint64_t (*state)(void *context);
    explore_breach *report;
    void *user;
    uint64_t pairs, breaches;
    uint32_t instead; /* what an event touched in the other order */
};

static uint64_t below(struct check *c, uint64_t n)
{
    c->random += 0x9e3779b97f4a7c15ull;
    return (uint64_t)(((unsigned __int128)explore_mix(c->random) * n) >> 64);
}

static void breach(struct check *c, const char *what)
{
    struct path *p = &c->path;
    char first[200], second[200], instead[140] = "", text[700];
    struct explore_schedule upto = {0};
    path_describe(p, (uint32_t)p->count - 2, first, sizeof first);
    path_describe(p, (uint32_t)p->count - 1, second, sizeof second);
    if (c->instead != FOOTPRINT_UNKNOWN)
        path_describe_print(p, c->instead, instead, sizeof instead);
    snprintf(text, sizeof text, "%s%s%s%s: %s; then %s", what, *instead ? " (" : "", instead, *instead ? ")" : "", first, second);
    path_schedule(p, &upto);
    c->breaches++;
    if (c->report)
        c->report(c->user, text, &upto);
    explore_schedule_free(&upto);
}

/* Runs event `index` of the path where the machine stands. NULL: as before; else what is wrong. */
static const char *rerun(struct check *c, size_t index, const char *cannot, const char *differs)
{
    struct path *p = &c->path;
    const struct event *x = &p->events[index];
    struct explore_event e = {0};
    bool others;
    if (!(path_able(p, x->agent, &others) >> x->alternative & 1))
        return cannot;
    p->machine->step(p->machine->context, p->ids[x->agent], x->alternative, &e);
    uint32_t print = footprint_intern(&p->prints, e.accesses, e.access_count);
    if (print == x->really)
        return NULL;
    c->instead = print;
    return differs;
}

static uint64_t enabled_hash(const struct explore_point *at)
{
    uint64_t sum = 0; /* whatever the order of the list */
    for (unsigned i = 0; i < at->enabled_count; i++)
        sum += explore_mix((uint64_t)at->enabled[i].id << 32 | at->enabled[i].alternatives);
    return sum;
}

static void look_around(struct check *c, enum explore_status *status, uint64_t *enabled, uint64_t *state)
{
    const struct explore_machine *m = c->path.machine;
    struct explore_point at = {0};
    *status = m->point(m->context, &at);
    *enabled = *status == EXPLORE_RUNNING ? enabled_hash(&at) : 0;
    *state = c->state ? c->state(m->context) : 0;
}

/* The last two events, the other way round. */
static void swap(struct check *c)
{
    struct path *p = &c->path;
    enum explore_status status[2];
    uint64_t enabled[2], state[2];
    const char *wrong;
    c->pairs++;
    c->instead = FOOTPRINT_UNKNOWN;
    look_around(c, &status[0], &enabled[0], &state[0]);
    path_visit(p, p->count - 2);
    wrong = rerun(c, p->count - 1, "the second cannot run without the first", "the second touches something else without the first");
    if (!wrong)
        wrong = rerun(c, p->count - 2, "the first cannot run after the second", "the first touches something else after the second");
    path_moved(p);
    if (!wrong) {
        look_around(c, &status[1], &enabled[1], &state[1]);
        if (status[0] != status[1])
            wrong = "the run ends in one order only, or otherwise";
        else if (enabled[0] != enabled[1])
            wrong = "who can go on depends on the order";
        else if (state[0] != state[1])
            wrong = "the state depends on the order";
    }
    if (wrong)
        breach(c, wrong);
}

static void walk(struct check *c, const struct explore_config *config)
{
    struct path *p = &c->path;
    path_begin(p);
    while (path_node(p)->status == EXPLORE_RUNNING && p->count < config->steps && !p->broken) {
        path_checkpoint(p, 4);
        const struct candidate *pick = path_candidates(p, p->count) + below(c, path_node(p)->candidate_count);
        uint32_t left = pick->alternatives;
        for (uint64_t skip = below(c, (unsigned)__builtin_popcount(left)); skip; skip--)
            left &= left - 1;
        path_step(p, pick->agent, (unsigned)__builtin_ctz(left));
        if (p->count >= 2 && !path_before(p, p->count - 2, p->count - 1))
            swap(c);
    }
}

uint64_t explore_check(const struct explore_machine *machine, const struct explore_config *config, uint64_t (*state)(void *context),
                       explore_breach *report, void *user, uint64_t *breaches)
{
    enum { RUNS = 100, STEPS = 100000 };
    struct check c = {.state = state, .report = report, .user = user};
    struct explore_config full = *config;
    full.steps = full.steps ? full.steps : STEPS;
    path_init(&c.path, machine);
    for (uint64_t run = 0; run < (config->schedules ? config->schedules : RUNS); run++) {
        if (c.path.broken || (config->stop && config->stop(config->user)))
            break;
        c.random = explore_mix(config->seed * 0xd1342543de82ef95ull + run);
        walk(&c, &full);
    }
    if (c.path.broken && report)
        report(user, c.path.broken_text, NULL);
    c.breaches += c.path.broken;
    if (breaches)
        *breaches = c.breaches;
    path_free(&c.path);
    return c.pairs;
}
