/* usage: faults.exe NAME: asks faults.sys for that fault. */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include <string.h>

static const char *const faults[] = {
#define FAULT(name) #name,
#include "faults.h"
#undef FAULT
};

int main(int argc, char **argv)
{
    DWORD bytes;
    HANDLE device = CreateFileW(L"\\\\.\\Faults", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    OVERLAPPED o = {0};
    for (DWORD i = 0; argc > 1 && i < sizeof faults / sizeof *faults; i++)
        if (strcmp(argv[1], faults[i]) == 0) {
            DeviceIoControl(device, CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + i, METHOD_BUFFERED, FILE_ANY_ACCESS), NULL, 0, NULL, 0, &bytes, &o);
            return 0;
        }
    printf("which fault?\n");
    return 1;
}
