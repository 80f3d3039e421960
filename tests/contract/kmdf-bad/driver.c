/* Mistakes that the framework's verifier finds, one a control code; the code behind it is the same without the mistake. */
#include <ntddk.h>
#include <wdf.h>
#include "codes.h"

typedef struct _BAD {
    WDFQUEUE Kept;
    WDFREQUEST Held;
    BOOLEAN Acknowledge;
    ULONG Mode;
} BAD, *PBAD;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(BAD, BadOf)

typedef struct _OTHER {
    ULONG Value;
} OTHER;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(OTHER, OtherOf)

static PBAD Bad;

static VOID Canceled(WDFREQUEST Request)
{
    WdfRequestComplete(Request, STATUS_CANCELLED);
}

static VOID Tick(WDFTIMER Timer)
{
}

static VOID RaisedWork(WDFDPC Dpc)
{
    if (Bad->Mode == BAD_IRQL)
        WdfIoQueueStopSynchronously(Bad->Kept);
    else
        WdfIoQueueStop(Bad->Kept, NULL, NULL);
}

static VOID Keep(PBAD b, WDFREQUEST Request)
{
    b->Held = Request;
    NTSTATUS s = WdfRequestMarkCancelableEx(Request, Canceled);
    if (!NT_SUCCESS(s)) {
        b->Held = NULL;
        WdfRequestComplete(Request, s);
    }
}

/* After the request may have been cancelled. */
static VOID CompleteHeld(PBAD b, BOOLEAN Careful)
{
    WDFREQUEST r = b->Held;
    b->Held = NULL;
    if (r && (!Careful || WdfRequestUnmarkCancelable(r) != STATUS_CANCELLED))
        WdfRequestComplete(r, STATUS_SUCCESS);
}

static NTSTATUS Parent(WDFDEVICE Device, BOOLEAN Wrong)
{
    WDF_TIMER_CONFIG config;
    WDF_OBJECT_ATTRIBUTES a;
    WDFTIMER timer;
    WDF_TIMER_CONFIG_INIT(&config, Tick);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = Wrong ? (WDFOBJECT)WdfDeviceGetDriver(Device) : (WDFOBJECT)Device;
    NTSTATUS s = WdfTimerCreate(&config, &a, &timer);
    if (NT_SUCCESS(s))
        WdfObjectDelete(timer);
    return s;
}

static VOID AfterDelete(BOOLEAN Wrong)
{
    WDFOBJECT o;
    if (!NT_SUCCESS(WdfObjectCreate(WDF_NO_OBJECT_ATTRIBUTES, &o)))
        return;
    if (!Wrong)
        WdfObjectReference(o);
    WdfObjectDelete(o);
    if (!Wrong)
        WdfObjectDereference(o);
    else
        WdfObjectReference(o);
}

static VOID AtDispatch(WDFDEVICE Device)
{
    WDF_DPC_CONFIG config;
    WDF_OBJECT_ATTRIBUTES a;
    WDFDPC dpc;
    WDF_DPC_CONFIG_INIT(&config, RaisedWork);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = Device;
    if (!NT_SUCCESS(WdfDpcCreate(&config, &a, &dpc)))
        return;
    WdfDpcEnqueue(dpc);
    WdfObjectDelete(dpc);
}

static VOID Recursion(BOOLEAN Wrong)
{
    WDFSPINLOCK lock;
    if (!NT_SUCCESS(WdfSpinLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &lock)))
        return;
    WdfSpinLockAcquire(lock);
    if (Wrong)
        WdfSpinLockAcquire(lock);
    WdfSpinLockRelease(lock);
    WdfObjectDelete(lock);
}

/* A handle of another type than the function takes. */
static VOID WrongType(WDFDEVICE Device, BOOLEAN Wrong)
{
    WDFOBJECT o;
    if (!NT_SUCCESS(WdfObjectCreate(WDF_NO_OBJECT_ATTRIBUTES, &o)))
        return;
    WdfIoQueueStart(Wrong ? (WDFQUEUE)o : WdfDeviceGetDefaultQueue(Device));
    WdfObjectDelete(o);
}

/* A context that the object does not have: the accessor answers NULL, and the recorder says so. */
static VOID WrongContext(WDFDEVICE Device, BOOLEAN Wrong)
{
    WDF_OBJECT_ATTRIBUTES a;
    OTHER *other;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, OTHER);
    if (Wrong || NT_SUCCESS(WdfObjectAllocateContext(Device, &a, (PVOID *)&other)))
        OtherOf(Device)->Value = 1;
}

