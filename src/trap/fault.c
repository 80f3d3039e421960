/* From a processor fault to an NT exception or bug check. Runs on the host stack of the faulting fiber, after the signal
 * handler has returned. */
#include <string.h>

#include "sim/image.h"
#include "trap/trap.h"

enum { STATUS_BREAKPOINT_ = (int)0x80000003, STATUS_ACCESS_VIOLATION_ = (int)0xC0000005 };

static bool is_user_code(uint64_t rip)
{
    const struct image *i = image_at(rip);
    return i ? i->user : rip < USER_END;
}

static _Noreturn void crash(NTSTATUS code, uint64_t address, uint32_t n, const uint64_t *params, const struct host_context *c)
{
    struct trap_crash *k = &trap_room()->crash;
    *k = (struct trap_crash) { .happened = true, .code = code, .address = address, .nparams = n, .agent = MACHINE->fiber };
    if (n)
        memcpy(k->params, params, n * 8);
    if (c)
        k->context = *c;
    sim_end(RUN_CRASH);
}

/* An import that is not there was called, read or written. */
static void missing_import(const struct host_fault *f)
{
    const char *module, *name;
    char caller[256];
    if (f->kind != HOST_FAULT_ACCESS || !image_missing_at(f->address, &module, &name))
        return;
    uint64_t from = f->access == 8 ? *(const uint64_t *)f->context.rsp : f->context.rip;
    image_symbol_text(from, caller, sizeof caller);
    static const char *const how[] = { "read", "written" };
    ke_unsupported("%s!%s is not supported (%s by %s)", module, name, f->access == 8 ? "called" : how[f->access & 1], caller);
}

_Noreturn void ke_fault(struct fiber *fiber)
{
    const struct host_fault *f = &fiber->fault;
    missing_import(f);
    uint64_t params[2] = { f->access, f->address };
    if (f->kind == HOST_FAULT_TIMER) {
        trap_room()->hang = (struct trap_crash) { .happened = true, .address = f->context.rip, .agent = MACHINE->fiber, .context = f->context };
        sim_end(RUN_HANG);
    }
    NTSTATUS code = f->kind == HOST_FAULT_BREAKPOINT ? STATUS_BREAKPOINT_ : STATUS_ACCESS_VIOLATION_;
    if (!f->in_host && is_user_code(f->context.rip))
        crash(code, f->context.rip, 2, params, &f->context);
    KeBugCheckEx(0x1E, (uint32_t)code, f->context.rip, params[0], params[1]);
}

_Noreturn void ke_raise_exception(NTSTATUS code, uint32_t nparams, const uint64_t *params)
{
    const struct fiber *f = &MACHINE->fiber->fiber;
    if (is_user_code(f->frame_site))
        crash(code, f->frame_site, nparams, params, NULL);
    KeBugCheckEx(0x1E, (uint32_t)code, f->frame_site, nparams > 0 ? params[0] : 0, nparams > 1 ? params[1] : 0);
}

_Noreturn void ke_raise_status(NTSTATUS status)
{
    ke_raise_exception(status, 0, NULL);
}
