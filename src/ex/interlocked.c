/* Lists and counters under a spin lock of the caller's, and sequenced singly linked lists.
 *
 * An operation is one step here, so the lock itself is never seen held; it is only respected, because drivers may hold it around
 * plain list code. */
#include "ex/room.h"
#include "ex/slist.h"
#include "sim/access.h"

static void await_lock(KSPIN_LOCK *lock)
{
    while (*lock & 1)
        sim_spin(lock, "spin lock");
}

LIST_ENTRY *ExInterlockedInsertHeadList(LIST_ENTRY *head, LIST_ENTRY *e, KSPIN_LOCK *lock)
{
    await_lock(lock);
    sim_access((uint64_t)head, SIM_WRITE);
    LIST_ENTRY *first = head->Flink;
    e->Flink = first;
    e->Blink = head;
    first->Blink = e;
    head->Flink = e;
    return first == head ? NULL : first;
}

LIST_ENTRY *ExInterlockedInsertTailList(LIST_ENTRY *head, LIST_ENTRY *e, KSPIN_LOCK *lock)
{
    await_lock(lock);
    sim_access((uint64_t)head, SIM_WRITE);
    LIST_ENTRY *last = head->Blink;
    e->Flink = head;
    e->Blink = last;
    last->Flink = e;
    head->Blink = e;
    return last == head ? NULL : last;
}

LIST_ENTRY *ExInterlockedRemoveHeadList(LIST_ENTRY *head, KSPIN_LOCK *lock)
{
    await_lock(lock);
    sim_access((uint64_t)head, SIM_WRITE);
    LIST_ENTRY *first = head->Flink;
    if (first == head)
        return NULL;
    LIST_ENTRY *next = first->Flink;
    next->Blink = head;
    head->Flink = next;
    return first;
}

SINGLE_LIST_ENTRY *ExInterlockedPushEntryList(SINGLE_LIST_ENTRY *head, SINGLE_LIST_ENTRY *e, KSPIN_LOCK *lock)
{
    await_lock(lock);
    sim_access((uint64_t)head, SIM_WRITE);
    SINGLE_LIST_ENTRY *first = head->Next;
    e->Next = first;
    head->Next = e;
    return first;
}

SINGLE_LIST_ENTRY *ExInterlockedPopEntryList(SINGLE_LIST_ENTRY *head, KSPIN_LOCK *lock)
{
    await_lock(lock);
    sim_access((uint64_t)head, SIM_WRITE);
    SINGLE_LIST_ENTRY *first = head->Next;
    if (first)
        head->Next = first->Next;
    return first;
}

ULONG ExInterlockedAddUlong(ULONG *addend, ULONG increment, KSPIN_LOCK *lock)
{
    await_lock(lock);
    sim_access((uint64_t)addend, SIM_WRITE);
    ULONG before = *addend;
    *addend = before + increment;
    return before;
}

ULONGLONG ExInterlockedAddLargeInteger(ULONGLONG *addend, ULONGLONG increment, KSPIN_LOCK *lock)
{
    await_lock(lock);
    sim_access((uint64_t)addend, SIM_WRITE);
    ULONGLONG before = *addend;
    *addend = before + increment;
    return before;
}

/* ---- sequenced lists ---- */

static SLIST_ENTRY *first_of(const SLIST_HEADER *h)
{
    return (SLIST_ENTRY *)((uint64_t)h->HeaderX64.NextEntry << 4);
}

/* The lists of lookaside lists are pool: what they give out depends on nobody (see lookaside.c), so they are no points. */
static void slist_point(const SLIST_HEADER *h)
{
    if (ex_is_lookaside(h))
        return;
    sim_point((uint64_t)h);
    sim_access((uint64_t)h, SIM_WRITE);
}

void InitializeSListHead(SLIST_HEADER *h)
{
    h->Alignment = h->Region = 0;
}

SLIST_ENTRY *ExpInterlockedPushEntrySList(SLIST_HEADER *h, SLIST_ENTRY *e)
{
    slist_point(h);
    SLIST_ENTRY *first = first_of(h);
    e->Next = first;
    h->HeaderX64.NextEntry = (uint64_t)e >> 4;
    h->HeaderX64.Depth++;
    h->HeaderX64.Sequence++;
    return first;
}

SLIST_ENTRY *ExpInterlockedPopEntrySList(SLIST_HEADER *h)
{
    slist_point(h);
    SLIST_ENTRY *first = first_of(h);
    if (!first)
        return NULL;
    SLIST_ENTRY *next = first->Next;
    h->HeaderX64.NextEntry = (uint64_t)next >> 4;
    h->HeaderX64.Depth--;
    h->HeaderX64.Sequence++;
    return first;
}

SLIST_ENTRY *ExpInterlockedFlushSList(SLIST_HEADER *h)
{
    slist_point(h);
    SLIST_ENTRY *first = first_of(h);
    h->HeaderX64.NextEntry = 0;
    h->HeaderX64.Depth = 0;
    h->HeaderX64.Sequence++;
    return first;
}

USHORT ExQueryDepthSList(SLIST_HEADER *h)
{
    slist_point(h);
    return (USHORT)h->HeaderX64.Depth;
}

SLIST_ENTRY *RtlFirstEntrySList(SLIST_HEADER *h)
{
    slist_point(h);
    return first_of(h);
}

/* Forms with a lock argument, from the time before cmpxchg16b. */
SLIST_ENTRY *ExInterlockedPushEntrySList(SLIST_HEADER *h, SLIST_ENTRY *e, KSPIN_LOCK *lock)
{
    return ExpInterlockedPushEntrySList(h, e);
}

SLIST_ENTRY *ExInterlockedPopEntrySList(SLIST_HEADER *h, KSPIN_LOCK *lock)
{
    return ExpInterlockedPopEntrySList(h);
}
