/* MDLs: locking what they describe and mapping it. IoAllocateMdl and its kin belong to io.
 *
 * A system address of memory that lies in the kernel half already and in one piece is its own address; anything else gets an
 * alias. A user-mode mapping is an alias in the process's slice. */
#include <string.h>

#include "ke/ke.h"
#include "mm/physical.h"
#include "mm/room.h"
#include "nt/bugcheck.h"
#include "nt/io.h"
#include "nt/status.h"
#include "ps/ps.h"

enum { PAGE = 0x1000, MAX_PAGES = 0x10000, IO_READ_ACCESS = 0, PAGES_TAG = 0x6C416D4D /* 'MmAl' */, MDL_TAG = 0x206C644D };

static uint64_t *frames(MDL *m)
{
    return (uint64_t *)(m + 1);
}

static uint64_t start_of(const MDL *m)
{
    return (uint64_t)m->StartVa + m->ByteOffset;
}

static uint64_t pages_of(const MDL *m)
{
    return ((uint64_t)m->ByteOffset + m->ByteCount + 0xFFF) >> 12;
}

static void frames_fill(MDL *m)
{
    for (uint64_t i = 0; i < pages_of(m); i++)
        frames(m)[i] = mm_physical_of((uint64_t)m->StartVa + i * PAGE) >> 12;
}

SIZE_T MmSizeOfMdl(PVOID base, SIZE_T length)
{
    return sizeof(MDL) + ((((uint64_t)base & 0xFFF) + length + 0xFFF) >> 12) * 8;
}

void MmBuildMdlForNonPagedPool(MDL *m)
{
    m->Process = NULL;
    m->MappedSystemVa = (PVOID)start_of(m);
    frames_fill(m);
    m->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}

static bool is_user(uint64_t address)
{
    return address < KERNEL_BASE;
}

static NTSTATUS lock_pages(MDL *m, struct process *process, ULONG mode, ULONG operation)
{
    uint64_t start = start_of(m), end = start + m->ByteCount;
    bool write = operation != IO_READ_ACCESS;
    if (m->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL))
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, 0xB0, (uint64_t)m, (uint64_t)m->MdlFlags, 0);
    if (end < start || (mode == UserMode && end > KERNEL_BASE - 0x10000))
        return STATUS_ACCESS_VIOLATION;
    if (!mm_is_accessible(start, m->ByteCount, write))
        return STATUS_ACCESS_VIOLATION;
    frames_fill(m);
    m->Process = is_user(start) && process ? process->eprocess : NULL;
    if (m->Process)
        process->locked_mdls++;
    m->MdlFlags |= MDL_PAGES_LOCKED | (write ? MDL_WRITE_OPERATION : 0);
    return STATUS_SUCCESS;
}

static struct process *current_process(void)
{
    return MACHINE->fiber ? ps_current_process() : NULL;
}

NTSTATUS io_mdl_lock(MDL *m, KPROCESSOR_MODE mode, ULONG operation)
{
    return lock_pages(m, current_process(), (ULONG)mode, operation);
}

/* DOC: raises STATUS_ACCESS_VIOLATION (or a status of the pager) when a page cannot be had with that access. */
void MmProbeAndLockPages(MDL *m, ULONG mode, ULONG operation)
{
    NTSTATUS status = lock_pages(m, current_process(), (UCHAR)mode, operation);
    if (!NT_SUCCESS(status))
        ke_raise_status(status);
}

void MmProbeAndLockProcessPages(MDL *m, EPROCESS *eprocess, ULONG mode, ULONG operation)
{
    struct thread *t = ps_current();
    struct process *p = ps_process_of(eprocess), *attached = t->attached;
    t->attached = p;
    NTSTATUS status = lock_pages(m, p, (UCHAR)mode, operation);
    t->attached = attached;
    if (!NT_SUCCESS(status))
        ke_raise_status(status);
}

void MmUnlockPages(MDL *m)
{
    if (!(m->MdlFlags & MDL_PAGES_LOCKED))
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, 0xB6, (uint64_t)m, (uint64_t)m->MdlFlags, 0);
    if (m->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
        MmUnmapLockedPages(m->MappedSystemVa, m);
    struct process *process = m->Process ? ps_process_of(m->Process) : NULL;
    if (process)
        process->locked_mdls--;
    m->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
    m->Process = NULL;
}

/* ---- mapping ---- */

/* The pages' own addresses if they are kernel memory in one piece; 0 otherwise. */
static uint64_t own_address(MDL *m)
{
    uint64_t first = mm_virtual_of(frames(m)[0] << 12);
    if (first < KERNEL_BASE)
        return 0;
    for (uint64_t i = 1; i < pages_of(m); i++)
        if (mm_virtual_of(frames(m)[i] << 12) != first + i * PAGE)
            return 0;
    return first;
}

/* Pages of the MDL through map; slice as mm_view_map takes it, 0 = system address. */
static uint64_t map_pages(MDL *m, uint64_t slice)
{
    uint64_t n = pages_of(m);
    if (n == 0 || n > MAX_PAGES)
        return 0;
    uint64_t *pages = sim_alloc(n * 8);
    for (uint64_t i = 0; i < n; i++)
        pages[i] = mm_virtual_of(frames(m)[i] << 12);
    uint64_t va = slice ? mm_view_map(slice, pages, n) : mm_alias_map(pages, n);
    sim_free(pages, n * 8);
    return va;
}

static uint64_t map_system(MDL *m)
{
    uint64_t own = pages_of(m) ? own_address(m) : 0;
    return own ? own : map_pages(m, 0);
}

