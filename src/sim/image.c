/* Loading images into the arena; see image.h. */
#include "sim/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "sim/after.h"
#include "sim/door.h"
#include "sim/machine.h"
#include "sim/patch.h"

enum {
    MISSING_AT = 0x100000, /* offset in the kernel half: never accessible */
    MISSING_SLOT = 0x40,
    MISSING_MAX = 0x1000,
    STUBS_AT = 0x200000, /* code that answers for missing functions */
    IMAGES_AT = 0x2000000,
    IMAGES_END = 0x10000000, /* guarded pool follows (mm/guard.h) */
    STUB_MAX = 64,
};

void (*image_patch_hook)(struct image *image) = patch_image;
struct image *(*image_module_hook)(const struct image *by, const char *name, char *err, size_t errlen);
struct image *(*image_need_hook)(const struct image *from, const char *module, char *err, size_t errlen);

/* Room state: the list, and the unknown imports in the order they were met. */
struct missing {
    char module[64];
    char name[128];
};
struct image_room {
    struct image *first, *last;
    struct image *unloaded; /* kernel images, the last first: for names, and for calls into what is no longer there */
    uint64_t next_kernel;
    uint32_t missing_count, missing_room;
    struct missing **missing;
    bool stubs_used;
};

/* Process constants: files and the command line's stubs. */
static struct image_file *files;
static struct {
    char module[64], name[128];
    uint64_t value;
} stubs[STUB_MAX];
static unsigned stub_count;

