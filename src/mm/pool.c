/* Pool: where blocks lie and how they are reused.
 *
 * Every owner (an agent, or set-up) cuts its blocks from a window of its own, chosen by the agent's stable id, so that
 * addresses do not depend on what other agents do meanwhile. Blocks and the headers before them tile the window from its
 * base to `next`; gaps that alignment left hold zeros until used. Only [base, next) of a window belongs to a snapshot.
 *
 * A freed block goes to the free list of its class and owner (links are inside the block, behind its first 8 bytes, so
 * that a stale pointer to its start reads 0xDDDDDDDDDDDDDDDD). If somebody else freed it, reusing it at once would make the
 * owner's next address depend on the order of the two; it waits, in no list, until the owner would otherwise have to
 * take more memory. So what several others free has no order. Blocks are never merged: classes are fine enough, and a freed header keeps saying who had the block.
 *
 * All of the region is accessible from the start, so that nothing about protections differs after a snapshot is restored. */
#include <emmintrin.h>
#include <string.h>
#include <sys/mman.h>

#include "base/zero.h"
#include "mm/guard.h"
#include "mm/room.h"
#include "ke/ke.h"
#include "nt/bugcheck.h"
#include "ps/process.h"
#include "sim/access.h"
#include "sim/door.h"

enum { PAGE = 0x1000, UNIT = POOL_UNIT, SHRINK_BYTES = 0x4000 };

/* ---- classes ---- */

static inline uint32_t class_of(uint64_t units)
{
    if (units <= POOL_EXACT_CLASSES)
        return (uint32_t)units;
    unsigned k = 63 - (unsigned)__builtin_clzll(units - 1);
    return POOL_EXACT_CLASSES + 1 + (k - 6) * 4 + (uint32_t)((units - 1) >> (k - 2) & 3);
}

static inline size_t class_bytes(uint32_t class)
{
    if (class <= POOL_EXACT_CLASSES)
        return (size_t)class * UNIT;
    unsigned k = (class - POOL_EXACT_CLASSES - 1) / 4 + 6, sub = (class - POOL_EXACT_CLASSES - 1) % 4;
    return ((size_t)(5 + sub) << (k - 2)) * UNIT;
}

static inline uint32_t class_of_bytes(size_t bytes)
{
    return class_of(bytes ? (bytes + UNIT - 1) / UNIT : 1);
}

size_t pool_long_capacity(size_t bytes)
{
    return class_bytes(class_of_bytes(bytes));
}

static const struct pool_header *first_block(const struct pool_window *w, uint64_t at);
static const struct pool_header *next_block(const struct pool_window *w, const struct pool_header *h);

/* ---- headers ---- */

/* bytes is a multiple of 16. Most blocks are so short that a call of memset would cost more than the stores. */
static inline void fill(void *p, uint8_t value, size_t bytes)
{
    typedef uint64_t pair __attribute__((vector_size(16)));
    if (bytes > 128) {
        memset(p, value, bytes);
        return;
    }
    uint64_t word = value * 0x0101010101010101ull;
    for (pair *at = p, *end = (pair *)((char *)p + bytes); at < end; at++) {
        *at = (pair) { word, word };
        __asm__("" : "+r"(at)); /* or the compiler makes a memset of the loop */
    }
}

static bool is_unused(const struct pool_header *h)
{
    static const struct pool_header zero;
    return memcmp(h, &zero, sizeof zero) == 0;
}

static uint32_t kept_type(uint32_t pool_type)
{
    return (pool_type & (POOL_KEEP_PAGED | POOL_KEEP_CACHE_ALIGNED)) | (pool_type & 512 ? POOL_KEEP_NX : 0) |
           (pool_type & 32 ? POOL_KEEP_SESSION : 0);
}

static void *block_of(uint32_t link)
{
    return (void *)(POOL_BASE + (uint64_t)link * UNIT);
}

