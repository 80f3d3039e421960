/* mem*, str*, wcs*, numbers, characters, sorting. */
#include "rtl/crt.h"
#include "rtl/memory.h"
#include "rtl/pool_hooks.h"
#include "support.h"

static void memory_moves(void **state)
{
    char b[16] = "0123456789";
    assert_ptr_equal(nt_memmove(b + 2, b, 8), b + 2);
    assert_string_equal(b, "0101234567");
    nt_memmove(b, b + 2, 8);
    assert_string_equal(b, "0123456767");
    nt_memcpy(b, "abc", 3);
    assert_string_equal(b, "abc3456767");
    nt_memset(b, 'z', 4);
    assert_string_equal(b, "zzzz456767");
    assert_ptr_equal(nt_memchr(b, '5', 10), b + 5);
    assert_null(nt_memchr(b, '5', 5));
    assert_ptr_equal(nt__memccpy(b, "ab:cd", ':', 5), b + 3);
    assert_memory_equal(b, "ab:z", 4);
    assert_null(nt__memccpy(b, "xy", ':', 2));
    nt_memmove(b, b, 0);
    assert_true(nt_memcmp("abc", "abd", 3) < 0);
    assert_true(nt_memcmp("ab\xff", "abd", 3) > 0);
    assert_int_equal(nt_memcmp("abc", "abd", 2), 0);
    assert_int_equal(nt__memicmp("aBc", "AbC", 3), 0);
    assert_true(nt__memicmp("aBc", "AbD", 3) < 0);
}

static void memory_secure(void **state)
{
    char b[4] = "xxx";
    assert_int_equal(nt_memcpy_s(b, 4, "abc", 4), 0);
    assert_string_equal(b, "abc");
    assert_int_equal(nt_memcpy_s(b, 2, "abc", 3), CRT_ERANGE);
    assert_memory_equal(b, "\0\0c", 3);
    assert_int_equal(nt_memcpy_s(NULL, 2, "abc", 3), CRT_EINVAL);
    assert_int_equal(nt_memmove_s(b, 4, b + 1, 3), 0);
    assert_int_equal(nt_memmove_s(b, 1, "abc", 3), CRT_ERANGE);
}

static void rtl_memory(void **state)
{
    ULONG words[4] = {7, 7, 7, 8};
    UCHAR bytes[8];
    assert_int_equal(RtlCompareMemory("abcd", "abxd", 4), 2);
    assert_int_equal(RtlCompareMemory("abcd", "abcd", 4), 4);
    assert_int_equal(RtlCompareMemoryUlong(words, 16, 7), 12);
    assert_int_equal(RtlCompareMemoryUlong(words, 7, 7), 4);
    RtlFillMemory(bytes, 8, 0x1FF);
    assert_int_equal(bytes[7], 0xFF);
    RtlZeroMemory(bytes, 4);
    assert_int_equal(bytes[3], 0);
    assert_int_equal(bytes[4], 0xFF);
    RtlFillMemoryUlong(words, 12, 0x01020304);
    assert_int_equal(words[2], 0x01020304);
    assert_int_equal(words[3], 8);
    RtlFillMemoryUlonglong(words, 16, 0x1122334455667788ull);
    assert_int_equal(words[3], 0x11223344);
    assert_true(RtlEqualMemory("ab", "ab", 2));
    assert_false(RtlEqualMemory("ab", "ac", 2));
    assert_true(RtlIsZeroMemory("\0\0", 2));
    assert_false(RtlIsZeroMemory("\0\1", 2));
}

static void narrow_strings(void **state)
{
    CHAR b[32];
    assert_int_equal(nt_strlen("abc"), 3);
    assert_int_equal(nt_strnlen("abc", 2), 2);
    assert_ptr_equal(nt_strcpy(b, "abc"), b);
    assert_ptr_equal(nt_strcat(b, "def"), b);
    assert_string_equal(b, "abcdef");
    nt_strncpy(b, "xy", 5);
    assert_memory_equal(b, "xy\0\0\0f", 6);
    nt_strncpy(b, "12345", 3);
    assert_memory_equal(b, "123\0\0f", 6);
    nt_strcpy(b, "ab");
    nt_strncat(b, "cdef", 2);
    assert_string_equal(b, "abcd");
    assert_true(nt_strcmp("a", "b") < 0);
    assert_true(nt_strcmp("\xff", "b") > 0);
    assert_int_equal(nt_strcmp("a", "a"), 0);
    assert_int_equal(nt_strncmp("abc", "abd", 2), 0);
    assert_int_equal(nt__stricmp("HeLLo", "hEllO"), 0);
    assert_true(nt__stricmp("a", "B") < 0);
    assert_int_equal(nt__strnicmp("HELLOx", "helloy", 5), 0);
    assert_string_equal(nt_strchr("a.b.c", '.'), ".b.c");
    assert_string_equal(nt_strrchr("a.b.c", '.'), ".c");
    assert_null(nt_strchr("abc", 'x'));
    assert_string_equal(nt_strchr("abc", 0), "");
    assert_string_equal(nt_strstr("hello world", "o w"), "o world");
    assert_string_equal(nt_strstr("abc", ""), "abc");
    assert_null(nt_strstr("abc", "abcd"));
    assert_int_equal(nt_strspn("112a", "12"), 3);
    assert_int_equal(nt_strcspn("abc;d", ";,"), 3);
    assert_string_equal(nt_strpbrk("abc;d", ",;"), ";d");
    assert_null(nt_strpbrk("abc", ","));
}

