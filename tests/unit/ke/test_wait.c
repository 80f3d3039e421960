/* Waits: hand-over, order, wait-all, time-outs, mutexes, semaphores. */
#include "ke_fixture.h"

static KEVENT event, second;
static KSEMAPHORE semaphore;
static KMUTANT mutex;

static void wait_a(void *arg)
{
    assert_int_equal(wait_for(&event), STATUS_SUCCESS);
    note("a");
}
static void wait_b(void *arg)
{
    assert_int_equal(wait_for(&event), STATUS_SUCCESS);
    note("b");
}

static void set_twice(void *arg)
{
    assert_int_equal(ke_event_set(&event), 0);
    assert_int_equal(KeReadStateEvent(&event), 0); /* already a's */
    assert_int_equal(poll(&event), STATUS_TIMEOUT);
    note("set");
    KeSetEvent(&event, 0, FALSE);
    KeSetEvent(&event, 0, FALSE);
    assert_int_equal(KeReadStateEvent(&event), 1);
    assert_int_equal(KeSetEvent(&event, 0, FALSE), 1);
    assert_int_equal(KeResetEvent(&event), 1);
    assert_int_equal(KeResetEvent(&event), 0);
}

static void a_synchronization_event_is_handed_to_the_first_waiter(void **state)
{
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    spawn(wait_a);
    spawn(wait_b);
    spawn(set_twice);
    run_to_end("set a b");
}

static void set_once(void *arg)
{
    note("set");
    KeSetEvent(&event, 0, FALSE);
    assert_int_equal(KeReadStateEvent(&event), 1);
}
static void pulse(void *arg)
{
    note("pulse");
    KePulseEvent(&event, 0, FALSE);
    assert_int_equal(KeReadStateEvent(&event), 0);
}

static void a_notification_event_wakes_all(void **state)
{
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    spawn(wait_a);
    spawn(wait_b);
    spawn(set_once);
    run_to_end("set a b");
}

static void a_pulse_wakes_those_who_wait(void **state)
{
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    spawn(wait_a);
    spawn(wait_b);
    spawn(pulse);
    run_to_end("pulse a b");
}

static void lost(void *arg)
{
    wait_for(&event);
}
static void a_wait_that_nobody_ends_is_a_deadlock(void **state)
{
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    struct thread *t = spawn(lost);
    assert_int_equal(fixture_run(), RUN_DEADLOCK);
    assert_ptr_equal(ps_threads(), t);
    assert_true(t->waiting);
    KTHREAD *k = &t->ethread->Tcb;
    assert_int_equal(k->State, Waiting);
    assert_int_equal(k->WaitReason, Executive);
    assert_ptr_equal(k->WaitBlockList, k->WaitBlock);
    assert_int_equal(k->WaitBlockCount, 1);
    assert_ptr_equal(k->WaitBlock[0].Object, &event);
    assert_ptr_equal(event.Header.WaitListHead.Flink, &k->WaitBlock[0].WaitListEntry);
    assert_string_equal(t->agent->why, "event");
}

static void wait_all(void *arg)
{
    PVOID both[] = { &event, &second };
    assert_int_equal(KeWaitForMultipleObjects(2, both, WaitAll, Executive, KernelMode, FALSE, NULL, NULL), STATUS_SUCCESS);
    note("all");
}
static void set_both(void *arg)
{
    ke_event_set(&event);
    assert_int_equal(KeReadStateEvent(&event), 1); /* not taken alone */
    note("one");
    assert_int_equal(poll(&event), STATUS_SUCCESS);
    ke_event_set(&second);
    note("other");
    KeSetEvent(&event, 0, FALSE);
    assert_int_equal(KeReadStateEvent(&event), 0);
    assert_int_equal(KeReadStateEvent(&second), 0);
}
static void wait_all_takes_everything_or_nothing(void **state)
{
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    KeInitializeEvent(&second, SynchronizationEvent, FALSE);
    spawn(wait_all);
    spawn(set_both);
    run_to_end("one other all");
}

