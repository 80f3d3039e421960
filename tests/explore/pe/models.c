/* The classic models of partial-order reduction as a Windows program: threads, interlocked operations, locks. How many orders matter is
 * known exactly (tests/explore/check_models.py).
 *
 * usage: models.exe MODEL N [K]
 * A load is InterlockedCompareExchange(p, 0, 0), which never changes anything; a store is InterlockedExchange. */
#include <windows.h>
#include <stdlib.h>
#include <string.h>

enum { VARIABLES = 256, INDEXER_SIZE = 128, INDEXER_MOST = 4, INODES = 32, BLOCKS = 26 };

static volatile LONG variables[VARIABLES];
static CRITICAL_SECTION section[INODES + BLOCKS];
static SRWLOCK slim = SRWLOCK_INIT;
static HANDLE mutex;
static LONG n, k;

static LONG load(int i)
{
    return InterlockedCompareExchange(&variables[i], 0, 0);
}

static void store(int i, LONG value)
{
    InterlockedExchange(&variables[i], value);
}

static void add(int i)
{
    InterlockedIncrement(&variables[i]);
}

/* ---- models: what thread t does ---- */

static void readers(LONG t)
{
    if (t == 0)
        store(0, 1);
    else
        load(0);
}

static void writers(LONG t)
{
    store(0, t + 1);
}

static void counters(LONG t)
{
    for (LONG i = 0; i < k; i++)
        add((int)i);
}

/* The step of its first instruction goes on into calls, which ones depends on what it found. */
static void tail(LONG t)
{
    LONG was = InterlockedExchange(&variables[0], t + 1);
    if (was == 0)
        SetLastError(GetTickCount());
    else if (was == 2)
        TlsSetValue(TlsAlloc(), &variables[t]);
    add(0);
}

static void rw(LONG t)
{
    store(0, load(0) + 1);
}

static void critical(LONG t)
{
    for (LONG i = 0; i < k; i++) {
        EnterCriticalSection(&section[0]);
        variables[0]++;
        LeaveCriticalSection(&section[0]);
    }
}

static void slim_lock(LONG t)
{
    for (LONG i = 0; i < k; i++) {
        AcquireSRWLockExclusive(&slim);
        variables[0]++;
        ReleaseSRWLockExclusive(&slim);
    }
}

static void mutexes(LONG t)
{
    for (LONG i = 0; i < k; i++) {
        WaitForSingleObject(mutex, INFINITE);
        variables[0]++;
        ReleaseMutex(mutex);
    }
}

/* N writers and one reader. */
static void lastzero(LONG t)
{
    if (t == 0)
        for (int i = (int)n; load(i) != 0; i--)
            ;
    else
        store((int)t, load((int)t - 1) + 1);
}

static void indexer(LONG t)
{
    for (LONG m = 1; m <= INDEXER_MOST; m++) {
        LONG w = m * 11 + t, h = w * 7 % INDEXER_SIZE;
        while (InterlockedCompareExchange(&variables[h], w, 0) != 0)
            h = (h + 1) % INDEXER_SIZE;
    }
}

/* Each inode and each block has its lock; under it they are plain memory. */
static void filesystem(LONG t)
{
    LONG i = t % INODES, b = i * 2 % BLOCKS;
    EnterCriticalSection(&section[i]);
    while (variables[i] == 0) {
        EnterCriticalSection(&section[INODES + b]);
        if (!variables[INODES + b]) {
            variables[INODES + b] = 1;
            variables[i] = b + 1;
        }
        LeaveCriticalSection(&section[INODES + b]);
        b = (b + 1) % BLOCKS;
    }
    LeaveCriticalSection(&section[i]);
}

/* Two threads that write one variable, read another and then the first again; N - 1 threads that write both others. */
static void coherence(LONG t)
{
    if (t >= 2) {
        store(1, t - 2);
        store(2, t - 2);
        return;
    }
    store(0, t + 1);
    load(1 + (int)t);
    load(0);
}

/* Store and load of two threads, each of its own and of the other's variable. */
static void dekker(LONG t)
{
    store((int)t, 1);
    if (load(1 - (int)t) == 0) {
        store(2, t);
        load(2);
    }
}

/* ---- loops that wait: a look that finds nothing is no event ---- */

/* Not `while`: compilers copy its first look out of the loop, and a look there is an event. */
#define AWAIT(condition) do ; while (!(condition))