static struct image_room *room(void)
{
    if (!MACHINE->rooms[ROOM_IMAGE]) {
        struct image_room *r = sim_alloc(sizeof *r);
        r->next_kernel = KERNEL_BASE + IMAGES_AT;
        MACHINE->rooms[ROOM_IMAGE] = r;
    }
    return MACHINE->rooms[ROOM_IMAGE];
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static struct image_file *file_new(const char *path, char *err, size_t errlen)
{
    if (strlen(path) >= sizeof((struct image_file *)0)->path || strlen(file_name(path)) >= sizeof((struct image_file *)0)->name) {
        snprintf(err, errlen, "%.100s…: the path is too long", path);
        return NULL;
    }
    struct image_file *f = calloc(1, sizeof *f);
    IR_ASSERT(f);
    strcpy(f->path, path);
    strcpy(f->name, file_name(path));
    if (strncmp(f->name, "replay:", 7) == 0)
        memmove(f->name, f->name + 7, strlen(f->name + 7) + 1);
    return f;
}

static bool accept(void *unused, const struct pe_import *imp)
{
    return true;
}

/* What can only be seen in the laid-out image, found before anything runs: relocations and the import table. */
static enum pe_status check_tables(const struct pe_image *pe, char *why, size_t whylen)
{
    struct pe_mapped m;
    enum pe_status s = pe_map_private(pe, &m, why, whylen);
    if (s == PE_OK && !m.relocs_stripped)
        s = pe_relocate(&m, KERNEL_BASE + IMAGES_AT, why, whylen);
    if (s == PE_OK)
        s = pe_imports(&m, accept, NULL, why, whylen);
    pe_unmap_private(&m);
    return s;
}

static struct image_file *file_done(struct image_file *f, enum pe_status s, char *why, char *err, size_t errlen)
{
    if (s == PE_OK && (s = check_tables(&f->pe, why, PE_ERROR_TEXT)) != PE_OK)
        pe_close(&f->pe);
    if (s != PE_OK) {
        snprintf(err, errlen, "%s: %s", f->path, why);
        free(f);
        return NULL;
    }
    f->next = files;
    files = f;
    return f;
}

static struct image_file *known(const char *path)
{
    for (struct image_file *f = files; f; f = f->next)
        if (strcmp(f->path, path) == 0)
            return f;
    return NULL;
}

struct image_file *image_file_known(const char *path)
{
    for (struct image_file *f = files; f; f = f->next)
        if (strcasecmp(f->path, path) == 0)
            return f;
    return NULL;
}

struct image_file *image_file_named(const char *name)
{
    for (struct image_file *f = files; f; f = f->next)
        if (strcasecmp(f->name, name) == 0)
            return f;
    return NULL;
}

struct image_file *image_file_open(const char *path, char *err, size_t errlen)
{
    struct image_file *f = known(path);
    if (f)
        return f;
    f = file_new(path, err, errlen);
    if (!f)
        return NULL;
    char why[PE_ERROR_TEXT] = "";
    enum pe_status s = pe_open_file(path, &f->pe, why, sizeof why);
    return file_done(f, s, why, err, errlen);
}

struct image_file *image_file_from_memory(const char *path, void *bytes, size_t size, char *err, size_t errlen)
{
    struct image_file *f = file_new(path, err, errlen);
    if (!f)
        return NULL;
    char why[PE_ERROR_TEXT] = "";
    enum pe_status s = pe_open_memory(bytes, size, &f->pe, why, sizeof why);
    return file_done(f, s, why, err, errlen);
}

static void module_name(char *module, const char *name)
{
    strncpy(module, name, 63);
    char *dot = strrchr(module, '.');
    if (dot)
        *dot = 0;
    for (char *p = module; *p; p++)
        if (*p == '-' || *p == ' ')
            *p = '_';
    if (strcasecmp(module, "ntoskrnl") == 0 || strcasecmp(module, "ntkrnlmp") == 0)
        strcpy(module, "nt");
}

static struct image *list_add(const char *name, uint64_t base, uint64_t size)
{
    struct image_room *r = room();
    struct image *i = sim_alloc(sizeof *i);
    strncpy(i->name, name, sizeof i->name - 1);
    module_name(i->module, name);
    i->base = base;
    i->size = size;
    if (r->last)
        r->last->next = i;
    else
        r->first = i;
    r->last = i;
    return i;
}

void image_register_synthetic(const char *name, uint64_t base, uint64_t size, bool user)
{
    struct image *i = list_add(name, base, size);
    i->synthetic = true;
    i->user = user;
    i->pe.base = (uint8_t *)base;
    i->pe.size = (uint32_t)size;
    i->pe.va = base;
    /* The directories that put_headers wrote. */
    const uint8_t *opt = (const uint8_t *)base + 0x80 + 24;
    memcpy(i->pe.dirs, opt + 112, sizeof i->pe.dirs);
}

struct image *image_first(void)
{
    return room()->first;
}

struct image *image_at(uint64_t address)
{
    for (struct image *i = room()->first; i; i = i->next)
        if (address - i->base < i->size)
            return i;
    return NULL;
}

struct image *image_unloaded_at(uint64_t address)
{
    for (struct image *i = room()->unloaded; i; i = i->next)
        if (address - i->base < i->size)
            return i;
    return NULL;
}

/* API sets are names for parts of a module, resolved by the loader. */
static const char *api_set_host(const char *name)
{
    if (strncasecmp(name, "api-ms-win-crt-", 15) == 0)
        return "ucrtbase.dll";
    if (strncasecmp(name, "api-ms-win-core-", 16) == 0 || strncasecmp(name, "kernelbase", 10) == 0)
        return "kernel32.dll";
    return name;
}

const char *image_canonical_module(const char *name)
{
    static const char *const nt[] = { "nt", "ntoskrnl", "ntkrnlmp.exe", "ntkrnlpa.exe", "ntoskrnl.lib" };
    for (size_t i = 0; i < sizeof nt / sizeof nt[0]; i++)
        if (strcasecmp(name, nt[i]) == 0)
            return "ntoskrnl.exe";
    return api_set_host(name);
}

static bool named(const struct image *i, const char *name)
{
    size_t n = strlen(name);
    const char *dot = strrchr(i->name, '.');
    return strcasecmp(i->name, name) == 0 || (dot && (size_t)(dot - i->name) == n && strncasecmp(i->name, name, n) == 0);
}

struct image *image_find(const char *name)
{
    name = image_canonical_module(name);
    for (struct image *i = room()->first; i; i = i->next)
        if (named(i, name))
            return i;
    return NULL;
}

/* Whether code of `from` may call into `i`: not across the modes, not across processes. */
static bool visible(const struct image *from, const struct image *i)
{
    if (i->synthetic)
        return from->user == i->user;
    return from->user ? i->user && (from->base - USER_BASE) / USER_SLICE == (i->base - USER_BASE) / USER_SLICE : !i->user;
}

struct image *image_find_for(const struct image *from, const char *name)
{
    name = image_canonical_module(name);
    for (struct image *i = room()->first; i; i = i->next)
        if (named(i, name) && visible(from, i))
            return i;
    return NULL;
}

/* The same, loading it when it can be found. NULL with an empty err: there is no such module. */
static struct image *find_or_load(const struct image *from, const char *name, char *err, size_t errlen)
{
    char full[128];
    struct image *i = image_find_for(from, name);
    err[0] = 0;
    if (from->synthetic || (i && i->synthetic))
        return i;
    if (!from->user)
        return i || !image_need_hook ? i : image_need_hook(from, name, err, errlen);
    snprintf(full, sizeof full, "%s%s", name, strchr(name, '.') ? "" : ".dll"); /* forwarders leave it out */
    struct image *needed = image_module_hook ? image_module_hook(from, full, err, errlen) : NULL;
    return needed || err[0] ? needed : i;
}

static uint64_t export_of(const struct image *image, const char *name, uint32_t ordinal, int depth)
{
    struct pe_export e;
    if (!name && image->synthetic) { /* the directory numbers our exports by their order; what has a number of its own is called "#N" */
        char numbered[16];
        snprintf(numbered, sizeof numbered, "#%u", ordinal);
        return door_export_address(image->name, numbered);
    }
    bool found = name ? pe_export_by_name(&image->pe, name, &e) : pe_export_by_ordinal(&image->pe, ordinal, &e);
    if (!found)
        return 0;
    if (!e.forward)
        return image->base + e.rva;
    struct pe_forwarder fw;
    if (depth > 8 || !pe_forwarder_parse(e.forward, &fw))
        return 0;
    char err[PE_ERROR_TEXT];
    const struct image *to = find_or_load(image, fw.module, err, sizeof err);
    return to ? export_of(to, fw.name, fw.ordinal, depth + 1) : 0;
}

/* Functions whose mere presence changes what has to be explored. */
static void heed(const struct image *from, const char *name)
{
    static const char *const processors[] = {
        "KeGetCurrentProcessorNumber", "KeGetCurrentProcessorNumberEx", "KeSetTargetProcessorDpc", "KeSetTargetProcessorDpcEx", "KeSetSystemAffinityThread",
        "KeSetSystemAffinityThreadEx", "KeSetSystemGroupAffinityThread", "KeSetAffinityThread", "KeGenericCallDpc", "KeIpiGenericCall", "KeQueryPrcbAddress",
    };
    static const char *const probes[] = {
        "KeTryToAcquireSpinLockAtDpcLevel", "KeTestSpinLock", "ExTryAcquireSpinLockSharedAtDpcLevel", "ExTryAcquireSpinLockExclusiveAtDpcLevel",
        "ExTryConvertSharedSpinLockExclusive",
    };
    static const char *const waiters[] = { "ExGetExclusiveWaiterCount", "ExGetSharedWaiterCount" };
    if (!from->synthetic || from->user || !name)
        return;
    for (size_t i = 0; i < sizeof waiters / sizeof *waiters; i++)
        MACHINE->waiters_counted |= strcmp(name, waiters[i]) == 0;
    for (size_t i = 0; i < sizeof processors / sizeof *processors; i++)
        MACHINE->processors_matter |= strcmp(name, processors[i]) == 0;
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++)
        MACHINE->locks_probed |= strcmp(name, probes[i]) == 0;
}

