/* Requests set aside for forward progress, requests of one file, stop and purge, the formats of reads, writes and internal control codes of three
 * arguments, a target of one's own device, dispatching of WDM IRPs: against other control devices of this driver. */
#include "kmdf_contract.h"

#include <wdmsec.h>

#define CODE(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0xb40 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
#define CODE_KEEP CODE(1)
#define CODE_ARGUMENTS CODE(2)
#define CODE_BY_QUEUE CODE(3)
#define CODE_BY_DRIVER CODE(4)
#define CODE_SELF CODE(5)

static WDFDEVICE Peer;
static WDFQUEUE PeerQueue;
static WDFREQUEST Held[8];
static LONG HeldCount, Done;
static NTSTATUS DoneStatus;
static WDF_REQUEST_PARAMETERS Seen;
static WDFQUEUE SeenIn;
DECLARE_CONST_UNICODE_STRING(PeerName, L"\\Device\\Contract-kmdf-requests-peer");

static VOID Take(WDFQUEUE Queue, WDFREQUEST Request)
{
    PUCHAR buffer;
    size_t n = 0;
    NTSTATUS s = STATUS_SUCCESS;
    SeenIn = Queue;
    WDF_REQUEST_PARAMETERS_INIT(&Seen);
    WdfRequestGetParameters(Request, &Seen);
    if (Seen.Type == WdfRequestTypeRead) {
        s = WdfRequestRetrieveOutputBuffer(Request, 1, (PVOID *)&buffer, &n);
        if (NT_SUCCESS(s))
            RtlFillMemory(buffer, n, 0x44);
    } else if (Seen.Type == WdfRequestTypeWrite) {
        s = WdfRequestRetrieveInputBuffer(Request, 1, (PVOID *)&buffer, &n);
        if (NT_SUCCESS(s) && buffer[0] != 0x77)
            s = STATUS_DATA_ERROR;
    } else if (Seen.Type == WdfRequestTypeDeviceControlInternal) {
        n = 3;
    } else if (Seen.Parameters.DeviceIoControl.IoControlCode == CODE_KEEP) {
        Held[HeldCount++] = Request;
        return;
    }
    WdfRequestSetInformation(Request, NT_SUCCESS(s) ? n : 0);
    WdfRequestCompleteWithPriorityBoost(Request, s, IO_DISK_INCREMENT);
}

static NTSTATUS OpenPeer(PCONTRACT t, WDF_IO_QUEUE_DISPATCH_TYPE Type, WDFIOTARGET *Target)
{
    WDF_IO_QUEUE_CONFIG queue;
    WDF_IO_TARGET_OPEN_PARAMS open;
    HeldCount = Done = 0;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, Type);
    if (Type != WdfIoQueueDispatchManual)
        queue.EvtIoDefault = Take;
    NTSTATUS s = KmdfPeerCreate(&PeerName, &queue, WDF_NO_OBJECT_ATTRIBUTES, &Peer, &PeerQueue);
    CHECK_STATUS(s, STATUS_SUCCESS);
    if (!NT_SUCCESS(s))
        return s;
    CHECK_STATUS(WdfIoTargetCreate(KmdfDevice, WDF_NO_OBJECT_ATTRIBUTES, Target), STATUS_SUCCESS);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_OPEN_BY_NAME(&open, &PeerName, GENERIC_READ | GENERIC_WRITE);
    s = WdfIoTargetOpen(*Target, &open);
    CHECK_STATUS(s, STATUS_SUCCESS);
    return s;
}

static VOID ClosePeer(WDFIOTARGET Target)
{
    WdfObjectDelete(Target);
    WdfObjectDelete(Peer);
}

static VOID Completed(WDFREQUEST Request, WDFIOTARGET Target, PWDF_REQUEST_COMPLETION_PARAMS Params, WDFCONTEXT Context)
{
    UNREFERENCED_PARAMETER(Request);
    UNREFERENCED_PARAMETER(Target);
    UNREFERENCED_PARAMETER(Context);
    Done++;
    DoneStatus = Params->IoStatus.Status;
}