static uint32_t link_of(const void *p)
{
    return (uint32_t)(((uint64_t)p - POOL_BASE) / UNIT);
}

/* ---- free lists ---- */

static void list_push(uint32_t *head, void *p)
{
    uint32_t *q = p;
    q[2] = *head;
    q[3] = ~*head;
    *head = link_of(p);
}

static void *list_pop(uint32_t *head)
{
    uint32_t *q = block_of(*head);
    /* A driver wrote to memory that it had freed. NT finds it in the same way, by a free list that makes no sense. */
    if (__builtin_expect(q[3] != ~q[2], 0))
        KeBugCheckEx(BAD_POOL_HEADER, 3, (uint64_t)q, q[2], ~q[3]);
    *head = q[2];
    return q;
}

static void check_freed(const struct pool_header *h);

/* In the order of addresses, whatever the order in which they were freed. */
static void reclaim_in(struct pool_owner *o, const struct pool_window *w)
{
    for (const struct pool_header *h = first_block(w, w->base); h; h = next_block(w, h)) {
        if (pool_state(h) != POOL_FREE_FOREIGN || h->owner == POOL_RETIRED)
            continue;
        check_freed(h);
        pool_state_set((struct pool_header *)h, POOL_FREE);
        list_push(&o->heads[class_of_bytes(h->bytes)], (void *)(h + 1));
    }
}

static void reclaim_foreign(struct pool_owner *o)
{
    reclaim_in(o, &o->window);
    for (const struct pool_window *w = o->extents; w; w = w->next_extent)
        reclaim_in(o, w);
    o->foreign = 0;
}

/* ---- windows ---- */

static uint64_t up(uint64_t x, uint64_t align)
{
    return (x + align - 1) & ~(align - 1);
}

static void window_open(struct pool_window *w, uint64_t base, uint64_t bytes, uint64_t limit)
{
    *w = (struct pool_window) { .base = base, .next = base, .limit = base + limit, .end = base + bytes };
    sim_segment_add(base, bytes, SEGMENT_PLAIN, true)->wiped = true;
    w->segment = MACHINE->segment_count - 1;
}

/* Segments move when others are removed. */
static struct segment *window_segment(struct pool_window *w)
{
    struct machine *m = MACHINE;
    if (w->segment >= m->segment_count || m->segments[w->segment].base != w->base)
        for (w->segment = 0; m->segments[w->segment].base != w->base; w->segment++)
            IR_ASSERT(w->segment < m->segment_count);
    return &m->segments[w->segment];
}

static void window_move_next(struct pool_window *w, uint64_t next)
{
    w->next = next;
    window_segment(w)->used = next - w->base;
}

/* Where a block would begin in free space at `at`. As documented, blocks of up to a page do not cross a page boundary and
 * longer ones begin at one. */
static uint64_t block_place(uint64_t at, size_t bytes, size_t capacity, bool cache_aligned)
{
    if (bytes >= PAGE)
        return up(at + UNIT, PAGE);
    uint64_t p = up(at + UNIT, cache_aligned ? 64 : UNIT);
    return p / PAGE == (p + capacity - 1) / PAGE ? p : up(p, PAGE);
}

static void gap_add(struct pool_window *w, uint64_t at, uint64_t end)
{
    if (at < end)
        memset((void *)at, 0, end - at);
    if (end - at >= 2 * UNIT && w->gap_count < POOL_GAPS) {
        w->gaps[w->gap_count].at = at;
        w->gaps[w->gap_count++].end = end;
    }
}

static void *gap_take(struct pool_window *w, size_t bytes, size_t capacity, bool cache_aligned)
{
    for (uint32_t i = 0; i < w->gap_count; i++) {
        uint64_t at = w->gaps[i].at, end = w->gaps[i].end, p = block_place(at, bytes, capacity, cache_aligned);
        if (p + capacity > end)
            continue;
        w->gaps[i] = w->gaps[--w->gap_count];
        gap_add(w, at, p - UNIT);
        gap_add(w, p + capacity, end);
        return (void *)p;
    }
    return NULL;
}

