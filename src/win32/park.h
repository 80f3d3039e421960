/* Waiting on an address: what critical sections, SRW locks, condition variables, InitOnce and WaitOnAddress block with.
 * As in Windows 8 and later a thread waits for its own alert, and the list of who waits for what is the user side's. */
#ifndef IRPLAB_WIN32_PARK_H
#define IRPLAB_WIN32_PARK_H

#include "win32/win32.h"

enum park_kind { PARK_CRITICAL_SECTION, PARK_SRW_EXCLUSIVE, PARK_SRW_SHARED, PARK_CONDITION_VARIABLE, PARK_ADDRESS, PARK_INIT_ONCE, PARK_BARRIER };

/* The current thread enters the list for key. No scheduling happens between this and what follows. */
void park_enter(uint64_t key, enum park_kind kind);
/* Waits until it is woken or the time (milliseconds, 0xFFFFFFFF: for ever) is over. false: timed out, and no longer listed. */
bool park_wait(ULONG milliseconds);
/* Wakes the oldest waiter. false: nobody waits. */
bool park_wake_one(uint64_t key);
void park_wake_all(uint64_t key);
/* The kind of the oldest waiter for key; -1: nobody waits. */
int park_first(uint64_t key);
/* What a thread waits for here, in words: "critical section app!lock, owned by thread 2c". false: it does not. For reports. */
bool park_describe(const struct thread *t, char *text, size_t size);
/* The address that it waits for here (0: none), and who owns what lies there (NULL: nobody can say). */
uint64_t park_key(const struct thread *t, const struct thread **owner);
/* The current thread takes an SRW lock exclusively, or gives it back. */
void park_own(uint64_t lock, bool takes);

#endif
