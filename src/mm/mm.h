/* Memory for the guest: pool, and address space of processes.
 *
 * Pool: each agent allocates from windows of its own, so that an address depends on the allocating agent and its sequence,
 * not on the global order. A block that its own agent frees is reused by it; one freed by another agent is only reused
 * when the owner's window is full. Fresh memory holds 0xCA bytes (allocated), freed memory 0xDD. */
#ifndef IRPLAB_MM_MM_H
#define IRPLAB_MM_MM_H

#include <stdbool.h>

#include "nt/io.h"
#include "nt/ob.h"
#include "nt/types.h"

/* A block of at least `bytes` at a 16-aligned address (page-aligned if bytes >= 4096, as NT does). Never NULL. Owner: the caller. */
void *ex_pool_alloc(uint32_t pool_type, size_t bytes, uint32_t tag);
/* The same for who writes all of its bytes at once. */
void *ex_pool_alloc_to_fill(uint32_t pool_type, size_t bytes, uint32_t tag);
void ex_pool_free(void *p);
/* The same where nobody may be able to tell which of several did it: the block is not given out again in this run. */
void ex_pool_free_unseen(void *p);
/* Finds the block that contains address: live, or freed and not reused yet (out->free). */
struct pool_block {
    uint64_t base;
    size_t bytes;
    uint32_t tag, pool_type;
    uint64_t caller; /* return address of the export that allocated */
    bool free;
};
bool mm_pool_find(uint64_t address, struct pool_block *out);
/* Calls fn for each live block in address order (leak reports). */
void mm_pool_walk(void (*fn)(void *ctx, const struct pool_block *b), void *ctx);
/* Looks for overruns of all blocks: a bug check if there is one. */
void mm_pool_check(void);
void mm_pool_totals(uint64_t *blocks, uint64_t *bytes);
/* Asked before an allocation that a driver makes itself; true = it fails (low resources). Set by verify; NULL = never. */
extern bool (*mm_pool_fail_hook)(uint32_t pool_type, size_t bytes, uint32_t tag);
/* Called before a driver's block is freed. Set by verify; NULL = nobody looks. */
extern void (*mm_pool_free_hook)(uint64_t base, size_t bytes);

/* User memory of a process: its slice is [base, base + USER_SLICE). */
struct process;
/* Commits zeroed memory in the process's slice; 0 if full. Page granularity. */
uint64_t mm_user_alloc(struct process *process, size_t bytes, int prot);
/* The same at an address; 0 if something of it is taken or outside. */
uint64_t mm_user_alloc_at(struct process *process, uint64_t base, size_t bytes);
/* Address space only (inaccessible), with `behind` bytes after it that nobody has yet; 0 if full. */
uint64_t mm_user_reserve(struct process *process, size_t bytes, size_t behind);
/* What an ended thread leaves: no longer there, but its addresses are not used again while others are free, or where the next thread
 * lies would depend on whether this one had ended by then. */
void mm_user_retire(struct process *p, uint64_t address);
/* The same at an address; 0 if something of it is taken or outside. */
uint64_t mm_user_reserve_at(struct process *process, uint64_t base, size_t bytes);
void mm_user_free(struct process *process, uint64_t address, size_t bytes);
/* Pages of one range of a process become committed (zeroed where they were not) or only reserved again. Page-aligned. */
void mm_user_commit(uint64_t address, size_t bytes, int prot);
void mm_user_decommit(uint64_t address, size_t bytes);
bool mm_user_is_committed(uint64_t page);
/* The range that contains address, or (false) the hole around it. */
bool mm_user_range(const struct process *process, uint64_t address, uint64_t *base, uint64_t *bytes);

/* Exports that siblings call by their NT name; documented where they are defined. */
PVOID MmMapLockedPagesSpecifyCache(MDL *m, ULONG mode, ULONG cache, PVOID wanted, ULONG bug_check, ULONG priority);
void MmUnmapLockedPages(PVOID address, MDL *m);
PVOID MmAllocateContiguousMemory(SIZE_T bytes, ULONG64 highest);
void MmFreeContiguousMemory(PVOID p);
NTSTATUS ZwCreateSection(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, LARGE_INTEGER *size, ULONG protect, ULONG attributes, HANDLE file);
NTSTATUS ZwOpenSection(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa);
NTSTATUS ZwUnmapViewOfSection(HANDLE process, PVOID base);

#endif
