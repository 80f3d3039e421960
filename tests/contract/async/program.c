/* Overlapped I/O as programs see it: events, completion routines, completion ports, the four ways to cancel. */
#include "contract_program.h"

enum { WAIT_IN_QUEUE, COMPLETE_ONE, WAIT_IN_PLACE, AT_ONCE, QUEUED, CLEANUPS, CLOSES, BAD_CLOSES };
#define CODE(n) IOCTL_AREA(n, METHOD_BUFFERED)

static BOOL complete_one(HANDLE device, LONG status)
{
    DWORD n;
    return DeviceIoControl(device, CODE(COMPLETE_ONE), &status, sizeof status, NULL, 0, &n, NULL);
}

static DWORD ask(HANDLE device, DWORD code)
{
    DWORD value = 0, n;
    DeviceIoControl(device, CODE(code), NULL, 0, &value, sizeof value, &n, NULL);
    return value;
}

static void wait_until_queued(HANDLE device, DWORD count)
{
    while (ask(device, QUEUED) < count)
        Sleep(1);
}

static void with_event(HANDLE device)
{
    HANDLE h = contract_open(FILE_FLAG_OVERLAPPED);
    OVERLAPPED o = {.hEvent = CreateEventA(NULL, TRUE, TRUE, NULL)};
    char text[8] = {0};
    DWORD n = 99;

    CHECK(!ReadFile(h, text, 5, &n, &o));
    CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
    CHECK_EQ(WaitForSingleObject(o.hEvent, 0), WAIT_TIMEOUT);
    CHECK(!HasOverlappedIoCompleted(&o));
    CHECK(!GetOverlappedResult(h, &o, &n, FALSE));
    CHECK_EQ(GetLastError(), ERROR_IO_INCOMPLETE);
    CHECK(complete_one(device, 0));
    CHECK_EQ(WaitForSingleObject(o.hEvent, 1000), WAIT_OBJECT_0);
    CHECK(HasOverlappedIoCompleted(&o));
    CHECK(GetOverlappedResult(h, &o, &n, TRUE));
    CHECK_EQ(n, 5);
    CHECK_EQ(memcmp(text, "rrrrr", 6), 0);

    CHECK(!ReadFile(h, text, 5, NULL, &o));
    CHECK(complete_one(device, (LONG)0xC0000185)); /* STATUS_IO_DEVICE_ERROR */
    CHECK(!GetOverlappedResult(h, &o, &n, TRUE));
    CHECK_EQ(GetLastError(), ERROR_IO_DEVICE);
    CHECK_EQ((LONG)o.Internal, (LONG)0xC0000185);
    CloseHandle(o.hEvent);
    CloseHandle(h);
}

static DWORD routine_calls, routine_error, routine_bytes;
static OVERLAPPED *routine_overlapped;

static void CALLBACK routine(DWORD error, DWORD bytes, OVERLAPPED *o)
{
    routine_calls++;
    routine_error = error;
    routine_bytes = bytes;
    routine_overlapped = o;
}

static void with_routine(HANDLE device)
{
    HANDLE h = contract_open(FILE_FLAG_OVERLAPPED);
    OVERLAPPED o = {0};
    char text[8];

    CHECK(ReadFileEx(h, text, 4, &o, routine));
    CHECK_EQ(SleepEx(10, TRUE), 0);
    CHECK(complete_one(device, 0));
    CHECK_EQ(routine_calls, 0); /* only in an alertable wait */
    CHECK_EQ(SleepEx(1000, TRUE), WAIT_IO_COMPLETION);
    CHECK_EQ(routine_calls, 1);
    CHECK_EQ(routine_error, 0);
    CHECK_EQ(routine_bytes, 4);
    CHECK(routine_overlapped == &o);
    CHECK(WriteFileEx(h, text, 4, &o, routine));
    CHECK(CancelIo(h));
    CHECK_EQ(WaitForSingleObjectEx(GetCurrentThread(), 1000, TRUE), WAIT_IO_COMPLETION);
    CHECK_EQ(routine_calls, 2);
    CHECK_EQ(routine_error, ERROR_OPERATION_ABORTED);
    CloseHandle(h);
}