uint64_t image_export(const struct image *image, const char *name, uint32_t ordinal)
{
    heed(image, name);
    return export_of(image, name, ordinal, 0);
}

/* ---- unknown imports ---- */

static uint64_t missing_slot(const char *module, const char *name)
{
    struct image_room *r = room();
    for (uint32_t i = 0; i < r->missing_count; i++)
        if (strcasecmp(r->missing[i]->module, module) == 0 && strcmp(r->missing[i]->name, name) == 0)
            return KERNEL_BASE + MISSING_AT + i * MISSING_SLOT;
    if (r->missing_count == MISSING_MAX)
        base_panic("more than %d unknown imports", MISSING_MAX);
    if (r->missing_count == r->missing_room) {
        uint32_t room = r->missing_room ? r->missing_room * 2 : 16;
        struct missing **more = sim_alloc(room * sizeof *more);
        if (r->missing_count)
            memcpy(more, r->missing, r->missing_count * sizeof *more);
        sim_free(r->missing, r->missing_room * sizeof *more);
        r->missing = more;
        r->missing_room = room;
    }
    struct missing *m = sim_alloc(sizeof *m);
    strncpy(m->module, module, sizeof m->module - 1);
    strncpy(m->name, name, sizeof m->name - 1);
    r->missing[r->missing_count] = m;
    return KERNEL_BASE + MISSING_AT + r->missing_count++ * MISSING_SLOT;
}

