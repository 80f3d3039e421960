/* Rules about pool blocks that a driver frees. */
#ifndef IRPLAB_VERIFY_POOL_RULES_H
#define IRPLAB_VERIFY_POOL_RULES_H

#include <stdbool.h>

/* Switches them on or off for the run that begins. */
void verify_pool_rules(bool on);

#endif
