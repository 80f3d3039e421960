/* Message-signalled interrupts, as a function driver on a device that sends five messages, or that has only a line. IOCTL_CHECK answers with
 * the line of the first check that failed, 0 if none did. */
#include <ntddk.h>

#define IOCTL_CHECK CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_SEND_0 CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_SEND_3 CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_SEND_4 CTL_CODE(FILE_DEVICE_UNKNOWN, 0x803, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_FIRE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x804, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define MESSAGES 5
#define CHECK(condition)     \
    do {                     \
        if (!(condition))    \
            return __LINE__; \
    } while (0)

typedef struct _EXTENSION {
    PDEVICE_OBJECT Self, Lower, Physical;
    IO_CONNECT_INTERRUPT_PARAMETERS Connect;
    PIO_INTERRUPT_MESSAGE_INFO Table;
    NTSTATUS WithoutFallback;
    KSPIN_LOCK Lock;
    KEVENT Done;
    ULONG Raw[8], RawCount; /* messages of each descriptor */
    ULONG Vector[8], Level[8], Flags[8], Translated;
    ULONG WantedMinimum, WantedMaximum, WantedFlags;
    PKINTERRUPT Given;
    ULONG MessageId, Count, LineCount;
    KIRQL IrqlInIsr, IrqlSynchronized;
    BOOLEAN LockHeld;
} EXTENSION, *PEXTENSION;

static BOOLEAN OnMessage(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    PEXTENSION e = Context;
    e->Given = Interrupt;
    e->MessageId = MessageId;
    e->IrqlInIsr = KeGetCurrentIrql();
    e->LockHeld = e->Lock != 0;
    e->Count++;
    IoRequestDpc(e->Self, NULL, e);
    return TRUE;
}

static BOOLEAN OnLine(PKINTERRUPT Interrupt, PVOID Context)
{
    PEXTENSION e = Context;
    e->Given = Interrupt;
    e->LineCount++;
    IoRequestDpc(e->Self, NULL, e);
    return TRUE;
}

static VOID DpcForIsr(PKDPC Dpc, PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(&((PEXTENSION)Context)->Done, IO_NO_INCREMENT, FALSE);
}

static BOOLEAN Synchronized(PVOID Context)
{
    ((PEXTENSION)Context)->IrqlSynchronized = KeGetCurrentIrql();
    return TRUE;
}

/* Whether the DPC of an interrupt came within a second. */
static BOOLEAN Send(PEXTENSION e, ULONG Code)
{
    KEVENT event;
    IO_STATUS_BLOCK block;
    LARGE_INTEGER second;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    PIRP irp = IoBuildDeviceIoControlRequest(Code, e->Lower, NULL, 0, NULL, 0, FALSE, &event, &block);
    if (!irp)
        return FALSE;
    if (IoCallDriver(e->Lower, irp) == STATUS_PENDING)
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    second.QuadPart = -10000000;
    return KeWaitForSingleObject(&e->Done, Executive, KernelMode, FALSE, &second) == STATUS_SUCCESS;
}

static VOID Report(PEXTENSION e, BOOLEAN Active)
{
    IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS p;
    RtlZeroMemory(&p, sizeof p);
    p.Version = CONNECT_MESSAGE_BASED;
    p.ConnectionContext.InterruptMessageTable = e->Table;
    if (Active)
        IoReportInterruptActive(&p);
    else
        IoReportInterruptInactive(&p);
}

static ULONG CheckResources(PEXTENSION e)
{
    CHECK(e->RawCount == 3 && e->Translated == 3);
    CHECK(e->Flags[0] == (CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE) && e->Flags[1] == e->Flags[0]);
    CHECK(!(e->Flags[2] & CM_RESOURCE_INTERRUPT_MESSAGE));
    CHECK(e->Raw[0] == 4 && e->Raw[1] == 1);
    CHECK(e->Level[0] > DISPATCH_LEVEL && e->Level[1] > DISPATCH_LEVEL);
    CHECK(e->WantedFlags == e->Flags[0] && e->WantedMaximum == CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN && e->WantedMinimum == e->WantedMaximum - 3);
    return 0;
}

