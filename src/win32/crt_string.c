/* Strings and memory of the C run-time. Comparisons answer -1, 0 or 1 as Microsoft's do; the host's library answers
 * differences that vary with its version. Characters are classified for the C locale. */
#include "win32/crt.h"

/* ---- memory ---- */

static int sign(int r)
{
    return (r > 0) - (r < 0);
}

/* Overlapping copies work with Microsoft's memcpy on x64. */
void *crt_memcpy(void *to, const void *from, uint64_t n)
{
    return memmove(to, from, n);
}

int32_t crt_memcmp(const void *a, const void *b, uint64_t n)
{
    return sign(memcmp(a, b, n));
}

void *crt_memset(void *to, int32_t c, uint64_t n)
{
    return memset(to, c, n);
}

void *crt_memchr(const void *s, int32_t c, uint64_t n)
{
    return memchr(s, c, n);
}

int32_t crt_memcpy_s(void *to, uint64_t size, const void *from, uint64_t n)
{
    if (n == 0)
        return 0;
    if (!to || !from || size < n) {
        if (to)
            memset(to, 0, size);
        int e = to && from ? CRT_ERANGE : CRT_EINVAL;
        crt_invalid_parameter(e);
        return e;
    }
    memmove(to, from, n);
    return 0;
}

int32_t crt_memmove_s(void *to, uint64_t size, const void *from, uint64_t n)
{
    if (n == 0)
        return 0;
    if (!to || !from || size < n) {
        int e = to && from ? CRT_ERANGE : CRT_EINVAL;
        crt_invalid_parameter(e);
        return e;
    }
    memmove(to, from, n);
    return 0;
}

int32_t crt__memicmp(const uint8_t *a, const uint8_t *b, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        int x = w32_lower(a[i] < 0x80 ? a[i] : 0x80), y = w32_lower(b[i] < 0x80 ? b[i] : 0x80);
        x = a[i] < 0x80 ? x : a[i];
        y = b[i] < 0x80 ? y : b[i];
        if (x != y)
            return x - y;
    }
    return 0;
}

/* ---- narrow strings ---- */

uint64_t crt_strlen(const char *s)
{
    return strlen(s);
}

uint64_t crt_strnlen(const char *s, uint64_t n)
{
    return strnlen(s, n);
}

uint64_t crt_strnlen_s(const char *s, uint64_t n)
{
    return s ? strnlen(s, n) : 0;
}

char *crt_strcpy(char *to, const char *from)
{
    return memmove(to, from, strlen(from) + 1);
}

char *crt_strncpy(char *to, const char *from, uint64_t n)
{
    return strncpy(to, from, n);
}

char *crt_strcat(char *to, const char *from)
{
    return strcat(to, from);
}

char *crt_strncat(char *to, const char *from, uint64_t n)
{
    return strncat(to, from, n);
}

int32_t crt_strcmp(const char *a, const char *b)
{
    return sign(strcmp(a, b));
}

int32_t crt_strncmp(const char *a, const char *b, uint64_t n)
{
    return sign(strncmp(a, b, n));
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static int upper(int c)
{
    return c >= 'a' && c <= 'z' ? c - 32 : c;
}

int32_t crt__strnicmp(const char *a, const char *b, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        int x = lower((uint8_t)a[i]), y = lower((uint8_t)b[i]);
        if (x != y)
            return x - y;
        if (!x)
            break;
    }
    return 0;
}

int32_t crt__stricmp(const char *a, const char *b)
{
    return crt__strnicmp(a, b, UINT64_MAX);
}

char *crt_strchr(const char *s, int32_t c)
{
    return strchr(s, c);
}

char *crt_strrchr(const char *s, int32_t c)
{
    return strrchr(s, c);
}

char *crt_strstr(const char *s, const char *part)
{
    return strstr(s, part);
}

uint64_t crt_strspn(const char *s, const char *set)
{
    return strspn(s, set);
}

uint64_t crt_strcspn(const char *s, const char *set)
{
    return strcspn(s, set);
}

