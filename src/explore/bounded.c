/* All happens-before classes that have a representative with at most so many preemptions.
 *
 * The number of preemptions belongs to an order, not to its class, so sleep sets and wake-up trees do not apply: what they leave out
 * may be the only cheap order of a class. (Coons, Musuvathi, McKinley, Bounded Partial-Order Reduction, OOPSLA 2013, say why.) Instead
 *
 *   - Orders that lead to the same class of prefix, with the same agent to go on for free, are one place. A place is entered again
 *     only at a smaller cost. Runs that end at a known place count as merged.
 *   - A preemption is tried only in front of an event that has been seen to race, or to keep another from waiting: any other can be
 *     put off behind the event at no cost. Likewise, where the choice is free, others are tried before an agent only if some event of
 *     the agent's whole stretch (until it waits or ends) is such.
 *
 * What races is learnt on the way, per footprint; passes are repeated until one learns nothing. A class has then been missed only if two
 * places have the same 64-bit hash. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "explore/search.h"

struct place {
    uint64_t key;
    uint32_t cost;
};

struct prints {
    uint32_t *all;
    size_t count, room;
};

/* A node of the path: what was tried, and what its first agent touched: its next event where it is running, its whole stretch where
 * the choice was free. */
struct turn {
    uint32_t at, left;
    size_t stretch; /* the free node at which the running agent's stretch began, or NOWHERE */
    bool unknown;   /* the stretch ended at a known place: what came after was not seen */
    struct prints touched;
};

#define NOWHERE SIZE_MAX

struct bounded {
    struct search *s;
    struct path *path;
    int bound;
    bool left_out;
    bool learnt;
    bool skipped; /* something for not racing */
    uint8_t *races; /* by footprint */
    size_t race_room;
    struct place *places;
    size_t place_count, place_size;
    struct seen complete;
    struct turn *turns;
    size_t turn_room;
    int32_t arrival[EXPLORE_AGENTS_MAX];
};

/* --- places ------------------------------------------------------------------------------------------------------ */

static struct place *find_place(struct bounded *b, uint64_t key)
{
    size_t at = explore_mix(key) & (b->place_size - 1);
    while (b->places[at].key && b->places[at].key != key)
        at = (at + 1) & (b->place_size - 1);
    return &b->places[at];
}

static void grow_places(struct bounded *b)
{
    struct place *old = b->places;
    size_t old_size = b->place_size;
    b->place_size = old_size ? old_size * 2 : 4096;
    b->places = calloc(b->place_size, sizeof *b->places);
    if (!b->places)
        base_panic("out of memory while exploring");
    for (size_t i = 0; i < old_size; i++)
        if (old[i].key)
            *find_place(b, old[i].key) = old[i];
    free(old);
}

/* False: the place where the path ends has been entered at no greater cost. */
static bool enter(struct bounded *b)
{
    const struct node *n = path_node(b->path);
    uint64_t key = n->can_go_on ? explore_mix(n->trace + b->path->keys[n->running]) : n->trace;
    key += key == 0;
    if (b->place_count * 2 >= b->place_size)
        grow_places(b);
    struct place *at = find_place(b, key);
    if (at->key && at->cost <= n->preemptions)
        return false;
    b->place_count += !at->key;
    *at = (struct place){key, n->preemptions};
    if (b->place_count > b->s->config->nodes && !b->s->stopped) {
        b->s->stopped = b->s->result->bound_hit = true;
        search_not_complete(b->s, "there are more places than the limit of nodes");
    }
    return true;
}

/* --- what races -------------------------------------------------------------------------------------------------- */

static bool racing(const struct bounded *b, uint32_t print)
{
    return print == FOOTPRINT_ALL || (print < b->race_room && b->races[print]);
}

static void learn(struct bounded *b, uint32_t print)
{
    if (racing(b, print))
        return;
    size_t old = b->race_room;
    b->races = explore_grow(b->races, &b->race_room, print + 1, 1);
    memset(b->races + old, 0, b->race_room - old);
    b->races[print] = 1;
    b->learnt = true;
}

