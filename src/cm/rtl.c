/* RtlQueryRegistryValues and its kin: the registry by path, relative to well-known keys.
 *
 * Callbacks are guest code and get copies of name and data in pool; nothing of ours is held while they run. */
#include <stdio.h>
#include <string.h>

#include "cm/key.h"
#include "mm/mm.h"
#include "nt/ex.h"
#include "rtl/nls.h"
#include "sim/access.h"
#include "sim/door.h"

enum { RTL_ABSOLUTE, RTL_SERVICES, RTL_CONTROL, RTL_WINDOWS_NT, RTL_DEVICEMAP, RTL_USER, RTL_MAXIMUM };
enum { RTL_HANDLE = 0x40000000, RTL_OPTIONAL = (int)0x80000000 };
enum { QUERY_SUBKEY = 0x1, QUERY_TOPKEY = 0x2, QUERY_REQUIRED = 0x4, QUERY_NOVALUE = 0x8, QUERY_NOEXPAND = 0x10, QUERY_DIRECT = 0x20, QUERY_DELETE = 0x40,
       QUERY_TYPECHECK = 0x100 };
enum { REGISTRY_TAG = 0x67655274, MAX_TEXT = 0x8000 };

/* RTL_QUERY_REGISTRY_TABLE */
struct query {
    PVOID routine;
    ULONG flags;
    WCHAR *name;
    PVOID entry_context;
    ULONG default_type;
    PVOID default_data;
    ULONG default_length;
};
_Static_assert(sizeof(struct query) == 56, "RTL_QUERY_REGISTRY_TABLE");

static size_t length_of(const WCHAR *text)
{
    size_t n = 0;
    while (text && text[n])
        n++;
    return n;
}

/* ---- where ---- */

static NTSTATUS base_key(ULONG relative, const WCHAR *path, struct cm_key **key, bool *path_used)
{
    static const char *const bases[RTL_MAXIMUM] = {
        "", "Machine\\System\\CurrentControlSet\\Services", "Machine\\System\\CurrentControlSet\\Control",
        "Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion", "Machine\\Hardware\\DeviceMap", "User\\.DEFAULT",
    };
    *path_used = false;
    if (relative & RTL_HANDLE) {
        *path_used = true;
        return cm_key_to_change((HANDLE)path, key);
    }
    relative &= ~(ULONG)RTL_OPTIONAL;
    if (relative >= RTL_MAXIMUM)
        return STATUS_INVALID_PARAMETER;
    WCHAR wide[128];
    size_t n = strlen(bases[relative]);
    for (size_t i = 0; i < n; i++)
        wide[i] = (WCHAR)bases[relative][i];
    *key = cm_path_make(cm_root(), wide, n, false);
    return STATUS_SUCCESS;
}

static bool is_absolute(const WCHAR *path, size_t chars)
{
    static const char prefix[] = "\\REGISTRY\\";
    for (size_t i = 0; i < sizeof prefix - 1; i++)
        if (i >= chars || rtl_upcase(path[i]) != (WCHAR)prefix[i])
            return false;
    return true;
}

static NTSTATUS locate(ULONG relative, const WCHAR *path, bool make, struct cm_key **key)
{
    bool path_used;
    NTSTATUS status = base_key(relative, path, key, &path_used);
    if (!NT_SUCCESS(status) || path_used)
        return status;
    size_t chars = length_of(path), rest_chars;
    const WCHAR *rest;
    if ((relative & ~(ULONG)RTL_OPTIONAL) == RTL_ABSOLUTE) {
        if (!is_absolute(path, chars))
            return STATUS_OBJECT_PATH_SYNTAX_BAD;
        path += 10;
        chars -= 10;
    }
    if (make)
        *key = cm_path_make(*key, path, chars, false);
    else
        *key = cm_walk_path(*key, path, chars, &rest, &rest_chars);
    return !make && rest_chars ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
}

NTSTATUS RtlCheckRegistryKey(ULONG relative, WCHAR *path)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_READ);
    return locate(relative, path, false, &k);
}

