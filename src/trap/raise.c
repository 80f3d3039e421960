/* Exceptions that software raises: exports for guests, and the face for our own code. */
#include <string.h>

#include "ex/ex.h"
#include "nt/bugcheck.h"
#include "nt/status.h"
#include "sim/machine.h"
#include "trap/dispatch.h"
#include "trap/trap.h"

static _Noreturn void raise_here(const EXCEPTION_RECORD *given)
{
    struct host_context here;
    EXCEPTION_RECORD r = *given;
    trap_context_here(&here);
    r.ExceptionAddress = (PVOID)here.rip;
    seh_raise(FRAME_NONE, &here, &r, SEH_FROM_CALL_RAISE);
}

_Noreturn void ke_raise_exception(NTSTATUS code, uint32_t nparams, const uint64_t *params)
{
    IR_ASSERT(nparams <= EXCEPTION_MAXIMUM_PARAMETERS);
    EXCEPTION_RECORD r = { .ExceptionCode = code, .NumberParameters = nparams };
    if (nparams)
        memcpy(r.ExceptionInformation, params, nparams * 8);
    raise_here(&r);
}

_Noreturn void ke_raise_status(NTSTATUS status)
{
    EXCEPTION_RECORD r = { .ExceptionCode = status, .ExceptionFlags = EXCEPTION_NONCONTINUABLE };
    raise_here(&r);
}

/* ---- exports ---- */

void RtlRaiseException(EXCEPTION_RECORD *record)
{
    const struct door_frame *d = (const struct door_frame *)MACHINE->fiber->fiber.guest_sp;
    EXCEPTION_RECORD r = *record;
    r.ExceptionAddress = record->ExceptionAddress = (PVOID)d->return_address;
    r.ExceptionFlags &= EXCEPTION_NONCONTINUABLE;
    if (r.NumberParameters > EXCEPTION_MAXIMUM_PARAMETERS)
        r.NumberParameters = EXCEPTION_MAXIMUM_PARAMETERS;
    struct host_context here;
    trap_context_here(&here);
    seh_raise(FRAME_NONE, &here, &r, SEH_FROM_CALL_RAISE);
}

void RtlRaiseStatus(NTSTATUS status)
{
    ke_raise_status(status);
}

void ExRaiseAccessViolation(void)
{
    ke_raise_status(STATUS_ACCESS_VIOLATION);
}

void ExRaiseDatatypeMisalignment(void)
{
    ke_raise_status(STATUS_DATATYPE_MISALIGNMENT);
}

void RaiseException(ULONG code, ULONG flags, ULONG count, const ULONG_PTR *arguments)
{
    /* Bit 28 is reserved: cleared. */
    EXCEPTION_RECORD r = { .ExceptionCode = (NTSTATUS)(code & ~0x10000000u), .ExceptionFlags = flags & EXCEPTION_NONCONTINUABLE };
    if (arguments) {
        r.NumberParameters = count < EXCEPTION_MAXIMUM_PARAMETERS ? count : EXCEPTION_MAXIMUM_PARAMETERS;
        memcpy(r.ExceptionInformation, arguments, r.NumberParameters * 8);
    }
    raise_here(&r);
}

/* As int3 in the function: the exception's address is the export. */
void DbgBreakPoint(void)
{
    EXCEPTION_RECORD r = { .ExceptionCode = STATUS_BREAKPOINT, .NumberParameters = 1 };
    raise_here(&r);
}

/* What ASSERT calls in builds with DBG when it does not hold. GUESS: where Windows asks the debugger what to do, and there is none, it breaks. */
void RtlAssert(const char *assertion, const char *file, ULONG line, const char *message)
{
    enum { DPFLTR_DEFAULT_ID = 101, DPFLTR_ERROR_LEVEL = 0 };
    const uint64_t list[] = { (uint64_t)(message ? message : ""), (uint64_t)assertion, (uint64_t)file, line };
    vDbgPrintEx(DPFLTR_DEFAULT_ID, DPFLTR_ERROR_LEVEL, "\n*** Assertion failed: %s%s\n***   Source File: %s, line %lu\n\n", list);
    DbgBreakPoint();
}

void DbgBreakPointWithStatus(ULONG status)
{
    DbgBreakPoint();
}

LONG ExSystemExceptionFilter(void)
{
    return EXCEPTION_EXECUTE_HANDLER;
}
