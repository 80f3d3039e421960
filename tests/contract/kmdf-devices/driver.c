/* What a function driver sets up: interrupt, DMA, properties, keys, files, query interfaces, WMI, in-caller-context and WDM callbacks, a static child. */
#include <ntddk.h>
#include <wdf.h>
#include <ntstrsafe.h>
#include <wdmsec.h>
#include "codes.h"

typedef struct _DEV {
    ULONG Failed, Interrupts, Dpcs, Transfers, DmaOrder;
    WDFINTERRUPT Interrupt;
    WDFDMAENABLER Enabler;
    WDFQUEUE ParentQueue;
    WDFDEVICE Child;
    ULONG Opened, Closed, Cleaned;
    WDFWMIINSTANCE Wmi;
} DEV, *PDEV;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(DEV, DevOf)
typedef struct _REQ {
    ULONG Mark;
} REQ;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(REQ, ReqOf)
typedef struct _FIL {
    ULONG Mark;
} FIL;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(FIL, FilOf)
typedef struct _OWN_INTERFACE {
    INTERFACE Header;
    ULONG Value;
} OWN_INTERFACE;

static const GUID OwnGuid = { 0x8c8b3b0e, 0x6a4d, 0x4f13, { 0x9e, 0x1c, 0x2b, 0x77, 0x51, 0x0d, 0x6e, 0x01 } };
static const GUID ClassGuid = { 0x8c8b3b0e, 0x6a4d, 0x4f13, { 0x9e, 0x1c, 0x2b, 0x77, 0x51, 0x0d, 0x6e, 0x02 } };
static const GUID WmiGuid = { 0x8c8b3b0e, 0x6a4d, 0x4f13, { 0x9e, 0x1c, 0x2b, 0x77, 0x51, 0x0d, 0x6e, 0x03 } };
static const GUID SeveralGuid = { 0x8c8b3b0e, 0x6a4d, 0x4f13, { 0x9e, 0x1c, 0x2b, 0x77, 0x51, 0x0d, 0x6e, 0x04 } };

static VOID Check(PDEV d, BOOLEAN Good, ULONG Line)
{
    if (!Good) {
        d->Failed++;
        DbgPrint("kmdf-devices: check of line %d failed\n", Line);
    }
}
#define CHECK(d, x) Check(d, (x) != 0, __LINE__)

/* ---- interrupt ---- */

static BOOLEAN Isr(WDFINTERRUPT Interrupt, ULONG MessageId)
{
    DevOf(WdfInterruptGetDevice(Interrupt))->Interrupts++;
    WdfInterruptQueueDpcForIsr(Interrupt);
    return TRUE;
}

static VOID IsrDpc(WDFINTERRUPT Interrupt, WDFOBJECT Object)
{
    PDEV d = DevOf(WdfInterruptGetDevice(Interrupt));
    WdfInterruptAcquireLock(Interrupt);
    CHECK(d, KeGetCurrentIrql() > DISPATCH_LEVEL);
    d->Dpcs++;
    WdfInterruptReleaseLock(Interrupt);
    CHECK(d, KeGetCurrentIrql() == DISPATCH_LEVEL);
}

static BOOLEAN AtDirql(WDFINTERRUPT Interrupt, WDFCONTEXT Context)
{
    *(KIRQL *)Context = KeGetCurrentIrql();
    return TRUE;
}

static VOID Interrupted(PDEV d, WDFDEVICE Device)
{
    WDF_INTERRUPT_INFO info;
    KIRQL at = 0;
    CHECK(d, WdfIoTargetSendIoctlSynchronously(WdfDeviceGetIoTarget(Device), NULL, IOCTL_SAMPLER, NULL, NULL, NULL, NULL) == STATUS_SUCCESS);
    LARGE_INTEGER wait;
    wait.QuadPart = -100000;
    KeDelayExecutionThread(KernelMode, FALSE, &wait);
    CHECK(d, d->Interrupts == 1 && d->Dpcs == 1);
    CHECK(d, WdfInterruptSynchronize(d->Interrupt, AtDirql, &at) && at > DISPATCH_LEVEL);
    CHECK(d, WdfInterruptWdmGetInterrupt(d->Interrupt) != NULL);
    WDF_INTERRUPT_INFO_INIT(&info);
    WdfInterruptGetInfo(d->Interrupt, &info);
    CHECK(d, info.Vector != 0 && info.Irql == at);
}

/* ---- DMA ---- */

static PDEV DmaOwner;

static void DmaNote(ULONG What)
{
    CHECK(DmaOwner, KeGetCurrentIrql() == PASSIVE_LEVEL);
    DmaOwner->DmaOrder = DmaOwner->DmaOrder * 10 + What;
}

