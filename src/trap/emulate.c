/* Instructions of images that do not run natively (sim/patch says where they are). The fast ones are done in the signal handler, which
 * only edits registers; those that may switch agents, deliver APCs or touch guest memory come back here through ke_fault.
 *
 * The CPU model is one for all hosts: an x86-64 with SSE4.2 and without AVX, a time-stamp counter that follows virtual time and
 * advances with each reading, a random generator whose numbers are the same in every run. */
#include "trap/emulate.h"

#include <string.h>

#include "base/hash.h"
#include "ke/private.h"
#include "nt/status.h"
#include "ps/process.h"
#include "ps/ps.h"
#include "sim/access.h"
#include "sim/image.h"
#include "sim/patch.h"
#include "trap/dispatch.h"
#include "trap/trap.h"

enum {
    COUNTER_PER_100NS = 240, /* 2.4 GHz */
    COUNTER_PER_READ = 1000,
    READS_BEFORE_TIME_IS_ASKED = 16,
    RFLAGS_ARITHMETIC = 0x8D5,
    RFLAGS_CARRY = 1,
    RFLAGS_ZERO = 0x40,
    RFLAGS_INTERRUPT = 0x200,
    POINT_ROOM = 0x800,
    PASSED_BEFORE_LOOKING = 100000, /* then each is a stop, so that a loop that waits for an atomic instruction is seen */
};

static void put_reg(struct host_context *c, const struct patch_site *t, uint64_t value)
{
    if (t->reg == PATCH_NO_REGISTER)
        return;
    if (t->size == 2)
        c->gpr[t->reg] = (c->gpr[t->reg] & ~0xFFFFull) | (value & 0xFFFF);
    else
        c->gpr[t->reg] = t->size == 4 ? (uint32_t)value : value;
}

static void put_pair(struct host_context *c, uint64_t value)
{
    c->rax = (uint32_t)value;
    c->rdx = value >> 32;
}

static uint64_t counter(void)
{
    return MACHINE->clock_100ns * COUNTER_PER_100NS + ++trap_room()->counter_reads * COUNTER_PER_READ;
}

