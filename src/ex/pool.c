/* The exports over pool: what a driver may ask for, and the bug checks when it breaks the contract.
 * Reasons of bug checks 0xC2 (BAD_POOL_CALLER) and 0x19 (BAD_POOL_HEADER) are the documented ones; what is not documented
 * for a case is marked GUESS. */
#include <string.h>

#include "ke/ke.h"
#include "mm/guard.h"
#include "mm/pool.h"
#include "nt/bugcheck.h"
#include "nt/ex.h"
#include "nt/status.h"
#include "trace/trace.h"
#include "verify/guard.h"

bool (*mm_pool_fail_hook)(uint32_t pool_type, size_t bytes, uint32_t tag);
void (*mm_pool_free_hook)(uint64_t base, size_t bytes);

enum {
    TAG_NONE = 0x656E6F4E, /* 'None': what ExAllocatePool uses */
    PROTECTED_POOL = 0x80000000,
    /* Parameter 1 of BAD_POOL_CALLER. */
    ALREADY_FREED = 0x07,
    ALLOCATE_IRQL = 0x08,
    FREE_IRQL = 0x09,
    WRONG_TAG = 0x0A,
    FREE_USER_ADDRESS = 0x40,
    FREE_BAD_ADDRESS = 0x46,
    ZERO_TAG = 0x9B,
    /* Parameter 1 of BAD_POOL_HEADER. */
    HEADER_CORRUPT = 0x20,
    /* No driver gets this much here; it keeps a wild size from filling the arena. */
    LARGEST = 0x8000000,
};

static uint64_t header_word(const struct pool_header *h)
{
    uint64_t word;
    memcpy(&word, h, sizeof word);
    return word;
}

static void check_irql(uint32_t reason, uint32_t pool_type, uint64_t p4)
{
    if (!MACHINE->fiber)
        return;
    uint8_t irql = sim_irql(), highest = pool_type & PagedPool ? APC_LEVEL : DISPATCH_LEVEL;
    if (irql > highest)
        KeBugCheckEx(BAD_POOL_CALLER, reason, irql, pool_type, p4);
}

static void *allocate(uint32_t pool_type, size_t bytes, uint32_t tag)
{
    check_irql(ALLOCATE_IRQL, pool_type, bytes);
    if (bytes > LARGEST || (mm_pool_fail_hook && mm_pool_fail_hook(pool_type, bytes, tag)))
        return NULL;
    void *p = pool_alloc(pool_type, bytes, tag, pool_caller());
    if (p && (pool_type & POOL_ZERO_ALLOCATION))
        memset(p, 0, bytes);
    trace_event(TRACE_POOL_ALLOCATE, (uint64_t)p, bytes, tag, pool_type);
    return p;
}

static void *allocate_or_raise(uint32_t pool_type, size_t bytes, uint32_t tag, bool raise)
{
    void *p = allocate(pool_type, bytes, tag);
    if (!p && raise)
        ke_raise_status(STATUS_INSUFFICIENT_RESOURCES);
    return p;
}

PVOID ExAllocatePool(ULONG pool_type, SIZE_T bytes)
{
    return allocate_or_raise(pool_type, bytes, TAG_NONE, pool_type & POOL_RAISE_IF_ALLOCATION_FAILURE);
}

PVOID ExAllocatePoolWithTag(ULONG pool_type, SIZE_T bytes, ULONG tag)
{
    if (tag == 0)
        KeBugCheckEx(BAD_POOL_CALLER, ZERO_TAG, pool_type, bytes, KERNEL_BASE + pool_caller());
    return allocate_or_raise(pool_type, bytes, tag, pool_type & POOL_RAISE_IF_ALLOCATION_FAILURE);
}

PVOID ExAllocatePoolWithTagPriority(ULONG pool_type, SIZE_T bytes, ULONG tag, ULONG priority)
{
    return ExAllocatePoolWithTag(pool_type, bytes, tag);
}

PVOID ExAllocatePoolWithQuotaTag(ULONG pool_type, SIZE_T bytes, ULONG tag)
{
    return allocate_or_raise(pool_type & ~(ULONG)POOL_QUOTA_FAIL_INSTEAD_OF_RAISE, bytes, tag, !(pool_type & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE));
}

