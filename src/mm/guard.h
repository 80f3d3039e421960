/* Guard mode: each pool block on pages of its own, the last of its bytes at most 15 before an inaccessible page, and what is freed
 * becomes inaccessible for the rest of the run: no address is given out twice. So the instruction that uses freed memory, or goes beyond
 * an end, faults; who had the block, and who freed it, is kept beside. Offsets, sizes and alignment are those of ordinary pool: so one of
 * a page or more begins at a page. What shares the pages with a block is watched access by access, or compared at every call. */
#ifndef IRPLAB_MM_GUARD_H
#define IRPLAB_MM_GUARD_H

#include "mm/mm.h"
#include "sim/machine.h"

#define GUARD_BASE (KERNEL_BASE + 0x10000000ull)
#define GUARD_END (KERNEL_BASE + 0x40000000ull)

enum { GUARD_STACK = 12 }; /* return addresses kept of who allocated and who freed */

struct guard_block {
    uint64_t base;
    uint32_t bytes, tag;
    uint32_t caller, freer; /* return addresses of the exports, as offsets in the kernel half; 0 = unknown */
    uint16_t pool_type; /* as a header keeps it */
    bool live;
    uint64_t allocated_by, freed_by; /* agents' stable ids */
    uint64_t allocated_100ns, freed_100ns;
    uint32_t allocated[GUARD_STACK], freed[GUARD_STACK]; /* offsets in the kernel half; 0: the end */
};

/* Allocations are guarded from now on, or no longer. Blocks stay what they are. */
void mm_guard_set(bool on);
bool mm_guard_is_on(void);

static inline bool mm_guard_covers(uint64_t address)
{
    return address - GUARD_BASE < GUARD_END - GUARD_BASE;
}

/* What was done to memory that nobody may touch. */
enum guard_wrong { GUARD_FREED /* inside a block that was freed */, GUARD_BEYOND /* behind a live one */, GUARD_BEFORE };

/* Exact: pages of drivers' pool blocks that hold bytes of nobody are shut, so that each access to them comes to trap/guard_step.c, until so many
 * of them have come in a run that the rest is looked at as that of other blocks is. */
bool mm_guard_is_shut(uint64_t address);
/* Opens the page of an address, if it is shut, until mm_guard_shut_again, which comes before guest code runs again. Counts. */
void mm_guard_let(uint64_t address, bool by_host);
void mm_guard_shut_again(void);

/* The block that an address belongs to, or lies beside; NULL: memory that was never given out. */
const struct guard_block *mm_guard_at(uint64_t address, enum guard_wrong *how);
/* The block that begins at an address, live or freed; NULL. */
const struct guard_block *mm_guard_block(uint64_t base);

/* NULL if there is no room left: ordinary pool serves then. caller as pool_caller says it; cache_aligned: 64 bytes. */
void *mm_guard_alloc(uint32_t pool_type, size_t bytes, uint32_t tag, uint32_t caller);
/* The block is live. */
void mm_guard_free(uint64_t base);
/* The first byte beside a live block on its pages that is not what it was filled with; 0. */
uint64_t mm_guard_damage(const struct guard_block *b);
/* The same for what lies between the ends and the guard pages of drivers' live blocks and of IRPs; *block gets whose. */
uint64_t mm_guard_slack_damage(bool all, const struct guard_block **block); /* all: not only the newest and some others, in turn */
/* There are so few of them that each call looks at all. */
bool mm_guard_looks_at_all(void);
/* Live blocks by address. */
void mm_guard_walk(void (*fn)(void *ctx, const struct guard_block *b), void *ctx);
/* Those of them that are IRPs (the newest, if there are many), in no particular order. */
void mm_guard_walk_irps(void (*fn)(void *ctx, const struct guard_block *b), void *ctx);
/* Over what guests see of it. */
uint64_t mm_guard_hash(uint64_t h);
void mm_guard_restored(void);
/* For host_outside_hook. */
bool mm_guard_look(uint64_t address);
/* What a snapshot must hold of it. */
void mm_guard_save(void (*add)(void *ctx, uint64_t base, uint64_t bytes), void *ctx);
/* Fills at most max return addresses of the running agent's kernel stack, innermost first, and returns how many. Set by the session. */
extern size_t (*mm_guard_stack_hook)(uint64_t *frames, size_t max);

#endif
