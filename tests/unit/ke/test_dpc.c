/* DPCs, timers, the clock. */
#include "ke_fixture.h"

static KDPC dpc[4];
static KTIMER timer;
static KEVENT event;
static unsigned count;

static void run_dpc(KDPC *d)
{
    char name[2] = { (char)('0' + (d - dpc)), 0 };
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    assert_null(d->DpcData);
    note(name);
}

static void dpcs_init(void)
{
    for (int i = 0; i < 4; i++)
        ke_dpc_init_host(&dpc[i], run_dpc, FRAME_KiTimerExpiration);
    count = 0;
}

static void queue_at_dispatch(void *arg)
{
    KIRQL old = KfRaiseIrql(DISPATCH_LEVEL);
    KeSetImportanceDpc(&dpc[2], HighImportance);
    assert_true(KeInsertQueueDpc(&dpc[0], NULL, NULL));
    assert_false(KeInsertQueueDpc(&dpc[0], NULL, NULL));
    assert_true(KeInsertQueueDpc(&dpc[1], NULL, NULL));
    assert_true(KeInsertQueueDpc(&dpc[2], NULL, NULL));
    assert_true(KeInsertQueueDpc(&dpc[3], NULL, NULL));
    assert_true(KeRemoveQueueDpc(&dpc[1]));
    assert_false(KeRemoveQueueDpc(&dpc[1]));
    note("lower");
    KeLowerIrql(old);
    note("end");
    assert_true(KeInsertQueueDpc(&dpc[1], NULL, NULL));
    note("passive");
}
static void dpcs_run_when_the_irql_falls(void **state)
{
    dpcs_init();
    spawn(queue_at_dispatch);
    run_to_end("lower 2 0 3 end 1 passive");
}

static void at_apc_level(void *arg)
{
    KIRQL old = KfRaiseIrql(APC_LEVEL);
    KeInsertQueueDpc(&dpc[0], NULL, NULL);
    assert_int_equal(KeGetCurrentIrql(), APC_LEVEL);
    note("apc");
    KeLowerIrql(old);
}
static void apc_level_does_not_hold_dpcs_back(void **state)
{
    dpcs_init();
    spawn(at_apc_level);
    run_to_end("0 apc");
}

static void to_another_processor(void *arg)
{
    KeSetTargetProcessorDpc(&dpc[0], 1);
    KIRQL old = KfRaiseIrql(DISPATCH_LEVEL);
    KeInsertQueueDpc(&dpc[0], NULL, NULL);
    KeLowerIrql(old);
    KeFlushQueuedDpcs();
    note("flushed");
}
static void flushing_waits_for_all_processors(void **state)
{
    dpcs_init();
    spawn(to_another_processor);
    run_to_end("0 flushed");
}

static void requeue(KDPC *d)
{
    note(count == 0 ? "first" : "again");
    if (count++ < 2)
        assert_true(KeInsertQueueDpc(d, NULL, NULL));
}
static void queue_requeuing(void *arg)
{
    KeInsertQueueDpc(&dpc[0], NULL, NULL);
    note("end");
}
static void a_dpc_may_queue_itself(void **state)
{
    ke_dpc_init_host(&dpc[0], requeue, FRAME_KiTimerExpiration);
    count = 0;
    spawn(queue_requeuing);
    run_to_end("first again again end");
    assert_int_equal(MACHINE->runnable, 0);
}

/* ---- timers ---- */

static void set_relative(void *arg)
{
    KeInitializeTimer(&timer);
    uint64_t start = MACHINE->clock_100ns;
    assert_false(KeSetTimer(&timer, *milliseconds(10), &dpc[0]));
    assert_true(KeSetTimer(&timer, *milliseconds(15), &dpc[0]));
    assert_false(KeReadStateTimer(&timer));
    assert_int_equal(wait_for(&timer), STATUS_SUCCESS);
    assert_int_equal(MACHINE->clock_100ns - start, 150000);
    assert_true(KeReadStateTimer(&timer));
    assert_false(KeCancelTimer(&timer));
    uint64_t at = (uint64_t)dpc[0].SystemArgument1 | (uint64_t)dpc[0].SystemArgument2 << 32;
    assert_int_equal(at, ke_system_time());
    note("due");
}
static void a_timer_signals_and_queues_its_dpc(void **state)
{
    dpcs_init();
    spawn(set_relative);
    run_to_end("0 due");
}

static void three_periods(void *arg)
{
    KeInitializeTimerEx(&timer, SynchronizationTimer);
    uint64_t start = MACHINE->clock_100ns;
    KeSetTimerEx(&timer, *milliseconds(10), 5, &dpc[0]);
    for (int i = 0; i < 3; i++)
        wait_for(&timer);
    assert_int_equal(MACHINE->clock_100ns - start, 200000);
    assert_true(KeCancelTimer(&timer));
    note("cancelled");
}
static void a_periodic_timer_goes_on(void **state)
{
    dpcs_init();
    spawn(three_periods);
    run_to_end("0 0 0 cancelled");
}

