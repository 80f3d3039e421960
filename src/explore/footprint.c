#include "explore/footprint.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { MOST_TOUCHES = 4096, RECENT = 1024, RECENT_ACCESSES = 24 };

void *explore_grow(void *array, size_t *room, size_t need, size_t size)
{
    if (need <= *room)
        return array;
    size_t wanted = *room ? *room * 2 : 64;
    if (wanted < need)
        wanted = need;
    array = realloc(array, wanted * size);
    if (!array)
        base_panic("out of memory while exploring (%zu bytes)", wanted * size);
    *room = wanted;
    return array;
}

static void *zeroed(size_t count, size_t size)
{
    void *p = calloc(count, size);
    if (!p)
        base_panic("out of memory while exploring (%zu bytes)", count * size);
    return p;
}

static void append(struct footprints *f, uint64_t hash, const struct touch *touches, unsigned count)
{
    f->all = explore_grow(f->all, &f->room, f->count + 1, sizeof *f->all);
    f->touches = explore_grow(f->touches, &f->touch_room, f->touch_count + count, sizeof *f->touches);
    if (count)
        memcpy(f->touches + f->touch_count, touches, count * sizeof *touches);
    f->all[f->count++] = (struct footprint){hash, (uint32_t)f->touch_count, count};
    f->touch_count += count;
}

static uint64_t hash_of(const struct touch *touches, unsigned count)
{
    uint64_t h = 0x9e3779b97f4a7c15ull + count;
    for (unsigned i = 0; i < count; i++)
        h = explore_mix(h ^ (touches[i].id * 0xff51afd7ed558ccdull + touches[i].kind * 4 + touches[i].lock));
    return h;
}

void footprints_init(struct footprints *f)
{
    memset(f, 0, sizeof *f);
    f->table_size = 256;
    f->table = zeroed(f->table_size, sizeof *f->table);
    f->object_size = 256;
    f->object_ids = zeroed(f->object_size, sizeof *f->object_ids);
    f->object_numbers = zeroed(f->object_size, sizeof *f->object_numbers);
    f->touches = explore_grow(NULL, &f->touch_room, 1, sizeof *f->touches); /* never null: empty footprints point into it too */
    append(f, explore_mix(1), NULL, 0);
    append(f, hash_of(NULL, 0), NULL, 0);
}

void footprints_free(struct footprints *f)
{
    free(f->all);
    free(f->touches);
    free(f->table);
    free(f->object_ids);
    free(f->object_numbers);
    free(f->recent);
    memset(f, 0, sizeof *f);
}

static void grow_objects(struct footprints *f)
{
    size_t old_size = f->object_size;
    uint64_t *ids = f->object_ids;
    uint32_t *numbers = f->object_numbers;
    f->object_size *= 2;
    f->object_ids = zeroed(f->object_size, sizeof *f->object_ids);
    f->object_numbers = zeroed(f->object_size, sizeof *f->object_numbers);
    for (size_t i = 0; i < old_size; i++) {
        if (!numbers[i])
            continue;
        size_t at = explore_mix(ids[i]) & (f->object_size - 1);
        while (f->object_numbers[at])
            at = (at + 1) & (f->object_size - 1);
        f->object_ids[at] = ids[i];
        f->object_numbers[at] = numbers[i];
    }
    free(ids);
    free(numbers);
}

/* Dense number of an object id. The table holds number + 1, so that any id may be used. */
static uint32_t object_number(struct footprints *f, uint64_t id)
{
    size_t at = explore_mix(id) & (f->object_size - 1);
    while (f->object_numbers[at] && f->object_ids[at] != id)
        at = (at + 1) & (f->object_size - 1);
    if (f->object_numbers[at])
        return f->object_numbers[at] - 1;
    f->object_ids[at] = id;
    f->object_numbers[at] = ++f->objects;
    uint32_t number = f->objects - 1;
    if (f->objects * 2 > f->object_size)
        grow_objects(f);
    return number;
}

static void grow_table(struct footprints *f)
{
    free(f->table);
    f->table_size *= 2;
    f->table = zeroed(f->table_size, sizeof *f->table);
    for (size_t i = FOOTPRINT_NONE + 1; i < f->count; i++) {
        size_t at = f->all[i].hash & (f->table_size - 1);
        while (f->table[at])
            at = (at + 1) & (f->table_size - 1);
        f->table[at] = (uint32_t)i;
    }
}

