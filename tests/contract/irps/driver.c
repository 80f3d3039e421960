/* IRPs as drivers make them: what the builders fill in, who frees what, and the ways in which one ends without an APC. */
#include "contract_driver.h"

static PDEVICE_OBJECT Upper, Lower, Buffered, Direct;
static ULONG Seen; /* requests that have reached Lower */
static NTSTATUS LowerStatus;
static BOOLEAN LowerPends;
static PIRP LowerIrp;
static KTIMER Timer;
static KDPC Dpc;

static KDEFERRED_ROUTINE Later;
static VOID Later(PKDPC D, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(D);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    ContractComplete(LowerIrp, LowerStatus, 0);
}

/* ---- fields ---- */

static VOID Allocate(PCONTRACT t)
{
    PIRP irp = IoAllocateIrp(3, FALSE);

    CHECK_EQ(IoSizeOfIrp(3), sizeof(IRP) + 3 * sizeof(IO_STACK_LOCATION));
    CHECK_EQ(irp->Type, IO_TYPE_IRP);
    CHECK_EQ(irp->Size, IoSizeOfIrp(3));
    CHECK_EQ(irp->StackCount, 3);
    CHECK_EQ(irp->CurrentLocation, 4);
    CHECK(irp->Tail.Overlay.CurrentStackLocation == (PIO_STACK_LOCATION)(irp + 1) + 3);
    CHECK(IoGetNextIrpStackLocation(irp) == (PIO_STACK_LOCATION)(irp + 1) + 2);
    CHECK(irp->Tail.Overlay.Thread == NULL);
    CHECK(IsListEmpty(&irp->ThreadListEntry));
    CHECK(!irp->Cancel && !irp->CancelRoutine && !irp->PendingReturned && !irp->Flags && !irp->MdlAddress);
    CHECK_STATUS(irp->IoStatus.Status, 0);
    IoFreeIrp(irp);
}

static VOID InitializeAndReuse(PCONTRACT t)
{
    USHORT bytes = IoSizeOfIrp(2);
    PIRP own = (PIRP)ExAllocatePoolWithTag(NonPagedPoolNx, bytes, CONTRACT_TAG), irp = IoAllocateIrp(2, FALSE);
    UCHAR flags = irp->AllocationFlags;

    RtlFillMemory(own, bytes, 0xCC);
    IoInitializeIrp(own, bytes, 2);
    CHECK_EQ(own->Type, IO_TYPE_IRP);
    CHECK_EQ(own->Size, bytes);
    CHECK_EQ(own->CurrentLocation, 3);
    CHECK_EQ(own->StackCount, 2);
    CHECK(!own->Cancel && !own->Flags);
    CHECK_EQ(((PIO_STACK_LOCATION)(own + 1))->MajorFunction, 0);
    ExFreePoolWithTag(own, CONTRACT_TAG);
    IoSetNextIrpStackLocation(irp);
    irp->Cancel = TRUE;
    IoReuseIrp(irp, STATUS_NOT_SUPPORTED);
    CHECK_STATUS(irp->IoStatus.Status, STATUS_NOT_SUPPORTED);
    CHECK_EQ(irp->CurrentLocation, 3);
    CHECK_EQ(irp->StackCount, 2);
    CHECK_EQ(irp->AllocationFlags, flags);
    CHECK(!irp->Cancel);
    IoFreeIrp(irp);
}

/* ---- IoBuildDeviceIoControlRequest ---- */

static PIRP Build(ULONG Method, PVOID In, ULONG InLength, PVOID Out, ULONG OutLength, BOOLEAN Internal, PKEVENT Event, PIO_STATUS_BLOCK Status)
{
    KeInitializeEvent(Event, NotificationEvent, FALSE);
    return IoBuildDeviceIoControlRequest(IOCTL_AREA(1, Method), Lower, In, InLength, Out, OutLength, Internal, Event, Status);
}

