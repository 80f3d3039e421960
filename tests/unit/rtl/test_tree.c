/* Splay links and generic tables: every operation against a plain array, with the tree's invariants checked each time. */
#include "rtl/pool_hooks.h"
#include "rtl/tree.h"
#include "support.h"

enum { KEYS = 64 };

static int calls_refused;

static uint64_t compare(uint64_t table, uint64_t a, uint64_t b, uint64_t unused)
{
    int x = *(const int *)a;
    int y = *(const int *)b;
    return x < y ? GenericLessThan : x > y ? GenericGreaterThan : GenericEqual;
}

static uint64_t allocate(uint64_t table, uint64_t size, uint64_t c, uint64_t d)
{
    if (calls_refused)
        return 0;
    return (uint64_t)ex_pool_alloc(0, size, 0);
}

static uint64_t release(uint64_t table, uint64_t block, uint64_t c, uint64_t d)
{
    ex_pool_free((void *)block);
    return 0;
}

static unsigned next_random(void)
{
    static unsigned seed = 99;
    seed = seed * 1103515245 + 12345;
    return seed >> 16;
}

static int count_splay(const RTL_SPLAY_LINKS *n)
{
    if (!n)
        return 0;
    assert_true(!n->LeftChild || n->LeftChild->Parent == n);
    assert_true(!n->RightChild || n->RightChild->Parent == n);
    return 1 + count_splay(n->LeftChild) + count_splay(n->RightChild);
}

static void check_table(RTL_GENERIC_TABLE *t, const int *present)
{
    int expected = 0;
    void *key = NULL;
    for (int i = 0; i < KEYS; i++)
        expected += present[i] != 0;
    assert_int_equal(RtlNumberGenericTableElements(t), expected);
    assert_int_equal(RtlIsGenericTableEmpty(t), expected == 0);
    assert_int_equal(count_splay(t->TableRoot), expected);
    assert_true(!t->TableRoot || t->TableRoot->Parent == t->TableRoot);
    for (int i = 0; i < KEYS; i++)
        if (present[i])
            assert_int_equal(*(int *)RtlEnumerateGenericTableWithoutSplaying(t, &key), i);
    if (expected)
        assert_null(RtlEnumerateGenericTableWithoutSplaying(t, &key));
}

static void splay_table(void **state)
{
    RTL_GENERIC_TABLE t;
    int present[KEYS] = {0};
    BOOLEAN is_new;
    RtlInitializeGenericTable(&t, (void *)compare, (void *)allocate, (void *)release, &t);
    check_table(&t, present);
    for (int i = 0; i < 3000; i++) {
        int key = (int)(next_random() % KEYS);
        if (next_random() % 2) {
            int *at = RtlInsertElementGenericTable(&t, &key, sizeof key, &is_new);
            assert_int_equal(*at, key);
            assert_int_equal(is_new, !present[key]);
            present[key] = 1;
        } else {
            int *at = RtlLookupElementGenericTable(&t, &key);
            assert_int_equal(at != NULL, present[key]);
            assert_int_equal(RtlDeleteElementGenericTable(&t, &key), present[key]);
            present[key] = 0;
        }
        check_table(&t, present);
    }
    while (t.TableRoot) {
        int key = *(int *)RtlEnumerateGenericTable(&t, TRUE);
        assert_true(RtlDeleteElementGenericTable(&t, &key));
    }
    assert_int_equal(live_blocks, 0);
}