static ULONG CheckTable(PEXTENSION e)
{
    ULONG i, k;
    CHECK(e->Connect.Version == CONNECT_MESSAGE_BASED && e->Table);
    CHECK(e->Table->MessageCount == MESSAGES && e->Table->UnifiedIrql > DISPATCH_LEVEL);
    for (i = 0; i < MESSAGES; i++) {
        PIO_INTERRUPT_MESSAGE_INFO_ENTRY m = &e->Table->MessageInfo[i];
        CHECK(m->InterruptObject && m->Mode == Latched && m->Irql > DISPATCH_LEVEL && m->Irql <= e->Table->UnifiedIrql);
        CHECK(m->TargetProcessorSet != 0 && m->MessageAddress.QuadPart != 0);
        CHECK(m->Vector == (i < 4 ? e->Vector[0] + i : e->Vector[1]) && m->Irql == e->Level[i < 4 ? 0 : 1]);
        for (k = 0; k < i; k++)
            CHECK(m->InterruptObject != e->Table->MessageInfo[k].InterruptObject && m->Vector != e->Table->MessageInfo[k].Vector);
    }
    return 0;
}

static ULONG CheckMessage(PEXTENSION e, ULONG Code, ULONG Id)
{
    ULONG before = e->Count;
    CHECK(Send(e, Code));
    CHECK(e->Count == before + 1 && e->MessageId == Id && e->Given == e->Table->MessageInfo[Id].InterruptObject);
    CHECK(e->IrqlInIsr == e->Table->UnifiedIrql && e->LockHeld);
    CHECK(KeSynchronizeExecution(e->Given, Synchronized, e) && e->IrqlSynchronized == e->Table->UnifiedIrql);
    return 0;
}

static VOID Disconnect(PEXTENSION e)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS p;
    if (!e->Table)
        return;
    RtlZeroMemory(&p, sizeof p);
    p.Version = e->Connect.Version;
    p.ConnectionContext.InterruptMessageTable = e->Table;
    IoDisconnectInterruptEx(&p);
    e->Table = NULL;
}

static NTSTATUS Connect(PEXTENSION e, PKSERVICE_ROUTINE Fallback)
{
    RtlZeroMemory(&e->Connect, sizeof e->Connect);
    e->Connect.Version = CONNECT_MESSAGE_BASED;
    e->Connect.MessageBased.PhysicalDeviceObject = e->Physical;
    e->Connect.MessageBased.ConnectionContext.InterruptMessageTable = &e->Table;
    e->Connect.MessageBased.MessageServiceRoutine = OnMessage;
    e->Connect.MessageBased.ServiceContext = e;
    e->Connect.MessageBased.SpinLock = &e->Lock;
    e->Connect.MessageBased.FallBackServiceRoutine = Fallback;
    return IoConnectInterruptEx(&e->Connect);
}

static ULONG CheckMessages(PEXTENSION e)
{
    ULONG line = CheckResources(e);
    line = line ? line : CheckTable(e);
    line = line ? line : CheckMessage(e, IOCTL_SEND_0, 0);
    line = line ? line : CheckMessage(e, IOCTL_SEND_3, 3);
    line = line ? line : CheckMessage(e, IOCTL_SEND_4, 4);
    if (line)
        return line;
    Report(e, FALSE);
    CHECK(!Send(e, IOCTL_SEND_0));
    Report(e, TRUE);
    line = CheckMessage(e, IOCTL_SEND_0, 0);
    if (line)
        return line;
    ULONG before = e->Count;
    Disconnect(e);
    CHECK(!Send(e, IOCTL_SEND_3) && e->Count == before && e->LineCount == 0);
    CHECK(NT_SUCCESS(Connect(e, OnLine)));
    return CheckMessage(e, IOCTL_SEND_4, 4);
}

