/* Handle tables. A table is an array of entries in private memory; handle = (index + 1) * 4, the lowest free one first. */
#include <string.h>

#include "ob/callback.h"
#include "ob/object.h"
#include "ps/ps.h"
#include "sim/access.h"

#define KERNEL_HANDLE_BIT 0xFFFFFFFF80000000ull

struct entry {
    void *object;
    ACCESS_MASK access;
    ULONG attributes;
};

struct handle_table {
    uint32_t size; /* entries */
    uint32_t first_free; /* no free entry below */
    struct entry *entries;
};

static struct handle_table *table_of(struct process *p)
{
    if (!p->handles) {
        p->handles = sim_alloc(sizeof *p->handles);
        p->handles->size = 64;
        p->handles->entries = sim_alloc(64 * sizeof(struct entry));
    }
    return p->handles;
}

static void grow(struct handle_table *t)
{
    struct entry *bigger = sim_alloc(t->size * 2 * sizeof *bigger);
    memcpy(bigger, t->entries, t->size * sizeof *bigger);
    sim_free(t->entries, t->size * sizeof *bigger);
    t->entries = bigger;
    t->size *= 2;
}

static NTSTATUS handle_create(struct process *process, void *object, ACCESS_MASK access, ULONG attributes, HANDLE *handle)
{
    struct handle_table *t = table_of(process);
    uint32_t i = t->first_free;
    while (i < t->size && t->entries[i].object)
        i++;
    if (i == t->size)
        grow(t);
    t->entries[i] = (struct entry) { object, access, attributes };
    t->first_free = i + 1;
    sim_access(SIM_ACCESS_OF(SIM_HANDLES, process->eprocess), SIM_WRITE);
    sim_access(SIM_ACCESS_OF(SIM_HANDLE, process->eprocess) + i, SIM_WRITE);
    sim_access(SIM_ACCESS_OF(SIM_LIFE, object), SIM_WRITE);
    ob_reference(object);
    OBJECT_TO_OBJECT_HEADER(object)->HandleCount++;
    uint64_t h = (uint64_t)(i + 1) * 4;
    *handle = (HANDLE)(process == ps_system() ? h | KERNEL_HANDLE_BIT : h);
    return STATUS_SUCCESS;
}

NTSTATUS ob_handle_create(struct process *process, void *object, ACCESS_MASK access, ULONG attributes, HANDLE *handle)
{
    struct ob_handle_call *call = ob_callbacks_pre(OB_HANDLE_CREATE, object, (attributes & OBJ_KERNEL_HANDLE) != 0, NULL, NULL, &access);
    NTSTATUS status = handle_create(process, object, access, attributes, handle);
    ob_callbacks_post(call, status);
    return status;
}

/* The table that a handle value belongs to: kernel handles are of System wherever they are used. */
static struct entry *find(struct process *process, HANDLE handle, struct process **owner)
{
    uint64_t h = (uint64_t)handle;
    if ((h & KERNEL_HANDLE_BIT) == KERNEL_HANDLE_BIT) {
        process = ps_system();
        h &= ~KERNEL_HANDLE_BIT;
    }
    struct handle_table *t = table_of(process);
    uint64_t i = (h >> 2) - 1;
    if (h >> 32 == 0)
        sim_access(SIM_ACCESS_OF(SIM_HANDLE, process->eprocess) + i, SIM_READ);
    if (h >> 32 || i >= t->size || !t->entries[i].object)
        return NULL;
    *owner = process;
    return &t->entries[i];
}

static void close_entry(struct process *owner, struct entry *e)
{
    struct handle_table *t = owner->handles;
    void *object = e->object;
    e->object = NULL;
    if ((uint32_t)(e - t->entries) < t->first_free)
        t->first_free = (uint32_t)(e - t->entries);
    OBJECT_HEADER *h = OBJECT_TO_OBJECT_HEADER(object);
    sim_access(SIM_ACCESS_OF(SIM_HANDLES, owner->eprocess), SIM_WRITE);
    sim_access(SIM_ACCESS_OF(SIM_HANDLE, owner->eprocess) + (uint64_t)(e - t->entries), SIM_WRITE);
    sim_access(SIM_ACCESS_OF(SIM_LIFE, object), SIM_WRITE);
    h->HandleCount--;
    const struct ob_type *type = ob_type_info(ob_type_of(object));
    if (type->close)
        type->close(object, owner, h->HandleCount == 0);
    ob_dereference(object);
}

