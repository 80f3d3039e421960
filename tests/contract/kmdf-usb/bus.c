/* A bus whose children are USB devices: their physical device objects answer URBs and the other requests of a USB stack.
 *
 * Each device has a loop-back: what is written to its bulk pipes is read from them, a packet's worth or less at a time; reads wait in a queue an endpoint.
 * Vendor requests on the default pipe (unit.h) tell it what to do. LAB\UsbBus plugs what it is told to, LAB\UsbOneBus and LAB\UsbBoardBus have a device
 * from the start. */
#include <initguid.h>
#include <ntddk.h>
#include <wdf.h>
#include <ntstrsafe.h>
#include <usb.h>
#include <usbdlib.h>
#include <usbioctl.h>
#include <usbbusif.h>
#include "unit.h"

enum { ENDPOINTS = 8, LOOP = 4096 };

typedef struct _ENDPOINT {
    UCHAR Address;
    USHORT Stall;
    WDFQUEUE Reads;
} ENDPOINT, *PENDPOINT;

typedef struct _UNIT {
    ULONG Model, PortStatus, EventHead, EventTail;
    BOOLEAN Gone;
    WDFSPINLOCK Lock;
    WDFQUEUE Held;
    ENDPOINT Endpoint[ENDPOINTS];
    UCHAR Loop[LOOP], Events[64];
    ULONG LoopHead, LoopTail;
    UCHAR Bars, Segments;
    UNIT_STATE_DATA State;
} UNIT, *PUNIT;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(UNIT, UnitOf)

typedef struct _MODEL_ID {
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Header;
    ULONG Model;
} MODEL_ID;

/* ---- descriptors ---- */

#define WORD(n) (UCHAR)(n), (UCHAR)((n) >> 8)
#define CONFIG(total, interfaces, attributes) 9, 2, WORD(total), interfaces, 1, 0, attributes, 50
#define INTERFACE(number, setting, endpoints) 9, 4, number, setting, endpoints, 0xff, 0, 0, 0
#define ENDPOINT_OF(address, type, size, interval) 7, 5, address, type, WORD(size), interval

static const UCHAR One[] = {
    CONFIG(71, 1, 0xe0),
    INTERFACE(0, 0, 3), ENDPOINT_OF(0x81, 2, 64, 0), ENDPOINT_OF(0x02, 2, 64, 0), ENDPOINT_OF(0x83, 3, 8, 10),
    INTERFACE(0, 1, 2), ENDPOINT_OF(0x81, 2, 64, 0), ENDPOINT_OF(0x84, 1, 128, 1),
    INTERFACE(0, 2, 0),
};
static const UCHAR Two[] = {
    CONFIG(57, 2, 0x80),
    INTERFACE(0, 0, 1), ENDPOINT_OF(0x81, 2, 64, 0),
    INTERFACE(1, 0, 0),
    INTERFACE(1, 1, 2), ENDPOINT_OF(0x02, 2, 64, 0), ENDPOINT_OF(0x82, 2, 32, 0),
};
static const UCHAR Board[] = {
    CONFIG(39, 1, 0xa0),
    INTERFACE(0, 0, 3), ENDPOINT_OF(0x81, 3, 1, 1), ENDPOINT_OF(0x06, 2, 512, 0), ENDPOINT_OF(0x88, 2, 512, 0),
};
C_ASSERT(sizeof One == 71 && sizeof Two == 57 && sizeof Board == 39);
static const UCHAR Language[] = { 4, 3, 9, 4 };
static const UCHAR Name[] = { 10, 3, 'U', 0, 'n', 0, 'i', 0, 't', 0 };
static const UCHAR Odd[] = { 9, 3, 'O', 0, 'd', 0, 'd', 0, '!' };

static const UCHAR *ConfigOf(PUNIT u)
{
    return u->Model == MODEL_ONE ? One : u->Model == MODEL_TWO ? Two : Board;
}

static PENDPOINT EndpointAt(PUNIT u, UCHAR Address)
{
    for (ULONG i = 0; i < ENDPOINTS; i++)
        if (u->Endpoint[i].Address == Address)
            return &u->Endpoint[i];
    return NULL;
}

static BOOLEAN IsIn(PENDPOINT e)
{
    return (e->Address & 0x80) != 0;
}

/* ---- completion ---- */

