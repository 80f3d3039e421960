/* Optimal dynamic partial-order reduction: one run for each happens-before class, none given up half-way.
 *
 * After Abdulla, Aronsson, Jonsson, Sagonas, Source Sets: A Foundation for Optimal DPOR (J. ACM 64, 2017), algorithm 2: at the end
 * of each run every race of the run is reversed into a sequence that, unless a sleeping event or a branch already there
 * leads to the same class, goes into the wake-up tree of the node before the race. Sequences are kept in full and all races are looked
 * at in every run: each of the tempting shortcuts loses classes of some programs.
 *
 * Beyond the paper:
 *   - What an operation touches is known once it has run. Where the last operation of a reversal could touch something else and
 *     that matters, it is tried: the machine goes there and looks.
 *   - Operations that wait. The event before which one could not run does not race with it; an older one that kept it from
 *     running may (for a lock: the acquire before). An agent still waiting at the end races with what keeps it waiting.
 *   - Alternatives. Wherever one alternative of an operation is explored the others are too, unless a sleeping event is
 *     independent of them.
 *   - An event that ends the run under others (failure, exit) comes after all that ran and excludes all that did not: each of
 *     those is tried before it. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "explore/dpor.h"

/* --- nodes ------------------------------------------------------------------------------------------------------- */

static struct stand *top(struct dpor *d)
{
    return &d->stands[d->path->count];
}

void dpor_add_sleeper(struct dpor *d, struct stand *st, struct sleeper sleeper)
{
    size_t at = st->sleepers + st->sleeper_count++;
    d->sleepers = explore_grow(d->sleepers, &d->sleeper_room, at + 1, sizeof *d->sleepers);
    d->sleepers[at] = sleeper;
}

static bool asleep(const struct dpor *d, const struct stand *st, unsigned agent, unsigned alternative)
{
    const struct sleeper *s = d->sleepers + st->sleepers;
    for (size_t i = 0; i < st->sleeper_count; i++)
        if (s[i].agent == agent && s[i].alternative == alternative)
            return true;
    return false;
}

void dpor_open_stand(struct dpor *d, size_t node, uint32_t tree)
{
    struct path *p = d->path;
    d->stands = explore_grow(d->stands, &d->stand_room, node + 1, sizeof *d->stands);
    struct stand *st = &d->stands[node];
    *st = (struct stand){.tree = tree};
    if (node == 0)
        return;
    const struct stand *was = st - 1;
    const struct event *e = &p->events[node - 1];
    st->sleepers = was->sleepers + was->sleeper_count;
    for (size_t i = 0; i < was->sleeper_count; i++) {
        struct sleeper s = d->sleepers[was->sleepers + i];
        if (s.agent != e->agent && !footprint_conflict(&p->prints, s.print, e->print))
            dpor_add_sleeper(d, st, s);
    }
    st->inherited = st->sleeper_count;
}

struct stand *dpor_stand(struct dpor *d, size_t node)
{
    d->stands = explore_grow(d->stands, &d->stand_room, node + 1, sizeof *d->stands);
    struct stand *st = &d->stands[node];
    *st = (struct stand){.tree = NO_BRANCH};
    if (node)
        st->sleepers = st[-1].sleepers + st[-1].sleeper_count;
    return st;
}

/* --- trying ------------------------------------------------------------------------------------------------------ */

/* An item of a reversal, run without the event that it does not depend on. False: it does. */
static bool run_item(struct dpor *d, size_t i)
{
    struct path *p = d->path;
    const struct event *x = &p->events[i];
    struct explore_event e = {0};
    bool others;
    if (!(path_able(p, x->agent, &others) >> x->alternative & 1)) {
        path_break(p, "broken promise: %s cannot run where an event that it was not said to conflict with is left out", (uint32_t)i);
        return false;
    }
    p->machine->step(p->machine->context, p->ids[x->agent], x->alternative, &e);
    if (footprint_intern(&p->prints, e.accesses, e.access_count) != x->really)
        path_break(p, "broken promise: %s touches something else where an event that it was not said to conflict with is left out", (uint32_t)i);
    p->steps++;
    d->s->result->tries++;
    return !p->broken;
}

