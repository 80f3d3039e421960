/* Objects: an OBJECT_HEADER in front of each body, in pool. Names, and whatever else is not in the header, lie in a private
 * record that is found through the object's address. */
#include "ob/object.h"

#include <stdio.h>
#include <string.h>

#include "ex/work.h"
#include "mm/mm.h"
#include "ps/ps.h"
#include "sim/access.h"
#include "sim/machine.h"

enum { PERMANENT = 0x10 }; /* OB_FLAG_PERMANENT_OBJECT */
enum { OB_TAG = 0x206A624F /* "Obj " */, BUCKETS = 256 };

static struct ob_type types[OB_TYPE_COUNT]; /* constants of the process, registered before the first run */

struct ob_room *ob_room(void)
{
    return MACHINE->rooms[ROOM_OB];
}

void ob_type_register(enum ob_type_index index, const struct ob_type *type)
{
    types[index] = *type;
}

const struct ob_type *ob_type_info(enum ob_type_index index)
{
    return &types[index];
}

static unsigned bucket_of(const void *object)
{
    return (unsigned)(((uint64_t)object >> 4) * 2654435761u >> 16) % BUCKETS;
}

struct ob_record *ob_record(const void *object)
{
    for (struct ob_record *r = ob_room()->buckets[bucket_of(object)]; r; r = r->next)
        if (r->object == object)
            return r;
    return NULL;
}

void *ob_create(enum ob_type_index type, size_t bytes)
{
    OBJECT_HEADER *h = ex_pool_alloc_to_fill(NonPagedPoolNx, sizeof *h + bytes, OB_TAG);
    memset(h, 0, sizeof *h + bytes);
    h->PointerCount = 1;
    h->TypeIndex = (UCHAR)type;
    ob_room()->live[type]++;
    return h->Body;
}

enum ob_type_index ob_type_of(const void *object)
{
    return (enum ob_type_index)OBJECT_TO_OBJECT_HEADER(object)->TypeIndex;
}

const char *ob_type_name(enum ob_type_index type)
{
    return types[type].name ? types[type].name : "?";
}

/* Who lets go of a thread last shows nowhere: it has no name and nothing to be done at its end, and its block is not given out again. So its own end and the
 * closing of its handles have no order. */
static bool goes_unseen(const void *object)
{
    return ob_type_of(object) == OB_THREAD;
}

void ob_life_touch(const void *object, unsigned how)
{
    if (!goes_unseen(object))
        sim_access(SIM_ACCESS_OF(SIM_LIFE, object), how);
}

void ob_make_permanent(void *object)
{
    ob_life_touch(object, SIM_WRITE);
    OBJECT_TO_OBJECT_HEADER(object)->Flags |= PERMANENT;
}

void ob_make_temporary(void *object)
{
    ob_life_touch(object, SIM_WRITE);
    OBJECT_TO_OBJECT_HEADER(object)->Flags &= (UCHAR)~PERMANENT;
}

/* While it is permanent or somebody has a handle nobody else is the last to let go: references come and go in any order. */
void ob_reference(void *object)
{
    ob_life_touch(object, SIM_READ);
    OBJECT_TO_OBJECT_HEADER(object)->PointerCount++;
}

/* DOC: the delete routine of a file sends a request and may wait: with APCs disabled, or above PASSIVE_LEVEL, a worker thread does it. */
static bool must_defer(enum ob_type_index type, const void *object)
{
    return types[type].delete_waits && KeAreAllApcsDisabled() && types[type].delete_waits(object);
}

struct deferred {
    WORK_QUEUE_ITEM item;
    void *object;
};

static void destroy(void *object);
static void record_drop(struct ob_record *r);

static void destroy_deferred(void *context)
{
    struct deferred *d = context;
    void *object = d->object;
    ex_pool_free(d);
    destroy(object);
}

static void delete_later(void *object)
{
    struct deferred *d = ex_pool_alloc(NonPagedPoolNx, sizeof *d, OB_TAG);
    memset(d, 0, sizeof *d);
    d->object = object;
    ex_work_queue_host(&d->item, destroy_deferred, d, WORK_CRITICAL);
}

