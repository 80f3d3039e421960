/* System worker queues. */
#include "ex_fixture.h"
#include "mm/mm.h"

static WORK_QUEUE_ITEM *items;
static KEVENT *event;

static int setup(void **state)
{
    ex_machine(state);
    ex_work_init();
    items = ex_pool_alloc(0, 4 * sizeof *items, 1);
    memset(items, 0, 4 * sizeof *items);
    event = ex_pool_alloc(0, sizeof *event, 1);
    KeInitializeEvent(event, NotificationEvent, FALSE);
    return 0;
}

static void say(void *text)
{
    assert_int_equal(sim_irql(), PASSIVE_LEVEL);
    note(text);
}

static void queue_all(void *unused)
{
    ex_work_queue_host(&items[0], say, "a", WORK_CRITICAL);
    assert_non_null(items[0].List.Flink);
    ex_work_queue_host(&items[1], say, "b", WORK_CRITICAL);
    ex_work_queue_host(&items[2], say, "c", WORK_CRITICAL);
}

static void items_run_in_order(void **state)
{
    spawn(queue_all);
    fixture_run();
    assert_string_equal(log_text, "a b c");
    assert_null(items[0].List.Flink);
}

static void wait_event(void *unused)
{
    note("waits");
    wait_for(event);
    note("goes on");
}

static void set_event(void *unused)
{
    note("sets");
    KeSetEvent(event, 0, FALSE);
}

static void queue_pair(void *unused)
{
    ex_work_queue_host(&items[0], wait_event, NULL, WORK_DELAYED);
    ex_work_queue_host(&items[1], set_event, NULL, WORK_DELAYED);
}

static void two_delayed_items_run_side_by_side(void **state)
{
    spawn(queue_pair);
    fixture_run();
    assert_string_equal(log_text, "waits sets goes on");
}

static void queue_three(void *unused)
{
    ex_work_queue_host(&items[0], wait_event, NULL, WORK_DELAYED);
    ex_work_queue_host(&items[1], wait_event, NULL, WORK_DELAYED);
    ex_work_queue_host(&items[2], set_event, NULL, WORK_DELAYED);
}

static void blocked_workers_get_help(void **state)
{
    spawn(queue_three);
    fixture_run();
    assert_string_equal(log_text, "waits waits sets goes on goes on");
}

static void queue_twice(void *unused)
{
    ex_work_queue_host(&items[0], say, "x", WORK_DELAYED);
    ex_work_queue_host(&items[0], say, "x", WORK_DELAYED);
}

static void queued_twice_is_a_bug_check(void **state)
{
    spawn(queue_twice);
    assert_int_equal(fixture_run(), RUN_BUGCHECK);
    assert_int_equal(ke_bugcheck_info()->code, WORKER_INVALID);
}

static void raise_irql(void *unused)
{
    KfRaiseIrql(DISPATCH_LEVEL);
}

static void queue_raiser(void *unused)
{
    ex_work_queue_host(&items[0], raise_irql, NULL, WORK_DELAYED);
}

static void bad_irql_at_return_is_a_bug_check(void **state)
{
    spawn(queue_raiser);
    assert_int_equal(fixture_run(), RUN_BUGCHECK);
    assert_int_equal(ke_bugcheck_info()->code, WORKER_THREAD_RETURNED_AT_BAD_IRQL);
    assert_int_equal(ke_bugcheck_info()->p[1], DISPATCH_LEVEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(items_run_in_order, setup),
        cmocka_unit_test_setup(two_delayed_items_run_side_by_side, setup),
        cmocka_unit_test_setup(blocked_workers_get_help, setup),
        cmocka_unit_test_setup(queued_twice_is_a_bug_check, setup),
        cmocka_unit_test_setup(bad_irql_at_return_is_a_bug_check, setup),
    };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
