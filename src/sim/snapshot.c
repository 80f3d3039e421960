/* A snapshot is a copy of the live bytes of all segments, but for cold pages (host/cold.h): what those hold is kept once, by
 * sim_snapshot_watch, and copied back when they have become hot since the snapshot. Now and then all pages are watched anew, because much
 * is written when a program starts and never again; older snapshots then meet cold pages that they hold bytes of. Guest stacks are copied from their lowest non-zero byte (they are
 * zero-filled when made), so that garbage below the stack pointer is the same in every run of a schedule. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/zero.h"
#include "host/cold.h"
#include "sim/image.h"
#include "sim/lines.h"
#include "sim/machine.h"

void (*sim_restored_hook)(void);
void (*sim_pages_hook)(void (*add)(void *ctx, uint64_t base, uint64_t bytes), void *ctx);

enum { PAGE_SHIFT = 12, PAGE_BYTES = 1 << PAGE_SHIFT, MIXED = 0xFF, OVERRUN = 0x800 };

struct part {
    uint64_t base; /* first live byte */
    uint64_t bytes;
    uint64_t stack_limit; /* guest stacks: lowest address; zero between it and base */
    uint32_t runs, run_count; /* what is copied of it */
    uint32_t lines, lines_count; /* of its pages those that differ in lines from what they held once */
    int protection; /* of its pages, or MIXED */
    uint8_t *protections; /* MIXED: of each */
};

struct pages {
    uint64_t base, bytes;
    size_t offset;
};

/* Live bytes of a part on neighbouring hot pages. */
struct run {
    uint64_t at;
    size_t bytes, offset;
};

/* A hot page that has been cold, by the copy of what it held then. */
struct page_lines {
    uint64_t at, mask;
    size_t offset;
    uint32_t copy;
};

struct snapshot {
    uint64_t write_losses, changes; /* host_write_losses, host_protection_changes */
    uint32_t count, room;
    struct pages *pages; /* memory that is no segment */
    uint32_t page_count, page_room;
    size_t bytes, capacity;
    uint8_t *data;
    struct part *parts;
    struct run *runs;
    uint32_t run_count, run_room;
    struct page_lines *lines;
    uint32_t lines_count, lines_room;
    size_t heated; /* how many pages had become hot */
    uint32_t watch; /* of the number that was the newest */
    struct snapshot *next; /* unused ones, kept with their memory: giving it back to the system would cost more than the copy */
};

static struct snapshot *unused;

/* What cold pages hold: number of the copy, from 1, by page. A page that is watched anew gets another copy if it holds something else. */
static uint32_t copy_of[(PRIVATE_END - USER_BASE) >> PAGE_SHIFT];
static uint8_t (*copies)[PAGE_BYTES]; /* page-aligned */
static uint32_t copy_count, copy_room;
static uint8_t cooled_by[(PRIVATE_END - USER_BASE) >> PAGE_SHIFT]; /* number of the watch that made it cold */
/* Of the pages that have become hot, in that order: the copy of what they held, and which watch had made them cold. Brought up to date when
 * somebody looks. */
static struct {
    uint32_t copy, watch;
} *heated_copies;
static size_t heated_known, heated_room;
static uint32_t watches; /* how often all was watched */
static uint64_t restores, watch_at = UINT64_MAX; /* restores so far; when it will be watched anew */
/* Bytes that snapshots have copied of pages that could be watched, or differed from what they held when they were; when that is too much. */
static uint64_t dear, too_dear = UINT64_MAX;

/* Where its bytes can be copied whatever the protection: the halves have a second mapping. Of the kernel half it is used only where
 * it has to be; caches of translations are small. */
static void *view_of(uint64_t base)
{
    return (void *)(base >= USER_BASE && base < PRIVATE_BASE ? base - USER_BASE + VIEW_BASE : base);
}

static void *bytes_of(uint64_t base)
{
    return base < USER_END ? view_of(base) : (void *)base;
}

