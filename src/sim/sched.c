/* Agents, processors and scheduling points.
 *
 * Invariants: an agent RUNNING is the thread or the active agent of exactly one processor; an agent in any other state is of
 * none. Only sim_run decides who runs; everybody else only changes states and comes back to the main stack. */
#include <string.h>
#include <sys/mman.h>

#include "sim/access.h"
#include "sim/await.h"
#include "sim/machine.h"
#include "sim/round.h"
#include "sim/spins.h"

bool (*sim_idle_hook)(void);
bool (*sim_timer_hook)(void), (*sim_timer_early_hook)(void);
void (*sim_resume_hook)(struct agent *agent);
void (*sim_place_hook)(struct agent *agent, struct processor *p);
static sim_access_listener *access_listener;
void (*sim_create_hook)(struct agent *a);
void (*sim_opaque_hook)(const char *why);
void (*sim_join_hook)(const struct agent *a);
uint64_t (*sim_block_hook)(uint64_t address, bool *freed);
const struct sim_sync *sim_sync;
unsigned sim_listeners;

enum {
    HOST_STACKS = 0x40000000, /* offset in the private part */
    KERNEL_STACKS = 0x80000000u, /* offset in the kernel half */
    KERNEL_STACK_SLOT = 0x10000,
};

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ (b + 0x9E3779B97F4A7C15ull + (a << 6) + (a >> 2))) * 0xBF58476D1CE4E5B9ull;
    return h ^ (h >> 29);
}

/* ---- agents ---- */

/* The slot of an ended agent, with its stacks, is used again only when there is no other, or where a thread lies would depend on whether
 * another had ended by then. */
static uint16_t free_slot(struct machine *m)
{
    if (m->agent_count < MAX_AGENTS)
        return (uint16_t)m->agent_count;
    sim_opaque("there were more threads than slots for them");
    for (uint32_t i = 0; i < m->agent_count; i++)
        if (m->agents[i]->state == AGENT_DEAD)
            return (uint16_t)i;
    base_panic("more than %d threads at once", MAX_AGENTS);
}

/* Where its stacks lie. DPCs that a thread queues have their place from the thread's, so that a thread's first DPC moves nobody else. */
static uint16_t place_for(struct machine *m, const struct agent *owner)
{
    if (owner)
        return (uint16_t)(MAX_AGENTS + owner->place);
    sim_access(SIM_ACCESS_THREAD_IDS, SIM_WRITE);
    return m->places++;
}

static void stacks_map(struct agent *a)
{
    struct fiber *f = &a->fiber;
    f->host_stack = PRIVATE_BASE + HOST_STACKS + (uint64_t)a->place * HOST_STACK_SIZE;
    host_protect(f->host_stack + 0x1000, HOST_STACK_SIZE - 0x1000, PROT_READ | PROT_WRITE);
    f->kernel_stack_top = KERNEL_BASE + KERNEL_STACKS + (uint64_t)(a->place + 1) * KERNEL_STACK_SLOT - 0x1000;
    f->kernel_stack = f->kernel_stack_top - KERNEL_STACK_SIZE;
    host_protect(f->kernel_stack, KERNEL_STACK_SIZE, PROT_READ | PROT_WRITE);
    struct segment *s = sim_segment_add(f->host_stack, HOST_STACK_SIZE, SEGMENT_HOST_STACK, false);
    s->agent = a->id;
    s = sim_segment_add(f->kernel_stack, KERNEL_STACK_SIZE, SEGMENT_STACK, true);
    s->agent = a->id;
}

static void dead_slot_reuse(struct agent *a)
{
    struct fiber keep = a->fiber;
    uint16_t id = a->id, place = a->place;
    if (MACHINE->gone_count < MAX_AGENTS)
        MACHINE->gone[MACHINE->gone_count++] = a->stable_id;
    memset(a, 0, sizeof *a);
    a->id = id;
    a->place = place;
    a->fiber.host_stack = keep.host_stack;
    a->fiber.kernel_stack = keep.kernel_stack;
    a->fiber.kernel_stack_top = keep.kernel_stack_top;
}

static struct agent *agent_create(enum agent_kind kind, const struct agent *owner, void (*fn)(void *), void *arg)
{
    struct machine *m = MACHINE;
    m->idle_steps = 0;
    uint16_t id = free_slot(m);
    struct agent *a = m->agents[id];
    if (a) {
        dead_slot_reuse(a);
    } else {
        a = sim_alloc(sizeof *a);
        a->id = id;
        a->place = place_for(m, owner);
        m->agents[m->agent_count++] = a;
        stacks_map(a);
    }
    struct fiber *f = &a->fiber;
    sim_stack_clear(f->kernel_stack, KERNEL_STACK_SIZE);
    f->guest_sp = f->kernel_stack_top - 0x40;
    host_frames_given_up(f->host_stack, f->host_stack + HOST_STACK_SIZE);
    f->switch_sp = host_stack_prepare(f->host_stack + HOST_STACK_SIZE, fn, arg);
    a->kind = kind;
    a->state = kind == AGENT_DPC ? AGENT_IDLE : AGENT_WAITING;
    a->fresh = true;
    struct agent *creator = m->fiber;
    a->stable_id = creator ? mix(creator->stable_id, ++creator->children) : mix(1, id);
    if (sim_create_hook)
        sim_create_hook(a);
    if (sim_sync)
        sim_sync->create(a);
    return a;
}

