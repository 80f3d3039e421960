#include "explore/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { FIRST_STRIDE = 8, LONG_PATH = 2000 };

/* Snapshots are placed so that they and the steps that are replayed cost least. */
enum { FIRST_COST = 3, ENOUGH_MET = 8, PLACED_EVERY = 64, LONGEST_GAP = 64 };

void path_init(struct path *p, const struct explore_machine *machine)
{
    memset(p, 0, sizeof *p);
    p->machine = machine;
    p->stride = FIRST_STRIDE;
    p->cost = FIRST_COST;
    footprints_init(&p->prints);
}

void path_free(struct path *p)
{
    if (p->nodes) {
        path_cut(p, 0);
        if (p->nodes[0].snapshot)
            p->machine->discard(p->machine->context, p->nodes[0].snapshot);
    }
    for (unsigned i = 0; i < p->agents; i++)
        free(p->positions[i]);
    footprints_free(&p->prints);
    free(p->events);
    free(p->nodes);
    free(p->clocks);
    free(p->counts);
    free(p->candidates);
    free(p->accesses);
    free(p->heads);
    free(p->enables);
    free(p->race_events);
    free(p->joins);
    free(p->depths);
    memset(p, 0, sizeof *p);
}

/* --- agents ------------------------------------------------------------------------------------------------------ */

static int32_t *spread(int32_t *from, size_t rows, unsigned old_stride, unsigned stride, size_t *room)
{
    size_t need = (rows + 64) * stride;
    int32_t *to = calloc(need, sizeof *to);
    if (!to)
        base_panic("out of memory while exploring (%zu bytes)", need * sizeof *to);
    for (size_t i = 0; i < rows && from; i++)
        memcpy(to + i * stride, from + i * old_stride, old_stride * sizeof *to);
    free(from);
    *room = need;
    return to;
}

/* Clocks get wider when an agent appears that no schedule has had before; rare. */
static void widen(struct path *p)
{
    unsigned old = p->stride;
    p->stride = old * 2;
    p->clocks = spread(p->clocks, p->clocks ? p->count : 0, old, p->stride, &p->clock_room);
    p->counts = spread(p->counts, p->counts ? p->count + 1 : 0, old, p->stride, &p->count_room);
}

static unsigned add_agent(struct path *p, uint32_t id)
{
    if (p->agents == EXPLORE_AGENTS_MAX) {
        p->full = true;
        path_break(p, "there are more agents than the explorer can tell apart", NO_EVENT);
        return 0;
    }
    unsigned number = p->agents++;
    if (number >= p->stride)
        widen(p);
    p->ids[number] = id;
    p->keys[number] = explore_mix(id * 0x9e3779b97f4a7c15ull + 0x1234567) | 1;
    p->last[number] = NO_EVENT;
    p->enabler[number] = NO_EVENT;
    p->numbers[id % 1024] = (uint16_t)(number + 1);
    return number;
}

unsigned path_agent(struct path *p, uint32_t id)
{
    unsigned known = p->numbers[id % 1024];
    if (known && p->ids[known - 1] == id)
        return known - 1;
    for (unsigned i = 0; i < p->agents; i++)
        if (p->ids[i] == id) {
            p->numbers[id % 1024] = (uint16_t)(i + 1);
            return i;
        }
    return add_agent(p, id);
}

/* --- broken promises ---------------------------------------------------------------------------------------------- */

static const char *kind_text(unsigned kind)
{
    return kind == EXPLORE_READ ? "R" : kind == EXPLORE_WRITE ? "W" : "C";
}

void path_describe_print(const struct path *p, uint32_t print, char *text, size_t size)
{
    const struct touch *t = footprint_touches(&p->prints, print);
    size_t length = 0;
    *text = 0;
    for (uint32_t i = 0; i < p->prints.all[print].count && i < 8 && length + 1 < size; i++) {
        snprintf(text + length, size - length, "%s%s %llx", i ? " " : "", kind_text(t[i].kind), (unsigned long long)t[i].id);
        length += strlen(text + length);
    }
}

void path_describe(const struct path *p, uint32_t event, char *text, size_t size)
{
    const struct event *e = &p->events[event];
    char touched[120];
    path_describe_print(p, e->really, touched, sizeof touched);
    snprintf(text, size, "agent %x, operation %u (%s), event %u", p->ids[e->agent], e->op, touched, event);
}

