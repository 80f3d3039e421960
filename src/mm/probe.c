/* Probing of user-mode pointers. DOC: ProbeForRead only checks alignment and range; ProbeForWrite also touches every page for
 * writing. Length 0 is always right. Touching faults here like in the guest: the fault becomes the caller's exception. */
#include "ke/ke.h"
#include "nt/status.h"

enum { PAGE = 0x1000 };
#define PROBE_LIMIT (KERNEL_BASE - 0x10000)

static void check_range(uint64_t address, uint64_t length, uint64_t alignment)
{
    if (alignment > 1 && (address & (alignment - 1)))
        ke_raise_status(STATUS_DATATYPE_MISALIGNMENT);
    if (address + length < address || address + length > PROBE_LIMIT)
        ke_raise_status(STATUS_ACCESS_VIOLATION);
}

void ProbeForRead(const volatile void *address, SIZE_T length, ULONG alignment)
{
    if (length)
        check_range((uint64_t)address, length, alignment);
}

void ProbeForWrite(volatile void *address, SIZE_T length, ULONG alignment)
{
    if (!length)
        return;
    check_range((uint64_t)address, length, alignment);
    uint64_t last = (uint64_t)address + length - 1;
    for (uint64_t at = (uint64_t)address; at <= last; at = (at & ~0xFFFull) + PAGE) {
        volatile char *p = (volatile char *)at;
        *p = *p;
    }
}