char *crt_strpbrk(const char *s, const char *set)
{
    return strpbrk(s, set);
}

static char *token(char *s, const char *set, uint64_t *rest)
{
    if (!s)
        s = (char *)*rest;
    if (!s)
        return NULL;
    s += strspn(s, set);
    if (!*s) {
        *rest = (uint64_t)s;
        return NULL;
    }
    char *end = s + strcspn(s, set);
    *rest = (uint64_t)(*end ? end + 1 : end);
    *end = 0;
    return s;
}

char *crt_strtok(char *s, const char *set)
{
    return token(s, set, &crt_thread()->strtok);
}

char *crt_strtok_s(char *s, const char *set, uint64_t *rest)
{
    return token(s, set, rest);
}

char *crt__strdup(const char *s)
{
    if (!s)
        return NULL;
    size_t n = strlen(s) + 1;
    char *copy = (char *)w32_alloc(n);
    return copy ? memcpy(copy, s, n) : NULL;
}

char *crt__strlwr(char *s)
{
    for (char *p = s; *p; p++)
        *p = (char)lower((uint8_t)*p);
    return s;
}

char *crt__strupr(char *s)
{
    for (char *p = s; *p; p++)
        *p = (char)upper((uint8_t)*p);
    return s;
}

char *crt__strrev(char *s)
{
    for (size_t i = 0, n = strlen(s); i < n / 2; i++) {
        char c = s[i];
        s[i] = s[n - 1 - i];
        s[n - 1 - i] = c;
    }
    return s;
}

WCHAR *crt__wcsrev(WCHAR *s)
{
    for (size_t i = 0, n = w32_wcslen(s); i < n / 2; i++) {
        WCHAR c = s[i];
        s[i] = s[n - 1 - i];
        s[n - 1 - i] = c;
    }
    return s;
}

char *crt__strset(char *s, int32_t c)
{
    return memset(s, c, strlen(s));
}

/* The _s forms: an empty result and a refused parameter instead of an overrun; count (size_t)-1 truncates. */
static int32_t copy_s(char *to, uint64_t size, uint64_t at, const char *from, uint64_t count)
{
    if (!to || !size)
        return crt_invalid_parameter(CRT_EINVAL), CRT_EINVAL;
    if (!from) {
        *to = 0;
        return crt_invalid_parameter(CRT_EINVAL), CRT_EINVAL;
    }
    bool truncate = count == UINT64_MAX - 1;
    size_t n = strnlen(from, truncate || count > INT64_MAX ? INT64_MAX : count);
    if (at + n < size) {
        memmove(to + at, from, n);
        to[at + n] = 0;
        return 0;
    }
    if (truncate && at < size) {
        memmove(to + at, from, size - 1 - at);
        to[size - 1] = 0;
        return CRT_STRUNCATE;
    }
    *to = 0;
    return crt_invalid_parameter(CRT_ERANGE), CRT_ERANGE;
}

static uint64_t count_of(uint64_t count)
{
    return count == UINT64_MAX ? UINT64_MAX - 1 : count; /* _TRUNCATE */
}

int32_t crt_strcpy_s(char *to, uint64_t size, const char *from)
{
    return copy_s(to, size, 0, from, UINT64_MAX);
}

int32_t crt_strncpy_s(char *to, uint64_t size, const char *from, uint64_t count)
{
    if (!to && !size && !count)
        return 0;
    return copy_s(to, size, 0, from, count_of(count));
}

int32_t crt_strcat_s(char *to, uint64_t size, const char *from)
{
    return copy_s(to, size, to && size ? strnlen(to, size) : 0, from, UINT64_MAX);
}

int32_t crt_strncat_s(char *to, uint64_t size, const char *from, uint64_t count)
{
    return copy_s(to, size, to && size ? strnlen(to, size) : 0, from, count_of(count));
}

