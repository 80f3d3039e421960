/* Counted strings: initialize, copy, compare, append, case, numbers, GUIDs. */
#include "rtl/nls.h"
#include "rtl/pool_hooks.h"
#include "rtl/string.h"
#include "support.h"

/* A string with room for n characters, filled with '#'. */
#define ROOM(name, n)                                                                                                  \
    WCHAR name##_buffer[(n) + 1];                                                                                      \
    for (int i_ = 0; i_ <= (n); i_++)                                                                                  \
        name##_buffer[i_] = '#';                                                                                       \
    UNICODE_STRING name = {0, (n) * 2, name##_buffer}

static void unicode_init(void **state)
{
    UNICODE_STRING s;
    RtlInitUnicodeString(&s, u"abc");
    assert_int_equal(s.Length, 6);
    assert_int_equal(s.MaximumLength, 8);
    RtlInitUnicodeString(&s, NULL);
    assert_int_equal(s.Length, 0);
    assert_int_equal(s.MaximumLength, 0);
    assert_null(s.Buffer);
    static WCHAR long_text[40000];
    for (int i = 0; i < 39999; i++)
        long_text[i] = 'a';
    RtlInitUnicodeString(&s, long_text);
    assert_int_equal(s.Length, 0xFFFC);
    assert_int_equal(s.MaximumLength, 0xFFFE);
    assert_int_equal(RtlInitUnicodeStringEx(&s, long_text), STATUS_NAME_TOO_LONG);
    assert_int_equal(RtlInitUnicodeStringEx(&s, u"x"), STATUS_SUCCESS);
    assert_int_equal(s.Length, 2);
}

static void unicode_copy(void **state)
{
    UNICODE_STRING from = US(u"abcdef");
    ROOM(to, 8);
    RtlCopyUnicodeString(&to, &from);
    assert_unicode_equal(&to, u"abcdef");
    assert_int_equal(to.Buffer[6], 0); /* room for a terminator */
    assert_int_equal(to.Buffer[7], '#');
    ROOM(small, 3);
    RtlCopyUnicodeString(&small, &from);
    assert_unicode_equal(&small, u"abc");
    assert_int_equal(small.Buffer[3], '#');
    RtlCopyUnicodeString(&small, NULL);
    assert_int_equal(small.Length, 0);
}

static void unicode_compare(void **state)
{
    UNICODE_STRING a = US(u"Hello"), b = US(u"hELLO"), c = US(u"Hell"), d = US(u"Help");
    assert_true(RtlCompareUnicodeString(&a, &b, FALSE) < 0);
    assert_int_equal(RtlCompareUnicodeString(&a, &b, TRUE), 0);
    assert_int_equal(RtlCompareUnicodeString(&a, &b, 0xFFFFFF01), 0); /* a BOOLEAN's high bytes are garbage */
    assert_true(RtlCompareUnicodeString(&a, &b, 0xFFFFFF00) < 0);
    assert_true(RtlCompareUnicodeString(&c, &a, FALSE) < 0);
    assert_true(RtlCompareUnicodeString(&d, &a, FALSE) > 0);
    assert_true(RtlEqualUnicodeString(&a, &b, TRUE));
    assert_false(RtlEqualUnicodeString(&a, &b, FALSE));
    assert_false(RtlEqualUnicodeString(&a, &c, TRUE));
    assert_true(RtlPrefixUnicodeString(&c, &b, TRUE));
    assert_false(RtlPrefixUnicodeString(&c, &b, FALSE));
    assert_false(RtlPrefixUnicodeString(&a, &c, TRUE));
    UNICODE_STRING tail = US(u"LLO");
    assert_true(RtlSuffixUnicodeString(&tail, &b, FALSE));
    assert_false(RtlSuffixUnicodeString(&tail, &a, FALSE));
    assert_true(RtlSuffixUnicodeString(&tail, &a, TRUE));
    UNICODE_STRING lower = US(u"\u00e9\u0430"), upper = US(u"\u00c9\u0410");
    assert_true(RtlEqualUnicodeString(&lower, &upper, TRUE));
    assert_int_equal(RtlCompareUnicodeStrings(u"ab", 2, u"abc", 3, FALSE), -1);
}

static void unicode_append(void **state)
{
    UNICODE_STRING more = US(u"cd");
    ROOM(s, 5);
    assert_int_equal(RtlAppendUnicodeToString(&s, u"ab"), STATUS_SUCCESS);
    assert_int_equal(RtlAppendUnicodeStringToString(&s, &more), STATUS_SUCCESS);
    assert_unicode_equal(&s, u"abcd");
    assert_int_equal(s.Buffer[4], 0);
    assert_int_equal(RtlAppendUnicodeToString(&s, u"ef"), STATUS_BUFFER_TOO_SMALL);
    assert_unicode_equal(&s, u"abcd");
    assert_int_equal(RtlAppendUnicodeToString(&s, u"e"), STATUS_SUCCESS);
    assert_int_equal(s.Buffer[5], '#'); /* full: no terminator */
    assert_int_equal(RtlAppendUnicodeToString(&s, NULL), STATUS_SUCCESS);
}

static void unicode_case(void **state)
{
    UNICODE_STRING from = US(u"aBc\u00e4\u00df1");
    UNICODE_STRING to;
    assert_int_equal(RtlUpcaseUnicodeString(&to, &from, TRUE), STATUS_SUCCESS);
    assert_unicode_equal(&to, u"ABC\u00c4\u00df1");
    RtlFreeUnicodeString(&to);
    assert_null(to.Buffer);
    assert_int_equal(RtlDowncaseUnicodeString(&to, &from, TRUE), STATUS_SUCCESS);
    assert_unicode_equal(&to, u"abc\u00e4\u00df1");
    RtlFreeUnicodeString(&to);
    ROOM(small, 2);
    assert_int_equal(RtlUpcaseUnicodeString(&small, &from, FALSE), STATUS_BUFFER_OVERFLOW);
    fail_next_allocation = 1;
    assert_int_equal(RtlUpcaseUnicodeString(&to, &from, TRUE), STATUS_NO_MEMORY);
    assert_int_equal(ntdll_RtlUpcaseUnicodeString(&to, &from, TRUE), STATUS_SUCCESS);
    ntdll_RtlFreeUnicodeString(&to);
    assert_int_equal(RtlUpcaseUnicodeChar('z'), 'Z');
    assert_int_equal(RtlUpcaseUnicodeChar(0x0FF), 0x178);
    assert_int_equal(RtlDowncaseUnicodeChar(0x178), 0xFF);
    assert_int_equal(RtlUpcaseUnicodeChar(0x131), 0x131); /* dotless i has no pair in NT's table */
    assert_int_equal(RtlUpcaseUnicodeChar(0x3B1), 0x391);
    assert_int_equal((UCHAR)RtlUpperChar(0xE9), 0xC9);
    assert_int_equal((UCHAR)RtlUpperChar('a'), 'A');
}

static void case_pairs_are_consistent(void **state)
{
    for (ULONG c = 0; c < 0x10000; c++) {
        WCHAR up = rtl_upcase((WCHAR)c);
        assert_int_equal(rtl_upcase(up), up);
        if (up != c)
            assert_int_equal(rtl_upcase(rtl_downcase(up)), up);
    }
}

static void unicode_duplicate(void **state)
{
    UNICODE_STRING from = US(u"dup");
    UNICODE_STRING empty = {0, 0, NULL};
    UNICODE_STRING to;
    assert_int_equal(RtlDuplicateUnicodeString(1, &from, &to), STATUS_SUCCESS);
    assert_unicode_equal(&to, u"dup");
    assert_int_equal(to.MaximumLength, 8);
    assert_int_equal(to.Buffer[3], 0);
    RtlFreeUnicodeString(&to);
    assert_int_equal(RtlDuplicateUnicodeString(1, &empty, &to), STATUS_SUCCESS);
    assert_null(to.Buffer);
    assert_int_equal(RtlDuplicateUnicodeString(3, &empty, &to), STATUS_SUCCESS);
    assert_non_null(to.Buffer);
    assert_int_equal(to.MaximumLength, 2);
    RtlFreeUnicodeString(&to);
    assert_int_equal(RtlDuplicateUnicodeString(2, &from, &to), STATUS_INVALID_PARAMETER);
    assert_true(RtlCreateUnicodeString(&to, u"created"));
    assert_unicode_equal(&to, u"created");
    assert_int_equal(to.MaximumLength, 16);
    RtlFreeUnicodeString(&to);
    RtlFreeUnicodeString(&to); /* freeing nothing is allowed */
}

static void hash_and_validate(void **state)
{
    UNICODE_STRING a = US(u"ab"), b = US(u"AB");
    ULONG x, y;
    assert_int_equal(RtlHashUnicodeString(&a, FALSE, 0, &x), STATUS_SUCCESS);
    assert_int_equal(x, 'a' * 65599u + 'b');
    assert_int_equal(RtlHashUnicodeString(&a, TRUE, 1, &x), STATUS_SUCCESS);
    assert_int_equal(RtlHashUnicodeString(&b, FALSE, 1, &y), STATUS_SUCCESS);
    assert_int_equal(x, y);
    assert_int_equal(RtlHashUnicodeString(&a, FALSE, 2, &x), STATUS_INVALID_PARAMETER);
    UNICODE_STRING odd = {1, 4, a.Buffer};
    assert_int_equal(RtlValidateUnicodeString(0, &a), STATUS_SUCCESS);
    assert_int_equal(RtlValidateUnicodeString(0, &odd), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlValidateUnicodeString(1, &a), STATUS_INVALID_PARAMETER);
}

static void ansi_strings(void **state)
{
    ANSI_STRING s;
    CHAR buffer[8] = "#######";
    ANSI_STRING to = {0, 5, buffer};
    RtlInitAnsiString(&s, "abc");
    assert_int_equal(s.Length, 3);
    assert_int_equal(s.MaximumLength, 4);
    RtlInitString(&s, NULL);
    assert_int_equal(s.MaximumLength, 0);
    s = AS("Hello");
    ANSI_STRING other = AS("hELLO"), hell = AS("HELL");
    assert_true(RtlEqualString(&s, &other, TRUE));
    assert_false(RtlEqualString(&s, &other, FALSE));
    assert_true(RtlCompareString(&s, &other, FALSE) < 0);
    assert_true(RtlPrefixString(&hell, &s, TRUE));
    assert_false(RtlPrefixString(&hell, &s, FALSE));
    RtlCopyString(&to, &s);
    assert_memory_equal(buffer, "Hello##", 7);
    RtlUpperString(&to, &s);
    assert_memory_equal(buffer, "HELLO##", 7);
    to.Length = 2;
    assert_int_equal(RtlAppendAsciizToString(&to, "xyzw"), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(RtlAppendAsciizToString(&to, "xyz"), STATUS_SUCCESS);
    assert_memory_equal(buffer, "HExyz##", 7);
    to.Length = 0;
    assert_int_equal(RtlAppendStringToString(&to, &hell), STATUS_SUCCESS);
    assert_memory_equal(buffer, "HELLz##", 7);
    RtlCopyString(&to, NULL);
    assert_int_equal(to.Length, 0);
}

static void integers_to_strings(void **state)
{
    ROOM(s, 12);
    CHAR text[12];
    assert_int_equal(RtlIntegerToUnicodeString(255, 16, &s), STATUS_SUCCESS);
    assert_unicode_equal(&s, u"FF");
    assert_int_equal(s.Buffer[2], 0);
    assert_int_equal(RtlIntegerToUnicodeString(4294967295u, 0, &s), STATUS_SUCCESS);
    assert_unicode_equal(&s, u"4294967295");
    assert_int_equal(RtlIntegerToUnicodeString(5, 2, &s), STATUS_SUCCESS);
    assert_unicode_equal(&s, u"101");
    assert_int_equal(RtlIntegerToUnicodeString(5, 7, &s), STATUS_INVALID_PARAMETER);
    s.MaximumLength = 4;
    assert_int_equal(RtlIntegerToUnicodeString(123, 10, &s), STATUS_BUFFER_OVERFLOW);
    s.MaximumLength = 24;
    assert_int_equal(RtlInt64ToUnicodeString(0xABCDEF01234ull, 16, &s), STATUS_SUCCESS);
    assert_unicode_equal(&s, u"ABCDEF01234");
    assert_int_equal(RtlIntegerToChar(42, 10, 12, text), STATUS_SUCCESS);
    assert_string_equal(text, "42");
    assert_int_equal(RtlIntegerToChar(42, 10, 1, text), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(RtlIntegerToChar(0xAB, 16, -4, text), STATUS_SUCCESS);
    assert_memory_equal(text, "00AB", 4);
    WCHAR wide[8] = u"#######";
    assert_int_equal(RtlIntegerToUnicode(42, 10, 7, wide), STATUS_SUCCESS);
    assert_wide_equal(wide, u"42");
    assert_int_equal(RtlIntegerToUnicode(42, 10, -4, wide), STATUS_SUCCESS);
    assert_memory_equal(wide, u"0042##", 12);
    assert_int_equal(RtlIntegerToUnicode(42, 10, 1, wide), STATUS_BUFFER_OVERFLOW);
}

static void strings_to_integers(void **state)
{
    static const struct {
        const char *text;
        ULONG base;
        ULONG value;
    } cases[] = {
        {"42", 0, 42},        {"  -42", 10, (ULONG)-42}, {"+7", 0, 7},    {"0x1F", 0, 31}, {"0o17", 0, 15},
        {"0b101", 0, 5},      {"1F", 16, 31},            {"1Fg", 16, 31}, {"", 0, 0},      {"abc", 10, 0},
        {"4294967296", 0, 0}, {"077", 0, 77},            {"0", 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        UNICODE_STRING u;
        ANSI_STRING a;
        ULONG value = 99;
        assert_int_equal(RtlCharToInteger(cases[i].text, cases[i].base, &value), STATUS_SUCCESS);
        assert_int_equal(value, cases[i].value);
        RtlInitAnsiString(&a, cases[i].text);
        RtlAnsiStringToUnicodeString(&u, &a, TRUE);
        value = 99;
        assert_int_equal(RtlUnicodeStringToInteger(&u, cases[i].base, &value), STATUS_SUCCESS);
        assert_int_equal(value, cases[i].value);
        RtlFreeUnicodeString(&u);
    }
    ULONG value;
    LONGLONG big;
    WCHAR *end;
    UNICODE_STRING u = US(u"-5000000000x");
    assert_int_equal(RtlCharToInteger("1", 3, &value), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlUnicodeStringToInt64(&u, 0, &big, &end), STATUS_SUCCESS);
    assert_int_equal(big, -5000000000ll);
    assert_ptr_equal(end, u.Buffer + 11);
}

static void guids(void **state)
{
    static const GUID guid = {0x01234567, 0x89AB, 0xCDEF, {0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE}};
    UNICODE_STRING s;
    GUID back;
    assert_int_equal(RtlStringFromGUID(&guid, &s), STATUS_SUCCESS);
    assert_unicode_equal(&s, u"{01234567-89AB-CDEF-1032-547698BADCFE}");
    assert_int_equal(s.MaximumLength, 78);
    assert_int_equal(s.Buffer[38], 0);
    assert_int_equal(RtlGUIDFromString(&s, &back), STATUS_SUCCESS);
    assert_memory_equal(&back, &guid, sizeof guid);
    s.Buffer[9] = '+';
    assert_int_equal(RtlGUIDFromString(&s, &back), STATUS_INVALID_PARAMETER);
    s.Buffer[9] = '-';
    s.Buffer[1] = 'g';
    assert_int_equal(RtlGUIDFromString(&s, &back), STATUS_INVALID_PARAMETER);
    s.Length = 20;
    assert_int_equal(RtlGUIDFromString(&s, &back), STATUS_INVALID_PARAMETER);
    RtlFreeUnicodeString(&s);
    UNICODE_STRING lower = US(u"{01234567-89ab-cdef-1032-547698badcfe}");
    assert_int_equal(RtlGUIDFromString(&lower, &back), STATUS_SUCCESS);
    assert_memory_equal(&back, &guid, sizeof guid);
    ROOM(small, 10);
    assert_int_equal(RtlStringFromGUIDEx(&guid, &small, FALSE), STATUS_BUFFER_TOO_SMALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unicode_init),        cmocka_unit_test(unicode_copy),
        cmocka_unit_test(unicode_compare),     cmocka_unit_test(unicode_append),
        cmocka_unit_test(unicode_case),        cmocka_unit_test(case_pairs_are_consistent),
        cmocka_unit_test(unicode_duplicate),   cmocka_unit_test(hash_and_validate),
        cmocka_unit_test(ansi_strings),        cmocka_unit_test(integers_to_strings),
        cmocka_unit_test(strings_to_integers), cmocka_unit_test(guids),
    };
    return cmocka_run_group_tests(tests, NULL, no_blocks_are_left);
}
