/* Version calls. Which Windows it is: ke_os(). */
#include <string.h>

#include "ke/ke.h"
#include "nt/status.h"
#include "nt/types.h"

/* RTL_OSVERSIONINFOEXW; the W form ends after CSDVersion. */
struct version_info {
    ULONG size, major, minor, build, platform;
    WCHAR service_pack[128];
    USHORT sp_major, sp_minor, suite;
    UCHAR product, reserved;
};
_Static_assert(sizeof(struct version_info) == 284, "RTL_OSVERSIONINFOEXW");

enum { PLATFORM_NT = 2, PRODUCT_WORKSTATION = 1, SUITE_SINGLE_USER_TS = 0x100, FREE_BUILD = 0xF0000000 };

static bool has_service_pack(void)
{
    return ke_os()->major == 6 && ke_os()->minor == 1;
}

NTSTATUS RtlGetVersion(struct version_info *v)
{
    ULONG size = v->size;
    v->major = ke_os()->major;
    v->minor = ke_os()->minor;
    v->build = ke_os()->build;
    v->platform = PLATFORM_NT;
    memset(v->service_pack, 0, sizeof v->service_pack);
    static const char sp[] = "Service Pack 1";
    for (size_t i = 0; has_service_pack() && sp[i]; i++)
        v->service_pack[i] = (WCHAR)sp[i];
    if (size < sizeof *v)
        return STATUS_SUCCESS;
    v->sp_major = has_service_pack();
    v->sp_minor = 0;
    v->suite = SUITE_SINGLE_USER_TS;
    v->product = PRODUCT_WORKSTATION;
    v->reserved = 0;
    return STATUS_SUCCESS;
}

/* VER_* bits and conditions of VerSetConditionMask: three bits a field. */
enum { VER_MINOR = 0x1, VER_MAJOR = 0x2, VER_BUILD = 0x4, VER_PLATFORM = 0x8, VER_SP_MINOR = 0x10, VER_SP_MAJOR = 0x20, VER_SUITE = 0x40,
       VER_PRODUCT = 0x80 };
enum { CONDITION_EQUAL = 1, CONDITION_GREATER, CONDITION_GREATER_EQUAL, CONDITION_LESS, CONDITION_LESS_EQUAL, CONDITION_AND, CONDITION_OR };

static unsigned condition_of(ULONGLONG mask, ULONG field)
{
    return (unsigned)(mask >> (__builtin_ctz(field) * 3)) & 7;
}

static bool holds(unsigned condition, ULONG have, ULONG want)
{
    switch (condition) {
    case CONDITION_EQUAL:
        return have == want;
    case CONDITION_GREATER:
        return have > want;
    case CONDITION_GREATER_EQUAL:
        return have >= want;
    case CONDITION_LESS:
        return have < want;
    case CONDITION_LESS_EQUAL:
        return have <= want;
    default:
        return false;
    }
}

/* DOC: major, minor, service pack are compared hierarchically: the first that differs decides with the first one's condition. */
static bool version_holds(const struct version_info *want, const struct version_info *have, ULONG fields, ULONGLONG mask)
{
    const struct {
        ULONG field, have, want;
    } parts[] = { { VER_MAJOR, have->major, want->major },
                  { VER_MINOR, have->minor, want->minor },
                  { VER_SP_MAJOR, have->sp_major, want->sp_major },
                  { VER_SP_MINOR, have->sp_minor, want->sp_minor } };
    unsigned condition = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!(fields & parts[i].field))
            continue;
        condition = condition ? condition : condition_of(mask, parts[i].field);
        if (parts[i].have != parts[i].want)
            return holds(condition, parts[i].have, parts[i].want);
    }
    return condition == 0 || holds(condition, 0, 0);
}

NTSTATUS RtlVerifyVersionInfo(const struct version_info *want, ULONG fields, ULONGLONG mask)
{
    struct version_info have = { .size = sizeof have };
    RtlGetVersion(&have);
    bool ok = version_holds(want, &have, fields, mask);
    if (fields & VER_BUILD)
        ok = ok && holds(condition_of(mask, VER_BUILD), have.build, want->build);
    if (fields & VER_PLATFORM)
        ok = ok && holds(condition_of(mask, VER_PLATFORM), have.platform, want->platform);
    if (fields & VER_PRODUCT)
        ok = ok && holds(condition_of(mask, VER_PRODUCT), have.product, want->product);
    if (fields & VER_SUITE)
        ok = ok && (condition_of(mask, VER_SUITE) == CONDITION_AND ? (have.suite & want->suite) == want->suite : (have.suite & want->suite) != 0);
    return ok ? STATUS_SUCCESS : STATUS_REVISION_MISMATCH;
}

ULONGLONG VerSetConditionMask(ULONGLONG mask, ULONG fields, ULONG condition)
{
    if (fields == 0)
        return mask;
    /* The lowest named field gets the condition. */
    return mask | 1ull << 63 | (ULONGLONG)(condition & 7) << (__builtin_ctz(fields) * 3);
}

BOOLEAN PsGetVersion(ULONG *major, ULONG *minor, ULONG *build, UNICODE_STRING *service_pack)
{
    if (major)
        *major = ke_os()->major;
    if (minor)
        *minor = ke_os()->minor;
    if (build)
        *build = ke_os()->build;
    if (service_pack)
        service_pack->Length = 0;
    return FALSE; /* not a checked build */
}

/* DOC: 0x0A000000 and its like, NTDDI_VERSION without the sub-version. */
BOOLEAN RtlIsNtDdiVersionAvailable(ULONG version)
{
    if (version & 0xFF)
        return FALSE;
    ULONG own = (ULONG)ke_os()->major << 24 | (ULONG)ke_os()->minor << 16;
    return own >= (version & 0xFFFF0000);
}

BOOLEAN RtlIsServicePackVersionInstalled(ULONG version)
{
    ULONG own = (ULONG)ke_os()->major << 24 | (ULONG)ke_os()->minor << 16 | (has_service_pack() ? 0x100 : 0);
    return (version & 0xFFFF0000) == (own & 0xFFFF0000) && own >= version;
}

void ex_data_build_number(void *at);
void ex_data_build_number(void *at)
{
    ULONG n = FREE_BUILD | ke_os()->build;
    memcpy(at, &n, sizeof n);
}

void ex_data_build_lab(void *at);
void ex_data_build_lab(void *at)
{
    static const struct {
        uint32_t build;
        const char *lab;
    } labs[] = { { 7601, "7601.17514.amd64fre.win7sp1_rtm.101119-1850" },
                 { 9200, "9200.16384.amd64fre.win8_rtm.120725-1247" },
                 { 9600, "9600.17415.amd64fre.winblue_r4.141028-1500" },
                 { 19045, "19041.1.amd64fre.vb_release.191206-1406" },
                 { 22631, "22621.1.amd64fre.ni_release.220506-1250" } };
    for (size_t i = 0; i < sizeof labs / sizeof labs[0]; i++)
        if (labs[i].build == ke_os()->build)
            strcpy(at, labs[i].lab);
}
