/* ERESOURCE: shared and exclusive ownership by threads, with recursion.
 *
 * Guest memory holds what NT keeps there: ActiveCount (1 while exclusive, number of shared owners otherwise), Flag, OwnerEntry (the
 * exclusive or the first shared owner), OwnerTable (further shared owners; TableSize in its first entry), the numbers of waiters. Who
 * waits is in the room's list; a releasing thread makes the next ones owners itself before it wakes them, so a resource never
 * changes hands behind a waiter's back. */
#include <string.h>

#include "ex/room.h"
#include "mm/mm.h"
#include "nt/bugcheck.h"
#include "nt/status.h"
#include "ps/ps.h"
#include "sim/access.h"
#include "sim/door.h"
#include "trace/trace.h"

enum { RESOURCE_TAG = 0x61546552 /* 'ReTa' */, FIRST_TABLE = 4 };
enum { EXCLUSIVE, SHARED }; /* kinds of waiters */

/* ---- owners ---- */

static bool is_exclusive(const ERESOURCE *r)
{
    return r->Flag & ResourceOwnedExclusive;
}

static OWNER_ENTRY *owner_find(ERESOURCE *r, ULONG_PTR thread)
{
    if (r->OwnerEntry.OwnerThread == thread && r->OwnerEntry.OwnerCount)
        return &r->OwnerEntry;
    for (ULONG i = 1; r->OwnerTable && i < r->OwnerTable->TableSize; i++)
        if (r->OwnerTable[i].OwnerThread == thread && r->OwnerTable[i].OwnerCount)
            return &r->OwnerTable[i];
    return NULL;
}

static OWNER_ENTRY *owner_slot(ERESOURCE *r)
{
    if (!r->OwnerEntry.OwnerCount)
        return &r->OwnerEntry;
    ULONG size = r->OwnerTable ? r->OwnerTable->TableSize : 0;
    for (ULONG i = 1; i < size; i++)
        if (!r->OwnerTable[i].OwnerCount)
            return &r->OwnerTable[i];
    ULONG bigger = size ? size * 2 : FIRST_TABLE;
    OWNER_ENTRY *table = ex_pool_alloc(NonPagedPoolNx, bigger * sizeof *table, RESOURCE_TAG);
    memset(table, 0, bigger * sizeof *table);
    if (size) {
        memcpy(table, r->OwnerTable, size * sizeof *table);
        ex_pool_free(r->OwnerTable);
    }
    table->TableSize = bigger;
    r->OwnerTable = table;
    return &table[size ? size : 1];
}

static void grant_exclusive(ERESOURCE *r, KTHREAD *t)
{
    r->ActiveCount = 1;
    r->ActiveEntries = 1;
    r->Flag |= ResourceOwnedExclusive;
    r->OwnerEntry.OwnerThread = (ULONG_PTR)t;
    r->OwnerEntry.OwnerCount = 1;
}

static void grant_shared(ERESOURCE *r, KTHREAD *t)
{
    OWNER_ENTRY *e = owner_slot(r);
    e->OwnerThread = (ULONG_PTR)t;
    e->OwnerCount = 1;
    r->ActiveEntries++;
    r->ActiveCount++;
}

/* ---- acquiring ---- */

static BOOLEAN acquired(ERESOURCE *r)
{
    trace_event(TRACE_LOCK_ACQUIRE, (uint64_t)r, is_exclusive(r), 0, 0);
    return TRUE;
}

static BOOLEAN wait_for(ERESOURCE *r, int kind, ULONG wait)
{
    if (!(UCHAR)wait)
        return FALSE;
    struct ex_waiter w;
    r->ContentionCount++;
    *(kind == EXCLUSIVE ? &r->NumberOfExclusiveWaiters : &r->NumberOfSharedWaiters) += 1;
    ex_wait(&w, (uint64_t)r, kind, FRAME_ExpWaitForResource, WrResource);
    return acquired(r);
}

BOOLEAN ExAcquireResourceExclusiveLite(ERESOURCE *r, ULONG wait)
{
    KTHREAD *t = ex_thread();
    sim_access((uint64_t)r, SIM_WRITE);
    if (r->ActiveCount == 0) {
        grant_exclusive(r, t);
        return acquired(r);
    }
    if (is_exclusive(r) && r->OwnerEntry.OwnerThread == (ULONG_PTR)t) {
        r->OwnerEntry.OwnerCount++;
        return TRUE;
    }
    return wait_for(r, EXCLUSIVE, wait);
}

BOOLEAN ExTryAcquireResourceExclusiveLite(ERESOURCE *r)
{
    return ExAcquireResourceExclusiveLite(r, FALSE);
}

/* DOC: the three shared forms differ in what an exclusive waiter means. */
enum fairness { OWNERS_PASS, ALL_PASS, NONE_PASS };

