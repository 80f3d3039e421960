/* One search kept in parts (part.h): what waits to be explored, what is being explored somewhere, what has been found. Needs no machine.
 *
 * Items are taken, and come back as results, in any order; one whose explorer was lost is put back and taken again. A result counts
 * once. The totals of a search that came to its end do not depend on who explored what when. */
#ifndef IRPLAB_EXPLORE_SHARE_H
#define IRPLAB_EXPLORE_SHARE_H

#include "explore/bytes.h"
#include "explore/explore.h"

struct share;

/* config: as for explore_run; stop, ran and user are not looked at. */
struct share *share_new(const struct explore_config *config);
void share_free(struct share *p);

/* Who shares a search. */
struct sharers {
    unsigned among;
    bool asked; /* where somebody has nothing to do another can be asked to come back at once (part_how.wanted) */
};
/* The next item for an explorer, appended to item; *id is a hash of what it is. false: nothing waits (share_out tells whether something may come back). */
bool share_take(struct share *p, struct sharers who, uint64_t *id, struct bytes *item);
/* How long an item may take before it comes back in parts. */
double share_seconds(const struct share *p, struct sharers who);
/* How many parts of what is out, if it came back now, would be of use to explorers who have nothing to do; 0: nothing is gained by that. */
unsigned share_wanted(const struct share *p, struct sharers who);
/* A result. false: it is none, or none of an item that is out; nothing has changed. */
bool share_done(struct share *p, uint64_t id, const void *result, size_t size);
/* Whoever had the item is lost. */
void share_back(struct share *p, uint64_t id);

size_t share_waiting(const struct share *p);
size_t share_out(const struct share *p);
/* Nothing is left to do: all is explored, or a limit or a failure says enough. */
bool share_over(struct share *p);
/* Runs counted so far. */
uint64_t share_schedules(const struct share *p);
/* As explore_run would leave it; the caller's to explore_result_free(). */
void share_result(struct share *p, struct explore_result *out);

/* All that is needed to go on later; what is out counts as waiting. */
void share_save(struct share *p, struct bytes *out);
/* Another limit of runs, 0 for none, than the search was begun with. */
void share_limit(struct share *p, uint64_t schedules);
/* NULL: it is none. */
struct share *share_load(struct reader *in);

/* --- inside the room: the reduction's tree (share_tree.c) ---------------------------------------------------------- */

struct tree;
struct tree_node;
struct tree *tree_new(void);
void tree_free(struct tree *t);
/* At most so many leaves that wait, and their item (behind the configuration). Returns how many; 0: none waits. *leaves: to be freed. wanted: parts that others
 * could do with, should it come back early. */
size_t tree_take(struct tree *t, size_t most, unsigned wanted, uint64_t *id, struct bytes *item, struct tree_node ***leaves);
void tree_back(struct tree *t, struct tree_node **leaves, size_t count);
/* What dpor_part wrote. false: it is nothing of the kind, and nothing has changed. */
bool tree_done(struct tree *t, struct tree_node **leaves, size_t count, struct reader *in);
size_t tree_waiting(const struct tree *t);
size_t tree_nodes(const struct tree *t);
void tree_save(const struct tree *t, struct bytes *out);
struct tree *tree_load(struct reader *in);

#endif
