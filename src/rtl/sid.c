/* Security identifiers and locally unique ones. */
#include "nt/status.h"
#include "rtl/heap.h"
#include "rtl/memory.h"
#include "rtl/security.h"

ULONG RtlLengthRequiredSid(ULONG sub_authorities)
{
    return 8 + 4 * sub_authorities;
}

ULONG RtlLengthSid(const SID *sid)
{
    return RtlLengthRequiredSid(sid->SubAuthorityCount);
}

NTSTATUS RtlInitializeSid(SID *sid, const SID_IDENTIFIER_AUTHORITY *authority, ULONG sub_authorities)
{
    if ((UCHAR)sub_authorities > SID_MAX_SUB_AUTHORITIES)
        return STATUS_INVALID_PARAMETER;
    sid->Revision = SID_REVISION;
    sid->SubAuthorityCount = (UCHAR)sub_authorities;
    sid->IdentifierAuthority = *authority;
    return STATUS_SUCCESS;
}

ULONG *RtlSubAuthoritySid(SID *sid, ULONG index)
{
    return &sid->SubAuthority[index];
}

UCHAR *RtlSubAuthorityCountSid(SID *sid)
{
    return &sid->SubAuthorityCount;
}

SID_IDENTIFIER_AUTHORITY *RtlIdentifierAuthoritySid(SID *sid)
{
    return &sid->IdentifierAuthority;
}

BOOLEAN RtlValidSid(const SID *sid)
{
    return sid && (sid->Revision & 0xF) == SID_REVISION && sid->SubAuthorityCount <= SID_MAX_SUB_AUTHORITIES;
}

BOOLEAN RtlEqualSid(const SID *a, const SID *b)
{
    return a->Revision == b->Revision && a->SubAuthorityCount == b->SubAuthorityCount &&
           RtlEqualMemory(a, b, RtlLengthSid(a));
}

/* All but the last sub-authority. */
BOOLEAN RtlEqualPrefixSid(const SID *a, const SID *b)
{
    if (a->Revision != b->Revision || a->SubAuthorityCount != b->SubAuthorityCount)
        return FALSE;
    ULONG length = RtlLengthSid(a);
    return RtlEqualMemory(a, b, a->SubAuthorityCount ? length - 4 : length);
}

NTSTATUS RtlCopySid(ULONG size, SID *to, const SID *from)
{
    ULONG length = RtlLengthSid(from);
    if (length > size)
        return STATUS_BUFFER_TOO_SMALL;
    rtl_copy(to, from, length);
    return STATUS_SUCCESS;
}

static WCHAR *put_number(WCHAR *to, ULONGLONG value, unsigned base)
{
    WCHAR digits[24];
    int n = 0;
    do {
        digits[n++] = (UCHAR) "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (n > 0)
        *to++ = digits[--n];
    return to;
}

/* S-1-5-32-544; an authority that does not fit 32 bits is written as 0x and twelve hexadecimal digits. */
static size_t write_sid(const SID *sid, WCHAR *to)
{
    const UCHAR *authority = sid->IdentifierAuthority.Value;
    WCHAR *p = to;
    ULONGLONG value = 0;
    for (int i = 0; i < 6; i++)
        value = value << 8 | authority[i];
    *p++ = 'S';
    *p++ = '-';
    p = put_number(p, sid->Revision, 10);
    *p++ = '-';
    if (value >> 32) {
        *p++ = '0';
        *p++ = 'x';
        for (int shift = 44; shift >= 0; shift -= 4)
            *p++ = (UCHAR) "0123456789abcdef"[value >> shift & 15];
    } else {
        p = put_number(p, value, 10);
    }
    for (int i = 0; i < sid->SubAuthorityCount; i++) {
        *p++ = '-';
        p = put_number(p, sid->SubAuthority[i], 10);
    }
    return (size_t)(p - to);
}

static NTSTATUS sid_to_string(const struct rtl_heap *heap, UNICODE_STRING *to, const SID *sid, int allocate)
{
    WCHAR text[256];
    if (!RtlValidSid(sid))
        return STATUS_INVALID_SID;
    size_t bytes = write_sid(sid, text) * sizeof(WCHAR);
    if (allocate) {
        WCHAR *buffer = heap->alloc(bytes + sizeof(WCHAR));
        if (!buffer)
            return STATUS_NO_MEMORY;
        to->Buffer = buffer;
        to->MaximumLength = (USHORT)(bytes + sizeof(WCHAR));
    } else if (bytes > to->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    rtl_copy(to->Buffer, text, bytes);
    to->Length = (USHORT)bytes;
    if (bytes + sizeof(WCHAR) <= to->MaximumLength)
        to->Buffer[bytes / sizeof(WCHAR)] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS RtlConvertSidToUnicodeString(UNICODE_STRING *to, const SID *sid, ULONG allocate)
{
    return sid_to_string(&rtl_pool_heap, to, sid, (UCHAR)allocate);
}

NTSTATUS ntdll_RtlConvertSidToUnicodeString(UNICODE_STRING *to, const SID *sid, ULONG allocate)
{
    return sid_to_string(&rtl_user_heap, to, sid, (UCHAR)allocate);
}

/* ntdll only. */
NTSTATUS RtlAllocateAndInitializeSid(const SID_IDENTIFIER_AUTHORITY *authority, ULONG count, ULONG s0, ULONG s1, ULONG s2,
                                     ULONG s3, ULONG s4, ULONG s5, ULONG s6, ULONG s7, SID **sid)
{
    const ULONG sub[8] = {s0, s1, s2, s3, s4, s5, s6, s7};
    count = (UCHAR)count;
    if (count > 8)
        return STATUS_INVALID_SID;
    SID *s = rtl_user_alloc(RtlLengthRequiredSid(count));
    if (!s)
        return STATUS_NO_MEMORY;
    RtlInitializeSid(s, authority, count);
    for (ULONG i = 0; i < count; i++)
        s->SubAuthority[i] = sub[i];
    *sid = s;
    return STATUS_SUCCESS;
}

PVOID RtlFreeSid(SID *sid)
{
    rtl_user_free(sid);
    return NULL;
}

/* The SIDs are packed into sid_area; *area_rest and *size_rest tell what is left of it. */
NTSTATUS RtlCopySidAndAttributesArray(ULONG count, const SID_AND_ATTRIBUTES *from, ULONG sid_area_size,
                                      SID_AND_ATTRIBUTES *to, UCHAR *sid_area, UCHAR **area_rest, ULONG *size_rest)
{
    for (ULONG i = 0; i < count; i++) {
        ULONG length = RtlLengthSid(from[i].Sid);
        if (length > sid_area_size)
            return STATUS_BUFFER_TOO_SMALL;
        rtl_copy(sid_area, from[i].Sid, length);
        to[i].Sid = (SID *)sid_area;
        to[i].Attributes = from[i].Attributes;
        sid_area += length;
        sid_area_size -= length;
    }
    *area_rest = sid_area;
    *size_rest = sid_area_size;
    return STATUS_SUCCESS;
}

void RtlCopyLuid(LUID *to, const LUID *from)
{
    *to = *from;
}

BOOLEAN RtlEqualLuid(const LUID *a, const LUID *b)
{
    return a->LowPart == b->LowPart && a->HighPart == b->HighPart;
}

void RtlCopyLuidAndAttributesArray(ULONG count, const LUID_AND_ATTRIBUTES *from, LUID_AND_ATTRIBUTES *to)
{
    for (ULONG i = 0; i < count; i++)
        to[i] = from[i];
}
