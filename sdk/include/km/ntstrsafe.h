/* Bounded string functions of drivers (ntstrsafe.h), inlined into the driver as with the WDK.
 *
 * RtlString{Cb,Cch}…{A,W} work on zero-terminated buffers, RtlUnicodeString… on counted ones. All tell truncation by
 * STATUS_BUFFER_OVERFLOW and leave what fits; impossible sizes are STATUS_INVALID_PARAMETER. The A and W halves are one
 * text, included twice. */
#ifndef IRPLAB_KM_NTSTRSAFE_H
#define IRPLAB_KM_NTSTRSAFE_H
#define _NTSTRSAFE_H_INCLUDED_

#if defined(__clang__)
#pragma clang system_header
#endif

#include <ntdef.h>
#include <ntstatus.h>
#include <stdarg.h>
#include <specstrings.h>
#include <driverspecs.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef NTSTRSAFE_MAX_CCH
#define NTSTRSAFE_MAX_CCH 2147483647
#endif
#ifndef NTSTRSAFE_MAX_LENGTH
#define NTSTRSAFE_MAX_LENGTH (NTSTRSAFE_MAX_CCH - 1)
#endif
#define NTSTRSAFE_UNICODE_STRING_MAX_CCH (0xffff / sizeof(wchar_t))

#define STRSAFE_FILL_BEHIND 0x00000200
#define STRSAFE_IGNORE_NULLS 0x00000100
#define STRSAFE_FILL_BEHIND_NULL 0x00000200
#define STRSAFE_FILL_ON_FAILURE 0x00000400
#define STRSAFE_NULL_ON_FAILURE 0x00000800
#define STRSAFE_ZERO_LENGTH_ON_FAILURE 0x00000800
#define STRSAFE_NO_TRUNCATION 0x00001000
#define STRSAFE_VALID_FLAGS 0x00001FFF
#define STRSAFE_FILL_BYTE(x) ((ULONG)(((x) & 0x000000FF) | STRSAFE_FILL_BEHIND_NULL))
#define STRSAFE_FAILURE_BYTE(x) ((ULONG)(((x) & 0x000000FF) | STRSAFE_FILL_ON_FAILURE))
#define STRSAFE_GET_FILL_PATTERN(flags) ((int)((flags) & 0x000000FF))

typedef char *NTSTRSAFE_PSTR;
typedef const char *NTSTRSAFE_PCSTR;
typedef wchar_t *NTSTRSAFE_PWSTR;
typedef const wchar_t *NTSTRSAFE_PCWSTR;

int __cdecl _vsnprintf(char *buffer, size_t count, const char *format, va_list arguments);
int __cdecl _vsnwprintf(wchar_t *buffer, size_t count, const wchar_t *format, va_list arguments);

#define NTSTRSAFE_DDI static __inline __attribute__((unused)) NTSTATUS NTAPI
#define NTSTRSAFE_DDIV static __inline __attribute__((unused)) NTSTATUS

/* What an Ex function may do with the buffer once the text is in it, or did not fit. `all` is the whole buffer in
 * bytes, `used` the bytes of text and terminator. */
static __inline __attribute__((unused)) void irplab_strsafe_fill(unsigned char *buffer, size_t all, size_t used,
                                                                 int pattern)
{
    for (size_t i = used; i < all; i++)
        buffer[i] = (unsigned char)pattern;
}

#define IRPLAB_STRSAFE_CHAR char
#define IRPLAB_STRSAFE_NAME(prefix, rest) prefix##rest##A
#define IRPLAB_STRSAFE_VPRINT _vsnprintf
#include "ntstrsafe_templ.h"

#define IRPLAB_STRSAFE_CHAR wchar_t
#define IRPLAB_STRSAFE_NAME(prefix, rest) prefix##rest##W
#define IRPLAB_STRSAFE_VPRINT _vsnwprintf
#include "ntstrsafe_templ.h"

/* ---- counted strings ---- */

