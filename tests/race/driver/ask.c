/* Sends the control code of a name to the driver, from one thread or (ask NAME 2) from two at once, each with a handle of its own: requests
 * of one synchronous handle come one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <winioctl.h>

#include "codes.h"

static DWORD code;

static DWORD WINAPI ask(LPVOID unused)
{
    DWORD bytes, failed;
    HANDLE device = CreateFileA("\\\\.\\Races", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (device == INVALID_HANDLE_VALUE)
        return 2;
    failed = DeviceIoControl(device, code, NULL, 0, NULL, 0, &bytes, NULL) ? 0 : 1;
    CloseHandle(device);
    return failed;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        DWORD code;
    } names[] = {{"flag", CODE_FLAG},       {"init", CODE_INIT},           {"count", CODE_COUNT}, {"list", CODE_LIST},     {"work", CODE_WORK},        {"context", CODE_CONTEXT},
                 {"completed", CODE_COMPLETED}, {"stack", CODE_STACK}, {"pool", CODE_POOL},     {"global", CODE_GLOBAL},    {"returned", CODE_RETURNED}};
    int threads = argc > 2 ? atoi(argv[2]) : 1;
    HANDLE others[8];
    for (size_t i = 0; argc > 1 && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(argv[1], names[i].name) == 0)
            code = names[i].code;
    if (!code)
        return 2;
    for (int i = 1; i < threads; i++)
        others[i - 1] = CreateThread(NULL, 0, ask, NULL, 0, NULL);
    DWORD failed = ask(NULL);
    if (threads > 1)
        WaitForMultipleObjects((DWORD)threads - 1, others, TRUE, INFINITE);
    return (int)failed;
}
