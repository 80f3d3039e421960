/* Rules about pool blocks that a driver frees, or has freed. */
#ifndef IRPLAB_VERIFY_POOL_RULES_H
#define IRPLAB_VERIFY_POOL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Switches them on or off for the run that begins. */
void verify_pool_rules(bool on);

/* A driver's image goes: no timer or DPC that lies in it may be queued. */
void verify_image_goes(uint64_t base, size_t bytes);

#endif