static const struct {
    int error;
    const char *text;
} error_texts[] = {
    { 0, "No error" },
    { 1, "Operation not permitted" },
    { 2, "No such file or directory" },
    { 3, "No such process" },
    { 4, "Interrupted function call" },
    { 5, "Input/output error" },
    { 6, "No such device or address" },
    { 7, "Arg list too long" },
    { 8, "Exec format error" },
    { 9, "Bad file descriptor" },
    { 10, "No child processes" },
    { 11, "Resource temporarily unavailable" },
    { 12, "Not enough space" },
    { 13, "Permission denied" },
    { 14, "Bad address" },
    { 16, "Resource device" },
    { 17, "File exists" },
    { 18, "Improper link" },
    { 19, "No such device" },
    { 20, "Not a directory" },
    { 21, "Is a directory" },
    { 22, "Invalid argument" },
    { 23, "Too many open files in system" },
    { 24, "Too many open files" },
    { 25, "Inappropriate I/O control operation" },
    { 27, "File too large" },
    { 28, "No space left on device" },
    { 29, "Invalid seek" },
    { 30, "Read-only file system" },
    { 31, "Too many links" },
    { 32, "Broken pipe" },
    { 33, "Domain error" },
    { 34, "Result too large" },
    { 36, "Resource deadlock avoided" },
    { 38, "Filename too long" },
    { 39, "No locks available" },
    { 40, "Function not implemented" },
    { 41, "Directory not empty" },
    { 42, "Illegal byte sequence" },
};

static const char *error_text(int error)
{
    for (size_t i = 0; i < sizeof error_texts / sizeof error_texts[0]; i++)
        if (error_texts[i].error == error)
            return error_texts[i].text;
    return "Unknown error";
}

char *crt_strerror(int32_t error)
{
    return strcpy(crt_thread()->text, error_text(error));
}

int32_t crt_strerror_s(char *to, uint64_t size, int32_t error)
{
    return copy_s(to, size, 0, error_text(error), UINT64_MAX - 1) == CRT_STRUNCATE ? 0 : 0;
}

void crt_perror(const char *s)
{
    const char *text = error_text(*crt_errno());
    if (s && *s) {
        w32_console_write(2, s, strlen(s));
        w32_console_write(2, ": ", 2);
    }
    w32_console_write(2, text, strlen(text));
    w32_console_write(2, "\n", 1);
}

int32_t crt_strcoll(const char *a, const char *b)
{
    return crt_strcmp(a, b);
}

uint64_t crt_strxfrm(char *to, const char *from, uint64_t n)
{
    size_t length = strlen(from);
    if (n)
        strncpy(to, from, n);
    return length;
}

/* ---- wide strings ---- */

uint64_t crt_wcslen(const WCHAR *s)
{
    return w32_wcslen(s);
}

uint64_t crt_wcsnlen(const WCHAR *s, uint64_t n)
{
    uint64_t i = 0;
    while (i < n && s[i])
        i++;
    return i;
}

WCHAR *crt_wcscpy(WCHAR *to, const WCHAR *from)
{
    return memmove(to, from, (w32_wcslen(from) + 1) * 2);
}

WCHAR *crt_wcsncpy(WCHAR *to, const WCHAR *from, uint64_t n)
{
    uint64_t i = 0;
    for (; i < n && from[i]; i++)
        to[i] = from[i];
    for (; i < n; i++)
        to[i] = 0;
    return to;
}

WCHAR *crt_wcscat(WCHAR *to, const WCHAR *from)
{
    crt_wcscpy(to + w32_wcslen(to), from);
    return to;
}

WCHAR *crt_wcsncat(WCHAR *to, const WCHAR *from, uint64_t n)
{
    WCHAR *p = to + w32_wcslen(to);
    for (; n && *from; n--)
        *p++ = *from++;
    *p = 0;
    return to;
}

int32_t crt_wcsncmp(const WCHAR *a, const WCHAR *b, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
        if (!a[i])
            break;
    }
    return 0;
}

int32_t crt_wcscmp(const WCHAR *a, const WCHAR *b)
{
    return crt_wcsncmp(a, b, UINT64_MAX);
}