/* Cold pages of kernel stacks are zero: no others are watched. */
uint64_t sim_stack_low(uint64_t base, uint64_t bytes)
{
    uint64_t at = base, end = base + bytes;
    while (at < end && base >= KERNEL_BASE && host_is_cold(at))
        at += PAGE_BYTES;
    return at + base_zero_bytes(bytes_of(at), end - at);
}

void sim_stack_clear(uint64_t base, uint64_t bytes)
{
    for (uint64_t at = base, end = base + bytes, next; at < end; at = next) {
        next = (at | (PAGE_BYTES - 1)) + 1 < end ? (at | (PAGE_BYTES - 1)) + 1 : end;
        if (base < KERNEL_BASE || !host_is_cold(at))
            memset(bytes_of(at), 0, next - at);
    }
}

/* The lowest byte in use of a guest stack. An agent that did not run since this was last asked (or a snapshot restored) did not go
 * deeper; what others wrote into its frames lies above. */
static uint64_t stack_low(struct segment *s)
{
    const struct agent *a = MACHINE->agents[s->agent];
    if (a->ran || s->low < s->base || s->low > s->base + s->size)
        s->low = sim_stack_low(s->base, s->size) / 64 * 64;
    return s->low;
}

static uint64_t live_start(struct segment *s)
{
    if (s->kind == SEGMENT_STACK)
        return stack_low(s);
    if (s->kind == SEGMENT_HOST_STACK) {
        const struct agent *a = MACHINE->agents[s->agent];
        return a->state == AGENT_DEAD ? s->base + s->size : a->fiber.switch_sp;
    }
    return s->base;
}

/* ---- protections ----
 * Memory of a snapshot may have become inaccessible since (freed, made read-only). What was inaccessible and became accessible
 * stays so: nobody in the restored run knows these addresses yet, and whoever hands them out sets them up anew. */

static uint64_t part_low(const struct part *p)
{
    return (p->stack_limit ? p->stack_limit : p->base) & ~0xFFFull;
}

static size_t part_pages(const struct part *p)
{
    return (p->base + p->bytes - part_low(p) + 0xFFF) >> PAGE_SHIFT;
}

static void protections_save(struct part *p)
{
    uint64_t low = part_low(p);
    size_t n = part_pages(p);
    p->protections = NULL;
    p->protection = host_page_protection(low);
    if (!n || low < USER_BASE || host_protection_is(low, n << PAGE_SHIFT, p->protection))
        return;
    for (size_t i = 1; i < n && !p->protections; i++)
        if (host_page_protection(low + (i << PAGE_SHIFT)) != p->protection)
            p->protections = malloc(n);
    if (!p->protections)
        return;
    p->protection = MIXED;
    for (size_t i = 0; i < n; i++)
        p->protections[i] = (uint8_t)host_page_protection(low + (i << PAGE_SHIFT));
}

static int protection_of(const struct part *p, size_t page)
{
    return p->protection == MIXED ? p->protections[page] : p->protection;
}

/* Gives pages back the protection that they had, where they have another one. */
static void protections_restore(const struct part *p)
{
    uint64_t low = part_low(p);
    size_t n = p->base < PRIVATE_BASE ? part_pages(p) : 0, end;
    if (n && p->protection != MIXED && host_protection_is(low, n << PAGE_SHIFT, p->protection))
        return;
    for (size_t i = 0; i < n; i = end) {
        int want = protection_of(p, i);
        end = i + 1;
        if (host_page_protection(low + (i << PAGE_SHIFT)) == want)
            continue;
        while (end < n && protection_of(p, end) == want && host_page_protection(low + (end << PAGE_SHIFT)) != want)
            end++;
        host_protection_restore(low + (i << PAGE_SHIFT), (end - i) << PAGE_SHIFT, want);
    }
}

static bool is_plain(const struct part *p)
{
    return p->base < USER_BASE || p->base >= PRIVATE_BASE || host_protection_is(part_low(p), part_pages(p) << PAGE_SHIFT, PROT_READ | PROT_WRITE);
}

