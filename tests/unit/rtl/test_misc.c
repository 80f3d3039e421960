/* Time, arithmetic, checksums, random numbers, access masks. */
#include "rtl/misc.h"
#include "support.h"

static LARGE_INTEGER time_of(SHORT y, SHORT mo, SHORT d, SHORT h, SHORT mi, SHORT s, SHORT ms)
{
    TIME_FIELDS f = {y, mo, d, h, mi, s, ms, 0};
    LARGE_INTEGER t = {.QuadPart = -1};
    assert_true(RtlTimeFieldsToTime(&f, &t));
    return t;
}

static void calendar(void **state)
{
    LARGE_INTEGER t;
    TIME_FIELDS f;
    assert_int_equal(time_of(1601, 1, 1, 0, 0, 0, 0).QuadPart, 0);
    assert_int_equal(time_of(1970, 1, 1, 0, 0, 0, 0).QuadPart, 116444736000000000ll);
    assert_int_equal(time_of(2000, 2, 29, 12, 34, 56, 789).QuadPart, 125963012967890000ll);
    t = time_of(2000, 2, 29, 12, 34, 56, 789);
    RtlTimeToTimeFields(&t, &f);
    assert_int_equal(f.Year, 2000);
    assert_int_equal(f.Month, 2);
    assert_int_equal(f.Day, 29);
    assert_int_equal(f.Hour, 12);
    assert_int_equal(f.Minute, 34);
    assert_int_equal(f.Second, 56);
    assert_int_equal(f.Milliseconds, 789);
    assert_int_equal(f.Weekday, 2); /* a Tuesday */
    t.QuadPart = 0;
    RtlTimeToTimeFields(&t, &f);
    assert_int_equal(f.Weekday, 1); /* 1601 began with a Monday */
}

static void calendar_rejects(void **state)
{
    LARGE_INTEGER t;
    TIME_FIELDS bad[] = {{1600, 1, 1, 0, 0, 0, 0, 0}, {2001, 2, 29, 0, 0, 0, 0, 0}, {2000, 13, 1, 0, 0, 0, 0, 0},
                         {2000, 0, 1, 0, 0, 0, 0, 0}, {2000, 1, 32, 0, 0, 0, 0, 0}, {2000, 1, 1, 24, 0, 0, 0, 0},
                         {2000, 1, 1, 0, 60, 0, 0, 0}, {2000, 1, 1, 0, 0, 0, 1000, 0}, {1900, 2, 29, 0, 0, 0, 0, 0}};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(RtlTimeFieldsToTime(&bad[i], &t));
}

/* Every day of eight centuries follows the one before it. */
static void calendar_has_no_holes(void **state)
{
    TIME_FIELDS before, f;
    LARGE_INTEGER t = {.QuadPart = 0};
    RtlTimeToTimeFields(&t, &before);
    for (LONGLONG day = 1; day < 146097 * 2; day++) {
        LARGE_INTEGER back;
        t.QuadPart = day * 864000000000ll;
        RtlTimeToTimeFields(&t, &f);
        assert_int_equal(f.Weekday, (before.Weekday + 1) % 7);
        if (f.Day != 1)
            assert_int_equal(f.Day, before.Day + 1);
        else
            assert_true(f.Month == before.Month + 1 || (f.Month == 1 && f.Year == before.Year + 1));
        assert_true(RtlTimeFieldsToTime(&f, &back));
        assert_int_equal(back.QuadPart, t.QuadPart);
        before = f;
    }
}

static void seconds(void **state)
{
    LARGE_INTEGER t;
    ULONG s;
    RtlSecondsSince1970ToTime(1000000000, &t);
    assert_int_equal(t.QuadPart, 126444736000000000ll);
    assert_true(RtlTimeToSecondsSince1970(&t, &s));
    assert_int_equal(s, 1000000000);
    RtlSecondsSince1980ToTime(0, &t);
    assert_int_equal(t.QuadPart, time_of(1980, 1, 1, 0, 0, 0, 0).QuadPart);
    assert_true(RtlTimeToSecondsSince1980(&t, &s));
    assert_int_equal(s, 0);
    t = time_of(1969, 12, 31, 23, 59, 59, 0);
    assert_false(RtlTimeToSecondsSince1970(&t, &s));
    t = time_of(2106, 2, 7, 6, 28, 15, 0);
    assert_true(RtlTimeToSecondsSince1970(&t, &s));
    assert_int_equal(s, 0xFFFFFFFF);
    t = time_of(2106, 2, 7, 6, 28, 16, 0);
    assert_false(RtlTimeToSecondsSince1970(&t, &s));
    TIME_FIELDS f;
    t.QuadPart = (2 * 86400ll + 3661) * 10000000 + 50000;
    RtlTimeToElapsedTimeFields(&t, &f);
    assert_int_equal(f.Day, 2);
    assert_int_equal(f.Hour, 1);
    assert_int_equal(f.Minute, 1);
    assert_int_equal(f.Second, 1);
    assert_int_equal(f.Milliseconds, 5);
}

