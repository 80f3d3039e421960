/* Open, close and power of a camera, corrected.
 *
 * Two rules replace the two decisions that did not know of each other:
 *
 *   1. Power follows the open count, and one request is under way at a time. Whoever changes the count, or ends a
 *      request, compares what is wanted with what is there (NextPowerState) and asks for the difference. A work item
 *      that was queued for a close long past finds the count again above zero, and asks for nothing.
 *   2. Losing power says nothing about waiting creates. They stay in the queue until the device is up, and are cancelled
 *      only when the device goes away.
 *
 *            PowerBusy = FALSE             PowerBusy = TRUE
 *      up    OpenCount > 0: wake creates   -> D3: its end asks for D0 again if OpenCount > 0
 *            OpenCount = 0: ask for D3
 *      down  OpenCount > 0: ask for D0     -> D0: its end wakes creates, or asks for D3 if OpenCount = 0
 */
#include "usbvideo.h"

static REQUEST_POWER_COMPLETE PowerIrpCompletion;
static IO_WORKITEM_ROUTINE PassiveWakeup;
static IO_WORKITEM_ROUTINE IdleDetectWorkItem;
static IO_COMPLETION_ROUTINE PowerUpDone;
static VOID WakeCreates(PUSBVIDEO Device, NTSTATUS Status);

/* ---- power requests ---- */

/* With PowerLock held: TRUE if a request must follow once the lock is released, which only this caller then makes. */
__declspec(noinline) static BOOLEAN NextPowerState(PUSBVIDEO Device, DEVICE_POWER_STATE *State)
{
    *State = Device->OpenCount > 0 ? PowerDeviceD0 : PowerDeviceD3;
    if (Device->PowerBusy || *State == Device->PowerState)
        return FALSE;
    Device->PowerBusy = TRUE;
    return TRUE;
}

/* Holds the remove lock until PowerIrpCompletion. A request that cannot be made leaves the device where it is. */
__declspec(noinline) static NTSTATUS RequestDxPowerIrp(PUSBVIDEO Device, DEVICE_POWER_STATE State)
{
    POWER_STATE power;
    NTSTATUS status = IoAcquireRemoveLock(&Device->RemoveLock, Device);
    KIRQL irql;

    power.DeviceState = State;
    if (NT_SUCCESS(status)) {
        status = PoRequestPowerIrp(Device->Pdo, IRP_MN_SET_POWER, power, PowerIrpCompletion, Device, NULL);
        if (NT_SUCCESS(status))
            return status;
        IoReleaseRemoveLock(&Device->RemoveLock, Device);
    }
    KeAcquireSpinLock(&Device->PowerLock, &irql);
    Device->PowerBusy = FALSE;
    KeReleaseSpinLock(&Device->PowerLock, irql);
    WakeCreates(Device, State == PowerDeviceD0 ? status : STATUS_SUCCESS);
    return status;
}

/* Settings can be loaded at PASSIVE_LEVEL only, which a power completion is not sure to run at. The work item holds a
 * remove lock of its own. */
__declspec(noinline) static NTSTATUS QueueWakeup(PUSBVIDEO Device, NTSTATUS Status)
{
    PWAKEUP wakeup = (PWAKEUP)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(WAKEUP), USBVIDEO_TAG);
    NTSTATUS status = wakeup ? IoAcquireRemoveLock(&Device->RemoveLock, wakeup) : STATUS_INSUFFICIENT_RESOURCES;

    if (NT_SUCCESS(status)) {
        wakeup->Device = Device;
        wakeup->Status = Status;
        wakeup->WorkItem = IoAllocateWorkItem(Device->Self);
        if (wakeup->WorkItem) {
            IoQueueWorkItem(wakeup->WorkItem, PassiveWakeup, DelayedWorkQueue, wakeup);
            return STATUS_SUCCESS;
        }
        IoReleaseRemoveLock(&Device->RemoveLock, wakeup);
        status = STATUS_INSUFFICIENT_RESOURCES;
    }
    if (wakeup)
        ExFreePoolWithTag(wakeup, USBVIDEO_TAG);
    return status;
}

/* Waiting creates leave the queue with this status; when it is success, once the settings are loaded. */
__declspec(noinline) static VOID WakeCreates(PUSBVIDEO Device, NTSTATUS Status)
{
    NTSTATUS status = QueueWakeup(Device, Status);

    if (!NT_SUCCESS(status))
        FilterCreateQueue_CompleteQueue(Device, status);
}

__declspec(noinline) static VOID PowerIrpCompletion(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction,
                                                    POWER_STATE PowerState, PVOID Context,
                                                    PIO_STATUS_BLOCK IoStatus)
{
    PUSBVIDEO device = (PUSBVIDEO)Context;
    NTSTATUS status = IoStatus->Status;
    DEVICE_POWER_STATE next;
    BOOLEAN ask = FALSE, wake;
    KIRQL irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(MinorFunction);
    KeAcquireSpinLock(&device->PowerLock, &irql);
    device->PowerBusy = FALSE;
    if (NT_SUCCESS(status)) {
        device->PowerState = PowerState.DeviceState;
        ask = NextPowerState(device, &next);
    }
    wake = !ask && device->OpenCount > 0;
    if (device->PowerState == PowerDeviceD0)
        status = STATUS_SUCCESS;
    KeReleaseSpinLock(&device->PowerLock, irql);
    if (ask)
        RequestDxPowerIrp(device, next);
    if (wake)
        WakeCreates(device, status);
    IoReleaseRemoveLock(&device->RemoveLock, device);
}