static void destroy(void *object)
{
    OBJECT_HEADER *h = OBJECT_TO_OBJECT_HEADER(object);
    enum ob_type_index type = ob_type_of(object);
    if (must_defer(type, object)) {
        delete_later(object);
        return;
    }
    if (types[type].delete)
        types[type].delete(object);
    ob_remove_name(object);
    if (ob_record(object))
        record_drop(ob_record(object));
    ob_room()->live[type]--;
    bool unseen = goes_unseen(object);
    h->TypeIndex = 0;
    if (unseen)
        ex_pool_free_unseen(h);
    else
        ex_pool_free(h);
}

void ob_dereference(void *object)
{
    OBJECT_HEADER *h = OBJECT_TO_OBJECT_HEADER(object);
    if (h->PointerCount <= 0)
        KeBugCheckEx(0x18, (ULONG64)ob_type_of(object), (ULONG64)object, 0, (ULONG64)h->PointerCount); /* REFERENCE_BY_POINTER */
    h->PointerCount--;
    bool kept = h->PointerCount > 0 && (h->HandleCount > 0 || (h->Flags & PERMANENT));
    ob_life_touch(object, kept ? SIM_READ : SIM_WRITE);
    if (h->PointerCount == 0)
        destroy(object);
}

struct object_walk {
    enum ob_type_index type;
    void (*fn)(void *ctx, void *object, uint64_t caller);
    void *ctx;
};

static void walk_block(void *ctx, const struct pool_block *b)
{
    const struct object_walk *w = ctx;
    OBJECT_HEADER *h = (OBJECT_HEADER *)b->base;
    if (b->tag == OB_TAG && b->bytes >= sizeof *h && h->TypeIndex == (UCHAR)w->type && h->PointerCount > 0)
        w->fn(w->ctx, h->Body, b->caller);
}

void ob_walk(enum ob_type_index type, void (*fn)(void *ctx, void *object, uint64_t caller), void *ctx)
{
    struct object_walk w = { type, fn, ctx };
    mm_pool_walk(walk_block, &w);
}

uint64_t ob_live_count(enum ob_type_index type)
{
    return ob_room()->live[type];
}

void *ob_waitable(void *object)
{
    const struct ob_type *t = &types[ob_type_of(object)];
    return t->offset_of_waitable == OB_NOT_WAITABLE ? NULL : (UCHAR *)object + t->offset_of_waitable;
}

/* ---- names ---- */

static struct ob_record *record_make(void *object)
{
    struct ob_record *r = ob_record(object);
    if (r)
        return r;
    r = sim_alloc(sizeof *r);
    r->object = object;
    struct ob_record **b = &ob_room()->buckets[bucket_of(object)];
    r->next = *b;
    *b = r;
    return r;
}

static void record_drop(struct ob_record *r)
{
    struct ob_record **at = &ob_room()->buckets[bucket_of(r->object)];
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    sim_free(r->name.Buffer, r->name.MaximumLength);
    sim_free(r->target.Buffer, r->target.MaximumLength);
    sim_free(r, sizeof *r);
}

static WCHAR up(WCHAR c)
{
    return c >= 'a' && c <= 'z' ? (WCHAR)(c - 32) : c;
}

static bool same_name(const UNICODE_STRING *a, const UNICODE_STRING *b)
{
    if (a->Length != b->Length)
        return false;
    for (unsigned i = 0; i < a->Length / 2u; i++)
        if (up(a->Buffer[i]) != up(b->Buffer[i]))
            return false;
    return true;
}

static struct ob_record *child_find(const struct ob_record *dir, const UNICODE_STRING *name)
{
    for (struct ob_record *r = dir->first_child; r; r = r->sibling)
        if (same_name(&r->name, name))
            return r;
    return NULL;
}

static void child_add(struct ob_record *dir, struct ob_record *r)
{
    struct ob_record **at = &dir->first_child;
    while (*at)
        at = &(*at)->sibling;
    *at = r;
    r->parent = dir;
    ob_reference(dir->object);
}

/* Splits the first component off path: "\A\B" gives "A" and rest "\B". */
static bool next_component(UNICODE_STRING *path, UNICODE_STRING *part)
{
    if (path->Length == 0 || path->Buffer[0] != '\\')
        return false;
    unsigned n = path->Length / 2u, i = 1;
    while (i < n && path->Buffer[i] != '\\')
        i++;
    part->Buffer = path->Buffer + 1;
    part->Length = part->MaximumLength = (USHORT)((i - 1) * 2);
    path->Buffer += i;
    path->Length = (USHORT)(path->Length - i * 2);
    return true;
}

