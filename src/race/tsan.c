/* The callbacks of thread-sanitizer instrumentation: function entries and exits, plain accesses, volatile and atomic ones.
 *
 * Volatile accesses have acquire and release semantics, as Microsoft's compiler gives them on x64, and are scheduling points like atomic
 * ones. What is told to the reduction of an atomic access is made known after it, with the kind that it turned out to be. */
#include <string.h>

#include "base/hash.h"
#include "ps/ps.h"
#include "race/intern.h"
#include "race/points.h"
#include "race/room.h"
#include "sim/access.h"
#include "sim/image.h"
#include "sim/patch.h"

enum { RELAXED, CONSUME, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST };

/* ---- where we are ---- */

struct here {
    struct race_room *room;
    struct race_agent *agent;
    const struct door_frame *call;
};

static inline struct here here(void)
{
    struct race_room *r = race_room_with_detector();
    return (struct here) { r, race_agent_of(r, MACHINE->fiber), race_call() };
}

static inline struct race_frames *frames_of(struct race_agent *a, uint64_t sp)
{
    return sp >= KERNEL_BASE && sp < KERNEL_END ? &a->kernel : &a->user;
}

/* Frames below sp have been left without a word (longjmp, an exception). */
static inline void drop_dead(struct race_frames *f, uint64_t sp)
{
    while (f->count && f->at[f->count - 1].sp < sp)
        f->count--;
}

void race_func_entry(uint64_t caller)
{
    struct here h = here();
    uint64_t sp = race_call_sp(h.call);
    struct race_frames *f = frames_of(h.agent, sp);
    drop_dead(f, sp + 1);
    if (f->count == f->room) {
        uint32_t room = f->room ? f->room * 2 : 16;
        struct race_frame *more = sim_alloc(room * sizeof *more);
        if (f->room) {
            memcpy(more, f->at, f->room * sizeof *more);
            sim_free(f->at, f->room * sizeof *more);
        }
        f->at = more;
        f->room = room;
    }
    /* The path to the caller, the function, and how far apart their frames are, with the calls of ours between them. */
    const struct race_frame *outer = f->count ? &f->at[f->count - 1] : NULL;
    uint64_t key = outer ? outer->stack * 0x9E3779B97F4A7C15ull ^ (outer->sp - sp) : sp;
    key = (key ^ h.call->return_address) * 0xBF58476D1CE4E5B9ull ^ key >> 31;
    key = (key ^ caller) * 0x94D049BB133111EBull ^ key >> 29;
    key = (key ^ MACHINE->fiber->fiber.callback) * 0x9FB21C651E98DF25ull ^ key >> 32;
    f->at[f->count++] = (struct race_frame) { sp, race_stack_cached(key) };
}

void race_func_exit(void)
{
    struct here h = here();
    uint64_t sp = race_call_sp(h.call);
    struct race_frames *f = frames_of(h.agent, sp);
    drop_dead(f, sp);
    if (f->count)
        f->count--;
}

uint32_t race_stack_of_call(struct race_room *r, struct race_agent *ra, const struct door_frame *call)
{
    uint64_t sp = race_call_sp(call);
    struct race_frames *f = frames_of(ra, sp);
    drop_dead(f, sp);
    return f->count ? f->at[f->count - 1].stack : race_stack_here();
}

/* ---- plain accesses ---- */

static struct race_access access_here(const struct here *h, uint64_t at, unsigned size, bool write)
{
    return (struct race_access) { .address = at, .pc = h->call->return_address, .stack = race_stack_of_call(h->room, h->agent, h->call), .locks = h->agent->lock_set,
                                  .agent = MACHINE->fiber->id, .size = (uint8_t)size, .irql = sim_irql(), .write = write };
}

static void note(const struct here *h, const struct race_access *a)
{
    struct race_access other;
    if (race_note(h->room->detector, a, &other))
        race_found(h->room, &other, a);
}

/* What the code at hand can do next depends on the registers that it keeps over the call and on what lies near the top of its stack, behind the
 * room for arguments. */
static uint64_t state_here(void)
{
    enum { NEAR = 64, HOME = 32 };
    uint64_t stack[NEAR], sp = race_call_sp(race_call()) + HOME;
    uint64_t h = base_hash_bytes(0, (const uint8_t *)&race_call()->rbx, 8 * sizeof(uint64_t));
    uint64_t room = (0x1000 - (sp & 0xFFF)) & ~7ull, bytes = room < sizeof stack ? room : sizeof stack;
    if (host_guarded_copy(stack, (const void *)sp, bytes))
        h = base_hash_bytes(h, (const uint8_t *)stack, bytes);
    return h;
}

