/* Queues, requests and I/O targets, against other control devices of this driver. */
#include "kmdf_contract.h"

#define CODE(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0xb00 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
#define CODE_ADD CODE(0) /* each byte plus one */
#define CODE_FAIL CODE(1)
#define CODE_HOLD CODE(2) /* kept, cancelable */
#define CODE_KEEP CODE(3) /* kept, not cancelable */
#define CODE_DIRECT CTL_CODE(FILE_DEVICE_UNKNOWN, 0xb04, METHOD_OUT_DIRECT, FILE_ANY_ACCESS)
#define CODE_NEITHER CTL_CODE(FILE_DEVICE_UNKNOWN, 0xb05, METHOD_NEITHER, FILE_ANY_ACCESS)

/* ---- the other device ---- */

static WDFREQUEST Held[8];
static LONG HeldCount, CancelCount;
static WDF_REQUEST_PARAMETERS Seen;
static EVT_WDF_REQUEST_CANCEL HoldCanceled;
static EVT_WDF_IO_QUEUE_IO_DEFAULT PeerDefault;
static EVT_WDF_IO_QUEUE_STATE QueueTold;

static VOID HoldCanceled(WDFREQUEST Request)
{
    CancelCount++;
    WdfRequestComplete(Request, STATUS_CANCELLED);
}

static VOID Transfer(WDFREQUEST Request, ULONG Code)
{
    PUCHAR in, out;
    size_t n = 0;
    NTSTATUS s = WdfRequestRetrieveInputBuffer(Request, 1, (PVOID *)&in, &n);
    if (NT_SUCCESS(s))
        s = WdfRequestRetrieveOutputBuffer(Request, n, (PVOID *)&out, NULL);
    for (size_t i = 0; NT_SUCCESS(s) && i < n; i++)
        out[i] = (UCHAR)(in[i] + 1);
    UNREFERENCED_PARAMETER(Code);
    WdfRequestCompleteWithInformation(Request, s, NT_SUCCESS(s) ? n : 0);
}

static VOID PeerDefault(WDFQUEUE Queue, WDFREQUEST Request)
{
    UNREFERENCED_PARAMETER(Queue);
    WDF_REQUEST_PARAMETERS_INIT(&Seen);
    WdfRequestGetParameters(Request, &Seen);
    if (Seen.Type == WdfRequestTypeRead) {
        PUCHAR out;
        NTSTATUS s = WdfRequestRetrieveOutputBuffer(Request, 1, (PVOID *)&out, NULL);
        if (NT_SUCCESS(s))
            RtlFillMemory(out, Seen.Parameters.Read.Length, 0x52);
        WdfRequestCompleteWithInformation(Request, s, NT_SUCCESS(s) ? Seen.Parameters.Read.Length : 0);
        return;
    }
    if (Seen.Type == WdfRequestTypeWrite) {
        WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, Seen.Parameters.Write.Length);
        return;
    }
    switch (Seen.Parameters.DeviceIoControl.IoControlCode) {
    case CODE_FAIL:
        WdfRequestComplete(Request, STATUS_DEVICE_NOT_READY);
        return;
    case CODE_HOLD:
        Held[HeldCount++] = Request;
        WdfRequestMarkCancelable(Request, HoldCanceled);
        return;
    case CODE_KEEP:
        Held[HeldCount++] = Request;
        return;
    default:
        Transfer(Request, Seen.Parameters.DeviceIoControl.IoControlCode);
        return;
    }
}

static VOID Release(NTSTATUS Status)
{
    for (LONG i = 0; i < HeldCount; i++)
        WdfRequestComplete(Held[i], Status);
    HeldCount = 0;
}

static WDFDEVICE Peer;
static WDFQUEUE PeerQueue;
DECLARE_CONST_UNICODE_STRING(PeerName, L"\\Device\\Contract-kmdf-io-peer");

static NTSTATUS OpenPeer(PCONTRACT t, WDF_IO_QUEUE_DISPATCH_TYPE Type, WDFIOTARGET *Target)
{
    WDF_IO_QUEUE_CONFIG queue;
    WDF_IO_TARGET_OPEN_PARAMS open;
    HeldCount = CancelCount = 0;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, Type);
    if (Type != WdfIoQueueDispatchManual)
        queue.EvtIoDefault = PeerDefault;
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
    Peer = NULL;
}

/* ---- targets ---- */

