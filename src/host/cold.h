/* Pages that nobody has written since they were watched. Snapshots leave them out: of what a machine holds when it starts most never changes.
 *
 * A cold page is write-protected in the processor's tables, whatever host_page_protection says. The first write faults; the page is hot
 * from then on, for the life of the process. So a fault is paid once a page, and nothing by anybody else. */
#ifndef IRPLAB_HOST_COLD_H
#define IRPLAB_HOST_COLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/layout.h"

/* Watches the pages of the halves and the private part that [address, address + bytes) touches. */
void host_cool(uint64_t address, size_t bytes);
/* A page is about to be written, or has been: false if it was not cold. Also from the signal handler. */
bool host_heat(uint64_t address);
void host_heat_range(uint64_t address, size_t bytes);
/* The pages that have become hot, in that order. */
size_t host_heated(const uint64_t **pages);

extern uint8_t host_cold_pages[(PRIVATE_END - USER_BASE) >> 12];
extern size_t host_cold_count;

static inline bool host_is_cold(uint64_t address)
{
    return address - USER_BASE < PRIVATE_END - USER_BASE && host_cold_pages[(address - USER_BASE) >> 12];
}

#endif
