/* Dispatcher objects and waits. */
#include "contract_driver.h"

static VOID NotificationEvents(PCONTRACT t)
{
    KEVENT event;
    LARGE_INTEGER now = {.QuadPart = 0};

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    CHECK_EQ(KeReadStateEvent(&event), 0);
    CHECK_STATUS(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &now), STATUS_TIMEOUT);
    CHECK_EQ(KeSetEvent(&event, IO_NO_INCREMENT, FALSE), 0);
    CHECK(KeSetEvent(&event, IO_NO_INCREMENT, FALSE) != 0);
    CHECK_STATUS(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS);
    CHECK_STATUS(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &now), STATUS_SUCCESS);
    CHECK(KeReadStateEvent(&event) != 0);
    CHECK(KeResetEvent(&event) != 0);
    CHECK_EQ(KeResetEvent(&event), 0);
    KeSetEvent(&event, IO_NO_INCREMENT, FALSE);
    KeClearEvent(&event);
    CHECK_EQ(KeReadStateEvent(&event), 0);
}

static VOID SynchronizationEvents(PCONTRACT t)
{
    KEVENT event;
    LARGE_INTEGER now = {.QuadPart = 0};

    KeInitializeEvent(&event, SynchronizationEvent, TRUE);
    CHECK_STATUS(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &now), STATUS_SUCCESS);
    CHECK_EQ(KeReadStateEvent(&event), 0);
    CHECK_STATUS(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &now), STATUS_TIMEOUT);
    CHECK_EQ(KeSetEvent(&event, IO_NO_INCREMENT, FALSE), 0);
    CHECK_STATUS(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS);
}

static LONG OverLimit(PKSEMAPHORE Semaphore)
{
    __try {
        KeReleaseSemaphore(Semaphore, IO_NO_INCREMENT, 3, FALSE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static VOID Semaphores(PCONTRACT t)
{
    KSEMAPHORE semaphore;
    LARGE_INTEGER now = {.QuadPart = 0};

    KeInitializeSemaphore(&semaphore, 1, 3);
    CHECK_EQ(KeReadStateSemaphore(&semaphore), 1);
    CHECK_STATUS(KeWaitForSingleObject(&semaphore, Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS);
    CHECK_STATUS(KeWaitForSingleObject(&semaphore, Executive, KernelMode, FALSE, &now), STATUS_TIMEOUT);
    CHECK_EQ(KeReleaseSemaphore(&semaphore, IO_NO_INCREMENT, 2, FALSE), 0);
    CHECK_EQ(KeReadStateSemaphore(&semaphore), 2);
    CHECK_STATUS(OverLimit(&semaphore), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    CHECK_EQ(KeReadStateSemaphore(&semaphore), 2);
    CHECK_EQ(KeReleaseSemaphore(&semaphore, IO_NO_INCREMENT, 1, FALSE), 2);
}

static VOID AnyAndAll(PCONTRACT t)
{
    KEVENT events[3];
    PVOID objects[3] = {&events[0], &events[1], &events[2]};
    LARGE_INTEGER now = {.QuadPart = 0};

    for (ULONG i = 0; i < 3; i++)
        KeInitializeEvent(&events[i], SynchronizationEvent, FALSE);
    CHECK_STATUS(KeWaitForMultipleObjects(3, objects, WaitAny, Executive, KernelMode, FALSE, &now, NULL), STATUS_TIMEOUT);
    KeSetEvent(&events[2], IO_NO_INCREMENT, FALSE);
    KeSetEvent(&events[1], IO_NO_INCREMENT, FALSE);
    CHECK_STATUS(KeWaitForMultipleObjects(3, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL), STATUS_WAIT_1);
    CHECK_STATUS(KeWaitForMultipleObjects(3, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL), STATUS_WAIT_2);
    KeSetEvent(&events[0], IO_NO_INCREMENT, FALSE);
    KeSetEvent(&events[1], IO_NO_INCREMENT, FALSE);
    /* Nothing is taken until all can be. */
    CHECK_STATUS(KeWaitForMultipleObjects(3, objects, WaitAll, Executive, KernelMode, FALSE, &now, NULL), STATUS_TIMEOUT);
    CHECK(KeReadStateEvent(&events[0]) != 0);
    CHECK(KeReadStateEvent(&events[1]) != 0);
    KeSetEvent(&events[2], IO_NO_INCREMENT, FALSE);
    CHECK_STATUS(KeWaitForMultipleObjects(3, objects, WaitAll, Executive, KernelMode, FALSE, NULL, NULL), STATUS_SUCCESS);
    for (ULONG i = 0; i < 3; i++)
        CHECK_EQ(KeReadStateEvent(&events[i]), 0);
}

static VOID FourNeedABlockArray(PCONTRACT t)
{
    KEVENT events[4];
    PVOID objects[4];
    KWAIT_BLOCK blocks[4];

    for (ULONG i = 0; i < 4; i++) {
        KeInitializeEvent(&events[i], NotificationEvent, i == 3);
        objects[i] = &events[i];
    }
    CHECK_STATUS(KeWaitForMultipleObjects(4, objects, WaitAny, Executive, KernelMode, FALSE, NULL, blocks), STATUS_WAIT_3);
}

static VOID Timeouts(PCONTRACT t)
{
    KEVENT event;
    LARGE_INTEGER relative = ContractMs(30), absolute;
    ULONG64 before, after;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    before = KeQueryInterruptTime();
    CHECK_STATUS(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &relative), STATUS_TIMEOUT);
    after = KeQueryInterruptTime();
    CHECK(after - before >= 29 * 10000);

    KeQuerySystemTime(&absolute);
    absolute.QuadPart += 20 * 10000;
    before = KeQueryInterruptTime();
    CHECK_STATUS(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &absolute), STATUS_TIMEOUT);
    CHECK(KeQueryInterruptTime() > before);

    before = KeQueryInterruptTime();
    CHECK_STATUS(KeDelayExecutionThread(KernelMode, FALSE, &relative), STATUS_SUCCESS);
    CHECK(KeQueryInterruptTime() - before >= 29 * 10000);
}

typedef struct _PAIR {
    KEVENT Go;
    KEVENT Done;
    LONG Woken;
} PAIR, *PPAIR;

static KSTART_ROUTINE Waiter;
static VOID Waiter(PVOID Context)
{
    PPAIR pair = (PPAIR)Context;

    KeWaitForSingleObject(&pair->Go, Executive, KernelMode, FALSE, NULL);
    InterlockedIncrement(&pair->Woken);
    KeSetEvent(&pair->Done, IO_NO_INCREMENT, FALSE);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static PVOID StartThread(PKSTART_ROUTINE Routine, PVOID Context)
{
    HANDLE handle;
    PVOID thread = NULL;
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, &attributes, NULL, NULL, Routine, Context))) {
        ObReferenceObjectByHandle(handle, SYNCHRONIZE, *PsThreadType, KernelMode, &thread, NULL);
        ZwClose(handle);
    }
    return thread;
}

static VOID EndThread(PVOID Thread)
{
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread);
}