static void wait_any(void *arg)
{
    PVOID both[] = { &event, &second };
    NTSTATUS s = KeWaitForMultipleObjects(2, both, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);
    assert_int_equal(s, 1);
    assert_true(list_empty(&event.Header.WaitListHead));
    ke_event_set(&event);
    ke_event_set(&second);
    assert_int_equal(KeWaitForMultipleObjects(2, both, WaitAny, Executive, KernelMode, FALSE, NULL, NULL), 0);
    assert_int_equal(KeReadStateEvent(&second), 1);
    note("any");
}
static void set_second(void *arg)
{
    KeSetEvent(&second, 0, FALSE);
}
static void wait_any_tells_which(void **state)
{
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    KeInitializeEvent(&second, SynchronizationEvent, FALSE);
    spawn(wait_any);
    spawn(set_second);
    run_to_end("any");
}

static void a_wait_all_behind_does_not_block_the_next(void **state)
{
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    KeInitializeEvent(&second, SynchronizationEvent, FALSE);
    spawn(wait_all);
    spawn(wait_a);
    spawn(set_once);
    /* the wait-all stays for ever */
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    assert_int_equal(fixture_run(), RUN_DEADLOCK);
    assert_string_equal(log_text, "set a");
}

static void sleeper(void *arg)
{
    uint64_t start = MACHINE->clock_100ns;
    KeDelayExecutionThread(KernelMode, FALSE, milliseconds(30));
    assert_int_equal(MACHINE->clock_100ns - start, 300000);
    note("30");
}
static void times_out(void *arg)
{
    uint64_t start = MACHINE->clock_100ns;
    assert_int_equal(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, milliseconds(20)), STATUS_TIMEOUT);
    assert_int_equal(MACHINE->clock_100ns - start, 200000);
    note("20");
    assert_true(list_empty(&event.Header.WaitListHead));
    LARGE_INTEGER at = { .QuadPart = (LONGLONG)ke_system_time() + 50000 };
    assert_int_equal(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &at), STATUS_TIMEOUT);
    assert_int_equal(MACHINE->clock_100ns - start, 250000);
    note("25");
    at.QuadPart -= 1000;
    assert_int_equal(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &at), STATUS_TIMEOUT);
    assert_int_equal(MACHINE->clock_100ns - start, 250000);
}
static void in_time(void *arg)
{
    assert_int_equal(KeWaitForSingleObject(&second, Executive, KernelMode, FALSE, milliseconds(26)), STATUS_SUCCESS);
    note("second");
    assert_true(ke_timer_first() == NULL || ke_timer_first() != &ke_kthread()->Timer);
}
static void set_after_25(void *arg)
{
    KeDelayExecutionThread(KernelMode, FALSE, milliseconds(25));
    KeSetEvent(&second, 0, FALSE);
}
static void time_goes_to_the_next_time_out(void **state)
{
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    KeInitializeEvent(&second, SynchronizationEvent, FALSE);
    spawn(sleeper);
    spawn(set_after_25);
    spawn(times_out);
    spawn(in_time);
    run_to_end("20 25 second 30");
}

static void take_two(void *arg)
{
    wait_for(&semaphore);
    wait_for(&semaphore);
    note("two");
}
static void take_one(void *arg)
{
    wait_for(&semaphore);
    note("one");
}
static void give_three(void *arg)
{
    assert_int_equal(KeReleaseSemaphore(&semaphore, 0, 2, FALSE), 0);
    assert_int_equal(KeReleaseSemaphore(&semaphore, 0, 1, FALSE), 0);
    assert_int_equal(KeReleaseSemaphore(&semaphore, 0, 4, FALSE), 1);
    assert_int_equal(KeReadStateSemaphore(&semaphore), 5);
}
static void a_semaphore_counts(void **state)
{
    KeInitializeSemaphore(&semaphore, 0, 5);
    spawn(take_two);
    spawn(take_one);
    spawn(give_three);
    run_to_end("two one");
    assert_int_equal(KeReadStateSemaphore(&semaphore), 4);
}

