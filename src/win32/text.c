/* Text: UTF-16, UTF-8 and code page 1252, case, and the kernel32 functions on strings. */
#include "win32/win32.h"

size_t w32_wcslen(const WCHAR *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

/* Latin, Greek and Cyrillic: what identifiers and messages use. The host's tables are not asked: they depend on its locale. */
WCHAR w32_upper(WCHAR c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? (WCHAR)(c - 32) : c;
    if ((c >= 0xE0 && c <= 0xFE && c != 0xF7) || (c >= 0x3B1 && c <= 0x3C9 && c != 0x3C2) || (c >= 0x430 && c <= 0x44F))
        return (WCHAR)(c - 32);
    if (c == 0xFF)
        return 0x178;
    if (c >= 0x450 && c <= 0x45F)
        return (WCHAR)(c - 80);
    if (((c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177)) && c != 0x131)
        return (WCHAR)(c & ~1);
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E))
        return c & 1 ? c : (WCHAR)(c - 1);
    return c;
}

WCHAR w32_lower(WCHAR c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? (WCHAR)(c + 32) : c;
    if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9 && c != 0x3A2) || (c >= 0x410 && c <= 0x42F))
        return (WCHAR)(c + 32);
    if (c >= 0x400 && c <= 0x40F)
        return (WCHAR)(c + 80);
    if (((c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177)) && c != 0x130)
        return (WCHAR)(c | 1);
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E))
        return c & 1 ? (WCHAR)(c + 1) : c;
    return c;
}

int w32_wcsicmp(const WCHAR *a, const WCHAR *b)
{
    for (;; a++, b++) {
        WCHAR x = w32_lower(*a), y = w32_lower(*b);
        if (x != y)
            return x < y ? -1 : 1;
        if (!x)
            return 0;
    }
}

int w32_strnicmp(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int x = a[i] >= 'A' && a[i] <= 'Z' ? a[i] + 32 : a[i], y = b[i] >= 'A' && b[i] <= 'Z' ? b[i] + 32 : b[i];
        if (x != y)
            return x < y ? -1 : 1;
        if (!x)
            break;
    }
    return 0;
}

uint32_t w32_from_utf16(const WCHAR *s, size_t units, size_t *used)
{
    *used = 1;
    if (s[0] < 0xD800 || s[0] > 0xDFFF)
        return s[0];
    if (s[0] > 0xDBFF || units < 2 || s[1] < 0xDC00 || s[1] > 0xDFFF)
        return 0xFFFD;
    *used = 2;
    return 0x10000 + (((uint32_t)s[0] & 0x3FF) << 10) + (s[1] & 0x3FF);
}

uint32_t w32_from_utf8(const char *text, size_t bytes, size_t *used)
{
    const uint8_t *s = (const uint8_t *)text;
    *used = 1;
    if (s[0] < 0x80)
        return s[0];
    unsigned n = s[0] >= 0xF0 && s[0] <= 0xF4 ? 3 : s[0] >= 0xE0 && s[0] < 0xF0 ? 2 : s[0] >= 0xC2 && s[0] < 0xE0 ? 1 : 0;
    if (n == 0 || bytes <= n)
        return 0xFFFD;
    uint32_t c = s[0] & (0x3Fu >> n);
    for (unsigned i = 1; i <= n; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0xFFFD;
        c = c << 6 | (s[i] & 0x3F);
    }
    if ((n == 2 && (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF))) || (n == 3 && (c < 0x10000 || c > 0x10FFFF)))
        return 0xFFFD;
    *used = n + 1;
    return c;
}

size_t w32_to_utf16(uint32_t c, WCHAR out[2])
{
    if (c < 0x10000) {
        out[0] = (WCHAR)c;
        return 1;
    }
    c -= 0x10000;
    out[0] = (WCHAR)(0xD800 + (c >> 10));
    out[1] = (WCHAR)(0xDC00 + (c & 0x3FF));
    return 2;
}

/* 0x80 to 0x9F of code page 1252; the other bytes are themselves. */
static const WCHAR cp1252[32] = { 0x20AC, 0x81, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152, 0x8D, 0x17D, 0x8F,
                                  0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122, 0x161, 0x203A, 0x153, 0x9D, 0x17E, 0x178 };

