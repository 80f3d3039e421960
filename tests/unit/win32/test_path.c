/* Win32 paths to NT paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "win32/file.h"

static const WCHAR here[] = { 'C', ':', '\\', 'i', 'r', 'p', 'l', 'a', 'b', '\\' };

static void check(const char *path, const char *nt)
{
    WCHAR in[200], out[300];
    char text[300];
    size_t n = strlen(path), length = 0;
    for (size_t i = 0; i < n; i++)
        in[i] = (uint8_t)path[i];
    assert_true(w32_nt_path_from(here, 10, in, n, out, n + 64, &length));
    for (size_t i = 0; i < length; i++)
        text[i] = (char)out[i];
    text[length] = 0;
    assert_string_equal(text, nt);
}

static void devices(void **state)
{
    check("\\\\.\\Bench", "\\??\\Bench");
    check("//./Bench", "\\??\\Bench");
    check("\\\\.\\Bench\\sub\\..\\file", "\\??\\Bench\\file");
    check("\\\\?\\ROOT#X#0000#{guid}", "\\??\\ROOT#X#0000#{guid}");
    check("\\\\?\\a\\..\\b/c.", "\\??\\a\\..\\b/c.");
    check("\\??\\X", "\\??\\X");
    check("NUL", "\\??\\NUL");
    check("nul.txt", "\\??\\nul");
    check("C:\\dir\\COM1", "\\??\\COM1");
    check("COM1:", "\\??\\COM1");
    check("COM0", "\\??\\C:\\irplab\\COM0");
}

static void files(void **state)
{
    check("C:\\a\\b", "\\??\\C:\\a\\b");
    check("c:/a//b/", "\\??\\C:\\a\\b\\");
    check("C:\\a\\.\\b\\..\\c", "\\??\\C:\\a\\c");
    check("C:\\..\\..\\a", "\\??\\C:\\a");
    check("C:a", "\\??\\C:\\irplab\\a");
    check("a. ", "\\??\\C:\\irplab\\a");
    check("..\\a", "\\??\\C:\\a");
    check("\\a", "\\??\\C:\\a");
    check("\\\\server\\share\\a\\..\\b", "\\??\\UNC\\server\\share\\b");
    check("\\\\server\\share\\..\\..\\b", "\\??\\UNC\\server\\share\\b");
}

static void elsewhere(void **state)
{
    static const WCHAR root[] = { 'C', ':', '\\' }, deep[] = { 'C', ':', '\\', 'a', '\\', 'b', '\\' }, name[] = { '.', '.', '\\', 'x' };
    WCHAR out[340];
    size_t n;
    assert_true(w32_nt_path_from(deep, 7, name, 4, out, 340, &n));
    assert_int_equal(n, 10); /* \??\C:\a\x */
    assert_int_equal(out[n - 1], 'x');
    assert_true(w32_nt_path_from(root, 3, name, 4, out, 340, &n));
    assert_int_equal(n, 8); /* nothing is above the root */
}

static void nothing(void **state)
{
    WCHAR out[8] = { 0 };
    size_t n;
    assert_false(w32_nt_path_from(here, 10, out, 0, out, 8, &n));
    static const WCHAR longer[] = { 'a', 'b' };
    assert_false(w32_nt_path_from(here, 10, longer, 2, out, 8, &n)); /* no room */
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(devices), cmocka_unit_test(files), cmocka_unit_test(elsewhere), cmocka_unit_test(nothing) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
