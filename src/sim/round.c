#include "sim/round.h"

#include "sim/access.h"
#include "sim/await.h"
#include "sim/door.h"
#include "sim/image.h"
#include "sim/spins.h"

enum { LONGEST_ROUND = 64, MOST_VAIN_TRIALS = 200, NEAR = 16 };

static unsigned vain_trials; /* of the process: what code does stays as it is */

static uint64_t mixed(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ (b + 0x9E3779B97F4A7C15ull)) * 0xBF58476D1CE4E5B9ull;
    return h ^ (h >> 29);
}

/* ---- where an agent stands ---- */

/* The frame of the export that the guest has called: below it lie those that functions of ours have made. sp 0: there is none. */
struct call {
    uint64_t sp, returns;
    uint32_t op; /* the export, from 1 */
};

static struct call call_of(const struct agent *a)
{
    enum { MOST_FRAMES = 12 };
    uint64_t site = a->fiber.frame_site, sp = a->fiber.guest_sp, index, user[4];
    for (unsigned i = 0; i < MOST_FRAMES; i++) {
        if (sim_peek(&index, sp + offsetof(struct door_frame, index)) && index < door_count && door_site((uint32_t)index) == site) {
            struct call c = { .sp = sp, .op = (uint32_t)index + 1 };
            return sim_peek(&c.returns, sp + offsetof(struct door_frame, return_address)) ? c : (struct call) { 0 };
        }
        enum frame_name frame = door_frame_at(site);
        if (frame == FRAME_NONE)
            break;
        sp += door_frame_size(frame);
        if (frame == FRAME_KiSystemServiceCopyEnd) {
            if (!sim_peek(&user, sp))
                break;
            site = user[0];
            sp = user[3];
        } else {
            if (!sim_peek(&site, sp))
                break;
            sp += 8;
        }
    }
    return (struct call) { 0 };
}

/* What it will do next depends on the registers that its call keeps, which lie in the frame, and on what is near on its stack. */
static uint64_t state_in_call(const struct agent *a, const struct call *c)
{
    uint64_t words[8 + NEAR], h = mixed(a->fiber.frame_site, c->sp);
    if (!c->sp)
        return mixed(h, a->fiber.guest_sp);
    bool near = (c->sp & 0xFFF) + sizeof(struct door_frame) + 8 * NEAR <= 0x1000;
    bool known = host_peek(words, c->sp + offsetof(struct door_frame, rbx), 64);
    near = near && host_peek(words + 8, c->sp + offsetof(struct door_frame, return_address), 8 * NEAR);
    for (unsigned i = 0; i < (near ? 8 + NEAR : 8) && known; i++)
        h = mixed(h, words[i]);
    return h;
}

static const char *name_of(const struct image *image)
{
    return image->file ? image->file->name : image->name;
}

static bool is_known(uint64_t rip)
{
    const struct image *image = rip ? image_at(rip) : NULL;
    return image && spins_is_round(name_of(image), (uint32_t)(rip - image->base));
}

/* Steps of others that may have changed something for it. */
static uint64_t others_progress(const struct agent *a)
{
    return MACHINE->progress - a->own_progress;
}

static void forget(struct agent *a)
{
    a->round_count = 0;
    a->round_closed = false;
}

/* ---- suspicion ---- */

/* Of its first points the newest are kept; later one at distances that double, to see whether it comes there again (Brent's way of finding a cycle). */
static bool comes_again(struct agent *a, uint64_t key)
{
    enum { MOST = sizeof a->marks / sizeof a->marks[0], FIRST_POINTS = 64 };
    bool first = a->mark_passed++ < FIRST_POINTS;
    for (unsigned i = 0; i < (first ? MOST : 1); i++)
        if (a->marks[i] == key)
            return true;
    if (first)
        a->marks[a->mark_passed % MOST] = key;
    else if (!(a->mark_passed & (a->mark_passed - 1)))
        a->marks[0] = key;
    return false;
}

/* Where it stands, in what state. */
static void look_at(struct agent *a, uint64_t rip, uint64_t state)
{
    struct call c = { 0 };
    if (!rip) {
        c = call_of(a);
        state = state_in_call(a, &c);
    }
    a->round_rip = rip ? rip : c.returns;
    a->round_op = c.op;
    a->round_key = mixed(a->round_rip, state);
}

void round_arrive(struct agent *a, uint64_t rip, uint64_t state)
{
    enum { MOST = sizeof a->round_seen / sizeof a->round_seen[0] };
    struct machine *m = MACHINE;
    a->at_round = false;
    if (!m->every_point || a->kind != AGENT_THREAD)
        return;
    bool suspicious = !m->probing && !m->last_resort && vain_trials < MOST_VAIN_TRIALS;
    if (!m->probing && !suspicious && !spins_any_round())
        return;
    look_at(a, rip, state);
    if (m->probing)
        return;
    if (suspicious && comes_again(a, a->round_key))
        m->suspect = a->id + 1u;
    a->at_round = spins_any_round() && is_known(a->round_rip);
    if (!a->at_round || a->round_count == MOST || a->round_progress != others_progress(a)) {
        forget(a);
        a->round_progress = others_progress(a);
    }
    if (!a->at_round)
        return;
    for (unsigned i = 0; i < a->round_count; i++)
        a->round_closed |= a->round_seen[i] == a->round_key;
    a->round_seen[a->round_count++] = a->round_key;
}

