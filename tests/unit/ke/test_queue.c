/* Fast mutexes, queues, device queues. */
#include "ke_fixture.h"

static FAST_MUTEX mutex;
static KQUEUE queue;
static LIST_ENTRY entries[4];
static KEVENT event;

/* ---- fast and guarded mutexes ---- */

static void hold_fast(void *arg)
{
    ExAcquireFastMutex(&mutex);
    assert_int_equal(KeGetCurrentIrql(), APC_LEVEL);
    assert_ptr_equal(mutex.Owner, ke_kthread());
    note("hold");
    sim_yield();
    sim_yield();
    ExReleaseFastMutex(&mutex);
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    note("released");
}
static void try_fast(void *arg)
{
    assert_false(ExTryToAcquireFastMutex(&mutex));
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    ExAcquireFastMutex(&mutex);
    note("next");
    ExReleaseFastMutex(&mutex);
    assert_true(ExTryToAcquireFastMutex(&mutex));
    assert_int_equal(KeGetCurrentIrql(), APC_LEVEL);
    ExReleaseFastMutex(&mutex);
}
static void a_fast_mutex_is_held_at_apc_level(void **state)
{
    ExInitializeFastMutex(&mutex);
    spawn(hold_fast);
    spawn(try_fast);
    run_to_end("hold released next");
    assert_int_equal(mutex.Count, 1);
    assert_int_equal(mutex.Contention, 1);
}

static void barge(void *arg)
{
    ExAcquireFastMutexUnsafe(&mutex);
    note("a");
    sim_yield(); /* the other one begins to wait */
    ExReleaseFastMutexUnsafe(&mutex); /* wakes it; we go on */
    ExAcquireFastMutexUnsafe(&mutex);
    note("a");
    sim_yield(); /* it tries and waits again */
    ExReleaseFastMutexUnsafe(&mutex);
}
static void wait_longer(void *arg)
{
    ExAcquireFastMutexUnsafe(&mutex);
    note("b");
    ExReleaseFastMutexUnsafe(&mutex);
}
static void a_released_mutex_may_be_taken_before_the_waiter_runs(void **state)
{
    ExInitializeFastMutex(&mutex);
    spawn(barge);
    spawn(wait_longer);
    run_to_end("a a b");
    assert_int_equal(mutex.Count, 1);
}

static void hold_guarded(void *arg)
{
    KeAcquireGuardedMutex(&mutex);
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    assert_true(KeAreAllApcsDisabled());
    KeReleaseGuardedMutex(&mutex);
    assert_false(KeAreAllApcsDisabled());
    assert_true(KeTryToAcquireGuardedMutex(&mutex));
    assert_false(KeTryToAcquireGuardedMutex(&mutex));
    KeReleaseGuardedMutex(&mutex);
    assert_int_equal(ke_kthread()->SpecialApcDisable, 0);
    note("end");
}
static void a_guarded_mutex_is_a_guarded_region(void **state)
{
    KeInitializeGuardedMutex(&mutex);
    spawn(hold_guarded);
    run_to_end("end");
}

/* ---- KQUEUE ---- */

static void note_entry(LIST_ENTRY *e)
{
    char name[2] = { (char)('0' + (e - entries)), 0 };
    note(e >= entries && e < entries + 4 ? name : (LONG_PTR)e == STATUS_TIMEOUT ? "timeout" : (LONG_PTR)e == STATUS_ABANDONED ? "abandoned" : "?");
}

static void serve_a(void *arg)
{
    note_entry(KeRemoveQueue(&queue, KernelMode, NULL));
    note("a");
    sim_yield();
    note_entry(KeRemoveQueue(&queue, KernelMode, milliseconds(10)));
    note("a");
}
static void serve_b(void *arg)
{
    note_entry(KeRemoveQueue(&queue, KernelMode, NULL));
    note("b");
}
static void insert(void *arg)
{
    assert_int_equal(KeInsertQueue(&queue, &entries[0]), 0);
    assert_int_equal(KeInsertQueue(&queue, &entries[1]), 0);
    assert_int_equal(KeReadStateQueue(&queue), 0);
    note("inserted");
}
static void the_last_waiter_is_served_first(void **state)
{
    KeInitializeQueue(&queue, 2);
    spawn(serve_a);
    spawn(serve_b);
    spawn(insert);
    run_to_end("inserted 1 a 0 b timeout a");
    assert_int_equal(queue.CurrentCount, 0);
    assert_true(list_empty(&queue.ThreadListHead));
}

