/* Access control lists: a header, then entries one behind the other. */
#include "nt/status.h"
#include "rtl/memory.h"
#include "rtl/security.h"

static ACE_HEADER *first_ace(const ACL *acl)
{
    return (ACE_HEADER *)(acl + 1);
}

static ACE_HEADER *next_ace(const ACE_HEADER *ace)
{
    return (ACE_HEADER *)((const UCHAR *)ace + ace->AceSize);
}

static const UCHAR *acl_end(const ACL *acl)
{
    return (const UCHAR *)acl + acl->AclSize;
}

static int revision_is_valid(ULONG revision)
{
    return revision >= MIN_ACL_REVISION && revision <= MAX_ACL_REVISION;
}

NTSTATUS RtlCreateAcl(ACL *acl, ULONG size, ULONG revision)
{
    if (size < sizeof(ACL))
        return STATUS_BUFFER_TOO_SMALL;
    if (!revision_is_valid(revision) || size > 0xFFFF)
        return STATUS_INVALID_PARAMETER;
    *acl = (ACL){.AclRevision = (UCHAR)revision, .AclSize = (USHORT)(size & ~3u)};
    return STATUS_SUCCESS;
}

/* Where the next entry would go; FALSE if the entries do not lie within the list. *ace is NULL if there is no room for
 * even a header. */
BOOLEAN RtlFirstFreeAce(const ACL *acl, PVOID *ace)
{
    ACE_HEADER *at = first_ace(acl);
    const UCHAR *end = acl_end(acl);
    *ace = NULL;
    for (USHORT i = 0; i < acl->AceCount; i++) {
        if ((const UCHAR *)(at + 1) > end || at->AceSize < sizeof(ACE_HEADER))
            return FALSE;
        at = next_ace(at);
    }
    if ((const UCHAR *)at > end)
        return FALSE;
    *ace = (const UCHAR *)at < end ? at : NULL;
    return TRUE;
}

static int ace_is_valid(const ACE_HEADER *ace, const UCHAR *end)
{
    if ((const UCHAR *)(ace + 1) > end || ace->AceSize < sizeof(ACE_HEADER) || ace->AceSize % 4 ||
        (const UCHAR *)next_ace(ace) > end)
        return 0;
    if (ace->AceType > SYSTEM_ALARM_ACE_TYPE)
        return 1; /* shapes that we do not know */
    const ACCESS_ALLOWED_ACE *known = (const ACCESS_ALLOWED_ACE *)ace;
    const SID *sid = (const SID *)&known->SidStart;
    return ace->AceSize >= sizeof(ACCESS_ALLOWED_ACE) + 4 && RtlValidSid(sid) &&
           ace->AceSize >= offsetof(ACCESS_ALLOWED_ACE, SidStart) + RtlLengthSid(sid);
}

BOOLEAN RtlValidAcl(const ACL *acl)
{
    if (!acl || !revision_is_valid(acl->AclRevision) || acl->AclSize < sizeof(ACL))
        return FALSE;
    const ACE_HEADER *ace = first_ace(acl);
    for (USHORT i = 0; i < acl->AceCount; i++) {
        if (!ace_is_valid(ace, acl_end(acl)))
            return FALSE;
        ace = next_ace(ace);
    }
    return TRUE;
}

static NTSTATUS add_known_ace(ACL *acl, ULONG revision, ULONG type, ULONG flags, ACCESS_MASK mask, const SID *sid)
{
    PVOID free;
    if (!RtlValidSid(sid))
        return STATUS_INVALID_SID;
    if (acl->AclRevision > MAX_ACL_REVISION || revision > MAX_ACL_REVISION)
        return STATUS_REVISION_MISMATCH;
    if (flags & ~0xFFu)
        return STATUS_INVALID_PARAMETER;
    if (!RtlFirstFreeAce(acl, &free))
        return STATUS_INVALID_ACL;
    ULONG size = offsetof(ACCESS_ALLOWED_ACE, SidStart) + RtlLengthSid(sid);
    if (!free || (UCHAR *)free + size > acl_end(acl))
        return STATUS_ALLOTTED_SPACE_EXCEEDED;
    ACCESS_ALLOWED_ACE *ace = free;
    ace->Header = (ACE_HEADER){(UCHAR)type, (UCHAR)flags, (USHORT)size};
    ace->Mask = mask;
    rtl_copy(&ace->SidStart, sid, RtlLengthSid(sid));
    acl->AceCount++;
    if (revision > acl->AclRevision)
        acl->AclRevision = (UCHAR)revision;
    return STATUS_SUCCESS;
}

