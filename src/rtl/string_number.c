/* Integers from and to counted strings. Bases 2, 8, 10 and 16; 0 means 10, or what a prefix 0b, 0o, 0x says. */
#include "nt/status.h"
#include "rtl/memory.h"
#include "rtl/string.h"

enum { MAX_DIGITS = 64 };

static int base_is_valid(ULONG base)
{
    return base == 2 || base == 8 || base == 10 || base == 16;
}

/* Writes the digits so that they end at end; returns their begin, or NULL for a bad base. */
static CHAR *digits_before(CHAR *end, ULONGLONG value, ULONG base)
{
    if (base == 0)
        base = 10;
    if (!base_is_valid(base))
        return NULL;
    do {
        *--end = "0123456789ABCDEF"[value % base];
        value /= base;
    } while (value);
    return end;
}

static NTSTATUS to_unicode(ULONGLONG value, ULONG base, UNICODE_STRING *to)
{
    CHAR text[MAX_DIGITS];
    CHAR *digits = digits_before(text + MAX_DIGITS, value, base);
    if (!digits)
        return STATUS_INVALID_PARAMETER;
    USHORT count = (USHORT)(text + MAX_DIGITS - digits);
    if (count * sizeof(WCHAR) > to->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;
    for (USHORT i = 0; i < count; i++)
        to->Buffer[i] = (UCHAR)digits[i];
    to->Length = count * sizeof(WCHAR);
    if (to->Length + sizeof(WCHAR) <= to->MaximumLength)
        to->Buffer[count] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS RtlIntegerToUnicodeString(ULONG value, ULONG base, UNICODE_STRING *to)
{
    return to_unicode(value, base, to);
}

NTSTATUS RtlInt64ToUnicodeString(ULONGLONG value, ULONG base, UNICODE_STRING *to)
{
    return to_unicode(value, base, to);
}

/* A negative size asks for exactly that many digits with leading zeros and no terminator. */
static NTSTATUS to_chars(ULONGLONG value, ULONG base, LONG size, CHAR *to)
{
    CHAR text[MAX_DIGITS];
    CHAR *digits = digits_before(text + MAX_DIGITS, value, base);
    if (!digits)
        return STATUS_INVALID_PARAMETER;
    LONG count = (LONG)(text + MAX_DIGITS - digits);
    LONG room = size < 0 ? -size : size;
    if (count > room)
        return STATUS_BUFFER_OVERFLOW;
    if (size < 0) {
        rtl_fill(to, (size_t)(room - count), '0');
        to += room - count;
    }
    rtl_copy(to, digits, (size_t)count);
    if (size > count)
        to[count] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS RtlIntegerToChar(ULONG value, ULONG base, LONG size, CHAR *to)
{
    return to_chars(value, base, size, to);
}

/* Like RtlIntegerToChar; size counts characters. */
NTSTATUS RtlIntegerToUnicode(ULONG value, ULONG base, LONG size, WCHAR *to)
{
    CHAR text[MAX_DIGITS + 1];
    LONG room = size < 0 ? -size : size;
    LONG used = room > MAX_DIGITS ? MAX_DIGITS : room;
    NTSTATUS status = to_chars(value, base, size < 0 ? -used : used, text);
    if (!NT_SUCCESS(status))
        return status;
    for (LONG i = 0; i < used; i++) {
        to[i] = (UCHAR)text[i];
        if (size > 0 && !text[i])
            break;
    }
    return status;
}

NTSTATUS RtlLargeIntegerToChar(const ULONGLONG *value, ULONG base, LONG size, CHAR *to)
{
    return to_chars(*value, base, size, to);
}

/* Text of either kind: reads zero past its end. */
struct reader {
    const WCHAR *wide;
    const CHAR *narrow;
    size_t count;
    size_t position;
};

static WCHAR peek(const struct reader *r)
{
    if (r->position >= r->count)
        return 0;
    return r->wide ? r->wide[r->position] : (UCHAR)r->narrow[r->position];
}

static ULONG digit_value(WCHAR c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 99;
}

static ULONG prefix_base(struct reader *r)
{
    if (peek(r) != '0')
        return 10;
    r->position++;
    ULONG base = peek(r) == 'x' ? 16 : peek(r) == 'o' ? 8 : peek(r) == 'b' ? 2 : 0;
    if (!base)
        return 10;
    r->position++;
    return base;
}

/* Leading white space, a sign, digits up to the first character that is none. Overflow wraps around. */
static NTSTATUS read_integer(struct reader *r, ULONG base, ULONGLONG *value)
{
    ULONGLONG v = 0;
    if (base && !base_is_valid(base))
        return STATUS_INVALID_PARAMETER;
    while (r->position < r->count && peek(r) && peek(r) <= ' ')
        r->position++;
    int negative = peek(r) == '-';
    if (negative || peek(r) == '+')
        r->position++;
    if (!base)
        base = prefix_base(r);
    for (ULONG digit; (digit = digit_value(peek(r))) < base; r->position++)
        v = v * base + digit;
    *value = negative ? 0 - v : v;
    return STATUS_SUCCESS;
}

NTSTATUS RtlUnicodeStringToInteger(const UNICODE_STRING *s, ULONG base, ULONG *value)
{
    struct reader r = {.wide = s->Buffer, .count = s->Length / sizeof(WCHAR)};
    ULONGLONG v;
    NTSTATUS status = read_integer(&r, base, &v);
    if (NT_SUCCESS(status))
        *value = (ULONG)v;
    return status;
}

NTSTATUS RtlUnicodeStringToInt64(const UNICODE_STRING *s, ULONG base, LONGLONG *value, WCHAR **end)
{
    struct reader r = {.wide = s->Buffer, .count = s->Length / sizeof(WCHAR)};
    ULONGLONG v;
    NTSTATUS status = read_integer(&r, base, &v);
    if (!NT_SUCCESS(status))
        return status;
    *value = (LONGLONG)v;
    if (end)
        *end = s->Buffer + r.position;
    return status;
}

NTSTATUS RtlCharToInteger(const CHAR *s, ULONG base, ULONG *value)
{
    struct reader r = {.narrow = s, .count = (size_t)-1};
    ULONGLONG v;
    NTSTATUS status = read_integer(&r, base, &v);
    if (NT_SUCCESS(status))
        *value = (ULONG)v;
    return status;
}
