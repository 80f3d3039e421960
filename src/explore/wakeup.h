/* Wake-up trees: for a node, the orders still to be explored from it, as an ordered tree of events. Branches live in one pool. */
#ifndef IRPLAB_EXPLORE_WAKEUP_H
#define IRPLAB_EXPLORE_WAKEUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NO_BRANCH = 0, ANY_ALTERNATIVE = 0xFF };

/* The last event of a sequence may stand for all its alternatives, what it touches being unknown yet; such a branch has no child. */
struct branch {
    uint32_t print; /* what the event touches when run here, or FOOTPRINT_UNKNOWN */
    uint16_t agent;
    uint8_t alternative;
    uint8_t item; /* in a part of a search: what the item says of it (part.h), else 0 */
    uint32_t child, next; /* first below, next beside; NO_BRANCH: none */
};

struct branches {
    struct branch *all;
    size_t count, room;
    uint32_t free; /* through next */
    size_t alive;
};

uint32_t branch_new(struct branches *b, uint16_t agent, uint8_t alternative, uint32_t print);
/* Appends to the list that starts at *first. */
void branch_append(struct branches *b, uint32_t *first, uint32_t branch);
/* Frees the first of the list; its children must have been taken away. */
void branch_drop_first(struct branches *b, uint32_t *first);
void branches_free(struct branches *b);

#endif
