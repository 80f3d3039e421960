/* What must not lie in memory that a driver gives back. DOC: 0xC7 with 0 (timer) and 1 (DPC), 0xC4 with 0x105 (an IRP).
 * What is about to be touched though it was given back: 0xD5, as special pool would find it; guard mode finds it at the instruction. */
#include "verify/pool_rules.h"

#include "io/io.h"
#include "ke/ke.h"
#include "mm/guard.h"
#include "mm/mm.h"
#include "nt/bugcheck.h"
#include "sim/door.h"
#include "verify/stack.h"

enum { A_TIMER = 0, A_DPC = 1, FREE_OF_AN_IRP = 0x105 };

static void check_queued(uint64_t base, size_t bytes)
{
    const KTIMER *timer = ke_timer_in(base, bytes);
    if (timer)
        KeBugCheckEx(TIMER_OR_DPC_INVALID, A_TIMER, (uint64_t)timer, base, base + bytes);
    const KDPC *dpc = ke_dpc_in(base, bytes);
    if (dpc)
        KeBugCheckEx(TIMER_OR_DPC_INVALID, A_DPC, (uint64_t)dpc, base, base + bytes);
}

static void check_freed(uint64_t base, size_t bytes)
{
    check_queued(base, bytes);
    if (io_is_irp(base))
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, FREE_OF_AN_IRP, base, 0, 0);
}

void verify_image_goes(uint64_t base, size_t bytes)
{
    if (verify_is_on())
        check_queued(base, bytes);
}

static void touches_freed(uint64_t address, bool writes, uint64_t rip)
{
    if (!mm_guard_is_on())
        KeBugCheckEx(DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL, address, writes, rip, 0);
}

void verify_pool_rules(bool on)
{
    mm_pool_free_hook = on ? check_freed : NULL;
    door_freed_hook = on ? touches_freed : NULL;
}