static void reserve(struct snapshot *sn, uint64_t bytes)
{
    if (sn->bytes + bytes <= sn->capacity)
        return;
    sn->capacity = sn->bytes + bytes + 0x40000;
    sn->data = realloc(sn->data, sn->capacity);
    IR_ASSERT(sn->data);
}

static void copy_pages(void *ctx, uint64_t base, uint64_t bytes)
{
    struct snapshot *sn = ctx;
    reserve(sn, bytes);
    if (sn->page_count == sn->page_room) {
        sn->page_room = sn->page_room ? sn->page_room * 2 : 256;
        sn->pages = realloc(sn->pages, sn->page_room * sizeof *sn->pages);
        IR_ASSERT(sn->pages);
    }
    sn->pages[sn->page_count++] = (struct pages) { base, bytes, sn->bytes };
    memcpy(sn->data + sn->bytes, (const void *)base, bytes);
    sn->bytes += bytes;
}

static void copy_run(struct snapshot *sn, const void *from, uint64_t at, size_t bytes)
{
    reserve(sn, bytes);
    if (sn->run_count == sn->run_room) {
        sn->run_room = sn->run_room * 2 + 64;
        sn->runs = realloc(sn->runs, sn->run_room * sizeof *sn->runs);
        IR_ASSERT(sn->runs);
    }
    sn->runs[sn->run_count++] = (struct run) { at, bytes, sn->bytes };
    memcpy(sn->data + sn->bytes, from, bytes);
    sn->bytes += bytes;
}

static void copy_lines(struct snapshot *sn, const void *from, uint64_t page, uint32_t copy)
{
    reserve(sn, PAGE_BYTES);
    if (sn->lines_count == sn->lines_room) {
        sn->lines_room = sn->lines_room * 2 + 64;
        sn->lines = realloc(sn->lines, sn->lines_room * sizeof *sn->lines);
        IR_ASSERT(sn->lines);
    }
    uint64_t mask = lines_save(from, copies[copy - 1], sn->data + sn->bytes);
    sn->lines[sn->lines_count++] = (struct page_lines) { page, mask, sn->bytes, copy };
    sn->bytes += (size_t)__builtin_popcountll(mask) * LINE_BYTES;
    dear += (size_t)__builtin_popcountll(mask) * LINE_BYTES;
}

/* A whole page of which what it once held is known. */
static uint32_t known_copy(uint64_t at, uint64_t end)
{
    bool whole = at % PAGE_BYTES == 0 && at + PAGE_BYTES <= end && at - USER_BASE < PRIVATE_END - USER_BASE;
    return whole ? copy_of[(at - USER_BASE) >> PAGE_SHIFT] : 0;
}

static void copy_in(struct snapshot *sn, struct part *p, uint64_t base, uint64_t bytes, bool plain)
{
    p->base = base;
    p->bytes = bytes;
    p->runs = sn->run_count;
    p->lines = sn->lines_count;
    p->protections = NULL;
    p->protection = PROT_READ | PROT_WRITE;
    if (base < PRIVATE_BASE)
        protections_save(p);
    const char *from = is_plain(p) ? bytes_of(base) : view_of(base);
    for (uint64_t at = base, end = base + bytes, next; at < end; at = next) {
        bool cold = host_is_cold(at);
        uint32_t copy = cold ? 0 : known_copy(at, end);
        for (next = (at | (PAGE_BYTES - 1)) + 1; next < end && !copy && host_is_cold(next) == cold && (cold || !known_copy(next, end)); next += PAGE_BYTES)
            ;
        next = next < end ? next : end;
        if (copy)
            copy_lines(sn, from + (at - base), at, copy);
        else if (!cold)
            copy_run(sn, from + (at - base), at, next - at);
        for (uint64_t page = at; plain && !cold && !copy && page + PAGE_BYTES <= next; page += PAGE_BYTES)
            dear += PAGE_BYTES;
    }
    p->lines_count = sn->lines_count - p->lines;
    p->run_count = sn->run_count - p->runs;
}

/* ---- cold pages ---- */

