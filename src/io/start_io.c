/* StartIo and the device queue: one request at a time, at DISPATCH_LEVEL.
 *
 * DOC: with deferred StartIo, a driver's StartIo is not entered again before it has returned: a packet that is started meanwhile waits for
 * that. DEVOBJ_EXTENSION counts how deep it is (StartIoCount) and remembers what was asked for (StartIoFlags, StartIoKey). */
#include "ke/exports.h"
#include "io/room.h"
#include "ke/ke.h"
#include "sim/door.h"

/* GUESS: the values of the bits in StartIoFlags. */
enum { ATTRIBUTE_DEFERRED = 0x100, ATTRIBUTE_NO_CANCEL = 0x200, ASKED = 0x1, ASKED_CANCELABLE = 0x2, ASKED_BY_KEY = 0x4 };

static void call_driver(DEVICE_OBJECT *device, IRP *irp)
{
    guest_call(FRAME_NONE, device->DriverObject->DriverStartIo, 2, (uint64_t)device, (uint64_t)irp);
}

static void take_next(DEVICE_OBJECT *device, bool cancelable, const ULONG *key)
{
    KIRQL irql = 0;
    if (cancelable)
        IoAcquireCancelSpinLock(&irql);
    KDEVICE_QUEUE_ENTRY *e = key ? KeRemoveByKeyDeviceQueue(&device->DeviceQueue, *key) : KeRemoveDeviceQueue(&device->DeviceQueue);
    IRP *irp = e ? (IRP *)((UCHAR *)e - offsetof(IRP, Tail.Overlay.DeviceQueueEntry)) : NULL;
    device->CurrentIrp = irp;
    if (irp && cancelable && (device->DeviceObjectExtension->StartIoFlags & ATTRIBUTE_NO_CANCEL))
        irp->CancelRoutine = NULL;
    if (cancelable)
        IoReleaseCancelSpinLock(irql);
    if (irp)
        call_driver(device, irp);
}

/* StartIo has returned: what it asked for meanwhile. */
static void take_deferred(DEVICE_OBJECT *device)
{
    DEVOBJ_EXTENSION *x = device->DeviceObjectExtension;
    while (x->StartIoFlags & ASKED) {
        ULONG asked = x->StartIoFlags, key = (ULONG)x->StartIoKey;
        x->StartIoFlags &= ~(ULONG)(ASKED | ASKED_CANCELABLE | ASKED_BY_KEY);
        take_next(device, asked & ASKED_CANCELABLE, asked & ASKED_BY_KEY ? &key : NULL);
    }
}

static void start_io(DEVICE_OBJECT *device, IRP *irp)
{
    DEVOBJ_EXTENSION *x = device->DeviceObjectExtension;
    device->CurrentIrp = irp;
    if (!(x->StartIoFlags & ATTRIBUTE_DEFERRED)) {
        call_driver(device, irp);
        return;
    }
    x->StartIoCount++;
    call_driver(device, irp);
    take_deferred(device);
    x->StartIoCount--;
}

void IoStartPacket(DEVICE_OBJECT *device, IRP *irp, ULONG *key, PVOID cancel)
{
    KIRQL outer, inner = 0;
    outer = KfRaiseIrql(DISPATCH_LEVEL);
    if (cancel) {
        IoAcquireCancelSpinLock(&inner);
        irp->CancelRoutine = cancel;
    }
    KDEVICE_QUEUE_ENTRY *e = &irp->Tail.Overlay.DeviceQueueEntry;
    bool queued = key ? KeInsertByKeyDeviceQueue(&device->DeviceQueue, e, *key) : KeInsertDeviceQueue(&device->DeviceQueue, e);
    if (!queued) {
        device->CurrentIrp = irp;
        if (cancel && (device->DeviceObjectExtension->StartIoFlags & ATTRIBUTE_NO_CANCEL))
            irp->CancelRoutine = NULL;
    }
    if (cancel && queued && irp->Cancel) {
        /* Cancelled before its routine was there. */
        irp->CancelIrql = inner;
        irp->CancelRoutine = NULL;
        guest_call(FRAME_NONE, cancel, 2, (uint64_t)device, (uint64_t)irp); /* releases the cancel lock */
    } else if (cancel) {
        IoReleaseCancelSpinLock(inner);
    }
    if (!queued)
        start_io(device, irp);
    KeLowerIrql(outer);
}

static void start_next(DEVICE_OBJECT *device, bool cancelable, const ULONG *key)
{
    DEVOBJ_EXTENSION *x = device->DeviceObjectExtension;
    if (!(x->StartIoFlags & ATTRIBUTE_DEFERRED)) {
        take_next(device, cancelable, key);
        return;
    }
    if (x->StartIoCount) {
        x->StartIoFlags |= ASKED | (cancelable ? ASKED_CANCELABLE : 0) | (key ? ASKED_BY_KEY : 0);
        x->StartIoKey = key ? (LONG)*key : 0;
        return;
    }
    x->StartIoCount++;
    take_next(device, cancelable, key);
    take_deferred(device);
    x->StartIoCount--;
}

void IoStartNextPacket(DEVICE_OBJECT *device, ULONG cancelable)
{
    start_next(device, (cancelable & 0xFF) != 0, NULL);
}

void IoStartNextPacketByKey(DEVICE_OBJECT *device, ULONG cancelable, ULONG key)
{
    start_next(device, (cancelable & 0xFF) != 0, &key);
}

void IoSetStartIoAttributes(DEVICE_OBJECT *device, ULONG deferred, ULONG non_cancelable)
{
    ULONG *flags = &device->DeviceObjectExtension->StartIoFlags;
    *flags &= ~(ULONG)(ATTRIBUTE_DEFERRED | ATTRIBUTE_NO_CANCEL);
    *flags |= (deferred & 0xFF ? ATTRIBUTE_DEFERRED : 0) | (non_cancelable & 0xFF ? ATTRIBUTE_NO_CANCEL : 0);
}
