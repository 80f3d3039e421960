/* PE32+ images for x64: open, check, lay out, relocate, and read their tables.
 *
 * Owns: nothing but the bytes of an open file. No globals, no guest execution, no protections: the
 * caller supplies the memory an image is laid out in and protects it afterwards.
 *
 * Two views of an image:
 *   struct pe_image   the file. Headers are validated and copied once, by pe_open_*.
 *   struct pe_mapped  the image laid out at RVAs (pe_map). Plain data without host allocations: it may be
 *                     copied into the arena. It keeps its own copy of the directories, so that a guest
 *                     that scribbles over its headers cannot mislead us.
 *
 * Rules: images are hostile. Every read goes through pe_at or pe_string_at; every function here is
 * safe on any bytes. Bad input is returned as a status and one line of text without the path (the
 * caller names the file); assertions are for our own bugs. Strings handed out point into the image.
 * The mapped bytes must be readable when a function here is called. */
#ifndef IRPLAB_PE_PE_H
#define IRPLAB_PE_PE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pe_status {
    PE_OK = 0,
    PE_BAD,           /* malformed, unreadable or unsupported; the text says why */
    PE_NO_RELOCATIONS, /* sound, but its relocations were stripped and another base was asked for */
    PE_STOPPED,       /* a callback ended the iteration */
};

enum { PE_MAX_SECTIONS = 96, PE_DIRECTORIES = 16, PE_PAGE = 0x1000, PE_MAX_STRING = 0x10000, PE_ERROR_TEXT = 160 };

enum pe_directory_index {
    PE_DIR_EXPORT = 0,
    PE_DIR_IMPORT = 1,
    PE_DIR_RESOURCE = 2,
    PE_DIR_EXCEPTION = 3,
    PE_DIR_SECURITY = 4, /* a file offset, not an RVA */
    PE_DIR_RELOC = 5,
    PE_DIR_DEBUG = 6,
    PE_DIR_TLS = 9,
    PE_DIR_LOAD_CONFIG = 10,
    PE_DIR_IAT = 12,
    PE_DIR_DELAY_IMPORT = 13,
};

/* IMAGE_FILE_HEADER.Characteristics */
enum { PE_FILE_RELOCS_STRIPPED = 0x1, PE_FILE_EXECUTABLE = 0x2, PE_FILE_DLL = 0x2000 };

/* IMAGE_OPTIONAL_HEADER.DllCharacteristics */
enum {
    PE_DLL_HIGH_ENTROPY_VA = 0x20,
    PE_DLL_DYNAMIC_BASE = 0x40,
    PE_DLL_FORCE_INTEGRITY = 0x80,
    PE_DLL_NX_COMPAT = 0x100,
    PE_DLL_WDM_DRIVER = 0x2000,
    PE_DLL_GUARD_CF = 0x4000,
};

enum pe_subsystem { PE_SUBSYSTEM_NATIVE = 1, PE_SUBSYSTEM_GUI = 2, PE_SUBSYSTEM_CONSOLE = 3 };

/* IMAGE_SECTION_HEADER.Characteristics */
#define PE_SCN_CODE 0x00000020u
#define PE_SCN_DISCARDABLE 0x02000000u
#define PE_SCN_NOT_PAGED 0x08000000u
#define PE_SCN_EXECUTE 0x20000000u
#define PE_SCN_READ 0x40000000u
#define PE_SCN_WRITE 0x80000000u

enum pe_prot { PE_PROT_READ = 1, PE_PROT_WRITE = 2, PE_PROT_EXEC = 4 };

struct pe_section {
    char name[32]; /* long names of COFF ("/123") are resolved */
    uint32_t rva;
    uint32_t vsize;    /* never 0 unless the section has no bytes at all */
    uint32_t raw;      /* file offset of its data */
    uint32_t raw_size; /* bytes of it that are mapped: inside the file, inside the section's pages */
    uint32_t flags;
};

struct pe_directory {
    uint32_t rva; /* both 0 when absent */
    uint32_t size;
};