static NTSTATUS StatusOf(USBD_STATUS s)
{
    switch (s) {
    case USBD_STATUS_SUCCESS:
        return STATUS_SUCCESS;
    case USBD_STATUS_CANCELED:
        return STATUS_CANCELLED;
    case USBD_STATUS_DEVICE_GONE:
        return STATUS_DEVICE_NOT_CONNECTED;
    case USBD_STATUS_INVALID_PARAMETER:
    case USBD_STATUS_INVALID_PIPE_HANDLE:
        return STATUS_INVALID_PARAMETER;
    case USBD_STATUS_NOT_SUPPORTED:
        return STATUS_NOT_SUPPORTED;
    default:
        return STATUS_UNSUCCESSFUL;
    }
}

static PURB UrbOf(WDFREQUEST Request)
{
    return URB_FROM_IRP(WdfRequestWdmGetIrp(Request));
}

static VOID Finish(WDFREQUEST Request, USBD_STATUS Status)
{
    UrbOf(Request)->UrbHeader.Status = Status;
    WdfRequestComplete(Request, StatusOf(Status));
}

/* All transfers have these fields in one place. */
static VOID FinishTransfer(WDFREQUEST Request, USBD_STATUS Status, ULONG Length)
{
    UrbOf(Request)->UrbBulkOrInterruptTransfer.TransferBufferLength = Length;
    Finish(Request, Status);
}

static PUCHAR BufferOf(PURB Urb)
{
    PMDL mdl = Urb->UrbBulkOrInterruptTransfer.TransferBufferMDL;
    return mdl ? MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) : Urb->UrbBulkOrInterruptTransfer.TransferBuffer;
}

static VOID Answer(WDFREQUEST Request, const VOID *Data, ULONG Size)
{
    PURB urb = UrbOf(Request);
    ULONG n = min(Size, urb->UrbBulkOrInterruptTransfer.TransferBufferLength);
    if (n)
        RtlCopyMemory(BufferOf(urb), Data, n);
    FinishTransfer(Request, USBD_STATUS_SUCCESS, n);
}

static VOID CanceledOnQueue(WDFQUEUE Queue, WDFREQUEST Request)
{
    FinishTransfer(Request, USBD_STATUS_CANCELED, 0);
}

static VOID FinishAll(WDFQUEUE Queue, USBD_STATUS Status)
{
    WDFREQUEST r;
    while (NT_SUCCESS(WdfIoQueueRetrieveNextRequest(Queue, &r)))
        FinishTransfer(r, Status, 0);
}

/* ---- transfers ---- */

static ULONG Take(PUNIT u, PENDPOINT e, PUCHAR To, ULONG Room)
{
    BOOLEAN event = e->Address == 0x83 || (e->Address == 0x81 && u->Model == MODEL_BOARD);
    ULONG n = 0;
    while (event ? n < Room && n < 1 && u->EventHead != u->EventTail : n < Room && u->LoopHead != u->LoopTail)
        To[n++] = event ? u->Events[u->EventHead++ % sizeof u->Events] : u->Loop[u->LoopHead++ % LOOP];
    return n;
}

/* Reads that wait get what there is. */
static VOID Pump(PUNIT u, PENDPOINT e)
{
    for (;;) {
        WDFREQUEST r = NULL;
        UCHAR data[512];
        ULONG n = 0;
        WdfSpinLockAcquire(u->Lock);
        BOOLEAN event = e->Address == 0x83 || (e->Address == 0x81 && u->Model == MODEL_BOARD);
        if ((event ? u->EventHead != u->EventTail : u->LoopHead != u->LoopTail) && NT_SUCCESS(WdfIoQueueRetrieveNextRequest(e->Reads, &r))) {
            n = Take(u, e, data, min(UrbOf(r)->UrbBulkOrInterruptTransfer.TransferBufferLength, sizeof data));
            u->State.Transfers++;
        }
        WdfSpinLockRelease(u->Lock);
        if (!r)
            return;
        Answer(r, data, n);
    }
}

static VOID PumpAll(PUNIT u)
{
    for (ULONG i = 0; i < ENDPOINTS; i++)
        if (u->Endpoint[i].Address && IsIn(&u->Endpoint[i]))
            Pump(u, &u->Endpoint[i]);
}

