/* What guests print, on its way out; see lab.h. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "kd/kd.h"
#include "lab/lab.h"
#include "trace/trace.h"

/* What was said, for runs that begin again. */
struct said {
    int stream;
    size_t bytes;
    char *text;
};

static irplab_output *out;
static void *out_user;
static struct said *said;
static size_t said_count, said_room;
static size_t heard; /* of it the run that began again has said so far */

static void say(int stream, const char *text, size_t bytes)
{
    if (said_count == said_room) {
        said_room = said_room ? said_room * 2 : 64;
        said = realloc(said, said_room * sizeof *said);
        IR_ASSERT(said);
    }
    char *copy = malloc(bytes ? bytes : 1);
    IR_ASSERT(copy);
    memcpy(copy, text, bytes);
    said[said_count++] = (struct said) { stream, bytes, copy };
    heard = said_count;
    out(out_user, stream, text, bytes);
}

/* It does not say what the run before said: all of it counts. */
static void say_heard(void)
{
    static const char note[] = "irplab: note: the run began again because of a loop without calls, and prints something else:\n";
    size_t n = heard, old = said_count;
    struct said *before = said;
    out(out_user, 2, note, sizeof note - 1);
    said = NULL;
    said_count = said_room = 0;
    for (size_t i = 0; i < n; i++)
        say(before[i].stream, before[i].text, before[i].bytes);
    for (size_t i = 0; i < old; i++)
        free(before[i].text);
    free(before);
}

static void listen(int stream, const char *text, size_t bytes)
{
    if (heard < said_count) {
        const struct said *s = &said[heard];
        if (s->stream == stream && s->bytes == bytes && memcmp(s->text, text, bytes) == 0) {
            heard++;
            return;
        }
        say_heard();
    }
    say(stream, text, bytes);
}

static void sink(void *ctx, const struct trace_record *r)
{
    char line[720];
    if (r->kind == TRACE_WPP) {
        if (kd_wdf_log_live && kd_wdf_log_line(r, line, sizeof line))
            listen(2, line, strlen(line));
        return;
    }
    if (r->kind == TRACE_CONSOLE)
        listen(r->b == 2 ? 2 : 1, r->text, (size_t)r->a);
    else
        listen(3, r->text, strlen(r->text));
}

void lab_output_begin(irplab_output *fn, void *user)
{
    out = fn;
    out_user = user;
    trace_sink_add(sink, NULL, TRACE_BIT(TRACE_CONSOLE) | TRACE_BIT(TRACE_DEBUG_PRINT) | TRACE_BIT(TRACE_WPP));
}

void lab_output_again(void)
{
    heard = 0;
}

void lab_output_end(void)
{
    if (!out)
        return;
    if (heard < said_count)
        say_heard();
    trace_sink_remove(sink, NULL);
    for (size_t i = 0; i < said_count; i++)
        free(said[i].text);
    free(said);
    said = NULL;
    said_count = said_room = heard = 0;
    out = NULL;
}