static BOOLEAN ProgramDma(WDFDMATRANSACTION Transaction, WDFDEVICE Device, WDFCONTEXT Context, WDF_DMA_DIRECTION Direction, PSCATTER_GATHER_LIST List)
{
    PDEV d = DevOf(Device);
    d->Transfers++;
    CHECK(d, List->NumberOfElements >= 1 && List->Elements[0].Length > 0);
    return TRUE;
}

static VOID ReserveDma(WDFDMATRANSACTION Transaction, PVOID Context)
{
}

/* What the framework tells an enabler: filled, enabled, started. */
static NTSTATUS Fill(WDFDMAENABLER Enabler)
{
    DmaNote(1);
    return STATUS_SUCCESS;
}

static NTSTATUS Enable(WDFDMAENABLER Enabler)
{
    DmaNote(2);
    return STATUS_SUCCESS;
}

static NTSTATUS Start(WDFDMAENABLER Enabler)
{
    DmaNote(3);
    return STATUS_SUCCESS;
}

static VOID Dma(PDEV d, WDFDEVICE Device, WDFREQUEST Request)
{
    WDFDMATRANSACTION t;
    WDFCOMMONBUFFER b;
    NTSTATUS s;
    PVOID buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 6000, 'amDK');
    PMDL mdl = buffer ? IoAllocateMdl(buffer, 6000, FALSE, FALSE, NULL) : NULL;
    if (!mdl)
        return;
    MmBuildMdlForNonPagedPool(mdl);
    CHECK(d, WdfCommonBufferCreate(d->Enabler, 0, WDF_NO_OBJECT_ATTRIBUTES, &b) == STATUS_INVALID_PARAMETER);
    CHECK(d, WdfCommonBufferCreate(d->Enabler, 100, WDF_NO_OBJECT_ATTRIBUTES, &b) == STATUS_SUCCESS);
    CHECK(d, WdfCommonBufferGetLength(b) == 100 && WdfCommonBufferGetAlignedVirtualAddress(b) != NULL);
    CHECK(d, WdfCommonBufferGetAlignedLogicalAddress(b).QuadPart != 0);
    RtlFillMemory(WdfCommonBufferGetAlignedVirtualAddress(b), 100, 1);
    WdfObjectDelete(b);
    WdfDmaEnablerSetMaximumScatterGatherElements(d->Enabler, 8);
    CHECK(d, WdfDmaEnablerGetMaximumScatterGatherElements(d->Enabler) == 8 && WdfDmaEnablerGetMaximumLength(d->Enabler) == 4096);
    CHECK(d, WdfDmaTransactionCreate(d->Enabler, WDF_NO_OBJECT_ATTRIBUTES, &t) == STATUS_SUCCESS);
    CHECK(d, WdfDmaTransactionInitialize(t, ProgramDma, WdfDmaDirectionWriteToDevice, mdl, buffer, 0) == STATUS_INVALID_PARAMETER);
    CHECK(d, WdfDmaTransactionInitialize(t, ProgramDma, (WDF_DMA_DIRECTION)7, mdl, buffer, 6000) == STATUS_INVALID_PARAMETER);
    CHECK(d, WdfDmaTransactionInitialize(t, ProgramDma, WdfDmaDirectionWriteToDevice, mdl, (PUCHAR)buffer + 6000, 1) == STATUS_INVALID_PARAMETER);
    CHECK(d, WdfDmaTransactionInitializeUsingOffset(t, ProgramDma, WdfDmaDirectionWriteToDevice, mdl, 100, 200) == STATUS_SUCCESS);
    CHECK(d, WdfDmaTransactionRelease(t) == STATUS_SUCCESS && WdfDmaTransactionRelease(t) == STATUS_SUCCESS); /* twice does no harm */
    WdfDmaEnablerSetMaximumScatterGatherElements(d->Enabler, 1); /* pages of a transfer */
    CHECK(d, WdfDmaTransactionInitialize(t, ProgramDma, WdfDmaDirectionWriteToDevice, mdl, (PUCHAR)buffer + 100, 5900) == STATUS_WDF_TOO_FRAGMENTED);
    WdfDmaEnablerSetMaximumScatterGatherElements(d->Enabler, 0); /* not so */
    CHECK(d, WdfDmaEnablerGetMaximumScatterGatherElements(d->Enabler) == 1);
    WdfDmaEnablerSetMaximumScatterGatherElements(d->Enabler, 8);
    CHECK(d, WdfDmaTransactionInitialize(t, ProgramDma, WdfDmaDirectionWriteToDevice, mdl, buffer, 6000) == STATUS_SUCCESS);
    ULONG registers = 0, elements = 0;
    WdfDmaTransactionGetTransferInfo(t, &registers, &elements);
    CHECK(d, registers == ADDRESS_AND_SIZE_TO_SPAN_PAGES(buffer, 6000) && elements == registers);
    CHECK(d, WdfDmaTransactionAllocateResources(t, WdfDmaDirectionWriteToDevice, 1, ReserveDma, NULL) == STATUS_INVALID_DEVICE_REQUEST); /* of version 3 only */
    CHECK(d, !WdfDmaTransactionCancel(t) && WdfDmaTransactionWdmGetTransferContext(t) == NULL);
    WdfDmaTransactionSetImmediateExecution(t, TRUE);
    WdfDmaTransactionFreeResources(t);
    WdfDmaTransactionSetChannelConfigurationCallback(t, NULL, NULL); /* of system profiles only */
    WdfDmaTransactionSetTransferCompleteCallback(t, NULL, NULL);
    WdfDmaTransactionSetDeviceAddressOffset(t, 4);
    WdfDmaTransactionStopSystemTransfer(t);
    CHECK(d, WdfDmaTransactionGetDevice(t) == Device && WdfDmaTransactionGetRequest(t) == NULL);
    CHECK(d, WdfDmaTransactionExecute(t, NULL) == STATUS_SUCCESS);
    CHECK(d, d->Transfers == 1 && WdfDmaTransactionGetCurrentDmaTransferLength(t) == 4096);
    CHECK(d, !WdfDmaTransactionDmaCompleted(t, &s) && s == STATUS_MORE_PROCESSING_REQUIRED);
    CHECK(d, d->Transfers == 2);
    CHECK(d, WdfDmaTransactionDmaCompletedWithLength(t, 6000 - 4096, &s) && s == STATUS_SUCCESS);
    CHECK(d, WdfDmaTransactionGetBytesTransferred(t) == 6000);
    CHECK(d, WdfDmaTransactionRelease(t) == STATUS_SUCCESS);
    CHECK(d, WdfDmaTransactionInitialize(t, ProgramDma, WdfDmaDirectionWriteToDevice, mdl, buffer, 6000) == STATUS_SUCCESS);
    WdfDmaTransactionSetMaximumLength(t, 512);
    CHECK(d, WdfDmaTransactionExecute(t, NULL) == STATUS_SUCCESS && WdfDmaTransactionGetCurrentDmaTransferLength(t) == 512);
    CHECK(d, WdfDmaTransactionDmaCompletedFinal(t, 100, &s) && WdfDmaTransactionGetBytesTransferred(t) == 100);
    CHECK(d, WdfDmaTransactionRelease(t) == STATUS_SUCCESS && WdfDmaTransactionGetBytesTransferred(t) == 0);
    CHECK(d, WdfDmaTransactionInitialize(t, ProgramDma, WdfDmaDirectionReadFromDevice, mdl, buffer, 6000) == STATUS_SUCCESS);
    CHECK(d, WdfDmaTransactionExecute(t, NULL) == STATUS_SUCCESS);
    CHECK(d, WdfDmaTransactionDmaCompletedWithLength(t, 4097, &s) && s == STATUS_INVALID_PARAMETER); /* more than was asked for */
    CHECK(d, d->DmaOrder == 123);
    WdfObjectDelete(t);
    IoFreeMdl(mdl);
    ExFreePoolWithTag(buffer, 'amDK');
}