static VOID Write(PUNIT u, PURB Urb)
{
    PUCHAR from = BufferOf(Urb);
    WdfSpinLockAcquire(u->Lock);
    for (ULONG i = 0; i < Urb->UrbBulkOrInterruptTransfer.TransferBufferLength && u->LoopTail - u->LoopHead < LOOP; i++)
        u->Loop[u->LoopTail++ % LOOP] = from[i];
    u->State.Transfers++;
    WdfSpinLockRelease(u->Lock);
}

static VOID Transfer(PUNIT u, WDFREQUEST Request, PURB Urb)
{
    PENDPOINT e = Urb->UrbBulkOrInterruptTransfer.PipeHandle;
    BOOLEAN in = (Urb->UrbBulkOrInterruptTransfer.TransferFlags & USBD_TRANSFER_DIRECTION_IN) != 0;
    if (!e || in != IsIn(e)) {
        FinishTransfer(Request, USBD_STATUS_INVALID_PIPE_HANDLE, 0);
        return;
    }
    WdfSpinLockAcquire(u->Lock);
    BOOLEAN stall = e->Stall != 0;
    if (stall)
        e->Stall--;
    WdfSpinLockRelease(u->Lock);
    if (stall) {
        FinishTransfer(Request, USBD_STATUS_STALL_PID, 0);
    } else if (in) {
        NTSTATUS s = WdfRequestForwardToIoQueue(Request, e->Reads);
        if (!NT_SUCCESS(s))
            FinishTransfer(Request, USBD_STATUS_DEVICE_GONE, 0);
        else
            Pump(u, e);
    } else {
        Write(u, Urb);
        FinishTransfer(Request, USBD_STATUS_SUCCESS, Urb->UrbBulkOrInterruptTransfer.TransferBufferLength);
        PumpAll(u);
    }
}

static VOID Isochronous(PUNIT u, WDFREQUEST Request, PURB Urb)
{
    struct _URB_ISOCH_TRANSFER *t = &Urb->UrbIsochronousTransfer;
    for (ULONG i = 0; i < t->NumberOfPackets; i++) {
        t->IsoPacket[i].Status = USBD_STATUS_SUCCESS;
        t->IsoPacket[i].Length = 16 + i;
    }
    t->StartFrame = 77;
    t->ErrorCount = 0;
    Finish(Request, USBD_STATUS_SUCCESS);
}

/* ---- the default pipe ---- */

static NTSTATUS Plug(WDFDEVICE Bus, ULONG Model);
static NTSTATUS Unplug(WDFDEVICE Bus, ULONG Model);

static VOID State(PUNIT u, WDFREQUEST Request)
{
    UNIT_STATE_DATA d = u->State;
    d.Waiting = 0;
    for (ULONG i = 0; i < ENDPOINTS; i++) {
        ULONG n = 0;
        if (u->Endpoint[i].Reads)
            WdfIoQueueGetState(u->Endpoint[i].Reads, &n, NULL);
        d.Waiting += n;
    }
    Answer(Request, &d, sizeof d);
}

static VOID BoardRequest(PUNIT u, WDFREQUEST Request, UCHAR Code, PUCHAR Data)
{
    WDFDEVICE bus = WdfPdoGetParent(WdfIoQueueGetDevice(u->Held));
    UCHAR switches = 0x5a;
    switch (Code) {
    case 0xd4:
        Answer(Request, &u->Segments, 1);
        return;
    case 0xd6:
        Answer(Request, &switches, 1);
        return;
    case 0xd7:
        Answer(Request, &u->Bars, 1);
        return;
    case 0xd8:
        u->Bars = *Data;
        Finish(Request, USBD_STATUS_SUCCESS);
        return;
    case 0xdb:
        u->Segments = *Data;
        u->Events[u->EventTail++ % sizeof u->Events] = *Data; /* somebody sees it and moves the switches alike */
        Finish(Request, USBD_STATUS_SUCCESS);
        PumpAll(u);
        return;
    case 0xda: /* it goes off the bus and comes back */
        Finish(Request, USBD_STATUS_SUCCESS);
        Unplug(bus, MODEL_BOARD);
        Plug(bus, MODEL_BOARD);
        return;
    default:
        FinishTransfer(Request, USBD_STATUS_STALL_PID, 0);
    }
}

