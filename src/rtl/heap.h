/* Where an allocating string function takes its memory: the pool for the kernel's exports, the process heap for ntdll's. */
#ifndef IRPLAB_RTL_HEAP_H
#define IRPLAB_RTL_HEAP_H

#include "rtl/pool_hooks.h"

struct rtl_heap {
    void *(*alloc)(size_t bytes);
    void (*free)(void *p);
};

extern const struct rtl_heap rtl_pool_heap;
extern const struct rtl_heap rtl_user_heap;

#endif
