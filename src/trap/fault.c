/* From a processor fault to an NT exception or bug check. Runs on the host stack of the faulting fiber, after the signal
 * handler has returned.
 *
 * In kernel mode (DOC: bug check reference; design of the lab in docs/architecture.md):
 *   at DISPATCH_LEVEL or above   any page fault is 0xA (our code) or 0xD1 (a driver)
 *   user address                 STATUS_ACCESS_VIOLATION, which __try catches
 *   kernel address               0x50, even inside __try; 0xBE written though read-only, 0xFC executed though data
 *   non-canonical address        a general protection fault: STATUS_ACCESS_VIOLATION with address -1 */
#include <Zydis/Zydis.h>
#include <signal.h>
#include <string.h>

#include "mm/guard.h"
#include "nt/bugcheck.h"
#include "nt/status.h"
#include "ps/process.h"
#include "ps/ps.h"
#include "sim/image.h"
#include "sim/machine.h"
#include "sim/patch.h"
#include "trap/dispatch.h"
#include "trap/emulate.h"
#include "trap/trap.h"
#include "verify/guard.h"

enum { FAST_FAIL_INT = 0x29, ASSERT_INT = 0x2C, DEBUG_SERVICE_INT = 0x2D };

bool trap_user_mode(void)
{
    const struct agent *a = MACHINE->fiber;
    const struct thread *t = a->kind == AGENT_THREAD ? a->thread : NULL;
    return t && t->teb && !t->in_kernel;
}

/* ---- ends ---- */

_Noreturn void trap_crash_end(const EXCEPTION_RECORD *r, const struct host_context *c)
{
    trap_room()->crash = (struct trap_crash) { .happened = true, .code = r->ExceptionCode, .address = (uint64_t)r->ExceptionAddress, .record = *r,
                                               .agent = MACHINE->fiber, .context = *c };
    sim_end(RUN_CRASH);
}

_Noreturn void trap_double_fault(const struct host_context *c)
{
    struct trap_room *r = trap_room();
    r->double_fault = true;
    r->stopped_agent = MACHINE->fiber;
    r->stopped = *c;
    /* GUESS: parameters 3 and 4 are the stack pointer and the instruction. */
    KeBugCheckEx(UNEXPECTED_KERNEL_MODE_TRAP, 8, 0, c->rsp, c->rip);
}

_Noreturn void trap_hang_end(const struct host_context *c)
{
    trap_room()->hang = (struct trap_crash) { .happened = true, .address = c->rip, .agent = MACHINE->fiber, .context = *c };
    sim_end(RUN_HANG);
}

/* A bug check straight from a trap. */
static void trap_frames(const struct host_context *c, enum frame_name trap)
{
    if (!trap_stack_room(MACHINE->fiber, c->rsp))
        trap_double_fault(c);
    trap_frame_push(trap, c, c->rsp);
}

/* ---- imports that are not there ---- */

static void missing_import(const struct host_fault *f)
{
    const char *module, *name;
    char caller[256];
    if (f->kind != HOST_FAULT_ACCESS || !image_missing_at(f->address, &module, &name))
        return;
    uint64_t from = f->context.rip;
    if (f->access == 8 && !host_guarded_copy(&from, (const void *)f->context.rsp, 8))
        from = 0;
    if (f->in_host)
        from = MACHINE->fiber->fiber.frame_site;
    else
        trap_room()->stopped_agent = MACHINE->fiber;
    trap_room()->stopped = f->context;
    image_symbol_text(from, caller, sizeof caller);
    ke_unsupported("%s!%s is not supported (%s by %s)", module, name, f->access == 8 ? "called" : f->access & 1 ? "written" : "read", caller);
}

/* ---- page faults ---- */

static bool is_ours(const struct host_fault *f)
{
    const struct image *i = image_at(f->context.rip);
    return f->in_host || (i && i->synthetic);
}

static bool is_present(uint64_t address)
{
    uint8_t byte;
    return host_guarded_copy(&byte, (const void *)address, 1);
}

static bool is_user_address(uint64_t address)
{
    if (address >= KERNEL_BASE)
        return false;
    const struct image *i = image_at(address);
    return !i || i->user || i->base >= USER_BASE;
}

