/* A port driver below a PS/2 filter: what i8042prt is to one, without hardware. Built as it is for a keyboard, with -DMOUSE for a mouse.
 *
 * When its device has started it asks the stack above, from the top, for hooks (IOCTL_INTERNAL_I8042_HOOK_…) and runs the initialisation
 * routine it was given. It answers the class driver's connection and the questions for attributes. A program that writes packets to it stands for the
 * interrupt: each is shown to the hooked service routine at DISPATCH_LEVEL, then all are handed to whoever is connected, who may take fewer. */
#include <ntddk.h>
#include <kbdmou.h>
#include <ntddkbd.h>
#include <ntddmou.h>
#include <ntdd8042.h>
#include <wdf.h>
#include "i8042.h"

#ifdef MOUSE
#define CONNECT IOCTL_INTERNAL_MOUSE_CONNECT
#define HOOK IOCTL_INTERNAL_I8042_HOOK_MOUSE
#define QUERY IOCTL_MOUSE_QUERY_ATTRIBUTES
typedef MOUSE_INPUT_DATA PACKET;
typedef MOUSE_ATTRIBUTES ATTRIBUTES;
typedef INTERNAL_I8042_HOOK_MOUSE HOOKS;
#else
#define CONNECT IOCTL_INTERNAL_KEYBOARD_CONNECT
#define HOOK IOCTL_INTERNAL_I8042_HOOK_KEYBOARD
#define QUERY IOCTL_KEYBOARD_QUERY_ATTRIBUTES
typedef KEYBOARD_INPUT_DATA PACKET;
typedef KEYBOARD_ATTRIBUTES ATTRIBUTES;
typedef INTERNAL_I8042_HOOK_KEYBOARD HOOKS;
#endif

typedef struct _PORT {
    CONNECT_DATA Connected;
    HOOKS Hooks;
    ULONG Bytes; /* that the service routine was shown */
} PORT;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(PORT, PortOf)

DRIVER_INITIALIZE DriverEntry;
static EVT_WDF_DRIVER_DEVICE_ADD AddDevice;
static EVT_WDF_DEVICE_SELF_MANAGED_IO_INIT Ask;
static EVT_WDF_IO_QUEUE_IO_INTERNAL_DEVICE_CONTROL InternalControl;
static EVT_WDF_IO_QUEUE_IO_WRITE Write;

static VOID NTAPI IsrWritePort(PVOID Context, UCHAR Value)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Value);
}

static VOID NTAPI QueuePacket(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
}

#ifndef MOUSE
static NTSTATUS NTAPI ReadPort(PVOID Context, PUCHAR Value, BOOLEAN WaitForAck)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(WaitForAck);
    *Value = 0xFA; /* acknowledged */
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI WritePort(PVOID Context, UCHAR Value, BOOLEAN WaitForAck)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Value);
    UNREFERENCED_PARAMETER(WaitForAck);
    return STATUS_SUCCESS;
}

static NTSTATUS Initialize(PORT *Port)
{
    BOOLEAN translate = FALSE;
    NTSTATUS status = STATUS_SUCCESS;
    if (Port->Hooks.InitializationRoutine)
        status = Port->Hooks.InitializationRoutine(Port->Hooks.Context, Port, ReadPort, WritePort, &translate);
    return NT_SUCCESS(status) && Port->Hooks.InitializationRoutine && !translate ? STATUS_UNSUCCESSFUL : status;
}

static BOOLEAN Show(PORT *Port, PACKET *Packet)
{
    OUTPUT_PACKET output = {0};
    KEYBOARD_SCAN_STATE state = Normal;
    UCHAR byte = (UCHAR)Packet->MakeCode;
    BOOLEAN proceed = TRUE;
    Port->Bytes++;
    return !Port->Hooks.IsrRoutine || (Port->Hooks.IsrRoutine(Port->Hooks.Context, Packet, &output, 1, &byte, &proceed, &state) && proceed);
}
#else
static NTSTATUS Initialize(PORT *Port)
{
    UNREFERENCED_PARAMETER(Port);
    return STATUS_SUCCESS;
}

static BOOLEAN Show(PORT *Port, PACKET *Packet)
{
    OUTPUT_PACKET output = {0};
    MOUSE_STATE state = MouseIdle;
    MOUSE_RESET_SUBSTATE reset = ExpectingReset;
    UCHAR byte = (UCHAR)Packet->LastX;
    BOOLEAN proceed = TRUE;
    Port->Bytes++;
    return !Port->Hooks.IsrRoutine || (Port->Hooks.IsrRoutine(Port->Hooks.Context, Packet, &output, 0x21, &byte, &proceed, &state, &reset) && proceed);
}
#endif

