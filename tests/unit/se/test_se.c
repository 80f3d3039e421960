/* Access checks, tokens, descriptors. */
#include "../ex/ex_fixture.h"
#include "mm/mm.h"
#include "rtl/security.h"
#include "se/se.h"

BOOLEAN SeAccessCheck(PVOID descriptor, PVOID subject, ULONG locked, ULONG desired, ULONG previous, PVOID *privileges, const GENERIC_MAPPING *mapping,
                      ULONG mode, ACCESS_MASK *granted, NTSTATUS *status);
NTSTATUS SeQueryInformationToken(PVOID token, ULONG class, PVOID *information);
NTSTATUS ZwOpenProcessTokenEx(HANDLE process, ULONG access, ULONG attributes, HANDLE *handle);
NTSTATUS ZwQueryInformationToken(HANDLE handle, ULONG class, PVOID information, ULONG length, ULONG *needed);
NTSTATUS SeAssignSecurity(PVOID parent, const SECURITY_DESCRIPTOR *explicit_sd, PVOID *out, ULONG directory, PVOID subject, PVOID mapping, ULONG pool_type);
NTSTATUS SeDeassignSecurity(PVOID *sd);
void se_data_exports(void *at);

static int setup(void **state)
{
    ex_machine(state);
    se_init();
    return 0;
}

static void generic_rights_are_mapped_and_granted(void **state)
{
    const GENERIC_MAPPING mapping = { FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS };
    ACCESS_MASK granted;
    NTSTATUS status;
    SECURITY_DESCRIPTOR sd;
    RtlCreateSecurityDescriptor(&sd, 1);
    assert_true(SeAccessCheck(&sd, NULL, FALSE, GENERIC_READ | DELETE, 0, NULL, &mapping, UserMode, &granted, &status));
    assert_int_equal(granted, FILE_GENERIC_READ | DELETE);
    assert_true(SeAccessCheck(&sd, NULL, FALSE, MAXIMUM_ALLOWED, 0, NULL, &mapping, UserMode, &granted, &status));
    assert_int_equal(granted, FILE_ALL_ACCESS);
    assert_false(SeAccessCheck(NULL, NULL, FALSE, GENERIC_READ, 0, NULL, &mapping, UserMode, &granted, &status));
    assert_int_equal(status, STATUS_ACCESS_DENIED);
    assert_true(SeAccessCheck(NULL, NULL, FALSE, GENERIC_READ, 0, NULL, &mapping, KernelMode, &granted, &status));
}

static void token_body(void *unused)
{
    SID_AND_ATTRIBUTES *user;
    assert_int_equal(SeQueryInformationToken(se_token(), 1, (PVOID *)&user), STATUS_SUCCESS);
    assert_true(RtlValidSid(user->Sid));
    assert_int_equal(user->Sid->SubAuthority[0], 18);
    ex_pool_free(user);
    HANDLE h;
    ULONG needed, *information = ex_pool_alloc(0, 64, 1);
    assert_int_equal(ZwOpenProcessTokenEx(NT_CURRENT_PROCESS, 8, OBJ_KERNEL_HANDLE, &h), STATUS_SUCCESS);
    assert_int_equal(ZwQueryInformationToken(h, 1, information, 4, &needed), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(needed, 28);
    assert_int_equal(ZwQueryInformationToken(h, 20, information, 64, &needed), STATUS_SUCCESS);
    assert_int_equal(*information, 1);
    assert_int_equal(ZwQueryInformationToken(h, 99, information, 64, &needed), STATUS_INVALID_INFO_CLASS);
    ob_handle_close(ps_system(), h);
    ex_pool_free(information);
    note("done");
}

static void tokens_answer(void **state)
{
    spawn(token_body);
    run_to_end("done");
}

static void descriptors_are_copied(void **state)
{
    SECURITY_DESCRIPTOR sd;
    RtlCreateSecurityDescriptor(&sd, 1);
    RtlSetOwnerSecurityDescriptor(&sd, se_sid_make(5, 1, (uint32_t[]) { 18 }), FALSE);
    PVOID out;
    assert_int_equal(SeAssignSecurity(NULL, &sd, &out, FALSE, NULL, NULL, 1), STATUS_SUCCESS);
    SID *owner;
    BOOLEAN defaulted;
    assert_int_equal(RtlGetOwnerSecurityDescriptor(out, &owner, &defaulted), STATUS_SUCCESS);
    assert_int_equal(owner->SubAuthority[0], 18);
    SeDeassignSecurity(&out);
    assert_null(out);
}

static void well_known_sids_are_where_drivers_look(void **state)
{
    uint64_t *exports;
    se_data_exports(&exports);
    /* SE_EXPORTS: 23 LUIDs, then SeNullSid, …, SeLocalSystemSid is the eleventh SID, SeAliasAdminsSid the twelfth. */
    assert_int_equal(exports[18], 20); /* SeDebugPrivilege */
    const SID *system = (const SID *)exports[23 + 10], *admins = (const SID *)exports[23 + 11], *world = (const SID *)exports[24];
    assert_int_equal(system->SubAuthority[0], 18);
    assert_int_equal(admins->SubAuthorityCount, 2);
    assert_int_equal(admins->SubAuthority[1], 544);
    assert_int_equal(world->IdentifierAuthority.Value[5], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(generic_rights_are_mapped_and_granted, setup),
        cmocka_unit_test_setup(tokens_answer, setup),
        cmocka_unit_test_setup(descriptors_are_copied, setup),
        cmocka_unit_test_setup(well_known_sids_are_where_drivers_look, setup),
    };
    return cmocka_run_group_tests(tests, fixture_map, NULL);
}
