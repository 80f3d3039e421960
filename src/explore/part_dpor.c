/* A part of the reduction: everything below a leaf of the wake-up tree. See part.h. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "explore/dpor.h"

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

/* Leaves of an item, in order, with what was left of each when it was begun before. */
struct left {
    const uint8_t *data;
    size_t size;
};

struct leaves {
    struct left *all;
    size_t count, room;
};

/* What the item says of a branch, or of the root. True: a leaf to be explored. */
static bool get_leaf(struct reader *r, struct leaves *leaves, uint8_t *item)
{
    uint64_t flags = read_u(r);
    r->bad |= flags > (ITEM_SEALED | ITEM_MINE | ITEM_LEADS);
    *item = (uint8_t)flags;
    if (r->bad || !(flags & ITEM_MINE))
        return false;
    size_t size = read_count(r);
    leaves->all = explore_grow(leaves->all, &leaves->room, leaves->count + 1, sizeof *leaves->all);
    leaves->all[leaves->count++] = (struct left){read_bytes(r, size), size};
    return true;
}

static struct choice get_choice(struct dpor *d, struct reader *r, struct prints_in *prints)
{
    uint64_t agent = read_u(r), alternative = read_u(r);
    uint32_t print = alternative == ANY_ALTERNATIVE ? FOOTPRINT_UNKNOWN : get_print(r, prints, &d->path->prints);
    r->bad |= agent >= EXPLORE_NO_AGENT || (alternative >= EXPLORE_ALTERNATIVES_MAX && alternative != ANY_ALTERNATIVE);
    return (struct choice){r->bad ? 0 : path_agent(d->path, (uint32_t)agent), (unsigned)alternative, print};
}

/* A list of branches that is being read: its first, its last, and how many are still to come. */
struct level {
    uint32_t above, last;
    size_t more;
};

struct levels {
    struct level *all;
    size_t count, room;
};

static void push_level(struct levels *l, uint32_t above, size_t more)
{
    l->all = explore_grow(l->all, &l->room, l->count + 1, sizeof *l->all);
    l->all[l->count++] = (struct level){above, NO_BRANCH, more};
}

static void hang(struct dpor *d, struct level *l, uint32_t b, uint32_t *first)
{
    if (l->last != NO_BRANCH)
        d->branches.all[l->last].next = b;
    else if (l->above != NO_BRANCH)
        d->branches.all[l->above].child = b;
    else
        *first = b;
    l->last = b;
}

/* Branches with all below them: how many, then each with its own. leaves: of an item, with what it says of each; NULL: of none. */
static uint32_t get_branches(struct dpor *d, struct reader *r, struct prints_in *prints, struct leaves *leaves)
{
    struct levels l = {0};
    uint32_t first = NO_BRANCH;
    push_level(&l, NO_BRANCH, read_count(r));
    while (l.count && !r->bad) {
        struct level *top = &l.all[l.count - 1];
        if (!top->more--) {
            l.count--;
            continue;
        }
        struct choice c = get_choice(d, r, prints);
        uint32_t b = branch_new(&d->branches, (uint16_t)c.agent, (uint8_t)c.alternative, c.print);
        hang(d, top, b, &first);
        if (leaves && get_leaf(r, leaves, &d->branches.all[b].item))
            continue;
        size_t children = read_count(r);
        if (children)
            push_level(&l, b, children);
    }
    free(l.all);
    return first;
}

static void get_sleepers(struct dpor *d, struct reader *r, struct prints_in *prints, struct stand *st)
{
    for (size_t n = read_count(r); n > 0 && !r->bad; n--) {
        struct choice c = get_choice(d, r, prints);
        dpor_add_sleeper(d, st, (struct sleeper){c.print, (uint16_t)c.agent, (uint8_t)c.alternative});
    }
}

/* The part before went the same way. */
static void step_or_stay(struct path *p, size_t at, unsigned agent, unsigned alternative)
{
    if (at < p->count && p->events[at].agent == agent && p->events[at].alternative == alternative)
        return;
    path_cut(p, at);
    path_step(p, agent, alternative);
}

