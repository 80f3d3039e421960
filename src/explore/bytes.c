#include "explore/bytes.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "explore/footprint.h"

void bytes_free(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){0};
}

void bytes_put(struct bytes *b, const void *data, size_t n)
{
    if (b->room < b->count + n + 1)
        b->data = explore_grow(b->data, &b->room, b->count + n + 1, 1);
    if (n)
        memcpy(b->data + b->count, data, n);
    b->count += n;
}

void bytes_u(struct bytes *b, uint64_t v)
{
    enum { LONGEST = 10 };
    if (b->room < b->count + LONGEST)
        b->data = explore_grow(b->data, &b->room, b->count + LONGEST, 1);
    for (; v >= 0x80; v >>= 7)
        b->data[b->count++] = (uint8_t)(v | 0x80);
    b->data[b->count++] = (uint8_t)v;
}

void bytes_text(struct bytes *b, const char *text)
{
    size_t n = text ? strlen(text) : 0;
    bytes_u(b, n);
    bytes_put(b, text, n);
}

uint64_t read_u(struct reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (r->at == r->end)
            break;
        uint8_t c = *r->at++;
        v |= (uint64_t)(c & 0x7F) << shift;
        if (!(c & 0x80))
            return v;
    }
    r->bad = true;
    r->at = r->end;
    return 0;
}

size_t read_count(struct reader *r)
{
    uint64_t n = read_u(r);
    if (n <= (size_t)(r->end - r->at))
        return (size_t)n;
    r->bad = true;
    r->at = r->end;
    return 0;
}

const uint8_t *read_bytes(struct reader *r, size_t n)
{
    if (n > (size_t)(r->end - r->at)) {
        r->bad = true;
        r->at = r->end;
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at += n;
    return p;
}

char *read_text(struct reader *r)
{
    size_t n = read_count(r);
    char *text = malloc(n + 1);
    if (!text)
        base_panic("out of memory (%zu bytes)", n);
    const uint8_t *p = read_bytes(r, n);
    memcpy(text, p ? (const char *)p : "", p ? n : 0);
    text[p ? n : 0] = 0;
    return text;
}

/* Eight bytes at a time; each step can be undone, so no change of one word goes unnoticed. */
static uint64_t hash_word(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9fb21c651e98df25ull;
    return h ^ h >> 29;
}

uint64_t bytes_hash(const void *data, size_t n)
{
    const uint8_t *p = data;
    uint64_t h = 0xcbf29ce484222325ull + n, word;
    for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
        memcpy(&word, p, sizeof word);
        h = hash_word(h, word);
    }
    word = 0;
    if (n)
        memcpy(&word, p, n);
    return explore_mix(hash_word(h, word));
}

void bytes_seal(struct bytes *b, size_t from)
{
    uint64_t sum = bytes_hash(b->data + from, b->count - from);
    bytes_put(b, &sum, sizeof sum);
}

bool read_sealed(struct reader *r)
{
    uint64_t sum;
    if ((size_t)(r->end - r->at) < sizeof sum)
        return false;
    r->end -= sizeof sum;
    memcpy(&sum, r->end, sizeof sum);
    return bytes_hash(r->at, (size_t)(r->end - r->at)) == sum;
}