static bool is_stack_guard(uint64_t address)
{
    const struct fiber *f = &MACHINE->fiber->fiber;
    return address < f->kernel_stack && address >= f->kernel_stack - 0x2000;
}

static _Noreturn void kernel_page_fault_stop(const struct host_fault *f, const struct host_context *c)
{
    static const uint8_t how[9] = { [0] = 0, [1] = 2, [8] = 0x10 };
    trap_frames(c, FRAME_KiPageFault);
    guest_frame_push(FRAME_MmAccessFault);
    bool present = is_present(f->address);
    if (present && f->access == 1)
        KeBugCheckEx(ATTEMPTED_WRITE_TO_READONLY_MEMORY, f->address, 0, MACHINE->fiber->fiber.guest_sp, 0);
    if (present && f->access == 8)
        KeBugCheckEx(ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY, f->address, 0, MACHINE->fiber->fiber.guest_sp, 0);
    guest_frame_push(FRAME_MiSystemFault);
    KeBugCheckEx(PAGE_FAULT_IN_NONPAGED_AREA, f->address, how[f->access], c->rip, 0);
}

/* DOC: whatever the IRQL, a reference to a driver that is gone is named as such. */
static void unloaded_driver(const struct host_fault *f, const struct host_context *c)
{
    static const uint8_t how[9] = { [0] = 0, [1] = 1, [8] = 0x10 };
    if (!image_unloaded_at(f->address) || image_at(f->address))
        return;
    trap_frames(c, FRAME_KiPageFault);
    guest_frame_push(FRAME_MmAccessFault);
    KeBugCheckEx(DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS, f->address, how[f->access], c->rip, 0);
}

/* Guard mode. GUESS: also at DISPATCH_LEVEL and above the screen says what was done, not that a page fault came at that IRQL. */
static void guarded_pool(const struct host_fault *f, const struct host_context *c)
{
    enum guard_wrong how;
    const struct guard_block *b = mm_guard_covers(f->address) ? mm_guard_at(f->address, &how) : NULL;
    if (!b)
        return;
    trap_frames(c, FRAME_KiPageFault);
    guest_frame_push(FRAME_MmAccessFault);
    guest_frame_push(FRAME_MiSystemFault);
    verify_guard_touched(b, how, f->address, f->access, c->rip, is_ours(f));
}

static void kernel_page_fault(const struct host_fault *f, const struct host_context *c)
{
    if (is_stack_guard(f->address))
        trap_double_fault(c);
    guarded_pool(f, c);
    unloaded_driver(f, c);
    if (sim_irql() >= DISPATCH_LEVEL) {
        trap_frames(c, FRAME_KiPageFault);
        guest_frame_push(FRAME_KiBugCheckDispatch);
        KeBugCheckEx(is_ours(f) ? IRQL_NOT_LESS_OR_EQUAL : DRIVER_IRQL_NOT_LESS_OR_EQUAL, f->address, sim_irql(), f->access, c->rip);
    }
    if (!is_user_address(f->address))
        kernel_page_fault_stop(f, c);
}

/* ---- software interrupts and privileged instructions ---- */

static _Noreturn void fast_fail(const struct host_context *c)
{
    EXCEPTION_RECORD r = { .ExceptionCode = STATUS_STACK_BUFFER_OVERRUN, .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
                           .ExceptionAddress = (PVOID)c->rip, .NumberParameters = 1, .ExceptionInformation = { c->rcx } };
    if (trap_user_mode())
        trap_crash_end(&r, c);
    trap_frames(c, FRAME_KiRaiseSecurityCheckFailure);
    uint64_t trap_frame = MACHINE->fiber->fiber.guest_sp;
    guest_frame_push(FRAME_KiFastFailDispatch);
    struct seh_frame *s = (struct seh_frame *)MACHINE->fiber->fiber.guest_sp;
    s->record = r;
    trap_context_from_host(&s->context, c);
    guest_frame_push(FRAME_KiBugCheckDispatch);
    KeBugCheckEx(KERNEL_SECURITY_CHECK_FAILURE, (uint32_t)c->rcx, trap_frame, (uint64_t)&s->record, 0);
}

/* int 2Dh asks a debugger for a service: 1 print, 2 prompt, 3 load symbols, 4 unload symbols, 5 command. There is none: those are done,
 * and the byte behind the instruction is skipped. */
