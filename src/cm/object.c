/* Key objects, opening, creating, deleting, enumerating keys. */
#include <string.h>

#include "cm/callback.h"
#include "mm/mm.h"
#include "ob/ob.h"
#include "ps/ps.h"
#include "rtl/nls.h"
#include "sim/access.h"
#include "tm/tm.h"

enum { KEY_BODY_TYPE = 0x6B793032 /* "ky02" */, CREATED_NEW_KEY = 1, OPENED_EXISTING_KEY = 2, OPTION_VOLATILE = 1 };

struct key_body {
    ULONG type;
    ULONG pad;
    uint64_t id;
    void *transaction; /* referenced; NULL: none */
};

static void key_delete(void *object)
{
    cm_contexts_drop(object);
    void *transaction = ((struct key_body *)object)->transaction;
    if (transaction)
        ob_dereference(transaction);
}

/* DOC: the last handle is what is told; what closes it cannot be stopped. */
static void key_close(void *object, struct process *process, bool last)
{
    struct cm_call *c = NULL;
    if (last)
        c = cm_call_begin(REG_NT_PRE_KEY_HANDLE_CLOSE, REG_NT_POST_KEY_HANDLE_CLOSE, object, offsetof(REG_KEY_INFORMATION, CallContext), NULL, NULL);
    if (c) {
        c->guest->info.key.Object = object;
        cm_call_pre(c);
    }
    if (last) { /* DOC: between the two notifications */
        cm_contexts_drop(object);
        cm_notify_closed(object);
    }
    if (c)
        cm_call_end(c, STATUS_SUCCESS);
}

static const struct ob_type key_type = { "Key", key_delete, key_close, OB_NOT_WAITABLE, cm_has_contexts };

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
    void *transaction = cm_room()->viewer = b->transaction;
    bool ended = transaction && !tm_is_active(transaction);
    ob_dereference(object);
    return ended ? STATUS_TRANSACTION_NOT_ACTIVE : (*key)->deleted ? STATUS_KEY_DELETED : STATUS_SUCCESS;
}

NTSTATUS cm_key_to_change(HANDLE handle, struct cm_key **key)
{
    NTSTATUS status = cm_key_of(handle, key);
    const void *viewer = cm_room()->viewer;
    if (NT_SUCCESS(status) && viewer && (*key)->maker != viewer)
        ke_unsupported("a change, in a transaction, of a registry key that was there before");
    return status;
}

void *cm_transaction_of_object(const void *object)
{
    return ((const struct key_body *)object)->transaction;
}

struct cm_key *cm_key_of_object(const void *object)
{
    const struct key_body *b = object;
    IR_ASSERT(b->type == KEY_BODY_TYPE && b->id < cm_room()->key_count);
    return cm_room()->by_id[b->id];
}

void *cm_object_make(const struct cm_key *key)
{
    struct key_body *b = ob_create(OB_KEY, sizeof *b);
    b->type = KEY_BODY_TYPE;
    b->id = key->id;
    b->transaction = cm_room()->viewer;
    if (b->transaction)
        ob_reference(b->transaction);
    return b;
}

/* Takes over the caller's reference to the object. */
static NTSTATUS handle_of(void *object, ACCESS_MASK access, ULONG attributes, HANDLE *handle)
{
    struct process *p = attributes & OBJ_KERNEL_HANDLE || !MACHINE->fiber ? ps_system() : ps_current_process();
    NTSTATUS status = ob_handle_create(p, object, access, attributes, handle);
    ob_dereference(object);
    return status;
}