static uint32_t *copy_slot(uint64_t page)
{
    IR_ASSERT(page - USER_BASE < PRIVATE_END - USER_BASE);
    return &copy_of[(page - USER_BASE) >> PAGE_SHIFT];
}

static size_t heated_list(const uint64_t **pages)
{
    size_t count = host_heated(pages);
    if (count > heated_room) {
        heated_room = count * 2;
        heated_copies = realloc(heated_copies, heated_room * sizeof *heated_copies);
        IR_ASSERT(heated_copies);
    }
    for (; heated_known < count; heated_known++) {
        uint64_t page = (*pages)[heated_known];
        heated_copies[heated_known].copy = *copy_slot(page);
        heated_copies[heated_known].watch = cooled_by[(page - USER_BASE) >> PAGE_SHIFT];
    }
    return count;
}

static void copy_make(uint64_t page)
{
    uint32_t *copy = copy_slot(page);
    cooled_by[(page - USER_BASE) >> PAGE_SHIFT] = (uint8_t)watches;
    if (*copy && memcmp(copies[*copy - 1], view_of(page), PAGE_BYTES) == 0)
        return;
    if (copy_count == copy_room) {
        uint8_t (*more)[PAGE_BYTES] = aligned_alloc(PAGE_BYTES, (copy_room * 2 + 256) * sizeof *more);
        IR_ASSERT(more);
        if (copy_count)
            memcpy(more, copies, copy_count * sizeof *more);
        free(copies);
        copies = more;
        copy_room = copy_room * 2 + 256;
    }
    *copy = ++copy_count;
    memcpy(copies[*copy - 1], view_of(page), PAGE_BYTES);
}

/* The part of a stack that nobody has used. Those of the user half come and go with their threads. */
static void watch_stack(const struct segment *s)
{
    if (s->base < KERNEL_BASE)
        return;
    uint64_t end = sim_stack_low(s->base, s->size) & ~(uint64_t)(PAGE_BYTES - 1);
    for (uint64_t page = s->base; page < end; page += PAGE_BYTES)
        if (!host_is_cold(page))
            copy_make(page);
    if (end > s->base)
        host_cool(s->base, end - s->base);
}

static void watch_all(void)
{
    const struct machine *m = MACHINE;
    const uint64_t *pages;
    heated_list(&pages); /* their copies change now */
    watches++;
    for (uint32_t i = 0; i < m->segment_count; i++) {
        const struct segment *s = &m->segments[i];
        uint64_t end = s->base + s->used;
        if (s->kind == SEGMENT_STACK)
            watch_stack(s);
        if (s->kind != SEGMENT_PLAIN || s->base < USER_BASE || end > PRIVATE_END || !s->used)
            continue; /* host stacks are in use all the time */
        for (uint64_t page = s->base & ~(uint64_t)(PAGE_BYTES - 1); page < end; page += PAGE_BYTES)
            if (!host_is_cold(page))
                copy_make(page);
        host_cool(s->base, s->used);
    }
}

enum { FIRST_REWATCH = 32, REWATCH_FACTOR = 8, MOST_WATCHES = 200, FIRST_TOO_DEAR = 2 << 20 };

void sim_snapshot_watch(void)
{
    watch_all();
    restores = 0;
    watch_at = FIRST_REWATCH;
    dear = 0;
    too_dear = FIRST_TOO_DEAR;
}

/* A program that has got under way, or uses other memory than it did. */
static void watch_again(void)
{
    bool due = ++restores == watch_at;
    if ((!due && dear <= too_dear) || watches == MOST_WATCHES)
        return;
    watch_at *= due ? REWATCH_FACTOR : 1;
    too_dear *= due ? 1 : 2;
    dear = 0;
    watch_all();
}

/* What a restore left to write to a page, which must be hot for it. */
static void write_page(uint64_t at, char *to, const uint8_t *from, size_t bytes)
{
    if (host_is_cold(at)) {
        if (memcmp(view_of(at), from, bytes) == 0)
            return;
        host_heat(at);
    }
    memcpy(to, from, bytes);
}

