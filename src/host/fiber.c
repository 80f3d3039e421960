/* Switching between host stacks, announced to AddressSanitizer where that is compiled in: it must know which stack code runs on,
 * and that frames which were given up are no longer there. */
#include "host/host.h"

#include "base/assert.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define ANNOUNCED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define ANNOUNCED 1
#endif

#ifdef ANNOUNCED
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* Guest faults are ours. Memory that lives as long as the process is not given back. Frames are copied with their stacks by snapshots,
 * so they must lie on them. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:use_sigaltstack=0:detect_leaks=0:detect_stack_use_after_return=0";
}

static const void *main_bottom; /* of the process's own stack */
static size_t main_size;

void host_fiber_switch(uint64_t *save_sp, uint64_t load_sp, uint64_t stack, size_t bytes)
{
    void *fake;
    __sanitizer_start_switch_fiber(&fake, stack ? (const void *)stack : main_bottom, stack ? bytes : main_size);
    host_switch(save_sp, load_sp);
    const void *bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(NULL, &bottom, &size);
    if (!stack)
        return;
    IR_ASSERT(bottom); /* back on the main stack */
}

void host_fiber_begun(void)
{
    const void *bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(NULL, &bottom, &size);
    if (main_bottom)
        return;
    main_bottom = bottom; /* the first fiber is begun from there */
    main_size = size;
}

__attribute__((no_sanitize("address"))) void host_frames_given_up(uint64_t low, uint64_t high)
{
    __asan_unpoison_memory_region((const void *)low, high - low);
}
#else
void host_fiber_switch(uint64_t *save_sp, uint64_t load_sp, uint64_t stack, size_t bytes)
{
    host_switch(save_sp, load_sp);
}

void host_fiber_begun(void)
{
}

void host_frames_given_up(uint64_t low, uint64_t high)
{
}
#endif