/* ---- files ---- */

static VOID FileCreate(WDFDEVICE Device, WDFREQUEST Request, WDFFILEOBJECT FileObject)
{
    PDEV d = DevOf(Device);
    WDF_REQUEST_PARAMETERS p;
    DECLARE_CONST_UNICODE_STRING(refused, L"\\refused");
    WDF_REQUEST_PARAMETERS_INIT(&p);
    WdfRequestGetParameters(Request, &p);
    CHECK(d, p.Type == WdfRequestTypeCreate && p.Parameters.Create.SecurityContext != NULL);
    CHECK(d, WdfFileObjectGetInitiatorProcessId(FileObject) == HandleToULong(PsGetCurrentProcessId()));
    CHECK(d, WdfFileObjectGetDevice(FileObject) == Device && WdfRequestGetFileObject(Request) == FileObject);
    CHECK(d, WdfDeviceGetFileObject(Device, WdfFileObjectWdmGetFileObject(FileObject)) == FileObject);
    FilOf(FileObject)->Mark = 0xF11E;
    if (RtlEqualUnicodeString(WdfFileObjectGetFileName(FileObject), &refused, TRUE)) {
        WdfRequestComplete(Request, STATUS_ACCESS_DENIED);
        return;
    }
    d->Opened++;
    WdfRequestComplete(Request, STATUS_SUCCESS);
}