int32_t crt__wcsnicmp(const WCHAR *a, const WCHAR *b, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        int x = a[i] < 0x80 ? lower(a[i]) : a[i], y = b[i] < 0x80 ? lower(b[i]) : b[i];
        if (x != y)
            return x - y;
        if (!x)
            break;
    }
    return 0;
}

int32_t crt__wcsicmp(const WCHAR *a, const WCHAR *b)
{
    return crt__wcsnicmp(a, b, UINT64_MAX);
}

WCHAR *crt_wcschr(const WCHAR *s, uint32_t c)
{
    for (;; s++) {
        if (*s == (WCHAR)c)
            return (WCHAR *)s;
        if (!*s)
            return NULL;
    }
}

WCHAR *crt_wcsrchr(const WCHAR *s, uint32_t c)
{
    const WCHAR *found = NULL;
    for (;; s++) {
        if (*s == (WCHAR)c)
            found = s;
        if (!*s)
            return (WCHAR *)found;
    }
}

WCHAR *crt_wcsstr(const WCHAR *s, const WCHAR *part)
{
    size_t n = w32_wcslen(part);
    for (; crt_wcsncmp(s, part, n) != 0; s++)
        if (!*s)
            return NULL;
    return (WCHAR *)s;
}

static bool in_set(const WCHAR *set, WCHAR c)
{
    for (; *set; set++)
        if (*set == c)
            return true;
    return false;
}

uint64_t crt_wcsspn(const WCHAR *s, const WCHAR *set)
{
    uint64_t n = 0;
    while (s[n] && in_set(set, s[n]))
        n++;
    return n;
}

uint64_t crt_wcscspn(const WCHAR *s, const WCHAR *set)
{
    uint64_t n = 0;
    while (s[n] && !in_set(set, s[n]))
        n++;
    return n;
}

WCHAR *crt_wcspbrk(const WCHAR *s, const WCHAR *set)
{
    s += crt_wcscspn(s, set);
    return *s ? (WCHAR *)s : NULL;
}

static WCHAR *token_wide(WCHAR *s, const WCHAR *set, uint64_t *rest)
{
    if (!s)
        s = (WCHAR *)*rest;
    if (!s)
        return NULL;
    s += crt_wcsspn(s, set);
    if (!*s) {
        *rest = (uint64_t)s;
        return NULL;
    }
    WCHAR *end = s + crt_wcscspn(s, set);
    *rest = (uint64_t)(*end ? end + 1 : end);
    *end = 0;
    return s;
}

WCHAR *crt_wcstok(WCHAR *s, const WCHAR *set)
{
    return token_wide(s, set, &crt_thread()->wcstok);
}

WCHAR *crt_wcstok_s(WCHAR *s, const WCHAR *set, uint64_t *rest)
{
    return token_wide(s, set, rest);
}

/* UCRT's wcstok has C's three parameters; without the third it is the old one. */
WCHAR *crt_wcstok_ucrt(WCHAR *s, const WCHAR *set, uint64_t *rest)
{
    return token_wide(s, set, rest ? rest : &crt_thread()->wcstok);
}

WCHAR *crt__wcsdup(const WCHAR *s)
{
    if (!s)
        return NULL;
    size_t n = (w32_wcslen(s) + 1) * 2;
    WCHAR *copy = (WCHAR *)w32_alloc(n);
    return copy ? memcpy(copy, s, n) : NULL;
}

WCHAR *crt__wcslwr(WCHAR *s)
{
    for (WCHAR *p = s; *p; p++)
        *p = *p < 0x80 ? (WCHAR)lower(*p) : *p;
    return s;
}

WCHAR *crt__wcsupr(WCHAR *s)
{
    for (WCHAR *p = s; *p; p++)
        *p = *p < 0x80 ? (WCHAR)upper(*p) : *p;
    return s;
}