/* Two threads; variables 0 and 1: their flags, 2: whose turn it is. */
static void peterson(LONG t)
{
    store((int)t, 1);
    store(2, 1 - t);
    AWAIT(load(1 - (int)t) == 0 || load(2) == t);
    store(3, t);
    load(3);
    store((int)t, 0);
}

/* Without the check of who is first: both can wait for ever. */
static void szymanski(LONG t)
{
    int mine = (int)t, other = 1 - (int)t;
    store(mine, 1);
    AWAIT(load(other) < 3);
    store(mine, 3);
    if (load(other) == 1) {
        store(mine, 2);
        AWAIT(load(other) == 4);
    }
    store(mine, 4);
    AWAIT(load(other) < 2);
    store(2, t);
    load(2);
    load(2);
    AWAIT(load(other) < 2 || load(other) > 3);
    store(mine, 0);
}

/* Lamport's second fast algorithm. Variables 0: x, 1: y, 2 and up: who is interested. */
static void lamport(LONG t)
{
    int mine = 2 + (int)t;
    for (;;) {
        store(mine, 1);
        store(0, t + 1);
        if (load(1) != 0) {
            store(mine, 0);
            AWAIT(load(1) == 0);
            continue;
        }
        store(1, t + 1);
        if (load(0) == t + 1)
            break;
        store(mine, 0);
        for (int i = 0; i < n; i++)
            AWAIT(load(2 + i) == 0);
        if (load(1) == t + 1)
            break;
        AWAIT(load(1) == 0);
    }
    store(1, 0);
    store(mine, 0);
}

/* One lock, taken by testing and setting. */
static void test_and_set(LONG t)
{
    for (LONG i = 0; i < k; i++) {
        AWAIT(InterlockedExchange(&variables[0], 1) == 0);
        variables[1]++;
        store(0, 0);
    }
}

/* Taken in the order in which tickets were drawn. */
static void ticket(LONG t)
{
    for (LONG i = 0; i < k; i++) {
        LONG mine = InterlockedIncrement(&variables[0]) - 1;
        AWAIT(load(1) == mine);
        variables[2]++;
        store(1, mine + 1);
    }
}

/* Readers and writers of four variables, without a loop. */
static void big(LONG t)
{
    if (t < 2)
        for (int i = 0; i < (t == 0 ? 7 : 3); i++)
            load(i % 4);
    else
        for (int i = 0; i < 6; i++)
            store(i % 2 + 2 * ((int)t - 2), i / 2 + 1);
}

static const struct model {
    const char *name;
    void (*body)(LONG t);
    LONG more; /* threads besides the N */
} models[] = {
    { "readers", readers, 1 }, { "writers", writers, 0 }, { "apart", writers, 0 }, { "peterson", peterson, 0 }, { "szymanski", szymanski, 0 }, { "lamport", lamport, 0 }, { "tas", test_and_set, 0 },
    { "ticket", ticket, 0 }, { "big", big, 0 }, { "counters", counters, 0 }, { "rw", rw, 0 }, { "critical", critical, 0 }, { "slim", slim_lock, 0 },
    { "mutex", mutexes, 0 }, { "tail", tail, 0 }, { "lastzero", lastzero, 1 }, { "indexer", indexer, 0 }, { "filesystem", filesystem, 0 }, { "dekker", dekker, 0 }, { "coherence", coherence, 1 },
};

static const struct model *model;

static DWORD WINAPI thread(void *t)
{
    model->body((LONG)(LONG_PTR)t);
    return 0;
}

int main(int argc, char **argv)
{
    HANDLE threads[MAXIMUM_WAIT_OBJECTS];
    for (size_t i = 0; argc > 2 && i < sizeof models / sizeof *models; i++)
        if (strcmp(models[i].name, argv[1]) == 0)
            model = &models[i];
    n = argc > 2 ? atoi(argv[2]) : 0;
    k = argc > 3 ? atoi(argv[3]) : 1;
    if (!model || n < 1 || n + model->more > MAXIMUM_WAIT_OBJECTS)
        return 2;
    LONG count = n + model->more;
    for (int i = 0; i < INODES + BLOCKS; i++)
        InitializeCriticalSection(&section[i]);
    mutex = CreateMutexA(NULL, FALSE, NULL);
    for (LONG t = 0; t < count; t++)
        threads[t] = CreateThread(NULL, 0, thread, (void *)(LONG_PTR)t, 0, NULL);
    if (strcmp(argv[1], "apart") == 0) /* nobody waits: the last thread ends the process, whichever that is */
        ExitThread(0);
    WaitForMultipleObjects((DWORD)count, threads, TRUE, INFINITE);
    return 0;
}
