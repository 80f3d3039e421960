/* A machine in a mapped arena for tests of the executive's rooms, and agents that run host functions. */
#ifndef IRPLAB_TESTS_MACHINE_FIXTURE_H
#define IRPLAB_TESTS_MACHINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ke/ke.h"
#include "sim/machine.h"

/* cmocka's group set-up: the arena is mapped once a process. */
static int fixture_map(void **state)
{
    (void)state;
    host_arena_map();
    return 0;
}

/* The body of a test agent must not return. */
struct fixture_body {
    void (*fn)(void);
};

static inline void fixture_agent(void *arg)
{
    ((struct fixture_body *)arg)->fn();
    sim_agent_exit();
}

/* A thread-like agent without an NT thread. */
static inline struct agent *fixture_spawn(void (*fn)(void))
{
    struct fixture_body *b = sim_alloc(sizeof *b);
    b->fn = fn;
    struct agent *a = sim_agent_create(AGENT_THREAD, fixture_agent, b);
    sim_ready(a);
    return a;
}

/* Runs until nothing can go on, taking the first alternative of every choice. */
static inline enum run_end fixture_run(void)
{
    while (sim_run())
        sim_decide(0);
    return MACHINE->end;
}

/* The run must end with this bug check. */
static inline void fixture_expect_bugcheck(void (*fn)(void), uint32_t code, uint64_t p1)
{
    fixture_spawn(fn);
    assert_int_equal(fixture_run(), RUN_BUGCHECK);
    assert_int_equal(ke_bugcheck_info()->code, code);
    assert_int_equal(ke_bugcheck_info()->p[0], p1);
}

#endif
