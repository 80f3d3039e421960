/* advapi32's registry functions on cm. They return their error and leave the last error alone. */
#include "cm/cm.h"
#include "win32/file.h"
#include "win32/win32.h"

#include <stdio.h>

enum { KEY_ALL_ACCESS_ = 0xF003F, ERROR_MORE_DATA_ = 234, ERROR_NO_MORE_ITEMS_ = 259, INFORMATION_BYTES = 0x4000 };
enum { KEY_BASIC_INFORMATION_CLASS = 0, KEY_FULL_INFORMATION_CLASS = 2, VALUE_FULL_CLASS = 1, VALUE_PARTIAL_CLASS = 2 };

struct value_partial {
    ULONG title, type, length;
    uint8_t data[];
};
struct value_full {
    ULONG title, type, data_offset, data_length, name_length;
    WCHAR name[];
};
struct key_basic {
    uint64_t written;
    ULONG title, name_length;
    WCHAR name[];
};
struct key_full {
    uint64_t written;
    ULONG title, class_offset, class_length, subkeys, longest_name, longest_class, values, longest_value_name, longest_value_data;
};

NTSTATUS ZwNotifyChangeKey(HANDLE key, HANDLE event, PVOID routine, PVOID context, IO_STATUS_BLOCK *iosb, ULONG filter, ULONG tree, PVOID buffer, ULONG length,
                           ULONG asynchronous);

static LONG error_of(NTSTATUS s)
{
    return NT_SUCCESS(s) ? 0 : (LONG)rtl_nt_status_to_dos_error(s);
}

/* ---- predefined keys ---- */

static const char *predefined(uint64_t key)
{
    static const char *const roots[] = { "\\Registry\\Machine\\Software\\Classes", "\\Registry\\User\\S-1-5-21-1-2-3-1000", "\\Registry\\Machine", "\\Registry\\User" };
    uint64_t i = key - 0xFFFFFFFF80000000ull;
    return i < 4 ? roots[i] : i == 5 ? "\\Registry\\Machine\\System\\CurrentControlSet\\Hardware Profiles\\Current" : NULL;
}

/* What a call of cm needs in guest memory: attributes and a name, on one heap block. */
struct request {
    OBJECT_ATTRIBUTES oa;
    UNICODE_STRING name;
    HANDLE handle;
    ULONG number;
    WCHAR text[];
};

static struct request *request_make(HANDLE key, const WCHAR *sub_key)
{
    const char *root = predefined((uint64_t)key);
    size_t n = sub_key ? w32_wcslen(sub_key) : 0, r = root ? strlen(root) : 0, at = 0;
    struct request *q = (struct request *)w32_alloc_zeroed(sizeof *q + (r + n + 2) * 2);
    if (!q)
        return NULL;
    for (size_t i = 0; i < r; i++)
        q->text[at++] = (uint8_t)root[i];
    if (r && n)
        q->text[at++] = '\\';
    memcpy(q->text + at, sub_key, n * 2);
    at += n;
    while (at && q->text[at - 1] == '\\')
        at--;
    q->name = (UNICODE_STRING) { (USHORT)(at * 2), (USHORT)(at * 2), q->text };
    q->oa = (OBJECT_ATTRIBUTES) { .Length = sizeof q->oa, .RootDirectory = root ? NULL : key, .ObjectName = &q->name, .Attributes = OBJ_CASE_INSENSITIVE };
    return q;
}

static NTSTATUS open_key(HANDLE key, const WCHAR *sub_key, ULONG access, bool create, ULONG options, HANDLE *out, ULONG *disposition)
{
    struct syscall sc;
    struct request *q = request_make(key, sub_key);
    if (!q)
        return STATUS_NO_MEMORY;
    ps_syscall_enter(&sc, create ? FRAME_NtCreateKey : FRAME_NtOpenKey);
    sim_point(0);
    NTSTATUS s = create ? ZwCreateKey(&q->handle, access, &q->oa, 0, NULL, options, &q->number) : ZwOpenKey(&q->handle, access, &q->oa);
    ps_syscall_leave(&sc);
    *out = q->handle;
    if (disposition)
        *disposition = q->number;
    w32_free((uint64_t)q);
    return s;
}