static VOID SendTo(PCONTRACT t, WDFIOTARGET Target, WDFREQUEST *Request, ULONG Code)
{
    CHECK_STATUS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, Target, Request), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetFormatRequestForIoctl(Target, *Request, Code, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    WdfRequestSetCompletionRoutine(*Request, Completed, NULL);
    CHECK(WdfRequestSend(*Request, Target, WDF_NO_SEND_OPTIONS));
}

/* ---- forward progress ---- */

static LONG SetAside, Allocated, Examined;
static BOOLEAN NoResources;
static NTSTATUS SetAsideStatus;
static WDF_IO_FORWARD_PROGRESS_ACTION Action;

static NTSTATUS ReservedResources(WDFQUEUE Queue, WDFREQUEST Request)
{
    UNREFERENCED_PARAMETER(Queue);
    UNREFERENCED_PARAMETER(Request);
    SetAside++;
    return SetAsideStatus;
}

static NTSTATUS RequestResources(WDFQUEUE Queue, WDFREQUEST Request)
{
    UNREFERENCED_PARAMETER(Queue);
    UNREFERENCED_PARAMETER(Request);
    Allocated++;
    return NoResources ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

static WDF_IO_FORWARD_PROGRESS_ACTION Examine(WDFQUEUE Queue, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Queue);
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_DEVICE_CONTROL)
        Examined++;
    return Action;
}

static VOID Finish(LONG From, LONG To)
{
    for (LONG i = From; i < To; i++)
        WdfRequestComplete(Held[i], STATUS_SUCCESS);
}

static VOID ForwardProgress(PCONTRACT t)
{
    WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY policy;
    WDFIOTARGET target;
    WDFREQUEST r[4];
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchParallel, &target)))
        return;
    WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY_DEFAULT_INIT(&policy, 0);
    CHECK_STATUS(WdfIoQueueAssignForwardProgressPolicy(PeerQueue, &policy), STATUS_INVALID_PARAMETER);
    policy.Size = 4;
    CHECK_STATUS(WdfIoQueueAssignForwardProgressPolicy(PeerQueue, &policy), STATUS_INFO_LENGTH_MISMATCH);
    WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY_DEFAULT_INIT(&policy, 2);
    policy.EvtIoAllocateResourcesForReservedRequest = ReservedResources;
    policy.EvtIoAllocateRequestResources = RequestResources;
    SetAside = Allocated = 0;
    SetAsideStatus = STATUS_NO_MEMORY;
    CHECK_STATUS(WdfIoQueueAssignForwardProgressPolicy(PeerQueue, &policy), STATUS_NO_MEMORY);
    CHECK_EQ(SetAside, 1);
    SetAsideStatus = STATUS_SUCCESS;
    CHECK_STATUS(WdfIoQueueAssignForwardProgressPolicy(PeerQueue, &policy), STATUS_SUCCESS);
    CHECK_EQ(SetAside, 3);
    CHECK_STATUS(WdfIoQueueAssignForwardProgressPolicy(PeerQueue, &policy), STATUS_INVALID_DEVICE_REQUEST);
    /* with resources: one of its own */
    NoResources = FALSE;
    SendTo(t, target, &r[0], CODE_KEEP);
    CHECK(Allocated == 1 && HeldCount == 1 && !WdfRequestIsReserved(Held[0]));
    Finish(0, 1);
    /* without: two that were set aside, the third waits for one of them, the fourth is cancelled while it waits */
    NoResources = TRUE;
    HeldCount = Done = 0;
    for (int i = 0; i < 3; i++) {
        WdfObjectDelete(r[0]);
        SendTo(t, target, &r[0], CODE_KEEP);
        if (i < 2) {
            CHECK_EQ(HeldCount, i + 1);
            WdfRequestComplete(Held[i], STATUS_SUCCESS);
        }
    }
    CHECK_EQ(Done, 2);
    CHECK(HeldCount == 3 && WdfRequestIsReserved(Held[2]) && Allocated == 4);
    SendTo(t, target, &r[1], CODE_KEEP);
    SendTo(t, target, &r[2], CODE_KEEP);
    SendTo(t, target, &r[3], CODE_KEEP);
    CHECK(HeldCount == 4 && WdfRequestIsReserved(Held[3]));
    CHECK(WdfRequestCancelSentRequest(r[3]));
    CHECK_EQ(Done, 3);
    CHECK_STATUS(DoneStatus, STATUS_CANCELLED);
    WdfRequestComplete(Held[2], STATUS_SUCCESS);
    CHECK(Done == 4 && HeldCount == 5 && WdfRequestIsReserved(Held[4]));
    Finish(3, 5);
    CHECK_EQ(Done, 6);
    for (int i = 0; i < 4; i++)
        WdfObjectDelete(r[i]);
    ClosePeer(target);
}