static VOID FileClose(WDFFILEOBJECT FileObject)
{
    PDEV d = DevOf(WdfFileObjectGetDevice(FileObject));
    CHECK(d, FilOf(FileObject)->Mark == 0xF11E);
    d->Closed++;
    CHECK(d, d->Cleaned >= d->Closed);
}

static VOID FileCleanup(WDFFILEOBJECT FileObject)
{
    DevOf(WdfFileObjectGetDevice(FileObject))->Cleaned++;
}

/* ---- requests ---- */

static VOID InCallerContext(WDFDEVICE Device, WDFREQUEST Request)
{
    PDEV d = DevOf(Device);
    WDF_REQUEST_PARAMETERS p;
    PVOID in, out;
    size_t n;
    WDFMEMORY memory;
    NTSTATUS s = STATUS_SUCCESS;
    WDF_REQUEST_PARAMETERS_INIT(&p);
    WdfRequestGetParameters(Request, &p);
    CHECK(d, ReqOf(Request)->Mark == 0);
    ReqOf(Request)->Mark = 1;
    if (p.Type == WdfRequestTypeDeviceControl && p.Parameters.DeviceIoControl.IoControlCode == IOCTL_NEITHER) {
        CHECK(d, WdfRequestRetrieveUnsafeUserInputBuffer(Request, 100, &in, &n) == STATUS_BUFFER_TOO_SMALL);
        CHECK(d, WdfRequestRetrieveUnsafeUserInputBuffer(Request, 4, &in, &n) == STATUS_SUCCESS && n == 4);
        CHECK(d, WdfRequestRetrieveUnsafeUserOutputBuffer(Request, 4, &out, &n) == STATUS_SUCCESS && n == 4);
        CHECK(d, WdfRequestProbeAndLockUserBufferForRead(Request, in, 4, &memory) == STATUS_SUCCESS);
        ULONG value = *(PULONG)WdfMemoryGetBuffer(memory, NULL);
        CHECK(d, WdfRequestProbeAndLockUserBufferForRead(Request, (PVOID)16, 4, &memory) == STATUS_ACCESS_VIOLATION);
        CHECK(d, WdfRequestProbeAndLockUserBufferForWrite(Request, out, 4, &memory) == STATUS_SUCCESS);
        *(PULONG)WdfMemoryGetBuffer(memory, NULL) = value + 1;
        WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, 4);
        return;
    }
    if (p.Type == WdfRequestTypeDeviceControl)
        CHECK(d, WdfRequestRetrieveUnsafeUserInputBuffer(Request, 0, &in, &n) == STATUS_INVALID_DEVICE_REQUEST);
    s = WdfDeviceEnqueueRequest(Device, Request);
    if (!NT_SUCCESS(s))
        WdfRequestComplete(Request, s);
}

static NTSTATUS Preprocess(WDFDEVICE Device, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    if (stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_PREPROCESSED) {
        *(PULONG)Irp->AssociatedIrp.SystemBuffer = 0x3D3;
        Irp->IoStatus.Status = STATUS_SUCCESS;
        Irp->IoStatus.Information = 4;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return STATUS_SUCCESS;
    }
    IoSkipCurrentIrpStackLocation(Irp);
    return WdfDeviceWdmDispatchPreprocessedIrp(Device, Irp);
}

/* ---- static child ---- */

static VOID ChildControl(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    WDFDEVICE bus = WdfPdoGetParent(WdfIoQueueGetDevice(Queue));
    WDF_REQUEST_FORWARD_OPTIONS options;
    WDF_REQUEST_FORWARD_OPTIONS_INIT(&options);
    NTSTATUS s = WdfRequestForwardToParentDeviceIoQueue(Request, DevOf(bus)->ParentQueue, &options);
    if (!NT_SUCCESS(s))
        WdfRequestComplete(Request, s);
}

static VOID FromChild(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    PULONG out;
    NTSTATUS s = WdfRequestRetrieveOutputBuffer(Request, 4, (PVOID *)&out, NULL);
    if (NT_SUCCESS(s))
        *out = 0xB05;
    WdfRequestCompleteWithInformation(Request, s, NT_SUCCESS(s) ? 4 : 0);
}