static bool same(const struct footprints *f, uint32_t number, const struct touch *touches, unsigned count)
{
    const struct footprint *p = &f->all[number];
    if (p->count != count)
        return false;
    const struct touch *t = f->touches + p->first;
    for (unsigned i = 0; i < count; i++)
        if (t[i].id != touches[i].id || t[i].kind != touches[i].kind || t[i].lock != touches[i].lock)
            return false;
    return true;
}

/* Sorted by object, each once. Two kinds on one object make a write: it neither commutes with readers nor within its class. */
static unsigned normalise(struct touch *out, const struct explore_access *accesses, unsigned count)
{
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned at = n;
        while (at > 0 && out[at - 1].id > accesses[i].object)
            at--;
        if (at > 0 && out[at - 1].id == accesses[i].object) {
            struct touch *t = &out[at - 1];
            if (t->kind != accesses[i].kind || t->lock != accesses[i].lock)
                t->kind = EXPLORE_WRITE, t->lock = EXPLORE_NOT_A_LOCK;
            continue;
        }
        IR_ASSERT(n < MOST_TOUCHES);
        memmove(out + at + 1, out + at, (n - at) * sizeof *out);
        out[at] = (struct touch){accesses[i].object, 0, accesses[i].kind, accesses[i].lock};
        n++;
    }
    return n;
}

static uint32_t find_or_add(struct footprints *f, struct touch *touches, unsigned count)
{
    uint64_t hash = hash_of(touches, count);
    size_t at = hash & (f->table_size - 1);
    for (; f->table[at]; at = (at + 1) & (f->table_size - 1))
        if (f->all[f->table[at]].hash == hash && same(f, f->table[at], touches, count))
            return f->table[at];
    for (unsigned i = 0; i < count; i++)
        touches[i].object = object_number(f, touches[i].id);
    uint32_t number = (uint32_t)f->count;
    append(f, hash, touches, count);
    f->table[at] = number;
    if (f->count * 2 > f->table_size)
        grow_table(f);
    return number;
}

/* Lists as they were told, before they are sorted: nearly all come again and again. */
struct recent {
    uint32_t print, count; /* count 0: nothing */
    struct explore_access accesses[RECENT_ACCESSES];
};

static inline bool is_recent(const struct recent *r, const struct explore_access *accesses, unsigned count)
{
    if (r->count != count)
        return false;
    uint64_t differs = 0;
    for (unsigned i = 0; i < count; i++)
        differs |= (r->accesses[i].object ^ accesses[i].object) | (uint64_t)(r->accesses[i].kind ^ accesses[i].kind) | (uint64_t)(r->accesses[i].lock ^ accesses[i].lock);
    return !differs;
}

static uint32_t intern(struct footprints *f, const struct explore_access *accesses, unsigned count);

uint32_t footprint_intern(struct footprints *f, const struct explore_access *accesses, unsigned count)
{
    if (count == 0)
        return FOOTPRINT_NONE;
    if (count > RECENT_ACCESSES)
        return intern(f, accesses, count);
    uint64_t hash = count;
    for (unsigned i = 0; i < count; i++)
        hash = (hash ^ (accesses[i].object + accesses[i].kind)) * 0x9e3779b97f4a7c15ull;
    if (!f->recent)
        f->recent = zeroed(RECENT, sizeof *f->recent);
    struct recent *r = &f->recent[hash >> 32 & (RECENT - 1)];
    if (is_recent(r, accesses, count))
        return r->print;
    uint32_t print = intern(f, accesses, count);
    r->print = print;
    r->count = count;
    memcpy(r->accesses, accesses, count * sizeof *accesses);
    return print;
}

static uint32_t intern(struct footprints *f, const struct explore_access *accesses, unsigned count)
{
    if (count <= 8) {
        struct touch few[8];
        return find_or_add(f, few, normalise(few, accesses, count));
    }
    struct touch many[MOST_TOUCHES];
    IR_ASSERT(count <= MOST_TOUCHES);
    return find_or_add(f, many, normalise(many, accesses, count));
}

bool footprint_conflict_slow(const struct footprints *f, uint32_t a, uint32_t b)
{
    if (a == FOOTPRINT_ALL || b == FOOTPRINT_ALL)
        return true;
    const struct touch *s = footprint_touches(f, a), *t = footprint_touches(f, b);
    const struct touch *s_end = s + f->all[a].count, *t_end = t + f->all[b].count;
    while (s < s_end && t < t_end) {
        if (s->id < t->id)
            s++;
        else if (s->id > t->id)
            t++;
        else if (touch_kinds_conflict(s->kind, t->kind))
            return true;
        else
            s++, t++;
    }
    return false;
}
