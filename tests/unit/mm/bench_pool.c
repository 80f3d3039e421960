/* Nanoseconds of an allocate and free pair. */
#include <stdio.h>
#include <time.h>

#include "machine_fixture.h"
#include "mm/mm.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void pairs(size_t bytes)
{
    enum { N = 2000000 };
    double start = now();
    for (int i = 0; i < N; i++)
        ex_pool_free(ex_pool_alloc(0, bytes, 0x74736554));
    printf("%zu bytes: %.1f ns\n", bytes, (now() - start) / N * 1e9);
}

static void body(void)
{
    pairs(32);
    pairs(208);
    pairs(1024);
    pairs(4096);
}

int main(void)
{
    fixture_map(NULL);
    sim_init(1);
    fixture_spawn(body);
    fixture_run();
    return 0;
}
