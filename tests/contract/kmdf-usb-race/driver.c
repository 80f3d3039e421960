/* A bulk read that is cancelled while it is answered, and a continuous reader whose device is pulled out while an event comes. BAD 1: the cancel routine uses the
 * request that it cancels without a reference to it. BAD 2: what the reader's callback writes to goes before the reader is stopped. */
#include <ntddk.h>
#include <wdf.h>
#include <usb.h>
#include <usbdlib.h>
#include <wdfusb.h>
#include "../kmdf-usb/unit.h"
#include "codes.h"

#ifndef BAD
#define BAD 0
#endif

typedef struct _RACE {
    WDFUSBDEVICE Usb;
    WDFUSBPIPE In, Out, Events;
    WDFSPINLOCK Lock;
    WDFREQUEST Sent;
    LONG Left; /* of completion and cancellation, when both have come: the last completes */
    NTSTATUS Status;
    PUCHAR Last;
} RACE, *PRACE;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(RACE, RaceOf)

/* ---- the read: a request of its own, for one of the program's that can be cancelled ---- */

static VOID Canceled(WDFREQUEST Request)
{
    PRACE r = RaceOf(WdfIoQueueGetDevice(WdfRequestGetIoQueue(Request)));
#if BAD == 1
    if (r->Sent)
        WdfRequestCancelSentRequest(r->Sent);
#else
    WdfSpinLockAcquire(r->Lock);
    WDFREQUEST sent = r->Sent;
    if (sent)
        WdfObjectReference(sent);
    WdfSpinLockRelease(r->Lock);
    if (sent) {
        WdfRequestCancelSentRequest(sent);
        WdfObjectDereference(sent);
    }
#endif
    if (!InterlockedDecrement(&r->Left))
        WdfRequestComplete(Request, r->Status);
}

static VOID ReadDone(WDFREQUEST Sent, WDFIOTARGET Target, PWDF_REQUEST_COMPLETION_PARAMS Params, WDFCONTEXT Context)
{
    PRACE r = RaceOf(WdfIoTargetGetDevice(Target));
    WDFREQUEST request = Context;
    r->Status = Params->IoStatus.Status;
    WdfSpinLockAcquire(r->Lock);
    r->Sent = NULL;
    WdfSpinLockRelease(r->Lock);
    WdfObjectDelete(Sent);
    if (WdfRequestUnmarkCancelable(request) != STATUS_CANCELLED || !InterlockedDecrement(&r->Left))
        WdfRequestComplete(request, r->Status);
}

static VOID Read(WDFDEVICE Device, WDFREQUEST Request)
{
    PRACE r = RaceOf(Device);
    WDF_OBJECT_ATTRIBUTES a;
    WDFREQUEST sent;
    WDFMEMORY m;
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = Device;
    NTSTATUS s = WdfRequestCreate(&a, WdfUsbTargetPipeGetIoTarget(r->In), &sent);
    if (!NT_SUCCESS(s)) {
        WdfRequestComplete(Request, s);
        return;
    }
    a.ParentObject = sent;
    s = WdfMemoryCreate(&a, NonPagedPoolNx, 'csuK', 64, &m, NULL);
    if (NT_SUCCESS(s))
        s = WdfUsbTargetPipeFormatRequestForRead(r->In, sent, m, NULL);
    if (NT_SUCCESS(s)) {
        WdfRequestSetCompletionRoutine(sent, ReadDone, Request);
        r->Sent = sent;
        r->Left = 2;
        s = WdfRequestMarkCancelableEx(Request, Canceled);
    }
    if (NT_SUCCESS(s)) {
        if (!WdfRequestSend(sent, WdfUsbTargetPipeGetIoTarget(r->In), WDF_NO_SEND_OPTIONS)) {
            WdfSpinLockAcquire(r->Lock);
            r->Sent = NULL;
            WdfSpinLockRelease(r->Lock);
            r->Status = WdfRequestGetStatus(sent);
            WdfObjectDelete(sent);
            if (WdfRequestUnmarkCancelable(Request) != STATUS_CANCELLED || !InterlockedDecrement(&r->Left))
                WdfRequestComplete(Request, r->Status);
        }
        return;
    }
    r->Sent = NULL;
    WdfObjectDelete(sent);
    WdfRequestComplete(Request, s);
}

static NTSTATUS Write(PRACE r)
{
    WDF_MEMORY_DESCRIPTOR m;
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&m, "x", 1);
    return WdfUsbTargetPipeWriteSynchronously(r->Out, WDF_NO_HANDLE, NULL, &m, NULL);
}

/* ---- the reader ---- */

