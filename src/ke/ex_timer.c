/* ExAllocateTimer and friends: a waitable timer object with a callback at DISPATCH_LEVEL.
 *
 * Periods are in 100 ns units here; the timer underneath counts milliseconds, shorter ones become one millisecond. */
#include <string.h>

#include "ke/private.h"
#include "mm/mm.h"
#include "nt/ex.h"

enum { TIMER_TAG = 0x6D695445, ATTRIBUTE_NOTIFICATION = (int)0x80000000 };

struct ex_timer {
    KTIMER timer; /* first: drivers may wait for the object */
    KDPC dpc;
    PVOID callback, context;
    bool deleted; /* freed after the callback that is on its way */
    PVOID delete_callback, delete_context;
};

/* EXT_DELETE_PARAMETERS */
struct delete_parameters {
    ULONG version, reserved;
    PVOID callback, context;
};

static void finish_delete(struct ex_timer *t)
{
    PVOID callback = t->delete_callback, context = t->delete_context;
    ex_pool_free(t);
    if (callback)
        guest_call(FRAME_ExpTimerDpcRoutine, callback, 1, (uint64_t)context);
}

static void expired(KDPC *dpc)
{
    struct ex_timer *t = (struct ex_timer *)((char *)dpc - offsetof(struct ex_timer, dpc));
    if (t->callback)
        guest_call(FRAME_NONE, t->callback, 2, (uint64_t)t, (uint64_t)t->context);
    if (t->deleted && !t->dpc.DpcData)
        finish_delete(t);
}

PVOID ExAllocateTimer(PVOID callback, PVOID context, ULONG attributes)
{
    struct ex_timer *t = ex_pool_alloc(NonPagedPoolNx, sizeof *t, TIMER_TAG);
    memset(t, 0, sizeof *t);
    KeInitializeTimerEx(&t->timer, attributes & ATTRIBUTE_NOTIFICATION ? NotificationTimer : SynchronizationTimer);
    ke_dpc_init_host(&t->dpc, expired, FRAME_ExpTimerDpcRoutine);
    t->callback = callback;
    t->context = context;
    return t;
}

BOOLEAN ExSetTimer(PVOID timer, LONGLONG due_time, LONGLONG period_100ns, PVOID parameters)
{
    struct ex_timer *t = timer;
    LONGLONG ms = (period_100ns + 9999) / 10000;
    return KeSetTimerEx(&t->timer, (LARGE_INTEGER) { .QuadPart = due_time }, (LONG)ms, &t->dpc);
}

BOOLEAN ExCancelTimer(PVOID timer, PVOID parameters)
{
    struct ex_timer *t = timer;
    return KeCancelTimer(&t->timer);
}

/* The memory goes when no callback can come any more: at once, after waiting, or at the end of the last callback. */
BOOLEAN ExDeleteTimer(PVOID timer, ULONG cancel, ULONG wait, const void *parameters)
{
    struct ex_timer *t = timer;
    const struct delete_parameters *p = parameters;
    bool cancelled = (UCHAR)cancel && KeCancelTimer(&t->timer);
    t->timer.Period = 0;
    t->delete_callback = p ? p->callback : NULL;
    t->delete_context = p ? p->context : NULL;
    if ((UCHAR)wait)
        KeFlushQueuedDpcs();
    ke_timer_remove(&t->timer);
    if (t->dpc.DpcData || ke_dpc_runs(&t->dpc))
        t->deleted = true;
    else
        finish_delete(t);
    return cancelled;
}