static void name_set(struct ob_record *r, const UNICODE_STRING *name)
{
    r->name.Length = name->Length;
    r->name.MaximumLength = (USHORT)(name->Length + 2);
    r->name.Buffer = sim_alloc(r->name.MaximumLength);
    memcpy(r->name.Buffer, name->Buffer, name->Length);
}

NTSTATUS ob_insert_name(void *object, const UNICODE_STRING *path, ULONG attributes)
{
    UNICODE_STRING rest = *path, part;
    struct ob_record *dir = ob_room()->root;
    sim_access(SIM_ACCESS_NAMESPACE, SIM_WRITE);
    if (rest.Length == 0 || rest.Buffer[0] != '\\')
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    while (next_component(&rest, &part)) {
        if (part.Length == 0)
            return STATUS_OBJECT_NAME_INVALID;
        struct ob_record *r = child_find(dir, &part);
        if (rest.Length == 0) {
            if (r)
                return STATUS_OBJECT_NAME_COLLISION;
            r = record_make(object);
            name_set(r, &part);
            child_add(dir, r);
            ob_reference(object);
            return STATUS_SUCCESS;
        }
        if (r && ob_type_of(r->object) == OB_SYMLINK) {
            /* A directory reached through a link, such as \DosDevices. */
            void *to;
            UNICODE_STRING none;
            if (!NT_SUCCESS(ob_lookup(&r->target, 0, &to, &none)))
                return STATUS_OBJECT_PATH_NOT_FOUND;
            ob_dereference(to);
            r = ob_record(to);
        }
        if (!r || ob_type_of(r->object) != OB_DIRECTORY)
            return STATUS_OBJECT_PATH_NOT_FOUND;
        dir = r;
    }
    return STATUS_OBJECT_NAME_INVALID;
}

void ob_remove_name(void *object)
{
    struct ob_record *r = ob_record(object);
    if (!r || !r->parent)
        return;
    sim_access(SIM_ACCESS_NAMESPACE, SIM_WRITE);
    void *directory = r->parent->object;
    struct ob_record **at = &r->parent->first_child;
    while (*at != r)
        at = &(*at)->sibling;
    *at = r->sibling;
    r->parent = r->sibling = NULL;
    if (ob_type_of(object) != OB_DIRECTORY && ob_type_of(object) != OB_SYMLINK) /* these are more than their names */
        record_drop(r);
    ob_dereference(directory);
    if (OBJECT_TO_OBJECT_HEADER(object)->PointerCount > 0)
        ob_dereference(object);
}

void ob_close_named(void *object, struct process *process, bool last_handle_of_all)
{
    if (last_handle_of_all && !(OBJECT_TO_OBJECT_HEADER(object)->Flags & PERMANENT))
        ob_remove_name(object);
}

static NTSTATUS lookup(const UNICODE_STRING *path, void **object, UNICODE_STRING *rest, int depth)
{
    UNICODE_STRING left = *path, part;
    struct ob_record *at = ob_room()->root;
    sim_access(SIM_ACCESS_NAMESPACE, SIM_READ);
    if (left.Length == 0 || left.Buffer[0] != '\\')
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    while (left.Length) {
        if (ob_type_of(at->object) != OB_DIRECTORY)
            break;
        if (left.Length == 2)
            break; /* trailing backslash: the directory itself */
        next_component(&left, &part);
        struct ob_record *r = child_find(at, &part);
        if (!r)
            return left.Length ? STATUS_OBJECT_PATH_NOT_FOUND : STATUS_OBJECT_NAME_NOT_FOUND;
        at = r;
        if (ob_type_of(at->object) == OB_SYMLINK) {
            if (left.Length == 0 && ob_room()->open_links)
                break;
            WCHAR buffer[1024];
            if (depth > 16 || at->target.Length + left.Length > sizeof buffer)
                return STATUS_OBJECT_NAME_INVALID;
            memcpy(buffer, at->target.Buffer, at->target.Length);
            memcpy((UCHAR *)buffer + at->target.Length, left.Buffer, left.Length);
            UNICODE_STRING to = { (USHORT)(at->target.Length + left.Length), sizeof buffer, buffer };
            NTSTATUS s = lookup(&to, object, rest, depth + 1);
            if (NT_SUCCESS(s) && rest->Length <= left.Length) /* the remainder is the tail of the caller's path too */
                rest->Buffer = (WCHAR *)((UCHAR *)path->Buffer + path->Length - rest->Length);
            else if (NT_SUCCESS(s)) { /* \SystemRoot: it begins in the link's target */
                WCHAR *own = sim_alloc(rest->Length);
                memcpy(own, rest->Buffer, rest->Length);
                rest->Buffer = own;
            }
            return s;
        }
    }
    ob_reference(at->object);
    *object = at->object;
    *rest = left;
    return STATUS_SUCCESS;
}

