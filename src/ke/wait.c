/* Waits: KeWaitForSingleObject, KeWaitForMultipleObjects, KeDelayExecutionThread, and how they end.
 *
 * The state of a wait lies where NT keeps it: wait blocks (of the KTHREAD or the caller's array) in the lists of the objects,
 * KTHREAD.Timer for the time-out with WaitBlock[3] in its list, WaitStatus, WaitMode, Alertable, WaitIrql.
 *
 * Invariants: a thread is in lists exactly while its State is Waiting. Who signals hands over: the object is consumed on behalf of
 * the first waiter that can have it, before anybody else runs. A wait-all acquires everything at once or nothing.
 *
 * A kernel APC ends the wait with STATUS_KERNEL_APC; the waiter runs the APC and waits again, last in the lists, until
 * the same deadline. */
#include "ke/private.h"
#include "sim/access.h"
#include "trace/trace.h"

void ke_header_init(DISPATCHER_HEADER *h, unsigned type, size_t bytes, LONG state)
{
    h->Type = (UCHAR)type;
    h->Signalling = 0;
    h->Size = (UCHAR)(bytes / 4);
    h->DpcActive = 0;
    h->SignalState = state;
    list_init(&h->WaitListHead);
}

/* ---- objects ---- */

/* The agent whose end made a thread object signalled; NULL: another object. */
static const struct agent *ended_thread(const DISPATCHER_HEADER *h)
{
    if (h->Type != ThreadObject || h->SignalState <= 0)
        return NULL;
    for (uint32_t i = MACHINE->agent_count; i-- > 0;)
        if (MACHINE->agents[i]->thread_object == h)
            return MACHINE->agents[i];
    return NULL;
}

/* Waits without limit for the ends of threads alone cannot come before these. True: all have ended, and that is told. */
static bool joins(const struct ke_wait *w)
{
    if (w->timed || w->queue || !w->count || (w->count > 1 && w->type != WaitAll))
        return false;
    for (ULONG i = 0; i < w->count; i++)
        if (!ended_thread(w->objects[i]))
            return false;
    for (ULONG i = 0; i < w->count; i++)
        sim_join(ended_thread(w->objects[i]));
    return true;
}

static bool can_have(const DISPATCHER_HEADER *h, const KTHREAD *k)
{
    sim_access((uint64_t)h, SIM_READ);
    if (h->Type == MutantObject)
        return ke_mutant_free_for((const KMUTANT *)h, k);
    return h->SignalState > 0;
}

/* Takes what a satisfied wait takes. Returns STATUS_ABANDONED for an abandoned mutant. */
static NTSTATUS consume(DISPATCHER_HEADER *h, KTHREAD *k)
{
    switch (h->Type) {
    case EventSynchronizationObject:
    case TimerSynchronizationObject:
    case GateObject:
        sim_access((uint64_t)h, SIM_WRITE);
        h->SignalState = 0;
        break;
    case SemaphoreObject:
        sim_access((uint64_t)h, SIM_WRITE);
        h->SignalState--;
        break;
    case MutantObject:
        sim_access((uint64_t)h, SIM_WRITE);
        return ke_mutant_take((KMUTANT *)h, k);
    default: /* stays as it is */
        sim_access((uint64_t)h, SIM_READ);
        break;
    }
    return STATUS_SUCCESS;
}

static bool can_have_all(ULONG count, PVOID *objects, const KTHREAD *k)
{
    for (ULONG i = 0; i < count; i++)
        if (!can_have(objects[i], k))
            return false;
    return true;
}

static const char *words_for(const DISPATCHER_HEADER *h)
{
    static const char *const words[] = {
        [EventNotificationObject] = "event", [EventSynchronizationObject] = "synchronization event", [MutantObject] = "mutex",
        [ProcessObject] = "process", [QueueObject] = "queue", [SemaphoreObject] = "semaphore", [ThreadObject] = "thread",
        [GateObject] = "gate", [TimerNotificationObject] = "timer", [TimerSynchronizationObject] = "synchronization timer",
    };
    return h->Type < sizeof words / sizeof *words && words[h->Type] ? words[h->Type] : "object";
}

