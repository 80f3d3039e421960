/* See sweep.h. */
#include "race/sweep.h"

#include <string.h>

#include "base/hash.h"
#include "ps/ps.h"
#include "race/intern.h"
#include "race/points.h"
#include "race/room.h"
#include "sim/access.h"
#include "sim/image.h"
#include "sim/patch.h"
#include "sim/spins.h"

enum { MOST_PLACES = 64, MOST_ACCESSES = 20000, WIDEST = 32 };

struct race_swept {
    unsigned count;
    struct race_place places[MOST_PLACES];
};

static unsigned reports; /* of a hundred accesses, how many are drawn to be looked at: --watch */

void race_watch(unsigned percent, uint64_t seed)
{
    patch_watch_accesses(percent, seed);
    reports = percent;
}

static bool same_place(const struct race_place *a, const struct race_place *b)
{
    return a->rva == b->rva && strcmp(a->image, b->image) == 0;
}

static void keep(struct race_room *r, const struct race_access *a)
{
    struct race_place p;
    if (a->atomic || a->freed || a->stack != RACE_SWEPT || !race_place_at(a->pc, &p))
        return;
    if (!r->swept)
        r->swept = sim_alloc(sizeof *r->swept);
    for (unsigned i = 0; i < r->swept->count; i++)
        if (same_place(&r->swept->places[i], &p))
            return;
    if (r->swept->count < MOST_PLACES)
        r->swept->places[r->swept->count++] = p;
}

void race_swept_found(struct race_room *r, const struct race_access *earlier, const struct race_access *later)
{
    keep(r, earlier);
    keep(r, later);
}

void race_sweep_note(void)
{
    const struct race_room *r = race_room();
    for (unsigned i = 0; patch_sweeps() && r && r->swept && i < r->swept->count; i++)
        spins_note_plain(r->swept->places[i].image, r->swept->places[i].rva);
}

/* ---- points ---- */

static bool is_point(uint64_t rip)
{
    struct race_place p;
    return spins_any_plain() && race_place_at(rip, &p) && spins_is_plain(p.image, p.rva);
}

/* What the code at hand can do next depends on its registers, which lie in the frame of the interrupt before it, and on what lies near the top of its stack. */
static uint64_t state_here(void)
{
    enum { NEAR = 512 };
    uint64_t copy[NEAR / 8], sp = MACHINE->fiber->fiber.guest_sp;
    uint64_t room = (0x1000 - (sp & 0xFFF)) & ~7ull, bytes = room < sizeof copy ? room : sizeof copy;
    return host_guarded_copy(copy, (const void *)sp, bytes) ? base_hash_bytes(0, (const uint8_t *)copy, bytes) : 0;
}

static void touches_block(uint64_t at, bool writes, uint64_t rip)
{
    bool freed = false;
    uint64_t block = sim_block_hook ? sim_block_hook(at, &freed) : 0;
    if (!block)
        return;
    sim_access_order(SIM_ACCESS_OF(SIM_LIFE_OF_BLOCK, block), SIM_READ);
    if (freed && door_freed_hook)
        door_freed_hook(at, writes, rip);
}

static void point(uint64_t rip, uint64_t at, unsigned bytes, unsigned how)
{
    uint8_t before[WIDEST], now[WIDEST];
    if (!sim_turn(rip, state_here(), at, bytes, false))
        sim_end(RUN_HANG);
    race_tell(at, bytes, how & PATCH_READS ? SIM_READ : SIM_WRITE);
    touches_block(at, how & PATCH_WRITES, rip);
    if (how != (PATCH_READS | PATCH_WRITES))
        return;
    bool there = host_guarded_copy(before, (const void *)at, bytes);
    sim_point(at & ~3ull);
    race_tell(at, bytes, SIM_WRITE);
    touches_block(at, true, rip);
    if (there && host_guarded_copy(now, (const void *)at, bytes) && memcmp(now, before, bytes) != 0)
        host_guarded_copy((void *)at, before, bytes); /* it goes on with what it read */
}

/* ---- all accesses ---- */

static bool is_own_stack(const struct agent *a, uint64_t at)
{
    const struct fiber *f = &a->fiber;
    const struct thread *t = a->kind == AGENT_THREAD ? a->thread : NULL;
    return (at >= f->guest_sp && at < f->kernel_stack_top && f->guest_sp >= f->kernel_stack) || (t && t->user_stack && at >= t->user_stack && at < t->user_stack_top);
}

