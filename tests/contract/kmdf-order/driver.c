/* The order of a device's callbacks, a letter each, printed when the device goes; the value Fail of its key says which of them fails. */
#include <ntddk.h>
#include <wdf.h>
#include "codes.h"

typedef struct _ORDER {
    CHAR Text[100];
    ULONG Used, Fail, Wrong;
    WDFREQUEST Held;
} ORDER, *PORDER;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(ORDER, OrderOf)
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(WDFDEVICE, DmaDevice)

static VOID Note(WDFDEVICE Device, CHAR What)
{
    PORDER o = OrderOf(Device);
    if (o->Used < sizeof o->Text - 1)
        o->Text[o->Used++] = What;
}

static NTSTATUS Answer(WDFDEVICE Device, CHAR What, ULONG FailsFor)
{
    Note(Device, What);
    return OrderOf(Device)->Fail == FailsFor ? STATUS_IO_DEVICE_ERROR : STATUS_SUCCESS;
}

static NTSTATUS Prepare(WDFDEVICE Device, WDFCMRESLIST Raw, WDFCMRESLIST Translated)
{
    OrderOf(Device)->Wrong += WdfDeviceGetDevicePnpState(Device) == WdfDevStatePnpStarted;
    return Answer(Device, 'P', FAIL_PREPARE);
}

static NTSTATUS Release(WDFDEVICE Device, WDFCMRESLIST Translated)
{
    return Answer(Device, 'R', FAIL_NONE + 100);
}

static NTSTATUS Entry(WDFDEVICE Device, WDF_POWER_DEVICE_STATE From)
{
    return From == WdfPowerDeviceD3Final ? Answer(Device, 'E', FAIL_ENTRY) : Answer(Device, 'e', FAIL_ENTRY_LATER);
}

static NTSTATUS Post(WDFDEVICE Device, WDF_POWER_DEVICE_STATE From)
{
    return Answer(Device, 'p', FAIL_POST);
}

static NTSTATUS Pre(WDFDEVICE Device, WDF_POWER_DEVICE_STATE To)
{
    return Answer(Device, 'q', FAIL_NONE + 100);
}

static NTSTATUS Exit(WDFDEVICE Device, WDF_POWER_DEVICE_STATE To)
{
    return To == WdfPowerDeviceD3Final ? Answer(Device, 'X', FAIL_NONE + 100) : Answer(Device, 'x', FAIL_EXIT);
}

static NTSTATUS SelfInit(WDFDEVICE Device)
{
    return Answer(Device, 'm', FAIL_INIT);
}

static NTSTATUS SelfSuspend(WDFDEVICE Device)
{
    return Answer(Device, 's', FAIL_NONE + 100);
}

static NTSTATUS SelfRestart(WDFDEVICE Device)
{
    return Answer(Device, 'r', FAIL_RESTART);
}

static VOID SelfFlush(WDFDEVICE Device)
{
    Note(Device, 'F');
}

static VOID SelfCleanup(WDFDEVICE Device)
{
    Note(Device, 'C');
}

static VOID Surprise(WDFDEVICE Device)
{
    Note(Device, 'S');
}

static NTSTATUS QueryStop(WDFDEVICE Device)
{
    return Answer(Device, 'Q', FAIL_QUERY_STOP);
}

static NTSTATUS QueryRemove(WDFDEVICE Device)
{
    return Answer(Device, 'V', FAIL_QUERY_REMOVE);
}

static VOID Usage(WDFDEVICE Device, WDF_SPECIAL_FILE_TYPE Type, BOOLEAN InPath)
{
    Note(Device, InPath ? 'U' : 'u');
    OrderOf(Device)->Wrong += Type != WdfSpecialFilePaging;
}

static VOID Relations(WDFDEVICE Device, DEVICE_RELATION_TYPE Type)
{
    if (Type == EjectionRelations)
        Note(Device, 'j');
}

static VOID Gone(WDFOBJECT Device)
{
    PORDER o = OrderOf(Device);
    DbgPrint("order: %d %s %d\n", o->Fail, o->Text, o->Wrong);
}

/* ---- the enabler's, in small letters of their own ---- */

static NTSTATUS DmaAnswer(WDFDMAENABLER Enabler, CHAR What, ULONG FailsFor)
{
    return Answer(*DmaDevice(Enabler), What, FailsFor);
}

static NTSTATUS DmaFill(WDFDMAENABLER Enabler)
{
    return DmaAnswer(Enabler, '1', FAIL_NONE + 100);
}

static NTSTATUS DmaEnable(WDFDMAENABLER Enabler)
{
    return DmaAnswer(Enabler, '2', FAIL_DMA);
}

static NTSTATUS DmaStart(WDFDMAENABLER Enabler)
{
    return DmaAnswer(Enabler, '3', FAIL_NONE + 100);
}

static NTSTATUS DmaStop(WDFDMAENABLER Enabler)
{
    return DmaAnswer(Enabler, '4', FAIL_NONE + 100);
}

