/* Events and semaphores. Setting wakes at once: see wait.c. */
#include "ke/private.h"

void KeInitializeEvent(KEVENT *event, ULONG type, ULONG state)
{
    ke_header_init(&event->Header, type, sizeof *event, (UCHAR)state ? 1 : 0);
}

LONG ke_event_set(KEVENT *event)
{
    LONG before = event->Header.SignalState;
    event->Header.SignalState = 1;
    if (!before)
        ke_wait_test(&event->Header);
    return before;
}

/* After the caller's next wait function the pair acts as one operation; until then nobody else may run. */
static bool wait_follows(ULONG wait)
{
    if ((UCHAR)wait)
        ke_kthread()->MiscFlags |= MISC_WAIT_NEXT;
    return (UCHAR)wait;
}

LONG KeSetEvent(KEVENT *event, LONG increment, ULONG wait)
{
    LONG before = ke_event_set(event);
    if (!wait_follows(wait))
        ke_woken_point(event);
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
    LONG before = ke_event_set(event);
    event->Header.SignalState = 0;
    if (!wait_follows(wait))
        ke_woken_point(event);
    return before;
}

LONG KeResetEvent(KEVENT *event)
{
    LONG before = event->Header.SignalState;
    event->Header.SignalState = 0;
    return before;
}

void KeClearEvent(KEVENT *event)
{
    event->Header.SignalState = 0;
}

LONG KeReadStateEvent(KEVENT *event)
{
    return event->Header.SignalState;
}

void ke_object_signal(DISPATCHER_HEADER *header)
{
    header->SignalState = 1;
    ke_wait_test(header);
}

void KeInitializeSemaphore(KSEMAPHORE *semaphore, LONG count, LONG limit)
{
    ke_header_init(&semaphore->Header, SemaphoreObject, sizeof *semaphore, count);
    semaphore->Limit = limit;
}

LONG KeReleaseSemaphore(KSEMAPHORE *semaphore, LONG increment, LONG adjustment, ULONG wait)
{
    LONG before = semaphore->Header.SignalState;
    LONG64 after = (LONG64)before + adjustment;
    if (after > semaphore->Limit || after < before)
        ke_raise_status(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    semaphore->Header.SignalState = (LONG)after;
    if (!before)
        ke_wait_test(&semaphore->Header);
    if (!wait_follows(wait))
        ke_woken_point(semaphore);
    return before;
}

LONG KeReadStateSemaphore(KSEMAPHORE *semaphore)
{
    return semaphore->Header.SignalState;
}