struct agent *sim_agent_create(enum agent_kind kind, void (*fn)(void *), void *arg)
{
    return agent_create(kind, NULL, fn, arg);
}

void sim_clock_create(void)
{
    struct machine *m = MACHINE;
    struct agent *a = sim_alloc(sizeof *a);
    a->id = free_slot(m);
    a->place = m->places++;
    IR_ASSERT(!m->clock && a->id == m->agent_count);
    m->agents[m->agent_count++] = a;
    a->kind = AGENT_CLOCK;
    a->state = AGENT_IDLE;
    a->stable_id = mix(1, a->id);
    m->clock = a;
}

static _Noreturn void to_main_for_good(void)
{
    struct machine *m = MACHINE;
    host_fiber_switch(&m->fiber->fiber.switch_sp, m->main_sp, 0, 0);
    base_panic("an ended agent ran again");
}

static void to_main(void)
{
    struct machine *m = MACHINE;
    struct agent *a = m->fiber;
    host_fiber_switch(&a->fiber.switch_sp, m->main_sp, 0, 0);
    if (sim_resume_hook)
        sim_resume_hook(a);
}

static void leave_processor(struct agent *a)
{
    struct processor *p = a->processor;
    IR_ASSERT(p && p->thread == a && p->active == a);
    a->irql = p->irql;
    p->thread = NULL;
    p->active = NULL;
    p->irql = PASSIVE_LEVEL;
}

_Noreturn void sim_agent_exit(void)
{
    struct agent *a = MACHINE->fiber;
    IR_ASSERT(a->kind == AGENT_THREAD);
    IR_ASSERT(!a->dpc || a->dpc->state == AGENT_IDLE);
    leave_processor(a);
    a->state = AGENT_DEAD;
    MACHINE->idle_steps = 0;
    uint64_t low = sim_stack_low(a->fiber.kernel_stack, KERNEL_STACK_SIZE);
    sim_stack_clear(low, a->fiber.kernel_stack_top - low); /* nothing of it has to be kept in snapshots */
    if (a->dpc)
        a->dpc->state = AGENT_DEAD;
    MACHINE->runnable--;
    to_main_for_good();
}

_Noreturn void sim_end(enum run_end how)
{
    MACHINE->end = how;
    to_main_for_good();
}

/* ---- points ---- */

/* The thread there cannot go on before its DPCs have run. */
static bool dpcs_first(const struct processor *p)
{
    return p->active && p->active == p->thread && p->thread->dpc && p->thread->dpc->due && p->irql < DISPATCH_LEVEL && !p->interrupts_off;
}

enum { TURNS_BEFORE_TIME_PASSES = 100, TURNS_BEFORE_HANG = 30000, IDLE_STEPS_BEFORE_HANG = 5000 };

/* A loop that tries a few times and gives up is to be seen giving up: only after so many rounds does it seem to be endless. After
 * the fewer it is no progress for others any more. */
enum { ROUNDS_BEFORE_WAITING = 8, ROUNDS_THAT_COUNT = 2, MOST_LOOKED = 16 };

sim_access_listener *sim_access_listen(sim_access_listener *listener)
{
    sim_access_listener *before = access_listener;
    access_listener = listener;
    sim_listeners = (sim_listeners & ~SIM_LISTENS_ACCESS) | (listener ? SIM_LISTENS_ACCESS : 0);
    return before;
}

void sim_sync_set(const struct sim_sync *listener)
{
    sim_sync = listener;
    sim_listeners = (sim_listeners & ~SIM_LISTENS_SYNC) | (listener ? SIM_LISTENS_SYNC : 0);
}

/* Who waits for one of the objects that a loop has read may look again. */
static void track_write(struct machine *m, uint64_t object)
{
    for (uint32_t i = 0; i < m->agent_count; i++)
        for (unsigned k = 0; m->agents[i]->awaits && k < m->agents[i]->looked_count; k++)
            m->agents[i]->awaited |= m->agents[i]->looked[k] == object;
}

static void track_read(struct agent *a, uint64_t object)
{
    for (unsigned k = 0; k < a->looked_count && k < MOST_LOOKED; k++)
        if (a->looked[k] == object)
            return;
    if (a->looked_count < MOST_LOOKED)
        a->looked[a->looked_count] = object;
    a->looked_count += a->looked_count <= MOST_LOOKED;
}

void sim_access_tell(uint64_t object, unsigned kind, unsigned lock, unsigned listeners)
{
    struct machine *m = MACHINE;
    struct agent *a = m->fiber;
    if (kind == SIM_READ && a && a->polls && !a->quiet)
        track_read(a, object);
    else if (kind != SIM_READ && m->awaiting)
        track_write(m, object);
    listeners &= sim_listeners;
    if (listeners & SIM_LISTENS_ACCESS)
        access_listener(object, kind, lock);
    if (__builtin_expect(listeners & SIM_LISTENS_SYNC, 0))
        sim_sync->access(object, kind, lock);
}

