/* The functions that cancel, from the user side. */
#include "contract_program.h"
#include <winternl.h>

enum { CANCELLABLE_WAIT, MULTIPLE_WAIT, FIRST_STATUS, IN_WAIT, PEND, CANCEL_CALLS, LEAVES_THREADED };
#define CODE(n) IOCTL_AREA(n, METHOD_BUFFERED)

NTSYSAPI NTSTATUS NTAPI NtCancelSynchronousIoFile(HANDLE, IO_STATUS_BLOCK *, IO_STATUS_BLOCK *);

static DWORD ask(HANDLE device, DWORD code)
{
    DWORD value = 0, n;
    DeviceIoControl(device, CODE(code), NULL, 0, &value, sizeof value, &n, NULL);
    return value;
}

struct sender {
    HANDLE file;
    DWORD code;
};

static DWORD WINAPI sends(void *argument)
{
    struct sender *s = argument;
    DWORD n;
    return DeviceIoControl(s->file, s->code, NULL, 0, NULL, 0, &n, NULL) ? 0 : GetLastError();
}

static HANDLE start(struct sender *s, DWORD code)
{
    s->file = contract_open(0);
    s->code = CODE(code);
    return CreateThread(NULL, 0, sends, s, 0, NULL);
}

static DWORD end_of(HANDLE thread, struct sender *s)
{
    DWORD code = 0xFFFF;
    CHECK_EQ(WaitForSingleObject(thread, 10000), WAIT_OBJECT_0);
    GetExitCodeThread(thread, &code);
    CloseHandle(thread);
    CloseHandle(s->file);
    return code;
}

static void until_it_waits(HANDLE device)
{
    for (int i = 0; ask(device, IN_WAIT) == 0 && i < 1000; i++)
        Sleep(1);
    Sleep(5);
}

static void synchronous(HANDLE device)
{
    static const DWORD codes[] = {CANCELLABLE_WAIT, MULTIPLE_WAIT};
    for (int i = 0; i < 2; i++) {
        struct sender s;
        HANDLE t = start(&s, codes[i]);
        until_it_waits(device);
        CHECK(CancelSynchronousIo(t));
        CHECK_EQ(end_of(t, &s), ERROR_OPERATION_ABORTED);
        CHECK_EQ(ask(device, FIRST_STATUS), 0xC0000120); /* STATUS_CANCELLED */
    }
}

/* Only the request whose status block is named. */
static void by_status_block(HANDLE device)
{
    struct sender s;
    IO_STATUS_BLOCK none, result = {0};
    HANDLE t = start(&s, CANCELLABLE_WAIT);
    until_it_waits(device);
    CHECK_EQ((ULONG)NtCancelSynchronousIoFile(t, &none, &result), 0xC0000225); /* STATUS_NOT_FOUND */
    CHECK_EQ(ask(device, IN_WAIT), 1);
    CHECK_EQ((ULONG)NtCancelSynchronousIoFile(t, NULL, &result), 0);
    CHECK_EQ((ULONG)result.Status, 0);
    CHECK_EQ(end_of(t, &s), ERROR_OPERATION_ABORTED);
}

/* Asynchronous requests are not eligible. */
static void not_asynchronous(HANDLE device)
{
    HANDLE h = contract_open(FILE_FLAG_OVERLAPPED);
    OVERLAPPED o = {.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL)};
    DWORD n;
    ask(device, CANCEL_CALLS);
    CHECK(!DeviceIoControl(h, CODE(PEND), NULL, 0, NULL, 0, NULL, &o));
    CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
    CHECK(!CancelSynchronousIo(GetCurrentThread()));
    CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
    CHECK_EQ(ask(device, CANCEL_CALLS), 0);
    CHECK(CancelIoEx(h, &o));
    CHECK(!GetOverlappedResult(h, &o, &n, TRUE));
    CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
    CHECK_EQ(ask(device, CANCEL_CALLS), 1);
    CloseHandle(o.hEvent);
    CloseHandle(h);
}

struct other {
    HANDLE file;
    OVERLAPPED o;
};

static DWORD WINAPI pends_and_stays(void *argument)
{
    struct other *a = argument;
    DeviceIoControl(a->file, CODE(PEND), NULL, 0, NULL, 0, NULL, &a->o);
    return WaitForSingleObject(a->o.hEvent, 10000);
}

/* CancelIo is for the calling thread's requests, CancelIoEx for all of the process. */
static void of_other_threads(HANDLE device)
{
    struct other a = {contract_open(FILE_FLAG_OVERLAPPED), {.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL)}};
    HANDLE t = CreateThread(NULL, 0, pends_and_stays, &a, 0, NULL);
    DWORD code = 99;
    Sleep(10);
    ask(device, CANCEL_CALLS);
    CHECK(CancelIo(a.file));
    CHECK_EQ(ask(device, CANCEL_CALLS), 0);
    CHECK(CancelIoEx(a.file, NULL));
    CHECK_EQ(WaitForSingleObject(t, 10000), WAIT_OBJECT_0);
    GetExitCodeThread(t, &code);
    CHECK_EQ(code, WAIT_OBJECT_0);
    CHECK_EQ(ask(device, CANCEL_CALLS), 1);
    CHECK(!CancelIoEx(a.file, NULL));
    CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
    CloseHandle(t);
    CloseHandle(a.o.hEvent);
    CloseHandle(a.file);
}

/* Killing the thread ends its cancellable wait. */
static void terminated(HANDLE device)
{
    struct sender s;
    HANDLE t = start(&s, CANCELLABLE_WAIT);
    until_it_waits(device);
    CHECK(TerminateThread(t, 33));
    CHECK_EQ(end_of(t, &s), 33);
    CHECK_EQ(ask(device, FIRST_STATUS), 0xC000004B); /* STATUS_THREAD_IS_TERMINATING */
    CHECK_EQ(ask(device, IN_WAIT), 0);
}

/* The end of a thread cancels what drivers have sent in its name. */
static void threaded_of_a_driver(HANDLE device)
{
    struct sender s;
    ask(device, CANCEL_CALLS);
    HANDLE t = start(&s, LEAVES_THREADED);
    CHECK_EQ(end_of(t, &s), 0);
    CHECK_EQ(ask(device, CANCEL_CALLS), 1);
}

const struct program_test program_tests[] = {
    {"synchronous", synchronous},           {"by_status_block", by_status_block}, {"not_asynchronous", not_asynchronous},
    {"of_other_threads", of_other_threads}, {"terminated", terminated},           {"threaded_of_a_driver", threaded_of_a_driver},
    {NULL, NULL},
};
