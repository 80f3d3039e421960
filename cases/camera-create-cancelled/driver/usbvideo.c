/* Open, close and power of a camera, with the bug.
 *
 * An open asks for power and waits in a queue until the device has it; the last close lets a work item ask for the
 * opposite. Each is right on its own. Powering down empties the queue with STATUS_CANCELLED, because "the device stops",
 * and nobody asks whether the queue holds an open that came after the close:
 *
 *      close                            create
 *      PowerDownDevice                  PowerUpDevice
 *        queue IdleDetectWorkItem         RequestDxPowerIrp(D0)
 *      IdleDetectWorkItem               IoCsqInsertIrp, STATUS_PENDING
 *        RequestDxPowerIrp(D3)
 *      USBVideoSetPower(D3)
 *        … CompleteQueue(STATUS_CANCELLED)      <- completes that create
 */
#include "usbvideo.h"

static REQUEST_POWER_COMPLETE PowerIrpCompletion;
static IO_WORKITEM_ROUTINE PassiveWakeup;
static IO_WORKITEM_ROUTINE IdleDetectWorkItem;
static IO_COMPLETION_ROUTINE PowerUpDone;

/* ---- power requests ---- */

/* The remove lock that the caller took for this request is released when the request has ended: by PowerIrpCompletion,
 * or by the work item that it starts. */
__declspec(noinline) static NTSTATUS RequestDxPowerIrp(PUSBVIDEO Device, DEVICE_POWER_STATE State)
{
    POWER_STATE power;

    power.DeviceState = State;
    return PoRequestPowerIrp(Device->Pdo, IRP_MN_SET_POWER, power, PowerIrpCompletion, Device, NULL);
}

/* Settings can be loaded at PASSIVE_LEVEL only, which a power completion is not sure to run at. */
__declspec(noinline) static NTSTATUS QueueWakeup(PUSBVIDEO Device, NTSTATUS Status)
{
    PWAKEUP wakeup = (PWAKEUP)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(WAKEUP), USBVIDEO_TAG);

    if (!wakeup)
        return STATUS_INSUFFICIENT_RESOURCES;
    wakeup->Device = Device;
    wakeup->Status = Status;
    wakeup->WorkItem = IoAllocateWorkItem(Device->Self);
    if (!wakeup->WorkItem) {
        ExFreePoolWithTag(wakeup, USBVIDEO_TAG);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    IoQueueWorkItem(wakeup->WorkItem, PassiveWakeup, DelayedWorkQueue, wakeup);
    return STATUS_SUCCESS;
}

__declspec(noinline) static VOID PowerIrpCompletion(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction,
                                                    POWER_STATE PowerState, PVOID Context,
                                                    PIO_STATUS_BLOCK IoStatus)
{
    PUSBVIDEO device = (PUSBVIDEO)Context;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(MinorFunction);
    if (PowerState.DeviceState == PowerDeviceD0) {
        status = QueueWakeup(device, IoStatus->Status);
        if (NT_SUCCESS(status))
            return;
        FilterCreateQueue_CompleteQueue(device, status);
    }
    IoReleaseRemoveLock(&device->RemoveLock, device);
}

__declspec(noinline) static VOID PassiveWakeup(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    PWAKEUP wakeup = (PWAKEUP)Context;
    PUSBVIDEO device = wakeup->Device;
    NTSTATUS status = wakeup->Status;

    UNREFERENCED_PARAMETER(DeviceObject);
    IoFreeWorkItem(wakeup->WorkItem);
    ExFreePoolWithTag(wakeup, USBVIDEO_TAG);
    if (NT_SUCCESS(status)) {
        LoadPowerLineFrequency(device);
        LoadUVCCacheControl(device);
        status = STATUS_SUCCESS;
    }
    FilterCreateQueue_CompleteQueue(device, status);
    IoReleaseRemoveLock(&device->RemoveLock, device);
}

/* ---- create ---- */

__declspec(noinline) static NTSTATUS PowerUpDevice(PUSBVIDEO Device)
{
    KIRQL irql;

    KeAcquireSpinLock(&Device->PowerLock, &irql);
    Device->OpenCount++;
    KeReleaseSpinLock(&Device->PowerLock, irql);
    return RequestDxPowerIrp(Device, PowerDeviceD0);
}

__declspec(noinline) VOID USBVideoCreateFailed(PUSBVIDEO Device)
{
    KIRQL irql;

    KeAcquireSpinLock(&Device->PowerLock, &irql);
    Device->OpenCount--;
    KeReleaseSpinLock(&Device->PowerLock, irql);
}

static NTSTATUS FailCreate(PUSBVIDEO Device, PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    return Status;
}

/* The mutex is held until the create is in the queue: powering up needs it too, so that the wake-up which follows cannot
 * look into the queue before. */
