/* Access checks and audits: everything is granted, nothing is audited. */
#include <string.h>

#include "ke/ke.h"
#include "mm/mm.h"
#include "nt/ob.h"
#include "nt/status.h"
#include "ps/ps.h"
#include "rtl/security.h"
#include "se/se.h"

enum { SE_TAG = 0x65536553 };

/* DOC: UserMode without a security descriptor is denied; KernelMode is never checked. */
BOOLEAN SeAccessCheck(PVOID descriptor, PVOID subject, ULONG locked, ULONG desired, ULONG previous, PVOID *privileges, const GENERIC_MAPPING *mapping,
                      ULONG mode, ACCESS_MASK *granted, NTSTATUS *status)
{
    ACCESS_MASK access = desired | previous;
    if (privileges)
        *privileges = NULL;
    if (!descriptor && (UCHAR)mode == UserMode) {
        *granted = 0;
        *status = STATUS_ACCESS_DENIED;
        return FALSE;
    }
    if (access & MAXIMUM_ALLOWED)
        access = (access & ~MAXIMUM_ALLOWED) | mapping->GenericAll;
    static const ACCESS_MASK generic[4] = { GENERIC_READ, GENERIC_WRITE, GENERIC_EXECUTE, GENERIC_ALL };
    const ACCESS_MASK specific[4] = { mapping->GenericRead, mapping->GenericWrite, mapping->GenericExecute, mapping->GenericAll };
    for (int i = 0; i < 4; i++)
        if (access & generic[i])
            access = (access & ~generic[i]) | specific[i];
    *granted = access;
    *status = STATUS_SUCCESS;
    return TRUE;
}

/* luid comes by value. */
BOOLEAN SeSinglePrivilegeCheck(ULONG64 luid, ULONG mode)
{
    return TRUE;
}

BOOLEAN SePrivilegeCheck(PVOID required, PVOID subject, ULONG mode)
{
    return TRUE;
}

NTSTATUS SeAppendPrivileges(PVOID state, PVOID privileges)
{
    return STATUS_SUCCESS;
}

void SeFreePrivileges(PVOID privileges)
{
    if (privileges)
        ex_pool_free(privileges);
}

BOOLEAN SeAuditingFileEvents(ULONG granted, PVOID descriptor)
{
    return FALSE;
}

BOOLEAN SeAuditingFileOrGlobalEvents(ULONG granted, PVOID descriptor, PVOID subject)
{
    return FALSE;
}

void SeOpenObjectAuditAlarm(const uint64_t *args)
{
    if (args[8]) /* GenerateOnClose */
        *(BOOLEAN *)args[8] = FALSE;
}

void SeDeleteObjectAuditAlarm(PVOID object, HANDLE handle)
{
}

NTSTATUS SeReportSecurityEvent(ULONG flags, UNICODE_STRING *source, PVOID sid, PVOID parameters)
{
    return STATUS_SUCCESS;
}

/* ---- descriptors ---- */

static ULONG length_of(const SECURITY_DESCRIPTOR *sd)
{
    return RtlLengthSecurityDescriptor(sd);
}

static bool is_relative(const SECURITY_DESCRIPTOR *sd)
{
    return sd->Control & SE_SELF_RELATIVE;
}

/* A self-relative copy in pool. */
static NTSTATUS copy_relative(const SECURITY_DESCRIPTOR *sd, ULONG pool_type, PVOID *out)
{
    ULONG size = length_of(sd);
    void *p = ex_pool_alloc(pool_type, size, SE_TAG);
    NTSTATUS status = STATUS_SUCCESS;
    if (is_relative(sd))
        memcpy(p, sd, size);
    else
        status = RtlAbsoluteToSelfRelativeSD(sd, p, &size);
    if (NT_SUCCESS(status))
        *out = p;
    else
        ex_pool_free(p);
    return status;
}

BOOLEAN SeValidSecurityDescriptor(ULONG length, const SECURITY_DESCRIPTOR_RELATIVE *sd)
{
    return RtlValidRelativeSecurityDescriptor(sd, length, 0);
}

