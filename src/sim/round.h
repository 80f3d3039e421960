/* Loops that go round without getting anywhere though they write, or call: whatever a round changes it changes back (a lock is taken, another one tried in vain,
 * the first given back). While orders are explored.
 *
 * A thread that has come round, nobody else having done anything meanwhile, stands back until somebody has: the same round once more is as good as none. (After
 * that it may go round again: others can meet it in the midst.) And where all who can go on stand in such loops, and each of them alone comes round again and
 * again without letting anybody else go on, that is a livelock: they can have their turns for ever.
 *
 * Which calls and atomic instructions belong to such loops is learned: where a thread comes by again in the same state (looked for at ever longer distances), two rounds are tried; if
 * they leave all that guests can see as it was, their places are noted (sim/spins.h), and the exploration begins again with them. */
#ifndef IRPLAB_SIM_ROUND_H
#define IRPLAB_SIM_ROUND_H

#include "sim/machine.h"

/* The running agent comes to a point: before an atomic instruction (rip, with its registers and stack in state), or in a call (rip 0). */
void round_arrive(struct agent *a, uint64_t rip, uint64_t state);
/* Somebody has been suspected of going round: looks at its loop. Nobody runs. */
void round_learn(struct machine *m);
/* An agent that has come round stands back, or does more than that. Nobody runs. */
void round_close(struct machine *m, struct agent *a);
/* All who can go on go round for ever: ends the run. Nobody runs. */
void round_stuck(struct machine *m);

#endif