static VOID Send(PCONTRACT t, PIRP Irp, PKEVENT Event)
{
    CHECK_STATUS(IoCallDriver(Lower, Irp), STATUS_SUCCESS);
    CHECK(KeReadStateEvent(Event));
}

static VOID DeviceControl(PCONTRACT t)
{
    KEVENT event;
    IO_STATUS_BLOCK status;
    CHAR in[8] = "1234567", out[16];
    PIRP irp = Build(METHOD_BUFFERED, in, 8, out, 16, FALSE, &event, &status);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);

    CHECK_EQ(next->MajorFunction, IRP_MJ_DEVICE_CONTROL);
    CHECK_EQ(next->Parameters.DeviceIoControl.IoControlCode, IOCTL_AREA(1, METHOD_BUFFERED));
    CHECK_EQ(next->Parameters.DeviceIoControl.InputBufferLength, 8);
    CHECK_EQ(next->Parameters.DeviceIoControl.OutputBufferLength, 16);
    CHECK(next->FileObject == NULL);
    CHECK_EQ(irp->RequestorMode, KernelMode);
    CHECK(irp->UserEvent == &event && irp->UserIosb == &status);
    CHECK(irp->Tail.Overlay.Thread == PsGetCurrentThread());
    CHECK(!IsListEmpty(&irp->ThreadListEntry));
    CHECK_EQ(irp->Flags, 0x70); /* buffered, deallocate, input operation */
    CHECK(irp->UserBuffer == out);
    CHECK(irp->AssociatedIrp.SystemBuffer && RtlCompareMemory(irp->AssociatedIrp.SystemBuffer, in, 8) == 8);
    Send(t, irp, &event);

    irp = Build(METHOD_BUFFERED, NULL, 0, NULL, 0, TRUE, &event, &status);
    CHECK_EQ(IoGetNextIrpStackLocation(irp)->MajorFunction, IRP_MJ_INTERNAL_DEVICE_CONTROL);
    CHECK_EQ(irp->Flags, 0);
    CHECK(irp->AssociatedIrp.SystemBuffer == NULL);
    Send(t, irp, &event);

    irp = Build(METHOD_OUT_DIRECT, in, 8, out, 16, FALSE, &event, &status);
    CHECK_EQ(irp->Flags, 0x30);
    CHECK(irp->MdlAddress && MmGetMdlByteCount(irp->MdlAddress) == 16 && MmGetMdlVirtualAddress(irp->MdlAddress) == out);
    CHECK(irp->MdlAddress && (irp->MdlAddress->MdlFlags & MDL_PAGES_LOCKED));
    CHECK(irp->AssociatedIrp.SystemBuffer && RtlCompareMemory(irp->AssociatedIrp.SystemBuffer, in, 8) == 8);
    Send(t, irp, &event);

    irp = Build(METHOD_NEITHER, in, 8, out, 16, FALSE, &event, &status);
    CHECK_EQ(irp->Flags, 0);
    CHECK(irp->UserBuffer == out);
    CHECK(IoGetNextIrpStackLocation(irp)->Parameters.DeviceIoControl.Type3InputBuffer == in);
    CHECK(irp->AssociatedIrp.SystemBuffer == NULL && irp->MdlAddress == NULL);
    Send(t, irp, &event);
}

/* ---- the FSD requests ---- */

