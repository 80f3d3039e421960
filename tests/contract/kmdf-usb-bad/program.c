/* kmdf-usb-bad.exe [good-]NAME: has the driver make a mistake, or not. */
#include <windows.h>
#include <winioctl.h>
#include <string.h>
#include "codes.h"

static const char *const names[] = { "not-stopped", "stop-inside", "size", "raised", "unconfigured" };

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    DWORD what = 0, n;
    if (strncmp(name, "good-", 5) == 0) {
        what = MISTAKE_GOOD;
        name += 5;
    }
    for (DWORD i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            what |= i + 1;
    HANDLE h = CreateFileA("\\\\.\\KmdfUsbBad", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (h == INVALID_HANDLE_VALUE || !(what & ~MISTAKE_GOOD))
        return 1;
    BOOL good = DeviceIoControl(h, IOCTL_MISTAKE, &what, sizeof what, NULL, 0, &n, NULL);
    CloseHandle(h);
    return good ? 0 : 2;
}
