/* What a guest program writes to its standard output and error. Each run has its text in order; a mark taken with a
 * snapshot and given back on restore makes the text that of the restored moment. */
#ifndef IRPLAB_HOST_CONSOLE_H
#define IRPLAB_HOST_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

enum host_console_mode {
    HOST_CONSOLE_KEEP, /* collected, to be read with host_console_text */
    HOST_CONSOLE_PASS, /* goes to the process's own streams, line by line */
    HOST_CONSOLE_DISCARD,
};

/* stdout_fd: where the guest's standard output goes when it passes (2 with --json, otherwise 1). */
void host_console_setup(enum host_console_mode mode, int stdout_fd);
/* fd: 1 or 2. */
void host_console_write(int fd, const void *bytes, size_t count);
/* Passes on what waits for the end of its line. */
void host_console_flush(void);
/* Text kept for fd since the last reset; not terminated. */
const char *host_console_text(int fd, size_t *bytes);
void host_console_reset(void);
/* Position of both streams, and going back to it (KEEP). */
struct host_console_mark {
    uint64_t at[2];
};
struct host_console_mark host_console_mark(void);
void host_console_rewind(struct host_console_mark mark);

#endif