static VOID VendorRequest(PUNIT u, WDFREQUEST Request, PURB Urb)
{
    PUCHAR setup = Urb->UrbControlTransfer.SetupPacket, data = BufferOf(Urb);
    USHORT value = (USHORT)(setup[2] | setup[3] << 8), index = (USHORT)(setup[4] | setup[5] << 8);
    ULONG length = Urb->UrbControlTransfer.TransferBufferLength;
    USHORT echo[2] = { value, index };
    if (u->Model == MODEL_BOARD) {
        BoardRequest(u, Request, setup[1], data);
        return;
    }
    switch (setup[1]) {
    case UNIT_STALL:
        EndpointAt(u, (UCHAR)value)->Stall = index;
        break;
    case UNIT_EVENT:
        WdfSpinLockAcquire(u->Lock);
        u->Events[u->EventTail++ % sizeof u->Events] = (UCHAR)value;
        WdfSpinLockRelease(u->Lock);
        Finish(Request, USBD_STATUS_SUCCESS);
        Pump(u, EndpointAt(u, 0x83));
        return;
    case UNIT_STATE:
        State(u, Request);
        return;
    case UNIT_HOLD:
        if (!NT_SUCCESS(WdfRequestForwardToIoQueue(Request, u->Held)))
            FinishTransfer(Request, USBD_STATUS_DEVICE_GONE, 0);
        return;
    case UNIT_ECHO:
        Answer(Request, echo, sizeof echo);
        return;
    case UNIT_PORT:
        u->PortStatus = value;
        break;
    case UNIT_KEEP:
        RtlCopyMemory(u->State.Kept, data, min(length, sizeof u->State.Kept));
        break;
    default:
        FinishTransfer(Request, USBD_STATUS_STALL_PID, 0);
        return;
    }
    Finish(Request, USBD_STATUS_SUCCESS);
}

/* A stack with the bus interface takes the flag, one without the handle that it put into the first answer. */
static VOID ControlTransfer(PUNIT u, WDFREQUEST Request, PURB Urb)
{
    BOOLEAN flag = (Urb->UrbControlTransfer.TransferFlags & USBD_DEFAULT_PIPE_TRANSFER) != 0;
    PUCHAR setup = Urb->UrbControlTransfer.SetupPacket;
    u->State.ControlFlags = Urb->UrbControlTransfer.TransferFlags;
    if (flag == (u->Model == MODEL_TWO) || (!flag && Urb->UrbControlTransfer.PipeHandle != &u->State))
        FinishTransfer(Request, USBD_STATUS_INVALID_PIPE_HANDLE, 0);
    else if ((setup[0] & 0x60) == 0x40 && (setup[6] | setup[7] << 8) == (int)Urb->UrbControlTransfer.TransferBufferLength)
        VendorRequest(u, Request, Urb);
    else
        FinishTransfer(Request, USBD_STATUS_STALL_PID, 0);
}

static VOID Descriptor(PUNIT u, WDFREQUEST Request, PURB Urb)
{
    USB_DEVICE_DESCRIPTOR d = { sizeof d, 1, 0x200, 0xff, 0, 0, 64, UNIT_VENDOR, 0, 0x100, 0, 1, 0, 1 };
    d.idProduct = (USHORT)u->Model;
    Urb->UrbControlDescriptorRequest.Reserved = &u->State;
    const UCHAR *config = ConfigOf(u);
    switch (Urb->UrbControlDescriptorRequest.DescriptorType) {
    case USB_DEVICE_DESCRIPTOR_TYPE:
        Answer(Request, &d, sizeof d);
        return;
    case USB_CONFIGURATION_DESCRIPTOR_TYPE:
        Answer(Request, config, config[2] | config[3] << 8);
        return;
    case USB_STRING_DESCRIPTOR_TYPE:
        if (Urb->UrbControlDescriptorRequest.Index == 0)
            Answer(Request, Language, sizeof Language);
        else if (Urb->UrbControlDescriptorRequest.Index == 1 && Urb->UrbControlDescriptorRequest.LanguageId == 0x409)
            Answer(Request, Name, sizeof Name);
        else if (Urb->UrbControlDescriptorRequest.Index == 2)
            Answer(Request, Odd, sizeof Odd);
        else
            break;
        return;
    }
    FinishTransfer(Request, USBD_STATUS_STALL_PID, 0);
}

/* ---- configurations ---- */

