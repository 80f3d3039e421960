/* See explorable.h. One choice is "this agent goes on to its next scheduling point", or the answer to a sim_choose of the agent that
 * asked. */
#include "session/explorable.h"

#include <stdio.h>
#include <string.h>

#include "ps/ps.h"
#include "race/sweep.h"
#include "session/session.h"
#include "sim/access.h"
#include "sim/door.h"
#include "sim/image.h"
#include "sim/machine.h"
#include "sim/spins.h"
#include "trace/trace.h"

enum { MAX_ACCESSES = 4096 };

static struct snapshot *start; /* constants of the process once opened */
static struct explore_agent enabled[MAX_AGENTS];
static struct explore_access accesses[MAX_ACCESSES];
static unsigned access_count;
static uint32_t created[MAX_AGENTS], everybody[2 * MAX_AGENTS];
static unsigned created_count, joined_count;
static const char *opaque; /* why the reduction cannot be trusted, once something has said so */
static bool overflow;
static char outcome_text[900];

static uint32_t short_id(uint64_t stable_id)
{
    uint32_t h = (uint32_t)(stable_id ^ (stable_id >> 32));
    return h == EXPLORE_NO_AGENT ? 1 : h;
}

uint32_t explorable_agent_id(const struct agent *a)
{
    return short_id(a->stable_id);
}

/* ---- what a step touched ---- */

static void on_access(uint64_t object, unsigned kind, unsigned lock)
{
    if (MACHINE->fiber && MACHINE->fiber->quiet)
        return;
    if (access_count == MAX_ACCESSES) {
        overflow = true;
        return;
    }
    accesses[access_count++] = (struct explore_access) { sim_key_of(object), (uint8_t)kind, (uint8_t)lock };
}

static void on_create(struct agent *a)
{
    if (created_count < MAX_AGENTS)
        created[created_count++] = explorable_agent_id(a);
}

static void on_join(const struct agent *a)
{
    if (joined_count < MAX_AGENTS)
        everybody[joined_count++] = explorable_agent_id(a);
}

static void on_opaque(const char *why)
{
    if (!opaque)
        opaque = why;
}

const char *explorable_opaque(void)
{
    return opaque;
}

/* ---- callbacks ---- */

static bool guarded;

void explorable_guard(bool on)
{
    guarded = on;
}

static bool any_time;

void explorable_any_time(bool on)
{
    any_time = on;
}

static void reset(void *context)
{
    sim_snapshot_restore(start);
    session_guard(guarded);
    MACHINE->time_any |= any_time;
}

static enum explore_status status_at_end(void)
{
    struct outcome o;
    race_sweep_note();
    if (MACHINE->end == RUN_STALE)
        return EXPLORE_FUTILE;
    if (MACHINE->end == RUN_LIVELOCK)
        return MACHINE->round_step_count ? EXPLORE_FAILED : EXPLORE_DEADLOCK; /* who goes round can go on */
    if (MACHINE->end == RUN_SPIN)
        return EXPLORE_CUT; /* whoever explores sees spins_waiting and begins anew */
    session_outcome(&o);
    if (o.kind == FAILURE_NONE)
        return EXPLORE_DONE;
    return o.kind == FAILURE_DEADLOCK ? EXPLORE_DEADLOCK : EXPLORE_FAILED;
}

/* What its next operation touches first, where that is known: it stands at a point, not in a wait. */
static uint64_t next_of(const struct agent *a)
{
    return a->at_point || a->gate ? sim_key_of(a->next_object) : 0;
}

static enum explore_status point(void *context, struct explore_point *out)
{
    struct machine *m = MACHINE;
    memset(out, 0, sizeof *out);
    out->running = EXPLORE_NO_AGENT;
    if (!sim_run())
        return status_at_end();
    const struct sim_choice *c = &m->choice;
    out->enabled = enabled;
    if (c->kind == CHOICE_DATA) {
        enabled[0] = (struct explore_agent) { explorable_agent_id(m->last), (1u << c->n) - 1, 0 };
        out->enabled_count = 1;
        out->running = enabled[0].id;
        out->running_can_go_on = true;
        return EXPLORE_RUNNING;
    }
    for (unsigned i = 0; i < c->n; i++)
        enabled[i] = (struct explore_agent) { explorable_agent_id(m->agents[c->agents[i]]), 1, 0, next_of(m->agents[c->agents[i]]),
                                               m->agents[c->agents[i]]->promise == PROMISES_READ };
    out->enabled_count = c->n;
    if (m->last)
        out->running = explorable_agent_id(m->last);
    out->running_can_go_on = c->preempts != 0;
    return EXPLORE_RUNNING;
}

