#include "base/zero.h"

#include <emmintrin.h>
#include <stdint.h>

static inline __m128i load(const uint8_t *p)
{
    return _mm_load_si128((const __m128i *)p);
}

static inline int is_zero(__m128i v)
{
    return _mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128())) == 0xFFFF;
}

size_t base_zero_bytes(const void *p, size_t n)
{
    const uint8_t *at = p, *end = at + n;
    for (; end - at >= 128; at += 128) {
        __m128i a = _mm_or_si128(_mm_or_si128(load(at), load(at + 16)), _mm_or_si128(load(at + 32), load(at + 48)));
        __m128i b = _mm_or_si128(_mm_or_si128(load(at + 64), load(at + 80)), _mm_or_si128(load(at + 96), load(at + 112)));
        if (!is_zero(_mm_or_si128(a, b)))
            break;
    }
    while (at < end && is_zero(load(at)))
        at += 16;
    return (size_t)(at - (const uint8_t *)p);
}
