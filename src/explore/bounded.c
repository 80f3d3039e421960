/* All happens-before classes that have a representative with at most so many preemptions.
 *
 * The number of preemptions belongs to an order, not to its class, so sleep sets and wake-up trees do not apply: what they leave out
 * may be the only cheap order of a class (Coons, Musuvathi, McKinley, Bounded Partial-Order Reduction, OOPSLA 2013). Instead:
 *
 *   - Orders that lead to the same class of prefix, with the same agent to go on for free, are one place. A place is entered again
 *     only at a smaller cost. Runs that end at a known place count as merged.
 *   - At a node only some agents are tried. Where the running agent c can go on that is c; where the choice is free, any one. An agent
 *     that was tried calls for its rivals: those seen to race with, or to be kept waiting by, what it did there, that is its stretch
 *     until it waited or ended (for c, its next event alone: going on costs nothing, so it can be put in front by itself). Any order
 *     that begins with others can be had, at no greater cost, by putting a tried agent's stretch in front of it.
 *
 * Who is a rival is learnt on the way, per footprint; passes are repeated until one learns nothing. A class has then been missed only
 * if two places have the same 64-bit hash. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "explore/part.h"
#include "explore/search.h"

struct place {
    uint64_t key;
    uint64_t rest; /* rivals of the running agent's stretch from here on */
    uint32_t cost;
};

/* Agents as bits; those from ALL on are one. */
typedef uint64_t agents;

enum { ALL = 63 };

struct turn {
    agents tried, wanted;
    agents able, waits; /* enabled here; waiting here */
    agents rest;        /* rivals of the running agent's stretch from here on */
    uint32_t print;     /* of the event being explored */
    uint16_t agent;     /* its agent, or NO_AGENT */
    uint16_t first;     /* the agent tried first */
    uint16_t high;      /* of the agents that share a bit, those below were tried */
    uint32_t left;      /* alternatives of it still to be explored */
    agents below;       /* rivals of the rest of its stretch, behind the event */
};

struct bounded {
    struct search *s;
    struct path *path;
    int bound;
    bool left_out; /* by the bound */
    bool learnt;
    bool skipped; /* an agent that nobody called for */
    agents *rivals; /* by footprint */
    size_t rival_room;
    struct place *places;
    size_t place_count, place_size;
    struct seen complete;
    struct turn *turns;
    size_t turn_room;
    int32_t arrival[EXPLORE_AGENTS_MAX];
    agents *stretches[EXPLORE_AGENTS_MAX]; /* what the stretch from an agent's n-th event last called for: a guess */
    size_t stretch_room[EXPLORE_AGENTS_MAX];
    /* Of a part of the search: */
    size_t root;   /* only what is below this node */
    uint64_t memo; /* what is known of places and classes holds for parts with this number */
};

static agents bit(unsigned agent)
{
    return 1ull << (agent < ALL ? agent : ALL);
}

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

static uint64_t place_key(const struct path *p, const struct node *n)
{
    uint64_t key = n->can_go_on ? explore_mix(n->trace + p->keys[n->running]) : n->trace;
    return key + (key == 0);
}

/* The place where the path ends; *known: it has been entered at no greater cost. */
static struct place *enter(struct bounded *b, bool *known)
{
    const struct node *n = path_node(b->path);
    uint64_t key = place_key(b->path, n);
    if (b->place_count * 2 >= b->place_size)
        grow_places(b);
    struct place *at = find_place(b, key);
    *known = at->key && at->cost <= n->preemptions;
    if (*known)
        return at;
    b->place_count += !at->key;
    *at = (struct place){key, at->rest, n->preemptions};
    if (b->place_count > b->s->config->nodes && !b->s->stopped) {
        b->s->stopped = b->s->result->bound_hit = true;
        search_not_complete(b->s, "there are more places than the limit of nodes");
    }
    return at;
}

/* --- rivals ------------------------------------------------------------------------------------------------------ */

static agents rivals_of(const struct bounded *b, uint32_t print)
{
    if (print == FOOTPRINT_ALL)
        return bit(ALL);
    return print < b->rival_room ? b->rivals[print] : 0;
}

static void learn(struct bounded *b, uint32_t print, unsigned rival)
{
    if (rivals_of(b, print) & bit(rival))
        return;
    size_t old = b->rival_room;
    b->rivals = explore_grow(b->rivals, &b->rival_room, print + 1, sizeof *b->rivals);
    memset(b->rivals + old, 0, (b->rival_room - old) * sizeof *b->rivals);
    b->rivals[print] |= bit(rival);
    b->learnt = true;
}