/* In the idle model time goes on because nobody else can: that depends on all that has happened. So does that of those loops that wait in
 * vain the next has a turn. */
static unsigned join_everybody(void)
{
    struct machine *m = MACHINE;
    if (m->time_any)
        return joined_count;
    for (uint32_t i = 0; i < m->agent_count; i++)
        everybody[i] = explorable_agent_id(m->agents[i]);
    for (uint32_t i = 0; i < m->gone_count; i++)
        everybody[m->agent_count + i] = short_id(m->gone[i]);
    return m->agent_count + m->gone_count;
}

/* The export that it is in, from 1; 0: none. */
static uint32_t operation_of(const struct agent *a)
{
    if (a->kind == AGENT_CLOCK || (a->fiber.guest_sp & 0xFFF) + sizeof(struct door_frame) > 0x1000)
        return 0;
    uint64_t index;
    bool known = sim_peek(&index, a->fiber.guest_sp + offsetof(struct door_frame, index));
    return known && index < door_count && door_site((uint32_t)index) == a->fiber.frame_site ? (uint32_t)index + 1 : 0;
}

/* One that stands in a point, not at a gate and not in a wait, is enabled until it runs. */
static uint32_t flags_of(const struct agent *a)
{
    bool free = a->at_point && !a->gate && !a->spin_on && !a->spinning && !a->awaits && !a->at_await && !a->at_round && !a->dpc && a->kind == AGENT_THREAD && !MACHINE->processors_matter;
    return free ? EXPLORE_NEVER_WAITS : 0;
}

/* ---- steps that begin with an atomic instruction ----
 * The reduction asks what an operation touches that it has not seen run in that state, and has to try it unless it knows. Of an atomic instruction
 * it does, if what follows up to the next point touches nothing. That is taken for granted until a step is seen that does; then the
 * instruction is noted, and the search begins again without that promise. Nothing is lost: an order that was left out because of it has
 * another one, explored, in which the same instruction finds the same in memory and in its registers, and would have been seen to touch more. */

static bool promises;
#define GATES "*" /* on the list of spins: no image, but an export */
enum { PROMISES_LOCK = PROMISES_OBJECTS + 1 };

void explorable_promises(bool on)
{
    promises = on;
}

struct promise {
    uint64_t rip, at, thread;
    uint32_t op; /* of a gate: the export, from 1 */
    uint8_t bytes, kind;
};

static bool is_noted(uint64_t rip)
{
    const struct image *i = spins_any_more() ? image_at(rip) : NULL;
    return i && i->file && spins_is_more(i->file->name, (uint32_t)(rip - i->base));
}

/* Taking a lock touches the lock, as long as what follows touches nothing. Who was told to end takes none. */
static struct promise promise_of_gate(const struct agent *a)
{
    uint32_t op = a->told || MACHINE->gates_open ? 0 : operation_of(a);
    bool noted = !op || (spins_any_more() && spins_is_more(GATES, op));
    return (struct promise) { .at = sim_key_of(a->next_object), .thread = sim_key_of((uint64_t)a->thread_object), .op = op, .kind = noted ? PROMISES_NOTHING : PROMISES_LOCK };
}

static struct promise promise_of_atomic(const struct agent *a)
{
    bool noted = !a->promise || !a->promised_bytes || a->at_await || is_noted(a->atomic_rip);
    return (struct promise) { a->atomic_rip, a->promised_at, sim_key_of((uint64_t)a->thread_object), 0, a->promised_bytes, noted ? PROMISES_NOTHING : a->promise };
}

static struct promise promise_of(const struct agent *a)
{
    if (!promises || !a->at_point || a->at_round || a->kind != AGENT_THREAD || a->dpc || MACHINE->processors_matter)
        return (struct promise) { .kind = PROMISES_NOTHING };
    return a->gate ? promise_of_gate(a) : promise_of_atomic(a);
}

