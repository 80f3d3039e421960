/* Files and folders by name: attributes, deleting, renaming, copying, searching. What lies on C: is fs's business; here are the
 * Win32 calls on NtCreateFile and the information classes. */
#include "fs/fs.h"
#include "win32/file.h"
#include "win32/wait.h"

#include <stdio.h>

enum { BASIC_CLASS = 4, STANDARD_CLASS = 5, INTERNAL_CLASS = 6, RENAME_CLASS = 10, DISPOSITION_CLASS = 13, END_OF_FILE_CLASS = 20, NETWORK_OPEN_CLASS = 34 };
enum { NO_ATTRIBUTES = -1, SHARE_ALL = 7, DIRECTORY = 0x10, MOVE_REPLACE = 1, MOVE_COPY_ALLOWED = 2, ERROR_NO_MORE_FILES_ = 18, COPY_BYTES = 0x4000,
       OPEN_REPARSE = 0x200000 };

struct locals {
    IO_STATUS_BLOCK iosb;
    OBJECT_ATTRIBUTES oa;
    UNICODE_STRING name;
    HANDLE handle;
};
struct network_open {
    uint64_t created, accessed, written, changed, allocated, size;
    ULONG attributes, pad;
};

/* ---- opening by name ---- */

static NTSTATUS open_path(const WCHAR *name, ULONG access, ULONG disposition, ULONG options, HANDLE *out)
{
    size_t n = name ? w32_wcslen(name) : 0, length;
    WCHAR *path = n ? (WCHAR *)w32_alloc((n + W32_PATH_MORE) * 2) : NULL;
    if (!path || !w32_nt_path(name, n, path, n + W32_PATH_MORE, &length)) {
        w32_free((uint64_t)path);
        return STATUS_OBJECT_PATH_NOT_FOUND;
    }
    struct w32_frame f = w32_frame_push(FRAME_CreateFileInternal);
    struct locals *l = (struct locals *)f.locals;
    l->name = (UNICODE_STRING) { (USHORT)(length * 2), (USHORT)(length * 2), path };
    l->oa = (OBJECT_ATTRIBUTES) { .Length = sizeof l->oa, .ObjectName = &l->name, .Attributes = OBJ_CASE_INSENSITIVE };
    NTSTATUS s = NtCreateFile(&l->handle, access | SYNCHRONIZE, &l->oa, &l->iosb, NULL, 0x80, SHARE_ALL, disposition,
                              options | FILE_SYNCHRONOUS_IO_NONALERT | FILE_OPEN_FOR_BACKUP_INTENT, NULL, 0);
    *out = l->handle;
    w32_frame_pop(&f);
    w32_free((uint64_t)path);
    return s;
}

static NTSTATUS query(HANDLE file, ULONG class, void *to, ULONG bytes)
{
    struct w32_frame f = w32_frame_push(FRAME_GetFileSizeEx);
    NTSTATUS s = NtQueryInformationFile(file, (IO_STATUS_BLOCK *)f.locals, f.locals + 16, bytes, class);
    if (NT_SUCCESS(s))
        memcpy(to, f.locals + 16, bytes);
    w32_frame_pop(&f);
    return s;
}

static NTSTATUS change(HANDLE file, ULONG class, const void *from, ULONG bytes)
{
    uint64_t block = w32_alloc_zeroed(16 + bytes);
    memcpy((void *)(block + 16), from, bytes);
    NTSTATUS s = NtSetInformationFile(file, (IO_STATUS_BLOCK *)block, (void *)(block + 16), bytes, class);
    w32_free(block);
    return s;
}

/* ---- the narrow forms ---- */

static BOOL with_wide(BOOL (*fn)(const WCHAR *), const char *name)
{
    uint64_t w = w32_widen(name);
    BOOL r = fn((const WCHAR *)w);
    w32_free(w);
    return r;
}

/* ---- attributes ---- */

static NTSTATUS attributes(const WCHAR *name, struct network_open *a)
{
    HANDLE h;
    NTSTATUS s = open_path(name, FILE_READ_ATTRIBUTES, FILE_OPEN, OPEN_REPARSE, &h);
    if (!NT_SUCCESS(s))
        return s;
    s = query(h, NETWORK_OPEN_CLASS, a, 56);
    NtClose(h);
    return s;
}

ULONG GetFileAttributesW(const WCHAR *name)
{
    struct network_open a;
    NTSTATUS s = attributes(name, &a);
    return NT_SUCCESS(s) ? a.attributes : (w32_fail(s), (ULONG)NO_ATTRIBUTES);
}