/* A step ends here. */
static void stop(uint64_t pc, uint64_t at, unsigned size)
{
    if (!sim_turn(pc, state_here(), at, size, false))
        sim_end(RUN_HANG);
}

static void plain(uint64_t at, unsigned size, bool write)
{
    struct here h = here();
    if (h.agent->ignored)
        return;
    if (race_points_count() && race_points_stops(h.call->return_address)) {
        stop(h.call->return_address, at, size);
        race_tell(at, size, write ? SIM_WRITE : SIM_READ);
    }
    struct race_access a = access_here(&h, at, size, write);
    note(&h, &a);
}

static void range(uint64_t at, uint64_t bytes, bool write)
{
    for (uint64_t end = at + bytes; at < end;) {
        uint64_t part = 16 - (at & 7);
        part = part < end - at ? part : end - at;
        plain(at, (unsigned)part, write);
        at += part;
    }
}

void race_read1(uint64_t at) { plain(at, 1, false); }
void race_read2(uint64_t at) { plain(at, 2, false); }
void race_read4(uint64_t at) { plain(at, 4, false); }
void race_read8(uint64_t at) { plain(at, 8, false); }
void race_read16(uint64_t at) { plain(at, 16, false); }
void race_write1(uint64_t at) { plain(at, 1, true); }
void race_write2(uint64_t at) { plain(at, 2, true); }
void race_write4(uint64_t at) { plain(at, 4, true); }
void race_write8(uint64_t at) { plain(at, 8, true); }
void race_write16(uint64_t at) { plain(at, 16, true); }

void race_read_range(uint64_t at, uint64_t bytes) { range(at, bytes, false); }
void race_write_range(uint64_t at, uint64_t bytes) { range(at, bytes, true); }

uint64_t race_memcpy(uint64_t to, uint64_t from, uint64_t bytes)
{
    range(from, bytes, false);
    range(to, bytes, true);
    memmove((void *)to, (const void *)from, bytes);
    return to;
}

uint64_t race_memset(uint64_t to, uint64_t value, uint64_t bytes)
{
    range(to, bytes, true);
    memset((void *)to, (int)value, bytes);
    return to;
}

void race_vptr_update(uint64_t at, uint64_t value)
{
    uint64_t old;
    if (host_guarded_copy(&old, (const void *)at, 8) && old == value)
        return; /* constructors of a derived class store what is there */
    plain(at, 8, true);
}

void race_vptr_read(uint64_t at) { plain(at, 8, false); }

void race_ignore_begin(void)
{
    here().agent->ignored++;
}

void race_ignore_end(void)
{
    struct here h = here();
    if (h.agent->ignored)
        h.agent->ignored--;
}

void race_nothing(void)
{
    here();
}

/* ---- what orders ---- */

static void acquire(const struct here *h, uint64_t at, unsigned size)
{
    for (uint64_t key = at & ~3ull; key < at + size; key += 4)
        race_acquire(h->room->detector, MACHINE->fiber->id, key, false);
}

static void release(const struct here *h, uint64_t at, unsigned size)
{
    for (uint64_t key = at & ~3ull; key < at + size; key += 4)
        race_release(h->room->detector, MACHINE->fiber->id, key);
}

/* An acquire fence comes after what the loads before it found. */
static void remember_load(struct race_agent *a, uint64_t at)
{
    if (a->load_count == PENDING_LOADS)
        memmove(a->loads, a->loads + 1, --a->load_count * sizeof a->loads[0]);
    a->loads[a->load_count++] = at & ~3ull;
}

static void loaded(const struct here *h, uint64_t at, unsigned size, unsigned order)
{
    if (order == RELAXED || order == RELEASE)
        remember_load(h->agent, at);
    else
        acquire(h, at, size);
}

static void stored(const struct here *h, uint64_t at, unsigned size, unsigned order)
{
    if (order >= RELEASE || h->agent->fenced)
        release(h, at, size);
}

static void note_atomic(const struct here *h, uint64_t at, unsigned size, bool write)
{
    struct race_access a = access_here(h, at, size, write);
    a.atomic = true;
    note(h, &a);
}

void race_fence(uint64_t order)
{
    struct here h = here();
    h.agent->fenced |= order >= RELEASE;
    for (uint32_t i = 0; i < h.agent->load_count && order != RELEASE && order != RELAXED; i++)
        race_acquire(h.room->detector, MACHINE->fiber->id, h.agent->loads[i], false);
}

