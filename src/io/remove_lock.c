/* Remove locks. The structure is the driver's, in the free or the checked form; both begin with the common block. */
#include "io/room.h"

#include <string.h>

#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "sim/access.h"

/* Before removal has begun the count cannot reach 0, so acquiring and releasing may be done in any order. */
static void touch(const IO_REMOVE_LOCK *lock)
{
    sim_access((uint64_t)lock, lock->Common.Removed ? SIM_WRITE : SIM_READ);
}

/* The checked form: behind the common block. Windows keeps a record for each holder. */
struct debug_block {
    LONG signature;
    ULONG high_watermark;
    LONGLONG max_locked_ticks;
    LONG allocate_tag;
    LIST_ENTRY lock_list;
    KSPIN_LOCK spin;
    LONG low_memory_count;
    ULONG reserved1[4];
    PVOID reserved2;
    struct holder *holders;
};
struct holder {
    struct holder *next;
    PVOID tag;
};
_Static_assert(offsetof(struct debug_block, holders) == 0x50 && sizeof(struct debug_block) == 0x58, "IO_REMOVE_LOCK_DBG_BLOCK");

enum { HOLDER_TAG = 0x4C526F49, DEADLOCK_OF_VERIFIER = 0xC4, WRONG_TAG = 0xD5, TOO_OFTEN = 0xD6 };

static struct debug_block *debug_of(IO_REMOVE_LOCK *lock, ULONG bytes)
{
    return bytes >= sizeof lock->Common + sizeof(struct debug_block) ? (struct debug_block *)(&lock->Common + 1) : NULL;
}

static void hold(struct debug_block *d, PVOID tag)
{
    struct holder *h = ex_pool_alloc(NonPagedPoolNx, sizeof *h, HOLDER_TAG);
    *h = (struct holder) { d->holders, tag };
    d->holders = h;
}

/* DOC: the tag must be that of an acquisition that has not been released. */
static void let_go(IO_REMOVE_LOCK *lock, struct debug_block *d, PVOID tag)
{
    struct holder **at = &d->holders;
    while (*at && (*at)->tag != tag)
        at = &(*at)->next;
    struct holder *h = *at;
    if (!h)
        KeBugCheckEx(DEADLOCK_OF_VERIFIER, WRONG_TAG, (ULONG64)lock, (ULONG64)tag, d->holders ? (ULONG64)d->holders->tag : 0);
    *at = h->next;
    ex_pool_free(h);
}

void IoInitializeRemoveLockEx(IO_REMOVE_LOCK *lock, ULONG tag, ULONG max_minutes, ULONG high_water, ULONG bytes)
{
    memset(lock, 0, bytes);
    lock->Common.IoCount = 1;
    KeInitializeEvent(&lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
    struct debug_block *d = debug_of(lock, bytes);
    if (d) {
        d->signature = 0x4B434C52; /* "RLCK" */
        d->high_watermark = high_water;
        d->allocate_tag = (LONG)tag;
        d->lock_list.Flink = d->lock_list.Blink = &d->lock_list;
    }
}

NTSTATUS IoAcquireRemoveLockEx(IO_REMOVE_LOCK *lock, PVOID tag, const char *file, ULONG line, ULONG bytes)
{
    struct debug_block *d = debug_of(lock, bytes);
    touch(lock);
    lock->Common.IoCount++;
    if (!lock->Common.Removed) {
        if (d)
            hold(d, tag);
        return STATUS_SUCCESS;
    }
    if (--lock->Common.IoCount == 0)
        KeSetEvent(&lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
    return STATUS_DELETE_PENDING;
}

void IoReleaseRemoveLockEx(IO_REMOVE_LOCK *lock, PVOID tag, ULONG bytes)
{
    struct debug_block *d = debug_of(lock, bytes);
    if (d)
        let_go(lock, d, tag);
    touch(lock);
    if (--lock->Common.IoCount == 0)
        KeSetEvent(&lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
    else if (lock->Common.IoCount < 0)
        KeBugCheckEx(DEADLOCK_OF_VERIFIER, TOO_OFTEN, (ULONG64)lock, (ULONG64)tag, 0); /* DOC: released more often than acquired */
}

void IoReleaseRemoveLockAndWaitEx(IO_REMOVE_LOCK *lock, PVOID tag, ULONG bytes)
{
    struct debug_block *d = debug_of(lock, bytes);
    sim_access((uint64_t)lock, SIM_WRITE);
    lock->Common.Removed = TRUE;
    if (d)
        let_go(lock, d, tag);
    lock->Common.IoCount -= 2;
    if (lock->Common.IoCount > 0)
        KeWaitForSingleObject(&lock->Common.RemoveEvent, Executive, KernelMode, FALSE, NULL);
}
