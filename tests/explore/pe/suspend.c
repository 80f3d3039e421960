/* Threads that stop each other wherever they are. A text for each thread, between commas: letters with a digit.
 *
 * a add, r read, w write a variable; c the next is left out if it is not zero; e set an event, p look at it (the next is left out if it is not set), y wait for it;
 * l add under a critical section, m under a mutex; s suspend, g resume the thread of that number (the first is 0), q queue it an APC.
 *
 * usage: suspend.exe TEXT[,TEXT]... */
#include <windows.h>
#include <string.h>

enum { MOST = 4 };

static HANDLE threads[8], events[MOST], mutexes[MOST];
static volatile LONG variables[MOST], guarded[MOST];
static CRITICAL_SECTION sections[MOST];
static int count;

static VOID CALLBACK routine(ULONG_PTR i)
{
    InterlockedIncrement(&variables[i]);
}

/* Whether the next is left out. */
static BOOL step(char what, int i)
{
    switch (what) {
    case 'a': InterlockedIncrement(&variables[i]); break;
    case 'r': InterlockedCompareExchange(&variables[i], 0, 0); break;
    case 'w': InterlockedExchange(&variables[i], i + 5); break;
    case 'c': return InterlockedCompareExchange(&variables[i], 0, 0) != 0;
    case 'e': SetEvent(events[i]); break;
    case 'p': return WaitForSingleObject(events[i], 0) != WAIT_OBJECT_0;
    case 'y': WaitForSingleObjectEx(events[i], INFINITE, TRUE); break;
    case 'l':
        EnterCriticalSection(&sections[i]);
        InterlockedIncrement(&guarded[i]);
        LeaveCriticalSection(&sections[i]);
        break;
    case 'm':
        WaitForSingleObject(mutexes[i], INFINITE);
        InterlockedIncrement(&guarded[i]);
        ReleaseMutex(mutexes[i]);
        break;
    case 's': return i < count && SuspendThread(threads[i]) == (DWORD)-1;
    case 'g': return i < count && ResumeThread(threads[i]) == 0;
    case 'q':
        if (i < count)
            QueueUserAPC(routine, threads[i], (ULONG_PTR)i);
    }
    return FALSE;
}

static DWORD WINAPI thread(void *what)
{
    const char *text = what;
    for (size_t i = 0; i + 1 < strlen(text); i += 2)
        if (step(text[i], (text[i + 1] - '0') % MOST))
            i += 2;
    return 0;
}

int main(int argc, char **argv)
{
    static char copy[200];
    const char *texts[8];
    if (argc < 2 || strlen(argv[1]) >= sizeof copy)
        return 2;
    strcpy(copy, argv[1]);
    for (int i = 0; i < MOST; i++) {
        events[i] = CreateEventA(NULL, i % 2, FALSE, NULL);
        mutexes[i] = CreateMutexA(NULL, FALSE, NULL);
        InitializeCriticalSection(&sections[i]);
    }
    for (char *p = strtok(copy, ","); p && count < 8; p = strtok(NULL, ","))
        texts[count++] = p;
    for (int i = 0; i < count; i++)
        threads[i] = CreateThread(NULL, 0, thread, (void *)texts[i], CREATE_SUSPENDED, NULL);
    for (int i = 0; i < count; i++)
        ResumeThread(threads[i]);
    WaitForMultipleObjects((DWORD)count, threads, TRUE, INFINITE);
    return 0;
}
