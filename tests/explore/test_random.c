/* Random programs against brute force: test_random [PROGRAMS [SEED [FIRST]]]. The reduction has to run each class once, no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brute.h"
#include "models.h"

enum { MOST_PREFIXES = 20000 };

static const struct {
    const char *name;
    struct random_shape shape;
} shapes[] = {
    {"branches", {"rwfcccw", 4, 5, 3, 4}},
    {"locks", {"rwfccw", 4, 5, 2, 3, .locks = true}},
    {"nested locks", {"rwfcw", 4, 4, 2, 3, .locks = true, .nested = true}},
    {"shared locks", {"rwfccw", 4, 4, 2, 3, .locks = true, .shared = true}},
    {"nested shared locks", {"rwfcw", 4, 4, 2, 3, .locks = true, .shared = true, .nested = true}},
    {"compare-exchange", {"rwxxycfp", 4, 5, 3, 3}},
    {"events", {"edvvnrwc", 4, 5, 3, 2}},
    {"semaphores", {"aabbrwc", 4, 5, 3, 2}},
    {"time-outs, choices", {"emmhrwcx", 4, 4, 3, 2}},
    {"several objects", {"eedABvrwc", 4, 4, 3, 2}},
    {"waiting loops", {"rwcLLZTDD", 4, 5, 3, 2}},
    {"several places", {"rwcLEEFD", 3, 4, 3, 2}},
    {"tickets", {"KKrfcL", 3, 4, 2, 2}},
    {"threads", {"rwfcxpevg", 4, 5, 3, 2, .spawn = true}},
    {"everything", {"rwfcxpedvnmABabhgLZTDE", 4, 4, 3, 2, .locks = true, .shared = true, .nested = true, .spawn = true}},
};

static unsigned programs = 500;
static uint64_t seed = 1;
static bool bounds; /* compare what is within preemption bounds */

struct totals {
    uint64_t compared, skipped, wrong, tries, schedules, merged;
};

static bool same_as_brute(const struct vm_program *program, bool hints, const struct brute_result *expected, struct totals *t)
{
    static struct vm_program copy;
    struct vm vm;
    struct explore_result result;
    struct explore_config config = explore_defaults;
    copy = *program;
    copy.no_hints = !hints;
    vm_init(&vm, &copy);
    struct explore_machine machine = hints ? vm_machine(&vm) : vm_machine_without_snapshots(&vm);
    config.count_traces = config.keep_going = true;
    explore_run(&machine, &config, &result);
    bool same = result.complete && result.schedules == expected->classes && result.traces == expected->classes && result.blocked == 0 &&
                result.failing == expected->failing;
    if (!same)
        print_message("%s: %llu classes (%llu failing) expected; %llu runs, %llu classes, %llu blocked, %llu failing. %s\n",
                      hints ? "with hints" : "without hints", (unsigned long long)expected->classes,
                      (unsigned long long)expected->failing, (unsigned long long)result.schedules, (unsigned long long)result.traces,
                      (unsigned long long)result.blocked, (unsigned long long)result.failing, result.why_not ? result.why_not : "");
    t->tries += result.tries;
    t->schedules += result.schedules;
    explore_result_free(&result);
    vm_free(&vm);
    return same;
}

/* Each class with an order of at most `bound` preemptions, once, and no other. */
static bool same_within(const struct vm_program *program, int bound, const struct brute_result *expected, struct totals *t)
{
    struct vm vm;
    struct explore_result result;
    struct explore_config config = explore_defaults;
    vm_init(&vm, program);
    struct explore_machine machine = vm_machine(&vm);
    config.count_traces = config.keep_going = true;
    config.preemptions = bound;
    config.iterate = bound == 2;
    explore_run(&machine, &config, &result);
    bool same = result.complete && result.schedules == expected->within[bound] && result.traces == expected->within[bound] &&
                (!result.unbounded || result.schedules == expected->classes);
    if (!same)
        print_message("within %d preemptions: %llu classes of %llu expected; %llu runs, %llu classes. %s\n", bound,
                      (unsigned long long)expected->within[bound], (unsigned long long)expected->classes,
                      (unsigned long long)result.schedules, (unsigned long long)result.traces, result.why_not ? result.why_not : "");
    t->schedules += result.schedules;
    t->merged += result.merged;
    explore_result_free(&result);
    vm_free(&vm);
    return same;
}

