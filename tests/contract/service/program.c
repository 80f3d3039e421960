/* A program that installs, starts, stops and deletes its own driver, as such programs do: the errors of each step, the registry, names
 * and lists. The driver (service.sys) lies beside it. */
#include <windows.h>
#include <winsvc.h>
#include <stdio.h>
#include "../../programs/check.h"

static SC_HANDLE manager;
static char driver_path[MAX_PATH];

static DWORD state_of(SC_HANDLE s)
{
    SERVICE_STATUS_PROCESS p;
    DWORD needed;
    CHECK(QueryServiceStatusEx(s, SC_STATUS_PROCESS_INFO, (BYTE *)&p, sizeof p, &needed));
    CHECK_EQ(p.dwProcessId, 0);
    return p.dwCurrentState;
}

static SC_HANDLE create(const char *name, DWORD start, const char *path)
{
    return CreateServiceA(manager, name, "Contract installer", SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER, start, SERVICE_ERROR_NORMAL, path, NULL, NULL, NULL, NULL, NULL);
}

static void managers(void)
{
    CHECK(!OpenSCManagerA(NULL, "NoSuchDatabase", SC_MANAGER_CONNECT));
    CHECK_EQ(GetLastError(), ERROR_INVALID_NAME);
    SC_HANDLE weak = OpenSCManagerA(NULL, SERVICES_ACTIVE_DATABASEA, SC_MANAGER_CONNECT);
    CHECK(weak != NULL);
    CHECK(!CreateServiceA(weak, "x", "x", SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER, SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, "x.sys", NULL, NULL, NULL, NULL, NULL));
    CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
    CHECK(CloseServiceHandle(weak));
    CHECK(!CloseServiceHandle(weak));
    CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
}

static void bad_arguments(void)
{
    CHECK(!create("a/b", SERVICE_DEMAND_START, driver_path));
    CHECK_EQ(GetLastError(), ERROR_INVALID_NAME);
    CHECK(!OpenServiceA(manager, "", SERVICE_ALL_ACCESS));
    CHECK_EQ(GetLastError(), ERROR_INVALID_NAME);
    CHECK(!OpenServiceA(manager, "no-such-service", SERVICE_ALL_ACCESS));
    CHECK_EQ(GetLastError(), ERROR_SERVICE_DOES_NOT_EXIST);
    CHECK(!create("bad", 9, driver_path));
    CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
}

