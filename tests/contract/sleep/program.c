/* Sends the system to sleep and looks at what the device's driver was asked for. */
#include <windows.h>
#include <winioctl.h>
#include <powrprof.h>
#include <stdio.h>
#include <string.h>
#include "codes.h"

static int failures;
static HANDLE device;

static void control(DWORD code, DWORD value)
{
    DWORD bytes;
    if (!DeviceIoControl(device, code, &value, sizeof value, NULL, 0, &bytes, NULL)) {
        printf("program.c: control %lx: error %lu\n", code, GetLastError());
        failures++;
    }
}

static void check_log(int line, const char *expected)
{
    char text[1001];
    DWORD bytes = 0;
    Sleep(2000); /* the device follows the system */
    DeviceIoControl(device, IOCTL_SLEEP_LOG, NULL, 0, text, 1000, &bytes, NULL);
    text[bytes] = 0;
    if (strcmp(text, expected)) {
        printf("program.c:%d: \"%s\", not \"%s\"\n", line, text, expected);
        failures++;
    }
}

static void check(int line, const char *what, int ok)
{
    if (ok)
        return;
    printf("program.c:%d: %s (error %lu)\n", line, what, GetLastError());
    failures++;
}
#define CHECK(x) check(__LINE__, #x, !!(x))

int main(int argc, char **argv)
{
    SYSTEM_POWER_STATUS status;
    device = CreateFileA("\\\\.\\ContractSleep", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    CHECK(device != INVALID_HANDLE_VALUE);
    if (argc > 1 && !strcmp(argv[1], "told")) { /* somebody else sends it to sleep */
        check_log(__LINE__, "query-S3 leaving set-S3 D3 set-S0 back D0 ");
        printf("sleep: %d failed\n", failures);
        return failures;
    }
    CHECK(SetSuspendState(FALSE, FALSE, FALSE));
    check_log(__LINE__, "query-S3 leaving set-S3 D3 set-S0 back D0 ");
    CHECK(SetSuspendState(TRUE, FALSE, FALSE));
    check_log(__LINE__, "query-S4 leaving set-S4 D3 set-S0 back D0 ");
    control(IOCTL_SLEEP_REFUSE, 1);
    CHECK(!SetSuspendState(FALSE, FALSE, FALSE));
    check_log(__LINE__, "query-S3 set-S0 D0 ");
    CHECK(GetSystemPowerStatus(&status));
    CHECK(status.ACLineStatus == 1);
    /* Idle for three seconds: D3. */
    control(IOCTL_SLEEP_IDLE, 3);
    check_log(__LINE__, "");
    Sleep(3000);
    check_log(__LINE__, "D3 ");
    control(IOCTL_SLEEP_WAKE, 0);
    check_log(__LINE__, "D0 ");
    control(IOCTL_SLEEP_BUSY, 0);
    check_log(__LINE__, "");
    Sleep(4000);
    check_log(__LINE__, "D3 ");
    control(IOCTL_SLEEP_IDLE, 0);
    control(IOCTL_SLEEP_WAKE, 0);
    Sleep(10000);
    check_log(__LINE__, "D0 ");
    CloseHandle(device);
    printf("sleep: %d failed\n", failures);
    return failures;
}