/* Everything before `until` that conflicts with what an operation wants that might have to wait, unless it came before the operation
 * was reached. */
static void learn_from_wanted(struct bounded *b, unsigned agent, uint32_t wants, size_t until)
{
    struct path *p = b->path;
    const struct footprint *f = &p->prints.all[wants];
    for (uint32_t i = 0; i < f->count; i++) {
        const struct touch *t = p->prints.touches + f->first + i;
        uint32_t a = t->object < p->heads_known ? p->heads[t->object] : NO_EVENT;
        for (; a != NO_EVENT; a = p->accesses[a].before) {
            const struct event *e = &p->events[p->accesses[a].event];
            if (p->accesses[a].event < until && e->agent != agent && touch_kinds_conflict(p->accesses[a].kind, t->kind) &&
                b->arrival[e->agent] < (int32_t)e->index)
                learn(b, e->print);
        }
    }
}

static void learn_from_event(struct bounded *b)
{
    struct path *p = b->path;
    size_t at = p->count - 1;
    const struct event *x = &p->events[at];
    for (uint32_t i = 0; i < x->race_count; i++)
        learn(b, p->events[p->race_events[x->races + i]].print);
    if (x->waits == WAITS_NEVER)
        return;
    path_arrival(p, x->agent, x->before, at, b->arrival);
    learn_from_wanted(b, x->agent, x->really, at);
}

static void learn_from_waiting(struct bounded *b)
{
    struct path *p = b->path;
    const struct explore_waiting *list;
    if (!p->machine->waiting)
        return;
    path_sync(p);
    unsigned n = p->machine->waiting(p->machine->context, &list);
    for (unsigned i = 0; i < n; i++) {
        unsigned agent = path_agent(p, list[i].agent);
        path_arrival(p, agent, p->last[agent], p->count, b->arrival);
        learn_from_wanted(b, agent, footprint_intern(&p->prints, list[i].accesses, list[i].access_count), p->count);
    }
}

static bool others_matter(struct bounded *b, const struct turn *t)
{
    for (size_t i = 0; i < t->touched.count; i++)
        if (racing(b, t->touched.all[i]))
            return true;
    b->skipped |= !t->unknown;
    return t->unknown;
}

/* --- the walk ---------------------------------------------------------------------------------------------------- */

static struct turn *top(struct bounded *b)
{
    return &b->turns[b->path->count];
}

static void open_turn(struct bounded *b)
{
    struct path *p = b->path;
    size_t old = b->turn_room;
    b->turns = explore_grow(b->turns, &b->turn_room, p->count + 1, sizeof *b->turns);
    memset(b->turns + old, 0, (b->turn_room - old) * sizeof *b->turns);
    struct turn *t = top(b);
    t->at = 0;
    t->left = UINT32_MAX;
    t->unknown = false;
    t->touched.count = 0;
    t->stretch = NOWHERE;
    const struct node *n = path_node(p);
    if (n->status != EXPLORE_RUNNING)
        return;
    path_checkpoint(p, b->s->config->checkpoint);
    if (!n->can_go_on)
        t->stretch = p->count;
    else if (t[-1].at == 0)
        t->stretch = t[-1].stretch; /* the first agent of the free node still runs */
}

static void touch(struct turn *t, uint32_t print)
{
    t->touched.all = explore_grow(t->touched.all, &t->touched.room, t->touched.count + 1, sizeof *t->touched.all);
    t->touched.all[t->touched.count++] = print;
}

/* The i-th candidate to try: the running agent first. */
static const struct candidate *in_turn(const struct path *p, unsigned i)
{
    const struct node *n = &p->nodes[p->count];
    const struct candidate *c = path_candidates(p, p->count);
    unsigned first = 0;
    for (unsigned k = 0; k < n->candidate_count; k++)
        first = c[k].agent == n->running ? k : first;
    return &c[(first + i) % n->candidate_count];
}

