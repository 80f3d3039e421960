/* The current directory, looking for files in a list of folders, and what is known of the volume. */
#include <stdio.h>

#include "win32/exports.h"
#include "win32/directory.h"
#include "win32/env.h"
#include "win32/file.h"

enum { PARAMETERS_AT = 0x20, DIRECTORY_AT = 0x38, PATH_UNITS = 260 };

static const WCHAR first[] = { 'C', ':', '\\', 'i', 'r', 'p', 'l', 'a', 'b', '\\', 0 };

/* RTL_USER_PROCESS_PARAMETERS.CurrentDirectory.DosPath: ends with a separator. */
static UNICODE_STRING *directory(void)
{
    uint64_t parameters;
    memcpy(&parameters, w32_peb() + PARAMETERS_AT, 8);
    UNICODE_STRING *s = (UNICODE_STRING *)(parameters + DIRECTORY_AT);
    if (!s->Buffer) {
        s->Buffer = (WCHAR *)w32_alloc_zeroed(PATH_UNITS * 2);
        IR_ASSERT(s->Buffer);
        memcpy(s->Buffer, first, sizeof first);
        s->Length = sizeof first - 2;
        s->MaximumLength = PATH_UNITS * 2;
    }
    return s;
}

const WCHAR *w32_directory(size_t *units)
{
    const UNICODE_STRING *s = directory();
    *units = s->Length / 2u;
    return s->Buffer;
}

bool w32_nt_path(const WCHAR *path, size_t length, WCHAR *out, size_t room, size_t *out_length)
{
    size_t n;
    const WCHAR *here = w32_directory(&n);
    return w32_nt_path_from(here, n, path, length, out, room, out_length);
}

/* Without the separator at the end, unless it is a drive's. */
static size_t shown(const UNICODE_STRING *s)
{
    size_t n = s->Length / 2u;
    return n > 3 ? n - 1 : n;
}

ULONG GetCurrentDirectoryW(ULONG size, WCHAR *to)
{
    const UNICODE_STRING *s = directory();
    size_t n = shown(s);
    if (size <= n)
        return (ULONG)n + 1;
    memcpy(to, s->Buffer, n * 2);
    to[n] = 0;
    return (ULONG)n;
}

ULONG GetCurrentDirectoryA(ULONG size, char *to)
{
    const UNICODE_STRING *s = directory();
    size_t n = shown(s);
    if (size <= n)
        return (ULONG)n + 1;
    for (size_t i = 0; i < n; i++) {
        int c = w32_wide_to_ansi(s->Buffer[i]);
        to[i] = (char)(c < 0 ? '?' : c);
    }
    to[n] = 0;
    return (ULONG)n;
}

BOOL SetCurrentDirectoryW(const WCHAR *path)
{
    WCHAR *full = (WCHAR *)w32_alloc_zeroed(PATH_UNITS * 2);
    ULONG n = path && path[0] ? GetFullPathNameW(path, PATH_UNITS - 1, full, NULL) : 0;
    ULONG error = n ? 0 : ERROR_INVALID_NAME;
    if (!error && n >= PATH_UNITS - 1)
        error = ERROR_FILENAME_EXCED_RANGE;
    ULONG attributes = error ? 0 : GetFileAttributesW(full);
    if (!error && attributes == (ULONG)-1)
        error = GetLastError() == ERROR_FILE_NOT_FOUND ? ERROR_FILE_NOT_FOUND : ERROR_PATH_NOT_FOUND;
    if (!error && !(attributes & 0x10))
        error = ERROR_DIRECTORY;
    if (!error) {
        if (full[n - 1] != '\\')
            full[n++] = '\\';
        UNICODE_STRING *s = directory();
        memcpy(s->Buffer, full, n * 2);
        s->Buffer[n] = 0;
        s->Length = (USHORT)(n * 2);
    }
    w32_free((uint64_t)full);
    return error ? w32_error(error) : TRUE;
}

BOOL SetCurrentDirectoryA(const char *path)
{
    uint64_t w = path ? w32_widen(path) : 0;
    BOOL r = SetCurrentDirectoryW((const WCHAR *)w);
    w32_free(w);
    return r;
}

/* ---- looking for a file ---- */

struct place {
    const WCHAR *text;
    size_t n;
};

static bool has_dot(const WCHAR *name)
{
    for (; *name; name++)
        if (*name == '.')
            return true;
    return false;
}

