/* UTF-8 to UTF-16 and back. An ill-formed sequence becomes U+FFFD and the result STATUS_SOME_NOT_MAPPED. */
#include "rtl/nls.h"

#include "base/utf.h"

#include "nt/status.h"

enum { REPLACEMENT = 0xFFFD };

/* Decodes one character of n > 0 bytes at s; returns how many were used. Ill-formed: sets *bad and yields U+FFFD for
 * the longest prefix that could have begun a character, as Unicode recommends. */
static ULONG decode(const UCHAR *s, ULONG n, ULONG *c, int *bad)
{
    UCHAR lead = s[0];
    if (lead < 0x80) {
        *c = lead;
        return 1;
    }
    ULONG need = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    UCHAR low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    UCHAR high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    *bad = 1;
    *c = REPLACEMENT;
    if (lead < 0xC2 || lead > 0xF4)
        return 1;
    ULONG value = lead & (0x3F >> need);
    for (ULONG i = 1; i <= need; i++) {
        if (i >= n || s[i] < low || s[i] > high)
            return i;
        value = value << 6 | (s[i] & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    *bad = 0;
    *c = value;
    return need + 1;
}

NTSTATUS RtlUTF8ToUnicodeN(WCHAR *to, ULONG max_bytes, ULONG *bytes, const CHAR *from, ULONG from_bytes)
{
    const UCHAR *s = (const UCHAR *)from;
    ULONG room = max_bytes / sizeof(WCHAR);
    ULONG out = 0;
    NTSTATUS status = STATUS_SUCCESS;
    if (!from)
        return STATUS_INVALID_PARAMETER_4;
    if (!to && !bytes)
        return STATUS_INVALID_PARAMETER;
    for (ULONG i = 0; i < from_bytes;) {
        ULONG c;
        int bad = 0;
        i += decode(s + i, from_bytes - i, &c, &bad);
        if (bad)
            status = STATUS_SOME_NOT_MAPPED;
        ULONG units = c >= 0x10000 ? 2 : 1;
        if (to && room - out < units) {
            status = STATUS_BUFFER_TOO_SMALL;
            break;
        }
        if (to && units == 2) {
            to[out] = (WCHAR)(0xD800 + ((c - 0x10000) >> 10));
            to[out + 1] = (WCHAR)(0xDC00 + (c & 0x3FF));
        } else if (to) {
            to[out] = (WCHAR)c;
        }
        out += units;
    }
    if (bytes)
        *bytes = out * sizeof(WCHAR);
    return status;
}

/* Reads one character of UTF-16; a surrogate without its pair becomes U+FFFD. */
static ULONG read_utf16(const WCHAR *s, ULONG n, ULONG *c, int *bad)
{
    *c = s[0];
    if (s[0] < 0xD800 || s[0] > 0xDFFF)
        return 1;
    if (s[0] < 0xDC00 && n > 1 && s[1] >= 0xDC00 && s[1] <= 0xDFFF) {
        *c = 0x10000 + ((ULONG)(s[0] - 0xD800) << 10) + (s[1] - 0xDC00);
        return 2;
    }
    *c = REPLACEMENT;
    *bad = 1;
    return 1;
}

NTSTATUS RtlUnicodeToUTF8N(CHAR *to, ULONG max_bytes, ULONG *bytes, const WCHAR *from, ULONG from_bytes)
{
    ULONG count = from_bytes / sizeof(WCHAR);
    ULONG out = 0;
    NTSTATUS status = STATUS_SUCCESS;
    if (!from)
        return STATUS_INVALID_PARAMETER_4;
    if (!to && !bytes)
        return STATUS_INVALID_PARAMETER;
    if (to && from_bytes % sizeof(WCHAR))
        return STATUS_INVALID_PARAMETER_5;
    for (ULONG i = 0; i < count;) {
        ULONG c;
        int bad = 0;
        UCHAR unit[4];
        i += read_utf16(from + i, count - i, &c, &bad);
        if (bad)
            status = STATUS_SOME_NOT_MAPPED;
        ULONG n = (ULONG)base_utf8_put(c, (char *)unit);
        if (to && max_bytes - out < n) {
            status = STATUS_BUFFER_TOO_SMALL;
            break;
        }
        for (ULONG k = 0; to && k < n; k++)
            to[out + k] = (CHAR)unit[k];
        out += n;
    }
    if (bytes)
        *bytes = out;
    return status;
}