static BOOLEAN acquire_shared(ERESOURCE *r, ULONG wait, enum fairness fairness)
{
    KTHREAD *t = ex_thread();
    sim_access((uint64_t)r, SIM_WRITE);
    OWNER_ENTRY *own = r->ActiveCount ? owner_find(r, (ULONG_PTR)t) : NULL;
    bool waiters = r->NumberOfExclusiveWaiters != 0 && fairness != ALL_PASS;
    if (own && (is_exclusive(r) || !waiters || fairness == OWNERS_PASS)) {
        own->OwnerCount++;
        return TRUE;
    }
    if (r->ActiveCount != 0 && (is_exclusive(r) || waiters))
        return wait_for(r, SHARED, wait);
    grant_shared(r, t);
    return acquired(r);
}

BOOLEAN ExAcquireResourceSharedLite(ERESOURCE *r, ULONG wait)
{
    return acquire_shared(r, wait, OWNERS_PASS);
}

BOOLEAN ExAcquireSharedStarveExclusive(ERESOURCE *r, ULONG wait)
{
    return acquire_shared(r, wait, ALL_PASS);
}

BOOLEAN ExAcquireSharedWaitForExclusive(ERESOURCE *r, ULONG wait)
{
    return acquire_shared(r, wait, NONE_PASS);
}

/* ---- gates (ke/gates.c) ---- */

/* An owner besides the one in OwnerEntry; peeks, for this may be asked while other threads' memory is in use. */
static bool is_owner(const ERESOURCE *r, const struct thread *t)
{
    ULONG_PTR me = (ULONG_PTR)t->ethread;
    OWNER_ENTRY first, e;
    if (r->OwnerEntry.OwnerThread == me && r->OwnerEntry.OwnerCount)
        return true;
    if (!r->OwnerTable || !sim_peek(&first, r->OwnerTable))
        return false;
    for (ULONG i = 1; i < first.TableSize; i++)
        if (sim_peek(&e, r->OwnerTable + i) && e.OwnerThread == me && e.OwnerCount)
            return true;
    return false;
}

/* Who waits while others own it exclusively changes nothing for anybody: the wait may begin when the resource can be had. A writer that waits for
 * readers keeps other readers out: that wait begins now. */
static bool others_own_it_alone(const struct agent *a, const ERESOURCE *r)
{
    const struct thread *t = a->thread;
    return t && t->ethread && !MACHINE->waiters_counted && is_exclusive(r) && r->ActiveCount && !is_owner(r, t) && !ke_wait_is_disturbed(t);
}

bool ex_gate_resource(const struct agent *a, const void *args)
{
    const uint64_t *v = args;
    ERESOURCE r;
    return !(UCHAR)v[1] || !sim_peek(&r, v[0]) || !others_own_it_alone(a, &r);
}

/* Of the forms that always wait. */
bool ex_gate_resource_waits(const struct agent *a, const void *args)
{
    ERESOURCE r;
    return !sim_peek(&r, *(const uint64_t *)args) || !others_own_it_alone(a, &r);
}

/* ---- releasing ---- */

/* Makes all waiting readers owners, or one waiting writer. Returns whom to wake. */
static struct ex_waiter *grant_readers(ERESOURCE *r)
{
    struct ex_waiter *woken = NULL;
    for (struct ex_waiter *w = ex_waiter_first((uint64_t)r, NULL), *next; w; w = next) {
        next = ex_waiter_first((uint64_t)r, w);
        if (w->kind != SHARED)
            continue;
        grant_shared(r, w->thread);
        ex_waiter_take(w, &woken);
    }
    r->NumberOfSharedWaiters = 0;
    return woken;
}

static struct ex_waiter *grant_writer(ERESOURCE *r)
{
    struct ex_waiter *w = ex_waiter_first((uint64_t)r, NULL), *woken = NULL;
    while (w && w->kind != EXCLUSIVE)
        w = ex_waiter_first((uint64_t)r, w);
    if (w) {
        r->NumberOfExclusiveWaiters--;
        grant_exclusive(r, w->thread);
        ex_waiter_take(w, &woken);
    }
    return woken;
}

static void release(ERESOURCE *r, ULONG_PTR thread)
{
    sim_access((uint64_t)r, SIM_WRITE);
    OWNER_ENTRY *own = r->ActiveCount ? owner_find(r, thread) : NULL;
    if (!own)
        KeBugCheckEx(RESOURCE_NOT_OWNED, (uint64_t)r, thread, (uint64_t)r->OwnerTable, is_exclusive(r) ? 1 : 2);
    if (--own->OwnerCount)
        return;
    own->OwnerThread = 0;
    r->ActiveEntries--;
    bool was_exclusive = is_exclusive(r);
    trace_event(TRACE_LOCK_RELEASE, (uint64_t)r, was_exclusive, 0, 0);
    if (--r->ActiveCount)
        return;
    r->Flag &= (USHORT)~ResourceOwnedExclusive;
    /* A writer is followed by the waiting readers if there are any, a reader by a writer. */
    struct ex_waiter *woken = was_exclusive && r->NumberOfSharedWaiters ? grant_readers(r) : NULL;
    if (!woken)
        woken = grant_writer(r);
    if (!woken && r->NumberOfSharedWaiters)
        woken = grant_readers(r);
    ex_wake_all(woken);
}

