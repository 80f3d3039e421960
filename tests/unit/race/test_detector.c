/* The race detector alone: which accesses are ordered, what is kept, what ends a history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "race/detector.h"

enum { A, B, C, LOCK = 0x1000, OTHER = 0x2000, X = 0x100000 };

static void *zeroed(size_t bytes)
{
    return calloc(1, bytes);
}

static void give_back(void *p, size_t bytes)
{
    free(p);
}

static struct race_detector *detector(void)
{
    return race_detector_new(zeroed, give_back);
}

static bool touch(struct race_detector *d, unsigned agent, uint64_t at, unsigned size, bool write)
{
    struct race_access a = { .address = at, .agent = (uint16_t)agent, .size = (uint8_t)size, .write = write, .pc = at + agent }, other;
    return race_note(d, &a, &other);
}

static void hand_over(struct race_detector *d, unsigned from, unsigned to, uint64_t key)
{
    race_release(d, from, key);
    race_acquire(d, to, key, true);
}

static void writes_without_order_race(void **state)
{
    struct race_detector *d = detector();
    struct race_access a = { .address = X, .agent = A, .size = 4, .write = true, .pc = 7, .stack = 3, .locks = 5, .irql = 2 }, b = a, other;
    b.agent = B;
    assert_false(race_note(d, &a, &other));
    assert_true(race_note(d, &b, &other));
    assert_int_equal(other.agent, A);
    assert_int_equal(other.pc, 7);
    assert_int_equal(other.stack, 3);
    assert_int_equal(other.locks, 5);
    assert_int_equal(other.irql, 2);
    assert_int_equal(other.address, X);
    assert_int_equal(other.size, 4);
    assert_true(other.write);
}

static void reads_do_not_race(void **state)
{
    struct race_detector *d = detector();
    assert_false(touch(d, A, X, 4, false));
    assert_false(touch(d, B, X, 4, false));
    assert_true(touch(d, C, X, 4, true));
}

static void a_lock_orders(void **state)
{
    struct race_detector *d = detector();
    assert_false(touch(d, A, X, 4, true));
    hand_over(d, A, B, LOCK);
    assert_false(touch(d, B, X, 4, true));
    assert_true(touch(d, A, X, 4, false)); /* not the other way round */
}

static void another_lock_does_not(void **state)
{
    struct race_detector *d = detector();
    touch(d, A, X, 4, true);
    race_release(d, A, LOCK);
    race_acquire(d, B, OTHER, true);
    assert_true(touch(d, B, X, 4, true));
}

static void what_comes_after_a_release_is_not_handed_over(void **state)
{
    struct race_detector *d = detector();
    race_release(d, A, LOCK);
    touch(d, A, X, 4, true);
    race_acquire(d, B, LOCK, true);
    assert_true(touch(d, B, X, 4, false));
}

static void order_is_transitive(void **state)
{
    struct race_detector *d = detector();
    touch(d, A, X, 8, true);
    hand_over(d, A, B, LOCK);
    hand_over(d, B, C, OTHER);
    assert_false(touch(d, C, X, 8, true));
}

static void readers_come_before_a_writer_and_not_before_each_other(void **state)
{
    struct race_detector *d = detector();
    touch(d, A, X, 4, true);
    race_release_read(d, A, LOCK);
    race_acquire(d, B, LOCK, false);
    assert_true(touch(d, B, X, 4, false));
    d = detector();
    touch(d, A, X, 4, true);
    race_release_read(d, A, LOCK);
    race_acquire(d, B, LOCK, true);
    assert_false(touch(d, B, X, 4, false));
}

static void creation_and_join(void **state)
{
    struct race_detector *d = detector();
    touch(d, A, X, 4, true);
    race_edge(d, A, B);
    assert_false(touch(d, B, X, 4, true));
    race_edge(d, B, A);
    assert_false(touch(d, A, X, 4, true));
    touch(d, A, X + 8, 4, true);
    assert_true(touch(d, B, X + 8, 4, true)); /* after the creation */
}