static void narrow_strings_in_place(void **state)
{
    CHAR b[32] = "MiXed";
    assert_string_equal(nt__strlwr(b), "mixed");
    assert_string_equal(nt__strupr(b), "MIXED");
    assert_string_equal(nt__strrev(b), "DEXIM");
    assert_string_equal(nt__strnset(b, '-', 2), "--XIM");
    assert_string_equal(nt__strset(b, '*'), "*****");
    CHAR text[] = ",a,,b";
    CHAR *context;
    assert_string_equal(nt_strtok_s(text, ",", &context), "a");
    assert_string_equal(nt_strtok_s(NULL, ",", &context), "b");
    assert_null(nt_strtok_s(NULL, ",", &context));
    assert_null(nt_strtok_s(NULL, ",", &context));
}

static void secure_strings(void **state)
{
    CHAR b[8] = "old";
    assert_int_equal(nt_strcpy_s(b, 8, "1234567"), 0);
    assert_string_equal(b, "1234567");
    assert_int_equal(nt_strcpy_s(b, 4, "1234"), CRT_ERANGE);
    assert_string_equal(b, "");
    assert_int_equal(nt_strcpy_s(NULL, 4, "1"), CRT_EINVAL);
    assert_int_equal(nt_strcpy_s(b, 8, NULL), CRT_EINVAL);
    assert_int_equal(nt_strcpy_s(b, 8, "abc"), 0);
    assert_int_equal(nt_strcat_s(b, 8, "defg"), 0);
    assert_string_equal(b, "abcdefg");
    assert_int_equal(nt_strcat_s(b, 8, "h"), CRT_ERANGE);
    assert_string_equal(b, "");
    assert_int_equal(nt_strncpy_s(b, 8, "abcdef", 3), 0);
    assert_string_equal(b, "abc");
    assert_int_equal(nt_strncpy_s(b, 4, "abcdef", CRT_TRUNCATE), CRT_STRUNCATE);
    assert_string_equal(b, "abc");
    assert_int_equal(nt_strncpy_s(b, 3, "abcdef", 3), CRT_ERANGE);
    assert_int_equal(nt_strncpy_s(NULL, 0, "a", 0), 0);
    nt_strcpy(b, "ab");
    assert_int_equal(nt_strncat_s(b, 5, "cdef", CRT_TRUNCATE), CRT_STRUNCATE);
    assert_string_equal(b, "abcd");
    assert_int_equal(nt_strncat_s(b, 8, "efgh", 1), 0);
    assert_string_equal(b, "abcde");
    b[0] = b[1] = 'x';
    assert_int_equal(nt_strcat_s(b, 2, "a"), CRT_EINVAL); /* not terminated within its size */
    nt_strcpy(b, "ABC");
    assert_int_equal(nt__strlwr_s(b, 8), 0);
    assert_string_equal(b, "abc");
    assert_int_equal(nt__strset_s(b, 8, 'x'), 0);
    assert_string_equal(b, "xxx");
    assert_int_equal(nt__strnset_s(b, 3, 'x', 1), CRT_EINVAL);
}

