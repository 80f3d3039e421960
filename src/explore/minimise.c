/* A failing schedule made smaller, and the choice on which it turned.
 *
 * A candidate is a list of blocks (an agent, and the alternatives of some of its operations in a row) to be followed as far as it
 * goes: a block whose agent cannot run is put off, what is left at the end is finished without preemption. The run that results is
 * judged, not the list; so every step of the way is a real run that fails for the same reason. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "explore/replay.h"

enum { DEFAULT_LIMIT = 2000, SEARCH_SHARE = 2, TURNING_GAP = 8 };

struct cost {
    uint64_t preemptions, faults, unusual, switches, events;
};

struct shrink {
    struct path path;
    uint64_t key;
    unsigned runs, limit;
    struct explore_schedule best;
    struct cost cost;
};

static struct cost cost_of(const struct path *p)
{
    const struct node *n = &p->nodes[p->count];
    struct cost c = {.preemptions = n->preemptions, .faults = n->faults, .events = p->count};
    for (size_t i = 0; i < p->count; i++) {
        uint32_t all = path_find(p, i, p->events[i].agent)->alternatives;
        c.unusual += p->events[i].alternative != __builtin_ctz(all);
        c.switches += i && p->events[i].agent != p->events[i - 1].agent;
    }
    return c;
}

static bool cheaper(const struct cost *a, const struct cost *b)
{
    const uint64_t x[] = {a->preemptions, a->faults, a->unusual, a->switches, a->events};
    const uint64_t y[] = {b->preemptions, b->faults, b->unusual, b->switches, b->events};
    for (unsigned i = 0; i < sizeof x / sizeof *x; i++)
        if (x[i] != y[i])
            return x[i] < y[i];
    return false;
}

static bool fails_with(const struct path *p, uint64_t key)
{
    enum explore_status status = p->nodes[p->count].status;
    if (status != EXPLORE_FAILED && status != EXPLORE_DEADLOCK)
        return false;
    struct explore_outcome o = {0};
    p->machine->outcome(p->machine->context, &o);
    return o.key == key;
}

/* --- following a list ------------------------------------------------------------------------------------------------ */

static bool same_agent(const struct explore_schedule *s, size_t a, size_t b)
{
    return s->choices[a].agent == s->choices[b].agent;
}

/* Makes the choice if its agent can run; with the usual alternative if the one named is not possible now. */
static bool make(struct path *p, const struct explore_choice *choice)
{
    const struct candidate *c = path_find(p, p->count, path_agent(p, choice->agent));
    if (!c)
        return false;
    bool possible = choice->alternative < EXPLORE_ALTERNATIVES_MAX && (c->alternatives >> choice->alternative & 1);
    path_step(p, c->agent, possible ? choice->alternative : (unsigned)__builtin_ctz(c->alternatives));
    return true;
}

/* Runs the choices in their order per agent, keeping to the list's order of agents where it can be kept: what cannot run now is taken
 * up as soon as it can, before what stands behind it. */
static void follow(struct path *p, const struct explore_schedule *list, size_t most)
{
    bool *done = calloc(list->count + 1, sizeof *done);
    if (!done)
        base_panic("out of memory while exploring");
    size_t first = 0, at = 0;
    path_begin(p);
    while (path_node(p)->status == EXPLORE_RUNNING && p->count <= most && !p->broken) {
        while (first < list->count && done[first])
            first++;
        at = first;
        while (at < list->count && (done[at] || !make(p, &list->choices[at])))
            at++;
        if (at >= list->count)
            break;
        done[at] = true;
    }
    free(done);
    replay_usual(p, most);
}

/* True: the run of the list is a better failure; it is taken. */
static bool attempt(struct shrink *s, const struct explore_schedule *list)
{
    if (s->runs >= s->limit)
        return false;
    s->runs++;
    follow(&s->path, list, s->best.count * 2 + 1000);
    if (!fails_with(&s->path, s->key))
        return false;
    struct cost c = cost_of(&s->path);
    if (!cheaper(&c, &s->cost))
        return false;
    s->cost = c;
    path_schedule(&s->path, &s->best);
    return true;
}

/* --- candidates ------------------------------------------------------------------------------------------------------ */

