/* Who is there: snapshots of processes, threads and modules, and psapi's lists of the same.
 *
 * DOC: "CreateToolhelp32Snapshot". A snapshot is a section, as on Windows, so that its handle can be closed, inherited and duplicated; what was
 * seen and how far a caller has read lie in it. */
#include <stdio.h>

#include "ps/modules.h"
#include "ps/process.h"
#include "win32/exports.h"
#include "win32/file.h"
#include "win32/toolhelp.h"

HANDLE CreateFileMappingW(HANDLE file, void *security, ULONG protect, ULONG high, ULONG low, const WCHAR *name);
PVOID MapViewOfFile(HANDLE section, ULONG access, ULONG high, ULONG low, SIZE_T bytes);
BOOL UnmapViewOfFile(PVOID base);

enum { SNAP_PROCESSES = 2, SNAP_THREADS = 4, SNAP_MODULES = 8, SNAP_MODULES_32 = 16, SNAP_INHERIT = (int)0x80000000, ERROR_NO_MORE_FILES_ = 18,
       ERROR_BAD_LENGTH_ = 24, NAME_BYTES = 64, NORMAL_PRIORITY = 8, PAGE_READWRITE_ = 4, MAP_WRITE = 2, MAGIC = 0x504E5354 };

struct seen_process {
    ULONG id, threads, parent;
    char name[NAME_BYTES];
};
struct seen_thread {
    ULONG id, process;
};
struct seen_module {
    ULONG process, bytes;
    uint64_t base;
    char name[NAME_BYTES], path[NAME_BYTES + 32];
};
enum { PROCESSES, THREADS, MODULES, KINDS };
struct snapshot {
    ULONG magic;
    ULONG count[KINDS], next[KINDS];
};
static const size_t entry_bytes[KINDS] = { sizeof(struct seen_process), sizeof(struct seen_thread), sizeof(struct seen_module) };

static void *entry(struct snapshot *s, int kind, ULONG i)
{
    uint8_t *at = (uint8_t *)(s + 1);
    for (int k = 0; k < kind; k++)
        at += s->count[k] * entry_bytes[k];
    return at + i * entry_bytes[kind];
}

/* ---- looking around ---- */

size_t w32_module_path(const struct image *i, char *to, size_t size)
{
    return (size_t)snprintf(to, size, "%s%s", i->synthetic ? "C:\\Windows\\system32\\" : "C:\\irplab\\", i->name);
}

struct look {
    struct snapshot *s; /* NULL: only counting */
    ULONG n[KINDS];
};

static void *take(struct look *l, int kind)
{
    ULONG i = l->n[kind]++;
    return l->s ? entry(l->s, kind, i) : NULL;
}

static void look_at_process(struct look *l, const struct process *p, ULONG flags)
{
    ULONG threads = 0;
    for (const struct thread *t = ps_threads(); t; t = t->next) {
        if (t->process != p || !t->ethread)
            continue;
        threads++;
        struct seen_thread *seen = flags & SNAP_THREADS ? take(l, THREADS) : NULL;
        if (seen)
            *seen = (struct seen_thread) { (ULONG)(uint64_t)t->ethread->Cid.UniqueThread, p->id };
    }
    struct seen_process *seen = flags & SNAP_PROCESSES ? take(l, PROCESSES) : NULL;
    if (!seen)
        return;
    *seen = (struct seen_process) { p->id, threads, (ULONG)(uint64_t)p->eprocess->InheritedFromUniqueProcessId, "" };
    snprintf(seen->name, sizeof seen->name, "%s", p->slice ? p->name : "System");
}

static void look_at_modules(struct look *l, const struct process *p)
{
    const struct image *i;
    for (unsigned k = 0; (i = ps_module_at(p, k)) != NULL; k++) {
        struct seen_module *m = take(l, MODULES);
        if (!m)
            continue;
        *m = (struct seen_module) { .process = p->id, .bytes = (ULONG)i->size, .base = i->base };
        snprintf(m->name, sizeof m->name, "%s", i->name);
        w32_module_path(i, m->path, sizeof m->path);
    }
}

