/* Tokens and privileges for programs: everybody is LocalSystem and may do everything (see se). A privilege is known by its name and
 * number; enabling one changes nothing. */
#include "se/se.h"
#include "win32/win32.h"

#include <stdio.h>
#include <strings.h>

enum { ERROR_NO_SUCH_PRIVILEGE_ = 1313, TOKEN_ELEVATION = 20, TOKEN_ELEVATION_TYPE = 18, TOKEN_TYPE = 8, ERROR_NO_TOKEN_ = 1008 };

/* By number, from 2; winnt.h has the names, wdm.h the numbers. */
static const char *const privileges[] = {
    "SeCreateTokenPrivilege", "SeAssignPrimaryTokenPrivilege", "SeLockMemoryPrivilege", "SeIncreaseQuotaPrivilege", "SeMachineAccountPrivilege",
    "SeTcbPrivilege", "SeSecurityPrivilege", "SeTakeOwnershipPrivilege", "SeLoadDriverPrivilege", "SeSystemProfilePrivilege", "SeSystemtimePrivilege",
    "SeProfileSingleProcessPrivilege", "SeIncreaseBasePriorityPrivilege", "SeCreatePagefilePrivilege", "SeCreatePermanentPrivilege", "SeBackupPrivilege",
    "SeRestorePrivilege", "SeShutdownPrivilege", "SeDebugPrivilege", "SeAuditPrivilege", "SeSystemEnvironmentPrivilege", "SeChangeNotifyPrivilege",
    "SeRemoteShutdownPrivilege", "SeUndockPrivilege", "SeSyncAgentPrivilege", "SeEnableDelegationPrivilege", "SeManageVolumePrivilege",
    "SeImpersonatePrivilege", "SeCreateGlobalPrivilege", "SeTrustedCredManAccessPrivilege", "SeRelabelPrivilege", "SeIncreaseWorkingSetPrivilege",
    "SeTimeZonePrivilege", "SeCreateSymbolicLinkPrivilege",
};
enum { FIRST_PRIVILEGE = 2, LAST_PRIVILEGE = FIRST_PRIVILEGE + sizeof privileges / sizeof *privileges - 1 };

BOOL OpenProcessToken(HANDLE process, ULONG access, HANDLE *token)
{
    struct syscall sc;
    HANDLE h;
    if (process != NT_CURRENT_PROCESS)
        return w32_fail(STATUS_NOT_SUPPORTED);
    ps_syscall_enter(&sc, FRAME_NtOpenProcessToken);
    NTSTATUS s = ob_handle_create(ps_current()->process, se_token(), access, 0, &h);
    ps_syscall_leave(&sc);
    if (NT_SUCCESS(s))
        *token = h;
    return w32_result(s);
}

/* No thread impersonates. */
BOOL OpenThreadToken(HANDLE thread, ULONG access, BOOL as_self, HANDLE *token)
{
    return w32_error(ERROR_NO_TOKEN_);
}

static BOOL is_token(HANDLE token)
{
    void *object;
    NTSTATUS s = ob_handle_reference(ps_current()->process, token, OB_TOKEN, 0, &object, NULL);
    if (NT_SUCCESS(s))
        ob_dereference(object);
    return w32_result(s);
}

BOOL LookupPrivilegeValueA(const char *system, const char *name, ULONG *luid)
{
    for (ULONG i = 0; i < sizeof privileges / sizeof *privileges; i++)
        if (strcasecmp(privileges[i], name) == 0) {
            luid[0] = FIRST_PRIVILEGE + i;
            luid[1] = 0;
            return TRUE;
        }
    return w32_error(ERROR_NO_SUCH_PRIVILEGE_);
}

BOOL LookupPrivilegeValueW(const WCHAR *system, const WCHAR *name, ULONG *luid)
{
    uint64_t a = w32_narrow(name);
    BOOL r = LookupPrivilegeValueA(NULL, (const char *)a, luid);
    w32_free(a);
    return r;
}

/* TOKEN_PRIVILEGES: count, then { LUID, attributes } each. */
BOOL AdjustTokenPrivileges(HANDLE token, BOOL disable_all, const ULONG *wanted, ULONG bytes, ULONG *previous, ULONG *needed)
{
    if (!is_token(token))
        return FALSE;
    if (previous && bytes >= 4)
        previous[0] = 0;
    if (needed)
        *needed = 4;
    bool known = true;
    for (ULONG i = 0; !disable_all && i < wanted[0]; i++)
        known &= wanted[1 + i * 3] >= FIRST_PRIVILEGE && wanted[1 + i * 3] <= LAST_PRIVILEGE;
    w32_set_error(known ? 0 : 1300); /* ERROR_NOT_ALL_ASSIGNED: succeeds all the same */
    return TRUE;
}

BOOL GetTokenInformation(HANDLE token, ULONG class, ULONG *to, ULONG bytes, ULONG *needed)
{
    if (!is_token(token))
        return FALSE;
    if (class != TOKEN_ELEVATION && class != TOKEN_ELEVATION_TYPE && class != TOKEN_TYPE)
        return w32_fail(STATUS_NOT_SUPPORTED);
    *needed = 4;
    if (bytes < 4)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    *to = 1; /* elevated; no linked token; a primary token */
    return TRUE;
}

NTSTATUS RtlAdjustPrivilege(ULONG privilege, BOOL enable, BOOL thread, uint8_t *was)
{
    if (privilege < FIRST_PRIVILEGE || privilege > LAST_PRIVILEGE)
        return STATUS_PRIVILEGE_NOT_HELD;
    *was = 1;
    return STATUS_SUCCESS;
}

BOOL IsUserAnAdmin(void)
{
    return TRUE;
}

BOOL GetUserNameW(WCHAR *to, ULONG *chars)
{
    static const WCHAR name[] = { 'S', 'Y', 'S', 'T', 'E', 'M', 0 };
    bool fits = *chars >= 7;
    *chars = 7;
    if (!fits)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    memcpy(to, name, sizeof name);
    return TRUE;
}

BOOL GetUserNameA(char *to, ULONG *chars)
{
    bool fits = *chars >= 7;
    *chars = 7;
    if (!fits)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    memcpy(to, "SYSTEM", 7);
    return TRUE;
}
