/* Weak defaults of the hooks that a room above may replace (pool_hooks.h). */
#include "rtl/heap.h"

enum { PAGED_POOL = 1, STRING_TAG = 0x67727453 /* "Strg" */ };

__attribute__((weak)) void *rtl_user_alloc(size_t bytes)
{
    return ex_pool_alloc(PAGED_POOL, bytes, STRING_TAG);
}

__attribute__((weak)) void rtl_user_free(void *p)
{
    ex_pool_free(p);
}

__attribute__((weak)) uint32_t *rtl_rand_state(void)
{
    static uint32_t state = 1;
    return &state;
}

static void *pool_alloc(size_t bytes)
{
    return ex_pool_alloc(PAGED_POOL, bytes, STRING_TAG);
}

const struct rtl_heap rtl_pool_heap = {pool_alloc, ex_pool_free};
const struct rtl_heap rtl_user_heap = {rtl_user_alloc, rtl_user_free};
