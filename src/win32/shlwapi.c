/* shlwapi's paths and texts: functions that only look at their arguments, and two that look at the disk. */
#include "win32/exports.h"

enum { PATH_UNITS = 260 };

static bool is_separator(WCHAR c)
{
    return c == '\\' || c == '/';
}

static const WCHAR *file_name(const WCHAR *path)
{
    const WCHAR *name = path;
    for (const WCHAR *p = path; *p; p++)
        if ((is_separator(*p) || *p == ':') && p[1] && !is_separator(p[1]))
            name = p + 1;
    return name;
}

WCHAR *PathFindFileNameW(const WCHAR *path)
{
    return path ? (WCHAR *)file_name(path) : NULL;
}

char *PathFindFileNameA(const char *path)
{
    const char *name = path;
    for (const char *p = path; p && *p; p++)
        if ((*p == '\\' || *p == '/' || *p == ':') && p[1] && p[1] != '\\' && p[1] != '/')
            name = p + 1;
    return (char *)name;
}

/* The last dot of the name, or the end. */
WCHAR *PathFindExtensionW(const WCHAR *path)
{
    const WCHAR *dot = NULL;
    if (!path)
        return NULL;
    for (; *path; path++)
        dot = *path == '.' ? path : *path == '\\' || *path == ' ' ? NULL : dot;
    return (WCHAR *)(dot ? dot : path);
}

char *PathFindExtensionA(const char *path)
{
    const char *dot = NULL;
    if (!path)
        return NULL;
    for (; *path; path++)
        dot = *path == '.' ? path : *path == '\\' || *path == ' ' ? NULL : dot;
    return (char *)(dot ? dot : path);
}

void PathRemoveExtensionW(WCHAR *path)
{
    if (path)
        *PathFindExtensionW(path) = 0;
}

BOOL PathFileExistsW(const WCHAR *path)
{
    return path && GetFileAttributesW(path) != (ULONG)-1;
}

BOOL PathFileExistsA(const char *path)
{
    uint64_t w = path ? w32_widen(path) : 0;
    BOOL r = PathFileExistsW((const WCHAR *)w);
    w32_free(w);
    return r;
}

BOOL PathIsDirectoryW(const WCHAR *path)
{
    enum { FOLDER = 0x10 };
    ULONG a = path ? GetFileAttributesW(path) : (ULONG)-1;
    return a != (ULONG)-1 ? a & FOLDER : FALSE;
}

BOOL PathIsDirectoryA(const char *path)
{
    uint64_t w = path ? w32_widen(path) : 0;
    BOOL r = PathIsDirectoryW((const WCHAR *)w);
    w32_free(w);
    return r;
}

BOOL PathIsRelativeW(const WCHAR *path)
{
    return !path || !(is_separator(path[0]) || (path[0] && path[1] == ':'));
}

WCHAR *PathAddBackslashW(WCHAR *path)
{
    size_t n = path ? w32_wcslen(path) : 0;
    if (!path || n >= PATH_UNITS - 1)
        return NULL;
    if (n && path[n - 1] != '\\')
        path[n++] = '\\';
    path[n] = 0;
    return path + n;
}

/* The root stays: "C:\", "\", "\\server\share" loses its share. */
BOOL PathRemoveFileSpecW(WCHAR *path)
{
    size_t n = path ? w32_wcslen(path) : 0, root = 0, cut = n;
    if (n >= 3 && path[1] == ':' && path[2] == '\\')
        root = 3;
    else if (n >= 2 && path[1] == ':')
        root = 2;
    else if (n && path[0] == '\\')
        root = n >= 2 && path[1] == '\\' ? 2 : 1;
    while (cut > root && path[cut - 1] != '\\')
        cut--;
    if (cut > root)
        cut--; /* the separator goes too */
    if (cut == n)
        return FALSE;
    path[cut] = 0;
    return TRUE;
}

