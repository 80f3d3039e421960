/* Characters as bytes. */
#ifndef IRPLAB_BASE_UTF_H
#define IRPLAB_BASE_UTF_H

#include <stddef.h>
#include <stdint.h>

/* Writes code point `c` (at most 0x10FFFF) as UTF-8; returns the number of bytes, 1 to 4. */
size_t base_utf8_put(uint32_t c, char out[4]);

#endif