static NTSTATUS AddChild(WDFDEVICE Device)
{
    DECLARE_CONST_UNICODE_STRING(id, L"LAB\\KmdfStatic");
    DECLARE_CONST_UNICODE_STRING(instance, L"1");
    DECLARE_CONST_UNICODE_STRING(container, L"{8c8b3b0e-6a4d-4f13-9e1c-2b77510d6e09}");
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfStatic");
    PDEV d = DevOf(Device);
    WDF_IO_QUEUE_CONFIG queue;
    PWDFDEVICE_INIT init = WdfPdoInitAllocate(Device);
    WDFDEVICE child;
    if (!init)
        return STATUS_INSUFFICIENT_RESOURCES;
    CHECK(d, WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &child) == STATUS_INVALID_DEVICE_REQUEST); /* no device ID */
    CHECK(d, WdfPdoInitAssignDeviceID(init, &id) == STATUS_SUCCESS && WdfPdoInitAssignInstanceID(init, &instance) == STATUS_SUCCESS);
    CHECK(d, WdfPdoInitAssignContainerID(init, &container) == STATUS_SUCCESS);
    CHECK(d, WdfPdoInitAssignRawDevice(init, &ClassGuid) == STATUS_SUCCESS);
    CHECK(d, WdfDeviceInitAssignSDDLString(init, &SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_RWX_RES_RWX) == STATUS_SUCCESS);
    WdfPdoInitAllowForwardingRequestToParent(init);
    NTSTATUS s = WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &child);
    CHECK(d, NT_SUCCESS(s));
    if (!NT_SUCCESS(s))
        return s;
    CHECK(d, WdfDeviceWdmGetDeviceObject(child)->StackSize == 1 + WdfDeviceWdmGetDeviceObject(Device)->StackSize);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = ChildControl;
    s = WdfIoQueueCreate(child, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    if (NT_SUCCESS(s))
        s = WdfDeviceCreateSymbolicLink(child, &link);
    if (NT_SUCCESS(s))
        s = WdfFdoAddStaticChild(Device, child);
    d->Child = child;
    return s;
}

static ULONG Undone;

static VOID Undo(WDFOBJECT Object)
{
    Undone++;
}

/* A child that its parent makes and thinks better of. */
static VOID NeverAdded(PDEV d, WDFDEVICE Device)
{
    DECLARE_CONST_UNICODE_STRING(id, L"LAB\\KmdfNever");
    DECLARE_CONST_UNICODE_STRING(instance, L"1");
    WDF_OBJECT_ATTRIBUTES a;
    WDFDEVICE child;
    PWDFDEVICE_INIT init = WdfPdoInitAllocate(Device);
    if (!init)
        return;
    CHECK(d, WdfPdoInitAssignDeviceID(init, &id) == STATUS_SUCCESS && WdfPdoInitAssignInstanceID(init, &instance) == STATUS_SUCCESS);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.EvtCleanupCallback = Undo;
    a.EvtDestroyCallback = Undo;
    CHECK(d, WdfDeviceCreate(&init, &a, &child) == STATUS_SUCCESS);
    CHECK(d, Undone == 0);
    WdfObjectDelete(child);
    CHECK(d, Undone == 2);
}

static ULONG StaticChildren(WDFDEVICE Device)
{
    ULONG n = 0;
    WdfFdoLockStaticChildListForIteration(Device);
    for (WDFDEVICE c = NULL; (c = WdfFdoRetrieveNextStaticChild(Device, c, WdfRetrieveAddedChildren)) != NULL;)
        n++;
    WdfFdoUnlockStaticChildListFromIteration(Device);
    return n;
}

/* ---- what needs a started device ---- */

static NTSTATUS OwnAsked(WDFDEVICE Device, LPGUID Type, PINTERFACE Exposed, PVOID Data)
{
    ((OWN_INTERFACE *)Exposed)->Value++;
    return STATUS_SUCCESS;
}

static ULONG Exposed(void)
{
    PWSTR list;
    ULONG n = 0;
    if (!NT_SUCCESS(IoGetDeviceInterfaces(&SeveralGuid, NULL, 0, &list)))
        return 99;
    for (PWCH at = list; *at; n++)
        while (*at++)
            ;
    ExFreePool(list);
    return n;
}

