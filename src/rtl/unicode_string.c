/* UNICODE_STRING: initialize, copy, compare, append, case, duplicate. Length and MaximumLength are bytes; the buffer need
 * not be terminated, and where there is room NT adds a terminator that Length does not count. */
#include "nt/status.h"
#include "rtl/crt.h"
#include "rtl/heap.h"
#include "rtl/memory.h"
#include "rtl/nls.h"
#include "rtl/string.h"

enum { MAX_STRING = 0xFFFE, MAX_INIT = 0xFFFC };

static void set_string(UNICODE_STRING *s, const WCHAR *text, size_t bytes)
{
    s->Length = (USHORT)bytes;
    s->MaximumLength = text ? (USHORT)(bytes + sizeof(WCHAR)) : 0;
    s->Buffer = (WCHAR *)text;
}

/* Too long a text is cut silently. */
void RtlInitUnicodeString(UNICODE_STRING *s, const WCHAR *text)
{
    size_t bytes = text ? nt_wcslen(text) * sizeof(WCHAR) : 0;
    set_string(s, text, bytes > MAX_INIT ? MAX_INIT : bytes);
}

NTSTATUS RtlInitUnicodeStringEx(UNICODE_STRING *s, const WCHAR *text)
{
    size_t bytes = text ? nt_wcslen(text) * sizeof(WCHAR) : 0;
    if (bytes > MAX_INIT)
        return STATUS_NAME_TOO_LONG;
    set_string(s, text, bytes);
    return STATUS_SUCCESS;
}

static void terminate(UNICODE_STRING *s)
{
    if (s->Length + sizeof(WCHAR) <= s->MaximumLength)
        s->Buffer[s->Length / sizeof(WCHAR)] = 0;
}

void RtlCopyUnicodeString(UNICODE_STRING *to, const UNICODE_STRING *from)
{
    if (!from) {
        to->Length = 0;
        return;
    }
    USHORT bytes = from->Length < to->MaximumLength ? from->Length : to->MaximumLength;
    rtl_copy(to->Buffer, from->Buffer, bytes);
    to->Length = bytes;
    terminate(to);
}

/* Case-insensitive order is the order of the upper-case characters. */
LONG RtlCompareUnicodeStrings(const WCHAR *a, SIZE_T a_chars, const WCHAR *b, SIZE_T b_chars, ULONG ignore_case)
{
    SIZE_T n = a_chars < b_chars ? a_chars : b_chars;
    for (SIZE_T i = 0; i < n; i++) {
        WCHAR x = a[i];
        WCHAR y = b[i];
        if (x != y && (UCHAR)ignore_case) {
            x = rtl_upcase(x);
            y = rtl_upcase(y);
        }
        if (x != y)
            return (LONG)x - (LONG)y;
    }
    return (LONG)(a_chars - b_chars);
}

LONG RtlCompareUnicodeString(const UNICODE_STRING *a, const UNICODE_STRING *b, ULONG ignore_case)
{
    return RtlCompareUnicodeStrings(a->Buffer, a->Length / sizeof(WCHAR), b->Buffer, b->Length / sizeof(WCHAR),
                                    ignore_case);
}

BOOLEAN RtlEqualUnicodeString(const UNICODE_STRING *a, const UNICODE_STRING *b, ULONG ignore_case)
{
    return a->Length == b->Length && RtlCompareUnicodeString(a, b, ignore_case) == 0;
}

BOOLEAN RtlPrefixUnicodeString(const UNICODE_STRING *prefix, const UNICODE_STRING *s, ULONG ignore_case)
{
    SIZE_T n = prefix->Length / sizeof(WCHAR);
    return prefix->Length <= s->Length &&
           RtlCompareUnicodeStrings(prefix->Buffer, n, s->Buffer, n, ignore_case) == 0;
}

BOOLEAN RtlSuffixUnicodeString(const UNICODE_STRING *suffix, const UNICODE_STRING *s, ULONG ignore_case)
{
    SIZE_T n = suffix->Length / sizeof(WCHAR);
    return suffix->Length <= s->Length &&
           RtlCompareUnicodeStrings(suffix->Buffer, n, s->Buffer + (s->Length / sizeof(WCHAR) - n), n, ignore_case) == 0;
}

static NTSTATUS append(UNICODE_STRING *to, const WCHAR *text, size_t bytes)
{
    if (to->Length + bytes > to->MaximumLength)
        return STATUS_BUFFER_TOO_SMALL;
    rtl_copy((UCHAR *)to->Buffer + to->Length, text, bytes);
    to->Length = (USHORT)(to->Length + bytes);
    terminate(to);
    return STATUS_SUCCESS;
}

NTSTATUS RtlAppendUnicodeToString(UNICODE_STRING *to, const WCHAR *text)
{
    return text ? append(to, text, nt_wcslen(text) * sizeof(WCHAR)) : STATUS_SUCCESS;
}

NTSTATUS RtlAppendUnicodeStringToString(UNICODE_STRING *to, const UNICODE_STRING *from)
{
    return from->Length ? append(to, from->Buffer, from->Length) : STATUS_SUCCESS;
}

/* Algorithms 0 (default) and 1 are the same: multiply by 65599 and add. */
NTSTATUS RtlHashUnicodeString(const UNICODE_STRING *s, ULONG ignore_case, ULONG algorithm, ULONG *hash)
{
    ULONG h = 0;
    if (!s || !hash || algorithm > 1)
        return STATUS_INVALID_PARAMETER;
    for (USHORT i = 0; i < s->Length / sizeof(WCHAR); i++)
        h = h * 65599 + ((UCHAR)ignore_case ? rtl_upcase(s->Buffer[i]) : s->Buffer[i]);
    *hash = h;
    return STATUS_SUCCESS;
}

