/* SIDs, ACLs and security descriptors: the functions that only read and write their arguments. Access checks are se's. */
#ifndef IRPLAB_RTL_SECURITY_H
#define IRPLAB_RTL_SECURITY_H

#include "nt/se.h"

/* sid.c */
ULONG RtlLengthRequiredSid(ULONG sub_authorities);
ULONG RtlLengthSid(const SID *sid);
NTSTATUS RtlInitializeSid(SID *sid, const SID_IDENTIFIER_AUTHORITY *authority, ULONG sub_authorities);
ULONG *RtlSubAuthoritySid(SID *sid, ULONG index);
UCHAR *RtlSubAuthorityCountSid(SID *sid);
SID_IDENTIFIER_AUTHORITY *RtlIdentifierAuthoritySid(SID *sid);
BOOLEAN RtlValidSid(const SID *sid);
BOOLEAN RtlEqualSid(const SID *a, const SID *b);
BOOLEAN RtlEqualPrefixSid(const SID *a, const SID *b);
NTSTATUS RtlCopySid(ULONG size, SID *to, const SID *from);
NTSTATUS RtlConvertSidToUnicodeString(UNICODE_STRING *to, const SID *sid, ULONG allocate);
NTSTATUS ntdll_RtlConvertSidToUnicodeString(UNICODE_STRING *to, const SID *sid, ULONG allocate);
NTSTATUS RtlAllocateAndInitializeSid(const SID_IDENTIFIER_AUTHORITY *authority, ULONG count, ULONG s0, ULONG s1, ULONG s2,
                                     ULONG s3, ULONG s4, ULONG s5, ULONG s6, ULONG s7, SID **sid);
PVOID RtlFreeSid(SID *sid);
NTSTATUS RtlCopySidAndAttributesArray(ULONG count, const SID_AND_ATTRIBUTES *from, ULONG sid_area_size,
                                      SID_AND_ATTRIBUTES *to, UCHAR *sid_area, UCHAR **area_rest, ULONG *size_rest);
void RtlCopyLuid(LUID *to, const LUID *from);
BOOLEAN RtlEqualLuid(const LUID *a, const LUID *b);
void RtlCopyLuidAndAttributesArray(ULONG count, const LUID_AND_ATTRIBUTES *from, LUID_AND_ATTRIBUTES *to);

/* acl.c */
NTSTATUS RtlCreateAcl(ACL *acl, ULONG size, ULONG revision);
BOOLEAN RtlValidAcl(const ACL *acl);
NTSTATUS RtlAddAccessAllowedAce(ACL *acl, ULONG revision, ACCESS_MASK mask, const SID *sid);
NTSTATUS RtlAddAccessAllowedAceEx(ACL *acl, ULONG revision, ULONG flags, ACCESS_MASK mask, const SID *sid);
NTSTATUS RtlAddAccessDeniedAce(ACL *acl, ULONG revision, ACCESS_MASK mask, const SID *sid);
NTSTATUS RtlAddAccessDeniedAceEx(ACL *acl, ULONG revision, ULONG flags, ACCESS_MASK mask, const SID *sid);
NTSTATUS RtlAddAce(ACL *acl, ULONG revision, ULONG index, const void *list, ULONG bytes);
NTSTATUS RtlDeleteAce(ACL *acl, ULONG index);
NTSTATUS RtlGetAce(const ACL *acl, ULONG index, PVOID *ace);
BOOLEAN RtlFirstFreeAce(const ACL *acl, PVOID *ace);
PVOID RtlFindAceByType(const ACL *acl, ULONG type, ULONG *index);

/* security_descriptor.c */
NTSTATUS RtlCreateSecurityDescriptor(SECURITY_DESCRIPTOR *sd, ULONG revision);
BOOLEAN RtlValidSecurityDescriptor(const SECURITY_DESCRIPTOR *sd);
BOOLEAN RtlValidRelativeSecurityDescriptor(const SECURITY_DESCRIPTOR_RELATIVE *sd, ULONG size, SECURITY_INFORMATION required);
ULONG RtlLengthSecurityDescriptor(const SECURITY_DESCRIPTOR *sd);
NTSTATUS RtlGetControlSecurityDescriptor(const SECURITY_DESCRIPTOR *sd, USHORT *control, ULONG *revision);
NTSTATUS RtlSetControlSecurityDescriptor(SECURITY_DESCRIPTOR *sd, ULONG which, ULONG set);
NTSTATUS RtlSetOwnerSecurityDescriptor(SECURITY_DESCRIPTOR *sd, SID *owner, ULONG defaulted);
NTSTATUS RtlSetGroupSecurityDescriptor(SECURITY_DESCRIPTOR *sd, SID *group, ULONG defaulted);
NTSTATUS RtlSetDaclSecurityDescriptor(SECURITY_DESCRIPTOR *sd, ULONG present, ACL *dacl, ULONG defaulted);
NTSTATUS RtlSetSaclSecurityDescriptor(SECURITY_DESCRIPTOR *sd, ULONG present, ACL *sacl, ULONG defaulted);
NTSTATUS RtlGetOwnerSecurityDescriptor(const SECURITY_DESCRIPTOR *sd, SID **owner, BOOLEAN *defaulted);
NTSTATUS RtlGetGroupSecurityDescriptor(const SECURITY_DESCRIPTOR *sd, SID **group, BOOLEAN *defaulted);
NTSTATUS RtlGetDaclSecurityDescriptor(const SECURITY_DESCRIPTOR *sd, BOOLEAN *present, ACL **dacl, BOOLEAN *defaulted);
NTSTATUS RtlGetSaclSecurityDescriptor(const SECURITY_DESCRIPTOR *sd, BOOLEAN *present, ACL **sacl, BOOLEAN *defaulted);
NTSTATUS RtlAbsoluteToSelfRelativeSD(const SECURITY_DESCRIPTOR *from, SECURITY_DESCRIPTOR_RELATIVE *to, ULONG *size);
NTSTATUS RtlMakeSelfRelativeSD(const SECURITY_DESCRIPTOR *from, SECURITY_DESCRIPTOR_RELATIVE *to, ULONG *size);
NTSTATUS RtlSelfRelativeToAbsoluteSD(const SECURITY_DESCRIPTOR_RELATIVE *from, SECURITY_DESCRIPTOR *to, ULONG *to_size,
                                     ACL *dacl, ULONG *dacl_size, ACL *sacl, ULONG *sacl_size, SID *owner,
                                     ULONG *owner_size, SID *group, ULONG *group_size);

#endif
