/* Paths and what is known of files, as the C run-time has them. */
#include <stdio.h>

#include "win32/crt.h"
#include "win32/exports.h"
#include "win32/file.h"

enum { PATH_UNITS = 260 };

/* ---- a path and its parts ---- */

static unsigned unit(const void *s, size_t i, bool wide)
{
    return wide ? ((const WCHAR *)s)[i] : ((const uint8_t *)s)[i];
}

struct part {
    void *to; /* NULL: not wanted */
    size_t room; /* units; SIZE_MAX: not known */
    size_t from, n;
};
enum { DRIVE, FOLDER, NAME, EXTENSION, PARTS };

static void cut(const void *path, bool wide, struct part *p)
{
    size_t n = 0, name, dot;
    while (unit(path, n, wide))
        n++;
    size_t drive = n >= 2 && unit(path, 1, wide) == ':' ? 2 : 0;
    for (name = n; name > drive && unit(path, name - 1, wide) != '\\' && unit(path, name - 1, wide) != '/';)
        name--;
    for (dot = n; dot > name && unit(path, dot - 1, wide) != '.';)
        dot--;
    dot = dot > name ? dot - 1 : n;
    const size_t at[PARTS + 1] = { 0, drive, name, dot, n };
    for (int i = 0; i < PARTS; i++) {
        p[i].from = at[i];
        p[i].n = at[i + 1] - at[i];
    }
}

static void put(void *to, size_t i, unsigned c, bool wide)
{
    if (wide)
        ((WCHAR *)to)[i] = (WCHAR)c;
    else
        ((char *)to)[i] = (char)c;
}

static int32_t split(const void *path, bool wide, struct part *p)
{
    cut(path, wide, p);
    bool fits = true;
    for (int i = 0; i < PARTS; i++)
        fits = fits && (!p[i].to || p[i].n < p[i].room);
    for (int i = 0; i < PARTS; i++) {
        if (!p[i].to)
            continue;
        for (size_t k = 0; fits && k < p[i].n; k++)
            put(p[i].to, k, unit(path, p[i].from + k, wide), wide);
        put(p[i].to, fits ? p[i].n : 0, 0, wide);
    }
    return fits ? 0 : CRT_ERANGE;
}

void crt__splitpath(const char *path, char *drive, char *folder, char *name, char *extension)
{
    struct part p[PARTS] = { { drive, SIZE_MAX }, { folder, SIZE_MAX }, { name, SIZE_MAX }, { extension, SIZE_MAX } };
    split(path, false, p);
}

void crt__wsplitpath(const WCHAR *path, WCHAR *drive, WCHAR *folder, WCHAR *name, WCHAR *extension)
{
    struct part p[PARTS] = { { drive, SIZE_MAX }, { folder, SIZE_MAX }, { name, SIZE_MAX }, { extension, SIZE_MAX } };
    split(path, true, p);
}

static int32_t split_checked(const uint64_t *a, bool wide)
{
    struct part p[PARTS] = { { (void *)a[1], a[2] }, { (void *)a[3], a[4] }, { (void *)a[5], a[6] }, { (void *)a[7], a[8] } };
    if (!a[0])
        return crt_invalid_parameter(CRT_EINVAL), CRT_EINVAL;
    int32_t error = split((const void *)a[0], wide, p);
    if (error)
        *crt_errno() = error;
    return error;
}

int32_t crt__splitpath_s(const uint64_t *a)
{
    return split_checked(a, false);
}

int32_t crt__wsplitpath_s(const uint64_t *a)
{
    return split_checked(a, true);
}

struct text_out {
    void *to;
    size_t n, room;
    bool wide, full;
};

static void add(struct text_out *o, unsigned c)
{
    if (o->n + 1 >= o->room)
        o->full = true;
    else
        put(o->to, o->n++, c, o->wide);
}

static void add_text(struct text_out *o, const void *s)
{
    for (size_t i = 0; s && unit(s, i, o->wide); i++)
        add(o, unit(s, i, o->wide));
}

