/* What threads of a program wait for each other with, in models whose number of orders is known (tests/explore/check_sync.py). The first thread waits for each of the
 * others and closes its handle, which adds no order.
 *
 * usage: sync.exe MODEL N [K] */
#include <windows.h>
#include <stdlib.h>
#include <string.h>

static SRWLOCK slim = SRWLOCK_INIT;
static CRITICAL_SECTION section;
static CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static HANDLE mutex, event;
static SYNCHRONIZATION_BARRIER barrier;
static volatile LONG ready, others[64];
static LONG n, k;

/* Each of the locks, taken K times by N threads. */
static void exclusive(LONG t)
{
    for (LONG i = 0; i < k; i++) {
        AcquireSRWLockExclusive(&slim);
        ready++;
        ReleaseSRWLockExclusive(&slim);
    }
}

static void critical(LONG t)
{
    for (LONG i = 0; i < k; i++) {
        EnterCriticalSection(&section);
        ready++;
        LeaveCriticalSection(&section);
    }
}

static void mutexes(LONG t)
{
    for (LONG i = 0; i < k; i++) {
        WaitForSingleObject(mutex, INFINITE);
        ready++;
        ReleaseMutex(mutex);
    }
}

/* K writers, the others read. */
static void shared(LONG t)
{
    if (t < k) {
        AcquireSRWLockExclusive(&slim);
        ready++;
        ReleaseSRWLockExclusive(&slim);
    } else {
        AcquireSRWLockShared(&slim);
        others[t] = ready;
        ReleaseSRWLockShared(&slim);
    }
}

/* Nothing in common. */
static void alone(LONG t)
{
    InterlockedIncrement(&others[t]);
}

/* The first lets the others go. */
static void condition(LONG t)
{
    AcquireSRWLockExclusive(&slim);
    if (t == 0)
        ready = 1;
    while (!ready)
        SleepConditionVariableSRW(&changed, &slim, INFINITE, 0);
    ReleaseSRWLockExclusive(&slim);
    if (t == 0)
        WakeAllConditionVariable(&changed);
}

/* The same with the call in the lock. */
static void condition_inside(LONG t)
{
    EnterCriticalSection(&section);
    if (t == 0) {
        ready = 1;
        WakeAllConditionVariable(&changed);
    }
    while (!ready)
        SleepConditionVariableCS(&changed, &section, INFINITE);
    LeaveCriticalSection(&section);
}

static void address(LONG t)
{
    LONG zero = 0;
    if (t == 0) {
        InterlockedExchange(&ready, 1);
        WakeByAddressAll((void *)&ready);
        return;
    }
    while (InterlockedCompareExchange(&ready, 0, 0) == 0)
        WaitOnAddress(&ready, &zero, sizeof ready, INFINITE);
}

static BOOL CALLBACK initialise(INIT_ONCE *o, void *t, void **context)
{
    ready = (LONG)(LONG_PTR)t;
    return TRUE;
}

static void run_once(LONG t)
{
    InitOnceExecuteOnce(&once, initialise, (void *)(LONG_PTR)t, NULL);
}

/* A notification event: all go on. */
static void notification(LONG t)
{
    if (t == 0)
        SetEvent(event);
    else
        WaitForSingleObject(event, INFINITE);
}

/* What others open and close has nothing to do with it. */
static void own_handles(LONG t)
{
    HANDLE own = CreateEventA(NULL, FALSE, FALSE, NULL);
    SetEvent(own);
    WaitForSingleObject(own, INFINITE);
    CloseHandle(own);
    InterlockedIncrement(&others[t]);
}

static void together(LONG t)
{
    for (LONG i = 0; i < k; i++)
        if (EnterSynchronizationBarrier(&barrier, 0))
            others[i]++;
}

static const struct model {
    const char *name;
    void (*body)(LONG t);
} models[] = {
    { "alone", alone }, { "exclusive", exclusive }, { "critical", critical }, { "mutex", mutexes }, { "shared", shared }, { "condition", condition },
    { "condition-inside", condition_inside }, { "address", address }, { "once", run_once },
    { "notification", notification }, { "handles", own_handles }, { "barrier", together },
};

static const struct model *model;

static DWORD WINAPI thread(void *t)
{
    model->body((LONG)(LONG_PTR)t);
    return 0;
}

int main(int argc, char **argv)
{
    HANDLE threads[64];
    for (size_t i = 0; argc > 2 && i < sizeof models / sizeof *models; i++)
        if (strcmp(models[i].name, argv[1]) == 0)
            model = &models[i];
    n = argc > 2 ? atoi(argv[2]) : 0;
    k = argc > 3 ? atoi(argv[3]) : 1;
    if (!model || n < 1 || n > 64)
        return 2;
    InitializeCriticalSection(&section);
    InitializeSynchronizationBarrier(&barrier, n, -1);
    mutex = CreateMutexA(NULL, FALSE, NULL);
    event = CreateEventA(NULL, TRUE, FALSE, NULL);
    for (LONG t = 0; t < n; t++)
        threads[t] = CreateThread(NULL, 0, thread, (void *)(LONG_PTR)t, 0, NULL);
    for (LONG t = 0; t < n; t++) {
        WaitForSingleObject(threads[t], INFINITE);
        CloseHandle(threads[t]);
    }
    return 0;
}