/* DOC: IoConnectInterruptEx: the fallback is for a device without messages, and the version says that it was used. */
static ULONG CheckFallback(PEXTENSION e)
{
    CHECK(e->WithoutFallback == STATUS_NOT_FOUND);
    CHECK(e->Connect.Version == CONNECT_LINE_BASED && e->Table);
    CHECK(Send(e, IOCTL_FIRE));
    CHECK(e->LineCount == 1 && e->Count == 0 && e->Given == (PKINTERRUPT)e->Table);
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
    if (stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_CHECK || stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG) ||
        stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(ULONG))
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    *(PULONG)Irp->AssociatedIrp.SystemBuffer = *(PULONG)Irp->AssociatedIrp.SystemBuffer ? CheckFallback(e) : CheckMessages(e);
    return Complete(Irp, STATUS_SUCCESS, sizeof(ULONG));
}

static VOID NoteResources(PEXTENSION e, PCM_RESOURCE_LIST Raw, PCM_RESOURCE_LIST Translated)
{
    ULONG i;
    for (i = 0; Raw && i < Raw->List[0].PartialResourceList.Count && i < 8; i++)
        e->Raw[e->RawCount++] = (&Raw->List[0].PartialResourceList.PartialDescriptors[0])[i].u.MessageInterrupt.Raw.MessageCount;
    for (i = 0; Translated && i < Translated->List[0].PartialResourceList.Count && i < 8; i++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR d = &Translated->List[0].PartialResourceList.PartialDescriptors[0] + i;
        e->Flags[i] = d->Flags;
        e->Vector[i] = d->u.MessageInterrupt.Translated.Vector;
        e->Level[i] = d->u.MessageInterrupt.Translated.Level;
        e->Translated++;
    }
}

static NTSTATUS Pnp(PDEVICE_OBJECT Device, PIRP Irp)
{
    PEXTENSION e = Device->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\MessagesTest");
    NTSTATUS status;
    if (stack->MinorFunction == IRP_MN_START_DEVICE) {
        if (!IoForwardAndCatchIrp(e->Lower, Irp))
            return Complete(Irp, STATUS_UNSUCCESSFUL, 0);
        NoteResources(e, stack->Parameters.StartDevice.AllocatedResources, stack->Parameters.StartDevice.AllocatedResourcesTranslated);
        e->WithoutFallback = Connect(e, NULL);
        return Complete(Irp, NT_SUCCESS(e->WithoutFallback) ? STATUS_SUCCESS : Connect(e, OnLine), 0);
    }
    if (stack->MinorFunction == IRP_MN_FILTER_RESOURCE_REQUIREMENTS) {
        PIO_RESOURCE_DESCRIPTOR d = stack->Parameters.FilterResourceRequirements.IoResourceRequirementList->List[0].Descriptors;
        e->WantedMinimum = d->u.Interrupt.MinimumVector;
        e->WantedMaximum = d->u.Interrupt.MaximumVector;
        e->WantedFlags = d->Flags;
    }
    if (stack->MinorFunction == IRP_MN_QUERY_REMOVE_DEVICE || stack->MinorFunction == IRP_MN_REMOVE_DEVICE)
        Irp->IoStatus.Status = STATUS_SUCCESS;
    if (stack->MinorFunction != IRP_MN_REMOVE_DEVICE) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(e->Lower, Irp);
    }
    Disconnect(e);
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
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\MessagesTest"), link = RTL_CONSTANT_STRING(L"\\DosDevices\\MessagesTest");
    PDEVICE_OBJECT device;
    NTSTATUS status = IoCreateDevice(Driver, sizeof(EXTENSION), &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    PEXTENSION e = device->DeviceExtension;
    e->Self = device;
    e->Physical = Physical;
    KeInitializeSpinLock(&e->Lock);
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
