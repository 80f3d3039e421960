#include <windows.h>
#include <winioctl.h>
#include <cfgmgr32.h>
#include <stdio.h>
#include "codes.h"

static HANDLE bus;
static int failures;

static void check(int line, int good)
{
    if (!good) {
        printf("program.c:%d: failed (error %lu)\n", line, GetLastError());
        failures++;
    }
}
#define CHECK(x) check(__LINE__, (x) != 0)

static HANDLE open_it(const char *name)
{
    return CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
}

static BOOL ask(DWORD code, DWORD in, DWORD *out)
{
    OVERLAPPED o = { .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) };
    DWORD n;
    BOOL good = DeviceIoControl(bus, code, &in, sizeof in, out, out ? sizeof *out : 0, &n, &o) || (GetLastError() == ERROR_IO_PENDING && GetOverlappedResult(bus, &o, &n, TRUE));
    CloseHandle(o.hEvent);
    return good;
}

/* Which children can be opened, a bit each. */
static DWORD children(void)
{
    DWORD there = 0;
    Sleep(200);
    for (int i = 0; i < 4; i++) {
        char name[40];
        sprintf(name, "\\\\.\\KmdfListed%d", i);
        HANDLE h = open_it(name);
        if (h != INVALID_HANDLE_VALUE) {
            there |= 1u << i;
            CloseHandle(h);
        }
    }
    return there;
}

static DEVINST node_of(int serial)
{
    char id[60];
    DEVINST node = 0;
    sprintf(id, "LAB\\KmdfListed\\%02d", serial);
    CHECK(CM_Locate_DevNodeA(&node, id, 0) == CR_SUCCESS);
    return node;
}

static DWORD target(void)
{
    DWORD v = 99;
    Sleep(200);
    CHECK(ask(IOCTL_TARGET, 0, &v));
    return v;
}

enum { STARTED = 1, CLOSED = 4, QUERY = 0x100, CANCELED = 0x1000, COMPLETE = 0x10000 };

/* The bus has a target that leads to one of its children, which is disabled, unplugged, not let go. */
static void targets(void)
{
    DEVINST node = node_of(0);
    CHECK(ask(IOCTL_OPEN, 0, NULL) && target() == STARTED);
    CHECK(CM_Disable_DevNode(node, 0) == CR_SUCCESS);
    CHECK(target() == CLOSED + QUERY + COMPLETE);
    CHECK(CM_Enable_DevNode(node, 0) == CR_SUCCESS && children() == 1);
    CHECK(ask(IOCTL_OPEN, 16, NULL) && target() == STARTED);
    CHECK(CM_Disable_DevNode(node, 0) != CR_SUCCESS);
    CHECK((target() & 0xfff) == STARTED + QUERY); /* whether who refuses hears of the end is not said */
    CHECK(ask(IOCTL_OPEN, 32, NULL) && target() == STARTED); /* the framework closes it itself */
    CHECK(CM_Disable_DevNode(node, 0) == CR_SUCCESS);
    CHECK(target() == CLOSED);
    CHECK(CM_Enable_DevNode(node, 0) == CR_SUCCESS && children() == 1);
    HANDLE h = open_it("\\\\.\\KmdfListed0"); /* somebody else keeps it */
    CHECK(ask(IOCTL_OPEN, 0, NULL));
    CHECK(CM_Disable_DevNode(node, 0) != CR_SUCCESS);
    CHECK(target() == STARTED + QUERY + CANCELED); /* and it is opened again */
    CloseHandle(h);
    CHECK(ask(IOCTL_SCAN, 0, NULL));
    CHECK(target() == CLOSED + QUERY + CANCELED + COMPLETE);
}

int main(void)
{
    DWORD failed = 99, dma[64] = { 0 };
    bus = open_it("\\\\.\\KmdfChildren");
    CHECK(bus != INVALID_HANDLE_VALUE);
    CHECK(children() == 1); /* what the scan at the start has found */
    CHECK(ask(IOCTL_SCAN, 7, NULL) && children() == 7);
    CHECK(ask(IOCTL_SCAN, 5, NULL) && children() == 5);
    CHECK(ask(IOCTL_ADDRESSES, 0, NULL));
    CHECK(ask(IOCTL_SCAN, 16 + 8, NULL) && children() == 13); /* 16: all that are there stay */
    CHECK(ask(IOCTL_EJECT, 2, NULL) && children() == 9);
    CHECK(ask(IOCTL_EJECT_PDO, 3, NULL) && children() == 1);
    CHECK(ask(IOCTL_DEVICE, 0, NULL));
    targets();
    OVERLAPPED kept = { .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) }, o = { .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) };
    DWORD n, in = 0;
    HANDLE other = open_it("\\\\.\\KmdfChildren");
    DeviceIoControl(bus, IOCTL_KEEP, &in, sizeof in, NULL, 0, &n, &kept);
    CHECK(!DeviceIoControl(other, IOCTL_KEEP, &in, sizeof in, NULL, 0, &n, &o) && GetLastError() == ERROR_IO_PENDING);
    CHECK(ask(IOCTL_FILE, 0, NULL));
    CHECK(GetOverlappedResult(bus, &kept, &n, TRUE) && !HasOverlappedIoCompleted(&o));
    CancelIoEx(other, &o);
    CHECK(!GetOverlappedResult(other, &o, &n, TRUE) && GetLastError() == ERROR_OPERATION_ABORTED);
    CloseHandle(other);
    ResetEvent(o.hEvent);
    CHECK((DeviceIoControl(bus, IOCTL_DMA, &in, sizeof in, dma, sizeof dma, &n, &o) || GetOverlappedResult(bus, &o, &n, TRUE)) && n == sizeof dma);
    CHECK(ask(IOCTL_FAILED, 0, &failed) && failed == 0);
    CloseHandle(bus);
    printf("%d and %lu failed\n", failures, failed);
    return failures + (int)failed;
}
