/* The path: the events from the start to where the search stands, the points between them, and the machine kept in step.
 *
 * Node d is the point before event d; node `count` is where the search stands. Cutting the path back does not move the machine;
 * the next event, or path_sync, brings it there: from the last snapshot on the path, replaying what is missing.
 *
 * Each event carries its vector clock (events of each agent that happen before it or are it), from which races, happens-before
 * classes and reversals follow. Access entries form a chain per object, newest first; cutting back unwinds them. */
#ifndef IRPLAB_EXPLORE_PATH_H
#define IRPLAB_EXPLORE_PATH_H

#include "explore/explore.h"
#include "explore/footprint.h"

#define NO_EVENT UINT32_MAX
enum { NO_AGENT = 0xFFFF };

/* How an event's operation may have been held back. */
enum waits {
    WAITS_NEVER,
    WAITS_LOCK, /* one acquire of an exclusive lock, nothing else */
    WAITS,      /* anything */
};

struct event {
    uint16_t agent; /* dense */
    uint8_t alternative;
    uint8_t waits;
    bool fixed;        /* EXPLORE_FIXED */
    bool same_objects; /* EXPLORE_SAME_OBJECTS */
    uint32_t index;  /* among its agent's events, from 1 */
    uint32_t print;  /* footprint; FOOTPRINT_ALL when it ended the run under others */
    uint32_t really; /* footprint as reported, to verify replays */
    uint32_t op;
    uint32_t before;                      /* its agent's event before, or NO_EVENT */
    uint32_t accesses, enables, joins;    /* tops of the stacks before it */
    uint32_t races, race_count;           /* events it races with for certain (path_races) */
};

/* A candidate of a point, with the agent as a dense number. */
struct candidate {
    uint16_t agent;
    bool reads;
    uint32_t alternatives, faults;
    uint64_t object;
};

struct node {
    uint32_t candidates, candidate_count;
    uint16_t running;
    bool can_go_on;
    bool gives_way; /* the running agent would go on in vain: whoever runs next, it is preempted */
    enum explore_status status;
    void *snapshot;
    uint64_t trace; /* sum of the hashes of the events before */
    uint32_t preemptions, delays, faults;
};

struct access {
    uint32_t event, before; /* before: next older entry of the object, or NO_EVENT */
    uint32_t other;         /* next older entry of another kind, or NO_EVENT */
    uint32_t object;
    uint8_t kind, lock;
};

struct enable {
    uint32_t event, before;
    uint16_t agent;
};

/* What is known of the nodes so many events from the start. */
struct depth {
    uint32_t met;    /* how often one was made, lately */
    uint32_t wanted; /* and how often the machine was brought back to one */
    uint32_t before; /* while snapshots are placed: depth of the one before, if there is one here */
    uint64_t cost;
    bool known, worth; /* enough of them have been met to tell; a snapshot pays */
};

struct path {
    const struct explore_machine *machine;
    struct footprints prints;
    bool races;        /* collect them */
    bool broken;           /* the machine did what it promised not to, or there are too many agents; the search ends */
    bool full;             /* the latter */
    char broken_text[512]; /* a sentence */

    struct event *events;
    struct node *nodes; /* count + 1 */
    size_t count, room, node_room;
    unsigned stride; /* agents per clock */
    int32_t *clocks; /* of event d at d * stride */
    int32_t *counts; /* events of each agent before node d */
    size_t clock_room, count_room;

    unsigned agents;
    uint32_t ids[EXPLORE_AGENTS_MAX];
    uint64_t keys[EXPLORE_AGENTS_MAX]; /* odd multiplier in hashes */
    uint16_t numbers[1024];            /* number + 1 of the last agent asked for, by id */
    uint32_t last[EXPLORE_AGENTS_MAX]; /* newest event or NO_EVENT */
    uint32_t enabler[EXPLORE_AGENTS_MAX]; /* newest enable entry or NO_EVENT */
    uint32_t *positions[EXPLORE_AGENTS_MAX]; /* events of the agent, by index - 1 */
    size_t position_room[EXPLORE_AGENTS_MAX];

    struct candidate *candidates;
    size_t candidate_count, candidate_room;
    struct access *accesses;
    size_t access_count, access_room;
    uint32_t *heads; /* of objects */
    size_t head_room;
    uint32_t heads_known;
    struct enable *enables;
    size_t enable_count, enable_room;
    uint32_t *joins; /* events that each event joined, in stacks as the accesses */
    size_t join_count, join_room;
    uint32_t *race_events;
    size_t race_count, race_room;

    uint32_t joined[EXPLORE_AGENTS_MAX]; /* by the newest event: last events of the agents it joined */
    unsigned joined_count;
    explore_each *each; /* NULL: nobody listens */
    void *user;
    bool in_place;     /* the machine stands at node machine_at of this path */
    size_t machine_at;
    uint64_t steps, replayed;
    struct depth *depths; /* where snapshots are worth it */
    size_t depth_room, depth_count;
    unsigned cost; /* of a snapshot, in steps that are replayed because there is none */
    size_t until_placed; /* times that the machine is brought back before it is worked out anew */
};

void path_init(struct path *p, const struct explore_machine *machine);
void path_free(struct path *p);