ULONG GetFileAttributesA(const char *name)
{
    uint64_t w = w32_widen(name);
    ULONG a = GetFileAttributesW((const WCHAR *)w);
    w32_free(w);
    return a;
}

/* WIN32_FILE_ATTRIBUTE_DATA: attributes, three times, size high, size low */
static void put_data(const struct network_open *a, ULONG *to)
{
    to[0] = a->attributes;
    memcpy(to + 1, &a->created, 8);
    memcpy(to + 3, &a->accessed, 8);
    memcpy(to + 5, &a->written, 8);
    to[7] = (ULONG)(a->size >> 32);
    to[8] = (ULONG)a->size;
}

BOOL GetFileAttributesExW(const WCHAR *name, ULONG level, ULONG *to)
{
    struct network_open a;
    NTSTATUS s = level == 0 ? attributes(name, &a) : STATUS_INVALID_PARAMETER;
    if (!NT_SUCCESS(s))
        return w32_fail(s);
    put_data(&a, to);
    return TRUE;
}

BOOL GetFileAttributesExA(const char *name, ULONG level, ULONG *to)
{
    uint64_t w = w32_widen(name);
    BOOL r = GetFileAttributesExW((const WCHAR *)w, level, to);
    w32_free(w);
    return r;
}

BOOL SetFileAttributesW(const WCHAR *name, ULONG attributes)
{
    HANDLE h;
    uint64_t basic[5] = { 0, 0, 0, 0, attributes | 0x80 };
    NTSTATUS s = open_path(name, FILE_WRITE_ATTRIBUTES, FILE_OPEN, OPEN_REPARSE, &h);
    if (!NT_SUCCESS(s))
        return w32_fail(s);
    s = change(h, BASIC_CLASS, basic, sizeof basic);
    NtClose(h);
    return w32_result(s);
}

BOOL SetFileAttributesA(const char *name, ULONG attributes)
{
    uint64_t w = w32_widen(name);
    BOOL r = SetFileAttributesW((const WCHAR *)w, attributes);
    w32_free(w);
    return r;
}

/* BY_HANDLE_FILE_INFORMATION: attributes, three times, serial, size high and low, links, index high and low */
BOOL GetFileInformationByHandle(HANDLE file, ULONG *to)
{
    struct network_open a;
    uint64_t id = 0;
    NTSTATUS s = query(file, NETWORK_OPEN_CLASS, &a, 56);
    if (NT_SUCCESS(s))
        s = query(file, INTERNAL_CLASS, &id, 8);
    if (!NT_SUCCESS(s))
        return w32_fail(s);
    put_data(&a, to);
    const ULONG rest[6] = { 0x1234ABCD, (ULONG)(a.size >> 32), (ULONG)a.size, 1, (ULONG)(id >> 32), (ULONG)id };
    memcpy(to + 7, rest, sizeof rest);
    return TRUE;
}

BOOL GetFileTime(HANDLE file, uint64_t *created, uint64_t *accessed, uint64_t *written)
{
    struct network_open a;
    NTSTATUS s = query(file, NETWORK_OPEN_CLASS, &a, 56);
    if (!NT_SUCCESS(s))
        return w32_fail(s);
    if (created)
        memcpy(created, &a.created, 8);
    if (accessed)
        memcpy(accessed, &a.accessed, 8);
    if (written)
        memcpy(written, &a.written, 8);
    return TRUE;
}

BOOL SetFileTime(HANDLE file, const uint64_t *created, const uint64_t *accessed, const uint64_t *written)
{
    uint64_t basic[5] = { 0 };
    if (created)
        memcpy(&basic[0], created, 8);
    if (written)
        memcpy(&basic[2], written, 8);
    return w32_result(change(file, BASIC_CLASS, basic, sizeof basic));
}

/* ---- deleting, creating folders, renaming ---- */

static BOOL delete_path(const WCHAR *name, ULONG options)
{
    HANDLE h;
    const uint8_t yes = 1;
    NTSTATUS s = open_path(name, DELETE, FILE_OPEN, options | OPEN_REPARSE, &h);
    if (s == STATUS_FILE_IS_A_DIRECTORY)
        return w32_error(ERROR_ACCESS_DENIED);
    if (!NT_SUCCESS(s))
        return w32_fail(s);
    s = change(h, DISPOSITION_CLASS, &yes, 1);
    NtClose(h);
    return w32_result(s);
}

