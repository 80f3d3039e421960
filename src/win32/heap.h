/* The user heap, for the run-time's own callers in this room. */
#ifndef IRPLAB_WIN32_HEAP_H
#define IRPLAB_WIN32_HEAP_H

#include "win32/win32.h"

enum { HEAP_GENERATE_EXCEPTIONS = 4, HEAP_ZERO_MEMORY = 8, HEAP_REALLOC_IN_PLACE_ONLY = 0x10 };

struct heap *heap_create(struct w32_process *p);
/* 16-aligned; 0 if the process's address space is full. Fresh bytes are 0xBA unless HEAP_ZERO_MEMORY. */
uint64_t heap_alloc(struct heap *h, ULONG flags, size_t bytes);
/* A block that is not one is the program's corruption of its heap: ends it as Windows does. */
void heap_free(struct heap *h, uint64_t block);
uint64_t heap_realloc(struct heap *h, ULONG flags, uint64_t block, size_t bytes);
/* Size as asked for; ~0 if it is no block of this heap. */
size_t heap_size(struct heap *h, uint64_t block);
struct heap *heap_of_handle(HANDLE handle);

#endif
