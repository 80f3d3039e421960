/* Thread pools: work, timers, waits, clean-up groups, and the older forms. */
#define _WIN32_WINNT 0x0A00
#include "check.h"

static HANDLE done;
static LONG count;

static VOID CALLBACK work(PTP_CALLBACK_INSTANCE i, PVOID context, PTP_WORK w)
{
    InterlockedIncrement(&count);
}

static VOID CALLBACK slow(PTP_CALLBACK_INSTANCE i, PVOID context, PTP_WORK w)
{
    SetEventWhenCallbackReturns(i, context);
    Sleep(5);
    InterlockedIncrement(&count);
}

static VOID CALLBACK simple(PTP_CALLBACK_INSTANCE i, PVOID context)
{
    SetEvent(context);
}

static VOID CALLBACK tick(PTP_CALLBACK_INSTANCE i, PVOID context, PTP_TIMER t)
{
    InterlockedIncrement(context);
}

static VOID CALLBACK waited(PTP_CALLBACK_INSTANCE i, PVOID context, PTP_WAIT w, TP_WAIT_RESULT result)
{
    *(TP_WAIT_RESULT *)context = result;
    SetEvent(done);
}

static DWORD WINAPI item(void *context)
{
    SetEvent(context);
    return 0;
}

static DWORD WINAPI blocked(void *context)
{
    WaitForSingleObject(context, INFINITE);
    InterlockedIncrement(&count);
    return 0;
}

static VOID CALLBACK registered(PVOID context, BOOLEAN timed_out)
{
    *(LONG *)context = timed_out ? 2 : 1;
    SetEvent(done);
}

static VOID CALLBACK queue_tick(PVOID context, BOOLEAN timed_out)
{
    InterlockedIncrement(context);
}

static FILETIME in_milliseconds(LONGLONG ms)
{
    LARGE_INTEGER t = { .QuadPart = -ms * 10000 };
    return (FILETIME) { t.LowPart, (DWORD)t.HighPart };
}

static void test_work(void)
{
    PTP_WORK w = CreateThreadpoolWork(work, NULL, NULL);
    for (int i = 0; i < 5; i++)
        SubmitThreadpoolWork(w);
    WaitForThreadpoolWorkCallbacks(w, FALSE);
    CloseThreadpoolWork(w);
    CHECK_EQ(count, 5);
    w = CreateThreadpoolWork(slow, done, NULL);
    SubmitThreadpoolWork(w);
    CHECK_EQ(WaitForSingleObject(done, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(count, 6);
    CloseThreadpoolWork(w);
    CHECK(TrySubmitThreadpoolCallback(simple, done, NULL));
    CHECK_EQ(WaitForSingleObject(done, INFINITE), WAIT_OBJECT_0);
    CHECK(QueueUserWorkItem(item, done, 0));
    CHECK_EQ(WaitForSingleObject(done, INFINITE), WAIT_OBJECT_0);
    /* Callbacks that block do not keep others from running. */
    HANDLE gate = CreateEventA(NULL, TRUE, FALSE, NULL);
    count = 0;
    for (int i = 0; i < 4; i++)
        CHECK(QueueUserWorkItem(blocked, gate, WT_EXECUTELONGFUNCTION));
    CHECK(QueueUserWorkItem(item, done, 0));
    CHECK_EQ(WaitForSingleObject(done, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(count, 0);
    SetEvent(gate);
    while (*(volatile LONG *)&count < 4)
        Sleep(1);
    CloseHandle(gate);
}

static void test_timers(void)
{
    volatile LONG ticks = 0;
    FILETIME due = in_milliseconds(5);
    PTP_TIMER t = CreateThreadpoolTimer(tick, (PVOID)&ticks, NULL);
    CHECK(!IsThreadpoolTimerSet(t));
    SetThreadpoolTimer(t, &due, 10, 0);
    CHECK(IsThreadpoolTimerSet(t));
    Sleep(200);
    SetThreadpoolTimer(t, NULL, 0, 0);
    WaitForThreadpoolTimerCallbacks(t, TRUE);
    CHECK(ticks >= 5 && ticks <= 21);
    CloseThreadpoolTimer(t);
    HANDLE queue = CreateTimerQueue(), timer;
    ticks = 0;
    CHECK(CreateTimerQueueTimer(&timer, queue, queue_tick, (PVOID)&ticks, 5, 0, 0));
    Sleep(100);
    CHECK_EQ(ticks, 1);
    CHECK(DeleteTimerQueueTimer(queue, timer, INVALID_HANDLE_VALUE));
    CHECK(DeleteTimerQueueEx(queue, INVALID_HANDLE_VALUE));
}

static void test_waits(void)
{
    HANDLE event = CreateEventA(NULL, FALSE, FALSE, NULL), wait;
    TP_WAIT_RESULT result = 99;
    LONG how = 0;
    FILETIME soon = in_milliseconds(10);
    PTP_WAIT w = CreateThreadpoolWait(waited, &result, NULL);
    SetThreadpoolWait(w, event, NULL);
    SetEvent(event);
    CHECK_EQ(WaitForSingleObject(done, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(result, WAIT_OBJECT_0);
    SetThreadpoolWait(w, event, &soon);
    CHECK_EQ(WaitForSingleObject(done, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(result, WAIT_TIMEOUT);
    WaitForThreadpoolWaitCallbacks(w, FALSE);
    CloseThreadpoolWait(w);
    CHECK(RegisterWaitForSingleObject(&wait, event, registered, &how, INFINITE, WT_EXECUTEONLYONCE));
    SetEvent(event);
    CHECK_EQ(WaitForSingleObject(done, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(how, 1);
    CHECK(UnregisterWaitEx(wait, INVALID_HANDLE_VALUE));
    CHECK(RegisterWaitForSingleObject(&wait, event, registered, &how, 10, WT_EXECUTEONLYONCE));
    CHECK_EQ(WaitForSingleObject(done, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(how, 2);
    CHECK(UnregisterWaitEx(wait, INVALID_HANDLE_VALUE));
    CloseHandle(event);
}

static void test_groups(void)
{
    TP_CALLBACK_ENVIRON environment;
    PTP_POOL pool = CreateThreadpool(NULL);
    PTP_CLEANUP_GROUP group = CreateThreadpoolCleanupGroup();
    CHECK(pool != NULL && group != NULL);
    InitializeThreadpoolEnvironment(&environment);
    SetThreadpoolCallbackPool(&environment, pool);
    SetThreadpoolCallbackCleanupGroup(&environment, group, NULL);
    count = 0;
    SubmitThreadpoolWork(CreateThreadpoolWork(work, NULL, &environment));
    CloseThreadpoolCleanupGroupMembers(group, FALSE, NULL);
    CHECK_EQ(count, 1);
    CloseThreadpoolCleanupGroup(group);
    CloseThreadpool(pool);
}

int main(void)
{
    done = CreateEventA(NULL, FALSE, FALSE, NULL);
    test_work();
    test_timers();
    test_waits();
    test_groups();
    return check_failures;
}
