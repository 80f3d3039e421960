/* Private to race: what a run of instrumented images keeps beside the guest. */
#ifndef IRPLAB_RACE_ROOM_H
#define IRPLAB_RACE_ROOM_H

#include "race/detector.h"
#include "race/race.h"
#include "sim/access.h"
#include "sim/door.h"
#include "sim/machine.h"

enum { MAX_LOCKS = 16, PENDING_LOADS = 8 };

/* An instrumented function that has not returned: where its frame ends, and its call stack. */
struct race_frame {
    uint64_t sp;
    uint32_t stack;
};

struct race_frames {
    struct race_frame *at;
    uint32_t count, room;
};

struct race_agent {
    struct race_frames user, kernel; /* by the stack that they lie on */
    uint64_t locks[MAX_LOCKS];
    uint32_t lock_count, lock_set; /* the set's number */
    uint32_t ignored; /* its accesses are not looked at: __tsan_ignore_thread_begin */
    bool fenced; /* it has used a release fence: its relaxed stores hand on */
    uint64_t loads[PENDING_LOADS]; /* keys of its last relaxed loads: an acquire fence takes what they found */
    uint32_t load_count;
};

/* A block of pool or heap, live or freed last at its address. */
struct race_block {
    uint64_t base; /* 0: free place in the table */
    uint64_t bytes;
    uint32_t tag; /* 0: of a heap */
    uint32_t made, freed; /* call stacks; freed: 0 while it lives */
    uint16_t made_by, freed_by; /* agents */
    bool live;
};

/* One side of a finding. */
struct race_party {
    struct race_access access;
    uint64_t thread; /* ETHREAD, 0: none */
    uint8_t agent_kind;
    bool device; /* an interrupt's */
    char name[40]; /* of the thread, if it has one */
};

struct race_finding {
    enum race_rule rule;
    struct race_party parties[2]; /* the one that came to it first */
    bool second; /* there are two */
    uint64_t place; /* for outcome keys */
    struct race_block block; /* the one that the memory lies in or beside; base 0: none */
    char what[200]; /* the memory, in words */
};

struct race_room {
    struct race_detector *detector; /* NULL: no image is built for it */
    uint64_t clock_time; /* of the clock's last step */
    struct race_agent *agents[MAX_AGENTS];
    struct race_block *blocks;
    size_t block_count, block_size;
    struct shadow *shadow; /* address checks; NULL: no image is built for them */
    struct race_finding finding;
    struct race_swept *swept; /* plain accesses that race, found by looking at all of them (sweep.h); NULL: none yet */
    uint32_t sweep_accesses;
};

static inline struct race_room *race_room(void)
{
    return MACHINE->rooms[ROOM_RACE];
}

/* Makes the room, and listens from now on. */
struct race_room *race_room_make(void);
struct race_room *race_room_with_detector(void);

struct race_agent *race_agent_of(struct race_room *r, const struct agent *a);
/* The call into us that the running agent is in. */
static inline const struct door_frame *race_call(void)
{
    return (const struct door_frame *)MACHINE->fiber->fiber.guest_sp;
}
static inline uint64_t race_call_sp(const struct door_frame *f)
{
    return (uint64_t)f->args;
}
/* Its call stack, from what it told of function entries; else by walking. */
uint32_t race_stack_of_call(struct race_room *r, struct race_agent *ra, const struct door_frame *f);

/* The step touches these words: told to the reduction. */
static inline void race_tell(uint64_t at, unsigned size, unsigned kind)
{
    for (uint64_t key = at & ~3ull; key < at + size; key += 4)
        sim_access_order(key, kind);
}

/* blocks.c */
void race_block_new(struct race_room *r, uint64_t base, uint64_t bytes, uint32_t tag);
void race_block_freed(struct race_room *r, uint64_t base);
/* The block that contains or lies within `near` bytes of address; NULL. Of several the live one. */
const struct race_block *race_block_at(const struct race_room *r, uint64_t address, uint64_t near);

/* asan.c: memory was given out or back. */
void race_shadow_memory(struct race_room *r, uint64_t base, uint64_t bytes, unsigned what);
void race_unwound(uint64_t sp);
bool race_keeps_freed(uint64_t owner_bytes);

/* finding.c */
/* Two accesses of images that are swept race: their places are kept. */
void race_swept_found(struct race_room *r, const struct race_access *earlier, const struct race_access *later);
/* Two accesses race: ends the run, unless the pair has been found before (points.h). */
void race_found(struct race_room *r, const struct race_access *earlier, const struct race_access *later);
void race_party_fill(struct race_party *p, const struct race_access *a);
/* Ends the run with what is in the room's finding. */
_Noreturn void race_stop(struct race_room *r);
/* The same number for the same place in an image, wherever that is loaded. */
uint64_t race_place_number(uint64_t pc);
/* The memory in words. */
void race_memory_text(const struct race_room *r, uint64_t address, struct race_block *block, char *out, size_t size);

#endif
