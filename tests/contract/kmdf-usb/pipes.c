/* Pipes: transfers, states, abort and reset; continuous readers. */
#include "driver.h"

static NTSTATUS WriteNow(WDFUSBPIPE Pipe, PVOID Data, ULONG Length, PULONG Written)
{
    WDF_MEMORY_DESCRIPTOR m;
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&m, Data, Length);
    return WdfUsbTargetPipeWriteSynchronously(Pipe, WDF_NO_HANDLE, NULL, &m, Written);
}

static NTSTATUS ReadNow(WDFUSBPIPE Pipe, PVOID To, ULONG Length, PULONG Read, LONGLONG Timeout)
{
    WDF_REQUEST_SEND_OPTIONS o;
    WDF_MEMORY_DESCRIPTOR m;
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&m, To, Length);
    WDF_REQUEST_SEND_OPTIONS_INIT(&o, 0);
    if (Timeout)
        WDF_REQUEST_SEND_OPTIONS_SET_TIMEOUT(&o, Timeout);
    return WdfUsbTargetPipeReadSynchronously(Pipe, WDF_NO_HANDLE, &o, &m, Read);
}

VOID TestBulk(PDEVICE d)
{
    WDFUSBPIPE in = PipeAt(d, 0x81), out = PipeAt(d, 0x02), event = PipeAt(d, 0x83);
    UCHAR data[128];
    ULONG n = 0;
    CHECK_STATUS(WriteNow(out, "0123456789", 10, &n), STATUS_SUCCESS);
    CHECK_IS(n, 10);
    CHECK_STATUS(ReadNow(in, data, 64, &n, 0), STATUS_SUCCESS); /* a short packet ends it */
    CHECK(n == 10 && RtlEqualMemory(data, "0123456789", 10));
    CHECK_STATUS(ReadNow(in, data, 10, &n, 0), STATUS_INVALID_BUFFER_SIZE); /* no whole packets */
    CHECK_STATUS(ReadNow(out, data, 64, &n, 0), STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS(WriteNow(in, data, 64, &n), STATUS_INVALID_DEVICE_REQUEST);
    CHECK_IS(n, 0);
    CHECK_STATUS(WdfUsbTargetPipeWriteSynchronously(out, WDF_NO_HANDLE, NULL, NULL, &n), STATUS_SUCCESS); /* nothing to write is something to send */
    CHECK_STATUS(ReadNow(in, data, 64, &n, WDF_REL_TIMEOUT_IN_MS(20)), STATUS_IO_TIMEOUT);
    CHECK(n == 0 && StateOf(d).Waiting == 0);
    WdfUsbTargetPipeSetNoMaximumPacketSizeCheck(in);
    CHECK_STATUS(WriteNow(out, "abcdef", 6, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ReadNow(in, data, 4, &n, 0), STATUS_SUCCESS);
    CHECK(n == 4 && RtlEqualMemory(data, "abcd", 4));
    CHECK_STATUS(ReadNow(in, data, 4, &n, 0), STATUS_SUCCESS);
    CHECK(n == 2 && data[0] == 'e');
    CHECK_STATUS(Vendor(d, UNIT_EVENT, 0x42, 0), STATUS_SUCCESS);
    CHECK_STATUS(ReadNow(event, data, 8, &n, 0), STATUS_SUCCESS);
    CHECK(n == 1 && data[0] == 0x42);
    CHECK_STATUS(Vendor(d, UNIT_STALL, 0x02, 100), STATUS_SUCCESS);
    CHECK_STATUS(WriteNow(out, data, 4, &n), STATUS_UNSUCCESSFUL);
    CHECK_IS(n, 0);
    CHECK_STATUS(WdfUsbTargetPipeResetSynchronously(out, WDF_NO_HANDLE, NULL), STATUS_SUCCESS);
    CHECK_STATUS(WriteNow(out, "go on", 5, &n), STATUS_SUCCESS);
    CHECK(StateOf(d).Resets == 1 && NT_SUCCESS(ReadNow(in, data, 64, &n, 0)) && n == 5);
    WDF_REQUEST_SEND_OPTIONS o;
    WDF_REQUEST_SEND_OPTIONS_INIT(&o, 0);
    o.Size--;
    CHECK_STATUS(WdfUsbTargetPipeResetSynchronously(out, WDF_NO_HANDLE, &o), STATUS_INFO_LENGTH_MISMATCH);
    CHECK_STATUS(WdfUsbTargetPipeAbortSynchronously(out, WDF_NO_HANDLE, &o), STATUS_INFO_LENGTH_MISMATCH);
}

VOID TestAsync(PDEVICE d)
{
    WDFUSBPIPE in = PipeAt(d, 0x81), out = PipeAt(d, 0x02);
    WDFIOTARGET target = WdfUsbTargetPipeGetIoTarget(in);
    WDFMEMORY_OFFSET part = { 4, 3 };
    SENT read, write, other;
    SentInit(d, &read, 64);
    SentInit(d, &write, 64);
    SentInit(d, &other, 0);
    RtlCopyMemory(write.Buffer, "....xyz.....", 12);
    CHECK_STATUS(WdfUsbTargetPipeFormatRequestForRead(out, read.Request, read.Memory, NULL), STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS(WdfUsbTargetPipeFormatRequestForRead(in, read.Request, read.Memory, NULL), STATUS_SUCCESS);
    CHECK(SentGo(&read, target, NULL));
    CHECK(!read.Completions && StateOf(d).Waiting == 1);
    CHECK_STATUS(WdfUsbTargetPipeFormatRequestForWrite(out, write.Request, write.Memory, &part), STATUS_SUCCESS);
    CHECK(SentGo(&write, WdfUsbTargetPipeGetIoTarget(out), NULL));
    SentWait(d, &write);
    CHECK(write.Status == STATUS_SUCCESS && write.Type == WdfRequestTypeUsb && write.Usb.Type == WdfUsbRequestTypePipeWrite);
    CHECK(write.Usb.Parameters.PipeWrite.Buffer == write.Memory && write.Usb.Parameters.PipeWrite.Offset == 4 && write.Usb.Parameters.PipeWrite.Length == 3);
    SentWait(d, &read);
    CHECK(read.Status == STATUS_SUCCESS && read.Information == 3 && RtlEqualMemory(read.Buffer, "xyz", 3));
    CHECK(read.Usb.Type == WdfUsbRequestTypePipeRead && read.Usb.Parameters.PipeRead.Buffer == read.Memory && read.Usb.Parameters.PipeRead.Length == 3);

    CHECK_STATUS(WdfUsbTargetPipeFormatRequestForRead(in, read.Request, read.Memory, NULL), STATUS_SUCCESS);
    CHECK(SentGo(&read, target, NULL));
    CHECK(WdfRequestCancelSentRequest(read.Request));
    SentWait(d, &read);
    CHECK(read.Status == STATUS_CANCELLED && read.Usb.UsbdStatus == USBD_STATUS_CANCELED && read.Usb.Parameters.PipeRead.Length == 0);

    CHECK_STATUS(Vendor(d, UNIT_STALL, 0x81, 1), STATUS_SUCCESS);
    CHECK_STATUS(WdfUsbTargetPipeFormatRequestForRead(in, read.Request, read.Memory, NULL), STATUS_SUCCESS);
    CHECK(SentGo(&read, target, NULL));
    SentWait(d, &read);
    CHECK(read.Status == STATUS_UNSUCCESSFUL && read.Usb.UsbdStatus == USBD_STATUS_STALL_PID);

    WdfIoTargetStop(target, WdfIoTargetCancelSentIo); /* a pipe stops by itself */
    CHECK_IS(WdfIoTargetGetState(target), WdfIoTargetStopped);
    CHECK_IS(WdfIoTargetGetState(WdfUsbTargetDeviceGetIoTarget(d->Usb)), WdfIoTargetStarted);
    CHECK_STATUS(WdfUsbTargetPipeFormatRequestForRead(in, read.Request, read.Memory, NULL), STATUS_SUCCESS);
    CHECK(SentGo(&read, target, NULL));
    CHECK_IS(StateOf(d).Waiting, 0);
    CHECK_STATUS(WdfUsbTargetPipeResetSynchronously(in, WDF_NO_HANDLE, NULL), STATUS_SUCCESS); /* in any state */
    CHECK_STATUS(WdfIoTargetStart(target), STATUS_SUCCESS);
    CHECK_IS(StateOf(d).Waiting, 1);
    CHECK_STATUS(WdfUsbTargetPipeAbortSynchronously(in, WDF_NO_HANDLE, NULL), STATUS_SUCCESS);
    SentWait(d, &read);
    CHECK(read.Status == STATUS_CANCELLED && StateOf(d).Aborts == 1);

    CHECK_STATUS(WdfUsbTargetPipeFormatRequestForAbort(in, other.Request), STATUS_SUCCESS);
    CHECK(SentGo(&other, target, NULL));
    SentWait(d, &other);
    CHECK(other.Status == STATUS_SUCCESS && other.Usb.Type == WdfUsbRequestTypePipeAbort && StateOf(d).Aborts == 2);
    ULONG resets = StateOf(d).Resets;
    CHECK_STATUS(WdfUsbTargetPipeFormatRequestForReset(in, other.Request), STATUS_SUCCESS);
    CHECK(SentGo(&other, target, NULL));
    SentWait(d, &other);
    CHECK(other.Status == STATUS_SUCCESS && other.Usb.Type == WdfUsbRequestTypePipeReset && StateOf(d).Resets == resets + 1);

    CHECK_STATUS(WdfUsbTargetPipeFormatRequestForRead(in, read.Request, read.Memory, NULL), STATUS_SUCCESS);
    CHECK(SentGo(&read, target, NULL));
    CHECK_STATUS(SelectSingle(d), STATUS_SUCCESS); /* its pipe goes: it is cancelled and waited for */
    CHECK_IS(read.Completions, 5);
    SentWait(d, &read);
    CHECK_STATUS(read.Status, STATUS_CANCELLED);
    SentFree(&read);
    SentFree(&write);
    SentFree(&other);
}

/* ---- continuous readers ---- */

static LONG Reads, Bytes, Failures, BuffersGone;
static UCHAR Last[8];
static NTSTATUS FailedStatus;
static USBD_STATUS FailedUsbd;
static BOOLEAN Again;
static ULONG WaitingInFailure;

static VOID ReadComplete(WDFUSBPIPE Pipe, WDFMEMORY Buffer, size_t Transferred, WDFCONTEXT Context)
{
    PDEVICE d = Context;
    size_t size;
    PUCHAR p = WdfMemoryGetBuffer(Buffer, &size);
    CHECK(size == 4 + 8 + 2 && DeviceOf(WdfIoTargetGetDevice(WdfUsbTargetPipeGetIoTarget(Pipe))) == d);
    CHECK(p[0] == 0 && p[3] == 0 && p[12] == 0); /* header and trailer are the driver's */
    RtlCopyMemory(Last, p + 4, Transferred);
    Bytes += (LONG)Transferred;
    Reads++;
}

static BOOLEAN ReadersFailed(WDFUSBPIPE Pipe, NTSTATUS Status, USBD_STATUS UsbdStatus)
{
    PDEVICE d = DeviceOf(WdfIoTargetGetDevice(WdfUsbTargetPipeGetIoTarget(Pipe)));
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    FailedStatus = Status;
    FailedUsbd = UsbdStatus;
    if (Status == STATUS_UNSUCCESSFUL) /* not when it was pulled out */
        WaitingInFailure = StateOf(d).Waiting;
    Failures++;
    return Again;
}

static VOID BufferCleanup(WDFOBJECT Memory)
{
    InterlockedIncrement(&BuffersGone);
}

static VOID Config(PDEVICE d, PWDF_USB_CONTINUOUS_READER_CONFIG c)
{
    WDF_USB_CONTINUOUS_READER_CONFIG_INIT(c, ReadComplete, d, 8);
    c->HeaderLength = 4;
    c->TrailerLength = 2;
    c->EvtUsbTargetPipeReadersFailed = ReadersFailed;
}

static VOID ReaderRefusals(PDEVICE d, WDFUSBPIPE Pipe)
{
    WDF_USB_CONTINUOUS_READER_CONFIG c;
    WDF_OBJECT_ATTRIBUTES a;
    Config(d, &c);
    c.Size++;
    CHECK_STATUS(WdfUsbTargetPipeConfigContinuousReader(Pipe, &c), STATUS_INFO_LENGTH_MISMATCH);
    Config(d, &c);
    c.EvtUsbTargetPipeReadComplete = NULL;
    CHECK_STATUS(WdfUsbTargetPipeConfigContinuousReader(Pipe, &c), STATUS_INVALID_PARAMETER);
    Config(d, &c);
    c.TransferLength = 0;
    CHECK_STATUS(WdfUsbTargetPipeConfigContinuousReader(Pipe, &c), STATUS_INVALID_PARAMETER);
    c.TransferLength = 7;
    CHECK_STATUS(WdfUsbTargetPipeConfigContinuousReader(Pipe, &c), STATUS_INVALID_BUFFER_SIZE);
    c.TransferLength = 8;
    c.HeaderLength = ~(size_t)0;
    CHECK_STATUS(WdfUsbTargetPipeConfigContinuousReader(Pipe, &c), STATUS_INTEGER_OVERFLOW);
    Config(d, &c);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = d->Device;
    c.BufferAttributes = &a;
    CHECK_STATUS(WdfUsbTargetPipeConfigContinuousReader(Pipe, &c), STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    Config(d, &c);
    c.TransferLength = 64;
    CHECK_STATUS(WdfUsbTargetPipeConfigContinuousReader(PipeAt(d, 2), &c), STATUS_INVALID_DEVICE_REQUEST);
}

VOID TestReader(PDEVICE d)
{
    WDFUSBPIPE pipe = PipeAt(d, 0x83);
    WDFIOTARGET target = WdfUsbTargetPipeGetIoTarget(pipe);
    WDF_USB_CONTINUOUS_READER_CONFIG c;
    WDF_OBJECT_ATTRIBUTES a;
    Reads = Bytes = Failures = BuffersGone = 0;
    ReaderRefusals(d, pipe);
    Config(d, &c);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.EvtCleanupCallback = BufferCleanup;
    c.BufferAttributes = &a;
    CHECK_STATUS(WdfUsbTargetPipeConfigContinuousReader(pipe, &c), STATUS_SUCCESS);
    CHECK_STATUS(WdfUsbTargetPipeConfigContinuousReader(pipe, &c), STATUS_INVALID_DEVICE_STATE);
    CHECK_IS(StateOf(d).Waiting, 0); /* not before the target is started */
    CHECK_STATUS(WdfIoTargetStart(target), STATUS_SUCCESS);
    CHECK_IS(StateOf(d).Waiting, 2);
    CHECK_STATUS(WdfIoTargetStart(target), STATUS_SUCCESS);
    CHECK_IS(StateOf(d).Waiting, 2);
    for (USHORT i = 1; i <= 5; i++)
        CHECK_STATUS(Vendor(d, UNIT_EVENT, i, 0), STATUS_SUCCESS);
    Sleep(20);
    CHECK(Reads == 5 && Bytes == 5 && Last[0] == 5 && StateOf(d).Waiting == 2);
    LONG gone = BuffersGone;
    CHECK(gone >= 5);
    WdfIoTargetStop(target, WdfIoTargetLeaveSentIoPending); /* a reader's are cancelled all the same */
    CHECK_IS(StateOf(d).Waiting, 0);
    CHECK_STATUS(Vendor(d, UNIT_EVENT, 6, 0), STATUS_SUCCESS);
    CHECK_IS(Reads, 5);
    CHECK_STATUS(WdfIoTargetStart(target), STATUS_SUCCESS);
    Sleep(20);
    CHECK(Reads == 6 && Last[0] == 6 && StateOf(d).Waiting == 2 && !Failures);
    WdfIoTargetPurge(target, WdfIoTargetPurgeIo);
    CHECK_IS(StateOf(d).Waiting, 0);
    CHECK_STATUS(WdfIoTargetStart(target), STATUS_SUCCESS);
    CHECK_IS(StateOf(d).Waiting, 2);
    WdfIoTargetStop(WdfUsbTargetDeviceGetIoTarget(d->Usb), WdfIoTargetWaitForSentIoToComplete); /* with the device */
    CHECK_STATUS(WdfIoTargetStart(WdfUsbTargetDeviceGetIoTarget(d->Usb)), STATUS_SUCCESS);
    CHECK_IS(StateOf(d).Waiting, 2);
    WdfIoTargetStop(target, WdfIoTargetCancelSentIo);
    CHECK_STATUS(SelectSingle(d), STATUS_SUCCESS); /* another pipe: no reader */
    CHECK(BuffersGone > gone);
    gone = BuffersGone;
    pipe = PipeAt(d, 0x83);
    Config(d, &c);
    c.NumPendingReads = 20;
    CHECK_STATUS(WdfUsbTargetPipeConfigContinuousReader(pipe, &c), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetStart(WdfUsbTargetPipeGetIoTarget(pipe)), STATUS_SUCCESS);
    CHECK_IS(StateOf(d).Waiting, 10);
    WdfIoTargetStop(WdfUsbTargetPipeGetIoTarget(pipe), WdfIoTargetCancelSentIo);
    CHECK(BuffersGone == gone && !Failures);
}

VOID TestReaderFails(PDEVICE d)
{
    WDF_USB_CONTINUOUS_READER_CONFIG c;
    CHECK_STATUS(SelectSingle(d), STATUS_SUCCESS);
    WDFUSBPIPE pipe = PipeAt(d, 0x83);
    WDFIOTARGET target = WdfUsbTargetPipeGetIoTarget(pipe);
    Reads = Failures = 0;
    Config(d, &c);
    c.NumPendingReads = 3;
    CHECK_STATUS(WdfUsbTargetPipeConfigContinuousReader(pipe, &c), STATUS_SUCCESS);
    ULONG resets = StateOf(d).Resets, ports = StateOf(d).PortResets;
    Again = TRUE;
    CHECK_STATUS(Vendor(d, UNIT_STALL, 0x83, 1), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetStart(target), STATUS_SUCCESS); /* the first read fails at once */
    Sleep(50);
    CHECK(Failures == 1 && FailedStatus == STATUS_UNSUCCESSFUL && FailedUsbd == USBD_STATUS_STALL_PID);
    CHECK_IS(WaitingInFailure, 0); /* no read is under way in the callback */
    CHECK(StateOf(d).Resets == resets + 1 && StateOf(d).PortResets == ports && StateOf(d).Waiting == 3); /* reset, and sent again */
    CHECK_STATUS(Vendor(d, UNIT_EVENT, 1, 0), STATUS_SUCCESS);
    Sleep(20);
    CHECK_IS(Reads, 1);
    WdfIoTargetStop(target, WdfIoTargetCancelSentIo);
    CHECK_STATUS(Vendor(d, UNIT_PORT, USBD_PORT_CONNECTED, 0), STATUS_SUCCESS); /* not enabled: the port is reset */
    CHECK_STATUS(Vendor(d, UNIT_STALL, 0x83, 1), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetStart(target), STATUS_SUCCESS);
    Sleep(50);
    CHECK(Failures == 2 && StateOf(d).PortResets == ports + 1 && StateOf(d).Waiting == 3);
    WdfIoTargetStop(target, WdfIoTargetCancelSentIo);
    CHECK_STATUS(Vendor(d, UNIT_PORT, 0, 0), STATUS_SUCCESS); /* gone: nothing is sent */
    CHECK_STATUS(Vendor(d, UNIT_STALL, 0x83, 1), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetStart(target), STATUS_SUCCESS);
    Sleep(50);
    CHECK(Failures == 3 && StateOf(d).Waiting == 0 && StateOf(d).PortResets == ports + 1);
    CHECK_STATUS(Vendor(d, UNIT_PORT, 3, 0), STATUS_SUCCESS);
    WdfIoTargetStop(target, WdfIoTargetCancelSentIo);
    Again = FALSE;
    CHECK_STATUS(Vendor(d, UNIT_STALL, 0x83, 1), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetStart(target), STATUS_SUCCESS);
    Sleep(50);
    CHECK(Failures == 4 && StateOf(d).Waiting == 0); /* the driver has said no */
    CHECK_STATUS(WdfIoTargetStart(target), STATUS_SUCCESS);
    CHECK_IS(StateOf(d).Waiting, 0); /* it is started: stop it first */
    WdfIoTargetStop(target, WdfIoTargetCancelSentIo);
    CHECK_STATUS(WdfIoTargetStart(target), STATUS_SUCCESS);
    CHECK_IS(StateOf(d).Waiting, 3);
}

/* Runs on until the device goes: it is stopped when the device leaves D0. */
VOID TestReaderStays(PDEVICE d)
{
    WDF_USB_CONTINUOUS_READER_CONFIG c;
    WdfIoTargetStop(WdfUsbTargetPipeGetIoTarget(PipeAt(d, 0x83)), WdfIoTargetCancelSentIo); /* before its pipe goes */
    CHECK_STATUS(SelectSingle(d), STATUS_SUCCESS);
    Config(d, &c);
    CHECK_STATUS(WdfUsbTargetPipeConfigContinuousReader(PipeAt(d, 0x83), &c), STATUS_SUCCESS);
    CHECK_STATUS(WdfIoTargetStart(WdfUsbTargetPipeGetIoTarget(PipeAt(d, 0x83))), STATUS_SUCCESS);
    d->ReaderOn = TRUE;
}
