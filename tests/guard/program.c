/* usage: guard.exe NAME [right]: asks guard.sys for that mistake, or for the right way. */
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
    DWORD bytes, right = argc > 2;
    HANDLE device = CreateFileW(L"\\\\.\\Guard", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);

    for (DWORD i = 0; argc > 1 && i < sizeof faults / sizeof *faults; i++)
        if (strcmp(argv[1], faults[i]) == 0)
            return DeviceIoControl(device, CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + i, METHOD_BUFFERED, FILE_ANY_ACCESS), &right, sizeof right, NULL, 0, &bytes, NULL) ? 0 : 2;
    printf("which fault?\n");
    return 1;
}