static void splay_table_order(void **state)
{
    RTL_GENERIC_TABLE t;
    static const int keys[] = {30, 10, 40, 20};
    PVOID where;
    TABLE_SEARCH_RESULT result;
    RtlInitializeGenericTable(&t, (void *)compare, (void *)allocate, (void *)release, NULL);
    assert_null(RtlEnumerateGenericTable(&t, TRUE));
    for (int i = 0; i < 4; i++)
        RtlInsertElementGenericTable(&t, (void *)&keys[i], sizeof keys[i], NULL);
    /* by index: the order of insertion; enumeration: by key */
    assert_int_equal(*(int *)RtlGetElementGenericTable(&t, 2), 40);
    assert_int_equal(*(int *)RtlGetElementGenericTable(&t, 0), 30);
    assert_int_equal(*(int *)RtlGetElementGenericTable(&t, 3), 20);
    assert_null(RtlGetElementGenericTable(&t, 4));
    int want = 10;
    for (int *p = RtlEnumerateGenericTable(&t, TRUE); p; p = RtlEnumerateGenericTable(&t, FALSE), want += 10)
        assert_int_equal(*p, want);
    assert_int_equal(want, 50);
    int key = 25;
    assert_null(RtlLookupElementGenericTableFull(&t, &key, &where, &result));
    assert_true(result == TableInsertAsLeft || result == TableInsertAsRight);
    assert_int_equal(*(int *)RtlInsertElementGenericTableFull(&t, &key, sizeof key, NULL, where, result), 25);
    assert_non_null(RtlLookupElementGenericTableFull(&t, &key, &where, &result));
    assert_int_equal(result, TableFoundNode);
    BOOLEAN is_new = TRUE;
    key = 26;
    calls_refused = 1;
    assert_null(RtlInsertElementGenericTable(&t, &key, sizeof key, &is_new));
    calls_refused = 0;
    assert_false(is_new);
    while (t.TableRoot) {
        key = *(int *)RtlEnumerateGenericTable(&t, TRUE);
        RtlDeleteElementGenericTable(&t, &key);
    }
}

static void splay_links(void **state)
{
    RTL_SPLAY_LINKS a = {0}, b = {0}, c = {0};
    RTL_SPLAY_LINKS *root;
    b.Parent = &b;
    b.LeftChild = &a;
    b.RightChild = &c;
    a.Parent = c.Parent = &b;
    assert_ptr_equal(RtlRealSuccessor(&a), &b);
    assert_ptr_equal(RtlRealPredecessor(&c), &b);
    assert_ptr_equal(RtlSubtreeSuccessor(&b), &c);
    assert_ptr_equal(RtlSubtreePredecessor(&b), &a);
    assert_null(RtlRealSuccessor(&c));
    assert_null(RtlRealPredecessor(&a));
    assert_null(RtlSubtreeSuccessor(&c));
    assert_ptr_equal(RtlSplay(&a), &a);
    assert_ptr_equal(a.RightChild, &b);
    assert_ptr_equal(RtlRealSuccessor(&b), &c);
    root = RtlDelete(&b);
    assert_ptr_equal(root->Parent, root);
    assert_int_equal(count_splay(root), 2);
    RtlDeleteNoSplay(&a, &root);
    assert_ptr_equal(root, &c);
    assert_null(RtlDelete(&c));
}

static int depth_of(RTL_BALANCED_LINKS *n)
{
    if (!n)
        return 0;
    int left = depth_of(n->LeftChild);
    int right = depth_of(n->RightChild);
    assert_int_equal(n->Balance, right - left);
    assert_true(right - left <= 1 && left - right <= 1);
    assert_true(!n->LeftChild || n->LeftChild->Parent == n);
    assert_true(!n->RightChild || n->RightChild->Parent == n);
    return 1 + (left > right ? left : right);
}

static void check_avl(RTL_AVL_TABLE *t, const int *present)
{
    int expected = 0;
    void *key = NULL;
    for (int i = 0; i < KEYS; i++)
        expected += present[i] != 0;
    assert_int_equal(RtlNumberGenericTableElementsAvl(t), expected);
    assert_int_equal(RtlIsGenericTableEmptyAvl(t), expected == 0);
    assert_int_equal(t->DepthOfTree, depth_of(t->BalancedRoot.RightChild));
    for (int i = 0; i < KEYS; i++)
        if (present[i])
            assert_int_equal(*(int *)RtlEnumerateGenericTableWithoutSplayingAvl(t, &key), i);
    assert_null(RtlEnumerateGenericTableWithoutSplayingAvl(t, &key));
}