static NTSTATUS DmaDisable(WDFDMAENABLER Enabler)
{
    return DmaAnswer(Enabler, '5', FAIL_NONE + 100);
}

static NTSTATUS DmaFlush(WDFDMAENABLER Enabler)
{
    return DmaAnswer(Enabler, '6', FAIL_NONE + 100);
}

static NTSTATUS AddDma(WDFDEVICE Device)
{
    WDF_DMA_ENABLER_CONFIG dma;
    WDF_OBJECT_ATTRIBUTES a;
    WDFDMAENABLER enabler;
    WDF_DMA_ENABLER_CONFIG_INIT(&dma, WdfDmaProfileScatterGather64, 4096);
    dma.EvtDmaEnablerFill = DmaFill;
    dma.EvtDmaEnablerEnable = DmaEnable;
    dma.EvtDmaEnablerSelfManagedIoStart = DmaStart;
    dma.EvtDmaEnablerSelfManagedIoStop = DmaStop;
    dma.EvtDmaEnablerDisable = DmaDisable;
    dma.EvtDmaEnablerFlush = DmaFlush;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, WDFDEVICE);
    NTSTATUS s = WdfDmaEnablerCreate(Device, &dma, &a, &enabler);
    if (NT_SUCCESS(s))
        *DmaDevice(enabler) = Device;
    return s;
}

/* ---- states ---- */

static VOID Tell(WDFDEVICE Device, WDF_STATE_NOTIFICATION_TYPE Type, PCSTR Letters)
{
    Note(Device, Letters[Type == StateNotificationEnterState ? 0 : Type == StateNotificationPostProcessState ? 1 : 2]);
}

static VOID PnpState(WDFDEVICE Device, PCWDF_DEVICE_PNP_NOTIFICATION_DATA Data)
{
    Tell(Device, Data->Type, "<=>");
    if (Data->Type == StateNotificationEnterState)
        OrderOf(Device)->Wrong += Data->Data.EnterState.NewState != WdfDevStatePnpStarted;
    else
        OrderOf(Device)->Wrong += WdfDeviceGetDevicePnpState(Device) != WdfDevStatePnpStarted;
}

static VOID PowerState(WDFDEVICE Device, PCWDF_DEVICE_POWER_NOTIFICATION_DATA Data)
{
    Tell(Device, Data->Type, "(?)");
    if (Data->Type == StateNotificationLeaveState)
        OrderOf(Device)->Wrong += WdfDeviceGetDevicePowerState(Device) != WdfDevStatePowerD0 || Data->Data.LeaveState.CurrentState != WdfDevStatePowerD0;
}

static VOID PolicyState(WDFDEVICE Device, PCWDF_DEVICE_POWER_POLICY_NOTIFICATION_DATA Data)
{
    Tell(Device, Data->Type, "[?]");
    if (Data->Type == StateNotificationLeaveState)
        OrderOf(Device)->Wrong += WdfDeviceGetDevicePowerPolicyState(Device) != WdfDevStatePwrPolStarted;
}

/* ---- requests ---- */

static VOID Special(WDFDEVICE Device, BOOLEAN InPath)
{
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(WdfDeviceWdmGetDeviceObject(Device));
    PIRP irp = IoAllocateIrp(top->StackSize, FALSE);
    KEVENT done;
    IO_STATUS_BLOCK status;
    if (irp) {
        IoFreeIrp(irp);
        KeInitializeEvent(&done, NotificationEvent, FALSE);
        irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, top, NULL, 0, NULL, &done, &status);
    }
    if (irp) {
        PIO_STACK_LOCATION stack = IoGetNextIrpStackLocation(irp);
        irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
        stack->MinorFunction = IRP_MN_DEVICE_USAGE_NOTIFICATION;
        stack->Parameters.UsageNotification.InPath = InPath;
        stack->Parameters.UsageNotification.Type = DeviceUsageTypePaging;
        if (IoCallDriver(top, irp) == STATUS_PENDING)
            KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        OrderOf(Device)->Wrong += !NT_SUCCESS(status.Status);
    }
    ObDereferenceObject(top);
}

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    WDFDEVICE d = WdfIoQueueGetDevice(Queue);
    WDF_DEVICE_STATE state;
    PULONG what;
    NTSTATUS s = WdfRequestRetrieveInputBuffer(Request, sizeof *what, (PVOID *)&what, NULL);
    switch (NT_SUCCESS(s) ? *what : 0) {
    case ORDER_HOLD:
        OrderOf(d)->Held = Request;
        return;
    case ORDER_REBALANCE:
        WDF_DEVICE_STATE_INIT(&state);
        state.ResourcesChanged = WdfTrue;
        WdfDeviceSetDeviceState(d, &state);
        WDF_DEVICE_STATE_INIT(&state);
        break;
    case ORDER_SET_FAILED:
        WdfDeviceSetFailed(d, WdfDeviceFailedNoRestart);
        break;
    case ORDER_SPECIAL:
    case ORDER_NOT_SPECIAL:
        WdfDeviceSetSpecialFileSupport(d, WdfSpecialFilePaging, TRUE);
        Special(d, *what == ORDER_SPECIAL);
        break;
    case ORDER_STATIC:
        WdfDeviceSetStaticStopRemove(d, FALSE);
        break;
    }
    WdfRequestComplete(Request, s);
}

