/* The unwinder against the processor: every exported shape_* of the images given as arguments is called and
 * single-stepped; at each instruction inside the image the whole stack is unwound, and the registers of the
 * outermost frame must be those the function was called with. */
#include "support.h"

#include "pe/unwind.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

static struct {
    const struct pe_mapped *m;
    struct pe_regs caller;  /* as they must be found */
    bool entered;
    uint64_t entry;
    unsigned long steps, parts[4], chained;
    unsigned failures;
    char failure[400];
} step;

static bool read_here(void *ctx, uint64_t va, void *to, size_t len)
{
    memcpy(to, (const void *)va, len);
    return true;
}

static const char *const names[16] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                       "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15" };

static bool in_image(uint64_t va)
{
    return va - step.m->va < step.m->size;
}

static void registers_of(const ucontext_t *uc, struct pe_regs *r)
{
    static const int from[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                  REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };
    for (int i = 0; i < 16; i++)
        r->gpr[i] = (uint64_t)uc->uc_mcontext.gregs[from[i]];
    r->rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
    memcpy(r->xmm, uc->uc_mcontext.fpregs->_xmm, sizeof r->xmm);
}

static void failed(uint64_t rip, const char *what)
{
    if (step.failures++ == 0)
        snprintf(step.failure, sizeof step.failure, "at rva 0x%llx, step %lu: %s",
                 (unsigned long long)(rip - step.m->va), step.steps, what);
}

static void compare(uint64_t rip, const struct pe_regs *r)
{
    static const int kept[] = { PE_RBX, PE_RSP, PE_RBP, PE_RSI, PE_RDI, PE_R12, PE_R13, PE_R14, PE_R15 };
    if (r->rip != step.caller.rip)
        failed(rip, "return address");
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (r->gpr[kept[i]] != step.caller.gpr[kept[i]])
            failed(rip, names[kept[i]]);
    if (memcmp(&r->xmm[6], &step.caller.xmm[6], 10 * sizeof r->xmm[0]) != 0)
        failed(rip, "xmm6 to xmm15");
}

static void unwind_all(struct pe_regs r)
{
    uint64_t rip = r.rip;
    for (int depth = 0; in_image(r.rip); depth++) {
        struct pe_function fn;
        struct pe_unwound out;
        char err[PE_ERROR_TEXT] = "too deep";
        bool known = pe_function_entry(step.m, (uint32_t)(r.rip - step.m->va), &fn);
        uint64_t rsp = r.gpr[PE_RSP];
        if (depth > 100 || pe_virtual_unwind(step.m, known ? &fn : NULL, 0, &r, read_here, NULL, &out, err,
                                             sizeof err) != PE_OK) {
            failed(rip, err);
            return;
        }
        if (depth == 0)
            step.parts[out.part]++;
        if (known && out.function_rva != fn.begin_rva)
            step.chained++;
        if (r.gpr[PE_RSP] <= rsp) {
            failed(rip, "the stack does not shrink");
            return;
        }
    }
    compare(rip, &r);
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
    struct pe_regs r;
    registers_of(context, &r);
    if (!in_image(r.rip))
        return;
    step.steps++;
    if (!step.entered && r.rip == step.entry) {
        step.entered = true;
        step.caller = r;
        memcpy(&step.caller.rip, (const void *)r.gpr[PE_RSP], 8);
        step.caller.gpr[PE_RSP] += 8;
    }
    if (step.entered)
        unwind_all(r);
}

typedef uint64_t __attribute__((ms_abi)) shape_fn(uint64_t);

static __attribute__((noinline)) uint64_t call_stepped(shape_fn *fn, uint64_t argument)
{
    __asm__ volatile("pushfq\n orq $0x100, (%%rsp)\n popfq" ::: "memory", "cc");
    uint64_t result = fn(argument);
    __asm__ volatile("pushfq\n andq $~0x100, (%%rsp)\n popfq" ::: "memory", "cc");
    return result;
}

static bool run_shape(void *ctx, const struct pe_export *e)
{
    const struct pe_mapped *m = ctx;
    if (!e->name || strncmp(e->name, "shape_", 6) != 0)
        return true;
    for (uint64_t argument = 0; argument < 9; argument++) {
        step.entered = false;
        step.entry = m->va + e->rva;
        step.failures = 0;
        call_stepped((shape_fn *)(m->va + e->rva), argument);
        assert_true(step.entered);
        if (step.failures)
            fail_msg("%s(%llu): %u mismatches, first %s", e->name, (unsigned long long)argument, step.failures,
                     step.failure);
    }
    return true;
}

static void step_image(void **state)
{
    struct loaded l;
    load_executable(&l, *state);
    memset(&step, 0, sizeof step);
    step.m = &l.m;
    assert_int_equal(pe_exports(&l.m, run_shape, &l.m, l.err, sizeof l.err), PE_OK);
    printf("%s: %lu steps: %lu leaf, %lu prolog, %lu body, %lu epilog, %lu chained\n", (const char *)*state, step.steps,
           step.parts[PE_FRAME_LEAF], step.parts[PE_FRAME_PROLOG], step.parts[PE_FRAME_BODY],
           step.parts[PE_FRAME_EPILOG], step.chained);
    for (int i = 0; i < 4; i++)
        assert_true(step.parts[i] > 100);
    assert_true(step.chained > 10);
    unload_executable(&l);
}

int main(int argc, char **argv)
{
    struct sigaction sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
    sigaction(SIGTRAP, &sa, NULL);
    for (int i = 1; i < argc; i++) {
        const struct CMUnitTest tests[] = { cmocka_unit_test_prestate(step_image, argv[i]) };
        if (cmocka_run_group_tests_name(argv[i], tests, NULL, NULL))
            return 1;
    }
    return 0;
}
