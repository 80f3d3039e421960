/* Strategies that draw schedules at random. Each run has its own generator, made of the seed and the number of the run.
 *
 *   random  uniform among who can run.
 *   pct     Burckhardt et al., ASPLOS 2010: random priorities, at depth - 1 random steps the first in line drops to the end. The
 *           length it needs is that of the first run. Who yields drops too, or a spinning agent would never let go.
 *   pos     Yuan et al., CAV 2018: every pending operation has a random priority, drawn again when an event races with it.
 *   surw    after Zhao et al., ASPLOS 2025: one shared object is picked for a run, and the order of the accesses to it is drawn
 *           uniformly, weighing agents by how many they still have to make (estimated from earlier runs); the rest is a random
 *           walk. Where nothing shared is known yet agents are weighed by all their remaining events. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "explore/part.h"
#include "explore/search.h"

enum { MOST_DEPTH = 64, MOST_OBJECTS = 1024, DEFAULT_RUNS = 1000, FIRST_LENGTH = 100, ONE_FAULT_IN = 8 };

struct sampler {
    struct search *s;
    uint64_t random;
    int64_t priority[EXPLORE_AGENTS_MAX];
    bool known[EXPLORE_AGENTS_MAX];
    int64_t lowest;
    /* pct */
    size_t longest;
    size_t change[MOST_DEPTH];
    /* surw */
    uint32_t (*expected)[EXPLORE_AGENTS_MAX]; /* events of each agent on each object; row 0: all its events */
    uint64_t objects[MOST_OBJECTS];
    unsigned object_count;
    unsigned chosen; /* row of this run */
    unsigned agents; /* that run 0 had; 0: not run yet. Others have no weight: who met them depends on who made which run */
    int64_t remaining[EXPLORE_AGENTS_MAX];
    unsigned next; /* whose access to the chosen object comes next, or NO_AGENT */
};

static uint64_t draw(struct sampler *m)
{
    m->random += 0x9e3779b97f4a7c15ull;
    return explore_mix(m->random);
}

static uint64_t below(struct sampler *m, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)draw(m) * n) >> 64);
}

/* --- priorities --------------------------------------------------------------------------------------------------- */

static void draw_priority(struct sampler *m, unsigned agent)
{
    m->priority[agent] = MOST_DEPTH + (int64_t)(draw(m) >> 2);
    m->known[agent] = true;
}

static const struct candidate *highest(struct sampler *m, const struct candidate *c, unsigned n)
{
    const struct candidate *best = NULL;
    for (unsigned i = 0; i < n; i++) {
        if (!m->known[c[i].agent])
            draw_priority(m, c[i].agent);
        if (!best || m->priority[c[i].agent] > m->priority[best->agent])
            best = &c[i];
    }
    return best;
}

static const struct candidate *pct(struct sampler *m, const struct candidate *c, unsigned n)
{
    const struct node *at = path_node(&m->s->path);
    if (at->running != NO_AGENT && !at->can_go_on && path_find(&m->s->path, m->s->path.count, at->running))
        m->priority[at->running] = --m->lowest;
    const struct candidate *best = highest(m, c, n);
    for (unsigned i = 0; i + 1 < m->s->config->depth && i < MOST_DEPTH; i++)
        if (m->change[i] == m->s->path.count) {
            m->priority[best->agent] = (int64_t)i;
            best = highest(m, c, n);
        }
    return best;
}

/* Operations that raced with the last event, those that could have run in its place, get new priorities; so does the agent that ran. */
static void pos_redraw(struct sampler *m)
{
    const struct path *p = &m->s->path;
    if (p->count == 0)
        return;
    const struct event *e = &p->events[p->count - 1];
    const struct footprint *f = &p->prints.all[e->really];
    const struct touch *t = p->prints.touches + f->first;
    const struct candidate *c = path_candidates(p, p->count - 1);
    m->known[e->agent] = false;
    for (unsigned i = 0; i < p->nodes[p->count - 1].candidate_count; i++)
        for (uint32_t k = 0; k < f->count && c[i].object; k++)
            if (t[k].id == c[i].object && !(t[k].kind == EXPLORE_READ && c[i].reads))
                m->known[c[i].agent] = false;
}