/* A real handle for a predefined key, to be closed with done_with. */
static NTSTATUS real_key(HANDLE key, HANDLE *out)
{
    *out = key;
    return predefined((uint64_t)key) ? open_key(key, NULL, MAXIMUM_ALLOWED, false, 0, out, NULL) : STATUS_SUCCESS;
}

static void done_with(HANDLE key, HANDLE real)
{
    if (key != real)
        NtClose(real);
}

/* ---- keys ---- */

LONG RegOpenKeyExW(HANDLE key, const WCHAR *sub_key, ULONG options, ULONG access, HANDLE *out)
{
    HANDLE h = NULL;
    if (!out)
        return ERROR_INVALID_PARAMETER;
    NTSTATUS s = open_key(key, sub_key, access ? access : MAXIMUM_ALLOWED, false, 0, &h, NULL);
    *out = NT_SUCCESS(s) ? h : NULL;
    return error_of(s);
}

LONG RegOpenKeyExA(HANDLE key, const char *sub_key, ULONG options, ULONG access, HANDLE *out)
{
    uint64_t w = sub_key ? w32_widen(sub_key) : 0;
    LONG e = RegOpenKeyExW(key, (const WCHAR *)w, options, access, out);
    w32_free(w);
    return e;
}

LONG RegOpenKeyW(HANDLE key, const WCHAR *sub_key, HANDLE *out)
{
    return RegOpenKeyExW(key, sub_key, 0, MAXIMUM_ALLOWED, out);
}

LONG RegOpenKeyA(HANDLE key, const char *sub_key, HANDLE *out)
{
    return RegOpenKeyExA(key, sub_key, 0, MAXIMUM_ALLOWED, out);
}

LONG RegCreateKeyExW(HANDLE key, const WCHAR *sub_key, ULONG reserved, WCHAR *class, ULONG options, ULONG access, void *security, HANDLE *out, ULONG *disposition)
{
    HANDLE h = NULL;
    ULONG d = 0;
    NTSTATUS s = open_key(key, sub_key, access ? access : MAXIMUM_ALLOWED, true, options, &h, &d);
    size_t cut = s == STATUS_OBJECT_NAME_NOT_FOUND && sub_key ? w32_wcslen(sub_key) : 0;
    while (cut && sub_key[cut - 1] != '\\')
        cut--;
    if (cut > 1) { /* the keys above it are made too */
        WCHAR *above = (WCHAR *)w32_alloc(cut * 2);
        memcpy(above, sub_key, cut * 2);
        above[cut - 1] = 0;
        LONG e = RegCreateKeyExW(key, above, 0, NULL, options, KEY_ALL_ACCESS_, NULL, &h, NULL);
        w32_free((uint64_t)above);
        if (e)
            return e;
        NtClose(h);
        s = open_key(key, sub_key, access ? access : MAXIMUM_ALLOWED, true, options, &h, &d);
    }
    if (NT_SUCCESS(s)) {
        *out = h;
        if (disposition)
            *disposition = d;
    }
    return error_of(s);
}

LONG RegCreateKeyExA(HANDLE key, const char *sub_key, ULONG reserved, char *class, ULONG options, ULONG access, void *security, HANDLE *out, ULONG *disposition)
{
    uint64_t w = sub_key ? w32_widen(sub_key) : 0;
    LONG e = RegCreateKeyExW(key, (const WCHAR *)w, reserved, NULL, options, access, security, out, disposition);
    w32_free(w);
    return e;
}

LONG RegCreateKeyW(HANDLE key, const WCHAR *sub_key, HANDLE *out)
{
    return RegCreateKeyExW(key, sub_key, 0, NULL, 0, MAXIMUM_ALLOWED, NULL, out, NULL);
}

LONG RegCloseKey(HANDLE key)
{
    return predefined((uint64_t)key) ? 0 : error_of(NtClose(key));
}

LONG RegFlushKey(HANDLE key)
{
    return 0;
}