static BOOLEAN FillInterface(PUNIT u, PUSBD_INTERFACE_INFORMATION Info, BOOLEAN Pipes)
{
    PUSB_CONFIGURATION_DESCRIPTOR config = (PUSB_CONFIGURATION_DESCRIPTOR)ConfigOf(u);
    PUCHAR at = (PUCHAR)config, end = at + config->wTotalLength;
    ULONG pipe = 0;
    for (; at < end; at += *at) {
        PUSB_INTERFACE_DESCRIPTOR i = (PUSB_INTERFACE_DESCRIPTOR)at;
        if (at[1] == USB_INTERFACE_DESCRIPTOR_TYPE && i->bInterfaceNumber == Info->InterfaceNumber && i->bAlternateSetting == Info->AlternateSetting)
            break;
    }
    if (at >= end)
        return FALSE;
    Info->NumberOfPipes = ((PUSB_INTERFACE_DESCRIPTOR)at)->bNumEndpoints;
    if (Info->Length < GET_USBD_INTERFACE_SIZE(Info->NumberOfPipes))
        return FALSE;
    Info->InterfaceHandle = at;
    Info->Class = 0xff;
    for (at += *at; Pipes && pipe < Info->NumberOfPipes; at += *at) {
        PUSB_ENDPOINT_DESCRIPTOR e = (PUSB_ENDPOINT_DESCRIPTOR)at;
        if (at[1] != USB_ENDPOINT_DESCRIPTOR_TYPE)
            continue;
        PUSBD_PIPE_INFORMATION p = &Info->Pipes[pipe++];
        p->MaximumPacketSize = e->wMaxPacketSize;
        p->EndpointAddress = e->bEndpointAddress;
        p->Interval = e->bInterval;
        p->PipeType = (USBD_PIPE_TYPE)(e->bmAttributes & 3);
        p->PipeHandle = EndpointAt(u, e->bEndpointAddress);
    }
    if (Info->InterfaceNumber < 2)
        u->State.Setting[Info->InterfaceNumber] = Info->AlternateSetting;
    return TRUE;
}

/* Of several interfaces only the first is filled in, as a parent driver of composite devices may do. */
static VOID SelectConfiguration(PUNIT u, WDFREQUEST Request, PURB Urb)
{
    struct _URB_SELECT_CONFIGURATION *c = &Urb->UrbSelectConfiguration;
    PUCHAR at = (PUCHAR)&c->Interface, end = (PUCHAR)Urb + c->Hdr.Length;
    BOOLEAN good = TRUE, first = TRUE;
    u->State.Selects++;
    u->State.Configured = c->ConfigurationDescriptor != NULL;
    for (; c->ConfigurationDescriptor && good && at < end; at += ((PUSBD_INTERFACE_INFORMATION)at)->Length, first = FALSE)
        good = FillInterface(u, (PUSBD_INTERFACE_INFORMATION)at, first);
    c->ConfigurationHandle = c->ConfigurationDescriptor ? u : NULL;
    Finish(Request, good ? USBD_STATUS_SUCCESS : USBD_STATUS_INVALID_PARAMETER);
}

static VOID SelectInterface(PUNIT u, WDFREQUEST Request, PURB Urb)
{
    u->State.Selects++;
    BOOLEAN good = Urb->UrbSelectInterface.ConfigurationHandle == u && u->State.Configured && FillInterface(u, &Urb->UrbSelectInterface.Interface, TRUE);
    Finish(Request, good ? USBD_STATUS_SUCCESS : USBD_STATUS_INVALID_PARAMETER);
}

static VOID PipeRequest(PUNIT u, WDFREQUEST Request, PURB Urb)
{
    PENDPOINT e = Urb->UrbPipeRequest.PipeHandle;
    if (Urb->UrbHeader.Function == URB_FUNCTION_ABORT_PIPE) {
        u->State.Aborts++;
        if (IsIn(e))
            FinishAll(e->Reads, USBD_STATUS_CANCELED);
    } else {
        u->State.Resets++;
        e->Stall = 0;
    }
    Finish(Request, USBD_STATUS_SUCCESS);
}

/* ---- the physical device ---- */