/* Nobody had the unit that follows what was given out: it holds zeros, unless the newest block was overrun. DOC: 0x19 with 0x20. */
void pool_check_end(const struct pool_window *w)
{
    const struct pool_header *h = (const struct pool_header *)w->next, *newest = NULL;
    if (__builtin_expect(is_unused(h), 1))
        return;
    uint64_t word;
    memcpy(&word, h, sizeof word);
    for (const struct pool_header *b = first_block(w, w->base); b; b = next_block(w, b))
        newest = b;
    KeBugCheckEx(BAD_POOL_HEADER, 0x20, (uint64_t)newest, (uint64_t)h, word);
}

static void *window_take(struct pool_window *w, size_t bytes, size_t capacity, bool cache_aligned)
{
    if (capacity < PAGE) {
        void *p = gap_take(w, bytes, capacity, cache_aligned);
        if (p)
            return p;
    }
    uint64_t p = block_place(w->next, bytes, capacity, cache_aligned);
    if (p + capacity > w->limit)
        return NULL;
    if (w->next + UNIT <= w->end)
        pool_check_end(w);
    gap_add(w, w->next, p - UNIT);
    window_move_next(w, p + capacity);
    return (void *)p;
}

static bool window_raise_limit(struct pool_window *w, size_t capacity)
{
    uint64_t want = w->next + capacity + 2 * PAGE;
    if (want > w->end)
        return false;
    while (w->limit < want)
        w->limit = w->base + (w->limit - w->base) * 2;
    if (w->limit > w->end)
        w->limit = w->end;
    return true;
}

static struct pool_window *extent_add(struct pool_owner *o, size_t capacity)
{
    struct pool_room *r = pool_room();
    uint64_t bytes = up(capacity + 2 * PAGE, POOL_WINDOW);
    if (o->extents && bytes < 2 * (o->extents->end - o->extents->base) && capacity < POOL_WINDOW)
        bytes = 2 * (o->extents->end - o->extents->base);
    if (bytes > POOL_END - r->extent_next)
        return NULL;
    struct pool_window *w = sim_alloc(sizeof *w);
    window_open(w, r->extent_next, bytes, bytes);
    r->extent_next += bytes;
    w->next_extent = o->extents;
    o->extents = w;
    return w;
}

/* ---- owners ---- */

static void restored(void)
{
    if (!MACHINE->rooms[ROOM_MM])
        return;
    mm_user_restored();
    ps_user_stacks_restored();
    mm_alias_restored();
    mm_guard_restored();
}

/* For sim_block_hook. */
static uint64_t base_of_block(uint64_t address, bool *freed)
{
    struct pool_block b;
    if (address < GUARD_BASE || address >= POOL_END || !mm_pool_find(address, &b))
        return 0;
    *freed = b.free;
    return b.base;
}

struct pool_room *pool_room_make(void)
{
    struct pool_room *r = sim_alloc(sizeof(struct mm_room));
    MACHINE->rooms[ROOM_MM] = r;
    sim_restored_hook = restored;
    sim_pages_hook = mm_guard_save;
    sim_block_hook = base_of_block;
    host_outside_hook = mm_guard_look;
    r->extent_next = POOL_EXTENT_BASE;
    static bool used; /* by an earlier machine of this process (unit tests): what it left is no overrun */
    if (used)
        host_discard(POOL_BASE, POOL_END - POOL_BASE);
    used = true;
    host_protect(POOL_BASE, POOL_END - POOL_BASE, PROT_READ | PROT_WRITE);
    return r;
}

static struct pool_owner *owner_new(struct pool_room *r, uint16_t slot, struct agent *a)
{
    struct pool_owner *o = sim_alloc(sizeof *o);
    o->slot = slot;
    o->agent = a;
    o->stable_id = a ? a->stable_id : 0;
    window_open(&o->window, POOL_BASE + (uint64_t)slot * POOL_WINDOW, POOL_WINDOW, POOL_FIRST_LIMIT);
    r->owners[slot] = o;
    return o;
}

