/* Every way in which a program may order two threads' accesses to plain memory: none of it is a race. Number ONE; with WRONG one side also
 * touches the memory on its own. */
#define _WIN32_WINNT 0x0A00
#include <stdatomic.h>
#include <windows.h>

int plain;
static CRITICAL_SECTION section;
static SRWLOCK srw = SRWLOCK_INIT;
static CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;
static HANDLE mutex, semaphore, token, handed, port;
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static LONG there;
static atomic_int released;
static SLIST_HEADER *stack;
static volatile LONG flag;
static volatile int sink;

typedef void body(int side);

static void by_section(int side)
{
    EnterCriticalSection(&section);
    plain++;
    LeaveCriticalSection(&section);
}

static void by_try_section(int side)
{
    if (TryEnterCriticalSection(&section)) {
        plain++;
        LeaveCriticalSection(&section);
    }
}

static void by_srw(int side)
{
    if (side) {
        AcquireSRWLockExclusive(&srw);
        plain++;
        ReleaseSRWLockExclusive(&srw);
    } else {
        AcquireSRWLockShared(&srw);
        sink = plain;
        ReleaseSRWLockShared(&srw);
    }
}

static void by_condition(int side)
{
    EnterCriticalSection(&section);
    if (side) {
        plain = 1;
        WakeConditionVariable(&changed);
    } else {
        while (!plain)
            SleepConditionVariableCS(&changed, &section, INFINITE);
    }
    LeaveCriticalSection(&section);
}

static void by_mutex(int side)
{
    WaitForSingleObject(mutex, INFINITE);
    plain++;
    ReleaseMutex(mutex);
}

static void by_semaphore(int side)
{
    WaitForSingleObject(semaphore, INFINITE);
    plain++;
    ReleaseSemaphore(semaphore, 1, NULL);
}

static void by_token(int side)
{
    WaitForSingleObject(token, INFINITE);
    plain++;
    SetEvent(token);
}

static void by_hand(int side)
{
    if (side) {
        plain++;
        SetEvent(handed);
    } else {
        HANDLE both[2] = {handed, mutex};
        WaitForMultipleObjects(1, both, FALSE, 1000);
        if (WaitForSingleObject(handed, INFINITE) == WAIT_OBJECT_0)
            plain++;
    }
}

static void by_signal_and_wait(int side)
{
    if (side)
        SignalObjectAndWait(handed, token, INFINITE, FALSE);
    else
        WaitForSingleObject(handed, INFINITE);
    if (!side) {
        plain++;
        SetEvent(token);
    } else {
        plain++;
    }
}

static void by_address(int side)
{
    LONG none = 0;
    if (side) {
        plain++;
        InterlockedExchange(&there, 1);
        WakeByAddressAll(&there);
    } else {
        while (!InterlockedCompareExchange(&there, 0, 0))
            WaitOnAddress(&there, &none, sizeof there, INFINITE);
        plain++;
    }
}

static BOOL CALLBACK make(PINIT_ONCE o, PVOID parameter, PVOID *context)
{
    plain = 5;
    return TRUE;
}

static void by_once(int side)
{
    InitOnceExecuteOnce(&once, make, NULL, NULL);
    sink = plain;
}

static void by_release(int side)
{
    if (side) {
        plain++;
        atomic_store_explicit(&released, 1, memory_order_release);
    } else if (atomic_load_explicit(&released, memory_order_acquire)) {
        plain++;
    }
}

static void by_port(int side)
{
    DWORD bytes;
    ULONG_PTR key;
    OVERLAPPED *o;
    if (side) {
        plain++;
        PostQueuedCompletionStatus(port, 1, 2, NULL);
    } else if (GetQueuedCompletionStatus(port, &bytes, &key, &o, INFINITE)) {
        plain++;
    }
}

static void by_stack(int side)
{
    static struct {
        SLIST_ENTRY entry;
        int value;
    } node __attribute__((aligned(16)));
    if (side) {
        node.value = 1;
        InterlockedPushEntrySList(stack, &node.entry);
    } else if (InterlockedPopEntrySList(stack)) {
        node.value++;
    }
}

static VOID CALLBACK work(PTP_CALLBACK_INSTANCE instance, PVOID context, PTP_WORK w)
{
    plain++;
}

static void by_pool(int side)
{
    if (side)
        return;
    PTP_WORK w = CreateThreadpoolWork(work, NULL, NULL);
    plain++;
    SubmitThreadpoolWork(w);
    WaitForThreadpoolWorkCallbacks(w, FALSE);
    plain++;
    CloseThreadpoolWork(w);
}

static VOID CALLBACK apc(ULONG_PTR parameter)
{
    plain++;
}

static void by_apc(int side)
{
    if (side)
        return;
    QueueUserAPC(apc, GetCurrentThread(), 0);
    plain++;
    SleepEx(INFINITE, TRUE);
    plain++;
}

static void by_volatile(int side)
{
    if (side) {
        plain++;
        flag = 1;
    } else if (flag) {
        plain++;
    }
}

static body *const bodies[] = {by_section, by_try_section, by_srw, by_condition, by_mutex, by_semaphore, by_token, by_hand, by_signal_and_wait, by_address, by_once,
                               by_release, by_port, by_stack, by_pool, by_apc, by_volatile};

static DWORD WINAPI other(LPVOID unused)
{
    bodies[ONE](1);
    return 0;
}

int main(void)
{
    InitializeCriticalSection(&section);
    mutex = CreateMutexA(NULL, FALSE, NULL);
    semaphore = CreateSemaphoreA(NULL, 1, 1, NULL);
    token = CreateEventA(NULL, FALSE, ONE == 6, NULL);
    handed = CreateEventA(NULL, TRUE, FALSE, NULL);
    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    stack = _aligned_malloc(sizeof *stack, 16);
    InitializeSListHead(stack);
    HANDLE h = CreateThread(NULL, 0, other, NULL, 0, NULL);
    bodies[ONE](0);
#ifdef WRONG
    plain++;
#endif
    WaitForSingleObject(h, INFINITE);
    plain++;
    return 0;
}