static size_t block_end(const struct explore_schedule *s, size_t at)
{
    size_t end = at + 1;
    while (end < s->count && same_agent(s, end, at))
        end++;
    return end;
}

static void append_range(struct explore_schedule *to, const struct explore_schedule *from, size_t a, size_t b)
{
    for (size_t i = a; i < b; i++)
        explore_schedule_append(to, from->choices[i].agent, from->choices[i].alternative);
}

/* The block [b, e) moved to stand behind position a, or, `back`, the block [a, m) moved to stand before b. */
static bool try_move(struct shrink *s, size_t a, size_t m, size_t b, size_t e, bool back)
{
    struct explore_schedule list = {0};
    append_range(&list, &s->best, 0, a);
    if (!back) {
        append_range(&list, &s->best, a, m);
        append_range(&list, &s->best, b, e);
        append_range(&list, &s->best, m, b);
    } else {
        append_range(&list, &s->best, m, b);
        append_range(&list, &s->best, a, m);
        append_range(&list, &s->best, b, e);
    }
    append_range(&list, &s->best, e, s->best.count);
    bool better = attempt(s, &list);
    explore_schedule_free(&list);
    return better;
}

/* Joins two blocks of an agent with nothing of it between, at the earlier or the later place. */
static bool join_blocks(struct shrink *s)
{
    for (size_t a = 0; a < s->best.count && s->runs < s->limit;) {
        size_t m = block_end(&s->best, a), b = m;
        while (b < s->best.count && !same_agent(&s->best, a, b))
            b++;
        if (b < s->best.count && (try_move(s, a, m, b, block_end(&s->best, b), false) ||
                                  try_move(s, a, m, b, block_end(&s->best, b), true)))
            return true;
        a = m;
    }
    return false;
}

/* All of the list from some point on left to run without preemption; half, a quarter, ... of it first. */
static bool drop_tail(struct shrink *s)
{
    for (size_t keep = 0; keep < s->best.count; keep += (s->best.count - keep + 1) / 2) {
        struct explore_schedule list = {0};
        append_range(&list, &s->best, 0, keep);
        bool better = attempt(s, &list);
        explore_schedule_free(&list);
        if (better)
            return true;
    }
    return false;
}

/* One block left out: what it did happens later, or not at all. */
static bool drop_block(struct shrink *s)
{
    for (size_t a = 0, e; a < s->best.count && s->runs < s->limit; a = e) {
        struct explore_schedule list = {0};
        e = block_end(&s->best, a);
        append_range(&list, &s->best, 0, a);
        append_range(&list, &s->best, e, s->best.count);
        bool better = attempt(s, &list);
        explore_schedule_free(&list);
        if (better)
            return true;
    }
    return false;
}

static bool usual_alternative(struct shrink *s)
{
    for (size_t i = 0; i < s->best.count && s->runs < s->limit; i++) {
        if (!s->best.choices[i].alternative)
            continue;
        struct explore_schedule list = {0};
        explore_schedule_copy(&list, &s->best);
        list.choices[i].alternative = 0;
        bool better = attempt(s, &list);
        explore_schedule_free(&list);
        if (better)
            return true;
    }
    return false;
}

/* --- fewer preemptions by search -------------------------------------------------------------------------------------- */

struct wanted {
    struct shrink *s;
    bool found;
    uint64_t left;
};

static void wanted_ran(void *user, const struct explore_report *run)
{
    struct wanted *w = user;
    if (w->found || !run->outcome || run->outcome->key != w->s->key)
        return;
    w->found = true;
    explore_schedule_copy(&w->s->best, run->schedule);
}

static bool wanted_enough(void *user)
{
    return ((struct wanted *)user)->found;
}

