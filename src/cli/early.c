#include "explore/explore.h"
unsigned __attribute__((weak)) explore_minimise(const struct explore_machine *machine, struct explore_schedule *schedule, unsigned limit)
{
    return 0;
}
void __attribute__((weak)) explore_last_avoidable(const struct explore_machine *machine, const struct explore_schedule *failing, unsigned limit, struct explore_turning *out)
{
}