bool image_missing_at(uint64_t address, const char **module, const char **name)
{
    struct image_room *r = room();
    uint64_t i = (address - (KERNEL_BASE + MISSING_AT)) / MISSING_SLOT;
    if (address < KERNEL_BASE + MISSING_AT || i >= r->missing_count)
        return false;
    *module = r->missing[i]->module;
    *name = r->missing[i]->name;
    return true;
}

/* Decimal or, with 0x, hexadecimal; nothing around it. */
static bool stub_value(const char *text, uint64_t *value)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = text + (hex ? 2 : 0);
    char *end;
    if (!*digits || digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")])
        return false;
    errno = 0;
    *value = strtoull(digits, &end, hex ? 16 : 10);
    return errno == 0;
}

bool image_stub_add(const char *text)
{
    const char *bang = strchr(text, '!'), *eq = strrchr(text, '=');
    if (!bang || !eq || eq < bang + 2 || bang == text || stub_count == STUB_MAX || eq - bang > 127 || bang - text > 63)
        return false;
    uint64_t v;
    if (!stub_value(eq + 1, &v))
        return false;
    memcpy(stubs[stub_count].module, text, (size_t)(bang - text));
    memcpy(stubs[stub_count].name, bang + 1, (size_t)(eq - bang - 1));
    stubs[stub_count++].value = v;
    return true;
}

static bool stubs_used_elsewhere; /* of the process */

void image_stubs_were_used(void)
{
    stubs_used_elsewhere = true;
}

bool image_stubs_used(void)
{
    return stubs_used_elsewhere || room()->stubs_used;
}

static bool same_module(const char *a, const char *b)
{
    size_t la = strcspn(a, "."), lb = strcspn(b, ".");
    return la == lb && strncasecmp(a, b, la) == 0;
}

static uint64_t stub_address(const char *module, const char *name)
{
    for (unsigned i = 0; i < stub_count; i++) {
        if (!same_module(stubs[i].module, image_canonical_module(module)) && !same_module(stubs[i].module, module))
            continue;
        if (strcmp(stubs[i].name, name) != 0)
            continue;
        /* mov rax, value; ret */
        uint8_t *at = (uint8_t *)(KERNEL_BASE + STUBS_AT + i * 16);
        host_protect(KERNEL_BASE + STUBS_AT, 0x1000, PROT_READ | PROT_WRITE);
        at[0] = 0x48;
        at[1] = 0xB8;
        memcpy(at + 2, &stubs[i].value, 8);
        at[10] = 0xC3;
        host_protect(KERNEL_BASE + STUBS_AT, 0x1000, PROT_READ | PROT_EXEC);
        room()->stubs_used = true;
        return (uint64_t)at;
    }
    return 0;
}

