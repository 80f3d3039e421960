/* Events and semaphores. Setting wakes at once: see wait.c. */
#include "ke/private.h"
#include "sim/access.h"
#include "trace/trace.h"

void KeInitializeEvent(KEVENT *event, ULONG type, ULONG state)
{
    sim_access((uint64_t)event, SIM_WRITE);
    ke_header_init(&event->Header, type, sizeof *event, (UCHAR)state ? 1 : 0);
}

/* NT holds the dispatcher lock here: a bad event, or one whose memory has become something else, is met at DISPATCH_LEVEL, which is
 * bug check 0xA and no exception. */
LONG ke_event_set(KEVENT *event)
{
    struct processor *p = MACHINE->fiber ? sim_processor() : NULL;
    uint8_t irql = p ? p->irql : 0;
    if (p && irql < DISPATCH_LEVEL)
        p->irql = DISPATCH_LEVEL;
    sim_access((uint64_t)event, SIM_WRITE);
    LONG before = event->Header.SignalState;
    event->Header.SignalState = 1;
    trace_event(TRACE_OBJECT_SIGNAL, (uint64_t)event, (uint64_t)before, 1, 0);
    if (!before && event->Header.WaitListHead.Flink != &event->Header.WaitListHead) {
        struct guest_mark mark = p ? guest_frame_push(FRAME_KiTryUnwaitThread) : (struct guest_mark) { 0 };
        ke_wait_test(&event->Header);
        if (p)
            guest_frame_pop(mark);
    }
    if (p)
        p->irql = irql;
    return before;
}

/* With Wait, the call and the wait function that follows act as one operation: nobody else runs between. */
void ke_signalled(const void *object, ULONG wait)
{
    if ((UCHAR)wait) {
        sim_current()->no_point = true;
        ke_room()->woke = false;
    } else {
        ke_woken_point(object);
    }
}

LONG KeSetEvent(KEVENT *event, LONG increment, ULONG wait)
{
    LONG before = ke_event_set(event);
    ke_signalled(event, wait);
    return before;
}

void KeSetEventBoostPriority(KEVENT *event, PVOID *thread)
{
    if (thread)
        *thread = list_empty(&event->Header.WaitListHead) ? NULL : LIST_ITEM(event->Header.WaitListHead.Flink, KWAIT_BLOCK, WaitListEntry)->Thread;
    KeSetEvent(event, 1, FALSE);
}

LONG KePulseEvent(KEVENT *event, LONG increment, ULONG wait)
{
    if (list_empty(&event->Header.WaitListHead))
        sim_signal_lost((uint64_t)event);
    LONG before = ke_event_set(event);
    event->Header.SignalState = 0;
    ke_signalled(event, wait);
    return before;
}

LONG KeResetEvent(KEVENT *event)
{
    sim_access((uint64_t)event, SIM_WRITE);
    LONG before = event->Header.SignalState;
    event->Header.SignalState = 0;
    if (before)
        sim_signal_lost((uint64_t)event);
    return before;
}

void KeClearEvent(KEVENT *event)
{
    sim_access((uint64_t)event, SIM_WRITE);
    if (event->Header.SignalState)
        sim_signal_lost((uint64_t)event);
    event->Header.SignalState = 0;
}

LONG KeReadStateEvent(KEVENT *event)
{
    sim_access((uint64_t)event, SIM_READ);
    return event->Header.SignalState;
}

void ke_object_signal(DISPATCHER_HEADER *header)
{
    sim_access((uint64_t)header, SIM_WRITE);
    header->SignalState = 1;
    trace_event(TRACE_OBJECT_SIGNAL, (uint64_t)header, 0, 1, 0);
    ke_wait_test(header);
}

void KeInitializeSemaphore(KSEMAPHORE *semaphore, LONG count, LONG limit)
{
    sim_access((uint64_t)semaphore, SIM_WRITE);
    ke_header_init(&semaphore->Header, SemaphoreObject, sizeof *semaphore, count);
    semaphore->Limit = limit;
}

LONG KeReleaseSemaphore(KSEMAPHORE *semaphore, LONG increment, LONG adjustment, ULONG wait)
{
    sim_access((uint64_t)semaphore, SIM_WRITE);
    LONG before = semaphore->Header.SignalState;
    LONG64 after = (LONG64)before + adjustment;
    if (after > semaphore->Limit || after < before)
        ke_raise_status(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    semaphore->Header.SignalState = (LONG)after;
    trace_event(TRACE_OBJECT_SIGNAL, (uint64_t)semaphore, (uint64_t)before, (uint64_t)after, 0);
    if (!before)
        ke_wait_test(&semaphore->Header);
    ke_signalled(semaphore, wait);
    return before;
}

LONG KeReadStateSemaphore(KSEMAPHORE *semaphore)
{
    sim_access((uint64_t)semaphore, SIM_READ);
    return semaphore->Header.SignalState;
}