static bool kept(const struct promise *p)
{
    uint64_t key = p->at & ~3ull;
    unsigned n = access_count, i = 0;
    if (MACHINE->end != RUN_GOING || created_count || joined_count || overflow)
        return false;
    if (MACHINE->may_spin) { /* it may have changed what a loop looks at: the last thing that is told of a step */
        if (!n || accesses[n - 1].object != SIM_ACCESS_MEMORY || accesses[n - 1].kind != SIM_COMMUTE)
            return false;
        n--;
    }
    if (!n || accesses[0].object != p->thread || accesses[0].kind != SIM_READ) /* whoever goes on looks for APCs */
        return false;
    if (p->kind == PROMISES_LOCK) {
        for (i++; i < n; i++)
            if (accesses[i].object != p->at || accesses[i].kind != SIM_WRITE)
                return false;
        return n > 1;
    }
    for (i++; i < n; i++, key += 4)
        if (accesses[i].object != key || accesses[i].lock || (p->kind == PROMISES_READ && accesses[i].kind != SIM_READ) ||
            (p->kind == PROMISES_WRITE && accesses[i].kind != SIM_WRITE) || accesses[i].kind > SIM_WRITE)
            return false;
    return key >= p->at + p->bytes && key < p->at + p->bytes + 4;
}

static uint32_t promised(const struct promise *p)
{
    if (p->kind == PROMISES_NOTHING)
        return 0;
    if (kept(p))
        return p->kind == PROMISES_OBJECTS ? EXPLORE_SAME_OBJECTS : EXPLORE_FIXED;
    if (p->kind == PROMISES_LOCK) {
        spins_note_more(GATES, p->op);
        return 0;
    }
    const struct image *i = image_at(p->rip);
    spins_note_more(i && i->file ? i->file->name : "", i && i->file ? (uint32_t)(p->rip - i->base) : 0);
    return 0;
}

/* It ends where it would have taken a lock: could that have been had before it was told to, it would have. */
static void ends_at_gate(const struct agent *a)
{
    if (a->gate && a->told)
        accesses[access_count++] = (struct explore_access) { sim_key_of(a->next_object), EXPLORE_READ, EXPLORE_NOT_A_LOCK };
}

static void step(void *context, uint32_t agent, unsigned alternative, struct explore_event *out)
{
    struct machine *m = MACHINE;
    access_count = 0;
    created_count = joined_count = 0;
    overflow = false;
    bool clock = false;
    uint32_t op = 0, flags = 0;
    bool stands = sim_run(), last_resort = m->last_resort; /* prefixes are replayed without looking at the points between */
    IR_ASSERT(stands);
    if (m->choice.kind == CHOICE_DATA) {
        sim_decide(alternative);
    } else {
        unsigned i = 0;
        while (i < m->choice.n && explorable_agent_id(m->agents[m->choice.agents[i]]) != agent)
            i++;
        IR_ASSERT(i < m->choice.n);
        clock = m->agents[m->choice.agents[i]] == m->clock;
        op = operation_of(m->agents[m->choice.agents[i]]);
        flags = flags_of(m->agents[m->choice.agents[i]]);
        ends_at_gate(m->agents[m->choice.agents[i]]);
        struct promise p = promise_of(m->agents[m->choice.agents[i]]);
        sim_decide(i);
        flags |= promised(&p);
    }
    unsigned joins = clock || last_resort ? join_everybody() : joined_count;
    if (overflow) /* more than can be told apart: one access that conflicts with everything of its kind is the safe answer */
        access_count = 0, on_access(SIM_ACCESS_EVERYTHING, EXPLORE_WRITE, 0), on_opaque("a step touched more objects than can be told apart");
    *out = (struct explore_event) { .accesses = accesses, .access_count = access_count, .enables = created, .enables_count = created_count,
                                    .joins = everybody, .joins_count = joins, .op = op, .flags = flags };
}

/* ---- who waits ---- */

/* By what its operation becomes enabled: what the one behind a gate would touch; for a thread that waits, its KTHREAD, which ending its
 * wait writes. */