static VOID SubmitUrb(PUNIT u, WDFREQUEST Request, PURB Urb)
{
    USHORT status = USB_GETSTATUS_SELF_POWERED;
    if (u->Gone) {
        FinishTransfer(Request, USBD_STATUS_DEVICE_GONE, 0);
        return;
    }
    switch (Urb->UrbHeader.Function) {
    case URB_FUNCTION_GET_DESCRIPTOR_FROM_DEVICE:
        Descriptor(u, Request, Urb);
        return;
    case URB_FUNCTION_GET_STATUS_FROM_DEVICE:
        Answer(Request, &status, sizeof status);
        return;
    case URB_FUNCTION_SELECT_CONFIGURATION:
        SelectConfiguration(u, Request, Urb);
        return;
    case URB_FUNCTION_SELECT_INTERFACE:
        SelectInterface(u, Request, Urb);
        return;
    case URB_FUNCTION_BULK_OR_INTERRUPT_TRANSFER:
        Transfer(u, Request, Urb);
        return;
    case URB_FUNCTION_ISOCH_TRANSFER:
        Isochronous(u, Request, Urb);
        return;
    case URB_FUNCTION_CONTROL_TRANSFER:
        ControlTransfer(u, Request, Urb);
        return;
    case URB_FUNCTION_ABORT_PIPE:
    case URB_FUNCTION_RESET_PIPE:
        PipeRequest(u, Request, Urb);
        return;
    default:
        Finish(Request, USBD_STATUS_NOT_SUPPORTED);
    }
}

static VOID InternalControl(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    PUNIT u = UnitOf(WdfIoQueueGetDevice(Queue));
    PIO_STACK_LOCATION sl = IoGetCurrentIrpStackLocation(WdfRequestWdmGetIrp(Request));
    NTSTATUS s = u->Gone ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS;
    switch (Code) {
    case IOCTL_INTERNAL_USB_SUBMIT_URB:
        SubmitUrb(u, Request, sl->Parameters.Others.Argument1);
        return;
    case IOCTL_INTERNAL_USB_GET_PORT_STATUS:
        *(PULONG)sl->Parameters.Others.Argument1 = u->PortStatus;
        break;
    case IOCTL_INTERNAL_USB_RESET_PORT:
        u->State.PortResets++;
        u->PortStatus = USBD_PORT_CONNECTED | USBD_PORT_ENABLED;
        break;
    case IOCTL_INTERNAL_USB_CYCLE_PORT:
        u->State.Cycles++;
        break;
    default:
        s = STATUS_NOT_SUPPORTED;
    }
    WdfRequestComplete(Request, s);
}

static BOOLEAN USB_BUSIFFN HighSpeed(PVOID Context)
{
    return TRUE;
}

static VOID USB_BUSIFFN Version(PVOID Context, PUSBD_VERSION_INFORMATION Information, PULONG Capabilities)
{
    if (Information) {
        Information->USBDI_Version = 0x500;
        Information->Supported_USB_Version = 0x200;
    }
    if (Capabilities)
        *Capabilities = USB_HCD_CAPS_SUPPORTS_RT_THREADS;
}

static NTSTATUS USB_BUSIFFN BusTime(PVOID Context, PULONG Frame)
{
    *Frame = 4711;
    return STATUS_SUCCESS;
}

static NTSTATUS OfferInterface(WDFDEVICE Device)
{
    USB_BUS_INTERFACE_USBDI_V1 i;
    WDF_QUERY_INTERFACE_CONFIG config;
    RtlZeroMemory(&i, sizeof i);
    i.Size = sizeof i;
    i.Version = USB_BUSIF_USBDI_VERSION_1;
    i.BusContext = Device;
    i.InterfaceReference = WdfDeviceInterfaceReferenceNoOp;
    i.InterfaceDereference = WdfDeviceInterfaceDereferenceNoOp;
    i.GetUSBDIVersion = Version;
    i.QueryBusTime = BusTime;
    i.IsDeviceHighSpeed = HighSpeed;
    WDF_QUERY_INTERFACE_CONFIG_INIT(&config, (PINTERFACE)&i, &USB_BUS_INTERFACE_USBDI_GUID, NULL);
    return WdfDeviceAddQueryInterface(Device, &config);
}

static NTSTATUS WaitingQueue(WDFDEVICE Device, WDFQUEUE *Queue)
{
    WDF_IO_QUEUE_CONFIG c;
    WDF_IO_QUEUE_CONFIG_INIT(&c, WdfIoQueueDispatchManual);
    c.PowerManaged = WdfFalse;
    c.EvtIoCanceledOnQueue = CanceledOnQueue;
    return WdfIoQueueCreate(Device, &c, WDF_NO_OBJECT_ATTRIBUTES, Queue);
}

