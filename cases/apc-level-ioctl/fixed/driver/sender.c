/* The first correction: the API stays, the place changes. A mutex object and a critical region keep out what shall be kept out
 * (suspension, termination, normal APCs) and let special kernel APCs in, so that IopCompleteRequest runs while SendAnIoctl is still
 * there. KeAreAllApcsDisabled says whether that holds. */
#include <ntddk.h>
#include "sender.h"
#include "device.h"

static KMUTEX Mutex;

VOID SendInitialize(VOID)
{
    KeInitializeMutex(&Mutex, 0);
}

__declspec(noinline) static NTSTATUS SendAnIoctl(PDEVICE_OBJECT TargetDevice, ULONG ControlCode)
{
    NTSTATUS status;
    KEVENT event;
    IO_STATUS_BLOCK iosb;
    PIRP irp;
    ULONG nothingOutput;

    if (KeAreAllApcsDisabled())
        return STATUS_INVALID_DEVICE_STATE;
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

NTSTATUS SendLocked(PDEVICE_OBJECT TargetDevice, ULONG ControlCode)
{
    NTSTATUS status;

    KeWaitForSingleObject(&Mutex, Executive, KernelMode, FALSE, NULL);
    status = SendAnIoctl(TargetDevice, ControlCode);
    CountRequest();
    KeReleaseMutex(&Mutex, FALSE);
    return status;
}

NTSTATUS SendInRegion(PDEVICE_OBJECT TargetDevice, ULONG ControlCode)
{
    NTSTATUS status;

    KeEnterCriticalRegion();
    status = SendAnIoctl(TargetDevice, ControlCode);
    CountRequest();
    KeLeaveCriticalRegion();
    return status;
}