/* The oldest process comes first; the list has the newest in front. */
static const struct process *older(const struct process *than)
{
    const struct process *best = NULL;
    for (const struct process *p = ps_processes(); p; p = p->next)
        if (!p->exited && (!than || p->id > than->id) && (!best || p->id < best->id))
            best = p;
    return best;
}

static void look(struct look *l, ULONG flags, const struct process *of)
{
    struct seen_process *idle = flags & SNAP_PROCESSES ? take(l, PROCESSES) : NULL;
    if (idle)
        *idle = (struct seen_process) { 0, MACHINE->processor_count, 0, "[System Process]" };
    for (const struct process *p = older(NULL); p; p = older(p))
        look_at_process(l, p, flags);
    if (flags & (SNAP_MODULES | SNAP_MODULES_32))
        look_at_modules(l, of);
}

HANDLE CreateToolhelp32Snapshot(ULONG flags, ULONG id)
{
    const struct process *of = ps_current()->process;
    ps_looked_for();
    if (flags & (SNAP_MODULES | SNAP_MODULES_32) && id)
        for (of = ps_processes(); of && (of->id != id || of->exited || !of->slice);)
            of = of->next;
    if (!of)
        return w32_error(ERROR_INVALID_PARAMETER), INVALID_HANDLE_VALUE;
    struct look counted = { 0 };
    look(&counted, flags, of);
    size_t bytes = sizeof(struct snapshot);
    for (int k = 0; k < KINDS; k++)
        bytes += counted.n[k] * entry_bytes[k];
    HANDLE h = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE_, 0, (ULONG)bytes, NULL);
    struct snapshot *s = h ? MapViewOfFile(h, MAP_WRITE, 0, 0, 0) : NULL;
    if (!s)
        return INVALID_HANDLE_VALUE;
    *s = (struct snapshot) { .magic = MAGIC };
    memcpy(s->count, counted.n, sizeof s->count);
    struct look real = { .s = s };
    look(&real, flags, of);
    UnmapViewOfFile(s);
    return h;
}

/* The next entry, copied out; false with the last error set: none. */
static bool step(HANDLE snapshot, int kind, bool first, void *out)
{
    struct snapshot *s = MapViewOfFile(snapshot, MAP_WRITE, 0, 0, 0);
    if (!s || s->magic != MAGIC) {
        if (s)
            UnmapViewOfFile(s);
        return w32_error(ERROR_INVALID_HANDLE);
    }
    if (first)
        s->next[kind] = 0;
    bool there = s->next[kind] < s->count[kind];
    if (there)
        memcpy(out, entry(s, kind, s->next[kind]++), entry_bytes[kind]);
    UnmapViewOfFile(s);
    return there || w32_error(ERROR_NO_MORE_FILES_);
}

static void put_text(const char *text, void *to, bool wide)
{
    for (size_t i = 0;; i++) {
        if (wide)
            ((WCHAR *)to)[i] = (uint8_t)text[i];
        else
            ((char *)to)[i] = text[i];
        if (!text[i])
            break;
    }
}

/* PROCESSENTRY32 begins alike in both forms. */
struct process_entry {
    ULONG size, usage, id, pad;
    uint64_t heap;
    ULONG module, threads, parent;
    LONG priority;
    ULONG flags;
    uint8_t name[];
};
_Static_assert(offsetof(struct process_entry, name) == 44, "PROCESSENTRY32");
enum { PROCESS_ENTRY_A = 304, PROCESS_ENTRY_W = 568, MODULE_ENTRY_A = 568, MODULE_ENTRY_W = 1080, MODULE_UNITS = 256, THREAD_ENTRY = 28 };

