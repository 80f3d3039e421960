/* What the current step touches, for the partial-order reduction. Kernel functions name the objects that their effect depends on or
 * that they change. Costs one test when nobody listens. */
#ifndef IRPLAB_SIM_ACCESS_H
#define IRPLAB_SIM_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/machine.h"

/* enum explore_kind and explore_lock, which sim may not include. */
enum { SIM_READ, SIM_WRITE, SIM_COMMUTE };
enum { SIM_NOT_A_LOCK, SIM_LOCK_ACQUIRE, SIM_LOCK_RELEASE };

/* Keys of things without an address. */
#define SIM_ACCESS_EVERYTHING 1ull
#define SIM_ACCESS_CLOCK 2ull
#define SIM_ACCESS_REGISTRY 3ull
#define SIM_ACCESS_NAMESPACE 4ull
#define SIM_ACCESS_THREAD_IDS 5ull
#define SIM_ACCESS_MEMORY 6ull /* any, for loops that wait for it to change */
#define SIM_ACCESS_PROCESSOR(n) (0x100ull + (n)) /* who is pinned to this one */

/* Keys of what belongs to an object without being its own bytes. */
enum sim_access_of {
    SIM_HANDLES = 1, /* which handle of a process is the next: EPROCESS */
    SIM_HANDLE, /* one handle: EPROCESS + index */
    SIM_LIFE, /* whether somebody may be the last to let go of an object */
    SIM_POOL, /* what others have freed for the owner of a window: number of the window */
    SIM_POOL_WINDOW, /* whose a window is: its number */
    SIM_USER_MEMORY, /* which user addresses are taken: EPROCESS */
    SIM_IRPS, /* a thread's list of IRPs: ETHREAD */
    SIM_STACK, /* who is attached to whom: DEVICE_OBJECT */
    SIM_POWER, /* a device stack's queue of power requests: DEVICE_OBJECT */
    SIM_IMAGE, /* whether a driver's code is there: where it begins */
    SIM_THREADS, /* whether a process has more than one thread left: EPROCESS */
    SIM_PARKED, /* who waits for an address, in the user half */
    SIM_WAITER, /* what a thread is woken by where it waits for an address: ETHREAD */
    SIM_RESUME, /* what a suspended thread waits for: ETHREAD */
    SIM_MESSAGES, /* a thread's message queue: ETHREAD */
    SIM_THREAD_POOL, /* a process's: EPROCESS */
    SIM_THREAD_POOL_ITEM, /* handle */
    SIM_ROOM, /* a component's own record, made when first asked for: its number (enum room) */
    SIM_WMI_SOURCE, /* who provides blocks: DEVICE_OBJECT */
    SIM_JOB, /* what a thread has given to another one and waits for: ETHREAD */
    SIM_LIFE_OF_BLOCK, /* whether a block of pool is still its user's: its first address (sim/after.h) */
};
#define SIM_ACCESS_OF(what, address) ((uint64_t)(what) << 56 | (uint64_t)(address))

/* The same object has the same key in every run: private memory by its name (sim_name). */
uint64_t sim_key_of_private(uint64_t object);
static inline uint64_t sim_key_of(uint64_t object)
{
    return __builtin_expect(object - PRIVATE_BASE < DOOR_PAGE - PRIVATE_BASE, 0) ? sim_key_of_private(object) : object;
}

/* Who wants to know what each step touches; NULL: nobody. Returns who did before. */
typedef void sim_access_listener(uint64_t object, unsigned kind, unsigned lock);
sim_access_listener *sim_access_listen(sim_access_listener *listener);
struct agent;
extern void (*sim_create_hook)(struct agent *a);

/* Who wants to know what orders the plain memory accesses of instrumented images (race); NULL: nobody. Set once a process, may not change
 * what happens. */
