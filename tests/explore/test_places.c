/* Snapshots are placed where they pay: making them and replaying what lies between costs no more than with any fixed distance, and the runs are
 * the same ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vm.h"

enum { WRITERS = 6, RUNS = 720, TAIL = 25, COST = 3 };

static struct vm_program program;
static struct vm vm;
static struct explore_machine machine;
static uint64_t taken, sum;

static void *count_snapshot(void *context)
{
    taken++;
    return vm_machine(&vm).snapshot(context);
}

static unsigned cost(void *context, const void *snapshot)
{
    return COST;
}

static void note(void *user, const struct explore_report *run)
{
    sum = sum * 0x9E3779B97F4A7C15ull + run->trace;
}

static void add(unsigned thread, int op, int k, int m)
{
    program.code[thread][program.length[thread]++] = (struct vm_instruction) { (int16_t)op, VM_NONE, VM_NONE, (int16_t)k, (int16_t)m };
}

/* Threads that write one variable, and one that has much to do by itself: before them (then they wait for it), or behind. */
static void make(bool tail)
{
    memset(&program, 0, sizeof program);
    program.threads = WRITERS + 1;
    for (unsigned i = 0; i < WRITERS; i++) {
        if (!tail)
            add(i, VM_JOIN, WRITERS, 0);
        add(i, VM_WRITE, 0, (int)i);
        if (tail)
            add(WRITERS, VM_JOIN, (int)i, 0);
    }
    for (unsigned i = 0; i < TAIL; i++)
        add(WRITERS, VM_WRITE, 1 + (int)i, 1);
    for (unsigned i = 0; i <= WRITERS; i++)
        add(i, VM_END, 0, 0);
}

static uint64_t explore(size_t checkpoint, size_t schedules)
{
    struct explore_config c = explore_defaults;
    struct explore_result r;
    taken = sum = 0;
    c.strategy = EXPLORE_DPOR;
    c.schedules = schedules;
    c.checkpoint = checkpoint;
    c.keep_going = true;
    c.ran = note;
    explore_run(&machine, &c, &r);
    uint64_t spent = taken * COST + r.replayed;
    assert_int_equal(r.schedules, schedules);
    explore_result_free(&r);
    return spent;
}

static void run(bool tail)
{
    make(tail);
    vm_init(&vm, &program);
    machine = vm_machine(&vm);
    machine.snapshot = count_snapshot;
    machine.cost = cost;
    explore(1, RUNS);
    uint64_t order = sum;
    uint64_t placed = explore(0, RUNS);
    assert_int_equal(sum, order);
    machine.cost = NULL;
    machine.snapshot = NULL;
    uint64_t without = explore(0, RUNS);
    assert_int_equal(sum, order);
    assert_true(placed < 3 * RUNS * COST / 2); /* a snapshot before each of the events would be twenty times that */
    assert_true(placed < (tail ? without : without / 4)); /* with the tail all is near the start */
    vm_free(&vm);
}

static void test_tail(void **state)
{
    run(true);
}

static void test_head(void **state)
{
    run(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_tail), cmocka_unit_test(test_head) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
