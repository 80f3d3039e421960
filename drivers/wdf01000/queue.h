/* What the parts of a queue share: queue.c (presenting, power, creation), queue_stop.c, queue_requests.c. */
#ifndef WDF01000_QUEUE_H
#define WDF01000_QUEUE_H

#include "fx.h"

FXM(void, FxIoQueue, QueuePurge, (FxQueue * q, PFN_WDF_IO_QUEUE_STATE done, WDFCONTEXT context));
FXM(void, FxIoQueue, QueueDrain, (FxQueue * q, PFN_WDF_IO_QUEUE_STATE done, WDFCONTEXT context));

static inline FxQueue *queue_of(PWDF_DRIVER_GLOBALS G, WDFQUEUE q)
{
    return FX_OBJ(FxGet(G), q, FxQueue, FX_TYPE_QUEUE);
}

static inline void lock(FxQueue *q, KIRQL *irql)
{
    KeAcquireSpinLock(&q->QueueLock, irql);
}

static inline void unlock(FxQueue *q, KIRQL irql)
{
    KeReleaseSpinLock(&q->QueueLock, irql);
}

/* With the lock, except queue_after. */
ULONG queue_state_bits(const FxQueue *q);
BOOLEAN queue_put_waiting(FxQueue *q, FxRequest *r, BOOLEAN head);
void queue_to_canceled_waiting(FxQueue *q, FxRequest *r);
FxRequest *queue_take(FxQueue *q, FxRequest *r);
void queue_leave_owned(FxQueue *q, FxRequest *r);
FxQueue *queue_after(FxDevice *d, FxQueue *q);

#endif