/* Runs the items from node `at`; the machine then stands before the reversal's last operation. */
static void run_items(struct dpor *d)
{
    struct path *p = d->path;
    struct reversal *r = &d->reversal;
    path_visit(p, r->at);
    reversal_start(r);
    for (size_t i = r->at; i < p->count; i++)
        if (reversal_has(r, i) && !run_item(d, i))
            break;
    path_moved(p);
}

static uint32_t faults_used(const struct dpor *d)
{
    const struct path *p = d->path;
    uint32_t used = p->nodes[d->reversal.at].faults;
    for (size_t i = d->reversal.at; i < p->count; i++)
        if (reversal_has(&d->reversal, i))
            used += p->nodes[i + 1].faults - p->nodes[i].faults;
    return used;
}

/* Alternatives of the reversal's agent where the machine stands, within the fault bound. */
static uint32_t alternatives_here(struct dpor *d, bool *others)
{
    struct path *p = d->path;
    struct explore_point point = {0};
    if (p->broken || p->machine->point(p->machine->context, &point) != EXPLORE_RUNNING)
        return 0;
    *others = point.enabled_count > 1;
    for (unsigned i = 0; i < point.enabled_count; i++) {
        const struct explore_agent *a = &point.enabled[i];
        if (a->id != p->ids[d->reversal.agent])
            continue;
        bool spent = d->s->config->faults >= 0 && faults_used(d) >= (uint32_t)d->s->config->faults;
        return spent && (a->alternatives & ~a->faults) ? a->alternatives & ~a->faults : a->alternatives;
    }
    return 0;
}

static void try_alternative(struct dpor *d, unsigned alternative, bool others)
{
    struct path *p = d->path;
    struct explore_event e = {0};
    p->machine->step(p->machine->context, p->ids[d->reversal.agent], alternative, &e);
    p->steps++;
    d->s->result->tries++;
    uint32_t print = footprint_intern(&p->prints, e.accesses, e.access_count);
    struct explore_point point = {0};
    enum explore_status status = p->machine->point(p->machine->context, &point);
    if (path_ends(status, e.flags, others))
        print = FOOTPRINT_ALL;
    d->trials[d->trial_count++] = (struct trial){print, (uint8_t)alternative};
}

/* Trials are remembered: the state is a function of the class of what ran, and one race comes up in run after run. */
struct remembered {
    uint64_t key; /* 0: nothing */
    uint32_t count;
    struct trial trials[2];
};

enum { REMEMBERED = 1 << 15 };

static uint64_t trial_key(const struct dpor *d)
{
    const struct path *p = d->path;
    uint64_t trace = p->nodes[d->reversal.at].trace;
    for (size_t i = d->reversal.at; i < p->count; i++)
        if (reversal_has(&d->reversal, i))
            trace += p->nodes[i + 1].trace - p->nodes[i].trace;
    return explore_mix(trace + p->keys[d->reversal.agent]) | 1;
}

static struct remembered *remembered(struct dpor *d, uint64_t key)
{
    if (!d->remembered)
        d->remembered = calloc(REMEMBERED, sizeof *d->remembered);
    if (!d->remembered)
        base_panic("out of memory while exploring");
    return &d->remembered[key >> 32 & (REMEMBERED - 1)];
}

/* Fills in trials: what the last operation would touch. None: it would have to wait. */
static void try_last(struct dpor *d)
{
    bool others = false;
    reversal_start(&d->reversal);
    uint64_t key = trial_key(d);
    struct remembered *m = remembered(d, key);
    if (m->key == key) {
        memcpy(d->trials, m->trials, m->count * sizeof *d->trials);
        d->trial_count = m->count;
        return;
    }
    d->trial_count = 0;
    run_items(d);
    uint32_t left = alternatives_here(d, &others);
    for (; left; left &= left - 1) {
        try_alternative(d, (unsigned)__builtin_ctz(left), others);
        if (left & (left - 1))
            run_items(d);
    }
    if (d->trial_count > 2)
        return;
    *m = (struct remembered){.key = key, .count = d->trial_count};
    memcpy(m->trials, d->trials, d->trial_count * sizeof *d->trials);
}

