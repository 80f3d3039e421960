/* Threads that wait by looking again and again, for check_loops.py. argv[1]: how; argv[2]: how many of them (default 1). */
#include <stdlib.h>
#include <windows.h>

static HANDLE event, other;
static volatile LONG count, plain;
static char how;

static void wait_for_it(void)
{
    int tries = 0;
    switch (how) {
    case 'e': /* asks the kernel, nothing else */
        while (WaitForSingleObject(event, 0) != WAIT_OBJECT_0)
            tries++;
        break;
    case 'y': /* and tells the processor that it waits */
        while (WaitForSingleObject(event, 0) != WAIT_OBJECT_0)
            YieldProcessor();
        break;
    case 'b': /* two objects */
        while (WaitForSingleObject(event, 0) != WAIT_OBJECT_0 || WaitForSingleObject(other, 0) != WAIT_OBJECT_0)
            tries++;
        break;
    case 's': /* lets time pass */
        while (WaitForSingleObject(event, 0) != WAIT_OBJECT_0)
            Sleep(1);
        break;
    case 'i': /* an interlocked operation that changes nothing */
        while (InterlockedCompareExchange(&count, 5, 1) != 1)
            ;
        break;
    case 'f': /* tries five times and gives up: that is to be seen */
        while (tries++ < 5 && WaitForSingleObject(event, 0) != WAIT_OBJECT_0)
            ;
        break;
    case 'n': /* for what never comes */
        while (WaitForSingleObject(event, 0) != WAIT_OBJECT_0 || WaitForSingleObject(other, 0) != WAIT_OBJECT_0)
            ;
        SetEvent(other);
        break;
    default: /* plain memory */
        while (plain == 0)
            YieldProcessor();
    }
}

static DWORD WINAPI waiter(void *unused)
{
    wait_for_it();
    return 0;
}

int main(int argc, char **argv)
{
    HANDLE threads[4];
    DWORD n = argc > 2 ? (DWORD)atoi(argv[2]) : 1;
    how = argc > 1 ? argv[1][0] : 'p';
    event = CreateEventA(NULL, TRUE, FALSE, NULL);
    other = CreateEventA(NULL, TRUE, how != 'n', NULL);
    if (n > 4)
        return 2;
    for (DWORD i = 0; i < n; i++)
        threads[i] = CreateThread(NULL, 0, waiter, NULL, 0, NULL);
    if (how == 'p')
        plain = 1;
    else if (how == 'i')
        InterlockedIncrement(&count);
    else
        SetEvent(event);
    WaitForMultipleObjects(n, threads, TRUE, INFINITE);
    return 0;
}