/* A snapshot from before the newest watch: pages that were hot then may be cold. */
static void run_restore_old(const struct run *r, char *to, const uint8_t *from)
{
    for (size_t done = 0, n; done < r->bytes; done += n) {
        n = PAGE_BYTES - (r->at + done) % PAGE_BYTES;
        n = n < r->bytes - done ? n : r->bytes - done;
        write_page(r->at + done, to + done, from + done, n);
    }
}

static void page_restore(const struct snapshot *sn, const struct page_lines *l, char *to)
{
    const uint8_t *copy = copies[l->copy - 1], *lines = sn->data + l->offset;
    if (host_is_cold(l->at)) { /* it was watched anew since */
        if (lines_match(view_of(l->at), copy, l->mask, lines))
            return;
        host_heat(l->at);
    }
    lines_restore(to, copy, l->mask, lines);
}

/* Pages that were cold then and have become hot since; not those that became cold, and hot, only later. */
static void heated_restore(const struct snapshot *sn)
{
    const uint64_t *pages;
    size_t count = heated_list(&pages);
    for (size_t i = sn->heated; i < count; i++)
        if (heated_copies[i].watch <= sn->watch) {
            const struct page_lines whole = { .at = pages[i], .copy = heated_copies[i].copy };
            page_restore(sn, &whole, view_of(pages[i]));
        }
}

/* Their frames are copied as bytes. */
static void host_stacks_copied(void)
{
    for (uint32_t i = 0; i < MACHINE->agent_count; i++)
        if (MACHINE->agents[i]->fiber.host_stack)
            host_frames_given_up(MACHINE->agents[i]->fiber.host_stack, MACHINE->agents[i]->fiber.host_stack + HOST_STACK_SIZE);
}

struct snapshot *sim_snapshot_take(void)
{
    host_stacks_copied();
    struct machine *m = MACHINE;
    struct snapshot *sn = unused;
    if (sn)
        unused = sn->next;
    else
        sn = calloc(1, sizeof *sn);
    IR_ASSERT(sn && !m->fiber);
    if (sn->room < m->segment_count) {
        sn->room = m->segment_count + 32;
        sn->parts = realloc(sn->parts, sn->room * sizeof *sn->parts);
        IR_ASSERT(sn->parts);
    }
    sn->count = 0;
    sn->page_count = 0;
    sn->run_count = 0;
    sn->lines_count = 0;
    sn->bytes = 0;
    for (uint32_t i = 0; i < m->segment_count; i++)
        if (m->segments[i].kind == SEGMENT_STACK)
            stack_low(&m->segments[i]);
    for (uint32_t i = 0; i < m->agent_count; i++)
        if (m->agents[i]->ran) /* or it would be written, and hot */
            m->agents[i]->ran = false;
    const uint64_t *pages; /* nothing of the arena is written from here on: who becomes hot later has the old bytes now */
    sn->heated = heated_list(&pages);
    sn->watch = watches;
    for (uint32_t i = 0; i < m->segment_count; i++) {
        struct segment *s = &m->segments[i];
        struct part *p = &sn->parts[sn->count++];
        p->stack_limit = s->kind == SEGMENT_STACK ? s->base : 0;
        uint64_t start = live_start(s);
        copy_in(sn, p, start, s->base + s->used - start, s->kind == SEGMENT_PLAIN);
    }
    if (sim_pages_hook)
        sim_pages_hook(copy_pages, sn);
    sn->write_losses = host_write_losses();
    sn->changes = host_protection_changes();
    return sn;
}

/* What a segment that is there now held in the snapshot. */
static uint64_t bytes_then(const struct snapshot *sn, uint32_t index, uint64_t base)
{
    if (index < sn->count && sn->parts[index].base == base)
        return sn->parts[index].bytes;
    for (uint32_t i = 0; i < sn->count; i++)
        if (sn->parts[i].base == base)
            return sn->parts[i].bytes;
    return 0;
}

