/* What a run left behind, and who waits for what when nothing can go on. */
#ifndef IRPLAB_SESSION_LEAKS_H
#define IRPLAB_SESSION_LEAKS_H

#include <stdbool.h>
#include <stddef.h>

struct session;
/* Remembers what is in use before the first driver is loaded. */
void leaks_baseline(void);
/* Compares; fills the session's leak message with the first kind found. */
void leaks_check(struct session *s);
/* "thread X waits for Y since …", for all threads that count. */
void leaks_deadlock_text(char *out, size_t size);
/* Nobody waits in a circle, and somebody for what was signalled before it began to wait. */
bool leaks_lost_wakeup(void);
/* Who goes round in which loop, and who waits besides. */
void leaks_livelock_text(char *out, size_t size);
/* A run that did not end; a: who ran last, may be NULL. */
struct agent;
void leaks_hang_text(const struct agent *a, char *out, size_t size);
/* Of a worker: the routine of the work item that it is in; false: it waits for work, or is none. */
/* For io_image_busy_hook. */
struct image;
bool leaks_image_busy(const struct image *image, bool by_others);
bool leaks_work_routine(const struct agent *a, char *out, size_t size);
/* The same; false (and "") if nobody waits. */
bool leaks_waits_text(char *out, size_t size);

#endif