NTSTATUS RtlValidateUnicodeString(ULONG flags, const UNICODE_STRING *s)
{
    if (flags)
        return STATUS_INVALID_PARAMETER;
    if (s->Length % 2 || s->MaximumLength % 2 || s->Length > s->MaximumLength)
        return STATUS_INVALID_PARAMETER;
    if (!s->Buffer && s->MaximumLength)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

static NTSTATUS change_case(const struct rtl_heap *heap, WCHAR (*map)(WCHAR), UNICODE_STRING *to,
                            const UNICODE_STRING *from, int allocate)
{
    USHORT bytes = from->Length & ~1;
    WCHAR *buffer = to->Buffer;
    if (allocate) {
        buffer = heap->alloc(bytes ? bytes : sizeof(WCHAR));
        if (!buffer)
            return STATUS_NO_MEMORY;
        to->MaximumLength = bytes;
        to->Buffer = buffer;
    } else if (bytes > to->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    for (USHORT i = 0; i < bytes / sizeof(WCHAR); i++)
        buffer[i] = map(from->Buffer[i]);
    to->Length = bytes;
    return STATUS_SUCCESS;
}

NTSTATUS RtlUpcaseUnicodeString(UNICODE_STRING *to, const UNICODE_STRING *from, ULONG allocate)
{
    return change_case(&rtl_pool_heap, rtl_upcase, to, from, (UCHAR)allocate);
}

NTSTATUS RtlDowncaseUnicodeString(UNICODE_STRING *to, const UNICODE_STRING *from, ULONG allocate)
{
    return change_case(&rtl_pool_heap, rtl_downcase, to, from, (UCHAR)allocate);
}

NTSTATUS ntdll_RtlUpcaseUnicodeString(UNICODE_STRING *to, const UNICODE_STRING *from, ULONG allocate)
{
    return change_case(&rtl_user_heap, rtl_upcase, to, from, (UCHAR)allocate);
}

NTSTATUS ntdll_RtlDowncaseUnicodeString(UNICODE_STRING *to, const UNICODE_STRING *from, ULONG allocate)
{
    return change_case(&rtl_user_heap, rtl_downcase, to, from, (UCHAR)allocate);
}

static BOOLEAN create(const struct rtl_heap *heap, UNICODE_STRING *s, const WCHAR *text)
{
    size_t bytes = (nt_wcslen(text) + 1) * sizeof(WCHAR);
    if (bytes > MAX_STRING)
        return FALSE;
    WCHAR *buffer = heap->alloc(bytes);
    if (!buffer)
        return FALSE;
    rtl_copy(buffer, text, bytes);
    set_string(s, buffer, bytes - sizeof(WCHAR));
    return TRUE;
}

BOOLEAN RtlCreateUnicodeString(UNICODE_STRING *s, const WCHAR *text)
{
    return create(&rtl_pool_heap, s, text);
}

BOOLEAN ntdll_RtlCreateUnicodeString(UNICODE_STRING *s, const WCHAR *text)
{
    return create(&rtl_user_heap, s, text);
}

/* Flags: 1 terminate, 2 (with 1) allocate for the empty string too; without it the copy of an empty string is
 * {0, 0, NULL}. */
static NTSTATUS duplicate(const struct rtl_heap *heap, ULONG flags, const UNICODE_STRING *from, UNICODE_STRING *to)
{
    enum { TERMINATE = 1, ALLOCATE_NULL = 2 };
    if (flags > 3 || flags == ALLOCATE_NULL || !from || !to || RtlValidateUnicodeString(0, from) != STATUS_SUCCESS)
        return STATUS_INVALID_PARAMETER;
    size_t bytes = from->Length + (flags & TERMINATE ? sizeof(WCHAR) : 0);
    if (bytes > MAX_STRING)
        return STATUS_NAME_TOO_LONG;
    if (!from->Length && !(flags & ALLOCATE_NULL)) {
        *to = (UNICODE_STRING){0};
        return STATUS_SUCCESS;
    }
    WCHAR *buffer = heap->alloc(bytes);
    if (!buffer)
        return STATUS_NO_MEMORY;
    rtl_copy(buffer, from->Buffer, from->Length);
    if (flags & TERMINATE)
        buffer[from->Length / sizeof(WCHAR)] = 0;
    to->Length = from->Length;
    to->MaximumLength = (USHORT)bytes;
    to->Buffer = buffer;
    return STATUS_SUCCESS;
}

NTSTATUS RtlDuplicateUnicodeString(ULONG flags, const UNICODE_STRING *from, UNICODE_STRING *to)
{
    return duplicate(&rtl_pool_heap, flags, from, to);
}

NTSTATUS ntdll_RtlDuplicateUnicodeString(ULONG flags, const UNICODE_STRING *from, UNICODE_STRING *to)
{
    return duplicate(&rtl_user_heap, flags, from, to);
}

static void free_string(const struct rtl_heap *heap, UNICODE_STRING *s)
{
    if (!s->Buffer)
        return;
    heap->free(s->Buffer);
    *s = (UNICODE_STRING){0};
}

void RtlFreeUnicodeString(UNICODE_STRING *s)
{
    free_string(&rtl_pool_heap, s);
}

void ntdll_RtlFreeUnicodeString(UNICODE_STRING *s)
{
    free_string(&rtl_user_heap, s);
}