/* ---- ending a wait ---- */

static void block_unlink(KWAIT_BLOCK *b)
{
    if (b->BlockState != BLOCK_ACTIVE)
        return;
    sim_access((uint64_t)b->Object, SIM_WRITE);
    list_remove(&b->WaitListEntry);
    b->BlockState = BLOCK_INACTIVE;
}

void ke_unwait(KTHREAD *k, LONG_PTR status)
{
    IR_ASSERT(k->State == Waiting);
    sim_access((uint64_t)k, SIM_WRITE);
    for (unsigned i = 0; i < k->WaitBlockCount; i++)
        block_unlink(&k->WaitBlockList[i]);
    block_unlink(&k->WaitBlock[TIMER_BLOCK]);
    ke_timer_remove(&k->Timer);
    k->WaitStatus = status;
    k->State = Ready;
    struct thread *t = ps_thread_of(k);
    IR_ASSERT(t);
    t->waiting = false;
    sim_ready(t->agent);
    ke_room()->woke = true;
    ke_queue_thread_runs(k);
}

static bool satisfy_all_of(KTHREAD *k)
{
    bool abandoned = false;
    for (unsigned i = 0; i < k->WaitBlockCount; i++)
        if (!can_have(k->WaitBlockList[i].Object, k))
            return false;
    for (unsigned i = 0; i < k->WaitBlockCount; i++)
        abandoned |= consume(k->WaitBlockList[i].Object, k) == STATUS_ABANDONED;
    ke_unwait(k, abandoned ? STATUS_ABANDONED_WAIT_0 : STATUS_WAIT_0);
    return true;
}

/* Tries to end the wait that this block belongs to. The block may be what a stack frame left that is gone: whatever it points to, the
 * processor says (the sanitizer would say it first). */
__attribute__((no_sanitize("undefined"))) static bool satisfy(KWAIT_BLOCK *b)
{
    KTHREAD *k = b->Thread;
    if (b->WaitType == WaitAll)
        return satisfy_all_of(k);
    if (!can_have(b->Object, k))
        return false;
    NTSTATUS s = consume(b->Object, k) == STATUS_ABANDONED ? STATUS_ABANDONED : STATUS_SUCCESS;
    ke_unwait(k, (NTSTATUS)((ULONG)s + b->WaitKey));
    return true;
}

void ke_wait_test(DISPATCHER_HEADER *object)
{
    LIST_ENTRY *e = object->WaitListHead.Flink;
    while (object->SignalState > 0 && e != &object->WaitListHead) {
        if (satisfy(LIST_ITEM(e, KWAIT_BLOCK, WaitListEntry)))
            e = object->WaitListHead.Flink; /* that thread's other blocks have left the list too */
        else
            e = e->Flink;
    }
}

void ke_woken_point(const void *object)
{
    struct ke_room *r = ke_room();
    if (!r->woke)
        return;
    r->woke = false;
    if (MACHINE->fiber)
        sim_point((uint64_t)object);
}

/* ---- waiting ---- */

static bool try_satisfy(const struct ke_wait *w, KTHREAD *k, LONG_PTR *status)
{
    if (w->queue)
        return ke_queue_take(w->objects[0], (LIST_ENTRY **)status);
    if (w->type == WaitAll) {
        if (!can_have_all(w->count, w->objects, k))
            return false;
        bool abandoned = false;
        for (ULONG i = 0; i < w->count; i++)
            abandoned |= consume(w->objects[i], k) == STATUS_ABANDONED;
        *status = abandoned ? STATUS_ABANDONED_WAIT_0 : STATUS_WAIT_0;
        return true;
    }
    for (ULONG i = 0; i < w->count; i++) {
        if (!can_have(w->objects[i], k))
            continue;
        NTSTATUS s = consume(w->objects[i], k) == STATUS_ABANDONED ? STATUS_ABANDONED : STATUS_SUCCESS;
        *status = (NTSTATUS)((ULONG)s + i);
        return true;
    }
    return false;
}

