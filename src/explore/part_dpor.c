/* A part of the reduction: everything below a leaf of the wake-up tree. See part.h. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "explore/dpor.h"

enum { MOST_DEEP = 4096 }; /* of a tree in a message */

/* --- reversals that land above ------------------------------------------------------------------------------------- */

/* Events of each agent that come before, among the items: as pairs, those with none left out. */
static void put_clock(struct dpor *d, struct bytes *b, const int32_t *clock)
{
    const struct path *p = d->path;
    const int32_t *gone = path_counts(p, d->reversal.at);
    uint64_t n = 0;
    for (unsigned a = 0; a < p->agents; a++)
        n += clock[a] > gone[a];
    bytes_u(b, n);
    for (unsigned a = 0; a < p->agents; a++)
        if (clock[a] > gone[a]) {
            bytes_u(b, p->ids[a]);
            bytes_u(b, (uint64_t)(clock[a] - gone[a]));
        }
}

static void put_item(struct dpor *d, struct bytes *b, unsigned agent, unsigned alternative, uint32_t print)
{
    bytes_u(b, d->path->ids[agent]);
    bytes_u(b, alternative);
    put_print(b, &d->part->prints, &d->path->prints, print);
}

void part_pass_on(struct dpor *d)
{
    const struct path *p = d->path;
    struct reversal *r = &d->reversal;
    struct bytes *b = &d->part->passed_on;
    int32_t last[EXPLORE_AGENTS_MAX];
    size_t n = 1;
    IR_ASSERT(r->print != FOOTPRINT_UNKNOWN);
    reversal_start(r);
    for (size_t i = r->at; i < p->count; i++)
        n += reversal_has(r, i);
    bytes_u(b, r->at);
    bytes_u(b, n);
    memcpy(last, r->arrival, p->stride * sizeof *last);
    for (size_t i = r->at; i < p->count; i++) {
        if (!reversal_has(r, i))
            continue;
        const struct event *e = &p->events[i];
        put_item(d, b, e->agent, e->alternative, e->print);
        put_clock(d, b, path_clock(p, i));
        if (footprint_conflict(&p->prints, e->print, r->print))
            clock_join(last, path_clock(p, i), p->stride);
    }
    put_item(d, b, r->agent, r->alternative, r->print);
    put_clock(d, b, last);
    d->part->passed_on_count++;
}

/* --- items --------------------------------------------------------------------------------------------------------- */

struct choice {
    unsigned agent, alternative;
    uint32_t print;
};

static struct choice get_choice(struct dpor *d, struct reader *r, struct prints_in *prints)
{
    uint64_t agent = read_u(r), alternative = read_u(r);
    uint32_t print = alternative == ANY_ALTERNATIVE ? FOOTPRINT_UNKNOWN : get_print(r, prints, &d->path->prints);
    r->bad |= agent >= EXPLORE_NO_AGENT || (alternative >= EXPLORE_ALTERNATIVES_MAX && alternative != ANY_ALTERNATIVE);
    return (struct choice){r->bad ? 0 : path_agent(d->path, (uint32_t)agent), (unsigned)alternative, print};
}

static uint32_t get_branches(struct dpor *d, struct reader *r, struct prints_in *prints, unsigned deep)
{
    uint32_t first = NO_BRANCH;
    r->bad |= deep > MOST_DEEP;
    for (size_t n = read_count(r); n > 0 && !r->bad; n--) {
        struct choice c = get_choice(d, r, prints);
        uint32_t b = branch_new(&d->branches, (uint16_t)c.agent, (uint8_t)c.alternative, c.print);
        uint32_t child = get_branches(d, r, prints, deep + 1);
        d->branches.all[b].child = child;
        branch_append(&d->branches, &first, b);
    }
    return first;
}

static void get_sleepers(struct dpor *d, struct reader *r, struct prints_in *prints, struct stand *st)
{
    for (size_t n = read_count(r); n > 0 && !r->bad; n--) {
        struct choice c = get_choice(d, r, prints);
        dpor_add_sleeper(d, st, (struct sleeper){c.print, (uint16_t)c.agent, (uint8_t)c.alternative});
    }
}

/* The node's branch that leads on comes first. Its agent's other alternatives are branches too: whoever gets here first says so. */
static void pass_node(struct dpor *d, size_t at, struct choice c)
{
    struct path *p = d->path;
    const struct candidate *able = path_find(p, at, c.agent);
    if (able && (able->alternatives & (able->alternatives - 1))) {
        path_cut(p, at);
        dpor_add_sleeper(d, &d->stands[at], (struct sleeper){c.print, (uint16_t)c.agent, (uint8_t)c.alternative});
        dpor_alternatives(d, c.agent);
        d->stands[at].sleeper_count--;
    }
    uint32_t b = branch_new(&d->branches, (uint16_t)c.agent, (uint8_t)c.alternative, c.print);
    d->branches.all[b].next = d->stands[at].tree;
    d->stands[at].tree = b;
}

