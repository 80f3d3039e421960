/* Imports, exports, forwarders, TLS, load configuration, .pdata, CodeView of images whose contents are known. */
#include "support.h"

#include "pe/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char err[PE_ERROR_TEXT];

/* --- imports -------------------------------------------------------------------------------------------- */

struct seen {
    char text[1000];
    unsigned count, stop_after;
    uint32_t last_slot;
};

static bool see_import(void *ctx, const struct pe_import *imp)
{
    struct seen *s = ctx;
    size_t n = strlen(s->text);
    if (imp->name)
        snprintf(s->text + n, sizeof s->text - n, "%s%s!%s ", imp->delay ? "late:" : "", imp->module, imp->name);
    else
        snprintf(s->text + n, sizeof s->text - n, "%s%s#%u ", imp->delay ? "late:" : "", imp->module, imp->ordinal);
    s->last_slot = imp->slot_rva;
    return ++s->count != s->stop_after;
}

static void lists_imports(void **state)
{
    struct loaded l;
    load(&l, image_path("rich.dll"));
    struct seen s = { 0 };
    assert_int_equal(pe_imports(&l.m, see_import, &s, err, sizeof err), PE_OK);
    assert_string_equal(s.text, "other.sys!NamedData other.sys!NamedFunction other.sys#12 "
                                "late:late.dll!LateFunction late:late.dll#77 ");
    struct seen few = { .stop_after = 2 };
    assert_int_equal(pe_imports(&l.m, see_import, &few, err, sizeof err), PE_STOPPED);
    assert_int_equal(few.count, 2);
    unload(&l);
}

static bool bind_slot(void *ctx, const struct pe_import *imp)
{
    struct pe_mapped *m = ctx;
    uint64_t address = 0xffff800000000000 + imp->slot_rva;
    memcpy(pe_at(m, imp->slot_rva, 8), &address, 8);
    return true;
}

/* Without a lookup table the address table is both; binding it while iterating must not confuse the iteration. */
static void binds_without_lookup_table(void **state)
{
    struct loaded l;
    load(&l, image_path("rich.dll"));
    l.m.dirs[PE_DIR_DELAY_IMPORT] = (struct pe_directory){ 0 };
    struct pe_raw_import *raw = pe_at(&l.m, l.m.dirs[PE_DIR_IMPORT].rva, sizeof *raw);
    raw->lookup_rva = 0;
    assert_int_equal(pe_imports(&l.m, bind_slot, &l.m, err, sizeof err), PE_OK);
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t v;
        memcpy(&v, pe_at(&l.m, raw->iat_rva + i * 8, 8), 8);
        assert_int_equal(v, 0xffff800000000000 + raw->iat_rva + i * 8);
    }
    unload(&l);
}

static void refuses_bad_imports(void **state)
{
    struct loaded l;
    struct seen s = { 0 };
    load(&l, image_path("rich.dll"));
    struct pe_raw_import *raw = pe_at(&l.m, l.m.dirs[PE_DIR_IMPORT].rva, sizeof *raw), good = *raw;
    raw->name_rva = 0xfffffff0;
    assert_int_equal(pe_imports(&l.m, see_import, &s, err, sizeof err), PE_BAD);
    *raw = good;
    raw->lookup_rva = 0xfffffffc;
    assert_int_equal(pe_imports(&l.m, see_import, &s, err, sizeof err), PE_BAD);
    *raw = good;
    raw->iat_rva = l.m.size - 4;
    assert_int_equal(pe_imports(&l.m, see_import, &s, err, sizeof err), PE_BAD);
    *raw = good;
    uint64_t outside = 0x7fffffffffffffff;
    memcpy(pe_at(&l.m, good.lookup_rva, 8), &outside, 8);
    assert_int_equal(pe_imports(&l.m, see_import, &s, err, sizeof err), PE_BAD);
    assert_non_null(strstr(err, "other.sys names something outside"));
    unload(&l);
}

/* --- exports -------------------------------------------------------------------------------------------- */

