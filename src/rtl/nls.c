/* Case and code pages (nls.h). */
#include "rtl/nls.h"

#include "nt/status.h"

struct case_range {
    WCHAR first;
    WCHAR last;
    USHORT step;
    USHORT difference;
};

/* GUESS: generated from Unicode's simple case pairs without letters newer than NT's own table. */
#include "rtl/case_ranges.inc"
#include "rtl/code_pages.inc"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static WCHAR map_case(const struct case_range *ranges, size_t count, WCHAR c)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        const struct case_range *r = &ranges[middle];
        if (c < r->first)
            count = middle;
        else if (c > r->last)
            low = middle + 1;
        else
            return (c - r->first) % r->step == 0 ? (WCHAR)(c + r->difference) : c;
    }
    return c;
}

WCHAR rtl_upcase(WCHAR c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? c - 32 : c;
    return map_case(upper_ranges, COUNT(upper_ranges), c);
}

WCHAR rtl_downcase(WCHAR c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    return map_case(lower_ranges, COUNT(lower_ranges), c);
}

WCHAR rtl_ansi_to_wide(UCHAR c)
{
    return c < 0x80 ? c : cp1252_high[c - 0x80];
}

WCHAR rtl_oem_to_wide(UCHAR c)
{
    return c < 0x80 ? c : cp437_high[c - 0x80];
}

static UCHAR find_in_page(const WCHAR *high, WCHAR c)
{
    if (c < 0x80)
        return (UCHAR)c;
    for (unsigned i = 0; i < 128; i++)
        if (high[i] == c)
            return (UCHAR)(0x80 + i);
    return '?';
}

UCHAR rtl_wide_to_ansi(WCHAR c)
{
    if (c >= 0xA0 && c <= 0xFF)
        return (UCHAR)c;
    return find_in_page(cp1252_high, c);
}

UCHAR rtl_wide_to_oem(WCHAR c)
{
    return find_in_page(cp437_high, c);
}

/* A letter whose other case is not in the code page stays as it is. */
static UCHAR ansi_or_same(UCHAR c, WCHAR mapped)
{
    UCHAR back = rtl_wide_to_ansi(mapped);
    return back == '?' ? c : back;
}

UCHAR rtl_upcase_ansi(UCHAR c)
{
    return ansi_or_same(c, rtl_upcase(rtl_ansi_to_wide(c)));
}

UCHAR rtl_downcase_ansi(UCHAR c)
{
    return ansi_or_same(c, rtl_downcase(rtl_ansi_to_wide(c)));
}

WCHAR RtlUpcaseUnicodeChar(ULONG c)
{
    return rtl_upcase((WCHAR)c);
}

WCHAR RtlDowncaseUnicodeChar(ULONG c)
{
    return rtl_downcase((WCHAR)c);
}

CHAR RtlUpperChar(ULONG c)
{
    return (CHAR)rtl_upcase_ansi((UCHAR)c);
}

WCHAR RtlAnsiCharToUnicodeChar(UCHAR **source)
{
    WCHAR c = rtl_ansi_to_wide(**source);
    ++*source;
    return c;
}

/* GUESS: a result that was cut is STATUS_BUFFER_OVERFLOW; the documentation only knows success. */
static NTSTATUS bytes_to_wide(WCHAR (*map)(UCHAR), WCHAR *to, ULONG max_bytes, ULONG *bytes, const CHAR *from, ULONG count)
{
    ULONG n = max_bytes / sizeof(WCHAR);
    if (n > count)
        n = count;
    for (ULONG i = 0; i < n; i++)
        to[i] = map((UCHAR)from[i]);
    if (bytes)
        *bytes = n * sizeof(WCHAR);
    return n < count ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static WCHAR same(WCHAR c)
{
    return c;
}

static NTSTATUS wide_to_bytes(UCHAR (*map)(WCHAR), WCHAR (*fold)(WCHAR), CHAR *to, ULONG max_bytes, ULONG *bytes,
                              const WCHAR *from, ULONG from_bytes)
{
    ULONG count = from_bytes / sizeof(WCHAR);
    ULONG n = max_bytes < count ? max_bytes : count;
    for (ULONG i = 0; i < n; i++)
        to[i] = (CHAR)map(fold(from[i]));
    if (bytes)
        *bytes = n;
    return n < count ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

NTSTATUS RtlMultiByteToUnicodeN(WCHAR *to, ULONG max_bytes, ULONG *bytes, const CHAR *from, ULONG from_bytes)
{
    return bytes_to_wide(rtl_ansi_to_wide, to, max_bytes, bytes, from, from_bytes);
}

NTSTATUS RtlOemToUnicodeN(WCHAR *to, ULONG max_bytes, ULONG *bytes, const CHAR *from, ULONG from_bytes)
{
    return bytes_to_wide(rtl_oem_to_wide, to, max_bytes, bytes, from, from_bytes);
}

NTSTATUS RtlUnicodeToMultiByteN(CHAR *to, ULONG max_bytes, ULONG *bytes, const WCHAR *from, ULONG from_bytes)
{
    return wide_to_bytes(rtl_wide_to_ansi, same, to, max_bytes, bytes, from, from_bytes);
}

NTSTATUS RtlUnicodeToOemN(CHAR *to, ULONG max_bytes, ULONG *bytes, const WCHAR *from, ULONG from_bytes)
{
    return wide_to_bytes(rtl_wide_to_oem, same, to, max_bytes, bytes, from, from_bytes);
}

NTSTATUS RtlUpcaseUnicodeToMultiByteN(CHAR *to, ULONG max_bytes, ULONG *bytes, const WCHAR *from, ULONG from_bytes)
{
    return wide_to_bytes(rtl_wide_to_ansi, rtl_upcase, to, max_bytes, bytes, from, from_bytes);
}

NTSTATUS RtlUpcaseUnicodeToOemN(CHAR *to, ULONG max_bytes, ULONG *bytes, const WCHAR *from, ULONG from_bytes)
{
    return wide_to_bytes(rtl_wide_to_oem, rtl_upcase, to, max_bytes, bytes, from, from_bytes);
}

NTSTATUS RtlMultiByteToUnicodeSize(ULONG *bytes, const CHAR *from, ULONG from_bytes)
{
    *bytes = from_bytes * sizeof(WCHAR);
    return STATUS_SUCCESS;
}

NTSTATUS RtlUnicodeToMultiByteSize(ULONG *bytes, const WCHAR *from, ULONG from_bytes)
{
    *bytes = from_bytes / sizeof(WCHAR);
    return STATUS_SUCCESS;
}

void RtlGetDefaultCodePage(USHORT *ansi, USHORT *oem)
{
    *ansi = 1252;
    *oem = 437;
}

BOOLEAN RtlIsValidOemCharacter(WCHAR *c)
{
    UCHAR oem = rtl_wide_to_oem(rtl_upcase(*c));
    if (oem == '?' && *c != '?')
        return FALSE;
    *c = rtl_oem_to_wide(oem);
    return TRUE;
}
