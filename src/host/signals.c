/* Faults: decode, let the filter emulate, otherwise point the interrupted context at host_fault_entry on the fiber's host
 * stack. The handler itself never runs guest code and never switches. */
#include "host/host.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <errno.h>
#include <immintrin.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/assert.h"
#include "host/cold.h"
#include "sim/machine.h"

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE 2
#endif

enum { ALIGNMENT_CHECK = 17 }; /* vector */

bool (*host_outside_hook)(uint64_t address);
static host_fault_filter fault_filter;
static bool has_fsgsbase;

static const int register_order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                        REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };

static void context_get(struct host_context *c, const ucontext_t *uc)
{
    for (int i = 0; i < 16; i++)
        c->gpr[i] = (uint64_t)uc->uc_mcontext.gregs[register_order[i]];
    c->rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
    c->rflags = (uint64_t)uc->uc_mcontext.gregs[REG_EFL];
    memcpy(c->xmm, uc->uc_mcontext.fpregs->_xmm, sizeof c->xmm);
    c->mxcsr = uc->uc_mcontext.fpregs->mxcsr;
}

static void context_put(ucontext_t *uc, const struct host_context *c)
{
    for (int i = 0; i < 16; i++)
        uc->uc_mcontext.gregs[register_order[i]] = (greg_t)c->gpr[i];
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)c->rip;
    uc->uc_mcontext.gregs[REG_EFL] = (greg_t)c->rflags;
    memcpy(uc->uc_mcontext.fpregs->_xmm, c->xmm, sizeof c->xmm);
}

static bool is_guest_code(uint64_t rip)
{
    return machine_is_guest_code(rip);
}

/* A jump to nowhere: the instruction pointer says nothing about who jumped, the stack does. */
static bool is_guest_jump(const ucontext_t *uc)
{
    uint64_t rsp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP];
    bool executes = uc->uc_mcontext.gregs[REG_TRAPNO] == 14 && (uc->uc_mcontext.gregs[REG_ERR] & 16);
    return executes && rsp >= USER_BASE && rsp < KERNEL_END;
}

static enum host_fault_kind kind_of(int sig, const siginfo_t *info, const ucontext_t *uc)
{
    switch (sig) {
    case SIGILL:
        return HOST_FAULT_ILLEGAL;
    case SIGTRAP:
        return info->si_code == TRAP_TRACE ? HOST_FAULT_STEP : HOST_FAULT_BREAKPOINT;
    case SIGFPE:
        return info->si_code == FPE_INTDIV ? HOST_FAULT_DIVIDE : HOST_FAULT_FLOAT;
    case SIGALRM:
    case SIGVTALRM:
    case SIGPROF:
        return HOST_FAULT_TIMER;
    default:
        /* Vector 14 is a page fault; a general protection fault reports no address. */
        return uc->uc_mcontext.gregs[REG_TRAPNO] == 14 ? HOST_FAULT_ACCESS : HOST_FAULT_PROTECTION;
    }
}

/* host_guarded_rep has its own way out. */
extern const char host_guarded_end[], host_guarded_fault[];

static bool is_guarded(uint64_t rip)
{
    return rip >= (uint64_t)host_guarded_rep && rip < (uint64_t)host_guarded_end;
}

/* Where a fault is handed on has no stack itself: it would fault for ever. */
static bool is_fault_entry(uint64_t rip)
{
    return rip >= (uint64_t)host_fault_entry && rip < (uint64_t)host_point_entry;
}

static _Noreturn void die(int sig, const struct host_fault *f)
{
    base_panic("signal %d in host code at %llx, address %llx", sig, (unsigned long long)f->context.rip, (unsigned long long)f->address);
}

