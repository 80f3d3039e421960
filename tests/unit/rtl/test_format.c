/* The formatter and the sprintf family: expected texts are those of the Microsoft run-time. */
#include <math.h>
#include <stdio.h>

#include "rtl/crt.h"
#include "rtl/format.h"
#include "support.h"

static char out[2048];

static uint64_t bits(double d)
{
    uint64_t u;
    memcpy(&u, &d, sizeof u);
    return u;
}

#define N(x) ((uint64_t)(int64_t)(x))
#define P(x) ((uint64_t)(x))

#define EXPECT(want, format, ...)                                                                                      \
    do {                                                                                                               \
        const uint64_t args[] = {P(out), P(format), __VA_ARGS__};                                                      \
        int n = nt_sprintf(args);                                                                                     \
        assert_string_equal(out, want);                                                                                \
        assert_int_equal(n, strlen(want));                                                                             \
    } while (0)

static void integers(void **state)
{
    EXPECT("42", "%d", N(42));
    EXPECT("-1", "%d", 0xFFFFFFFFull); /* the high half of an int argument is garbage on x64 */
    EXPECT("-7", "%i", 0x12345678FFFFFFF9ull);
    EXPECT("4294967295", "%u", N(-1));
    EXPECT("ffffffff", "%x", N(-1));
    EXPECT("DEADBEEF", "%X", 0xDEADBEEFull);
    EXPECT("377", "%o", N(255));
    EXPECT("ffffffffffffffff", "%I64x", N(-1));
    EXPECT("123456789012345", "%I64d", N(123456789012345));
    EXPECT("123456789012345", "%lld", N(123456789012345));
    EXPECT("-5", "%ld", N(-5));
    EXPECT("deadbeef", "%lx", 0x1DEADBEEFull); /* long has 32 bits */
    EXPECT("4294967295", "%I32u", N(-1));
    EXPECT("1deadbeef", "%Ix", 0x1DEADBEEFull);
    EXPECT("18446744073709551615", "%zu", N(-1));
    EXPECT("-1", "%hd", 0xFFFFull);
    EXPECT("65535", "%hu", N(-1));
    EXPECT("-128", "%hhd", 0x80ull);
    EXPECT("0", "%d", 0ull);
    EXPECT("-9223372036854775808", "%I64d", 0x8000000000000000ull);
    EXPECT("100%", "%d%%", N(100));
}

static void flags_width_precision(void **state)
{
    EXPECT("   42|", "%5d|", N(42));
    EXPECT("42   |", "%-5d|", N(42));
    EXPECT("00042|", "%05d|", N(42));
    EXPECT("-0042|", "%05d|", N(-42));
    EXPECT("+42", "%+d", N(42));
    EXPECT(" 42", "% d", N(42));
    EXPECT("0x2a", "%#x", N(42));
    EXPECT("0X2A", "%#X", N(42));
    EXPECT("0", "%#x", N(0));
    EXPECT("052", "%#o", N(42));
    EXPECT("0x0000002a", "%#010x", N(42));
    EXPECT("0x0000002A", "0x%08X", N(42));
    EXPECT("00042", "%.5d", N(42));
    EXPECT("   00042", "%08.5d", N(42)); /* a precision switches zero padding off */
    EXPECT("", "%.0d", N(0));
    EXPECT("   42|", "%*d|", N(5), N(42));
    EXPECT("42   |", "%*d|", N(-5), N(42));
    EXPECT("00042", "%.*d", N(5), N(42));
    EXPECT("42", "%.*d", N(-5), N(42));
    EXPECT("1 2 3", "%d %d %d", N(1), N(2), N(3));
}

static void pointers(void **state)
{
    EXPECT("000020010000ABCD", "%p", 0x20010000ABCDull);
    EXPECT("0000000000000000", "%p", 0ull);
    EXPECT("0xFFFFF78000000014", "0x%p", 0xFFFFF78000000014ull);
    EXPECT("  0000000000000001|", "%18p|", 1ull);
}

