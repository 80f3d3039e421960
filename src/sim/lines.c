#include "sim/lines.h"

#include <immintrin.h>
#include <string.h>

/* Two ways to compare and copy 64 bytes: what every x64 processor has, and what nearly all have, at twice the speed. */
static inline bool same_sse(const char *a, const char *b)
{
    __m128i all = _mm_set1_epi8(-1);
    for (int i = 0; i < LINE_BYTES; i += 16)
        all = _mm_and_si128(all, _mm_cmpeq_epi8(_mm_load_si128((const __m128i *)(a + i)), _mm_load_si128((const __m128i *)(b + i))));
    return _mm_movemask_epi8(all) == 0xFFFF;
}

static inline __attribute__((target("avx2"))) bool same_avx(const char *a, const char *b)
{
    __m256i x = _mm256_xor_si256(_mm256_load_si256((const __m256i *)a), _mm256_load_si256((const __m256i *)b));
    __m256i y = _mm256_xor_si256(_mm256_load_si256((const __m256i *)(a + 32)), _mm256_load_si256((const __m256i *)(b + 32)));
    x = _mm256_or_si256(x, y);
    return _mm256_testz_si256(x, x);
}

#define LINES_FUNCTIONS(kind, attributes)                                                                                              \
    static attributes uint64_t save_##kind(const char *page, const char *from, uint8_t *out)                                           \
    {                                                                                                                                  \
        uint64_t mask = 0;                                                                                                             \
        for (unsigned i = 0; i < LINES_MOST / LINE_BYTES; i++) {                                                                       \
            if (__builtin_expect(same_##kind(page + i * LINE_BYTES, from + i * LINE_BYTES), 1))                                        \
                continue;                                                                                                              \
            mask |= 1ull << i;                                                                                                         \
            memcpy(out, page + i * LINE_BYTES, LINE_BYTES);                                                                            \
            out += LINE_BYTES;                                                                                                         \
        }                                                                                                                              \
        return mask;                                                                                                                   \
    }                                                                                                                                  \
    static attributes void restore_##kind(char *page, const char *from, uint64_t mask, const uint8_t *lines)                           \
    {                                                                                                                                  \
        for (unsigned i = 0; i < LINES_MOST / LINE_BYTES; i++) {                                                                       \
            const char *want = from + i * LINE_BYTES;                                                                                  \
            if (mask >> i & 1) {                                                                                                       \
                memcpy(page + i * LINE_BYTES, lines, LINE_BYTES);                                                                      \
                lines += LINE_BYTES;                                                                                                   \
            } else if (__builtin_expect(!same_##kind(page + i * LINE_BYTES, want), 0)) {                                               \
                memcpy(page + i * LINE_BYTES, want, LINE_BYTES);                                                                       \
            }                                                                                                                          \
        }                                                                                                                              \
    }

LINES_FUNCTIONS(sse, )
LINES_FUNCTIONS(avx, __attribute__((target("avx2"))))

static bool has_avx(void)
{
    static int has = -1;
    if (__builtin_expect(has < 0, 0))
        has = __builtin_cpu_supports("avx2") != 0;
    return has;
}

uint64_t lines_save(const void *page, const void *from, uint8_t *out)
{
    return has_avx() ? save_avx(page, from, out) : save_sse(page, from, out);
}

void lines_restore(void *page, const void *from, uint64_t mask, const uint8_t *lines)
{
    if (has_avx())
        restore_avx(page, from, mask, lines);
    else
        restore_sse(page, from, mask, lines);
}

bool lines_match(const void *page, const void *from, uint64_t mask, const uint8_t *lines)
{
    for (unsigned i = 0; i < LINES_MOST / LINE_BYTES; i++) {
        const char *want = mask >> i & 1 ? (const char *)lines : (const char *)from + i * LINE_BYTES;
        if (memcmp((const char *)page + i * LINE_BYTES, want, LINE_BYTES) != 0)
            return false;
        lines += mask >> i & 1 ? LINE_BYTES : 0;
    }
    return true;
}