static VOID Opening(PCONTRACT t)
{
    WDFIOTARGET target;
    WDF_IO_TARGET_OPEN_PARAMS open;
    WDFREQUEST request;
    DECLARE_CONST_UNICODE_STRING(nobody, L"\\Device\\Contract-kmdf-nobody");
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchParallel, &target)))
        return;
    CHECK_EQ(WdfIoTargetGetState(target), WdfIoTargetStarted);
    CHECK(WdfIoTargetGetDevice(target) == KmdfDevice);
    CHECK(WdfIoTargetWdmGetTargetDeviceObject(target) == WdfDeviceWdmGetDeviceObject(Peer));
    CHECK(WdfIoTargetWdmGetTargetFileObject(target) != NULL && WdfIoTargetWdmGetTargetFileHandle(target) != NULL);
    CHECK(WdfIoTargetWdmGetTargetPhysicalDevice(target) == NULL);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_OPEN_BY_NAME(&open, &PeerName, GENERIC_READ);
    CHECK_STATUS(WdfIoTargetOpen(target, &open), STATUS_INVALID_DEVICE_STATE);
    WdfIoTargetClose(target);
    CHECK_EQ(WdfIoTargetGetState(target), WdfIoTargetClosed);
    CHECK_STATUS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, target, &request), STATUS_INVALID_DEVICE_STATE);
    CHECK_STATUS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, NULL, &request), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetFormatRequestForIoctl(target, request, CODE_ADD, NULL, NULL, NULL, NULL), STATUS_INVALID_DEVICE_STATE);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_REOPEN(&open);
    CHECK_STATUS(WdfIoTargetOpen(target, &open), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetFormatRequestForIoctl(target, request, CODE_ADD, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    WdfObjectDelete(request);
    WdfIoTargetCloseForQueryRemove(target);
    CHECK_EQ(WdfIoTargetGetState(target), WdfIoTargetClosedForQueryRemove);
    CHECK_STATUS(WdfIoTargetStart(target), STATUS_INVALID_DEVICE_STATE);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_EXISTING_DEVICE(&open, WdfDeviceWdmGetDeviceObject(Peer));
    CHECK_STATUS(WdfIoTargetOpen(target, &open), STATUS_SUCCESS);
    CHECK(WdfIoTargetWdmGetTargetFileHandle(target) == NULL);
    WdfIoTargetClose(target);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_OPEN_BY_NAME(&open, &nobody, GENERIC_READ);
    CHECK_STATUS(WdfIoTargetOpen(target, &open), STATUS_OBJECT_NAME_NOT_FOUND);
    open.Size = 3;
    CHECK_STATUS(WdfIoTargetOpen(target, &open), STATUS_INFO_LENGTH_MISMATCH);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_EXISTING_DEVICE(&open, NULL);
    CHECK_STATUS(WdfIoTargetOpen(target, &open), STATUS_INVALID_PARAMETER);
    ClosePeer(target);
}

static VOID Synchronous(PCONTRACT t)
{
    WDFIOTARGET target;
    WDF_MEMORY_DESCRIPTOR in, out;
    WDF_REQUEST_SEND_OPTIONS options;
    WDFMEMORY memory;
    WDFMEMORY_OFFSET offset = { 2, 3 };
    UCHAR a[6] = { 1, 2, 3, 4, 5, 6 }, b[8] = { 0 }, *m;
    ULONG_PTR bytes = 99;
    LONGLONG where = 7;
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchParallel, &target)))
        return;
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&in, a, sizeof a);
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&out, b, sizeof b);
    CHECK_STATUS(WdfIoTargetSendIoctlSynchronously(target, NULL, CODE_ADD, &in, &out, NULL, &bytes), STATUS_SUCCESS);
    CHECK_EQ(bytes, 6);
    CHECK(b[0] == 2 && b[5] == 7 && b[6] == 0);
    CHECK_EQ(Seen.Type, WdfRequestTypeDeviceControl);
    CHECK(Seen.Parameters.DeviceIoControl.InputBufferLength == 6 && Seen.Parameters.DeviceIoControl.OutputBufferLength == 8);
    CHECK_STATUS(WdfIoTargetSendInternalIoctlSynchronously(target, NULL, CODE_ADD, &in, &out, NULL, &bytes), STATUS_SUCCESS);
    CHECK_EQ(Seen.Type, WdfRequestTypeDeviceControlInternal);
    CHECK_STATUS(WdfIoTargetSendIoctlSynchronously(target, NULL, CODE_FAIL, NULL, NULL, NULL, &bytes), STATUS_DEVICE_NOT_READY);
    CHECK_EQ(bytes, 0);
    CHECK_STATUS(WdfIoTargetSendIoctlSynchronously(target, NULL, CODE_ADD, NULL, &out, NULL, &bytes), STATUS_BUFFER_TOO_SMALL);
    RtlZeroMemory(b, sizeof b);
    CHECK_STATUS(WdfIoTargetSendIoctlSynchronously(target, NULL, CODE_DIRECT, &in, &out, NULL, &bytes), STATUS_SUCCESS);
    CHECK(bytes == 6 && b[5] == 7);
    RtlZeroMemory(b, sizeof b);
    CHECK_STATUS(WdfIoTargetSendIoctlSynchronously(target, NULL, CODE_NEITHER, &in, &out, NULL, &bytes), STATUS_SUCCESS);
    CHECK(bytes == 6 && b[5] == 7);
    /* a part of a memory */
    CHECK_STATUS(WdfMemoryCreate(WDF_NO_OBJECT_ATTRIBUTES, NonPagedPoolNx, KMDF_TAG, 8, &memory, (PVOID *)&m), STATUS_SUCCESS);
    RtlZeroMemory(m, 8);
    m[2] = 10;
    WDF_MEMORY_DESCRIPTOR_INIT_HANDLE(&in, memory, &offset);
    CHECK_STATUS(WdfIoTargetSendIoctlSynchronously(target, NULL, CODE_ADD, &in, &out, NULL, &bytes), STATUS_SUCCESS);
    CHECK(bytes == 3 && b[0] == 11 && b[1] == 1);
    offset.BufferLength = 20;
    CHECK(!NT_SUCCESS(WdfIoTargetSendIoctlSynchronously(target, NULL, CODE_ADD, &in, &out, NULL, &bytes)));
    WdfObjectDelete(memory);
    /* read and write */
    CHECK_STATUS(WdfIoTargetSendReadSynchronously(target, NULL, &out, &where, NULL, &bytes), STATUS_SUCCESS);
    CHECK(bytes == 8 && b[7] == 0x52 && Seen.Parameters.Read.DeviceOffset == 7);
    CHECK_STATUS(WdfIoTargetSendWriteSynchronously(target, NULL, &out, NULL, NULL, &bytes), STATUS_SUCCESS);
    CHECK_EQ(bytes, 8);
    CHECK_EQ(Seen.Type, WdfRequestTypeWrite);
    /* too late */
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SYNCHRONOUS);
    WDF_REQUEST_SEND_OPTIONS_SET_TIMEOUT(&options, WDF_REL_TIMEOUT_IN_MS(50));
    CHECK_STATUS(WdfIoTargetSendIoctlSynchronously(target, NULL, CODE_HOLD, NULL, NULL, &options, NULL), STATUS_IO_TIMEOUT);
    CHECK_EQ(CancelCount, 1);
    HeldCount = 0;
    options.Size = 1;
    CHECK_STATUS(WdfIoTargetSendIoctlSynchronously(target, NULL, CODE_ADD, NULL, NULL, &options, NULL), STATUS_INFO_LENGTH_MISMATCH);
    ClosePeer(target);
}

