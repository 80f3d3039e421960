/* Interrupts: two messages of one descriptor, with a DPC and with a work item; a line at passive level; one without a resource. */
#include "hardware.h"

VOID Check(WDFDEVICE Device, BOOLEAN Good, PCSTR File, ULONG Line)
{
    if (!Good) {
        HardwareOf(Device)->Failed++;
        DbgPrint("kmdf-hardware: %s:%d failed\n", File, Line);
    }
}

NTSTATUS SendToSelf(WDFDEVICE Device, UCHAR Major, UCHAR Minor, PVOID a, PVOID b, PVOID c, PVOID e, PULONG_PTR Information)
{
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(WdfDeviceWdmGetDeviceObject(Device));
    KEVENT done;
    IO_STATUS_BLOCK status = { { 0 } };
    NTSTATUS s = STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    PIRP irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, top, NULL, 0, NULL, &done, &status);
    if (irp) {
        PIO_STACK_LOCATION stack = IoGetNextIrpStackLocation(irp);
        irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
        irp->IoStatus.Information = Information ? *Information : 0;
        stack->MajorFunction = Major;
        stack->MinorFunction = Minor;
        stack->Parameters.Others.Argument1 = a;
        stack->Parameters.Others.Argument2 = b;
        stack->Parameters.Others.Argument3 = c;
        stack->Parameters.Others.Argument4 = e;
        s = IoCallDriver(top, irp);
        if (s == STATUS_PENDING) {
            KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
            s = status.Status;
        }
    }
    ObDereferenceObject(top);
    if (Information)
        *Information = status.Information;
    return s; /* an error that comes at once is not in the status block */
}

static ULONG NumberOf(WDFINTERRUPT Interrupt)
{
    PHARDWARE h = HardwareOf(WdfInterruptGetDevice(Interrupt));
    for (ULONG i = 0; i < 4; i++)
        if (h->Interrupt[i] == Interrupt)
            return i;
    return 3;
}

static BOOLEAN Isr(WDFINTERRUPT Interrupt, ULONG Message)
{
    WDFDEVICE d = WdfInterruptGetDevice(Interrupt);
    ULONG n = NumberOf(Interrupt);
    HardwareOf(d)->Isrs[n]++;
    CHECK(d, KeGetCurrentIrql() > DISPATCH_LEVEL && Message == n);
    if (n == 0)
        CHECK(d, WdfInterruptQueueDpcForIsr(Interrupt) && !WdfInterruptQueueWorkItemForIsr(Interrupt));
    else
        CHECK(d, WdfInterruptQueueWorkItemForIsr(Interrupt));
    return TRUE;
}

static BOOLEAN PassiveIsr(WDFINTERRUPT Interrupt, ULONG Message)
{
    WDFDEVICE d = WdfInterruptGetDevice(Interrupt);
    HardwareOf(d)->Isrs[2]++;
    CHECK(d, KeGetCurrentIrql() == PASSIVE_LEVEL && Message == 0);
    CHECK(d, WdfInterruptQueueWorkItemForIsr(Interrupt));
    return TRUE;
}

static VOID Dpc(WDFINTERRUPT Interrupt, WDFOBJECT Object)
{
    WDFDEVICE d = WdfInterruptGetDevice(Interrupt);
    CHECK(d, KeGetCurrentIrql() == DISPATCH_LEVEL && Object == (WDFOBJECT)d);
    HardwareOf(d)->Dpcs++;
}

static VOID Work(WDFINTERRUPT Interrupt, WDFOBJECT Object)
{
    WDFDEVICE d = WdfInterruptGetDevice(Interrupt);
    CHECK(d, KeGetCurrentIrql() == PASSIVE_LEVEL && Object == (WDFOBJECT)d);
    HardwareOf(d)->Works[NumberOf(Interrupt)]++;
}

static NTSTATUS Enable(WDFINTERRUPT Interrupt, WDFDEVICE Device)
{
    ULONG n = NumberOf(Interrupt);
    HardwareOf(Device)->Enabled[n]++;
    CHECK(Device, n == 2 ? KeGetCurrentIrql() == PASSIVE_LEVEL : KeGetCurrentIrql() > DISPATCH_LEVEL);
    return STATUS_SUCCESS;
}

static NTSTATUS Disable(WDFINTERRUPT Interrupt, WDFDEVICE Device)
{
    HardwareOf(Device)->Enabled[NumberOf(Interrupt)]--;
    return STATUS_SUCCESS;
}

static VOID Rest(VOID)
{
    LARGE_INTEGER wait;
    wait.QuadPart = -100000;
    KeDelayExecutionThread(KernelMode, FALSE, &wait);
}

