/* A WDM function driver's skeleton: SAL on declarations, roles, paged code, PnP and power dispatch with a remove lock. */
#include <ntddk.h>
#include <wdmsec.h>
#include <initguid.h>
#include <wdmguid.h>
#include "dontuse.h"

DEFINE_GUID(GUID_DEVINTERFACE_SKELETON, 0x6b1f5c0a, 0x3d6e, 0x4c52, 0x9a, 0x11, 0x52, 0x8a, 0x0f, 0x3e, 0x77, 0x21);

#define SKEL_TAG 'lekS'

typedef enum _SKEL_STATE { NotStarted = 0, Started, Removed } SKEL_STATE;

typedef struct _SKEL_EXTENSION {
    PDEVICE_OBJECT Self;
    PDEVICE_OBJECT Lower;
    PDEVICE_OBJECT Pdo;
    IO_REMOVE_LOCK RemoveLock;
    UNICODE_STRING InterfaceName;
    SKEL_STATE State;
    _Guarded_by_(Lock) ULONG Count;
    KSPIN_LOCK Lock;
} SKEL_EXTENSION, *PSKEL_EXTENSION;

DRIVER_INITIALIZE DriverEntry;
DRIVER_ADD_DEVICE SkelAddDevice;
DRIVER_UNLOAD SkelUnload;

_Dispatch_type_(IRP_MJ_PNP)
_Dispatch_type_(IRP_MJ_CREATE)
_IRQL_requires_max_(PASSIVE_LEVEL)
DRIVER_DISPATCH SkelPnp;
_Dispatch_type_(IRP_MJ_POWER) DRIVER_DISPATCH SkelPower;
__drv_dispatchType(IRP_MJ_CREATE) __drv_dispatchType(IRP_MJ_CLOSE) DRIVER_DISPATCH SkelCreateClose;
IO_COMPLETION_ROUTINE SkelStartDone;

_Must_inspect_result_
_Success_(return == STATUS_SUCCESS)
NTSTATUS SkelForwardAndWait(_In_ PSKEL_EXTENSION Extension, _Inout_ PIRP Irp);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, SkelAddDevice)
#pragma alloc_text(PAGE, SkelPnp)
#pragma alloc_text(PAGE, SkelUnload)
#endif

_Use_decl_annotations_
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverExtension->AddDevice = SkelAddDevice;
    DriverObject->DriverUnload = SkelUnload;
    DriverObject->MajorFunction[IRP_MJ_PNP] = SkelPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = SkelPower;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SkelCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SkelCreateClose;
    return STATUS_SUCCESS;
}

VOID SkelUnload(_In_ PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    UNREFERENCED_PARAMETER(DriverObject);
    KdPrint(("skeleton: unload\n"));
}

NTSTATUS SkelAddDevice(IN PDRIVER_OBJECT DriverObject, IN PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT device = NULL;
    PSKEL_EXTENSION extension;
    NTSTATUS status;

    PAGED_CODE();
    status = IoCreateDevice(DriverObject, sizeof(SKEL_EXTENSION), NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN,
                            FALSE, &device);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    extension = (PSKEL_EXTENSION)device->DeviceExtension;
    RtlZeroMemory(extension, sizeof(*extension));
    extension->Self = device;
    extension->Pdo = PhysicalDeviceObject;
    IoInitializeRemoveLock(&extension->RemoveLock, SKEL_TAG, 1, 100);
    KeInitializeSpinLock(&extension->Lock);
    extension->Lower = IoAttachDeviceToDeviceStack(device, PhysicalDeviceObject);
    if (NULL == extension->Lower) {
        IoDeleteDevice(device);
        return STATUS_DEVICE_REMOVED;
    }
    status = IoRegisterDeviceInterface(PhysicalDeviceObject, (LPGUID)&GUID_DEVINTERFACE_SKELETON, NULL,
                                       &extension->InterfaceName);
    if (!NT_SUCCESS(status)) {
        IoDetachDevice(extension->Lower);
        IoDeleteDevice(device);
        return status;
    }
    device->Flags |= DO_BUFFERED_IO | DO_POWER_PAGABLE;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

_Use_decl_annotations_
NTSTATUS SkelStartDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    if (Irp->PendingReturned) {
        KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS SkelForwardAndWait(_In_ PSKEL_EXTENSION Extension, _Inout_ PIRP Irp)
{
    KEVENT event;
    NTSTATUS status;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, SkelStartDone, &event, TRUE, TRUE, TRUE);
    status = IoCallDriver(Extension->Lower, Irp);
    if (status == STATUS_PENDING) {
        (VOID) KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = Irp->IoStatus.Status;
    }
    return status;
}

_Use_decl_annotations_
NTSTATUS SkelPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSKEL_EXTENSION extension = (PSKEL_EXTENSION)DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);

    PAGED_CODE();
    if (!NT_SUCCESS(status)) {
        Irp->IoStatus.Status = status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return status;
    }
    switch (stack->MinorFunction) {
    case IRP_MN_START_DEVICE:
        status = SkelForwardAndWait(extension, Irp);
        if (NT_SUCCESS(status)) {
            extension->State = Started;
            status = IoSetDeviceInterfaceState(&extension->InterfaceName, TRUE);
        }
        Irp->IoStatus.Status = status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        break;
    case IRP_MN_REMOVE_DEVICE:
        extension->State = Removed;
        (void)IoSetDeviceInterfaceState(&extension->InterfaceName, FALSE);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        IoSkipCurrentIrpStackLocation(Irp);
        status = IoCallDriver(extension->Lower, Irp);
        IoReleaseRemoveLockAndWait(&extension->RemoveLock, Irp);
        RtlFreeUnicodeString(&extension->InterfaceName);
        IoDetachDevice(extension->Lower);
        IoDeleteDevice(DeviceObject);
        return status;
    case IRP_MN_QUERY_CAPABILITIES: {
        PDEVICE_CAPABILITIES capabilities = stack->Parameters.DeviceCapabilities.Capabilities;
        capabilities->SurpriseRemovalOK = TRUE;
    } __fallthrough;
    default:
        IoSkipCurrentIrpStackLocation(Irp);
        status = IoCallDriver(extension->Lower, Irp);
        break;
    }
    IoReleaseRemoveLock(&extension->RemoveLock, Irp);
    return status;
}

_Use_decl_annotations_
NTSTATUS SkelPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSKEL_EXTENSION extension = (PSKEL_EXTENSION)DeviceObject->DeviceExtension;
    POWER_STATE state;

    state.DeviceState = PowerDeviceD0;
    PoSetPowerState(DeviceObject, DevicePowerState, state);
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(extension->Lower, Irp);
}

_Use_decl_annotations_
NTSTATUS SkelCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSKEL_EXTENSION extension = (PSKEL_EXTENSION)DeviceObject->DeviceExtension;
    KIRQL irql;

    KeAcquireSpinLock(&extension->Lock, &irql);
    extension->Count += IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE ? 1 : -1;
    KeReleaseSpinLock(&extension->Lock, irql);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = FILE_OPENED;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}