void path_break(struct path *p, const char *what, uint32_t about)
{
    char event[200] = "";
    if (p->broken)
        return;
    p->broken = true;
    if (about != NO_EVENT)
        path_describe(p, about, event, sizeof event);
    const char *gap = strstr(what, "%s");
    snprintf(p->broken_text, sizeof p->broken_text, "%.*s%s%s%s", gap ? (int)(gap - what) : (int)strlen(what), what, !gap && *event ? ": " : "", event, gap ? gap + 2 : "");
}

uint32_t path_able(struct path *p, unsigned agent, bool *others)
{
    struct explore_point point = {0};
    if (p->machine->point(p->machine->context, &point) != EXPLORE_RUNNING)
        return 0;
    *others = point.enabled_count > 1;
    for (unsigned i = 0; i < point.enabled_count; i++)
        if (point.enabled[i].id == p->ids[agent])
            return point.enabled[i].alternatives;
    return 0;
}

/* --- nodes ------------------------------------------------------------------------------------------------------- */

static void read_point(struct path *p)
{
    struct explore_point point = {.running = EXPLORE_NO_AGENT};
    enum explore_status status = p->machine->point(p->machine->context, &point);
    p->nodes = explore_grow(p->nodes, &p->node_room, p->count + 1, sizeof *p->nodes);
    struct node *n = path_node(p);
    n->candidates = (uint32_t)p->candidate_count;
    n->candidate_count = status == EXPLORE_RUNNING ? point.enabled_count : 0;
    n->status = status;
    n->snapshot = NULL;
    p->candidates = explore_grow(p->candidates, &p->candidate_room, p->candidate_count + n->candidate_count, sizeof *p->candidates);
    for (unsigned i = 0; i < n->candidate_count; i++) {
        const struct explore_agent *a = &point.enabled[i];
        IR_ASSERT(a->alternatives != 0);
        p->candidates[p->candidate_count++] =
            (struct candidate){(uint16_t)path_agent(p, a->id), a->reads, a->alternatives, a->faults & a->alternatives, a->object};
    }
    IR_ASSERT(status != EXPLORE_RUNNING || n->candidate_count > 0);
    n->running = point.running == EXPLORE_NO_AGENT ? NO_AGENT : (uint16_t)path_agent(p, point.running);
    bool able = path_find(p, p->count, n->running) != NULL;
    n->can_go_on = point.running_can_go_on && able;
    n->gives_way = point.running_can_go_on && !able && status == EXPLORE_RUNNING;
}

const struct candidate *path_find(const struct path *p, size_t d, unsigned agent)
{
    const struct candidate *c = path_candidates(p, d);
    for (unsigned i = 0; i < p->nodes[d].candidate_count; i++)
        if (c[i].agent == agent)
            return &c[i];
    return NULL;
}

void path_begin(struct path *p)
{
    bool known = p->nodes != NULL;
    if (known)
        path_cut(p, 0);
    if (known && p->nodes[0].snapshot) {
        p->machine->restore(p->machine->context, p->nodes[0].snapshot);
    } else {
        p->machine->reset(p->machine->context);
        p->candidate_count = 0;
        read_point(p);
        struct node *n = path_node(p);
        n->trace = 0x51ed270b9f652295ull;
        n->preemptions = n->delays = n->faults = 0;
        if (!p->counts)
            p->counts = spread(NULL, 1, 0, p->stride, &p->count_room);
    }
    p->in_place = true;
    p->machine_at = 0;
}

static void take_snapshot(struct path *p)
{
    path_sync(p);
    path_node(p)->snapshot = p->machine->snapshot(p->machine->context);
    if (p->machine->cost && path_node(p)->snapshot)
        p->cost = p->machine->cost(p->machine->context, path_node(p)->snapshot);
}

/* Events since the newest snapshot on the path; with none, all and one more. */
static size_t since_snapshot(const struct path *p, size_t most)
{
    size_t i = 0;
    while (i < most && i <= p->count && !p->nodes[p->count - i].snapshot)
        i++;
    return i;
}

/* A very long path would not fit into memory otherwise. */
static size_t widened(const struct path *p, size_t gap)
{
    return gap << (p->count / LONG_PATH < 16 ? p->count / LONG_PATH : 16);
}

void path_checkpoint(struct path *p, size_t gap)
{
    if (!p->machine->snapshot)
        return;
    gap = widened(p, gap);
    if (since_snapshot(p, gap) == gap || since_snapshot(p, gap) > p->count)
        take_snapshot(p);
}

