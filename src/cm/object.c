/* Key objects, opening, creating, deleting, enumerating keys. */
#include <string.h>

#include "cm/key.h"
#include "ob/ob.h"
#include "ps/ps.h"
#include "sim/access.h"

enum { KEY_BODY_TYPE = 0x6B793032 /* "ky02" */, CREATED_NEW_KEY = 1, OPENED_EXISTING_KEY = 2, OPTION_VOLATILE = 1 };

struct key_body {
    ULONG type;
    ULONG pad;
    uint64_t id;
};

static const struct ob_type key_type = { "Key", NULL, NULL, OB_NOT_WAITABLE };

/* ---- handles ---- */

NTSTATUS cm_key_of(HANDLE handle, struct cm_key **key)
{
    void *object;
    NTSTATUS status = ob_handle_reference(ps_current_process(), handle, OB_KEY, 0, &object, NULL);
    if (!NT_SUCCESS(status))
        return status;
    const struct key_body *b = object;
    IR_ASSERT(b->id < cm_room()->key_count);
    *key = cm_room()->by_id[b->id];
    ob_dereference(object);
    return (*key)->deleted ? STATUS_KEY_DELETED : STATUS_SUCCESS;
}

NTSTATUS cm_handle_make(struct cm_key *key, ACCESS_MASK access, ULONG attributes, HANDLE *handle)
{
    struct key_body *b = ob_create(OB_KEY, sizeof *b);
    b->type = KEY_BODY_TYPE;
    b->id = key->id;
    struct process *p = attributes & OBJ_KERNEL_HANDLE || !MACHINE->fiber ? ps_system() : ps_current_process();
    NTSTATUS status = ob_handle_create(p, b, access, attributes, handle);
    ob_dereference(b);
    return status;
}

/* ---- paths of object attributes ---- */

static bool starts_with_registry(const UNICODE_STRING *name)
{
    static const char prefix[] = "\\REGISTRY";
    size_t n = sizeof prefix - 1;
    if (name->Length < n * 2)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((name->Buffer[i] & ~0x20) != (prefix[i] & ~0x20) || (prefix[i] == '\\') != (name->Buffer[i] == '\\'))
            return false;
    return name->Length == n * 2 || name->Buffer[n] == '\\';
}

struct place {
    struct cm_key *key; /* as far as the path exists */
    const WCHAR *rest; /* what does not */
    size_t rest_chars;
};

static NTSTATUS locate(const OBJECT_ATTRIBUTES *oa, struct place *p)
{
    static const UNICODE_STRING none;
    const UNICODE_STRING *name = oa->ObjectName ? oa->ObjectName : &none;
    if (name->Length % 2)
        return STATUS_OBJECT_NAME_INVALID;
    const WCHAR *path = name->Buffer;
    size_t chars = name->Length / 2u;
    struct cm_key *start = cm_room()->root;
    if (oa->RootDirectory) {
        NTSTATUS status = cm_key_of(oa->RootDirectory, &start);
        if (!NT_SUCCESS(status))
            return status;
        if (chars && path[0] == '\\')
            return STATUS_OBJECT_PATH_SYNTAX_BAD;
    } else {
        if (!chars || path[0] != '\\')
            return STATUS_OBJECT_PATH_SYNTAX_BAD;
        if (!starts_with_registry(name))
            return STATUS_OBJECT_NAME_NOT_FOUND;
        path += 9;
        chars -= 9;
    }
    p->key = cm_walk_path(start, path, chars, &p->rest, &p->rest_chars);
    return STATUS_SUCCESS;
}

static bool is_one_part(const struct place *p)
{
    for (size_t i = 0; i < p->rest_chars; i++)
        if (p->rest[i] == '\\')
            return false;
    return true;
}

/* ---- open, create, delete ---- */

NTSTATUS ZwOpenKeyEx(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG options)
{
    struct place p;
    sim_access(SIM_ACCESS_REGISTRY, SIM_READ);
    NTSTATUS status = locate(oa, &p);
    if (!NT_SUCCESS(status))
        return status;
    if (p.rest_chars)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    HANDLE h;
    status = cm_handle_make(p.key, access, oa->Attributes, &h);
    if (NT_SUCCESS(status))
        *key = h;
    return status;
}

NTSTATUS ZwOpenKey(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa)
{
    return ZwOpenKeyEx(key, access, oa, 0);
}

static NTSTATUS create(const struct place *p, const UNICODE_STRING *class_name, ULONG options, struct cm_key **key)
{
    /* DOC: all keys but the last must exist. */
    if (!is_one_part(p))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (p->rest_chars >= KEY_NAME_CHARS)
        return STATUS_INVALID_PARAMETER;
    bool is_volatile = options & OPTION_VOLATILE;
    if (p->key->is_volatile && !is_volatile)
        return STATUS_CHILD_MUST_BE_VOLATILE;
    *key = cm_child_make(p->key, p->rest, p->rest_chars, is_volatile);
    if (class_name && class_name->Length) {
        (*key)->class_name = memcpy(sim_alloc(class_name->Length), class_name->Buffer, class_name->Length);
        (*key)->class_bytes = class_name->Length;
    }
    return STATUS_SUCCESS;
}