static NTSTATUS MakeQueues(WDFDEVICE Device)
{
    static const UCHAR addresses[] = { 0x81, 0x02, 0x83, 0x84, 0x82, 0x06, 0x88 };
    PUNIT u = UnitOf(Device);
    WDF_IO_QUEUE_CONFIG c;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&c, WdfIoQueueDispatchParallel);
    c.PowerManaged = WdfFalse;
    c.EvtIoInternalDeviceControl = InternalControl;
    NTSTATUS s = WdfIoQueueCreate(Device, &c, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    if (NT_SUCCESS(s))
        s = WaitingQueue(Device, &u->Held);
    for (ULONG i = 0; i < sizeof addresses && NT_SUCCESS(s); i++) {
        u->Endpoint[i].Address = addresses[i];
        if (IsIn(&u->Endpoint[i]))
            s = WaitingQueue(Device, &u->Endpoint[i].Reads);
    }
    return s;
}

static NTSTATUS EnableWake(WDFDEVICE Device, SYSTEM_POWER_STATE State)
{
    return STATUS_SUCCESS;
}

/* Devices that can wake do so from D2, as below a hub. */
static VOID SetWake(WDFDEVICE Device)
{
    WDF_DEVICE_POWER_CAPABILITIES c;
    WDF_DEVICE_POWER_CAPABILITIES_INIT(&c);
    c.DeviceD1 = WdfFalse;
    c.DeviceD2 = c.WakeFromD0 = c.WakeFromD2 = WdfTrue;
    c.DeviceState[PowerSystemWorking] = PowerDeviceD0;
    for (int i = PowerSystemSleeping1; i <= PowerSystemSleeping3; i++)
        c.DeviceState[i] = PowerDeviceD2;
    c.DeviceState[PowerSystemHibernate] = c.DeviceState[PowerSystemShutdown] = PowerDeviceD3;
    c.DeviceWake = PowerDeviceD2;
    c.SystemWake = PowerSystemSleeping3;
    WdfDeviceSetPowerCapabilities(Device, &c);
}

static NTSTATUS CreateChild(WDFCHILDLIST List, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Id, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(location, L"Port_#0001.Hub_#0001");
    DECLARE_CONST_UNICODE_STRING(class, L"USB\\Class_FF");
    DECLARE_UNICODE_STRING_SIZE(id, 64);
    DECLARE_UNICODE_STRING_SIZE(instance, 16);
    WDF_OBJECT_ATTRIBUTES a;
    WDF_DEVICE_PNP_CAPABILITIES pnp;
    WDF_PDO_EVENT_CALLBACKS events;
    WDFDEVICE child;
    ULONG model = CONTAINING_RECORD(Id, MODEL_ID, Header)->Model;
    if (model == MODEL_BOARD)
        RtlUnicodeStringPrintf(&id, L"USB\\VID_0547&PID_1002");
    else
        RtlUnicodeStringPrintf(&id, L"USB\\VID_%04X&PID_%04X", UNIT_VENDOR, model);
    RtlUnicodeStringPrintf(&instance, L"%02d", model);
    WdfDeviceInitSetDeviceType(Init, FILE_DEVICE_USB);
    NTSTATUS s = WdfPdoInitAssignDeviceID(Init, &id);
    if (NT_SUCCESS(s))
        s = WdfPdoInitAddHardwareID(Init, &id);
    if (NT_SUCCESS(s))
        s = WdfPdoInitAddCompatibleID(Init, &class);
    if (NT_SUCCESS(s))
        s = WdfPdoInitAssignInstanceID(Init, &instance);
    if (NT_SUCCESS(s))
        s = WdfPdoInitAddDeviceText(Init, &id, &location, 0x409);
    WdfPdoInitSetDefaultLocale(Init, 0x409);
    WDF_PDO_EVENT_CALLBACKS_INIT(&events);
    events.EvtDeviceEnableWakeAtBus = EnableWake;
    WdfPdoInitSetEventCallbacks(Init, &events);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, UNIT);
    if (NT_SUCCESS(s))
        s = WdfDeviceCreate(&Init, &a, &child);
    if (!NT_SUCCESS(s))
        return s;
    PUNIT u = UnitOf(child);
    u->Model = model;
    u->PortStatus = USBD_PORT_CONNECTED | USBD_PORT_ENABLED;
    WDF_DEVICE_PNP_CAPABILITIES_INIT(&pnp);
    pnp.Removable = pnp.SurpriseRemovalOK = pnp.UniqueID = WdfTrue;
    WdfDeviceSetPnpCapabilities(child, &pnp);
    SetWake(child);
    WDF_OBJECT_ATTRIBUTES_INIT(&a);
    a.ParentObject = child;
    s = WdfSpinLockCreate(&a, &u->Lock);
    if (NT_SUCCESS(s))
        s = MakeQueues(child);
    return NT_SUCCESS(s) && model != MODEL_TWO ? OfferInterface(child) : s;
}