static struct depth *depth_of(struct path *p, size_t d)
{
    if (d >= p->depth_count) {
        p->depths = explore_grow(p->depths, &p->depth_room, d + 1, sizeof *p->depths);
        memset(p->depths + p->depth_count, 0, (d + 1 - p->depth_count) * sizeof *p->depths);
        p->depth_count = d + 1;
    }
    return &p->depths[d];
}

/* With a snapshot at `end` (or none to come): where is the best place for the one before? */
static uint64_t place_before(const struct path *p, size_t end, uint32_t *best)
{
    uint64_t least = UINT64_MAX, wanted = 0, replayed = 0;
    for (size_t at = end; at-- > 0 && end - at <= LONGEST_GAP;) {
        const struct depth *d = &p->depths[at];
        if (d->cost + replayed < least) {
            least = d->cost + replayed;
            *best = (uint32_t)at;
        }
        wanted += d->wanted;
        replayed += wanted;
    }
    return least;
}

/* Works out which depths are worth a snapshot: as if all nodes so many events from the start were alike. */
static void place_snapshots(struct path *p)
{
    size_t deepest = 0;
    for (size_t i = 0; i < p->depth_count; i++) {
        struct depth *d = &p->depths[i];
        d->cost = i ? place_before(p, i, &d->before) + (uint64_t)d->met * p->cost : 0;
        d->known = d->met >= ENOUGH_MET;
        d->worth = false;
        deepest = d->wanted ? i : deepest;
    }
    uint32_t at = 0;
    for (place_before(p, deepest + 1, &at); at; at = p->depths[at].before)
        p->depths[at].worth = true;
    for (size_t i = 0; i < p->depth_count; i++) { /* what was long ago says little of what is explored now */
        p->depths[i].met -= p->depths[i].met / 4;
        p->depths[i].wanted -= p->depths[i].wanted / 4;
    }
}

static void note_brought_back(struct path *p, size_t d)
{
    depth_of(p, d)->wanted++;
    if (p->until_placed--)
        return;
    place_snapshots(p);
    p->until_placed = PLACED_EVERY + p->depth_count / 8;
}

void path_checkpoint_worth(struct path *p, size_t gap, unsigned planned)
{
    if (gap == 1)
        path_checkpoint(p, 1);
    if (gap == 1 || !p->machine->snapshot)
        return;
    const struct depth *d = depth_of(p, p->count);
    size_t since = since_snapshot(p, widened(p, gap));
    bool worth = since > p->count || (planned && since * planned >= p->cost) || (d->known ? d->worth : since == widened(p, gap));
    if (since >= widened(p, 1) && worth)
        take_snapshot(p);
}

void path_visit(struct path *p, size_t d)
{
    IR_ASSERT(d <= p->count);
    if (p->in_place && p->machine_at == d)
        return;
    size_t from = d;
    while (from > 0 && !p->nodes[from].snapshot)
        from--;
    bool on_the_way = p->in_place && p->machine_at >= from && p->machine_at < d;
    if (!on_the_way)
        note_brought_back(p, d);
    if (on_the_way)
        from = p->machine_at;
    else if (p->nodes[from].snapshot)
        p->machine->restore(p->machine->context, p->nodes[from].snapshot);
    else
        p->machine->reset(p->machine->context);
    for (; from < d; from++) {
        struct explore_event e = {0};
        const struct event *was = &p->events[from];
        p->machine->step(p->machine->context, p->ids[was->agent], was->alternative, &e);
        if (footprint_intern(&p->prints, e.accesses, e.access_count) != was->really)
            path_break(p, "broken promise: the machine is not a function of its choices: %s touched something else when replayed", (uint32_t)from);
        p->replayed++;
        p->steps++;
    }
    p->in_place = true;
    p->machine_at = d;
}

void path_sync(struct path *p)
{
    path_visit(p, p->count);
}

/* --- events ------------------------------------------------------------------------------------------------------ */

size_t path_arrival(const struct path *p, unsigned agent, uint32_t last, size_t before, int32_t *clock)
{
    size_t arrived = last == NO_EVENT ? 0 : last + 1;
    if (last == NO_EVENT)
        memset(clock, 0, p->stride * sizeof *clock);
    else
        memcpy(clock, path_clock(p, last), p->stride * sizeof *clock);
    for (uint32_t i = p->enabler[agent]; i != NO_EVENT; i = p->enables[i].before) {
        uint32_t event = p->enables[i].event;
        if (event >= before)
            continue;
        if (last != NO_EVENT && event < last)
            break;
        clock_join(clock, path_clock(p, event), p->stride);
        arrived = event + 1 > arrived ? event + 1 : arrived;
    }
    return arrived;
}

