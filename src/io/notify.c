/* Named events for drivers, error-log entries, configuration counters, I/O timers, plug-and-play notification. */
#include <string.h>

#include "io/room.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "mm/pool.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "sim/door.h"
#include "trace/trace.h"

enum { IO_TAG = 0x20206F49 };

/* ---- named events ---- */

static KEVENT *named_event(const UNICODE_STRING *name, HANDLE *handle, ULONG type)
{
    void *event = NULL;
    UNICODE_STRING rest;
    *handle = NULL;
    NTSTATUS s = ob_lookup(name, 0, &event, &rest);
    if (NT_SUCCESS(s) && (rest.Length || ob_type_of(event) != OB_EVENT)) {
        ob_dereference(event);
        return NULL;
    }
    if (!NT_SUCCESS(s)) {
        event = ob_create(OB_EVENT, sizeof(KEVENT));
        KeInitializeEvent(event, type, TRUE); /* DOC: created signalled */
        if (!NT_SUCCESS(ob_insert_name(event, name, 0))) {
            ob_dereference(event);
            return NULL;
        }
        /* The name goes with the last handle; until then the namespace's reference keeps it. */
    }
    s = ob_handle_create(ps_system(), event, 0x1F0003, OBJ_KERNEL_HANDLE, handle);
    ob_dereference(event);
    return NT_SUCCESS(s) ? event : NULL;
}

KEVENT *IoCreateNotificationEvent(const UNICODE_STRING *name, HANDLE *handle)
{
    return named_event(name, handle, NotificationEvent);
}

KEVENT *IoCreateSynchronizationEvent(const UNICODE_STRING *name, HANDLE *handle)
{
    return named_event(name, handle, SynchronizationEvent);
}

/* ---- error log ---- */

PVOID IoAllocateErrorLogEntry(PVOID object, UCHAR bytes)
{
    if (bytes < 0x30)
        return NULL; /* DOC: smaller than the packet's header */
    void *p = ex_pool_alloc(NonPagedPoolNx, bytes, IO_TAG);
    return memset(p, 0, bytes);
}

void IoWriteErrorLogEntry(PVOID entry)
{
    /* ErrorCode lies at offset 0xC of IO_ERROR_LOG_PACKET. */
    uint32_t code;
    memcpy(&code, (UCHAR *)entry + 0xC, 4);
    trace_text(TRACE_FINDING, "the driver wrote an error-log entry", code);
    ex_pool_free(entry);
}

void IoFreeErrorLogEntry(PVOID entry)
{
    ex_pool_free(entry);
}

/* ---- I/O timers: once a second while started, at DISPATCH_LEVEL ---- */

struct io_timer {
    KTIMER timer;
    KDPC dpc;
    DEVICE_OBJECT *device;
    PVOID routine, context;
    struct io_timer *next;
};

static struct io_timer **timer_link(const struct io_timer *t)
{
    struct io_timer **at = &io_room()->timers;
    while (*at && *at != t)
        at = &(*at)->next;
    return at;
}

/* DPC of all I/O timers; reached through its slot in the kernel image. The timer may have gone while it waited for the lock.
 * DOC: the routine may not call IoStopTimer, and here as there it would wait for itself. */
void IopTimerDispatch(KDPC *dpc, struct io_timer *t, PVOID a, PVOID b)
{
    KeAcquireSpinLockAtDpcLevel(&io_room()->timer_lock);
    if (*timer_link(t))
        guest_call(FRAME_NONE, t->routine, 2, (uint64_t)t->device, (uint64_t)t->context);
    KeReleaseSpinLockFromDpcLevel(&io_room()->timer_lock);
}

NTSTATUS IoInitializeTimer(DEVICE_OBJECT *device, PVOID routine, PVOID context)
{
    struct io_timer *t = (struct io_timer *)device->Timer;
    if (!t) {
        t = ex_pool_alloc(NonPagedPoolNx, sizeof *t, IO_TAG);
        memset(t, 0, sizeof *t);
        KeInitializeTimerEx(&t->timer, NotificationTimer);
        KeInitializeDpc(&t->dpc, (PVOID)door_export_address("ntoskrnl.exe", "IopTimerDispatch"), t);
        t->device = device;
        device->Timer = (PVOID)t;
        *timer_link(NULL) = t;
    }
    t->routine = routine;
    t->context = context;
    return STATUS_SUCCESS;
}

void IoStartTimer(DEVICE_OBJECT *device)
{
    struct io_timer *t = (struct io_timer *)device->Timer;
    if (t)
        KeSetTimerEx(&t->timer, (LARGE_INTEGER) { .QuadPart = -10000000 }, 1000, &t->dpc);
}

/* No routine runs when this returns, and none begins. */
static void timer_stop(struct io_timer *t)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_room()->timer_lock);
    KeCancelTimer(&t->timer);
    KeRemoveQueueDpc(&t->dpc);
    KeReleaseSpinLock(&io_room()->timer_lock, irql);
}

void IoStopTimer(DEVICE_OBJECT *device)
{
    if (device->Timer)
        timer_stop((struct io_timer *)device->Timer);
}

/* Deleting a device with a running timer is allowed. */
void io_timer_free(DEVICE_OBJECT *device)
{
    struct io_timer *t = (struct io_timer *)device->Timer;
    if (!t)
        return;
    timer_stop(t);
    *timer_link(t) = t->next;
    device->Timer = NULL;
    ex_pool_free(t);
}

/* ---- configuration ---- */

PVOID IoGetConfigurationInformation(void)
{
    /* CONFIGURATION_INFORMATION: counts of disks, floppies, CD-ROMs, tapes, SCSI ports, serial and parallel ports. */
    if (!io_room()->configuration) {
        io_room()->configuration = pool_alloc(NonPagedPoolNx, 0x38, IO_TAG, 0);
        memset(io_room()->configuration, 0, 0x38);
        *(uint32_t *)io_room()->configuration = 0x38;
    }
    return io_room()->configuration;
}

ULONG IoIs32bitProcess(IRP *irp)
{
    return FALSE;
}
