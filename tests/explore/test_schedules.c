/* Schedules as text, replay, minimising, turning points, strategies and their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models.h"

/* --- text ------------------------------------------------------------------------------------------------------------ */

static void round_trip(const struct explore_choice *choices, size_t count, const char *expected)
{
    struct explore_schedule s = {0}, back;
    const char *why = NULL;
    for (size_t i = 0; i < count; i++)
        explore_schedule_append(&s, choices[i].agent, choices[i].alternative);
    char *text = explore_schedule_print(&s);
    assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
    assert_true(explore_schedule_parse(text, &back, &why));
    assert_true(explore_schedule_equal(&s, &back));
    free(text);
    explore_schedule_free(&s);
    explore_schedule_free(&back);
}

static void text_of_schedules(void **state)
{
    const struct explore_choice some[] = {{7, 0}, {7, 0}, {0xdeadbeef, 0}, {7, 1}, {7, 1}, {7, 1}, {0, 31}};
    (void)state;
    round_trip(NULL, 0, "s1:::");
    round_trip(some, 1, "s1:7:0:");
    round_trip(some, 7, "s1:7,deadbeef,0:0x2.1.0/1x3.2/31:");
}

static void damaged_text(void **state)
{
    const struct explore_choice some[] = {{1, 0}, {2, 0}, {2, 0}, {1, 1}};
    struct explore_schedule s = {0}, out;
    const char *why;
    (void)state;
    for (size_t i = 0; i < 4; i++)
        explore_schedule_append(&s, some[i].agent, some[i].alternative);
    char *text = explore_schedule_print(&s);
    size_t length = strlen(text);
    for (size_t cut = 0; cut < length; cut++) {
        char *copy = strdup(text);
        copy[cut] = 0;
        why = NULL;
        assert_false(explore_schedule_parse(copy, &out, &why));
        assert_non_null(why);
        copy[cut] = text[cut] == '1' ? '2' : '1';
        assert_false(explore_schedule_parse(copy, &out, &why));
        free(copy);
    }
    static const char *const bad[] = {"", "s", "s1", "s2:1:0:00000000", "s1:1:9:0", "s1:1,1:0:0", "s1:1:0x99999999999:0",
                                      "s1:ffffffffff:0:0", "s1:1:0/32:0", "s1:1:0x16777216.0:0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        why = NULL;
        assert_false(explore_schedule_parse(bad[i], &out, &why));
        assert_non_null(why);
    }
    free(text);
    explore_schedule_free(&s);
}

/* --- a machine for each test ------------------------------------------------------------------------------------------- */

struct bench {
    struct vm_program program;
    struct vm vm;
    struct explore_machine machine;
    struct explore_result result;
    struct explore_config config;
};

static struct bench *make(const char *text)
{
    struct bench *b = calloc(1, sizeof *b);
    model_text(&b->program, text);
    vm_init(&b->vm, &b->program);
    b->machine = vm_machine(&b->vm);
    b->config = explore_defaults;
    return b;
}

static void end(struct bench *b)
{
    explore_result_free(&b->result);
    vm_free(&b->vm);
    free(b);
}

/* Fails only when thread 1 runs its two writes between the two reads of thread 0. Padding makes random schedules long. */
static struct bench *make_hard(void)
{
    struct bench *b = calloc(1, sizeof *b);
    struct vm_program *p = &b->program;
    for (int i = 0; i < 6; i++)
        vm_emit(p, 0, VM_WRITE, VM_NONE, VM_NONE, 10, i);
    vm_emit(p, 0, VM_READ, 0, VM_NONE, 0, 0);
    vm_emit(p, 0, VM_JNZ, 0, 0, 10, 0);
    vm_emit(p, 0, VM_READ, 1, VM_NONE, 1, 0);
    vm_emit(p, 0, VM_JNZ, 1, 0, 13, 0);
    for (int i = 0; i < 2; i++)
        vm_emit(p, 0, VM_WRITE, VM_NONE, VM_NONE, 10, i);
    vm_emit(p, 0, VM_END, 0, 0, 0, 0);
    vm_emit(p, 0, VM_FAIL, 0, 0, 7, 0);
    for (unsigned t = 1; t <= 3; t++)
        for (int i = 0; i < 5; i++)
            vm_emit(p, t, VM_WRITE, VM_NONE, VM_NONE, t == 1 ? i % 3 + 20 : 10, i);
    vm_emit(p, 1, VM_WRITE, VM_NONE, VM_NONE, 0, 1);
    vm_emit(p, 1, VM_WRITE, VM_NONE, VM_NONE, 1, 1);
    vm_init(&b->vm, p);
    b->machine = vm_machine(&b->vm);
    b->config = explore_defaults;
    return b;
}