size_t path_event_arrival(const struct path *p, size_t event, int32_t *clock)
{
    const struct event *x = &p->events[event];
    size_t arrived = path_arrival(p, x->agent, x->before, event, clock);
    size_t end = event + 1 < p->count ? p->events[event + 1].joins : p->join_count;
    for (size_t i = x->joins; i < end; i++) {
        clock_join(clock, path_clock(p, p->joins[i]), p->stride);
        arrived = p->joins[i] + 1 > arrived ? p->joins[i] + 1 : arrived;
    }
    return arrived;
}

static void note_race(struct path *p, uint32_t event)
{
    p->race_events = explore_grow(p->race_events, &p->race_room, p->race_count + 1, sizeof *p->race_events);
    p->race_events[p->race_count++] = event;
}

static void meet(struct path *p, const struct event *x, uint32_t with, int32_t *clock)
{
    const struct event *e = &p->events[with];
    if (clock[e->agent] >= (int32_t)e->index)
        return;
    if (p->races && x->waits == WAITS_NEVER)
        note_race(p, with);
    clock_join(clock, path_clock(p, with), p->stride);
}

/* The newest conflicting access first, down to the first write: all below happen before it. */
static void join_object(struct path *p, const struct event *x, const struct touch *t, int32_t *clock)
{
    uint32_t a = path_conflicting(p, p->heads[t->object], t->kind);
    while (a != NO_EVENT) {
        const struct access *older = &p->accesses[a];
        meet(p, x, older->event, clock);
        if (older->kind == EXPLORE_WRITE)
            break;
        a = path_conflicting(p, older->before, t->kind);
    }
}

/* From entry a on to the first one that conflicts and is not known to happen before: in whatever order those before it are met, nothing comes of
 * it. */
static uint32_t not_known(const struct path *p, uint32_t a, unsigned kind, const int32_t *clock)
{
    while ((a = path_conflicting(p, a, kind)) != NO_EVENT) {
        const struct access *older = &p->accesses[a];
        const struct event *e = &p->events[older->event];
        if (clock[e->agent] < (int32_t)e->index)
            return a;
        if (older->kind == EXPLORE_WRITE)
            return NO_EVENT;
        a = older->before;
    }
    return NO_EVENT;
}

/* With several objects the entries have to be met newest first over all of them, or one could seem immediate that is not. */
static void join_objects(struct path *p, const struct event *x, const struct touch *touches, unsigned count, int32_t *clock)
{
    struct cursor at[16], *cursors = count <= 16 ? at : malloc(count * sizeof *cursors);
    if (!cursors)
        base_panic("out of memory while exploring");
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++)
        n = cursor_add(p, cursors, n, not_known(p, p->heads[touches[i].object], touches[i].kind, clock), touches[i].kind);
    while (n) {
        unsigned newest = cursor_newest(cursors, n);
        const struct access *older = &p->accesses[cursors[newest].access];
        meet(p, x, older->event, clock);
        n = cursor_next(p, cursors, n, newest, older->kind == EXPLORE_WRITE);
    }
    if (cursors != at)
        free(cursors);
}

/* A lock: the acquire before the newest release, unless that was known to come first anyway. When something else was done to the
 * lock in between, by a try or without the hint, the hint is worth nothing here. */
static void note_lock_race(struct path *p, struct event *x, const struct touch *t, const int32_t *arrival)
{
    uint32_t a = p->heads[t->object];
    while (a != NO_EVENT && p->accesses[a].lock == EXPLORE_LOCK_RELEASE)
        a = p->accesses[a].before;
    if (a == NO_EVENT)
        return;
    if (p->accesses[a].lock != EXPLORE_LOCK_ACQUIRE) {
        x->waits = WAITS;
        return;
    }
    const struct event *e = &p->events[p->accesses[a].event];
    if (arrival[e->agent] < (int32_t)e->index)
        note_race(p, p->accesses[a].event);
}

static void push_accesses(struct path *p, uint32_t event, const struct touch *touches, unsigned count)
{
    p->accesses = explore_grow(p->accesses, &p->access_room, p->access_count + count, sizeof *p->accesses);
    for (unsigned i = 0; i < count; i++) {
        uint32_t *head = &p->heads[touches[i].object];
        p->accesses[p->access_count] = (struct access){event, *head, NO_EVENT, touches[i].object, touches[i].kind, touches[i].lock};
        if (*head != NO_EVENT)
            p->accesses[p->access_count].other = p->accesses[*head].kind != touches[i].kind ? *head : p->accesses[*head].other;
        *head = (uint32_t)p->access_count++;
    }
}