/* ---- asynchronous ---- */

static LONG Done;
static NTSTATUS DoneStatus;
static WDF_REQUEST_COMPLETION_PARAMS DoneParams;
static WDFCONTEXT DoneContext;
static EVT_WDF_REQUEST_COMPLETION_ROUTINE Completed;

static VOID Completed(WDFREQUEST Request, WDFIOTARGET Target, PWDF_REQUEST_COMPLETION_PARAMS Params, WDFCONTEXT Context)
{
    UNREFERENCED_PARAMETER(Target);
    Done++;
    DoneStatus = WdfRequestGetStatus(Request);
    DoneParams = *Params;
    DoneContext = Context;
}

static VOID Asynchronous(PCONTRACT t)
{
    WDFIOTARGET target;
    WDFREQUEST request;
    WDFMEMORY in, out;
    WDF_REQUEST_REUSE_PARAMS reuse;
    WDF_REQUEST_SEND_OPTIONS options;
    WDF_REQUEST_COMPLETION_PARAMS params;
    PUCHAR a, b;
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchParallel, &target)))
        return;
    Done = 0;
    CHECK_STATUS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, target, &request), STATUS_SUCCESS);
    CHECK(WdfRequestGetIoQueue(request) == NULL && WdfRequestWdmGetIrp(request) != NULL);
    CHECK_STATUS(WdfMemoryCreate(WDF_NO_OBJECT_ATTRIBUTES, NonPagedPoolNx, KMDF_TAG, 4, &in, (PVOID *)&a), STATUS_SUCCESS);
    CHECK_STATUS(WdfMemoryCreate(WDF_NO_OBJECT_ATTRIBUTES, NonPagedPoolNx, KMDF_TAG, 4, &out, (PVOID *)&b), STATUS_SUCCESS);
    RtlFillMemory(a, 4, 3);
    RtlZeroMemory(b, 4);
    CHECK_STATUS(WdfIoTargetFormatRequestForIoctl(target, request, CODE_ADD, in, NULL, out, NULL), STATUS_SUCCESS);
    WdfRequestSetCompletionRoutine(request, Completed, &Done);
    CHECK(WdfRequestSend(request, target, WDF_NO_SEND_OPTIONS));
    CHECK_EQ(Done, 1);
    CHECK_STATUS(DoneStatus, STATUS_SUCCESS);
    CHECK(DoneContext == &Done && b[3] == 4);
    CHECK_EQ(DoneParams.Type, WdfRequestTypeDeviceControl);
    CHECK(DoneParams.Parameters.Ioctl.IoControlCode == CODE_ADD && DoneParams.Parameters.Ioctl.Output.Buffer == out && DoneParams.Parameters.Ioctl.Output.Length == 4);
    WDF_REQUEST_COMPLETION_PARAMS_INIT(&params);
    WdfRequestGetCompletionParams(request, &params);
    CHECK_EQ(params.IoStatus.Information, 4);
    /* again, kept, and cancelled */
    WDF_REQUEST_REUSE_PARAMS_INIT(&reuse, WDF_REQUEST_REUSE_NO_FLAGS, STATUS_SUCCESS);
    CHECK_STATUS(WdfRequestReuse(request, &reuse), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetFormatRequestForInternalIoctl(target, request, CODE_HOLD, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    WdfRequestSetCompletionRoutine(request, Completed, NULL);
    CHECK(WdfRequestSend(request, target, WDF_NO_SEND_OPTIONS));
    CHECK_EQ(Done, 1);
    CHECK(WdfRequestCancelSentRequest(request));
    CHECK_EQ(Done, 2);
    CHECK_STATUS(DoneStatus, STATUS_CANCELLED);
    CHECK_EQ(CancelCount, 1);
    CHECK(!WdfRequestCancelSentRequest(request));
    HeldCount = 0;
    /* a timeout */
    CHECK_STATUS(WdfRequestReuse(request, &reuse), STATUS_SUCCESS);
    CHECK_STATUS(WdfRequestAllocateTimer(request), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetFormatRequestForIoctl(target, request, CODE_HOLD, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    WdfRequestSetCompletionRoutine(request, Completed, NULL);
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_TIMEOUT);
    WDF_REQUEST_SEND_OPTIONS_SET_TIMEOUT(&options, WDF_REL_TIMEOUT_IN_MS(20));
    CHECK(WdfRequestSend(request, target, &options));
    KmdfSleep(100);
    CHECK_EQ(Done, 3);
    CHECK_STATUS(DoneStatus, STATUS_IO_TIMEOUT);
    HeldCount = 0;
    /* options that cannot be */
    CHECK_STATUS(WdfRequestReuse(request, &reuse), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetFormatRequestForIoctl(target, request, CODE_ADD, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET | WDF_REQUEST_SEND_OPTION_SYNCHRONOUS);
    CHECK(!WdfRequestSend(request, target, &options));
    CHECK_STATUS(WdfRequestGetStatus(request), STATUS_INVALID_PARAMETER);
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET);
    CHECK(!WdfRequestSend(request, target, &options));
    CHECK_STATUS(WdfRequestGetStatus(request), STATUS_INVALID_DEVICE_STATE);
    reuse.Flags = 0x100;
    CHECK_STATUS(WdfRequestReuse(request, &reuse), STATUS_INVALID_PARAMETER);
    WdfObjectDelete(request);
    WdfObjectDelete(in);
    WdfObjectDelete(out);
    ClosePeer(target);
}

static VOID Stopping(PCONTRACT t)
{
    WDFIOTARGET target;
    WDFREQUEST request;
    WDF_REQUEST_REUSE_PARAMS reuse;
    WDF_REQUEST_SEND_OPTIONS options;
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchParallel, &target)))
        return;
    Done = 0;
    CHECK_STATUS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, target, &request), STATUS_SUCCESS);
    WdfIoTargetStop(target, WdfIoTargetLeaveSentIoPending);
    CHECK_EQ(WdfIoTargetGetState(target), WdfIoTargetStopped);
    CHECK_STATUS(WdfIoTargetFormatRequestForIoctl(target, request, CODE_FAIL, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    WdfRequestSetCompletionRoutine(request, Completed, NULL);
    CHECK(WdfRequestSend(request, target, WDF_NO_SEND_OPTIONS)); /* waits in the target */
    CHECK_EQ(Done, 0);
    CHECK_STATUS(WdfIoTargetStart(target), STATUS_SUCCESS);
    CHECK_EQ(Done, 1);
    CHECK_STATUS(DoneStatus, STATUS_DEVICE_NOT_READY);
    /* cancelled while it waits */
    WdfIoTargetStop(target, WdfIoTargetWaitForSentIoToComplete);
    WDF_REQUEST_REUSE_PARAMS_INIT(&reuse, WDF_REQUEST_REUSE_NO_FLAGS, STATUS_SUCCESS);
    CHECK_STATUS(WdfRequestReuse(request, &reuse), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetFormatRequestForIoctl(target, request, CODE_FAIL, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    WdfRequestSetCompletionRoutine(request, Completed, NULL);
    CHECK(WdfRequestSend(request, target, WDF_NO_SEND_OPTIONS));
    CHECK(WdfRequestCancelSentRequest(request));
    CHECK_EQ(Done, 2);
    CHECK_STATUS(DoneStatus, STATUS_CANCELLED);
    /* its state is ignored */
    CHECK_STATUS(WdfRequestReuse(request, &reuse), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetFormatRequestForIoctl(target, request, CODE_HOLD, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    WdfRequestSetCompletionRoutine(request, Completed, NULL);
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE);
    CHECK(WdfRequestSend(request, target, &options));
    CHECK_EQ(HeldCount, 1);
    HeldCount = 0;
    /* purging cancels what was sent, and refuses the rest */
    WdfIoTargetPurge(target, WdfIoTargetPurgeIoAndWait);
    CHECK_EQ(WdfIoTargetGetState(target), WdfIoTargetPurged);
    CHECK_EQ(Done, 3);
    CHECK_STATUS(DoneStatus, STATUS_CANCELLED);
    CHECK_STATUS(WdfRequestReuse(request, &reuse), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetFormatRequestForIoctl(target, request, CODE_FAIL, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    CHECK(!WdfRequestSend(request, target, WDF_NO_SEND_OPTIONS));
    CHECK_STATUS(WdfRequestGetStatus(request), STATUS_INVALID_DEVICE_STATE);
    WdfObjectDelete(request);
    ClosePeer(target);
}

/* ---- stack locations ---- */

/* This test runs before "stacks, with room": the request that runs it has one location. */
static VOID NoRoom(PCONTRACT t)
{
    WDFIOTARGET target;
    WDFREQUEST request;
    IO_STACK_LOCATION stack = { 0 };
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchParallel, &target)))
        return;
    CHECK_STATUS(WdfIoTargetFormatRequestForInternalIoctl(target, KmdfRequest, CODE_ADD, NULL, NULL, NULL, NULL), STATUS_REQUEST_NOT_ACCEPTED);
    CHECK_STATUS(WdfIoTargetFormatRequestForIoctl(target, KmdfRequest, CODE_ADD, NULL, NULL, NULL, NULL), STATUS_REQUEST_NOT_ACCEPTED);
    CHECK_STATUS(WdfRequestChangeTarget(KmdfRequest, target), STATUS_REQUEST_NOT_ACCEPTED);
    /* one of the driver's own grows with its target */
    CHECK_STATUS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, target, &request), STATUS_SUCCESS);
    CHECK_EQ(WdfRequestWdmGetIrp(request)->StackCount, 1);
    stack.MajorFunction = IRP_MJ_DEVICE_CONTROL;
    WdfIoTargetClose(target);
    WdfDeviceWdmGetDeviceObject(Peer)->StackSize = 4;
    WdfDeviceWdmGetDeviceObject(KmdfDevice)->StackSize = 5;
    WDF_IO_TARGET_OPEN_PARAMS open;
    WDF_IO_TARGET_OPEN_PARAMS_INIT_REOPEN(&open);
    CHECK_STATUS(WdfIoTargetOpen(target, &open), STATUS_SUCCESS);
    CHECK_STATUS(WdfRequestChangeTarget(request, target), STATUS_SUCCESS);
    CHECK_EQ(WdfRequestWdmGetIrp(request)->StackCount, 4);
    WdfObjectDelete(request);
    /* an IRP that the driver brings is its own */
    PIRP irp = IoAllocateIrp(3, FALSE);
    CHECK_STATUS(WdfRequestCreateFromIrp(WDF_NO_OBJECT_ATTRIBUTES, irp, FALSE, &request), STATUS_SUCCESS);
    CHECK(WdfRequestWdmGetIrp(request) == irp);
    CHECK_STATUS(WdfRequestChangeTarget(request, target), STATUS_REQUEST_NOT_ACCEPTED);
    WdfObjectDelete(request);
    IoFreeIrp(irp);
    irp = IoAllocateIrp(3, FALSE);
    CHECK_STATUS(WdfRequestCreateFromIrp(WDF_NO_OBJECT_ATTRIBUTES, irp, TRUE, &request), STATUS_SUCCESS);
    CHECK_STATUS(WdfRequestChangeTarget(request, target), STATUS_SUCCESS); /* frees it */
    CHECK_EQ(WdfRequestWdmGetIrp(request)->StackCount, 4);
    stack.Parameters.DeviceIoControl.IoControlCode = CODE_FAIL;
    WdfRequestWdmFormatUsingStackLocation(request, &stack);
    WDF_REQUEST_SEND_OPTIONS options;
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SYNCHRONOUS);
    CHECK(WdfRequestSend(request, target, &options));
    CHECK_STATUS(WdfRequestGetStatus(request), STATUS_DEVICE_NOT_READY);
    WdfObjectDelete(request);
    ClosePeer(target);
}

