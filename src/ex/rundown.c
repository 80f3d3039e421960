/* Rundown protection: Count is twice the number of references; bit 0 says that the rundown has begun. The waiter is in the
 * room's list (NT keeps a pointer to its wait block in the same word). */
#include "ex/room.h"
#include "mm/mm.h"
#include "sim/access.h"
#include "sim/door.h"

enum { RUNDOWN_ACTIVE = 1, REFERENCE = 2, RUNDOWN_TAG = 0x50526E52 };

void ExInitializeRundownProtection(EX_RUNDOWN_REF *r)
{
    r->Count = 0;
}

void ExReInitializeRundownProtection(EX_RUNDOWN_REF *r)
{
    sim_access((uint64_t)r, SIM_WRITE);
    r->Count = 0;
}

void ExRundownCompleted(EX_RUNDOWN_REF *r)
{
    sim_access((uint64_t)r, SIM_WRITE);
    r->Count = RUNDOWN_ACTIVE;
}

/* Before the rundown has begun nobody can be the last, so acquiring and releasing may be done in any order. */
BOOLEAN ExAcquireRundownProtectionEx(EX_RUNDOWN_REF *r, ULONG count)
{
    sim_access((uint64_t)r, SIM_READ);
    if (r->Count & RUNDOWN_ACTIVE)
        return FALSE;
    r->Count += (ULONG_PTR)count * REFERENCE;
    return TRUE;
}

BOOLEAN ExAcquireRundownProtection(EX_RUNDOWN_REF *r)
{
    return ExAcquireRundownProtectionEx(r, 1);
}

void ExReleaseRundownProtectionEx(EX_RUNDOWN_REF *r, ULONG count)
{
    sim_access((uint64_t)r, r->Count & RUNDOWN_ACTIVE ? SIM_WRITE : SIM_READ);
    r->Count -= (ULONG_PTR)count * REFERENCE;
    if (r->Count != RUNDOWN_ACTIVE)
        return;
    struct ex_waiter *woken = NULL, *w;
    while ((w = ex_waiter_first((uint64_t)r, NULL)))
        ex_waiter_take(w, &woken);
    ex_wake_all(woken);
}

void ExReleaseRundownProtection(EX_RUNDOWN_REF *r)
{
    ExReleaseRundownProtectionEx(r, 1);
}

void ExWaitForRundownProtectionRelease(EX_RUNDOWN_REF *r)
{
    sim_access((uint64_t)r, SIM_WRITE);
    r->Count |= RUNDOWN_ACTIVE;
    struct ex_waiter w;
    if (r->Count != RUNDOWN_ACTIVE)
        ex_wait(&w, (uint64_t)r, 0, FRAME_ExfWaitForRundownProtectionRelease, WrRundown);
}

/* ---- cache-aware: one reference block stands for all processors ---- */

PVOID ExAllocateCacheAwareRundownProtection(ULONG pool_type, ULONG tag)
{
    EX_RUNDOWN_REF *r = ex_pool_alloc(pool_type, sizeof *r, tag);
    r->Count = 0;
    return r;
}

void ExFreeCacheAwareRundownProtection(PVOID r)
{
    ex_pool_free(r);
}

SIZE_T ExSizeOfRundownProtectionCacheAware(void)
{
    return sizeof(EX_RUNDOWN_REF);
}

void ExInitializeRundownProtectionCacheAware(EX_RUNDOWN_REF *r, SIZE_T size)
{
    r->Count = 0;
}