/* DOC: "_makepath": the drive's first letter and a colon; a folder gets a separator at its end, an extension its dot. */
static int32_t make(void *to, size_t room, const void *drive, const void *folder, const void *name, const void *extension, bool wide)
{
    struct text_out o = { .to = to, .room = room, .wide = wide };
    if (drive && unit(drive, 0, wide)) {
        add(&o, unit(drive, 0, wide));
        add(&o, ':');
    }
    add_text(&o, folder);
    size_t n = 0;
    while (folder && unit(folder, n, wide))
        n++;
    if (n && unit(folder, n - 1, wide) != '\\' && unit(folder, n - 1, wide) != '/')
        add(&o, '\\');
    add_text(&o, name);
    if (extension && unit(extension, 0, wide) && unit(extension, 0, wide) != '.')
        add(&o, '.');
    add_text(&o, extension);
    put(to, o.full ? 0 : o.n, 0, wide);
    return o.full ? CRT_ERANGE : 0;
}

void crt__makepath(char *to, const char *drive, const char *folder, const char *name, const char *extension)
{
    make(to, SIZE_MAX, drive, folder, name, extension, false);
}

void crt__wmakepath(WCHAR *to, const WCHAR *drive, const WCHAR *folder, const WCHAR *name, const WCHAR *extension)
{
    make(to, SIZE_MAX, drive, folder, name, extension, true);
}

int32_t crt__makepath_s(char *to, size_t room, const char *drive, const char *folder, const char *name, const char *extension)
{
    return to && room ? make(to, room, drive, folder, name, extension, false) : CRT_EINVAL;
}

int32_t crt__wmakepath_s(WCHAR *to, size_t room, const WCHAR *drive, const WCHAR *folder, const WCHAR *name, const WCHAR *extension)
{
    return to && room ? make(to, room, drive, folder, name, extension, true) : CRT_EINVAL;
}

/* ---- full paths, folders ---- */

WCHAR *crt__wfullpath(WCHAR *to, const WCHAR *path, size_t room)
{
    static const WCHAR here[] = { '.', 0 };
    WCHAR full[PATH_UNITS];
    ULONG n = GetFullPathNameW(path && path[0] ? path : here, PATH_UNITS, full, NULL);
    if (!n || n >= PATH_UNITS || (to && n >= room))
        return crt_fail(n ? CRT_ERANGE : CRT_EINVAL), NULL;
    if (!to)
        to = (WCHAR *)w32_alloc((n + 1) * 2);
    if (to)
        memcpy(to, full, (n + 1) * 2);
    return to;
}

char *crt__fullpath(char *to, const char *path, size_t room)
{
    WCHAR full[PATH_UNITS];
    uint64_t w = w32_widen(path ? path : "");
    bool made = crt__wfullpath(full, (const WCHAR *)w, PATH_UNITS) != NULL;
    w32_free(w);
    if (!made)
        return NULL;
    uint64_t narrow = w32_narrow(full);
    size_t n = strlen((const char *)narrow);
    if (!to)
        return (char *)narrow;
    if (n >= room)
        to = NULL;
    else
        memcpy(to, (const char *)narrow, n + 1);
    w32_free(narrow);
    return to ? to : (crt_fail(CRT_ERANGE), NULL);
}

int32_t crt__wchdir(const WCHAR *path)
{
    return SetCurrentDirectoryW(path) ? 0 : crt_fail_win32(GetLastError());
}

int32_t crt__chdir(const char *path)
{
    uint64_t w = w32_widen(path);
    int32_t r = crt__wchdir((const WCHAR *)w);
    w32_free(w);
    return r;
}

int32_t crt__wmkdir(const WCHAR *path)
{
    return CreateDirectoryW(path, NULL) ? 0 : crt_fail_win32(GetLastError());
}

WCHAR *crt__wgetcwd(WCHAR *to, int32_t size)
{
    if (!to) {
        size = size < PATH_UNITS ? PATH_UNITS : size;
        to = (WCHAR *)w32_alloc((size_t)size * 2);
    }
    ULONG n = GetCurrentDirectoryW((ULONG)size, to);
    return n && n < (ULONG)size ? to : (crt_fail(CRT_ERANGE), NULL);
}

int32_t crt__wrename(const WCHAR *from, const WCHAR *to)
{
    return MoveFileExW(from, to, 2 /* copy allowed */) ? 0 : crt_fail_win32(GetLastError());
}

/* ---- stat ---- */