static bool reuses; /* of the process */

void pool_reuse_at_once(bool on)
{
    reuses = on;
}

/* An ended agent that left nothing behind leaves its window to the next who hashes to it. */
static bool owner_is_abandoned(const struct pool_owner *o)
{
    const struct agent *a = o->agent;
    return a && !reuses && o->live == 0 && !o->extents && (a->stable_id != o->stable_id || a->state == AGENT_DEAD);
}

static void owner_recycle(struct pool_owner *o, struct agent *a)
{
    struct pool_window *w = &o->window;
    memset((void *)w->base, 0, w->next - w->base);
    window_move_next(w, w->base);
    w->gap_count = 0;
    w->limit = w->base + POOL_FIRST_LIMIT;
    memset(o->heads, 0, sizeof o->heads);
    o->foreign = 0;
    o->agent = a;
    o->stable_id = a->stable_id;
}

static struct pool_owner *owner_find(struct pool_room *r, struct agent *a)
{
    uint32_t first = (uint32_t)(a->stable_id % (POOL_OWNERS - 1));
    for (uint32_t i = 0; i < POOL_OWNERS - 1; i++) {
        uint16_t slot = (uint16_t)(1 + (first + i) % (POOL_OWNERS - 1));
        sim_access(SIM_ACCESS_OF(SIM_POOL_WINDOW, slot), SIM_WRITE); /* the first to come has it */
        if (!r->owners[slot])
            return owner_new(r, slot, a);
    }
    sim_opaque("there were more users of pool than windows for them");
    for (uint32_t i = 0; i < POOL_OWNERS - 1; i++) {
        struct pool_owner *o = r->owners[1 + (first + i) % (POOL_OWNERS - 1)];
        if (owner_is_abandoned(o)) {
            owner_recycle(o, a);
            return o;
        }
    }
    return r->owners[1 + first]; /* all taken: shared */
}

static struct pool_owner *owner_first_time(struct pool_room *r, struct agent *a)
{
    if (!a)
        return r->owners[0] ? r->owners[0] : owner_new(r, 0, NULL);
    a->pool_next = (uint64_t)owner_find(r, a);
    return (struct pool_owner *)a->pool_next;
}

static inline struct pool_owner *owner_current(struct pool_room *r)
{
    struct agent *a = MACHINE->fiber;
    return a && a->pool_next ? (struct pool_owner *)a->pool_next : owner_first_time(r, a);
}

struct pool_owner *pool_owner_current(void)
{
    return owner_current(pool_room());
}

/* ---- blocks ---- */

static inline bool owner_may_reuse(const struct pool_owner *o, uint32_t head, bool cache_aligned)
{
    return head && !sim_keeps_freed(o->window.next - o->window.base) && (!cache_aligned || (uint64_t)block_of(head) % 64 == 0);
}

static __attribute__((noinline)) void *owner_take_fresh(struct pool_owner *o, size_t bytes, size_t capacity, bool cache_aligned)
{
    void *p = window_take(&o->window, bytes, capacity, cache_aligned);
    if (p)
        return p;
    sim_access(SIM_ACCESS_OF(SIM_POOL, o->slot), SIM_READ);
    if (o->foreign) {
        sim_access(SIM_ACCESS_OF(SIM_POOL, o->slot), SIM_WRITE);
        reclaim_foreign(o);
        uint32_t *head = &o->heads[class_of_bytes(bytes)];
        return owner_may_reuse(o, *head, cache_aligned) ? list_pop(head) : owner_take_fresh(o, bytes, capacity, cache_aligned);
    }
    if (window_raise_limit(&o->window, capacity))
        return window_take(&o->window, bytes, capacity, cache_aligned);
    for (struct pool_window *w = o->extents; w; w = w->next_extent)
        if ((p = window_take(w, bytes, capacity, cache_aligned)))
            return p;
    struct pool_window *w = extent_add(o, capacity);
    return w ? window_take(w, bytes, capacity, cache_aligned) : NULL;
}