/* The call that the agent stands in, with the place it returns to. */
static inline uint64_t call_site(const struct agent *a, uint64_t object)
{
    uint64_t site = a->fiber.frame_site * 0x9E3779B97F4A7C15ull + a->fiber.guest_sp * 0xBF58476D1CE4E5B9ull + object * 0x9FB21C651E98DF25ull;
    if (a->kind == AGENT_THREAD && a->fiber.callback && (a->fiber.guest_sp & 0xFFF) + DOOR_FRAME_SIZE + 8 <= 0x1000)
        site += *(const uint64_t *)(a->fiber.guest_sp + DOOR_FRAME_SIZE) * 0xD6E8FEB86659FD93ull;
    return site ^ site >> 32;
}

static bool polls_again(struct agent *a, uint64_t site, bool *quiet)
{
    enum { MOST = sizeof a->poll_sites / sizeof a->poll_sites[0] };
    unsigned i = 0;
    while (i < a->poll_count && a->poll_sites[i] != site)
        i++;
    if (i == a->poll_count) {
        a->poll_count = i == MOST ? 0 : a->poll_count;
        a->poll_sites[a->poll_count++] = site;
        a->polls = a->looked_count = 0;
        return false;
    }
    a->polls += a->polls < UINT8_MAX;
    *quiet = a->polls >= ROUNDS_THAT_COUNT * a->poll_count;
    return a->polls >= ROUNDS_BEFORE_WAITING * a->poll_count && a->looked_count > 0 && a->looked_count <= MOST_LOOKED;
}

/* Notes that the agent stands at a call. True: it polls, in vain. *quiet: it has done nothing that could matter to others. */
static inline bool polls_in_vain(struct agent *a, uint64_t object, bool *quiet)
{
    uint64_t site = call_site(a, object);
    *quiet = false;
    if (!a->wrote)
        return polls_again(a, site, quiet);
    a->wrote = false;
    a->poll_count = 1;
    a->poll_sites[0] = site;
    a->polls = a->looked_count = 0;
    return false;
}

/* What it waited for has happened, or may have: it looks at everything once more before it stands back again. */
static void poll_again(struct agent *a)
{
    unsigned most = (ROUNDS_BEFORE_WAITING - 1) * a->poll_count - !a->awaits;
    if (a->poll_count && a->polls > most)
        a->polls = (uint8_t)most;
}

static void stand_at_poll(struct machine *m, struct agent *a, uint64_t object)
{
    if (++m->turns > TURNS_BEFORE_HANG)
        sim_end(RUN_HANG);
    a->awaits = a->turning = a->yielded = true;
    a->awaited = false;
    m->awaiting++;
    m->points++;
    a->steps++;
    a->next_object = object;
    to_main();
    a->awaits = false;
    m->awaiting--;
}

/* What an agent stands at, while it does something else first. Whether it can do that depends on what it stood at. */
void sim_stand_leave(struct sim_stand *s)
{
    struct agent *a = MACHINE->fiber;
    *s = (struct sim_stand) { a->gate, a->gate_arg, a->next_object, a->at_point, a->behind, a->awaits, a->spinning, a->at_await, a->promise };
    if (s->gate)
        sim_access_order(s->next_object, SIM_READ);
    a->gate = NULL;
    a->at_point = a->behind = a->awaits = a->spinning = a->at_await = false;
    a->promise = PROMISES_NOTHING;
}

/* A lock that could be had before may be held by now: it stands there again. */
void sim_stand_back(const struct sim_stand *s)
{
    struct machine *m = MACHINE;
    struct agent *a = m->fiber;
    a->gate = s->gate;
    a->gate_arg = s->gate_arg;
    a->next_object = s->next_object;
    a->at_point = s->at_point;
    a->behind = s->behind;
    a->awaits = s->awaits;
    a->spinning = s->spinning;
    a->at_await = s->at_await;
    a->promise = s->promise;
    if (!a->gate)
        return;
    sim_access_order(s->next_object, SIM_READ);
    if (!m->gates_open && !a->told && !a->gate(a, a->gate_arg))
        to_main();
}

void sim_point(uint64_t object)
{
    struct machine *m = MACHINE;
    struct agent *a = m->fiber;
    bool quiet;
    if (a->quiet)
        return;
    if (a->no_point) {
        a->no_point = false;
        return;
    }
    if (polls_in_vain(a, object, &quiet)) {
        stand_at_poll(m, a, object);
        return;
    }
    m->points++;
    m->passed = 0;
    a->steps++;
    if (m->point_limit && m->points > m->point_limit)
        sim_end(RUN_HANG);
    if (m->runnable == 1 && !m->every_point && !m->time_any)
        return;
    a->next_object = object;
    a->at_point = true;
    a->turning = quiet;
    round_arrive(a, 0, 0);
    to_main();
    a->at_point = false;
}

