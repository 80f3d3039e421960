/* advapi32's security descriptors, lists and identifiers: ntdll's, with Win32's errors. Nobody checks them here (docs/limits.md). */
#include "rtl/security.h"
#include "win32/win32.h"

/* ---- descriptors ---- */

BOOL InitializeSecurityDescriptor(SECURITY_DESCRIPTOR *sd, ULONG revision)
{
    return w32_result(RtlCreateSecurityDescriptor(sd, revision));
}

BOOL IsValidSecurityDescriptor(const SECURITY_DESCRIPTOR *sd)
{
    return RtlValidSecurityDescriptor(sd);
}

ULONG GetSecurityDescriptorLength(const SECURITY_DESCRIPTOR *sd)
{
    return RtlLengthSecurityDescriptor(sd);
}

BOOL GetSecurityDescriptorControl(const SECURITY_DESCRIPTOR *sd, USHORT *control, ULONG *revision)
{
    return w32_result(RtlGetControlSecurityDescriptor(sd, control, revision));
}

BOOL SetSecurityDescriptorControl(SECURITY_DESCRIPTOR *sd, USHORT which, USHORT set)
{
    return w32_result(RtlSetControlSecurityDescriptor(sd, which, set));
}

BOOL SetSecurityDescriptorOwner(SECURITY_DESCRIPTOR *sd, SID *owner, BOOL defaulted)
{
    return w32_result(RtlSetOwnerSecurityDescriptor(sd, owner, defaulted != 0));
}

BOOL SetSecurityDescriptorGroup(SECURITY_DESCRIPTOR *sd, SID *group, BOOL defaulted)
{
    return w32_result(RtlSetGroupSecurityDescriptor(sd, group, defaulted != 0));
}

BOOL SetSecurityDescriptorDacl(SECURITY_DESCRIPTOR *sd, BOOL present, ACL *dacl, BOOL defaulted)
{
    return w32_result(RtlSetDaclSecurityDescriptor(sd, present != 0, dacl, defaulted != 0));
}

BOOL SetSecurityDescriptorSacl(SECURITY_DESCRIPTOR *sd, BOOL present, ACL *sacl, BOOL defaulted)
{
    return w32_result(RtlSetSaclSecurityDescriptor(sd, present != 0, sacl, defaulted != 0));
}

/* ntdll has bytes where Win32 has four of them. */
static BOOL with_flag(NTSTATUS s, BOOLEAN flag, BOOL *to)
{
    if (NT_SUCCESS(s))
        *to = flag;
    return w32_result(s);
}

BOOL GetSecurityDescriptorOwner(const SECURITY_DESCRIPTOR *sd, SID **owner, BOOL *defaulted)
{
    BOOLEAN b = FALSE;
    NTSTATUS s = RtlGetOwnerSecurityDescriptor(sd, owner, &b);
    return with_flag(s, b, defaulted);
}

BOOL GetSecurityDescriptorGroup(const SECURITY_DESCRIPTOR *sd, SID **group, BOOL *defaulted)
{
    BOOLEAN b = FALSE;
    NTSTATUS s = RtlGetGroupSecurityDescriptor(sd, group, &b);
    return with_flag(s, b, defaulted);
}

BOOL GetSecurityDescriptorDacl(const SECURITY_DESCRIPTOR *sd, BOOL *present, ACL **dacl, BOOL *defaulted)
{
    BOOLEAN b = FALSE, there = FALSE;
    NTSTATUS s = RtlGetDaclSecurityDescriptor(sd, &there, dacl, &b);
    if (NT_SUCCESS(s))
        *present = there;
    return with_flag(s, b, defaulted);
}

BOOL MakeSelfRelativeSD(const SECURITY_DESCRIPTOR *from, SECURITY_DESCRIPTOR_RELATIVE *to, ULONG *size)
{
    return w32_result(RtlMakeSelfRelativeSD(from, to, size));
}

/* ---- lists ---- */

BOOL InitializeAcl(ACL *acl, ULONG size, ULONG revision)
{
    return w32_result(RtlCreateAcl(acl, size, revision));
}

BOOL IsValidAcl(const ACL *acl)
{
    return RtlValidAcl(acl);
}

BOOL AddAccessAllowedAce(ACL *acl, ULONG revision, ACCESS_MASK mask, const SID *sid)
{
    return w32_result(RtlAddAccessAllowedAce(acl, revision, mask, sid));
}

