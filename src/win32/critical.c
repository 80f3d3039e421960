/* Critical sections, with the fields of RTL_CRITICAL_SECTION as debuggers read them.
 *
 * LockCount since Windows Vista: bit 0 clear = locked; bit 1 clear = a waiter was woken and has not yet tried; the rest is
 * the ones' complement of the number of waiters. -1 is free, -2 locked without waiters (DOC: "Displaying a critical
 * section" in the debugger's documentation). */
#include "win32/critical.h"

#include "sim/access.h"
#include "win32/park.h"

enum { FREE = 1, NOT_WOKEN = 2, ONE_WAITER = 4 };

static uint64_t thread_id(void)
{
    return (uint64_t)ps_current()->ethread->Cid.UniqueThread;
}

static void locks_owned(int change)
{
    int32_t n;
    memcpy(&n, w32_teb() + TEB_LOCKS_OWNED_AT, 4);
    n += change;
    memcpy(w32_teb() + TEB_LOCKS_OWNED_AT, &n, 4);
}

BOOL InitializeCriticalSectionEx(struct critical_section *cs, ULONG spin_count, ULONG flags)
{
    /* No debug record, as Windows 8 and later do it; the spin count has a mark for its dynamic form. */
    *cs = (struct critical_section) { .debug_info = UINT64_MAX, .lock_count = -1, .spin_count = spin_count & 0xFFFFFF };
    if (MACHINE->processor_count == 1)
        cs->spin_count = 0;
    return TRUE;
}

void InitializeCriticalSection(struct critical_section *cs)
{
    InitializeCriticalSectionEx(cs, 0x20007D0, 0);
}

BOOL InitializeCriticalSectionAndSpinCount(struct critical_section *cs, ULONG spin_count)
{
    return InitializeCriticalSectionEx(cs, spin_count, 0);
}

ULONG SetCriticalSectionSpinCount(struct critical_section *cs, ULONG spin_count)
{
    ULONG old = (ULONG)cs->spin_count;
    cs->spin_count = MACHINE->processor_count == 1 ? 0 : spin_count & 0xFFFFFF;
    return old;
}

void DeleteCriticalSection(struct critical_section *cs)
{
    memset(cs, 0, sizeof *cs);
}

static bool try_take(struct critical_section *cs, uint64_t me)
{
    sim_access((uint64_t)cs, SIM_WRITE);
    if (cs->lock_count & FREE) {
        cs->lock_count &= ~FREE;
        cs->owning_thread = me;
        cs->recursion_count = 1;
        locks_owned(1);
        return true;
    }
    if (cs->owning_thread == me) {
        cs->recursion_count++;
        return true;
    }
    return false;
}

bool w32_gate_critical_section(const struct agent *a, const void *args)
{
    struct critical_section cs;
    const struct thread *t = a->thread;
    return !sim_peek(&cs, *(const uint64_t *)args) || (cs.lock_count & FREE) || cs.owning_thread == (uint64_t)t->ethread->Cid.UniqueThread;
}

BOOL TryEnterCriticalSection(struct critical_section *cs)
{
    return try_take(cs, thread_id());
}

void EnterCriticalSection(struct critical_section *cs)
{
    uint64_t me = thread_id();
    while (!try_take(cs, me)) {
        cs->lock_count -= ONE_WAITER;
        park_enter((uint64_t)cs, PARK_CRITICAL_SECTION);
        park_wait((ULONG)-1);
        /* Whoever woke us took us off the count and cleared the bit; we try now. */
        cs->lock_count |= NOT_WOKEN;
    }
}

/* Without a check of the owner, as Windows has none. */
void LeaveCriticalSection(struct critical_section *cs)
{
    sim_access((uint64_t)cs, SIM_WRITE);
    if (--cs->recursion_count != 0)
        return;
    cs->owning_thread = 0;
    cs->lock_count |= FREE;
    locks_owned(-1);
    if (cs->lock_count & NOT_WOKEN && cs->lock_count != -1 && park_wake_one((uint64_t)cs)) {
        cs->lock_count += ONE_WAITER;
        cs->lock_count &= ~NOT_WOKEN;
    }
}
