/* Rules that NT enforces even without Driver Verifier, and those of 0xC9 that cost nothing. */
#include "ke/ke.h"
#include "nt/status.h"
#include "ps/ps.h"
#include "sim/machine.h"
#include "verify/stack.h"
#include "verify/verify.h"

enum { BUGCHECK_VERIFIER_IO = 0xC9 };

void verify_dispatch_enter(struct verify_dispatch *v, DEVICE_OBJECT *device, const IRP *irp)
{
    v->device = device;
    v->major = irp->Tail.Overlay.CurrentStackLocation->MajorFunction;
    v->routine = device->DriverObject->MajorFunction[v->major];
    v->irql = sim_irql();
}

void verify_dispatch_leave(const struct verify_dispatch *v, NTSTATUS status)
{
    /* DOC: 0xC9 with 5: the dispatch routine returned at another IRQL. */
    if (verify_is_on() && sim_irql() != v->irql)
        KeBugCheckEx(BUGCHECK_VERIFIER_IO, 5, (ULONG64)v->routine, sim_irql(), v->irql);
}

void verify_completion_enter(struct verify_completion *v, const IRP *irp, PVOID routine)
{
    v->routine = routine;
    v->irql = sim_irql();
}

void verify_completion_leave(const struct verify_completion *v, NTSTATUS status)
{
}

void verify_call_driver_bad_irp(const IRP *irp)
{
    KeBugCheckEx(BUGCHECK_VERIFIER_IO, 3, (ULONG64)irp, 0, 0);
}

void verify_irp_free(const IRP *irp)
{
    if (irp->Type != IO_TYPE_IRP)
        KeBugCheckEx(BUGCHECK_VERIFIER_IO, 1, (ULONG64)irp, 0, 0);
    if (irp->ThreadListEntry.Flink != &irp->ThreadListEntry)
        KeBugCheckEx(BUGCHECK_VERIFIER_IO, 2, (ULONG64)irp, 0, 0);
}

void verify_complete(const IRP *irp)
{
    if (irp->IoStatus.Status == STATUS_PENDING || irp->IoStatus.Status == -1)
        KeBugCheckEx(BUGCHECK_VERIFIER_IO, 6, (ULONG64)(uint32_t)irp->IoStatus.Status, (ULONG64)irp, 0);
    if (irp->CancelRoutine)
        KeBugCheckEx(BUGCHECK_VERIFIER_IO, 7, (ULONG64)irp->CancelRoutine, (ULONG64)irp, 0);
}
