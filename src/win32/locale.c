/* Locale functions that C run-times call at start: one locale, English (United States), with the orders of code units. */
#include "win32/win32.h"

enum { LCID_US = 0x409, LCMAP_LOWERCASE = 0x100, LCMAP_UPPERCASE = 0x200, NORM_IGNORECASE = 1, LINGUISTIC_IGNORECASE = 0x10 };

/* CSTR_LESS_THAN 1, CSTR_EQUAL 2, CSTR_GREATER_THAN 3. GUESS: letters sort without regard to case first, as words in a dictionary. */
static int compare(const WCHAR *a, size_t na, const WCHAR *b, size_t nb, ULONG flags)
{
    size_t n = na < nb ? na : nb;
    for (size_t i = 0; i < n; i++) {
        WCHAR x = w32_lower(a[i]), y = w32_lower(b[i]);
        if (x != y)
            return x < y ? 1 : 3;
    }
    if (na != nb)
        return na < nb ? 1 : 3;
    if (flags & (NORM_IGNORECASE | LINGUISTIC_IGNORECASE))
        return 2;
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return a[i] > b[i] ? 1 : 3; /* lower case first */
    return 2;
}

int CompareStringW(ULONG locale, ULONG flags, const WCHAR *a, int na, const WCHAR *b, int nb)
{
    if (!a || !b)
        return w32_error(ERROR_INVALID_PARAMETER);
    return compare(a, na < 0 ? w32_wcslen(a) : (size_t)na, b, nb < 0 ? w32_wcslen(b) : (size_t)nb, flags);
}

int CompareStringEx(const WCHAR *locale, ULONG flags, const WCHAR *a, int na, const WCHAR *b, int nb, void *version, void *reserved, uint64_t parameter)
{
    return CompareStringW(LCID_US, flags, a, na, b, nb);
}

int CompareStringA(ULONG locale, ULONG flags, const char *a, int na, const char *b, int nb)
{
    if (!a || !b)
        return w32_error(ERROR_INVALID_PARAMETER);
    uint64_t wa = w32_widen(a), wb = w32_widen(b);
    int r = CompareStringW(locale, flags, (const WCHAR *)wa, na, (const WCHAR *)wb, nb);
    w32_free(wa);
    w32_free(wb);
    return r;
}

int LCMapStringW(ULONG locale, ULONG flags, const WCHAR *from, int count, WCHAR *to, int size)
{
    if (!from || count == 0 || size < 0)
        return w32_error(ERROR_INVALID_PARAMETER);
    int n = count < 0 ? (int)w32_wcslen(from) + 1 : count;
    if (size == 0)
        return n;
    if (size < n)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    for (int i = 0; i < n; i++)
        to[i] = flags & LCMAP_UPPERCASE ? w32_upper(from[i]) : flags & LCMAP_LOWERCASE ? w32_lower(from[i]) : from[i];
    return n;
}

int LCMapStringEx(const WCHAR *locale, ULONG flags, const WCHAR *from, int count, WCHAR *to, int size, void *version, void *reserved, uint64_t handle)
{
    return LCMapStringW(LCID_US, flags, from, count, to, size);
}

/* CT_CTYPE1 bits: upper 1, lower 2, digit 4, space 8, punctuation 0x10, control 0x20, blank 0x40, hexadecimal 0x80, letter 0x100. */
static uint16_t type_of(WCHAR c)
{
    if (w32_lower(c) != c)
        return 0x301 | (c >= 'A' && c <= 'F' ? 0x80 : 0);
    if (w32_upper(c) != c)
        return 0x302 | (c >= 'a' && c <= 'f' ? 0x80 : 0);
    if (c >= '0' && c <= '9')
        return 0x284;
    if (c == ' ' || c == 0xA0)
        return 0x248;
    if (c == 9)
        return 0x268;
    if (c < 0x20 || c == 0x7F || (c >= 0x80 && c < 0xA0))
        return 0x220 | (c >= 10 && c <= 13 ? 8 : 0);
    return c < 0xC0 ? 0x210 : 0x300;
}

BOOL GetStringTypeW(ULONG kind, const WCHAR *s, int count, uint16_t *out)
{
    if (kind != 1)
        return w32_error(ERROR_INVALID_PARAMETER);
    int n = count < 0 ? (int)w32_wcslen(s) + 1 : count;
    for (int i = 0; i < n; i++)
        out[i] = type_of(s[i]);
    return TRUE;
}