bool sim_point_after(const uint64_t *blocks, unsigned n)
{
    struct machine *m = MACHINE;
    struct agent *a = m->fiber;
    m->points++;
    m->passed = 0;
    a->steps++;
    if (m->point_limit && m->points > m->point_limit)
        sim_end(RUN_HANG);
    bool switches = m->runnable > 1 || m->every_point || m->time_any;
    if (switches) {
        a->next_object = SIM_ACCESS_OF(SIM_LIFE_OF_BLOCK, blocks[0]);
        a->at_point = a->behind = true;
        to_main();
        a->at_point = a->behind = false;
    }
    for (unsigned i = 0; i < n; i++)
        sim_access_order(SIM_ACCESS_OF(SIM_LIFE_OF_BLOCK, blocks[i]), SIM_READ);
    return switches;
}

void sim_point_when(uint64_t object, sim_gate *gate, const void *arg)
{
    struct machine *m = MACHINE;
    struct agent *a = m->fiber;
    if (a->quiet || a->no_point || m->processors_matter) {
        sim_point(object);
        return;
    }
    a->gate = gate;
    a->gate_arg = arg;
    if (m->runnable == 1 && !m->every_point && !m->time_any && !gate(a, arg)) /* nobody else: it waits as NT would */
        m->points++;
    else
        sim_point(object);
    a->gate = NULL;
}

void sim_yield(void)
{
    MACHINE->fiber->yielded = true;
    MACHINE->points++;
    if (MACHINE->point_limit && MACHINE->points > MACHINE->point_limit)
        sim_end(RUN_HANG);
    to_main();
}

#define SPIN_LIMIT_100NS (3600ull * 10000000) /* of virtual time, however much others do meanwhile */

static bool atomic_changed(struct agent *a)
{
    uint64_t now[2], at = a->atomic_at;
    a->atomic_at = 0;
    return at && (!host_guarded_copy(now, (const void *)at, a->atomic_bytes) || memcmp(now, a->atomic_was, a->atomic_bytes) != 0);
}

/* It has been here in the same state, or so often in others that it seems to count while it waits. A loop that looks at one place for
 * different ends (what it does next depends on a local variable) is not waiting: orders in which it looks again at once matter. */
static bool turned_here_before(struct agent *a, uint64_t site, uint64_t state)
{
    for (unsigned i = 0; i < a->turn_count; i++)
        if (a->turn_sites[i] == site)
            return a->turn_states[i] == state || ++a->turn_rounds[i] >= ROUNDS_BEFORE_WAITING;
    return false;
}

static void remember_turn(struct agent *a, uint64_t site, uint64_t state)
{
    enum { MOST = sizeof a->turn_sites / sizeof a->turn_sites[0] };
    unsigned i = 0;
    while (i < a->turn_count && a->turn_sites[i] != site)
        i++;
    if (i == a->turn_count && i == MOST) {
        a->turn_count = (uint8_t)--i;
        memmove(a->turn_sites, a->turn_sites + 1, i * sizeof a->turn_sites[0]);
        memmove(a->turn_states, a->turn_states + 1, i * sizeof a->turn_states[0]);
        memmove(a->turn_rounds, a->turn_rounds + 1, i);
    }
    if (i == a->turn_count) {
        a->turn_sites[a->turn_count++] = site;
        a->turn_rounds[i] = 0;
    }
    a->turn_states[i] = state;
}

/* Somebody did something: who stands back may look again. */
static void note_progress(struct machine *m)
{
    m->progress++;
    m->turns = 0;
}

bool sim_turn(uint64_t site, uint64_t state, uint64_t object, unsigned bytes, bool waits)
{
    struct machine *m = MACHINE;
    struct agent *a = m->fiber;
    if (a->no_point || (a->quiet && !waits)) {
        a->no_point = a->no_point && waits;
        return true;
    }
    if (waits && a->seen_count && !a->pause_passed) { /* the atomic instruction before it was the point of this round */
        a->pause_passed = a->paused = true;
        return true;
    }
    uint64_t rip = site;
    site = object ? mix(site, object) : site; /* a loop over several places is not vain because it comes to the same instruction */
    bool changed = atomic_changed(a), vain = !changed && turned_here_before(a, site, state);
    if (changed)
        a->turn_count = 0;
    m->round_works |= changed;
    if (object)
        round_arrive(a, rip, state);
    bool takes_turn = m->last_resort && a->rounds && a->at_round; /* nobody else can go on: this is no progress */
    a->pause_passed = false;
    if (object)
        await_arrive(a, rip, state, changed, object, bytes);
    else
        await_forget(a);
    if (!vain && !takes_turn) {
        remember_turn(a, site, state);
        note_progress(m);
    } else if (++m->turns > TURNS_BEFORE_HANG || (a->spinning && m->clock_100ns - a->spin_since > SPIN_LIMIT_100NS)) {
        return false;
    }
    if (!a->spinning)
        a->spin_since = m->clock_100ns;
    a->spinning = (vain || waits || takes_turn) && !a->at_await;
    if (a->spinning && m->time_any)
        sim_opaque("a loop waits for memory to change, and whether it turns depends on whether others can go on");
    a->spin_progress = m->progress;
    a->yielded |= a->spinning;
    a->turning = true;
    m->points++;
    if (!vain)
        m->passed = 0;
    a->steps++;
    if (m->point_limit && m->points > m->point_limit)
        sim_end(RUN_HANG);
    a->next_object = object & ~3ull;
    a->at_point = !waits;
    if (!vain || !m->alone || m->turns % TURNS_BEFORE_TIME_PASSES == TURNS_BEFORE_TIME_PASSES - 1)
        to_main();
    a->at_point = false;
    a->promise = PROMISES_NOTHING;
    a->atomic_bytes = bytes > sizeof a->atomic_was ? sizeof a->atomic_was : bytes;
    if (object && host_guarded_copy(a->atomic_was, (const void *)object, a->atomic_bytes))
        a->atomic_at = object;
    return true;
}