NTSTATUS RtlAddAccessAllowedAce(ACL *acl, ULONG revision, ACCESS_MASK mask, const SID *sid)
{
    return add_known_ace(acl, revision, ACCESS_ALLOWED_ACE_TYPE, 0, mask, sid);
}

NTSTATUS RtlAddAccessAllowedAceEx(ACL *acl, ULONG revision, ULONG flags, ACCESS_MASK mask, const SID *sid)
{
    return add_known_ace(acl, revision, ACCESS_ALLOWED_ACE_TYPE, flags, mask, sid);
}

NTSTATUS RtlAddAccessDeniedAce(ACL *acl, ULONG revision, ACCESS_MASK mask, const SID *sid)
{
    return add_known_ace(acl, revision, ACCESS_DENIED_ACE_TYPE, 0, mask, sid);
}

NTSTATUS RtlAddAccessDeniedAceEx(ACL *acl, ULONG revision, ULONG flags, ACCESS_MASK mask, const SID *sid)
{
    return add_known_ace(acl, revision, ACCESS_DENIED_ACE_TYPE, flags, mask, sid);
}

/* Inserts a list of entries in front of the one at index; an index beyond the end appends. */
NTSTATUS RtlAddAce(ACL *acl, ULONG revision, ULONG index, const void *list, ULONG bytes)
{
    PVOID free;
    USHORT added = 0;
    if (!RtlValidAcl(acl) || !RtlFirstFreeAce(acl, &free))
        return STATUS_INVALID_PARAMETER;
    const UCHAR *end = (const UCHAR *)list + bytes;
    const ACE_HEADER *ace = list;
    for (; (const UCHAR *)ace < end; ace = next_ace(ace), added++)
        if ((const UCHAR *)(ace + 1) > end || ace->AceSize < sizeof(ACE_HEADER))
            return STATUS_INVALID_PARAMETER;
    if ((const UCHAR *)ace > end)
        return STATUS_INVALID_PARAMETER;
    if (!free || (UCHAR *)free + bytes > acl_end(acl))
        return STATUS_BUFFER_TOO_SMALL;
    UCHAR *at = (UCHAR *)first_ace(acl);
    for (ULONG i = 0; i < index && i < acl->AceCount; i++)
        at = (UCHAR *)next_ace((ACE_HEADER *)at);
    rtl_copy(at + bytes, at, (size_t)((UCHAR *)free - at));
    rtl_copy(at, list, bytes);
    acl->AceCount = (USHORT)(acl->AceCount + added);
    if (revision > acl->AclRevision)
        acl->AclRevision = (UCHAR)revision;
    return STATUS_SUCCESS;
}

NTSTATUS RtlGetAce(const ACL *acl, ULONG index, PVOID *ace)
{
    if (!acl || !revision_is_valid(acl->AclRevision) || index >= acl->AceCount)
        return STATUS_INVALID_PARAMETER;
    ACE_HEADER *at = first_ace(acl);
    for (ULONG i = 0; i < index; i++) {
        if ((const UCHAR *)at >= acl_end(acl))
            return STATUS_INVALID_PARAMETER;
        at = next_ace(at);
    }
    if ((const UCHAR *)at >= acl_end(acl))
        return STATUS_INVALID_PARAMETER;
    *ace = at;
    return STATUS_SUCCESS;
}

NTSTATUS RtlDeleteAce(ACL *acl, ULONG index)
{
    PVOID ace;
    PVOID free;
    if (!RtlValidAcl(acl) || RtlGetAce(acl, index, &ace) != STATUS_SUCCESS || !RtlFirstFreeAce(acl, &free))
        return STATUS_INVALID_PARAMETER;
    const UCHAR *end = free ? free : acl_end(acl);
    USHORT size = ((ACE_HEADER *)ace)->AceSize;
    size_t behind = (size_t)(end - ((UCHAR *)ace + size));
    rtl_copy(ace, (UCHAR *)ace + size, behind);
    rtl_fill((UCHAR *)ace + behind, size, 0);
    acl->AceCount--;
    return STATUS_SUCCESS;
}

PVOID RtlFindAceByType(const ACL *acl, ULONG type, ULONG *index)
{
    ACE_HEADER *ace = first_ace(acl);
    for (ULONG i = 0; i < acl->AceCount; i++, ace = next_ace(ace)) {
        if (ace->AceType != (UCHAR)type)
            continue;
        if (index)
            *index = i;
        return ace;
    }
    return NULL;
}