/* The part before went the same way. */
static void step_or_stay(struct path *p, size_t at, unsigned agent, unsigned alternative)
{
    if (at < p->count && p->events[at].agent == agent && p->events[at].alternative == alternative)
        return;
    path_cut(p, at);
    path_step(p, agent, alternative);
}

/* To the part's root. The nodes on the way are known as far as the item tells. */
static void go_to_root(struct dpor *d, struct reader *r)
{
    struct path *p = d->path;
    struct prints_in prints = {0};
    size_t depth = read_count(r);
    d->root = depth;
    for (size_t i = 0; i < depth && !r->bad && !p->broken; i++) {
        struct choice c = get_choice(d, r, &prints);
        struct stand *st = dpor_stand(d, i);
        get_sleepers(d, r, &prints, st);
        uint32_t tree = get_branches(d, r, &prints, 0);
        if (r->bad)
            break;
        d->stands[i].tree = tree;
        const struct candidate *able = path_find(p, i, c.agent);
        if (!able || !(able->alternatives >> c.alternative & 1)) {
            path_break(p, "broken promise: the choices that lead to a part of the search cannot be made where it is explored", NO_EVENT);
            break;
        }
        pass_node(d, i, c);
        step_or_stay(p, i, c.agent, c.alternative);
        path_checkpoint(p, d->s->config->checkpoint / 2);
        if (c.print != p->events[i].print)
            path_break(p, "broken promise: %s touched something else where a part of the search was explored", (uint32_t)i);
    }
    struct stand *st = dpor_stand(d, depth);
    get_sleepers(d, r, &prints, st);
    st->inherited = st->sleeper_count;
    free(prints.all);
}

/* Where the part was left off: the nodes below its root as they were. */
static void go_on(struct dpor *d, struct reader *r)
{
    struct path *p = d->path;
    struct prints_in prints = {0};
    size_t nodes = read_count(r);
    r->bad |= nodes == 0;
    for (size_t i = 0; i < nodes && !r->bad && !p->broken; i++) {
        size_t at = d->root + i;
        struct stand *st = dpor_stand(d, at);
        get_sleepers(d, r, &prints, st);
        st->inherited = st->sleeper_count;
        get_sleepers(d, r, &prints, st);
        uint32_t tree = get_branches(d, r, &prints, 0);
        d->stands[at].tree = tree;
        r->bad |= tree == NO_BRANCH;
        if (r->bad || i + 1 == nodes)
            break;
        struct branch b = d->branches.all[tree];
        const struct candidate *able = path_find(p, at, b.agent);
        if (b.alternative == ANY_ALTERNATIVE || !able || !(able->alternatives >> b.alternative & 1)) {
            path_break(p, "broken promise: the choices that lead to a part of the search cannot be made where it is explored", NO_EVENT);
            break;
        }
        step_or_stay(p, at, b.agent, b.alternative);
        path_checkpoint(p, d->s->config->checkpoint / 2);
        if (b.print != p->events[at].print)
            path_break(p, "broken promise: %s touched something else where a part of the search was explored", (uint32_t)at);
    }
    if (!r->bad && !p->broken)
        path_cut(p, d->root + nodes - 1);
    free(prints.all);
}

/* --- what is left -------------------------------------------------------------------------------------------------- */

/* What a branch touches that stands for all alternatives: others cannot find out. trail: the branches above it. */
static void learn_branches(struct dpor *d, size_t node, uint32_t first)
{
    for (uint32_t b = first; b != NO_BRANCH && !d->path->broken; b = d->branches.all[b].next) {
        if (d->branches.all[b].print == FOOTPRINT_UNKNOWN) {
            d->reversal.path = d->path;
            d->reversal.at = node;
            dpor_try_branch(d, b);
        }
        if (d->branches.all[b].child == NO_BRANCH)
            continue;
        d->trail = explore_grow(d->trail, &d->trail_room, d->trail_count + 1, sizeof *d->trail);
        d->trail[d->trail_count++] = b;
        learn_branches(d, node, d->branches.all[b].child);
        d->trail_count--;
    }
}