static void waits_for(const struct agent *a, struct explore_access *out, unsigned *count)
{
    const struct thread *t = a->thread;
    unsigned n = 0;
    if (a->gate || a->gave_up)
        out[n++] = (struct explore_access) { a->gate ? a->next_object : a->gave_up, EXPLORE_WRITE, EXPLORE_NOT_A_LOCK };
    else if (a->spin_on)
        out[n++] = (struct explore_access) { a->why_object, EXPLORE_WRITE, EXPLORE_NOT_A_LOCK };
    if (t && t->ethread)
        out[n++] = (struct explore_access) { (uint64_t)t->ethread, EXPLORE_READ, EXPLORE_NOT_A_LOCK };
    for (unsigned i = 0; a->awaits && i < a->looked_count; i++)
        out[n++] = (struct explore_access) { a->looked[i], EXPLORE_READ, EXPLORE_NOT_A_LOCK };
    for (uint64_t at = a->await_object & ~3ull; a->at_await && at < a->await_object + a->await_bytes; at += 4)
        out[n++] = (struct explore_access) { at, EXPLORE_READ, EXPLORE_NOT_A_LOCK };
    if (a->spinning && !a->awaits)
        out[n++] = (struct explore_access) { SIM_ACCESS_MEMORY, EXPLORE_READ, EXPLORE_NOT_A_LOCK };
    if (a->kind == AGENT_DPC)
        out[n++] = (struct explore_access) { a->stable_id, EXPLORE_READ, EXPLORE_NOT_A_LOCK };
    if (a->state == AGENT_WAITING && a->why_object && !a->gave_up)
        out[n++] = (struct explore_access) { a->why_object, EXPLORE_READ, EXPLORE_NOT_A_LOCK };
    for (unsigned i = 0; i < n; i++)
        out[i].object = sim_key_of(out[i].object);
    *count = n;
}

static bool does_wait(const struct agent *a, bool chosen_among)
{
    if (a->state == AGENT_DEAD || a->state == AGENT_FREE || a->kind == AGENT_CLOCK)
        return false;
    for (unsigned i = 0; chosen_among && i < MACHINE->choice.n; i++)
        if (MACHINE->choice.agents[i] == a->id && !MACHINE->choice_wanted)
            return false;
    return true;
}

static unsigned waiting(void *context, const struct explore_waiting **out)
{
    static struct explore_waiting list[MAX_AGENTS];
    static struct explore_access touched[MAX_AGENTS][24];
    const struct machine *m = MACHINE;
    unsigned n = 0;
    bool stands = sim_run(); /* it may have been brought here by steps, and nobody has looked since who can go on */
    for (uint32_t i = 0; i < m->agent_count; i++) {
        const struct agent *a = m->agents[i];
        if (!does_wait(a, stands))
            continue;
        list[n] = (struct explore_waiting) { explorable_agent_id(a), touched[n], 0 };
        waits_for(a, touched[n], &list[n].access_count);
        n++;
    }
    *out = list;
    return n;
}

static void outcome(void *context, struct explore_outcome *out)
{
    struct outcome o;
    session_outcome(&o);
    snprintf(outcome_text, sizeof outcome_text, "%s: %s", failure_kind_text(o.kind), o.message);
    out->key = o.key;
    out->text = outcome_text;
}

static void *snapshot(void *context)
{
    return sim_snapshot_take();
}

static unsigned cost(void *context, const void *s)
{
    return sim_snapshot_cost(s);
}

static void restore(void *context, void *s)
{
    sim_snapshot_restore(s);
}

static void discard(void *context, void *s)
{
    sim_snapshot_free(s);
}

const struct explore_machine *explorable_open(const struct config *config)
{
    static const struct explore_machine machine = { .reset = reset, .point = point, .step = step, .outcome = outcome, .waiting = waiting, .snapshot = snapshot, .cost = cost, .restore = restore, .discard = discard };
    session_begin(config);
    guarded = config->guard;
    MACHINE->every_point = true;
    MACHINE->point_limit = 1000000;
    sim_access_listen(on_access);
    sim_create_hook = on_create;
    sim_join_hook = on_join;
    sim_opaque_hook = on_opaque;
    sim_snapshot_watch();
    start = sim_snapshot_take();
    return &machine;
}
