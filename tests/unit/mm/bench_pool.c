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

/* The best of many short rounds: the machine has other things to do. */
static void pairs(size_t bytes)
{
    enum { ROUNDS = 400, N = 2000 };
    double best = 1;
    for (int r = 0; r < ROUNDS; r++) {
        double start = now();
        for (int i = 0; i < N; i++)
            ex_pool_free(ex_pool_alloc(0, bytes, 0x74736554));
        double t = (now() - start) / N;
        best = t < best ? t : best;
    }
    printf("%zu bytes: %.1f ns\n", bytes, best * 1e9);
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