static VOID Room(PCONTRACT t)
{
    WDFIOTARGET target;
    WDF_REQUEST_SEND_OPTIONS options;
    WDF_IO_TARGET_OPEN_PARAMS open;
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchParallel, &target)))
        return;
    CHECK_EQ(WdfRequestWdmGetIrp(KmdfRequest)->StackCount, 5);
    WdfIoTargetClose(target);
    WdfDeviceWdmGetDeviceObject(Peer)->StackSize = 5;
    WDF_IO_TARGET_OPEN_PARAMS_INIT_REOPEN(&open);
    CHECK_STATUS(WdfIoTargetOpen(target, &open), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetFormatRequestForIoctl(target, KmdfRequest, CODE_FAIL, NULL, NULL, NULL, NULL), STATUS_REQUEST_NOT_ACCEPTED);
    WdfIoTargetClose(target);
    WdfDeviceWdmGetDeviceObject(Peer)->StackSize = 4; /* T = 4 needs T + 1 */
    CHECK_STATUS(WdfIoTargetOpen(target, &open), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetFormatRequestForIoctl(target, KmdfRequest, CODE_FAIL, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    CHECK(!WdfRequestSend(KmdfRequest, target, WDF_NO_SEND_OPTIONS)); /* needs a completion routine */
    CHECK_STATUS(WdfRequestGetStatus(KmdfRequest), STATUS_INVALID_DEVICE_REQUEST);
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SYNCHRONOUS);
    CHECK(WdfRequestSend(KmdfRequest, target, &options));
    CHECK_STATUS(WdfRequestGetStatus(KmdfRequest), STATUS_DEVICE_NOT_READY);
    WdfRequestFormatRequestUsingCurrentType(KmdfRequest);
    CHECK(WdfRequestSend(KmdfRequest, target, &options));
    CHECK_EQ(Seen.Type, WdfRequestTypeDeviceControl);
    WdfDeviceWdmGetDeviceObject(KmdfDevice)->StackSize = 1;
    ClosePeer(target);
}

