/* Fast mutexes and guarded mutexes: one algorithm, two ways to hold APCs back (IRQL APC_LEVEL, guarded region).
 *
 * Count: bit 0 = free, bit 1 = a waiter has been woken and not run yet, then the number of waiters. Releasing wakes one waiter, who
 * tries again: another thread may take the mutex before it does.
 * GUESS: this follows the bit names in public symbols (LOCK_BIT, LOCK_WAITER_WOKEN, LOCK_WAITER_INC); no document describes it. */
#include "ke/private.h"
#include "nt/bugcheck.h"
#include "sim/access.h"
#include "trace/trace.h"

enum { LOCK_FREE = 1, WAITER_WOKEN = 2, WAITER = 4 };

_Static_assert(offsetof(KGUARDED_MUTEX, Gate) == offsetof(FAST_MUTEX, Event), "one layout");

static void init(FAST_MUTEX *m)
{
    m->Count = LOCK_FREE;
    m->Owner = NULL;
    m->Contention = 0;
    KeInitializeEvent(&m->Event, SynchronizationEvent, FALSE);
}

static bool try_acquire(FAST_MUTEX *m, KTHREAD *k)
{
    sim_access((uint64_t)m, SIM_WRITE);
    if (!(m->Count & LOCK_FREE))
        return false;
    m->Count &= ~LOCK_FREE;
    m->Owner = k;
    trace_event(TRACE_LOCK_ACQUIRE, (uint64_t)m, (uint64_t)k, 0, 0);
    return true;
}

static void acquire(FAST_MUTEX *m, unsigned reason, const char *why)
{
    KTHREAD *k = ke_kthread();
    if (try_acquire(m, k))
        return;
    m->Contention++;
    PVOID event = &m->Event;
    do {
        m->Count += WAITER;
        struct ke_wait w = { .count = 1, .objects = &event, .type = WaitAny, .reason = reason, .blocks = k->WaitBlock, .why = why };
        ke_wait_run(&w);
        m->Count &= ~WAITER_WOKEN;
    } while (!try_acquire(m, k));
}

static void release(FAST_MUTEX *m)
{
    /* DOC: 0x162, a lock released by a thread that does not own it. GUESS: so before Windows 8, too. */
    if ((m->Count & LOCK_FREE) || m->Owner != ke_kthread())
        KeBugCheckEx(KERNEL_AUTO_BOOST_INVALID_LOCK_RELEASE, (ULONG64)ke_kthread(), (ULONG64)m, 0, 0);
    sim_access((uint64_t)m, SIM_WRITE);
    trace_event(TRACE_LOCK_RELEASE, (uint64_t)m, (uint64_t)m->Owner, 0, 0);
    m->Owner = NULL;
    m->Count |= LOCK_FREE;
    if (m->Count >= WAITER && !(m->Count & WAITER_WOKEN)) {
        m->Count += WAITER_WOKEN - WAITER;
        ke_event_set(&m->Event);
    }
}

/* ---- fast ---- */

void ExInitializeFastMutex(FAST_MUTEX *m)
{
    init(m);
}

void ExAcquireFastMutex(FAST_MUTEX *m)
{
    (void)*(volatile LONG *)&m->Count; /* a bad address is the guest's fault before anything has changed */
    KIRQL old = KfRaiseIrql(APC_LEVEL);
    acquire(m, WrFastMutex, "fast mutex");
    m->OldIrql = old;
}

void ExReleaseFastMutex(FAST_MUTEX *m)
{
    KIRQL old = (KIRQL)m->OldIrql;
    release(m);
    ke_irql_lower(old);
    ke_woken_point(m);
}

BOOLEAN ExTryToAcquireFastMutex(FAST_MUTEX *m)
{
    if (!try_acquire(m, ke_kthread()))
        return FALSE;
    m->OldIrql = KfRaiseIrql(APC_LEVEL);
    return TRUE;
}

void ExAcquireFastMutexUnsafe(FAST_MUTEX *m)
{
    acquire(m, WrFastMutex, "fast mutex");
}

void ExReleaseFastMutexUnsafe(FAST_MUTEX *m)
{
    release(m);
    ke_woken_point(m);
}

void ExEnterCriticalRegionAndAcquireFastMutexUnsafe(FAST_MUTEX *m)
{
    KeEnterCriticalRegion();
    acquire(m, WrFastMutex, "fast mutex");
}

void ExReleaseFastMutexUnsafeAndLeaveCriticalRegion(FAST_MUTEX *m)
{
    release(m);
    KeLeaveCriticalRegion();
    ke_woken_point(m);
}

/* ---- guarded ---- */

void KeInitializeGuardedMutex(FAST_MUTEX *m)
{
    init(m);
}

void KeAcquireGuardedMutexUnsafe(FAST_MUTEX *m)
{
    acquire(m, WrGuardedMutex, "guarded mutex");
}

void KeReleaseGuardedMutexUnsafe(FAST_MUTEX *m)
{
    ExReleaseFastMutexUnsafe(m);
}

void KeAcquireGuardedMutex(FAST_MUTEX *m)
{
    KeEnterGuardedRegion();
    KeAcquireGuardedMutexUnsafe(m);
}

void KeReleaseGuardedMutex(FAST_MUTEX *m)
{
    release(m);
    KeLeaveGuardedRegion();
    ke_woken_point(m);
}

BOOLEAN KeTryToAcquireGuardedMutex(FAST_MUTEX *m)
{
    if (!try_acquire(m, ke_kthread()))
        return FALSE;
    KeEnterGuardedRegion();
    return TRUE;
}