NTSTATUS cm_handle_make(struct cm_key *key, ACCESS_MASK access, ULONG attributes, HANDLE *handle)
{
    return handle_of(cm_object_make(key), access, attributes, handle);
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

/* DOC: below a key that was opened in a transaction, everything belongs to it. */
static NTSTATUS locate(const OBJECT_ATTRIBUTES *oa, void *transaction, struct place *p)
{
    static const UNICODE_STRING none;
    const UNICODE_STRING *name = oa->ObjectName ? oa->ObjectName : &none;
    if (name->Length % 2)
        return STATUS_OBJECT_NAME_INVALID;
    const WCHAR *path = name->Buffer;
    size_t chars = name->Length / 2u;
    struct cm_key *start = cm_root();
    cm_room()->viewer = transaction;
    if (oa->RootDirectory) {
        NTSTATUS status = cm_key_of(oa->RootDirectory, &start);
        if (!NT_SUCCESS(status))
            return status;
        if (transaction && cm_room()->viewer && cm_room()->viewer != transaction)
            return STATUS_INVALID_TRANSACTION; /* GUESS */
        if (transaction)
            cm_room()->viewer = transaction;
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

/* OBS (WDK samples, general/registry/regfltr, CreateOpenV1Sample): the key of devices is protected from being deleted, and says so to those that ask for
 * the check; kernel code that does not can do anything. The rights of other keys refuse nobody. */
static bool refuses(const struct cm_key *key, ULONG access, ULONG attributes)
{
    static const WCHAR path[] = u"\\REGISTRY\\MACHINE\\SYSTEM\\CurrentControlSet\\Enum";
    enum { READ = 0x00020019 /* KEY_READ */, SPECIFIC = 0x000D003F };
    WCHAR full[KEY_PATH_CHARS];
    size_t chars = cm_key_path(key, full);
    if (!(attributes & OBJ_FORCE_ACCESS_CHECK) || !(access & SPECIFIC & ~READ) || chars != sizeof path / 2 - 1)
        return false;
    for (size_t i = 0; i < chars; i++)
        if (rtl_upcase(full[i]) != rtl_upcase(path[i]))
            return false;
    return true;
}

static NTSTATUS open_key(const OBJECT_ATTRIBUTES *oa, ULONG access, void *transaction, struct cm_key **key)
{
    struct place p;
    sim_access(SIM_ACCESS_REGISTRY, SIM_READ);
    NTSTATUS status = locate(oa, transaction, &p);
    if (!NT_SUCCESS(status))
        return status;
    *key = p.key;
    return p.rest_chars ? STATUS_OBJECT_NAME_NOT_FOUND : refuses(p.key, access, oa->Attributes) ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

static void *root_object(void)
{
    if (!cm_room()->root_object)
        cm_room()->root_object = cm_object_make(cm_root());
    return cm_room()->root_object;
}

/* An open or a creation that callbacks are to hear of. */
static struct cm_call *watch_parse(uint32_t pre, ULONG access, const OBJECT_ATTRIBUTES *oa, const UNICODE_STRING *class_name, ULONG options, void *transaction)
{
    void *root = NULL;
    struct cm_call *c = cm_call_begin(pre, pre + 1, NULL, offsetof(REG_CREATE_KEY_INFORMATION, CallContext), oa->ObjectName, class_name);
    if (!c)
        return NULL;
    if (oa->RootDirectory)
        ob_handle_reference(ps_current_process(), oa->RootDirectory, OB_KEY, 0, &root, NULL);
    else
        ob_reference(root = root_object());
    if (access & 0x02000000) /* MAXIMUM_ALLOWED */
        access = (access & ~0x02000000u) | 0xF003F;
    struct cm_call_guest *g = c->guest;
    g->remaining = g->name;
    if (!oa->RootDirectory && starts_with_registry(&g->name)) {
        ULONG skip = g->name.Length > 20 ? 20 : g->name.Length; /* GUESS: what is left below the root object */
        g->remaining = (UNICODE_STRING) { (USHORT)(g->name.Length - skip), (USHORT)(g->name.Length - skip), g->name.Buffer + skip / 2 };
    }
    c->object = root;
    c->holds = root != NULL;
    g->info.create = (REG_CREATE_KEY_INFORMATION) {
        .CompleteName = &g->name,
        .RootObject = root,
        .ObjectType = ob_type_object(OB_KEY),
        .Options = options,
        .Class = pre == REG_NT_PRE_CREATE_KEY_EX ? &g->class_name : NULL,
        .SecurityDescriptor = oa->SecurityDescriptor,
        .SecurityQualityOfService = oa->SecurityQualityOfService,
        .DesiredAccess = access,
        .Disposition = &g->disposition,
        .ResultObject = &g->result_object,
        .Transaction = transaction,
        .Version = 1,
        .RemainingName = &g->remaining,
        .Attributes = oa->Attributes,
        .CheckAccessMode = (UCHAR)(ps_current()->ethread->Tcb.PreviousMode),
    };
    return c;
}

/* What the callbacks leave of an operation whose key is to be opened: the object (referenced), if it succeeds.
 * DOC: *ResultObject is what counts in the end. A callback that turns success into an error has dereferenced the object and put NULL there;
 * one that turns an error into success puts an object of its own there, referenced. */
static NTSTATUS end_parse(struct cm_call *c, NTSTATUS status, void *object, ACCESS_MASK *access, void **out)
{
    if (NT_SUCCESS(status) && !object) { /* a callback did it */
        object = c->guest->result_object;
    } else {
        c->guest->info.create.GrantedAccess = NT_SUCCESS(status) ? c->guest->info.create.DesiredAccess : 0;
        c->guest->result_object = object;
    }
    status = cm_call_tell_end(c, NT_SUCCESS(status) ? object : NULL, status);
    object = c->guest->result_object;
    if (NT_SUCCESS(status) && c->guest->info.create.GrantedAccess)
        *access = c->guest->info.create.GrantedAccess;
    cm_call_free(c);
    if (NT_SUCCESS(status) && (!object || ob_type_of(object) != OB_KEY))
        return STATUS_INVALID_PARAMETER; /* GUESS: success without a key */
    if (!NT_SUCCESS(status) && object)
        ob_dereference(object);
    *out = object;
    return status;
}

static NTSTATUS open_in(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG options, void *transaction)
{
    struct cm_key *k = NULL;
    struct cm_call *c = watch_parse(REG_NT_PRE_OPEN_KEY_EX, access, oa, NULL, options, transaction);
    NTSTATUS status;
    void *object = NULL;
    if (!c) {
        status = open_key(oa, access, transaction, &k);
        object = NT_SUCCESS(status) ? cm_object_make(k) : NULL;
    } else {
        status = cm_call_pre(c) ? open_key(oa, access, transaction, &k) : c->status;
        status = end_parse(c, status, NT_SUCCESS(status) && k ? cm_object_make(k) : NULL, &access, &object);
    }
    HANDLE h;
    if (NT_SUCCESS(status))
        status = handle_of(object, access, oa->Attributes, &h);
    if (NT_SUCCESS(status))
        *key = h;
    return status;
}

NTSTATUS ZwOpenKeyEx(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG options)
{
    return open_in(key, access, oa, options, NULL);
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
    if (cm_is_hidden(p->key, p->rest, p->rest_chars))
        return STATUS_TRANSACTIONAL_CONFLICT; /* DOC: a transaction has the name */
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

static NTSTATUS create_key(const OBJECT_ATTRIBUTES *oa, const UNICODE_STRING *class_name, ULONG options, void *transaction, ULONG *disposition,
                           struct cm_key **key)
{
    struct place p;
    sim_access(SIM_ACCESS_REGISTRY, SIM_WRITE);
    NTSTATUS status = locate(oa, transaction, &p);
    if (!NT_SUCCESS(status))
        return status;
    *key = p.key;
    *disposition = OPENED_EXISTING_KEY;
    if (!p.rest_chars)
        return STATUS_SUCCESS;
    *disposition = CREATED_NEW_KEY;
    status = create(&p, class_name, options, key);
    if (NT_SUCCESS(status))
        cm_notify((*key)->parent, NOTIFY_NAME);
    return status;
}

static NTSTATUS create_in(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, UNICODE_STRING *class_name, ULONG options, void *transaction, ULONG *disposition)
{
    struct cm_key *k = NULL;
    ULONG did = 0;
    struct cm_call *c = watch_parse(REG_NT_PRE_CREATE_KEY_EX, access, oa, class_name, options, transaction);
    NTSTATUS status;
    void *object = NULL;
    if (!c) {
        status = create_key(oa, class_name, options, transaction, &did, &k);
        object = NT_SUCCESS(status) ? cm_object_make(k) : NULL;
    } else {
        status = c->status;
        if (cm_call_pre(c))
            status = create_key(oa, class_name, options, transaction, &c->guest->disposition, &k);
        else
            status = c->status;
        struct cm_call_guest *g = c->guest;
        did = g->disposition;
        status = end_parse(c, status, NT_SUCCESS(status) && k ? cm_object_make(k) : NULL, &access, &object);
    }
    HANDLE h;
    if (NT_SUCCESS(status))
        status = handle_of(object, access, oa->Attributes, &h);
    if (!NT_SUCCESS(status))
        return status;
    *key = h;
    if (disposition)
        *disposition = did;
    return status;
}

NTSTATUS ZwCreateKey(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG title, UNICODE_STRING *class_name, ULONG options, ULONG *disposition)
{
    return create_in(key, access, oa, class_name, options, NULL, disposition);
}

static NTSTATUS delete_key(HANDLE key)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_WRITE);
    NTSTATUS status = cm_key_to_change(key, &k);
    if (!NT_SUCCESS(status))
        return status == STATUS_KEY_DELETED ? STATUS_SUCCESS : status;
    if (k->children || !k->parent)
        return STATUS_CANNOT_DELETE;
    struct cm_key *parent = k->parent;
    cm_key_delete(k);
    cm_notify(parent, NOTIFY_NAME);
    return STATUS_SUCCESS;
}

NTSTATUS ZwDeleteKey(HANDLE key)
{
    struct cm_call *c = cm_call_begin_key(REG_NT_PRE_DELETE_KEY, REG_NT_POST_DELETE_KEY, key, offsetof(REG_KEY_INFORMATION, CallContext), NULL);
    if (!c)
        return delete_key(key);
    return cm_call_end(c, cm_call_pre(c) ? delete_key(key) : c->status);
}

NTSTATUS ZwFlushKey(HANDLE key)
{
    struct cm_key *k;
    struct cm_call *c = cm_call_begin_key(REG_NT_PRE_FLUSH_KEY, REG_NT_POST_FLUSH_KEY, key, offsetof(REG_KEY_INFORMATION, CallContext), NULL);
    if (!c)
        return cm_key_of(key, &k);
    return cm_call_end(c, cm_call_pre(c) ? cm_key_of(key, &k) : c->status);
}

static NTSTATUS rename_key(HANDLE key, const UNICODE_STRING *name)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_WRITE);
    NTSTATUS status = cm_key_to_change(key, &k);
    if (!NT_SUCCESS(status))
        return status;
    size_t chars = name->Length / 2u;
    bool bad = !chars || chars >= KEY_NAME_CHARS;
    for (size_t i = 0; i < chars; i++)
        bad |= name->Buffer[i] == '\\';
    if (bad)
        return STATUS_INVALID_PARAMETER;
    if (!k->parent)
        return STATUS_ACCESS_DENIED; /* GUESS */
    if (!cm_key_rename(k, name->Buffer, chars))
        return STATUS_CANNOT_DELETE; /* GUESS: as for a key that is in the way */
    cm_notify(k->parent, NOTIFY_NAME);
    return STATUS_SUCCESS;
}

NTSTATUS ZwRenameKey(HANDLE key, UNICODE_STRING *name)
{
    struct cm_call *c = cm_call_begin_key(REG_NT_PRE_RENAME_KEY, REG_NT_POST_DELETE_KEY + REG_NT_PRE_RENAME_KEY, key,
                                          offsetof(REG_NAME_KEY_INFORMATION, CallContext), name);
    if (!c)
        return rename_key(key, name);
    c->guest->info.name.Name = &c->guest->name;
    return cm_call_end(c, cm_call_pre(c) ? rename_key(key, name) : c->status);
}

/* KeyWriteTimeInformation; the other classes concern 32-bit programs and virtualisation. */
static NTSTATUS set_information(HANDLE key, ULONG class, const void *information, ULONG length)
{
    enum { WRITE_TIME = 0, FLAGS_MAX = 6 };
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_WRITE);
    NTSTATUS status = cm_key_to_change(key, &k);
    if (!NT_SUCCESS(status))
        return status;
    if (class > FLAGS_MAX)
        return STATUS_INVALID_INFO_CLASS;
    if (length != (class == WRITE_TIME ? 8u : 4u))
        return STATUS_INFO_LENGTH_MISMATCH;
    if (class != WRITE_TIME)
        return STATUS_SUCCESS;
    uint64_t time;
    memcpy(&time, information, sizeof time);
    k->written_100ns = time;
    cm_notify(k, NOTIFY_LAST_SET);
    return STATUS_SUCCESS;
}