static void arithmetic(void **state)
{
    ULONGLONG rest64;
    ULONG rest;
    assert_int_equal(RtlUshortByteSwap(0xFFFF1234), 0x3412);
    assert_int_equal(RtlUlongByteSwap(0x12345678), 0x78563412);
    assert_int_equal(RtlUlonglongByteSwap(0x0102030405060708ull), 0x0807060504030201ull);
    assert_int_equal(RtlLargeIntegerAdd(INT64_MAX, 1), INT64_MIN);
    assert_int_equal(RtlLargeIntegerSubtract(5, 7), -2);
    assert_int_equal(RtlLargeIntegerNegate(5), -5);
    assert_int_equal(RtlLargeIntegerShiftRight(-1, 60), 15);
    assert_int_equal(RtlLargeIntegerArithmeticShift(-16, 2), -4);
    assert_int_equal(RtlLargeIntegerShiftLeft(1, 40), 1ll << 40);
    assert_int_equal(RtlLargeIntegerDivide(100, 7, &rest64), 14);
    assert_int_equal(rest64, 2);
    assert_int_equal(RtlEnlargedIntegerMultiply(-2, 3), -6);
    assert_int_equal(RtlEnlargedUnsignedMultiply(0xFFFFFFFF, 2), 0x1FFFFFFFEll);
    assert_int_equal(RtlEnlargedUnsignedDivide(0x100000000ull, 3, &rest), 0x55555555);
    assert_int_equal(rest, 1);
    assert_int_equal(RtlExtendedIntegerMultiply(10000000000ll, -3), -30000000000ll);
    assert_int_equal(RtlExtendedLargeIntegerDivide(100, 7, NULL), 14);
    /* Divide by 10 000 000 with the constant that NT's own headers use for seconds. */
    assert_int_equal(RtlExtendedMagicDivide(123456789012345, (LONGLONG)0xD6BF94D5E57A42BDull, 23), 12345678);
    assert_int_equal(RtlExtendedMagicDivide(-123456789012345, (LONGLONG)0xD6BF94D5E57A42BDull, 23), -12345678);
    assert_int_equal(RtlConvertLongToLargeInteger(-1), -1);
    assert_int_equal(RtlConvertUlongToLargeInteger(0xFFFFFFFF), 0xFFFFFFFFll);
    if (setjmp(raise_target) == 0) {
        RtlLargeIntegerDivide(1, 0, NULL);
        fail();
    }
    assert_int_equal(raised, STATUS_INTEGER_DIVIDE_BY_ZERO);
}

static void checksums(void **state)
{
    assert_int_equal(RtlComputeCrc32(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(RtlComputeCrc32(RtlComputeCrc32(0, "1234", 4), "56789", 5), 0xCBF43926);
    assert_int_equal(RtlCrc32("123456789", 9, 0), 0xCBF43926);
    assert_int_equal(RtlCrc64("123456789", 9, 0), 0xAE8B14860A799888ull);
}

static void random_numbers(void **state)
{
    ULONG a = 1, b = 1;
    for (int i = 0; i < 100; i++) {
        ULONG x = RtlRandomEx(&a);
        assert_true(x < 0x7FFFFFFF);
        assert_int_equal(x, RtlRandomEx(&b));
    }
    assert_int_not_equal(RtlRandom(&a), RtlRandom(&a));
}

static void access(void **state)
{
    static const GENERIC_MAPPING mapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS};
    ACCESS_MASK mask = GENERIC_READ | GENERIC_WRITE;
    RtlMapGenericMask(&mask, &mapping);
    assert_int_equal(mask, 0x0012019F);
    mask = GENERIC_ALL | 0x80000000u;
    RtlMapGenericMask(&mask, &mapping);
    assert_int_equal(mask, 0x001F01FF);
    assert_true(RtlAreAllAccessesGranted(7, 5));
    assert_false(RtlAreAllAccessesGranted(5, 7));
    assert_true(RtlAreAnyAccessesGranted(5, 6));
    assert_false(RtlAreAnyAccessesGranted(5, 2));
    assert_int_equal(RtlNtStatusToDosErrorNoTeb(STATUS_ACCESS_DENIED), 5);
    assert_int_equal(RtlMapSecurityErrorToNtStatus(0x80090300), STATUS_NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calendar),   cmocka_unit_test(calendar_rejects), cmocka_unit_test(calendar_has_no_holes),
        cmocka_unit_test(seconds),    cmocka_unit_test(arithmetic),       cmocka_unit_test(checksums),
        cmocka_unit_test(random_numbers), cmocka_unit_test(access),
    };
    return cmocka_run_group_tests(tests, NULL, no_blocks_are_left);
}
