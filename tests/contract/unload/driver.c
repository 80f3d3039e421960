/* What is still under way when a driver is unloaded. WAY:
 *   1  an I/O work item, queued when the last handle is closed: it refers to the device, whose driver stays until it has run. Right.
 *   2  the same with ExQueueWorkItem, which refers to nothing: the driver may be gone. Wrong.
 *   3  the same, but Unload waits until the item's routine says that it is done; the routine has yet to return. Wrong.
 *   4  Unload waits for the end of a system thread. Right.
 *   5  a thread that the device is given to (IoCreateSystemThread): the driver stays until it has ended. Right.
 *   6  the same by PsCreateSystemThread, and nobody waits. Wrong. */
#include <ntddk.h>

static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\ContractUnload"), DeviceName = RTL_CONSTANT_STRING(L"\\Device\\ContractUnload");
static PDEVICE_OBJECT Control;
static KEVENT Done;
static LONG Runs;

DRIVER_INITIALIZE DriverEntry;

#if WAY == 1
static PIO_WORKITEM Item;

static VOID NTAPI Work(PDEVICE_OBJECT Device, PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement((PLONG)Device->DeviceExtension);
    KeSetEvent(&Done, IO_NO_INCREMENT, FALSE);
    IoFreeWorkItem(Item);
}

static VOID Begin(VOID)
{
    Item = IoAllocateWorkItem(Control);
    IoQueueWorkItem(Item, Work, DelayedWorkQueue, NULL);
}
#elif WAY >= 4
static PKTHREAD Thread;

static VOID NTAPI Body(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetEvent(&Done, IO_NO_INCREMENT, FALSE);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID Begin(VOID)
{
    HANDLE handle;
#if WAY == 5
    if (NT_SUCCESS(IoCreateSystemThread(Control, &handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Body, NULL)))
        ZwClose(handle);
    return;
#elif WAY == 6
    if (NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Body, NULL)))
        ZwClose(handle);
    return;
#endif
    if (!NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Body, NULL)))
        return;
    ObReferenceObjectByHandle(handle, SYNCHRONIZE, *PsThreadType, KernelMode, (PVOID *)&Thread, NULL);
    ZwClose(handle);
}
#else
static WORK_QUEUE_ITEM Item;

static VOID NTAPI Work(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetEvent(&Done, IO_NO_INCREMENT, FALSE);
    InterlockedIncrement(&Runs);
}

static VOID Begin(VOID)
{
    ExInitializeWorkItem(&Item, Work, NULL);
    ExQueueWorkItem(&Item, DelayedWorkQueue);
}
#endif

static NTSTATUS NTAPI Requests(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CLEANUP)
        Begin();
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI Unload(PDRIVER_OBJECT Driver)
{
    UNREFERENCED_PARAMETER(Driver);
    IoDeleteSymbolicLink(&LinkName);
#if WAY == 3
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
#elif WAY == 4
    if (Thread) {
        KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(Thread);
    }
#endif
    IoDeleteDevice(Control);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = IoCreateDevice(Driver, sizeof(LONG), &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &Control);
    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(status))
        return status;
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLOSE] = Driver->MajorFunction[IRP_MJ_CLEANUP] = Requests;
    Driver->DriverUnload = Unload;
    return IoCreateSymbolicLink(&LinkName, &DeviceName);
}