static int32_t copy_wide_s(WCHAR *to, uint64_t size, uint64_t at, const WCHAR *from, uint64_t count)
{
    if (!to || !size)
        return crt_invalid_parameter(CRT_EINVAL), CRT_EINVAL;
    if (!from) {
        *to = 0;
        return crt_invalid_parameter(CRT_EINVAL), CRT_EINVAL;
    }
    bool truncate = count == UINT64_MAX - 1;
    size_t n = crt_wcsnlen(from, truncate ? UINT64_MAX : count);
    if (at + n < size) {
        memmove(to + at, from, n * 2);
        to[at + n] = 0;
        return 0;
    }
    if (truncate && at < size) {
        memmove(to + at, from, (size - 1 - at) * 2);
        to[size - 1] = 0;
        return CRT_STRUNCATE;
    }
    *to = 0;
    return crt_invalid_parameter(CRT_ERANGE), CRT_ERANGE;
}

int32_t crt_wcscpy_s(WCHAR *to, uint64_t size, const WCHAR *from)
{
    return copy_wide_s(to, size, 0, from, UINT64_MAX);
}

int32_t crt_wcsncpy_s(WCHAR *to, uint64_t size, const WCHAR *from, uint64_t count)
{
    if (!to && !size && !count)
        return 0;
    return copy_wide_s(to, size, 0, from, count_of(count));
}

int32_t crt_wcscat_s(WCHAR *to, uint64_t size, const WCHAR *from)
{
    return copy_wide_s(to, size, to && size ? crt_wcsnlen(to, size) : 0, from, UINT64_MAX);
}

int32_t crt_wcsncat_s(WCHAR *to, uint64_t size, const WCHAR *from, uint64_t count)
{
    return copy_wide_s(to, size, to && size ? crt_wcsnlen(to, size) : 0, from, count_of(count));
}

WCHAR *crt__wcserror(int32_t error)
{
    struct crt_thread *t = crt_thread();
    const char *s = error_text(error);
    size_t i = 0;
    do
        t->wide_text[i] = (uint8_t)s[i];
    while (s[i++]);
    return t->wide_text;
}

/* ---- characters ---- */

enum { UPPER = 1, LOWER = 2, DIGIT = 4, SPACE = 8, PUNCT = 0x10, CONTROL = 0x20, BLANK = 0x40, HEX = 0x80, ALPHA = 0x103 };

/* Microsoft's class bits of an ASCII character. */
static uint16_t class_of(uint32_t c)
{
    if (c > 0x7F)
        return 0;
    if (c == ' ')
        return SPACE | BLANK;
    if (c < 0x20 || c == 0x7F)
        return CONTROL | (c >= 9 && c <= 13 ? SPACE : 0) | (c == 9 ? BLANK : 0);
    if (c >= '0' && c <= '9')
        return DIGIT | HEX;
    if (c >= 'A' && c <= 'Z')
        return UPPER | (c <= 'F' ? HEX : 0);
    if (c >= 'a' && c <= 'z')
        return LOWER | (c <= 'f' ? HEX : 0);
    return PUNCT;
}

/* _pctype points one entry into this, so that EOF has an entry. */
static uint64_t class_table(void)
{
    return w32_data_export("msvcrt.dll", "_ctype");
}

void crt_data_ctype(void *at)
{
    uint16_t *t = at;
    for (uint32_t c = 0; c < 0x80; c++)
        t[c + 1] = (uint16_t)(class_of(c) & ~(c == 9 ? BLANK : 0));
}

uint64_t crt___pctype_func(void)
{
    return class_table() + 2;
}

void crt_data_pctype(void *at)
{
    uint64_t p = class_table() + 2;
    memcpy(at, &p, 8);
}

int32_t crt__isctype(int32_t c, int32_t mask)
{
    return class_of((uint32_t)c) & mask;
}

int32_t crt_iswctype(uint32_t c, uint32_t mask)
{
    return class_of(c & 0xFFFF) & (int32_t)mask;
}

int32_t crt_isalpha(int32_t c)
{
    return class_of((uint32_t)c) & (UPPER | LOWER);
}

int32_t crt_isupper(int32_t c)
{
    return class_of((uint32_t)c) & UPPER;
}

