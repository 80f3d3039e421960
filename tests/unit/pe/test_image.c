/* Opening: what is accepted, what is refused and with which words; questions about sections. */
#include "support.h"

#include "pe/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char err[PE_ERROR_TEXT];

static void refuses_bytes(const void *bytes, size_t size, const char *words)
{
    struct pe_image img;
    char *copy = malloc(size + 1); /* exactly as large as said, for the sanitizer */
    memcpy(copy, bytes, size);
    copy = realloc(copy, size ? size : 1);
    err[0] = '\0';
    assert_int_equal(pe_open_memory(copy, size, &img, err, sizeof err), PE_BAD);
    if (!strstr(err, words))
        fail_msg("\"%s\" lacks \"%s\"", err, words);
    assert_null(strchr(err, '\n'));
    assert_null(img.file);
    pe_close(&img);
    free(copy);
}

static void opens_a_driver(void **state)
{
    struct loaded l;
    load(&l, image_path("driver.sys"));
    assert_int_equal(l.img.image_base, 0x140000000);
    assert_int_equal(l.img.subsystem, PE_SUBSYSTEM_NATIVE);
    assert_int_equal(l.img.size_of_image % PE_PAGE, 0);
    assert_true(l.img.entry_rva != 0);
    assert_true(l.img.characteristics & PE_FILE_EXECUTABLE);
    assert_false(l.m.relocs_stripped);
    assert_true(l.img.symbol_count > 0);
    unload(&l);
}

static void opens_a_dll(void **state)
{
    struct loaded l;
    load(&l, image_path("rich.dll"));
    assert_int_equal(l.img.timestamp, 0x12345678);
    assert_true(l.img.characteristics & PE_FILE_DLL);
    assert_true(l.img.dll_characteristics & PE_DLL_DYNAMIC_BASE);
    assert_int_equal(l.img.symbol_count, 0);
    assert_int_equal(l.img.section_alignment, 0x1000);
    unload(&l);
}

static void knows_sections(void **state)
{
    struct loaded l;
    load(&l, image_path("rich.dll"));
    const struct pe_section *text = pe_section_find(&l.img, ".text"), *data = pe_section_find(&l.img, ".data");
    assert_non_null(text);
    assert_non_null(data);
    assert_null(pe_section_find(&l.img, ".nothing"));
    assert_ptr_equal(pe_section_at(&l.img, text->rva), text);
    assert_ptr_equal(pe_section_at(&l.img, text->rva + pe_section_span(&l.img, text) - 1), text);
    assert_null(pe_section_at(&l.img, 0));
    assert_null(pe_section_at(&l.img, l.img.size_of_image));
    assert_int_equal(pe_section_prot(&l.img, text), PE_PROT_READ | PE_PROT_EXEC);
    assert_int_equal(pe_section_prot(&l.img, data), PE_PROT_READ | PE_PROT_WRITE);
    assert_int_equal(pe_section_prot(&l.img, pe_section_find(&l.img, ".rdata")), PE_PROT_READ);
    unload(&l);
}

static void opens_sections_closer_than_a_page(void **state)
{
    struct loaded l;
    load(&l, image_path("low.sys"));
    const struct pe_section *data = pe_section_find(&l.img, ".data"), *text = pe_section_find(&l.img, ".text");
    assert_int_equal(l.img.section_alignment, 512);
    assert_int_equal(data->rva / PE_PAGE, text->rva / PE_PAGE);
    assert_int_equal(pe_section_prot(&l.img, text), PE_PROT_READ | PE_PROT_WRITE | PE_PROT_EXEC);
    assert_ptr_equal(pe_section_at(&l.img, data->rva), data);
    assert_memory_equal(l.m.base + text->rva, l.img.file + text->raw, text->vsize);
    assert_int_equal(pe_relocate(&l.m, 0x200100000000, l.err, sizeof l.err), PE_OK);
    unload(&l);
}

static void resolves_long_section_names(void **state)
{
    struct loaded l;
    load(&l, image_path("driver.sys"));
    assert_non_null(pe_section_find(&l.img, ".debug_info"));
    unload(&l);
}