static inline void *owner_take(struct pool_owner *o, size_t bytes, size_t capacity, bool cache_aligned)
{
    uint32_t *head = &o->heads[class_of_bytes(bytes)];
    return __builtin_expect(owner_may_reuse(o, *head, cache_aligned), 1) ? list_pop(head) : owner_take_fresh(o, bytes, capacity, cache_aligned);
}

/* The block freed last, of any owner, which becomes *o. */
static void *reuse(struct pool_room *r, struct pool_owner **o, size_t bytes, bool cache_aligned)
{
    uint32_t class = class_of_bytes(bytes), *head = &r->freed[class];
    sim_access_order(SIM_ACCESS_OF(SIM_POOL, POOL_OWNERS + class), SIM_WRITE);
    if (!owner_may_reuse(*o, *head, cache_aligned))
        return NULL;
    void *p = list_pop(head);
    *o = r->owners[((struct pool_header *)p - 1)->owner];
    return p;
}

static void count(struct pool_room *r, int64_t blocks, int64_t bytes)
{
    r->live_blocks += (uint64_t)blocks;
    r->live_bytes += (uint64_t)bytes;
}

void *pool_alloc(uint32_t pool_type, size_t bytes, uint32_t tag, uint32_t caller)
{
    if (bytes >= POOL_END - POOL_BASE)
        return NULL;
    struct pool_room *r = pool_room();
    struct pool_owner *o = owner_current(r);
    size_t capacity = pool_capacity_of(bytes);
    void *p = mm_guard_is_on() ? mm_guard_alloc(kept_type(pool_type), bytes, tag, caller) : NULL;
    if (__builtin_expect(p != NULL, 0)) {
        sim_memory((uint64_t)p, bytes, tag, SIM_MEMORY_NEW);
        count(r, 1, (int64_t)bytes);
        return p;
    }
    if (__builtin_expect(reuses, 0))
        p = reuse(r, &o, bytes, pool_type & POOL_KEEP_CACHE_ALIGNED);
    if (!p)
        p = owner_take(o, bytes, capacity, pool_type & POOL_KEEP_CACHE_ALIGNED);
    if (!p)
        return NULL;
    sim_memory((uint64_t)p, bytes, tag, SIM_MEMORY_NEW);
    struct pool_header *h = (struct pool_header *)p - 1;
    pool_header_make(h, (uint32_t)bytes, tag, caller, o->slot, (uint8_t)(kept_type(pool_type) << 2 | POOL_LIVE));
    if (pool_type & POOL_OVERWRITTEN)
        fill((char *)p + (bytes & ~(size_t)(UNIT - 1)), POOL_FRESH, capacity - (bytes & ~(size_t)(UNIT - 1)));
    else
        fill(p, POOL_FRESH, capacity);
    o->live++;
    count(r, 1, (int64_t)bytes);
    return p;
}

/* A long block at the end of what was given out is given back, so that temporary buffers do not stay in snapshots. */
static bool shrink(struct pool_window *w, struct pool_header *h, size_t capacity)
{
    if (capacity < SHRINK_BYTES || !w || (uint64_t)(h + 1) + capacity != w->next)
        return false;
    memset(h, 0, sizeof *h + capacity);
    window_move_next(w, (uint64_t)h);
    return true;
}

static _Noreturn void slack_was_written(const struct pool_header *h)
{
    const uint8_t *block = (const uint8_t *)(h + 1);
    size_t i = h->bytes;
    while (block[i] == POOL_FRESH)
        i++;
    KeBugCheckEx(SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, (uint64_t)block, (uint64_t)(block + i), h->bytes, 0x24);
}