static void compare(const char *text, struct totals *t)
{
    static struct vm_program program;
    struct brute_result expected;
    model_text(&program, text);
    brute_force(&program, MOST_PREFIXES, bounds, &expected);
    if (expected.too_large) {
        t->skipped++;
        return;
    }
    t->compared++;
    bool same = true;
    for (int bound = 0; bound <= 3 && bounds; bound++)
        same &= same_within(&program, bound, &expected, t);
    if (!bounds)
        for (int hints = 0; hints <= 1; hints++)
            same &= same_as_brute(&program, hints, &expected, t);
    if (same)
        return;
    t->wrong++;
    print_message("  wrong on \"%s\"\n", text);
}

/* Every way to fail is found, though what fails first ends a run under others; within bounds, each that can be met there. */
static bool fails_alike(const struct vm_program *program, int bound, bool hints, const struct brute_result *expected, struct totals *t)
{
    static struct vm_program copy;
    struct vm vm;
    struct explore_result result;
    struct explore_config config = explore_defaults;
    copy = *program;
    copy.no_hints = !hints;
    vm_init(&vm, &copy);
    struct explore_machine machine = vm_machine(&vm);
    bool same = true;
    config.keep_going = true;
    config.preemptions = bound;
    config.iterate = bound >= 0;
    explore_run(&machine, &config, &result);
    for (int key = 0; key < BRUTE_KEYS; key++) {
        bool found = false;
        for (size_t i = 0; i < result.failure_count; i++)
            found |= result.failures[i].key == (uint64_t)key;
        if (found == (expected->least[key] <= (bound < 0 ? 126 : bound)))
            continue;
        same = false;
        print_message("failure %d, bound %d, hints %d: at least %d preemptions expected, %sfound\n", key, bound, hints,
                      expected->least[key], found ? "" : "not ");
    }
    if (result.blocked || !result.complete)
        print_message("bound %d: %llu blocked, %scomplete\n", bound, (unsigned long long)result.blocked, result.complete ? "" : "not ");
    same &= !result.blocked && result.complete;
    t->schedules += result.schedules;
    t->tries += result.tries;
    t->merged += result.merged;
    explore_result_free(&result);
    vm_free(&vm);
    return same;
}

static void compare_failures(const char *text, struct totals *t)
{
    static struct vm_program program;
    struct brute_result expected;
    model_text(&program, text);
    brute_force(&program, MOST_PREFIXES, true, &expected);
    if (expected.too_large) {
        t->skipped++;
        return;
    }
    t->compared++;
    bool same = fails_alike(&program, -1, false, &expected, t);
    for (int bound = -1; bound < 3; bound++)
        same &= fails_alike(&program, bound, true, &expected, t);
    t->wrong += !same;
    if (!same)
        print_message("  wrong on \"%s\"\n", text);
}

static void random_failures(void **state)
{
    static const struct random_shape shape = {"rwfcccc!!q", 3, 4, 3, 3};
    static const struct random_shape locked = {"rwcc!q!", 3, 4, 2, 3, .locks = true, .nested = true, .shared = true};
    uint64_t state_of = seed * 0x9e3779b97f4a7c15ull + 3;
    struct totals t = {0};
    (void)state;
    while (t.compared < programs / 6) {
        char text[512];
        model_random_text(&state_of, t.compared & 1 ? &shape : &locked, text, sizeof text);
        compare_failures(text, &t);
    }
    print_message("failures and exits   %6llu programs, %llu wrong, %llu too large, %llu runs, %llu tries, %llu merged\n",
                  (unsigned long long)t.compared, (unsigned long long)t.wrong, (unsigned long long)t.skipped,
                  (unsigned long long)t.schedules, (unsigned long long)t.tries, (unsigned long long)t.merged);
    assert_int_equal(t.wrong, 0);
}