static VOID Stop(WDFQUEUE Queue, WDFREQUEST Request, ULONG Flags)
{
    WDFDEVICE d = WdfIoQueueGetDevice(Queue);
    Note(d, Flags & WdfRequestStopActionPurge ? 'k' : 'o');
    if (Flags & WdfRequestStopActionPurge)
        WdfRequestComplete(Request, STATUS_NO_SUCH_DEVICE);
    else
        WdfRequestStopAcknowledge(Request, FALSE);
}

static VOID Resume(WDFQUEUE Queue, WDFREQUEST Request)
{
    Note(WdfIoQueueGetDevice(Queue), 'O');
    WdfRequestComplete(Request, STATUS_SUCCESS);
}

static ULONG Wanted(PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(name, L"Fail");
    WDFKEY key;
    ULONG v = 0;
    if (!NT_SUCCESS(WdfFdoInitOpenRegistryKey(Init, PLUGPLAY_REGKEY_DEVICE, KEY_READ, WDF_NO_OBJECT_ATTRIBUTES, &key)))
        return 0;
    WdfRegistryQueryULong(key, &name, &v);
    WdfRegistryClose(key);
    return v;
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfOrder");
    WDF_PNPPOWER_EVENT_CALLBACKS events;
    WDF_OBJECT_ATTRIBUTES a;
    WDF_IO_QUEUE_CONFIG queue;
    WDFDEVICE d;
    ULONG fail = Wanted(Init), wrong = 0;
    BOOLEAN with_dma;
    if (fail & FAIL_RELEASE_LATE)
        WdfDeviceInitSetReleaseHardwareOrderOnFailure(Init, WdfReleaseHardwareOrderOnFailureAfterDescendants);
    with_dma = (fail & WITH_DMA) != 0;
    fail &= ~(FAIL_RELEASE_LATE | WITH_DMA);
    if (fail == FAIL_ADD)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&events);
    events.EvtDevicePrepareHardware = Prepare;
    events.EvtDeviceReleaseHardware = Release;
    events.EvtDeviceD0Entry = Entry;
    events.EvtDeviceD0Exit = Exit;
    events.EvtDeviceD0EntryPostInterruptsEnabled = Post;
    events.EvtDeviceD0ExitPreInterruptsDisabled = Pre;
    events.EvtDeviceSelfManagedIoInit = SelfInit;
    events.EvtDeviceSelfManagedIoSuspend = SelfSuspend;
    events.EvtDeviceSelfManagedIoRestart = SelfRestart;
    events.EvtDeviceSelfManagedIoFlush = SelfFlush;
    events.EvtDeviceSelfManagedIoCleanup = SelfCleanup;
    events.EvtDeviceSurpriseRemoval = Surprise;
    events.EvtDeviceQueryStop = QueryStop;
    events.EvtDeviceQueryRemove = QueryRemove;
    events.EvtDeviceUsageNotification = Usage;
    events.EvtDeviceRelationsQuery = Relations;
    WdfDeviceInitSetPnpPowerEventCallbacks(Init, &events);
    wrong += WdfDeviceInitRegisterPnpStateChangeCallback(Init, WdfDevStatePnpStarted, PnpState, 0) != STATUS_INVALID_PARAMETER;
    wrong += WdfDeviceInitRegisterPnpStateChangeCallback(Init, (WDF_DEVICE_PNP_STATE)WdfDevStatePowerD0, PnpState, 1) != STATUS_INVALID_PARAMETER;
    wrong += !NT_SUCCESS(WdfDeviceInitRegisterPnpStateChangeCallback(Init, WdfDevStatePnpStarted, PnpState, StateNotificationAllStates));
    wrong += !NT_SUCCESS(WdfDeviceInitRegisterPowerStateChangeCallback(Init, WdfDevStatePowerD0, PowerState, StateNotificationEnterState | StateNotificationLeaveState));
    wrong += !NT_SUCCESS(WdfDeviceInitRegisterPowerPolicyStateChangeCallback(Init, WdfDevStatePwrPolStarted, PolicyState,
                                                                             StateNotificationEnterState | StateNotificationLeaveState));
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, ORDER);
    a.EvtCleanupCallback = Gone;
    NTSTATUS s = WdfDeviceCreate(&Init, &a, &d);
    if (!NT_SUCCESS(s))
        return s;
    OrderOf(d)->Fail = fail;
    OrderOf(d)->Wrong = wrong;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = Control;
    queue.EvtIoStop = Stop;
    queue.EvtIoResume = Resume;
    s = WdfIoQueueCreate(d, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    if (NT_SUCCESS(s) && with_dma)
        s = AddDma(d);
    return NT_SUCCESS(s) ? WdfDeviceCreateSymbolicLink(d, &link) : s;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
