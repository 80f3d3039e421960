/* Push locks. The word: bit 0 locked, sharers counted from bit 4 on, as NT's without its wait-block pointer; waiters are in the
 * room's list, served in the order of their arrival. */
#include "ex/room.h"
#include "mm/mm.h"
#include "nt/bugcheck.h"
#include "sim/access.h"
#include "sim/door.h"
#include "trace/trace.h"

enum { LOCKED = 1, SHARER = 0x10, PUSH_LOCK_TAG = 0x636C7550 };
enum { EXCLUSIVE, SHARED };

static void take(EX_PUSH_LOCK *l, int kind)
{
    l->Value = kind == EXCLUSIVE ? LOCKED : (l->Value | LOCKED) + SHARER;
}

static bool is_free_for(const EX_PUSH_LOCK *l, int kind)
{
    return l->Value == 0 || (kind == SHARED && l->Value >= SHARER);
}

static bool try_acquire(EX_PUSH_LOCK *l, int kind)
{
    sim_access((uint64_t)l, SIM_WRITE);
    if (!is_free_for(l, kind) || ex_waiter_first((uint64_t)l, NULL))
        return false;
    take(l, kind);
    trace_event(TRACE_LOCK_ACQUIRE, (uint64_t)l, kind == EXCLUSIVE, 0, 0);
    return true;
}

static void acquire(EX_PUSH_LOCK *l, int kind)
{
    if (try_acquire(l, kind))
        return;
    struct ex_waiter w;
    ex_wait(&w, (uint64_t)l, kind, FRAME_ExBlockOnAddressPushLock, WrPushLock);
    trace_event(TRACE_LOCK_ACQUIRE, (uint64_t)l, kind == EXCLUSIVE, 0, 0);
}

/* The first waiter gets the lock; if it is a sharer, so do the sharers right behind it. */
static void hand_on(EX_PUSH_LOCK *l)
{
    struct ex_waiter *woken = NULL, *w;
    while ((w = ex_waiter_first((uint64_t)l, NULL)) && is_free_for(l, w->kind)) {
        take(l, w->kind);
        ex_waiter_take(w, &woken);
    }
    ex_wake_all(woken);
}

static void release(EX_PUSH_LOCK *l)
{
    sim_access((uint64_t)l, SIM_WRITE);
    /* GUESS: NT does not check; a lock that is not held ends in a fault or a hang there. */
    if (l->Value == 0)
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, 0xEA, (uint64_t)l, 0, 0);
    trace_event(TRACE_LOCK_RELEASE, (uint64_t)l, l->Value == LOCKED, 0, 0);
    l->Value = l->Value > (LOCKED | SHARER) ? l->Value - SHARER : 0;
    if (l->Value == 0)
        hand_on(l);
}

void ExInitializePushLock(EX_PUSH_LOCK *l)
{
    l->Value = 0;
}

void ExfAcquirePushLockExclusive(EX_PUSH_LOCK *l)
{
    acquire(l, EXCLUSIVE);
}

void ExfAcquirePushLockShared(EX_PUSH_LOCK *l)
{
    acquire(l, SHARED);
}

BOOLEAN ExfTryAcquirePushLockShared(EX_PUSH_LOCK *l)
{
    return try_acquire(l, SHARED);
}

BOOLEAN ExTryAcquirePushLockExclusiveEx(EX_PUSH_LOCK *l, ULONG flags)
{
    return try_acquire(l, EXCLUSIVE);
}

void ExfReleasePushLock(EX_PUSH_LOCK *l)
{
    release(l);
}

/* The inlined acquire of newer headers has already failed its fast path when it comes to these. */
void ExfTryToWakePushLock(EX_PUSH_LOCK *l)
{
    if (l->Value == 0)
        hand_on(l);
}

void ExAcquirePushLockExclusiveEx(EX_PUSH_LOCK *l, ULONG flags)
{
    acquire(l, EXCLUSIVE);
}

void ExAcquirePushLockSharedEx(EX_PUSH_LOCK *l, ULONG flags)
{
    acquire(l, SHARED);
}

void ExReleasePushLockEx(EX_PUSH_LOCK *l, ULONG flags)
{
    release(l);
}

/* ---- cache-aware: one lock stands for all processors ---- */

PVOID ExAllocateCacheAwarePushLock(void)
{
    EX_PUSH_LOCK *l = ex_pool_alloc(PagedPool, sizeof *l, PUSH_LOCK_TAG);
    l->Value = 0;
    return l;
}

void ExFreeCacheAwarePushLock(PVOID l)
{
    ex_pool_free(l);
}