enum {
    SIM_MEMORY_NEW,
    SIM_MEMORY_FREED,
    SIM_MEMORY_COMPLETED, /* an IRP is the I/O manager's alone from now on */
    SIM_MEMORY_ANEW, /* no more */
    SIM_MEMORY_PAGES, /* addresses of a process that are taken back from it */
};
struct sim_sync {
    void (*access)(uint64_t object, unsigned kind, unsigned lock);
    void (*create)(const struct agent *child);
    void (*join)(const struct agent *ended);
    /* A block of pool (tag) or heap (0) is given out, or back: before its bytes change. */
    void (*memory)(uint64_t base, uint64_t bytes, uint32_t tag, unsigned what);
    /* The running agent's guest goes on with this stack pointer: what lay below it is gone. */
    void (*unwound)(uint64_t sp);
    /* Freed blocks of an owner that has used so many bytes so far are not given out again. */
    bool (*keeps_freed)(uint64_t owner_bytes);
};
extern const struct sim_sync *sim_sync;
void sim_sync_set(const struct sim_sync *listener);

/* Bits: who listens. Private to what follows. */
enum { SIM_LISTENS_ACCESS = 1, SIM_LISTENS_SYNC = 2 };
extern unsigned sim_listeners;
void sim_access_tell(uint64_t object, unsigned kind, unsigned lock, unsigned listeners);

static inline bool sim_access_wanted(void)
{
    return sim_listeners != 0;
}

/* The running agent writes something; true: nobody has to know what. */
static inline bool sim_write_unheard(void)
{
    const struct machine *m = MACHINE;
    struct agent *a = m->fiber;
    if (a)
        a->wrote = true;
    return __builtin_expect(!(sim_listeners | m->awaiting), 1);
}

/* For loops that poll (sim_point), and for who listens: one test when there are neither. What an agent reads in its first round it reads again in the
 * next. */
static inline void sim_access_as(uint64_t object, unsigned kind, unsigned lock, unsigned listeners)
{
    const struct agent *a = MACHINE->fiber;
    if (__builtin_expect(kind == SIM_READ ? sim_listeners || (a && a->polls) : !sim_write_unheard(), 0))
        sim_access_tell(object, kind, lock, listeners);
}

/* An order of this machine that no code may rely on: the reduction has to know, who looks for races not. */
static inline void sim_access_order(uint64_t object, unsigned kind)
{
    sim_access_as(object, kind, SIM_NOT_A_LOCK, SIM_LISTENS_ACCESS);
}

static inline void sim_access(uint64_t object, unsigned kind)
{
    sim_access_as(object, kind, SIM_NOT_A_LOCK, SIM_LISTENS_ACCESS | SIM_LISTENS_SYNC);
}

static inline void sim_access_lock(uint64_t object, unsigned which)
{
    sim_access_as(object, SIM_WRITE, which, SIM_LISTENS_ACCESS | SIM_LISTENS_SYNC);
}

/* The first address of the block of pool that an address lies in, and whether it has been freed; 0: in none. Set by mm. */
extern uint64_t (*sim_block_hook)(uint64_t address, bool *freed);

static inline bool sim_keeps_freed(uint64_t owner_bytes)
{
    return __builtin_expect(sim_listeners & SIM_LISTENS_SYNC, 0) && sim_sync->keeps_freed(owner_bytes);
}

static inline void sim_memory(uint64_t base, uint64_t bytes, uint32_t tag, unsigned what)
{
    if (__builtin_expect(sim_listeners & SIM_LISTENS_SYNC, 0))
        sim_sync->memory(base, bytes, tag, what);
}

/* The step can only come after all that this agent has done: it waited for its end without limit. No access then has to say so, and no
 * search looks for an order in which it came first. */
extern void (*sim_join_hook)(const struct agent *a);
static inline void sim_join(const struct agent *a)
{
    if (sim_join_hook)
        sim_join_hook(a);
    if (__builtin_expect(sim_sync != NULL, 0))
        sim_sync->join(a);
}

/* An end to trust in the reduction: from here on what a step depends on cannot be told. why: a sentence without full stop. */
extern void (*sim_opaque_hook)(const char *why);
static inline void sim_opaque(const char *why)
{
    if (sim_opaque_hook)
        sim_opaque_hook(why);
}

#endif
