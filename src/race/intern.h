/* Lists of numbers (call stacks, sets of locks), each kept once a process and known by a small number from then on. What a number stands for
 * never changes and no view shows the number, so it is no part of a run. 0 is the empty list. */
#ifndef IRPLAB_RACE_INTERN_H
#define IRPLAB_RACE_INTERN_H

#include <stddef.h>
#include <stdint.h>

enum { STACK_FRAMES = 32 };

uint32_t race_intern(const uint64_t *list, size_t count);
/* The list of a number; valid for the life of the process. */
size_t race_interned(uint32_t number, const uint64_t **list);

/* The running agent's call stack as return addresses, innermost first, without the call into us that it is in. */
uint32_t race_stack_here(void);
/* The same, made only once for each key: whatever makes two stacks differ must be in it. */
uint32_t race_stack_cached(uint64_t key);

#endif