static void life(void)
{
    SERVICE_STATUS status;
    SC_HANDLE s = create("contract-installer", SERVICE_DEMAND_START, driver_path);
    CHECK(s != NULL);
    CHECK(!create("contract-installer", SERVICE_DEMAND_START, driver_path));
    CHECK_EQ(GetLastError(), ERROR_SERVICE_EXISTS);
    CHECK(!CreateServiceA(manager, "another", "Contract installer", SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER, SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, driver_path, NULL,
                          NULL, NULL, NULL, NULL));
    CHECK_EQ(GetLastError(), ERROR_DUPLICATE_SERVICE_NAME);
    CHECK(QueryServiceStatus(s, &status));
    CHECK_EQ(status.dwCurrentState, SERVICE_STOPPED);
    CHECK_EQ(status.dwServiceType, SERVICE_KERNEL_DRIVER);
    CHECK_EQ(status.dwWin32ExitCode, ERROR_SERVICE_NEVER_STARTED);
    CHECK(!ControlService(s, SERVICE_CONTROL_STOP, &status));
    CHECK_EQ(GetLastError(), ERROR_SERVICE_NOT_ACTIVE);
    CHECK(StartServiceA(s, 0, NULL));
    CHECK_EQ(state_of(s), SERVICE_RUNNING);
    CHECK(!StartServiceA(s, 0, NULL));
    CHECK_EQ(GetLastError(), ERROR_SERVICE_ALREADY_RUNNING);
    HANDLE h = CreateFileA("\\\\.\\Contract-service", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    CHECK(h != INVALID_HANDLE_VALUE);
    CHECK(!ControlService(s, SERVICE_CONTROL_PAUSE, &status));
    CHECK_EQ(GetLastError(), ERROR_INVALID_SERVICE_CONTROL);
    CHECK(ControlService(s, SERVICE_CONTROL_INTERROGATE, &status));
    CHECK_EQ(status.dwCurrentState, SERVICE_RUNNING);
    CHECK_EQ(status.dwControlsAccepted, SERVICE_ACCEPT_STOP);
    /* Its device is open: it goes when that is closed. */
    CHECK(ControlService(s, SERVICE_CONTROL_STOP, &status));
    CHECK_EQ(status.dwCurrentState, SERVICE_STOP_PENDING);
    CHECK(CreateFileA("\\\\.\\Contract-service", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE);
    CHECK(CloseHandle(h));
    for (int i = 0; i < 20 && state_of(s) != SERVICE_STOPPED; i++)
        Sleep(100);
    CHECK_EQ(state_of(s), SERVICE_STOPPED);
    CHECK(QueryServiceStatus(s, &status));
    CHECK_EQ(status.dwWin32ExitCode, 0);
    CHECK(StartServiceA(s, 0, NULL));
    CHECK(ControlService(s, SERVICE_CONTROL_STOP, &status));
    CHECK_EQ(status.dwCurrentState, SERVICE_STOPPED);
    CHECK(DeleteService(s));
    CHECK(!DeleteService(s));
    CHECK_EQ(GetLastError(), ERROR_SERVICE_MARKED_FOR_DELETE);
    CHECK(!StartServiceA(s, 0, NULL));
    CHECK_EQ(GetLastError(), ERROR_SERVICE_MARKED_FOR_DELETE);
    CHECK(!create("contract-installer", SERVICE_DEMAND_START, driver_path));
    CHECK_EQ(GetLastError(), ERROR_SERVICE_MARKED_FOR_DELETE);
    CHECK(CloseServiceHandle(s));
    CHECK(!OpenServiceA(manager, "contract-installer", SERVICE_QUERY_STATUS));
    CHECK_EQ(GetLastError(), ERROR_SERVICE_DOES_NOT_EXIST);
}

static void rights(void)
{
    SERVICE_STATUS status;
    SC_HANDLE s = create("contract-rights", SERVICE_DISABLED, driver_path), weak = OpenServiceA(manager, "contract-rights", SERVICE_QUERY_STATUS);
    CHECK(weak != NULL);
    CHECK(QueryServiceStatus(weak, &status));
    CHECK(!StartServiceA(weak, 0, NULL));
    CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
    CHECK(!DeleteService(weak));
    CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
    CHECK(CloseServiceHandle(weak));
    CHECK(!StartServiceA(s, 0, NULL));
    CHECK_EQ(GetLastError(), ERROR_SERVICE_DISABLED);
    CHECK(ChangeServiceConfigA(s, SERVICE_NO_CHANGE, SERVICE_DEMAND_START, SERVICE_NO_CHANGE, "C:\\nowhere\\none.sys", NULL, NULL, NULL, NULL, NULL, "Another name"));
    CHECK(!StartServiceA(s, 0, NULL));
    CHECK(GetLastError() == ERROR_FILE_NOT_FOUND || GetLastError() == ERROR_PATH_NOT_FOUND);
    CHECK(QueryServiceStatus(s, &status));
    CHECK(status.dwWin32ExitCode == ERROR_FILE_NOT_FOUND || status.dwWin32ExitCode == ERROR_PATH_NOT_FOUND);
    CHECK(DeleteService(s));
    CHECK(CloseServiceHandle(s));
}

static void configuration(void)
{
    union {
        QUERY_SERVICE_CONFIGA c;
        SERVICE_DESCRIPTIONA d;
        char room[2000];
    } u;
    SERVICE_DESCRIPTIONA text = {"What it is for"};
    DWORD needed = 0, type, size = sizeof u;
    char name[100];
    HKEY key;
    SC_HANDLE s = create("contract-config", SERVICE_DEMAND_START, "system32\\drivers\\none.sys");
    CHECK(!QueryServiceConfigA(s, NULL, 0, &needed));
    CHECK_EQ(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    CHECK(QueryServiceConfigA(s, &u.c, sizeof u, &needed));
    CHECK_EQ(u.c.dwServiceType, SERVICE_KERNEL_DRIVER);
    CHECK_EQ(u.c.dwStartType, SERVICE_DEMAND_START);
    CHECK(!strcmp(u.c.lpDisplayName, "Contract installer"));
    CHECK(!strcmp(u.c.lpBinaryPathName, "system32\\drivers\\none.sys"));
    CHECK(ChangeServiceConfig2A(s, SERVICE_CONFIG_DESCRIPTION, &text));
    CHECK(QueryServiceConfig2A(s, SERVICE_CONFIG_DESCRIPTION, (BYTE *)&u, sizeof u, &needed));
    CHECK(!strcmp(u.d.lpDescription, "What it is for"));
    size = sizeof name;
    CHECK(GetServiceKeyNameA(manager, "Contract installer", name, &size));
    CHECK(!strcmp(name, "contract-config"));
    CHECK_EQ(RegOpenKeyExA(HKEY_LOCAL_MACHINE, "SYSTEM\\CurrentControlSet\\Services\\contract-config", 0, KEY_READ, &key), 0);
    size = sizeof needed;
    CHECK_EQ(RegQueryValueExA(key, "Start", NULL, &type, (BYTE *)&needed, &size), 0);
    CHECK_EQ(needed, SERVICE_DEMAND_START);
    RegCloseKey(key);
    CHECK(DeleteService(s));
    CHECK(CloseServiceHandle(s));
}

static int listed(const char *name, DWORD state, DWORD *current)
{
    static char room[20000];
    ENUM_SERVICE_STATUSA *list = (ENUM_SERVICE_STATUSA *)room;
    DWORD needed = 0, count = 0, resume = 0;
    CHECK(!EnumServicesStatusA(manager, SERVICE_DRIVER, state, NULL, 0, &needed, &count, &resume) || !needed);
    CHECK(needed == 0 || GetLastError() == ERROR_MORE_DATA);
    resume = 0;
    CHECK(EnumServicesStatusA(manager, SERVICE_DRIVER, state, list, sizeof room, &needed, &count, &resume));
    for (DWORD i = 0; i < count; i++)
        if (!strcmp(list[i].lpServiceName, name)) {
            *current = list[i].ServiceStatus.dwCurrentState;
            return 1;
        }
    return 0;
}

static void lists(void)
{
    DWORD state = 0;
    SERVICE_STATUS status;
    SC_HANDLE s = create("contract-list", SERVICE_DEMAND_START, driver_path);
    CHECK(listed("contract-list", SERVICE_STATE_ALL, &state) && state == SERVICE_STOPPED);
    CHECK(!listed("contract-list", SERVICE_ACTIVE, &state));
    CHECK(StartServiceA(s, 0, NULL));
    CHECK(listed("contract-list", SERVICE_ACTIVE, &state) && state == SERVICE_RUNNING);
    CHECK(ControlService(s, SERVICE_CONTROL_STOP, &status));
    CHECK(DeleteService(s));
    CHECK(CloseServiceHandle(s));
    CHECK(!listed("contract-list", SERVICE_STATE_ALL, &state));
}

/* The driver is copied where drivers lie, under another name, and started from there. */
static void copied(void)
{
    char to[MAX_PATH];
    SERVICE_STATUS status;
    UINT n = GetSystemDirectoryA(to, MAX_PATH);
    strcpy(to + n, "\\drivers\\contract-copy.sys");
    CHECK(CopyFileA(driver_path, to, FALSE));
    SC_HANDLE s = create("contract-copy", SERVICE_DEMAND_START, "System32\\drivers\\contract-copy.sys");
    CHECK(StartServiceA(s, 0, NULL));
    CHECK(ControlService(s, SERVICE_CONTROL_STOP, &status));
    CHECK(DeleteService(s));
    CHECK(CloseServiceHandle(s));
    CHECK(DeleteFileA(to));
}

int main(void)
{
    char *part;
    DWORD n = GetModuleFileNameA(NULL, driver_path, MAX_PATH);
    CHECK(n > 0 && n < MAX_PATH);
    part = strrchr(driver_path, '\\');
    CHECK(part != NULL);
    strcpy(part + 1, "service.sys");
    CHECK(GetFileAttributesA(driver_path) != INVALID_FILE_ATTRIBUTES);
    manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    CHECK(manager != NULL);
    managers();
    bad_arguments();
    life();
    rights();
    configuration();
    lists();
    copied();
    CHECK(CloseServiceHandle(manager));
    printf("service: %d failed\n", check_failures);
    return check_failures;
}
