/* Spin locks: plain ones (bit 0 of the lock) and in-stack queued ones (the lock points to the last handle in line, each handle
 * spins on its own word). The explorer sees a spinning agent as one that is not enabled, so nobody ever turns in a loop. */
#include "ke/private.h"
#include "sim/access.h"
#include "trace/trace.h"

/* KSPIN_LOCK_QUEUE.Lock: low bits beside the address of the lock. */
enum { QUEUE_WAIT = 1, QUEUE_OWNER = 2 };

static void acquire(KSPIN_LOCK *lock)
{
    while (*lock & 1) {
        sim_access((uint64_t)lock, SIM_READ);
        sim_spin(lock, "spin lock");
    }
    sim_access_lock((uint64_t)lock, SIM_LOCK_ACQUIRE);
    *lock |= 1;
    trace_event(TRACE_LOCK_ACQUIRE, (uint64_t)lock, 0, 0, 0);
}

/* Between the last thing done under a lock and its release nobody can see a difference, unless an image looks at locks without
 * waiting for them. So a release is a scheduling point only then. */
static void before_release(const volatile void *lock)
{
    if (MACHINE->locks_probed)
        sim_point((uint64_t)lock);
}

static void release(KSPIN_LOCK *lock)
{
    before_release(lock);
    sim_access_lock((uint64_t)lock, SIM_LOCK_RELEASE);
    trace_event(TRACE_LOCK_RELEASE, (uint64_t)lock, 0, 0, 0);
    *lock &= ~(KSPIN_LOCK)1;
}

void KeInitializeSpinLock(KSPIN_LOCK *lock)
{
    *lock = 0;
}

void KeAcquireSpinLockAtDpcLevel(KSPIN_LOCK *lock)
{
    acquire(lock);
}

void KeReleaseSpinLockFromDpcLevel(KSPIN_LOCK *lock)
{
    release(lock);
}

static KIRQL acquire_at(KSPIN_LOCK *lock, KIRQL irql)
{
    (void)*(volatile KSPIN_LOCK *)lock; /* a bad address is the guest's fault before anything has changed */
    KIRQL before = sim_irql();
    sim_irql_set(irql);
    acquire(lock);
    return before;
}

KIRQL KeAcquireSpinLockRaiseToDpc(KSPIN_LOCK *lock)
{
    return acquire_at(lock, DISPATCH_LEVEL);
}

KIRQL KeAcquireSpinLockRaiseToSynch(KSPIN_LOCK *lock)
{
    return acquire_at(lock, 12);
}

void KeAcquireSpinLock(KSPIN_LOCK *lock, KIRQL *before)
{
    KIRQL old = acquire_at(lock, DISPATCH_LEVEL);
    *before = old;
}

void KeReleaseSpinLock(KSPIN_LOCK *lock, ULONG irql)
{
    release(lock);
    ke_irql_lower((KIRQL)irql);
}

BOOLEAN KeTryToAcquireSpinLockAtDpcLevel(KSPIN_LOCK *lock)
{
    sim_access((uint64_t)lock, SIM_READ);
    if (*lock & 1)
        return FALSE;
    acquire(lock);
    return TRUE;
}

BOOLEAN KeTestSpinLock(KSPIN_LOCK *lock)
{
    sim_access((uint64_t)lock, SIM_READ);
    return *lock == 0;
}

/* GUESS: IRQL-aware forms behave as documented for KeAcquireSpinLockForDpc: raise only if the caller is below. */
KIRQL KeAcquireSpinLockForDpc(KSPIN_LOCK *lock)
{
    return acquire_at(lock, sim_irql() > DISPATCH_LEVEL ? sim_irql() : DISPATCH_LEVEL);
}

void KeReleaseSpinLockForDpc(KSPIN_LOCK *lock, ULONG irql)
{
    KeReleaseSpinLock(lock, irql);
}

/* ---- in-stack queued ---- */