LONG RegDeleteKeyExW(HANDLE key, const WCHAR *sub_key, ULONG access, ULONG reserved)
{
    struct syscall sc;
    HANDLE h;
    NTSTATUS s = open_key(key, sub_key, DELETE, false, 0, &h, NULL);
    if (!NT_SUCCESS(s))
        return error_of(s);
    ps_syscall_enter(&sc, FRAME_NtDeleteKey);
    s = ZwDeleteKey(h);
    ps_syscall_leave(&sc);
    NtClose(h);
    return error_of(s);
}

LONG RegDeleteKeyW(HANDLE key, const WCHAR *sub_key)
{
    return RegDeleteKeyExW(key, sub_key, 0, 0);
}

LONG RegDeleteKeyA(HANDLE key, const char *sub_key)
{
    uint64_t w = w32_widen(sub_key);
    LONG e = RegDeleteKeyExW(key, (const WCHAR *)w, 0, 0);
    w32_free(w);
    return e;
}

/* ---- values ---- */

static bool is_text(ULONG type)
{
    return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ;
}

/* The value as cm gives it, on a heap block. */
static NTSTATUS get_value(HANDLE key, const WCHAR *name, struct value_partial **out)
{
    struct syscall sc;
    HANDLE real;
    NTSTATUS s = real_key(key, &real);
    if (!NT_SUCCESS(s))
        return s;
    size_t n = name ? w32_wcslen(name) : 0;
    struct request *q = (struct request *)w32_alloc_zeroed(sizeof *q + n * 2 + 2);
    memcpy(q->text, name, n * 2);
    q->name = (UNICODE_STRING) { (USHORT)(n * 2), (USHORT)(n * 2), q->text };
    struct value_partial *v = NULL;
    for (ULONG size = 256;;) {
        v = (struct value_partial *)w32_alloc_zeroed(size);
        ps_syscall_enter(&sc, FRAME_NtQueryValueKey);
        sim_point((uint64_t)key);
        s = ZwQueryValueKey(real, &q->name, VALUE_PARTIAL_CLASS, v, size, &q->number);
        ps_syscall_leave(&sc);
        if (s != STATUS_BUFFER_OVERFLOW && s != STATUS_BUFFER_TOO_SMALL)
            break;
        size = q->number;
        w32_free((uint64_t)v);
    }
    w32_free((uint64_t)q);
    done_with(key, real);
    if (!NT_SUCCESS(s)) {
        w32_free((uint64_t)v);
        return s;
    }
    *out = v;
    return s;
}

static LONG give(const void *from, ULONG bytes, void *to, ULONG *size)
{
    ULONG room = size ? *size : 0;
    if (to && !size)
        return ERROR_INVALID_PARAMETER;
    if (size)
        *size = bytes;
    if (!to)
        return 0;
    if (room < bytes)
        return ERROR_MORE_DATA_;
    memcpy(to, from, bytes);
    return 0;
}

LONG RegQueryValueExW(HANDLE key, const WCHAR *name, ULONG *reserved, ULONG *type, void *data, ULONG *size)
{
    struct value_partial *v;
    NTSTATUS s = get_value(key, name, &v);
    if (!NT_SUCCESS(s))
        return error_of(s);
    if (type)
        *type = v->type;
    LONG e = give(v->data, v->length, data, size);
    w32_free((uint64_t)v);
    return e;
}

static ULONG narrow_text(const uint8_t *data, ULONG bytes, uint8_t *out)
{
    for (ULONG i = 0; i < bytes / 2; i++) {
        int c = w32_wide_to_ansi(((const WCHAR *)data)[i]);
        out[i] = (uint8_t)(c < 0 ? '?' : c);
    }
    return bytes / 2;
}

LONG RegQueryValueExA(HANDLE key, const char *name, ULONG *reserved, ULONG *type, void *data, ULONG *size)
{
    struct value_partial *v;
    uint64_t w = name ? w32_widen(name) : 0;
    NTSTATUS s = get_value(key, (const WCHAR *)w, &v);
    w32_free(w);
    if (!NT_SUCCESS(s))
        return error_of(s);
    if (type)
        *type = v->type;
    ULONG bytes = is_text(v->type) ? narrow_text(v->data, v->length, v->data) : v->length;
    LONG e = give(v->data, bytes, data, size);
    w32_free((uint64_t)v);
    return e;
}