/* What lies between a block's last byte and the next unit was filled when it was given out. DOC: 0xC1 with 0x24, as special pool says it. */
static inline void check_slack(const struct pool_header *h)
{
    unsigned used = h->bytes % UNIT;
    if (!used)
        return;
    const __m128i last = _mm_loadu_si128((const __m128i *)((const uint8_t *)(h + 1) + h->bytes - used));
    unsigned fresh = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(last, _mm_set1_epi8((char)POOL_FRESH)));
    if (__builtin_expect(fresh >> used != 0xFFFFu >> used, 0))
        slack_was_written(h);
}

/* unseen: nobody can tell when, as the block is not given out again. */
static void give_back(struct pool_header *h, bool unseen)
{
    check_slack(h);
    sim_memory((uint64_t)(h + 1), h->bytes, h->tag, SIM_MEMORY_FREED);
    if (!unseen)
        sim_access_order(SIM_ACCESS_OF(SIM_LIFE_OF_BLOCK, h + 1), SIM_WRITE);
    struct pool_room *r = pool_room();
    struct pool_owner *o = r->owners[h->owner], *self = unseen ? NULL : owner_current(r); /* which makes one for who has had no pool yet */
    IR_ASSERT(o && o->live > 0);
    size_t capacity = pool_capacity(h);
    count(r, -1, -(int64_t)h->bytes);
    o->live--;
    bool own = o == self;
    if (capacity >= SHRINK_BYTES && own && !reuses && shrink(pool_window_at((uint64_t)h), h, capacity))
        return;
    void *p = h + 1;
    fill(p, POOL_FREED, capacity);
    if (unseen) {
        pool_state_set(h, POOL_FREE_FOREIGN);
        pool_header_make(h, h->bytes, h->tag, h->caller, POOL_RETIRED, h->kind);
        return;
    }
    if (__builtin_expect(reuses, 0)) {
        sim_access_order(SIM_ACCESS_OF(SIM_POOL, POOL_OWNERS + class_of_bytes(h->bytes)), SIM_WRITE);
        pool_state_set(h, POOL_FREE);
        list_push(&r->freed[class_of_bytes(h->bytes)], p);
        return;
    }
    pool_state_set(h, own ? POOL_FREE : POOL_FREE_FOREIGN);
    if (own) {
        list_push(&o->heads[class_of_bytes(h->bytes)], p);
        return;
    }
    o->foreign++;
    sim_access(SIM_ACCESS_OF(SIM_POOL, o->slot), SIM_COMMUTE);
}

void pool_free(struct pool_header *h)
{
    give_back(h, false);
}

void pool_free_unseen(struct pool_header *h)
{
    give_back(h, true);
}

void pool_free_guarded(const struct guard_block *b)
{
    struct pool_room *r = pool_room();
    count(r, -1, -(int64_t)b->bytes);
    sim_memory(b->base, b->bytes, b->tag, SIM_MEMORY_FREED);
    sim_access_order(SIM_ACCESS_OF(SIM_LIFE_OF_BLOCK, b->base), SIM_WRITE);
    mm_guard_free(b->base);
}

uint32_t pool_caller(void)
{
    const struct agent *a = MACHINE->fiber;
    if (!a)
        return 0;
    const struct fiber *f = &a->fiber;
    if (f->guest_sp < f->kernel_stack || f->guest_sp + sizeof(struct door_frame) > f->kernel_stack_top)
        return 0;
    const struct door_frame *frame = (const struct door_frame *)f->guest_sp;
    /* Only an export's own frame has this shape; a named frame may lie on top of it. */
    if (frame->index >= door_count || f->frame_site != door_site((uint32_t)frame->index))
        return 0;
    uint64_t offset = frame->return_address - KERNEL_BASE;
    return offset < KERNEL_END - KERNEL_BASE ? (uint32_t)offset : 0;
}

/* ---- looking ---- */

