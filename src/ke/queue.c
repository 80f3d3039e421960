/* KQUEUE: a list of entries served by a limited number of running threads.
 *
 * A thread belongs to the queue it last asked (KTHREAD.Queue). CurrentCount is how many of them run; when one waits for something
 * else another may be let in. Waiting threads are served last in, first out; an entry is handed over by whoever inserts it.
 * Waiters are in the header's wait list, members in ThreadListHead. SignalState is the number of entries. */
#include "ke/private.h"
#include "sim/access.h"

static KTHREAD *last_waiter(KQUEUE *q)
{
    LIST_ENTRY *head = &q->Header.WaitListHead;
    return list_empty(head) ? NULL : LIST_ITEM(head->Blink, KWAIT_BLOCK, WaitListEntry)->Thread;
}

static LIST_ENTRY *pop(KQUEUE *q)
{
    LIST_ENTRY *e = q->EntryListHead.Flink;
    list_remove(e);
    e->Flink = NULL; /* GUESS: NT marks an entry that is in no list so */
    q->Header.SignalState--;
    return e;
}

/* Lets a waiting thread in if there is work and room for it. */
static void activate(KQUEUE *q)
{
    KTHREAD *k = last_waiter(q);
    if (k && !list_empty(&q->EntryListHead) && q->CurrentCount < q->MaximumCount)
        ke_unwait(k, (LONG_PTR)pop(q));
}

void KeInitializeQueue(KQUEUE *q, ULONG count)
{
    ke_header_init(&q->Header, QueueObject, sizeof *q, 0);
    list_init(&q->EntryListHead);
    list_init(&q->ThreadListHead);
    q->CurrentCount = 0;
    q->MaximumCount = count ? count : MACHINE->processor_count;
}

LONG KeReadStateQueue(KQUEUE *q)
{
    sim_access((uint64_t)q, SIM_READ);
    return q->Header.SignalState;
}

static LONG insert(KQUEUE *q, LIST_ENTRY *entry, bool at_head)
{
    sim_access((uint64_t)q, SIM_WRITE);
    LONG before = q->Header.SignalState;
    KTHREAD *k = last_waiter(q);
    /* DOC: the inserting thread, if it belongs to the queue and is about to wait there, counts as running: CurrentCount says so */
    if (k && q->CurrentCount < q->MaximumCount && list_empty(&q->EntryListHead)) {
        entry->Flink = NULL;
        ke_unwait(k, (LONG_PTR)entry);
    } else {
        list_insert_before(at_head ? q->EntryListHead.Flink : &q->EntryListHead, entry);
        q->Header.SignalState++;
    }
    ke_woken_point(q);
    return before;
}

LONG KeInsertQueue(KQUEUE *q, LIST_ENTRY *entry)
{
    return insert(q, entry, false);
}

LONG KeInsertHeadQueue(KQUEUE *q, LIST_ENTRY *entry)
{
    return insert(q, entry, true);
}

void ke_queue_thread_waits(KTHREAD *k)
{
    if (!k->Queue)
        return;
    sim_access((uint64_t)k->Queue, SIM_WRITE);
    k->Queue->CurrentCount--;
    activate(k->Queue);
}

void ke_queue_thread_runs(KTHREAD *k)
{
    if (!k->Queue)
        return;
    sim_access((uint64_t)k->Queue, SIM_WRITE);
    k->Queue->CurrentCount++;
}

void ke_queue_leave(KTHREAD *k)
{
    KQUEUE *q = k->Queue;
    if (!q)
        return;
    sim_access((uint64_t)q, SIM_WRITE);
    list_remove(&k->QueueListEntry);
    k->Queue = NULL;
    q->CurrentCount--;
    activate(q);
}

/* The asking thread is one of those that CurrentCount counts. */
bool ke_queue_take(KQUEUE *q, LIST_ENTRY **entry)
{
    sim_access((uint64_t)q, SIM_WRITE);
    if (list_empty(&q->EntryListHead) || q->CurrentCount > q->MaximumCount)
        return false;
    *entry = pop(q);
    return true;
}

/* The current thread belongs to the queue from now on and counts as running. */
static void join(KQUEUE *q, KTHREAD *k)
{
    if (k->Queue == q)
        return;
    ke_queue_leave(k);
    k->Queue = q;
    list_append(&q->ThreadListHead, &k->QueueListEntry);
    q->CurrentCount++;
}

static LONG_PTR remove_one(KQUEUE *q, ULONG mode, bool alertable, LARGE_INTEGER *timeout)
{
    KTHREAD *k = ke_kthread();
    PVOID object = q;
    struct ke_wait w = { .count = 1, .objects = &object, .type = WaitAny, .reason = WrQueue, .mode = mode & 1, .alertable = alertable };
    w.blocks = k->WaitBlock;
    w.why = "queue";
    w.queue = true;
    ke_wait_timeout(&w, timeout);
    join(q, k);
    return ke_wait_run(&w);
}

LIST_ENTRY *KeRemoveQueue(KQUEUE *q, ULONG mode, LARGE_INTEGER *timeout)
{
    return (LIST_ENTRY *)remove_one(q, mode, false, timeout);
}

ULONG KeRemoveQueueEx(KQUEUE *q, ULONG mode, ULONG alertable, LARGE_INTEGER *timeout, LIST_ENTRY **entries, ULONG count)
{
    LONG_PTR first = remove_one(q, mode, (UCHAR)alertable, timeout);
    if (first >= 0 && first < 0x10000) {
        entries[0] = (LIST_ENTRY *)first;
        return first == STATUS_TIMEOUT ? STATUS_TIMEOUT : (ULONG)first;
    }
    ULONG n = 0;
    entries[n++] = (LIST_ENTRY *)first;
    while (n < count && !list_empty(&q->EntryListHead))
        entries[n++] = pop(q);
    return n;
}

/* Waiters go on with STATUS_ABANDONED; returns the entries as a list without head. */
LIST_ENTRY *KeRundownQueue(KQUEUE *q)
{
    sim_access((uint64_t)q, SIM_WRITE);
    LIST_ENTRY *first = list_empty(&q->EntryListHead) ? NULL : q->EntryListHead.Flink;
    if (first)
        list_remove(&q->EntryListHead);
    list_init(&q->EntryListHead);
    q->Header.SignalState = 0;
    for (KTHREAD *k = last_waiter(q); k; k = last_waiter(q))
        ke_unwait(k, STATUS_ABANDONED);
    while (!list_empty(&q->ThreadListHead)) {
        KTHREAD *k = LIST_ITEM(q->ThreadListHead.Flink, KTHREAD, QueueListEntry);
        list_remove(&k->QueueListEntry);
        k->Queue = NULL;
    }
    q->CurrentCount = 0;
    ke_woken_point(q);
    return first;
}
