/* Interrupt objects and DMA adapters, as a function driver on a device with one interrupt. IOCTL_CHECK answers with the line of the first
 * check that failed, 0 if none did. */
#include <ntddk.h>

#define IOCTL_CHECK CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_FIRE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define CHECK(condition)     \
    do {                     \
        if (!(condition))    \
            return __LINE__; \
    } while (0)

typedef struct _EXTENSION {
    PDEVICE_OBJECT Self, Lower, Physical;
    PKINTERRUPT Interrupt;
    KIRQL DeviceIrql;
    KEVENT Done;
    ULONG Count, InIsr;
    KIRQL IrqlInIsr, IrqlInDpc;
    PKINTERRUPT Given;
    ULONG ListElements, ListBytes;
    ULONG64 ListFirst;
    KIRQL ListIrql;
} EXTENSION, *PEXTENSION;

DRIVER_INITIALIZE DriverEntry;

static BOOLEAN Isr(PKINTERRUPT Interrupt, PVOID Context)
{
    PEXTENSION e = Context;
    e->Given = Interrupt;
    e->IrqlInIsr = KeGetCurrentIrql();
    e->Count++;
    IoRequestDpc(e->Self, (PIRP)(ULONG_PTR)0x1234, e);
    return TRUE;
}

static VOID DpcForIsr(PKDPC Dpc, PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    PEXTENSION e = Context;
    e->IrqlInDpc = KeGetCurrentIrql();
    if (Dpc == &Device->Dpc && Irp == (PIRP)(ULONG_PTR)0x1234)
        KeSetEvent(&e->Done, IO_NO_INCREMENT, FALSE);
}

static BOOLEAN Synchronized(PVOID Context)
{
    PEXTENSION e = Context;
    e->InIsr = KeGetCurrentIrql();
    return (BOOLEAN)(e->Count == 1);
}

static VOID HaveList(PDEVICE_OBJECT Device, PIRP Irp, PSCATTER_GATHER_LIST List, PVOID Context)
{
    PEXTENSION e = Context;
    ULONG i;
    UNREFERENCED_PARAMETER(Irp);
    e->ListIrql = KeGetCurrentIrql();
    e->ListElements = Device == e->Self ? List->NumberOfElements : 0;
    for (i = 0; i < List->NumberOfElements; i++)
        e->ListBytes += List->Elements[i].Length;
    e->ListFirst = (ULONG64)List->Elements[0].Address.QuadPart;
    *(PSCATTER_GATHER_LIST *)&e->Given = List;
}

static ULONG CheckDma(PEXTENSION e)
{
    DEVICE_DESCRIPTION d;
    ULONG registers = 0, length = 0x2800, mapped = length;
    RtlZeroMemory(&d, sizeof d);
    d.Version = DEVICE_DESCRIPTION_VERSION;
    d.Master = d.ScatterGather = d.Dma64BitAddresses = TRUE;
    d.InterfaceType = PCIBus;
    d.MaximumLength = 0x10000;
    PDMA_ADAPTER adapter = IoGetDmaAdapter(e->Physical, &d, &registers);
    CHECK(adapter && registers >= 0x10);
    PDMA_OPERATIONS op = adapter->DmaOperations;
    PHYSICAL_ADDRESS logical;
    PUCHAR common = op->AllocateCommonBuffer(adapter, 0x1000, &logical, TRUE);
    CHECK(common && logical.QuadPart == MmGetPhysicalAddress(common).QuadPart);
    common[0xFFF] = 1;
    op->FreeCommonBuffer(adapter, 0x1000, logical, common, TRUE);
    CHECK(op->GetDmaAlignment(adapter) >= 1);

    PUCHAR buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 0x4000, 'tseT');
    CHECK(buffer);
    PMDL mdl = IoAllocateMdl(buffer + 0x123, length, FALSE, FALSE, NULL);
    CHECK(mdl);
    MmBuildMdlForNonPagedPool(mdl);
    KIRQL old;
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    NTSTATUS status = op->GetScatterGatherList(adapter, e->Self, mdl, MmGetMdlVirtualAddress(mdl), length, HaveList, e, TRUE);
    ULONG same = e->ListFirst == (ULONG64)MmGetPhysicalAddress(buffer + 0x123).QuadPart;
    if (NT_SUCCESS(status))
        op->PutScatterGatherList(adapter, *(PSCATTER_GATHER_LIST *)&e->Given, TRUE);
    PHYSICAL_ADDRESS at = op->MapTransfer(adapter, mdl, NULL, buffer + 0x123 + 0x100, &mapped, TRUE);
    op->FlushAdapterBuffers(adapter, mdl, NULL, buffer + 0x123, length, TRUE);
    KeLowerIrql(old);
    CHECK(NT_SUCCESS(status) && same && e->ListIrql == DISPATCH_LEVEL);
    CHECK(e->ListElements >= 1 && e->ListElements <= 4 && e->ListBytes == length);
    CHECK(at.QuadPart == MmGetPhysicalAddress(buffer + 0x123 + 0x100).QuadPart && mapped > 0 && mapped <= length - 0x100);
    IoFreeMdl(mdl);
    ExFreePoolWithTag(buffer, 'tseT');
    op->PutDmaAdapter(adapter);
    return 0;
}

