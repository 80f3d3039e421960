/* The parts' common half: messages, limits, results. */
#include "explore/part.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "explore/dpor.h"
#include "explore/search.h"

/* --- footprints, schedules, configurations -------------------------------------------------------------------------- */

void put_print(struct bytes *b, struct prints_out *m, const struct footprints *f, uint32_t print)
{
    size_t old = m->room;
    m->map = explore_grow(m->map, &m->room, print + 1, sizeof *m->map);
    memset(m->map + old, 0, (m->room - old) * sizeof *m->map);
    if (print == FOOTPRINT_ALL) {
        bytes_u(b, 0);
        return;
    }
    if (m->map[print]) {
        bytes_u(b, m->map[print]);
        return;
    }
    m->map[print] = ++m->count;
    bytes_u(b, m->count);
    const struct touch *t = footprint_touches(f, print);
    bytes_u(b, f->all[print].count);
    for (uint32_t i = 0; i < f->all[print].count; i++) {
        bytes_u(b, t[i].id);
        bytes_u(b, t[i].kind);
        bytes_u(b, t[i].lock);
    }
}

uint32_t get_print(struct reader *r, struct prints_in *m, struct footprints *f)
{
    uint64_t number = read_u(r);
    if (number == 0)
        return FOOTPRINT_ALL;
    if (number <= m->count)
        return m->all[number - 1];
    r->bad |= number != m->count + 1;
    size_t n = read_count(r);
    struct explore_access *a = calloc(n + 1, sizeof *a);
    if (!a)
        base_panic("out of memory while exploring");
    for (size_t i = 0; i < n; i++) {
        a[i].object = read_u(r);
        a[i].kind = (uint8_t)read_u(r);
        a[i].lock = (uint8_t)read_u(r);
        r->bad |= a[i].lock > EXPLORE_LOCK_RELEASE;
    }
    uint32_t print = r->bad ? FOOTPRINT_NONE : footprint_intern(f, a, (unsigned)n);
    free(a);
    m->all = explore_grow(m->all, &m->room, m->count + 1, sizeof *m->all);
    m->all[m->count++] = print;
    return print;
}

void put_schedule(struct bytes *b, const struct explore_schedule *s)
{
    bytes_u(b, s->count);
    for (size_t i = 0; i < s->count; i++) {
        bytes_u(b, s->choices[i].agent);
        bytes_u(b, s->choices[i].alternative);
    }
}

void get_schedule(struct reader *r, struct explore_schedule *s)
{
    size_t n = read_count(r);
    for (size_t i = 0; i < n && !r->bad; i++) {
        uint64_t agent = read_u(r), alternative = read_u(r);
        r->bad |= agent >= EXPLORE_NO_AGENT || alternative >= EXPLORE_ALTERNATIVES_MAX;
        explore_schedule_append(s, (uint32_t)agent, (uint32_t)alternative);
    }
}

static uint64_t plus_one(int v)
{
    return (uint64_t)((int64_t)v + 1);
}

void put_config(struct bytes *b, const struct explore_config *c)
{
    bytes_u(b, (uint64_t)c->strategy);
    bytes_u(b, c->seed);
    bytes_u(b, plus_one(c->preemptions));
    bytes_u(b, plus_one(c->delays));
    bytes_u(b, plus_one(c->faults));
    bytes_u(b, (c->iterate ? 1u : 0u) | (c->keep_going ? 2u : 0u) | (c->count_traces ? 4u : 0u) | (c->sweep ? 8u : 0u));
    bytes_u(b, c->depth);
    bytes_u(b, c->schedules);
    bytes_u(b, c->steps);
    bytes_u(b, c->nodes);
    bytes_u(b, c->checkpoint);
}

static int minus_one(struct reader *r)
{
    uint64_t v = read_u(r);
    r->bad |= v > INT32_MAX;
    return (int)(uint32_t)v - 1;
}

void get_config(struct reader *r, struct explore_config *c)
{
    *c = explore_defaults;
    uint64_t strategy = read_u(r);
    r->bad |= strategy > EXPLORE_DPOR;
    c->strategy = (enum explore_strategy)strategy;
    c->seed = read_u(r);
    c->preemptions = minus_one(r);
    c->delays = minus_one(r);
    c->faults = minus_one(r);
    uint64_t flags = read_u(r);
    c->iterate = flags & 1;
    c->keep_going = flags & 2;
    c->count_traces = flags & 4;
    c->sweep = flags & 8;
    c->depth = (unsigned)read_u(r);
    c->schedules = read_u(r);
    c->steps = read_u(r);
    c->nodes = read_u(r);
    c->checkpoint = read_u(r);
}

/* --- limits ---------------------------------------------------------------------------------------------------------- */