int32_t crt_islower(int32_t c)
{
    return class_of((uint32_t)c) & LOWER;
}

int32_t crt_isdigit(int32_t c)
{
    return class_of((uint32_t)c) & DIGIT;
}

int32_t crt_isxdigit(int32_t c)
{
    return class_of((uint32_t)c) & HEX;
}

int32_t crt_isspace(int32_t c)
{
    return class_of((uint32_t)c) & SPACE;
}

int32_t crt_ispunct(int32_t c)
{
    return class_of((uint32_t)c) & PUNCT;
}

int32_t crt_isalnum(int32_t c)
{
    return class_of((uint32_t)c) & (UPPER | LOWER | DIGIT);
}

int32_t crt_isprint(int32_t c)
{
    return c >= 0x20 && c < 0x7F;
}

int32_t crt_isgraph(int32_t c)
{
    return c > 0x20 && c < 0x7F;
}

int32_t crt_iscntrl(int32_t c)
{
    return class_of((uint32_t)c) & CONTROL;
}

int32_t crt_isblank(int32_t c)
{
    return c == ' ' || c == '\t';
}

int32_t crt_isascii(int32_t c)
{
    return (uint32_t)c < 0x80;
}

int32_t crt_toupper(int32_t c)
{
    return upper(c);
}

int32_t crt_tolower(int32_t c)
{
    return lower(c);
}

static bool is_wide_letter(uint32_t c)
{
    c &= 0xFFFF;
    return w32_upper((WCHAR)c) != c || w32_lower((WCHAR)c) != c;
}

int32_t crt_iswalpha(uint32_t c)
{
    return is_wide_letter(c);
}

int32_t crt_iswupper(uint32_t c)
{
    return w32_lower((WCHAR)c) != (WCHAR)c;
}

int32_t crt_iswlower(uint32_t c)
{
    return w32_upper((WCHAR)c) != (WCHAR)c;
}

int32_t crt_iswalnum(uint32_t c)
{
    return is_wide_letter(c) || (class_of(c & 0xFFFF) & DIGIT);
}

int32_t crt_iswprint(uint32_t c)
{
    c &= 0xFFFF;
    return c >= 0x20 && c != 0x7F && !(c >= 0x80 && c < 0xA0);
}

uint32_t crt_towupper(uint32_t c)
{
    return w32_upper((WCHAR)c);
}

uint32_t crt_towlower(uint32_t c)
{
    return w32_lower((WCHAR)c);
}

/* ---- multi-byte characters: one byte each in the C locale ---- */

int32_t crt_mbtowc(WCHAR *to, const char *s, uint64_t n)
{
    if (!s || n == 0)
        return 0;
    if (to)
        *to = (uint8_t)*s;
    return *s != 0;
}

int32_t crt_wctomb(char *to, uint32_t c)
{
    if (!to)
        return 0;
    if ((c & 0xFFFF) > 0xFF)
        return crt_fail(CRT_EILSEQ);
    *to = (char)c;
    return 1;
}

int32_t crt_wctomb_s(int32_t *used, char *to, uint64_t size, uint32_t c)
{
    int n = to ? crt_wctomb(to, c) : 0;
    if (used)
        *used = n;
    return n < 0 ? CRT_EILSEQ : 0;
}

uint64_t crt_mbstowcs(WCHAR *to, const char *s, uint64_t n)
{
    if (!to)
        return strlen(s);
    uint64_t i = 0;
    for (; i < n; i++) {
        to[i] = (uint8_t)s[i];
        if (!s[i])
            break;
    }
    return i;
}

uint64_t crt_wcstombs(char *to, const WCHAR *s, uint64_t n)
{
    uint64_t i = 0;
    for (; !to || i < n; i++) {
        if (s[i] > 0xFF)
            return (uint64_t)(int64_t)crt_fail(CRT_EILSEQ);
        if (to)
            to[i] = (char)s[i];
        if (!s[i])
            break;
    }
    return i;
}

