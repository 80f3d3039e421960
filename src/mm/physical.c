/* Physical addresses, device memory, contiguous memory.
 *
 * Every page of the arena has a physical address that follows from its own: pool lies below 4 GiB, so that drivers of 32-bit
 * devices get what they ask for; the rest of the arena above. Other physical addresses are device registers and memory: the
 * first MmMapIoSpace of one makes zeroed memory for it, which stays (a device keeps its registers). */
#include "mm/physical.h"

#include <string.h>
#include <sys/mman.h>

#include "ke/ke.h"
#include "mm/room.h"
#include "nt/bugcheck.h"
#include "nt/ex.h"
#include "nt/status.h"
#include "ps/ps.h"

enum { PAGE = 0x1000, CONTIGUOUS_TAG = 0x6D436D4D /* 'MmCm' */, INVALID_CONTIGUOUS_ADDRESS = 0x60 };

#define POOL_PHYSICAL 0x10000000ull
#define REST_PHYSICAL 0x200000000ull
#define DEVICE_BASE (KERNEL_BASE + 0xC0000000ull)
#define DEVICE_END (KERNEL_BASE + 0xD0000000ull)

/* ---- addresses ---- */

static const struct mm_device_memory *device_at(uint64_t va)
{
    for (const struct mm_device_memory *d = mm_room()->device_memory; d; d = d->next)
        if (va - d->va < d->bytes)
            return d;
    return NULL;
}

uint64_t mm_physical_of(uint64_t va)
{
    if (va >= DEVICE_BASE && va < DEVICE_END) {
        const struct mm_device_memory *d = device_at(va);
        return d ? d->physical + (va - d->va) : 0;
    }
    va = mm_alias_original(va & ~0xFFFull) | (va & 0xFFF);
    if (va >= POOL_BASE && va < POOL_END)
        return va - POOL_BASE + POOL_PHYSICAL;
    return va >= USER_BASE && va < KERNEL_END ? va - USER_BASE + REST_PHYSICAL : 0;
}

uint64_t mm_virtual_of(uint64_t physical)
{
    if (physical - POOL_PHYSICAL < POOL_END - POOL_BASE)
        return physical - POOL_PHYSICAL + POOL_BASE;
    if (physical - REST_PHYSICAL < KERNEL_END - USER_BASE)
        return physical - REST_PHYSICAL + USER_BASE;
    for (const struct mm_device_memory *d = mm_room()->device_memory; d; d = d->next)
        if (physical - d->physical < d->bytes)
            return d->va + (physical - d->physical);
    return 0;
}

static bool is_user_page_of_other(uint64_t page)
{
    const struct process *p = MACHINE->fiber ? ps_current_process() : NULL;
    return page < USER_END && (!p || !p->slice || page - p->slice >= USER_SLICE);
}

bool mm_is_accessible(uint64_t va, uint64_t bytes, bool write)
{
    int want = write ? PROT_READ | PROT_WRITE : PROT_READ;
    if (bytes == 0 || va + bytes < va)
        return bytes == 0;
    for (uint64_t page = va & ~0xFFFull; page < va + bytes; page += PAGE) {
        if (machine_foreign_image(page) || mm_alias_original(page) != page)
            continue;
        if ((host_page_protection(page) & want) != want || is_user_page_of_other(page))
            return false;
    }
    return true;
}

BOOLEAN MmIsAddressValid(PVOID va)
{
    return mm_is_accessible((uint64_t)va, 1, false);
}

ULONG64 MmGetPhysicalAddress(PVOID va)
{
    return mm_is_accessible((uint64_t)va, 1, false) ? mm_physical_of((uint64_t)va) : 0;
}

PVOID MmGetVirtualForPhysical(ULONG64 physical)
{
    return (PVOID)mm_virtual_of(physical);
}

/* ---- device memory ---- */

static uint64_t device_new(uint64_t physical, uint64_t bytes)
{
    struct mm_room *r = mm_room();
    uint64_t va = r->device_next ? r->device_next : DEVICE_BASE;
    if (bytes > DEVICE_END - va)
        return 0;
    host_protect(va, bytes, PROT_READ | PROT_WRITE);
    memset((void *)va, 0, bytes);
    sim_segment_add(va, bytes, SEGMENT_PLAIN, true)->used = bytes;
    struct mm_device_memory *d = sim_alloc(sizeof *d);
    *d = (struct mm_device_memory) { physical, bytes, va, r->device_memory };
    r->device_memory = d;
    r->device_next = va + bytes + PAGE;
    return va;
}

PVOID MmMapIoSpace(ULONG64 physical, SIZE_T bytes, ULONG cache)
{
    uint64_t va = mm_virtual_of(physical);
    if (bytes == 0 || bytes > DEVICE_END - DEVICE_BASE)
        return NULL;
    if (va)
        return (PVOID)va;
    uint64_t first = physical & ~0xFFFull, end = (physical + bytes + 0xFFF) & ~0xFFFull;
    va = device_new(first, end - first);
    return va ? (PVOID)(va + (physical & 0xFFF)) : NULL;
}