struct limits {
    const struct search *s;
    const struct part_how *how;
    double until, soonest; /* others get something before that only if it is done */
    uint64_t asked;
    unsigned wanted;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A clock is looked at here and only here: it decides where a part is cut, never what is found. */
static bool enough(void *user)
{
    struct limits *l = user;
    const struct part_how *how = l->how;
    const struct explore_result *r = l->s->result;
    uint64_t runs = r->schedules + r->cut + r->blocked + r->merged;
    if (how->progress)
        how->progress(how->user, r->schedules);
    if (how->stop && how->stop(how->user))
        return true;
    unsigned wanted = how->wanted ? atomic_load_explicit(how->wanted, memory_order_relaxed) : 0;
    if (runs && wanted && now() > l->soonest) {
        l->wanted = wanted;
        return true;
    }
    return runs && (++l->asked & 3) == 0 && now() > l->until;
}

static void failed(void *user)
{
    struct limits *l = user;
    l->how->failed(l->how->user);
}

/* --- results --------------------------------------------------------------------------------------------------------- */

static void put_failures(struct bytes *b, const struct explore_result *r)
{
    bytes_u(b, r->failure_count);
    for (size_t i = 0; i < r->failure_count; i++) {
        const struct explore_failure *f = &r->failures[i];
        bytes_u(b, f->key);
        bytes_text(b, f->text);
        bytes_u(b, (uint64_t)f->status);
        bytes_u(b, f->preemptions);
        bytes_u(b, f->times);
        bytes_u(b, f->found_at);
        put_schedule(b, &f->schedule);
    }
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void put_traces(struct bytes *b, const struct seen *s)
{
    uint64_t *all = malloc((s->count + 1) * sizeof *all);
    size_t n = 0;
    if (!all)
        base_panic("out of memory while exploring");
    for (size_t i = 0; i < s->size; i++)
        if (s->slots[i])
            all[n++] = s->slots[i];
    qsort(all, n, sizeof *all, compare_hashes);
    bytes_u(b, n);
    bytes_put(b, all, n * sizeof *all);
    free(all);
}

static void put_result(struct bytes *out, const struct search *s, uint32_t flags, const struct bytes *rest, const char *why)
{
    const struct explore_result *r = s->result;
    size_t begin = out->count;
    bytes_u(out, PART_VERSION);
    bytes_u(out, flags | (r->bound_hit ? PART_BOUND_HIT : 0));
    bytes_text(out, why);
    const uint64_t counts[] = {r->schedules, r->blocked, r->failing, r->merged, r->cut, s->path.steps, s->path.replayed, r->tries, r->futile};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        bytes_u(out, counts[i]);
    put_failures(out, r);
    put_traces(out, &s->traces);
    bytes_u(out, s->runs.count);
    bytes_put(out, s->runs.data, s->runs.count);
    bytes_put(out, rest->data, rest->count);
    bytes_seal(out, begin);
}

/* Ending early is no reason of the search's: what is left comes back. */
static const char *why_of(const struct explore_result *r)
{
    if (!r->why_not || r->complete)
        return NULL;
    bool ours = strcmp(r->why_not, SEARCH_STOPPED) == 0 || strcmp(r->why_not, SEARCH_ENOUGH_RUNS) == 0;
    return ours ? NULL : r->why_not;
}

struct part_keep {
    struct search s;
    struct explore_config config;
    struct explore_result result;
    struct dpor *dpor;
    struct bounded *bounded;
    bool begun;
};

struct part_keep *part_keep_new(void)
{
    struct part_keep *k = calloc(1, sizeof *k);
    if (!k)
        base_panic("out of memory while exploring");
    return k;
}

/* Parts of other strategies, and those that broke something, leave nothing. */
static void forget(struct part_keep *k)
{
    if (k->dpor)
        dpor_free(k->dpor);
    if (k->begun)
        path_free(&k->s.path);
    if (k->bounded)
        bounded_free(k->bounded);
    k->dpor = NULL;
    k->bounded = NULL;
    k->begun = false;
}

void part_keep_free(struct part_keep *k)
{
    forget(k);
    free(k);
}

static void begin(struct part_keep *k, const struct explore_machine *machine)
{
    struct path path = k->s.path;
    k->result = (struct explore_result){.complete = true, .preemptions = -1};
    k->s = (struct search){.config = &k->config, .result = &k->result};
    if (k->begun)
        k->s.path = path;
    else
        path_init(&k->s.path, machine);
    k->s.path.steps = k->s.path.replayed = 0;
    k->begun = true;
}

/* Coming back costs both sides some time for each byte of the item: not more than a small part of what exploring it took. With a bound, others explore
 * again some of what has been explored. */
static double soonest(size_t size, bool reduced)
{
    return (reduced ? 2e-3 : 2e-2) + (double)size * 2e-7;
}

bool explore_part(const struct explore_machine *machine, struct part_keep *k, const void *item, size_t size, const struct part_how *how, struct bytes *out)
{
    double started = now();
    struct reader in = {.at = item, .end = (const uint8_t *)item + size};
    if (!read_sealed(&in))
        return false;
    get_config(&in, &k->config);
    if (in.bad)
        return false;
    bool keeps = k->config.strategy == EXPLORE_DPOR, reduced = keeps && k->config.preemptions < 0;
    struct limits limits = {.s = &k->s, .how = how, .until = started + how->seconds, .soonest = started + soonest(size, reduced)};
    search_defaults(&k->config);
    k->config.stop = enough;
    k->config.failed = how->failed ? failed : NULL;
    k->config.user = &limits;
    if (!keeps || (reduced ? k->bounded != NULL : k->dpor != NULL))
        forget(k);
    begin(k, machine);
    struct search *s = &k->s;
    struct bytes rest = {0};
    struct part p = {.s = s, .kept = &k->dpor, .kept_bounded = &k->bounded, .in = &in, .out = &rest, .wanted = &limits.wanted};
    switch (k->config.strategy) {
    case EXPLORE_DFS: dfs_part(&p); break;
    case EXPLORE_DPOR: reduced ? dpor_part(&p) : bounded_part(&p); break;
    default: sample_part(&p); break;
    }
    if (s->path.broken) /* also where the choices that lead to the part could not be made */
        search_enough(s);
    if (!in.bad)
        put_result(out, s, p.flags, &rest, why_of(&k->result));
    if (!keeps || in.bad || s->path.broken)
        forget(k);
    seen_free(&s->traces);
    bytes_free(&s->runs);
    bytes_free(&rest);
    bytes_free(&p.passed_on);
    free(p.prints.map);
    explore_result_free(&k->result);
    return !in.bad;
}
