/* Memory dumps made byte by byte: page tables of every size, runs of every kind, and lies about all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/dump.h"

enum { PAGES = 16, FIRST_PFN = 0x100, HEADER = 0x2000, SIZE = HEADER + PAGES * 4096 };

static uint8_t file[SIZE + 0x10000];

static void put64(uint64_t at, uint64_t v)
{
    memcpy(file + at, &v, 8);
}

static void put32(uint64_t at, uint32_t v)
{
    memcpy(file + at, &v, 4);
}

static uint64_t page(unsigned n) /* physical */
{
    return (uint64_t)(FIRST_PFN + n) << 12;
}

/* A complete dump: 16 pages from page 0x100 on. Page 0 is the top table. */
static void make(void)
{
    memset(file, 0, sizeof file);
    memcpy(file, "PAGEDU64", 8);
    put64(0x10, page(0) | 2); /* flags in the low bits do not matter */
    put32(0x30, 0x8664);
    put32(0x88, 1);
    put64(0x90, PAGES);
    put64(0x98, FIRST_PFN);
    put64(0xa0, PAGES);
    put32(0xf98, 1);
}

static void entry(unsigned table, unsigned index, uint64_t value)
{
    put64(HEADER + table * 4096ull + index * 8ull, value);
}

static bool opened(struct graph_dump *d, size_t size)
{
    char err[256] = "";
    bool ok = graph_dump_open_bytes(d, file, size, err, sizeof err);
    if (!ok)
        assert_true(err[0] && !strchr(err, '\n'));
    return ok;
}

static void translations(void **unused)
{
    struct graph_dump d;
    uint64_t v = 0;
    make();
    entry(0, 0x1f0, page(1) | 0x63); /* 0xfffff80000000000 */
    entry(1, 0, page(2) | 0x63);
    entry(1, 1, UINT64_C(0x40000000) | 0xe3); /* 1 GB at physical 0x40000000: not in the dump */
    entry(1, 2, UINT64_C(0) | 0xe3);          /* 1 GB at 0: pages 0x100 on are its 1 MB */
    entry(2, 0, page(3) | 0x63);
    entry(2, 1, UINT64_C(0) | 0xe3); /* 2 MB at 0 */
    entry(3, 0, UINT64_C(0x8000000000000000) | page(4) | 0x63);
    entry(3, 1, page(5) | 0x860);  /* in transition */
    entry(3, 2, page(6) | 0x460);  /* a prototype: not followed */
    entry(3, 3, page(200) | 0x63); /* not in the dump */
    for (unsigned k = 0; k < PAGES; k++)
        put64(HEADER + k * 4096ull + 0xff8, 0x1000 + k);
    assert_true(opened(&d, SIZE));
    const uint64_t base = 0xfffff80000000000;
    assert_true(graph_dump_virtual(&d, base + 0xff8, &v, 8) && v == 0x1004);
    assert_true(graph_dump_virtual(&d, base + 0x1ff8, &v, 8) && v == 0x1005);
    assert_false(graph_dump_virtual(&d, base + 0x2ff8, &v, 8));
    assert_false(graph_dump_virtual(&d, base + 0x3ff8, &v, 8));
    assert_false(graph_dump_virtual(&d, base + 0x4000, &v, 8));
    assert_true(graph_dump_virtual(&d, base + 0x200000 + page(7) + 0xff8, &v, 8) && v == 0x1007);
    assert_true(graph_dump_virtual(&d, base + 0x80000000 + page(9) + 0xff8, &v, 8) && v == 0x1009);
    assert_false(graph_dump_virtual(&d, base + 0x40000000, &v, 8));
    assert_false(graph_dump_virtual(&d, 0, &v, 8));
    uint8_t across[16]; /* two pages that do not lie side by side */
    assert_true(graph_dump_virtual(&d, base + 0xff8, across, 16));
    assert_false(graph_dump_virtual(&d, base + 0x1ff8, across, 16));
    graph_dump_close(&d);
}

