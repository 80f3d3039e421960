/* IRQL and spin locks between two processors. */
#include "ke_fixture.h"

static KSPIN_LOCK lock;
static EX_SPIN_LOCK rw;
static unsigned inside, greatest;


static void raise_and_lower(void *arg)
{
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    assert_int_equal(KfRaiseIrql(APC_LEVEL), PASSIVE_LEVEL);
    assert_int_equal(KfRaiseIrql(DISPATCH_LEVEL), APC_LEVEL);
    sim_yield();
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeLowerIrql(APC_LEVEL);
    sim_yield();
    assert_int_equal(KeGetCurrentIrql(), APC_LEVEL);
    KeLowerIrql(PASSIVE_LEVEL);
    note("end");
}
static void the_irql_goes_with_the_thread(void **state)
{
    spawn(raise_and_lower);
    spawn(raise_and_lower);
    spawn(raise_and_lower);
    run_to_end("end end end");
}

static void enter(void)
{
    if (++inside > greatest)
        greatest = inside;
    sim_yield();
    inside--;
}

static void plain(void *arg)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&lock);
    assert_int_equal(irql, PASSIVE_LEVEL);
    assert_int_equal(lock, 1);
    assert_false(KeTestSpinLock(&lock));
    assert_false(KeTryToAcquireSpinLockAtDpcLevel(&lock));
    enter();
    KeReleaseSpinLock(&lock, irql);
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
}
static void one_at_a_time_owns_a_spin_lock(void **state)
{
    inside = greatest = 0;
    lock = 0;
    for (int i = 0; i < 4; i++)
        spawn(plain);
    run_to_end("");
    assert_int_equal(greatest, 1);
    assert_int_equal(lock, 0);
}

static void queued(const char *name)
{
    KLOCK_QUEUE_HANDLE h;
    KeAcquireInStackQueuedSpinLock(&lock, &h);
    assert_ptr_equal((void *)((uint64_t)h.LockQueue.Lock & ~7ull), &lock);
    note(name);
    enter();
    KeReleaseInStackQueuedSpinLock(&h);
}
static void queued_a(void *arg)
{
    queued("a");
}
static void queued_b(void *arg)
{
    queued("b");
}
static void queued_c(void *arg)
{
    queued("c");
}
static void a_queued_spin_lock_keeps_its_order(void **state)
{
    machine_make(3);
    inside = greatest = 0;
    lock = 0;
    spawn(queued_a);
    spawn(queued_b);
    spawn(queued_c);
    run_to_end("a b c");
    assert_int_equal(greatest, 1);
    assert_int_equal(lock, 0);
}

static void reader(void *arg)
{
    KIRQL irql = ExAcquireSpinLockShared(&rw);
    note("r");
    enter();
    ExReleaseSpinLockShared(&rw, irql);
}
static void writer(void *arg)
{
    KIRQL irql = ExAcquireSpinLockExclusive(&rw);
    assert_int_equal(inside, 0);
    note("w");
    enter();
    ExReleaseSpinLockExclusive(&rw, irql);
}
static void converter(void *arg)
{
    KIRQL irql = ExAcquireSpinLockShared(&rw);
    assert_true(ExTryConvertSharedSpinLockExclusive(&rw));
    ExReleaseSpinLockExclusive(&rw, irql);
}
static void readers_share_and_writers_do_not(void **state)
{
    machine_make(4);
    inside = greatest = 0;
    rw = 0;
    spawn(reader);
    spawn(reader);
    spawn(writer);
    spawn(reader);
    assert_int_equal(fixture_run(), RUN_DEADLOCK);
    assert_null(ps_threads());
    assert_int_equal(greatest, 2);
    assert_int_equal(rw, 0);
    assert_string_equal(log_text, "r r w r");
    machine_make(1);
    spawn(converter);
    run_to_end("");
    assert_int_equal(rw, 0);
}

static void twice(void *arg)
{
    KeAcquireSpinLockRaiseToDpc(&lock);
    KeAcquireSpinLockAtDpcLevel(&lock);
}
static void acquiring_twice_is_a_deadlock(void **state)
{
    lock = 0;
    struct thread *t = spawn(twice);
    assert_int_equal(fixture_run(), RUN_DEADLOCK);
    assert_string_equal(t->agent->why, "spin lock");
}

#define T(name) cmocka_unit_test_setup(name, two_processors)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_irql_goes_with_the_thread), T(one_at_a_time_owns_a_spin_lock), T(a_queued_spin_lock_keeps_its_order), T(readers_share_and_writers_do_not),
        T(acquiring_twice_is_a_deadlock),
    };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
