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
static uint64_t sinks_want; /* kinds that some sink wants */
uint64_t trace_wanted;
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

/* The product of two words, folded: all bits of both decide about each of the result. */
static inline uint64_t fold(uint64_t x, uint64_t y)
{
    unsigned __int128 p = (unsigned __int128)x * y;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* One event's words, multiplied side by side: only one product waits for the hash of what came before. */
static inline uint64_t hash_event(uint64_t h, uint64_t who, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    uint64_t behind = fold(c ^ 0x589965CC75374CC3ull, d ^ 0x1D8E4E27C47D124Full) + fold(b ^ 0x8EBC6AF09C88C6E3ull, who ^ 0xE7037ED1A0B428DBull);
    return fold(h ^ behind, a ^ 0xA0761D6478BD642Full) + behind;
}

static __attribute__((noinline)) void hand_on(enum trace_kind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d, const char *text)
{
    const struct machine *m = MACHINE;
    const struct agent *agent = m->fiber;
    if (m->probing) /* it will not have happened */
        return;
    struct trace_record r = { .sequence = room()->sequence, .time_100ns = m->clock_100ns, .kind = (uint16_t)kind, .agent = 0xFFFF, .a = a, .b = b, .c = c, .d = d, .text = text };
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

void trace_emit(enum trace_kind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct trace_room *t = room();
    const struct agent *agent = MACHINE->fiber;
    t->sequence++;
    if (hash_on)
        t->hash = hash_event(t->hash, (uint64_t)kind | (agent ? agent->stable_id << 8 : 0), a, b, c, d);
    if (sinks_want & TRACE_BIT(kind))
        hand_on(kind, a, b, c, d, NULL);
}

static void emit_text(enum trace_kind kind, const char *text, uint64_t a, uint64_t b)
{
    struct trace_room *t = room();
    const struct agent *agent = MACHINE->fiber;
    if (!(trace_wanted & TRACE_BIT(kind)))
        return;
    t->sequence++;
    if (hash_on) {
        uint64_t h = hash_event(t->hash, (uint64_t)kind | (agent ? agent->stable_id << 8 : 0), a, b, 0, 0);
        for (const char *p = text; p && *p; p++)
            h = fold(h ^ (uint8_t)*p, 0x9FB21C651E98DF25ull);
        t->hash = h;
    }
    if (sinks_want & TRACE_BIT(kind))
        hand_on(kind, a, b, 0, 0, text);
}

void trace_text(enum trace_kind kind, const char *text, uint64_t a)
{
    emit_text(kind, text, a, 0);
}

void trace_console(unsigned stream, const char *text, size_t n)
{
    emit_text(TRACE_CONSOLE, text, n, stream);
}

static void count_wanted(void)
{
    sinks_want = 0;
    for (unsigned i = 0; i < sink_count; i++)
        sinks_want |= sinks[i].kinds;
    trace_wanted = hash_on ? TRACE_ALL : sinks_want;
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
    count_wanted();
}

uint64_t trace_hash(void)
{
    return room() ? room()->hash : 0;
}

uint64_t trace_count(void)
{
    return room()->sequence;
}
