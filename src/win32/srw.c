/* Slim reader/writer locks, condition variables, one-time initialisation, WaitOnAddress: each is one pointer of guest memory
 * and waits through park.
 *
 * SRWLOCK: bit 0 locked, bit 1 somebody waits, readers counted from bit 4 (0 with bit 0: a writer has it). */
#include "sim/access.h"
#include "win32/critical.h"
#include "win32/park.h"
#include "win32/wait.h"

enum { LOCKED = 1, WAITERS = 2, READER = 16 };

static bool try_write(uint64_t *lock)
{
    sim_access((uint64_t)lock, SIM_WRITE);
    if (*lock & LOCKED)
        return false;
    *lock |= LOCKED;
    park_own((uint64_t)lock, true);
    return true;
}

/* Readers come and go in any order, unless somebody waits. */
static void reader_touches(const uint64_t *lock)
{
    bool writer = (*lock & LOCKED) && *lock < READER;
    sim_access((uint64_t)lock, writer || (*lock & WAITERS) ? SIM_WRITE : SIM_COMMUTE);
}

/* A new reader stands back behind waiters; one that was woken does not. */
static bool try_read(uint64_t *lock, bool woken)
{
    reader_touches(lock);
    bool writer = (*lock & LOCKED) && *lock < READER;
    if (writer || (!woken && (*lock & WAITERS) && (*lock & LOCKED)))
        return false;
    *lock = (*lock | LOCKED) + READER;
    return true;
}

bool w32_gate_srw_exclusive(const struct agent *a, const void *args)
{
    uint64_t lock;
    return !sim_peek(&lock, *(const uint64_t *)args) || !(lock & LOCKED);
}

bool w32_gate_srw_shared(const struct agent *a, const void *args)
{
    uint64_t lock;
    return !sim_peek(&lock, *(const uint64_t *)args) || !(lock & LOCKED) || (lock >= READER && !(lock & WAITERS));
}

static void wait_on(uint64_t *lock, enum park_kind kind)
{
    *lock |= WAITERS;
    park_enter((uint64_t)lock, kind);
    park_wait((ULONG)-1);
}

void AcquireSRWLockExclusive(uint64_t *lock)
{
    while (!try_write(lock))
        wait_on(lock, PARK_SRW_EXCLUSIVE);
}

void AcquireSRWLockShared(uint64_t *lock)
{
    for (bool woken = false; !try_read(lock, woken); woken = true)
        wait_on(lock, PARK_SRW_SHARED);
}

/* Behind a wait the lock is taken as by a call of its own: when it can be had. */
static void lock_again(uint64_t *lock, bool shared)
{
    uint64_t args[1] = { (uint64_t)lock };
    sim_point_when((uint64_t)lock, shared ? w32_gate_srw_shared : w32_gate_srw_exclusive, args);
    if (shared)
        AcquireSRWLockShared(lock);
    else
        AcquireSRWLockExclusive(lock);
}

BOOL TryAcquireSRWLockExclusive(uint64_t *lock)
{
    return try_write(lock);
}

BOOL TryAcquireSRWLockShared(uint64_t *lock)
{
    return try_read(lock, false);
}

/* The first waiter, and with a reader all readers that follow it. */
static void wake_next(uint64_t *lock)
{
    int kind = park_first((uint64_t)lock);
    if (kind == PARK_SRW_SHARED) {
        while (park_first((uint64_t)lock) == PARK_SRW_SHARED)
            park_wake_one((uint64_t)lock);
    } else if (kind == PARK_SRW_EXCLUSIVE) {
        park_wake_one((uint64_t)lock);
    }
    if (park_first((uint64_t)lock) < 0)
        *lock &= ~(uint64_t)WAITERS;
}

