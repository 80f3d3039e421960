/* Names of devices, and files that are not there: QueryDosDevice, file sizes and positions, searches. */
#include "io/io.h"
#include "win32/file.h"

#include "ob/object.h"

enum { FILE_STANDARD_INFORMATION_CLASS = 5, FILE_POSITION_INFORMATION_CLASS = 14 };

/* ---- MS-DOS device names: symbolic links in \GLOBAL?? ---- */

static struct ob_record *dos_directory(void)
{
    static const char path[] = "\\GLOBAL??";
    WCHAR w[16];
    UNICODE_STRING s = ob_text(path, w, 16), rest;
    void *object;
    if (!NT_SUCCESS(ob_lookup(&s, 0, &object, &rest)))
        return NULL;
    ob_dereference(object); /* \GLOBAL?? stays */
    return ob_record(object);
}

static bool same_name(const UNICODE_STRING *a, const WCHAR *b)
{
    size_t n = w32_wcslen(b);
    if (a->Length != n * 2)
        return false;
    for (size_t i = 0; i < n; i++)
        if (w32_upper(a->Buffer[i]) != w32_upper(b[i]))
            return false;
    return true;
}

/* Strings one behind the other and an empty one. Returns the characters used, 0 with the last error set. */
static ULONG query(const WCHAR *name, WCHAR *to, ULONG size)
{
    ULONG n = 0;
    bool found = false;
    struct ob_record *dir = dos_directory();
    for (struct ob_record *r = dir ? dir->first_child : NULL; r; r = r->sibling) {
        if (ob_type_of(r->object) != OB_SYMLINK || (name && !same_name(&r->name, name)))
            continue;
        const UNICODE_STRING *s = name ? &r->target : &r->name;
        if (n + s->Length / 2 + 2 > size)
            return (ULONG)w32_error(ERROR_INSUFFICIENT_BUFFER);
        memcpy(to + n, s->Buffer, s->Length);
        n += s->Length / 2;
        to[n++] = 0;
        found = true;
    }
    if (!found)
        return (ULONG)w32_error(ERROR_FILE_NOT_FOUND);
    to[n++] = 0;
    return n;
}

ULONG QueryDosDeviceW(const WCHAR *name, WCHAR *to, ULONG size)
{
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtQuerySymbolicLinkObject);
    sim_point(0);
    ULONG n = query(name, to, size);
    ps_syscall_leave(&sc);
    return n;
}

ULONG QueryDosDeviceA(const char *name, char *to, ULONG size)
{
    uint64_t w = name ? w32_widen(name) : 0;
    WCHAR *wide = (WCHAR *)w32_alloc((size_t)size * 2);
    ULONG n = QueryDosDeviceW((const WCHAR *)w, wide, size);
    for (ULONG i = 0; i < n; i++) {
        int c = w32_wide_to_ansi(wide[i]);
        to[i] = (char)(c < 0 ? '?' : c);
    }
    w32_free((uint64_t)wide);
    w32_free(w);
    return n;
}

enum { DDD_RAW_TARGET_PATH = 1, DDD_REMOVE_DEFINITION = 2 };

/* A new name hides what it meant before (GUESS: that is not brought back when the new meaning is removed). */
BOOL DefineDosDeviceW(ULONG flags, const WCHAR *name, const WCHAR *target)
{
    static const char prefix[] = "\\GLOBAL??\\", raw[] = "\\??\\";
    struct syscall sc;
    size_t n = w32_wcslen(name), t = target ? w32_wcslen(target) : 0, at = 0, to = 0;
    if (!n || (!t && !(flags & DDD_REMOVE_DEFINITION)))
        return w32_error(ERROR_INVALID_PARAMETER);
    WCHAR *w = (WCHAR *)w32_alloc((n + t + 40) * 2), *text = w + n + 20;
    for (; prefix[at]; at++)
        w[at] = (uint8_t)prefix[at];
    memcpy(w + at, name, n * 2);
    at += n;
    for (; !(flags & DDD_RAW_TARGET_PATH) && raw[to]; to++)
        text[to] = (uint8_t)raw[to];
    memcpy(text + to, target, t * 2);
    to += t;
    UNICODE_STRING link = { (USHORT)(at * 2), (USHORT)(at * 2), w }, goal = { (USHORT)(to * 2), (USHORT)(to * 2), text };
    ps_syscall_enter(&sc, FRAME_NtCreateSymbolicLinkObject);
    sim_point(0);
    NTSTATUS s = IoDeleteSymbolicLink(&link);
    if (!(flags & DDD_REMOVE_DEFINITION))
        s = IoCreateSymbolicLink(&link, &goal);
    ps_syscall_leave(&sc);
    w32_free((uint64_t)w);
    return w32_result(s);
}

BOOL DefineDosDeviceA(ULONG flags, const char *name, const char *target)
{
    uint64_t n = w32_widen(name), t = target ? w32_widen(target) : 0;
    BOOL r = DefineDosDeviceW(flags, (const WCHAR *)n, (const WCHAR *)t);
    w32_free(t);
    w32_free(n);
    return r;
}

