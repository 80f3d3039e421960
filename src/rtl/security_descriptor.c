/* Security descriptors, absolute (with pointers) and self-relative (with offsets). */
#include "nt/status.h"
#include "rtl/memory.h"
#include "rtl/security.h"

/* The four parts, wherever the descriptor has them. */
struct parts {
    SID *owner;
    SID *group;
    ACL *sacl;
    ACL *dacl;
};

static void *at_offset(const void *base, ULONG offset)
{
    return offset ? (UCHAR *)base + offset : NULL;
}

static struct parts parts_of(const SECURITY_DESCRIPTOR *sd)
{
    if (sd->Control & SE_SELF_RELATIVE) {
        const SECURITY_DESCRIPTOR_RELATIVE *r = (const SECURITY_DESCRIPTOR_RELATIVE *)sd;
        return (struct parts){at_offset(r, r->Owner), at_offset(r, r->Group),
                              sd->Control & SE_SACL_PRESENT ? at_offset(r, r->Sacl) : NULL,
                              sd->Control & SE_DACL_PRESENT ? at_offset(r, r->Dacl) : NULL};
    }
    return (struct parts){sd->Owner, sd->Group, sd->Control & SE_SACL_PRESENT ? sd->Sacl : NULL,
                          sd->Control & SE_DACL_PRESENT ? sd->Dacl : NULL};
}

static ULONG padded(ULONG bytes)
{
    return (bytes + 3) & ~3u;
}

static ULONG sid_bytes(const SID *sid)
{
    return sid ? padded(RtlLengthSid(sid)) : 0;
}

static ULONG acl_bytes(const ACL *acl)
{
    return acl ? padded(acl->AclSize) : 0;
}

