/* Programs that come to a stop, for check_stuck.py: what the finding is called and whom it names.
 *
 * usage: stuck.exe MODEL */
#include <windows.h>
#include <string.h>

static SRWLOCK slim[2] = { SRWLOCK_INIT, SRWLOCK_INIT };
static CRITICAL_SECTION section[3];
static CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;
static HANDLE mutex[2], event, semaphore;
static volatile LONG ready;
static const char *model;

static BOOL is(const char *name)
{
    return !strcmp(model, name);
}

static void sections(int first, int second)
{
    EnterCriticalSection(&section[first]);
    EnterCriticalSection(&section[second]);
    LeaveCriticalSection(&section[second]);
    LeaveCriticalSection(&section[first]);
}

static void slims(int first, int second)
{
    AcquireSRWLockExclusive(&slim[first]);
    AcquireSRWLockExclusive(&slim[second]);
    ReleaseSRWLockExclusive(&slim[second]);
    ReleaseSRWLockExclusive(&slim[first]);
}

static void mutexes(int first, int second)
{
    WaitForSingleObject(mutex[first], INFINITE);
    WaitForSingleObject(mutex[second], INFINITE);
    ReleaseMutex(mutex[second]);
    ReleaseMutex(mutex[first]);
}

static void mixed(int me)
{
    if (me == 0) {
        EnterCriticalSection(&section[0]);
        WaitForSingleObject(mutex[0], INFINITE);
    } else {
        WaitForSingleObject(mutex[0], INFINITE);
        EnterCriticalSection(&section[0]);
    }
    LeaveCriticalSection(&section[0]);
    ReleaseMutex(mutex[0]);
}

/* Looks, and only then begins to wait. */
static void condition(int me, BOOL looks_inside)
{
    if (me == 1) {
        EnterCriticalSection(&section[0]);
        ready = 1;
        LeaveCriticalSection(&section[0]);
        WakeConditionVariable(&changed);
        return;
    }
    EnterCriticalSection(&section[0]);
    if (looks_inside) {
        while (!ready)
            SleepConditionVariableCS(&changed, &section[0], INFINITE);
    } else {
        SleepConditionVariableCS(&changed, &section[0], INFINITE);
    }
    LeaveCriticalSection(&section[0]);
}

static void events(int me, int how)
{
    if (me == 1) {
        if (how == 0) {
            PulseEvent(event);
        } else {
            SetEvent(event);
            if (how == 1)
                ResetEvent(event);
        }
        return;
    }
    WaitForSingleObject(event, INFINITE);
}

static DWORD WINAPI thread(void *number)
{
    int me = (int)(LONG_PTR)number, other = 1 - me;
    if (is("sections"))
        sections(me, other);
    else if (is("sections-ordered"))
        sections(0, 1);
    else if (is("slims"))
        slims(me, other);
    else if (is("mutexes"))
        mutexes(me, other);
    else if (is("mixed"))
        mixed(me);
    else if (is("condition"))
        condition(me, FALSE);
    else if (is("condition-looked"))
        condition(me, TRUE);
    else if (is("pulse"))
        events(me, 0);
    else if (is("reset"))
        events(me, 1);
    else if (is("set"))
        events(me, 2);
    else if (is("never"))
        WaitForSingleObject(event, INFINITE);
    else if (is("abandoned-section"))
        EnterCriticalSection(&section[0]);
    else
        ExitProcess(2);
    return 0;
}

int main(int argc, char **argv)
{
    HANDLE threads[2];
    if (argc != 2)
        return 2;
    model = argv[1];
    for (int i = 0; i < 3; i++)
        InitializeCriticalSection(&section[i]);
    for (int i = 0; i < 2; i++)
        mutex[i] = CreateMutexA(NULL, FALSE, NULL);
    event = CreateEventA(NULL, TRUE, FALSE, NULL);
    semaphore = CreateSemaphoreA(NULL, 0, 9, NULL);
    for (int i = 0; i < 2; i++)
        threads[i] = CreateThread(NULL, 0, thread, (void *)(LONG_PTR)i, 0, NULL);
    WaitForMultipleObjects(2, threads, TRUE, INFINITE);
    return 0;
}
