/* Dynamic hash tables (ntddk.h, RTL_DYNAMIC_HASH_TABLE): buckets of entries that the caller owns, linked by themselves.
 *
 * Entries of one signature stand together in their bucket. Signature 0 is that of enumerators, which stand between entries, so that a table may be
 * changed while it is enumerated; callers' 0 becomes 1. A weak enumeration leaves no mark: nothing may be removed meanwhile. */
#include <stddef.h>
#include <string.h>

#include "mm/mm.h"
#include "nt/ke.h"
#include "sim/access.h"

enum { TABLE_TAG = 0x48546C52 /* 'RlTH' */, ALLOCATED_HEADER = 1, FIRST_BUCKETS = 128, MOST_BUCKETS = 1 << 16, ENUMERATOR = 0 };

struct entry { /* RTL_DYNAMIC_HASH_TABLE_ENTRY */
    LIST_ENTRY Linkage;
    ULONG_PTR Signature;
};

struct context { /* RTL_DYNAMIC_HASH_TABLE_CONTEXT */
    LIST_ENTRY *ChainHead;
    LIST_ENTRY *PrevLinkage; /* behind which the signature's entries stand, or would */
    ULONG_PTR Signature;
};

struct enumerator { /* RTL_DYNAMIC_HASH_TABLE_ENUMERATOR */
    struct entry HashEntry;
    LIST_ENTRY *ChainHead;
    ULONG BucketIndex;
};

struct table { /* RTL_DYNAMIC_HASH_TABLE */
    ULONG Flags;
    ULONG Shift;
    ULONG TableSize;
    ULONG Pivot;
    ULONG DivisorMask;
    ULONG NumEntries;
    ULONG NonEmptyBuckets;
    ULONG NumEnumerators;
    LIST_ENTRY *Directory;
};
_Static_assert(sizeof(struct entry) == 0x18 && sizeof(struct enumerator) == 0x28 && sizeof(struct table) == 0x28, "layout");

/* ---- buckets ---- */

static struct entry *entry_of(LIST_ENTRY *l)
{
    return (struct entry *)((UCHAR *)l - offsetof(struct entry, Linkage));
}

static LIST_ENTRY *bucket_of(const struct table *t, ULONG_PTR signature)
{
    ULONG64 mixed = (signature >> t->Shift) * 0x9E3779B97F4A7C15ull;
    return &t->Directory[(ULONG)(mixed >> 32) & t->DivisorMask];
}

static bool is_empty(const LIST_ENTRY *bucket)
{
    return bucket->Flink == bucket;
}

static bool buckets_make(struct table *t, ULONG count)
{
    LIST_ENTRY *d = ex_pool_alloc(NonPagedPoolNx, count * sizeof *d, TABLE_TAG);
    if (!d)
        return false;
    for (ULONG i = 0; i < count; i++)
        d[i].Flink = d[i].Blink = &d[i];
    t->Directory = d;
    t->TableSize = count;
    t->DivisorMask = count - 1;
    t->NonEmptyBuckets = 0;
    return true;
}

/* Behind which element of its bucket the signature's entries stand. */
static void locate(const struct table *t, ULONG_PTR signature, struct context *c)
{
    c->ChainHead = bucket_of(t, signature);
    c->Signature = signature;
    c->PrevLinkage = c->ChainHead;
    while (c->PrevLinkage->Flink != c->ChainHead && entry_of(c->PrevLinkage->Flink)->Signature != signature)
        c->PrevLinkage = c->PrevLinkage->Flink;
}

static ULONG_PTR usable(ULONG_PTR signature)
{
    return signature == ENUMERATOR ? signature + 1 : signature;
}

static void put_in(struct table *t, struct entry *e, const struct context *c)
{
    t->NonEmptyBuckets += is_empty(c->ChainHead);
    e->Linkage.Flink = c->PrevLinkage->Flink;
    e->Linkage.Blink = c->PrevLinkage;
    c->PrevLinkage->Flink->Blink = &e->Linkage;
    c->PrevLinkage->Flink = &e->Linkage;
}

static void take_out(struct entry *e)
{
    e->Linkage.Blink->Flink = e->Linkage.Flink;
    e->Linkage.Flink->Blink = e->Linkage.Blink;
}

/* ---- tables ---- */

BOOLEAN RtlCreateHashTable(struct table **table, ULONG shift, ULONG flags)
{
    struct table *t = *table;
    bool allocated = !t;
    if (flags)
        return FALSE; /* reserved */
    if (allocated)
        t = ex_pool_alloc(NonPagedPoolNx, sizeof *t, TABLE_TAG);
    if (!t)
        return FALSE;
    memset(t, 0, sizeof *t);
    t->Shift = shift;
    t->Flags = allocated ? ALLOCATED_HEADER : 0;
    if (!buckets_make(t, FIRST_BUCKETS)) {
        if (allocated)
            ex_pool_free(t);
        return FALSE;
    }
    *table = t;
    return TRUE;
}

/* The entries are the caller's. */
void RtlDeleteHashTable(struct table *t)
{
    ex_pool_free(t->Directory);
    t->Directory = NULL;
    if (t->Flags & ALLOCATED_HEADER)
        ex_pool_free(t);
}

