/* System worker queues: Critical, Delayed (normal) and HyperCritical, each with threads of its own.
 *
 * The order of a queue and the host side of its items are private (struct entry); the items themselves are guest memory,
 * linked through List as in NT, so that a freed or overwritten item is met as it would be there. An item is off the queue
 * (Flink NULL) before its routine runs: the routine may queue or free it.
 *
 * Workers wait while their queue is empty. NT adds a thread to a queue that makes no progress for a second because all of
 * its threads are blocked; here a step of the clock does (sim_idle_hook). */
#include "ex/work.h"

#include "ex/room.h"
#include "mm/mm.h"
#include "nt/bugcheck.h"
#include "ps/ps.h"
#include "sim/access.h"
#include "sim/door.h"
#include "trace/trace.h"

enum { QUEUES = 3, MAX_DYNAMIC = 16, WORK_TAG = 0x6B577845, CORRUPT_LIST_ENTRY = 3, BALANCE_100NS = 10000000 };

struct entry {
    WORK_QUEUE_ITEM *item;
    void (*fn)(void *); /* host work; NULL: item->WorkerRoutine */
    void *context;
    struct entry *next;
};

struct queue {
    LIST_ENTRY *head; /* guest memory */
    struct entry *first, *last;
    struct worker *workers;
    unsigned dynamic;
    uint64_t stuck_since; /* virtual time; 0: is not */
};

struct worker {
    struct queue *queue;
    struct thread *thread;
    bool idle;
    struct worker *next;
};

struct ex_work {
    struct queue queues[QUEUES];
};

static struct ex_work *work(void)
{
    return ex_room()->work;
}

/* DOC: RealTime and SuperCritical are not for drivers; NormalWorkQueue and BackgroundWorkQueue (Windows 8) are lesser delayed
 * ones; a custom priority is 32 + priority. GUESS: these share the delayed queue's threads. */
static struct queue *queue_of(int type)
{
    return &work()->queues[type == WORK_CRITICAL || type == WORK_HYPER_CRITICAL ? type : WORK_DELAYED];
}

/* ---- the list in the items ---- */

static void link_tail(LIST_ENTRY *head, LIST_ENTRY *e)
{
    LIST_ENTRY *last = head->Blink;
    e->Flink = head;
    e->Blink = last;
    last->Flink = e;
    head->Blink = e;
}

static void unlink_item(LIST_ENTRY *e)
{
    LIST_ENTRY *next = e->Flink, *previous = e->Blink;
    if (!next || next->Blink != e || previous->Flink != e)
        KeBugCheckEx(KERNEL_SECURITY_CHECK_FAILURE, CORRUPT_LIST_ENTRY, (uint64_t)e, 0, 0);
    previous->Flink = next;
    next->Blink = previous;
    e->Flink = NULL;
}

/* What sim_idle_hook and sim_timer_hook were: ke's. Constants of the process. */
static bool (*next_idle_hook)(void), (*next_timer_hook)(void);

/* ---- workers ---- */

static struct entry take(struct queue *q)
{
    sim_access_order((uint64_t)q->head, SIM_WRITE);
    struct entry *first = q->first, e = *first;
    sim_access((uint64_t)e.item, SIM_WRITE);
    unlink_item(&e.item->List);
    q->first = e.next;
    if (!q->first)
        q->last = NULL;
    sim_free(first, sizeof *first);
    return e;
}

static void run(const struct entry *e)
{
    PVOID routine = e->item->WorkerRoutine, parameter = e->item->Parameter;
    WORK_QUEUE_ITEM *item = e->item;
    if (e->fn) {
        struct guest_mark mark = guest_frame_push(FRAME_ExpWorkerThread);
        e->fn(e->context);
        guest_frame_pop(mark);
    } else {
        trace_event(TRACE_WORK_RUN, (uint64_t)item, (uint64_t)routine, (uint64_t)parameter, 0);
        guest_call(FRAME_ExpWorkerThread, routine, 1, (uint64_t)parameter);
        trace_event(TRACE_WORK_DONE, (uint64_t)item, (uint64_t)routine, 0, 0);
    }
    if (sim_irql() != PASSIVE_LEVEL)
        KeBugCheckEx(WORKER_THREAD_RETURNED_AT_BAD_IRQL, (uint64_t)routine, sim_irql(), (uint64_t)parameter, (uint64_t)item);
}

static void worker_main(void *arg)
{
    struct worker *w = arg;
    for (;;) {
        sim_access_order((uint64_t)w->queue->head, SIM_READ);
        while (!w->queue->first) {
            sim_access_order((uint64_t)w->queue->head, SIM_WRITE); /* who queues wakes the first that is idle */
            w->idle = true;
            sim_block("a work item", (uint64_t)w->queue->head);
            w->idle = false;
            sim_access_order((uint64_t)w->queue->head, SIM_WRITE);
        }
        struct entry e = take(w->queue);
        run(&e);
        sim_point((uint64_t)w->queue->head);
    }
}