static void ports(HANDLE device)
{
    HANDLE h = contract_open(FILE_FLAG_OVERLAPPED), h2 = contract_open(FILE_FLAG_OVERLAPPED);
    HANDLE port = CreateIoCompletionPort(h, NULL, 11, 0);
    OVERLAPPED a = {0}, b = {0}, *which = &b;
    OVERLAPPED_ENTRY entries[4];
    DWORD n = 1;
    ULONG removed = 0;
    ULONG_PTR key = 0;
    char text[8];

    CHECK(port != NULL);
    CHECK(CreateIoCompletionPort(h2, port, 22, 0) == port);
    CHECK(CreateIoCompletionPort(h2, port, 33, 0) == NULL); /* only once */
    CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
    CHECK(!GetQueuedCompletionStatus(port, &n, &key, &which, 0));
    CHECK_EQ(GetLastError(), WAIT_TIMEOUT);
    CHECK(which == NULL);
    CHECK(PostQueuedCompletionStatus(port, 3, 44, &b));
    CHECK(GetQueuedCompletionStatus(port, &n, &key, &which, 0));
    CHECK(n == 3 && key == 44 && which == &b);

    CHECK(!ReadFile(h, text, 6, NULL, &a));
    CHECK(complete_one(device, 0));
    CHECK(GetQueuedCompletionStatus(port, &n, &key, &which, 1000));
    CHECK(n == 6 && key == 11 && which == &a);
    /* A failed request: FALSE, and yet a packet. */
    CHECK(!ReadFile(h2, text, 6, NULL, &b));
    CHECK(complete_one(device, (LONG)0xC0000185));
    CHECK(!GetQueuedCompletionStatus(port, &n, &key, &which, 1000));
    CHECK_EQ(GetLastError(), ERROR_IO_DEVICE);
    CHECK(key == 22 && which == &b);
    /* One that succeeds at once sends a packet too. */
    CHECK(DeviceIoControl(h, CODE(AT_ONCE), NULL, 0, NULL, 0, NULL, &a));
    CHECK(GetQueuedCompletionStatusEx(port, entries, 4, &removed, 1000, FALSE));
    CHECK(removed == 1 && entries[0].lpOverlapped == &a && entries[0].lpCompletionKey == 11);
    /* Unless the event's low bit is set, or the file was told. */
    a.hEvent = (HANDLE)((ULONG_PTR)CreateEventA(NULL, TRUE, FALSE, NULL) | 1);
    CHECK(DeviceIoControl(h, CODE(AT_ONCE), NULL, 0, NULL, 0, NULL, &a));
    CHECK(!GetQueuedCompletionStatus(port, &n, &key, &which, 0));
    CHECK(SetFileCompletionNotificationModes(h2, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
    b.hEvent = NULL;
    CHECK(DeviceIoControl(h2, CODE(AT_ONCE), NULL, 0, NULL, 0, NULL, &b));
    CHECK(!GetQueuedCompletionStatus(port, &n, &key, &which, 0));
    CloseHandle((HANDLE)((ULONG_PTR)a.hEvent & ~(ULONG_PTR)1));
    CloseHandle(h);
    CloseHandle(h2);
    CloseHandle(port);
}

static DWORD WINAPI waits_at_port(void *port)
{
    DWORD n;
    ULONG_PTR key;
    OVERLAPPED *o;
    return GetQueuedCompletionStatus(port, &n, &key, &o, INFINITE) ? (DWORD)key : GetLastError();
}

static void port_of_threads(HANDLE device)
{
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0), t[2];
    DWORD code[2], sum = 0;
    (void)device;

    for (int i = 0; i < 2; i++)
        t[i] = CreateThread(NULL, 0, waits_at_port, port, 0, NULL);
    PostQueuedCompletionStatus(port, 0, 5, NULL);
    PostQueuedCompletionStatus(port, 0, 6, NULL);
    CHECK_EQ(WaitForMultipleObjects(2, t, TRUE, 5000), WAIT_OBJECT_0);
    for (int i = 0; i < 2; i++) {
        GetExitCodeThread(t[i], &code[i]);
        sum += code[i];
        CloseHandle(t[i]);
    }
    CHECK_EQ(sum, 11);
    t[0] = CreateThread(NULL, 0, waits_at_port, port, 0, NULL);
    Sleep(10);
    CloseHandle(port);
    CHECK_EQ(WaitForSingleObject(t[0], 5000), WAIT_OBJECT_0);
    GetExitCodeThread(t[0], &code[0]);
    CHECK_EQ(code[0], ERROR_ABANDONED_WAIT_0);
    CloseHandle(t[0]);
}

static void cancel_ex(HANDLE device)
{
    HANDLE h = contract_open(FILE_FLAG_OVERLAPPED);
    OVERLAPPED a = {0}, b = {0};
    DWORD n;
    char text[8];

    a.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    b.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    CHECK(!CancelIoEx(h, NULL));
    CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
    ReadFile(h, text, 4, NULL, &a);
    ReadFile(h, text, 4, NULL, &b);
    CHECK(CancelIoEx(h, &b));
    CHECK(!GetOverlappedResult(h, &b, &n, TRUE));
    CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
    CHECK(!HasOverlappedIoCompleted(&a));
    CHECK(CancelIoEx(h, NULL));
    CHECK(!GetOverlappedResult(h, &a, &n, TRUE));
    CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
    CHECK_EQ(ask(device, QUEUED), 0);
    CloseHandle(a.hEvent);
    CloseHandle(b.hEvent);
    CloseHandle(h);
}

/* Closing the last handle sends the clean-up, which cancels; the requests are told to whoever waits for their events. */
static void close_cancels(HANDLE device)
{
    HANDLE h = contract_open(FILE_FLAG_OVERLAPPED);
    DWORD before = ask(device, CLEANUPS), closes = ask(device, CLOSES);
    OVERLAPPED o = {.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL)};
    char text[8];

    ReadFile(h, text, 4, NULL, &o);
    CloseHandle(h);
    CHECK_EQ(ask(device, CLEANUPS), before + 1);
    CHECK_EQ(WaitForSingleObject(o.hEvent, 5000), WAIT_OBJECT_0);
    CHECK_EQ((LONG)o.Internal, (LONG)0xC0000120);
    /* The request held the last reference: IRP_MJ_CLOSE follows its end, at PASSIVE_LEVEL all the same. */
    for (int i = 0; ask(device, CLOSES) == closes && i < 1000; i++)
        Sleep(1);
    CHECK_EQ(ask(device, CLOSES), closes + 1);
    CHECK_EQ(ask(device, BAD_CLOSES), 0);
    CloseHandle(o.hEvent);
}

