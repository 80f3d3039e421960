/* Plugs the simulated devices, runs the driver's tests on them, pulls one out while a read waits. */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include "codes.h"
#include "unit.h"

static int failures;

static void check(int line, int good)
{
    if (!good) {
        printf("program.c:%d: failed (error %lu)\n", line, GetLastError());
        failures++;
    }
}
#define CHECK(x) check(__LINE__, (x) != 0)

static HANDLE open_it(const char *name)
{
    HANDLE h = INVALID_HANDLE_VALUE;
    for (int i = 0; i < 50 && h == INVALID_HANDLE_VALUE; i++) {
        if (i)
            Sleep(20);
        h = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    }
    return h;
}

static BOOL ask(HANDLE h, DWORD code, DWORD in, DWORD *out)
{
    OVERLAPPED o = { .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) };
    DWORD n;
    BOOL good = DeviceIoControl(h, code, &in, sizeof in, out, out ? sizeof *out : 0, &n, &o) || (GetLastError() == ERROR_IO_PENDING && GetOverlappedResult(h, &o, &n, TRUE));
    DWORD e = GetLastError();
    CloseHandle(o.hEvent);
    SetLastError(e);
    return good;
}

static void run(const char *name)
{
    DWORD count = 0, failed = 0, before = 0;
    HANDLE h = open_it(name);
    CHECK(h != INVALID_HANDLE_VALUE);
    CHECK(ask(h, IOCTL_COUNT, 0, &count) && count);
    for (DWORD i = 0; i < count; i++) {
        CHECK(ask(h, IOCTL_RUN, i, &failed));
        if (failed != before)
            printf("%s: test %lu: %lu checks failed\n", name, i, failed - before);
        before = failed;
    }
    failures += (int)failed;
    CloseHandle(h);
}

/* A read of the program waits in the pipe while the device is pulled out. */
static void pull_out(HANDLE bus)
{
    OVERLAPPED o = { .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) }, c = { .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) };
    char data[64];
    DWORD n;
    HANDLE h = open_it("\\\\.\\KmdfUsb1");
    CHECK(h != INVALID_HANDLE_VALUE);
    CHECK(!DeviceIoControl(h, IOCTL_READ_DIRECT, NULL, 0, data, sizeof data, &n, &o) && GetLastError() == ERROR_IO_PENDING);
    CHECK(!DeviceIoControl(h, IOCTL_READ_DIRECT, NULL, 0, data, sizeof data, &n, &c) && GetLastError() == ERROR_IO_PENDING);
    CHECK(CancelIoEx(h, &c) && !GetOverlappedResult(h, &c, &n, TRUE) && GetLastError() == ERROR_OPERATION_ABORTED);
    CHECK(!HasOverlappedIoCompleted(&o));
    CHECK(ask(bus, IOCTL_UNPLUG, MODEL_ONE, NULL));
    CHECK(!GetOverlappedResult(h, &o, &n, TRUE));
    CHECK(GetLastError() != ERROR_OPERATION_ABORTED); /* the device is gone: nobody has cancelled it */
    Sleep(200);
    CHECK(!ask(h, IOCTL_COUNT, 0, &n));
    CloseHandle(h);
    Sleep(200);
    CHECK(CreateFileA("\\\\.\\KmdfUsb1", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE);
    CHECK(ask(bus, IOCTL_PLUG, MODEL_ONE, NULL)); /* and in again */
    h = open_it("\\\\.\\KmdfUsb1");
    CHECK(h != INVALID_HANDLE_VALUE && ask(h, IOCTL_RUN, 0, &n) && n == 0);
    CloseHandle(h);
}

int main(void)
{
    HANDLE bus = open_it("\\\\.\\UsbBus");
    CHECK(bus != INVALID_HANDLE_VALUE);
    CHECK(ask(bus, IOCTL_PLUG, MODEL_ONE, NULL));
    run("\\\\.\\KmdfUsb1");
    CHECK(ask(bus, IOCTL_PLUG, MODEL_TWO, NULL));
    run("\\\\.\\KmdfUsb2");
    pull_out(bus);
    CloseHandle(bus);
    printf("%d failed\n", failures);
    return failures;
}