static void worker_add(struct queue *q, const char *name)
{
    struct worker *w = sim_alloc(sizeof *w), **at = &q->workers;
    w->queue = q;
    while (*at)
        at = &(*at)->next;
    *at = w;
    w->thread = ps_create_host_thread(worker_main, w, name);
    w->thread->is_worker = true;
}

static bool idle(void);
static bool timer_waits(void);

void ex_work_init(void)
{
    if (sim_idle_hook != idle) {
        next_idle_hook = sim_idle_hook;
        next_timer_hook = sim_timer_hook;
    }
    sim_idle_hook = idle;
    sim_timer_hook = timer_waits;
    struct ex_work *r = sim_alloc(sizeof *r);
    ex_room()->work = r;
    LIST_ENTRY *heads = ex_pool_alloc(NonPagedPoolNx, QUEUES * sizeof *heads, WORK_TAG);
    for (int i = 0; i < QUEUES; i++) {
        heads[i].Flink = heads[i].Blink = &heads[i];
        r->queues[i].head = &heads[i];
    }
    worker_add(&r->queues[WORK_DELAYED], "delayed worker 1");
    worker_add(&r->queues[WORK_DELAYED], "delayed worker 2");
    worker_add(&r->queues[WORK_CRITICAL], "critical worker");
    worker_add(&r->queues[WORK_HYPER_CRITICAL], "hyper-critical worker");
}

static bool is_stuck(const struct queue *q)
{
    if (!q->first || q->dynamic == MAX_DYNAMIC)
        return false;
    for (const struct worker *w = q->workers; w; w = w->next)
        if (w->thread->agent->state != AGENT_WAITING || w->idle)
            return false;
    return true;
}

static bool balance(bool at_once)
{
    bool added = false;
    uint64_t now = MACHINE->clock_100ns;
    for (int i = 0; work() && i < QUEUES; i++) {
        struct queue *q = &work()->queues[i];
        bool stuck = is_stuck(q), since = q->stuck_since != 0;
        if (stuck && !since)
            q->stuck_since = now;
        if (stuck && (at_once || now - q->stuck_since >= BALANCE_100NS)) {
            q->dynamic++;
            worker_add(q, "dynamic worker");
            added = true;
        }
        if (!stuck || added)
            q->stuck_since = 0;
    }
    return added;
}

static bool timer_waits(void)
{
    for (int i = 0; work() && i < QUEUES; i++)
        if (is_stuck(&work()->queues[i]))
            return true;
    return next_timer_hook();
}

/* A step of the clock. Time goes on first; if there is nothing to wait for, the second passes all the same. */
static bool idle(void)
{
    return balance(false) || next_idle_hook() || balance(true);
}

/* ---- queuing ---- */

static void check_not_queued(const WORK_QUEUE_ITEM *item)
{
    sim_access((uint64_t)item, SIM_READ);
    if (!item->List.Flink)
        return;
    for (int i = 0; i < QUEUES; i++)
        for (const struct entry *e = work()->queues[i].first; e; e = e->next)
            if (e->item == item)
                KeBugCheckEx(WORKER_INVALID, 1, (uint64_t)item, 0, 0);
}

static void put(WORK_QUEUE_ITEM *item, void (*fn)(void *), void *context, int type)
{
    struct queue *q = queue_of(type);
    sim_access_order((uint64_t)q->head, SIM_WRITE);
    sim_access((uint64_t)item, SIM_WRITE);
    link_tail(q->head, &item->List);
    struct entry *e = sim_alloc(sizeof *e);
    *e = (struct entry) { .item = item, .fn = fn, .context = context };
    if (q->last)
        q->last->next = e;
    else
        q->first = e;
    q->last = e;
    for (struct worker *w = q->workers; w; w = w->next)
        if (w->idle && w->thread->agent->state == AGENT_WAITING) {
            sim_ready(w->thread->agent);
            return;
        }
}

void ex_work_queue_host(WORK_QUEUE_ITEM *item, void (*fn)(void *), void *context, int queue)
{
    check_not_queued(item);
    item->WorkerRoutine = (PVOID)door_frame_site(FRAME_IopProcessWorkItem);
    item->Parameter = context;
    put(item, fn, context, queue);
}

void ExQueueWorkItem(WORK_QUEUE_ITEM *item, ULONG type)
{
    check_not_queued(item);
    if ((uint64_t)item->WorkerRoutine < KERNEL_BASE && !machine_foreign_image((uint64_t)item->WorkerRoutine))
        KeBugCheckEx(INVALID_WORK_QUEUE_ITEM, (uint64_t)item->List.Flink, (uint64_t)queue_of((int)type)->head, 0, (uint64_t)item->WorkerRoutine);
    trace_event(TRACE_WORK_QUEUE, (uint64_t)item, (uint64_t)item->WorkerRoutine, (uint64_t)item->Parameter, type);
    put(item, NULL, NULL, (int)type);
}
