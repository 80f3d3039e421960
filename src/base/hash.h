/* Hashes of memory, the same on every machine. */
#ifndef IRPLAB_BASE_HASH_H
#define IRPLAB_BASE_HASH_H

#include <stdint.h>

/* Goes on from `h` over n bytes at p. Fast, not for hostile input. */
uint64_t base_hash_bytes(uint64_t h, const uint8_t *p, uint64_t n);

#endif
