/* Models with known numbers of happens-before classes, and random programs. */
#ifndef TESTS_EXPLORE_MODELS_H
#define TESTS_EXPLORE_MODELS_H

#include "vm.h"

typedef void model(struct vm_program *p, unsigned n, unsigned k);

model model_readers, model_writers, model_ainc, model_lockinc, model_counters, model_rw, model_mutex, model_lastzero, model_indexer,
    model_filesystem, model_independent;

/* From text: threads apart by commas; an operation is a letter and the number of a variable or lock:
 *   r w f: read, write, fetch-and-add; c: read, skip the next operation if not zero; l u: lock, unlock
 *   x: compare-exchange 0 -> 1; y: compare-exchange 1 -> 2; t: try the lock, skip to after its release if taken; p: count (commuting)
 *   s S: shared acquire and release; o O: exclusive acquire and release of the same lock
 *   e d: set and clear event; v: wait for and consume it; n: wait for it; m: wait or time out, skip the next if timed out
 *   a b: semaphore up, down; A: wait for events i and i + 1; B: wait for event i or i + 1, skip the next if it was the second
 *   g: yield; z j: start thread, wait for its end
 *   loops that wait: L Z: until a variable is, or is not, something other than zero; T: test and set, until it was not 1; D: write 0;
 *   E F: until variable i or i + 1 is not zero, until both; K: a section under a ticket lock, variables i and i + 1
 *   h: choose 0 or 1, skip the next if 1; !: fail with this key; q: exit the run */
void model_text(struct vm_program *p, const char *text);

/* A random program in that form. kinds: the letters to choose from, well-formed as to locks. Returns text. */
struct random_shape {
    const char *kinds;
    unsigned least_threads, most_threads, most_operations, variables;
    bool locks, shared; /* wrap some operations into critical sections */
    bool nested;        /* one lock inside another, in any order */
    bool spawn;         /* some threads are started, and waited for, by others */
};
void model_random_text(uint64_t *seed, const struct random_shape *shape, char *text, unsigned size);

#endif