/* Both forms begin alike; the size has four or eight bytes. Times are seconds since 1970. */
struct crt_stat {
    uint32_t device;
    uint16_t inode, mode;
    int16_t links, user, group, pad;
    uint32_t raw_device;
};
struct crt_stat64i32 {
    struct crt_stat head;
    int32_t size;
    int64_t accessed, written, created;
};
struct crt_stat64 {
    struct crt_stat head;
    int64_t size, accessed, written, created;
};
_Static_assert(sizeof(struct crt_stat64i32) == 48 && sizeof(struct crt_stat64) == 56, "_stat64");

/* WIN32_FILE_ATTRIBUTE_DATA */
struct found {
    ULONG attributes;
    ULONG created[2], accessed[2], written[2];
    ULONG size_high, size_low;
};
enum { MODE_FOLDER = 0x4000, MODE_FILE = 0x8000, MODE_CHARACTER = 0x2000, MODE_READ = 0444, MODE_WRITE = 0222, MODE_EXECUTE = 0111, READ_ONLY = 1, FOLDER_BIT = 0x10 };

static int64_t seconds(const ULONG t[2])
{
    return ((int64_t)((uint64_t)t[1] << 32 | t[0]) - 116444736000000000) / 10000000;
}

static bool runs(const WCHAR *name)
{
    static const char *const all[] = { ".exe", ".com", ".bat", ".cmd" };
    size_t n = name ? w32_wcslen(name) : 0;
    for (int i = 0; i < 4 && n > 4; i++) {
        size_t k = 0;
        while (k < 4 && w32_lower(name[n - 4 + k]) == (uint8_t)all[i][k])
            k++;
        if (k == 4)
            return true;
    }
    return false;
}

static void fill(struct crt_stat64 *s, const struct found *f, const WCHAR *name)
{
    *s = (struct crt_stat64) { .head = { .device = 2, .raw_device = 2, .links = 1 }, .size = (int64_t)f->size_high << 32 | f->size_low,
                               .accessed = seconds(f->accessed), .written = seconds(f->written), .created = seconds(f->created) };
    bool folder = f->attributes & FOLDER_BIT;
    s->head.mode = folder ? MODE_FOLDER | MODE_EXECUTE : MODE_FILE | (runs(name) ? MODE_EXECUTE : 0);
    s->head.mode |= MODE_READ | (f->attributes & READ_ONLY && !folder ? 0 : MODE_WRITE);
}

static bool shorten(const struct crt_stat64 *s, struct crt_stat64i32 *to)
{
    *to = (struct crt_stat64i32) { s->head, (int32_t)s->size, s->accessed, s->written, s->created };
    return s->size <= INT32_MAX;
}

int32_t crt__wstat64(const WCHAR *name, struct crt_stat64 *to)
{
    struct found f;
    if (!GetFileAttributesExW(name, 0, &f.attributes))
        return crt_fail(CRT_ENOENT);
    fill(to, &f, name);
    return 0;
}

int32_t crt__stat64(const char *name, struct crt_stat64 *to)
{
    uint64_t w = w32_widen(name);
    int32_t r = crt__wstat64((const WCHAR *)w, to);
    w32_free(w);
    return r;
}

int32_t crt__wstat64i32(const WCHAR *name, struct crt_stat64i32 *to)
{
    struct crt_stat64 s;
    int32_t r = crt__wstat64(name, &s);
    return r ? r : shorten(&s, to) ? 0 : crt_fail(132 /* EOVERFLOW */);
}

int32_t crt__stat64i32(const char *name, struct crt_stat64i32 *to)
{
    struct crt_stat64 s;
    int32_t r = crt__stat64(name, &s);
    return r ? r : shorten(&s, to) ? 0 : crt_fail(132 /* EOVERFLOW */);
}

int32_t crt__fstat64(int32_t fd, struct crt_stat64 *to)
{
    struct crt_fd *f = crt_fd(fd);
    ULONG information[13];
    if (!f)
        return crt_fail(CRT_EBADF);
    if (f->console || !GetFileInformationByHandle(f->handle, information)) {
        *to = (struct crt_stat64) { .head = { .device = (uint32_t)fd, .raw_device = (uint32_t)fd, .links = 1, .mode = MODE_CHARACTER | MODE_READ | MODE_WRITE } };
        return 0;
    }
    struct found found = { .attributes = information[0], .size_high = information[8], .size_low = information[9] };
    memcpy(found.created, information + 1, 24);
    fill(to, &found, NULL);
    return 0;
}

