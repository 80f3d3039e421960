/* What an event touches, as a small number: equal lists of accesses have equal numbers, so that events, sleep sets and
 * wake-up trees hold four bytes and conflicts are found without going back to the machine. Grows during an exploration. */
#ifndef IRPLAB_EXPLORE_FOOTPRINT_H
#define IRPLAB_EXPLORE_FOOTPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "explore/explore.h"

enum {
    FOOTPRINT_ALL = 0,  /* of an event that ended the run under others: conflicts with everything */
    FOOTPRINT_NONE = 1, /* touches nothing */
    FOOTPRINT_UNKNOWN = 0xFFFFFFFF,
};

struct touch {
    uint64_t id;
    uint32_t object; /* dense number of id */
    uint8_t kind, lock;
};

struct footprint {
    uint64_t hash;
    uint32_t first, count; /* in touches, sorted by id, each object once */
};

struct footprints {
    struct footprint *all;
    size_t count, room;
    struct touch *touches;
    size_t touch_count, touch_room;
    uint32_t *table; /* by hash; 0 = free (FOOTPRINT_ALL is never looked up) */
    size_t table_size;
    uint64_t *object_ids; /* open addressing by id */
    uint32_t *object_numbers;
    size_t object_size;
    uint32_t objects;
    struct recent *recent; /* by hash, newest only */
};

void footprints_init(struct footprints *f);
void footprints_free(struct footprints *f);
uint32_t footprint_intern(struct footprints *f, const struct explore_access *accesses, unsigned count);
bool footprint_conflict_slow(const struct footprints *f, uint32_t a, uint32_t b);

static inline const struct touch *footprint_touches(const struct footprints *f, uint32_t number)
{
    return f->touches + f->all[number].first;
}

static inline bool touch_kinds_conflict(unsigned a, unsigned b)
{
    return a != b || a == EXPLORE_WRITE;
}

/* The one-object case decides speed: most operations touch one thing. */
static inline bool footprint_conflict(const struct footprints *f, uint32_t a, uint32_t b)
{
    const struct footprint *x = &f->all[a], *y = &f->all[b];
    if (x->count != 1 || y->count != 1)
        return footprint_conflict_slow(f, a, b);
    const struct touch *s = f->touches + x->first, *t = f->touches + y->first;
    return s->object == t->object && touch_kinds_conflict(s->kind, t->kind);
}

static inline uint64_t explore_mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    return x ^ x >> 32;
}

/* Makes room for `need` elements of `size` bytes, at least doubling. */
void *explore_grow(void *array, size_t *room, size_t need, size_t size);

#endif
