/* The registry: keys, values, buffer rules, notifications, queries by table. */
#include "../ex/ex_fixture.h"
#include "cm/cm.h"
#include "mm/mm.h"
#include "nt/io.h"

NTSTATUS ZwNotifyChangeKey(HANDLE key, HANDLE event, PVOID routine, PVOID context, IO_STATUS_BLOCK *iosb, ULONG filter, ULONG tree, PVOID buffer,
                           ULONG length, ULONG asynchronous);
NTSTATUS RtlQueryRegistryValues(ULONG relative, const WCHAR *path, const void *table, PVOID context, PVOID environment);
NTSTATUS RtlWriteRegistryValue(ULONG relative, const WCHAR *path, const WCHAR *name, ULONG type, PVOID data, ULONG size);
NTSTATUS RtlCheckRegistryKey(ULONG relative, WCHAR *path);
NTSTATUS RtlDeleteRegistryValue(ULONG relative, const WCHAR *path, const WCHAR *name);

static int setup(void **state)
{
    ex_machine(state);
    cm_init();
    return 0;
}

static void run(void (*body)(void *))
{
    spawn(body);
    run_to_end("done");
}

static OBJECT_ATTRIBUTES *named(HANDLE root, const char *path)
{
    static WCHAR buffer[300];
    static UNICODE_STRING name;
    static OBJECT_ATTRIBUTES oa;
    name = ob_text(path, buffer, 300);
    oa = (OBJECT_ATTRIBUTES) { sizeof oa, root, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL };
    return &oa;
}

static UNICODE_STRING *text(const char *s)
{
    static WCHAR buffer[4][100];
    static UNICODE_STRING name[4];
    static unsigned i;
    i = (i + 1) % 4;
    name[i] = ob_text(s, buffer[i], 100);
    return &name[i];
}

#define SERVICES "\\Registry\\Machine\\System\\CurrentControlSet\\Services"

