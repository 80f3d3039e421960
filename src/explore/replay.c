/* One schedule, exactly; and goals: schedules followed as far as they go, for making failures smaller. */
#include "explore/replay.h"

#include <string.h>

#include "base/assert.h"

/* Who goes on when nobody says: the running agent, else the first. */
static struct explore_choice usual(const struct path *p)
{
    const struct node *n = &p->nodes[p->count];
    const struct candidate *c = path_candidates(p, p->count);
    const struct candidate *pick = n->can_go_on ? path_find(p, p->count, n->running) : &c[0];
    return (struct explore_choice){pick->agent, (uint32_t)__builtin_ctz(pick->alternatives)};
}

enum explore_status replay_usual(struct path *p, size_t most)
{
    while (path_node(p)->status == EXPLORE_RUNNING && p->count < most && !p->broken) {
        struct explore_choice c = usual(p);
        path_step(p, c.agent, c.alternative);
    }
    return path_node(p)->status == EXPLORE_RUNNING ? EXPLORE_CUT : path_node(p)->status;
}

bool replay_choice(struct path *p, const struct explore_choice *choice)
{
    if (path_node(p)->status != EXPLORE_RUNNING)
        return false;
    unsigned agent = path_agent(p, choice->agent);
    const struct candidate *c = path_find(p, p->count, agent);
    if (!c || choice->alternative >= EXPLORE_ALTERNATIVES_MAX || !(c->alternatives >> choice->alternative & 1))
        return false;
    path_step(p, agent, choice->alternative);
    return true;
}

void explore_replay(const struct explore_machine *machine, const struct explore_schedule *schedule, struct explore_schedule *out,
                    explore_each *each, void *user, struct explore_replay *result)
{
    struct path p;
    *result = (struct explore_replay){0};
    path_init(&p, machine);
    p.each = each;
    p.user = user;
    path_begin(&p);
    for (size_t i = 0; i < schedule->count && !result->diverged; i++) {
        if (replay_choice(&p, &schedule->choices[i]))
            continue;
        result->diverged = true;
        result->diverged_at = i;
    }
    result->status = result->diverged ? EXPLORE_CUT : replay_usual(&p, schedule->count + REPLAY_MOST);
    const struct node *n = path_node(&p);
    if (result->status != EXPLORE_DONE && n->status != EXPLORE_RUNNING)
        machine->outcome(machine->context, &result->outcome);
    result->trace = n->trace;
    result->preemptions = n->preemptions;
    result->faults = n->faults;
    if (out)
        path_schedule(&p, out);
    path_free(&p);
}
