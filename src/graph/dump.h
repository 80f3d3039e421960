/* Kernel memory dumps of x64 Windows: complete, kernel and bitmap ones (types 1, 5, 6, 8, 9, 10).
 *
 * Owns the mapped file. Gives physical and virtual memory, and the loaded modules, each as the bytes of an image file laid
 * out so that src/pe opens it (pages that are not in the dump are zero). Dumps are hostile: everything is checked, and one
 * that is cut short is refused.
 * DOC: structures as published by readers of the format; module list: KLDR_DATA_TABLE_ENTRY with DllBase at 0x30,
 * SizeOfImage at 0x40, FullDllName at 0x48, BaseDllName at 0x58. */
#ifndef IRPLAB_GRAPH_DUMP_H
#define IRPLAB_GRAPH_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct graph_run { /* pages that lie one after the other in the file */
    uint64_t pfn, count, offset;
};

struct graph_dump {
    const uint8_t *file;
    uint64_t size;
    bool mapped; /* the file, by graph_dump_open */
    uint32_t type;
    uint64_t directory, modules; /* CR3; address of PsLoadedModuleList */
    uint64_t debugger_data;      /* address of KDDEBUGGER_DATA64, or 0 */
    uint32_t bugcheck;
    uint64_t parameters[4];
    struct graph_run *runs; /* sorted by pfn */
    size_t run_count, run_room;
};

struct graph_module {
    char name[64]; /* base name: ntoskrnl.exe */
    uint64_t base;
    uint32_t size;
};

bool graph_is_dump(const char *path);
bool graph_dump_open(struct graph_dump *d, const char *path, char *err, size_t errlen);
/* The bytes stay the caller's. */
bool graph_dump_open_bytes(struct graph_dump *d, const void *bytes, size_t size, char *err, size_t errlen);
void graph_dump_close(struct graph_dump *d);

bool graph_dump_physical(const struct graph_dump *d, uint64_t pa, void *to, size_t n);
bool graph_dump_virtual(const struct graph_dump *d, uint64_t va, void *to, size_t n);

/* *out is malloc'ed, also when false: the list cannot be read to its end, or memory is out; err says which. */
bool graph_dump_modules(const struct graph_dump *d, struct graph_module **out, size_t *count, char *err, size_t errlen);

/* The module as a file; malloc'ed, m->size bytes. `absent` (may be NULL) gets a bit for each page that is not in the dump, malloc'ed.
 * NULL: its header is not in the dump, or memory is out. */
uint8_t *graph_dump_image(const struct graph_dump *d, const struct graph_module *m, uint8_t **absent);

/* --- dump_exports.c: what an address of one module is called by another: bound imports of a module whose import names
 * are no longer in memory. Modules are read when first asked for. --- */
struct graph_exports;
struct graph_exports *graph_exports_new(const struct graph_dump *d, const struct graph_module *modules, size_t count); /* NULL: out of memory */
void graph_exports_free(struct graph_exports *e);
/* False: no export begins there. The strings live as long as e. */
bool graph_exports_name(struct graph_exports *e, uint64_t va, const char **module, const char **name);

#endif