static VOID Run(PDEV d, WDFDEVICE Device)
{
    DECLARE_CONST_UNICODE_STRING(first, L"first");
    DECLARE_CONST_UNICODE_STRING(second, L"second");
    OWN_INTERFACE own = { { 0 } };
    WDFKEY key;
    WDFSTRING string;
    WDFMEMORY memory;
    UNICODE_STRING text;
    WDF_DEVICE_STATE state;
    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS wake;
    ULONG v, length;
    DECLARE_CONST_UNICODE_STRING(name, L"Written");
    CHECK(d, WdfFdoQueryForInterface(Device, &OwnGuid, &own.Header, sizeof own, 1, NULL) == STATUS_SUCCESS && own.Value == 42);
    CHECK(d, WdfFdoQueryForInterface(Device, &OwnGuid, &own.Header, 2, 1, NULL) == STATUS_INVALID_PARAMETER);
    CHECK(d, WdfFdoQueryForInterface(Device, &WmiGuid, &own.Header, sizeof own, 1, NULL) == STATUS_NOT_SUPPORTED);
    CHECK(d, WdfDeviceOpenRegistryKey(Device, PLUGPLAY_REGKEY_DEVICE, KEY_ALL_ACCESS, WDF_NO_OBJECT_ATTRIBUTES, &key) == STATUS_SUCCESS);
    CHECK(d, WdfRegistryAssignULong(key, &name, 3) == STATUS_SUCCESS && WdfRegistryQueryULong(key, &name, &v) == STATUS_SUCCESS && v == 3);
    WdfRegistryClose(key);
    CHECK(d, WdfStringCreate(NULL, WDF_NO_OBJECT_ATTRIBUTES, &string) == STATUS_SUCCESS);
    CHECK(d, WdfDeviceRetrieveDeviceInterfaceString(Device, &ClassGuid, NULL, string) == STATUS_SUCCESS);
    WdfStringGetUnicodeString(string, &text);
    CHECK(d, text.Length > 20);
    CHECK(d, WdfDeviceRetrieveDeviceInterfaceString(Device, &OwnGuid, NULL, string) == STATUS_OBJECT_NAME_NOT_FOUND);
    WdfDeviceSetDeviceInterfaceState(Device, &ClassGuid, NULL, FALSE);
    WdfDeviceSetDeviceInterfaceState(Device, &ClassGuid, NULL, TRUE);
    CHECK(d, Exposed() == 1); /* of two: one is excepted until now */
    WdfDeviceSetDeviceInterfaceStateEx(Device, &SeveralGuid, &second, TRUE);
    CHECK(d, Exposed() == 2);
    WdfDeviceSetDeviceInterfaceStateEx(Device, &SeveralGuid, &first, FALSE);
    CHECK(d, Exposed() == 1);
    WdfDeviceSetDeviceInterfaceStateEx(Device, &OwnGuid, NULL, FALSE); /* there is none */
    WdfObjectDelete(string);
    CHECK(d, WdfDeviceAllocAndQueryProperty(Device, DevicePropertyHardwareID, PagedPool, WDF_NO_OBJECT_ATTRIBUTES, &memory) == STATUS_SUCCESS);
    WdfObjectDelete(memory);
    CHECK(d, WdfDeviceQueryProperty(Device, DevicePropertyHardwareID, 0, NULL, &length) == STATUS_BUFFER_TOO_SMALL && length > 4);
    CHECK(d, WdfIoTargetWdmGetTargetPhysicalDevice(WdfDeviceGetIoTarget(Device)) == WdfDeviceWdmGetPhysicalDevice(Device));
    WDF_DEVICE_STATE_INIT(&state);
    state.NotDisableable = WdfTrue;
    WdfDeviceSetDeviceState(Device, &state);
    WDF_DEVICE_STATE_INIT(&state);
    WdfDeviceGetDeviceState(Device, &state);
    CHECK(d, state.NotDisableable == WdfTrue);
    state.NotDisableable = WdfFalse;
    WdfDeviceSetDeviceState(Device, &state);
    CHECK(d, WdfDeviceStopIdle(Device, TRUE) == STATUS_SUCCESS);
    WdfDeviceResumeIdle(Device);
    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&wake);
    CHECK(d, WdfDeviceAssignSxWakeSettings(Device, &wake) == STATUS_POWER_STATE_INVALID); /* its bus says nothing of wake */
    CHECK(d, WdfDeviceGetSystemPowerAction(Device) == PowerActionNone);
    CHECK(d, WdfWmiInstanceGetDevice(d->Wmi) == Device);
    NeverAdded(d, Device);
    WdfWmiInstanceDeregister(d->Wmi);
    CHECK(d, WdfWmiInstanceRegister(d->Wmi) == STATUS_SUCCESS && WdfWmiInstanceRegister(d->Wmi) == STATUS_INVALID_DEVICE_REQUEST);
    WdfDeviceSetAlignmentRequirement(Device, FILE_WORD_ALIGNMENT);
    CHECK(d, WdfDeviceGetAlignmentRequirement(Device) == FILE_WORD_ALIGNMENT);
    CHECK(d, WdfDeviceGetCharacteristics(Device) & FILE_DEVICE_SECURE_OPEN);
}

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    WDFDEVICE device = WdfIoQueueGetDevice(Queue);
    PDEV d = DevOf(device);
    PVOID out = NULL, in = NULL;
    NTSTATUS s = Out ? WdfRequestRetrieveOutputBuffer(Request, 4, &out, NULL) : STATUS_SUCCESS;
    CHECK(d, ReqOf(Request)->Mark == 1);
    if (NT_SUCCESS(s) && In && Code != IOCTL_MDL)
        s = WdfRequestRetrieveInputBuffer(Request, 4, &in, NULL);
    if (!NT_SUCCESS(s) || !out) {
        WdfRequestComplete(Request, s);
        return;
    }
    switch (Code) {
    case IOCTL_CHECKS:
        *(PULONG)out = d->Failed;
        break;
    case IOCTL_INTERRUPT:
        Interrupted(d, device);
        *(PULONG)out = d->Dpcs;
        break;
    case IOCTL_DMA:
        Dma(d, device, Request);
        *(PULONG)out = d->Transfers;
        break;
    case IOCTL_FILE:
        *(PULONG)out = WdfFileObjectGetFileName(WdfRequestGetFileObject(Request))->Length;
        break;
    case IOCTL_MDL: {
        PMDL a, b;
        CHECK(d, WdfRequestRetrieveInputWdmMdl(Request, &a) == STATUS_SUCCESS && MmGetMdlByteCount(a) == 4);
        CHECK(d, WdfRequestRetrieveOutputWdmMdl(Request, &b) == STATUS_SUCCESS && b == WdfRequestWdmGetIrp(Request)->MdlAddress);
        *(PULONG)out = 0x3D1;
        break;
    }
    case IOCTL_CHILD: {
        BOOLEAN add = *(PULONG)in != 0;
        if (add)
            CHECK(d, AddChild(device) == STATUS_SUCCESS);
        else
            CHECK(d, WdfPdoMarkMissing(d->Child) == STATUS_SUCCESS);
        *(PULONG)out = StaticChildren(device);
        break;
    }
    case IOCTL_RUN:
        Run(d, device);
        *(PULONG)out = d->Failed;
        break;
    default:
        s = STATUS_INVALID_DEVICE_REQUEST;
    }
    WdfRequestCompleteWithInformation(Request, s, NT_SUCCESS(s) ? 4 : 0);
}

