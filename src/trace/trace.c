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
    uint64_t kinds;
} sinks[MAX_SINKS];
static uint64_t wanted; /* kinds that some sink wants */
static unsigned sink_count;
_Static_assert(TRACE_KIND_COUNT <= 64, "kinds are bits of a word");
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

/* One event's words, multiplied side by side and folded: only the last step waits for the hash of what came before. */
static uint64_t fold(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    uint64_t x = (a ^ 0xA0761D6478BD642Full) * 0xE7037ED1A0B428DBull, y = (b ^ 0x8EBC6AF09C88C6E3ull) * 0x9FB21C651E98DF25ull;
    uint64_t z = (c ^ 0x589965CC75374CC3ull) * 0xD6E8FEB86659FD93ull, w = (d ^ 0x1D8E4E27C47D124Full) * 0xFF51AFD7ED558CCDull;
    return (x ^ x >> 29) + (y ^ y >> 32) * 3 + (z ^ z >> 31) * 5 + (w ^ w >> 33) * 7;
}

static void emit(enum trace_kind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d, const char *text)
{
    struct trace_room *t = room();
    const struct machine *m = MACHINE;
    struct agent *agent = m->fiber;
    t->sequence++;
    if (hash_on) {
        uint64_t h = mix(t->hash + ((uint64_t)kind | (agent ? agent->stable_id << 8 : 0)), fold(a, b, c, d));
        for (const char *p = text; p && *p; p++)
            h = mix(h, (uint8_t)*p);
        t->hash = h;
    }
    if (!(wanted & TRACE_BIT(kind)))
        return;
    struct trace_record r = { .sequence = t->sequence, .time_100ns = m->clock_100ns, .kind = (uint16_t)kind, .agent = 0xFFFF, .a = a, .b = b, .c = c, .d = d, .text = text };
    if (agent) {
        r.agent = agent->id;
        r.processor = agent->processor ? agent->processor->number : 0;
        r.irql = agent->processor ? agent->processor->irql : 0;
        r.dpc = agent->kind == AGENT_DPC;
    }
    for (unsigned i = 0; i < sink_count; i++)
        if (sinks[i].kinds & TRACE_BIT(kind))
            sinks[i].fn(sinks[i].ctx, &r);
}

void trace_event(enum trace_kind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    if (hash_on || (wanted & TRACE_BIT(kind)))
        emit(kind, a, b, c, d, NULL);
}

void trace_text(enum trace_kind kind, const char *text, uint64_t a)
{
    if (hash_on || (wanted & TRACE_BIT(kind)))
        emit(kind, a, 0, 0, 0, text);
}

void trace_console(unsigned stream, const char *text, size_t n)
{
    if (hash_on || (wanted & TRACE_BIT(TRACE_CONSOLE)))
        emit(TRACE_CONSOLE, n, stream, 0, 0, text);
}

static void count_wanted(void)
{
    wanted = 0;
    for (unsigned i = 0; i < sink_count; i++)
        wanted |= sinks[i].kinds;
}

void trace_sink_add(trace_sink *fn, void *ctx, uint64_t kinds)
{
    IR_ASSERT(sink_count < MAX_SINKS);
    sinks[sink_count].fn = fn;
    sinks[sink_count].ctx = ctx;
    sinks[sink_count++].kinds = kinds;
    count_wanted();
}

void trace_sink_remove(trace_sink *fn, void *ctx)
{
    for (unsigned i = 0; i < sink_count; i++)
        if (sinks[i].fn == fn && sinks[i].ctx == ctx) {
            sinks[i] = sinks[--sink_count];
            count_wanted();
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
