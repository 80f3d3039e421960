/* See detector.h. Clocks are arrays as long as the highest agent that they know of; words and keys are found by open addressing. */
#include "race/detector.h"

#include <string.h>

#include "base/assert.h"

struct clock {
    uint32_t count, room; /* of times */
    uint32_t *at;
};

struct sync {
    uint64_t key; /* 0: free */
    struct clock writes, reads;
};

/* An access that a later one may race with. */
struct cell {
    uint32_t next; /* index in cells, 0: none */
    uint32_t time; /* of its agent */
    uint64_t pc;
    uint32_t stack, locks;
    uint16_t agent;
    uint8_t mask; /* bytes of the word */
    uint8_t irql : 4;
    uint8_t write : 1;
    uint8_t atomic : 1;
};

struct word {
    uint64_t address; /* 0: free. Never freed again: an empty word keeps its place */
    uint32_t first; /* newest cell */
};

struct race_detector {
    void *(*alloc)(size_t);
    void (*free)(void *, size_t);
    struct clock agents[RACE_MAX_AGENTS];
    struct sync *syncs;
    size_t sync_count, sync_size;
    struct word *words;
    size_t word_count, word_size;
    struct cell *cells; /* from 1 */
    uint32_t cell_count, cell_room, cell_free;
    size_t cells_used;
};

struct race_detector *race_detector_new(void *(*alloc)(size_t), void (*free)(void *, size_t))
{
    struct race_detector *d = alloc(sizeof *d);
    d->alloc = alloc;
    d->free = free;
    d->cell_count = 1;
    return d;
}

static void *grow(struct race_detector *d, void *old, size_t old_bytes, size_t bytes)
{
    void *p = d->alloc(bytes);
    if (old_bytes) {
        memcpy(p, old, old_bytes);
        d->free(old, old_bytes);
    }
    return p;
}

static size_t hash(uint64_t key)
{
    key = (key ^ key >> 32) * 0x9E3779B97F4A7C15ull;
    return key ^ key >> 29;
}

/* ---- clocks ---- */

static void clock_reach(struct race_detector *d, struct clock *c, uint32_t count)
{
    if (count > c->room) {
        uint32_t room = (count + 7) & ~7u;
        c->at = grow(d, c->at, c->room * sizeof *c->at, room * sizeof *c->at);
        c->room = room;
    }
    if (count > c->count)
        c->count = count;
}

static void clock_join(struct race_detector *d, struct clock *into, const struct clock *from)
{
    clock_reach(d, into, from->count);
    for (uint32_t i = 0; i < from->count; i++)
        if (from->at[i] > into->at[i])
            into->at[i] = from->at[i];
}

static struct clock *agent_clock(struct race_detector *d, unsigned agent)
{
    IR_ASSERT(agent < RACE_MAX_AGENTS);
    struct clock *c = &d->agents[agent];
    if (c->count <= agent) {
        clock_reach(d, c, agent + 1);
        c->at[agent] = 1;
    }
    return c;
}

static bool knows(const struct clock *c, unsigned agent, uint32_t time)
{
    return agent < c->count && c->at[agent] >= time;
}

/* ---- synchronisation ---- */

static struct sync *sync_place(struct sync *table, size_t size, uint64_t key)
{
    size_t i = hash(key) & (size - 1);
    while (table[i].key && table[i].key != key)
        i = (i + 1) & (size - 1);
    return &table[i];
}

static struct sync *sync_find(struct race_detector *d, uint64_t key, bool make)
{
    if (make && d->sync_count * 2 >= d->sync_size) {
        size_t size = d->sync_size ? d->sync_size * 2 : 64;
        struct sync *table = d->alloc(size * sizeof *table);
        for (size_t i = 0; i < d->sync_size; i++)
            if (d->syncs[i].key)
                *sync_place(table, size, d->syncs[i].key) = d->syncs[i];
        if (d->sync_size)
            d->free(d->syncs, d->sync_size * sizeof *table);
        d->syncs = table;
        d->sync_size = size;
    }
    if (!d->sync_size)
        return NULL;
    struct sync *s = sync_place(d->syncs, d->sync_size, key);
    if (!s->key && !make)
        return NULL;
    d->sync_count += !s->key;
    s->key = key;
    return s;
}

