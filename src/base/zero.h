/* Where memory stops being zero. */
#ifndef IRPLAB_BASE_ZERO_H
#define IRPLAB_BASE_ZERO_H

#include <stddef.h>

/* How many bytes from p on are zero, of n, rounded down to a multiple of 16. p and n are multiples of 16. */
size_t base_zero_bytes(const void *p, size_t n);

#endif
