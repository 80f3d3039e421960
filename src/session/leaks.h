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
/* The same; false (and "") if nobody waits. */
bool leaks_waits_text(char *out, size_t size);

#endif
