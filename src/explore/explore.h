/* explore: what decides. Strategies over an abstract machine whose only freedom is a list of choices.
 *
 * The explorer knows agents (threads, workers, DPCs, ...), steps and the objects a step touches; it knows nothing of NT.
 * A machine is a set of callbacks. At every scheduling point the machine stands still before the next visible
 * operation of each of its agents; the explorer picks an agent and one of the alternatives of its operation, and the
 * machine executes that operation and what follows it up to the agent's next scheduling point. That is one event.
 *
 * What a machine promises
 *   - A run is a function of its choices: the same choices from reset() give the same points, events and outcome.
 *   - Agent ids are stable: the same agent has the same id in every schedule, whatever order agents were created in
 *     (derive it from the creator's id and how many it had created, never from a global counter). Object ids likewise.
 *   - An operation that has to wait is not enabled until it can be satisfied; a wait is one event, at the moment it is
 *     satisfied. Thread start and end are one event each.
 *   - accesses[] of an event names every object on whose state its effect, its result, its being enabled and its set of
 *     alternatives depended (READ), or that it changed (WRITE). Objects only its own agent can reach may be left out.
 *   - A data choice found in the midst of an operation (a failed allocation) is a point like any other: the agent stands before it
 *     with its alternatives, and the others may go first. (It touches nothing, so the reduction adds no order for it.)
 *   - Two adjacent events of different agents whose accesses do not conflict may be swapped: the same state follows and
 *     both report the same accesses. This is all the reduction relies on, and what makes `complete` true.
 *
 * Left to others: what an NT operation touches (sim), what a failure means (verify), files and printing (cli, report). */
#ifndef IRPLAB_EXPLORE_EXPLORE_H
#define IRPLAB_EXPLORE_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EXPLORE_AGENTS_MAX = 256,      /* different agent ids in one exploration */
    EXPLORE_ALTERNATIVES_MAX = 32, /* alternatives of one operation */
    EXPLORE_NO_AGENT = 0xFFFFFFFF,
};

/* --- events ------------------------------------------------------------------------------------------------------ */

/* Two accesses to one object conflict unless both are READ or both are COMMUTE of the same class. A class is for updates whose
 * results nobody can tell apart by their order (interlocked increment with its result unused, a dereference that is not the last):
 * swapping two of a class must leave both in that class. Classes are EXPLORE_COMMUTE, EXPLORE_COMMUTE + 1, ... up to 255. */
enum explore_kind { EXPLORE_READ, EXPLORE_WRITE, EXPLORE_COMMUTE };

/* For exclusive, non-recursive locks: lets the explorer know without trying that an acquire races with the acquire before, never
 * with the release between. Only a hint; an access without it is treated right, but slower. kind is WRITE for both. */
enum explore_lock { EXPLORE_NOT_A_LOCK, EXPLORE_LOCK_ACQUIRE, EXPLORE_LOCK_RELEASE };

struct explore_access {
    uint64_t object;
    uint8_t kind; /* enum explore_kind, of what really happened: a compare-exchange that failed is a READ */
    uint8_t lock; /* enum explore_lock */
};

/* Promises about an operation that save work. None is the safe answer. */
enum {
    EXPLORE_FIXED = 1,       /* it touches these objects in these kinds, with these alternatives, in whatever state it runs */
    EXPLORE_NEVER_WAITS = 2, /* once reached it is enabled until it runs */
    EXPLORE_SAME_OBJECTS = 8, /* it touches these objects in whatever state it runs; only the kinds may differ (compare-exchange) */
    /* Not a promise but a fact: it ends the run whoever else is there (the program's exit). Known anyway of an event after which
     * point() says FAILED or CUT, and of one after which it says DONE while others were enabled. */
    EXPLORE_ENDS = 4,
};

struct explore_event {
    const struct explore_access *accesses; /* valid until the next call into the machine; an object may occur twice */
    unsigned access_count;
    const uint32_t *enables; /* agents created by it, or woken with no object to show for it: their next event comes after it */
    unsigned enables_count;
    const uint32_t *joins; /* agents all of whose events so far come before it, with no object to show for it */
    unsigned joins_count;
    uint32_t flags; /* EXPLORE_FIXED and the like */
    uint32_t op;    /* what it was, for hashes and reports; any number */
};

/* --- the machine ------------------------------------------------------------------------------------------------- */

enum explore_status {
    EXPLORE_RUNNING,  /* somebody is enabled */
    EXPLORE_DONE,     /* the run has ended well */
    EXPLORE_FAILED,   /* bug check, finding, crash, exit code ... */
    EXPLORE_DEADLOCK, /* nobody is enabled and somebody should be: a failure too */
    EXPLORE_FUTILE,   /* nobody is enabled, because somebody chose too early what to wait for: another order covers what it could have done */
    EXPLORE_CUT,      /* the machine gave up for reasons of its own (out of steps, unsupported): neither good nor bad, never complete */
};

