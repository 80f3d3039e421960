/* Code pages and UTF-8; counted strings between them; names against expressions. */
#include "rtl/nls.h"
#include "rtl/pool_hooks.h"
#include "rtl/string.h"
#include "support.h"

static void n_functions(void **state)
{
    WCHAR w[8];
    CHAR b[8];
    ULONG n;
    assert_int_equal(RtlMultiByteToUnicodeN(w, sizeof w, &n, "a\x80\xE9", 3), STATUS_SUCCESS);
    assert_int_equal(n, 6);
    assert_memory_equal(w, u"a\u20ac\u00e9", 6);
    assert_int_equal(RtlOemToUnicodeN(w, sizeof w, &n, "a\x81", 2), STATUS_SUCCESS);
    assert_memory_equal(w, u"a\u00fc", 4);
    assert_int_equal(RtlUnicodeToMultiByteN(b, sizeof b, &n, u"a\u20ac\u4e2d", 6), STATUS_SUCCESS);
    assert_memory_equal(b, "a\x80?", 3);
    assert_int_equal(RtlUnicodeToOemN(b, sizeof b, NULL, u"\u00fc\u20ac", 4), STATUS_SUCCESS);
    assert_memory_equal(b, "\x81?", 2);
    assert_int_equal(RtlUpcaseUnicodeToMultiByteN(b, sizeof b, &n, u"ab\u00e9", 6), STATUS_SUCCESS);
    assert_memory_equal(b, "AB\xC9", 3);
    assert_int_equal(RtlUpcaseUnicodeToOemN(b, sizeof b, &n, u"\u00fc", 2), STATUS_SUCCESS);
    assert_memory_equal(b, "\x9A", 1);
    assert_int_equal(RtlMultiByteToUnicodeN(w, 5, &n, "abcdef", 6), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(n, 4);
    assert_int_equal(RtlMultiByteToUnicodeSize(&n, "abc", 3), STATUS_SUCCESS);
    assert_int_equal(n, 6);
    assert_int_equal(RtlUnicodeToMultiByteSize(&n, u"abc", 6), STATUS_SUCCESS);
    assert_int_equal(n, 3);
}

static void code_pages_round_trip(void **state)
{
    USHORT ansi, oem;
    UCHAR *p = (UCHAR *)"\x80q";
    for (int c = 0; c < 256; c++) {
        assert_int_equal(rtl_wide_to_ansi(rtl_ansi_to_wide((UCHAR)c)), c);
        assert_int_equal(rtl_wide_to_oem(rtl_oem_to_wide((UCHAR)c)), c);
    }
    RtlGetDefaultCodePage(&ansi, &oem);
    assert_int_equal(ansi, 1252);
    assert_int_equal(oem, 437);
    assert_int_equal(RtlAnsiCharToUnicodeChar(&p), 0x20AC);
    assert_int_equal(*p, 'q');
    WCHAR good = u'\u00fc', bad = u'\u4e2d';
    assert_true(RtlIsValidOemCharacter(&good));
    assert_int_equal(good, u'\u00dc');
    assert_false(RtlIsValidOemCharacter(&bad));
}

static void utf8(void **state)
{
    static const struct {
        const char *utf8;
        const WCHAR *wide;
        NTSTATUS status;
    } cases[] = {
        {"abc", u"abc", STATUS_SUCCESS},
        {"\xC3\xA9\xE4\xB8\xAD", u"\u00e9\u4e2d", STATUS_SUCCESS},
        {"\xF0\x9F\x98\x80", u"\xD83D\xDE00", STATUS_SUCCESS},
        {"a\xFFz", u"a\uFFFDz", STATUS_SOME_NOT_MAPPED},
        {"\xC0\x80", u"\uFFFD\uFFFD", STATUS_SOME_NOT_MAPPED},
        {"\xE4\xB8z", u"\uFFFDz", STATUS_SOME_NOT_MAPPED},
        {"\xED\xA0\x80", u"\uFFFD\uFFFD\uFFFD", STATUS_SOME_NOT_MAPPED}, /* a surrogate */
        {"\xF4\x90\x80\x80", u"\uFFFD\uFFFD\uFFFD\uFFFD", STATUS_SOME_NOT_MAPPED},
    };
    WCHAR w[16];
    CHAR b[16];
    ULONG n;
    for (size_t i = 0; i < COUNT(cases); i++) {
        ULONG bytes = (ULONG)strlen(cases[i].utf8);
        memset(w, 0, sizeof w);
        assert_int_equal(RtlUTF8ToUnicodeN(w, sizeof w, &n, cases[i].utf8, bytes), cases[i].status);
        assert_wide_equal(w, cases[i].wide);
        if (cases[i].status != STATUS_SUCCESS)
            continue;
        ULONG m;
        assert_int_equal(RtlUnicodeToUTF8N(b, sizeof b, &m, w, n), STATUS_SUCCESS);
        assert_int_equal(m, bytes);
        assert_memory_equal(b, cases[i].utf8, bytes);
    }
    assert_int_equal(RtlUnicodeToUTF8N(b, sizeof b, &n, (const WCHAR[]){0xD800, 'x'}, 4), STATUS_SOME_NOT_MAPPED);
    assert_memory_equal(b, "\xEF\xBF\xBDx", 4);
    assert_int_equal(RtlUnicodeToUTF8N(NULL, 0, &n, u"\u4e2d\u00e9", 4), STATUS_SUCCESS);
    assert_int_equal(n, 5);
    assert_int_equal(RtlUnicodeToUTF8N(b, 4, &n, u"\u4e2d\u00e9", 4), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(n, 3);
    assert_int_equal(RtlUTF8ToUnicodeN(w, 2, &n, "ab", 2), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(RtlUTF8ToUnicodeN(w, 2, &n, NULL, 2), STATUS_INVALID_PARAMETER_4);
}

static void counted_to_unicode(void **state)
{
    ANSI_STRING a = AS("caf\xE9");
    UNICODE_STRING u;
    WCHAR buffer[5];
    assert_int_equal(RtlxAnsiStringToUnicodeSize(&a), 10);
    assert_int_equal(RtlAnsiStringToUnicodeString(&u, &a, TRUE), STATUS_SUCCESS);
    assert_unicode_equal(&u, u"caf\u00e9");
    assert_int_equal(u.MaximumLength, 10);
    assert_int_equal(u.Buffer[4], 0);
    RtlFreeUnicodeString(&u);
    u = (UNICODE_STRING){0, sizeof buffer - 2, buffer};
    assert_int_equal(RtlAnsiStringToUnicodeString(&u, &a, FALSE), STATUS_BUFFER_OVERFLOW);
    u.MaximumLength = sizeof buffer;
    assert_int_equal(RtlAnsiStringToUnicodeString(&u, &a, FALSE), STATUS_SUCCESS);
    assert_int_equal(RtlOemStringToCountedUnicodeString(&u, &a, FALSE), STATUS_SUCCESS);
    ANSI_STRING utf8 = AS("\xC3\xA9x");
    assert_int_equal(RtlUTF8StringToUnicodeString(&u, &utf8, TRUE), STATUS_SUCCESS);
    assert_unicode_equal(&u, u"\u00e9x");
    RtlFreeUnicodeString(&u);
    fail_next_allocation = 1;
    assert_int_equal(RtlAnsiStringToUnicodeString(&u, &a, TRUE), STATUS_NO_MEMORY);
    static CHAR many[40000];
    ANSI_STRING too_long = {40000, 40000, many};
    assert_int_equal(RtlAnsiStringToUnicodeString(&u, &too_long, TRUE), STATUS_INVALID_PARAMETER_2);
    assert_true(RtlCreateUnicodeStringFromAsciiz(&u, "text"));
    assert_unicode_equal(&u, u"text");
    RtlFreeUnicodeString(&u);
    assert_int_equal(ntdll_RtlAnsiStringToUnicodeString(&u, &a, TRUE), STATUS_SUCCESS);
    ntdll_RtlFreeUnicodeString(&u);
}

static void counted_from_unicode(void **state)
{
    UNICODE_STRING u = US(u"caf\u00e9");
    ANSI_STRING a;
    CHAR buffer[8] = "#######";
    assert_int_equal(RtlxUnicodeStringToAnsiSize(&u), 5);
    assert_int_equal(RtlUnicodeStringToAnsiString(&a, &u, TRUE), STATUS_SUCCESS);
    assert_string_equal(a.Buffer, "caf\xE9");
    assert_int_equal(a.Length, 4);
    assert_int_equal(a.MaximumLength, 5);
    RtlFreeAnsiString(&a);
    a = (ANSI_STRING){0, 3, buffer};
    assert_int_equal(RtlUnicodeStringToAnsiString(&a, &u, FALSE), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(a.Length, 2);
    assert_memory_equal(buffer, "ca\0####", 7);
    assert_int_equal(RtlUpcaseUnicodeStringToOemString(&a, &u, TRUE), STATUS_SUCCESS);
    assert_string_equal(a.Buffer, "CAF\x90");
    RtlFreeOemString(&a);
    assert_int_equal(RtlUnicodeStringToCountedOemString(&a, &u, TRUE), STATUS_SUCCESS);
    assert_int_equal(a.MaximumLength, 4);
    RtlFreeOemString(&a);
    assert_int_equal(RtlUnicodeStringToUTF8String(&a, &u, TRUE), STATUS_SUCCESS);
    assert_string_equal(a.Buffer, "caf\xC3\xA9");
    RtlFreeUTF8String(&a);
}

static int match(const WCHAR *expression, const WCHAR *name, int ignore_case)
{
    UNICODE_STRING e, n;
    RtlInitUnicodeString(&e, expression);
    RtlInitUnicodeString(&n, name);
    return FsRtlIsNameInExpression(&e, &n, (ULONG)ignore_case, NULL);
}

static void expressions(void **state)
{
    assert_true(match(u"*", u"anything.txt", 0));
    assert_true(match(u"A?C", u"ABC", 0));
    assert_false(match(u"A?C", u"AC", 0));
    assert_true(match(u"*.TXT", u"read.me.txt", 1));
    assert_false(match(u"*.TXT", u"read.me.txt", 0));
    assert_false(match(u"*.TXT", u"read.txt2", 1));
    assert_true(match(u"A*B*C", u"AxxBxxC", 0));
    assert_false(match(u"A*B*C", u"AxxCxxB", 0));
    assert_true(match(u"", u"", 0));
    assert_false(match(u"", u"a", 0));
    assert_true(match(u"*USB#VID_*", u"\\??\\usb#vid_1234", 1));
    /* DOS_QM: one character, or none at a period or the end */
    assert_true(match(u">>>.txt", u"ab.txt", 0));
    assert_true(match(u">>>", u"ab", 0));
    assert_false(match(u">>", u"abc", 0));
    /* DOS_DOT: a period, or nothing at the end */
    assert_true(match(u"abc\"", u"abc", 0));
    assert_true(match(u"abc\"txt", u"abc.txt", 0));
    assert_false(match(u"abc\"txt", u"abcxtxt", 0));
    /* DOS_STAR: stops at the final period */
    assert_true(match(u"<.txt", u"a.b.txt", 0));
    assert_true(match(u"<", u"abc", 0));
    assert_false(match(u"<", u"abc.txt", 0));
    assert_false(match(u"<.b", u"a.b.txt", 0));
    UNICODE_STRING wild = US(u"a*b"), plain = US(u"ab");
    assert_true(FsRtlDoesNameContainWildCards(&wild));
    assert_false(FsRtlDoesNameContainWildCards(&plain));
    UNICODE_STRING other = US(u"AB");
    assert_true(FsRtlAreNamesEqual(&plain, &other, TRUE, NULL));
    assert_false(FsRtlAreNamesEqual(&plain, &other, FALSE, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(n_functions),        cmocka_unit_test(code_pages_round_trip),
        cmocka_unit_test(utf8),               cmocka_unit_test(counted_to_unicode),
        cmocka_unit_test(counted_from_unicode), cmocka_unit_test(expressions),
    };
    return cmocka_run_group_tests(tests, NULL, no_blocks_are_left);
}
