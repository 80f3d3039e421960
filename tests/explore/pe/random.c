/* A program of a few threads, from text: its orders are compared with brute force (tests/explore/check_random.py).
 *
 * usage: random.exe TEXT. Threads apart by commas; an operation is a letter and the number of a variable or lock:
 *   r w f: read, write, fetch-and-add; c: read, skip the next operation if not zero
 *   loops that wait: L Z: until not zero, until zero; T: test and set, until it was not 1; D: write 0; E F: until variable i or i + 1 is not
 *   zero, until both; K: a section under a ticket lock, variables i and i + 1
 *   x: compare-exchange 0 -> 1; y: compare-exchange 1 -> 2; l u: lock, unlock */
#include <windows.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS = 10, THREADS = 16 };

/* Not `while`: compilers copy its first look out of the loop, and a look there is an event. */
#define AWAIT(condition) do ; while (!(condition))

static volatile LONG variables[NUMBERS + 1];
static SRWLOCK locks[NUMBERS];
static const char *texts[THREADS];

static LONG load(int k)
{
    return InterlockedCompareExchange(&variables[k], 0, 0);
}

static void under_ticket(int k)
{
    LONG mine = InterlockedExchangeAdd(&variables[k], 1);
    AWAIT(load(k + 1) == mine);
    InterlockedExchange(&variables[k + 1], mine + 1);
}

static void operate(char kind, int k, LONG t, BOOL *skip)
{
    switch (kind) {
    case 'r': load(k); break;
    case 'c': *skip = load(k) != 0; break;
    case 'w': InterlockedExchange(&variables[k], t + 1); break;
    case 'f': InterlockedExchangeAdd(&variables[k], 1); break;
    case 'x': InterlockedCompareExchange(&variables[k], 1, 0); break;
    case 'y': InterlockedCompareExchange(&variables[k], 2, 1); break;
    case 'L': AWAIT(load(k) != 0); break;
    case 'Z': AWAIT(load(k) == 0); break;
    case 'T': AWAIT(InterlockedExchange(&variables[k], 1) != 1); break;
    case 'D': InterlockedExchange(&variables[k], 0); break;
    case 'E': AWAIT(load(k) != 0 || load(k + 1) != 0); break;
    case 'F': AWAIT(load(k) != 0 && load(k + 1) != 0); break;
    case 'K': under_ticket(k); break;
    case 'l': AcquireSRWLockExclusive(&locks[k]); break;
    case 'u': ReleaseSRWLockExclusive(&locks[k]); break;
    default: ExitProcess(2);
    }
}

static DWORD WINAPI thread(void *number)
{
    LONG t = (LONG)(LONG_PTR)number;
    BOOL skip = FALSE;
    for (const char *p = texts[t]; *p && *p != ','; p += 2) {
        if (!skip)
            operate(p[0], p[1] - '0', t, &skip);
        else
            skip = FALSE;
    }
    return 0;
}

int main(int argc, char **argv)
{
    HANDLE threads[THREADS];
    DWORD count = 0;
    if (argc != 2)
        return 2;
    for (const char *p = argv[1]; p && count < THREADS; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
        size_t n = strcspn(p, ",");
        for (size_t i = 0; i < n; i += 2)
            if (i + 1 == n || p[i + 1] < '0' || p[i + 1] > '9')
                return 2;
        texts[count++] = p;
    }
    for (DWORD t = 0; t < count; t++)
        threads[t] = CreateThread(NULL, 0, thread, (void *)(LONG_PTR)t, 0, NULL);
    WaitForMultipleObjects(count, threads, TRUE, INFINITE);
    return 0;
}
