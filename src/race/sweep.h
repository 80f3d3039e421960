/* Plain accesses of images that tell nothing (built without --race): those that race become scheduling points, and are no finding.
 *
 * A search sweeps a few of its runs (patch_sweep): every plain access of drivers and programs stops the guest for a moment and goes through the race
 * detector, those of atomic instructions too, so that a plain look at what others change by them counts. A machine instruction does not say that its
 * variable is volatile, so what races may be meant to; whether it does harm is what the orders show. At the end of a run the places are noted
 * (SPIN_PLAIN in sim/spins.h), and the search begins again with them as points.
 *
 * At such a point the step touches the words accessed and, in pool, the life of their block. An instruction that reads and writes memory without a
 * lock prefix is two points, as it is two accesses: what another stores between them is lost. A block that was freed meanwhile is said to be touched.
 *
 * A run that makes too many accesses ends the sweeping, for the search as a whole. */
#ifndef IRPLAB_RACE_SWEEP_H
#define IRPLAB_RACE_SWEEP_H

/* The run has ended: what was found in it is noted. */
void race_sweep_note(void);
/* Once a process. */
void race_sweep_init(void);

#endif
