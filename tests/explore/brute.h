/* The judge: all happens-before classes of a toy program, found by walking every prefix of every class. Shares nothing with
 * the explorer but the machine: its own clocks, its own hashes, no reduction beyond not entering a prefix twice. */
#ifndef TESTS_EXPLORE_BRUTE_H
#define TESTS_EXPLORE_BRUTE_H

#include "vm.h"

enum { BRUTE_BOUNDS = 8, BRUTE_KEYS = 10 };

struct brute_result {
    uint64_t classes;   /* complete classes */
    uint64_t prefixes;  /* of classes */
    uint64_t failing;   /* classes that fail or deadlock */
    uint64_t within[BRUTE_BOUNDS]; /* classes with a representative of at most so many preemptions */
    int least[BRUTE_KEYS];         /* fewest preemptions of a run that fails with this key; 127: none does */
    bool too_large;
};

/* most: give up beyond so many prefixes. bounds: fill in within[] (slower). */
void brute_force(const struct vm_program *program, uint64_t most, bool bounds, struct brute_result *out);

#endif