/* ---- volatile accesses: they are made by the image itself, right behind this ---- */

static void volatile_read(uint64_t at, unsigned size)
{
    struct here h = here();
    stop(h.call->return_address, at, size);
    race_tell(at, size, SIM_READ);
    acquire(&h, at, size);
    note_atomic(&h, at, size, false);
}

static void volatile_write(uint64_t at, unsigned size)
{
    struct here h = here();
    stop(h.call->return_address, at, size);
    race_tell(at, size, SIM_WRITE);
    note_atomic(&h, at, size, true);
    release(&h, at, size);
}

void race_volatile_read1(uint64_t at) { volatile_read(at, 1); }
void race_volatile_read2(uint64_t at) { volatile_read(at, 2); }
void race_volatile_read4(uint64_t at) { volatile_read(at, 4); }
void race_volatile_read8(uint64_t at) { volatile_read(at, 8); }
void race_volatile_read16(uint64_t at) { volatile_read(at, 16); }
void race_volatile_write1(uint64_t at) { volatile_write(at, 1); }
void race_volatile_write2(uint64_t at) { volatile_write(at, 2); }
void race_volatile_write4(uint64_t at) { volatile_write(at, 4); }
void race_volatile_write8(uint64_t at) { volatile_write(at, 8); }
void race_volatile_write16(uint64_t at) { volatile_write(at, 16); }

/* ---- atomic accesses ---- */

enum operation { LOAD, STORE, EXCHANGE, ADD, SUB, AND, OR, XOR, NAND, COMPARE };

static uint64_t mask_of(unsigned size)
{
    return size == 8 ? ~0ull : (1ull << size * 8) - 1;
}

static uint64_t changed(enum operation op, uint64_t old, uint64_t v)
{
    switch (op) {
    case ADD:
        return old + v;
    case SUB:
        return old - v;
    case AND:
        return old & v;
    case OR:
        return old | v;
    case XOR:
        return old ^ v;
    case NAND:
        return ~(old & v);
    default:
        return v;
    }
}

static uint64_t atomic(enum operation op, uint64_t at, unsigned size, uint64_t v, uint64_t wanted, unsigned order, unsigned fail_order)
{
    struct here h = here();
    stop(h.call->return_address, at, size);
    uint64_t old = 0, new;
    memcpy(&old, (const void *)at, size);
    new = changed(op, old, v) & mask_of(size);
    bool fails = op == COMPARE && old != (wanted & mask_of(size));
    bool write = op != LOAD && !fails;
    if (write)
        memcpy((void *)at, &new, size);
    /* A compare-exchange that stores what is there is a read, as an instruction in an image that tells nothing would be. */
    race_tell(at, size, write && !(op == COMPARE && new == old) ? SIM_WRITE : SIM_READ);
    if (op != STORE)
        loaded(&h, at, size, fails ? fail_order : order);
    note_atomic(&h, at, size, write);
    if (write)
        stored(&h, at, size, order);
    return old;
}

#define ATOMIC(bits)                                                                                                                                   \
    uint64_t race_atomic##bits##_load(uint64_t at, uint64_t order) { return atomic(LOAD, at, bits / 8, 0, 0, (unsigned)order, 0); }                     \
    void race_atomic##bits##_store(uint64_t at, uint64_t v, uint64_t order) { atomic(STORE, at, bits / 8, v, 0, (unsigned)order, 0); }                  \
    uint64_t race_atomic##bits##_exchange(uint64_t at, uint64_t v, uint64_t order) { return atomic(EXCHANGE, at, bits / 8, v, 0, (unsigned)order, 0); } \
    uint64_t race_atomic##bits##_add(uint64_t at, uint64_t v, uint64_t order) { return atomic(ADD, at, bits / 8, v, 0, (unsigned)order, 0); }           \
    uint64_t race_atomic##bits##_sub(uint64_t at, uint64_t v, uint64_t order) { return atomic(SUB, at, bits / 8, v, 0, (unsigned)order, 0); }           \
    uint64_t race_atomic##bits##_and(uint64_t at, uint64_t v, uint64_t order) { return atomic(AND, at, bits / 8, v, 0, (unsigned)order, 0); }           \
    uint64_t race_atomic##bits##_or(uint64_t at, uint64_t v, uint64_t order) { return atomic(OR, at, bits / 8, v, 0, (unsigned)order, 0); }             \
    uint64_t race_atomic##bits##_xor(uint64_t at, uint64_t v, uint64_t order) { return atomic(XOR, at, bits / 8, v, 0, (unsigned)order, 0); }           \
    uint64_t race_atomic##bits##_nand(uint64_t at, uint64_t v, uint64_t order) { return atomic(NAND, at, bits / 8, v, 0, (unsigned)order, 0); }         \
    uint64_t race_atomic##bits##_compare_val(uint64_t at, uint64_t wanted, uint64_t v, uint64_t order, uint64_t fail)                                   \
    {                                                                                                                                                  \
        return atomic(COMPARE, at, bits / 8, v, wanted, (unsigned)order, (unsigned)fail);                                                              \
    }                                                                                                                                                  \
    uint64_t race_atomic##bits##_compare(uint64_t at, uint64_t expected, uint64_t v, uint64_t order, uint64_t fail)                                     \
    {                                                                                                                                                  \
        uint64_t wanted = 0, old;                                                                                                                      \
        memcpy(&wanted, (const void *)expected, bits / 8);                                                                                             \
        old = atomic(COMPARE, at, bits / 8, v, wanted, (unsigned)order, (unsigned)fail);                                                               \
        memcpy((void *)expected, &old, bits / 8);                                                                                                      \
        return old == wanted;                                                                                                                          \
    }

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