static bool resize(struct table *t, ULONG count)
{
    struct table bigger = *t;
    if (t->NumEnumerators || count < FIRST_BUCKETS || count > MOST_BUCKETS || !buckets_make(&bigger, count))
        return false;
    for (ULONG i = 0; i < t->TableSize; i++)
        while (!is_empty(&t->Directory[i])) {
            struct entry *e = entry_of(t->Directory[i].Blink); /* the last first, so that those of one signature keep their order */
            struct context c;
            take_out(e);
            locate(&bigger, e->Signature, &c);
            put_in(&bigger, e, &c);
        }
    ex_pool_free(t->Directory);
    *t = bigger;
    return true;
}

/* DOC: FALSE if the table cannot change its size, because it is enumerated, or as large or small as it gets. */
BOOLEAN RtlExpandHashTable(struct table *t)
{
    return resize(t, t->TableSize * 2);
}

BOOLEAN RtlContractHashTable(struct table *t)
{
    return resize(t, t->TableSize / 2);
}

/* ---- entries ---- */

BOOLEAN RtlInsertEntryHashTable(struct table *t, struct entry *e, ULONG_PTR signature, struct context *context)
{
    struct context own, *c = context ? context : &own;
    e->Signature = usable(signature);
    if (!context || !context->ChainHead)
        locate(t, e->Signature, c);
    put_in(t, e, c);
    t->NumEntries++;
    return TRUE;
}

BOOLEAN RtlRemoveEntryHashTable(struct table *t, struct entry *e, struct context *context)
{
    LIST_ENTRY *bucket = bucket_of(t, e->Signature);
    if (context && !context->ChainHead)
        locate(t, e->Signature, context);
    if (context && context->PrevLinkage == &e->Linkage)
        context->PrevLinkage = e->Linkage.Blink;
    take_out(e);
    t->NumEntries--;
    t->NonEmptyBuckets -= is_empty(bucket);
    return TRUE;
}

static struct entry *if_signed(const struct context *c, LIST_ENTRY *at)
{
    while (at != c->ChainHead && entry_of(at)->Signature == ENUMERATOR)
        at = at->Flink;
    return at != c->ChainHead && entry_of(at)->Signature == c->Signature ? entry_of(at) : NULL;
}

struct entry *RtlLookupEntryHashTable(struct table *t, ULONG_PTR signature, struct context *context)
{
    struct context own, *c = context ? context : &own;
    locate(t, usable(signature), c);
    return if_signed(c, c->PrevLinkage->Flink);
}

/* The next of the same signature; the context is that of the lookup. */
struct entry *RtlGetNextEntryHashTable(struct table *t, struct context *c)
{
    struct entry *now = if_signed(c, c->PrevLinkage->Flink), *next = now ? if_signed(c, now->Linkage.Flink) : NULL;
    if (next)
        c->PrevLinkage = next->Linkage.Blink;
    return next;
}

/* ---- enumeration ---- */

BOOLEAN RtlInitEnumerationHashTable(struct table *t, struct enumerator *e)
{
    struct context c = { t->Directory, t->Directory, ENUMERATOR };
    *e = (struct enumerator) { .HashEntry.Signature = ENUMERATOR, .ChainHead = t->Directory };
    put_in(t, &e->HashEntry, &c);
    t->NumEnumerators++;
    return TRUE;
}

/* The first that is no enumerator, from an element of a bucket on; NULL at the end of all. */
static struct entry *next_entry(const struct table *t, LIST_ENTRY *at, struct enumerator *e)
{
    for (;;) {
        for (; at != e->ChainHead; at = at->Flink)
            if (entry_of(at)->Signature != ENUMERATOR)
                return entry_of(at);
        if (e->BucketIndex + 1 >= t->TableSize)
            return NULL;
        e->ChainHead = &t->Directory[++e->BucketIndex];
        at = e->ChainHead->Flink;
    }
}

struct entry *RtlEnumerateEntryHashTable(struct table *t, struct enumerator *e)
{
    LIST_ENTRY *old = e->ChainHead;
    struct entry *next = next_entry(t, e->HashEntry.Linkage.Flink, e);
    take_out(&e->HashEntry);
    t->NonEmptyBuckets -= is_empty(old);
    struct context c = { e->ChainHead, next ? &next->Linkage : e->ChainHead->Blink, ENUMERATOR };
    put_in(t, &e->HashEntry, &c);
    return next;
}

void RtlEndEnumerationHashTable(struct table *t, struct enumerator *e)
{
    take_out(&e->HashEntry);
    t->NonEmptyBuckets -= is_empty(e->ChainHead);
    t->NumEnumerators--;
    e->ChainHead = NULL;
}

/* A weak enumerator's first word is where it stands. */
BOOLEAN RtlInitWeakEnumerationHashTable(struct table *t, struct enumerator *e)
{
    *e = (struct enumerator) { .ChainHead = t->Directory };
    e->HashEntry.Linkage.Flink = t->Directory;
    return TRUE;
}

struct entry *RtlWeaklyEnumerateEntryHashTable(struct table *t, struct enumerator *e)
{
    struct entry *next = next_entry(t, e->HashEntry.Linkage.Flink->Flink, e);
    e->HashEntry.Linkage.Flink = next ? &next->Linkage : e->ChainHead->Blink;
    return next;
}

void RtlEndWeakEnumerationHashTable(struct table *t, struct enumerator *e)
{
    e->ChainHead = NULL;
}
