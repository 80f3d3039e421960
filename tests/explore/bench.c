/* Speed of the explorer on the toy machine: bench_explore [MODEL N]. Prints runs and events per second. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "models.h"

static const struct {
    const char *name;
    model *make;
    unsigned n, k;
    enum explore_strategy strategy;
    uint64_t schedules;
    int bound; /* preemptions + 1; 0: none */
} cases[] = {
    {"lastzero", model_lastzero, 10, 0, EXPLORE_DPOR, 0},
    {"lastzero", model_lastzero, 15, 0, EXPLORE_DPOR, 0},
    {"indexer", model_indexer, 15, 0, EXPLORE_DPOR, 0},
    {"indexer", model_indexer, 16, 0, EXPLORE_DPOR, 0},
    {"filesystem", model_filesystem, 22, 0, EXPLORE_DPOR, 0},
    {"filesystem", model_filesystem, 24, 0, EXPLORE_DPOR, 0},
    {"mutex", model_mutex, 5, 2, EXPLORE_DPOR, 0},
    {"readers", model_readers, 16, 0, EXPLORE_DPOR, 0},
    {"dfs inc", model_rw, 5, 0, EXPLORE_DFS, 0},
    {"bound 2 lastzero", model_lastzero, 10, 0, EXPLORE_DPOR, 0, 3},
    {"bound 2 indexer", model_indexer, 12, 0, EXPLORE_DPOR, 0, 3},
    {"bound 2 filesys", model_filesystem, 14, 0, EXPLORE_DPOR, 0, 3},
    {"bound 2 mutex", model_mutex, 4, 4, EXPLORE_DPOR, 0, 3},
    {"bound 2 inc", model_rw, 5, 0, EXPLORE_DPOR, 0, 3},
    {"dfs 2 mutex", model_mutex, 4, 4, EXPLORE_DFS, 0, 3},
    {"random lastzero", model_lastzero, 15, 0, EXPLORE_RANDOM, 200000},
    {"pct lastzero", model_lastzero, 15, 0, EXPLORE_PCT, 200000},
    {"pos lastzero", model_lastzero, 15, 0, EXPLORE_POS, 200000},
    {"surw lastzero", model_lastzero, 15, 0, EXPLORE_SURW, 200000},
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void measure(unsigned i, unsigned n)
{
    static struct vm_program program;
    struct vm vm;
    struct explore_result r;
    struct explore_config config = explore_defaults;
    cases[i].make(&program, n, cases[i].k);
    vm_init(&vm, &program);
    struct explore_machine machine = vm_machine(&vm);
    config.strategy = cases[i].strategy;
    config.schedules = cases[i].schedules;
    config.preemptions = cases[i].bound - 1;
    double start = now();
    explore_run(&machine, &config, &r);
    double seconds = now() - start;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double events = (double)(r.steps - r.replayed - r.tries);
    printf("%-16s %3u  %9llu runs %7.3f s %9.0f runs/s  %5.2f M steps/s  %5.1f new events/run  %4.1f replayed  %4.1f tried  %6llu merged  %ld MB\n",
           cases[i].name, n, (unsigned long long)r.schedules, seconds, (double)r.schedules / seconds, (double)r.steps / seconds * 1e-6,
           events / (double)r.schedules, (double)r.replayed / (double)r.schedules, (double)r.tries / (double)r.schedules,
           (unsigned long long)r.merged, usage.ru_maxrss / 1024);
    explore_result_free(&r);
    vm_free(&vm);
}

int main(int argc, char **argv)
{
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (argc > 1 && strcmp(argv[1], cases[i].name) != 0)
            continue;
        measure(i, argc > 2 ? (unsigned)atoi(argv[2]) : cases[i].n);
        if (argc > 2)
            break;
    }
    return 0;
}