/* ---- queues ---- */

static LONG Told;

static VOID QueueTold(WDFQUEUE Queue, WDFCONTEXT Context)
{
    UNREFERENCED_PARAMETER(Queue);
    UNREFERENCED_PARAMETER(Context);
    Told++;
}

static VOID SendTo(PCONTRACT t, WDFIOTARGET Target, WDFREQUEST *Request, ULONG Code)
{
    CHECK_STATUS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, Target, Request), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetFormatRequestForIoctl(Target, *Request, Code, NULL, NULL, NULL, NULL), STATUS_SUCCESS);
    WdfRequestSetCompletionRoutine(*Request, Completed, NULL);
    CHECK(WdfRequestSend(*Request, Target, WDF_NO_SEND_OPTIONS));
}

static VOID Creating(PCONTRACT t)
{
    WDF_IO_QUEUE_CONFIG c;
    WDFQUEUE q;
    WDF_IO_QUEUE_CONFIG_INIT(&c, WdfIoQueueDispatchSequential);
    CHECK_STATUS(WdfIoQueueCreate(KmdfDevice, &c, WDF_NO_OBJECT_ATTRIBUTES, &q), STATUS_WDF_NO_CALLBACK);
    WDF_IO_QUEUE_CONFIG_INIT(&c, WdfIoQueueDispatchManual);
    c.EvtIoDefault = PeerDefault;
    CHECK_STATUS(WdfIoQueueCreate(KmdfDevice, &c, WDF_NO_OBJECT_ATTRIBUTES, &q), STATUS_INVALID_PARAMETER);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&c, WdfIoQueueDispatchSequential);
    c.EvtIoDefault = PeerDefault;
    CHECK_STATUS(WdfIoQueueCreate(KmdfDevice, &c, WDF_NO_OBJECT_ATTRIBUTES, &q), STATUS_UNSUCCESSFUL);
    c.Size = 2;
    CHECK_STATUS(WdfIoQueueCreate(KmdfDevice, &c, WDF_NO_OBJECT_ATTRIBUTES, &q), STATUS_INFO_LENGTH_MISMATCH);
    WDF_IO_QUEUE_CONFIG_INIT(&c, WdfIoQueueDispatchParallel);
    c.EvtIoDefault = PeerDefault;
    CHECK_STATUS(WdfIoQueueCreate(KmdfDevice, &c, WDF_NO_OBJECT_ATTRIBUTES, &q), STATUS_SUCCESS);
    CHECK(WdfIoQueueGetDevice(q) == KmdfDevice && WdfDeviceGetDefaultQueue(KmdfDevice) != q);
    CHECK_EQ(WdfIoQueueGetState(q, NULL, NULL), WdfIoQueueAcceptRequests | WdfIoQueueDispatchRequests | WdfIoQueueNoRequests | WdfIoQueueDriverNoRequests);
    CHECK_STATUS(WdfDeviceConfigureRequestDispatching(KmdfDevice, q, WdfRequestTypeOther), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(WdfDeviceConfigureRequestDispatching(KmdfDevice, q, WdfRequestTypeRead), STATUS_SUCCESS);
    CHECK_STATUS(WdfDeviceConfigureRequestDispatching(KmdfDevice, q, WdfRequestTypeRead), STATUS_SUCCESS);
    WdfObjectDelete(q);
}

