/* Lookaside lists. Drivers have the allocate and free code inlined: it pops ListHead or calls Allocate, and pushes ListHead if its
 * depth is below Depth or calls Free.
 *
 * Depth is 0 here, so that nothing is ever kept in the list and every block comes from pool: otherwise the address of a block
 * would depend on who freed one before, every allocation would conflict with every other, and a use after free would hide. */
#include <string.h>

#include "ex/room.h"
#include "ex/slist.h"
#include "mm/mm.h"
#include "nt/status.h"
#include "sim/door.h"

enum { MAXIMUM_DEPTH = 256, EX_RAISE_ON_FAIL = 1, EX_FAIL_NO_RAISE = 2 };

/* GENERAL_LOOKASIDE and GENERAL_LOOKASIDE_POOL differ only in alignment. */
typedef GENERAL_LOOKASIDE_POOL LIST;

/* ---- which addresses are lookaside lists ---- */

static unsigned place_of(const struct ex_room *r, uint64_t address)
{
    unsigned i = 0;
    while (i < r->lookaside_count && r->lookasides[i] < address)
        i++;
    return i;
}

bool ex_is_lookaside(const SLIST_HEADER *h)
{
    const struct ex_room *r = ex_room();
    unsigned i = place_of(r, (uint64_t)h);
    return i < r->lookaside_count && r->lookasides[i] == (uint64_t)h;
}

/* More lists than fit are only more scheduling points. */
static void note(const LIST *l)
{
    struct ex_room *r = ex_room();
    unsigned i = place_of(r, (uint64_t)l);
    if (r->lookaside_count == EX_LOOKASIDES || ex_is_lookaside(&l->ListHead))
        return;
    memmove(&r->lookasides[i + 1], &r->lookasides[i], (r->lookaside_count - i) * 8);
    r->lookasides[i] = (uint64_t)l;
    r->lookaside_count++;
}

static void forget(const LIST *l)
{
    struct ex_room *r = ex_room();
    if (!ex_is_lookaside(&l->ListHead))
        return;
    unsigned i = place_of(r, (uint64_t)l);
    memmove(&r->lookasides[i], &r->lookasides[i + 1], (r->lookaside_count - i - 1) * 8);
    r->lookaside_count--;
}

/* ---- initialising ---- */

static PVOID own_routine(const char *name)
{
    return (PVOID)door_export_address("ntoskrnl.exe", name);
}

static void init(LIST *l, PVOID allocate, PVOID free, ULONG type, SIZE_T size, ULONG tag)
{
    memset(l, 0, sizeof *l);
    l->MaximumDepth = MAXIMUM_DEPTH;
    l->Type = type;
    l->Tag = tag;
    l->Size = size < sizeof(SLIST_ENTRY) ? sizeof(SLIST_ENTRY) : (ULONG)size;
    l->Allocate = allocate ? allocate : own_routine(type & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE ? "ExAllocatePoolWithQuotaTag" : "ExAllocatePoolWithTag");
    l->Free = free ? free : own_routine("ExFreePool");
    l->ListEntry.Flink = l->ListEntry.Blink = &l->ListEntry;
    note(l);
}

void ExInitializeNPagedLookasideList(LIST *l, PVOID allocate, PVOID free, ULONG flags, SIZE_T size, ULONG tag, ULONG depth)
{
    init(l, allocate, free, NonPagedPool | flags, size, tag);
}

void ExInitializePagedLookasideList(LIST *l, PVOID allocate, PVOID free, ULONG flags, SIZE_T size, ULONG tag, ULONG depth)
{
    init(l, allocate, free, PagedPool | flags, size, tag);
}

NTSTATUS ExInitializeLookasideListEx(LIST *l, PVOID allocate, PVOID free, ULONG type, ULONG flags, SIZE_T size, ULONG tag, ULONG depth)
{
    if (flags > EX_FAIL_NO_RAISE)
        return STATUS_INVALID_PARAMETER_5;
    if (flags & EX_RAISE_ON_FAIL)
        type |= POOL_RAISE_IF_ALLOCATION_FAILURE;
    if (flags & EX_FAIL_NO_RAISE)
        type |= POOL_QUOTA_FAIL_INSTEAD_OF_RAISE;
    init(l, allocate, free, type, size, tag);
    return STATUS_SUCCESS;
}

/* ---- emptying: only a driver that pushed by itself has anything in the list ---- */

static void flush(LIST *l)
{
    SLIST_ENTRY *e = ExpInterlockedFlushSList(&l->ListHead);
    while (e) {
        SLIST_ENTRY *next = e->Next;
        guest_call(FRAME_NONE, l->Free, 2, (uint64_t)e, (uint64_t)l);
        e = next;
    }
}

static void delete(LIST *l)
{
    flush(l);
    forget(l);
}

void ExDeleteNPagedLookasideList(LIST *l)
{
    delete(l);
}

void ExDeletePagedLookasideList(LIST *l)
{
    delete(l);
}

void ExDeleteLookasideListEx(LIST *l)
{
    delete(l);
}

void ExFlushLookasideListEx(LIST *l)
{
    flush(l);
}

/* ---- the forms that some headers do not inline ---- */

PVOID ExAllocateFromPagedLookasideList(LIST *l)
{
    l->TotalAllocates++;
    SLIST_ENTRY *e = ExpInterlockedPopEntrySList(&l->ListHead);
    if (e)
        return e;
    l->AllocateMisses++;
    return (PVOID)guest_call(FRAME_NONE, l->Allocate, 3, (uint64_t)l->Type, (uint64_t)l->Size, (uint64_t)l->Tag);
}

void ExFreeToPagedLookasideList(LIST *l, PVOID p)
{
    l->TotalFrees++;
    if (l->ListHead.HeaderX64.Depth < l->Depth) {
        ExpInterlockedPushEntrySList(&l->ListHead, p);
        return;
    }
    l->FreeMisses++;
    guest_call(FRAME_NONE, l->Free, 1, (uint64_t)p);
}