PVOID ExAllocatePoolWithQuota(ULONG pool_type, SIZE_T bytes)
{
    return ExAllocatePoolWithQuotaTag(pool_type, bytes, TAG_NONE);
}

static uint32_t type_of_flags(uint64_t flags)
{
    uint32_t type = flags & POOL_FLAG_PAGED ? PagedPool : flags & POOL_FLAG_NON_PAGED_EXECUTE ? NonPagedPoolExecute : NonPagedPoolNx;
    if (flags & POOL_FLAG_CACHE_ALIGNED)
        type |= NonPagedPoolCacheAligned;
    return type | (flags & POOL_FLAG_SESSION ? 32 : 0);
}

/* Exactly one of the three kinds of memory, and no required bit that is not known. */
static bool are_flags_valid(uint64_t flags)
{
    const uint64_t kinds = POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED;
    const uint64_t known = kinds | POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED | POOL_FLAG_SESSION | POOL_FLAG_CACHE_ALIGNED |
                           POOL_FLAG_RAISE_ON_FAILURE;
    return __builtin_popcountll(flags & kinds) == 1 && ((uint32_t)flags & ~known) == 0;
}

PVOID ExAllocatePool2(ULONG64 flags, SIZE_T bytes, ULONG tag)
{
    bool raise = flags & POOL_FLAG_RAISE_ON_FAILURE;
    void *p = NULL;
    if (tag != 0 && bytes != 0 && are_flags_valid(flags))
        p = allocate(type_of_flags(flags), bytes, tag);
    if (!p && raise)
        /* GUESS: the documentation says that an exception is raised, not which, for bad arguments. */
        ke_raise_status(tag && bytes && are_flags_valid(flags) ? STATUS_INSUFFICIENT_RESOURCES : STATUS_INVALID_PARAMETER);
    if (p && !(flags & POOL_FLAG_UNINITIALIZED))
        memset(p, 0, bytes);
    return p;
}

PVOID ExAllocatePool3(ULONG64 flags, SIZE_T bytes, ULONG tag, const void *parameters, ULONG count)
{
    return ExAllocatePool2(flags, bytes, tag);
}

/* ---- freeing ---- */

static _Noreturn void free_bad_address(uint64_t address)
{
    if (address && address < KERNEL_BASE)
        KeBugCheckEx(BAD_POOL_CALLER, FREE_USER_ADDRESS, address, KERNEL_BASE, 0);
    /* GUESS: NT has several codes for kernel addresses that are not pool (0x41 to 0x48, 0x99); this one says least. */
    KeBugCheckEx(BAD_POOL_CALLER, FREE_BAD_ADDRESS, address, 0, 0);
}

/* An overrun of h's block damages the header behind it. */
static void check_next(const struct pool_window *w, const struct pool_header *h)
{
    static const struct pool_header unused;
    const struct pool_header *next = (const struct pool_header *)((const char *)(h + 1) + pool_capacity(h));
    if ((uint64_t)next == w->next && w->next + sizeof *next <= w->end && memcmp(next, &unused, sizeof unused) != 0)
        KeBugCheckEx(BAD_POOL_HEADER, HEADER_CORRUPT, (uint64_t)h, (uint64_t)next, header_word(next));
    if ((uint64_t)next < w->next && !pool_intact(next) && memcmp(next, &unused, sizeof unused) != 0)
        KeBugCheckEx(BAD_POOL_HEADER, HEADER_CORRUPT, (uint64_t)h, (uint64_t)next, header_word(next));
}

/* Whether a block begins at p according to the headers from the window's start up to the first overwritten one. */
static bool was_block(const void *p)
{
    struct pool_block b;
    return mm_pool_find((uint64_t)p, &b) && b.base != (uint64_t)p;
}