/* RRF_RT_*: which types are wanted; text gets its terminator. */
static bool type_wanted(ULONG type, ULONG flags)
{
    static const ULONG bits[] = { 1, 2, 4, 8, 0x10, 0, 0, 0x20, 0, 0, 0, 0x40 };
    ULONG wanted = flags & 0xFFFF;
    return wanted == 0xFFFF || wanted == 0 || (type < sizeof bits / sizeof bits[0] && (wanted & bits[type])) || (type == REG_EXPAND_SZ && (wanted & 2) && !(flags & 0x10000000));
}

LONG RegGetValueW(HANDLE key, const WCHAR *sub_key, const WCHAR *name, ULONG flags, ULONG *type, void *data, ULONG *size)
{
    struct value_partial *v;
    HANDLE h = key;
    if (sub_key && *sub_key) {
        LONG e = RegOpenKeyExW(key, sub_key, 0, KEY_QUERY_VALUE, &h);
        if (e)
            return e;
    }
    NTSTATUS s = get_value(h, name, &v);
    if (h != key)
        NtClose(h);
    if (!NT_SUCCESS(s))
        return error_of(s);
    LONG e = 1630; /* ERROR_UNSUPPORTED_TYPE */
    if (type_wanted(v->type, flags)) {
        if (type)
            *type = v->type;
        e = give(v->data, v->length, data, size);
    }
    w32_free((uint64_t)v);
    return e;
}

static NTSTATUS set_value(HANDLE key, const WCHAR *name, ULONG type, const void *data, ULONG size)
{
    struct syscall sc;
    HANDLE real;
    NTSTATUS s = real_key(key, &real);
    if (!NT_SUCCESS(s))
        return s;
    size_t n = name ? w32_wcslen(name) : 0;
    struct request *q = (struct request *)w32_alloc_zeroed(sizeof *q + n * 2 + 2);
    memcpy(q->text, name, n * 2);
    q->name = (UNICODE_STRING) { (USHORT)(n * 2), (USHORT)(n * 2), q->text };
    ps_syscall_enter(&sc, FRAME_NtSetValueKey);
    sim_point((uint64_t)key);
    s = ZwSetValueKey(real, &q->name, 0, type, data, size);
    ps_syscall_leave(&sc);
    w32_free((uint64_t)q);
    done_with(key, real);
    return s;
}

LONG RegSetValueExW(HANDLE key, const WCHAR *name, ULONG reserved, ULONG type, const void *data, ULONG size)
{
    return error_of(set_value(key, name, type, data, size));
}

LONG RegSetValueExA(HANDLE key, const char *name, ULONG reserved, ULONG type, const char *data, ULONG size)
{
    uint64_t w = name ? w32_widen(name) : 0, wide = 0;
    const void *bytes = data;
    if (is_text(type)) {
        WCHAR *to = (WCHAR *)(wide = w32_alloc((size_t)size * 2 + 2));
        for (ULONG i = 0; i < size; i++)
            to[i] = w32_ansi_to_wide((uint8_t)data[i]);
        bytes = to;
        size *= 2;
    }
    NTSTATUS s = set_value(key, (const WCHAR *)w, type, bytes, size);
    w32_free(wide);
    w32_free(w);
    return error_of(s);
}

LONG RegDeleteValueW(HANDLE key, const WCHAR *name)
{
    struct syscall sc;
    HANDLE real;
    NTSTATUS s = real_key(key, &real);
    if (!NT_SUCCESS(s))
        return error_of(s);
    struct request *q = request_make(NULL, name);
    ps_syscall_enter(&sc, FRAME_NtDeleteValueKey);
    sim_point((uint64_t)key);
    s = ZwDeleteValueKey(real, &q->name);
    ps_syscall_leave(&sc);
    w32_free((uint64_t)q);
    done_with(key, real);
    return error_of(s);
}

LONG RegDeleteValueA(HANDLE key, const char *name)
{
    uint64_t w = name ? w32_widen(name) : 0;
    LONG e = RegDeleteValueW(key, (const WCHAR *)w);
    w32_free(w);
    return e;
}

/* ---- enumeration ---- */