static void know_objects(struct path *p)
{
    if (p->heads_known == p->prints.objects)
        return;
    p->heads = explore_grow(p->heads, &p->head_room, p->prints.objects, sizeof *p->heads);
    while (p->heads_known < p->prints.objects)
        p->heads[p->heads_known++] = NO_EVENT;
}

static void push_enables(struct path *p, uint32_t event, const uint32_t *ids, unsigned count)
{
    p->enables = explore_grow(p->enables, &p->enable_room, p->enable_count + count, sizeof *p->enables);
    for (unsigned i = 0; i < count; i++) {
        unsigned agent = path_agent(p, ids[i]);
        p->enables[p->enable_count] = (struct enable){event, p->enabler[agent], (uint16_t)agent};
        p->enabler[agent] = (uint32_t)p->enable_count++;
    }
}

static enum waits how_it_waits(const struct path *p, const struct explore_event *e, uint32_t print)
{
    if (e->flags & EXPLORE_NEVER_WAITS)
        return WAITS_NEVER;
    const struct footprint *f = &p->prints.all[print];
    if ((e->flags & EXPLORE_FIXED) && f->count == 1 && footprint_touches(&p->prints, print)->lock == EXPLORE_LOCK_ACQUIRE)
        return WAITS_LOCK;
    return WAITS;
}

static void make_room(struct path *p)
{
    size_t n = p->count + 2;
    p->events = explore_grow(p->events, &p->room, n, sizeof *p->events);
    p->nodes = explore_grow(p->nodes, &p->node_room, n, sizeof *p->nodes);
    p->clocks = explore_grow(p->clocks, &p->clock_room, n * p->stride, sizeof *p->clocks);
    p->counts = explore_grow(p->counts, &p->count_room, n * p->stride, sizeof *p->counts);
}

static void push_position(struct path *p, unsigned agent, uint32_t index, uint32_t event)
{
    p->positions[agent] = explore_grow(p->positions[agent], &p->position_room[agent], index, sizeof **p->positions);
    p->positions[agent][index - 1] = event;
}

static void push_event(struct path *p, unsigned agent, unsigned alternative, const struct explore_event *e)
{
    uint32_t at = (uint32_t)p->count;
    uint32_t print = footprint_intern(&p->prints, e->accesses, e->access_count);
    for (unsigned i = 0; i < e->enables_count + e->joins_count; i++) /* may widen the clocks: before any is used */
        path_agent(p, i < e->enables_count ? e->enables[i] : e->joins[i - e->enables_count]);
    know_objects(p);
    make_room(p);
    struct event *x = &p->events[at];
    *x = (struct event){.agent = (uint16_t)agent, .alternative = (uint8_t)alternative, .waits = how_it_waits(p, e, print),
                        .fixed = e->flags & EXPLORE_FIXED, .same_objects = e->flags & EXPLORE_SAME_OBJECTS, .print = print, .really = print, .op = e->op, .before = p->last[agent],
                        .accesses = (uint32_t)p->access_count, .enables = (uint32_t)p->enable_count, .joins = (uint32_t)p->join_count, .races = (uint32_t)p->race_count};
    x->index = x->before == NO_EVENT ? 1 : p->events[x->before].index + 1;
    int32_t *clock = p->clocks + (size_t)at * p->stride;
    path_arrival(p, agent, x->before, at, clock);
    p->joined_count = 0;
    for (unsigned i = 0; i < e->joins_count; i++) {
        uint32_t last = p->last[path_agent(p, e->joins[i])];
        if (last == NO_EVENT)
            continue;
        clock_join(clock, path_clock(p, last), p->stride);
        IR_ASSERT(p->joined_count < EXPLORE_AGENTS_MAX);
        p->joined[p->joined_count++] = last;
        p->joins = explore_grow(p->joins, &p->join_room, p->join_count + 1, sizeof *p->joins);
        p->joins[p->join_count++] = last;
    }
    const struct touch *touches = footprint_touches(&p->prints, print);
    unsigned touch_count = p->prints.all[print].count;
    if (p->races && x->waits == WAITS_LOCK)
        note_lock_race(p, x, touches, clock);
    if (touch_count == 1)
        join_object(p, x, touches, clock);
    else if (touch_count)
        join_objects(p, x, touches, touch_count, clock);
    clock[agent] = (int32_t)x->index;
    x->race_count = (uint32_t)p->race_count - x->races;
    push_accesses(p, at, touches, touch_count);
    push_position(p, agent, x->index, at);
    int32_t *counts = p->counts + (size_t)(at + 1) * p->stride;
    memcpy(counts, counts - p->stride, p->stride * sizeof *counts);
    counts[agent]++;
    p->last[agent] = at;
    push_enables(p, at, e->enables, e->enables_count);
    p->count++;
}