/* Everything before event `until` (which is the operation; or anything, if it waits at the end of the path) that conflicts with what an
 * operation wants that might have to wait, unless it came before the operation was reached. All below a write that did came before, too. */
static void learn_from_wanted(struct bounded *b, unsigned agent, uint32_t wants, size_t until)
{
    struct path *p = b->path;
    const struct footprint *f = &p->prints.all[wants];
    for (uint32_t i = 0; i < f->count; i++) {
        const struct touch *t = p->prints.touches + f->first + i;
        uint32_t a = until < p->count ? p->accesses[p->events[until].accesses + i].before : t->object < p->heads_known ? p->heads[t->object] : NO_EVENT;
        for (a = path_conflicting(p, a, t->kind); a != NO_EVENT; a = path_conflicting(p, p->accesses[a].before, t->kind)) {
            const struct event *e = &p->events[p->accesses[a].event];
            if (b->arrival[e->agent] < (int32_t)e->index) {
                if (e->agent != agent)
                    learn(b, e->print, agent);
            } else if (p->accesses[a].kind == EXPLORE_WRITE) {
                break;
            }
        }
    }
}

static void learn_from_event(struct bounded *b)
{
    struct path *p = b->path;
    size_t at = p->count - 1;
    const struct event *x = &p->events[at];
    for (uint32_t i = 0; i < x->race_count; i++)
        learn(b, p->events[p->race_events[x->races + i]].print, x->agent);
    for (uint32_t i = x->enables; i < p->enable_count; i++)
        if (p->last[p->enables[i].agent] != NO_EVENT) /* woken, not created: it may have been left for free while it slept */
            learn(b, x->print, p->enables[i].agent);
    if (x->waits == WAITS_NEVER)
        return;
    path_arrival(p, x->agent, x->before, at, b->arrival);
    for (unsigned i = 0; i < p->joined_count; i++) {
        const struct event *e = &p->events[p->joined[i]];
        if (b->arrival[e->agent] < (int32_t)e->index)
            learn(b, e->print, x->agent);
    }
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

/* --- the walk ---------------------------------------------------------------------------------------------------- */

static struct turn *top(struct bounded *b)
{
    return &b->turns[b->path->count];
}

static agents waiting_here(struct bounded *b)
{
    struct path *p = b->path;
    const struct explore_waiting *list;
    agents all = 0;
    if (!p->machine->waiting)
        return 0;
    for (unsigned n = p->machine->waiting(p->machine->context, &list); n > 0; n--)
        all |= bit(path_agent(p, list[n - 1].agent));
    return all;
}

static void open_turn(struct bounded *b)
{
    struct path *p = b->path;
    b->turns = explore_grow(b->turns, &b->turn_room, p->count + 1, sizeof *b->turns);
    struct turn *t = top(b);
    *t = (struct turn){.agent = NO_AGENT, .first = NO_AGENT, .high = ALL};
    const struct node *n = path_node(p);
    if (n->status != EXPLORE_RUNNING)
        return;
    t->waits = waiting_here(b);
    for (unsigned i = 0; i < n->candidate_count; i++)
        t->able |= bit(path_candidates(p, p->count)[i].agent);
    path_checkpoint(p, b->s->config->checkpoint);
}

static agents *stretch(struct bounded *b, unsigned agent, size_t d)
{
    size_t index = (size_t)path_counts(b->path, d)[agent], old = b->stretch_room[agent];
    b->stretches[agent] = explore_grow(b->stretches[agent], &b->stretch_room[agent], index + 1, sizeof(agents));
    memset(b->stretches[agent] + old, 0, (b->stretch_room[agent] - old) * sizeof(agents));
    return &b->stretches[agent][index];
}

/* Rivals that cannot run here may be brought to it by anybody, except where they have come to their end. */
static bool calls_for_all(const struct bounded *b, const struct turn *t)
{
    agents absent = t->wanted & ~t->able;
    if (absent & bit(ALL))
        return true;
    for (; absent; absent &= absent - 1) {
        unsigned agent = (unsigned)__builtin_ctzll(absent);
        if ((t->waits & bit(agent)) || b->path->last[agent] == NO_EVENT)
            return true;
    }
    return false;
}

/* The event explored from the node where the path ends is done with. */
static void close_event(struct bounded *b)
{
    struct turn *t = top(b);
    const struct node *n = path_node(b->path);
    agents next = rivals_of(b, t->print), all = next | t->below;
    if (n->can_go_on && t->agent == n->running) {
        t->wanted |= next;
        t->rest |= all;
    } else {
        t->wanted |= all;
        *stretch(b, t->agent, b->path->count) = all;
    }
    if (calls_for_all(b, t))
        t->wanted |= t->able | bit(ALL);
}

/* The agent to try first: the running one, else one that is likely to call for few others. */
static const struct candidate *first_agent(struct bounded *b)
{
    struct path *p = b->path;
    const struct node *n = path_node(p);
    const struct candidate *c = path_candidates(p, p->count), *best = NULL;
    if (n->can_go_on)
        return path_find(p, p->count, n->running);
    int least = 100;
    for (unsigned i = 0; i < n->candidate_count; i++) {
        int calls = __builtin_popcountll(*stretch(b, c[i].agent, p->count) & ~bit(c[i].agent));
        if (calls < least) {
            least = calls;
            best = &c[i];
        }
    }
    return best;
}

static bool was_tried(const struct turn *t, unsigned agent)
{
    return agent == t->first || (agent < ALL ? (t->tried & bit(agent)) != 0 : agent < t->high);
}

static const struct candidate *next_agent(struct bounded *b)
{
    struct path *p = b->path;
    const struct node *n = path_node(p);
    const struct candidate *c = path_candidates(p, p->count), *next = NULL;
    struct turn *t = top(b);
    if (!t->tried)
        return first_agent(b);
    for (unsigned i = 0; i < n->candidate_count; i++) {
        if (was_tried(t, c[i].agent))
            continue;
        if (!(t->wanted & bit(c[i].agent)))
            b->skipped = true;
        else if (n->can_go_on && (int)n->preemptions >= b->bound)
            b->left_out = true;
        else if (!next || c[i].agent < next->agent)
            next = &c[i];
    }
    return next;
}

static bool next_choice(struct bounded *b, unsigned *agent, unsigned *alternative)
{
    struct turn *t = top(b);
    if (path_node(b->path)->status != EXPLORE_RUNNING)
        return false;
    if (t->agent == NO_AGENT || !t->left) {
        const struct candidate *c = next_agent(b);
        if (!c)
            return false;
        t->agent = c->agent;
        t->left = search_alternatives(b->s, c);
        t->first = t->tried ? t->first : c->agent;
        t->tried |= bit(c->agent);
        if (c->agent >= ALL && c->agent != t->first)
            t->high = c->agent + 1;
    }
    *agent = t->agent;
    *alternative = (unsigned)__builtin_ctz(t->left);
    t->left &= t->left - 1;
    t->below = 0;
    return true;
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
    size_t at = p->count;
    enum explore_status status = path_step(p, agent, alternative);
    learn_from_event(b);
    open_turn(b);
    b->turns[at].print = p->events[at].print;
    if (search_too_long(b->s) && status == EXPLORE_RUNNING) {
        search_cut(b->s);
        return false;
    }
    if (status == EXPLORE_RUNNING && (int)path_node(p)->preemptions > b->bound) {
        b->left_out = true;
        return false;
    }
    bool known;
    const struct place *place = enter(b, &known);
    if (known) {
        b->s->result->merged++;
        top(b)->rest = place->rest;
        return false;
    }
    if (status != EXPLORE_RUNNING)
        run_ended(b);
    return status == EXPLORE_RUNNING;
}

/* From a node that is done with to the one before. */
static void back(struct bounded *b)
{
    struct path *p = b->path;
    struct turn *t = top(b);
    bool goes_on = path_node(p)->can_go_on, known;
    if (goes_on && t->tried) {
        agents rest = t->rest;
        enter(b, &known)->rest |= rest;
    }
    t[-1].below = goes_on ? t->rest : 0;
    path_cut(p, p->count - 1);
    close_event(b);
}

/* From the root, where the path stands; true if all was walked. */
static bool walk(struct bounded *b)
{
    struct path *p = b->path;
    unsigned agent, alternative;
    bool known;
    enter(b, &known);
    if (path_node(p)->status != EXPLORE_RUNNING) {
        run_ended(b);
        return true;
    }
    for (;;) {
        if (next_choice(b, &agent, &alternative)) {
            if (step(b, agent, alternative))
                continue;
            if (search_enough(b->s))
                return false;
        }
        if (p->count == b->root)
            return true;
        back(b);
    }
}

/* One pass; true if it was walked to its end. */
static bool pass(struct bounded *b)
{
    b->left_out = b->learnt = b->skipped = false;
    memset(b->places, 0, b->place_size * sizeof *b->places);
    b->place_count = 0;
    path_begin(b->path);
    open_turn(b);
    return walk(b);
}

static struct bounded *new_search(struct search *s, int bound)
{
    struct bounded *b = calloc(1, sizeof *b);
    if (!b)
        base_panic("out of memory while exploring");
    b->s = s;
    b->path = &s->path;
    b->path->races = true;
    b->bound = bound;
    grow_places(b);
    return b;
}

void bounded_free(struct bounded *b)
{
    for (unsigned i = 0; i < EXPLORE_AGENTS_MAX; i++)
        free(b->stretches[i]);
    free(b->turns);
    free(b->places);
    free(b->rivals);
    seen_free(&b->complete);
    free(b);
}

void explore_bounded(struct search *s)
{
    struct bounded *b = new_search(s, s->config->iterate ? 0 : s->config->preemptions);
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
    bounded_free(b);
}

/* --- parts ---------------------------------------------------------------------------------------------------------
 *
 * An item: the bound, whether only the places behind this one are wanted, a number, the choices that lead here, the rivals known. Its nodes above
 * are explored in full by whoever made the item, so nobody has to be called for there. What an explorer knows of places it keeps from part to part
 * as long as the number is the same: then all that it brought has counted. */

static void put_agents(struct bounded *b, struct bytes *out, agents set)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < b->path->agents && i < ALL; i++)
        n += (set & bit(i)) != 0;
    bytes_u(out, (set & bit(ALL)) != 0);
    bytes_u(out, n);
    for (unsigned i = 0; i < b->path->agents && i < ALL; i++)
        if (set & bit(i))
            bytes_u(out, b->path->ids[i]);
}

