#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include "codes.h"

static int failed;

static void check(int good, const char *what)
{
    if (!good) {
        printf("failed: %s (error %lu)\n", what, GetLastError());
        failed++;
    }
}

/* 0 if no check of the driver has failed so far */
static DWORD ask(HANDLE h, DWORD code, void *in, DWORD in_bytes, DWORD wanted)
{
    DWORD v = 0xDEAD, n;
    return DeviceIoControl(h, code, in, in_bytes, &v, sizeof v, &n, NULL) && n == wanted ? v & ((1ull << 8 * n) - 1) : 0xDEAD;
}

static HANDLE open_it(const char *name)
{
    return CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
}

int main(void)
{
    DWORD seed = 0x5EED;
    HANDLE h = open_it("\\\\.\\KmdfFirst"), second = open_it("\\\\.\\KmdfFirst"), e = open_it("\\\\.\\KmdfFirstExclusive");
    check(h != INVALID_HANDLE_VALUE && second != INVALID_HANDLE_VALUE, "open twice");
    check(e != INVALID_HANDLE_VALUE, "open the exclusive device");
    check(open_it("\\\\.\\KmdfFirstExclusive") == INVALID_HANDLE_VALUE && GetLastError() == ERROR_ACCESS_DENIED, "… once only");
    CloseHandle(e);
    e = open_it("\\\\.\\KmdfFirstExclusive");
    check(e != INVALID_HANDLE_VALUE, "… and again when it was closed");
    CloseHandle(e);
    CloseHandle(second);
    check(!ask(h, IOCTL_CHILD, NULL, 0, 4), "the child");
    check(!ask(h, IOCTL_PROPERTIES, NULL, 0, 4), "properties");
    check(!ask(h, IOCTL_CONTROL_DEVICES, NULL, 0, 4), "control devices");
    check(!ask(h, IOCTL_INFORMATION, NULL, 0, 3), "information");
    check(!ask(h, IOCTL_MDLS, &seed, sizeof seed, 4), "MDLs");
    check(!ask(h, IOCTL_MDLS, NULL, 0, 4), "no MDL of no input");
    check(!ask(h, IOCTL_CHECKS, NULL, 0, 4), "checks of the driver");
    CloseHandle(h);
    printf("%d failed\n", failed);
    return failed;
}