NTSTATUS ob_lookup(const UNICODE_STRING *path, ULONG attributes, void **object, UNICODE_STRING *rest)
{
    return lookup(path, object, rest, 0);
}

NTSTATUS ob_lookup_link(const UNICODE_STRING *path, void **object)
{
    UNICODE_STRING rest;
    ob_room()->open_links = true;
    NTSTATUS s = lookup(path, object, &rest, 0);
    ob_room()->open_links = false;
    if (NT_SUCCESS(s) && (rest.Length || ob_type_of(*object) != OB_SYMLINK)) {
        ob_dereference(*object);
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    return s;
}

static size_t name_append(const struct ob_record *r, char *out, size_t size, size_t n)
{
    if (!r->parent)
        return n;
    n = name_append(r->parent, out, size, n);
    if (n + 1 < size)
        out[n++] = '\\';
    for (unsigned i = 0; i < r->name.Length / 2u && n + 1 < size; i++)
        out[n++] = r->name.Buffer[i] < 0x80 ? (char)r->name.Buffer[i] : '?';
    out[n] = 0;
    return n;
}

static size_t wide_append(const struct ob_record *r, WCHAR *out, size_t room, size_t n)
{
    if (!r->parent)
        return n;
    n = wide_append(r->parent, out, room, n);
    if (n < room)
        out[n] = '\\';
    n++;
    for (unsigned i = 0; i < r->name.Length / 2u; i++, n++)
        if (n < room)
            out[n] = r->name.Buffer[i];
    return n;
}

size_t ob_name_wide(const void *object, WCHAR *out, size_t room)
{
    const struct ob_record *r = ob_record(object);
    return r ? wide_append(r, out, room, 0) : 0;
}

NTSTATUS ob_attributes_path(const OBJECT_ATTRIBUTES *oa, struct ob_path *path)
{
    void *root;
    if (!oa->ObjectName)
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    path->name = *oa->ObjectName;
    if (!oa->RootDirectory)
        return STATUS_SUCCESS;
    NTSTATUS s = ob_handle_reference(ps_current_process(), oa->RootDirectory, OB_NONE, 0, &root, NULL);
    if (!NT_SUCCESS(s))
        return s;
    size_t n = ob_type_of(root) == OB_DIRECTORY ? ob_name_wide(root, path->room, OB_PATH_CHARS) : 0, more = oa->ObjectName->Length / 2u;
    s = ob_type_of(root) != OB_DIRECTORY ? STATUS_OBJECT_TYPE_MISMATCH : more && oa->ObjectName->Buffer[0] == '\\' ? STATUS_OBJECT_PATH_SYNTAX_BAD
        : n + more + 1 > OB_PATH_CHARS ? STATUS_NAME_TOO_LONG : STATUS_SUCCESS;
    ob_dereference(root);
    if (!NT_SUCCESS(s))
        return s;
    if (more) {
        path->room[n++] = '\\';
        memcpy(path->room + n, oa->ObjectName->Buffer, more * 2);
    }
    path->name = (UNICODE_STRING) { (USHORT)((n + more) * 2), sizeof path->room, path->room };
    return STATUS_SUCCESS;
}

void ob_name_text(const void *object, char *out, size_t size)
{
    out[0] = 0;
    const struct ob_record *r = ob_record(object);
    if (r)
        name_append(r, out, size, 0);
}

static void *directory_make(const char *path)
{
    void *d = ob_create(OB_DIRECTORY, 0x158);
    WCHAR w[64];
    UNICODE_STRING s = ob_text(path, w, 64);
    NTSTATUS status = ob_insert_name(d, &s, 0);
    IR_ASSERT(NT_SUCCESS(status));
    ob_make_permanent(d);
    return d;
}

UNICODE_STRING ob_text(const char *text, WCHAR *buffer, size_t count)
{
    size_t n = 0;
    for (; text[n] && n < count; n++)
        buffer[n] = (UCHAR)text[n];
    return (UNICODE_STRING) { (USHORT)(n * 2), (USHORT)(count * 2), buffer };
}

NTSTATUS ob_symlink_create(const UNICODE_STRING *name, const UNICODE_STRING *target, void **object)
{
    void *link = ob_create(OB_SYMLINK, 0x28);
    NTSTATUS s = ob_insert_name(link, name, 0);
    if (!NT_SUCCESS(s)) {
        ob_dereference(link);
        return s;
    }
    struct ob_record *r = ob_record(link);
    r->target.Length = target->Length;
    r->target.MaximumLength = (USHORT)(target->Length + 2);
    r->target.Buffer = sim_alloc(r->target.MaximumLength);
    memcpy(r->target.Buffer, target->Buffer, target->Length);
    ob_make_permanent(link);
    *object = link;
    return STATUS_SUCCESS;
}

static void link_make(const char *name, const char *target)
{
    WCHAR a[64], b[64];
    UNICODE_STRING n = ob_text(name, a, 64), t = ob_text(target, b, 64);
    void *link;
    NTSTATUS s = ob_symlink_create(&n, &t, &link);
    IR_ASSERT(NT_SUCCESS(s));
}

void ob_init(void)
{
    static const struct ob_type basic[] = {
        [OB_TYPE] = { "Type", NULL, NULL, OB_NOT_WAITABLE },
        [OB_DIRECTORY] = { "Directory", NULL, ob_close_named, OB_NOT_WAITABLE },
        [OB_SYMLINK] = { "SymbolicLink", NULL, ob_close_named, OB_NOT_WAITABLE },
        [OB_EVENT] = { "Event", NULL, NULL, 0 },
        [OB_SEMAPHORE] = { "Semaphore", NULL, NULL, 0 },
        [OB_MUTANT] = { "Mutant", NULL, NULL, 0 },
        [OB_TIMER] = { "Timer", NULL, NULL, 0 },
        [OB_SECTION] = { "Section", NULL, NULL, OB_NOT_WAITABLE },
        [OB_CALLBACK] = { "Callback", NULL, NULL, OB_NOT_WAITABLE },
        [OB_TOKEN] = { "Token", NULL, NULL, OB_NOT_WAITABLE },
        [OB_WMI_GUID] = { "WmiGuid", NULL, NULL, OB_NOT_WAITABLE },
    };
    for (int i = 0; i < OB_TYPE_COUNT; i++)
        if (i < (int)(sizeof basic / sizeof basic[0]) && basic[i].name && !types[i].name)
            types[i] = basic[i];
    struct ob_room *r = sim_alloc(sizeof *r);
    MACHINE->rooms[ROOM_OB] = r;
    void *root = ob_create(OB_DIRECTORY, 0x158);
    r->root = record_make(root);
    static const char *const directories[] = { "\\Device", "\\Driver", "\\FileSystem", "\\GLOBAL??", "\\BaseNamedObjects", "\\Callback",
                                               "\\ObjectTypes", "\\KernelObjects", "\\Security", "\\Registry" };
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
        directory_make(directories[i]);
    link_make("\\DosDevices", "\\GLOBAL??");
    link_make("\\??", "\\GLOBAL??");
    link_make("\\GLOBAL??\\GLOBALROOT", "");
    link_make("\\GLOBAL??\\Global", "\\GLOBAL??");
    for (int i = 1; i < OB_TYPE_COUNT; i++) {
        if (i == OB_WMI_GUID) /* no variable names that type */
            continue;
        r->type_objects[i] = ob_create(OB_TYPE, 0xD8);
        /* OBJECT_TYPE begins with TypeList, which is empty: it points to the type itself. mingw's headers declare the type variables
         * such that drivers read this word for the type. */
        LIST_ENTRY *list = r->type_objects[i];
        list->Flink = list->Blink = list;
    }
}

void *ob_type_object(enum ob_type_index type)
{
    return ob_room() ? ob_room()->type_objects[type] : NULL;
}
