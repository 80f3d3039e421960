#include "brute.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { MOST_EVENTS = 256 };

struct past {
    uint32_t clock[VM_THREADS];
    unsigned thread;
    uint64_t objects[4];
    uint8_t kinds[4];
    unsigned count;
    uint64_t hash;
};

struct entry {
    uint64_t key;
    int least; /* preemptions; INT8_MAX: not reached */
};

struct brute {
    struct vm vm;
    struct explore_machine machine;
    struct past past[MOST_EVENTS];
    unsigned depth;
    uint32_t own[VM_THREADS]; /* events of each thread */
    int enabler[VM_THREADS];
    struct entry *table;
    uint64_t count, size;
    struct entry *complete; /* classes, with their fewest preemptions */
    uint64_t complete_count, complete_size;
    uint64_t most;
    bool bounds;
    struct brute_result *out;
};

static uint64_t scramble(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

/* The entry of key; new ones have least = INT8_MAX. */
static struct entry *look_up(struct entry **table, uint64_t *count, uint64_t *size, uint64_t key, bool *fresh)
{
    if (*count * 2 >= *size) {
        uint64_t old = *size;
        struct entry *was = *table;
        *size = old ? old * 2 : 1024;
        *table = calloc(*size, sizeof **table);
        IR_ASSERT(*table);
        for (uint64_t i = 0; i < old; i++) {
            if (!was[i].key)
                continue;
            uint64_t at = was[i].key & (*size - 1);
            while ((*table)[at].key)
                at = (at + 1) & (*size - 1);
            (*table)[at] = was[i];
        }
        free(was);
    }
    uint64_t at = key & (*size - 1);
    while ((*table)[at].key && (*table)[at].key != key)
        at = (at + 1) & (*size - 1);
    *fresh = !(*table)[at].key;
    if (*fresh) {
        (*table)[at] = (struct entry){key, 127};
        ++*count;
    }
    return &(*table)[at];
}

static void join(uint32_t *into, const uint32_t *from)
{
    for (unsigned i = 0; i < VM_THREADS; i++)
        into[i] = from[i] > into[i] ? from[i] : into[i];
}

static bool conflict(const struct past *a, const struct past *b)
{
    for (unsigned i = 0; i < a->count; i++)
        for (unsigned j = 0; j < b->count; j++)
            if (a->objects[i] == b->objects[j] && (a->kinds[i] != b->kinds[j] || a->kinds[i] == EXPLORE_WRITE))
                return true;
    return false;
}

static uint64_t prefix_hash(const struct brute *b)
{
    uint64_t sum = 1;
    for (unsigned i = 0; i < b->depth; i++)
        sum += b->past[i].hash;
    return sum | 1;
}

static void push(struct brute *b, unsigned t, unsigned alternative, const struct explore_event *e)
{
    IR_ASSERT(b->depth < MOST_EVENTS);
    struct past *x = &b->past[b->depth];
    *x = (struct past){.thread = t, .count = e->access_count};
    for (unsigned i = 0; i < e->access_count; i++) {
        x->objects[i] = e->accesses[i].object;
        x->kinds[i] = e->accesses[i].kind;
    }
    for (unsigned i = 0; i < b->depth; i++) {
        const struct past *y = &b->past[i];
        bool joined = e->joins_count && y->thread == e->joins[0];
        if (y->thread == t || joined || b->enabler[t] == (int)i || conflict(x, y))
            join(x->clock, y->clock);
    }
    x->clock[t] = ++b->own[t];
    uint64_t h = scramble(t * 64 + alternative + 1);
    for (unsigned i = 0; i < VM_THREADS; i++)
        h = scramble(h * 31 + x->clock[i]);
    for (unsigned i = 0; i < x->count; i++)
        h = scramble(h ^ (x->objects[i] * 4 + x->kinds[i]));
    x->hash = h;
    if (e->enables_count)
        b->enabler[e->enables[0]] = (int)b->depth;
    b->depth++;
}

static void note_complete(struct brute *b, uint64_t hash, int preemptions, bool bad)
{
    bool fresh;
    struct entry *c = look_up(&b->complete, &b->complete_count, &b->complete_size, hash, &fresh);
    if (fresh) {
        b->out->classes++;
        b->out->failing += bad;
    }
    if (preemptions < c->least)
        c->least = preemptions;
}

/* A prefix class, with who ran last if preemptions matter, is entered again only when reached at a smaller cost. */
static void walk(struct brute *b, int preemptions)
{
    struct explore_point at;
    enum explore_status status = b->machine.point(b->machine.context, &at);
    uint64_t hash = prefix_hash(b), key = hash;
    if (b->bounds && at.running_can_go_on)
        key = scramble(hash + at.running + 1) | 1;
    bool fresh;
    struct entry *e = look_up(&b->table, &b->count, &b->size, key, &fresh);
    if (!fresh && (!b->bounds || e->least <= preemptions))
        return;
    e->least = preemptions;
    if (status == EXPLORE_FAILED && preemptions < b->out->least[b->vm.state.key])
        b->out->least[b->vm.state.key] = preemptions;
    if (status == EXPLORE_FUTILE)
        return;
    if (status != EXPLORE_RUNNING) {
        note_complete(b, hash, preemptions, status != EXPLORE_DONE);
        return;
    }
    if (b->count > b->most) {
        b->out->too_large = true;
        return;
    }
    struct explore_agent enabled[VM_THREADS];
    unsigned n = at.enabled_count, running = at.running;
    bool can_go_on = at.running_can_go_on;
    memcpy(enabled, at.enabled, n * sizeof *enabled);
    struct vm_state state = b->vm.state;
    int enabler[VM_THREADS];
    memcpy(enabler, b->enabler, sizeof enabler);
    for (unsigned i = 0; i < n && !b->out->too_large; i++)
        for (uint32_t left = enabled[i].alternatives; left; left &= left - 1) {
            unsigned alternative = (unsigned)__builtin_ctz(left);
            struct explore_event event;
            b->machine.step(b->machine.context, enabled[i].id, alternative, &event);
            push(b, enabled[i].id, alternative, &event);
            walk(b, preemptions + (can_go_on && enabled[i].id != running));
            b->depth--;
            b->own[enabled[i].id]--;
            memcpy(b->enabler, enabler, sizeof enabler);
            b->vm.state = state;
        }
}

void brute_force(const struct vm_program *program, uint64_t most, bool bounds, struct brute_result *out)
{
    struct brute *b = calloc(1, sizeof *b);
    IR_ASSERT(b);
    *out = (struct brute_result){0};
    for (unsigned i = 0; i < BRUTE_KEYS; i++)
        out->least[i] = 127;
    b->most = most;
    b->bounds = bounds;
    b->out = out;
    vm_init(&b->vm, program);
    b->machine = vm_machine(&b->vm);
    for (unsigned i = 0; i < VM_THREADS; i++)
        b->enabler[i] = -1;
    b->machine.reset(b->machine.context);
    walk(b, 0);
    for (uint64_t i = 0; i < b->complete_size; i++)
        for (int k = b->complete[i].key ? b->complete[i].least : BRUTE_BOUNDS; k < BRUTE_BOUNDS; k++)
            out->within[k]++;
    out->prefixes = b->count;
    vm_free(&b->vm);
    free(b->table);
    free(b->complete);
    free(b);
}
