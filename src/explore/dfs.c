/* Depth first through every order within the bounds, without reduction: what the reduction is judged by, and what finds the
 * failure with the fewest preemptions. With `iterate` the preemption bound grows from 0; a run is counted in the round whose
 * bound it reaches, so each counts once although its prefix is executed in every later round. */
#include <limits.h>
#include <stdlib.h>

#include "base/assert.h"
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

/* One round; true if it was walked to its end. */
static bool round_of(struct dfs *d)
{
    struct path *p = &d->s->path;
    unsigned agent, alternative;
    d->left_out = false;
    path_begin(p);
    open_node(d);
    if (path_node(p)->status != EXPLORE_RUNNING)
        run_ended(d);
    for (;;) {
        if (search_enough(d->s))
            return false;
        while (!next_choice(d, &agent, &alternative)) {
            if (p->count == 0)
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
            bool somebody = next_choice(d, &agent, &alternative);
            IR_ASSERT(somebody); /* the first candidate costs nothing */
        }
    }
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
