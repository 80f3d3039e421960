/* The gate: models whose number of happens-before classes is known. The reduction runs each class once and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "brute.h"
#include "models.h"

struct row {
    const char *name;
    model *make;
    unsigned n, k;
    uint64_t classes;
};

static const struct row rows[] = {
    {"readers", model_readers, 8, 0, 256},
    {"readers", model_readers, 13, 0, 8192},
    {"writers", model_writers, 5, 0, 120},
    {"writers", model_writers, 6, 0, 720},
    {"writers", model_writers, 7, 0, 5040},
    {"writers", model_writers, 8, 0, 40320},
    {"ainc", model_ainc, 7, 0, 5040},
    {"lockinc", model_lockinc, 7, 0, 5040},
    {"inc", model_rw, 2, 0, 4},
    {"inc", model_rw, 3, 0, 36},
    {"inc", model_rw, 4, 0, 576},
    {"binc", model_counters, 2, 2, 4},
    {"binc", model_counters, 3, 2, 36},
    {"binc", model_counters, 4, 2, 576},
    {"cinc", model_counters, 2, 3, 8},
    {"cinc", model_counters, 3, 3, 216},
    {"cinc", model_counters, 4, 3, 13824},
    {"mutex", model_mutex, 3, 2, 90},
    {"mutex", model_mutex, 4, 2, 2520},
    {"lastzero", model_lastzero, 3, 0, 12},
    {"lastzero", model_lastzero, 4, 0, 28},
    {"lastzero", model_lastzero, 5, 0, 64},
    {"lastzero", model_lastzero, 10, 0, 3328},
    {"lastzero", model_lastzero, 15, 0, 147456},
    {"indexer", model_indexer, 11, 0, 1},
    {"indexer", model_indexer, 12, 0, 8},
    {"indexer", model_indexer, 13, 0, 64},
    {"indexer", model_indexer, 14, 0, 512},
    {"indexer", model_indexer, 15, 0, 4096},
    {"indexer", model_indexer, 16, 0, 32768},
    {"filesystem", model_filesystem, 14, 0, 2},
    {"filesystem", model_filesystem, 16, 0, 8},
    {"filesystem", model_filesystem, 18, 0, 32},
    {"filesystem", model_filesystem, 19, 0, 64},
    {"filesystem", model_filesystem, 20, 0, 128},
    {"filesystem", model_filesystem, 22, 0, 512},
    {"filesystem", model_filesystem, 24, 0, 2048},
    {"independent", model_independent, 8, 20, 1},
};

static void classes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct vm_program program;
        struct vm vm;
        struct explore_result result;
        struct explore_config config = explore_defaults;
        rows[i].make(&program, rows[i].n, rows[i].k);
        vm_init(&vm, &program);
        struct explore_machine machine = vm_machine(&vm);
        config.count_traces = true;
        explore_run(&machine, &config, &result);
        print_message("%-12s %2u %2u: %8llu classes, %llu blocked, %llu steps (%llu replayed), %llu tries\n", rows[i].name, rows[i].n,
                      rows[i].k, (unsigned long long)result.schedules, (unsigned long long)result.blocked,
                      (unsigned long long)result.steps, (unsigned long long)result.replayed, (unsigned long long)result.tries);
        if (result.why_not)
            print_message("%s\n", result.why_not);
        assert_int_equal(result.schedules, rows[i].classes);
        assert_int_equal(result.traces, rows[i].classes);
        assert_int_equal(result.blocked, 0);
        assert_int_equal(result.failing, 0);
        assert_true(result.complete);
        explore_result_free(&result);
        vm_free(&vm);
    }
}

/* Classes with an order of at most 0, 1, 2, ... preemptions; 0 ends a row. */
static const struct {
    const char *name;
    model *make;
    unsigned n, k;
    uint64_t within[8];
} bounded_rows[] = {
    {"binc", model_counters, 3, 2, {6, 24, 36}},
    {"binc", model_counters, 4, 2, {24, 168, 432, 576}},
    {"inc", model_rw, 3, 0, {6, 24, 36}},
    {"inc", model_rw, 4, 0, {24, 168, 432, 576}},
    {"cinc", model_counters, 3, 3, {6, 42, 120, 192, 216}},
    {"independent", model_independent, 6, 20, {1, 1}},
};

static void classes_within_bounds(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof bounded_rows / sizeof *bounded_rows; i++)
        for (int bound = 0; bound < 8 && bounded_rows[i].within[bound]; bound++) {
            static struct vm_program program;
            struct vm vm;
            struct explore_result result;
            struct explore_config config = explore_defaults;
            bounded_rows[i].make(&program, bounded_rows[i].n, bounded_rows[i].k);
            vm_init(&vm, &program);
            struct explore_machine machine = vm_machine(&vm);
            config.preemptions = bound;
            config.iterate = bound & 1; /* both ways */
            explore_run(&machine, &config, &result);
            print_message("%-12s %2u %2u within %d: %8llu classes, %llu merged, %llu steps\n", bounded_rows[i].name, bounded_rows[i].n,
                          bounded_rows[i].k, bound, (unsigned long long)result.schedules, (unsigned long long)result.merged,
                          (unsigned long long)result.steps);
            assert_int_equal(result.schedules, bounded_rows[i].within[bound]);
            assert_int_equal(result.blocked, 0);
            assert_true(result.complete);
            explore_result_free(&result);
            vm_free(&vm);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_within_bounds),
        cmocka_unit_test(classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
