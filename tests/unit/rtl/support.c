#include "support.h"

#include <stdlib.h>

#include "rtl/pool_hooks.h"

int live_blocks;
int fail_next_allocation;
NTSTATUS raised;
jmp_buf raise_target;

void *ex_pool_alloc(uint32_t pool_type, size_t bytes, uint32_t tag)
{
    if (fail_next_allocation) {
        fail_next_allocation = 0;
        return NULL;
    }
    live_blocks++;
    return memset(malloc(bytes), 0xCA, bytes);
}

void ex_pool_free(void *p)
{
    assert_non_null(p);
    live_blocks--;
    free(p);
}

_Noreturn void ke_raise_status(NTSTATUS status)
{
    raised = status;
    longjmp(raise_target, 1);
}

/* Host functions stand for guest ones. */
uint64_t guest_call_array(uint32_t frame, void *fn, unsigned nargs, const uint64_t *args)
{
    return ((uint64_t(*)(uint64_t, uint64_t, uint64_t, uint64_t))fn)(args[0], args[1], args[2], args[3]);
}

int no_blocks_are_left(void **state)
{
    assert_int_equal(live_blocks, 0);
    return 0;
}

void assert_wide_equal(const WCHAR *have, const WCHAR *want)
{
    size_t i = 0;
    for (; have[i] && have[i] == want[i]; i++)
        ;
    if (have[i] != want[i])
        fail_msg("wide strings differ at %zu: 0x%04x, 0x%04x wanted", i, have[i], want[i]);
}

void assert_unicode_equal(const UNICODE_STRING *have, const WCHAR *want)
{
    size_t n = 0;
    while (want[n])
        n++;
    assert_int_equal(have->Length, n * 2);
    assert_memory_equal(have->Buffer, want, n * 2);
}