/* --- reversals into trees ------------------------------------------------------------------------------------------ */

/* A sleeping event that could come first: the class has been explored. So is being, below it, one of the event whose place the
 * reversal takes, should the two no longer conflict. */
static enum answer slept(struct dpor *d, bool conflict_stays)
{
    struct reversal *r = &d->reversal;
    const struct stand *st = &d->stands[r->at];
    enum answer all = NO;
    if (!conflict_stays && r->at < d->path->count) {
        const struct event *e = &d->path->events[r->at];
        all = reversal_initial(r, e->agent, e->alternative, e->print, false);
        if (all == YES)
            return YES;
    }
    for (size_t i = 0; i < st->sleeper_count; i++) {
        struct sleeper s = d->sleepers[st->sleepers + i];
        enum answer a = reversal_initial(r, s.agent, s.alternative, s.print, false);
        if (a == YES)
            return YES;
        all = a == UNKNOWN ? UNKNOWN : all;
    }
    return all;
}

/* Optimal exploration never begins an order that it cannot finish: if it does, what it was told of the steps was not all. */
#define BLOCKED "broken promise: an order could not be finished without repeating one that was seen; what a step touches depends on more than was told"
#define PLANNED                                                                                                                        \
    "broken promise: a planned event cannot run, or touches something else: of the events that lead to it some conflict that were " \
    "not said to, or its agent waits where it was said never to"

/* Learns what the event of branch b touches: runs what leads to it, d->trail, and the event. */
void dpor_try_branch(struct dpor *d, uint32_t b)
{
    struct path *p = d->path;
    struct explore_event e = {0};
    uint16_t agent = d->branches.all[b].agent;
    bool others = false;
    path_visit(p, d->reversal.at);
    for (size_t i = 0; i < d->trail_count && !p->broken; i++) {
        const struct branch *x = &d->branches.all[d->trail[i]];
        if (path_able(p, x->agent, &others) >> x->alternative & 1)
            p->machine->step(p->machine->context, p->ids[x->agent], x->alternative, &e);
        else
            path_break(p, PLANNED, NO_EVENT);
    }
    path_moved(p);
    p->steps += d->trail_count;
    d->s->result->tries += d->trail_count;
    uint32_t left = p->broken ? 0 : path_able(p, agent, &others);
    if (!left) {
        path_break(p, PLANNED, NO_EVENT);
        return;
    }
    unsigned kept = d->reversal.agent;
    d->reversal.agent = agent;
    d->trial_count = 0;
    try_alternative(d, (unsigned)__builtin_ctz(left), others);
    d->reversal.agent = kept;
    d->branches.all[b].print = d->trials[0].print;
    d->branches.all[b].alternative = d->trials[0].alternative;
}

/* Whether branch b could come first in the reversal, which then has lost it. */
static enum answer agrees(struct dpor *d, uint32_t b)
{
    struct reversal *r = &d->reversal;
    const struct branch *x = &d->branches.all[b];
    uint32_t item = reversal_next(r, x->agent);
    if (x->print == FOOTPRINT_UNKNOWN && item != NO_EVENT) /* all alternatives: that of the item is among them */
        return reversal_initial(r, x->agent, d->path->events[item].alternative, x->print, true);
    if (x->print == FOOTPRINT_UNKNOWN)
        dpor_try_branch(d, b);
    if (d->path->broken)
        return YES;
    return reversal_initial(r, x->agent, d->branches.all[b].alternative, d->branches.all[b].print, true);
}

/* Follows the tree as far as it agrees. YES: it has the class already; NO: *parent is where the rest belongs (NO_BRANCH: the root). */
static enum answer planned(struct dpor *d, bool skip_first, uint32_t *parent)
{
    struct reversal *r = &d->reversal;
    uint32_t at = d->stands[r->at].tree;
    *parent = NO_BRANCH;
    d->trail_count = 0;
    if (skip_first)
        at = d->branches.all[at].next;
    while (at != NO_BRANCH) {
        enum answer a = agrees(d, at);
        if (a == UNKNOWN)
            return UNKNOWN;
        const struct branch *b = &d->branches.all[at];
        if (a == NO) {
            at = b->next;
            continue;
        }
        if (b->child == NO_BRANCH || b->item & ITEM_SEALED)
            return YES;
        d->trail = explore_grow(d->trail, &d->trail_room, d->trail_count + 1, sizeof *d->trail);
        d->trail[d->trail_count++] = at;
        *parent = at;
        at = b->child;
    }
    return NO;
}