NTSTATUS ob_handle_attributes(struct process *process, HANDLE handle, ULONG mask, ULONG set, ULONG *attributes)
{
    struct process *owner;
    struct entry *e = find(process, handle, &owner);
    if (!e)
        return STATUS_INVALID_HANDLE;
    e->attributes = (e->attributes & ~mask) | (set & mask);
    if (attributes)
        *attributes = e->attributes;
    return STATUS_SUCCESS;
}

NTSTATUS ob_handle_close(struct process *process, HANDLE handle)
{
    struct process *owner;
    struct entry *e = find(process, handle, &owner);
    if (!e)
        return STATUS_INVALID_HANDLE;
    if (e->attributes & OBJ_PROTECT_CLOSE)
        return STATUS_HANDLE_NOT_CLOSABLE;
    close_entry(owner, e);
    return STATUS_SUCCESS;
}

/* An inherited handle has the same value. */
void ob_handles_inherit(struct process *from, struct process *to)
{
    const struct handle_table *t = table_of(from);
    for (uint32_t i = 0; i < t->size; i++) {
        const struct entry *e = &t->entries[i];
        if (!e->object || !(e->attributes & OBJ_INHERIT))
            continue;
        struct handle_table *child = table_of(to);
        while (i >= child->size)
            grow(child);
        child->entries[i] = *e;
        sim_access(SIM_ACCESS_OF(SIM_HANDLE, to->eprocess) + i, SIM_WRITE);
        sim_access(SIM_ACCESS_OF(SIM_LIFE, e->object), SIM_WRITE);
        ob_reference(e->object);
        OBJECT_TO_OBJECT_HEADER(e->object)->HandleCount++;
    }
}

static bool is_pseudo(HANDLE handle)
{
    return handle == (HANDLE)-1ll || handle == (HANDLE)-2ll;
}

static void *pseudo_object(HANDLE handle)
{
    return handle == (HANDLE)-1ll ? (void *)ps_current_process()->eprocess : (void *)ps_current()->ethread;
}

NTSTATUS ob_handle_reference(struct process *process, HANDLE handle, enum ob_type_index type, ACCESS_MASK wanted, void **object, ACCESS_MASK *granted)
{
    ACCESS_MASK access = 0x1FFFFF;
    void *found;
    if (is_pseudo(handle)) {
        found = pseudo_object(handle);
    } else {
        struct process *owner;
        struct entry *e = find(process, handle, &owner);
        if (!e)
            return STATUS_INVALID_HANDLE;
        found = e->object;
        access = e->access;
    }
    if (type != OB_NONE && ob_type_of(found) != type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    if (wanted & ~access)
        return STATUS_ACCESS_DENIED;
    ob_reference(found);
    *object = found;
    if (granted)
        *granted = access;
    return STATUS_SUCCESS;
}

void *ob_waitable_of_handle(struct process *process, HANDLE handle)
{
    struct process *owner;
    struct entry *e = is_pseudo(handle) ? NULL : find(process, handle, &owner);
    return e ? ob_waitable(e->object) : NULL;
}

NTSTATUS ob_handle_duplicate(struct process *from, HANDLE source, struct process *to, ULONG access, bool same_access, ULONG attributes, HANDLE *out)
{
    void *object;
    ACCESS_MASK granted;
    NTSTATUS s = ob_handle_reference(from, source, OB_NONE, 0, &object, &granted);
    if (!NT_SUCCESS(s))
        return s;
    if (same_access)
        access = granted;
    struct ob_handle_call *call = ob_callbacks_pre(OB_HANDLE_DUPLICATE, object, (attributes & OBJ_KERNEL_HANDLE) != 0, from, to, &access);
    s = handle_create(to, object, access, attributes, out);
    ob_callbacks_post(call, s);
    ob_dereference(object);
    return s;
}

uint64_t ob_handle_count(struct process *process, HANDLE *last, void **object)
{
    const struct handle_table *t = process->handles;
    uint64_t n = 0;
    for (uint32_t i = 0; t && i < t->size; i++)
        if (t->entries[i].object) {
            uint64_t h = (uint64_t)(i + 1) * 4;
            n++;
            *last = (HANDLE)(process == ps_system() ? h | KERNEL_HANDLE_BIT : h);
            *object = t->entries[i].object;
        }
    return n;
}

void ob_handles_close_all(struct process *process)
{
    struct handle_table *t = process->handles;
    for (uint32_t i = 0; t && i < t->size; i++)
        if (t->entries[i].object)
            close_entry(process, &t->entries[i]);
}
