/* Waiting on an address: what critical sections, SRW locks, condition variables, InitOnce and WaitOnAddress block with.
 * As in Windows 8 and later a thread waits for its own alert, and the list of who waits for what is the user side's. */
#ifndef IRPLAB_WIN32_PARK_H
#define IRPLAB_WIN32_PARK_H

#include "win32/win32.h"

/* The current thread enters the list for key; kind is the caller's. No scheduling happens between this and what follows. */
void park_enter(uint64_t key, unsigned kind);
/* Waits until it is woken or the time (milliseconds, 0xFFFFFFFF: for ever) is over. false: timed out, and no longer listed. */
bool park_wait(ULONG milliseconds);
/* Wakes the oldest waiter; its kind through *kind unless NULL. false: nobody waits. */
bool park_wake_one(uint64_t key);
void park_wake_all(uint64_t key);
/* The kind of the oldest waiter for key; -1: nobody waits. */
int park_first(uint64_t key);

#endif
