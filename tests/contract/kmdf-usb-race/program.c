/* kmdf-usb-race.exe cancel|remove: a read is cancelled while another thread has it answered; the device is pulled out while another thread makes an event. */
#include <windows.h>
#include <winioctl.h>
#include <string.h>
#include "../kmdf-usb/unit.h"
#include "codes.h"

static HANDLE h;
static DWORD other;

static BOOL ask(HANDLE file, DWORD code, DWORD in)
{
    OVERLAPPED o = { 0 };
    DWORD n;
    o.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    BOOL good = DeviceIoControl(file, code, &in, sizeof in, NULL, 0, &n, &o) || (GetLastError() == ERROR_IO_PENDING && GetOverlappedResult(file, &o, &n, TRUE));
    CloseHandle(o.hEvent);
    return good;
}

static DWORD WINAPI act(void *unused)
{
    ask(h, other, 0);
    return 0;
}

static HANDLE open_it(const char *name)
{
    return CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
}

/* Both start when the program waits: either may be first. */
static void together(LPTHREAD_START_ROUTINE second, void *argument)
{
    HANDLE t[2] = { CreateThread(NULL, 0, act, NULL, 0, NULL), CreateThread(NULL, 0, second, argument, 0, NULL) };
    WaitForMultipleObjects(2, t, TRUE, INFINITE);
    CloseHandle(t[0]);
    CloseHandle(t[1]);
}

static DWORD WINAPI cancel_it(void *o)
{
    CancelIoEx(h, o);
    return 0;
}

static int cancel(void)
{
    OVERLAPPED o = { 0 };
    DWORD n;
    o.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    other = IOCTL_WRITE;
    DeviceIoControl(h, IOCTL_READ, NULL, 0, NULL, 0, &n, &o);
    together(cancel_it, &o);
    return GetOverlappedResult(h, &o, &n, TRUE) || GetLastError() == ERROR_OPERATION_ABORTED ? 0 : 2;
}

static DWORD WINAPI unplug(void *bus)
{
    ask(bus, IOCTL_UNPLUG, MODEL_ONE);
    return 0;
}

/* The event comes first, or is interrupted by the removal. */
static int pull_out(void)
{
    HANDLE bus = open_it("\\\\.\\UsbBus");
    if (bus == INVALID_HANDLE_VALUE)
        return 3;
    HANDLE t = CreateThread(NULL, 0, unplug, bus, 0, NULL);
    ask(h, IOCTL_EVENT, 0);
    WaitForSingleObject(t, INFINITE);
    return 0;
}

int main(int argc, char **argv)
{
    h = open_it("\\\\.\\KmdfUsbRace");
    if (h == INVALID_HANDLE_VALUE)
        return 1;
    int result = argc > 1 && strcmp(argv[1], "remove") == 0 ? pull_out() : cancel();
    CloseHandle(h);
    return result;
}