int32_t crt_mbstowcs_s(uint64_t *converted, WCHAR *to, uint64_t size, const char *s, uint64_t count)
{
    size_t n = strnlen(s, count > INT64_MAX ? INT64_MAX : count);
    if (converted)
        *converted = n + 1;
    if (!to)
        return 0;
    bool cut = n >= size;
    if (cut && count != UINT64_MAX) {
        *to = 0;
        return crt_invalid_parameter(CRT_ERANGE), CRT_ERANGE;
    }
    n = cut ? size - 1 : n;
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)s[i];
    to[n] = 0;
    if (converted)
        *converted = n + 1;
    return cut ? CRT_STRUNCATE : 0;
}

int32_t crt_wcstombs_s(uint64_t *converted, char *to, uint64_t size, const WCHAR *s, uint64_t count)
{
    size_t n = crt_wcsnlen(s, count);
    if (converted)
        *converted = n + 1;
    if (!to)
        return 0;
    bool cut = n >= size;
    if (cut && count != UINT64_MAX) {
        *to = 0;
        return crt_invalid_parameter(CRT_ERANGE), CRT_ERANGE;
    }
    n = cut ? size - 1 : n;
    for (size_t i = 0; i < n; i++) {
        if (s[i] > 0xFF)
            return crt_fail(CRT_EILSEQ), CRT_EILSEQ;
        to[i] = (char)s[i];
    }
    to[n] = 0;
    if (converted)
        *converted = n + 1;
    return cut ? CRT_STRUNCATE : 0;
}

int32_t crt_mblen(const char *s, uint64_t n)
{
    return s && n && *s;
}

uint64_t crt_mbrtowc(WCHAR *to, const char *s, uint64_t n, uint32_t *state)
{
    return (uint64_t)(int64_t)crt_mbtowc(to, s, n);
}

uint64_t crt_wcrtomb(char *to, uint32_t c, uint32_t *state)
{
    return to ? (uint64_t)(int64_t)crt_wctomb(to, c) : 1;
}

int32_t crt_btowc(int32_t c)
{
    return c == CRT_EOF ? 0xFFFF : (uint8_t)c;
}

int32_t crt_wctob(uint32_t c)
{
    c &= 0xFFFF;
    return c < 0x80 ? (int32_t)c : CRT_EOF;
}

int32_t crt____mb_cur_max_func(void)
{
    return 1;
}

uint32_t crt____lc_codepage_func(void)
{
    return 0; /* the C locale */
}

/* ---- locale: "C" ---- */

struct crt_lconv {
    uint64_t text[10];
    int8_t numbers[8];
    uint64_t wide[8];
};

/* One in msvcrt's data: texts follow the structure. */
void crt_data_lconv(void *at)
{
    struct crt_lconv *l = at;
    char *texts = (char *)(l + 1);
    texts[0] = '.';
    uint64_t point = (uint64_t)texts, empty = (uint64_t)(texts + 1);
    for (int i = 0; i < 10; i++)
        l->text[i] = i == 0 ? point : empty;
    memset(l->numbers, 0x7F, sizeof l->numbers);
    WCHAR *wide = (WCHAR *)(texts + 8);
    wide[0] = '.';
    for (int i = 0; i < 8; i++)
        l->wide[i] = (uint64_t)(i == 0 ? wide : wide + 1);
}

uint64_t crt_localeconv(void)
{
    return w32_data_export("msvcrt.dll", "__lconv");
}

char *crt_setlocale(int32_t category, const char *name)
{
    if (name && *name && strcmp(name, "C") != 0 && strcmp(name, "POSIX") != 0)
        return NULL;
    return strcpy(crt_thread()->text, "C");
}

WCHAR *crt__wsetlocale(int32_t category, const WCHAR *name)
{
    if (name && *name && (*name != 'C' || name[1]))
        return NULL;
    struct crt_thread *t = crt_thread();
    t->wide_text[0] = 'C';
    t->wide_text[1] = 0;
    return t->wide_text;
}