/* A synchronization event wakes one, a notification event all. */
static VOID WakeUps(PCONTRACT t)
{
    for (ULONG all = 0; all < 2; all++) {
        PAIR pair = {.Woken = 0};
        PVOID threads[2];

        KeInitializeEvent(&pair.Go, all ? NotificationEvent : SynchronizationEvent, FALSE);
        KeInitializeEvent(&pair.Done, SynchronizationEvent, FALSE);
        threads[0] = StartThread(Waiter, &pair);
        threads[1] = StartThread(Waiter, &pair);
        CHECK(threads[0] && threads[1]);
        KeSetEvent(&pair.Go, IO_NO_INCREMENT, FALSE);
        KeWaitForSingleObject(&pair.Done, Executive, KernelMode, FALSE, NULL);
        if (!all) {
            LARGE_INTEGER wait = ContractMs(20);
            KeDelayExecutionThread(KernelMode, FALSE, &wait);
            CHECK_EQ(pair.Woken, 1);
            KeSetEvent(&pair.Go, IO_NO_INCREMENT, FALSE);
        }
        EndThread(threads[0]);
        EndThread(threads[1]);
        CHECK_EQ(pair.Woken, 2);
    }
}

static VOID AtDispatchLevel(PCONTRACT t)
{
    KEVENT event;
    LARGE_INTEGER now = {.QuadPart = 0};
    KIRQL irql;
    NTSTATUS first, second;

    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    first = KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &now);
    KeSetEvent(&event, IO_NO_INCREMENT, FALSE);
    second = KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &now);
    KeLowerIrql(irql);
    CHECK_STATUS(first, STATUS_TIMEOUT);
    CHECK_STATUS(second, STATUS_SUCCESS);
}

static VOID NamedEvents(PCONTRACT t)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\ContractEvent");
    HANDLE first = NULL, second = NULL;
    PKEVENT a = IoCreateNotificationEvent(&name, &first);
    PKEVENT b = IoCreateNotificationEvent(&name, &second);

    CHECK(a && b);
    CHECK_EQ(a, b);
    if (a && b) {
        KeClearEvent(a);
        CHECK_EQ(KeReadStateEvent(b), 0);
        KeSetEvent(b, IO_NO_INCREMENT, FALSE);
        CHECK_STATUS(ZwWaitForSingleObject(first, FALSE, NULL), STATUS_SUCCESS);
    }
    if (first)
        ZwClose(first);
    if (second)
        ZwClose(second);
}

static const CONTRACT_TEST Tests[] = {
    {"notification events", NotificationEvents},
    {"synchronization events", SynchronizationEvents},
    {"semaphores", Semaphores},
    {"wait for any, wait for all", AnyAndAll},
    {"more than three objects", FourNeedABlockArray},
    {"timeouts", Timeouts},
    {"who is woken", WakeUps},
    {"polling at DISPATCH_LEVEL", AtDispatchLevel},
    {"named events", NamedEvents},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests)};
