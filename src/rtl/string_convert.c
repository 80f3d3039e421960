/* Counted strings between Unicode and the ANSI, OEM and UTF-8 code pages.
 *
 * All exports are one of two functions with a table: which way, which code page, whether the result is terminated
 * ("counted" forms are not), and whether it is folded to upper case first. */
#include "nt/status.h"
#include "rtl/crt.h"
#include "rtl/heap.h"
#include "rtl/nls.h"
#include "rtl/string.h"

typedef NTSTATUS widen_fn(WCHAR *to, ULONG max_bytes, ULONG *bytes, const CHAR *from, ULONG from_bytes);
typedef NTSTATUS narrow_fn(CHAR *to, ULONG max_bytes, ULONG *bytes, const WCHAR *from, ULONG from_bytes);

/* GUESS: RtlFree*String release what any of these allocated, so a result of length zero gets a buffer too. */
static NTSTATUS widen(const struct rtl_heap *heap, widen_fn *convert, UNICODE_STRING *to, const ANSI_STRING *from,
                      ULONG allocate, ULONG terminator)
{
    ULONG bytes = 0;
    if (convert == RtlUTF8ToUnicodeN && from->Length)
        convert(NULL, 0, &bytes, from->Buffer, from->Length);
    else
        bytes = from->Length * sizeof(WCHAR);
    ULONG total = bytes + terminator;
    if (total > 0xFFFF)
        return STATUS_INVALID_PARAMETER_2;
    if ((UCHAR)allocate) {
        WCHAR *buffer = heap->alloc(total ? total : sizeof(WCHAR));
        if (!buffer)
            return STATUS_NO_MEMORY;
        to->Buffer = buffer;
        to->MaximumLength = (USHORT)total;
    } else if (total > to->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    NTSTATUS status = bytes ? convert(to->Buffer, bytes, NULL, from->Buffer, from->Length) : STATUS_SUCCESS;
    to->Length = (USHORT)bytes;
    if (terminator)
        to->Buffer[bytes / sizeof(WCHAR)] = 0;
    return status;
}

/* Without room, as much as fits is converted and STATUS_BUFFER_OVERFLOW returned, if there is room for a terminator. */
static NTSTATUS narrow(const struct rtl_heap *heap, narrow_fn *convert, ANSI_STRING *to, const UNICODE_STRING *from,
                       ULONG allocate, ULONG terminator)
{
    ULONG bytes = 0;
    NTSTATUS status = STATUS_SUCCESS;
    if (convert == RtlUnicodeToUTF8N && from->Length)
        convert(NULL, 0, &bytes, from->Buffer, from->Length);
    else
        bytes = from->Length / sizeof(WCHAR);
    ULONG total = bytes + terminator;
    if (total > 0xFFFF)
        return STATUS_INVALID_PARAMETER_2;
    if ((UCHAR)allocate) {
        CHAR *buffer = heap->alloc(total ? total : 1);
        if (!buffer)
            return STATUS_NO_MEMORY;
        to->Buffer = buffer;
        to->MaximumLength = (USHORT)total;
    } else if (total > to->MaximumLength) {
        if (!to->MaximumLength)
            return STATUS_BUFFER_OVERFLOW;
        status = STATUS_BUFFER_OVERFLOW;
        bytes = to->MaximumLength - terminator;
    }
    ULONG written = 0;
    NTSTATUS converted = bytes ? convert(to->Buffer, bytes, &written, from->Buffer, from->Length) : STATUS_SUCCESS;
    to->Length = (USHORT)written;
    if (terminator)
        to->Buffer[written] = 0;
    return status ? status : converted;
}

ULONG RtlxAnsiStringToUnicodeSize(const ANSI_STRING *s)
{
    return (s->Length + 1u) * sizeof(WCHAR);
}

ULONG RtlxOemStringToUnicodeSize(const ANSI_STRING *s)
{
    return (s->Length + 1u) * sizeof(WCHAR);
}

ULONG RtlxUnicodeStringToAnsiSize(const UNICODE_STRING *s)
{
    return s->Length / sizeof(WCHAR) + 1;
}

ULONG RtlxUnicodeStringToOemSize(const UNICODE_STRING *s)
{
    return s->Length / sizeof(WCHAR) + 1;
}

#define WIDEN(name, convert, terminator)                                                                               \
    NTSTATUS name(UNICODE_STRING *to, const ANSI_STRING *from, ULONG allocate)                                         \
    {                                                                                                                  \
        return widen(&rtl_pool_heap, convert, to, from, allocate, terminator);                                         \
    }                                                                                                                  \
    NTSTATUS ntdll_##name(UNICODE_STRING *to, const ANSI_STRING *from, ULONG allocate)                                 \
    {                                                                                                                  \
        return widen(&rtl_user_heap, convert, to, from, allocate, terminator);                                         \
    }
#define NARROW(name, convert, terminator)                                                                              \
    NTSTATUS name(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate)                                         \
    {                                                                                                                  \
        return narrow(&rtl_pool_heap, convert, to, from, allocate, terminator);                                        \
    }                                                                                                                  \
    NTSTATUS ntdll_##name(ANSI_STRING *to, const UNICODE_STRING *from, ULONG allocate)                                 \
    {                                                                                                                  \
        return narrow(&rtl_user_heap, convert, to, from, allocate, terminator);                                        \
    }

WIDEN(RtlAnsiStringToUnicodeString, RtlMultiByteToUnicodeN, 2)
WIDEN(RtlOemStringToUnicodeString, RtlOemToUnicodeN, 2)
WIDEN(RtlOemStringToCountedUnicodeString, RtlOemToUnicodeN, 0)
WIDEN(RtlUTF8StringToUnicodeString, RtlUTF8ToUnicodeN, 2)
NARROW(RtlUnicodeStringToAnsiString, RtlUnicodeToMultiByteN, 1)
NARROW(RtlUnicodeStringToOemString, RtlUnicodeToOemN, 1)
NARROW(RtlUnicodeStringToCountedOemString, RtlUnicodeToOemN, 0)
NARROW(RtlUpcaseUnicodeStringToAnsiString, RtlUpcaseUnicodeToMultiByteN, 1)
NARROW(RtlUpcaseUnicodeStringToOemString, RtlUpcaseUnicodeToOemN, 1)
NARROW(RtlUpcaseUnicodeStringToCountedOemString, RtlUpcaseUnicodeToOemN, 0)
NARROW(RtlUnicodeStringToUTF8String, RtlUnicodeToUTF8N, 1)

BOOLEAN RtlCreateUnicodeStringFromAsciiz(UNICODE_STRING *to, const CHAR *text)
{
    ANSI_STRING s;
    return RtlInitAnsiStringEx(&s, text) == STATUS_SUCCESS && RtlAnsiStringToUnicodeString(to, &s, TRUE) == STATUS_SUCCESS;
}

BOOLEAN ntdll_RtlCreateUnicodeStringFromAsciiz(UNICODE_STRING *to, const CHAR *text)
{
    ANSI_STRING s;
    return RtlInitAnsiStringEx(&s, text) == STATUS_SUCCESS &&
           ntdll_RtlAnsiStringToUnicodeString(to, &s, TRUE) == STATUS_SUCCESS;
}

static void free_string(const struct rtl_heap *heap, ANSI_STRING *s)
{
    if (!s->Buffer)
        return;
    heap->free(s->Buffer);
    *s = (ANSI_STRING){0};
}

void RtlFreeAnsiString(ANSI_STRING *s)
{
    free_string(&rtl_pool_heap, s);
}

void RtlFreeOemString(ANSI_STRING *s)
{
    free_string(&rtl_pool_heap, s);
}

void RtlFreeUTF8String(ANSI_STRING *s)
{
    free_string(&rtl_pool_heap, s);
}

void ntdll_RtlFreeAnsiString(ANSI_STRING *s)
{
    free_string(&rtl_user_heap, s);
}

void ntdll_RtlFreeOemString(ANSI_STRING *s)
{
    free_string(&rtl_user_heap, s);
}

void ntdll_RtlFreeUTF8String(ANSI_STRING *s)
{
    free_string(&rtl_user_heap, s);
}
