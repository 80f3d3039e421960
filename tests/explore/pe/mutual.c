/* Mutual exclusion without locks, by waiting loops: Peterson, Szymanski, Lamport's second fast algorithm. Ends with 1 if two threads were in
 * the critical section at once.
 *
 * usage: mutual.exe peterson|szymanski|lamport|broken. `broken` is Peterson's without the turn's check. */
#include <windows.h>
#include <string.h>

static volatile LONG flag[3], turn, x, y, inside;
static const char *which;

static LONG load(volatile LONG *p)
{
    return InterlockedCompareExchange(p, 0, 0);
}

static void store(volatile LONG *p, LONG value)
{
    InterlockedExchange(p, value);
}

static void critical_section(void)
{
    if (InterlockedIncrement(&inside) != 1)
        ExitProcess(1);
    InterlockedDecrement(&inside);
}

static void peterson(LONG me, LONG other)
{
    store(&flag[me], 1);
    store(&turn, other);
    while (load(&flag[other]) && load(&turn) == other)
        YieldProcessor();
    critical_section();
    store(&flag[me], 0);
}

static void broken(LONG me, LONG other)
{
    while (load(&flag[other]))
        YieldProcessor();
    store(&flag[me], 1);
    critical_section();
    store(&flag[me], 0);
}

static void szymanski(LONG me, LONG other)
{
    LONG f;
    store(&flag[me], 1);
    while (load(&flag[other]) >= 3)
        YieldProcessor();
    store(&flag[me], 3);
    if (load(&flag[other]) == 1) {
        store(&flag[me], 2);
        while (load(&flag[other]) != 4)
            YieldProcessor();
    }
    store(&flag[me], 4);
    while (me == 2 && load(&flag[other]) >= 2) /* the lower number goes first */
        YieldProcessor();
    critical_section();
    do
        f = load(&flag[other]);
    while (me == 1 && (f == 2 || f == 3) && (YieldProcessor(), 1));
    store(&flag[me], 0);
}

static void lamport(LONG me, LONG other)
{
    for (;;) {
        store(&flag[me], 1);
        store(&x, me);
        if (load(&y)) {
            store(&flag[me], 0);
            while (load(&y))
                YieldProcessor();
            continue;
        }
        store(&y, me);
        if (load(&x) == me)
            break;
        store(&flag[me], 0);
        while (load(&flag[other]))
            YieldProcessor();
        if (load(&y) == me)
            break;
        while (load(&y))
            YieldProcessor();
    }
    critical_section();
    store(&y, 0);
    store(&flag[me], 0);
}

static DWORD WINAPI thread(void *number)
{
    LONG me = (LONG)(LONG_PTR)number, other = 3 - me;
    if (strcmp(which, "peterson") == 0)
        peterson(me, other);
    else if (strcmp(which, "szymanski") == 0)
        szymanski(me, other);
    else if (strcmp(which, "lamport") == 0)
        lamport(me, other);
    else
        broken(me, other);
    return 0;
}

int main(int argc, char **argv)
{
    HANDLE threads[2];
    if (argc != 2)
        return 2;
    which = argv[1];
    for (LONG t = 0; t < 2; t++)
        threads[t] = CreateThread(NULL, 0, thread, (void *)(LONG_PTR)(t + 1), 0, NULL);
    WaitForMultipleObjects(2, threads, TRUE, INFINITE);
    return 0;
}