static void look(struct race_access access, unsigned bytes)
{
    struct race_room *r = race_room_with_detector();
    struct race_access other;
    access.locks = race_agent_of(r, MACHINE->fiber)->lock_set;
    for (uint64_t at = access.address, end = at + bytes; at < end; at += access.size) {
        access.address = at;
        access.size = (uint8_t)(end - at < 16 ? end - at : 16);
        if (race_note(r->detector, &access, &other))
            race_found(r, &other, &access);
    }
}

static void count_access(void)
{
    struct race_room *r = race_room_with_detector();
    if (++r->sweep_accesses < MOST_ACCESSES)
        return;
    spins_note_no_more_plain();
    sim_end(RUN_SPIN);
}

/* It is an access that orders, too: both a plain flag that is known to race and an atomic instruction. */
static void order(const struct race_access *a, unsigned bytes, bool before)
{
    struct race_room *r = race_room_with_detector();
    for (uint64_t key = a->address & ~3ull; key < a->address + bytes; key += 4)
        if (before)
            race_acquire(r->detector, a->agent, key, false);
        else if (a->write)
            race_release(r->detector, a->agent, key);
}

static void accessed(uint64_t rip, uint64_t at, unsigned bytes, unsigned how)
{
    const struct agent *a = MACHINE->fiber;
    if (is_own_stack(a, at))
        return;
    struct race_access access = { .address = at, .pc = rip, .agent = a->id, .irql = sim_irql(), .write = how & PATCH_WRITES };
    bool sweep = patch_sweeps(), flag = is_point(rip);
    if (flag)
        point(rip, at, bytes, how);
    else if (race_points_count() && race_points_stops(rip)) {
        if (!sim_turn(rip, state_here(), at, bytes, false))
            sim_end(RUN_HANG);
        race_tell(at, bytes, access.write ? SIM_WRITE : SIM_READ);
    }
    if (!sweep && !reports)
        return;
    if (sweep)
        count_access();
    access.stack = sweep ? RACE_SWEPT : race_stack_here();
    access.atomic = sweep && flag;
    if (access.atomic)
        order(&access, bytes, true);
    look(access, bytes);
    if (access.atomic)
        order(&access, bytes, false);
}

/* Exports and string instructions that copy, fill or compare. Of long pieces the beginning is looked at. */
static void touches(uint64_t caller, uint64_t to, bool writes, uint64_t from, uint64_t bytes)
{
    enum { MOST = 1024 };
    const struct agent *a = MACHINE->fiber;
    const struct image *image = patch_sweeps() || reports || spins_any_plain() ? image_at(caller) : NULL;
    unsigned size = (unsigned)(bytes < MOST ? bytes : MOST);
    if (!image || !image->file || image->file->brought || !size || bytes > INT64_MAX)
        return;
    const struct {
        uint64_t at;
        bool writes;
    } pieces[] = { { from, false }, { to, writes } };
    bool stopped = false, sweep = patch_sweeps();
    for (unsigned i = 0; i < 2; i++) {
        struct race_access access = { .address = pieces[i].at, .pc = caller, .agent = a->id, .irql = sim_irql(), .write = pieces[i].writes };
        if (!pieces[i].at || is_own_stack(a, pieces[i].at))
            continue;
        if (is_point(caller)) {
            if (!stopped)
                sim_point(to & ~3ull);
            stopped = true;
            race_tell(pieces[i].at, size, pieces[i].writes ? SIM_WRITE : SIM_READ);
            touches_block(pieces[i].at, pieces[i].writes, caller);
        }
        if (!sweep && !reports)
            continue;
        for (unsigned k = 0; sweep && k < size; k += 16)
            count_access();
        access.stack = sweep ? RACE_SWEPT : race_stack_here();
        look(access, size);
    }
}

/* Before an atomic instruction; what it orders comes after. */
static void atomically(uint64_t rip, uint64_t at, unsigned bytes, bool writes)
{
    if (!patch_sweeps() || is_own_stack(MACHINE->fiber, at))
        return;
    struct race_access access = { .address = at, .pc = rip, .agent = MACHINE->fiber->id, .irql = sim_irql(), .write = writes, .atomic = true, .stack = RACE_SWEPT };
    order(&access, bytes, true);
    look(access, bytes);
}

void race_sweep_init(void)
{
    patch_access_hook = accessed;
    patch_atomic_hook = atomically;
    door_memory_hook = touches;
}
