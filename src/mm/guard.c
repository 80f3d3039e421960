/* Guarded pool; see guard.h.
 *
 * Each owner of pool has a window here, too, so that addresses do not depend on what others do; when it is full, pieces of a common
 * rest follow. Pages of a window are given out upwards: a block's pages, then one that stays inaccessible. When the space or the
 * number of mappings is used up, ordinary pool serves (as Driver Verifier's special pool does).
 *
 * The table of blocks lies in private memory and belongs to snapshots; page protections do not: mm_guard_restored makes them agree
 * with the table. Of a live block's first page only what an underrun is looked for in, and the block, are copied. */
#include "mm/guard.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "mm/pool.h"
#include "mm/room.h"

enum {
    PAGE = 0x1000,
    WINDOW = 0x200000, /* of each owner */
    PIECE = 0x100000,
    FRONT = 256, /* bytes before a block that are looked at when it is freed */
    MOST_LIVE = 20000, /* each live block is two mappings of the host's, which allows some 65,000 */
    PAGES = (GUARD_END - GUARD_BASE) / PAGE,
    FIRST_BLOCKS = 32,
    LOOKED_AT = 128, /* blocks at a call: the newest, and as many others in turn */
    IRP_TAG = 0x20707249,
    FIRST_IMAGE = 0x2000000, /* offset in the kernel half */
    MOST_LET = 1000, /* accesses to shut pages in a run: each takes some microseconds */
};
#define PIECES_BASE (GUARD_BASE + (uint64_t)POOL_OWNERS * WINDOW)

size_t (*mm_guard_stack_hook)(uint64_t *frames, size_t max);

struct guard_window {
    uint64_t base, next, end;
    struct guard_block *blocks; /* by address */
    uint32_t count, room;
    uint16_t slot;
    struct guard_window *next_window; /* all of them, newest first */
    struct guard_window *before; /* this owner's last one */
};

/* Bases of blocks. */
struct guard_list {
    uint64_t *bases;
    uint32_t count, room;
};

struct guard_room {
    bool on;
    uint64_t generation; /* changed by every change of what is accessible */
    uint64_t pieces_next;
    uint64_t live;
    struct guard_window *windows, *of_owner[POOL_OWNERS];
    struct guard_window *at[(GUARD_END - GUARD_BASE) / PIECE]; /* by address */
    struct guard_list slack, irps;
    uint32_t let; /* accesses to shut pages so far */
    uint32_t slack_next; /* which of them is looked at next, if there are too many to look at all */
};

/* The process's: pages that are accessible now, and where each stands in the list, plus one. */
static uint32_t *open_list, open_count, open_room, open_at[PAGES];
static uint64_t applied, last_generation;

/* The process's, too: pages that are shut, those of them that are open for the moment, and those that host code has had open since somebody compared. */
enum { SHUT = 1, LET = 2, TOUCHED = 4 };
static uint8_t shut_state[PAGES];
static uint32_t let_list[64], let_count;

static struct guard_room *room(void)
{
    return mm_room()->guard;
}

bool mm_guard_is_on(void)
{
    return MACHINE->rooms[ROOM_MM] && room() && room()->on;
}

/* ---- pages ---- */

static uint32_t page_of(uint64_t address)
{
    return (uint32_t)((address - GUARD_BASE) / PAGE);
}

static void page_note_open(uint32_t page)
{
    if (open_at[page])
        return;
    if (open_count == open_room) {
        open_room = open_room ? open_room * 2 : 1024;
        open_list = realloc(open_list, open_room * sizeof *open_list);
        IR_ASSERT(open_list);
    }
    open_list[open_count++] = page;
    open_at[page] = open_count;
}

static void page_note_closed(uint32_t page)
{
    uint32_t at = open_at[page];
    if (!at)
        return;
    uint32_t last = open_list[--open_count];
    open_list[at - 1] = last;
    open_at[last] = at;
    open_at[page] = 0;
}

static void pages_open(uint64_t from, uint64_t end)
{
    bool closed = false;
    for (uint64_t p = from; p < end && !closed; p += PAGE)
        closed = !open_at[page_of(p)] || !(host_page_protection(p) & PROT_WRITE);
    if (closed)
        host_protect_apart(from, end - from, PROT_READ | PROT_WRITE);
    for (uint64_t p = from; p < end; p += PAGE)
        page_note_open(page_of(p));
}