static BOOL process_step(HANDLE snapshot, struct process_entry *to, bool first, bool wide)
{
    struct seen_process p;
    if (to->size < (wide ? PROCESS_ENTRY_W : PROCESS_ENTRY_A))
        return w32_error(ERROR_BAD_LENGTH_);
    if (!step(snapshot, PROCESSES, first, &p))
        return FALSE;
    *to = (struct process_entry) { .size = to->size, .id = p.id, .threads = p.threads, .parent = p.parent, .priority = p.id ? NORMAL_PRIORITY : 0 };
    put_text(p.name, to->name, wide);
    return TRUE;
}

BOOL Process32First(HANDLE snapshot, struct process_entry *to)
{
    return process_step(snapshot, to, true, false);
}

BOOL Process32Next(HANDLE snapshot, struct process_entry *to)
{
    return process_step(snapshot, to, false, false);
}

BOOL Process32FirstW(HANDLE snapshot, struct process_entry *to)
{
    return process_step(snapshot, to, true, true);
}

BOOL Process32NextW(HANDLE snapshot, struct process_entry *to)
{
    return process_step(snapshot, to, false, true);
}

static BOOL thread_step(HANDLE snapshot, ULONG *to, bool first)
{
    struct seen_thread t;
    if (to[0] < THREAD_ENTRY)
        return w32_error(ERROR_BAD_LENGTH_);
    if (!step(snapshot, THREADS, first, &t))
        return FALSE;
    const ULONG e[7] = { to[0], 0, t.id, t.process, NORMAL_PRIORITY, 0, 0 };
    memcpy(to, e, sizeof e);
    return TRUE;
}

BOOL Thread32First(HANDLE snapshot, ULONG *to)
{
    return thread_step(snapshot, to, true);
}

BOOL Thread32Next(HANDLE snapshot, ULONG *to)
{
    return thread_step(snapshot, to, false);
}

struct module_entry {
    ULONG size, id, process, usage, process_usage, pad;
    uint64_t base;
    ULONG bytes, pad2;
    uint64_t module;
    uint8_t name[]; /* MODULE_UNITS characters, then the path */
};
_Static_assert(offsetof(struct module_entry, name) == 48, "MODULEENTRY32");

static BOOL module_step(HANDLE snapshot, struct module_entry *to, bool first, bool wide)
{
    struct seen_module m;
    if (to->size < (wide ? MODULE_ENTRY_W : MODULE_ENTRY_A))
        return w32_error(ERROR_BAD_LENGTH_);
    if (!step(snapshot, MODULES, first, &m))
        return FALSE;
    *to = (struct module_entry) { .size = to->size, .id = 1, .process = m.process, .usage = 0xFFFF, .process_usage = 0xFFFF, .base = m.base, .bytes = m.bytes,
                                  .module = m.base };
    put_text(m.name, to->name, wide);
    put_text(m.path, to->name + MODULE_UNITS * (wide ? 2 : 1), wide);
    return TRUE;
}

BOOL Module32First(HANDLE snapshot, struct module_entry *to)
{
    return module_step(snapshot, to, true, false);
}

BOOL Module32Next(HANDLE snapshot, struct module_entry *to)
{
    return module_step(snapshot, to, false, false);
}

BOOL Module32FirstW(HANDLE snapshot, struct module_entry *to)
{
    return module_step(snapshot, to, true, true);
}

BOOL Module32NextW(HANDLE snapshot, struct module_entry *to)
{
    return module_step(snapshot, to, false, true);
}

/* ---- psapi ---- */

BOOL EnumProcesses(ULONG *ids, ULONG bytes, ULONG *needed)
{
    ULONG n = 0;
    for (const struct process *p = NULL;; n++) {
        if ((n + 1) * 4 <= bytes)
            ids[n] = p ? p->id : 0;
        if (!(p = older(p))) {
            n++;
            break;
        }
    }
    *needed = n * 4 < bytes ? n * 4 : bytes;
    return TRUE;
}

static const struct process *opened(HANDLE process)
{
    struct process *p = w32_process_of(process);
    if (!p)
        w32_error(ERROR_INVALID_HANDLE);
    return p && p->slice ? p : NULL;
}