/* The request is of METHOD_BUFFERED: it has no buffers of its caller. */
static VOID WrongMethod(WDFREQUEST Request, BOOLEAN Wrong)
{
    PULONG in = NULL;
    size_t n;
    NTSTATUS s = WdfRequestRetrieveUnsafeUserOutputBuffer(Request, 0, (PVOID *)&in, &n);
    if (Wrong || NT_SUCCESS(s))
        *in = 1;
}

static VOID Sent(WDFREQUEST Request, WDFIOTARGET Target, PWDF_REQUEST_COMPLETION_PARAMS Params, WDFCONTEXT Context)
{
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
}

/* To the driver's own manual queue, where it stays. */
static VOID SentTwice(WDFDEVICE Device, BOOLEAN Wrong)
{
    WDFIOTARGET target;
    WDF_IO_TARGET_OPEN_PARAMS open;
    WDFREQUEST r;
    KEVENT done;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    if (!NT_SUCCESS(WdfIoTargetCreate(Device, WDF_NO_OBJECT_ATTRIBUTES, &target)))
        return;
    WDF_IO_TARGET_OPEN_PARAMS_INIT_EXISTING_DEVICE(&open, WdfDeviceWdmGetDeviceObject(Device));
    if (NT_SUCCESS(WdfIoTargetOpen(target, &open)) && NT_SUCCESS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, target, &r))) {
        if (NT_SUCCESS(WdfIoTargetFormatRequestForRead(target, r, NULL, NULL, NULL))) {
            WdfRequestSetCompletionRoutine(r, Sent, &done);
            if (WdfRequestSend(r, target, WDF_NO_SEND_OPTIONS) && Wrong)
                WdfRequestSend(r, target, WDF_NO_SEND_OPTIONS);
            WdfRequestCancelSentRequest(r);
            KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        }
        WdfObjectDelete(r);
    }
    WdfObjectDelete(target);
}

static VOID Unlocked(BOOLEAN Wrong)
{
    WDFSPINLOCK lock;
    if (!NT_SUCCESS(WdfSpinLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &lock)))
        return;
    if (!Wrong)
        WdfSpinLockAcquire(lock);
    WdfSpinLockRelease(lock);
    WdfObjectDelete(lock);
}

/* The parent is on its way out: nothing may be made below it any more. */
static VOID Reparent(WDFOBJECT Object)
{
    WDF_OBJECT_ATTRIBUTES a;
    WDFOBJECT child;
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = Object;
    if (NT_SUCCESS(WdfObjectCreate(&a, &child)) || Bad->Mode == BAD_CHILD_OF_DELETED)
        WdfObjectDelete(child);
}

static VOID ChildOfDeleted(VOID)
{
    WDF_OBJECT_ATTRIBUTES a;
    WDFOBJECT o;
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.EvtCleanupCallback = Reparent;
    if (NT_SUCCESS(WdfObjectCreate(&a, &o)))
        WdfObjectDelete(o);
}

static VOID Raised(WDFWORKITEM Item)
{
    KIRQL old;
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    if (Bad->Mode != BAD_RETURNED_RAISED)
        KeLowerIrql(old);
}

static VOID ReturnedRaised(WDFDEVICE Device)
{
    WDF_WORKITEM_CONFIG config;
    WDF_OBJECT_ATTRIBUTES a;
    WDFWORKITEM item;
    WDF_WORKITEM_CONFIG_INIT(&config, Raised);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = Device;
    if (!NT_SUCCESS(WdfWorkItemCreate(&config, &a, &item)))
        return;
    WdfWorkItemEnqueue(item);
    WdfWorkItemFlush(item);
    WdfObjectDelete(item);
}

/* It has never been kept awake. */
static VOID Resume(WDFDEVICE Device, BOOLEAN Wrong)
{
    if (!Wrong && !NT_SUCCESS(WdfDeviceStopIdle(Device, TRUE)))
        return;
    WdfDeviceResumeIdle(Device);
}

/* Power requests are the framework's to send. */
static VOID Power(WDFDEVICE Device, BOOLEAN Wrong)
{
    POWER_STATE state = { .DeviceState = PowerDeviceD3 };
    LARGE_INTEGER soon = { .QuadPart = -1000000 };
    if (Wrong)
        PoRequestPowerIrp(WdfDeviceWdmGetPhysicalDevice(Device), IRP_MN_SET_POWER, state, NULL, NULL, NULL);
    KeDelayExecutionThread(KernelMode, FALSE, &soon);
}

/* The bus says nothing of wake. */
static BOOLEAN Program(WDFDMATRANSACTION Transaction, WDFDEVICE Device, WDFCONTEXT Context, WDF_DMA_DIRECTION Direction, PSCATTER_GATHER_LIST List)
{
    return TRUE;
}