static VOID Sequential(PCONTRACT t)
{
    WDFIOTARGET target;
    WDFREQUEST r[3];
    ULONG queued, owned;
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchSequential, &target)))
        return;
    Done = 0;
    for (int i = 0; i < 3; i++)
        SendTo(t, target, &r[i], CODE_KEEP);
    CHECK_EQ(HeldCount, 1);
    WdfIoQueueGetState(PeerQueue, &queued, &owned);
    CHECK(queued == 2 && owned == 1);
    CHECK(WdfRequestGetIoQueue(Held[0]) == PeerQueue);
    CHECK(!WdfRequestIsCanceled(Held[0]));
    CHECK_EQ(WdfRequestGetRequestorMode(Held[0]), KernelMode);
    CHECK(WdfRequestCancelSentRequest(r[1])); /* one that waits */
    CHECK_EQ(Done, 1);
    CHECK_STATUS(DoneStatus, STATUS_CANCELLED);
    WdfRequestCancelSentRequest(r[0]); /* one that the driver has and did not mark */
    CHECK_EQ(Done, 1);
    CHECK(WdfRequestIsCanceled(Held[0]));
    CHECK_STATUS(WdfRequestMarkCancelableEx(Held[0], HoldCanceled), STATUS_CANCELLED);
    WDFREQUEST first = Held[0];
    HeldCount = 0;
    WdfRequestComplete(first, STATUS_CANCELLED);
    CHECK_EQ(Done, 2);
    CHECK_EQ(HeldCount, 1); /* the third */
    CHECK_STATUS(WdfRequestMarkCancelableEx(Held[0], HoldCanceled), STATUS_SUCCESS);
    CHECK_STATUS(WdfRequestUnmarkCancelable(Held[0]), STATUS_SUCCESS);
    Release(STATUS_SUCCESS);
    CHECK_EQ(Done, 3);
    for (int i = 0; i < 3; i++)
        WdfObjectDelete(r[i]);
    ClosePeer(target);
}

