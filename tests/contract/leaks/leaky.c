/* A driver that forgets one thing, by its number; 0 forgets nothing, and makes and gives back one of each. */
#include <initguid.h>
#include <ntifs.h>
#include <wdmguid.h>

#define TAG 'kaeL'

static UNICODE_STRING Device = RTL_CONSTANT_STRING(L"\\Device\\Leaky");
static UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\DosDevices\\Leaky");
static UNICODE_STRING EventName = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\LeakyEvent");
static PVOID Block, Notification;
static PDEVICE_OBJECT Control;
static PIRP Irp;
static PFILE_OBJECT File;
static HANDLE Event, Key;
static PIO_WORKITEM Item;
static PMDL Mdl;
static KEVENT Stop;
static PVOID Thread;

static DRIVER_NOTIFICATION_CALLBACK_ROUTINE Arrived;
static NTSTATUS NTAPI Arrived(PVOID Structure, PVOID Context)
{
    UNREFERENCED_PARAMETER(Structure);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_SUCCESS;
}

static KSTART_ROUTINE Body;
static VOID NTAPI Body(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Stop, Executive, KernelMode, FALSE, NULL);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static DRIVER_DISPATCH Easy;
static NTSTATUS NTAPI Easy(PDEVICE_OBJECT DeviceObject, PIRP Request)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Request->IoStatus.Status = STATUS_SUCCESS;
    Request->IoStatus.Information = 0;
    IoCompleteRequest(Request, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

__declspec(noinline) static VOID TakeBlock(VOID)
{
    Block = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG);
}

static VOID TakeThread(VOID)
{
    HANDLE handle;

    KeInitializeEvent(&Stop, NotificationEvent, FALSE);
    PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Body, NULL);
    ObReferenceObjectByHandle(handle, SYNCHRONIZE, *PsThreadType, KernelMode, &Thread, NULL);
    ZwClose(handle);
}

static DRIVER_UNLOAD Unload;
static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    if (LEAK != 1)
        ExFreePoolWithTag(Block, TAG);
    if (LEAK != 3)
        IoDeleteSymbolicLink(&Link);
    if (LEAK != 4)
        ZwClose(Event);
    if (LEAK != 5)
        IoFreeIrp(Irp);
    if (LEAK != 6)
        ObDereferenceObject(File);
    if (LEAK != 7)
        IoUnregisterPlugPlayNotificationEx(Notification);
    if (LEAK != 8)
        IoFreeWorkItem(Item);
    if (LEAK != 9)
        IoFreeMdl(Mdl);
    if (LEAK != 10) {
        KeSetEvent(&Stop, IO_NO_INCREMENT, FALSE);
        KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    }
    ObDereferenceObject(Thread);
    if (LEAK != 11)
        ZwClose(Key);
    if (LEAK != 12)
        IoUnregisterShutdownNotification(Control);
    if (LEAK != 2)
        IoDeleteDevice(Control);
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    OBJECT_ATTRIBUTES attributes;
    PDEVICE_OBJECT device;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = Easy;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Easy;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Easy;
    DriverObject->MajorFunction[IRP_MJ_SHUTDOWN] = Easy;
    DriverObject->DriverUnload = LEAK == 13 ? NULL : Unload;
    TakeBlock();
    IoCreateDevice(DriverObject, 0, &Device, FILE_DEVICE_UNKNOWN, 0, FALSE, &Control);
    Control->Flags &= ~DO_DEVICE_INITIALIZING; /* it opens itself below */
    IoCreateSymbolicLink(&Link, &Device);
    IoCreateNotificationEvent(&EventName, &Event);
    Irp = IoAllocateIrp(1, FALSE);
    IoGetDeviceObjectPointer(&Device, FILE_READ_DATA, &File, &device);
    IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0, (PVOID)&GUID_DEVICE_INTERFACE_ARRIVAL, DriverObject, Arrived, NULL, &Notification);
    Item = IoAllocateWorkItem(Control);
    Mdl = IoAllocateMdl(Block, 100, FALSE, FALSE, NULL);
    TakeThread();
    InitializeObjectAttributes(&attributes, RegistryPath, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    ZwOpenKey(&Key, KEY_READ, &attributes);
    IoRegisterShutdownNotification(Control);
    return STATUS_SUCCESS;
}
