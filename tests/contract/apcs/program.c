/* User APCs: which waits they end, when they run, in which order. */
#include "contract_program.h"

enum { WAIT_ALERTABLE_KERNEL, WAIT_ALERTABLE_USER, WAIT_USER };
#define CODE(n) IOCTL_AREA(n, METHOD_BUFFERED)
#define STATUS_TIMEOUT_ 0x102
#define STATUS_USER_APC_ 0xC0

static volatile LONG calls, order[8];

static void CALLBACK apc(ULONG_PTR argument)
{
    LONG i = InterlockedIncrement(&calls) - 1;
    if (i < 8)
        order[i] = (LONG)argument;
}

static void to_itself(HANDLE device)
{
    (void)device;
    calls = 0;
    for (ULONG_PTR i = 1; i <= 3; i++)
        CHECK(QueueUserAPC(apc, GetCurrentThread(), i));
    Sleep(1);
    CHECK_EQ(calls, 0); /* not alertable */
    CHECK_EQ(SleepEx(1000, TRUE), WAIT_IO_COMPLETION);
    CHECK_EQ(calls, 3);
    CHECK(order[0] == 1 && order[1] == 2 && order[2] == 3);
    CHECK_EQ(SleepEx(1, TRUE), 0);
}

static HANDLE event_of_wait;

static DWORD WINAPI waits_alertable(void *context)
{
    (void)context;
    return WaitForSingleObjectEx(event_of_wait, 5000, TRUE);
}

static DWORD WINAPI waits(void *context)
{
    (void)context;
    return WaitForSingleObjectEx(event_of_wait, 5000, FALSE);
}

static DWORD end_of(HANDLE thread)
{
    DWORD code = 99;
    CHECK_EQ(WaitForSingleObject(thread, 5000), WAIT_OBJECT_0);
    GetExitCodeThread(thread, &code);
    CloseHandle(thread);
    return code;
}

static void to_another(HANDLE device)
{
    (void)device;
    calls = 0;
    event_of_wait = CreateEventW(NULL, TRUE, FALSE, NULL);
    HANDLE t = CreateThread(NULL, 0, waits_alertable, NULL, 0, NULL);
    Sleep(10);
    CHECK(QueueUserAPC(apc, t, 7));
    CHECK_EQ(end_of(t), WAIT_IO_COMPLETION);
    CHECK_EQ(calls, 1);
    t = CreateThread(NULL, 0, waits, NULL, 0, NULL);
    Sleep(10);
    CHECK(QueueUserAPC(apc, t, 8));
    Sleep(10);
    CHECK_EQ(calls, 1);
    SetEvent(event_of_wait);
    CHECK_EQ(end_of(t), WAIT_OBJECT_0);
    CHECK_EQ(calls, 1); /* it ended without having been alertable */
    CloseHandle(event_of_wait);
}

/* One that is queued before the thread has run is delivered before the thread begins. */
static DWORD WINAPI returns_calls(void *context)
{
    (void)context;
    return (DWORD)calls;
}

static void before_the_start(HANDLE device)
{
    (void)device;
    calls = 0;
    HANDLE t = CreateThread(NULL, 0, returns_calls, NULL, CREATE_SUSPENDED, NULL);
    CHECK(QueueUserAPC(apc, t, 1));
    ResumeThread(t);
    CHECK_EQ(end_of(t), 1);
    CHECK_EQ(calls, 1);
}

static DWORD wait_in_driver(HANDLE device, int how)
{
    DWORD status = 0, bytes;
    CHECK(DeviceIoControl(device, CODE(how), NULL, 0, &status, sizeof status, &bytes, NULL));
    return status;
}

/* A wait of the driver in the program's thread. */
static void in_the_driver(HANDLE device)
{
    calls = 0;
    QueueUserAPC(apc, GetCurrentThread(), 1);
    CHECK_EQ(wait_in_driver(device, WAIT_USER), STATUS_TIMEOUT_);
    CHECK_EQ(calls, 0);
    CHECK_EQ(wait_in_driver(device, WAIT_ALERTABLE_USER), STATUS_USER_APC_);
    CHECK_EQ(calls, 1); /* on the way back to user mode */
    QueueUserAPC(apc, GetCurrentThread(), 2);
    /* GUESS: a user APC does not end a wait in KernelMode; to be judged on Windows. */
    CHECK_EQ(wait_in_driver(device, WAIT_ALERTABLE_KERNEL), STATUS_TIMEOUT_);
    CHECK_EQ(calls, 1);
    CHECK_EQ(SleepEx(0, TRUE), WAIT_IO_COMPLETION);
    CHECK_EQ(calls, 2);
}

static void CALLBACK queues_another(ULONG_PTR argument)
{
    apc(argument);
    if (argument == 1)
        QueueUserAPC(apc, GetCurrentThread(), 2);
}

/* One that is queued by another runs before the wait returns. */
static void from_an_apc(HANDLE device)
{
    (void)device;
    calls = 0;
    QueueUserAPC(queues_another, GetCurrentThread(), 1);
    CHECK_EQ(SleepEx(1000, TRUE), WAIT_IO_COMPLETION);
    CHECK_EQ(calls, 2);
}

static void ended_thread(HANDLE device)
{
    (void)device;
    HANDLE t = CreateThread(NULL, 0, returns_calls, NULL, 0, NULL);
    CHECK_EQ(WaitForSingleObject(t, 5000), WAIT_OBJECT_0);
    CHECK(!QueueUserAPC(apc, t, 1));
    CloseHandle(t);
}

const struct program_test program_tests[] = {
    {"to_itself", to_itself},
    {"to_another", to_another},
    {"before_the_start", before_the_start},
    {"in_the_driver", in_the_driver},
    {"from_an_apc", from_an_apc},
    {"ended_thread", ended_thread},
    {NULL, NULL},
};