/* The hooks travel through the whole stack and come back to this driver's own queue, which completes them. */
static NTSTATUS Ask(WDFDEVICE Device)
{
    PORT *port = PortOf(Device);
    KEVENT done;
    IO_STATUS_BLOCK iosb;
    port->Hooks.IsrWritePort = IsrWritePort;
#ifdef MOUSE
    port->Hooks.QueueMousePacket = QueuePacket;
#else
    port->Hooks.QueueKeyboardPacket = QueuePacket;
#endif
    port->Hooks.CallContext = port;
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(WdfDeviceWdmGetDeviceObject(Device));
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    PIRP irp = IoBuildDeviceIoControlRequest(HOOK, top, &port->Hooks, sizeof port->Hooks, NULL, 0, TRUE, &done, &iosb);
    NTSTATUS status = irp ? IoCallDriver(top, irp) : STATUS_INSUFFICIENT_RESOURCES;
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = iosb.Status;
    }
    ObDereferenceObject(top);
    return NT_SUCCESS(status) ? Initialize(port) : status;
}

static NTSTATUS GiveAttributes(WDFREQUEST Request)
{
    ATTRIBUTES *a;
    NTSTATUS status = WdfRequestRetrieveOutputBuffer(Request, sizeof *a, (PVOID *)&a, NULL);
    if (!NT_SUCCESS(status))
        return status;
    RtlZeroMemory(a, sizeof *a);
#ifdef MOUSE
    a->MouseIdentifier = MOUSE_I8042_HARDWARE;
    a->NumberOfButtons = 3;
#else
    a->KeyboardIdentifier.Type = 4;
    a->KeyboardMode = 1;
    a->NumberOfFunctionKeys = 12;
    a->NumberOfIndicators = 3;
    a->NumberOfKeysTotal = 101;
#endif
    a->InputDataQueueLength = 100;
    WdfRequestSetInformation(Request, sizeof *a);
    return STATUS_SUCCESS;
}

static VOID InternalControl(WDFQUEUE Queue, WDFREQUEST Request, size_t OutputBufferLength, size_t InputBufferLength, ULONG IoControlCode)
{
    PORT *port = PortOf(WdfIoQueueGetDevice(Queue));
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    CONNECT_DATA *connect;
    UNREFERENCED_PARAMETER(OutputBufferLength);
    UNREFERENCED_PARAMETER(InputBufferLength);
    switch (IoControlCode) {
    case CONNECT:
        status = WdfRequestRetrieveInputBuffer(Request, sizeof *connect, (PVOID *)&connect, NULL);
        if (NT_SUCCESS(status))
            port->Connected = *connect;
        break;
    case HOOK:
        status = STATUS_SUCCESS;
        break;
    case QUERY:
        status = GiveAttributes(Request);
        break;
    }
    WdfRequestComplete(Request, status);
}

/* GUESS: the routine of a class driver is called with the four arguments that its own documentation names, not with its type's. */
typedef VOID(NTAPI *SERVICE)(PDEVICE_OBJECT, PACKET *, PACKET *, PULONG);

static VOID Write(WDFQUEUE Queue, WDFREQUEST Request, size_t Length)
{
    PORT *port = PortOf(WdfIoQueueGetDevice(Queue));
    PACKET *packet;
    size_t count = Length / sizeof *packet, shown = 0;
    ULONG taken = 0;
    KIRQL irql;
    NTSTATUS status = count ? WdfRequestRetrieveInputBuffer(Request, sizeof *packet, (PVOID *)&packet, NULL) : STATUS_INVALID_BUFFER_SIZE;
    if (NT_SUCCESS(status) && !port->Connected.ClassService)
        status = STATUS_DEVICE_NOT_CONNECTED;
    if (NT_SUCCESS(status)) {
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        while (shown < count && Show(port, &packet[shown]))
            shown++;
        ((SERVICE)(ULONG_PTR)port->Connected.ClassService)(port->Connected.ClassDeviceObject, packet, packet + shown, &taken);
        KeLowerIrql(irql);
    }
    WdfRequestCompleteWithInformation(Request, status, taken * sizeof *packet);
}

static NTSTATUS AddDevice(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_PNPPOWER_EVENT_CALLBACKS power;
    WDF_IO_QUEUE_CONFIG config;
    WDFDEVICE device;
    UNREFERENCED_PARAMETER(Driver);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&power);
    power.EvtDeviceSelfManagedIoInit = Ask;
    WdfDeviceInitSetPnpPowerEventCallbacks(DeviceInit, &power);
    WdfDeviceInitSetIoType(DeviceInit, WdfDeviceIoBuffered);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, PORT);
    NTSTATUS status = WdfDeviceCreate(&DeviceInit, &attributes, &device);
    if (!NT_SUCCESS(status))
        return status;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoInternalDeviceControl = InternalControl;
    config.EvtIoWrite = Write;
    return WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, AddDevice);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