static VOID Fire(WDFDEVICE d, ULONG Code)
{
    CHECK(d, WdfIoTargetSendIoctlSynchronously(WdfDeviceGetIoTarget(d), NULL, Code, NULL, NULL, NULL, NULL) == STATUS_SUCCESS);
    Rest();
}

static VOID Messages(WDFDEVICE d)
{
    PHARDWARE h = HardwareOf(d);
    WDF_INTERRUPT_INFO info[2];
    CHECK(d, h->Enabled[0] == 1 && h->Enabled[1] == 1 && h->Enabled[2] == 1 && h->Enabled[3] == 0);
    for (int i = 0; i < 2; i++) {
        WDF_INTERRUPT_INFO_INIT(&info[i]);
        WdfInterruptGetInfo(h->Interrupt[i], &info[i]);
        CHECK(d, info[i].MessageSignaled && info[i].MessageNumber == (ULONG)i && info[i].Irql > DISPATCH_LEVEL && info[i].Mode == Latched);
    }
    CHECK(d, info[1].Vector == info[0].Vector + 1);
    Fire(d, IOCTL_MESSAGE_0);
    CHECK(d, h->Isrs[0] == 1 && h->Dpcs == 1 && h->Isrs[1] == 0);
    Fire(d, IOCTL_MESSAGE_1);
    CHECK(d, h->Isrs[1] == 1 && h->Works[1] == 1 && h->Isrs[0] == 1);
    WdfInterruptReportInactive(h->Interrupt[1]);
    Fire(d, IOCTL_MESSAGE_1);
    CHECK(d, h->Isrs[1] == 1);
    WdfInterruptReportActive(h->Interrupt[1]);
    WdfInterruptDisable(h->Interrupt[0]);
    CHECK(d, h->Enabled[0] == 0);
    WdfInterruptEnable(h->Interrupt[0]);
    CHECK(d, h->Enabled[0] == 1);
    WdfSpinLockAcquire(h->SpinLock); /* the interrupt's lock is the driver's own */
    WdfSpinLockRelease(h->SpinLock);
    CHECK(d, WdfInterruptWdmGetInterrupt(h->Interrupt[3]) == NULL && WdfInterruptWdmGetInterrupt(h->Interrupt[0]) != NULL);
}

static VOID Passive(WDFDEVICE d)
{
    PHARDWARE h = HardwareOf(d);
    Fire(d, IOCTL_LINE);
    CHECK(d, h->Isrs[2] == 1 && h->Works[2] == 1);
    WdfInterruptAcquireLock(h->Interrupt[2]); /* the routine waits for it */
    CHECK(d, KeGetCurrentIrql() == PASSIVE_LEVEL);
    Fire(d, IOCTL_LINE);
    CHECK(d, h->Isrs[2] == 1);
    WdfInterruptReleaseLock(h->Interrupt[2]);
    Rest();
    CHECK(d, h->Isrs[2] == 2 && h->Works[2] == 2);
}

static BOOLEAN AtIrql(WDFINTERRUPT Interrupt, WDFCONTEXT Context)
{
    *(KIRQL *)Context = KeGetCurrentIrql();
    return NumberOf(Interrupt) == 2;
}

static VOID Locks(WDFDEVICE d)
{
    PHARDWARE h = HardwareOf(d);
    KIRQL at = 99;
    CHECK(d, !WdfInterruptSynchronize(h->Interrupt[0], AtIrql, &at) && at > DISPATCH_LEVEL);
    CHECK(d, WdfInterruptSynchronize(h->Interrupt[2], AtIrql, &at) && at == PASSIVE_LEVEL);
    at = 99;
    CHECK(d, !WdfInterruptSynchronize(h->Interrupt[3], AtIrql, &at) && at == 99);
    CHECK(d, WdfInterruptTryToAcquireLock(h->Interrupt[2]));
    WdfInterruptReleaseLock(h->Interrupt[2]);
    CHECK(d, WdfWaitLockAcquire(h->WaitLock, NULL) == STATUS_SUCCESS);
    WdfWaitLockRelease(h->WaitLock);
}

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    static VOID (*const Tests[])(WDFDEVICE) = { Messages, Passive, Locks, RequirementsRun };
    WDFDEVICE d = WdfIoQueueGetDevice(Queue);
    ULONG n = (Code >> 2 & 0xfff) - 0xd60;
    PULONG out;
    NTSTATUS s = n < HARDWARE_TESTS ? WdfRequestRetrieveOutputBuffer(Request, sizeof *out, (PVOID *)&out, NULL) : STATUS_INVALID_DEVICE_REQUEST;
    if (NT_SUCCESS(s)) {
        Tests[n](d);
        *out = HardwareOf(d)->Failed;
    }
    WdfRequestCompleteWithInformation(Request, s, NT_SUCCESS(s) ? sizeof *out : 0);
}

