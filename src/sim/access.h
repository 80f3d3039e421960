/* What the current step touches, for the partial-order reduction. Kernel functions name the objects that their effect depends on or
 * that they change. Costs one test when nobody listens. */
#ifndef IRPLAB_SIM_ACCESS_H
#define IRPLAB_SIM_ACCESS_H

#include <stdint.h>

/* enum explore_kind and explore_lock, which sim may not include. */
enum { SIM_READ, SIM_WRITE, SIM_COMMUTE };
enum { SIM_NOT_A_LOCK, SIM_LOCK_ACQUIRE, SIM_LOCK_RELEASE };

/* Keys of things without an address. */
#define SIM_ACCESS_EVERYTHING 1ull
#define SIM_ACCESS_CLOCK 2ull
#define SIM_ACCESS_REGISTRY 3ull
#define SIM_ACCESS_NAMESPACE 4ull
#define SIM_ACCESS_PROCESSOR(n) (0x100ull + (n)) /* who is pinned to this one */

extern void (*sim_access_hook)(uint64_t object, unsigned kind, unsigned lock);
struct agent;
extern void (*sim_create_hook)(struct agent *a);

static inline void sim_access(uint64_t object, unsigned kind)
{
    if (sim_access_hook)
        sim_access_hook(object, kind, SIM_NOT_A_LOCK);
}

static inline void sim_access_lock(uint64_t object, unsigned which)
{
    if (sim_access_hook)
        sim_access_hook(object, SIM_WRITE, which);
}

#endif