NTSTATUS ZwCreateKey(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG title, UNICODE_STRING *class_name, ULONG options, ULONG *disposition)
{
    struct place p;
    sim_access(SIM_ACCESS_REGISTRY, SIM_WRITE);
    NTSTATUS status = locate(oa, &p);
    struct cm_key *k = p.key;
    bool is_new = NT_SUCCESS(status) && p.rest_chars;
    if (is_new)
        status = create(&p, class_name, options, &k);
    HANDLE h;
    if (NT_SUCCESS(status))
        status = cm_handle_make(k, access, oa->Attributes, &h);
    if (!NT_SUCCESS(status))
        return status;
    *key = h;
    if (disposition)
        *disposition = is_new ? CREATED_NEW_KEY : OPENED_EXISTING_KEY;
    if (is_new)
        cm_notify(k->parent, NOTIFY_NAME);
    return status;
}

NTSTATUS ZwDeleteKey(HANDLE key)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_WRITE);
    NTSTATUS status = cm_key_of(key, &k);
    if (!NT_SUCCESS(status))
        return status == STATUS_KEY_DELETED ? STATUS_SUCCESS : status;
    if (k->children || !k->parent)
        return STATUS_CANNOT_DELETE;
    struct cm_key *parent = k->parent;
    cm_key_delete(k);
    cm_notify(parent, NOTIFY_NAME);
    return STATUS_SUCCESS;
}

NTSTATUS ZwFlushKey(HANDLE key)
{
    struct cm_key *k;
    return cm_key_of(key, &k);
}

/* ---- information ---- */

enum { KEY_BASIC, KEY_NODE, KEY_FULL, KEY_NAME, KEY_CACHED };

struct key_basic {
    uint64_t written;
    ULONG title, name_bytes;
    WCHAR name[];
};
struct key_node {
    uint64_t written;
    ULONG title, class_offset, class_bytes, name_bytes;
    WCHAR name[];
};
struct key_full {
    uint64_t written;
    ULONG title, class_offset, class_bytes, subkeys, max_name, max_class, values, max_value_name, max_value_data;
    WCHAR class_name[];
};
struct key_name {
    ULONG name_bytes;
    WCHAR name[];
};
struct key_cached {
    uint64_t written;
    ULONG title, subkeys, max_name, values, max_value_name, max_value_data, name_bytes;
};

static ULONG larger(ULONG a, ULONG b)
{
    return a > b ? a : b;
}

static void full_of(const struct cm_key *k, struct key_full *f)
{
    *f = (struct key_full) { .written = k->written_100ns, .class_bytes = k->class_bytes };
    for (const struct cm_key *c = k->children; c; c = c->sibling) {
        f->subkeys++;
        f->max_name = larger(f->max_name, c->name_bytes);
        f->max_class = larger(f->max_class, c->class_bytes);
    }
    for (const struct cm_value *v = k->values; v; v = v->next) {
        f->values++;
        f->max_value_name = larger(f->max_value_name, v->name_bytes);
        f->max_value_data = larger(f->max_value_data, v->size);
    }
}

/* What a caller's buffer gets: a fixed part, then up to two variable ones. */
struct answer {
    const void *fixed;
    ULONG fixed_bytes; /* STATUS_BUFFER_TOO_SMALL below this */
    const void *first, *second;
    ULONG first_bytes, second_offset, second_bytes;
};

