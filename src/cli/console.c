#include "cli/console.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "trace/trace.h"

/* What was printed, for runs that begin again. */
struct said {
    FILE *to;
    size_t bytes;
    char *text;
};

static FILE *console_out;
static struct said *said;
static size_t said_count, said_room;
static size_t heard; /* of it the run that began again has said so far */

static void print(FILE *to, const char *text, size_t bytes)
{
    if (said_count == said_room) {
        said_room = said_room ? said_room * 2 : 64;
        said = realloc(said, said_room * sizeof *said);
        IR_ASSERT(said);
    }
    char *copy = malloc(bytes ? bytes : 1);
    IR_ASSERT(copy);
    memcpy(copy, text, bytes);
    said[said_count++] = (struct said) { to, bytes, copy };
    heard = said_count;
    fwrite(text, 1, bytes, to);
}

/* It does not say what the run before said: all of it counts. */
static void print_heard(void)
{
    size_t n = heard, old = said_count;
    fprintf(stderr, "irplab: note: the run began again because of a loop without calls, and prints something else:\n");
    struct said *before = said;
    said = NULL;
    said_count = said_room = 0;
    for (size_t i = 0; i < n; i++)
        print(before[i].to, before[i].text, before[i].bytes);
    for (size_t i = 0; i < old; i++)
        free(before[i].text);
    free(before);
}

static void say(FILE *to, const char *text, size_t bytes)
{
    if (heard < said_count) {
        const struct said *s = &said[heard];
        if (s->to == to && s->bytes == bytes && memcmp(s->text, text, bytes) == 0) {
            heard++;
            return;
        }
        print_heard();
    }
    print(to, text, bytes);
}

static void sink(void *ctx, const struct trace_record *r)
{
    if (r->kind == TRACE_CONSOLE)
        say(r->b == 2 ? stderr : console_out, r->text, (size_t)r->a);
    else
        say(stderr, r->text, strlen(r->text));
}

void console_pass_through(FILE *out, bool debug_prints)
{
    console_out = out;
    trace_sink_add(sink, NULL, TRACE_BIT(TRACE_CONSOLE) | (debug_prints ? TRACE_BIT(TRACE_DEBUG_PRINT) : 0));
}

void console_again(void)
{
    heard = 0;
}

void console_end(void)
{
    if (heard < said_count)
        print_heard();
}