static void wide_strings(void **state)
{
    WCHAR b[32];
    assert_int_equal(nt_wcslen(u"abc"), 3);
    nt_wcscpy(b, u"abc");
    nt_wcscat(b, u"def");
    assert_wide_equal(b, u"abcdef");
    nt_wcsncpy(b, u"xy", 4);
    assert_memory_equal(b, u"xy\0\0ef", 14);
    assert_true(nt_wcscmp(u"a", u"\u4e2d") < 0);
    assert_int_equal(nt_wcsncmp(u"abc", u"abd", 2), 0);
    assert_int_equal(nt__wcsicmp(u"HeLLo", u"hEllO"), 0);
    assert_int_equal(nt__wcsnicmp(u"HELLOx", u"helloy", 5), 0);
    assert_wide_equal(nt_wcschr(u"a.b.c", '.'), u".b.c");
    assert_wide_equal(nt_wcsrchr(u"a\\b\\c", '\\'), u"\\c");
    assert_wide_equal(nt_wcsstr(u"\\Device\\Name", u"\\Name"), u"\\Name");
    assert_int_equal(nt_wcsspn(u"112a", u"12"), 3);
    assert_int_equal(nt_wcscspn(u"ab;", u";"), 2);
    assert_int_equal(nt_wcscpy_s(b, 4, u"1234"), CRT_ERANGE);
    assert_int_equal(nt_wcscpy_s(b, 5, u"1234"), 0);
    assert_int_equal(nt_wcscat_s(b, 6, u"5"), 0);
    assert_wide_equal(b, u"12345");
    assert_int_equal(nt_wcsncpy_s(b, 4, u"abcdef", CRT_TRUNCATE), CRT_STRUNCATE);
    assert_wide_equal(b, u"abc");
    assert_wide_equal(nt__wcsupr(b), u"ABC");
    assert_wide_equal(nt__wcslwr(b), u"abc");
    assert_wide_equal(nt__wcsrev(b), u"cba");
}

static void text_to_numbers(void **state)
{
    CHAR *end;
    WCHAR *wend;
    assert_int_equal(nt_atoi("  -12x"), -12);
    assert_int_equal(nt_atoi("+7"), 7);
    assert_int_equal(nt_atoi("x"), 0);
    assert_int_equal(nt_atol("2147483647"), 2147483647);
    assert_int_equal(nt_atoi64("-9000000000"), -9000000000ll);
    assert_int_equal(nt_strtol("0x1Fz", &end, 16), 31);
    assert_string_equal(end, "z");
    assert_int_equal(nt_strtol("0x1F", &end, 0), 31);
    assert_int_equal(nt_strtol("017", NULL, 0), 15);
    assert_int_equal(nt_strtol("zz", NULL, 36), 35 * 36 + 35);
    assert_int_equal(nt_strtol("0xg", &end, 16), 0);
    assert_string_equal(end, "xg");
    assert_int_equal(nt_strtol("99999999999", &end, 10), INT32_MAX);
    assert_int_equal(nt_strtol("-99999999999", &end, 10), INT32_MIN);
    assert_int_equal(nt_strtol("-2147483648", &end, 10), INT32_MIN);
    assert_int_equal(nt_strtoul("4294967295", NULL, 10), UINT32_MAX);
    assert_int_equal(nt_strtoul("99999999999", NULL, 10), UINT32_MAX);
    assert_int_equal(nt_strtoul("-1", NULL, 10), UINT32_MAX);
    CHAR junk[] = "junk";
    assert_int_equal(nt_strtol(junk, &end, 10), 0);
    assert_ptr_equal(end, junk);
    assert_int_equal(nt__strtoi64("-9223372036854775808", NULL, 10), INT64_MIN);
    assert_int_equal(nt__strtoi64("99999999999999999999", NULL, 10), INT64_MAX);
    assert_int_equal(nt__strtoui64("0xFFFFFFFFFFFFFFFF", NULL, 0), UINT64_MAX);
    assert_int_equal(nt__strtoui64("18446744073709551616", NULL, 10), UINT64_MAX);
    assert_int_equal(nt__wtoi(u" 42"), 42);
    assert_int_equal(nt__wtol(u"-42"), -42);
    assert_int_equal(nt_wcstoul(u"ff!", &wend, 16), 255);
    assert_wide_equal(wend, u"!");
    assert_int_equal(nt_wcstol(u"-8", NULL, 10), -8);
}

static void numbers_to_text(void **state)
{
    CHAR b[80];
    WCHAR w[80];
    assert_string_equal(nt__itoa(-42, b, 10), "-42");
    assert_string_equal(nt__itoa(-1, b, 16), "ffffffff");
    assert_string_equal(nt__itoa(INT32_MIN, b, 10), "-2147483648");
    assert_string_equal(nt__ltoa(5, b, 2), "101");
    assert_string_equal(nt__ultoa(4000000000u, b, 10), "4000000000");
    assert_string_equal(nt__i64toa(INT64_MIN, b, 10), "-9223372036854775808");
    assert_string_equal(nt__ui64toa(UINT64_MAX, b, 2), "1111111111111111111111111111111111111111111111111111111111111111");
    assert_string_equal(nt__itoa(35, b, 36), "z");
    assert_wide_equal(nt__itow(-7, w, 10), u"-7");
    assert_wide_equal(nt__ultow(255, w, 16), u"ff");
    assert_int_equal(nt__itoa_s(123, b, 4, 10), 0);
    assert_string_equal(b, "123");
    assert_int_equal(nt__itoa_s(1234, b, 4, 10), CRT_ERANGE);
    assert_string_equal(b, "");
    assert_int_equal(nt__itoa_s(1, b, 4, 37), CRT_EINVAL);
    assert_int_equal(nt__ui64tow_s(255, w, 80, 16), 0);
    assert_wide_equal(w, u"ff");
}