static bool next_choice(struct bounded *b, unsigned *agent, unsigned *alternative)
{
    struct path *p = b->path;
    const struct node *n = path_node(p);
    struct turn *t = top(b);
    for (; t->at < n->candidate_count; t->at++, t->left = UINT32_MAX) {
        if (t->at > 0 && t->left == UINT32_MAX) {
            if (!others_matter(b, t))
                return false;
            if (n->can_go_on && (int)n->preemptions >= b->bound) {
                b->left_out = true;
                return false;
            }
        }
        const struct candidate *c = in_turn(p, t->at);
        uint32_t left = search_alternatives(b->s, c) & t->left;
        if (!left)
            continue;
        *agent = c->agent;
        *alternative = (unsigned)__builtin_ctz(left);
        t->left &= ~(1u << *alternative);
        return true;
    }
    return false;
}

static void run_ended(struct bounded *b)
{
    learn_from_waiting(b);
    if (seen_add(&b->complete, path_node(b->path)->trace))
        search_ran(b->s);
}

/* One event; true if the place it leads to is to be walked on from. */
static bool step(struct bounded *b, unsigned agent, unsigned alternative)
{
    struct path *p = b->path;
    size_t at = p->count, stretch = b->turns[at].stretch;
    bool first = b->turns[at].at == 0;
    enum explore_status status = path_step(p, agent, alternative);
    learn_from_event(b);
    open_turn(b);
    uint32_t print = p->events[at].print;
    if (first)
        touch(&b->turns[at], print);
    if (first && stretch != NOWHERE && stretch != at)
        touch(&b->turns[stretch], print);
    if (search_too_long(b->s) && status == EXPLORE_RUNNING) {
        search_cut(b->s);
        return false;
    }
    if (!enter(b)) {
        b->s->result->merged++;
        if (first && stretch != NOWHERE && path_node(p)->can_go_on)
            b->turns[stretch].unknown = true;
        return false;
    }
    if (status != EXPLORE_RUNNING)
        run_ended(b);
    return status == EXPLORE_RUNNING;
}

/* One pass; true if it was walked to its end. */
static bool pass(struct bounded *b)
{
    struct path *p = b->path;
    unsigned agent, alternative;
    b->left_out = b->learnt = b->skipped = false;
    memset(b->places, 0, b->place_size * sizeof *b->places);
    b->place_count = 0;
    path_begin(p);
    open_turn(b);
    if (path_node(p)->status != EXPLORE_RUNNING) {
        run_ended(b);
        return true;
    }
    while (!search_enough(b->s)) {
        while (!next_choice(b, &agent, &alternative)) {
            if (p->count == 0)
                return true;
            path_cut(p, p->count - 1);
        }
        while (step(b, agent, alternative) && !b->s->stopped && !p->broken)
            if (!next_choice(b, &agent, &alternative))
                break;
        top(b)->at = UINT32_MAX - 1; /* nothing to try below */
    }
    return false;
}

void explore_bounded(struct search *s)
{
    struct bounded *b = calloc(1, sizeof *b);
    if (!b)
        base_panic("out of memory while exploring");
    b->s = s;
    b->path = &s->path;
    b->path->races = true;
    b->bound = s->config->iterate ? 0 : s->config->preemptions;
    grow_places(b);
    bool done;
    for (;;) {
        do
            done = pass(b);
        while (done && b->learnt && b->skipped);
        if (!done)
            break;
        s->result->preemptions = b->bound;
        if (!b->left_out || b->bound >= s->config->preemptions)
            break;
        b->bound++;
    }
    if (done)
        s->result->unbounded = !b->left_out && s->config->faults < 0 && s->result->complete;
    for (size_t i = 0; i < b->turn_room; i++)
        free(b->turns[i].touched.all);
    free(b->turns);
    free(b->places);
    free(b->races);
    seen_free(&b->complete);
    free(b);
}