static bool see_export(void *ctx, const struct pe_export *e)
{
    struct seen *s = ctx;
    size_t n = strlen(s->text);
    snprintf(s->text + n, sizeof s->text - n, "%s@%u%s%s ", e->name ? e->name : "", e->ordinal,
             e->forward ? "=" : "", e->forward ? e->forward : "");
    assert_true((e->rva == 0) == (e->forward != NULL));
    return ++s->count != s->stop_after;
}

static void lists_exports(void **state)
{
    struct loaded l;
    load(&l, image_path("rich.dll"));
    struct seen s = { 0 };
    assert_int_equal(pe_exports(&l.m, see_export, &s, err, sizeof err), PE_OK);
    assert_string_equal(s.text, "alpha@10 beta@7 counter@11 delta@12=FAR.#12 gamma@13=FAR.AWAY.Function @9 ");
    assert_string_equal(pe_export_module(&l.m), "rich.dll");
    unload(&l);
}

static void finds_exports(void **state)
{
    struct loaded l;
    load(&l, image_path("rich.dll"));
    struct pe_export e, again;
    assert_true(pe_export_by_name(&l.m, "beta", &e));
    assert_int_equal(e.ordinal, 7);
    assert_true(pe_export_by_ordinal(&l.m, 7, &again));
    assert_int_equal(again.rva, e.rva);
    assert_string_equal(again.name, "beta");
    assert_true(pe_export_by_ordinal(&l.m, 9, &e));
    assert_null(e.name);
    assert_false(pe_export_by_ordinal(&l.m, 8, &e));
    assert_false(pe_export_by_ordinal(&l.m, 6, &e));
    assert_false(pe_export_by_ordinal(&l.m, 14, &e));
    assert_false(pe_export_by_ordinal(&l.m, 0xffffffff, &e));
    assert_false(pe_export_by_name(&l.m, "hidden", &e));
    assert_false(pe_export_by_name(&l.m, "", &e));
    assert_false(pe_export_by_name(&l.m, "zeta", &e));
    unload(&l);
}

static void refuses_bad_exports(void **state)
{
    struct loaded l;
    struct seen s = { 0 };
    struct pe_export e;
    load(&l, image_path("rich.dll"));
    struct pe_raw_export *raw = pe_at(&l.m, l.m.dirs[PE_DIR_EXPORT].rva, sizeof *raw), good = *raw;
    raw->function_count = 0xffffffff;
    assert_int_equal(pe_exports(&l.m, see_export, &s, err, sizeof err), PE_BAD);
    assert_false(pe_export_by_name(&l.m, "alpha", &e));
    *raw = good;
    raw->name_count = 0x40000001;
    assert_false(pe_export_by_name(&l.m, "alpha", &e));
    *raw = good;
    raw->names_rva = l.m.size - 2;
    assert_false(pe_export_by_name(&l.m, "alpha", &e));
    *raw = good;
    uint16_t slot = 0xffff; /* the name points past the functions */
    memcpy(pe_at(&l.m, good.ordinals_rva, 2), &slot, 2);
    assert_false(pe_export_by_name(&l.m, "alpha", &e));
    unload(&l);
}