static void strings(void **state)
{
    UNICODE_STRING u = US(u"unicode tail");
    ANSI_STRING a = AS("ansi tail");
    UNICODE_STRING empty = {0};
    u.Length = 14;
    a.Length = 4;
    EXPECT("abc", "%s", P("abc"));
    EXPECT("  abc|", "%5s|", P("abc"));
    EXPECT("abc  |", "%-5s|", P("abc"));
    EXPECT("ab", "%.2s", P("abc"));
    EXPECT("(null)", "%s", 0ull);
    EXPECT("wide", "%S", P(u"wide"));
    EXPECT("wide", "%ws", P(u"wide"));
    EXPECT("wide", "%ls", P(u"wide"));
    EXPECT("narrow", "%hs", P("narrow"));
    EXPECT("narrow", "%hS", P("narrow"));
    EXPECT("unicode", "%wZ", P(&u));
    EXPECT("[uni]", "[%.3wZ]", P(&u));
    EXPECT("[   unicode]", "[%10wZ]", P(&u));
    EXPECT("ansi", "%Z", P(&a));
    EXPECT("ansi", "%hZ", P(&a));
    EXPECT("(null)", "%wZ", 0ull);
    EXPECT("(null)", "%wZ", P(&empty));
    EXPECT("x", "%c", N('x'));
    EXPECT("x", "%C", N(u'x'));
    EXPECT("x", "%wc", N(u'x'));
    EXPECT("  x|", "%3c|", N('x'));
    EXPECT("\xE9", "%ws", P(u"\u00e9")); /* ANSI is code page 1252 */
    EXPECT("\x80?", "%ws", P(u"\u20ac\u4e2d"));
    EXPECT("000ab", "%05s", P("ab"));
}

static void unterminated_string_with_precision(void **state)
{
    static const char letters[3] = {'a', 'b', 'c'};
    EXPECT("abc", "%.3s", P(letters));
}

static void odd_formats(void **state)
{
    EXPECT("y", "%y", 0ull);
    EXPECT("end", "end%", 0ull);
    int stored = -1;
    EXPECT("ab5", "a%nb%d", P(&stored), N(5)); /* %n stores nothing */
    assert_int_equal(stored, -1);
}

static void floats(void **state)
{
    EXPECT("3.140000", "%f", bits(3.14));
    EXPECT("3.14", "%.2f", bits(3.14159));
    EXPECT("-0.50", "%.2f", bits(-0.5));
    EXPECT("   1.5|", "%6.1f|", bits(1.5));
    EXPECT("0001.5|", "%06.1f|", bits(1.5));
    EXPECT("1", "%.0f", bits(1.0));
    EXPECT("1.", "%#.0f", bits(1.0));
    EXPECT("1", "%.0f", bits(0.5)); /* halves go up */
    EXPECT("0.13", "%.2f", bits(0.125));
    EXPECT("100.00", "%.2f", bits(99.999));
    EXPECT("0.000000", "%f", bits(0.0));
    EXPECT("0.10000000000000001000", "%.20f", bits(0.1)); /* seventeen digits, then zeros */
    EXPECT("1.500000e+000", "%e", bits(1.5));
    EXPECT("1.235E-005", "%.3E", bits(0.000012345678));
    EXPECT("1.000000e+300", "%e", bits(1e300));
    EXPECT("0.000000e+000", "%e", bits(0.0));
    EXPECT("1.5", "%g", bits(1.5));
    EXPECT("100000", "%g", bits(100000.0));
    EXPECT("1e+006", "%g", bits(1000000.0));
    EXPECT("0.0001", "%g", bits(0.0001));
    EXPECT("1e-005", "%g", bits(0.00001));
    EXPECT("0.3333333333", "%.10g", bits(1.0 / 3));
    EXPECT("1.00000", "%#g", bits(1.0));
    EXPECT("0", "%g", bits(0.0));
    EXPECT("1.#INF00", "%f", bits(INFINITY));
    EXPECT("-1.#INF00", "%f", bits(-INFINITY));
    EXPECT("-1.#IND00", "%f", 0xFFF8000000000000ull);
    EXPECT("1.#QNAN0", "%f", 0x7FF8000000000000ull);
    EXPECT("0x1.8000000000000p+0", "%a", bits(1.5));
    EXPECT("0x1.8p-1", "%.1a", bits(0.75));
    EXPECT("3.5 7", "%.1f %d", bits(3.5), N(7));
}

/* Many values against libc: the same wherever seventeen digits are enough and the rest is no exact half. */
static void floats_agree_with_libc(void **state)
{
    uint64_t seed = 12345;
    for (int i = 0; i < 20000; i++) {
        char want[512];
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        double value = (double)(int64_t)(seed >> 24) * (i % 7 ? 0.71234567890123e-6 : 0.61234567890123e-3);
        const uint64_t args[] = {P(out), P("%.6f %.5f %10.3f"), bits(value), bits(value), bits(-value)};
        snprintf(want, sizeof want, "%.6f %.5f %10.3f", value, value, -value);
        if (value < 1e6) {
            nt_sprintf(args);
            assert_string_equal(out, want);
        }
    }
}