BOOL EnumProcessModules(HANDLE process, uint64_t *modules, ULONG bytes, ULONG *needed)
{
    const struct process *p = opened(process);
    const struct image *i;
    ULONG n = 0;
    if (!p)
        return FALSE;
    for (; (i = ps_module_at(p, n)) != NULL; n++)
        if ((n + 1) * 8 <= bytes)
            modules[n] = i->base;
    *needed = n * 8;
    return TRUE;
}

BOOL EnumProcessModulesEx(HANDLE process, uint64_t *modules, ULONG bytes, ULONG *needed, ULONG which)
{
    return EnumProcessModules(process, modules, bytes, needed);
}

/* A module of a process; 0: its program. */
static const struct image *module_in(HANDLE process, uint64_t base)
{
    const struct process *p = opened(process);
    const struct image *i = NULL;
    for (unsigned k = 0; p && (i = ps_module_at(p, k)) != NULL && base && i->base != base;)
        k++;
    if (p && !i)
        w32_error(ERROR_INVALID_HANDLE);
    return i;
}

static ULONG module_text(HANDLE process, uint64_t base, bool path, void *to, ULONG size, bool wide)
{
    char text[NAME_BYTES + 32];
    const struct image *i = module_in(process, base);
    if (!i)
        return 0;
    if (!size)
        return (ULONG)w32_error(ERROR_INSUFFICIENT_BUFFER);
    if (path)
        w32_module_path(i, text, sizeof text);
    else
        snprintf(text, sizeof text, "%s", i->name);
    size_t n = strlen(text);
    if (n >= size)
        w32_set_error(ERROR_INSUFFICIENT_BUFFER);
    text[n < size ? n : size - 1] = 0;
    put_text(text, to, wide);
    return (ULONG)strlen(text);
}

ULONG GetModuleBaseNameA(HANDLE process, uint64_t module, char *to, ULONG size)
{
    return module_text(process, module, false, to, size, false);
}

ULONG GetModuleBaseNameW(HANDLE process, uint64_t module, WCHAR *to, ULONG size)
{
    return module_text(process, module, false, to, size, true);
}

ULONG GetModuleFileNameExA(HANDLE process, uint64_t module, char *to, ULONG size)
{
    return module_text(process, module, true, to, size, false);
}

ULONG GetModuleFileNameExW(HANDLE process, uint64_t module, WCHAR *to, ULONG size)
{
    return module_text(process, module, true, to, size, true);
}

BOOL GetModuleInformation(HANDLE process, uint64_t module, uint64_t *to, ULONG bytes)
{
    enum { MODULEINFO_BYTES = 24 };
    const struct image *i = module_in(process, module);
    if (!i)
        return FALSE;
    if (bytes < MODULEINFO_BYTES)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    to[0] = i->base;
    to[1] = i->size;
    to[2] = i->entry;
    return TRUE;
}

static BOOL image_name(HANDLE process, ULONG flags, void *to, ULONG *size, bool wide)
{
    char text[NAME_BYTES + 64];
    enum { NATIVE = 1 };
    const struct process *p = opened(process);
    if (!p)
        return FALSE;
    snprintf(text, sizeof text, "%s%s", flags & NATIVE ? "\\Device\\HarddiskVolume1\\irplab\\" : "C:\\irplab\\", p->image->name);
    if (strlen(text) >= *size)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    put_text(text, to, wide);
    *size = (ULONG)strlen(text);
    return TRUE;
}

BOOL QueryFullProcessImageNameA(HANDLE process, ULONG flags, char *to, ULONG *size)
{
    return image_name(process, flags, to, size, false);
}

BOOL QueryFullProcessImageNameW(HANDLE process, ULONG flags, WCHAR *to, ULONG *size)
{
    return image_name(process, flags, to, size, true);
}

ULONG GetProcessImageFileNameA(HANDLE process, char *to, ULONG size)
{
    return image_name(process, 1, to, &size, false) ? size : 0;
}

ULONG GetProcessImageFileNameW(HANDLE process, WCHAR *to, ULONG size)
{
    return image_name(process, 1, to, &size, true) ? size : 0;
}