void sim_signal_lost(uint64_t object)
{
    struct machine *m = MACHINE;
    if (sim_signal_was_lost(object))
        return;
    memmove(m->signals_lost + 1, m->signals_lost, sizeof m->signals_lost - sizeof m->signals_lost[0]);
    m->signals_lost[0] = object;
}

bool sim_signal_was_lost(uint64_t object)
{
    const struct machine *m = MACHINE;
    for (unsigned i = 0; i < sizeof m->signals_lost / sizeof m->signals_lost[0]; i++)
        if (m->signals_lost[i] == object)
            return true;
    return false;
}

void sim_give_way(void)
{
    struct machine *m = MACHINE;
    struct agent *a = m->fiber;
    a->yielded = true;
    m->points++;
    if (m->point_limit && m->points > m->point_limit)
        sim_end(RUN_HANG);
    m->round_works |= !a->seen_count;
    if (a->seen_count && m->every_point) {
        if (atomic_changed(a)) {
            await_forget(a);
            a->turn_count = 0;
        } else {
            a->paused = true;
            if (await_stands_in(a)) /* the look was the point of this round */
                return;
            a->turning = true;
            note_progress(m);
        }
    }
    round_arrive(a, 0, 0);
    to_main();
}

void sim_block(const char *why, uint64_t object)
{
    struct machine *m = MACHINE;
    struct agent *a = m->fiber;
    IR_ASSERT(a->kind == AGENT_THREAD);
    a->why = why;
    a->why_object = object;
    a->why_since = m->clock_100ns;
    leave_processor(a);
    a->state = AGENT_WAITING;
    m->runnable--;
    to_main();
    a->why = NULL;
}

void sim_migrate(void)
{
    struct agent *a = MACHINE->fiber;
    IR_ASSERT(a->kind == AGENT_THREAD && sim_irql() < DISPATCH_LEVEL);
    leave_processor(a);
    a->state = AGENT_READY;
    to_main();
}

void sim_ready(struct agent *agent)
{
    if (agent->state != AGENT_WAITING)
        return;
    agent->state = AGENT_READY;
    MACHINE->runnable++;
    if (agent->fresh && sim_create_hook) /* it was made in an earlier step, maybe */
        sim_create_hook(agent);
}

void sim_spin(const volatile uint64_t *word, const char *why)
{
    struct agent *a = MACHINE->fiber;
    a->spin_on = word;
    a->why = why;
    a->why_object = (uint64_t)word;
    a->why_since = MACHINE->clock_100ns;
    to_main();
    a->spin_on = NULL;
    a->why = NULL;
}

unsigned sim_choose(unsigned n, uint32_t tag)
{
    struct machine *m = MACHINE;
    if (n <= 1)
        return 0;
    m->choice_wanted = true;
    m->choice = (struct sim_choice) { .kind = CHOICE_DATA, .n = (uint8_t)n, .tag = tag };
    m->decided = 0;
    host_fiber_switch(&m->fiber->fiber.switch_sp, m->main_sp, 0, 0);
    return m->decided;
}

void sim_irql_set(uint8_t irql)
{
    struct processor *p = sim_processor();
    p->irql = irql;
    if (dpcs_first(p)) {
        sim_access_order(p->thread->dpc->stable_id, SIM_WRITE); /* it can begin */
        struct agent *a = p->thread;
        to_main();
        sim_access_order(a->dpc->stable_id, SIM_READ); /* it has ended */
    }
}

struct agent *sim_dpc_create(struct agent *owner, struct processor *bound, void (*fn)(void *))
{
    struct agent *d = agent_create(AGENT_DPC, owner, fn, NULL);
    d->owner = owner;
    d->bound = bound;
    if (owner)
        owner->dpc = d;
    else
        bound->dpc = d;
    return d;
}

struct agent *sim_interrupt_create(uint8_t irql, void (*fn)(void *))
{
    struct agent *d = sim_agent_create(AGENT_DPC, fn, NULL);
    d->device_irql = irql;
    return d;
}

void sim_dpc_request(struct agent *activity)
{
    if (activity->due || activity->state == AGENT_RUNNING)
        return;
    activity->due = true;
    MACHINE->runnable++;
    sim_access_order(activity->stable_id, SIM_WRITE);
    if (MACHINE->fiber && MACHINE->fiber == activity->owner)
        sim_irql_set(sim_irql());
}

void sim_dpc_cancel(struct agent *activity)
{
    if (!activity->due)
        return;
    sim_access_order(activity->stable_id, SIM_WRITE);
    activity->due = false;
    MACHINE->runnable--;
}

