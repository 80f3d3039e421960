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

/* first: of the two events; what is wrong shows at event `at`. */
static void breach(struct check *c, const char *what, size_t first_event, size_t at)
{
    struct path *p = &c->path;
    char first[200], second[200], later[220] = "", instead[140] = "", text[1000];
    struct explore_schedule upto = {0};
    path_describe(p, (uint32_t)first_event, first, sizeof first);
    path_describe(p, (uint32_t)first_event + 1, second, sizeof second);
    if (at > first_event + 1) {
        strcpy(later, "; at ");
        path_describe(p, (uint32_t)at, later + 5, sizeof later - 5);
    }
    if (c->instead != FOOTPRINT_UNKNOWN)
        path_describe_print(p, c->instead, instead, sizeof instead);
    snprintf(text, sizeof text, "%s%s%s%s: %s; then %s%s", what, *instead ? " (" : "", instead, *instead ? ")" : "", first, second, later);
    path_schedule(p, &upto);
    upto.count = at + 1 < upto.count ? at + 1 : upto.count;
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
        breach(c, wrong, p->count - 2, p->count - 1);
}

/* A pair of the finished run, with all that followed: what does not show in the bytes shows later, in what others touch and in how the run ends. */
static bool swap_within(struct check *c, size_t first, enum explore_status status, uint64_t state)
{
    static const char cannot[] = "what followed cannot run behind the other order", differs[] = "what followed touches something else behind the other order";
    struct path *p = &c->path;
    enum explore_status end;
    uint64_t enabled, bytes;
    size_t at = first + 1;
    c->pairs++;
    c->instead = FOOTPRINT_UNKNOWN;
    path_visit(p, first);
    const char *wrong = rerun(c, first + 1, cannot, differs);
    wrong = wrong ? wrong : rerun(c, first, cannot, differs);
    while (!wrong && ++at < p->count)
        wrong = rerun(c, at, cannot, differs);
    path_moved(p);
    if (!wrong) {
        at = p->count - 1;
        look_around(c, &end, &enabled, &bytes);
        if (end != status)
            wrong = "the run ends otherwise behind the other order";
        else if (bytes != state)
            wrong = "the state at the end depends on the order";
    }
    if (wrong)
        breach(c, wrong, first, at);
    return !wrong;
}

static void swap_some(struct check *c)
{
    enum { PAIRS = 2, TRIES = 20 };
    struct path *p = &c->path;
    enum explore_status status;
    uint64_t enabled, state;
    if (p->count < 2 || path_node(p)->status == EXPLORE_RUNNING || p->broken)
        return;
    path_sync(p);
    look_around(c, &status, &enabled, &state);
    for (unsigned done = 0, tries = 0; done < PAIRS && tries < TRIES; tries++) {
        size_t first = below(c, p->count - 1);
        if (path_before(p, first, first + 1))
            continue;
        if (!swap_within(c, first, status, state))
            return; /* the state that the caller holds for comparison is another one now */
        done++;
    }
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
    swap_some(c);
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
