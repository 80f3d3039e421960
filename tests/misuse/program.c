/* Sends the control code whose number is its argument. 8: pends, and another thread cancels it about when it ends by itself.
 * 11 and 12: pends, then the driver is stopped at once. */
#include <windows.h>
#include <winioctl.h>
#include <stdlib.h>

static HANDLE device;

static int stop(void)
{
    SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE service = manager ? OpenServiceA(manager, "misuse", SERVICE_STOP) : NULL;
    SERVICE_STATUS status;
    int result = service && ControlService(service, SERVICE_CONTROL_STOP, &status) ? 0 : 4;
    if (service)
        CloseServiceHandle(service);
    if (manager)
        CloseServiceHandle(manager);
    return result;
}

static DWORD WINAPI canceller(void *unused)
{
    (void)unused;
    Sleep(10);
    CancelIoEx(device, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    int code = argc > 1 ? atoi(argv[1]) : 0;
    static char out[64];
    DWORD n = 0;
    OVERLAPPED o = {0};
    HANDLE thread = NULL;

    device = CreateFileA("\\\\.\\Misuse", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    if (device == INVALID_HANDLE_VALUE)
        return 1;
    o.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    if (code == 8)
        thread = CreateThread(NULL, 0, canceller, NULL, 0, NULL);
    if (!DeviceIoControl(device, CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + code, METHOD_NEITHER, FILE_ANY_ACCESS), NULL, 0, out, sizeof(out), &n, &o) &&
        GetLastError() != ERROR_IO_PENDING)
        return 2;
    if (!GetOverlappedResult(device, &o, &n, TRUE) && GetLastError() != ERROR_OPERATION_ABORTED)
        return 3;
    if (thread) {
        WaitForSingleObject(thread, INFINITE);
        CloseHandle(thread);
    }
    CloseHandle(o.hEvent);
    CloseHandle(device);
    return code >= 11 ? stop() : 0;
}
