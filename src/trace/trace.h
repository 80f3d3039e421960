/* Everything observable is an event. Rules, the debugger, diagrams and reports listen; lower layers only emit.
 *
 * Sinks are constants of the process (set before a run, not snapshotted); they may not change the machine. Without a sink an
 * event costs a test and a few instructions for the hash. */
#ifndef IRPLAB_TRACE_TRACE_H
#define IRPLAB_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trace_kind {
#define KIND(name, text) TRACE_##name,
#include "trace/kinds.def"
#undef KIND
    TRACE_KIND_COUNT,
};

struct trace_record {
    uint64_t sequence;
    uint64_t time_100ns; /* virtual */
    uint64_t thread; /* guest ETHREAD, 0 outside threads */
    uint16_t kind;
    uint16_t agent; /* 0xFFFF: nobody runs */
    uint8_t processor, irql;
    bool dpc; /* in a DPC activity */
    uint64_t a, b, c, d;
    const char *text; /* debug print, console output, finding: valid during the sink call only */
};

typedef void trace_sink(void *ctx, const struct trace_record *r);

/* Whether events of a kind are made at all; private to what follows. */
extern uint64_t trace_wanted;
void trace_emit(enum trace_kind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

static inline void trace_event(enum trace_kind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    if (trace_wanted & (1ull << kind))
        trace_emit(kind, a, b, c, d);
}
void trace_text(enum trace_kind kind, const char *text, uint64_t a);
/* Program output: n bytes (text is terminated all the same) for stream 1 or 2. Record: a = n, b = stream. */
void trace_console(unsigned stream, const char *text, size_t n);
const char *trace_kind_text(enum trace_kind kind);

/* At most four; ctx is handed on. kinds: which kinds of event fn wants, TRACE_BIT(kind) each, or TRACE_ALL. */
#define TRACE_BIT(kind) (1ull << (kind))
#define TRACE_ALL (~0ull)
void trace_sink_add(trace_sink *fn, void *ctx, uint64_t kinds);
void trace_sink_remove(trace_sink *fn, void *ctx);
bool trace_has_sinks(void);

/* Hash over all events of the run so far; part of the snapshot. Off for exploration (trace_hash_enable(false)). */
void trace_hash_enable(bool on);
uint64_t trace_hash(void);
uint64_t trace_count(void);
void trace_init(void);

#endif