struct binding {
    struct image *image;
    char *err;
    size_t errlen;
};

/* hal's functions moved into the kernel long ago and are imported from either. */
static const char *twin_of(const char *module)
{
    if (strcasecmp(module, "hal.dll") == 0 || strcasecmp(module, "hal") == 0)
        return "ntoskrnl.exe";
    return strcasecmp(image_canonical_module(module), "ntoskrnl.exe") == 0 ? "hal.dll" : NULL;
}

/* The importer holds what it imports: the image stays when its driver unloads. */
static void depend(struct image *image, struct image *on)
{
    for (uint32_t i = 0; i < image->depends_count; i++)
        if (image->depends[i] == on)
            return;
    if (on->synthetic || on->user || on == image || image->depends_count == IMAGE_MAX_DEPENDS)
        return;
    image->depends[image->depends_count++] = on;
    on->importers++;
}

static bool bind(void *ctx, const struct pe_import *imp)
{
    struct binding *b = ctx;
    struct image *image = b->image;
    if (imp->delay)
        return true;
    char ordinal[16];
    snprintf(ordinal, sizeof ordinal, "#%u", imp->ordinal);
    const char *name = imp->name ? imp->name : ordinal;
    uint64_t address = stub_address(imp->module, name);
    struct image *from = address ? NULL : find_or_load(image, imp->module, b->err, b->errlen);
    if (!from && !address && b->err[0])
        return false;
    if (from) {
        address = image_export(from, imp->name, imp->ordinal);
        depend(image, from);
    }
    const char *twin = address || image->user ? NULL : twin_of(imp->module);
    if (twin && imp->name) {
        const struct image *other = image_find(twin);
        address = other ? image_export(other, imp->name, 0) : 0;
    }
    if (!address)
        address = missing_slot(imp->module, name);
    memcpy(image->pe.base + imp->slot_rva, &address, 8);
    return true;
}

/* ---- loading ---- */

static void put_pointer(struct image *image, uint32_t rva, uint64_t value)
{
    void *at = rva ? pe_at(&image->pe, rva, 8) : NULL;
    if (at)
        memcpy(at, &value, 8);
}

static void load_config_apply(struct image *image)
{
    struct pe_load_config c;
    if (!pe_load_config(&image->pe, &c))
        return;
    /* A fixed cookie that differs from the compiler's default, so that the start-up code keeps it. */
    put_pointer(image, c.security_cookie_rva, 0x00005EC0DE17A5B3ull ^ (image->base >> 12));
    put_pointer(image, c.guard_check_pointer_rva, door_guard_check());
    put_pointer(image, c.guard_dispatch_pointer_rva, door_guard_dispatch());
    put_pointer(image, c.guard_xfg_check_pointer_rva, door_guard_check());
    put_pointer(image, c.guard_xfg_dispatch_pointer_rva, door_guard_dispatch());
    put_pointer(image, c.guard_xfg_table_dispatch_pointer_rva, door_guard_dispatch());
}

static int section_protection(const struct pe_image *pe, const struct pe_section *s)
{
    unsigned p = pe_section_prot(pe, s);
    return (p & PE_PROT_READ ? PROT_READ : 0) | (p & PE_PROT_WRITE ? PROT_READ | PROT_WRITE : 0) | (p & PE_PROT_EXEC ? PROT_READ | PROT_EXEC : 0);
}

/* The code of an image that is unloaded cannot be run or read; its writable sections stay as they are, they are part of snapshots. */
static bool code_hidden; /* of the process, like all protections: some image's code is */