/* Below what a guest stack used then there is nothing. */
static void wipe_stack(const struct snapshot *sn, struct segment *s, uint32_t index)
{
    if (index >= sn->count || sn->parts[index].stack_limit != s->base)
        for (index = 0; index < sn->count && sn->parts[index].stack_limit != s->base; index++)
            ;
    uint64_t then = index < sn->count ? sn->parts[index].base : s->base + s->size, now = stack_low(s);
    if (now < then)
        sim_stack_clear(now, then - now);
}

/* Cold pages (which no fault tells of when they are written through the second mapping) only where they are not clear. */
static void clear(uint64_t at, uint64_t bytes)
{
    static const uint8_t zeros[PAGE_BYTES];
    for (uint64_t done = 0, n; done < bytes; done += n) {
        n = PAGE_BYTES - (at + done) % PAGE_BYTES;
        n = n < bytes - done ? n : bytes - done;
        write_page(at + done, bytes_of(at + done), zeros, n);
    }
}

static void wipe(const struct snapshot *sn)
{
    const struct machine *m = MACHINE;
    for (uint32_t i = 0; i < m->segment_count; i++)
        if (m->segments[i].kind == SEGMENT_STACK)
            wipe_stack(sn, &m->segments[i], i);
    for (uint32_t i = 0; i < m->segment_count; i++) {
        const struct segment *s = &m->segments[i];
        uint64_t then = s->wiped ? bytes_then(sn, i, s->base) : s->used, end = s->used;
        if (s->wiped) /* an overrun of the last block in use */
            end = end + OVERRUN < s->size ? end + OVERRUN : s->size;
        if (end > then)
            clear(s->base + then, end - then);
    }
}

void sim_snapshot_restore(struct snapshot *sn)
{
    bool lost = sn->write_losses != host_write_losses();
    uint64_t changes = sn->changes, changed_from, changed_to;
    host_protection_span(changes, &changed_from, &changed_to);
    host_stacks_copied();
    wipe(sn);
    for (uint32_t i = 0; i < sn->count; i++) {
        const struct part *p = &sn->parts[i];
        bool same = part_low(p) >= changed_to || p->base + p->bytes <= changed_from; /* protections, as when the snapshot was made */
        if (same && !p->run_count && !p->lines_count)
            continue;
        char *to = !lost || (same ? p->protection == (PROT_READ | PROT_WRITE) : is_plain(p)) ? bytes_of(p->base) : view_of(p->base);
        for (const struct run *r = sn->runs + p->runs; r < sn->runs + p->runs + p->run_count; r++)
            if (sn->watch == watches)
                memcpy(to + (r->at - p->base), sn->data + r->offset, r->bytes);
            else
                run_restore_old(r, to + (r->at - p->base), sn->data + r->offset);
        for (const struct page_lines *l = sn->lines + p->lines; l < sn->lines + p->lines + p->lines_count; l++)
            page_restore(sn, l, to + (l->at - p->base));
        if (lost && !same && p->base < PRIVATE_BASE && host_protection_changed(changes, part_low(p), part_pages(p) << PAGE_SHIFT))
            protections_restore(p);
    }
    heated_restore(sn);
    sn->write_losses = host_write_losses();
    sn->changes = host_protection_changes();
    image_restored();
    if (sim_restored_hook)
        sim_restored_hook();
    for (uint32_t i = 0; i < sn->page_count; i++)
        memcpy((void *)sn->pages[i].base, sn->data + sn->pages[i].offset, sn->pages[i].bytes);
    watch_again();
}

void sim_snapshot_free(struct snapshot *sn)
{
    if (!sn)
        return;
    for (uint32_t i = 0; i < sn->count; i++)
        free(sn->parts[i].protections);
    sn->next = unused;
    unused = sn;
}

size_t sim_snapshot_bytes(const struct snapshot *sn)
{
    return sn->bytes;
}

/* Measured: some 25 ns for each segment, 100 ns for each page that is compared and for each 1000 bytes copied; a step takes 2500. */
unsigned sim_snapshot_cost(const struct snapshot *sn)
{
    return (unsigned)((sn->count * 25 + sn->lines_count * 100 + sn->bytes / 10 + 1250) / 2500);
}
