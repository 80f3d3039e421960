/* A snapshot is a copy of the live bytes of all segments. Guest stacks are copied from their lowest non-zero byte (they are
 * zero-filled when made), so that garbage below the stack pointer is the same in every run of a schedule. */
#include <stdlib.h>
#include <string.h>

#include "sim/machine.h"

struct part {
    uint64_t base; /* first copied byte */
    uint64_t bytes;
    uint64_t stack_limit; /* guest stacks: lowest address; zero between it and base */
    size_t offset;
};

struct snapshot {
    uint32_t count;
    size_t bytes, capacity;
    uint8_t *data;
    struct part parts[MAX_SEGMENTS];
};

static uint64_t lowest_used(uint64_t base, uint64_t size)
{
    const uint64_t *p = (const uint64_t *)base, *end = (const uint64_t *)(base + size);
    while (p < end && !(p[0] | p[1] | p[2] | p[3] | p[4] | p[5] | p[6] | p[7]))
        p += 8;
    return (uint64_t)p;
}

static uint64_t live_start(const struct segment *s)
{
    if (s->kind == SEGMENT_STACK)
        return lowest_used(s->base, s->size);
    if (s->kind == SEGMENT_HOST_STACK) {
        const struct agent *a = MACHINE->agents[s->agent];
        return a->state == AGENT_DEAD ? s->base + s->size : a->fiber.switch_sp;
    }
    return s->base;
}

static void copy_in(struct snapshot *sn, struct part *p, uint64_t base, uint64_t bytes)
{
    if (sn->bytes + bytes > sn->capacity) {
        sn->capacity = (sn->bytes + bytes) * 2;
        sn->data = realloc(sn->data, sn->capacity);
        IR_ASSERT(sn->data);
    }
    p->base = base;
    p->bytes = bytes;
    p->offset = sn->bytes;
    memcpy(sn->data + sn->bytes, (void *)base, bytes);
    sn->bytes += bytes;
}

struct snapshot *sim_snapshot_take(void)
{
    struct machine *m = MACHINE;
    struct snapshot *sn = malloc(sizeof *sn);
    IR_ASSERT(sn && !m->fiber);
    sn->count = 0;
    sn->bytes = sn->capacity = 0;
    sn->data = NULL;
    for (uint32_t i = 0; i < m->segment_count; i++) {
        const struct segment *s = &m->segments[i];
        struct part *p = &sn->parts[sn->count++];
        p->stack_limit = s->kind == SEGMENT_STACK ? s->base : 0;
        uint64_t start = live_start(s);
        copy_in(sn, p, start, s->base + s->used - start);
    }
    return sn;
}

void sim_snapshot_restore(const struct snapshot *sn)
{
    for (uint32_t i = 0; i < sn->count; i++) {
        const struct part *p = &sn->parts[i];
        if (p->stack_limit) {
            uint64_t low = lowest_used(p->stack_limit, p->base - p->stack_limit);
            memset((void *)low, 0, p->base - low);
        }
        memcpy((void *)p->base, sn->data + p->offset, p->bytes);
    }
}

void sim_snapshot_free(struct snapshot *sn)
{
    if (sn)
        free(sn->data);
    free(sn);
}

size_t sim_snapshot_bytes(const struct snapshot *sn)
{
    return sn->bytes;
}