static VOID Manual(PCONTRACT t)
{
    WDFIOTARGET target;
    WDFREQUEST r[3], got, found;
    WDF_REQUEST_PARAMETERS p;
    ULONG queued, owned;
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchManual, &target)))
        return;
    Done = Told = 0;
    CHECK_STATUS(WdfIoQueueRetrieveNextRequest(PeerQueue, &got), STATUS_NO_MORE_ENTRIES);
    CHECK_STATUS(WdfIoQueueReadyNotify(PeerQueue, QueueTold, NULL), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoQueueReadyNotify(PeerQueue, QueueTold, NULL), STATUS_INVALID_DEVICE_REQUEST);
    for (int i = 0; i < 3; i++)
        SendTo(t, target, &r[i], CODE(20 + i));
    CHECK_EQ(Told, 1); /* when it was empty */
    WDF_REQUEST_PARAMETERS_INIT(&p);
    CHECK_STATUS(WdfIoQueueFindRequest(PeerQueue, NULL, NULL, &p, &found), STATUS_SUCCESS);
    CHECK_EQ(p.Parameters.DeviceIoControl.IoControlCode, CODE(20));
    CHECK_STATUS(WdfIoQueueFindRequest(PeerQueue, found, NULL, &p, &got), STATUS_SUCCESS);
    CHECK_EQ(p.Parameters.DeviceIoControl.IoControlCode, CODE(21));
    WdfObjectDereference(found);
    CHECK_STATUS(WdfIoQueueRetrieveFoundRequest(PeerQueue, got, &found), STATUS_SUCCESS);
    CHECK(found == got);
    WdfObjectDereference(got);
    WdfIoQueueGetState(PeerQueue, &queued, &owned);
    CHECK(queued == 2 && owned == 1);
    CHECK_STATUS(WdfRequestRequeue(found), STATUS_SUCCESS); /* to the head */
    CHECK_STATUS(WdfIoQueueRetrieveNextRequest(PeerQueue, &got), STATUS_SUCCESS);
    CHECK(got == found);
    CHECK_STATUS(WdfRequestForwardToIoQueue(got, PeerQueue), STATUS_INVALID_DEVICE_REQUEST);
    WdfRequestComplete(got, STATUS_SUCCESS);
    CHECK_EQ(Done, 1);
    WdfIoQueueStop(PeerQueue, NULL, NULL);
    CHECK_STATUS(WdfIoQueueRetrieveNextRequest(PeerQueue, &got), STATUS_WDF_PAUSED);
    WdfIoQueueStart(PeerQueue);
    CHECK_EQ(Told, 2);
    WdfIoQueueStopSynchronously(PeerQueue);
    CHECK_STATUS(WdfIoQueueReadyNotify(PeerQueue, NULL, NULL), STATUS_SUCCESS);
    WdfIoQueuePurgeSynchronously(PeerQueue);
    CHECK_EQ(Done, 3);
    CHECK_STATUS(DoneStatus, STATUS_CANCELLED);
    CHECK_EQ(WdfIoQueueGetState(PeerQueue, NULL, NULL) & WdfIoQueueAcceptRequests, 0);
    for (int i = 0; i < 3; i++)
        WdfObjectDelete(r[i]);
    SendTo(t, target, &r[0], CODE_ADD); /* not accepted any more */
    CHECK_EQ(Done, 4);
    CHECK_STATUS(DoneStatus, STATUS_INVALID_DEVICE_STATE);
    WdfObjectDelete(r[0]);
    Told = 0;
    WdfIoQueueStart(PeerQueue);
    WdfIoQueueDrain(PeerQueue, QueueTold, NULL);
    CHECK_EQ(Told, 1);
    WdfIoQueueStart(PeerQueue);
    WdfIoQueueDrainSynchronously(PeerQueue);
    WdfIoQueueStart(PeerQueue);
    WdfIoQueuePurge(PeerQueue, QueueTold, NULL);
    CHECK_EQ(Told, 2);
    ClosePeer(target);
}