/* --- surw --------------------------------------------------------------------------------------------------------- */

static bool interesting(const struct sampler *m, const struct candidate *c)
{
    return m->chosen == 0 || c->object == m->objects[m->chosen];
}

static unsigned weighed_agents(const struct sampler *m)
{
    return m->agents ? m->agents : m->s->path.agents;
}

/* An agent with weight proportional to what it still has to do. */
static unsigned weighed(struct sampler *m)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < weighed_agents(m); i++)
        sum += m->remaining[i] > 0 ? m->remaining[i] : 0;
    if (sum == 0)
        return NO_AGENT;
    int64_t at = (int64_t)below(m, (uint64_t)sum);
    for (unsigned i = 0; i < weighed_agents(m); i++) {
        at -= m->remaining[i] > 0 ? m->remaining[i] : 0;
        if (at < 0)
            return i;
    }
    return NO_AGENT;
}

/* Two agents at least have gone for it. */
static bool is_contended(const struct sampler *m, unsigned row)
{
    unsigned agents = 0;
    for (unsigned i = 0; i < m->s->path.agents; i++)
        agents += m->expected[row][i] != 0;
    return agents > 1;
}

static void surw_begin(struct sampler *m)
{
    m->chosen = m->object_count > 1 ? 1 + (unsigned)below(m, m->object_count - 1) : 0;
    for (unsigned tries = 0; m->chosen && !is_contended(m, m->chosen) && tries < 2 * MOST_OBJECTS; tries++)
        m->chosen = 1 + (unsigned)below(m, m->object_count - 1);
    if (m->chosen && !is_contended(m, m->chosen))
        m->chosen = 0;
    for (unsigned i = 0; i < weighed_agents(m); i++)
        m->remaining[i] = m->expected[m->chosen][i];
    for (unsigned i = weighed_agents(m); i < EXPLORE_AGENTS_MAX; i++)
        m->remaining[i] = 1;
    m->next = weighed(m);
}

static const struct candidate *surw(struct sampler *m, const struct candidate *c, unsigned n)
{
    const struct candidate *free_to_run[EXPLORE_AGENTS_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < n; i++)
        if (!interesting(m, &c[i]) || c[i].agent == m->next)
            free_to_run[count++] = &c[i];
    const struct candidate *pick = count ? free_to_run[below(m, count)] : &c[below(m, n)];
    if (interesting(m, pick)) {
        m->remaining[pick->agent]--;
        m->next = weighed(m);
    }
    return pick;
}

static unsigned object_row(struct sampler *m, uint64_t id)
{
    for (unsigned i = 1; i < m->object_count; i++)
        if (m->objects[i] == id)
            return i;
    if (m->object_count == MOST_OBJECTS)
        return 0;
    m->objects[m->object_count] = id;
    return m->object_count++;
}

/* What the next runs expect is what this one had. */
static void surw_learn(struct sampler *m)
{
    struct path *p = &m->s->path;
    memset(m->expected, 0, m->object_count * sizeof *m->expected);
    for (size_t i = 0; i < p->count; i++) {
        const struct event *e = &p->events[i];
        const struct candidate *c = path_find(p, i, e->agent);
        m->expected[0][e->agent]++;
        if (c && c->object) {
            unsigned row = object_row(m, c->object);
            m->expected[row][e->agent] += row != 0;
        }
    }
}

/* --- runs --------------------------------------------------------------------------------------------------------- */

