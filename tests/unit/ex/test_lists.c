/* Interlocked and sequenced lists, lookaside lists. */
#include "ex_fixture.h"
#include "ex/slist.h"
#include "mm/mm.h"

LIST_ENTRY *ExInterlockedInsertHeadList(LIST_ENTRY *head, LIST_ENTRY *e, KSPIN_LOCK *lock);
LIST_ENTRY *ExInterlockedInsertTailList(LIST_ENTRY *head, LIST_ENTRY *e, KSPIN_LOCK *lock);
LIST_ENTRY *ExInterlockedRemoveHeadList(LIST_ENTRY *head, KSPIN_LOCK *lock);
USHORT ExQueryDepthSList(SLIST_HEADER *h);
void ExInitializeNPagedLookasideList(void *l, PVOID allocate, PVOID free, ULONG flags, SIZE_T size, ULONG tag, ULONG depth);
void ExDeleteNPagedLookasideList(void *l);
PVOID ExAllocateFromPagedLookasideList(void *l);
void ExFreeToPagedLookasideList(void *l, PVOID p);

static LIST_ENTRY head, entries[3];
static KSPIN_LOCK lock;

static void list_body(void *unused)
{
    head.Flink = head.Blink = &head;
    assert_null(ExInterlockedInsertHeadList(&head, &entries[0], &lock));
    assert_ptr_equal(ExInterlockedInsertHeadList(&head, &entries[1], &lock), &entries[0]);
    assert_ptr_equal(ExInterlockedInsertTailList(&head, &entries[2], &lock), &entries[0]);
    assert_ptr_equal(ExInterlockedRemoveHeadList(&head, &lock), &entries[1]);
    assert_ptr_equal(ExInterlockedRemoveHeadList(&head, &lock), &entries[0]);
    assert_ptr_equal(ExInterlockedRemoveHeadList(&head, &lock), &entries[2]);
    assert_null(ExInterlockedRemoveHeadList(&head, &lock));
    note("lists");
}

static void doubly_linked(void **state)
{
    spawn(list_body);
    run_to_end("lists");
}

static void holder(void *unused)
{
    lock = 1;
    yield();
    note("release");
    lock = 0;
}

static void wants_lock(void *unused)
{
    head.Flink = head.Blink = &head;
    ExInterlockedInsertHeadList(&head, &entries[0], &lock);
    note("insert");
}

static void a_held_lock_is_respected(void **state)
{
    lock = 0;
    spawn(holder);
    spawn(wants_lock);
    run_to_end("release insert");
}

static void slist_body(void *unused)
{
    static SLIST_HEADER h;
    SLIST_ENTRY *e = ex_pool_alloc(0, 3 * sizeof *e, 1);
    InitializeSListHead(&h);
    assert_null(ExpInterlockedPopEntrySList(&h));
    assert_null(ExpInterlockedPushEntrySList(&h, &e[0]));
    assert_ptr_equal(ExpInterlockedPushEntrySList(&h, &e[1]), &e[0]);
    assert_int_equal(ExQueryDepthSList(&h), 2);
    assert_ptr_equal(ExpInterlockedPopEntrySList(&h), &e[1]);
    ExpInterlockedPushEntrySList(&h, &e[2]);
    assert_int_equal(h.HeaderX64.Sequence, 4);
    assert_ptr_equal(ExpInterlockedFlushSList(&h), &e[2]);
    assert_ptr_equal(e[2].Next, &e[0]);
    assert_null(e[0].Next);
    assert_int_equal(ExQueryDepthSList(&h), 0);
    ex_pool_free(e);
    note("slist");
}

static void sequenced(void **state)
{
    spawn(slist_body);
    run_to_end("slist");
}

static void lookaside_body(void *unused)
{
    NPAGED_LOOKASIDE_LIST *l = ex_pool_alloc(4, sizeof *l, 1); /* cache-aligned */
    ExInitializeNPagedLookasideList(l, NULL, NULL, 0, 40, 0x41414141, 0);
    assert_true(ex_is_lookaside(&l->L.ListHead));
    void *a = ExAllocateFromPagedLookasideList(l), *b = ExAllocateFromPagedLookasideList(l);
    struct pool_block block;
    assert_true(mm_pool_find((uint64_t)a, &block) && block.bytes == 40 && block.tag == 0x41414141);
    ExFreeToPagedLookasideList(l, a);
    assert_true(mm_pool_find((uint64_t)a, &block) && block.free);
    ExFreeToPagedLookasideList(l, b);
    ExDeleteNPagedLookasideList(l);
    assert_false(ex_is_lookaside(&l->L.ListHead));
    ex_pool_free(l);
    note("lookaside");
}

static void lookaside_lists_give_out_pool(void **state)
{
    uint64_t before, after, bytes;
    mm_pool_totals(&before, &bytes);
    spawn(lookaside_body);
    run_to_end("lookaside");
    mm_pool_totals(&after, &bytes);
    assert_int_equal(before, after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(doubly_linked, ex_machine),
        cmocka_unit_test_setup(a_held_lock_is_respected, ex_machine),
        cmocka_unit_test_setup(sequenced, ex_machine),
        cmocka_unit_test_setup(lookaside_lists_give_out_pool, ex_machine),
    };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