static VOID SystemDma(WDFDEVICE Device)
{
    static CM_PARTIAL_RESOURCE_DESCRIPTOR descriptor;
    PHYSICAL_ADDRESS address = { 0 };
    WDF_DMA_SYSTEM_PROFILE_CONFIG system;
    WDF_DMA_ENABLER_CONFIG dma;
    WDFDMAENABLER enabler;
    WDF_DMA_ENABLER_CONFIG_INIT(&dma, WdfDmaProfileSystem, 4096);
    if (!NT_SUCCESS(WdfDmaEnablerCreate(Device, &dma, WDF_NO_OBJECT_ATTRIBUTES, &enabler)))
        return;
    WDF_DMA_SYSTEM_PROFILE_CONFIG_INIT(&system, address, Width8Bits, &descriptor);
    (void)!WdfDmaEnablerConfigureSystemProfile(enabler, &system, WdfDmaDirectionReadFromDevice);
}

/* A transaction that was released is to be initialized again before it is executed. */
static VOID Transfer(WDFDEVICE Device, BOOLEAN Wrong)
{
    WDF_DMA_ENABLER_CONFIG dma;
    WDFDMAENABLER enabler;
    WDFDMATRANSACTION t;
    NTSTATUS s;
    PVOID buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 100, 'amDK');
    PMDL mdl = buffer ? IoAllocateMdl(buffer, 100, FALSE, FALSE, NULL) : NULL;
    WDF_DMA_ENABLER_CONFIG_INIT(&dma, WdfDmaProfileScatterGather64, 4096);
    if (!mdl || !NT_SUCCESS(WdfDmaEnablerCreate(Device, &dma, WDF_NO_OBJECT_ATTRIBUTES, &enabler)) ||
        !NT_SUCCESS(WdfDmaTransactionCreate(enabler, WDF_NO_OBJECT_ATTRIBUTES, &t)))
        return;
    MmBuildMdlForNonPagedPool(mdl);
    for (ULONG i = 0; i < 2; i++) {
        if (!i || !Wrong)
            s = WdfDmaTransactionInitialize(t, Program, WdfDmaDirectionWriteToDevice, mdl, buffer, 100);
        s = WdfDmaTransactionExecute(t, NULL);
        if (NT_SUCCESS(s))
            WdfDmaTransactionDmaCompleted(t, &s);
        WdfDmaTransactionRelease(t);
    }
    WdfObjectDelete(t);
    WdfObjectDelete(enabler);
    IoFreeMdl(mdl);
    ExFreePoolWithTag(buffer, 'amDK');
}

static VOID Wake(WDFDEVICE Device, BOOLEAN Wrong)
{
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&settings, Wrong ? IdleCanWakeFromS0 : IdleCannotWakeFromS0);
    NTSTATUS s = WdfDeviceAssignS0IdleSettings(Device, &settings);
    if (!NT_SUCCESS(s))
        WdfVerifierKeBugCheck(0xE2, (ULONG)s, 0, 0, 0);
}

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    WDFDEVICE d = WdfIoQueueGetDevice(Queue);
    PBAD b = BadOf(d);
    NTSTATUS s = STATUS_SUCCESS;
    b->Mode = BAD_OF(Code);
    switch (b->Mode) {
    case BAD_TWICE:
        WdfRequestComplete(Request, STATUS_SUCCESS);
        break;
    case BAD_KEEP:
        Keep(b, Request);
        return;
    case BAD_KEEP_UNMARKED:
        b->Held = Request;
        return;
    case BAD_AFTER_CANCEL:
    case BAD_AFTER_CANCEL + GOOD:
        CompleteHeld(b, b->Mode != BAD_AFTER_CANCEL);
        break;
    case BAD_STOP:
    case BAD_STOP + GOOD:
        b->Acknowledge = b->Mode != BAD_STOP;
        WdfDeviceSetFailed(d, WdfDeviceFailedNoRestart);
        break;
    case BAD_DELETED:
    case BAD_DELETED + GOOD:
        AfterDelete(b->Mode == BAD_DELETED);
        break;
    case BAD_IRQL:
    case BAD_IRQL + GOOD:
        AtDispatch(d);
        break;
    case BAD_PARENT:
    case BAD_PARENT + GOOD:
        s = Parent(d, b->Mode == BAD_PARENT);
        break;
    case BAD_RECURSION:
    case BAD_RECURSION + GOOD:
        Recursion(b->Mode == BAD_RECURSION);
        break;
    case BAD_UNKNOWN: /* no mistake of the driver's: irplab has no such function */
        WdfRegistryClose((WDFKEY)WdfGetTriageInfo());
        break;
    case BAD_TYPE:
    case BAD_TYPE + GOOD:
        WrongType(d, b->Mode == BAD_TYPE);
        break;
    case BAD_CONTEXT:
    case BAD_CONTEXT + GOOD:
        WrongContext(d, b->Mode == BAD_CONTEXT);
        break;
    case BAD_METHOD:
    case BAD_METHOD + GOOD:
        WrongMethod(Request, b->Mode == BAD_METHOD);
        break;
    case BAD_SENT_TWICE:
    case BAD_SENT_TWICE + GOOD:
        SentTwice(d, b->Mode == BAD_SENT_TWICE);
        break;
    case BAD_DELETED_REQUEST:
        WdfObjectDelete(Request);
        return;
    case BAD_CANCELABLE:
    case BAD_CANCELABLE + GOOD:
        WdfRequestMarkCancelable(Request, Canceled);
        if (b->Mode == BAD_CANCELABLE + GOOD && WdfRequestUnmarkCancelable(Request) == STATUS_CANCELLED)
            return;
        break;
    case BAD_LOCK:
    case BAD_LOCK + GOOD:
        Unlocked(b->Mode == BAD_LOCK);
        break;
    case BAD_CHILD_OF_DELETED:
    case BAD_CHILD_OF_DELETED + GOOD:
        ChildOfDeleted();
        break;
    case BAD_RETURNED_RAISED:
    case BAD_RETURNED_RAISED + GOOD:
        ReturnedRaised(d);
        break;
    case BAD_RESUME:
    case BAD_RESUME + GOOD:
        Resume(d, b->Mode == BAD_RESUME);
        break;
    case BAD_POWER:
    case BAD_POWER + GOOD:
        Power(d, b->Mode == BAD_POWER);
        break;
    case BAD_WAKE:
    case BAD_WAKE + GOOD:
        Wake(d, b->Mode == BAD_WAKE);
        break;
    case BAD_SYSTEM_DMA: /* nor has it a DMA controller */
        SystemDma(d);
        break;
    case BAD_DMA:
    case BAD_DMA + GOOD:
        Transfer(d, b->Mode == BAD_DMA);
        break;
    case BAD_OWN_CHECK: /* a check of the driver's own */
        WdfVerifierKeBugCheck(0xE2, 1, 2, 3, 4);
        break;
    case BAD_INFORMATION:
        WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, Out + 1);
        return;
    default:
        break;
    }
    WdfRequestComplete(Request, s);
}