static VOID Happened(WDFUSBPIPE Pipe, WDFMEMORY Buffer, size_t Transferred, WDFCONTEXT Context)
{
    PRACE r = Context;
    *r->Last = *(PUCHAR)WdfMemoryGetBuffer(Buffer, NULL);
}

static NTSTATUS Event(PRACE r)
{
    WDF_USB_CONTROL_SETUP_PACKET setup;
    WDF_USB_CONTROL_SETUP_PACKET_INIT_VENDOR(&setup, BmRequestHostToDevice, BmRequestToDevice, UNIT_EVENT, 7, 0);
    return WdfUsbTargetDeviceSendControlTransferSynchronously(r->Usb, WDF_NO_HANDLE, NULL, &setup, NULL, NULL);
}

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    WDFDEVICE d = WdfIoQueueGetDevice(Queue);
    if (Code == IOCTL_READ)
        Read(d, Request);
    else
        WdfRequestComplete(Request, Code == IOCTL_WRITE ? Write(RaceOf(d)) : Event(RaceOf(d)));
}

/* ---- coming and going ---- */

static NTSTATUS Prepare(WDFDEVICE Device, WDFCMRESLIST Raw, WDFCMRESLIST Translated)
{
    PRACE r = RaceOf(Device);
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS p;
    WDF_USB_CONTINUOUS_READER_CONFIG c;
    WDF_USB_DEVICE_CREATE_CONFIG create;
    WDF_USB_DEVICE_CREATE_CONFIG_INIT(&create, USBD_CLIENT_CONTRACT_VERSION_602);
    NTSTATUS s = WdfUsbTargetDeviceCreateWithParameters(Device, &create, WDF_NO_OBJECT_ATTRIBUTES, &r->Usb);
    if (!NT_SUCCESS(s))
        return s;
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_SINGLE_INTERFACE(&p);
    s = WdfUsbTargetDeviceSelectConfig(r->Usb, WDF_NO_OBJECT_ATTRIBUTES, &p);
    if (!NT_SUCCESS(s))
        return s;
    r->In = WdfUsbInterfaceGetConfiguredPipe(p.Types.SingleInterface.ConfiguredUsbInterface, 0, NULL);
    r->Out = WdfUsbInterfaceGetConfiguredPipe(p.Types.SingleInterface.ConfiguredUsbInterface, 1, NULL);
    r->Events = WdfUsbInterfaceGetConfiguredPipe(p.Types.SingleInterface.ConfiguredUsbInterface, 2, NULL);
    WDF_USB_CONTINUOUS_READER_CONFIG_INIT(&c, Happened, r, 8);
    c.NumPendingReads = 1;
    return WdfUsbTargetPipeConfigContinuousReader(r->Events, &c);
}

static NTSTATUS D0Entry(WDFDEVICE Device, WDF_POWER_DEVICE_STATE Previous)
{
    PRACE r = RaceOf(Device);
    r->Last = ExAllocatePoolWithTag(NonPagedPoolNx, 16, 'csuK');
    return r->Last ? WdfIoTargetStart(WdfUsbTargetPipeGetIoTarget(r->Events)) : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS D0Exit(WDFDEVICE Device, WDF_POWER_DEVICE_STATE Target)
{
    PRACE r = RaceOf(Device);
    PUCHAR last;
#if BAD != 2
    WdfIoTargetStop(WdfUsbTargetPipeGetIoTarget(r->Events), WdfIoTargetCancelSentIo);
#endif
    last = r->Last;
    r->Last = NULL;
    ExFreePoolWithTag(last, 'csuK');
#if BAD == 2
    WdfIoTargetStop(WdfUsbTargetPipeGetIoTarget(r->Events), WdfIoTargetCancelSentIo);
#endif
    return STATUS_SUCCESS;
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfUsbRace");
    WDF_PNPPOWER_EVENT_CALLBACKS events;
    WDF_OBJECT_ATTRIBUTES a;
    WDF_IO_QUEUE_CONFIG queue;
    WDFDEVICE d;
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&events);
    events.EvtDevicePrepareHardware = Prepare;
    events.EvtDeviceD0Entry = D0Entry;
    events.EvtDeviceD0Exit = D0Exit;
    WdfDeviceInitSetPnpPowerEventCallbacks(Init, &events);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, RACE);
    NTSTATUS s = WdfDeviceCreate(&Init, &a, &d);
    if (!NT_SUCCESS(s))
        return s;
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = d;
    s = WdfSpinLockCreate(&a, &RaceOf(d)->Lock);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = Control;
    queue.PowerManaged = WdfFalse;
    if (NT_SUCCESS(s))
        s = WdfIoQueueCreate(d, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    return NT_SUCCESS(s) ? WdfDeviceCreateSymbolicLink(d, &link) : s;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
