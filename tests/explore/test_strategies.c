/* Strategies that draw schedules, against what their papers say of them: how often each order comes, over many runs with fixed seeds.
 *
 *   random walk  uniform among who can run at each step; so an order of m + 1 steps before another's first has 2^-(m + 1).
 *   PCT          Burckhardt et al., ASPLOS 2010: a failure of depth d comes with at least 1 / (n k^(d - 1)); d - 1 steps, drawn uniformly among the k, at
 *                which who runs goes behind all others.
 *   POS          Yuan et al., CAV 2018: priorities belong to operations, and are drawn anew for those that race with the one that ran. The numbers below
 *                follow from that by counting orders of independent uniform numbers. GUESS: an operation races if it could run before that one and touches the
 *                same object, one of both changing it (the chapter itself could not be read, its abstract and accounts of it could).
 *   URW, SURW    Zhao et al., ASPLOS 2025: without blocking, and with right counts, uniform over the orders of all events, or of the selected ones.
 *
 * What is compared is chi-square against its critical value at 0.1 %, so a wrong distribution fails and a right one passes with these seeds for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vm.h"

enum { MOST_ORDERS = 256, LONGEST = 32 };

struct order {
    char text[LONGEST]; /* a letter an event: A is thread 0 */
    uint64_t times;
};

struct sample {
    struct vm_program program;
    uint32_t counted[VM_THREADS]; /* of each thread, the events that matter: bit n is its nth */
    struct order orders[MOST_ORDERS];
    unsigned count;
    uint64_t runs, failing, longest;
};

static void note(void *user, const struct explore_report *run)
{
    struct sample *s = user;
    unsigned at[VM_THREADS] = {0}, n = 0, i = 0;
    char text[LONGEST];
    s->runs++;
    s->failing += run->outcome != NULL;
    s->longest = run->schedule->count > s->longest ? run->schedule->count : s->longest;
    for (size_t k = 0; k < run->schedule->count; k++) {
        uint32_t thread = run->schedule->choices[k].agent;
        if (s->counted[thread] >> at[thread]++ & 1)
            text[n++] = (char)('A' + thread);
        assert_true(n < LONGEST);
    }
    text[n] = 0;
    while (i < s->count && strcmp(s->orders[i].text, text) != 0)
        i++;
    if (i == s->count) {
        assert_true(s->count < MOST_ORDERS);
        strcpy(s->orders[s->count++].text, text);
    }
    s->orders[i].times++;
}

static struct sample *draw(struct sample *s, enum explore_strategy strategy, unsigned depth, uint64_t runs)
{
    struct vm vm;
    struct explore_config c = explore_defaults;
    struct explore_result r;
    vm_init(&vm, &s->program);
    struct explore_machine machine = vm_machine(&vm);
    s->count = 0;
    s->runs = s->failing = s->longest = 0;
    c.strategy = strategy;
    c.depth = depth;
    c.seed = 12345;
    c.schedules = runs;
    c.keep_going = true;
    c.ran = note;
    c.user = s;
    explore_run(&machine, &c, &r);
    assert_int_equal(r.schedules, runs);
    explore_result_free(&r);
    vm_free(&vm);
    return s;
}

static uint64_t times(const struct sample *s, const char *order)
{
    for (unsigned i = 0; i < s->count; i++)
        if (strcmp(s->orders[i].text, order) == 0)
            return s->orders[i].times;
    return 0;
}

/* Threads as words: x and y write the variables that all share, X and Y read them, p writes one that nobody else touches. All letters but p count. */
static struct sample *make(const char *threads)
{
    static struct sample s;
    memset(&s, 0, sizeof s);
    unsigned thread = 0, n = 0;
    for (const char *c = threads; *c; c++) {
        if (*c == ',') {
            thread++;
            n = 0;
            continue;
        }
        bool reads = *c == 'X' || *c == 'Y';
        int var = *c == 'p' ? 2 + (int)thread : (*c | 0x20) - 'x';
        vm_emit(&s.program, thread, reads ? VM_READ : VM_WRITE, reads ? 0 : VM_NONE, VM_NONE, var, reads ? 0 : 1);
        s.counted[thread] |= (*c != 'p' ? 1u : 0u) << n++;
    }
    return &s;
}

