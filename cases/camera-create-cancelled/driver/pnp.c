/* Plug and play: the device comes, starts, and goes. Nothing here has a part in the bug. */
#include <initguid.h>
#include "usbvideo.h"

/* KSCATEGORY_VIDEO_CAMERA */
DEFINE_GUID(InterfaceVideoCamera, 0xe5323777, 0xf976, 0x4f5b, 0x9b, 0x55, 0xb9, 0x46, 0x99, 0xc4, 0x6e, 0x44);

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = USBVideoPassDown;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = USBVideoFilterCreate;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = USBVideoFilterCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = USBVideoFilterClose;
    DriverObject->MajorFunction[IRP_MJ_PNP] = USBVideoPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = USBVideoPower;
    DriverObject->DriverExtension->AddDevice = USBVideoAddDevice;
    DriverObject->DriverUnload = USBVideoUnload;
    return STATUS_SUCCESS;
}

VOID USBVideoUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

static NTSTATUS InitializeDevice(PUSBVIDEO Device, PDEVICE_OBJECT Self, PDEVICE_OBJECT Pdo)
{
    RtlZeroMemory(Device, sizeof(*Device));
    Device->Self = Self;
    Device->Pdo = Pdo;
    Device->PowerState = PowerDeviceD0;
    KeInitializeMutex(&Device->DeviceMutex, 0);
    KeInitializeSpinLock(&Device->PowerLock);
    IoInitializeRemoveLock(&Device->RemoveLock, USBVIDEO_TAG, 0, 0);
    return FilterCreateQueue_Initialize(Device);
}

NTSTATUS USBVideoAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Pdo)
{
    PDEVICE_OBJECT self;
    PUSBVIDEO device;
    NTSTATUS status;

    status = IoCreateDevice(DriverObject, sizeof(USBVIDEO), NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                            &self);
    if (!NT_SUCCESS(status))
        return status;
    device = (PUSBVIDEO)self->DeviceExtension;
    status = InitializeDevice(device, self, Pdo);
    if (NT_SUCCESS(status))
        status = IoRegisterDeviceInterface(Pdo, &InterfaceVideoCamera, NULL, &device->InterfaceName);
    if (NT_SUCCESS(status)) {
        device->Lower = IoAttachDeviceToDeviceStack(self, Pdo);
        status = device->Lower ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
    }
    if (!NT_SUCCESS(status)) {
        RtlFreeUnicodeString(&device->InterfaceName);
        IoDeleteDevice(self);
        return status;
    }
    self->Flags |= DO_POWER_PAGABLE;
    self->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS USBVideoPassDown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PUSBVIDEO device = (PUSBVIDEO)DeviceObject->DeviceExtension;
    NTSTATUS status = IoAcquireRemoveLock(&device->RemoveLock, Irp);

    if (!NT_SUCCESS(status))
        return Complete(Irp, status);
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(device->Lower, Irp);
    IoReleaseRemoveLock(&device->RemoveLock, Irp);
    return status;
}

NTSTATUS USBVideoFilterCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Information = 0;
    return Complete(Irp, STATUS_SUCCESS);
}

__declspec(noinline) VOID ConfigureUSBVideoDevice(PUSBVIDEO Device)
{
    Device->Configured = NT_SUCCESS(USBVideoCallUSBD(Device, 1));
}

__declspec(noinline) VOID UnConfigureUSBVideoDevice(PUSBVIDEO Device)
{
    if (!Device->Configured)
        return;
    USBVideoCallUSBD(Device, 0);
    Device->Configured = FALSE;
}

static IO_COMPLETION_ROUTINE LowerDone;
static NTSTATUS LowerDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Event)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    if (Irp->PendingReturned)
        KeSetEvent((PKEVENT)Event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* The device may be used only after those below have started it. */
static NTSTATUS StartDevice(PUSBVIDEO Device, PIRP Irp)
{
    KEVENT event;
    NTSTATUS status;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, LowerDone, &event, TRUE, TRUE, TRUE);
    status = IoCallDriver(Device->Lower, Irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = Irp->IoStatus.Status;
    }
    if (NT_SUCCESS(status)) {
        ConfigureUSBVideoDevice(Device);
        status = IoSetDeviceInterfaceState(&Device->InterfaceName, TRUE);
    }
    return Complete(Irp, status);
}

/* Nothing new comes in once the interface is gone; what is under way holds the remove lock. */
static NTSTATUS RemoveDevice(PUSBVIDEO Device, PIRP Irp)
{
    NTSTATUS status;

    IoSetDeviceInterfaceState(&Device->InterfaceName, FALSE);
    ExitIrpThreadAndQueue(Device);
    IoReleaseRemoveLockAndWait(&Device->RemoveLock, Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(Device->Lower, Irp);
    IoDetachDevice(Device->Lower);
    RtlFreeUnicodeString(&Device->InterfaceName);
    IoDeleteDevice(Device->Self);
    return status;
}

NTSTATUS USBVideoPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PUSBVIDEO device = (PUSBVIDEO)DeviceObject->DeviceExtension;
    UCHAR minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    NTSTATUS status = IoAcquireRemoveLock(&device->RemoveLock, Irp);

    if (!NT_SUCCESS(status))
        return Complete(Irp, status);
    if (minor == IRP_MN_REMOVE_DEVICE)
        return RemoveDevice(device, Irp);
    if (minor == IRP_MN_START_DEVICE)
        status = StartDevice(device, Irp);
    else {
        switch (minor) {
        case IRP_MN_SURPRISE_REMOVAL:
            IoSetDeviceInterfaceState(&device->InterfaceName, FALSE);
            ExitIrpThreadAndQueue(device);
            Irp->IoStatus.Status = STATUS_SUCCESS;
            break;
        case IRP_MN_QUERY_REMOVE_DEVICE:
        case IRP_MN_CANCEL_REMOVE_DEVICE:
        case IRP_MN_QUERY_STOP_DEVICE:
        case IRP_MN_CANCEL_STOP_DEVICE:
        case IRP_MN_STOP_DEVICE:
            Irp->IoStatus.Status = STATUS_SUCCESS;
            break;
        }
        IoSkipCurrentIrpStackLocation(Irp);
        status = IoCallDriver(device->Lower, Irp);
    }
    IoReleaseRemoveLock(&device->RemoveLock, Irp);
    return status;
}

/* System power and queries pass; what the device does itself is in USBVideoSetPower. */
NTSTATUS USBVideoPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PUSBVIDEO device = (PUSBVIDEO)DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = IoAcquireRemoveLock(&device->RemoveLock, Irp);

    PoStartNextPowerIrp(Irp);
    if (!NT_SUCCESS(status))
        return Complete(Irp, status);
    if (stack->MinorFunction == IRP_MN_SET_POWER && stack->Parameters.Power.Type == DevicePowerState)
        status = USBVideoSetPower(device, Irp);
    else {
        IoSkipCurrentIrpStackLocation(Irp);
        status = PoCallDriver(device->Lower, Irp);
    }
    IoReleaseRemoveLock(&device->RemoveLock, Irp);
    return status;
}
