/* VirtualAlloc and its kin on the process's address space (mm/virtual.c); what else lies in the slice (images, stacks, heaps) can be
 * asked about and protected. */
#include "mm/virtual.h"
#include "sim/image.h"
#include "win32/win32.h"

#include <sys/mman.h>

enum { PAGE = 0x1000, GRANULARITY = 0x10000 };

struct memory_information {
    uint64_t base, allocation_base;
    ULONG allocation_protect;
    ULONG partition;
    uint64_t bytes;
    ULONG state, protect, type, pad;
};
_Static_assert(sizeof(struct memory_information) == 48, "MEMORY_BASIC_INFORMATION");

static ULONG page_protection(uint64_t page)
{
    switch (host_page_protection(page)) {
    case PROT_READ:
        return PAGE_READONLY;
    case PROT_READ | PROT_WRITE:
        return PAGE_READWRITE;
    case PROT_READ | PROT_EXEC:
        return PAGE_EXECUTE_READ;
    case PROT_READ | PROT_WRITE | PROT_EXEC:
        return PAGE_EXECUTE_READWRITE;
    default:
        return PAGE_NOACCESS;
    }
}

static bool is_user(uint64_t address, uint64_t bytes)
{
    uint64_t slice = ps_current()->process->slice;
    return address - slice < USER_SLICE && bytes <= USER_SLICE - (address - slice);
}

static uint64_t fail(NTSTATUS status)
{
    w32_fail(status);
    return 0;
}

uint64_t VirtualAlloc(uint64_t address, uint64_t bytes, ULONG type, ULONG protect)
{
    NTSTATUS status = mm_virtual_allocate(ps_current()->process, &address, &bytes, type, protect);
    return NT_SUCCESS(status) ? address : fail(status);
}

BOOL VirtualFree(uint64_t address, uint64_t bytes, ULONG type)
{
    NTSTATUS status = mm_virtual_free(ps_current()->process, &address, &bytes, type);
    return NT_SUCCESS(status) ? TRUE : w32_fail(status);
}

