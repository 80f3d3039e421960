/* Loops without calls: finding the one that a guest is caught in. See sim/spins.h for what becomes of it.
 *
 * The watchdog's tick comes at an arbitrary instruction, so the loop is found by watching: the next TRACED instructions are executed one
 * at a time, and the backward jumps among them are collected. A loop that goes on for ever shows the same jumps wherever the watching
 * begins, given that a turn is not longer than that. Of them those count that were taken nearest to the stack's bottom and, there, lead
 * farthest back: the jumps of the outermost loop, so that loops inside it (of functions that it calls, too) stay as they are. */
#include <Zydis/Zydis.h>
#include <string.h>

#include "sim/image.h"
#include "sim/patch.h"
#include "sim/spins.h"
#include "trap/emulate.h"
#include "trap/trap.h"

enum { TRACED = 60000, MAX_EDGES = 64, TRAP_FLAG = 0x100 };

struct edge {
    uint64_t from, to, rsp;
};

/* Of the process, used between a tick and the end of the watching only. */
static struct {
    bool on, was_on;
    const struct agent *agent;
    uint64_t points, last;
    unsigned steps, edge_count;
    struct edge edges[MAX_EDGES];
} trace;

bool spin_is_traced(void)
{
    return trace.was_on;
}

/* The processor time that the guest had since the last point, in ticks. */
static bool is_caught(void)
{
    static uint64_t points;
    static unsigned ticks;
    if (MACHINE->points != points)
        ticks = 0;
    points = MACHINE->points;
    if (++ticks < TRAP_WATCHDOG_TICKS)
        return false;
    ticks = 0;
    return true;
}

bool spin_watch(struct host_fault *f)
{
    bool watching = trace.on && trace.agent == MACHINE->fiber && trace.points == MACHINE->points;
    if (!is_caught() || watching)
        return true;
    trace.on = trace.was_on = true;
    trace.agent = MACHINE->fiber;
    trace.points = MACHINE->points;
    trace.last = patch_original_address(f->context.rip);
    trace.steps = trace.edge_count = 0;
    f->context.rflags |= TRAP_FLAG;
    return true;
}

/* A direct or indirect jump at `from`, in the image that `to` is in too, that is taken to `to` and can be made a point. */
static bool is_jump(uint64_t from, uint64_t to)
{
    const struct image *image = image_at(from);
    if (!image || image->synthetic || image_at(to) != image || from + 15 > image->base + image->size)
        return false;
    ZydisDecoder decoder;
    ZydisDecodedInstruction in;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    uint8_t bytes[15];
    unsigned detail;
    memcpy(bytes, (const void *)from, sizeof bytes);
    patch_original_bytes(from, bytes, sizeof bytes);
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, sizeof bytes, &in, op)) && patch_spin_detail(&in, op, &detail);
}

static void note_edge(uint64_t from, uint64_t to, uint64_t rsp)
{
    for (unsigned i = 0; i < trace.edge_count; i++)
        if (trace.edges[i].from == from && trace.edges[i].to == to)
            return;
    if (trace.edge_count < MAX_EDGES && is_jump(from, to))
        trace.edges[trace.edge_count++] = (struct edge) { from, to, rsp };
}

bool spin_trace(struct host_fault *f)
{
    bool over = !trace.on || MACHINE->points != trace.points || MACHINE->fiber != trace.agent;
    if (over) {
        trace.on = false;
        if (!f->in_host)
            f->context.rflags &= ~(uint64_t)TRAP_FLAG;
        return !f->in_host; /* in our own code the handler clears the flag */
    }
    trace.steps++;
    if (f->in_host)
        return true;
    uint64_t at = patch_original_address(f->context.rip);
    if (at <= trace.last)
        note_edge(trace.last, at, f->context.rsp);
    trace.last = at;
    if (trace.steps < TRACED)
        return true;
    trace.on = false;
    f->kind = HOST_FAULT_TIMER;
    f->context.rip = at;
    f->context.rflags &= ~(uint64_t)TRAP_FLAG;
    return false;
}

/* The jumps of the outermost loop; false: there is none that is not a point already. */
static bool note_loop(void)
{
    uint64_t rsp = 0, to = UINT64_MAX;
    bool any = false;
    for (unsigned i = 0; i < trace.edge_count; i++)
        if (trace.edges[i].rsp > rsp)
            rsp = trace.edges[i].rsp;
    for (unsigned i = 0; i < trace.edge_count; i++)
        if (trace.edges[i].rsp == rsp && trace.edges[i].to < to)
            to = trace.edges[i].to;
    for (unsigned i = 0; i < trace.edge_count; i++) {
        const struct edge *e = &trace.edges[i];
        const struct image *image = image_at(e->from);
        if (e->rsp == rsp && e->to == to && image)
            any |= spins_note(image->file ? image->file->name : image->name, (uint32_t)(e->from - image->base));
    }
    return any;
}

_Noreturn void spin_found(const struct host_context *c)
{
    if (!note_loop())
        trap_hang_end(c);
    sim_end(RUN_SPIN);
}