static void set_past(void *arg)
{
    KeInitializeTimer(&timer);
    LARGE_INTEGER past = { .QuadPart = (LONGLONG)ke_system_time() - 1 };
    assert_false(KeSetTimer(&timer, past, &dpc[0]));
    assert_true(KeReadStateTimer(&timer));
    note("set");
}
static void a_timer_in_the_past_is_due_at_once(void **state)
{
    dpcs_init();
    spawn(set_past);
    run_to_end("0 set");
}

static void forget_periodic(void *arg)
{
    KeInitializeTimer(&timer);
    KeSetTimerEx(&timer, *milliseconds(1), 1, NULL);
}
static void a_periodic_timer_without_listeners_does_not_keep_a_run_alive(void **state)
{
    spawn(forget_periodic);
    run_to_end("");
}

static void wake_from_dpc(KDPC *d)
{
    note("dpc");
    KeSetEvent(&event, 0, FALSE);
}
static void wait_for_dpc(void *arg)
{
    KeInitializeTimer(&timer);
    KeSetTimer(&timer, *milliseconds(1), &dpc[0]);
    wait_for(&event);
    note("woken");
}
static void a_dpc_wakes_a_thread(void **state)
{
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    ke_dpc_init_host(&dpc[0], wake_from_dpc, FRAME_KiTimerExpiration);
    spawn(wait_for_dpc);
    run_to_end("dpc woken");
}

static void wait_in_dpc(KDPC *d)
{
    wait_for(&event);
}
static void queue_one(void *arg)
{
    KeInsertQueueDpc(&dpc[0], NULL, NULL);
}
static void a_dpc_cannot_wait(void **state)
{
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    ke_dpc_init_host(&dpc[0], wait_in_dpc, FRAME_KiTimerExpiration);
    spawn(queue_one);
    assert_int_equal(fixture_run(), RUN_BUGCHECK);
    assert_int_equal(ke_bugcheck_info()->code, ATTEMPTED_SWITCH_FROM_DPC);
}

/* ---- the clock ---- */

static void read_times(void *arg)
{
    const KUSER_SHARED_DATA *s = (const KUSER_SHARED_DATA *)ke_shared_data();
    LARGE_INTEGER now;
    KeQuerySystemTime(&now);
    assert_int_equal(now.QuadPart, (uint64_t)s->SystemTime.High1Time << 32 | s->SystemTime.LowPart);
    assert_int_equal(KeQueryInterruptTime(), (uint64_t)s->InterruptTime.High1Time << 32 | s->InterruptTime.LowPart);
    uint64_t start = KeQueryInterruptTime();
    KeStallExecutionProcessor(50);
    assert_int_equal(KeQueryInterruptTime() - start, 500);
    KeDelayExecutionThread(KernelMode, FALSE, milliseconds(100));
    KeQueryTickCount(&now);
    assert_int_equal(now.QuadPart, (start + 500 + 1000000) / KeQueryTimeIncrement());
    assert_int_equal(s->TickCount.LowPart, now.LowPart);
    LARGE_INTEGER frequency;
    KeQueryPerformanceCounter(&frequency);
    uint64_t end = (uint64_t)KeQueryPerformanceCounter(NULL).QuadPart + (uint64_t)frequency.QuadPart / 10;
    while ((uint64_t)KeQueryPerformanceCounter(NULL).QuadPart < end)
        ;
    note("end");
}
static void time_is_told_the_same_everywhere(void **state)
{
    spawn(read_times);
    run_to_end("end");
}

static void versions_are_those_of_windows(void **state)
{
    const KUSER_SHARED_DATA *s = (const KUSER_SHARED_DATA *)ke_shared_data();
    assert_int_equal(s->NtMajorVersion, 10);
    assert_true(ke_set_os("win7"));
    assert_int_equal(s->NtMajorVersion * 10 + s->NtMinorVersion, 61);
    assert_true(ke_set_os("8.1"));
    assert_int_equal(s->NtMajorVersion * 10 + s->NtMinorVersion, 63);
    assert_true(ke_set_os("11"));
    assert_int_equal(s->NtBuildNumber, 22631);
    assert_false(ke_set_os("12"));
    ke_set_os("10");
}

#define T(name) cmocka_unit_test_setup(name, one_processor)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(dpcs_run_when_the_irql_falls), T(apc_level_does_not_hold_dpcs_back), cmocka_unit_test_setup(flushing_waits_for_all_processors, two_processors),
        T(a_dpc_may_queue_itself), T(a_timer_signals_and_queues_its_dpc), T(a_periodic_timer_goes_on), T(a_timer_in_the_past_is_due_at_once),
        T(a_periodic_timer_without_listeners_does_not_keep_a_run_alive), T(a_dpc_wakes_a_thread), T(a_dpc_cannot_wait),
        T(time_is_told_the_same_everywhere), T(versions_are_those_of_windows),
    };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