static void keys_body(void *unused)
{
    HANDLE services, drv, params;
    ULONG disposition;
    assert_int_equal(ZwOpenKey(&services, KEY_READ, named(NULL, "\\REGISTRY\\machine\\SYSTEM\\ControlSet001\\services")), STATUS_SUCCESS);
    assert_int_equal(ZwOpenKey(&drv, KEY_READ, named(services, "drv")), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(ZwCreateKey(&drv, KEY_READ, named(services, "drv\\Parameters"), 0, NULL, 0, NULL), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(ZwCreateKey(&drv, KEY_READ, named(services, "drv"), 0, NULL, 0, &disposition), STATUS_SUCCESS);
    assert_int_equal(disposition, 1);
    assert_int_equal(ZwCreateKey(&params, KEY_READ, named(services, "DRV\\Parameters"), 0, text("class"), 1, &disposition), STATUS_SUCCESS);
    assert_int_equal(disposition, 1);
    HANDLE child;
    assert_int_equal(ZwCreateKey(&child, KEY_READ, named(params, "kept"), 0, NULL, 0, NULL), STATUS_CHILD_MUST_BE_VOLATILE);
    assert_int_equal(ZwDeleteKey(drv), STATUS_CANNOT_DELETE);
    uint8_t *info = ex_pool_alloc(0, 512, 1);
    ULONG needed;
    assert_int_equal(ZwEnumerateKey(drv, 0, 0, info, 512, &needed), STATUS_SUCCESS);
    assert_int_equal(needed, 16 + 20);
    assert_int_equal(*(ULONG *)(info + 12), 20);
    assert_memory_equal(info + 16, text("Parameters")->Buffer, 20);
    assert_int_equal(ZwEnumerateKey(drv, 0, 0, info, 20, &needed), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(ZwEnumerateKey(drv, 0, 0, info, 15, &needed), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(needed, 36);
    assert_int_equal(ZwEnumerateKey(drv, 1, 0, info, 512, &needed), STATUS_NO_MORE_ENTRIES);
    assert_int_equal(ZwQueryKey(drv, 3, info, 512, &needed), STATUS_SUCCESS);
    UNICODE_STRING *full = text("\\REGISTRY\\MACHINE\\SYSTEM\\CurrentControlSet\\Services\\drv");
    assert_int_equal(*(ULONG *)info, full->Length);
    assert_memory_equal(info + 4, full->Buffer, full->Length);
    assert_int_equal(ZwQueryKey(params, 2, info, 512, &needed), STATUS_SUCCESS);
    assert_int_equal(*(ULONG *)(info + 16), 10); /* class length */
    assert_int_equal(ZwDeleteKey(params), STATUS_SUCCESS);
    assert_int_equal(ZwQueryKey(params, 0, info, 512, &needed), STATUS_KEY_DELETED);
    assert_int_equal(ZwDeleteKey(drv), STATUS_SUCCESS);
    ex_pool_free(info);
    HANDLE all[] = { services, drv, params };
    for (int i = 0; i < 3; i++)
        assert_int_equal(ob_handle_close(ps_system(), all[i]), STATUS_SUCCESS);
    note("done");
}

static void keys(void **state)
{
    run(keys_body);
}

static void values_body(void *unused)
{
    HANDLE k;
    ULONG needed, dword = 7;
    uint8_t *info = ex_pool_alloc(0, 512, 1);
    ZwCreateKey(&k, KEY_ALL_ACCESS, named(NULL, SERVICES "\\v"), 0, NULL, 0, NULL);
    assert_int_equal(ZwQueryValueKey(k, text("x"), 2, info, 512, &needed), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(ZwSetValueKey(k, text("Answer"), 0, REG_DWORD, &dword, 4), STATUS_SUCCESS);
    assert_int_equal(ZwSetValueKey(k, text(""), 0, REG_SZ, L"\0", 4), STATUS_SUCCESS);
    assert_int_equal(ZwQueryValueKey(k, text("ANSWER"), 2, info, 512, &needed), STATUS_SUCCESS);
    assert_int_equal(needed, 16);
    assert_int_equal(*(ULONG *)(info + 4), REG_DWORD);
    assert_int_equal(*(ULONG *)(info + 8), 4);
    assert_int_equal(*(ULONG *)(info + 12), 7);
    assert_int_equal(ZwQueryValueKey(k, text("answer"), 2, info, 12, &needed), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(ZwQueryValueKey(k, text("answer"), 2, info, 11, &needed), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(needed, 16);
    assert_int_equal(ZwQueryValueKey(k, text("answer"), 1, info, 512, &needed), STATUS_SUCCESS);
    assert_int_equal(*(ULONG *)(info + 8), 32); /* 20 + 12 */
    assert_int_equal(*(ULONG *)(info + 32), 7);
    assert_int_equal(ZwQueryValueKey(k, text("answer"), 0, info, 512, &needed), STATUS_SUCCESS);
    assert_int_equal(needed, 24);
    assert_int_equal(ZwQueryValueKey(k, text("answer"), 9, info, 512, &needed), STATUS_INVALID_PARAMETER);
    assert_int_equal(ZwEnumerateValueKey(k, 1, 2, info, 512, &needed), STATUS_SUCCESS);
    assert_int_equal(*(ULONG *)(info + 4), REG_SZ);
    assert_int_equal(ZwEnumerateValueKey(k, 2, 2, info, 512, &needed), STATUS_NO_MORE_ENTRIES);
    assert_int_equal(ZwDeleteValueKey(k, text("answer")), STATUS_SUCCESS);
    assert_int_equal(ZwDeleteValueKey(k, text("answer")), STATUS_OBJECT_NAME_NOT_FOUND);
    ex_pool_free(info);
    ob_handle_close(ps_system(), k);
    note("done");
}

static void values(void **state)
{
    run(values_body);
}

static HANDLE watched;
static void watcher(void *unused)
{
    ZwCreateKey(&watched, KEY_ALL_ACCESS, named(NULL, SERVICES "\\w"), 0, NULL, 0, NULL);
    assert_int_equal(ZwNotifyChangeKey(watched, NULL, NULL, NULL, NULL, 4, FALSE, NULL, 0, FALSE), STATUS_NOTIFY_ENUM_DIR);
    note("told");
}

static void changer(void *unused)
{
    HANDLE other;
    ZwCreateKey(&other, KEY_ALL_ACCESS, named(watched, "below"), 0, NULL, 0, NULL); /* not asked for */
    ULONG one = 1;
    ZwSetValueKey(other, text("a"), 0, REG_DWORD, &one, 4); /* not in this key */
    note("change");
    ZwSetValueKey(watched, text("a"), 0, REG_DWORD, &one, 4);
}

static void a_change_wakes_who_waits_for_it(void **state)
{
    spawn(watcher);
    spawn(changer);
    run_to_end("change told");
}

struct query {
    PVOID routine;
    ULONG flags;
    const WCHAR *name;
    PVOID entry_context;
    ULONG default_type;
    PVOID default_data;
    ULONG default_length;
};
enum { SUBKEY = 1, TOPKEY = 2, REQUIRED = 4, NOEXPAND = 0x10, DIRECT = 0x20, DELETE_IT = 0x40, TYPECHECK = 0x100 };

/* A queried routine in machine code: adds ValueType to *EntryContext, returns success. EntryContext is the sixth argument. */
static const uint8_t add_type[] = { 0x48, 0x8B, 0x44, 0x24, 0x30, 0x01, 0x10, 0x31, 0xC0, 0xC3 };

static void table_body(void *unused)
{
    static const char path[] = "HKLM\\System\\CurrentControlSet\\Services\\t";
    cm_set_dword(path, "number", 5);
    cm_set_text(path, "string", "hello");
    static const WCHAR multi[] = { 'a', 0, 'b', 'c', 0, 0 };
    cm_set_value(path, "multi", REG_MULTI_SZ, multi, sizeof multi);
    static const WCHAR expand[] = { '%', 's', 'y', 's', 't', 'e', 'm', 'r', 'o', 'o', 't', '%', '\\', 'x', 0 };
    cm_set_value(path, "expand", REG_EXPAND_SZ, expand, sizeof expand);
    cm_set_dword("HKLM\\System\\CurrentControlSet\\Services\\t\\sub", "number", 9);
    WCHAR *names = ex_pool_alloc(0, 2048, 1);
    memset(names, 0, 2048);
    static const char *const words[] = { "t", "number", "string", "multi", "expand", "missing", "sub" };
    for (unsigned i = 0; i < 7; i++)
        for (unsigned k = 0; words[i][k]; k++)
            names[i * 20 + k] = (WCHAR)words[i][k];
    const WCHAR *t = names, *number = names + 20, *string = names + 40, *multi_name = names + 60, *expand_name = names + 80, *missing = names + 100, *sub = names + 120;
    ULONG *out = ex_pool_alloc(0, 64, 1);
    memset(out, 0, 64);
    UNICODE_STRING *s = ex_pool_alloc(0, sizeof *s, 1), *e = ex_pool_alloc(0, sizeof *e, 1);
    memset(s, 0, sizeof *s);
    memset(e, 0, sizeof *e);
    PVOID routine = guest_code(add_type, sizeof add_type);
    ULONG fallback = 3;
    struct query q[] = {
        { NULL, DIRECT, number, &out[0] },
        { NULL, DIRECT, string, s },
        { NULL, DIRECT, expand_name, e },
        { NULL, DIRECT, missing, &out[1], REG_DWORD, &fallback, 4 },
        { NULL, DIRECT, missing, &out[2] },
        { routine, 0, multi_name, &out[3] }, /* twice, each REG_SZ */
        { routine, NOEXPAND, multi_name, &out[4] },
        { NULL, SUBKEY, sub, NULL },
        { NULL, DIRECT, number, &out[5] },
        { NULL, TOPKEY | DIRECT | TYPECHECK, number, &out[6], REG_DWORD << 24 },
        { routine, 0, NULL, &out[7] }, /* all */
        { 0 },
    };
    assert_int_equal(RtlQueryRegistryValues(1, t, q, NULL, NULL), STATUS_SUCCESS);
    assert_int_equal(out[0], 5);
    assert_int_equal(s->Length, 10);
    assert_int_equal(s->Buffer[5], 0);
    assert_int_equal(e->Length, strlen("C:\\Windows\\x") * 2);
    assert_int_equal(out[1], 3);
    assert_int_equal(out[2], 0);
    assert_int_equal(out[3], 2 * REG_SZ);
    assert_int_equal(out[4], REG_MULTI_SZ);
    assert_int_equal(out[5], 9);
    assert_int_equal(out[6], 5);
    assert_int_equal(out[7], REG_DWORD + REG_SZ + 2 * REG_SZ + REG_SZ);
    ex_pool_free(s->Buffer);
    ex_pool_free(e->Buffer);
    struct query required[] = { { NULL, DIRECT | REQUIRED, missing, &out[0] }, { 0 } };
    assert_int_equal(RtlQueryRegistryValues(1, t, required, NULL, NULL), STATUS_OBJECT_NAME_NOT_FOUND);
    struct query wrong[] = { { NULL, DIRECT | TYPECHECK, string, &out[0], REG_DWORD << 24 }, { 0 } };
    assert_int_equal(RtlQueryRegistryValues(1, t, wrong, NULL, NULL), STATUS_OBJECT_TYPE_MISMATCH);
    assert_int_equal(RtlQueryRegistryValues(1, missing, wrong, NULL, NULL), STATUS_OBJECT_NAME_NOT_FOUND);
    struct query delete[] = { { routine, DELETE_IT, number, &out[0] }, { 0 } };
    assert_int_equal(RtlQueryRegistryValues(1, t, delete, NULL, NULL), STATUS_SUCCESS);
    assert_int_equal(cm_get_value(path, "number", NULL, NULL, 0), -1);
    ULONG nine = 9;
    assert_int_equal(RtlWriteRegistryValue(1, t, number, REG_DWORD, &nine, 4), STATUS_SUCCESS);
    assert_int_equal(cm_get_value(path, "number", NULL, &nine, 4), 4);
    assert_int_equal(RtlDeleteRegistryValue(1, t, number), STATUS_SUCCESS);
    assert_int_equal(RtlCheckRegistryKey(1, (WCHAR *)missing), STATUS_OBJECT_NAME_NOT_FOUND);
    void *all[] = { names, out, s, e };
    for (int i = 0; i < 4; i++)
        ex_pool_free(all[i]);
    note("done");
}

static void tables(void **state)
{
    uint64_t before, after, bytes;
    mm_pool_totals(&before, &bytes);
    run(table_body);
    mm_pool_totals(&after, &bytes);
    assert_int_equal(before, after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keys, setup),
        cmocka_unit_test_setup(values, setup),
        cmocka_unit_test_setup(a_change_wakes_who_waits_for_it, setup),
        cmocka_unit_test_setup(tables, setup),
    };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
