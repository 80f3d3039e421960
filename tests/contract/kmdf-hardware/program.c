#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include "codes.h"

int main(void)
{
    DWORD failed = 0, n;
    HANDLE h = CreateFileA("\\\\.\\KmdfHardware", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (h == INVALID_HANDLE_VALUE)
        return 100;
    for (DWORD i = 0; i < HARDWARE_TESTS; i++)
        if (!DeviceIoControl(h, IOCTL_HARDWARE(i), NULL, 0, &failed, sizeof failed, &n, NULL))
            return 101;
    CloseHandle(h);
    printf("%lu failed\n", failed);
    return (int)failed;
}