struct pool_window *pool_window_at(uint64_t address)
{
    struct pool_room *r = pool_room();
    if (address < POOL_BASE || address >= r->extent_next)
        return NULL;
    if (address < POOL_EXTENT_BASE) {
        struct pool_owner *o = r->owners[(address - POOL_BASE) / POOL_WINDOW];
        return o && address < o->window.next ? &o->window : NULL;
    }
    for (uint32_t i = 0; i < POOL_OWNERS; i++)
        for (struct pool_window *w = r->owners[i] ? r->owners[i]->extents : NULL; w; w = w->next_extent)
            if (address >= w->base && address < w->next)
                return w;
    return NULL;
}

static void describe(const struct pool_header *h, struct pool_block *b)
{
    *b = (struct pool_block) {
        .base = (uint64_t)(h + 1),
        .bytes = h->bytes,
        .tag = h->tag,
        .pool_type = pool_type_of(h),
        .caller = h->caller ? KERNEL_BASE + h->caller : 0,
        .free = pool_state(h) != POOL_LIVE,
    };
}

/* The first block at or after a place where a header may be; NULL at the end, or where a header was overwritten. */
static const struct pool_header *first_block(const struct pool_window *w, uint64_t at)
{
    if (at < w->next && is_unused((const struct pool_header *)at))
        at += base_zero_bytes((const void *)at, w->next - at);
    const struct pool_header *h = (const struct pool_header *)at;
    return at < w->next && pool_intact(h) ? h : NULL;
}

static const struct pool_header *next_block(const struct pool_window *w, const struct pool_header *h)
{
    return first_block(w, (uint64_t)(h + 1) + pool_capacity(h));
}

static void describe_guarded(const struct guard_block *g, struct pool_block *b)
{
    *b = (struct pool_block) {
        .base = g->base,
        .bytes = g->bytes,
        .tag = g->tag,
        .pool_type = pool_type_of_kept(g->pool_type),
        .caller = g->caller ? KERNEL_BASE + g->caller : 0,
        .free = !g->live,
    };
}

bool mm_pool_find(uint64_t address, struct pool_block *out)
{
    enum guard_wrong how;
    const struct guard_block *g = mm_guard_covers(address) ? mm_guard_at(address, &how) : NULL;
    if (g && address - g->base < (g->bytes ? g->bytes : 1)) {
        describe_guarded(g, out);
        return true;
    }
    const struct pool_window *w = pool_window_at(address);
    if (!w)
        return false;
    for (const struct pool_header *h = first_block(w, w->base); h && (uint64_t)h <= address; h = next_block(w, h))
        if (address - (uint64_t)(h + 1) < pool_capacity(h)) {
            describe(h, out);
            return true;
        }
    return false;
}

static void window_walk(const struct pool_window *w, void (*fn)(void *, const struct pool_block *), void *ctx)
{
    struct pool_block b;
    for (const struct pool_header *h = first_block(w, w->base); h; h = next_block(w, h))
        if (pool_state(h) == POOL_LIVE) {
            describe(h, &b);
            fn(ctx, &b);
        }
}

struct guarded_walk {
    void (*fn)(void *, const struct pool_block *);
    void *ctx;
};

static void walk_guarded(void *ctx, const struct guard_block *g)
{
    const struct guarded_walk *w = ctx;
    struct pool_block b;
    describe_guarded(g, &b);
    w->fn(w->ctx, &b);
}

void mm_pool_walk(void (*fn)(void *, const struct pool_block *), void *ctx)
{
    struct pool_room *r = pool_room();
    struct guarded_walk guarded = { fn, ctx };
    mm_guard_walk(walk_guarded, &guarded);
    for (uint32_t i = 0; i < POOL_OWNERS; i++)
        if (r->owners[i])
            window_walk(&r->owners[i]->window, fn, ctx);
    for (uint64_t at = POOL_EXTENT_BASE; at < r->extent_next;) {
        struct pool_window *w = pool_window_at(at);
        if (w)
            window_walk(w, fn, ctx);
        at = w ? w->end : at + POOL_WINDOW;
    }
}