/* ---- the bus ---- */

static NTSTATUS Plug(WDFDEVICE Bus, ULONG Model)
{
    MODEL_ID id;
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(&id.Header, sizeof id);
    id.Model = Model;
    return WdfChildListAddOrUpdateChildDescriptionAsPresent(WdfFdoGetDefaultChildList(Bus), &id.Header, NULL);
}

/* As a hub does it: what waits ends, nothing more is taken, and the device is reported missing. */
static NTSTATUS Unplug(WDFDEVICE Bus, ULONG Model)
{
    WDFCHILDLIST list = WdfFdoGetDefaultChildList(Bus);
    WDF_CHILD_RETRIEVE_INFO info;
    MODEL_ID id;
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(&id.Header, sizeof id);
    id.Model = Model;
    WDF_CHILD_RETRIEVE_INFO_INIT(&info, &id.Header);
    WDFDEVICE child = WdfChildListRetrievePdo(list, &info);
    if (child) {
        PUNIT u = UnitOf(child);
        u->Gone = TRUE;
        u->PortStatus = 0;
        FinishAll(u->Held, USBD_STATUS_DEVICE_GONE);
        for (ULONG i = 0; i < ENDPOINTS; i++)
            if (u->Endpoint[i].Reads)
                FinishAll(u->Endpoint[i].Reads, USBD_STATUS_DEVICE_GONE);
    }
    return WdfChildListUpdateChildDescriptionAsMissing(list, &id.Header);
}

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    WDFDEVICE d = WdfIoQueueGetDevice(Queue);
    PULONG model;
    NTSTATUS s = WdfRequestRetrieveInputBuffer(Request, sizeof *model, (PVOID *)&model, NULL);
    if (NT_SUCCESS(s))
        s = Code == IOCTL_PLUG ? Plug(d, *model) : Code == IOCTL_UNPLUG ? Unplug(d, *model) : STATUS_INVALID_DEVICE_REQUEST;
    WdfRequestComplete(Request, s);
}

/* The bus's id says what is there from the start; 0: nothing. */
static ULONG BuiltIn(WDFDEVICE Device)
{
    WCHAR id[64];
    ULONG n;
    RtlZeroMemory(id, sizeof id);
    if (!NT_SUCCESS(WdfDeviceQueryProperty(Device, DevicePropertyHardwareID, sizeof id - sizeof(WCHAR), id, &n)))
        return 0;
    return wcsstr(id, L"Board") ? MODEL_BOARD : wcsstr(id, L"One") ? MODEL_ONE : 0;
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\UsbBus");
    PNP_BUS_INFORMATION information = { { 0x9d7debbc, 0xc85d, 0x11d1, { 0x9e, 0xb4, 0x00, 0x60, 0x08, 0xc3, 0xa1, 0x9a } }, PNPBus, 0 };
    WDF_CHILD_LIST_CONFIG children;
    WDF_IO_QUEUE_CONFIG queue;
    WDFDEVICE d;
    WdfDeviceInitSetDeviceType(Init, FILE_DEVICE_BUS_EXTENDER);
    WDF_CHILD_LIST_CONFIG_INIT(&children, sizeof(MODEL_ID), CreateChild);
    WdfFdoInitSetDefaultChildListConfig(Init, &children, WDF_NO_OBJECT_ATTRIBUTES);
    NTSTATUS s = WdfDeviceCreate(&Init, WDF_NO_OBJECT_ATTRIBUTES, &d);
    if (!NT_SUCCESS(s))
        return s;
    WdfDeviceSetBusInformationForChildren(d, &information);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchSequential);
    queue.EvtIoDeviceControl = Control;
    s = WdfIoQueueCreate(d, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    if (NT_SUCCESS(s))
        s = WdfDeviceCreateSymbolicLink(d, &link);
    return NT_SUCCESS(s) && BuiltIn(d) ? Plug(d, BuiltIn(d)) : s;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