struct explore_agent {
    uint32_t id;
    uint32_t alternatives; /* bit n: alternative n is possible now; never 0. The lowest is the usual one */
    uint32_t faults;       /* those that count against the fault bound (failed allocation, ...) */
    uint64_t object;       /* what its next operation will touch first, for pos and surw; 0: unknown */
    bool reads;            /* it is known to change nothing there */
};

struct explore_point {
    const struct explore_agent *enabled; /* in an order that is a function of the state; valid until the next call */
    unsigned enabled_count;
    uint32_t running;       /* the agent of the last event, EXPLORE_NO_AGENT at the start */
    bool running_can_go_on; /* switching away from it now is a preemption: it has not yielded, and it is enabled, or would only look in vain */
};

/* An agent that exists and is not enabled, and what it waits for: the accesses by which its operation becomes enabled. */
struct explore_waiting {
    uint32_t agent;
    const struct explore_access *accesses;
    unsigned access_count;
};

struct explore_outcome {
    uint64_t key;     /* failures with one key are one failure */
    const char *text; /* one line; valid until the next call */
};

struct explore_machine {
    void *context;
    void (*reset)(void *context);
    enum explore_status (*point)(void *context, struct explore_point *out);
    void (*step)(void *context, uint32_t agent, unsigned alternative, struct explore_event *out);
    void (*outcome)(void *context, struct explore_outcome *out); /* once point() does not say RUNNING */
    /* Agents that wait now. Needed for complete answers where agents can wait for ever; NULL: nobody does. Returns the number,
     * *out valid until the next call. */
    unsigned (*waiting)(void *context, const struct explore_waiting **out);
    /* All three or none. A snapshot may be restored any number of times and is discarded once; they nest (discarded in reverse
     * order of making). snapshot() may return NULL: no room now, do without. */
    void *(*snapshot)(void *context);
    unsigned (*cost)(void *context, const void *snapshot); /* of making and restoring one, in steps; NULL: a few. No more than a guess, but always the same one. */
    void (*restore)(void *context, void *snapshot);
    void (*discard)(void *context, void *snapshot);
};

/* --- schedules --------------------------------------------------------------------------------------------------- */

struct explore_choice {
    uint32_t agent;
    uint32_t alternative;
};

struct explore_schedule {
    struct explore_choice *choices;
    size_t count, room;
};

void explore_schedule_append(struct explore_schedule *s, uint32_t agent, uint32_t alternative);
void explore_schedule_copy(struct explore_schedule *to, const struct explore_schedule *from);
void explore_schedule_free(struct explore_schedule *s);
bool explore_schedule_equal(const struct explore_schedule *a, const struct explore_schedule *b);

/* One line, without spaces: version, agents run-length coded with their alternatives, checksum. Both return NULL or false when
 * there is nothing to return; *why then is a sentence. The text is the caller's to free(). */
char *explore_schedule_print(const struct explore_schedule *s);
bool explore_schedule_parse(const char *text, struct explore_schedule *out, const char **why);

/* --- exploration ------------------------------------------------------------------------------------------------- */

enum explore_strategy {
    EXPLORE_DFS,    /* every order, depth first, within the bounds */
    EXPLORE_RANDOM, /* uniform random walk */
    EXPLORE_PCT,    /* random priorities, depth - 1 change points */
    EXPLORE_POS,    /* random priorities drawn again for events that race */
    EXPLORE_SURW,   /* selectively uniform random walk */
    EXPLORE_DPOR,   /* one run for each happens-before class; with a preemption bound, for each that has an order within it */
};

struct explore_report;

struct explore_config {
    enum explore_strategy strategy;
    uint64_t seed;
    int preemptions;        /* highest number of preemptions in a run; -1: no bound */
    int delays;             /* dfs: highest number of delays (agents passed over, counted from the running one on); -1: no bound */
    int faults;             /* highest number of alternatives taken that are faults; -1: no bound */
    bool iterate;           /* dfs and dpor: bounds 0, 1, ... preemptions, so that a failure with the fewest comes first */
    bool keep_going;        /* past the first failure */
    unsigned depth;         /* pct: d; 0 is 3 */
    uint64_t schedules;     /* runs to stop after; 0: no limit (sampling needs one, or stop) */
    size_t steps;           /* longest run in events; 0: 1,000,000. A longer one is cut and the result not complete */
    size_t nodes;           /* dpor: wake-up tree nodes alive at once, or places with a preemption bound; 0: 16 million. Out of them:
                             * complete is false, bound_hit true */
    size_t checkpoint;      /* most events between two snapshots of a path, with reduction as long as it is not known where they pay; 0: 10; 1: before each */
    bool sweep;             /* the caller's: plain accesses are looked at (race/sweep.h) */
    bool count_traces;      /* dfs, dpor: keep a set of the classes seen, for `traces` (8 to 16 bytes each); sampling always does */
    bool (*stop)(void *user); /* asked between runs, e.g. for the time; NULL: never */
    bool stop_within;       /* now and then within a run too, which then counts for nothing */
    /* After each complete run, the machine still standing in its final state. */
    void (*ran)(void *user, const struct explore_report *run);
    /* The same for runs that failed and no others. */
    void (*failed)(void *user);
    void *user;
};

