/* Runs the driver's tests and prints what failed. */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include "codes.h"

int main(void)
{
    static char text[3001];
    DWORD bytes = 0;
    HANDLE device = CreateFileW(L"\\\\.\\ContractPower", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (device == INVALID_HANDLE_VALUE || !DeviceIoControl(device, IOCTL_POWER_RUN, NULL, 0, text, 3000, &bytes, NULL)) {
        printf("the driver does not answer: %lu\n", GetLastError());
        return 1;
    }
    CloseHandle(device);
    printf("%spower: %s\n", text, bytes ? "failed" : "passed");
    return bytes != 0;
}
