/* One-time initialisation. The word holds the context, whose two low bits are free: 0 not begun, 1 in progress, 3 in progress by
 * several (asynchronous), 2 done. Who waits is in the room's list. */
#include "ex/room.h"
#include "nt/status.h"
#include "sim/access.h"
#include "sim/door.h"

typedef struct RTL_RUN_ONCE {
    ULONG_PTR Ptr;
} RTL_RUN_ONCE;

enum { STATE = 3, NOT_BEGUN = 0, IN_PROGRESS = 1, DONE = 2, IN_PROGRESS_ASYNC = 3 };
enum { CHECK_ONLY = 1, ASYNC = 2, INIT_FAILED = 4 };

void RtlRunOnceInitialize(RTL_RUN_ONCE *once)
{
    once->Ptr = 0;
}

NTSTATUS RtlRunOnceBeginInitialize(RTL_RUN_ONCE *once, ULONG flags, PVOID *context)
{
    if (flags & ~(ULONG)(CHECK_ONLY | ASYNC) || flags == (CHECK_ONLY | ASYNC))
        return STATUS_INVALID_PARAMETER_2;
    sim_access((uint64_t)once, SIM_WRITE);
    for (;;) {
        ULONG_PTR word = once->Ptr;
        if ((word & STATE) == DONE) {
            if (context)
                *context = (PVOID)(word & ~(ULONG_PTR)STATE);
            return STATUS_SUCCESS;
        }
        if (flags & CHECK_ONLY)
            return STATUS_UNSUCCESSFUL;
        if ((word & STATE) == NOT_BEGUN) {
            once->Ptr = flags & ASYNC ? IN_PROGRESS_ASYNC : IN_PROGRESS;
            return STATUS_PENDING;
        }
        if ((word & STATE) == IN_PROGRESS_ASYNC)
            return flags & ASYNC ? STATUS_PENDING : STATUS_INVALID_PARAMETER;
        if (flags & ASYNC)
            return STATUS_INVALID_PARAMETER_2;
        struct ex_waiter w;
        ex_wait(&w, (uint64_t)once, 0, FRAME_ExBlockOnAddressPushLock, WrExecutive);
        sim_access((uint64_t)once, SIM_WRITE);
    }
}

static void wake(RTL_RUN_ONCE *once)
{
    struct ex_waiter *woken = NULL, *w;
    while ((w = ex_waiter_first((uint64_t)once, NULL)))
        ex_waiter_take(w, &woken);
    ex_wake_all(woken);
}

NTSTATUS RtlRunOnceComplete(RTL_RUN_ONCE *once, ULONG flags, PVOID context)
{
    bool failed = flags & INIT_FAILED, async = flags & ASYNC;
    if (flags & ~(ULONG)(ASYNC | INIT_FAILED) || (failed && (async || context)))
        return STATUS_INVALID_PARAMETER_2;
    if ((ULONG_PTR)context & STATE)
        return STATUS_INVALID_PARAMETER_3;
    sim_access((uint64_t)once, SIM_WRITE);
    ULONG_PTR state = once->Ptr & STATE;
    if (async && state == DONE)
        return STATUS_OBJECT_NAME_COLLISION; /* another one was first; the caller drops what it made */
    if (state != (async ? IN_PROGRESS_ASYNC : IN_PROGRESS))
        return STATUS_UNSUCCESSFUL;
    once->Ptr = failed ? 0 : (ULONG_PTR)context | DONE;
    wake(once);
    return STATUS_SUCCESS;
}

NTSTATUS RtlRunOnceExecuteOnce(RTL_RUN_ONCE *once, PVOID fn, PVOID parameter, PVOID *context)
{
    NTSTATUS status = RtlRunOnceBeginInitialize(once, 0, context);
    if (status != STATUS_PENDING)
        return status;
    uint64_t ok = guest_call(FRAME_NONE, fn, 3, (uint64_t)once, (uint64_t)parameter, (uint64_t)context);
    if ((ULONG)ok)
        return RtlRunOnceComplete(once, 0, context ? *context : NULL);
    RtlRunOnceComplete(once, INIT_FAILED, NULL);
    return STATUS_UNSUCCESSFUL;
}
