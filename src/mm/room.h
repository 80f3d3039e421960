/* Private to mm: the room's state. */
#ifndef IRPLAB_MM_ROOM_H
#define IRPLAB_MM_ROOM_H

#include "mm/mm.h"
#include "mm/pool.h"

/* A place where pages are seen that also lie elsewhere: a system address or a view. */
struct mm_alias {
    uint64_t va, pages;
    struct mm_alias *next; /* by va */
    uint64_t originals[]; /* page addresses */
};

/* Device memory: what a physical address outside of RAM means. */
struct mm_device_memory {
    uint64_t physical, bytes, va;
    struct mm_device_memory *next;
};

struct mm_room {
    struct pool_room pool; /* first: pool_room() */
    uint64_t user_generation, alias_generation; /* changed by every change of what is accessible */
    struct mm_alias *aliases;
    struct mm_device_memory *device_memory;
    struct mm_view *views; /* of sections */
    struct guard_room *guard; /* guard.c; NULL: never asked for */
    uint64_t device_next;
};

static inline struct mm_room *mm_room(void)
{
    return (struct mm_room *)pool_room();
}

void mm_user_restored(void);
void mm_alias_restored(void);

/* System addresses for n pages (page addresses in the arena); 0 if none is left. */
uint64_t mm_alias_map(const uint64_t *pages, uint64_t n);
/* The same in the process with that slice. */
uint64_t mm_view_map(uint64_t slice, const uint64_t *pages, uint64_t n);
/* false if nothing is mapped there. */
bool mm_alias_unmap(uint64_t va);
/* The page that an alias shows; the page itself for other addresses. */
uint64_t mm_alias_original(uint64_t page);

#endif