static void characters(void **state)
{
    assert_true(nt_isdigit('5') && !nt_isdigit('a') && nt_isxdigit('F') && !nt_isxdigit('g'));
    assert_true(nt_isalpha('z') && nt_isupper('Z') && !nt_islower('Z') && nt_isalnum('0'));
    assert_true(nt_isspace('\t') && nt_isspace(' ') && !nt_isspace('x'));
    assert_true(nt_isprint(' ') && !nt_isgraph(' ') && nt_ispunct('!') && nt_iscntrl(0x7F) && !nt_isprint(0x7F));
    assert_int_equal(nt_tolower('A'), 'a');
    assert_int_equal(nt_toupper('a'), 'A');
    assert_int_equal(nt_toupper(0xE9), 0xE9);
    assert_int_equal(nt_towupper(u'\u00e9'), u'\u00c9');
    assert_int_equal(nt_towlower(u'\u0410'), u'\u0430');
    assert_true(nt_iswalpha(u'\u0430') && !nt_iswalpha(u'1') && nt_iswdigit('1') && nt_iswspace(' '));
    assert_true(nt_iswctype('a', 0x100) && nt_iswctype('7', 4) && !nt_iswctype('7', 0x100));
    assert_int_equal(nt_abs(-3), 3);
}

static void multibyte(void **state)
{
    WCHAR w[8];
    CHAR b[8];
    assert_int_equal(nt_mbstowcs(w, "ab\x80", 8), 3);
    assert_wide_equal(w, u"ab\u20ac");
    assert_int_equal(nt_mbstowcs(NULL, "abc", 0), 3);
    assert_int_equal(nt_wcstombs(b, u"ab\u20ac", 8), 3);
    assert_string_equal(b, "ab\x80");
    assert_int_equal(nt_wcstombs(b, u"abcd", 2), 2);
    assert_int_equal(nt_mbtowc(w, "x", 1), 1);
    assert_int_equal(nt_wctomb(b, u'\u4e2d'), -1);
    assert_int_equal(nt_wctomb(b, u'x'), 1);
}

static uint64_t compare_ints(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    int x = *(const int *)a;
    int y = *(const int *)b;
    return (uint64_t)(x < y ? -1 : x > y);
}

static void sorting(void **state)
{
    int v[100];
    unsigned seed = 1;
    for (int i = 0; i < 100; i++)
        v[i] = (int)((seed = seed * 1103515245 + 12345) >> 16 & 63);
    nt_qsort(v, 100, sizeof v[0], (void *)compare_ints);
    for (int i = 1; i < 100; i++)
        assert_true(v[i - 1] <= v[i]);
    int sorted[] = {1, 3, 5, 7};
    int key = 5;
    assert_ptr_equal(nt_bsearch(&key, sorted, 4, sizeof key, (void *)compare_ints), sorted + 2);
    for (key = 0; key < 9; key += 2)
        assert_null(nt_bsearch(&key, sorted, 4, sizeof key, (void *)compare_ints));
    nt_qsort(v, 0, sizeof v[0], (void *)compare_ints);
}

/* The sequence that srand(1) has always given. */
static void random_numbers(void **state)
{
    nt_srand(1);
    assert_int_equal(nt_rand(), 41);
    assert_int_equal(nt_rand(), 18467);
    assert_int_equal(nt_rand(), 6334);
    assert_int_equal(nt_rand(), 26500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_moves),    cmocka_unit_test(memory_secure),
        cmocka_unit_test(rtl_memory),      cmocka_unit_test(narrow_strings),
        cmocka_unit_test(narrow_strings_in_place), cmocka_unit_test(secure_strings),
        cmocka_unit_test(wide_strings),    cmocka_unit_test(text_to_numbers),
        cmocka_unit_test(numbers_to_text), cmocka_unit_test(characters),
        cmocka_unit_test(multibyte),       cmocka_unit_test(sorting),
        cmocka_unit_test(random_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, no_blocks_are_left);
}
