/* Transfer methods, lengths and results of device control, read and write. */
#include "contract_driver.h"
#include "codes.h"

static ULONG Turn(PUCHAR To, ULONG Room, const UCHAR *From, ULONG Count)
{
    ULONG n = Room < Count ? Room : Count;

    for (ULONG i = 0; i < n; i++)
        To[i] = (UCHAR)~From[i];
    return n;
}

static NTSTATUS TurnDirect(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PUCHAR to = Irp->MdlAddress ? (PUCHAR)MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority) : NULL;

    if (Irp->MdlAddress && !to)
        return ContractComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    return ContractComplete(Irp, STATUS_SUCCESS,
                            Turn(to, Stack->Parameters.DeviceIoControl.OutputBufferLength,
                                 (PUCHAR)Irp->AssociatedIrp.SystemBuffer,
                                 Stack->Parameters.DeviceIoControl.InputBufferLength));
}

static NTSTATUS TurnNeither(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    ULONG in = Stack->Parameters.DeviceIoControl.InputBufferLength, room = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    PVOID from = Stack->Parameters.DeviceIoControl.Type3InputBuffer, to = Irp->UserBuffer;
    ULONG n = 0;

    __try {
        ProbeForRead(from, in, 1);
        ProbeForWrite(to, room, 1);
        n = Turn((PUCHAR)to, room, (PUCHAR)from, in);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return ContractComplete(Irp, GetExceptionCode(), 0);
    }
    return ContractComplete(Irp, STATUS_SUCCESS, n);
}

static IO_WORKITEM_ROUTINE TurnLater;
static VOID TurnLater(PDEVICE_OBJECT Device, PVOID Context)
{
    PIRP irp = (PIRP)Context;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);

    UNREFERENCED_PARAMETER(Device);
    IoFreeWorkItem((PIO_WORKITEM)irp->Tail.Overlay.DriverContext[0]);
    if (stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_END_SO) {
        struct ending end = *(struct ending *)irp->AssociatedIrp.SystemBuffer;
        ContractComplete(irp, (NTSTATUS)end.status, end.information);
        return;
    }
    ContractComplete(irp, STATUS_SUCCESS,
                     Turn((PUCHAR)irp->AssociatedIrp.SystemBuffer, stack->Parameters.DeviceIoControl.OutputBufferLength,
                          (PUCHAR)irp->AssociatedIrp.SystemBuffer, stack->Parameters.DeviceIoControl.InputBufferLength));
}

static NTSTATUS Later(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_WORKITEM item = IoAllocateWorkItem(Device);

    if (!item)
        return ContractComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    IoMarkIrpPending(Irp);
    Irp->Tail.Overlay.DriverContext[0] = item;
    IoQueueWorkItem(item, TurnLater, DelayedWorkQueue, Irp);
    return STATUS_PENDING;
}

static NTSTATUS Seen(PIRP Irp, PIO_STACK_LOCATION Stack, struct seen *Out)
{
    struct seen seen;

    if (Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(seen))
        return ContractComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    seen.code = Stack->Parameters.DeviceIoControl.IoControlCode;
    seen.in_length = Stack->Parameters.DeviceIoControl.InputBufferLength;
    seen.out_length = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    seen.type3_input = (ULONG_PTR)Stack->Parameters.DeviceIoControl.Type3InputBuffer;
    seen.user_buffer = (ULONG_PTR)Irp->UserBuffer;
    seen.system_buffer = (ULONG_PTR)Irp->AssociatedIrp.SystemBuffer;
    seen.mdl = (ULONG_PTR)Irp->MdlAddress;
    seen.requestor_mode = Irp->RequestorMode;
    __try {
        *Out = seen;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return ContractComplete(Irp, GetExceptionCode(), 0);
    }
    return ContractComplete(Irp, STATUS_SUCCESS, sizeof(seen));
}

static NTSTATUS Sum(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PUCHAR bytes = (PUCHAR)MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    ULONG sum = 0;

    for (ULONG i = 0; i < Stack->Parameters.DeviceIoControl.OutputBufferLength; i++)
        sum += bytes[i];
    return ContractComplete(Irp, STATUS_SUCCESS, sum);
}

/* The control device does buffered reads and writes: a byte a position, the last write is what is read. */
static UCHAR Stored[32];
static ULONG StoredLength;

static NTSTATUS ReadWrite(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PUCHAR buffer = (PUCHAR)Irp->AssociatedIrp.SystemBuffer;
    ULONG n = Stack->Parameters.Read.Length;

    if (Stack->MajorFunction == IRP_MJ_WRITE) {
        StoredLength = n < sizeof(Stored) ? n : sizeof(Stored);
        RtlCopyMemory(Stored, buffer, StoredLength);
        return ContractComplete(Irp, STATUS_SUCCESS, StoredLength);
    }
    if (!StoredLength)
        return ContractComplete(Irp, STATUS_END_OF_FILE, 0);
    n = n < StoredLength ? n : StoredLength;
    RtlCopyMemory(buffer, Stored, n);
    return ContractComplete(Irp, STATUS_SUCCESS, n);
}

static NTSTATUS Other(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PVOID system = Irp->AssociatedIrp.SystemBuffer;

    if (stack->MajorFunction == IRP_MJ_READ || stack->MajorFunction == IRP_MJ_WRITE)
        return ReadWrite(Irp, stack);
    if (stack->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        return ContractDefault(Irp);
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_TURN_BUFFERED:
        return ContractComplete(Irp, STATUS_SUCCESS,
                                Turn((PUCHAR)system, stack->Parameters.DeviceIoControl.OutputBufferLength, (PUCHAR)system,
                                     stack->Parameters.DeviceIoControl.InputBufferLength));
    case IOCTL_TURN_IN_DIRECT:
    case IOCTL_TURN_OUT_DIRECT:
        return TurnDirect(Irp, stack);
    case IOCTL_TURN_NEITHER:
        return TurnNeither(Irp, stack);
    case IOCTL_TURN_LATER:
        return Later(Device, Irp);
    case IOCTL_END_SO:
        if (((struct ending *)system)->later)
            return Later(Device, Irp);
        return ContractComplete(Irp, (NTSTATUS)((struct ending *)system)->status, ((struct ending *)system)->information);
    case IOCTL_SEEN_BUFFERED:
        return Seen(Irp, stack, (struct seen *)system);
    case IOCTL_SEEN_NEITHER:
        return Seen(Irp, stack, (struct seen *)Irp->UserBuffer);
    case IOCTL_SUM_IN_DIRECT:
        return Sum(Irp, stack);
    default:
        return ContractDefault(Irp);
    }
}

static NTSTATUS Setup(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Device, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    Device->Flags |= DO_BUFFERED_IO;
    return STATUS_SUCCESS;
}

const CONTRACT_AREA ContractArea = {NULL, 0, Setup, NULL, Other};