/* ---- sixteen bytes: two registers each, in rax and rdx back ---- */

typedef unsigned __int128 wide;

static wide wide_changed(enum operation op, wide old, wide v)
{
    switch (op) {
    case ADD:
        return old + v;
    case SUB:
        return old - v;
    case AND:
        return old & v;
    case OR:
        return old | v;
    case XOR:
        return old ^ v;
    case NAND:
        return ~(old & v);
    default:
        return v;
    }
}

static wide atomic_wide(enum operation op, uint64_t at, wide v, wide wanted, unsigned order, unsigned fail_order)
{
    struct here h = here();
    wide old, new;
    stop(h.call->return_address, at, sizeof old);
    memcpy(&old, (const void *)at, sizeof old);
    new = wide_changed(op, old, v);
    bool fails = op == COMPARE && old != wanted, write = op != LOAD && !fails;
    if (write)
        memcpy((void *)at, &new, sizeof new);
    race_tell(at, sizeof old, write && !(op == COMPARE && new == old) ? SIM_WRITE : SIM_READ);
    if (op != STORE)
        loaded(&h, at, sizeof old, fails ? fail_order : order);
    note_atomic(&h, at, sizeof old, write);
    if (write)
        stored(&h, at, sizeof old, order);
    return old;
}

static wide both(uint64_t low, uint64_t high)
{
    return (wide)high << 64 | low;
}

static uint64_t answer(wide v)
{
    door_result_high = (uint64_t)(v >> 64);
    return (uint64_t)v;
}

uint64_t race_atomic128_load(uint64_t at, uint64_t order) { return answer(atomic_wide(LOAD, at, 0, 0, (unsigned)order, 0)); }
void race_atomic128_store(uint64_t at, uint64_t low, uint64_t high, uint64_t order) { atomic_wide(STORE, at, both(low, high), 0, (unsigned)order, 0); }

#define WIDE(name, op)                                                                            \
    uint64_t race_atomic128_##name(uint64_t at, uint64_t low, uint64_t high, uint64_t order)      \
    {                                                                                             \
        return answer(atomic_wide(op, at, both(low, high), 0, (unsigned)order, 0));               \
    }

WIDE(exchange, EXCHANGE)
WIDE(add, ADD)
WIDE(sub, SUB)
WIDE(and, AND)
WIDE(or, OR)
WIDE(xor, XOR)
WIDE(nand, NAND)

uint64_t race_atomic128_compare_val(uint64_t at, uint64_t wanted_low, uint64_t wanted_high, uint64_t low, uint64_t high, uint64_t order, uint64_t fail)
{
    return answer(atomic_wide(COMPARE, at, both(low, high), both(wanted_low, wanted_high), (unsigned)order, (unsigned)fail));
}

uint64_t race_atomic128_compare(uint64_t at, uint64_t expected, uint64_t low, uint64_t high, uint64_t order, uint64_t fail)
{
    wide wanted, old;
    memcpy(&wanted, (const void *)expected, sizeof wanted);
    old = atomic_wide(COMPARE, at, both(low, high), wanted, (unsigned)order, (unsigned)fail);
    memcpy((void *)expected, &old, sizeof old);
    return old == wanted;
}