static uint32_t *children_of(struct dpor *d, uint32_t parent)
{
    return parent == NO_BRANCH ? &d->stands[d->reversal.at].tree : &d->branches.all[parent].child;
}

static void grow(struct dpor *d, uint32_t *parent, unsigned agent, unsigned alternative, uint32_t print)
{
    uint32_t b = branch_new(&d->branches, (uint16_t)agent, (uint8_t)alternative, print);
    branch_append(&d->branches, children_of(d, *parent), b);
    *parent = b;
}

/* The items left and the last operation become a new branch. */
static void insert(struct dpor *d, uint32_t parent)
{
    struct path *p = d->path;
    struct reversal *r = &d->reversal;
    for (size_t i = r->at; i < p->count; i++)
        if (reversal_has(r, i))
            grow(d, &parent, p->events[i].agent, p->events[i].alternative, p->events[i].print);
    if (!r->ran)
        grow(d, &parent, r->agent, r->alternative, r->print);
    if (r->at < d->root)
        part_pass_on(d);
    if (d->branches.alive > d->s->config->nodes && !d->s->stopped) {
        d->s->stopped = d->s->result->bound_hit = true;
        search_not_complete(d->s, "the wake-up tree outgrew its limit of nodes");
    }
}

/* Inserts the reversal, whose print is known, unless its class is there. */
static void settle(struct dpor *d, bool skip_first)
{
    uint32_t parent;
    reversal_start(&d->reversal);
    if (slept(d, false) != NO)
        return;
    if (planned(d, skip_first, &parent) == NO)
        insert(d, parent);
}

enum outcome { ELSEWHERE /* known to be there already */, HELD_BACK /* the last operation would wait */, SETTLED };

/* Tries and inserts each alternative of the last operation. */
static enum outcome settle_by_trial(struct dpor *d)
{
    struct reversal *r = &d->reversal;
    try_last(d);
    if (!d->trial_count)
        return HELD_BACK;
    for (unsigned i = 0; i < d->trial_count; i++) {
        r->print = d->trials[i].print;
        r->alternative = d->trials[i].alternative;
        settle(d, true);
    }
    return SETTLED;
}

/* direct: nothing lies between the event and the last operation. Then that can run after the items, and still conflicts with the
 * event: if the two, as neighbours, did not conflict in one order they would not in the other. */
static enum outcome consider(struct dpor *d, bool direct)
{
    struct reversal *r = &d->reversal;
    uint32_t parent;
    reversal_start(r);
    enum answer sleep = slept(d, direct), plan = UNKNOWN;
    if (sleep == YES)
        return ELSEWHERE;
    if (sleep == NO)
        plan = planned(d, true, &parent);
    if (plan == YES)
        return ELSEWHERE;
    bool passed_on = r->at < d->root && r->print == FOOTPRINT_UNKNOWN; /* who gets it has no machine to try it with */
    if (sleep == NO && plan == NO && direct && !passed_on) {
        if (r->print == FOOTPRINT_UNKNOWN)
            r->alternative = ANY_ALTERNATIVE;
        insert(d, parent);
        return SETTLED;
    }
    return settle_by_trial(d);
}

static void prepare(struct dpor *d, size_t at, unsigned agent, uint32_t print, uint8_t alternative)
{
    struct reversal *r = &d->reversal;
    r->path = d->path;
    r->at = at;
    r->agent = agent;
    r->print = print;
    r->objects = FOOTPRINT_UNKNOWN;
    r->alternative = alternative;
    r->gone = d->gone;
    r->arrival = d->arrival;
    r->excluded_count = 0;
    if (at < d->path->count)
        reversal_exclude(r, at);
}

