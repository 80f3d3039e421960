#include <windows.h>
#include <stdio.h>

int main(void)
{
    SERVICE_STATUS status;
    HANDLE h = CreateFileA("\\\\.\\KmdfMiniport", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (h == INVALID_HANDLE_VALUE)
        return printf("cannot open the device: %lu\n", GetLastError()), 1;
    CloseHandle(h);
    SC_HANDLE service = OpenServiceA(OpenSCManagerA(NULL, NULL, SC_MANAGER_CONNECT), "kmdf-miniport", SERVICE_STOP);
    if (!service || !ControlService(service, SERVICE_CONTROL_STOP, &status))
        return printf("cannot stop the driver: %lu\n", GetLastError()), 1;
    return status.dwCurrentState != SERVICE_STOPPED;
}
