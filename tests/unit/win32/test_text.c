/* Encodings, and command lines as arrays of arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "win32/env.h"

static void encodings(void **state)
{
    for (uint32_t c = 1; c < 0x110000; c += c < 0x3000 ? 1 : 37) {
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        char u8[4];
        WCHAR u16[2];
        size_t n = base_utf8_put(c, u8), used;
        assert_int_equal(w32_from_utf8(u8, n, &used), c);
        assert_int_equal(used, n);
        n = w32_to_utf16(c, u16);
        assert_int_equal(w32_from_utf16(u16, n, &used), c);
        assert_int_equal(used, n);
    }
    for (int c = 0; c < 256; c++)
        assert_int_equal(w32_wide_to_ansi(w32_ansi_to_wide((uint8_t)c)), c);
}

static void malformed(void **state)
{
    static const char *const bad[] = { "\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC3", "\xE2\x82" };
    static const WCHAR lone[] = { 0xD800, 'a' };
    size_t used;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(w32_from_utf8(bad[i], strlen(bad[i]), &used), 0xFFFD);
        assert_int_equal(used, 1);
    }
    assert_int_equal(w32_from_utf16(lone, 2, &used), 0xFFFD);
    assert_int_equal(used, 1);
}

static void letters(void **state)
{
    assert_int_equal(w32_upper('z'), 'Z');
    assert_int_equal(w32_lower(0xC4), 0xE4);
    assert_int_equal(w32_upper(0x44F), 0x42F);
    assert_int_equal(w32_upper(0xF7), 0xF7); /* the division sign is no letter */
}

static void arguments(const char *line, int count, const char *const *want)
{
    WCHAR wide[200], out[200];
    size_t i = 0, n;
    for (; line[i]; i++)
        wide[i] = (uint8_t)line[i];
    wide[i] = 0;
    int k = 0;
    for (const WCHAR *s = wide; (s = w32_argument_next(s, k == 0, out, &n)) != NULL; k++) {
        assert_true(k < count);
        assert_int_equal(n, strlen(want[k]));
        for (size_t c = 0; c < n; c++)
            assert_int_equal(out[c], (uint8_t)want[k][c]);
    }
    assert_int_equal(k, count);
}

/* The examples of Microsoft's page on parsing command-line arguments. */
static void command_lines(void **state)
{
    arguments("p \"a b c\" d e", 4, (const char *const[]) { "p", "a b c", "d", "e" });
    arguments("p \"ab\\\"c\" \"\\\\\" d", 4, (const char *const[]) { "p", "ab\"c", "\\", "d" });
    arguments("p a\\\\\\b d\"e f\"g h", 4, (const char *const[]) { "p", "a\\\\\\b", "de fg", "h" });
    arguments("p a\\\\\\\"b c d", 4, (const char *const[]) { "p", "a\\\"b", "c", "d" });
    arguments("p a\\\\\\\\\"b c\" d e", 4, (const char *const[]) { "p", "a\\\\b c", "d", "e" });
    arguments("\"C:\\my dir\\p.exe\" x", 2, (const char *const[]) { "C:\\my dir\\p.exe", "x" });
    arguments("p \"\" x  ", 3, (const char *const[]) { "p", "", "x" });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(encodings), cmocka_unit_test(malformed), cmocka_unit_test(letters), cmocka_unit_test(command_lines) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
