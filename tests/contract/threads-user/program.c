/* Threads and synchronisation in a program. */
#include "contract_program.h"

static DWORD WINAPI returns_its_argument(void *argument)
{
    return (DWORD)(ULONG_PTR)argument;
}

static DWORD WINAPI exits(void *argument)
{
    (void)argument;
    ExitThread(77);
}

static void lives(HANDLE device)
{
    DWORD id = 0, code = 0;
    HANDLE thread = CreateThread(NULL, 0, returns_its_argument, (void *)42, 0, &id);
    (void)device;
    CHECK(thread != NULL);
    CHECK(id != 0 && id != GetCurrentThreadId());
    CHECK_EQ(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(thread, &code));
    CHECK_EQ(code, 42);
    CloseHandle(thread);
    thread = CreateThread(NULL, 0, exits, NULL, 0, NULL);
    WaitForSingleObject(thread, INFINITE);
    GetExitCodeThread(thread, &code);
    CHECK_EQ(code, 77);
    CloseHandle(thread);
}

static CRITICAL_SECTION section;
static volatile LONG inside, overlaps, total;

static DWORD WINAPI counts_in_section(void *argument)
{
    (void)argument;
    for (int i = 0; i < 5; i++) {
        EnterCriticalSection(&section);
        EnterCriticalSection(&section);
        if (InterlockedIncrement(&inside) != 1)
            overlaps++;
        total = total + 1;
        InterlockedDecrement(&inside);
        LeaveCriticalSection(&section);
        LeaveCriticalSection(&section);
    }
    return 0;
}

static void critical_sections(HANDLE device)
{
    HANDLE threads[3];
    (void)device;
    InitializeCriticalSection(&section);
    for (int i = 0; i < 3; i++)
        threads[i] = CreateThread(NULL, 0, counts_in_section, NULL, 0, NULL);
    CHECK_EQ(WaitForMultipleObjects(3, threads, TRUE, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(overlaps, 0);
    CHECK_EQ(total, 15);
    CHECK(TryEnterCriticalSection(&section));
    LeaveCriticalSection(&section);
    DeleteCriticalSection(&section);
    for (int i = 0; i < 3; i++)
        CloseHandle(threads[i]);
}

static void events(HANDLE device)
{
    HANDLE manual = CreateEventW(NULL, TRUE, FALSE, NULL), automatic = CreateEventW(NULL, FALSE, TRUE, NULL);
    HANDLE both[2] = {manual, automatic};
    (void)device;
    CHECK_EQ(WaitForSingleObject(manual, 0), WAIT_TIMEOUT);
    CHECK_EQ(WaitForSingleObject(automatic, 0), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(automatic, 0), WAIT_TIMEOUT);
    SetEvent(manual);
    CHECK_EQ(WaitForSingleObject(manual, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(manual, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ(WaitForMultipleObjects(2, both, FALSE, 0), WAIT_OBJECT_0);
    CHECK_EQ(WaitForMultipleObjects(2, both, TRUE, 0), WAIT_TIMEOUT);
    SetEvent(automatic);
    CHECK_EQ(WaitForMultipleObjects(2, both, TRUE, 0), WAIT_OBJECT_0);
    ResetEvent(manual);
    SetEvent(automatic);
    CHECK_EQ(WaitForMultipleObjects(2, both, FALSE, INFINITE), WAIT_OBJECT_0 + 1);
    CloseHandle(manual);
    CloseHandle(automatic);
}

static void semaphores(HANDLE device)
{
    LONG before = -1;
    HANDLE semaphore = CreateSemaphoreW(NULL, 1, 2, NULL);
    (void)device;
    CHECK_EQ(WaitForSingleObject(semaphore, 0), WAIT_OBJECT_0);
    CHECK_EQ(WaitForSingleObject(semaphore, 0), WAIT_TIMEOUT);
    CHECK(ReleaseSemaphore(semaphore, 2, &before));
    CHECK_EQ(before, 0);
    CHECK(!ReleaseSemaphore(semaphore, 1, NULL));
    CHECK_EQ(GetLastError(), ERROR_TOO_MANY_POSTS);
    CloseHandle(semaphore);
}

static DWORD WINAPI takes_and_leaves(void *mutex)
{
    return WaitForSingleObject(mutex, INFINITE);
}

static void mutexes(HANDLE device)
{
    HANDLE mutex = CreateMutexW(NULL, TRUE, NULL), thread;
    (void)device;
    CHECK_EQ(WaitForSingleObject(mutex, 0), WAIT_OBJECT_0);
    CHECK(ReleaseMutex(mutex));
    CHECK(ReleaseMutex(mutex));
    CHECK(!ReleaseMutex(mutex));
    CHECK_EQ(GetLastError(), ERROR_NOT_OWNER);
    thread = CreateThread(NULL, 0, takes_and_leaves, mutex, 0, NULL);
    WaitForSingleObject(thread, INFINITE);
    CHECK_EQ(WaitForSingleObject(mutex, 0), WAIT_ABANDONED_0);
    CHECK(ReleaseMutex(mutex));
    CloseHandle(thread);
    CloseHandle(mutex);
}

static void time_passes(HANDLE device)
{
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    ULONGLONG before = GetTickCount64();
    (void)device;
    Sleep(50);
    CHECK(GetTickCount64() - before >= 45);
    before = GetTickCount64();
    CHECK_EQ(WaitForSingleObject(event, 50), WAIT_TIMEOUT);
    CHECK(GetTickCount64() - before >= 45);
    CloseHandle(event);
}

static DWORD slot;
static DWORD WINAPI own_storage(void *argument)
{
    DWORD fresh = TlsGetValue(slot) == NULL;
    TlsSetValue(slot, argument);
    Sleep(10);
    return fresh && TlsGetValue(slot) == argument;
}

static void thread_storage(HANDLE device)
{
    HANDLE threads[2];
    DWORD code;
    (void)device;
    slot = TlsAlloc();
    CHECK(slot != TLS_OUT_OF_INDEXES);
    TlsSetValue(slot, &slot);
    for (int i = 0; i < 2; i++)
        threads[i] = CreateThread(NULL, 0, own_storage, &threads[i], 0, NULL);
    WaitForMultipleObjects(2, threads, TRUE, INFINITE);
    for (int i = 0; i < 2; i++) {
        GetExitCodeThread(threads[i], &code);
        CHECK_EQ(code, 1);
        CloseHandle(threads[i]);
    }
    CHECK(TlsGetValue(slot) == &slot);
    TlsFree(slot);
}

static DWORD WINAPI fails(void *argument)
{
    (void)argument;
    SetLastError(5);
    return GetLastError();
}

static void last_error_is_per_thread(HANDLE device)
{
    HANDLE thread;
    DWORD code;
    (void)device;
    thread = CreateThread(NULL, 0, fails, NULL, 0, NULL);
    WaitForSingleObject(thread, INFINITE);
    SetLastError(1234);
    GetExitCodeThread(thread, &code);
    CHECK_EQ(code, 5);
    CHECK_EQ(GetLastError(), 1234);
    CloseHandle(thread);
}

const struct program_test program_tests[] = {
    {"a thread lives and ends", lives},
    {"critical sections", critical_sections},
    {"events", events},
    {"semaphores", semaphores},
    {"mutexes", mutexes},
    {"time passes", time_passes},
    {"thread-local storage", thread_storage},
    {"the last error belongs to a thread", last_error_is_per_thread},
    {NULL, NULL},
};
