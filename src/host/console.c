/* Text of the guest's standard streams; see console.h. Process state, not state of a run: marks tie it to snapshots. */
#include "host/console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"

/* A program in a loop must not fill the host's memory: what is beyond is dropped. */
enum { KEEP_LIMIT = 64 << 20, PASS_BUFFER = 1 << 16 };

struct stream {
    char *text;
    size_t used, room;
};

static struct stream streams[2];
static enum host_console_mode mode = HOST_CONSOLE_KEEP;
static int out_fd = 1;

void host_console_setup(enum host_console_mode new_mode, int stdout_fd)
{
    mode = new_mode;
    out_fd = stdout_fd;
}

static void make_room(struct stream *s, size_t count)
{
    if (s->used + count <= s->room)
        return;
    size_t room = s->room ? s->room * 2 : 4096;
    while (room < s->used + count)
        room *= 2;
    s->text = realloc(s->text, room);
    if (!s->text)
        base_panic("out of memory for the program's output");
    s->room = room;
}

static void pass_on(unsigned i)
{
    struct stream *s = &streams[i];
    size_t done = 0;
    while (done < s->used) {
        ssize_t n = write(i == 0 ? out_fd : 2, s->text + done, s->used - done);
        if (n < 0 && errno != EINTR)
            break; /* a closed pipe is the reader's wish */
        if (n > 0)
            done += (size_t)n;
    }
    s->used = 0;
}

void host_console_write(int fd, const void *bytes, size_t count)
{
    IR_ASSERT(fd == 1 || fd == 2);
    struct stream *s = &streams[fd - 1];
    if (mode == HOST_CONSOLE_DISCARD || (mode == HOST_CONSOLE_KEEP && s->used + count > KEEP_LIMIT))
        return;
    make_room(s, count);
    memcpy(s->text + s->used, bytes, count);
    s->used += count;
    if (mode != HOST_CONSOLE_PASS)
        return;
    /* Both streams may be the same terminal: what was written first must appear first. */
    if (memchr(bytes, '\n', count) || s->used > PASS_BUFFER) {
        pass_on(2 - (unsigned)fd);
        pass_on((unsigned)fd - 1);
    }
}

void host_console_flush(void)
{
    if (mode != HOST_CONSOLE_PASS)
        return;
    pass_on(0);
    pass_on(1);
}

const char *host_console_text(int fd, size_t *bytes)
{
    IR_ASSERT(fd == 1 || fd == 2);
    *bytes = streams[fd - 1].used;
    return streams[fd - 1].text ? streams[fd - 1].text : "";
}

void host_console_reset(void)
{
    streams[0].used = streams[1].used = 0;
}

struct host_console_mark host_console_mark(void)
{
    return (struct host_console_mark) { { streams[0].used, streams[1].used } };
}

void host_console_rewind(struct host_console_mark m)
{
    for (unsigned i = 0; i < 2; i++)
        if (m.at[i] <= streams[i].used)
            streams[i].used = m.at[i];
}
