/* Threads, events, mutexes, semaphores, timers, critical sections, SRW locks, condition variables, one-time initialisation. */
#include "check.h"

#include <process.h>
#include <string.h>

static CRITICAL_SECTION cs;
static SRWLOCK srw = SRWLOCK_INIT;
static CONDITION_VARIABLE cv = CONDITION_VARIABLE_INIT;
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static int counter, ready, inits;
static HANDLE event;

static DWORD WINAPI add(void *arg)
{
    for (int i = 0; i < 100; i++) {
        EnterCriticalSection(&cs);
        EnterCriticalSection(&cs);
        counter++;
        LeaveCriticalSection(&cs);
        LeaveCriticalSection(&cs);
    }
    return (DWORD)(ULONG_PTR)arg;
}

static void test_threads(void)
{
    HANDLE t[3];
    InitializeCriticalSection(&cs);
    CHECK_EQ(cs.LockCount, -1);
    for (int i = 0; i < 3; i++)
        t[i] = CreateThread(NULL, 0, add, (void *)(ULONG_PTR)(i + 10), 0, NULL);
    CHECK_EQ(WaitForMultipleObjects(3, t, TRUE, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(counter, 300);
    for (int i = 0; i < 3; i++) {
        DWORD code = 0;
        CHECK(GetExitCodeThread(t[i], &code));
        CHECK_EQ(code, i + 10);
        CHECK(CloseHandle(t[i]));
    }
    CHECK_EQ(cs.LockCount, -1);
    CHECK_EQ(cs.RecursionCount, 0);
    CHECK(TryEnterCriticalSection(&cs));
    CHECK_EQ((DWORD)(ULONG_PTR)cs.OwningThread, GetCurrentThreadId());
    LeaveCriticalSection(&cs);
    DeleteCriticalSection(&cs);
}

static DWORD WINAPI setter(void *arg)
{
    Sleep(20);
    SetEvent(event);
    return 0;
}

static void test_events(void)
{
    event = CreateEventA(NULL, FALSE, FALSE, NULL);
    CHECK(event != NULL);
    CHECK_EQ(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
    DWORD t0 = GetTickCount();
    CHECK_EQ(WaitForSingleObject(event, 50), WAIT_TIMEOUT);
    CHECK(GetTickCount() - t0 >= 40);
    HANDLE t = CreateThread(NULL, 0, setter, NULL, 0, NULL);
    CHECK_EQ(WaitForSingleObject(event, 5000), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(event, 0), WAIT_TIMEOUT); /* consumed */
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
    SetEvent(event);
    ResetEvent(event);
    CHECK_EQ(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
    CloseHandle(event);
    CHECK(!CloseHandle(event));
    CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);

    HANDLE a = CreateEventA(NULL, TRUE, TRUE, "irplab-test-event");
    CHECK_EQ(GetLastError(), 0);
    HANDLE b = CreateEventW(NULL, TRUE, FALSE, L"irplab-test-event");
    CHECK_EQ(GetLastError(), ERROR_ALREADY_EXISTS);
    CHECK_EQ(WaitForSingleObject(b, 0), WAIT_OBJECT_0);
    HANDLE c = OpenEventA(EVENT_ALL_ACCESS, FALSE, "irplab-test-event");
    CHECK(c != NULL);
    CHECK(CreateMutexA(NULL, FALSE, "irplab-test-event") == NULL);
    CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
    CloseHandle(a);
    CloseHandle(b);
    CloseHandle(c);
    CHECK(OpenEventA(EVENT_ALL_ACCESS, FALSE, "irplab-test-event") == NULL);
    CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
}

static HANDLE mutex;
static DWORD WINAPI abandon(void *arg)
{
    WaitForSingleObject(mutex, INFINITE);
    return 0;
}

static void test_mutexes(void)
{
    mutex = CreateMutexA(NULL, TRUE, NULL);
    CHECK_EQ(WaitForSingleObject(mutex, 0), WAIT_OBJECT_0);
    CHECK(ReleaseMutex(mutex));
    CHECK(ReleaseMutex(mutex));
    CHECK(!ReleaseMutex(mutex));
    CHECK_EQ(GetLastError(), ERROR_NOT_OWNER);
    HANDLE t = CreateThread(NULL, 0, abandon, NULL, 0, NULL);
    WaitForSingleObject(t, INFINITE);
    CHECK_EQ(WaitForSingleObject(mutex, 0), WAIT_ABANDONED);
    CHECK(ReleaseMutex(mutex));
    CloseHandle(t);
    CloseHandle(mutex);
}

static void test_semaphores(void)
{
    LONG before = -1;
    HANDLE s = CreateSemaphoreA(NULL, 1, 2, NULL);
    CHECK(ReleaseSemaphore(s, 1, &before));
    CHECK_EQ(before, 1);
    CHECK(!ReleaseSemaphore(s, 1, NULL));
    CHECK_EQ(GetLastError(), ERROR_TOO_MANY_POSTS);
    CHECK_EQ(WaitForSingleObject(s, 0), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(s, 0), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(s, 0), WAIT_TIMEOUT);
    CloseHandle(s);
    CHECK(CreateSemaphoreA(NULL, 3, 2, NULL) == NULL);
    CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
}

static int apcs;
static void CALLBACK timer_apc(void *arg, DWORD low, DWORD high)
{
    apcs += *(int *)arg;
}

static void CALLBACK user_apc(ULONG_PTR data)
{
    apcs += (int)data;
}

static void test_timers(void)
{
    LARGE_INTEGER due;
    int one = 1;
    HANDLE t = CreateWaitableTimerA(NULL, TRUE, NULL);
    due.QuadPart = -100000; /* 10 ms */
    CHECK(SetWaitableTimer(t, &due, 0, NULL, NULL, FALSE));
    CHECK_EQ(WaitForSingleObject(t, 0), WAIT_TIMEOUT);
    CHECK_EQ(WaitForSingleObject(t, 1000), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(t, 0), WAIT_OBJECT_0);
    CHECK(SetWaitableTimer(t, &due, 0, timer_apc, &one, FALSE));
    CHECK_EQ(SleepEx(1000, TRUE), WAIT_IO_COMPLETION);
    CHECK_EQ(apcs, 1);
    CHECK(CancelWaitableTimer(t));
    CloseHandle(t);
    apcs = 0;
    CHECK(QueueUserAPC(user_apc, GetCurrentThread(), 5) != 0);
    CHECK(QueueUserAPC(user_apc, GetCurrentThread(), 7) != 0);
    CHECK_EQ(apcs, 0);
    CHECK_EQ(SleepEx(0, TRUE), WAIT_IO_COMPLETION);
    CHECK_EQ(apcs, 12);
    CHECK_EQ(SleepEx(1, TRUE), 0);
}

static DWORD WINAPI consumer(void *arg)
{
    AcquireSRWLockExclusive(&srw);
    while (!ready)
        SleepConditionVariableSRW(&cv, &srw, INFINITE, 0);
    ready--;
    ReleaseSRWLockExclusive(&srw);
    return 1;
}

static BOOL CALLBACK init(INIT_ONCE *o, void *parameter, void **context)
{
    inits++;
    *context = parameter;
    return TRUE;
}

static SYNCHRONIZATION_BARRIER barrier;
static LONG last_ones, arrived;

static DWORD WINAPI meet(void *arg)
{
    for (LONG round = 1; round <= 3; round++) {
        InterlockedIncrement(&arrived);
        if (EnterSynchronizationBarrier(&barrier, 0))
            InterlockedIncrement(&last_ones);
        CHECK(arrived >= 3 * round);
    }
    return 0;
}

static void test_barrier(void)
{
    HANDLE t[3];
    CHECK(InitializeSynchronizationBarrier(&barrier, 3, -1));
    for (int i = 0; i < 3; i++)
        t[i] = CreateThread(NULL, 0, meet, NULL, 0, NULL);
    CHECK_EQ(WaitForMultipleObjects(3, t, TRUE, 5000), WAIT_OBJECT_0);
    for (int i = 0; i < 3; i++)
        CloseHandle(t[i]);
    CHECK_EQ(last_ones, 3);
    CHECK(DeleteSynchronizationBarrier(&barrier));
}

static void test_srw(void)
{
    HANDLE t[2];
    for (int i = 0; i < 2; i++)
        t[i] = CreateThread(NULL, 0, consumer, NULL, 0, NULL);
    Sleep(10);
    AcquireSRWLockExclusive(&srw);
    CHECK(!TryAcquireSRWLockExclusive(&srw));
    CHECK(!TryAcquireSRWLockShared(&srw));
    ready = 2;
    ReleaseSRWLockExclusive(&srw);
    WakeAllConditionVariable(&cv);
    CHECK_EQ(WaitForMultipleObjects(2, t, TRUE, 5000), WAIT_OBJECT_0);
    CHECK_EQ(ready, 0);
    CloseHandle(t[0]);
    CloseHandle(t[1]);
    AcquireSRWLockShared(&srw);
    CHECK(TryAcquireSRWLockShared(&srw));
    CHECK(!TryAcquireSRWLockExclusive(&srw));
    ReleaseSRWLockShared(&srw);
    ReleaseSRWLockShared(&srw);
    CHECK(TryAcquireSRWLockExclusive(&srw));
    CHECK(!SleepConditionVariableSRW(&cv, &srw, 10, 0));
    CHECK_EQ(GetLastError(), ERROR_TIMEOUT);
    ReleaseSRWLockExclusive(&srw);
    void *context = NULL;
    CHECK(InitOnceExecuteOnce(&once, init, (void *)0x40, &context));
    CHECK(InitOnceExecuteOnce(&once, init, (void *)0x80, &context));
    CHECK_EQ(inits, 1);
    CHECK(context == (void *)0x40);
    test_barrier();
}

static unsigned __stdcall crt_thread(void *arg)
{
    TlsSetValue(*(DWORD *)arg, (void *)7);
    errno = 5;
    return 42;
}

static void test_tls(void)
{
    DWORD slot = TlsAlloc(), code = 0;
    CHECK(slot != TLS_OUT_OF_INDEXES);
    CHECK(TlsGetValue(slot) == NULL);
    TlsSetValue(slot, (void *)3);
    errno = 2;
    HANDLE t = (HANDLE)_beginthreadex(NULL, 0, crt_thread, &slot, CREATE_SUSPENDED, NULL);
    CHECK(t != NULL);
    CHECK_EQ(WaitForSingleObject(t, 10), WAIT_TIMEOUT);
    CHECK_EQ(ResumeThread(t), 1);
    WaitForSingleObject(t, INFINITE);
    GetExitCodeThread(t, &code);
    CHECK_EQ(code, 42);
    CHECK_EQ(errno, 2);
    CHECK(TlsGetValue(slot) == (void *)3);
    CHECK(TlsFree(slot));
    CloseHandle(t);
}

static DWORD WINAPI forever(void *arg)
{
    for (;;)
        Sleep(10);
    return 0;
}

static void test_suspend(void)
{
    DWORD code;
    HANDLE t = CreateThread(NULL, 0, forever, NULL, 0, NULL);
    CHECK_EQ(SuspendThread(t), 0);
    CHECK_EQ(SuspendThread(t), 1);
    CHECK_EQ(ResumeThread(t), 2);
    CHECK_EQ(ResumeThread(t), 1);
    CHECK_EQ(ResumeThread(t), 0);
    CHECK(TerminateThread(t, 9));
    CHECK_EQ(WaitForSingleObject(t, 5000), WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(t, &code));
    CHECK_EQ(code, 9);
    CloseHandle(t);
}

int main(void)
{
    test_threads();
    test_events();
    test_mutexes();
    test_semaphores();
    test_timers();
    test_srw();
    test_tls();
    test_suspend();
    printf("sync: %d failures\n", check_failures);
    return check_failures;
}
