#include "mm/virtual.h"

#include <sys/mman.h>

#include "ke/exports.h"
#include "ke/ke.h"
#include "mm/room.h"
#include "ob/ob.h"
#include "nt/status.h"
#include "ps/ps.h"

enum { PAGE = 0x1000, GRANULARITY = 0x10000 };

struct mm_region {
    struct mm_region *next;
    uint64_t base, bytes;
    ULONG protect;
};

int mm_protection(ULONG protect)
{
    if (protect & PAGE_GUARD)
        return PROT_NONE;
    switch (protect & 0xFF) {
    case PAGE_NOACCESS:
        return PROT_NONE;
    case PAGE_READONLY:
        return PROT_READ;
    case PAGE_READWRITE:
    case PAGE_WRITECOPY:
        return PROT_READ | PROT_WRITE;
    case PAGE_EXECUTE:
    case PAGE_EXECUTE_READ:
        return PROT_READ | PROT_EXEC;
    case PAGE_EXECUTE_READWRITE:
    case PAGE_EXECUTE_WRITECOPY:
        return PROT_READ | PROT_WRITE | PROT_EXEC;
    default:
        return -1;
    }
}

static struct mm_region *region_at(const struct process *p, uint64_t address)
{
    for (struct mm_region *r = p->regions; r; r = r->next)
        if (address - r->base < r->bytes)
            return r;
    return NULL;
}

ULONG mm_virtual_protection(const struct process *p, uint64_t address)
{
    const struct mm_region *r = region_at(p, address);
    return r ? r->protect : 0;
}

static struct mm_region *reserve(struct process *p, uint64_t wanted, uint64_t bytes, ULONG protect)
{
    uint64_t base = wanted ? mm_user_reserve_at(p, wanted, bytes) : mm_user_reserve(p, bytes, 0);
    if (!base)
        return NULL;
    struct mm_region *r = sim_alloc(sizeof *r);
    *r = (struct mm_region) { p->regions, base, bytes, protect };
    p->regions = r;
    return r;
}

NTSTATUS mm_virtual_allocate(struct process *p, uint64_t *base, uint64_t *bytes, ULONG type, ULONG protect)
{
    uint64_t address = *base;
    int prot = mm_protection(protect);
    if (address && address < GRANULARITY)
        return STATUS_INVALID_PARAMETER;
    if (prot < 0)
        return STATUS_INVALID_PAGE_PROTECTION;
    if (*bytes == 0 || address + *bytes < address || *bytes > UINT64_MAX - 2 * PAGE || !(type & (MEM_COMMIT | MEM_RESERVE | MEM_RESET)))
        return STATUS_INVALID_PARAMETER;
    if (!p->slice)
        return STATUS_NO_MEMORY;
    uint64_t low = address & ~(uint64_t)(PAGE - 1), high = (address + *bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    struct mm_region *r = address ? region_at(p, low) : NULL;
    if (type & MEM_RESET) {
        *base = low;
        *bytes = high - low;
        return r ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    }
    if ((type & MEM_RESERVE) || !address) {
        low = address & ~(uint64_t)(GRANULARITY - 1);
        r = reserve(p, low, high - low, protect);
        if (!r)
            return address ? STATUS_CONFLICTING_ADDRESSES : STATUS_NO_MEMORY;
        low = r->base;
        high = low + r->bytes;
    }
    if (!r || high > r->base + r->bytes)
        return STATUS_CONFLICTING_ADDRESSES;
    if (type & MEM_COMMIT)
        mm_user_commit(low, high - low, prot);
    *base = low;
    *bytes = high - low;
    return STATUS_SUCCESS;
}

static void release(struct process *p, struct mm_region *r)
{
    for (struct mm_region **at = &p->regions; *at; at = &(*at)->next)
        if (*at == r) {
            *at = r->next;
            break;
        }
    mm_user_free(p, r->base, r->bytes);
    sim_free(r, sizeof *r);
}

NTSTATUS mm_virtual_free(struct process *p, uint64_t *base, uint64_t *bytes, ULONG type)
{
    uint64_t address = *base;
    struct mm_region *r = region_at(p, address);
    if (type != MEM_RELEASE && type != MEM_DECOMMIT)
        return STATUS_INVALID_PARAMETER;
    if (!r)
        return STATUS_MEMORY_NOT_ALLOCATED;
    if (type == MEM_RELEASE) {
        if (*bytes != 0)
            return STATUS_INVALID_PARAMETER;
        if (address != r->base)
            return STATUS_FREE_VM_NOT_AT_BASE;
        *bytes = r->bytes;
        release(p, r);
        return STATUS_SUCCESS;
    }
    uint64_t low = address & ~(uint64_t)(PAGE - 1), high = (address + *bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    if (*bytes == 0 && address == r->base)
        high = r->base + r->bytes;
    if (high < low || high > r->base + r->bytes)
        return STATUS_UNABLE_TO_FREE_VM;
    mm_user_decommit(low, high - low);
    *base = low;
    *bytes = high - low;
    return STATUS_SUCCESS;
}

/* ---- the services ---- */

/* Runs in the address space of the process behind a handle. */
static NTSTATUS in_process(HANDLE process, NTSTATUS (*service)(struct process *, uint64_t *, uint64_t *, ULONG, ULONG), PVOID *base, SIZE_T *bytes,
                           ULONG type, ULONG protect)
{
    void *eprocess;
    uint64_t at = (uint64_t)*base, size = *bytes;
    NTSTATUS s = ob_handle_reference(ps_current_process(), process, OB_PROCESS, 0, &eprocess, NULL);
    if (!NT_SUCCESS(s))
        return s;
    struct process *p = ps_process_of(eprocess);
    KAPC_STATE saved;
    bool other = p != ps_current_process();
    if (other)
        KeStackAttachProcess(eprocess, &saved);
    s = p->exited ? STATUS_PROCESS_IS_TERMINATING : service(p, &at, &size, type, protect);
    if (other)
        KeUnstackDetachProcess(&saved);
    ob_dereference(eprocess);
    if (NT_SUCCESS(s)) {
        *base = (PVOID)at;
        *bytes = size;
    }
    return s;
}

/* Source: "ZwAllocateVirtualMemory function": parameters, statuses. */
NTSTATUS ZwAllocateVirtualMemory(HANDLE process, PVOID *base, ULONG_PTR zero_bits, SIZE_T *bytes, ULONG type, ULONG protect)
{
    if (zero_bits >= 53) /* GUESS: the limit on x64, below the values that are masks */
        return STATUS_INVALID_PARAMETER_3;
    return in_process(process, mm_virtual_allocate, base, bytes, type, protect);
}

static NTSTATUS free_service(struct process *p, uint64_t *base, uint64_t *bytes, ULONG type, ULONG protect)
{
    return mm_virtual_free(p, base, bytes, type);
}

NTSTATUS ZwFreeVirtualMemory(HANDLE process, PVOID *base, SIZE_T *bytes, ULONG type)
{
    return in_process(process, free_service, base, bytes, type, 0);
}