/* Those that came with the item are kept apart in `given`: only what is new goes back. */
static void get_rivals(struct bounded *b, struct reader *in, struct bytes *given)
{
    struct prints_in prints = {0};
    for (size_t n = read_count(in); n > 0 && !in->bad; n--) {
        uint32_t print = get_print(in, &prints, &b->path->prints);
        bool all = read_u(in);
        if (all && print != FOOTPRINT_ALL)
            learn(b, print, ALL);
        for (size_t k = read_count(in); k > 0 && !in->bad; k--) {
            unsigned agent = path_agent(b->path, (uint32_t)read_u(in));
            if (print != FOOTPRINT_ALL)
                learn(b, print, agent);
        }
    }
    bytes_put(given, b->rivals, b->rival_room * sizeof *b->rivals);
    free(prints.all);
}

static void put_rivals(struct bounded *b, struct bytes *out, const struct bytes *given)
{
    const agents *old = (const agents *)given->data;
    size_t olds = given->count / sizeof *old;
    struct prints_out m = {0};
    struct bytes all = {0};
    uint64_t n = 0;
    for (size_t i = 0; i < b->rival_room; i++) {
        agents set = b->rivals[i] & ~(i < olds ? old[i] : 0);
        if (!set)
            continue;
        put_print(&all, &m, &b->path->prints, (uint32_t)i);
        put_agents(b, &all, set);
        n++;
    }
    bytes_u(out, n);
    bytes_put(out, all.data, all.count);
    bytes_free(&all);
    free(m.map);
}

