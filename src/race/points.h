/* Pairs of instructions that were found to race, as places in image files. While a pair is in force its instructions are scheduling points,
 * what they touch is told to the reduction, and the race between the two is no finding any more: it has been one, and the search goes on to
 * see all its orders.
 *
 * The list grows during an exploration; each finding belongs to the length that the list had. Constant during a run and not part of
 * it; a replay file carries the list. */
#ifndef IRPLAB_RACE_POINTS_H
#define IRPLAB_RACE_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct race_place {
    char image[64]; /* file name */
    uint32_t rva; /* behind the call that told of the access */
};

struct race_pair {
    struct race_place a, b; /* a comes first by image and rva; they may be equal */
};

/* The place of a code address; false: in no image file. */
bool race_place_at(uint64_t pc, struct race_place *out);

/* Notes a pair for race_points_apply. False: it is in force or noted already, or there are too many. */
bool race_points_note(const struct race_place *a, const struct race_place *b);
/* What was noted is in force from the next run on. False: nothing was noted. */
bool race_points_apply(void);
bool race_points_waiting(void);
void race_points_forget_noted(void);
/* As a replay file says. False: too many. */
bool race_points_add(const struct race_place *a, const struct race_place *b);

/* Pairs in force; only the first `count` of all that were applied are, from now on. */
size_t race_points_count(void);
void race_points_use(size_t count);
const struct race_pair *race_points_get(size_t i);

bool race_points_has_pair(const struct race_place *a, const struct race_place *b);
/* The access at pc is a scheduling point. */
bool race_points_stops(uint64_t pc);

#endif