/* --- races ------------------------------------------------------------------------------------------------------- */

/* Races of an event that nothing held back, and of lock acquires: who comes first can be turned round as it is. */
static void plain_races(struct dpor *d, size_t event)
{
    struct path *p = d->path;
    const struct event *x = &p->events[event];
    if (x->race_count)
        path_event_arrival(p, event, d->arrival);
    for (uint32_t i = 0; i < x->race_count; i++) {
        prepare(d, p->race_events[x->races + i], x->agent, x->fixed ? x->print : FOOTPRINT_UNKNOWN, x->alternative);
        d->reversal.objects = x->same_objects ? x->print : FOOTPRINT_UNKNOWN;
        consider(d, true);
    }
}

/* An operation that may wait: agent, from the node where it had arrived, with the conflicting events before `until`, newest first. */
struct held {
    unsigned agent;
    size_t arrived;
    uint32_t print; /* known, or FOOTPRINT_UNKNOWN */
    uint32_t wants; /* footprint by which conflicts are found */
    uint8_t alternative;
};

/* Cursors on what conflicts with what an operation wants: before the event that it is, or anywhere on the path. */
static unsigned start_cursors(struct dpor *d, uint32_t wants, size_t until)
{
    struct path *p = d->path;
    const struct footprint *f = &p->prints.all[wants];
    unsigned n = 0;
    d->cursors = explore_grow(d->cursors, &d->cursor_room, f->count + 1, sizeof *d->cursors);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct touch *t = p->prints.touches + f->first + i;
        uint32_t a;
        if (until < p->count)
            a = p->accesses[p->events[until].accesses + i].before;
        else
            a = t->object < p->heads_known ? p->heads[t->object] : NO_EVENT;
        n = cursor_add(p, d->cursors, n, a, t->kind);
    }
    return n;
}

/* Some item conflicts with what the operation wants: whether it is enabled after them cannot be read off the path. */
static bool disturbed(struct dpor *d, uint32_t wants)
{
    reversal_start(&d->reversal);
    return reversal_conflicts(&d->reversal, wants);
}

/* Items that conflict with what a held operation wants may keep it from running (readers of a lock do not conflict with each
 * other, and each keeps the writer out). Then the largest parts of the items are looked for after which it can run: leaving out
 * the newest conflicting item of some agent, with all after it, then two, and so on. */
struct cut {
    uint32_t left_out[MOST_EXCLUDED - 1];
    unsigned count;
    bool enabled;
};

enum { MOST_CUTS = 512 };

static bool apply_cut(struct dpor *d, const struct held *h, uint32_t c, const struct cut *cut)
{
    prepare(d, c, h->agent, FOOTPRINT_UNKNOWN, 0);
    bool fits = true;
    for (unsigned i = 0; i < cut->count; i++)
        fits &= reversal_exclude(&d->reversal, cut->left_out[i]);
    reversal_start(&d->reversal);
    return fits;
}

/* A larger part has let the operation run. */
static bool part_of_enabled(const struct dpor *d, size_t cuts)
{
    for (size_t i = 0; i < cuts; i++) {
        bool part = d->cuts[i].enabled;
        for (unsigned k = 0; k < d->cuts[i].count && part; k++)
            part = !reversal_has(&d->reversal, d->cuts[i].left_out[k]);
        if (part)
            return true;
    }
    return false;
}

static bool cut_known(const struct dpor *d, const struct cut *cut)
{
    for (size_t i = 0; i < d->cut_count; i++)
        if (d->cuts[i].count == cut->count && !memcmp(d->cuts[i].left_out, cut->left_out, cut->count * sizeof *cut->left_out))
            return true;
    return false;
}

