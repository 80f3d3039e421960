/* Pool: alignment, reuse, independence of owners, diagnostics, bug checks. */
#include "machine_fixture.h"
#include "mm/mm.h"
#include "mm/pool.h"
#include "nt/bugcheck.h"
#include "nt/ex.h"

PVOID ExAllocatePoolWithTag(ULONG pool_type, SIZE_T bytes, ULONG tag);
PVOID ExAllocatePool2(ULONG64 flags, SIZE_T bytes, ULONG tag);
void ExFreePoolWithTag(PVOID p, ULONG tag);
void ExFreePool(PVOID p);

enum { TAG = 0x74736554 };

static int setup(void **state)
{
    sim_init(2);
    return 0;
}

static void small_blocks_are_aligned_filled_and_reused(void **state)
{
    uint8_t *a = ex_pool_alloc(NonPagedPool, 1, TAG), *b = ex_pool_alloc(NonPagedPool, 40, TAG);
    assert_int_equal((uint64_t)a % 16, 0);
    assert_int_equal((uint64_t)b % 16, 0);
    assert_int_equal(a[0], POOL_FRESH);
    assert_int_equal(b[39], POOL_FRESH);
    ex_pool_free(b);
    uint64_t first;
    memcpy(&first, b, 8);
    assert_true(first == 0xDDDDDDDDDDDDDDDDull);
    assert_ptr_equal(ex_pool_alloc(NonPagedPool, 41, TAG), b);
    assert_int_equal(b[40], POOL_FRESH);
}

static void long_blocks_begin_at_pages_and_short_ones_stay_in_one(void **state)
{
    for (size_t bytes = 1; bytes < 9000; bytes += 97) {
        uint64_t p = (uint64_t)ex_pool_alloc(PagedPool, bytes, TAG);
        if (bytes >= 4096)
            assert_int_equal(p % 4096, 0);
        else
            assert_int_equal(p / 4096, (p + bytes - 1) / 4096);
    }
    uint64_t aligned = (uint64_t)ex_pool_alloc(NonPagedPoolCacheAligned, 100, TAG);
    assert_int_equal(aligned % 64, 0);
}

static void count_block(void *ctx, const struct pool_block *b)
{
    ++*(unsigned *)ctx;
    assert_false(b->free);
}

static void walk_and_find_know_the_blocks(void **state)
{
    void *p[50];
    for (int i = 0; i < 50; i++)
        p[i] = ex_pool_alloc(NonPagedPoolNx, (size_t)i * 300, TAG + (uint32_t)i);
    unsigned n = 0;
    mm_pool_walk(count_block, &n);
    assert_int_equal(n, 50);
    struct pool_block b;
    for (int i = 1; i < 50; i++) {
        assert_true(mm_pool_find((uint64_t)p[i] + (uint64_t)i * 300 - 1, &b));
        assert_int_equal(b.base, p[i]);
        assert_int_equal(b.bytes, i * 300);
        assert_int_equal(b.tag, TAG + i);
        assert_int_equal(b.pool_type, NonPagedPoolNx);
    }
    for (int i = 0; i < 50; i++)
        ex_pool_free(p[i]);
    n = 0;
    mm_pool_walk(count_block, &n);
    assert_int_equal(n, 0);
    assert_true(mm_pool_find((uint64_t)p[7], &b) && b.free && b.tag == TAG + 7);
}

static void *from_a[3], *from_b[3];
static void allocate_a(void)
{
    from_a[0] = ex_pool_alloc(0, 64, TAG);
    sim_yield();
    from_a[1] = ex_pool_alloc(0, 64, TAG);
}
static void allocate_b(void)
{
    for (int i = 0; i < 3; i++)
        from_b[i] = ex_pool_alloc(0, 64, TAG);
    ex_pool_free(from_a[0]);
}

static void an_address_depends_on_its_agent_alone(void **state)
{
    fixture_spawn(allocate_a);
    fixture_spawn(allocate_b);
    fixture_run();
    void *a1 = from_a[1], *b2 = from_b[2];
    sim_init(2);
    fixture_spawn(allocate_a);
    fixture_run();
    assert_ptr_equal(from_a[1], a1); /* although b had freed a's first block */
    assert_ptr_not_equal(a1, b2);
}

static void long_temporaries_leave_nothing_in_a_snapshot(void **state)
{
    ex_pool_free(ex_pool_alloc(0, 16, TAG));
    struct snapshot *before = sim_snapshot_take();
    void *p = ex_pool_alloc(0, 3 << 20, TAG);
    ex_pool_free(p);
    struct snapshot *after = sim_snapshot_take();
    assert_true(sim_snapshot_bytes(after) < sim_snapshot_bytes(before) + 3 * 4096);
    sim_snapshot_free(before);
    sim_snapshot_free(after);
}