static void code_protect(const struct image *image, bool hide)
{
    const struct pe_image *pe = &image->file->pe;
    bool in_arena = image->base >= KERNEL_BASE && image->base < KERNEL_END; /* elsewhere nobody keeps protections */
    for (uint32_t i = 0; i < pe->section_count; i++) {
        const struct pe_section *s = &pe->sections[i];
        uint32_t span = pe_section_span(pe, s);
        int protection = section_protection(pe, s), wanted = hide ? PROT_NONE : protection;
        bool is_code = span && (protection & PROT_EXEC) && !(protection & PROT_WRITE);
        if (is_code && (!in_arena || host_page_protection(image->base + s->rva) != wanted))
            host_protect(image->base + s->rva, span, wanted);
    }
}

static void segment_of(uint64_t at, uint32_t bytes, uint32_t span)
{
    struct segment *seg = sim_segment_add(at, span, SEGMENT_PLAIN, true);
    seg->used = (bytes + 63) & ~63u;
    if (seg->used > span)
        seg->used = span;
}

static void protect_sections(const struct image *image)
{
    const struct pe_image *pe = &image->file->pe;
    if (pe->section_alignment < PE_PAGE) { /* sections share pages: one protection for all */
        host_protect(image->base, pe->size_of_image, PROT_READ | PROT_WRITE | PROT_EXEC);
        segment_of(image->base, pe->size_of_image, pe->size_of_image);
        return;
    }
    host_protect(image->base, pe->size_of_image, PROT_READ); /* headers, and what lies between sections */
    for (uint32_t i = 0; i < pe->section_count; i++) {
        const struct pe_section *s = &pe->sections[i];
        uint32_t span = pe_section_span(pe, s);
        if (!span)
            continue;
        host_protect(image->base + s->rva, span, section_protection(pe, s));
        if (pe_section_prot(pe, s) & PE_PROT_WRITE)
            segment_of(image->base + s->rva, s->vsize, span);
    }
}

/* ---- what is thrown away after DriverEntry ---- */

/* GUESS: sections marked discardable, and only those that a driver could touch (no debug information, no relocations). Writable
 * ones stay: they are part of snapshots. */
static bool is_discarded(const struct pe_image *pe, const struct pe_section *s)
{
    bool init = strcasecmp(s->name, "INIT") == 0;
    return pe->section_alignment >= PE_PAGE && pe_section_span(pe, s) && (s->flags & PE_SCN_DISCARDABLE) && (init || (s->flags & PE_SCN_EXECUTE)) &&
           !(s->flags & PE_SCN_WRITE);
}

static void protect_discarded(const struct image *image)
{
    const struct pe_image *pe = &image->file->pe;
    bool in_arena = image->base >= KERNEL_BASE && image->base < KERNEL_END; /* elsewhere nobody keeps protections */
    for (uint32_t i = 0; in_arena && i < pe->section_count; i++) {
        const struct pe_section *s = &pe->sections[i];
        if (!is_discarded(pe, s))
            continue;
        int want = image->init_discarded ? PROT_NONE : section_protection(pe, s);
        if (host_page_protection(image->base + s->rva) != want)
            host_protect(image->base + s->rva, pe_section_span(pe, s), want);
    }
}

void image_discard_init(struct image *image)
{
    image->init_discarded = true;
    protect_discarded(image);
}

/* Protections are the processor's, not the snapshot's. */
void image_restored(void)
{
    if (!MACHINE->rooms[ROOM_IMAGE])
        return;
    for (const struct image *i = room()->first; i; i = i->next) {
        if (!i->file || i->user)
            continue;
        if (code_hidden)
            code_protect(i, false);
        protect_discarded(i);
    }
    for (const struct image *i = code_hidden ? room()->unloaded : NULL; i; i = i->next)
        code_protect(i, true);
    code_hidden = room()->unloaded != NULL;
}

uint64_t image_kernel_place(uint64_t size)
{
    struct image_room *r = room();
    uint64_t at = r->next_kernel, end = at + ((size + patch_room(size) + 0x1FFFF) & ~0xFFFFull);
    if (end > KERNEL_BASE + IMAGES_END)
        return 0;
    r->next_kernel = end;
    return at;
}

