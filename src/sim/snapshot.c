/* A snapshot is a copy of the live bytes of all segments. Guest stacks are copied from their lowest non-zero byte (they are
 * zero-filled when made), so that garbage below the stack pointer is the same in every run of a schedule. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/image.h"
#include "sim/machine.h"

void (*sim_restored_hook)(void);
void (*sim_pages_hook)(void (*add)(void *ctx, uint64_t base, uint64_t bytes), void *ctx);

enum { PAGE_SHIFT = 12, MIXED = 0xFF, OVERRUN = 0x800 };

struct part {
    uint64_t base; /* first copied byte */
    uint64_t bytes;
    uint64_t stack_limit; /* guest stacks: lowest address; zero between it and base */
    size_t offset;
    int protection; /* of its pages, or MIXED */
    uint8_t *protections; /* MIXED: of each */
};

struct pages {
    uint64_t base, bytes;
    size_t offset;
};

struct snapshot {
    uint64_t write_losses;
    uint32_t count, room;
    struct pages *pages; /* memory that is no segment */
    uint32_t page_count, page_room;
    size_t bytes, capacity;
    uint8_t *data;
    struct part *parts;
    struct snapshot *next; /* unused ones, kept with their memory: giving it back to the system would cost more than the copy */
};

static struct snapshot *unused;

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

static uint64_t lowest_used(uint64_t base, uint64_t size)
{
    const uint64_t *from = bytes_of(base), *p = from, *end = p + size / 8;
    while (p < end && !(p[0] | p[1] | p[2] | p[3] | p[4] | p[5] | p[6] | p[7]))
        p += 8;
    return base + (uint64_t)(p - from) * 8;
}

/* The lowest byte in use of a guest stack. An agent that did not run since this was last asked (or a snapshot restored) did not go
 * deeper; what others wrote into its frames lies above. */
static uint64_t stack_low(struct segment *s)
{
    const struct agent *a = MACHINE->agents[s->agent];
    if (a->ran || s->low < s->base || s->low > s->base + s->size)
        s->low = lowest_used(s->base, s->size);
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

static void copy_in(struct snapshot *sn, struct part *p, uint64_t base, uint64_t bytes)
{
    reserve(sn, bytes);
    p->base = base;
    p->bytes = bytes;
    p->offset = sn->bytes;
    p->protections = NULL;
    if (base < PRIVATE_BASE)
        protections_save(p);
    memcpy(sn->data + sn->bytes, is_plain(p) ? bytes_of(base) : view_of(base), bytes);
    sn->bytes += bytes;
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
    sn->bytes = 0;
    for (uint32_t i = 0; i < m->segment_count; i++)
        if (m->segments[i].kind == SEGMENT_STACK)
            stack_low(&m->segments[i]);
    for (uint32_t i = 0; i < m->agent_count; i++)
        m->agents[i]->ran = false;
    for (uint32_t i = 0; i < m->segment_count; i++) {
        struct segment *s = &m->segments[i];
        struct part *p = &sn->parts[sn->count++];
        p->stack_limit = s->kind == SEGMENT_STACK ? s->base : 0;
        uint64_t start = live_start(s);
        copy_in(sn, p, start, s->base + s->used - start);
    }
    if (sim_pages_hook)
        sim_pages_hook(copy_pages, sn);
    sn->write_losses = host_write_losses();
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
        memset(bytes_of(now), 0, then - now);
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
            memset(bytes_of(s->base + then), 0, end - then);
    }
}

void sim_snapshot_restore(struct snapshot *sn)
{
    bool lost = sn->write_losses != host_write_losses();
    host_stacks_copied();
    wipe(sn);
    for (uint32_t i = 0; i < sn->count; i++) {
        const struct part *p = &sn->parts[i];
        memcpy(!lost || is_plain(p) ? bytes_of(p->base) : view_of(p->base), sn->data + p->offset, p->bytes);
        if (lost)
            protections_restore(p);
    }
    sn->write_losses = host_write_losses();
    image_restored();
    if (sim_restored_hook)
        sim_restored_hook();
    for (uint32_t i = 0; i < sn->page_count; i++)
        memcpy((void *)sn->pages[i].base, sn->data + sn->pages[i].offset, sn->pages[i].bytes);
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