static uint64_t *word(KSPIN_LOCK_QUEUE *q)
{
    return (uint64_t *)&q->Lock;
}

static void queue_acquire(KSPIN_LOCK *lock, KSPIN_LOCK_QUEUE *q)
{
    KSPIN_LOCK_QUEUE *last = (KSPIN_LOCK_QUEUE *)*lock;
    sim_access((uint64_t)lock, SIM_WRITE);
    q->Next = NULL;
    *word(q) = (uint64_t)lock | (last ? QUEUE_WAIT : QUEUE_OWNER);
    *lock = (KSPIN_LOCK)q;
    if (last) {
        last->Next = q;
        sim_spin(word(q), "queued spin lock");
        sim_access((uint64_t)lock, SIM_WRITE);
    }
    trace_event(TRACE_LOCK_ACQUIRE, (uint64_t)lock, 0, 0, 0);
}

static void queue_release(KSPIN_LOCK_QUEUE *q)
{
    KSPIN_LOCK *lock = (KSPIN_LOCK *)(*word(q) & ~7ull);
    before_release(lock);
    KSPIN_LOCK_QUEUE *next = q->Next;
    sim_access((uint64_t)lock, SIM_WRITE);
    trace_event(TRACE_LOCK_RELEASE, (uint64_t)lock, 0, 0, 0);
    if (next)
        *word(next) = (uint64_t)lock | QUEUE_OWNER;
    else
        *lock = 0;
    q->Next = NULL;
    *word(q) &= ~(uint64_t)QUEUE_OWNER;
}

static void queue_acquire_at(KSPIN_LOCK *lock, KLOCK_QUEUE_HANDLE *handle, KIRQL irql)
{
    (void)*(volatile KSPIN_LOCK *)lock;
    handle->OldIrql = sim_irql();
    sim_irql_set(irql);
    queue_acquire(lock, &handle->LockQueue);
}

void KeAcquireInStackQueuedSpinLock(KSPIN_LOCK *lock, KLOCK_QUEUE_HANDLE *handle)
{
    queue_acquire_at(lock, handle, DISPATCH_LEVEL);
}

void KeAcquireInStackQueuedSpinLockRaiseToSynch(KSPIN_LOCK *lock, KLOCK_QUEUE_HANDLE *handle)
{
    queue_acquire_at(lock, handle, 12);
}

void KeReleaseInStackQueuedSpinLock(KLOCK_QUEUE_HANDLE *handle)
{
    KIRQL irql = handle->OldIrql;
    queue_release(&handle->LockQueue);
    ke_irql_lower(irql);
}

void KeAcquireInStackQueuedSpinLockAtDpcLevel(KSPIN_LOCK *lock, KLOCK_QUEUE_HANDLE *handle)
{
    queue_acquire(lock, &handle->LockQueue);
}

void KeReleaseInStackQueuedSpinLockFromDpcLevel(KLOCK_QUEUE_HANDLE *handle)
{
    queue_release(&handle->LockQueue);
}

void KeAcquireInStackQueuedSpinLockForDpc(KSPIN_LOCK *lock, KLOCK_QUEUE_HANDLE *handle)
{
    queue_acquire_at(lock, handle, sim_irql() > DISPATCH_LEVEL ? sim_irql() : DISPATCH_LEVEL);
}

void KeReleaseInStackQueuedSpinLockForDpc(KLOCK_QUEUE_HANDLE *handle)
{
    KeReleaseInStackQueuedSpinLock(handle);
}

/* ---- reader/writer: EX_SPIN_LOCK. Bit 31: exclusive, bit 30: a writer waits, below: readers ---- */

#define EXCLUSIVE 0x80000000u
#define WRITER_WAITS 0x40000000u
#define READERS 0x3FFFFFFFu

