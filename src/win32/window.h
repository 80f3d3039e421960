/* Windows without a screen, and the message queues of threads: what device notification and service programs use them for. */
#ifndef IRPLAB_WIN32_WINDOW_H
#define IRPLAB_WIN32_WINDOW_H

#include "win32/win32.h"

struct window;

/* The window of a handle, of any process; NULL: none, or its thread has ended. */
struct window *window_of(uint64_t handle);
struct process *window_process(const struct window *w);
/* Not below HWND_MESSAGE: hears broadcasts. */
bool window_is_top_level(const struct window *w);

/* Sends a message with a block of memory as lParam, from anywhere, without waiting. answered: NULL, or set when *answer has been filled (both stay valid until then). */
void window_tell(struct window *w, ULONG message, uint64_t wparam, const void *data, ULONG bytes, KEVENT *answered, uint64_t *answer);
void window_broadcast(ULONG message, uint64_t wparam);

#endif