NTSTATUS SeCaptureSecurityDescriptor(const SECURITY_DESCRIPTOR *sd, ULONG mode, ULONG pool_type, ULONG kernel_too, PVOID *out)
{
    *out = NULL;
    if (!sd)
        return STATUS_SUCCESS;
    if ((UCHAR)mode == KernelMode && !(UCHAR)kernel_too) {
        *out = (PVOID)sd;
        return STATUS_SUCCESS;
    }
    return copy_relative(sd, pool_type, out);
}

void SeReleaseSecurityDescriptor(PVOID sd, ULONG mode, ULONG kernel_too)
{
    if (sd && ((UCHAR)mode == UserMode || (UCHAR)kernel_too))
        ex_pool_free(sd);
}

/* GUESS: NT merges the parent's inheritable entries; here the explicit descriptor is taken, or one that says nothing. */
NTSTATUS SeAssignSecurity(PVOID parent, const SECURITY_DESCRIPTOR *explicit_sd, PVOID *out, ULONG directory, PVOID subject, PVOID mapping, ULONG pool_type)
{
    SECURITY_DESCRIPTOR empty;
    RtlCreateSecurityDescriptor(&empty, 1);
    return copy_relative(explicit_sd ? explicit_sd : &empty, pool_type, out);
}

NTSTATUS SeAssignSecurityEx(PVOID parent, const SECURITY_DESCRIPTOR *explicit_sd, PVOID *out, PVOID type, ULONG directory, ULONG flags, PVOID subject,
                            PVOID mapping, ULONG pool_type)
{
    return SeAssignSecurity(parent, explicit_sd, out, directory, subject, mapping, pool_type);
}

NTSTATUS SeDeassignSecurity(PVOID *sd)
{
    PVOID old = *sd;
    *sd = NULL;
    if (old)
        ex_pool_free(old);
    return STATUS_SUCCESS;
}

NTSTATUS SeQuerySecurityDescriptorInfo(const ULONG *information, SECURITY_DESCRIPTOR *out, ULONG *length, PVOID *descriptor)
{
    SECURITY_DESCRIPTOR empty;
    RtlCreateSecurityDescriptor(&empty, 1);
    const SECURITY_DESCRIPTOR *sd = *descriptor ? *descriptor : &empty;
    ULONG size = length_of(sd), room = *length;
    *length = size;
    if (room < size)
        return STATUS_BUFFER_TOO_SMALL;
    if (is_relative(sd))
        memcpy(out, sd, size);
    else
        return RtlAbsoluteToSelfRelativeSD(sd, (SECURITY_DESCRIPTOR_RELATIVE *)out, &size);
    return STATUS_SUCCESS;
}

/* GUESS: the parts that information does not name are lost. */
NTSTATUS SeSetSecurityDescriptorInfo(PVOID object, const ULONG *information, const SECURITY_DESCRIPTOR *sd, PVOID *descriptor, ULONG pool_type, PVOID mapping)
{
    if (!*descriptor)
        return STATUS_NO_SECURITY_ON_OBJECT;
    return copy_relative(sd, pool_type, descriptor);
}

/* ---- the rest ---- */

/* DOC: a UNICODE_STRING and its text in one pool block. */
NTSTATUS SeLocateProcessImageName(EPROCESS *eprocess, UNICODE_STRING **out)
{
    static const char folder[] = "\\Device\\HarddiskVolume1\\";
    const struct process *p = ps_process_of(eprocess);
    const char *name = p ? p->name : "";
    size_t chars = sizeof folder - 1 + strlen(name);
    UNICODE_STRING *s = ex_pool_alloc(1, sizeof *s + (chars + 1) * 2, SE_TAG);
    *s = (UNICODE_STRING) { (USHORT)(chars * 2), (USHORT)(chars * 2 + 2), (WCHAR *)(s + 1) };
    for (size_t i = 0; i <= chars; i++)
        s->Buffer[i] = (UCHAR)(i < sizeof folder - 1 ? folder[i] : name[i - (sizeof folder - 1)]);
    *out = s;
    return STATUS_SUCCESS;
}

NTSTATUS SeRegisterLogonSessionTerminatedRoutine(PVOID routine)
{
    return STATUS_SUCCESS;
}

NTSTATUS SeUnregisterLogonSessionTerminatedRoutine(PVOID routine)
{
    return STATUS_SUCCESS;
}

NTSTATUS SeMarkLogonSessionForTerminationNotification(const LUID *id)
{
    return STATUS_SUCCESS;
}