BOOL DeleteFileW(const WCHAR *name)
{
    return delete_path(name, FILE_NON_DIRECTORY_FILE);
}

BOOL DeleteFileA(const char *name)
{
    return with_wide(DeleteFileW, name);
}

BOOL RemoveDirectoryW(const WCHAR *name)
{
    return delete_path(name, FILE_DIRECTORY_FILE);
}

BOOL RemoveDirectoryA(const char *name)
{
    return with_wide(RemoveDirectoryW, name);
}

BOOL CreateDirectoryW(const WCHAR *name, void *security)
{
    HANDLE h;
    NTSTATUS s = open_path(name, 1 /* FILE_LIST_DIRECTORY */, FILE_CREATE, FILE_DIRECTORY_FILE, &h);
    if (!NT_SUCCESS(s))
        return w32_fail(s);
    NtClose(h);
    return TRUE;
}

BOOL CreateDirectoryA(const char *name, void *security)
{
    uint64_t w = w32_widen(name);
    BOOL r = CreateDirectoryW((const WCHAR *)w, security);
    w32_free(w);
    return r;
}

/* FILE_RENAME_INFORMATION: replace, root (8), length (16), name (20) */
BOOL MoveFileExW(const WCHAR *from, const WCHAR *to, ULONG flags)
{
    HANDLE h;
    size_t n = to ? w32_wcslen(to) : 0, length;
    WCHAR *path = (WCHAR *)w32_alloc((n + W32_PATH_MORE) * 2);
    if (!n || !w32_nt_path(to, n, path, n + W32_PATH_MORE, &length)) {
        w32_free((uint64_t)path);
        return w32_error(ERROR_PATH_NOT_FOUND);
    }
    NTSTATUS s = open_path(from, DELETE, FILE_OPEN, OPEN_REPARSE, &h);
    if (NT_SUCCESS(s)) {
        uint8_t *information = (uint8_t *)w32_alloc_zeroed(24 + length * 2);
        ULONG bytes = (ULONG)length * 2;
        information[0] = (flags & MOVE_REPLACE) != 0;
        memcpy(information + 16, &bytes, 4);
        memcpy(information + 20, path, bytes);
        s = change(h, RENAME_CLASS, information, 20 + bytes);
        w32_free((uint64_t)information);
        NtClose(h);
    }
    w32_free((uint64_t)path);
    return w32_result(s);
}

BOOL MoveFileW(const WCHAR *from, const WCHAR *to)
{
    return MoveFileExW(from, to, MOVE_COPY_ALLOWED);
}

BOOL MoveFileExA(const char *from, const char *to, ULONG flags)
{
    uint64_t a = w32_widen(from), b = to ? w32_widen(to) : 0;
    BOOL r = MoveFileExW((const WCHAR *)a, (const WCHAR *)b, flags);
    w32_free(b);
    w32_free(a);
    return r;
}

BOOL MoveFileA(const char *from, const char *to)
{
    return MoveFileExA(from, to, MOVE_COPY_ALLOWED);
}

BOOL CopyFileW(const WCHAR *from, const WCHAR *to, BOOL fail_if_exists)
{
    HANDLE a = CreateFileW(from, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL), b;
    if (a == INVALID_HANDLE_VALUE)
        return FALSE;
    b = CreateFileW(to, GENERIC_WRITE, 0, NULL, fail_if_exists ? CREATE_NEW : CREATE_ALWAYS, 0, NULL);
    if (b == INVALID_HANDLE_VALUE) {
        ULONG e = GetLastError();
        CloseHandle(a);
        return w32_error(e);
    }
    void *block = (void *)w32_alloc(COPY_BYTES);
    ULONG got, put;
    BOOL ok = TRUE;
    while (ok && (ok = w32_file_read(a, block, COPY_BYTES, &got)) && got)
        ok = w32_file_write(b, block, got, &put) && put == got;
    w32_free((uint64_t)block);
    CloseHandle(a);
    CloseHandle(b);
    return ok;
}

BOOL CopyFileA(const char *from, const char *to, BOOL fail_if_exists)
{
    uint64_t a = w32_widen(from), b = w32_widen(to);
    BOOL r = CopyFileW((const WCHAR *)a, (const WCHAR *)b, fail_if_exists);
    w32_free(b);
    w32_free(a);
    return r;
}

BOOL SetEndOfFile(HANDLE file)
{
    uint64_t at = 0;
    NTSTATUS s = query(file, 14 /* position */, &at, 8);
    return w32_result(NT_SUCCESS(s) ? change(file, END_OF_FILE_CLASS, &at, 8) : s);
}

