/* StartIo: one request at a time, queued ones in order or by key, cancelled ones, and StartIo that is not entered twice. */
#include "contract_driver.h"

enum { MOST = 6 };

static PDEVICE_OBJECT Device;
static CHAR Order[16];
static ULONG Ordered, Depth, Deepest;
static BOOLEAN Hold, BadIrql;

static VOID Note(CHAR Letter)
{
    if (Ordered < sizeof(Order) - 1)
        Order[Ordered++] = Letter;
    Order[Ordered] = 0;
}

static VOID Done(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

/* The letter that a request carries. */
static CHAR LetterOf(PIRP Irp)
{
    return (CHAR)(ULONG_PTR)Irp->UserBuffer;
}

static DRIVER_STARTIO StartIo;
static VOID NTAPI StartIo(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (KeGetCurrentIrql() != DISPATCH_LEVEL || DeviceObject->CurrentIrp != Irp)
        BadIrql = TRUE;
    if (++Depth > Deepest)
        Deepest = Depth;
    Note(LetterOf(Irp));
    if (!Hold) {
        IoSetCancelRoutine(Irp, NULL);
        Done(Irp, STATUS_SUCCESS);
        IoStartNextPacket(DeviceObject, TRUE);
    }
    Depth--;
}

static DRIVER_CANCEL Cancel;
static VOID NTAPI Cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    BOOLEAN queued = KeRemoveEntryDeviceQueue(&DeviceObject->DeviceQueue, &Irp->Tail.Overlay.DeviceQueueEntry);

    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Note(queued ? 'c' : '?');
    Done(Irp, STATUS_CANCELLED);
}

static IO_COMPLETION_ROUTINE Keep;
static NTSTATUS NTAPI Keep(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static PIRP Make(CHAR Letter)
{
    PIRP irp = IoAllocateIrp(Device->StackSize, FALSE);
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    irp->UserBuffer = (PVOID)(ULONG_PTR)Letter;
    IoSetCompletionRoutine(irp, Keep, NULL, TRUE, TRUE, TRUE);
    return irp;
}

static NTSTATUS Other(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (DeviceObject == Device && IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_READ) {
        ULONG key = LetterOf(Irp);
        IoMarkIrpPending(Irp);
        IoStartPacket(DeviceObject, Irp, key >= 'k' ? &key : NULL, Cancel);
        return STATUS_PENDING;
    }
    return ContractDefault(Irp);
}

/* Sends requests with these letters while the first is held, then lets it go. */
static VOID Round(PCONTRACT t, PCSTR Letters, PCSTR Expected, CHAR CancelThis)
{
    PIRP irps[MOST];
    ULONG n = 0;
    KIRQL irql;

    Ordered = Depth = Deepest = 0;
    BadIrql = FALSE;
    Hold = TRUE;
    for (; Letters[n] && n < MOST; n++) {
        irps[n] = Make(Letters[n]);
        CHECK_STATUS(IoCallDriver(Device, irps[n]), STATUS_PENDING);
    }
    CHECK_EQ(Ordered, 1);
    for (ULONG i = 0; i < n; i++)
        if (Letters[i] == CancelThis)
            CHECK(IoCancelIrp(irps[i]));
    Hold = FALSE;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoSetCancelRoutine(irps[0], NULL);
    Done(irps[0], STATUS_SUCCESS);
    IoStartNextPacket(Device, TRUE);
    KeLowerIrql(irql);
    for (ULONG i = 0; i <= Ordered; i++)
        if (Order[i] != Expected[i]) {
            CHECK_EQ(Order[i], Expected[i]);
            break;
        }
    CHECK(!BadIrql);
    CHECK_EQ(Device->CurrentIrp, NULL);
    for (ULONG i = 0; i < n; i++) {
        CHECK_STATUS(irps[i]->IoStatus.Status, Letters[i] == CancelThis ? STATUS_CANCELLED : STATUS_SUCCESS);
        IoFreeIrp(irps[i]);
    }
}

static VOID InOrder(PCONTRACT t)
{
    IoSetStartIoAttributes(Device, FALSE, FALSE);
    Round(t, "abcd", "abcd", 0);
    CHECK_EQ(Deepest, 3); /* each starts the next */
}

static VOID ByKey(PCONTRACT t)
{
    Round(t, "apkn", "aknp", 0);
}

static VOID Cancelled(PCONTRACT t)
{
    Round(t, "abcd", "acbd", 'c');
}

static VOID Deferred(PCONTRACT t)
{
    IoSetStartIoAttributes(Device, TRUE, FALSE);
    Round(t, "abcd", "abcd", 0);
    CHECK_EQ(Deepest, 1);
    IoSetStartIoAttributes(Device, FALSE, FALSE);
}

static NTSTATUS Setup(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT ControlDevice, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(ControlDevice);
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverStartIo = StartIo;
    return IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}

static const CONTRACT_TEST Tests[] = {
    {"in order", InOrder},
    {"by key", ByKey},
    {"a queued request is cancelled", Cancelled},
    {"deferred", Deferred},
};

const CONTRACT_AREA ContractArea = {Tests, sizeof(Tests) / sizeof(Tests[0]), Setup, NULL, Other};