static unsigned pick_alternative(struct sampler *m, const struct candidate *c)
{
    uint32_t all = search_alternatives(m->s, c), usual = all & ~c->faults, faults = all & c->faults;
    if (!(all & (all - 1)))
        return (unsigned)__builtin_ctz(all);
    uint32_t from = !usual || (faults && below(m, ONE_FAULT_IN) == 0) ? faults : usual;
    for (uint64_t skip = below(m, (unsigned)__builtin_popcount(from)); skip; skip--)
        from &= from - 1;
    return (unsigned)__builtin_ctz(from);
}

static const struct candidate *pick(struct sampler *m)
{
    struct path *p = &m->s->path;
    const struct node *n = path_node(p);
    const struct candidate *c = path_candidates(p, p->count);
    unsigned count = n->candidate_count;
    int bound = m->s->config->preemptions;
    if (bound >= 0 && n->can_go_on && (int)n->preemptions >= bound)
        return path_find(p, p->count, n->running);
    switch (m->s->config->strategy) {
    case EXPLORE_PCT: return pct(m, c, count);
    case EXPLORE_POS: pos_redraw(m); return highest(m, c, count);
    case EXPLORE_SURW: return surw(m, c, count);
    default: return &c[below(m, count)];
    }
}

static void begin(struct sampler *m, uint64_t number)
{
    m->random = explore_mix(m->s->config->seed * 0xd1342543de82ef95ull + number);
    memset(m->known, 0, sizeof m->known);
    m->lowest = 0;
    for (unsigned i = 0; i + 1 < m->s->config->depth && i < MOST_DEPTH; i++)
        m->change[i] = below(m, m->longest);
    if (m->s->config->strategy == EXPLORE_SURW)
        surw_begin(m);
}

static void run(struct sampler *m, bool counts)
{
    struct path *p = &m->s->path;
    path_begin(p);
    while (path_node(p)->status == EXPLORE_RUNNING && !p->broken) {
        if (search_too_long(m->s)) {
            if (counts)
                search_cut(m->s);
            return;
        }
        const struct candidate *c = pick(m);
        unsigned agent = c->agent, alternative = pick_alternative(m, c);
        path_step(p, agent, alternative);
    }
    if (!p->broken && counts)
        search_ran(m->s);
}

/* Run 0 tells all others what to expect, so that what a run does depends on nothing but the seed and its number. */
static void first_run(struct sampler *m, bool counts)
{
    begin(m, 0);
    run(m, counts);
    m->longest = m->s->path.count ? m->s->path.count : 1;
    m->agents = m->s->path.agents;
    if (m->s->config->strategy == EXPLORE_SURW)
        surw_learn(m);
}

/* Runs from `first` on; true if all were made. */
static bool sample(struct search *s, uint64_t first, uint64_t count)
{
    struct sampler *m = calloc(1, sizeof *m);
    if (!m)
        base_panic("out of memory while exploring");
    m->s = s;
    m->longest = FIRST_LENGTH;
    m->object_count = 1;
    m->expected = calloc(MOST_OBJECTS, sizeof *m->expected);
    if (!m->expected)
        base_panic("out of memory while exploring");
    path_begin(&s->path);
    path_checkpoint(&s->path, 1);
    uint64_t done = 0;
    if (first > 0 || !search_enough(s)) {
        first_run(m, first == 0);
        done = first == 0;
    }
    while (done < count && !search_enough(s)) {
        begin(m, first + done++);
        run(m, true);
    }
    free(m->expected);
    free(m);
    return done == count && !s->stopped;
}

void explore_sample(struct search *s)
{
    sample(s, 0, s->config->schedules || s->config->stop ? UINT64_MAX : DEFAULT_RUNS);
    search_not_complete(s, "schedules were drawn at random");
}

/* A part: the number of its first run, how many. What is left of it follows from how many runs it brings. */
void sample_part(struct part *part)
{
    uint64_t first = read_u(part->in), count = read_u(part->in);
    if (!part->in->bad && sample(part->s, first, count))
        part->flags |= PART_FINISHED;
}