static VOID ForwardProgressExamined(PCONTRACT t)
{
    WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY policy;
    WDFIOTARGET target;
    WDFREQUEST r;
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchParallel, &target)))
        return;
    Examined = 0;
    NoResources = TRUE;
    WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY_EXAMINE_INIT(&policy, 1, Examine);
    policy.EvtIoAllocateRequestResources = RequestResources;
    CHECK_STATUS(WdfIoQueueAssignForwardProgressPolicy(PeerQueue, &policy), STATUS_SUCCESS);
    Action = WdfIoForwardProgressActionFailRequest;
    SendTo(t, target, &r, CODE_KEEP);
    CHECK(Examined == 1 && Done == 1 && HeldCount == 0);
    CHECK_STATUS(DoneStatus, STATUS_UNSUCCESSFUL);
    WdfObjectDelete(r);
    Action = WdfIoForwardProgressActionUseReservedRequest;
    SendTo(t, target, &r, CODE_KEEP);
    CHECK(Examined == 2 && HeldCount == 1 && WdfRequestIsReserved(Held[0]));
    Finish(0, 1);
    WdfObjectDelete(r);
    ClosePeer(target);
    /* paging requests only: this is none */
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchParallel, &target)))
        return;
    WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY_PAGINGIO_INIT(&policy, 1);
    policy.EvtIoAllocateRequestResources = RequestResources;
    CHECK_STATUS(WdfIoQueueAssignForwardProgressPolicy(PeerQueue, &policy), STATUS_SUCCESS);
    SendTo(t, target, &r, CODE_KEEP);
    CHECK(Done == 1 && HeldCount == 0);
    CHECK_STATUS(DoneStatus, STATUS_UNSUCCESSFUL);
    WdfObjectDelete(r);
    ClosePeer(target);
}

/* ---- stop and purge ---- */

static LONG Told;

static VOID QueueTold(WDFQUEUE Queue, WDFCONTEXT Context)
{
    UNREFERENCED_PARAMETER(Queue);
    Told += *(PLONG)Context;
}

static VOID StopAndPurge(PCONTRACT t)
{
    WDFIOTARGET target;
    WDFREQUEST r[3];
    LONG one = 1;
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchSequential, &target)))
        return;
    Told = 0;
    SendTo(t, target, &r[0], CODE_KEEP);
    SendTo(t, target, &r[1], CODE_KEEP);
    CHECK_EQ(HeldCount, 1);
    WdfIoQueueStopAndPurge(PeerQueue, QueueTold, &one);
    CHECK(Done == 1 && Told == 0); /* the one that waited; the other is the driver's still */
    CHECK_STATUS(DoneStatus, STATUS_CANCELLED);
    CHECK_EQ(WdfIoQueueGetState(PeerQueue, NULL, NULL) & (WdfIoQueueAcceptRequests | WdfIoQueueDispatchRequests), WdfIoQueueAcceptRequests);
    WdfRequestComplete(Held[0], STATUS_SUCCESS);
    CHECK(Done == 2 && Told == 1);
    SendTo(t, target, &r[2], CODE_KEEP); /* accepted, and not presented */
    CHECK(Done == 2 && HeldCount == 1);
    WdfIoQueueStart(PeerQueue);
    CHECK_EQ(HeldCount, 2);
    WdfRequestComplete(Held[1], STATUS_SUCCESS);
    WdfIoQueueStopAndPurgeSynchronously(PeerQueue);
    CHECK_EQ(WdfIoQueueGetState(PeerQueue, NULL, NULL), WdfIoQueueAcceptRequests | WdfIoQueueNoRequests | WdfIoQueueDriverNoRequests);
    for (int i = 0; i < 3; i++)
        WdfObjectDelete(r[i]);
    ClosePeer(target);
}