struct pe_image {
    const uint8_t *file;
    size_t file_size;
    bool owns_file;

    uint64_t image_base;
    uint32_t size_of_image;   /* rounded up to pages */
    uint32_t size_of_headers; /* bytes mapped at RVA 0 */
    uint32_t section_alignment;
    uint32_t file_alignment;
    uint32_t entry_rva; /* 0: none */
    uint32_t timestamp;
    uint32_t checksum;
    uint16_t characteristics;
    uint16_t dll_characteristics;
    uint16_t subsystem;
    uint64_t stack_reserve, stack_commit, heap_reserve, heap_commit;
    uint32_t headers_offset;       /* of "PE\0\0" */
    uint32_t symbol_table_offset;  /* COFF symbols, checked to lie inside the file; 0: none */
    uint32_t symbol_count;
    uint32_t string_table_offset;  /* follows the symbols; 0: none */
    uint32_t string_table_size;
    uint32_t section_count;
    struct pe_section sections[PE_MAX_SECTIONS];
    struct pe_directory dirs[PE_DIRECTORIES];
};

struct pe_mapped {
    uint8_t *base;        /* where the bytes are */
    uint32_t size;        /* SizeOfImage */
    uint64_t va;          /* the base that absolute addresses inside assume now; moved by pe_relocate */
    bool relocs_stripped;
    struct pe_directory dirs[PE_DIRECTORIES];
};

/* --- file ------------------------------------------------------------------------------------------- */

/* Reads and validates. On failure *out is zeroed and err holds one line. */
enum pe_status pe_open_file(const char *path, struct pe_image *out, char *err, size_t errlen);

/* The bytes stay the caller's and must outlive the image. */
enum pe_status pe_open_memory(const void *bytes, size_t size, struct pe_image *out, char *err, size_t errlen);

void pe_close(struct pe_image *img); /* also of a zeroed or failed one */

const struct pe_section *pe_section_at(const struct pe_image *img, uint32_t rva); /* NULL: headers or a gap */
const struct pe_section *pe_section_find(const struct pe_image *img, const char *name);
unsigned pe_section_prot(const struct pe_image *img, const struct pe_section *s); /* enum pe_prot bits */

/* Bytes of the section in memory, in whole pages. */
uint32_t pe_section_span(const struct pe_image *img, const struct pe_section *s);

/* --- memory ----------------------------------------------------------------------------------------- */

/* Lays headers and sections out in `dest`: size_of_image zeroed, writable bytes. Cannot fail. */
void pe_map(const struct pe_image *img, void *dest, struct pe_mapped *out);

/* The same in memory of its own, for tools that only read. pe_unmap_private frees it. */
enum pe_status pe_map_private(const struct pe_image *img, struct pe_mapped *out, char *err, size_t errlen);
void pe_unmap_private(struct pe_mapped *m);

/* Adjusts every absolute address for `new_base` (m->va follows). All blocks are checked before the first write. */
enum pe_status pe_relocate(struct pe_mapped *m, uint64_t new_base, char *err, size_t errlen);

/* `len` bytes at an RVA, or NULL if they do not lie inside the image. */
void *pe_at(const struct pe_mapped *m, uint32_t rva, size_t len);

/* A NUL-terminated string inside the image (under PE_MAX_STRING bytes), or NULL. */
const char *pe_string_at(const struct pe_mapped *m, uint32_t rva);

/* The RVA of an absolute address stored in the image, or 0 if it lies outside (0 is the header: never a target). */
uint32_t pe_rva_of(const struct pe_mapped *m, uint64_t va);

/* --- imports ---------------------------------------------------------------------------------------- */

struct pe_import {
    const char *module;
    const char *name; /* NULL: by ordinal */
    uint16_t ordinal; /* when name is NULL */
    uint16_t hint;    /* when it is not */
    uint32_t slot_rva; /* the IAT slot (8 bytes, checked to lie inside): write the address there */
    bool delay;       /* delay-loaded: the slot holds a thunk of the image's own; leave it alone to load */
};

