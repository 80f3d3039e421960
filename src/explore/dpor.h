/* The reduction's own state (dpor.c), for what hands parts of its search to other processes (part_dpor.c). */
#ifndef IRPLAB_EXPLORE_DPOR_H
#define IRPLAB_EXPLORE_DPOR_H

#include "explore/part.h"
#include "explore/reversal.h"
#include "explore/search.h"
#include "explore/wakeup.h"

struct sleeper {
    uint32_t print;
    uint16_t agent;
    uint8_t alternative;
};

/* Beside each node of the path. */
struct stand {
    uint32_t tree; /* first branch; the one being explored comes first */
    size_t sleepers, sleeper_count;
    size_t inherited; /* of the sleepers, those that slept when the node was reached; the others are branches done with */
};

struct trial {
    uint32_t print;
    uint8_t alternative;
};

struct dpor {
    struct search *s;
    struct path *path;
    struct branches branches;
    struct stand *stands;
    size_t stand_room;
    struct sleeper *sleepers;
    size_t sleeper_room;
    struct reversal reversal;
    int32_t gone[EXPLORE_AGENTS_MAX], arrival[EXPLORE_AGENTS_MAX], covered[EXPLORE_AGENTS_MAX];
    struct trial trials[EXPLORE_ALTERNATIVES_MAX];
    unsigned trial_count;
    struct cursor *cursors; /* on conflicts met while looking for what holds an operation back */
    size_t cursor_room;
    struct remembered *remembered;
    uint32_t *trail; /* branches from the reversal's node down to where it was followed */
    size_t trail_count, trail_room;
    struct cut *cuts;
    size_t cut_count, cut_room;
    struct held *held; /* who waits where the newest run ended */
    size_t held_room;
    /* Of a part of the search: nodes above `root` belong to others. What goes into their trees is passed on too. */
    size_t root;
    struct part *part; /* NULL: the whole search */
};

struct dpor *dpor_new(struct search *s);
void dpor_free(struct dpor *d);
struct stand *dpor_stand(struct dpor *d, size_t node); /* made if it is the next */
/* The same, behind the event before it: who sleeps on, and the branches from there. */
void dpor_open_stand(struct dpor *d, size_t node, uint32_t tree);
void dpor_add_sleeper(struct dpor *d, struct stand *st, struct sleeper sleeper);
/* Runs until all below the root is explored (true), or something says enough. */
bool dpor_explore(struct dpor *d);
/* The other alternatives of what agent does at the node where the path ends. */
void dpor_alternatives(struct dpor *d, unsigned agent);
/* Learns what branch b, which stands for all alternatives of its operation, touches; the reversal's node and d->trail lead to it. */
void dpor_try_branch(struct dpor *d, uint32_t b);
/* part_dpor.c: the reversal that was just inserted lies above the root. */
void part_pass_on(struct dpor *d);

#endif