static uint64_t random_next(void)
{
    uint64_t *s = &trap_room()->random, z;
    *s += 0x9E3779B97F4A7C15ull;
    z = (*s ^ *s >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}

/* ---- cpuid ---- */

struct cpuid {
    uint32_t leaf, eax, ebx, ecx, edx;
};

static const struct cpuid cpuid_table[] = {
    { 0x0, 0xD, 0x756E6547, 0x6C65746E, 0x49656E69 }, /* "GenuineIntel" */
    { 0x1, 0x000906EA, 0x00000800, 0x00982201, 0x178BFBFF }, /* sse3, ssse3, cmpxchg16b, sse4.1, sse4.2, popcnt */
    { 0x80000000, 0x80000008, 0, 0, 0 },
    { 0x80000001, 0, 0, 0x00000001, 0x28100800 }, /* lahf; syscall, nx, rdtscp, long mode */
    { 0x80000002, 0x6C707269, 0x76206261, 0x75747269, 0x70206C61 }, /* "irplab virtual processor" */
    { 0x80000003, 0x65636F72, 0x726F7373, 0, 0 },
    { 0x80000007, 0, 0, 0, 0x100 }, /* the counter is invariant */
    { 0x80000008, 0x00003027, 0, 0, 0 },
};

static uint32_t log2_up(uint32_t n)
{
    uint32_t k = 0;
    while ((1u << k) < n)
        k++;
    return k;
}

static struct cpuid cpuid(uint32_t leaf, uint32_t sub)
{
    uint32_t n = MACHINE->processor_count, id = sim_processor()->number;
    if (leaf == 0xB && sub < 2) /* topology: one thread a core, n cores */
        return (struct cpuid) { leaf, sub ? log2_up(n) : 0, sub ? n : 1, (sub + 1) << 8 | sub, id };
    for (size_t i = 0; i < sizeof cpuid_table / sizeof cpuid_table[0]; i++) {
        struct cpuid r = cpuid_table[i];
        if (r.leaf != leaf)
            continue;
        if (leaf == 1)
            r.ebx |= id << 24 | n << 16;
        return r;
    }
    return (struct cpuid) { leaf, 0, 0, leaf == 0xB ? sub : 0, leaf == 0xB ? id : 0 };
}

static void do_cpuid(struct host_context *c)
{
    struct cpuid r = cpuid((uint32_t)c->rax, (uint32_t)c->rcx);
    c->rax = r.eax;
    c->rbx = r.ebx;
    c->rcx = r.ecx;
    c->rdx = r.edx;
}

/* ---- control and model-specific registers ---- */

static bool read_msr(uint32_t msr, uint64_t *value)
{
    switch (msr) {
    case 0x10:
        *value = counter();
        return true;
    case 0x1B: /* APIC base */
        *value = 0xFEE00800 | (sim_processor()->number == 0 ? 0x100 : 0);
        return true;
    case 0x17: /* platform, microcode, features: nothing special */
    case 0x3A:
    case 0x8B:
    case 0xFE:
    case 0x174:
    case 0x175:
    case 0x176:
    case 0xC0000102:
        *value = 0;
        return true;
    case 0x1A0:
        *value = 1;
        return true;
    case 0x277: /* page attributes */
        *value = 0x0007010600070106;
        return true;
    case 0xC0000080: /* long mode, syscall, no-execute */
        *value = 0xD01;
        return true;
    case 0xC0000081:
        *value = 0x0023001000000000;
        return true;
    case 0xC0000082:
        *value = door_frame_site(FRAME_KiSystemServiceCopyEnd);
        return true;
    case 0xC0000084:
        *value = 0x4700;
        return true;
    case 0xC0000101:
        *value = sim_processor()->kpcr;
        return true;
    default:
        return false;
    }
}

/* Debug registers read as after a reset. */
static uint64_t read_control(uint8_t which)
{
    switch (which) {
    case 0:
        return 0x80050033;
    case 3:
        return 0x1AB000;
    case 4:
        return 0x370678;
    case PATCH_DEBUG_REGISTER | 6:
        return trap_room()->debug[6] | 0xFFFF0FF0;
    case PATCH_DEBUG_REGISTER | 7:
        return trap_room()->debug[7] | 0x400;
    default:
        return which & PATCH_DEBUG_REGISTER ? trap_room()->debug[which & 7] : 0;
    }
}

/* ---- in the signal handler ---- */

/* Nothing would happen on the way down. */
static bool lowers_quietly(unsigned irql)
{
    const struct agent *a = MACHINE->fiber;
    if (sim_dpc_waits() && irql < DISPATCH_LEVEL)
        return false;
    const struct thread *t = a->kind == AGENT_THREAD ? a->thread : NULL;
    return irql >= APC_LEVEL || !t || !t->ke || !ke_apc_pending(t);
}

static bool write_cr8(struct host_context *c, const struct patch_site *t)
{
    struct processor *p = sim_processor();
    unsigned irql = c->gpr[t->reg] & 0xF;
    if (irql < p->irql && !lowers_quietly(irql))
        return false;
    p->irql = (uint8_t)irql;
    return true;
}

/* Nobody else could go on: the point is passed without leaving the handler. */
static bool pass_point(void)
{
    struct machine *m = MACHINE;
    if (m->fiber->no_point) {
        m->fiber->no_point = false;
        return true;
    }
    if (m->runnable != 1 || m->every_point || (m->point_limit && m->points >= m->point_limit) || m->passed > PASSED_BEFORE_LOOKING)
        return false;
    m->passed++;
    m->points++;
    m->fiber->steps++;
    return true;
}

/* A compare-exchange that will fail, or that would store what is there, is a read: nothing runs between this and the instruction. */
static bool only_reads(const struct patch_site *t, const struct host_context *c, uint64_t at)
{
    uint64_t there[2] = { 0, 0 }, wanted[2] = { c->rax, c->rdx }, stored[2] = { c->rbx, c->rcx };
    if (t->detail == PATCH_UPDATE || !host_guarded_copy(there, (const void *)at, t->size))
        return false;
    if (t->detail == PATCH_COMPARE)
        stored[0] = t->reg == PATCH_NO_REGISTER ? ~wanted[0] : c->gpr[t->reg];
    if (t->detail == PATCH_COMPARE_PAIR && t->size == 8) {
        wanted[0] = (uint32_t)wanted[0] | wanted[1] << 32;
        stored[0] = (uint32_t)stored[0] | stored[1] << 32;
    }
    return memcmp(there, wanted, t->size) != 0 || memcmp(wanted, stored, t->size) == 0;
}

/* What it will touch whatever is there when its turn comes: nothing else runs on this agent's registers until then. */
static void promise(const struct patch_site *t, const struct host_context *c)
{
    struct agent *a = MACHINE->fiber;
    a->atomic_rip = c->rip;
    a->promised_at = patch_operand_address(t, c);
    a->promised_bytes = t->size;
    if (t->detail == PATCH_UPDATE)
        a->promise = PROMISES_WRITE;
    else if (t->detail == PATCH_COMPARE && t->size && t->reg != PATCH_NO_REGISTER && memcmp(&c->gpr[t->reg], &c->rax, t->size) == 0)
        a->promise = PROMISES_READ;
    else
        a->promise = PROMISES_OBJECTS;
}

/* Words of four bytes: what they are keyed by. */
static void atomic_access(const struct patch_site *t, const struct host_context *c)
{
    if (!sim_access_wanted())
        return;
    uint64_t at = patch_operand_address(t, c);
    unsigned kind = only_reads(t, c, at) ? SIM_READ : SIM_WRITE;
    if (patch_atomic_hook)
        patch_atomic_hook(c->rip, at, t->size ? t->size : 1, kind == SIM_WRITE);
    for (uint64_t key = at & ~3ull; key < at + (t->size ? t->size : 1); key += 4)
        sim_access(key, kind);
}

/* The conditions of jcc in the order of its encoding. */
static bool condition(uint64_t flags, unsigned cc)
{
    bool c = flags & 1, p = flags & 4, z = flags & 0x40, s = flags & 0x80, o = flags & 0x800;
    const bool holds[8] = { o, c, z, c || z, s, p, s != o, z || s != o };
    return cc == 16 || holds[cc >> 1] != (cc & 1);
}

/* The loop's jump back is not taken. Those that count rcx do so here. */
static bool spin_ends(struct host_context *c, const struct patch_site *t)
{
    bool zero = c->rflags & RFLAGS_ZERO, counts = t->detail >= PATCH_SPIN_LOOP && t->detail <= PATCH_SPIN_LOOPNE;
    if (counts && c->rcx != 1 && (t->detail == PATCH_SPIN_LOOP || zero == (t->detail == PATCH_SPIN_LOOPE)))
        return false;
    c->rcx -= counts;
    switch (t->detail) {
    case PATCH_SPIN_LOOP:
    case PATCH_SPIN_LOOPE:
    case PATCH_SPIN_LOOPNE:
        return true;
    case PATCH_SPIN_JRCXZ:
        return c->rcx != 0;
    case PATCH_SPIN_REGISTER:
    case PATCH_SPIN_MEMORY:
        return false;
    default:
        return !condition(c->rflags, t->detail);
    }
}

/* Where it leads. */
static bool spin_target(const struct host_context *c, const struct patch_site *t, uint64_t *to)
{
    if (t->detail == PATCH_SPIN_MEMORY)
        return host_guarded_copy(to, (const void *)patch_operand_address(t, c), 8);
    *to = t->detail == PATCH_SPIN_REGISTER ? c->gpr[t->reg] : c->rip + t->length + (uint64_t)(int64_t)t->disp;
    return true;
}

/* True: done. The caller moves rip on. */
static bool fast(struct host_context *c, const struct patch_site *t)
{
    switch (t->kind) {
    case PATCH_CR8_READ:
        c->gpr[t->reg] = sim_processor()->irql;
        return true;
    case PATCH_CR8_WRITE:
        return write_cr8(c, t);
    case PATCH_RDTSC:
        put_pair(c, counter());
        return true;
    case PATCH_RDTSCP:
        put_pair(c, counter());
        c->rcx = sim_processor()->number;
        return true;
    case PATCH_CPUID:
        do_cpuid(c);
        return true;
    case PATCH_RANDOM:
        put_reg(c, t, random_next());
        c->rflags = (c->rflags & ~(uint64_t)RFLAGS_ARITHMETIC) | RFLAGS_CARRY;
        return true;
    case PATCH_RDPID:
        c->gpr[t->reg] = sim_processor()->number;
        return true;
    case PATCH_XGETBV:
        put_pair(c, 3);
        return true;
    case PATCH_RDPMC:
        put_pair(c, 0);
        return true;
    case PATCH_SEGMENT_LIMIT:
        put_reg(c, t, (uint64_t)sim_processor()->number << 14 | 0x3C00);
        c->rflags |= RFLAGS_ZERO;
        return true;
    case PATCH_SEGMENT_LOAD:
    case PATCH_CR_WRITE:
        if ((t->detail & PATCH_DEBUG_REGISTER) && t->reg != PATCH_NO_REGISTER) /* kept; breakpoints never fire */
            trap_room()->debug[t->detail & 7] = c->gpr[t->reg];
        return true;
    case PATCH_IGNORE:
    case PATCH_OUT:
        return true;
    case PATCH_RDFSBASE:
        put_reg(c, t, 0);
        return true;
    case PATCH_CR_READ:
        put_reg(c, t, read_control(t->detail));
        return true;
    case PATCH_SPIN:
        return spin_ends(c, t);
    case PATCH_CLI:
        sim_processor()->interrupts_off = true;
        return true;
    default:
        return false;
    }
}

static bool is_kernel_only(const struct patch_site *t)
{
    return t->kind >= PATCH_TRAPS;
}

static bool at_site(struct host_fault *f, const struct patch_site *t)
{
    if (is_kernel_only(t) && trap_user_mode())
        return false;
    if (t->kind == PATCH_ATOMIC && pass_point()) {
        atomic_access(t, &f->context);
        f->context.rip = patch_continue_at(f->context.rip, t);
        return true;
    }
    if (t->kind != PATCH_ATOMIC && t->kind != PATCH_ACCESS && fast(&f->context, t)) {
        f->context.rip = patch_continue_at(f->context.rip, t);
        return true;
    }
    f->kind = HOST_FAULT_POINT;
    return false;
}

/* A process's own memory is shown when it is first touched again; and kernel code that runs on nobody's behalf (a system thread's own,
 * not called by a driver) sees everything. */
static bool may_see(const struct host_fault *f)
{
    const struct process *p = ps_current_process();
    if (p && p->slice && f->address - p->slice < USER_SLICE)
        return true;
    return f->in_host && MACHINE->fiber->fiber.callback == 0;
}

bool trap_filter(struct host_fault *f)
{
    if (f->kind == HOST_FAULT_TIMER)
        return spin_watch(f);
    if (trap_guard_step(f))
        return true;
    if (f->kind == HOST_FAULT_STEP && spin_is_traced())
        return spin_trace(f);
    const struct patch_site *t = NULL;
    if (f->kind == HOST_FAULT_ACCESS) {
        if (host_is_hidden(f->address) && may_see(f)) {
            host_show(f->address);
            return true;
        }
        if (ps_user_stack_grow(f->address))
            return true;
        if (shared_data_is(f->address)) {
            if (++trap_room()->shared_data_reads % READS_BEFORE_TIME_IS_ASKED != 0 || f->in_host)
                return shared_data_access(f);
            f->kind = HOST_FAULT_POINT;
            return false;
        }
    }
    if (f->in_host)
        return false;
    if (f->kind == HOST_FAULT_BREAKPOINT && (t = patch_site_at(f->context.rip - 1)) != NULL && t->kind < PATCH_TRAPS) {
        f->context.rip -= 1;
        return at_site(f, t);
    }
    bool traps = f->kind == HOST_FAULT_PROTECTION || f->kind == HOST_FAULT_ILLEGAL;
    if (traps && (t = patch_site_at(f->context.rip)) != NULL && t->kind >= PATCH_TRAPS)
        return at_site(f, t);
    struct patch_site found;
    if (traps && !trap_user_mode() && patch_trap_at(f->context.rip, &found) && fast(&f->context, &found)) {
        f->context.rip += found.length;
        return true;
    }
    /* What goes wrong in a trampoline goes wrong in the image. */
    f->context.rip = patch_original_address(f->context.rip);
    return false;
}

/* ---- on the host stack ---- */

/* The same from a trampoline: c is in the image, next behind the instruction. */
static bool fast_at(const struct host_context *c, struct host_context *next, const struct patch_site *t)
{
    struct host_context done = *c;
    if (!fast(&done, t))
        return false;
    done.rip = next->rip;
    *next = done;
    return true;
}

/* As if an interrupt had come before that instruction. False: the stack has no room for one. */
static bool interrupt_frame(const struct host_context *c)
{
    struct trap_stack s;
    if (!trap_stack_of(MACHINE->fiber, c->rsp, &s) || c->rsp < s.low + POINT_ROOM)
        return false;
    trap_frame_push(FRAME_KiDpcInterrupt, c, c->rsp);
    return true;
}

static void store_system(const struct host_context *c, struct host_context *next, const struct patch_site *t)
{
    static const uint64_t values[] = { [PATCH_SLDT] = 0, [PATCH_STR] = 0x40, [PATCH_SMSW] = 0x80050033 };
    bool table = t->detail == PATCH_SGDT || t->detail == PATCH_SIDT;
    bool memory = t->base != PATCH_NO_REGISTER || t->index != PATCH_NO_REGISTER || t->rip_relative || t->reg == PATCH_NO_REGISTER;
    if (!memory) {
        put_reg(next, t, values[t->detail]);
        return;
    }
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } d = { t->detail == PATCH_SGDT ? 0x57 : 0xFFF, sim_processor()->kpcr + (t->detail == PATCH_SGDT ? 0 : 0x1000) };
    uint16_t word = table ? 0 : (uint16_t)values[t->detail];
    uint64_t at = patch_operand_address(t, c);
    if (host_guarded_copy((void *)at, table ? (void *)&d : (void *)&word, table ? sizeof d : 2))
        return;
    EXCEPTION_RECORD r = { .ExceptionCode = STATUS_ACCESS_VIOLATION, .ExceptionAddress = (PVOID)c->rip, .NumberParameters = 2,
                           .ExceptionInformation = { 1, at } };
    seh_raise(FRAME_KiPageFault, c, &r, SEH_FROM_GUEST);
}

