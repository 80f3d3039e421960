#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include <string.h>
#include "codes.h"

static HANDLE bus;
static int failed;

static void check(int good, const char *what)
{
    if (!good) {
        printf("failed: %s (error %lu)\n", what, GetLastError());
        failed++;
    }
}

static DWORD ask(HANDLE h, DWORD code)
{
    DWORD v = 0xDEAD, n;
    return DeviceIoControl(h, code, NULL, 0, &v, sizeof v, &n, NULL) && n == sizeof v ? v : 0xDEAD;
}

static int order_is(const char *expected)
{
    char order[64] = { 0 };
    DWORD n;
    if (!DeviceIoControl(bus, IOCTL_ORDER, NULL, 0, order, sizeof order, &n, NULL))
        return 0;
    if (strcmp(order, expected) != 0)
        printf("order is %s, not %s\n", order, expected);
    return strcmp(order, expected) == 0;
}

static int plug(DWORD serial, DWORD code)
{
    DWORD n;
    return DeviceIoControl(bus, code, &serial, sizeof serial, NULL, 0, &n, NULL);
}

static HANDLE child(const char *name)
{
    return CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
}

int main(void)
{
    DWORD n;
    bus = child("\\\\.\\KmdfPnp");
    check(bus != INVALID_HANDLE_VALUE, "the bus opens");
    check(order_is("PEpI"), "callbacks of a start");
    check(ask(bus, IOCTL_FILTERED) == 0xF117E4, "the filter answers");
    check(ask(bus, IOCTL_CHECKS) == 0, "checks of the driver");
    check(ask(bus, IOCTL_CHILDREN) == 0, "no child yet");
    check(plug(7, IOCTL_PLUG) && plug(8, IOCTL_PLUG), "plugged in");
    Sleep(100);
    check(ask(bus, IOCTL_CHILDREN) == 2, "two children");
    HANDLE c = child("\\\\.\\KmdfChild7");
    check(c != INVALID_HANDLE_VALUE, "a raw child opens");
    check(ask(c, IOCTL_WHO) == 7, "which one it is");
    CloseHandle(c);
    check(plug(7, IOCTL_UNPLUG), "unplugged");
    check(!plug(9, IOCTL_UNPLUG), "one that is not there");
    Sleep(100);
    check(ask(bus, IOCTL_CHILDREN) == 1, "one child left");
    check(child("\\\\.\\KmdfChild7") == INVALID_HANDLE_VALUE, "the other is gone");
    check(ask(bus, IOCTL_CHECKS) == 0, "checks of the driver, children");
    DeviceIoControl(bus, IOCTL_FORGET, NULL, 0, NULL, 0, &n, NULL);
    Sleep(3000);
    check(order_is(""), "a child in D0 keeps its bus awake");
    check(plug(8, IOCTL_UNPLUG), "the other unplugged");
    Sleep(100);
    check(ask(bus, IOCTL_CHILDREN) == 0, "no child left");
    DeviceIoControl(bus, IOCTL_FORGET, NULL, 0, NULL, 0, &n, NULL);
    Sleep(3000);
    ask(bus, IOCTL_CHECKS); /* what wakes it is presented before self-managed I/O is restarted */
    check(order_is("sqxepr"), "down when idle, up with the request");
    CloseHandle(bus);
    printf("%d failed\n", failed);
    return failed;
}
