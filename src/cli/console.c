#include "cli/console.h"

#include "trace/trace.h"

static FILE *console_out;
static bool show_debug;

static void sink(void *ctx, const struct trace_record *r)
{
    if (r->kind == TRACE_CONSOLE)
        fwrite(r->text, 1, (size_t)r->a, r->b == 2 ? stderr : console_out);
    else if (r->kind == TRACE_DEBUG_PRINT && show_debug)
        fputs(r->text, stderr);
}

void console_pass_through(FILE *out, bool debug_prints)
{
    console_out = out;
    show_debug = debug_prints;
    trace_sink_add(sink, NULL);
}