static VOID Interrupts(WDFDEVICE d)
{
    PHARDWARE h = HardwareOf(d);
    WDF_INTERRUPT_CONFIG c;
    WDF_INTERRUPT_EXTENDED_POLICY policy;
    WDFINTERRUPT bad;
    CHECK(d, WdfSpinLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &h->SpinLock) == STATUS_SUCCESS);
    CHECK(d, WdfWaitLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &h->WaitLock) == STATUS_SUCCESS);
    WDF_INTERRUPT_CONFIG_INIT(&c, NULL, Dpc);
    CHECK(d, WdfInterruptCreate(d, &c, WDF_NO_OBJECT_ATTRIBUTES, &bad) == STATUS_INVALID_PARAMETER);
    WDF_INTERRUPT_CONFIG_INIT(&c, Isr, Dpc);
    c.EvtInterruptWorkItem = Work; /* one of the two */
    CHECK(d, WdfInterruptCreate(d, &c, WDF_NO_OBJECT_ATTRIBUTES, &bad) == STATUS_INVALID_PARAMETER);
    c.EvtInterruptWorkItem = NULL;
    c.WaitLock = h->WaitLock; /* of an interrupt at DIRQL */
    CHECK(d, WdfInterruptCreate(d, &c, WDF_NO_OBJECT_ATTRIBUTES, &bad) == STATUS_INVALID_PARAMETER);
    c.WaitLock = NULL;
    c.SpinLock = h->SpinLock;
    c.EvtInterruptEnable = Enable;
    c.EvtInterruptDisable = Disable;
    CHECK(d, WdfInterruptCreate(d, &c, WDF_NO_OBJECT_ATTRIBUTES, &h->Interrupt[0]) == STATUS_SUCCESS);
    WDF_INTERRUPT_CONFIG_INIT(&c, Isr, NULL);
    c.EvtInterruptWorkItem = Work;
    c.EvtInterruptEnable = Enable;
    c.EvtInterruptDisable = Disable;
    CHECK(d, WdfInterruptCreate(d, &c, WDF_NO_OBJECT_ATTRIBUTES, &h->Interrupt[1]) == STATUS_SUCCESS);
    c.EvtInterruptIsr = PassiveIsr;
    c.PassiveHandling = TRUE;
    c.WaitLock = h->WaitLock;
    CHECK(d, WdfInterruptCreate(d, &c, WDF_NO_OBJECT_ATTRIBUTES, &h->Interrupt[2]) == STATUS_SUCCESS);
    WDF_INTERRUPT_CONFIG_INIT(&c, Isr, Dpc);
    c.EvtInterruptEnable = Enable;
    CHECK(d, WdfInterruptCreate(d, &c, WDF_NO_OBJECT_ATTRIBUTES, &h->Interrupt[3]) == STATUS_SUCCESS);
    WdfInterruptSetPolicy(h->Interrupt[0], WdfIrqPolicySpecifiedProcessors, WdfIrqPriorityHigh, 1);
    WDF_INTERRUPT_EXTENDED_POLICY_INIT(&policy);
    policy.Policy = WdfIrqPolicyOneCloseProcessor;
    policy.Priority = WdfIrqPriorityLow;
    WdfInterruptSetExtendedPolicy(h->Interrupt[1], &policy);
}

static NTSTATUS Prepare(WDFDEVICE d, WDFCMRESLIST Raw, WDFCMRESLIST Translated)
{
    ULONG n = WdfCmResourceListGetCount(Translated);
    CHECK(d, n == 3 && WdfCmResourceListGetDescriptor(Translated, 2)->Type == CmResourceTypePort);
    CHECK(d, HardwareOf(d)->Added == 1 && HardwareOf(d)->RemovedAdded == 1 && HardwareOf(d)->Filtered == 1);
    return STATUS_SUCCESS;
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfHardware");
    WDF_PNPPOWER_EVENT_CALLBACKS events;
    WDF_OBJECT_ATTRIBUTES a;
    WDF_IO_QUEUE_CONFIG queue;
    WDFDEVICE d;
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&events);
    events.EvtDevicePrepareHardware = Prepare;
    WdfDeviceInitSetPnpPowerEventCallbacks(Init, &events);
    RequirementsSetUp(Init);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, HARDWARE);
    NTSTATUS s = WdfDeviceCreate(&Init, &a, &d);
    if (!NT_SUCCESS(s))
        return s;
    Interrupts(d);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = Control;
    s = WdfIoQueueCreate(d, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    return NT_SUCCESS(s) ? WdfDeviceCreateSymbolicLink(d, &link) : s;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
