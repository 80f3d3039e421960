/* Bitmaps: each search against a plain model on many small maps, and the documented answers. */
#include "rtl/bitmap.h"
#include "support.h"

static ULONG words[4];
static RTL_BITMAP map;

static void reset(ULONG bits, ULONG first)
{
    memset(words, 0, sizeof words);
    words[0] = first;
    RtlInitializeBitMap(&map, words, bits);
}

static void single_bits(void **state)
{
    reset(100, 0);
    RtlSetBit(&map, 33);
    assert_int_equal(words[1], 2);
    assert_true(RtlTestBit(&map, 33));
    assert_false(RtlTestBit(&map, 32));
    RtlClearBit(&map, 33);
    assert_false(RtlTestBit(&map, 33));
    RtlSetAllBits(&map);
    assert_int_equal(RtlNumberOfSetBits(&map), 100);
    assert_int_equal(RtlNumberOfClearBits(&map), 0);
    RtlClearAllBits(&map);
    assert_int_equal(RtlNumberOfSetBits(&map), 0);
}

static void ranges(void **state)
{
    reset(100, 0);
    RtlSetBits(&map, 30, 5);
    assert_int_equal(words[0], 0xC0000000);
    assert_int_equal(words[1], 7);
    assert_true(RtlAreBitsSet(&map, 30, 5));
    assert_false(RtlAreBitsSet(&map, 29, 5));
    assert_true(RtlAreBitsClear(&map, 35, 65));
    assert_false(RtlAreBitsClear(&map, 35, 66)); /* beyond the end */
    assert_false(RtlAreBitsClear(&map, 0, 0));
    RtlClearBits(&map, 31, 2);
    assert_int_equal(RtlNumberOfSetBits(&map), 3);
    assert_int_equal(RtlNumberOfSetBitsInRange(&map, 30, 4), 2);
    assert_int_equal(RtlNumberOfClearBitsInRange(&map, 30, 4), 2);
    RtlSetBits(&map, 90, 1000); /* cut at the end */
    assert_int_equal(RtlNumberOfSetBits(&map), 13);
    RtlInterlockedClearBitRun(&map, 90, 10);
    RtlInterlockedSetBitRun(&map, 0, 1);
    assert_int_equal(RtlNumberOfSetBits(&map), 4);
}

static void find_bits(void **state)
{
    reset(40, 0x0000F0FF);
    assert_int_equal(RtlFindClearBits(&map, 4, 0), 8);
    assert_int_equal(RtlFindClearBits(&map, 5, 0), 16);
    assert_int_equal(RtlFindClearBits(&map, 24, 0), 16);
    assert_int_equal(RtlFindClearBits(&map, 25, 0), 0xFFFFFFFF);
    assert_int_equal(RtlFindClearBits(&map, 24, 20), 16); /* wraps around */
    assert_int_equal(RtlFindClearBits(&map, 2, 9), 9);
    assert_int_equal(RtlFindClearBits(&map, 2, 1000), 8);
    assert_int_equal(RtlFindClearBits(&map, 0, 13), 8); /* asked for nothing: the hint's byte */
    assert_int_equal(RtlFindSetBits(&map, 8, 0), 0);
    assert_int_equal(RtlFindSetBits(&map, 4, 3), 3);
    assert_int_equal(RtlFindSetBits(&map, 4, 6), 12);
    assert_int_equal(RtlFindClearBitsAndSet(&map, 4, 0), 8);
    assert_true(RtlAreBitsSet(&map, 0, 16));
    assert_int_equal(RtlFindSetBitsAndClear(&map, 16, 0), 0);
    assert_int_equal(RtlNumberOfSetBits(&map), 0);
}

static ULONG model_find(ULONG bits, ULONG value, ULONG count, ULONG hint)
{
    for (ULONG pass = 0; pass < 2; pass++) {
        for (ULONG i = pass ? 0 : hint; i + count <= bits; i++) {
            ULONG mask = (count == 32 ? 0xFFFFFFFF : (1u << count) - 1) << i;
            if (!(value & mask))
                return i;
        }
    }
    return 0xFFFFFFFF;
}

