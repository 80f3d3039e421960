/* User address space: which parts of a process's slice are taken, and the snapshot segments of the committed ones.
 *
 * Ranges of one process are kept in address order; a new one takes the first hole that fits. Committed neighbours share a
 * segment. Committed memory is zero when handed out. */
#include <string.h>
#include <sys/mman.h>

#include "mm/room.h"
#include "ps/process.h"
#include "sim/access.h"

enum { PAGE = 0x1000, GRANULARITY = 0x10000, MAX_APPLIED = 4096 };

struct user_range {
    uint64_t base, bytes;
    bool committed;
    bool retired; /* a stack or block of an ended thread: not used again while there is other room */
    struct user_range *next;
};

static uint64_t up(uint64_t x, uint64_t align)
{
    return (x + align - 1) & ~(align - 1);
}

/* ---- segments ---- */

static struct segment *segment_with(uint64_t address)
{
    struct machine *m = MACHINE;
    for (uint32_t i = m->segment_count; i-- > 0;)
        if (address - m->segments[i].base < m->segments[i].size && m->segments[i].kind == SEGMENT_PLAIN)
            return &m->segments[i];
    return NULL;
}

static void segment_new(uint64_t base, uint64_t bytes)
{
    sim_segment_add(base, bytes, SEGMENT_PLAIN, true)->used = bytes;
}

/* A range may grow the segment of the range that ends where it begins, not one of an image. */
static void segment_cover(const struct user_range *before, uint64_t base, uint64_t bytes)
{
    struct segment *s = before && before->committed && before->base + before->bytes == base ? segment_with(base - 1) : NULL;
    if (s && s->base + s->size == base) {
        s->size += bytes;
        s->used = s->size;
    } else {
        segment_new(base, bytes);
    }
}

static void segment_uncover(uint64_t base, uint64_t bytes)
{
    struct segment *s = segment_with(base);
    if (!s)
        return;
    uint64_t from = s->base, to = s->base + s->size;
    sim_segment_remove(from);
    if (from < base)
        segment_new(from, base - from);
    if (base + bytes < to)
        segment_new(base + bytes, to - base - bytes);
}

/* ---- after a restore ----
 * Protections are the processor's, not the snapshot's. `applied` is what this process made accessible last; when a restored run
 * has other ranges, those that it does not have lose their access, so that a stale pointer faults in every run alike. */

static struct {
    uint64_t base, bytes;
} applied[MAX_APPLIED];
static unsigned applied_count;
static uint64_t applied_generation, last_generation;

static void generation_new(void)
{
    applied_generation = ++last_generation;
    mm_room()->user_generation = applied_generation;
}

static void applied_add(const struct user_range *r)
{
    if (applied_count == MAX_APPLIED)
        base_panic("more than %d ranges of user memory", MAX_APPLIED);
    applied[applied_count].base = r->base;
    applied[applied_count++].bytes = r->bytes;
    generation_new();
}

static void applied_remove(uint64_t base)
{
    for (unsigned i = 0; i < applied_count; i++)
        if (applied[i].base == base) {
            applied[i] = applied[--applied_count];
            generation_new();
            return;
        }
}

static const struct user_range *range_at(uint64_t base)
{
    for (const struct process *p = ps_processes(); p; p = p->next)
        for (const struct user_range *r = p->user_ranges; r; r = r->next)
            if (r->base == base && !r->retired)
                return r;
    return NULL;
}

/* Takes access away from the parts of [base, end) that no range of the restored run covers. */
static void protect_uncovered(uint64_t base, uint64_t end)
{
    for (const struct process *p = ps_processes(); p; p = p->next)
        for (const struct user_range *r = p->user_ranges; r; r = r->next) {
            if (r->retired || r->base >= end || r->base + r->bytes <= base)
                continue;
            if (r->base > base)
                protect_uncovered(base, r->base);
            if (r->base + r->bytes < end)
                protect_uncovered(r->base + r->bytes, end);
            return;
        }
    host_protection_restore(base, end - base, PROT_NONE);
}