static VOID Forwarding(PCONTRACT t)
{
    WDFIOTARGET target;
    WDF_IO_QUEUE_CONFIG c;
    WDFQUEUE waiting;
    WDFREQUEST r, got;
    if (!NT_SUCCESS(OpenPeer(t, WdfIoQueueDispatchParallel, &target)))
        return;
    Done = 0;
    WDF_IO_QUEUE_CONFIG_INIT(&c, WdfIoQueueDispatchManual);
    CHECK_STATUS(WdfIoQueueCreate(Peer, &c, WDF_NO_OBJECT_ATTRIBUTES, &waiting), STATUS_SUCCESS);
    SendTo(t, target, &r, CODE_KEEP);
    CHECK_EQ(HeldCount, 1);
    CHECK_STATUS(WdfRequestForwardToIoQueue(Held[0], WdfDeviceGetDefaultQueue(KmdfDevice)), STATUS_INVALID_DEVICE_REQUEST); /* another device's */
    CHECK_STATUS(WdfRequestRequeue(Held[0]), STATUS_INVALID_DEVICE_REQUEST); /* not from a manual queue */
    WdfIoQueuePurge(waiting, NULL, NULL);
    CHECK_STATUS(WdfRequestForwardToIoQueue(Held[0], waiting), STATUS_WDF_BUSY);
    WdfIoQueueStart(waiting);
    CHECK_STATUS(WdfRequestForwardToIoQueue(Held[0], waiting), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoQueueRetrieveNextRequest(waiting, &got), STATUS_SUCCESS);
    CHECK(got == Held[0] && WdfRequestGetIoQueue(got) == waiting);
    CHECK_STATUS(WdfRequestForwardToIoQueue(got, PeerQueue), STATUS_SUCCESS); /* presented again */
    CHECK_EQ(HeldCount, 2);
    WdfRequestSetInformation(Held[1], 0);
    CHECK_EQ(WdfRequestGetInformation(Held[1]), 0);
    HeldCount = 1;
    Held[0] = Held[1];
    Release(STATUS_SUCCESS);
    CHECK_EQ(Done, 1);
    WdfObjectDelete(r);
    ClosePeer(target);
}

const KMDF_TEST KmdfTests[] = {
    { "opening targets", Opening },   { "synchronous sends", Synchronous }, { "asynchronous sends", Asynchronous }, { "stopping targets", Stopping },
    { "stacks, without room", NoRoom }, { "stacks, with room", Room },       { "creating queues", Creating },        { "sequential queues", Sequential },
    { "manual queues", Manual },      { "forwarding", Forwarding },
};
const ULONG KmdfTestCount = RTL_NUMBER_OF(KmdfTests);