static void count_event(void *user, size_t index, const struct explore_choice *choice, const struct explore_event *event)
{
    size_t *events = user;
    assert_int_equal(index, *events);
    assert_non_null(choice);
    assert_non_null(event);
    ++*events;
}

static void every_strategy_finds_and_replays(void **state)
{
    static const enum explore_strategy all[] = {EXPLORE_DFS, EXPLORE_RANDOM, EXPLORE_PCT, EXPLORE_POS, EXPLORE_SURW, EXPLORE_DPOR};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct bench *b = make_hard();
        b->config.strategy = all[i];
        b->config.schedules = 1000000;
        b->config.iterate = true;
        explore_run(&b->machine, &b->config, &b->result);
        print_message("strategy %d: found at run %llu, %u preemptions\n", (int)all[i],
                      b->result.failure_count ? (unsigned long long)b->result.failures[0].found_at : 0,
                      b->result.failure_count ? b->result.failures[0].preemptions : 0);
        assert_int_equal(b->result.failure_count, 1);
        assert_int_equal(b->result.failures[0].key, 7);
        assert_false(b->result.complete);
        if (all[i] == EXPLORE_DFS)
            assert_int_equal(b->result.failures[0].preemptions, 1);
        struct explore_replay once, twice;
        struct explore_schedule *s = &b->result.failures[0].schedule, out = {0};
        size_t events = 0;
        explore_replay(&b->machine, s, &out, count_event, &events, &once);
        explore_replay(&b->machine, &out, NULL, NULL, NULL, &twice);
        assert_int_equal(once.status, EXPLORE_FAILED);
        assert_int_equal(once.outcome.key, 7);
        assert_int_equal(once.trace, twice.trace);
        assert_int_equal(events, s->count);
        assert_true(explore_schedule_equal(s, &out));
        explore_schedule_free(&out);
        end(b);
    }
}

static void seeds_are_reproducible(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t traces[2], steps[2];
        for (unsigned k = 0; k < 2; k++) {
            struct bench *b = make_hard();
            b->config.strategy = EXPLORE_RANDOM + i;
            b->config.schedules = 50;
            b->config.keep_going = true;
            b->config.seed = 77;
            explore_run(&b->machine, &b->config, &b->result);
            assert_int_equal(b->result.schedules, 50);
            traces[k] = b->result.traces;
            steps[k] = b->result.steps;
            end(b);
        }
        assert_int_equal(traces[0], traces[1]);
        assert_int_equal(steps[0], steps[1]);
    }
}

static void replay_that_does_not_fit(void **state)
{
    struct bench *b = make("w0,w0");
    struct explore_schedule s = {0};
    struct explore_replay r;
    (void)state;
    explore_schedule_append(&s, 0, 0);
    explore_schedule_append(&s, 5, 0);
    explore_replay(&b->machine, &s, NULL, NULL, NULL, &r);
    assert_true(r.diverged);
    assert_int_equal(r.diverged_at, 1);
    assert_int_equal(r.status, EXPLORE_CUT);
    s.count = 1; /* the rest follows by itself */
    explore_replay(&b->machine, &s, NULL, NULL, NULL, &r);
    assert_false(r.diverged);
    assert_int_equal(r.status, EXPLORE_DONE);
    explore_schedule_free(&s);
    end(b);
}

static void minimise(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct bench *b = make_hard();
        struct explore_replay r;
        struct explore_turning t;
        b->config.strategy = EXPLORE_RANDOM;
        b->config.seed = seed;
        b->config.schedules = 1000000;
        explore_run(&b->machine, &b->config, &b->result);
        assert_int_equal(b->result.failure_count, 1);
        struct explore_schedule *s = &b->result.failures[0].schedule;
        unsigned runs = explore_minimise(&b->machine, s, 0);
        explore_replay(&b->machine, s, NULL, NULL, NULL, &r);
        if (seed <= 3) {
            char *text = explore_schedule_print(s);
            print_message("%u preemptions to %u in %u runs: %s\n", b->result.failures[0].preemptions, r.preemptions, runs, text);
            free(text);
        }
        assert_int_equal(r.status, EXPLORE_FAILED);
        assert_int_equal(r.outcome.key, 7);
        assert_int_equal(r.preemptions, 1);
        explore_last_avoidable(&b->machine, s, 0, &t);
        assert_true(t.found);
        assert_int_equal(s->choices[t.index].agent, 1); /* the second write, which needed only to wait for the read */
        assert_int_equal(t.instead.agent, 0);
        explore_replay(&b->machine, &t.passing, NULL, NULL, NULL, &r);
        assert_int_equal(r.status, EXPLORE_DONE);
        explore_schedule_free(&t.passing);
        end(b);
    }
}