/* folder\name[extension] as a full path in to; 0: not there. */
static ULONG try_place(struct place folder, const WCHAR *name, const WCHAR *extension, WCHAR *to)
{
    WCHAR path[PATH_UNITS * 2];
    size_t n = 0, rest = w32_wcslen(name), more = extension && !has_dot(name) ? w32_wcslen(extension) : 0;
    if (folder.n + rest + more + 2 > PATH_UNITS)
        return 0;
    memcpy(path, folder.text, folder.n * 2);
    n = folder.n;
    if (n && path[n - 1] != '\\' && path[n - 1] != '/' && path[n - 1] != ':')
        path[n++] = '\\';
    memcpy(path + n, name, rest * 2);
    memcpy(path + n + rest, extension, more * 2);
    path[n + rest + more] = 0;
    if (GetFileAttributesW(path) == (ULONG)-1)
        return 0;
    return GetFullPathNameW(path, PATH_UNITS, to, NULL);
}

static ULONG try_list(struct place list, const WCHAR *name, const WCHAR *extension, WCHAR *to)
{
    ULONG found = 0;
    for (size_t i = 0; i < list.n && !found;) {
        size_t end = i;
        while (end < list.n && list.text[end] != ';')
            end++;
        if (end > i)
            found = try_place((struct place) { list.text + i, end - i }, name, extension, to);
        i = end + 1;
    }
    return found;
}

static bool is_full(const WCHAR *name)
{
    return name[0] == '\\' || name[0] == '/' || (name[0] && name[1] == ':');
}

/* DOC: "SearchPathW": the program's folder, the current one, the system's, PATH. */
static ULONG search(const WCHAR *path, const WCHAR *name, const WCHAR *extension, WCHAR *to)
{
    static const WCHAR fixed[] = { 'C', ':', '\\', 'i', 'r', 'p', 'l', 'a', 'b' };
    static const WCHAR system[] = { 'C', ':', '\\', 'W', 'i', 'n', 'd', 'o', 'w', 's', '\\', 's', 'y', 's', 't', 'e', 'm', '3', '2', ';',
                                    'C', ':', '\\', 'W', 'i', 'n', 'd', 'o', 'w', 's' };
    static const WCHAR path_name[] = { 'P', 'A', 'T', 'H' };
    if (is_full(name))
        return try_place((struct place) { name, 0 }, name, extension, to);
    if (path)
        return try_list((struct place) { path, w32_wcslen(path) }, name, extension, to);
    size_t n;
    const WCHAR *here = w32_directory(&n), *list = w32_variable(path_name, 4);
    ULONG found = try_list((struct place) { fixed, sizeof fixed / 2 }, name, extension, to);
    if (!found)
        found = try_list((struct place) { here, n }, name, extension, to);
    if (!found)
        found = try_list((struct place) { system, sizeof system / 2 }, name, extension, to);
    if (!found && list)
        found = try_list((struct place) { list, w32_wcslen(list) }, name, extension, to);
    return found;
}

static void last_part(WCHAR *to, WCHAR **part)
{
    if (!part)
        return;
    *part = to;
    for (WCHAR *s = to; *s; s++)
        if (*s == '\\')
            *part = s + 1;
}

ULONG SearchPathW(const WCHAR *path, const WCHAR *name, const WCHAR *extension, ULONG size, WCHAR *to, WCHAR **part)
{
    WCHAR found[PATH_UNITS];
    if (!name)
        return (ULONG)w32_error(ERROR_INVALID_PARAMETER);
    ULONG n = search(path, name, extension, found);
    if (!n)
        return (ULONG)w32_error(ERROR_FILE_NOT_FOUND);
    if (size <= n)
        return n + 1;
    memcpy(to, found, (n + 1) * 2);
    last_part(to, part);
    return n;
}

ULONG SearchPathA(const char *path, const char *name, const char *extension, ULONG size, char *to, char **part)
{
    uint64_t p = path ? w32_widen(path) : 0, f = name ? w32_widen(name) : 0, e = extension ? w32_widen(extension) : 0;
    WCHAR found[PATH_UNITS];
    ULONG n = SearchPathW((const WCHAR *)p, (const WCHAR *)f, (const WCHAR *)e, PATH_UNITS, found, NULL);
    w32_free(p);
    w32_free(f);
    w32_free(e);
    if (!n || size <= n)
        return n ? n + 1 : 0;
    for (ULONG i = 0; i <= n; i++) {
        int c = w32_wide_to_ansi(found[i]);
        to[i] = (char)(c < 0 ? '?' : c);
    }
    if (part) {
        char *last = strrchr(to, '\\');
        *part = last ? last + 1 : to;
    }
    return n;
}