static NTSTATUS Wmi(PDEV d, WDFDEVICE Device)
{
    DECLARE_CONST_UNICODE_STRING(mof, L"KmdfMof");
    WDF_WMI_PROVIDER_CONFIG provider;
    WDF_WMI_INSTANCE_CONFIG instance;
    NTSTATUS s = WdfDeviceAssignMofResourceName(Device, &mof);
    CHECK(d, NT_SUCCESS(s));
    WDF_WMI_PROVIDER_CONFIG_INIT(&provider, &WmiGuid);
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER_CONFIG(&instance, &provider);
    instance.Register = TRUE;
    s = WdfWmiInstanceCreate(Device, &instance, WDF_NO_OBJECT_ATTRIBUTES, &d->Wmi);
    CHECK(d, NT_SUCCESS(s));
    instance.Size = 1;
    CHECK(d, WdfWmiInstanceCreate(Device, &instance, WDF_NO_OBJECT_ATTRIBUTES, NULL) == STATUS_INFO_LENGTH_MISMATCH);
    return s;
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfDevices");
    DECLARE_CONST_UNICODE_STRING(first, L"first");
    DECLARE_CONST_UNICODE_STRING(second, L"second");
    WDF_OBJECT_ATTRIBUTES a, file, request;
    WDF_IO_QUEUE_CONFIG queue;
    WDF_FILEOBJECT_CONFIG files;
    WDF_INTERRUPT_CONFIG interrupt;
    WDF_DMA_ENABLER_CONFIG dma;
    WDF_QUERY_INTERFACE_CONFIG query;
    WDF_POWER_POLICY_EVENT_CALLBACKS policy;
    OWN_INTERFACE own = { { sizeof own, 1, NULL, NULL, NULL }, 41 };
    UCHAR none = 0;
    WDFDEVICE device;
    WDFKEY key;
    ULONG length;
    NTSTATUS early = WdfFdoInitOpenRegistryKey(Init, PLUGPLAY_REGKEY_DEVICE, KEY_READ, WDF_NO_OBJECT_ATTRIBUTES, &key);
    NTSTATUS property = WdfFdoInitQueryProperty(Init, DevicePropertyHardwareID, 0, NULL, &length);
    if (NT_SUCCESS(early))
        WdfRegistryClose(key);
    WdfDeviceInitSetPowerInrush(Init);
    WdfDeviceInitSetIoType(Init, WdfDeviceIoDirect);
    WdfDeviceInitSetCharacteristics(Init, FILE_DEVICE_SECURE_OPEN, TRUE);
    WdfDeviceInitSetPowerPolicyOwnership(Init, TRUE);
    WDF_POWER_POLICY_EVENT_CALLBACKS_INIT(&policy);
    WdfDeviceInitSetPowerPolicyEventCallbacks(Init, &policy);
    WDF_FILEOBJECT_CONFIG_INIT(&files, FileCreate, FileClose, FileCleanup);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&file, FIL);
    WdfDeviceInitSetFileObjectConfig(Init, &files, &file);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&request, REQ);
    WdfDeviceInitSetRequestAttributes(Init, &request);
    WdfDeviceInitSetIoInCallerContextCallback(Init, InCallerContext);
    NTSTATUS preprocess = WdfDeviceInitAssignWdmIrpPreprocessCallback(Init, Preprocess, IRP_MJ_DEVICE_CONTROL, NULL, 0);
    NTSTATUS wrong = WdfDeviceInitAssignWdmIrpPreprocessCallback(Init, Preprocess, 0x60, &none, 1);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, DEV);
    NTSTATUS s = WdfDeviceCreate(&Init, &a, &device);
    if (!NT_SUCCESS(s))
        return s;
    PDEV d = DevOf(device);
    CHECK(d, (WdfDeviceWdmGetDeviceObject(device)->Flags & (DO_POWER_INRUSH | DO_POWER_PAGABLE)) == DO_POWER_INRUSH);
    CHECK(d, WdfDeviceCreateDeviceInterface(device, &SeveralGuid, &first) == STATUS_SUCCESS);
    CHECK(d, WdfDeviceCreateDeviceInterface(device, &SeveralGuid, &second) == STATUS_SUCCESS);
    WdfDeviceSetDeviceInterfaceState(device, &SeveralGuid, &first, FALSE); /* too early to have an effect */
    WdfDeviceSetDeviceInterfaceStateEx(device, &SeveralGuid, &second, FALSE);
    CHECK(d, NT_SUCCESS(early) && property == STATUS_BUFFER_TOO_SMALL && length > 4);
    CHECK(d, preprocess == STATUS_SUCCESS && wrong == STATUS_INVALID_PARAMETER);
    CHECK(d, WdfDeviceWdmGetDeviceObject(device)->StackSize == WdfDeviceWdmGetAttachedDevice(device)->StackSize + 2);
    CHECK(d, WdfDeviceWdmGetDeviceObject(device)->Flags & DO_DIRECT_IO);
    WDF_INTERRUPT_CONFIG_INIT(&interrupt, Isr, IsrDpc);
    CHECK(d, WdfInterruptCreate(device, &interrupt, WDF_NO_OBJECT_ATTRIBUTES, &d->Interrupt) == STATUS_SUCCESS);
    CHECK(d, WdfInterruptGetDevice(d->Interrupt) == device);
    WDF_DMA_ENABLER_CONFIG_INIT(&dma, WdfDmaProfileScatterGather64, 4096);
    dma.EvtDmaEnablerFill = Fill;
    dma.EvtDmaEnablerEnable = Enable;
    dma.EvtDmaEnablerSelfManagedIoStart = Start;
    DmaOwner = d;
    CHECK(d, WdfDmaEnablerCreate(device, &dma, WDF_NO_OBJECT_ATTRIBUTES, &d->Enabler) == STATUS_SUCCESS);
    dma.MaximumLength = 0;
    WDFDMAENABLER bad;
    CHECK(d, WdfDmaEnablerCreate(device, &dma, WDF_NO_OBJECT_ATTRIBUTES, &bad) == STATUS_INVALID_PARAMETER);
    WDF_QUERY_INTERFACE_CONFIG_INIT(&query, &own.Header, &OwnGuid, OwnAsked);
    CHECK(d, WdfDeviceAddQueryInterface(device, &query) == STATUS_SUCCESS);
    query.SendQueryToParentStack = TRUE;
    CHECK(d, WdfDeviceAddQueryInterface(device, &query) == STATUS_INVALID_PARAMETER);
    CHECK(d, WdfDeviceCreateDeviceInterface(device, &ClassGuid, NULL) == STATUS_SUCCESS);
    Wmi(d, device);
    WDF_IO_QUEUE_CONFIG_INIT(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = FromChild;
    s = WdfIoQueueCreate(device, &queue, WDF_NO_OBJECT_ATTRIBUTES, &d->ParentQueue);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = Control;
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ExecutionLevel = WdfExecutionLevelPassive;
    if (NT_SUCCESS(s))
        s = WdfIoQueueCreate(device, &queue, &a, WDF_NO_HANDLE);
    return NT_SUCCESS(s) ? WdfDeviceCreateSymbolicLink(device, &link) : s;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