/* ---- trying ---- */

typedef bool meanwhile(struct machine *m, const struct agent *a);

static struct round_step steps[ROUND_STEPS];
static unsigned step_count;

static void keep_step(const struct agent *a)
{
    if (step_count < ROUND_STEPS)
        steps[step_count++] = (struct round_step) { a->id, a->round_op, a->round_rip };
}

/* Steps until the agent is where it was, in the same state. False: it does something else. */
static bool goes_round(struct machine *m, struct agent *a, bool keep, meanwhile *other)
{
    uint64_t key = a->round_key;
    for (unsigned i = 0; i < LONGEST_ROUND; i++) {
        if (!sim_can_step(m, a))
            return false;
        if (keep && a->round_key)
            keep_step(a);
        a->round_calls = a->round_op != 0;
        a->round_key = 0; /* of a point that nobody tells a place of it stays so */
        sim_step(m, a);
        if (m->end != RUN_GOING || m->choice_wanted || m->time_asked)
            return false;
        if (other && other(m, a))
            return false;
        if (a->round_key == key)
            return true;
    }
    return false;
}

/* Alone it goes round for ever: the first round may leave something behind, the second leaves all as it was. */
static bool goes_round_for_ever(struct machine *m, struct agent *a, meanwhile *other)
{
    uint64_t key = a->round_key, was;
    if (!goes_round(m, a, true, other) || a->round_key != key)
        return false;
    was = await_visible(m);
    return goes_round(m, a, false, other) && await_visible(m) == was;
}

/* What a call changes; what atomic instructions change sim_turn sees. */
static void on_access(uint64_t object, unsigned kind, unsigned lock)
{
    struct machine *m = MACHINE;
    m->round_works |= kind != SIM_READ && m->fiber && m->fiber->round_calls;
}

/* Rounds that only look are no rounds in this sense: sim/await.h, and who polls (sim_point). */
static bool tried(struct machine *m, struct agent *a)
{
    struct await_trial t;
    step_count = 0;
    await_trial_begin(m, &t);
    sim_access_listen(on_access);
    m->time_asked = m->round_works = false;
    bool round = goes_round_for_ever(m, a, NULL) && m->round_works;
    await_trial_end(&t);
    return round;
}

void round_learn(struct machine *m)
{
    struct agent *a = m->agents[m->suspect - 1];
    m->suspect = 0;
    if (m->probing || !sim_can_step(m, a) || !a->round_key)
        return;
    if (!tried(m, a)) {
        vain_trials++;
        return;
    }
    for (unsigned i = 0; i < step_count; i++) {
        const struct image *image = steps[i].rip ? image_at(steps[i].rip) : NULL;
        if (image)
            spins_note_round(name_of(image), (uint32_t)(steps[i].rip - image->base));
    }
}

void round_close(struct machine *m, struct agent *a)
{
    forget(a);
    if (!a->at_round || !sim_can_step(m, a) || !tried(m, a))
        return;
    a->spinning = a->rounds = true;
    a->spin_progress = m->progress;
}

/* ---- who goes round for ever ---- */

/* Somebody else could go on who could not before: whoever is fair would let it. */
static bool others_can(struct machine *m, const struct agent *round)
{
    for (uint32_t i = 0; i < m->agent_count; i++) {
        struct agent *a = m->agents[i];
        if (a == round || a->round_member || !sim_can_step(m, a))
            continue;
        if (!a->at_await)
            return true;
        m->probing = false;
        bool open = await_open(m, a);
        m->probing = true;
        if (open)
            return true;
    }
    return false;
}

void round_stuck(struct machine *m)
{
    bool any = false;
    if (m->round_looked_at == m->progress + 1)
        return;
    for (uint32_t i = 0; i < m->agent_count; i++) {
        struct agent *a = m->agents[i];
        a->round_member = sim_can_step(m, a) && a->at_round;
        any |= a->round_member;
        if (!a->round_member && sim_can_step(m, a) && (!a->at_await || await_open(m, a)))
            return;
    }
    if (!any)
        return;
    m->round_looked_at = m->progress + 1;
    struct await_trial t;
    bool stuck = true;
    step_count = 0;
    await_trial_begin(m, &t);
    m->time_asked = false;
    for (uint32_t i = 0; i < m->agent_count && stuck; i++)
        if (m->agents[i]->round_member)
            stuck = goes_round_for_ever(m, m->agents[i], others_can);
    await_trial_end(&t);
    if (!stuck)
        return;
    for (m->round_step_count = 0; m->round_step_count < step_count; m->round_step_count++)
        m->round_steps[m->round_step_count] = steps[m->round_step_count];
    m->end = RUN_LIVELOCK;
}
