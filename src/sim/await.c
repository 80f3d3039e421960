#include "sim/await.h"

#include <stdlib.h>
#include <string.h>

#include "sim/access.h"
#include "sim/image.h"
#include "sim/spins.h"

enum { LONGEST_ROUND = 64, MOST_REJECTED = 256 };

/* Of the process, not of a run: what was found out about code, which stays as it is. */
static struct {
    uint64_t *keys; /* open addressing; 0 = free */
    bool *open;
    size_t size, count;
} known;
static uint64_t rejected[MOST_REJECTED];
static unsigned rejected_count;

static uint64_t mixed(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ (b + 0x9E3779B97F4A7C15ull)) * 0xBF58476D1CE4E5B9ull;
    return h ^ (h >> 29);
}

/* ---- places ---- */

static const char *name_of(const struct image *image)
{
    return image->file ? image->file->name : image->name;
}

static bool is_await(uint64_t rip, bool *yields)
{
    *yields = false;
    if (!spins_any_await())
        return false;
    const struct image *image = image_at(rip);
    return image && spins_is_await(name_of(image), (uint32_t)(rip - image->base), yields);
}

static bool is_rejected(uint64_t rip)
{
    for (unsigned i = 0; i < rejected_count; i++)
        if (rejected[i] == rip)
            return true;
    return false;
}

/* The round that ends where it is now becomes the first of what is kept. False: it has not been here. */
static bool close_round(struct agent *a, uint64_t key)
{
    unsigned i = 0;
    while (i < a->seen_count && a->seen[i] != key)
        i++;
    if (i == a->seen_count)
        return false;
    a->round = (uint8_t)(a->seen_count - i);
    memmove(a->seen, a->seen + i, a->round * sizeof a->seen[0]);
    memmove(a->looks, a->looks + i, a->round * sizeof a->looks[0]);
    return true;
}

void await_arrive(struct agent *a, uint64_t rip, uint64_t state, bool changed, uint64_t object, unsigned bytes)
{
    enum { MOST = sizeof a->seen / sizeof a->seen[0] };
    struct machine *m = MACHINE;
    uint64_t key = mixed(mixed(rip, object), state);
    if (a->seen_count)
        memcpy(a->looks[a->seen_count - 1].found, a->atomic_was, sizeof a->atomic_was);
    a->closed = !changed && close_round(a, key);
    if (changed || a->closed || a->seen_count == MOST)
        a->seen_count = 0;
    a->await_rip = rip;
    a->await_object = object;
    a->await_bytes = (uint8_t)(bytes > sizeof a->atomic_was ? sizeof a->atomic_was : bytes);
    if (!a->closed)
        a->looks[a->seen_count] = (struct await_look) { .rip = rip, .object = object, .bytes = a->await_bytes };
    a->seen[a->seen_count++] = key;
    /* One that closes a round all the same does more than wait, or nobody else can go on: it takes turns as other loops do (sim_turn). */
    bool is = m->every_point && is_await(rip, &a->await_yields);
    a->at_await = is && (!a->closed || m->probing);
    /* Of a known loop too: this may be a way round through an instruction that no thread had come round by before. */
    if (a->closed && m->every_point && !m->probing && !m->last_resort && !is_rejected(rip))
        m->closed_by = a->id + 1u;
}

/* ---- trying ---- */

void await_trial_begin(struct machine *m, struct await_trial *t)
{
    *t = (struct await_trial){ sim_snapshot_take(), sim_access_listen(NULL), sim_create_hook, sim_join_hook, sim_opaque_hook, sim_sync };
    sim_create_hook = NULL;
    sim_join_hook = NULL;
    sim_opaque_hook = NULL;
    sim_sync_set(NULL);
    m->probing = true;
}

void await_trial_end(struct await_trial *t)
{
    sim_snapshot_restore(t->before);
    sim_snapshot_free(t->before);
    sim_access_listen(t->access);
    sim_create_hook = t->create;
    sim_join_hook = t->join;
    sim_opaque_hook = t->opaque;
    sim_sync_set(t->sync);
}

/* A step of the agent. True: it has closed a round. */
static bool closes(struct machine *m, struct agent *a)
{
    a->closed = false;
    sim_step(m, a);
    return m->end == RUN_GOING && !m->choice_wanted && a->turning && a->closed;
}

/* Steps until it closes a round. False: it does something else. */
static bool goes_round(struct machine *m, struct agent *a, uint64_t *rips, unsigned *count, bool *yields)
{
    for (unsigned i = 0; i < LONGEST_ROUND; i++) {
        if (!sim_can_step(m, a))
            return false;
        a->paused = false;
        bool closed = closes(m, a);
        if (m->end != RUN_GOING || m->choice_wanted || !a->turning)
            return false;
        if (rips)
            rips[(*count)++] = a->await_rip;
        if (yields)
            *yields |= a->paused;
        if (closed)
            return true;
    }
    return false;
}