static void all_count(struct sample *s)
{
    for (unsigned t = 0; t < VM_THREADS; t++)
        s->counted[t] = ~0u;
}

/* The value that chi-square with so many degrees of freedom exceeds once in a thousand times (Wilson and Hilferty's approximation). */
static double critical(unsigned freedom)
{
    double f = freedom, h = 2 / (9 * f), root = 1 - h + 3.0902 * sqrt(h);
    return f * root * root * root;
}

static void must_be_uniform(const struct sample *s, unsigned orders, const char *what)
{
    double expected = (double)s->runs / orders, sum = 0;
    for (unsigned i = 0; i < s->count; i++)
        sum += (s->orders[i].times - expected) * (s->orders[i].times - expected) / expected;
    print_message("%s: %u of %u orders, chi-square %.1f, at most %.1f\n", what, s->count, orders, sum, critical(orders - 1));
    assert_int_equal(s->count, orders);
    assert_true(sum < critical(orders - 1));
}

/* One probability: within 3.3 standard deviations, once in a thousand outside. */
static void must_be(uint64_t hits, uint64_t runs, double p, const char *what)
{
    double sigma = sqrt(runs * p * (1 - p)), off = (hits - runs * p) / sigma;
    print_message("%s: %.4f, expected %.4f (%+.1f sigma)\n", what, (double)hits / runs, p, off);
    assert_true(fabs(off) < 3.3);
}

/* ---- random walk ---- */

static void random_walk(void **state)
{
    (void)state;
    struct sample *s = draw(make("ppppx,x"), EXPLORE_RANDOM, 0, 40000);
    must_be(times(s, "AB"), s->runs, 1.0 / 32, "random walk: four steps and a write before another's");
    s = draw(make("xx,x"), EXPLORE_RANDOM, 0, 40000);
    must_be(times(s, "BAA"), s->runs, 0.5, "random walk: BAA");
    must_be(times(s, "AAB"), s->runs, 0.25, "random walk: AAB");
}

/* ---- POS ---- */

static void pos_priorities(void **state)
{
    (void)state;
    /* B's write comes last if its one priority is the least of all six. */
    struct sample *s = draw(make("ppppx,x"), EXPLORE_POS, 0, 40000);
    must_be(times(s, "AB"), s->runs, 1.0 / 6, "pos: four steps and a write before another's");
    s = draw(make("x,x,x"), EXPLORE_POS, 0, 60000);
    must_be_uniform(s, 6, "pos: three writers");
}

/* Who lost a race has a new chance: 1/4 where old priorities would make it 1/3. */
static void pos_draws_again(void **state)
{
    (void)state;
    must_be(times(draw(make("xx,x"), EXPLORE_POS, 0, 40000), "AAB"), 40000, 0.25, "pos: two writes, then a write");
    must_be(times(draw(make("Xx,x"), EXPLORE_POS, 0, 40000), "AAB"), 40000, 0.25, "pos: a read and a write, then a write that races with both");
    must_be(times(draw(make("xx,X"), EXPLORE_POS, 0, 40000), "AAB"), 40000, 0.25, "pos: two writes, then a read");
    must_be(times(draw(make("XX,X"), EXPLORE_POS, 0, 40000), "AAB"), 40000, 1.0 / 3, "pos: reads do not race");
    must_be(times(draw(make("xx,y"), EXPLORE_POS, 0, 40000), "AAB"), 40000, 1.0 / 3, "pos: other variables do not race");
}

/* ---- PCT ---- */

/* With one change point, who comes first stops after as many steps as were drawn, each number as often; or, where the point fell to the other, never. */
static void pct_change_points(void **state)
{
    enum { EACH = 8, STEPS = 2 * EACH, RUNS = 64000 };
    uint64_t stopped[EACH + 1] = {0};
    double sum = 0;
    (void)state;
    struct sample *s = make("pppppppp,pppppppp");
    all_count(s);
    draw(s, EXPLORE_PCT, 2, RUNS);
    assert_int_equal(s->longest, STEPS);
    for (unsigned i = 0; i < s->count; i++) {
        const char *t = s->orders[i].text;
        size_t first = strspn(t, (char[2]){t[0], 0}), other = strspn(t + first, (char[2]){t[first], 0});
        assert_true(first + other == STEPS || other == EACH); /* not more than one change */
        stopped[first] += s->orders[i].times;
    }
    /* Stopping at once lets the other go first: the same order as if that had had the higher priority and was never stopped. */
    for (unsigned n = 1; n < EACH; n++)
        sum += (stopped[n] - RUNS / STEPS) * (stopped[n] - RUNS / STEPS) / (double)(RUNS / STEPS);
    print_message("pct: change points, chi-square %.1f, at most %.1f\n", sum, critical(EACH - 2));
    assert_true(sum < critical(EACH - 2));
    must_be(stopped[EACH], RUNS, (EACH + 1.0) / STEPS, "pct: no change that shows");
}

