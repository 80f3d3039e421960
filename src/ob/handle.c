/* Handle tables, in private memory; handle = (index + 1) * 4.
 *
 * Every thread takes its handles from a window of its own, the lowest free one first, so that a handle's value does not depend on what other threads open
 * meanwhile; the process's first thread has the first window, and so the values it would have on Windows if it was alone. Whoever closes a handle gives it back
 * to its window: there its owner's next one meets the order of closes, as a handle closed twice has to. Behind the windows there is room for all, for who needs
 * more than a window holds. */
#include <string.h>

#include "ob/callback.h"
#include "ob/object.h"
#include "ps/ps.h"
#include "sim/access.h"

#define KERNEL_HANDLE_BIT 0xFFFFFFFF80000000ull

enum { WINDOW_SHIFT = 8, WINDOW_HANDLES = 1 << WINDOW_SHIFT, COMMON = MAX_AGENTS + 1 /* number of the room for all */, FIRST_ROOM = 32 };
#define MOST_HANDLES (1u << 24) /* as on Windows */

struct entry {
    void *object;
    ACCESS_MASK access;
    ULONG attributes;
};

struct window {
    uint32_t size; /* entries there is memory for */
    uint32_t first_free; /* no free entry below */
    struct entry *entries;
};

struct handle_table {
    struct window windows[COMMON + 1];
};

static struct handle_table *table_of(struct process *p)
{
    if (!p->handles)
        p->handles = sim_alloc(sizeof *p->handles);
    return p->handles;
}

static uint32_t window_of(uint32_t index)
{
    return index >> WINDOW_SHIFT < COMMON ? index >> WINDOW_SHIFT : COMMON;
}

static uint32_t own_window(const struct process *p)
{
    const struct agent *a = MACHINE->fiber;
    return !a || (p->main_thread && p->main_thread->agent == a) ? 0 : 1u + a->place;
}

static void room_for(struct window *w, uint32_t index)
{
    uint32_t size = w->size ? w->size : FIRST_ROOM;
    while (size <= index)
        size *= 2;
    if (size == w->size)
        return;
    struct entry *bigger = sim_alloc(size * sizeof *bigger);
    if (w->size) {
        memcpy(bigger, w->entries, w->size * sizeof *bigger);
        sim_free(w->entries, w->size * sizeof *bigger);
    }
    w->entries = bigger;
    w->size = size;
}

static struct entry *entry_at(const struct process *p, uint64_t index)
{
    if (!p->handles || index >= MOST_HANDLES)
        return NULL;
    uint32_t n = window_of((uint32_t)index), i = (uint32_t)index - (n << WINDOW_SHIFT);
    const struct window *w = &p->handles->windows[n];
    return i < w->size && w->entries[i].object ? &w->entries[i] : NULL;
}

/* The entry becomes one that is in use. */
static struct entry *entry_make(struct process *p, uint32_t index)
{
    uint32_t n = window_of(index), i = index - (n << WINDOW_SHIFT);
    struct window *w = &table_of(p)->windows[n];
    room_for(w, i);
    return &w->entries[i];
}

/* Opening and closing meet in the window; who owns a handle does both in its own. */
static void touch_window(const struct process *p, uint32_t n)
{
    sim_access(SIM_ACCESS_OF(SIM_HANDLES, p->eprocess) + n, SIM_WRITE);
}

/* The lowest free index of the current thread. */
static uint32_t free_index(struct process *p)
{
    for (uint32_t n = own_window(p);; n = COMMON) {
        struct window *w = &table_of(p)->windows[n];
        uint32_t i = w->first_free;
        while (i < w->size && w->entries[i].object)
            i++;
        touch_window(p, n);
        w->first_free = i + (n == COMMON || i < WINDOW_HANDLES);
        if (n == COMMON || i < WINDOW_HANDLES)
            return (n << WINDOW_SHIFT) + i;
    }
}

static HANDLE handle_of(const struct process *p, uint32_t index)
{
    uint64_t h = ((uint64_t)index + 1) * 4;
    return (HANDLE)(p == ps_system() ? h | KERNEL_HANDLE_BIT : h);
}

static void entry_set(struct process *p, uint32_t index, struct entry what)
{
    *entry_make(p, index) = what;
    sim_access(SIM_ACCESS_OF(SIM_HANDLE, p->eprocess) + index, SIM_WRITE);
    ob_life_touch(what.object, SIM_WRITE);
    ob_reference(what.object);
    OBJECT_TO_OBJECT_HEADER(what.object)->HandleCount++;
}

static NTSTATUS handle_create(struct process *process, void *object, ACCESS_MASK access, ULONG attributes, HANDLE *handle)
{
    uint32_t index = free_index(process);
    if (index >= MOST_HANDLES)
        return STATUS_INSUFFICIENT_RESOURCES;
    entry_set(process, index, (struct entry) { object, access, attributes });
    *handle = handle_of(process, index);
    return STATUS_SUCCESS;
}

