/* System services that programs call in ntdll and that are kernel functions here: registry, files, names, sections, memory,
 * information about the system. Each enters the kernel, makes its scheduling point and calls the kernel's function. */
#include "ob/ob.h"
#include "cm/cm.h"
#include "ex/ex.h"
#include "ex/objects.h"
#include "host/host.h"
#include "io/io.h"
#include "ke/exports.h"
#include "sim/image.h"
#include "win32/file.h"
#include "win32/win32.h"

#include <stdio.h>

NTSTATUS ZwMapViewOfSection(HANDLE section, HANDLE process, PVOID *base, ULONG_PTR zero_bits, SIZE_T commit, LARGE_INTEGER *offset, SIZE_T *size, ULONG inherit,
                            ULONG type, ULONG protect);

#define ENTERED(name, call)                                                                                            \
    {                                                                                                                  \
        struct syscall sc;                                                                                             \
        ps_syscall_enter(&sc, FRAME_##name);                                                                           \
        sim_point(0);                                                                                                  \
        NTSTATUS s = call;                                                                                             \
        ps_syscall_leave(&sc);                                                                                         \
        return s;                                                                                                      \
    }

/* ---- what a program passes is copied before it is believed: a bad pointer is a status, not a crash of the kernel ---- */

enum { BUFFER_MOST = 0x10000, SERVICE_TAG = 0x7653744E /* "NtSv" */ };

struct captured {
    OBJECT_ATTRIBUTES oa;
    UNICODE_STRING name;
};

static bool capture_name(const UNICODE_STRING *from, UNICODE_STRING *to)
{
    if (!host_guarded_copy(to, from, sizeof *to))
        return false;
    WCHAR *text = ex_pool_alloc(PagedPool, to->Length + 2u, SERVICE_TAG);
    bool ok = to->Length == 0 || host_guarded_copy(text, to->Buffer, to->Length);
    to->Buffer = text;
    to->MaximumLength = to->Length;
    if (!ok)
        ex_pool_free(text);
    return ok;
}

static bool capture(const OBJECT_ATTRIBUTES *from, struct captured *c)
{
    memset(c, 0, sizeof *c);
    if (!host_guarded_copy(&c->oa, from, sizeof c->oa))
        return false;
    if (!c->oa.ObjectName)
        return true;
    bool ok = capture_name(c->oa.ObjectName, &c->name);
    c->oa.ObjectName = &c->name;
    if (!ok)
        c->name.Buffer = NULL;
    return ok;
}

static void captured_free(struct captured *c)
{
    if (c->name.Buffer)
        ex_pool_free(c->name.Buffer);
}

static NTSTATUS put_handle(NTSTATUS s, HANDLE h, HANDLE *to)
{
    if (!NT_SUCCESS(s))
        return s;
    return ex_put(to, &h, sizeof h) ? s : STATUS_ACCESS_VIOLATION;
}

/* A service that opens or makes something by its object attributes. */
#define OPENS(name, call)                                                                                              \
    {                                                                                                                  \
        struct syscall sc;                                                                                             \
        struct captured c;                                                                                             \
        HANDLE h = NULL;                                                                                               \
        ps_syscall_enter(&sc, FRAME_##name);                                                                           \
        sim_point(0);                                                                                                  \
        NTSTATUS s = capture(oa, &c) ? call : STATUS_ACCESS_VIOLATION;                                                 \
        s = put_handle(s, h, out);                                                                                     \
        captured_free(&c);                                                                                             \
        ps_syscall_leave(&sc);                                                                                         \
        return s;                                                                                                      \
    }

/* One that fills a buffer and says how many bytes it needs. */
#define FILLS(name, call)                                                                                              \
    {                                                                                                                  \
        struct syscall sc;                                                                                             \
        ULONG need = 0;                                                                                                \
        if (bytes > BUFFER_MOST)                                                                                       \
            bytes = BUFFER_MOST;                                                                                       \
        ps_syscall_enter(&sc, FRAME_##name);                                                                           \
        sim_point(0);                                                                                                  \
        void *buffer = ex_pool_alloc(PagedPool, bytes + 8u, SERVICE_TAG);                                              \
        NTSTATUS s = call;                                                                                             \
        if ((NT_SUCCESS(s) || s == STATUS_BUFFER_OVERFLOW) && !ex_put(to, buffer, need < bytes ? need : bytes))        \
            s = STATUS_ACCESS_VIOLATION;                                                                               \
        if (!ex_put(needed, &need, sizeof need))                                                                       \
            s = STATUS_ACCESS_VIOLATION;                                                                               \
        ex_pool_free(buffer);                                                                                          \
        ps_syscall_leave(&sc);                                                                                         \
        return s;                                                                                                      \
    }

/* ---- registry ---- */

NTSTATUS ntdll_NtCreateKey(HANDLE *out, ULONG access, OBJECT_ATTRIBUTES *oa, ULONG title, UNICODE_STRING *class, ULONG options, ULONG *disposition)
{
    struct syscall sc;
    struct captured c;
    HANDLE h = NULL;
    ULONG did = 0;
    ps_syscall_enter(&sc, FRAME_NtCreateKey);
    sim_point(0);
    NTSTATUS s = capture(oa, &c) ? ZwCreateKey(&h, access, &c.oa, title, NULL, options, &did) : STATUS_ACCESS_VIOLATION;
    s = put_handle(s, h, out);
    if (NT_SUCCESS(s) && disposition && !ex_put(disposition, &did, sizeof did))
        s = STATUS_ACCESS_VIOLATION;
    captured_free(&c);
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS ntdll_NtOpenKey(HANDLE *out, ULONG access, OBJECT_ATTRIBUTES *oa)
OPENS(NtOpenKey, ZwOpenKey(&h, access, &c.oa))

NTSTATUS ntdll_NtSetValueKey(HANDLE key, UNICODE_STRING *name, ULONG title, ULONG type, void *data, ULONG bytes)
{
    struct syscall sc;
    UNICODE_STRING n;
    if (bytes > BUFFER_MOST)
        return STATUS_INSUFFICIENT_RESOURCES;
    ps_syscall_enter(&sc, FRAME_NtSetValueKey);
    sim_point(0);
    NTSTATUS s = STATUS_ACCESS_VIOLATION;
    void *buffer = ex_pool_alloc(PagedPool, bytes + 8u, SERVICE_TAG);
    if (capture_name(name, &n)) {
        if (host_guarded_copy(buffer, data, bytes))
            s = ZwSetValueKey(key, &n, title, type, buffer, bytes);
        ex_pool_free(n.Buffer);
    }
    ex_pool_free(buffer);
    ps_syscall_leave(&sc);
    return s;
}

static NTSTATUS query_value(HANDLE key, const UNICODE_STRING *name, ULONG class, void *to, ULONG bytes, ULONG *needed)
{
    UNICODE_STRING n;
    if (!capture_name(name, &n))
        return STATUS_ACCESS_VIOLATION;
    NTSTATUS s = ZwQueryValueKey(key, &n, class, to, bytes, needed);
    ex_pool_free(n.Buffer);
    return s;
}

NTSTATUS ntdll_NtQueryValueKey(HANDLE key, UNICODE_STRING *name, ULONG class, void *to, ULONG bytes, ULONG *needed)
FILLS(NtQueryValueKey, query_value(key, name, class, buffer, bytes, &need))

NTSTATUS ntdll_NtEnumerateKey(HANDLE key, ULONG index, ULONG class, void *to, ULONG bytes, ULONG *needed)
FILLS(NtEnumerateKey, ZwEnumerateKey(key, index, class, buffer, bytes, &need))

NTSTATUS ntdll_NtEnumerateValueKey(HANDLE key, ULONG index, ULONG class, void *to, ULONG bytes, ULONG *needed)
FILLS(NtEnumerateValueKey, ZwEnumerateValueKey(key, index, class, buffer, bytes, &need))

NTSTATUS ntdll_NtQueryKey(HANDLE key, ULONG class, void *to, ULONG bytes, ULONG *needed)
FILLS(NtQueryKey, ZwQueryKey(key, class, buffer, bytes, &need))

NTSTATUS ntdll_NtDeleteKey(HANDLE key)
ENTERED(NtDeleteKey, ZwDeleteKey(key))

static NTSTATUS delete_value(HANDLE key, const UNICODE_STRING *name)
{
    UNICODE_STRING n;
    if (!capture_name(name, &n))
        return STATUS_ACCESS_VIOLATION;
    NTSTATUS s = ZwDeleteValueKey(key, &n);
    ex_pool_free(n.Buffer);
    return s;
}

NTSTATUS ntdll_NtDeleteValueKey(HANDLE key, UNICODE_STRING *name)
ENTERED(NtDeleteValueKey, delete_value(key, name))

/* ---- names, handles, sections ---- */

NTSTATUS ntdll_NtOpenFile(HANDLE *file, ULONG access, OBJECT_ATTRIBUTES *oa, IO_STATUS_BLOCK *iosb, ULONG share, ULONG options)
{
    return NtCreateFile(file, access, oa, iosb, NULL, 0, share, FILE_OPEN, options, NULL, 0);
}

NTSTATUS ntdll_NtDuplicateObject(HANDLE source_process, HANDLE source, HANDLE target_process, HANDLE *target, ULONG access, ULONG attributes, ULONG options)
{
    struct syscall sc;
    HANDLE h = NULL;
    ps_syscall_enter(&sc, FRAME_NtDuplicateObject);
    sim_point(0);
    NTSTATUS s = ZwDuplicateObject(source_process, source, target_process, &h, access, attributes, options);
    if (target)
        s = put_handle(s, h, target);
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS ntdll_NtOpenSymbolicLinkObject(HANDLE *out, ULONG access, OBJECT_ATTRIBUTES *oa)
OPENS(NtOpenSymbolicLinkObject, ZwOpenSymbolicLinkObject(&h, access, &c.oa))

NTSTATUS ntdll_NtQuerySymbolicLinkObject(HANDLE link, UNICODE_STRING *target, ULONG *length)
{
    struct syscall sc;
    UNICODE_STRING t;
    ULONG need = 0;
    ps_syscall_enter(&sc, FRAME_NtQuerySymbolicLinkObject);
    sim_point(0);
    NTSTATUS s = STATUS_ACCESS_VIOLATION;
    if (host_guarded_copy(&t, target, sizeof t)) {
        WCHAR *theirs = t.Buffer;
        t.Buffer = ex_pool_alloc(PagedPool, t.MaximumLength + 2u, SERVICE_TAG);
        s = ZwQuerySymbolicLinkObject(link, &t, &need);
        if (NT_SUCCESS(s) && (!ex_put(theirs, t.Buffer, t.Length) || !ex_put(&target->Length, &t.Length, sizeof t.Length)))
            s = STATUS_ACCESS_VIOLATION;
        if (length && !ex_put(length, &need, sizeof need))
            s = STATUS_ACCESS_VIOLATION;
        ex_pool_free(t.Buffer);
    }
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS ntdll_NtCreateSection(HANDLE *out, ULONG access, OBJECT_ATTRIBUTES *oa, LARGE_INTEGER *size, ULONG protect, ULONG attributes, HANDLE file)
{
    struct syscall sc;
    struct captured c = { .name = { 0 } };
    HANDLE h = NULL;
    LARGE_INTEGER bytes = { .QuadPart = 0 };
    ps_syscall_enter(&sc, FRAME_NtCreateSection);
    sim_point(0);
    NTSTATUS s = STATUS_ACCESS_VIOLATION;
    if ((!oa || capture(oa, &c)) && (!size || host_guarded_copy(&bytes, size, sizeof bytes)))
        s = ZwCreateSection(&h, access, oa ? &c.oa : NULL, size ? &bytes : NULL, protect, attributes, file);
    s = put_handle(s, h, out);
    captured_free(&c);
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS ntdll_NtOpenSection(HANDLE *out, ULONG access, OBJECT_ATTRIBUTES *oa)
OPENS(NtOpenSection, ZwOpenSection(&h, access, &c.oa))

NTSTATUS ntdll_NtMapViewOfSection(HANDLE section, HANDLE process, PVOID *base, ULONG_PTR zero_bits, SIZE_T commit, LARGE_INTEGER *offset, SIZE_T *size,
                                  ULONG inherit, ULONG type, ULONG protect)
{
    struct syscall sc;
    PVOID at;
    SIZE_T bytes;
    LARGE_INTEGER from = { .QuadPart = 0 };
    ps_syscall_enter(&sc, FRAME_NtMapViewOfSection);
    sim_point(0);
    NTSTATUS s = STATUS_ACCESS_VIOLATION;
    if (host_guarded_copy(&at, base, sizeof at) && host_guarded_copy(&bytes, size, sizeof bytes) && (!offset || host_guarded_copy(&from, offset, sizeof from)))
        s = ZwMapViewOfSection(section, process, &at, zero_bits, commit, &from, &bytes, inherit, type, protect);
    if (NT_SUCCESS(s) && (!ex_put(base, &at, sizeof at) || !ex_put(size, &bytes, sizeof bytes)))
        s = STATUS_ACCESS_VIOLATION;
    ps_syscall_leave(&sc);
    return s;
}

NTSTATUS ntdll_NtUnmapViewOfSection(HANDLE process, PVOID base)
ENTERED(NtUnmapViewOfSection, ZwUnmapViewOfSection(process, base))

/* ---- kernel32's file mappings ---- */

enum { SEC_COMMIT = 0x8000000, SEC_RESERVE = 0x4000000, SECTION_ALL = 0xF001F, PAGE_READWRITE_ = 4, PAGE_READONLY_ = 2 };
enum { MAP_COPY = 1, MAP_WRITE = 2, MAP_READ = 4, ERROR_ALREADY_EXISTS_ = 183 };

struct mapping_request {
    OBJECT_ATTRIBUTES oa;
    UNICODE_STRING name;
    LARGE_INTEGER number;
    PVOID base;
    SIZE_T bytes;
    HANDLE handle;
    WCHAR text[];
};

static struct mapping_request *mapping_request(const WCHAR *name)
{
    size_t n = name ? w32_wcslen(name) : 0;
    struct mapping_request *r = (struct mapping_request *)w32_alloc_zeroed(sizeof *r + (n + 40) * 2);
    if (!r || !name)
        return r;
    size_t at = w32_named_object(name, n, r->text);
    r->name = (UNICODE_STRING) { (USHORT)(at * 2), (USHORT)(at * 2), r->text };
    r->oa = (OBJECT_ATTRIBUTES) { .Length = sizeof r->oa, .ObjectName = &r->name, .Attributes = OBJ_CASE_INSENSITIVE | OBJ_OPENIF };
    return r;
}

HANDLE CreateFileMappingW(HANDLE file, void *security, ULONG protect, ULONG high, ULONG low, const WCHAR *name)
{
    if (file != INVALID_HANDLE_VALUE)
        return w32_fail(STATUS_NOT_SUPPORTED), NULL; /* sections of files do not exist here */
    struct mapping_request *r = mapping_request(name);
    r->number.QuadPart = (LONGLONG)((uint64_t)high << 32 | low);
    NTSTATUS s = r->number.QuadPart == 0 ? STATUS_INVALID_PARAMETER
                                         : ntdll_NtCreateSection(&r->handle, SECTION_ALL, name ? &r->oa : NULL, &r->number, protect & 0xFF,
                                                                 protect & SEC_RESERVE ? SEC_RESERVE : SEC_COMMIT, NULL);
    HANDLE h = NT_SUCCESS(s) ? r->handle : NULL;
    w32_free((uint64_t)r);
    if (!h)
        w32_fail(s);
    else
        w32_set_error(s == STATUS_OBJECT_NAME_EXISTS ? ERROR_ALREADY_EXISTS_ : 0);
    return h;
}

HANDLE CreateFileMappingA(HANDLE file, void *security, ULONG protect, ULONG high, ULONG low, const char *name)
{
    uint64_t w = name ? w32_widen(name) : 0;
    HANDLE h = CreateFileMappingW(file, security, protect, high, low, (const WCHAR *)w);
    w32_free(w);
    return h;
}

HANDLE OpenFileMappingW(ULONG access, BOOL inherit, const WCHAR *name)
{
    struct mapping_request *r = mapping_request(name);
    NTSTATUS s = ntdll_NtOpenSection(&r->handle, access, &r->oa);
    HANDLE h = NT_SUCCESS(s) ? r->handle : NULL;
    w32_free((uint64_t)r);
    return h ? h : (w32_fail(s), NULL);
}

HANDLE OpenFileMappingA(ULONG access, BOOL inherit, const char *name)
{
    uint64_t w = w32_widen(name);
    HANDLE h = OpenFileMappingW(access, inherit, (const WCHAR *)w);
    w32_free(w);
    return h;
}

PVOID MapViewOfFileEx(HANDLE section, ULONG access, ULONG high, ULONG low, SIZE_T bytes, PVOID base)
{
    struct mapping_request *r = mapping_request(NULL);
    r->number.QuadPart = (LONGLONG)((uint64_t)high << 32 | low);
    r->bytes = bytes;
    r->base = base;
    NTSTATUS s = ntdll_NtMapViewOfSection(section, NT_CURRENT_PROCESS, &r->base, 0, 0, &r->number, &r->bytes, 1, 0,
                                          access & MAP_WRITE ? PAGE_READWRITE_ : PAGE_READONLY_);
    PVOID at = NT_SUCCESS(s) ? r->base : NULL;
    w32_free((uint64_t)r);
    return at ? at : (w32_fail(s), NULL);
}

PVOID MapViewOfFile(HANDLE section, ULONG access, ULONG high, ULONG low, SIZE_T bytes)
{
    return MapViewOfFileEx(section, access, high, low, bytes, NULL);
}

BOOL UnmapViewOfFile(PVOID base)
{
    return w32_result(ntdll_NtUnmapViewOfSection(NT_CURRENT_PROCESS, base));
}

BOOL FlushViewOfFile(const void *base, SIZE_T bytes)
{
    return TRUE; /* no file behind it */
}

/* ---- time ---- */

NTSTATUS ntdll_NtQuerySystemTime(LARGE_INTEGER *time)
{
    KeQuerySystemTime(time);
    return STATUS_SUCCESS;
}

NTSTATUS ntdll_NtQueryPerformanceCounter(LARGE_INTEGER *counter, LARGE_INTEGER *frequency)
{
    *counter = KeQueryPerformanceCounter(frequency);
    return STATUS_SUCCESS;
}

/* ---- drivers of the system, as NtQuerySystemInformation and psapi list them ---- */

enum { CLASS_BASIC = 0, CLASS_TIME_OF_DAY = 3, CLASS_PROCESSES = 5, CLASS_MODULES = 11, CLASS_DEBUGGER = 35, MODULE_BYTES = 296 };

struct module_information { /* RTL_PROCESS_MODULE_INFORMATION */
    uint64_t section, mapped_base, base;
    ULONG size, flags;
    USHORT load_order, init_order, load_count, name_offset;
    char path[256];
};
_Static_assert(sizeof(struct module_information) == MODULE_BYTES, "RTL_PROCESS_MODULE_INFORMATION");

static bool is_kernel(const struct image *i)
{
    return !i->user;
}

static bool is_nt(const struct image *i)
{
    return i->synthetic && !strcmp(i->name, "ntoskrnl.exe");
}

static const struct image *find_nt(void)
{
    const struct image *i = image_first();
    while (i && !is_nt(i))
        i = i->next;
    return i;
}

/* Images of the kernel in the order of the lists: nt is their first, as drivers take it to be (OBS: PsLoadedModuleList), then the others by their age. */
static const struct image *next_kernel(const struct image *after)
{
    if (!after)
        return find_nt();
    const struct image *i = is_nt(after) ? image_first() : after->next;
    while (i && (!is_kernel(i) || is_nt(i)))
        i = i->next;
    return i;
}

static ULONG kernel_images(void)
{
    ULONG n = 0;
    for (const struct image *i = next_kernel(NULL); i; i = next_kernel(i))
        n++;
    return n;
}

static const char *folder_of(const struct image *i)
{
    return i->synthetic ? "\\SystemRoot\\system32\\" : "\\SystemRoot\\System32\\drivers\\";
}

static NTSTATUS modules(uint8_t *to, ULONG bytes, ULONG *needed)
{
    ULONG count = kernel_images(), size = 8 + count * MODULE_BYTES, n = 0;
    if (needed)
        *needed = size;
    if (bytes < size)
        return STATUS_INFO_LENGTH_MISMATCH;
    memcpy(to, &count, 4);
    for (const struct image *i = next_kernel(NULL); i; i = next_kernel(i)) {
        struct module_information m = { .base = i->base, .size = (ULONG)i->size, .load_order = (USHORT)n, .init_order = (USHORT)n, .load_count = 1,
                                        .name_offset = (USHORT)strlen(folder_of(i)) };
        snprintf(m.path, sizeof m.path, "%s%s", folder_of(i), i->name);
        memcpy(to + 8 + n++ * MODULE_BYTES, &m, sizeof m);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS give(const void *from, ULONG size, void *to, ULONG bytes, ULONG *needed)
{
    if (needed)
        *needed = size;
    if (bytes < size)
        return STATUS_INFO_LENGTH_MISMATCH;
    memcpy(to, from, size);
    return STATUS_SUCCESS;
}

/* SYSTEM_BASIC_INFORMATION */
static NTSTATUS basic(void *to, ULONG bytes, ULONG *needed)
{
    struct {
        ULONG reserved, resolution, page, pages, lowest, highest, granularity, pad;
        uint64_t minimum, maximum, affinity;
        uint8_t processors;
    } b = { .resolution = 156250, .page = 0x1000, .pages = 0x100000, .lowest = 1, .highest = 0xFFFFF, .granularity = 0x10000,
            .minimum = 0x10000, .maximum = USER_END - 0x10001, .affinity = sim_processors(), .processors = (uint8_t)MACHINE->processor_count };
    return give(&b, 64, to, bytes, needed);
}

struct process_information_entry { /* SYSTEM_PROCESS_INFORMATION; its threads follow, then the name */
    ULONG next, threads;
    uint64_t private_working_set;
    ULONG hard_faults, most_threads;
    uint64_t cycles, created, user, kernel;
    UNICODE_STRING name;
    LONG priority;
    HANDLE id, parent;
    ULONG handles, session;
    uint64_t key, sizes[18];
};
_Static_assert(sizeof(struct process_information_entry) == 0x100, "SYSTEM_PROCESS_INFORMATION");

struct thread_information_entry { /* SYSTEM_THREAD_INFORMATION */
    uint64_t kernel, user, created;
    ULONG waited;
    PVOID start;
    CLIENT_ID id;
    LONG priority, base_priority;
    ULONG switches, state, reason;
};
_Static_assert(sizeof(struct thread_information_entry) == 0x50, "SYSTEM_THREAD_INFORMATION");

/* The process with the lowest id above this one; exited ones are not listed. */
static struct process *next_process(const struct process *p)
{
    struct process *next = NULL;
    ps_looked_for();
    for (struct process *i = ps_processes(); i; i = i->next)
        if (!i->exited && (!p || i->id > p->id) && (!next || i->id < next->id))
            next = i;
    return next;
}

static ULONG threads_of(const struct process *p, struct thread_information_entry *to)
{
    ULONG n = 0;
    for (struct thread *t = ps_threads(); t; t = t->next)
        if (t->process == p && t->ethread) {
            if (to)
                to[n] = (struct thread_information_entry) { .id = t->ethread->Cid, .priority = 8, .base_priority = 8, .state = 5, .reason = 0 };
            n++;
        }
    return n;
}

static ULONG put_process(const struct process *p, uint8_t *to, bool last)
{
    HANDLE handle;
    void *object;
    ULONG threads = threads_of(p, NULL), chars = p == ps_system() ? 6 : (ULONG)strlen(p->name);
    const char *name = p == ps_system() ? "System" : p->name;
    ULONG name_at = (ULONG)(sizeof(struct process_information_entry) + threads * sizeof(struct thread_information_entry));
    ULONG size = (name_at + (chars + 1) * 2 + 7) & ~7u;
    if (!to)
        return size;
    WCHAR *text = (WCHAR *)(to + name_at);
    struct process_information_entry e = { .next = last ? 0 : size, .threads = threads, .most_threads = threads,
                                           .name = { (USHORT)(chars * 2), (USHORT)(chars * 2 + 2), text }, .priority = 8,
                                           .id = (HANDLE)(uint64_t)p->id, .parent = p->eprocess->InheritedFromUniqueProcessId,
                                           .handles = (ULONG)ob_handle_count((struct process *)p, &handle, &object) };
    memcpy(to, &e, sizeof e);
    threads_of(p, (struct thread_information_entry *)(to + sizeof e));
    for (ULONG i = 0; i <= chars; i++)
        text[i] = (uint8_t)name[i];
    return size;
}

/* The idle process comes first, as on Windows: id 0, no name, a thread a processor. */
static NTSTATUS processes(uint8_t *to, ULONG bytes, ULONG *needed)
{
    ULONG idle_threads = (ULONG)MACHINE->processor_count;
    ULONG idle = (ULONG)(sizeof(struct process_information_entry) + idle_threads * sizeof(struct thread_information_entry)), size = idle;
    for (const struct process *p = next_process(NULL); p; p = next_process(p))
        size += put_process(p, NULL, false);
    if (needed)
        *needed = size;
    if (bytes < size)
        return STATUS_INFO_LENGTH_MISMATCH;
    struct process_information_entry e = { .next = idle, .threads = idle_threads, .most_threads = idle_threads };
    memset(to, 0, idle);
    memcpy(to, &e, sizeof e);
    to += idle;
    for (const struct process *p = next_process(NULL), *next; p; p = next) {
        next = next_process(p);
        to += put_process(p, to, !next);
    }
    return STATUS_SUCCESS;
}

NTSTATUS ntdll_NtQuerySystemInformation(ULONG class, void *to, ULONG bytes, ULONG *needed)
{
    static const uint8_t no_debugger[2] = { 0, 1 };
    switch (class) {
    case CLASS_BASIC:
        return basic(to, bytes, needed);
    case CLASS_PROCESSES:
        return processes(to, bytes, needed);
    case CLASS_MODULES:
        return modules(to, bytes, needed);
    case CLASS_DEBUGGER:
        return give(no_debugger, 2, to, bytes, needed);
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

BOOL EnumDeviceDrivers(uint64_t *bases, ULONG bytes, ULONG *needed)
{
    ULONG n = 0;
    for (const struct image *i = next_kernel(NULL); i; i = next_kernel(i)) {
        if ((n + 1) * 8 <= bytes)
            bases[n] = i->base;
        n++;
    }
    *needed = n * 8;
    return TRUE;
}

static ULONG driver_name(uint64_t base, bool path, char *to, ULONG size)
{
    char text[200];
    const struct image *i = image_at(base);
    if (!i || !is_kernel(i) || i->base != base)
        return (ULONG)w32_error(ERROR_INVALID_HANDLE);
    ULONG n = (ULONG)snprintf(text, sizeof text, "%s%s", path ? folder_of(i) : "", i->name);
    if (!size)
        return (ULONG)w32_error(ERROR_INSUFFICIENT_BUFFER);
    if (n >= size)
        n = size - 1;
    memcpy(to, text, n);
    to[n] = 0;
    return n;
}

ULONG GetDeviceDriverBaseNameA(uint64_t base, char *to, ULONG size)
{
    return driver_name(base, false, to, size);
}

ULONG GetDeviceDriverFileNameA(uint64_t base, char *to, ULONG size)
{
    return driver_name(base, true, to, size);
}

static ULONG widened(uint64_t base, bool path, WCHAR *to, ULONG size)
{
    char text[200];
    ULONG n = driver_name(base, path, text, size < sizeof text ? size : (ULONG)sizeof text);
    for (ULONG i = 0; n && i <= n; i++)
        to[i] = (uint8_t)text[i];
    return n;
}

ULONG GetDeviceDriverBaseNameW(uint64_t base, WCHAR *to, ULONG size)
{
    return widened(base, false, to, size);
}

ULONG GetDeviceDriverFileNameW(uint64_t base, WCHAR *to, ULONG size)
{
    return widened(base, true, to, size);
}