static void lies(void **unused)
{
    static const struct {
        uint32_t at, value;
    } changes[] = { { 0, 0 }, { 4, 0 }, { 0x30, 0x14c }, { 0xf98, 4 }, { 0xf98, 3 }, { 0xf98, 99 }, { 0x88, 0 }, { 0x88, 43 }, { 0xa0, PAGES + 1 }, { 0xa4, 1 },
                    { 0x9c, 0xffffffff }, { 0xa4, 0xffffffff }, { 0xf98, 5 }, { 0xf98, 8 } };
    struct graph_dump d;
    for (size_t k = 0; k < sizeof changes / sizeof changes[0]; k++) {
        make();
        put32(changes[k].at, changes[k].value);
        if (opened(&d, SIZE))
            fail_msg("0x%x at 0x%x is believed", changes[k].value, changes[k].at);
    }
    make();
    for (size_t size = 0; size < SIZE; size += size < 0x2100 ? 0x333 : 4095)
        assert_false(opened(&d, size));
    assert_true(opened(&d, SIZE));
    graph_dump_close(&d);
}

/* The same pages by a bitmap and by a list. */
static void other_kinds(void **unused)
{
    struct graph_dump d;
    uint8_t byte;
    make();
    put32(0xf98, 6);
    memmove(file + HEADER + 0x1000, file + HEADER, PAGES * 4096);
    memset(file + HEADER, 0, 0x1000);
    memcpy(file + HEADER, "SDMPDUMP", 8);
    put64(HEADER + 0x20, HEADER + 0x1000);
    put64(HEADER + 0x28, PAGES);
    put64(HEADER + 0x30, FIRST_PFN + PAGES + 8);
    memset(file + HEADER + 0x38 + FIRST_PFN / 8, 0xff, PAGES / 8);
    file[HEADER + 0x1000 + 3 * 4096 + 5] = 0x77;
    assert_true(opened(&d, SIZE + 0x1000));
    assert_true(graph_dump_physical(&d, page(3) + 5, &byte, 1) && byte == 0x77);
    assert_false(graph_dump_physical(&d, page(PAGES), &byte, 1));
    graph_dump_close(&d);
    assert_false(opened(&d, SIZE + 0xfff)); /* the last page is cut */
    put64(HEADER + 0x30, 0x100000000);      /* more bits than there is room for */
    assert_false(opened(&d, SIZE + 0x1000));
    for (uint32_t kind = 8; kind <= 10; kind += 2) {
        memset(file + HEADER, 0, 0x1000);
        put32(0xf98, kind);
        put32(HEADER, 0x40);
        memcpy(file + HEADER + 4, "RDMPDUMP", 8);
        put64(HEADER + 0x20, HEADER + 0x1000);
        put64(HEADER + 0x28, kind == 10 ? PAGES : 0);
        put64(HEADER + 0x30, FIRST_PFN);
        put64(HEADER + 0x38, PAGES / 2);
        put64(HEADER + 0x40, FIRST_PFN + 100);
        put64(HEADER + 0x48, PAGES / 2);
        assert_true(opened(&d, SIZE + 0x1000));
        assert_true(graph_dump_physical(&d, page(3) + 5, &byte, 1) && byte == 0x77);
        assert_true(graph_dump_physical(&d, page(100), &byte, 1));
        assert_false(graph_dump_physical(&d, page(PAGES / 2), &byte, 1));
        graph_dump_close(&d);
        assert_false(opened(&d, SIZE));
    }
}

static void no_modules(void **unused)
{
    struct graph_dump d;
    struct graph_module *modules;
    size_t count;
    char err[256] = "";
    make();
    put64(0x20, 0xfffff80000000000);
    assert_true(opened(&d, SIZE));
    assert_false(graph_dump_modules(&d, &modules, &count, err, sizeof err));
    assert_non_null(strstr(err, "loaded modules"));
    free(modules);
    graph_dump_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(translations), cmocka_unit_test(lies), cmocka_unit_test(other_kinds), cmocka_unit_test(no_modules) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