NTSTATUS RtlCreateRegistryKey(ULONG relative, WCHAR *path)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_WRITE);
    return locate(relative, path, true, &k);
}

NTSTATUS RtlWriteRegistryValue(ULONG relative, const WCHAR *path, const WCHAR *name, ULONG type, PVOID data, ULONG size)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_WRITE);
    NTSTATUS status = locate(relative, path, true, &k);
    if (!NT_SUCCESS(status))
        return status;
    cm_value_set(k, name, length_of(name), type, data, size);
    cm_notify(k, NOTIFY_LAST_SET);
    return STATUS_SUCCESS;
}

NTSTATUS RtlDeleteRegistryValue(ULONG relative, const WCHAR *path, const WCHAR *name)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_WRITE);
    NTSTATUS status = locate(relative, path, false, &k);
    if (!NT_SUCCESS(status))
        return status;
    if (!cm_value_delete(k, name, length_of(name)))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    cm_notify(k, NOTIFY_LAST_SET);
    return STATUS_SUCCESS;
}

/* ---- values on their way to a driver ---- */

struct item {
    const WCHAR *name; /* guest memory, with terminator; NULL for the unnamed */
    ULONG type;
    const void *data;
    ULONG size;
};

static bool is_text(ULONG type)
{
    return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ;
}

/* A copy in pool with a terminator behind it, whatever the data ends in. */
static void *guest_copy(const void *data, size_t bytes)
{
    char *p = ex_pool_alloc(PagedPool, bytes + 2, REGISTRY_TAG);
    if (bytes)
        memcpy(p, data, bytes);
    memset(p + bytes, 0, 2);
    return p;
}

/* %SystemRoot% and its like. Returns the characters written. */
static size_t expand(const WCHAR *from, size_t chars, WCHAR *to)
{
    static const struct {
        const char *name, *value;
    } variables[] = { { "%SYSTEMROOT%", "C:\\Windows" }, { "%WINDIR%", "C:\\Windows" }, { "%SYSTEMDRIVE%", "C:" } };
    size_t n = 0;
    for (size_t i = 0; i < chars && n < MAX_TEXT - 16;) {
        const char *value = NULL;
        size_t skip = 1;
        for (size_t v = 0; from[i] == '%' && v < sizeof variables / sizeof variables[0]; v++) {
            size_t k = 0, length = strlen(variables[v].name);
            while (k < length && i + k < chars && rtl_upcase(from[i + k]) == (WCHAR)variables[v].name[k])
                k++;
            if (k == length) {
                value = variables[v].value;
                skip = length;
            }
        }
        if (!value)
            to[n++] = from[i];
        for (; value && *value; value++)
            to[n++] = (WCHAR)*value;
        i += skip;
    }
    return n;
}

static NTSTATUS call_routine(const struct query *q, const struct item *it, PVOID context)
{
    return (NTSTATUS)guest_call(FRAME_RtlpCallQueryRegistryRoutine, q->routine, 6, (uint64_t)it->name, (uint64_t)it->type, (uint64_t)it->data,
                                (uint64_t)it->size, (uint64_t)context, (uint64_t)q->entry_context);
}

/* DOC of RTL_QUERY_REGISTRY_DIRECT: text goes to a UNICODE_STRING (allocated if its Buffer is NULL). */
static NTSTATUS store_text(const struct query *q, const struct item *it)
{
    UNICODE_STRING *s = q->entry_context;
    ULONG bytes = it->size & ~1u, max = 0xFFFE;
    const WCHAR *text = it->data;
    /* Length does not count the terminator. */
    while (it->type != REG_MULTI_SZ && bytes && text[bytes / 2 - 1] == 0)
        bytes -= 2;
    if (bytes > max - 2)
        return STATUS_BUFFER_TOO_SMALL;
    if (!s->Buffer) {
        WCHAR *buffer = ex_pool_alloc(PagedPool, bytes + 2, REGISTRY_TAG);
        s->Buffer = buffer;
        s->MaximumLength = (USHORT)(bytes + 2);
    } else if (bytes + 2 > s->MaximumLength) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    memcpy(s->Buffer, text, bytes);
    s->Buffer[bytes / 2] = 0;
    s->Length = (USHORT)bytes;
    return STATUS_SUCCESS;
}

