/* The driver's half of a contract test: one control device, a test a control code, failures as text. */
#include "contract_driver.h"
#include "contract_text.h"

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Contract-" CONTRACT_WIDE(CONTRACT_NAME));
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Contract-" CONTRACT_WIDE(CONTRACT_NAME));

static PDEVICE_OBJECT ControlDevice;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD ContractUnload;
static DRIVER_DISPATCH ContractDispatch;

/* ---- dispatch ---- */

NTSTATUS ContractComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS Answer(PIRP Irp, const VOID *Data, ULONG Length)
{
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.OutputBufferLength < Length)
        return ContractComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, Data, Length);
    return ContractComplete(Irp, STATUS_SUCCESS, Length);
}

static NTSTATUS RunTest(PDEVICE_OBJECT Device, PIRP Irp, ULONG Number)
{
    PCONTRACT t = (PCONTRACT)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(CONTRACT), CONTRACT_TAG);
    NTSTATUS status;

    if (!t)
        return ContractComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    t->Failures = 0;
    t->Used = 0;
    t->Device = Device;
    ContractArea.Tests[Number].Run(t);
    t->Text[t->Used] = 0;
    status = Answer(Irp, t->Text, t->Used + 1);
    ExFreePoolWithTag(t, CONTRACT_TAG);
    return status;
}

static ULONG Length(PCSTR Text)
{
    ULONG n = 0;
    while (Text[n])
        n++;
    return n;
}

static NTSTATUS Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG code = stack->Parameters.DeviceIoControl.IoControlCode;
    ULONG number = ((code >> 2) & 0xfff) - 0x800;

    if (code == IOCTL_CONTRACT_COUNT)
        return Answer(Irp, &ContractArea.Count, sizeof(ULONG));
    if (code == IOCTL_CONTRACT_NAME && stack->Parameters.DeviceIoControl.InputBufferLength == sizeof(ULONG)) {
        number = *(PULONG)Irp->AssociatedIrp.SystemBuffer;
        if (number < ContractArea.Count)
            return Answer(Irp, ContractArea.Tests[number].Name, Length(ContractArea.Tests[number].Name) + 1);
    } else if (code == IOCTL_CONTRACT(number) && number < ContractArea.Count)
        return RunTest(Device, Irp, number);
    return ContractArea.Other ? ContractArea.Other(Device, Irp) : ContractDefault(Irp);
}

NTSTATUS ContractDefault(PIRP Irp)
{
    UCHAR major = IoGetCurrentIrpStackLocation(Irp)->MajorFunction;

    if (major == IRP_MJ_CREATE || major == IRP_MJ_CLEANUP || major == IRP_MJ_CLOSE)
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    return ContractComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
}

static NTSTATUS ContractDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (DeviceObject == ControlDevice && IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_DEVICE_CONTROL)
        return Control(DeviceObject, Irp);
    return ContractArea.Other ? ContractArea.Other(DeviceObject, Irp) : ContractDefault(Irp);
}

/* ---- coming and going ---- */

static VOID ContractUnload(PDRIVER_OBJECT DriverObject)
{
    if (ContractArea.Teardown)
        ContractArea.Teardown(DriverObject);
    IoDeleteSymbolicLink(&LinkName);
    while (DriverObject->DeviceObject)
        IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    NTSTATUS status;

    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = ContractDispatch;
    DriverObject->DriverUnload = ContractUnload;
    status = IoCreateDevice(DriverObject, 64, &DeviceName, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    ControlDevice = device;
    if (!NT_SUCCESS(status))
        return status;
    status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    if (NT_SUCCESS(status) && ContractArea.Setup) {
        status = ContractArea.Setup(DriverObject, device, RegistryPath);
        if (!NT_SUCCESS(status))
            IoDeleteSymbolicLink(&LinkName);
    }
    if (!NT_SUCCESS(status))
        while (DriverObject->DeviceObject)
            IoDeleteDevice(DriverObject->DeviceObject);
    return status;
}