static ULONG CheckInterrupt(PEXTENSION e)
{
    KEVENT event;
    IO_STATUS_BLOCK block;
    KIRQL old;
    CHECK(e->DeviceIrql > DISPATCH_LEVEL);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    PIRP irp = IoBuildDeviceIoControlRequest(IOCTL_FIRE, e->Lower, NULL, 0, NULL, 0, FALSE, &event, &block);
    CHECK(irp);
    if (IoCallDriver(e->Lower, irp) == STATUS_PENDING)
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    KeWaitForSingleObject(&e->Done, Executive, KernelMode, FALSE, NULL);
    CHECK(e->Given == e->Interrupt && e->IrqlInIsr == e->DeviceIrql && e->IrqlInDpc == DISPATCH_LEVEL);
    CHECK(KeSynchronizeExecution(e->Interrupt, Synchronized, e));
    CHECK(e->InIsr == e->DeviceIrql && KeGetCurrentIrql() == PASSIVE_LEVEL);
    old = KeAcquireInterruptSpinLock(e->Interrupt);
    e->Count++;
    ULONG inside = KeGetCurrentIrql();
    KeReleaseInterruptSpinLock(e->Interrupt, old);
    CHECK(old == PASSIVE_LEVEL && inside == e->DeviceIrql && KeGetCurrentIrql() == PASSIVE_LEVEL);
    CHECK(!KeSynchronizeExecution(e->Interrupt, Synchronized, e));
    return 0;
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS Requests(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PEXTENSION e = Device->DeviceExtension;
    if (stack->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        return Complete(Irp, STATUS_SUCCESS, 0);
    if (stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_CHECK || stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG))
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    ULONG line = CheckInterrupt(e);
    *(PULONG)Irp->AssociatedIrp.SystemBuffer = line ? line : CheckDma(e);
    return Complete(Irp, STATUS_SUCCESS, sizeof(ULONG));
}

static NTSTATUS Start(PEXTENSION e, PCM_RESOURCE_LIST Translated)
{
    ULONG i;
    for (i = 0; Translated && i < Translated->List[0].PartialResourceList.Count; i++)
        if (Translated->List[0].PartialResourceList.PartialDescriptors[i].Type == CmResourceTypeInterrupt)
            e->DeviceIrql = (KIRQL)Translated->List[0].PartialResourceList.PartialDescriptors[i].u.Interrupt.Level;
    IO_CONNECT_INTERRUPT_PARAMETERS p;
    RtlZeroMemory(&p, sizeof p);
    p.Version = CONNECT_LINE_BASED;
    p.LineBased.PhysicalDeviceObject = e->Physical;
    p.LineBased.InterruptObject = &e->Interrupt;
    p.LineBased.ServiceRoutine = Isr;
    p.LineBased.ServiceContext = e;
    return IoConnectInterruptEx(&p);
}

static NTSTATUS Pnp(PDEVICE_OBJECT Device, PIRP Irp)
{
    PEXTENSION e = Device->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\InterruptTest");
    NTSTATUS status;
    if (stack->MinorFunction == IRP_MN_START_DEVICE) {
        if (!IoForwardIrpSynchronously(e->Lower, Irp))
            return Complete(Irp, STATUS_UNSUCCESSFUL, 0);
        status = NT_SUCCESS(Irp->IoStatus.Status) ? Start(e, stack->Parameters.StartDevice.AllocatedResourcesTranslated) : Irp->IoStatus.Status;
        return Complete(Irp, status, 0);
    }
    if (stack->MinorFunction == IRP_MN_QUERY_REMOVE_DEVICE || stack->MinorFunction == IRP_MN_REMOVE_DEVICE)
        Irp->IoStatus.Status = STATUS_SUCCESS;
    if (stack->MinorFunction != IRP_MN_REMOVE_DEVICE) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(e->Lower, Irp);
    }
    if (e->Interrupt) {
        IO_DISCONNECT_INTERRUPT_PARAMETERS p;
        RtlZeroMemory(&p, sizeof p);
        p.Version = CONNECT_LINE_BASED;
        p.ConnectionContext.InterruptObject = e->Interrupt;
        IoDisconnectInterruptEx(&p);
    }
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(e->Lower, Irp);
    IoDetachDevice(e->Lower);
    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(Device);
    return status;
}

static NTSTATUS Power(PDEVICE_OBJECT Device, PIRP Irp)
{
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(((PEXTENSION)Device->DeviceExtension)->Lower, Irp);
}

static NTSTATUS AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Physical)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\InterruptTest"), link = RTL_CONSTANT_STRING(L"\\DosDevices\\InterruptTest");
    PDEVICE_OBJECT device;
    NTSTATUS status = IoCreateDevice(Driver, sizeof(EXTENSION), &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    PEXTENSION e = device->DeviceExtension;
    e->Self = device;
    e->Physical = Physical;
    KeInitializeEvent(&e->Done, SynchronizationEvent, FALSE);
    IoInitializeDpcRequest(device, DpcForIsr);
    IoCreateSymbolicLink(&link, &name);
    e->Lower = IoAttachDeviceToDeviceStack(device, Physical);
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID Unload(PDRIVER_OBJECT Driver)
{
    UNREFERENCED_PARAMETER(Driver);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLOSE] = Driver->MajorFunction[IRP_MJ_CLEANUP] = Requests;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Requests;
    Driver->MajorFunction[IRP_MJ_PNP] = Pnp;
    Driver->MajorFunction[IRP_MJ_POWER] = Power;
    Driver->DriverExtension->AddDevice = AddDevice;
    Driver->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