static void switch_interrupts_on(void)
{
    sim_processor()->interrupts_off = false;
    sim_irql_set(sim_irql()); /* a DPC that waited runs now */
}

static bool push_flags(struct host_context *c)
{
    uint64_t flags = c->rflags & ~(uint64_t)RFLAGS_INTERRUPT;
    if (!sim_processor()->interrupts_off)
        flags |= RFLAGS_INTERRUPT;
    if (!host_guarded_copy((void *)(c->rsp - 8), &flags, 8))
        return false;
    c->rsp -= 8;
    return true;
}

static bool pop_flags(struct host_context *c)
{
    uint64_t flags;
    if (!host_guarded_copy(&flags, (const void *)c->rsp, 8))
        return false;
    c->rsp += 8;
    c->rflags = (flags & 0xCD5) | 0x202;
    if (flags & RFLAGS_INTERRUPT)
        switch_interrupts_on();
    else
        sim_processor()->interrupts_off = true;
    return true;
}

static void all_ones(struct host_context *c, const struct patch_site *t)
{
    /* GUESS: a port where nothing answers reads as ones. */
    uint64_t mask = t->size == 1 ? 0xFF : t->size == 2 ? 0xFFFF : 0xFFFFFFFF;
    c->rax = t->size == 4 ? mask : c->rax | mask;
}