static uint64_t map_user(MDL *m)
{
    const struct process *p = ps_current_process();
    return p && p->slice ? map_pages(m, p->slice) : 0;
}

PVOID MmMapLockedPagesSpecifyCache(MDL *m, ULONG mode, ULONG cache, PVOID wanted, ULONG bug_check, ULONG priority)
{
    if ((UCHAR)mode == UserMode) {
        uint64_t va = map_user(m);
        if (!va)
            ke_raise_status(STATUS_INSUFFICIENT_RESOURCES); /* DOC: user-mode mapping fails by an exception */
        return (PVOID)(va + m->ByteOffset);
    }
    if (m->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
        return m->MappedSystemVa;
    uint64_t va = map_system(m);
    if (!va) {
        if (bug_check)
            KeBugCheckEx(NO_MORE_SYSTEM_PTES, 0, pages_of(m), 0, 0);
        return NULL;
    }
    m->MappedSystemVa = (PVOID)(va + m->ByteOffset);
    m->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA | (m->MdlFlags & MDL_PARTIAL ? MDL_PARTIAL_HAS_BEEN_MAPPED : 0);
    return m->MappedSystemVa;
}

PVOID MmMapLockedPages(MDL *m, ULONG mode)
{
    return MmMapLockedPagesSpecifyCache(m, mode, 1, NULL, TRUE, 32);
}

void MmUnmapLockedPages(PVOID address, MDL *m)
{
    uint64_t page = (uint64_t)address & ~0xFFFull;
    mm_alias_unmap(page);
    if (is_user(page))
        return;
    m->MdlFlags &= ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
}

NTSTATUS MmProtectMdlSystemAddress(MDL *m, ULONG protect)
{
    return m->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA ? STATUS_SUCCESS : STATUS_NOT_MAPPED_VIEW;
}

NTSTATUS MmAdvanceMdl(MDL *m, ULONG bytes)
{
    if (bytes > m->ByteCount)
        return STATUS_INVALID_PARAMETER_2;
    uint64_t skipped = ((uint64_t)m->ByteOffset + bytes) >> 12;
    memmove(frames(m), frames(m) + skipped, (pages_of(m) - skipped) * 8);
    m->StartVa = (char *)m->StartVa + skipped * PAGE;
    m->ByteOffset = (m->ByteOffset + bytes) & 0xFFF;
    m->ByteCount -= bytes;
    if (m->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
        m->MappedSystemVa = (char *)m->MappedSystemVa + bytes;
    return STATUS_SUCCESS;
}

/* ---- pages without an address ---- */

static MDL *pages_mdl(SIZE_T bytes, bool zero)
{
    uint64_t rounded = (bytes + 0xFFF) & ~0xFFFull;
    if (bytes == 0 || rounded > (uint64_t)MAX_PAGES * PAGE || (mm_pool_fail_hook && mm_pool_fail_hook(NonPagedPoolNx, bytes, PAGES_TAG)))
        return NULL;
    void *pages = pool_alloc(NonPagedPoolNx, rounded, PAGES_TAG, pool_caller());
    if (!pages)
        return NULL;
    if (zero)
        memset(pages, 0, rounded);
    size_t size = MmSizeOfMdl(NULL, rounded);
    MDL *m = memset(ex_pool_alloc(NonPagedPoolNx, size, MDL_TAG), 0, size);
    m->Size = (CSHORT)size;
    m->ByteCount = (ULONG)rounded;
    for (uint64_t i = 0; i < rounded / PAGE; i++)
        frames(m)[i] = mm_physical_of((uint64_t)pages + i * PAGE) >> 12;
    m->MdlFlags = MDL_PAGES_LOCKED;
    return m;
}

MDL *MmAllocatePagesForMdl(ULONG64 low, ULONG64 high, ULONG64 skip, SIZE_T bytes)
{
    return pages_mdl(bytes, true);
}

enum { DONT_ZERO = 1 };

MDL *MmAllocatePagesForMdlEx(ULONG64 low, ULONG64 high, ULONG64 skip, SIZE_T bytes, ULONG cache, ULONG flags)
{
    return pages_mdl(bytes, !(flags & DONT_ZERO));
}

/* DOC: frees the pages; the MDL itself is freed by the caller with ExFreePool. */
void MmFreePagesFromMdl(MDL *m)
{
    if (m->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
        MmUnmapLockedPages(m->MappedSystemVa, m);
    ex_pool_free((void *)mm_virtual_of(frames(m)[0] << 12));
    m->MdlFlags &= ~MDL_PAGES_LOCKED;
}

/* ---- reserved mappings ---- */

/* Address space set aside: a pool block stands for it; the mapping itself is an alias. */
PVOID MmAllocateMappingAddress(SIZE_T bytes, ULONG tag)
{
    return bytes ? pool_alloc(NonPagedPoolNx, PAGE, tag, pool_caller()) : NULL;
}

void MmFreeMappingAddress(PVOID address, ULONG tag)
{
    ex_pool_free(address);
}

/* GUESS: NT returns the reserved address; here it is the alias's, which a driver uses in the same way. */
PVOID MmMapLockedPagesWithReservedMapping(PVOID address, ULONG tag, MDL *m, ULONG cache)
{
    return MmMapLockedPagesSpecifyCache(m, KernelMode, cache, NULL, FALSE, 0);
}

void MmUnmapReservedMapping(PVOID address, ULONG tag, MDL *m)
{
    if (m->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
        MmUnmapLockedPages(m->MappedSystemVa, m);
}
