/* Kernel memory dumps of x64 Windows: complete, kernel and bitmap ones (types 1, 5, 6, 8, 9, 10).
 *
 * Owns the mapped file. Gives physical and virtual memory, and the loaded modules, each as the bytes of an image file laid
 * out so that src/pe opens it (pages that are not in the dump are zero). Dumps are hostile: everything is checked.
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
    uint32_t type;
    uint64_t directory, modules; /* CR3; address of PsLoadedModuleList */
    uint32_t bugcheck;
    uint64_t parameters[4];
    struct graph_run *runs; /* sorted by pfn */
    size_t run_count, run_room;
    char machine[64], os[64];
};

struct graph_module {
    char name[64]; /* base name: ntoskrnl.exe */
    uint64_t base;
    uint32_t size;
};

bool graph_is_dump(const char *path);
bool graph_dump_open(struct graph_dump *d, const char *path, char *err, size_t errlen);
void graph_dump_close(struct graph_dump *d);

bool graph_dump_physical(const struct graph_dump *d, uint64_t pa, void *to, size_t n);
bool graph_dump_virtual(const struct graph_dump *d, uint64_t va, void *to, size_t n);

/* *out is malloc'ed. A list that is damaged ends where it is. */
bool graph_dump_modules(const struct graph_dump *d, struct graph_module **out, size_t *count);

/* The module as a file; malloc'ed, m->size bytes. NULL: its header is not in the dump. */
uint8_t *graph_dump_image(const struct graph_dump *d, const struct graph_module *m);

#endif