static void release_check(const uint64_t *lock, bool shared)
{
    if (shared)
        reader_touches(lock);
    else
        sim_access((uint64_t)lock, SIM_WRITE);
    /* What Windows raises when a lock is released that is not held. */
    if (!(*lock & LOCKED) || (*lock >= READER) != shared)
        ke_raise_status(STATUS_RESOURCE_NOT_OWNED);
}

void ReleaseSRWLockExclusive(uint64_t *lock)
{
    release_check(lock, false);
    park_own((uint64_t)lock, false);
    *lock &= ~(uint64_t)LOCKED;
    if (*lock & WAITERS)
        wake_next(lock);
}

void ReleaseSRWLockShared(uint64_t *lock)
{
    release_check(lock, true);
    *lock -= READER;
    if (*lock >= READER)
        return;
    *lock &= ~(uint64_t)LOCKED;
    if (*lock & WAITERS)
        wake_next(lock);
}

void InitializeSRWLock(uint64_t *lock)
{
    *lock = 0;
}

/* ---- condition variables ---- */

void InitializeConditionVariable(uint64_t *condition)
{
    *condition = 0;
}

static BOOL condition_result(bool woken)
{
    return woken ? TRUE : w32_error(ERROR_TIMEOUT);
}

BOOL SleepConditionVariableCS(uint64_t *condition, struct critical_section *cs, ULONG milliseconds)
{
    park_enter((uint64_t)condition, PARK_CONDITION_VARIABLE);
    LeaveCriticalSection(cs);
    bool woken = park_wait(milliseconds);
    uint64_t args[1] = { (uint64_t)cs };
    sim_point_when((uint64_t)cs, w32_gate_critical_section, args);
    EnterCriticalSection(cs);
    return condition_result(woken);
}

BOOL SleepConditionVariableSRW(uint64_t *condition, uint64_t *lock, ULONG milliseconds, ULONG flags)
{
    bool shared = flags & 1; /* CONDITION_VARIABLE_LOCKMODE_SHARED */
    release_check(lock, shared);
    park_enter((uint64_t)condition, PARK_CONDITION_VARIABLE);
    if (shared)
        ReleaseSRWLockShared(lock);
    else
        ReleaseSRWLockExclusive(lock);
    bool woken = park_wait(milliseconds);
    lock_again(lock, shared);
    return condition_result(woken);
}

void WakeConditionVariable(uint64_t *condition)
{
    if (!park_wake_one((uint64_t)condition))
        sim_signal_lost((uint64_t)condition);
}

void WakeAllConditionVariable(uint64_t *condition)
{
    if (park_first((uint64_t)condition) < 0)
        sim_signal_lost((uint64_t)condition);
    park_wake_all((uint64_t)condition);
}

/* ---- WaitOnAddress ---- */

BOOL WaitOnAddress(const volatile void *address, const void *compare, uint64_t bytes, ULONG milliseconds)
{
    if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
        return w32_error(ERROR_INVALID_PARAMETER);
    sim_access((uint64_t)address, SIM_READ);
    if (memcmp((const void *)address, compare, bytes) != 0)
        return TRUE;
    park_enter((uint64_t)address, PARK_ADDRESS);
    return park_wait(milliseconds) ? TRUE : w32_error(ERROR_TIMEOUT);
}

void WakeByAddressSingle(uint64_t address)
{
    park_wake_one(address);
}

void WakeByAddressAll(uint64_t address)
{
    park_wake_all(address);
}

/* ---- one-time initialisation: low two bits 0 nothing done, 1 being done, 2 done (the context is above them), 3 tried by several ---- */

enum { ONCE_NONE, ONCE_RUNNING, ONCE_DONE, ONCE_ASYNC, ONCE_CHECK_ONLY = 1, ONCE_FLAG_ASYNC = 2, ONCE_INIT_FAILED = 4 };

/* Nobody else is at it. */
bool w32_gate_once_execute(const struct agent *a, const void *args)
{
    uint64_t once;
    return !sim_peek(&once, *(const uint64_t *)args) || (once & 3) != ONCE_RUNNING;
}