/* Branches from b on that will be explored: those of which the item says one of these things, or all if it says nothing. */
static unsigned comes_back(const struct dpor *d, uint32_t b, uint8_t item)
{
    unsigned n = 0;
    for (; b != NO_BRANCH; b = d->branches.all[b].next)
        n += !item || d->branches.all[b].item & item;
    return n;
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
        uint32_t tree = get_branches(d, r, &prints, NULL);
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
        if (p->count == at)
            path_checkpoint_worth(p, d->s->config->checkpoint, comes_back(d, b.next, 0));
        step_or_stay(p, at, b.agent, b.alternative);
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

static bool usable(const struct dpor *d)
{
    return !d->part->in->bad && !d->path->broken && !d->s->stopped;
}

/* The first branch of a node above the leaves has been explored, or is others': who comes later has it asleep. */
static void pass_by(struct dpor *d, size_t at)
{
    struct stand *st = &d->stands[at];
    struct branch b = d->branches.all[st->tree];
    st->tree = b.next;
    dpor_add_sleeper(d, st, (struct sleeper){b.print, b.agent, b.alternative});
}

/* The other alternatives of what the first branch of the node does are branches too: whoever gets here first says so. */
static void add_alternatives(struct dpor *d, size_t at)
{
    const uint32_t b = d->stands[at].tree;
    const struct branch x = d->branches.all[b];
    path_cut(d->path, at);
    pass_by(d, at);
    dpor_alternatives(d, x.agent);
    d->stands[at].sleeper_count--;
    d->branches.all[b].next = d->stands[at].tree;
    d->stands[at].tree = b;
}

/* Along the first branch of a node above the leaves. */
static void go_down(struct dpor *d, size_t at)
{
    struct path *p = d->path;
    const uint32_t first = d->stands[at].tree;
    const struct branch b = d->branches.all[first];
    const struct candidate *able = path_find(p, at, b.agent);
    d->root = at + 1;
    if (!able || !(able->alternatives >> b.alternative & 1)) {
        path_break(p, "broken promise: the choices that lead to a part of the search cannot be made where it is explored", NO_EVENT);
        return;
    }
    if (able->alternatives & (able->alternatives - 1))
        add_alternatives(d, at);
    if (p->broken)
        return;
    if (p->count == at)
        path_checkpoint_worth(p, d->s->config->checkpoint, comes_back(d, b.next, ITEM_MINE | ITEM_LEADS));
    step_or_stay(p, at, b.agent, b.alternative);
    if (b.print != p->events[at].print)
        path_break(p, "broken promise: %s touched something else where a part of the search was explored", (uint32_t)at);
    d->branches.all[first].child = NO_BRANCH;
    dpor_open_stand(d, at + 1, b.child);
}

static uint64_t runs(const struct dpor *d)
{
    const struct explore_result *r = d->s->result;
    return r->schedules + r->cut + r->blocked + r->futile;
}

/* All below the root, which is a leaf of the item. */
static uint64_t explore_leaf(struct dpor *d, const struct left *left)
{
    struct reader rest = {.at = left->data, .end = left->data + left->size};
    uint64_t before = runs(d);
    if (before && search_enough(d->s))
        return RESULT_UNTOUCHED;
    if (left->size) {
        d->stands[d->root].sleeper_count = 0;
        go_on(d, &rest);
        d->part->in->bad |= rest.bad;
    } else {
        path_cut(d->path, d->root);
    }
    if (!usable(d))
        return RESULT_UNTOUCHED;
    if (dpor_explore(d))
        return RESULT_FINISHED;
    return runs(d) == before || !usable(d) ? RESULT_UNTOUCHED : RESULT_REST;
}

/* What became of a leaf, and the reversals that landed above it. */
static void put_leaf(struct part *part, size_t leaf, uint64_t state)
{
    if (state != RESULT_UNTOUCHED || part->passed_on_count) {
        bytes_u(part->out, leaf + 1);
        bytes_u(part->out, state);
        bytes_u(part->out, part->passed_on_count);
        bytes_put(part->out, part->passed_on.data, part->passed_on.count);
    }
    part->passed_on_count = 0;
    part->passed_on.count = 0;
}

/* From leaf to leaf, through the tree above them. Returns how the last one that was begun ended; *next: the one after it. */
static uint64_t explore_leaves(struct dpor *d, const struct leaves *leaves, uint8_t root, size_t *next)
{
    uint64_t state = RESULT_UNTOUCHED;
    size_t at = 0, i = 0;
    d->root = 0;
    while (i < leaves->count && usable(d)) {
        uint32_t first = d->stands[at].tree;
        uint8_t item = at == 0 && root & ITEM_MINE ? root : first == NO_BRANCH ? 0 : d->branches.all[first].item;
        if (first == NO_BRANCH && !(item & ITEM_MINE)) { /* up again */
            d->part->in->bad |= at == 0;
            if (at)
                pass_by(d, --at);
            continue;
        }
        if (!(item & (ITEM_MINE | ITEM_LEADS))) {
            pass_by(d, at);
            continue;
        }
        if (!(root & ITEM_MINE))
            go_down(d, at++);
        if (!usable(d) || !(item & ITEM_MINE))
            continue;
        state = explore_leaf(d, &leaves->all[i]);
        put_leaf(d->part, i++, state);
        if (state != RESULT_FINISHED)
            break;
        if (at)
            pass_by(d, --at);
    }
    *next = i;
    return state;
}

void dpor_part(struct part *part)
{
    struct dpor *d = *part->kept ? *part->kept : dpor_new(part->s);
    struct prints_in prints = {0};
    struct leaves leaves = {0};
    uint8_t root = 0;
    size_t next = 0;
    *part->kept = d;
    d->part = part;
    if (!d->path->nodes) {
        path_begin(d->path);
        path_checkpoint(d->path, 1);
    }
    branches_free(&d->branches);
    uint64_t wanted = read_u(part->in);
    uint32_t tree = get_leaf(part->in, &leaves, &root) ? NO_BRANCH : get_branches(d, part->in, &prints, &leaves);
    part->in->bad |= leaves.count == 0;
    dpor_open_stand(d, 0, tree);
    uint64_t state = explore_leaves(d, &leaves, root, &next);
    put_leaf(part, next, RESULT_UNTOUCHED);
    bytes_u(part->out, 0);
    if (state == RESULT_REST) {
        uint64_t more = leaves.count - next;
        wanted = *part->wanted > wanted ? *part->wanted : wanted;
        put_rest(d, wanted > more ? wanted - more : 0);
    }
    free(leaves.all);
    free(prints.all);
}