WCHAR w32_ansi_to_wide(uint8_t c)
{
    return c >= 0x80 && c < 0xA0 ? cp1252[c - 0x80] : c;
}

int w32_wide_to_ansi(WCHAR c)
{
    if (c < 0x80 || (c >= 0xA0 && c < 0x100))
        return c;
    for (unsigned i = 0; i < 32; i++)
        if (cp1252[i] == c)
            return (int)(0x80 + i);
    return -1;
}

uint64_t w32_widen(const char *s)
{
    size_t n = strlen(s);
    WCHAR *out = (WCHAR *)w32_alloc((n + 1) * 2);
    for (size_t i = 0; out && i <= n; i++)
        out[i] = w32_ansi_to_wide((uint8_t)s[i]);
    return (uint64_t)out;
}

uint64_t w32_narrow(const WCHAR *s)
{
    size_t n = w32_wcslen(s);
    char *out = (char *)w32_alloc(n + 1);
    for (size_t i = 0; out && i <= n; i++) {
        int c = w32_wide_to_ansi(s[i]);
        out[i] = (char)(c < 0 ? '?' : c);
    }
    return (uint64_t)out;
}

/* ---- code pages ---- */

enum { CP_ACP = 0, CP_OEMCP = 1, CP_MACCP = 2, CP_THREAD_ACP = 3, CP_UTF8 = 65001, ERR_NO_UNICODE_TRANSLATION = 1113 };

static bool is_single_byte(ULONG page)
{
    return page <= CP_THREAD_ACP || page == 1252 || page == 437 || page == 20127 || page == 28591;
}

/* Output that counts always and stores while there is room. */
struct out16 {
    WCHAR *to;
    size_t n, room;
};
struct out8 {
    char *to;
    size_t n, room;
};

static bool put16(struct out16 *o, const WCHAR *w, size_t n)
{
    if (o->room && o->n + n > o->room)
        return false;
    for (size_t i = 0; o->room && i < n; i++)
        o->to[o->n + i] = w[i];
    o->n += n;
    return true;
}

static bool put8(struct out8 *o, const char *c, size_t n)
{
    if (o->room && o->n + n > o->room)
        return false;
    for (size_t i = 0; o->room && i < n; i++)
        o->to[o->n + i] = c[i];
    o->n += n;
    return true;
}

int MultiByteToWideChar(ULONG page, ULONG flags, const char *from, int from_count, WCHAR *to, int to_count)
{
    if (!from || from_count == 0 || to_count < 0 || (to_count && (!to || (const void *)to == from)))
        return w32_error(ERROR_INVALID_PARAMETER);
    if (!is_single_byte(page) && page != CP_UTF8)
        return w32_error(ERROR_INVALID_PARAMETER);
    size_t n = from_count < 0 ? strlen(from) + 1 : (size_t)from_count;
    struct out16 o = { to, 0, (size_t)to_count };
    for (size_t i = 0, used; i < n; i += used) {
        WCHAR w[2] = { 0 };
        size_t units = 1;
        used = 1;
        if (page == CP_UTF8) {
            uint32_t c = w32_from_utf8(from + i, n - i, &used);
            if (c == 0xFFFD && used == 1 && (flags & 8)) /* MB_ERR_INVALID_CHARS */
                return w32_error(ERR_NO_UNICODE_TRANSLATION);
            units = w32_to_utf16(c, w);
        } else {
            w[0] = w32_ansi_to_wide((uint8_t)from[i]);
        }
        if (!put16(&o, w, units))
            return w32_error(ERROR_INSUFFICIENT_BUFFER);
    }
    return (int)o.n;
}