NTSTRSAFE_DDI RtlUnicodeStringValidateEx(PCUNICODE_STRING String, ULONG Flags)
{
    if (Flags & ~STRSAFE_VALID_FLAGS)
        return STATUS_INVALID_PARAMETER;
    if (!String)
        return Flags & STRSAFE_IGNORE_NULLS ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    if (String->Length % sizeof(wchar_t) || String->MaximumLength % sizeof(wchar_t) ||
        String->Length > String->MaximumLength || (!String->Buffer && String->MaximumLength))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

NTSTRSAFE_DDI RtlUnicodeStringValidate(PCUNICODE_STRING String)
{
    return RtlUnicodeStringValidateEx(String, 0);
}

NTSTRSAFE_DDI RtlUnicodeStringInitEx(PUNICODE_STRING Destination, NTSTRSAFE_PCWSTR Source, ULONG Flags)
{
    size_t length = 0;
    NTSTATUS status = STATUS_SUCCESS;
    if (Flags & ~STRSAFE_VALID_FLAGS)
        return STATUS_INVALID_PARAMETER;
    if (Source)
        status = RtlStringCchLengthW(Source, NTSTRSAFE_UNICODE_STRING_MAX_CCH, &length);
    if (!NT_SUCCESS(status)) {
        Destination->Length = Destination->MaximumLength = 0;
        Destination->Buffer = NULL;
        return status;
    }
    Destination->Length = (USHORT)(length * sizeof(wchar_t));
    Destination->MaximumLength = Source ? (USHORT)((length + 1) * sizeof(wchar_t)) : 0;
    Destination->Buffer = (PWSTR)Source;
    return STATUS_SUCCESS;
}

NTSTRSAFE_DDI RtlUnicodeStringInit(PUNICODE_STRING Destination, NTSTRSAFE_PCWSTR Source)
{
    return RtlUnicodeStringInitEx(Destination, Source, 0);
}

/* Appends `count` characters behind `at`; the one function that all copies and concatenations end in. */
static __inline __attribute__((unused)) NTSTATUS irplab_ustr_put(PUNICODE_STRING d, size_t at, const wchar_t *s,
                                                                 size_t count, PUNICODE_STRING rest, ULONG flags)
{
    size_t room = d->MaximumLength / sizeof(wchar_t), fits = room - at;
    NTSTATUS status = count <= fits ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
    size_t n = count <= fits ? count : flags & STRSAFE_NO_TRUNCATION ? 0 : fits;
    for (size_t i = 0; i < n; i++)
        d->Buffer[at + i] = s[i];
    if (status == STATUS_SUCCESS || n)
        d->Length = (USHORT)((at + n) * sizeof(wchar_t));
    else if (!at)
        d->Length = 0;
    if (NT_SUCCESS(status) && status == STATUS_SUCCESS && (flags & STRSAFE_FILL_BEHIND_NULL))
        irplab_strsafe_fill((unsigned char *)d->Buffer, d->MaximumLength, d->Length, STRSAFE_GET_FILL_PATTERN(flags));
    if (status != STATUS_SUCCESS && (flags & STRSAFE_FILL_ON_FAILURE)) {
        irplab_strsafe_fill((unsigned char *)d->Buffer, d->MaximumLength, 0, STRSAFE_GET_FILL_PATTERN(flags));
        d->Length = d->MaximumLength;
    }
    if (status != STATUS_SUCCESS && (flags & STRSAFE_ZERO_LENGTH_ON_FAILURE))
        d->Length = 0;
    if (rest) {
        rest->Length = 0;
        rest->MaximumLength = (USHORT)(d->MaximumLength - d->Length);
        rest->Buffer = d->Buffer ? d->Buffer + d->Length / sizeof(wchar_t) : NULL;
    }
    return status;
}

/* `wanted` bounds the characters taken from a zero-terminated source. */
static __inline __attribute__((unused)) NTSTATUS irplab_ustr_from_z(PUNICODE_STRING d, BOOLEAN append,
                                                                    const wchar_t *s, size_t wanted,
                                                                    PUNICODE_STRING rest, ULONG flags)
{
    size_t n = 0;
    NTSTATUS status = RtlUnicodeStringValidateEx(d, flags & ~STRSAFE_IGNORE_NULLS);
    if (!NT_SUCCESS(status) || (!s && !(flags & STRSAFE_IGNORE_NULLS)))
        return STATUS_INVALID_PARAMETER;
    while (s && n < wanted && n <= NTSTRSAFE_UNICODE_STRING_MAX_CCH && s[n])
        n++;
    return irplab_ustr_put(d, append ? d->Length / sizeof(wchar_t) : 0, s, n, rest, flags);
}

static __inline __attribute__((unused)) NTSTATUS irplab_ustr_from_u(PUNICODE_STRING d, BOOLEAN append,
                                                                    PCUNICODE_STRING s, size_t wanted,
                                                                    PUNICODE_STRING rest, ULONG flags)
{
    NTSTATUS status = RtlUnicodeStringValidateEx(d, flags & ~STRSAFE_IGNORE_NULLS);
    if (!NT_SUCCESS(status) || !NT_SUCCESS(RtlUnicodeStringValidateEx(s, flags)))
        return STATUS_INVALID_PARAMETER;
    size_t n = s ? s->Length / sizeof(wchar_t) : 0;
    return irplab_ustr_put(d, append ? d->Length / sizeof(wchar_t) : 0, s ? s->Buffer : NULL, n < wanted ? n : wanted,
                           rest, flags);
}

#define IRPLAB_USTR_ALL ((size_t)-1)

NTSTRSAFE_DDI RtlUnicodeStringCopyString(PUNICODE_STRING d, NTSTRSAFE_PCWSTR s)
{
    return irplab_ustr_from_z(d, FALSE, s, IRPLAB_USTR_ALL, NULL, 0);
}
NTSTRSAFE_DDI RtlUnicodeStringCopyStringEx(PUNICODE_STRING d, NTSTRSAFE_PCWSTR s, PUNICODE_STRING rest, ULONG flags)
{
    return irplab_ustr_from_z(d, FALSE, s, IRPLAB_USTR_ALL, rest, flags);
}
NTSTRSAFE_DDI RtlUnicodeStringCchCopyStringN(PUNICODE_STRING d, NTSTRSAFE_PCWSTR s, size_t cch)
{
    return irplab_ustr_from_z(d, FALSE, s, cch, NULL, 0);
}
NTSTRSAFE_DDI RtlUnicodeStringCbCopyStringN(PUNICODE_STRING d, NTSTRSAFE_PCWSTR s, size_t cb)
{
    return irplab_ustr_from_z(d, FALSE, s, cb / sizeof(wchar_t), NULL, 0);
}
NTSTRSAFE_DDI RtlUnicodeStringCchCopyStringNEx(PUNICODE_STRING d, NTSTRSAFE_PCWSTR s, size_t cch, PUNICODE_STRING rest,
                                               ULONG flags)
{
    return irplab_ustr_from_z(d, FALSE, s, cch, rest, flags);
}
NTSTRSAFE_DDI RtlUnicodeStringCbCopyStringNEx(PUNICODE_STRING d, NTSTRSAFE_PCWSTR s, size_t cb, PUNICODE_STRING rest,
                                              ULONG flags)
{
    return irplab_ustr_from_z(d, FALSE, s, cb / sizeof(wchar_t), rest, flags);
}
NTSTRSAFE_DDI RtlUnicodeStringCopy(PUNICODE_STRING d, PCUNICODE_STRING s)
{
    return irplab_ustr_from_u(d, FALSE, s, IRPLAB_USTR_ALL, NULL, 0);
}
NTSTRSAFE_DDI RtlUnicodeStringCopyEx(PUNICODE_STRING d, PCUNICODE_STRING s, PUNICODE_STRING rest, ULONG flags)
{
    return irplab_ustr_from_u(d, FALSE, s, IRPLAB_USTR_ALL, rest, flags);
}
NTSTRSAFE_DDI RtlUnicodeStringCchCopyN(PUNICODE_STRING d, PCUNICODE_STRING s, size_t cch)
{
    return irplab_ustr_from_u(d, FALSE, s, cch, NULL, 0);
}
NTSTRSAFE_DDI RtlUnicodeStringCbCopyN(PUNICODE_STRING d, PCUNICODE_STRING s, size_t cb)
{
    return irplab_ustr_from_u(d, FALSE, s, cb / sizeof(wchar_t), NULL, 0);
}
NTSTRSAFE_DDI RtlUnicodeStringCchCopyNEx(PUNICODE_STRING d, PCUNICODE_STRING s, size_t cch, PUNICODE_STRING rest,
                                         ULONG flags)
{
    return irplab_ustr_from_u(d, FALSE, s, cch, rest, flags);
}
NTSTRSAFE_DDI RtlUnicodeStringCbCopyNEx(PUNICODE_STRING d, PCUNICODE_STRING s, size_t cb, PUNICODE_STRING rest,
                                        ULONG flags)
{
    return irplab_ustr_from_u(d, FALSE, s, cb / sizeof(wchar_t), rest, flags);
}
NTSTRSAFE_DDI RtlUnicodeStringCatString(PUNICODE_STRING d, NTSTRSAFE_PCWSTR s)
{
    return irplab_ustr_from_z(d, TRUE, s, IRPLAB_USTR_ALL, NULL, 0);
}
NTSTRSAFE_DDI RtlUnicodeStringCatStringEx(PUNICODE_STRING d, NTSTRSAFE_PCWSTR s, PUNICODE_STRING rest, ULONG flags)
{
    return irplab_ustr_from_z(d, TRUE, s, IRPLAB_USTR_ALL, rest, flags);
}
NTSTRSAFE_DDI RtlUnicodeStringCchCatStringN(PUNICODE_STRING d, NTSTRSAFE_PCWSTR s, size_t cch)
{
    return irplab_ustr_from_z(d, TRUE, s, cch, NULL, 0);
}
NTSTRSAFE_DDI RtlUnicodeStringCbCatStringN(PUNICODE_STRING d, NTSTRSAFE_PCWSTR s, size_t cb)
{
    return irplab_ustr_from_z(d, TRUE, s, cb / sizeof(wchar_t), NULL, 0);
}
NTSTRSAFE_DDI RtlUnicodeStringCchCatStringNEx(PUNICODE_STRING d, NTSTRSAFE_PCWSTR s, size_t cch, PUNICODE_STRING rest,
                                              ULONG flags)
{
    return irplab_ustr_from_z(d, TRUE, s, cch, rest, flags);
}
NTSTRSAFE_DDI RtlUnicodeStringCbCatStringNEx(PUNICODE_STRING d, NTSTRSAFE_PCWSTR s, size_t cb, PUNICODE_STRING rest,
                                             ULONG flags)
{
    return irplab_ustr_from_z(d, TRUE, s, cb / sizeof(wchar_t), rest, flags);
}
NTSTRSAFE_DDI RtlUnicodeStringCat(PUNICODE_STRING d, PCUNICODE_STRING s)
{
    return irplab_ustr_from_u(d, TRUE, s, IRPLAB_USTR_ALL, NULL, 0);
}
NTSTRSAFE_DDI RtlUnicodeStringCatEx(PUNICODE_STRING d, PCUNICODE_STRING s, PUNICODE_STRING rest, ULONG flags)
{
    return irplab_ustr_from_u(d, TRUE, s, IRPLAB_USTR_ALL, rest, flags);
}
NTSTRSAFE_DDI RtlUnicodeStringCchCatN(PUNICODE_STRING d, PCUNICODE_STRING s, size_t cch)
{
    return irplab_ustr_from_u(d, TRUE, s, cch, NULL, 0);
}
NTSTRSAFE_DDI RtlUnicodeStringCbCatN(PUNICODE_STRING d, PCUNICODE_STRING s, size_t cb)
{
    return irplab_ustr_from_u(d, TRUE, s, cb / sizeof(wchar_t), NULL, 0);
}
NTSTRSAFE_DDI RtlUnicodeStringCchCatNEx(PUNICODE_STRING d, PCUNICODE_STRING s, size_t cch, PUNICODE_STRING rest,
                                        ULONG flags)
{
    return irplab_ustr_from_u(d, TRUE, s, cch, rest, flags);
}
NTSTRSAFE_DDI RtlUnicodeStringCbCatNEx(PUNICODE_STRING d, PCUNICODE_STRING s, size_t cb, PUNICODE_STRING rest,
                                       ULONG flags)
{
    return irplab_ustr_from_u(d, TRUE, s, cb / sizeof(wchar_t), rest, flags);
}

/* The formatter needs no terminator, and says "does not fit" by a negative result; what it wrote until then stays. */
NTSTRSAFE_DDI RtlUnicodeStringVPrintfEx(PUNICODE_STRING d, PUNICODE_STRING rest, ULONG flags, NTSTRSAFE_PCWSTR format,
                                        va_list arguments)
{
    NTSTATUS status = RtlUnicodeStringValidateEx(d, flags & ~STRSAFE_IGNORE_NULLS);
    if (!NT_SUCCESS(status) || (!format && !(flags & STRSAFE_IGNORE_NULLS)))
        return STATUS_INVALID_PARAMETER;
    size_t room = d->MaximumLength / sizeof(wchar_t);
    int n = format && room ? _vsnwprintf(d->Buffer, room, format, arguments) : format && *format ? -1 : 0;
    BOOLEAN fits = n >= 0 && (size_t)n <= room;
    size_t length = fits ? (size_t)n : flags & STRSAFE_NO_TRUNCATION ? 0 : room;
    d->Length = (USHORT)(length * sizeof(wchar_t));
    if (fits && (flags & STRSAFE_FILL_BEHIND_NULL))
        irplab_strsafe_fill((unsigned char *)d->Buffer, d->MaximumLength, d->Length, STRSAFE_GET_FILL_PATTERN(flags));
    if (!fits && (flags & STRSAFE_FILL_ON_FAILURE)) {
        irplab_strsafe_fill((unsigned char *)d->Buffer, d->MaximumLength, 0, STRSAFE_GET_FILL_PATTERN(flags));
        d->Length = d->MaximumLength;
    }
    if (!fits && (flags & STRSAFE_ZERO_LENGTH_ON_FAILURE))
        d->Length = 0;
    if (rest) {
        rest->Length = 0;
        rest->MaximumLength = (USHORT)(d->MaximumLength - d->Length);
        rest->Buffer = d->Buffer ? d->Buffer + d->Length / sizeof(wchar_t) : NULL;
    }
    return fits ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}
NTSTRSAFE_DDI RtlUnicodeStringVPrintf(PUNICODE_STRING d, NTSTRSAFE_PCWSTR format, va_list arguments)
{
    return RtlUnicodeStringVPrintfEx(d, NULL, 0, format, arguments);
}
NTSTRSAFE_DDIV RtlUnicodeStringPrintf(PUNICODE_STRING d, NTSTRSAFE_PCWSTR format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    NTSTATUS status = RtlUnicodeStringVPrintfEx(d, NULL, 0, format, arguments);
    va_end(arguments);
    return status;
}
NTSTRSAFE_DDIV RtlUnicodeStringPrintfEx(PUNICODE_STRING d, PUNICODE_STRING rest, ULONG flags, NTSTRSAFE_PCWSTR format,
                                        ...)
{
    va_list arguments;
    va_start(arguments, format);
    NTSTATUS status = RtlUnicodeStringVPrintfEx(d, rest, flags, format, arguments);
    va_end(arguments);
    return status;
}

#ifdef __cplusplus
}
#endif

#endif
