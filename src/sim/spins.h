/* Loops without calls that a run was caught in, as places in image files: their jumps back are scheduling points from the next run on.
 *
 * How one is found (trap/spin.c): the watchdog sees that a guest has passed no scheduling point for half a second of processor time, its next
 * instructions are traced, and of the backward jumps among them those of the outermost loop are noted. The run ends with RUN_SPIN; who
 * drives it applies what was noted and begins again, as if the loop had been known from the start. So nothing depends on when the
 * watchdog fired. Constant during a run and not part of it; a replay file carries the list.
 * Atomic instructions by which loops wait (sim/await.h) are on the list too, with SPIN_AWAIT set in the rva, and with SPIN_PLAIN plain accesses of images
 * that tell nothing, which were seen to race (race/sweep.h). */
#ifndef IRPLAB_SIM_SPINS_H
#define IRPLAB_SIM_SPINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SPIN_AWAIT = 0x80000000u, /* no jump: an atomic instruction by which a loop waits */
    SPIN_NO_AWAIT = 0x40000000u, /* it does not, whatever it looked like */
    SPIN_YIELDS = 0x20000000u, /* with SPIN_AWAIT: its loop has a pause */
    SPIN_ROUND = 0x04000000u, /* an atomic instruction, or where a call returns to, of a loop whose rounds change back what they change (sim/round.h) */
    SPIN_MORE = 0x10000000u, /* an atomic instruction whose step touches more than its operand, or (image "*") the number of an export that takes a lock, from 1,
                              * whose step touches more than the lock: session/explorable.c; 0: order of ends, see spins_note_ends */
    SPIN_PLAIN = 0x08000000u, /* no jump: a plain access that is a point; without an image: no more of them are looked for */
};

struct spin {
    char image[64]; /* file name */
    uint32_t rva; /* of the jump back */
};

/* Notes a jump for spins_apply. False: it is known already, or there are too many. */
bool spins_note(const char *image, uint32_t rva);
/* The same for an atomic instruction of a loop that waits; false: it was taken for one in vain, or there are too many. */
bool spins_note_await(const char *image, uint32_t rva, bool yields);
/* It was taken for one in vain. */
void spins_forbid_await(const char *image, uint32_t rva);
/* The step of an atomic instruction touched more than its operand; does it, as far as is known? Of one that there is no room for it does. */
bool spins_note_more(const char *image, uint32_t rva);
bool spins_any_more(void);
bool spins_is_more(const char *image, uint32_t rva);
/* In the last of its threads to end by itself a process has ended: which one that is matters, so ends of threads have an order. Otherwise (somebody called
 * ExitProcess) they have none among each other. */
void spins_note_ends(void);
bool spins_ends_matter(void);
/* A plain access is to be a point; where there is no room for it, no more are looked for. */
bool spins_note_plain(const char *image, uint32_t rva);
/* No more plain accesses are to be looked for. */
bool spins_note_no_more_plain(void);
bool spins_no_more_plain(void);
/* A place in a loop whose rounds change back what they change. */
bool spins_note_round(const char *image, uint32_t rva);
bool spins_any_round(void);
bool spins_is_round(const char *image, uint32_t rva);
/* Of those that hold. */
bool spins_any_plain(void);
bool spins_is_plain(const char *image, uint32_t rva);
bool spins_any_await(void);
bool spins_is_await(const char *image, uint32_t rva, bool *yields);
/* What was noted holds from the next image load on. False: nothing was noted. */
bool spins_apply(void);
/* Something was noted. */
bool spins_waiting(void);
/* Forgets what was noted and not applied. */
void spins_forget_noted(void);

/* As a replay file says. False: too many. */
bool spins_add(const char *image, uint32_t rva);

/* Those that hold, in ascending order of image and rva. */
size_t spins_count(void);
const struct spin *spins_get(size_t i);
/* Grows with each spins_apply that changed something. */
unsigned spins_generation(void);

#endif
