/* The exit code is the line of the check in interrupt.c that failed. */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>

int main(void)
{
    ULONG line = 0;
    DWORD bytes;
    HANDLE device = CreateFileA("\\\\.\\InterruptTest", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (device == INVALID_HANDLE_VALUE)
        return 1;
    if (!DeviceIoControl(device, CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS), NULL, 0, &line, sizeof line, &bytes, NULL))
        return 2;
    CloseHandle(device);
    if (line)
        printf("interrupt.c:%lu: the check failed\n", line);
    return (int)line;
}