/* Asks cm about key (value: the index-th value, otherwise sub-key) into a heap block of INFORMATION_BYTES. */
static NTSTATUS enumerate(HANDLE key, bool value, ULONG index, void **out)
{
    struct syscall sc;
    HANDLE real;
    NTSTATUS s = real_key(key, &real);
    if (!NT_SUCCESS(s))
        return s;
    uint8_t *block = (uint8_t *)w32_alloc_zeroed(INFORMATION_BYTES + 8);
    ULONG *needed = (ULONG *)(block + INFORMATION_BYTES);
    ps_syscall_enter(&sc, value ? FRAME_NtEnumerateValueKey : FRAME_NtEnumerateKey);
    sim_point((uint64_t)key);
    s = value ? ZwEnumerateValueKey(real, index, VALUE_FULL_CLASS, block, INFORMATION_BYTES, needed)
              : ZwEnumerateKey(real, index, KEY_BASIC_INFORMATION_CLASS, block, INFORMATION_BYTES, needed);
    ps_syscall_leave(&sc);
    done_with(key, real);
    if (!NT_SUCCESS(s)) {
        w32_free((uint64_t)block);
        return s;
    }
    *out = block;
    return s;
}

/* A counted name with a terminator; *size in characters. */
static LONG give_name(const WCHAR *name, ULONG bytes, void *to, ULONG *size, bool wide)
{
    ULONG n = bytes / 2;
    if (*size <= n)
        return ERROR_MORE_DATA_;
    for (ULONG i = 0; i < n; i++) {
        int c = w32_wide_to_ansi(name[i]);
        if (wide)
            ((WCHAR *)to)[i] = name[i];
        else
            ((char *)to)[i] = (char)(c < 0 ? '?' : c);
    }
    if (wide)
        ((WCHAR *)to)[n] = 0;
    else
        ((char *)to)[n] = 0;
    *size = n;
    return 0;
}

static LONG enum_key(HANDLE key, ULONG index, void *name, ULONG *size, uint64_t *written, bool wide)
{
    struct key_basic *b;
    NTSTATUS s = enumerate(key, false, index, (void **)&b);
    if (!NT_SUCCESS(s))
        return s == STATUS_NO_MORE_ENTRIES ? ERROR_NO_MORE_ITEMS_ : error_of(s);
    LONG e = give_name(b->name, b->name_length, name, size, wide);
    if (written)
        memcpy(written, &b->written, 8);
    w32_free((uint64_t)b);
    return e;
}

LONG RegEnumKeyExW(HANDLE key, ULONG index, WCHAR *name, ULONG *size, ULONG *reserved, WCHAR *class, ULONG *class_size, uint64_t *written)
{
    return enum_key(key, index, name, size, written, true);
}

LONG RegEnumKeyExA(HANDLE key, ULONG index, char *name, ULONG *size, ULONG *reserved, char *class, ULONG *class_size, uint64_t *written)
{
    return enum_key(key, index, name, size, written, false);
}

static LONG enum_value(HANDLE key, ULONG index, void *name, ULONG *name_size, ULONG *type, void *data, ULONG *size, bool wide)
{
    struct value_full *v;
    NTSTATUS s = enumerate(key, true, index, (void **)&v);
    if (!NT_SUCCESS(s))
        return s == STATUS_NO_MORE_ENTRIES ? ERROR_NO_MORE_ITEMS_ : error_of(s);
    LONG e = give_name(v->name, v->name_length, name, name_size, wide);
    if (type)
        *type = v->type;
    uint8_t *bytes = (uint8_t *)v + v->data_offset;
    ULONG length = !wide && is_text(v->type) ? narrow_text(bytes, v->data_length, bytes) : v->data_length;
    if (!e)
        e = give(bytes, length, data, size);
    w32_free((uint64_t)v);
    return e;
}

LONG RegEnumValueW(HANDLE key, ULONG index, WCHAR *name, ULONG *name_size, ULONG *reserved, ULONG *type, void *data, ULONG *size)
{
    return enum_value(key, index, name, name_size, type, data, size, true);
}

LONG RegEnumValueA(HANDLE key, ULONG index, char *name, ULONG *name_size, ULONG *reserved, ULONG *type, void *data, ULONG *size)
{
    return enum_value(key, index, name, name_size, type, data, size, false);
}

