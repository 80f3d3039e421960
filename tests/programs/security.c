/* Security descriptors, lists and identifiers; registry notification. */
#include "check.h"

#include <sddl.h>

static void test_sids(void)
{
    SID_IDENTIFIER_AUTHORITY nt = SECURITY_NT_AUTHORITY, world = SECURITY_WORLD_SID_AUTHORITY;
    PSID admins, everyone;
    char *text = NULL;
    UCHAR copy[64];
    BOOL member = FALSE;
    CHECK(AllocateAndInitializeSid(&nt, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS, 0, 0, 0, 0, 0, 0, &admins));
    CHECK(AllocateAndInitializeSid(&world, 1, SECURITY_WORLD_RID, 0, 0, 0, 0, 0, 0, 0, &everyone));
    CHECK(IsValidSid(admins));
    CHECK_EQ(GetLengthSid(admins), 16);
    CHECK_EQ(GetSidLengthRequired(2), 16);
    CHECK_EQ(*GetSidSubAuthorityCount(admins), 2);
    CHECK_EQ(*GetSidSubAuthority(admins, 1), DOMAIN_ALIAS_RID_ADMINS);
    CHECK(!EqualSid(admins, everyone));
    CHECK(CopySid(sizeof copy, copy, admins));
    CHECK(EqualSid(admins, copy));
    CHECK(!CopySid(8, copy, admins));
    CHECK(ConvertSidToStringSidA(admins, &text));
    CHECK_STR(text, "S-1-5-32-544");
    LocalFree(text);
    CHECK(CheckTokenMembership(NULL, everyone, &member));
    CHECK(member);
    FreeSid(admins);
    FreeSid(everyone);
}

static void test_descriptors(void)
{
    SECURITY_DESCRIPTOR sd;
    SID_IDENTIFIER_AUTHORITY world = SECURITY_WORLD_SID_AUTHORITY;
    PSID everyone;
    UCHAR memory[128], relative[256];
    PACL acl = (PACL)memory, found = NULL;
    BOOL present = FALSE, defaulted = TRUE;
    SECURITY_DESCRIPTOR_CONTROL control;
    DWORD revision, size = 4;
    ACCESS_ALLOWED_ACE *ace;
    AllocateAndInitializeSid(&world, 1, SECURITY_WORLD_RID, 0, 0, 0, 0, 0, 0, 0, &everyone);
    CHECK(InitializeSecurityDescriptor(&sd, SECURITY_DESCRIPTOR_REVISION));
    CHECK(!InitializeSecurityDescriptor(&sd, 7));
    CHECK_EQ(GetLastError(), ERROR_UNKNOWN_REVISION);
    CHECK(InitializeAcl(acl, sizeof memory, ACL_REVISION));
    CHECK(AddAccessAllowedAce(acl, ACL_REVISION, GENERIC_READ, everyone));
    CHECK(GetAce(acl, 0, (void **)&ace));
    CHECK_EQ(ace->Mask, GENERIC_READ);
    CHECK(EqualSid(&ace->SidStart, everyone));
    CHECK(SetSecurityDescriptorDacl(&sd, TRUE, acl, FALSE));
    CHECK(GetSecurityDescriptorDacl(&sd, &present, &found, &defaulted));
    CHECK(present && !defaulted && found == acl);
    CHECK(IsValidSecurityDescriptor(&sd));
    CHECK(!MakeSelfRelativeSD(&sd, relative, &size));
    CHECK_EQ(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    size = sizeof relative;
    CHECK(MakeSelfRelativeSD(&sd, relative, &size));
    CHECK(GetSecurityDescriptorControl(relative, &control, &revision));
    CHECK(control & SE_SELF_RELATIVE);
    FreeSid(everyone);
    /* Objects take them. */
    SECURITY_ATTRIBUTES a = { sizeof a, &sd, FALSE };
    HANDLE e = CreateEventA(&a, FALSE, FALSE, NULL);
    CHECK(e != NULL);
    CloseHandle(e);
}

static void test_notification(void)
{
    HKEY key;
    HANDLE e = CreateEventA(NULL, FALSE, FALSE, NULL);
    DWORD v = 1;
    CHECK_EQ(RegCreateKeyExA(HKEY_CURRENT_USER, "Software\\irplab-test", 0, NULL, 0, KEY_ALL_ACCESS, NULL, &key, NULL), 0);
    CHECK_EQ(RegNotifyChangeKeyValue(key, FALSE, REG_NOTIFY_CHANGE_LAST_SET, NULL, TRUE), ERROR_INVALID_PARAMETER);
    CHECK_EQ(RegNotifyChangeKeyValue(key, FALSE, REG_NOTIFY_CHANGE_LAST_SET, e, TRUE), 0);
    CHECK_EQ(WaitForSingleObject(e, 0), WAIT_TIMEOUT);
    CHECK_EQ(RegSetValueExA(key, "a", 0, REG_DWORD, (BYTE *)&v, 4), 0);
    CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
    CHECK_EQ(RegSetValueExA(key, "b", 0, REG_DWORD, (BYTE *)&v, 4), 0); /* one is told */
    CHECK_EQ(WaitForSingleObject(e, 0), WAIT_TIMEOUT);
    CHECK_EQ(RegNotifyChangeKeyValue(key, FALSE, REG_NOTIFY_CHANGE_NAME, e, TRUE), 0);
    CHECK_EQ(RegSetValueExA(key, "c", 0, REG_DWORD, (BYTE *)&v, 4), 0); /* another kind of change */
    CHECK_EQ(WaitForSingleObject(e, 0), WAIT_TIMEOUT);
    RegCloseKey(key);
    CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
    LONG size = 20;
    char text[20] = "x";
    CHECK_EQ(RegQueryValueA(HKEY_CURRENT_USER, "Software\\irplab-test", text, &size), 0);
    CHECK_STR(text, "");
    CHECK_EQ(RegDeleteKeyA(HKEY_CURRENT_USER, "Software\\irplab-test"), 0);
    CloseHandle(e);
}

static void test_characters(void)
{
    WCHAR wide[] = L"aB1";
    CHECK(IsCharAlphaW(L'x') && IsCharAlphaW(0xE9) && !IsCharAlphaW(L'1') && !IsCharAlphaW(L'_'));
    CHECK(IsCharAlphaNumericA('7') && !IsCharAlphaNumericA(' '));
    CHECK_EQ(CharUpperBuffW(wide, 3), 3);
    CHECK_EQ(wide[0], 'A');
    CHECK_EQ(wide[1], 'B');
    const char *s = "ab";
    CHECK(CharNextA(s) == s + 1 && CharNextA(s + 2) == s + 2 && CharPrevA(s, s) == s && CharPrevA(s, s + 2) == s + 1);
}

int main(void)
{
    test_sids();
    test_descriptors();
    test_notification();
    test_characters();
    return check_failures;
}