int32_t crt__fstat64i32(int32_t fd, struct crt_stat64i32 *to)
{
    struct crt_stat64 s;
    int32_t r = crt__fstat64(fd, &s);
    return r ? r : shorten(&s, to) ? 0 : crt_fail(132 /* EOVERFLOW */);
}

int32_t crt__access_s(const char *name, int32_t mode)
{
    return crt__access(name, mode) ? *crt_errno() : 0;
}

int32_t crt__waccess_s(const WCHAR *name, int32_t mode)
{
    return crt__waccess(name, mode) ? *crt_errno() : 0;
}

/* ---- searching ---- */

struct find_data {
    ULONG attributes;
    ULONG created[2], accessed[2], written[2];
    ULONG size_high, size_low, reserved[2];
    WCHAR name[PATH_UNITS], short_name[14];
};
struct found_head {
    uint32_t attributes;
    int64_t created, accessed, written; /* followed by the size, four bytes or eight, and the name */
};

static void put_found(const struct find_data *d, struct found_head *to, bool wide, bool long_size)
{
    enum { SIZE_AT = 32, NAME_AT = 36, LONG_NAME_AT = 40 };
    int64_t size = (int64_t)d->size_high << 32 | d->size_low;
    *to = (struct found_head) { d->attributes & ~0x80u /* NORMAL is 0 here */, seconds(d->created), seconds(d->accessed), seconds(d->written) };
    memcpy((uint8_t *)to + SIZE_AT, &size, long_size ? 8 : 4);
    uint8_t *name = (uint8_t *)to + (long_size ? LONG_NAME_AT : NAME_AT);
    for (size_t i = 0; i < PATH_UNITS; i++) {
        int c = wide ? d->name[i] : w32_wide_to_ansi(d->name[i]);
        put(name, i, (unsigned)(c < 0 ? '?' : c), wide);
        if (!d->name[i])
            break;
    }
}

static uint64_t find_first(const WCHAR *pattern, struct found_head *to, bool wide, bool long_size)
{
    struct find_data d;
    uint64_t h = FindFirstFileW(pattern, (uint8_t *)&d);
    if (h == (uint64_t)-1)
        return crt_fail(CRT_ENOENT), (uint64_t)-1;
    put_found(&d, to, wide, long_size);
    return h;
}

static uint64_t find_first_narrow(const char *pattern, struct found_head *to, bool long_size)
{
    uint64_t w = w32_widen(pattern), h = find_first((const WCHAR *)w, to, false, long_size);
    w32_free(w);
    return h;
}

static int32_t find_next(uint64_t handle, struct found_head *to, bool wide, bool long_size)
{
    struct find_data d;
    if (!FindNextFileW(handle, (uint8_t *)&d))
        return crt_fail(CRT_ENOENT);
    put_found(&d, to, wide, long_size);
    return 0;
}

uint64_t crt__wfindfirst64i32(const WCHAR *pattern, struct found_head *to)
{
    return find_first(pattern, to, true, false);
}

uint64_t crt__wfindfirst64(const WCHAR *pattern, struct found_head *to)
{
    return find_first(pattern, to, true, true);
}

uint64_t crt__findfirst64i32(const char *pattern, struct found_head *to)
{
    return find_first_narrow(pattern, to, false);
}

uint64_t crt__findfirst64(const char *pattern, struct found_head *to)
{
    return find_first_narrow(pattern, to, true);
}

int32_t crt__findnext64i32(uint64_t handle, struct found_head *to)
{
    return find_next(handle, to, false, false);
}

int32_t crt__findnext64(uint64_t handle, struct found_head *to)
{
    return find_next(handle, to, false, true);
}

int32_t crt__wfindnext64i32(uint64_t handle, struct found_head *to)
{
    return find_next(handle, to, true, false);
}

int32_t crt__wfindnext64(uint64_t handle, struct found_head *to)
{
    return find_next(handle, to, true, true);
}

int32_t crt__findclose(uint64_t handle)
{
    return FindClose(handle) ? 0 : crt_fail(CRT_ENOENT);
}
