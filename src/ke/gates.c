/* What operations on locks wait for. A call that takes a lock is a scheduling point at which its thread is not enabled while the lock
 * cannot be had (sim_point_when): taking it is one event, and a failed try is none. Who of several waiters gets it is then open, where
 * NT's queues say the first to come: each of them could have been that.
 *
 * Gates only look, at what the operation reports that it touches, and never fault. */
#include "ke/private.h"
#include "sim/door.h"

bool ke_gate_spin_lock(const struct agent *a, const void *args)
{
    KSPIN_LOCK lock;
    return !sim_peek(&lock, *(const uint64_t *)args) || !(lock & 1);
}

/* In-stack queued spin locks, push locks taken exclusively: the word is zero while they are free. */
bool ke_gate_word(const struct agent *a, const void *args)
{
    uint64_t word;
    return !sim_peek(&word, *(const uint64_t *)args) || word == 0;
}

/* A push lock, shared: free, or shared already. */
bool ke_gate_push_lock_shared(const struct agent *a, const void *args)
{
    uint64_t word;
    return !sim_peek(&word, *(const uint64_t *)args) || word == 0 || word >= 0x10;
}

/* EX_SPIN_LOCK: bit 31 exclusive, bit 30 a writer waits, below: readers. */
bool ke_gate_spin_shared(const struct agent *a, const void *args)
{
    uint32_t word;
    return !sim_peek(&word, *(const uint64_t *)args) || !(word & 0xC0000000u);
}

bool ke_gate_spin_exclusive(const struct agent *a, const void *args)
{
    uint32_t word;
    return !sim_peek(&word, *(const uint64_t *)args) || !(word & ~0x40000000u);
}

bool ke_gate_fast_mutex(const struct agent *a, const void *args)
{
    LONG count;
    return !sim_peek(&count, *(const uint64_t *)args) || (count & 1);
}

/* Objects whose wait may begin late: once they can be had they stay so until somebody takes them, and nobody else can tell the
 * difference. Not events, semaphores, timers and queues: those choose among who waits when they are signalled. */
static bool is_lasting(const DISPATCHER_HEADER *h)
{
    return h->Type == MutantObject || h->Type == ThreadObject || h->Type == ProcessObject;
}

/* Something ends or must interrupt the wait whatever the object's state. */
bool ke_wait_is_disturbed(const struct thread *t)
{
    const KTHREAD *k = &t->ethread->Tcb;
    return t->terminating || t->suspend_count || k->Alerted[KernelMode] || k->Alerted[UserMode] || k->ApcState.KernelApcPending || k->ApcState.UserApcPending ||
           k->ApcState.ApcListHead[UserMode].Flink != &k->ApcState.ApcListHead[UserMode];
}

static bool can_have(const DISPATCHER_HEADER *h, const struct thread *t)
{
    return h->Type == MutantObject ? ke_mutant_free_for((const KMUTANT *)h, &t->ethread->Tcb) : h->SignalState > 0;
}

static bool passes(const struct agent *a, uint64_t object)
{
    DISPATCHER_HEADER h;
    const struct thread *t = a->thread;
    if (!t || !t->ethread || !sim_peek(&h, object) || !is_lasting(&h))
        return true;
    return can_have((const DISPATCHER_HEADER *)object, t) || ke_wait_is_disturbed(t);
}

/* Arguments of KeWaitForSingleObject. */
bool ke_gate_wait(const struct agent *a, const void *args)
{
    const uint64_t *v = args;
    return v[4] || passes(a, v[0]); /* with a time-out: the wait begins now */
}

/* Arguments of KeWaitForMultipleObjects. */
bool ke_gate_wait_multiple(const struct agent *a, const void *args)
{
    const uint64_t *v = args;
    uint32_t count = (uint32_t)v[0], type = (uint32_t)v[2];
    if (v[6] || type != WaitAll || count > MAXIMUM_WAIT_OBJECTS)
        return true;
    const struct thread *t = a->thread;
    uint64_t objects[MAXIMUM_WAIT_OBJECTS];
    if (!t || !t->ethread || !host_peek(objects, v[1], count * sizeof *objects))
        return true;
    bool all = true;
    for (uint32_t i = 0; i < count; i++) {
        DISPATCHER_HEADER h;
        if (!sim_peek(&h, objects[i]) || !is_lasting(&h))
            return true;
        all = all && can_have((const DISPATCHER_HEADER *)objects[i], t);
    }
    return all || ke_wait_is_disturbed(t);
}
