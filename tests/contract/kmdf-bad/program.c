/* kmdf-bad.exe NAME: one mistake, or its correct twin (good-NAME). */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include <string.h>
#include "codes.h"

static const struct {
    const char *name;
    DWORD code;
} all[] = { { "twice", BAD_TWICE }, { "after-cancel", BAD_AFTER_CANCEL }, { "stop", BAD_STOP }, { "deleted", BAD_DELETED }, { "irql", BAD_IRQL },
            { "parent", BAD_PARENT }, { "recursion", BAD_RECURSION }, { "information", BAD_INFORMATION }, { "unknown", BAD_UNKNOWN },
            { "type", BAD_TYPE }, { "context", BAD_CONTEXT }, { "method", BAD_METHOD }, { "sent-twice", BAD_SENT_TWICE }, { "deleted-request", BAD_DELETED_REQUEST },
            { "cancelable", BAD_CANCELABLE }, { "lock", BAD_LOCK }, { "own-check", BAD_OWN_CHECK }, { "child-of-deleted", BAD_CHILD_OF_DELETED },
            { "returned-raised", BAD_RETURNED_RAISED }, { "resume", BAD_RESUME }, { "power", BAD_POWER }, { "wake", BAD_WAKE }, { "dma", BAD_DMA }, { "system-dma", BAD_SYSTEM_DMA } };

int main(int argc, char **argv)
{
    HANDLE h = CreateFileA("\\\\.\\KmdfBad", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    OVERLAPPED kept = { 0 }, now = { 0 };
    const char *name = argc > 1 ? argv[1] : "";
    int good = strncmp(name, "good-", 5) == 0;
    DWORD code = 0, n, out = 0;
    if (h == INVALID_HANDLE_VALUE)
        return 10;
    kept.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    if (strcmp(name + (good ? 5 : 0), "forgotten") == 0) {
        if (!WriteFile(h, "xy", good ? 1 : 2, &n, &kept) && GetLastError() == ERROR_IO_PENDING)
            GetOverlappedResult(h, &kept, &n, TRUE);
        CloseHandle(h);
        return 0;
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, name + (good ? 5 : 0)) == 0)
            code = all[i].code;
    if (!code)
        return 11;
    kept.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    now.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    if (code == BAD_AFTER_CANCEL || code == BAD_STOP)
        DeviceIoControl(h, code == BAD_STOP ? IOCTL_BAD(BAD_KEEP_UNMARKED) : IOCTL_BAD(BAD_KEEP), NULL, 0, NULL, 0, &n, &kept);
    if (code == BAD_AFTER_CANCEL && !good) {
        CancelIoEx(h, &kept);
        GetOverlappedResult(h, &kept, &n, TRUE);
    }
    if (!DeviceIoControl(h, IOCTL_BAD(code + (good ? GOOD : 0)), NULL, 0, &out, 1, &n, &now) && GetLastError() == ERROR_IO_PENDING)
        GetOverlappedResult(h, &now, &n, TRUE);
    if (code == BAD_AFTER_CANCEL && good && !GetOverlappedResult(h, &kept, &n, TRUE))
        return 12;
    if (code == BAD_STOP)
        GetOverlappedResult(h, &kept, &n, TRUE);
    CloseHandle(h);
    return 0;
}
