/* Sections without a file: shared memory. The pages are pool; a view is an alias in a process's slice, system space sees the
 * pages where they lie. Views reference their section. Sections of files and images are not supported. */
#include <string.h>

#include "ke/ke.h"
#include "mm/room.h"
#include "nt/ob.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "ps/ps.h"
#include "sim/access.h"

enum { PAGE = 0x1000, GRANULARITY = 0x10000, SECTION_TAG = 0x63655353 };
enum { SEC_IMAGE = 0x1000000, SEC_RESERVE = 0x4000000, SEC_COMMIT = 0x8000000 };
#define LARGEST 0x1000000ull

struct section {
    uint64_t size;
    uint8_t *pages; /* pool; page-aligned */
};

struct mm_view {
    struct process *process; /* NULL: system space */
    uint64_t base;
    struct section *section;
    struct mm_view *next;
};

static void section_delete(void *object)
{
    struct section *s = object;
    if (s->pages)
        ex_pool_free(s->pages);
}

/* The name of an object that is not permanent goes with its last handle. */
static void section_close(void *object, struct process *process, bool last)
{
    if (last && !(OBJECT_TO_OBJECT_HEADER(object)->Flags & OB_FLAG_PERMANENT_OBJECT))
        ob_remove_name(object);
}

static const struct ob_type section_type = { "Section", section_delete, section_close, OB_NOT_WAITABLE };