static void parses_forwarders(void **state)
{
    struct pe_forwarder f;
    assert_true(pe_forwarder_parse("NTDLL.RtlAllocateHeap", &f));
    assert_string_equal(f.module, "NTDLL");
    assert_string_equal(f.name, "RtlAllocateHeap");
    assert_true(pe_forwarder_parse("api-ms-win-core.v1.Sleep", &f));
    assert_string_equal(f.module, "api-ms-win-core.v1");
    assert_true(pe_forwarder_parse("A.#65535", &f));
    assert_null(f.name);
    assert_int_equal(f.ordinal, 65535);
    static const char *const bad[] = { "", ".", "A.", ".B", "A", "A.#", "A.#x", "A.#65536", "A.#99999999999999999999" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(pe_forwarder_parse(bad[i], &f));
    char longer[100];
    memset(longer, 'm', sizeof longer);
    strcpy(longer + 80, ".f");
    assert_false(pe_forwarder_parse(longer, &f));
}

/* --- the others ----------------------------------------------------------------------------------------- */

static void reads_tls(void **state)
{
    struct loaded l;
    load(&l, image_path("rich.dll"));
    for (int moved = 0; moved < 2; moved++) {
        struct pe_tls t;
        uint32_t first = 0, second = 0, third;
        assert_true(pe_tls(&l.m, &t));
        assert_int_equal(t.raw_size, 16);
        assert_int_equal(t.zero_fill, 0x30);
        uint64_t value = 0x1122334455667788;
        assert_memory_equal(l.m.base + t.raw_rva, &value, 8);
        assert_true(t.index_rva && t.callbacks_rva);
        assert_true(pe_tls_callback(&l.m, &t, 0, &first) && pe_tls_callback(&l.m, &t, 1, &second));
        assert_true(first != second);
        assert_false(pe_tls_callback(&l.m, &t, 2, &third));
        assert_int_equal(pe_relocate(&l.m, 0x200100000000, err, sizeof err), PE_OK);
    }
    unload(&l);
}

static void reads_load_config(void **state)
{
    struct loaded l;
    load(&l, image_path("rich.dll"));
    for (int moved = 0; moved < 2; moved++) {
        struct pe_load_config c;
        assert_true(pe_load_config(&l.m, &c));
        assert_int_equal(c.size, 0xa0);
        uint64_t cookie = 0x2b992ddfa232;
        assert_memory_equal(l.m.base + c.security_cookie_rva, &cookie, 8);
        assert_int_equal(c.guard_dispatch_pointer_rva, c.guard_check_pointer_rva + 8);
        assert_int_equal(c.guard_flags, 0x100);
        assert_int_equal(c.guard_xfg_check_pointer_rva, 0); /* beyond the size that this image gives */
        assert_int_equal(pe_relocate(&l.m, 0x200100000000, err, sizeof err), PE_OK);
    }
    uint32_t size = 0xffffffff;
    memcpy(pe_at(&l.m, l.m.dirs[PE_DIR_LOAD_CONFIG].rva, 4), &size, 4);
    struct pe_load_config c;
    assert_false(pe_load_config(&l.m, &c));
    unload(&l);
}

static void finds_functions(void **state)
{
    struct loaded l;
    load(&l, image_path("rich.dll"));
    struct pe_export e;
    struct pe_function fn, again;
    assert_true(pe_export_by_name(&l.m, "alpha", &e));
    assert_true(pe_function_entry(&l.m, e.rva, &fn));
    assert_int_equal(fn.begin_rva, e.rva);
    assert_true(pe_function_entry(&l.m, fn.end_rva - 1, &again));
    assert_int_equal(again.begin_rva, e.rva);
    assert_false(pe_function_entry(&l.m, 0, &again));
    assert_false(pe_function_entry(&l.m, l.m.size, &again));
    assert_true(pe_function_count(&l.m) > 3);
    assert_false(pe_function_get(&l.m, pe_function_count(&l.m), &again));
    unload(&l);
}

static void finds_codeview(void **state)
{
    struct loaded l;
    load(&l, image_path("rich.dll"));
    struct pe_codeview cv;
    assert_true(pe_codeview(&l.m, &cv));
    assert_int_equal(cv.age, 1);
    assert_non_null(strstr(cv.path, "rich.pdb"));
    unload(&l);
    load(&l, image_path("driver.sys"));
    assert_int_equal(pe_imports(&l.m, see_import, &(struct seen){ 0 }, err, sizeof err), PE_OK);
    unload(&l);
}

int main(int argc, char **argv)
{
    image_dir = argc > 1 ? argv[1] : ".";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_imports),
        cmocka_unit_test(binds_without_lookup_table),
        cmocka_unit_test(refuses_bad_imports),
        cmocka_unit_test(lists_exports),
        cmocka_unit_test(finds_exports),
        cmocka_unit_test(refuses_bad_exports),
        cmocka_unit_test(parses_forwarders),
        cmocka_unit_test(reads_tls),
        cmocka_unit_test(reads_load_config),
        cmocka_unit_test(finds_functions),
        cmocka_unit_test(finds_codeview),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