/* ---- formats ---- */

static VOID ReadsAndWrites(PCONTRACT t)
{
    WDFIOTARGET target;
    WDFREQUEST r;
    WDFMEMORY memory;
    WDFMEMORY_OFFSET offset = { 2, 4 };
    WDF_REQUEST_REUSE_PARAMS reuse;
    WDF_REQUEST_COMPLETION_PARAMS params;
    LONGLONG where = 0x123456789;
    PUCHAR b;
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchParallel, &target)))
        return;
    CHECK_STATUS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, target, &r), STATUS_SUCCESS);
    CHECK_STATUS(WdfMemoryCreate(WDF_NO_OBJECT_ATTRIBUTES, NonPagedPoolNx, KMDF_TAG, 8, &memory, (PVOID *)&b), STATUS_SUCCESS);
    RtlZeroMemory(b, 8);
    CHECK_STATUS(WdfIoTargetFormatRequestForRead(target, r, memory, &offset, &where), STATUS_SUCCESS);
    WdfRequestSetCompletionRoutine(r, Completed, NULL);
    CHECK(WdfRequestSend(r, target, WDF_NO_SEND_OPTIONS));
    CHECK(Done == 1 && Seen.Type == WdfRequestTypeRead && Seen.Parameters.Read.Length == 4 && Seen.Parameters.Read.DeviceOffset == where);
    CHECK(b[1] == 0 && b[2] == 0x44 && b[5] == 0x44 && b[6] == 0);
    WDF_REQUEST_COMPLETION_PARAMS_INIT(&params);
    WdfRequestGetCompletionParams(r, &params);
    CHECK(params.Type == WdfRequestTypeRead && params.Parameters.Read.Buffer == memory && params.Parameters.Read.Length == 4 && params.Parameters.Read.Offset == 2);
    WDF_REQUEST_REUSE_PARAMS_INIT(&reuse, WDF_REQUEST_REUSE_NO_FLAGS, STATUS_SUCCESS);
    CHECK_STATUS(WdfRequestReuse(r, &reuse), STATUS_SUCCESS);
    b[2] = 0x77;
    CHECK_STATUS(WdfIoTargetFormatRequestForWrite(target, r, memory, &offset, NULL), STATUS_SUCCESS);
    WdfRequestSetCompletionRoutine(r, Completed, NULL);
    CHECK(WdfRequestSend(r, target, WDF_NO_SEND_OPTIONS));
    CHECK(Done == 2 && Seen.Type == WdfRequestTypeWrite && Seen.Parameters.Write.Length == 4 && Seen.Parameters.Write.DeviceOffset == 0);
    CHECK_STATUS(DoneStatus, STATUS_SUCCESS);
    CHECK_EQ(WdfRequestGetInformation(r), 4);
    CHECK_STATUS(WdfRequestReuse(r, &reuse), STATUS_SUCCESS);
    offset.BufferLength = 7; /* beyond the memory */
    CHECK(!NT_SUCCESS(WdfIoTargetFormatRequestForWrite(target, r, memory, &offset, NULL)));
    WdfIoTargetClose(target);
    CHECK_STATUS(WdfIoTargetFormatRequestForRead(target, r, memory, NULL, NULL), STATUS_INVALID_DEVICE_STATE);
    WdfObjectDelete(r);
    WdfObjectDelete(memory);
    ClosePeer(target);
}

