/* The class driver above a PS/2 filter: what kbdclass (with -DMOUSE: mouclass) is to one. It connects when its device has started, asks for
 * the attributes, keeps the packets that come and gives them to who reads. A second connection must be refused by the filter. */
#include <ntddk.h>
#include <kbdmou.h>
#include <ntddkbd.h>
#include <ntddmou.h>
#include <wdf.h>
#include "i8042.h"

#ifdef MOUSE
#define CONNECT IOCTL_INTERNAL_MOUSE_CONNECT
#define QUERY IOCTL_MOUSE_QUERY_ATTRIBUTES
typedef MOUSE_INPUT_DATA PACKET;
typedef MOUSE_ATTRIBUTES ATTRIBUTES;
#else
#define CONNECT IOCTL_INTERNAL_KEYBOARD_CONNECT
#define QUERY IOCTL_KEYBOARD_QUERY_ATTRIBUTES
typedef KEYBOARD_INPUT_DATA PACKET;
typedef KEYBOARD_ATTRIBUTES ATTRIBUTES;
#endif

enum { ROOM = 16 };

typedef struct _CLASS {
    WDFSPINLOCK Lock;
    ULONG Count;
    PACKET Packet[ROOM];
} CLASS;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(CLASS, ClassOf)

DRIVER_INITIALIZE DriverEntry;
static EVT_WDF_DRIVER_DEVICE_ADD AddDevice;
static EVT_WDF_DEVICE_SELF_MANAGED_IO_INIT Connect;
static EVT_WDF_IO_QUEUE_IO_READ Read;

static VOID NTAPI Service(PDEVICE_OBJECT DeviceObject, PACKET *First, PACKET *End, PULONG Consumed)
{
    CLASS *class = ClassOf(WdfWdmDeviceGetWdfDeviceHandle(DeviceObject));
    WdfSpinLockAcquire(class->Lock);
    for (; First < End && class->Count < ROOM; First++) {
        class->Packet[class->Count++] = *First;
        ++*Consumed;
    }
    WdfSpinLockRelease(class->Lock);
}

static NTSTATUS Send(WDFDEVICE Device, ULONG Code, PVOID In, ULONG InBytes, PVOID Out, ULONG OutBytes, ULONG_PTR *Given)
{
    WDF_MEMORY_DESCRIPTOR in, out;
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&in, In, InBytes);
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&out, Out, OutBytes);
    return WdfIoTargetSendInternalIoctlSynchronously(WdfDeviceGetIoTarget(Device), NULL, Code, In ? &in : NULL, Out ? &out : NULL, NULL, Given);
}

static NTSTATUS Connect(WDFDEVICE Device)
{
    CONNECT_DATA connect = {WdfDeviceWdmGetDeviceObject(Device), (PVOID)(ULONG_PTR)Service}, again = connect;
    ATTRIBUTES attributes;
    ULONG_PTR given = 0;
    NTSTATUS status = Send(Device, CONNECT, &connect, sizeof connect, NULL, 0, NULL);
    if (!NT_SUCCESS(status))
        return status;
    if (connect.ClassDeviceObject == WdfDeviceWdmGetDeviceObject(Device)) /* nobody has put himself between */
        return STATUS_UNSUCCESSFUL;
    if (Send(Device, CONNECT, &again, sizeof again, NULL, 0, NULL) != STATUS_SHARING_VIOLATION)
        return STATUS_UNSUCCESSFUL;
    status = Send(Device, QUERY, NULL, 0, &attributes, sizeof attributes, &given);
    return !NT_SUCCESS(status) ? status : given == sizeof attributes && attributes.InputDataQueueLength == 100 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static VOID Read(WDFQUEUE Queue, WDFREQUEST Request, size_t Length)
{
    CLASS *class = ClassOf(WdfIoQueueGetDevice(Queue));
    PVOID to;
    size_t count = Length / sizeof(PACKET);
    NTSTATUS status = WdfRequestRetrieveOutputBuffer(Request, sizeof(PACKET), &to, NULL);
    if (!NT_SUCCESS(status)) {
        WdfRequestComplete(Request, status);
        return;
    }
    WdfSpinLockAcquire(class->Lock);
    count = min(count, class->Count);
    RtlCopyMemory(to, class->Packet, count * sizeof(PACKET));
    class->Count -= (ULONG)count;
    RtlMoveMemory(class->Packet, class->Packet + count, class->Count * sizeof(PACKET));
    WdfSpinLockRelease(class->Lock);
    WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, count * sizeof(PACKET));
}

static NTSTATUS AddDevice(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_PNPPOWER_EVENT_CALLBACKS power;
    WDF_IO_QUEUE_CONFIG config;
    WDFDEVICE device;
    UNREFERENCED_PARAMETER(Driver);
    WdfFdoInitSetFilter(DeviceInit);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&power);
    power.EvtDeviceSelfManagedIoInit = Connect;
    WdfDeviceInitSetPnpPowerEventCallbacks(DeviceInit, &power);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, CLASS);
    NTSTATUS status = WdfDeviceCreate(&DeviceInit, &attributes, &device);
    if (!NT_SUCCESS(status))
        return status;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    status = WdfSpinLockCreate(&attributes, &ClassOf(device)->Lock);
    if (!NT_SUCCESS(status))
        return status;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoRead = Read;
    status = WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    return NT_SUCCESS(status) ? WdfDeviceCreateDeviceInterface(device, &GUID_PS2_CLASS, NULL) : status;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, AddDevice);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