static bool debug_service(struct host_context *c)
{
    c->rip += 2;
    if ((uint32_t)c->rax < 1 || (uint32_t)c->rax > 5)
        return false;
    c->rip += 1;
    return true;
}

static bool is_privileged(uint64_t rip)
{
    uint8_t bytes[15];
    ZydisDecoder decoder;
    ZydisDecodedInstruction in;
    memset(bytes, 0x90, sizeof bytes);
    if (!host_guarded_copy(bytes, (const void *)rip, sizeof bytes))
        host_guarded_copy(bytes, (const void *)rip, 0x1000 - (rip & 0xFFF) < 15 ? 0x1000 - (rip & 0xFFF) : 1);
    patch_original_bytes(rip, bytes, sizeof bytes);
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, bytes, sizeof bytes, &in)))
        return false;
    if (in.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED)
        return true;
    return in.mnemonic == ZYDIS_MNEMONIC_IN || in.mnemonic == ZYDIS_MNEMONIC_OUT || in.mnemonic == ZYDIS_MNEMONIC_CLI ||
           in.mnemonic == ZYDIS_MNEMONIC_STI;
}

/* The operand of a faulting division is 0, or the quotient does not fit. */
/* A function of its own: who stands at an atomic instruction has ke_fault's frame on its stack, which is part of every snapshot. */
static __attribute__((noinline)) bool is_division_by_zero(const struct host_context *c)
{
    uint8_t b[15] = { 0 };
    if (!host_guarded_copy(b, (const void *)c->rip, sizeof b))
        return true;
    ZydisDecoder decoder;
    ZydisDecodedInstruction in;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, b, sizeof b, &in, op)))
        return true;
    uint64_t value = 0;
    unsigned bytes = op[0].size / 8;
    if (op[0].type == ZYDIS_OPERAND_TYPE_REGISTER) {
        ZydisRegister large = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, op[0].reg.value);
        value = c->gpr[ZydisRegisterGetId(large)];
        if (op[0].reg.value >= ZYDIS_REGISTER_AH && op[0].reg.value <= ZYDIS_REGISTER_BH)
            value = c->gpr[op[0].reg.value - ZYDIS_REGISTER_AH] >> 8;
    } else {
        ZydisRegisterContext regs = { 0 };
        for (int i = 0; i < 16; i++)
            regs.values[ZYDIS_REGISTER_RAX + i] = c->gpr[i];
        ZyanU64 at;
        if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddressEx(&in, &op[0], c->rip, &regs, &at)) || !host_guarded_copy(&value, (const void *)at, bytes))
            return true;
    }
    return bytes >= 8 ? value == 0 : (value & ((1ull << bytes * 8) - 1)) == 0;
}

static NTSTATUS float_status(int detail)
{
    switch (detail) {
    case FPE_FLTDIV:
        return STATUS_FLOAT_DIVIDE_BY_ZERO;
    case FPE_FLTOVF:
        return STATUS_FLOAT_OVERFLOW;
    case FPE_FLTUND:
        return STATUS_FLOAT_UNDERFLOW;
    case FPE_FLTRES:
        return STATUS_FLOAT_INEXACT_RESULT;
    default:
        return STATUS_FLOAT_INVALID_OPERATION;
    }
}

static _Noreturn void raise_trap(enum frame_name trap, const struct host_context *c, NTSTATUS code, uint32_t n, uint64_t p0, uint64_t p1,
                            enum seh_origin origin)
{
    EXCEPTION_RECORD r = { .ExceptionCode = code, .ExceptionAddress = (PVOID)c->rip, .NumberParameters = n, .ExceptionInformation = { p0, p1 } };
    seh_raise(trap, c, &r, origin);
}