/* False stops. The callback may write the slot. */
typedef bool pe_import_fn(void *ctx, const struct pe_import *import);

/* Imports in the order of the image, then delay imports. */
enum pe_status pe_imports(const struct pe_mapped *m, pe_import_fn *fn, void *ctx, char *err, size_t errlen);

/* --- exports ---------------------------------------------------------------------------------------- */

struct pe_export {
    const char *name; /* NULL: by ordinal only */
    uint32_t ordinal; /* with the base added */
    uint32_t rva;     /* 0 when forwarded */
    const char *forward; /* "MODULE.Name" or "MODULE.#12", else NULL */
};

bool pe_export_by_name(const struct pe_mapped *m, const char *name, struct pe_export *out);
bool pe_export_by_ordinal(const struct pe_mapped *m, uint32_t ordinal, struct pe_export *out);
const char *pe_export_module(const struct pe_mapped *m); /* the name the image was linked as, or NULL */

typedef bool pe_export_fn(void *ctx, const struct pe_export *export);

/* Named exports in table order (sorted by name), then the ones without a name by ordinal. */
enum pe_status pe_exports(const struct pe_mapped *m, pe_export_fn *fn, void *ctx, char *err, size_t errlen);

struct pe_forwarder {
    char module[64];  /* without extension, as written */
    const char *name; /* NULL: by ordinal */
    uint32_t ordinal;
};

bool pe_forwarder_parse(const char *forward, struct pe_forwarder *out);

/* --- the other directories --------------------------------------------------------------------------- */

struct pe_tls {
    uint32_t raw_rva;       /* template of the initialised part */
    uint32_t raw_size;
    uint32_t zero_fill;     /* bytes after it */
    uint32_t index_rva;     /* the ULONG that receives the slot's index; 0: none */
    uint32_t callbacks_rva; /* array of absolute addresses ended by 0; 0: none */
    uint32_t alignment;     /* of a thread's copy; at least 16 */
};

/* False: absent or malformed. */
bool pe_tls(const struct pe_mapped *m, struct pe_tls *out);

/* RVA of callback i; false past the end. */
bool pe_tls_callback(const struct pe_mapped *m, const struct pe_tls *tls, unsigned i, uint32_t *rva);

struct pe_load_config { /* RVAs; 0: not there */
    uint32_t size;
    uint32_t security_cookie_rva;
    uint32_t guard_check_pointer_rva;    /* slot of __guard_check_icall_fptr */
    uint32_t guard_dispatch_pointer_rva; /* slot of __guard_dispatch_icall_fptr */
    uint32_t guard_table_rva;            /* GuardCFFunctionTable */
    uint32_t guard_table_count;
    uint32_t guard_table_stride; /* 4 + extra bytes */
    uint32_t guard_flags;
    uint32_t guard_xfg_check_pointer_rva;
    uint32_t guard_xfg_dispatch_pointer_rva;
    uint32_t guard_xfg_table_dispatch_pointer_rva;
    uint32_t seh_table_rva; /* x86 only by definition; kept for display */
    uint32_t seh_count;
};

bool pe_load_config(const struct pe_mapped *m, struct pe_load_config *out);

struct pe_function { /* RUNTIME_FUNCTION */
    uint32_t begin_rva;
    uint32_t end_rva;
    uint32_t unwind_rva; /* bit 0 set: of another RUNTIME_FUNCTION instead */
};

/* The .pdata entry that covers an RVA; false for leaf functions and data. */
bool pe_function_entry(const struct pe_mapped *m, uint32_t rva, struct pe_function *out);
uint32_t pe_function_count(const struct pe_mapped *m);
bool pe_function_get(const struct pe_mapped *m, uint32_t index, struct pe_function *out);

struct pe_codeview { /* the RSDS record: which PDB belongs to the image */
    uint8_t guid[16];
    uint32_t age;
    const char *path;
};

bool pe_codeview(const struct pe_mapped *m, struct pe_codeview *out);

#endif