/* The place where the path ends: its class and agent that goes on, its cost, the choices. */
static void put_place(struct bounded *b, struct bytes *out)
{
    struct explore_schedule to = {0};
    bytes_u(out, place_key(b->path, path_node(b->path)));
    bytes_u(out, path_node(b->path)->preemptions);
    path_schedule(b->path, &to);
    put_schedule(out, &to);
    explore_schedule_free(&to);
}

/* Of an agent at a node: its alternatives that have not been begun with. */
static uint32_t alternatives_left(struct bounded *b, size_t node, const struct candidate *c)
{
    const struct turn *t = &b->turns[node];
    if (node > b->path->count || !was_tried(t, c->agent))
        return search_alternatives(b->s, c);
    return c->agent == t->agent ? t->left : 0;
}

static bool too_dear(const struct bounded *b, size_t node, const struct candidate *c)
{
    const struct node *n = &b->path->nodes[node];
    return n->can_go_on && c->agent != n->running && (int)n->preemptions >= b->bound;
}

/* Every place that one event leads to from this node, but for what has been explored. The path ends there. */
static uint64_t put_places(struct bounded *b, size_t node, struct bytes *out)
{
    struct path *p = b->path;
    uint64_t n = 0;
    unsigned count = p->nodes[node].candidate_count;
    for (unsigned i = 0; i < count && path_node(p)->status == EXPLORE_RUNNING; i++) {
        struct candidate c = path_candidates(p, node)[i];
        uint32_t left = alternatives_left(b, node, &c);
        if (left && too_dear(b, node, &c)) {
            b->left_out = true;
            continue;
        }
        for (; left; left &= left - 1) {
            path_step(p, c.agent, (unsigned)__builtin_ctz(left));
            bool dear = path_node(p)->status == EXPLORE_RUNNING && (int)path_node(p)->preemptions > b->bound;
            b->left_out |= dear;
            if (!dear)
                put_place(b, out);
            n += !dear;
            path_cut(p, node);
        }
    }
    return n;
}