struct waiter {
    HANDLE file;
    DWORD code;
};

static DWORD WINAPI sends(void *argument)
{
    struct waiter *w = argument;
    DWORD n;
    return DeviceIoControl(w->file, w->code, NULL, 0, NULL, 0, &n, NULL) ? 0 : GetLastError();
}

static void cancel_synchronous(HANDLE device)
{
    static const DWORD codes[] = {CODE(WAIT_IN_QUEUE), CODE(WAIT_IN_PLACE)};

    CHECK(!CancelSynchronousIo(GetCurrentThread()));
    CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
    for (int i = 0; i < 2; i++) {
        struct waiter w = {contract_open(0), codes[i]};
        HANDLE t = CreateThread(NULL, 0, sends, &w, 0, NULL);
        DWORD code = 0;

        if (i == 0)
            wait_until_queued(device, 1);
        while (!CancelSynchronousIo(t)) {
            CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
            Sleep(1);
        }
        CHECK_EQ(WaitForSingleObject(t, 5000), WAIT_OBJECT_0);
        GetExitCodeThread(t, &code);
        CHECK_EQ(code, ERROR_OPERATION_ABORTED);
        CloseHandle(t);
        CloseHandle(w.file);
    }
    CHECK_EQ(ask(device, QUEUED), 0);
}

static DWORD WINAPI leaves_a_request(void *argument)
{
    struct waiter *w = argument;
    static OVERLAPPED o;
    static char text[8];
    ReadFile(w->file, text, 4, NULL, &o);
    return 0;
}

/* A thread that ends takes its requests with it. */
static void thread_end_cancels(HANDLE device)
{
    struct waiter w = {contract_open(FILE_FLAG_OVERLAPPED), 0};
    HANDLE t = CreateThread(NULL, 0, leaves_a_request, &w, 0, NULL);

    CHECK_EQ(WaitForSingleObject(t, 5000), WAIT_OBJECT_0);
    CHECK_EQ(ask(device, QUEUED), 0);
    CloseHandle(t);
    CloseHandle(w.file);
}

/* Without an event the file itself is signalled. */
static void file_as_event(HANDLE device)
{
    HANDLE h = contract_open(FILE_FLAG_OVERLAPPED);
    OVERLAPPED o = {0};
    DWORD n = 0;
    char text[8];

    ReadFile(h, text, 3, NULL, &o);
    CHECK_EQ(WaitForSingleObject(h, 0), WAIT_TIMEOUT);
    complete_one(device, 0);
    CHECK_EQ(WaitForSingleObject(h, 5000), WAIT_OBJECT_0);
    CHECK(GetOverlappedResult(h, &o, &n, TRUE));
    CHECK_EQ(n, 3);
    CloseHandle(h);
}

const struct program_test program_tests[] = {
    {"with_event", with_event},
    {"with_routine", with_routine},
    {"ports", ports},
    {"port_of_threads", port_of_threads},
    {"cancel_ex", cancel_ex},
    {"close_cancels", close_cancels},
    {"cancel_synchronous", cancel_synchronous},
    {"thread_end_cancels", thread_end_cancels},
    {"file_as_event", file_as_event},
    {NULL, NULL},
};