void ExReleaseResourceLite(ERESOURCE *r)
{
    release(r, (ULONG_PTR)ex_thread());
}

void ExReleaseResourceForThreadLite(ERESOURCE *r, ULONG_PTR thread)
{
    release(r, thread);
}

void ExConvertExclusiveToSharedLite(ERESOURCE *r)
{
    sim_access((uint64_t)r, SIM_WRITE);
    if (!is_exclusive(r) || r->OwnerEntry.OwnerThread != (ULONG_PTR)ex_thread())
        KeBugCheckEx(RESOURCE_NOT_OWNED, (uint64_t)r, (uint64_t)ex_thread(), (uint64_t)r->OwnerTable, 1);
    r->Flag &= (USHORT)~ResourceOwnedExclusive;
    ex_wake_all(r->NumberOfSharedWaiters ? grant_readers(r) : NULL);
}

/* DOC: makes an address in system space the owner, so that another thread may release. Only a shared or exclusive owner may. */
void ExSetResourceOwnerPointer(ERESOURCE *r, PVOID owner)
{
    OWNER_ENTRY *own = owner_find(r, (ULONG_PTR)ex_thread());
    if (own)
        own->OwnerThread = (ULONG_PTR)owner;
}

void ExSetResourceOwnerPointerEx(ERESOURCE *r, PVOID owner, ULONG flags)
{
    ExSetResourceOwnerPointer(r, owner);
}

/* ---- life and questions ---- */

NTSTATUS ExInitializeResourceLite(ERESOURCE *r)
{
    memset(r, 0, sizeof *r);
    r->SystemResourcesList.Flink = r->SystemResourcesList.Blink = &r->SystemResourcesList;
    return STATUS_SUCCESS;
}

NTSTATUS ExReinitializeResourceLite(ERESOURCE *r)
{
    OWNER_ENTRY *table = r->OwnerTable;
    ExInitializeResourceLite(r);
    if (table) {
        ULONG size = table->TableSize;
        memset(table, 0, size * sizeof *table);
        table->TableSize = size;
        r->OwnerTable = table;
    }
    return STATUS_SUCCESS;
}

NTSTATUS ExDeleteResourceLite(ERESOURCE *r)
{
    sim_access((uint64_t)r, SIM_WRITE);
    if (r->OwnerTable)
        ex_pool_free(r->OwnerTable);
    r->OwnerTable = NULL;
    return STATUS_SUCCESS;
}

BOOLEAN ExIsResourceAcquiredExclusiveLite(ERESOURCE *r)
{
    sim_access((uint64_t)r, SIM_READ);
    return is_exclusive(r) && r->OwnerEntry.OwnerThread == (ULONG_PTR)ex_thread();
}

ULONG ExIsResourceAcquiredSharedLite(ERESOURCE *r)
{
    sim_access((uint64_t)r, SIM_READ);
    const OWNER_ENTRY *own = r->ActiveCount ? owner_find(r, (ULONG_PTR)ex_thread()) : NULL;
    return own ? own->OwnerCount : 0;
}

ULONG ExGetExclusiveWaiterCount(ERESOURCE *r)
{
    return r->NumberOfExclusiveWaiters;
}

ULONG ExGetSharedWaiterCount(ERESOURCE *r)
{
    return r->NumberOfSharedWaiters;
}

void ExDisableResourceBoostLite(ERESOURCE *r)
{
}

/* ---- with a critical region around; they return KTHREAD.Win32Thread, which is NULL for all threads here ---- */

PVOID ExEnterCriticalRegionAndAcquireResourceExclusive(ERESOURCE *r)
{
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(r, TRUE);
    return NULL;
}

PVOID ExEnterCriticalRegionAndAcquireResourceShared(ERESOURCE *r)
{
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(r, TRUE);
    return NULL;
}

PVOID ExEnterCriticalRegionAndAcquireSharedWaitForExclusive(ERESOURCE *r)
{
    KeEnterCriticalRegion();
    ExAcquireSharedWaitForExclusive(r, TRUE);
    return NULL;
}

void ExReleaseResourceAndLeaveCriticalRegion(ERESOURCE *r)
{
    ExReleaseResourceLite(r);
    KeLeaveCriticalRegion();
}
