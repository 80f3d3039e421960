#include "cli/console.h"

#include "trace/trace.h"

static FILE *console_out;

static void sink(void *ctx, const struct trace_record *r)
{
    if (r->kind == TRACE_CONSOLE)
        fwrite(r->text, 1, (size_t)r->a, r->b == 2 ? stderr : console_out);
    else
        fputs(r->text, stderr);
}

void console_pass_through(FILE *out, bool debug_prints)
{
    console_out = out;
    trace_sink_add(sink, NULL, TRACE_BIT(TRACE_CONSOLE) | (debug_prints ? TRACE_BIT(TRACE_DEBUG_PRINT) : 0));
}
