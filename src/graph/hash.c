/* A 128-bit hash of a file's bytes: four lanes that multiply and rotate, then mixed. */
#include "graph/database.h"

#include <string.h>

#define P1 0x9e3779b185ebca87ull
#define P2 0xc2b2ae3d27d4eb4full
#define P3 0x165667b19e3779f9ull

static uint64_t rotate(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

static uint64_t mix(uint64_t v)
{
    v = (v ^ v >> 32) * P2;
    v = (v ^ v >> 29) * P3;
    return v ^ v >> 32;
}

struct graph_hash graph_hash_bytes(const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    uint64_t lane[4] = { P1, P2, P3, P1 ^ P2 }, w;
    size_t left = size;
    for (; left >= 32; left -= 32, p += 32)
        for (int k = 0; k < 4; k++) {
            memcpy(&w, p + 8 * k, 8);
            lane[k] = rotate(lane[k] + w * P2, 31) * P1;
        }
    uint8_t tail[32] = { 0 };
    memcpy(tail, p, left);
    for (int k = 0; k < 4; k++) {
        memcpy(&w, tail + 8 * k, 8);
        lane[k] = rotate(lane[k] + w * P2, 31) * P1;
    }
    struct graph_hash h = { mix(lane[0] + rotate(lane[1], 7) + rotate(lane[2], 23) + rotate(lane[3], 41) + size),
                            mix(lane[3] ^ rotate(lane[0], 13) ^ rotate(lane[1], 29) ^ rotate(lane[2], 47) ^ size * P1) };
    return h;
}
