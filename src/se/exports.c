/* SeExports: well-known privileges and SIDs, and the default DACLs, in guest memory. */
#include <string.h>

#include "mm/mm.h"
#include "nt/types.h"
#include "se/se.h"

enum { SE_TAG = 0x65536553 };

void *se_sid_make(uint8_t authority, unsigned count, const uint32_t *parts)
{
    uint8_t *sid = ex_pool_alloc(1, 8 + count * 4u, SE_TAG);
    memset(sid, 0, 8);
    sid[0] = 1; /* revision */
    sid[1] = (uint8_t)count;
    sid[7] = authority;
    if (count)
        memcpy(sid + 8, parts, count * 4u);
    return sid;
}

#define SID(authority, ...)                                                                                            \
    (uint64_t) se_sid_make(authority, sizeof((uint32_t[]) { __VA_ARGS__ }) / 4, (const uint32_t[]) { __VA_ARGS__ })

/* In the order of SE_EXPORTS (ntifs.h); a LUID and a pointer are both 8 bytes. */
void se_data_exports(void *at);
void se_data_exports(void *at)
{
    const uint64_t e[] = {
        /* SeCreateTokenPrivilege … SeRemoteShutdownPrivilege: LUIDs as winnt.h numbers them */
        2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 14, 11, 12, 13, 16, 17, 18, 19, 20, 21, 22, 23, 24,
        SID(0, 0), SID(1, 0), SID(2, 0), SID(3, 0), SID(3, 1), /* Null, World, Local, CreatorOwner, CreatorGroup */
        (uint64_t)se_sid_make(5, 0, NULL), SID(5, 1), SID(5, 2), SID(5, 3), SID(5, 4), SID(5, 18), /* NT authority … LocalSystem */
        SID(5, 32, 544), SID(5, 32, 545), SID(5, 32, 546), SID(5, 32, 547), SID(5, 32, 548), SID(5, 32, 549), SID(5, 32, 550), SID(5, 32, 551),
        SID(5, 11), SID(5, 12), SID(5, 7), /* AuthenticatedUsers, Restricted, AnonymousLogon */
        25, 26, 27, /* Undock, SyncAgent, EnableDelegation */
        SID(5, 19), SID(5, 20), /* LocalService, NetworkService */
        28, 29, 30, 31, 32, 33, 34, 35, /* ManageVolume … CreateSymbolicLink */
        SID(5, 17), /* IUser */
        SID(16, 0), SID(16, 0x1000), SID(16, 0x2000), SID(16, 0x3000), SID(16, 0x4000), /* mandatory levels */
        SID(3, 4), /* OwnerRights */
    };
    void *block = ex_pool_alloc(1, sizeof e, SE_TAG);
    memcpy(block, e, sizeof e);
    memcpy(at, &block, 8);
}

/* An ACL without entries: nobody asks, SeAccessCheck allows. */
void se_data_default_dacl(void *at);
void se_data_default_dacl(void *at)
{
    static const uint8_t acl[8] = { 2, 0, 8, 0, 0, 0, 0, 0 };
    void *block = ex_pool_alloc(1, sizeof acl, SE_TAG);
    memcpy(block, acl, sizeof acl);
    memcpy(at, &block, 8);
}
