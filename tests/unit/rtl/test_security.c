/* SIDs, ACLs, security descriptors. */
#include "rtl/pool_hooks.h"
#include "rtl/security.h"
#include "rtl/string.h"
#include "support.h"

/* S-1-5-32-544 (administrators), S-1-5-18 (the system), S-1-1-0 (everyone) */
static const UCHAR administrators[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0};
static const UCHAR local_system[] = {1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0};
static const UCHAR world[] = {1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};

#define SID_OF(bytes) ((SID *)(ULONG_PTR)(bytes))

static void sids(void **state)
{
    static const SID_IDENTIFIER_AUTHORITY nt = {{0, 0, 0, 0, 0, 5}};
    UCHAR buffer[32];
    SID *sid = (SID *)buffer;
    assert_int_equal(RtlLengthRequiredSid(2), 16);
    assert_int_equal(RtlInitializeSid(sid, &nt, 2), STATUS_SUCCESS);
    *RtlSubAuthoritySid(sid, 0) = 32;
    *RtlSubAuthoritySid(sid, 1) = 544;
    assert_int_equal(*RtlSubAuthorityCountSid(sid), 2);
    assert_int_equal(RtlIdentifierAuthoritySid(sid)->Value[5], 5);
    assert_int_equal(RtlLengthSid(sid), 16);
    assert_true(RtlEqualSid(sid, SID_OF(administrators)));
    assert_false(RtlEqualSid(sid, SID_OF(local_system)));
    assert_true(RtlValidSid(sid));
    assert_int_equal(RtlInitializeSid(sid, &nt, 16), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlCopySid(15, sid, SID_OF(administrators)), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(RtlCopySid(16, sid, SID_OF(administrators)), STATUS_SUCCESS);
    *RtlSubAuthoritySid(sid, 1) = 545;
    assert_false(RtlEqualSid(sid, SID_OF(administrators)));
    assert_true(RtlEqualPrefixSid(sid, SID_OF(administrators)));
    buffer[0] = 2;
    assert_false(RtlValidSid(sid));
    assert_false(RtlValidSid(NULL));
}

static void sid_text(void **state)
{
    static const UCHAR large[] = {1, 1, 0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xFF, 0xFF, 0xFF, 0xFF};
    UNICODE_STRING s;
    assert_int_equal(RtlConvertSidToUnicodeString(&s, SID_OF(administrators), TRUE), STATUS_SUCCESS);
    assert_unicode_equal(&s, u"S-1-5-32-544");
    RtlFreeUnicodeString(&s);
    assert_int_equal(RtlConvertSidToUnicodeString(&s, SID_OF(large), TRUE), STATUS_SUCCESS);
    assert_unicode_equal(&s, u"S-1-0x123456789abc-4294967295");
    s.MaximumLength = 10;
    assert_int_equal(RtlConvertSidToUnicodeString(&s, SID_OF(administrators), FALSE), STATUS_BUFFER_OVERFLOW);
    RtlFreeUnicodeString(&s);
}

static void allocated_sid(void **state)
{
    static const SID_IDENTIFIER_AUTHORITY nt = {{0, 0, 0, 0, 0, 5}};
    SID *sid;
    assert_int_equal(RtlAllocateAndInitializeSid(&nt, 2, 32, 544, 0, 0, 0, 0, 0, 0, &sid), STATUS_SUCCESS);
    assert_true(RtlEqualSid(sid, SID_OF(administrators)));
    assert_null(RtlFreeSid(sid));
    assert_int_equal(RtlAllocateAndInitializeSid(&nt, 9, 0, 0, 0, 0, 0, 0, 0, 0, &sid), STATUS_INVALID_SID);
}

static void sid_arrays_and_luids(void **state)
{
    SID_AND_ATTRIBUTES from[2] = {{SID_OF(world), 7}, {SID_OF(administrators), 4}};
    SID_AND_ATTRIBUTES to[2];
    UCHAR area[40];
    UCHAR *rest;
    ULONG size;
    assert_int_equal(RtlCopySidAndAttributesArray(2, from, 40, to, area, &rest, &size), STATUS_SUCCESS);
    assert_ptr_equal(rest, area + 28);
    assert_int_equal(size, 12);
    assert_true(RtlEqualSid(to[1].Sid, SID_OF(administrators)));
    assert_int_equal(to[0].Attributes, 7);
    assert_int_equal(RtlCopySidAndAttributesArray(2, from, 27, to, area, &rest, &size), STATUS_BUFFER_TOO_SMALL);
    LUID a = {1, 2}, b;
    RtlCopyLuid(&b, &a);
    assert_true(RtlEqualLuid(&a, &b));
    b.HighPart = 3;
    assert_false(RtlEqualLuid(&a, &b));
}

static void acls(void **state)
{
    UCHAR buffer[64];
    ACL *acl = (ACL *)buffer;
    PVOID ace;
    ULONG index;
    assert_int_equal(RtlCreateAcl(acl, 7, ACL_REVISION), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(RtlCreateAcl(acl, 64, 1), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlCreateAcl(acl, 64, ACL_REVISION), STATUS_SUCCESS);
    assert_true(RtlValidAcl(acl));
    assert_int_equal(RtlGetAce(acl, 0, &ace), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlAddAccessAllowedAce(acl, ACL_REVISION, 0x1F01FF, SID_OF(administrators)), STATUS_SUCCESS);
    assert_int_equal(RtlAddAccessDeniedAceEx(acl, ACL_REVISION, CONTAINER_INHERIT_ACE, 1, SID_OF(world)), STATUS_SUCCESS);
    assert_int_equal(acl->AceCount, 2);
    assert_true(RtlValidAcl(acl));
    assert_int_equal(RtlGetAce(acl, 1, &ace), STATUS_SUCCESS);
    const ACCESS_ALLOWED_ACE *denied = ace;
    assert_int_equal(denied->Header.AceType, ACCESS_DENIED_ACE_TYPE);
    assert_int_equal(denied->Header.AceFlags, CONTAINER_INHERIT_ACE);
    assert_int_equal(denied->Header.AceSize, 20);
    assert_int_equal(denied->Mask, 1);
    assert_memory_equal(&denied->SidStart, world, sizeof world);
    assert_ptr_equal(RtlFindAceByType(acl, ACCESS_DENIED_ACE_TYPE, &index), denied);
    assert_int_equal(index, 1);
    assert_null(RtlFindAceByType(acl, SYSTEM_AUDIT_ACE_TYPE, NULL));
    assert_int_equal(RtlAddAccessAllowedAce(acl, ACL_REVISION, 1, SID_OF(local_system)), STATUS_ALLOTTED_SPACE_EXCEEDED);
    /* Move the denying entry to the front. */
    UCHAR copy[20];
    memcpy(copy, ace, sizeof copy);
    assert_int_equal(RtlDeleteAce(acl, 1), STATUS_SUCCESS);
    assert_int_equal(RtlAddAce(acl, ACL_REVISION, 0, copy, sizeof copy), STATUS_SUCCESS);
    assert_true(RtlValidAcl(acl));
    assert_int_equal(RtlGetAce(acl, 0, &ace), STATUS_SUCCESS);
    assert_memory_equal(ace, copy, sizeof copy);
    assert_int_equal(RtlGetAce(acl, 1, &ace), STATUS_SUCCESS);
    assert_int_equal(((ACE_HEADER *)ace)->AceType, ACCESS_ALLOWED_ACE_TYPE);
    assert_int_equal(RtlAddAce(acl, ACL_REVISION, 0, copy, sizeof copy), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(RtlDeleteAce(acl, 2), STATUS_INVALID_PARAMETER);
    ((ACE_HEADER *)ace)->AceSize = 60;
    assert_false(RtlValidAcl(acl));
}

static void descriptors(void **state)
{
    UCHAR acl_buffer[64];
    ACL *acl = (ACL *)acl_buffer;
    SECURITY_DESCRIPTOR sd;
    SID *owner;
    ACL *dacl = (ACL *)1;
    BOOLEAN present, defaulted = 9;
    USHORT control;
    ULONG revision;
    assert_int_equal(RtlCreateSecurityDescriptor(&sd, 2), STATUS_UNKNOWN_REVISION);
    assert_int_equal(RtlCreateSecurityDescriptor(&sd, SECURITY_DESCRIPTOR_REVISION), STATUS_SUCCESS);
    assert_true(RtlValidSecurityDescriptor(&sd));
    assert_int_equal(RtlLengthSecurityDescriptor(&sd), 40);
    assert_int_equal(RtlGetDaclSecurityDescriptor(&sd, &present, &dacl, &defaulted), STATUS_SUCCESS);
    assert_false(present);
    assert_ptr_equal(dacl, (ACL *)1); /* untouched */
    RtlCreateAcl(acl, 64, ACL_REVISION);
    RtlAddAccessAllowedAce(acl, ACL_REVISION, 1, SID_OF(world));
    assert_int_equal(RtlSetDaclSecurityDescriptor(&sd, TRUE, acl, FALSE), STATUS_SUCCESS);
    assert_int_equal(RtlSetOwnerSecurityDescriptor(&sd, SID_OF(administrators), TRUE), STATUS_SUCCESS);
    assert_int_equal(RtlSetGroupSecurityDescriptor(&sd, SID_OF(local_system), FALSE), STATUS_SUCCESS);
    assert_int_equal(RtlGetDaclSecurityDescriptor(&sd, &present, &dacl, &defaulted), STATUS_SUCCESS);
    assert_true(present);
    assert_false(defaulted);
    assert_ptr_equal(dacl, acl);
    assert_int_equal(RtlGetOwnerSecurityDescriptor(&sd, &owner, &defaulted), STATUS_SUCCESS);
    assert_true(defaulted);
    assert_ptr_equal(owner, SID_OF(administrators));
    assert_int_equal(RtlGetControlSecurityDescriptor(&sd, &control, &revision), STATUS_SUCCESS);
    assert_int_equal(control, SE_DACL_PRESENT | SE_OWNER_DEFAULTED);
    assert_int_equal(RtlSetControlSecurityDescriptor(&sd, SE_DACL_PROTECTED, SE_DACL_PROTECTED), STATUS_SUCCESS);
    assert_int_equal(RtlSetControlSecurityDescriptor(&sd, SE_DACL_PRESENT, 0), STATUS_INVALID_PARAMETER);
    assert_true(RtlValidSecurityDescriptor(&sd));
    assert_int_equal(RtlLengthSecurityDescriptor(&sd), 40 + 16 + 12 + 64);
}

static void descriptors_self_relative(void **state)
{
    UCHAR acl_buffer[32], buffer[256], dacl_buffer[64], owner_buffer[32], group_buffer[32];
    ACL *acl = (ACL *)acl_buffer;
    SECURITY_DESCRIPTOR sd, back;
    SECURITY_DESCRIPTOR_RELATIVE *relative = (SECURITY_DESCRIPTOR_RELATIVE *)buffer;
    ULONG size = 10;
    RtlCreateAcl(acl, 32, ACL_REVISION);
    RtlAddAccessAllowedAce(acl, ACL_REVISION, 1, SID_OF(world));
    RtlCreateSecurityDescriptor(&sd, 1);
    RtlSetDaclSecurityDescriptor(&sd, TRUE, acl, FALSE);
    RtlSetOwnerSecurityDescriptor(&sd, SID_OF(administrators), FALSE);
    assert_int_equal(RtlAbsoluteToSelfRelativeSD(&sd, relative, &size), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(size, 20 + 16 + 32);
    assert_int_equal(RtlAbsoluteToSelfRelativeSD(&sd, relative, &size), STATUS_SUCCESS);
    assert_true(relative->Control & SE_SELF_RELATIVE);
    assert_int_equal(relative->Group, 0);
    assert_true(RtlValidSecurityDescriptor((SECURITY_DESCRIPTOR *)relative));
    assert_true(RtlValidRelativeSecurityDescriptor(relative, size, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION));
    assert_false(RtlValidRelativeSecurityDescriptor(relative, size, GROUP_SECURITY_INFORMATION));
    assert_false(RtlValidRelativeSecurityDescriptor(relative, size - 4, 0));
    assert_int_equal(RtlLengthSecurityDescriptor((SECURITY_DESCRIPTOR *)relative), size);
    assert_int_equal(RtlSetOwnerSecurityDescriptor((SECURITY_DESCRIPTOR *)relative, NULL, FALSE), STATUS_INVALID_SECURITY_DESCR);
    assert_int_equal(RtlAbsoluteToSelfRelativeSD((SECURITY_DESCRIPTOR *)relative, relative, &size), STATUS_BAD_DESCRIPTOR_FORMAT);

    ULONG sd_size = 0, dacl_size = 0, sacl_size = 0, owner_size = 0, group_size = 0;
    assert_int_equal(RtlSelfRelativeToAbsoluteSD(relative, &back, &sd_size, (ACL *)dacl_buffer, &dacl_size, NULL, &sacl_size,
                                                 (SID *)owner_buffer, &owner_size, (SID *)group_buffer, &group_size),
                     STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(sd_size, 40);
    assert_int_equal(dacl_size, 32);
    assert_int_equal(owner_size, 16);
    assert_int_equal(group_size, 0);
    assert_int_equal(RtlSelfRelativeToAbsoluteSD(relative, &back, &sd_size, (ACL *)dacl_buffer, &dacl_size, NULL, &sacl_size,
                                                 (SID *)owner_buffer, &owner_size, (SID *)group_buffer, &group_size),
                     STATUS_SUCCESS);
    assert_ptr_equal(back.Owner, owner_buffer);
    assert_null(back.Group);
    assert_memory_equal(back.Dacl, acl, 32);
    assert_int_equal(back.Control, SE_DACL_PRESENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sids),          cmocka_unit_test(sid_text),
        cmocka_unit_test(allocated_sid), cmocka_unit_test(sid_arrays_and_luids),
        cmocka_unit_test(acls),          cmocka_unit_test(descriptors),
        cmocka_unit_test(descriptors_self_relative),
    };
    return cmocka_run_group_tests(tests, NULL, no_blocks_are_left);
}