static void read_or_write_msr(struct host_context *c, const struct patch_site *t, bool *faults)
{
    uint64_t value;
    *faults = !read_msr((uint32_t)c->rcx, &value);
    if (!*faults && t->kind == PATCH_RDMSR)
        put_pair(c, value);
}

/* A call or jump that is watched. False: it faults. */
static bool make_call(const struct host_context *c, struct host_context *next, const struct patch_site *t)
{
    uint64_t back = c->rip + t->length, to = back + (uint64_t)(int64_t)t->disp;
    if (t->detail == PATCH_CALL_REGISTER)
        to = c->gpr[t->reg];
    else if (t->detail != PATCH_CALL_DIRECT && !host_guarded_copy(&to, (const void *)patch_operand_address(t, c), 8))
        return false;
    if (t->detail != PATCH_JUMP_MEMORY) {
        if (!host_guarded_copy((void *)(c->rsp - 8), &back, 8))
            return false;
        next->rsp = c->rsp - 8;
    }
    next->rip = to;
    patch_note_call(c->rip);
    return true;
}

static void system_call(const struct host_context *c)
{
    char where[200];
    image_symbol_text(c->rip, where, sizeof where);
    ke_unsupported("a system call (number 0x%x) made without ntdll at %s is not supported", (unsigned)c->rax, where);
}