NTSTATUS ZwSetInformationKey(HANDLE key, ULONG class, PVOID information, ULONG length)
{
    struct cm_call *c = cm_call_begin_key(REG_NT_PRE_SET_INFORMATION_KEY, REG_NT_POST_DELETE_KEY + REG_NT_PRE_SET_INFORMATION_KEY, key,
                                          offsetof(REG_SET_INFORMATION_KEY_INFORMATION, CallContext), NULL);
    if (!c)
        return set_information(key, class, information, length);
    c->guest->info.set_information.KeySetInformationClass = class;
    c->guest->info.set_information.KeySetInformation = information;
    c->guest->info.set_information.KeySetInformationLength = length;
    return cm_call_end(c, cm_call_pre(c) ? set_information(key, class, information, length) : c->status);
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
    for (const struct cm_key *c = cm_seen(k->children); c; c = cm_seen(c->sibling)) {
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

static NTSTATUS query_key(HANDLE key, ULONG class, PVOID information, ULONG length, ULONG *needed)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_READ);
    NTSTATUS status = cm_key_of(key, &k);
    return NT_SUCCESS(status) ? give_key(k, class, information, length, needed) : status;
}

NTSTATUS ZwQueryKey(HANDLE key, ULONG class, PVOID information, ULONG length, ULONG *needed)
{
    struct cm_call *c = cm_call_begin_key(REG_NT_PRE_QUERY_KEY, REG_NT_POST_DELETE_KEY + REG_NT_PRE_QUERY_KEY, key,
                                          offsetof(REG_QUERY_KEY_INFORMATION, CallContext), NULL);
    if (!c)
        return query_key(key, class, information, length, needed);
    REG_QUERY_KEY_INFORMATION *q = &c->guest->info.query;
    q->Class = class;
    q->Information = information;
    q->Length = length;
    q->ResultLength = &c->guest->result_length;
    NTSTATUS status = cm_call_pre(c) ? query_key(key, class, information, length, q->ResultLength) : c->status;
    cm_call_take_length(c, needed);
    return cm_call_end(c, status);
}