static NTSTATUS section_new(const LARGE_INTEGER *size, ULONG attributes, bool file, struct section **out)
{
    if (attributes & SEC_IMAGE || file)
        return STATUS_NOT_SUPPORTED;
    if (!(attributes & (SEC_COMMIT | SEC_RESERVE)))
        return STATUS_INVALID_PARAMETER_6;
    if (!size || size->QuadPart <= 0)
        return STATUS_INVALID_PARAMETER_4;
    uint64_t bytes = ((uint64_t)size->QuadPart + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    if (bytes > LARGEST)
        return STATUS_SECTION_TOO_BIG;
    ob_type_register(OB_SECTION, &section_type);
    struct section *s = ob_create(OB_SECTION, sizeof *s);
    s->size = bytes;
    s->pages = ex_pool_alloc(1, bytes, SECTION_TAG);
    memset(s->pages, 0, bytes);
    *out = s;
    return STATUS_SUCCESS;
}

/* ---- objects and handles ---- */

static struct process *handle_owner(const OBJECT_ATTRIBUTES *oa)
{
    return oa && oa->Attributes & OBJ_KERNEL_HANDLE ? ps_system() : ps_current_process();
}

static NTSTATUS open_named(const OBJECT_ATTRIBUTES *oa, struct section **out)
{
    void *object;
    UNICODE_STRING rest;
    NTSTATUS status = ob_lookup(oa->ObjectName, oa->Attributes, &object, &rest);
    if (!NT_SUCCESS(status))
        return status;
    if (ob_type_of(object) != OB_SECTION) {
        ob_dereference(object);
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    *out = object;
    return STATUS_SUCCESS;
}

NTSTATUS ZwCreateSection(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa, LARGE_INTEGER *size, ULONG protect, ULONG attributes, HANDLE file)
{
    sim_access(SIM_ACCESS_NAMESPACE, SIM_WRITE);
    struct section *s;
    bool named = oa && oa->ObjectName && oa->ObjectName->Length, existed = false;
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    if (named && oa->Attributes & OBJ_OPENIF)
        existed = NT_SUCCESS(status = open_named(oa, &s));
    if (!existed)
        status = section_new(size, attributes, file != NULL, &s);
    if (!NT_SUCCESS(status))
        return status;
    if (named && !existed)
        status = ob_insert_name(s, oa->ObjectName, oa->Attributes);
    HANDLE h;
    if (NT_SUCCESS(status))
        status = ob_handle_create(handle_owner(oa), s, access, oa ? oa->Attributes : 0, &h);
    ob_dereference(s);
    if (!NT_SUCCESS(status))
        return status;
    *handle = h;
    return existed ? STATUS_OBJECT_NAME_EXISTS : STATUS_SUCCESS;
}

NTSTATUS ZwOpenSection(HANDLE *handle, ULONG access, OBJECT_ATTRIBUTES *oa)
{
    sim_access(SIM_ACCESS_NAMESPACE, SIM_READ);
    struct section *s;
    NTSTATUS status = open_named(oa, &s);
    if (!NT_SUCCESS(status))
        return status;
    HANDLE h;
    status = ob_handle_create(handle_owner(oa), s, access, oa->Attributes, &h);
    ob_dereference(s);
    if (NT_SUCCESS(status))
        *handle = h;
    return status;
}

NTSTATUS MmCreateSection(PVOID *section, ULONG access, OBJECT_ATTRIBUTES *oa, LARGE_INTEGER *size, ULONG protect, ULONG attributes, HANDLE file,
                         PVOID file_object)
{
    struct section *s;
    NTSTATUS status = section_new(size, attributes, file || file_object, &s);
    if (NT_SUCCESS(status))
        *section = s;
    return status;
}

/* ---- views ---- */

static uint64_t view_map(const struct process *p, struct section *s, uint64_t offset, uint64_t bytes)
{
    if (!p || !p->slice)
        return (uint64_t)s->pages + offset; /* GUESS: NT's System process has a user half of its own for this */
    uint64_t n = (bytes + PAGE - 1) / PAGE, *pages = sim_alloc(n * 8);
    for (uint64_t i = 0; i < n; i++)
        pages[i] = (uint64_t)s->pages + offset + i * PAGE;
    uint64_t va = mm_view_map(p->slice, pages, n);
    sim_free(pages, n * 8);
    return va;
}

static NTSTATUS map(struct section *s, struct process *p, PVOID *base, const LARGE_INTEGER *offset, SIZE_T *size)
{
    uint64_t from = offset ? (uint64_t)offset->QuadPart : 0;
    if (from % GRANULARITY)
        return STATUS_MAPPED_ALIGNMENT;
    if (from >= s->size || *size > s->size - from)
        return STATUS_INVALID_VIEW_SIZE;
    if (*base)
        return STATUS_CONFLICTING_ADDRESSES; /* GUESS: a wanted address is never free */
    uint64_t bytes = *size ? (*size + PAGE - 1) & ~(uint64_t)(PAGE - 1) : s->size - from;
    uint64_t va = view_map(p, s, from, bytes);
    if (!va)
        return STATUS_NO_MEMORY;
    struct mm_view *v = sim_alloc(sizeof *v);
    *v = (struct mm_view) { p, va, s, mm_room()->views };
    mm_room()->views = v;
    ob_reference(s);
    *base = (PVOID)va;
    *size = bytes;
    return STATUS_SUCCESS;
}

static NTSTATUS unmap(const struct process *p, uint64_t address)
{
    for (struct mm_view **at = &mm_room()->views; *at; at = &(*at)->next) {
        struct mm_view *v = *at;
        if (v->process != p || v->base != address)
            continue;
        if (v->base < KERNEL_BASE)
            mm_alias_unmap(v->base);
        struct section *s = v->section;
        *at = v->next;
        sim_free(v, sizeof *v);
        ob_dereference(s);
        return STATUS_SUCCESS;
    }
    return STATUS_NOT_MAPPED_VIEW;
}

static NTSTATUS process_of(HANDLE handle, struct process **p)
{
    void *object;
    NTSTATUS status = ob_handle_reference(ps_current_process(), handle, OB_PROCESS, 0, &object, NULL);
    if (!NT_SUCCESS(status))
        return status;
    *p = ps_process_of(object);
    ob_dereference(object);
    return STATUS_SUCCESS;
}

NTSTATUS ZwMapViewOfSection(HANDLE section, HANDLE process, PVOID *base, ULONG_PTR zero_bits, SIZE_T commit, LARGE_INTEGER *offset, SIZE_T *size,
                            ULONG inherit, ULONG type, ULONG protect)
{
    struct process *p;
    void *s;
    NTSTATUS status = process_of(process, &p);
    if (NT_SUCCESS(status))
        status = ob_handle_reference(ps_current_process(), section, OB_SECTION, 0, &s, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status = map(s, p, base, offset, size);
    ob_dereference(s);
    return status;
}

NTSTATUS ZwUnmapViewOfSection(HANDLE process, PVOID base)
{
    struct process *p;
    NTSTATUS status = process_of(process, &p);
    return NT_SUCCESS(status) ? unmap(p, (uint64_t)base) : status;
}

NTSTATUS MmMapViewOfSection(PVOID section, EPROCESS *process, PVOID *base, ULONG_PTR zero_bits, SIZE_T commit, LARGE_INTEGER *offset, SIZE_T *size,
                            ULONG inherit, ULONG type, ULONG protect)
{
    return map(section, ps_process_of(process), base, offset, size);
}

NTSTATUS MmUnmapViewOfSection(EPROCESS *process, PVOID base)
{
    return unmap(ps_process_of(process), (uint64_t)base);
}

NTSTATUS MmMapViewInSystemSpace(PVOID section, PVOID *base, SIZE_T *size)
{
    *base = NULL;
    return map(section, NULL, base, NULL, size);
}

NTSTATUS MmUnmapViewInSystemSpace(PVOID base)
{
    return unmap(NULL, (uint64_t)base);
}
