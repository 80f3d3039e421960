/* OSR's inverted call: of three requests that wait for an event two are answered, in their order, the third is cancelled. */
#include <windows.h>
#include <winioctl.h>
#include <inverted_ioctl.h>
#include <stdio.h>

enum { REQUESTS = 3 };

static DWORD WINAPI events(void *h)
{
    DWORD done, failed = 0;
    for (int i = 0; i < 2; i++)
        failed |= !DeviceIoControl(h, IOCTL_OSR_INVERT_SIMULATE_EVENT_OCCURRED, NULL, 0, NULL, 0, &done, NULL);
    return failed;
}

int main(void)
{
    OVERLAPPED o[REQUESTS] = {0};
    LONG sequence[REQUESTS] = {0}, small;
    DWORD done, code = 1;
    int failed = 0;
    HANDLE h = CreateFileW(L"\\\\.\\Inverted", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    HANDLE plain = CreateFileW(L"\\\\.\\Inverted", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    for (int i = 0; i < REQUESTS; i++) {
        o[i].hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
        if (DeviceIoControl(h, IOCTL_OSR_INVERT_NOTIFICATION, NULL, 0, &sequence[i], sizeof sequence[i], NULL, &o[i]) || GetLastError() != ERROR_IO_PENDING)
            return printf("request %d: error %lu\n", i, GetLastError()), 1;
    }
    HANDLE thread = CreateThread(NULL, 0, events, plain, 0, NULL);
    for (int i = 0; i < 2; i++)
        if (!GetOverlappedResult(h, &o[i], &done, TRUE) || done != sizeof sequence[i] || sequence[i] != i + 1)
            failed |= printf("event %d: %lu bytes, number %ld\n", i, done, sequence[i]) > 0;
    if (!CancelIoEx(h, &o[2]) || GetOverlappedResult(h, &o[2], &done, TRUE) || GetLastError() != ERROR_OPERATION_ABORTED)
        failed |= printf("cancelled: error %lu\n", GetLastError()) > 0;
    if (DeviceIoControl(plain, IOCTL_OSR_INVERT_NOTIFICATION, NULL, 0, &small, 1, &done, NULL) || GetLastError() != ERROR_INVALID_PARAMETER)
        failed |= printf("a buffer that is too small: error %lu\n", GetLastError()) > 0;
    WaitForSingleObject(thread, INFINITE);
    GetExitCodeThread(thread, &code);
    CloseHandle(thread);
    CloseHandle(plain);
    CloseHandle(h);
    for (int i = 0; i < REQUESTS; i++)
        CloseHandle(o[i].hEvent);
    failed |= code != 0;
    puts(failed ? "wrong" : "events 1 and 2");
    return failed;
}