LONG RegQueryInfoKeyW(HANDLE key, WCHAR *class, ULONG *class_size, ULONG *reserved, ULONG *subkeys, ULONG *longest_subkey, ULONG *longest_class, ULONG *values,
                      ULONG *longest_name, ULONG *longest_data, ULONG *security, uint64_t *written)
{
    struct syscall sc;
    HANDLE real;
    NTSTATUS s = real_key(key, &real);
    if (!NT_SUCCESS(s))
        return error_of(s);
    uint8_t *block = (uint8_t *)w32_alloc_zeroed(INFORMATION_BYTES + 8);
    ps_syscall_enter(&sc, FRAME_NtQueryKey);
    s = ZwQueryKey(real, KEY_FULL_INFORMATION_CLASS, block, INFORMATION_BYTES, (ULONG *)(block + INFORMATION_BYTES));
    ps_syscall_leave(&sc);
    done_with(key, real);
    const struct key_full *f = (const struct key_full *)block;
    ULONG *const outs[] = { subkeys, longest_subkey, values, longest_name, longest_data };
    const ULONG numbers[] = { f->subkeys, f->longest_name / 2, f->values, f->longest_value_name / 2, f->longest_value_data };
    for (int i = 0; NT_SUCCESS(s) && i < 5; i++)
        if (outs[i])
            *outs[i] = numbers[i];
    if (NT_SUCCESS(s) && written)
        memcpy(written, &f->written, 8);
    w32_free((uint64_t)block);
    return error_of(s);
}

/* ---- forms of the above ---- */

LONG RegCreateKeyA(HANDLE key, const char *sub_key, HANDLE *out)
{
    return RegCreateKeyExA(key, sub_key, 0, NULL, 0, KEY_ALL_ACCESS_, NULL, out, NULL);
}

LONG RegDeleteKeyExA(HANDLE key, const char *sub_key, ULONG access, ULONG reserved)
{
    return RegDeleteKeyA(key, sub_key);
}

LONG RegEnumKeyW(HANDLE key, ULONG index, WCHAR *name, ULONG chars)
{
    return enum_key(key, index, name, &chars, NULL, true);
}

LONG RegEnumKeyA(HANDLE key, ULONG index, char *name, ULONG chars)
{
    return enum_key(key, index, name, &chars, NULL, false);
}

/* The key below (NULL: the key itself) with all that is in it. */
LONG RegDeleteTreeW(HANDLE key, const WCHAR *sub_key)
{
    WCHAR name[260];
    HANDLE h = key;
    LONG e = sub_key ? RegOpenKeyExW(key, sub_key, 0, KEY_ALL_ACCESS_, &h) : 0;
    if (e)
        return e;
    while (!e && RegEnumKeyW(h, 0, name, 260) == 0)
        e = RegDeleteTreeW(h, name);
    if (!sub_key) {
        ULONG n = 260;
        while (!e && enum_value(h, 0, name, &n, NULL, NULL, NULL, true) == 0) {
            e = RegDeleteValueW(h, name);
            n = 260;
        }
        return e;
    }
    RegCloseKey(h);
    return e ? e : RegDeleteKeyW(key, sub_key);
}

LONG RegDeleteTreeA(HANDLE key, const char *sub_key)
{
    uint64_t w = sub_key ? w32_widen(sub_key) : 0;
    LONG e = RegDeleteTreeW(key, (const WCHAR *)w);
    w32_free(w);
    return e;
}

LONG RegGetValueA(HANDLE key, const char *sub_key, const char *name, ULONG flags, ULONG *type, void *data, ULONG *size)
{
    HANDLE h = key;
    ULONG kind = 0;
    LONG e = sub_key && *sub_key ? RegOpenKeyExA(key, sub_key, 0, KEY_QUERY_VALUE, &h) : 0;
    if (e)
        return e;
    e = RegQueryValueExA(h, name, NULL, &kind, data, size);
    if (h != key)
        RegCloseKey(h);
    if ((!e || e == ERROR_MORE_DATA_) && !type_wanted(kind, flags))
        return 1630; /* ERROR_UNSUPPORTED_TYPE */
    if (!e && type)
        *type = kind;
    return e;
}

