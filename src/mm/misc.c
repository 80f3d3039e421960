/* Calls about paging, sections of drivers and the system's size: nothing is ever paged out here, so most only answer. */
#include <string.h>

#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "sim/image.h"

enum { MM_LARGE_SYSTEM = 2 };

static PVOID image_base(PVOID address)
{
    struct image *i = image_at((uint64_t)address);
    return i ? (PVOID)i->base : NULL;
}

PVOID MmLockPagableDataSection(PVOID address)
{
    return image_base(address);
}

void MmLockPagableSectionByHandle(PVOID handle)
{
}

void MmUnlockPagableImageSection(PVOID handle)
{
}

PVOID MmPageEntireDriver(PVOID address)
{
    return image_base(address);
}

void MmResetDriverPaging(PVOID address)
{
}

ULONG MmQuerySystemSize(void)
{
    return MM_LARGE_SYSTEM;
}

/* A workstation. */
BOOLEAN MmIsThisAnNtAsSystem(void)
{
    return FALSE;
}

ULONG MmIsDriverVerifying(PVOID driver)
{
    return FALSE;
}

ULONG MmIsDriverVerifyingByAddress(PVOID address)
{
    return FALSE;
}

NTSTATUS MmIsVerifierEnabled(ULONG *flags)
{
    *flags = 0;
    return STATUS_NOT_SUPPORTED;
}

/* Memory of a process does not go away while its thread is in the kernel. */
PVOID MmSecureVirtualMemory(PVOID address, SIZE_T size, ULONG mode)
{
    return (PVOID)((uint64_t)address | 1);
}

void MmUnsecureVirtualMemory(PVOID handle)
{
}

BOOLEAN MmSetAddressRangeModified(PVOID address, SIZE_T length)
{
    return FALSE;
}

PVOID MmGetSystemRoutineAddress(const UNICODE_STRING *name)
{
    char text[128];
    size_t n = name->Length / 2;
    if (n >= sizeof text)
        return NULL;
    for (size_t i = 0; i < n; i++)
        text[i] = name->Buffer[i] < 0x80 ? (char)name->Buffer[i] : '?';
    text[n] = 0;
    static const char *const modules[] = { "nt", "hal" };
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++) {
        struct image *image = image_find(modules[i]);
        uint64_t address = image ? image_export(image, text, 0) : 0;
        if (address)
            return (PVOID)address;
    }
    return NULL;
}