static void refuses_other_files(void **state)
{
    refuses_bytes("", 0, "empty file");
    refuses_bytes("M", 1, "not a PE image");
    refuses_bytes("MZ", 2, "truncated");
    refuses_bytes("\x7f" "ELF\2\1\1", 8, "not a PE image (ELF file)");
    refuses_bytes("#!/bin/sh\n", 10, "script");
    refuses_bytes("!<arch>\n", 8, "library");
    refuses_bytes("Microsoft C/C++ MSF 7.00\r\n", 26, "program database");
    refuses_bytes("\x64\x86\3\0", 4, "object file");
    refuses_bytes("PAGEDU64", 8, "kernel dump");
    refuses_bytes("hello world", 11, "no MZ header");
    uint8_t dos[0x80] = { 'M', 'Z' };
    dos[0x3c] = 0x40;
    refuses_bytes(dos, sizeof dos, "DOS program");
    memcpy(dos + 0x40, "NE", 2);
    refuses_bytes(dos, sizeof dos, "16-bit image (NE)");
    memcpy(dos + 0x40, "LE", 2);
    refuses_bytes(dos, sizeof dos, "VxD");
    memset(dos + 0x3c, 0xff, 4);
    refuses_bytes(dos, sizeof dos, "DOS program");
}

static void refuses_paths(void **state)
{
    struct pe_image img;
    assert_int_equal(pe_open_file("/nonexistent/x.sys", &img, err, sizeof err), PE_BAD);
    assert_string_equal(err, "No such file or directory");
    assert_int_equal(pe_open_file(image_dir, &img, err, sizeof err), PE_BAD);
    assert_string_equal(err, "is a directory");
    assert_int_equal(pe_open_file("/dev/null", &img, err, sizeof err), PE_BAD);
    assert_string_equal(err, "not a regular file");
    assert_int_equal(pe_open_file("/proc/self/exe", &img, err, sizeof err), PE_BAD);
    assert_string_equal(err, "not a PE image (ELF file)");
    assert_int_equal(pe_open_file("/dev/null", &img, NULL, 0), PE_BAD); /* no text wanted */
}

/* --- patched headers ------------------------------------------------------------------------------------ */

enum { FILE_HEADER = 4, OPTIONAL = FILE_HEADER + sizeof(struct pe_raw_file_header) };

#define FH(field) (FILE_HEADER + offsetof(struct pe_raw_file_header, field))
#define OH(field) (OPTIONAL + offsetof(struct pe_raw_optional, field))
#define DIRECTORY(i) (OPTIONAL + sizeof(struct pe_raw_optional) + (i) * 8)
#define SECTION(field) (OPTIONAL + sizeof(struct pe_raw_optional) + 128 + offsetof(struct pe_raw_section, field))

struct patch {
    size_t at; /* from "PE\0\0" */
    unsigned size;
    uint64_t value;
    const char *words; /* NULL: still accepted */
};