static void shared_acquire(EX_SPIN_LOCK *lock)
{
    sim_access((uint64_t)lock, SIM_WRITE);
    while (*lock & (EXCLUSIVE | WRITER_WAITS))
        ke_spin_until_changed(lock, "shared spin lock");
    ++*lock;
    trace_event(TRACE_LOCK_ACQUIRE, (uint64_t)lock, 0, 1, 0);
}

static void exclusive_acquire(EX_SPIN_LOCK *lock)
{
    sim_access((uint64_t)lock, SIM_WRITE);
    while (*lock & ~WRITER_WAITS) {
        *lock |= WRITER_WAITS;
        ke_spin_until_changed(lock, "exclusive spin lock");
    }
    *lock = EXCLUSIVE; /* other waiting writers set their bit again */
    trace_event(TRACE_LOCK_ACQUIRE, (uint64_t)lock, 0, 0, 0);
}

void ExAcquireSpinLockSharedAtDpcLevel(EX_SPIN_LOCK *lock)
{
    shared_acquire(lock);
}

KIRQL ExAcquireSpinLockShared(EX_SPIN_LOCK *lock)
{
    (void)*lock;
    KIRQL before = sim_irql();
    sim_irql_set(DISPATCH_LEVEL);
    shared_acquire(lock);
    return before;
}

void ExReleaseSpinLockSharedFromDpcLevel(EX_SPIN_LOCK *lock)
{
    before_release(lock);
    sim_access((uint64_t)lock, SIM_WRITE);
    trace_event(TRACE_LOCK_RELEASE, (uint64_t)lock, 0, 1, 0);
    --*lock;
    ke_spin_changed(lock);
}

void ExReleaseSpinLockShared(EX_SPIN_LOCK *lock, ULONG irql)
{
    ExReleaseSpinLockSharedFromDpcLevel(lock);
    ke_irql_lower((KIRQL)irql);
}

void ExAcquireSpinLockExclusiveAtDpcLevel(EX_SPIN_LOCK *lock)
{
    exclusive_acquire(lock);
}

KIRQL ExAcquireSpinLockExclusive(EX_SPIN_LOCK *lock)
{
    (void)*lock;
    KIRQL before = sim_irql();
    sim_irql_set(DISPATCH_LEVEL);
    exclusive_acquire(lock);
    return before;
}

void ExReleaseSpinLockExclusiveFromDpcLevel(EX_SPIN_LOCK *lock)
{
    before_release(lock);
    sim_access((uint64_t)lock, SIM_WRITE);
    trace_event(TRACE_LOCK_RELEASE, (uint64_t)lock, 0, 0, 0);
    *lock &= ~EXCLUSIVE;
    ke_spin_changed(lock);
}

void ExReleaseSpinLockExclusive(EX_SPIN_LOCK *lock, ULONG irql)
{
    ExReleaseSpinLockExclusiveFromDpcLevel(lock);
    ke_irql_lower((KIRQL)irql);
}

/* The caller holds it shared; TRUE if it now holds it alone. */
ULONG ExTryConvertSharedSpinLockExclusive(EX_SPIN_LOCK *lock)
{
    sim_access((uint64_t)lock, SIM_WRITE);
    if ((*lock & READERS) != 1 || (*lock & EXCLUSIVE))
        return FALSE;
    *lock = EXCLUSIVE | (*lock & WRITER_WAITS);
    return TRUE;
}

ULONG ExTryAcquireSpinLockSharedAtDpcLevel(EX_SPIN_LOCK *lock)
{
    sim_access((uint64_t)lock, SIM_READ);
    if (*lock & (EXCLUSIVE | WRITER_WAITS))
        return FALSE;
    shared_acquire(lock);
    return TRUE;
}

ULONG ExTryAcquireSpinLockExclusiveAtDpcLevel(EX_SPIN_LOCK *lock)
{
    sim_access((uint64_t)lock, SIM_READ);
    if (*lock & ~WRITER_WAITS)
        return FALSE;
    exclusive_acquire(lock);
    return TRUE;
}
