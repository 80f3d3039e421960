/* The exit code is the line of the check in messages.c that failed. */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    ULONG by_line = argc > 1, line = 0;
    DWORD bytes;
    HANDLE device = CreateFileA("\\\\.\\MessagesTest", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    (void)argv;
    if (device == INVALID_HANDLE_VALUE)
        return 1;
    if (!DeviceIoControl(device, CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS), &by_line, sizeof by_line, &line, sizeof line, &bytes, NULL))
        return 2;
    CloseHandle(device);
    if (line)
        printf("messages.c:%lu: the check failed\n", line);
    return (int)line;
}
