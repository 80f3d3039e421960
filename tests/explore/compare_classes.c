/* Does the reduction run every class of orders? Orders are drawn at random, or run depth first, and each one's class has to be among those of the reduction. Of those that
 * fail under others the failure has to be: how far the others had come by then is of no interest.
 *
 * usage: compare_classes [--OPTION VALUE]... -- SECONDS ORDERS [show] [PROGRAM.exe [ARGUMENT]... | CASE]     0 ORDERS: as many as there is time for
 * Options are those of irplab explore. Says on one line how many classes there are, and of how many orders; fails if one was missed, or a run was given up.
 * show: the events of the first order that was missed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore/explore.h"
#include "lab/lab.h"
#include "session/explorable.h"
#include "session/session.h"
#include "sim/spins.h"

struct classes {
    uint64_t *slots; /* open addressing; 0: free */
    size_t size, count;
};

static struct classes known, failures, others;
static struct explore_schedule missed;
static uint64_t missed_trace;
static size_t missed_count;
static double until;

static bool add(struct classes *c, uint64_t trace)
{
    if (c->count * 2 >= c->size) {
        struct classes bigger = { calloc(c->size ? c->size * 2 : 1024, sizeof(uint64_t)), c->size ? c->size * 2 : 1024, 0 };
        for (size_t i = 0; i < c->size; i++)
            if (c->slots[i])
                add(&bigger, c->slots[i]);
        free(c->slots);
        *c = bigger;
    }
    size_t at = trace & (c->size - 1);
    for (; c->slots[at]; at = (at + 1) & (c->size - 1))
        if (c->slots[at] == trace)
            return false;
    c->slots[at] = trace;
    c->count++;
    return true;
}

static bool has(const struct classes *c, uint64_t trace)
{
    for (size_t at = trace & (c->size - 1); c->size && c->slots[at]; at = (at + 1) & (c->size - 1))
        if (c->slots[at] == trace)
            return true;
    return false;
}

static void of_reduction(void *user, const struct explore_report *run)
{
    add(&known, run->trace | 1);
    if (run->status == EXPLORE_FAILED)
        add(&failures, run->outcome->key | 1);
}

static void of_orders(void *user, const struct explore_report *run)
{
    bool failed = run->status == EXPLORE_FAILED;
    if (!add(&others, run->trace | 1) || (failed ? has(&failures, run->outcome->key | 1) : has(&known, run->trace | 1)) || missed_count++)
        return;
    explore_schedule_copy(&missed, run->schedule);
    missed_trace = run->trace;
}

static bool out_of_time(void *user)
{
    return lab_now() > until || spins_waiting();
}

static void print_event(void *user, size_t index, const struct explore_choice *choice, const struct explore_event *e)
{
    static const char kinds[] = "RWC";
    printf("%3zu agent %08x.%u op %u:", index, choice->agent, choice->alternative, e->op);
    for (unsigned i = 0; i < e->access_count; i++)
        printf(" %c%s %llx", e->accesses[i].kind > 2 ? '?' : kinds[e->accesses[i].kind], e->accesses[i].lock == 1 ? "a" : e->accesses[i].lock == 2 ? "r" : "",
               (unsigned long long)e->accesses[i].object);
    for (unsigned i = 0; i < e->enables_count; i++)
        printf(" enables %08x", e->enables[i]);
    for (unsigned i = 0; i < e->joins_count; i++)
        printf(" joins %08x", e->joins[i]);
    puts("");
}

static struct explore_result run(const struct explore_machine *m, enum explore_strategy strategy, uint64_t schedules, uint64_t seed, void (*ran)(void *, const struct explore_report *))
{
    struct explore_config c = explore_defaults;
    struct explore_result r;
    c.strategy = strategy;
    c.schedules = schedules;
    c.seed = seed;
    c.keep_going = true;
    c.steps = 100000;
    c.stop = out_of_time;
    c.stop_within = true;
    c.ran = ran;
    explore_run(m, &c, &r);
    return r;
}

int main(int argc, char **argv)
{
    static struct irplab lab;
    int i = 1;
    lab_init(&lab);
    for (; i < argc && strcmp(argv[i], "--") != 0; i += 2)
        if (strncmp(argv[i], "--", 2) != 0 || i + 1 >= argc || !irplab_set(&lab, argv[i] + 2, argv[i + 1])) {
            fprintf(stderr, "compare_classes: %s: %s\n", argv[i], lab.error);
            return 2;
        }
    i++;
    if (i + 1 >= argc)
        return 2;
    double seconds = atof(argv[i++]);
    uint64_t orders = strtoull(argv[i++], NULL, 10);
    bool show = i < argc && strcmp(argv[i], "show") == 0;
    i += show;
    bool is_case = i + 1 == argc && !strstr(argv[i], ".exe");
    if ((i < argc && !(is_case ? irplab_case(&lab, argv[i]) : irplab_program(&lab, argv[i], argc - i - 1, (const char *const *)argv + i + 1))) || !lab_prepare(&lab)) {
        fprintf(stderr, "compare_classes: %s\n", lab.error);
        return 2;
    }
    session_process_init();
    const struct explore_machine *machine = explorable_open(&lab.ready);
    struct explore_result r;
    until = lab_now() + seconds;
    for (;;) {
        r = run(machine, EXPLORE_DPOR, 0, 1, of_reduction);
        if (!spins_apply())
            break;
        known = failures = (struct classes) { 0 };
    }
    if (!r.complete || explorable_opaque()) {
        printf("not complete after %llu schedules: %s%s\n", (unsigned long long)r.schedules, r.why_not ? r.why_not : "", explorable_opaque() ? explorable_opaque() : "");
        return 1;
    }
    size_t twice = r.schedules - known.count;
    static const enum explore_strategy draws[] = { EXPLORE_RANDOM, EXPLORE_PCT, EXPLORE_POS };
    uint64_t drawn = 0;
    until = lab_now() + seconds;
    for (unsigned k = 0; k < 3; k++)
        drawn += run(machine, draws[k], orders ? orders / 3 + 1 : 200, lab.ready.seed ? lab.ready.seed : 1, of_orders).schedules;
    if (!orders)
        drawn += run(machine, EXPLORE_DFS, 0, 1, of_orders).schedules;
    printf("%zu classes, %llu failing, %zu run twice, %llu blocked, %llu given up; %llu orders of %zu classes, %zu missed\n", known.count, (unsigned long long)r.failing, twice,
           (unsigned long long)r.blocked, (unsigned long long)r.futile, (unsigned long long)drawn, others.count, missed_count);
    if (missed_count && show) {
        struct explore_replay replay;
        explore_replay(machine, &missed, NULL, print_event, NULL, &replay);
        printf("class %016llx, replayed %016llx\n", (unsigned long long)missed_trace, (unsigned long long)replay.trace);
    }
    return missed_count || r.blocked || twice;
}
