/* A machine with the kernel core and real threads whose bodies are host functions; a log of what happened in which order. */
#ifndef IRPLAB_TESTS_KE_FIXTURE_H
#define IRPLAB_TESTS_KE_FIXTURE_H

#include <stdio.h>

#include "../machine_fixture.h"
#include "ke/private.h"
#include "ob/ob.h"
#include "ps/process.h"
#include "sim/image.h"
#include "trace/trace.h"

static char log_text[1024];

static inline void note(const char *what)
{
    size_t n = strlen(log_text);
    snprintf(log_text + n, sizeof log_text - n, "%s%s", n ? " " : "", what);
}

static inline int machine_make(unsigned processors)
{
    log_text[0] = 0;
    sim_init(processors);
    trace_init();
    ke_init();
    door_images_build();
    ob_init();
    ps_init();
    return 0;
}

static inline int one_processor(void **state)
{
    return machine_make(1);
}

static inline int two_processors(void **state)
{
    return machine_make(2);
}

static inline struct thread *spawn(void (*fn)(void *))
{
    return ps_create_host_thread(fn, NULL, "test");
}

/* Everything ran to its end: nobody is left waiting. */
static inline void run_to_end(const char *expected_log)
{
    enum run_end end = fixture_run();
    assert_int_equal(end, RUN_DEADLOCK);
    assert_null(ps_threads());
    assert_string_equal(log_text, expected_log);
}

static inline LARGE_INTEGER *milliseconds(int n)
{
    static LARGE_INTEGER t[16];
    static unsigned i;
    LARGE_INTEGER *p = &t[i++ % 16];
    p->QuadPart = -10000ll * n;
    return p;
}

static inline NTSTATUS wait_for(void *object)
{
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, NULL);
}

static inline NTSTATUS poll(void *object)
{
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, milliseconds(0));
}

#endif
