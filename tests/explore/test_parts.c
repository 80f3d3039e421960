/* A search in parts comes to the same totals as one in one piece, whoever explores what when, whoever dies, and over a state file:
 * test_parts [PROGRAMS [SEED]]. Explorers are simulated: several items are out at a time, are cut at random, come back in any order
 * or not at all; results are damaged; the pool is written and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore/part.h"
#include "explore/share.h"
#include "models.h"

static unsigned programs = 120;
static uint64_t seed = 1;

static const struct {
    const char *name;
    struct random_shape shape;
} shapes[] = {
    {"branches", {"rwfcccw", 4, 5, 3, 4}},
    {"locks", {"rwfccw", 4, 5, 2, 3, .locks = true}},
    {"shared locks", {"rwfccw", 4, 4, 2, 3, .locks = true, .shared = true}},
    {"compare-exchange", {"rwxxycfp", 4, 5, 3, 3}},
    {"events", {"edvvnrwc", 4, 5, 3, 2}},
    {"time-outs, choices", {"emmhrwcx", 4, 4, 3, 2}},
    {"everything", {"rwfcxpedvnmABabhg", 4, 4, 3, 2, .locks = true, .shared = true, .nested = true, .spawn = true}},
};

static uint64_t draw(uint64_t n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (seed >> 33) % n;
}

struct cut {
    uint64_t after;
};

static bool cut_short(void *user)
{
    struct cut *c = user;
    return c->after-- == 0;
}

/* At least one run is made: the first question comes before it. */
static void explore_item(const struct explore_machine *m, struct part_keep *keep, const struct bytes *item, uint64_t runs, struct bytes *out)
{
    struct cut c = {runs + 1};
    struct part_how how = {.seconds = 1e9, .stop = cut_short, .user = &c};
    assert_true(explore_part(m, keep, item->data, item->count, &how, out));
}

/* One byte other than it was, or cut short: it is no item any more, and nobody begins with it. */
static void damaged_item(const struct explore_machine *m, struct part_keep *keep, const struct bytes *item)
{
    struct bytes copy = {0}, out = {0};
    struct part_how how = {.seconds = 1e9};
    bytes_put(&copy, item->data, item->count);
    copy.data[draw(copy.count)] ^= (uint8_t)(1 + draw(255));
    assert_false(explore_part(m, keep, copy.data, copy.count, &how, &out));
    assert_false(explore_part(m, keep, item->data, draw(item->count), &how, &out));
    assert_int_equal(out.count, 0);
    bytes_free(&copy);
    bytes_free(&out);
}

enum { OUT_AT_ONCE = 5 };

static struct share *over_a_file(struct share *p)
{
    struct bytes b = {0};
    share_save(p, &b);
    struct reader r = {.at = b.data, .end = b.data + b.count};
    struct share *again = share_load(&r);
    if (!again)
        print_message("strategy %u, stopped at byte %zu of %zu\n", b.data[0], (size_t)(r.at - b.data), b.count);
    assert_non_null(again);
    assert_ptr_equal(r.at, r.end);
    share_free(p);
    bytes_free(&b);
    return again;
}

static void damaged(struct share *p, uint64_t id, const struct bytes *result)
{
    struct bytes copy = {0};
    bytes_put(&copy, result->data, result->count);
    if (copy.count > 4) { /* cut short: never a whole result */
        size_t n = draw(copy.count - 1);
        assert_false(share_done(p, id, copy.data, n));
    }
    bytes_free(&copy);
}

static void in_parts(const struct explore_machine *m, const struct explore_config *c, struct explore_result *result)
{
    struct share *p = share_new(c);
    struct {
        uint64_t id;
        struct bytes item;
    } out[OUT_AT_ONCE] = {0};
    unsigned count = 0;
    struct part_keep *keep = part_keep_new();
    while (!share_over(p)) {
        if (count < OUT_AT_ONCE && draw(3) && share_take(p, (struct sharers){3, draw(2)}, &out[count].id, &out[count].item)) {
            count++;
            continue;
        }
        if (!count)
            continue;
        unsigned i = (unsigned)draw(count);
        if (draw(4) == 0) {
            share_back(p, out[i].id);
        } else {
            struct bytes r = {0};
            if (draw(6) == 0) { /* another explorer, as far as it matters */
                part_keep_free(keep);
                keep = part_keep_new();
            }
            if (draw(8) == 0)
                damaged_item(m, keep, &out[i].item);
            explore_item(m, keep, &out[i].item, draw(4) ? draw(20) : 0, &r);
            if (draw(8) == 0)
                damaged(p, out[i].id, &r);
            bool taken = share_done(p, out[i].id, r.data, r.count);
            if (!taken)
                print_message("strategy %u, preemptions %d: a result of %zu bytes was refused\n", c->strategy, c->preemptions, r.count);
            assert_true(taken);
            assert_false(share_done(p, out[i].id, r.data, r.count)); /* twice counts once */
            bytes_free(&r);
        }
        bytes_free(&out[i].item);
        out[i] = out[--count];
        memset(&out[count], 0, sizeof out[count]);
        if (draw(10) == 0) {
            while (count)
                bytes_free(&out[--count].item);
            p = over_a_file(p);
        }
    }
    while (count)
        bytes_free(&out[--count].item);
    share_result(p, result);
    share_free(p);
    part_keep_free(keep);
}