static VOID Synchronous(PCONTRACT t)
{
    KEVENT event;
    IO_STATUS_BLOCK status = {.Status = STATUS_PENDING};
    LARGE_INTEGER offset = {.QuadPart = 0x1234};
    CHAR data[32] = "written";
    PIRP irp;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_WRITE, Buffered, data, 8, &offset, &event, &status);
    CHECK_EQ(IoGetNextIrpStackLocation(irp)->MajorFunction, IRP_MJ_WRITE);
    CHECK_EQ(IoGetNextIrpStackLocation(irp)->Parameters.Write.Length, 8);
    CHECK_EQ(IoGetNextIrpStackLocation(irp)->Parameters.Write.ByteOffset.QuadPart, 0x1234);
    CHECK(irp->AssociatedIrp.SystemBuffer && RtlCompareMemory(irp->AssociatedIrp.SystemBuffer, data, 8) == 8);
    CHECK(irp->Tail.Overlay.Thread == PsGetCurrentThread());
    CHECK_STATUS(IoCallDriver(Buffered, irp), STATUS_SUCCESS);
    CHECK(KeReadStateEvent(&event));
    CHECK_STATUS(status.Status, STATUS_SUCCESS);
    KeClearEvent(&event);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, Buffered, data, 4, &offset, &event, &status);
    CHECK_STATUS(IoCallDriver(Buffered, irp), STATUS_SUCCESS);
    CHECK_EQ(status.Information, 4);
    CHECK(RtlCompareMemory(data, "rrrrten", 7) == 7);
    KeClearEvent(&event);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, Direct, data, 16, &offset, &event, &status);
    CHECK(irp->MdlAddress && (irp->MdlAddress->MdlFlags & MDL_PAGES_LOCKED));
    CHECK(irp->AssociatedIrp.SystemBuffer == NULL);
    CHECK_STATUS(IoCallDriver(Direct, irp), STATUS_SUCCESS);
    KeClearEvent(&event);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, Lower, NULL, 0, NULL, &event, &status);
    CHECK_STATUS(IoCallDriver(Lower, irp), STATUS_SUCCESS);
    CHECK(KeReadStateEvent(&event));
}

static ULONG AsyncDone;

static IO_COMPLETION_ROUTINE FreeAsync;
static NTSTATUS FreeAsync(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Context);
    AsyncDone++;
    if (Irp->AssociatedIrp.SystemBuffer && (Irp->Flags & IRP_DEALLOCATE_BUFFER))
        ExFreePool(Irp->AssociatedIrp.SystemBuffer);
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID Asynchronous(PCONTRACT t)
{
    LARGE_INTEGER offset = {.QuadPart = 0};
    CHAR data[8] = "1234567";
    PIRP irp = IoBuildAsynchronousFsdRequest(IRP_MJ_WRITE, Buffered, data, 8, &offset, NULL);

    CHECK(irp->Tail.Overlay.Thread == PsGetCurrentThread());
    CHECK(IsListEmpty(&irp->ThreadListEntry)); /* not threaded: the driver frees it */
    IoSetCompletionRoutine(irp, FreeAsync, NULL, TRUE, TRUE, TRUE);
    CHECK_STATUS(IoCallDriver(Buffered, irp), STATUS_SUCCESS);
    CHECK_EQ(AsyncDone, 1);
}

/* ---- associated ones ---- */

static ULONG MasterDone;

