/* Names: COFF tables of two linkers, exports, a PDB found in each place it may lie in, and refused ones. */
#include "support.h"

#include "pe/msf.h"
#include "pe/symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char note[300];

static struct pe_symbols *symbols_of(struct loaded *l, const char *name, const char *dir)
{
    char path[4096];
    snprintf(path, sizeof path, "%s", image_path(name));
    load(l, path);
    struct pe_symbols *s = pe_symbols_load(&l->img, path, dir, note, sizeof note);
    assert_non_null(s);
    return s;
}

static void done(struct loaded *l, struct pe_symbols *s)
{
    pe_symbols_free(s);
    unload(l);
}

/* Sorted, inside sections, and each found again by address and by name. */
static void check_consistent(const struct loaded *l, struct pe_symbols *s)
{
    uint32_t last = 0, offset;
    for (size_t i = 0; i < pe_symbol_count(s); i++) {
        const struct pe_symbol *p = pe_symbol_get(s, i), *at = pe_symbol_at(s, p->rva, &offset);
        assert_true(p->rva >= last && p->rva < l->img.size_of_image && p->name[0]);
        assert_non_null(at);
        if (offset != 0) /* a symbol of no size cannot be: only one that ends before its alias */
            assert_true(at->rva + offset == p->rva);
        const struct pe_symbol *found = pe_symbol_find(s, p->name);
        assert_non_null(found);
        assert_string_equal(found->name, p->name);
        last = p->rva;
    }
    assert_null(pe_symbol_get(s, pe_symbol_count(s)));
    assert_null(pe_symbol_at(s, 0, &offset));
    assert_null(pe_symbol_at(s, UINT32_MAX, &offset));
    assert_null(pe_symbol_find(s, "no_such_name"));
    assert_null(pe_symbol_find(s, ""));
}

static void reads_coff(void **state)
{
    static const char *const images[] = { "driver.sys", "driver_gcc.sys" };
    for (int i = 0; i < 2; i++) {
        struct loaded l;
        uint32_t offset;
        struct pe_symbols *s = symbols_of(&l, images[i], NULL);
        const struct pe_symbol *entry = pe_symbol_find(s, "DriverEntry"), *helper = pe_symbol_find(s, "static_helper");
        assert_non_null(entry);
        assert_non_null(helper);
        assert_int_equal(entry->rva, l.img.entry_rva);
        assert_int_equal(entry->source, PE_SYMBOL_COFF);
        assert_false(entry->is_static);
        assert_true(helper->is_static);
        assert_int_equal(entry->kind, PE_SYMBOL_FUNCTION);
        assert_true(entry->size > 0); /* from .pdata */
        assert_ptr_equal(pe_symbol_at(s, entry->rva + entry->size - 1, &offset), entry);
        assert_int_equal(offset, entry->size - 1);
        assert_int_equal(pe_symbol_find(s, "counter")->kind, PE_SYMBOL_DATA);
        assert_string_equal(pe_symbol_at(s, pe_symbol_find(s, "counter")->rva, NULL)->name, "counter");
        for (size_t k = 0; k < pe_symbol_count(s); k++)
            assert_int_not_equal(pe_symbol_get(s, k)->name[0], '.');
        assert_null(pe_symbols_pdb(s));
        check_consistent(&l, s);
        done(&l, s);
    }
}

static void respects_ends(void **state)
{
    struct loaded l;
    struct pe_symbols *s = symbols_of(&l, "rich.dll", NULL);
    const struct pe_symbol *beta = pe_symbol_find(s, "beta");
    assert_non_null(beta);
    assert_null(pe_symbol_at(s, beta->rva + beta->size, NULL)); /* padding */
    /* Nothing reaches into the next section. */
    const struct pe_section *data = pe_section_find(&l.img, ".data");
    for (uint32_t rva = data->rva; rva < data->rva + 8; rva++)
        assert_true(pe_symbol_at(s, rva, NULL) == NULL || pe_symbol_at(s, rva, NULL)->rva >= data->rva);
    done(&l, s);
}

static void reads_a_pdb(void **state)
{
    struct loaded l;
    struct pe_symbols *s = symbols_of(&l, "rich.dll", NULL);
    assert_string_equal(note, "");
    assert_string_equal(pe_symbols_pdb(s), image_path("rich.pdb"));
    const struct pe_symbol *internal = pe_symbol_find(s, "internal"), *alpha = pe_symbol_find(s, "alpha");
    assert_non_null(internal);
    assert_int_equal(internal->source, PE_SYMBOL_PROC);
    assert_true(internal->is_static && internal->size > 0);
    struct pe_export e;
    assert_true(pe_export_by_name(&l.m, "alpha", &e));
    assert_int_equal(alpha->rva, e.rva);
    assert_int_equal(pe_symbol_find(s, "NamedFunction")->source, PE_SYMBOL_THUNK);
    check_consistent(&l, s);
    done(&l, s);
}

static void strips_publics_only(void **state)
{
    struct loaded l;
    struct pe_symbols *s = symbols_of(&l, "rich.dll", NULL);
    const struct pe_symbol *slot = pe_symbol_find(s, "_imp_NamedFunction");
    assert_non_null(slot);
    assert_true(slot->stripped);
    assert_int_equal(slot->kind, PE_SYMBOL_DATA);
    assert_ptr_equal(pe_symbol_find(s, "__imp_NamedFunction"), slot);
    assert_non_null(pe_symbol_find(s, "_security_cookie"));
    assert_string_equal(pe_symbol_find(s, "__delayLoadHelper2")->name, "__delayLoadHelper2"); /* a procedure */
    assert_null(pe_symbol_find(s, "_alpha"));
    done(&l, s);
}