static unsigned differs(const struct vm_program *program, const struct explore_config *c, const char *what, const char *text, uint64_t most)
{
    struct vm vm;
    struct explore_result one, many;
    struct explore_config limited = *c;
    vm_init(&vm, program);
    struct explore_machine m = vm_machine(&vm);
    limited.schedules = c->schedules ? c->schedules : most;
    explore_run(&m, &limited, &one);
    if (!c->schedules && one.schedules >= most) { /* too large */
        explore_result_free(&one);
        vm_free(&vm);
        return 0;
    }
    in_parts(&m, c, &many);
    uint64_t times_one = 0, times_many = 0;
    for (size_t i = 0; i < one.failure_count; i++)
        times_one += one.failures[i].times ^ one.failures[i].key;
    for (size_t i = 0; i < many.failure_count; i++)
        times_many += many.failures[i].times ^ many.failures[i].key;
    /* Places are expanded without asking who is called for: more may look left out by the bound, and a higher one be covered too. */
    if (c->strategy != EXPLORE_DPOR && c->strategy != EXPLORE_DFS)
        what = c->strategy == EXPLORE_SURW ? "surw" : c->strategy == EXPLORE_PCT ? "pct" : c->strategy == EXPLORE_POS ? "pos" : "random";
    bool same = one.schedules == many.schedules && one.traces == many.traces && one.blocked == many.blocked && one.failing == many.failing &&
                one.complete == many.complete && one.failure_count == many.failure_count && (one.unbounded == many.unbounded || c->preemptions >= 0) && times_one == times_many &&
                (c->preemptions >= 0 ? one.preemptions <= many.preemptions : one.preemptions == many.preemptions);
    if (!same)
        print_message("%s, %s: %llu runs, %llu classes, %llu blocked, %llu failing (%zu kinds), complete %d %d %d; in parts %llu, %llu, %llu, %llu (%zu), %d %d %d %s\n", what, text,
                      (unsigned long long)one.schedules, (unsigned long long)one.traces, (unsigned long long)one.blocked, (unsigned long long)one.failing,
                      one.failure_count, one.complete, one.unbounded, one.preemptions, (unsigned long long)many.schedules, (unsigned long long)many.traces,
                      (unsigned long long)many.blocked, (unsigned long long)many.failing, many.failure_count, many.complete, many.unbounded, many.preemptions,
                      many.why_not ? many.why_not : "");
    explore_result_free(&one);
    explore_result_free(&many);
    vm_free(&vm);
    return !same;
}

static unsigned all_strategies(const struct vm_program *program, const char *text)
{
    struct explore_config c = explore_defaults;
    unsigned wrong = 0;
    c.keep_going = c.count_traces = true;
    wrong += differs(program, &c, "dpor", text, 3000);
    c.preemptions = (int)draw(3);
    c.iterate = draw(2);
    wrong += differs(program, &c, "bounded", text, 1500);
    c.strategy = EXPLORE_DFS;
    wrong += differs(program, &c, "dfs", text, 1500);
    c.preemptions = -1;
    c.iterate = false;
    c.strategy = (enum explore_strategy)(EXPLORE_RANDOM + draw(4));
    c.schedules = 100 + draw(200);
    wrong += differs(program, &c, "sampling", text, 1000);
    c.keep_going = false;
    wrong += differs(program, &c, "sampling to the first failure", text, 1000);
    return wrong;
}

static void random_programs(void **state)
{
    static struct vm_program program;
    char text[400];
    unsigned wrong = 0;
    for (unsigned i = 0; i < programs; i++) {
        uint64_t s = seed + i * 77;
        unsigned shape = i % (sizeof shapes / sizeof *shapes);
        model_random_text(&s, &shapes[shape].shape, text, sizeof text);
        model_text(&program, text);
        wrong += all_strategies(&program, text);
    }
    assert_int_equal(wrong, 0);
}

static void known_models(void **state)
{
    static const struct {
        model *make;
        unsigned n, k;
        const char *name;
    } rows[] = {{model_readers, 8, 0, "readers"}, {model_writers, 5, 0, "writers"}, {model_rw, 3, 0, "rw"}, {model_mutex, 3, 2, "mutex"},
                {model_lastzero, 8, 0, "lastzero"}, {model_indexer, 13, 0, "indexer"}, {model_filesystem, 18, 0, "filesystem"}};
    static struct vm_program program;
    struct explore_config c = explore_defaults;
    unsigned wrong = 0;
    c.keep_going = c.count_traces = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memset(&program, 0, sizeof program);
        rows[i].make(&program, rows[i].n, rows[i].k);
        for (int k = 0; k < 3; k++)
            wrong += differs(&program, &c, "dpor", rows[i].name, 100000);
    }
    assert_int_equal(wrong, 0);
}

int main(int argc, char **argv)
{
    programs = argc > 1 ? (unsigned)atoi(argv[1]) : programs;
    seed = argc > 2 ? (uint64_t)atoll(argv[2]) : seed;
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_models), cmocka_unit_test(random_programs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