static void fewest_faults(void **state)
{
    struct bench *b = make("h0!1h0h0w0w0"); /* fails at once unless the first choice is 1 */
    (void)state;
    b->program.code[0][0].k = 1; /* all are faults */
    b->config.keep_going = true;
    explore_run(&b->machine, &b->config, &b->result);
    assert_int_equal(b->result.failing, 1);
    assert_true(b->result.unbounded);
    explore_result_free(&b->result);
    for (unsigned i = 0; i < b->program.length[0]; i++)
        if (b->program.code[0][i].op == VM_CHOOSE)
            b->program.code[0][i].k = 1;
    b->config.faults = 1;
    explore_run(&b->machine, &b->config, &b->result);
    assert_int_equal(b->result.schedules, 2); /* the failure; or the one fault spent on not failing */
    assert_true(b->result.complete);
    assert_false(b->result.unbounded);
    end(b);
}

/* --- limits ------------------------------------------------------------------------------------------------------------ */

static void limits_are_told(void **state)
{
    struct bench *b = make("w0w0w0,w0w0w0,w0w0w0");
    (void)state;
    b->config.nodes = 5;
    explore_run(&b->machine, &b->config, &b->result);
    assert_false(b->result.complete);
    assert_true(b->result.bound_hit);
    assert_non_null(b->result.why_not);
    explore_result_free(&b->result);
    b->config = explore_defaults;
    b->config.steps = 4;
    explore_run(&b->machine, &b->config, &b->result);
    assert_false(b->result.complete);
    assert_true(b->result.cut > 0);
    assert_int_equal(b->result.schedules, 0);
    explore_result_free(&b->result);
    b->config = explore_defaults;
    b->config.schedules = 10;
    explore_run(&b->machine, &b->config, &b->result);
    assert_false(b->result.complete);
    assert_int_equal(b->result.schedules, 10);
    end(b);
}

static void preemption_and_delay_bounds(void **state)
{
    static const uint64_t by_hand[] = {6};
    struct bench *b = make("w0w0w0,w0w0w0,w0w0w0");
    (void)state;
    b->config.strategy = EXPLORE_DFS;
    uint64_t before = 0;
    for (int bound = 0; bound <= 2; bound++) {
        b->config.preemptions = bound;
        b->config.iterate = bound == 2;
        explore_run(&b->machine, &b->config, &b->result);
        assert_true(b->result.complete);
        assert_false(b->result.unbounded);
        assert_int_equal(b->result.preemptions, bound);
        assert_true(b->result.schedules > before);
        if (bound == 0)
            assert_int_equal(b->result.schedules, by_hand[0]);
        before = b->result.schedules;
        explore_result_free(&b->result);
    }
    b->config.preemptions = -1;
    b->config.iterate = false;
    explore_run(&b->machine, &b->config, &b->result);
    assert_int_equal(b->result.schedules, 1680);
    assert_true(b->result.unbounded);
    explore_result_free(&b->result);
    b->config.iterate = true; /* rounds 0, 1, ...: each order counted once */
    explore_run(&b->machine, &b->config, &b->result);
    assert_int_equal(b->result.schedules, 1680);
    assert_true(b->result.unbounded);
    explore_result_free(&b->result);
    b->config.iterate = false;
    b->config.delays = 0;
    explore_run(&b->machine, &b->config, &b->result);
    assert_int_equal(b->result.schedules, 1);
    explore_result_free(&b->result);
    b->config.delays = 1;
    explore_run(&b->machine, &b->config, &b->result);
    assert_int_equal(b->result.schedules, 7); /* none, or one at each of the 6 events that are not alone */
    end(b);
}

static void endings_under_others(void **state)
{
    /* Whoever exits or fails ends the run; every failure has to be found, whatever ends runs before it. */
    struct bench *b = make("w1q0,w0!1,r0!2,c0!3");
    bool seen[4] = {false};
    (void)state;
    b->config.keep_going = true;
    explore_run(&b->machine, &b->config, &b->result);
    for (size_t i = 0; i < b->result.failure_count; i++)
        seen[b->result.failures[i].key & 3] = true;
    assert_true(seen[1] && seen[2] && seen[3]);
    assert_true(b->result.complete);
    assert_int_equal(b->result.blocked, 0);
    end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_schedules),
        cmocka_unit_test(damaged_text),
        cmocka_unit_test(every_strategy_finds_and_replays),
        cmocka_unit_test(seeds_are_reproducible),
        cmocka_unit_test(replay_that_does_not_fit),
        cmocka_unit_test(minimise),
        cmocka_unit_test(fewest_faults),
        cmocka_unit_test(limits_are_told),
        cmocka_unit_test(preemption_and_delay_bounds),
        cmocka_unit_test(endings_under_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