static NTSTATUS enumerate_key(HANDLE key, ULONG index, ULONG class, PVOID information, ULONG length, ULONG *needed)
{
    struct cm_key *k;
    sim_access(SIM_ACCESS_REGISTRY, SIM_READ);
    NTSTATUS status = cm_key_of(key, &k);
    if (!NT_SUCCESS(status))
        return status;
    const struct cm_key *c = cm_seen(k->children);
    while (c && index--)
        c = cm_seen(c->sibling);
    if (!c)
        return STATUS_NO_MORE_ENTRIES;
    return class > KEY_FULL ? STATUS_INVALID_PARAMETER : give_key(c, class, information, length, needed);
}

NTSTATUS ZwEnumerateKey(HANDLE key, ULONG index, ULONG class, PVOID information, ULONG length, ULONG *needed)
{
    struct cm_call *c = cm_call_begin_key(REG_NT_PRE_ENUMERATE_KEY, REG_NT_POST_DELETE_KEY + REG_NT_PRE_ENUMERATE_KEY, key,
                                          offsetof(REG_ENUMERATE_KEY_INFORMATION, CallContext), NULL);
    if (!c)
        return enumerate_key(key, index, class, information, length, needed);
    cm_call_enumerates(c, index, class, information, length);
    NTSTATUS status = cm_call_pre(c) ? enumerate_key(key, index, class, information, length, &c->guest->result_length) : c->status;
    cm_call_take_length(c, needed);
    return cm_call_end(c, status);
}

/* ---- forms with more arguments ---- */

NTSTATUS ZwCreateKeyTransacted(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG title, UNICODE_STRING *class_name, ULONG options,
                               HANDLE transaction, ULONG *disposition)
{
    void *t;
    NTSTATUS status = tm_transaction_of(transaction, &t);
    if (!NT_SUCCESS(status))
        return status;
    status = create_in(key, access, oa, class_name, options, t, disposition);
    ob_dereference(t);
    return status;
}

NTSTATUS ZwOpenKeyTransactedEx(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG options, HANDLE transaction)
{
    void *t;
    NTSTATUS status = tm_transaction_of(transaction, &t);
    if (!NT_SUCCESS(status))
        return status;
    status = open_in(key, access, oa, options, t);
    ob_dereference(t);
    return status;
}

NTSTATUS ZwOpenKeyTransacted(HANDLE *key, ULONG access, OBJECT_ATTRIBUTES *oa, HANDLE transaction)
{
    return ZwOpenKeyTransactedEx(key, access, oa, 0, transaction);
}

void cm_object_init(void)
{
    ob_type_register(OB_KEY, &key_type);
}