static struct pool_header *checked_header(void *p)
{
    const struct pool_window *w = pool_window_at((uint64_t)p);
    if (!w || (uint64_t)p % 16 || (uint64_t)p < w->base + 16)
        free_bad_address((uint64_t)p);
    struct pool_header *h = (struct pool_header *)p - 1;
    if (!pool_intact(h)) {
        if (was_block(p))
            free_bad_address((uint64_t)p);
        KeBugCheckEx(BAD_POOL_HEADER, HEADER_CORRUPT, (uint64_t)h, (uint64_t)h, header_word(h));
    }
    if (pool_state(h) != POOL_LIVE)
        KeBugCheckEx(BAD_POOL_CALLER, ALREADY_FREED, h->tag, header_word(h), (uint64_t)p);
    check_irql(FREE_IRQL, pool_type_of(h), (uint64_t)p);
    check_next(w, h);
    return h;
}

/* As special pool says it. DOC: 0xC1 with 0x20 (not allocated), 0x21 (a bad address), 0x23 and 0x24 (bytes beside the block were
 * overwritten), 0x31 (IRQL). */
static const struct guard_block *checked_guarded(void *p)
{
    const struct guard_block *b = mm_guard_block((uint64_t)p);
    if (!b)
        verify_guard_bad_free(NULL, (uint64_t)p, 0, 0, GUARD_FREE_BAD_ADDRESS);
    if (!b->live)
        verify_guard_bad_free(b, (uint64_t)p, 0, 0, GUARD_FREE_NOT_ALLOCATED);
    uint32_t type = pool_type_of_kept(b->pool_type);
    if (MACHINE->fiber && sim_irql() > (type & PagedPool ? APC_LEVEL : DISPATCH_LEVEL))
        KeBugCheckEx(SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, sim_irql(), type, (uint64_t)p, 0x31);
    uint64_t at = mm_guard_damage(b);
    if (at)
        verify_guard_bad_free(b, (uint64_t)p, at, at < b->base ? 0 : b->bytes, at < b->base ? GUARD_FREE_DAMAGE_BEFORE : GUARD_FREE_DAMAGE_BEHIND);
    return b;
}

static void free_guarded(PVOID p, ULONG tag)
{
    const struct guard_block *b = checked_guarded(p);
    if (tag && ((tag ^ b->tag) & ~(ULONG)PROTECTED_POOL))
        KeBugCheckEx(BAD_POOL_CALLER, WRONG_TAG, (uint64_t)p, b->tag, tag);
    if (mm_pool_free_hook)
        mm_pool_free_hook((uint64_t)p, b->bytes);
    trace_event(TRACE_POOL_FREE, (uint64_t)p, b->tag, 0, 0);
    pool_free_guarded(b);
}

void ExFreePoolWithTag(PVOID p, ULONG tag)
{
    if (mm_guard_covers((uint64_t)p)) {
        free_guarded(p, tag);
        return;
    }
    struct pool_header *h = checked_header(p);
    if (tag && ((tag ^ h->tag) & ~(ULONG)PROTECTED_POOL))
        KeBugCheckEx(BAD_POOL_CALLER, WRONG_TAG, (uint64_t)p, h->tag, tag);
    if (mm_pool_free_hook)
        mm_pool_free_hook((uint64_t)p, pool_capacity(h));
    trace_event(TRACE_POOL_FREE, (uint64_t)p, h->tag, 0, 0);
    pool_free(h);
}

void ExFreePool(PVOID p)
{
    ExFreePoolWithTag(p, 0);
}

void ExFreePool2(PVOID p, ULONG tag, const void *parameters, ULONG count)
{
    ExFreePoolWithTag(p, tag);
}

/* ---- for siblings ---- */

void *ex_pool_alloc(uint32_t pool_type, size_t bytes, uint32_t tag)
{
    void *p = pool_alloc(pool_type, bytes, tag, pool_caller());
    if (!p)
        base_panic("out of pool: %zu bytes", bytes);
    return p;
}

void *ex_pool_alloc_to_fill(uint32_t pool_type, size_t bytes, uint32_t tag)
{
    return ex_pool_alloc(pool_type | POOL_OVERWRITTEN, bytes, tag);
}

void ex_pool_free(void *p)
{
    if (mm_guard_covers((uint64_t)p))
        pool_free_guarded(checked_guarded(p));
    else
        pool_free(checked_header(p));
}

void ex_pool_free_unseen(void *p)
{
    if (mm_guard_covers((uint64_t)p))
        pool_free_guarded(checked_guarded(p));
    else
        pool_free_unseen(checked_header(p));
}