static void find_agrees_with_model(void **state)
{
    ULONG seed = 7;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1664525 + 1013904223;
        ULONG bits = 1 + (seed >> 8) % 24;
        ULONG value = (seed >> 3) & ((1u << bits) - 1);
        ULONG count = 1 + (seed >> 20) % 6;
        ULONG hint = (seed >> 24) % bits;
        reset(bits, value);
        assert_int_equal(RtlFindClearBits(&map, count, hint), model_find(bits, value, count, hint));
    }
}

static void runs(void **state)
{
    RTL_BITMAP_RUN run[8];
    ULONG start;
    reset(32, 0x0F0FF0E1); /* clear: 1-4, 8-11, 20-23, 28-31 */
    assert_int_equal(RtlFindClearRuns(&map, run, 8, FALSE), 4);
    assert_int_equal(run[0].StartingIndex, 1);
    assert_int_equal(run[0].NumberOfBits, 4);
    assert_int_equal(run[3].StartingIndex, 28);
    assert_int_equal(RtlFindClearRuns(&map, run, 2, FALSE), 2);
    RtlSetBit(&map, 1);
    RtlClearBit(&map, 12);
    assert_int_equal(RtlFindClearRuns(&map, run, 2, TRUE), 2);
    assert_int_equal(run[0].StartingIndex, 8);
    assert_int_equal(run[0].NumberOfBits, 5);
    assert_int_equal(run[1].StartingIndex, 20);
    assert_int_equal(RtlFindLongestRunClear(&map, &start), 5);
    assert_int_equal(start, 8);
    assert_int_equal(RtlFindFirstRunClear(&map, &start), 3);
    assert_int_equal(start, 2);
    assert_int_equal(RtlFindNextForwardRunClear(&map, 9, &start), 4);
    assert_int_equal(start, 9);
    assert_int_equal(RtlFindNextForwardRunClear(&map, 13, &start), 4);
    assert_int_equal(start, 20);
    assert_int_equal(RtlFindLastBackwardRunClear(&map, 19, &start), 5);
    assert_int_equal(start, 8);
    assert_int_equal(RtlFindLastBackwardRunClear(&map, 10, &start), 3);
    assert_int_equal(start, 8);
    RtlSetAllBits(&map);
    assert_int_equal(RtlFindLongestRunClear(&map, &start), 0);
    assert_int_equal(RtlFindClearRuns(&map, run, 8, TRUE), 0);
    assert_int_equal(RtlFindLastBackwardRunClear(&map, 31, &start), 0);
}

static void words_and_copies(void **state)
{
    ULONG other_words[2] = {0};
    RTL_BITMAP other = {40, other_words};
    assert_int_equal(RtlFindMostSignificantBit(0x8000000000000001ull), 63);
    assert_int_equal(RtlFindLeastSignificantBit(0x8000000000000000ull), 63);
    assert_int_equal(RtlFindLeastSignificantBit(12), 2);
    assert_int_equal(RtlFindMostSignificantBit(0), -1);
    assert_int_equal(RtlFindLeastSignificantBit(0), -1);
    assert_int_equal(RtlNumberOfSetBitsUlongPtr(0xF0F0F0F0F0F0F0F0ull), 32);
    reset(8, 0xA5);
    RtlCopyBitMap(&map, &other, 30);
    assert_int_equal(other_words[0], 0x40000000);
    assert_int_equal(other_words[1], 0x29);
    RtlExtractBitMap(&other, &map, 30, 4);
    assert_int_equal(words[0] & 0xF, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_bits), cmocka_unit_test(ranges),          cmocka_unit_test(find_bits),
        cmocka_unit_test(find_agrees_with_model), cmocka_unit_test(runs), cmocka_unit_test(words_and_copies),
    };
    return cmocka_run_group_tests(tests, NULL, no_blocks_are_left);
}