void mm_user_restored(void)
{
    if (mm_room()->user_generation == applied_generation)
        return;
    for (unsigned i = 0; i < applied_count; i++) {
        const struct user_range *r = range_at(applied[i].base);
        if (!r || r->bytes != applied[i].bytes)
            protect_uncovered(applied[i].base, applied[i].base + applied[i].bytes);
    }
    applied_count = 0;
    for (const struct process *p = ps_processes(); p; p = p->next)
        for (const struct user_range *r = p->user_ranges; r; r = r->next)
            if (!r->retired)
                applied_add(r);
    applied_generation = mm_room()->user_generation;
}

/* ---- ranges ---- */

static bool forget_retired(struct process *p)
{
    bool any = false;
    for (struct user_range **at = (struct user_range **)&p->user_ranges; *at;) {
        struct user_range *r = *at;
        if (!r->retired) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        sim_free(r, sizeof *r);
        any = true;
    }
    return any;
}

/* `before`: its neighbour. `behind`: so much is free after it. */
static struct user_range *range_add(struct process *p, uint64_t bytes, uint64_t behind, uint64_t align, struct user_range **before)
{
    sim_access(SIM_ACCESS_OF(SIM_USER_MEMORY, p->eprocess), SIM_WRITE);
    struct user_range **at = (struct user_range **)&p->user_ranges;
    uint64_t base = up(p->slice + GRANULARITY, align);
    *before = NULL;
    while (*at && base + bytes + behind > (*at)->base) {
        *before = *at;
        base = up((*at)->base + (*at)->bytes, align);
        at = &(*at)->next;
    }
    if (base + bytes + behind > p->slice + USER_SLICE - USER_VIEWS) {
        if (!forget_retired(p))
            return NULL;
        sim_opaque("user memory of ended threads had to be used again");
        return range_add(p, bytes, behind, align, before);
    }
    struct user_range *r = sim_alloc(sizeof *r);
    *r = (struct user_range) { .base = base, .bytes = bytes, .next = *at };
    *at = r;
    applied_add(r);
    return r;
}

uint64_t mm_user_reserve(struct process *p, size_t bytes, size_t behind)
{
    struct user_range *before, *r = range_add(p, up(bytes, PAGE), up(behind, PAGE), GRANULARITY, &before);
    return r ? r->base : 0;
}

static struct user_range *range_add_at(struct process *p, uint64_t base, uint64_t bytes, struct user_range **before)
{
    struct user_range **at = (struct user_range **)&p->user_ranges;
    uint64_t end = p->slice + USER_SLICE - USER_VIEWS;
    if (base < p->slice + GRANULARITY || base >= end || bytes > end - base)
        return NULL;
    *before = NULL;
    for (; *at && (*at)->base + (*at)->bytes <= base; at = &(*at)->next)
        *before = *at;
    if (*at && (*at)->base < base + bytes)
        return forget_retired(p) ? range_add_at(p, base, bytes, before) : NULL;
    struct user_range *r = sim_alloc(sizeof *r);
    *r = (struct user_range) { .base = base, .bytes = bytes, .next = *at };
    *at = r;
    applied_add(r);
    return r;
}

uint64_t mm_user_reserve_at(struct process *p, uint64_t base, size_t bytes)
{
    struct user_range *before, *r = range_add_at(p, base, up(bytes, PAGE), &before);
    return r ? r->base : 0;
}

static void commit(struct user_range *r)
{
    r->committed = true;
    host_protect(r->base, r->bytes, PROT_READ | PROT_WRITE);
    host_zero_user(r->base, r->bytes);
}

uint64_t mm_user_alloc_at(struct process *p, uint64_t base, size_t bytes)
{
    struct user_range *before, *r = range_add_at(p, base, up(bytes, PAGE), &before);
    if (!r)
        return 0;
    commit(r);
    segment_cover(before, r->base, r->bytes);
    return r->base;
}