static void put_choice(struct dpor *d, struct bytes *b, struct prints_out *m, unsigned agent, unsigned alternative, uint32_t print)
{
    bytes_u(b, d->path->ids[agent]);
    bytes_u(b, print == FOOTPRINT_UNKNOWN ? ANY_ALTERNATIVE : alternative);
    if (print != FOOTPRINT_UNKNOWN)
        put_print(b, m, &d->path->prints, print);
}

static void put_branches(struct dpor *d, struct bytes *b, struct prints_out *m, uint32_t first)
{
    uint64_t n = 0;
    for (uint32_t x = first; x != NO_BRANCH; x = d->branches.all[x].next)
        n++;
    bytes_u(b, n);
    for (uint32_t x = first; x != NO_BRANCH; x = d->branches.all[x].next) {
        const struct branch *c = &d->branches.all[x];
        put_choice(d, b, m, c->agent, c->alternative, c->print);
        put_branches(d, b, m, c->child);
    }
}

/* The branch being explored below a node of the path touches what its event did. */
static void name_current(struct dpor *d, size_t node)
{
    const struct event *e = &d->path->events[node];
    struct branch *b = &d->branches.all[d->stands[node].tree];
    b->print = e->print;
    b->alternative = e->alternative;
}

static void put_sleepers(struct dpor *d, struct bytes *b, struct prints_out *m, const struct stand *st, size_t from, size_t to)
{
    bytes_u(b, to - from);
    for (size_t k = from; k < to; k++) {
        const struct sleeper *s = &d->sleepers[st->sleepers + k];
        put_choice(d, b, m, s->agent, s->alternative, s->print);
    }
}

/* Branches of a node that nobody has begun with. */
static size_t branches_left(const struct dpor *d, size_t node)
{
    size_t n = 0;
    for (uint32_t b = d->stands[node].tree; b != NO_BRANCH; b = d->branches.all[b].next)
        n++;
    return n - (node < d->path->count);
}

/* Nodes from the root on that are given up, so that others can have their branches: as many as it takes to have `wanted` of them. */
static size_t nodes_to_give(const struct dpor *d, uint64_t wanted)
{
    const struct path *p = d->path;
    uint64_t have = 0;
    size_t give = 0;
    for (size_t i = d->root; i <= p->count && have < wanted; i++) {
        size_t left = branches_left(d, i);
        have += left;
        if (left > (i == p->count))
            give = i + 1 - d->root;
    }
    return give;
}

/* The nodes given up, then what is below them, to be gone on with. */
static void put_rest(struct dpor *d, uint64_t wanted)
{
    struct path *p = d->path;
    struct bytes *b = d->part->out;
    struct prints_out m = {0}, below = {0};
    size_t give = nodes_to_give(d, wanted);
    for (size_t i = d->root; i < p->count; i++)
        name_current(d, i);
    for (size_t i = d->root; i < d->root + give; i++) {
        d->trail_count = 0;
        learn_branches(d, i, d->stands[i].tree);
    }
    bytes_u(b, give);
    for (size_t i = d->root; i < d->root + give; i++) {
        const struct stand *st = &d->stands[i];
        put_sleepers(d, b, &m, st, st->inherited, st->sleeper_count);
        put_branches(d, b, &m, st->tree);
    }
    size_t nodes = p->count + 1 - d->root - give;
    bytes_u(b, nodes);
    for (size_t i = d->root + give; i <= p->count; i++) {
        const struct stand *st = &d->stands[i];
        put_sleepers(d, b, &below, st, 0, st->inherited);
        put_sleepers(d, b, &below, st, st->inherited, st->sleeper_count);
        put_branches(d, b, &below, st->tree);
    }
    free(m.map);
    free(below.map);
}

/* --- the part ------------------------------------------------------------------------------------------------------ */

void dpor_part(struct part *part)
{
    struct dpor *d = *part->kept ? *part->kept : dpor_new(part->s);
    *part->kept = d;
    d->part = part;
    if (!d->path->nodes) {
        path_begin(d->path);
        path_checkpoint(d->path, 1);
    }
    branches_free(&d->branches);
    uint64_t wanted = read_u(part->in);
    go_to_root(d, part->in);
    bool begun = read_u(part->in) && !part->in->bad && !d->path->broken;
    if (begun) {
        d->stands[d->root].sleeper_count = 0;
        go_on(d, part->in);
    } else if (!d->path->broken) {
        path_cut(d->path, d->root);
    }
    if (!part->in->bad && !d->path->broken) {
        bool done = dpor_explore(d);
        bytes_u(part->out, part->passed_on_count);
        bytes_put(part->out, part->passed_on.data, part->passed_on.count);
        if (done)
            part->flags |= PART_FINISHED;
        else if (!part->s->stopped && !d->path->broken)
            put_rest(d, wanted);
    }
}
