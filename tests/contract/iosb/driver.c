/* The driver's half of the table: ends requests as they ask for. */
#include "contract_driver.h"
#include "codes.h"

typedef struct _LATER {
    KTIMER Timer;
    KDPC Dpc;
    PIRP Irp;
    struct ask Ask;
} LATER, *PLATER;

static KDEFERRED_ROUTINE LaterDone;
static VOID LaterDone(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PLATER later = (PLATER)Context;
    PIRP irp = later->Irp;
    NTSTATUS status = later->Ask.status;
    ULONG information = later->Ask.information;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    ExFreePoolWithTag(later, CONTRACT_TAG);
    ContractComplete(irp, status, information);
}

/* Where the request's output goes. With METHOD_IN_DIRECT the second buffer is for the driver to read. */
static PUCHAR Output(PIRP Irp, ULONG Method)
{
    switch (Method) {
    case METHOD_BUFFERED:
        return (PUCHAR)Irp->AssociatedIrp.SystemBuffer;
    case METHOD_OUT_DIRECT:
        return Irp->MdlAddress ? (PUCHAR)MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority) : NULL;
    case METHOD_NEITHER:
        return (PUCHAR)Irp->UserBuffer;
    default:
        return NULL;
    }
}

static NTSTATUS Ask(PIRP Irp, ULONG Method, PIO_STACK_LOCATION Location)
{
    struct ask ask;
    PUCHAR output;
    PLATER later;
    LARGE_INTEGER moment = ContractMs(1);

    if (Location->Parameters.DeviceIoControl.InputBufferLength < sizeof(ask))
        return ContractComplete(Irp, STATUS_INVALID_PARAMETER, 0);
    ask = *(struct ask *)(Method == METHOD_NEITHER ? Location->Parameters.DeviceIoControl.Type3InputBuffer : Irp->AssociatedIrp.SystemBuffer);
    output = Output(Irp, Method);
    if (output && ask.information <= Location->Parameters.DeviceIoControl.OutputBufferLength)
        RtlFillMemory(output, ask.information, 'd');
    if (!ask.pend)
        return ContractComplete(Irp, ask.status, ask.information);
    later = (PLATER)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(LATER), CONTRACT_TAG);
    if (!later)
        return ContractComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    later->Irp = Irp;
    later->Ask = ask;
    KeInitializeTimer(&later->Timer);
    KeInitializeDpc(&later->Dpc, LaterDone, later);
    IoMarkIrpPending(Irp);
    KeSetTimer(&later->Timer, moment, &later->Dpc);
    return STATUS_PENDING;
}

static NTSTATUS Other(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    ULONG code = location->Parameters.DeviceIoControl.IoControlCode;

    UNREFERENCED_PARAMETER(Device);
    if ((location->MajorFunction == IRP_MJ_DEVICE_CONTROL || location->MajorFunction == IRP_MJ_FILE_SYSTEM_CONTROL) && (code & ~3ul) == IOCTL_ASK(0))
        return Ask(Irp, code & 3, location);
    return ContractDefault(Irp);
}

const CONTRACT_AREA ContractArea = {.Other = Other};