/* DOC: up to four bytes go to *EntryContext. For more, a negative LONG there is the buffer's size; a positive one is the size of a
 * buffer that receives length, type and data. */
static NTSTATUS store_binary(const struct query *q, const struct item *it)
{
    if (it->size <= sizeof(ULONG)) {
        memcpy(q->entry_context, it->data, it->size);
        return STATUS_SUCCESS;
    }
    LONG room;
    memcpy(&room, q->entry_context, sizeof room);
    if (room < 0) {
        if ((ULONG)-room < it->size)
            return STATUS_BUFFER_TOO_SMALL;
        memcpy(q->entry_context, it->data, it->size);
        return STATUS_SUCCESS;
    }
    if ((ULONG)room < it->size + 8)
        return STATUS_BUFFER_TOO_SMALL;
    ULONG head[2] = { it->size, it->type };
    memcpy(q->entry_context, head, sizeof head);
    memcpy((char *)q->entry_context + sizeof head, it->data, it->size);
    return STATUS_SUCCESS;
}

static NTSTATUS deliver_one(const struct query *q, const struct item *it, PVOID context)
{
    if (!(q->flags & QUERY_DIRECT))
        return q->routine ? call_routine(q, it, context) : STATUS_SUCCESS;
    if ((q->flags & QUERY_TYPECHECK) && q->default_type >> 24 != it->type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    return is_text(it->type) ? store_text(q, it) : store_binary(q, it);
}

static NTSTATUS deliver_strings(const struct query *q, const struct item *it, PVOID context)
{
    const WCHAR *at = it->data, *end = at + it->size / 2;
    NTSTATUS status = STATUS_SUCCESS;
    while (NT_SUCCESS(status) && at < end && *at) {
        size_t n = 0;
        while (at + n < end && at[n])
            n++;
        struct item one = { it->name, REG_SZ, at, (ULONG)(n + 1) * 2 };
        status = deliver_one(q, &one, context);
        at += n + 1;
    }
    return status;
}

static NTSTATUS deliver_expanded(const struct query *q, const struct item *it, PVOID context)
{
    WCHAR *text = ex_pool_alloc(PagedPool, MAX_TEXT * 2, REGISTRY_TAG);
    size_t chars = it->size / 2;
    while (chars && ((const WCHAR *)it->data)[chars - 1] == 0)
        chars--;
    size_t n = expand(it->data, chars, text);
    text[n] = 0;
    struct item one = { it->name, REG_SZ, text, (ULONG)(n + 1) * 2 };
    NTSTATUS status = deliver_one(q, &one, context);
    ex_pool_free(text);
    return status;
}

static bool has_percent(const struct item *it)
{
    for (ULONG i = 0; i < it->size / 2; i++)
        if (((const WCHAR *)it->data)[i] == '%')
            return true;
    return false;
}

static NTSTATUS deliver(const struct query *q, const struct item *it, PVOID context)
{
    bool as_is = q->flags & QUERY_NOEXPAND;
    if (it->type == REG_MULTI_SZ && !as_is)
        return deliver_strings(q, it, context);
    if (it->type == REG_EXPAND_SZ && !as_is && has_percent(it))
        return deliver_expanded(q, it, context);
    if (it->type == REG_EXPAND_SZ && !as_is) {
        struct item one = { it->name, REG_SZ, it->data, it->size };
        return deliver_one(q, &one, context);
    }
    return deliver_one(q, it, context);
}

/* ---- the table ---- */

static NTSTATUS deliver_value(const struct query *q, struct cm_key *k, struct cm_value *v, PVOID context)
{
    size_t chars = v->name_bytes / 2u;
    WCHAR *name = guest_copy(v->name, v->name_bytes);
    struct item it = { name, v->type, guest_copy(v->data, v->size), v->size };
    NTSTATUS status = deliver(q, &it, context);
    if (NT_SUCCESS(status) && (q->flags & QUERY_DELETE))
        cm_value_delete(k, name, chars);
    ex_pool_free((void *)it.data);
    ex_pool_free(name);
    return status;
}

static NTSTATUS all_values(const struct query *q, struct cm_key *k, PVOID context)
{
    NTSTATUS status = STATUS_SUCCESS;
    unsigned seen = 0;
    while (NT_SUCCESS(status)) {
        /* The callback may change the key: find the place anew. */
        struct cm_value *v = k->values;
        for (unsigned i = 0; v && i < seen; i++)
            v = v->next;
        if (!v)
            break;
        status = deliver_value(q, k, v, context);
        seen += !(q->flags & QUERY_DELETE);
    }
    return seen == 0 && (q->flags & QUERY_REQUIRED) && NT_SUCCESS(status) && !(q->flags & QUERY_DELETE) ? STATUS_OBJECT_NAME_NOT_FOUND : status;
}

static NTSTATUS missing_value(const struct query *q, PVOID context)
{
    ULONG type = q->flags & QUERY_TYPECHECK ? q->default_type & 0xFFFFFF : q->default_type;
    if (q->flags & QUERY_REQUIRED)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (type == REG_NONE)
        return STATUS_SUCCESS;
    struct item it = { q->name, type, q->default_data, q->default_length };
    if (!it.size && it.data && (type == REG_SZ || type == REG_EXPAND_SZ))
        it.size = (ULONG)(length_of(it.data) + 1) * 2;
    for (const WCHAR *p = it.data; type == REG_MULTI_SZ && !q->default_length && p && *p;) {
        size_t n = length_of(p) + 1;
        it.size += (ULONG)n * 2 + (p[n] ? 0 : 2);
        p += n;
    }
    struct query unchecked = *q;
    unchecked.flags &= ~(ULONG)QUERY_TYPECHECK; /* it was about what the registry holds */
    return deliver(&unchecked, &it, context);
}

struct position {
    struct cm_key *top, *current;
};

static NTSTATUS enter_subkey(const struct query *q, struct position *at, PVOID context)
{
    if (!q->name)
        return STATUS_INVALID_PARAMETER;
    const WCHAR *rest;
    size_t rest_chars;
    struct cm_key *k = cm_walk_path(at->top, q->name, length_of(q->name), &rest, &rest_chars);
    if (rest_chars)
        return q->flags & QUERY_REQUIRED ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
    at->current = k;
    return q->routine ? all_values(q, k, context) : STATUS_SUCCESS;
}

static NTSTATUS run_entry(const struct query *q, struct position *at, PVOID context)
{
    /* DOC: a direct entry may not have a routine and needs a name. */
    if ((q->flags & QUERY_DIRECT) && (!q->name || q->routine || (q->flags & QUERY_SUBKEY)))
        return STATUS_INVALID_PARAMETER;
    if (q->flags & (QUERY_TOPKEY | QUERY_SUBKEY))
        at->current = at->top;
    if (q->flags & QUERY_SUBKEY)
        return enter_subkey(q, at, context);
    if (q->flags & QUERY_NOVALUE) {
        struct item none = { .type = REG_NONE };
        return q->routine ? call_routine(q, &none, context) : STATUS_SUCCESS;
    }
    if (!q->name)
        return q->routine ? all_values(q, at->current, context) : STATUS_SUCCESS;
    struct cm_value *v = cm_value(at->current, q->name, length_of(q->name));
    return v ? deliver_value(q, at->current, v, context) : missing_value(q, context);
}

NTSTATUS RtlQueryRegistryValues(ULONG relative, const WCHAR *path, const struct query *table, PVOID context, PVOID environment)
{
    struct position at;
    sim_access(SIM_ACCESS_REGISTRY, SIM_READ);
    NTSTATUS status = locate(relative, path, false, &at.top);
    if (!NT_SUCCESS(status))
        return status;
    at.current = at.top;
    for (const struct query *q = table; NT_SUCCESS(status) && (q->routine || q->name); q++)
        status = run_entry(q, &at, context);
    return NT_SUCCESS(status) ? STATUS_SUCCESS : status;
}
