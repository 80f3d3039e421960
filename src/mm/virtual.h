/* Virtual memory of a process as its owner asks for it: what was reserved together is one region and can be released. */
#ifndef IRPLAB_MM_VIRTUAL_H
#define IRPLAB_MM_VIRTUAL_H

#include "nt/types.h"

enum { MEM_COMMIT = 0x1000, MEM_RESERVE = 0x2000, MEM_DECOMMIT = 0x4000, MEM_RELEASE = 0x8000, MEM_FREE = 0x10000, MEM_PRIVATE = 0x20000,
       MEM_RESET = 0x80000, MEM_TOP_DOWN = 0x100000, MEM_IMAGE = 0x1000000 };
enum { PAGE_NOACCESS = 1, PAGE_READONLY = 2, PAGE_READWRITE = 4, PAGE_WRITECOPY = 8, PAGE_EXECUTE = 0x10, PAGE_EXECUTE_READ = 0x20,
       PAGE_EXECUTE_READWRITE = 0x40, PAGE_EXECUTE_WRITECOPY = 0x80, PAGE_GUARD = 0x100 };

struct process;

/* A page protection as the host's PROT_ bits; -1 if it is none. */
int mm_protection(ULONG protect);
/* In the process's address space, which must be the current one. *base (0: anywhere) is rounded down to the allocation granularity when
 * reserving, *bytes up to pages; both get what was done. Outside the process's slice of the arena all is as if taken. */
NTSTATUS mm_virtual_allocate(struct process *p, uint64_t *base, uint64_t *bytes, ULONG type, ULONG protect);
/* MEM_RELEASE: a whole region (*bytes 0 at its base; GUESS: no part of one); MEM_DECOMMIT: pages of it. */
NTSTATUS mm_virtual_free(struct process *p, uint64_t *base, uint64_t *bytes, ULONG type);
/* As first asked for, of the region that contains address; 0: there is none. */
ULONG mm_virtual_protection(const struct process *p, uint64_t address);

#endif