/* What was freed and not given out again is as pool_free left it, but for the link in its second eight bytes. DOC: 0x19 with 0xD, 0xE, 0xF, 0x23,
 * 0x24 or 0x25 says that a freed block was modified. GUESS: which of them, and the other parameters. */
static void check_freed(const struct pool_header *h)
{
    const uint8_t *block = (const uint8_t *)(h + 1);
    const uint32_t *q = (const uint32_t *)block;
    size_t bytes = pool_capacity(h), i = 8;
    bool linked = pool_state(h) == POOL_FREE;
    if (__builtin_expect(linked && q[3] != ~q[2], 0))
        KeBugCheckEx(BAD_POOL_HEADER, 0xD, (uint64_t)block, (uint64_t)(q + 2), h->bytes);
    const uint64_t freed_word = POOL_FREED * 0x0101010101010101ull;
    bool same = *(const uint64_t *)block == freed_word && (linked || *(const uint64_t *)(block + 8) == freed_word);
    if (bytes > UNIT && same) {
        const __m128i freed = _mm_set1_epi8((char)POOL_FREED);
        for (i = UNIT; i + 4 * UNIT <= bytes; i += 4 * UNIT) {
            const __m128i *u = (const __m128i *)(block + i);
            __m128i all = _mm_and_si128(_mm_and_si128(_mm_cmpeq_epi8(u[0], freed), _mm_cmpeq_epi8(u[1], freed)),
                                        _mm_and_si128(_mm_cmpeq_epi8(u[2], freed), _mm_cmpeq_epi8(u[3], freed)));
            if (_mm_movemask_epi8(all) != 0xFFFF)
                break;
        }
        for (; i < bytes && _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_load_si128((const __m128i *)(block + i)), freed)) == 0xFFFF; i += UNIT)
            ;
        same = i == bytes;
    }
    if (__builtin_expect(same, 1))
        return;
    for (i = i == 8 ? 0 : i; block[i] == POOL_FREED; i++)
        ;
    KeBugCheckEx(BAD_POOL_HEADER, 0xD, (uint64_t)block, (uint64_t)(block + i), h->bytes);
}

static void window_check(const struct pool_window *w)
{
    const struct pool_header *last = NULL;
    for (const struct pool_header *h = first_block(w, w->base); h; h = next_block(w, h)) {
        if (pool_state(h) == POOL_LIVE)
            check_slack(h);
        else
            check_freed(h);
        last = h;
    }
    if (!last)
        return;
    uint64_t at = (uint64_t)(last + 1) + pool_capacity(last), word;
    while (at < w->next && is_unused((const struct pool_header *)at))
        at += UNIT;
    if (at < w->next) { /* the walk ended at a header that was overwritten */
        memcpy(&word, (const void *)at, sizeof word);
        KeBugCheckEx(BAD_POOL_HEADER, 0x20, (uint64_t)last, at, word);
    }
    if (w->next + UNIT <= w->end)
        pool_check_end(w);
}

void mm_pool_check(void)
{
    const struct pool_room *r = pool_room();
    for (uint32_t i = 0; i < POOL_OWNERS; i++) {
        if (r->owners[i])
            window_check(&r->owners[i]->window);
        for (const struct pool_window *w = r->owners[i] ? r->owners[i]->extents : NULL; w; w = w->next_extent)
            window_check(w);
    }
    const struct guard_block *b;
    uint64_t at = mm_guard_is_on() ? mm_guard_slack_damage(true, &b) : 0;
    if (at)
        KeBugCheckEx(SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, b->base, at, b->bytes, 0x24);
}

void mm_pool_totals(uint64_t *blocks, uint64_t *bytes)
{
    *blocks = pool_room()->live_blocks;
    *bytes = pool_room()->live_bytes;
}