/* The name that was asked for with a number behind it, as a new empty file; unique 0: the next free one. */
ULONG GetTempFileNameW(const WCHAR *folder, const WCHAR *prefix, ULONG unique, WCHAR *to)
{
    size_t n = w32_wcslen(folder);
    struct w32_process *p = w32_process();
    if (n > 240)
        return (ULONG)w32_error(ERROR_BUFFER_OVERFLOW);
    for (ULONG tries = 0; tries < 0x10000; tries++) {
        char text[16];
        size_t at = n;
        ULONG number = unique ? unique & 0xFFFF : (p->temporary = (p->temporary + 1) & 0xFFFF);
        memmove(to, folder, n * 2);
        if (at && to[at - 1] != '\\')
            to[at++] = '\\';
        for (int i = 0; i < 3 && prefix && prefix[i]; i++)
            to[at++] = prefix[i];
        snprintf(text, sizeof text, "%X.tmp", number);
        for (int i = 0; text[i]; i++)
            to[at++] = (uint8_t)text[i];
        to[at] = 0;
        if (unique)
            return number;
        HANDLE h = CreateFileW(to, GENERIC_WRITE, 0, NULL, CREATE_NEW, 0x80, NULL);
        if (h != INVALID_HANDLE_VALUE) {
            CloseHandle(h);
            return number;
        }
        if (GetLastError() != ERROR_FILE_EXISTS)
            return 0;
    }
    return 0;
}

ULONG GetTempFileNameA(const char *folder, const char *prefix, ULONG unique, char *to)
{
    uint64_t f = w32_widen(folder), p = w32_widen(prefix ? prefix : "");
    WCHAR *wide = (WCHAR *)w32_alloc_zeroed(600);
    ULONG n = GetTempFileNameW((const WCHAR *)f, (const WCHAR *)p, unique, wide);
    for (int i = 0; i < 260 && n; i++) {
        to[i] = (char)wide[i];
        if (!wide[i])
            break;
    }
    w32_free((uint64_t)wide);
    w32_free(p);
    w32_free(f);
    return n;
}

/* ---- drives ---- */

ULONG GetLogicalDrives(void)
{
    return 1 << 2;
}

ULONG GetDriveTypeW(const WCHAR *root)
{
    return !root || ((root[0] | 32) == 'c' && root[1] == ':') ? 3 : 1; /* DRIVE_FIXED, DRIVE_NO_ROOT_DIR */
}

ULONG GetDriveTypeA(const char *root)
{
    return !root || ((root[0] | 32) == 'c' && root[1] == ':') ? 3 : 1;
}

ULONG GetLogicalDriveStringsA(ULONG size, char *to)
{
    if (size < 5)
        return 5;
    memcpy(to, "C:\\\0", 5);
    return 4;
}

ULONG GetLogicalDriveStringsW(ULONG size, WCHAR *to)
{
    static const WCHAR drives[5] = { 'C', ':', '\\', 0, 0 };
    if (size < 5)
        return 5;
    memcpy(to, drives, sizeof drives);
    return 4;
}

/* ---- searching ---- */

struct search {
    struct search *next;
    uint64_t handle;
    HANDLE folder;
    ULONG index;
    WCHAR pattern[256];
};

static WCHAR fold(WCHAR c)
{
    return w32_upper(c);
}

/* '*' any text, '?' one character; "*.*" and a name without a dot go together, as the documentation of FindFirstFile has it. */
static bool matches(const WCHAR *p, const WCHAR *s)
{
    if (p[0] == '*' && p[1] == '.' && p[2] == '*' && !p[3])
        return true;
    for (; *p; p++) {
        if (*p == '*') {
            do
                if (matches(p + 1, s))
                    return true;
            while (*s++);
            return false;
        }
        if (!*s || (*p != '?' && fold(*p) != fold(*s)))
            return false;
        s++;
    }
    return !*s;
}

/* WIN32_FIND_DATA: attributes, three times, sizes high and low, two reserved, name, alternate name. */
static void put_found(const struct fs_entry *e, uint8_t *to, bool wide)
{
    ULONG *head = (ULONG *)to;
    memset(to, 0, wide ? 592 : 320);
    head[0] = e->attributes;
    for (int i = 0; i < 3; i++)
        memcpy(head + 1 + i * 2, &e->written, 8);
    head[7] = (ULONG)(e->size >> 32);
    head[8] = (ULONG)e->size;
    for (int i = 0; i < 259 && i < 256 && e->name[i]; i++) {
        int c = w32_wide_to_ansi(e->name[i]);
        if (wide)
            memcpy(to + 44 + i * 2, &e->name[i], 2);
        else
            to[44 + i] = (uint8_t)(c < 0 ? '?' : c);
    }
}

