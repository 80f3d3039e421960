#include "base/hash.h"

#include <string.h>

uint64_t base_hash_bytes(uint64_t h, const uint8_t *p, uint64_t n)
{
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        h = (h ^ v) * 0x9FB21C651E98DF25ull;
        h ^= h >> 32;
    }
    for (; n; p++, n--)
        h = (h ^ *p) * 0x100000001B3ull;
    return h;
}