/* cut with one more left out, kept sorted. */
static void add_cut(struct dpor *d, struct cut cut, uint32_t event)
{
    if (cut.count == MOST_EXCLUDED - 1 || d->cut_count == MOST_CUTS) {
        d->s->result->bound_hit = true;
        search_not_complete(d->s, "more operations keep another waiting than the explorer looks at");
        return;
    }
    unsigned at = cut.count++;
    for (; at > 0 && cut.left_out[at - 1] > event; at--)
        cut.left_out[at] = cut.left_out[at - 1];
    cut.left_out[at] = event;
    cut.enabled = false;
    if (cut_known(d, &cut))
        return;
    d->cuts = explore_grow(d->cuts, &d->cut_room, d->cut_count + 1, sizeof *d->cuts);
    d->cuts[d->cut_count++] = cut;
}

static void add_smaller_cuts(struct dpor *d, const struct held *h, const struct cut *cut)
{
    struct path *p = d->path;
    bool done[EXPLORE_AGENTS_MAX] = {false};
    for (size_t i = p->count; i-- > d->reversal.at;) {
        const struct event *e = &p->events[i];
        if (done[e->agent] || !reversal_has(&d->reversal, i) || !footprint_conflict(&p->prints, e->print, h->wants))
            continue;
        done[e->agent] = true;
        if (d->arrival[e->agent] < (int32_t)e->index)
            add_cut(d, *cut, (uint32_t)i);
    }
}

static void consider_cuts(struct dpor *d, const struct held *h, uint32_t c)
{
    d->cuts = explore_grow(d->cuts, &d->cut_room, 1, sizeof *d->cuts);
    d->cuts[0] = (struct cut){.count = 0};
    d->cut_count = 1;
    for (size_t i = 0; i < d->cut_count; i++) {
        struct cut cut = d->cuts[i];
        if (!apply_cut(d, h, c, &cut) || part_of_enabled(d, i))
            continue;
        if (settle_by_trial(d) == SETTLED) {
            d->cuts[i].enabled = true;
            continue;
        }
        reversal_start(&d->reversal);
        add_smaller_cuts(d, h, &cut);
    }
}

/* Looks at the order in which the operation comes before event c. True: what happens before c need not be looked at, because the
 * operation can run in front of c whatever else has run by then. */
static bool consider_held(struct dpor *d, const struct held *h, uint32_t c)
{
    struct path *p = d->path;
    bool was_there = c >= h->arrived, was_enabled = was_there && path_find(p, c, h->agent);
    prepare(d, c, h->agent, h->print, h->alternative);
    if (disturbed(d, h->wants)) {
        consider_cuts(d, h, c);
        return false;
    }
    if (was_there && !was_enabled)
        return false;
    enum outcome o = consider(d, was_enabled);
    return was_enabled || o == SETTLED;
}

/* until: the event that the operation is, or the end of the path. */
static void held_races(struct dpor *d, const struct held *h, size_t until)
{
    struct path *p = d->path;
    unsigned n = start_cursors(d, h->wants, until);
    uint32_t last = NO_EVENT;
    if (n)
        memcpy(d->covered, d->arrival, p->stride * sizeof *d->covered);
    while (n) {
        unsigned newest = cursor_newest(d->cursors, n);
        uint32_t c = d->cursors[newest].event;
        const struct event *e = &p->events[c];
        if (c != last && e->agent != h->agent && d->covered[e->agent] < (int32_t)e->index && consider_held(d, h, c))
            clock_join(d->covered, path_clock(p, c), p->stride);
        last = c;
        /* all below a write happens before it */
        bool end = p->accesses[d->cursors[newest].access].kind == EXPLORE_WRITE && d->covered[e->agent] >= (int32_t)e->index;
        n = cursor_next(p, d->cursors, n, newest, end);
    }
}

static void races_of(struct dpor *d, size_t event)
{
    struct path *p = d->path;
    const struct event *x = &p->events[event];
    if (x->waits != WAITS || x->print == FOOTPRINT_ALL) {
        plain_races(d, event);
        return;
    }
    struct held h = {.agent = x->agent, .print = x->fixed ? x->print : FOOTPRINT_UNKNOWN, .wants = x->print, .alternative = x->alternative};
    h.arrived = path_event_arrival(p, event, d->arrival);
    held_races(d, &h, event);
}