void race_acquire(struct race_detector *d, unsigned agent, uint64_t key, bool reads)
{
    struct clock *c = agent_clock(d, agent);
    const struct sync *s = sync_find(d, key, false);
    if (!s)
        return;
    clock_join(d, c, &s->writes);
    if (reads)
        clock_join(d, c, &s->reads);
}

void race_release(struct race_detector *d, unsigned agent, uint64_t key)
{
    struct clock *c = agent_clock(d, agent);
    clock_join(d, &sync_find(d, key, true)->writes, c);
    c->at[agent]++;
}

void race_release_read(struct race_detector *d, unsigned agent, uint64_t key)
{
    struct clock *c = agent_clock(d, agent);
    clock_join(d, &sync_find(d, key, true)->reads, c);
    c->at[agent]++;
}

void race_edge(struct race_detector *d, unsigned from, unsigned to)
{
    struct clock *c = agent_clock(d, from);
    clock_join(d, agent_clock(d, to), c);
    c->at[from]++;
}

void race_agent_forget(struct race_detector *d, unsigned agent)
{
    struct clock *c = agent_clock(d, agent);
    uint32_t own = c->at[agent];
    memset(c->at, 0, c->count * sizeof *c->at);
    c->at[agent] = own;
}

/* ---- memory ---- */

static struct word *word_place(struct word *table, size_t size, uint64_t address)
{
    size_t i = hash(address >> 3) & (size - 1);
    while (table[i].address && table[i].address != address)
        i = (i + 1) & (size - 1);
    return &table[i];
}

static void words_grow(struct race_detector *d)
{
    size_t size = d->word_size ? d->word_size * 2 : 256, kept = 0;
    struct word *table = d->alloc(size * sizeof *table);
    for (size_t i = 0; i < d->word_size; i++)
        if (d->words[i].first) {
            *word_place(table, size, d->words[i].address) = d->words[i];
            kept++;
        }
    if (d->word_size)
        d->free(d->words, d->word_size * sizeof *table);
    d->words = table;
    d->word_size = size;
    d->word_count = kept;
}

static struct word *word_make(struct race_detector *d, uint64_t address)
{
    if (d->word_count * 2 >= d->word_size)
        words_grow(d);
    struct word *w = word_place(d->words, d->word_size, address);
    d->word_count += !w->address;
    w->address = address;
    return w;
}

static uint32_t cell_new(struct race_detector *d)
{
    uint32_t i = d->cell_free;
    d->cells_used++;
    if (i) {
        d->cell_free = d->cells[i].next;
        return i;
    }
    if (d->cell_count >= d->cell_room) {
        uint32_t room = d->cell_room ? d->cell_room * 2 : 256;
        d->cells = grow(d, d->cells, d->cell_room * sizeof *d->cells, room * sizeof *d->cells);
        d->cell_room = room;
    }
    return d->cell_count++;
}

static void cell_give_back(struct race_detector *d, uint32_t i)
{
    d->cells[i].next = d->cell_free;
    d->cell_free = i;
    d->cells_used--;
}

static void hand_out(const struct cell *c, uint64_t word, struct race_access *out)
{
    unsigned first = (unsigned)__builtin_ctz(c->mask);
    *out = (struct race_access) { .address = word + first, .pc = c->pc, .stack = c->stack, .locks = c->locks, .agent = c->agent, .irql = c->irql,
                                  .size = (uint8_t)(8 - (unsigned)__builtin_clz(c->mask) + 24 - first), .write = c->write, .atomic = c->atomic };
}

static bool conflicts(const struct cell *c, uint8_t mask, bool write, bool atomic)
{
    return (c->mask & mask) && (c->write || write) && !(c->atomic && atomic);
}

/* The new access stands for the older one in every race to come: the same or an ordered one, of no less effect, on no fewer bytes. */
static bool covered(const struct cell *c, uint8_t mask, bool write, bool atomic, bool ordered)
{
    return ordered && !(c->mask & ~mask) && (write || !c->write) && (!atomic || c->atomic);
}

