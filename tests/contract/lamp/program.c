/* Switches the lamp on and off and on. The exit code is the number of opens that failed. */
#include <windows.h>
#include <stdio.h>

int main(void)
{
    int failed = 0;
    for (int i = 0; i < 2; i++) {
        HANDLE lamp = CreateFileW(L"\\\\.\\Lamp", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
        if (lamp == INVALID_HANDLE_VALUE) {
            printf("open %d failed: %lu\n", i, GetLastError());
            failed++;
        } else
            CloseHandle(lamp);
    }
    return failed;
}
