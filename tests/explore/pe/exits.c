/* Threads that are in all kinds of places when their process ends.
 *
 * usage: exits.exe LETTERS [c | e]: a thread for each letter. With a second argument the first thread ends the process at once (c: holding what the others wait for), else
 * when main returns. w waits, a sleeps alertably, q queues an APC to the first, s sleeps, c takes the lock, l loops until something is done, e sets the event, x ends the
 * process, t ends the first thread, m writes and reads a pipe, d sends a request to the driver of io.c, n makes another thread. */
#include <windows.h>

static HANDLE event, threads[8];
static volatile LONG done;
static CRITICAL_SECTION section;

static VOID CALLBACK routine(ULONG_PTR p)
{
    InterlockedIncrement(&done);
    SetEvent(event);
}

static void pipe_of_its_own(void)
{
    HANDLE from, to;
    DWORD n;
    char c;
    if (!CreatePipe(&from, &to, NULL, 0))
        return;
    WriteFile(to, "x", 1, &n, NULL);
    ReadFile(from, &c, 1, &n, NULL);
    CloseHandle(from);
    CloseHandle(to);
}

static DWORD WINAPI thread(void *what)
{
    DWORD n;
    switch ((char)(ULONG_PTR)what) {
    case 'w': WaitForSingleObject(event, INFINITE); break;
    case 'a':
        SleepEx(INFINITE, TRUE);
        InterlockedIncrement(&done);
        break;
    case 'q':
        if (threads[0])
            QueueUserAPC(routine, threads[0], 1);
        break;
    case 's':
        Sleep(10);
        InterlockedIncrement(&done);
        break;
    case 'c':
        EnterCriticalSection(&section);
        InterlockedIncrement(&done);
        LeaveCriticalSection(&section);
        break;
    case 'l':
        while (InterlockedCompareExchange(&done, 0, 0) == 0)
            YieldProcessor();
        break;
    case 'e': SetEvent(event); break;
    case 'x': ExitProcess(3);
    case 't': TerminateThread(threads[0], 5); break;
    case 'm': pipe_of_its_own(); break;
    case 'd':
        DeviceIoControl(CreateFileA("\\\\.\\Random", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL), 0x222000, "q0t1i0b0z0", 10, NULL, 0, &n, NULL);
        break;
    case 'n': CloseHandle(CreateThread(NULL, 0, thread, (void *)(ULONG_PTR)'c', 0, NULL)); break;
    }
    return 0;
}

int main(int argc, char **argv)
{
    event = CreateEventA(NULL, TRUE, FALSE, NULL);
    InitializeCriticalSection(&section);
    for (int i = 0; argc > 1 && argv[1][i] && i < 8; i++)
        threads[i] = CreateThread(NULL, 0, thread, (void *)(ULONG_PTR)argv[1][i], 0, NULL);
    if (argc > 2) {
        if (argv[2][0] == 'c')
            EnterCriticalSection(&section);
        ExitProcess(0);
    }
    return 0;
}
