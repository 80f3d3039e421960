#include "explore/wakeup.h"

#include <stdlib.h>

#include "base/assert.h"
#include "explore/footprint.h"

uint32_t branch_new(struct branches *b, uint16_t agent, uint8_t alternative, uint32_t print)
{
    uint32_t at = b->free;
    if (at != NO_BRANCH) {
        b->free = b->all[at].next;
    } else {
        b->count += b->count == 0; /* 0 is no branch */
        b->all = explore_grow(b->all, &b->room, b->count + 1, sizeof *b->all);
        at = (uint32_t)b->count++;
    }
    b->all[at] = (struct branch){.print = print, .agent = agent, .alternative = alternative};
    b->alive++;
    return at;
}

void branch_append(struct branches *b, uint32_t *first, uint32_t branch)
{
    if (*first == NO_BRANCH) {
        *first = branch;
        return;
    }
    uint32_t at = *first;
    while (b->all[at].next != NO_BRANCH)
        at = b->all[at].next;
    b->all[at].next = branch;
}

void branch_drop_first(struct branches *b, uint32_t *first)
{
    uint32_t at = *first;
    IR_ASSERT(at != NO_BRANCH && b->all[at].child == NO_BRANCH);
    *first = b->all[at].next;
    b->all[at].next = b->free;
    b->free = at;
    b->alive--;
}

void branches_free(struct branches *b)
{
    free(b->all);
    *b = (struct branches){0};
}