uint64_t mm_user_alloc(struct process *p, size_t bytes, int prot)
{
    struct user_range *before, *r = range_add(p, up(bytes ? bytes : 1, PAGE), 0, PAGE, &before);
    if (!r)
        return 0;
    commit(r);
    if (prot != (PROT_READ | PROT_WRITE))
        host_protect(r->base, r->bytes, prot);
    segment_cover(before, r->base, r->bytes);
    return r->base;
}

/* ---- pages of a reserved range ---- */

bool mm_user_is_committed(uint64_t page)
{
    return segment_with(page) != NULL;
}

/* Pages of a range that is committed piece by piece: only some have a segment. */
static void uncover_pages(uint64_t base, uint64_t bytes)
{
    struct machine *m = MACHINE;
    for (uint32_t i = 0; i < m->segment_count;) {
        const struct segment *s = &m->segments[i];
        if (s->base >= base + bytes || s->base + s->size <= base || s->kind != SEGMENT_PLAIN) {
            i++;
            continue;
        }
        uint64_t from = s->base > base ? s->base : base, to = s->base + s->size < base + bytes ? s->base + s->size : base + bytes;
        segment_uncover(from, to - from);
        i = 0; /* others have taken its place */
    }
}

void mm_user_commit(uint64_t address, size_t bytes, int prot)
{
    for (uint64_t page = address, run; page < address + bytes; page = run) {
        run = page + PAGE;
        if (segment_with(page))
            continue;
        while (run < address + bytes && !segment_with(run))
            run += PAGE;
        host_protect(page, run - page, PROT_READ | PROT_WRITE);
        memset((void *)page, 0, run - page);
        segment_new(page, run - page);
    }
    host_protect(address, bytes, prot);
}

void mm_user_decommit(uint64_t address, size_t bytes)
{
    uncover_pages(address, bytes);
    host_protect(address, bytes, PROT_NONE);
}

bool mm_user_range(const struct process *p, uint64_t address, uint64_t *base, uint64_t *bytes)
{
    uint64_t from = p->slice;
    for (const struct user_range *r = p->user_ranges; r; r = r->next) {
        if (address < r->base) {
            *base = from;
            *bytes = r->base - from;
            return false;
        }
        if (address - r->base < r->bytes) {
            *base = r->base;
            *bytes = r->bytes;
            return true;
        }
        from = r->base + r->bytes;
    }
    *base = from;
    *bytes = p->slice + USER_SLICE - from;
    return false;
}

void mm_user_retire(struct process *p, uint64_t address)
{
    for (struct user_range *r = p->user_ranges; r; r = r->next) {
        if (r->base != address)
            continue;
        if (r->committed)
            segment_uncover(r->base, r->bytes);
        else
            uncover_pages(r->base, r->bytes);
        host_protect(r->base, r->bytes, PROT_NONE);
        applied_remove(r->base);
        r->retired = true;
        return;
    }
    IR_ASSERT(!"a user range");
}

void mm_user_free(struct process *p, uint64_t address, size_t bytes)
{
    sim_access(SIM_ACCESS_OF(SIM_USER_MEMORY, p->eprocess), SIM_WRITE);
    sim_memory(address, bytes, 0, SIM_MEMORY_PAGES);
    for (struct user_range **at = (struct user_range **)&p->user_ranges; *at; at = &(*at)->next) {
        struct user_range *r = *at;
        if (r->base != address)
            continue;
        if (r->committed)
            segment_uncover(r->base, r->bytes);
        else
            uncover_pages(r->base, r->bytes);
        host_protect(r->base, r->bytes, PROT_NONE);
        applied_remove(r->base);
        *at = r->next;
        sim_free(r, sizeof *r);
        return;
    }
    IR_ASSERT(!"a user range");
}