static void insert_for_one(void *arg)
{
    KeInsertQueue(&queue, &entries[0]);
    assert_int_equal(KeInsertQueue(&queue, &entries[1]), 0); /* there is a waiter, but one runs already */
    assert_int_equal(KeReadStateQueue(&queue), 1);
    assert_int_equal(queue.CurrentCount, 1);
}
static void serve_and_wait(void *arg)
{
    note_entry(KeRemoveQueue(&queue, KernelMode, NULL));
    wait_for(&event); /* lets the other one in */
    note("woken");
}
static void set_event_later(void *arg)
{
    KeDelayExecutionThread(KernelMode, FALSE, milliseconds(5));
    KeSetEvent(&event, 0, FALSE);
}
static void a_queue_limits_who_runs(void **state)
{
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeInitializeQueue(&queue, 1);
    spawn(serve_and_wait);
    spawn(serve_and_wait);
    spawn(insert_for_one);
    spawn(set_event_later);
    run_to_end("0 1 woken woken");
    assert_int_equal(queue.CurrentCount, 0);
}

static void heads_first(void *arg)
{
    KeInsertQueue(&queue, &entries[0]);
    KeInsertQueue(&queue, &entries[1]);
    KeInsertHeadQueue(&queue, &entries[2]);
    note_entry(KeRemoveQueue(&queue, KernelMode, NULL));
    note_entry(KeRemoveQueue(&queue, KernelMode, milliseconds(0)));
    LIST_ENTRY *first = KeRundownQueue(&queue);
    assert_ptr_equal(first, &entries[1]);
    assert_ptr_equal(first->Flink, first);
    note_entry(KeRemoveQueue(&queue, KernelMode, milliseconds(0)));
    assert_int_equal(queue.CurrentCount, 1);
}
static void rundown_empties_a_queue(void **state)
{
    KeInitializeQueue(&queue, 1);
    spawn(heads_first);
    run_to_end("2 0 timeout");
    machine_make(1);
    KeInitializeQueue(&queue, 0);
    spawn(serve_b);
    struct thread *t = spawn(serve_b);
    assert_int_equal(fixture_run(), RUN_DEADLOCK);
    assert_true(t->waiting);
    assert_int_equal(t->ethread->Tcb.WaitReason, WrQueue);
}

/* ---- device queues ---- */

static void a_device_queue_tells_who_may_start(void **state)
{
    KDEVICE_QUEUE q;
    KDEVICE_QUEUE_ENTRY e[4];
    KeInitializeDeviceQueue(&q);
    assert_false(KeInsertDeviceQueue(&q, &e[0]));
    assert_true(KeInsertByKeyDeviceQueue(&q, &e[1], 30));
    assert_true(KeInsertByKeyDeviceQueue(&q, &e[2], 10));
    assert_true(KeInsertByKeyDeviceQueue(&q, &e[3], 20));
    assert_true(KeRemoveEntryDeviceQueue(&q, &e[3]));
    assert_false(KeRemoveEntryDeviceQueue(&q, &e[3]));
    assert_true(KeInsertByKeyDeviceQueue(&q, &e[3], 20));
    assert_ptr_equal(KeRemoveByKeyDeviceQueue(&q, 15), &e[3]);
    assert_ptr_equal(KeRemoveByKeyDeviceQueue(&q, 40), &e[2]);
    assert_ptr_equal(KeRemoveDeviceQueue(&q), &e[1]);
    assert_true(q.Busy);
    assert_null(KeRemoveByKeyDeviceQueueIfBusy(&q, 0));
    assert_false(q.Busy);
    assert_null(KeRemoveByKeyDeviceQueueIfBusy(&q, 0));
    assert_false(KeInsertDeviceQueue(&q, &e[0]));
}

#define T(name) cmocka_unit_test_setup(name, one_processor)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_fast_mutex_is_held_at_apc_level), T(a_released_mutex_may_be_taken_before_the_waiter_runs), T(a_guarded_mutex_is_a_guarded_region),
        T(the_last_waiter_is_served_first), T(a_queue_limits_who_runs), T(rundown_empties_a_queue), T(a_device_queue_tells_who_may_start),
    };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
