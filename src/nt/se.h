/* Security structures that live in guest memory: SIDs, ACLs, security descriptors. */
#ifndef IRPLAB_NT_SE_H
#define IRPLAB_NT_SE_H

#include "nt/ob.h"
#include "nt/types.h"

typedef ULONG SECURITY_INFORMATION;

enum { SID_REVISION = 1, SID_MAX_SUB_AUTHORITIES = 15 };
enum { OWNER_SECURITY_INFORMATION = 1, GROUP_SECURITY_INFORMATION = 2, DACL_SECURITY_INFORMATION = 4,
       SACL_SECURITY_INFORMATION = 8, LABEL_SECURITY_INFORMATION = 0x10 };

typedef struct SID_IDENTIFIER_AUTHORITY {
    UCHAR Value[6]; /* big-endian */
} SID_IDENTIFIER_AUTHORITY;

typedef struct SID {
    UCHAR Revision;
    UCHAR SubAuthorityCount;
    SID_IDENTIFIER_AUTHORITY IdentifierAuthority;
    ULONG SubAuthority[1];
} SID;

typedef struct SID_AND_ATTRIBUTES {
    SID *Sid;
    ULONG Attributes;
} SID_AND_ATTRIBUTES;

typedef struct LUID {
    ULONG LowPart;
    LONG HighPart;
} LUID;

#pragma pack(push, 4)
typedef struct LUID_AND_ATTRIBUTES {
    LUID Luid;
    ULONG Attributes;
} LUID_AND_ATTRIBUTES;
#pragma pack(pop)

enum { ACL_REVISION = 2, ACL_REVISION_DS = 4, MIN_ACL_REVISION = 2, MAX_ACL_REVISION = 4 };

typedef struct ACL {
    UCHAR AclRevision;
    UCHAR Sbz1;
    USHORT AclSize;
    USHORT AceCount;
    USHORT Sbz2;
} ACL;

enum { ACCESS_ALLOWED_ACE_TYPE = 0, ACCESS_DENIED_ACE_TYPE = 1, SYSTEM_AUDIT_ACE_TYPE = 2, SYSTEM_ALARM_ACE_TYPE = 3,
       ACCESS_ALLOWED_COMPOUND_ACE_TYPE = 4, ACCESS_ALLOWED_OBJECT_ACE_TYPE = 5, ACCESS_DENIED_OBJECT_ACE_TYPE = 6,
       SYSTEM_MANDATORY_LABEL_ACE_TYPE = 0x11 };
enum { OBJECT_INHERIT_ACE = 1, CONTAINER_INHERIT_ACE = 2, NO_PROPAGATE_INHERIT_ACE = 4, INHERIT_ONLY_ACE = 8,
       INHERITED_ACE = 0x10, SUCCESSFUL_ACCESS_ACE_FLAG = 0x40, FAILED_ACCESS_ACE_FLAG = 0x80 };

typedef struct ACE_HEADER {
    UCHAR AceType;
    UCHAR AceFlags;
    USHORT AceSize;
} ACE_HEADER;

/* Allowed, denied, audit and label entries all have this shape. */
typedef struct ACCESS_ALLOWED_ACE {
    ACE_HEADER Header;
    ACCESS_MASK Mask;
    ULONG SidStart; /* first bytes of the SID */
} ACCESS_ALLOWED_ACE;

typedef USHORT SECURITY_DESCRIPTOR_CONTROL;
enum { SECURITY_DESCRIPTOR_REVISION = 1 };
enum { SE_OWNER_DEFAULTED = 0x1, SE_GROUP_DEFAULTED = 0x2, SE_DACL_PRESENT = 0x4, SE_DACL_DEFAULTED = 0x8,
       SE_SACL_PRESENT = 0x10, SE_SACL_DEFAULTED = 0x20, SE_DACL_AUTO_INHERITED = 0x400,
       SE_SACL_AUTO_INHERITED = 0x800, SE_DACL_PROTECTED = 0x1000, SE_SACL_PROTECTED = 0x2000,
       SE_RM_CONTROL_VALID = 0x4000, SE_SELF_RELATIVE = 0x8000 };

typedef struct SECURITY_DESCRIPTOR {
    UCHAR Revision;
    UCHAR Sbz1;
    SECURITY_DESCRIPTOR_CONTROL Control;
    SID *Owner;
    SID *Group;
    ACL *Sacl;
    ACL *Dacl;
} SECURITY_DESCRIPTOR;

/* SE_SELF_RELATIVE is set: offsets from its begin, 0 for a part that is not there. */
typedef struct SECURITY_DESCRIPTOR_RELATIVE {
    UCHAR Revision;
    UCHAR Sbz1;
    SECURITY_DESCRIPTOR_CONTROL Control;
    ULONG Owner;
    ULONG Group;
    ULONG Sacl;
    ULONG Dacl;
} SECURITY_DESCRIPTOR_RELATIVE;

#endif
