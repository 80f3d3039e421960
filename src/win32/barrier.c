/* Synchronization barriers: threads wait until all of them are there; one of them is told that it was the last. */
#include "sim/access.h"
#include "win32/park.h"

/* SYNCHRONIZATION_BARRIER. GUESS: which of the reserved members counts what. */
struct barrier {
    uint32_t arrived, total;
    uint64_t reserved[2];
    uint32_t processors, spins;
};
_Static_assert(sizeof(struct barrier) == 32, "SYNCHRONIZATION_BARRIER");

/* DOC: spins of -1: the system's own number. GUESS: the error of a number of threads that is none. */
BOOL InitializeSynchronizationBarrier(struct barrier *b, LONG threads, LONG spins)
{
    if (threads <= 0 || spins < -1)
        return w32_error(ERROR_INVALID_PARAMETER);
    *b = (struct barrier) { .total = (uint32_t)threads, .processors = MACHINE->processor_count, .spins = (uint32_t)spins };
    return TRUE;
}

/* DOC: TRUE for the last one to come. The flags say how to wait, and whether DeleteSynchronizationBarrier has to wait for those who leave; here nobody touches the
 * barrier after it has been left. */
BOOL EnterSynchronizationBarrier(struct barrier *b, ULONG flags)
{
    sim_access((uint64_t)b, SIM_WRITE);
    if (b->arrived + 1 >= b->total) {
        b->arrived = 0;
        park_wake_all((uint64_t)b);
        return TRUE;
    }
    b->arrived++;
    park_enter((uint64_t)b, PARK_BARRIER);
    park_wait((ULONG)-1);
    return FALSE;
}

BOOL DeleteSynchronizationBarrier(struct barrier *b)
{
    return TRUE;
}
