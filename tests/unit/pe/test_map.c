/* Layout in memory, bounds-checked reads, relocation. */
#include "support.h"

#include "pe/format.h"

#include <stdlib.h>
#include <string.h>

static char err[PE_ERROR_TEXT];

static void lays_out_headers_and_sections(void **state)
{
    struct loaded l;
    load(&l, image_path("rich.dll"));
    assert_memory_equal(l.m.base, l.img.file, l.img.size_of_headers);
    for (uint32_t i = 0; i < l.img.section_count; i++) {
        const struct pe_section *s = &l.img.sections[i];
        assert_memory_equal(l.m.base + s->rva, l.img.file + s->raw, s->raw_size);
        for (uint32_t k = s->raw_size; k < pe_section_span(&l.img, s); k++)
            assert_int_equal(l.m.base[s->rva + k], 0);
    }
    unload(&l);
}

static void checks_bounds(void **state)
{
    struct loaded l;
    load(&l, image_path("rich.dll"));
    struct pe_mapped *m = &l.m;
    assert_non_null(pe_at(m, 0, m->size));
    assert_non_null(pe_at(m, m->size, 0));
    assert_null(pe_at(m, m->size, 1));
    assert_null(pe_at(m, m->size - 3, 4));
    assert_null(pe_at(m, 0xffffffff, 1));
    assert_null(pe_at(m, 4, SIZE_MAX));
    assert_null(pe_string_at(m, m->size));
    memset(m->base + m->size - 4, 'x', 4);
    assert_null(pe_string_at(m, m->size - 4)); /* not terminated */
    assert_int_equal(pe_rva_of(m, m->va + 0x1234), 0x1234);
    assert_int_equal(pe_rva_of(m, m->va - 1), 0);
    assert_int_equal(pe_rva_of(m, m->va + m->size), 0);
    unload(&l);
}

static void relocates_there_and_back(void **state)
{
    struct loaded l, original;
    load(&l, image_path("rich.dll"));
    load(&original, image_path("rich.dll"));
    struct pe_export counter;
    assert_true(pe_export_by_name(&l.m, "counter", &counter));
    uint64_t pointer; /* counter_pointer follows counter */
    assert_int_equal(pe_relocate(&l.m, 0x200100000000, err, sizeof err), PE_OK);
    assert_int_equal(l.m.va, 0x200100000000);
    memcpy(&pointer, l.m.base + counter.rva + 8, 8);
    assert_int_equal(pointer, 0x200100000000 + counter.rva);
    assert_int_equal(pe_relocate(&l.m, l.img.image_base, err, sizeof err), PE_OK);
    assert_memory_equal(l.m.base, original.m.base, l.m.size);
    unload(&l);
    unload(&original);
}

static void tells_when_relocations_are_stripped(void **state)
{
    struct loaded l;
    load(&l, image_path("rich.dll"));
    l.m.relocs_stripped = true;
    assert_int_equal(pe_relocate(&l.m, l.m.va, err, sizeof err), PE_OK); /* no move, no need */
    assert_int_equal(pe_relocate(&l.m, 0x10000, err, sizeof err), PE_NO_RELOCATIONS);
    assert_string_equal(err, "relocations are stripped: runs only at 0x180000000");
    unload(&l);
}

/* --- made-up relocations -------------------------------------------------------------------------------- */

struct made {
    struct pe_mapped m;
    uint8_t bytes[0x2000];
};

static enum pe_status relocate(struct made *d, const void *table, uint32_t size, uint64_t base)
{
    memset(d, 0, sizeof *d);
    d->m = (struct pe_mapped){ .base = d->bytes, .size = sizeof d->bytes, .va = 0x10000 };
    d->m.dirs[PE_DIR_RELOC] = (struct pe_directory){ 0x1000, size };
    memcpy(d->bytes + 0x1000, table, size);
    uint64_t address = 0x10123;
    memcpy(d->bytes + 0x100, &address, 8);
    return pe_relocate(&d->m, base, err, sizeof err);
}

static uint64_t at_100(const struct made *d)
{
    uint64_t v;
    memcpy(&v, d->bytes + 0x100, 8);
    return v;
}

static void knows_relocation_types(void **state)
{
    struct made d;
    const uint16_t dir64[] = { 0, 0, 12, 0, 0xa100, 0 };
    assert_int_equal(relocate(&d, dir64, sizeof dir64, 0x700000020000), PE_OK);
    assert_int_equal(at_100(&d), 0x700000020123);
    const uint16_t low[] = { 0, 0, 12, 0, 0x3100, 0 };
    assert_int_equal(relocate(&d, low, sizeof low, 0x20000), PE_OK);
    assert_int_equal(at_100(&d), 0x20123);
    assert_int_equal(relocate(&d, low, sizeof low, 0x700000020000), PE_BAD);
    assert_non_null(strstr(err, "32-bit address at 0x100 cannot follow"));
    assert_int_equal(at_100(&d), 0x10123);
    const uint16_t arm[] = { 0, 0, 12, 0, 0x5100, 0 };
    assert_int_equal(relocate(&d, arm, sizeof arm, 0x20000), PE_BAD);
    assert_non_null(strstr(err, "type 5"));
}

static void refuses_bad_relocations(void **state)
{
    struct made d;
    const uint32_t far[] = { 0x1000, 12, 0xaff9 };
    const uint32_t page[] = { 0xfffff000, 12, 0xaff9 };
    const uint32_t tiny[] = { 0, 4, 0xa100 };
    const uint32_t large[] = { 0, 16, 0xa100 };
    const uint32_t late[] = { 0, 12, 0xa100, 0x5000, 12, 0xa000 }; /* the first block is fine */
    const uint32_t padded[] = { 0, 12, 0xa100, 0, 0, 0xffffffff };
    const uint32_t empty[] = { 0, 8 };
    assert_int_equal(relocate(&d, far, sizeof far, 0x20000), PE_BAD);
    assert_int_equal(relocate(&d, page, sizeof page, 0x20000), PE_BAD);
    assert_int_equal(relocate(&d, tiny, sizeof tiny, 0x20000), PE_BAD);
    assert_int_equal(relocate(&d, large, sizeof large, 0x20000), PE_BAD);
    assert_int_equal(relocate(&d, late, sizeof late, 0x20000), PE_BAD);
    assert_int_equal(at_100(&d), 0x10123); /* checked before anything is written */
    assert_int_equal(d.m.va, 0x10000);
    assert_int_equal(relocate(&d, padded, sizeof padded, 0x20000), PE_OK);
    assert_int_equal(relocate(&d, empty, sizeof empty, 0x20000), PE_OK);
}

static void survives_relocations_of_relocations(void **state)
{
    struct made d;
    const uint32_t self[] = { 0x1000, 16, 0xa008a000, 0xa00ca004 };
    relocate(&d, self, sizeof self, 0x7fffffff0000);
}

int main(int argc, char **argv)
{
    image_dir = argc > 1 ? argv[1] : ".";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lays_out_headers_and_sections),
        cmocka_unit_test(checks_bounds),
        cmocka_unit_test(relocates_there_and_back),
        cmocka_unit_test(tells_when_relocations_are_stripped),
        cmocka_unit_test(knows_relocation_types),
        cmocka_unit_test(refuses_bad_relocations),
        cmocka_unit_test(survives_relocations_of_relocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