BOOL AddAccessAllowedAceEx(ACL *acl, ULONG revision, ULONG flags, ACCESS_MASK mask, const SID *sid)
{
    return w32_result(RtlAddAccessAllowedAceEx(acl, revision, flags, mask, sid));
}

BOOL AddAccessDeniedAce(ACL *acl, ULONG revision, ACCESS_MASK mask, const SID *sid)
{
    return w32_result(RtlAddAccessDeniedAce(acl, revision, mask, sid));
}

BOOL GetAce(const ACL *acl, ULONG index, PVOID *ace)
{
    return w32_result(RtlGetAce(acl, index, ace));
}

BOOL DeleteAce(ACL *acl, ULONG index)
{
    return w32_result(RtlDeleteAce(acl, index));
}

/* ---- identifiers ---- */

BOOL AllocateAndInitializeSid(const uint64_t *a)
{
    return w32_result(RtlAllocateAndInitializeSid((const SID_IDENTIFIER_AUTHORITY *)a[0], (uint8_t)a[1], (ULONG)a[2], (ULONG)a[3], (ULONG)a[4], (ULONG)a[5],
                                                  (ULONG)a[6], (ULONG)a[7], (ULONG)a[8], (ULONG)a[9], (SID **)a[10]));
}

PVOID FreeSid(SID *sid)
{
    return RtlFreeSid(sid);
}

BOOL InitializeSid(SID *sid, const SID_IDENTIFIER_AUTHORITY *authority, uint8_t count)
{
    return w32_result(RtlInitializeSid(sid, authority, count));
}

BOOL IsValidSid(const SID *sid)
{
    return RtlValidSid(sid);
}

BOOL EqualSid(const SID *a, const SID *b)
{
    return RtlEqualSid(a, b);
}

BOOL CopySid(ULONG size, SID *to, const SID *from)
{
    return w32_result(RtlCopySid(size, to, from));
}

ULONG GetLengthSid(const SID *sid)
{
    return RtlLengthSid(sid);
}

ULONG GetSidLengthRequired(uint8_t count)
{
    return RtlLengthRequiredSid(count);
}

ULONG *GetSidSubAuthority(SID *sid, ULONG index)
{
    return RtlSubAuthoritySid(sid, index);
}

UCHAR *GetSidSubAuthorityCount(SID *sid)
{
    return RtlSubAuthorityCountSid(sid);
}

SID_IDENTIFIER_AUTHORITY *GetSidIdentifierAuthority(SID *sid)
{
    return RtlIdentifierAuthoritySid(sid);
}

/* "S-1-…"; LocalFree gives it back. */
BOOL ConvertSidToStringSidW(const SID *sid, WCHAR **to)
{
    enum { MOST = 200 };
    WCHAR *text = (WCHAR *)w32_alloc_zeroed(MOST * 2);
    UNICODE_STRING s = { 0, (MOST - 1) * 2, text };
    NTSTATUS status = !RtlValidSid(sid) ? STATUS_INVALID_SID : text ? RtlConvertSidToUnicodeString(&s, sid, FALSE) : STATUS_NO_MEMORY;
    if (!NT_SUCCESS(status)) {
        w32_free((uint64_t)text);
        return w32_fail(status);
    }
    *to = text;
    return TRUE;
}

BOOL ConvertSidToStringSidA(const SID *sid, char **to)
{
    WCHAR *wide;
    if (!ConvertSidToStringSidW(sid, &wide))
        return FALSE;
    *to = (char *)w32_narrow(wide);
    w32_free((uint64_t)wide);
    return TRUE;
}

/* DOC: "CheckTokenMembership": NULL is the thread's own token. LocalSystem is itself, everyone, an administrator and an authenticated user. */
BOOL CheckTokenMembership(HANDLE token, const SID *sid, BOOL *member)
{
    enum { WORLD = 1, NT = 5, AUTHENTICATED = 11, SYSTEM = 18, BUILT_IN = 32, ADMINISTRATORS = 544, USERS = 545 };
    if (!RtlValidSid(sid))
        return w32_fail(STATUS_INVALID_SID);
    uint8_t authority = ((const uint8_t *)sid)[7], count = ((const uint8_t *)sid)[1];
    const ULONG *sub = (const ULONG *)((const uint8_t *)sid + 8);
    *member = (authority == WORLD && count == 1 && sub[0] == 0) ||
              (authority == NT && count == 1 && (sub[0] == SYSTEM || sub[0] == AUTHENTICATED)) ||
              (authority == NT && count == 2 && sub[0] == BUILT_IN && (sub[1] == ADMINISTRATORS || sub[1] == USERS));
    return TRUE;
}