static NTSTATUS give(const struct answer *a, void *out, ULONG length, ULONG *needed)
{
    ULONG all = a->fixed_bytes + a->first_bytes;
    if (a->second_bytes)
        all = a->second_offset + a->second_bytes;
    *needed = all;
    if (length < a->fixed_bytes)
        return STATUS_BUFFER_TOO_SMALL;
    memcpy(out, a->fixed, a->fixed_bytes);
    ULONG room = length - a->fixed_bytes, n = a->first_bytes < room ? a->first_bytes : room;
    if (n)
        memcpy((char *)out + a->fixed_bytes, a->first, n);
    if (a->second_bytes && length > a->second_offset) {
        room = length - a->second_offset;
        memcpy((char *)out + a->second_offset, a->second, a->second_bytes < room ? a->second_bytes : room);
    }
    return length < all ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static NTSTATUS give_basic(const struct cm_key *k, void *out, ULONG length, ULONG *needed)
{
    struct key_basic b = { k->written_100ns, 0, k->name_bytes };
    struct answer a = { .fixed = &b, .fixed_bytes = sizeof b, .first = k->name, .first_bytes = k->name_bytes };
    return give(&a, out, length, needed);
}

static NTSTATUS give_node(const struct cm_key *k, void *out, ULONG length, ULONG *needed)
{
    struct key_node n = { k->written_100ns, 0, 0xFFFFFFFF, k->class_bytes, k->name_bytes };
    struct answer a = { .fixed = &n, .fixed_bytes = sizeof n, .first = k->name, .first_bytes = k->name_bytes, .second = k->class_name,
                        .second_bytes = k->class_bytes, .second_offset = (ULONG)((sizeof n + k->name_bytes + 3) & ~3u) };
    if (k->class_bytes)
        n.class_offset = a.second_offset;
    return give(&a, out, length, needed);
}

static NTSTATUS give_full(const struct cm_key *k, void *out, ULONG length, ULONG *needed)
{
    struct key_full f;
    full_of(k, &f);
    f.class_offset = k->class_bytes ? offsetof(struct key_full, class_name) : 0xFFFFFFFF;
    struct answer a = { .fixed = &f, .fixed_bytes = offsetof(struct key_full, class_name), .first = k->class_name, .first_bytes = k->class_bytes };
    return give(&a, out, length, needed);
}

static NTSTATUS give_name(const struct cm_key *k, void *out, ULONG length, ULONG *needed)
{
    WCHAR path[KEY_PATH_CHARS];
    struct key_name n = { (ULONG)cm_key_path(k, path) * 2 };
    struct answer a = { .fixed = &n, .fixed_bytes = sizeof n, .first = path, .first_bytes = n.name_bytes };
    return give(&a, out, length, needed);
}

static NTSTATUS give_cached(const struct cm_key *k, void *out, ULONG length, ULONG *needed)
{
    struct key_full f;
    full_of(k, &f);
    struct key_cached c = { k->written_100ns, 0, f.subkeys, f.max_name, f.values, f.max_value_name, f.max_value_data, k->name_bytes };
    struct answer a = { .fixed = &c, .fixed_bytes = sizeof c };
    return give(&a, out, length, needed);
}

static NTSTATUS give_key(const struct cm_key *k, ULONG class, void *out, ULONG length, ULONG *needed)
{
    switch (class) {
    case KEY_BASIC:
        return give_basic(k, out, length, needed);
    case KEY_NODE:
        return give_node(k, out, length, needed);
    case KEY_FULL:
        return give_full(k, out, length, needed);
    case KEY_NAME:
        return give_name(k, out, length, needed);
    case KEY_CACHED:
        return give_cached(k, out, length, needed);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

NTSTATUS ZwQueryKey(HANDLE key, ULONG class, PVOID information, ULONG length, ULONG *needed)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_READ);
    NTSTATUS status = cm_key_of(key, &k);
    return NT_SUCCESS(status) ? give_key(k, class, information, length, needed) : status;
}

NTSTATUS ZwEnumerateKey(HANDLE key, ULONG index, ULONG class, PVOID information, ULONG length, ULONG *needed)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_READ);
    NTSTATUS status = cm_key_of(key, &k);
    if (!NT_SUCCESS(status))
        return status;
    const struct cm_key *c = k->children;
    while (c && index--)
        c = c->sibling;
    if (!c)
        return STATUS_NO_MORE_ENTRIES;
    return class > KEY_FULL ? STATUS_INVALID_PARAMETER : give_key(c, class, information, length, needed);
}

/* ---- forms with more arguments ---- */

NTSTATUS ZwCreateKeyTransacted(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG title, UNICODE_STRING *class_name, ULONG options,
                               HANDLE transaction, ULONG *disposition)
{
    return ZwCreateKey(key, access, oa, title, class_name, options, disposition);
}

NTSTATUS ZwOpenKeyTransacted(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, HANDLE transaction)
{
    return ZwOpenKey(key, access, oa);
}

NTSTATUS ZwOpenKeyTransactedEx(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG options, HANDLE transaction)
{
    return ZwOpenKeyEx(key, access, oa, options);
}

/* ---- registry callbacks: registered, never called ---- */

NTSTATUS CmRegisterCallback(PVOID function, PVOID context, LARGE_INTEGER *cookie)
{
    cookie->QuadPart = (LONGLONG)(uint64_t)cookie;
    return STATUS_SUCCESS;
}

NTSTATUS CmRegisterCallbackEx(PVOID function, UNICODE_STRING *altitude, PVOID driver, PVOID context, LARGE_INTEGER *cookie, PVOID reserved)
{
    return CmRegisterCallback(function, context, cookie);
}

NTSTATUS CmUnRegisterCallback(LARGE_INTEGER cookie)
{
    return STATUS_SUCCESS;
}

void cm_object_init(void)
{
    ob_type_register(OB_KEY, &key_type);
}