static void on_fault(int sig, siginfo_t *info, void *ucv)
{
    __asm__ volatile("pushfq; andl $0xFFFBFFFF, (%%rsp); popfq" ::: "memory", "cc"); /* the guest's alignment check is not for us */
    ucontext_t *uc = ucv;
    if (uc->uc_mcontext.gregs[REG_TRAPNO] == ALIGNMENT_CHECK) {
        /* Ring 0 ignores the flag. GUESS: programs, too, go on as if it were not set. */
        uc->uc_mcontext.gregs[REG_EFL] &= ~0x40000ll;
        return;
    }
    bool writes = sig == SIGSEGV && uc->uc_mcontext.gregs[REG_TRAPNO] == 14 && (uc->uc_mcontext.gregs[REG_ERR] & 2);
    if (writes && host_heat((uint64_t)uc->uc_mcontext.gregs[REG_CR2]))
        return;
    struct fiber *fiber = MACHINE->fiber ? &MACHINE->fiber->fiber : NULL;
    static struct host_fault fault; /* handed on at once; no other comes in meanwhile but for a cold page */
    fault.kind = kind_of(sig, info, uc);
    fault.in_trampoline = false;
    fault.detail = info->si_code;
    context_get(&fault.context, uc);
    fault.in_host = !is_guest_code(fault.context.rip) && !is_guest_jump(uc);
    if (fault.kind == HOST_FAULT_TIMER && fault.in_host)
        return;
    fault.address = fault.kind == HOST_FAULT_ACCESS ? (uint64_t)uc->uc_mcontext.gregs[REG_CR2] : 0;
    unsigned long err = (unsigned long)uc->uc_mcontext.gregs[REG_ERR];
    fault.access = fault.kind != HOST_FAULT_ACCESS ? 0 : (err & 16) ? 8 : (err & 2) ? 1 : 0;
    if (!MACHINE->fiber && fault.kind == HOST_FAULT_ACCESS && host_is_hidden(fault.address)) {
        host_show(fault.address); /* who looks from outside of the machine sees everything */
        return;
    }
    if (!MACHINE->fiber && fault.kind == HOST_FAULT_ACCESS && host_outside_hook && host_outside_hook(fault.address))
        return;
    if (fault_filter && MACHINE->fiber && fault_filter(&fault)) {
        if (!fault.in_host)
            context_put(uc, &fault.context);
        return;
    }
    if (fault.in_host && fault.kind == HOST_FAULT_STEP) { /* the guest set the trap flag and called us */
        uc->uc_mcontext.gregs[REG_EFL] &= ~0x100ll;
        return;
    }
    if (is_guarded(fault.context.rip)) {
        uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uint64_t)host_guarded_fault;
        return;
    }
    if (fault.in_host && fault.kind == HOST_FAULT_ACCESS && MACHINE->fiber && fault.address - fiber->host_stack < 0x1000) {
        fault.kind = HOST_FAULT_STACK;
        fiber->host_sp = fiber->host_stack + HOST_STACK_SIZE; /* nothing goes on from here: all of it is given up */
        fiber->callback = 0;
    } else if (fault.in_host && (!MACHINE->fiber || is_fault_entry(fault.context.rip) || !machine_host_fault_is_guests(fault.kind, fault.address)))
        die(sig, &fault);
    IR_ASSERT(MACHINE->fiber);
    fiber->fault = fault;
    /* Host code that faulted on guest memory is abandoned: it began at host_sp and held nothing. */
    host_frames_given_up(fiber->host_stack, fiber->host_sp);
    uc->uc_mcontext.gregs[REG_RSP] = (greg_t)(fiber->host_sp & ~0xFull);
    uc->uc_mcontext.gregs[REG_RDI] = (greg_t)fiber;
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)host_fault_entry;
    uc->uc_mcontext.gregs[REG_EFL] &= ~0x500; /* direction and trap flags */
}

void host_signals_install(host_fault_filter filter)
{
    fault_filter = filter;
    size_t size = 1 << 16;
    stack_t ss = { .ss_sp = malloc(size), .ss_size = size };
    if (!ss.ss_sp || sigaltstack(&ss, NULL) != 0)
        base_panic("sigaltstack: %s", strerror(errno));
    struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigemptyset(&sa.sa_mask);
    sigaddset(&sa.sa_mask, SIGVTALRM);
    static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGVTALRM };
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        /* The handler may be the first to write a page (cold.h). */
        sa.sa_flags = SA_SIGINFO | SA_ONSTACK | (signals[i] == SIGSEGV ? SA_NODEFER : 0);
        if (sigaction(signals[i], &sa, NULL) != 0)
            base_panic("sigaction: %s", strerror(errno));
    }
    unsigned a, b, c, d;
    host_has_vectors = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE) && (c & bit_AVX) && __get_cpuid_count(0xD, 1, &a, &b, &c, &d) && (a & 4);
    has_fsgsbase = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) != 0;
}

void host_watchdog(unsigned microseconds)
{
    struct itimerval t = { { microseconds / 1000000, microseconds % 1000000 }, { microseconds / 1000000, microseconds % 1000000 } };
    if (setitimer(ITIMER_VIRTUAL, &t, NULL) != 0)
        base_panic("setitimer: %s", strerror(errno));
}

bool host_has_fsgsbase(void)
{
    return has_fsgsbase;
}

void host_set_gs(uint64_t base)
{
    if (has_fsgsbase)
        _writegsbase_u64(base);
    else
        syscall(SYS_arch_prctl, ARCH_SET_GS, base);
}
