/* SendAnIoctl sends a control code synchronously, in the way that looks made for it, and is called where it must not be: under a fast
 * mutex (APC_LEVEL) and in a guarded region.
 *
 * The IRP of IoBuildDeviceIoControlRequest is threaded: a special kernel APC in this thread finishes it, which writes event, status
 * block and output. It cannot run there. The lower driver has succeeded, so nobody waits; SendAnIoctl returns; and when the mutex is
 * released, the APC writes into a stack frame that is gone. */
#include <ntddk.h>
#include "sender.h"
#include "device.h"

static FAST_MUTEX Mutex;

VOID SendInitialize(VOID)
{
    ExInitializeFastMutex(&Mutex);
}

__declspec(noinline) static NTSTATUS SendAnIoctl(PDEVICE_OBJECT TargetDevice, ULONG ControlCode)
{
    NTSTATUS status;
    KEVENT event;
    IO_STATUS_BLOCK iosb;
    PIRP irp;
    ULONG nothingOutput;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IoBuildDeviceIoControlRequest(ControlCode, TargetDevice, NULL, 0, &nothingOutput, sizeof(ULONG), FALSE, &event, &iosb);
    if (irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = IoCallDriver(TargetDevice, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = iosb.Status;
    }
    return status;
}

__declspec(noinline) static NTSTATUS SendAndCount(PDEVICE_OBJECT TargetDevice, ULONG ControlCode)
{
    volatile ULONG64 account[48]; /* as much of the stack as a file system's routine takes */
    NTSTATUS status;

    account[0] = ControlCode;
    status = SendAnIoctl(TargetDevice, (ULONG)account[0]);
    return status;
}

NTSTATUS SendLocked(PDEVICE_OBJECT TargetDevice, ULONG ControlCode)
{
    NTSTATUS status;

    ExAcquireFastMutex(&Mutex);
    status = SendAndCount(TargetDevice, ControlCode);
    CountRequest();
    ExReleaseFastMutex(&Mutex);
    return status;
}

NTSTATUS SendInRegion(PDEVICE_OBJECT TargetDevice, ULONG ControlCode)
{
    NTSTATUS status;

    KeEnterGuardedRegion();
    status = SendAndCount(TargetDevice, ControlCode);
    CountRequest();
    KeLeaveGuardedRegion();
    return status;
}