BOOL VirtualProtect(uint64_t address, uint64_t bytes, ULONG protect, ULONG *old)
{
    int prot = mm_protection(protect);
    uint64_t low = address & ~(uint64_t)(PAGE - 1), high = (address + bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    if (prot < 0)
        return w32_fail(STATUS_INVALID_PAGE_PROTECTION);
    const struct image *i = image_at(low);
    if (bytes == 0 || (!is_user(low, high - low) && !(i && i->user && high <= i->base + i->size)))
        return w32_fail(STATUS_INVALID_PARAMETER);
    for (uint64_t page = low; page < high; page += PAGE)
        if (!i && !mm_user_is_committed(page))
            return w32_fail(STATUS_NOT_COMMITTED);
    *old = page_protection(low);
    host_protect(low, high - low, prot);
    return TRUE;
}

/* How far the page's state and protection go on, at most to end. */
static uint64_t same_until(uint64_t page, uint64_t end, bool image)
{
    ULONG protect = page_protection(page);
    bool committed = image || mm_user_is_committed(page);
    uint64_t at = page + PAGE;
    while (at < end && page_protection(at) == protect && (image || mm_user_is_committed(at)) == committed)
        at += PAGE;
    return at;
}

uint64_t VirtualQuery(uint64_t address, struct memory_information *info, uint64_t bytes)
{
    if (bytes < sizeof *info)
        return fail(STATUS_INFO_LENGTH_MISMATCH);
    uint64_t page = address & ~(uint64_t)(PAGE - 1), base, length;
    const struct image *i = image_at(page);
    if (i && !i->user)
        i = NULL;
    if (!i && page >= USER_END)
        return fail(STATUS_INVALID_PARAMETER);
    memset(info, 0, sizeof *info);
    info->base = page;
    if (!i && !is_user(page, PAGE)) { /* around the process's slice of the arena: nothing */
        uint64_t slice = ps_current()->process->slice;
        info->bytes = (page < slice ? slice : USER_END) - page;
        info->state = MEM_FREE;
        info->protect = PAGE_NOACCESS;
        return sizeof *info;
    }
    if (i) {
        info->allocation_base = i->base;
        info->allocation_protect = PAGE_EXECUTE_WRITECOPY;
        info->bytes = same_until(page, (i->base + i->size + PAGE - 1) & ~(uint64_t)(PAGE - 1), true) - page;
        info->state = MEM_COMMIT;
        info->protect = page_protection(page);
        info->type = MEM_IMAGE;
        return sizeof *info;
    }
    if (!mm_user_range(ps_current()->process, page, &base, &length)) {
        info->bytes = base + length - page;
        info->state = MEM_FREE;
        info->protect = PAGE_NOACCESS;
        return sizeof *info;
    }
    bool committed = mm_user_is_committed(page);
    info->allocation_base = base;
    ULONG protect = mm_virtual_protection(ps_current()->process, page);
    info->allocation_protect = protect ? protect : PAGE_READWRITE;
    info->bytes = same_until(page, base + length, false) - page;
    info->state = committed ? MEM_COMMIT : MEM_RESERVE;
    info->protect = committed ? page_protection(page) : 0;
    info->type = MEM_PRIVATE;
    return sizeof *info;
}

uint64_t VirtualAllocEx(HANDLE process, uint64_t address, uint64_t bytes, ULONG type, ULONG protect)
{
    return process == NT_CURRENT_PROCESS ? VirtualAlloc(address, bytes, type, protect) : fail(STATUS_NOT_SUPPORTED);
}

BOOL VirtualFreeEx(HANDLE process, uint64_t address, uint64_t bytes, ULONG type)
{
    return process == NT_CURRENT_PROCESS ? VirtualFree(address, bytes, type) : w32_fail(STATUS_NOT_SUPPORTED);
}

BOOL VirtualProtectEx(HANDLE process, uint64_t address, uint64_t bytes, ULONG protect, ULONG *old)
{
    return process == NT_CURRENT_PROCESS ? VirtualProtect(address, bytes, protect, old) : w32_fail(STATUS_NOT_SUPPORTED);
}

uint64_t VirtualQueryEx(HANDLE process, uint64_t address, struct memory_information *info, uint64_t bytes)
{
    return process == NT_CURRENT_PROCESS ? VirtualQuery(address, info, bytes) : fail(STATUS_NOT_SUPPORTED);
}

BOOL VirtualLock(uint64_t address, uint64_t bytes)
{
    return is_user(address, bytes) ? TRUE : w32_fail(STATUS_INVALID_PARAMETER);
}

BOOL VirtualUnlock(uint64_t address, uint64_t bytes)
{
    return is_user(address, bytes) ? TRUE : w32_fail(STATUS_INVALID_PARAMETER);
}

BOOL FlushInstructionCache(HANDLE process, uint64_t address, uint64_t bytes)
{
    return TRUE;
}

static BOOL is_bad(uint64_t address, uint64_t bytes, int need)
{
    for (uint64_t page = address & ~(uint64_t)(PAGE - 1); bytes && page < address + bytes; page += PAGE)
        if ((!is_user(page, PAGE) && !image_at(page)) || (host_page_protection(page) & need) != need)
            return TRUE;
    return FALSE;
}

BOOL IsBadReadPtr(uint64_t address, uint64_t bytes)
{
    return is_bad(address, bytes, PROT_READ);
}

BOOL IsBadWritePtr(uint64_t address, uint64_t bytes)
{
    return is_bad(address, bytes, PROT_WRITE);
}

/* Up to its zero, or so many characters of it. */
static BOOL is_bad_text(uint64_t address, uint64_t most, unsigned width)
{
    for (uint64_t i = 0; i < most; i++) {
        uint64_t at = address + i * width;
        if ((i == 0 || (at & 0xFFF) < width) && is_bad(at, width, PROT_READ))
            return TRUE;
        if (width == 1 ? !*(const char *)at : !*(const WCHAR *)at)
            return FALSE;
    }
    return FALSE;
}

BOOL IsBadStringPtrA(uint64_t address, uint64_t most)
{
    return is_bad_text(address, most, 1);
}

BOOL IsBadStringPtrW(uint64_t address, uint64_t most)
{
    return is_bad_text(address, most, 2);
}

BOOL IsBadCodePtr(uint64_t address)
{
    return is_bad(address, 1, PROT_EXEC);
}

BOOL ReadProcessMemory(HANDLE process, const void *from, void *to, uint64_t bytes, uint64_t *done)
{
    if (process != NT_CURRENT_PROCESS)
        return w32_fail(STATUS_NOT_SUPPORTED);
    if (is_bad((uint64_t)from, bytes, PROT_READ))
        return w32_fail(STATUS_PARTIAL_COPY);
    memmove(to, from, bytes);
    if (done)
        *done = bytes;
    return TRUE;
}

BOOL WriteProcessMemory(HANDLE process, void *to, const void *from, uint64_t bytes, uint64_t *done)
{
    if (process != NT_CURRENT_PROCESS)
        return w32_fail(STATUS_NOT_SUPPORTED);
    if (is_bad((uint64_t)to, bytes, PROT_WRITE))
        return w32_fail(STATUS_PARTIAL_COPY);
    memmove(to, from, bytes);
    if (done)
        *done = bytes;
    return TRUE;
}
