/* The exit code is the line of the check in driver.c that failed. With an argument somebody changes the machine meanwhile. */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    SYSTEM_POWER_STATUS power;
    ULONG line = argc > 1;
    DWORD bytes;
    HANDLE device = CreateFileA("\\\\.\\PowerSettings", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    (void)argv;
    if (device == INVALID_HANDLE_VALUE)
        return 1;
    if (!DeviceIoControl(device, CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS), &line, sizeof line, &line, sizeof line, &bytes, NULL))
        return 2;
    CloseHandle(device);
    if (line)
        printf("driver.c:%lu: the check failed\n", line);
    if (argc > 1 && !line && (!GetSystemPowerStatus(&power) || power.ACLineStatus != 0 || power.BatteryLifePercent != 40)) {
        printf("program: line %u, battery %u\n", power.ACLineStatus, power.BatteryLifePercent);
        return 3;
    }
    return (int)line;
}