bool sim_dpc_waits(void)
{
    const struct agent *a = MACHINE->fiber;
    return a->kind == AGENT_THREAD && a->dpc && a->dpc->due;
}

void sim_dpc_idle(void)
{
    struct agent *a = MACHINE->fiber;
    struct processor *p = a->processor;
    IR_ASSERT(a->kind == AGENT_DPC && p->active == a);
    sim_access(a->stable_id, SIM_WRITE);
    p->active = a->interrupted;
    p->irql = a->interrupted ? a->irql_before : PASSIVE_LEVEL;
    a->interrupted = NULL;
    a->state = AGENT_IDLE;
    MACHINE->runnable--;
    host_fiber_switch(&a->fiber.switch_sp, MACHINE->main_sp, 0, 0);
}

/* ---- who may go on ---- */

static bool is_pinned(const struct processor *p)
{
    if (!p->active)
        return false;
    return p->active->kind == AGENT_DPC || p->irql >= DISPATCH_LEVEL || p->interrupts_off || dpcs_first(p);
}

static bool allows(const struct agent *a, const struct processor *p)
{
    return !a->affinity || (a->affinity >> p->number & 1);
}

static bool holds_processor(const struct agent *a)
{
    return a->state == AGENT_RUNNING && is_pinned(a->processor);
}

static struct processor *home_of(struct machine *m, const struct agent *a)
{
    if (a->bound)
        return a->bound;
    uint32_t n = m->processor_count, home = (uint32_t)(a->stable_id >> 32) % n;
    for (uint32_t i = 0; i < n; i++)
        if (allows(a, &m->processors[(home + i) % n]))
            return &m->processors[(home + i) % n];
    return &m->processors[home];
}

/* The processor that an agent which is not pinned would get now; NULL if there is none. */
static struct processor *find_processor(struct machine *m, const struct agent *a)
{
    if (m->processors_matter) {
        struct processor *p = home_of(m, a);
        return is_pinned(p) ? NULL : p;
    }
    if (a->processor && !is_pinned(a->processor))
        return a->processor;
    for (uint32_t i = 0; i < MAX_PROCESSORS; i++)
        if (!is_pinned(&m->processors[i]))
            return &m->processors[i];
    return NULL;
}

/* Interrupts come in where others are pinned, too; on the other processors, as long as nobody can tell them apart. */
static struct processor *find_interruptible(struct machine *m, const struct agent *interrupt)
{
    struct processor *p = find_processor(m, interrupt), *home = home_of(m, interrupt);
    if (!p && home->irql < interrupt->device_irql && !home->interrupts_off)
        p = home;
    return p;
}

/* The DPCs that a thread queues run where the thread is; all others have to find a place. */
static bool is_threads(const struct agent *dpc)
{
    return dpc->owner && dpc->owner->kind == AGENT_THREAD;
}

static bool can_begin(struct machine *m, const struct agent *dpc)
{
    if (!dpc->due)
        return false;
    if (dpc->device_irql)
        return find_interruptible(m, dpc) != NULL;
    if (!is_threads(dpc))
        return find_processor(m, dpc) != NULL;
    return dpc->owner->state == AGENT_RUNNING && dpcs_first(dpc->owner->processor);
}

bool sim_can_step(struct machine *m, const struct agent *a)
{
    if (a->state == AGENT_IDLE)
        return a->kind == AGENT_DPC && a->due && can_begin(m, a);
    if (a->state != AGENT_RUNNING && a->state != AGENT_READY)
        return false;
    if (a->gate && !m->gates_open && !a->told && !a->gate(a, a->gate_arg))
        return false;
    switch (a->state) {
    case AGENT_RUNNING:
        if (a->processor->active != a || (a->spin_on && (*a->spin_on & 1)) || dpcs_first(a->processor))
            return false;
        return holds_processor(a) || find_processor(m, a);
    default:
        return find_processor(m, a) != NULL;
    }
}

/* It waits for memory that nobody has written since it looked, or for objects. */
static bool stands_back(struct machine *m, struct agent *a)
{
    if (a->at_await && !m->probing)
        return !await_open(m, a);
    return a->awaits ? !a->awaited : a->spinning && a->spin_progress == m->progress;
}

/* Whether it stands back depends on more than the machine: on what has been learned of its loop by now. */
static bool waits_in_loop(const struct agent *a)
{
    return a->at_await || a->awaits || a->spinning;
}

static bool timer_may_step(const struct machine *m)
{
    return m->clock && sim_timer_hook();
}

/* Whose turn comes first does not depend on the order in which others did what does not depend on each other. */
static bool turns_before(const struct machine *m, const struct agent *a, const struct agent *b)
{
    uint32_t x = a->vain_progress == m->progress ? a->vain_turns : 0, y = b->vain_progress == m->progress ? b->vain_turns : 0;
    return x != y ? x < y : a->stable_id < b->stable_id;
}

