#include "explore/reversal.h"

#include <string.h>

#include "base/assert.h"

void reversal_start(struct reversal *r)
{
    memcpy(r->gone, path_counts(r->path, r->at), r->path->stride * sizeof *r->gone);
    r->ran = false;
}

bool reversal_exclude(struct reversal *r, size_t e)
{
    if (r->excluded_count == MOST_EXCLUDED)
        return false;
    const struct event *x = &r->path->events[e];
    r->excluded[r->excluded_count].agent = x->agent;
    r->excluded[r->excluded_count++].index = (int32_t)x->index;
    return true;
}

uint32_t reversal_next(const struct reversal *r, unsigned agent)
{
    const struct path *p = r->path;
    if (r->gone[agent] >= path_counts(p, p->count)[agent])
        return NO_EVENT;
    uint32_t event = p->positions[agent][r->gone[agent]];
    return reversal_has(r, event) ? event : NO_EVENT;
}

static bool object_conflicts(const struct reversal *r, const struct touch *t)
{
    const struct path *p = r->path;
    uint32_t a = path_conflicting(p, p->heads[t->object], t->kind);
    while (a != NO_EVENT) {
        const struct access *x = &p->accesses[a];
        if (x->event < r->at)
            return false;
        if (reversal_has(r, x->event))
            return true;
        a = path_conflicting(p, x->before, t->kind);
    }
    return false;
}

bool reversal_conflicts(const struct reversal *r, uint32_t print)
{
    const struct path *p = r->path;
    if (print == FOOTPRINT_ALL)
        for (unsigned i = 0; i < p->agents; i++)
            if (reversal_next(r, i) != NO_EVENT)
                return true;
    const struct footprint *f = &p->prints.all[print];
    const struct touch *t = p->prints.touches + f->first;
    for (uint32_t i = 0; i < f->count; i++)
        if (t[i].object < p->heads_known && object_conflicts(r, &t[i]))
            return true;
    return false;
}

/* Agents of which the clock knows more than what has gone. */
static int ahead(const struct reversal *r, const int32_t *clock)
{
    clock_lanes sum = {0};
    for (unsigned i = 0; i < r->path->stride; i += 4)
        sum += *(const clock_lanes *)(clock + i) > *(const clock_lanes *)(r->gone + i);
    return -(sum[0] + sum[1] + sum[2] + sum[3]);
}

static enum answer last_is_initial(const struct reversal *r, unsigned alternative, uint32_t print)
{
    if (r->print == FOOTPRINT_UNKNOWN) {
        /* Independent of the items it would touch the same after them; conflicting with one it cannot come to lose that by the order:
         * the accesses of neighbours that do not conflict do not change when they are swapped. Its other alternatives are explored
         * wherever one is. */
        return reversal_conflicts(r, print) ? NO : YES;
    }
    if (alternative != r->alternative)
        return NO;
    return ahead(r, r->arrival) == 0 && !reversal_conflicts(r, r->print) ? YES : NO;
}

/* Does a footprint commute with the last operation? */
static enum answer commutes_with_last(const struct reversal *r, uint32_t print)
{
    const struct footprints *f = &r->path->prints;
    if (r->print != FOOTPRINT_UNKNOWN)
        return footprint_conflict(f, print, r->print) ? NO : YES;
    if (r->objects == FOOTPRINT_UNKNOWN || print == FOOTPRINT_ALL)
        return UNKNOWN;
    enum answer a = YES;
    for (uint32_t i = 0; i < f->all[print].count; i++)
        for (uint32_t k = 0; k < f->all[r->objects].count; k++) {
            const struct touch *mine = footprint_touches(f, print) + i, *last = footprint_touches(f, r->objects) + k;
            if (mine->object == last->object && mine->kind == EXPLORE_WRITE)
                return NO; /* conflicts with any kind */
            if (mine->object == last->object)
                a = UNKNOWN;
        }
    return a;
}

enum answer reversal_initial(struct reversal *r, unsigned agent, unsigned alternative, uint32_t print, bool take)
{
    const struct path *p = r->path;
    uint32_t event = reversal_next(r, agent);
    if (event != NO_EVENT) {
        if (p->events[event].alternative != alternative || ahead(r, path_clock(p, event)) > 1) /* one is the event itself */
            return NO;
        r->gone[agent] += take;
        return YES;
    }
    if (agent == r->agent && !r->ran) {
        enum answer a = last_is_initial(r, alternative, print);
        r->ran |= take && a == YES;
        return a;
    }
    if (reversal_conflicts(r, print))
        return NO;
    if (r->ran)
        return YES;
    return commutes_with_last(r, print);
}