PVOID MmMapIoSpaceEx(ULONG64 physical, SIZE_T bytes, ULONG protect)
{
    return MmMapIoSpace(physical, bytes, 0);
}

void MmUnmapIoSpace(PVOID va, SIZE_T bytes)
{
}

/* ---- contiguous memory: all of pool is ---- */

static bool fits(uint64_t physical, uint64_t bytes, uint64_t lowest, uint64_t highest, uint64_t boundary)
{
    if (physical < lowest || physical + bytes - 1 > highest)
        return false;
    return boundary == 0 || physical / boundary == (physical + bytes - 1) / boundary;
}

static PVOID contiguous(SIZE_T bytes, uint64_t lowest, uint64_t highest, uint64_t boundary)
{
    if (bytes == 0 || bytes > POOL_END - POOL_BASE || (mm_pool_fail_hook && mm_pool_fail_hook(NonPagedPoolNx, bytes, CONTIGUOUS_TAG)))
        return NULL;
    uint64_t pages = (bytes + 0xFFF) & ~0xFFFull;
    /* Blocks that cross the boundary are put aside until one does not. */
    void *aside[8], *p = NULL;
    unsigned n = 0;
    while (n < 8 && (p = pool_alloc(NonPagedPoolNx, pages, CONTIGUOUS_TAG, pool_caller())) &&
           !fits(mm_physical_of((uint64_t)p), pages, lowest, highest, boundary)) {
        aside[n++] = p;
        p = NULL;
    }
    while (n > 0)
        ex_pool_free(aside[--n]);
    return p;
}

PVOID MmAllocateContiguousMemory(SIZE_T bytes, ULONG64 highest)
{
    return contiguous(bytes, 0, highest, 0);
}

PVOID MmAllocateContiguousMemorySpecifyCache(SIZE_T bytes, ULONG64 lowest, ULONG64 highest, ULONG64 boundary, ULONG cache)
{
    return contiguous(bytes, lowest, highest, boundary);
}

PVOID MmAllocateContiguousMemorySpecifyCacheNode(SIZE_T bytes, ULONG64 lowest, ULONG64 highest, ULONG64 boundary, ULONG cache, ULONG node)
{
    return contiguous(bytes, lowest, highest, boundary);
}

PVOID MmAllocateContiguousNodeMemory(SIZE_T bytes, ULONG64 lowest, ULONG64 highest, ULONG64 boundary, ULONG protect, ULONG node)
{
    return contiguous(bytes, lowest, highest, boundary);
}

PVOID MmAllocateNonCachedMemory(SIZE_T bytes)
{
    return contiguous(bytes, 0, ~0ull, 0);
}

void MmFreeContiguousMemory(PVOID p)
{
    struct pool_block b;
    if (!mm_pool_find((uint64_t)p, &b) || b.base != (uint64_t)p || b.tag != CONTIGUOUS_TAG)
        KeBugCheckEx(BAD_POOL_CALLER, INVALID_CONTIGUOUS_ADDRESS, (uint64_t)p, 0, 0);
    ex_pool_free(p);
}

void MmFreeContiguousMemorySpecifyCache(PVOID p, SIZE_T bytes, ULONG cache)
{
    MmFreeContiguousMemory(p);
}

void MmFreeNonCachedMemory(PVOID p, SIZE_T bytes)
{
    MmFreeContiguousMemory(p);
}

/* ---- the rest of physical memory ---- */

/* DOC: pairs of base and size, the last all zero; the caller frees them. */
PVOID MmGetPhysicalMemoryRanges(void)
{
    uint64_t *r = ex_pool_alloc(NonPagedPoolNx, 6 * 8, 0x68506D4D);
    const uint64_t ranges[6] = { POOL_PHYSICAL, POOL_END - POOL_BASE, REST_PHYSICAL, KERNEL_END - USER_BASE, 0, 0 };
    return memcpy(r, ranges, sizeof ranges);
}

enum { COPY_PHYSICAL = 1, COPY_VIRTUAL = 2 };

/* source: MM_COPY_ADDRESS by value. */
NTSTATUS MmCopyMemory(PVOID target, ULONG64 source, SIZE_T bytes, ULONG flags, SIZE_T *copied)
{
    *copied = 0;
    if (flags != COPY_PHYSICAL && flags != COPY_VIRTUAL)
        return STATUS_INVALID_PARAMETER_4;
    uint64_t from = flags == COPY_PHYSICAL ? mm_virtual_of(source) : source;
    while (bytes > 0) {
        uint64_t n = PAGE - (from & 0xFFF);
        n = n < bytes ? n : bytes;
        if (!mm_is_accessible(from, n, false))
            return STATUS_INVALID_ADDRESS;
        memcpy((char *)target + *copied, (void *)from, n);
        *copied += n;
        from += n;
        bytes -= n;
    }
    return STATUS_SUCCESS;
}