/* The forms for one code page: every character of it is one byte. Run-times of Visual C++ up to 2010 call them at their start. */
BOOL GetStringTypeA(ULONG locale, ULONG kind, const char *s, int count, uint16_t *out)
{
    if (kind != 1)
        return w32_error(ERROR_INVALID_PARAMETER);
    int n = count < 0 ? (int)strlen(s) + 1 : count;
    for (int i = 0; i < n; i++)
        out[i] = type_of(w32_ansi_to_wide((uint8_t)s[i]));
    return TRUE;
}

int LCMapStringA(ULONG locale, ULONG flags, const char *from, int count, char *to, int size)
{
    if (!from || count == 0 || size < 0)
        return w32_error(ERROR_INVALID_PARAMETER);
    int n = count < 0 ? (int)strlen(from) + 1 : count;
    if (size == 0)
        return n;
    if (size < n)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    for (int i = 0; i < n; i++) {
        WCHAR c = w32_ansi_to_wide((uint8_t)from[i]);
        int mapped = w32_wide_to_ansi(flags & LCMAP_UPPERCASE ? w32_upper(c) : flags & LCMAP_LOWERCASE ? w32_lower(c) : c);
        to[i] = mapped < 0 ? from[i] : (char)mapped;
    }
    return n;
}

ULONG GetUserDefaultLCID(void)
{
    return LCID_US;
}

ULONG GetThreadLocale(void)
{
    return LCID_US;
}

uint32_t GetUserDefaultLangID(void)
{
    return LCID_US;
}

BOOL IsValidLocale(ULONG locale, ULONG flags)
{
    return locale == LCID_US || locale == 0x400 || locale == 0x800;
}

BOOL IsValidLocaleName(const WCHAR *name)
{
    return TRUE;
}

static const WCHAR locale_name[] = { 'e', 'n', '-', 'U', 'S', 0 };

int GetUserDefaultLocaleName(WCHAR *to, int size)
{
    if (size < 6)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    memcpy(to, locale_name, sizeof locale_name);
    return 6;
}

int LCIDToLocaleName(ULONG locale, WCHAR *to, int size, ULONG flags)
{
    return size == 0 ? 6 : GetUserDefaultLocaleName(to, size);
}

/* What run-times ask: code pages, decimal point. */
static const char *locale_text(ULONG what)
{
    switch (what & 0xFFFF) {
    case 0x0E: /* LOCALE_SDECIMAL */
        return ".";
    case 0x0F: /* LOCALE_STHOUSAND */
        return ",";
    case 0x1004: /* LOCALE_IDEFAULTANSICODEPAGE */
        return "1252";
    case 0x0B: /* LOCALE_IDEFAULTCODEPAGE */
        return "437";
    case 0x01: /* LOCALE_ILANGUAGE */
        return "0409";
    case 0x02: /* LOCALE_SLANGUAGE */
        return "English (United States)";
    case 0x1001: /* LOCALE_SENGLANGUAGE */
        return "English";
    case 0x1002: /* LOCALE_SENGCOUNTRY */
        return "United States";
    case 0x59: /* LOCALE_SISO639LANGNAME */
        return "en";
    case 0x5A: /* LOCALE_SISO3166CTRYNAME */
        return "US";
    default:
        return NULL;
    }
}

int GetLocaleInfoA(ULONG locale, ULONG what, char *to, int size)
{
    const char *s = locale_text(what);
    if (!s)
        return w32_error(ERROR_INVALID_PARAMETER);
    int n = (int)strlen(s) + 1;
    if (size == 0)
        return n;
    if (size < n)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    memcpy(to, s, (size_t)n);
    return n;
}

int GetLocaleInfoW(ULONG locale, ULONG what, WCHAR *to, int size)
{
    const char *s = locale_text(what);
    if (!s)
        return w32_error(ERROR_INVALID_PARAMETER);
    int n = (int)strlen(s) + 1;
    if (what & 0x20000000) { /* LOCALE_RETURN_NUMBER */
        ULONG v = 0;
        for (const char *p = s; *p; p++)
            v = v * 10 + (ULONG)(*p - '0');
        if (size >= 2)
            memcpy(to, &v, 4);
        return 2;
    }
    if (size == 0)
        return n;
    if (size < n)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    for (int i = 0; i < n; i++)
        to[i] = (uint8_t)s[i];
    return n;
}

int GetLocaleInfoEx(const WCHAR *locale, ULONG what, WCHAR *to, int size)
{
    return GetLocaleInfoW(LCID_US, what, to, size);
}
