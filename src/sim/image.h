/* Loaded images: real ones (drivers, programs, DLLs) and the synthetic ones that we are.
 * An image's bytes are guest memory; this list is bookkeeping in the private heap. */
#ifndef IRPLAB_SIM_IMAGE_H
#define IRPLAB_SIM_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pe/pe.h"

/* A file read once a process; immutable, shared by all runs. */
struct image_file {
    char path[512]; /* as given; for messages and for finding symbols */
    char name[64]; /* file name */
    struct pe_image pe;
    struct patch_plan *patches, *other_patches; /* sim/patch, made when first loaded; the ones before, which may be wanted again */
    bool brought; /* irplab's own */
    void *symbols; /* struct pe_symbols, loaded when first wanted */
    struct image_file *next;
};

enum { IMAGE_MAX_DEPENDS = 32 };

struct image {
    char name[64]; /* "usbvideo.sys" */
    char module[64]; /* as `k` shows it: "usbvideo", "nt" */
    uint64_t base, size;
    uint64_t entry; /* 0: none */
    bool synthetic, user;
    struct image_file *file; /* NULL for synthetic ones */
    struct pe_mapped pe; /* valid for all */
    bool as_import; /* a kernel image that was loaded because another one imports from it */
    bool init_discarded;
    uint32_t importers; /* images that hold this one */
    uint32_t depends_count;
    struct image *depends[IMAGE_MAX_DEPENDS]; /* real images only */
    struct image *next;
};

/* Opens (once) a file. NULL and one line in err ("path: reason"). */
struct image_file *image_file_open(const char *path, char *err, size_t errlen);

/* The same for bytes in memory, which become the file's; path is the name it is found under. */
struct image_file *image_file_from_memory(const char *path, void *bytes, size_t size, char *err, size_t errlen);

/* Maps and relocates at base (page-aligned, reserved arena memory) or, without relocations, at its own base; binds imports; sets up
 * cookie, guard pointers, protections and segments. NULL and one line in err. */
struct image *image_load(struct image_file *file, uint64_t base, bool user, char *err, size_t errlen);
/* Asked for a module that a user image imports from and that is not a synthetic one; NULL: there is none, or (with a line in err) it
 * cannot be used. Set by ps. */
extern struct image *(*image_module_hook)(const struct image *by, const char *name, char *err, size_t errlen);
/* A file that is open already, by its path in any case; NULL. */
struct image_file *image_file_known(const char *path);
/* The one opened last under that file name, in any case; NULL. */
struct image_file *image_file_named(const char *name);
/* Next free place for a kernel image of that size; 0 if there is none. */
uint64_t image_kernel_place(uint64_t size);
void image_unload(struct image *image);

struct image *image_at(uint64_t address);
struct image *image_find(const char *name); /* case-insensitive, with or without extension; "nt" too */
/* The same as `from` sees it: its own mode, its own process. */
struct image *image_find_for(const struct image *from, const char *name);
/* The name under which a module's exports are listed: ntkrnlmp.exe is ntoskrnl.exe, an API set is its host. */
const char *image_canonical_module(const char *name);
/* The kernel image that a file is loaded as; NULL. */
struct image *image_of_file(const struct image_file *file);
/* Sections that only DriverEntry needs become inaccessible. */
void image_discard_init(struct image *image);
struct image *image_first(void);
/* Address of an export (follows forwarders); 0 if missing. name or ordinal. */
uint64_t image_export(const struct image *image, const char *name, uint32_t ordinal);

/* The unknown import that an address stands for: module and name, false if it is none. */
bool image_missing_at(uint64_t address, const char **module, const char **name);
/* --stub MODULE!NAME=VALUE; called before images are loaded. false: malformed. */
bool image_stub_add(const char *text);
/* True once a stub was bound (the result must say so). */
bool image_stubs_used(void);
/* One was bound in another process of the search. */
void image_stubs_were_used(void);

/* "module!name+0xoff" of an address into text; falls back to module+0xrva or plain hexadecimal. */
/* A kernel image that was there and is unloaded; NULL. */
struct image *image_unloaded_at(uint64_t address);
/* After a snapshot was restored: protections are the process's and follow the images. */
void image_restored(void);
void image_symbol_text(uint64_t address, char *text, size_t size);
/* Name of the function at address without offset; NULL if unknown. */
const char *image_symbol(uint64_t address, const struct image **image, uint64_t *offset);

/* The same for a place in a file, whether it is loaded or not. */
const char *image_file_symbol(struct image_file *file, uint32_t rva, uint32_t *offset);

void image_register_synthetic(const char *name, uint64_t base, uint64_t size, bool user);

/* sim/synthetic.c */
const char *door_frame_name(uint64_t address, const char **module);
struct door_entry;
const struct door_entry *door_entry_at(uint64_t address);
uint64_t door_guard_check(void); /* code for __guard_check_icall_fptr: returns */
uint64_t door_guard_dispatch(void); /* code for __guard_dispatch_icall_fptr: jmp rax */

/* Asked for a driver that another one imports from and that is not loaded: loads it, or returns NULL, with a line in err if it is there
 * but cannot be loaded. Set by the session; NULL = such imports stay missing. */
extern struct image *(*image_need_hook)(const struct image *from, const char *module, char *err, size_t errlen);

/* Called for each freshly mapped executable image before it is made read-only: traps and atomics (sim/patch). */
extern void (*image_patch_hook)(struct image *image);

#endif