bool w32_gate_once_begin(const struct agent *a, const void *args)
{
    return (((const uint64_t *)args)[1] & (ONCE_CHECK_ONLY | ONCE_FLAG_ASYNC)) || w32_gate_once_execute(a, args);
}

void InitOnceInitialize(uint64_t *once)
{
    *once = 0;
}

BOOL InitOnceBeginInitialize(uint64_t *once, ULONG flags, BOOL *pending, uint64_t *context)
{
    for (;;) {
        unsigned state = *once & 3;
        bool begins = state == ONCE_NONE && !(flags & ONCE_CHECK_ONLY);
        sim_access((uint64_t)once, begins ? SIM_WRITE : SIM_READ);
        switch (state) {
        case ONCE_DONE:
            *pending = FALSE;
            if (context)
                *context = *once & ~3ull;
            return TRUE;
        case ONCE_NONE:
            if (flags & ONCE_CHECK_ONLY)
                return w32_error(ERROR_GEN_FAILURE);
            *once = flags & ONCE_FLAG_ASYNC ? ONCE_ASYNC : ONCE_RUNNING;
            *pending = TRUE;
            return TRUE;
        case ONCE_ASYNC:
            if (!(flags & ONCE_FLAG_ASYNC))
                return w32_error(ERROR_INVALID_PARAMETER);
            *pending = TRUE;
            return TRUE;
        default:
            if (flags & (ONCE_CHECK_ONLY | ONCE_FLAG_ASYNC))
                return w32_error(flags & ONCE_CHECK_ONLY ? ERROR_GEN_FAILURE : ERROR_INVALID_PARAMETER);
            park_enter((uint64_t)once, PARK_INIT_ONCE);
            park_wait((ULONG)-1);
        }
    }
}

BOOL InitOnceComplete(uint64_t *once, ULONG flags, uint64_t context)
{
    sim_access((uint64_t)once, SIM_WRITE);
    unsigned state = *once & 3;
    bool failed = flags & ONCE_INIT_FAILED;
    if ((failed && (context || (flags & ONCE_FLAG_ASYNC))) || (context & 3))
        return w32_error(ERROR_INVALID_PARAMETER);
    if (state != (flags & ONCE_FLAG_ASYNC ? ONCE_ASYNC : ONCE_RUNNING))
        return w32_error(ERROR_GEN_FAILURE);
    *once = failed ? ONCE_NONE : context | ONCE_DONE;
    park_wake_all((uint64_t)once);
    return TRUE;
}

BOOL InitOnceExecuteOnce(uint64_t *once, void *function, uint64_t parameter, uint64_t *context)
{
    BOOL pending;
    if (!InitOnceBeginInitialize(once, 0, &pending, context))
        return FALSE;
    if (!pending)
        return TRUE;
    uint64_t at = (uint64_t)context;
    BOOL ok = (BOOL)guest_call(FRAME_NONE, function, 3, (uint64_t)once, parameter, at);
    InitOnceComplete(once, ok ? 0 : ONCE_INIT_FAILED, ok && context ? *context & ~3ull : 0);
    return ok;
}

/* ---- sequenced lists: a chain at once; the rest is ex's (depth 16 bits, sequence 48 bits, first entry) ---- */

struct slist {
    uint64_t depth_sequence;
    uint64_t next; /* address with four low bits clear */
};

static void slist_changed(struct slist *l, uint64_t first, int change)
{
    uint16_t depth = (uint16_t)((uint16_t)l->depth_sequence + change);
    l->depth_sequence = ((l->depth_sequence & ~0xFFFFull) + 0x10000) | depth;
    l->next = first;
}

uint64_t InterlockedPushListSListEx(struct slist *l, uint64_t list, uint64_t *list_end, ULONG count)
{
    sim_access((uint64_t)l, SIM_WRITE);
    uint64_t old = l->next;
    *list_end = old;
    slist_changed(l, list, (int)count);
    return old;
}
