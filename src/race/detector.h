/* A data-race detector by vector clocks: which accesses to plain memory are ordered by what synchronises the agents that make them.
 *
 * It knows agents by small numbers, objects by keys, memory by addresses, and nothing of NT. An agent's time grows whenever it hands its
 * knowledge on. Of each word of eight bytes the accesses are kept that a later one could still race with: per byte, the last write and the
 * reads since, of each agent that has no later one of its own there.
 *
 * All state is in memory from `alloc` and moves with nothing: pointers to it stay good, so that a copy of that memory is a snapshot. */
#ifndef IRPLAB_RACE_DETECTOR_H
#define IRPLAB_RACE_DETECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RACE_MAX_AGENTS = 256 };
#define RACE_SWEPT UINT32_MAX

/* What is kept of an access; all but address, size, agent and the kind are handed back as given. */
struct race_access {
    uint64_t address;
    uint64_t pc;
    uint32_t stack; /* number of a call stack, 0: unknown, RACE_SWEPT: of an access that is no finding (sweep.h) */
    uint32_t locks; /* number of a set of locks */
    uint16_t agent;
    uint8_t size; /* 1 to 16 bytes */
    uint8_t irql;
    bool write;
    bool atomic; /* two atomic accesses never race */
    bool freed; /* not an access: the memory was given back */
};

struct race_detector;

/* alloc: zeroed memory, 16-aligned, never NULL. */
struct race_detector *race_detector_new(void *(*alloc)(size_t bytes), void (*free)(void *p, size_t bytes));

/* The agent comes after all that was handed to the key; reads: hand-overs of race_read, too. */
void race_acquire(struct race_detector *d, unsigned agent, uint64_t key, bool reads);
/* Whoever acquires the key later comes after what the agent has done so far. */
void race_release(struct race_detector *d, unsigned agent, uint64_t key);
/* The same for those only who acquire with `reads`: readers of an object come before its next writer, not before each other. */
void race_release_read(struct race_detector *d, unsigned agent, uint64_t key);
/* `to` comes after all that `from` has done so far: creation, the wait for an end. */
void race_edge(struct race_detector *d, unsigned from, unsigned to);
/* The agent knows nothing of others any more: its next accesses come after nothing but its own. */
void race_agent_forget(struct race_detector *d, unsigned agent);

/* Notes an access. True: it races with an earlier one (*other), the same one whenever the run is the same. */
bool race_note(struct race_detector *d, const struct race_access *a, struct race_access *other);
/* The memory is given back by `a` (address, size are ignored): true if that races with an access (*other). Its history ends. */
bool race_free_range(struct race_detector *d, uint64_t address, uint64_t bytes, const struct race_access *a, struct race_access *other);
/* The history of the memory ends. */
void race_forget(struct race_detector *d, uint64_t address, uint64_t bytes);

/* For tests and reports: words with a history, accesses kept. */
size_t race_words(const struct race_detector *d);
size_t race_cells(const struct race_detector *d);

#endif
