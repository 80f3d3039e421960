/* The framework's own verifier. Handles and required parameters are always checked; IRQL, callbacks and misuse that can be answered with a status
 * only with VerifierOn. DOC: "Using KMDF Verifier", "Bug Check 0x10D". */
#include "fx.h"

void FxVerifierKeBugCheck(FxGlobals *g, ULONG code, ULONG64 a, ULONG64 b, ULONG64 c)
{
    KeBugCheckEx(WDF_VIOLATION, code, a, b, c);
}

void FxVerifierNullBugCheck(FxGlobals *g, PVOID caller)
{
    FXLOG(g, NullParameter, P64(caller));
    FxVerifierKeBugCheck(g, FXBC_NULL_PARAMETER, 0, (ULONG64)caller, 0);
}

/* DOC: DbgBreakOnError breaks into the debugger; it is on when the verifier is. GUESS: without a debugger the break ends the system; the code
 * and parameters that it ends with are 0x10D with "fatal error" and the object, so that the report can name it. */
void FxVerifierDbgBreakPoint(FxGlobals *g, FxObject *o, PVOID caller)
{
    if (!g->VerifierOn || !g->DbgBreakOnError)
        return;
    FXLOG(g, PotentiallyInvalid, o ? P64(FxHandle(o)) : 0, P64(caller));
    FxVerifierKeBugCheck(g, FXBC_FATAL, 0, o ? (ULONG64)FxHandle(o) : 0, (ULONG64)caller);
}

NTSTATUS FxVerifierCheckIrqlLevelAt(FxGlobals *g, KIRQL highest, PVOID caller)
{
    if (!g->VerifierOn || KeGetCurrentIrql() <= highest)
        return STATUS_SUCCESS;
    FXLOG(g, IrqlTooHigh, KeGetCurrentIrql(), highest, S64(STATUS_INVALID_DEVICE_REQUEST));
    if (g->DbgBreakOnError)
        FxVerifierKeBugCheck(g, FXBC_IRQL, (ULONG64)caller, KeGetCurrentIrql(), highest);
    return STATUS_INVALID_DEVICE_REQUEST;
}

struct FxGuard FxGuardEnter(FxGlobals *g)
{
    struct FxGuard guard = { 0 };
    if (g->VerifierOn) {
        guard.On = TRUE;
        guard.Irql = KeGetCurrentIrql();
        guard.Apcs = KeAreApcsDisabled();
    }
    return guard;
}

void FxGuardLeave(FxGlobals *g, const struct FxGuard *guard, PVOID routine)
{
    if (!guard->On)
        return;
    KIRQL now = KeGetCurrentIrql();
    if (now != guard->Irql) {
        FXLOG(g, IrqlChanged, P64(routine), guard->Irql, now);
        FxVerifierKeBugCheck(g, FXBC_IRQL, (ULONG64)routine, guard->Irql, now);
    }
    if (!guard->Apcs && KeAreApcsDisabled()) {
        FXLOG(g, RegionChanged, P64(routine));
        FxVerifierKeBugCheck(g, FXBC_CRITICAL_REGION, (ULONG64)routine, 0, 0);
    }
}

VOID imp_WdfVerifierDbgBreakPoint(PWDF_DRIVER_GLOBALS G)
{
    FxGlobals *g = FxGet(G);
    if (g->DbgBreakOnError)
        DbgBreakPoint();
}

VOID imp_WdfVerifierKeBugCheck(PWDF_DRIVER_GLOBALS G, ULONG BugCheckCode, ULONG_PTR A, ULONG_PTR B, ULONG_PTR C, ULONG_PTR D)
{
    KeBugCheckEx(BugCheckCode, A, B, C, D);
}