static void everything_fits_again_after_many_rounds(void **state)
{
    uint64_t seed = 1;
    void *live[200] = { 0 };
    for (int round = 0; round < 20000; round++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        unsigned i = (unsigned)(seed >> 33) % 200;
        if (live[i])
            ex_pool_free(live[i]);
        size_t bytes = (seed >> 45) % (round % 50 ? 600 : 20000);
        live[i] = ex_pool_alloc((uint32_t)(seed >> 60) & 5, bytes, TAG);
        memset(live[i], 0x11, bytes);
    }
    for (int i = 0; i < 200; i++)
        if (live[i])
            ex_pool_free(live[i]);
    uint64_t blocks, bytes;
    mm_pool_totals(&blocks, &bytes);
    assert_int_equal(blocks, 0);
    assert_int_equal(bytes, 0);
}

static void zeroing_follows_the_flags(void **state)
{
    uint8_t *p = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, TAG), *q = ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_UNINITIALIZED, 100, TAG);
    assert_int_equal(p[0] | p[99], 0);
    assert_int_equal(q[0], POOL_FRESH);
    assert_null(ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, 0));
    assert_null(ExAllocatePool2(0, 100, TAG));
    uint8_t *r = ExAllocatePoolWithTag(NonPagedPoolNx | POOL_ZERO_ALLOCATION, 64, TAG);
    assert_int_equal(r[63], 0);
    assert_null(ExAllocatePoolWithTag(NonPagedPool, (SIZE_T)1 << 40, TAG));
}

static void free_twice(void)
{
    void *p = ExAllocatePoolWithTag(0, 32, TAG);
    ExFreePool(p);
    ExFreePool(p);
}
static void free_wrong_tag(void)
{
    ExFreePoolWithTag(ExAllocatePoolWithTag(0, 32, TAG), TAG + 1);
}
static void free_middle(void)
{
    ExFreePool((char *)ExAllocatePoolWithTag(0, 320, TAG) + 32);
}
static void free_null(void)
{
    ExFreePool(NULL);
}
static void free_user(void)
{
    ExFreePool((void *)USER_BASE);
}
static void paged_at_dispatch(void)
{
    sim_irql_set(DISPATCH_LEVEL);
    ExAllocatePoolWithTag(PagedPool, 32, TAG);
}
static void free_paged_at_dispatch(void)
{
    void *p = ExAllocatePoolWithTag(PagedPool, 32, TAG);
    sim_irql_set(DISPATCH_LEVEL);
    ExFreePool(p);
}
static void no_tag(void)
{
    ExAllocatePoolWithTag(0, 32, 0);
}
static void overrun(void)
{
    char *p = ExAllocatePoolWithTag(0, 32, TAG);
    ExAllocatePoolWithTag(0, 32, TAG);
    memset(p, 'A', 40);
    ExFreePool(p);
}
static void own_header(void)
{
    char *p = ExAllocatePoolWithTag(0, 32, TAG);
    memset(p - 16, 'A', 8);
    ExFreePool(p);
}
static void write_after_free(void)
{
    char *p = ExAllocatePoolWithTag(0, 32, TAG);
    ExFreePool(p);
    memset(p, 'A', 32);
    ExAllocatePoolWithTag(0, 32, TAG);
}

static void misuse_is_a_bug_check(void **state)
{
    static const struct {
        void (*fn)(void);
        uint32_t code, reason;
    } rows[] = {
        { free_twice, BAD_POOL_CALLER, 7 },
        { free_wrong_tag, BAD_POOL_CALLER, 0xA },
        { free_middle, BAD_POOL_CALLER, 0x46 },
        { free_null, BAD_POOL_CALLER, 0x46 },
        { free_user, BAD_POOL_CALLER, 0x40 },
        { paged_at_dispatch, BAD_POOL_CALLER, 8 },
        { free_paged_at_dispatch, BAD_POOL_CALLER, 9 },
        { no_tag, BAD_POOL_CALLER, 0x9B },
        { overrun, BAD_POOL_HEADER, 0x20 },
        { own_header, BAD_POOL_HEADER, 0x20 },
        { write_after_free, BAD_POOL_HEADER, 3 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sim_init(1);
        fixture_expect_bugcheck(rows[i].fn, rows[i].code, rows[i].reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(small_blocks_are_aligned_filled_and_reused, setup),
        cmocka_unit_test_setup(long_blocks_begin_at_pages_and_short_ones_stay_in_one, setup),
        cmocka_unit_test_setup(walk_and_find_know_the_blocks, setup),
        cmocka_unit_test_setup(an_address_depends_on_its_agent_alone, setup),
        cmocka_unit_test_setup(long_temporaries_leave_nothing_in_a_snapshot, setup),
        cmocka_unit_test_setup(everything_fits_again_after_many_rounds, setup),
        cmocka_unit_test_setup(zeroing_follows_the_flags, setup),
        cmocka_unit_test_setup(misuse_is_a_bug_check, setup),
    };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
