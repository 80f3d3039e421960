/* Pages that differ from another one in a few lines of 64 bytes. What a run writes between two snapshots are some words here and there: saying
 * which lines they lie on takes a tenth of the room of the pages, and memory that need not be written is left alone. */
#ifndef IRPLAB_SIM_LINES_H
#define IRPLAB_SIM_LINES_H

#include <stdbool.h>
#include <stdint.h>

enum { LINE_BYTES = 64, LINES_MOST = 4096 };

/* Both are pages, 64-aligned. Bit n of what is returned: line n differs; those lines are written to `out` in order, which has room for
 * LINES_MOST bytes whatever the number. */
uint64_t lines_save(const void *page, const void *from, uint8_t *out);
/* Makes `page` what lines_save saw. Writes nothing where it is so already. */
void lines_restore(void *page, const void *from, uint64_t mask, const uint8_t *lines);
/* Is it so already? */
bool lines_match(const void *page, const void *from, uint64_t mask, const uint8_t *lines);

#endif