static void only_bytes_that_overlap(void **state)
{
    struct race_detector *d = detector();
    assert_false(touch(d, A, X, 2, true));
    assert_false(touch(d, B, X + 2, 2, true));
    assert_true(touch(d, B, X + 1, 2, true));
    assert_false(touch(d, A, X + 14, 2, true));
    assert_true(touch(d, B, X + 6, 16, false)); /* over three words */
}

static void atomics_race_with_plain_ones_only(void **state)
{
    struct race_detector *d = detector();
    struct race_access a = { .address = X, .agent = A, .size = 4, .write = true, .atomic = true }, b = a, other;
    b.agent = B;
    assert_false(race_note(d, &a, &other));
    assert_false(race_note(d, &b, &other));
    assert_true(touch(d, C, X, 4, false));
}

static void ordered_accesses_are_forgotten(void **state)
{
    struct race_detector *d = detector();
    for (unsigned i = 0; i < 1000; i++) {
        assert_false(touch(d, i & 1, X, 8, true));
        assert_false(touch(d, i & 1, X, 4, false));
        hand_over(d, i & 1, ~i & 1, LOCK);
    }
    assert_int_equal(race_words(d), 1);
    assert_true(race_cells(d) <= 2);
}

/* A read may not push a write out that others race with. */
static void a_read_keeps_the_write(void **state)
{
    struct race_detector *d = detector();
    struct race_access b = { .address = X, .agent = B, .size = 4, .pc = 1 }, other;
    touch(d, A, X, 4, true);
    race_release(d, A, LOCK);
    touch(d, A, X, 4, false);
    assert_true(race_note(d, &b, &other));
    assert_true(other.write);
}

static void memory_that_is_freed(void **state)
{
    struct race_detector *d = detector();
    struct race_access b = { .agent = B }, other;
    touch(d, A, X + 8, 4, false);
    assert_true(race_free_range(d, X, 64, &b, &other));
    assert_int_equal(other.address, X + 8);
    assert_false(touch(d, C, X + 8, 4, true)); /* a new life */
    touch(d, A, X + 32, 4, true);
    race_forget(d, X, 1 << 20);
    assert_int_equal(race_cells(d), 0);
}

static void a_relay_forgets(void **state)
{
    struct race_detector *d = detector();
    touch(d, A, X, 4, true);
    hand_over(d, A, C, LOCK);
    race_agent_forget(d, C);
    hand_over(d, C, B, OTHER);
    assert_true(touch(d, B, X, 4, true));
}

static void many_words_and_keys(void **state)
{
    struct race_detector *d = detector();
    for (unsigned i = 0; i < 5000; i++) {
        assert_false(touch(d, A, X + i * 8, 8, true));
        race_release(d, A, LOCK + i);
    }
    race_acquire(d, B, LOCK + 4999, false);
    for (unsigned i = 0; i < 5000; i++)
        assert_false(touch(d, B, X + i * 8, 8, false));
    race_acquire(d, C, LOCK + 10, false);
    assert_false(touch(d, C, X + 10 * 8, 8, false));
    assert_true(touch(d, C, X + 11 * 8, 8, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_without_order_race),
        cmocka_unit_test(reads_do_not_race),
        cmocka_unit_test(a_lock_orders),
        cmocka_unit_test(another_lock_does_not),
        cmocka_unit_test(what_comes_after_a_release_is_not_handed_over),
        cmocka_unit_test(order_is_transitive),
        cmocka_unit_test(readers_come_before_a_writer_and_not_before_each_other),
        cmocka_unit_test(creation_and_join),
        cmocka_unit_test(only_bytes_that_overlap),
        cmocka_unit_test(atomics_race_with_plain_ones_only),
        cmocka_unit_test(ordered_accesses_are_forgotten),
        cmocka_unit_test(a_read_keeps_the_write),
        cmocka_unit_test(memory_that_is_freed),
        cmocka_unit_test(a_relay_forgets),
        cmocka_unit_test(many_words_and_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