__declspec(noinline) static BOOLEAN IsUp(PUSBVIDEO Device)
{
    BOOLEAN up;
    KIRQL irql;

    KeAcquireSpinLock(&Device->PowerLock, &irql);
    up = Device->PowerState == PowerDeviceD0 && !Device->PowerBusy;
    KeReleaseSpinLock(&Device->PowerLock, irql);
    return up;
}

/* The mutex: the create that this wake-up is for may not have reached the queue yet. If the device is not up any more, the
 * request under way wakes the queue when it ends. */
__declspec(noinline) static VOID PassiveWakeup(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    PWAKEUP wakeup = (PWAKEUP)Context;
    PUSBVIDEO device = wakeup->Device;
    NTSTATUS status = wakeup->Status;

    UNREFERENCED_PARAMETER(DeviceObject);
    IoFreeWorkItem(wakeup->WorkItem);
    if (NT_SUCCESS(status)) {
        LoadPowerLineFrequency(device);
        LoadUVCCacheControl(device);
    }
    KeWaitForSingleObject(&device->DeviceMutex, Executive, KernelMode, FALSE, NULL);
    KeReleaseMutex(&device->DeviceMutex, FALSE);
    if (!NT_SUCCESS(status) || IsUp(device))
        FilterCreateQueue_CompleteQueue(device, status);
    IoReleaseRemoveLock(&device->RemoveLock, wakeup);
    ExFreePoolWithTag(wakeup, USBVIDEO_TAG);
}

/* ---- create ---- */

/* Counts the open, which from now on keeps the device up; the work item that wakes it is on its way on return. */
__declspec(noinline) static NTSTATUS PowerUpDevice(PUSBVIDEO Device)
{
    DEVICE_POWER_STATE next;
    BOOLEAN ask, up;
    KIRQL irql;

    KeAcquireSpinLock(&Device->PowerLock, &irql);
    Device->OpenCount++;
    ask = NextPowerState(Device, &next);
    up = !ask && !Device->PowerBusy;
    KeReleaseSpinLock(&Device->PowerLock, irql);
    if (ask)
        return RequestDxPowerIrp(Device, next);
    return up ? QueueWakeup(Device, STATUS_SUCCESS) : STATUS_SUCCESS;
}

static NTSTATUS FailCreate(PUSBVIDEO Device, PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    return Status;
}

/* The mutex is held until the create is in the queue, so that the wake-up that follows finds it there. */
__declspec(noinline) NTSTATUS USBVideoFilterCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PUSBVIDEO device = (PUSBVIDEO)DeviceObject->DeviceExtension;
    NTSTATUS status = IoAcquireRemoveLock(&device->RemoveLock, Irp);

    if (!NT_SUCCESS(status)) {
        Irp->IoStatus.Status = status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return status;
    }
    KeWaitForSingleObject(&device->DeviceMutex, Executive, KernelMode, FALSE, NULL);
    status = PowerUpDevice(device);
    if (!NT_SUCCESS(status)) {
        USBVideoCreateFailed(device);
        KeReleaseMutex(&device->DeviceMutex, FALSE);
        return FailCreate(device, Irp, status);
    }
    IoMarkIrpPending(Irp);
    IoCsqInsertIrp(&device->FilterCreateQueue, Irp, NULL);
    KeReleaseMutex(&device->DeviceMutex, FALSE);
    IoReleaseRemoveLock(&device->RemoveLock, Irp);
    return STATUS_PENDING;
}

/* ---- close ---- */

/* Only suspects that the device is idle: whether it is, is decided when the work item runs. */
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

__declspec(noinline) static VOID IdleDetectWorkItem(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    PUSBVIDEO device = (PUSBVIDEO)Context;
    DEVICE_POWER_STATE next;
    BOOLEAN ask;
    KIRQL irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    KeAcquireSpinLock(&device->PowerLock, &irql);
    IoFreeWorkItem(device->IdleWorkItem);
    device->IdleWorkItem = NULL;
    device->IdleWorkItemQueued = FALSE;
    ask = NextPowerState(device, &next);
    KeReleaseSpinLock(&device->PowerLock, irql);
    if (ask)
        RequestDxPowerIrp(device, next);
    IoReleaseRemoveLock(&device->RemoveLock, device);
}

/* A create that failed counted as open until now. */
__declspec(noinline) VOID USBVideoCreateFailed(PUSBVIDEO Device)
{
    PowerDownDevice(Device);
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

/* Only when the device goes away (pnp.c). */
__declspec(noinline) VOID ExitIrpThreadAndQueue(PUSBVIDEO Device)
{
    FilterCreateQueue_CompleteQueue(Device, STATUS_CANCELLED);
}

__declspec(noinline) VOID StopUSBVideoDevice(PUSBVIDEO Device)
{
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
