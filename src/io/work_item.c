/* I/O work items. DOC: the device object is referenced until the routine has returned; the item is off the queue before the call,
 * so the routine may free or queue it again; queuing it while it is queued is a fault. */
#include "io/room.h"

#include <string.h>

#include "ex/work.h"
#include "ke/ke.h"
#include "mm/mm.h"
#include "ob/ob.h"
#include "sim/access.h"
#include "sim/door.h"
#include "trace/trace.h"

enum { WORK_ITEM_TAG = 0x20206F49, TYPE_PLAIN = 0, TYPE_EX = 1, BUGCHECK_WORKER_INVALID = 0xE4 };

static void run(void *context)
{
    IO_WORKITEM *w = context;
    PVOID object = w->IoObject, routine = w->Routine, argument = w->Context;
    bool ex = w->Type == TYPE_EX;
    w->WorkItem.List.Flink = NULL;
    trace_event(TRACE_WORK_RUN, (uint64_t)w, (uint64_t)routine, (uint64_t)argument, 0);
    if (ex)
        guest_call(FRAME_IopProcessWorkItem, routine, 3, (uint64_t)object, (uint64_t)argument, (uint64_t)w);
    else
        guest_call(FRAME_IopProcessWorkItem, routine, 2, (uint64_t)object, (uint64_t)argument);
    trace_event(TRACE_WORK_DONE, (uint64_t)w, (uint64_t)routine, 0, 0);
    ob_dereference(object);
}

ULONG IoSizeofWorkItem(void)
{
    return sizeof(IO_WORKITEM);
}

void IoInitializeWorkItem(PVOID object, IO_WORKITEM *w)
{
    memset(w, 0, sizeof *w);
    w->IoObject = object;
}

void IoUninitializeWorkItem(IO_WORKITEM *w)
{
}

IO_WORKITEM *IoAllocateWorkItem(DEVICE_OBJECT *device)
{
    IO_WORKITEM *w = ex_pool_alloc(NonPagedPoolNx, sizeof *w, WORK_ITEM_TAG);
    IoInitializeWorkItem(device, w);
    return w;
}

/* Taking it off the queue, and putting it there, writes it (ex/work.c). */
static bool is_queued(const IO_WORKITEM *w)
{
    sim_access((uint64_t)&w->WorkItem, SIM_READ);
    return w->WorkItem.List.Flink != NULL;
}

void IoFreeWorkItem(IO_WORKITEM *w)
{
    if (is_queued(w))
        KeBugCheckEx(BUGCHECK_WORKER_INVALID, 0, (ULONG64)w, 0, 0);
    ex_pool_free(w);
}

static bool queue(IO_WORKITEM *w, PVOID routine, ULONG type, ULONG queue, PVOID context)
{
    if (is_queued(w))
        return false;
    w->Routine = routine;
    w->Context = context;
    w->Type = type;
    w->QueueType = queue;
    ob_reference(w->IoObject);
    trace_event(TRACE_WORK_QUEUE, (uint64_t)w, (uint64_t)routine, (uint64_t)context, 0);
    ex_work_queue_host(&w->WorkItem, run, w, (int)queue);
    return true;
}

void IoQueueWorkItem(IO_WORKITEM *w, PVOID routine, ULONG type, PVOID context)
{
    if (!queue(w, routine, TYPE_PLAIN, type, context))
        KeBugCheckEx(BUGCHECK_WORKER_INVALID, 1, (ULONG64)w, 0, 0);
}

void IoQueueWorkItemEx(IO_WORKITEM *w, PVOID routine, ULONG type, PVOID context)
{
    if (!queue(w, routine, TYPE_EX, type, context))
        KeBugCheckEx(BUGCHECK_WORKER_INVALID, 1, (ULONG64)w, 0, 0);
}

ULONG IoTryQueueWorkItem(IO_WORKITEM *w, PVOID routine, ULONG type, PVOID context)
{
    return queue(w, routine, TYPE_EX, type, context);
}
