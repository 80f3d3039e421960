/* Spinning on words that are not plain spin locks: sim_spin looks at bit 0 of one word, so each spinner waits on a gate of its
 * own that the one who changes the word opens. */
#include "ke/private.h"
#include "sim/access.h"

struct spinner {
    struct spinner *next;
    const volatile void *on;
    uint64_t gate;
};

void ke_spin_until_changed(const volatile void *on, const char *why)
{
    struct ke_room *r = ke_room();
    struct spinner me = { .next = r->spinners, .on = on, .gate = 1 }; /* on the host stack: it belongs to snapshots like all of it */
    r->spinners = &me;
    sim_spin(&me.gate, why);
    sim_access((uint64_t)on, SIM_WRITE);
    struct spinner **at = &r->spinners;
    while (*at != &me)
        at = &(*at)->next;
    *at = me.next;
}

void ke_spin_changed(const volatile void *on)
{
    for (struct spinner *s = ke_room()->spinners; s; s = s->next)
        if (s->on == on)
            s->gate = 0;
}
