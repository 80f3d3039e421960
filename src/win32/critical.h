/* Critical sections, for condition variables and the C run-time's locks. */
#ifndef IRPLAB_WIN32_CRITICAL_H
#define IRPLAB_WIN32_CRITICAL_H

#include "win32/win32.h"

/* RTL_CRITICAL_SECTION */
struct critical_section {
    uint64_t debug_info;
    int32_t lock_count, recursion_count;
    uint64_t owning_thread, lock_semaphore, spin_count;
};
_Static_assert(sizeof(struct critical_section) == 0x28, "RTL_CRITICAL_SECTION");

void InitializeCriticalSection(struct critical_section *cs);
void EnterCriticalSection(struct critical_section *cs);
void LeaveCriticalSection(struct critical_section *cs);
bool w32_gate_critical_section(const struct agent *a, const void *args);

#endif
