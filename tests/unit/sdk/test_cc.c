/* irplab cc: bad usage is one line on the error stream that names what is wrong, nothing elsewhere, and status 2. */
#include "cli/cc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char source[] = "/tmp/irplab-test-XXXXXX.c";
static char said[4096];

/* Runs the command with the error stream in a file, and keeps what it said. */
static int run(int argc, char **argv)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    int saved = dup(2);
    dup2(fileno(file), 2);
    int status = cli_cc(argc, argv);
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    rewind(file);
    size_t n = fread(said, 1, sizeof said - 1, file);
    said[n] = 0;
    fclose(file);
    return status;
}

#define RUN(...)                                                                                 \
    run((int)(sizeof((char *[]){"irplab cc", __VA_ARGS__}) / sizeof(char *)),                    \
        (char *[]){"irplab cc", __VA_ARGS__, NULL})

static void assert_one_line_with(const char *part)
{
    size_t n = strlen(said);
    assert_true(n && said[n - 1] == '\n');
    assert_null(memchr(said, '\n', n - 1));
    if (!strstr(said, part))
        fail_msg("'%s' does not mention '%s'", said, part);
}

static void refuses_unusable_outputs(void **state)
{
    assert_int_equal(RUN(source), 2);
    assert_one_line_with("no output");
    assert_int_equal(RUN("-o", "x.elf", source), 2);
    assert_one_line_with("x.elf");
    assert_int_equal(RUN(source, "-o"), 2);
    assert_one_line_with("'-o'");
    assert_int_equal(RUN("-o", "x.sys"), 2);
    assert_one_line_with("x.sys");
}

static void refuses_unknown_words(void **state)
{
    assert_int_equal(RUN("--frobnicate", "-o", "x.sys", source), 2);
    assert_one_line_with("--frobnicate");
    assert_int_equal(RUN("-o", "x.sys", "/nonexistent/a.c"), 2);
    assert_one_line_with("/nonexistent/a.c");
    assert_int_equal(RUN("-o", "x.sys", "/etc/passwd"), 2);
    assert_one_line_with("/etc/passwd");
}

static void refuses_what_excludes_each_other(void **state)
{
    assert_int_equal(RUN("--race", "--address", "-o", "x.sys", source), 2);
    assert_one_line_with("--race and --address");
    assert_int_equal(RUN("--msvc", "-o", "x.exe", source), 2);
    assert_one_line_with("--msvc");
}

static int make_source(void **state)
{
    int fd = mkstemps(source, 2);
    return fd < 0 ? -1 : close(fd);
}

static int remove_source(void **state)
{
    return unlink(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_unusable_outputs),
        cmocka_unit_test(refuses_unknown_words),
        cmocka_unit_test(refuses_what_excludes_each_other),
    };
    return cmocka_run_group_tests(tests, make_source, remove_source);
}
