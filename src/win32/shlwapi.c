/* shlwapi's paths and texts, which only look at their arguments, and what shell32 knows of programs on the disk. */
#include "win32/exports.h"
#include "win32/file.h"

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

/* ---- programs ---- */

static bool is_program(const WCHAR *path)
{
    static const char *const all[] = { ".exe", ".com", ".bat", ".cmd" };
    const WCHAR *extension = PathFindExtensionW(path);
    for (int i = 0; i < 4; i++) {
        size_t k = 0;
        while (k < 4 && w32_lower(extension[k]) == (uint8_t)all[i][k])
            k++;
        if (k == 4 && !extension[k])
            return true;
    }
    return false;
}

/* DOC: "FindExecutableW": more than 32 if there is one. A program is its own; nothing is associated with other files. */
uint64_t FindExecutableW(const WCHAR *file, const WCHAR *folder, WCHAR *to)
{
    enum { FOUND = 33, NOT_FOUND = 2, NO_ASSOCIATION = 31 };
    static const WCHAR exe[] = { '.', 'e', 'x', 'e', 0 };
    WCHAR path[PATH_UNITS];
    ULONG n = file ? SearchPathW(folder, file, exe, PATH_UNITS, path, NULL) : 0;
    if (!n && folder)
        n = SearchPathW(NULL, file, exe, PATH_UNITS, path, NULL);
    to[0] = 0;
    if (!n || n >= PATH_UNITS)
        return NOT_FOUND;
    if (!is_program(path))
        return NO_ASSOCIATION;
    memcpy(to, path, (n + 1) * 2);
    return FOUND;
}

enum { MACHINE_X64 = 0x8664, MACHINE_X86 = 0x14C, SUBSYSTEM_CONSOLE = 3 };

struct program {
    uint16_t machine, subsystem, major, minor;
};

/* What the headers of a PE file say. Win32 error. */
static ULONG program_read(const WCHAR *path, struct program *out)
{
    enum { READ = (int)0x80000000, HEAD_BYTES = 4096, SHARE_READ = 1, PE_AT = 0x3C, MACHINE_AT = 4, VERSION_AT = 0x48, SUBSYSTEM_AT = 0x5C };
    HANDLE h = CreateFileW(path, READ, SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (h == INVALID_HANDLE_VALUE)
        return GetLastError();
    uint8_t *head = (uint8_t *)w32_alloc_zeroed(HEAD_BYTES);
    ULONG done = 0, pe = 0, signature = 0;
    w32_file_read(h, head, HEAD_BYTES, &done);
    CloseHandle(h);
    memcpy(&pe, head + PE_AT, 4);
    if (pe < HEAD_BYTES - 0x60)
        memcpy(&signature, head + pe, 4);
    bool good = done > PE_AT + 4 && head[0] == 'M' && head[1] == 'Z' && signature == 0x4550;
    if (good) {
        memcpy(&out->machine, head + pe + MACHINE_AT, 2);
        memcpy(&out->major, head + pe + VERSION_AT, 2);
        memcpy(&out->minor, head + pe + VERSION_AT + 2, 2);
        memcpy(&out->subsystem, head + pe + SUBSYSTEM_AT, 2);
    }
    w32_free((uint64_t)head);
    return good ? 0 : ERROR_BAD_EXE_FORMAT;
}

/* DOC: "GetBinaryTypeW": only programs. */
BOOL GetBinaryTypeW(const WCHAR *path, ULONG *type)
{
    enum { WINDOWS_32 = 0, WINDOWS_64 = 6 };
    struct program p;
    ULONG error = program_read(path, &p);
    if (!error && p.machine != MACHINE_X64 && p.machine != MACHINE_X86)
        error = ERROR_BAD_EXE_FORMAT;
    if (error)
        return w32_error(error);
    *type = p.machine == MACHINE_X64 ? WINDOWS_64 : WINDOWS_32;
    return TRUE;
}

/* DOC: "SHGetFileInfoW", SHGFI_EXETYPE alone: "PE", and for programs with windows the version above it. There are no icons and no names of types. */
uint64_t SHGetFileInfoW(const WCHAR *path, ULONG attributes, void *information, ULONG bytes, ULONG flags)
{
    enum { EXE_TYPE = 0x2000 };
    struct program p;
    if (flags != EXE_TYPE)
        return (uint64_t)w32_fail(STATUS_NOT_SUPPORTED);
    if (program_read(path, &p))
        return 0;
    return 0x4550 | (p.subsystem == SUBSYSTEM_CONSOLE ? 0 : (uint64_t)(p.major << 8 | (p.minor & 0xFF)) << 16);
}