/* One word's part of an access. */
static bool note_word(struct race_detector *d, uint64_t address, uint8_t mask, const struct race_access *a, struct race_access *other)
{
    const struct clock *clock = agent_clock(d, a->agent);
    uint32_t now = clock->at[a->agent];
    struct word *w = word_make(d, address);
    const struct cell *newest = &d->cells[w->first];
    if (w->first && newest->agent == a->agent && newest->time == now && !(mask & ~newest->mask) && (newest->write || !a->write) && newest->atomic == a->atomic)
        return false;
    bool races = false;
    for (uint32_t *at = &w->first; *at;) {
        struct cell *c = &d->cells[*at];
        bool ordered = c->agent == a->agent || knows(clock, c->agent, c->time);
        if (!ordered && !races && conflicts(c, mask, a->write, a->atomic)) {
            hand_out(c, address, other);
            races = true;
        }
        if (covered(c, mask, a->write, a->atomic, ordered)) {
            uint32_t gone = *at;
            *at = c->next;
            cell_give_back(d, gone);
        } else {
            at = &c->next;
        }
    }
    uint32_t fresh = cell_new(d);
    d->cells[fresh] = (struct cell) { .next = w->first, .time = now, .pc = a->pc, .stack = a->stack, .locks = a->locks, .agent = a->agent, .mask = mask,
                                      .irql = a->irql & 0xF, .write = a->write, .atomic = a->atomic };
    w->first = fresh;
    return races;
}

bool race_note(struct race_detector *d, const struct race_access *a, struct race_access *other)
{
    bool races = false;
    struct race_access found;
    for (uint64_t at = a->address, end = a->address + a->size; at < end;) {
        uint64_t word = at & ~7ull, stop = word + 8 < end ? word + 8 : end;
        uint8_t mask = (uint8_t)(((1u << (stop - at)) - 1) << (at & 7));
        if (note_word(d, word, mask, a, &found) && !races) {
            races = true;
            *other = found;
        }
        at = stop;
    }
    return races;
}

static bool end_word(struct race_detector *d, struct word *w, uint8_t mask, const struct race_access *by, struct race_access *other)
{
    bool races = false;
    const struct clock *clock = by ? agent_clock(d, by->agent) : NULL;
    for (uint32_t *at = &w->first; *at;) {
        struct cell *c = &d->cells[*at];
        if (by && !races && (c->mask & mask) && c->agent != by->agent && !knows(clock, c->agent, c->time)) {
            hand_out(c, w->address, other);
            races = true;
        }
        c->mask &= (uint8_t)~mask;
        if (c->mask) {
            at = &c->next;
            continue;
        }
        uint32_t gone = *at;
        *at = c->next;
        cell_give_back(d, gone);
    }
    return races;
}

static uint8_t part_of(uint64_t word, uint64_t address, uint64_t bytes)
{
    unsigned from = address > word ? (unsigned)(address - word) : 0, to = address + bytes < word + 8 ? (unsigned)(address + bytes - word) : 8;
    return (uint8_t)((0xFFu << from) & (0xFFu >> (8 - to)));
}

/* Of several races the one at the lowest address is told, however the table lies. */
static bool end_range(struct race_detector *d, uint64_t address, uint64_t bytes, const struct race_access *by, struct race_access *other)
{
    bool races = false;
    struct race_access found;
    uint64_t first = address & ~7ull, count = bytes ? (address + bytes - 1 - first) / 8 + 1 : 0;
    if (!d->word_size)
        return false;
    if (count <= d->word_size) {
        for (uint64_t word = first; count; word += 8, count--) {
            struct word *w = word_place(d->words, d->word_size, word);
            if (w->first && end_word(d, w, part_of(word, address, bytes), by, &found) && !races) {
                races = true;
                *other = found;
            }
        }
        return races;
    }
    for (size_t i = 0; i < d->word_size; i++) {
        struct word *w = &d->words[i];
        if (!w->first || w->address < first || w->address >= address + bytes)
            continue;
        if (end_word(d, w, part_of(w->address, address, bytes), by, &found) && (!races || found.address < other->address)) {
            races = true;
            *other = found;
        }
    }
    return races;
}

bool race_free_range(struct race_detector *d, uint64_t address, uint64_t bytes, const struct race_access *a, struct race_access *other)
{
    return end_range(d, address, bytes, a, other);
}

void race_forget(struct race_detector *d, uint64_t address, uint64_t bytes)
{
    end_range(d, address, bytes, NULL, NULL);
}

size_t race_words(const struct race_detector *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->word_size; i++)
        n += d->words[i].first != 0;
    return n;
}

size_t race_cells(const struct race_detector *d)
{
    return d->cells_used;
}
