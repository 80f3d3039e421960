/* Requests that are completed by one request while another cancels them: from a manual queue (how 0), and marked cancelable (how 1); and the queue purged meanwhile.
 * Timers whose callback is under way when they are deleted. */
#include <ntddk.h>
#include <wdf.h>
#include "codes.h"

typedef struct _RACE {
    WDFQUEUE Waiting;
    WDFREQUEST Held;
    WDFSPINLOCK Lock;
    LONG Cancelled, Completed;
} RACE, *PRACE;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(RACE, RaceOf)

static VOID Canceled(WDFREQUEST Request)
{
    PRACE r = RaceOf(WdfIoQueueGetDevice(WdfRequestGetIoQueue(Request)));
    WdfSpinLockAcquire(r->Lock);
    if (r->Held == Request)
        r->Held = NULL;
    WdfSpinLockRelease(r->Lock);
    WdfRequestComplete(Request, STATUS_CANCELLED);
}

static VOID Hold(PRACE r, WDFREQUEST Request)
{
    WdfSpinLockAcquire(r->Lock);
    r->Held = Request;
    NTSTATUS s = WdfRequestMarkCancelableEx(Request, Canceled);
    if (!NT_SUCCESS(s))
        r->Held = NULL;
    WdfSpinLockRelease(r->Lock);
    if (!NT_SUCCESS(s))
        WdfRequestComplete(Request, s);
}

static VOID ReleaseHeld(PRACE r)
{
    WdfSpinLockAcquire(r->Lock);
    WDFREQUEST held = r->Held;
    r->Held = NULL;
    BOOLEAN mine = held && WdfRequestUnmarkCancelable(held) != STATUS_CANCELLED;
    WdfSpinLockRelease(r->Lock);
    if (mine)
        WdfRequestComplete(held, STATUS_SUCCESS);
}

/* ---- timers ---- */

typedef struct _TICK {
    PKEVENT Begun;
    BOOLEAN DeletesItself;
} TICK;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(TICK, TickOf)

static VOID Tick(WDFTIMER Timer)
{
    PKEVENT begun = TickOf(Timer)->Begun;
    if (TickOf(Timer)->DeletesItself)
        WdfObjectDelete(Timer);
    KeSetEvent(begun, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS RunTimer(WDFDEVICE Device, BOOLEAN DeletesItself)
{
    WDF_TIMER_CONFIG config;
    WDF_OBJECT_ATTRIBUTES a;
    WDFTIMER timer;
    KEVENT begun;
    KeInitializeEvent(&begun, NotificationEvent, FALSE);
    WDF_TIMER_CONFIG_INIT(&config, Tick);
    config.AutomaticSerialization = FALSE;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, TICK);
    a.ParentObject = Device;
    a.ExecutionLevel = WdfExecutionLevelPassive;
    NTSTATUS s = WdfTimerCreate(&config, &a, &timer);
    if (!NT_SUCCESS(s))
        return s;
    TickOf(timer)->Begun = &begun;
    TickOf(timer)->DeletesItself = DeletesItself;
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1));
    KeWaitForSingleObject(&begun, Executive, KernelMode, FALSE, NULL);
    if (!DeletesItself)
        WdfObjectDelete(timer); /* waits for the callback, and touches nothing that is gone */
    return STATUS_SUCCESS;
}

static VOID Control(WDFQUEUE Queue, WDFREQUEST Request, size_t Out, size_t In, ULONG Code)
{
    PRACE r = RaceOf(WdfIoQueueGetDevice(Queue));
    WDFREQUEST next;
    NTSTATUS s = STATUS_SUCCESS;
    switch (Code) {
    case IOCTL_WAIT:
        s = WdfRequestForwardToIoQueue(Request, r->Waiting);
        if (NT_SUCCESS(s))
            return;
        break;
    case IOCTL_HOLD:
        Hold(r, Request);
        return;
    case IOCTL_NEXT:
        if (NT_SUCCESS(WdfIoQueueRetrieveNextRequest(r->Waiting, &next)))
            WdfRequestComplete(next, STATUS_SUCCESS);
        break;
    case IOCTL_RELEASE:
        ReleaseHeld(r);
        break;
    case IOCTL_TIMER:
        s = RunTimer(WdfIoQueueGetDevice(Queue), FALSE);
        if (NT_SUCCESS(s))
            s = RunTimer(WdfIoQueueGetDevice(Queue), TRUE);
        break;
    case IOCTL_PURGE:
        WdfIoQueuePurge(r->Waiting, NULL, NULL);
        break;
    }
    WdfRequestComplete(Request, s);
}

static NTSTATUS Add(WDFDRIVER Driver, PWDFDEVICE_INIT Init)
{
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\KmdfRace");
    WDF_OBJECT_ATTRIBUTES a;
    WDF_IO_QUEUE_CONFIG queue;
    WDFDEVICE d;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, RACE);
    NTSTATUS s = WdfDeviceCreate(&Init, &a, &d);
    if (!NT_SUCCESS(s))
        return s;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.EvtIoDeviceControl = Control;
    s = WdfIoQueueCreate(d, &queue, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    WDF_IO_QUEUE_CONFIG_INIT(&queue, WdfIoQueueDispatchManual);
    if (NT_SUCCESS(s))
        s = WdfIoQueueCreate(d, &queue, WDF_NO_OBJECT_ATTRIBUTES, &RaceOf(d)->Waiting);
    if (NT_SUCCESS(s))
        s = WdfSpinLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &RaceOf(d)->Lock);
    return NT_SUCCESS(s) ? WdfDeviceCreateSymbolicLink(d, &link) : s;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