static uint64_t toy_state(void *context)
{
    const struct vm *vm = context;
    struct vm_state s = vm->state;
    uint64_t h = 0;
    s.running = s.yielded = 0;
    for (size_t i = 0; i < sizeof s; i++)
        h = (h ^ ((unsigned char *)&s)[i]) * 0x100000001b3ull;
    return h;
}

static void show_breach(void *user, const char *text, const struct explore_schedule *upto)
{
    (void)upto;
    print_message("%s: %s\n", (const char *)user, text);
}

/* The toy machine keeps its own promises. */
static void the_toy_is_honest(void **state)
{
    uint64_t state_of = seed, pairs = 0, breaches = 0;
    (void)state;
    for (unsigned i = 0; i < programs; i++) {
        static struct vm_program program;
        char text[512];
        struct vm vm;
        struct explore_config config = explore_defaults;
        uint64_t found;
        model_random_text(&state_of, &shapes[i % (sizeof shapes / sizeof *shapes)].shape, text, sizeof text);
        model_text(&program, text);
        vm_init(&vm, &program);
        struct explore_machine machine = vm_machine(&vm);
        config.schedules = 20;
        pairs += explore_check(&machine, &config, toy_state, show_breach, text, &found);
        breaches += found;
        vm_free(&vm);
    }
    print_message("%llu pairs of independent neighbours\n", (unsigned long long)pairs);
    assert_true(pairs > programs);
    assert_int_equal(breaches, 0);
}

static void random_programs(void **state);

static void random_programs_within_bounds(void **state)
{
    bounds = true;
    random_programs(state);
    bounds = false;
}

static void random_programs(void **state)
{
    uint64_t wrong = 0, state_of = seed * 0x9e3779b97f4a7c15ull + 1;
    (void)state;
    for (unsigned s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        struct totals t = {0};
        unsigned share = programs / (sizeof shapes / sizeof *shapes) + 1;
        while (t.compared < share && t.skipped < share) {
            char text[512];
            model_random_text(&state_of, &shapes[s].shape, text, sizeof text);
            compare(text, &t);
        }
        print_message("%-20s %6llu programs, %llu wrong, %llu too large, %llu runs, %llu tries, %llu merged\n", shapes[s].name,
                      (unsigned long long)t.compared, (unsigned long long)t.wrong, (unsigned long long)t.skipped,
                      (unsigned long long)t.schedules, (unsigned long long)t.tries, (unsigned long long)t.merged);
        wrong += t.wrong;
    }
    if (wrong)
        print_message("again: test_explore_random %u %llu\n", programs, (unsigned long long)seed);
    assert_int_equal(wrong, 0);
}

/* Programs on which a reduction with one of the known shortcuts loses classes. */
static void counter_examples(void **state)
{
    static const struct {
        const char *text;
        uint64_t classes;
    } known[] = {
        {"c1,r3,w3,f1,c1f3", 16},
        {"f2r2,c1w3,c3w2,w1w2,c1", 54},
        {"f0f0,c1w0,l0w0u0,c1w1,r1c3", 30},
        {"w1w2,r2,f0,c0f2,r0w0", 30},
        {"c1f1,c2c1,w2w2,w1f0", 14},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        static struct vm_program program;
        struct brute_result expected;
        struct totals t = {0};
        model_text(&program, known[i].text);
        brute_force(&program, UINT64_MAX, false, &expected);
        print_message("%-28s %llu classes\n", known[i].text, (unsigned long long)expected.classes);
        assert_int_equal(expected.classes, known[i].classes);
        compare(known[i].text, &t);
        assert_int_equal(t.wrong, 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counter_examples),
        cmocka_unit_test(random_programs),
        cmocka_unit_test(random_programs_within_bounds),
        cmocka_unit_test(random_failures),
        cmocka_unit_test(the_toy_is_honest),
    };
    if (argc > 1 && (argv[1][0] < '0' || argv[1][0] > '9')) {
        struct totals t = {0};
        bounds = argc > 2;
        (strpbrk(argv[1], "!q") ? compare_failures : compare)(argv[1] + (argv[1][0] == 64), &t);
        return t.wrong != 0;
    }
    programs = argc > 1 ? (unsigned)atoi(argv[1]) : programs;
    seed = argc > 2 ? strtoull(argv[2], NULL, 0) : seed;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
