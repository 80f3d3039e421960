/* Cancellation as a program sees it. */
#include "contract_program.h"
#include "csq_codes.h"

static BOOL park(HANDLE device, OVERLAPPED *o)
{
    ZeroMemory(o, sizeof *o);
    o->hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    return DeviceIoControl(device, IOCTL_PARK, NULL, 0, NULL, 0, NULL, o);
}

static void released(HANDLE control)
{
    OVERLAPPED o;
    DWORD bytes;
    HANDLE device = contract_open(FILE_FLAG_OVERLAPPED);
    CHECK(!park(device, &o));
    CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
    CHECK(!GetOverlappedResult(device, &o, &bytes, FALSE));
    CHECK_EQ(GetLastError(), ERROR_IO_INCOMPLETE);
    CHECK(DeviceIoControl(control, IOCTL_RELEASE, NULL, 0, NULL, 0, &bytes, NULL));
    CHECK(GetOverlappedResult(device, &o, &bytes, TRUE));
    CHECK_EQ(bytes, 0);
    CloseHandle(o.hEvent);
    CloseHandle(device);
}

static void cancelled_all(HANDLE control)
{
    OVERLAPPED a, b;
    DWORD bytes;
    HANDLE device = contract_open(FILE_FLAG_OVERLAPPED);
    (void)control;
    CHECK(!park(device, &a));
    CHECK(!park(device, &b));
    CHECK(CancelIo(device));
    CHECK(!GetOverlappedResult(device, &a, &bytes, TRUE));
    CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
    CHECK(!GetOverlappedResult(device, &b, &bytes, TRUE));
    CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
    CHECK_EQ((unsigned)a.Internal, 0xC0000120);
    CloseHandle(a.hEvent);
    CloseHandle(b.hEvent);
    CloseHandle(device);
}

static void cancelled_one(HANDLE control)
{
    OVERLAPPED a, b, none;
    DWORD bytes;
    HANDLE device = contract_open(FILE_FLAG_OVERLAPPED);
    CHECK(!park(device, &a));
    CHECK(!park(device, &b));
    ZeroMemory(&none, sizeof none);
    CHECK(!CancelIoEx(device, &none));
    CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
    CHECK(CancelIoEx(device, &a));
    CHECK(!GetOverlappedResult(device, &a, &bytes, TRUE));
    CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
    CHECK_EQ(WaitForSingleObject(b.hEvent, 0), WAIT_TIMEOUT);
    CHECK(DeviceIoControl(control, IOCTL_RELEASE, NULL, 0, NULL, 0, &bytes, NULL));
    CHECK(GetOverlappedResult(device, &b, &bytes, TRUE));
    CloseHandle(a.hEvent);
    CloseHandle(b.hEvent);
    CloseHandle(device);
}

static DWORD WINAPI park_and_leave(void *device)
{
    static OVERLAPPED o;
    return park(device, &o);
}

/* A thread that ends takes its requests with it. */
static void cancelled_by_thread_end(HANDLE control)
{
    HANDLE device = contract_open(FILE_FLAG_OVERLAPPED), thread;
    DWORD bytes, code;
    thread = CreateThread(NULL, 0, park_and_leave, device, 0, NULL);
    CHECK_EQ(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(thread, &code));
    CHECK_EQ(code, 0);
    CHECK(DeviceIoControl(control, IOCTL_RELEASE, NULL, 0, NULL, 0, &bytes, NULL));
    CloseHandle(thread);
    CloseHandle(device);
}

static void cancelled_by_close(HANDLE control)
{
    OVERLAPPED o;
    HANDLE device = contract_open(FILE_FLAG_OVERLAPPED);
    (void)control;
    CHECK(!park(device, &o));
    CHECK(CloseHandle(device));
    CHECK_EQ(WaitForSingleObject(o.hEvent, INFINITE), WAIT_OBJECT_0);
    CHECK_EQ((unsigned)o.Internal, 0xC0000120);
    CloseHandle(o.hEvent);
}

const struct program_test program_tests[] = {
    {"pended and released", released},
    {"CancelIo", cancelled_all},
    {"CancelIoEx", cancelled_one},
    {"a thread ends", cancelled_by_thread_end},
    {"the handle is closed", cancelled_by_close},
    {NULL, NULL},
};