/* There are no short names: a long one is both. */
static ULONG same_name(const WCHAR *name, WCHAR *to, ULONG size)
{
    size_t n = w32_wcslen(name);
    if (GetFileAttributesW(name) == (ULONG)-1)
        return 0;
    if (size <= n)
        return (ULONG)n + 1;
    memmove(to, name, (n + 1) * 2);
    return (ULONG)n;
}

ULONG GetShortPathNameW(const WCHAR *name, WCHAR *to, ULONG size)
{
    return same_name(name, to, size);
}

ULONG GetLongPathNameW(const WCHAR *name, WCHAR *to, ULONG size)
{
    return same_name(name, to, size);
}

/* ---- the volume ---- */

enum { SERIAL = 0x1EB1AB00, COMPONENT_MOST = 255, CASE_PRESERVED_UNICODE = 2 | 4, CLUSTER = 4096 };
static const uint64_t volume_bytes = 1ull << 40, volume_free = 1ull << 39;

static bool is_volume(const WCHAR *root)
{
    return !root || (w32_upper(root[0]) == 'C' && root[1] == ':') || (root[0] == '\\' && root[1] != '\\');
}

static void put_text(const char *text, void *to, ULONG size, bool wide)
{
    for (ULONG i = 0; to && i < size; i++) {
        if (wide)
            ((WCHAR *)to)[i] = (uint8_t)text[i];
        else
            ((char *)to)[i] = text[i];
        if (!text[i])
            break;
    }
}

static BOOL volume(const WCHAR *root, void *label, ULONG label_size, ULONG *serial, ULONG *component, ULONG *flags, void *system, ULONG system_size, bool wide)
{
    if (!is_volume(root))
        return w32_error(ERROR_PATH_NOT_FOUND);
    put_text("", label, label_size, wide);
    put_text("NTFS", system, system_size, wide);
    if (serial)
        *serial = SERIAL;
    if (component)
        *component = COMPONENT_MOST;
    if (flags)
        *flags = CASE_PRESERVED_UNICODE;
    return TRUE;
}

BOOL GetVolumeInformationW(const WCHAR *root, WCHAR *label, ULONG label_size, ULONG *serial, ULONG *component, ULONG *flags, WCHAR *system, ULONG system_size)
{
    return volume(root, label, label_size, serial, component, flags, system, system_size, true);
}

BOOL GetVolumeInformationA(const char *root, char *label, ULONG label_size, ULONG *serial, ULONG *component, ULONG *flags, char *system, ULONG system_size)
{
    uint64_t w = root ? w32_widen(root) : 0;
    BOOL r = volume((const WCHAR *)w, label, label_size, serial, component, flags, system, system_size, false);
    w32_free(w);
    return r;
}

BOOL GetDiskFreeSpaceExW(const WCHAR *root, uint64_t *available, uint64_t *total, uint64_t *free_bytes)
{
    if (!is_volume(root))
        return w32_error(ERROR_PATH_NOT_FOUND);
    if (available)
        *available = volume_free;
    if (total)
        *total = volume_bytes;
    if (free_bytes)
        *free_bytes = volume_free;
    return TRUE;
}

BOOL GetDiskFreeSpaceExA(const char *root, uint64_t *available, uint64_t *total, uint64_t *free_bytes)
{
    uint64_t w = root ? w32_widen(root) : 0;
    BOOL r = GetDiskFreeSpaceExW((const WCHAR *)w, available, total, free_bytes);
    w32_free(w);
    return r;
}

BOOL GetDiskFreeSpaceW(const WCHAR *root, ULONG *sectors, ULONG *bytes, ULONG *free_clusters, ULONG *clusters)
{
    enum { SECTOR = 512 };
    if (!is_volume(root))
        return w32_error(ERROR_PATH_NOT_FOUND);
    if (sectors)
        *sectors = CLUSTER / SECTOR;
    if (bytes)
        *bytes = SECTOR;
    if (free_clusters)
        *free_clusters = (ULONG)(volume_free / CLUSTER);
    if (clusters)
        *clusters = (ULONG)(volume_bytes / CLUSTER);
    return TRUE;
}

BOOL GetDiskFreeSpaceA(const char *root, ULONG *sectors, ULONG *bytes, ULONG *free_clusters, ULONG *clusters)
{
    uint64_t w = root ? w32_widen(root) : 0;
    BOOL r = GetDiskFreeSpaceW((const WCHAR *)w, sectors, bytes, free_clusters, clusters);
    w32_free(w);
    return r;
}

/* A 64-bit program has nothing redirected. */
BOOL Wow64DisableWow64FsRedirection(void **old)
{
    return w32_error(ERROR_INVALID_FUNCTION);
}

BOOL Wow64RevertWow64FsRedirection(void *old)
{
    return w32_error(ERROR_INVALID_FUNCTION);
}
