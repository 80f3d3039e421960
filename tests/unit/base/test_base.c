/* Files that are there whole or not at all; UTF-8. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/utf.h"

static char folder[] = "/tmp/irplab-base-XXXXXX";

static int make_folder(void **state)
{
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    return unlink("a") == 0 && rmdir("sub") == 0 && chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static void expect_text(const char *path, const char *text)
{
    char got[64] = "";
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fread(got, 1, sizeof got - 1, f), strlen(text));
    fclose(f);
    assert_string_equal(got, text);
}

static void replaces(void **state)
{
    struct base_file f;
    for (int i = 0; i < 2; i++) {
        assert_true(base_file_begin(&f, "a"));
        fprintf(f.stream, "text %d", i);
        if (i == 0)
            assert_int_not_equal(access("a", F_OK), 0);
        assert_true(base_file_end(&f, true));
    }
    expect_text("a", "text 1");
    assert_int_not_equal(access("a.part", F_OK), 0);
}

static void given_up(void **state)
{
    struct base_file f;
    assert_true(base_file_begin(&f, "a"));
    fputs("never", f.stream);
    errno = ENOSPC;
    assert_false(base_file_end(&f, false));
    assert_int_equal(errno, ENOSPC);
    expect_text("a", "text 1");
    assert_int_not_equal(access("a.part", F_OK), 0);
}

static void refused(void **state)
{
    struct base_file f;
    char name[BASE_FILE_PATH + 8];
    assert_int_equal(mkdir("sub", 0755), 0);
    assert_false(base_file_begin(&f, "sub"));
    assert_int_equal(errno, EISDIR);
    assert_false(base_file_begin(&f, "nowhere/a"));
    assert_int_equal(errno, ENOENT);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    assert_false(base_file_begin(&f, name));
    assert_int_equal(errno, ENAMETOOLONG);
}

static void device_full(void **state)
{
    struct base_file f;
    assert_true(base_file_begin(&f, "a"));
    FILE *full = freopen("/dev/full", "w", f.stream);
    assert_non_null(full);
    fputs("lost", f.stream);
    assert_false(base_file_end(&f, true));
    assert_int_equal(errno, ENOSPC);
    expect_text("a", "text 1");
}

static void utf8(void **state)
{
    static const struct { uint32_t c; const char *bytes; } rows[] = {
        { 0x41, "A" }, { 0x7F, "\x7F" }, { 0x80, "\xC2\x80" }, { 0x7FF, "\xDF\xBF" }, { 0x800, "\xE0\xA0\x80" }, { 0xFFFD, "\xEF\xBF\xBD" },
        { 0x10000, "\xF0\x90\x80\x80" }, { 0x10FFFF, "\xF4\x8F\xBF\xBF" } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[5] = "";
        assert_int_equal(base_utf8_put(rows[i].c, out), strlen(rows[i].bytes));
        assert_string_equal(out, rows[i].bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(replaces), cmocka_unit_test(given_up), cmocka_unit_test(refused), cmocka_unit_test(device_full),
                                        cmocka_unit_test(utf8) };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