/* Runs that fail only if the first step of B comes between two neighbours of A, and so on: `depth` orderings. */
static void pct_bound(const char *threads, const char *failing, unsigned depth, unsigned agents, uint64_t runs)
{
    struct sample *s = make(threads);
    char what[80];
    draw(s, EXPLORE_PCT, depth, runs);
    double least = 1.0 / (agents * pow((double)s->longest, depth - 1)), p = (double)times(s, failing) / runs;
    snprintf(what, sizeof what, "pct: %s of %s, depth %u", failing, threads, depth);
    print_message("%s: %.5f, at least %.5f\n", what, p, least);
    assert_true(p >= least - 3.3 * sqrt(least / runs));
}

static void pct_finds_with_its_bound(void **state)
{
    (void)state;
    pct_bound("ppxpp,ppxpp", "AB", 1, 2, 20000);
    pct_bound("pppxxppp,pppxppp", "ABA", 2, 2, 40000);
    pct_bound("pppxxppp,pxp,pp", "ABA", 2, 3, 40000);
    pct_bound("ppxxpp,ppxxpp", "ABAB", 3, 2, 200000);
    pct_bound("ppxxxpp,pxxp,p", "ABABA", 4, 3, 400000);
}

/* ---- URW, SURW ---- */

/* Nothing is shared: all events have the same weight. The first run tells how many there are. */
static void urw_is_uniform(void **state)
{
    (void)state;
    struct sample *s = make("ppp,ppp");
    all_count(s);
    must_be_uniform(draw(s, EXPLORE_SURW, 0, 40000), 20, "urw: 3 and 3 events");
    s = make("p,pppp");
    all_count(s);
    must_be_uniform(draw(s, EXPLORE_SURW, 0, 40000), 5, "urw: 1 and 4 events");
    s = make("pp,pp,pp");
    all_count(s);
    must_be_uniform(draw(s, EXPLORE_SURW, 0, 60000), 90, "urw: 2, 2 and 2 events");
}

static void surw_is_uniform_over_what_is_selected(void **state)
{
    (void)state;
    must_be_uniform(draw(make("xxx,xxx"), EXPLORE_SURW, 0, 40000), 20, "surw: 3 and 3 writes");
    must_be_uniform(draw(make("pxpppxpx,xxpppp"), EXPLORE_SURW, 0, 40000), 10, "surw: 3 and 2 writes among others");
    must_be_uniform(draw(make("x,xppx,ppxpx"), EXPLORE_SURW, 0, 40000), 30, "surw: 1, 2 and 2 writes among others");
}

/* Which variable is selected is drawn for each run, so half of the runs are uniform over the orders of x, and the others over those of y. */
static void surw_selects_each(void **state)
{
    (void)state;
    struct sample *s = make("yxxxx,xy");
    s->counted[0] = 0x1E;
    s->counted[1] = 1;
    draw(s, EXPLORE_SURW, 0, 40000);
    assert_int_equal(s->count, 5);
    for (unsigned i = 0; i < s->count; i++) {
        print_message("surw: %s in %.3f of the runs, at least 0.100\n", s->orders[i].text, (double)s->orders[i].times / s->runs);
        assert_true(s->orders[i].times > s->runs * (0.1 - 0.005));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_walk), cmocka_unit_test(pos_priorities), cmocka_unit_test(pos_draws_again), cmocka_unit_test(pct_change_points),
        cmocka_unit_test(pct_finds_with_its_bound), cmocka_unit_test(urw_is_uniform), cmocka_unit_test(surw_is_uniform_over_what_is_selected),
        cmocka_unit_test(surw_selects_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