/* --- where the PDB lies -------------------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
    size_t size;
    uint8_t *bytes = read_bytes(from, &size);
    FILE *f = fopen(to, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
    free(bytes);
}

static void format_key(const struct pe_codeview *cv, char out[64])
{
    static const int order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
    for (int i = 0; i < 16; i++)
        snprintf(out + i * 2, 3, "%02X", cv->guid[order[i]]);
    snprintf(out + 32, 16, "%X", cv->age);
}

static void finds_the_pdb(void **state)
{
    char dir[] = "/tmp/irplab-pe-XXXXXX", image[300], path[600], key[64];
    assert_non_null(mkdtemp(dir));
    snprintf(image, sizeof image, "%s/rich.dll", dir);
    copy_file(image_path("rich.dll"), image);
    struct pe_image img;
    struct pe_mapped m;
    struct pe_codeview cv;
    assert_int_equal(pe_open_file(image, &img, note, sizeof note), PE_OK);
    assert_int_equal(pe_map_private(&img, &m, note, sizeof note), PE_OK);
    assert_true(pe_codeview(&m, &cv));

    struct pe_symbols *s = pe_symbols_load(&img, image, NULL, note, sizeof note);
    assert_string_equal(note, "rich.pdb not found");
    assert_non_null(pe_symbol_find(s, "alpha")); /* the exports are there */
    assert_null(pe_symbol_find(s, "internal"));
    pe_symbols_free(s);

    s = pe_symbols_load(&img, image, image_dir, note, sizeof note);
    assert_string_equal(note, "");
    assert_non_null(pe_symbol_find(s, "internal"));
    pe_symbols_free(s);

    char folder[400], keyed[500];
    format_key(&cv, key);
    snprintf(folder, sizeof folder, "%s/rich.pdb", dir); /* also in the way of the first place: a directory */
    snprintf(keyed, sizeof keyed, "%s/%s", folder, key);
    snprintf(path, sizeof path, "%s/rich.pdb", keyed);
    mkdir(folder, 0700);
    mkdir(keyed, 0700);
    copy_file(image_path("rich.pdb"), path);
    s = pe_symbols_load(&img, image, dir, note, sizeof note);
    assert_string_equal(note, "");
    assert_non_null(pe_symbol_find(s, "internal"));
    assert_non_null(strstr(pe_symbols_pdb(s), key));
    pe_symbols_free(s);
    unlink(path);
    rmdir(keyed);
    rmdir(folder);
    unlink(image);
    rmdir(dir);
    pe_unmap_private(&m);
    pe_close(&img);
}

/* --- which PDB is refused ------------------------------------------------------------------------------------ */

static void refused(struct loaded *l, const char *path, const char *words)
{
    struct pe_symbols *s = pe_symbols_load(&l->img, path, NULL, note, sizeof note);
    assert_non_null(s);
    assert_null(pe_symbols_pdb(s));
    assert_null(pe_symbol_find(s, "internal"));
    if (!strstr(note, words))
        fail_msg("\"%s\" lacks \"%s\"", note, words);
    pe_symbols_free(s);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

/* Where a stream's byte lies in the file. */
static size_t place(const uint8_t *pdb, size_t size, uint32_t stream, uint32_t offset)
{
    struct pe_msf f;
    assert_int_equal(pe_msf_open_memory(&f, pdb, size, note, sizeof note), PE_OK);
    assert_true(offset < pe_msf_size(&f, stream));
    uint32_t block = f.directory[f.first[stream] + offset / f.block_size];
    size_t at = (size_t)block * f.block_size + offset % f.block_size;
    pe_msf_close(&f);
    return at;
}

static void refuses_other_pdbs(void **state)
{
    char dir[] = "/tmp/irplab-pe-XXXXXX", image[300], pdb[300];
    size_t size;
    assert_non_null(mkdtemp(dir));
    snprintf(image, sizeof image, "%s/rich.dll", dir);
    snprintf(pdb, sizeof pdb, "%s/rich.pdb", dir);
    uint8_t *bytes = read_bytes(image_path("rich.pdb"), &size);
    struct loaded l;
    load(&l, image_path("rich.dll"));

    const struct {
        size_t at;
        const char *words;
    } changes[] = {
        { place(bytes, size, 1, 12), "another build (GUID differs)" },
        { place(bytes, size, 3, 8), "another link (age" },
        { 0, "not a program database" },
        { 33, "bad block size" },
        { 47, "bad directory size" },
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        bytes[changes[i].at] ^= 0x55;
        write_file(pdb, bytes, size);
        refused(&l, image, changes[i].words);
        bytes[changes[i].at] ^= 0x55;
    }
    write_file(pdb, bytes, 40);
    refused(&l, image, "truncated");
    write_file(pdb, bytes, size / 2);
    refused(&l, image, "damaged");
    write_file(pdb, bytes, size);
    struct pe_symbols *s = pe_symbols_load(&l.img, image, NULL, note, sizeof note);
    assert_non_null(pe_symbols_pdb(s));
    pe_symbols_free(s);
    unlink(pdb);
    rmdir(dir);
    free(bytes);
    unload(&l);
}

int main(int argc, char **argv)
{
    image_dir = argc > 1 ? argv[1] : ".";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_coff),
        cmocka_unit_test(respects_ends),
        cmocka_unit_test(reads_a_pdb),
        cmocka_unit_test(strips_publics_only),
        cmocka_unit_test(finds_the_pdb),
        cmocka_unit_test(refuses_other_pdbs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
