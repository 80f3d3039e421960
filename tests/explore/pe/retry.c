/* Loops that retry, for check_retry.py: two threads that have to come to an end. In each pair the first can go on for ever although both threads get their turns, the
 * second cannot.
 *
 * usage: retry.exe MODEL */
#include <windows.h>
#include <string.h>

static SRWLOCK slim[2] = { SRWLOCK_INIT, SRWLOCK_INIT };
static CRITICAL_SECTION section[2];
static HANDLE mutex[2];
static volatile LONG flag[2], turn, word, go, plain;
static const char *model;

static BOOL is(const char *name)
{
    return !strcmp(model, name);
}

static LONG load(volatile LONG *p)
{
    return InterlockedCompareExchange(p, 0, 0);
}

/* Holds its own, tries the other's, gives its own back and begins again: in step, both do so for ever. */
static void slim_back_off(int mine, int other, int how)
{
    for (;;) {
        AcquireSRWLockExclusive(&slim[mine]);
        if (TryAcquireSRWLockExclusive(&slim[other]))
            break;
        ReleaseSRWLockExclusive(&slim[mine]);
        if (how == 1)
            YieldProcessor();
        else if (how == 2)
            SwitchToThread();
        else if (how == 3)
            Sleep(0);
        else if (how == 4)
            Sleep(1);
    }
    ReleaseSRWLockExclusive(&slim[other]);
    ReleaseSRWLockExclusive(&slim[mine]);
}

static void critical_back_off(int mine, int other)
{
    for (;;) {
        EnterCriticalSection(&section[mine]);
        if (TryEnterCriticalSection(&section[other]))
            break;
        LeaveCriticalSection(&section[mine]);
    }
    LeaveCriticalSection(&section[other]);
    LeaveCriticalSection(&section[mine]);
}

static void mutex_back_off(int mine, int other)
{
    for (;;) {
        WaitForSingleObject(mutex[mine], INFINITE);
        if (WaitForSingleObject(mutex[other], 0) == WAIT_OBJECT_0)
            break;
        ReleaseMutex(mutex[mine]);
    }
    ReleaseMutex(mutex[other]);
    ReleaseMutex(mutex[mine]);
}

/* After you. */
static void polite(int me, int other)
{
    for (;;) {
        InterlockedExchange(&flag[me], 1);
        if (!load(&flag[other]))
            break;
        InterlockedExchange(&flag[me], 0);
        YieldProcessor();
    }
    InterlockedExchange(&flag[me], 0);
}

/* The same, and who has the turn insists (Dekker). */
static void dekker(int me, int other)
{
    InterlockedExchange(&flag[me], 1);
    while (load(&flag[other])) {
        if (load(&turn) != me) {
            InterlockedExchange(&flag[me], 0);
            while (load(&turn) != me)
                YieldProcessor();
            InterlockedExchange(&flag[me], 1);
        }
    }
    InterlockedExchange(&turn, other);
    InterlockedExchange(&flag[me], 0);
}

/* Writes what is there again while it waits. */
static void test_and_set(int me, BOOL gives_back, int how)
{
    while (InterlockedExchange(&word, 1)) {
        if (how == 1)
            YieldProcessor();
        else if (how == 2)
            Sleep(0);
    }
    plain++;
    if (gives_back)
        InterlockedExchange(&word, 0);
}

static void compare_exchange(int me, BOOL gives_back)
{
    while (InterlockedCompareExchange(&word, me + 1, 0) != 0)
        ;
    plain++;
    if (gives_back)
        InterlockedCompareExchange(&word, 0, me + 1);
}

/* Counts its rounds. */
static void count_rounds(int me, BOOL comes, BOOL pauses)
{
    static volatile LONG rounds[2];
    if (me == 1) {
        if (comes)
            InterlockedExchange(&go, 1);
        return;
    }
    while (!load(&go)) {
        rounds[me]++;
        if (pauses)
            YieldProcessor();
    }
}

/* Goes on adding and taking away, until told. */
static void dirty(int me, BOOL comes)
{
    if (me == 1) {
        if (comes)
            InterlockedExchange(&go, 1);
        return;
    }
    while (!load(&go)) {
        InterlockedIncrement(&word);
        InterlockedDecrement(&word);
    }
}

static DWORD WINAPI thread(void *number)
{
    int me = (int)(LONG_PTR)number, other = 1 - me;
    if (is("slim"))
        slim_back_off(me, other, 0);
    else if (is("slim-ordered"))
        slim_back_off(0, 1, 0);
    else if (is("slim-pause"))
        slim_back_off(me, other, 1);
    else if (is("slim-pause-ordered"))
        slim_back_off(0, 1, 1);
    else if (is("slim-switch"))
        slim_back_off(me, other, 2);
    else if (is("slim-switch-ordered"))
        slim_back_off(0, 1, 2);
    else if (is("slim-sleep0"))
        slim_back_off(me, other, 3);
    else if (is("slim-sleep0-ordered"))
        slim_back_off(0, 1, 3);
    else if (is("slim-sleep1"))
        slim_back_off(me, other, 4);
    else if (is("slim-sleep1-ordered"))
        slim_back_off(0, 1, 4);
    else if (is("critical"))
        critical_back_off(me, other);
    else if (is("critical-ordered"))
        critical_back_off(0, 1);
    else if (is("mutex"))
        mutex_back_off(me, other);
    else if (is("mutex-ordered"))
        mutex_back_off(0, 1);
    else if (is("polite"))
        polite(me, other);
    else if (is("dekker"))
        dekker(me, other);
    else if (is("tas-kept"))
        test_and_set(me, FALSE, 0);
    else if (is("tas"))
        test_and_set(me, TRUE, 0);
    else if (is("tas-pause"))
        test_and_set(me, TRUE, 1);
    else if (is("tas-sleep0"))
        test_and_set(me, TRUE, 2);
    else if (is("tas-sleep0-kept"))
        test_and_set(me, FALSE, 2);
    else if (is("cas-kept"))
        compare_exchange(me, FALSE);
    else if (is("cas"))
        compare_exchange(me, TRUE);
    else if (is("count-never"))
        count_rounds(me, FALSE, FALSE);
    else if (is("count"))
        count_rounds(me, TRUE, FALSE);
    else if (is("count-pause-never"))
        count_rounds(me, FALSE, TRUE);
    else if (is("count-pause"))
        count_rounds(me, TRUE, TRUE);
    else if (is("dirty-never"))
        dirty(me, FALSE);
    else if (is("dirty"))
        dirty(me, TRUE);
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
    for (int i = 0; i < 2; i++) {
        InitializeCriticalSection(&section[i]);
        mutex[i] = CreateMutexA(NULL, FALSE, NULL);
    }
    for (int i = 0; i < 2; i++)
        threads[i] = CreateThread(NULL, 0, thread, (void *)(LONG_PTR)i, 0, NULL);
    WaitForMultipleObjects(2, threads, TRUE, INFINITE);
    return 0;
}
