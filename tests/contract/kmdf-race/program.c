/* kmdf-race.exe timer: a timer is deleted while its callback is under way. kmdf-race.exe queue|held|purge: a request is cancelled while another thread has it completed (or its queue purged). */
#include <windows.h>
#include <winioctl.h>
#include <string.h>
#include "codes.h"

static HANDLE h;
static DWORD other;

static DWORD WINAPI finish(void *unused)
{
    OVERLAPPED o = { 0 };
    DWORD n;
    o.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    if (!DeviceIoControl(h, other, NULL, 0, NULL, 0, &n, &o) && GetLastError() == ERROR_IO_PENDING)
        GetOverlappedResult(h, &o, &n, TRUE);
    CloseHandle(o.hEvent);
    return 0;
}

int main(int argc, char **argv)
{
    OVERLAPPED o = { 0 };
    DWORD n, first = IOCTL_WAIT;
    const char *how = argc > 1 ? argv[1] : "queue";
    h = CreateFileA("\\\\.\\KmdfRace", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    if (h == INVALID_HANDLE_VALUE)
        return 1;
    if (strcmp(how, "timer") == 0) {
        o.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
        if (!DeviceIoControl(h, IOCTL_TIMER, NULL, 0, NULL, 0, &n, &o) && (GetLastError() != ERROR_IO_PENDING || !GetOverlappedResult(h, &o, &n, TRUE)))
            return 3;
        CloseHandle(h);
        return 0;
    }
    other = IOCTL_NEXT;
    if (strcmp(how, "held") == 0) {
        first = IOCTL_HOLD;
        other = IOCTL_RELEASE;
    } else if (strcmp(how, "purge") == 0) {
        other = IOCTL_PURGE;
    }
    o.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    DeviceIoControl(h, first, NULL, 0, NULL, 0, &n, &o);
    HANDLE t = CreateThread(NULL, 0, finish, NULL, 0, NULL);
    CancelIoEx(h, &o);
    BOOL ok = GetOverlappedResult(h, &o, &n, TRUE);
    DWORD e = ok ? 0 : GetLastError();
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
    CloseHandle(h);
    return ok || e == ERROR_OPERATION_ABORTED ? 0 : 2;
}
