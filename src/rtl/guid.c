/* GUIDs as text: {XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX}, upper case. */
#include "nt/status.h"
#include "rtl/heap.h"
#include "rtl/string.h"

enum { GUID_CHARS = 38 };

/* The bytes of a GUID in the order of its text. */
static const UCHAR text_order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

static int dash_before(int byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

static NTSTATUS write_guid(const struct rtl_heap *heap, const GUID *guid, UNICODE_STRING *to, int allocate)
{
    const UCHAR *bytes = (const UCHAR *)guid;
    enum { SIZE = (GUID_CHARS + 1) * sizeof(WCHAR) };
    if (allocate) {
        WCHAR *buffer = heap->alloc(SIZE);
        if (!buffer)
            return STATUS_NO_MEMORY;
        to->Buffer = buffer;
        to->MaximumLength = SIZE;
    } else if (to->MaximumLength < SIZE) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    WCHAR *p = to->Buffer;
    *p++ = '{';
    for (int i = 0; i < 16; i++) {
        if (dash_before(i))
            *p++ = '-';
        *p++ = (UCHAR) "0123456789ABCDEF"[bytes[text_order[i]] >> 4];
        *p++ = (UCHAR) "0123456789ABCDEF"[bytes[text_order[i]] & 15];
    }
    *p++ = '}';
    *p = 0;
    to->Length = GUID_CHARS * sizeof(WCHAR);
    return STATUS_SUCCESS;
}

NTSTATUS RtlStringFromGUID(const GUID *guid, UNICODE_STRING *to)
{
    return write_guid(&rtl_pool_heap, guid, to, TRUE);
}

NTSTATUS RtlStringFromGUIDEx(const GUID *guid, UNICODE_STRING *to, ULONG allocate)
{
    return write_guid(&rtl_pool_heap, guid, to, (UCHAR)allocate);
}

NTSTATUS ntdll_RtlStringFromGUID(const GUID *guid, UNICODE_STRING *to)
{
    return write_guid(&rtl_user_heap, guid, to, TRUE);
}

NTSTATUS ntdll_RtlStringFromGUIDEx(const GUID *guid, UNICODE_STRING *to, ULONG allocate)
{
    return write_guid(&rtl_user_heap, guid, to, (UCHAR)allocate);
}

static int hex_value(WCHAR c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* GUESS: text behind the closing brace is not looked at. */
NTSTATUS RtlGUIDFromString(const UNICODE_STRING *s, GUID *guid)
{
    UCHAR bytes[16];
    const WCHAR *p = s->Buffer;
    if (s->Length < GUID_CHARS * sizeof(WCHAR) || *p++ != '{')
        return STATUS_INVALID_PARAMETER;
    for (int i = 0; i < 16; i++) {
        if (dash_before(i) && *p++ != '-')
            return STATUS_INVALID_PARAMETER;
        int high = hex_value(p[0]);
        int low = hex_value(p[1]);
        if (high < 0 || low < 0)
            return STATUS_INVALID_PARAMETER;
        bytes[text_order[i]] = (UCHAR)(high << 4 | low);
        p += 2;
    }
    if (*p != '}')
        return STATUS_INVALID_PARAMETER;
    for (int i = 0; i < 16; i++)
        ((UCHAR *)guid)[i] = bytes[i];
    return STATUS_SUCCESS;
}
