/* The bytes of a run do not depend on how its prefix came about: replayed from the start, or restored from a snapshot, however close
 * snapshots lie. usage: test_checkpoints CASE SCHEDULES. Compares, run by run, classes and run hashes of a depth-first search and of one
 * with reduction without snapshots, with one before every event, and with the usual distance. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore/explore.h"
#include "lab/lab.h"
#include "session/explorable.h"
#include "session/session.h"

struct seen {
    uint64_t trace, hash;
};

struct log {
    struct seen *runs;
    size_t count, room;
};

static void note(void *user, const struct explore_report *run)
{
    struct log *l = user;
    if (l->count < l->room)
        l->runs[l->count++] = (struct seen) { run->trace, session_run_hash() };
}

static struct log explore(const struct explore_machine *m, enum explore_strategy strategy, size_t checkpoint, size_t most)
{
    struct log l = { calloc(most, sizeof(struct seen)), 0, most };
    struct explore_config c = explore_defaults;
    struct explore_result r;
    c.strategy = strategy;
    c.schedules = most;
    c.checkpoint = checkpoint;
    c.keep_going = true;
    c.ran = note;
    c.user = &l;
    explore_run(m, &c, &r);
    explore_result_free(&r);
    return l;
}

static bool same(const struct log *a, const struct log *b, const char *what)
{
    if (a->count == b->count && a->count && memcmp(a->runs, b->runs, a->count * sizeof *a->runs) == 0)
        return true;
    size_t i = 0;
    while (i < a->count && i < b->count && memcmp(&a->runs[i], &b->runs[i], sizeof *a->runs) == 0)
        i++;
    printf("%s: %zu and %zu runs, the first to differ is %zu\n", what, a->count, b->count, i);
    return false;
}

int main(int argc, char **argv)
{
    static struct irplab lab;
    lab_init(&lab);
    if (argc < 3 || !config_read_case(&lab.config, argv[1], lab.error, sizeof lab.error) || !lab_prepare(&lab)) {
        fprintf(stderr, "usage: test_checkpoints CASE SCHEDULES (%s)\n", lab.error);
        return 2;
    }
    size_t most = (size_t)atoi(argv[2]);
    bool ok = true;
    session_process_init();
    const struct explore_machine *machine = explorable_open(&lab.ready);
    struct explore_machine bare = *machine;
    bare.snapshot = NULL;
    bare.restore = NULL;
    bare.discard = NULL;
    static const enum explore_strategy strategies[] = { EXPLORE_DFS, EXPLORE_DPOR, EXPLORE_RANDOM, EXPLORE_PCT, EXPLORE_POS, EXPLORE_SURW };
    for (unsigned i = 0; i < sizeof strategies / sizeof *strategies; i++) {
        struct log without = explore(&bare, strategies[i], 0, most), each = explore(machine, strategies[i], 1, most), usual = explore(machine, strategies[i], 0, most);
        ok &= same(&without, &each, "a snapshot before every event") & same(&without, &usual, "snapshots at the usual distance");
        printf("strategy %d: %zu runs\n", strategies[i], usual.count);
        free(without.runs);
        free(each.runs);
        free(usual.runs);
    }
    return !ok;
}
