/* Names in the ANSI and OEM code pages. Those of a US English system have no lead bytes, so a byte is a character.
 * Strings that the WDK passes by value come by address in the Microsoft convention. */
#include <string.h>

#include "ke/ke.h"
#include "rtl/nls.h"

enum { FAT_NAME = 8, FAT_EXTENSION = 3, HPFS_NAME = 255 };

static bool is_wild(UCHAR c)
{
    return c && strchr("*?<>\"", c);
}

void FsRtlDissectDbcs(const ANSI_STRING *by_value, ANSI_STRING *first, ANSI_STRING *rest)
{
    ANSI_STRING path = *by_value; /* may be *rest */
    unsigned n = path.Length, start = n && path.Buffer[0] == '\\', end = start;
    memset(first, 0, sizeof *first);
    memset(rest, 0, sizeof *rest);
    while (end < n && path.Buffer[end] != '\\')
        end++;
    if (n == 0)
        return;
    *first = (ANSI_STRING) { (USHORT)(end - start), (USHORT)(end - start), path.Buffer + start };
    if (end < n)
        *rest = (ANSI_STRING) { (USHORT)(n - end - 1), (USHORT)(n - end - 1), path.Buffer + end + 1 };
}

BOOLEAN FsRtlDoesDbcsContainWildCards(const ANSI_STRING *name)
{
    for (unsigned i = 0; i < name->Length; i++)
        if (is_wild((UCHAR)name->Buffer[i]))
            return TRUE;
    return FALSE;
}

/* ---- legal names ---- */

/* bad: characters that the file system refuses beside control characters. */
static bool is_legal_char(UCHAR c, const char *bad, bool wild)
{
    if (is_wild(c))
        return wild;
    return c >= 0x20 && !strchr(bad, c);
}

/* One 8.3 component. */
static bool is_fat_name(const CHAR *s, unsigned n, bool wild)
{
    if (n == 0)
        return false;
    if ((n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.'))
        return true;
    unsigned dot = n, chars = 0;
    for (unsigned i = 0; i < n; i++) {
        if (s[i] == '.') {
            if (dot != n || i == 0)
                return false;
            dot = i;
            chars = 0;
        } else if (!is_legal_char((UCHAR)s[i], "+,/:;=[\\]|", wild) || ++chars > (dot == n ? FAT_NAME : FAT_EXTENSION)) {
            return false;
        }
    }
    return s[n - 1] != ' ' && dot != n - 1;
}

static bool is_hpfs_name(const CHAR *s, unsigned n, bool wild)
{
    if (n == 0 || n > HPFS_NAME)
        return false;
    if ((n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.'))
        return true;
    for (unsigned i = 0; i < n; i++)
        if (!is_legal_char((UCHAR)s[i], "/:\\|", wild))
            return false;
    return s[n - 1] != ' ' && s[n - 1] != '.';
}

typedef bool legal_fn(const CHAR *s, unsigned n, bool wild);

static BOOLEAN is_legal(const ANSI_STRING *name, ULONG wild, ULONG path, ULONG leading, legal_fn *legal)
{
    const CHAR *s = name->Buffer;
    unsigned n = name->Length;
    if (n && s[0] == '\\') {
        if (!(UCHAR)leading)
            return FALSE;
        s++;
        n--;
        if (n == 0)
            return TRUE; /* the root */
    }
    for (;;) {
        unsigned part = 0;
        while (part < n && s[part] != '\\')
            part++;
        if (!legal(s, part, (UCHAR)wild))
            return FALSE;
        if (part == n)
            return TRUE;
        if (!(UCHAR)path)
            return FALSE;
        s += part + 1;
        n -= part + 1;
    }
}

BOOLEAN FsRtlIsFatDbcsLegal(const ANSI_STRING *by_value, ULONG wild, ULONG path, ULONG leading)
{
    return is_legal(by_value, wild, path, leading, is_fat_name);
}

BOOLEAN FsRtlIsHpfsDbcsLegal(const ANSI_STRING *by_value, ULONG wild, ULONG path, ULONG leading)
{
    return is_legal(by_value, wild, path, leading, is_hpfs_name);
}