/* Back to the start; the machine too. */
void path_begin(struct path *p);
/* One more event. Returns the status of the point after it. */
enum explore_status path_step(struct path *p, unsigned agent, unsigned alternative);
/* Only the first d events remain. */
void path_cut(struct path *p, size_t d);
/* The machine stands where the path ends. */
void path_sync(struct path *p);
/* The machine stands at node d of the path, which stays as it is. */
void path_visit(struct path *p, size_t d);
/* A snapshot of the end of the path, if there is none closer than `gap` events before. */
void path_checkpoint(struct path *p, size_t gap);
/* The same if it is worth it: by how often the machine has been brought back to such nodes, or will be (`planned` times at least). As long as
 * nothing is known of them, by the gap. */
void path_checkpoint_worth(struct path *p, size_t gap, unsigned planned);
/* The machine was moved by others. */
static inline void path_moved(struct path *p)
{
    p->in_place = false;
}

unsigned path_agent(struct path *p, uint32_t id);
void path_schedule(const struct path *p, struct explore_schedule *out);

static inline struct node *path_node(struct path *p)
{
    return &p->nodes[p->count];
}

static inline const struct candidate *path_candidates(const struct path *p, size_t d)
{
    return p->candidates + p->nodes[d].candidates;
}

static inline const int32_t *path_clock(const struct path *p, size_t event)
{
    return p->clocks + event * p->stride;
}

static inline const int32_t *path_counts(const struct path *p, size_t node)
{
    return p->counts + node * p->stride;
}

/* From entry a (or NO_EVENT) on to the first one that an access of this kind conflicts with. */
static inline uint32_t path_conflicting(const struct path *p, uint32_t a, unsigned kind)
{
    if (a != NO_EVENT && !touch_kinds_conflict(p->accesses[a].kind, kind))
        return p->accesses[a].other;
    return a;
}

/* Walks over what several accesses of one operation conflict with, newest event first. */
struct cursor {
    uint32_t access, event; /* where it stands, and its event */
    uint8_t kind;
};

/* Adds one that starts at entry a, unless nothing conflicts. Returns the new number of cursors. */
static inline unsigned cursor_add(const struct path *p, struct cursor *cursors, unsigned n, uint32_t a, unsigned kind)
{
    a = path_conflicting(p, a, kind);
    if (a != NO_EVENT)
        cursors[n++] = (struct cursor){a, p->accesses[a].event, (uint8_t)kind};
    return n;
}

static inline unsigned cursor_newest(const struct cursor *cursors, unsigned n)
{
    unsigned newest = 0;
    for (unsigned i = 1; i < n; i++)
        newest = cursors[i].event > cursors[newest].event ? i : newest;
    return newest;
}

/* Moves one on, or drops it where it has come to its end. Returns the new number of cursors. */
static inline unsigned cursor_next(const struct path *p, struct cursor *cursors, unsigned n, unsigned at, bool end)
{
    uint32_t a = end ? NO_EVENT : path_conflicting(p, p->accesses[cursors[at].access].before, cursors[at].kind);
    if (a == NO_EVENT) {
        cursors[at] = cursors[n - 1];
        return n - 1;
    }
    cursors[at].access = a;
    cursors[at].event = p->accesses[a].event;
    return n;
}

/* True if event a happens before b (or is b). */
static inline bool path_before(const struct path *p, size_t a, size_t b)
{
    return path_clock(p, b)[p->events[a].agent] >= (int32_t)p->events[a].index;
}

/* The candidate of an agent at node d, or NULL. */
const struct candidate *path_find(const struct path *p, size_t d, unsigned agent);

typedef int32_t clock_lanes __attribute__((vector_size(16), aligned(4), may_alias));

static inline void clock_join(int32_t *into, const int32_t *from, unsigned stride)
{
    for (unsigned i = 0; i < stride; i += 4) {
        clock_lanes a = *(clock_lanes *)(into + i), b = *(const clock_lanes *)(from + i);
        clock_lanes more = a > b;
        *(clock_lanes *)(into + i) = (a & more) | (b & ~more);
    }
}

/* The machine broke a promise. what: a sentence with at most one %s for event `about` (NO_EVENT: none). The first time counts. */
void path_break(struct path *p, const char *what, uint32_t about);
/* "agent 3a, operation 7 (W 1f00 R 20)". */
void path_describe(const struct path *p, uint32_t event, char *text, size_t size);
/* "W 1f00 R 20". */
void path_describe_print(const struct path *p, uint32_t print, char *text, size_t size);
/* What stands there of an agent (dense number) where the machine is, alternatives possible now; 0: it cannot run. */
uint32_t path_able(struct path *p, unsigned agent, bool *others);
/* Did an event end the run rather than find its end? others: somebody else was enabled. */
bool path_ends(enum explore_status after, uint32_t flags, bool others);
/* The clock of what an agent's event after its event `last` (or NO_EVENT) cannot come before: that event and what enabled the agent
 * since. `before` bounds the enabling events looked at. Returns the node at which the agent had arrived. */
size_t path_arrival(const struct path *p, unsigned agent, uint32_t last, size_t before, int32_t *clock);
/* The same for an event of the path, which cannot come before what it joined either. */
size_t path_event_arrival(const struct path *p, size_t event, int32_t *clock);

#endif
