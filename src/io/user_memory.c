/* Pointers that come from user mode: what they name is copied with faults caught, and must lie in the user half. */
#include "io/room.h"

#include <string.h>

#include "ke/ke.h"
#include "sim/machine.h"

static bool is_users(const void *at, size_t bytes)
{
    uint64_t a = (uint64_t)at;
    return a < KERNEL_BASE && bytes <= KERNEL_BASE - a;
}

bool io_user_read(KPROCESSOR_MODE mode, void *to, const void *from, size_t bytes)
{
    if (mode == KernelMode) {
        memcpy(to, from, bytes);
        return true;
    }
    return !bytes || (is_users(from, bytes) && host_guarded_copy(to, from, bytes));
}

bool io_user_write(KPROCESSOR_MODE mode, void *to, const void *from, size_t bytes)
{
    if (mode == KernelMode) {
        memcpy(to, from, bytes);
        return true;
    }
    return !bytes || (is_users(to, bytes) && host_guarded_copy(to, from, bytes));
}

bool io_user_probe_write(KPROCESSOR_MODE mode, void *at, size_t bytes)
{
    if (mode == KernelMode || !bytes)
        return true;
    if (!is_users(at, bytes))
        return false;
    uint64_t last = (uint64_t)at + bytes - 1;
    for (uint64_t a = (uint64_t)at;; a = (a | 0xFFF) + 1) {
        if (a > last)
            return true;
        if (!host_guarded_copy((void *)a, (const void *)a, 1))
            return false;
    }
}
