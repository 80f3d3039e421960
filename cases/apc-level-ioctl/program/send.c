/* Two threads ask sender.sys to send, in the way that the arguments name ("mutex", "guarded", "later"; all of them in turn if none is
 * given). The exit code counts what failed. */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include <string.h>
#include "../driver/sender.h"

static const struct way {
    const char *name;
    DWORD code;
} ways[] = {
    {"mutex", IOCTL_SENDER_UNDER_FAST_MUTEX},
    {"guarded", IOCTL_SENDER_IN_GUARDED_REGION},
    {"later", IOCTL_SENDER_LATER_UNDER_FAST_MUTEX},
};

static int wanted[3];

static DWORD WINAPI send_all(void *context)
{
    DWORD bytes, failures = 0;
    HANDLE device = CreateFileW(L"\\\\.\\Sender", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    (void)context;
    if (device == INVALID_HANDLE_VALUE) {
        printf("open: %lu\n", GetLastError());
        return 1;
    }
    for (int i = 0; i < 3; i++)
        if (wanted[i] && !DeviceIoControl(device, ways[i].code, NULL, 0, NULL, 0, &bytes, NULL)) {
            printf("%s: %lu\n", ways[i].name, GetLastError());
            failures++;
        }
    CloseHandle(device);
    return failures;
}

int main(int argc, char **argv)
{
    DWORD code = 1;
    for (int i = 0; i < 3; i++)
        wanted[i] = argc == 1;
    for (int a = 1; a < argc; a++)
        for (int i = 0; i < 3; i++)
            if (strcmp(argv[a], ways[i].name) == 0)
                wanted[i] = 1;
    HANDLE thread = CreateThread(NULL, 0, send_all, NULL, 0, NULL);
    int failures = (int)send_all(NULL);
    WaitForSingleObject(thread, INFINITE);
    GetExitCodeThread(thread, &code);
    CloseHandle(thread);
    return failures + (int)code;
}