static VOID Others(PCONTRACT t)
{
    WDFIOTARGET target;
    WDFREQUEST r;
    WDFMEMORY memory[3];
    PVOID at[3];
    WDF_MEMORY_DESCRIPTOR d[3];
    WDFMEMORY_OFFSET offset = { 3, 1 };
    ULONG_PTR bytes = 0;
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchParallel, &target)))
        return;
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(WdfMemoryCreate(WDF_NO_OBJECT_ATTRIBUTES, NonPagedPoolNx, KMDF_TAG, 8, &memory[i], &at[i]), STATUS_SUCCESS);
        WDF_MEMORY_DESCRIPTOR_INIT_HANDLE(&d[i], memory[i], NULL);
    }
    CHECK_STATUS(WdfIoTargetSendInternalIoctlOthersSynchronously(target, NULL, CODE_ARGUMENTS, &d[0], &d[1], NULL, NULL, &bytes), STATUS_SUCCESS);
    CHECK_EQ(Seen.Type, WdfRequestTypeDeviceControlInternal);
    CHECK(Seen.Parameters.Others.Arg1 == at[0] && Seen.Parameters.Others.Arg2 == at[1] && Seen.Parameters.Others.Arg4 == NULL);
    CHECK_EQ(Seen.Parameters.Others.IoControlCode, CODE_ARGUMENTS);
    CHECK_EQ(bytes, 3);
    CHECK_STATUS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, target, &r), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetFormatRequestForInternalIoctlOthers(target, r, CODE_ARGUMENTS, memory[0], &offset, NULL, NULL, memory[2], NULL), STATUS_SUCCESS);
    WdfRequestSetCompletionRoutine(r, Completed, NULL);
    CHECK(WdfRequestSend(r, target, WDF_NO_SEND_OPTIONS));
    CHECK(Done == 1 && Seen.Parameters.Others.Arg1 == (PUCHAR)at[0] + 3 && Seen.Parameters.Others.Arg2 == NULL && Seen.Parameters.Others.Arg4 == at[2]);
    WdfIoTargetClose(target);
    CHECK_STATUS(WdfIoTargetSendInternalIoctlOthersSynchronously(target, NULL, CODE_ARGUMENTS, &d[0], NULL, NULL, NULL, NULL), STATUS_INVALID_DEVICE_STATE);
    WdfObjectDelete(r);
    for (int i = 0; i < 3; i++)
        WdfObjectDelete(memory[i]);
    ClosePeer(target);
}

/* ---- dispatching, and a target of one's own ---- */

static LONG Dispatched;
static WDFQUEUE Special;

static NTSTATUS DispatchIrp(WDFDEVICE Device, UCHAR Major, UCHAR Minor, ULONG Code, WDFCONTEXT DriverContext, PIRP Irp, WDFCONTEXT DispatchContext)
{
    UNREFERENCED_PARAMETER(Minor);
    Dispatched += DriverContext == (WDFCONTEXT)&Dispatched && Major == IRP_MJ_DEVICE_CONTROL;
    if (Code == CODE_BY_QUEUE)
        return WdfDeviceWdmDispatchIrpToIoQueue(Device, Irp, Special, 0);
    if (Code == CODE_BY_DRIVER) {
        Irp->IoStatus.Status = STATUS_NOT_FOUND;
        Irp->IoStatus.Information = 0;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return STATUS_NOT_FOUND;
    }
    return WdfDeviceWdmDispatchIrp(Device, Irp, DispatchContext);
}