/* Nobody can go on but loops that wait: one turn of the next one, now and then a step of the clock. */
static void gather_spinners(struct machine *m)
{
    struct sim_choice *c = &m->choice;
    if (m->turns % TURNS_BEFORE_TIME_PASSES == TURNS_BEFORE_TIME_PASSES - 1 && timer_may_step(m))
        return;
    uint32_t able = 0;
    struct agent *next = NULL;
    for (uint32_t i = 0; i < m->agent_count; i++) {
        struct agent *a = m->agents[i];
        if (!sim_can_step(m, a))
            continue;
        able++;
        if (!next || turns_before(m, a, next))
            next = a;
    }
    m->alone = able == 1 && !next->awaits;
    m->last_resort = next != NULL;
    if (next)
        c->agents[c->n++] = next->id;
}

static void gather(struct machine *m)
{
    struct sim_choice *c = &m->choice;
    if (m->closed_by)
        await_learn(m);
    if (m->suspect)
        round_learn(m);
    if (m->last && m->last->round_closed)
        round_close(m, m->last);
    *c = (struct sim_choice) { .kind = CHOICE_SCHEDULE };
    m->alone = m->last_resort = false;
    m->stands = m->every_point;
    struct agent *last = m->last;
    bool last_goes_on = last && sim_can_step(m, last) && !stands_back(m, last);
    bool stays_first = last_goes_on && !last->yielded;
    bool turns = last && !last_goes_on && last->at_await && !last->await_yields && last->state == AGENT_RUNNING; /* it would, in vain */
    c->preempts = (stays_first && last->state == AGENT_RUNNING) || turns;
    if (stays_first)
        c->agents[c->n++] = last->id;
    uint32_t at = last ? last->id : m->agent_count - 1;
    bool somebody_stands_back = last && !last_goes_on && sim_can_step(m, last);
    for (uint32_t i = 0; i < m->agent_count; i++) {
        at = at + 1 < m->agent_count ? at + 1 : 0;
        struct agent *a = m->agents[at];
        if (a == last || !sim_can_step(m, a))
            continue;
        m->stands &= !waits_in_loop(a);
        if (stands_back(m, a))
            somebody_stands_back = true;
        else
            c->agents[c->n++] = a->id;
    }
    if (last_goes_on && !stays_first)
        c->agents[c->n++] = last->id;
    bool spins = c->n == 0 && somebody_stands_back;
    m->stands &= !(last && waits_in_loop(last)) && c->n > 0;
    if (spins_any_round() && m->every_point && !m->gates_open && !timer_may_step(m))
        round_stuck(m);
    if (m->end != RUN_GOING)
        return;
    if (spins && !m->gates_open && m->every_point && m->stuck_at != m->progress + 1) {
        await_stuck(m, timer_may_step(m));
        m->stuck_at = m->progress + 1;
        if (m->end != RUN_GOING)
            return;
    }
    if (spins)
        gather_spinners(m);
    if (c->n == 0 ? timer_may_step(m) : m->time_any && !spins && m->clock && sim_timer_early_hook())
        c->agents[c->n++] = m->clock->id;
}

static bool only_clock(const struct machine *m)
{
    return m->choice.n == 1 && m->clock && m->choice.agents[0] == m->clock->id;
}

/* Whoever is there and not pinned makes room. */
static void take_processor(struct processor *p, struct agent *thread)
{
    if (p->thread && p->thread != thread) {
        p->thread->irql = p->irql;
        p->thread->state = AGENT_READY;
    }
    p->thread = thread;
}

static void place_thread(struct machine *m, struct agent *a)
{
    if (a->state == AGENT_RUNNING) {
        if (holds_processor(a))
            return;
        leave_processor(a);
    }
    struct processor *p = find_processor(m, a);
    IR_ASSERT(p);
    take_processor(p, a);
    p->irql = a->irql;
    p->active = a;
    a->processor = p;
    a->state = AGENT_RUNNING;
}

static void place_dpc(struct machine *m, struct agent *a)
{
    if (a->state == AGENT_RUNNING)
        return;
    struct processor *p = is_threads(a) ? a->owner->processor : a->device_irql ? find_interruptible(m, a) : find_processor(m, a);
    IR_ASSERT(p && a->due);
    a->interrupted = is_pinned(p) ? p->active : NULL;
    if (!a->interrupted)
        take_processor(p, NULL);
    a->irql_before = p->irql;
    p->irql = a->device_irql ? a->device_irql : DISPATCH_LEVEL;
    p->active = a;
    a->processor = p;
    a->due = false;
    a->state = AGENT_RUNNING;
}

/* Whether the agent begins its step on a processor that is its own already: it is pinned there, or its thread is. */
static bool begins_pinned(const struct agent *a)
{
    return a->state == AGENT_RUNNING ? holds_processor(a) : a->kind == AGENT_DPC && is_threads(a);
}