/* Memory at an image's own base. Mappings are the process's: a run after a restore finds that of an earlier one, for the same file. */
static struct {
    const struct image_file *file;
    uint64_t base;
} own_places[8];
static unsigned own_place_count;

static bool own_place(const struct image_file *file)
{
    struct machine *m = MACHINE;
    uint64_t base = file->pe.image_base, bytes = file->pe.size_of_image;
    if (m->foreign_count == sizeof m->foreign / sizeof *m->foreign || machine_foreign_image(base))
        return false;
    unsigned i = 0;
    while (i < own_place_count && (own_places[i].file != file || own_places[i].base != base))
        i++;
    if (i < own_place_count) {
        host_protect(base, bytes, PROT_READ | PROT_WRITE);
        memset((void *)base, 0, bytes);
    } else {
        if (i == sizeof own_places / sizeof *own_places || !host_map_fixed(base, bytes))
            return false;
        own_places[own_place_count].file = file;
        own_places[own_place_count++].base = base;
    }
    m->foreign[m->foreign_count].base = base;
    m->foreign[m->foreign_count++].size = bytes + patch_room(bytes);
    return true;
}

struct image *image_load(struct image_file *file, uint64_t base, bool user, char *err, size_t errlen)
{
    const struct pe_image *pe = &file->pe;
    char why[PE_ERROR_TEXT] = "";
    after_forget();
    bool own_base = pe->image_base != base && (pe->characteristics & PE_FILE_RELOCS_STRIPPED) != 0;
    if (!base && !own_base) {
        snprintf(err, errlen, "%s: no room for an image of 0x%x bytes", file->path, pe->size_of_image);
        return NULL;
    }
    if (own_base) {
        base = pe->image_base;
        if (!own_place(file)) {
            snprintf(err, errlen, "%s: has no relocations and its base 0x%llx is taken", file->path, (unsigned long long)base);
            return NULL;
        }
    } else {
        host_protect(base, pe->size_of_image, PROT_READ | PROT_WRITE);
        memset((void *)base, 0, pe->size_of_image);
    }
    struct image *image = list_add(file->name, base, pe->size_of_image);
    image->file = file;
    image->user = user;
    pe_map(pe, (void *)base, &image->pe);
    if (!own_base && pe_relocate(&image->pe, base, why, sizeof why) != PE_OK) {
        snprintf(err, errlen, "%s: %s", file->path, why);
        return NULL;
    }
    char need[600] = "";
    struct binding b = { image, need, sizeof need };
    if (pe_imports(&image->pe, bind, &b, why, sizeof why) != PE_OK) {
        snprintf(err, errlen, need[0] ? "%s" : "%s: %s", need[0] ? need : file->path, why);
        return NULL;
    }
    load_config_apply(image);
    image->entry = pe->entry_rva ? base + pe->entry_rva : 0;
    if (image_patch_hook)
        image_patch_hook(image);
    protect_sections(image);
    return image;
}

struct image *image_of_file(const struct image_file *file)
{
    for (struct image *i = room()->first; i; i = i->next)
        if (i->file == file && !i->user)
            return i;
    return NULL;
}



void image_unload(struct image *image)
{
    struct image_room *r = room();
    for (uint32_t i = 0; i < image->depends_count; i++)
        image->depends[i]->importers--;
    struct image **at = &r->first;
    r->last = NULL;
    while (*at && *at != image) {
        r->last = *at;
        at = &(*at)->next;
    }
    IR_ASSERT(*at);
    *at = image->next;
    while (r->last && r->last->next)
        r->last = r->last->next;
    if (!r->last)
        for (struct image *i = r->first; i; i = i->next)
            r->last = i;
    if (image->user || image->synthetic || !image->file) {
        sim_free(image, sizeof *image);
        return;
    }
    image->next = r->unloaded;
    r->unloaded = image;
    code_hidden = true;
    code_protect(image, true);
}
