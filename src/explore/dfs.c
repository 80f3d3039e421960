/* Depth first through every order within the bounds, without reduction: what the reduction is judged by, and what finds the
 * failure with the fewest preemptions. With `iterate` the preemption bound grows from 0; a run is counted in the round whose
 * bound it reaches, so each counts once although its prefix is executed in every later round. */
#include <limits.h>
#include <stdlib.h>

#include "base/assert.h"
#include "explore/part.h"
#include "explore/search.h"

/* What was tried at a node: candidates in order from the running agent on, and the alternatives left of the one at `at`. */
struct turn {
    uint32_t at, left;
};

struct dfs {
    struct search *s;
    int preemptions; /* of this round; INT_MAX: none */
    bool exact;      /* count only runs with just that many */
    bool left_out;   /* by the preemption bound */
    struct turn *turns;
    size_t room;
    size_t root; /* of a part of the search: only what is below this node */
};

/* Position in the point's list of the i-th candidate to try: the running agent, then those after it. */
static unsigned place(const struct path *p, unsigned i)
{
    const struct node *n = &p->nodes[p->count];
    const struct candidate *c = path_candidates(p, p->count);
    for (unsigned first = 0; first < n->candidate_count; first++)
        if (c[first].agent == n->running)
            return (first + i) % n->candidate_count;
    return i;
}

static bool allowed(struct dfs *d, unsigned i, unsigned agent)
{
    const struct path *p = &d->s->path;
    const struct node *n = &p->nodes[p->count];
    int delays = d->s->config->delays;
    if ((int)n->preemptions > d->preemptions) {
        d->left_out = true;
        return false;
    }
    if (delays >= 0 && (int)(n->delays + i) > delays)
        return false;
    bool preempts = n->can_go_on && agent != n->running;
    if (!preempts || (int)n->preemptions < d->preemptions)
        return true;
    d->left_out = true;
    return false;
}

/* The next untried choice of the node where the path ends. */
static bool next_choice(struct dfs *d, unsigned *agent, unsigned *alternative)
{
    const struct path *p = &d->s->path;
    struct turn *t = &d->turns[p->count];
    const struct node *n = &p->nodes[p->count];
    for (; t->at < n->candidate_count; t->at++, t->left = UINT32_MAX) {
        const struct candidate *c = path_candidates(p, p->count) + place(p, t->at);
        uint32_t left = search_alternatives(d->s, c) & t->left;
        if (!left || !allowed(d, t->at, c->agent))
            continue;
        *agent = c->agent;
        *alternative = (unsigned)__builtin_ctz(left);
        t->left &= ~(1u << *alternative);
        return true;
    }
    return false;
}

static void open_node(struct dfs *d)
{
    struct path *p = &d->s->path;
    d->turns = explore_grow(d->turns, &d->room, p->count + 1, sizeof *d->turns);
    d->turns[p->count] = (struct turn){0, UINT32_MAX};
    if (path_node(p)->candidate_count > 1)
        path_checkpoint(p, d->s->config->checkpoint);
}

static void run_ended(struct dfs *d)
{
    struct path *p = &d->s->path;
    if (!d->exact || (int)path_node(p)->preemptions == d->preemptions || path_node(p)->status == EXPLORE_CUT)
        search_ran(d->s);
}

/* From the root, where the path stands; true if all was walked. */
static bool walk(struct dfs *d)
{
    struct path *p = &d->s->path;
    unsigned agent, alternative;
    if (path_node(p)->status != EXPLORE_RUNNING)
        run_ended(d);
    for (;;) {
        if (search_enough(d->s))
            return false;
        while (!next_choice(d, &agent, &alternative)) {
            if (p->count == d->root)
                return true;
            path_cut(p, p->count - 1);
        }
        for (;;) {
            enum explore_status status = path_step(p, agent, alternative);
            open_node(d);
            if (status != EXPLORE_RUNNING || search_too_long(d->s)) {
                status == EXPLORE_RUNNING ? search_cut(d->s) : run_ended(d);
                d->turns[p->count].at = UINT32_MAX; /* nothing to try below */
                break;
            }
            if (!next_choice(d, &agent, &alternative))
                break; /* who goes on costs more than is left */
        }
    }
}

/* One round; true if it was walked to its end. */
static bool round_of(struct dfs *d)
{
    d->left_out = false;
    path_begin(&d->s->path);
    open_node(d);
    return walk(d);
}

void explore_dfs(struct search *s)
{
    int bound = s->config->preemptions < 0 ? INT_MAX : s->config->preemptions;
    struct dfs d = {.s = s, .preemptions = s->config->iterate ? 0 : bound, .exact = s->config->iterate};
    bool done;
    while ((done = round_of(&d)) && d.left_out && d.preemptions < bound) {
        s->result->preemptions = d.preemptions;
        d.preemptions++;
    }
    if (done) {
        s->result->preemptions = d.preemptions;
        s->result->unbounded = !d.left_out && s->config->delays < 0 && s->config->faults < 0 && s->result->complete;
    }
    free(d.turns);
}

/* --- parts: a bound, whether runs below it count, and the choices that lead there ------------------------------------ */

static void put_rest(struct dfs *d, struct bytes *out)
{
    struct path *p = &d->s->path;
    struct explore_schedule to = {0};
    struct bytes all = {0};
    uint64_t n = 0;
    unsigned agent, alternative;
    for (size_t i = p->count + 1; i-- > d->root;) {
        path_cut(p, i);
        while (path_node(p)->status == EXPLORE_RUNNING && next_choice(d, &agent, &alternative)) {
            path_schedule(p, &to);
            explore_schedule_append(&to, p->ids[agent], alternative);
            put_schedule(&all, &to);
            explore_schedule_free(&to);
            n++;
        }
    }
    bytes_u(out, n);
    bytes_put(out, all.data, all.count);
    bytes_free(&all);
}

void dfs_part(struct part *part)
{
    struct search *s = part->s;
    struct path *p = &s->path;
    struct dfs d = {.s = s};
    struct explore_schedule to = {0};
    uint64_t bound = read_u(part->in);
    d.preemptions = bound ? (int)(bound - 1) : INT_MAX;
    d.exact = read_u(part->in);
    get_schedule(part->in, &to);
    path_begin(p);
    path_checkpoint(p, 1);
    open_node(&d);
    for (size_t i = 0; i < to.count && !part->in->bad && !p->broken; i++) {
        unsigned agent = path_agent(p, to.choices[i].agent);
        const struct candidate *c = path_find(p, i, agent);
        if (!c || !(c->alternatives >> to.choices[i].alternative & 1)) {
            path_break(p, "broken promise: the choices that lead to a part of the search cannot be made where it is explored", NO_EVENT);
            break;
        }
        path_step(p, agent, to.choices[i].alternative);
        open_node(&d);
    }
    d.root = to.count;
    if (!part->in->bad && !p->broken) {
        bool done = walk(&d);
        part->flags |= (done ? PART_FINISHED : 0u) | (d.left_out ? PART_LEFT_OUT : 0u);
        if (!done && !s->stopped)
            put_rest(&d, part->out);
        part->flags |= d.left_out ? PART_LEFT_OUT : 0u;
    }
    explore_schedule_free(&to);
    free(d.turns);
}