int WideCharToMultiByte(ULONG page, ULONG flags, const WCHAR *from, int from_count, char *to, int to_count, const char *fallback, BOOL *used_fallback)
{
    if (!from || from_count == 0 || to_count < 0 || (to_count && (!to || (const void *)to == from)))
        return w32_error(ERROR_INVALID_PARAMETER);
    if ((!is_single_byte(page) && page != CP_UTF8) || (page == CP_UTF8 && (fallback || used_fallback)))
        return w32_error(ERROR_INVALID_PARAMETER);
    size_t n = from_count < 0 ? w32_wcslen(from) + 1 : (size_t)from_count;
    struct out8 o = { to, 0, (size_t)to_count };
    BOOL fell_back = FALSE;
    for (size_t i = 0, used; i < n; i += used) {
        char c[4];
        size_t bytes = 1;
        used = 1;
        if (page == CP_UTF8) {
            uint32_t point = w32_from_utf16(from + i, n - i, &used);
            if (point == 0xFFFD && from[i] != 0xFFFD && (flags & 0x80)) /* WC_ERR_INVALID_CHARS */
                return w32_error(ERR_NO_UNICODE_TRANSLATION);
            bytes = base_utf8_put(point, c);
        } else {
            int a = w32_wide_to_ansi(from[i]);
            fell_back |= a < 0;
            c[0] = a >= 0 ? (char)a : fallback ? *fallback : '?';
        }
        if (!put8(&o, c, bytes))
            return w32_error(ERROR_INSUFFICIENT_BUFFER);
    }
    if (used_fallback)
        *used_fallback = fell_back;
    return (int)o.n;
}

BOOL IsDBCSLeadByte(ULONG c)
{
    return FALSE;
}

BOOL IsDBCSLeadByteEx(ULONG page, ULONG c)
{
    return FALSE;
}

ULONG GetACP(void)
{
    return 1252;
}

ULONG GetOEMCP(void)
{
    return 437;
}

BOOL IsValidCodePage(ULONG page)
{
    return page == CP_UTF8 || (page > CP_THREAD_ACP && is_single_byte(page));
}

BOOL GetCPInfo(ULONG page, void *info)
{
    if (!is_single_byte(page) && page != CP_UTF8)
        return w32_error(ERROR_INVALID_PARAMETER);
    memset(info, 0, 20);
    *(ULONG *)info = page == CP_UTF8 ? 4 : 1; /* MaxCharSize */
    ((uint8_t *)info)[4] = '?';
    return TRUE;
}

/* ---- lstr ---- */

int lstrlenA(const char *s)
{
    return s ? (int)strlen(s) : 0;
}

int lstrlenW(const WCHAR *s)
{
    return s ? (int)w32_wcslen(s) : 0;
}

char *lstrcpyA(char *to, const char *from)
{
    return strcpy(to, from);
}

WCHAR *lstrcpyW(WCHAR *to, const WCHAR *from)
{
    memcpy(to, from, (w32_wcslen(from) + 1) * 2);
    return to;
}

char *lstrcpynA(char *to, const char *from, int size)
{
    int i = 0;
    for (; i < size - 1 && from[i]; i++)
        to[i] = from[i];
    if (size > 0)
        to[i] = 0;
    return to;
}

WCHAR *lstrcpynW(WCHAR *to, const WCHAR *from, int size)
{
    int i = 0;
    for (; i < size - 1 && from[i]; i++)
        to[i] = from[i];
    if (size > 0)
        to[i] = 0;
    return to;
}

char *lstrcatA(char *to, const char *from)
{
    return strcat(to, from);
}

WCHAR *lstrcatW(WCHAR *to, const WCHAR *from)
{
    lstrcpyW(to + w32_wcslen(to), from);
    return to;
}

int lstrcmpA(const char *a, const char *b)
{
    int r = strcmp(a ? a : "", b ? b : "");
    return (r > 0) - (r < 0);
}

static int compare_wide(const WCHAR *a, const WCHAR *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (*a > *b) - (*a < *b);
}

/* GUESS: by code unit; the real ones sort by the user's locale. Equality is the same. */
int lstrcmpW(const WCHAR *a, const WCHAR *b)
{
    static const WCHAR empty[1];
    return compare_wide(a ? a : empty, b ? b : empty);
}

int lstrcmpiA(const char *a, const char *b)
{
    for (;; a++, b++) {
        WCHAR x = w32_lower(w32_ansi_to_wide((uint8_t)*a)), y = w32_lower(w32_ansi_to_wide((uint8_t)*b));
        if (x != y)
            return x < y ? -1 : 1;
        if (!x)
            return 0;
    }
}