/* Nodes from the root on that are given up, so that others can have what is left there: as many as it takes to have `wanted` agents. The last event of
 * the path leads nowhere. */
static size_t nodes_to_give(struct bounded *b, unsigned wanted)
{
    const struct path *p = b->path;
    size_t node = b->root;
    for (unsigned have = 0; node + 1 < p->count && have < wanted; node++)
        for (unsigned i = 0; i < p->nodes[node].candidate_count; i++) {
            const struct candidate *c = path_candidates(p, node) + i;
            have += !was_tried(&b->turns[node], c->agent) && !too_dear(b, node, c);
        }
    return node - b->root;
}

/* Places on the way are not known yet. */
static void forget_way(struct bounded *b)
{
    for (size_t i = b->root; i < b->path->count; i++)
        find_place(b, place_key(b->path, &b->path->nodes[i]))->cost = UINT32_MAX;
}

/* What is left of the walk: places beside the way from the root on, and the one that it leads to. */
static void put_left(struct bounded *b, unsigned wanted, struct bytes *out)
{
    struct path *p = b->path;
    struct bytes all = {0};
    uint64_t n = 0;
    size_t give = nodes_to_give(b, wanted ? wanted : 1), node = b->root + give;
    forget_way(b);
    path_cut(p, node);
    if (node > b->root) {
        put_place(b, &all);
        n++;
    } else {
        n += put_places(b, node, &all);
    }
    while (node-- > b->root) {
        path_cut(p, node);
        n += put_places(b, node, &all);
    }
    bytes_u(out, n);
    bytes_put(out, all.data, all.count);
    bytes_free(&all);
}

static void forget_places(struct bounded *b)
{
    memset(b->places, 0, b->place_size * sizeof *b->places);
    b->place_count = 0;
    seen_free(&b->complete);
}

void bounded_part(struct part *part)
{
    struct search *s = part->s;
    struct path *p = &s->path;
    struct reader *in = part->in;
    struct explore_schedule to = {0};
    struct bytes given = {0};
    uint64_t bound = read_u(in);
    bool only_expand = read_u(in);
    uint64_t memo = read_u(in);
    struct bounded *b = *part->kept_bounded ? *part->kept_bounded : new_search(s, 0);
    *part->kept_bounded = b;
    b->bound = bound < INT_MAX ? (int)bound : INT_MAX;
    b->left_out = b->skipped = false;
    if (b->memo != memo)
        forget_places(b);
    b->memo = memo;
    s->log = true;
    get_schedule(in, &to);
    if (p->nodes) {
        path_cut(p, 0);
    } else {
        path_begin(p);
        path_checkpoint(p, 1);
    }
    open_turn(b);
    get_rivals(b, in, &given);
    for (size_t i = 0; i < to.count && !in->bad && !p->broken; i++) {
        unsigned agent = path_agent(p, to.choices[i].agent);
        const struct candidate *c = path_find(p, i, agent);
        if (!c || !(c->alternatives >> to.choices[i].alternative & 1)) {
            path_break(p, "broken promise: the choices that lead to a part of the search cannot be made where it is explored", NO_EVENT);
            break;
        }
        path_step(p, agent, to.choices[i].alternative);
        learn_from_event(b);
        open_turn(b);
    }
    b->root = to.count;
    if (!in->bad && !p->broken) {
        b->learnt = false;
        only_expand = only_expand && path_node(p)->status == EXPLORE_RUNNING;
        bool done = !only_expand && walk(b);
        part->flags |= done ? PART_FINISHED : 0u;
        put_rivals(b, part->out, &given);
        if (!done && !s->stopped) {
            part->flags |= PART_EXPANDED;
            put_left(b, *part->wanted, part->out);
        }
        part->flags |= (b->left_out ? PART_LEFT_OUT : 0u) | (b->skipped ? PART_SKIPPED : 0u);
    }
    bytes_free(&given);
    explore_schedule_free(&to);
}
