/* argv[1] device controls of 16 bytes each way. */
#include <stdlib.h>
#include <windows.h>

int main(int argc, char **argv)
{
    HANDLE device = CreateFileA("\\\\.\\RoundTrip", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    char buffer[16] = { 1 };
    DWORD bytes = 0;
    if (device == INVALID_HANDLE_VALUE)
        return 1;
    for (int i = 0, n = argc > 1 ? atoi(argv[1]) : 1; i < n; i++)
        if (!DeviceIoControl(device, 0x222000, buffer, 16, buffer, 16, &bytes, NULL) || bytes != 16)
            return 2;
    CloseHandle(device);
    return 0;
}
