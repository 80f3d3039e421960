/* A driver that says what it is asked and passes it on: function driver or filter, by NAME. With FAIL_ADD or FAIL_START it refuses. */
#include <ntddk.h>

typedef struct _EXTENSION {
    PDEVICE_OBJECT Below;
} EXTENSION, *PEXTENSION;

static DRIVER_DISPATCH Pass;
static NTSTATUS NTAPI Pass(PDEVICE_OBJECT Device, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(((PEXTENSION)Device->DeviceExtension)->Below, Irp);
}

static DRIVER_DISPATCH PassPower;
static NTSTATUS NTAPI PassPower(PDEVICE_OBJECT Device, PIRP Irp)
{
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(((PEXTENSION)Device->DeviceExtension)->Below, Irp);
}

static NTSTATUS Finish(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static DRIVER_DISPATCH Pnp;
static NTSTATUS NTAPI Pnp(PDEVICE_OBJECT Device, PIRP Irp)
{
    PEXTENSION e = (PEXTENSION)Device->DeviceExtension;
    NTSTATUS status;

    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
#ifdef FAIL_START
        DbgPrint("%s: refuses to start\n", NAME);
        return Finish(Irp, STATUS_DEVICE_CONFIGURATION_ERROR);
#else
        if (!IoForwardIrpSynchronously(e->Below, Irp))
            return Finish(Irp, STATUS_UNSUCCESSFUL);
        DbgPrint("%s: start %08x\n", NAME, Irp->IoStatus.Status);
        return Finish(Irp, Irp->IoStatus.Status);
#endif
    case IRP_MN_QUERY_REMOVE_DEVICE:
        DbgPrint("%s: query-remove\n", NAME);
#ifdef FAIL_QUERY_REMOVE
        return Finish(Irp, STATUS_DEVICE_BUSY);
#endif
        Irp->IoStatus.Status = STATUS_SUCCESS;
        return Pass(Device, Irp);
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        DbgPrint("%s: cancel-remove\n", NAME);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        return Pass(Device, Irp);
    case IRP_MN_SURPRISE_REMOVAL:
        DbgPrint("%s: surprise removal\n", NAME);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        return Pass(Device, Irp);
    case IRP_MN_REMOVE_DEVICE:
        DbgPrint("%s: remove\n", NAME);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        IoSkipCurrentIrpStackLocation(Irp);
        status = IoCallDriver(e->Below, Irp);
        IoDetachDevice(e->Below);
        IoDeleteDevice(Device);
        return status;
    default:
        return Pass(Device, Irp);
    }
}

static DRIVER_ADD_DEVICE Add;
static NTSTATUS NTAPI Add(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Pdo)
{
    PDEVICE_OBJECT device;
    NTSTATUS status;

    DbgPrint("%s: add\n", NAME);
#ifdef FAIL_ADD
    return STATUS_INSUFFICIENT_RESOURCES;
#endif
    status = IoCreateDevice(Driver, sizeof(EXTENSION), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    ((PEXTENSION)device->DeviceExtension)->Below = IoAttachDeviceToDeviceStack(device, Pdo);
    device->Flags |= ((PEXTENSION)device->DeviceExtension)->Below->Flags & (DO_POWER_PAGABLE | DO_BUFFERED_IO | DO_DIRECT_IO);
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static DRIVER_UNLOAD Unload;
static VOID NTAPI Unload(PDRIVER_OBJECT Driver)
{
    UNREFERENCED_PARAMETER(Driver);
    DbgPrint("%s: unload\n", NAME);
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        Driver->MajorFunction[i] = Pass;
    Driver->MajorFunction[IRP_MJ_PNP] = Pnp;
    Driver->MajorFunction[IRP_MJ_POWER] = PassPower;
    Driver->DriverExtension->AddDevice = Add;
    Driver->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