/* Everything off or unbounded, seed 1. */
extern const struct explore_config explore_defaults;

struct explore_report {
    enum explore_status status;
    const struct explore_schedule *schedule;
    const struct explore_outcome *outcome; /* NULL when EXPLORE_DONE */
    uint64_t trace;                        /* hash of its happens-before class */
    unsigned preemptions, delays, faults;
    bool first; /* the first run to fail with this key */
};

struct explore_failure {
    uint64_t key;
    char *text;
    enum explore_status status;
    struct explore_schedule schedule; /* of the first run that failed so */
    unsigned preemptions;
    uint64_t times;
    uint64_t found_at; /* number of that run, from 1 */
    size_t race_points; /* the caller's: with how many racing places as scheduling points it was found (race/points.h) */
};

struct explore_result {
    uint64_t schedules; /* runs executed to their end */
    uint64_t blocked;   /* runs given up because all that was left had been seen (dpor: must be 0 without a preemption bound) */
    uint64_t failing;   /* of schedules, those that failed */
    uint64_t merged;    /* dpor with a preemption bound: runs given up where they met another's class of prefix */
    uint64_t futile;    /* runs that ended with EXPLORE_FUTILE: given up, each class that they could have come to has a run of its own */
    uint64_t traces;    /* different happens-before classes among schedules */
    uint64_t cut;       /* runs ended by a limit: EXPLORE_CUT or steps */
    uint64_t steps, replayed; /* events executed, and of those to get back to a node */
    uint64_t tries;     /* dpor: operations executed only to learn what they would touch */
    bool complete;      /* all orders within the bounds were covered */
    bool bound_hit;     /* something was left out because of steps, nodes or agents */
    bool unbounded;     /* complete, and no bound left anything out: all orders there are */
    int preemptions;    /* all orders with at most so many preemptions were covered; -1: not even those with none */
    const char *why_not; /* a sentence: why complete is false; NULL when it is true. One that begins with "broken promise" tells of the
                          * machine: accesses or edges that it did not report; it says of which events */
    char *why_text;      /* what why_not points to, if it was made for this result */
    struct explore_failure *failures;
    size_t failure_count;
};

/* Explores; result is the caller's to explore_result_free(). The machine is left in the state of the last run. */
void explore_run(const struct explore_machine *machine, const struct explore_config *config, struct explore_result *result);
void explore_result_free(struct explore_result *result);

/* --- one schedule ------------------------------------------------------------------------------------------------ */

/* Runs the schedule from reset. Choices that cannot be made end it with EXPLORE_CUT and *diverged_at; when the schedule ends early
 * the run goes on without preemption. The run as executed is appended to *out (NULL: not wanted). each: after every event. */
struct explore_replay {
    enum explore_status status;
    struct explore_outcome outcome;
    uint64_t trace;
    unsigned preemptions, faults;
    bool diverged;
    size_t diverged_at;
};
typedef void explore_each(void *user, size_t index, const struct explore_choice *choice, const struct explore_event *event);
void explore_replay(const struct explore_machine *machine, const struct explore_schedule *schedule, struct explore_schedule *out,
                    explore_each *each, void *user, struct explore_replay *result);

/* Makes a failing schedule smaller while it fails with the same key: fewest preemptions first, then fewest faults and choices that
 * are not the usual alternative, then fewest switches, then fewest events. limit: runs to spend (0: 2,000). Returns the runs spent. */
unsigned explore_minimise(const struct explore_machine *machine, struct explore_schedule *schedule, unsigned limit);

/* The last choice of a failing schedule in whose place another, continued without preemption, does not fail. limit: runs to spend
 * (0: 2,000). The machine is left where the last try ended. */
struct explore_turning {
    bool found;
    size_t index;                    /* of the choice in the failing schedule */
    struct explore_choice instead;   /* what avoids the failure */
    struct explore_schedule passing; /* the whole run that does not fail; the caller's to free */
};
void explore_last_avoidable(const struct explore_machine *machine, const struct explore_schedule *failing, unsigned limit,
                            struct explore_turning *out);

/* --- keeping the machine honest ---------------------------------------------------------------------------------------- */

/* Random walks (config: seed, schedules, steps, stop). Wherever two neighbours of a run are said not to conflict they are run the other
 * way round: both must be possible, touch the same and lead to the same agents enabled and, if state is given, to the same state (a hash
 * of what guests can see). Calls report for each pair that does not, with a sentence and the run up to the second of the two.
 * Returns the number of pairs looked at; breaches in *breaches. */
typedef void explore_breach(void *user, const char *text, const struct explore_schedule *upto);
uint64_t explore_check(const struct explore_machine *machine, const struct explore_config *config, uint64_t (*state)(void *context),
                       explore_breach *report, void *user, uint64_t *breaches);

#endif
