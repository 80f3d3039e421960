/* race: what instrumented images tell of their memory accesses (irplab cc --race, --address, --coverage).
 *
 * --race: every access is told before it is made. Atomic and volatile ones are scheduling points with their kind; plain ones feed a
 *   race detector (detector.h), which learns of synchronisation from what kernel functions say that they touch (sync.c). docs/races.md
 *   says what counts.
 * --address: every access is told before it is made and compared with a shadow of what may be accessed (asan.c).
 * --coverage: every edge is told (coverage.c).
 *
 * A run without such images pays nothing. All state of a run is in the arena; call stacks and sets of locks are kept by number (intern.h). */
#ifndef IRPLAB_RACE_RACE_H
#define IRPLAB_RACE_RACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum race_rule {
    RACE_NOTHING,
    RACE_DATA_RACE,
    RACE_USE_AFTER_FREE,
    RACE_OUT_OF_BOUNDS, /* of a block of pool or heap */
    RACE_STACK_OUT_OF_BOUNDS,
    RACE_GLOBAL_OUT_OF_BOUNDS,
    RACE_USE_AFTER_SCOPE,
    RACE_USE_AFTER_RETURN,
    RACE_USE_OF_COMPLETED_IRP,
    RACE_RULES,
};

/* What ended the run (RUN_FINDING): its name, one line, and a number that is the same for findings of one cause. False: nothing did. */
bool race_finding_get(char *name, size_t name_size, char *message, size_t message_size, uint64_t *place);
/* If it was a data race: its instructions are noted, to become scheduling points (points.h). */
void race_finding_note_pair(void);
/* Both accesses with their stacks, and the memory. */
void race_finding_print(FILE *out);

/* Before images are loaded, the same for the whole process: so many of a hundred memory accesses of images that tell nothing are looked at, too; which
 * ones is drawn by seed. */
void race_watch(unsigned percent, uint64_t seed);
/* Once a process: listens to images that are mapped. */
void race_process_init(void);

#endif
