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

static DWORD ask(HANDLE h, DWORD code, DWORD in)
{
    DWORD v = 0xDEAD, n;
    return DeviceIoControl(h, code, &in, sizeof in, &v, sizeof v, &n, NULL) && n == sizeof v ? v : 0xDEAD;
}

static HANDLE open_it(const char *name)
{
    return CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
}

int main(void)
{
    HANDLE h = open_it("\\\\.\\KmdfDevices\\name");
    check(h != INVALID_HANDLE_VALUE, "open");
    check(open_it("\\\\.\\KmdfDevices\\refused") == INVALID_HANDLE_VALUE && GetLastError() == ERROR_ACCESS_DENIED, "an open that the driver refuses");
    check(ask(h, IOCTL_FILE, 0) == 10, "the file's name");
    check(ask(h, IOCTL_INTERRUPT, 0) == 1, "interrupt");
    check(ask(h, IOCTL_DMA, 0) == 4, "DMA");
    check(ask(h, IOCTL_NEITHER, 6) == 7, "user buffers");
    check(ask(h, IOCTL_PREPROCESSED, 0) == 0x3D3, "a WDM callback");
    check(ask(h, IOCTL_MDL, 0) == 0x3D1, "MDLs");
    check(ask(h, IOCTL_CHILD, 1) == 1, "a static child");
    Sleep(100);
    HANDLE c = open_it("\\\\.\\KmdfStatic");
    check(c != INVALID_HANDLE_VALUE, "the child opens");
    check(ask(c, IOCTL_PARENT, 0) == 0xB05, "its request is answered by the parent");
    CloseHandle(c);
    ask(h, IOCTL_CHILD, 0);
    Sleep(100);
    check(open_it("\\\\.\\KmdfStatic") == INVALID_HANDLE_VALUE, "the child is gone");
    check(ask(h, IOCTL_RUN, 0) == 0, "a started device");
    check(ask(h, IOCTL_CHECKS, 0) == 0, "checks of the driver");
    CloseHandle(h);
    printf("%d failed\n", failed);
    return failed;
}
