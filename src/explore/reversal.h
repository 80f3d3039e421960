/* A reversal: what would have to run from node `at` for an event e there to come after another agent's event.
 *
 * Its items are the events of the path after e that do not happen after e (all of them, not only those before the other event:
 * with fewer, orders get lost), in path order, and then one operation of `agent`, the event that raced with e. What that last
 * operation touches may differ from what it touched after e (a compare-exchange may fail there); where it can, `print` is unknown
 * until it was tried. Items are taken away one by one as a walk through a wake-up tree meets them. */
#ifndef IRPLAB_EXPLORE_REVERSAL_H
#define IRPLAB_EXPLORE_REVERSAL_H

#include "explore/path.h"

enum { MOST_EXCLUDED = 32 };

struct reversal {
    const struct path *path;
    size_t at;
    unsigned agent;
    uint32_t print;   /* of the last operation, or FOOTPRINT_UNKNOWN */
    uint32_t objects; /* a footprint with the objects it touches in any case, or FOOTPRINT_UNKNOWN */
    uint8_t alternative;
    bool ran;        /* the last operation has been taken away */
    unsigned excluded_count;
    struct {
        uint16_t agent;
        int32_t index;
    } excluded[MOST_EXCLUDED]; /* events that are no items, with all that happens after them */
    int32_t *gone;    /* events of each agent before the first item that is left */
    int32_t *arrival; /* what the last operation cannot come before */
};

enum answer { NO, YES, UNKNOWN };

/* All items are back. */
void reversal_start(struct reversal *r);
/* e and all that happens after it are no items. */
bool reversal_exclude(struct reversal *r, size_t e);
static inline bool reversal_has(const struct reversal *r, size_t event)
{
    const int32_t *clock = path_clock(r->path, event);
    const struct event *e = &r->path->events[event];
    if ((int32_t)e->index <= r->gone[e->agent])
        return false;
    for (unsigned i = 0; i < r->excluded_count; i++)
        if (clock[r->excluded[i].agent] >= r->excluded[i].index)
            return false;
    return true;
}

/* Some item left conflicts with the footprint (the last operation aside). */
bool reversal_conflicts(const struct reversal *r, uint32_t print);
/* Could (agent, alternative), touching print at this node, run first and the rest after it as before? With `take` it is taken away. */
enum answer reversal_initial(struct reversal *r, unsigned agent, unsigned alternative, uint32_t print, bool take);
/* The agent's first item left, or NO_EVENT. */
uint32_t reversal_next(const struct reversal *r, unsigned agent);

#endif
