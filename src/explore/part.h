/* A search in parts, for several processes: parts are explored by whoever has a machine (explore_part), kept in order by one process
 * that needs none (share.h). Everything that passes between them is bytes; a part explored twice, or not to its end because its process
 * died, changes nothing: what it brings counts once, when its result arrives.
 *
 *   reduction   A part is some leaves of the wake-up tree, in its order, with as much of the tree as what is found below them can land in.
 *               Nobody sleeps at a leaf, so what is below it is explored like a whole space. Reversals that land above it and are not
 *               covered by what is known of the tree are passed on. Out of time, leaves that were not begun come back as they are, the one that
 *               was being explored as it stands, to be gone on with; or, where others have nothing to do, as the upper of the nodes it was in, their
 *               leaves, and the rest.
 *   dfs         A sequence of choices; all below it. Out of time, it comes back as the sequences that are left.
 *   sampling    Numbers of runs; what a run does is a function of the seed and its number.
 *   bounded     A place (see bounded.c) and the rivals known by now; all below it. Out of time, it comes back as places: those beside its way that are
 *               left, and the one that it had come to.
 *
 * Why nothing is explored twice or missed: docs/distributed.md. */
#ifndef IRPLAB_EXPLORE_PART_H
#define IRPLAB_EXPLORE_PART_H

#include "explore/bytes.h"
#include "explore/explore.h"

enum { PART_VERSION = 4 };

/* What a part brings, besides what belongs to its strategy. */
enum {
    PART_FINISHED = 1, /* nothing is left of it */
    PART_BOUND_HIT = 2,
    PART_LEFT_OUT = 4, /* by the bound on preemptions */
    PART_SKIPPED = 8,  /* bounded: an agent that nobody called for */
    PART_EXPANDED = 16, /* bounded: came back as the places it leads to */
};

/* What an explorer of one machine keeps from part to part: the path, its snapshots, what was learnt by trying. It saves work, no more. */
struct part_keep;
struct part_keep *part_keep_new(void);
void part_keep_free(struct part_keep *k);

struct part_how {
    double seconds; /* about how long; at least one run is made */
    bool (*stop)(void *user); /* asked between runs, ends the part early; NULL: never */
    void (*failed)(void *user); /* as of explore_config */
    void (*progress)(void *user, uint64_t schedules); /* after each run; NULL: nobody looks */
    const _Atomic unsigned *wanted; /* may become other than 0 at any time: parts that others could do with. Then it comes back soon; NULL: never */
    void *user;
};
/* Explores an item and appends its result to out. false: the item is not one. */
bool explore_part(const struct explore_machine *machine, struct part_keep *keep, const void *item, size_t size, const struct part_how *how, struct bytes *out);

/* --- inside the room --------------------------------------------------------------------------------------------- */

struct search;
struct path;
struct dpor;
struct bounded;
void bounded_free(struct bounded *b);

/* What an item of the reduction says of a branch, and a result of a leaf. */
enum {
    ITEM_SEALED = 1, /* all below it is somebody's: what is led to it is covered */
    ITEM_MINE = 2,   /* a leaf to be explored */
    ITEM_LEADS = 4,  /* one is below it */
};
enum { RESULT_UNTOUCHED, RESULT_FINISHED, RESULT_REST };

/* Footprints in one message: each is written out where it comes up first. */
struct prints_out {
    uint32_t *map; /* by number: its index in the message + 1 */
    size_t room;
    uint32_t count;
};
struct footprints;
void put_print(struct bytes *b, struct prints_out *m, const struct footprints *f, uint32_t print);

struct prints_in {
    uint32_t *all;
    size_t count, room;
};
uint32_t get_print(struct reader *r, struct prints_in *m, struct footprints *f);

void put_schedule(struct bytes *b, const struct explore_schedule *s);
void get_schedule(struct reader *r, struct explore_schedule *s);
void put_config(struct bytes *b, const struct explore_config *c);
void get_config(struct reader *r, struct explore_config *c);

/* Runs the choices from the start of the path; false: one cannot be made. opened: before each step and at the end. */
struct part {
    struct search *s;
    struct dpor **kept;
    struct bounded **kept_bounded;
    struct reader *in;
    struct bytes *out;       /* behind the common head */
    struct bytes passed_on;  /* reversals */
    uint32_t passed_on_count;
    struct prints_out prints; /* of passed_on */
    uint32_t flags;
    const unsigned *wanted;   /* parts that others could do with, known by the end */
};

void dpor_part(struct part *p);
void dfs_part(struct part *p);
void sample_part(struct part *p);
void bounded_part(struct part *p);

#endif
