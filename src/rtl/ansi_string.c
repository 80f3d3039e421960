/* ANSI_STRING, which is also OEM_STRING and UTF8_STRING: initialize, copy, compare, append, upper case. */
#include "nt/status.h"
#include "rtl/crt.h"
#include "rtl/memory.h"
#include "rtl/nls.h"
#include "rtl/string.h"

enum { MAX_INIT = 0xFFFE };

static void set_string(ANSI_STRING *s, const CHAR *text, size_t bytes)
{
    s->Length = (USHORT)bytes;
    s->MaximumLength = text ? (USHORT)(bytes + 1) : 0;
    s->Buffer = (CHAR *)text;
}

void RtlInitAnsiString(ANSI_STRING *s, const CHAR *text)
{
    size_t bytes = text ? nt_strlen(text) : 0;
    set_string(s, text, bytes > MAX_INIT ? MAX_INIT : bytes);
}

void RtlInitString(ANSI_STRING *s, const CHAR *text)
{
    RtlInitAnsiString(s, text);
}

void RtlInitUTF8String(ANSI_STRING *s, const CHAR *text)
{
    RtlInitAnsiString(s, text);
}

NTSTATUS RtlInitAnsiStringEx(ANSI_STRING *s, const CHAR *text)
{
    size_t bytes = text ? nt_strlen(text) : 0;
    if (bytes > MAX_INIT)
        return STATUS_NAME_TOO_LONG;
    set_string(s, text, bytes);
    return STATUS_SUCCESS;
}

NTSTATUS RtlInitStringEx(ANSI_STRING *s, const CHAR *text)
{
    return RtlInitAnsiStringEx(s, text);
}

NTSTATUS RtlInitUTF8StringEx(ANSI_STRING *s, const CHAR *text)
{
    return RtlInitAnsiStringEx(s, text);
}

void RtlCopyString(ANSI_STRING *to, const ANSI_STRING *from)
{
    if (!from) {
        to->Length = 0;
        return;
    }
    USHORT bytes = from->Length < to->MaximumLength ? from->Length : to->MaximumLength;
    rtl_copy(to->Buffer, from->Buffer, bytes);
    to->Length = bytes;
}

static LONG compare(const CHAR *a, size_t a_bytes, const CHAR *b, size_t b_bytes, ULONG ignore_case)
{
    size_t n = a_bytes < b_bytes ? a_bytes : b_bytes;
    for (size_t i = 0; i < n; i++) {
        UCHAR x = (UCHAR)a[i];
        UCHAR y = (UCHAR)b[i];
        if (x != y && (UCHAR)ignore_case) {
            x = rtl_upcase_ansi(x);
            y = rtl_upcase_ansi(y);
        }
        if (x != y)
            return (LONG)x - (LONG)y;
    }
    return (LONG)a_bytes - (LONG)b_bytes;
}

LONG RtlCompareString(const ANSI_STRING *a, const ANSI_STRING *b, ULONG ignore_case)
{
    return compare(a->Buffer, a->Length, b->Buffer, b->Length, ignore_case);
}

BOOLEAN RtlEqualString(const ANSI_STRING *a, const ANSI_STRING *b, ULONG ignore_case)
{
    return a->Length == b->Length && RtlCompareString(a, b, ignore_case) == 0;
}

BOOLEAN RtlPrefixString(const ANSI_STRING *prefix, const ANSI_STRING *s, ULONG ignore_case)
{
    return prefix->Length <= s->Length &&
           compare(prefix->Buffer, prefix->Length, s->Buffer, prefix->Length, ignore_case) == 0;
}

static NTSTATUS append(ANSI_STRING *to, const CHAR *text, size_t bytes)
{
    if (to->Length + bytes > to->MaximumLength)
        return STATUS_BUFFER_TOO_SMALL;
    rtl_copy(to->Buffer + to->Length, text, bytes);
    to->Length = (USHORT)(to->Length + bytes);
    return STATUS_SUCCESS;
}

NTSTATUS RtlAppendAsciizToString(ANSI_STRING *to, const CHAR *text)
{
    return text ? append(to, text, nt_strlen(text)) : STATUS_SUCCESS;
}

NTSTATUS RtlAppendStringToString(ANSI_STRING *to, const ANSI_STRING *from)
{
    return from->Length ? append(to, from->Buffer, from->Length) : STATUS_SUCCESS;
}

void RtlUpperString(ANSI_STRING *to, const ANSI_STRING *from)
{
    USHORT bytes = from->Length < to->MaximumLength ? from->Length : to->MaximumLength;
    for (USHORT i = 0; i < bytes; i++)
        to->Buffer[i] = (CHAR)rtl_upcase_ansi((UCHAR)from->Buffer[i]);
    to->Length = bytes;
}