BOOL PathRemoveFileSpecA(char *path)
{
    uint64_t w = path ? w32_widen(path) : 0;
    BOOL r = PathRemoveFileSpecW((WCHAR *)w);
    if (r)
        path[w32_wcslen((const WCHAR *)w)] = 0; /* one byte a character */
    w32_free(w);
    return r;
}

void PathStripPathW(WCHAR *path)
{
    if (path) {
        const WCHAR *name = file_name(path);
        memmove(path, name, (w32_wcslen(name) + 1) * 2);
    }
}

/* ---- joining ---- */

/* "." and ".." go, as PathCanonicalize has it. */
static bool canonical(const WCHAR *from, WCHAR *to)
{
    size_t n = 0, root = 0;
    if (from[0] && from[1] == ':')
        root = from[2] == '\\' ? 3 : 2;
    else if (from[0] == '\\')
        root = 1;
    memcpy(to, from, root * 2);
    n = root;
    from += root;
    while (*from) {
        size_t k = 0;
        while (from[k] && from[k] != '\\')
            k++;
        if (k == 2 && from[0] == '.' && from[1] == '.') {
            while (n > root && to[n - 1] != '\\')
                n--;
            if (n > root)
                n--;
        } else if (!(k == 1 && from[0] == '.') && (k || from[k])) {
            if (n + k + 1 >= PATH_UNITS)
                return false;
            if (n > root)
                to[n++] = '\\';
            memcpy(to + n, from, k * 2);
            n += k;
        }
        from += k;
        if (*from == '\\' && !*++from && n > root)
            to[n++] = '\\';
    }
    if (!n)
        to[n++] = '\\';
    to[n] = 0;
    return true;
}

WCHAR *PathCombineW(WCHAR *to, const WCHAR *folder, const WCHAR *name)
{
    WCHAR joined[PATH_UNITS * 2];
    size_t a = folder ? w32_wcslen(folder) : 0, b = name ? w32_wcslen(name) : 0, n = 0;
    if (!to)
        return NULL;
    to[0] = 0;
    if ((!folder && !name) || a + b + 2 > PATH_UNITS)
        return NULL;
    if (b && !PathIsRelativeW(name)) {
        if (is_separator(name[0]) && !is_separator(name[1]) && a >= 2 && folder[1] == ':') {
            memcpy(joined, folder, 4); /* only the drive stays */
            n = 2;
        }
    } else {
        memcpy(joined, folder, a * 2);
        n = a;
        if (n && b && joined[n - 1] != '\\')
            joined[n++] = '\\';
    }
    memcpy(joined + n, name, b * 2);
    joined[n + b] = 0;
    return canonical(joined, to) ? to : NULL;
}

BOOL PathAppendW(WCHAR *path, const WCHAR *more)
{
    WCHAR joined[PATH_UNITS];
    if (!path || !more)
        return FALSE;
    while (*more == '\\')
        more++;
    if (!PathCombineW(joined, path, more))
        return FALSE;
    memcpy(path, joined, (w32_wcslen(joined) + 1) * 2);
    return TRUE;
}

/* ---- texts ---- */

static const WCHAR *find_text(const WCHAR *in, const WCHAR *what, bool fold)
{
    size_t n = what ? w32_wcslen(what) : 0;
    for (; in && n && *in; in++) {
        size_t k = 0;
        while (k < n && (fold ? w32_upper(in[k]) == w32_upper(what[k]) : in[k] == what[k]))
            k++;
        if (k == n)
            return in;
    }
    return NULL;
}

WCHAR *StrStrW(const WCHAR *in, const WCHAR *what)
{
    return (WCHAR *)find_text(in, what, false);
}

WCHAR *StrStrIW(const WCHAR *in, const WCHAR *what)
{
    return (WCHAR *)find_text(in, what, true);
}

int32_t StrCmpIW(const WCHAR *a, const WCHAR *b)
{
    return w32_wcsicmp(a, b);
}

int32_t StrCmpNIW(const WCHAR *a, const WCHAR *b, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        int d = (int)w32_lower(a[i]) - (int)w32_lower(b[i]);
        if (d || !a[i])
            return d;
    }
    return 0;
}