static VOID Dispatching(PCONTRACT t)
{
    WDFIOTARGET target;
    WDF_IO_QUEUE_CONFIG c;
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchParallel, &target)))
        return;
    Dispatched = 0;
    WDF_IO_QUEUE_CONFIG_INIT(&c, WdfIoQueueDispatchParallel);
    c.EvtIoDefault = Take;
    CHECK_STATUS(WdfIoQueueCreate(Peer, &c, WDF_NO_OBJECT_ATTRIBUTES, &Special), STATUS_SUCCESS);
    CHECK_STATUS(WdfDeviceConfigureWdmIrpDispatchCallback(Peer, NULL, IRP_MJ_PNP, DispatchIrp, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(WdfDeviceConfigureWdmIrpDispatchCallback(Peer, NULL, IRP_MJ_DEVICE_CONTROL, DispatchIrp, &Dispatched), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetSendIoctlSynchronously(target, NULL, CODE_BY_QUEUE, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    CHECK(Dispatched == 1 && SeenIn == Special);
    CHECK_STATUS(WdfIoTargetSendIoctlSynchronously(target, NULL, CODE_BY_DRIVER, NULL, NULL, NULL, NULL), STATUS_NOT_FOUND);
    CHECK_EQ(Dispatched, 2);
    CHECK_STATUS(WdfIoTargetSendIoctlSynchronously(target, NULL, CODE_SELF, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    CHECK(Dispatched == 3 && SeenIn == PeerQueue);
    SeenIn = NULL;
    CHECK_STATUS(WdfIoTargetSendInternalIoctlSynchronously(target, NULL, CODE_SELF, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    CHECK(Dispatched == 3 && SeenIn == PeerQueue); /* another major function */
    ClosePeer(target);
}

static VOID OwnTarget(PCONTRACT t)
{
    PWDFDEVICE_INIT init = WdfControlDeviceInitAllocate(KmdfDriver, &SDDL_DEVOBJ_SYS_ALL_ADM_ALL);
    WDF_IO_QUEUE_CONFIG c;
    WDFDEVICE device;
    WDFQUEUE normal, other;
    WDFIOTARGET self;
    CHECK(init != NULL);
    if (!init)
        return;
    CHECK(WdfDeviceGetSelfIoTarget(KmdfDevice) == NULL);
    WdfDeviceInitAllowSelfIoTarget(init);
    CHECK_STATUS(WdfDeviceInitAssignName(init, &PeerName), STATUS_SUCCESS);
    CHECK_STATUS(WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &device), STATUS_SUCCESS);
    CHECK_EQ(WdfDeviceWdmGetDeviceObject(device)->StackSize, 2);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&c, WdfIoQueueDispatchParallel);
    c.EvtIoDefault = Take;
    CHECK_STATUS(WdfIoQueueCreate(device, &c, WDF_NO_OBJECT_ATTRIBUTES, &normal), STATUS_SUCCESS);
    WDF_IO_QUEUE_CONFIG_INIT(&c, WdfIoQueueDispatchParallel);
    c.EvtIoDefault = Take;
    CHECK_STATUS(WdfIoQueueCreate(device, &c, WDF_NO_OBJECT_ATTRIBUTES, &other), STATUS_SUCCESS);
    WdfControlFinishInitializing(device);
    self = WdfDeviceGetSelfIoTarget(device);
    CHECK(self != NULL && WdfDeviceGetSelfIoTarget(device) == self && WdfIoTargetGetDevice(self) == device);
    CHECK_STATUS(WdfIoTargetSelfAssignDefaultIoQueue(self, WdfDeviceGetDefaultQueue(KmdfDevice)), STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS(WdfIoTargetSendIoctlSynchronously(self, NULL, CODE_SELF, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    CHECK(SeenIn == normal);
    CHECK_STATUS(WdfIoTargetSelfAssignDefaultIoQueue(self, other), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetSendIoctlSynchronously(self, NULL, CODE_SELF, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    CHECK(SeenIn == other);
    WdfObjectDelete(device);
}

/* ---- synchronisation scopes ---- */

static LONG Inside, MostInside, Ticks;

static VOID Enter(VOID)
{
    LONG now = InterlockedIncrement(&Inside);
    if (now > MostInside)
        MostInside = now;
}

static VOID Slow(WDFQUEUE Queue, WDFREQUEST Request)
{
    UNREFERENCED_PARAMETER(Queue);
    Enter();
    KmdfSleep(20);
    InterlockedDecrement(&Inside);
    WdfRequestComplete(Request, STATUS_SUCCESS);
}

static VOID SlowWork(WDFWORKITEM Item)
{
    UNREFERENCED_PARAMETER(Item);
    Enter();
    KmdfSleep(20);
    InterlockedDecrement(&Inside);
    Ticks++;
}

static VOID Sender(PVOID Context)
{
    WdfIoTargetSendIoctlSynchronously((WDFIOTARGET)Context, NULL, CODE_KEEP, NULL, NULL, NULL, NULL);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* Three threads send at once, and a work item below the queue runs: how many callbacks were inside at a time. */
static LONG Together(PCONTRACT t, WDF_SYNCHRONIZATION_SCOPE DeviceScope, WDF_SYNCHRONIZATION_SCOPE QueueScope)
{
    PWDFDEVICE_INIT init = WdfControlDeviceInitAllocate(KmdfDriver, &SDDL_DEVOBJ_SYS_ALL_ADM_ALL);
    WDF_OBJECT_ATTRIBUTES a;
    WDF_IO_QUEUE_CONFIG c;
    WDF_WORKITEM_CONFIG w;
    WDF_IO_TARGET_OPEN_PARAMS open;
    WDFDEVICE device;
    WDFQUEUE queue;
    WDFWORKITEM item;
    WDFIOTARGET target;
    HANDLE thread[3];
    PVOID object;
    Inside = MostInside = Ticks = 0;
    if (!init || !NT_SUCCESS(WdfDeviceInitAssignName(init, &PeerName)))
        return -1;
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ExecutionLevel = WdfExecutionLevelPassive;
    a.SynchronizationScope = DeviceScope;
    CHECK_STATUS(WdfDeviceCreate(&init, &a, &device), STATUS_SUCCESS);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&c, WdfIoQueueDispatchParallel);
    c.EvtIoDefault = Slow;
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.SynchronizationScope = QueueScope;
    CHECK_STATUS(WdfIoQueueCreate(device, &c, &a, &queue), STATUS_SUCCESS);
    WdfControlFinishInitializing(device);
    WDF_WORKITEM_CONFIG_INIT(&w, SlowWork); /* serialised with its parent */
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = queue;
    CHECK_STATUS(WdfWorkItemCreate(&w, &a, &item), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetCreate(KmdfDevice, WDF_NO_OBJECT_ATTRIBUTES, &target), STATUS_SUCCESS);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_OPEN_BY_NAME(&open, &PeerName, GENERIC_READ | GENERIC_WRITE);
    CHECK_STATUS(WdfIoTargetOpen(target, &open), STATUS_SUCCESS);
    for (int i = 0; i < 3; i++)
        PsCreateSystemThread(&thread[i], THREAD_ALL_ACCESS, NULL, NULL, NULL, Sender, target);
    WdfWorkItemEnqueue(item);
    for (int i = 0; i < 3; i++) {
        if (NT_SUCCESS(ObReferenceObjectByHandle(thread[i], SYNCHRONIZE, *PsThreadType, KernelMode, &object, NULL))) {
            KeWaitForSingleObject(object, Executive, KernelMode, FALSE, NULL);
            ObDereferenceObject(object);
        }
        ZwClose(thread[i]);
    }
    WdfWorkItemFlush(item);
    CHECK_EQ(Ticks, 1);
    WdfObjectDelete(item);
    WdfObjectDelete(target);
    WdfObjectDelete(device);
    return MostInside;
}

static VOID Scopes(PCONTRACT t)
{
    CHECK_EQ(Together(t, WdfSynchronizationScopeDevice, WdfSynchronizationScopeInheritFromParent), 1);
    CHECK_EQ(Together(t, WdfSynchronizationScopeQueue, WdfSynchronizationScopeInheritFromParent), 1);
    CHECK_EQ(Together(t, WdfSynchronizationScopeNone, WdfSynchronizationScopeQueue), 1);
    CHECK(Together(t, WdfSynchronizationScopeNone, WdfSynchronizationScopeInheritFromParent) > 1);
}

/* ---- who asks ---- */

static VOID Requestor(PCONTRACT t)
{
    CHECK(!WdfRequestIsFrom32BitProcess(KmdfRequest));
    CHECK_EQ(WdfRequestGetRequestorProcessId(KmdfRequest), (ULONG)(ULONG_PTR)PsGetCurrentProcessId());
    CHECK_EQ(WdfRequestGetRequestorMode(KmdfRequest), UserMode);
}

const KMDF_TEST KmdfTests[] = {
    { "forward progress", ForwardProgress }, { "forward progress, examined", ForwardProgressExamined }, { "stop and purge", StopAndPurge },
    { "reads and writes", ReadsAndWrites },  { "three arguments", Others },                             { "dispatching of WDM IRPs", Dispatching },
    { "a target of its own", OwnTarget },    { "synchronisation scopes", Scopes },                      { "who asks", Requestor },
};
const ULONG KmdfTestCount = RTL_NUMBER_OF(KmdfTests);