static bool next(struct search *q, uint8_t *to, bool wide)
{
    struct fs_entry e;
    void *file;
    struct syscall sc;
    bool found = false;
    ps_syscall_enter(&sc, FRAME_NtQueryDirectoryFile);
    if (NT_SUCCESS(ob_handle_reference(ps_current()->process, q->folder, OB_FILE, 0, &file, NULL))) {
        sim_point((uint64_t)file);
        while (!found && fs_entry(file, q->index, &e)) {
            q->index++;
            found = matches(q->pattern, e.name);
        }
        ob_dereference(file);
    }
    ps_syscall_leave(&sc);
    if (found)
        put_found(&e, to, wide);
    return found;
}

static struct search *find(uint64_t handle)
{
    for (struct search *s = w32_process()->searches; s; s = s->next)
        if (s->handle == handle)
            return s;
    return NULL;
}

BOOL FindClose(uint64_t handle)
{
    for (struct search **at = &w32_process()->searches; *at; at = &(*at)->next) {
        struct search *q = *at;
        if (q->handle != handle)
            continue;
        *at = q->next;
        NtClose(q->folder);
        w32_free(q->handle);
        sim_free(q, sizeof *q);
        return TRUE;
    }
    return w32_error(ERROR_INVALID_HANDLE);
}

static uint64_t first(const WCHAR *name, uint8_t *to, bool wide)
{
    size_t n = w32_wcslen(name), cut = n;
    while (cut && name[cut - 1] != '\\' && name[cut - 1] != '/')
        cut--;
    WCHAR *folder = (WCHAR *)w32_alloc((cut + 3) * 2);
    HANDLE h;
    memcpy(folder, name, cut * 2);
    folder[cut] = 0;
    if (!cut)
        folder[0] = '.', folder[1] = 0;
    /* Opened once by its own name too, so that a file beside the program appears. */
    struct network_open ignored;
    bool plain = true;
    for (size_t i = cut; i < n; i++)
        plain &= name[i] != '*' && name[i] != '?';
    if (plain)
        attributes(name, &ignored);
    NTSTATUS s = n == cut || n - cut > 255 ? STATUS_OBJECT_NAME_NOT_FOUND : open_path(folder, 1 /* FILE_LIST_DIRECTORY */, FILE_OPEN, FILE_DIRECTORY_FILE, &h);
    w32_free((uint64_t)folder);
    if (!NT_SUCCESS(s)) {
        w32_fail(s == STATUS_OBJECT_NAME_NOT_FOUND && n != cut ? STATUS_OBJECT_PATH_NOT_FOUND : s);
        return (uint64_t)-1;
    }
    struct w32_process *p = w32_process();
    struct search *q = sim_alloc(sizeof *q);
    q->folder = h;
    q->handle = w32_alloc_zeroed(16);
    memcpy(q->pattern, name + cut, (n - cut) * 2);
    q->next = p->searches;
    p->searches = q;
    uint64_t handle = q->handle;
    if (next(q, to, wide))
        return handle;
    FindClose(handle);
    w32_error(ERROR_FILE_NOT_FOUND);
    return (uint64_t)-1;
}

uint64_t FindFirstFileW(const WCHAR *name, uint8_t *to)
{
    return first(name, to, true);
}

uint64_t FindFirstFileA(const char *name, uint8_t *to)
{
    uint64_t w = w32_widen(name), h = first((const WCHAR *)w, to, false);
    w32_free(w);
    return h;
}

uint64_t FindFirstFileExW(const WCHAR *name, ULONG level, uint8_t *to, ULONG operation, void *filter, ULONG flags)
{
    return first(name, to, true);
}

static BOOL next_found(uint64_t handle, uint8_t *to, bool wide)
{
    struct search *q = find(handle);
    if (!q)
        return w32_error(ERROR_INVALID_HANDLE);
    return next(q, to, wide) ? TRUE : w32_error(ERROR_NO_MORE_FILES_);
}

BOOL FindNextFileW(uint64_t handle, uint8_t *to)
{
    return next_found(handle, to, true);
}

BOOL FindNextFileA(uint64_t handle, uint8_t *to)
{
    return next_found(handle, to, false);
}
