/* One mistake in the use of a USB target that the framework's verifier knows, or the same without it. */
#include <ntddk.h>
#include <wdf.h>
#include <usb.h>
#include <usbdlib.h>
#include <usbioctl.h>
#include <wdfusb.h>
#include "../kmdf-usb/unit.h"
#include "codes.h"

typedef struct _BAD {
    WDFUSBDEVICE Usb;
    WDFUSBINTERFACE Interface;
    WDFUSBPIPE Events;
    ULONG Mistake; /* of codes.h */
    BOOLEAN Good;
    KEVENT Failed;
} BAD, *PBAD;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(BAD, BadOf)

static WDFIOTARGET TargetOf(PBAD b)
{
    return WdfUsbTargetPipeGetIoTarget(b->Events);
}

static NTSTATUS Tell(PBAD b, UCHAR What, USHORT Value, USHORT Index)
{
    WDF_USB_CONTROL_SETUP_PACKET setup;
    WDF_USB_CONTROL_SETUP_PACKET_INIT_VENDOR(&setup, BmRequestHostToDevice, BmRequestToDevice, What, Value, Index);
    return WdfUsbTargetDeviceSendControlTransferSynchronously(b->Usb, WDF_NO_HANDLE, NULL, &setup, NULL, NULL);
}

static VOID Happened(WDFUSBPIPE Pipe, WDFMEMORY Buffer, size_t Transferred, WDFCONTEXT Context)
{
}

/* DOC: the driver is not to stop the target here. */
static BOOLEAN ReadersFailed(WDFUSBPIPE Pipe, NTSTATUS Status, USBD_STATUS UsbdStatus)
{
    PBAD b = BadOf(WdfIoTargetGetDevice(WdfUsbTargetPipeGetIoTarget(Pipe)));
    if (b->Mistake == MISTAKE_STOP_INSIDE && !b->Good)
        WdfIoTargetStop(TargetOf(b), WdfIoTargetCancelSentIo);
    KeSetEvent(&b->Failed, 0, FALSE);
    return FALSE;
}

/* The next read fails. */
static NTSTATUS FailReader(PBAD b)
{
    NTSTATUS s = Tell(b, UNIT_STALL, 0x83, 1);
    if (NT_SUCCESS(s))
        s = Tell(b, UNIT_EVENT, 7, 0);
    if (NT_SUCCESS(s))
        KeWaitForSingleObject(&b->Failed, Executive, KernelMode, FALSE, NULL);
    return s;
}