/* Agents that wait for ever: the run never saw their operation. Asked while the machine stands where the run ended. */
static unsigned who_waits(struct dpor *d)
{
    struct path *p = d->path;
    const struct explore_waiting *list;
    if (!p->machine->waiting)
        return 0;
    path_sync(p);
    unsigned n = p->machine->waiting(p->machine->context, &list);
    d->held = explore_grow(d->held, &d->held_room, n, sizeof *d->held);
    for (unsigned i = 0; i < n; i++)
        d->held[i] = (struct held){.agent = path_agent(p, list[i].agent), .print = FOOTPRINT_UNKNOWN,
                                   .wants = footprint_intern(&p->prints, list[i].accesses, list[i].access_count)};
    return n;
}

static void races_of_waiting(struct dpor *d, unsigned n)
{
    struct path *p = d->path;
    for (unsigned i = 0; i < n; i++) {
        d->held[i].arrived = path_arrival(p, d->held[i].agent, p->last[d->held[i].agent], p->count, d->arrival);
        held_races(d, &d->held[i], p->count);
    }
}

/* The last event ended the run under others: each of them could have run before it. */
static void races_with_the_end(struct dpor *d)
{
    struct path *p = d->path;
    size_t last = p->count - 1;
    if (p->count == 0 || p->events[last].print != FOOTPRINT_ALL)
        return;
    for (unsigned i = 0; i < p->nodes[last].candidate_count; i++) {
        unsigned agent = path_candidates(p, last)[i].agent;
        if (agent == p->events[last].agent)
            continue;
        path_arrival(p, agent, p->last[agent], p->count, d->arrival);
        prepare(d, last, agent, FOOTPRINT_UNKNOWN, 0);
        consider(d, true);
    }
}

static void all_races(struct dpor *d)
{
    unsigned waiting = who_waits(d); /* races are tried elsewhere */
    for (size_t i = 0; i < d->path->count; i++)
        races_of(d, i);
    races_of_waiting(d, waiting);
    races_with_the_end(d);
}

/* --- the search -------------------------------------------------------------------------------------------------- */

/* The other alternatives of the operation whose branch was just explored. The path ends at its node. */
void dpor_alternatives(struct dpor *d, unsigned agent)
{
    struct path *p = d->path;
    const struct candidate *c = path_find(p, p->count, agent);
    uint32_t left = search_alternatives(d->s, c);
    if (!(left & (left - 1)))
        return;
    for (; left; left &= left - 1) {
        unsigned alternative = (unsigned)__builtin_ctz(left);
        if (asleep(d, top(d), agent, alternative))
            continue;
        path_arrival(p, agent, p->last[agent], p->count, d->arrival);
        prepare(d, p->count, agent, FOOTPRINT_UNKNOWN, (uint8_t)alternative);
        path_visit(p, p->count);
        d->trial_count = 0;
        try_alternative(d, alternative, path_node(p)->candidate_count > 1);
        path_moved(p);
        d->reversal.print = d->trials[0].print;
        settle(d, false);
    }
}

/* A node without a plan goes on with whoever ran, unless that gave way to others, then the first that is not asleep. */
static bool choose(struct dpor *d)
{
    struct path *p = d->path;
    const struct node *n = path_node(p);
    const struct candidate *c = path_candidates(p, p->count);
    unsigned agent = 0, alternative = 0, found = 0;
    for (unsigned i = 0; i < n->candidate_count && found < 2; i++) {
        for (uint32_t left = search_alternatives(d->s, &c[i]); left; left &= left - 1) {
            unsigned a = (unsigned)__builtin_ctz(left), better = c[i].agent == n->running && n->can_go_on ? 2 : 1;
            if (found >= better || asleep(d, top(d), c[i].agent, a))
                continue;
            agent = c[i].agent;
            alternative = a;
            found = better;
        }
    }
    if (found)
        branch_append(&d->branches, &top(d)->tree, branch_new(&d->branches, (uint16_t)agent, (uint8_t)alternative, FOOTPRINT_UNKNOWN));
    return found;
}