static void time_asked(const struct host_fault *f, const void *vectors)
{
    struct host_context c = f->context;
    if (interrupt_frame(&c))
        ke_time_asked_often(READS_BEFORE_TIME_IS_ASKED);
    trap_resume_vectors(&c, vectors);
}

/* What the code at hand can do next depends on its registers and on what lies near the top of its stack. */
static uint64_t state_of(const struct host_context *c)
{
    enum { NEAR = 64 };
    uint64_t stack[NEAR], h = base_hash_bytes(0, (const uint8_t *)c->gpr, sizeof c->gpr);
    uint64_t room = (0x1000 - (c->gpr[4] & 0xFFF)) & ~7ull, bytes = room < sizeof stack ? room : sizeof stack;
    if (host_guarded_copy(stack, (const void *)c->gpr[4], bytes))
        h = base_hash_bytes(h, (const uint8_t *)stack, bytes);
    return h;
}

void emulate_slow(const struct host_fault *f, const void *vectors)
{
    struct host_context c = f->context;
    if (shared_data_is(f->address))
        time_asked(f, vectors);
    const struct patch_site *t = f->in_trampoline ? patch_site_of_point(c.rip, &c.rip) : patch_site_at(c.rip);
    IR_ASSERT(t);
    struct host_context next = c;
    next.rip = patch_continue_at(c.rip, t);
    if (f->in_trampoline && (t->kind == PATCH_ATOMIC ? pass_point() : fast_at(&c, &next, t))) {
        if (t->kind == PATCH_ATOMIC)
            atomic_access(t, &c);
        trap_resume_vectors(&next, vectors);
    }
    if (t->kind == PATCH_CALL) { /* nothing but the call: no point, no interrupt */
        if (make_call(&c, &next, t))
            trap_resume_vectors(&next, vectors);
        return;
    }
    bool faults = false, framed = interrupt_frame(t->kind == PATCH_CR8_WRITE ? &next : &c);
    switch (t->kind) {
    case PATCH_ATOMIC:
        promise(t, &c);
        if (framed && !sim_turn(c.rip, state_of(&c), patch_operand_address(t, &c), t->size, false))
            trap_hang_end(&c);
        atomic_access(t, &c);
        break;
    case PATCH_ACCESS:
        if (framed && t->detail >= PATCH_MOVES && door_memory_hook)
            door_memory_hook(c.rip, c.rdi, true, t->detail & PATCH_MOVES ? c.rsi : 0, (t->detail & PATCH_REPEATS ? c.rcx : 1) * t->size);
        else if (framed && patch_access_hook)
            patch_access_hook(c.rip, patch_operand_address(t, &c), t->size, t->detail);
        break;
    case PATCH_SPIN: /* only if it jumps */
        next.rcx -= t->detail >= PATCH_SPIN_LOOP && t->detail <= PATCH_SPIN_LOOPNE;
        faults = !spin_target(&c, t, &next.rip);
        if (!faults && framed && !sim_turn(c.rip, 0, 0, 0, true))
            trap_hang_end(&c);
        break;
    case PATCH_PAUSE:
    case PATCH_HLT:
        if (framed && !sim_turn(c.rip, 0, 0, 0, true))
            trap_hang_end(&c);
        break;
    case PATCH_CR8_WRITE:
        KeLowerIrql(c.gpr[t->reg] & 0xF);
        break;
    case PATCH_STI:
        switch_interrupts_on();
        break;
    case PATCH_PUSHF:
        faults = !push_flags(&next);
        break;
    case PATCH_POPF:
        faults = !pop_flags(&next);
        break;
    case PATCH_STORE_SYSTEM:
        store_system(&c, &next, t);
        break;
    case PATCH_IN:
        all_ones(&next, t);
        break;
    case PATCH_STRING_IO:
        next.rcx = 0;
        break;
    case PATCH_RDMSR:
    case PATCH_WRMSR:
        read_or_write_msr(&next, t, &faults);
        break;
    case PATCH_SYSCALL:
        system_call(&c);
        break;
    default:
        IR_ASSERT(!"an instruction without emulation");
    }
    if (!faults)
        trap_resume_vectors(&next, vectors);
}
