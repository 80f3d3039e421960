/* Blocks of pool and heap by their address: what reports say of memory. A freed block stays until its address is used again. */
#include <string.h>

#include "race/intern.h"
#include "race/room.h"

static size_t place_of(const struct race_block *table, size_t size, uint64_t base)
{
    size_t i = (size_t)((base >> 4) * 0x9E3779B97F4A7C15ull >> 20) & (size - 1);
    while (table[i].base && table[i].base != base)
        i = (i + 1) & (size - 1);
    return i;
}

static void grow(struct race_room *r)
{
    size_t size = r->block_size ? r->block_size * 2 : 128;
    struct race_block *table = sim_alloc(size * sizeof *table);
    for (size_t i = 0; i < r->block_size; i++)
        if (r->blocks[i].base)
            table[place_of(table, size, r->blocks[i].base)] = r->blocks[i];
    if (r->block_size)
        sim_free(r->blocks, r->block_size * sizeof *table);
    r->blocks = table;
    r->block_size = size;
}

static uint16_t who(void)
{
    return MACHINE->fiber ? MACHINE->fiber->id : UINT16_MAX;
}

void race_block_new(struct race_room *r, uint64_t base, uint64_t bytes, uint32_t tag)
{
    if (r->block_count * 2 >= r->block_size)
        grow(r);
    struct race_block *b = &r->blocks[place_of(r->blocks, r->block_size, base)];
    r->block_count += !b->base;
    *b = (struct race_block) { .base = base, .bytes = bytes, .tag = tag, .made = MACHINE->fiber ? race_stack_here() : 0, .made_by = who(), .live = true };
}

void race_block_freed(struct race_room *r, uint64_t base)
{
    struct race_block *b = r->block_size ? &r->blocks[place_of(r->blocks, r->block_size, base)] : NULL;
    if (!b || !b->base)
        return;
    b->live = false;
    b->freed = MACHINE->fiber ? race_stack_here() : 0;
    b->freed_by = who();
}

const struct race_block *race_block_at(const struct race_room *r, uint64_t address, uint64_t near)
{
    const struct race_block *best = NULL;
    uint64_t best_far = near + 1;
    for (size_t i = 0; i < r->block_size; i++) {
        const struct race_block *b = &r->blocks[i];
        if (!b->base)
            continue;
        uint64_t far = address < b->base ? b->base - address : address < b->base + b->bytes ? 0 : address - (b->base + b->bytes) + 1;
        if (far < best_far || (far == best_far && best && ((b->live && !best->live) || (b->live == best->live && b->base < best->base)))) {
            best = b;
            best_far = far;
        }
    }
    return best;
}