static const struct patch patches[] = {
    { FH(machine), 2, PE_MACHINE_ARM64, "ARM64 image" },
    { FH(machine), 2, 0x1c4, "machine 0x1c4" },
    { FH(machine), 2, 0x14c, "machine 0x14c" },
    { FH(characteristics), 2, 0, "not marked executable" },
    { FH(section_count), 2, 97, "97 sections" },
    { FH(section_count), 2, 0, NULL },
    { FH(optional_size), 2, 0, "optional header" },
    { FH(optional_size), 2, 112, "room for 0 directories" },
    { FH(optional_size), 2, 0xffff, "section table lies beyond" },
    { FH(symbol_table), 4, 0xffffffff, NULL },
    { OH(magic), 2, PE_OPTIONAL_PE32, "32-bit image (PE32), need PE32+ x64" },
    { OH(magic), 2, 0x107, "magic 0x107" },
    { OH(section_alignment), 4, 0, "bad alignment" },
    { OH(section_alignment), 4, 0x1800, "bad alignment" },
    { OH(section_alignment), 4, 0x400, "under a page" },
    { OH(file_alignment), 4, 0, "bad alignment" },
    { OH(file_alignment), 4, 0x2000, "bad alignment" },
    { OH(size_of_image), 4, 0, "bad size of image" },
    { OH(size_of_image), 4, 0xffffffff, "bad size of image" },
    { OH(size_of_image), 4, 0x1000, "beyond size of image" },
    { OH(size_of_headers), 4, 0x1001, "overlaps" },
    { OH(size_of_headers), 4, 0x7fffffff, "exceed size of image" },
    { OH(image_base), 8, 0x180000001, "bad image base" },
    { OH(image_base), 8, 0xffffffffffff0000, "bad image base" },
    { OH(entry_rva), 4, 0x7fffffff, "entry point" },
    { OH(entry_rva), 4, 0, NULL },
    { OH(directory_count), 4, 0xffffffff, NULL },
    { OH(directory_count), 4, 0, NULL },
    { DIRECTORY(PE_DIR_IMPORT), 4, 0xfffffff0, "import directory" },
    { DIRECTORY(PE_DIR_IMPORT) + 4, 4, 0xffffffff, "import directory" },
    { DIRECTORY(PE_DIR_EXPORT) + 4, 4, 0xffffffff, "export directory" },
    { DIRECTORY(PE_DIR_RELOC), 4, 0xffffffff, "relocation directory" },
    { DIRECTORY(PE_DIR_EXCEPTION) + 4, 4, 0x7fffffff, "exception directory" },
    { DIRECTORY(PE_DIR_RESOURCE), 8, 0x7fffffff7fffffff, NULL },
    { DIRECTORY(PE_DIR_SECURITY), 8, 0x7fffffff7fffffff, NULL },
    { SECTION(rva), 4, 0, "overlaps" },
    { SECTION(rva), 4, 0x1001, "not aligned" },
    { SECTION(rva), 4, 0xfffff000, "beyond size of image" },
    { SECTION(vsize), 4, 0x1fff, "overlaps" },
    { SECTION(vsize), 4, 0x7ffff000, "beyond size of image" },
    { SECTION(vsize), 4, 0xffffffff, "bad size" },
    { SECTION(vsize), 4, 0, NULL },
    { SECTION(raw), 4, 0xfffffff0, "truncated: section .text ends at 0x" },
    { SECTION(raw_size), 4, 0xffffffff, "truncated: section .text" },
    { SECTION(raw_size), 4, 0, NULL },
};

static void refuses_patched_headers(void **state)
{
    size_t size;
    uint8_t *bytes = read_bytes(image_path("rich.dll"), &size);
    uint32_t pe;
    memcpy(&pe, bytes + 0x3c, 4);
    for (size_t i = 0; i < sizeof patches / sizeof *patches; i++) {
        const struct patch *p = &patches[i];
        uint8_t saved[8];
        memcpy(saved, bytes + pe + p->at, 8);
        memcpy(bytes + pe + p->at, &p->value, p->size);
        struct pe_image img;
        if (p->words)
            refuses_bytes(bytes, size, p->words);
        else if (pe_open_memory(bytes, size, &img, err, sizeof err) != PE_OK)
            fail_msg("patch %zu refused: %s", i, err);
        memcpy(bytes + pe + p->at, saved, 8);
    }
    free(bytes);
}

/* Every shorter file is refused, or (only symbols cut off) opened; nothing is read past its end. */
static void survives_truncation(void **state)
{
    size_t size;
    uint8_t *bytes = read_bytes(image_path("rich.dll"), &size);
    for (size_t n = 0; n < size; n += n < 0x400 ? 1 : 61) {
        uint8_t *cut = malloc(n ? n : 1);
        memcpy(cut, bytes, n);
        struct pe_image img;
        assert_int_equal(pe_open_memory(cut, n, &img, err, sizeof err), PE_BAD);
        free(cut);
    }
    free(bytes);
}

int main(int argc, char **argv)
{
    image_dir = argc > 1 ? argv[1] : ".";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_a_driver),
        cmocka_unit_test(opens_a_dll),
        cmocka_unit_test(knows_sections),
        cmocka_unit_test(opens_sections_closer_than_a_page),
        cmocka_unit_test(resolves_long_section_names),
        cmocka_unit_test(refuses_other_files),
        cmocka_unit_test(refuses_paths),
        cmocka_unit_test(refuses_patched_headers),
        cmocka_unit_test(survives_truncation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
