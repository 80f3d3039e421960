/* Stack walking and `k`. Everything unwinds by .pdata: the door's frames and the named frames have unwind information of their own. */
#include "kd/kd.h"

#include <string.h>

#include "host/host.h"
#include "pe/unwind.h"
#include "ps/ps.h"
#include "sim/door.h"
#include "sim/image.h"
#include "sim/machine.h"
#include "trap/trap.h"

enum { MAX_FRAMES = 128 };

const char *kd_address(uint64_t a, char buf[18])
{
    snprintf(buf, 18, "%08x`%08x", (uint32_t)(a >> 32), (uint32_t)a);
    return buf;
}

static bool read_guest(void *ctx, uint64_t va, void *to, size_t len)
{
    return host_guarded_copy(to, (const void *)va, len);
}

/* Registers at the innermost guest frame: in a door, the frame that the door built. */
static bool start(const struct agent *a, struct pe_regs *regs)
{
    memset(regs, 0, sizeof *regs);
    const struct fiber *f = &a->fiber;
    if (a->fresh || !f->guest_sp || !f->frame_site)
        return false;
    if (f->stopped_rip) { /* interrupted in guest code: at a patched instruction or a fault */
        for (int i = 0; i < 16; i++)
            regs->gpr[i] = f->stopped_gpr[i];
        regs->rip = f->stopped_rip;
        return true;
    }
    regs->rip = f->frame_site;
    regs->gpr[4] = f->guest_sp;
    return true;
}

static bool step(struct pe_regs *r)
{
    const struct image *i = image_at(r->rip);
    char err[PE_ERROR_TEXT];
    struct pe_unwound out;
    if (!i)
        return false;
    struct pe_function fn;
    bool has = pe_function_entry(&i->pe, (uint32_t)(r->rip - i->base), &fn);
    return pe_virtual_unwind(&i->pe, has ? &fn : NULL, 0, r, read_guest, NULL, &out, err, sizeof err) == PE_OK;
}

size_t kd_stack_walk(const struct agent *a, struct kd_frame *frames, size_t max)
{
    struct pe_regs r;
    size_t n = 0;
    if (!start(a, &r))
        return 0;
    while (n < max && r.rip) {
        struct kd_frame *f = &frames[n++];
        f->pc = r.rip;
        f->child_sp = r.gpr[4];
        image_symbol_text(r.rip, f->site, sizeof f->site);
        if (!step(&r) || r.gpr[4] <= f->child_sp - 0x100000) {
            f->return_address = 0;
            break;
        }
        f->return_address = r.rip;
    }
    return n;
}

void kd_print_k(FILE *out, const struct agent *a)
{
    struct kd_frame frames[MAX_FRAMES];
    size_t n = kd_stack_walk(a, frames, MAX_FRAMES);
    fprintf(out, " # Child-SP          RetAddr               Call Site\n");
    for (size_t i = 0; i < n; i++) {
        char sp[18], ret[18];
        fprintf(out, "%02zx %s %s     %s\n", i, kd_address(frames[i].child_sp, sp), kd_address(frames[i].return_address, ret), frames[i].site);
    }
}

static bool is_ours(uint64_t pc)
{
    const struct image *i = image_at(pc);
    return !i || i->synthetic;
}

void kd_where(const struct agent *a, char *text, size_t size)
{
    struct kd_frame frames[MAX_FRAMES];
    size_t n = kd_stack_walk(a, frames, MAX_FRAMES), i = 0;
    while (i < n && is_ours(frames[i].pc))
        i++;
    if (a->state == AGENT_DEAD || a->state == AGENT_IDLE) {
        snprintf(text, size, "ended");
        return;
    }
    if (i == n) {
        const struct thread *t = a->kind == AGENT_THREAD ? a->thread : NULL;
        if (t && t->is_worker && a->state == AGENT_WAITING)
            snprintf(text, size, "waits for work");
        else
            snprintf(text, size, "%s", n ? frames[0].site : "its start");
        return;
    }
    if (i == 0) {
        snprintf(text, size, "%s", frames[0].site);
        return;
    }
    char call[256];
    snprintf(call, sizeof call, "%s", frames[i - 1].site);
    char *plus = strrchr(call, '+');
    if (plus)
        *plus = 0;
    snprintf(text, size, "%s %s %s", frames[i].site, a->state == AGENT_WAITING ? "waits in" : "in", call);
}

const struct agent *kd_failed_agent(void)
{
    switch (MACHINE->end) {
    case RUN_BUGCHECK:
        return ke_bugcheck_info()->agent;
    case RUN_CRASH:
        return trap_crash_info()->agent;
    case RUN_UNSUPPORTED:
        return trap_unsupported_agent();
    case RUN_HANG:
        return trap_hang_info() && trap_hang_info()->happened ? trap_hang_info()->agent : MACHINE->last;
    default:
        return NULL;
    }
}