static IO_COMPLETION_ROUTINE Master;
static NTSTATUS Master(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    MasterDone++;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID Associated(PCONTRACT t)
{
    PIRP master = IoAllocateIrp(1, FALSE), parts[2];

    IoSetCompletionRoutine(master, Master, NULL, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(master); /* as if a driver had it */
    master->IoStatus.Status = STATUS_SUCCESS;
    master->AssociatedIrp.IrpCount = 2;
    for (ULONG i = 0; i < 2; i++) {
        parts[i] = IoMakeAssociatedIrp(master, Lower->StackSize);
        CHECK(parts[i]->Flags & IRP_ASSOCIATED_IRP);
        CHECK(parts[i]->AssociatedIrp.MasterIrp == master);
        CHECK(parts[i]->Tail.Overlay.Thread == master->Tail.Overlay.Thread);
        IoGetNextIrpStackLocation(parts[i])->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    }
    IoCallDriver(Lower, parts[0]);
    CHECK_EQ(MasterDone, 0);
    CHECK_EQ(master->AssociatedIrp.IrpCount, 1);
    IoCallDriver(Lower, parts[1]);
    CHECK_EQ(MasterDone, 1);
    IoFreeIrp(master);
}

/* ---- forwarding ---- */

static VOID Forward(PCONTRACT t)
{
    KEVENT event;
    IO_STATUS_BLOCK status;
    PIRP irp;

    for (ULONG i = 0; i < 2; i++) {
        LowerPends = i == 1;
        LowerStatus = STATUS_NO_MEDIA_IN_DEVICE;
        KeInitializeEvent(&event, NotificationEvent, FALSE);
        irp = IoBuildDeviceIoControlRequest(IOCTL_AREA(2, METHOD_BUFFERED), Upper, NULL, 0, NULL, 0, FALSE, &event, &status);
        CHECK_EQ(irp->StackCount, 2);
        CHECK_STATUS(IoCallDriver(Upper, irp), STATUS_NO_MEDIA_IN_DEVICE);
    }
    LowerPends = FALSE;
}

/* ---- ends without an APC ---- */

static VOID Paging(PCONTRACT t)
{
    KEVENT event;
    IO_STATUS_BLOCK status = {.Status = STATUS_PENDING};
    KIRQL irql;
    PIRP irp;

    for (ULONG i = 0; i < 2; i++) {
        KeInitializeEvent(&event, NotificationEvent, FALSE);
        irp = IoAllocateIrp(Lower->StackSize, FALSE);
        irp->Flags = IRP_PAGING_IO | IRP_SYNCHRONOUS_PAGING_IO | IRP_NOCACHE;
        irp->UserIosb = &status;
        irp->UserEvent = &event;
        irp->Tail.Overlay.Thread = PsGetCurrentThread();
        IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
        if (i == 0)
            KeEnterGuardedRegion();
        else
            KeRaiseIrql(APC_LEVEL, &irql);
        CHECK_STATUS(IoCallDriver(Lower, irp), STATUS_SUCCESS); /* freed by the I/O manager, at once */
        CHECK(KeReadStateEvent(&event));
        CHECK_STATUS(status.Status, STATUS_SUCCESS);
        if (i == 0)
            KeLeaveGuardedRegion();
        else
            KeLowerIrql(irql);
    }
}

/* An error at once: neither status block nor event; the IRP is freed all the same. */
static VOID ErrorAtOnce(PCONTRACT t)
{
    KEVENT event;
    IO_STATUS_BLOCK status = {.Status = STATUS_PENDING};
    PIRP irp;

    LowerStatus = STATUS_ACCESS_DENIED;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IoBuildDeviceIoControlRequest(IOCTL_AREA(2, METHOD_BUFFERED), Lower, NULL, 0, NULL, 0, FALSE, &event, &status);
    CHECK_STATUS(IoCallDriver(Lower, irp), STATUS_ACCESS_DENIED);
    CHECK(!KeReadStateEvent(&event));
    CHECK_STATUS(status.Status, STATUS_PENDING);
    /* Pended: both, since there is no synchronous file. */
    LowerPends = TRUE;
    irp = IoBuildDeviceIoControlRequest(IOCTL_AREA(2, METHOD_BUFFERED), Lower, NULL, 0, NULL, 0, FALSE, &event, &status);
    CHECK_STATUS(IoCallDriver(Lower, irp), STATUS_PENDING);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    CHECK_STATUS(status.Status, STATUS_ACCESS_DENIED);
    LowerPends = FALSE;
}

/* An IRP that is completed and freed before its dispatch routine returns STATUS_PENDING, with another one at its address in between. */
static ULONG Freed;

static IO_COMPLETION_ROUTINE FreeAtOnce;
static NTSTATUS FreeAtOnce(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Context);
    Freed++;
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS SendOwn(ULONG Code)
{
    PIRP irp = IoAllocateIrp(Lower->StackSize, FALSE);
    PIO_STACK_LOCATION location = IoGetNextIrpStackLocation(irp);

    location->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    location->Parameters.DeviceIoControl.IoControlCode = Code;
    IoSetCompletionRoutine(irp, FreeAtOnce, NULL, TRUE, TRUE, TRUE);
    return IoCallDriver(Lower, irp);
}

static VOID GoneBeforeItReturns(PCONTRACT t)
{
    Freed = 0;
    CHECK_STATUS(SendOwn(IOCTL_AREA(3, METHOD_BUFFERED)), STATUS_PENDING);
    CHECK_EQ(Freed, 4);
}

static NTSTATUS CompleteAndReuse(PIRP Irp)
{
    IoMarkIrpPending(Irp);
    ContractComplete(Irp, STATUS_SUCCESS, 0);
    for (int i = 0; i < 3; i++) /* not marked, and one of them where the first one was */
        SendOwn(IOCTL_AREA(4, METHOD_BUFFERED));
    return STATUS_PENDING;
}

static const CONTRACT_TEST Tests[] = {
    {"IoAllocateIrp", Allocate},
    {"IoInitializeIrp, IoReuseIrp", InitializeAndReuse},
    {"IoBuildDeviceIoControlRequest", DeviceControl},
    {"IoBuildSynchronousFsdRequest", Synchronous},
    {"IoBuildAsynchronousFsdRequest", Asynchronous},
    {"IoMakeAssociatedIrp", Associated},
    {"IoForwardIrpSynchronously", Forward},
    {"synchronous paging requests", Paging},
    {"an error at once", ErrorAtOnce},
    {"gone before its dispatch routine returns", GoneBeforeItReturns},
};

static NTSTATUS Other(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    LARGE_INTEGER moment = ContractMs(1);

    if (Device == Upper) {
        if (!IoForwardIrpSynchronously(Lower, Irp))
            return ContractComplete(Irp, STATUS_UNSUCCESSFUL, 0);
        return ContractComplete(Irp, Irp->IoStatus.Status, 0); /* it is ours again */
    }
    switch (location->MajorFunction) {
    case IRP_MJ_READ:
        if (Irp->AssociatedIrp.SystemBuffer)
            RtlFillMemory(Irp->AssociatedIrp.SystemBuffer, location->Parameters.Read.Length, 'r');
        return ContractComplete(Irp, STATUS_SUCCESS, location->Parameters.Read.Length);
    case IRP_MJ_WRITE:
        return ContractComplete(Irp, STATUS_SUCCESS, location->Parameters.Write.Length);
    case IRP_MJ_FLUSH_BUFFERS:
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_DEVICE_CONTROL:
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
        if (Device != Lower)
            return ContractDefault(Irp);
        Seen++;
        if (location->Parameters.DeviceIoControl.IoControlCode == IOCTL_AREA(3, METHOD_BUFFERED))
            return CompleteAndReuse(Irp);
        if (location->Parameters.DeviceIoControl.IoControlCode != IOCTL_AREA(2, METHOD_BUFFERED))
            return ContractComplete(Irp, STATUS_SUCCESS, 0);
        if (!LowerPends)
            return ContractComplete(Irp, LowerStatus, 0);
        LowerIrp = Irp;
        IoMarkIrpPending(Irp);
        KeInitializeTimer(&Timer);
        KeInitializeDpc(&Dpc, Later, NULL);
        KeSetTimer(&Timer, moment, &Dpc);
        return STATUS_PENDING;
    default:
        return ContractDefault(Irp);
    }
}

static NTSTATUS Setup(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Device, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT *const devices[] = {&Lower, &Upper, &Buffered, &Direct};

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(RegistryPath);
    for (ULONG i = 0; i < 4; i++) {
        NTSTATUS status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, devices[i]);

        if (!NT_SUCCESS(status))
            return status;
        (*devices[i])->Flags &= ~DO_DEVICE_INITIALIZING;
    }
    Buffered->Flags |= DO_BUFFERED_IO;
    Direct->Flags |= DO_DIRECT_IO;
    return IoAttachDeviceToDeviceStack(Upper, Lower) ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static VOID Teardown(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    IoDetachDevice(Lower);
}

const CONTRACT_AREA ContractArea = {.Tests = Tests, .Count = RTL_NUMBER_OF(Tests), .Setup = Setup, .Teardown = Teardown, .Other = Other};
