/* MDLs: allocation. What they describe is locked and mapped by mm. */
#include <string.h>

#include "io/room.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "ob/ob.h"

enum { MDL_TAG = 0x206C644D };

static ULONG pages_spanned(PVOID va, ULONG length)
{
    return (ULONG)((((uint64_t)va & 0xFFF) + length + 0xFFF) >> 12);
}

MDL *IoAllocateMdl(PVOID va, ULONG length, ULONG secondary, ULONG quota, IRP *irp)
{
    size_t bytes = sizeof(MDL) + pages_spanned(va, length) * 8ull;
    MDL *m = ex_pool_alloc(NonPagedPoolNx, bytes, MDL_TAG);
    memset(m, 0, bytes);
    m->Size = (CSHORT)bytes;
    m->StartVa = (PVOID)((uint64_t)va & ~0xFFFull);
    m->ByteOffset = (ULONG)((uint64_t)va & 0xFFF);
    m->ByteCount = length;
    if (!irp)
        return m;
    if (!(secondary & 0xFF)) {
        irp->MdlAddress = m;
    } else {
        MDL **at = &irp->MdlAddress;
        while (*at)
            at = &(*at)->Next;
        *at = m;
    }
    return m;
}

void IoFreeMdl(MDL *m)
{
    if (m->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED)
        MmUnmapLockedPages(m->MappedSystemVa, m);
    ex_pool_free(m);
}

void IoBuildPartialMdl(MDL *source, MDL *target, PVOID va, ULONG length)
{
    uint64_t start = (uint64_t)source->StartVa + source->ByteOffset;
    uint64_t offset = (uint64_t)va - start;
    if (!length)
        length = (ULONG)(source->ByteCount - offset);
    target->StartVa = (PVOID)((uint64_t)va & ~0xFFFull);
    target->ByteOffset = (ULONG)((uint64_t)va & 0xFFF);
    target->ByteCount = length;
    target->Process = source->Process;
    target->MdlFlags = (CSHORT)(target->MdlFlags | MDL_PARTIAL | (source->MdlFlags & (MDL_SOURCE_IS_NONPAGED_POOL | MDL_IO_PAGE_READ | MDL_WRITE_OPERATION)));
    if (source->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) {
        target->MappedSystemVa = (UCHAR *)source->MappedSystemVa + offset;
        target->MdlFlags |= source->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA;
    }
    ULONG first = (ULONG)(((uint64_t)target->StartVa - (uint64_t)source->StartVa) >> 12);
    memcpy(target + 1, (uint64_t *)(source + 1) + first, pages_spanned(va, length) * 8ull);
}

ULONG io_mdl_bytes(PVOID va, ULONG length)
{
    return (ULONG)sizeof(MDL) + pages_spanned(va, length) * 8;
}