LONG RegSetKeyValueW(HANDLE key, const WCHAR *sub_key, const WCHAR *name, ULONG type, const void *data, ULONG size)
{
    HANDLE h = key;
    LONG e = sub_key && *sub_key ? RegCreateKeyW(key, sub_key, &h) : 0;
    if (!e)
        e = RegSetValueExW(h, name, 0, type, data, size);
    if (h != key)
        RegCloseKey(h);
    return e;
}

LONG RegSetKeyValueA(HANDLE key, const char *sub_key, const char *name, ULONG type, const void *data, ULONG size)
{
    HANDLE h = key;
    LONG e = sub_key && *sub_key ? RegCreateKeyA(key, sub_key, &h) : 0;
    if (!e)
        e = RegSetValueExA(h, name, 0, type, data, size);
    if (h != key)
        RegCloseKey(h);
    return e;
}

LONG RegDeleteKeyValueW(HANDLE key, const WCHAR *sub_key, const WCHAR *name)
{
    HANDLE h = key;
    LONG e = sub_key && *sub_key ? RegOpenKeyExW(key, sub_key, 0, KEY_ALL_ACCESS_, &h) : 0;
    if (!e)
        e = RegDeleteValueW(h, name);
    if (h != key)
        RegCloseKey(h);
    return e;
}

LONG RegDeleteKeyValueA(HANDLE key, const char *sub_key, const char *name)
{
    uint64_t s = sub_key ? w32_widen(sub_key) : 0, n = name ? w32_widen(name) : 0;
    LONG e = RegDeleteKeyValueW(key, (const WCHAR *)s, (const WCHAR *)n);
    w32_free(s);
    w32_free(n);
    return e;
}

/* DOC: one change is told; the event is set then, and also when the key is closed. */
LONG RegNotifyChangeKeyValue(HANDLE key, BOOL tree, ULONG filter, HANDLE event, BOOL asynchronous)
{
    enum { THREAD_AGNOSTIC = 0x10000000, KNOWN = 0xF };
    struct syscall sc;
    if ((asynchronous && !event) || !(filter & KNOWN) || filter & ~(ULONG)(KNOWN | THREAD_AGNOSTIC))
        return ERROR_INVALID_PARAMETER;
    if (predefined((uint64_t)key))
        return ERROR_INVALID_HANDLE; /* GUESS: a key of the program's own is wanted, so that there is a handle to close */
    w32_console_flush();
    ps_syscall_enter(&sc, FRAME_NtNotifyChangeKey);
    sim_point(0);
    NTSTATUS s = ZwNotifyChangeKey(key, event, NULL, NULL, NULL, filter & KNOWN, tree != 0, NULL, 0, asynchronous != 0);
    ps_syscall_leave(&sc);
    return s == STATUS_PENDING || s == STATUS_NOTIFY_ENUM_DIR ? 0 : error_of(s);
}

/* The default value of a sub-key, as text. */
LONG RegQueryValueW(HANDLE key, const WCHAR *sub_key, WCHAR *data, LONG *size)
{
    HANDLE h;
    LONG error = RegOpenKeyExW(key, sub_key, 0, 0, &h);
    if (error)
        return error;
    ULONG bytes = size ? (ULONG)*size : 0;
    error = RegQueryValueExW(h, NULL, NULL, NULL, data, &bytes);
    if (error == ERROR_FILE_NOT_FOUND) { /* DOC: an empty text */
        bytes = 2;
        if (data && size && *size >= 2)
            *data = 0;
        error = 0;
    }
    if (size)
        *size = (LONG)bytes;
    RegCloseKey(h);
    return error;
}

LONG RegQueryValueA(HANDLE key, const char *sub_key, char *data, LONG *size)
{
    HANDLE h;
    LONG error = RegOpenKeyExA(key, sub_key, 0, 0, &h);
    if (error)
        return error;
    ULONG bytes = size ? (ULONG)*size : 0;
    error = RegQueryValueExA(h, NULL, NULL, NULL, data, &bytes);
    if (error == ERROR_FILE_NOT_FOUND) {
        bytes = 1;
        if (data && size && *size >= 1)
            *data = 0;
        error = 0;
    }
    if (size)
        *size = (LONG)bytes;
    RegCloseKey(h);
    return error;
}
