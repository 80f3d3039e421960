#include "race/intern.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "pe/unwind.h"
#include "sim/machine.h"
#include "trap/frames.h"

struct list {
    uint64_t hash;
    uint64_t *at;
    size_t count;
};

/* All of the process. */
static struct list *lists; /* from 1 */
static size_t list_count, list_room;
static uint32_t *places; /* of lists, by hash */
static size_t place_size;
static struct {
    uint64_t key;
    uint32_t number;
} *keys;
static size_t key_count, key_size;

static void *must(void *p)
{
    if (!p)
        base_panic("out of memory");
    return p;
}

static uint64_t hash_of(const uint64_t *list, size_t count)
{
    uint64_t h = 0xCBF29CE484222325ull + count;
    for (size_t i = 0; i < count; i++) {
        h = (h ^ list[i]) * 0x9FB21C651E98DF25ull;
        h ^= h >> 29;
    }
    return h;
}

static uint32_t *place_of(uint64_t hash, const uint64_t *list, size_t count)
{
    size_t i = hash & (place_size - 1);
    for (; places[i]; i = (i + 1) & (place_size - 1)) {
        const struct list *l = &lists[places[i]];
        if (l->hash == hash && l->count == count && memcmp(l->at, list, count * sizeof *list) == 0)
            break;
    }
    return &places[i];
}

static void grow(void)
{
    list_room = list_room ? list_room * 2 : 256;
    lists = must(realloc(lists, list_room * sizeof *lists));
    list_count = list_count ? list_count : 1;
    place_size = list_room * 2;
    free(places);
    places = must(calloc(place_size, sizeof *places));
    for (size_t i = 1; i < list_count; i++)
        *place_of(lists[i].hash, lists[i].at, lists[i].count) = (uint32_t)i;
}

uint32_t race_intern(const uint64_t *list, size_t count)
{
    if (!count)
        return 0;
    if (list_count >= list_room)
        grow();
    uint64_t hash = hash_of(list, count);
    uint32_t *place = place_of(hash, list, count);
    if (*place)
        return *place;
    uint64_t *copy = must(malloc(count * sizeof *copy));
    memcpy(copy, list, count * sizeof *copy);
    lists[list_count] = (struct list) { hash, copy, count };
    return *place = (uint32_t)list_count++;
}

size_t race_interned(uint32_t number, const uint64_t **list)
{
    if (!number || number >= list_count)
        return 0;
    *list = lists[number].at;
    return lists[number].count;
}

/* ---- call stacks ---- */

uint32_t race_stack_here(void)
{
    uint64_t pcs[STACK_FRAMES + 1];
    size_t n = 0;
    const struct fiber *f = &MACHINE->fiber->fiber;
    struct pe_regs r;
    memset(&r, 0, sizeof r);
    r.rip = f->frame_site;
    r.gpr[PE_RSP] = f->guest_sp;
    for (bool interrupted = true; n < STACK_FRAMES + 1 && (r.rip || interrupted);) {
        struct trap_function fn;
        struct pe_unwound out;
        uint64_t pc = r.rip, sp = r.gpr[PE_RSP];
        pcs[n++] = pc;
        trap_function_at(pc, &fn);
        if (!trap_unwind_regs(&r, &fn, 0, &out) || (r.rip == pc && r.gpr[PE_RSP] == sp))
            break;
        interrupted = out.machine_frame;
    }
    return n > 1 ? race_intern(pcs + 1, n - 1) : 0;
}

static size_t key_place(uint64_t key)
{
    size_t i = (key ^ key >> 31) & (key_size - 1);
    while (keys[i].key && keys[i].key != key)
        i = (i + 1) & (key_size - 1);
    return i;
}

static void keys_grow(void)
{
    size_t old_size = key_size;
    typeof(keys) old = keys;
    key_size = key_size ? key_size * 2 : 512;
    keys = must(calloc(key_size, sizeof *keys));
    for (size_t i = 0; i < old_size; i++)
        if (old[i].key)
            keys[key_place(old[i].key)] = old[i];
    free(old);
}

uint32_t race_stack_cached(uint64_t key)
{
    key |= !key;
    if (key_count * 2 >= key_size)
        keys_grow();
    size_t i = key_place(key);
    if (keys[i].key)
        return keys[i].number;
    uint32_t number = race_stack_here();
    i = key_place(key);
    keys[i].key = key;
    keys[i].number = number;
    key_count++;
    return number;
}
