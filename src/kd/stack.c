/* Stack walking and `k`. Everything unwinds by .pdata: the door's frames and the named frames have unwind information of their own. */
#include "kd/kd.h"

#include <string.h>

#include "host/host.h"
#include "pe/unwind.h"
#include "ps/ps.h"
#include "sim/door.h"
#include "sim/image.h"
#include "sim/machine.h"
#include "trap/frames.h"
#include "trap/trap.h"

enum { MAX_FRAMES = 128 };

const char *kd_address(uint64_t a, char buf[18])
{
    snprintf(buf, 18, "%08x`%08x", (uint32_t)(a >> 32), (uint32_t)a);
    return buf;
}

/* The registers of a failed agent at the instruction that failed, if the failure lies in guest code that did not call us: an unhandled
 * exception of a program, a spin, an unknown import, a kernel stack that could not take the frames of the trap. */
static const struct host_context *failed_at(const struct agent *a)
{
    const struct trap_crash *crash = trap_crash_info(), *hang = trap_hang_info();
    if (crash->happened && crash->agent == a)
        return &crash->context;
    if (hang->happened && hang->agent == a)
        return &hang->context;
    return trap_room()->stopped_agent == a ? &trap_room()->stopped : NULL;
}

/* Registers at the innermost guest frame: in a door, the frame that the door built. */
static bool start(const struct agent *a, struct pe_regs *regs)
{
    memset(regs, 0, sizeof *regs);
    const struct fiber *f = &a->fiber;
    const struct host_context *c = failed_at(a);
    if (c) {
        memcpy(regs->gpr, c->gpr, sizeof regs->gpr);
        memcpy(regs->xmm, c->xmm, sizeof regs->xmm);
        regs->rip = c->rip;
        return true;
    }
    if (a->fresh || !f->guest_sp || !f->frame_site)
        return false;
    regs->rip = f->frame_site;
    regs->gpr[PE_RSP] = f->guest_sp;
    return true;
}

static size_t made_up(struct kd_frame *f, uint64_t sp, enum frame_name name, const char *export)
{
    const char *module;
    *f = (struct kd_frame) { .child_sp = sp, .pc = export ? door_export_address("ntoskrnl.exe", export) : door_frame_site(name) };
    if (export)
        snprintf(f->site, sizeof f->site, "nt!%s", export);
    else
        snprintf(f->site, sizeof f->site, "nt!%s+0x%x", door_frame_name(f->pc, &module), 0x25);
    return 1;
}

/* The double fault has a stack of its own. */
static size_t double_fault_frames(const struct agent *a, const struct pe_regs *r, struct kd_frame *frames, size_t max)
{
    if (!trap_room()->double_fault || ke_bugcheck_info()->agent != a || max < 4)
        return 0;
    made_up(&frames[0], 0, FRAME_NONE, "KeBugCheckEx");
    made_up(&frames[1], 0, FRAME_KiBugCheckDispatch, NULL);
    made_up(&frames[2], 0, FRAME_KiDoubleFaultAbort, NULL);
    frames[0].return_address = frames[1].pc;
    frames[1].return_address = frames[2].pc;
    frames[2].return_address = r->rip;
    return 3;
}

/* Nothing has been executed behind the entry of this one. */
static void name_stopped(struct kd_frame *f)
{
    const char *name = "nt!KeBugCheckEx+";
    if (strncmp(f->site, name, strlen(name)) == 0)
        f->site[strlen(name) - 1] = 0;
}

bool kd_stack_may_have(const struct agent *a, uint64_t base, uint64_t size)
{
    struct pe_regs r;
    const struct fiber *f = &a->fiber;
    if (!start(a, &r))
        return false;
    uint64_t sp = r.gpr[PE_RSP];
    if (r.rip - base < size || sp < f->kernel_stack || sp >= f->kernel_stack_top)
        return true;
    for (const uint64_t *word = (const uint64_t *)(sp & ~7ull); (uint64_t)word < f->kernel_stack_top; word++)
        if (*word - base < size)
            return true;
    return false;
}

size_t kd_stack_addresses(const struct agent *a, uint64_t *frames, size_t max)
{
    struct pe_regs r;
    size_t n = 0;
    if (!start(a, &r))
        return 0;
    for (bool interrupted = true; n < max && (r.rip || interrupted);) {
        struct trap_function fn;
        struct pe_unwound out;
        uint64_t pc = r.rip, sp = r.gpr[PE_RSP];
        frames[n++] = pc;
        trap_function_at(pc, &fn);
        if (!trap_unwind_regs(&r, &fn, 0, &out) || (r.rip == pc && r.gpr[PE_RSP] == sp))
            break;
        interrupted = out.machine_frame;
    }
    return n;
}

size_t kd_stack_walk(const struct agent *a, struct kd_frame *frames, size_t max)
{
    struct pe_regs r;
    if (!start(a, &r))
        return 0;
    size_t n = double_fault_frames(a, &r, frames, max), own = n;
    for (bool interrupted = true; n < max && (r.rip || interrupted);) {
        struct kd_frame *f = &frames[n++];
        struct trap_function fn;
        struct pe_unwound out;
        *f = (struct kd_frame) { .child_sp = r.gpr[PE_RSP], .pc = r.rip };
        image_symbol_text(r.rip, f->site, sizeof f->site);
        trap_function_at(r.rip, &fn);
        uint64_t pc = r.rip;
        if (!trap_unwind_regs(&r, &fn, 0, &out) || (r.rip == pc && r.gpr[PE_RSP] == f->child_sp))
            break;
        f->return_address = r.rip;
        interrupted = out.machine_frame;
    }
    if (!own && n)
        name_stopped(&frames[0]);
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
    /* Interrupted, not in a call. */
    if (i == 0 || door_frame_at(frames[i - 1].pc) == FRAME_KiDpcInterrupt) {
        snprintf(text, size, "%s", frames[i].site);
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
    case RUN_FINDING:
        return MACHINE->last;
    case RUN_LIVELOCK:
        for (uint32_t i = 0; i < MACHINE->agent_count; i++)
            if (MACHINE->round_step_count ? MACHINE->round_steps[0].agent == i : MACHINE->agents[i]->at_await)
                return MACHINE->agents[i];
        return MACHINE->last;
    case RUN_HANG:
        return trap_hang_info() && trap_hang_info()->happened ? trap_hang_info()->agent : MACHINE->last;
    default:
        return NULL;
    }
}