/* ---- sizes and positions: what the driver or the file object says ---- */

struct information_locals {
    IO_STATUS_BLOCK iosb;
    int64_t value[4];
};

static NTSTATUS ask(HANDLE file, ULONG class, ULONG bytes, int64_t *value)
{
    struct w32_frame f = w32_frame_push(FRAME_GetFileSizeEx);
    struct information_locals *l = (struct information_locals *)f.locals;
    NTSTATUS s = NtQueryInformationFile(file, &l->iosb, l->value, bytes, class);
    *value = l->value[class == FILE_STANDARD_INFORMATION_CLASS ? 1 : 0]; /* allocation size comes first */
    w32_frame_pop(&f);
    return s;
}

BOOL GetFileSizeEx(HANDLE file, int64_t *size)
{
    int64_t v;
    if (w32_console_of(file))
        return w32_error(ERROR_INVALID_HANDLE);
    NTSTATUS s = ask(file, FILE_STANDARD_INFORMATION_CLASS, 24, &v);
    if (!NT_SUCCESS(s))
        return w32_fail(s);
    *size = v;
    return TRUE;
}

ULONG GetFileSize(HANDLE file, ULONG *high)
{
    int64_t v;
    if (!GetFileSizeEx(file, &v))
        return 0xFFFFFFFF;
    if (high)
        *high = (ULONG)(v >> 32);
    return (ULONG)v;
}

static NTSTATUS set_position(HANDLE file, int64_t at)
{
    struct w32_frame f = w32_frame_push(FRAME_SetFilePointerEx);
    struct information_locals *l = (struct information_locals *)f.locals;
    l->value[0] = at;
    NTSTATUS s = NtSetInformationFile(file, &l->iosb, l->value, 8, FILE_POSITION_INFORMATION_CLASS);
    w32_frame_pop(&f);
    return s;
}

BOOL SetFilePointerEx(HANDLE file, int64_t distance, int64_t *to, ULONG method)
{
    int64_t from = 0;
    NTSTATUS s = STATUS_SUCCESS;
    if (w32_console_of(file))
        return w32_error(ERROR_INVALID_HANDLE);
    if (method == 1) /* FILE_CURRENT */
        s = ask(file, FILE_POSITION_INFORMATION_CLASS, 8, &from);
    else if (method == 2) /* FILE_END */
        s = ask(file, FILE_STANDARD_INFORMATION_CLASS, 24, &from);
    else if (method > 2)
        s = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(s) && from + distance < 0)
        return w32_error(131); /* ERROR_NEGATIVE_SEEK */
    if (NT_SUCCESS(s))
        s = set_position(file, from + distance);
    if (!NT_SUCCESS(s))
        return w32_fail(s);
    if (to)
        *to = from + distance;
    return TRUE;
}

ULONG SetFilePointer(HANDLE file, LONG distance, LONG *high, ULONG method)
{
    int64_t d = high ? (int64_t)((uint64_t)(uint32_t)*high << 32 | (uint32_t)distance) : distance, at;
    if (!SetFilePointerEx(file, d, &at, method))
        return 0xFFFFFFFF;
    if (high)
        *high = (LONG)(at >> 32);
    if ((ULONG)at == 0xFFFFFFFF)
        w32_set_error(0);
    return (ULONG)at;
}

/* ---- names ---- */

/* Only completes the name; there is nothing to look for. */
ULONG GetFullPathNameW(const WCHAR *name, ULONG size, WCHAR *to, WCHAR **part)
{
    size_t n = w32_wcslen(name), length;
    WCHAR *path = (WCHAR *)w32_alloc((n + W32_PATH_MORE) * 2);
    if (!path || !w32_nt_path(name, n, path, n + W32_PATH_MORE, &length)) {
        w32_free((uint64_t)path);
        return (ULONG)w32_error(ERROR_INVALID_NAME);
    }
    WCHAR *dos = path + 4; /* without \??\ */
    length -= 4;
    ULONG r = (ULONG)length;
    if (size <= length) {
        r++;
    } else {
        memcpy(to, dos, length * 2);
        to[length] = 0;
        WCHAR *last = to;
        for (size_t i = 0; i < length; i++)
            if (to[i] == '\\')
                last = to + i + 1;
        if (part)
            *part = *last ? last : NULL;
    }
    w32_free((uint64_t)path);
    return r;
}

ULONG GetFullPathNameA(const char *name, ULONG size, char *to, char **part)
{
    uint64_t w = w32_widen(name);
    WCHAR *wide = (WCHAR *)w32_alloc((size_t)size * 2 + 2);
    ULONG n = GetFullPathNameW((const WCHAR *)w, size, wide, NULL);
    if (n < size) {
        char *last = to;
        for (ULONG i = 0; i <= n; i++) {
            int c = w32_wide_to_ansi(wide[i]);
            to[i] = (char)(c < 0 ? '?' : c);
            if (to[i] == '\\')
                last = to + i + 1;
        }
        if (part)
            *part = *last ? last : NULL;
    }
    w32_free((uint64_t)wide);
    w32_free(w);
    return n;
}
