/* VirtualAlloc and its kin on the process's address space. Regions that VirtualAlloc made are listed here, because only they
 * may be freed; what else lies in the slice (images, stacks, heaps) can be asked about and protected. */
#include "sim/image.h"
#include "win32/win32.h"

#include <sys/mman.h>

enum { MEM_COMMIT = 0x1000, MEM_RESERVE = 0x2000, MEM_DECOMMIT = 0x4000, MEM_RELEASE = 0x8000, MEM_FREE = 0x10000, MEM_PRIVATE = 0x20000,
       MEM_RESET = 0x80000, MEM_TOP_DOWN = 0x100000, MEM_IMAGE = 0x1000000 };
enum { NOACCESS = 1, READONLY = 2, READWRITE = 4, WRITECOPY = 8, EXECUTE = 0x10, EXECUTE_READ = 0x20, EXECUTE_READWRITE = 0x40, EXECUTE_WRITECOPY = 0x80,
       GUARD = 0x100, NOCACHE = 0x200, WRITECOMBINE = 0x400 };
enum { PAGE = 0x1000, GRANULARITY = 0x10000 };

struct region {
    struct region *next;
    uint64_t base, bytes;
    ULONG protect; /* as first asked for */
};

struct memory_information {
    uint64_t base, allocation_base;
    ULONG allocation_protect;
    ULONG partition;
    uint64_t bytes;
    ULONG state, protect, type, pad;
};
_Static_assert(sizeof(struct memory_information) == 48, "MEMORY_BASIC_INFORMATION");

static int host_protection(ULONG protect)
{
    if (protect & GUARD)
        return PROT_NONE;
    switch (protect & 0xFF) {
    case NOACCESS:
        return PROT_NONE;
    case READONLY:
        return PROT_READ;
    case READWRITE:
    case WRITECOPY:
        return PROT_READ | PROT_WRITE;
    case EXECUTE:
    case EXECUTE_READ:
        return PROT_READ | PROT_EXEC;
    case EXECUTE_READWRITE:
    case EXECUTE_WRITECOPY:
        return PROT_READ | PROT_WRITE | PROT_EXEC;
    default:
        return -1;
    }
}

static ULONG page_protection(uint64_t page)
{
    switch (host_page_protection(page)) {
    case PROT_READ:
        return READONLY;
    case PROT_READ | PROT_WRITE:
        return READWRITE;
    case PROT_READ | PROT_EXEC:
        return EXECUTE_READ;
    case PROT_READ | PROT_WRITE | PROT_EXEC:
        return EXECUTE_READWRITE;
    default:
        return NOACCESS;
    }
}

static struct region *region_at(uint64_t address)
{
    for (struct region *r = w32_process()->regions; r; r = r->next)
        if (address - r->base < r->bytes)
            return r;
    return NULL;
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

static struct region *reserve(uint64_t wanted, uint64_t bytes, ULONG protect)
{
    struct w32_process *p = w32_process();
    uint64_t base = wanted ? mm_user_reserve_at(p->process, wanted, bytes) : mm_user_reserve(p->process, bytes);
    if (!base)
        return NULL;
    struct region *r = sim_alloc(sizeof *r);
    *r = (struct region) { p->regions, base, bytes, protect };
    p->regions = r;
    return r;
}

/* A wanted address is rounded down to the allocation granularity. Outside the process's slice of the arena all is as if taken. */
uint64_t VirtualAlloc(uint64_t address, uint64_t bytes, ULONG type, ULONG protect)
{
    int prot = host_protection(protect);
    if (address && address < GRANULARITY)
        return fail(STATUS_INVALID_PARAMETER);
    if (prot < 0 || bytes == 0 || !(type & (MEM_COMMIT | MEM_RESERVE | MEM_RESET)))
        return fail(prot < 0 ? STATUS_INVALID_PAGE_PROTECTION : STATUS_INVALID_PARAMETER);
    uint64_t low = address & ~(uint64_t)(PAGE - 1), high = (address + bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    struct region *r = address ? region_at(low) : NULL;
    if (type & MEM_RESET)
        return r ? low : fail(STATUS_INVALID_PARAMETER);
    if ((type & MEM_RESERVE) || !address) {
        low = address & ~(uint64_t)(GRANULARITY - 1);
        r = reserve(low, high - low, protect);
        if (!r)
            return fail(address ? STATUS_CONFLICTING_ADDRESSES : STATUS_NO_MEMORY);
        low = r->base;
        high = low + r->bytes;
    }
    if (!r || high > r->base + r->bytes)
        return fail(STATUS_CONFLICTING_ADDRESSES);
    if (type & MEM_COMMIT)
        mm_user_commit(low, high - low, prot);
    return low;
}

static BOOL release(struct w32_process *p, struct region *r)
{
    for (struct region **at = &p->regions; *at; at = &(*at)->next)
        if (*at == r) {
            *at = r->next;
            break;
        }
    mm_user_free(p->process, r->base, r->bytes);
    sim_free(r, sizeof *r);
    return TRUE;
}

BOOL VirtualFree(uint64_t address, uint64_t bytes, ULONG type)
{
    struct region *r = region_at(address);
    if (type != MEM_RELEASE && type != MEM_DECOMMIT)
        return w32_fail(STATUS_INVALID_PARAMETER);
    if (!r)
        return w32_fail(STATUS_MEMORY_NOT_ALLOCATED);
    if (type == MEM_RELEASE)
        return bytes != 0 ? w32_fail(STATUS_INVALID_PARAMETER) : address != r->base ? w32_fail(STATUS_FREE_VM_NOT_AT_BASE) : release(w32_process(), r);
    uint64_t low = address & ~(uint64_t)(PAGE - 1), high = (address + bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    if (bytes == 0 && address == r->base)
        high = r->base + r->bytes;
    if (high > r->base + r->bytes)
        return w32_fail(STATUS_UNABLE_TO_FREE_VM);
    mm_user_decommit(low, high - low);
    return TRUE;
}

BOOL VirtualProtect(uint64_t address, uint64_t bytes, ULONG protect, ULONG *old)
{
    int prot = host_protection(protect);
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
        info->protect = NOACCESS;
        return sizeof *info;
    }
    if (i) {
        info->allocation_base = i->base;
        info->allocation_protect = EXECUTE_WRITECOPY;
        info->bytes = same_until(page, (i->base + i->size + PAGE - 1) & ~(uint64_t)(PAGE - 1), true) - page;
        info->state = MEM_COMMIT;
        info->protect = page_protection(page);
        info->type = MEM_IMAGE;
        return sizeof *info;
    }
    if (!mm_user_range(ps_current()->process, page, &base, &length)) {
        info->bytes = base + length - page;
        info->state = MEM_FREE;
        info->protect = NOACCESS;
        return sizeof *info;
    }
    const struct region *r = region_at(page);
    bool committed = mm_user_is_committed(page);
    info->allocation_base = base;
    info->allocation_protect = r ? r->protect : READWRITE;
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