/* One byte written is completed, two are forgotten while the device goes. */
static VOID Forget(WDFQUEUE Queue, WDFREQUEST Request, size_t Length)
{
    WdfDeviceSetFailed(WdfIoQueueGetDevice(Queue), WdfDeviceFailedNoRestart);
    if (Length == 1)
        WdfRequestComplete(Request, STATUS_SUCCESS);
}

/* DOC: power-down waits until each request is completed, requeued or acknowledged. */
static VOID Stop(WDFQUEUE Queue, WDFREQUEST Request, ULONG Flags)
{
    PBAD b = BadOf(WdfIoQueueGetDevice(Queue));
    if (!b->Acknowledge)
        return;
    b->Held = NULL;
    if (Flags & WdfRequestStopActionPurge)
        WdfRequestComplete(Request, STATUS_NO_SUCH_DEVICE);
    else
        WdfRequestStopAcknowledge(Request, FALSE);
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfBad");
    WDF_OBJECT_ATTRIBUTES a;
    WDF_IO_QUEUE_CONFIG queue;
    WDFDEVICE d;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, BAD);
    NTSTATUS s = WdfDeviceCreate(&Init, &a, &d);
    if (!NT_SUCCESS(s))
        return s;
    Bad = BadOf(d);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = Control;
    queue.EvtIoStop = Stop;
    s = WdfIoQueueCreate(d, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    WDF_IO_QUEUE_CONFIG_INIT(&queue, WdfIoQueueDispatchParallel);
    queue.PowerManaged = WdfFalse;
    queue.EvtIoWrite = Forget;
    WDFQUEUE unmanaged;
    if (NT_SUCCESS(s))
        s = WdfIoQueueCreate(d, &queue, WDF_NO_OBJECT_ATTRIBUTES, &unmanaged);
    if (NT_SUCCESS(s))
        s = WdfDeviceConfigureRequestDispatching(d, unmanaged, WdfRequestTypeWrite);
    WDF_IO_QUEUE_CONFIG_INIT(&queue, WdfIoQueueDispatchManual);
    if (NT_SUCCESS(s))
        s = WdfIoQueueCreate(d, &queue, WDF_NO_OBJECT_ATTRIBUTES, &Bad->Kept);
    if (NT_SUCCESS(s))
        s = WdfDeviceConfigureRequestDispatching(d, Bad->Kept, WdfRequestTypeRead);
    return NT_SUCCESS(s) ? WdfDeviceCreateSymbolicLink(d, &link) : s;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