void sim_step(struct machine *m, struct agent *a)
{
    bool pinned = begins_pinned(a);
    if (m->processors_matter && !pinned)
        sim_access(SIM_ACCESS_PROCESSOR(home_of(m, a)->number), SIM_READ);
    if (a->kind == AGENT_DPC)
        place_dpc(m, a);
    else
        place_thread(m, a);
    if (m->last)
        m->last->yielded = false;
    if (m->last != a)
        m->switches++;
    m->last = a;
    m->fiber = a;
    a->ran = true;
    a->fresh = false;
    if (sim_place_hook)
        sim_place_hook(a, a->processor);
    a->turning = false;
    bool spun = a->spinning, comes_round = a->at_round;
    uint64_t progress = m->progress;
    a->at_round = false;
    if (m->last_resort) {
        a->vain_turns = a->vain_progress == progress ? a->vain_turns + 1 : 1;
        a->vain_progress = progress;
    }
    if (a->awaits || spun) {
        if (!stands_back(m, a))
            poll_again(a);
        for (unsigned i = 0; a->awaits && i < a->looked_count; i++)
            sim_access(a->looked[i], SIM_READ); /* that it could go on depended on them */
    }
    host_fiber_switch(&m->main_sp, a->fiber.switch_sp, a->fiber.host_stack, HOST_STACK_SIZE);
    m->fiber = NULL;
    bool takes_turn = m->last_resort && a->rounds && a->at_round;
    a->rounds = takes_turn;
    if (!a->turning) {
        await_forget(a);
        a->turn_count = 0;
        a->spinning = takes_turn;
        a->atomic_at = 0;
        if (!takes_turn)
            note_progress(m);
        else if (++m->turns > TURNS_BEFORE_HANG)
            m->end = RUN_HANG;
    }
    if (takes_turn)
        a->spin_progress = m->progress;
    a->own_progress += m->progress - progress;
    if (m->may_spin && (spun || a->spinning || comes_round))
        sim_access(SIM_ACCESS_MEMORY, SIM_READ);
    if (m->may_spin && m->progress != progress)
        sim_access(SIM_ACCESS_MEMORY, SIM_COMMUTE);
    if (m->processors_matter && pinned != is_pinned(a->processor))
        sim_access_lock(SIM_ACCESS_PROCESSOR(a->processor->number), pinned ? SIM_LOCK_RELEASE : SIM_LOCK_ACQUIRE);
}

static bool somebody_spins(const struct machine *m)
{
    for (uint32_t i = 0; i < m->agent_count; i++)
        if (sim_can_step((struct machine *)m, m->agents[i]) && (m->agents[i]->spinning || m->agents[i]->awaits))
            return true;
    return false;
}

/* Time passes, and nothing else. */
static void ends_idly(struct machine *m)
{
    m->end = RUN_HANG;
    m->idles = true;
    for (uint32_t i = 0; i < m->agent_count; i++)
        if (m->agents[i]->kind == AGENT_THREAD && m->agents[i]->why && strcmp(m->agents[i]->why, "delay") == 0)
            m->last = m->agents[i];
}

static void run_clock(struct machine *m)
{
    /* A loop that waits for memory sees more than what makes somebody ready. */
    bool alone = only_clock(m) && !somebody_spins(m);
    if (m->last)
        m->last->yielded = false;
    if (m->last != m->clock)
        m->switches++;
    m->last = m->clock;
    m->turns++;
    if (!sim_idle_hook() && alone)
        m->end = RUN_DEADLOCK;
    else if (m->every_point && ++m->idle_steps > IDLE_STEPS_BEFORE_HANG)
        ends_idly(m);
}

void sim_decide(unsigned alternative)
{
    struct machine *m = MACHINE;
    IR_ASSERT(alternative < m->choice.n);
    m->stands = false;
    if (m->choice.kind == CHOICE_DATA) {
        m->decided = alternative;
        m->choice_wanted = false;
        m->fiber = m->last;
        host_fiber_switch(&m->main_sp, m->last->fiber.switch_sp, m->last->fiber.host_stack, HOST_STACK_SIZE);
        m->fiber = NULL;
        return;
    }
    struct agent *a = m->agents[m->choice.agents[alternative]];
    if (a->kind == AGENT_CLOCK)
        run_clock(m);
    else
        sim_step(m, a);
}

/* Nobody can go on. Who stands at a gate goes through it to wait as NT would, so that views show what is waited for; that is no step
 * of the search. */
static bool open_gate(struct machine *m)
{
    struct agent *last = m->last;
    m->gates_open = true;
    gather(m);
    bool any = m->choice.n > 0;
    m->stands = false;
    if (any) {
        struct agent *a = m->agents[m->choice.agents[0]];
        a->gave_up = a->next_object;
        sim_access_listener *listener = sim_access_listen(NULL);
        sim_decide(0);
        sim_access_listen(listener);
        m->last = last;
    }
    m->gates_open = false;
    return any;
}

bool sim_run(void)
{
    struct machine *m = MACHINE;
    for (;;) {
        if (m->end != RUN_GOING)
            return false;
        if (m->choice_wanted || m->stands)
            return true;
        gather(m);
        if (m->end != RUN_GOING)
            return false;
        if (m->choice.n == 0) {
            if (!open_gate(m))
                m->end = RUN_DEADLOCK;
            continue;
        }
        if (m->choice.n > 1 || m->every_point)
            return true;
        sim_decide(0);
    }
}

void sim_settle(void)
{
    struct machine *m = MACHINE;
    for (gather(m); m->choice.n && !only_clock(m); gather(m))
        sim_decide(0);
    m->stands = false;
    m->last = NULL;
}