/* Depth first with one preemption less: certain when it ends, which for 0 and 1 it often does. */
static void search_fewer(struct shrink *s)
{
    while (s->cost.preemptions > 0 && s->runs < s->limit) {
        struct wanted w = {.s = s};
        struct explore_result result;
        struct explore_config config = explore_defaults;
        config.strategy = EXPLORE_DFS;
        config.preemptions = (int)s->cost.preemptions - 1;
        config.faults = (int)s->cost.faults;
        config.schedules = s->limit - s->runs;
        config.iterate = config.keep_going = true;
        config.ran = wanted_ran;
        config.stop = wanted_enough;
        config.user = &w;
        explore_run(s->path.machine, &config, &result);
        s->runs += (unsigned)result.schedules;
        explore_result_free(&result);
        path_moved(&s->path);
        if (!w.found)
            return;
        struct explore_schedule list = {0};
        explore_schedule_copy(&list, &s->best);
        follow(&s->path, &list, list.count * 2 + 1000);
        IR_ASSERT(fails_with(&s->path, s->key));
        s->cost = cost_of(&s->path);
        explore_schedule_free(&list);
    }
}

/* Of very long schedules (what ends at a limit) fewer runs: as much time. */
static unsigned runs_to_spend(const struct explore_schedule *schedule, unsigned limit)
{
    enum { LONG = 1000, LEAST = 10 };
    unsigned runs = limit ? limit : DEFAULT_LIMIT;
    uint64_t fewer = schedule->count > LONG ? (uint64_t)runs * LONG / schedule->count : runs;
    return fewer > LEAST ? (unsigned)fewer : runs < LEAST ? runs : LEAST;
}

unsigned explore_minimise(const struct explore_machine *machine, struct explore_schedule *schedule, unsigned limit)
{
    struct shrink s = {.limit = runs_to_spend(schedule, limit)};
    path_init(&s.path, machine);
    follow(&s.path, schedule, schedule->count + REPLAY_MOST);
    enum explore_status status = path_node(&s.path)->status;
    if (status == EXPLORE_FAILED || status == EXPLORE_DEADLOCK) {
        struct explore_outcome o = {0};
        machine->outcome(machine->context, &o);
        s.key = o.key;
        s.cost = cost_of(&s.path);
        path_schedule(&s.path, &s.best);
        while (s.runs < s.limit && (drop_tail(&s) || join_blocks(&s) || drop_block(&s) || usual_alternative(&s)))
            ;
        s.limit += s.limit / SEARCH_SHARE;
        search_fewer(&s);
        explore_schedule_copy(schedule, &s.best);
    }
    explore_schedule_free(&s.best);
    path_free(&s.path);
    return s.runs;
}

/* --- the turning point ------------------------------------------------------------------------------------------------ */

/* Another choice where the path ends, then the rest by itself. */
static bool passes(struct path *p, struct explore_choice other, size_t most)
{
    return replay_choice(p, &other) && replay_usual(p, most) == EXPLORE_DONE;
}

static bool turn_at(struct path *p, const struct explore_schedule *failing, size_t i, unsigned *runs, struct explore_turning *out)
{
    struct explore_choice others[EXPLORE_AGENTS_MAX];
    unsigned count = 0;
    path_cut(p, i);
    for (unsigned k = 0; k < path_node(p)->candidate_count; k++) {
        const struct candidate *c = path_candidates(p, i) + k;
        for (uint32_t left = c->alternatives; left && count < EXPLORE_AGENTS_MAX; left &= left - 1) {
            struct explore_choice o = {p->ids[c->agent], (uint32_t)__builtin_ctz(left)};
            if (o.agent != failing->choices[i].agent || o.alternative != failing->choices[i].alternative)
                others[count++] = o;
        }
    }
    for (unsigned k = 0; k < count; k++) {
        ++*runs;
        if (passes(p, others[k], failing->count * 2 + 1000)) {
            out->found = true;
            out->index = i;
            out->instead = others[k];
            path_schedule(p, &out->passing);
            return true;
        }
        path_cut(p, i);
    }
    return false;
}

void explore_last_avoidable(const struct explore_machine *machine, const struct explore_schedule *failing, unsigned limit,
                            struct explore_turning *out)
{
    struct path p;
    unsigned runs = 0;
    *out = (struct explore_turning){0};
    limit = runs_to_spend(failing, limit);
    path_init(&p, machine);
    path_begin(&p);
    size_t length = 0;
    while (length < failing->count && replay_choice(&p, &failing->choices[length])) {
        path_checkpoint(&p, TURNING_GAP);
        length++;
    }
    for (size_t i = length; i-- > 0 && runs < limit && !out->found;)
        turn_at(&p, failing, i, &runs, out);
    path_free(&p);
}