/* Alerts and user APCs that end a wait before it begins; STATUS_WAIT_0 = none.
 * DOC: disabled kernel APCs hold back user APCs and thread termination too.
 * GUESS: a user APC ends a wait in UserMode only; the documentation of alertable kernel-mode waits can be read otherwise. */
static NTSTATUS alert_test(const struct ke_wait *w, KTHREAD *k)
{
    if (w->alertable || w->mode == UserMode)
        sim_access((uint64_t)k, SIM_READ);
    bool user = w->mode == UserMode && !k->CombinedApcDisable;
    if (w->alertable) {
        if (k->Alerted[w->mode]) {
            k->Alerted[w->mode] = FALSE;
            return STATUS_ALERTED;
        }
        if (user && !list_empty(&k->ApcState.ApcListHead[UserMode])) {
            k->ApcState.UserApcPending = TRUE;
            return STATUS_USER_APC;
        }
        if (k->Alerted[KernelMode]) {
            k->Alerted[KernelMode] = FALSE;
            return STATUS_ALERTED;
        }
    }
    return user && k->ApcState.UserApcPending ? STATUS_USER_APC : STATUS_WAIT_0;
}

/* A processor at DISPATCH_LEVEL cannot switch threads. */
static void check_can_switch(const struct ke_wait *w)
{
    struct agent *a = sim_current();
    if (a->kind == AGENT_DPC)
        KeBugCheckEx(ATTEMPTED_SWITCH_FROM_DPC, (ULONG64)ke_kthread(), 0, a->fiber.guest_sp, 0);
    /* GUESS: without the verifier the code of a wait above APC_LEVEL varies; this one is the most common. */
    if (sim_irql() >= DISPATCH_LEVEL)
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, w->count ? (ULONG64)w->objects[0] : 0, sim_irql(), 1, a->fiber.frame_site);
}

static void block_link(KWAIT_BLOCK *b, KTHREAD *k, DISPATCHER_HEADER *object, unsigned type, unsigned key)
{
    b->WaitType = (UCHAR)type;
    b->BlockState = BLOCK_ACTIVE;
    b->WaitKey = (USHORT)key;
    b->Thread = k;
    b->Object = object;
    sim_access((uint64_t)object, SIM_WRITE);
    list_append(&object->WaitListHead, &b->WaitListEntry);
}

static void commit(const struct ke_wait *w, KTHREAD *k)
{
    for (ULONG i = 0; i < w->count; i++)
        block_link(&w->blocks[i], k, w->objects[i], w->type, w->type == WaitAll ? 0 : i);
    k->WaitBlockList = w->blocks;
    k->WaitBlockCount = (UCHAR)w->count;
    if (w->timed) {
        k->Timer.Header.SignalState = 0;
        block_link(&k->WaitBlock[TIMER_BLOCK], k, &k->Timer.Header, WaitAny, STATUS_TIMEOUT);
        ke_timer_insert(&k->Timer, w->deadline);
    }
    k->WaitStatus = STATUS_SUCCESS;
    k->WaitReason = (UCHAR)w->reason;
    k->WaitMode = (KPROCESSOR_MODE)w->mode;
    k->WaitIrql = sim_irql();
    k->MiscFlags = w->alertable ? k->MiscFlags | MISC_ALERTABLE : k->MiscFlags & ~(ULONG)MISC_ALERTABLE;
    k->WaitTime = ke_room()->global->shared.TickCount.LowPart;
    k->State = Waiting;
}

static LONG_PTR wait_once(const struct ke_wait *w, struct thread *t, KTHREAD *k)
{
    commit(w, k);
    ke_queue_thread_waits(k);
    t->waiting = true;
    trace_event(TRACE_WAIT_BLOCK, w->count ? (uint64_t)w->objects[0] : 0, w->count, w->type, w->timed ? w->deadline : 0);
    ke_of(t)->in_wait = true;
    sim_block(w->why, w->count ? (uint64_t)w->objects[0] : 0);
    ke_of(t)->in_wait = false;
    sim_access((uint64_t)k, SIM_READ); /* who ended the wait */
    IR_ASSERT(!t->waiting);
    k->ContextSwitches++;
    trace_event(TRACE_WAIT_DONE, w->count ? (uint64_t)w->objects[0] : 0, (uint64_t)k->WaitStatus, 0, 0);
    k->MiscFlags &= ~(ULONG)MISC_ALERTABLE;
    return k->WaitStatus;
}

