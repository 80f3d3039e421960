/* Loops that wait for memory by looking at it with atomic instructions, while orders are explored.
 *
 * A round of such a loop changes nothing and ends where it began, in the same state: a run with the round is as good as one without it. So
 * a look that would close a round in vain is no step: its agent is not enabled until the look would lead elsewhere, and a loop that looks
 * at one place is one step, the look that ends it (as an await statement). Of a loop that looks at several places the looks before the
 * last one are steps; when nobody else can go on and such an agent would find a way out by looking at all of them once more, it had looked
 * too early: the run counts for nothing (RUN_STALE), the order in which it looks later is another one.
 *
 * Which atomic instructions belong to such loops is learned: the first time that a thread comes round to one without having changed
 * anything, a round is tried twice; if it leaves all that guests can see as it was, the instructions are noted (sim/spins.h) and the
 * exploration begins again with them. Whether a look would be in vain is found by trying it, from a snapshot, once for each state of
 * the thread and value at that place. */
#ifndef IRPLAB_SIM_AWAIT_H
#define IRPLAB_SIM_AWAIT_H

#include "sim/access.h"
#include "sim/machine.h"

/* The running agent comes to an atomic instruction at rip in this state (its registers and stack), having changed something since the last
 * one or not. Sets at_await, closed. */
void await_arrive(struct agent *a, uint64_t rip, uint64_t state, bool changed, uint64_t object, unsigned bytes);
/* It has changed something, or has been elsewhere. */
static inline void await_forget(struct agent *a)
{
    a->seen_count = 0;
    a->at_await = false;
}
/* A look now would not be in vain. a->at_await; nobody runs. */
bool await_open(struct machine *m, struct agent *a);
/* Somebody has closed a round for the first time: looks at its loop. Nobody runs. */
void await_learn(struct machine *m);
/* Nobody can go on but who waits so. Ends the run if that is for ever, or because somebody had looked too early. */
void await_stuck(struct machine *m, bool time_can_pass);

/* The last place of the running agent was such an instruction. */
bool await_stands_in(const struct agent *a);

/* What is done between these is taken back. */
struct await_trial {
    struct snapshot *before;
    sim_access_listener *access;
    void (*create)(struct agent *a);
    void (*join)(const struct agent *a);
    void (*opaque)(const char *why);
    const struct sim_sync *sync;
};
void await_trial_begin(struct machine *m, struct await_trial *t);
void await_trial_end(struct await_trial *t);
/* A hash of all that guests can see, as it lies in memory. */
uint64_t await_visible(const struct machine *m);

/* One step of an agent, by the scheduler. */
void sim_step(struct machine *m, struct agent *a);
/* It could take one, whatever it waits for. */
bool sim_can_step(struct machine *m, const struct agent *a);

#endif
