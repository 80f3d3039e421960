/* Loading images into the arena; see image.h. */
#include "sim/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "sim/door.h"
#include "sim/machine.h"
#include "sim/patch.h"

enum {
    MISSING_AT = 0x100000, /* offset in the kernel half: never accessible */
    MISSING_SLOT = 0x40,
    MISSING_MAX = 0x1000,
    STUBS_AT = 0x200000, /* code that answers for missing functions */
    IMAGES_AT = 0x2000000,
    IMAGES_END = 0x40000000,
    STUB_MAX = 64,
};

void (*image_patch_hook)(struct image *image) = patch_image;

/* Room state: the list, and the unknown imports in the order they were met. */
struct missing {
    char module[64];
    char name[128];
};
struct image_room {
    struct image *first, *last;
    struct image *unloaded; /* kernel images, the last first: for names, and for calls into what is no longer there */
    uint64_t next_kernel;
    uint32_t missing_count;
    struct missing *missing[MISSING_MAX];
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

static struct image_file *file_done(struct image_file *f, enum pe_status s, const char *why, char *err, size_t errlen)
{
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

/* Modules that are other names for the same exports. */
static const char *canonical_module(const char *name)
{
    static const char *const nt[] = { "nt", "ntoskrnl", "ntkrnlmp.exe", "ntkrnlpa.exe", "ntoskrnl.lib" };
    for (size_t i = 0; i < sizeof nt / sizeof nt[0]; i++)
        if (strcasecmp(name, nt[i]) == 0)
            return "ntoskrnl.exe";
    return api_set_host(name);
}

struct image *image_find(const char *name)
{
    name = canonical_module(name);
    size_t n = strlen(name);
    for (struct image *i = room()->first; i; i = i->next) {
        if (strcasecmp(i->name, name) == 0)
            return i;
        const char *dot = strrchr(i->name, '.');
        if (dot && (size_t)(dot - i->name) == n && strncasecmp(i->name, name, n) == 0)
            return i;
    }
    return NULL;
}

static uint64_t export_of(const struct image *image, const char *name, uint32_t ordinal, int depth)
{
    struct pe_export e;
    bool found = name ? pe_export_by_name(&image->pe, name, &e) : pe_export_by_ordinal(&image->pe, ordinal, &e);
    if (!found)
        return 0;
    if (!e.forward)
        return image->base + e.rva;
    struct pe_forwarder fw;
    if (depth > 8 || !pe_forwarder_parse(e.forward, &fw))
        return 0;
    const struct image *to = image_find(fw.module);
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
    if (!from->synthetic || from->user || !name)
        return;
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

bool image_stub_add(const char *text)
{
    const char *bang = strchr(text, '!'), *eq = strrchr(text, '=');
    if (!bang || !eq || eq < bang + 2 || bang == text || stub_count == STUB_MAX || eq - bang > 127 || bang - text > 63)
        return false;
    char *end;
    uint64_t v = strtoull(eq + 1, &end, 0);
    if (end == eq + 1 || *end)
        return false;
    memcpy(stubs[stub_count].module, text, (size_t)(bang - text));
    memcpy(stubs[stub_count].name, bang + 1, (size_t)(eq - bang - 1));
    stubs[stub_count++].value = v;
    return true;
}

bool image_stubs_used(void)
{
    return room()->stubs_used;
}

static bool same_module(const char *a, const char *b)
{
    size_t la = strcspn(a, "."), lb = strcspn(b, ".");
    return la == lb && strncasecmp(a, b, la) == 0;
}

static uint64_t stub_address(const char *module, const char *name)
{
    for (unsigned i = 0; i < stub_count; i++) {
        if (!same_module(stubs[i].module, canonical_module(module)) && !same_module(stubs[i].module, module))
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

/* Why a module that an image needs cannot be used. */
static char bind_error[400];
const struct image *(*image_module_hook)(const struct image *by, const char *name, char *err, size_t errlen);

static bool bind(void *ctx, const struct pe_import *imp)
{
    struct image *image = ctx;
    if (imp->delay)
        return true;
    char ordinal[16];
    snprintf(ordinal, sizeof ordinal, "#%u", imp->ordinal);
    const char *name = imp->name ? imp->name : ordinal;
    uint64_t address = stub_address(imp->module, name);
    const struct image *from = address ? NULL : image_find(imp->module);
    if (from && from->user && !image->user)
        from = NULL; /* a driver cannot call user-mode modules */
    if (!address && image->user && image_module_hook && (!from || !from->synthetic)) {
        char why[sizeof bind_error] = "";
        from = image_module_hook(image, imp->module, why, sizeof why);
        if (why[0]) {
            strcpy(bind_error, why);
            return false;
        }
    }
    if (from)
        address = image_export(from, imp->name, imp->ordinal);
    /* hal's functions moved into the kernel long ago and are imported from either. */
    if (!address && !image->user && (strcasecmp(imp->module, "hal.dll") == 0 || strcasecmp(canonical_module(imp->module), "ntoskrnl.exe") == 0)) {
        const struct image *other = image_find(strcasecmp(imp->module, "hal.dll") == 0 ? "ntoskrnl.exe" : "hal.dll");
        if (other && imp->name)
            address = image_export(other, imp->name, 0);
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
    for (uint32_t i = 0; i < pe->section_count; i++) {
        const struct pe_section *s = &pe->sections[i];
        uint32_t span = pe_section_span(pe, s);
        int protection = section_protection(pe, s);
        if (span && (protection & PROT_EXEC) && !(protection & PROT_WRITE))
            host_protect(image->base + s->rva, span, hide ? PROT_NONE : protection);
    }
}

void image_restored(void)
{
    if (!code_hidden || !MACHINE->rooms[ROOM_IMAGE])
        return;
    for (const struct image *i = room()->first; i; i = i->next)
        if (!i->synthetic && !i->user)
            code_protect(i, false);
    for (const struct image *i = room()->unloaded; i; i = i->next)
        code_protect(i, true);
    code_hidden = room()->unloaded != NULL;
}

static void protect_sections(const struct image *image)
{
    const struct pe_image *pe = &image->file->pe;
    host_protect(image->base, (pe->size_of_headers + 0xFFF) & ~0xFFFu, PROT_READ);
    for (uint32_t i = 0; i < pe->section_count; i++) {
        const struct pe_section *s = &pe->sections[i];
        uint32_t span = pe_section_span(pe, s);
        if (!span)
            continue;
        host_protect(image->base + s->rva, span, section_protection(pe, s));
        if (pe_section_prot(pe, s) & PE_PROT_WRITE) {
            struct segment *seg = sim_segment_add(image->base + s->rva, span, SEGMENT_PLAIN, true);
            seg->used = (s->vsize + 63) & ~63u;
            if (seg->used > span)
                seg->used = span;
        }
    }
}

uint64_t image_kernel_place(uint64_t size)
{
    struct image_room *r = room();
    uint64_t at = r->next_kernel;
    r->next_kernel += (size + patch_room(size) + 0x1FFFF) & ~0xFFFFull;
    if (r->next_kernel > KERNEL_BASE + IMAGES_END)
        base_panic("no room for more kernel images");
    return at;
}

struct image *image_load(struct image_file *file, uint64_t base, bool user, char *err, size_t errlen)
{
    const struct pe_image *pe = &file->pe;
    char why[PE_ERROR_TEXT] = "";
    bool own_base = pe->image_base != base && (pe->characteristics & PE_FILE_RELOCS_STRIPPED) != 0;
    if (own_base) {
        base = pe->image_base;
        if (!host_map_fixed(base, pe->size_of_image) || MACHINE->foreign_count == 8) {
            snprintf(err, errlen, "%s: has no relocations and its base 0x%llx is taken", file->path, (unsigned long long)base);
            return NULL;
        }
        MACHINE->foreign[MACHINE->foreign_count].base = base;
        MACHINE->foreign[MACHINE->foreign_count++].size = pe->size_of_image + patch_room(pe->size_of_image);
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
    bind_error[0] = 0;
    enum pe_status imports = pe_imports(&image->pe, bind, image, why, sizeof why);
    if (imports != PE_OK || bind_error[0]) {
        if (bind_error[0])
            snprintf(err, errlen, "%s", bind_error);
        else
            snprintf(err, errlen, "%s: %s", file->path, why);
        return NULL;
    }
    load_config_apply(image);
    image->entry = pe->entry_rva ? base + pe->entry_rva : 0;
    if (image_patch_hook)
        image_patch_hook(image);
    protect_sections(image);
    return image;
}

void image_unload(struct image *image)
{
    struct image_room *r = room();
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
