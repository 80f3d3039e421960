/* Messages between processes that share a search: numbers and texts in a row of bytes. The reader trusts nothing: whatever is not there
 * reads as 0 and sets `bad`, which is looked at once, at the end. */
#ifndef IRPLAB_EXPLORE_BYTES_H
#define IRPLAB_EXPLORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *data;
    size_t count, room;
};

void bytes_free(struct bytes *b);
void bytes_put(struct bytes *b, const void *data, size_t n);
void bytes_u(struct bytes *b, uint64_t v); /* shorter for small ones */
void bytes_text(struct bytes *b, const char *text); /* NULL is ""; */

struct reader {
    const uint8_t *at, *end;
    bool bad;
};

uint64_t read_u(struct reader *r);
/* A number of things that take at least one byte each. */
size_t read_count(struct reader *r);
/* To be freed; never NULL. */
char *read_text(struct reader *r);
/* n bytes, or NULL (bad). */
const uint8_t *read_bytes(struct reader *r, size_t n);

uint64_t bytes_hash(const void *data, size_t n);
/* Appends a hash of what was appended since `from`; and looks at it, taking it away. false: it does not fit. */
void bytes_seal(struct bytes *b, size_t from);
bool read_sealed(struct reader *r);

#endif
