/* A program that installs the driver beside it, uses it and removes it, twice: as driver test programs do. */
#include "check.h"

#include <winsvc.h>

#define IOCTL_COUNT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
#ifndef CTL_CODE
#define CTL_CODE(type, function, method, access) ((type) << 16 | (access) << 14 | (function) << 2 | (method))
#define FILE_DEVICE_UNKNOWN 0x22
#define METHOD_BUFFERED 0
#define FILE_ANY_ACCESS 0
#endif

static char path[MAX_PATH];

/* The driver's file must be there before the manager is asked to start it. */
static void find_driver(void)
{
    DWORD n = GetModuleFileNameA(NULL, path, sizeof path);
    while (n && path[n - 1] != '\\')
        n--;
    strcpy(path + n, "loaded.sys");
    HANDLE h = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    CHECK(h != INVALID_HANDLE_VALUE);
    CHECK(GetFileSize(h, NULL) > 1000);
    CloseHandle(h);
}

static void use_device(LONG expected)
{
    LONG count = 0;
    DWORD bytes = 0;
    HANDLE h = CreateFileA("\\\\.\\IrplabLoaded", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    CHECK(h != INVALID_HANDLE_VALUE);
    CHECK(DeviceIoControl(h, IOCTL_COUNT, NULL, 0, &count, sizeof count, &bytes, NULL));
    CHECK_EQ(bytes, 4);
    CHECK_EQ(count, expected);
    CHECK(!DeviceIoControl(h, IOCTL_COUNT, NULL, 0, &count, 2, &bytes, NULL));
    CHECK_EQ(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    CHECK(!DeviceIoControl(h, IOCTL_COUNT + 4, NULL, 0, NULL, 0, &bytes, NULL));
    CHECK_EQ(GetLastError(), ERROR_INVALID_FUNCTION);
    CloseHandle(h);
}

static void once(void)
{
    SERVICE_STATUS status;
    SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ALL_ACCESS), s;
    CHECK(manager != NULL);
    s = CreateServiceA(manager, "loaded", "loaded", SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER, SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, path, NULL, NULL,
                       NULL, NULL, NULL);
    CHECK(s != NULL);
    CHECK(CreateFileA("\\\\.\\IrplabLoaded", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
    CHECK(StartServiceA(s, 0, NULL));
    CHECK(!StartServiceA(s, 0, NULL));
    CHECK_EQ(GetLastError(), ERROR_SERVICE_ALREADY_RUNNING);
    CHECK(QueryServiceStatus(s, &status));
    CHECK_EQ(status.dwCurrentState, SERVICE_RUNNING);
    use_device(1); /* the image is new each time */
    CHECK(ControlService(s, SERVICE_CONTROL_STOP, &status));
    CHECK_EQ(status.dwCurrentState, SERVICE_STOPPED);
    CHECK(!ControlService(s, SERVICE_CONTROL_STOP, &status));
    CHECK_EQ(GetLastError(), ERROR_SERVICE_NOT_ACTIVE);
    CHECK(DeleteService(s));
    CHECK(!DeleteService(s));
    CHECK_EQ(GetLastError(), ERROR_SERVICE_MARKED_FOR_DELETE);
    CloseServiceHandle(s);
    CHECK(OpenServiceA(manager, "loaded", SERVICE_ALL_ACCESS) == NULL);
    CHECK_EQ(GetLastError(), ERROR_SERVICE_DOES_NOT_EXIST);
    CloseServiceHandle(manager);
}

int main(void)
{
    find_driver();
    once();
    once();
    return check_failures;
}
