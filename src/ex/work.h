/* System worker queues. */
#ifndef IRPLAB_EX_WORK_H
#define IRPLAB_EX_WORK_H

#include "nt/ex.h"

enum { WORK_CRITICAL = 0, WORK_DELAYED = 1, WORK_HYPER_CRITICAL = 2 }; /* WORK_QUEUE_TYPE */

/* Host work: a system worker thread calls fn(context) at PASSIVE_LEVEL on its host stack, below the frame ExpWorkerThread. The item
 * is the caller's and is off the queue before the call. IRQL <= DISPATCH. */
void ex_work_queue_host(WORK_QUEUE_ITEM *item, void (*fn)(void *), void *context, int queue);
/* After ke_init. Starts the worker threads (2 delayed, 1 critical, 1 hyper-critical). */
void ex_work_init(void);

#endif