static void grow(void)
{
    size_t size = known.size ? known.size * 2 : 1024;
    uint64_t *keys = calloc(size, sizeof *keys);
    bool *open = calloc(size, sizeof *open);
    if (!keys || !open)
        base_panic("out of memory while exploring");
    for (size_t i = 0; i < known.size; i++) {
        size_t at = known.keys[i] & (size - 1);
        while (known.keys[i] && keys[at])
            at = (at + 1) & (size - 1);
        if (known.keys[i]) {
            keys[at] = known.keys[i];
            open[at] = known.open[i];
        }
    }
    free(known.keys);
    free(known.open);
    known.keys = keys;
    known.open = open;
    known.size = size;
}

bool await_stands_in(const struct agent *a)
{
    bool yields;
    return a->seen_count && is_await(a->looks[a->seen_count - 1].rip, &yields);
}

bool await_open(struct machine *m, struct agent *a)
{
    uint64_t value[2] = { 0, 0 }, key = mixed(a->seen[a->seen_count - 1], 0);
    if (a->told)
        return true;
    if (!host_peek(value, a->await_object, a->await_bytes))
        return true; /* it faults */
    for (unsigned i = 0; i < a->seen_count; i++)
        key += mixed(a->seen[i], 1);
    key = mixed(mixed(key, value[0]), value[1]) | 1;
    if (known.count * 2 >= known.size)
        grow();
    size_t at = key & (known.size - 1);
    while (known.keys[at] && known.keys[at] != key)
        at = (at + 1) & (known.size - 1);
    if (known.keys[at])
        return known.open[at];
    struct await_trial t;
    await_trial_begin(m, &t);
    bool open = !closes(m, a);
    await_trial_end(&t);
    known.keys[at] = key;
    known.open[at] = open;
    known.count++;
    return open;
}

/* ---- learning ---- */

uint64_t await_visible(const struct machine *m)
{
    uint64_t h = 0;
    for (uint32_t i = 0; i < m->segment_count; i++) {
        const struct segment *s = &m->segments[i];
        if (!s->hashed)
            continue;
        uint64_t at = s->base, end = s->base + (s->kind == SEGMENT_PLAIN ? s->used : s->size), word;
        for (; at + 8 <= end; at += 8)
            h = host_peek(&word, at, sizeof word) ? mixed(h, word) : mixed(h, at);
    }
    return h;
}

static void reject(uint64_t rip)
{
    if (rejected_count < MOST_REJECTED)
        rejected[rejected_count++] = rip;
}

/* Memory is again as the looks of its round have found it, whatever others have done since. */
static bool found_again(struct agent *a)
{
    for (unsigned i = 0; i < a->round; i++)
        if (!host_guarded_copy((void *)a->looks[i].object, a->looks[i].found, a->looks[i].bytes))
            return false;
    return true;
}

void await_learn(struct machine *m)
{
    struct agent *a = m->agents[m->closed_by - 1];
    uint64_t rips[LONGEST_ROUND], rip = a->await_rip;
    unsigned count = 0;
    m->closed_by = 0;
    if (!a->turning || m->probing || rejected_count == MOST_REJECTED)
        return;
    struct await_trial t;
    await_trial_begin(m, &t);
    bool yields = false, round = found_again(a) && goes_round(m, a, rips, &count, &yields);
    uint64_t was = round ? await_visible(m) : 0;
    round = round && goes_round(m, a, NULL, NULL, NULL) && await_visible(m) == was;
    await_trial_end(&t);
    if (!round) {
        reject(rip);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        const struct image *image = image_at(rips[i]);
        if (!image || !spins_note_await(name_of(image), (uint32_t)(rips[i] - image->base), yields))
            reject(rips[i]);
    }
}

/* ---- who waits for ever ---- */

enum verdict { STUCK, STALE, ODD };

static enum verdict verdict_on(struct machine *m, struct agent *a)
{
    struct await_trial t;
    await_trial_begin(m, &t);
    enum verdict v = ODD;
    if (closes(m, a)) {
        uint64_t head = a->seen[0];
        bool round = goes_round(m, a, NULL, NULL, NULL);
        v = round && a->seen[0] == head ? STUCK : STALE; /* or it has come to another loop */
    }
    await_trial_end(&t);
    return v;
}

void await_stuck(struct machine *m, bool time_can_pass)
{
    bool others = false;
    for (uint32_t i = 0; i < m->agent_count && m->end == RUN_GOING; i++) {
        struct agent *a = m->agents[i];
        if (!sim_can_step(m, a))
            continue;
        if (!a->at_await) {
            others = true;
            continue;
        }
        switch (verdict_on(m, a)) {
        case STUCK: break;
        case STALE: m->end = RUN_STALE; break;
        case ODD: /* it looks at something that nobody sees it look at */
            others = true;
            spins_forbid_await(name_of(image_at(a->await_rip)), (uint32_t)(a->await_rip - image_at(a->await_rip)->base));
            m->end = RUN_SPIN;
            break;
        }
    }
    if (m->end == RUN_GOING && !others && !time_can_pass)
        m->end = RUN_LIVELOCK;
}
