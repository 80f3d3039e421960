/* sscanf and paths. */
#include "rtl/crt.h"
#include "support.h"

#define P(x) ((uint64_t)(x))

static void integers(void **state)
{
    int a = 0, b = 0, c = 0;
    uint16_t h = 7;
    uint64_t big = 0;
    const uint64_t args[] = {P("12, -0x1f 077"), P("%d, %i %i"), P(&a), P(&b), P(&c)};
    assert_int_equal(nt_sscanf(args), 3);
    assert_int_equal(a, 12);
    assert_int_equal(b, -31);
    assert_int_equal(c, 63);
    const uint64_t sizes[] = {P("65537 FFFFFFFFFFFF 123456"), P("%hu %I64x %3d"), P(&h), P(&big), P(&a)};
    assert_int_equal(nt_sscanf(sizes), 3);
    assert_int_equal(h, 1);
    assert_int_equal(big, 0xFFFFFFFFFFFFull);
    assert_int_equal(a, 123);
    const uint64_t skip[] = {P("1 2 3"), P("%*d %d%n"), P(&a), P(&b)};
    assert_int_equal(nt_sscanf(skip), 1);
    assert_int_equal(a, 2);
    assert_int_equal(b, 3);
    const uint64_t mismatch[] = {P("1;2"), P("%d,%d"), P(&a), P(&b)};
    assert_int_equal(nt_sscanf(mismatch), 1);
    const uint64_t nothing[] = {P("  "), P("%d"), P(&a)};
    assert_int_equal(nt_sscanf(nothing), -1);
    const uint64_t letters[] = {P("abc"), P("%d"), P(&a)};
    assert_int_equal(nt_sscanf(letters), 0);
}

static void text(void **state)
{
    char word[16], rest[16], c;
    WCHAR wide[16];
    const uint64_t args[] = {P(" key = some value"), P("%s = %[a-z ]"), P(word), P(rest)};
    assert_int_equal(nt_sscanf(args), 2);
    assert_string_equal(word, "key");
    assert_string_equal(rest, "some value");
    const uint64_t list[] = {P("abc]def;x"), P("%[^;];%c"), P(word), P(&c)};
    assert_int_equal(nt_sscanf(list), 2);
    assert_string_equal(word, "abc]def");
    assert_int_equal(c, 'x');
    const uint64_t width[] = {P("abcdef"), P("%3s%S"), P(word), P(wide)};
    assert_int_equal(nt_sscanf(width), 2);
    assert_string_equal(word, "abc");
    assert_wide_equal(wide, u"def");
    const uint64_t in_wide[] = {P(u"w\u4e2d n"), P(u"%s %hs"), P(wide), P(word)};
    assert_int_equal(nt_swscanf(in_wide), 2);
    assert_wide_equal(wide, u"w\u4e2d");
    assert_string_equal(word, "n");
}

static void secure(void **state)
{
    char word[4] = "old";
    int n = 0;
    const uint64_t fits[] = {P("abc 5"), P("%s %d"), P(word), 4, P(&n)};
    assert_int_equal(nt_sscanf_s(fits), 2);
    assert_string_equal(word, "abc");
    assert_int_equal(n, 5);
    const uint64_t too_long[] = {P("abcd 6"), P("%s %d"), P(word), 4, P(&n)};
    assert_int_equal(nt_sscanf_s(too_long), 0);
    assert_string_equal(word, "");
    assert_int_equal(n, 5);
    const uint64_t limited[] = {P("1234"), 2, P("%d"), P(&n)};
    assert_int_equal(nt__snscanf_s(limited), 1);
    assert_int_equal(n, 12);
    const uint64_t wide[] = {P(u"7 x"), P(u"%d %c"), P(&n), P(word), 1};
    assert_int_equal(nt_swscanf_s(wide), 2);
    assert_int_equal(n, 7);
}

static void floats(void **state)
{
    double d = 0;
    float f = 0;
    const uint64_t args[] = {P("1.5e2,-0.25"), P("%lf,%f"), P(&d), P(&f)};
    assert_int_equal(nt_sscanf(args), 2);
    assert_true(d == 150.0);
    assert_true(f == -0.25f);
}

static void paths(void **state)
{
    char drive[3], dir[32], name[16], ext[8], path[32];
    assert_int_equal(nt__splitpath_s("C:\\dir\\sub\\file.tar.gz", drive, 3, dir, 32, name, 16, ext, 8), 0);
    assert_string_equal(drive, "C:");
    assert_string_equal(dir, "\\dir\\sub\\");
    assert_string_equal(name, "file.tar");
    assert_string_equal(ext, ".gz");
    assert_int_equal(nt__makepath_s(path, 32, drive, "\\dir\\sub", name, "gz"), 0);
    assert_string_equal(path, "C:\\dir\\sub\\file.tar.gz");
    assert_int_equal(nt__makepath_s(path, 8, drive, dir, name, ext), CRT_ERANGE);
    assert_string_equal(path, "");
    assert_int_equal(nt__splitpath_s("noext", drive, 3, dir, 32, name, 16, NULL, 0), 0);
    assert_string_equal(name, "noext");
    assert_int_equal(nt__splitpath_s("longname", drive, 3, dir, 32, name, 4, ext, 8), CRT_ERANGE);
    assert_string_equal(name, "");
    WCHAR wide[16];
    assert_int_equal(nt__wsplitpath_s(u"\\a\\b.c", NULL, 0, NULL, 0, wide, 16, NULL, 0), 0);
    assert_wide_equal(wide, u"b");
    assert_int_equal(nt__wmakepath_s(wide, 16, NULL, u"a/", u"b", u".c"), 0);
    assert_wide_equal(wide, u"a/b.c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers), cmocka_unit_test(text), cmocka_unit_test(secure), cmocka_unit_test(floats),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests(tests, NULL, no_blocks_are_left);
}
