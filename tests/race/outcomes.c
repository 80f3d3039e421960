/* Threads that share plain variables without any order; what they end with is the exit code, so that every outcome is a failure of its own. Built once for each
 * PROGRAM; check_outcomes.py has the same programs and goes through all orders of their accesses. */
#include <windows.h>

static int x, y, seen[4];

#if PROGRAM == 1 /* each stores, and loads what the other stores */
static DWORD WINAPI a(void *unused) { x = 1; seen[0] = y; return 0; }
static DWORD WINAPI b(void *unused) { y = 1; seen[1] = x; return 0; }
static const LPTHREAD_START_ROUTINE threads[] = {a, b};
#elif PROGRAM == 2 /* an update is lost */
static DWORD WINAPI a(void *unused) { x++; return 0; }
static const LPTHREAD_START_ROUTINE threads[] = {a, a};
#elif PROGRAM == 3 /* a message and its flag */
static DWORD WINAPI a(void *unused) { x = 1; y = 1; return 0; }
static DWORD WINAPI b(void *unused) { seen[0] = y; seen[1] = x; return 0; }
static const LPTHREAD_START_ROUTINE threads[] = {a, b};
#elif PROGRAM == 4 /* three */
static DWORD WINAPI a(void *unused) { x = 1; return 0; }
static DWORD WINAPI b(void *unused) { x = 2; return 0; }
static DWORD WINAPI c(void *unused) { seen[0] = x; return 0; }
static const LPTHREAD_START_ROUTINE threads[] = {a, b, c};
#elif PROGRAM == 6 /* more accesses than are looked at in a run */
static volatile int many[4];
static DWORD WINAPI a(void *unused) { for (int i = 0; i < 30000; i++) many[i & 3] = i; x = 1; return 0; }
static const LPTHREAD_START_ROUTINE threads[] = {a};
#else /* four: two readers of what two store */
static DWORD WINAPI a(void *unused) { x = 1; return 0; }
static DWORD WINAPI b(void *unused) { y = 1; return 0; }
static DWORD WINAPI c(void *unused) { seen[0] = x; seen[1] = y; return 0; }
static DWORD WINAPI d(void *unused) { seen[2] = y; seen[3] = x; return 0; }
static const LPTHREAD_START_ROUTINE threads[] = {a, b, c, d};
#endif

int main(void)
{
    enum { COUNT = sizeof threads / sizeof *threads };
    HANDLE handles[COUNT];
    int outcome;
    for (int i = 0; i < COUNT; i++)
        handles[i] = CreateThread(NULL, 0, threads[i], NULL, 0, NULL);
    WaitForMultipleObjects(COUNT, handles, TRUE, INFINITE);
    outcome = x;
    for (int i = 0; i < 4; i++)
        outcome = outcome * 3 + seen[i];
    return 1000 + outcome;
}
