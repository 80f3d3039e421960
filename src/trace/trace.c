/* The event stream; see trace.h. Sequence and hash are state of the run, sinks are not. */
#include "trace/trace.h"

#include <string.h>

#include "base/assert.h"
#include "sim/machine.h"

enum { MAX_SINKS = 4 };

struct trace_room {
    uint64_t sequence, hash;
};

static struct {
    trace_sink *fn;
    void *ctx;
} sinks[MAX_SINKS];
static unsigned sink_count;
static bool hash_on;

static const char *const kind_texts[] = {
#define KIND(name, text) text,
#include "trace/kinds.def"
#undef KIND
};

static struct trace_room *room(void)
{
    return MACHINE->rooms[ROOM_TRACE];
}

void trace_init(void)
{
    MACHINE->rooms[ROOM_TRACE] = sim_alloc(sizeof(struct trace_room));
}

const char *trace_kind_text(enum trace_kind kind)
{
    return kind < TRACE_KIND_COUNT ? kind_texts[kind] : "?";
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9FB21C651E98DF25ull;
    return h ^ (h >> 32);
}

static void emit(enum trace_kind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d, const char *text)
{
    struct trace_room *t = room();
    const struct machine *m = MACHINE;
    struct agent *agent = m->fiber;
    t->sequence++;
    if (hash_on) {
        uint64_t h = mix(mix(mix(mix(mix(t->hash, (uint64_t)kind | (agent ? agent->stable_id << 8 : 0)), a), b), c), d);
        for (const char *p = text; p && *p; p++)
            h = mix(h, (uint8_t)*p);
        t->hash = h;
    }
    if (!sink_count)
        return;
    struct trace_record r = { .sequence = t->sequence, .time_100ns = m->clock_100ns, .kind = (uint16_t)kind, .agent = 0xFFFF, .a = a, .b = b, .c = c, .d = d, .text = text };
    if (agent) {
        r.agent = agent->id;
        r.processor = agent->processor ? agent->processor->number : 0;
        r.irql = agent->processor ? agent->processor->irql : 0;
        r.dpc = agent->kind == AGENT_DPC;
    }
    for (unsigned i = 0; i < sink_count; i++)
        sinks[i].fn(sinks[i].ctx, &r);
}

void trace_event(enum trace_kind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    if (sink_count || hash_on)
        emit(kind, a, b, c, d, NULL);
}

void trace_text(enum trace_kind kind, const char *text, uint64_t a)
{
    if (sink_count || hash_on)
        emit(kind, a, 0, 0, 0, text);
}

void trace_console(unsigned stream, const char *text, size_t n)
{
    if (sink_count || hash_on)
        emit(TRACE_CONSOLE, n, stream, 0, 0, text);
}

void trace_sink_add(trace_sink *fn, void *ctx)
{
    IR_ASSERT(sink_count < MAX_SINKS);
    sinks[sink_count].fn = fn;
    sinks[sink_count++].ctx = ctx;
}

void trace_sink_remove(trace_sink *fn, void *ctx)
{
    for (unsigned i = 0; i < sink_count; i++)
        if (sinks[i].fn == fn && sinks[i].ctx == ctx) {
            sinks[i] = sinks[--sink_count];
            return;
        }
}

bool trace_has_sinks(void)
{
    return sink_count != 0;
}

void trace_hash_enable(bool on)
{
    hash_on = on;
}

uint64_t trace_hash(void)
{
    return room() ? room()->hash : 0;
}

uint64_t trace_count(void)
{
    return room()->sequence;
}