/* What can be said without waiting; false: the thread has to wait. */
static bool at_once(const struct ke_wait *w, KTHREAD *k, LONG_PTR *status)
{
    if (joins(w)) {
        *status = STATUS_WAIT_0;
        return true;
    }
    if (try_satisfy(w, k, status))
        return true;
    *status = alert_test(w, k);
    if (*status == STATUS_WAIT_0 && w->timed && w->deadline <= MACHINE->clock_100ns)
        *status = STATUS_TIMEOUT;
    return *status != STATUS_WAIT_0;
}

LONG_PTR ke_wait_run(struct ke_wait *w)
{
    KTHREAD *k = ke_kthread();
    for (;;) {
        ke_deliver_apcs();
        LONG_PTR status;
        if (at_once(w, k, &status))
            return status;
        check_can_switch(w);
        status = wait_once(w, ps_current(), k);
        if (status == STATUS_KERNEL_APC)
            continue; /* a queue's entry is never this: it is an address */
        ke_deliver_apcs();
        return status;
    }
}

void ke_wait_timeout(struct ke_wait *w, const LARGE_INTEGER *timeout)
{
    w->timed = timeout != NULL;
    if (timeout)
        w->deadline = ke_due_time(timeout);
}

NTSTATUS KeWaitForSingleObject(PVOID object, ULONG reason, ULONG mode, ULONG alertable, LARGE_INTEGER *timeout)
{
    struct ke_wait w = { .count = 1, .objects = &object, .type = WaitAny, .reason = reason, .mode = mode & 1, .alertable = (UCHAR)alertable };
    w.blocks = ke_kthread()->WaitBlock;
    w.why = words_for(object);
    ke_wait_timeout(&w, timeout);
    return (NTSTATUS)ke_wait_run(&w);
}

NTSTATUS KeWaitForMutexObject(PVOID object, ULONG reason, ULONG mode, ULONG alertable, LARGE_INTEGER *timeout)
{
    return KeWaitForSingleObject(object, reason, mode, alertable, timeout);
}

NTSTATUS KeWaitForMultipleObjects(ULONG count, PVOID *objects, ULONG type, ULONG reason, ULONG mode, ULONG alertable, LARGE_INTEGER *timeout,
                                  KWAIT_BLOCK *blocks)
{
    if (count > (blocks ? MAXIMUM_WAIT_OBJECTS : THREAD_WAIT_OBJECTS))
        KeBugCheckEx(MAXIMUM_WAIT_OBJECTS_EXCEEDED, 0, 0, 0, 0);
    struct ke_wait w = { .count = count, .type = type, .reason = reason, .mode = mode & 1, .alertable = (UCHAR)alertable };
    PVOID copy[MAXIMUM_WAIT_OBJECTS]; /* the caller's array may change while we wait again after an APC */
    for (ULONG i = 0; i < count; i++)
        copy[i] = objects[i];
    w.objects = copy;
    w.blocks = blocks ? blocks : ke_kthread()->WaitBlock;
    w.why = type == WaitAll ? "all of several objects" : "any of several objects";
    ke_wait_timeout(&w, timeout);
    return (NTSTATUS)ke_wait_run(&w);
}

NTSTATUS KeDelayExecutionThread(ULONG mode, ULONG alertable, LARGE_INTEGER *interval)
{
    struct ke_wait w = { .reason = DelayExecution, .type = WaitAny, .mode = mode & 1, .alertable = (UCHAR)alertable, .why = "delay" };
    w.blocks = ke_kthread()->WaitBlock;
    ke_wait_timeout(&w, interval);
    if (w.deadline <= MACHINE->clock_100ns && sim_irql() < DISPATCH_LEVEL)
        ke_yield(); /* a delay of nothing gives up the rest of the quantum */
    NTSTATUS s = (NTSTATUS)ke_wait_run(&w);
    return s == STATUS_TIMEOUT ? STATUS_SUCCESS : s;
}