bool path_ends(enum explore_status after, uint32_t flags, bool others)
{
    if (after == EXPLORE_RUNNING || after == EXPLORE_DEADLOCK || after == EXPLORE_FUTILE)
        return false;
    return after != EXPLORE_DONE || (flags & EXPLORE_ENDS) || others;
}

/* The event ended the run, whoever could have gone on: it comes after everything and keeps everything else from coming. */
static void comes_last(struct path *p)
{
    size_t at = p->count - 1;
    int32_t *clock = p->clocks + at * p->stride;
    for (unsigned i = 0; i < p->agents; i++)
        if (p->last[i] != NO_EVENT && p->last[i] != at)
            clock_join(clock, path_clock(p, p->last[i]), p->stride);
    p->events[at].print = FOOTPRINT_ALL;
}

static uint64_t event_hash(const struct path *p, size_t at)
{
    const struct event *e = &p->events[at];
    const int32_t *clock = path_clock(p, at);
    uint64_t sum = p->prints.all[e->really].hash;
    for (unsigned i = 0; i < p->agents; i++)
        sum += (uint64_t)clock[i] * p->keys[i];
    sum += explore_mix(p->keys[e->agent] ^ ((uint64_t)e->op << 16 | e->alternative));
    return explore_mix(sum);
}

static void count_costs(struct path *p)
{
    const struct event *e = &p->events[p->count - 1];
    const struct node *was = path_node(p) - 1;
    struct node *n = path_node(p);
    const struct candidate *c = p->candidates + was->candidates;
    unsigned at = 0, first = 0;
    for (unsigned i = 0; i < was->candidate_count; i++) {
        at = c[i].agent == e->agent ? i : at;
        first = c[i].agent == was->running ? i : first;
    }
    n->preemptions = was->preemptions + (was->can_go_on && e->agent != was->running) + n->gives_way;
    n->delays = was->delays + (at + was->candidate_count - first) % was->candidate_count;
    n->faults = was->faults + (c[at].faults >> e->alternative & 1);
}

enum explore_status path_step(struct path *p, unsigned agent, unsigned alternative)
{
    path_sync(p);
    struct explore_event e = {0};
    bool others = path_node(p)->candidate_count > 1;
    p->machine->step(p->machine->context, p->ids[agent], alternative, &e);
    p->steps++;
    if (p->each) {
        struct explore_choice choice = {p->ids[agent], alternative};
        p->each(p->user, p->count, &choice, &e);
    }
    push_event(p, agent, alternative, &e);
    p->machine_at = p->count;
    read_point(p);
    enum explore_status status = path_node(p)->status;
    if (path_ends(status, e.flags, others))
        comes_last(p);
    path_node(p)->trace = path_node(p)[-1].trace + event_hash(p, p->count - 1);
    count_costs(p);
    depth_of(p, p->count)->met++;
    return status;
}

static void pop_event(struct path *p)
{
    struct node *n = path_node(p);
    if (n->snapshot)
        p->machine->discard(p->machine->context, n->snapshot);
    p->candidate_count = n->candidates;
    const struct event *e = &p->events[--p->count];
    while (p->access_count > e->accesses) {
        const struct access *a = &p->accesses[--p->access_count];
        p->heads[a->object] = a->before;
    }
    while (p->enable_count > e->enables) {
        const struct enable *a = &p->enables[--p->enable_count];
        p->enabler[a->agent] = a->before;
    }
    p->race_count = e->races;
    p->join_count = e->joins;
    p->last[e->agent] = e->before;
}

void path_cut(struct path *p, size_t d)
{
    IR_ASSERT(d <= p->count);
    while (p->count > d)
        pop_event(p);
    if (p->machine_at > d)
        p->in_place = false;
}

void path_schedule(const struct path *p, struct explore_schedule *out)
{
    out->count = 0;
    for (size_t i = 0; i < p->count; i++)
        explore_schedule_append(out, p->ids[p->events[i].agent], p->events[i].alternative);
}
