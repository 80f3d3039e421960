/* The private heap and the list of segments. Heap blocks are size classes of powers of two (from 32 bytes) with intrusive
 * free lists; the heap only grows. */
#include <string.h>
#include <sys/mman.h>

#include "sim/machine.h"

enum { HEAP_CHUNK = 1 << 20, HEAP_LIMIT = 0x3FF00000, MIN_CLASS = 5, FIRST_SEGMENTS = 64 };

static unsigned class_of(size_t bytes)
{
    unsigned c = MIN_CLASS;
    while (((size_t)1 << c) < bytes)
        c++;
    return c;
}

static void heap_commit(uint64_t from, uint64_t to)
{
    uint64_t a = (from + HEAP_CHUNK - 1) & ~(uint64_t)(HEAP_CHUNK - 1);
    uint64_t b = (to + HEAP_CHUNK - 1) & ~(uint64_t)(HEAP_CHUNK - 1);
    if (b > a)
        host_protect(a, b - a, PROT_READ | PROT_WRITE);
}

void sim_init(unsigned processors)
{
    IR_ASSERT(processors >= 1 && processors <= MAX_PROCESSORS);
    uint64_t top = PRIVATE_BASE + ((sizeof(struct machine) + 63) & ~63ull);
    heap_commit(PRIVATE_BASE, top);
    struct machine *m = MACHINE;
    memset(m, 0, sizeof *m);
    m->segments = (struct segment *)top; /* the first block; the heap starts behind it */
    m->segment_room = FIRST_SEGMENTS;
    top += FIRST_SEGMENTS * sizeof(struct segment);
    heap_commit(PRIVATE_BASE, top);
    m->heap_top = top;
    struct segment *s = sim_segment_add(PRIVATE_BASE, HEAP_LIMIT, SEGMENT_PLAIN, false);
    s->used = top - PRIVATE_BASE;
    m->processor_count = processors;
    m->processors_matter = processors == 1;
    for (unsigned i = 0; i < MAX_PROCESSORS; i++)
        m->processors[i].number = (uint8_t)(i % processors);
}

struct sim_named {
    struct sim_named *next;
    uint64_t base, bytes, name;
};

static struct sim_named **named_at(uint64_t base)
{
    struct sim_named **at = &MACHINE->named;
    while (*at && (*at)->base != base)
        at = &(*at)->next;
    return at;
}

void sim_name(const void *p, size_t bytes, uint64_t name)
{
    struct sim_named **at = named_at((uint64_t)p);
    if (!*at)
        *at = sim_alloc(sizeof **at);
    (*at)->base = (uint64_t)p;
    (*at)->bytes = bytes;
    (*at)->name = name;
}

static void name_forget(uint64_t base)
{
    struct sim_named **at = named_at(base), *n = *at;
    if (!n)
        return;
    *at = n->next;
    sim_free(n, sizeof *n);
}

uint64_t sim_key_of_private(uint64_t object)
{
    for (const struct sim_named *n = MACHINE->named; n; n = n->next)
        if (object - n->base < n->bytes)
            return n->name + (object - n->base);
    return object;
}

void *sim_alloc(size_t bytes)
{
    struct machine *m = MACHINE;
    unsigned c = class_of(bytes);
    IR_ASSERT(c < 32);
    uint64_t p = m->heap_free[c];
    if (p) {
        memcpy(&m->heap_free[c], (void *)p, 8);
    } else {
        p = m->heap_top;
        uint64_t end = p + ((uint64_t)1 << c);
        if (end - PRIVATE_BASE > HEAP_LIMIT)
            base_panic("out of private memory");
        heap_commit(p, end);
        m->heap_top = end;
        m->segments[0].used = end - PRIVATE_BASE;
    }
    return memset((void *)p, 0, (size_t)1 << c);
}

void sim_free(void *p, size_t bytes)
{
    if (!p)
        return;
    unsigned c = class_of(bytes);
    if (MACHINE->named)
        name_forget((uint64_t)p);
    memcpy(p, &MACHINE->heap_free[c], 8);
    MACHINE->heap_free[c] = (uint64_t)p;
}

struct segment *sim_segment_add(uint64_t base, uint64_t size, enum segment_kind kind, bool hashed)
{
    struct machine *m = MACHINE;
    if (m->segment_count == m->segment_room) {
        struct segment *bigger = sim_alloc(m->segment_room * 2 * sizeof *bigger);
        memcpy(bigger, m->segments, m->segment_count * sizeof *bigger);
        m->segments = bigger; /* the old block is not worth keeping: it doubles a few times at most */
        m->segment_room *= 2;
    }
    struct segment *s = &m->segments[m->segment_count++];
    *s = (struct segment) { .base = base, .size = size, .used = kind == SEGMENT_PLAIN ? 0 : size, .kind = (uint8_t)kind, .hashed = hashed };
    return s;
}

void sim_segment_remove(uint64_t base)
{
    struct machine *m = MACHINE;
    for (uint32_t i = m->segment_count; i-- > 0;) /* what goes came late, mostly */
        if (m->segments[i].base == base) {
            m->segments[i] = m->segments[--m->segment_count];
            return;
        }
    IR_ASSERT(!"segment");
}

bool machine_is_guest_code(uint64_t rip)
{
    if (rip >= USER_BASE && rip < KERNEL_END)
        return true;
    return machine_foreign_image(rip); /* images without relocations lie at their own base */
}

bool machine_foreign_image(uint64_t rip)
{
    struct machine *m = MACHINE;
    for (uint32_t i = 0; i < m->foreign_count; i++)
        if (rip - m->foreign[i].base < m->foreign[i].size)
            return true;
    return false;
}

bool machine_host_fault_is_guests(enum host_fault_kind kind, uint64_t address)
{
    if (kind == HOST_FAULT_PROTECTION)
        return true; /* non-canonical address handed in by the guest */
    if (kind != HOST_FAULT_ACCESS)
        return false;
    /* Everything but where the host's program, libraries and heap lie: a wild pointer into those would be ours. */
    return address < 0x550000000000ull || address >= 0x800000000000ull;
}