int lstrcmpiW(const WCHAR *a, const WCHAR *b)
{
    return w32_wcsicmp(a, b);
}

/* CSTR_LESS_THAN 1, CSTR_EQUAL 2, CSTR_GREATER_THAN 3. */
int CompareStringOrdinal(const WCHAR *a, int na, const WCHAR *b, int nb, BOOL ignore_case)
{
    if (!a || !b)
        return w32_error(ERROR_INVALID_PARAMETER);
    size_t la = na < 0 ? w32_wcslen(a) : (size_t)na, lb = nb < 0 ? w32_wcslen(b) : (size_t)nb;
    for (size_t i = 0; i < la && i < lb; i++) {
        WCHAR x = ignore_case ? w32_upper(a[i]) : a[i], y = ignore_case ? w32_upper(b[i]) : b[i];
        if (x != y)
            return x < y ? 1 : 3;
    }
    return la < lb ? 1 : la > lb ? 3 : 2;
}

char *CharUpperA(char *s)
{
    if ((uint64_t)s < 0x10000) {
        int c = w32_wide_to_ansi(w32_upper(w32_ansi_to_wide((uint8_t)(uint64_t)s)));
        return (char *)(uint64_t)(c < 0 ? (uint8_t)(uint64_t)s : (unsigned)c);
    }
    for (char *p = s; *p; p++) {
        int c = w32_wide_to_ansi(w32_upper(w32_ansi_to_wide((uint8_t)*p)));
        *p = c < 0 ? *p : (char)c;
    }
    return s;
}

WCHAR *CharUpperW(WCHAR *s)
{
    if ((uint64_t)s < 0x10000)
        return (WCHAR *)(uint64_t)w32_upper((WCHAR)(uint64_t)s);
    for (WCHAR *p = s; *p; p++)
        *p = w32_upper(*p);
    return s;
}

WCHAR *CharLowerW(WCHAR *s)
{
    if ((uint64_t)s < 0x10000)
        return (WCHAR *)(uint64_t)w32_lower((WCHAR)(uint64_t)s);
    for (WCHAR *p = s; *p; p++)
        *p = w32_lower(*p);
    return s;
}

/* ---- kinds and parts of characters ---- */

static bool is_letter(WCHAR c)
{
    return w32_upper(c) != w32_lower(c) || c == 0xDF || c == 0xAA || c == 0xBA || c >= 0x180;
}

BOOL IsCharAlphaW(WCHAR c)
{
    return is_letter(c);
}

BOOL IsCharAlphaA(uint8_t c)
{
    return is_letter(w32_ansi_to_wide(c));
}

BOOL IsCharAlphaNumericW(WCHAR c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

BOOL IsCharAlphaNumericA(uint8_t c)
{
    return IsCharAlphaNumericW(w32_ansi_to_wide(c));
}

BOOL IsCharUpperW(WCHAR c)
{
    return w32_lower(c) != c;
}

BOOL IsCharLowerW(WCHAR c)
{
    return w32_upper(c) != c || c == 0xDF;
}

ULONG CharUpperBuffW(WCHAR *s, ULONG n)
{
    for (ULONG i = 0; i < n; i++)
        s[i] = w32_upper(s[i]);
    return n;
}

ULONG CharLowerBuffW(WCHAR *s, ULONG n)
{
    for (ULONG i = 0; i < n; i++)
        s[i] = w32_lower(s[i]);
    return n;
}

const WCHAR *CharNextW(const WCHAR *s)
{
    return *s ? s + 1 : s;
}

const char *CharNextA(const char *s)
{
    return *s ? s + 1 : s;
}

/* The code page has one byte a character. */
const char *CharNextExA(uint16_t page, const char *s, ULONG flags)
{
    return CharNextA(s);
}

const WCHAR *CharPrevW(const WCHAR *start, const WCHAR *s)
{
    return s > start ? s - 1 : start;
}

const char *CharPrevA(const char *start, const char *s)
{
    return s > start ? s - 1 : start;
}

const char *CharPrevExA(uint16_t page, const char *start, const char *s, ULONG flags)
{
    return CharPrevA(start, s);
}