static void avl_table(void **state)
{
    RTL_AVL_TABLE t;
    int present[KEYS] = {0};
    BOOLEAN is_new;
    RtlInitializeGenericTableAvl(&t, (void *)compare, (void *)allocate, (void *)release, NULL);
    check_avl(&t, present);
    for (int i = 0; i < 5000; i++) {
        int key = (int)(next_random() % KEYS);
        if (next_random() % 2) {
            int *at = RtlInsertElementGenericTableAvl(&t, &key, sizeof key, &is_new);
            assert_int_equal(*at, key);
            assert_int_equal(is_new, !present[key]);
            present[key] = 1;
        } else {
            assert_int_equal(RtlLookupElementGenericTableAvl(&t, &key) != NULL, present[key]);
            assert_int_equal(RtlDeleteElementGenericTableAvl(&t, &key), present[key]);
            present[key] = 0;
        }
        check_avl(&t, present);
    }
    int index = 0;
    for (int i = 0; i < KEYS; i++)
        if (present[i])
            assert_int_equal(*(int *)RtlGetElementGenericTableAvl(&t, (ULONG)index++), i);
    if (index > 1)
        assert_non_null(RtlGetElementGenericTableAvl(&t, 0));
    for (int *p; (p = RtlEnumerateGenericTableAvl(&t, TRUE)) != NULL;) {
        int key = *p;
        assert_true(RtlDeleteElementGenericTableAvl(&t, &key));
    }
    assert_int_equal(live_blocks, 0);
}

static uint64_t match_even(uint64_t table, uint64_t data, uint64_t limit, uint64_t d)
{
    int key = *(const int *)data;
    if (key > *(const int *)limit)
        return (uint64_t)STATUS_NO_MORE_ENTRIES;
    return (uint64_t)(key % 2 ? STATUS_NO_MATCH : STATUS_SUCCESS);
}

static void avl_enumeration_survives_deletion(void **state)
{
    RTL_AVL_TABLE t;
    void *restart = NULL;
    ULONG delete_count = 0;
    int from = 0, limit = 100;
    RtlInitializeGenericTableAvl(&t, (void *)compare, (void *)allocate, (void *)release, NULL);
    for (int i = 0; i < 10; i++)
        RtlInsertElementGenericTableAvl(&t, &i, sizeof i, NULL);
    int *p = RtlEnumerateGenericTableLikeADirectory(&t, (void *)match_even, &limit, FALSE, &restart, &delete_count, &from);
    assert_int_equal(*p, 0);
    p = RtlEnumerateGenericTableLikeADirectory(&t, (void *)match_even, &limit, TRUE, &restart, &delete_count, &from);
    assert_int_equal(*p, 2);
    from = 2;
    assert_true(RtlDeleteElementGenericTableAvl(&t, &from));
    p = RtlEnumerateGenericTableLikeADirectory(&t, (void *)match_even, &limit, TRUE, &restart, &delete_count, &from);
    assert_int_equal(*p, 4);
    limit = 5;
    assert_null(RtlEnumerateGenericTableLikeADirectory(&t, (void *)match_even, &limit, TRUE, &restart, &delete_count, &from));
    /* The other kind remembers its place and steps back when it is deleted. */
    assert_int_equal(*(int *)RtlEnumerateGenericTableAvl(&t, TRUE), 0);
    assert_int_equal(*(int *)RtlEnumerateGenericTableAvl(&t, FALSE), 1);
    from = 1;
    RtlDeleteElementGenericTableAvl(&t, &from);
    assert_int_equal(*(int *)RtlEnumerateGenericTableAvl(&t, FALSE), 3);
    PVOID key;
    from = 3;
    assert_int_equal(*(int *)RtlLookupFirstMatchingElementGenericTableAvl(&t, &from, &key), 3);
    while ((p = RtlEnumerateGenericTableAvl(&t, TRUE)) != NULL) {
        from = *p;
        RtlDeleteElementGenericTableAvl(&t, &from);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splay_table), cmocka_unit_test(splay_table_order), cmocka_unit_test(splay_links),
        cmocka_unit_test(avl_table),   cmocka_unit_test(avl_enumeration_survives_deletion),
    };
    return cmocka_run_group_tests(tests, NULL, no_blocks_are_left);
}