static void wide_output(void **state)
{
    WCHAR wide[64];
    UNICODE_STRING u = US(u"counted");
    const uint64_t args[] = {P(wide), P(u"%s|%S|%hs|%ws|%d|%c|%wZ|%C"), P(u"wide"), P("narrow"), P("short"), P(u"w"), N(-3),
                             N(u'\u4e2d'), P(&u), N('n')};
    int n = nt_swprintf(args);
    assert_wide_equal(wide, u"wide|narrow|short|w|-3|\u4e2d|counted|n");
    assert_int_equal(n, 34);
}

static void snprintf_that_does_not_fit(void **state)
{
    char buffer[6];
    memset(buffer, '#', sizeof buffer);
    const uint64_t fits[] = {P(buffer), 6, P("%s"), P("12345")};
    assert_int_equal(nt__snprintf(fits), 5);
    assert_string_equal(buffer, "12345");

    memset(buffer, '#', sizeof buffer);
    const uint64_t exact[] = {P(buffer), 5, P("%s"), P("12345")};
    assert_int_equal(nt__snprintf(exact), 5);
    assert_memory_equal(buffer, "12345#", 6); /* no terminator */

    memset(buffer, '#', sizeof buffer);
    const uint64_t cut[] = {P(buffer), 3, P("%s"), P("12345")};
    assert_int_equal(nt__snprintf(cut), -1);
    assert_memory_equal(buffer, "123###", 6);

    const uint64_t count_only[] = {0, 0, P("%d"), N(1234)};
    assert_int_equal(nt__snprintf(count_only), 4);
}

static void secure_printf(void **state)
{
    char buffer[6] = "old";
    const uint64_t fits[] = {P(buffer), 6, P("%d"), N(12345)};
    assert_int_equal(nt_sprintf_s(fits), 5);
    assert_string_equal(buffer, "12345");

    const uint64_t too_long[] = {P(buffer), 5, P("%d"), N(12345)};
    assert_int_equal(nt_sprintf_s(too_long), -1);
    assert_string_equal(buffer, "");

    const uint64_t truncate[] = {P(buffer), 4, N(-1), P("%d"), N(12345)};
    assert_int_equal(nt__snprintf_s(truncate), -1);
    assert_string_equal(buffer, "123");

    const uint64_t count[] = {P(buffer), 6, 2, P("%d"), N(12345)};
    assert_int_equal(nt__snprintf_s(count), -1);
    assert_string_equal(buffer, "12");

    const uint64_t no_room[] = {P(buffer), 3, 4, P("%d"), N(12345)};
    assert_int_equal(nt__snprintf_s(no_room), -1);
    assert_string_equal(buffer, "");

    WCHAR wide[6];
    const uint64_t wide_fits[] = {P(wide), 6, P(u"%s"), P(u"abcde")};
    assert_int_equal(nt_swprintf_s(wide_fits), 5);
    assert_wide_equal(wide, u"abcde");
    const uint64_t wide_cut[] = {P(wide), 6, 5, P(u"%s"), P(u"abcdefgh")};
    assert_int_equal(nt__snwprintf_s(wide_cut), -1);
    assert_wide_equal(wide, u"abcde");
}

static void v_functions_and_counting(void **state)
{
    const uint64_t args[] = {N(7), P("x")};
    WCHAR wide[16];
    char narrow[16];
    assert_int_equal(nt_vsprintf(narrow, "%d-%s", args), 3);
    assert_string_equal(narrow, "7-x");
    assert_int_equal(nt__vsnprintf(narrow, sizeof narrow, "%d", args), 1);
    assert_int_equal(nt__vsnwprintf(wide, 16, u"%d", args), 1);
    assert_int_equal(nt__vswprintf(wide, u"%d%S", args), 2);
    assert_wide_equal(wide, u"7x");
    assert_int_equal(nt__vscprintf("%d-%s!", args), 4);
    assert_int_equal(nt__vscwprintf(u"%d-%S!", args), 4);
    assert_int_equal(nt_vsprintf_s(narrow, sizeof narrow, "%d", args), 1);
    assert_int_equal(nt_vswprintf_s(wide, 16, u"%d", args), 1);
    assert_int_equal(nt_vsprintf_s(NULL, 0, "%d", args), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(flags_width_precision),
        cmocka_unit_test(pointers),
        cmocka_unit_test(strings),
        cmocka_unit_test(unterminated_string_with_precision),
        cmocka_unit_test(odd_formats),
        cmocka_unit_test(floats),
        cmocka_unit_test(floats_agree_with_libc),
        cmocka_unit_test(wide_output),
        cmocka_unit_test(snprintf_that_does_not_fit),
        cmocka_unit_test(secure_printf),
        cmocka_unit_test(v_functions_and_counting),
    };
    return cmocka_run_group_tests(tests, NULL, no_blocks_are_left);
}
