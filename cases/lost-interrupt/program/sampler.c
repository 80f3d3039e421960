/* Takes two samples. */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>

#include "../driver/sampler.h"

int main(void)
{
    HANDLE device = CreateFileA("\\\\.\\Sampler", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (device == INVALID_HANDLE_VALUE) {
        printf("open: error %lu\n", GetLastError());
        return 1;
    }
    for (ULONG i = 1; i <= 2; i++) {
        ULONG samples = 0;
        DWORD bytes;
        if (!DeviceIoControl(device, IOCTL_SAMPLER_TAKE, NULL, 0, &samples, sizeof samples, &bytes, NULL) || samples != i) {
            printf("sample %lu: error %lu, the device has counted %lu\n", i, GetLastError(), samples);
            return 1;
        }
    }
    CloseHandle(device);
    return 0;
}
