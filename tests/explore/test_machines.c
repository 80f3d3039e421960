/* Machines other than the toy one: many agents with wide ids, many objects at once, and machines that break their promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "explore/explore.h"

enum { MOST = 400, OBJECTS = 20 };

/* `agents` agents of `events` events each. All events of an agent write objects of its own; those of the agents below `rivals` also
 * write one common object. */
struct wide {
    unsigned agents, events, rivals, objects;
    bool fickle;  /* what an event touches differs from reset to reset */
    bool secretive; /* agent 1 waits for agent 0 and does not say so */
    bool endless;
    unsigned resets;
    uint32_t running;
    unsigned done[MOST];
    struct explore_agent enabled[MOST];
    struct explore_access accesses[OBJECTS + 1];
};

static uint32_t id_of(unsigned agent)
{
    return agent * 2654435761u + 77777;
}

static unsigned agent_of(const struct wide *w, uint32_t id)
{
    unsigned i = 0;
    while (i < w->agents && id_of(i) != id)
        i++;
    return i;
}

static void reset(void *context)
{
    struct wide *w = context;
    memset(w->done, 0, sizeof w->done);
    w->running = EXPLORE_NO_AGENT;
    w->resets++;
}

static enum explore_status point(void *context, struct explore_point *out)
{
    struct wide *w = context;
    unsigned n = 0;
    out->running = w->running;
    out->running_can_go_on = false;
    out->enabled = w->enabled;
    for (unsigned i = 0; i < w->agents; i++) {
        if (w->done[i] == w->events || (w->secretive && i == 1 && !w->done[0]))
            continue;
        w->enabled[n++] = (struct explore_agent){.id = id_of(i), .alternatives = 1};
        out->running_can_go_on |= id_of(i) == w->running;
    }
    out->enabled_count = n;
    return n ? EXPLORE_RUNNING : EXPLORE_DONE;
}

static void step(void *context, uint32_t id, unsigned alternative, struct explore_event *out)
{
    struct wide *w = context;
    unsigned agent = agent_of(w, id), n = 0;
    assert_true(agent < w->agents);
    for (unsigned i = w->objects; i > 0; i--)
        w->accesses[n++] = (struct explore_access){(uint64_t)id << 32 | (w->fickle ? w->resets * 1000 + i : i), EXPLORE_WRITE, 0};
    if (agent < w->rivals)
        w->accesses[n++] = (struct explore_access){42, EXPLORE_WRITE, 0};
    w->done[agent] += !w->endless;
    w->running = id;
    *out = (struct explore_event){.accesses = w->accesses, .access_count = n, .flags = EXPLORE_FIXED | EXPLORE_NEVER_WAITS};
}

static void outcome(void *context, struct explore_outcome *out)
{
    (void)context;
    *out = (struct explore_outcome){1, "never"};
}

static struct wide *make(unsigned agents, unsigned events, unsigned rivals, unsigned objects)
{
    struct wide *w = calloc(1, sizeof *w);
    w->agents = agents;
    w->events = events;
    w->rivals = rivals;
    w->objects = objects;
    return w;
}

static struct explore_result run(struct wide *w, const struct explore_config *config)
{
    struct explore_machine m = {.context = w, .reset = reset, .point = point, .step = step, .outcome = outcome};
    struct explore_result r;
    explore_run(&m, config, &r);
    return r;
}

static void many_agents(void **state)
{
    (void)state;
    for (unsigned agents = 3; agents <= 200; agents += 50)
        for (int bound = -1; bound <= 2; bound++) {
            struct wide *w = make(agents, 2, 2, 3);
            struct explore_config config = explore_defaults;
            config.preemptions = bound;
            struct explore_result r = run(w, &config);
            assert_true(r.complete);
            assert_int_equal(r.blocked, 0);
            assert_int_equal(r.schedules, bound == 0 ? 2 : bound == 1 ? 4 : 6); /* of two and two events */
            explore_result_free(&r);
            free(w);
        }
}

static void rivals_that_share_a_bit(void **state)
{
    struct wide *w = make(80, 1, 80, 0);
    struct explore_config config = explore_defaults;
    (void)state;
    config.preemptions = 1;
    config.schedules = 3000;
    struct explore_result r = run(w, &config);
    assert_int_equal(r.schedules, 3000);
    assert_int_equal(r.traces, 0);
    explore_result_free(&r);
    free(w);
}

static void many_objects(void **state)
{
    struct wide *w = make(3, 2, 3, OBJECTS);
    struct explore_config config = explore_defaults;
    (void)state;
    config.count_traces = true;
    struct explore_result r = run(w, &config);
    assert_int_equal(r.schedules, 90);
    assert_int_equal(r.traces, 90);
    explore_result_free(&r);
    free(w);
}

static void too_many_agents(void **state)
{
    struct wide *w = make(EXPLORE_AGENTS_MAX + 1, 1, 0, 1);
    (void)state;
    struct explore_result r = run(w, &explore_defaults);
    assert_false(r.complete);
    assert_true(r.bound_hit);
    assert_non_null(strstr(r.why_not, "agents"));
    explore_result_free(&r);
    free(w);
}

static void endless_runs_are_cut(void **state)
{
    (void)state;
    for (int strategy = EXPLORE_DFS; strategy <= EXPLORE_DPOR; strategy++)
        for (int bound = -1; bound <= 0; bound++) {
            struct wide *w = make(2, 1, 2, 1);
            struct explore_config config = explore_defaults;
            config.strategy = (enum explore_strategy)strategy;
            config.preemptions = bound;
            config.steps = 20;
            config.schedules = 5;
            w->endless = true;
            struct explore_result r = run(w, &config);
            assert_false(r.complete);
            assert_true(r.bound_hit);
            assert_true(r.cut > 0);
            assert_int_equal(r.schedules, 0);
            explore_result_free(&r);
            free(w);
        }
}

static void broken_promises_are_told(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct wide *w = make(3, 2, 2, 1);
        w->fickle = kind == 0;
        w->secretive = kind == 1;
        struct explore_result r = run(w, &explore_defaults);
        assert_false(r.complete);
        assert_non_null(strstr(r.why_not, "broken promise"));
        explore_result_free(&r);
        free(w);
    }
}

static uint64_t state_of(void *context)
{
    struct wide *w = context;
    uint64_t sum = 0;
    for (unsigned i = 0; i < w->agents; i++)
        sum += (uint64_t)w->done[i] << (i * 3);
    return sum;
}

static void count_breach(void *user, const char *text, const struct explore_schedule *upto)
{
    unsigned *count = user;
    assert_non_null(strstr(text, "agent"));
    assert_true(upto->count >= 2);
    ++*count;
}

static void independence_is_checked(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct wide *w = make(4, 3, 0, 1);
        struct explore_machine m = {.context = w, .reset = reset, .point = point, .step = step, .outcome = outcome};
        struct explore_config config = explore_defaults;
        unsigned reported = 0;
        uint64_t breaches;
        config.schedules = 20;
        w->secretive = kind == 1;
        uint64_t pairs = explore_check(&m, &config, state_of, count_breach, &reported, &breaches);
        assert_true(pairs > 50);
        assert_int_equal(breaches, reported);
        assert_int_equal(breaches > 0, kind == 1);
        free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_agents),
        cmocka_unit_test(rivals_that_share_a_bit),
        cmocka_unit_test(many_objects),
        cmocka_unit_test(too_many_agents),
        cmocka_unit_test(endless_runs_are_cut),
        cmocka_unit_test(broken_promises_are_told),
        cmocka_unit_test(independence_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