static void own_mutex(void *arg)
{
    KTHREAD *k = ke_kthread();
    assert_int_equal(wait_for(&mutex), STATUS_SUCCESS);
    assert_int_equal(wait_for(&mutex), STATUS_SUCCESS);
    assert_int_equal(mutex.Header.SignalState, -1);
    assert_ptr_equal(mutex.OwnerThread, k);
    assert_int_equal(k->KernelApcDisable, -1);
    assert_true(KeAreApcsDisabled());
    assert_false(KeAreAllApcsDisabled());
    note("own");
    sim_yield();
    assert_int_equal(KeReleaseMutex(&mutex, FALSE), -1);
    assert_int_equal(mutex.Header.SignalState, 0);
    assert_int_equal(KeReleaseMutex(&mutex, FALSE), 0);
    assert_int_equal(k->KernelApcDisable, 0);
    assert_true(list_empty(&k->MutantListHead));
    note("released");
}
static void next_owner(void *arg)
{
    assert_int_equal(poll(&mutex), STATUS_TIMEOUT);
    assert_int_equal(wait_for(&mutex), STATUS_SUCCESS);
    assert_int_equal(ke_kthread()->KernelApcDisable, -1);
    note("next");
    KeReleaseMutex(&mutex, FALSE);
}
static void a_mutex_is_recursive_and_a_critical_region(void **state)
{
    KeInitializeMutex(&mutex, 0);
    spawn(own_mutex);
    spawn(next_owner);
    run_to_end("own released next");
}

static void die_with_mutant(void *arg)
{
    wait_for(&mutex);
    assert_false(KeAreApcsDisabled());
    note("owned");
    sim_yield();
}
static void inherit(void *arg)
{
    assert_int_equal(wait_for(&mutex), STATUS_ABANDONED_WAIT_0);
    assert_ptr_equal(mutex.OwnerThread, ke_kthread());
    note("abandoned");
    KeReleaseMutant(&mutex, 0, FALSE, FALSE);
    PVOID both[] = { &event, &mutex };
    assert_int_equal(KeWaitForMultipleObjects(2, both, WaitAny, Executive, KernelMode, FALSE, NULL, NULL), 1);
    KeReleaseMutant(&mutex, 0, FALSE, FALSE);
}
static void a_mutant_of_a_dead_thread_is_abandoned(void **state)
{
    KeInitializeMutant(&mutex, FALSE);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    spawn(die_with_mutant);
    spawn(inherit);
    run_to_end("owned abandoned");
}

static void too_many(void *arg)
{
    PVOID objects[4] = { &event, &event, &event, &event };
    KeWaitForMultipleObjects(4, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);
}
static void at_dispatch(void *arg)
{
    assert_int_equal(poll(&event), STATUS_TIMEOUT);
    KfRaiseIrql(DISPATCH_LEVEL);
    assert_int_equal(poll(&event), STATUS_TIMEOUT);
    wait_for(&event);
}
static void die_with_mutex(void *arg)
{
    wait_for(&mutex);
}
static void misuse_is_a_bug_check(void **state)
{
    static const struct {
        void (*fn)(void *);
        ULONG code;
    } rows[] = { { too_many, MAXIMUM_WAIT_OBJECTS_EXCEEDED }, { at_dispatch, IRQL_NOT_LESS_OR_EQUAL }, { die_with_mutex, KERNEL_APC_PENDING_DURING_EXIT } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        machine_make(1);
        KeInitializeEvent(&event, NotificationEvent, FALSE);
        KeInitializeMutex(&mutex, 0);
        spawn(rows[i].fn);
        assert_int_equal(fixture_run(), RUN_BUGCHECK);
        assert_int_equal(ke_bugcheck_info()->code, rows[i].code);
    }
}

static void wait_for_thread(void *arg)
{
    struct thread *t = spawn(sleeper);
    ETHREAD *e = t->ethread;
    ob_reference(e);
    assert_int_equal(poll(e), STATUS_TIMEOUT);
    assert_int_equal(wait_for(e), STATUS_SUCCESS);
    assert_int_equal(wait_for(e), STATUS_SUCCESS);
    note("gone");
    ob_dereference(e);
}
static void a_thread_object_is_signalled_at_its_end(void **state)
{
    spawn(wait_for_thread);
    run_to_end("30 gone");
}

#define T(name) cmocka_unit_test_setup(name, one_processor)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_synchronization_event_is_handed_to_the_first_waiter), T(a_notification_event_wakes_all), T(a_pulse_wakes_those_who_wait),
        T(a_wait_that_nobody_ends_is_a_deadlock), T(wait_all_takes_everything_or_nothing), T(wait_any_tells_which),
        T(a_wait_all_behind_does_not_block_the_next), T(time_goes_to_the_next_time_out), T(a_semaphore_counts),
        T(a_mutex_is_recursive_and_a_critical_region), T(a_mutant_of_a_dead_thread_is_abandoned), T(misuse_is_a_bug_check),
        T(a_thread_object_is_signalled_at_its_end),
    };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
