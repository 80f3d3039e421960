/* One thread waits in the driver, the other posts. Ends when the waiter has been woken; the exit code counts what failed. */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include "../driver/wakeup.h"

static HANDLE started;

static int control(DWORD code)
{
    DWORD bytes;
    HANDLE device = CreateFileW(L"\\\\.\\Wakeup", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (device == INVALID_HANDLE_VALUE) {
        printf("open: %lu\n", GetLastError());
        return 1;
    }
    if (code == IOCTL_WAKEUP_WAIT)
        SetEvent(started);
    BOOL done = DeviceIoControl(device, code, NULL, 0, NULL, 0, &bytes, NULL);
    if (!done)
        printf("control 0x%lX: %lu\n", code, GetLastError());
    CloseHandle(device);
    return !done;
}

static DWORD WINAPI waiter(void *context)
{
    (void)context;
    return control(IOCTL_WAKEUP_WAIT);
}

int main(void)
{
    DWORD code = 1;
    started = CreateEventW(NULL, FALSE, FALSE, NULL);
    HANDLE thread = CreateThread(NULL, 0, waiter, NULL, 0, NULL);
    WaitForSingleObject(started, INFINITE);
    int failures = control(IOCTL_WAKEUP_POST);
    WaitForSingleObject(thread, INFINITE);
    GetExitCodeThread(thread, &code);
    CloseHandle(thread);
    CloseHandle(started);
    return failures + (int)code;
}