/* A structure has its size in it. */
static NTSTATUS AskForPipe(PBAD b)
{
    WDF_USB_PIPE_INFORMATION p;
    WDF_USB_PIPE_INFORMATION_INIT(&p);
    if (!b->Good)
        p.Size--;
    return WdfUsbInterfaceGetConfiguredPipe(b->Interface, 2, &p) == b->Events && p.EndpointAddress == 0x83 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* DOC: at PASSIVE_LEVEL. */
static NTSTATUS AskRaised(PBAD b)
{
    KIRQL irql = KeGetCurrentIrql();
    if (!b->Good)
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
    NTSTATUS s = Tell(b, UNIT_PORT, USBD_PORT_CONNECTED | USBD_PORT_ENABLED, 0);
    KeLowerIrql(irql);
    return s;
}

/* DOC: an interface of a configuration that is no longer selected has no setting. */
static NTSTATUS AskUnconfigured(PBAD b)
{
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS p;
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_DECONFIG(&p);
    WdfIoTargetStop(TargetOf(b), WdfIoTargetCancelSentIo);
    NTSTATUS s = b->Good ? STATUS_SUCCESS : WdfUsbTargetDeviceSelectConfig(b->Usb, WDF_NO_OBJECT_ATTRIBUTES, &p);
    b->Events = NT_SUCCESS(s) && !b->Good ? NULL : b->Events;
    return NT_SUCCESS(s) && WdfUsbInterfaceGetConfiguredSettingIndex(b->Interface) == 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    PBAD b = BadOf(WdfIoQueueGetDevice(Queue));
    PULONG what;
    NTSTATUS s = WdfRequestRetrieveInputBuffer(Request, sizeof *what, (PVOID *)&what, NULL);
    if (NT_SUCCESS(s)) {
        b->Mistake = *what & ~MISTAKE_GOOD;
        b->Good = (*what & MISTAKE_GOOD) != 0;
        s = b->Mistake == MISTAKE_STOP_INSIDE ? FailReader(b) : b->Mistake == MISTAKE_SIZE ? AskForPipe(b) : b->Mistake == MISTAKE_RAISED ? AskRaised(b) :
            b->Mistake == MISTAKE_UNCONFIGURED ? AskUnconfigured(b) : STATUS_SUCCESS;
    }
    WdfRequestComplete(Request, s);
}

static NTSTATUS Prepare(WDFDEVICE Device, WDFCMRESLIST Raw, WDFCMRESLIST Translated)
{
    PBAD b = BadOf(Device);
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS p;
    WDF_USB_CONTINUOUS_READER_CONFIG c;
    WDF_USB_DEVICE_CREATE_CONFIG create;
    WDF_USB_DEVICE_CREATE_CONFIG_INIT(&create, USBD_CLIENT_CONTRACT_VERSION_602);
    NTSTATUS s = WdfUsbTargetDeviceCreateWithParameters(Device, &create, WDF_NO_OBJECT_ATTRIBUTES, &b->Usb);
    if (!NT_SUCCESS(s))
        return s;
    WDF_USB_DEVICE_SELECT_CONFIG_PARAMS_INIT_SINGLE_INTERFACE(&p);
    s = WdfUsbTargetDeviceSelectConfig(b->Usb, WDF_NO_OBJECT_ATTRIBUTES, &p);
    if (!NT_SUCCESS(s))
        return s;
    b->Interface = p.Types.SingleInterface.ConfiguredUsbInterface;
    b->Events = WdfUsbInterfaceGetConfiguredPipe(b->Interface, 2, NULL);
    WDF_USB_CONTINUOUS_READER_CONFIG_INIT(&c, Happened, b, 8);
    c.EvtUsbTargetPipeReadersFailed = ReadersFailed;
    return WdfUsbTargetPipeConfigContinuousReader(b->Events, &c);
}

static NTSTATUS D0Entry(WDFDEVICE Device, WDF_POWER_DEVICE_STATE Previous)
{
    return WdfIoTargetStart(TargetOf(BadOf(Device)));
}

static NTSTATUS D0Exit(WDFDEVICE Device, WDF_POWER_DEVICE_STATE Target)
{
    PBAD b = BadOf(Device);
    if (b->Events && (b->Mistake != MISTAKE_NOT_STOPPED || b->Good))
        WdfIoTargetStop(TargetOf(b), WdfIoTargetCancelSentIo);
    return STATUS_SUCCESS;
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfUsbBad");
    WDF_PNPPOWER_EVENT_CALLBACKS events;
    WDF_OBJECT_ATTRIBUTES a;
    WDF_IO_QUEUE_CONFIG queue;
    WDFDEVICE d;
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&events);
    events.EvtDevicePrepareHardware = Prepare;
    events.EvtDeviceD0Entry = D0Entry;
    events.EvtDeviceD0Exit = D0Exit;
    WdfDeviceInitSetPnpPowerEventCallbacks(Init, &events);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, BAD);
    NTSTATUS s = WdfDeviceCreate(&Init, &a, &d);
    if (!NT_SUCCESS(s))
        return s;
    KeInitializeEvent(&BadOf(d)->Failed, NotificationEvent, FALSE);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchSequential);
    queue.EvtIoDeviceControl = Control;
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ExecutionLevel = WdfExecutionLevelPassive;
    s = WdfIoQueueCreate(d, &queue, &a, WDF_NO_HANDLE);
    return NT_SUCCESS(s) ? WdfDeviceCreateSymbolicLink(d, &link) : s;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
