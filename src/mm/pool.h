/* Private to mm: how pool is laid out. See pool.c. */
#ifndef IRPLAB_MM_POOL_H
#define IRPLAB_MM_POOL_H

#include <string.h>

#include "mm/mm.h"
#include "sim/machine.h"

enum {
    POOL_UNIT = 16,
    POOL_OWNERS = 256,
    POOL_WINDOW = 0x200000, /* reserved for each owner */
    POOL_FIRST_LIMIT = 0x4000, /* an owner begins with this much and doubles */
    POOL_EXACT_CLASSES = 64, /* multiples of 16 up to 1024 bytes have a free list each */
    POOL_CLASSES = POOL_EXACT_CLASSES + 1 + 80, /* then four a doubling */
    POOL_GAPS = 12,
    POOL_FRESH = 0xCA, /* what fresh memory holds: not a canonical address, not zero */
    POOL_FREED = 0xDD,
};

#define POOL_BASE (KERNEL_BASE + 0x40000000ull)
#define POOL_END (KERNEL_BASE + 0x80000000ull)
#define POOL_EXTENT_BASE (POOL_BASE + (uint64_t)POOL_OWNERS * POOL_WINDOW)

enum pool_state { POOL_UNUSED, POOL_LIVE = 1, POOL_FREE = 2, POOL_FREE_FOREIGN = 3 };

enum { POOL_RETIRED = POOL_OWNERS }; /* the owner of blocks that are not given out again */

/* In front of each block. All zero: nothing was ever allocated here. */
struct pool_header {
    uint32_t bytes; /* as asked for */
    uint32_t tag;
    uint32_t caller; /* offset in the kernel half; 0 = unknown */
    uint16_t owner;
    uint8_t kind; /* state, and pool type above it */
    uint8_t check;
};
_Static_assert(sizeof(struct pool_header) == 16, "blocks are 16-aligned");

/* A piece of address space that blocks are cut from; one snapshot segment. */
struct pool_window {
    uint64_t base, next, limit, end; /* next: first byte never given out; limit: soft end of the first window */
    uint32_t segment; /* index in MACHINE->segments, if still right */
    struct {
        uint64_t at, end;
    } gaps[POOL_GAPS]; /* left by alignment */
    uint32_t gap_count;
    struct pool_window *next_extent;
};

struct pool_owner {
    uint64_t stable_id;
    struct agent *agent; /* NULL: set-up */
    uint16_t slot;
    uint64_t live; /* blocks */
    uint32_t foreign; /* blocks that others have freed */
    uint32_t heads[POOL_CLASSES]; /* free blocks: (address - POOL_BASE) / 16; 0 = none */
    struct pool_window window;
    struct pool_window *extents; /* further windows, newest first */
};

struct pool_room {
    struct pool_owner *owners[POOL_OWNERS];
    uint64_t extent_next;
    uint64_t live_blocks, live_bytes;
    uint32_t freed[POOL_CLASSES]; /* as heads[], of all owners, if freed blocks are reused at once */
};

/* From the next machine on the block of its size that was freed last, whoever freed it, is given out first: addresses come back, as on NT, and what
 * compares them may take one for another. Which block somebody gets then depends on the order of all who allocate and free blocks of that size. */
void pool_reuse_at_once(bool on);

struct pool_room *pool_room_make(void);
static inline struct pool_room *pool_room(void)
{
    struct pool_room *r = MACHINE->rooms[ROOM_MM];
    return __builtin_expect(r != NULL, 1) ? r : pool_room_make();
}
/* Pool type as the exports take it, reduced to what a header keeps. */
enum { POOL_KEEP_PAGED = 1, POOL_KEEP_CACHE_ALIGNED = 4, POOL_KEEP_NX = 8, POOL_KEEP_SESSION = 16 };
/* Of our own callers: all bytes are written at once, so that there is nothing to fill but what lies behind them. */
#define POOL_OVERWRITTEN 0x10000u

/* Whose windows the running agent's blocks come from. */
struct pool_owner *pool_owner_current(void);
/* NULL if the address space of pool is used up. */
void *pool_alloc(uint32_t pool_type, size_t bytes, uint32_t tag, uint32_t caller);
/* h is intact and its block live. */
void pool_free(struct pool_header *h);
void pool_free_unseen(struct pool_header *h);
/* The same for a guarded block (guard.h). */
struct guard_block;
void pool_free_guarded(const struct guard_block *b);
/* Return address of the export that the running agent is in, as a header keeps it. */
uint32_t pool_caller(void);
/* The window that an address in pool belongs to; NULL if none. */
struct pool_window *pool_window_at(uint64_t address);
/* Whether the newest block of a window was overrun: a bug check. */
void pool_check_end(const struct pool_window *w);
/* Bytes that a block of a long class has. */
size_t pool_long_capacity(size_t bytes);
static inline size_t pool_capacity_of(size_t bytes)
{
    if (__builtin_expect(bytes > POOL_EXACT_CLASSES * POOL_UNIT, 0))
        return pool_long_capacity(bytes);
    return bytes ? (bytes + POOL_UNIT - 1) & ~(size_t)(POOL_UNIT - 1) : POOL_UNIT;
}
static inline size_t pool_capacity(const struct pool_header *h)
{
    return pool_capacity_of(h->bytes);
}

/* An overrun that spells a valid header is not to be expected: eight bits of a hash over the rest. second: without the check. */
static inline uint64_t pool_check(uint64_t first, uint64_t second)
{
    second <<= 8;
    return ((first ^ (second << 21 | second >> 43)) * 0x9E3779B97F4A7C15ull) >> 56;
}

/* A header is read and written as two words: narrower stores would stall the next load. */
static inline void pool_header_put(struct pool_header *h, uint64_t first, uint64_t second)
{
    uint64_t q[2] = { first, second | pool_check(first, second) << 56 };
    memcpy(h, q, sizeof q);
}

static inline void pool_header_make(struct pool_header *h, uint32_t bytes, uint32_t tag, uint32_t caller, uint16_t owner, uint8_t kind)
{
    pool_header_put(h, bytes | (uint64_t)tag << 32, caller | (uint64_t)owner << 32 | (uint64_t)kind << 48);
}

static inline void pool_state_set(struct pool_header *h, enum pool_state state)
{
    uint64_t q[2];
    memcpy(q, h, sizeof q);
    pool_header_put(h, q[0], (q[1] & 0x00FCFFFFFFFFFFFFull) | (uint64_t)state << 48);
}

static inline bool pool_intact(const struct pool_header *h)
{
    uint64_t q[2];
    memcpy(q, h, sizeof q);
    return q[1] >> 56 == pool_check(q[0], q[1] & 0x00FFFFFFFFFFFFFFull) && (q[1] >> 48 & 3) != POOL_UNUSED && (uint16_t)(q[1] >> 32) <= POOL_RETIRED;
}

static inline enum pool_state pool_state(const struct pool_header *h)
{
    return (enum pool_state)(h->kind & 3);
}
static inline uint32_t pool_type_of_kept(uint32_t k)
{
    return (k & (POOL_KEEP_PAGED | POOL_KEEP_CACHE_ALIGNED)) | (k & POOL_KEEP_NX ? 512 : 0) | (k & POOL_KEEP_SESSION ? 32 : 0);
}
static inline uint32_t pool_type_of(const struct pool_header *h)
{
    return pool_type_of_kept(h->kind >> 2);
}

#endif
