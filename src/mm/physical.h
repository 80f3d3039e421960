/* Physical addresses and page frame numbers of the simulated machine. */
#ifndef IRPLAB_MM_PHYSICAL_H
#define IRPLAB_MM_PHYSICAL_H

#include <stdbool.h>
#include <stdint.h>

/* 0 for an address that means nothing. */
uint64_t mm_physical_of(uint64_t va);
/* Where the guest sees a physical address; 0 if nowhere. Only for addresses that mm_physical_of gave out. */
uint64_t mm_virtual_of(uint64_t physical);
/* Whether the current thread could read (write) all of the range without a fault. */
bool mm_is_accessible(uint64_t va, uint64_t bytes, bool write);

#endif