__declspec(noinline) NTSTATUS USBVideoFilterCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PUSBVIDEO device = (PUSBVIDEO)DeviceObject->DeviceExtension;
    NTSTATUS status = IoAcquireRemoveLock(&device->RemoveLock, Irp);

    if (!NT_SUCCESS(status)) {
        Irp->IoStatus.Status = status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return status;
    }
    status = IoAcquireRemoveLock(&device->RemoveLock, device);
    if (!NT_SUCCESS(status))
        return FailCreate(device, Irp, status);
    KeWaitForSingleObject(&device->DeviceMutex, Executive, KernelMode, FALSE, NULL);
    status = PowerUpDevice(device);
    if (!NT_SUCCESS(status)) {
        USBVideoCreateFailed(device);
        KeReleaseMutex(&device->DeviceMutex, FALSE);
        IoReleaseRemoveLock(&device->RemoveLock, device);
        return FailCreate(device, Irp, status);
    }
    IoMarkIrpPending(Irp);
    IoCsqInsertIrp(&device->FilterCreateQueue, Irp, NULL);
    KeReleaseMutex(&device->DeviceMutex, FALSE);
    IoReleaseRemoveLock(&device->RemoveLock, Irp);
    return STATUS_PENDING;
}

/* ---- close ---- */

/* Decides here and now that the device is idle … */
__declspec(noinline) static VOID PowerDownDevice(PUSBVIDEO Device)
{
    KIRQL irql;

    if (!NT_SUCCESS(IoAcquireRemoveLock(&Device->RemoveLock, Device)))
        return;
    KeAcquireSpinLock(&Device->PowerLock, &irql);
    if (--Device->OpenCount == 0 && !Device->IdleWorkItemQueued) {
        PIO_WORKITEM item = IoAllocateWorkItem(Device->Self);
        if (item) {
            Device->IdleWorkItem = item;
            Device->IdleWorkItemQueued = TRUE;
            IoQueueWorkItem(item, IdleDetectWorkItem, DelayedWorkQueue, Device);
            KeReleaseSpinLock(&Device->PowerLock, irql);
            return;
        }
    }
    KeReleaseSpinLock(&Device->PowerLock, irql);
    IoReleaseRemoveLock(&Device->RemoveLock, Device);
}

/* … and acts on it later, whatever has happened since. */
__declspec(noinline) static VOID IdleDetectWorkItem(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    PUSBVIDEO device = (PUSBVIDEO)Context;
    KIRQL irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    KeAcquireSpinLock(&device->PowerLock, &irql);
    IoFreeWorkItem(device->IdleWorkItem);
    device->IdleWorkItem = NULL;
    device->IdleWorkItemQueued = FALSE;
    KeReleaseSpinLock(&device->PowerLock, irql);
    if (!NT_SUCCESS(RequestDxPowerIrp(device, PowerDeviceD3)))
        IoReleaseRemoveLock(&device->RemoveLock, device);
}

__declspec(noinline) NTSTATUS USBVideoFilterClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PUSBVIDEO device = (PUSBVIDEO)DeviceObject->DeviceExtension;

    if (NT_SUCCESS(IoAcquireRemoveLock(&device->RemoveLock, Irp))) {
        KeWaitForSingleObject(&device->DeviceMutex, Executive, KernelMode, FALSE, NULL);
        SetRegionOfInterestControlToDefaults(device);
        MSXURestoreDefaults(device);
        KeReleaseMutex(&device->DeviceMutex, FALSE);
        PowerDownDevice(device);
        IoReleaseRemoveLock(&device->RemoveLock, Irp);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

/* ---- the device changes power ---- */

__declspec(noinline) VOID ExitIrpThreadAndQueue(PUSBVIDEO Device)
{
    FilterCreateQueue_CompleteQueue(Device, STATUS_CANCELLED);
}

__declspec(noinline) VOID StopUSBVideoDevice(PUSBVIDEO Device)
{
    ExitIrpThreadAndQueue(Device);
    UnConfigureUSBVideoDevice(Device);
}

static NTSTATUS PowerUpDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Event)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    if (Irp->PendingReturned)
        KeSetEvent((PKEVENT)Event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Up: those below first. (Waiting is allowed: the device is power-pageable, so that its power IRPs come at
 * PASSIVE_LEVEL.) */
__declspec(noinline) static NTSTATUS SetPowerUp(PUSBVIDEO Device, PIRP Irp)
{
    POWER_STATE power = IoGetCurrentIrpStackLocation(Irp)->Parameters.Power.State;
    KEVENT event;
    NTSTATUS status;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, PowerUpDone, &event, TRUE, TRUE, TRUE);
    status = PoCallDriver(Device->Lower, Irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = Irp->IoStatus.Status;
    }
    if (NT_SUCCESS(status)) {
        KeWaitForSingleObject(&Device->DeviceMutex, Executive, KernelMode, FALSE, NULL);
        if (!Device->Configured)
            ConfigureUSBVideoDevice(Device);
        KeReleaseMutex(&Device->DeviceMutex, FALSE);
        PoSetPowerState(Device->Self, DevicePowerState, power);
    }
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

/* Down: this device first. */
__declspec(noinline) NTSTATUS USBVideoSetPower(PUSBVIDEO Device, PIRP Irp)
{
    POWER_STATE power = IoGetCurrentIrpStackLocation(Irp)->Parameters.Power.State;

    if (power.DeviceState == PowerDeviceD0)
        return SetPowerUp(Device, Irp);
    KeWaitForSingleObject(&Device->DeviceMutex, Executive, KernelMode, FALSE, NULL);
    StopUSBVideoDevice(Device);
    KeReleaseMutex(&Device->DeviceMutex, FALSE);
    PoSetPowerState(Device->Self, DevicePowerState, power);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(Device->Lower, Irp);
}
