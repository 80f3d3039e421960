/* The second correction: the place stays, the IRP changes. IoAllocateIrp makes one that belongs to no thread; the completion routine
 * takes it back from the I/O manager, sets the event that SendAnIoctl waits for, and SendAnIoctl frees it. No APC is involved. */
#include <ntddk.h>
#include "sender.h"
#include "device.h"

static FAST_MUTEX Mutex;

VOID SendInitialize(VOID)
{
    ExInitializeFastMutex(&Mutex);
}

static IO_COMPLETION_ROUTINE SendDone;
static NTSTATUS SendDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

__declspec(noinline) static NTSTATUS SendAnIoctl(PDEVICE_OBJECT TargetDevice, ULONG ControlCode)
{
    NTSTATUS status;
    KEVENT event;
    PIRP irp;
    PIO_STACK_LOCATION location;
    ULONG nothingOutput;

    irp = IoAllocateIrp(TargetDevice->StackSize, FALSE);
    if (irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp->AssociatedIrp.SystemBuffer = &nothingOutput;
    location = IoGetNextIrpStackLocation(irp);
    location->MajorFunction = IRP_MJ_DEVICE_CONTROL;
    location->Parameters.DeviceIoControl.IoControlCode = ControlCode;
    location->Parameters.DeviceIoControl.OutputBufferLength = sizeof(ULONG);
    IoSetCompletionRoutine(irp, SendDone, &event, TRUE, TRUE, TRUE);
    IoCallDriver(TargetDevice, irp);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    status = irp->IoStatus.Status;
    IoFreeIrp(irp);
    return status;
}

NTSTATUS SendLocked(PDEVICE_OBJECT TargetDevice, ULONG ControlCode)
{
    NTSTATUS status;

    ExAcquireFastMutex(&Mutex);
    status = SendAnIoctl(TargetDevice, ControlCode);
    CountRequest();
    ExReleaseFastMutex(&Mutex);
    return status;
}

NTSTATUS SendInRegion(PDEVICE_OBJECT TargetDevice, ULONG ControlCode)
{
    NTSTATUS status;

    KeEnterGuardedRegion();
    status = SendAnIoctl(TargetDevice, ControlCode);
    CountRequest();
    KeLeaveGuardedRegion();
    return status;
}