static void pages_close(uint64_t from, uint64_t end)
{
    host_protect_apart(from, end - from, PROT_NONE);
    for (uint64_t p = from; p < end; p += PAGE)
        page_note_closed(page_of(p));
}

/* Who looks from outside of the machine (a view of a run that has ended) sees all of the kernel half: what was freed, an image's sections that
 * nobody may read. The next restore closes it again. */
bool mm_guard_look(uint64_t address)
{
    uint64_t page = address & ~(uint64_t)(PAGE - 1);
    if (mm_guard_is_shut(address)) {
        mm_guard_let(address, true);
        return true;
    }
    if (address < KERNEL_BASE || address >= KERNEL_END || (host_page_protection(page) & PROT_READ))
        return false;
    if (!mm_guard_covers(address)) {
        host_protect(page, PAGE, host_page_protection(page) | PROT_READ);
        return true;
    }
    host_protect_apart(page, PAGE, PROT_READ);
    page_note_open(page_of(page));
    applied = 0;
    return true;
}

static void generation_new(void)
{
    applied = ++last_generation;
    room()->generation = applied;
}

static uint64_t first_page(const struct guard_block *b)
{
    return b->base & ~(uint64_t)(PAGE - 1);
}

/* Of the guard page behind it. A block of no bytes has 16. */
static uint64_t end_page(const struct guard_block *b)
{
    return (b->base + (b->bytes ? b->bytes : 1) + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

/* ---- shut pages ---- */

static struct guard_block *find(uint64_t address);
static uint64_t slack_of(const struct guard_block *b);

/* What drivers allocate as such; objects and what the I/O manager allocates for them are looked at by other means. */
static bool is_plain(const struct guard_block *b)
{
    static const char tags[][5] = { "Obj ", "Irp ", "Mdl ", "Io  " };
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        if (memcmp(&b->tag, tags[i], 4) == 0)
            return false;
    return b->caller >= FIRST_IMAGE && KERNEL_BASE + b->caller < GUARD_BASE;
}

static uint64_t shut_from(const struct guard_block *b)
{
    return b->bytes < PAGE ? first_page(b) : end_page(b) - PAGE;
}

static void block_shut(const struct guard_block *b)
{
    if (room()->let >= MOST_LET || !is_plain(b) || (!slack_of(b) && b->base == first_page(b)))
        return;
    for (uint64_t p = shut_from(b); p < end_page(b); p += PAGE)
        if (!(shut_state[page_of(p)] & SHUT)) {
            shut_state[page_of(p)] = SHUT;
            host_shut(p, true);
        }
}

static void block_unshut(const struct guard_block *b)
{
    for (uint64_t p = shut_from(b); p < end_page(b); p += PAGE) {
        if (shut_state[page_of(p)] & SHUT)
            host_shut(p, false);
        shut_state[page_of(p)] = 0;
    }
}

bool mm_guard_is_shut(uint64_t address)
{
    return mm_guard_covers(address) && (shut_state[page_of(address)] & SHUT);
}

static void unshut(void *ctx, const struct guard_block *b)
{
    block_unshut(b);
}

void mm_guard_let(uint64_t address, bool by_host)
{
    uint32_t page = page_of(address);
    if (!mm_guard_is_shut(address) || (shut_state[page] & LET))
        return;
    shut_state[page] |= by_host ? LET | TOUCHED : LET;
    host_shut(GUARD_BASE + (uint64_t)page * PAGE, false);
    if (let_count == sizeof let_list / sizeof let_list[0])
        mm_guard_shut_again();
    let_list[let_count++] = page;
    host_losses_wait = true;
    if (MACHINE->fiber && ++room()->let == MOST_LET) {
        mm_guard_walk(unshut, NULL);
        generation_new();
    }
}

void mm_guard_shut_again(void)
{
    for (uint32_t i = 0; i < let_count; i++) {
        uint32_t page = let_list[i];
        if (shut_state[page] & SHUT)
            host_shut(GUARD_BASE + (uint64_t)page * PAGE, true);
        shut_state[page] &= (uint8_t)~LET;
    }
    let_count = 0;
}

/* The state of the page that a block ends on. */
static uint8_t *last_state(const struct guard_block *b)
{
    return &shut_state[page_of(end_page(b) - PAGE)];
}

/* Nobody can have written beside the block without being seen. */
static bool is_untouched(const struct guard_block *b)
{
    return (*last_state(b) & SHUT) && !(*last_state(b) & TOUCHED);
}

/* ---- windows ---- */

void mm_guard_set(bool on)
{
    struct mm_room *r = mm_room();
    if (!r->guard && !on)
        return;
    host_lose_hook = mm_guard_shut_again;
    if (!r->guard) {
        r->guard = sim_alloc(sizeof *r->guard);
        r->guard->pieces_next = PIECES_BASE;
        generation_new();
    }
    r->guard->on = on;
}

static struct guard_window *window_add(uint16_t slot, uint64_t base, uint64_t bytes)
{
    struct guard_room *r = room();
    struct guard_window *w = sim_alloc(sizeof *w);
    *w = (struct guard_window) { .base = base, .next = base, .end = base + bytes, .slot = slot, .next_window = r->windows, .before = r->of_owner[slot] };
    r->windows = r->of_owner[slot] = w;
    for (uint64_t p = base; p < base + bytes; p += PIECE)
        r->at[(p - GUARD_BASE) / PIECE] = w;
    return w;
}

/* A window of the owner with that many bytes left; NULL. */
static struct guard_window *window_for(uint16_t slot, uint64_t bytes)
{
    struct guard_room *r = room();
    for (struct guard_window *w = r->of_owner[slot]; w; w = w->before)
        if (w->end - w->next >= bytes)
            return w;
    if (!r->of_owner[slot]) {
        struct guard_window *w = window_add(slot, GUARD_BASE + (uint64_t)slot * WINDOW, WINDOW);
        if (bytes <= WINDOW)
            return w;
    }
    uint64_t piece = (bytes + PIECE - 1) & ~(uint64_t)(PIECE - 1);
    if (piece > GUARD_END - r->pieces_next)
        return NULL;
    r->pieces_next += piece;
    return window_add(slot, r->pieces_next - piece, piece);
}

static struct guard_block *block_add(struct guard_window *w)
{
    if (w->count == w->room) {
        uint32_t wanted = w->room ? w->room * 2 : FIRST_BLOCKS;
        struct guard_block *bigger = sim_alloc(wanted * sizeof *bigger);
        memcpy(bigger, w->blocks, w->count * sizeof *bigger);
        sim_free(w->blocks, w->room * sizeof *bigger);
        w->blocks = bigger;
        w->room = wanted;
    }
    return memset(&w->blocks[w->count++], 0, sizeof *w->blocks);
}

/* The last block of a window whose first page does not lie behind an address; NULL. */
static struct guard_block *last_before(const struct guard_window *w, uint64_t address)
{
    uint32_t low = 0, high = w->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (first_page(&w->blocks[middle]) <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &w->blocks[low - 1] : NULL;
}

static struct guard_block *find(uint64_t address)
{
    if (!mm_guard_covers(address) || !MACHINE->rooms[ROOM_MM] || !room())
        return NULL;
    const struct guard_window *w = room()->at[(address - GUARD_BASE) / PIECE];
    return w ? last_before(w, address) : NULL;
}

const struct guard_block *mm_guard_at(uint64_t address, enum guard_wrong *how)
{
    const struct guard_block *b = find(address);
    if (!b || address >= end_page(b) + PAGE)
        return NULL;
    *how = !b->live ? GUARD_FREED : address < b->base ? GUARD_BEFORE : GUARD_BEYOND;
    if (address < end_page(b))
        return b;
    /* On the guard page between two. One that begins at its page ends its underruns there. */
    const struct guard_window *w = room()->at[(address - GUARD_BASE) / PIECE];
    const struct guard_block *next = b + 1;
    if (next < w->blocks + w->count && next->live && next->base % PAGE == 0 && address % PAGE >= PAGE / 2) {
        *how = GUARD_BEFORE;
        return next;
    }
    return b;
}

const struct guard_block *mm_guard_block(uint64_t base)
{
    const struct guard_block *b = find(base);
    return b && b->base == base ? b : NULL;
}

/* ---- slack ---- */

static uint64_t slack_of(const struct guard_block *b)
{
    return end_page(b) - (b->base + b->bytes);
}

static void list_add(struct guard_list *l, uint64_t base)
{
    if (l->count == l->room) {
        uint32_t wanted = l->room ? l->room * 2 : 64;
        uint64_t *bigger = sim_alloc(wanted * 8);
        memcpy(bigger, l->bases, l->count * 8);
        sim_free(l->bases, l->room * 8);
        l->bases = bigger;
        l->room = wanted;
    }
    l->bases[l->count++] = base;
}

static void list_remove(struct guard_list *l, uint64_t base)
{
    for (uint32_t i = l->count; i-- > 0;)
        if (l->bases[i] == base) {
            l->bases[i] = l->bases[--l->count];
            return;
        }
}

static uint64_t changed(uint64_t from, uint64_t end)
{
    const uint64_t whole = POOL_FRESH * 0x0101010101010101ull;
    uint64_t word;
    for (uint64_t at = from; at < end; at++) {
        while (end - at >= sizeof word && (memcpy(&word, (const void *)at, sizeof word), word == whole))
            at += sizeof word;
        if (at < end && *(const uint8_t *)at != POOL_FRESH)
            return at;
    }
    return 0;
}

static uint64_t slack_damage_in(const struct guard_list *l, uint32_t from, uint32_t end, const struct guard_block **block)
{
    for (uint32_t i = from; i < end; i++) {
        const struct guard_block *b = find(l->bases[i]);
        if (is_untouched(b))
            continue;
        uint64_t at = changed(b->base + b->bytes, end_page(b));
        *last_state(b) &= (uint8_t)~TOUCHED;
        if (at) {
            *block = b;
            return at;
        }
    }
    return 0;
}

bool mm_guard_looks_at_all(void)
{
    return room()->slack.count <= LOOKED_AT;
}

uint64_t mm_guard_slack_damage(bool all, const struct guard_block **block)
{
    struct guard_room *r = room();
    uint32_t n = r->slack.count, newest = n < LOOKED_AT ? n : LOOKED_AT;
    uint64_t at = slack_damage_in(&r->slack, n - newest, n, block);
    if (at || n == newest)
        return at;
    if (all)
        return slack_damage_in(&r->slack, 0, n - newest, block);
    uint32_t from = r->slack_next < n - newest ? r->slack_next : 0, end = from + LOOKED_AT < n - newest ? from + LOOKED_AT : n - newest;
    r->slack_next = end;
    return slack_damage_in(&r->slack, from, end, block);
}

uint64_t mm_guard_damage(const struct guard_block *b)
{
    uint64_t front = b->base - first_page(b) > FRONT ? b->base - FRONT : first_page(b);
    uint64_t at = changed(b->base + b->bytes, end_page(b));
    return at ? at : changed(front, b->base);
}

/* ---- blocks ---- */

static void stack_note(uint32_t *out)
{
    uint64_t frames[GUARD_STACK];
    size_t n = mm_guard_stack_hook && MACHINE->fiber ? mm_guard_stack_hook(frames, GUARD_STACK) : 0;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (frames[i] - KERNEL_BASE < KERNEL_END - KERNEL_BASE)
            out[kept++] = (uint32_t)(frames[i] - KERNEL_BASE);
    if (kept < GUARD_STACK)
        out[kept] = 0;
}

static uint64_t agent_id(void)
{
    return MACHINE->fiber ? MACHINE->fiber->stable_id : 0;
}

/* A driver's, or an IRP: those that drivers can overrun by less than reaches the guard page. */
static bool is_slack_watched(const struct guard_block *b)
{
    return slack_of(b) && (b->tag == IRP_TAG || (b->caller >= FIRST_IMAGE && KERNEL_BASE + b->caller < GUARD_BASE));
}

void *mm_guard_alloc(uint32_t pool_type, size_t bytes, uint32_t tag, uint32_t caller)
{
    struct guard_room *r = room();
    uint64_t align = pool_type & POOL_KEEP_CACHE_ALIGNED ? 64 : 16, length = (bytes + (bytes == 0) + align - 1) & ~(align - 1);
    uint64_t pages = (length + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    if (bytes >= PAGE) /* DOC: page-aligned */
        length = pages;
    struct pool_owner *o = pool_owner_current();
    struct guard_window *w = r->live < MOST_LIVE && bytes < UINT32_MAX ? window_for(o->slot, pages + PAGE) : NULL;
    if (!w)
        return NULL;
    struct guard_block *b = block_add(w);
    b->base = w->next + pages - length;
    b->bytes = (uint32_t)bytes;
    b->tag = tag;
    b->caller = caller;
    b->pool_type = (uint16_t)pool_type;
    b->live = true;
    b->allocated_by = agent_id();
    b->allocated_100ns = MACHINE->clock_100ns;
    stack_note(b->allocated);
    pages_open(w->next, w->next + pages);
    memset((void *)w->next, POOL_FRESH, pages);
    w->next += pages + PAGE;
    r->live++;
    if (is_slack_watched(b))
        list_add(&r->slack, b->base);
    if (b->tag == IRP_TAG)
        list_add(&r->irps, b->base);
    block_shut(b);
    generation_new();
    return (void *)b->base;
}

void mm_guard_free(uint64_t base)
{
    struct guard_block *b = find(base);
    IR_ASSERT(b && b->base == base && b->live);
    if (is_slack_watched(b))
        list_remove(&room()->slack, base);
    if (b->tag == IRP_TAG)
        list_remove(&room()->irps, base);
    b->live = false;
    b->freer = pool_caller();
    b->freed_by = agent_id();
    b->freed_100ns = MACHINE->clock_100ns;
    stack_note(b->freed);
    room()->live--;
    block_unshut(b);
    pages_close(first_page(b), end_page(b));
    generation_new();
}

void mm_guard_walk(void (*fn)(void *ctx, const struct guard_block *b), void *ctx)
{
    if (!MACHINE->rooms[ROOM_MM] || !room())
        return;
    const struct guard_window *last = NULL;
    for (size_t i = 0; i < sizeof room()->at / sizeof room()->at[0]; i++) {
        const struct guard_window *w = room()->at[i];
        if (!w || w == last)
            continue;
        last = w;
        for (uint32_t k = 0; k < w->count; k++)
            if (w->blocks[k].live)
                fn(ctx, &w->blocks[k]);
    }
}

void mm_guard_walk_irps(void (*fn)(void *ctx, const struct guard_block *b), void *ctx)
{
    const struct guard_room *r = MACHINE->rooms[ROOM_MM] ? room() : NULL;
    for (uint32_t i = r && r->irps.count > LOOKED_AT ? r->irps.count - LOOKED_AT : 0; r && i < r->irps.count; i++)
        fn(ctx, find(r->irps.bases[i]));
}

/* ---- snapshots and hashes ---- */

struct saving {
    void (*add)(void *ctx, uint64_t base, uint64_t bytes);
    void *ctx;
};

static void save_block(void *ctx, const struct guard_block *b)
{
    const struct saving *s = ctx;
    uint64_t from = b->base - first_page(b) > FRONT ? b->base - FRONT : first_page(b);
    s->add(s->ctx, from, end_page(b) - from);
}

void mm_guard_save(void (*add)(void *ctx, uint64_t base, uint64_t bytes), void *ctx)
{
    struct saving s = { add, ctx };
    mm_guard_walk(save_block, &s);
}

static void reopen(void *ctx, const struct guard_block *b)
{
    pages_open(first_page(b), end_page(b));
    block_shut(b);
}

void mm_guard_restored(void)
{
    uint64_t generation = room() ? room()->generation : 0;
    if (generation == applied) {
        if (let_count)
            mm_guard_shut_again();
        return;
    }
    for (uint32_t i = 0; i < open_count; i++) {
        if (shut_state[open_list[i]] & SHUT)
            host_shut(GUARD_BASE + (uint64_t)open_list[i] * PAGE, false);
        shut_state[open_list[i]] = 0;
    }
    let_count = 0;
    for (uint32_t i = open_count; i-- > 0;) {
        uint64_t page = GUARD_BASE + (uint64_t)open_list[i] * PAGE;
        const struct guard_block *b = find(page);
        if (!b || !b->live || page >= end_page(b))
            pages_close(page, page + PAGE);
    }
    mm_guard_walk(reopen, NULL);
    applied = generation;
}

static void hash_block(void *ctx, const struct guard_block *b)
{
    uint64_t *h = ctx;
    *h = base_hash_bytes(*h ^ b->base, (const uint8_t *)b->base, b->bytes);
}

uint64_t mm_guard_hash(uint64_t h)
{
    mm_guard_walk(hash_block, &h);
    return h;
}