/* The first alternative of an agent that is not asleep. */
static unsigned any_alternative(struct dpor *d, unsigned agent)
{
    const struct candidate *c = path_find(d->path, d->path->count, agent);
    for (uint32_t left = c ? search_alternatives(d->s, c) : 0; left; left &= left - 1)
        if (!asleep(d, top(d), agent, (unsigned)__builtin_ctz(left)))
            return (unsigned)__builtin_ctz(left);
    path_break(d->path, PLANNED, NO_EVENT);
    return 0;
}

static unsigned branches_after(const struct dpor *d, uint32_t b)
{
    unsigned n = 0;
    for (; b != NO_BRANCH; b = d->branches.all[b].next)
        n++;
    return n;
}

/* Runs the first branch of the node where the path ends. */
static enum explore_status take_branch(struct dpor *d)
{
    struct path *p = d->path;
    uint32_t at = top(d)->tree;
    struct branch b = d->branches.all[at];
    if (b.next != NO_BRANCH)
        path_checkpoint_worth(p, d->s->config->checkpoint, branches_after(d, b.next));
    d->branches.all[at].child = NO_BRANCH;
    if (b.alternative == ANY_ALTERNATIVE)
        b.alternative = (uint8_t)any_alternative(d, b.agent);
    const struct candidate *c = path_find(p, p->count, b.agent);
    if (!c || !(c->alternatives >> (b.alternative & 31) & 1))
        path_break(p, PLANNED, NO_EVENT);
    if (p->broken)
        return EXPLORE_CUT;
    enum explore_status status = path_step(p, b.agent, b.alternative);
    if (b.print != FOOTPRINT_UNKNOWN && b.print != p->events[p->count - 1].print)
        path_break(p, PLANNED, (uint32_t)p->count - 1);
    dpor_open_stand(d, p->count, b.child);
    return status;
}

/* One run from where the path stands to its end. */
static void run(struct dpor *d)
{
    struct path *p = d->path;
    enum explore_status status = path_node(p)->status;
    while (status == EXPLORE_RUNNING && !p->broken) {
        if (search_too_long(d->s)) {
            search_cut(d->s);
            return;
        }
        path_checkpoint_worth(p, d->s->config->checkpoint, 0);
        if (top(d)->tree == NO_BRANCH && !choose(d)) {
            d->s->result->blocked++;
            path_break(p, BLOCKED, NO_EVENT);
            return;
        }
        status = take_branch(d);
    }
    if (!p->broken)
        search_ran(d->s);
}

/* Back to the deepest node with something planned. False: there is none. */
static bool back(struct dpor *d)
{
    struct path *p = d->path;
    while (p->count > d->root) {
        struct event e = p->events[p->count - 1];
        path_cut(p, p->count - 1);
        dpor_add_sleeper(d, top(d), (struct sleeper){e.print, e.agent, e.alternative});
        branch_drop_first(&d->branches, &top(d)->tree);
        dpor_alternatives(d, e.agent);
        if (top(d)->tree != NO_BRANCH)
            return true;
    }
    return false;
}

struct dpor *dpor_new(struct search *s)
{
    struct dpor *d = calloc(1, sizeof *d);
    if (!d)
        base_panic("out of memory while exploring");
    d->s = s;
    d->path = &s->path;
    s->path.races = true;
    d->sleepers = explore_grow(NULL, &d->sleeper_room, 1, sizeof *d->sleepers);
    return d;
}

void dpor_free(struct dpor *d)
{
    branches_free(&d->branches);
    free(d->stands);
    free(d->sleepers);
    free(d->cursors);
    free(d->cuts);
    free(d->held);
    free(d->remembered);
    free(d->trail);
    free(d);
}

bool dpor_explore(struct dpor *d)
{
    bool more = true;
    while (more && !search_enough(d->s)) {
        run(d);
        if (!d->s->stopped && !d->path->broken) {
            all_races(d);
            more = back(d);
        }
    }
    return !more;
}

void explore_dpor(struct search *s)
{
    struct dpor *d = dpor_new(s);
    path_begin(&s->path);
    dpor_open_stand(d, 0, NO_BRANCH);
    if (dpor_explore(d)) {
        s->result->unbounded = s->result->complete && s->config->faults < 0;
        s->result->preemptions = s->result->complete ? INT32_MAX : -1;
    }
    dpor_free(d);
}
