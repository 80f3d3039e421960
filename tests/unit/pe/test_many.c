/* Every PE file of a directory (argv[1]: Wine's, when installed): opening, moving, imports, exports and unwinding
 * of whatever is in them must succeed, and agree with itself. */
#include "support.h"

#include "pe/unwind.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long files, imports, exports, functions;
static char err[PE_ERROR_TEXT];

static bool count_import(void *ctx, const struct pe_import *imp)
{
    imports++;
    assert_true(imp->module[0] && (imp->name == NULL || imp->name[0]));
    return true;
}

static bool check_export(void *ctx, const struct pe_export *e)
{
    const struct pe_mapped *m = ctx;
    struct pe_export named, numbered;
    struct pe_forwarder f;
    exports++;
    assert_true(pe_export_by_ordinal(m, e->ordinal, &numbered));
    assert_int_equal(numbered.rva, e->rva);
    if (e->name) {
        assert_true(pe_export_by_name(m, e->name, &named));
        assert_int_equal(named.ordinal, e->ordinal);
    }
    if (e->forward)
        assert_true(pe_forwarder_parse(e->forward, &f));
    return true;
}

/* --- unwinding ------------------------------------------------------------------------------------------ */

static bool read_made_up(void *ctx, uint64_t va, void *to, size_t len)
{
    const struct pe_mapped *m = ctx;
    if (va - m->va < m->size)
        memcpy(to, m->base + (va - m->va), len);
    else
        memset(to, 0x5a, len);
    return true;
}

/* What the stack pointer gains when the prolog is undone as far as it was executed: in hand-written code (Wine's
 * ntdll) some of it may lie beyond the prolog's stated size. */
static uint64_t frame_size(const struct pe_mapped *m, struct pe_function fn, uint32_t done)
{
    struct pe_unwind_info info;
    struct pe_unwind_op op;
    uint64_t size = 8;
    assert_true(pe_unwind_info(m, &fn, &info));
    for (unsigned i = 0; i < info.code_count; i += op.slots) {
        assert_true(pe_unwind_op(&info, i, &op));
        if (op.code_offset > done)
            continue;
        if (op.op == PE_UWOP_PUSH_NONVOL)
            size += 8;
        if (op.op == PE_UWOP_ALLOC_LARGE || op.op == PE_UWOP_ALLOC_SMALL)
            size += op.operand;
    }
    return info.flags & PE_UNW_CHAININFO ? size - 8 + frame_size(m, info.chained, UINT32_MAX) : size;
}

static void check_unwind(const struct pe_mapped *m, const struct pe_function *fn, uint32_t rva)
{
    struct pe_regs r = { .rip = m->va + rva, .gpr = { [PE_RSP] = 0x700000, [PE_RBP] = 0x700080 } };
    struct pe_unwind_info info;
    struct pe_unwound out;
    assert_true(pe_unwind_info(m, fn, &info));
    enum pe_status st = pe_virtual_unwind(m, fn, 3, &r, read_made_up, (void *)m, &out, err, sizeof err);
    if (st != PE_OK)
        fail_msg("unwind at 0x%x: %s", rva, err);
    if (rva == fn->begin_rva && info.prolog_size)
        assert_int_equal(r.gpr[PE_RSP], 0x700008);
    if (out.part == PE_FRAME_BODY && info.frame_register == 0 && !out.machine_frame)
        assert_int_equal(r.gpr[PE_RSP], 0x700000 + frame_size(m, *fn, rva - fn->begin_rva));
}

static void check_functions(const struct pe_mapped *m)
{
    struct pe_function fn, found;
    for (uint32_t i = 0; pe_function_get(m, i, &fn); i++) {
        functions++;
        if (fn.begin_rva == fn.end_rva) /* an empty function: some assemblers leave one */
            continue;
        assert_true(pe_function_entry(m, fn.begin_rva, &found));
        assert_memory_equal(&fn, &found, sizeof fn);
        for (uint32_t rva = fn.begin_rva; rva < fn.end_rva; rva += (fn.end_rva - fn.begin_rva) / 8 + 1)
            check_unwind(m, &fn, rva);
        check_unwind(m, &fn, fn.end_rva - 1);
    }
}

/* --- files ---------------------------------------------------------------------------------------------- */

static void check_file(const char *path)
{
    struct loaded l;
    load(&l, path);
    if (l.m.relocs_stripped)
        assert_int_equal(pe_relocate(&l.m, 0x200100000000, err, sizeof err), PE_NO_RELOCATIONS);
    else if (pe_relocate(&l.m, 0x200100000000, err, sizeof err) != PE_OK)
        fail_msg("%s: %s", path, err);
    if (pe_imports(&l.m, count_import, NULL, err, sizeof err) != PE_OK)
        fail_msg("%s: %s", path, err);
    if (pe_exports(&l.m, check_export, &l.m, err, sizeof err) != PE_OK)
        fail_msg("%s: %s", path, err);
    check_functions(&l.m);
    unload(&l);
}

static void all_files(void **state)
{
    DIR *d = opendir(*state);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        char path[4096];
        struct pe_image img;
        snprintf(path, sizeof path, "%s/%s", (const char *)*state, e->d_name);
        if (pe_open_file(path, &img, err, sizeof err) != PE_OK) {
            assert_true(strstr(err, "directory") || strstr(err, "not a PE image") || strstr(err, "32-bit"));
            continue;
        }
        pe_close(&img);
        files++;
        check_file(path);
    }
    closedir(d);
    printf("%lu images, %lu imports, %lu exports, %lu functions\n", files, imports, exports, functions);
    assert_true(files > 0);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 77; /* skipped */
    const struct CMUnitTest tests[] = { cmocka_unit_test_prestate(all_files, argv[1]) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
