#include "base/zero.h"

#include <immintrin.h>
#include <stdint.h>

static inline __m128i load(const uint8_t *p)
{
    return _mm_load_si128((const __m128i *)p);
}

static inline int is_zero(__m128i v)
{
    return _mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128())) == 0xFFFF;
}

/* Blocks of 128 bytes that are zero, with what every x64 processor has and with what nearly all have. */
static const uint8_t *zero_blocks_sse(const uint8_t *at, const uint8_t *end)
{
    for (; end - at >= 128; at += 128) {
        __m128i a = _mm_or_si128(_mm_or_si128(load(at), load(at + 16)), _mm_or_si128(load(at + 32), load(at + 48)));
        __m128i b = _mm_or_si128(_mm_or_si128(load(at + 64), load(at + 80)), _mm_or_si128(load(at + 96), load(at + 112)));
        if (!is_zero(_mm_or_si128(a, b)))
            break;
    }
    return at;
}

static __attribute__((target("avx2"))) const uint8_t *zero_blocks_avx(const uint8_t *at, const uint8_t *end)
{
    for (; end - at >= 128; at += 128) {
        const __m256i *p = (const __m256i *)at;
        __m256i a = _mm256_or_si256(_mm256_or_si256(_mm256_loadu_si256(p), _mm256_loadu_si256(p + 1)),
                                    _mm256_or_si256(_mm256_loadu_si256(p + 2), _mm256_loadu_si256(p + 3)));
        if (!_mm256_testz_si256(a, a))
            break;
    }
    return at;
}

size_t base_zero_bytes(const void *p, size_t n)
{
    static int has_avx = -1;
    if (__builtin_expect(has_avx < 0, 0))
        has_avx = __builtin_cpu_supports("avx2") != 0;
    const uint8_t *at = p, *end = at + n;
    at = has_avx ? zero_blocks_avx(at, end) : zero_blocks_sse(at, end);
    while (at < end && is_zero(load(at)))
        at += 16;
    return (size_t)(at - (const uint8_t *)p);
}
