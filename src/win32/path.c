/* Win32 paths to NT paths, as RtlDosPathNameToNtPathName_U documents them:
 *
 *   \\?\X  \??\X      \??\X, untouched
 *   \\.\X             \??\X, separators and dots normalised
 *   \\server\share    \??\UNC\server\share
 *   C:\X              \??\C:\X
 *   \X  X  C:X        completed with the current directory (of another drive: its root)
 *   NUL  COM1 …       \??\NUL  \??\COM1 (the last component of a relative or drive path) */
#include "win32/file.h"

static const char *const devices[] = { "NUL", "CON", "PRN", "AUX", "CONIN$", "CONOUT$" };

struct path {
    WCHAR *out;
    size_t n, room, root; /* root: what ".." cannot remove */
    bool full;
    const WCHAR *directory; /* the current one */
    size_t directory_length;
};

static void put_char(struct path *p, WCHAR c)
{
    if (p->n < p->room)
        p->out[p->n++] = c;
    else
        p->full = true;
}

static void put_ascii(struct path *p, const char *s)
{
    for (; *s; s++)
        put_char(p, (uint8_t)*s);
}

static bool is_separator(WCHAR c)
{
    return c == '\\' || c == '/';
}

static void remove_component(struct path *p)
{
    while (p->n > p->root && p->out[p->n - 1] != '\\')
        p->n--;
    if (p->n > p->root)
        p->n--;
}

/* Appends the components of s; each with a separator in front unless something ends with one. */
static void put_components(struct path *p, const WCHAR *s, size_t n)
{
    size_t i = 0;
    while (i < n) {
        size_t start = i;
        while (i < n && !is_separator(s[i]))
            i++;
        size_t length = i - start;
        bool last = i >= n;
        if (length == 1 && s[start] == '.') {
        } else if (length == 2 && s[start] == '.' && s[start + 1] == '.') {
            remove_component(p);
        } else if (length) {
            /* Trailing dots and blanks of the last component vanish. */
            while (last && length && (s[start + length - 1] == '.' || s[start + length - 1] == ' '))
                length--;
            if (p->n && p->out[p->n - 1] != '\\')
                put_char(p, '\\');
            for (size_t k = 0; k < length; k++)
                put_char(p, s[start + k]);
        }
        while (i < n && is_separator(s[i]))
            i++;
        if (i >= n && n && is_separator(s[n - 1]) && p->n && p->out[p->n - 1] != '\\')
            put_char(p, '\\');
    }
}

static bool equals(const WCHAR *s, size_t n, const char *name)
{
    size_t i = 0;
    for (; i < n && name[i]; i++)
        if (w32_upper(s[i]) != (uint8_t)name[i])
            return false;
    return i == n && !name[i];
}

/* A DOS device name in the last component: its place and length. */
static bool dos_device(const WCHAR *s, size_t n, size_t *at, size_t *length)
{
    size_t start = n;
    while (start > 0 && !is_separator(s[start - 1]) && s[start - 1] != ':')
        start--;
    /* A colon may follow the name. */
    if (start == n && n && s[n - 1] == ':') {
        n--;
        start = n;
        while (start > 0 && !is_separator(s[start - 1]))
            start--;
    }
    size_t end = start;
    while (end < n && s[end] != '.' && s[end] != ':')
        end++;
    while (end > start && s[end - 1] == ' ')
        end--;
    *at = start;
    *length = end - start;
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (equals(s + start, end - start, devices[i]))
            return true;
    return end - start == 4 && (equals(s + start, 3, "COM") || equals(s + start, 3, "LPT")) && s[start + 3] >= '1' && s[start + 3] <= '9';
}

static bool is_drive(const WCHAR *s, size_t n)
{
    WCHAR c = n >= 2 ? w32_upper(s[0]) : 0;
    return c >= 'A' && c <= 'Z' && s[1] == ':';
}

static void put_unc(struct path *p, const WCHAR *s, size_t n)
{
    put_ascii(p, "\\??\\UNC\\");
    p->root = p->n;
    /* Server and share stay. */
    size_t i = 0;
    for (int part = 0; part < 2 && i < n; i++)
        part += is_separator(s[i]);
    put_components(p, s, i);
    p->root = p->n;
    put_components(p, s + i, n - i);
}

static void put_directory(struct path *p)
{
    put_components(p, p->directory + 3, p->directory_length > 3 ? p->directory_length - 4 : 0);
}

static void put_drive(struct path *p, const WCHAR *s, size_t n)
{
    put_ascii(p, "\\??\\");
    put_char(p, w32_upper(s[0]));
    put_ascii(p, ":\\");
    p->root = p->n;
    if ((n < 3 || !is_separator(s[2])) && w32_upper(s[0]) == w32_upper(p->directory[0]))
        put_directory(p);
    put_components(p, s + 2, n - 2);
}

static void put_relative(struct path *p, const WCHAR *s, size_t n)
{
    put_ascii(p, "\\??\\");
    put_char(p, p->directory[0]);
    put_ascii(p, ":\\");
    p->root = p->n;
    if (n == 0 || !is_separator(s[0]))
        put_directory(p);
    put_components(p, s, n);
}

bool w32_nt_path_from(const WCHAR *directory, size_t directory_length, const WCHAR *s, size_t n, WCHAR *out, size_t room, size_t *out_length)
{
    struct path p = { .out = out, .room = room, .directory = directory, .directory_length = directory_length };
    size_t at, length;
    bool two = n >= 2 && is_separator(s[0]) && is_separator(s[1]);
    if (n == 0)
        return false;
    if (n >= 4 && s[0] == '\\' && (s[1] == '\\' || s[1] == '?') && s[2] == '?' && s[3] == '\\') {
        put_ascii(&p, "\\??\\");
        for (size_t i = 4; i < n; i++)
            put_char(&p, s[i]);
    } else if (two && n >= 3 && (s[2] == '.' || s[2] == '?') && (n == 3 || is_separator(s[3]))) {
        put_ascii(&p, "\\??\\");
        p.root = p.n;
        put_components(&p, s + 4, n > 4 ? n - 4 : 0);
    } else if (two) {
        put_unc(&p, s + 2, n - 2);
    } else if (dos_device(s, n, &at, &length)) {
        put_ascii(&p, "\\??\\");
        for (size_t i = 0; i < length; i++)
            put_char(&p, s[at + i]);
    } else if (is_drive(s, n)) {
        put_drive(&p, s, n);
    } else {
        put_relative(&p, s, n);
    }
    *out_length = p.n;
    return !p.full;
}
