/* Cancellable waits: alertable ones that end early only for a reason.
 *
 * CancelSynchronousIo marks the thread's IRP cancelled and alerts the thread; ending a thread alerts it too. Any other alert finds
 * the IRP's Cancel clear, and the wait goes on for the time that is left. DOC: lower I/O is not cancelled; the caller does that. */
#include "ke/ke.h"
#include "nt/io.h"
#include "nt/status.h"
#include "ps/ps.h"
#include "sim/access.h"

struct cancellable {
    LARGE_INTEGER *timeout; /* the caller's */
    bool relative;
    uint64_t end_100ns; /* of a relative one, in interrupt time */
    const IRP *irp;
};

static void begin(struct cancellable *c, LARGE_INTEGER *timeout, const IRP *irp)
{
    *c = (struct cancellable) { .timeout = timeout, .irp = irp };
    c->relative = timeout && timeout->QuadPart < 0;
    if (c->relative)
        c->end_100ns = MACHINE->clock_100ns + (uint64_t)-timeout->QuadPart;
}

/* What to wait with now. */
static LARGE_INTEGER *left(const struct cancellable *c, LARGE_INTEGER *rest)
{
    if (!c->relative)
        return c->timeout;
    uint64_t now = MACHINE->clock_100ns;
    rest->QuadPart = now < c->end_100ns ? -(LONGLONG)(c->end_100ns - now) : 0;
    return rest;
}

/* Whether a wait that ended in status is over; changes status to what the caller gets. */
static bool is_over(const struct cancellable *c, NTSTATUS *status)
{
    if (*status != STATUS_ALERTED && *status != STATUS_USER_APC && *status != STATUS_THREAD_IS_TERMINATING)
        return true;
    if (*status == STATUS_THREAD_IS_TERMINATING || ps_current()->terminating)
        *status = STATUS_THREAD_IS_TERMINATING;
    else if (c->irp && c->irp->Cancel)
        *status = STATUS_CANCELLED;
    else
        return false;
    return true;
}

NTSTATUS FsRtlCancellableWaitForSingleObject(PVOID object, LARGE_INTEGER *timeout, IRP *irp)
{
    struct cancellable c;
    NTSTATUS status;
    begin(&c, timeout, irp);
    do {
        LARGE_INTEGER rest;
        if (irp)
            sim_access((uint64_t)irp, SIM_READ);
        status = KeWaitForSingleObject(object, Executive, KernelMode, TRUE, left(&c, &rest));
    } while (!is_over(&c, &status));
    return status;
}

NTSTATUS FsRtlCancellableWaitForMultipleObjects(ULONG count, PVOID *objects, ULONG type, LARGE_INTEGER *timeout, KWAIT_BLOCK *blocks, IRP *irp)
{
    struct cancellable c;
    NTSTATUS status;
    begin(&c, timeout, irp);
    do {
        LARGE_INTEGER rest;
        if (irp)
            sim_access((uint64_t)irp, SIM_READ);
        status = KeWaitForMultipleObjects(count, objects, type, Executive, KernelMode, TRUE, left(&c, &rest), blocks);
    } while (!is_over(&c, &status));
    return status;
}
