/* What orders accesses: taken from what kernel functions say that they touch (sim/access.h).
 *
 * Two touches of one object, one of which changes it, are an edge: from the earlier to the later agent. That is what the reduction takes for
 * an order, too; so a race that one order of such touches hides shows in the other, which is explored as well. What is left out is
 * bookkeeping that no code may rely on: which handle, window of pool or thread slot is the next, the registry, names, the clock, and that a DPC
 * happens to have run before the thread that queued it goes on. */
#include "race/intern.h"
#include "race/race.h"
#include "race/room.h"
#include "sim/access.h"

#define KEY_BITS 56

static bool is_dpc_activity(uint64_t object)
{
    const struct machine *m = MACHINE;
    for (uint32_t i = 0; i < m->agent_count; i++)
        if (m->agents[i]->stable_id == object && m->agents[i]->kind == AGENT_DPC)
            return true;
    return false;
}

/* Does touching this order anything that code may rely on? */
static bool orders(uint64_t object)
{
    uint64_t what = object >> KEY_BITS, rest = object & (((uint64_t)1 << KEY_BITS) - 1);
    if (object < 0x1000)
        return false;
    if (rest >= PRIVATE_END) /* no address: an activity's number, or a hash */
        return is_dpc_activity(object) || what > SIM_THREADS;
    switch (what) {
    case 0:
    case SIM_LIFE:
    case SIM_STACK:
    case SIM_POWER:
    case SIM_THREADS:
        return true;
    case SIM_HANDLES:
    case SIM_HANDLE:
    case SIM_POOL:
    case SIM_POOL_WINDOW:
    case SIM_USER_MEMORY:
    case SIM_IRPS:
        return false;
    default:
        return true;
    }
}

/* ---- locks held, for reports ---- */

static void lock_sets_change(struct race_agent *a)
{
    uint64_t sorted[MAX_LOCKS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->lock_count; i++) {
        uint32_t k = n++;
        for (; k > 0 && sorted[k - 1] > a->locks[i]; k--)
            sorted[k] = sorted[k - 1];
        sorted[k] = a->locks[i];
    }
    a->lock_set = race_intern(sorted, n);
}

static void lock_event(struct race_agent *a, uint64_t lock, unsigned which)
{
    if (which == SIM_LOCK_ACQUIRE && a->lock_count < MAX_LOCKS)
        a->locks[a->lock_count++] = lock;
    for (uint32_t i = a->lock_count; which == SIM_LOCK_RELEASE && i-- > 0;)
        if (a->locks[i] == lock) {
            for (; i + 1 < a->lock_count; i++)
                a->locks[i] = a->locks[i + 1];
            a->lock_count--;
            break;
        }
    lock_sets_change(a);
}

/* ---- listening ---- */

/* The clock only hands on what it finds: a timer's setter comes before its routine, not before those of all timers later. */
static void clock_steps(struct race_room *r)
{
    if (r->clock_time == MACHINE->clock_100ns)
        return;
    r->clock_time = MACHINE->clock_100ns;
    race_agent_forget(r->detector, MACHINE->clock->id);
}

static void on_access(uint64_t object, unsigned kind, unsigned lock)
{
    struct race_room *r = race_room();
    const struct agent *a = MACHINE->fiber ? MACHINE->fiber : MACHINE->clock;
    if (!r || !r->detector || !a)
        return;
    if (lock != SIM_NOT_A_LOCK)
        lock_event(race_agent_of(r, a), object, lock);
    if (!orders(object))
        return;
    if (a == MACHINE->clock)
        clock_steps(r);
    if (!a->quiet) /* beginnings and ends of threads come after nothing but their creation; what waits for an end comes after it */
        race_acquire(r->detector, a->id, object, kind != SIM_READ);
    if (kind == SIM_READ)
        race_release_read(r->detector, a->id, object);
    else
        race_release(r->detector, a->id, object);
}

static void on_create(const struct agent *child)
{
    struct race_room *r = race_room();
    const struct agent *a = MACHINE->fiber;
    if (r && r->detector && a)
        race_edge(r->detector, a->id, child->id);
}

static void on_join(const struct agent *ended)
{
    struct race_room *r = race_room();
    const struct agent *a = MACHINE->fiber;
    if (r && r->detector && a)
        race_edge(r->detector, ended->id, a->id);
}

static void end_memory(struct race_room *r, uint64_t base, uint64_t bytes, bool freed)
{
    const struct agent *a = MACHINE->fiber;
    struct race_access by = { .address = base, .agent = a ? a->id : 0, .irql = a ? sim_irql() : 0, .write = true, .freed = true }, other;
    if (!freed || !a) {
        race_forget(r->detector, base, bytes);
        return;
    }
    if (!race_free_range(r->detector, base, bytes, &by, &other))
        return;
    by.address = other.address;
    by.stack = race_stack_here();
    const uint64_t *frames;
    by.pc = race_interned(by.stack, &frames) ? frames[0] : 0;
    race_found(r, &other, &by);
}

static void on_memory(uint64_t base, uint64_t bytes, uint32_t tag, unsigned what)
{
    struct race_room *r = race_room();
    if (!r)
        return;
    if (r->detector && (what == SIM_MEMORY_NEW || what == SIM_MEMORY_FREED || what == SIM_MEMORY_PAGES))
        end_memory(r, base, bytes, what == SIM_MEMORY_FREED);
    if (what == SIM_MEMORY_NEW)
        race_block_new(r, base, bytes, tag);
    else if (what == SIM_MEMORY_FREED)
        race_block_freed(r, base);
    if (r->shadow)
        race_shadow_memory(r, base, bytes, what);
}

static const struct sim_sync listener = { .access = on_access, .create = on_create, .join = on_join, .memory = on_memory, .unwound = race_unwound, .keeps_freed = race_keeps_freed };

struct race_room *race_room_make(void)
{
    if (!race_room())
        MACHINE->rooms[ROOM_RACE] = sim_alloc(sizeof(struct race_room));
    sim_sync_set(&listener);
    return race_room();
}

struct race_room *race_room_with_detector(void)
{
    struct race_room *r = race_room();
    if (__builtin_expect(!r || !r->detector, 0)) {
        r = race_room_make();
        r->detector = race_detector_new(sim_alloc, sim_free);
    }
    return r;
}

struct race_agent *race_agent_of(struct race_room *r, const struct agent *a)
{
    if (!r->agents[a->id])
        r->agents[a->id] = sim_alloc(sizeof(struct race_agent));
    return r->agents[a->id];
}