static _Noreturn void protection(struct host_context *c, enum seh_origin origin)
{
    uint8_t code[2] = { 0 };
    if (origin == SEH_FROM_GUEST)
        host_guarded_copy(code, (const void *)c->rip, 2);
    patch_original_bytes(c->rip, code, 2);
    bool is_int = code[0] == 0xCD;
    if (is_int && code[1] == FAST_FAIL_INT)
        fast_fail(c);
    if (is_int && code[1] == ASSERT_INT) {
        EXCEPTION_RECORD r = { .ExceptionCode = STATUS_ASSERTION_FAILURE, .ExceptionAddress = (PVOID)c->rip };
        c->rip += 2; /* GUESS: a handler that continues goes on behind the assertion */
        seh_raise(FRAME_KiRaiseAssertion, c, &r, origin);
    }
    if (is_int && code[1] == DEBUG_SERVICE_INT) {
        if (debug_service(c))
            trap_resume(c);
        raise_trap(FRAME_KiDebugServiceTrap, c, STATUS_BREAKPOINT, 1, (uint32_t)c->rax, 0, origin);
    }
    if (origin == SEH_FROM_GUEST && trap_user_mode() && is_privileged(c->rip))
        raise_trap(FRAME_KiGeneralProtectionFault, c, STATUS_PRIVILEGED_INSTRUCTION, 0, 0, 0, origin);
    raise_trap(FRAME_KiGeneralProtectionFault, c, STATUS_ACCESS_VIOLATION, 2, 0, UINT64_MAX, origin);
}

/* ---- entry ---- */

/* The door had not finished its frame: as if the first instruction of the export had faulted. */
static bool in_door(const struct host_fault *f, struct host_context *c)
{
    uint64_t rip = f->context.rip;
    if (!f->in_host || rip < (uint64_t)host_door_entry || rip >= (uint64_t)host_door_entered)
        return false;
    *c = f->context;
    c->rip = door_slot((uint32_t)f->context.rax);
    if (rip >= (uint64_t)host_door_frame_made)
        c->rsp += DOOR_FRAME_SIZE;
    return true;
}

static _Noreturn void nested_too_deeply(void)
{
    struct host_context here;
    trap_context_here(&here);
    if (!trap_user_mode())
        trap_double_fault(&here);
    EXCEPTION_RECORD r = { .ExceptionCode = STATUS_STACK_OVERFLOW, .ExceptionAddress = (PVOID)here.rip };
    trap_crash_end(&r, &here);
}

_Noreturn void ke_fault(struct fiber *fiber, const void *vectors)
{
    const struct host_fault f = fiber->fault; /* handlers may fault */
    struct host_context c = f.context;
    enum seh_origin origin = SEH_FROM_GUEST;
    missing_import(&f);
    if (f.kind == HOST_FAULT_STACK)
        nested_too_deeply();
    if (f.in_host && !in_door(&f, &c)) {
        trap_context_here(&c);
        origin = SEH_FROM_CALL_FAULT;
    }
    switch (f.kind) {
    case HOST_FAULT_POINT:
        emulate_slow(&f, vectors);
        if (f.in_trampoline) /* it faults after all: as what it is, where it is in the image */
            patch_site_of_point(c.rip, &c.rip);
        break;
    case HOST_FAULT_TIMER:
        spin_found(&c);
    case HOST_FAULT_BREAKPOINT:
        c.rip -= 1;
        raise_trap(FRAME_KiBreakpointTrap, &c, STATUS_BREAKPOINT, 1, 0, 0, origin);
    case HOST_FAULT_STEP:
        raise_trap(FRAME_KiDebugTrapOrFault, &c, STATUS_SINGLE_STEP, 0, 0, 0, origin);
    case HOST_FAULT_ILLEGAL:
        raise_trap(FRAME_KiInvalidOpcodeFault, &c, STATUS_ILLEGAL_INSTRUCTION, 0, 0, 0, origin);
    case HOST_FAULT_DIVIDE:
        raise_trap(FRAME_KiDivideErrorFault, &c, is_division_by_zero(&c) ? STATUS_INTEGER_DIVIDE_BY_ZERO : STATUS_INTEGER_OVERFLOW, 0, 0, 0, origin);
    case HOST_FAULT_FLOAT:
        raise_trap(FRAME_KiXmmException, &c, float_status(f.detail), 1, 0, 0, origin);
    default:
        break;
    }
    if (f.kind == HOST_FAULT_ACCESS) {
        if (!trap_user_mode())
            kernel_page_fault(&f, &c);
        else if (ps_user_stack_last(f.address))
            raise_trap(FRAME_KiPageFault, &c, STATUS_STACK_OVERFLOW, 2, f.access, f.address, origin);
        raise_trap(FRAME_KiPageFault, &c, STATUS_ACCESS_VIOLATION, 2, f.access, f.address, origin);
    }
    protection(&c, origin);
}
