/* What may be accessed: a byte for each eight, in pages that are made when something in them may not be. 0: all eight; 1 to 7: the first so
 * many; otherwise a reason why not (the values that compilers write for stacks and globals, and ours). */
#ifndef IRPLAB_RACE_SHADOW_H
#define IRPLAB_RACE_SHADOW_H

#include "race/room.h"

enum {
    SHADOW_STACK_LEFT = 0xF1,
    SHADOW_STACK_MIDDLE = 0xF2,
    SHADOW_STACK_RIGHT = 0xF3,
    SHADOW_SCOPE = 0xF8, /* a variable whose block was left */
    SHADOW_GLOBAL = 0xF9,
    SHADOW_BLOCK_ZONE = 0xFA, /* beside a block of pool or heap */
    SHADOW_FREED = 0xFD,
    SHADOW_ALLOCA_LEFT = 0xCA,
    SHADOW_ALLOCA_RIGHT = 0xCB,
    SHADOW_IRP = 0xC0, /* an IRP that has been completed */
};

struct shadow;

struct shadow *shadow_new(void);
/* The bytes [address, address + bytes) become accessible, or not; ends inside eight bytes are kept as far as the encoding can. */
void shadow_open(struct shadow *s, uint64_t address, uint64_t bytes);
void shadow_close(struct shadow *s, uint64_t address, uint64_t bytes, uint8_t why);
/* Sets the values of `count` granules from address on. */
void shadow_set(struct shadow *s, uint64_t address, uint64_t count, uint8_t value);
/* What was closed for this reason in the range is open again. */
void shadow_reopen(struct shadow *s, uint64_t address, uint64_t bytes, uint8_t why);
uint8_t shadow_at(const struct shadow *s, uint64_t address);
/* The first byte of the range that may not be accessed; false: there is none. */
bool shadow_find(const struct shadow *s, uint64_t address, uint64_t bytes, uint64_t *bad);

#endif
