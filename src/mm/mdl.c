/* What MDLs describe: probing and locking, system addresses.
 *
 * A user page has one system address for good, at the same offset in the alias window as in the user half; making the mapping is
 * idempotent, so that snapshots need not know about it. Kernel memory is its own system address. */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "host/host.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/io.h"
#include "nt/status.h"
#include "ps/ps.h"

/* Which alias chunks (64 KiB) exist. A fact about this host process, true in every run. */
enum { CHUNK = 0x10000 };
static uint8_t alias_made[(KERNEL_BASE - USER_BASE) / CHUNK / 8];

static bool is_user(uint64_t address)
{
    return address >= USER_BASE && address < KERNEL_BASE;
}

static uint64_t alias_of(uint64_t address, size_t bytes)
{
    for (uint64_t c = (address - USER_BASE) / CHUNK; c <= (address + bytes - 1 - USER_BASE) / CHUNK; c++) {
        if (alias_made[c / 8] & 1 << c % 8)
            continue;
        host_alias(ALIAS_BASE + c * CHUNK, USER_BASE + c * CHUNK, CHUNK, PROT_READ | PROT_WRITE);
        alias_made[c / 8] |= (uint8_t)(1 << c % 8);
    }
    return ALIAS_BASE + (address - USER_BASE);
}

static uint64_t start_of(const MDL *m)
{
    return (uint64_t)m->StartVa + m->ByteOffset;
}

/* Touches the first byte and each further page; a write access writes back what it read. */
static bool probe(uint64_t address, size_t bytes, bool write)
{
    for (uint64_t a = address, end = address + bytes; a < end; a = (a & ~0xFFFull) + 0x1000) {
        uint8_t b;
        if (!host_guarded_copy(&b, (void *)a, 1) || (write && !host_guarded_copy((void *)a, &b, 1)))
            return false;
    }
    return true;
}

/* Page numbers: the arena page's index; enough to tell pages apart. */
static void pages_fill(MDL *m)
{
    uint64_t *pfn = (uint64_t *)(m + 1), first = (uint64_t)m->StartVa >> 12;
    size_t n = (m->ByteOffset + m->ByteCount + 0xFFFull) >> 12;
    for (size_t i = 0; i < n; i++)
        pfn[i] = first - (USER_BASE >> 12) + 0x1000 + i;
}

NTSTATUS io_mdl_lock(MDL *mdl, KPROCESSOR_MODE mode, ULONG operation)
{
    uint64_t start = start_of(mdl);
    if (mode == UserMode && (!is_user(start) || !is_user(start + mdl->ByteCount - (mdl->ByteCount != 0))))
        return STATUS_ACCESS_VIOLATION;
    if (!probe(start, mdl->ByteCount, operation != 0))
        return STATUS_ACCESS_VIOLATION;
    pages_fill(mdl);
    mdl->MdlFlags |= MDL_PAGES_LOCKED | (operation ? MDL_WRITE_OPERATION : 0);
    if (is_user(start))
        mdl->Process = ps_current_process()->eprocess;
    return STATUS_SUCCESS;
}

void MmProbeAndLockPages(MDL *mdl, ULONG mode, ULONG operation)
{
    NTSTATUS s = io_mdl_lock(mdl, (KPROCESSOR_MODE)mode, operation);
    if (!NT_SUCCESS(s))
        ke_raise_status(s);
}

void MmUnlockPages(MDL *mdl)
{
    if (!(mdl->MdlFlags & MDL_PAGES_LOCKED))
        KeBugCheckEx(0x4E, 0x9A, (ULONG64)mdl, 0, 0); /* GUESS: PFN_LIST_CORRUPT is what unlocking an unlocked MDL leads to */
    mdl->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA);
}

PVOID MmMapLockedPagesSpecifyCache(MDL *mdl, ULONG mode, ULONG cache, PVOID wanted, ULONG bug_check, ULONG priority)
{
    uint64_t start = start_of(mdl);
    if (mode == UserMode)
        return is_user(start) ? (PVOID)start : NULL;
    mdl->MappedSystemVa = (PVOID)(is_user(start) ? alias_of(start, mdl->ByteCount ? mdl->ByteCount : 1) : start);
    mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    if (mdl->MdlFlags & MDL_PARTIAL)
        mdl->MdlFlags |= MDL_PARTIAL_HAS_BEEN_MAPPED;
    return mdl->MappedSystemVa;
}

PVOID MmMapLockedPages(MDL *mdl, ULONG mode)
{
    return MmMapLockedPagesSpecifyCache(mdl, mode, 1, NULL, 1, 16);
}

void MmUnmapLockedPages(PVOID address, MDL *mdl)
{
    mdl->MdlFlags &= ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
}

void MmBuildMdlForNonPagedPool(MDL *mdl)
{
    mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
    mdl->MappedSystemVa = (PVOID)start_of(mdl);
    mdl->Process = NULL;
    pages_fill(mdl);
}

ULONG64 MmSizeOfMdl(PVOID base, ULONG64 length)
{
    return sizeof(MDL) + ((((uint64_t)base & 0xFFF) + length + 0xFFF) >> 12) * 8;
}