NTSTATUS ob_handle_create(struct process *process, void *object, ACCESS_MASK access, ULONG attributes, HANDLE *handle)
{
    struct ob_handle_call *call = ob_callbacks_pre(OB_HANDLE_CREATE, object, (attributes & OBJ_KERNEL_HANDLE) != 0, NULL, NULL, &access);
    NTSTATUS status = handle_create(process, object, access, attributes, handle);
    ob_callbacks_post(call, status);
    return status;
}

/* The entry and its index; whose it is: kernel handles are of System wherever they are used. */
static struct entry *find(struct process *process, HANDLE handle, struct process **owner, uint32_t *index)
{
    uint64_t h = (uint64_t)handle;
    if ((h & KERNEL_HANDLE_BIT) == KERNEL_HANDLE_BIT) {
        process = ps_system();
        h &= ~KERNEL_HANDLE_BIT;
    }
    uint64_t i = (h >> 2) - 1;
    if (h >> 32 == 0)
        sim_access(SIM_ACCESS_OF(SIM_HANDLE, process->eprocess) + i, SIM_READ);
    *owner = process;
    *index = (uint32_t)i;
    return h >> 32 ? NULL : entry_at(process, i);
}

static void close_entry(struct process *owner, uint32_t index)
{
    uint32_t n = window_of(index), i = index - (n << WINDOW_SHIFT);
    struct window *w = &owner->handles->windows[n];
    void *object = w->entries[i].object;
    w->entries[i].object = NULL;
    w->first_free = i < w->first_free ? i : w->first_free;
    OBJECT_HEADER *h = OBJECT_TO_OBJECT_HEADER(object);
    touch_window(owner, n);
    sim_access(SIM_ACCESS_OF(SIM_HANDLE, owner->eprocess) + index, SIM_WRITE);
    ob_life_touch(object, SIM_WRITE);
    h->HandleCount--;
    const struct ob_type *type = ob_type_info(ob_type_of(object));
    if (type->close)
        type->close(object, owner, h->HandleCount == 0);
    ob_dereference(object);
}

NTSTATUS ob_handle_attributes(struct process *process, HANDLE handle, ULONG mask, ULONG set, ULONG *attributes)
{
    struct process *owner;
    uint32_t index;
    struct entry *e = find(process, handle, &owner, &index);
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
    uint32_t index;
    struct entry *e = find(process, handle, &owner, &index);
    if (!e)
        return STATUS_INVALID_HANDLE;
    if (e->attributes & OBJ_PROTECT_CLOSE)
        return STATUS_HANDLE_NOT_CLOSABLE;
    close_entry(owner, index);
    return STATUS_SUCCESS;
}

/* Calls fn for all handles in use, in ascending order. */
static void for_each(struct process *p, void (*fn)(struct process *p, uint32_t index, void *context), void *context)
{
    for (uint32_t n = 0; p->handles && n <= COMMON; n++)
        for (uint32_t i = 0; i < p->handles->windows[n].size; i++)
            if (p->handles->windows[n].entries[i].object)
                fn(p, (n << WINDOW_SHIFT) + i, context);
}

static void inherit(struct process *from, uint32_t index, void *to)
{
    const struct entry *e = entry_at(from, index);
    if (e->attributes & OBJ_INHERIT)
        entry_set(to, index, *e);
}

/* An inherited handle has the same value. */
void ob_handles_inherit(struct process *from, struct process *to)
{
    for_each(from, inherit, to);
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
        uint32_t index;
        struct entry *e = find(process, handle, &owner, &index);
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

void *ob_of_handle(struct process *process, HANDLE handle)
{
    uint64_t h = (uint64_t)handle;
    if ((h & KERNEL_HANDLE_BIT) == KERNEL_HANDLE_BIT) {
        process = ps_system();
        h &= ~KERNEL_HANDLE_BIT;
    }
    const struct entry *e = entry_at(process, (h >> 2) - 1);
    return e ? e->object : NULL;
}

void *ob_waitable_of_handle(struct process *process, HANDLE handle)
{
    struct process *owner;
    uint32_t index;
    struct entry *e = is_pseudo(handle) ? NULL : find(process, handle, &owner, &index);
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

struct counted {
    uint64_t n;
    uint32_t last;
};

static void count(struct process *p, uint32_t index, void *counted)
{
    struct counted *c = counted;
    c->n++;
    c->last = index;
}

uint64_t ob_handle_count(struct process *process, HANDLE *last, void **object)
{
    struct counted c = { 0, 0 };
    for_each(process, count, &c);
    if (c.n) {
        *last = handle_of(process, c.last);
        *object = entry_at(process, c.last)->object;
    }
    return c.n;
}

static void close_one(struct process *p, uint32_t index, void *context)
{
    close_entry(p, index);
}

void ob_handles_close_all(struct process *process)
{
    for_each(process, close_one, NULL);
}