NTSTATUS RtlCreateSecurityDescriptor(SECURITY_DESCRIPTOR *sd, ULONG revision)
{
    if (revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *sd = (SECURITY_DESCRIPTOR){.Revision = SECURITY_DESCRIPTOR_REVISION};
    return STATUS_SUCCESS;
}

BOOLEAN RtlValidSecurityDescriptor(const SECURITY_DESCRIPTOR *sd)
{
    if (!sd || sd->Revision != SECURITY_DESCRIPTOR_REVISION)
        return FALSE;
    struct parts p = parts_of(sd);
    return (!p.owner || RtlValidSid(p.owner)) && (!p.group || RtlValidSid(p.group)) && (!p.sacl || RtlValidAcl(p.sacl)) &&
           (!p.dacl || RtlValidAcl(p.dacl));
}

static int range_fits(ULONG offset, ULONG bytes, ULONG size)
{
    return offset >= sizeof(SECURITY_DESCRIPTOR_RELATIVE) && offset % 4 == 0 && offset <= size && bytes <= size - offset;
}

static int sid_fits(const void *sd, ULONG offset, ULONG size)
{
    const SID *sid = at_offset(sd, offset);
    return range_fits(offset, 8, size) && RtlValidSid(sid) && range_fits(offset, RtlLengthSid(sid), size);
}

static int acl_fits(const void *sd, ULONG offset, ULONG size)
{
    const ACL *acl = at_offset(sd, offset);
    return range_fits(offset, sizeof(ACL), size) && range_fits(offset, acl->AclSize, size) && RtlValidAcl(acl);
}

BOOLEAN RtlValidRelativeSecurityDescriptor(const SECURITY_DESCRIPTOR_RELATIVE *sd, ULONG size, SECURITY_INFORMATION required)
{
    if (size < sizeof *sd || sd->Revision != SECURITY_DESCRIPTOR_REVISION || !(sd->Control & SE_SELF_RELATIVE))
        return FALSE;
    if (sd->Owner ? !sid_fits(sd, sd->Owner, size) : (required & OWNER_SECURITY_INFORMATION) != 0)
        return FALSE;
    if (sd->Group ? !sid_fits(sd, sd->Group, size) : (required & GROUP_SECURITY_INFORMATION) != 0)
        return FALSE;
    if ((sd->Control & SE_DACL_PRESENT) && sd->Dacl ? !acl_fits(sd, sd->Dacl, size)
                                                    : (required & DACL_SECURITY_INFORMATION) != 0)
        return FALSE;
    return (sd->Control & SE_SACL_PRESENT) && sd->Sacl ? (BOOLEAN)acl_fits(sd, sd->Sacl, size)
                                                       : !(required & SACL_SECURITY_INFORMATION);
}

ULONG RtlLengthSecurityDescriptor(const SECURITY_DESCRIPTOR *sd)
{
    struct parts p = parts_of(sd);
    ULONG header = sd->Control & SE_SELF_RELATIVE ? sizeof(SECURITY_DESCRIPTOR_RELATIVE) : sizeof(SECURITY_DESCRIPTOR);
    return header + sid_bytes(p.owner) + sid_bytes(p.group) + acl_bytes(p.dacl) + acl_bytes(p.sacl);
}

NTSTATUS RtlGetControlSecurityDescriptor(const SECURITY_DESCRIPTOR *sd, USHORT *control, ULONG *revision)
{
    *revision = sd->Revision;
    if (sd->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *control = sd->Control;
    return STATUS_SUCCESS;
}

/* Only the bits about inheritance may be changed this way. */
NTSTATUS RtlSetControlSecurityDescriptor(SECURITY_DESCRIPTOR *sd, ULONG which, ULONG set)
{
    enum { ALLOWED = 0x3F00 };
    which &= 0xFFFF;
    set &= 0xFFFF;
    if (which & ~(ULONG)ALLOWED || set & ~which)
        return STATUS_INVALID_PARAMETER;
    sd->Control = (USHORT)((sd->Control & ~which) | set);
    return STATUS_SUCCESS;
}

static NTSTATUS check_absolute(const SECURITY_DESCRIPTOR *sd)
{
    if (sd->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    return sd->Control & SE_SELF_RELATIVE ? STATUS_INVALID_SECURITY_DESCR : STATUS_SUCCESS;
}

static void put_control(SECURITY_DESCRIPTOR *sd, USHORT bit, int value)
{
    sd->Control = (USHORT)(value ? sd->Control | bit : sd->Control & ~bit);
}

NTSTATUS RtlSetOwnerSecurityDescriptor(SECURITY_DESCRIPTOR *sd, SID *owner, ULONG defaulted)
{
    NTSTATUS status = check_absolute(sd);
    if (!NT_SUCCESS(status))
        return status;
    sd->Owner = owner;
    put_control(sd, SE_OWNER_DEFAULTED, (UCHAR)defaulted);
    return STATUS_SUCCESS;
}

NTSTATUS RtlSetGroupSecurityDescriptor(SECURITY_DESCRIPTOR *sd, SID *group, ULONG defaulted)
{
    NTSTATUS status = check_absolute(sd);
    if (!NT_SUCCESS(status))
        return status;
    sd->Group = group;
    put_control(sd, SE_GROUP_DEFAULTED, (UCHAR)defaulted);
    return STATUS_SUCCESS;
}

NTSTATUS RtlSetDaclSecurityDescriptor(SECURITY_DESCRIPTOR *sd, ULONG present, ACL *dacl, ULONG defaulted)
{
    NTSTATUS status = check_absolute(sd);
    if (!NT_SUCCESS(status))
        return status;
    put_control(sd, SE_DACL_PRESENT, (UCHAR)present);
    if ((UCHAR)present) {
        sd->Dacl = dacl;
        put_control(sd, SE_DACL_DEFAULTED, (UCHAR)defaulted);
    }
    return STATUS_SUCCESS;
}

NTSTATUS RtlSetSaclSecurityDescriptor(SECURITY_DESCRIPTOR *sd, ULONG present, ACL *sacl, ULONG defaulted)
{
    NTSTATUS status = check_absolute(sd);
    if (!NT_SUCCESS(status))
        return status;
    put_control(sd, SE_SACL_PRESENT, (UCHAR)present);
    if ((UCHAR)present) {
        sd->Sacl = sacl;
        put_control(sd, SE_SACL_DEFAULTED, (UCHAR)defaulted);
    }
    return STATUS_SUCCESS;
}

NTSTATUS RtlGetOwnerSecurityDescriptor(const SECURITY_DESCRIPTOR *sd, SID **owner, BOOLEAN *defaulted)
{
    if (sd->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *owner = parts_of(sd).owner;
    *defaulted = (sd->Control & SE_OWNER_DEFAULTED) != 0;
    return STATUS_SUCCESS;
}

NTSTATUS RtlGetGroupSecurityDescriptor(const SECURITY_DESCRIPTOR *sd, SID **group, BOOLEAN *defaulted)
{
    if (sd->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *group = parts_of(sd).group;
    *defaulted = (sd->Control & SE_GROUP_DEFAULTED) != 0;
    return STATUS_SUCCESS;
}

/* A list that is present may still be NULL: everything is allowed. */
NTSTATUS RtlGetDaclSecurityDescriptor(const SECURITY_DESCRIPTOR *sd, BOOLEAN *present, ACL **dacl, BOOLEAN *defaulted)
{
    if (sd->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *present = (sd->Control & SE_DACL_PRESENT) != 0;
    if (*present) {
        *dacl = parts_of(sd).dacl;
        *defaulted = (sd->Control & SE_DACL_DEFAULTED) != 0;
    }
    return STATUS_SUCCESS;
}

NTSTATUS RtlGetSaclSecurityDescriptor(const SECURITY_DESCRIPTOR *sd, BOOLEAN *present, ACL **sacl, BOOLEAN *defaulted)
{
    if (sd->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *present = (sd->Control & SE_SACL_PRESENT) != 0;
    if (*present) {
        *sacl = parts_of(sd).sacl;
        *defaulted = (sd->Control & SE_SACL_DEFAULTED) != 0;
    }
    return STATUS_SUCCESS;
}

static ULONG append_part(UCHAR *base, ULONG *at, const void *part, ULONG bytes, ULONG room)
{
    ULONG offset = *at;
    if (!part)
        return 0;
    rtl_copy(base + offset, part, bytes);
    rtl_fill(base + offset + bytes, room - bytes, 0);
    *at += room;
    return offset;
}

/* GUESS: the order of the parts: SACL, DACL, owner, group. */
NTSTATUS RtlMakeSelfRelativeSD(const SECURITY_DESCRIPTOR *from, SECURITY_DESCRIPTOR_RELATIVE *to, ULONG *size)
{
    struct parts p = parts_of(from);
    ULONG needed = sizeof *to + sid_bytes(p.owner) + sid_bytes(p.group) + acl_bytes(p.dacl) + acl_bytes(p.sacl);
    if (*size < needed) {
        *size = needed;
        return STATUS_BUFFER_TOO_SMALL;
    }
    *size = needed;
    UCHAR *base = (UCHAR *)to;
    ULONG at = sizeof *to;
    SECURITY_DESCRIPTOR_RELATIVE r = {.Revision = from->Revision, .Sbz1 = from->Sbz1};
    r.Control = from->Control | SE_SELF_RELATIVE;
    r.Sacl = append_part(base, &at, p.sacl, p.sacl ? p.sacl->AclSize : 0, acl_bytes(p.sacl));
    r.Dacl = append_part(base, &at, p.dacl, p.dacl ? p.dacl->AclSize : 0, acl_bytes(p.dacl));
    r.Owner = append_part(base, &at, p.owner, p.owner ? RtlLengthSid(p.owner) : 0, sid_bytes(p.owner));
    r.Group = append_part(base, &at, p.group, p.group ? RtlLengthSid(p.group) : 0, sid_bytes(p.group));
    *to = r;
    return STATUS_SUCCESS;
}

NTSTATUS RtlAbsoluteToSelfRelativeSD(const SECURITY_DESCRIPTOR *from, SECURITY_DESCRIPTOR_RELATIVE *to, ULONG *size)
{
    if (from->Control & SE_SELF_RELATIVE)
        return STATUS_BAD_DESCRIPTOR_FORMAT;
    return RtlMakeSelfRelativeSD(from, to, size);
}

/* Tells the size a part needs; nonzero if the caller's buffer is too small. */
static int too_small(ULONG *have, ULONG need)
{
    int small = *have < need;
    *have = need;
    return small;
}

NTSTATUS RtlSelfRelativeToAbsoluteSD(const SECURITY_DESCRIPTOR_RELATIVE *from, SECURITY_DESCRIPTOR *to, ULONG *to_size,
                                     ACL *dacl, ULONG *dacl_size, ACL *sacl, ULONG *sacl_size, SID *owner,
                                     ULONG *owner_size, SID *group, ULONG *group_size)
{
    if (!(from->Control & SE_SELF_RELATIVE))
        return STATUS_BAD_DESCRIPTOR_FORMAT;
    struct parts p = parts_of((const SECURITY_DESCRIPTOR *)from);
    int small = too_small(to_size, sizeof *to);
    small |= too_small(owner_size, sid_bytes(p.owner));
    small |= too_small(group_size, sid_bytes(p.group));
    small |= too_small(dacl_size, acl_bytes(p.dacl));
    small |= too_small(sacl_size, acl_bytes(p.sacl));
    if (small)
        return STATUS_BUFFER_TOO_SMALL;
    SECURITY_DESCRIPTOR a = {.Revision = from->Revision, .Sbz1 = from->Sbz1};
    a.Control = from->Control & (USHORT)~SE_SELF_RELATIVE;
    a.Owner = p.owner ? nt_memcpy(owner, p.owner, RtlLengthSid(p.owner)) : NULL;
    a.Group = p.group ? nt_memcpy(group, p.group, RtlLengthSid(p.group)) : NULL;
    a.Dacl = p.dacl ? nt_memcpy(dacl, p.dacl, p.dacl->AclSize) : NULL;
    a.Sacl = p.sacl ? nt_memcpy(sacl, p.sacl, p.sacl->AclSize) : NULL;
    *to = a;
    return STATUS_SUCCESS;
}
